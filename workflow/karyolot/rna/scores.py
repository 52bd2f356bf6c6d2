"""Gene set scores of every sample of a study, by GSVA (Haenzelmann 2013, BMC Bioinformatics 14:7)."""

import gseapy
import pandas as pd
from anndata import AnnData

from karyolot.contracts.expression import GeneSets
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Pathways
from karyolot.rna.enrichment import usable_sets
from karyolot.rna.expression import log_by_name

MIN_SAMPLES = 3
"""With two samples a gene's rank among samples is a coin, and the score follows the order of the rows (also in R)."""
CONSTANT = 1e-10
"""Range below which a gene does not vary; R's GSVA leaves such genes out."""


def gsva(expression: AnnData, sets: GeneSets, axes: pd.DataFrame, settings: Pathways) -> pd.DataFrame:
    """Contracts.SetScores: sets in the order of `axes`, samples in that of `expression`.

    Gaussian kernel on log2(normalised counts + 1). A score compares a sample with the others of this study, so it moves
    when samples are added: for showing, never for judging a lot. Raises KaryolotError for fewer than three samples, or
    a set whose varying genes are too few or too many.
    """
    if expression.n_obs < MIN_SAMPLES:
        raise KaryolotError(f"GSVA needs {MIN_SAMPLES} samples or more, the study has {expression.n_obs}; add samples")
    levels = log_by_name(expression)
    levels = levels[levels.max(axis=1) - levels.min(axis=1) > CONSTANT]
    used = usable_sets(sets, levels.index.to_series(), settings)
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
    rows = [(name, sample) for name in used for sample in expression.obs_names]
    table = pd.DataFrame(rows, columns=["set_name", "sample_id"])
    table.insert(1, "axis", table["set_name"].map(axes.set_index("set_name")["axis"]))
    return table.assign(score=score.loc[rows].to_numpy())
