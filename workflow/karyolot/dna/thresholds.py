"""How large |z| must be so that a stable lot shows any false call with at most the family-wise chance."""

from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from karyolot.contracts.settings import CopyNumber

BINS_PER_TEST = 200.0
MOST_TESTS_PER_BIN = 12.0
"""Searching all windows of n bins is equivalent to n * min(n / 200, 12) independent tests: fitted to the 95 % quantile of the
largest |z| in simulated white-noise genomes of 150 to 15,000 bins (benchmarks/scan_threshold.py redoes it)."""

KNOWN = 1e9
"""Degrees of freedom of a standard error that is known."""


def segment_threshold(bins: int, family_wise_error: float) -> float:
    """|z| for a segment whose ends were searched for among `bins` used bins; half of the family-wise error is spent."""
    tests = max(1.0, bins * min(bins / BINS_PER_TEST, MOST_TESTS_PER_BIN))
    return two_sided(family_wise_error / 2 / tests)


def known_threshold(tests: int, family_wise_error: float, freedom: ArrayLike = KNOWN) -> NDArray[np.float64]:
    """|z| for one of `tests` whole arms and chromosomes, whose ends are known; the other half is spent.

    A quantile of Student's t, since the standard error is estimated; freedom: its degrees of freedom.
    """
    return np.asarray(-stdtrit(np.minimum(freedom, KNOWN), family_wise_error / 4 / max(tests, 1)))


def least_effect(se: ArrayLike, threshold: float, settings: CopyNumber) -> NDArray[np.float64]:
    """Smallest |log2| that counts as a change: it must pass |z| and the smallest effect called anywhere."""
    return np.maximum(threshold * np.asarray(se, dtype=float), settings.min_log2)


def two_sided(error: float) -> float:
    """|z| exceeded with probability `error` by a standard normal variable."""
    return -NormalDist().inv_cdf(error / 2)
