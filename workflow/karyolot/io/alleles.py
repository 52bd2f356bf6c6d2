"""Alleles of our own alignments at the sites of a panel; as a program, of RNA.

    python -m karyolot.io.alleles ALIGNMENT FASTA SITES ALLELES SETTINGS

SITES and ALLELES are tables, SETTINGS the section `identity` as JSON.
"""

import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd
import pysam
from numpy.typing import NDArray

from karyolot.contracts.alleles import BASES, COUNTS, AlleleCounts, Sites
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Identity
from karyolot.io.alignment import NOT_COUNTED, open_alignment
from karyolot.io.alignment_index import NO_PARTS, parts_of
from karyolot.io.files import PathLike
from karyolot.io.tables import read_table, write_table

Integers = NDArray[np.int64]
_CONSUMES_BOTH = {pysam.CMATCH, pysam.CEQUAL, pysam.CDIFF}
_CONSUMES_READ = {pysam.CINS, pysam.CSOFT_CLIP}
_CONSUMES_REFERENCE = {pysam.CDEL, pysam.CREF_SKIP}


def count_alleles(
    alignment: PathLike, fasta: PathLike, sites: pd.DataFrame, settings: Identity, *, spliced: bool = False
) -> pd.DataFrame:
    """Schema AlleleCounts of an indexed, coordinate-sorted BAM or CRAM at `sites` (schema Sites).

    Counted: primary, proper (spliced: alone as well, since a mate may lie in another exon or across two), not duplicate,
    not failed, mapping quality and base quality at or above the limits; a fragment once, not at all where its mates
    overlap and disagree. The index shows which parts of the file hold sites; each of these is decoded once, the others never.
    """
    counts = np.zeros((len(sites), 3), dtype=np.int64)
    refs, alts = sites["ref"].tolist(), sites["alt"].tolist()
    refused = NOT_COUNTED & ~pysam.FMUNMAP if spliced else NOT_COUNTED
    needed = 0 if spliced else pysam.FPROPER_PAIR

    def counted(read: pysam.AlignedSegment) -> bool:
        flag = read.flag
        return not flag & refused and flag & needed == needed and read.mapping_quality >= settings.min_mapq

    with open_alignment(alignment, fasta) as handle:
        parts = parts_of(handle, alignment)
        for chrom, part in sites.groupby("chrom", sort=False):
            places = part["start"].to_numpy()
            for low, high in stretches(places, *parts.get(handle.get_tid(str(chrom)), NO_PARTS)):
                own = places[low:high].tolist()
                first = int(part.index[low])
                reads = handle.fetch(str(chrom), own[0], own[-1] + 1)
                for site, bases in _piled(reads, own, counted, settings.min_base_quality):
                    ref, alt = refs[first + site], alts[first + site]
                    for base in bases:
                        if base != "N":
                            counts[first + site, 0 if base == ref else 1 if base == alt else 2] += 1
    return sites.assign(**dict(zip(COUNTS, counts.T, strict=True)))


def _piled(
    reads: Iterable[pysam.AlignedSegment],
    own: list[int],
    counted: Callable[[pysam.AlignedSegment], bool],
    min_quality: int,
) -> Iterator[tuple[int, Iterable[str]]]:
    """(index into `own`, the base of each fragment there, N where its mates disagree), as soon as no later read reaches it.

    reads: sorted by start. own: sorted positions.
    """
    held: dict[int, dict[str, str]] = {}
    first, last = 0, len(own)
    for read in reads:
        start, end = read.reference_start, read.reference_end or 0
        while first < last and own[first] < start:
            if first in held:
                yield first, held.pop(first).values()
            first += 1
        if first == last:
            break
        if own[first] >= end or not counted(read):  # most reads between two sites end here
            continue
        for site in range(first, bisect_left(own, end, first)):
            if base := _base(read, own[site], min_quality):
                seen, name = held.setdefault(site, {}), str(read.query_name)
                seen[name] = base if seen.get(name, base) == base else "N"
    for site, bases in held.items():
        yield site, bases.values()


def stretches(places: Integers, start: Integers, end: Integers) -> Iterator[tuple[int, int]]:
    """Index ranges of sites that are read in one go: those of one part of the file, and of parts that follow each other.

    places: sorted positions. start, end: of the parts of the file, sorted by start; they may overlap.
    """
    first = np.searchsorted(np.maximum.accumulate(end), places, side="right")
    last = np.searchsorted(start, places, side="right") - 1
    ends = [*(np.flatnonzero(first[1:] > last[:-1] + 1) + 1).tolist(), len(places)]
    yield from zip([0, *ends[:-1]], ends, strict=True)


def _base(read: pysam.AlignedSegment, place: int, min_quality: int) -> str:
    """The read's base at a position of the reference; '' where it has none of that quality there."""
    reference, query = read.reference_start, 0
    for operation, length in read.cigartuples or ():
        if operation in _CONSUMES_BOTH:
            if place < reference + length:
                at = query + place - reference
                good = read.query_qualities is not None and read.query_qualities[at] >= min_quality
                base = str(read.query_sequence)[at] if good else ""
                return base if base in BASES else ""
            reference, query = reference + length, query + length
        elif operation in _CONSUMES_READ:
            query += length
        elif operation in _CONSUMES_REFERENCE:
            reference += length
            if place < reference:
                return ""
    return ""


def main() -> None:
    """Count the alleles of RNA; exit code 1 with one sentence when a file is not what it must be."""
    alignment, fasta, sites, alleles, settings = sys.argv[1:]
    try:
        own = Identity.model_validate_json(settings)
        counts = count_alleles(alignment, fasta, read_table(sites, Sites), own, spliced=True)
        write_table(counts, alleles, AlleleCounts)
    except (KaryolotError, OSError) as fault:
        sys.stderr.write(f"{fault}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
