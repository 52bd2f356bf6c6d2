"""Circular binary segmentation with this lot's own noise: where does the log2 ratio change, where is it changed?

After Olshen et al. 2004 (Biostatistics 5:557): an arm is split where the stretch that differs most from the rest of the
arm differs significantly, and so on in the parts. Three things differ from DNAcopy: bins are weighted by their Poisson
precision; the error of a mean is the measured, wave-aware one (`dna.noise`), so waves are not cut up; and stretches
are tried at lengths growing by a fifth, then refined at both ends, instead of all n^2 (Rivera & Walther 2013,
Scand. J. Stat. 40:752: such a set loses next to nothing), so three million bins are no problem.

Comparing a stretch with the rest of its arm wastes what is known: that a ratio centred on the unchanged genome is 0 where
nothing changed. The rest of an arm is a noisy witness, the more so the longer the stretch. So `carve` then looks in every
unchanged segment for stretches that differ from 0.
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

LENGTH_GROWTH = 1.2
"""Ratio of neighbouring trial lengths: the best is at most 10 % off, where |z| is 4 % lower than at its peak."""
START_STEP = 0.1
"""Neighbouring trial starts, as a share of the length: at most 5 % off, |z| 5 % lower. Refinement makes both good."""


class _Track(NamedTuple):
    """Running sums of the weights and of weight x value, and the variance inflation of a mean by its number of bins."""

    sums: Floats
    moments: Floats
    inflation: Floats


def split(values: Floats, weights: Floats, noise: Noise, threshold: float, min_bins: int) -> list[tuple[int, int]]:
    """Segments of one arm as half-open index ranges that tile it.

    values: log2 ratios of the used bins in order; weights: 1 / Poisson variance; threshold: |z| needed to split.
    """
    track = _track(values, weights, noise)
    done: list[tuple[int, int]] = []
    waiting = [(0, len(values))]
    while waiting:
        low, high = waiting.pop()
        best = _Search(track, low, high, min_bins, against_rest=True).best() if high - low >= 2 * min_bins else None
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


def carve(
    segments: list[tuple[int, int]], values: Floats, weights: Floats, noise: Noise, threshold: float, min_bins: int
) -> list[tuple[int, int]]:
    """Cut out of segments that do not differ from 0 the stretches that do; neighbours changed alike become one."""
    track = _track(values, weights, noise)
    waiting, done = list(segments), []
    while waiting:
        low, high = waiting.pop()
        weight, moment = _inside(track, low, high)
        unchanged = abs(moment) < threshold * np.sqrt(track.inflation[high - low] * weight)
        best = _Search(track, low, high, min_bins, against_rest=False).best() if unchanged else None
        if best is None or best[0] < threshold:
            done.append((low, high))
            continue
        _, start, end = best
        done.append((start, end))
        waiting += [(a, b) for a, b in ((low, start), (end, high)) if b > a]
    return sorted(done)


def _track(values: Floats, weights: Floats, noise: Noise) -> _Track:
    return _Track(
        np.concatenate([[0.0], np.cumsum(weights)]),
        np.concatenate([[0.0], np.cumsum(weights * values)]),
        inflation_at(noise, np.arange(len(values) + 1)),
    )


def _lengths(low: int, high: int) -> Iterator[int]:
    length = low
    while length <= high:
        yield length
        length = max(length + 1, int(length * LENGTH_GROWTH))


class _Search(NamedTuple):
    """The stretches of [low, high) and how much each differs: from the rest of it, or else from 0."""

    track: _Track
    low: int
    high: int
    min_bins: int
    against_rest: bool

    def scores(self, start: Places | slice, end: Places | slice, length: Places | int) -> Floats:
        """|z| of each stretch [start, end) of `length` bins."""
        sums, moments, inflation = self.track
        inside, moment = sums[end] - sums[start], moments[end] - moments[start]
        inner = inflation[length]
        if not self.against_rest:
            return np.asarray(np.abs(moment) / np.sqrt(inner * inside))
        total, total_moment = _inside(self.track, self.low, self.high)
        outside = total - inside
        outer = inflation[self.high - self.low - length] / outside
        difference = moment / inside - (total_moment - moment) / outside
        return np.asarray(np.abs(difference) / np.sqrt(inner / inside + outer))

    def best(self) -> tuple[float, int, int] | None:
        """(|z|, start, end) of the stretch that differs most.

        Neither it nor what remains on a side of it is shorter than min_bins, unless nothing remains there. First the
        trial stretches (LENGTH_GROWTH, START_STEP); then the best one's ends are moved for as long as that helps.
        """
        best: tuple[float, int, int] | None = None
        for length in _lengths(self.min_bins, self.high - self.low - self.min_bins):
            last, step = self.high - length, max(1, int(length * START_STEP))
            starts = range(self.low, last + 1, step)
            z = self.scores(slice(self.low, last + 1, step), slice(self.low + length, self.high + 1, step), length)
            # Starts that leave a side too short, but for those that leave none.
            z[1 : len(range(self.low, self.low + self.min_bins, step))] = -np.inf
            z[len(range(self.low, last - self.min_bins + 1, step)) : len(z) - (starts[-1] == last)] = -np.inf
            i = int(z.argmax())
            found = (float(z[i]), starts[i], starts[i] + length)
            if starts[-1] != last:
                at_end = np.array([last])
                touching = float(self.scores(at_end, at_end + length, length)[0])
                found = max(found, (touching, last, self.high))
            if best is None or found[0] > best[0]:
                best = found
        while best is not None:
            moved = self._moved(best)
            if moved[0] <= best[0] * (1 + 1e-12):
                break
            best = moved
        return best

    def _moved(self, best: tuple[float, int, int]) -> tuple[float, int, int]:
        """The best stretch whose ends lie within one step of LENGTH_GROWTH of these."""
        _, start, end = best
        reach = max(2, int((end - start) * (LENGTH_GROWTH - 1)) + 1)
        starts = np.arange(max(self.low, start - reach), min(self.high, start + reach) + 1)
        ends = np.arange(max(self.low, end - reach), min(self.high, end + reach) + 1)
        s, e = np.repeat(starts, len(ends)), np.tile(ends, len(starts))
        left, right = s - self.low, self.high - e
        fits = (e - s >= self.min_bins) & (left + right >= self.min_bins)
        fits &= ((left == 0) | (left >= self.min_bins)) & ((right == 0) | (right >= self.min_bins))
        s, e = s[fits], e[fits]
        z = self.scores(s, e, e - s)
        i = int(z.argmax())
        return float(z[i]), int(s[i]), int(e[i])


def _inside(track: _Track, low: int, high: int) -> tuple[float, float]:
    return float(track.sums[high] - track.sums[low]), float(track.moments[high] - track.moments[low])
