"""What the dispersions of all genes have in common: their trend over expression, and their scatter about it.

As R's DESeq2 (Love 2014, Genome Biology 15:550) computes them.
"""

from collections.abc import Callable

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy.interpolate import CubicHermiteSpline
from scipy.special import chdtr, polygamma
from scipy.stats import norm, poisson

Array = NDArray[np.float64]

FEW_DF = 3
"""Residual degrees of freedom up to which the spread of log dispersions is too skewed to be taken for a variance."""
LEAST_GENES = 20
"""With fewer the curve is undetermined: 14 points for three coefficients at each position."""
NONE = 1e-7
"""Taken when no gene scatters: ten times the least, as R does."""
LEAST_PRIOR_VARIANCE = 0.25
"""Of log dispersions about the trend: never less, so that a gene's own scatter always counts for something."""


Trend = Callable[[Array], Array]
"""Dispersions expected at mean normalised counts."""


def fit_trend(means: Array, dispersions: Array) -> Trend:
    """a0 + a1 / mean, or where this does not fit the genes a curve through them, or their mean where there are too few.

    means, dispersions: of the genes whose dispersion differs from none.
    """
    found = fit_inverse(means, dispersions)
    if found is not None:
        return lambda at: found[0] + found[1] / at
    if len(np.unique(means)) >= LEAST_GENES:
        return fit_curve(means, dispersions)
    level = float(np.mean(dispersions)) if len(dispersions) else NONE
    return lambda at: np.full_like(at, level)


def fit_curve(means: Array, dispersions: Array) -> Trend:
    """Local quadratic regression of log dispersion on log mean, over the nearest 70 % of the genes, strong genes first.

    As in locfit (Loader 1999), which R's DESeq2 takes: regressions at the ends of the range and at midpoints, until two
    are nearer than 0.8 of what they look at; cubic pieces between, and beyond the bend of one parabola through all.
    """
    x, y = np.log(means), np.log(dispersions)
    near = int(0.7 * len(x))

    def parabola(at: float, weight: Array) -> list[float]:
        root = np.sqrt(means * weight)
        return [
            float(c)
            for c in np.linalg.lstsq(np.vander(x - at, 3, increasing=True) * root[:, None], y * root, rcond=None)[0]
        ]

    def regress(at: float) -> tuple[float, float, float]:
        away = np.abs(x - at)
        width = float(np.partition(away, near - 1)[near - 1])
        level, slope, _ = parabola(at, np.clip(1 - (away / width) ** 3, 0, None) ** 3)
        return level, slope, width

    low, high = float(x.min()), float(x.max())
    knots = {low: regress(low), high: regress(high)}
    spans = [(low, high)]
    while spans:
        left, right = spans.pop()
        if right - left > 0.8 * min(knots[left][2], knots[right][2]):
            middle = (left + right) / 2
            knots[middle] = regress(middle)
            spans += [(left, middle), (middle, right)]
    places = sorted(knots)
    curve = CubicHermiteSpline(places, [knots[at][0] for at in places], [knots[at][1] for at in places])

    bend = parabola(0, np.ones(len(x)))[2]

    def trend(at: Array) -> Array:
        logs = np.log(at)
        inside = np.clip(logs, low, high)
        beyond = logs - inside
        return np.asarray(np.exp(curve(inside) + curve(inside, 1) * beyond + bend * beyond**2))

    return trend


def fit_inverse(means: Array, dispersions: Array) -> tuple[float, float] | None:
    """(a0, a1) of dispersion = a0 + a1 / mean, by a gamma regression of the genes near it; None when there is none."""
    a0, a1 = 0.1, 1.0
    for _ in range(11):
        ratio = dispersions / (a0 + a1 / means)
        near = (ratio > 1e-4) & (ratio < 15)
        found = _gamma_regression(1 / means[near], dispersions[near], (a0, a1))
        if found is None or min(found) <= 0:
            return None
        change = np.log(found[0] / a0) ** 2 + np.log(found[1] / a1) ** 2
        a0, a1 = found
        if change < 1e-6:
            return a0, a1
    return None


def _gamma_regression(x: Array, y: Array, start: tuple[float, float]) -> tuple[float, float] | None:
    """Gamma regression with identity link of y on 1 and x, by reweighted least squares; None if it does not settle."""
    design = np.column_stack([np.ones(len(x)), x])
    fitted = design @ start
    deviance = np.inf
    for _ in range(25):
        if not len(x) or (fitted <= 0).any():
            return None
        weighted = design / fitted[:, None]
        a0, a1 = np.linalg.lstsq(weighted, y / fitted, rcond=None)[0]
        fitted = a0 + a1 * x
        if (fitted <= 0).any():
            return None
        before, deviance = deviance, float(2 * ((y - fitted) / fitted - np.log(y / fitted)).sum())
        if abs(deviance - before) / (abs(deviance) + 0.1) < 1e-8:
            return float(a0), float(a1)
    return None


def prior_variance(residuals: Array, residual_df: int) -> float:
    """Variance of true log dispersions about the trend.

    residuals: log of gene-wise dispersion over trend, of the genes whose dispersion differs from none.
    """
    if residual_df > FEW_DF:
        spread = robust_variance(residuals) - float(polygamma(1, residual_df / 2))
    else:
        spread = _matching_variance(residuals, residual_df)
    return max(spread, LEAST_PRIOR_VARIANCE)


def robust_variance(residuals: Array) -> float:
    """By the median absolute deviation; 0 of nothing."""
    if not len(residuals):
        return 0.0
    away = np.abs(residuals - np.median(residuals))
    return float((np.median(away) / norm.ppf(0.75)) ** 2)


def _matching_variance(residuals: Array, residual_df: int) -> float:
    """The variance whose log dispersions, estimated with few degrees of freedom, would scatter as these do.

    An estimate is the true value times a chi-square over its degrees of freedom, so its log scatters as the sum of a log
    chi-square and a normal one; of 1,000 variances from 0 to 8 the one with the least Kullback-Leibler divergence from
    what is seen. R draws 10,000 of the sum (with a fixed seed) for each variance; here what it would find on average is
    integrated, so that no generator decides.
    """
    edges, draws = np.arange(-20, 21) / 2, 10_000
    inside = residuals[(residuals > edges[0]) & (residuals < edges[-1])]
    if not len(inside):
        return 0.0
    seen = np.histogram(inside, edges, density=True)[0]
    variances = np.linspace(0, 8, 200)
    nodes, weights = hermegauss(100)
    shifted = edges[:, None] - np.sqrt(variances)[:, None, None] * nodes
    below = chdtr(residual_df, residual_df * np.exp(shifted)) @ (weights / weights.sum())
    drawn = draws * np.diff(below, axis=1) / (below[:, -1] - below[:, 0])[:, None]
    single = 1 / draws / 0.5  # density of one draw in a bin half a unit wide
    small = min(seen[seen > 0].min(), single)
    logs = np.log(drawn * single + small)
    # Where few draws fall, their mean log is less than the log of their mean.
    few = drawn < 50
    numbers = np.arange(150)
    logs[few] = poisson.pmf(numbers, drawn[few][:, None]) @ np.log(numbers * single + small)
    divergence = (seen * (np.log(seen + small) - logs)).sum(axis=1)
    fine = np.linspace(0, 8, 1000)
    return float(fine[_smoothed(variances, divergence, fine, 0.2).argmin()])


def _smoothed(x: Array, y: Array, at: Array, share: float) -> Array:
    """Local quadratic regression with tricube weights over the nearest `share` of the points (loess, Cleveland 1988).

    As in R, only at some of the evenly spread x, with cubic pieces between: the least value moves by a tenth with them.
    """
    near, cells = int(share * len(x)), 32
    margin = 0.005 * (x[-1] - x[0])
    inner = x[np.ceil(np.arange(1, cells) * len(x) / cells).astype(int) - 1]
    knots = np.array([x[0] - margin, *inner, x[-1] + margin])
    fitted = np.empty((len(knots), 3))
    for place, knot in enumerate(knots):
        away = np.abs(x - knot)
        weight = np.sqrt(np.clip(1 - (away / np.sort(away)[near - 1]) ** 3, 0, None) ** 3)
        design = np.vander(x - knot, 3, increasing=True)
        fitted[place] = np.linalg.lstsq(design * weight[:, None], y * weight, rcond=None)[0]
    return np.asarray(CubicHermiteSpline(knots, fitted[:, 0], fitted[:, 1])(at))
