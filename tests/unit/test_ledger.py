"""The ledger: a chain that shows every line that was edited, removed or moved, and loses nothing."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from typer.testing import CliRunner

from karyolot.commands.cli import app
from karyolot.contracts.ledger import FIRST
from karyolot.contracts.problems import KaryolotError
from karyolot.io import ledger
from karyolot.io.files import replacing

WRITER = """
import sys
from pathlib import Path
from karyolot.io import ledger
for number in range(int(sys.argv[2])):
    ledger.append(Path(sys.argv[1]), ("disposition", {"lot": sys.argv[3], "number": number}))
    print(number, flush=True)
"""


def filled(folder: Path, entries: int = 5) -> Path:
    for number in range(entries):
        ledger.append(folder, ("disposition", {"lot": f"L{number}"}))
    return folder / ledger.NAME


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def test_an_entry_names_who_when_and_the_line_before_it(tmp_path: Path) -> None:
    first, second = ledger.append(tmp_path, ("disposition", {"lot": "L1"}), ("override", {"lot": "L2"}))
    assert (first.number, first.previous, second.previous) == (1, FIRST, first.sha256)
    assert first.user == ledger.login() and first.host and first.at.endswith("Z")
    assert ledger.read(tmp_path) == (first, second)
    assert ledger.inspect(tmp_path / "elsewhere") == ledger.Ledger((), b"", "")


def test_the_entries_of_a_lot_are_shown_as_part_of_the_whole(tmp_path: Path) -> None:
    filled(tmp_path, 3)
    last = ledger.read(tmp_path)[-1].sha256
    shown = CliRunner().invoke(app, ["ledger", "L1", "--directory", str(tmp_path)])
    assert shown.stdout.startswith("2 20") and "L1" in shown.stdout and "L2" not in shown.stdout
    assert shown.stdout.endswith(f"1 of 3 entries, chain complete, last sha256 {last}\n")
    missing = CliRunner().invoke(app, ["ledger", "L9", "--directory", str(tmp_path)])
    assert isinstance(missing.exception, KaryolotError) and "has no entry on 'L9'" in str(missing.exception)


@pytest.mark.parametrize("file", [ledger.NAME, ledger.HEAD])
def test_entries_that_do_not_fit_on_the_disk_are_all_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    """The operating system writes what fits, here up to the largest file it allows, and then fails."""
    path = filled(tmp_path, 3)
    before, (soft, hard) = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    events: list[ledger.Event] = [("disposition", {"lot": "L9"})] * 40
    if file == ledger.HEAD:
        monkeypatch.setattr(ledger, "replacing", lambda target: replacing(target.with_name("x" * 300)))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 1_000, hard))
    try:
        with pytest.raises(OSError) as stopped:
            ledger.append(tmp_path, *events)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        monkeypatch.undo()
    assert stopped.value.filename
    assert path.read_bytes() == before
    assert not ledger.inspect(tmp_path).fault and len(ledger.append(tmp_path, *events)) == 40


def removed(lines: list[bytes]) -> list[bytes]:
    return lines[:2] + lines[3:]


def edited(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2].replace(b'"L2"', b'"L9"'), *lines[3:]]


def reordered(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[3], lines[2], *lines[4:]]


def renumbered(lines: list[bytes]) -> list[bytes]:
    rest = [line.replace(b'"n":%d' % (n + 1), b'"n":%d' % n) for n, line in enumerate(lines[3:], 3)]
    return lines[:2] + rest


def shortened(lines: list[bytes]) -> list[bytes]:
    return lines[:-1]


def last_edited(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-1], lines[-1].replace(b'"L4"', b'"L9"')]


def no_entry(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], b"{}\n", *lines[3:]]


def endless(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], b"[" * 100_000 + b"\n", *lines[3:]]


def infinite(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2].replace(b'"n":3', b'"n":1e999'), *lines[3:]]


def a_list(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2].replace(b'{"lot":"L2"}', b'["lot"]'), *lines[3:]]


def a_seal_of_nothing(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2].replace(b'"disposition"', b'"sealed"'), *lines[3:]]


def last_cut(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-1], lines[-1][:40]]


@pytest.mark.parametrize(
    ("attack", "named"),
    [
        (removed, "line 3 was removed or moved: it holds entry 4"),
        (edited, "line 3 was edited, or line 4 was replaced"),
        (reordered, "line 3 was removed or moved: it holds entry 4"),
        (renumbered, "line 2 was edited, or line 3 was replaced"),
        (shortened, "line 5 was removed: ledger.head records 5 lines, and 4 are there"),
        (last_edited, "line 5 was edited"),
        (no_entry, "line 3 was edited: it is not an entry of a ledger"),
        (endless, "line 3 was edited: it is not an entry of a ledger"),
        (infinite, "line 3 was edited: it is not an entry of a ledger"),
        (a_list, "line 3 was edited: it is not an entry of a ledger"),
        (a_seal_of_nothing, "line 3 was edited: it is not an entry of a ledger"),
        (last_cut, "line 5 was edited: it is not an entry of a ledger"),
    ],
)
def test_the_first_wrong_line_is_named(tmp_path: Path, attack: Callable[..., list[bytes]], named: str) -> None:
    path = filled(tmp_path)
    path.write_bytes(b"".join(attack(lines_of(path))))
    assert ledger.inspect(tmp_path).fault.startswith(named)
    before = path.read_bytes()
    with pytest.raises(KaryolotError, match="restore the file from a backup"):
        ledger.append(tmp_path, ("disposition", {"lot": "L6"}))
    assert path.read_bytes() == before


def test_half_a_line_after_a_crash_is_set_aside_and_said(tmp_path: Path) -> None:
    path = filled(tmp_path, 2)
    torn = b'{"n":3,"at":"2031-01-01T00:00:00Z","user":"x'
    path.write_bytes(path.read_bytes() + torn)
    held = ledger.inspect(tmp_path)
    assert (len(held.entries), held.torn, held.fault) == (2, torn, "")
    repaired, added = ledger.append(tmp_path, ("override", {"lot": "L3"}))
    assert (repaired.kind, repaired.facts["bytes"]) == ("repaired", len(torn))
    assert (tmp_path / ledger.TORN).read_bytes() == torn + b"\n"
    assert ledger.read(tmp_path)[2:] == (repaired, added)


def test_a_whole_line_without_its_end_is_kept(tmp_path: Path) -> None:
    path = filled(tmp_path, 3)
    path.write_bytes(path.read_bytes().rstrip(b"\n"))
    ledger.append(tmp_path, ("override", {"lot": "L3"}))
    assert [entry.number for entry in ledger.read(tmp_path)] == [1, 2, 3, 4]


def test_a_crash_between_line_and_head_loses_nothing(tmp_path: Path) -> None:
    filled(tmp_path, 2)
    head = (tmp_path / ledger.HEAD).read_bytes()
    ledger.append(tmp_path, ("override", {"lot": "L3"}))
    (tmp_path / ledger.HEAD).write_bytes(head)
    assert len(ledger.read(tmp_path)) == 3
    (tmp_path / ledger.HEAD).unlink()
    repaired, _ = ledger.append(tmp_path, ("override", {"lot": "L4"}))
    assert (repaired.kind, repaired.facts) == ("repaired", {"file": ledger.HEAD, "lines": 3})
    assert len(ledger.read(tmp_path)) == 5


def test_a_clock_that_was_set_back_is_an_entry_and_a_small_difference_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for at, kinds in (("09:00:00", 1), ("08:56:00", 1), ("07:56:00", 2)):
        monkeypatch.setattr(ledger, "now_utc", lambda at=at: f"2031-05-01T{at}Z")
        added = ledger.append(tmp_path, ("disposition", {"lot": "L1"}))
        assert len(added) == kinds
    assert (added[0].kind, added[0].facts) == ("clock_set_back", {"last": "2031-05-01T08:56:00Z", "seconds": 3600})
    assert not ledger.inspect(tmp_path).fault


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    commands = [[sys.executable, "-c", WRITER, str(tmp_path), "40", lot] for lot in ("A", "B")]
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda command: subprocess.run(command, capture_output=True, check=False), commands))
    assert [done.returncode for done in ended] == [0, 0]
    entries = ledger.read(tmp_path)
    for lot in ("A", "B"):
        assert [entry.facts["number"] for entry in entries if entry.facts["lot"] == lot] == list(range(40))


def test_a_killed_writer_leaves_a_whole_chain_with_all_it_reported(tmp_path: Path) -> None:
    draw, known = random.Random(7), 0
    for number in range(6):
        command = [sys.executable, "-c", WRITER, str(tmp_path), "5000", f"W{number}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(draw.uniform(0, 0.05))
            os.kill(process.pid, signal.SIGKILL)
            known += 1 + process.stdout.read().count(b"\n")
        written = [entry for entry in ledger.read(tmp_path) if entry.kind == "disposition"]
        assert len(written) >= known
        known = len(written)
    ledger.append(tmp_path, ("override", {"lot": "L1"}))
    assert not ledger.inspect(tmp_path).fault


def test_a_line_is_one_json_object_for_other_programs(tmp_path: Path) -> None:
    path = filled(tmp_path, 1)
    assert list(json.loads(path.read_text())) == ["n", "at", "user", "host", "kind", "facts", "previous"]
