"""Every estimate is the best one: nothing near it or elsewhere is more probable, by formulas written anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydeseq2.utils import nbinomGLM
from scipy.stats import nbinom

from karyolot.rna import negative_binomial as nb

DESIGN = np.array([[1, d2, d3, s] for d2, d3 in ((0, 0), (1, 0), (0, 1)) for s in (0, 1)], dtype=float)
DEPTH = np.array([0.7, 1.2, 1.0, 0.9, 1.5, 0.8])


def simulated(genes: int = 400, seed: int = 1, scatter: float = 1.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts of three donors in two states, true means, true dispersions; from 5 to 50,000 reads."""
    generator = np.random.default_rng(seed)
    base = np.exp(generator.uniform(np.log(5), np.log(50_000), genes))
    dispersion = (0.05 + 1 / base) * np.exp(generator.normal(0, scatter, genes))
    beta = np.column_stack([np.log(base), generator.normal(0, 0.4, (genes, 2)), generator.normal(0, 1, genes)])
    mean = DEPTH * np.exp(beta @ DESIGN.T)
    size = 1 / dispersion[:, None]
    return nbinom.rvs(size, size / (size + mean), random_state=generator).astype(float), mean, dispersion


def log_posterior(counts: np.ndarray, mean: np.ndarray, alpha: float, trend: float | None, variance: float) -> float:
    likelihood = nbinom.logpmf(counts, 1 / alpha, 1 / (1 + alpha * mean)).sum()
    weights = mean / (1 + alpha * mean)
    value = likelihood - np.linalg.slogdet(DESIGN.T @ np.diag(weights) @ DESIGN)[1] / 2
    return value if trend is None else value - np.log(alpha / trend) ** 2 / (2 * variance)


def test_shrunken_dispersions_are_the_highest_of_the_whole_posterior() -> None:
    """PyDESeq2's optimiser stops at the gene-wise value in some strongly expressed genes."""
    counts, mean, _ = simulated()
    trend = 0.05 + 1 / mean.mean(axis=1)
    genewise = nb.genewise_dispersions(counts, mean, DESIGN, np.full(len(counts), 0.01))
    found = nb.shrunken_dispersions(counts, mean, DESIGN, genewise, trend, 0.5)
    for gene in range(0, len(counts), 3):
        tried = [
            log_posterior(counts[gene], mean[gene], alpha, trend[gene], 0.5) for alpha in np.geomspace(1e-7, 10, 120)
        ]
        assert log_posterior(counts[gene], mean[gene], found[gene], trend[gene], 0.5) > max(tried) - 1e-4
    between = (np.log(found) - np.log(genewise)) * (np.log(trend) - np.log(found))
    assert between.min() > -0.02, "between the gene's own and the trend, but for a little beside"


def test_genewise_dispersions_are_at_a_peak() -> None:
    counts, _, true = simulated(scatter=0.3)
    mean = np.maximum(nb.fit_coefficients(counts, DEPTH, DESIGN, true).mean, nb.MIN_MEAN)
    found = nb.genewise_dispersions(counts, mean, DESIGN, np.full(len(counts), 0.01))
    # But at the edges; and, as in R, not where the climb gains less than a millionth of a large likelihood.
    inner = (found > 1e-6) & (found < 9.9) & ~np.isclose(found, 0.01)
    assert inner.sum() > 250
    for gene in np.flatnonzero(inner):
        here = log_posterior(counts[gene], mean[gene], found[gene], None, 1)
        # The last resort is a grid with steps of 12 %.
        assert here > max(log_posterior(counts[gene], mean[gene], found[gene] * f, None, 1) for f in (0.8, 1.25)) - 0.01
    # Six samples less four effects: the median of a chi-square with two degrees of freedom is 0.7 of its mean.
    assert abs(np.median(np.log(found / true)[inner])) < 0.6


def test_a_count_without_scatter_has_the_least_dispersion() -> None:
    mean = np.full((3, 6), 100.0)
    found = nb.genewise_dispersions(mean.copy(), mean, DESIGN, np.full(3, 0.01))
    assert (found < 1e-5).all() and (found >= nb.MIN_DISPERSION).all()


def test_coefficients_solve_the_likelihood_equations() -> None:
    counts, _, dispersion = simulated()
    found = nb.fit_coefficients(counts, DEPTH, DESIGN, dispersion)
    assert found.converged.all()
    score = ((counts - found.mean) / (1 + dispersion[:, None] * found.mean)) @ DESIGN
    strong = found.mean.min(axis=1) > nb.MIN_MEAN
    assert np.abs(score - nb.RIDGE * found.beta)[strong].max() < 1e-2
    assert np.allclose(found.leverage.sum(axis=1)[strong], 4, atol=1e-3), "a projection on four effects"


def test_standard_errors_are_the_spread_of_estimates() -> None:
    generator = np.random.default_rng(5)
    mean = np.broadcast_to(DEPTH * 300, (4000, 6))
    alpha = np.full(4000, 0.1)
    counts = nbinom.rvs(10, 10 / (10 + mean), random_state=generator).astype(float)
    found = nb.fit_coefficients(counts, DEPTH, DESIGN, alpha)
    error = nb.standard_errors(found.mean, alpha, DESIGN, np.array([0.0, 0, 0, 1]))
    assert found.beta[:, 3].std() == pytest.approx(np.median(error), rel=0.05)


def test_a_gene_silent_in_one_state_has_finite_coefficients() -> None:
    counts = np.array([[0.0, 50, 0, 70, 0, 40], [300, 0, 0, 0, 0, 0]])
    found = nb.fit_coefficients(counts, DEPTH, DESIGN, np.array([0.1, 10.0]))
    assert np.isfinite(found.beta).all() and np.isfinite(found.leverage).all()
    assert found.beta[0, 3] > 3


def test_shrunken_coefficients_are_apeglms_or_better() -> None:
    """PyDESeq2's optimiser of the same posterior, gene by gene; where it ends elsewhere, it ends lower."""
    counts, _, dispersion = simulated(200, seed=2)
    start = nb.fit_coefficients(counts, DEPTH, DESIGN, dispersion).beta
    posterior = nb.Posterior(counts, np.log(DEPTH), DESIGN, 1 / dispersion, 3, 0.4, 15.0)
    beta, covariance = nb.shrink(posterior, start)
    theirs = np.array(
        [
            nbinomGLM(DESIGN, y, s, np.log(DEPTH), 15, 0.4, "L-BFGS-B", 3)[0]
            for y, s in zip(counts, 1 / dispersion, strict=True)
        ]
    )
    assert (posterior.loss(beta) <= posterior.loss(theirs) + 1e-9).all()
    assert (np.abs(beta - theirs)[:, 3] < 0.01).mean() > 0.98
    assert (np.linalg.eigvalsh(covariance) > 0).all()


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 2**32 - 1))
def test_a_gene_does_not_depend_on_the_others(seed: int) -> None:
    counts, mean, dispersion = simulated(30, seed)
    start = np.full(30, 0.1)
    alone = np.arange(30) % 7 == seed % 7
    whole = nb.genewise_dispersions(counts, mean, DESIGN, start)
    assert np.allclose(
        nb.genewise_dispersions(counts[alone], mean[alone], DESIGN, start[alone]), whole[alone], rtol=1e-9
    )
    fitted = nb.fit_coefficients(counts, DEPTH, DESIGN, dispersion).beta
    assert np.allclose(
        nb.fit_coefficients(counts[alone], DEPTH, DESIGN, dispersion[alone]).beta, fitted[alone], atol=1e-9
    )
