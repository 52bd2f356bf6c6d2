"""What all tests share: one thread per job, drawings without a screen, reproducible properties, a simulated study."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).parents[1]

# Set before numpy is imported anywhere: tests run beside Snakemake jobs, and more threads than cores only wait.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "agg")
# Child processes (Snakemake, its jobs, the command line) import the same checkout as the tests.
os.environ["PYTHONPATH"] = str(ROOT / "workflow")

# The same examples on every run: a property that fails here fails everywhere. No deadline: machines differ.
settings.register_profile("karyolot", derandomize=True, deadline=None, max_examples=50, print_blob=True)
settings.load_profile("karyolot")


LONGEST = (
    "test_tiny_lots.py", "test_slurm.py", "test_report_browser.py", "test_later_runs.py", "test_faults.py", "test_sealed.py",
    "test_installed.py", "test_documents.py", "test_results.py", "test_replaced.py", "test_module.py",
)  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files that take longest first, so that no process works on one of them while the others have ended. The first
    of all also finishes the study that those from the fourth on read; the two between need none, or only at their end."""
    order = {name: rank for rank, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with the smallest simulated study; shared, so a test that runs or edits it takes a copy."""
    directory = tmp_path_factory.mktemp("simulated") / "study"
    command = [sys.executable, "-m", "karyolot", "simulate", str(directory), "--size", "tiny"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"karyolot simulate failed:\n{done.stdout}{done.stderr}"
    return directory


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    """Chromium, as it is installed."""
    chromium = Path("/usr/bin/chromium")
    if not chromium.exists():
        reason = f"{chromium} is missing: the reports were not opened in a browser (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(chromium), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture(scope="session")
def build() -> Callable[[str, Path, Path], Path]:
    """Make the wheel or sdist of a source tree in an empty folder, as `python -m build` does; nothing is downloaded."""

    def made(kind: str, source: Path, folder: Path) -> Path:
        command = [sys.executable, "-m", "hatchling", "build", "--target", kind, "--directory", str(folder)]
        done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{source}: no {kind} can be built:\n{done.stderr}"
        (file,) = folder.iterdir()
        return file

    return made


@pytest.fixture(scope="session")
def wheel(build: Callable[[str, Path, Path], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))
