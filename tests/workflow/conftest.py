"""The tiny study run once, from reads to reports, and a way to call Snakemake on it."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

# What a shell starts in the background is deaf to Ctrl-C, and so is all that it starts: the runs that are stopped by it too.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Records that are compared byte for byte must bear one date.
os.environ["SOURCE_DATE_EPOCH"] = "1772352309"
ROOT = Path(__file__).parents[2]
Call = Callable[..., subprocess.CompletedProcess[str]]


def snakemake(directory: Path, *words: str, project: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run the workflow in `directory` as a user would, with two cores."""
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(project / "workflow" / "Snakefile"), "--directory", str(directory),
        "--workflow-profile", str(project / "workflow" / "profiles" / "local"), "--cores", "2", *words,
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=directory)


@pytest.fixture(scope="session")
def call() -> Call:
    return snakemake


@pytest.fixture(scope="session")
def without_network() -> list[str]:
    """The words before a command that leave it no network at all; none where the machine does not let us."""
    words = ["unshare", "--net", "--map-root-user"]
    return [] if subprocess.run([*words, "true"], capture_output=True, check=False).returncode else words


@pytest.fixture(scope="session")
def first_run(
    study: Path, tmp_path_factory: pytest.TempPathFactory, worker_id: str, without_network: list[str]
) -> tuple[Path, str]:
    """The tiny study, run to the end by `karyolot run`, and what that printed. It takes minutes, so one does for all: of
    several processes of pytest the first that comes runs it, and the others wait. It runs without a network."""
    base = tmp_path_factory.getbasetemp() if worker_id == "master" else tmp_path_factory.getbasetemp().parent
    directory, printed = base / "finished" / 'my "study" $(touch owned)', base / "printed"
    with (base / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not printed.exists():
            shutil.copytree(study, directory, dirs_exist_ok=True)  # a part is there when it failed before
            run = [sys.executable, "-m", "karyolot", "run", directory.name, "--", "--cores", "2"]
            environment = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
            done = subprocess.run(
                [*without_network, *run],
                capture_output=True, text=True, check=False, cwd=directory.parent, env=environment,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr[-5000:]
            printed.write_text(done.stdout)
    return directory, printed.read_text()


@pytest.fixture(scope="session")
def finished(first_run: tuple[Path, str]) -> Path:
    """The finished study; read only: a test that changes anything takes `copy`."""
    return first_run[0]


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study with its file times and Snakemake's memory; big files are linked."""
    directory = tmp_path / "copy"
    shutil.copytree(finished, directory, copy_function=_link_or_copy)
    return directory


def _link_or_copy(source: str, target: str) -> None:
    # Inputs and alignments are never written in place, so a link is as safe as a copy and takes no time.
    if source.endswith((".gz", ".cram")):
        os.link(source, target)
    else:
        shutil.copy2(source, target)
