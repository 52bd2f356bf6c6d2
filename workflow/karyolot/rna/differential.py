"""Lot against donor hepatocytes, gene by gene: by PyDESeq2 where there are replicates, else effect sizes only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from anndata import AnnData
from numpy.typing import NDArray
from pydeseq2.dds import DeseqDataSet
from pydeseq2.default_inference import DefaultInference
from pydeseq2.ds import DeseqStats

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

    samples: `obs` of the expression. design: '~ donor + state' or '~ state'; a term all samples share is left out
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
    numbers = samples["state"].value_counts()
    lot, hepatocyte = (int(numbers.get(state, 0)) for state in ("lot", "hepatocyte"))
    if not lot or not hepatocyte:
        raise KaryolotError("RNA of the lot and of its donor's hepatocytes is needed; one of them has no sample")
    terms = (*[term for term in named if term != "state" and samples[term].nunique() > 1], "state")
    rank = _rank(samples, terms)
    if rank < np.shape(_matrix(samples, terms))[1]:
        tangled = [term for term in terms if _rank(samples, [other for other in terms if other != term]) == rank]
        raise KaryolotError(
            f"design {design!r} cannot tell {' and '.join(tangled or terms)} apart in these samples; take one of them"
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
    columns = ["log2fc", "log2fc_se", "stat", "p", "padj"]
    table[columns] = np.nan
    if contrast.untestable:
        table.loc[found, "log2fc"] = _effect_sizes(levels[:, found], ordered.obs)
    else:
        counts = pd.DataFrame(
            np.asarray(ordered.layers["counts"])[:, found].astype(np.int64), ordered.obs_names, ordered.var_names[found]
        )
        table.loc[found, columns] = fit(counts, ordered.obs, contrast.formula)[columns].to_numpy()
    return table


def fit(counts: pd.DataFrame, samples: pd.DataFrame, formula: str) -> pd.DataFrame:
    """DESeq2 (Love 2014, Genome Biology 15:550) by PyDESeq2: gene_id index; log2fc, log2fc_se, stat, p, padj.

    counts: samples x genes, each with a count. Fold changes are not shrunk; Cook's outliers and independent filtering
    are as in R.
    """
    states = pd.Categorical(samples["state"], categories=STATES)
    data = DeseqDataSet(
        counts=counts,
        metadata=samples.assign(state=states),
        design=formula,
        # One process: workers cost 140 MB each, and jobs run beside each other anyway.
        inference=DefaultInference(n_cpus=1),
        quiet=True,
    )
    data.deseq2()
    tested = DeseqStats(
        data, contrast=["state", "lot", "hepatocyte"], alpha=ALPHA, inference=DefaultInference(n_cpus=1), quiet=True
    )
    tested.summary()
    names = {"log2FoldChange": "log2fc", "lfcSE": "log2fc_se", "pvalue": "p"}
    return pd.DataFrame(tested.results_df).rename(columns=names).loc[counts.columns]


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


def _matrix(samples: pd.DataFrame, terms: Sequence[str]) -> NDArray[np.float64]:
    """Intercept and one column per level but the first of each term."""
    levels = [pd.get_dummies(samples[term], drop_first=True, dtype=float).to_numpy() for term in terms]
    return np.column_stack([np.ones(len(samples)), *levels])


def _rank(samples: pd.DataFrame, terms: Sequence[str]) -> int:
    return int(np.linalg.matrix_rank(_matrix(samples, terms)))
