"""Negative binomial models of all genes at once: dispersions, coefficients, and coefficients shrunk towards zero.

The methods and their constants are those of R's DESeq2 (Love 2014, Genome Biology 15:550) and of apeglm (Zhu 2019,
Bioinformatics 35:2084): where a likelihood has two maxima, or none, the way to it decides which one is found, so the
steps are the same as well. What R does gene by gene is done here in arrays: genes x samples, design samples x effects,
coefficients genes x effects in natural log units.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import digamma, gammaln

Array = NDArray[np.float64]

MIN_DISPERSION = 1e-8
"""Below, counts cannot be told from Poisson ones."""
MIN_MEAN = 0.5
"""Fitted counts are not taken for smaller than half a read: keeps weights of silent groups finite."""
RIDGE = 1e-6 / np.log(2) ** 2
"""Precision of the almost flat prior on coefficients: 1e-6 in log2 units."""
ROUNDS = 100
LARGEST = 30.0
"""A coefficient beyond runs away: no count differs by e^30."""


class Coefficients(NamedTuple):
    """beta: genes x effects. mean: fitted counts, without floor. leverage: diagonal of the hat matrix. converged."""

    beta: Array
    mean: Array
    leverage: Array
    converged: NDArray[np.bool_]


class _Dispersion(NamedTuple):
    """What the dispersions of some genes depend on. trend: of log dispersions, with prior_variance; None = no prior."""

    counts: Array
    mean: Array
    design: Array
    trend: Array | None
    prior_variance: float

    def of(self, genes: NDArray[np.intp]) -> "_Dispersion":
        trend = None if self.trend is None else self.trend[genes]
        return self._replace(counts=self.counts[genes], mean=self.mean[genes], trend=trend)

    def log_posterior(self, logs: Array) -> Array:
        """Of log dispersions (one a gene): likelihood, Cox-Reid adjustment for the fitted means, prior."""
        alpha = np.exp(logs)[:, None]
        size = 1 / alpha
        likelihood = gammaln(self.counts + size) - gammaln(size) - self.counts * np.log(self.mean + size)
        likelihood -= size * np.log1p(self.mean * alpha)
        value = likelihood.sum(axis=1) - 0.5 * np.linalg.slogdet(_information(1 / (1 / self.mean + alpha), self.design))[1]
        if self.trend is not None:
            value -= 0.5 * (logs - self.trend) ** 2 / self.prior_variance
        return np.asarray(value)

    def slope(self, logs: Array) -> Array:
        alpha = np.exp(logs)[:, None]
        size = 1 / alpha
        scaled = self.mean * alpha
        likelihood = digamma(size) + np.log1p(scaled) - scaled / (1 + scaled) - digamma(self.counts + size)
        likelihood += self.counts / (self.mean + size)
        weights = 1 / (1 / self.mean + alpha)
        inverse = np.linalg.inv(_information(weights, self.design))
        adjustment = 0.5 * np.einsum("gij,gji->g", inverse, _information(weights**2, self.design))
        value = alpha[:, 0] * (size[:, 0] ** 2 * likelihood.sum(axis=1) + adjustment)
        if self.trend is not None:
            value -= (logs - self.trend) / self.prior_variance
        return np.asarray(value)


def genewise_dispersions(counts: Array, mean: Array, design: Array, start: Array) -> Array:
    """The dispersion of each gene by itself, between MIN_DISPERSION and the larger of 10 and the number of samples.

    mean: fitted counts. start: a rough estimate, where the climb begins.
    """
    model = _Dispersion(counts, mean, design, None, 1.0)
    begin = np.log(start)
    logs, rounds, gained = _climb(model, begin)
    # A climb that gains less than a millionth of the likelihood only rolled along a plateau.
    logs = np.where(gained < np.abs(model.log_posterior(begin)) / 1e6, begin, logs)
    unsure = ((rounds >= ROUNDS) | (rounds == 1)) & (logs > np.log(10 * MIN_DISPERSION))
    return _bounded(_searched(model, logs, unsure), counts)


def shrunken_dispersions(
    counts: Array, mean: Array, design: Array, genewise: Array, trend: Array, prior_variance: float
) -> Array:
    """Maxima of the posterior of each gene's dispersion, with a normal prior on the log around the trend."""
    model = _Dispersion(counts, mean, design, np.log(trend), prior_variance)
    logs, rounds, _ = _climb(model, np.log(np.where(genewise > 0.1 * trend, genewise, trend)))
    return _bounded(_searched(model, logs, rounds >= ROUNDS), counts)


def _bounded(logs: Array, counts: Array) -> Array:
    return np.clip(np.exp(logs), MIN_DISPERSION, max(10.0, counts.shape[1]))


def _climb(model: _Dispersion, start: Array) -> tuple[Array, NDArray[np.int64], Array]:
    """Climb the log posterior by its slope, step lengths by Armijo's rule: log dispersions, rounds, what was gained."""
    lowest, highest, flattest = -30.0, 10.0, np.log(MIN_DISPERSION / 10)
    logs, value = start.copy(), model.log_posterior(start)
    first, slope = value.copy(), model.slope(start)
    step = np.ones(len(start))
    rounds, accepted = np.zeros(len(start), dtype=np.int64), np.zeros(len(start), dtype=np.int64)
    going = np.arange(len(start))
    for _ in range(ROUNDS):
        if not len(going):
            break
        rounds[going] += 1
        here, rise, length = logs[going], slope[going], step[going]
        aim = here + length * rise
        beyond = (aim < lowest) | (aim > highest)
        length[beyond] = ((np.clip(aim, lowest, highest) - here) / rise)[beyond]
        there = here + length * rise
        part = model.of(going)
        reached = part.log_posterior(there)
        good = reached >= value[going] + 1e-4 * length * rise**2
        taken = going[good]
        change = reached[good] - value[taken]
        logs[taken], value[taken] = there[good], reached[good]
        accepted[taken] += 1
        slope[taken] = model.of(taken).slope(logs[taken])
        length[good] = np.minimum(1.1 * length[good], 1.0)
        # Every fifth time shorter, against overshooting there and back.
        length[good] /= np.where(accepted[taken] % 5 == 0, 2.0, 1.0)
        length[~good] /= 2
        step[going] = length
        done = np.zeros(len(going), dtype=bool)
        done[good] = (change < 1e-6) | (logs[taken] < flattest)
        going = going[~done]
    return logs, rounds, value - first


def _searched(model: _Dispersion, logs: Array, unsure: NDArray[np.bool_]) -> Array:
    """Log dispersions, those of the unsure genes by trying 20 over the whole range and 20 more about the best."""
    genes = np.flatnonzero(unsure)
    if not len(genes):
        return logs
    part = model.of(genes)
    whole = np.linspace(np.log(MIN_DISPERSION), np.log(max(10.0, model.counts.shape[1])), 20)
    tried = np.broadcast_to(whole, (len(genes), 20))
    for _ in range(2):
        values = np.column_stack([part.log_posterior(column) for column in tried.T])
        best = tried[np.arange(len(genes)), values.argmax(axis=1)]
        tried = best[:, None] + np.linspace(-1, 1, 20) * (whole[1] - whole[0])
    found = logs.copy()
    found[genes] = best
    return found


def fit_coefficients(counts: Array, depth: Array, design: Array, dispersion: Array) -> Coefficients:
    """Coefficients of each gene by iteratively reweighted least squares. depth: size factor of each sample."""
    q, r = np.linalg.qr(design)
    beta = np.linalg.solve(r, q.T @ np.log(counts / depth + 0.1).T).T
    first = beta.copy()
    alpha = dispersion[:, None]
    size = 1 / alpha
    fixed = gammaln(counts + size) - gammaln(size) - gammaln(counts + 1)
    ridge = RIDGE * np.eye(design.shape[1])
    mean = np.maximum(depth * np.exp(beta @ design.T), MIN_MEAN)
    deviance = np.zeros(len(counts))
    converged = np.zeros(len(counts), dtype=bool)
    going = np.arange(len(counts))
    for turn in range(ROUNDS):
        if not len(going):
            break
        y, mu, a = counts[going], mean[going], alpha[going]
        weights = mu / (1 + a * mu)
        target = np.log(mu / depth) + (y - mu) / mu
        new = np.linalg.solve(_information(weights, design) + ridge, ((weights * target) @ design)[..., None])[..., 0]
        beta[going] = new
        runaway = (np.abs(new) > LARGEST).any(axis=1)
        with np.errstate(over="ignore"):
            mu = np.maximum(depth * np.exp(new @ design.T), MIN_MEAN)
            mean[going] = mu
            now = -2 * (fixed[going] + y * np.log(a * mu / (1 + a * mu)) - np.log1p(a * mu) / a).sum(axis=1)
        settled = (turn > 0) & (np.abs(now - deviance[going]) / (np.abs(now) + 0.1) < 1e-8) & ~runaway
        converged[going[settled]] = True
        deviance[going] = now
        going = going[~settled & ~runaway]
    for gene in np.flatnonzero(~converged):
        begin = beta[gene] if (np.abs(beta[gene]) < LARGEST).all() else first[gene]
        beta[gene], converged[gene] = _descend(counts[gene], depth, design, dispersion[gene], begin)
    mean = depth * np.exp(beta @ design.T)
    weights = _weights(mean, dispersion)
    inverse = np.linalg.inv(_information(weights, design) + ridge)
    leverage = weights * np.einsum("si,gij,sj->gs", design, inverse, design)
    return Coefficients(beta, mean, leverage, converged)


def _descend(counts: Array, depth: Array, design: Array, alpha: float, start: Array) -> tuple[Array, bool]:
    """Coefficients of one gene by L-BFGS-B, where least squares run away or go in circles."""

    def loss(beta: Array) -> tuple[float, Array]:
        mean = depth * np.exp(design @ beta)
        value = ((counts + 1 / alpha) * np.log1p(alpha * mean) - counts * np.log(mean)).sum() + RIDGE * beta @ beta / 2
        return value, RIDGE * beta - ((counts - mean) / (1 + alpha * mean)) @ design

    limit = LARGEST * np.log(2)
    found = minimize(loss, np.clip(start, -limit, limit), jac=True, method="L-BFGS-B", bounds=[(-limit, limit)] * len(start))
    return np.asarray(found.x), bool(found.success)


def standard_errors(mean: Array, dispersion: Array, design: Array, contrast: Array) -> Array:
    """Of the coefficients' combination `contrast`. mean: fitted counts."""
    information = _information(_weights(mean, dispersion), design)
    towards = np.linalg.solve(information + RIDGE * np.eye(design.shape[1]), np.broadcast_to(contrast, (len(mean), len(contrast)))[..., None])[..., 0]
    return np.sqrt(np.einsum("gi,gij,gj->g", towards, information, towards))


def shrink(
    counts: Array, offset: Array, design: Array, size: Array, effect: int, scale: float, flat: float, start: Array
) -> tuple[Array, Array]:
    """Coefficients with a Cauchy prior (apeglm) on one effect, and their covariances (genes x effects x effects).

    offset: log size factor of each sample. size: 1/dispersion of each gene. scale: of the Cauchy prior of `effect`;
    flat: standard deviation of the normal prior of the others. start: coefficients without a prior. The posterior may
    have two peaks, one at each of prior and data: both are climbed, and the higher one is taken.
    """
    none = start.copy()
    none[:, effect] = 0
    found = [_map(counts, offset, design, size, effect, scale, flat, begin) for begin in (start, none)]
    lower = found[1][1] < found[0][1]
    beta = np.where(lower[:, None], found[1][0], found[0][0])
    hessian = _curvature(beta, counts, offset, design, size, effect, scale, flat)
    b = beta[:, effect]
    hessian[:, effect, effect] += 2 * (scale**2 - b**2) / (scale**2 + b**2) ** 2
    return beta, np.linalg.inv(hessian)


def _map(
    counts: Array, offset: Array, design: Array, size: Array, effect: int, scale: float, flat: float, start: Array
) -> tuple[Array, Array]:
    """Newton's method with step halving from one start: coefficients, and the negative log posterior there."""
    others = np.arange(design.shape[1]) != effect

    def loss(beta: Array, genes: NDArray[np.intp]) -> Array:
        eta, s = beta @ design.T, size[genes, None]
        data = (counts[genes] + s) * np.logaddexp(eta + offset, np.log(s)) - counts[genes] * eta
        prior = (beta[:, others] ** 2).sum(axis=1) / (2 * flat**2) + np.log1p((beta[:, effect] / scale) ** 2)
        return np.asarray(data.sum(axis=1) + prior)

    beta = start.copy()
    going = np.arange(len(counts))
    value = loss(beta, going)
    for _ in range(ROUNDS):
        if not len(going):
            break
        here, s = beta[going], size[going]
        expected = np.exp(here @ design.T + offset)
        slope = ((expected - counts[going]) * s[:, None] / (s[:, None] + expected)) @ design
        slope[:, others] += here[:, others] / flat**2
        b = here[:, effect]
        slope[:, effect] += 2 * b / (scale**2 + b**2)
        hessian = _curvature(here, counts[going], offset, design, s, effect, scale, flat)
        # Beyond its shoulder the Cauchy density curves the wrong way: there, the parabola that touches it from above.
        hessian[:, effect, effect] += 2 * np.where(b**2 < scale**2, (scale**2 - b**2) / (scale**2 + b**2) ** 2, 1 / (scale**2 + b**2))
        move = np.linalg.solve(hessian, slope[..., None])[..., 0]
        length = np.ones(len(going))
        old = value[going]
        for _ in range(20):
            new = loss(here - length[:, None] * move, going)
            worse = ~(new <= old)
            if not worse.any():
                break
            length[worse] /= 2
        better = new <= old
        beta[going[better]] = (here - length[:, None] * move)[better]
        value[going[better]] = new[better]
        going = going[better & (np.abs(length[:, None] * move).max(axis=1) > 1e-7)]
    return beta, value


def _curvature(
    beta: Array, counts: Array, offset: Array, design: Array, size: Array, effect: int, scale: float, flat: float
) -> Array:
    """Second derivatives of the negative log posterior but for the Cauchy prior's."""
    expected = np.exp(beta @ design.T + offset)
    weights = (counts + size[:, None]) * size[:, None] * expected / (size[:, None] + expected) ** 2
    others = (np.arange(design.shape[1]) != effect) / flat**2
    return _information(weights, design) + np.diag(others)


def _weights(mean: Array, dispersion: Array) -> Array:
    floored = np.maximum(mean, MIN_MEAN)
    return floored / (1 + dispersion[:, None] * floored)


def _information(weights: Array, design: Array) -> Array:
    """X' W X of each gene: genes x effects x effects."""
    pairs = design[:, :, None] * design[:, None, :]
    return np.asarray(np.tensordot(weights, pairs, axes=1))
