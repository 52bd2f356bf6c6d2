"""Principal components of a study, or of one lot among the reference panel: which samples are alike."""

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from karyolot.contracts.panel import Panel
from karyolot.contracts.problems import KaryolotError
from karyolot.rna.expression import normalised
from karyolot.rna.panel import check_annotation, panel_counts

Floats = NDArray[np.float64]

MOST_VARIABLE = 500
"""Genes used, those that vary most: the choice of DESeq2's plotPCA."""
MAX_COMPONENTS = 5
MIN_SAMPLES = 3


def components(expression: AnnData, panel: Panel | None = None) -> pd.DataFrame:
    """Principal components of log2(normalised counts + 1), centred, by singular value decomposition.

    The gene that weighs most points up (scikit-learn's convention), so signs do not flip by chance.

    Parameters
    ----------
    expression
        Samples by genes, layer counts.
    panel
        Its lots and donors are samples as well, over the genes of the panel; those that are in the study are not taken twice.

    Returns
    -------
    DataFrame
        Schema Components, a row per sample and component.

    Raises
    ------
    KaryolotError
        For fewer than three samples (two only have a distance), and for a panel of another annotation.
    """
    kinds, states = [""] * expression.n_obs, expression.obs["state"].tolist()
    if panel is not None:
        expression, kinds = _joined(expression, panel)
        states += kinds[len(states) :]
    if expression.n_obs < MIN_SAMPLES:
        raise KaryolotError(
            f"components need {MIN_SAMPLES} samples or more, and there are {expression.n_obs}; add some"
        )
    levels = np.log2(normalised(expression) + 1)
    order = np.lexsort((expression.var_names, -levels.var(axis=0)))[:MOST_VARIABLE]
    places, shares = principal(levels[:, np.sort(order)])
    number = min(MAX_COMPONENTS, expression.n_obs - 1, len(order) - 1)
    return pd.DataFrame(
        {
            "component": np.repeat(np.arange(1, number + 1), expression.n_obs),
            "variance_explained": np.repeat(shares[:number], expression.n_obs),
            "sample_id": np.tile(expression.obs_names.to_numpy(str), number),
            "coordinate": places[:, :number].T.ravel(),
            "state": np.tile(states, number),
            "panel": np.tile(kinds, number),
        }
    )


def principal(levels: Floats) -> tuple[Floats, Floats]:
    """Coordinates of the samples on all components, shape (samples, components), and each one's fraction of the variance.

    levels: samples x genes.
    """
    left, size, genes = np.linalg.svd(levels - levels.mean(axis=0), full_matrices=False)
    heaviest = np.take_along_axis(genes, np.abs(genes).argmax(axis=1)[:, None], axis=1)[:, 0]
    total = max(float((size**2).sum()), np.finfo(float).tiny)
    return left * size * np.where(heaviest < 0, -1.0, 1.0), size**2 / total


def _joined(expression: AnnData, panel: Panel) -> tuple[AnnData, list[str]]:
    """Study and panel over the panel's genes; and what each sample is in the panel."""
    check_annotation(expression, panel)
    frozen, obs = panel_counts(panel), expression.obs
    known = set(zip(obs["donor"], obs["lot"], strict=True))
    new = [pair not in known for pair in zip(frozen.obs["donor"], frozen.obs["lot"], strict=True)]
    frozen = frozen[new]
    counts = np.vstack([expression[:, list(panel.gene_ids)].layers["counts"], frozen.layers["counts"]])
    names = pd.Index([*expression.obs_names, *frozen.obs_names], name="sample_id")
    joined = AnnData(obs=pd.DataFrame(index=names), var=frozen.var.copy(), layers={"counts": counts})
    return joined, [""] * expression.n_obs + frozen.obs["state"].tolist()
