"""The trend of dispersions and their scatter about it: R's, and those that were planted."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from karyolot.rna import deseq
from karyolot.rna.dispersion_trend import (
    LEAST_PRIOR_VARIANCE,
    NONE,
    fit_curve,
    fit_inverse,
    fit_trend,
    prior_variance,
    robust_variance,
)

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
FITS = pd.read_csv(REFERENCE / "deseq2_fits.tsv", sep="\t", index_col="study")


@pytest.mark.parametrize("study", FITS.index[:5])  # the others have outliers, and R refits their genes as well
def test_trend_and_prior_are_rs(study: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With 3 degrees of freedom or fewer R draws its prior from a fixed seed; the mean over 20 seeds is known."""
    seen: dict[str, Any] = {}

    def note(name: str) -> None:
        original = getattr(deseq, name)
        monkeypatch.setattr(deseq, name, lambda *given: seen.setdefault(name, original(*given)))

    note("fit_trend")
    note("prior_variance")
    counts = pd.read_csv(REFERENCE / f"deseq2_{study}_counts.tsv.gz", sep="\t", index_col="gene_id").T
    samples = pd.DataFrame([name.split(".")[:3] for name in counts.index], counts.index, ["donor", "state", "kit"])
    design = pd.get_dummies(samples[["kit", "donor", "state"]], drop_first=True, dtype=float)
    design.insert(0, "intercept", 1.0)
    deseq.fit(counts.loc[:, counts.any()], design, "state_lot")
    expected = FITS.loc[study]
    means = np.geomspace(1, 1e5, 7)
    assert seen["fit_trend"](means) == pytest.approx(expected["a0"] + expected["a1"] / means, rel=1e-4)
    if expected["residual_df"] > 3:
        assert seen["prior_variance"] == pytest.approx(expected["prior_variance"], rel=1e-3)
    else:
        # No further from the mean than R with another seed.
        limit = 2 * expected["seeds_sd"]
        assert seen["prior_variance"] == pytest.approx(expected["seeds_mean"], abs=limit)


@pytest.mark.parametrize("df", [1, 2, 3, 5])
@pytest.mark.parametrize("variance", [0.5, 1.0, 2.0])
def test_a_planted_variance_is_found_beneath_the_estimates_own_scatter(df: int, variance: float) -> None:
    """R's smoothing of the divergence, kept here, puts small variances a little too high."""
    generator = np.random.default_rng(1)
    residuals = generator.normal(0, np.sqrt(variance), 20_000) + np.log(generator.chisquare(df, 20_000) / df)
    assert prior_variance(residuals, df) == pytest.approx(variance, rel=0.2 if df > 1 else 0.3)


@pytest.mark.parametrize("df", [1, 2, 3, 5])
def test_without_scatter_of_its_own_the_prior_stands_at_its_floor(df: int) -> None:
    residuals = np.log(np.random.default_rng(2).chisquare(df, 5000) / df)
    assert prior_variance(residuals, df) == LEAST_PRIOR_VARIANCE
    assert prior_variance(np.array([]), df) == LEAST_PRIOR_VARIANCE


def test_robust_variance_is_that_of_a_normal_and_heeds_no_outliers() -> None:
    values = np.random.default_rng(3).normal(5, 2, 20_000)
    assert robust_variance(values) == pytest.approx(4, rel=0.05)
    values[:200] = 1e6
    assert robust_variance(values) == pytest.approx(4, rel=0.05)


def test_a_planted_trend_is_found_among_outliers() -> None:
    generator = np.random.default_rng(4)
    means = np.exp(generator.uniform(0, 10, 5000))
    dispersions = (0.05 + 3 / means) * generator.gamma(4, 1 / 4, 5000)
    dispersions[:100] = 8.0
    assert fit_inverse(means, dispersions) == pytest.approx((0.05, 3), rel=0.12)
    at = np.array([2.0, 20, 2000])
    assert fit_trend(means, dispersions)(at) == pytest.approx(0.05 + 3 / at, rel=0.12)


RISING = np.geomspace(1, 1000, 50)
"""Means of genes whose dispersion rises with the mean, as 0.01 mean^0.5: no a0 + a1 / mean does."""


@pytest.mark.parametrize("dispersions", [np.array([]), np.full(5, 1e-9), 0.01 * RISING**0.5])
def test_dispersions_that_do_not_fall_with_the_mean_have_no_inverse_trend(dispersions: np.ndarray) -> None:
    assert fit_inverse(RISING[: len(dispersions)], dispersions) is None


def test_a_curve_takes_the_place_of_a_trend_that_does_not_fit() -> None:
    trend = fit_trend(RISING, 0.01 * RISING**0.5)
    at = np.array([0.1, 1, 30, 1000, 1e4])
    assert trend(at) == pytest.approx(0.01 * at**0.5, rel=1e-6), "a straight line in logs, also beyond the genes"


def test_the_curve_is_rs() -> None:
    """DESeq2:::localDispersionFit of R, means = exp((0:99) / 10), disps = exp(sin(log(means)) - 0.3 log(means))."""
    means = np.exp(np.arange(100) / 10)
    found = fit_curve(means, np.exp(np.sin(np.log(means)) - 0.3 * np.log(means)))
    expected = [32.7550775245, 11.9473944462, 1.4176202693, 0.1525427881, 0.1781420184, 0.1620169731, 0.0057650793]
    assert found(np.array([0.5, 1, 5, 50, 500, 5000, 50_000])) == pytest.approx(expected, rel=1e-5)


def test_few_genes_have_their_mean_and_none_a_small_one() -> None:
    assert fit_trend(np.array([10.0, 20]), np.array([1.0, 3]))(np.array([5.0, 500])) == pytest.approx([2, 2])
    assert fit_trend(np.array([]), np.array([]))(np.ones(2)) == pytest.approx([NONE, NONE])
