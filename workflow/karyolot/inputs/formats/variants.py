"""VCF of small variants, called on lot and donor together by any caller that counts the reads of each allele."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pysam

from karyolot.contracts.genes import trimmed
from karyolot.contracts.problems import Fault
from karyolot.inputs.formats.text import blocks, named

KEPT = {"PASS", "germline", "normal_artifact"}
"""Filters of calls that are read: by the last two Mutect2 marks what it saw in the donor as well (GATK's list of
FilterMutectCalls), which here makes a variant inherited or enriched."""


class Called(NamedTuple):
    """One alternative allele in its shortest form; reads of lot and donor that show each. Coordinates 0-based half-open."""

    chrom: str
    start: int
    end: int
    ref: str
    alt: str
    lot_ref: int
    lot_alt: int
    donor_ref: int
    donor_alt: int


@dataclass(frozen=True, slots=True)
class Facts:
    """contigs: of the alleles that are read, with the end of the last one on each."""

    contigs: dict[str, int]


def records(path: Path, lot: str, donor: str) -> Iterator[Called]:
    """Every alternative allele that the caller did not filter out for another reason than the donor's reads (KEPT).

    Parameters
    ----------
    lot, donor
        Their samples in the header.

    Raises
    ------
    Fault
        E28 for a file that is not VCF, is compressed by gzip alone, lacks a sample, has no AD, or holds a line of more than
        `text.LONGEST_LINE`: htslib would hold it in memory, whatever its length.
    """
    for _ in blocks(path):
        pass
    verbosity = pysam.set_verbosity(0)
    try:
        with pysam.VariantFile(str(path)) as handle:
            names = list(handle.header.samples)
            if missing := [name for name in (lot, donor) if name not in names]:
                message = f"holds no sample {missing[0]} (it has {', '.join(names) or 'none'})"
                raise Fault("E28", message, "name the samples as samples.tsv does: bcftools reheader -s")
            if "AD" not in handle.header.formats:
                message = "does not count the reads of each allele"
                raise Fault("E28", message, "call with the FORMAT field AD")
            for call in handle:
                if not set(call.filter.keys()) - KEPT:
                    yield from _alleles(call, lot, donor)
    except NotImplementedError as error:
        raise Fault("E28", "is compressed by gzip alone", "compress it with bgzip: gunzip -c | bgzip") from error
    except (OSError, ValueError) as error:
        raise Fault("E28", f"not a readable VCF file ({error})", "make it again") from error
    finally:
        pysam.set_verbosity(verbosity)


def _alleles(call: pysam.VariantRecord, lot: str, donor: str) -> Iterator[Called]:
    try:
        counts = [call.samples[name].get("AD") or () for name in (lot, donor)]
    except IndexError:
        message = f"{call.chrom}:{call.pos} has no columns of the samples"
        raise Fault("E28", message, "make the file again, with a column for each sample in every row") from None
    for count in counts:
        numbers = [int(value) for value in count if value is not None]
        if numbers and (len(count) != len(call.alleles or ()) or min(numbers) < 0):
            message = (
                f"{call.chrom}:{call.pos} has {len(call.alleles or ())} alleles, and AD {','.join(map(str, count))}"
            )
            raise Fault("E28", message, "count the reads of every allele: AD holds a number, 0 or more, for each")
    for n, alt in enumerate(call.alts or (), start=1):
        if not alt.startswith(("<", "*")):
            reads = [int(count[i] or 0) if i < len(count) else 0 for count in counts for i in (0, n)]
            start, ref, alt = trimmed(call.start, str(call.ref).upper(), alt.upper())
            yield Called(call.chrom, start, start + len(ref), ref, alt, *reads)


def look(path: Path, lot: str, donor: str) -> Facts:
    """The calls, read through."""
    ends: dict[str, int] = {}
    for called in records(path, lot, donor):
        ends[called.chrom] = max(ends.get(called.chrom, 0), called.end)
    return Facts(ends)


def read(path: Path, lot: str, donor: str) -> dict[str, list[Any]]:
    """Columns of schema CalledVariants; a Fault has the name of the file."""
    with named(path):
        rows = list(records(path, lot, donor))
    return {name: [row[place] for row in rows] for place, name in enumerate(Called._fields)}


def read_all(paths: Sequence[str], lot: str, donor: str) -> dict[str, list[Any]]:
    """`read` of the calls of a lot, when the user gives any; else columns without a row."""
    return read(Path(paths[0]), lot, donor) if paths else {name: [] for name in Called._fields}
