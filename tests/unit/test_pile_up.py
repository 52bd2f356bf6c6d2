"""Reads of a known sequence: each fragment counts once, at the right base, when it is good enough."""

from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karyolot.contracts.alleles import AlleleCounts
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Identity
from karyolot.io.alleles import count_alleles, stretches

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


@pytest.mark.parametrize("suffix", ["bam", "cram"])
@pytest.mark.parametrize("depth", [1, 12])
def test_counts_are_those_of_each_site_read_alone(tmp_path: Path, suffix: str, depth: int) -> None:
    """Slices of 50 reads, deletions and clips; sites crowded and far apart, on two contigs, one of them without reads."""
    rng = np.random.default_rng(depth)
    sequence = "".join(rng.choice(list("ACGT"), 60_000))
    fasta, path = tmp_path / "g.fa", tmp_path / f"a.{suffix}"
    fasta.write_text(f">chr1\n{sequence}\n>chr2\n{sequence}\n>chr3\n{sequence}\n")
    pysam.faidx(str(fasta))
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": f"chr{n}", "LN": 60_000} for n in (1, 2, 3)]}
    options = [b"seqs_per_slice=50"] if suffix == "cram" else []
    mode = "wc" if suffix == "cram" else "wb"
    with pysam.AlignmentFile(
        str(path), mode, header=header, reference_filename=str(fasta), format_options=options
    ) as out:
        for contig in (0, 2):
            for number, start in enumerate(np.sort(rng.integers(0, 59_000, 600 * depth)).tolist()):
                made = read(f"r{rng.integers(0, 500 * depth)}", 0, ["50M", "20M30D30M", "10S40M"][number % 3])
                made.reference_id, made.reference_start = contig, start
                made.query_sequence = "".join(rng.choice(list("ACGT"), 50))
                made.query_qualities = pysam.qualitystring_to_array("".join(rng.choice(list("+?"), 50)))
                made.flag = int(rng.choice([99, 147, 99 | pysam.FDUP, 65]))
                out.write(made)
    pysam.index(str(path))
    places = np.unique(np.concatenate([rng.integers(0, 60_000, 40), np.arange(30_000, 30_060, 3), [0, 59_999]]))
    tables = [
        pd.DataFrame({"chrom": f"chr{n}", "start": places, "end": places + 1, "ref": "A", "alt": "G"})
        for n in (1, 2, 3)
    ]
    sites = pd.concat(tables, ignore_index=True).assign(frequency=0.5)
    alone = [
        count_alleles(path, fasta, sites.iloc[[row]].reset_index(drop=True), Identity()) for row in range(len(sites))
    ]
    found = count_alleles(path, fasta, sites, Identity())
    pd.testing.assert_frame_equal(found, pd.concat(alone, ignore_index=True))
    assert found["ref_count"].sum() > depth and not found.loc[found["chrom"] == "chr2", "ref_count"].any()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 80)), max_size=30),
    st.sets(st.integers(0, 1000), min_size=1, max_size=30),
)
def test_no_part_of_the_file_is_decoded_for_two_stretches(parts: list[tuple[int, int]], places: set[int]) -> None:
    start = np.array(sorted(place for place, _ in parts), dtype=np.int64)
    end = start + np.array([length for _, length in parts], dtype=np.int64)
    sites = np.array(sorted(places))
    found = list(stretches(sites, start, end))
    assert [row for low, high in found for row in range(low, high)] == list(range(len(sites)))
    read = [
        {part for part in range(len(start)) if start[part] <= sites[high - 1] and end[part] > sites[low]}
        for low, high in found
    ]
    assert sum(map(len, read)) == len(set().union(*read))


def test_a_damaged_index_is_named(fasta: Path) -> None:
    counted(fasta, [read("a", 90)], "cram")
    index = fasta.parent / "reads.cram.crai"
    index.write_bytes(index.read_bytes()[:20])
    with pytest.raises(KaryolotError, match=r"reads.cram.*(index|not a readable)"):
        count_alleles(fasta.parent / "reads.cram", fasta, SITES, Identity())
