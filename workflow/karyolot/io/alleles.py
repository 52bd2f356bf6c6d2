"""Alleles of our own alignments at the sites of a panel."""

from bisect import bisect_left
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pysam

from karyolot.contracts.alleles import BASES
from karyolot.contracts.settings import Identity
from karyolot.io.alignment import NOT_COUNTED, open_alignment
from karyolot.io.files import PathLike

NEAR = 20_000
"""Sites nearer than this are read in one go: a slice of a CRAM or a block of a BAM at 30x holds about that much, and
would be decoded again for each."""
_CONSUMES_BOTH = {pysam.CMATCH, pysam.CEQUAL, pysam.CDIFF}
_CONSUMES_READ = {pysam.CINS, pysam.CSOFT_CLIP}
_CONSUMES_REFERENCE = {pysam.CDEL, pysam.CREF_SKIP}


def count_alleles(
    alignment: PathLike, fasta: PathLike, sites: pd.DataFrame, settings: Identity, *, spliced: bool = False
) -> pd.DataFrame:
    """Contract AlleleCounts of an indexed, coordinate-sorted BAM or CRAM at `sites` (contract Sites).

    Counted: primary, proper (spliced: alone as well, since a mate may lie in another exon or across two), not duplicate,
    not failed, mapping quality and base quality at or above the limits; a fragment once, not at all where its mates
    overlap and disagree. The index is used: a panel touches a few per cent of the reads, and the rest would only be decoded
    to be thrown away; sites within NEAR bases are read as one stretch.
    """
    counts = np.zeros((len(sites), 3), dtype=np.int64)
    refs, alts = sites["ref"].tolist(), sites["alt"].tolist()
    refused = NOT_COUNTED & ~pysam.FMUNMAP if spliced else NOT_COUNTED
    with open_alignment(alignment, fasta) as handle:
        for chrom, part in sites.groupby("chrom", sort=False):
            places = part["start"].to_numpy()
            first = int(part.index[0])
            for low, high in _stretches(places):
                seen: dict[tuple[int, str], str] = {}
                own = places[low:high].tolist()
                for read in handle.fetch(str(chrom), own[0], own[-1] + 1):
                    first_site = bisect_left(own, read.reference_start)
                    if first_site == len(own) or own[first_site] >= (read.reference_end or 0):
                        continue  # most reads between two sites end here, so this comes first
                    if read.flag & refused or read.mapping_quality < settings.min_mapq:
                        continue
                    if not (spliced or read.is_proper_pair):
                        continue
                    for site in range(first_site, bisect_left(own, int(read.reference_end or 0))):
                        base = _base(read, own[site], settings.min_base_quality)
                        if base:
                            key = first + low + site, str(read.query_name)
                            seen[key] = base if seen.get(key, base) == base else "N"
                for (site, _), base in seen.items():
                    if base != "N":
                        counts[site, 0 if base == refs[site] else 1 if base == alts[site] else 2] += 1
    names = ["ref_count", "alt_count", "other_count"]
    return sites.assign(**dict(zip(names, counts.T, strict=True)))


def _stretches(places: np.typing.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Index ranges of sites that are read in one go."""
    ends = [*(np.flatnonzero(np.diff(places) > NEAR) + 1).tolist(), len(places)]
    yield from zip([0, *ends[:-1]], ends, strict=True)


def _base(read: pysam.AlignedSegment, place: int, min_quality: int) -> str:
    """The read's base at a place of the reference; '' where it has none of that quality there."""
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
