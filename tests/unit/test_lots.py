"""The tables of all lots that people take into a spreadsheet."""

from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import pandas as pd

import planted_records
from karyolot.contracts.overview import FIRST
from karyolot.io.workbook import without_formulas, write_workbook
from karyolot.report.lots import NAMES, lot_tables

RECORDS = [make() for make in planted_records.ALL.values()]
HELD = [(record, FIRST) for record in RECORDS]
CELL = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def test_every_lot_has_a_row_with_the_outcome_of_every_criterion() -> None:
    tables = lot_tables(HELD)
    lots = tables["lots"].set_index("lot_id")
    assert list(lots.index) == [record.lot.lot_id for record in RECORDS]
    for record in RECORDS:
        row = lots.loc[record.lot.lot_id]
        assert row["verdict"] == record.verdict.outcome and row["report_id"] == record.report_id
        for result in record.verdict.criteria:
            assert row[result.id] == result.outcome
    assert len(tables["criteria"]) == sum(len(record.verdict.criteria) for record in RECORDS)


def test_every_call_is_an_event_and_says_whether_it_was_interpreted() -> None:
    failing = planted_records.failing()
    withheld = failing.model_copy(update={"verdict": failing.verdict.model_copy(update={"suppressed": True})})
    assert lot_tables([(withheld, FIRST)])["events"]["interpreted"].tolist() == [False] * len(failing.copy_number.calls)
    events = lot_tables(HELD)["events"]
    for record in RECORDS:
        own = events[events["lot_id"] == record.lot.lot_id]
        assert own["fraction"].tolist() == [call.fraction for call in record.copy_number.calls]
        assert set(own["interpreted"]) <= {not record.verdict.suppressed}


def sheets(path: Path) -> dict[str, list[list[str | None]]]:
    """Sheet -> rows of a workbook, read by the standard library alone."""
    with ZipFile(BytesIO(path.read_bytes())) as book:
        shared = ET.fromstring(book.read("xl/sharedStrings.xml"))
        texts = ["".join(text.text or "" for text in item.iter(f"{CELL}t")) for item in shared]
        names = [sheet.attrib["name"] for sheet in ET.fromstring(book.read("xl/workbook.xml")).iter(f"{CELL}sheet")]
        found = {}
        for number, name in enumerate(names, start=1):
            tree = ET.fromstring(book.read(f"xl/worksheets/sheet{number}.xml"))
            assert not list(tree.iter(f"{CELL}f")), "no formula"
            found[name] = [[_value(cell, texts) for cell in row] for row in tree.iter(f"{CELL}row")]
    return found


def _value(cell: ET.Element, texts: list[str]) -> str | None:
    value = cell.findtext(f"{CELL}v")
    return texts[int(value)] if value is not None and cell.attrib.get("t") == "s" else value


def test_the_workbook_holds_the_tables_and_the_same_bytes_every_time(tmp_path: Path) -> None:
    tables = lot_tables(HELD)
    for name in ("a.xlsx", "b.xlsx"):
        write_workbook(tables, tmp_path / name)
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()
    found = sheets(tmp_path / "a.xlsx")
    assert tuple(found) == NAMES
    for name, table in tables.items():
        assert found[name][0] == list(table.columns) and len(found[name]) == len(table) + 1


def test_a_text_that_looks_like_a_formula_or_a_link_stays_a_text(tmp_path: Path) -> None:
    hostile = ["=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "https://example.org", "0012"]
    write_workbook({"t": pd.DataFrame({"a": hostile, "b": [1.5, None, float("nan"), 2, True]})}, tmp_path / "t.xlsx")
    rows = sheets(tmp_path / "t.xlsx")["t"]
    assert [row[0] for row in rows[1:]] == hostile
    text = without_formulas(pd.DataFrame({"a": hostile, "b": [-1.5, None, 2, 3, 4]})).splitlines()
    assert [line.split("\t")[0] for line in text[1:]] == ["'=1+1", "'+cmd|' /C calc'!A0", "'@SUM(A1)", *hostile[3:]]
    assert text[1].endswith("\t-1.5")
    assert rows[1][1] == "1.5" and all(len(row) < 2 or row[1] in (None, "") for row in rows[2:4])


def test_a_study_without_records_gives_empty_tables(tmp_path: Path) -> None:
    write_workbook(lot_tables([]), tmp_path / "none.xlsx")
    assert (tmp_path / "none.xlsx").stat().st_size > 0
