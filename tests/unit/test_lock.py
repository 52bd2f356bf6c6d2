"""One run in a directory: what a second one is told, and what it may do all the same."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from karyolot.commands import run as launch
from karyolot.contracts.problems import KaryolotError
from karyolot.io import lock
from karyolot.io.shipped import PROJECT

HOLD = """
import sys
from pathlib import Path
from karyolot.io import lock
held = lock.hold(Path(sys.argv[1]))
print("held", flush=True)
input()
"""
ID = "5e0bd8a8-0ab7-4c34-8e4e-1c2f0a9d1a11"


@pytest.fixture
def other(tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that holds the lock of `tmp_path`."""
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "workflow")}
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=environment, **pipes) as process:
        assert process.stdout is not None and process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_told_who_is_first(tmp_path: Path, other: "subprocess.Popen[str]") -> None:
    with pytest.raises(KaryolotError, match=rf"another run works in this directory \(process {other.pid} on \S+\)"):
        lock.hold(tmp_path)


def test_a_killed_process_holds_nothing(tmp_path: Path, other: "subprocess.Popen[str]") -> None:
    other.kill()
    other.wait()
    held = lock.hold(tmp_path)
    assert held is not None
    held.close()


def test_children_of_a_run_do_not_keep_its_lock(tmp_path: Path) -> None:
    held = lock.hold(tmp_path)
    assert held is not None
    with subprocess.Popen(["sleep", "30"]) as child:
        held.close()
        again = lock.hold(tmp_path)
        assert again is not None
        again.close()
        child.kill()


def test_a_disk_without_locks_or_rights_does_not_stop_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(lock.fcntl, "flock", refuse)
    assert lock.hold(tmp_path) is None
    assert lock.hold(tmp_path / "not there") is None


@pytest.mark.parametrize("words", [[], ["--unlock"], ["--cores", "2"]])
def test_a_run_or_an_unlocking_beside_another_ends(
    tmp_path: Path, other: "subprocess.Popen[str]", words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        launch.hold_or_stop(tmp_path, words, main=True)
    assert ended.value.code == 2 and "Wait for it, or stop it" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "main"), [(["-n"], True), (["--summary"], True), ([], False)])
def test_looking_and_the_jobs_of_the_run_itself_are_free(
    tmp_path: Path, other: "subprocess.Popen[str]", words: list[str], main: bool
) -> None:
    assert launch.hold_or_stop(tmp_path, words, main=main) is None


def squeue(folder: Path, lines: str, code: int = 0) -> str:
    fake = folder / "bin" / "squeue"
    fake.parent.mkdir(exist_ok=True)
    fake.write_text(f"#!/bin/sh\ncat <<'END'\n{lines}\nEND\nexit {code}\n")
    fake.chmod(0o755)
    return os.pathsep.join([str(fake.parent), os.environ["PATH"]])


def test_only_jobs_of_a_run_in_this_very_directory_are_left_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "a|b"
    rows = f"7|{ID}|{place}\n8|{ID}|{tmp_path}\n9|interactive|{place}\n10|mine_{ID}|{place}"
    monkeypatch.setenv("PATH", squeue(tmp_path, rows))
    place.mkdir()
    assert lock.left_behind(place) == [], "no run here ever sent a job"
    (place / ".snakemake" / "slurm_logs").mkdir(parents=True)
    assert lock.left_behind(place) == ["7", "10"]
    with pytest.raises(SystemExit):
        launch.hold_or_stop(place, [], main=True)
    assert "scancel 7 10" in capsys.readouterr().err
    squeue(tmp_path, rows, code=1)
    assert lock.left_behind(place) == [], "a SLURM that does not answer says nothing"
