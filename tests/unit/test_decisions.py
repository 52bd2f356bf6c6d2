"""Decisions of people: in the ledger, on the report, and never in place of the computed verdict."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

import finished_lots
import planted_records
from karyolot.commands import decide as decisions
from karyolot.commands.cli import app
from karyolot.commands.seal import seal
from karyolot.contracts.decisions import Decision, Disposition, disposition, independent, same_person
from karyolot.contracts.problems import InputProblems, KaryolotError
from karyolot.contracts.record import Record
from karyolot.io import ledger
from karyolot.io.history import decisions_of, read_standings
from karyolot.io.record import read_record
from karyolot.report.overview import rows_and_tables

REVIEWED = ("C04", "R02")


def record(second_person: bool = False, *reviewed: str) -> Record:
    return finished_lots.record("L1", "0" * 64, *(reviewed or REVIEWED), second_person=second_person)


def made(finding: str, decision: str = "accept", **facts: object) -> Decision:
    usual = {
        "finding": finding, "outcome": "REVIEW", "decision": decision, "reason": "as in the donor", "name": "A. Mayer",
        "user": "mayer", "at": "2031-03-01T08:00:00Z", "number": "", "state": None, "report_id": record().report_id,
        "line": 1, "sha256": "0" * 64,
    }  # fmt: skip
    return Decision.model_validate(usual | facts)


def recommended(*held: Decision, second_person: bool = False) -> Disposition:
    found = disposition(record(second_person).verdict, record().report_id, held)
    assert found is not None
    return found


def test_nobody_decided_is_no_disposition() -> None:
    assert disposition(record().verdict, record().report_id, []) is None


def test_release_needs_every_finding_accepted() -> None:
    assert recommended(made("C04")).sentence == "No recommendation yet: R02 is undecided."
    both = recommended(made("C04"), made("R02"))
    assert both.recommendation == "release"
    assert both.sentence == "Release recommended: every finding to review was accepted by a person."


def test_the_last_decision_of_a_person_counts() -> None:
    assert recommended(made("C04", "reject"), made("C04"), made("R02")).recommendation == "release"
    assert (
        recommended(made("C04"), made("R02"), made("R02", "retest")).sentence == "Retest recommended: R02 by A. Mayer."
    )
    other = made("C04", "reject", name="B. Kim", user="kim")
    assert recommended(other, made("C04"), made("R02")).sentence == "Rejection recommended: C04 by B. Kim."


@pytest.mark.parametrize(
    ("second", "independent"),
    [
        ({"name": "B. Kim", "user": "kim"}, True),
        ({"name": "B. Kim", "user": "mayer"}, False),
        ({"name": "a.  MAYER", "user": "kim"}, False),
    ],
)
def test_a_second_person_has_another_name_and_another_login(second: dict[str, str], independent: bool) -> None:
    held = [made("C04"), made("R02"), made("C04", **second), made("R02", **second)]
    found = recommended(*held, second_person=True)
    assert found.recommendation == ("release" if independent else "open")
    assert ("C04 needs a second, independent person" in found.sentence) is not independent
    assert recommended(*held).recommendation == "release"


def test_an_open_deviation_holds_a_release_back_until_it_is_closed() -> None:
    opened = [made("C04", number="CAPA-7", state="open"), made("R02")]
    assert recommended(*opened).sentence == "No recommendation yet: CAPA-7 is open."
    assert recommended(*opened, made("C04", number="CAPA-7", state="closed")).recommendation == "release"


def test_decisions_on_another_record_do_not_count() -> None:
    found = recommended(made("C04"), made("R02", report_id="aaaaaaaaaaaa"))
    assert found.recommendation == "open"
    assert found.sentence.endswith("Decisions on another record that do not count: 1.")


def test_a_revision_does_not_close_a_deviation() -> None:
    earlier = made("C04", report_id="aaaaaaaaaaaa", number="CAPA-7", state="open")
    found = recommended(earlier, made("C04"), made("R02"))
    assert found.recommendation == "open" and found.sentence.startswith("No recommendation yet: CAPA-7 is open.")
    assert recommended(earlier, made("C04", number="CAPA-7", state="closed"), made("R02")).recommendation == "release"


@pytest.mark.parametrize("name", ["fail", "indeterminate", "identity"])
def test_no_decision_releases_a_lot_that_fails_or_is_undecided(name: str) -> None:
    base = planted_records.ALL[name]()
    held = [made(result.id, report_id=base.report_id) for result in base.verdict.criteria if result.outcome != "PASS"]
    found = disposition(base.verdict, base.report_id, held)
    assert found is not None and found.recommendation == "none"
    assert (
        found.sentence
        == f"No recommendation to release: the computed verdict is {base.verdict.outcome.replace('_', ' ')}."
    )


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return finished_lots.study(tmp_path / "study", *REVIEWED, lots=("L1", "L2"))


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports are not rendered: what is tested is what was decided."""
    monkeypatch.setattr("karyolot.commands.decide.render_again", lambda *given: [])


@pytest.mark.filterwarnings("ignore:.*sRGB2014[.]icc:pytest.PytestUnraisableExceptionWarning")  # WeasyPrint's own
def test_a_decision_is_on_the_report_and_leaves_verdict_and_id_alone(study: Path) -> None:
    before, path = read_record(study, "L1"), study / "results" / "L1" / "report.json"
    made_at = path.stat().st_mtime_ns
    words = ["--decision", "accept", "--reason", "seen in the donor", "--name", "A. Mayer", "--directory", str(study)]
    done = CliRunner().invoke(app, ["decide", "L1", "C04", *words, "--deviation", "DEV-3", "--state", "open"])
    assert done.stdout == "L1: No recommendation yet: R02 is undecided; DEV-3 is open.\n"
    after = read_record(study, "L1")
    assert (after.report_id, after.verdict) == (before.report_id, before.verdict)
    assert after.disposition is not None and path.stat().st_mtime_ns == made_at
    (held,) = after.disposition.decisions
    (entry,) = [entry for entry in ledger.read(study) if entry.kind == "disposition"]
    assert (held.finding, held.name, held.user, held.line, held.sha256) == (
        "C04", "A. Mayer", ledger.login(), entry.number, entry.sha256,
    )  # fmt: skip
    page = (study / "results" / "L1" / "report.html").read_text()
    for words_on_page in (
        "seen in the donor",
        "<bdi>DEV-3</bdi>, open",
        "No recommendation yet: R02 is undecided; DEV-3 is open.",
    ):
        assert words_on_page in page
    assert ledger.read(study)[-1].facts["reason"] == "decision"


def test_accepting_what_fails_is_an_override(study: Path, plain: None) -> None:
    base = planted_records.failing()
    held = base.lot.model_copy(update={"lot_id": "L1"})
    verdict = base.verdict.model_copy(update={"lot_id": "L1"})
    finished_lots.finish(study, base.model_copy(update={"lot": held, "verdict": verdict}).sealed())
    finished_lots.enter(study, "L1")
    failed = next(result.id for result in verdict.criteria if result.outcome == "FAIL")
    decisions.decide(
        study, [decisions.row(lot_id="L1", criterion=failed, decision="accept", reason="x", decided_by="y")]
    )
    assert ledger.read(study)[-1].kind == "override"


def test_only_what_is_not_met_can_be_decided(study: Path, plain: None) -> None:
    def one(**cells: str) -> None:
        usual = {"lot_id": "L1", "criterion": "C04", "decision": "accept", "reason": "x", "decided_by": "y"}
        decisions.decide(study, [decisions.row(**usual | cells)])

    with pytest.raises(KaryolotError, match="C02: is PASS, nothing to decide; to be decided: C04, R02"):
        one(criterion="C02")
    with pytest.raises(KaryolotError, match="C99: no such criterion in its report"):
        one(criterion="C99")
    with pytest.raises(KaryolotError, match=r"needs its number and its state \(open or closed\)"):
        one(deviation="DEV-3")
    with pytest.raises(KaryolotError, match=r"decision: .*accept.*reject.*retest"):
        one(decision="approve")
    with pytest.raises(KaryolotError, match="--reason, --name missing; a decision states"):
        one(reason=" ", decided_by="")
    with pytest.raises(KaryolotError, match="holds no record of a lot 'L7'"):
        one(lot_id="L7")
    assert {entry.kind for entry in ledger.read(study)} == {"report_issued"}
    with pytest.raises(KaryolotError, match="C02: is PASS, nothing to decide"):
        one(criterion="C02", deviation="DEV-3", state="closed")
    one(deviation="DEV-3", state="open")
    one(criterion="C02", deviation="DEV-3", state="closed")  # its finding may be met in a revision


SHEET = "lot_id\tcriterion\tdecision\treason\tdecided_by\tdeviation\tstate\n"


def test_a_sheet_is_entered_as_a_whole_or_not_at_all(study: Path, plain: None, tmp_path: Path) -> None:
    sheet = tmp_path / "decisions.tsv"
    sheet.write_text(SHEET + "L1\tC04\taccept\tx\ty\t\t\nL1\tC02\taccept\tx\ty\t\t\n")
    with pytest.raises(KaryolotError, match=r"decisions\.tsv: lot L1, criterion C02: is PASS"):
        decisions.decide(study, decisions.rows_of(sheet), str(sheet))
    sheet.write_text(SHEET + "L1\tC04\tmaybe\tx\ty\t\t\nL1\tR02\taccept\t\ty\t\t\n")
    with pytest.raises(InputProblems, match=r"line 2, decision = 'maybe'[\s\S]*line 3"):
        decisions.rows_of(sheet)
    assert {entry.kind for entry in ledger.read(study)} == {"report_issued"}
    sheet.write_text(SHEET + "L1\tC04\taccept\tx\ty\t\t\nL1\tR02\taccept\tx\ty\tCAPA-1\tclosed\n")
    found = decisions.decide(study, decisions.rows_of(sheet), str(sheet))
    assert found["L1"] is not None and found["L1"].recommendation == "release"
    assert len(decisions_of(ledger.read(study), "L1")) == 2


def test_a_report_that_lacks_a_decision_is_not_sealed(study: Path, plain: None) -> None:
    decisions.decide(
        study, [decisions.row(lot_id="L1", criterion="C04", decision="accept", reason="x", decided_by="y")]
    )
    with pytest.raises(KaryolotError, match=r"the report of L1 lacks decisions \(C04\)"):
        seal(study, "L1")


def test_a_decision_on_a_sealed_lot_is_in_the_ledger_and_leaves_its_files_alone(study: Path) -> None:
    seal(study, "L1")
    before = (study / "results" / "L1" / "report.json").read_bytes()
    found = decisions.decide(
        study, [decisions.row(lot_id="L1", criterion="C04", decision="reject", reason="x", decided_by="y")]
    )
    assert found["L1"] is not None and found["L1"].recommendation == "reject"
    assert (study / "results" / "L1" / "report.json").read_bytes() == before


def test_overview_and_table_show_what_was_decided_and_sealed_also_later(study: Path) -> None:
    seal(study, "L1")
    decisions.decide(
        study, [decisions.row(lot_id="L1", criterion="C04", decision="reject", reason="x", decided_by="y")]
    )
    reports = [study / "results" / lot / "report.json" for lot in ("L1", "L2")]
    rows, tables = rows_and_tables(read_standings(study, reports))
    page = planted_records.overview(rows)
    assert "Rejection recommended: C04 by y." in page and f"sealed {ledger.now_utc()[:10]}" in page
    table = tables["lots"].set_index("lot_id")
    assert table.loc["L1", "recommendation"] == "reject" and pd.isna(table.loc["L2", "recommendation"])
    assert table.loc["L1", "verdict"] == "REVIEW"


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("a. mayer", True),
        ("Mayer, A.", True),
        ("Anna Mayer", True),
        ("Dr. A Mayer", True),
        ("A.Mayer", True),
        ("Mayer", True),
        ("Á. Mäyer", True),
        ("B. Mayer", False),
        ("A. Kim", False),
        ("Anna Kim", False),
    ],
)
def test_another_spelling_is_no_second_person(other: str, same: bool) -> None:
    assert same_person("A. Mayer", other) is same_person(other, "A. Mayer") is same
    logins = ("u1", "u2")
    held = [made("C04", name=name, user=user) for name, user in zip(("A. Mayer", other), logins, strict=True)]
    assert independent(held) is not same


def test_umlauts_may_be_written_with_two_letters() -> None:
    assert same_person("J. M\u00fcller", "Mueller J") and not same_person("J. M\u00fcller", "J. Moller")
