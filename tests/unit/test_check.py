"""Every way an input can be wrong is told by code, line, column and words, all in one pass; good inputs are silent."""

import gzip
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pysam
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karyolot.contracts.criteria import Acceptance
from karyolot.contracts.panel import Paired, Panel, PanelDonor, PanelLot, PanelModule, gene_digest
from karyolot.contracts.problems import CODES, Fault, InputProblems, Problem
from karyolot.contracts.sheets import Study
from karyolot.inputs import check
from karyolot.inputs.formats import (
    alignment,
    allele_counts,
    bin_counts,
    bins,
    fasta,
    fastq,
    gene_counts,
    gene_sets,
    gtf,
    intervals,
    layout,
    markers,
    regions,
    sites,
    text,
    variants,
)
from karyolot.inputs.formats import yaml as yaml_format
from karyolot.io.panel import write_panel
from planted_inputs import BIN, CONTIGS, DRIVER_COLUMNS, GENES, RNA, Inputs, bam, counts, matrix, reads, wig


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path)


def test_good_inputs_are_silent(inputs: Inputs) -> None:
    assert [str(problem) for problem in inputs.examine()] == []


# What is broken, and where it must be told: sheet or config key, line, column, code, words.
Break = Callable[[Inputs], Any]
CASES: list[tuple[str, Break, str, str, int | None, str | None, str]] = []
SAMPLES, LOTS, DONORS, CONFIG = "config/samples.tsv", "config/lots.tsv", "config/donors.tsv", "config.yaml"


def case(code: str, file: str, line: int | None, column: str | None, words: str) -> Callable[[Break], Break]:
    """Register a way to break the inputs. For the configuration no line is asked for: `column` is the key."""

    def register(breaking: Break) -> Break:
        CASES.append((breaking.__name__, breaking, code, file, line, column, words))
        return breaking

    return register


@case("E01", DONORS, 3, "donor_id", "is already in line 2")
def donor_twice(inputs: Inputs) -> None:
    inputs.donors[1]["donor_id"] = "D1"


@case("E01", LOTS, 5, "lot_id", "as 'L1', which some file systems do not distinguish")
def lot_differs_in_case(inputs: Inputs) -> None:
    inputs.lots.append(inputs.lots[0] | {"lot_id": "l1"})


@case("E01", SAMPLES, 16, "sample_id", "differs only in case from 'D1w' in line 2")
def sample_differs_in_case(inputs: Inputs) -> None:
    inputs.samples.append(inputs.sample(3) | {"sample_id": "d1W", **inputs.pair("l")})


@case("E01", SAMPLES, 3, "lane", "D1w.1 of this sample are already in line 2")
def lane_twice(inputs: Inputs) -> None:
    inputs.sample(3)["lane"] = "1"


@case("E17", LOTS, 3, "lot_id", "a folder of this name")
def lot_of_a_reserved_name(inputs: Inputs) -> None:
    for row in (inputs.lots[1], inputs.sample(7), inputs.sample(14), inputs.sample(15)):
        row["lot_id"] = "Study"


@case("E02", SAMPLES, 4, "fastq_1", "does not exist (did you mean 'c_1.fq.gz'?)")
def file_missing(inputs: Inputs) -> None:
    inputs.sample(4)["fastq_1"] = "reads/c_11.fq.gz"


@case("E02", SAMPLES, 5, "alignment", "there is no folder")
def folder_missing(inputs: Inputs) -> None:
    inputs.sample(5)["alignment"] = "nowhere/L3.bam"


@case("E02", SAMPLES, 5, "alignment", "is a folder")
def path_is_a_folder(inputs: Inputs) -> None:
    inputs.sample(5)["alignment"] = "reads"


@case("E02", SAMPLES, 6, "counts", "is empty (0 bytes)")
def file_empty(inputs: Inputs) -> None:
    inputs.put("dna/D2.tsv", "")


@case("E02", SAMPLES, 4, "fastq_2", "holds no read")
def fastq_without_reads(inputs: Inputs) -> None:
    inputs.reads("c_2", b"")


@case("E02", SAMPLES, 6, "counts", "is a link to a file that does not exist")
def link_to_nothing(inputs: Inputs) -> None:
    (inputs.folder / "dna/gone.tsv").symlink_to("nowhere.tsv")
    inputs.sample(6)["counts"] = "dna/gone.tsv"


@case("E02", SAMPLES, 6, "counts", "is not a regular file")
def pipe_instead_of_a_file(inputs: Inputs) -> None:
    os.mkfifo(inputs.folder / "dna/pipe.tsv")
    inputs.sample(6)["counts"] = "dna/pipe.tsv"


@case("E02", "config/lotz.tsv", None, None, "does not exist (did you mean 'lots.tsv'?)")
def sheet_missing(inputs: Inputs) -> None:
    inputs.config["sheets"] = {"lots": "config/lotz.tsv"}


@case("E02", CONFIG, None, "reference.gtf", "does not exist")
def reference_file_missing(inputs: Inputs) -> None:
    inputs.config["reference"]["gtf"] = "reference/none.gtf"


@case("E03", SAMPLES, 3, "fastq_1", "the same file as fastq_1 in line 2")
def fastq_used_twice(inputs: Inputs) -> None:
    inputs.sample(3)["fastq_1"] = "./reads/../reads/a_1.fq.gz"


@case("E03", SAMPLES, 3, "fastq_1", "the same file as fastq_1 in line 2")
def fastq_used_twice_through_a_link(inputs: Inputs) -> None:
    (inputs.folder / "reads/link_1.fq.gz").symlink_to("a_1.fq.gz")
    inputs.sample(3)["fastq_1"] = "reads/link_1.fq.gz"


@case("E03", SAMPLES, 4, "fastq_2", "holds the same reads as fastq_2 in line 2")
def fastq_copied(inputs: Inputs) -> None:
    inputs.put("reads/c_2.fq.gz", (inputs.folder / "reads/a_2.fq.gz").read_bytes())


@case("E03", SAMPLES, 4, "fastq_1", "has the same checksum as fastq_1 in line 2")
def checksum_twice(inputs: Inputs) -> None:
    inputs.sample(2)["sha256_1"] = inputs.sample(4)["sha256_1"] = "0" * 64


@case("E04", SAMPLES, 4, "fastq_2", "is the same file as fastq_1 in line 4")
def mates_from_one_file(inputs: Inputs) -> None:
    inputs.sample(4)["fastq_2"] = inputs.sample(4)["fastq_1"]


@case("E04", SAMPLES, 4, "fastq_1", "the other mates")
def mates_swapped(inputs: Inputs) -> None:
    row = inputs.sample(4)
    row["fastq_1"], row["fastq_2"] = row["fastq_2"], row["fastq_1"]


@case("E04", SAMPLES, 4, "fastq_2", "read 1 is")
def mates_of_other_reads(inputs: Inputs) -> None:
    inputs.reads("c_2", reads(99, 2))


@case("E04", SAMPLES, 4, "fastq_2", "the other mates")
def both_files_first_mates(inputs: Inputs) -> None:
    inputs.reads("c_2", reads(2, 2).replace(b" 2:N", b" 1:N"))


@case("E06", LOTS, 3, "lot_id", "its donor D2 has no WGS sample")
def donor_without_reference(inputs: Inputs) -> None:
    del inputs.samples[4]


@case("E25", LOTS, 3, "lot_id", "the lot has no WGS sample")
def lot_without_wgs(inputs: Inputs) -> None:
    del inputs.samples[5]


@case("E07", LOTS, 4, "parent_lot_id", "belongs to donor D2, this lot to D1")
def parent_of_another_donor(inputs: Inputs) -> None:
    inputs.lots[2]["parent_lot_id"] = "L2"


@case("E07", LOTS, 2, "parent_lot_id", "its own ancestor")
def lots_in_a_circle(inputs: Inputs) -> None:
    inputs.lots[0]["parent_lot_id"] = "L3"


@case("E09", LOTS, 3, "passage", "must not be")
def passage_missing(inputs: Inputs) -> None:
    inputs.lots[1]["passage"] = ""


@case("E09", LOTS, 3, "passage", "below 1")
def passage_negative(inputs: Inputs) -> None:
    inputs.lots[1]["passage"] = "-2"


@case("E09", LOTS, 3, "passage", "not a whole number")
def passage_with_a_letter(inputs: Inputs) -> None:
    inputs.lots[1]["passage"] = "P5"


@case("E09", LOTS, 4, "passage", "below those of the parent lot L1 (4, line 2)")
def passage_below_parent(inputs: Inputs) -> None:
    inputs.lots[2]["passage"] = "3"


@case("E09", LOTS, 4, "pdl", "population doublings below")
def doublings_below_parent(inputs: Inputs) -> None:
    inputs.lots[2]["pdl"] = "6"


@case("E10", LOTS, 3, "passage", "at passage 0")
def lot_at_passage_0(inputs: Inputs) -> None:
    inputs.lots[1]["passage"] = "0"


@case("E11", SAMPLES, 4, None, "names a lot and a donor")
def lot_and_donor(inputs: Inputs) -> None:
    inputs.sample(4)["donor_id"] = "D1"


@case("E11", SAMPLES, 4, None, "names neither a lot nor a donor")
def neither_lot_nor_donor(inputs: Inputs) -> None:
    del inputs.sample(4)["lot_id"]


@case("W12", LOTS, 2, "lot_id", "the donor has one RNA sample (D1r1): effect sizes only")
def one_replicate(inputs: Inputs) -> None:
    del inputs.samples[7]


@case(
    "W12",
    LOTS,
    3,
    "lot_id",
    "the lot has 2 RNA samples of one culture (L2r1, L2r2 share library_id): effect sizes only",
)
def replicates_of_one_library(inputs: Inputs) -> None:
    for line in (14, 15):
        inputs.sample(line)["library_id"] = "lib7"


@case("W13", LOTS, 2, "lot_id", "never share a seq_run")
def rna_in_separate_runs(inputs: Inputs) -> None:
    for line, run in ((8, "run1"), (9, "run1"), (10, "run2"), (11, "run2")):
        inputs.sample(line)["seq_run"] = run


@case("E13", LOTS, 2, "lot_id", "seq_run and state are confounded")
def batch_of_the_design_is_the_lot(inputs: Inputs) -> None:
    inputs.config["expression"]["design"] = "~ donor + seq_run + state"
    for line in range(8, 16):
        inputs.sample(line)["seq_run"] = "R2" if line in (10, 11) else "R1"


@case("E13", CONFIG, None, "expression.design", "donor and seq_run are confounded")
def batch_of_the_design_is_the_donor(inputs: Inputs) -> None:
    """Each lot was sequenced with its donor: no lot's comparison holds the batch, and the study's does."""
    inputs.config["expression"]["design"] = "~ donor + seq_run + state"
    for line in range(8, 16):
        inputs.sample(line)["seq_run"] = "R1" if line < 12 else "R2"


@case("E14", SAMPLES, 5, "alignment", "contig names do not match the reference: 1 here, chr1 there")
def alignment_spells_contigs_otherwise(inputs: Inputs) -> None:
    bam(inputs.folder / "dna/L3.bam", {name.removeprefix("chr"): length for name, length in CONTIGS.items()})


@case("E14", SAMPLES, 5, "alignment", "another assembly: chr1 has 4999 bases here and 5000")
def alignment_of_another_assembly(inputs: Inputs) -> None:
    bam(inputs.folder / "dna/L3.bam", CONTIGS | {"chr1": 4999})


@case("E14", SAMPLES, 5, "alignment", "1 of its 4 contigs are not in the reference (decoy)")
def alignment_with_more_contigs(inputs: Inputs) -> None:
    bam(inputs.folder / "dna/L3.bam", CONTIGS | {"decoy": 100})


@case("E14", SAMPLES, 6, "counts", "chr1 has bins to 6000, and 5000 bases in the reference")
def counts_of_another_assembly(inputs: Inputs) -> None:
    inputs.put("dna/D2.tsv", "\n".join(counts(contigs=CONTIGS | {"chr1": 6000})))


@case("E14", SAMPLES, 6, "counts", "do not fill bins of counting.bin_bp (500) evenly")
def counts_in_odd_bins(inputs: Inputs) -> None:
    inputs.put("dna/D2.tsv", "\n".join(counts(width=200)))


@case("E14", SAMPLES, 7, "counts", "its bins have 500 bases, those of its donor (line 6) 250")
def counts_of_donor_in_other_bins(inputs: Inputs) -> None:
    inputs.put("dna/D2.tsv", "\n".join(counts(width=250)))


@case("E14", SAMPLES, 7, "counts", "contig Y has 4 bins here and 0 in its donor (line 6)")
def counts_of_donor_without_a_contig(inputs: Inputs) -> None:
    inputs.put("dna/D2.tsv", "\n".join(line for line in counts() if not line.startswith("chrY")))


@case("W22", SAMPLES, 7, "counts", "the donor limits what can be detected")
def donor_shallow(inputs: Inputs) -> None:
    inputs.put("dna/D2.tsv", "\n".join(counts(0)))


@case("W05", SAMPLES, 6, "counts", "has no counts for 1")
def counts_without_an_autosome(inputs: Inputs) -> None:
    inputs.put("dna/D2.tsv", "\n".join(line for line in counts() if not line.startswith("chr1")))


@case("E14", CONFIG, None, "reference.mappability", "has no value on 1 (100% of the autosomes)")
def track_without_the_autosomes(inputs: Inputs) -> None:
    inputs.put("reference/mappability.bedgraph", "chrX\t0\t3000\t0.9\n")


@case("E14", CONFIG, None, "small_variants.genes", "its contig '1' is not in the reference")
def genes_for_variants_in_another_spelling(inputs: Inputs) -> None:
    inputs.config["small_variants"]["genes"] = "reference/genes.bed"
    inputs.put("reference/genes.bed", "1\t10\t90\tTP53\n")


@case("E14", CONFIG, None, "small_variants.genes", "a region ends at 90000 on chr1, which has")
def genes_for_variants_beyond_a_contig(inputs: Inputs) -> None:
    inputs.config["small_variants"]["genes"] = "reference/genes.bed"
    inputs.put("reference/genes.bed", "chr1\t10\t90000\tTP53\n")


@case("E17", CONFIG, None, "small_variants.drivers", "scope is 'exon 3'")
def driver_panel_with_unknown_scope(inputs: Inputs) -> None:
    inputs.put("reference/drivers.tsv", f"{DRIVER_COLUMNS}\nAFP\texon 3\tdriver\t\treason\tdoi 10.1038/s\n")


@case("W05", CONFIG, None, "reference.fasta", "has no mitochondrial contig (chrM, M or MT)")
def genome_without_mitochondrion(inputs: Inputs) -> None:
    genome = inputs.folder / "reference/genome.fa"
    genome.write_text(genome.read_text().partition(">MT")[0])


@case("W28", CONFIG, None, "reference.fasta", "the last line has no line break: the file may be cut short")
def genome_cut_within_its_last_contig(inputs: Inputs) -> None:
    genome = inputs.folder / "reference/genome.fa"
    genome.write_text(genome.read_text()[:-9])


@case("E17", CONFIG, None, "small_variants.hotspots", "MYC is not a gene of the panel")
def recurrent_mutation_of_no_driver_gene(inputs: Inputs) -> None:
    inputs.put("reference/hotspots.tsv", "gene\tposition\treference\tchanges\tsource\nMYC\tp.5\tR\tH\tdoi 10.1038/s\n")


@case("E14", CONFIG, None, "small_variants.hotspots", "do not belong together: AFP p.1 is T in T4 instead of R")
def recurrent_mutations_of_another_assembly(inputs: Inputs) -> None:
    inputs.put("reference/hotspots.tsv", "gene\tposition\treference\tchanges\tsource\nAFP\tp.1\tR\tH\tdoi 10.1038/s\n")


@case(
    "W05",
    CONFIG,
    None,
    "small_variants.hotspots",
    "1 of 1 driver genes are not located in full (AFP: p.90 is not in T4)",
)
def recurrent_mutation_beyond_the_transcript(inputs: Inputs) -> None:
    rows = "AFP\tp.1\tT\tI\tdoi 10.1038/s\nAFP\tp.90\tT\tI\tdoi 10.1038/s\n"
    inputs.put("reference/hotspots.tsv", f"gene\tposition\treference\tchanges\tsource\n{rows}")


@case("W05", CONFIG, None, "reference.gtf", "1 of 2 driver genes have no coding sequence in it (TP53)")
def driver_gene_without_a_coding_transcript(inputs: Inputs) -> None:
    rows = "".join(f"{gene}\tcoding\tdriver\t\treason\tdoi 10.1038/s\n" for gene in ("AFP", "TP53"))
    inputs.put("reference/drivers.tsv", f"{DRIVER_COLUMNS}\n{rows}")


@case("E28", CONFIG, None, "small_variants.genes", "not a plain file whose name ends in .bed")
def genes_for_variants_that_bcftools_would_count_from_1(inputs: Inputs) -> None:
    inputs.config["small_variants"]["genes"] = "reference/genes.tsv"
    inputs.put("reference/genes.tsv", "chr1\t10\t90\tTP53\n")


@case("E28", CONFIG, None, "small_variants.genes", "line 1 of the file: is not BED")
def genes_for_variants_with_a_header(inputs: Inputs) -> None:
    inputs.config["small_variants"]["genes"] = "reference/genes.bed"
    inputs.put("reference/genes.bed", "chrom\tstart\tend\tgene\nchr1\t10\t90\tTP53\n")


@case("E14", CONFIG, None, "reference.fasta", "1 of 3 contigs of the layout mini are not in it: chrY")
def genome_without_y(inputs: Inputs) -> None:
    text = (inputs.folder / "reference/genome.fa").read_text()
    inputs.put("reference/genome.fa", text[: text.index(">chrY")] + text[text.index(">MT") :])


@case("E14", CONFIG, None, "reference.fasta", "5000 bases, and 5005 in the cytobands")
def genome_of_another_layout(inputs: Inputs) -> None:
    inputs.put("reference/bands.txt", "chr1\t0\t5005\tp1\tgneg\n")


@case("E14", CONFIG, None, "reference.mappability", "none of its contigs (7) is in the reference")
def track_of_another_genome(inputs: Inputs) -> None:
    inputs.put("reference/mappability.bedgraph", "7\t0\t10\t1\n")


@case("E14", CONFIG, None, "reference.gtf", "contig names do not match")
def annotation_spells_contigs_otherwise(inputs: Inputs) -> None:
    inputs.put("reference/genes.gtf", inputs.gtf(GENES, "1"))


@case("W15", SAMPLES, 4, "fastq_1", "reads have 100 bases, those of the donor 60")
def read_lengths_differ(inputs: Inputs) -> None:
    for mate in (1, 2):
        inputs.reads(f"c_{mate}", reads(2, mate, length=100))


@case("W15", LOTS, 2, "lot_id", "differ in strandedness (reverse, unstranded)")
def strandedness_differs(inputs: Inputs) -> None:
    for line, kind in ((8, "reverse"), (9, "reverse"), (10, "unstranded"), (11, "unstranded")):
        inputs.sample(line)["strandedness"] = kind


@case("E16", LOTS, 3, "lot_id", "an id must not hold ' ' '/'")
def id_with_a_slash(inputs: Inputs) -> None:
    inputs.lots[1]["lot_id"] = "L 2/x"


@case("E16", DONORS, 3, "donor_id", "a spreadsheet has probably turned this value")
def id_turned_into_a_date(inputs: Inputs) -> None:
    inputs.donors[1]["donor_id"] = "2-Mar"


@case("E16", LOTS, 3, "pdl", "states that there is no value")
def na_in_a_cell(inputs: Inputs) -> None:
    inputs.lots[1]["pdl"] = "NA"


@case("E17", SAMPLES, 4, "assay", "(did you mean wgs?)")
def assay_misspelled(inputs: Inputs) -> None:
    inputs.sample(4)["assay"] = "WGS"


@case("E17", DONORS, 2, "sex", "not an allowed value")
def sex_not_known(inputs: Inputs) -> None:
    inputs.donors[0]["sex"] = "female"


@case("E17", DONORS, 2, "age", "at most 120")
def age_beyond_life(inputs: Inputs) -> None:
    inputs.donors[0]["age"] = "340"


@case("E17", LOTS, 2, "collection_date", "no such day")
def day_that_does_not_exist(inputs: Inputs) -> None:
    inputs.lots[0]["collection_date"] = "2031-02-30"


@case("E17", LOTS, 2, "collection_date", "year-month-day")
def day_in_another_order(inputs: Inputs) -> None:
    inputs.lots[0]["collection_date"] = "28.2.2031"


@case("E17", SAMPLES, 4, "sha256_1", "not a sha256")
def checksum_malformed(inputs: Inputs) -> None:
    inputs.sample(4)["sha256_1"] = "abc"


@case("E18", CONFIG, None, "counting.bin_pb", "unknown setting (did you mean bin_bp?)")
def setting_misspelled(inputs: Inputs) -> None:
    inputs.config["counting"] = {"bin_pb": 1000}


@case("E18", CONFIG, None, "acceptance", "criteria.C02.source is missing")
def criterion_without_source(inputs: Inputs) -> None:
    document = yaml.safe_load((inputs.folder / "reference/acceptance.yaml").read_text())
    del document["criteria"][0]["source"]
    inputs.put("reference/acceptance.yaml", yaml.safe_dump(document))


@case("E18", CONFIG, None, "acceptance", "criteria.C02.source is empty")
def criterion_with_empty_source(inputs: Inputs) -> None:
    document = yaml.safe_load((inputs.folder / "reference/acceptance.yaml").read_text())
    document["criteria"][0]["source"] = ""
    inputs.put("reference/acceptance.yaml", yaml.safe_dump(document))


def criterion(inputs: Inputs, **changes: object) -> None:
    document = yaml.safe_load((inputs.folder / "reference/acceptance.yaml").read_text())
    document["criteria"][0] |= changes
    inputs.put("reference/acceptance.yaml", yaml.safe_dump(document))


@case("E18", CONFIG, None, "acceptance", "line 10 of the file: criteria.C02.metric is 'cn.acquired_lng', which is not a metric"
      " (did you mean cn.acquired_long?)")  # fmt: skip
def criterion_of_an_unknown_metric(inputs: Inputs) -> None:
    criterion(inputs, metric="cn.acquired_lng")


@case("E18", CONFIG, None, "acceptance", "criteria.C02.unit is 'segments', and the unit of cn.acquired_long is 'calls'")
def criterion_in_another_unit(inputs: Inputs) -> None:
    criterion(inputs, unit="segments")


@case(
    "E18",
    CONFIG,
    None,
    "acceptance",
    "criteria.C02.limits has the value 'none' in limit 1, and cn.acquired_long is a number",
)
def criterion_with_a_limit_of_words(inputs: Inputs) -> None:
    criterion(inputs, limits=[{"op": "<=", "value": "none", "on_breach": "FAIL"}])


@case("E18", CONFIG, None, "acceptance", "criteria.C02.required is not allowed (input should be a valid boolean)")
def criterion_required_by_a_word(inputs: Inputs) -> None:
    criterion(inputs, required="no")


def test_problems_of_a_document_are_in_the_order_of_its_lines(inputs: Inputs) -> None:
    """By number, not by text: line 89 comes before line 101, whatever is wrong there."""
    document = yaml.safe_load((inputs.folder / "reference/acceptance.yaml").read_text())
    for criterion in document["criteria"]:
        criterion["source"] = ""
    inputs.put("reference/acceptance.yaml", yaml.safe_dump(document))
    found = [problem for problem in inputs.examine() if problem.column == "acceptance"]
    lines = [int(problem.message.split()[1]) for problem in found if problem.message.startswith("line ")]
    assert len(lines) > 3 and lines[0] < 100 < lines[-1] and lines == sorted(lines)


@case("E01", CONFIG, None, "acceptance", "the criterion C02 occurs twice")
def criterion_twice(inputs: Inputs) -> None:
    document = yaml.safe_load((inputs.folder / "reference/acceptance.yaml").read_text())
    document["criteria"].append(document["criteria"][0])
    inputs.put("reference/acceptance.yaml", yaml.safe_dump(document))


@case(
    "W19",
    CONFIG,
    None,
    "expression.markers",
    "1 of 4 marker genes that are to rise or fall have at most one read in every sample of the matrix (rna/matrix.tsv): KRT19",
)
def marker_that_the_counting_lost(inputs: Inputs) -> None:
    head, *rows = (row.split("\t") for row in matrix())
    lost = [[*row[:2], *("01"[n % 2] for n in range(len(row) - 2))] if row[1] == "KRT19" else row for row in rows]
    inputs.put("rna/matrix.tsv", "\n".join("\t".join(row) for row in [head, *lost]))


@case(
    "W19",
    CONFIG,
    None,
    "expression.markers",
    "1 of 4 marker genes are not in the annotation (reference/genes.gtf): SOX9",
)
def marker_not_annotated(inputs: Inputs) -> None:
    inputs.rna_from_reads()
    inputs.put("reference/genes.gtf", inputs.gtf([gene for gene in GENES if gene != "SOX9"]))


@case("E19", CONFIG, None, "expression.markers", "no marker gene is in the matrix (rna/matrix.tsv)")
def matrix_of_another_species(inputs: Inputs) -> None:
    mice = [gene.title() for gene in GENES]
    inputs.put("rna/matrix.tsv", "\n".join(matrix(mice)))
    inputs.put("reference/genes.gtf", inputs.gtf(mice))


@case("E19", CONFIG, None, "pathways.axes", "fewer than 2 genes in the annotation (reference/genes.gtf): WNT set")
def gene_set_not_annotated(inputs: Inputs) -> None:
    inputs.rna_from_reads()
    inputs.put("reference/genes.gtf", inputs.gtf(GENES[:-1]))


@case("E19", CONFIG, None, "pathways.axes", "more than 1 genes in the matrix (rna/matrix.tsv): WNT set")
def gene_set_too_large(inputs: Inputs) -> None:
    inputs.config["pathways"] |= {"min_size": 1, "max_size": 1}


@case("E23", DONORS, 1, "Date of Birth", "personal data")
def column_with_personal_data(inputs: Inputs) -> None:
    inputs.donors[0]["Date of Birth"] = "1999-01-01"


@case("E23", LOTS, 2, "medium_lot", "e-mail")
def cell_with_an_address(inputs: Inputs) -> None:
    inputs.lots[0]["medium_lot"] = "jane@example.org"


@case("E24", LOTS, 3, "donor_id", "the id is not in donors.tsv")
def lot_of_unknown_donor(inputs: Inputs) -> None:
    inputs.lots[1]["donor_id"] = "D3"


@case("E24", LOTS, 4, "parent_lot_id", "the id is not in lots.tsv")
def lot_of_unknown_parent(inputs: Inputs) -> None:
    inputs.lots[2]["parent_lot_id"] = "X"


@case("E24", SAMPLES, 4, "lot_id", "the id is not in lots.tsv")
def sample_of_unknown_lot(inputs: Inputs) -> None:
    inputs.sample(4)["lot_id"] = "X9"


@case(
    "E24",
    CONFIG,
    None,
    "pathways.axes",
    "no GMT file of the section pathways has the set 'WNT sets' (did you mean WNT set?)",
)
def axis_of_unknown_set(inputs: Inputs) -> None:
    inputs.put("reference/axes.tsv", "set_name\taxis\tinformational\nWNT sets\tWNT\tno\n")


@case("E25", SAMPLES, 4, None, "the row has no data file")
def no_data(inputs: Inputs) -> None:
    del inputs.sample(4)["fastq_1"], inputs.sample(4)["fastq_2"]


@case("E25", SAMPLES, 4, None, "gives its data twice: reads and counts")
def data_in_two_ways(inputs: Inputs) -> None:
    inputs.put("dna/L1.tsv", "\n".join(counts(20)))
    inputs.sample(4)["counts"] = "dna/L1.tsv"


@case("E25", SAMPLES, 3, "sample_id", "line 2 gives this sample as reads, this row as alignment")
def lanes_in_two_ways(inputs: Inputs) -> None:
    inputs.samples[1] = {"sample_id": "D1w", "assay": "wgs", "donor_id": "D1", "alignment": "dna/x.bam"}
    bam(inputs.folder / "dna/x.bam", records=5, sample="D1w")


@case("E25", SAMPLES, 3, "donor_id", "line 2 gives this sample D1 here")
def lanes_of_two_donors(inputs: Inputs) -> None:
    inputs.sample(3)["donor_id"] = "D2"


@case("E25", SAMPLES, 3, "sample_id", "donor D1 has 2 WGS samples: D1w, D1x")
def two_wgs_samples(inputs: Inputs) -> None:
    inputs.sample(3)["sample_id"] = "D1x"


@case("E25", SAMPLES, 4, "fastq_2", "must be pairs")
def single_reads(inputs: Inputs) -> None:
    del inputs.sample(4)["fastq_2"]


@case("E25", SAMPLES, 8, "alignment", "not from alignments")
def rna_alignment(inputs: Inputs) -> None:
    inputs.samples[6] = {"sample_id": "D1r1", "assay": "rnaseq", "donor_id": "D1", "alignment": "dna/x.bam"}
    bam(inputs.folder / "dna/x.bam", records=5, sample="D1r1")


@case("E16", SAMPLES, 4, "sample_id", "an id must not hold '.'")
def sample_with_a_dot(inputs: Inputs) -> None:
    inputs.sample(4)["sample_id"] = "L1.w"


@case("E25", SAMPLES, 7, "counts", "line 6 already gives the counts of this sample")
def counts_twice(inputs: Inputs) -> None:
    inputs.put("dna/D2b.tsv", "\n".join(counts(30)))
    inputs.samples.insert(5, inputs.sample(6) | {"counts": "dna/D2b.tsv", "lane": "2"})


@case("E25", SAMPLES, 4, "fastq_1", "fastq_2 is given without fastq_1")
def second_mates_alone(inputs: Inputs) -> None:
    del inputs.sample(4)["fastq_1"]


@case("E25", SAMPLES, 5, "sha256_2", "a checksum is given without its file")
def checksum_without_file(inputs: Inputs) -> None:
    inputs.sample(5)["sha256_2"] = "0" * 64


@case("E25", SAMPLES, 9, "sample_id", "RNA comes as reads (line 9) and as counts (line 8)")
def rna_in_two_ways(inputs: Inputs) -> None:
    del inputs.sample(9)["counts"]
    inputs.sample(9).update(inputs.pair("d"))


@pytest.mark.parametrize(
    "path",
    [
        "a b",
        "a'b",
        'a"b',
        "$(id)",
        "a`b",
        "a;b",
        "a|b",
        "a&b",
        "a<b",
        "a*b",
        "a?b",
        "a[1]",
        "{sample}",
        "a!b",
        "a#b",
        r"a\b",
    ],
)
def test_hostile_paths_are_refused(inputs: Inputs, path: str) -> None:
    inputs.sample(4)["fastq_1"] = path
    (problem,) = [problem for problem in inputs.examine() if problem.column == "fastq_1"]
    assert (problem.code, problem.file, problem.line) == ("E26", SAMPLES, 4)
    assert "tools may misread" in problem.message


@case("E26", SAMPLES, 4, "fastq_1", "starts with -")
def path_like_an_option(inputs: Inputs) -> None:
    inputs.sample(4)["fastq_1"] = "-rf.fq.gz"


@case("E26", SAMPLES, 4, "fastq_1", "is an address")
def path_is_an_address(inputs: Inputs) -> None:
    inputs.sample(4)["fastq_1"] = "s3://bucket/c_1.fq.gz"


@case("E26", SAMPLES, 4, "fastq_1", "results/ is written by the workflow")
def path_inside_results(inputs: Inputs) -> None:
    inputs.sample(4)["fastq_1"] = "results/samples/c_1.fq.gz"


@case("E16", SAMPLES, 4, "fastq_1", "invisible character")
def path_with_a_control_character(inputs: Inputs) -> None:
    inputs.sample(4)["fastq_1"] = "reads/\x1b[2Jc_1.fq.gz"


@case("E26", CONFIG, None, "reference.gtf", "the path holds ';'")
def setting_with_a_hostile_path(inputs: Inputs) -> None:
    inputs.config["reference"]["gtf"] = "genes.gtf;id"


@case("E27", CONFIG, None, "reference.fasta", "WGS reads and alignments need the genome")
def no_genome(inputs: Inputs) -> None:
    inputs.rna_from_reads()
    del inputs.config["reference"]["fasta"]


@case("E27", CONFIG, None, "reference.gtf", "RNA reads need the gene annotation")
def no_annotation(inputs: Inputs) -> None:
    inputs.rna_from_reads()
    del inputs.config["reference"]["gtf"]


@case("E28", SAMPLES, 4, "fastq_1", "is named .gz and is not a gzip file")
def gz_only_by_name(inputs: Inputs) -> None:
    inputs.put("reads/c_1.fq.gz", reads(2, 1))


@case("E28", SAMPLES, 4, "fastq_1", "lacks the .gz extension")
def gzip_under_another_name(inputs: Inputs) -> None:
    inputs.put("reads/c_1.fq", gzip.compress(reads(2, 1)))
    inputs.sample(4)["fastq_1"] = "reads/c_1.fq"


@case("E28", SAMPLES, 4, "fastq_1", "damaged or truncated")
def gzip_cut_short(inputs: Inputs) -> None:
    inputs.put("reads/c_1.fq.gz", gzip.compress(reads(2, 1))[:-30])


@case("E28", SAMPLES, 4, "fastq_1", "its last read is not complete")
def fastq_cut_short(inputs: Inputs) -> None:
    inputs.reads("c_1", reads(2, 1)[:-70])


@case("E28", SAMPLES, 4, "fastq_1", "60 bases and 59 qualities")
def fastq_record_damaged(inputs: Inputs) -> None:
    inputs.reads("c_1", reads(2, 1)[:-2] + b"\n")


@case("E28", SAMPLES, 4, "fastq_1", "is FASTA, without qualities")
def fasta_for_fastq(inputs: Inputs) -> None:
    inputs.reads("c_1", b">a\nACGT\n")


@case("E28", SAMPLES, 4, "fastq_1", "is not FASTQ")
def table_for_fastq(inputs: Inputs) -> None:
    inputs.reads("c_1", b"a\tb\n1\t2\n3\t4\n5\t6\n7\t8\n")


@case("E28", SAMPLES, 4, "fastq_1", "Windows line ends")
def fastq_from_windows(inputs: Inputs) -> None:
    inputs.reads("c_1", reads(2, 1).replace(b"\n", b"\r\n"))


@case("E28", SAMPLES, 4, "fastq_1", "Phred+64")
def old_quality_code(inputs: Inputs) -> None:
    inputs.reads("c_1", reads(2, 1, quality="Bdh"))


@case("E28", SAMPLES, 4, "fastq_1", "at most 20 bases, and reads.min_length is 30")
def reads_too_short(inputs: Inputs) -> None:
    inputs.reads("c_1", reads(2, 1, length=20))


@case("E28", SAMPLES, 5, "alignment", "is SAM, in which a truncated file")
def text_for_bam(inputs: Inputs) -> None:
    inputs.put("dna/L3.bam", "@HD\tVN:1.6\n")


@case("E28", SAMPLES, 5, "alignment", "the marker at the end of a complete file is missing")
def bam_cut_short(inputs: Inputs) -> None:
    inputs.put("dna/L3.bam", (inputs.folder / "dna/L3.bam").read_bytes()[:-28])


@case("E28", SAMPLES, 5, "alignment", "not a readable BAM or CRAM")
def gzip_for_bam(inputs: Inputs) -> None:
    end = (inputs.folder / "dna/L3.bam").read_bytes()[-28:]
    inputs.put("dna/L3.bam", gzip.compress(b"text") + end)


@case("E28", SAMPLES, 5, "alignment", "not a readable BAM or CRAM")
def bam_zipped_by_gzip(inputs: Inputs) -> None:
    whole = (inputs.folder / "dna/L3.bam").read_bytes()
    inputs.put("dna/L3.bam", gzip.compress(gzip.decompress(whole)) + whole[-28:])


@case("E28", SAMPLES, 5, "alignment", "its reads are not paired")
def bam_of_single_reads(inputs: Inputs) -> None:
    bam(inputs.folder / "dna/L3.bam", paired=False)


@case("E02", SAMPLES, 5, "alignment", "holds no read")
def bam_without_reads(inputs: Inputs) -> None:
    bam(inputs.folder / "dna/L3.bam", records=0)


@case("E28", SAMPLES, 6, "counts", "line 5 of the file: the count '1.5' is not a whole number")
def counts_normalised(inputs: Inputs) -> None:
    lines = counts()
    lines[4] = "chr1\t2000\t2500\t1.5"
    inputs.put("dna/D2.tsv", "\n".join(lines))


@case("E28", SAMPLES, 6, "counts", "line 5 of the file: the count -3 is negative")
def counts_negative(inputs: Inputs) -> None:
    lines = counts()
    lines[4] = "chr1\t2000\t2500\t-3"
    inputs.put("dna/D2.tsv", "\n".join(lines))


@case("E28", SAMPLES, 6, "counts", "chr1:1900-2500 overlaps the interval before it (chr1:1500-2000)")
def counts_overlap(inputs: Inputs) -> None:
    lines = counts()
    lines[4] = "chr1\t1900\t2500\t3"
    inputs.put("dna/D2.tsv", "\n".join(lines))


@case("E28", SAMPLES, 6, "counts", "bins have different widths (500 and 1000 bases)")
def counts_merged_where_equal(inputs: Inputs) -> None:
    lines = counts()
    lines[4:6] = ["chr1\t2000\t3000\t7"]
    inputs.put("dna/D2.tsv", "\n".join(lines))


@case("E28", SAMPLES, 6, "counts", "a line holds chrom, start, end and count")
def counts_without_a_column(inputs: Inputs) -> None:
    inputs.put("dna/D2.tsv", "chr1\t0\t500\nchr1\t500\t1000\n")


@case("E28", SAMPLES, 7, "counts", "step 500 and span 100 differ")
def wig_with_gaps(inputs: Inputs) -> None:
    inputs.put("dna/L2.wig.gz", gzip.compress(wig().replace("span=500", "span=100").encode()))


@case("E28", SAMPLES, 10, "counts", "its header does not name L1r1 (did you mean")
def matrix_without_the_sample(inputs: Inputs) -> None:
    inputs.put("rna/matrix.tsv", "\n".join(matrix(samples=[name.replace("L1r1", "L1rX") for name in RNA])))


@case("E14", SAMPLES, 9, "counts", "other genes than rna/matrix.tsv (1 differ, ENSG6.1)")
def matrices_of_different_genes(inputs: Inputs) -> None:
    inputs.put("rna/other.tsv", "\n".join(matrix([*GENES, "TP53"])))
    inputs.sample(9)["counts"] = "rna/other.tsv"


@case("W28", SAMPLES, 5, "alignment", "holds reads of 2 samples (SM L3w, others)")
def bam_of_two_samples(inputs: Inputs) -> None:
    with pysam.AlignmentFile(str(inputs.folder / "dna/L3.bam"), "rb") as handle:
        header, records = handle.header.to_dict(), list(handle)
    header["RG"] += [{"ID": "b", "SM": "others"}]
    with pysam.AlignmentFile(str(inputs.folder / "dna/L3.bam"), "wb", header=header) as handle:
        for record in records:
            handle.write(record)


@case("E28", SAMPLES, 4, "fastq_2", "damaged or truncated")
def second_mates_cut_short(inputs: Inputs) -> None:
    inputs.put("reads/c_2.fq.gz", gzip.compress(reads(2, 2))[:-30])


@case("E28", SAMPLES, 9, "counts", "line 3 of the file: the count '8.25' is not a whole number")
def matrix_normalised(inputs: Inputs) -> None:
    lines = matrix()
    lines[2] = "ENSG1.1\tHNF4A\t7\t8.25" + 6 * "\t9"
    inputs.put("rna/matrix.tsv", "\n".join(lines))


def relabelled(inputs: Inputs, edit: Callable[[list[list[str]]], object]) -> None:
    """The matrix after a change of its rows, each a list of cells."""
    lines = [line.split("\t") for line in matrix()]
    edit(lines)
    inputs.put("rna/matrix.tsv", "\n".join(map("\t".join, lines)))


@case("E03", SAMPLES, 10, "counts", "its counts are those of D1r1 (line 8), gene by gene")
def lot_with_the_counts_of_its_donor(inputs: Inputs) -> None:
    relabelled(inputs, lambda lines: [row.__setitem__(4, row[2]) for row in lines[1:]])


@case("E03", SAMPLES, 9, "counts", "its counts are those of D1r1 (line 8), gene by gene")
def counts_of_another_sample_under_another_name(inputs: Inputs) -> None:
    rows = [line.split("\t")[:3] for line in matrix()]
    rows[0][2] = "D1r2"
    inputs.put("rna/other.tsv", "\n".join(map("\t".join, [rows[0], *reversed(rows[1:])])))
    inputs.sample(9)["counts"] = "rna/other.tsv"


@case("E28", SAMPLES, 10, "counts", "its header does not name L1r1 (did you mean L1-R1?)")
def sample_spelled_otherwise_in_the_matrix(inputs: Inputs) -> None:
    relabelled(inputs, lambda lines: lines[0].__setitem__(4, "L1-R1"))


@case("E28", SAMPLES, 8, "counts", "holds TPM or CPM: the values of a sample add up to a million")
def matrix_of_tpm(inputs: Inputs) -> None:
    """One problem, not one of each of eight samples."""
    relabelled(inputs, lambda lines: lines.__setitem__(slice(1, None), [
        [*row[:2], *(f"{1e6 / 6 + (number - 2.5) * (place + 0.25):.3f}" for place in range(8))]
        for number, row in enumerate(lines[1:])
    ]))  # fmt: skip


@case("E14", SAMPLES, 8, "counts", "1 of 6 genes are not in reference.gtf and have no length (ENSG5.1), with up to 3")
def matrix_of_a_larger_annotation(inputs: Inputs) -> None:
    inputs.put("reference/genes.gtf", inputs.gtf(GENES[:-1]))


@case(
    "W28", SAMPLES, 8, "counts", "1 of 6 genes are not in reference.gtf and have no length (ENSG0.1), with up to 4.76%"
)
def matrix_with_a_gene_more(inputs: Inputs) -> None:
    """A marker, without TPM, and at most a twentieth of the counts."""
    inputs.put("reference/genes.gtf", inputs.gtf(GENES).replace("ENSG0.1", "ENSG9.1"))


@case("E14", SAMPLES, 8, "counts", "no gene of it (ENSG0.1, ENSG1.1, ENSG2.1, ENSG3.1 ...) is in reference.gtf")
def matrix_of_other_ids(inputs: Inputs) -> None:
    inputs.put("reference/genes.gtf", inputs.gtf(GENES).replace("ENSG", "G"))


@case(
    "W28",
    CONFIG,
    None,
    "expression.markers",
    "former symbols in the matrix (rna/matrix.tsv) are read as today's: CYR61",
)
def annotation_with_former_symbols(inputs: Inputs) -> None:
    names = ["CYR61", *GENES[1:]]
    inputs.put("reference/genes.gtf", inputs.gtf(names))
    text = (inputs.folder / "reference/markers.tsv").read_text()
    inputs.put("reference/markers.tsv", text.replace("ALB", "CCN1"))


@case("W28", CONFIG, None, "pathways.own_gene_sets.0.path", "former symbols in it are read as today's: CTGF (now CCN2)")
def gene_sets_with_former_symbols(inputs: Inputs) -> None:
    inputs.put("reference/sets.gmt", "WNT set\thttp\tAFP\tMYC\tCTGF\n")


@case("E25", SAMPLES, 9, "counts", "samples.tsv does not state which D1r2 has")
def star_counts_without_strandedness(inputs: Inputs) -> None:
    rows = [line.split("\t") for line in matrix()[1:]]
    star = ["N_unmapped\t9\t9\t9", *(f"{row[0]}\t{row[3]}\t1\t{row[3]}" for row in rows)]
    inputs.put("rna/D1r2.ReadsPerGene.out.tab", "\n".join(star))
    inputs.sample(9)["counts"] = "rna/D1r2.ReadsPerGene.out.tab"


@case("E01", SAMPLES, 8, "counts", "the gene id 'ENSG1.1' occurs 2 times")
def matrix_with_a_gene_twice(inputs: Inputs) -> None:
    lines = matrix()
    inputs.put("rna/matrix.tsv", "\n".join([*lines, lines[2]]))


@case("E01", SAMPLES, 8, "counts", "the columns 'gene_name' and 'Symbol' are duplicates")
def matrix_with_two_columns_of_names(inputs: Inputs) -> None:
    header, *rows = matrix()
    inputs.put("rna/matrix.tsv", "\n".join([f"{header}\tSymbol", *(f"{row}\tX" for row in rows)]))


@case("E16", SAMPLES, 8, "counts", "the gene name '2-Sep' is a date that a spreadsheet made")
def matrix_through_a_spreadsheet(inputs: Inputs) -> None:
    inputs.put("rna/matrix.tsv", "\n".join(matrix([*GENES, "2-Sep"])))


@case("E16", SAMPLES, 8, "counts", "the gene name '43891' is a day number that a spreadsheet made")
def matrix_with_a_day_number(inputs: Inputs) -> None:
    inputs.put("rna/matrix.tsv", "\n".join(matrix([*GENES, "43891"])))


@case(
    "E16",
    SAMPLES,
    8,
    "counts",
    "26 gene names are what a spreadsheet made of names like MARCH1 or SEPT2: '1-Mar' (a date,",
)
def matrix_with_many_damaged_names(inputs: Inputs) -> None:
    damaged = [f"{day}-{month}" for month, days in (("Mar", 12), ("Sep", 14)) for day in range(1, days + 1)]
    inputs.put("rna/matrix.tsv", "\n".join(matrix([*GENES, *damaged])))


@case("W05", SAMPLES, 8, "counts", "there are no TPM: criteria on TPM (R01, R04, R05, R07) and sex by RNA")
def matrix_without_lengths(inputs: Inputs) -> None:
    del inputs.config["reference"]["gtf"]
    inputs.config.setdefault("small_variants", {})["drivers"] = None


@case("E28", CONFIG, None, "reference.fasta", "is not FASTA")
def genome_of_another_kind(inputs: Inputs) -> None:
    inputs.put("reference/genome.fa", "chr1\t5000\n")


@case("E28", CONFIG, None, "reference.fasta", "the contig 'chr1' occurs twice")
def genome_with_a_contig_twice(inputs: Inputs) -> None:
    text = (inputs.folder / "reference/genome.fa").read_text()
    inputs.put("reference/genome.fa", text + ">chr1\nA\n")


@case("E28", CONFIG, None, "reference.mappability", "the value 50 is not between 0 and 1")
def mappability_in_percent(inputs: Inputs) -> None:
    inputs.put("reference/mappability.bedgraph", "1\t0\t2000\t50\n")


@case("E28", CONFIG, None, "reference.gtf", "is not GTF")
def gff_for_gtf(inputs: Inputs) -> None:
    inputs.put("reference/genes.gtf", "##gff-version 3\nchr1\tx\tgene\t1\t90\t.\t+\t.\tID=gene1;Name=ALB\n")


@case("E05", CONFIG, None, "pathways.own_gene_sets.0.path", "is stated")
def gene_sets_of_another_release(inputs: Inputs) -> None:
    (inputs.folder / "reference/sets.gmt").write_text("WNT set\thttp\tAFP\tMYC\n")


@case("E17", CONFIG, None, "pathways.gene_sets", "reference/sets.gmt is not a shipped file: name it in own_gene_sets")
def own_gene_sets_without_a_pin(inputs: Inputs) -> None:
    inputs.config["pathways"]["gene_sets"] = ["reference/sets.gmt"]


@case("E18", CONFIG, None, "pathways.own_gene_sets.0.licence", "the setting is missing")
def own_gene_sets_without_a_licence(inputs: Inputs) -> None:
    del inputs.config["pathways"]["own_gene_sets"][0]["licence"]


@case("E17", CONFIG, None, "pathways.own_gene_sets.0.sha256", "not a sha256 checksum")
def own_gene_sets_with_another_checksum(inputs: Inputs) -> None:
    inputs.config["pathways"]["own_gene_sets"][0]["sha256"] = "d41d8cd98f00b204e9800998ecf8427e"


@case("E18", CONFIG, None, "pathways.own_gene_sets.0.license", "unknown setting (did you mean licence?)")
def own_gene_sets_in_american_spelling(inputs: Inputs) -> None:
    own = inputs.config["pathways"]["own_gene_sets"][0]
    own["license"] = own["licence"]


@case("E16", CONFIG, None, "pathways.own_gene_sets.0.path", "the gene name '1-Mar' is a date that a spreadsheet made")
def gene_sets_through_a_spreadsheet(inputs: Inputs) -> None:
    inputs.put("reference/sets.gmt", "WNT set\thttp\tAFP\tMYC\t1-Mar\n")


@case(
    "E16",
    CONFIG,
    None,
    "expression.markers",
    "line 2 of the file: the gene name '2-Sep' is a date that a spreadsheet made",
)
def marker_through_a_spreadsheet(inputs: Inputs) -> None:
    text = (inputs.folder / "reference/markers.tsv").read_text()
    inputs.put("reference/markers.tsv", text.replace(GENES[0], "2-Sep", 1))


@case("E28", CONFIG, None, "pathways.own_gene_sets.0.path", "is not GMT")
def gene_sets_of_another_kind(inputs: Inputs) -> None:
    inputs.put("reference/sets.gmt", "set,gene\nWNT,ALB\n")


@case("E17", CONFIG, None, "expression.markers", "line 2 of the file: expected is 'higher'")
def marker_with_unknown_expectation(inputs: Inputs) -> None:
    text = (inputs.folder / "reference/markers.tsv").read_text()
    inputs.put("reference/markers.tsv", text.replace("\tup\t", "\thigher\t", 1))


@case("E17", CONFIG, None, "expression.design", "may be preceded by donor and any of platform, library_kit, seq_run")
def design_with_an_unknown_term(inputs: Inputs) -> None:
    inputs.config["expression"]["design"] = "~ medium_lot + donor + state"


@case("E17", CONFIG, None, "expression.design", "must end with state")
def design_that_tests_something_else(inputs: Inputs) -> None:
    inputs.config["expression"]["design"] = "~ state + donor"


@case("E17", CONFIG, None, "expression.design", "the design holds library_kit, and RNA sample")
def design_with_a_batch_the_sheet_does_not_tell(inputs: Inputs) -> None:
    inputs.config["expression"]["design"] = "~ library_kit + donor + state"


@case("E01", CONFIG, None, "expression.markers", "line 3 of the file: ALB occurs twice in the group 'liver'")
def marker_twice(inputs: Inputs) -> None:
    header, first, *others = (inputs.folder / "reference/markers.tsv").read_text().split("\n")
    inputs.put("reference/markers.tsv", "\n".join([header, first, first, *others]))


def put_panel(inputs: Inputs, genes: int = len(GENES), lots: int = 5, names: Sequence[str] = GENES) -> Path:
    """A reference panel of the study's annotation, or of its first genes and others. names: of the genes of its GTF."""
    ids = tuple([f"ENSG{n}.1" for n in range(genes)] + [f"OTHER{n}" for n in range(genes, len(GENES))])
    pair = Paired(lot=0.1, donor=0.2)
    panel = Panel(
        schema_version="1.2",
        version="1.0",
        annotation_sha256=gene_digest((f"ENSG{n}.1", name) for n, name in enumerate(names)),
        annotation_genes=len(names),
        gtf_sha256=gene_digest((f"ENSG{n}.1", name) for n, name in enumerate(names)),
        gene_ids=ids,
        gene_names=tuple(GENES),
        modules=(PanelModule(name="maturity", expected="down", gene_ids=ids[:1], gene_names=("ALB",), source="s"),),
        donors=(PanelDonor(donor_id="D", replicates=1, counts=tuple(range(len(ids)))),),
        lots=tuple(
            PanelLot(
                lot_id=f"P{n}", donor_id="D", outcome="PASS", report_id="3fe2a1c09b7d", replicates=1,
                modules={"maturity": pair}, markers={"ALB": pair}, counts=tuple(range(len(ids))),
            )
            for n in range(lots)
        ),
        reason="",
        made_with={},
        sha256="",
    ).sealed()  # fmt: skip
    path = inputs.folder / "reference/panel.json"
    write_panel(panel, path)
    inputs.config["expression"]["panel"] = "reference/panel.json"
    return path


@pytest.mark.parametrize("from_reads", [False, True])
def test_a_panel_of_this_annotation_is_silent(inputs: Inputs, from_reads: bool) -> None:
    put_panel(inputs)
    if from_reads:
        inputs.rna_from_reads()
    assert inputs.examine() == []


def test_a_gene_with_exons_only_is_of_the_annotation(inputs: Inputs) -> None:
    """A gene needs no line of its own: the run counts exons, and so does the check."""
    exon = 'chr1\tx\texon\t1001\t1090\t.\t+\t.\tgene_id "ENSG6.1"; gene_name "GFP"; transcript_id "T6";\n'
    inputs.put("reference/genes.gtf", inputs.gtf(GENES) + exon)
    inputs.rna_from_reads()
    put_panel(inputs, names=[*GENES, "GFP"])
    assert inputs.examine() == []


@case("E14", CONFIG, None, "expression.panel", "the genes of the annotation (reference/genes.gtf) are others")
def panel_of_an_older_gtf(inputs: Inputs) -> None:
    """All its genes are there, and one more is."""
    inputs.put("reference/genes.gtf", inputs.gtf([*GENES, "NEW"]))
    inputs.rna_from_reads()
    put_panel(inputs)


@case("E14", CONFIG, None, "expression.panel", "the genes of the matrix (rna/matrix.tsv) are others")
def panel_of_a_smaller_matrix(inputs: Inputs) -> None:
    put_panel(inputs)
    inputs.put("rna/matrix.tsv", "\n".join(matrix([*GENES, "NEW"])))
    inputs.put("reference/genes.gtf", inputs.gtf([*GENES, "NEW"]))


@case("E14", CONFIG, None, "expression.panel", "the genes of the annotation (reference/genes.gtf) are others")
def panel_of_renamed_genes(inputs: Inputs) -> None:
    inputs.rna_from_reads()
    put_panel(inputs, names=[*GENES[:-1], "MYCL"])


@case("E02", CONFIG, None, "expression.panel", "does not exist (did you mean 'panel.json'?)")
def panel_missing(inputs: Inputs) -> None:
    put_panel(inputs)
    inputs.config["expression"]["panel"] = "reference/panels.json"


@case("E28", CONFIG, None, "expression.panel", "not a reference panel: schema_version: Input should be '1.2'")
def panel_of_another_schema(inputs: Inputs) -> None:
    path = put_panel(inputs)
    path.write_text(path.read_text().replace('"schema_version": "1.2"', '"schema_version": "7"'))


@case("E28", CONFIG, None, "expression.panel", "not JSON")
def panel_that_is_no_document(inputs: Inputs) -> None:
    path = put_panel(inputs)
    path.write_text("version\t1.0\n")


@case("E28", CONFIG, None, "expression.panel", "the content is not the one that was frozen (sha256 does not fit)")
def panel_edited(inputs: Inputs) -> None:
    path = put_panel(inputs)
    path.write_text(path.read_text().replace('"lot": 0.1', '"lot": 0.3', 1))


@case(
    "E14", CONFIG, None, "expression.panel", "2 of its 6 genes are not in the matrix (rna/matrix.tsv) (OTHER4, OTHER5)"
)
def panel_of_another_annotation(inputs: Inputs) -> None:
    put_panel(inputs, genes=4)


@case("E14", CONFIG, None, "expression.panel", "are not in the annotation (reference/genes.gtf)")
def panel_of_another_gtf(inputs: Inputs) -> None:
    inputs.rna_from_reads()
    put_panel(inputs, genes=4)


@case("W05", CONFIG, None, "expression.panel", "lots in panel 1.0: 4, and limits need 5")
def panel_too_small(inputs: Inputs) -> None:
    put_panel(inputs, lots=4)


@case("E17", CONFIG, None, "pathways.axes", "line 2 of the file: informational is 'maybe'")
def axis_neither_informational_nor_not(inputs: Inputs) -> None:
    inputs.put("reference/axes.tsv", "set_name\taxis\tinformational\nWNT set\tWNT\tmaybe\n")


@case("E01", CONFIG, None, "pathways.axes", "line 3 of the file: the set 'WNT set' occurs twice")
def axis_twice(inputs: Inputs) -> None:
    inputs.put("reference/axes.tsv", "set_name\taxis\tinformational\nWNT set\tWNT\tno\nWNT set\tWNT\tno\n")


@case("E19", CONFIG, None, "pathways.axes", "no gene of any scored gene set is in the matrix (rna/matrix.tsv)")
def gene_sets_of_another_species(inputs: Inputs) -> None:
    inputs.put("reference/sets.gmt", "WNT set\thttp\tAfp\tMyc\tTrp53\n")


@case("E18", CONFIG, None, "reference.layout", "source is missing")
def layout_without_source(inputs: Inputs) -> None:
    inputs.put("reference/layout.yaml", "name: mini\nautosomes: [chr1]\n")


@case("E02", CONFIG, None, "reference.layout", "its cytobands 'bands.txt': does not exist")
def layout_without_its_cytobands(inputs: Inputs) -> None:
    (inputs.folder / "reference/bands.txt").unlink()


@case("E14", CONFIG, None, "reference.fasta", "pseudo-autosomal region of the layout mini ends beyond X")
def layout_beyond_the_genome(inputs: Inputs) -> None:
    text = (inputs.folder / "reference/layout.yaml").read_text()
    inputs.put("reference/layout.yaml", text.replace("end: 400", "end: 4000"))


def ready_bins(inputs: Inputs, rows: str) -> None:
    """Bins of a table instead of tracks."""
    inputs.put("reference/bins.tsv", f"chrom\tstart\tend\tgc\n{rows}")
    inputs.config["reference"]["bins"] = "reference/bins.tsv"
    del inputs.config["reference"]["mappability"], inputs.config["reference"]["blacklist"]


@case("E28", CONFIG, None, "reference.bins", "line 2 of the file: 500-0 is not an interval")
def bins_damaged(inputs: Inputs) -> None:
    ready_bins(inputs, "1\t500\t0\t0.4\n")


@case("E28", CONFIG, None, "reference.bins", "line 2 of the file: the value 41 is not between 0 and 1: the scale seems")
def bins_with_gc_in_percent(inputs: Inputs) -> None:
    ready_bins(inputs, "1\t0\t500\t41\n")


@case("E16", CONFIG, None, "reference.bins", "has a column 'count', which such tables do not have")
def bins_with_another_column(inputs: Inputs) -> None:
    ready_bins(inputs, "")
    inputs.put("reference/bins.tsv", "chrom\tstart\tend\tgc\tcount\n1\t0\t500\t0.4\t3\n")


@case("E14", CONFIG, None, "reference.bins", "its bins have 250 bases, and counting.bin_bp is 500")
def bins_of_another_width(inputs: Inputs) -> None:
    ready_bins(inputs, "".join(f"1\t{start}\t{start + 250}\t0.4\n" for start in range(0, 5000, 250)))


@case("E17", CONFIG, None, "reference.blacklist", "has no effect together with reference.bins")
def blacklist_beside_bins(inputs: Inputs) -> None:
    ready_bins(inputs, "".join(f"1\t{start}\t{start + 500}\t0.4\n" for start in range(0, 5000, 500)))
    inputs.config["reference"]["blacklist"] = "reference/blacklist.bed"


@case("E14", CONFIG, None, "reference.fasta", "the index genome.fa.fai lists other contigs than the file")
def genome_with_the_index_of_another(inputs: Inputs) -> None:
    inputs.put("reference/genome.fa.fai", "chr1\t4000\t8\t4000\t4001\n")


@case("E28", CONFIG, None, "reference.transcripts", "is not FASTA")
def transcripts_of_another_kind(inputs: Inputs) -> None:
    inputs.config["reference"]["transcripts"] = "reference/genes.gtf"


@case("E16", CONFIG, None, "copy_number.recurrent_regions", "has the columns region, change")
def recurrent_list_of_another_kind(inputs: Inputs) -> None:
    inputs.put("reference/recurrent.tsv", "region\tchange\tgenes\tsource\tcontext\n1q\tgain\t\tx\tx\n")
    inputs.config["copy_number"] = {"recurrent_regions": "reference/recurrent.tsv"}


@case("E17", CONFIG, None, "copy_number.recurrent_regions", "line 2 of the file: change is 'up'")
def recurrent_list_with_unknown_change(inputs: Inputs) -> None:
    inputs.put("reference/recurrent.tsv", "region\tchange\tgenes\tcontext\tsource\n1q\tup\t\tx\tx\n")
    inputs.config["copy_number"] = {"recurrent_regions": "reference/recurrent.tsv"}


@case("E18", CONFIG, None, "copy_number.recurrent_regions", "the region 1q has no source")
def recurrent_list_without_source(inputs: Inputs) -> None:
    inputs.put("reference/recurrent.tsv", "region\tchange\tgenes\tcontext\tsource\n1q\tgain\t\tx\t\n")
    inputs.config["copy_number"] = {"recurrent_regions": "reference/recurrent.tsv"}


@case("E17", CONFIG, None, "copy_number.recurrent_regions", "line 2 of the file: region is 'chr1q'")
def recurrent_list_with_chr(inputs: Inputs) -> None:
    inputs.put("reference/recurrent.tsv", "region\tchange\tgenes\tcontext\tsource\nchr1q\tgain\t\tx\tx\n")
    inputs.config["copy_number"] = {"recurrent_regions": "reference/recurrent.tsv"}


@case("E03", SAMPLES, 7, "counts", "holds the same counts as counts in line 6")
def counts_of_the_donor_as_the_lots(inputs: Inputs) -> None:
    rows = [line.replace("chr", "") for line in counts()]
    rows = [line for name in ("Y", "X", "1") for line in rows if line.startswith(name)]
    inputs.put("dna/L2.wig.gz", gzip.compress("\n".join(["contig start stop reads", *rows]).encode()))


@case("E14", SAMPLES, 7, "counts", "the bins of contig 1 differ from those of its donor (line 6)")
def counts_with_other_gaps(inputs: Inputs) -> None:
    lines = counts()
    inputs.put("dna/D2.tsv", "\n".join(lines[:3] + lines[4:]))
    inputs.put("dna/L2.wig.gz", gzip.compress("\n".join(counts(12)[:5] + counts(12)[6:]).encode()))


@case("E14", SAMPLES, 6, "counts", "none of its contigs (chr7) is in the reference (chr1, chrX, chrY, MT)")
def counts_of_other_contigs(inputs: Inputs) -> None:
    inputs.put("dna/D2.tsv", "\n".join(counts(contigs={"chr7": 5000})))


@case("W05", LOTS, 3, "lot_id", "the lot has RNA and its donor D2 has none")
def donor_without_rna(inputs: Inputs) -> None:
    del inputs.samples[10:12]  # a second donor's hepatocytes


@case("W04", LOTS, 2, "lot_id", "platform of lot (NovaSeq) and donor (HiSeq) differ")
def platforms_differ(inputs: Inputs) -> None:
    for line, platform in ((2, "HiSeq"), (3, "HiSeq"), (4, "NovaSeq")):
        inputs.sample(line)["platform"] = platform


@pytest.mark.parametrize("named", CASES, ids=lambda named: named[0])
def test_a_fault_is_told_where_it_is(
    inputs: Inputs, named: tuple[str, Break, str, str, int | None, str | None, str]
) -> None:
    name, breaking, code, file, line, column, words = named
    breaking(inputs)
    problems = inputs.examine()
    found = [problem for problem in problems if matches(problem, code, file, line, column, words)]
    assert len(found) == 1, f"{name}:\n" + "\n".join(map(str, problems))
    assert found[0].remedy
    # One fault is one problem: nothing else is blamed for it.
    assert len(problems) == ALSO.get(name, 1), "\n".join(map(str, problems))


# How many problems a fault makes where it truly breaks more than one thing.
ALSO = {
    "counts_of_other_contigs": 2,  # the lot has none of them
    "counts_of_another_assembly": 2,  # the lot's bins differ from them
    "lots_in_a_circle": 2,  # each is its own ancestor
    "counts_in_odd_bins": 2,  # the lot's bins differ from them
    "counts_without_an_autosome": 2,  # the lot has it
    "genome_without_y": 2,  # the BAM has Y
    "matrix_of_another_species": 3,  # neither markers nor gene sets nor driver genes fit
    "matrix_with_a_gene_more": 2,  # a marker
    "no_genome": 2,  # no transcripts either
}


def matches(problem: Problem, code: str, file: str, line: int | None, column: str | None, words: str) -> bool:
    if file == CONFIG:
        return (problem.code, problem.column) == (code, column) and words in str(problem)
    return (problem.code, problem.file, problem.line, problem.column) == (code, file, line, column) and (
        words in str(problem)
    )


def test_all_faults_are_told_in_one_pass(inputs: Inputs) -> None:
    names = {
        *(
            "donor_twice",
            "file_missing",
            "mates_swapped",
            "passage_with_a_letter",
            "alignment_spells_contigs_otherwise",
        ),
        *("age_beyond_life", "counts_negative", "matrix_normalised", "column_with_personal_data", "setting_misspelled"),
        *("criterion_twice", "gff_for_gtf", "mappability_in_percent", "marker_with_unknown_expectation"),
        *("lots_in_a_circle", "checksum_without_file"),
    }
    chosen = [case for case in CASES if case[0] in names]
    assert len(chosen) == len(names)
    inputs.donors.append({"donor_id": "D2", "sex": "M"})  # its row was taken by donor_twice
    moved = {"mates_swapped": lambda: inputs.sample(2).update(fastq_1="reads/a_2.fq.gz", fastq_2="reads/a_1.fq.gz")}
    for name, breaking, *_ in chosen:
        moved.get(name, lambda breaking=breaking: breaking(inputs))()
    problems = inputs.examine()
    for name, _, code, file, line, column, words in chosen:
        line = 2 if name in moved else line
        assert any(matches(problem, code, file, line, column, words) for problem in problems), f"{name}\n{problems}"
    assert problems == sorted(problems, key=lambda problem: (problem.file, problem.line or 0))
    with pytest.raises(InputProblems) as raised:
        check.load(inputs.config, inputs.folder)
    assert str(raised.value).count("\n    -> ") == len(problems)


def test_a_setting_is_told_with_file_and_line(inputs: Inputs) -> None:
    inputs.config["counting"] = {"bin_bp": 500, "min_mapq": 99}
    (problem,) = inputs.examine()
    path = inputs.folder / "config/config.yaml"
    assert problem.file == str(path)
    assert path.read_text().splitlines()[(problem.line or 0) - 1] == "  min_mapq: 99"
    assert "must be at most 60" in problem.message


def test_a_key_that_stands_twice_is_told(inputs: Inputs) -> None:
    inputs.examine()
    path = inputs.folder / "config/config.yaml"
    path.write_text(path.read_text() + "counting:\n  min_mapq: 5\n")
    problems = check.examine(yaml.safe_load(path.read_bytes()), inputs.folder, [path])[2]
    assert [(p.code, p.line) for p in problems if "occurs twice" in p.message] == [
        ("E18", len(path.read_text().split("\n")) - 2)
    ]


def test_load_gives_the_study_and_prints_warnings_once(inputs: Inputs, capsys: pytest.CaptureFixture[str]) -> None:
    one_replicate(inputs)
    inputs.examine()
    config, study = check.load(inputs.config, inputs.folder)
    assert config.counting.bin_bp == BIN
    assert isinstance(study, Study)
    assert [unit.unit for unit in study.samples["D1w"]] == ["D1w.1", "D1w.2"]
    assert study.lots["L3"].passage == 8
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("W12 warning") == 1
    assert check.load(inputs.config, inputs.folder, contents=False) == (config, study)
    assert capsys.readouterr().err == ""


def test_jobs_look_into_no_file(inputs: Inputs) -> None:
    inputs.examine()
    for folder in ("reads", "dna", "rna", "reference"):
        os.rename(inputs.folder / folder, inputs.folder / f"{folder}.away")
    check.load(inputs.config, inputs.folder, contents=False)
    with pytest.raises(InputProblems):
        check.load(inputs.config, inputs.folder)


def test_checking_writes_nothing(inputs: Inputs) -> None:
    inputs.examine()
    before = {path: path.stat().st_mtime_ns for path in inputs.folder.rglob("*")}
    check.load(inputs.config, inputs.folder)
    assert {path: path.stat().st_mtime_ns for path in inputs.folder.rglob("*")} == before


def test_a_study_of_rna_alone_is_a_warning(inputs: Inputs) -> None:
    inputs.samples = [row for row in inputs.samples if row["assay"] == "rnaseq"]
    assert {(problem.code, problem.line) for problem in inputs.examine()} == {
        ("W05", None),
        ("E25", 4),
    }  # L3 has no RNA
    del inputs.lots[2]
    assert [(problem.code, problem.warning) for problem in inputs.examine()] == [("W05", True)]


def test_a_study_of_counts_needs_bins_and_no_genome(inputs: Inputs) -> None:
    inputs.lots = inputs.lots[1:2]
    inputs.samples = inputs.samples[4:6]
    del inputs.config["reference"]["fasta"], inputs.config["reference"]["gtf"]
    (problem,) = inputs.examine()
    assert (problem.code, problem.column) == ("E27", "reference.fasta")
    rows = [f"{name}\t{start}\t{start + BIN}\t0.4" for name, end in CONTIGS.items() for start in range(0, end, BIN)]
    ready_bins(inputs, "\n".join(rows))
    assert inputs.examine() == []


def test_cram_is_read_without_its_reference(inputs: Inputs) -> None:
    cram, fasta = inputs.folder / "dna/L3.cram", inputs.folder / "reference/genome.fa"
    pysam.faidx(str(fasta))
    pysam.view("-C", "-T", str(fasta), "-o", str(cram), str(inputs.folder / "dna/L3.bam"), catch_stdout=False)
    inputs.sample(5)["alignment"] = "dna/L3.cram"
    assert inputs.examine() == []
    cram.write_bytes(cram.read_bytes()[:-38])
    (problem,) = inputs.examine()
    assert (problem.code, problem.line, problem.column) == ("E28", 5, "alignment")


def test_shipped_resources_have_no_fault(inputs: Inputs) -> None:
    del inputs.config["expression"], inputs.config["pathways"], inputs.config["acceptance"]
    assert {problem.code for problem in inputs.examine()} == {"E19", "W19"}  # the study's six genes are not all markers


def test_the_simulated_study_is_silent(study: Path) -> None:
    path = study / "config/config.yaml"
    assert check.examine(yaml.safe_load(path.read_bytes()), study, [path])[2] == []


def test_ten_thousand_rows_take_seconds(inputs: Inputs) -> None:
    inputs.lots = [
        {"lot_id": f"L{n}", "donor_id": "D1", "passage": "3", "parent_lot_id": f"L{n - 1}"} for n in range(10_000)
    ]
    inputs.lots[0]["parent_lot_id"] = ""
    bam(inputs.folder / "dna/L3.bam", sample="S0")
    wgs = {"assay": "wgs", "alignment": "dna/L3.bam"}
    inputs.samples = [wgs | {"sample_id": f"S{n}", "lot_id": f"L{n}"} for n in range(10_000)]
    inputs.samples.append(wgs | {"sample_id": "D1w", "donor_id": "D1"})
    start = time.process_time()
    problems = inputs.examine()
    assert time.process_time() - start < 20  # about 3 s on an idle machine
    assert [problem.code for problem in problems] == ["E03"] * 10_000


def test_nothing_heavy_is_imported() -> None:
    """Every job of a run parses the Snakefile, and so imports this module."""
    code = "import sys, karyolot.inputs.check; print(*sorted({'pandas', 'pandera', 'anndata', 'scipy'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_counts_of_one_sample_each_fit_a_matrix(inputs: Inputs) -> None:
    """STAR, HTSeq and featureCounts beside a matrix of the same genes."""
    rows = [line.split("\t") for line in matrix()[1:]]
    star = ["N_unmapped\t9\t9\t9", *(f"{row[0]}\t{row[3]}\t1\t{row[3]}" for row in rows)]
    htseq = [*(f"{row[0]}\t{row[4]}" for row in rows), "__no_feature\t99"]
    counted = ["# Program:featureCounts", "Geneid\tChr\tStart\tEnd\tStrand\tLength\tbam/L1r2.bam"]
    counted += [f"{row[0]}\tchr1\t1\t90\t+\t90\t{row[5]}" for row in rows]
    for line, name, lines in ((9, "star.tab", star), (10, "htseq.txt", htseq), (11, "featurecounts.txt", counted)):
        inputs.put(f"rna/{name}", "\n".join(lines))
        inputs.sample(line)["counts"] = f"rna/{name}"
    for line in range(8, 16):
        inputs.sample(line)["strandedness"] = "reverse"
    assert inputs.examine() == []


def test_every_code_is_described() -> None:
    package = Path(check.__file__).parents[1]
    modules = (package / "inputs").rglob("*.py")
    used = {code for module in modules for code in re.findall(r'"([EW]\d\d)"', module.read_text())}
    assert used | {"E05", "E29"} == CODES.keys()


NASTY = st.one_of(
    st.binary(max_size=300),
    st.text(max_size=200).map(str.encode),
    st.text(alphabet='\t\n\r"#;,sample_idlot0DN\x00\xa0\u200b-=.', max_size=200).map(
        lambda text: text.encode("utf-16")
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sheet=st.sampled_from(["donors", "lots", "samples"]), content=NASTY, header=st.booleans())
def test_any_bytes_as_a_sheet_give_problems_not_a_crash(
    inputs: Inputs, sheet: str, content: bytes, header: bool
) -> None:
    if header:
        content = b"sample_id\tassay\tlot_id\tdonor_id\tfastq_1\tpassage\tsex\n" + content
    inputs.sheets = {sheet}
    inputs.put(f"config/{sheet}.tsv", content)
    inputs.examine()
    with suppress(InputProblems):
        check.load(inputs.config, inputs.folder)


PROBES: list[Callable[[Path], Any]] = [
    fastq.look,
    alignment.look,
    lambda path: sites.look(path, None, None),
    lambda path: variants.look(path, "a", "b"),
    fasta.look,
    gtf.look,
    gene_sets.look,
    markers.look,
    bin_counts.look,
    layout.look,
    bins.look,
    regions.look,
    lambda path: gene_counts.look(path, (("a", "reverse"),)),
    lambda path: intervals.look(path, intervals.TIMING),
    lambda path: allele_counts.look(path, None, "a"),
    lambda path: yaml_format.look(path, Acceptance),
    lambda path: text.table(path, ("a", "b")),
    yaml_format.load,
    lambda path: yaml_format.line_of(path, ["a", 1]),
]
STARTS = [
    b"",
    b"@",
    b">",
    b"CRAM",
    b"CRAM",
    b"CRAM\x03",
    b"? [a]: b\n",
    b"? [a]: b\n",
    b"fixedStep chrom=1 start=1 step=5\n",
    b"a\tb\n",
    b"chr1\t0\t5\t",
    b"criteria:\n",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
@given(start=st.sampled_from(STARTS), content=NASTY, zipped=st.booleans())
def test_any_bytes_as_a_file_give_a_fault_not_a_crash(
    tmp_path: Path, start: bytes, content: bytes, zipped: bool
) -> None:
    path = tmp_path / "file"
    path.write_bytes(gzip.compress(start + content) if zipped else start + content)
    for read in PROBES:
        with suppress(Fault):
            read(path)


LONG_LINES: dict[str, tuple[str, Callable[[Path], Any]]] = {
    "track": ("chr1\t0\t100\t", lambda path: intervals.look(path, intervals.TIMING)),
    "WIG": ("fixedStep chrom=1 start=1 step=5\n", lambda path: intervals.look(path, intervals.MAPPABILITY)),
    "blacklist": ("chr1\t0\t100\t", lambda path: intervals.look(path, intervals.REGIONS)),
    "bins": ("chrom\tstart\tend\tgc\nchr1\t0\t5\t", bins.look),
    "counts": ("chr1\t0\t5\t", bin_counts.look),
    "gene counts": ("gene_id\ta\nG\t", lambda path: gene_counts.look(path, (("a", "reverse"),))),
    "allele counts": ("chrom\tpos\t", lambda path: allele_counts.look(path, None, "a")),
    "annotation": ("chr1\tx\texon\t1\t9\t", gtf.look),
    "gene sets": ("name\tsource\t", gene_sets.look),
    "panel of SNPs": (
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n1\t5\t.\t",
        lambda p: sites.look(p, None, None),
    ),
    "calls of variants": (
        "##fileformat=VCFv4.2\n#CHROM\tPOS\tID\tREF\tALT\n1\t5\t.\t",
        lambda p: variants.look(p, "a", "b"),
    ),
    "markers": ("gene_name\t", markers.look),
    "sheet": ("a\tb\n1\t", lambda path: list(text.table(path, ("a", "b")))),
}


@pytest.fixture(scope="module")
def endless() -> bytes:
    """A gzip stream that breaks off within a line, a little behind the length that a line may have."""
    return gzip.compress(b"1" * (text.LONGEST_LINE + 4 * text.BLOCK), 1)[:-9]


@pytest.mark.parametrize("kind", LONG_LINES)
def test_of_a_line_without_end_no_more_is_read_than_a_line_may_hold(kind: str, endless: bytes, tmp_path: Path) -> None:
    """600 MB of one line are 600 kB of gzip: a reader that looks for its end fills the memory, and here comes to the break."""
    start, look = LONG_LINES[kind]
    (path := tmp_path / "file.gz").write_bytes(gzip.compress(start.encode()) + endless)
    with pytest.raises(Fault, match="holds a line of more than 16 MB") as found:
        look(path)
    assert found.value.line == start.count("\n") + 1


def test_both_mates_are_looked_at_even_when_one_is_missing(inputs: Inputs) -> None:
    (inputs.folder / "reads/c_1.fq.gz").unlink()
    inputs.reads("c_2", b">a\nACGT\n")
    assert [(problem.code, problem.column) for problem in inputs.examine()] == [("E02", "fastq_1"), ("E28", "fastq_2")]


def test_names_from_files_give_a_terminal_no_orders(inputs: Inputs) -> None:
    bam(inputs.folder / "dna/L3.bam", CONTIGS | {"\x1b[2Jx": 10})
    inputs.reads("c_2", reads(9, 2).replace(b"run:9", b"\x1b[31m"))
    problems = inputs.examine()
    assert len(problems) == 2
    assert "\x1b" not in "".join(map(str, problems))


def test_ids_of_a_matrix_are_named_by_the_annotation(inputs: Inputs) -> None:
    nameless = ["\t".join(cells[:1] + cells[2:]) for cells in (line.split("\t") for line in matrix())]
    inputs.put("rna/matrix.tsv", "\n".join(nameless).replace(".1\t", ".7\t"))
    assert inputs.examine() == []
    del inputs.config["reference"]["gtf"]
    assert {problem.code for problem in inputs.examine()} == {"E19", "W05"}, "neither names nor lengths"
