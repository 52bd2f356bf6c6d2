"""Reads of a known sequence: each fragment counts once, at the right base, when it is good enough."""

from pathlib import Path

import pandas as pd
import pysam
import pytest

from karyolot.contracts.alleles import AlleleCounts
from karyolot.contracts.settings import Identity
from karyolot.io.alleles import count_alleles

SEQUENCE = "ACGT" * 250
SITES = pd.DataFrame(
    {"chrom": "chr1", "start": [100, 120, 600], "end": [101, 121, 601], "ref": "A", "alt": "G", "frequency": 0.5}
)


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{SEQUENCE}\n>chrX\n{SEQUENCE}\n")
    pysam.faidx(str(path))
    return path


def read(
    name: str, start: int, cigar: str = "50M", *, bases: dict[int, str] | None = None, quality: int = 30,
    flag: int = 0x3 | 0x40, mapq: int = 60,
) -> pysam.AlignedSegment:  # fmt: skip
    """A read that shows the reference but for `bases` (position in the read -> base)."""
    made = pysam.AlignedSegment()
    made.query_name, made.flag, made.reference_id, made.reference_start = name, flag, 0, start
    made.mapping_quality, made.cigarstring = mapq, cigar
    sequence, place = "", start
    for operation, length in made.cigartuples or ():
        if operation in (pysam.CMATCH,):
            sequence += SEQUENCE[place : place + length]
            place += length
        elif operation in (pysam.CINS, pysam.CSOFT_CLIP):
            sequence += "T" * length
        else:
            place += length
    for at, base in (bases or {}).items():
        sequence = sequence[:at] + base + sequence[at + 1 :]
    made.query_sequence = sequence
    made.query_qualities = pysam.qualitystring_to_array(chr(quality + 33) * len(sequence))
    made.next_reference_id, made.next_reference_start, made.template_length = 0, start, 150
    return made


def counted(
    fasta: Path, reads: list[pysam.AlignedSegment], suffix: str = "bam", spliced: bool = False
) -> list[list[int]]:
    path = fasta.parent / f"reads.{suffix}"
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 1000}, {"SN": "chrX", "LN": 1000}]}
    mode = "wc" if suffix == "cram" else "wb"
    with pysam.AlignmentFile(str(path), mode, header=header, reference_filename=str(fasta)) as handle:
        for one in sorted(reads, key=lambda r: r.reference_start):
            handle.write(one)
    pysam.index(str(path))
    table = AlleleCounts.validate(count_alleles(path, fasta, SITES, Identity(), spliced=spliced))
    found: list[list[int]] = table[["ref_count", "alt_count", "other_count"]].to_numpy().tolist()
    return found


@pytest.mark.parametrize("suffix", ["bam", "cram"])
def test_alleles_are_counted(fasta: Path, suffix: str) -> None:
    reads = [
        read("a", 90), read("b", 80, bases={20: "G"}), read("c", 90, bases={10: "C"}),
        read("d", 590, bases={10: "G"}),
    ]  # fmt: skip
    assert counted(fasta, reads, suffix) == [[1, 1, 1], [3, 0, 0], [0, 1, 0]]


def test_clips_insertions_and_deletions_move_the_base(fasta: Path) -> None:
    reads = [
        read("clip", 90, "5S45M", bases={15: "G"}),
        read("insertion", 90, "5M2I43M", bases={12: "G"}),
        read("deletion", 90, "5M2D43M", bases={8: "G"}),
        read("gone", 90, "8M4D42M"),
    ]
    assert counted(fasta, reads) == [[0, 3, 0], [4, 0, 0], [0, 0, 0]]


def test_a_fragment_counts_once_and_not_when_its_mates_disagree(fasta: Path) -> None:
    second = 0x3 | 0x80
    reads = [
        read("agree", 90, bases={10: "G"}), read("agree", 95, bases={5: "G"}, flag=second),
        read("differ", 90, bases={10: "G"}), read("differ", 95, flag=second),
        read("near", 60, "30M"), read("near", 95, flag=second),
    ]  # fmt: skip
    assert counted(fasta, reads)[0] == [1, 1, 0]


def test_poor_reads_and_bases_do_not_count(fasta: Path) -> None:
    reads = [
        read("base", 90, quality=19), read("place", 90, mapq=19), read("duplicate", 90, flag=0x3 | 0x400),
        read("improper", 90, flag=0x1), read("supplementary", 90, flag=0x3 | 0x800), read("good", 90, quality=20, mapq=20),
    ]  # fmt: skip
    assert counted(fasta, reads)[0] == [1, 0, 0]


def test_mates_of_rna_may_be_apart_alone_or_unplaced(fasta: Path) -> None:
    reads = [read("apart", 90, flag=0x1), read("single", 90, flag=0), read("unplaced", 90, flag=0x1 | 0x8),
             read("clipped", 96, "30S20M", bases={34: "G"}, flag=0x1), read("second", 90, flag=0x100)]  # fmt: skip
    assert counted(fasta, reads)[0] == [0, 0, 0]
    assert counted(fasta, reads, spliced=True)[0] == [3, 1, 0]
