"""What a run may start and what it enters into the ledger, on a plan of jobs in plain Python."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import finished_lots
from karyolot.commands import audit
from karyolot.commands.seal import seal
from karyolot.contracts.ledger import sealed_lots
from karyolot.contracts.settings import Config
from karyolot.io import ledger
from karyolot.io.files import sha256
from karyolot.io.record import write_report


@dataclass(frozen=True)
class Named:
    name: str


@dataclass(frozen=True)
class Job:
    rule: Named
    wildcards_dict: dict[str, str] = field(hash=False)


@dataclass
class Reason:
    """Of Snakemake: what it calls the reasons of a job."""

    text: str = ""
    missing_output: set[str] = field(default_factory=set)
    incomplete_output: set[str] = field(default_factory=set)
    updated_input: set[str] = field(default_factory=set)
    updated_input_run: set[str] = field(default_factory=set)
    forced: bool = False
    input_changed: bool = False
    code_changed: bool = False
    params_changed: bool = False
    software_stack_changed: bool = False

    def __str__(self) -> str:
        return self.text


class Dag:
    """Jobs in a row, each needed for the next."""

    def __init__(self, *jobs: tuple[str, str, Reason]) -> None:
        self.jobs = [Job(Named(rule), {"lot": lot} if lot else {"sample": "S"}) for rule, lot, _ in jobs]
        self.reasons = dict(zip(self.jobs, (reason for _, _, reason in jobs), strict=True))
        self.dependencies: dict[Job, dict[Job, Any]] = {
            job: dict.fromkeys(self.jobs[:number][-1:]) for number, job in enumerate(self.jobs)
        }

    def needrun_jobs(self) -> list[Job]:
        return self.jobs

    def reason(self, job: Job) -> Reason:
        return self.reasons[job]


RERUN = Reason("Input files updated by another job: x", updated_input={"x"}, updated_input_run={"x"})
CHANGED = Reason("Params have changed since last execution: passage 4, passage 5", params_changed=True)


def dag(lot: str) -> Dag:
    replaced = Reason("Updated input files: L.tsv", updated_input={"L.tsv"})
    return Dag(("import_counts", "", replaced), ("decide_lot", lot, RERUN), ("render_report", lot, RERUN))


@pytest.fixture
def study(tmp_path: Path) -> Path:
    return finished_lots.study(tmp_path / "study", lots=("L1", "L2"), in_ledger=False)


def begin(study: Path, plan: Dag) -> None:
    settings = Config.model_validate({"acceptance": "config/acceptance.yaml"})
    audit.begin(study, plan, settings, ["config/config.yaml"])


def test_a_run_that_would_change_a_sealed_lot_names_the_job_that_starts_it(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_lots.enter(study, "L1")
    seal(study, "L1")
    count = len(ledger.read(study))
    with pytest.raises(SystemExit) as stopped:
        begin(study, dag("L1"))
    said = capsys.readouterr().err.splitlines()
    assert stopped.value.code == 2 and len(ledger.read(study)) == count
    assert said[:3] == [
        "L1 is sealed (revision 1), but this run would regenerate it. Triggers:",
        "    import_counts S: Updated input files: L.tsv",
        "Nothing was started.",
    ]
    begin(study, dag("L2"))
    assert ledger.read(study)[-1].kind == "run_started"


def test_another_version_of_the_code_is_said_in_words(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished_lots.enter(study, "L1")
    seal(study, "L1")
    text = (
        "Params have changed since last execution: Union of exclusive params before and now across all output: before: "
    )
    code = Reason(f"{text}'0123456789abcdef' now: 'fedcba9876543210'", params_changed=True)
    with pytest.raises(SystemExit):
        begin(study, Dag(("decide_lot", "L1", code)))
    assert "decide_lot L1: its code is of another version of karyolot" in capsys.readouterr().err


def test_a_start_holds_inputs_and_reasons_and_a_change_of_inputs_is_an_entry_of_its_own(study: Path) -> None:
    begin(study, Dag(("decide_lot", "L2", CHANGED), ("render_report", "L2", RERUN)))
    (started,) = ledger.read(study)
    assert started.facts["reasons"] == {"decide_lot: params_changed": 1}
    assert started.facts["jobs"] == {"decide_lot": 1, "render_report": 1} and started.facts["lots"] == ["L2"]
    names = {
        "config/acceptance.yaml",
        "config/config.yaml",
        *(f"config/{name}.tsv" for name in ("samples", "lots", "donors")),
    }
    assert set(started.facts["inputs"]) == names
    before = started.facts["inputs"]["config/lots.tsv"]
    with (study / "config" / "lots.tsv").open("a") as sheet:
        sheet.write("\n")
    begin(study, dag("L2"))
    changed = next(entry for entry in ledger.read(study) if entry.kind == "inputs_changed")
    assert changed.facts["files"] == {"config/lots.tsv": {"old": before, "new": sha256(study / "config" / "lots.tsv")}}


def test_the_reports_of_a_run_are_entered_at_its_end_once(study: Path) -> None:
    plan = dag("L1")
    begin(study, plan)
    audit.end(study, plan, "done")
    audit.end(study, plan, "done")
    assert [entry.kind for entry in ledger.read(study)] == ["run_started", "report_issued", "run_ended", "run_ended"]
    issued = ledger.read(study)[1].facts
    assert issued["files"]["report.pdf"] == sha256(study / "results" / "L1" / "report.pdf") and issued["lot"] == "L1"


def test_the_reports_of_a_killed_run_are_entered_when_the_next_one_starts(study: Path) -> None:
    begin(study, dag("L1"))
    begin(study, dag("L2"))
    assert [(entry.kind, entry.facts.get("reason")) for entry in ledger.read(study)][1:2] == [
        ("report_issued", "run that was killed")
    ]
    (study / "results" / "L2" / "report.pdf").unlink()  # half of a report is none
    begin(study, dag("L1"))
    assert [entry.facts["lot"] for entry in ledger.read(study) if entry.kind == "report_issued"] == ["L1"]


def test_a_record_that_a_killed_run_left_without_pages_is_none_of_an_attacker(study: Path) -> None:
    """Another lot is run in between, and ends."""
    plan = dag("L1")
    begin(study, plan)
    audit.end(study, plan, "done")
    begin(study, plan)
    path = study / "config" / "acceptance.yaml"
    left = finished_lots.record("L1", sha256(path), "C04")
    write_report(left, study / "results" / "L1" / "report.json")  # killed before its pages were made
    begin(study, dag("L2"))
    ended = [entry for entry in ledger.read(study) if entry.kind == "run_ended"]
    assert ended[-1].facts == {"outcome": "killed", "records": {"L1": left.digest()}}
    audit.end(study, dag("L2"), "done")
    begin(study, plan)


@pytest.mark.parametrize("words", [["--delete-all-output"], ["--touch"], ["-t"]])
def test_what_would_damage_sealed_files_without_a_job_is_refused(
    study: Path, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    audit.prepare(study, words, main=True)
    finished_lots.enter(study, "L1")
    seal(study, "L1")
    with pytest.raises(SystemExit):
        audit.prepare(study, words, main=True)
    assert f"{words[0]} would change files of sealed lots (L1)" in capsys.readouterr().err
    audit.prepare(study, words, main=False)


def test_only_sealed_lots_can_be_kept(
    study: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    finished_lots.enter(study, "L1")
    seal(study, "L1")
    assert audit.made(["L1", "L2"], {audit.KEEP: "L1"}) == ["L2"] and audit.made(["L1"], {}) == ["L1"]
    monkeypatch.setenv(audit.KEEP, "L2")
    with pytest.raises(SystemExit):
        audit.prepare(study, [], main=True)
    assert "names lots that are not sealed: L2" in capsys.readouterr().err
    assert list(sealed_lots(ledger.read(study))) == ["L1"]


def test_a_broken_ledger_stops_a_run_before_it_is_planned(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    finished_lots.enter(study, "L1")
    seal(study, "L1")
    path = study / ledger.NAME
    path.write_text(path.read_text().replace('"L1"', '"L9"', 1))
    with pytest.raises(SystemExit):
        audit.prepare(study, [], main=True)
    assert "restore the file from a backup" in capsys.readouterr().err
