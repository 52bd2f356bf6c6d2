"""What a terminal shows of finished lots comes from their records alone, says what a PASS cannot see, and obeys no text."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfReader

from karyolot.commands import report, terminal
from karyolot.commands.explain import explanation, not_passed, table_of
from karyolot.commands.report import render_again
from karyolot.commands.run import Failure
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.provenance import UNKNOWN
from karyolot.contracts.record import SCHEMA_VERSION, Record
from karyolot.io.files import read_json, write_json, write_text
from karyolot.io.record import lots_with_records, read_record, read_report, readable, seal, write_report
from karyolot.report.multiqc import verdict_table
from planted_records import ALL, CODE, HOSTILE, failing, hostile, html, passing, reworded, thin


def written(directory: Path, *records: Record) -> list[Record]:
    """Records under their own lot's name, as a run leaves them."""
    for record in records:
        write_report(record, directory / "results" / record.lot.lot_id / "report.json")
    return [read_record(directory, lot) for lot in lots_with_records(directory)]


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def table(directory: Path, *records: Record, out: io.StringIO | None = None) -> str:
    out = out or io.StringIO()
    terminal.print_table(table_of(records, directory), terminal.console(out))
    return out.getvalue()


def explained(record: Record, out: io.StringIO | None = None) -> str:
    out = out or io.StringIO()
    terminal.print_explanation(explanation(record, Path("here")), terminal.console(out))
    return out.getvalue()


def test_a_run_without_reports_prints_no_empty_table(tmp_path: Path) -> None:
    assert table(tmp_path) == "no lot has a report\n"


# reading


def test_a_record_is_read_as_it_was_sealed(tmp_path: Path) -> None:
    assert written(tmp_path, passing(), failing()) == [passing(), failing()]


@pytest.mark.parametrize("make", ALL.values())
def test_the_seal_of_a_file_is_the_digest_of_its_record(make: Callable[[], Record], tmp_path: Path) -> None:
    write_report(make().sealed(), tmp_path / "r.json")
    assert seal(read_json(tmp_path / "r.json")) == make().digest()[:12]


def test_an_edited_verdict_is_not_shown(tmp_path: Path) -> None:
    written(tmp_path, failing())
    path = tmp_path / "results" / failing().lot.lot_id / "report.json"
    content = read_json(path)
    content["verdict"]["outcome"] = "PASS"
    write_json(content, path)
    with pytest.raises(KaryolotError, match="was changed after it was made"):
        read_record(tmp_path, failing().lot.lot_id)


def test_a_record_of_another_lot_is_not_shown(tmp_path: Path) -> None:
    write_report(passing(), tmp_path / "results/L7/report.json")
    with pytest.raises(KaryolotError, match=r"is the record of lot 'HLP-2031-04'"):
        read_record(tmp_path, "L7")


@pytest.mark.parametrize("text", ["{}", "[]", "null", "{", '{"schema_version": "9"}'])
def test_files_that_are_no_record(tmp_path: Path, text: str) -> None:
    write_text(text, tmp_path / "results/L7/report.json")
    with pytest.raises(KaryolotError, match=r"report\.json: not "):
        read_record(tmp_path, "L7")


@pytest.mark.parametrize("lot", ["HLP-2031-4", "../results/HLP-2031-04", "", "$(touch x)", "a\x1b[2Jb", "."])
def test_lots_that_are_not_there(tmp_path: Path, lot: str) -> None:
    written(tmp_path, passing())
    with pytest.raises(KaryolotError, match="finished lots: HLP-2031-04") as caught:
        read_record(tmp_path, lot)
    assert str(caught.value).isprintable()


def test_no_lot_at_all(tmp_path: Path) -> None:
    with pytest.raises(KaryolotError, match="no lot is finished"):
        read_record(tmp_path, "L7")


def test_a_record_of_another_schema_is_refused_with_the_version_that_made_it(tmp_path: Path) -> None:
    path = tmp_path / "results" / "L7" / "report.json"
    old = {"schema_version": "1.0", "provenance": {"karyolot_version": "0.1.0", "commit": "3fe2a1c"}}
    write_json(old, path)
    with pytest.raises(KaryolotError) as caught:
        read_record(tmp_path, "L7")
    assert (
        f"the record has schema '1.0' (made by version '0.1.0', commit '3fe2a1c'), and schema {SCHEMA_VERSION} is"
        in str(caught.value)
    )
    assert "Re-run the study" in str(caught.value)
    write_json({"schema_version": "1.0\x1b[2J", "provenance": 3}, path)
    with pytest.raises(KaryolotError) as caught:
        read_record(tmp_path, "L7")
    assert str(caught.value).isprintable()


# table


def test_the_table_has_a_line_per_lot(tmp_path: Path) -> None:
    records = [make() for make in ALL.values()]
    lines = table(tmp_path, *records).splitlines()
    assert lines[0].split() == ["lot", "passage", "verdict", "first", "reason", "report"]
    rows = {line.split()[0]: line for line in lines[1 : 1 + len(records)]}
    assert list(rows) == ["HLP-2031-04", "HLP-2031-05", "HLP-2031-09", "HLP-2031-07"], "by donor, then passage"
    for record in records:
        row = rows[record.lot.lot_id]
        assert f" {record.lot.facts['passage']} " in row
        assert f" {record.verdict.outcome.replace('_', '-')} " in row
        assert record.text.verdict.first_reason in row
        assert row.endswith(str(tmp_path / "results" / record.lot.lot_id / "report.html"))
    assert "C02 1 acquired change of at least 5 Mb" in rows["HLP-2031-07"]
    assert "FAIL-IDENTITY DRAFT" in rows["HLP-2031-09"]


def test_an_unknown_state_of_the_code_stands_beside_the_verdict(tmp_path: Path) -> None:
    unknown = passing().provenance.model_copy(update={"commit": None, "dirty": None})
    record = reworded(passing(), provenance=unknown)
    assert f"✓ PASS {UNKNOWN}" in table(tmp_path, record) and f"✓ PASS {UNKNOWN}" in explained(record)
    assert explanation(record, tmp_path)["mark"] == UNKNOWN and explanation(passing(), tmp_path)["mark"] == ""
    assert verdict_table([record])["data"][record.lot.lot_id]["verdict"].endswith(f" PASS  {UNKNOWN}")
    assert UNKNOWN not in table(tmp_path, passing()) + explained(passing())


def test_a_pass_is_never_printed_without_what_it_cannot_see(tmp_path: Path) -> None:
    for noun in passing().not_seen:
        assert noun in table(tmp_path, failing(), passing()).splitlines()[-1]
        assert noun in explained(passing())
    assert "ploidy" in passing().not_seen and "balanced rearrangements" in passing().not_seen
    assert "ploidy" not in table(tmp_path, failing())


def test_what_is_not_seen_is_the_records_own(tmp_path: Path) -> None:
    other = passing().model_copy(update={"not_seen": ("dark matter",)})
    assert table(tmp_path, other).endswith("cannot detect: dark matter.\n")


def test_an_unrecorded_passage(tmp_path: Path) -> None:
    lot = passing().lot.model_copy(update={"facts": {"passage": None}})
    assert "not recorded" in table(tmp_path, passing().model_copy(update={"lot": lot}))


def test_colour_only_where_it_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    assert "\x1b" not in table(tmp_path, failing()), "a pipe"
    coloured = table(tmp_path, failing(), out=Screen())
    assert "\x1b[1;31m" in coloured
    plain = re.sub("\x1b\\[[0-9;]*m", "", coloured)
    assert max(map(len, plain.splitlines())) <= 100, "folded"
    assert "".join(failing().text.verdict.first_reason.split()[-1]) in plain, "and not cut"
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[1;31m" not in table(tmp_path, failing(), out=Screen())


# explain


def test_why_a_lot_failed() -> None:
    text, verdict = explained(failing()), failing().verdict
    assert text.startswith("HLP-2031-07  ✗ FAIL\npassage 8, donor D-014\n")
    assert verdict.headline in text and verdict.claim in text
    broken = [result for result in verdict.criteria if result.outcome != "PASS"]
    assert [result.id for result in broken] == ["C02", "C04"]
    for result in broken:
        assert f"{result.id} {result.title}" in text
        assert f"measured {result.value} " in text and f"limit {result.limit}" in text
        assert result.explanation in text and result.reason in text and result.source in text
    assert (
        "A change of 5 Mb is detectable in at least 12% (gain) or 12% (loss) of diploid cells (tetraploid: 24% or 23%)."
        in text
    )
    assert f"Report {failing().report_id}: here/results/HLP-2031-07/report.html" in text


def test_criteria_that_passed_are_not_listed() -> None:
    passed = [result for result in failing().verdict.criteria if result.outcome == "PASS"]
    assert passed and not [result.id for result in passed if f"{result.id} {result.title}" in explained(failing())]
    assert "Every criterion passed (" in explained(passing())


def test_what_was_not_assessed_reads_so() -> None:
    text = explained(thin())
    assert "NOT ASSESSED  R02" in text and "measured not available" in text and "No RNA was given." in text
    assert "A change of 5 Mb cannot be assessed in this lot." in text


def test_what_decided_comes_first() -> None:
    record = failing()
    verdict = record.verdict.model_copy(update={"reasons": ("C04",)})
    assert [result.id for result in not_passed(verdict)] == ["C04", "C02"]


def test_for_machines() -> None:
    facts = json.loads(json.dumps(explanation(failing(), Path("here")), allow_nan=False))
    assert (facts["lot_id"], facts["outcome"], facts["passage"]) == ("HLP-2031-07", "FAIL", 8)
    assert facts["not_passed"][0]["id"] == "C02" and facts["not_passed"][0]["value"] == 1
    assert facts["first_reason"].startswith("C02 ") and facts["not_seen"] == list(failing().not_seen)
    assert facts["report_id"] == failing().report_id


def test_text_of_people_cannot_move_the_terminal(tmp_path: Path) -> None:
    shown = explained(hostile(), Screen()) + table(tmp_path, hostile(), out=Screen())
    assert "\u202e" not in shown and "\x07" not in shown
    assert "<script>" in shown, "shown as it is, not as markup"
    assert "[bold]x" in explained(hostile().model_copy(update={"notice": "[bold]x"}))
    assert "\\u202e" in explained(hostile()) and HOSTILE not in explained(hostile())


def test_a_failure_shows_the_end_of_the_log() -> None:
    out = io.StringIO()
    terminal.print_failure(
        Failure("align_reads", "logs/x.log", ("one", "two\x1b[2J [red]"), "Do this."), terminal.console(out)
    )
    assert out.getvalue() == "\nRule align_reads failed; the end of logs/x.log:\n  one\n  two\\x1b[2J [red]\nDo this.\n"


# report


@pytest.mark.filterwarnings("ignore:.*sRGB2014[.]icc:pytest.PytestUnraisableExceptionWarning")  # WeasyPrint's own
def test_rendering_again_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (record,) = written(tmp_path, thin())
    lot = record.lot.lot_id
    monkeypatch.setattr(report, "code_state", lambda: CODE)
    made = render_again(tmp_path, lot)
    assert [path.name for path in made] == ["report.html", "report.pdf", "figures"]
    first = contents(made)
    assert first[0].decode() == html(thin(), CODE) and first[1].startswith(b"%PDF-")
    assert "DRAFT" not in first[0].decode()
    render_again(tmp_path, lot)
    assert contents(made) == first


def contents(made: list[Path]) -> list[bytes]:
    """Content of the files, and of those in the folders among them, by name."""
    files = [sorted(path.iterdir()) if path.is_dir() else [path] for path in made]
    return [file.read_bytes() for group in files for file in group]


@pytest.mark.filterwarnings("ignore:.*sRGB2014[.]icc:pytest.PytestUnraisableExceptionWarning")  # WeasyPrint's own
def test_pages_rendered_by_uncommitted_code_are_drafts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of a record that committed code made."""
    (record,) = written(tmp_path, thin())
    monkeypatch.setattr(report, "code_state", lambda: CODE.model_copy(update={"dirty": True}))
    page, printed, _ = render_again(tmp_path, record.lot.lot_id)
    assert "This page was rendered by code with uncommitted changes." in page.read_text(encoding="utf-8")
    assert page.read_text(encoding="utf-8").count("DRAFT") > 1, "in the title of every printed page, too"
    assert all(f"DRAFT {record.lot.lot_id}" in page.extract_text() for page in PdfReader(printed).pages)
    monkeypatch.setattr(report, "code_state", lambda: CODE.model_copy(update={"commit": None, "dirty": None}))
    page, printed, _ = render_again(tmp_path, record.lot.lot_id)
    assert page.read_text(encoding="utf-8").count(UNKNOWN) > 1
    assert all(f"{UNKNOWN} {record.lot.lot_id}" in page.extract_text() for page in PdfReader(printed).pages)


@pytest.mark.parametrize(
    ("given", "own", "read"),
    [
        ("3.0", "3.0", True),
        ("3.0", "3.2", True),
        ("3.3", "3.2", False),
        ("2.9", "3.2", False),
        ("4.0", "3.2", False),
        ("x", "3.2", False),
    ],
)
def test_records_of_an_earlier_minor_schema_are_read(given: str, own: str, read: bool) -> None:
    assert readable(given, own) is read


def test_a_record_of_an_earlier_minor_schema_keeps_its_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A field that came later takes its default, and the id is that of the file as it was written."""
    path = tmp_path / "results" / passing().lot.lot_id / "report.json"
    write_report(passing(), path)
    content = read_json(path)
    content["schema_version"] = "2.7"
    del content["disposition"], content["verdict"]["second_person"]
    content["report_id"] = seal(content)
    write_json(content, path)
    with pytest.raises(KaryolotError, match=r"schema '2\.7'"):
        read_report(path)
    monkeypatch.setattr("karyolot.io.record.readable", lambda given, own: True)
    record = read_report(path)
    assert record.report_id == content["report_id"] and record.verdict.second_person is False
    content["verdict"]["outcome"] = "FAIL"
    write_json(content, path)
    with pytest.raises(KaryolotError, match="was changed after it was made"):
        read_report(path)
