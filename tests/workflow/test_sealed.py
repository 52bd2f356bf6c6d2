"""Sealed lots and runs: a run goes into the ledger, and one that would change a sealed lot does not start."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from karyolot.commands.audit import KEEP
from karyolot.commands.seal import revise, seal
from karyolot.commands.verify import verify
from karyolot.io import ledger
from karyolot.io.files import sha256

pytestmark = pytest.mark.workflow
Call = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[2]


def state(folder: Path) -> dict[str, tuple[int, str]]:
    return {str(path): (path.stat().st_mtime_ns, sha256(path)) for path in folder.rglob("*") if path.is_file()}


def test_a_run_that_would_change_a_sealed_lot_does_not_start(
    copy: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = ledger.read(copy)
    lots = sorted(path.parent.name for path in (copy / "results").glob("*/report.json"))
    assert [entry.kind for entry in entries] == ["run_started", *["report_issued"] * len(lots), "run_ended"]
    assert entries[0].facts["lots"] == lots and entries[-1].facts == {"outcome": "done"}
    assert entries[0].facts["inputs"]["config/lots.tsv"] == sha256(copy / "config" / "lots.tsv")
    lot = next(name for name in lots if name.startswith("L1"))
    seal(copy, lot)
    assert not [fault for finding in verify(copy) for fault in finding.faults]

    sheet, before, count = copy / "config" / "lots.tsv", state(copy / "results"), len(ledger.read(copy))
    header, *rows = sheet.read_text().splitlines()
    place = header.split("\t").index("passage")
    cells = [row.split("\t") for row in rows]
    for row in cells:
        row[place] = str(int(row[place]) + 1)
    sheet.write_text("\n".join([header, *("\t".join(row) for row in cells)]) + "\n")
    done = call(copy)
    assert done.returncode == 2
    said = (
        rf"{lot} is sealed \(revision 1\), but this run would regenerate it[.] Triggers:\n"
        rf"    analyse_expression {lot}: Params"
    )
    assert re.search(said, done.stderr)
    assert "Nothing was started" in done.stderr and f"karyolot run --revise {lot} --reason" in done.stderr
    assert state(copy / "results") == before and len(ledger.read(copy)) == count

    monkeypatch.setenv(KEEP, lot)
    planned = call(copy, "-n")
    assert planned.returncode == 0 and f"lot={lot}\n" not in planned.stdout and "rule decide_lot:" in planned.stdout
    monkeypatch.delenv(KEEP)
    assert call(copy, "--touch").returncode == 2
    assert state(copy / "results") == before


def test_a_revision_is_planned_as_a_lot_that_was_never_run(copy: Path, call: Call) -> None:
    lot = next(path.parent.name for path in (copy / "results").glob("L1*/report.json"))
    seal(copy, lot)
    revise(copy, lot, "another reference")
    planned = call(copy, "-n")
    assert planned.returncode == 0
    assert {"analyse_copy_number", "assemble_report", "render_report"} <= set(
        re.findall(r"^rule (\w+):", planned.stdout, re.M)
    )


@pytest.mark.parametrize("seed", range(int(os.environ.get("KARYOLOT_KILLS", "2")) // 2))
def test_a_run_that_is_killed_while_it_makes_a_report_goes_on_and_is_sealed(copy: Path, call: Call, seed: int) -> None:
    """kill -9 of Snakemake with all its jobs, from its start to its end."""
    lot = next(path.parent.name for path in (copy / "results").glob("L1*/report.json"))
    folder, before, draw = copy / "results" / lot, (copy / ledger.NAME).read_bytes(), random.Random(seed)
    for name in ("report.json", "report.html", "report.pdf"):
        (folder / name).unlink()
    shutil.rmtree(folder / "figures")
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile"), "--directory", str(copy),
        "--workflow-profile", str(ROOT / "workflow/profiles/local"), "--cores", "2", f"results/{lot}/report.pdf",
    ]  # fmt: skip
    moment = draw.choice([".snakemake/locks/*", f"results/{lot}/report.json", f"results/{lot}/report.html"])
    with subprocess.Popen(
        command, start_new_session=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and not any(copy.glob(moment)):
            time.sleep(0.05)
        time.sleep(draw.uniform(0, 3))
        with suppress(ProcessLookupError):  # the run may have come to its end
            os.killpg(process.pid, signal.SIGKILL)
    assert (copy / ledger.NAME).read_bytes().startswith(before) and not ledger.inspect(copy).fault
    assert call(copy, "--unlock").returncode == 0
    done = call(copy)
    assert done.returncode == 0, done.stderr[-3000:]
    seal(copy, lot)
    assert not [fault for finding in verify(copy) for fault in finding.faults]
    assert not [path for path in folder.rglob("*") if ".part" in path.name]
