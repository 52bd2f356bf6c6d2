"""Imported reads per allele: snp-pileup (CSV), sequenza (seqz), and VCF with the FORMAT field AD."""

import hashlib
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.contigs import contig_key
from karyolot.contracts.problems import Fault, nearest, quoted
from karyolot.inputs.formats.sites import BASES
from karyolot.inputs.formats.text import lines, named, number, same_width, whole_number

SEQZ = ("chromosome", "position", "base.ref", "depth.normal", "Af", "Bf", "zygosity.normal", "good.reads", "AB.normal")
NO_ALLELE = {"<*>", "<NON_REF>", "*", "."}
"""Alternative alleles by which callers state that there may be others."""


class Counted(NamedTuple):
    """Reads of one sample at one site (position from 0); other: of any third base."""

    line: int
    chrom: str
    start: int
    ref: str
    alt: str
    ref_count: int
    alt_count: int
    other_count: int


@dataclass(frozen=True, slots=True)
class Facts:
    """sites: with two alleles of one base. contigs: of those. keys: one number per site, sorted, by which two tables are compared
    whatever the spelling of their contigs. digest: of sites and counts."""

    sites: int
    contigs: tuple[str, ...]
    digest: str
    keys: NDArray[np.int64] = field(compare=False, repr=False)


def site_key(chrom: str, start: int) -> int:
    """A number for a site; 'chr8' and '8' are the same contig."""
    return (zlib.crc32(contig_key(chrom).encode()) >> 1 << 32) | start


Rows = Iterator[tuple[int, list[str]]]
Reader = Callable[[list[str], str, str, Rows], Iterator[Counted]]


def records(path: Path, name: str | None, sample: str) -> Iterator[Counted]:
    """Reads of one sample at every site with two alleles of one base, in the order of the file.

    Parameters
    ----------
    name
        Of the sample in the file: 'File1' of snp-pileup, 'normal' or 'tumor' of seqz, a sample of VCF. None: the only one,
        or the one called `sample`.
    sample
        sample_id of the row.

    Raises
    ------
    Fault
        E28 for another kind of file, a sample that is not in it, and a row that is not as it must be.
    """
    body = ((line, text) for line, text in lines(path) if text.strip() and not text.startswith("##"))
    line, header = next(body, (1, ""))
    mark, reader = _kind(header, line)
    columns = [cell.strip().strip('"') for cell in header.split(mark)]
    rows = ((number, text.split(mark)) for number, text in body)
    yield from reader(columns, name or "", sample, rows)


def _kind(header: str, line: int) -> tuple[str, Reader]:
    plain = header.replace('"', "")
    if plain.startswith("Chromosome,Position,Ref,Alt,"):
        return ",", _snp_pileup
    if plain.startswith("chromosome\tposition\tbase.ref\t"):
        return "\t", _seqz
    if plain.startswith("#CHROM\tPOS\tID\tREF\tALT\t"):
        return "\t", _vcf
    message = "is neither snp-pileup's CSV nor sequenza's seqz nor VCF"
    if plain.startswith(("@HD", "@SQ", "CONTIG\tPOSITION\tREF_COUNT")):
        message = "is a table of GATK CollectAllelicCounts, which does not name the second allele where it has no read"
    remedy = (
        "count the alleles with snp-pileup, or call a VCF with FORMAT/AD: bcftools mpileup -a AD | bcftools call -m"
    )
    raise Fault("E28", message, remedy, line)


def _chosen(name: str, sample: str, there: Sequence[str]) -> str:
    """Which of the samples of a file is meant."""
    if name or sample in there:
        wanted = name or sample
        if wanted in there:
            return wanted
        message = f"holds no sample {quoted(wanted)} (it has {', '.join(there) or 'none'})"
        raise Fault("E28", message, "correct alleles_name", meant=nearest(wanted, there))
    if len(there) == 1:
        return there[0]
    if not there:
        raise Fault("E28", "holds no sample", "count again, and keep the columns of the samples")
    message = f"holds {len(there)} samples ({', '.join(there)}), none of them called {sample}"
    raise Fault("E28", message, "state in alleles_name which one is this sample")


def _numbers(line: int, cells: Sequence[str]) -> list[int]:
    """Position (from 1) and counts of a row."""
    try:
        found = [whole_number(cell) for cell in cells]
    except ValueError as error:
        raise Fault("E28", f"a count or position is invalid: {error}", "count again", line) from None
    if min(found) < 0 or found[0] < 1:
        raise Fault("E28", f"a count is negative, or the position below 1 ({min(found)})", "count again", line)
    return found


def _snp_pileup(columns: list[str], name: str, sample: str, rows: Rows) -> Iterator[Counted]:
    """Chromosome,Position,Ref,Alt, then of each file the reads of Ref (R), Alt (A), other bases (E) and deletions (D)."""
    there = [column[:-1] for column in columns[4:] if column.endswith("R") and f"{column[:-1]}A" in columns]
    chosen = _chosen(name, sample, there)
    places = [columns.index(f"{chosen}{kind}") for kind in "RAE" if f"{chosen}{kind}" in columns]
    for line, cells in rows:
        same_width(cells, len(columns), line)
        ref, alt = cells[2].strip('"').upper(), cells[3].strip('"').upper()
        start, *counts = _numbers(line, [cells[1], *(cells[place] for place in places)])
        if ref in BASES and alt in BASES and ref != alt:
            yield Counted(line, cells[0].strip('"'), start - 1, ref, alt, *(*counts, 0)[:3])


def _seqz(columns: list[str], name: str, sample: str, rows: Rows) -> Iterator[Counted]:
    """Sites at which the normal sample is heterozygous: at the others seqz does not name the second allele.

    It gives the fractions of both alleles in the tumor, and of the normal sample its genotype and depth alone: half of its
    reads are taken for each allele.
    """
    if missing := [column for column in SEQZ if column not in columns]:
        raise Fault("E28", f"has no column {missing[0]}", "make it again: sequenza-utils bam2seqz", 1)
    chosen = _chosen(name, sample, ("normal", "tumor"))
    places = [columns.index(column) for column in SEQZ]
    for line, cells in rows:
        same_width(cells, len(columns), line)
        chrom, position, base, normal, a, b, zygosity, reads, genotype = (cells[place].strip('"') for place in places)
        if zygosity != "het" or len(genotype) != 2 or base not in genotype or not set(genotype) <= BASES:
            continue
        start, depth, total = _numbers(line, [position, normal, reads])
        try:
            shares = [number(a), number(b)]
        except ValueError as error:
            raise Fault("E28", f"an allele fraction: {error}", "make the file again", line) from None
        if not all(0 <= (share or 0) <= 1 for share in shares):
            raise Fault(
                "E28",
                f"Af and Bf are {a} and {b}, and allele fractions lie between 0 and 1",
                "make the file again",
                line,
            )
        first, second = (round((share or 0) * total) for share in shares)
        other = max(total - first - second, 0)
        if chosen == "normal":
            first, second, other = depth // 2, depth - depth // 2, 0
        alt = genotype.replace(base, "", 1)
        ref_count, alt_count = (first, second) if genotype[0] == base else (second, first)
        yield Counted(line, chrom, start - 1, base, alt, ref_count, alt_count, other)


def _vcf(columns: list[str], name: str, sample: str, rows: Rows) -> Iterator[Counted]:
    """Sites that passed the caller's filters; AD of the sample."""
    place = columns.index(_chosen(name, sample, columns[9:]))
    counted = False
    for line, cells in rows:
        same_width(cells, len(columns), line)
        alleles = [cells[3].upper(), *cells[4].upper().split(",")]
        used = [n for n, allele in enumerate(alleles) if allele not in NO_ALLELE]
        keys, values = cells[8].split(":"), cells[place].split(":")
        has_counts = "AD" in keys and keys.index("AD") < len(values)
        counted = counted or "AD" in keys
        if len(used) != 2 or not {alleles[n] for n in used} <= BASES or cells[6] not in {"PASS", "."} or not has_counts:
            continue
        depths = values[keys.index("AD")].split(",")
        if "." in depths or len(depths) != len(alleles):
            continue
        start, *counts = _numbers(line, [cells[1], *depths])
        other = sum(counts) - sum(counts[n] for n in used)
        yield Counted(line, cells[0], start - 1, alleles[0], alleles[used[1]], counts[0], counts[used[1]], other)
    if not counted:
        raise Fault(
            "E28", "does not count the reads of each allele", "call with the FORMAT field AD: bcftools mpileup -a AD"
        )


def look(path: Path, name: str | None, sample: str) -> Facts:
    """The counts of one sample, read through."""
    contigs: dict[str, None] = {}
    keys: list[int] = []
    reads, digest = 0, hashlib.blake2b(digest_size=16)
    for row in records(path, name, sample):
        contigs[row.chrom] = None
        keys.append(site_key(row.chrom, row.start))
        digest.update(f"{keys[-1]} {row.ref_count} {row.alt_count} {row.other_count}\n".encode())
        reads += row.ref_count + row.alt_count
    if not keys:
        raise Fault("E28", "holds no site with two alleles of one base", "count the alleles of common SNPs")
    if not reads:
        raise Fault("E28", "every count is 0", "name the table that holds the reads of this sample")
    sites = np.unique(np.array(keys, dtype=np.int64))
    return Facts(len(keys), tuple(contigs), digest.hexdigest(), sites)


def read(path: Path, name: str | None, sample: str) -> dict[str, list[Any]]:
    """Columns chrom, start, ref, alt, ref_count, alt_count, other_count; a Fault has the name of the file."""
    with named(path):
        look(path, name, sample)
        rows = list(records(path, name, sample))
    return {column: [row[place] for row in rows] for place, column in enumerate(Counted._fields) if column != "line"}
