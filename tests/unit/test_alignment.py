"""Fragments of our own alignments are counted once, and only good ones."""

from pathlib import Path

import pysam
import pytest

from karyolot.contracts.problems import KaryolotError
from karyolot.io.alignment import fragment_midpoints, open_alignment


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
    found = {name: places.tolist() for name, places in fragment_midpoints(path, ["chr1", "chr2"], 20).items()}
    assert found == {"chr1": [250, 410], "chr2": []}
    assert fragment_midpoints(path, ["chr1"], 0)["chr1"].tolist() == [250, 300, 410]


def test_an_alignment_without_one_fragment_stops_with_the_numbers(tmp_path: Path) -> None:
    """All but the duplicate lose their flag of a proper pair, as first mates without their second ones do."""
    path = alignment(tmp_path)
    with pysam.AlignmentFile(str(path)) as handle:
        header, records = handle.header, list(handle)
    for record in records:
        record.flag &= ~pysam.FPROPER_PAIR
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for record in records:
            out.write(record)
    pysam.index(str(path))
    words = r"a.bam: no fragment of 8 mapped reads could be counted: 0 are a proper pair \(flag 0x2\), 1 are duplicates"
    with pytest.raises(KaryolotError, match=words):
        fragment_midpoints(path, ["chr1", "chr2"], 20)


def test_what_is_no_alignment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.bam").write_bytes(b"not a bam")
    with pytest.raises(KaryolotError, match="not a readable BAM or CRAM"), open_alignment(tmp_path / "x.bam"):
        pass
