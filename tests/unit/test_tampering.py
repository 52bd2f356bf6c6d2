"""Attacks on a study by somebody who can write to its directory: each is named by `karyolot verify`, or refused before it counts.

What no file of the directory can show, a whole ledger and all seals computed again, is shown by a line noted elsewhere.
"""

import json
import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import finished_lots
from karyolot.commands import audit, decide
from karyolot.commands.export import export_crate
from karyolot.commands.report import render_again
from karyolot.commands.seal import revise, seal
from karyolot.commands.verify import verify
from karyolot.contracts.manifest import MANIFEST
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Config
from karyolot.io import ledger
from karyolot.io.files import read_json, sha256, write_json
from karyolot.io.history import revision_of
from karyolot.io.manifest import listed, read_manifest
from karyolot.io.record import read_report
from karyolot.io.record import seal as id_of

Attack = Callable[[Path], Any]
L1, L2, L3 = (Path("results") / lot for lot in ("L1", "L2", "L3"))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """L1 revised once and sealed twice, L2 sealed, L3 finished; a decision on L1; read only."""
    folder = finished_lots.study(tmp_path_factory.mktemp("study") / "study", "C04")
    seal(folder, "L1")
    revise(folder, "L1", "another reference")
    finished_lots.finish(folder, finished_lots.record("L1", sha256(folder / "config" / "acceptance.yaml"), "C04"))
    finished_lots.enter(folder, "L1")
    for lot in ("L1", "L2"):
        seal(folder, lot)
    event = {"lot": "L1", "revision": 2, "finding": "C04", "decision": "reject", "name": "A. Mayer"}
    ledger.append(folder, ("disposition", event))
    return folder


@pytest.fixture
def study(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "study")
    for path in (tmp_path / "study").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return tmp_path / "study"


def said(study: Path, target: str = "") -> str:
    """Everything that verify names, on lines."""
    return "\n".join(line for found in verify(study, target) for line in (*found.faults, *found.notes))


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises((KaryolotError, SystemExit)) as stopped:
        call()
    return str(stopped.value)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)


def swap(one: Path, other: Path) -> None:
    held = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(held)


def linked(path: Path, *, hard: bool) -> None:
    """The path becomes a link to other content outside of the study."""
    outside = path.parents[3] / f"outside-{path.name}"
    outside.write_bytes(path.read_bytes() + (b"\n" if hard else b""))
    path.unlink()
    os.link(outside, path) if hard else path.symlink_to(outside)


def without_last_line(study: Path) -> None:
    path = study / ledger.NAME
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def head_gone(study: Path) -> None:
    without_last_line(study)
    (study / ledger.HEAD).unlink()


def chain_again(study: Path, change: Callable[[list[tuple[Any, dict[str, Any]]]], Any]) -> None:
    """A ledger with every digest computed again after a change of its entries."""
    events = [(entry.kind, dict(entry.facts)) for entry in ledger.read(study)]
    change(events)
    for name in (ledger.NAME, ledger.HEAD):
        (study / name).unlink()
    ledger.append(study, *events)


def forged_report(study: Path, lot: str, **facts: Any) -> None:
    """A whole ledger made again, in which the report of a lot lists other files."""

    def change(events: list[tuple[Any, dict[str, Any]]]) -> None:
        for kind, held in events:
            if kind == "report_issued" and held["lot"] == lot:
                held.update(facts)

    chain_again(study, change)


def forged_seal(study: Path, **facts: Any) -> None:
    """The same of the sealed lot L2, with manifests and entries of seals that fit the new ledger."""
    forged_report(study, "L2", **facts)
    for lot in (L1, L2):
        manifest = read_json(study / lot / MANIFEST)
        manifest["ledger"]["sha256"] = ledger.read(study)[manifest["ledger"]["line"] - 1].sha256
        write_json(manifest, study / lot / MANIFEST)
        digest = sha256(study / lot / MANIFEST)

        def change(events: list[tuple[Any, dict[str, Any]]], lot: str = lot.name, digest: str = digest) -> None:
            own = [held for kind, held in events if kind == "sealed" and held["lot"] == lot]
            own[-1]["manifest_sha256"] = digest

        chain_again(study, change)


def forged_line(study: Path) -> None:
    """One more decision with a fitting digest, by a program that does not know of the head."""
    last = ledger.read(study)[-1]
    facts = {"lot": "L2", "decision": "accept", "name": "B. Kim"}
    line = {"n": last.number + 1, "at": last.at, "user": "kim", "host": "h", "kind": "disposition", "facts": facts,
            "previous": last.sha256}  # fmt: skip
    with (study / ledger.NAME).open("a") as handle:
        handle.write(json.dumps(line, separators=(",", ":")) + "\n")


def clock_set_back(study: Path) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(ledger, "now_utc", lambda: f"{datetime.now(UTC) - timedelta(days=40):%Y-%m-%dT%H:%M:%SZ}")
        seal(study, "L3")


def other_verdict(study: Path, folder: Path = L3) -> None:
    """A record with another verdict under a fitting report id."""
    path = study / folder / "report.json"
    record = read_json(path)
    record["verdict"]["headline"] = "Released."
    record["report_id"] = id_of(record)
    write_json(record, path)


def criteria(study: Path) -> None:
    path = study / "config" / "acceptance.yaml"
    path.write_text(path.read_text().replace('op: "<="', 'op: "<"', 1))


def unknown_seal(study: Path) -> None:
    shutil.copytree(study / L2, study / "results" / "L9")


def planted_revision(study: Path) -> None:
    shutil.copytree(study / "revisions" / "L1" / "1", study / "revisions" / "L1" / "4")


def sealed_copy_aside(study: Path) -> None:
    """What was sealed, where superseded revisions lie, and another page in the results."""
    shutil.copytree(study / L2, study / "revisions" / "L2" / "1")
    flip(study / L2 / "report.html")


def not_a_file(path: Path) -> None:
    """Reading it would wait for a writer for ever."""
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def forged_manifest(study: Path) -> None:
    """A sealed record with another verdict, a fitting id and a manifest that lists it."""
    path = study / L2 / "report.json"
    record = read_json(path)
    record["verdict"]["headline"] = "Released."
    write_json(record | {"report_id": id_of(record)}, path)
    manifest = read_json(study / L2 / MANIFEST)
    manifest["files"] = [file.model_dump(mode="json") for file in listed(study / L2)]
    write_json(manifest, study / L2 / MANIFEST)


def planted_signature(study: Path) -> None:
    folder = study / "signed" / "L2" / "1"
    folder.mkdir(parents=True)
    shutil.copy(study / L2 / "report.pdf", folder)


def planted_qualification(study: Path) -> None:
    (study / "qualification" / "001").mkdir(parents=True)


def rewritten_qualification(study: Path) -> None:
    folder = study / "qualification" / "001"
    folder.mkdir(parents=True)
    for name in ("qualification.json", "qualification.html"):
        (folder / name).write_text("FAIL")
    facts = {"number": 1, "lot": "L1", "outcome": "FAIL", "sha256": sha256(folder / "qualification.json"),
             "files": {"qualification.html": sha256(folder / "qualification.html")}}  # fmt: skip
    ledger.append(study, ("qualified", facts))
    (folder / "qualification.html").write_text("PASS")


def seal_removed(study: Path) -> None:
    """The lot as if it had never been sealed: its manifest and the entry of its seal are gone."""
    (study / L2 / MANIFEST).unlink()


NAMED: dict[str, tuple[Attack, str]] = {
    "byte of the record": (lambda s: flip(s / L1 / "report.json"), r"results/L1/report.json: sha256 is \w{64}, sealed"),
    "byte of the PDF": (lambda s: flip(s / L1 / "report.pdf"), r"results/L1/report.pdf: sha256 is \w{64}, sealed"),
    "byte of a table": (
        lambda s: flip(s / L2 / "dna/calls.tsv"),
        r"results/L2/dna/calls.tsv: sha256 is \w{64}, sealed",
    ),
    "byte of a manifest": (
        lambda s: flip(s / L1 / MANIFEST),
        r"L1/seal.json: sha256 is \w{64}, line \d+ of the ledger",
    ),
    "byte of the sealed criteria": (lambda s: flip(s / L1 / "acceptance.yaml"), r"L1/acceptance.yaml: sha256 is"),
    "byte of a superseded revision": (lambda s: flip(s / "revisions/L1/1/report.html"), r"L1/1/report.html: sha256"),
    "reports of two lots swapped": (
        lambda s: swap(s / L1 / "report.pdf", s / L2 / "report.pdf"),
        r"it is the report of lot L2, not of L1\n.*it is the report of lot L1, not of L2",
    ),
    "pages of two lots swapped": (
        lambda s: swap(s / L1 / "report.html", s / L2 / "report.html"),
        r"report.html: .* it is the report of lot L2, not of L1\n.*it is the report of lot L1, not of L2",
    ),
    "table of another lot": (
        lambda s: swap(s / L1 / "dna/calls.tsv", s / L3 / "dna/calls.tsv"),
        r"L1/dna/calls.tsv: s",
    ),
    "folders of two lots swapped": (
        lambda s: [(s / L1).rename(s / "x"), (s / L2).rename(s / L1), (s / "x").rename(s / L2)],
        r"results/L1/seal.json: sha256 is",
    ),
    "PDF removed": (
        lambda s: [(s / lot / "report.pdf").unlink() for lot in (L1, L3)],
        r"results/L1/report.pdf: is missing; sealed with[^|]*results/L3/report.pdf: is missing; made with",
    ),
    "folder of a lot removed": (lambda s: shutil.rmtree(s / L2), r"results/L2/seal.json: is missing"),
    "superseded revision removed": (lambda s: shutil.rmtree(s / "revisions"), r"L1/seal.json: sha256 is"),
    "manifest removed": (seal_removed, r"results/L2/seal.json: is missing; line \d+ of the ledger recorded"),
    "file linked": (lambda s: linked(s / L1 / "report.html", hard=False), r"report.html: is a link; sealed as a file"),
    "file linked hard": (lambda s: linked(s / L1 / "report.html", hard=True), r"report.html: sha256 is \w{64}, sealed"),
    "manifest linked": (lambda s: linked(s / L1 / MANIFEST, hard=False), r"seal.json: is a link"),
    "report of an unsealed lot linked": (lambda s: linked(s / L3 / "report.pdf", hard=False), r"report.pdf: is a link"),
    "table of an unsealed lot": (lambda s: flip(s / L3 / "dna/calls.tsv"), r"L3/dna/calls.tsv: sha256 is \w{64}, made"),
    "sealed folder pasted in": (unknown_seal, r"results/L9/seal.json: the ledger has no entry of this seal"),
    "revision pasted in": (planted_revision, r"revisions/L1/4: the ledger has no entry of it"),
    "page changed, with a sealed copy set aside": (
        sealed_copy_aside,
        r"L2/report.html: sha256 is \w{64}, sealed[^|]*revisions/L2/1: the ledger has no entry of it",
    ),
    "manifest that lists an edited record": (
        forged_manifest,
        r"L2/seal.json: sha256 is \w{64}, line \d+ of the ledger",
    ),
    "table that is a pipe": (lambda s: not_a_file(s / L2 / "dna/calls.tsv"), r"calls.tsv: is no regular file; sealed"),
    "signed copy pasted in": (planted_signature, r"signed/L2/1: the ledger has no entry of it"),
    "qualification pasted in": (planted_qualification, r"qualification/001: the ledger has no entry of it"),
    "page of a qualification rewritten": (rewritten_qualification, r"001/qualification.html: sha256 is \w{64}, made"),
    "last line removed": (without_last_line, r"line \d+ was removed: ledger.head records"),
    "last line and head removed": (head_gone, r"ledger.head is missing: lines removed at the end would not show"),
    "line added by another program": (forged_line, r"1 more are there, of a killed process or another program"),
    "decision edited, digests computed again": (
        lambda s: chain_again(s, lambda events: events[0][1].update(verdict="FAIL")),
        r"line \d+ is not the one that .*L2/seal.json names",
    ),
    "report that lists no file, digests computed again": (
        lambda s: forged_report(s, "L3", files={}),
        r"line \d+ was edited: the entry of a report of L3 lists no report.json, report.html, report.pdf",
    ),
    "report that lists no page, digests computed again": (
        lambda s: forged_report(s, "L3", files={"report.json": "0" * 64, "report.pdf": "0" * 64}),
        r"line \d+ was edited: the entry of a report of L3 lists no report.html",
    ),
    "report that lists no table, digests computed again": (
        lambda s: forged_report(s, "L3", results={}),
        r"results/L3/dna/calls.tsv: the ledger has no entry of it",
    ),
    "sealed report that lists no table, all digests computed again": (
        lambda s: forged_seal(s, results={}),
        r"L2/seal.json: dna/calls.tsv was sealed with sha256 \w{64}; the entry of its report lists no such file",
    ),
    "table added to an unsealed lot": (
        lambda s: (s / L3 / "dna/added.tsv").touch(),
        r"results/L3/dna/added.tsv: the ledger has no entry of it",
    ),
    "clock set back": (clock_set_back, r"line \d+: the clock was set back: it is dated .* before line"),
    "criteria edited under the same version": (criteria, r"acceptance.yaml: changed after the seal, still version"),
}


@pytest.mark.parametrize("attack", NAMED)
def test_an_attack_is_named(study: Path, attack: str) -> None:
    assert not said(study)
    done, named = NAMED[attack]
    done(study)
    assert re.search(named, said(study)), said(study)


def begin(study: Path, *lots: str) -> None:
    """A run that is about to make lots again."""

    class Dag:
        jobs = ()

        def needrun_jobs(self) -> list[Any]:
            return [
                type("Job", (), {"wildcards_dict": {"lot": lot}, "rule": type("Rule", (), {"name": "r"})})
                for lot in lots
            ]

        def reason(self, job: Any) -> Any:
            flags = ("forced", "input_changed", "code_changed", "params_changed", "software_stack_changed")
            sets = {name: frozenset() for name in (*audit.OWN_REASONS, "updated_input_run")}
            return type("Reason", (), sets | dict.fromkeys(flags, False))

    audit.begin(study, Dag(), Config.model_validate({"acceptance": "config/acceptance.yaml"}), [])


def ledger_removed(study: Path) -> None:
    for name in (ledger.NAME, ledger.HEAD):
        (study / name).unlink()
    ledger.append(study, ("run_ended", {"outcome": "done"}))


def decided(study: Path, **cells: str) -> None:
    usual = {"lot_id": "L1", "criterion": "C04", "decision": "accept", "reason": "seen", "decided_by": "B. Kim"}
    decide.decide(study, [decide.row(**usual | cells)])


REFUSED: dict[str, tuple[Attack, Attack, str]] = {
    "PDF edited, then sealed": (
        lambda s: flip(s / L3 / "report.pdf"),
        lambda s: seal(s, "L3"),
        r"L3/report.pdf: was changed after it was made .*karyolot report L3 renders it again",
    ),
    "page edited, then sealed": (
        lambda s: (s / L3 / "report.html").write_text(
            (s / L3 / "report.html").read_text().replace("stability", "quality")
        ),
        lambda s: seal(s, "L3"),
        r"L3/report.html: was changed after it was made",
    ),
    "PDF of another lot, then sealed": (
        lambda s: shutil.copy(s / L2 / "report.pdf", s / L3 / "report.pdf"),
        lambda s: seal(s, "L3"),
        r"L3/report.pdf: was changed after it was made",
    ),
    "table edited, then sealed": (
        lambda s: flip(s / L3 / "dna/calls.tsv"),
        lambda s: seal(s, "L3"),
        r"L3/dna/calls.tsv: was changed after it was made .*delete it and run again",
    ),
    "record with a fitting id, then sealed": (other_verdict, lambda s: seal(s, "L3"), r"made from another record"),
    "record with a fitting id, then rendered": (
        other_verdict,
        lambda s: render_again(s, "L3"),
        r"L3/report.json: was changed after it was made \(line \d+ of the ledger has another record\)",
    ),
    "record of another lot": (
        lambda s: shutil.copy(s / L2 / "report.json", s / L3 / "report.json"),
        lambda s: seal(s, "L3"),
        r"is the record of lot 'L2'",
    ),
    "ledger replaced, then sealed again": (
        ledger_removed,
        lambda s: seal(s, "L2"),
        r"L2 was sealed after line \d+ of a ledger with sha256 \w{64}, which .* does not have",
    ),
    "folder of a sealed lot linked, sealed again": (
        lambda s: [(s / L2).rename(s / "x"), (s / L2).symlink_to(s / "x")],
        lambda s: seal(s, "L2"),
        r"results/L2: is a link; the lot was sealed as a folder",
    ),
    "manifest that lists an edited record, sealed again": (
        forged_manifest,
        lambda s: seal(s, "L2"),
        r"L2 was changed after it was sealed: .*L2/seal.json: sha256 is \w{64}, the ledger recorded \w{64}",
    ),
    "manifest that lists an edited record, exported": (
        forged_manifest,
        lambda s: export_crate(s, "L2", s / "crate", ""),
        r"L2 was changed after it was sealed: .*L2/seal.json: sha256 is",
    ),
    "superseded record edited, then compared with": (
        lambda s: other_verdict(s, Path("revisions/L1/1")),
        lambda s: revision_of(s, ledger.read(s), read_report(s / L1 / "report.json")),
        r"revisions/L1/1/report.json: its record has sha256 \w{64}, and \w{64} was sealed",
    ),
    "table added, then sealed": (
        lambda s: (s / L3 / "dna/added.tsv").touch(),
        lambda s: seal(s, "L3"),
        r"L3/dna/added.tsv: the ledger has no entry of it; remove it, or run again",
    ),
    "record of endless brackets, then sealed": (
        lambda s: (s / L3 / "report.json").write_text("[" * 100_000),
        lambda s: seal(s, "L3"),
        r"L3/report.json: not JSON",
    ),
    "record of endless digits, then verified": (
        lambda s: (s / L3 / "report.json").write_text("9" * 5_000),
        lambda s: said(s, str(s / L3 / "report.json")),
        r"L3/report.json: not JSON",
    ),
    "record with a byte that is no text, then sealed": (
        lambda s: (s / L3 / "report.json").write_bytes(b'{"\xff": 1}'),
        lambda s: seal(s, "L3"),
        r"L3/report.json: ",
    ),
    "decision that decide did not write": (
        lambda s: ledger.append(s, ("disposition", {"lot": "L3"})),
        lambda s: said(s),
        r"ledger.jsonl, line \d+: not a decision \(finding: Field required\)",
    ),
    "pipe between the tables, then sealed": (
        lambda s: not_a_file(s / L3 / "dna/x"),
        lambda s: seal(s, "L3"),
        r"dna/x: the ledger has no entry of it",
    ),
    "folder linked, then sealed": (
        lambda s: [(s / L3).rename(s / "x"), (s / L3).symlink_to(s / "x")],
        lambda s: seal(s, "L3"),
        r"results/L3: is a link",
    ),
    "name with letters that look alike": (
        lambda s: None,
        lambda s: decided(s, decided_by="\u0410. Mayer"),
        r"decided_by: mixes letters of the alphabets LATIN and CYRILLIC",
    ),
    "name with a letter that is not printed": (
        lambda s: None,
        lambda s: decided(s, decided_by="B.\u200b Kim"),
        r"decided_by: holds a line break or a character that is not printed",
    ),
    "reason that turns the text around": (
        lambda s: None,
        lambda s: decided(s, reason="not\u202e seen"),
        r"reason: holds a line break or a character that is not printed",
    ),
    "reason with commands of a terminal": (
        lambda s: None,
        lambda s: revise(s, "L1", "x\x1b[2J"),
        r"--reason: holds a line break",
    ),
    "lot outside of the study": (
        lambda s: None,
        lambda s: decided(s, lot_id="../L1"),
        r"lot_id",
    ),
}


@pytest.mark.parametrize("attack", REFUSED)
def test_an_attack_is_refused(study: Path, attack: str) -> None:
    before, act, message = REFUSED[attack]
    before(study)
    entries = (study / ledger.NAME).read_bytes()
    assert re.search(message, found := refused(lambda: act(study))), found
    assert (study / ledger.NAME).read_bytes() == entries


def test_no_run_renders_a_record_that_none_made(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin(study, "L3")
    ledger.append(study, ("run_ended", {"outcome": "done"}))
    other_verdict(study)
    refused(lambda: begin(study, "L3"))
    assert "L3/report.json: was changed after it was made" in capsys.readouterr().err


def test_no_run_regenerates_a_lot_whose_seal_is_of_a_lost_ledger(
    study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger_removed(study)
    refused(lambda: begin(study, "L2"))
    assert "L2 was sealed after line" in capsys.readouterr().err
    begin(study, "L3")


def test_a_lot_of_a_killed_run_is_named_as_such(study: Path) -> None:
    begin(study, "L3")
    ledger.append(study, ("run_started", {"lots": ["L3"], "inputs": {}}))
    assert "results/L3: a run that was making this lot was killed; run again" in said(study)


def test_a_run_enters_no_edited_page_of_a_sealed_lot(study: Path) -> None:
    flip(study / L2 / "report.pdf")
    job = type("Job", (), {"wildcards_dict": {"lot": "L2"}, "rule": type("Rule", (), {"name": audit.RENDERING})})
    audit.end(study, type("Dag", (), {"jobs": [job]}), "done")
    assert ledger.read(study)[-1].kind == "run_ended" and ledger.read(study)[-2].kind != "report_issued"
    assert "L2/report.pdf: sha256 is" in said(study)


def test_a_line_noted_elsewhere_shows_a_ledger_that_was_computed_again(study: Path) -> None:
    noted = ledger.read(study)[-1].sha256
    ledger.append(study, ("override", {"lot": "L1"}))
    (_, finding) = verify(study, noted)
    assert not finding.faults and finding.notes == ("1 lines were added since",)
    chain_again(study, lambda events: events[-2][1].update(decision="accept"))
    assert not ledger.inspect(study).fault
    assert "no line has this sha256; lines were removed, or the ledger was replaced" in said(study, noted)


def test_sealed_manifests_name_each_line_that_was_the_last(whole: Path) -> None:
    places = [read_manifest(whole / path).ledger for path in (L1, L2)]
    held = ledger.read(whole)
    assert [held[place.line - 1].sha256 for place in places] == [place.sha256 for place in places]
