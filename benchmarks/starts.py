"""What a study of many lots costs before its first job: the check of its inputs and the plan of Snakemake.

    python benchmarks/starts.py DIRECTORY [LOTS ...]

Each lot and every fourth lot's donor has a table of counts in bins of 50 kb of GRCh38. CPU seconds and peak memory of
`karyolot check`, first and again, and of the plan (`karyolot run -- --dry-run`) of a new study and of one of which everything
is made, again with one more lot: its files exist, but are empty, and are marked as made (`snakemake --touch`). The peer is
`sha256sum` on the tables, which only reads them. Writes `benchmarks/starts.tsv` from what is held in DIRECTORY: the same
command goes on where it was interrupted.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from meter import metered
from pyarrow import csv

from karyolot.io.shipped import SNAKEFILE

RESULTS = Path(__file__).with_name("starts.tsv")
ROOT = Path(__file__).parents[1]
BIN, LOTS, PER_DONOR, BATCH = 50_000, ("125", "500"), 4, 100
KARYOLOT = f"{sys.executable} -m karyolot"
PLAN = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--cores", "1", "--scheduler", "greedy"]
QUIET = "> /dev/null 2>&1"


def main(directory: str, *numbers: str) -> None:
    held = Path(directory).resolve() / "held.json"
    held.parent.mkdir(parents=True, exist_ok=True)
    rows: dict[str, dict[str, float]] = json.loads(held.read_text()) if held.is_file() else {}
    for number in numbers or LOTS:
        place = held.parent / number
        for what, command in STEPS.items():
            if (name := f"{number} {what}") in rows:
                continue
            if callable(command):
                command(place, int(number))
                rows[name] = {}
            else:
                seconds, peak_mb, _ = metered(command, place)
                rows[name] = {"cpu_s": seconds, "max_mb": peak_mb}
            print(name, rows[name], flush=True)
            held.write_text(json.dumps(rows))
    found = [(int(name.split()[0]), name.partition(" ")[2], row) for name, row in rows.items() if row]
    table = pd.DataFrame([{"lots": lots, "what": what, **row} for lots, what, row in found]).sort_values(
        "lots", kind="stable"
    )
    for _, own in table.groupby("what"):
        if len(own) > 1:
            table.loc[own.index, "exponent"] = np.polyfit(np.log(own["lots"]), np.log(own["cpu_s"]), 1)[0]
    table.to_csv(RESULTS, sep="\t", index=False, float_format="%.4g")
    print(table.to_string(index=False))


def write_study(place: Path, number: int) -> None:
    """Lots and donors of one count table each: noise around 300 fragments a bin."""
    (place / "config").mkdir(parents=True, exist_ok=True)
    (place / "counts").mkdir(exist_ok=True)
    bands = pd.read_csv(ROOT / "resources/genomes/GRCh38.cytobands.tsv", sep="\t", header=None)
    ends = bands.groupby(0, sort=False)[2].max()
    starts = {name: np.arange(0, end, BIN) for name, end in ends.items()}
    chrom = np.repeat(list(starts), [len(start) for start in starts.values()])
    start = np.concatenate(list(starts.values()))
    end = np.minimum(start + BIN, ends[chrom].to_numpy())
    copies = np.where(chrom == "chrX", 0.5, np.where(chrom == "chrY", 0.5, 1.0))
    layout = {"chrom": chrom, "start": start, "end": end}
    plain, with_header = (
        csv.WriteOptions(include_header=h, delimiter="\t", quoting_style="none") for h in (False, True)
    )
    csv.write_csv(pa.table(layout | {"gc": np.full(len(start), 0.41)}), place / "bins.tsv", with_header)
    samples = ["sample_id\tassay\tlot_id\tdonor_id\tcounts"]
    lots, donors = ["lot_id\tdonor_id\tpassage"], ["donor_id\tsex"]
    for lot in range(number):
        donor = f"D{lot // PER_DONOR}"
        lots.append(f"L{lot}\t{donor}\t4")
        owners = [(f"L{lot}-wgs", f"L{lot}\t")]
        if lot % PER_DONOR == 0:
            donors.append(f"{donor}\tM")
            owners.append((f"{donor}-wgs", f"\t{donor}"))
        for sample, owner in owners:
            samples.append(f"{sample}\twgs\t{owner}\tcounts/{sample}.tsv")
            counts = np.random.default_rng(len(samples)).poisson(300 * copies)
            csv.write_csv(pa.table(layout | {"count": counts}), place / "counts" / f"{sample}.tsv", plain)
    for name, lines in (("samples", samples), ("lots", lots), ("donors", donors)):
        (place / "config" / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    settings = "reference:\n  layout: shipped:genomes/GRCh38.yaml\n  bins: bins.tsv\n"
    (place / "config" / "config.yaml").write_text(settings)


def make(place: Path, _: int) -> None:
    """Empty files of all results, of one time."""
    done = subprocess.run([*PLAN, "--summary"], cwd=place, capture_output=True, text=True, check=True)
    paths = [place / line.split("\t")[0] for line in done.stdout.splitlines()[1:]]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(exist_ok=True) if path.name == "figures" else path.write_text("{}" if path.suffix == ".json" else "")
    same_time(place)


def same_time(place: Path) -> None:
    now = time.time()
    for path in (place / "results").rglob("*"):
        os.utime(path, (now, now))


def mark(place: Path, number: int) -> None:
    """All results as made by the code and settings as they are: the lots in batches, and what is across lots."""
    for first in range(0, number, BATCH):
        lots = range(first, min(first + BATCH, number))
        targets = [f"results/L{lot}/{name}" for lot in lots for name in ("report.html", "report.pdf", "dna/calls.vcf")]
        subprocess.run([*PLAN, "--touch", "--forceall", "--", *targets], cwd=place, capture_output=True, check=True)
        same_time(place)
    subprocess.run([*PLAN, "--touch", "--forcerun", "render_overview"], cwd=place, capture_output=True, check=True)
    same_time(place)


def add_lot(place: Path, number: int) -> None:
    """Another lot of the last donor, with counts of its own."""
    donor, counts = (number - 1) // PER_DONOR, place / "counts"
    with (place / "config/lots.tsv").open("a") as lots, (place / "config/samples.tsv").open("a") as samples:
        lots.write(f"L{number}\tD{donor}\t4\n")
        samples.write(f"L{number}-wgs\twgs\tL{number}\t\tcounts/L{number}-wgs.tsv\n")
    table = pd.read_csv(counts / "L0-wgs.tsv", sep="\t", header=None)
    table[3] = np.random.default_rng(number).poisson(table[3])
    table.to_csv(counts / f"L{number}-wgs.tsv", sep="\t", header=False, index=False)


STEPS: dict[str, str | Callable[[Path, int], None]] = {
    "its files": write_study,
    "sha256sum of the tables": "cat counts/* | sha256sum",
    "check, first": f"{KARYOLOT} check {QUIET}",
    "check, again": f"{KARYOLOT} check {QUIET}",
    "plan of a new study": f"{KARYOLOT} run . -- --dry-run --cores 1 {QUIET}",
    "empty results": make,
    "results marked": mark,
    "plan, nothing changed": f"{KARYOLOT} run . -- --dry-run --cores 1 2>&1 | grep 'Nothing to be done'",
    "one more lot": add_lot,
    "plan of one more lot": f"{KARYOLOT} run . -- --dry-run --cores 1 > planned.txt 2>&1",
}
"""What is measured, a command of the shell, or what is prepared, in this order."""


if __name__ == "__main__":
    main(*sys.argv[1:])
