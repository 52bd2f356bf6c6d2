"""CPU seconds and peak memory of a command of the shell, as the operating system counts them (`wait4`)."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
PARENT = """
import os, sys
child = os.posix_spawn("/bin/bash", ["bash", "-c", sys.argv[1]], os.environ)
_, status, used = os.wait4(child, 0)
print(status, used.ru_utime + used.ru_stime, used.ru_maxrss, file=sys.stderr)
"""
"""A small parent: a child's peak memory begins with that of the process it was forked from."""


class Used(NamedTuple):
    """CPU seconds of a command with all that it started; peak memory of its largest process, MB; what it printed."""

    cpu_s: float
    max_mb: float
    printed: str


def metered(command: str, place: Path | None = None) -> Used:
    """What a command takes in a directory, and prints. It must succeed; `karyolot` in it is this checkout's."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as `./run` does: each start would compile all that it imports
    parent = [sys.executable, "-S", "-c", PARENT, command]
    done = subprocess.run(
        parent, cwd=place, env=environment, capture_output=True, text=True, errors="replace", check=True
    )
    code, seconds, kilobytes = done.stderr.split()[-3:]
    if int(code):
        raise SystemExit(f"{command} failed: {done.stderr}")
    return Used(float(seconds), float(kilobytes) / 1e3, done.stdout)
