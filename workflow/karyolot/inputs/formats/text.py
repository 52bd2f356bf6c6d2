"""Text files as people give them: opened, decoded, cut into lines and fields; and the numbers in their cells.

Nothing heavy is imported here: every start of the workflow reads its inputs through this module.
"""

import gzip
import os
import re
import stat
import unicodedata
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any

from karyolot.contracts.problems import Fault, quoted
from karyolot.inputs.formats.foreign import refuse_binary

MOST = 10**12
"""No count and no position on a genome is larger; below 2**53 every number type holds a whole number exactly."""
LONGEST_LINE = 1 << 24
"""16 MB hold a row of a million samples. A longer line is not a table, and would not fit into memory."""
BLOCK = 1 << 20
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
NO_DATA = ("#", "track", "browser")
"""How lines begin that a genome browser reads and that hold no data."""
MISSING = frozenset({"", ".", "NA", "N/A", "NaN", "nan", "NAN", "-nan", "-NaN", "na", "n/a", "null", "NULL", "None"})
"""How programs write that there is no value."""
INVISIBLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
FORMULA = re.compile(r"[=@]|[+-](?![0-9.]|$)")
"""How a cell begins that a spreadsheet evaluates; a sign before a number, or alone, is none."""
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._:()/|+*@-]{0,59}")
"""Of a gene or region of the user, which is printed in reports, and written into tables and the files of other tools."""


def regular_file(path: Path) -> os.stat_result:
    """Size and identity of a file that can be read.

    Raises
    ------
    Fault
        E02 when there is none, or when it is a folder, a pipe, empty or not readable.
    """
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise Fault("E02", "is a folder", "name the file inside it")
        if not stat.S_ISREG(facts.st_mode):
            raise Fault("E02", "is not a regular file", "files are read more than once: write the data to a file")
        if not facts.st_size:
            raise Fault("E02", "is empty (0 bytes)", "fetch or make it again")
        if not os.access(path, os.R_OK):
            raise Fault("E02", "is not readable by this user", "change its permissions (chmod)")
    except FileNotFoundError:
        if path.is_symlink():
            message = f"is a link to a file that does not exist ({quoted(os.readlink(path))})"
            raise Fault("E02", message, "repair the link or fetch the file") from None
        message, meant = _absent(path)
        raise Fault("E02", message, "correct the path or fetch the file", meant=meant) from None
    except NotADirectoryError:
        raise Fault("E02", "does not exist: a part of the path is not a folder", "correct the path") from None
    except OSError as error:
        message = f"cannot be read ({error.strerror or error})"
        raise Fault("E02", message, "correct the path or its permissions") from None
    except ValueError as error:
        raise Fault("E02", f"is not a path ({error})", "correct the path") from None
    return facts


def _absent(path: Path) -> tuple[str, str | None]:
    """Message on a file that is not there, and the name most like it beside it."""
    folder = path.parent
    if not folder.is_dir():
        return f"does not exist: there is no folder {quoted(str(folder), 200)}", None
    try:
        found = get_close_matches(path.name, os.listdir(folder), n=1, cutoff=0.8)
    except OSError:
        found = []
    return "does not exist", quoted(found[0], 200) if found else None


@contextmanager
def opened(path: Path, *, binary: bool = False) -> Iterator[IO[bytes]]:
    """A file to read as bytes, gunzipped if it begins as gzip does. binary: a caller that names other formats itself.

    Raises
    ------
    Fault
        E28 when the gzip stream is damaged, or the name ends in .gz and the content is not gzip; E02 when the file cannot
        be read. Also while the block reads on.
    """
    try:
        with open(path, "rb") as start:
            zipped = start.read(2) == b"\x1f\x8b"
        if path.name.endswith((".gz", ".bgz")) and not zipped:
            raise Fault("E28", "is named .gz and is not a gzip file", "rename it, or fetch it again")
        opener: Callable[..., Any] = gzip.open if zipped else open
        with opener(path, "rb") as handle:
            if not binary:
                refuse_binary(handle.peek(8))
            yield handle
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Fault("E28", f"the gzip file is damaged or truncated ({error})", "fetch it again") from error
    except OSError as error:
        raise Fault("E02", f"cannot be read ({error.strerror or error})", "correct its permissions") from error


@contextmanager
def named(path: str | os.PathLike[str]) -> Iterator[None]:
    """A Fault raised inside carries the name of this file: for readers whose caller prints the fault as it is."""
    try:
        yield
    except Fault as fault:
        raise (fault if fault.file else fault.named(str(path))) from fault.__cause__


def blocks(path: Path) -> Iterator[tuple[int, bytes]]:
    """(number from 1 of the first line, whole lines without the last line end) of a file, gzipped or not, about BLOCK at a time.

    A byte-order mark is left out.

    Raises
    ------
    Fault
        E28 for a line that is longer than LONGEST_LINE.
    """
    number, rest, start = 1, b"", True
    with opened(path) as handle:
        while block := handle.read(BLOCK):
            whole, end, rest = (rest + (block.removeprefix(BYTE_ORDER_MARK) if start else block)).rpartition(b"\n")
            start = False
            if len(rest) > LONGEST_LINE:
                message = f"holds a line of more than {LONGEST_LINE >> 20} MB"
                remedy = "name a text file with one row per line"
                raise Fault("E28", message, remedy, number + whole.count(b"\n") + len(end))
            if end:
                yield number, whole
                number += whole.count(b"\n") + 1
        if rest:
            yield number, rest


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """(line number from 1, text without its line end) of a UTF-8 text file, gzipped or not.

    A byte-order mark is left out; Windows line ends are read. Whole blocks are decoded: millions of lines take a second.

    Raises
    ------
    Fault
        E28 for a line that is not UTF-8 text, holds a zero byte or a carriage return, or is longer than LONGEST_LINE.
    """
    for number, block in blocks(path):
        yield from enumerate(decoded(block, number), number)


def decoded(block: bytes, first: int) -> list[str]:
    """The lines of a block that ends where a line ends; first: number of its first line."""
    try:
        if b"\0" in block:
            raise UnicodeDecodeError("utf-8", block, 0, 1, "zero byte")
        texts = block.decode().split("\n")
    except UnicodeDecodeError:
        for number, line in enumerate(block.split(b"\n"), first):
            if b"\0" in line:
                message = "is not UTF-8 text: it holds a zero byte"
                raise Fault("E28", message, "fetch it again, or save it as UTF-8", number) from None
            try:
                line.decode()
            except UnicodeDecodeError as error:
                raise Fault("E28", "is not UTF-8 text", "name a text file, or save it as UTF-8", number) from error
        raise
    if b"\r" in block:
        texts = [text.rstrip("\r") for text in texts]
        for number, text in enumerate(texts, first):
            if "\r" in text:
                raise Fault("E28", "holds a carriage return inside a line", "save it with plain line ends", number)
    return texts


def fields(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, cells) of a tab- or space-separated file, without empty lines, comments and track lines."""
    for number, line in lines(path):
        if line.startswith(NO_DATA) or not line.strip():
            continue
        yield number, line.split("\t") if "\t" in line else line.split()


def is_quoted(cell: str) -> bool:
    """Whether a cell is in quotes, as R and spreadsheets write it; those within are doubled."""
    return len(cell) >= 2 and cell[0] == cell[-1] == '"' and '"' not in cell[1:-1].replace('""', "")


def unquoted(cell: str) -> str:
    return cell[1:-1].replace('""', '"') if is_quoted(cell) else cell


def invisible_fault(cell: str, line: int | None = None) -> Fault | None:
    """What is wrong with a cell that does not read as it is written."""
    found = INVISIBLE.search(cell)
    if found is None:
        return None
    name = unicodedata.name(found[0], f"control character {ord(found[0]):#04x}")
    return Fault("E16", f"the cell holds an invisible character ({name.lower()})", "type the cell again", line)


def check_text(cell: str, line: int) -> None:
    """Raise a Fault E16 for a cell that does not read as it is written, or that a spreadsheet would evaluate."""
    if fault := invisible_fault(cell, line):
        raise fault
    if FORMULA.match(cell):
        message = f"the cell {quoted(cell)} begins as a formula of a spreadsheet does"
        raise Fault("E16", message, "begin it with a letter or a digit", line)


def checked_name(name: str, what: str, line: int | None) -> str:
    """`name` of a gene, region or sequence; raises a Fault E16 when it is not written as NAME. what: 'the region'."""
    if not NAME.fullmatch(name):
        remedy = "write 1 to 60 letters, digits, spaces and . _ : ( ) / | + * @ -, a letter or digit first"
        raise Fault("E16", f"the name of {what} is {quoted(name)}", remedy, line)
    return name


def same_width(cells: Sequence[str], width: int, line: int) -> None:
    """Raise a Fault when a row has another number of cells than its header."""
    if len(cells) != width:
        message = f"the row has {len(cells)} cells and the header {width}"
        raise Fault("E16", message, "write a tab between cells, also around empty ones", line)


def table(
    path: Path, columns: Sequence[str], optional: Collection[str] | None = None
) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, {column: cell without white space around it}) of each row of a tab-separated table with a header.

    Lines that start with # and empty ones are passed over.

    Parameters
    ----------
    columns
        That the table must have: with `optional`, in any order; else these and no other, in this order.
    optional
        Columns that it may have.

    Raises
    ------
    Fault
        E16 for other columns, for a row with another number of cells than the header, and for what `check_text` refuses.
    """
    remedy = f"write a tab-separated table with the columns {', '.join(columns)}"
    remedy += "".join(f" [, {name}]" for name in optional or ())
    header: list[str] = []
    for line, text in lines(path):
        if not text.strip() or (text.startswith("#") and (header or not text.startswith(f"#{columns[0]}\t"))):
            continue
        cells = [unquoted(cell).strip() for cell in text.split("\t")]
        if header:
            same_width(cells, len(header), line)
            for cell in cells:
                check_text(cell, line)
            yield line, dict(zip(header, cells, strict=True))
            continue
        header = [cells[0].removeprefix("#"), *cells[1:]]
        if missing := [name for name in columns if name not in header]:
            for mark, what in ((",", "commas"), (";", "semicolons")):
                if len(header) == 1 and mark in text:
                    raise Fault("E16", f"is separated by {what}", remedy, line)
            raise Fault("E16", f"has no column {' and '.join(missing)}", remedy, line)
        if optional is None and header != list(columns):
            raise Fault("E16", f"has the columns {', '.join(header)}", f"{remedy}, in this order", line)
        if strange := [name for name in header if name not in {*columns, *(optional or ())}]:
            raise Fault("E16", f"has a column {strange[0]!r}, which such tables do not have", remedy, line)
        if len(set(header)) < len(header):
            raise Fault("E16", "names a column twice", remedy, line)
    if not header:
        raise Fault("E16", "holds no table", remedy)


# Numbers


def whole_number(text: str) -> int:
    """A whole number in plain digits; raises ValueError when the text is none (int() would take '1_0' and '٣')."""
    if text.isascii() and text.isdigit() and len(text) < 13:
        return int(text)
    if not re.fullmatch(r"-?[0-9]{1,18}", text.strip()) or abs(int(text)) > MOST:
        raise ValueError(f"{quoted(text)} is not a whole number of at most 13 digits")
    return int(text)


def number(text: str) -> float | None:
    """A finite number, None for a text that states that there is no value (MISSING).

    Raises
    ------
    ValueError
        When the text is neither; float() would also take '1_0', '٣' and 'infinity'.
    """
    text = text.strip()
    if text in MISSING:
        return None
    if not text.isascii() or "_" in text:
        raise ValueError(f"{quoted(text)} is not a number")
    try:
        value = float(text)
    except ValueError:
        raise ValueError(f"{quoted(text)} is not a number") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(f"{quoted(text)} is not a finite number")
    return value


def not_a_count(text: str) -> str | None:
    """Why a text is no count; None when it is: 12, 12.0 and R's 1e+05 are."""
    if text.isascii() and text.isdigit() and len(text) < 13:
        return None
    try:
        value = float(text if text.isascii() and "_" not in text and re.search("[0-9]", text) else "x")  # not nan, inf
    except ValueError:
        return f"{quoted(text)} is not a number"
    if value < 0:
        return f"the count {text[:20]} is negative"
    if value > MOST:
        return f"the count {quoted(text)} is larger than any run of a sequencer gives"
    return None if value.is_integer() else f"the count {quoted(text)} is not a whole number"
