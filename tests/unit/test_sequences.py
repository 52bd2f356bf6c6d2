"""FASTQ files are verified whole; fragments are counted once, and only good ones."""

import gzip
import hashlib
from pathlib import Path

import pysam
import pytest

from karyolot.contracts.problems import KaryolotError
from karyolot.io.sequences import contigs_of, fragment_midpoints, mate_number, verify_reads


def fastq(names: list[str], quality: str = "I", length: int = 10) -> bytes:
    return "".join(f"@{name}\n{'A' * length}\n+\n{quality * length}\n" for name in names).encode()


def pair(tmp_path: Path, first: bytes, second: bytes) -> list[str | Path]:
    paths = [tmp_path / "r_1.fq.gz", tmp_path / "r_2.fq.gz"]
    for path, data in zip(paths, (first, second), strict=True):
        path.write_bytes(gzip.compress(data, mtime=0))
    return list(paths)


NAMES = [f"read{i}" for i in range(2000)]


def test_facts_of_a_good_pair(tmp_path: Path) -> None:
    paths = pair(tmp_path, fastq([f"{n} 1:N:0:A" for n in NAMES]), fastq([f"{n} 2:N:0:A" for n in NAMES], length=12))
    digest = hashlib.sha256(Path(paths[0]).read_bytes()).hexdigest()
    facts = verify_reads(paths, [digest, None])
    assert facts["reads"] == 2000 and facts["bases"] == 2000 * 22
    assert (facts["read_length_min"], facts["read_length_max"]) == (10, 12)
    assert facts["files"][0]["sha256"] == digest and facts["files"][1]["bytes"] == Path(paths[1]).stat().st_size


def test_a_single_file_is_fine(tmp_path: Path) -> None:
    paths = pair(tmp_path, fastq(NAMES), b"")
    assert verify_reads(paths[:1], [None])["reads"] == 2000


def damage(tmp_path: Path, kind: str) -> list[str | Path]:
    first, second = fastq([f"{n}/1" for n in NAMES]), fastq([f"{n}/2" for n in NAMES])
    if kind == "swapped":
        return pair(tmp_path, second, first)
    if kind == "short":
        return pair(tmp_path, first, fastq([f"{n}/2" for n in NAMES[:-1]]))
    if kind == "disorder":
        return pair(tmp_path, first, fastq([f"{n}/2" for n in reversed(NAMES)]))
    if kind == "empty":
        return pair(tmp_path, b"", b"")
    if kind == "phred64":
        return pair(tmp_path, fastq(NAMES, "h"), fastq(NAMES, "h"))
    if kind == "not fastq":
        return pair(tmp_path, b"chrom\tstart\n1\t2\n", second)
    paths = pair(tmp_path, first, second)
    whole = Path(paths[1]).read_bytes()
    if kind == "cut":
        Path(paths[1]).write_bytes(whole[: len(whole) // 2])
    elif kind == "cut trailer":
        Path(paths[1]).write_bytes(whole[:-4])
    elif kind == "crc":
        Path(paths[1]).write_bytes(whole[:-8] + bytes(4) + whole[-4:])
    elif kind == "record cut":
        Path(paths[1]).write_bytes(gzip.compress(second[:-7]))
    return paths


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("swapped", "exchange fastq_1 and fastq_2"),
        ("short", "r_2.fq.gz: ends before its mate"),
        ("disorder", "not in the same order"),
        ("empty", "holds no read"),
        ("phred64", "Phred\\+64"),
        ("not fastq", "not a whole FASTQ file"),
        ("cut", "damaged or cut short|not a whole FASTQ"),
        ("cut trailer", "damaged or cut short|not a whole FASTQ"),
        ("crc", "damaged or cut short"),
        ("record cut", "not a whole FASTQ file"),
    ],
)
def test_damaged_reads_are_refused_with_the_remedy(tmp_path: Path, kind: str, message: str) -> None:
    with pytest.raises(KaryolotError, match=message):
        verify_reads(damage(tmp_path, kind), [None, None])


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(KaryolotError, match="the sample sheet says"):
        verify_reads(pair(tmp_path, fastq(NAMES), fastq(NAMES)), ["0" * 64, None])


def test_mate_numbers() -> None:
    assert [mate_number(n) for n in ("a/1", "a/2", "a 1:N:0:X", "a 2:Y:18:", "a", "a.1", "a 3:N", "a b")] == [
        1, 2, 1, 2, None, None, None, None,
    ]  # fmt: skip


def alignment(tmp_path: Path) -> Path:
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 5000}, {"SN": "chr2", "LN": 900}]}
    path = tmp_path / "a.bam"
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        # (start, template length, flag, mapping quality): proper pairs have 99/147.
        rows = [
            (100, 300, 99, 60), (100, 300, 99 | pysam.FDUP, 60), (150, 300, 99, 19), (200, 300, 65, 60),
            (250, 300, 99 | pysam.FSECONDARY, 60), (260, 301, 99, 20), (350, -300, 147, 60), (400, 300, 99 | pysam.FQCFAIL, 60),
        ]  # fmt: skip
        for i, (start, length, flag, quality) in enumerate(rows):
            read = pysam.AlignedSegment(out.header)
            read.query_name, read.flag, read.reference_id, read.reference_start = f"r{i}", flag, 0, start
            read.mapping_quality, read.cigarstring, read.query_sequence = quality, "50M", "A" * 50
            read.template_length, read.next_reference_id, read.next_reference_start = (
                length,
                0,
                max(start + length - 50, 0),
            )
            out.write(read)
    pysam.index(str(path))
    return path


def test_each_good_fragment_is_counted_once(tmp_path: Path) -> None:
    path = alignment(tmp_path)
    assert contigs_of(path) == [("chr1", 5000), ("chr2", 900)]
    assert fragment_midpoints(path, "chr1", 20).tolist() == [250, 410]
    assert fragment_midpoints(path, "chr2", 20).tolist() == []
    assert fragment_midpoints(path, "chr1", 0).tolist() == [250, 300, 410]


def test_what_is_no_alignment_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.bam").write_bytes(b"not a bam")
    with pytest.raises(KaryolotError, match="not a readable BAM or CRAM"):
        contigs_of(tmp_path / "x.bam")
