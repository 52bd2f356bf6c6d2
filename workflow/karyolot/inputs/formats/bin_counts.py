"""Fragments per bin, counted by another program: a table with or without a header, bedGraph, or WIG.

Read as they are: bedtools coverage -counts and multicov (four columns), HMMcopy's readCounter, GATK CollectReadCounts,
QDNAseq's exports of counts, featureCounts, deepTools' raw counts. Mean depths, sums of bases, normalised values and
the numbers or lengths of bins are refused: taken for counts they would make noise and limits of detection wrong.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.problems import Fault
from karyolot.inputs.formats.blocks import Block, blocks
from karyolot.inputs.formats.intervals import Integers, columns_of, width_of
from karyolot.inputs.formats.rows import COUNT_AGAIN, Kind
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


def fragments_of(text: str, _: Kind, line: int) -> int:
    """The count in a cell; raises a Fault, E28 with the line, when it is none."""
    if reason := not_a_count(text):
        if "not a whole number" not in reason:
            raise Fault("E28", reason, "give raw counts of fragments: whole numbers, 0 or more", line)
        raise Fault("E28", f"{reason}: a mean depth (mosdepth) or a normalised value", COUNT_AGAIN, line)
    return int(text) if text.isdecimal() else int(float(text))


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
    names, bins, width = _whole(path)
    contigs = {}
    for name, number in names.items():
        own = bins.contig == number
        digests = (hashlib.sha256(column[own].tobytes()).digest() for column in (bins.start, bins.value))
        contigs[name] = Contig(int(own.sum()), int(bins.end[own].max()), *digests)
    total = int(bins.value.sum())
    notes = []
    if total > MOST_PER_BASE * (bases := int(bins.end.sum() - bins.start.sum())):
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
        E28 with the line for a row that is not a bin with a count, and for bins of several widths or off their grid, and
        for numbers that are not counts of fragments; with the file's name.
    """
    with named(path):
        names, bins, _ = _whole(Path(path))
    return columns_of([bins], names) | {"count": bins.value}


def _whole(path: Path) -> tuple[dict[str, int], Block, int]:
    """Contigs by their number, bins with their counts, and their width, after all rules on a table as a whole."""
    names: dict[str, int] = {}
    parts = list(blocks(path, COUNTS, fragments_of, names))
    if not parts:
        raise Fault("E28", "holds no bin", "count again")
    bins = Block(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    width = width_of(bins.contig, bins.start, bins.end, "tables")
    if not bins.value.any():
        raise Fault("E28", "every count is 0", "count again, from reads that are mapped")
    _refuse_others(bins.contig[:SAMPLED], bins.value[:SAMPLED])
    return names, bins, width


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
