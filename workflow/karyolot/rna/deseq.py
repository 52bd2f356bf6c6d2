"""DESeq2 by PyDESeq2, with the parts replaced in which it differs from R.

PyDESeq2 leads through the method: size factors, Cook's distances, replacing and refitting outliers. Its gene by gene
optimisers give way to those of negative_binomial (they stop short at some strongly expressed genes, so that noise passes
for significant, and take minutes), its trend and its prior variance to those of dispersion_trend (it has no estimator for
three degrees of freedom or fewer: three donors and their lots have two), its choice of the expression below which genes
are not tested to R's.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydeseq2.dds import DeseqDataSet
from pydeseq2.default_inference import DefaultInference
from pydeseq2.ds import DeseqStats
from scipy.stats import false_discovery_control, norm

from karyolot.rna import negative_binomial as nb
from karyolot.rna.dispersion_trend import Trend, fit_trend, prior_variance, robust_variance

Array = NDArray[np.float64]


class _Vectorised(DefaultInference):  # type: ignore[misc]  # the library is untyped
    """The inference interface of PyDESeq2 (samples x genes there), for all genes at once."""

    def __init__(self) -> None:
        super().__init__(n_cpus=1)
        self._genewise = np.empty(0)

    def irls(
        self, counts: Array, size_factors: Array, design_matrix: Array, disp: Array, *_: object, **__: object
    ) -> tuple[Array, Array, Array, NDArray[np.bool_]]:
        found = nb.fit_coefficients(counts.T, size_factors, design_matrix, disp)
        return found.beta, found.mean.T, found.leverage.T, found.converged

    def lin_reg_mu(self, counts: Array, size_factors: Array, design_matrix: Array, min_mu: float) -> Array:
        depth = size_factors[:, None]
        return np.maximum(depth * (design_matrix @ np.linalg.pinv(design_matrix) @ (counts / depth)), min_mu)

    def alpha_mle(
        self, counts: Array, design_matrix: Array, mu: Array, alpha_hat: Array, *_: object, **options: Any
    ) -> tuple[Array, NDArray[np.bool_]]:
        """Gene-wise, and then, from where these ended, shrunken to the trend: the order in which PyDESeq2 calls it."""
        means = np.maximum(mu, nb.MIN_MEAN).T
        if options.get("prior_reg"):
            found = nb.shrunken_dispersions(
                counts.T, means, design_matrix, self._genewise, alpha_hat, options["prior_disp_var"]
            )
        else:
            found = self._genewise = nb.genewise_dispersions(counts.T, means, design_matrix, alpha_hat)
        return found, np.ones(len(found), dtype=bool)

    def wald_test(
        self, design_matrix: Array, disp: Array, lfc: Array, mu: Array, contrast: Array, **_: object
    ) -> tuple[Array, Array, Array]:
        errors = nb.standard_errors(mu.T, disp, design_matrix, contrast)
        statistics = lfc @ contrast / errors
        return 2 * norm.sf(np.abs(statistics)), statistics, errors

    def lfc_shrink_nbinom_glm(
        self,
        design_matrix: Array,
        counts: Array,
        size: Array,
        offset: Array,
        prior_no_shrink_scale: float,
        prior_scale: float,
        optimizer: str,  # noqa: ARG002
        shrink_index: int,
    ) -> tuple[Array, Array, NDArray[np.bool_]]:
        start = nb.fit_coefficients(counts.T, np.exp(offset), design_matrix, 1 / size).beta
        posterior = nb.Posterior(
            counts.T, offset, design_matrix, size, shrink_index, prior_scale, prior_no_shrink_scale
        )
        beta, covariance = nb.shrink(posterior, start)
        return beta, covariance, np.ones(len(beta), dtype=bool)


def fit(counts: pd.DataFrame, design: pd.DataFrame, effect: str, outliers: bool = True) -> pd.DataFrame:
    """Per gene (index): base_mean, log2fc, log2fc_shrunk, log2fc_se, stat, p of one effect.

    counts: samples x genes, whole numbers, each gene with a count. design: samples x effects, an intercept among them, of
    full rank and fewer than samples. effect: the column tested. outliers: counts that Cook's distance finds impossible are
    replaced where a group has 7 samples or more (base_mean and all that follows are then those of the replaced counts);
    with 3 to 6, p and log2fc_shrunk are null instead; with fewer no count can be called one. False: left as they are, as
    an effect of a single sample needs it, which is all its own outlier.
    """
    inference = _Vectorised()
    data = DeseqDataSet(
        counts=counts,
        metadata=pd.DataFrame(index=counts.index),
        design=design,
        refit_cooks=outliers,
        inference=inference,
        quiet=True,
    )
    data.fit_size_factors()
    data.fit_genewise_dispersions()
    _set_trend_and_prior(data)
    data.fit_MAP_dispersions()
    data.fit_LFC()
    data.calculate_cooks()
    if outliers:
        data.refit()
    tested = DeseqStats(
        data,
        (design.columns == effect).astype(float),
        cooks_filter=outliers,
        independent_filter=False,
        inference=inference,
        quiet=True,
    )
    tested.summary()
    names = {"baseMean": "base_mean", "log2FoldChange": "log2fc", "lfcSE": "log2fc_se", "pvalue": "p"}
    # A copy: shrinking writes over the estimates and their errors in place.
    table = tested.results_df.rename(columns=names)[["base_mean", "log2fc", "log2fc_se", "stat", "p"]].copy()
    tested.lfc_shrink(effect)
    table["log2fc_shrunk"] = tested.results_df["log2FoldChange"].where(table["p"].notna())
    return pd.DataFrame(table)


class _Quotient:
    """PyDESeq2 looks the trend of refitted genes up as a0 + a1 / mean: a1, when the trend has another form."""

    def __init__(self, trend: Trend) -> None:
        self._trend = trend

    def __truediv__(self, means: Array) -> Array:
        return self._trend(np.asarray(means))


def _set_trend_and_prior(data: DeseqDataSet) -> None:
    """Sets what PyDESeq2's fit_dispersion_trend and fit_dispersion_prior would."""
    means, genewise = (data.var[column].to_numpy() for column in ("_normed_means", "genewise_dispersions"))
    scattered = genewise >= 100 * nb.MIN_DISPERSION
    trend = fit_trend(means[scattered], genewise[scattered])
    data.var["fitted_dispersions"] = expected = trend(means)
    data.uns["disp_function_type"] = "parametric"
    data.uns["trend_coeffs"] = (0.0, _Quotient(trend))
    residuals = np.log(genewise / expected)[scattered]
    samples, effects = data.obsm["design_matrix"].shape
    data.uns["_squared_logres"] = robust_variance(residuals)
    data.uns["prior_disp_var"] = np.float64(prior_variance(residuals, samples - effects))


def adjust(p: Array, base_mean: Array, alpha: float) -> Array:
    """p values adjusted for their number (Benjamini-Hochberg) among the genes expressed enough to be tested.

    Genes of low expression have no power and cost the others theirs. The least expression is the lowest of 50 quantiles
    that gives about as many discoveries at level alpha as any (DESeq2's independent filtering); null below it. base_mean,
    p: of all genes, also those without a count; p may be null.
    """
    silent = float(np.mean(base_mean == 0))
    share = np.linspace(silent, 0.95 if silent < 0.95 else 1, 50)
    candidates = np.full((50, len(p)), np.nan)
    for row, least in zip(candidates, np.quantile(base_mean, share), strict=True):
        used = (base_mean >= least) & ~np.isnan(p)
        if used.any():
            row[used] = false_discovery_control(p[used])
    found = (candidates < alpha).sum(axis=1).astype(float)
    chosen = 0
    if found.max() > 10:
        smooth = lowess(share, found, 1 / 5)
        noise = np.sqrt(np.mean((found - smooth)[found > 0] ** 2))
        chosen = int((found > smooth.max() - noise).argmax())
    return np.asarray(candidates[chosen])


def lowess(x: Array, y: Array, share: float) -> Array:
    """Robust local regression through evenly spread x (Cleveland 1979, JASA 74:829) with R's constants.

    PyDESeq2's takes one neighbour too many and weighs by signed residuals, and so finds another cut-off.
    """
    away = np.abs(x[:, None] - x)
    width = np.sort(away, axis=1)[:, int(share * len(x) + 1e-7) - 1, None]
    near = np.where(away > 0.999 * width, 0, np.where(away <= 0.001 * width, 1, (1 - (away / width) ** 3) ** 3))
    trust = np.ones(len(x))
    for _ in range(4):
        weight = near * trust
        weight /= weight.sum(axis=1, keepdims=True)
        centre = (weight * x).sum(axis=1)
        shifted = x - centre[:, None]
        spread = (weight * shifted**2).sum(axis=1)
        slope = (weight * shifted) @ y / np.where(spread > 0, spread, 1)
        smooth = weight @ y + slope * (x - centre)
        residual = np.abs(y - smooth)
        limit = 6 * np.median(residual)
        if limit < 1e-7 * residual.mean():
            break
        trust = np.where(
            residual > 0.999 * limit, 0, np.where(residual <= 0.001 * limit, 1, (1 - (residual / limit) ** 2) ** 2)
        )
    return np.asarray(smooth)
