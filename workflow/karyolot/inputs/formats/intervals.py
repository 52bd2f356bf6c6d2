"""Intervals on a genome, with or without a value: BED, bedGraph, fixed-step and variable-step WIG, and tables whose
header names their columns. Cytobands, regions, gene lists and tracks are read here; counts per bin by `bin_counts`,
which takes its rows from here.

Coordinates are 0-based half-open, whatever the file counts from. Intervals of a track must not overlap: bedGraph and
WIG forbid it, and a base with two values would have no mean.
"""

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.problems import Fault
from karyolot.inputs.formats.foreign import refuse_text
from karyolot.inputs.formats.text import MOST, NO_DATA, lines, named, whole_number
from karyolot.inputs.formats.text import number as number_of

T = TypeVar("T")
Integers = NDArray[np.int64]
Row = tuple[int, str, int, int, str]
"""Line, contig, start, end, and the cell of the value as it is written ('' where the kind has none)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file of intervals is for.

    what: its format, for messages. value: what its column of values holds; `names`: how headers call that column.
    low, high: limits of a number. gap: a number that stands for 'no value'. apart: the intervals of a contig are sorted
    and do not overlap. bins: they lie side by side.
    """

    what: str
    value: Literal["none", "label", "number", "count"] = "none"
    names: frozenset[str] = frozenset()
    low: float = -np.inf
    high: float = np.inf
    gap: float | None = None
    apart: bool = True
    bins: bool = False


BEDGRAPH = "bedGraph (chrom start end value) or WIG"
SCORES = frozenset({"value", "score", "mean"})
REGIONS = Kind("BED (chrom start end)", apart=False)
BANDS = Kind("a table of chrom, start, end, band", "label", frozenset({"band", "name"}))
TIMING = Kind(BEDGRAPH, "number", SCORES | {"replication_timing", "timing", "rt"})
MAPPABILITY = Kind(BEDGRAPH, "number", SCORES | {"mappability", "map"}, 0.0, 1.0)
GC = Kind(BEDGRAPH, "number", SCORES | {"gc", "gc_content", "pct_gc"}, 0.0, 1.0, gap=-1.0)
"""HMMcopy's gcCounter writes -1 for bins that hold an N."""

CHROM = frozenset({"chrom", "chr", "chromosome", "contig", "seqnames", "seqname", "seqid", "space"})
START = frozenset({"start", "chromstart", "chrom_start", "begin", "bin_start", "start_pos"})
END = frozenset({"end", "chromend", "chrom_end", "stop", "bin_end", "end_pos"})
KNOWN = frozenset(
    """
    gc gc_content pct_gc length width size strand feature name id gene gene_name geneid region bin index number map
    mappability replication_timing rt timing log2 log2_ratio depth coverage ratio mean median copy copy_number
    copynumber cn weight spread probes segment call score value count counts reads read_count
    """.split()
)
"""Names of columns that say what they hold: a column of another name may be a sample's."""
WIG = ("fixedStep", "variableStep")
GATK = ["CONTIG", "START", "END", "COUNT"]


class Places(NamedTuple):
    """Which cells of a row hold what, how many cells there are, and what the first base is called (0 or 1)."""

    chrom: int
    start: int
    end: int
    value: int | None
    cells: int
    base: int


def rows(path: Path, kind: Kind) -> Iterator[Row]:
    """The rows of a file: every rule on lines, columns and coordinates; values are left to the caller.

    Raises
    ------
    Fault
        E28 for what is not of this kind, with its line; E02 for a file that cannot be read.
    """
    return placed(_raw(path, kind), kind)


def placed(raw: Iterable[tuple[int, str, int, int, T]], kind: Kind) -> Iterator[tuple[int, str, int, int, T]]:
    """Rows whose contigs have a name and whose coordinates are right; raises a Fault at the first that has not."""
    name = written = ""
    last = (0, 0)
    ends: dict[str, tuple[int, int]] = {}
    for line, chrom, start, end, text in raw:
        if chrom != written or not written:
            ends[name] = last
            written, name = chrom, chrom.strip().strip("\"'")
            if not name:
                raise Fault("E28", "names no contig", "correct the line", line)
            last = ends.get(name, (0, 0))
        if not 0 <= start < end <= MOST:
            message = f"{start}-{end} is not an interval from 0 on, end after start"
            if end > MOST:
                message = f"{start}-{end} lies beyond the end of any genome"
            raise Fault("E28", message, "correct the line", line)
        if kind.apart:
            if start < last[1]:
                raise _not_apart(kind, name, (start, end), last, line)
            last = start, end
        yield line, name, start, end, text


def _not_apart(kind: Kind, chrom: str, own: tuple[int, int], last: tuple[int, int], line: int) -> Fault:
    place = f"{chrom}:{own[0]}-{own[1]}"
    if own == last:
        return Fault("E28", f"{place} stands twice", "keep one of the lines", line)
    if own[1] <= last[0]:
        remedy = "sort the file: sort -k1,1 -k2,2n"
        return Fault("E28", f"{place} stands after {chrom}:{last[0]}-{last[1]}: the lines are not sorted", remedy, line)
    message = f"{place} overlaps the interval before it ({chrom}:{last[0]}-{last[1]})"
    remedy = "count in bins side by side" if kind.bins else "give every base one value: keep one of them, or merge them"
    return Fault("E28", message, remedy, line)


def _raw(path: Path, kind: Kind) -> Iterator[Row]:
    """The rows as they stand: WIG, or a table after what precedes its rows."""
    numbered = lines(path)
    header: tuple[int, list[str]] | None = None
    base = 0
    for line, text in numbered:
        if text.startswith(NO_DATA) or not text.strip():
            refuse_text(text, line)
            if re.match(r"#\s*(track coords=1|Program:featureCounts)", text):
                base = 1
            elif text.startswith("#") and _is_header(cells := _cells(text)):
                header = line, cells
        elif re.match(r"@(HD|SQ|RG|PG|CO)\t", text):  # GATK writes the header of the alignment before its table
            base = 1
        elif text.split()[0] in WIG:
            if kind.value in {"none", "label"}:
                raise Fault("E28", f"is WIG, and not {kind.what}", "give a list of regions", line)
            yield from _wig(chain([(line, text)], numbered), kind)
            return
        elif header is None and _is_header(cells := _cells(text)):
            header = line, cells
        else:
            refuse_text(text, line)
            first = _cells(text)
            places = _headed(kind, *header, first, base) if header else _headless(kind, first, base, line)
            yield from _table(chain([(line, text)], numbered), kind, places)
            return
    raise Fault("E28", f"holds no {'counts' if kind.value == 'count' else 'interval'}", "fetch or make it again")


def _cells(line: str) -> list[str]:
    return line.split("\t") if "\t" in line else line.split()


def _word(cell: str) -> str:
    """The name of a column as headers are compared: without case, quotes and the # before the first."""
    return cell.strip().strip("#'\" ").lower().replace(" ", "_")


def _is_header(cells: Sequence[str]) -> bool:
    words = set(map(_word, cells))
    return bool(words & CHROM and words & START and words & END)


def _headed(kind: Kind, line: int, header: list[str], first: Sequence[str], base: int) -> Places:
    """Where a table has its columns by its header. first: the cells of its first row."""
    words = [_word(cell) for cell in header]
    if len(first) == len(header) + 1:  # as R writes a table with the names of its rows
        words.insert(0, "id")
    found = []
    for wanted in (CHROM, START, END):
        own = [place for place, word in enumerate(words) if word in wanted]
        if len(own) > 1:
            message = f"its header names {words[own[0]]} and {words[own[1]]}"
            raise Fault("E28", message, "keep one of these columns", line)
        found += own
    if header == GATK or "geneid" in words or _feature(words, first, found):
        base = 1
    if kind.value == "none":
        return Places(found[0], found[1], found[2], None, len(words), base)
    value = _named_value(kind, words, set(found), line)
    return Places(found[0], found[1], found[2], value, len(words), base)


def _feature(words: Sequence[str], first: Sequence[str], found: Sequence[int]) -> bool:
    """Whether a column `feature`, as QDNAseq writes it, says that the starts count from 1."""
    if "feature" not in words or len(first) != len(words):
        return False
    chrom, start, end = (first[place] for place in found)
    return first[words.index("feature")] == f"{chrom}:{start}-{end}"


def _headless(kind: Kind, first: Sequence[str], base: int, line: int) -> Places:
    """The same without a header: of more than four columns none is taken for the value."""
    if len(first) < (3 if kind.value == "none" else 4):
        raise _not_a_row(kind, line)
    try:
        start = whole_number(first[1])
    except ValueError:
        raise _not_a_row(kind, line) from None
    value = None if kind.value == "none" else 3
    if kind.value in {"number", "count"} and len(first) > 4:
        if len(first) != 6 or not first[3].endswith(f":{start + 1}-{first[2]}"):
            wanted = "count" if kind.value == "count" else "value"
            message = f"has {len(first)} columns and no header that says which of them is the {wanted}"
            remedy = f"keep four columns (cut -f 1-3,N), or write a header: chrom start end ... {wanted}"
            raise Fault("E28", message, remedy, line)
        value = 4  # QDNAseq's BED: feature, value, strand
    return Places(0, 1, 2, value, len(first), base)


def _named_value(kind: Kind, words: Sequence[str], taken: set[int], line: int) -> int:
    """The column of the value by its name, or the only one whose name says nothing else: that of a sample."""
    own = [place for place, word in enumerate(words) if word in kind.names and place not in taken]
    own = own or [place for place, word in enumerate(words) if word not in KNOWN and place not in taken]
    if len(own) == 1:
        return own[0]
    columns = ", ".join(word for place, word in enumerate(words) if place not in taken) or "nothing else"
    wanted = "count" if kind.value == "count" else next(iter(sorted(kind.names - SCORES)), "value")
    if own:
        message = f"its header does not say which column is the {wanted}: {', '.join(words[place] for place in own)}"
        raise Fault("E28", message, f"keep one of them, or name it {wanted}", line)
    if kind.value == "count" and {"log2", "depth"} & set(words):
        message = f"holds log2 ratios or mean depths ({columns}), as CNVkit writes them, and no counts"
        raise Fault("E28", message, COUNT_AGAIN, line)
    message = f"has no column of {kind.value}s: its header names {columns} besides chrom, start and end"
    raise Fault("E28", message, f"name the column {wanted}", line)


COUNT_AGAIN = (
    "give raw counts of fragments, not normalised values: bedtools coverage -counts -a BINS.bed -b LOT.bam, readCounter"
    " of HMMcopy, or the BAM file itself in the column alignment"
)


def _not_a_row(kind: Kind, line: int) -> Fault:
    if kind.value == "count":
        message = "is not a table of counts: a line holds chrom, start, end and count, separated by tabs"
        return Fault("E28", message, "correct the line", line)
    return Fault("E28", f"is not {kind.what}, separated by tabs", "correct the line", line)


def _table(numbered: Iterable[tuple[int, str]], kind: Kind, places: Places) -> Iterator[Row]:
    c, s, e, v, width, base = places
    ragged = kind.value in {"none", "label"}
    needed = max(c, s, e, v or 0) + 1
    for line, text in numbered:
        if text.startswith(NO_DATA):
            continue
        cells = text.split("\t") if "\t" in text else text.split()
        if len(cells) != width:
            if not text.strip():
                continue
            if cells[0].startswith(WIG):
                raise Fault("E28", "a WIG line stands in a table of another kind", "correct the file", line)
            if not ragged and len(cells) >= needed:
                message = f"the row has {len(cells)} cells and the others {width}"
                raise Fault("E28", message, "write a tab between cells, also around empty ones", line)
            if len(cells) < needed:
                raise _not_a_row(kind, line)
        try:
            start, end = whole_number(cells[s]) - base, whole_number(cells[e])
        except ValueError:
            raise _not_a_row(kind, line) from None
        if base and start < 0:
            message = "starts at 0, and files with such a header count from 1"
            raise Fault("E28", message, "name the columns chrom start end count when they count from 0", line)
        yield line, cells[c], start, end, "" if v is None else cells[v]


def _wig(numbered: Iterable[tuple[int, str]], kind: Kind) -> Iterator[Row]:
    """Rows of a WIG file; the first line is a declaration. Its positions count from 1."""
    chrom, position, step, span = "", 0, 0, 1
    empty: list[int] = []
    for line, text in numbered:
        if text.startswith(NO_DATA):
            continue
        words = text.split()
        if not words:
            empty.append(line)
        elif words[0] in WIG:
            chrom, position, step, span = _declared(words, kind, line)
            empty = []
        elif len(words) != (1 if step else 2):
            wanted = "one value" if step else "a position and a value"
            raise Fault("E28", f"a line of a {WIG[not step]} WIG holds {wanted}", "correct the file", line)
        elif step:
            # An empty line between values is a value that is missing: passing over it would move all that follow.
            for place in empty:
                yield place, chrom, position, position + span, ""
                position += step
            empty = []
            yield line, chrom, position, position + span, words[0]
            position += step
        else:
            try:
                position = whole_number(words[0]) - 1
            except ValueError:
                raise _not_a_row(kind, line) from None
            yield line, chrom, position, position + span, words[1]


def _declared(words: Sequence[str], kind: Kind, line: int) -> tuple[str, int, int, int]:
    """(contig, start from 0, step, span) of a declaration; step 0 for variable steps.

    span is 1 by UCSC's definition; counters of bins leave it out where it is the step, and so it is read.
    """
    given = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    fixed = words[0] == WIG[0]
    try:
        chrom, start = given["chrom"], whole_number(given["start"]) if fixed else 1
        step = whole_number(given["step"]) if fixed else 0
        span = whole_number(given.get("span", str(step or 1)))
    except (KeyError, ValueError):
        needs = "'fixedStep chrom=... start=... step=...'" if fixed else "'variableStep chrom=... span=...'"
        remedy = "correct the line, or convert the file to bedGraph"
        raise Fault("E28", f"needs a line {needs} before its values", remedy, line) from None
    if start < 1 or span < 1 or (fixed and step < 1):
        raise Fault("E28", "start, step and span of a WIG file are 1 or more", "correct the line", line)
    if kind.bins and fixed and span != step:
        raise Fault("E28", f"step {step} and span {span} differ", "count in bins side by side", line)
    if kind.bins and not fixed and "span" not in given:
        raise Fault("E28", "a variableStep line without span holds single bases", "write the width of the bins", line)
    if fixed and span > step:
        raise Fault("E28", f"span {span} is longer than step {step}: intervals overlap", "correct the line", line)
    return chrom, start - 1, step, span


# Values


def records(path: Path, kind: Kind) -> Iterator[tuple[int, str, int, int, float | str]]:
    """(line, contig, start, end, value) of a whole file: a number, NaN where it is missing, or a label.

    Raises
    ------
    Fault
        E28 for what is not of this kind, a value beyond its limits, and a file without any interval or value.
    """
    if kind.value != "number":
        for line, chrom, start, end, text in rows(path, kind):
            yield line, chrom, start, end, text.strip()
        return
    known = False
    for line, chrom, start, end, text in rows(path, kind):
        value = value_of(text, kind, line)
        known = known or value == value
        yield line, chrom, start, end, value
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
    message = f"the value {value:g} is not between {kind.low:g} and {kind.high:g}"
    if kind.high < value <= 100 * kind.high:
        message += ": the scale seems to be 0 to 100"
        return Fault("E28", message, r"divide by 100: awk -v OFS='\t' '{$4 /= 100} 1' IN.bedgraph", line)
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
    for _, chrom, _, end, value in records(path, kind):
        count += 1
        missing += value != value
        if end > contigs.get(chrom, 0):
            contigs[chrom] = end
    notes = []
    if missing:
        signs = "NA" if kind.gap is None else f"NA or {kind.gap:g}"
        message = f"{missing} of its {count} intervals have no value ({signs})"
        notes.append(
            Fault(
                "W28",
                message,
                "bins without any value are left uncorrected; nothing to do where these are assembly gaps",
            )
        )
    return Facts(contigs, count, missing, tuple(notes))


def read(path: Path | str, kind: Kind) -> dict[str, Any]:
    """Columns chrom, start, end and, where the kind has one, value (NaN = missing) or label.

    Raises
    ------
    Fault
        As `records`, with the file's name.
    """
    with named(path):
        columns = Columns()
        labels: list[str] = []
        values = array("d")
        for _, chrom, start, end, value in records(Path(path), kind):
            columns.add(chrom, start, end)
            if isinstance(value, str):
                labels.append(value)
            else:
                values.append(value)
    table = columns.arrays()
    if kind.value == "label":
        table["label"] = labels
    elif kind.value == "number":
        table["value"] = np.frombuffer(values, dtype=float)
    return table


class Columns:
    """Contigs, starts and ends of rows that come one by one: 20 bytes a row. names: of the contigs, by their number."""

    def __init__(self) -> None:
        self.names: dict[str, int] = {}
        self._contig, self._start, self._end = array("i"), array("q"), array("q")

    def add(self, chrom: str, start: int, end: int) -> None:
        self._contig.append(self.names.setdefault(chrom, len(self.names)))
        self._start.append(start)
        self._end.append(end)

    @property
    def contig(self) -> NDArray[np.int32]:
        return np.frombuffer(self._contig, dtype=np.int32)

    @property
    def start(self) -> Integers:
        return np.frombuffer(self._start, dtype=np.int64)

    @property
    def end(self) -> Integers:
        return np.frombuffer(self._end, dtype=np.int64)

    def arrays(self) -> dict[str, Any]:
        """Columns chrom (object), start and end (int64)."""
        names = np.array(list(self.names), dtype=object)
        return {"chrom": names[self.contig], "start": self.start, "end": self.end}

    def width(self, what: str) -> int:
        """The one width of bins, in bases. what: they are of, for messages.

        Raises
        ------
        Fault
            E28 when they have several (the last of a contig may be shorter), or do not start at multiples of it.
        """
        contig, start, end = self.contig, self.start, self.end
        found, often = np.unique(end - start, return_counts=True)
        width = int(found[often == often.max()].max())
        if np.all(start % (width + 1) == 1):
            message = f"starts count from 1 ({start[0]}-{end[0]}), and in {what} of this kind they count from 0"
            raise Fault("E28", message, r"subtract 1 from each start: awk -v OFS='\t' '{$2 -= 1} 1'")
        if len(found) > 1:
            last = np.append(contig[1:] != contig[:-1], True)
            odd = (end - start)[(end - start != width) & ~(last & (end - start < width))]
            if len(odd):
                message = f"bins have different widths ({width} and {odd[0]} bases)"
                remedy = "count again in bins of one width, and keep bins of equal count apart"
                raise Fault("E28", f"{message}; only the last of a contig may be shorter", remedy)
        if np.any(start % width):
            message = f"bins of {width} bases do not all start at a multiple of {width}"
            raise Fault("E28", message, "count in bins from 0 on")
        return width
