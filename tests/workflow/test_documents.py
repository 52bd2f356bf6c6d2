"""The commands of the first pages are typed as they stand, and the notebook is run, on the tiny study."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from faulty_server import serving
from karyolot.inputs.formats import manifest
from karyolot.io.files import sha256
from karyolot.io.record import read_record

pytestmark = pytest.mark.workflow
ROOT = Path(__file__).parents[2]


def commands(page: str) -> list[str]:
    """The command lines of a page: its blocks marked sh."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs" / page).read_text(encoding="utf-8"), flags=re.M | re.S)
    return [line for block in blocks for line in block.splitlines() if line]


def typed(line: str, folder: Path) -> str:
    """What a command prints, with `karyolot` on PATH; it must succeed."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "karyolot").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m karyolot "$@"\n', encoding="utf-8")
    (programs / "karyolot").chmod(0o755)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, cwd=folder, env=os.environ | {"PATH": path}
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_start(copy: Path, tmp_path: Path) -> None:
    """The run of the example was made by the shared fixture, of the same files; here it finds that nothing is left to do."""
    simulate, check, run, explain = commands("start.md")
    assert simulate == "karyolot simulate example --size tiny"
    copy.rename(tmp_path / "example")
    assert "0 errors" in typed(check, tmp_path)
    printed = typed(run, tmp_path)
    table = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    for lot, outcome in re.findall(r"^\| `([\w-]+)` \|.*\| ([A-Z-]+) \|$", table, flags=re.M):
        assert read_record(tmp_path / "example", lot).verdict.outcome.replace("_", "-") == outcome
        assert lot in printed and outcome in printed
    assert "Trisomy 8" in typed(explain, tmp_path) or "trisomy 8" in typed(explain, tmp_path)


def test_first_lot(study: Path, tmp_path: Path) -> None:
    """With a genome of 3 Mb from a server of this machine, and the first reads of two samples."""
    of = study / "reference"
    (tmp_path / "reads").mkdir()
    for name, sample in (("HLP-07", "L1-clean-wgs"), ("D014", "D1-wgs")):
        for mate in (1, 2):
            (source,) = sorted((study / "reads").glob(f"{sample}_*R{mate}.fastq.gz"))[:1]
            few(source, tmp_path / "reads" / f"{name}_R{mate}.fastq.gz")
    site = tmp_path / "site"
    shutil.copytree(of, site / "genomes")
    (site / "genomes" / "genome.yaml").rename(site / "genomes" / "GRCh38.yaml")
    with serving() as server:
        rows = []
        for name, setting in (
            ("genome.fa", "reference.fasta"),
            ("genes.gtf", "reference.gtf"),
            ("snps.vcf", "identity.sites"),
        ):
            server.files[name] = (of / name).read_bytes()
            known = f"sha256:{sha256(of / name)}"
            rows.append(
                manifest.Source(
                    "GRCh38",
                    f"{name}.gz" if name.endswith("fa") else name,
                    setting,
                    f"{server.root}/{name}",
                    known,
                    None,
                    "-",
                )
            )
        (site / "list.tsv").write_text(manifest.written(rows), encoding="utf-8")
        for line in commands("first-lot.md"):
            here = f"{line} --manifest site/list.tsv" if " references " in line else line
            if line.startswith("karyolot run"):
                with (tmp_path / "my-study" / "config" / "config.yaml").open("a", encoding="utf-8") as out:
                    out.write("alignment:\n  aligner: minimap2\n")
            printed = typed(here, tmp_path)
    assert "HLP-07" in printed and "INDETERMINATE" in printed, "60 bins are too few for a verdict"
    assert (tmp_path / "my-study" / "results" / "HLP-07" / "report.pdf").stat().st_size > 10_000


def few(source: Path, target: Path) -> None:
    import dnaio

    with dnaio.open(source) as reads, dnaio.open(target, mode="w") as out:
        for number, read in enumerate(reads):
            if number == 20_000:
                return
            out.write(read)


def test_the_notebook_runs_and_is_that_of_its_script(finished: Path, tmp_path: Path) -> None:
    script = ROOT / "docs" / "notebooks" / "lot.py"
    command = [sys.executable, str(script)]
    environment = os.environ | {"KARYOLOT_STUDY": str(finished)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "FAIL" in done.stdout and "AnnData object" in done.stdout and "ALB" in done.stdout
    spec = importlib.util.spec_from_file_location("notebook", ROOT / "docs" / "notebook.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert script.with_suffix(".ipynb").read_text(encoding="utf-8") == made.notebook(
        script.read_text(encoding="utf-8")
    ), "run: python docs/notebook.py"
