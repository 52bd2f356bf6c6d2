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
from scipy.optimize import least_squares
from scipy.special import expit, logit, stdtrit
from scipy.stats import f as f_distribution

from karyolot.contracts.kinetics import Growth

Floats = NDArray[np.float64]

FASTEST = 3.0
"""Largest |growth| per passage considered: odds that rise or fall twenty-fold."""
RAREST = 1e-5
"""Smallest fraction of cells, and of cells without the change, that the fit distinguishes from none."""
Interval = tuple[float, float]
WIDEST: tuple[Interval, Interval] = (
    (float(logit(RAREST)), float(logit(1 - RAREST))),
    (-FASTEST, FASTEST),
)
"""Logits and growths considered."""
GRID, MOST_ROUNDS, MARGIN = 81, 12, 1.5
"""Points per axis of the grid of the likelihood; times it is widened or narrowed; what matters of it: where the deviance is
within MARGIN of the limit of an interval."""
SPAN, FLAT = 5.0, 1e-3
"""Half-width of the first grid in standard errors; least curvature, so that a direction the lots leave open has an end."""
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
    low, high = WIDEST[0]
    return 0.0 if level <= low else 1.0 if level >= high else float(expit(level))


def _quantile(freedom: float) -> float:
    """Student's t exceeded, in absolute value, in 5 %."""
    return float(stdtrit(min(freedom, 1e9), 0.975))


class _Best(NamedTuple):
    """The most likely growth, the logit of the fraction at the passage ahead, and twice the log likelihood they lack."""

    rate: float
    level: float
    deviance: float


def _profiles(ratios: Ratios, gain: bool, ahead: float) -> tuple[_Best, Interval, Interval]:
    """The best fit, and the 95 % intervals of the logit at the passage `ahead` and of the growth.

    The likelihood is evaluated on a grid about its maximum, as wide as its curvature there suggests, that is widened while it
    cuts off what matters and then narrowed to that. An interval that reaches the end of what is considered has no end there.
    """
    limit = _quantile(ratios.freedom) ** 2
    precision = np.asarray(np.linalg.inv(ratios.covariance), dtype=np.float64)
    best, spans = _optimum(ratios, gain, ahead, precision)
    lowest = best.deviance
    bounds = [_clipped(best.level, spans[0], WIDEST[0]), _clipped(best.rate, spans[1], WIDEST[1])]
    for _ in range(MOST_ROUNDS):
        levels, rates = (np.linspace(*bound, GRID) for bound in bounds)
        deviance = _deviance(ratios, gain, ahead, precision, levels, rates)
        near = np.asarray(deviance <= lowest + MARGIN * limit)
        wanted = [
            _wanted(axis, np.asarray(near.any(axis=1 - of)), WIDEST[of]) for of, axis in enumerate((levels, rates))
        ]
        if wanted == bounds:
            break
        bounds = wanted
    of_level, of_rate = (
        _crossings(axis, deviance.min(axis=other), lowest + limit) for axis, other in ((levels, 1), (rates, 0))
    )
    return best, of_level, of_rate


def _optimum(ratios: Ratios, gain: bool, ahead: float, precision: Floats) -> tuple[_Best, Floats]:
    """The most likely level and growth, and how far from them the likelihood matters by its curvature there."""
    whitening = np.linalg.cholesky(precision).T

    def residuals(at: Floats) -> Floats:
        return np.asarray(whitening @ (ratios.log2 - _expected(ratios, gain, ahead, *at)))

    fits = [
        least_squares(residuals, start, bounds=np.transpose(WIDEST), x_scale=(1.0, 0.1))
        for start in ((-2.0, 0.0), (0.0, 0.3), (2.0, -0.3))
    ]
    fit = min(fits, key=lambda one: one.cost)
    spread = np.sqrt(np.diag(np.linalg.pinv(fit.jac.T @ fit.jac + np.diag([FLAT, FLAT]))))
    return _Best(float(fit.x[1]), float(fit.x[0]), float(2 * fit.cost)), SPAN * spread


def _clipped(middle: float, span: float, widest: Interval) -> Interval:
    return max(middle - span, widest[0]), min(middle + span, widest[1])


def _wanted(axis: Floats, near: NDArray[np.bool_], widest: Interval) -> Interval:
    """The axis for the next round: twice as wide where what is near reaches an end of this one, narrower where it fills less
    than half of it."""
    rows = np.flatnonzero(near)
    low, high = float(axis[0]), float(axis[-1])
    first, last = (int(rows[0]), int(rows[-1])) if len(rows) else (0, GRID - 1)
    width = high - low
    if (first == 0 and low > widest[0]) or (last == GRID - 1 and high < widest[1]):
        return max(low - width / 2, widest[0]), min(high + width / 2, widest[1])
    if last - first < GRID // 2:
        return float(axis[max(first - 2, 0)]), float(axis[min(last + 2, GRID - 1)])
    return low, high


def _expected(ratios: Ratios, gain: bool, ahead: float, level: Floats, rate: Floats) -> Floats:
    """Log2 ratios of the lots, in the last axis, for a logit at the passage `ahead` and a growth."""
    fractions = expit(level + rate * (ratios.passages - ahead))
    return np.asarray(np.log2(np.maximum(1 + (1 if gain else -1) * fractions / ratios.copies, RAREST)))


def _deviance(ratios: Ratios, gain: bool, ahead: float, precision: Floats, levels: Floats, rates: Floats) -> Floats:
    """Twice what the log likelihood lacks, shape (levels, rates)."""
    residual = ratios.log2 - _expected(ratios, gain, ahead, levels[:, None, None], rates[None, :, None])
    return np.asarray(np.einsum("...i,ij,...j->...", residual, precision, residual))


def _crossings(axis: Floats, profile: Floats, limit: float) -> Interval:
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
