"""How uncertain the mean log2 ratio of a stretch of bins is: measured on this lot, never below Poisson."""

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.copy_number import Noise

Floats = NDArray[np.float64]

MIN_BINS = 100
"""Fewer bins cannot show the noise of even short blocks: the relative error of a variance from m values is sqrt(2/m)."""
MAD_TO_SD = 1.4826
"""Standard deviation over median absolute deviation of a normal variable."""
OUTLIER, PULLED = 4.0, 2.0
"""As in DNAcopy's smooth.CNA."""
MIN_BLOCKS = 20
"""Non-overlapping blocks a size must have to be measured: sqrt(2/20) is 30 % error of the variance."""


def measure_noise(residuals: Floats, variances: Floats, arms: NDArray[np.object_]) -> Noise:
    """Variance of block means over what Poisson predicts, for blocks of 1, 2, 4, ... bins within an arm.

    residuals: log2 ratio minus its segment's mean, in genome order, of bins thought unchanged (autosomes).
    variances: Poisson variance of each. Block means overlap (all offsets), their spread is taken by the MAD, so that
    a change missed by the segmentation does not count as noise. Neighbouring bins share waves, which is why the
    inflation grows with the block: a white-noise error would be too small (copy-number noise is autocorrelated).
    """
    if len(residuals) < MIN_BINS:
        return Noise(blocks=(), inflation=(), bins=len(residuals), assessable=False)
    weights = 1 / variances
    blocks: list[int] = []
    inflation: list[float] = []
    size = 1
    # Running sums over all bins; a block that would reach into the next arm is left out.
    mass, moment = (np.concatenate([[0.0], np.cumsum(values)]) for values in (weights, weights * residuals))
    runs = runs_of(arms)
    while True:
        scores: list[Floats] = []
        count = 0
        for low, high in runs:
            if high - low < size:
                continue
            inside = slice(low + size, high + 1), slice(low, high + 1 - size)
            scores.append((moment[inside[0]] - moment[inside[1]]) / np.sqrt(mass[inside[0]] - mass[inside[1]]))
            count += (high - low) // size
        if count < MIN_BLOCKS:
            break
        spread = np.concatenate(scores)
        robust = float(np.median(np.abs(spread)) * MAD_TO_SD)
        blocks.append(size)
        # Larger blocks can only look calmer by chance, and calmer than Poisson is impossible.
        inflation.append(max(robust**2, 1.0, inflation[-1] if inflation else 1.0))
        size *= 2
    return Noise(blocks=tuple(blocks), inflation=tuple(inflation), bins=len(residuals), assessable=True)


def smooth_outliers(values: Floats, variances: Floats, arms: NDArray[np.object_]) -> Floats:
    """Pull single wild bins towards their neighbours, as DNAcopy's smooth.CNA does (Olshen 2004).

    A bin further than OUTLIER robust standard deviations from the median of itself and its two neighbours on either side
    (of its arm) is moved to PULLED of them. A change of three bins is its own majority there, and stays.
    """
    middle = np.empty_like(values)
    for low, high in runs_of(arms):
        padded = np.pad(values[low:high], 2, mode="reflect" if high - low > 2 else "edge")
        middle[low:high] = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    scores = (values - middle) / np.sqrt(variances)
    spread = max(float(np.median(np.abs(scores))) * MAD_TO_SD, 1.0)
    pulled = middle + np.sign(scores) * PULLED * spread * np.sqrt(variances)
    return np.where(np.abs(scores) > OUTLIER * spread, pulled, values)


def inflation_at(noise: Noise, bins: NDArray[np.int64] | int) -> Floats:
    """Variance inflation for a mean over `bins` neighbours: log-log interpolated; beyond the largest block measured,
    the last slope goes on (waves longer than the block are not ruled out). 1 where the noise could not be measured."""
    sizes = np.asarray(bins, dtype=float)
    if not noise.blocks:
        return np.ones_like(sizes)
    x, y = np.log(noise.blocks), np.log(noise.inflation)
    log_size = np.log(np.maximum(sizes, 1.0))
    inside = np.interp(log_size, x, y)
    slope = (y[-1] - y[-2]) / (x[-1] - x[-2]) if len(x) > 1 else 0.0
    return np.asarray(np.exp(inside + slope * np.maximum(log_size - x[-1], 0.0)))


def standard_error(noise: Noise, weight: Floats | float, bins: NDArray[np.int64] | int) -> Floats:
    """Standard error of an inverse-variance mean with total weight `weight` over `bins` bins, log2 units."""
    return np.asarray(np.sqrt(inflation_at(noise, bins) / np.asarray(weight, dtype=float)))


def runs_of(labels: NDArray[np.object_]) -> list[tuple[int, int]]:
    """Half-open index ranges of equal neighbours, in order; they tile `labels`."""
    ends = [*(np.flatnonzero(labels[1:] != labels[:-1]) + 1).tolist(), len(labels)]
    return [(low, high) for low, high in zip([0, *ends], ends, strict=False) if high > low]
