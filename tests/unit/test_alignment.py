"""Fragments of our own alignments are counted once, and only good ones."""

import subprocess
from pathlib import Path
from unittest import mock

import numpy as np
import pysam
import pytest

from karyolot.contracts.problems import KaryolotError
from karyolot.io import htslib
from karyolot.io.alignment import NOT_COUNTED, open_alignment
from karyolot.io.fragments import fragments
from karyolot.plan.commands import remove_genome_path


def alignment(tmp_path: Path) -> Path:
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": "chr1", "LN": 5000}, {"SN": "chr2", "LN": 900}]}
    path = tmp_path / "a.cram"
    with pysam.AlignmentFile(str(path), "wc", header=header, format_options=[b"no_ref=1"]) as out:
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


def genome(path: Path) -> Path:
    """A FASTA of the contigs of an alignment."""
    fasta = path.with_name("g.fa")
    with pysam.AlignmentFile(str(path)) as handle:
        contigs = zip(handle.references, handle.lengths, strict=True)
        fasta.write_text("".join(f">{name}\n{'ACGTN' * (length // 5)}\n" for name, length in contigs))
    return fasta


def midpoints(path: Path, min_mapq: int) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for piece in fragments(path, genome(path), min_mapq):
        found.setdefault(piece.contig, []).extend((piece.start + piece.length // 2).tolist())
    return found


def test_each_good_fragment_is_counted_once(tmp_path: Path) -> None:
    path = alignment(tmp_path)
    assert midpoints(path, 20) == {"chr1": [250, 410]}
    assert midpoints(path, 0)["chr1"] == [250, 300, 410]


@pytest.mark.parametrize("piece", [1 << 16, 777])
def test_a_cram_gives_each_fragment_that_a_loop_over_its_reads_gives(tmp_path: Path, piece: int) -> None:
    """Reads with clipped ends, insertions and deletions, more of them than are copied at once, of all flags, on three contigs."""
    rng = np.random.default_rng(4)
    header = {"HD": {"VN": "1.6", "SO": "coordinate"}, "SQ": [{"SN": f"chr{n}", "LN": 90_000} for n in range(1, 4)]}
    header["RG"] = [{"ID": "a", "SM": "s"}]
    path, cigars = (
        tmp_path / "a.cram",
        ["100M", "10S90M", "40M2I58M", "40M3D60M", "90M10S", "1M1D" * 80 + "20=", "50=50X"],
    )
    with pysam.AlignmentFile(str(path), "wc", header=header, format_options=[b"no_ref=1"]) as out:
        for contig in range(3):
            for number, start in enumerate(np.sort(rng.integers(0, 80_000, 12_000)).tolist()):
                read = pysam.AlignedSegment(out.header)
                read.query_name, read.reference_id, read.reference_start = f"r{contig}.{number}", contig, start
                read.flag = int(rng.choice([99, 147, 83, 163, 65, 99 | pysam.FDUP, 73, 99 | pysam.FSUPPLEMENTARY]))
                read.mapping_quality, read.cigarstring = (
                    int(rng.integers(0, 61)),
                    cigars[int(rng.integers(len(cigars)))],
                )
                read.query_sequence, read.template_length = "ACGT" * 25, int(rng.integers(-400, 400))
                read.next_reference_id, read.next_reference_start = contig, start + 100
                read.set_tag("RG", "a")
                out.write(read)
    pysam.index(str(path))
    expected: dict[str, list[tuple[int, int]]] = {}
    bases = 0
    with open_alignment(path) as handle:
        for read in handle:
            good = read.is_proper_pair and not read.flag & NOT_COUNTED and read.mapping_quality >= 20
            if good and read.template_length > 0:
                expected.setdefault(read.reference_name, []).append((read.reference_start, read.template_length))
                bases += sum(length for kind, length in read.cigartuples if kind in (0, 7, 8))
    with mock.patch.object(htslib, "PIECE", piece):
        pieces = list(fragments(path, genome(path), 20))
    found: dict[str, list[tuple[int, int]]] = {}
    for piece in pieces:
        found.setdefault(piece.contig, []).extend(zip(piece.start.tolist(), piece.length.tolist(), strict=True))
    assert found == expected and sum(map(len, found.values())) > 3000
    assert sum(piece.left_bases for piece in pieces) == bases
    second = list(fragments(path, genome(path), 20, "chr2"))
    assert {piece.contig for piece in second} == {"chr2"}
    assert sum(len(piece.start) for piece in second) == len(expected["chr2"])


def test_a_cram_cut_short_is_refused(tmp_path: Path) -> None:
    path = alignment(tmp_path)
    fasta = genome(path)
    pysam.view("-b", "-o", str(tmp_path / "a.bam"), str(path), catch_stdout=False)
    with pytest.raises(KaryolotError, match=r"a.bam: not a CRAM file"):
        list(fragments(tmp_path / "a.bam", fasta, 20))
    whole = path.read_bytes()
    path.write_bytes(whole[:-60])
    with pytest.raises(KaryolotError, match=r"a.cram: not a readable BAM or CRAM .*fetch or make it again"):
        list(fragments(path, fasta, 20))
    path.write_bytes(whole[:-38])  # between two containers, of which the last is empty
    with pytest.raises(KaryolotError, match=r"its end is missing.*fetch or make it again"):
        list(fragments(path, fasta, 20))


def test_a_cram_names_no_folder_and_is_read_with_the_genome_that_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads of several contigs in one slice, which cannot be decoded without a genome; the study is moved, then read from
    another directory."""
    made, study = tmp_path / "made", tmp_path / "study"
    made.mkdir()
    sam = "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:chr1\tLN:5000\n@SQ\tSN:chr2\tLN:900\n"
    for contig in ("chr1", "chr2"):
        for start in range(100, 140):
            sam += f"{contig}{start}\t99\t{contig}\t{start}\t60\t5S45M\t=\t{start + 200}\t250\t{'ACGTN' * 10}\t{'F' * 50}\n"
    (made / "a.sam").write_text(sam)
    fasta, cram = genome(made / "a.sam"), made / "a.cram"
    together = ["-O", "cram,multi_seq_per_slice=1", "-T", str(fasta), "-o", str(cram)]
    pysam.view("--no-PG", *together, str(made / "a.sam"), catch_stdout=False)
    header = pysam.view("--no-PG", "-H", str(cram))
    part = cram.rename(made / "a.cram.part")
    subprocess.run(["bash", "-euc", remove_genome_path(str(cram))], check=True)
    part.rename(cram)
    pysam.index(str(cram))
    assert f"\tUR:{fasta}" in header and "\tM5:" in header
    assert pysam.view("--no-PG", "-H", str(cram)) == header.replace(f"\tUR:{fasta}", "")
    made.rename(study)
    monkeypatch.chdir("/")
    monkeypatch.setenv("REF_PATH", "none")
    words = [str(study / "a.sam")], ["-T", str(study / "g.fa"), "-x", "MD", "-x", "NM", str(study / "a.cram")]
    shown = [pysam.view(*own) for own in words]
    assert shown[0] == shown[1] and shown[0].count("\n") == 80
    pieces = list(fragments(study / "a.cram", study / "g.fa", 20))
    assert {piece.contig: len(piece.start) for piece in pieces} == {"chr1": 40, "chr2": 40}


def test_an_alignment_without_one_fragment_stops_with_the_numbers(tmp_path: Path) -> None:
    """All but the duplicate lose their flag of a proper pair, as first mates without their second ones do."""
    path = alignment(tmp_path)
    with pysam.AlignmentFile(str(path)) as handle:
        header, records = handle.header, list(handle)
    for record in records:
        record.flag &= ~pysam.FPROPER_PAIR
    with pysam.AlignmentFile(str(path), "wc", header=header, format_options=[b"no_ref=1"]) as out:
        for record in records:
            out.write(record)
    pysam.index(str(path))
    words = (
        r"a.cram: no fragment of 8 mapped reads could be counted: 0 are a proper pair \(flag 0x2\), 1 are duplicates"
    )
    with pytest.raises(KaryolotError, match=words):
        list(fragments(path, genome(path), 20))


def test_what_is_no_alignment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.bam").write_bytes(b"not a bam")
    with pytest.raises(KaryolotError, match="not a readable BAM or CRAM"), open_alignment(tmp_path / "x.bam"):
        pass
    with pytest.raises(KaryolotError, match="not a readable BAM or CRAM"):
        list(fragments(tmp_path / "x.bam", tmp_path / "g.fa", 20))


def test_another_layout_of_records_is_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A record as older versions of htslib held it: positions of 32 bits, the contig first."""
    older = [(name, "i4") for name in ("contig", "start")] + list(htslib.RECORD.descr[2:])
    monkeypatch.setattr(htslib, "RECORD", np.dtype(older))
    htslib._prepare.cache_clear()
    path = alignment(tmp_path)
    with pytest.raises(KaryolotError, match=r"pysam [0-9.]+ has another layout of records; install the pysam of"):
        list(fragments(path, genome(path), 20))
    htslib._prepare.cache_clear()
