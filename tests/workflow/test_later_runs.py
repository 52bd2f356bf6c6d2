"""Runs of the finished tiny study for something new: a further lot, a panel, other doors, the other aligner."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pysam
import pytest
from anndata import AnnData

from karyolot.commands.seal import seal
from karyolot.contracts import expression
from karyolot.contracts.panel import Judged
from karyolot.contracts.record import EDITED
from karyolot.io.expression import read_expression
from karyolot.io.panel import write_panel
from karyolot.io.tables import read_table
from karyolot.rna.panel import freeze
from tiny_study import lots, planned, record

ROOT = Path(__file__).parents[2]
Call = Callable[..., subprocess.CompletedProcess[str]]


def contents(directory: Path) -> dict[str, bytes]:
    """Every result file of a folder by its path."""
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()
    }


def test_a_new_lot_leaves_the_others_as_they_are(copy: Path, call: Call) -> None:
    seal(copy, "L1-clean")
    before = {lot: contents(copy / "results" / lot) for lot in lots(copy)}
    times = {path: path.stat().st_mtime_ns for path in (copy / "results").glob("L1-clean/**/*")}
    sheets = copy / "config"
    _append(sheets / "lots.tsv", "L4-shallow", "L5-new")
    wgs = _reads_of(copy, "L4-shallow-wgs", "L5-wgs", "L5-new")
    assert not {"analyse_expression", "compare_samples"} & planned(call(copy, "--dry-run")).keys()
    rna = _reads_of(copy, "L4-shallow-rna1", "L5-rna1", "L5-new")
    assert wgs["lot_id"] == rna["lot_id"] == "L5-new"
    rules = planned(call(copy, "--dry-run"))
    more = {name for name, jobs in rules.items() if jobs != 1}
    assert not more, f"more than the new lot's jobs would run: {rules}"
    assert not {"make_bins", "index_genome", "hash_references"} & rules.keys()
    done = call(copy)
    assert done.returncode == 0, done.stderr[-3000:]
    new = record(copy, "L5-new")
    assert new.verdict.outcome == "INDETERMINATE"
    assert [lot.lot_id for lot in new.earlier] == ["L1-clean"], "as its row says, like L4's"
    assert new.expression is not None and not new.expression.p_values, "one replicate: effect sizes alone"
    assert {lot: contents(copy / "results" / lot) for lot in before} == before
    assert {path: path.stat().st_mtime_ns for path in (copy / "results").glob("L1-clean/**/*")} == times, "it is sealed"
    assert "L5-new/report.html" in (copy / "results" / "overview.html").read_text()


def _reads_of(directory: Path, like: str, name: str, lot: str) -> dict[str, str]:
    """The row of a new sample of `lot`: the second half of another's reads, so that no reads are used twice."""
    for number in (1, 2):
        source = directory / "reads" / f"{like}_L1_R{number}.fastq.gz"
        text = subprocess.run(["gzip", "-cd", str(source)], capture_output=True, check=True).stdout.splitlines(True)
        (directory / "reads" / f"{name}_R{number}.fastq").write_bytes(b"".join(text[len(text) // 2 // 4 * 4 :]))
    files = {f"fastq_{number}": f"reads/{name}_R{number}.fastq" for number in (1, 2)}
    return _sample(directory, like, sample_id=name, lot_id=lot, sha256_1="", sha256_2="", **files)


def _sample(directory: Path, like: str, **cells: str) -> dict[str, str]:
    """Add a row to samples.tsv, as that of `like` but for some cells; of the same id it takes its place."""
    sheet = directory / "config" / "samples.tsv"
    header, *lines = sheet.read_text().splitlines()
    rows = [dict(zip(header.split("\t"), line.split("\t"), strict=True)) for line in lines]
    new = next(row for row in rows if row["sample_id"] == like) | cells
    rows = [row for row in rows if row["sample_id"] != new["sample_id"]] + [new]
    table = pd.DataFrame(rows).fillna("")
    table.to_csv(sheet, sep="\t", index=False, lineterminator="\n")
    return new


def test_two_directories_take_the_same_donors_alignment_at_once(
    study: Path, finished: Path, tmp_path: Path, call: Call
) -> None:
    """A donor aligned in one study enters two others, side by side; it is counted in both as at home."""
    cram = tmp_path / "donor.cram"
    os.link(finished / "results" / "samples" / "D1-wgs" / "dna" / "aligned.cram", cram)
    before = cram.read_bytes()
    counts = "results/samples/D1-wgs/dna/counts.parquet"
    places = [tmp_path / "one", tmp_path / "two"]
    for place in places:
        shutil.copytree(study, place)
        reads = dict.fromkeys(["fastq_1", "fastq_2", "sha256_1", "sha256_2", "lane"], "")
        _sample(place, "D1-wgs", alignment=str(cram), **reads)
    with ThreadPoolExecutor() as pool:
        done = list(pool.map(lambda place: call(place, counts), places))
    assert [run.returncode for run in done] == [0, 0], done[0].stderr[-3000:] + done[1].stderr[-3000:]
    assert {(place / counts).read_bytes() for place in (*places, finished)} == {(finished / counts).read_bytes()}
    assert cram.read_bytes() == before


def _append(sheet: Path, like: str, name: str) -> None:
    lines = sheet.read_text().splitlines()
    row = next(line for line in lines if line.split("\t")[0] == like)
    sheet.write_text("\n".join([*lines, row.replace(like, name, 1)]) + "\n")


def test_a_frozen_panel_sets_limits_for_a_lot_on_its_own(copy: Path, call: Call) -> None:
    own = read_expression(copy / "results" / "L1-clean" / "rna" / "expression.h5ad")
    accepted = {f"R{n}": _another(own, f"R{n}", np.random.default_rng(n)) for n in range(6)}
    markers = read_table(ROOT / "resources" / "markers.tsv", expression.MarkerPanel)
    verdicts = {name: Judged("PASS", "3fe2a1c09b7d") for name in accepted}
    write_panel(freeze(accepted, markers, "1.0", {}, verdicts), copy / "config" / "panel.json")
    config = copy / "config" / "config.yaml"
    config.write_text(config.read_text().replace("expression:\n", "expression:\n  panel: config/panel.json\n"))
    done = call(copy, "--", "results/L1-clean/report.html", "results/L2-gain/report.json")
    assert done.returncode == 0, done.stderr[-3000:]
    clean = record(copy, "L1-clean")
    assert clean.expression is not None and clean.expression.panel is not None
    assert clean.expression.panel.lots == 6 and clean.expression.panel.tier == "provisional"
    place = clean.expression.panel.map
    assert place is not None and len(place.samples) == 4 and sum(sample.is_lot for sample in place.panel) == 6
    outcomes = {result.id: result.outcome for result in clean.verdict.criteria}
    assert {outcomes[name] for name in ("R08a", "R08b", "R08c")} == {"PASS"}
    albumin = next(marker for marker in clean.expression.markers if marker.gene_name == "ALB")
    assert albumin.panel_tpm_low is not None and albumin.panel_tpm_high is not None
    assert albumin.panel_tpm_low < albumin.lot_tpm < albumin.panel_tpm_high
    assert clean.verdict.outcome == "PASS" and record(copy, "L2-gain").verdict.outcome == "FAIL"


def _another(own: AnnData, name: str, generator: np.random.Generator) -> AnnData:
    """An accepted lot like this one, of a donor of its own: every gene of every sample differs by about 15 %."""
    other = own.copy()
    lot = (other.obs["state"] == "lot").to_numpy()
    other.obs["donor"] = f"of {name}"
    other.obs["lot"] = np.where(lot, name, "")
    personal = generator.normal(0, 0.15, other.n_vars)
    noise = np.exp(np.where(lot[:, None], personal, 0) + generator.normal(0, 0.05, other.shape))
    other.layers["tpm"] = other.layers["tpm"] * noise
    other.layers["counts"] = np.rint(other.layers["counts"] * noise).astype(np.int64)
    return other


def test_counts_and_alignments_enter_as_well(copy: Path, call: Call) -> None:
    """The same lot by three doors: its reads, its alignment, its counts; the ratios are the same."""
    sheets, results = copy / "config", copy / "results"
    counts = pd.read_parquet(results / "samples" / "L1-clean-wgs" / "dna" / "counts.parquet")
    counts.to_csv(copy / "lot.bedgraph", sep="\t", index=False, header=False)
    bam = copy / "lot.bam"
    cram = results / "samples" / "L1-clean-wgs" / "dna" / "aligned.cram"
    fasta = results / "reference" / "genome.fa"
    with pysam.AlignmentFile(str(cram), reference_filename=str(fasta)) as given:
        assert "\tUR:" not in str(given.header) and "\tM5:" in str(given.header)
        named = pysam.AlignmentHeader.from_text(str(given.header).replace("SM:L1-clean-wgs", "SM:L6-bam-wgs"))
        with pysam.AlignmentFile(str(bam), "wb", header=named) as out:
            for read in given:
                out.write(read)
    header, *rows = (sheets / "samples.tsv").read_text().splitlines()
    names = [*header.split("\t"), "alignment", "counts"]
    extra = []
    for lot, column, file in (("L6-bam", "alignment", "lot.bam"), ("L7-counts", "counts", "lot.bedgraph")):
        _append(sheets / "lots.tsv", "L1-clean", lot)
        row = dict.fromkeys(names, "") | {"sample_id": f"{lot}-wgs", "assay": "wgs", "lot_id": lot, column: file}
        extra.append("\t".join(row[name] for name in names))
    (sheets / "samples.tsv").write_text("\n".join(["\t".join(names), *(f"{row}\t\t" for row in rows), *extra]) + "\n")
    done = call(copy, *(f"results/{lot}/report.json" for lot in ("L6-bam", "L7-counts")))
    assert done.returncode == 0, done.stderr[-3000:]
    columns = ["chrom", "start", "lot_count", "donor_count", "log2"]
    same = pd.read_parquet(results / "L1-clean" / "dna" / "log_ratios.parquet")[columns]
    for lot in ("L6-bam", "L7-counts"):
        pd.testing.assert_frame_equal(pd.read_parquet(results / lot / "dna" / "log_ratios.parquet")[columns], same)
    assert record(copy, "L6-bam").verdict.outcome == "PASS"
    assert [EDITED in record(copy, lot).not_seen for lot in ("L6-bam", "L7-counts")] == [False, True]
    verdict = record(copy, "L7-counts").verdict
    assert (verdict.outcome, verdict.reasons) == ("INDETERMINATE", ("Q02b",)), "the panel cannot be read in counts"


def test_bwa_gives_the_metrics_of_bwa_mem3_and_needs_no_new_index(copy: Path, call: Call) -> None:
    """The default against its fallback, in all that a verdict rests on.

    Reads that fit several positions equally well may be placed differently after the first batch of reads. They have mapping
    quality 0 and are not counted, so counts per bin, and with them every number of the copy number, are the same. RNA's
    quantities come from salmon, and only its SNPs from the aligner.
    """
    name = "results/L2-gain/metrics.json"  # the lot with the most findings, and its donor
    of_mem3 = metrics(copy / name)
    with (copy / "config" / "config.yaml").open("a") as config:
        config.write("alignment: {aligner: bwa}\n")
    rules = planned(call(copy, "--dry-run", name))
    assert "align_reads" in rules and not {"index_genome", "convert_index"} & rules.keys()
    done = call(copy, name, "results/L2-gain/report.json")
    assert done.returncode == 0, done.stderr[-3000:]
    of_bwa = metrics(copy / name)
    assert of_bwa.keys() == of_mem3.keys()
    for metric, value in of_mem3.items():
        close = pytest.approx(value, rel=0.002, abs=1e-4) if isinstance(value, float) else value
        assert of_bwa[metric] == close, metric
    made = record(copy, "L2-gain").provenance
    assert "bwa-mem3" not in made.tools and "alignment.aligner" in {row.setting for row in made.config_differences}


def metrics(path: Path) -> dict[str, Any]:
    return {name: metric["value"] for name, metric in json.loads(path.read_text()).items() if name != "seal"}


def test_a_donor_aligned_by_bwa_serves_a_lot_aligned_by_bwa_mem3(copy: Path, call: Call) -> None:
    """The donor's alignment of an earlier study, made by bwa: the counts are the same, fragment by fragment."""
    reads = [str(copy / "reads" / f"L4-shallow-wgs_L1_R{mate}.fastq.gz") for mate in (1, 2)]
    index, group = str(copy / "results/reference/index/genome"), r"@RG\tID:L4-shallow-wgs\tSM:L4-shallow-wgs"
    before = pd.read_parquet(copy / "results/samples/L4-shallow-wgs/dna/counts.parquet")
    sam, bam = copy / "earlier.sam", copy / "earlier.bam"
    with sam.open("wb") as out:
        subprocess.run(["bwa", "mem", "-v", "1", "-R", group, index, *reads], stdout=out, check=True)
    subprocess.run(["samtools", "sort", "-o", str(bam), str(sam)], check=True, capture_output=True)
    empty = dict.fromkeys(["fastq_1", "fastq_2", "sha256_1", "sha256_2", "lane"], "")
    _sample(copy, "L4-shallow-wgs", alignment="earlier.bam", **empty)
    done = call(copy, "results/samples/L4-shallow-wgs/dna/counts.parquet")
    assert done.returncode == 0, done.stderr[-3000:]
    counts = pd.read_parquet(copy / "results/samples/L4-shallow-wgs/dna/counts.parquet")
    # fastp drops the reads of low quality, which came through here.
    assert np.abs(counts["count"] - before["count"]).sum() <= 0.01 * before["count"].sum()
    assert np.corrcoef(counts["count"], before["count"])[0, 1] > 0.99
