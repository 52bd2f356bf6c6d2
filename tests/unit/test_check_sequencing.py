"""What the check says of reads, alignments, allele counts, the panel and ready calls, in a study that is right otherwise."""

import gzip
from pathlib import Path
from typing import Any

import pysam
import pytest

from karyolot.contracts.problems import Problem
from karyolot.inputs.study import parse_config, parse_study
from karyolot.plan import files, samples
from planted_inputs import CONTIGS, Inputs, bam, reads


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path)


def only(inputs: Inputs, code: str, words: str) -> Problem:
    problems = inputs.examine()
    assert len(problems) == 1, "\n".join(map(str, problems))
    assert problems[0].code == code and words in problems[0].message, str(problems[0])
    return problems[0]


# The same reads under another wrapping


def test_a_donors_reads_recompressed_as_the_lots_are_found(inputs: Inputs) -> None:
    for mate in (1, 2):
        data = gzip.decompress((inputs.folder / f"reads/a_{mate}.fq.gz").read_bytes())
        inputs.put(f"reads/c_{mate}.fq.gz", gzip.compress(data, 1))
    problem = only(inputs, "E03", "holds the same reads as fastq_1 in line 2")
    assert (problem.line, problem.column) == (4, "fastq_1")


def test_a_donors_alignment_converted_to_the_lots_is_found(inputs: Inputs) -> None:
    fasta, cram = inputs.folder / "reference/genome.fa", inputs.folder / "dna/D1.cram"
    bam(inputs.folder / "D1.bam", sample="D1w")
    pysam.view("-C", "-T", str(fasta), "-o", str(cram), str(inputs.folder / "D1.bam"), catch_stdout=False)
    inputs.samples[0] = {"sample_id": "D1w", "assay": "wgs", "donor_id": "D1", "alignment": "dna/D1.cram"}
    del inputs.samples[1]
    assert only(inputs, "E03", "holds the same reads as alignment in line 2").line == 4


def test_counts_of_the_donor_zipped_as_the_lots_are_found(inputs: Inputs) -> None:
    inputs.put("dna/L2.wig.gz", gzip.compress((inputs.folder / "dna/D2.tsv").read_bytes()))
    assert only(inputs, "E03", "holds the same counts as counts in line 6").line == 7


def test_interleaved_mates_are_reported_for_each_file(inputs: Inputs) -> None:
    both = [reads(2, mate).split(b"\n") for mate in (1, 2)]
    mixed = [line for at in range(0, 80, 4) for lines in both for line in lines[at : at + 4]]
    inputs.reads("c_1", b"\n".join(mixed) + b"\n")
    inputs.reads("c_2", b"\n".join(mixed[:40]) + b"\n")
    found = inputs.examine()
    assert [(problem.code, problem.column) for problem in found] == [("E28", "fastq_1"), ("E28", "fastq_2")]
    assert all("interleaved" in problem.message and "seqtk seq -1" in problem.remedy for problem in found)


# Names in the header of an alignment


@pytest.mark.parametrize("name", ["L1w", "D1", "l2", "D1r1"])
def test_an_alignment_of_another_sample_of_the_sheet_is_refused(inputs: Inputs, name: str) -> None:
    bam(inputs.folder / "dna/L3.bam", sample=name)
    assert only(inputs, "E30", f"read groups name '{name}' (SM)").line == 5


@pytest.mark.parametrize("name", ["L3w", "L3", "l3W"])
def test_an_alignment_of_the_sample_or_the_lot_is_silent(inputs: Inputs, name: str) -> None:
    bam(inputs.folder / "dna/L3.bam", sample=name)
    assert inputs.examine() == []


def test_an_unknown_name_is_a_warning(inputs: Inputs) -> None:
    bam(inputs.folder / "dna/L3.bam", sample="plate7-A01")
    assert only(inputs, "W28", "'plate7-A01' (SM), not L3w or L3").warning


# The panel


def panel(inputs: Inputs, alleles: str = "AC", number: int = 1200, shift: int = 0) -> None:
    """A BED over chr1, which is ACGTN again and again."""
    rows = [f"chr1\t{place}\t{place + 1}\t{alleles[0]}\t{alleles[1]}" for place in range(shift, 5000, 5)][:number]
    inputs.put("reference/sites.bed", "\n".join(rows))
    inputs.config["identity"] = {"sites": "reference/sites.bed"}


def test_a_small_panel_is_a_warning_with_its_number(inputs: Inputs) -> None:
    panel(inputs, number=12)
    assert only(inputs, "W05", "12 sites are used, and about 1000 are needed").column == "identity.sites"


def test_a_panel_is_held_against_the_genome(inputs: Inputs) -> None:
    panel(inputs, shift=2)
    assert (
        only(inputs, "E14", "1000 of 1000 reference alleles are not the base of the genome").column == "identity.sites"
    )


def test_a_panel_on_another_strand_is_turned_with_a_warning(inputs: Inputs) -> None:
    panel(inputs, "TG")
    assert only(inputs, "W28", "1000 sites were turned, 1000 are used").warning


# One mistake is one problem


def test_a_misspelled_assay_is_the_only_problem_of_its_row(inputs: Inputs) -> None:
    """Nobody reads its matrix as counts per bin, and nothing is said of designs that it may complete."""
    inputs.sample(8)["assay"] = "RNA-seq"
    (problem,) = inputs.examine()
    assert (problem.code, problem.line, problem.column, problem.meant) == ("E17", 8, "assay", "rnaseq")


def test_no_word_of_the_opposite_meaning_is_suggested(inputs: Inputs) -> None:
    inputs.sample(8)["strandedness"] = "reverse stranded"
    assert only(inputs, "E17", "not an allowed value").meant == "reverse"


def test_read_groups_are_compared_with_the_names_that_a_row_has(inputs: Inputs) -> None:
    inputs.sample(5)["sample_id"] = "L3–w"
    note = next(problem for problem in inputs.examine() if problem.code == "W28")
    assert note.message.endswith("not L3")


# Ready calls of small variants


VCF = """##fileformat=VCFv4.2
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="reads">
##contig=<ID=chr1,length=5000>
#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\tD1w\t{}
chr1\t101\t.\tA\tG\t50\t.\t.\tAD\t20,9\t15,0
"""


def test_ready_calls_are_looked_at(inputs: Inputs) -> None:
    inputs.put("reference/genes.bed", "chr1\t10\t90\tTP53\n")
    inputs.config["small_variants"] |= {"genes": "reference/genes.bed", "calls": "calls/{lot}.vcf"}
    inputs.put("calls/L1.vcf", VCF.format("L1w"))
    assert "does not exist" in only(inputs, "E02", "").message
    inputs.put("calls/L3.vcf", VCF.format("L3"))
    only(inputs, "E28", "holds no sample L3w (it has D1w, L3)")
    for wrong in ("20", "-20,9"):
        inputs.put("calls/L3.vcf", VCF.format("L3w").replace("20,9", wrong))
        only(inputs, "E28", f"chr1:101 has 2 alleles, and AD {wrong}")
    inputs.put("calls/L3.vcf", VCF.format("L3w").replace("chr1", "1"))
    only(inputs, "E14", "contig names do not match the reference: 1 here, chr1 there")
    inputs.put("calls/L3.vcf", VCF.format("L3w").replace("\t101\t", "\t6001\t"))
    only(inputs, "E14", "another assembly: chr1 has variants up to base 6001 here and 5000 bases in the reference")
    inputs.put("calls/L3.vcf", VCF.format("L3w"))
    assert inputs.examine() == []


# Allele counts


HEAD = "Chromosome,Position,Ref,Alt,File1R,File1A,File1E,File1D,File2R,File2A,File2E,File2D\n"


def with_alleles(inputs: Inputs, number: int = 1200, contig: str = "1", text: str | None = None) -> Inputs:
    rows = [f"{contig},{place + 1},A,G,{place % 7},{place % 5},0,0,{place % 3},2,0,0" for place in range(number)]
    inputs.put("dna/alleles.csv", text or HEAD + "\n".join(rows))
    inputs.sample(6).update(alleles="dna/alleles.csv", alleles_name="File1")
    inputs.sample(7).update(alleles="dna/alleles.csv", alleles_name="File2")
    return inputs


def test_counts_with_alleles_are_silent_and_give_the_lot_an_identity(inputs: Inputs) -> None:
    assert with_alleles(inputs).examine() == []
    settings, _ = parse_config(inputs.config)
    study = parse_study(settings, inputs.folder, "config.yaml")[0].study()
    assert samples.allele_lots(study, settings) == ["L2"]
    assert [samples.snps_asked(study, settings, lot) for lot in ("L1", "L2", "L3")] == [False, True, False]
    assert files.alleles_of(study, settings, "L2") == {
        "donor": "results/samples/D2w/alleles.parquet", "lot": "results/samples/L2w/alleles.parquet", "rna": [],
    }  # fmt: skip
    assert samples.allele_names(study, "D2w") == ["File1", "D2w"] and files.panel_sites(settings) == []
    assert "dna/alleles.csv" in files.own_files(study, settings, "L2")
    assert samples.lots_with_reads(study, settings) == ["L1", "L3"]


def test_with_a_panel_all_lots_have_an_identity(inputs: Inputs) -> None:
    panel(inputs)
    with_alleles(inputs)
    assert inputs.examine() == []
    settings, _ = parse_config(inputs.config)
    study = parse_study(settings, inputs.folder, "config.yaml")[0].study()
    assert samples.allele_lots(study, settings) == ["L1", "L2", "L3"]
    assert all(samples.snps_asked(study, settings, lot) for lot in study.lots)
    assert files.panel_sites(settings) == ["results/reference/sites.parquet"]


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"number": 40}, "W05", "40 sites are shared with its donor"),
        ({"contig": "chr77"}, "E14", "none of its contigs (chr77) is in the reference"),
        ({"text": "hello\n"}, "E28", "is neither snp-pileup's CSV"),
    ],
)
def test_allele_counts_that_do_not_fit_are_reported(
    inputs: Inputs, change: dict[str, Any], code: str, words: str
) -> None:
    with_alleles(inputs, **change)
    found = [problem for problem in inputs.examine() if problem.code == code and words in problem.message]
    assert found and {problem.column for problem in found} == {"alleles"}


def test_the_donors_column_given_to_the_lot_is_found(inputs: Inputs) -> None:
    with_alleles(inputs)
    inputs.sample(7)["alleles_name"] = "File1"
    assert only(inputs, "E03", "the same reads per allele as the table of its donor (line 6)").line == 7


def test_tables_of_other_sites_are_found(inputs: Inputs) -> None:
    with_alleles(inputs)
    rows = [f"2,{place + 1},A,G,1,2,0,0,3,4,0,0" for place in range(1200)] + ["1,4999,A,G,1,1,0,0,1,1,0,0"]
    inputs.put("dna/other.csv", HEAD + "\n".join(rows))
    inputs.sample(7)["alleles"] = "dna/other.csv"
    only(inputs, "E14", "has no site in common with the alleles of its donor (line 6)")


@pytest.mark.parametrize(
    ("line", "cells", "words"),
    [
        (5, {"alleles": "dna/alleles.csv"}, "alleles are counted from the reads of this row"),
        (8, {"alleles": "dna/alleles.csv"}, "allele counts are for whole-genome samples only"),
        (6, {"alleles_name": "File1"}, "alleles_name is given without a file of alleles"),
    ],
)
def test_allele_counts_stand_beside_counts_of_a_genome(
    inputs: Inputs, line: int, cells: dict[str, str], words: str
) -> None:
    with_alleles(inputs)
    for row in (6, 7):
        inputs.sample(row).pop("alleles")
        inputs.sample(row).pop("alleles_name")
    inputs.sample(line).update(cells)
    only(inputs, "E25", words)


def test_first_mates_alone_are_refused(inputs: Inputs) -> None:
    bam(inputs.folder / "dna/L3.bam", CONTIGS, records=60)
    with pysam.AlignmentFile(str(inputs.folder / "dna/L3.bam")) as handle:
        header, records = handle.header, [read for read in handle if read.is_read1]
    with pysam.AlignmentFile(str(inputs.folder / "dna/L3.bam"), "wb", header=header) as out:
        for read in records:
            out.write(read)
    assert only(inputs, "E28", "its first 30 reads are all first mates").column == "alignment"
