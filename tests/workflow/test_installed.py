"""The wheel in a virtual environment of its own, far from the checkout: every command, and jobs that run its code."""

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from venv import EnvBuilder

import pytest

from karyolot import __version__
from karyolot.io.record import read_report
from planted import Event, genome, sample

pytestmark = pytest.mark.workflow
ROOT = Path(__file__).parents[2]
LAUNCHER = """#!/bin/sh
exec "$(dirname "$0")/python" -c 'from snakemake.cli import main; main()' "$@"
"""
LOT = "L2-gain"
SEALED = ("report.html", "report.json", "report.pdf")
"""Files that say by which code they were made, and whether it had changes."""


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Programs of an environment that holds the wheel alone; libraries are those of the running Python, to save minutes."""
    folder = tmp_path_factory.mktemp("installed") / "my env"
    EnvBuilder().create(folder)
    python = folder / "bin" / "python"
    install = ["install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), *install], check=True)
    (place,) = folder.glob("lib/python*/site-packages")
    # A path in a .pth file is not searched for further .pth files, so the editable karyolot there stays out of sight.
    (place / "libraries.pth").write_text("\n".join({sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}))
    (folder / "bin" / "snakemake").write_text(LAUNCHER)
    (folder / "bin" / "snakemake").chmod(0o755)
    for path in (place / "karyolot" / "project").rglob("*"):
        os.utime(path, (0, 0))  # no newer than results, and so no reason to make them again
    return folder / "bin"


def call(installed: Path, *words: object, cwd: Path, program: str = "karyolot") -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment["PATH"] = f"{installed}:{environment['PATH']}"
    command = [str(installed / program), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=environment)


def files(directory: Path) -> dict[str, bytes]:
    """Path in the directory -> content, without what Snakemake keeps there: other tests look into the shared study."""
    paths = [path for path in sorted(directory.rglob("*")) if path.is_file() and ".snakemake" not in path.parts]
    return {str(path.relative_to(directory)): path.read_bytes() for path in paths}


def test_what_runs_is_the_wheel(installed: Path, tmp_path: Path) -> None:
    done = call(installed, "-c", "import karyolot; print(karyolot.__file__)", cwd=tmp_path, program="python")
    assert Path(done.stdout.strip()).is_relative_to(installed.parent)
    said = call(installed, "--version", cwd=tmp_path).stdout
    assert said.startswith(f"karyolot {__version__} from {installed.parent}")


def test_a_study_is_begun_without_a_checkout(installed: Path, study: Path, tmp_path: Path) -> None:
    assert call(installed, "init", "mine", cwd=tmp_path).returncode == 0
    assert files(tmp_path / "mine" / "config") == files(ROOT / "config")
    done = call(installed, "check", "--directory", "mine", cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr, "the genome is not named yet"
    done = call(installed, "simulate", "example", "--size", "tiny", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "example") == files(study), "the same miniature, byte for byte"
    done = call(installed, "check", "--directory", "example", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_settings_are_shown_and_the_package_is_not_written_to(installed: Path, tmp_path: Path) -> None:
    assert call(installed, "defaults", cwd=tmp_path).stdout == (ROOT / "config" / "defaults.yaml").read_text()
    done = call(installed, "defaults", "--write", cwd=tmp_path)
    assert done.returncode == 2 and "checkout" in done.stderr


def test_two_tables_of_counts_are_compared(installed: Path, tmp_path: Path) -> None:
    bins = genome(1_000_000)
    for name, events, seed in (("lot", (Event("chr8", 0, 200_000_000, +1),), 1), ("donor", (), 2)):
        sample(bins, events, name, "F", 5000, seed).to_csv(tmp_path / f"{name}.bedgraph", sep="\t", index=False)
    bins[["chrom", "start", "end", "gc"]].to_csv(tmp_path / "gc.bedgraph", sep="\t", index=False, header=False)
    words = ["lot.bedgraph", "donor.bedgraph", "--sex", "F", "--gc", "gc.bedgraph", "--out", "out"]
    done = call(installed, "call", *words, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith("47,XX,+8"), done.stdout + done.stderr


def test_jobs_of_the_wheel_make_what_the_checkout_makes(installed: Path, finished: Path, copy: Path) -> None:
    """Verdict, record and report of one lot are made again: settings, criteria, templates and fonts are the wheel's."""
    for name in ("metrics.json", "verdict.json", *SEALED):
        (copy / "results" / LOT / name).unlink()
    done = call(installed, "run", copy.name, "--", "--cores", "2", "--rerun-triggers", "mtime", cwd=copy.parent)
    assert done.returncode == 0, done.stderr[-5000:]
    assert f"--snakefile '{installed.parent}/" in done.stderr and LOT in done.stdout
    before, after = (files(directory / "results" / LOT) for directory in (finished, copy))
    assert before.keys() == after.keys()
    assert not [name for name in before if name not in SEALED and before[name] != after[name]]
    first, second = (read_report(place / "results" / LOT / "report.json") for place in (finished, copy))
    assert second.provenance.commit == first.provenance.commit
    assert re.search(rf"^ *\d+ of \d+  decide_lot {LOT}: \d+ s", done.stderr, flags=re.M), (
        "the wheel's own lines of progress"
    )
    assert second.model_dump(exclude={"report_id", "provenance"}) == first.model_dump(
        exclude={"report_id", "provenance"}
    )
