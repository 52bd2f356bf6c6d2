"""bwa-mem3 beside bwa on one index: the same records, whatever the threads; and its faults, each in one sentence."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from karyolot.contracts.problems import KaryolotError
from karyolot.io import machine, mem3, mem3_index

GROUP = r"@RG\tID:lib\tSM:S\tLB:lib\tPL:ILLUMINA"
WHOLE = 100_000_000
"""Bases of a batch that holds all reads of a test."""
OWN_TAGS = ("MQ:", "HN:")
UNMAPPED, MATE_UNMAPPED, SECONDARY, SUPPLEMENTARY = 0x4, 0x8, 0x100, 0x800
COMPLEMENT = str.maketrans("ACGT", "TGCA")
Pair = tuple[str, str, str]
"""Name and bases of both mates."""


class Genome(NamedTuple):
    prefix: Path
    contigs: dict[str, str]

    @property
    def text(self) -> str:
        return "".join(self.contigs.values())


def index(folder: Path, contigs: dict[str, str]) -> Genome:
    """Both indices of a genome, as the rules make them."""
    fasta, prefix = folder / "genome.fa", folder / "genome"
    fasta.write_text("".join(f">{name} a description\n{bases}\n" for name, bases in contigs.items()))
    subprocess.run(["bwa", "index", "-p", str(prefix), str(fasta)], check=True, capture_output=True)
    mem3_index.convert(f"{prefix}.bwt", f"{prefix}.sa", f"{prefix}.bwt.2bit.64")
    return Genome(prefix, contigs)


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    """400 kb with a family of repeats at 0 to 10 % divergence, a tandem array, N, and a short contig."""
    rng = np.random.default_rng(5)
    family = rng.choice(list("ACGT"), 1200)
    contigs = {}
    for name, pieces in (("one", 90), ("two", 60)):
        parts = []
        for _ in range(pieces):
            copy = np.where(
                rng.random(len(family)) < rng.choice([0, 0.01, 0.1]), rng.choice(list("ACGT"), len(family)), family
            )
            parts += ["".join(rng.choice(list("ACGT"), 1500)), "".join(copy)]
        contigs[name] = "".join(parts) + "N" * 500 + "".join(rng.choice(list("ACGT"), 171)) * 20
    contigs["short"] = "".join(rng.choice(list("ACGT"), 40))
    return index(tmp_path_factory.mktemp("genome"), contigs)


def turned(bases: str) -> str:
    return bases[::-1].translate(COMPLEMENT)


def pairs_of(genome: Genome, number: int, seed: int) -> list[Pair]:
    """Pairs of 2 x 100 with errors, indels, other strands, chimeras and foreign reads."""
    rng = np.random.default_rng(seed)
    text, found = genome.text, []
    for name in range(number):
        at, size = int(rng.integers(0, len(text) - 600)), int(np.clip(rng.normal(320, 60), 110, 560))
        piece = text[at : at + size]
        if rng.random() < 0.05:
            piece = piece[: size // 2] + piece[size // 2 + int(rng.integers(1, 9)) :]
        if rng.random() < 0.02:
            piece = "".join(rng.choice(list("ACGT"), size))
        if rng.random() < 0.02:
            piece = piece[:50] + text[at // 2 : at // 2 + size]
        ends = [np.array(list(end[:100])) for end in (piece, turned(piece))]
        reads = [
            "".join(np.where(rng.random(len(end)) < 0.01, rng.choice(list("ACGTN"), len(end)), end)) for end in ends
        ]
        found.append((f"p{name}", *(reads if rng.random() < 0.5 else reads[::-1])))
    return found


def fastq(pairs: Iterable[Pair]) -> bytes:
    lines = (
        f"@{name}/{mate} x\n{bases}\n+\n{'F' * len(bases)}\n"
        for name, *both in pairs
        for mate, bases in enumerate(both, 1)
    )
    return "".join(lines).encode()


def by_mem3(genome: Genome, reads: bytes, batch: int = WHOLE, threads: int = 1) -> bytes:
    done = program(genome, reads, batch, threads)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def program(genome: Genome, reads: bytes, batch: int = WHOLE, threads: int = 1) -> subprocess.CompletedProcess[bytes]:
    words = [sys.executable, "-m", "karyolot.io.mem3", str(genome.prefix), str(threads), str(batch), GROUP]
    return subprocess.run(words, input=reads, capture_output=True, check=False)


def by_bwa(genome: Genome, reads: bytes, batch: int = WHOLE) -> list[list[str]]:
    words = ["bwa", "mem", "-p", "-v", "1", "-K", str(batch), "-R", GROUP, str(genome.prefix), "-"]
    shown = subprocess.run(words, input=reads, capture_output=True, check=True).stdout.decode()
    return [line.split("\t") for line in shown.splitlines() if not line.startswith("@")]


def records(bam: bytes) -> list[list[str]]:
    """Records without the tags that bwa does not write. samtools would report a file that was cut short."""
    done = subprocess.run(["samtools", "view", "-"], input=bam, capture_output=True, check=True)
    assert not done.stderr
    fields = (line.split("\t") for line in done.stdout.decode().splitlines())
    return [[*row[:11], *sorted(tag for tag in row[11:] if not tag.startswith(OWN_TAGS))] for row in fields]


def sorted_tags(rows: list[list[str]]) -> list[list[str]]:
    return [[*row[:11], *sorted(row[11:])] for row in rows]


def test_records_are_those_of_bwa(genome: Genome) -> None:
    """One batch: every field, every tag and the order, of 3,000 pairs of which many fit several positions."""
    reads = fastq(pairs_of(genome, 3000, 1))
    expected, found = sorted_tags(by_bwa(genome, reads)), records(by_mem3(genome, reads))
    assert found == expected
    assert {0, 60} <= {int(row[4]) for row in found} and any(int(row[1]) & SUPPLEMENTARY for row in found)


def test_several_batches_differ_from_bwa_in_the_choice_among_equal_alignments_alone(genome: Genome) -> None:
    """What has one best alignment has the same position, strand, CIGAR and mapping quality; every pair has the same score."""
    reads = fastq(pairs_of(genome, 3000, 2))
    of_bwa, of_mem3 = best(by_bwa(genome, reads, 60_000)), best(records(by_mem3(genome, reads, 60_000)))
    assert of_bwa.keys() == of_mem3.keys()
    # The halves of a chimeric read (tag SA) may fit equally well, too.
    own = {key for key, row in of_bwa.items() if int(row[4]) > 0 and not any(tag.startswith("SA:") for tag in row)}
    assert len(own) > 4000
    assert {key: placed(of_bwa[key]) for key in own} == {key: placed(of_mem3[key]) for key in own}
    assert scores(of_bwa) == scores(of_mem3)
    drawn = [key for key in of_bwa.keys() - own if placed(of_bwa[key]) != placed(of_mem3[key])]
    assert 50 < len(drawn) < 1500, "otherwise this test shows nothing"


def best(rows: list[list[str]]) -> dict[tuple[str, int], list[str]]:
    """The primary record of each read."""
    return {(row[0], int(row[1]) & 0xC0): row for row in rows if not int(row[1]) & (SECONDARY | SUPPLEMENTARY)}


def scores(rows: dict[tuple[str, int], list[str]]) -> Counter[str]:
    """Sum of the alignment scores of both mates of each pair."""
    found = Counter[str]()
    for (name, _), row in rows.items():
        found[name] += sum(int(tag[5:]) for tag in row[11:] if tag.startswith("AS:"))
    return found


def placed(row: list[str]) -> list[str]:
    """Strand, position, mapping quality, CIGAR and bases."""
    return [str(int(row[1]) & (UNMAPPED | 0x10)), *row[2:6], *row[9:11]]


@pytest.mark.parametrize("batch", [20_000, WHOLE])
def test_output_does_not_depend_on_threads(genome: Genome, batch: int) -> None:
    reads = fastq(pairs_of(genome, 1000, 3))
    assert len({by_mem3(genome, reads, batch, threads) for threads in (1, 2, 5)}) == 1


def test_unusual_reads_are_taken_as_bwa_takes_them(genome: Genome) -> None:
    text = genome.text
    first, second = text[5000:5100], turned(text[5250:5350])
    border = len(genome.contigs["one"])
    odd = [
        ("good", first, second), ("all_n", "N" * 100, second), ("both_n", "N" * 100, "N" * 100),
        ("short", first[:30], second[:30]), ("one", "A", "C"), ("lower", first.lower(), second.lower()),
        ("unequal", first, second[:45]), ("half_n", first[:50] + "N" * 50, second), ("poly_g", "G" * 100, "G" * 100),
        ("split", text[2000:2060] + text[90000:90060], second), ("iupac", "R" * 10 + first[10:], second),
        ("at_the_border", text[border - 50 : border + 50], second), ("a/1", first, second),
    ]  # fmt: skip
    assert records(by_mem3(genome, fastq(odd))) == sorted_tags(by_bwa(genome, fastq(odd)))


def test_no_reads_give_a_complete_file_without_records(genome: Genome) -> None:
    assert records(by_mem3(genome, b"")) == []


def test_the_header_names_contigs_group_and_aligner(genome: Genome) -> None:
    shown = subprocess.run(["samtools", "view", "-H", "-"], input=by_mem3(genome, b""), capture_output=True, check=True)
    lines = shown.stdout.decode().splitlines()
    assert [f"@SQ\tSN:{name}\tLN:{len(bases)}" for name, bases in genome.contigs.items()] == lines[1:4]
    assert lines[4] == GROUP.replace("\\t", "\t") and lines[5].startswith("@PG\tID:bwa-mem3\tPN:bwa-mem3\tVN:0.4.4")


def test_reads_are_of_the_group_their_comment_names(genome: Genome) -> None:
    """And batches end where the group changes, so each library has insert sizes of its own."""
    pairs = pairs_of(genome, 600, 7)
    parts = [
        fastq(pairs[:200]).replace(b" x\n", b"\tRG:Z:lib\n"),
        fastq(pairs[200:]).replace(b" x\n", b"\tRG:Z:other\n"),
    ]
    words = [
        sys.executable,
        "-m",
        "karyolot.io.mem3",
        str(genome.prefix),
        "2",
        str(WHOLE),
        GROUP,
        GROUP.replace("lib", "other"),
    ]
    done = subprocess.run(words, input=b"".join(parts), capture_output=True, check=True)
    found = records(done.stdout)
    alone = [records(by_mem3(genome, part)) for part in (fastq(pairs[:200]), fastq(pairs[200:]))]
    of_group = [[row for row in found if f"RG:Z:{name}" in row] for name in ("lib", "other")]
    assert sum(map(len, of_group)) == len(found)
    assert [[row[:11] for row in rows] for rows in of_group] == [[row[:11] for row in rows] for rows in alone]


# Faults


def test_reads_that_end_within_a_pair_are_an_error(genome: Genome) -> None:
    reads = fastq(pairs_of(genome, 3, 4))
    odd, cut = b"@" + reads.rpartition(b"@")[0][1:], reads[:-60]
    for given in (odd, cut):
        done = program(genome, given)
        assert done.returncode == 1 and b"bwa-mem3: the reads end too early or are damaged" in done.stderr
        assert not done.stdout.endswith(mem3.END) and b"Traceback" not in done.stderr


@pytest.mark.parametrize("suffix", [".amb", ".ann", ".pac", ".bwt.2bit.64"])
@pytest.mark.parametrize("harm", ["missing", "cut"])
def test_an_index_without_one_of_its_files_is_an_error(genome: Genome, tmp_path: Path, suffix: str, harm: str) -> None:
    for name in (".amb", ".ann", ".pac", ".bwt.2bit.64"):
        data = Path(f"{genome.prefix}{name}").read_bytes()
        if name != suffix or harm == "cut":
            (tmp_path / f"genome{name}").write_bytes(data[: len(data) // 2] if name == suffix else data)
    done = program(Genome(tmp_path / "genome", {}), fastq(pairs_of(genome, 2, 5)))
    assert done.returncode == 1 and not done.stdout.endswith(mem3.END) and b"Traceback" not in done.stderr
    if harm == "missing":
        assert f"genome{suffix}; delete ".encode() in done.stderr and b"and run again" in done.stderr
    else:
        assert f"genome{suffix}".encode() in done.stderr or b"unexpected EOF during index load" in done.stderr


def test_an_index_in_shared_memory_is_refused(genome: Genome, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would be taken for this one by its file name alone."""
    monkeypatch.setattr(mem3.shm, "is_staged", lambda prefix: True)
    with pytest.raises(KaryolotError, match="an index of the name genome is in shared memory"):
        mem3.align(str(genome.prefix), [GROUP], 1, WHOLE, sys.stdin.buffer, sys.stdout.buffer)


def test_a_reader_that_ends_is_no_traceback(genome: Genome) -> None:
    reads = fastq(pairs_of(genome, 2000, 6))
    words = [sys.executable, "-m", "karyolot.io.mem3", str(genome.prefix), "1", "20000", GROUP]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.close()
        process.stdout = None
        _, said = process.communicate(reads)
    assert process.returncode == 1 and b"Traceback" not in said


def test_a_processor_without_avx2_is_refused_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.platform, "machine", lambda: "x86_64")
    (tmp_path / "old").write_text("processor\t: 0\nflags\t\t: fpu sse4_2 avx\n")
    (tmp_path / "new").write_text("processor\t: 0\nflags\t\t: fpu sse4_2 avx avx2\n")
    machine.check_bwa_mem3(tmp_path / "new")
    machine.check_bwa_mem3(tmp_path / "not told")
    with pytest.raises(KaryolotError, match=r"no AVX2, which bwa-mem3 needs; set alignment\.aligner: bwa"):
        machine.check_bwa_mem3(tmp_path / "old")
    monkeypatch.setattr(machine.platform, "machine", lambda: "arm64")
    machine.check_bwa_mem3(tmp_path / "old")
