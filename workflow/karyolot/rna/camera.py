"""Whether the genes of a set moved beyond what correlated genes do: CAMERA (Wu & Smyth 2012, Nucleic Acids Res 40:e133)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.stats import t

from karyolot.rna.design import culture_of, design_matrix, plan_contrast
from karyolot.rna.expression import normalised

if TYPE_CHECKING:
    from anndata import AnnData


def residuals(expression: "AnnData", design: str) -> pd.DataFrame | None:
    """What the design leaves of log2(normalised counts + 1): genes (by id) x residual degrees of freedom, each gene scaled to a
    mean square of 1. Genes of one pathway rise and fall together in it, which is the correlation that a set's p must allow for.

    Samples of one culture are averaged first, as they are added up for the contrast. None where nothing can be tested.
    """
    levels = pd.DataFrame(np.log2(normalised(expression) + 1), expression.obs_names, expression.var_names)
    samples = expression.obs
    if "library" in samples:
        culture = culture_of(samples)
        levels, samples = levels.groupby(culture).mean(), samples[~culture.duplicated()].set_axis(culture.unique())
        levels = levels.loc[samples.index]
    contrast = plan_contrast(samples, design)
    if contrast.untestable:
        return None
    matrix = design_matrix(samples, contrast.terms).to_numpy()
    rest = np.linalg.qr(matrix, mode="complete")[0][:, matrix.shape[1] :]
    effects = levels.to_numpy().T @ rest
    size = np.sqrt((effects**2).mean(axis=1, keepdims=True))
    scaled = np.divide(effects, size, out=np.zeros_like(effects), where=size > 1e-9)
    return pd.DataFrame(scaled, expression.var_names)


def set_p_values(statistic: pd.Series, rest: pd.DataFrame, sets: Mapping[str, frozenset[str]]) -> pd.Series:
    """Two-sided p of each set: its genes moved otherwise than the other genes, on average.

    statistic: Wald statistic by gene; rest: as of `residuals`, by the same genes; sets: genes of `statistic`. The variance
    of a set's mean is that of independent genes times the variance inflation 1 + (m - 1) r of its m genes with mean correlation
    r, measured in the residuals; the t distribution has the residual degrees of freedom, since r is known no better. Simulated
    with 160 sets, 2, 3 and 5 replicates a side and r of 0.1, 4 to 5 % of unchanged sets have p < 0.05 and none padj < 0.05;
    against random sets of genes a third has p < 0.05, and 39 of the 160 padj < 0.05.
    """
    z, places = statistic.to_numpy(float), {gene: place for place, gene in enumerate(statistic.index)}
    number, mean, variance = len(z), z.mean(), z.var(ddof=1)
    left, df = rest.loc[statistic.index].to_numpy(), rest.shape[1]
    found = {}
    for name, genes in sets.items():
        inside = np.array(sorted(places[gene] for gene in genes))
        m, others = len(inside), number - len(inside)
        difference = number / others * (z[inside].mean() - mean)
        pooled = ((number - 1) * variance - difference**2 * m * others / number) / (number - 2)
        varying = left[inside][left[inside].any(axis=1)]
        inflation = len(varying) * float((varying.mean(axis=0) ** 2).mean()) if len(varying) else 1.0
        score = difference / np.sqrt(pooled * (inflation / m + 1 / others))
        found[name] = float(2 * t.sf(abs(score), df))
    return pd.Series(found, dtype=float)
