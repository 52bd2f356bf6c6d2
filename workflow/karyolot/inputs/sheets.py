"""The sample tables as people write them: every cell that is wrong is reported by line and column, none is guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from karyolot.contracts.problems import Fault, Problem, nearest, quoted
from karyolot.contracts.sheets import DATE_PATTERN, ID_PATTERN, Row
from karyolot.inputs.formats.foreign import BINARY
from karyolot.inputs.formats.text import invisible_fault, is_quoted, regular_file, unquoted
from karyolot.inputs.spreadsheet import damage
from karyolot.inputs.values import value_fault

R = TypeVar("R", bound=Row)

EDGES = "".join(map(chr, (*range(9, 14), 32, 0x85, 0xA0, 0x2007, 0x202F, 0x200B, 0x2060, 0xFEFF)))
"""White space that spreadsheets and web pages leave around a cell, some of it invisible; stripped."""
NOTHING = frozenset({"NA", "N/A", "n/a", "na", "NaN", "nan", "null", "NULL", "None", "none", "-", "--", ".", "?"})
FORMULA_ERROR = re.compile(r"#(N/A|REF!|NAME\?|VALUE!|DIV/0!|NUM!|NULL!|SPILL!)")
SHEET_BYTES = 64 << 20
"""A sample table beyond 64 MB is some other file."""
PERSONAL_COLUMN = re.compile(
    r"(donor|patient|subject|person|client)?(first|last|family|given|full|sur|middle|maiden|legal)?name"
    r"|.*(birth|email|phone|address|passport|insurance|socialsecurity|medicalrecord).*"
    r"|dob|mrn|ssn|mail|street|zip|zipcode|postcode|initials|nhs(no|number)?|(patient|hospital|national)(id|number|no)"
)
E_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")


@dataclass(frozen=True, slots=True)
class Entry(Generic[R]):
    """A row and its position.

    Columns in `bad` could not be read and are already reported; they are None in `row`, but for the id of a row whose
    number of cells is wrong.
    """

    file: str
    line: int
    row: R
    bad: frozenset[str]

    def problem(
        self, code: str, message: str, remedy: str, column: str | None = None, meant: str | None = None
    ) -> Problem:
        """A problem of the row, or of its cell in a column."""
        cell = None if column is None else getattr(self.row, column)
        value = f"{cell:g}" if isinstance(cell, (int, float)) else cell
        return Problem(code, self.file, message, remedy, self.line, column, value, meant)


def parse_sheet(
    data: bytes, file: str, model: type[R], *, may_be_empty: bool = False
) -> tuple[list[Entry[R]], list[Problem]]:
    """Rows of a tab-separated sheet, and everything wrong with it. may_be_empty: a header without rows is no problem.

    UTF-8, UTF-16 or UTF-32 with or without a byte-order mark, any line ending, white space around cells and quotes around
    cells are read; empty lines and lines starting with # are passed over. Lines count from 1 as in a text editor.
    """
    text, problems = _decode(data, file)
    lines = [(number, line) for number, line in enumerate(re.split("\r\n|\r|\n", text), 1) if line.strip(EDGES)]
    content = [(number, line) for number, line in lines if not line.startswith("#")]
    columns = list(model.model_fields)
    if not content and problems:
        return [], problems
    if not content:
        return [], [*problems, _syntax(file, "the sheet is empty", f"write a header line: {', '.join(columns)}")]
    header_line, header = content[0]
    separator = "\t"
    if "\t" not in header and len(columns) > 1:
        separator = next((mark for mark in ";," if mark in header), "\t")
        if separator != "\t":
            message = f"columns are separated by {separator!r} instead of tabs"
            problems.append(_syntax(file, message, "save the sheet as tab-separated text (.tsv)", header_line))
    names = [_cell(name) for name in header.split(separator)]
    if not set(names) & set(columns):
        for number, line in lines:
            if line.startswith("#") and set(columns) & {_cell(name) for name in line.lstrip("# ").split(separator)}:
                return [], [*problems, _syntax(file, "the header is a comment", "remove the # before it", number)]
    fields, header_problems = _header(names, file, header_line, model)
    problems += header_problems

    if len(content) == 1 and not may_be_empty:
        problems.append(_syntax(file, "the sheet has a header and no row", "add one line per row below the header"))
    entries: list[Entry[R]] = []
    for number, line in content[1:]:
        cells, fault = _cells(line, separator, len(names))
        if fault is None:
            entry, found = _filled_row(dict(zip(fields, cells, strict=True)), names, cells, number, file, model)
        else:
            # The id alone is kept, so that other sheets may refer to it without a second complaint.
            id_cell = dict(zip(fields, cells, strict=False)).get(columns[0], "")
            unread: dict[str, Any] = {**dict.fromkeys(columns), columns[0]: id_cell or None}
            row = cast(R, model.model_construct(None, **unread))
            entry, found = Entry(file, number, row, frozenset(columns)), [_syntax(file, *fault, number)]
        entries.append(entry)
        problems += found
    return entries, problems


def _cells(line: str, separator: str, columns: int) -> tuple[list[str], tuple[str, str] | None]:
    """The cells of a row; message and remedy when they are not as many as there are columns."""
    cells = line.split(separator)
    unbalanced = any(cell.startswith('"') and not is_quoted(cell) for cell in cells)
    cells = [_cell(cell) for cell in cells]
    while len(cells) > columns and not cells[-1]:
        cells.pop()
    if unbalanced:
        message = 'a cell starts with " and does not end with it; line breaks and tabs in a cell are not allowed'
        return cells, (message, "write the row on one line, without quotes")
    if len(cells) != columns:
        message = f"the row has {len(cells)} cells and the header {columns}"
        return cells, (message, "write a tab for every cell, also for empty ones at the end of the row")
    return cells, None


def _filled_row(
    by_field: dict[str, str], names: Sequence[str], cells: Sequence[str], line: int, file: str, model: type[R]
) -> tuple[Entry[R], list[Problem]]:
    """A row with a cell for each column. by_field: field -> cell, '' for columns that are read as no field."""
    problems = [
        _syntax(file, f"cell {place} holds text and has no column name", "name the column, or empty the cell", line)
        for place, (name, cell) in enumerate(zip(names, cells, strict=True), 1)
        if cell and not name
    ]
    absent = frozenset(model.model_fields) - frozenset(by_field)
    entry, found = _row({field: cell for field, cell in by_field.items() if field and cell}, line, file, model, absent)
    return entry, problems + found


def header_of(text: str) -> list[str]:
    """Names of the columns of a tab-separated sheet, as `parse_sheet` reads them; [] when it has no header."""
    lines = (line for line in re.split("\r\n|\r|\n", text) if line.strip(EDGES) and not line.startswith("#"))
    return [_cell(name) for line in islice(lines, 1) for name in line.split("\t")]


def read_bytes(path: Path) -> bytes:
    """The bytes of a sheet; an empty file is given back as such, since `parse_sheet` has its own message for it.

    Raises
    ------
    Fault
        When there is no such file, or it is far too large for a sheet.
    """
    if not (path.is_file() and path.stat().st_size == 0) and regular_file(path).st_size > SHEET_BYTES:
        message = f"is larger than {SHEET_BYTES >> 20} MB, so it is not a sample table"
        raise Fault("E16", message, "correct the path")
    try:
        return path.read_bytes()
    except OSError as error:
        raise Fault("E02", f"cannot be read ({error.strerror or error})", "correct its permissions") from error


def _syntax(file: str, message: str, remedy: str, line: int | None = None, column: str | None = None) -> Problem:
    return Problem("E16", file, message, remedy, line, column)


def _decode(data: bytes, file: str) -> tuple[str, list[Problem]]:
    for start, (kind, _) in {**BINARY, b"\x1f\x8b": ("a gzip file", "")}.items():
        if data.startswith(start):
            return "", [_syntax(file, f"is {kind}, not text", "save the sheet as tab-separated text (.tsv)")]
    encoding = "utf-8-sig"
    if data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        encoding = "utf-32"
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif data[1:2] == b"\0" or data[:1] == b"\0":
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
    try:
        return data.decode(encoding), []
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"not {encoding[:6].rstrip('-').upper()} text (byte {error.start + 1})"
        # The rest is read as well as can be, so that the other problems are reported in the same pass.
        text = data.decode(encoding, errors="replace").replace("\ufffd", "_")
        return text, [_syntax(file, message, "save the sheet as UTF-8 text, tab separated", line)]


def _cell(text: str) -> str:
    return unquoted(text).strip(EDGES)


def _header(names: Sequence[str], file: str, line: int, model: type[Row]) -> tuple[list[str], list[Problem]]:
    """The field each column is read as ('' = none), and what is wrong with the header.

    A misspelled column is read as the column it most resembles, so that its absence is not reported on top.
    """
    columns = list(model.model_fields)
    fields: list[str] = []
    problems = []
    for name in names:
        field = name if name in columns else ""
        if name and not field:
            if PERSONAL_COLUMN.fullmatch(re.sub(r"[\W_]+", "", name.casefold())):
                message = "the column looks like personal data of a donor, which must not enter results and reports"
                problems.append(
                    Problem("E23", file, message, "delete the column; donors and lots go by pseudonyms", line, name)
                )
            else:
                meant = nearest(name, [column for column in columns if column not in names])
                field = meant or ""
                remedy = f"use one of {', '.join(columns)}, or delete the column"
                problems.append(Problem("E16", file, "unknown column", remedy, line, name, meant=meant))
        if field and field in fields:
            message = "the column occurs twice" if name == field else f"two columns could be {field}"
            problems.append(_syntax(file, message, "keep one of them", line, field))
            field = ""
        fields.append(field)
    missing = [column for column in columns if model.model_fields[column].is_required() and column not in fields]
    problems += [
        _syntax(file, f"the column {column} is missing", f"add the column {column} to the header", line, column)
        for column in missing
    ]
    return fields, problems


def _row(
    cells: dict[str, str], line: int, file: str, model: type[R], absent: frozenset[str]
) -> tuple[Entry[R], list[Problem]]:
    """Read one row. cells: those that are not empty; absent: fields without a column, reported with the header."""
    problems: dict[str, Problem] = {}
    values: dict[str, Any] = {}
    bad = set()
    for column, reader in _readers(model).items():
        cell = cells.get(column)
        if cell is None and not model.model_fields[column].is_required():
            values[column] = model.model_fields[column].get_default()
            continue
        if column in absent:
            values[column] = None
            bad.add(column)
            continue
        fault = (
            Fault("E17", "the cell is empty and must not be", "fill it in")
            if cell is None
            else _text_fault(column, cell)
        )
        if fault is None:
            try:
                values[column] = reader.validate_python(cell)
                if not (isinstance(values[column], int | float) and "_" in str(cell)):  # Python reads 1_0 as 10
                    continue
                fault = Fault("E17", "not a number", "write digits only")
            except ValidationError as error:
                fault = _explain(column, str(cell), error.errors(include_url=False)[0])
        code = "E09" if fault.code == "E17" and column in {"passage", "pdl"} else fault.code
        shown = None if code == "E23" else cell
        problems[column] = Problem(code, file, fault.message, fault.remedy, line, column, shown, fault.meant)
        values[column] = None
    row = cast(R, model.model_construct(None, **values))
    return Entry(file, line, row, frozenset(bad | problems.keys())), list(problems.values())


@cache
def _readers(model: type[Row]) -> dict[str, TypeAdapter[Any]]:
    return {
        name: TypeAdapter(field.rebuild_annotation(), config=ConfigDict(allow_inf_nan=False))
        for name, field in model.model_fields.items()
    }


def _text_fault(column: str, cell: str) -> Fault | None:
    """What is wrong with the characters of a cell, whatever its type."""
    if fault := invisible_fault(cell):
        return fault
    if cell in NOTHING:
        return Fault("E16", "the cell states that there is no value", "leave the cell empty")
    if FORMULA_ERROR.fullmatch(cell):
        return Fault("E16", "the cell holds a failed spreadsheet formula", "type the value")
    if column not in {"collection_date", "date"} and damage(cell, numbers_are_ids=True):
        remedy = "type the original value; in a spreadsheet, format the column as text before typing"
        return Fault("E16", "a spreadsheet has probably turned this value into a date or number", remedy)
    if "@" in cell and E_MAIL.fullmatch(cell):
        return Fault("E23", "the cell holds an e-mail address", "use a pseudonym")
    return None


def _explain(column: str, cell: str, error: ErrorDetails) -> Fault:
    """A pydantic error in terms of the person who fills in the sheet."""
    pattern = error.get("ctx", {}).get("pattern")
    if pattern == ID_PATTERN:
        strange = sorted({character for character in cell if not re.fullmatch("[A-Za-z0-9_-]", character)})
        message = "an id starts with a letter or digit and has at most 64 characters"
        if strange:
            message = f"an id must not hold {' '.join(quoted(character) for character in strange)}"
        return Fault("E16", message, "use letters a-z, digits, _ and - only")
    if pattern == DATE_PATTERN:
        return Fault("E17", "not a date written year-month-day", "write it like 2031-02-28; format the column as text")
    if column == "passage" and re.fullmatch(r"-?[0-9]+", cell):
        if int(cell) == 0:
            remedy = "hepatocytes are a sample of a donor (donor_id in samples.tsv); a lot starts at passage 1"
            return Fault("E10", "a lot is at passage 0", remedy)
        return Fault("E09", "passage is below 1", "write the passages since reprogramming")
    return value_fault(error)
