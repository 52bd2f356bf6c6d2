"""How alike the samples of a study are, and how strongly each makes the marker groups: for showing, never for judging."""

import numpy as np
import pandas as pd
import scanpy
from anndata import AnnData
from scipy.spatial.distance import pdist, squareform

from karyolot.contracts.expression import MarkerScores, SampleDistances
from karyolot.rna.expression import log_by_name

RANDOM_GENES = 50
"""Genes of like level drawn per marker and level, scanpy's default; the mean of the group is taken against theirs."""


def sample_distances(expression: AnnData) -> pd.DataFrame:
    """Contracts.SampleDistances: root of the mean squared difference of log2(normalised counts + 1) over all genes."""
    levels = log_by_name(expression).T.to_numpy()
    distances = squareform(pdist(levels)) / np.sqrt(levels.shape[1])
    names = expression.obs_names.to_numpy(str)
    return SampleDistances.validate(
        pd.DataFrame(
            {
                "sample_id": np.repeat(names, len(names)),
                "other_id": np.tile(names, len(names)),
                "distance": distances.ravel(),
            }
        )
    )


def marker_scores(expression: AnnData, panel: pd.DataFrame) -> pd.DataFrame:
    """Score groups of markers by scanpy's score_genes (Satija 2015, Nature Biotechnology 33:495).

    A score is the mean log2 level of the group's genes minus that of random genes whose mean over the study is alike; so it
    moves a little when samples are added. Groups without an annotated gene are left out.

    Parameters
    ----------
    expression
        Samples by genes, layer counts.
    panel
        Schema MarkerPanel.

    Returns
    -------
    DataFrame
        Schema MarkerScores, log2, in panel order.
    """
    levels = log_by_name(expression)
    data = AnnData(levels.T.to_numpy(), pd.DataFrame(index=levels.columns), pd.DataFrame(index=levels.index))
    parts = []
    for group, genes in panel.groupby("group", sort=False)["gene_name"]:
        found = [gene for gene in genes.drop_duplicates() if gene in levels.index]
        if not found:
            continue
        scanpy.tl.score_genes(data, found, ctrl_size=RANDOM_GENES, random_state=0, use_raw=False)
        parts.append(
            pd.DataFrame(
                {"group": group, "sample_id": levels.columns.astype(str), "score": data.obs["score"].to_numpy(float)}
            )
        )
    return MarkerScores.validate(pd.concat(parts, ignore_index=True) if parts else MarkerScores.empty())
