"""Long files of intervals with a number each, read by columns where their lines are plain, else line by line.

A block of lines is plain when it is separated by tabs, has no line but rows, and breaks no rule. Any other block is read as
`rows` reads it, so that results and messages are the same.
"""

import io
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.contigs import contig_key
from karyolot.inputs.formats import text
from karyolot.inputs.formats.rows import WIG, Kind, Order, Places, Row, head, rows, table_rows

SHORT = 1 << 16
"""Bytes below which a block is read line by line: importing pyarrow costs more."""
ROWS = 1 << 17
Value = Callable[[str, Kind, int], float]
"""The number in a cell, given the kind and the line; raises a Fault."""


class Block(NamedTuple):
    """Rows of a file, in its order. contig: number of each row's contig; value: float64, of counts int64."""

    contig: NDArray[np.int32]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    value: NDArray[Any]


def blocks(path: Path, kind: Kind, value_of: Value, names: dict[str, int]) -> Iterator[Block]:
    """All rows of a file. names: the contigs by their number, to which those of the file are added.

    Raises
    ------
    Fault
        As `rows` and `value_of`.
    """
    first, _, places = head(text.lines(path), kind)
    if places is None:
        yield from _by_line(rows(path, kind), kind, value_of, names)
        return
    order = Order(kind)
    for number, content in text.blocks(path):
        for _ in range(first - number):
            _, _, content = content.partition(b"\n")
        number = max(number, first)
        if not content:
            continue
        block = _by_column(content, places, order, names)
        if block is not None:
            yield block
        else:
            numbered = enumerate(text.decoded(content, number), number)
            yield from _by_line(order.placed(table_rows(numbered, kind, places)), kind, value_of, names)


def _by_line(placed: Iterable[Row], kind: Kind, value_of: Value, names: dict[str, int]) -> Iterator[Block]:
    code = "q" if kind.value == "count" else "d"
    placed = iter(placed)
    while True:
        contig, start, end, value = array("i"), array("q"), array("q"), array(code)
        for line, chrom, low, high, cell in islice(placed, ROWS):
            contig.append(names.setdefault(chrom, len(names)))
            start.append(low)
            end.append(high)
            value.append(value_of(cell, kind, line))  # type: ignore[arg-type]
        if not contig:
            return
        yield Block(*(np.array(column) for column in (contig, start, end, value)))


def _by_column(content: bytes, places: Places, order: Order, names: dict[str, int]) -> Block | None:
    """A plain block of lines; None when it is none, with `order` and `names` as they were."""
    if len(content) < SHORT:
        return None
    import pyarrow as pa

    try:
        columns = _parsed(content, places, order.kind.value == "count")
    except pa.ArrowInvalid:
        return None
    if columns is None:
        return None
    chroms, contig, start, end, value = columns
    kind, strange = order.kind, (*text.NO_DATA, *WIG)
    if any(not name or name != name.strip().strip("\"'") or name.startswith(strange) for name in chroms):
        return None
    spelled = order.spelled | {contig_key(name): name for name in chroms if contig_key(name) not in order.spelled}
    if kind.apart and any(spelled[contig_key(name)] != name for name in chroms):
        return None
    if not (np.all(start >= 0) and np.all(start < end) and np.all(end <= text.MOST)) or not _allowed(value, kind):
        return None
    ends = {}
    for number, name in enumerate(chroms):
        own = contig == number
        low, high = (start, end) if own.all() else (start[own], end[own])
        if kind.apart and (low[0] < order.ends.get(name, (0, 0))[1] or np.any(low[1:] < high[:-1])):
            return None
        ends[name] = int(low[-1]), int(high[-1])
    if kind.apart:
        order.ends |= ends
        order.spelled = spelled
    numbers = np.array([names.setdefault(name, len(names)) for name in chroms], dtype=np.int32)
    return Block(numbers[contig], start, end, value)


def _parsed(content: bytes, places: Places, counts: bool) -> tuple[list[str], Any, Any, Any, Any] | None:
    """Names of contigs, the number of each row's contig, start, end, value; None where a cell may mean something else."""
    import pyarrow as pa
    from pyarrow import csv

    content = content.replace(b"\r\n", b"\n").removesuffix(b"\r")
    if b"\r" in content or b"\0" in content or b"0x" in content or b"0X" in content:
        return None
    wanted = {
        str(places.chrom): pa.dictionary(pa.int32(), pa.string()), str(places.start): pa.int64(), str(places.end): pa.int64(),
        str(places.value): pa.int64() if counts else pa.float64(),
    }  # fmt: skip
    if len(wanted) < 4:
        return None
    table = csv.read_csv(
        io.BytesIO(content),
        csv.ReadOptions(
            column_names=[str(place) for place in range(places.cells)], use_threads=False, block_size=1 << 30
        ),
        csv.ParseOptions(delimiter="\t", quote_char=False),
        csv.ConvertOptions(column_types=wanted, include_columns=list(wanted), null_values=sorted(text.MISSING)),
    )
    if not table.num_rows:
        return None
    chrom, start, end, value = (column.combine_chunks() for column in table.columns)
    chrom = chrom.chunk(0) if isinstance(chrom, pa.ChunkedArray) else chrom
    if chrom.null_count or start.null_count or end.null_count or (counts and value.null_count):
        return None
    found = value.to_numpy(zero_copy_only=False)
    if not counts and not np.isfinite(found[value.is_valid().to_numpy(zero_copy_only=False)]).all():
        return None
    return chrom.dictionary.to_pylist(), chrom.indices.to_numpy(), start.to_numpy() - places.base, end.to_numpy(), found


def _allowed(value: NDArray[Any], kind: Kind) -> bool:
    """Whether every number that is there is one of this kind, and none stands for a gap."""
    low, high = (0, text.MOST) if kind.value == "count" else (kind.low, kind.high)
    return bool(np.all((value >= low) & (value <= high) & (value != kind.gap) | np.isnan(value)))
