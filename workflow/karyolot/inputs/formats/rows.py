"""Rows of files of intervals: WIG, and tables whose columns are found by their header or, without one, by their position.

Coordinates are passed on 0-based half-open, whatever the file counts from.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar

import numpy as np

from karyolot.contracts.contigs import contig_key
from karyolot.contracts.problems import Fault
from karyolot.inputs.formats.foreign import refuse_text
from karyolot.inputs.formats.text import MOST, NO_DATA, lines, whole_number

T = TypeVar("T")
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


SCORES = frozenset({"value", "score", "mean"})
"""How headers call a value of any kind."""
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
"""Names of columns that state what they hold: a column of another name may be a sample's."""
WIG = ("fixedStep", "variableStep")
GATK = ["CONTIG", "START", "END", "COUNT"]


class Places(NamedTuple):
    """Which cells of a row hold what, how many cells there are, what the first base is called (0 or 1), and whether the file
    states which cell is the value."""

    chrom: int
    start: int
    end: int
    value: int | None
    cells: int
    base: int
    named: bool


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
    return Order(kind).placed(raw)


class Order:
    """What rows must be compared with that come later in a file.

    ends: the last interval of each contig; spelled: each contig by its name without chr.
    """

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.ends: dict[str, tuple[int, int]] = {}
        self.spelled: dict[str, str] = {}

    def placed(self, raw: Iterable[tuple[int, str, int, int, T]]) -> Iterator[tuple[int, str, int, int, T]]:
        """See `placed`; may be called for the parts of a file, one after the other."""
        kind, ends = self.kind, self.ends
        name = written = ""
        last = (0, 0)
        for line, chrom, start, end, text in raw:
            if chrom != written or not written:
                ends[name] = last
                written, name = chrom, chrom.strip().strip("\"'")
                if not name:
                    raise Fault("E28", "names no contig", "correct the line", line)
                if kind.apart and (other := self.spelled.setdefault(contig_key(name), name)) != name:
                    raise Fault("E28", f"names one contig in two ways: {other} and {name}", "keep one of the two", line)
                last = ends.get(name, (0, 0))
            if not 0 <= start < end <= MOST:
                message = f"{start}-{end} is not an interval: start is 0 or more, and end after start"
                if end > MOST:
                    message = f"{start}-{end} lies beyond the end of any genome"
                raise Fault("E28", message, "correct the line", line)
            if kind.apart:
                if start < last[1]:
                    raise _not_apart(kind, name, (start, end), last, line)
                last = start, end
            yield line, name, start, end, text
        ends[name] = last


def _not_apart(kind: Kind, chrom: str, own: tuple[int, int], last: tuple[int, int], line: int) -> Fault:
    place = f"{chrom}:{own[0]}-{own[1]}"
    if own == last:
        return Fault("E28", f"{place} occurs twice", "keep one of the lines", line)
    if own[1] <= last[0]:
        remedy = "sort the file: sort -k1,1 -k2,2n"
        return Fault("E28", f"{place} comes after {chrom}:{last[0]}-{last[1]}: the lines are not sorted", remedy, line)
    message = f"{place} overlaps the interval before it ({chrom}:{last[0]}-{last[1]})"
    remedy = "count in adjacent bins that do not overlap" if kind.bins else "keep one of them, or merge them"
    return Fault("E28", message, remedy, line)


def _raw(path: Path, kind: Kind) -> Iterator[Row]:
    """The rows as written: WIG, or a table after what precedes its rows."""
    numbered = lines(path)
    line, text, places = head(numbered, kind)
    rest = chain([(line, text)], numbered)
    yield from _wig(rest, kind) if places is None else table_rows(rest, kind, places)


def head(numbered: Iterable[tuple[int, str]], kind: Kind) -> tuple[int, str, Places | None]:
    """The first row, its line, and where its columns are; None for WIG. What precedes it is consumed."""
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
            return line, text, None
        elif header is None and _is_header(cells := _cells(text)):
            header = line, cells
        else:
            refuse_text(text, line)
            first = _cells(text)
            return line, text, _headed(kind, *header, first, base) if header else _headless(kind, first, base, line)
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
    if header == GATK or "geneid" in words or _counts_from_1(words, first, found):
        base = 1
    if kind.value == "none":
        return Places(found[0], found[1], found[2], None, len(words), base, True)
    value = _named_value(kind, words, set(found), line)
    return Places(found[0], found[1], found[2], value, len(words), base, True)


def _counts_from_1(words: Sequence[str], first: Sequence[str], found: Sequence[int]) -> bool:
    """Whether another column states that starts count from 1: QDNAseq's `feature`, or the `width` of R's GRanges and HMMcopy."""
    if len(first) != len(words):
        return False
    chrom, start, end = (first[place] for place in found)
    if "feature" in words:
        return first[words.index("feature")] == f"{chrom}:{start}-{end}"
    numbers = (start, end, first[words.index("width")]) if "width" in words else ()
    if not numbers or not all(cell.isascii() and cell.isdigit() for cell in numbers):
        return False
    return int(end) - int(start) + 1 == int(numbers[2])


def _headless(kind: Kind, first: Sequence[str], base: int, line: int) -> Places:
    """The same without a header: of more than four columns none is taken for the value."""
    for mark, what in ((",", "commas"), (";", "semicolons")):
        if "".join(first).count(mark) > 1:
            raise Fault("E28", f"is separated by {what}", f"convert it: tr '{mark}' '\\t' < IN > OUT", line)
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
            message = f"has {len(first)} columns and no header that states which of them is the {wanted}"
            remedy = f"keep four columns (cut -f 1-3,N), or write a header: chrom start end ... {wanted}"
            raise Fault("E28", message, remedy, line)
        value = 4  # QDNAseq's BED: feature, value, strand
    return Places(0, 1, 2, value, len(first), base, base == 1)


def _named_value(kind: Kind, words: Sequence[str], taken: set[int], line: int) -> int:
    """The column of the value by its name, or the only one without another meaning: that of a sample."""
    own = [place for place, word in enumerate(words) if word in kind.names and place not in taken]
    own = own or [place for place, word in enumerate(words) if word not in KNOWN and place not in taken]
    if len(own) == 1:
        return own[0]
    columns = ", ".join(word for place, word in enumerate(words) if place not in taken) or "nothing else"
    wanted = "count" if kind.value == "count" else next(iter(sorted(kind.names - SCORES)), "value")
    if own:
        message = f"its header does not state which column is the {wanted}: {', '.join(words[place] for place in own)}"
        raise Fault("E28", message, f"keep one of them, or name it {wanted}", line)
    if kind.value == "count" and {"log2", "depth"} & set(words):
        message = f"holds log2 ratios or mean depths ({columns}), as CNVkit writes them, and no counts"
        raise Fault("E28", message, COUNT_AGAIN, line)
    message = f"has no column of {kind.value}s: its header names {columns} besides chrom, start and end"
    raise Fault("E28", message, f"name the column {wanted}", line)


COUNT_AGAIN = (
    "give raw counts of fragments, not normalised values: bedtools coverage -counts -a BINS.bed -b LOT.bam, or readCounter"
    " of HMMcopy; in a study, also the BAM file itself in the column alignment"
)


def _not_a_row(kind: Kind, line: int, why: str = "") -> Fault:
    message = f"is not {kind.what}, separated by tabs"
    if kind.value == "count":
        message = "is not a table of counts: a line holds chrom, start, end and count, separated by tabs"
    return Fault("E28", message + why, "correct the line", line)


def table_rows(numbered: Iterable[tuple[int, str]], kind: Kind, places: Places) -> Iterator[Row]:
    c, s, e, v, width, base, _ = places
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
                raise Fault("E28", "a WIG line in a table of another kind", "correct the file", line)
            if not ragged and len(cells) >= needed:
                message = f"the row has {len(cells)} cells and the others {width}"
                raise Fault("E28", message, "write a tab between cells, also around empty ones", line)
            if len(cells) < needed:
                raise _not_a_row(kind, line)
        try:
            start, end = whole_number(cells[s]) - base, whole_number(cells[e])
        except ValueError as error:
            raise _not_a_row(kind, line, f" ({error})") from None
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
        raise Fault("E28", f"step {step} and span {span} differ", "count in adjacent bins that do not overlap", line)
    if kind.bins and not fixed and "span" not in given:
        raise Fault("E28", "a variableStep line without span holds single bases", "write the width of the bins", line)
    if fixed and span > step:
        raise Fault("E28", f"span {span} is longer than step {step}: intervals overlap", "correct the line", line)
    return chrom, start - 1, step, span
