"""Lot against donor hepatocytes, gene by gene: by PyDESeq2 where there are replicates, else effect sizes only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray

from karyolot.contracts.problems import KaryolotError
from karyolot.rna.expression import normalised

STATES = ("hepatocyte", "lot")
"""The reference comes first: a positive log2 fold change is higher in the lot."""
MIN_REPLICATES = 2
"""Samples each state needs for p values: with one, its spread would be taken from the other state alone."""
PSEUDO_COUNT = 0.5
"""Added to normalised means where no model is fitted: keeps log2 of a silent gene finite (as in voom, Law 2014)."""
ALPHA = 0.05
"""False discovery rate that DESeq2's independent filtering is set for; the level the report speaks of."""


@dataclass(frozen=True)
class Contrast:
    """How lot and hepatocytes are compared. terms: of the design, `state` last. untestable: why there are no p values;
    '' where there are. lot, hepatocyte: number of samples."""

    terms: tuple[str, ...]
    lot: int
    hepatocyte: int
    residual_df: int
    untestable: str

    @property
    def formula(self) -> str:
        return "~ " + " + ".join(self.terms)


def plan_contrast(samples: pd.DataFrame, design: str) -> Contrast:
    """Check a design against the samples before anything is fitted.

    samples: `obs` of the expression. design: '~ donor + state' or the like; a term all samples share is left out
    (donor, for one lot and its own donor). Raises KaryolotError for a design that cannot tell its effects apart, naming
    them: PyDESeq2 only warns and gives one of the many solutions.
    """
    named = [term.strip() for term in design.removeprefix("~").split("+")]
    unknown = [term for term in named if term not in samples]
    if unknown or "state" not in named:
        known = ", ".join(map(str, samples.columns))
        raise KaryolotError(
            f"design {design!r} must hold 'state' and other columns of {known}; correct expression.design"
        )
    silent = [term for term in named if (samples[term] == "").any()]
    if silent:
        first = samples.index[samples[silent[0]] == ""][0]
        raise KaryolotError(f"design {design!r}: sample {first} has no {silent[0]}; fill it in in samples.tsv")
    numbers = samples["state"].value_counts()
    lot, hepatocyte = (int(numbers.get(state, 0)) for state in ("lot", "hepatocyte"))
    if not lot or not hepatocyte:
        raise KaryolotError("RNA of the lot and of its donor's hepatocytes is needed; one of them has no sample")
    terms = (*[term for term in named if term != "state" and samples[term].nunique() > 1], "state")
    matrix = _matrix(samples, terms)
    rank = int(np.linalg.matrix_rank(matrix.to_numpy()))
    if rank < matrix.shape[1]:
        tangled = " and ".join(_tangled(matrix, terms))
        raise KaryolotError(
            f"design {design!r} cannot tell {tangled} apart in these samples; take one of them"
            " out of expression.design, or add samples that share them"
        )
    residual_df = len(samples) - rank
    untestable = ""
    if min(lot, hepatocyte) < MIN_REPLICATES:
        few = [name for name, count in (("the lot", lot), ("the hepatocytes", hepatocyte)) if count < MIN_REPLICATES]
        untestable = f"one sample of {' and of '.join(few)}: effect sizes only, no p values"
    elif residual_df < 1:
        untestable = f"{len(samples)} samples for {rank} effects: effect sizes only, no p values"
    return Contrast(terms, lot, hepatocyte, residual_df, untestable)


def differential(expression: AnnData, design: str) -> pd.DataFrame:
    """Contracts.DifferentialExpression of `state` lot over hepatocyte. Order of samples and genes does not matter."""
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
    matrix = _matrix(ordered.obs, contrast.terms)
    fitted = fit(pd.DataFrame(counts, ordered.obs_names, ordered.var_names[found]), matrix, matrix.columns[-1])
    table.loc[found, fitted.columns] = fitted.to_numpy()
    # R's own choice of genes to test rather than a fixed limit: with p values equal to R's it is R's limit, gene by gene.
    table["padj"] = adjust(table["p"].to_numpy(), table["base_mean"].to_numpy(), ALPHA)
    return table


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


def _matrix(samples: pd.DataFrame, terms: Sequence[str]) -> pd.DataFrame:
    """Samples x effects: an intercept, and for each term a column per level but the first; the last is state's."""
    levels = [pd.get_dummies(samples[term].astype(str), prefix=term, drop_first=True, dtype=float) for term in terms]
    return pd.concat([pd.Series(1.0, samples.index, name="intercept"), *levels], axis=1)


def _tangled(matrix: pd.DataFrame, terms: Sequence[str]) -> list[str]:
    """The terms that have a part in what is not of full rank: some sum of their columns is the intercept, or nothing."""
    _, sizes, axes = np.linalg.svd(matrix.to_numpy())
    free = axes[(sizes > sizes[0] * 1e-9).sum() :]
    taking_part = matrix.columns[(np.abs(free) > 1e-9).any(axis=0)]
    return [term for term in terms if any(name.startswith(f"{term}_") for name in taking_part)]
