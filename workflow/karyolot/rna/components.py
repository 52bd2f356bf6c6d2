"""Principal components of a study: which samples are alike."""

import numpy as np
import pandas as pd
import scanpy
from anndata import AnnData

from karyolot.contracts.problems import KaryolotError
from karyolot.rna.expression import normalised

MOST_VARIABLE = 500
"""Genes used, those that vary most: the choice of DESeq2's plotPCA."""
MAX_COMPONENTS = 5
MIN_SAMPLES = 3


def components(expression: AnnData) -> pd.DataFrame:
    """Contracts.Components of log2(normalised counts + 1), centred, by scanpy.

    The gene that weighs most points up (scikit-learn's convention), so signs do not flip by chance. Raises KaryolotError
    for fewer than three samples: two only have a distance.
    """
    if expression.n_obs < MIN_SAMPLES:
        raise KaryolotError(
            f"components need {MIN_SAMPLES} samples or more, the study has {expression.n_obs}; add some"
        )
    levels = np.log2(normalised(expression) + 1)
    order = np.lexsort((expression.var_names, -levels.var(axis=0)))[:MOST_VARIABLE]
    data = AnnData(levels[:, np.sort(order)])
    number = min(MAX_COMPONENTS, data.n_obs - 1, data.n_vars - 1)
    scanpy.pp.pca(data, n_comps=number, svd_solver="full")
    return pd.DataFrame(
        {
            "component": np.repeat(np.arange(1, number + 1), data.n_obs),
            "share": np.repeat(data.uns["pca"]["variance_ratio"].astype(float), data.n_obs),
            "sample_id": np.tile(expression.obs_names.to_numpy(str), number),
            "coordinate": data.obsm["X_pca"].T.ravel().astype(float),
        }
    )
