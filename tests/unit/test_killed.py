"""kill -9 of `seal`, `decide`, `sign` and `--revise` between any two operations on files: nothing is lost, nothing is half there.

A child process counts its operations on files and is killed before one of them. KARYOLOT_KILLS is the number of moments
tried of each command (default 3), drawn from all.
"""

import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import finished_lots
from finished_lots import PASSWORD, certificate, with_fields
from karyolot.commands import decide
from karyolot.commands.report import render_again
from karyolot.commands.seal import revise, seal
from karyolot.commands.sign import sign
from karyolot.commands.verify import verify
from karyolot.contracts.ledger import seals, states
from karyolot.io import ledger
from karyolot.io.files import sha256
from karyolot.io.manifest import signed_report, superseded
from karyolot.io.record import read_record
from karyolot.report.documents import Documents

KILLS = int(os.environ.get("KARYOLOT_KILLS", "3"))
ON_FILES = frozenset("open write flush fsync replace rename chmod mkdir unlink rmdir ftruncate utime".split())
Command = Callable[[Path], Any]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """L1 finished, with a finding to review; L2 sealed; read only."""
    folder = finished_lots.study(tmp_path_factory.mktemp("study") / "study", "C04", lots=("L1", "L2"), in_ledger=False)
    for lot in ("L1", "L2"):
        path = folder / "results" / lot / "report.pdf"
        path.write_bytes(with_fields(path.read_bytes()))
        (path.parent / "figures").mkdir()
        for name in ("genome.svg", ".snakemake_timestamp"):
            (path.parent / "figures" / name).write_text("")
        finished_lots.enter(folder, lot)
    seal(folder, "L2")
    (folder / "site.p12").write_bytes(certificate())
    return folder


@pytest.fixture(autouse=True)
def _pages_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages are not typeset: what is tested is how they are written."""

    def made(folder: Path) -> Documents:
        content = (folder / "report.json").read_bytes()
        digest = read_record(folder.parents[1], folder.name).digest()
        return Documents(f"<html>{digest}</html>", finished_lots.pdf(content), {"genome.svg": b"<svg/>"})

    monkeypatch.setattr("karyolot.commands.report.rendered", made)


def in_child(call: Callable[[], Any], last: int | None) -> int:
    """Run in a process that is killed before its operation number `last` on files; the number of operations it did."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        done = 0

        def count(_frame: Any, event: str, function: Any) -> None:
            nonlocal done
            if event == "c_call" and function.__name__ in ON_FILES:
                done += 1
                if done == last:
                    os.kill(os.getpid(), signal.SIGKILL)

        code = 1
        try:
            sys.setprofile(count)
            call()
            sys.setprofile(None)
            os.write(write, str(done).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(write)
    status = os.waitpid(child, 0)[1]
    told = os.read(read, 20)
    os.close(read)
    assert os.WTERMSIG(status) == signal.SIGKILL if last else status == 0
    return int(told or 0)


def copied(whole: Path, folder: Path) -> Path:
    shutil.copytree(whole, folder)
    for path in (folder / "results").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def sealing(study: Path) -> None:
    seal(study, "L1")


def deciding(study: Path) -> None:
    cells = {
        "lot_id": "L1",
        "criterion": "C04",
        "decision": "accept",
        "reason": "seen in the donor",
        "decided_by": "A. Mayer",
    }
    decide.decide(study, [decide.row(**cells)])


def signing(study: Path) -> None:
    sign(study, study / "results/L2/report.pdf", study / "site.p12", PASSWORD, "qa", "A. Mayer")


def revising(study: Path) -> None:
    revise(study, "L2", "another reference")


def after_seal(study: Path) -> None:
    """Unsealed and to be sealed by the same command, or sealed and whole."""
    seal(study, "L1")
    assert set(seals(ledger.read(study))) == {("L1", 1), ("L2", 1)}


def after_decision(study: Path) -> None:
    """Not decided, or decided and named as not on the report until it is rendered again."""
    held = [entry for entry in ledger.read(study) if entry.kind == "disposition"]
    assert len(held) <= 1
    if faults(study):
        assert held and faults(study)[0].endswith("is not on the report; karyolot report L1"), faults(study)
        render_again(study, "L1")
    on_report = read_record(study, "L1").disposition
    assert [one.line for one in on_report.decisions] == [held[0].number] if on_report else not held
    seal(study, "L1")


def after_signature(study: Path) -> None:
    """Not signed, or signed; where the file is missing, signing again is possible."""
    path = signed_report(study, "L2", 1)
    if not path.is_file():
        signing(study)
    assert sha256(path) == [entry for entry in ledger.read(study) if entry.kind == "signed"][-1].facts["sha256"]


def after_revision(study: Path) -> None:
    """Sealed as before, or revised with the sealed revision kept."""
    if states(ledger.read(study))["L2"].sealed is not None:
        revising(study)
    with pytest.raises(Exception, match="holds no record of a lot 'L2'"):
        seal(study, "L2")
    assert (superseded(study, "L2", 1) / "report.pdf").is_file()


def faults(study: Path) -> list[str]:
    return [fault for finding in verify(study) for fault in finding.faults]


COMMANDS: dict[str, tuple[Command, Command]] = {
    "seal": (sealing, after_seal),
    "decide": (deciding, after_decision),
    "sign": (signing, after_signature),
    "revise": (revising, after_revision),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_killed_loses_nothing(whole: Path, tmp_path: Path, command: str) -> None:
    run, check = COMMANDS[command]
    unharmed = copied(whole, tmp_path / "unharmed")
    total = in_child(lambda: run(unharmed), None)
    assert total >= 10
    before = (whole / ledger.NAME).read_bytes()
    for moment in random.Random(command).sample(range(1, total + 1), min(KILLS, total)):
        study = copied(whole, tmp_path / str(moment))
        in_child(lambda study=study: run(study), moment)
        assert (study / ledger.NAME).read_bytes().startswith(before), moment
        assert not ledger.inspect(study).fault, moment
        check(study)
        assert faults(study) == [], moment
        assert not [path for path in (study / "results").rglob("*") if ".part" in path.name], moment
