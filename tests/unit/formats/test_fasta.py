"""FASTA: lengths and composition at any line width, with an index that fits and without; one that does not is named."""

import gzip
import os
import random
from pathlib import Path
from unittest import mock

import pysam
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karyolot.contracts.problems import Fault
from karyolot.inputs.formats import fasta
from outcomes import outcome


def genome(path: Path, end: str = "\n", seed: int = 5) -> dict[str, str]:
    """A genome of lines of several widths; its sequences by name."""
    rng = random.Random(seed)
    contigs = {f"contig{n}": "".join(rng.choices("ACGTNacgts", k=rng.randrange(1, 30_000))) for n in range(5)}
    contigs["even"] = "ACGT" * 30
    with path.open("w", newline="") as handle:
        for name, bases in contigs.items():
            width = rng.choice([1000, 61, 60, len(bases)])
            lines = [f">{name} a > in the header", *(bases[n : n + width] for n in range(0, len(bases), width))]
            handle.write(end.join([*lines, ""]))
    return contigs


@pytest.mark.parametrize("block", [1, 7, 64, 1 << 22])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lengths_and_composition_are_those_of_the_sequence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, end: str
) -> None:
    monkeypatch.setattr(fasta, "BLOCK", block)
    path = tmp_path / "genome.fa"
    contigs = genome(path, end)
    if block < 64:  # byte by byte a small one is enough
        path.write_bytes(f">a x{end}AC{end}GT{end}N{end}>b{end}GGss".encode())
        contigs = {"a": "ACGTN", "b": "GGss"}
    assert fasta.look(path).contigs == {name: len(bases) for name, bases in contigs.items()}
    lengths, composition = fasta.read(path, 700)
    assert dict(lengths) == fasta.look(path).contigs
    for name, bases in contigs.items():
        parts = [bases[n : n + 700] for n in range(0, len(bases), 700)]
        gc, called = ([sum(base in letters for base in part) for part in parts] for letters in ("GCSgcs", "ACGTacgt"))
        assert composition[name].tolist() == [gc, called]


def test_an_index_is_believed_when_it_fits(tmp_path: Path) -> None:
    path, index = tmp_path / "genome.fa", tmp_path / "genome.fa.fai"
    for end in ("\n", "\r\n"):
        lengths = {name: len(bases) for name, bases in genome(path, end).items()}
        pysam.faidx(str(path))
        assert fasta._indexed(path, index) == lengths == fasta.look(path).contigs
    packed = tmp_path / "genome.fa.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert fasta.look(packed).contigs == lengths
    (tmp_path / "genome.fa.gz.fai").write_bytes(index.read_bytes())
    assert fasta.look(packed).contigs == lengths
    index.write_text("no index\n")
    assert fasta.look(path).contigs == lengths


OTHERS = {
    "another name": "other\t{length}\t29\t{width}\t{line}\n",
    "shorter": "contig0\t5\t29\t{width}\t{line}\n",
    "one contig of six": "contig0\t{length}\t29\t{width}\t{line}\n",
    "longer than the file": "contig0\t9000000\t29\t60\t61\n",
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_an_index_of_another_file_is_named(tmp_path: Path, text: str, zipped: bool) -> None:
    path = tmp_path / "genome.fa"
    lengths = {name: len(bases) for name, bases in genome(path).items()}
    pysam.faidx(str(path))
    first = (tmp_path / "genome.fa.fai").read_text().split("\n")[0].split("\t")
    index = tmp_path / "genome.fa.fai"
    if zipped:
        path = tmp_path / "genome.fa.gz"
        path.write_bytes(gzip.compress((tmp_path / "genome.fa").read_bytes()))
        index = tmp_path / "genome.fa.gz.fai"
        text = text.replace("contig0", "contig1")
    index.write_text(text.format(length=first[1], width=first[3], line=first[4]))
    with pytest.raises(Fault, match=f"the index {index.name} lists other contigs than the file; delete"):
        fasta.look(path)
    os.utime(index, (1, 1))  # older than the genome: not believed
    assert fasta.look(path).contigs == lengths


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"ACGT\n", "is not FASTA"),
        (b">a\nACGT\n>a\nACGT\n", "the contig 'a' occurs twice"),
        (b">a\n>b\nACGT\n", "the contig 'a' has no bases"),
        (b">a\nACGT\n>b\n", "the contig 'b' has no bases"),
        (b">a\nACGT\n>b", "the contig 'b' has no bases"),
        (b">\nACGT\n", "a contig has no name"),
        (b">a\nAC-GT*\n", "holds '-', which is not a base"),
        (b">a\nNNNN\n>b\nnnXRY\n", "holds no base: every letter is N"),
        (
            b">ENSP1\nMKTAYIAKQR\n",
            "the contig 'ENSP1' holds 'I', which is not a base: it is a protein; name the FASTA file of n",
        ),
        (b">a\nACGT\n>b\nMKLV\n", "the contig 'b' holds 'L', which is not a base"),
        (b"BAM\x01", "is a BAM file"),
        (b">" + b"a" * 70_000, "header of more than 64 kB"),
    ],
)
def test_what_is_no_genome_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "genome.fa"
    path.write_bytes(content)
    for reader in (fasta.look, lambda path: fasta.read(path, 10)):
        with pytest.raises(Fault, match=words):
            reader(path)


@pytest.mark.parametrize(("bases", "words"), [("N" * 300, "every letter is N"), ("MKLVTT" * 50, "which is not a base")])
def test_an_index_does_not_hide_what_is_no_genome(tmp_path: Path, bases: str, words: str) -> None:
    path = tmp_path / "genome.fa"
    path.write_text(f">a\n{bases}\n")
    Path(f"{path}.fai").write_text("a\t300\t3\t300\t301\n")
    for look in (fasta.look, fasta.check_head):
        with pytest.raises(Fault, match=words):
            look(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    st.lists(st.sampled_from([b">", b"\n", b"a", b"ACGT", b"N", b"\r\n", b" ", b"\xff", b">b\n", b"-"]), max_size=30)
)
def test_what_the_check_accepts_the_run_reads(tmp_path: Path, parts: list[bytes]) -> None:
    path = tmp_path / "genome.fa"
    path.write_bytes(b">a" + b"".join(parts))
    facts, fault = outcome(fasta.look, path)
    table, other = outcome(fasta.read, path, 3)
    assert fault == other
    if facts is None or table is None:
        return
    contigs, composition = table
    assert dict(contigs) == facts.contigs
    assert [table.shape[1] for table in composition.values()] == [-(-length // 3) for _, length in contigs]


def test_a_genome_cut_short_is_noticed_beside_its_index(tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">chr1\nACGT\nAC\n>chr2\nACGT\nACG\n")
    Path(f"{path}.fai").write_text("chr1\t6\t6\t4\t5\nchr2\t7\t20\t4\t5\n")
    assert fasta.look(path).contigs == {"chr1": 6, "chr2": 7}
    for cut in (
        ">chr1\nACGT\nAC\n>chr2\nACGT\nAC",
        ">chr1\nACGT\nAC\n>chr2\nACGT\nAC\n",
        ">chr1\nACGT\nAC\n>chr2\nACGT\n",
    ):
        path.write_text(cut)
        os.utime(f"{path}.fai", (2**32, 2**32))
        with pytest.raises(Fault, match="lists other contigs than the file"):
            fasta.look(path)


def test_a_long_genome_without_an_index_is_named_with_what_to_do(tmp_path: Path) -> None:
    content = b">chr1\n" + "".join(random.Random(1).choices("ACGT", k=900)).encode() + b"\n"
    plain, zipped, blocks = (tmp_path / name for name in ("a.fa", "a.fa.gz", "b.fa.gz"))
    plain.write_bytes(content)
    zipped.write_bytes(gzip.compress(content))
    with pysam.BGZFile(str(blocks), "wb") as out:
        out.write(content)
    assert [fasta.look(path).notes for path in (plain, zipped, blocks)] == [()] * 3
    with mock.patch.object(fasta, "LONG", 100):
        notes = {path: fasta.look(path).notes for path in (plain, zipped, blocks)}
        assert "gunzip" in notes[zipped][0].remedy
        for path in (plain, blocks):
            assert "has no index" in notes[path][0].message
            pysam.faidx(str(path))
            assert fasta.look(path).notes == ()


def test_a_genome_whose_last_line_has_no_end_may_be_cut(tmp_path: Path) -> None:
    """Without an index, a contig that is shorter than it was is a contig like any other."""
    path = tmp_path / "g.fa"
    path.write_text(">chr1\nACGT\nAC\n>chrM\nACGT\nAC")
    (note,) = fasta.look(path).notes
    assert note.code == "W28" and "may be cut short" in note.message
    for whole in (">chr1\nACGT\n", ">chr1\r\nACGT\r\n"):
        path.write_text(whole, newline="")
        assert fasta.look(path).notes == ()
