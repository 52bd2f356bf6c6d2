"""The tiny study as its tests look at it: records, lots, and what a dry run would run."""

import re
import subprocess
from pathlib import Path

from karyolot.contracts.record import Record
from karyolot.io.record import read_report


def record(directory: Path, lot: str) -> Record:
    return read_report(directory / "results" / lot / "report.json")


def lots(directory: Path) -> list[str]:
    return sorted(path.parent.name for path in (directory / "results").glob("*/verdict.json"))


def planned(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Rules a dry run would run, with the number of their jobs."""
    assert done.returncode == 0, done.stderr[-3000:]
    table = (done.stdout + done.stderr).partition("Job stats:")[2]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table.partition("total")[0], re.M)}
