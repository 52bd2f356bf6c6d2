"""Exact tails of the hypergeometric distribution. `scipy.stats` has them too, but takes half a second to import."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def tails(found: Integers, drawn: Integers, marked: Integers, total: Integers) -> tuple[Floats, Floats]:
    """Chances of at most, and of at least, `found` marked ones among `drawn` of `total`, of which `marked` are marked.

    Parameters
    ----------
    found, drawn, marked, total
        Arrays of one length.
    """
    low, high = np.maximum(drawn + marked - total, 0), np.minimum(drawn, marked)
    size = high - low + 1
    row = np.repeat(np.arange(len(size)), size)
    k = np.arange(len(row)) + (low - (np.cumsum(size) - size))[row]
    log = log_choose(marked[row], k) + log_choose((total - marked)[row], drawn[row] - k)
    chance = np.exp(log - log_choose(total, drawn)[row])
    at_most, at_least = (
        np.bincount(row, chance * side, len(size))
        for side in (k <= np.asarray(found)[row], k >= np.asarray(found)[row])
    )
    return np.clip(at_most, 0, 1), np.clip(at_least, 0, 1)


def two_sided(found: Integers, drawn: Integers, marked: Integers, total: Integers) -> Floats:
    """Two-sided p, twice the smaller of the `tails`."""
    return np.asarray(np.clip(2 * np.minimum(*tails(found, drawn, marked, total)), 0, 1))


def log_choose(n: Integers, k: Integers) -> Floats:
    """Logarithm of the number of ways to choose k of n."""
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))
