"""Log2 ratio <-> copies <-> share of cells, for a change of one copy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def fraction_of_cells(log2: ArrayLike, copies: ArrayLike) -> Floats:
    """Share of cells in which one of `copies` was gained or lost: |2**log2 - 1| * copies.

    With P copies normally, a share f of cells with one more (fewer) gives the ratio 1 +- f/P. Above 1: more than one
    copy changed. Holds for a donor with P copies in every cell; ploidy itself cannot be seen.
    """
    return np.asarray(np.abs(np.exp2(np.asarray(log2, dtype=float)) - 1) * np.asarray(copies, dtype=float))


def fraction_interval(low: ArrayLike, high: ArrayLike, copies: ArrayLike) -> tuple[Floats, Floats]:
    """The interval [low, high] of a log2 ratio as shares of cells; the lower end is 0 when the interval holds 0."""
    a, b = fraction_of_cells(low, copies), fraction_of_cells(high, copies)
    holds_zero = (np.asarray(low) <= 0) & (np.asarray(high) >= 0)
    return np.where(holds_zero, 0.0, np.minimum(a, b)), np.maximum(a, b)


def detectable_fraction(log2_shift: ArrayLike, copies: int) -> tuple[Floats, Floats]:
    """Smallest share of cells whose gain, loss moves the log2 ratio by `log2_shift` (> 0)."""
    shift = np.asarray(log2_shift, dtype=float)
    return (np.exp2(shift) - 1) * copies, (1 - np.exp2(-shift)) * copies
