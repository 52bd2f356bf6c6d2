"""Gene set scores of every sample of a study, by GSVA (Haenzelmann 2013, BMC Bioinformatics 14:7)."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from karyolot.contracts.expression import GeneSets
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Pathways
from karyolot.rna.enrichment import measured_genes
from karyolot.rna.expression import log_by_name

if TYPE_CHECKING:
    from anndata import AnnData

MIN_SAMPLES = 3
"""With two samples a gene's rank among samples is a coin, and the score follows the order of the rows (also in R)."""
CONSTANT = 1e-10
"""Range below which a gene does not vary; R's GSVA leaves such genes out."""


def gsva(expression: "AnnData", sets: GeneSets, axes: pd.DataFrame, settings: Pathways) -> pd.DataFrame:
    """Score gene sets by GSVA, Gaussian kernel on log2(normalised counts + 1).

    A score compares a sample with the others of this study, so it moves when samples are added: for showing, never for
    judging a lot. A set of which fewer than min_size genes vary has null scores.

    Parameters
    ----------
    expression
        Samples by genes, layer counts.
    sets, axes
        Gene sets, and those that are shown, in their order.

    Returns
    -------
    DataFrame
        Schema SetScores: sets in the order of `axes`, samples in that of `expression`.

    Raises
    ------
    KaryolotError
        For fewer than three samples, or a set of too many genes.
    """
    if expression.n_obs < MIN_SAMPLES:
        raise KaryolotError(f"GSVA needs {MIN_SAMPLES} samples or more, the study has {expression.n_obs}; add samples")
    levels = log_by_name(expression)
    levels = levels[levels.max(axis=1) - levels.min(axis=1) > CONSTANT]
    measured = measured_genes(sets, levels.index.to_series(), settings)
    used = {name: genes for name, genes in measured.items() if len(genes) >= settings.min_size}
    rows = [(name, sample) for name in measured for sample in expression.obs_names]
    table = pd.DataFrame(rows, columns=["set_name", "sample_id"])
    table.insert(1, "axis", table["set_name"].map(axes.set_index("set_name")["axis"]))
    if not used:
        return table.assign(score=np.nan)
    # Imported only where it is used: it brings matplotlib and takes seconds.
    import gseapy

    tokens = {name: f"G{place}" for place, name in enumerate(levels.index)}
    scores = gseapy.gsva(
        # GSEApy breaks ties from the last row up, R from the first down: in reversed rows both give the same scores.
        data=levels.set_axis(list(tokens.values()))[::-1],
        gene_sets={name: [tokens[gene] for gene in sorted(genes)] for name, genes in used.items()},
        kcdf="Gaussian",
        min_size=1,
        max_size=len(levels),
        threads=1,
        outdir=None,
    ).res2d
    score = scores.set_index(["Term", "Name"])["ES"].astype(float)
    return table.assign(score=score.reindex(rows).to_numpy())
