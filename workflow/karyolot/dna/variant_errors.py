"""How often a read shows an allele that is not there: measured from the donor and from the lot's other positions.

Counts of errors are beta-binomial: their mean depends on the kind of change, and sites of one kind differ. The reads of the
donor at the same position then narrow what is expected there, as a Bayesian update of the beta distribution.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaln, gammaln

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BASES = "ACGT"
SUBSTITUTIONS = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
"""On the strand of the pyrimidine: C>A is G>T of the other strand (oxidised guanine), C>T deaminated cytosine."""
RUNS = (4, 6, 8)
"""Lengths of a run of one base from which on indel errors are counted apart."""
KINDS = (*SUBSTITUTIONS, *(f"indel {number}" for number in range(len(RUNS) + 1)))
EXPECTED: Floats = np.array([1e-3] * len(SUBSTITUTIONS) + [1e-4, 1e-3, 1e-2, 5e-2])
"""Error rate of each kind before any read is seen, with the weight of one error: few reads leave it, many move it."""
SPREAD, SPREAD_WEIGHT = 0.002, 1000.0
"""Overdispersion before any read is seen, and its weight in pairs of errors."""
LEAST_SPREAD, MOST_SPREAD = 1e-4, 0.05
PRESENT = 0.1
"""Fraction of reads from which on an allele is no error: such positions do not enter the rates."""
MOST_COUNTED = 60
"""Alternative reads beyond which a tail is not followed: it is far below any threshold there."""


class Rates(NamedTuple):
    """Beta-binomial error of each of KINDS. sums: of x, n, x², nx and n² over all samples and positions, shape (5, kinds), from
    which the rate without one position follows."""

    mean: Floats
    spread: Floats
    sums: Floats


def kind_of(ref: str, alt: str, run: int) -> int:
    """Index into KINDS of a change. run: length of the run of one base at its position."""
    if len(ref) != 1 or len(alt) != 1:
        return len(SUBSTITUTIONS) + int(np.searchsorted(RUNS, run, side="right"))
    if ref in "AG":
        ref, alt = (str(base).translate(str.maketrans("ACGT", "TGCA")) for base in (ref, alt))
    return SUBSTITUTIONS.index(f"{ref}>{alt}")


def substitution_kinds(ref: str) -> list[int]:
    """Kinds of the three substitutions of a base."""
    return [kind_of(ref, alt, 1) for alt in BASES if alt != ref]


def kinds_at(positions: pd.DataFrame) -> Integers:
    """Kinds of the three substitutions and of an indel at each position, shape (positions, 4).

    An indel is placed at the base before the run that it changes, so no indel (-1) is within a run.
    """
    of_base = {base: substitution_kinds(base) for base in BASES}
    substitutions = np.array([of_base[base] for base in positions["ref"]], dtype=np.int64).reshape(-1, 3)
    if not len(positions):
        return np.empty((0, 4), dtype=np.int64)
    run, ref = positions["run"].to_numpy(), positions["ref"].to_numpy()
    indel = len(SUBSTITUTIONS) + np.searchsorted(RUNS, np.append(run[1:], 1), side="right")
    within = np.append(ref[1:] == ref[:-1], False)
    return np.column_stack([substitutions, np.where(within, -1, indel)])


def measure(positions: pd.DataFrame, alleles: pd.DataFrame, samples: tuple[str, str]) -> Rates:
    """Error rates of two samples that were sequenced alike.

    Parameters
    ----------
    positions, alleles
        Schemas SearchedPositions and SeenAlleles.
    samples
        Beginnings of the columns of the two: ('lot', 'donor') or ('rna_lot', 'rna_donor').
    """
    kinds, own = kinds_at(positions), alleles["kind"].to_numpy()
    present = np.zeros(len(positions), dtype=bool)
    present[alleles["position"].to_numpy()[_largest(alleles, samples) >= PRESENT]] = True
    errors = ~present[alleles["position"].to_numpy()]
    sums = np.zeros((5, len(KINDS)))
    for name in samples:
        depth = positions[f"{name}_depth"].to_numpy()[~present].astype(float)
        x, n = (alleles[f"{name}_{column}"].to_numpy()[errors].astype(float) for column in ("alt", "depth"))
        for row, values in enumerate((x, x * 0, x * x, n * x)):
            sums[row] += np.bincount(own[errors], values, len(KINDS))
        for column in kinds[~present].T:
            counted = column >= 0
            sums[1] += np.bincount(column[counted], depth[counted], len(KINDS))
            sums[4] += np.bincount(column[counted], depth[counted] ** 2, len(KINDS))
    return Rates(*moments(sums, EXPECTED), sums)


def _largest(alleles: pd.DataFrame, samples: tuple[str, str]) -> Floats:
    """Fraction of reads with each allele, the larger of two samples."""
    first, second = (
        alleles[f"{name}_alt"].to_numpy(float) / np.maximum(alleles[f"{name}_depth"].to_numpy(float), 1)
        for name in samples
    )
    return np.asarray(np.maximum(first, second))


def moments(sums: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """Mean and overdispersion of beta-binomial counts by their moments, with what is expected of few. sums: as Rates.sums."""
    x, n, xx, nx, nn = sums
    mean = (x + 1) / (n + 1 / expected)
    squares = xx - 2 * mean * nx + mean**2 * nn
    counted = n * mean * (1 - mean)
    pairs = (nn - n) * mean * (1 - mean)
    spread = (np.maximum(squares - counted, 0) + SPREAD * SPREAD_WEIGHT) / (np.maximum(pairs, 0) + SPREAD_WEIGHT)
    return mean, np.clip(spread, LEAST_SPREAD, MOST_SPREAD)


def without(rates: Rates, alleles: pd.DataFrame, samples: tuple[str, str]) -> tuple[Floats, Floats]:
    """Mean and overdispersion for each allele, measured without its own reads: a mutation is not its own error rate."""
    kind = alleles["kind"].to_numpy()
    sums = rates.sums[:, kind].copy()
    inside = _largest(alleles, samples) < PRESENT
    for name in samples:
        x, n = (alleles[f"{name}_{column}"].to_numpy(float) * inside for column in ("alt", "depth"))
        sums -= np.array([x, n, x * x, n * x, n * n])
    return moments(np.maximum(sums, 0), EXPECTED[kind])


def beta_of(mean: Floats, spread: Floats, alt: Integers, depth: Integers) -> tuple[Floats, Floats]:
    """Beta distribution of the error at a position, after the donor's reads there: `alt` of `depth`."""
    size = 1 / spread - 1
    return mean * size + alt, (1 - mean) * size + (depth - alt)


def tail(alt: Integers, depth: Integers, a: Floats, b: Floats) -> Floats:
    """Chance of `alt` or more of `depth` reads with errors of Beta(a, b), at most MOST_COUNTED of them followed."""
    wanted = np.minimum(alt, MOST_COUNTED)
    below = np.zeros(np.broadcast(wanted, depth, a, b).shape)
    pmf = np.exp(betaln(a, b + depth) - betaln(a, b))
    for k in range(int(wanted.max(initial=0))):
        below += np.where(k < wanted, pmf, 0)
        pmf = pmf * (depth - k).clip(min=0) * (a + k) / ((k + 1) * np.maximum(b + depth - k - 1, 1e-9))
    return np.asarray(np.clip(1 - below, 1e-12, 1))


def needed(depth: Integers, a: Floats, b: Floats, alpha: Floats, least: int) -> Integers:
    """Fewest alternative reads, `least` or more, whose `tail` is at most alpha; depth + 1 where no number is enough."""
    shape = np.broadcast(depth, a, b, alpha).shape
    found = np.broadcast_to(depth + 1, shape).copy()
    pmf = np.exp(betaln(a, b + depth) - betaln(a, b))
    above = np.ones(shape)
    for k in range(MOST_COUNTED):
        # above: chance of k or more
        hit = (above <= alpha + 1e-13) & (k >= least) & (found > depth) & (k <= depth)
        found = np.where(hit, k, found)
        above = above - pmf
        pmf = pmf * (depth - k).clip(min=0) * (a + k) / ((k + 1) * np.maximum(b + depth - k - 1, 1e-9))
    return found.astype(np.int64)


def split(forward: Integers, number: Integers, all_forward: Integers, depth: Integers) -> Floats:
    """Chance of so uneven a split of `number` reads between the strands, twice the smaller side (hypergeometric).

    all_forward: of the `depth` reads at the position.
    """

    def log_choose(n: Floats, k: Floats) -> Floats:
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    total, of_all, drawn = (np.asarray(values, float) for values in (depth, all_forward, number))
    low, high = np.zeros(len(drawn)), np.zeros(len(drawn))
    for k in range(int(np.max(number, initial=0)) + 1):
        possible = (k <= drawn) & (k <= of_all) & (drawn - k <= total - of_all)
        kept = np.where(possible, k, 0)
        with np.errstate(invalid="ignore"):
            log = log_choose(of_all, kept) + log_choose(total - of_all, drawn - kept) - log_choose(total, drawn)
        pmf = np.where(possible, np.exp(log), 0)
        low += np.where(k <= forward, pmf, 0)
        high += np.where(k >= forward, pmf, 0)
    return np.asarray(np.clip(2 * np.minimum(low, high), 0, 1))
