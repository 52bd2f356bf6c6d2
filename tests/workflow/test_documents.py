"""The commands of the first pages are typed as they stand, and the notebook is run, on the tiny study."""

import gzip
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from faulty_server import serving
from karyolot.inputs.formats import manifest
from karyolot.io.record import read_record

pytestmark = pytest.mark.workflow
Call = Callable[..., subprocess.CompletedProcess[str]]
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
    assert "in 2 donors, 4 lots" in typed(check, tmp_path)
    printed = typed(run, tmp_path)
    table = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    for lot, outcome in re.findall(r"^\| `([\w-]+)` \|.*\| ([A-Z-]+) \|$", table, flags=re.M):
        assert read_record(tmp_path / "example", lot).verdict.outcome.replace("_", "-") == outcome
        assert lot in printed and outcome in printed
    assert "Trisomy 8" in typed(explain, tmp_path) or "trisomy 8" in typed(explain, tmp_path)


def test_first_lot(study: Path, copy: Path, tmp_path: Path) -> None:
    """From a server of this machine, with a genome of 3 Mb and the first reads of two samples. The run is planned, not made:
    the fixture `finished` is what it makes, and has the lot that is explained."""
    of = study / "reference"
    reads = tmp_path / "my-study" / "reads"
    reads.mkdir(parents=True)
    for name, sample in (("HLP-07", "L1-clean-wgs"), ("D014", "D1-wgs")):
        for mate in (1, 2):
            (source,) = sorted((study / "reads").glob(f"{sample}_*R{mate}.fastq.gz"))[:1]
            few(source, reads / f"{name}_R{mate}.fastq.gz")
    site = tmp_path / "site"
    shutil.copytree(of, site / "genomes")
    (site / "genomes" / "genome.yaml").rename(site / "genomes" / "GRCh38.yaml")
    files = {"genome.fa.gz": "reference.fasta", "genes.gtf": "reference.gtf", "snps.vcf": "identity.sites"}
    with serving() as server:
        rows = []
        for name, setting in files.items():
            source = of / name.removesuffix(".gz")
            server.files[name] = gzip.compress(source.read_bytes(), 1) if name.endswith(".gz") else source.read_bytes()
            rows.append(manifest.Source("GRCh38", name, setting, f"{server.root}/{name}", "", None, "made here"))
        (site / "list.tsv").write_text(manifest.written(rows), encoding="utf-8")
        init, references, add_lot, check, run, explain = commands("first-lot.md")
        for line in (init, f"{references} --manifest site/list.tsv", add_lot):
            typed(line, tmp_path)
    assert "in 1 donors, 1 lots" in typed(check, tmp_path)
    planned = typed(f"{run} -- -n --config alignment='{{aligner: minimap2}}'", tmp_path)
    assert "align_reads" in planned and "render_report" in planned
    assert explain == "karyolot explain HLP-07 --directory my-study"
    explained = typed(f"karyolot explain L1-clean --directory {shlex.quote(str(copy))}", tmp_path)
    assert "L1-clean" in explained and "PASS" in explained


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
    assert "FAIL" in done.stdout and "AnnData object" in done.stdout
    albumin = dict(re.findall(r"^D2-rna(\d) +hepatocyte +([\d.]+)$", done.stdout, flags=re.M))
    assert len(albumin) == 2 and min(map(float, albumin.values())) > 100, "TPM of the donor's hepatocytes"
    spec = importlib.util.spec_from_file_location("notebook", ROOT / "docs" / "notebook.py")
    assert spec is not None and spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert script.with_suffix(".ipynb").read_text(encoding="utf-8") == made.notebook(
        script.read_text(encoding="utf-8")
    ), "run: python docs/notebook.py"


def test_a_report_of_snakemake_holds_reports_figures_and_tables(copy: Path, call: Call) -> None:
    done = call(copy, "--configfile", "config/config.yaml", "--report", "study.html")
    assert done.returncode == 0, done.stderr[-3000:]
    text = (copy / "study.html").read_text(encoding="utf-8")
    for word in ("Reports", "Figures", "Tables", "limits of detection", "figure-1", "karyolot assessed identity"):
        assert word in text, word
