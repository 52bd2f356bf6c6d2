"""Lot against donor hepatocytes, gene by gene: by PyDESeq2 where there are replicates, else effect sizes only."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.problems import KaryolotError
from karyolot.rna.design import by_unit, culture_of, design_matrix, plan_contrast, unit_of
from karyolot.rna.expression import normalised

if TYPE_CHECKING:
    from anndata import AnnData

STATES = ("hepatocyte", "lot")
"""The reference comes first: a positive log2 fold change is higher in the lot."""
PSEUDO_COUNT = 0.5
"""Added to normalised means where no model is fitted: keeps log2 of an unexpressed gene finite (as in voom, Law 2014)."""
ALPHA = 0.05
"""False discovery rate that DESeq2's independent filtering is set for; the level that the report uses."""


def differential(expression: "AnnData", design: str) -> pd.DataFrame:
    """Test lot against hepatocyte, gene by gene. Order of samples and genes does not matter.

    Samples of one culture are added up first: they do not show how cultures differ.

    Parameters
    ----------
    expression
        Samples by genes, layer counts (whole numbers).
    design
        As `plan_contrast` takes it.

    Returns
    -------
    DataFrame
        Schema DifferentialExpression, log2 fold changes of `state` lot over hepatocyte; p values are null without two
        cultures on each side.
    """
    if "library" in expression.obs and (units := culture_of(expression.obs)).duplicated().any():
        expression = _added(expression, units)
    ordered = expression[sorted(expression.obs_names), sorted(expression.var_names)]
    contrast = plan_contrast(ordered.obs, design)
    levels = normalised(ordered)
    found = levels.any(axis=0)
    names = ordered.var["gene_name"].to_numpy()
    table = pd.DataFrame({"gene_id": ordered.var_names, "gene_name": names, "base_mean": levels.mean(axis=0)})
    table[["log2fc", "log2fc_shrunk", "log2fc_se", "stat", "p", "padj"]] = np.nan
    if contrast.untestable:
        table.loc[found, "log2fc"] = _effect_sizes(levels[:, found], ordered.obs)
        return table
    # Imported only where it is used: it takes seconds.
    from karyolot.rna.deseq import adjust, fit

    counts = np.asarray(ordered.layers["counts"])[:, found].astype(np.int64)
    matrix = design_matrix(ordered.obs, contrast.terms)
    fitted = fit(pd.DataFrame(counts, ordered.obs_names, ordered.var_names[found]), matrix, matrix.columns[-1])
    table.loc[found, fitted.columns] = fitted.to_numpy()
    # R's own choice of genes to test rather than a fixed limit: with p values equal to R's it is R's limit, gene by gene.
    table["padj"] = adjust(table["p"].to_numpy(), table["base_mean"].to_numpy(), ALPHA)
    return table


def pool_replicates(expression: "AnnData") -> "AnnData":
    """Counts added over the samples of each lot, and of each donor's hepatocytes: what a study may count as n.

    Replicates of one lot show technical variation, not how lots differ. obs: as of `design.by_unit`. All lots
    with RNA are in it, whatever their verdict: one of a wrong donor makes the donors' effects less sharp, and adding a
    verdict would make every lot's wait for this table.
    """
    return _added(expression, unit_of(expression.obs))


def _added(expression: "AnnData", units: pd.Series) -> "AnnData":
    """Counts added over the samples of each unit. units: of each sample."""
    from anndata import AnnData

    samples = by_unit(expression.obs, units)
    counts = pd.DataFrame(np.asarray(expression.layers["counts"]), index=units.to_numpy())
    added = counts.groupby(level=0).sum().loc[samples.index].to_numpy()
    return AnnData(obs=samples, var=expression.var[["gene_name"]].copy(), layers={"counts": added})


def _effect_sizes(levels: NDArray[np.float64], samples: pd.DataFrame) -> NDArray[np.float64]:
    """log2 of mean normalised counts, lot minus hepatocyte, within each donor that has both, averaged over donors."""
    differences = []
    for donor in sorted(set(samples["donor"])):
        of = [(samples["donor"] == donor).to_numpy() & (samples["state"] == state).to_numpy() for state in STATES]
        if all(rows.any() for rows in of):
            low, high = (np.log2(levels[rows].mean(axis=0) + PSEUDO_COUNT) for rows in of)
            differences.append(high - low)
    if not differences:
        raise KaryolotError("no donor has RNA of hepatocytes and of a lot; add the missing samples")
    return np.asarray(np.mean(differences, axis=0))
