"""Planted lots through the whole workflow: real fastp, bwa, samtools, salmon; from FASTQ to the report."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pysam
import pytest
import yaml

from karyolot.contracts import copy_number, expression
from karyolot.contracts.alleles import Pairs
from karyolot.contracts.expression import check_expression
from karyolot.inputs import check
from karyolot.io.expression import read_expression
from karyolot.io.fragments import fragments
from karyolot.io.tables import read_table
from karyolot.plan import resources
from karyolot.simulate.mitochondrion import CHANGED, DELETED, GROWING, RESTING
from tiny_study import lots, planned, record

ROOT = Path(__file__).parents[2]
Call = Callable[..., subprocess.CompletedProcess[str]]
TABLES = {
    "dna/log_ratios": copy_number.LogRatios, "dna/segments": copy_number.Segments, "dna/calls": copy_number.Calls,
    "dna/arms": copy_number.Arms, "dna/lod": copy_number.Lod, "dna/donor_variants": copy_number.DonorVariants,
    "dna/landmarks": copy_number.Landmarks, "rna/components": expression.Components,
    "rna/de": expression.DifferentialExpression, "rna/markers": expression.Markers,
    "rna/enrichment": expression.Enrichment,
}  # fmt: skip


def truth(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "truth.json").read_text())
    return found


def test_verdicts_are_those_that_were_planted(finished: Path) -> None:
    expected = {name: lot["expected"] for name, lot in truth(finished)["lots"].items()}
    assert {lot: record(finished, lot).verdict.outcome for lot in lots(finished)} == expected
    assert set(expected.values()) == {"PASS", "FAIL", "FAIL_IDENTITY", "INDETERMINATE"}


def test_the_command_line_shows_every_verdict_and_changes_none(first_run: tuple[Path, str], call: Call) -> None:
    directory, shown = first_run
    rows = {line.split()[0]: line for line in shown.splitlines() if line.startswith("L")}
    assert sorted(rows) == lots(directory)
    for lot, row in rows.items():
        assert f" {record(directory, lot).verdict.outcome.replace('_', '-')} " in row
        assert (directory.parent / row[row.index(directory.name) :].rstrip()).is_file()
    assert "ploidy, balanced rearrangements" in shown, "a PASS is among them"
    done = call(directory)
    assert done.returncode == 0 and "Nothing to be done" in done.stderr, "plain Snakemake finds all of it made"
    assert not list(directory.parent.rglob("owned"))


def test_from_reads_to_reports_no_network_is_needed(first_run: tuple[Path, str], without_network: list[str]) -> None:
    if not without_network:
        pytest.skip("no network namespace can be made here (unshare --net)")
    reach = "import socket; socket.create_connection(('192.0.2.1', 80), 2)"
    refused = subprocess.run(
        [*without_network, sys.executable, "-c", reach], capture_output=True, text=True, check=False
    )
    assert "Network is unreachable" in refused.stderr, "where the study was run"
    assert len(list(first_run[0].glob("results/*/report.pdf"))) == 4


def test_the_genome_stands_by_as_decoys(finished: Path) -> None:
    index = json.loads((finished / "results" / "reference" / "salmon" / "info.json").read_text())
    contigs = (finished / "results" / "reference" / "genome.fa.fai").read_text().splitlines()
    assert index["num_decoys"] == len(contigs) and index["first_decoy_index"] > 0


def test_planted_changes_are_found_where_they_are(finished: Path) -> None:
    calls = record(finished, "L2-gain").copy_number.calls
    assert [(call.chrom, call.type, call.origin) for call in calls] == [
        ("chr8", "gain", "acquired"),
        ("chr17", "loss", "acquired"),
        ("chr20", "gain", "acquired"),
    ]
    for call, planted in zip(calls, truth(finished)["lots"]["L2-gain"]["acquired"], strict=True):
        assert call.fraction_low <= planted["fraction"] <= call.fraction_high
        overlap = min(call.end, planted["end"]) - max(call.start, planted["start"])
        assert overlap > 0.75 * (planted["end"] - planted["start"])
    assert not record(finished, "L1-clean").copy_number.calls


def test_the_swapped_tube_is_noticed_twice(finished: Path) -> None:
    verdict, persons = record(finished, "L3-swapped").verdict, record(finished, "L3-swapped").persons
    assert persons is not None and "L3-swapped-wgs" in persons.strangers
    assert {*persons.compared, *persons.open} == {"D2"}, "compared, unless the alleles of D2 were counted later"
    broken = {result.id for result in verdict.criteria if result.outcome in ("FAIL_IDENTITY", "INDETERMINATE")}
    assert {"Q02", "Q04a"} <= broken and verdict.suppressed and "withheld" in verdict.claim


def test_rna_is_matched_to_the_donor_and_to_whom_it_belongs_instead(finished: Path) -> None:
    """L3's tubes, DNA and RNA, hold D2's cells."""
    matched = {
        lot: {result.id: result.outcome for result in record(finished, lot).verdict.criteria} for lot in lots(finished)
    }
    assert {lot: found["Q02c"] for lot, found in matched.items()} == {
        "L1-clean": "PASS", "L2-gain": "PASS", "L3-swapped": "FAIL_IDENTITY", "L4-shallow": "PASS",
    }  # fmt: skip
    assert {found["Q02d"] for found in matched.values()} == {"PASS"}
    pairs = read_table(finished / "results" / "study" / "identity.parquet", Pairs)
    swapped = pairs[(pairs["sample_b"] == "L3-swapped-rna1") | (pairs["sample_a"] == "L3-swapped-rna1")]
    result = {
        (row.owner_a if row.sample_b == "L3-swapped-rna1" else row.owner_b): row.result for row in swapped.itertuples()
    }
    assert result["D2"] == "MATCH" and result["D1"] == "MISMATCH"


def test_mitochondrial_changes_are_found_where_they_are_planted(finished: Path) -> None:
    """L2 has an allele in 40 % and a deletion in 20 % of its genomes; L3 the mitochondria of another line; L4 too few reads."""
    gain, clean = (record(finished, lot).mitochondria for lot in ("L2-gain", "L1-clean"))
    assert gain is not None and clean is not None
    (allele,), (deletion,) = gain.alleles, gain.deletions
    assert allele.start == CHANGED and allele.finding == "shift" and allele.lot_low < 0.4 < allele.lot_high
    assert deletion.size == DELETED[1] - DELETED[0] and deletion.lot_low < 0.2 < deletion.lot_high
    assert not clean.alleles and not clean.deletions
    copies = [found for found in (clean.facts.lot_copies, clean.facts.donor_copies) if found is not None]
    assert [found.value for found in copies] == pytest.approx([GROWING, RESTING], rel=0.1)
    said = {lot: " ".join(record(finished, lot).text.findings.mitochondria) for lot in lots(finished)}
    assert "two maternal lines" in said["L3-swapped"] and "not assessed" in said["L4-shallow"]


def test_a_planted_hotspot_with_its_lost_copy_is_one_finding_and_clean_lots_have_a_limit(finished: Path) -> None:
    (planted,) = truth(finished)["lots"]["L2-gain"]["mutated"]
    failed = record(finished, "L2-gain")
    assert failed.small_variants is not None and "bcftools" in failed.provenance.tools
    (row,) = [row for row in failed.small_variants.rows if row.finding]
    assert (row.name, row.chrom, row.start, row.alt) == (
        "TP53 p.R175H",
        planted["chrom"],
        planted["start"],
        planted["alt"],
    )
    assert (row.finding, row.origin, row.second) == ("tp53", "acquired", "loss") and row.rna_lot_alt > 0
    (shown,) = [one for one in failed.text.front.rows if "R175H" in one.name]
    assert shown.name == "Loss of 17p with TP53 p.R175H" and "C09" in shown.criteria
    clean = record(finished, "L1-clean")
    assert clean.small_variants is not None and not any(row.finding for row in clean.small_variants.rows)
    facts = clean.small_variants.facts
    assert (
        facts.fraction is not None and facts.assessable == facts.drivers and 0.9 <= facts.found / facts.spiked <= 0.99
    )
    assert clean.verdict.claim_variants.startswith(
        "No acquired mutation of the driver panel was detected. Detection limits: "
    )
    shallow = record(finished, "L4-shallow").small_variants
    assert shallow is not None and shallow.facts.fraction is None and shallow.facts.unassessed
    assert record(finished, "L4-shallow").verdict.claim_variants == ""


def test_the_thin_lot_claims_nothing(finished: Path) -> None:
    verdict = record(finished, "L4-shallow").verdict
    assert "Q06" in verdict.reasons and "No limit of detection" in verdict.claim


def test_every_table_keeps_its_contract(finished: Path) -> None:
    for lot in lots(finished):
        for name, contract in TABLES.items():
            assert list(read_table(finished / "results" / lot / f"{name}.parquet", contract).columns)
        check_expression(read_expression(finished / "results" / lot / "rna" / "expression.h5ad"))
    study = check_expression(read_expression(finished / "results" / "study" / "expression.h5ad"))
    assert study.n_obs == 12
    assert (
        read_table(finished / "results" / "study" / "scores.parquet", expression.SetScores)["sample_id"].nunique() == 12
    )


def test_other_programs_can_read_the_calls(finished: Path) -> None:
    folder = finished / "results" / "L2-gain" / "dna"
    calls = pd.read_parquet(folder / "calls.parquet")
    with pysam.VariantFile(str(folder / "calls.vcf")) as handle:
        found = [(variant.chrom, variant.stop, variant.alts) for variant in handle]
    kinds = {"gain": ("<DUP>",), "loss": ("<DEL>",)}
    assert found == [(row.chrom, row.end, kinds[row.type]) for row in calls.itertuples()]
    assert read_table(folder / "calls.tsv", copy_number.Calls)["chrom"].tolist() == calls["chrom"].tolist()
    assert len((folder / "calls.bed").read_text().splitlines()) == len(calls)


def test_markers_of_a_real_lot_behave(finished: Path) -> None:
    folder = finished / "results" / "L1-clean" / "rna"
    markers = pd.read_parquet(folder / "markers.parquet")
    for name in ("de", "markers", "enrichment"):
        table, exact = pd.read_csv(folder / f"{name}.tsv", sep="\t"), pd.read_parquet(folder / f"{name}.parquet")
        assert list(table.columns) == list(exact.columns) and len(table) == len(exact)
    judged = markers[markers["met"].notna()]
    assert (judged["met"] == "yes").mean() >= 0.9


def test_counts_hold_every_good_fragment_once(finished: Path) -> None:
    sample = finished / "results" / "samples" / "L4-shallow-wgs" / "dna"
    counts = pd.read_parquet(sample / "counts.parquet")
    nuclear = list(counts["chrom"].unique())
    fasta = finished / "results" / "reference" / "genome.fa"
    flags = [
        "samtools",
        "view",
        "-T",
        str(fasta),
        "-c",
        "-q",
        "20",
        "-f",
        "66",
        "-F",
        "3852",
        str(sample / "aligned.cram"),
        *nuclear,
    ]
    pairs = int(subprocess.run(flags, capture_output=True, text=True, check=True).stdout)
    # samtools counts first mates; ours is the left one, so single pairs with mates of unequal quality may differ.
    assert counts["count"].sum() == pytest.approx(pairs, rel=0.01)
    own = [piece for piece in fragments(sample / "aligned.cram", fasta, 20) if piece.contig in nuclear]
    assert counts["count"].sum() == sum(len(piece.start) for piece in own)


def test_the_report_is_one_file_that_says_what_the_record_says(finished: Path) -> None:
    for lot in lots(finished):
        html = (finished / "results" / lot / "report.html").read_text()
        verdict = record(finished, lot).verdict
        texts = _Texts(html).texts
        assert verdict.headline in texts and verdict.claim in texts
        assert all(result.id in html for result in verdict.criteria)
        assert not re.search(r"<(?:script|link|iframe|img)[^>]+(?:src|href)=[\"']?https?:", html)
        assert len(html) < 2_000_000
    overview = (finished / "results" / "overview.html").read_text()
    assert all(f"{lot}/report.html" in overview for lot in lots(finished))
    assert re.search("<li>L3-swapped-wgs of D1 matches [^<]*\\(D2\\), and does not match [^<]*\\(D1\\)", overview)


class _Texts(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts = ""
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.texts += re.sub(r"\s+", " ", data)


def test_provenance_names_inputs_tools_and_settings(finished: Path) -> None:
    made = record(finished, "L1-clean").provenance
    given = {line.split("\t")[0] for line in (finished / "config" / "samples.tsv").read_text().splitlines()}
    assert given and {file.path for file in made.inputs} >= {"reference/genome.fa", "reads/L1-clean-wgs_L1_R1.fastq.gz"}
    assert not any("L2-gain" in file.path for file in made.inputs)
    assert {"bwa", "bwa-mem3", "samtools", "fastp", "salmon"} <= made.tools.keys()
    assert all(re.match(r"\d", version) for version in made.tools.values()), made.tools
    assert "counting.bin_bp" in {difference.setting for difference in made.config_differences}


def test_no_job_took_more_than_it_had_asked_for(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory, by what Snakemake measured; minutes have a margin that a busy machine may still eat up."""
    monkeypatch.chdir(finished)
    settings, study = check.load(yaml.safe_load((finished / "config" / "config.yaml").read_text()), finished)
    needs = resources.Needs(study, settings)
    files = sorted((finished / "benchmarks").rglob("*.tsv"))
    assert len({file.name.split(".")[0] for file in files}) > 20
    for file in files:
        rule, folder = file.name.split(".")[0], file.parent
        wildcards = {"sample": folder.name} if folder.parent.name == "samples" else {}
        taken = pd.read_csv(file, sep="\t", na_values="-")["max_rss"].max()
        asked = resources.mb(resources.need_of(rule, settings), needs.size(wildcards))
        assert not taken > asked, f"{rule} took {taken} MB, asked for {asked}"


def test_a_changed_setting_runs_only_what_depends_on_it(copy: Path, call: Call) -> None:
    config = copy / "config" / "config.yaml"
    config.write_text(config.read_text().replace("copy_number:\n", "copy_number:\n  min_bins: 4\n"))
    rules = planned(call(copy, "--dry-run"))
    assert {"analyse_copy_number", "compare_alleles", "decide_lot", "render_report"} <= rules.keys()
    assert (
        not {"align_reads", "mark_duplicates", "count_fragments", "quantify_transcripts", "analyse_expression"}
        & rules.keys()
    )


def test_a_changed_module_runs_only_what_imports_it(copy: Path, call: Call, tmp_path: Path) -> None:
    project = tmp_path / "project"
    for name in ("workflow", "envs", "resources"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__", ".mypy_cache"))
    module = project / "workflow" / "karyolot" / "dna" / "limits.py"
    module.write_text(module.read_text() + "\n# a changed line\n")
    # Rule files and shipped resources lie elsewhere in the copied project: only the code's change is of interest.
    rules = planned(
        call(copy, "--dry-run", "--rerun-triggers", "params", "--until", "analyse_copy_number", project=project)
    )
    assert "analyse_copy_number" in rules
    assert not {"make_bins", "count_fragments", "count_alleles", "analyse_expression"} & rules.keys()


@pytest.fixture
def fresh(study: Path, finished: Path, tmp_path: Path) -> Path:
    """The study with its reference ready and no sample touched yet."""
    directory = tmp_path / "fresh"
    shutil.copytree(study, directory, copy_function=os.link)
    shutil.copytree(finished / "results" / "reference", directory / "results" / "reference")
    shutil.copytree(finished / ".snakemake" / "metadata", directory / ".snakemake" / "metadata")
    return directory


def replaced(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


def run_lot(directory: Path, call: Call) -> subprocess.CompletedProcess[str]:
    return call(directory, "results/samples/L4-shallow-wgs/dna/counts.parquet")


def leftovers(directory: Path) -> list[str]:
    return [str(path) for path in (directory / "results").rglob("*") if ".part" in path.name or path.suffix == ".tmp"]


def without_checksums(directory: Path) -> None:
    sheet = directory / "config" / "samples.tsv"
    replaced(sheet, re.sub(r"\b[0-9a-f]{64}\b", "", sheet.read_text()).encode())


def test_a_cut_file_stops_its_lot_with_the_remedy(fresh: Path, call: Call) -> None:
    without_checksums(fresh)
    reads = fresh / "reads" / "L4-shallow-wgs_L1_R2.fastq.gz"
    replaced(reads, reads.read_bytes()[:-2000])
    done = run_lot(fresh, call)
    assert done.returncode == 1
    assert "L4-shallow-wgs_L1_R2.fastq.gz" in done.stderr and re.search("truncated|not a complete FASTQ", done.stderr)
    assert "Traceback" not in done.stderr.partition("Error in rule")[0]
    assert not list((fresh / "results" / "samples" / "L4-shallow-wgs" / "dna").glob("*")) and not leftovers(fresh)


def test_a_changed_file_is_noticed_by_its_checksum(fresh: Path, call: Call) -> None:
    reads = fresh / "reads" / "L4-shallow-wgs_L1_R1.fastq.gz"
    replaced(reads, (fresh / "reads" / "L3-swapped-wgs_L1_R1.fastq.gz").read_bytes())
    (fresh / "reads" / "L3-swapped-wgs_L1_R1.fastq.gz").unlink()
    lines = gzip.decompress(reads.read_bytes()).splitlines()
    turned = [line[::-1] if number % 4 == 1 else line for number, line in enumerate(lines)]  # no reads are used twice
    (fresh / "reads" / "L3-swapped-wgs_L1_R1.fastq.gz").write_bytes(gzip.compress(b"\n".join(turned), mtime=0))
    done = run_lot(fresh, call)
    assert done.returncode in (1, 2) and "L4-shallow-wgs_L1_R1.fastq.gz" in done.stderr


def test_swapped_mates_stop_before_any_job(fresh: Path, call: Call) -> None:
    without_checksums(fresh)
    sheet = fresh / "config" / "samples.tsv"
    first, second = (f"reads/L4-shallow-wgs_L1_R{number}.fastq.gz" for number in (1, 2))
    text = sheet.read_text().replace(first, "X").replace(second, first).replace("X", second)
    replaced(sheet, text.encode())
    done = run_lot(fresh, call)
    assert done.returncode == 2
    assert "L4-shallow" in done.stderr and "fastq_1" in done.stderr and "Traceback" not in done.stderr
    assert not (fresh / "results" / "samples").exists()


def test_an_alignment_to_another_reference_stops_before_any_job(fresh: Path, call: Call, tmp_path: Path) -> None:
    header = {"HD": {"VN": "1.6"}, "SQ": [{"SN": str(n), "LN": 1000 * n} for n in range(1, 23)]}
    with pysam.AlignmentFile(str(fresh / "other.bam"), "wb", header=header):
        pass
    sheet = fresh / "config" / "samples.tsv"
    names, *rows = (line.split("\t") for line in sheet.read_text().splitlines())
    for row in rows:
        row.append("other.bam" if row[0] == "L4-shallow-wgs" else "")
        if row[0] == "L4-shallow-wgs":
            for column in ("fastq_1", "fastq_2", "sha256_1", "sha256_2"):
                row[names.index(column)] = ""
    replaced(sheet, "\n".join("\t".join(row) for row in [[*names, "alignment"], *rows]).encode() + b"\n")
    done = run_lot(fresh, call)
    assert done.returncode == 2 and "other.bam" in done.stderr and "Traceback" not in done.stderr


def test_a_missing_tool_is_told_before_any_job(
    fresh: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "bin"
    there.mkdir()
    for tool in ("fastp", "samtools", "bcftools", "gffread", "salmon", "bash", "sh", "env", "which"):
        (there / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(there))
    done = run_lot(fresh, call)
    assert done.returncode == 2 and "bwa not found on PATH" in done.stderr
    assert "conda create -n karyolot-tools -c conda-forge -c bioconda bwa=0.7.17\n" in done.stderr


def test_a_tool_that_dies_half_way_leaves_nothing_that_looks_whole(
    fresh: Path, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "bin" / "fastp"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\nprintf '@r\\nACGT\\n+\\nFFFF\\n@r\\nACGT\\n+\\nFFFF\\n'\nexit 7\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:{os.environ['PATH']}")
    done = run_lot(fresh, call)
    assert done.returncode == 1 and "align_reads" in done.stderr
    assert not list((fresh / "results" / "samples" / "L4-shallow-wgs" / "dna").glob("*"))
