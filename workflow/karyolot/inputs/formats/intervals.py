"""Intervals on a genome, with or without a value: BED, bedGraph, fixed-step and variable-step WIG, and tables with a
header. Cytobands, lists of regions and tracks are read here; counts per bin by `bin_counts`.

Coordinates are 0-based half-open. Intervals of a track must not overlap: bedGraph and WIG forbid it, and a base with two
values would have no mean.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.problems import Fault
from karyolot.inputs.formats.blocks import Block, blocks
from karyolot.inputs.formats.rows import SCORES, Kind, rows
from karyolot.inputs.formats.text import checked_name, lines, named
from karyolot.inputs.formats.text import number as number_of

Integers = NDArray[np.int64]
BEDGRAPH = "bedGraph (chrom start end value) or WIG"
REGIONS = Kind("BED (chrom start end)", apart=False)
BANDS = Kind("a table of chrom, start, end, band", "label", frozenset({"band", "name"}))
TIMING = Kind(BEDGRAPH, "number", SCORES | {"replication_timing", "timing", "rt"})
MAPPABILITY = Kind(BEDGRAPH, "number", SCORES | {"mappability", "map"}, 0.0, 1.0)
GC = Kind(BEDGRAPH, "number", SCORES | {"gc", "gc_content", "pct_gc"}, 0.0, 1.0, gap=-1.0)
"""HMMcopy's gcCounter writes -1 for bins that hold an N."""


def labelled(path: Path, kind: Kind) -> Iterator[tuple[int, str, int, int, str]]:
    """(line, contig, start, end, label or '') of a whole file of a kind without numbers.

    Raises
    ------
    Fault
        E28 for what is not of this kind, and a file without any interval.
    """
    for line, chrom, start, end, text in rows(path, kind):
        yield line, chrom, start, end, text.strip()


def pieces(path: Path, kind: Kind, names: dict[str, int]) -> Iterator[Block]:
    """The numbers of a whole file, in parts. names: of the contigs, by their number; those of the file are added.

    Raises
    ------
    Fault
        E28 for what is not of this kind, a value beyond its limits, and a file without any interval or value.
    """
    known = False
    for block in blocks(path, kind, value_of, names):
        known = known or not np.isnan(block.value).all()
        yield block
    if not known:
        raise Fault("E28", "holds no value: all are missing", "fetch or make it again")


def value_of(text: str, kind: Kind, line: int) -> float:
    """The number in a cell, NaN where it is missing; raises a Fault when it is none, or beyond the limits of its kind."""
    try:
        value = number_of(text)
    except ValueError as error:
        raise Fault("E28", f"is not {kind.what}: {error}", "correct the line; NA stands for no value", line) from None
    if value is None or value == kind.gap:
        return np.nan
    if not kind.low <= value <= kind.high:
        raise _beyond(kind, value, line)
    return value


def _beyond(kind: Kind, value: float, line: int) -> Fault:
    message = f"the value {value:.9g} is not between {kind.low:g} and {kind.high:g}"
    if 1.1 * kind.high < value <= 100 * kind.high:
        message += ": the scale seems to be 0 to 100"
        how = r": awk -v OFS='\t' '{$4 /= 100} 1' IN.bedgraph" if kind.what == BEDGRAPH else ""
        return Fault("E28", message, f"divide by 100{how}", line)
    if value == -1:
        return Fault("E28", f"{message}: -1 may stand for no value", "write NA where there is no value", line)
    return Fault("E28", message, "correct the track", line)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check compares. contigs: the last base seen of each. notes: warnings."""

    contigs: dict[str, int]
    intervals: int
    missing: int
    notes: tuple[Fault, ...]


def look(path: Path, kind: Kind) -> Facts:
    """Facts of a whole file."""
    contigs: dict[str, int] = {}
    count = missing = 0
    if kind.value != "number":
        for _, chrom, _, end, _ in labelled(path, kind):
            count += 1
            contigs[chrom] = max(end, contigs.get(chrom, 0))
        return Facts(contigs, count, 0, ())
    names: dict[str, int] = {}
    for block in pieces(path, kind, names):
        count += len(block.start)
        missing += int(np.isnan(block.value).sum())
        ends = np.zeros(len(names), dtype=np.int64)
        np.maximum.at(ends, block.contig, block.end)
        contigs |= {name: max(int(ends[number]), contigs.get(name, 0)) for name, number in names.items()}
    notes = []
    if missing:
        signs = "NA" if kind.gap is None else f"NA or {kind.gap:g}"
        message = f"{missing} of its {count} intervals have no value ({signs})"
        remedy = "bins without any value are not used; nothing to do where these are assembly gaps"
        notes.append(Fault("W28", message, remedy))
    return Facts(contigs, count, missing, tuple(notes))


def read(path: Path | str, kind: Kind) -> dict[str, Any]:
    """Columns chrom, start, end and, where the kind has one, value (NaN = missing) or label.

    Raises
    ------
    Fault
        As `labelled` and `pieces`, with the file's name.
    """
    with named(path):
        if kind.value == "number":
            names: dict[str, int] = {}
            parts = list(pieces(Path(path), kind, names))
            table = columns_of(parts, names)
            table["value"] = np.concatenate([part.value for part in parts])
            return table
        found = list(labelled(Path(path), kind))
    chrom, start, end, label = ([row[place] for row in found] for place in (1, 2, 3, 4))
    table = {"chrom": np.array(chrom, dtype=object), "start": np.array(start, np.int64), "end": np.array(end, np.int64)}
    return table | ({"label": label} if kind.value == "label" else {})


def columns_of(parts: Sequence[Block], names: Mapping[str, int]) -> dict[str, Any]:
    """Columns chrom (object), start and end (int64) of parts of a file. names: of the contigs, by their number."""
    known = np.array(list(names), dtype=object)
    return {
        "chrom": known[np.concatenate([part.contig for part in parts])],
        "start": np.concatenate([part.start for part in parts]),
        "end": np.concatenate([part.end for part in parts]),
    }


def by_contig(path: Path | str, kind: Kind) -> Iterator[tuple[str, Integers, Integers, NDArray[np.float64]]]:
    """Contig, start, end and value of the numbers of a whole file, of one contig at a time and in several parts, so that memory
    does not grow with the file. Raises what `pieces` raises, with the file's name."""
    names: dict[str, int] = {}
    with named(path):
        for block in pieces(Path(path), kind, names):
            known = list(names)
            for number in np.unique(block.contig).tolist():
                own = block.contig == number
                yield known[number], block.start[own], block.end[own], block.value[own]


def named_regions(path: Path | str) -> list[tuple[str, int, int, str]]:
    """(contig, start, end, name or '') of a list of genes: BED as all programs read it, plain, no header but # lines, from 0.

    Raises
    ------
    Fault
        E28 for another kind of file, E16 for a name that `checked_name` refuses; with the file's name.
    """
    found, file = [], Path(path)
    with named(path):
        with open(file, "rb") as handle:
            zipped = handle.read(2) == b"\x1f\x8b"
        if file.suffix != ".bed" or zipped:
            message = "is not a plain file whose name ends in .bed: other programs would count its positions from 1"
            raise Fault("E28", message, "gunzip it, and rename it to NAME.bed")
        for line, text in lines(file):
            if not text.strip() or text.startswith("#"):
                continue
            if not re.match(r"\S+\t[0-9]+\t[0-9]+(?:\t|$)", text):
                message = "is not BED (chrom start end gene, separated by tabs)"
                raise Fault("E28", message, "delete the line if it is a header, else correct it", line)
            chrom, start, end, *rest = text.split("\t")
            name = rest[0].strip() if rest else ""
            found.append((chrom, int(start), int(end), checked_name(name, "the region", line) if name else ""))
    return found


def width_of(contig: NDArray[np.int32], start: Integers, end: Integers, what: str) -> int:
    """The one width of bins, in bases. contig: numbers from 0 on. what: they are of, for messages.

    Raises
    ------
    Fault
        E28 when they have several (the last of a contig may be shorter), or do not start at multiples of it.
    """
    if not len(start):
        raise Fault("E28", "holds no bin", "count again")
    found, often = np.unique(end - start, return_counts=True)
    width = int(found[often == often.max()].max())
    if np.all(start % (width + 1) == 1):
        message = f"starts count from 1 ({start[0]}-{end[0]}), and in {what} of this kind they count from 0"
        raise Fault(
            "E28", message, r"subtract 1 from each start: awk -F '\t' -v OFS='\t' '$2 ~ /^[0-9]+$/ {$2 -= 1} 1'"
        )
    if len(found) > 1:
        ends = np.zeros(int(contig.max()) + 1, dtype=np.int64)
        np.maximum.at(ends, contig, end)
        odd = (end - start)[(end - start != width) & ~((end == ends[contig]) & (end - start < width))]
        if len(odd):
            message = f"bins have different widths ({width} and {odd[0]} bases)"
            remedy = "count again in bins of one width, and keep bins of equal count apart"
            raise Fault("E28", f"{message}; only the last of a contig may be shorter", remedy)
    if np.any(start % width):
        message = f"bins of {width} bases do not all start at a multiple of {width}"
        raise Fault("E28", message, "count in bins that start at 0")
    return width
