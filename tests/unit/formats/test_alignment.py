"""BAM and CRAM: what header, first reads and end say, before any job."""

from collections.abc import Callable
from pathlib import Path

import pysam
import pytest

from karyolot.contracts.problems import Fault
from karyolot.inputs.formats import alignment
from planted_inputs import CONTIGS, bam

Change = Callable[[int, pysam.AlignedSegment], None]


def changed(path: Path, change: Change, records: int = 1200) -> Path:
    """A BAM of good pairs, each record changed."""
    bam(path, records=records)
    with pysam.AlignmentFile(str(path)) as handle:
        header, reads = handle.header, list(handle)
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for number, read in enumerate(reads):
            change(number, read)
            out.write(read)
    return path


def flags(flag: int) -> Change:
    return lambda _, read: setattr(read, "flag", flag)


def test_good_pairs_have_facts(tmp_path: Path) -> None:
    bam(tmp_path / "a.bam", records=100)
    facts = alignment.look(tmp_path / "a.bam")
    assert facts.contigs == CONTIGS and facts.samples == {"L3w"}


@pytest.mark.parametrize(
    ("change", "records", "words"),
    [
        (flags(0x43), 1200, "its first 1200 reads are all first mates"),
        (flags(0x43), 25, "its first 25 reads are all first mates"),
        (flags(0x83), 1200, "all second mates"),
        (
            lambda n, read: setattr(read, "flag", 0x81 if n % 2 else 0x41),
            1200,
            r"none of its first 1200 .* proper pair",
        ),
        (flags(0), 1200, "its reads are not paired"),
        (
            lambda n, read: setattr(read, "flag", 0x8D if n % 2 else 0x4D),
            1200,
            "none of its first 1200 reads is aligned",
        ),
        (lambda _, read: setattr(read, "flag", read.flag | 0x100), 1200, "holds no read"),
        (lambda _, read: setattr(read, "flag", read.flag | 0x400), 1200, "can be counted: 1200 are duplicates .0x400."),
        (lambda _, read: setattr(read, "flag", read.flag | 0x400), 40, "none of its first 40 reads is of a fragment"),
        (lambda _, read: setattr(read, "flag", read.flag | 0x200), 1200, "1200 are failed quality checks .0x200."),
        (
            lambda n, read: setattr(read, "flag", read.flag | 0x400 if n % 2 else 0x41),
            1200,
            r"600 are no proper pair .*, 600 are duplicates",
        ),
    ],
)
def test_reads_of_which_no_fragment_can_be_counted_are_refused(
    tmp_path: Path, change: Change, records: int, words: str
) -> None:
    with pytest.raises(Fault, match=words):
        alignment.look(changed(tmp_path / "a.bam", change, records))


def test_improper_pairs_at_the_beginning_are_common(tmp_path: Path) -> None:
    def improper(number: int, read: pysam.AlignedSegment) -> None:
        read.flag = (read.flag & ~0x2) if number < 1100 else read.flag

    assert alignment.look(changed(tmp_path / "a.bam", improper)).contigs == CONTIGS


def test_a_file_in_which_nothing_maps_well_is_refused_when_all_of_it_was_seen(tmp_path: Path) -> None:
    """Reads at the beginning of a chromosome map poorly; those of a whole file do not."""
    path = changed(tmp_path / "a.bam", lambda _, read: setattr(read, "mapping_quality", 19))
    assert alignment.look(path, 19).contigs == CONTIGS
    with pytest.raises(Fault, match=r"none of its first 1200 reads .*: 1200 are mapped with a quality below 20"):
        alignment.look(path, 20)
    path = changed(tmp_path / "b.bam", lambda n, read: setattr(read, "mapping_quality", 20 * (n > 10_100)), 10_200)
    assert alignment.look(path, 20).contigs == CONTIGS


def test_duplicates_at_the_beginning_are_common(tmp_path: Path) -> None:
    path = changed(tmp_path / "a.bam", lambda n, read: setattr(read, "flag", read.flag | 0x400 * (n < 1100)))
    assert alignment.look(path).contigs == CONTIGS


def test_a_comment_in_latin1_is_read(tmp_path: Path) -> None:
    """samtools takes any bytes in a header."""
    path = tmp_path / "a.bam"
    bam(path, records=30)
    with pysam.AlignmentFile(str(path)) as handle:
        header, reads = handle.header.to_dict() | {"CO": ["37 degrees"]}, list(handle)
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for read in reads:
            out.write(read)
    with pysam.BGZFile(str(path)) as handle:
        data = handle.read()
    with pysam.BGZFile(str(path), "wb") as out:
        out.write(data.replace(b"37 degrees", b"37\xb0C    \xb5l", 1))
    assert alignment.look(path).samples == {"L3w"}
    fasta, cram = tmp_path / "g.fa", tmp_path / "a.cram"
    fasta.write_text("".join(f">{name}\n{'ACGTN' * (n // 5)}\n" for name, n in CONTIGS.items()))
    pysam.view("-C", "-T", str(fasta), "-o", str(cram), str(path), catch_stdout=False)
    assert alignment.look(cram).samples == {"L3w"}


def test_bam_and_cram_of_the_same_reads_have_one_digest(tmp_path: Path) -> None:
    fasta, cram = tmp_path / "g.fa", tmp_path / "a.cram"
    fasta.write_text("".join(f">{name}\n{'ACGTN' * (n // 5)}\n" for name, n in CONTIGS.items()))
    bam(tmp_path / "a.bam", records=300)
    pysam.view("-C", "-T", str(fasta), "-o", str(cram), str(tmp_path / "a.bam"), catch_stdout=False)
    fasta.unlink()
    facts = [alignment.look(tmp_path / name) for name in ("a.bam", "a.cram")]
    assert facts[0] == facts[1]
    other = changed(tmp_path / "b.bam", lambda n, read: setattr(read, "query_name", f"x{n}"), 300)
    assert alignment.look(other).digest != facts[0].digest


def test_a_cram_of_unsorted_reads_is_read_with_the_indexed_genome(tmp_path: Path) -> None:
    """A slice with reads of several contigs cannot be decoded without a genome, and the header names one that is not there."""
    fasta, cram = tmp_path / "g.fa", tmp_path / "a.cram"
    fasta.write_text("".join(f">{name}\n{'ACGTN' * (n // 5)}\n" for name, n in CONTIGS.items()))
    of_two = changed(tmp_path / "a.bam", lambda n, read: setattr(read, "reference_id", n // 2 % 2), 300)
    pysam.view("-C", "-T", str(fasta), "-o", str(cram), str(of_two), catch_stdout=False)
    moved = fasta.rename(tmp_path / "moved.fa")
    for given in (None, moved):
        with pytest.raises(Fault, match="not a readable BAM or CRAM file"):
            alignment.look(cram, 0, given)
    assert not moved.with_name("moved.fa.fai").exists()
    pysam.faidx(str(moved))
    assert alignment.look(cram, 0, moved) == alignment.look(of_two)


def test_sam_is_named_with_the_command_that_converts_it(tmp_path: Path) -> None:
    (tmp_path / "a.bam").write_text("@SQ\tSN:chr1\tLN:5\n")
    with pytest.raises(Fault, match=r"is SAM.*samtools view -b"):
        alignment.look(tmp_path / "a.bam")


def test_what_broke_the_reading_is_named(tmp_path: Path) -> None:
    bam(tmp_path / "a.bam")
    data = bytearray((tmp_path / "a.bam").read_bytes())
    data[-70] ^= 0x55
    (tmp_path / "a.bam").write_bytes(data)
    with pytest.raises(Fault, match=r"not a readable BAM or CRAM file") as found:
        alignment.look(tmp_path / "a.bam")
    assert "Closing failed" not in found.value.message
