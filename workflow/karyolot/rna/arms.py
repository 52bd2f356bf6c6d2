"""Expression along chromosome arms: weak second evidence of an aneuploidy that was found in DNA."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import brentq

from karyolot.contracts.expression import ArmShifts
from karyolot.contracts.normal import MAD_TO_SD
from karyolot.rna.expression import Floats

MIN_MEAN = 10.0
"""Fewest normalised counts of a gene that is used: below, log2 of a count is biased and mostly noise."""
MIN_GENES = 20
"""Fewest genes of an arm whose median is informative: its sampling error is then a quarter of the genes' spread."""
MIN_ARMS = 10
"""Fewest arms their spread is measured from."""


def arm_shifts(
    table: pd.DataFrame, genes: pd.DataFrame, bins: pd.DataFrame, typical: pd.Series | None = None
) -> pd.DataFrame:
    """Estimate how far the genes of each arm moved against all others, log2, lot over donor.

    A shift is the median log2 fold change of the arm's genes minus the median over arms. Its standard error has two parts:
    sampling (of a median: sqrt(pi/2) times the genes' robust spread over the root of their number), and what arms differ by
    for other reasons, because neighbours are regulated together. The second is measured: it is the value that makes the
    median |shift| / se over the arms that of a normal distribution, so a few aneuploid arms do not hide in it.

    Parameters
    ----------
    table
        Schema DifferentialExpression.
    genes
        Schema Genes, with positions.
    bins
        chrom, start, end (0-based, half-open), arm and region, in the order of the genome.
    typical
        gene_id -> log2 fold change usual for such lots (of a panel), taken off first; None = none is known, and what
        reprogramming itself does to an arm stays in its shift.

    Returns
    -------
    DataFrame
        Schema ArmShifts; log2, se and z are null where too few genes or arms are known.
    """
    change = table[table["base_mean"] >= MIN_MEAN].set_index("gene_id")["log2fc"].dropna()
    if typical is not None:
        change = (change - typical.reindex(change.index)).dropna()
    arms = _spans(bins)
    placed = genes.set_index("gene_id").reindex(change.index)
    arm = _arm_of(placed, arms)
    groups = change.groupby(arm)
    number = groups.size().reindex(arms["arm"], fill_value=0).to_numpy(int)
    middle = groups.median().reindex(arms["arm"]).to_numpy(float)
    spread = MAD_TO_SD * (change - groups.transform("median")).abs().median() if len(change) else np.nan
    known = number >= MIN_GENES
    log2, se = np.full(len(arms), np.nan), np.full(len(arms), np.nan)
    if known.sum() >= MIN_ARMS and spread > 0:
        sampling = np.sqrt(np.pi / 2 / number[known]) * spread
        log2[known] = middle[known] - np.median(middle[known])
        se[known] = np.hypot(sampling, _between(log2[known], sampling))
    return ArmShifts.validate(
        pd.DataFrame({"arm": arms["arm"], "genes": number, "log2": log2, "se": se, "z": log2 / se})
    )


def _spans(bins: pd.DataFrame) -> pd.DataFrame:
    """chrom, arm, start, end of every arm that is analysed, in the order of the genome."""
    used = bins[bins["region"].isin(["autosome", "X", "Y"])]
    spans = used.groupby(["chrom", "arm"], sort=False).agg(start=("start", "min"), end=("end", "max"))
    return spans.reset_index()


def _arm_of(genes: pd.DataFrame, arms: pd.DataFrame) -> NDArray[np.object_]:
    """The arm each gene's middle lies on; None for a gene without a position, or on no arm."""
    middle = ((genes["start"] + genes["end"]) / 2).to_numpy(float)
    found = np.full(len(genes), None, dtype=object)
    for chrom, name, start, end in arms[["chrom", "arm", "start", "end"]].itertuples(index=False):
        found[(genes["chrom"] == chrom).to_numpy() & (middle >= start) & (middle < end)] = name
    return found


def _between(shifts: Floats, sampling: Floats) -> float:
    """The spread of arms beyond sampling, log2; 0 when sampling explains them all."""

    def excess(tau: float) -> float:
        return float(MAD_TO_SD * np.median(np.abs(shifts) / np.hypot(sampling, tau)) - 1)

    top = MAD_TO_SD * float(np.abs(shifts).max())
    return float(brentq(excess, 0.0, top)) if top > 0 and excess(0.0) > 0 else 0.0
