"""FASTQ files: the check's head and the run's whole reading hold the same rules; what one takes the other takes."""

import gzip
import hashlib
import random
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from karyolot.contracts.problems import Fault, KaryolotError
from karyolot.inputs.formats import fastq
from planted_inputs import reads

NAMES = [f"read{i}" for i in range(2000)]


def records(names: list[str], quality: str = "I", length: int = 10, base: str = "A") -> bytes:
    return "".join(f"@{name}\n{base * length}\n+\n{quality * length}\n" for name in names).encode()


def pair(folder: Path, first: bytes, second: bytes) -> list[str | Path]:
    paths = [folder / "r_1.fq.gz", folder / "r_2.fq.gz"]
    for path, data in zip(paths, (first, second), strict=True):
        path.write_bytes(gzip.compress(data, mtime=0))
    return list(paths)


def one(folder: Path, data: bytes, name: str = "r.fq") -> Path:
    (folder / name).write_bytes(data)
    return folder / name


def test_facts_of_a_good_pair(tmp_path: Path) -> None:
    paths = pair(
        tmp_path, records([f"{n} 1:N:0:A" for n in NAMES]), records([f"{n} 2:N:0:A" for n in NAMES], length=12)
    )
    digest = hashlib.sha256(Path(paths[0]).read_bytes()).hexdigest()
    facts = fastq.read(paths, [digest, None])
    assert facts["reads"] == 2000 and facts["bases"] == 2000 * 22
    assert (facts["read_length_min"], facts["read_length_max"]) == (10, 12)
    assert facts["files"][0]["sha256"] == digest and facts["files"][1]["bytes"] == Path(paths[1]).stat().st_size


def test_a_single_file_is_fine(tmp_path: Path) -> None:
    paths = pair(tmp_path, records(NAMES), b"")
    assert fastq.read(paths[:1], [None])["reads"] == 2000


def test_reads_beyond_those_held_against_all_rules_are_counted(tmp_path: Path) -> None:
    names = [f"r{i}" for i in range(fastq.RUN_READS + 7)]
    facts = fastq.read(pair(tmp_path, records(names), records(names, length=12)), [None, None])
    assert facts["reads"] == fastq.RUN_READS + 7 and facts["bases"] == 22 * len(names)


def damage(tmp_path: Path, kind: str) -> list[str | Path]:
    first, second = records([f"{n}/1" for n in NAMES]), records([f"{n}/2" for n in NAMES])
    if kind == "swapped":
        return pair(tmp_path, second, first)
    if kind == "short":
        return pair(tmp_path, first, records([f"{n}/2" for n in NAMES[:-1]]))
    if kind == "disorder":
        return pair(tmp_path, first, records([f"{n}/2" for n in (*NAMES[:1000], *reversed(NAMES[1000:]))]))
    if kind == "last digit":
        return pair(tmp_path, records(NAMES), records([*NAMES[:1991], "read1992", "read1991", *NAMES[1993:]]))
    if kind == "empty":
        return pair(tmp_path, b"", b"")
    if kind == "phred64":
        return pair(tmp_path, records(NAMES, "h"), records(NAMES, "h"))
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
        ("last digit", "not in the same order"),
        ("empty", "holds no read"),
        ("phred64", "Phred\\+64"),
        ("not fastq", "r_1.fq.gz: is not FASTQ"),
        ("cut", "damaged or truncated"),
        ("cut trailer", "damaged or truncated"),
        ("crc", "damaged or truncated"),
        ("record cut", "is truncated|not a complete FASTQ file"),
    ],
)
def test_damaged_reads_are_refused_with_the_remedy(tmp_path: Path, kind: str, message: str) -> None:
    with pytest.raises(KaryolotError, match=message):
        fastq.read(damage(tmp_path, kind), [None, None])


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(KaryolotError, match="the sample sheet states"):
        fastq.read(pair(tmp_path, records(NAMES), records(NAMES)), ["0" * 64, None])


@pytest.mark.parametrize("mark", [".", "_"])
def test_mates_named_in_a_way_that_no_aligner_takes_are_explained(mark: str) -> None:
    first, second = (fastq.Facts((f"r1{mark}{mate}",), frozenset(), 50, "") for mate in (1, 2))
    found = fastq.mates_fault(first, second)
    assert found and f"write /1 and /2 instead of {mark}1 and {mark}2" in found[1].remedy


def test_a_read_of_several_lines_is_not_called_cut(tmp_path: Path) -> None:
    (tmp_path / "r.fq").write_text("@a\nACGT\nACGT\n+\nIIII\nIIII\n")
    with pytest.raises(Fault, match="a read has four lines"):
        fastq.look(tmp_path / "r.fq")


def test_names_of_mates() -> None:
    names = ("a/1", "a/2", "a 1:N:0:X", "a 2:Y:18:", "a", "a.1", "a 3:N", "a b", "a/1\tRX:Z:ACGT", "a\t2:N:0:X", "a1")
    assert [fastq.identity(name)[0] for name in names] == ["a", "a", "a", "a", "a", "a.1", "a", "a", "a", "a", "a1"]
    assert [fastq.identity(name)[1] for name in names] == [1, 2, 1, 2, None, None, None, None, 1, 2, None]


@pytest.mark.parametrize(
    ("qualities", "taken"),
    [
        ("#,:F", True),  # NovaSeq
        ("?", True),  # SRA Lite
        (";OPQRSTU", True),  # Element AVITI, trimmed at Q26
        ("MNOPQRSTUVWXY", True),
        ("5Ii~", True),
        (";~", True),  # consensus of many reads
        ("hgfB", False),  # Illumina 1.5
        (";@h", False),  # Solexa
        ("Zi", False),
        (" !", False),
        ("\x7f!", False),
    ],
)
def test_quality_codes_follow_what_machines_write(tmp_path: Path, qualities: str, taken: bool) -> None:
    path = one(tmp_path, "".join(f"@r{n}\n{'A' * len(qualities)}\n+\n{qualities}\n" for n in range(4)).encode())
    if taken:
        assert fastq.look(path).longest == len(qualities)
        fastq.read([path], [None])
        return
    for read in (fastq.look, lambda file: fastq.read([file], [None])):
        with pytest.raises(Fault, match=r"Phred\+64|qualities are ! to ~"):
            read(path)


def test_tags_behind_a_tab_are_comments(tmp_path: Path) -> None:
    tags = [records([f"{n}/{mate}\tRX:Z:ACGT" for n in NAMES], base="CG"[mate - 1]) for mate in (1, 2)]
    paths = pair(tmp_path, *tags)
    heads = [fastq.look(Path(path)) for path in paths]
    assert fastq.mates_fault(*heads) is None and heads[0].mates == {1}
    assert fastq.read(paths, [None, None])["reads"] == 2000


@pytest.mark.parametrize("style", ["{}/{}", "{} {}:N:0:A", "{}"])
def test_an_interleaved_file_is_called_that(tmp_path: Path, style: str) -> None:
    names = [style.format(name, mate) for name in NAMES for mate in (1, 2)]
    path = one(tmp_path, records(names))
    for read in (fastq.look, lambda file: fastq.read([file, file], [None, None])):
        with pytest.raises(Fault, match=r"interleaved.*seqtk seq -1"):
            read(path)


@pytest.mark.parametrize("number", [1, 2, 5, 9000])
@pytest.mark.parametrize("length", [0, 10])
def test_empty_lines_at_the_end_are_no_reads(tmp_path: Path, number: int, length: int) -> None:
    data = records(NAMES[:3]) + records(["last"], length=length)
    plain, longer = one(tmp_path, data), one(tmp_path, data + b"\n" * number, "longer.fq")
    assert fastq.look(plain) == fastq.look(longer)
    facts = [{**fastq.read([path], [None]), "files": None} for path in (plain, longer)]
    assert facts[0] == facts[1] and facts[0]["reads"] == 4


def test_empty_lines_between_reads_are_refused(tmp_path: Path) -> None:
    path = one(tmp_path, records(["a"]) + b"\n\n\n\n" + records(["b"]))
    for read in (fastq.look, lambda file: fastq.read([file], [None])):
        with pytest.raises(Fault, match="is not FASTQ"):
            read(path)


@pytest.mark.parametrize("zeros", [1, 7, 8, 9, 16, 512, 100_000])
def test_zero_bytes_behind_the_gzip_data_are_refused(tmp_path: Path, zeros: int) -> None:
    path = one(tmp_path, gzip.compress(records(NAMES)) + bytes(zeros), "r.fq.gz")
    for read in (fastq.look, lambda file: fastq.read([file], [None])):
        with pytest.raises(Fault, match="zero bytes follow"):
            read(path)


def test_gzip_files_that_end_in_zeros_by_right_are_taken(tmp_path: Path) -> None:
    """The length of a short file and the empty block of bgzip hold zero bytes."""
    empty = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
    member = gzip.compress(records(NAMES))
    for data in (member, member + empty, member + gzip.compress(b""), member * 3):
        path = one(tmp_path, data, "r.fq.gz")
        assert fastq.look(path, whole=True).longest == 10


def test_a_dot_is_not_a_base(tmp_path: Path) -> None:
    path = one(tmp_path, records(NAMES[:5]).replace(b"A\n", b".\n"))
    for read in (fastq.look, lambda file: fastq.read([file], [None])):
        with pytest.raises(Fault, match=r"holds '\.', which is not a base; write N"):
            read(path)
    late = one(tmp_path, records(NAMES) + records(["x"], base="."), "late.fq")
    with pytest.raises(Fault, match="not a base"):
        fastq.read([late], [None])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"BZh91AY", "bunzip2"),
        (b"\xfd7zXZ\0", "xz -dc"),
        (b"BAM\1", "samtools fastq"),
        (b"NCBI.sra", "fasterq-dump"),
        (b">a\nACGT\n", "is FASTA"),
    ],
)
def test_other_formats_are_named_with_the_command_that_converts_them(tmp_path: Path, data: bytes, message: str) -> None:
    with pytest.raises(Fault, match=message):
        fastq.look(one(tmp_path, data))


def test_the_same_reads_have_one_digest_under_any_wrapping(tmp_path: Path) -> None:
    data = reads(3, 1, count=200)
    paths = [one(tmp_path, gzip.compress(data, level), f"{level}.fq.gz") for level in (1, 9)] + [one(tmp_path, data)]
    assert len({fastq.look(path).digest for path in paths}) == 1
    assert fastq.look(one(tmp_path, reads(3, 2, count=200))).digest != fastq.look(paths[0]).digest


# Whatever the check takes, the run reads, and the other way round: of files that the check sees whole.

MARKS = st.sampled_from(
    [b"\n", b"\n\n", b"@", b"+", b"\r", b"\0", b" ", b"\t", b".", b"A", b"~", b"\xff", b"/1", b"", b"r0"]
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=400, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    count=st.integers(1, 6),
    length=st.integers(0, 3),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 9), MARKS), max_size=3),
    end=st.sampled_from([b"", b"\n", b"\n\n", b"\n\n\n", b" \n"]),
)
@example(seed=0, count=1, length=0, edits=[], end=b"")
def test_what_the_check_takes_the_run_reads(
    tmp_path: Path, seed: int, count: int, length: int, edits: list[tuple[float, int, bytes]], end: bytes
) -> None:
    rng = random.Random(seed)
    bases = ["".join(rng.choices("ACGTN", k=length)) for _ in range(count)]
    plus = rng.choice(["+", "+r{}"])
    data = "".join(f"@r{n}\n{b}\n{plus.format(n)}\n{'F' * length}\n" for n, b in enumerate(bases)).encode()
    for place, cut, mark in edits:
        at = int(place * len(data))
        data = data[:at] + mark + data[at + cut :]
    path = one(tmp_path, data + end)
    taken = {}
    for name, read in (("look", fastq.look), ("read", lambda file: fastq.read([file], [None]))):
        taken[name] = False
        with suppress(Fault):
            taken[name] = bool(read(path))
    assert taken["look"] == taken["read"], data
