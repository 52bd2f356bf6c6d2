"""The index that bwa-mem3 reads, made from that of bwa: compared with suffix arrays made by sorting, and against bwa's own.

KARYOLOT_ROWS is a number of rows for which a whole index of a text of four runs is made, beside the small ones; 4300000000 is
beyond 32 bits, and takes 4 GB on the disk, 8 GB of memory and two minutes.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from karyolot.contracts.problems import KaryolotError
from karyolot.io import mem3_index

STEP = 1 << 24
INTERVAL = 32
"""Rows of the suffix array that bwa keeps."""


class Made(NamedTuple):
    """The parts of a `.bwt.2bit.64`, read by the layout its docstring states."""

    rows: int
    first: NDArray[np.int64]
    blocks: NDArray[np.uint64]
    positions: Callable[[int, int], NDArray[np.int64]]
    sentinel: int


def read(path: Path) -> Made:
    rows = int(np.fromfile(path, "<i8", 1)[0])
    blocks, size = (rows >> 6) + 1, (rows >> 3) + 1
    at = np.cumsum([8, 40, 64 * blocks, size, 4 * size, 8]).tolist()
    assert path.stat().st_size == at[-1]
    high, low = np.memmap(path, "i1", "r", at[2], size), np.memmap(path, "<u4", "r", at[3], size)
    return Made(
        rows,
        np.fromfile(path, "<i8", 5, offset=8),
        np.memmap(path, "<u8", "r", at[1], (blocks, 8)),
        lambda begin, end: high[begin:end].astype(np.int64) << 32 | low[begin:end],
        int(np.fromfile(path, "<i8", 1, offset=at[4])[0]),
    )


def write(folder: Path, bases: Callable[[int, int], NDArray[np.uint8]], counts: list[int], sentinel: int) -> None:
    """t.bwt as bwa writes it. bases: from one place of the transform to another, its sentinel left out."""
    n, seen = sum(counts), np.zeros(4, np.int64)
    shifts = np.arange(30, -1, -2, dtype=np.uint32)
    with (folder / "t.bwt").open("wb") as file:
        np.array([sentinel, *np.cumsum(counts)], np.int64).tofile(file)
        for begin in range(0, n, STEP):
            part = bases(begin, min(begin + STEP, n))
            groups = np.zeros((-(-len(part) // 128), 128), np.uint8)
            groups.ravel()[: len(part)] = part
            number = np.stack([(groups == base).sum(axis=1) for base in range(4)], axis=1).cumsum(axis=0)
            words = np.zeros((len(groups), 16), np.uint32)
            words[:, :8] = np.ascontiguousarray(seen + np.concatenate([np.zeros((1, 4), np.int64), number[:-1]])).view(
                "<u4"
            )
            codes = groups.reshape(-1, 16).astype(np.uint32) << shifts
            words[:, 8:] = np.bitwise_or.reduce(codes, axis=1).reshape(-1, 8)
            seen = seen + number[-1]
            words.ravel()[: words.size - (groups.size - len(part)) // 16].tofile(file)  # no words behind the last base
        np.array(counts, np.int64).tofile(file)


def write_suffixes(folder: Path, suffixes: Callable[[int, int], NDArray[np.int64]]) -> None:
    """t.sa beside t.bwt. suffixes: of rows INTERVAL, 2 x INTERVAL, ..., from one of them to another."""
    head = np.fromfile(folder / "t.bwt", np.int64, 5)
    with (folder / "t.sa").open("wb") as file:
        np.array([*head, INTERVAL, head[4]], np.int64).tofile(file)
        number = int(head[4]) // INTERVAL
        for begin in range(0, number, STEP):
            suffixes(begin, min(begin + STEP, number)).astype(np.int64).tofile(file)


def converted(folder: Path) -> Made:
    mem3_index.convert(folder / "t.bwt", folder / "t.sa", folder / "t.out")
    return read(folder / "t.out")


def by_sorting(text: str) -> tuple[list[int], str]:
    """Suffix array of a text and its sentinel, and the base before each suffix; '$' before the whole."""
    order = sorted(range(len(text) + 1), key=lambda at: text[at:])
    return order, "".join("$" if at == 0 else text[at - 1] for at in order)


def check(made: Made, text: str) -> None:
    order, transform = by_sorting(text)
    assert made.rows == len(text) + 1 and made.sentinel == order.index(0)
    assert made.first.tolist() == [sum(base < limit for base in text) for limit in "ACGT"] + [len(text)]
    assert made.positions(0, len(order[::8])).tolist() == order[::8]
    for block in range(len(transform) // 64 + 1):
        before, inside = transform[: 64 * block], transform[64 * block : 64 * (block + 1)].ljust(64, "$")
        assert made.blocks[block, :4].tolist() == [before.count(base) for base in "ACGT"]
        assert [f"{bits:064b}" for bits in made.blocks[block, 4:]] == [
            "".join("01"[letter == base] for letter in inside) for base in "ACGT"
        ]


def from_text(folder: Path, text: str) -> Made:
    order, transform = by_sorting(text)
    bases = np.array(["ACGT".index(letter) for letter in transform if letter != "$"], np.uint8)
    kept = np.array(order[INTERVAL::INTERVAL], np.int64)
    write(folder, lambda begin, end: bases[begin:end], [text.count(base) for base in "ACGT"], order.index(0))
    write_suffixes(folder, lambda begin, end: kept[begin:end])
    return converted(folder)


@given(st.text("ACGT", min_size=1, max_size=400))
def test_any_text_is_indexed_as_sorting_its_suffixes_does(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    check(from_text(tmp_path_factory.mktemp("text"), text), text)


@pytest.mark.parametrize("length", [63, 64, 127, 128, 129, 1023, 1024, 5000])
def test_lengths_at_the_borders_of_blocks(tmp_path: Path, length: int) -> None:
    text = "".join(np.random.default_rng(length).choice(list("ACGT"), length))
    check(from_text(tmp_path, text), text)


def bwa_index(folder: Path, fasta: str) -> Path:
    (folder / "genome.fa").write_text(fasta)
    command = ["bwa", "index", "-p", str(folder / "t"), str(folder / "genome.fa")]
    subprocess.run(command, check=True, capture_output=True)
    return folder


def genome(seed: int, *lengths: int) -> str:
    rng = np.random.default_rng(seed)
    names = [f">c{number} of a description\n" for number in range(len(lengths))]
    repeat = "".join(rng.choice(list("ACGT"), 300))
    return "".join(
        name + "".join(rng.choice(list("ACGT"), length)) + repeat + "N" * 50 + repeat.lower() + "\n"
        for name, length in zip(names, lengths, strict=True)
    )


def test_the_index_of_a_genome_is_that_of_bwa(tmp_path: Path) -> None:
    """Contigs, descriptions, N (bwa puts random bases there), lower case and repeats; both strands are one text."""
    folder = bwa_index(tmp_path, genome(1, 3000, 40, 900))
    made = converted(folder)
    packed = np.fromfile(folder / "t.pac", np.uint8)
    length = (made.rows - 1) // 2
    forward = (packed[:, None] >> np.array([6, 4, 2, 0]) & 3).ravel()[:length]
    check(made, "".join("ACGT"[base] for base in [*forward, *(3 - forward[::-1])]))


def harmed(path: Path, harm: str) -> None:
    data = bytearray(path.read_bytes())
    if harm == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif harm == "cut in its head":
        path.write_bytes(data[:30])
    else:
        data[{"one base": 40 + 64 * 50 + 32, "one count": 40 + 64 * 50, "one position": -8}[harm]] ^= 0xFF
        path.write_bytes(data)


@pytest.mark.parametrize(
    ("suffix", "harm"),
    [("bwt", "cut"), ("sa", "cut"), ("bwt", "cut in its head"), ("sa", "cut in its head"), ("bwt", "one base"),
     ("bwt", "one count"), ("sa", "one position")],
)  # fmt: skip
def test_a_damaged_index_is_noticed_and_nothing_is_made(tmp_path: Path, suffix: str, harm: str) -> None:
    folder = bwa_index(tmp_path, genome(2, 5000))
    harmed(folder / f"t.{suffix}", harm)
    with pytest.raises(KaryolotError, match=r"t\.(bwt|sa).*delete the files of the index and run again"):
        converted(folder)
    assert {path.suffix for path in folder.iterdir()} == {".fa", ".amb", ".ann", ".bwt", ".pac", ".sa"}


def test_files_of_two_genomes_are_not_put_together(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    for seed, folder in enumerate((one, other)):
        folder.mkdir()
        bwa_index(folder, genome(seed, 4000))
    (other / "t.sa").replace(one / "t.sa")
    with pytest.raises(KaryolotError, match="is of another index"):
        converted(one)


# Beyond 32 bits


class FourRuns:
    """The text A..AC..CG..GT..T, whose index can be written down without sorting.

    Suffixes that begin with A, C or G sort by position, as what follows a run is larger; those of T against it.
    """

    def __init__(self, n: int) -> None:
        self.n, self.counts = n, [n - 3 * (n // 4), n // 4, n // 4, n // 4]
        self.begins = np.cumsum([0, *self.counts])

    def suffixes(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(rows == 0, self.n, np.where(rows > self.begins[3], self.begins[3] + self.n - rows, rows - 1))

    def bases(self, begin: int, end: int) -> NDArray[np.uint8]:
        """Of rows 0, 2, 3, ...: row 1 is the whole text."""
        rows = np.arange(begin, end)
        before = self.suffixes(rows + (rows > 0)) - 1
        return (np.searchsorted(self.begins[1:4], before, side="right")).astype(np.uint8)

    def write(self, folder: Path) -> None:
        write(folder, self.bases, self.counts, 1)
        write_suffixes(folder, lambda begin, end: self.suffixes(INTERVAL * np.arange(begin + 1, end + 1)))

    def __str__(self) -> str:
        return "".join(base * count for base, count in zip("ACGT", self.counts, strict=True))


def rows_tried() -> list[int]:
    return [4, 64, 1000, 100_003, *([int(os.environ["KARYOLOT_ROWS"])] if "KARYOLOT_ROWS" in os.environ else [])]


@pytest.mark.parametrize("n", rows_tried())
def test_a_text_of_four_runs_at_any_length(tmp_path: Path, n: int) -> None:
    text = FourRuns(n)
    text.write(tmp_path)
    made = converted(tmp_path)
    assert made.rows == n + 1 and made.sentinel == 1 and made.first.tolist() == text.begins.tolist()
    kept = n // 8 + 1
    for begin in range(0, kept, STEP):
        end = min(begin + STEP, kept)
        assert np.array_equal(made.positions(begin, end), text.suffixes(8 * np.arange(begin, end)))
    assert made.blocks[n // 64, :4].sum() == n // 64 * 64 - (n >= 64)
    if n < 2000:
        check(made, str(text))


def test_positions_beyond_32_bits_are_kept(tmp_path: Path) -> None:
    """The same walk with every position moved up by 7 x 2^32."""
    FourRuns(5000).write(tmp_path)
    index = mem3_index.read(tmp_path / "t.bwt", tmp_path / "t.sa")
    plain = mem3_index.packed(index)
    assert plain is not None
    rows, positions = mem3_index.starts(index)
    high, low = np.zeros_like(plain[1]), np.zeros_like(plain[2])
    assert mem3_index.walk(plain[0], mem3_index.first_rows(index), rows, positions + (7 << 32), high, low)
    filled = len(range(0, 5001, 8))
    assert (high[:filled] == 7).all() and np.array_equal(low[:filled], plain[2][:filled])
