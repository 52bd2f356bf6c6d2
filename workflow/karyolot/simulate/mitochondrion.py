"""Mitochondrial DNA of the example: a small circle, with variants of each donor and simulated changes of lots."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from karyolot.simulate.genome import BASES, WINDOW, Bases, another, stream
from karyolot.simulate.reads import Fragments

CONTIG, LENGTH = "chrM", 30 * WINDOW
RESTING, GROWING = 80, 40
"""Mitochondrial genomes per cell of hepatocytes, and of the cells of a lot. Real ones have a thousand and more; the ratio of the
two is what a culture shows."""
VARIANTS = 6
"""Bases in which a donor differs from the reference."""
CHANGED, DELETED = 1_200, (1_800, 2_400)
"""Where a lot's own changes are: one base, and an interval."""


@dataclass(frozen=True)
class Mitochondria:
    """Of a population of cells. copies: per cell. allele, deletion: fraction of the genomes with one changed base, and of those
    without a fifth of their bases."""

    copies: float
    allele: float = 0.0
    deletion: float = 0.0


def circle(seed: int) -> Bases:
    """The reference."""
    drawn: Bases = BASES[stream(seed, "mitochondrion").integers(0, 4, LENGTH)]
    return drawn


def genome_of(donor: str, seed: int) -> Bases:
    """The donor's own."""
    own, rng = circle(seed), stream(seed, f"mitochondrion of {donor}")
    free = np.setdiff1d(np.arange(LENGTH), [CHANGED, *range(*DELETED)])
    sites = rng.choice(free, VARIANTS, replace=False)
    own[sites] = another(own[sites], rng)
    return own


def molecules(
    own: Bases, mitochondria: Mitochondria, each: float, read: int, rng: np.random.Generator
) -> list[tuple[Bases, Fragments]]:
    """Templates as `write_lane` takes them, with their fragments: of whole genomes, and of those with the deletion. each:
    fragments per base of one copy in every cell."""
    changed = own.copy()
    changed[CHANGED] = another(changed[CHANGED : CHANGED + 1], rng)[0]
    short = np.delete(own, np.arange(*DELETED))
    whole = 1 - mitochondria.deletion
    sources = []
    for pair, share, allele in (
        ((own, changed), whole, mitochondria.allele / max(whole, 1e-9)),
        ((short, short), 1 - whole, 0.0),
    ):
        length = len(pair[0])
        number = round(each * mitochondria.copies * share * length)
        template = np.stack([np.tile(row, 2) for row in pair])
        sizes: NDArray[np.int64] = np.clip(rng.normal(300, 50, number).astype(np.int64), read, length)
        starts = rng.integers(0, length, number)
        carries = (rng.random(number) < allele).astype(np.int64)
        sources.append((template, Fragments(starts, sizes, carries, rng.random(number) < 0.5)))
    return sources
