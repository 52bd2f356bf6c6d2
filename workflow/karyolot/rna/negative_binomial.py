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
from scipy.special import digamma, expit, gammaln

Array = NDArray[np.float64]

MIN_DISPERSION = 1e-8
"""Below, counts are indistinguishable from Poisson ones."""
MIN_MEAN = 0.5
"""Fitted counts are not taken for smaller than half a read: keeps weights of groups without expression finite."""
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
        value = (
            likelihood.sum(axis=1) - 0.5 * np.linalg.slogdet(_information(1 / (1 / self.mean + alpha), self.design))[1]
        )
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
        near = (np.abs(new) <= LARGEST).all(axis=1)
        going, y, a = going[near], y[near], a[near]
        mu = np.maximum(depth * np.exp(new[near] @ design.T), MIN_MEAN)
        now = -2 * (fixed[going] + y * np.log(a * mu / (1 + a * mu)) - np.log1p(a * mu) / a).sum(axis=1)
        settled = (turn > 0) & (np.abs(now - deviance[going]) / (np.abs(now) + 0.1) < 1e-8)
        mean[going], deviance[going], converged[going] = mu, now, settled
        going = going[~settled]
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
    found = minimize(
        loss, np.clip(start, -limit, limit), jac=True, method="L-BFGS-B", bounds=[(-limit, limit)] * len(start)
    )
    return np.asarray(found.x), bool(found.success)


def standard_errors(mean: Array, dispersion: Array, design: Array, contrast: Array) -> Array:
    """Of the coefficients' combination `contrast`. mean: fitted counts."""
    information = _information(_weights(mean, dispersion), design)
    inverse = np.linalg.inv(information + RIDGE * np.eye(design.shape[1]))
    towards = inverse @ contrast
    return np.asarray(np.sqrt(np.einsum("gi,gij,gj->g", towards, information, towards)))


class Posterior(NamedTuple):
    """Of coefficients: a Cauchy prior on one effect, which spares the large ones, and normal priors on the others.

    offset: log size factor of each sample. size: 1/dispersion of each gene. scale: of the Cauchy prior; flat: standard
    deviation of the others.
    """

    counts: Array
    offset: Array
    design: Array
    size: Array
    effect: int
    scale: float
    flat: float

    def of(self, genes: NDArray[np.intp]) -> "Posterior":
        return self._replace(counts=self.counts[genes], size=self.size[genes])

    @property
    def _others(self) -> Array:
        """Precisions of the normal priors."""
        return np.asarray((np.arange(self.design.shape[1]) != self.effect) / self.flat**2)

    def loss(self, beta: Array) -> Array:
        """Negative log posterior of each gene's coefficients, but for a constant."""
        eta, size = beta @ self.design.T, self.size[:, None]
        data = (self.counts + size) * np.logaddexp(eta + self.offset, np.log(size)) - self.counts * eta
        return np.asarray(
            data.sum(axis=1) + beta**2 @ self._others / 2 + np.log1p((beta[:, self.effect] / self.scale) ** 2)
        )

    def slope_and_curvature(self, beta: Array) -> tuple[Array, Array]:
        """First and second derivatives of the loss, the latter without the Cauchy prior's."""
        size = self.size[:, None]
        full = expit(beta @ self.design.T + self.offset - np.log(size))
        slope = (size * full - self.counts * (1 - full)) @ self.design + beta * self._others
        effect = beta[:, self.effect]
        slope[:, self.effect] += 2 * effect / (self.scale**2 + effect**2)
        return slope, _information((self.counts + size) * full * (1 - full), self.design) + np.diag(self._others)

    def bend(self, beta: Array) -> Array:
        """Second derivative of the Cauchy prior's part of the loss: negative beyond the scale."""
        squared = beta[:, self.effect] ** 2
        return np.asarray(2 * (self.scale**2 - squared) / (self.scale**2 + squared) ** 2)


def shrink(posterior: Posterior, start: Array) -> tuple[Array, Array]:
    """The most probable coefficients, and their covariances (genes x effects x effects). start: those without a prior.

    There may be two peaks, one at the data's estimate and one near none: both are climbed, the higher one is taken.
    """
    none = start.copy()
    none[:, posterior.effect] = 0
    (near, loss), (far, other) = (_peak(posterior, begin) for begin in (start, none))
    beta = np.where((other < loss)[:, None], far, near)
    _, hessian = posterior.slope_and_curvature(beta)
    hessian[:, posterior.effect, posterior.effect] += posterior.bend(beta)
    return beta, np.asarray(np.linalg.inv(hessian), dtype=np.float64)


def _peak(posterior: Posterior, start: Array) -> tuple[Array, Array]:
    """Newton's method with step halving from one start: coefficients, and the loss there."""
    beta, loss = start.copy(), posterior.loss(start)
    going = np.arange(len(start))
    for _ in range(ROUNDS):
        if not len(going):
            break
        part, here = posterior.of(going), beta[going]
        slope, hessian = part.slope_and_curvature(here)
        # Where the Cauchy density curves the wrong way: the parabola that touches it from above.
        touching = 2 / (posterior.scale**2 + here[:, posterior.effect] ** 2)
        bend = part.bend(here)
        hessian[:, posterior.effect, posterior.effect] += np.where(bend > 0, bend, touching)
        move = np.linalg.solve(hessian, slope[..., None])[..., 0]
        for _ in range(20):
            new = part.loss(here - move)
            worse = ~(new <= loss[going])
            if not worse.any():
                break
            move[worse] /= 2
        better = going[~worse]
        beta[better], loss[better] = (here - move)[~worse], new[~worse]
        going = going[~worse & (np.abs(move).max(axis=1) > 1e-7)]
    return beta, loss


def _weights(mean: Array, dispersion: Array) -> Array:
    floored = np.maximum(mean, MIN_MEAN)
    return floored / (1 + dispersion[:, None] * floored)


def _information(weights: Array, design: Array) -> Array:
    """X' W X of each gene: genes x effects x effects."""
    pairs = design[:, :, None] * design[:, None, :]
    return np.asarray(np.tensordot(weights, pairs, axes=1))
