"""What the documentation types in a clone: in a clone of the last commit, set up by `./run` from the index of pip."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from documented import PAGES, commands
from karyolot import lots, read_record

pytestmark = [pytest.mark.workflow, pytest.mark.clone]
ROOT = Path(__file__).parents[2]
SET_UP = "./run setup && .venv/bin/hatchling build"
NO_NETWORK = re.compile(
    r"dns error|Connection refused|Network is unreachable|Temporary failure|Could not fetch|timed out", re.I
)


def typed(line: str, clone: Path) -> str:
    """What a command prints in a clone, of whose environment nothing is active; it must succeed."""
    assert any(line in written for page in PAGES for written in commands(page)), f"{line}: no page has it"
    done = run(line, clone)
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def run(line: str, clone: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join(one for one in os.environ["PATH"].split(os.pathsep) if not one.startswith(sys.prefix))
    environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    return subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, cwd=clone, env=environment | {"PATH": path}
    )


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone that is set up, with its wheel."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone")
    folder = tmp_path_factory.mktemp("of a reader") / "karyolot"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    done = run(SET_UP, folder)
    if done.returncode and NO_NETWORK.search(done.stderr):
        pytest.skip("the index of packages cannot be reached")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_it_builds_its_wheel_and_pages(clone: Path) -> None:
    assert "karyolot 1." in run("./run karyolot --version", clone).stdout
    assert len(list((clone / "dist").glob("karyolot-*-py3-none-any.whl"))) == 1
    typed("./run docs", clone)
    assert (clone / ".site" / "index.html").exists()


@pytest.fixture
def my_study(clone: Path, copy: Path) -> Iterator[Path]:
    yield copy.rename(clone / "my-study")
    shutil.rmtree(clone / "my-study")


def test_multiqc_shows_the_lots_of_a_study(clone: Path, my_study: Path) -> None:
    typed("./run multiqc", clone)
    typed(".venv/multiqc/bin/multiqc my-study/results", clone)
    shown = (clone / "multiqc_data" / "multiqc_karyolot.txt").read_text(encoding="utf-8")
    assert re.findall(r"^(\S+)\t\S+ ([A-Z-]+) ", shown, flags=re.M) == list(verdicts(my_study).items())
    page = (clone / "multiqc_report.html").read_text(encoding="utf-8")
    assert "karyolot-lots" in page and "balanced rearrangements" in page, "what a PASS does not cover"


def verdicts(study: Path) -> dict[str, str]:
    records = {lot: read_record(study, lot) for lot in lots(study)}
    return {lot: record.verdict.outcome.replace("_", "-") for lot, record in records.items()}


def test_plain_snakemake_takes_the_study(clone: Path, my_study: Path) -> None:
    """Planned, not run: jobs name the Python of this clone, so all that tools made would be made again."""
    (line,) = [line for line in commands("docs/cluster.md") if line.startswith("snakemake --snakefile")]
    done = run(f". .venv/bin/activate && {line} -n", clone)
    assert done.returncode == 0, done.stderr


def test_an_installation_is_qualified(clone: Path, my_study: Path) -> None:
    done = run("cd my-study && ../.venv/bin/karyolot qualify", clone)
    assert "PASS     IQ1" in done.stdout and "FAIL" not in done.stdout, done.stdout + done.stderr


def test_the_real_data_give_what_their_page_states(clone: Path) -> None:
    fetch, make, evaluate = commands("docs/public-data.md")[:3]
    if run(fetch, clone).returncode:
        pytest.skip("Debian's packages cannot be fetched here")
    typed(make, clone)
    typed(evaluate, clone)
    table = pd.read_csv(clone / "kidney-study" / "results" / "kidney" / "rna" / "de.tsv", sep="\t").set_index(
        "gene_name"
    )
    text = (ROOT / "docs" / "public-data.md").read_text(encoding="utf-8")
    stated = re.findall(r"^\| (\w+) \| ([\d,]+) \| −([\d.]+) \|$", text, flags=re.M)
    for gene, mean, fold in stated:
        assert f"{table.base_mean[gene]:,.0f}" == mean and f"{-table.log2fc[gene]:.2f}" == fold, gene
    (changed,) = re.findall(r"^([\d,]+) of the 5,088 genes", text, flags=re.M)
    assert len(stated) == 7 and len(table) == 5088 and f"{(table.padj < 0.05).sum():,}" == changed
    markers = pd.read_csv(clone / "kidney-study" / "results" / "kidney" / "rna" / "markers.tsv", sep="\t")
    assert len(markers) == 7 and set(markers.met) == {"yes"}
