"""The CPU time of the demo by rule, beside the rules that each replaced; and how much of it is Snakemake and the start of Python.

    python benchmarks/demo.py DIRECTORY CPU_SECONDS

DIRECTORY: a finished demo; CPU_SECONDS: what all of `./run demo` took, without the set-up. Before: the demo of commit 1acbecf,
which had the same reads, by the committed table of that time, which has the dearest job of each rule: times the number of its
jobs, an upper bound. The start of Python is measured: the imports of each script times its jobs. So is Snakemake's own process:
it plans, schedules and records every job of the demo once more in a copy of its folder, but starts none (`--touch --forceall`).
Writes `benchmarks/demo.tsv` and prints what fraction of CPU_SECONDS both are.
"""

import ast
import shlex
import shutil
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path

import pandas as pd
from meter import ROOT, metered

from karyolot.io.shipped import SCRIPTS

RESULTS = Path(__file__).with_name("demo.tsv")
BEFORE = "1acbecf"
LOTS, DNA, LANES, RNA = 4, 6, 7, 12
"""Lots of the demo, samples of DNA with their lanes, samples of RNA."""
REPLACED: dict[str, dict[str, int]] = {
    "align_reads": {"verify_reads": LANES, "align_reads": LANES, "mark_duplicates": DNA},
    "quantify_transcripts": dict.fromkeys(
        ("verify_reads", "trim_transcripts", "quantify_transcripts", "align_transcripts", "count_alleles"), RNA
    ),
    "count_alleles": {"count_alleles": DNA},
    "count_fragments": {"count_fragments": DNA},
    "analyse_copy_number": dict.fromkeys(
        (
            "compare_bins", "segment_log_ratios", "call_changes", "match_donor", "assess_limits", "export_copy_number",
            "summarise_copy_number",
        ),
        LOTS,
    ),
    "analyse_expression": dict.fromkeys(
        (
            "assemble_expression", "test_contrast", "enrich_contrast", "tabulate_levels", "tabulate_markers", "compare_arms",
            "summarise_expression",
        ),
        LOTS,
    ),
    "compare_alleles": {"compare_alleles": LOTS},
    "decide_lot": {"decide_lot": LOTS},
    "assemble_report": {"summarise_sample": DNA + RNA, "collect_provenance": LOTS, "assemble_report": LOTS},
    "render_report": {"render_report": LOTS, "print_report": LOTS},
    "compare_samples": dict.fromkeys(
        ("assemble_study", "test_study", "compare_samples", "project_study", "score_study"), 1
    ),
    "index_transcripts": {"extract_transcripts": 1, "index_transcripts": 1},
    **{
        rule: {rule: 1}
        for rule in (
            "prepare_genome", "index_genome", "make_bins", "prepare_sites", "map_transcripts", "match_samples",
            "render_overview",
        )
    },
}  # fmt: skip
"""Rule -> what did its work before, and its jobs. What is not here had no rule."""


def main(directory: str, seconds: str) -> None:
    files = [(file.name.split(".")[0], file) for file in sorted((Path(directory) / "benchmarks").rglob("*.tsv"))]
    used = pd.DataFrame(
        [{"rule": rule, "cpu_s": pd.read_csv(file, sep="\t", na_values="-")["cpu_time"].sum()} for rule, file in files]
    )
    table = used.groupby("rule").agg(jobs=("cpu_s", "size"), cpu_s=("cpu_s", "sum"))
    shown = subprocess.run(
        ["git", "show", f"{BEFORE}:benchmarks/resources.tsv"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    dearest = (
        pd.read_csv(StringIO(shown.stdout), sep="\t").query("kind == 'demo'").set_index("rule")["cpu_minutes"] * 60
    )
    for rule, replaced in REPLACED.items():
        table.loc[rule, "jobs_before"] = sum(replaced.values())
        table.loc[rule, "cpu_s_before"] = sum(dearest[old] * jobs for old, jobs in replaced.items())
    table = table.fillna(0).sort_values("cpu_s_before", ascending=False)
    every = table.sum()
    table.loc["all rules"] = every
    starts = {path.stem: start_of(path) for path in sorted(SCRIPTS.glob("*.py")) if path.stem in table.index}
    start = sum(table.loc[rule, "jobs"] * taken for rule, taken in starts.items())
    table.loc["of these: start of Python"] = {"jobs": sum(table.loc[rule, "jobs"] for rule in starts), "cpu_s": start}
    table.loc["Snakemake's own process"] = {"cpu_s": (snakemake := own_process(Path(directory)))}
    table.loc["all of the demo, with its simulation and Snakemake"] = {"cpu_s": float(seconds)}
    table.to_csv(RESULTS, sep="\t", float_format="%.4g")
    print(table.to_string())
    print(f"start of Python and Snakemake's own process: {(start + snakemake) / float(seconds):.0%} of all")


def start_of(script: Path) -> float:
    """CPU seconds of Python and of what a script imports; the first start compiles."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    imports = "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    return min(metered(f"{sys.executable} -c {shlex.quote(imports)}").cpu_s for _ in range(2))


def own_process(demo: Path) -> float:
    """CPU seconds of Snakemake for the jobs of a finished demo, without those of the jobs."""
    with tempfile.TemporaryDirectory(dir=demo.resolve().parent) as folder:
        copy = Path(folder) / "demo"
        shutil.copytree(demo, copy, symlinks=True)
        command = f"{sys.executable} -m karyolot run . -- --cores 2 --touch --forceall"
        return metered(command, copy).cpu_s


if __name__ == "__main__":
    main(*sys.argv[1:])
