"""Circular binary segmentation with the lot's own noise model: breakpoints of the log2 ratio, and segments that differ from 0.

After Olshen et al. 2004 (Biostatistics 5:557): an arm is split where the window that differs most from the remainder of the
arm differs significantly, and its parts are split likewise. There are three differences from DNAcopy: bins are weighted by
their Poisson precision; the standard error of a mean includes correlated noise (`dna.noise`), so waves are not segmented; and
windows are tested at lengths that grow by a fifth and are then refined at both ends, instead of all n^2 (Rivera & Walther
2013, Scand. J. Stat. 40:752: the loss of power is negligible), which keeps three million bins tractable.

Windows of every length must reach the same |z|. Long windows have fewer positions and could have a lower threshold, but their
starts and ends can be chosen in more ways (Siegmund's number of tests, n z^4 / L times a discreteness correction for short
windows, is flat up to about 100 bins). In simulations a length-dependent threshold gained 4 % of power at 400 bins and lost
4 % at 20.

Comparing a window with the remainder of its arm ignores that a ratio centred on the unaltered genome is 0 where nothing
changed. The remainder of the arm is a noisy baseline, increasingly so for long segments. `partition` therefore searches
every unchanged segment for windows that differ from 0.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.copy_number import Noise
from karyolot.dna.noise import inflation_at

Floats = NDArray[np.float64]
Places = NDArray[np.integer]

LENGTH_GROWTH = 1.2
"""Ratio of neighbouring trial lengths: the best is at most 10 % off, where |z| is 4 % lower than at its peak."""
START_STEP = 0.1
"""Distance of neighbouring trial starts, relative to the length: at most 5 % off, |z| 5 % lower. Refinement corrects both."""

ALIKE = 3.0
"""Standard errors within which a few bins have the level of their neighbours."""


class Track(NamedTuple):
    """Running sums of weights and of weight x value; variance inflation of the mean of 0, 1, ... all bins."""

    sums: Floats
    moments: Floats
    inflation: Floats

    def inside(self, low: int, high: int) -> tuple[float, float]:
        """Mean and standard error of bins [low, high)."""
        weight = float(self.sums[high] - self.sums[low])
        mean = float(self.moments[high] - self.moments[low]) / weight
        return mean, float(np.sqrt(self.inflation[high - low] / weight))


def track(values: Floats, weights: Floats, noise: Noise) -> Track:
    """values: log2 ratios of the used bins of an arm in order; weights: 1 / Poisson variance."""
    return Track(
        np.concatenate([[0.0], np.cumsum(weights)]),
        np.concatenate([[0.0], np.cumsum(weights * values)]),
        _inflation(noise, len(values).bit_length())[: len(values) + 1],
    )


@lru_cache(maxsize=32)
def _inflation(noise: Noise, bits: int) -> Floats:
    """Of the means of fewer than 2^bits bins: arms share it, since no two arms have the same length."""
    return inflation_at(noise, np.arange(2**bits))


def split(arm: Track, threshold: float, min_bins: int) -> list[tuple[int, int]]:
    """Segments of one arm as half-open index ranges that tile it; threshold: |z| needed to split."""
    done: list[tuple[int, int]] = []
    waiting = [(0, len(arm.sums) - 1)]
    while waiting:
        low, high = waiting.pop()
        best = _Search(arm, low, high, min_bins, against_rest=True).best()
        if best is None or best[0] < threshold:
            done.append((low, high))
            continue
        _, start, end = best
        waiting += [(a, b) for a, b in ((low, start), (start, end), (end, high)) if b > a]
    return sorted(done)


def merge(segments: list[tuple[int, int]], arm: Track, threshold: float) -> list[tuple[int, int]]:
    """Join neighbours whose means differ by less than `threshold` standard errors, the most alike first."""
    segments = list(segments)
    scores = [_difference(a, b, arm) for a, b in pairwise(segments)]
    while scores and min(scores) < threshold:
        i = int(np.argmin(scores))
        segments[i : i + 2] = [(segments[i][0], segments[i + 1][1])]
        near = slice(max(i - 1, 0), i + 2)
        scores[near] = [_difference(a, b, arm) for a, b in pairwise(segments[near])]
    return segments


def _difference(a: tuple[int, int], b: tuple[int, int], arm: Track) -> float:
    (mean, se), (other, other_se) = arm.inside(*a), arm.inside(*b)
    return float(abs(mean - other) / np.hypot(se, other_se))


def partition(segments: list[tuple[int, int]], arm: Track, threshold: float, min_bins: int) -> list[tuple[int, int]]:
    """Split off the windows that differ from 0 from segments that, as a whole, do not."""
    waiting, done = list(segments), []
    while waiting:
        low, high = waiting.pop()
        mean, se = arm.inside(low, high)
        unchanged = abs(mean) < threshold * se
        best = _Search(arm, low, high, min_bins, against_rest=False).best() if unchanged else None
        if best is None or best[0] < threshold:
            done.append((low, high))
            continue
        _, start, end = best
        done.append((start, end))
        waiting += [(a, b) for a, b in ((low, start), (end, high)) if b > a]
    return sorted(done)


def dissolve(segments: list[tuple[int, int]], arm: Track, min_bins: int) -> list[tuple[int, int]]:
    """Remove short segments that exist only because a change ends inside a bin or near the end of the arm.

    The bin in which a change ends lies between both levels. With very high counts it differs from either, and as no segment is
    shorter than min_bins it takes neighbours along: [0, 0, -0.4] or [-0.4, -1, -1] between 0 and -1. Its bins go to the levels
    they have. Fewer than min_bins unchanged bins beyond a change take bins of it along; they become a segment of their own,
    too short to be called.
    """
    segments = list(segments)
    i = 0
    while i < len(segments):
        low, high = segments[i]
        left, right = segments[i - 1 : i], segments[i + 1 : i + 2]
        short = high - low < 2 * min_bins and len(segments) > 1
        end = _end_inside(_level(left, arm), segments[i], _level(right, arm), arm) if short else None
        if end is None:
            i += 1
            continue
        parts = [(left[0][0] if left else low, end), (end, right[0][1] if right else high)]
        segments[i - len(left) : i + 1 + len(right)] = [(a, b) for a, b in parts if b > a]
        i += not (left and right)
    return segments


def _level(segments: list[tuple[int, int]], arm: Track) -> tuple[float, float]:
    """Mean and error of the inner bins of the one segment, since it may end inside bins too; unchanged where there is none."""
    if not segments:
        return 0.0, 0.0
    low, high = segments[0]
    return arm.inside(low + 1, high - 1) if high - low > 2 else arm.inside(low, high)


def _end_inside(
    before: tuple[float, float], piece: tuple[int, int], after: tuple[float, float], arm: Track
) -> int | None:
    """Where the level `before` ends if `piece` is bins of it, one bin between both levels, and bins of `after`; else None.

    before, after: mean and standard error.
    """
    low, high = piece
    if abs(before[0] - after[0]) < ALIKE * np.hypot(before[1], after[1]):
        return None

    def alike(first: int, last: int, level: tuple[float, float]) -> bool:
        if first >= last:
            return True
        mean, se = arm.inside(first, last)
        return bool(abs(mean - level[0]) < ALIKE * np.hypot(se, level[1]))

    for middle in range(low, high):
        value, se = arm.inside(middle, middle + 1)
        between = min(before[0], after[0]) - ALIKE * se <= value <= max(before[0], after[0]) + ALIKE * se
        if between and alike(low, middle, before) and alike(middle + 1, high, after):
            return middle if abs(value - after[0]) < abs(value - before[0]) else middle + 1
    return None


def best_windows(sums: Floats, moments: Floats, inflation: Floats, min_bins: int) -> tuple[Floats, Places, Places]:
    """The search of `partition` in many tracks at once: the window of each that differs most from 0, as (|z|, start, end).

    sums, moments: as in `Track`, one row per track, all of the same number of bins; inflation: shared. Ends are moved one at
    a time for as long as that raises |z|, as in `partition`.
    """
    rows = np.arange(len(sums))
    best, start, end = (
        np.full(len(sums), -1.0),
        np.zeros(len(sums), dtype=np.int64),
        np.zeros(len(sums), dtype=np.int64),
    )
    bins = sums.shape[1] - 1
    for length in trial_lengths(min_bins, bins):
        step = max(1, int(length * START_STEP))
        inside, moment = (part[:, length::step] - part[:, : bins + 1 - length : step] for part in (sums, moments))
        at = (moment * moment / inside).argmax(axis=1)  # z^2, which takes no root, but for the one inflation
        scores = np.abs(moment[rows, at]) / np.sqrt(inflation[length] * inside[rows, at])
        better = scores > best
        best = np.where(better, scores, best)
        start, end = np.where(better, at * step, start), np.where(better, at * step + length, end)
    active = rows
    while len(active):
        before = best[active]
        reach = np.maximum(2, ((end[active] - start[active]) * (LENGTH_GROWTH - 1)).astype(int) + 1)
        near = np.arange(-reach.max(), reach.max() + 1)
        for moved in (start, end):
            tried = moved[active, None] + near
            lows, highs = (tried, end[active, None]) if moved is start else (start[active, None], tried)
            fits = (np.abs(near) <= reach[:, None]) & (tried >= 0) & (tried <= bins) & (highs - lows >= min_bins)
            lows, highs = (np.clip(np.broadcast_to(ends, tried.shape), 0, bins) for ends in (lows, highs))
            inside, moment = (
                np.take_along_axis(part[active], highs, 1) - np.take_along_axis(part[active], lows, 1)
                for part in (sums, moments)
            )
            length = np.maximum(highs - lows, 0)
            scores = np.where(fits, np.abs(moment) / np.sqrt(inflation[length] * np.where(fits, inside, 1.0)), -1.0)
            at = scores.argmax(axis=1)
            found = scores[np.arange(len(active)), at]
            better = found > best[active]
            moved[active[better]] = tried[np.arange(len(active)), at][better]
            best[active[better]] = found[better]
        active = active[best[active] > before * (1 + 1e-12)]
    return best, start, end


def trial_lengths(low: int, high: int) -> Iterator[int]:
    """Lengths from low to high, each LENGTH_GROWTH times the one before."""
    length = low
    while length <= high:
        yield length
        length = max(length + 1, int(length * LENGTH_GROWTH))


class _Search(NamedTuple):
    """The windows of [low, high) and how much each differs: from the remainder, or from 0."""

    arm: Track
    low: int
    high: int
    min_bins: int
    against_rest: bool

    def scores(self, start: Places | slice, end: Places | slice, length: Places | int) -> Floats:
        """z^2 of each window [start, end) of `length` bins."""
        sums, moments, inflation = self.arm
        inside, moment = sums[end] - sums[start], moments[end] - moments[start]
        if not self.against_rest:
            return np.asarray(moment * moment / (inflation[length] * inside))
        outside = sums[self.high] - sums[self.low] - inside
        difference = moment / inside - (moments[self.high] - moments[self.low] - moment) / outside
        rest = self.high - self.low - length
        return np.asarray(difference * difference / (inflation[length] / inside + inflation[rest] / outside))

    def best(self) -> tuple[float, int, int] | None:
        """(|z|, start, end) of the window that differs most; None where none fits.

        Neither the window nor the remainder on either side is shorter than min_bins, unless no remainder is left. The trial
        windows (LENGTH_GROWTH, START_STEP) are scored first; the ends of the best are then moved while |z| increases.
        """
        if self.high - self.low < 2 * self.min_bins:
            return None
        lengths = np.array([*trial_lengths(self.min_bins, self.high - self.low - self.min_bins)])
        best = max(
            self._first(np.full(len(lengths), self.low), self.low + lengths),
            self._first(self.high - lengths, np.full(len(lengths), self.high)),
            *(self._inner(length) for length in lengths.tolist()),
        )
        while True:
            _, start, end = best
            reach = max(2, int((end - start) * (LENGTH_GROWTH - 1)) + 1)
            near = np.arange(-reach, reach + 1)
            moved = self._first(start + near, np.full(len(near), end))
            moved = max(moved, self._first(np.full(len(near), moved[1]), end + near))
            if moved[0] <= best[0] * (1 + 2e-12):
                break
            best = moved
        return float(np.sqrt(best[0])), *best[1:]

    def _inner(self, length: int) -> tuple[float, int, int]:
        """The best trial window of this length that leaves min_bins on either side, with its z^2."""
        step = max(1, int(length * START_STEP))
        start = self.low + -(-self.min_bins // step) * step
        stop = self.high - length - self.min_bins + 1
        if stop <= start:
            return -1.0, start, start + length
        scores = self.scores(slice(start, stop, step), slice(start + length, stop + length, step), length)
        i = int(scores.argmax())
        return float(scores[i]), start + i * step, start + i * step + length

    def _first(self, start: Places, end: Places) -> tuple[float, int, int]:
        """The best of these windows, with its z^2."""
        left, right, length = start - self.low, self.high - end, end - start
        fits = ((left == 0) | (left >= self.min_bins)) & ((right == 0) | (right >= self.min_bins))
        fits &= (length >= self.min_bins) & (left + right >= self.min_bins)
        start, end = start[fits], end[fits]
        scores = self.scores(start, end, end - start)
        i = int(scores.argmax())
        return float(scores[i]), int(start[i]), int(end[i])
