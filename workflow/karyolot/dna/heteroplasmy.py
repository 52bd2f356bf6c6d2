"""Alleles of mitochondrial DNA in part of the genomes of a lot or its donor: fractions, shifts, and the smallest shift found.

Counts of two libraries differ by more than counting alone, so every count is divided by the dispersion measured at alleles
that are errors. A shift counts when Fisher's exact test on these counts passes the threshold for all alleles compared, when it
is larger than `floor`, and when both strands show it.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, ndtri

from karyolot.contracts.mitochondria import Heteroplasmies, Integers, MitochondrialReads
from karyolot.contracts.settings import Mitochondria
from karyolot.dna import halving
from karyolot.dna.hypergeometric import two_sided
from karyolot.dna.mitochondrial_genes import effect, is_rcrs

Floats = NDArray[np.float64]

REPORTED = 0.02
"""Fraction in lot or donor from which on an allele is listed, unless both carry it in all genomes but as few."""
SURE = 0.01
"""Lower end of the interval of a listed fraction, at least: one wrong base of fifty is no allele."""
LEAST_SHIFT = 0.01
"""Smallest shift that counts: below, chemistry and PCR of a library make differences that are not of the cells."""
LEAST_DEPTH = 20
"""Of lot and donor at a position that is compared: below, not even a change of all genomes passes the threshold."""
RUN, BESIDE = 6, 2
"""Bases beside a run of this many equal ones are not compared: reads slip there, and end in the wrong base."""
ERRORS = 0.02
"""Pooled fraction below which an allele is taken for errors when the dispersion is measured."""
FEWEST_ERRORS = 10
"""Reads expected in each sample at an allele that measures the dispersion."""
STRAND_P, STRAND_RATIO = 1e-3, 0.5
"""An allele is of one strand when its strands differ beyond chance, and by more than twofold."""
Z95 = float(ndtri(0.975))
HALVINGS = 14
"""Of the fraction: to less than one in ten thousand."""
MEDIAN_CHI = 0.4549
"""Median of chi square with one degree of freedom."""


class Compared(NamedTuple):
    """Alleles at the compared positions, shape (positions, 3) each, and what a difference is compared with.

    place: positions; allele: codes. lot, donor: fragments that show each; *_depth: shape (positions, 1).
    """

    place: Integers
    allele: Integers
    lot: Integers
    donor: Integers
    lot_depth: Integers
    donor_depth: Integers
    dispersion: float
    threshold: float
    floor: float

    @property
    def shift(self) -> Floats:
        return self.lot / self.lot_depth - self.donor / self.donor_depth

    @property
    def error(self) -> float:
        """Mean fraction of an allele that is errors, in lot and donor together."""
        depth = self.lot_depth + self.donor_depth
        fraction = (self.lot + self.donor) / depth
        of_errors = fraction < ERRORS
        return float(fraction[of_errors].mean()) if of_errors.any() else 0.0

    def effective(self) -> tuple[Integers, Integers, Integers, Integers]:
        """Counts and depths of lot, then donor, over the dispersion."""
        counts = (self.lot, self.lot_depth, self.donor, self.donor_depth)
        lot, lot_depth, donor, donor_depth = (np.rint(n / self.dispersion).astype(np.int64) for n in counts)
        return lot, lot_depth + 0 * lot, donor, donor_depth + 0 * donor


def compare(lot: MitochondrialReads, donor: MitochondrialReads, settings: Mitochondria, nuclear: float) -> Compared:
    """The three alleles beside the reference's at each position where both are deep enough. nuclear: fraction that a
    nuclear copy in every cell could make of either sample."""
    own, other = lot.bases.sum(axis=2), donor.bases.sum(axis=2)
    place = np.flatnonzero(
        (own.sum(axis=1) >= LEAST_DEPTH) & (other.sum(axis=1) >= LEAST_DEPTH) & comparable(lot.sequence)
    )
    own, other = own[place], other[place]
    depths = own.sum(axis=1, keepdims=True), other.sum(axis=1, keepdims=True)
    base = np.frombuffer(lot.sequence.encode(), np.uint8)[place]
    reference = np.argmax(base[:, None] == np.frombuffer(b"ACGT", np.uint8), axis=1)
    order = (reference[:, None] + np.arange(1, 4)) % 4
    counts = np.take_along_axis(own, order, axis=1), np.take_along_axis(other, order, axis=1)
    return Compared(
        place, order, *counts, *depths,
        dispersion=_dispersion(*counts, *depths),
        threshold=settings.family_wise_error / max(3 * len(place), 1),
        floor=max(LEAST_SHIFT, nuclear),
    )  # fmt: skip


def comparable(sequence: str) -> NDArray[np.bool_]:
    """Positions with a known base, away from runs of equal bases; the sequence is circular."""
    bases = np.frombuffer(sequence.encode(), np.uint8)
    inside = np.ones(len(bases), dtype=bool)
    for step in range(1, RUN):
        inside &= bases == np.roll(bases, -step)
    masked = np.zeros(len(bases), dtype=bool)
    for step in range(-BESIDE, RUN + BESIDE):
        masked |= np.roll(inside, step)
    return np.isin(bases, np.frombuffer(b"ACGT", np.uint8)) & ~masked


def _dispersion(lot: Integers, donor: Integers, lot_depth: Integers, donor_depth: Integers) -> float:
    """Variance of lot minus donor over that of counting, at alleles of errors, from the median of the squares; at least 1.

    What a whole library makes more or less of is taken out first, as the median difference.
    """
    p = (lot + donor) / (lot_depth + donor_depth)
    used = (p < ERRORS) & (np.minimum(lot_depth, donor_depth) * p >= FEWEST_ERRORS)
    if np.count_nonzero(used) < 50:
        return 1.0
    difference = (lot / lot_depth - donor / donor_depth)[used]
    variance = (p * (1 - p) * (1 / lot_depth + 1 / donor_depth))[used]
    z = (difference - np.median(difference)) / np.sqrt(variance)
    return max(1.0, float(np.median(z**2)) / MEDIAN_CHI)


def fisher(lot: Integers, lot_depth: Integers, donor: Integers, donor_depth: Integers) -> Floats:
    """Two-sided p of Fisher's exact test, twice the smaller tail."""
    return two_sided(lot, lot_depth, lot + donor, lot_depth + donor_depth)


def wilson(count: Floats | Integers, depth: Floats | Integers) -> tuple[Floats, Floats]:
    """95 % interval of a fraction (Wilson 1927)."""
    n = np.maximum(depth, 1e-9)
    p, z2 = count / n, Z95**2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 / (1 + z2 / n) * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    low, high = np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
    return np.where(count == 0, 0.0, low), np.where(count == n, 1.0, high)


def newcombe(
    lot: Floats | Integers, lot_depth: Floats | Integers, donor: Floats | Integers, donor_depth: Floats | Integers
) -> tuple[Floats, Floats]:
    """95 % interval of the difference of two fractions (Newcombe 1998, method 10)."""
    p, q = lot / np.maximum(lot_depth, 1e-9), donor / np.maximum(donor_depth, 1e-9)
    (p_low, p_high), (q_low, q_high) = wilson(lot, lot_depth), wilson(donor, donor_depth)
    low = p - q - np.sqrt((p - p_low) ** 2 + (q_high - q) ** 2)
    high = p - q + np.sqrt((p_high - p) ** 2 + (q - q_low) ** 2)
    return np.clip(low, -1, 1), np.clip(high, -1, 1)


def smallest_shift(compared: Compared, lot_depth: float, donor_depth: float, power: float) -> float | None:
    """Smallest fraction in the lot of an allele the donor lacks that is found with `power`; None = not even in all genomes.

    lot_depth, donor_depth: fragments at the position. Errors are as frequent as at the mean allele.
    """
    n, m = (max(round(depth / compared.dispersion), 1) for depth in (lot_depth, donor_depth))
    error = compared.error
    below = bdtr(np.arange(m + 1), m, error)
    seen = np.arange(int(np.searchsorted(below, 0.999)) + 1)
    weight = np.diff(below[seen], prepend=0.0)
    needed = np.array([_needed(n, m, int(k), compared.threshold, compared.floor) for k in seen])

    def found(fraction: float) -> float:
        return float((weight * bdtrc(needed - 1, n, fraction + (1 - fraction) * error)).sum() / weight.sum())

    if found(1.0) < power:
        return None
    return halving.smallest(lambda fraction: found(fraction) >= power, 0.0, 1.0, HALVINGS)


def _needed(depth: int, donor_depth: int, donor: int, threshold: float, floor: float) -> int:
    """Fewest fragments of the lot that make a shift."""
    low, high = 0, depth + 1
    while low < high:
        middle = (low + high) // 2
        large = middle / depth - donor / donor_depth >= floor
        arrays = (np.array([value]) for value in (middle, depth, donor, donor_depth))
        passes = large and middle <= depth and fisher(*arrays)[0] < threshold
        low, high = (low, middle) if passes else (middle + 1, high)
    return low


def _of_one_strand(reads: MitochondrialReads, place: Integers, allele: Integers) -> NDArray[np.bool_]:
    forward, reverse = (reads.bases[place, allele, strand] for strand in (0, 1))
    depth, backward = (reads.bases[place, :, strand].sum(axis=1) for strand in (0, 1))
    p = fisher(forward, depth, reverse, backward)
    ratios = forward / np.maximum(depth, 1), reverse / np.maximum(backward, 1)
    return np.asarray((p < STRAND_P) & (np.minimum(*ratios) < STRAND_RATIO * np.maximum(*ratios)))


def heteroplasmies(
    compared: Compared, lot: MitochondrialReads, donor: MitochondrialReads, settings: Mitochondria
) -> pd.DataFrame:
    """Schema Heteroplasmies: alleles that differ, and those of REPORTED genomes or more in lot or donor, not in all
    of both."""
    fractions = compared.lot / compared.lot_depth, compared.donor / compared.donor_depth
    p = np.ones(compared.lot.shape)
    large = np.abs(compared.shift) >= compared.floor
    held = compared.effective()
    p[large] = fisher(*(counts[large] for counts in held))
    differs = large & (p < compared.threshold)
    sure = np.maximum(wilson(held[0], held[1])[0], wilson(held[2], held[3])[0]) >= SURE
    partly = (np.maximum(*fractions) >= REPORTED) & (np.minimum(*fractions) <= 1 - REPORTED)
    row, column = np.nonzero(differs | (partly & sure))
    at = row, column
    place, allele = compared.place[row], compared.allele[at]
    own, own_depth, other, other_depth = (counts[at] for counts in held)
    more = np.where(compared.shift[at] >= 0, _of_one_strand(lot, place, allele), _of_one_strand(donor, place, allele))
    (lot_low, lot_high), (donor_low, donor_high) = wilson(own, own_depth), wilson(other, other_depth)
    shift_low, shift_high = newcombe(own, own_depth, other, other_depth)
    depths = compared.lot_depth[row, 0], compared.donor_depth[row, 0]
    limits = [smallest_shift(compared, own, other, settings.power) for own, other in zip(*depths, strict=True)]
    known = is_rcrs(lot.sequence)
    effects = [
        effect(lot.sequence, at, "ACGT"[code]) if known else None for at, code in zip(place, allele, strict=True)
    ]
    table = pd.DataFrame(
        {
            "chrom": lot.contig, "start": place, "end": place + 1,
            "ref": [lot.sequence[at] for at in place], "alt": ["ACGT"[code] for code in allele],
            "gene": [found.gene if found else "" for found in effects],
            "change": [found.change if found else "" for found in effects],
            "altering": pd.Series([found.altering if found else None for found in effects], dtype=object),
            "lot": fractions[0][at], "lot_low": lot_low, "lot_high": lot_high, "lot_depth": depths[0],
            "donor": fractions[1][at], "donor_low": donor_low, "donor_high": donor_high, "donor_depth": depths[1],
            "shift": compared.shift[at], "shift_low": shift_low, "shift_high": shift_high,
            "p": p[at], "lod": pd.Series(limits, dtype=float),
            "finding": np.where(more, "artefact", np.where(differs[at], "shift", "same")),
        }
    )  # fmt: skip
    return Heteroplasmies.validate(
        table.astype({"chrom": str, "ref": str, "alt": str, "gene": str, "change": str, "finding": str})
    )
