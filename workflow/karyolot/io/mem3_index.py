"""bwa's index in the layout that bwa-mem3 reads: the same Burrows-Wheeler transform, with denser tables.

`bwa index` writes `.bwt` (the transform, with counts of bases every 128 rows) and `.sa` (the suffix array, every 32nd row).
bwa-mem2 and bwa-mem3 read one file `.bwt.2bit.64`, little-endian, without padding:

    int64           rows of the transform, text and sentinel: N = 2 x genome + 1
    int64[5]        rows before the first that begins with A, C, G, T, and the length of the text
    uint64[b][8]    b = (N >> 6) + 1 blocks of 64 rows: four counts of bases before, then four rows of bits, highest first
    int8[s]         s = (N >> 3) + 1: bits 32 to 39 of the suffix array at every 8th row
    uint32[s]       its bits 0 to 31
    int64           the row of the sentinel

Row numbers and positions are 64-bit throughout; the suffix array holds 40 bits, which is enough for 5 x 10^11 bases.
"""

from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import PathLike, replacing

BWT_HEAD, SA_HEAD = 5, 7
"""Numbers of 64 bits before the data: sentinel row, counts of A, AC, ACG, ACGT; in `.sa` also the interval and the length."""
EVERY = 8
"""The suffix array is kept at every 8th row."""
LANES = 32
"""Walks through the text side by side: each step waits for memory, and those of different walks wait together."""
CHUNK = 1 << 22
"""Positions compared at once."""
REMEDY = "delete the files of the index and run again"
Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Transform:
    """bwa's index. head: as in `.bwt`. interval: of the rows that `.sa` keeps."""

    bwt: Path
    sa: Path
    head: NDArray[np.int64]
    interval: int

    def words(self) -> NDArray[np.uint32]:
        """The data of `.bwt`, in groups of 8 + 8 words of 32 bits; mapped, and counted as memory of this process until the
        array is dropped."""
        return np.memmap(self.bwt, np.uint32, "r", offset=8 * BWT_HEAD)

    def samples(self) -> NDArray[np.int64]:
        """The suffix array at rows interval, 2 x interval, ...; mapped likewise."""
        kept = self.length >= self.interval
        return np.memmap(self.sa, np.int64, "r", offset=8 * SA_HEAD) if kept else np.zeros(0, np.int64)

    @property
    def sentinel(self) -> int:
        return int(self.head[0])

    @property
    def length(self) -> int:
        """Of the text, both strands."""
        return int(self.head[4])


def convert(bwt: PathLike, sa: PathLike, target: PathLike) -> None:
    """Write `target` (`.bwt.2bit.64`) from two files of one index of bwa.

    Every position that bwa keeps is compared with the one found here by stepping through the transform, so a damaged file
    or two that do not belong together are noticed. Needs 3.3 bytes of memory per base of the genome, and the files in the
    page cache.

    Raises
    ------
    KaryolotError
        When a file is truncated or the two contradict each other.
    """
    given = read(Path(bwt), Path(sa))
    made = packed(given)
    if made is None:
        raise KaryolotError(f"{bwt} is damaged, or {sa} is of another index", REMEDY)
    with replacing(target) as part, open(part, "wb") as out:
        for array in (np.array([given.length + 1]), first_rows(given), *made, np.array([given.sentinel])):
            out.write(array.data.cast("B"))


def read(bwt: Path, sa: Path) -> Transform:
    """What the heads of bwa's files state. Raises KaryolotError when one has another size than its head states."""
    head, sa_head = np.fromfile(bwt, np.int64, BWT_HEAD), np.fromfile(sa, np.int64, SA_HEAD)
    for path, numbers, count in ((bwt, head, BWT_HEAD), (sa, sa_head, SA_HEAD)):
        if len(numbers) < count:
            raise KaryolotError(f"{path}: is truncated", REMEDY)
    length, interval = int(head[4]), int(sa_head[5])
    if interval <= 0 or interval % EVERY:
        raise KaryolotError(f"{sa}: keeps every {interval}th row, and a multiple of {EVERY} is needed", REMEDY)
    _check_size(bwt, 8 * BWT_HEAD + 4 * words_of(length))
    _check_size(sa, 8 * (SA_HEAD + length // interval))
    return Transform(bwt, sa, head, interval)


def words_of(length: int) -> int:
    """Words of 32 bits in `.bwt` after its head: 16 bases each, and 8 for the counts before every 128 bases and at the end."""
    return -(-length // 16) + 8 * (-(-length // 128) + 1)


def _check_size(path: Path, expected: int) -> None:
    if path.stat().st_size != expected:
        raise KaryolotError(f"{path}: has {path.stat().st_size} bytes, and {expected} by its header", REMEDY)


def packed(given: Transform) -> tuple[Words, NDArray[np.int8], NDArray[np.uint32]] | None:
    """Blocks of 64 rows, and the suffix array at every 8th row: high and low bits. None when the index contradicts itself."""
    n = given.length
    occurrences = np.zeros((((n + 1) >> 6) + 1, 8), np.uint64)
    if not blocks(given.words(), given.sentinel, n, occurrences):
        return None
    size = ((n + 1) >> 3) + 1
    high, low = np.zeros(size, np.int8), np.zeros(size, np.uint32)
    whole = walk(occurrences, first_rows(given), *starts(given), high, low)
    return (occurrences, high, low) if whole and agrees(given, high, low) else None


def first_rows(given: Transform) -> NDArray[np.int64]:
    """Rows before the first that begins with A, C, G, T (the sentinel's not counted), and the length of the text."""
    return np.array([0, *given.head[1:5]], np.int64)


def starts(given: Transform, pieces: int = 4096) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and positions between which the text is walked, from its end (row 0) to its begin (the sentinel's row).

    The borders in between are positions that bwa kept.
    """
    samples = given.samples()
    chosen = np.unique(np.linspace(0, len(samples) - 1, min(pieces, len(samples))).astype(np.int64))
    positions = np.array(samples[chosen], np.int64)
    rows = (chosen + 1) * given.interval
    inside = (positions > 0) & (positions < given.length)
    order = np.argsort(-positions[inside])
    rows = np.concatenate([[0], rows[inside][order], [given.sentinel]]).astype(np.int64)
    return rows, np.concatenate([[given.length], positions[inside][order], [0]]).astype(np.int64)


@numba.njit(cache=True)
def popcount(x: np.uint64) -> np.uint64:  # pragma: no cover
    """Bits that are set in a word of 64."""
    x = x - ((x >> np.uint64(1)) & np.uint64(0x5555555555555555))
    x = (x & np.uint64(0x3333333333333333)) + ((x >> np.uint64(2)) & np.uint64(0x3333333333333333))
    return (((x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)) * np.uint64(0x0101010101010101)) >> np.uint64(
        56
    )


@numba.njit(cache=True)
def blocks(words: NDArray[np.uint32], sentinel: int, n: int, occurrences: Words) -> bool:  # pragma: no cover
    """Fill the blocks of 64 rows; the sentinel's row has no base. Whether bwa's counts of bases are those found here."""
    seen = np.zeros(4, np.int64)
    for row in range(n + 1):
        block = row >> 6
        if row & 63 == 0:
            for base in range(4):
                occurrences[block, base] = np.uint64(seen[base])
        if row == sentinel:
            continue
        at = row - (row > sentinel)
        if at & 127 == 0:
            for base in range(4):
                low, high = words[(at >> 7) * 16 + 2 * base], words[(at >> 7) * 16 + 2 * base + 1]
                if np.int64(high) << 32 | np.int64(low) != seen[base]:
                    return False
        word = words[(at >> 7) * 16 + 8 + ((at & 127) >> 4)]
        base = (word >> np.uint32((15 - (at & 15)) << 1)) & np.uint32(3)
        occurrences[block, 4 + base] |= np.uint64(1) << np.uint64(63 - (row & 63))
        seen[base] += 1
    if (n + 1) & 63 == 0:  # a search may end behind the last row
        for base in range(4):
            occurrences[(n + 1) >> 6, base] = np.uint64(seen[base])
    return True


@numba.njit(cache=True)
def before(occurrences: Words, first: NDArray[np.int64], row: int) -> int:  # pragma: no cover
    """The row of the position before that of `row` (LF mapping); -1 for the sentinel's row, before which is nothing."""
    block, bit = row >> 6, np.uint64(63 - (row & 63))
    for base in range(4):
        if (occurrences[block, 4 + base] >> bit) & np.uint64(1):
            same = popcount(occurrences[block, 4 + base] >> bit >> np.uint64(1))
            return int(first[base] + 1 + np.int64(occurrences[block, base]) + np.int64(same))
    return -1


@numba.njit(cache=True)
def walk(
    occurrences: Words,
    first: NDArray[np.int64],
    rows: NDArray[np.int64],
    positions: NDArray[np.int64],
    high: NDArray[np.int8],
    low: NDArray[np.uint32],
) -> bool:  # pragma: no cover
    """Fill the suffix array of every 8th row, stepping from each border to the next; whether all of them are met.

    Row `rows[i]` holds `positions[i]`; positions fall, to that of the sentinel's row.
    """
    pieces, begun, steps = len(rows) - 1, 0, 0
    row, at, left, piece = np.zeros((4, LANES), np.int64)
    while steps < positions[0] - positions[pieces]:
        for lane in range(LANES):
            if left[lane] == 0:
                if begun == pieces:
                    continue
                piece[lane], row[lane], at[lane] = begun, rows[begun], positions[begun]
                left[lane] = positions[begun] - positions[begun + 1]
                begun += 1
            if row[lane] & 7 == 0:
                high[row[lane] >> 3] = at[lane] >> 32
                low[row[lane] >> 3] = at[lane] & 0xFFFFFFFF
            row[lane] = before(occurrences, first, row[lane])
            at[lane] -= 1
            left[lane] -= 1
            steps += 1
            if row[lane] < 0 or (left[lane] == 0 and row[lane] != rows[piece[lane] + 1]):
                return False
    if rows[pieces] & 7 == 0:
        high[rows[pieces] >> 3] = positions[pieces] >> 32
        low[rows[pieces] >> 3] = positions[pieces] & 0xFFFFFFFF
    return True


def agrees(given: Transform, high: NDArray[np.int8], low: NDArray[np.uint32]) -> bool:
    """Whether the suffix array found holds what bwa kept."""
    stride = given.interval // EVERY  # entries here for each of bwa's
    for begin in range(0, len(given.samples()), CHUNK):
        kept = given.samples()[begin : begin + CHUNK]  # a new memory map each, which frees the last
        here = slice((begin + 1) * stride, (begin + len(kept)) * stride + 1, stride)
        if (kept != (high[here].astype(np.int64) << 32 | low[here])).any():
            return False
    return True
