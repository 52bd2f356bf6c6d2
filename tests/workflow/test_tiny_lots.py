"""Planted lots through the whole workflow: real fastp, bwa, samtools, salmon; from FASTQ to the report."""

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pysam
import pytest
import yaml
from anndata import AnnData

from karyolot.contracts import copy_number, expression
from karyolot.contracts.alleles import Pairs
from karyolot.contracts.expression import check_expression
from karyolot.contracts.panel import Judged
from karyolot.contracts.record import EDITED, Record
from karyolot.inputs import check
from karyolot.io.expression import read_expression
from karyolot.io.fragments import fragments
from karyolot.io.panel import write_panel
from karyolot.io.record import read_report
from karyolot.io.tables import read_table
from karyolot.plan import resources
from karyolot.rna.panel import freeze
from karyolot.simulate.mitochondrion import CHANGED, DELETED, GROWING, RESTING

ROOT = Path(__file__).parents[2]
Call = Callable[..., subprocess.CompletedProcess[str]]
TABLES = {
    "dna/log_ratios": copy_number.LogRatios, "dna/segments": copy_number.Segments, "dna/calls": copy_number.Calls,
    "dna/arms": copy_number.Arms, "dna/lod": copy_number.Lod, "dna/donor_variants": copy_number.DonorVariants,
    "dna/landmarks": copy_number.Landmarks, "rna/components": expression.Components,
    "rna/de": expression.DifferentialExpression, "rna/markers": expression.Markers,
    "rna/enrichment": expression.Enrichment,
}  # fmt: skip


def record(directory: Path, lot: str) -> Record:
    return read_report(directory / "results" / lot / "report.json")


def truth(directory: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((directory / "truth.json").read_text())
    return found


def lots(directory: Path) -> list[str]:
    return sorted(path.parent.name for path in (directory / "results").glob("*/verdict.json"))


def contents(directory: Path) -> dict[str, bytes]:
    """Every result file of a folder by its path."""
    return {
        str(path.relative_to(directory)): path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file()
    }


def planned(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Rules a dry run would run, with the number of their jobs."""
    assert done.returncode == 0, done.stderr[-3000:]
    table = (done.stdout + done.stderr).partition("Job stats:")[2]
    return {name: int(count) for name, count in re.findall(r"^(\w+) +(\d+)$", table.partition("total")[0], re.M)}


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
    assert "Nothing to be done" in call(directory).stderr, "plain Snakemake finds all of it made"
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
    flags = ["samtools", "view", "-c", "-q", "20", "-f", "66", "-F", "3852", str(sample / "aligned.cram"), *nuclear]
    pairs = int(subprocess.run(flags, capture_output=True, text=True, check=True).stdout)
    # samtools counts first mates; ours is the left one, so single pairs with mates of unequal quality may differ.
    assert counts["count"].sum() == pytest.approx(pairs, rel=0.01)
    own = [piece for piece in fragments(sample / "aligned.cram", 20) if piece.contig in nuclear]
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


def test_an_unchanged_study_has_nothing_to_be_done(finished: Path, call: Call) -> None:
    done = call(finished, "--dry-run")
    assert done.returncode == 0 and "Nothing to be done" in done.stdout + done.stderr


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


def test_a_new_lot_leaves_the_others_as_they_are(copy: Path, call: Call) -> None:
    before = {lot: contents(copy / "results" / lot) for lot in lots(copy)}
    sheets = copy / "config"
    _append(sheets / "lots.tsv", "L4-shallow", "L5-new")
    wgs = _reads_of(copy, "L4-shallow-wgs", "L5-wgs", "L5-new")
    rules = planned(call(copy, "--dry-run"))
    once = {name for name, jobs in rules.items() if jobs != 1}
    assert not once, f"more than the new lot's jobs would run: {rules}"
    assert not {"make_bins", "index_genome", "hash_references", "analyse_expression", "compare_samples"} & rules.keys()
    rna = _reads_of(copy, "L4-shallow-rna1", "L5-rna1", "L5-new")
    assert wgs["lot_id"] == rna["lot_id"] == "L5-new"
    done = call(copy)
    assert done.returncode == 0, done.stderr[-3000:]
    new = record(copy, "L5-new")
    assert new.verdict.outcome == "INDETERMINATE"
    assert [lot.lot_id for lot in new.earlier] == ["L1-clean"], "as its row says, like L4's"
    assert new.expression is not None and not new.expression.p_values, "one replicate: effect sizes alone"
    assert {lot: contents(copy / "results" / lot) for lot in before} == before
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
    done = run_lot(copy, call)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = pd.read_parquet(copy / "results/samples/L4-shallow-wgs/dna/counts.parquet")
    # fastp drops the reads of low quality, which came through here.
    assert np.abs(counts["count"] - before["count"]).sum() <= 0.01 * before["count"].sum()
    assert np.corrcoef(counts["count"], before["count"])[0, 1] > 0.99


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
