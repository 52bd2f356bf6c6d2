"""How often a read shows an allele that is not there: measured from all positions of lot and donor.

Counts of errors are beta-binomial: their mean depends on the kind of change, and sites of one kind differ. The reads of the
donor at the same position then narrow what is expected there, as a Bayesian update of the beta distribution.

True variants in few cells are among the counts. The fit is to the truncated distribution: counts above a bound that errors
seldom reach enter neither the data nor their normalisation, so that many such variants do not raise the measured error.
"""

from collections.abc import Callable
from math import comb, factorial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaln, ndtr

from karyolot.contracts.metrics import SHORTEST_RUN
from karyolot.dna.hypergeometric import log_choose, two_sided

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

BASES = "ACGT"
SUBSTITUTIONS = ("C>A", "C>G", "C>T", "T>A", "T>C", "T>G")
"""On the strand of the pyrimidine: C>A is G>T of the other strand (oxidised guanine), C>T deaminated cytosine."""
RUNS = (SHORTEST_RUN, 6, 8)
"""Lengths of a run of one base from which on indel errors are counted apart."""
KINDS = (*SUBSTITUTIONS, *(f"indel {number}" for number in range(len(RUNS) + 1)))
EXPECTED: Floats = np.array([1e-3] * len(SUBSTITUTIONS) + [1e-4, 1e-3, 1e-2, 5e-2])
"""Error rate of each kind before any read is seen, with the weight of one error: few reads leave it, many move it."""
SPREAD, SPREAD_LOG_SD = 0.002, 1.0
"""Overdispersion before any read is seen: log-normal."""
LEAST_SPREAD, MOST_SPREAD = 1e-4, 0.05
LEAST_MEAN, MOST_MEAN = 1e-7, 0.3
PRESENT = 0.1
"""Fraction of reads from which on an allele is no error: such positions do not enter the rates."""
TRUNCATED, LEAST_TRUNCATED = 0.99, 2
"""Part of the positions of a kind that lies below the bound of the fit, and the smallest bound, reads."""
DEPTH_BITS = 9
"""Binary digits of a depth that the fit uses: from 512 on it is rounded down by 0.4 % at most."""
NEVER = -1e9
"""Logarithm of a probability of 0 that can be multiplied by 0."""
REACH, GRID, NARROWER, NARROWED = (1.5, 3.0), np.stack(np.meshgrid(*2 * [np.linspace(-1, 1, 5)])).reshape(2, -1), 0.6, 9
"""Search for the best fit: half widths of the first grid (logarithms of mean and overdispersion), its points, and by what factor
it narrows how often: to 2 % of the mean."""
MOST_EXACT = 10
"""Reads up to which the sum of their positions is that of uniform ones; of more it is normal."""
MOST_COUNTED = 60
"""Alternative reads beyond which a tail is not followed: it is far below any threshold there."""


class Rates(NamedTuple):
    """Beta-binomial error of each of KINDS: mean, and overdispersion (correlation of two reads of one position)."""

    mean: Floats
    spread: Floats


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
    kinds, own, at = kinds_at(positions), alleles["kind"].to_numpy(), alleles["position"].to_numpy()
    present = np.zeros(len(positions), dtype=bool)
    present[at[_largest(alleles, samples) >= PRESENT]] = True
    cell = np.arange(len(positions))[:, None] * len(KINDS) + kinds
    clean = (kinds >= 0) & ~present[:, None] & ~np.isin(cell, at * len(KINDS) + own)
    seen = ~present[at]
    kind = np.tile(np.append(kinds[clean], own[seen]), len(samples))
    none, (place, _) = np.zeros(int(clean.sum()), dtype=np.int64), np.nonzero(clean)
    x = np.concatenate([part for name in samples for part in (none, alleles[f"{name}_alt"].to_numpy()[seen])])
    depths = [
        (positions[f"{name}_depth"].to_numpy()[place], alleles[f"{name}_depth"].to_numpy()[seen]) for name in samples
    ]
    n = np.concatenate([part for pair in depths for part in pair])
    fits = [
        _fit(x[rows], n[rows], mean)
        for mean, rows in ((mean, (kind == i) & (n > 0)) for i, mean in enumerate(EXPECTED))
    ]
    return Rates(*(np.array(column) for column in zip(*fits, strict=True)))


def _largest(alleles: pd.DataFrame, samples: tuple[str, str]) -> Floats:
    """Fraction of reads with each allele, the larger of two samples."""
    first, second = (
        alleles[f"{name}_alt"].to_numpy(float) / np.maximum(alleles[f"{name}_depth"].to_numpy(float), 1)
        for name in samples
    )
    return np.asarray(np.maximum(first, second))


def _fit(x: Integers, n: Integers, expected: float) -> tuple[float, float]:
    """Mean and overdispersion of beta-binomial counts `x` of `n` reads by the truncated likelihood, with priors.

    expected: mean before any read is seen.
    """
    if not len(x):
        return expected, SPREAD
    share = x / n
    bound = float(np.partition(share, int(TRUNCATED * len(x)))[int(TRUNCATED * len(x))])
    spare = np.maximum(np.frexp(n)[1] - DEPTH_BITS, 0)  # deep reads of RNA have thousands of depths
    depths, row = np.unique(n >> spare << spare, return_inverse=True)
    most = np.maximum(np.ceil(depths * bound), LEAST_TRUNCATED).astype(np.int64)
    inside = x <= most[row]
    k = np.arange(int(most.max()) + 1)
    counted = np.zeros((len(depths), len(k)))
    np.add.at(counted, (row[inside], x[inside]), 1)
    possible = k <= np.minimum(most, depths)[:, None]
    left = np.maximum(depths[:, None] - k, 0)
    choices = np.where(possible, log_choose(np.maximum(depths[:, None], k), k), NEVER)

    def fitness(log_mean: Floats, log_spread: Floats) -> Floats:
        mean, size = np.exp(log_mean), np.exp(-log_spread) - 1
        a, b = ((part * size)[:, None, None] for part in (mean, 1 - mean))
        log = choices + betaln(a + k, b + left) - betaln(a, b)
        whole = np.log(np.exp(log).sum(axis=2))
        likelihood = np.where(counted > 0, log * counted, 0).sum(axis=(1, 2)) - (whole * counted.sum(axis=1)).sum(
            axis=1
        )
        prior = log_mean - mean / expected - ((log_spread - np.log(SPREAD)) / SPREAD_LOG_SD) ** 2 / 2
        return np.asarray(likelihood + prior)

    start = (x[inside].sum() + 1) / (n[inside].sum() + 1 / expected)
    return _highest(fitness, (np.log(start), np.log(SPREAD)))


def _highest(fitness: Callable[[Floats, Floats], Floats], start: tuple[float, float]) -> tuple[float, float]:
    """Mean and overdispersion of the highest fitness of their logarithms, on a grid that narrows around the best point."""
    low, high = np.log([[LEAST_MEAN, LEAST_SPREAD], [MOST_MEAN, MOST_SPREAD]])[:, :, None]
    best, half = np.clip(np.array(start)[:, None], low, high), np.array(REACH)[:, None]
    for _ in range(NARROWED):
        tried = np.clip(best + half * GRID, low, high)
        best = tried[:, [int(np.argmax(fitness(*tried)))]]
        half = half * NARROWER
    mean, spread = np.exp(best[:, 0]).tolist()
    return mean, spread


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


def one_end(z: Floats, number: Integers) -> Floats:
    """Chance, two-sided, that `number` reads have their allele so near one end of the read; 1 where z is null.

    z: of the rank-sum test of the positions within the reads (bcftools' RPBZ), which is small for few reads wherever they lie. Up
    to MOST_EXACT reads it is therefore taken as that of a sum of uniform positions (Irwin-Hall distribution), then as normal.
    """
    chance = 2 * np.asarray(ndtr(-np.abs(z)))
    for n in range(1, MOST_EXACT + 1):
        total = np.maximum(n / 2 - np.abs(z) * np.sqrt(n / 12), 0)
        terms = [(-1) ** k * comb(n, k) * np.maximum(total - k, 0) ** n for k in range(n)]
        chance = np.where(number == n, 2 * sum(terms) / factorial(n), chance)
    return np.where(np.isnan(z), 1.0, np.clip(chance, 0, 1))


def split(forward: Integers, number: Integers, all_forward: Integers, depth: Integers) -> Floats:
    """Chance of so uneven a split of `number` reads between the strands, twice the smaller side (hypergeometric).

    all_forward: of the `depth` reads at the position.
    """
    return two_sided(forward, number, all_forward, depth)
