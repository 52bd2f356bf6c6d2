"""Genes x samples of a lot: the marker panel, and the genes of the pathways the product is described by."""

import numpy as np
import pandas as pd
from anndata import AnnData

from karyolot.contracts.expression import GeneSets, SampleLevels
from karyolot.rna.expression import log_by_name

AXES = ("ECM disassembly", "HGF receptor")
"""Axes whose genes are shown one by one, as in He 2025, Fig. 1h."""
MOST = 12
"""Genes shown of an axis: those that moved most. More would not be read."""


def sample_levels(expression: AnnData, panel: pd.DataFrame, sets: GeneSets, axes: pd.DataFrame) -> pd.DataFrame:
    """Contracts.SampleLevels of a lot and its donor: panel genes in panel order (each once), then AXES.

    panel: MarkerPanel; axes: SetAxes. Levels are log2(normalised counts + 1) minus their mean in the donor's samples. A
    panel gene that is not annotated is left out, as is a gene of an axis without a read.
    """
    levels = log_by_name(expression)
    is_lot = (expression.obs["state"] == "lot").to_numpy()
    change = levels.sub(levels.loc[:, ~is_lot].mean(axis=1), axis=0)
    first = panel.drop_duplicates("gene_name")
    chosen = [
        (gene, group) for gene, group in zip(first["gene_name"], first["group"], strict=True) if gene in levels.index
    ]
    moved = change.loc[levels.max(axis=1) > 0, is_lot].mean(axis=1)
    for axis in AXES:
        members = set().union(*(sets[name] for name in axes.loc[axes["axis"] == axis, "set_name"]))
        own = moved[moved.index.isin(members)]
        strongest = own.iloc[np.lexsort((own.index, -own.abs()))][:MOST]
        chosen += [(gene, axis) for gene in strongest.sort_values(ascending=False, kind="stable").index]
    samples = [*change.columns[~is_lot], *change.columns[is_lot]]
    rows = [(gene, group, sample, float(change.loc[gene, sample])) for gene, group in chosen for sample in samples]
    return SampleLevels.validate(pd.DataFrame(rows, columns=["gene_name", "group", "sample_id", "log2"]))
