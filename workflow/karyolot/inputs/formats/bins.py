"""Ready bins: a table of chrom, start, end, gc and optionally gap, mappability and replication_timing, instead of a genome."""

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.problems import Fault
from karyolot.inputs.formats.blocks import Block
from karyolot.inputs.formats.intervals import BEDGRAPH, GC, MAPPABILITY, TIMING, columns_of, value_of, width_of
from karyolot.inputs.formats.rows import Kind, placed
from karyolot.inputs.formats.text import named, table, whole_number

REQUIRED = ("chrom", "start", "end", "gc")
OPTIONAL = ("gap", "mappability", "replication_timing")
GAP = Kind(BEDGRAPH, "number", frozenset({"gap"}), 0.0, 1.0)
"""Part of a bin that is N or blacklisted; without the column, 0 in the bins of the table and 1 elsewhere."""
KINDS = {
    name: replace(kind, what="a table of bins")
    for name, kind in (("gc", GC), ("gap", GAP), ("mappability", MAPPABILITY), ("replication_timing", TIMING))
}


def records(path: Path) -> Iterator[tuple[int, str, int, int, dict[str, float]]]:
    """(line, contig, start, end, values by name, NaN where missing) of every bin, in the order of the file.

    Raises
    ------
    Fault
        E16 for other columns; E28 for a row that is not a bin, a value beyond its limits, and bins that overlap.
    """
    for line, chrom, start, end, cells in placed(_rows(path), GC):
        yield line, chrom, start, end, {name: value_of(cell, KINDS[name], line) for name, cell in cells.items()}


def _rows(path: Path) -> Iterator[tuple[int, str, int, int, dict[str, str]]]:
    for line, row in table(path, REQUIRED, OPTIONAL):
        try:
            start, end = whole_number(row["start"]), whole_number(row["end"])
        except ValueError as error:
            message = f"start and end are not an interval (start 0 or more, end after start): {error}"
            raise Fault("E28", message, "correct the row", line) from None
        yield line, row["chrom"], start, end, {name: row[name] for name in KINDS if name in row}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check compares. ends: the end of the last bin of each contig. width: of the bins, bases."""

    ends: dict[str, int]
    width: int


def look(path: Path) -> Facts:
    """Facts of a whole table."""
    names, bins, _, width = _whole(path)
    return Facts({name: int(bins.end[bins.contig == number].max()) for name, number in names.items()}, width)


def read(path: Path | str) -> dict[str, Any]:
    """Columns chrom, start, end, gc, and gap, mappability and replication_timing where the table has them; NaN = missing.

    Raises
    ------
    Fault
        As `records`, and E28 for bins of several widths or off their grid; with the file's name.
    """
    with named(path):
        names, bins, values, _ = _whole(Path(path))
    return columns_of([bins], names) | values


def _whole(path: Path) -> tuple[dict[str, int], Block, dict[str, NDArray[Any]], int]:
    """Contigs by their number, bins with their gc, all values by name, and the width, after all rules on a table as a whole."""
    names: dict[str, int] = {}
    contig, starts, ends = array("i"), array("q"), array("q")
    found: dict[str, array[float]] = {}
    for _, chrom, start, end, row in records(path):
        contig.append(names.setdefault(chrom, len(names)))
        starts.append(start)
        ends.append(end)
        for name, value in row.items():
            found.setdefault(name, array("d")).append(value)
    if not found:
        raise Fault("E16", "holds no bin", "write a row for each bin")
    values = {name: np.array(column) for name, column in found.items()}
    bins = Block(np.array(contig), np.array(starts), np.array(ends), values["gc"])
    width = width_of(bins.contig, bins.start, bins.end, "bins")
    if np.isnan(bins.value).all():
        raise Fault("E28", "no bin has a value of gc, and bins without one are not used", "fill in gc: 0 to 1")
    return names, bins, values, width
