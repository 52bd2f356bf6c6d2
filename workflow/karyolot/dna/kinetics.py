"""Log2 ratios of one change in several lots -> growth per passage, and the fraction to expect at a later passage.

Model: the odds f / (1 - f) of the changed cells rise by the constant factor exp(s) per passage, so that logit f = a + s t. This
is haploid selection with constant fitnesses (Crow and Kimura 1970, An Introduction to Population Genetics Theory, chapter 5), of
cells that are passaged in numbers so large that drift is small against the error of a ratio.

The lots are compared with one donor, whose noise is therefore the same in all their ratios. It moves them up or down together,
which a likelihood of independent ratios would take for a clone; here their covariance is that measured (`dna.lineage`).
Intervals are those of the profile likelihood, which hold near 0 % of the cells too: f is not negative there and an interval of
the logit has no end.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit
from scipy.stats import f as f_distribution

from karyolot.contracts.kinetics import Growth

Floats = NDArray[np.float64]

FASTEST = 3.0
"""Largest |growth| per passage considered: odds that rise or fall twenty-fold."""
RAREST = 1e-5
"""Smallest fraction of cells, and of cells without the change, that the fit tells from none."""
GRID, ROUNDS, MARGIN = 61, 4, 1.5
"""Points per axis of the grid of the likelihood; times it is narrowed to where the deviance is within MARGIN of the limit."""
UNSTEADY = 0.01
"""Probability of the fit below which growth was not constant and nothing is expected from it."""


class Ratios(NamedTuple):
    """Mean log2 ratios of one region in K lots.

    passages, log2, copies: shape (K,); copies: of the donor in a cell of that lot, so that a change of one copy in a fraction f
    of the cells gives the ratio 1 +- f / copies. covariance: shape (K, K). freedom: degrees of freedom it was estimated with.
    """

    passages: Floats
    log2: Floats
    copies: Floats
    covariance: Floats
    freedom: float

    @property
    def halves(self) -> Floats:
        """Half of the 95 % interval of each ratio by itself."""
        return np.asarray(_quantile(self.freedom) * np.sqrt(np.diag(self.covariance)))

    def of(self, lots: NDArray[np.bool_]) -> "Ratios":
        """Those of some of the lots."""
        own = self.covariance[np.ix_(lots, lots)]
        return Ratios(self.passages[lots], self.log2[lots], self.copies[lots], own, self.freedom)


def grow(ratios: Ratios, gain: bool) -> Growth | None:
    """Growth of a clone; None with fewer than two passages.

    The fraction is predicted as far ahead of the last lot as the distance between the last two passages.
    """
    passages = np.unique(ratios.passages)
    if len(passages) < 2:
        return None
    ahead = float(2 * passages[-1] - passages[-2])
    best, levels, rates = _profiles(ratios, gain, ahead)
    free = len(ratios.log2) - 2
    fit = float(f_distribution.sf(best.deviance / free, free, ratios.freedom)) if free else None
    (low, high), (least, most) = rates, levels
    steady = fit is None or fit >= UNSTEADY
    return Growth(
        rate=best.rate,
        low=None if low <= -FASTEST else low,
        high=None if high >= FASTEST else high,
        fit=fit,
        passage=ahead,
        expected=float(expit(best.level)) if steady else None,
        expected_low=_fraction(least) if steady else None,
        expected_high=_fraction(most) if steady else None,
    )


def _fraction(level: float) -> float:
    """A fraction from its logit; 0 and 1 at the ends of what is considered."""
    end = float(logit(1 - RAREST))
    return 0.0 if level <= -end else 1.0 if level >= end else float(expit(level))


def _quantile(freedom: float) -> float:
    """Student's t exceeded, in absolute value, in 5 %."""
    return float(stdtrit(min(freedom, 1e9), 0.975))


class _Best(NamedTuple):
    """The most likely growth, the logit of the fraction at the passage ahead, and twice the log likelihood they lack."""

    rate: float
    level: float
    deviance: float


def _profiles(ratios: Ratios, gain: bool, ahead: float) -> tuple[_Best, tuple[float, float], tuple[float, float]]:
    """The best fit, and the 95 % intervals of the logit at the passage `ahead` and of the growth.

    The likelihood is evaluated on a grid of both, which is narrowed to where it matters; an interval that reaches the end of
    the first grid has no end there.
    """
    limit = _quantile(ratios.freedom) ** 2
    precision = np.linalg.inv(ratios.covariance)
    end = float(logit(1 - RAREST))
    # At the passage ahead a clone may be anywhere that FASTEST leads from any fraction of the first lot.
    bounds = (-end, end), (-FASTEST, FASTEST)
    for turn in range(ROUNDS):
        levels, rates = (np.linspace(*bound, GRID) for bound in bounds)
        deviance = _deviance(ratios, gain, ahead, precision, levels, rates)
        lowest = float(deviance.min())
        near = deviance <= lowest + MARGIN * limit
        if turn < ROUNDS - 1:
            bounds = _span(levels, near.any(axis=1)), _span(rates, near.any(axis=0))
    at = np.unravel_index(int(deviance.argmin()), deviance.shape)
    best = _Best(float(rates[at[1]]), float(levels[at[0]]), lowest)
    intervals = (
        _crossings(axis, deviance.min(axis=other), lowest + limit) for axis, other in ((levels, 1), (rates, 0))
    )
    return best, *intervals  # type: ignore[return-value]


def _deviance(
    ratios: Ratios, gain: bool, ahead: float, precision: Floats, levels: Floats, rates: Floats
) -> Floats:
    """Twice what the log likelihood lacks, shape (levels, rates)."""
    logits = levels[:, None, None] + rates[None, :, None] * (ratios.passages - ahead)
    moved = expit(logits) / ratios.copies * (1 if gain else -1)
    residual = ratios.log2 - np.log2(np.maximum(1 + moved, RAREST))
    return np.asarray(np.einsum("...i,ij,...j->...", residual, precision, residual))


def _span(axis: Floats, near: NDArray[np.bool_]) -> tuple[float, float]:
    """The part of an axis that is near the optimum, with a point on either side where the axis has one."""
    rows = np.flatnonzero(near)
    return float(axis[max(rows[0] - 1, 0)]), float(axis[min(rows[-1] + 1, len(axis) - 1)])


def _crossings(axis: Floats, profile: Floats, limit: float) -> tuple[float, float]:
    """Where a profile crosses its limit on either side of its lowest point; the end of the axis where it does not."""
    inside = np.flatnonzero(profile <= limit)
    first, last = int(inside[0]), int(inside[-1])

    def between(outer: int, inner: int) -> float:
        part = (limit - profile[inner]) / (profile[outer] - profile[inner])
        return float(axis[inner] + part * (axis[outer] - axis[inner]))

    return (
        between(first - 1, first) if first > 0 else float(axis[0]),
        between(last + 1, last) if last < len(axis) - 1 else float(axis[-1]),
    )
