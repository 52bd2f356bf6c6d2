"""The sample tables are read however a spreadsheet or an editor writes them, and never guessed at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karyolot.contracts.problems import Problem, nearest
from karyolot.contracts.sheets import Donor, Lot, Row, Sample
from karyolot.inputs.sheets import parse_sheet

SHEET = "lot_id\tdonor_id\tpassage\tpdl\tcryo_protocol\nL1\tD1\t4\t6.5\tslow, 5 % DMSO\nL2\tD2\t5\t\t\n"
LOTS = [
    Lot(lot_id="L1", donor_id="D1", passage=4, pdl=6.5, cryo_protocol="slow, 5 % DMSO"),
    Lot(lot_id="L2", donor_id="D2", passage=5),
]


def lots(data: bytes) -> tuple[list[Lot], list[Problem]]:
    entries, problems = parse_sheet(data, "lots.tsv", Lot)
    return [entry.row for entry in entries], problems


@pytest.mark.parametrize(
    "data",
    [
        SHEET.encode(),
        SHEET.encode("utf-8-sig"),
        SHEET.encode("utf-16"),
        SHEET.encode("utf-16-le"),
        SHEET.encode("utf-16-be"),
        SHEET.replace("\n", "\r\n").encode(),
        SHEET.replace("\n", "\r").encode(),
        SHEET.rstrip("\n").encode(),
        SHEET.replace("\t", " \t\u00a0").encode(),
        SHEET.replace("\n", "\t\t\n").encode(),
        SHEET.replace("\n", "\n\n\t\t\t\t\n# a remark\n").encode(),
        ("# first a remark\n" + SHEET).encode(),
        SHEET.replace("slow, 5 % DMSO", '"slow, 5 % DMSO"').encode(),
    ],
    ids=[
        "plain",
        "bom",
        "utf16",
        "utf16le",
        "utf16be",
        "crlf",
        "cr",
        "no last line end",
        "spaces",
        "empty columns",
        "empty lines",
        "remark",
        "quotes",
    ],
)
def test_what_is_clear_is_read(data: bytes) -> None:
    assert lots(data) == (LOTS, [])


def test_quotes_inside_a_quoted_cell() -> None:
    rows, problems = lots(SHEET.replace("slow, 5 % DMSO", '"the ""slow"" one"').encode())
    assert (rows[0].cryo_protocol, problems) == ('the "slow" one', [])


def test_columns_may_stand_in_any_order_and_optional_ones_be_absent() -> None:
    rows, problems = lots(b"passage\tlot_id\tdonor_id\n4\tL1\tD1\n")
    assert (rows, problems) == ([Lot(lot_id="L1", donor_id="D1", passage=4)], [])


def test_lines_count_as_in_an_editor() -> None:
    data = "# remark\r\n\r\nlot_id\tdonor_id\tpassage\r\nL1\tD1\t4\r\n\r\n# remark\r\nL2\tD1\tx\r\n"
    entries, problems = parse_sheet(data.encode(), "lots.tsv", Lot)
    assert [entry.line for entry in entries] == [4, 7]
    assert [problem.line for problem in problems] == [7]


REFUSED: list[tuple[str, bytes, type[Row], list[tuple[str, int | None, str | None, str]]]] = [
    ("empty", b"", Donor, [("E16", None, None, "the sheet is empty")]),
    ("only remarks", b"# nothing\n", Donor, [("E16", None, None, "the sheet is empty")]),
    ("only a header", b"donor_id\tsex\n", Donor, [("E16", None, None, "has a header and no row")]),
    ("header a remark", b"#donor_id\tsex\nD1\tF\n", Donor, [("E16", 1, None, "the header is a comment")]),
    ("semicolons", b"donor_id;sex;age\nD1;F;3,5\n", Donor,
     [("E16", 1, None, "separated by ';' instead of tabs"), ("E17", 2, "age", "not a number")]),
    ("commas", b"donor_id,sex\nD1,X\n", Donor, [("E16", 1, None, "','"), ("E17", 2, "sex", "not an allowed value")]),
    ("latin 1", "donor_id\tsex\tcryo_protocol\nD1\tF\tgekühlt\nD2\tX\t\n".encode("latin-1"), Donor,
     [("E16", 2, None, "not UTF-8 text"), ("E17", 3, "sex", "not an allowed value")]),
    ("zeros", b"donor_id\tsex\nD1\tF\0\n", Donor, [("E16", 2, "sex", "invisible character (control character 0x00)")]),
    ("zero width space", "donor_id\tsex\nD\u200b1\tF\n".encode(), Donor, [("E16", 2, "donor_id", "zero width space")]),
    ("right to left", "donor_id\tsex\nD\u202e1\tF\n".encode(), Donor, [("E16", 2, "donor_id", "right-to-left")]),
    ("short row", b"donor_id\tsex\tage\nD1\tF\n", Donor, [("E16", 2, None, "the row has 2 cells and the header 3")]),
    ("long row", b"donor_id\tsex\nD1\tF\t3\n", Donor, [("E16", 2, None, "the row has 3 cells and the header 2")]),
    ("line break in a cell", b'donor_id\tsex\tcryo_protocol\nD1\tF\t"two\nlines"\n', Donor,
     [("E16", 2, None, "line breaks and tabs in a cell"), ("E16", 3, None, "the row has 1 cells")]),
    ("misspelled column", b"donor\tsex\nD1\tF\n", Donor, [("E16", 1, "donor", "(did you mean donor_id?)")]),
    ("column of another case", b"Donor ID\tSex\nD1\tF\n", Donor,
     [("E16", 1, "Donor ID", "(did you mean donor_id?)"), ("E16", 1, "Sex", "(did you mean sex?)")]),
    ("unknown column", b"donor_id\tsex\tfavourite\nD1\tF\tx\n", Donor, [("E16", 1, "favourite", "unknown column")]),
    ("missing column", b"donor_id\tage\nD1\t5\nD2\t6\n", Donor, [("E16", 1, "sex", "the column sex is missing")]),
    ("column twice", b"donor_id\tsex\tsex\nD1\tF\tM\n", Donor, [("E16", 1, "sex", "occurs twice")]),
    ("column without a name", b"donor_id\tsex\t\tage\nD1\tF\tx\t5\n", Donor, [("E16", 2, None, "cell 3 holds text")]),
    ("required cell empty", b"donor_id\tsex\nD1\t\n", Donor, [("E17", 2, "sex", "is empty and must not be")]),
    ("formula", b"donor_id\tsex\tage\nD1\tF\t#DIV/0!\n", Donor, [("E16", 2, "age", "failed spreadsheet formula")]),
    ("number as an id", b"donor_id\tsex\n1.23E+10\tF\n", Donor, [("E16", 2, "donor_id", "a spreadsheet has probably")]),
    ("date as an id", b"donor_id\tsex\nMar-24\tF\n", Donor, [("E16", 2, "donor_id", "a spreadsheet has probably")]),
    ("not a number", b"donor_id\tsex\tage\nD1\tF\t1e999\n", Donor, [("E17", 2, "age", "not a number")]),
    ("too long", b"donor_id\tsex\n" + b"x" * 65 + b"\tF\n", Donor, [("E16", 2, "donor_id", "at most 64 characters")]),
    ("option as an id", b"donor_id\tsex\n-x\tF\n", Donor, [("E16", 2, "donor_id", "starts with a letter or digit")]),
    ("upper case sha", b"sample_id\tassay\tsha256_1\nS\twgs\t" + b"A" * 64 + b"\n", Sample,
     [("E17", 2, "sha256_1", "not a sha256 checksum")]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "data", "model", "expected"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_is_not_clear_is_told(
    name: str, data: bytes, model: type[Row], expected: list[tuple[str, int | None, str | None, str]]
) -> None:
    _, problems = parse_sheet(data, "sheet.tsv", model)
    assert [(p.code, p.line, p.column) for p in problems] == [case[:3] for case in expected], problems
    for problem, (*_, words) in zip(problems, expected, strict=True):
        assert words in str(problem)


@pytest.mark.parametrize("column", ["name", "Donor Name", "first_name", "DOB", "date of birth", "birth_date", "MRN",
                                    "e-mail", "Phone", "patient_id", "Address", "Hospital ID", "initials"])  # fmt: skip
def test_personal_data_is_refused_and_not_repeated(column: str) -> None:
    _, problems = parse_sheet(f"donor_id\tsex\t{column}\nD1\tF\tJane Doe\n".encode(), "donors.tsv", Donor)
    assert [(problem.code, problem.line, problem.column) for problem in problems] == [("E23", 1, column)]
    assert "Jane" not in str(problems[0])


def test_a_terminal_is_not_given_orders() -> None:
    _, problems = parse_sheet(b"donor_id\tsex\t\x1b[2Jx\n\x1b[31mD\tF\t\n", "donors.tsv", Donor)
    assert problems
    assert all("\x1b" not in str(problem) for problem in problems)


def test_a_row_that_cannot_be_read_keeps_its_id() -> None:
    entries, _ = parse_sheet(b"lot_id\tdonor_id\tpassage\nL1\tD1\n", "lots.tsv", Lot)
    assert (entries[0].row.lot_id, entries[0].bad) == ("L1", frozenset(Lot.model_fields))


@pytest.mark.parametrize(
    ("word", "like"), [("rnaSeq", "rnaseq"), ("RNA-seq", "rnaseq"), ("wgs ", "wgs"), ("xyz", None)]
)
def test_the_nearest_word_is_suggested(word: str, like: str | None) -> None:
    assert nearest(word, ["wgs", "rnaseq"]) == like


ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,20}", fullmatch=True).filter(
    lambda text: text not in {"NA", "na", "nan"}
)


@given(st.lists(st.tuples(ids, st.sampled_from("FM"), st.integers(0, 120)), min_size=1, max_size=5))
def test_what_is_written_is_read_again(rows: list[tuple[str, str, int]]) -> None:
    text = "donor_id\tsex\tage\n" + "".join(f"{name}\t{sex}\t{age}\n" for name, sex, age in rows)
    entries, problems = parse_sheet(text.encode(), "donors.tsv", Donor)
    if not problems:  # an id may look like a date or a missing value
        assert [(entry.row.donor_id, entry.row.sex, entry.row.age) for entry in entries] == rows
    assert all(problem.code == "E16" and problem.column == "donor_id" for problem in problems)
