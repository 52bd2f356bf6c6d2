"""singscore of one sample: how high a gene set ranks in it, without any other sample (Foroutan 2018).

BMC Bioinformatics 19:404. GSVA compares the samples of a study and moves when one is added; this score cannot, so it is
the one a lot may be judged by.
"""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.problems import KaryolotError


def singscore(
    levels: NDArray[np.float64], genes: Sequence[str], up: Collection[str], down: Collection[str] = ()
) -> float:
    """Centred score of a set, -0.5 (its genes are the lowest) to 0.5 (the highest); with `down`, the sum of two: -1 to 1.

    levels: expression of one sample, any unit that keeps the order of its genes (TPM; counts would rank by length).
    genes: their names, unique: the fixed universe. A score belongs to its universe, since ranks count all its genes.
    up: genes expected high; down: genes expected low, () for a single set. Names outside the universe do not count.

    Ranks r ascend from 1, tied genes share the lowest; N genes, k of them in the set:
    (mean r - (k + 1) / 2) / (N - k) - 0.5, and N - r + 1 in place of r for `down`. It is R singscore's simpleScore with
    centerScore = TRUE and a known direction.

    Raises KaryolotError for a level that is not finite, names that repeat, or a set with no gene in the universe or all
    of it; ValueError if `levels` and `genes` differ in length.
    """
    # Imported only where it is used: it takes half a second, and a lot without panel has no score.
    from scipy.stats import rankdata

    if len(levels) != len(genes):
        raise ValueError(f"{len(levels)} levels of {len(genes)} genes")
    if len(set(genes)) < len(genes):
        raise KaryolotError("gene names repeat, so the genes of a set have no single rank; keep one gene of each name")
    if not np.isfinite(levels).all():
        raise KaryolotError("a gene has no level (NaN or infinite), so the genes cannot be ranked; leave it out")
    ranks = rankdata(levels, method="min")
    score = _centred(ranks, _members(genes, up))
    return score + _centred(len(genes) - ranks + 1, _members(genes, down)) if down else score


def _members(genes: Sequence[str], names: Collection[str]) -> NDArray[np.bool_]:
    chosen = set(names)
    inside = np.array([gene in chosen for gene in genes], dtype=bool)
    if not 0 < inside.sum() < len(genes):
        raise KaryolotError(
            f"{inside.sum()} of the {len(genes)} genes of the universe are in a set of {len(chosen)}, so it has no"
            " score; take a set that is a part of the measured genes"
        )
    return inside


def _centred(ranks: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    number, size = len(ranks), int(inside.sum())
    return float((ranks[inside].mean() - (size + 1) / 2) / (number - size) - 0.5)
