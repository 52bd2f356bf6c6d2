"""One run in a working directory at a time: a lock that ends with the process that holds it, however it ends."""

import fcntl
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import IO

from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import naming

NAME = Path(".snakemake") / "karyolot.lock"
RUN_NAME = r"(?:[\w-]+_)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
"""What Snakemake calls its jobs in SLURM: the id of the run."""
ASKING_S = 60


def hold(directory: Path) -> IO[str] | None:
    """Lock a working directory until the handle is closed or the process is gone; also against other machines.

    None where the disk has no locks: Snakemake's own lock is then the only one.
    Raises KaryolotError when another run holds it.
    """
    path = directory / NAME
    try:
        path.parent.mkdir(exist_ok=True)
        handle = path.open("a+", encoding="utf-8")
    except OSError:  # a directory that cannot be written to: Snakemake will say so
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        handle.seek(0)
        holder = handle.read().strip() or "unknown process"
        handle.close()
        if not isinstance(error, BlockingIOError):
            return None
        raise KaryolotError(
            f"{directory}: another run works in this directory ({holder})."
            " Wait for it, or stop it; runs in other directories can proceed in parallel"
        ) from None
    with naming(path):
        handle.truncate(0)
        handle.write(f"process {os.getpid()} on {platform.node()}\n")
        handle.flush()
    return handle


def left_behind(directory: Path) -> list[str]:
    """Ids of the SLURM jobs that an earlier run in this directory, killed since, has left in the queue.

    Empty where there is no SLURM, or it does not answer.
    """
    if not (directory / ".snakemake" / "slurm_logs").is_dir():
        return []
    ask = ["squeue", "--noheader", "--user", str(os.getuid()), "--format", "%i|%j|%Z"]
    try:
        shown = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=ASKING_S).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    jobs = [line.split("|", 2) for line in shown.splitlines() if line.count("|") >= 2]
    here = directory.resolve()
    return [job for job, name, place in jobs if re.fullmatch(RUN_NAME, name) and Path(place).resolve() == here]
