"""Donors and their cells: who carries which bases, and how many copies of what."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.settings import Region
from karyolot.simulate.genome import WINDOW, Bases, Genome, N, another, stream

Sex = Literal["F", "M"]

SITES_PER_BASE = 1.5e-3
"""Sites that vary among people. With alternative alleles at 20 to 80 %, a donor differs from the reference at about
1 per kb, het or hom, and two donors differ from each other at a similar rate, as people do."""


@dataclass(frozen=True)
class Change:
    """Copies gained (+) or lost (-) by a fraction of the cells.

    where: 'chr8' or, in megabases of the real assembly, 'chr20:30.4-39.0'.
    """

    where: str
    copies: int
    fraction: float = 1.0

    def region(self, genome: Genome) -> Region:
        """Where the change lies in the miniature."""
        chrom, _, span = self.where.partition(":")
        if not span:
            return genome.whole(chrom)
        start, end = (round(float(megabase) * 1e6 / genome.scale) for megabase in span.split("-"))
        return Region(chrom=chrom, start=start, end=end)


@dataclass(frozen=True)
class Cells:
    """A population of one person's cells.

    haplotypes: shape (2, bases), or (3, bases): the third is the second with the mutations of a clone. copies: mean per cell of
    the first two, shape (2, windows). growing: cells divide. mutated: fraction of the second's copies that are the third.
    """

    genome: Genome
    sex: Sex
    haplotypes: Bases
    copies: NDArray[np.float64]
    growing: bool
    mutated: float = 0.0

    @cached_property
    def gene_copies(self) -> NDArray[np.float64]:
        """Mean copies of every gene's two haplotypes, shape (2, genes)."""
        return self.copies[:, self.genome.genes["start"].to_numpy() // WINDOW]

    @cached_property
    def dosage(self) -> NDArray[np.float64]:
        """Per gene: copies over those of a normal cell of this sex; 0 where it has none (Y in women)."""
        window = self.genome.genes["start"].to_numpy() // WINDOW
        normal = copies(self.genome, self.sex).sum(axis=0)[window]
        dosage: NDArray[np.float64] = self.gene_copies.sum(axis=0) / np.where(normal > 0, normal, np.inf)
        return dosage


def copies(genome: Genome, sex: Sex, changes: Iterable[Change] = ()) -> NDArray[np.float64]:
    """Mean copies per cell of the two haplotypes, shape (2, windows).

    Both copies of a pseudo-autosomal region are at its position on X, since the one on Y is masked in the reference.
    """
    layout = genome.layout
    table = np.ones((2, len(genome.gc)))
    x, y = (genome.windows(genome.whole(chrom)) for chrom in (layout.x, layout.y) if chrom)
    table[0, y] = 0
    if sex == "M":
        table[1, x] = 0
        for region in layout.x_par:
            table[1, genome.windows(region)] = 1
        for region in layout.y_par:
            table[1, genome.windows(region)] = 0
    else:
        table[1, y] = 0
    for change in changes:
        here = genome.windows(change.region(genome))
        haplotype = int(not table[0, here].any())  # the first, unless only the second has it (Y)
        table[haplotype, here] = np.maximum(table[haplotype, here] + change.copies * change.fraction, 0)
    return table


@dataclass(frozen=True)
class Variants:
    """Sites that vary among people: global position, alternative base, and how common it is (0..1)."""

    site: NDArray[np.int64]
    other: Bases
    frequency: NDArray[np.float64]


def variants(genome: Genome, seed: int) -> Variants:
    rng = stream(seed, "variable sites")
    site = np.flatnonzero(rng.random(len(genome.bases), np.float32) < SITES_PER_BASE)
    site = site[genome.bases[site] != N]
    return Variants(site, another(genome.bases[site], rng), rng.uniform(0.2, 0.8, len(site)))


def haplotypes(genome: Genome, donor: str, seed: int) -> Bases:
    """The donor's two genomes, shape (2, bases): the reference with the donor's single-nucleotide variants."""
    known = variants(genome, seed)
    site, other, frequency = known.site, known.other, known.frequency
    pair = np.stack([genome.bases, genome.bases])
    carries = stream(seed, f"genotype of {donor}").random((2, len(site))) < frequency
    for strand, carried in zip(pair, carries, strict=True):
        strand[site[carried]] = other[carried]
    return pair
