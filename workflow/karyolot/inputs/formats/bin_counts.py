"""Fragments per bin, counted by another program: a table with or without a header, bedGraph, or WIG.

Read as they are: bedtools coverage -counts and multicov (four columns), HMMcopy's readCounter, GATK CollectReadCounts,
QDNAseq's exports of counts, featureCounts, deepTools' raw counts. Mean depths, sums of bases, normalised values and
the numbers or lengths of bins are refused: taken for counts they would make noise and limits of detection wrong.
"""

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.problems import Fault
from karyolot.inputs.formats.intervals import Columns, Integers
from karyolot.inputs.formats.rows import COUNT_AGAIN, Kind, rows
from karyolot.inputs.formats.text import named, not_a_count

COUNTS = Kind(
    "counts",
    "count",
    frozenset(
        """
        count counts reads read_count read_counts readcount readcounts n_reads nreads num_reads fragments fragment_count
        fragment_counts n_fragments num_fragments
        """.split()
    ),
    bins=True,
)
SAMPLED = 20_000
"""Bins in which it is looked whether the numbers are counts of fragments."""
FEW = 200
"""With fewer bins nothing is said about the numbers."""
MOST_PER_BASE = 0.5
"""Fragments per base of the bins: 150-fold depth of pairs of 150 bases."""


def records(path: Path) -> Iterator[tuple[int, str, int, int, int]]:
    """(line, contig, start, end, fragments) of a table, in its order; 0-based half-open whatever the file counts from.

    Raises
    ------
    Fault
        E28 with the line, for a row that is not a bin with a count.
    """
    for line, chrom, start, end, text in rows(path, COUNTS):
        if reason := not_a_count(text):
            if "not a whole number" not in reason:
                raise Fault("E28", reason, "give raw counts of fragments: whole numbers, 0 or more", line)
            raise Fault("E28", f"{reason}: a mean depth (mosdepth) or a normalised value", COUNT_AGAIN, line)
        yield line, chrom, start, end, int(text) if text.isdecimal() else int(float(text))


@dataclass(frozen=True, slots=True)
class Contig:
    """Bins of one contig: how many, where the last ends, a digest of their places and one of their counts."""

    bins: int
    end: int
    places: bytes
    counts: bytes


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check compares. width: of the bins, bases. total: fragments. notes: warnings."""

    contigs: dict[str, Contig]
    width: int
    total: int
    notes: tuple[Fault, ...]


def look(path: Path) -> Facts:
    """Facts of a whole table."""
    columns, count, width = _whole(path)
    contigs = {}
    for name, number in columns.names.items():
        own = columns.contig == number
        digests = (hashlib.sha256(column[own].tobytes()).digest() for column in (columns.start, count))
        contigs[name] = Contig(int(own.sum()), int(columns.end[own].max()), *digests)
    total = int(count.sum())
    notes = []
    if total > MOST_PER_BASE * (bases := int(columns.end.sum() - columns.start.sum())):
        message = (
            f"holds {total / bases:.2g} counts per base, as {300 * total / bases:.0f}-fold depth of 2 x 150 bases gives"
        )
        remedy = "make sure that they are fragments, and not sums of bases (samtools bedcov)"
        notes.append(Fault("W28", message, remedy))
    return Facts(contigs, width, total, tuple(notes))


def read(path: Path | str) -> dict[str, Any]:
    """Columns chrom, start, end and count of a whole table.

    Raises
    ------
    Fault
        As `records`, and E28 for bins of several widths or off their grid, and for numbers that are not counts of
        fragments; with the file's name.
    """
    with named(path):
        columns, count, _ = _whole(Path(path))
    return columns.arrays() | {"count": count}


def _whole(path: Path) -> tuple[Columns, Integers, int]:
    """Bins, their counts and their width, after all rules on a table as a whole."""
    columns, counts = Columns(), array("q")
    for _, chrom, start, end, value in records(path):
        columns.add(chrom, start, end)
        counts.append(value)
    count = np.frombuffer(counts, dtype=np.int64)
    width = columns.width("tables")
    if not count.any():
        raise Fault("E28", "every count is 0", "count again, from reads that are mapped")
    _refuse_others(columns.contig[:SAMPLED], count[:SAMPLED])
    return columns, count, width


def _refuse_others(contig: NDArray[np.int32], count: Integers) -> None:
    """Raise a Fault when numbers are not counts of fragments.

    Counting varies: of two neighbours with s fragments together, the square of the difference over s is 1 on average
    and 0.45 in the median, or more where their means differ. Numbers of bins, lengths, and depths that were rounded
    vary less. And as many counts are multiples of 150 as are one more or one less, unless each read adds its 150 bases;
    in sums over many reads, some of them clipped, that is lost, and only their size tells (MOST_PER_BASE).
    """
    together = (contig[1:] == contig[:-1]) & (count[1:] + count[:-1] >= 50)
    if together.sum() >= FEW:
        spread = np.diff(count)[together] ** 2 / (count[1:] + count[:-1])[together]
        if np.median(spread) < 0.1:
            message = (
                "the numbers vary less from bin to bin than counting allows: lengths or numbers of bins, or smoothed"
            )
            raise Fault("E28", f"{message} or rounded depths", COUNT_AGAIN)
    some = count[count > 0]
    if len(some) < FEW:
        return
    shares = {}
    for unit in range(20, 301):
        rest = some % unit
        beside = max(int((rest == 1).sum()), int((rest == unit - 1).sum()))
        if int((rest == 0).sum()) > 20 + 5 * beside and len(np.unique(some[rest == 0])) > 10:
            shares[unit] = float(np.mean(rest == 0))
    if shares:
        most = max(share - 1 / unit for unit, share in shares.items())
        unit = max(unit for unit, share in shares.items() if share - 1 / unit > 0.9 * most)  # 150, not its divisors
        message = f"{shares[unit]:.0%} of the numbers are multiples of {unit}: sums of bases (samtools bedcov)"
        raise Fault("E28", f"{message}, and no counts of fragments", COUNT_AGAIN)
