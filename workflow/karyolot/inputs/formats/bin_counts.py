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

from karyolot.contracts.normal import MAD_TO_SD
from karyolot.contracts.problems import Fault
from karyolot.inputs.formats.blocks import Block, blocks
from karyolot.inputs.formats.intervals import Integers, columns_of, width_of
from karyolot.inputs.formats.rows import COUNT_AGAIN, Kind, head
from karyolot.inputs.formats.text import lines, named, not_a_count

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
"""With fewer bins the numbers are not judged."""
MOST_PER_BASE = 0.5
"""Fragments per base of the bins: 150-fold depth of pairs of 150 bases."""
MEDIAN = 0.455
"""Of the square of a normal number, whose mean is 1."""
READ_LENGTHS = (25, 400)
"""How many times the variance of counts sums of bases have: as many as a read has bases, 36 to 300."""
DEEP = 0.02
"""Counts per base from which on that is compared with them: 6-fold depth, or bases of 0.02-fold depth, too few for any lot."""
MOST_NOISE = 0.12
"""Relative difference of neighbouring bins beyond what counting explains, which no library of such depth shows."""

TESTED, PREFERRED, LEAST_FACTOR = (50, 1_000_000), 30.0, 0.05
"""Median counts of a contig at which it is tested whether some whole numbers are preferred, and the power of that pattern, 1 on
average in counts, above which the table is refused, if its amplitude is also that of a factor of 1.05: of 3,000 simulated contigs
of counted fragments none exceeded 16, and of real ones of 240,000 bins, whose distribution is less smooth, one reached 29."""


def fragments_of(text: str, _: Kind, line: int) -> int:
    """The count in a cell; raises a Fault, E28 with the line, when it is none."""
    if reason := not_a_count(text):
        if "not a whole number" not in reason:
            raise Fault("E28", reason, "give raw counts of fragments: whole numbers, 0 or more", line)
        raise Fault("E28", f"{reason}: a mean depth (mosdepth) or a normalised value", COUNT_AGAIN, line)
    return int(text) if text.isdecimal() else int(float(text))


@dataclass(frozen=True, slots=True)
class Contig:
    """Bins of one contig: how many, in how many a fragment was counted, where the last ends, a digest of their intervals and one
    of their counts."""

    bins: int
    filled: int
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
        filled = int(np.count_nonzero(bins.value[own]))
        contigs[name] = Contig(int(own.sum()), filled, int(bins.end[own].max()), *digests)
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
    per_base = float(bins.value.sum() / (bins.end - bins.start).sum())
    _, _, places = head(lines(path), COUNTS)
    _refuse_others(bins.contig[:SAMPLED], bins.value[:SAMPLED], per_base, places is None or places.named)
    if scaled := [name for name, number in names.items() if _power(bins.value[bins.contig == number]) > PREFERRED]:
        message = (
            "some numbers occur far more often than those next to them: counts were multiplied and rounded, or both mates of most"
            " pairs counted"
        )
        raise Fault("E28", f"{', '.join(scaled[:3])}: {message}", COUNT_AGAIN)
    return names, bins, width


def _refuse_others(contig: NDArray[np.int32], count: Integers, per_base: float, is_named: bool) -> None:
    """Raise a Fault when numbers are not counts of fragments.

    Counting varies: of two neighbours with s fragments together, the square of the difference over s is 1 on average, or more
    where their means differ. Numbers of bins, lengths, and depths that were rounded vary less. Sums of bases vary more, by the
    length of a read; so do deep counts in wide bins, and only a header can state which they are (is_named).
    """
    pairs = (count[1:] + count[:-1])[contig[1:] == contig[:-1]]
    spread = np.diff(count)[contig[1:] == contig[:-1]] ** 2
    known = pairs >= 50
    times = float(np.median(spread[known] / pairs[known])) / MEDIAN if known.sum() >= FEW else 1.0
    if times < 0.2:
        message = (
            "the numbers vary less from bin to bin than counts can: they are lengths or numbers of bins, or smoothed"
        )
        raise Fault("E28", f"{message} or rounded depths", COUNT_AGAIN)
    _refuse_multiples(count[count > 0])
    if per_base < DEEP or not READ_LENGTHS[0] <= times <= READ_LENGTHS[1]:
        return
    message = f"the numbers vary {times:.0f} times as much as counts do"
    if times > MOST_NOISE**2 * float(np.median(pairs[known])) / 2:
        raise Fault("E28", f"{message}: they are sums of bases (samtools bedcov), not counts of fragments", COUNT_AGAIN)
    if not is_named:
        remedy = f"if they are fragments, add a header: chrom start end count; else {COUNT_AGAIN}"
        raise Fault(
            "E28",
            f"{message}: they are sums of bases (samtools bedcov) or very deep counts, and no header states which",
            remedy,
        )


def _power(count: Integers) -> float:
    """Largest power of a periodic pattern in how often the counts of one contig occur; 0 = too few, or too low, to show one.

    Counts have a smooth distribution. Multiplied by s and rounded, some of them are hit twice or never, with the period of 1/s;
    the amplitude is |sin(pi/s) / (pi/s)|, for s near 1 about |s - 1|. Outer values are tapered (Hann), since the end of a
    distribution is no pattern, and periods as long as its spread are left out.
    """
    middle = float(np.median(count)) if len(count) >= FEW else 0.0
    count = count[(count > middle / 2) & (count < 2 * middle)]
    if not TESTED[0] <= middle <= TESTED[1] or len(count) < FEW:
        return 0.0
    often = np.bincount(count - count.min())
    taper = np.hanning(len(often) + 2)[1:-1]
    size = 2 * len(often)
    power = np.abs(np.fft.rfft(often * taper, size)) ** 2 / float((often * taper**2).sum())
    spread = float(np.median(np.abs(count - np.median(count)))) * MAD_TO_SD
    first = int(np.ceil(size * max(1 / max(spread, 1.0), 4 / len(often))))
    highest = float(power[first:].max()) if first < len(power) else 0.0
    return highest if highest > LEAST_FACTOR**2 * len(count) else 0.0


def _refuse_multiples(some: Integers) -> None:
    """Raise a Fault when each fragment added more than 1: else as many counts are multiples of a number as one more or less."""
    if len(some) < FEW:
        return
    shares = {unit: float(np.mean(some % unit == 0)) for unit in range(2, 301)}
    most = max((unit for unit, share in shares.items() if share > 0.9), default=0)
    if most == 2:
        remedy = "count each pair once: samtools view -f 64 before counting, or featureCounts -p --countReadPairs"
        raise Fault("E28", f"{shares[2]:.0%} of the numbers are even: both mates of each pair were counted", remedy)
    if 2 < most < 20:
        raise Fault("E28", f"{shares[most]:.0%} of the numbers are multiples of {most}: they are scaled", COUNT_AGAIN)
    for unit in range(2, 301):
        rest = some % unit
        beside = max(int((rest == 1).sum()), int((rest == unit - 1).sum()))
        if unit < 20 or int((rest == 0).sum()) <= 20 + 5 * beside or len(np.unique(some[rest == 0])) <= 10:
            del shares[unit]
    if shares:
        highest = max(share - 1 / unit for unit, share in shares.items())
        unit = max(unit for unit, share in shares.items() if share - 1 / unit > 0.9 * highest)  # 150, not its divisors
        message = f"{shares[unit]:.0%} of the numbers are multiples of {unit}: they are sums of bases (samtools bedcov)"
        raise Fault("E28", f"{message}, not counts of fragments", COUNT_AGAIN)
