"""Which samples are compared and by which effects, before anything is fitted. Light to import: the check uses it too."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.sheets import BATCHES, cultures

MIN_REPLICATES = 2
"""Cultures each state needs for p values: with one, its spread would be taken from the other state alone."""


@dataclass(frozen=True)
class Contrast:
    """How lot and hepatocytes are compared. terms: of the design, `state` last. untestable: why there are no p values;
    '' where there are. lot, hepatocyte: number of cultures."""

    terms: tuple[str, ...]
    lot: int
    hepatocyte: int
    residual_df: int
    untestable: str


def plan_contrast(samples: pd.DataFrame, design: str) -> Contrast:
    """Check a design against the samples before anything is fitted.

    Parameters
    ----------
    samples
        `obs` of the expression, one row per culture.
    design
        '~ donor + state' or the like; a term all samples share is left out (donor, for one lot and its own donor).

    Raises
    ------
    KaryolotError
        For a design whose effects are confounded, naming them: PyDESeq2 only warns and gives one of the many solutions.
    """
    named = [term.strip() for term in design.removeprefix("~").split("+")]
    unknown = [term for term in named if term not in samples]
    if unknown or "state" not in named:
        known = ", ".join(map(str, samples.columns))
        raise KaryolotError(
            f"design {design!r} must hold 'state' and other columns of {known}", "correct expression.design"
        )
    silent = [term for term in named if (samples[term] == "").any()]
    if silent:
        first = samples.index[samples[silent[0]] == ""][0]
        raise KaryolotError(f"design {design!r}: sample {first} has no {silent[0]}", "fill it in in samples.tsv")
    numbers = samples["state"].value_counts()
    lot, hepatocyte = (int(numbers.get(state, 0)) for state in ("lot", "hepatocyte"))
    if not lot or not hepatocyte:
        raise KaryolotError("RNA of the lot and of its donor's hepatocytes is needed; one of them has no sample")
    terms = (*[term for term in named if term != "state" and samples[term].nunique() > 1], "state")
    matrix = design_matrix(samples, terms)
    rank = int(np.linalg.matrix_rank(matrix.to_numpy()))
    if rank < matrix.shape[1]:
        tangled = " and ".join(_tangled(matrix, terms))
        raise KaryolotError(
            f"design {design!r}: {tangled} are confounded in these samples",
            "take one of them out of expression.design, or add samples that share them",
        )
    residual_df = len(samples) - rank
    untestable = ""
    if min(lot, hepatocyte) < MIN_REPLICATES:
        few = [name for name, count in (("the lot", lot), ("the hepatocytes", hepatocyte)) if count < MIN_REPLICATES]
        untestable = f"one sample of {' and of '.join(few)}: effect sizes only, no p values"
    elif residual_df < 1:
        untestable = f"{len(samples)} samples for {rank} effects: effect sizes only, no p values"
    return Contrast(terms, lot, hepatocyte, residual_df, untestable)


def unit_of(samples: pd.DataFrame) -> pd.Series:
    """The lot, or the donor's hepatocytes, that each sample is a replicate of. samples: donor, lot, state."""
    lots, donors = "lot " + samples["lot"].astype(str), "hepatocytes of " + samples["donor"].astype(str)
    return lots.where(samples["state"] == "lot", donors)


def culture_of(samples: pd.DataFrame) -> pd.Series:
    """The culture each sample is of, named by its first sample. samples: donor, lot, library (as in ExpressionSample)."""
    rows = samples[["donor", "lot", "library"]].astype(str).sort_index().itertuples(name=None)
    libraries = {
        sample: [f"{donor}/{lot}/{name}" for name in library.split(" + ") if name]
        for sample, donor, lot, library in rows
    }
    return samples.index.to_series().map(cultures(libraries))


def by_unit(samples: pd.DataFrame, units: pd.Series) -> pd.DataFrame:
    """One row per unit: donor, lot, state, and its batches, 'one + other' where it has several. units: of each sample."""
    groups = samples[["donor", "lot", "state", *BATCHES]].groupby(units.rename("sample_id"))
    facts = groups[["donor", "lot", "state"]].first()
    return facts.assign(**{name: groups[name].agg(_together) for name in BATCHES})


def _together(batches: pd.Series) -> str:
    return " + ".join(sorted({part for batch in batches for part in str(batch).split(" + ")} - {""}))


def design_matrix(samples: pd.DataFrame, terms: Sequence[str]) -> pd.DataFrame:
    """Samples x effects: an intercept, and for each term a column per level but the first; the last is state's."""
    levels = [pd.get_dummies(samples[term].astype(str), prefix=term, drop_first=True, dtype=float) for term in terms]
    return pd.concat([pd.Series(1.0, samples.index, name="intercept"), *levels], axis=1)


def _tangled(matrix: pd.DataFrame, terms: Sequence[str]) -> list[str]:
    """The terms that have a part in what is not of full rank: some sum of their columns is the intercept, or nothing."""
    _, sizes, axes = np.linalg.svd(matrix.to_numpy())
    free = axes[(sizes > sizes[0] * 1e-9).sum() :]
    taking_part = matrix.columns[(np.abs(free) > 1e-9).any(axis=0)]
    return [term for term in terms if any(name.startswith(f"{term}_") for name in taking_part)]
