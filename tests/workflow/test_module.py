"""Another workflow takes this one as a module: rules under other names, its own default target, its own results. The study that
it takes has one lot, whose number of jobs is held here, too."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
OUTER = f"""
configfile: "config/config.yaml"

rule outer_all:
    input: "widths.txt"

module karyolot:
    snakefile: {str(ROOT / "Snakefile")!r}
    config: config

use rule * from karyolot as karyolot_*

rule outer_last:
    input: "results/reference/bins.parquet"
    output: "widths.txt"
    shell: "stat -c %s {{input}} > {{output}}"
"""


def run(directory: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--snakefile", "Snakefile", "--cores", "2", *words],
        capture_output=True, text=True, check=False, cwd=directory,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout + done.stderr


LOT, DONOR = "L2-gain", "D2"


def of_one_lot(sheets: Path) -> None:
    """Leave in the sheets one lot and its donor, with WGS and two RNA samples of each."""
    for name in ("lots", "donors", "samples"):
        header, *rows = (sheets / f"{name}.tsv").read_text().splitlines()
        kept = [row for row in rows if {LOT, DONOR} & set(row.split("\t")[:4])]
        (sheets / f"{name}.tsv").write_text("\n".join([header, *kept]) + "\n")


def test_another_workflow_takes_this_one_as_a_module(study: Path, tmp_path: Path) -> None:
    directory = tmp_path / "outer"
    shutil.copytree(study, directory)
    of_one_lot(directory / "config")
    (directory / "Snakefile").write_text(OUTER)
    everything = run(directory, "--dry-run", "karyolot_all")
    assert "karyolot_render_report" in everything and "karyolot_align_reads" in everything
    jobs = {rule: int(number) for rule, number in re.findall(r"^karyolot_(\w+) +(\d+)$", everything, re.M)}
    assert {"quantify_transcripts", "match_samples", "classify_variants", "analyse_mitochondria"} <= jobs.keys()
    assert "compare_samples" not in jobs, "there is no other lot"
    assert sum(jobs.values()) - jobs["all"] <= 30, "of one lot with all that needs no further file"
    said = run(directory)
    assert "karyolot_make_bins" in said and "karyolot_align_reads" not in said, "only what the outer workflow asks for"
    bins = directory / "results" / "reference" / "bins.parquet"
    assert (directory / "widths.txt").read_text() == f"{bins.stat().st_size}\n"
