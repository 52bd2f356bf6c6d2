"""Reads of lot and donor that were placed by different aligners are named before a run, and each aligner in the record."""

from pathlib import Path

import pysam
import pytest

from karyolot.contracts.aligners import family_of
from karyolot.inputs.formats import alignment
from karyolot.io.fragments import aligner_of
from planted_inputs import Inputs, bam


@pytest.mark.parametrize(
    ("lines", "family"),
    [
        ("@PG\tID:bwa\tPN:bwa\tVN:0.7.17-r1188\tCL:bwa mem -t 8 minimap2.fa", "bwa"),
        ("@PG\tID:bwa-mem2-1\tVN:2.2.1", "bwa"),
        ("@PG\tID:mem3\tPN:bwa-mem3", "bwa"),
        ("@PG\tPN:minimap2\tID:minimap2", "minimap2"),
        ("@PG\tID:DRAGEN HW build 05.021", "DRAGEN"),
        ("@PG\tID:STAR\tPN:STAR", "STAR"),
        ("@PG\tID:bwa\tPN:bwa\n@PG\tID:minimap2\tPN:minimap2", "bwa and minimap2"),
        ("@PG\tID:samtools\tPN:samtools\tCL:samtools sort bwa.bam", None),
        ("@CO\tPN:bwa", None),
        ("", None),
    ],
)
def test_the_aligner_is_the_program_that_the_header_names(lines: str, family: str | None) -> None:
    assert family_of("@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:9\n" + lines) == family


def headed(path: Path, program: str) -> None:
    """Give a BAM the header line of a program."""
    bam(path)
    with pysam.AlignmentFile(str(path)) as given:
        header, records = given.header.to_dict() | {"PG": [{"ID": program, "PN": program}]}, list(given)
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for record in records:
            out.write(record)


def test_an_alignment_says_who_made_it(tmp_path: Path) -> None:
    headed(tmp_path / "a.bam", "minimap2")
    assert alignment.look(tmp_path / "a.bam").aligner == "minimap2" == aligner_of(tmp_path / "a.bam")


@pytest.mark.parametrize(("program", "warned"), [("minimap2", True), ("bwa-mem2", False), ("own-aligner", False)])
def test_the_check_warns_of_a_lot_that_was_aligned_otherwise_than_its_donor(
    program: str, warned: bool, tmp_path: Path
) -> None:
    """The donor of L3 comes as reads, which alignment.aligner aligns."""
    inputs = Inputs(tmp_path)
    headed(tmp_path / "dna/L3.bam", program)
    problems = inputs.examine()
    assert [(problem.code, problem.column, problem.warning) for problem in problems] == [
        ("W28", "alignment", True)
    ] * warned
    assert not warned or "aligned by minimap2, and those of its donor by bwa" in problems[0].message


def test_two_alignments_of_one_aligner_are_no_warning(tmp_path: Path) -> None:
    inputs = Inputs(tmp_path)
    headed(tmp_path / "dna/L3.bam", "minimap2")
    headed(tmp_path / "dna/D1.bam", "minimap2")
    bam_of_donor = {"sample_id": "D1w", "assay": "wgs", "donor_id": "D1", "alignment": "dna/D1.bam"}
    inputs.samples[:2] = [bam_of_donor]
    found = [problem.message for problem in inputs.examine()]
    assert not any("its donor by minimap2" in message for message in found)
    assert any("aligned by minimap2, and those of its lot 'L1' by bwa" in message for message in found), found
