"""Read pairs as a sequencer gives them: fragments of a template, errors with their qualities, adapters, duplicates."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from xopen import xopen

from karyolot.simulate.donors import Cells
from karyolot.simulate.genome import COMPLEMENT, WINDOW, Bases, Genome, N, another, wave

ADAPTERS = tuple(
    np.frombuffer(adapter, np.uint8)
    for adapter in (b"AGATCGGAAGAGCACACGTCTGAACTCCAGTCAC", b"AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT")
)
"""What read 1 and read 2 run into behind a fragment shorter than the read (Illumina TruSeq)."""

READ_THROUGH = 0.005
"""Fraction of DNA fragments shorter than a read."""

DUPLICATES = 0.05
"""Fraction of read pairs that are PCR copies."""

GROWTH = 0.02
"""Log depth per standard deviation of replication timing in dividing cells; real lots lie between 0 and 0.05."""

QUALITY = np.repeat(np.frombuffer(b",:F", np.uint8), (5, 10, 241))
"""Phred 11, 25 and 37 for 2, 4 and 94 % of the bases, looked up by a random byte."""
LOW = 5
ERROR, ERROR_LOW = 0.002, 0.08
"""Chance of a wrong base anywhere, and on top of it at Phred 11 (bytes below LOW): 0.36 % in all."""

CHUNK = 50_000
"""Pairs made and written at a time, to bound memory."""


@dataclass(frozen=True)
class Fragments:
    """Pieces of a template of shape (2, bases), as parallel arrays.

    start, length: bases. haplotype: 0 or 1. flipped: the first read is of the reverse strand.
    """

    start: NDArray[np.int64]
    length: NDArray[np.int64]
    haplotype: NDArray[np.int64]
    flipped: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.start)

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_] | slice) -> "Fragments":
        return Fragments(self.start[index], self.length[index], self.haplotype[index], self.flipped[index])


def draw(weight: NDArray[np.float64], number: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """`number` indices, each as probable as its weight. In whole numbers, so that no processor rounds differently."""
    edges = np.cumsum(np.rint(weight * 1e6).astype(np.int64))
    return np.searchsorted(edges, rng.integers(0, edges[-1], number), side="right")


def library_bias(genome: Genome, growing: bool, rng: np.random.Generator) -> NDArray[np.float64]:
    """How strongly one library prefers each window: its own GC curve, replication-timing bias, and mild correlated noise."""
    gc, windows = genome.gc - 0.42, len(genome.gc)
    noise = 0.006 * wave(rng, windows, genome.megabase) + 0.006 * wave(rng, windows, 0.2 * genome.megabase)
    growth = GROWTH * genome.timing if growing else 0.0
    bias: NDArray[np.float64] = np.exp(rng.uniform(-1, 1) * gc + rng.uniform(-6, 0) * gc**2 + growth + noise)
    return bias


def dna_fragments(
    cells: Cells, number: int, read: int, rng: np.random.Generator, caught: NDArray[np.bool_] | None = None
) -> Fragments:
    """About `number` different fragments of the cells' DNA; those over N or a contig's end are lost.

    caught: windows that a capture of the library keeps; None = all.
    """
    genome = cells.genome
    sequenced = ~(genome.bases == N).reshape(-1, WINDOW).any(axis=1)
    weight = cells.copies * library_bias(genome, cells.growing, rng) * sequenced
    if caught is not None:
        weight = weight * caught
    haplotype, window = np.divmod(draw(weight.ravel(), number, rng), len(genome.gc))
    length = np.maximum(rng.normal(300, 50, number).astype(np.int64), read)
    length = np.where(rng.random(number) < READ_THROUGH, rng.integers(30, read, number), length)
    start = window * WINDOW + rng.integers(0, WINDOW, number) - length // 2
    end = start + length
    kept = (start >= read) & (start + np.maximum(length, read) <= len(genome.bases))
    kept &= np.searchsorted(genome.offsets, start, "right") == np.searchsorted(genome.offsets, end - 1, "right")
    whole = Fragments(start, length, haplotype, rng.random(number) < 0.5).take(kept)
    return whole.take((genome.bases[whole.start] != N) & (genome.bases[whole.start + whole.length - 1] != N))


def joined(first: Fragments, second: Fragments) -> Fragments:
    """The fragments of two libraries, one behind the other."""
    names = ("start", "length", "haplotype", "flipped")
    return Fragments(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in names))


def with_clone(fragments: Fragments, template: Bases, mutated: float, rng: np.random.Generator) -> Fragments:
    """Fragments of the second template that reach a base of the third, turned into those of the third at the rate `mutated`."""
    if len(template) < 3:
        return fragments
    sites = np.flatnonzero(template[1] != template[2])
    first = np.searchsorted(sites, fragments.start)
    reaches = first < np.searchsorted(sites, fragments.start + fragments.length)
    turned = reaches & (fragments.haplotype == 1) & (rng.random(len(fragments)) < mutated)
    return replace(fragments, haplotype=np.where(turned, 2, fragments.haplotype))


def amplify(fragments: Fragments, rng: np.random.Generator) -> Fragments:
    """Add PCR duplicates and shuffle all."""
    copied = rng.integers(0, len(fragments), round(len(fragments) * DUPLICATES / (1 - DUPLICATES)))
    return fragments.take(rng.permutation(np.concatenate([np.arange(len(fragments)), copied])))


def read_ends(template: Bases, fragments: Fragments, read: int) -> tuple[Bases, Bases]:
    """Both mates of every fragment, error-free, shape (fragments, read) each; read on into the adapter when short."""
    first = fragments.start + fragments.haplotype * template.shape[1]
    rows = sliding_window_view(template.reshape(-1), read)
    left, right = rows[first], COMPLEMENT[rows[first + fragments.length - read][:, ::-1]]
    flipped = fragments.flipped[:, None]
    mates = np.where(flipped, right, left), np.where(flipped, left, right)
    short = np.flatnonzero(fragments.length < read)
    behind = np.arange(read) - fragments.length[short, None]
    for mate, adapter in zip(mates, ADAPTERS, strict=True):
        mate[short] = np.where(behind >= 0, adapter[np.clip(behind, 0, len(adapter) - 1)], mate[short])
    return mates


def sequence(bases: Bases, rng: np.random.Generator) -> Bases:
    """Put sequencing errors into `bases`, in place; returns the quality strings, same shape."""
    byte = rng.integers(0, 256, bases.shape, np.uint8)
    flat = bases.reshape(-1)
    low = np.flatnonzero(byte.reshape(-1) < LOW)
    anywhere = rng.integers(0, flat.size, rng.binomial(flat.size, ERROR))
    wrong = np.unique(np.concatenate([anywhere, low[rng.random(len(low)) < ERROR_LOW]]))
    flat[wrong] = another(flat[wrong], rng)
    quality: Bases = QUALITY[byte]
    return quality


def fastq(bases: Bases, quality: Bases, first: int, lane: int, mate: int) -> bytes:
    """FASTQ text of equally long reads; `first` numbers the first of them within its lane."""
    number, read = bases.shape
    flowcell = f"@sim:1:FC1:{lane}:"
    head = np.frombuffer(f"{flowcell}1101:10000:10000 {mate}:N:0:1\n".encode(), np.uint8)
    text = np.empty((number, len(head) + 2 * read + 4), np.uint8)
    text[:, : len(head)] = head
    serial = first + np.arange(number)
    tile, x, y = serial // 90_000 + 1101, serial % 90_000 // 300 + 10_000, serial % 300 + 10_000
    place = len(flowcell)
    for value, digits in ((tile, 4), (x, 5), (y, 5)):
        for digit in range(digits):
            text[:, place + digit] = value // 10 ** (digits - 1 - digit) % 10 + ord("0")
        place += digits + 1
    body = text[:, len(head) :]
    body[:, :read] = bases
    body[:, read : read + 3] = np.frombuffer(b"\n+\n", np.uint8)
    body[:, read + 3 : -1] = quality
    body[:, -1] = ord("\n")
    return text.tobytes()


def write_lane(
    paths: tuple[Path, Path],
    sources: Sequence[tuple[Bases, Fragments]],
    read: int,
    lane: int,
    rng: np.random.Generator,
) -> None:
    """Sequence the fragments of each template, in their order, into a pair of gzipped FASTQ files."""
    with ExitStack() as stack:
        # No name and no time, so that the same reads are the same bytes; level 1, since these files live for minutes.
        zipped = [stack.enter_context(xopen(path, "wb", compresslevel=1, threads=0)) for path in paths]
        before = 0
        for template, fragments in sources:
            for first in range(0, len(fragments), CHUNK):
                mates = read_ends(template, fragments.take(slice(first, first + CHUNK)), read)
                for mate, (bases, file) in enumerate(zip(mates, zipped, strict=True), start=1):
                    file.write(fastq(bases, sequence(bases, rng), before + first, lane, mate))
            before += len(fragments)
