"""Circular binary segmentation with this lot's own noise: where does the log2 ratio change?

After Olshen et al. 2004 (Biostatistics 5:557): an arm is split where the stretch that differs most from the rest of the
arm differs significantly, and so on in the parts. Three things differ from DNAcopy: bins are weighted by their Poisson
precision; the error of a mean is the measured, wave-aware one (`dna.noise`), so waves are not cut up; and stretches
are tried at lengths growing by a tenth, then refined at both ends, instead of all n^2 (Rivera & Walther 2013,
Scand. J. Stat. 40:752: such a set loses next to nothing), so three million bins are no problem.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.copy_number import Noise
from karyolot.dna.noise import inflation_at, standard_error

Floats = NDArray[np.float64]
Places = NDArray[np.int64]

LENGTH_GROWTH = 1.1
"""Neighbouring trial lengths; a tenth apart costs at most 2.5 % of the height of the statistic before refinement."""


class _Track(NamedTuple):
    """Running sums of the weights and of weight x value, and the variance inflation of a mean by its number of bins."""

    sums: Floats
    moments: Floats
    inflation: Floats


def split(values: Floats, weights: Floats, noise: Noise, threshold: float, min_bins: int) -> list[tuple[int, int]]:
    """Segments of one arm as half-open index ranges that tile it.

    values: log2 ratios of the used bins in order; weights: 1 / Poisson variance; threshold: |z| needed to split.
    """
    track = _Track(
        np.concatenate([[0.0], np.cumsum(weights)]),
        np.concatenate([[0.0], np.cumsum(weights * values)]),
        inflation_at(noise, np.arange(len(values) + 1)),
    )
    done: list[tuple[int, int]] = []
    waiting = [(0, len(values))]
    while waiting:
        low, high = waiting.pop()
        best = _most_different(track, low, high, min_bins) if high - low >= 2 * min_bins else None
        if best is None or best[0] < threshold:
            done.append((low, high))
            continue
        _, start, end = best
        waiting += [(a, b) for a, b in ((low, start), (start, end), (end, high)) if b > a]
    return sorted(done)


def merge(
    segments: list[tuple[int, int]], values: Floats, weights: Floats, noise: Noise, threshold: float
) -> list[tuple[int, int]]:
    """Join neighbours whose means differ by less than `threshold` standard errors, the most alike first."""
    segments = list(segments)
    while len(segments) > 1:
        z = np.array([_difference(a, b, values, weights, noise) for a, b in pairwise(segments)])
        i = int(z.argmin())
        if z[i] >= threshold:
            break
        segments[i : i + 2] = [(segments[i][0], segments[i + 1][1])]
    return segments


def _difference(a: tuple[int, int], b: tuple[int, int], values: Floats, weights: Floats, noise: Noise) -> float:
    stats = []
    for low, high in (a, b):
        weight = weights[low:high].sum()
        mean = float(np.average(values[low:high], weights=weights[low:high]))
        stats.append((mean, float(standard_error(noise, weight, high - low))))
    return float(abs(stats[0][0] - stats[1][0]) / np.hypot(stats[0][1], stats[1][1]))


def _lengths(low: int, high: int) -> Iterator[int]:
    length = low
    while length <= high:
        yield length
        length = max(length + 1, int(length * LENGTH_GROWTH))


def _most_different(track: _Track, low: int, high: int, min_bins: int) -> tuple[float, int, int] | None:
    """(|z|, start, end) of the stretch in [low, high) that differs most from the rest of it.

    Neither the stretch nor what remains on a side of it is shorter than min_bins, unless it touches that side.
    """
    n = high - low
    best: tuple[float, int, int] | None = None
    for length in _lengths(min_bins, n - min_bins):
        starts = np.arange(low, high - length + 1)
        z = _scores(track, low, high, starts, starts + length, min_bins)
        i = int(z.argmax())
        if best is None or z[i] > best[0]:
            best = (float(z[i]), int(starts[i]), int(starts[i]) + length)
    if best is None or not np.isfinite(best[0]):
        return None
    while True:
        _, start, end = best
        reach = max(2, int((end - start) * (LENGTH_GROWTH - 1)) + 1)
        s = np.arange(max(low, start - reach), min(high, start + reach) + 1)
        e = np.arange(max(low, end - reach), min(high, end + reach) + 1)
        grid_s, grid_e = (g.ravel() for g in np.meshgrid(s, e, indexing="ij"))
        fits = (grid_e - grid_s >= min_bins) & (n - (grid_e - grid_s) >= min_bins)
        grid_s, grid_e = grid_s[fits], grid_e[fits]
        z = _scores(track, low, high, grid_s, grid_e, min_bins)
        i = int(z.argmax())
        if z[i] <= best[0] * (1 + 1e-12):
            return best
        best = (float(z[i]), int(grid_s[i]), int(grid_e[i]))


def _scores(track: _Track, low: int, high: int, start: Places, end: Places, min_bins: int) -> Floats:
    """|z| of inside against outside for each (start, end); -inf where a remaining side would be too short."""
    sums, moments, inflation = track
    inside = sums[end] - sums[start]
    total = sums[high] - sums[low]
    outside = total - inside
    inside_moment = moments[end] - moments[start]
    outside_moment = moments[high] - moments[low] - inside_moment
    length = end - start
    difference = inside_moment / inside - outside_moment / outside
    variance = inflation[length] / inside + inflation[high - low - length] / outside
    z: Floats = np.abs(difference) / np.sqrt(variance)
    left, right = start - low, high - end
    z[((left > 0) & (left < min_bins)) | ((right > 0) & (right < min_bins))] = -np.inf
    return z
