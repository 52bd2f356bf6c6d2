"""Alleles of aligned reads at the sites of a panel, and the panel itself."""

from bisect import bisect_left
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pysam

from karyolot.contracts.alleles import BASES
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Identity, Layout
from karyolot.inputs.formats.text import whole_number
from karyolot.io.files import PathLike, open_text
from karyolot.io.sequences import NOT_COUNTED, open_alignment

NEAR = 20_000
"""Sites nearer than this are read in one go: a slice of a CRAM or a block of a BAM at 30x holds about that much, and
would be decoded again for each."""
WRONG_REFERENCE = 0.05
"""Share of sites whose reference base the genome does not have, from which on the panel is of another assembly: a few
were corrected between patches; by chance 75 % differ."""
_CONSUMES_BOTH = {pysam.CMATCH, pysam.CEQUAL, pysam.CDIFF}
_CONSUMES_READ = {pysam.CINS, pysam.CSOFT_CLIP}
_CONSUMES_REFERENCE = {pysam.CDEL, pysam.CREF_SKIP}


def read_sites(path: PathLike, fasta: PathLike, layout: Layout) -> pd.DataFrame:
    """A panel (contract Sites) on the autosomes of an indexed genome, in its order and spelling ('chr1' or '1').

    VCF: REF, ALT, and AF of INFO. BED: chrom, start, end, then among the other columns the two alleles in the order
    reference, alternative, and a frequency where there is one. What is not a biallelic SNP is left out. Raises
    KaryolotError when nothing is left, or when the reference alleles are not those of the genome.
    """
    rows = []
    is_vcf = False
    with open_text(path) as handle:
        for number, line in enumerate(handle, start=1):
            is_vcf = is_vcf or line.startswith("#CHROM")
            fields = line.rstrip("\r\n").split("\t")
            try:
                row = _vcf(fields) if is_vcf else _bed(fields)
            except ValueError as error:
                raise KaryolotError(f"{path}, line {number}: its position is not a number ({error})") from error
            if row is not None:
                rows.append(row)
    sites = pd.DataFrame(rows, columns=["chrom", "start", "ref", "alt", "frequency"])
    with pysam.FastaFile(str(fasta)) as genome:
        keys = {name.removeprefix("chr"): name for name in genome.references}
        wanted = [keys[key] for key in (a.removeprefix("chr") for a in layout.autosomes) if key in keys]
        named = sites["chrom"].str.removeprefix("chr").map({name.removeprefix("chr"): name for name in wanted})
        sites = sites.assign(chrom=named)[named.notna()].drop_duplicates(["chrom", "start"], keep=False)
        order = sites["chrom"].map({name: i for i, name in enumerate(genome.references)})
        sites = sites.assign(order=order).sort_values(["order", "start"]).drop(columns="order").reset_index(drop=True)
        if sites.empty:
            raise KaryolotError(
                f"{path}: holds no SNP with two alleles on the autosomes of the genome; give a VCF, or a BED with the"
                " columns chrom, start, end, ref, alt and, where known, frequency"
            )
        bases = []
        for chrom, part in sites.groupby("chrom", sort=False):
            sequence = genome.fetch(str(chrom)).upper()
            bases += [sequence[place : place + 1] for place in part["start"]]
    right = sites["ref"].to_numpy() == np.array(bases)
    if (~right).mean() > WRONG_REFERENCE:
        raise KaryolotError(
            f"{path}: {(~right).sum()} of {len(right)} reference alleles are not the base of the genome; the panel is of"
            " another assembly: give the one made for this genome"
        )
    sites = pd.DataFrame(sites[right]).reset_index(drop=True)
    frequency = sites["frequency"].astype(float)
    sites["frequency"] = frequency.where((frequency > 0) & (frequency < 1))
    sites.insert(2, "end", sites["start"] + 1)
    return sites


Row = tuple[str, int, str, str, float | None]


def _vcf(fields: list[str]) -> Row | None:
    if fields[0].startswith("#") or len(fields) < 5 or fields[3] not in BASES or fields[4] not in BASES:
        return None
    info = dict(item.split("=", 1) for item in (fields[7] if len(fields) > 7 else "").split(";") if "=" in item)
    return fields[0], whole_number(fields[1]) - 1, fields[3], fields[4], _frequency(info.get("AF", ""))


def _bed(fields: list[str]) -> Row | None:
    if len(fields) < 5 or not fields[1].isdigit():
        return None
    alleles = [i for i, field in enumerate(fields[3:], start=3) if field in BASES]
    if len(alleles) < 2 or whole_number(fields[2]) - whole_number(fields[1]) != 1:
        return None
    stated = [f for f in map(_frequency, fields[alleles[1] + 1 :]) if f is not None]
    return fields[0], whole_number(fields[1]), fields[alleles[0]], fields[alleles[1]], stated[0] if stated else None


def _frequency(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if 0 < value < 1 else None


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
