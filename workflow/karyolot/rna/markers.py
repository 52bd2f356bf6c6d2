"""The marker panel of a lot: levels, fold changes against its own donor, and whether each is as expected."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from karyolot.contracts.expression import CHANGED_LOG2, DETECTED_TPM, Markers
from karyolot.rna.differential import ALPHA

if TYPE_CHECKING:
    from anndata import AnnData

NORMAL_95 = 1.96
"""Standard errors to either side of a 95 % interval; DESeq2's Wald test takes the normal distribution too."""


class Level(NamedTuple):
    """A gene in lot and donor.

    lot, low, high, donor: TPM: mean, lowest and highest replicate of the lot, mean of the donor. log2fc, padj: of the
    contrast; a gene without a read in lot and donor has no fold change in the table; it moved neither way: 0. tested: the
    contrast has p values. measurable: the gene has reads enough that a fall would be seen. NaN = not known.
    """

    lot: float
    low: float
    high: float
    donor: float
    log2fc: float
    padj: float
    tested: bool
    measurable: bool


def _moved(level: Level, change: float) -> bool | None:
    """Whether a log2 fold change reaches the limit and, where the contrast was tested, is significant.

    None where it reaches the limit and its p value was set aside (an outlier, or too few reads to test).
    """
    if np.isnan(change):
        return None
    if change < CHANGED_LOG2 or not level.tested:
        return bool(change >= CHANGED_LOG2)
    return None if np.isnan(level.padj) else bool(level.padj < ALPHA)


EXPECTED: Mapping[str, Callable[[Level], bool | None]] = {
    # A gene that the donor does not show cannot fall. One that neither shows did not rise: the lot's own level says so.
    "down": lambda level: _moved(level, -level.log2fc) if level.measurable else None,
    "up": lambda level: _moved(level, level.log2fc),
    # The lot's own level in every replicate; what the donor's cells show is not asked: a liver preparation holds immune
    # cells, so a fall of HLA class II against it would prove nothing, and albumin falls in a good lot.
    "detected": lambda level: _decided(level.low, level.low >= DETECTED_TPM),
    "absent": lambda level: _decided(level.high, level.high < DETECTED_TPM),
    "report": lambda _: None,
}
"""What is expected of a gene -> whether it is met; None = not known, or only reported."""


def measurable(donor: float, lot: float, depth: float) -> bool:
    """Whether reads alone can separate a fall to half from no change.

    donor, lot: reads of the gene, all samples together; depth: of the lot's samples over the donor's. By the delta method
    the log2 ratio of two Poisson counts a and b has the standard error sqrt(1/a + 1/b) / ln 2; here they are what lot and
    donor would show if the lot had half of the donor's level, by the better of the two. A fall of CHANGED_LOG2 must be beyond
    NORMAL_95 of them: 24 reads of the donor at equal depth. Zero reads in the lot are no reason: that is what a fall looks like.
    """
    level = max(donor, 2 * lot / depth) if depth > 0 else 0.0
    return level > 0 and np.sqrt(1 / level + 2 / (level * depth)) / np.log(2) * NORMAL_95 <= CHANGED_LOG2


def tabulate(expression: "AnnData", table: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Contracts.Markers of a lot, in the order of the panel (MarkerPanel); table: its DifferentialExpression.

    Several genes of one name (alternative haplotypes): their TPM are added, log2fc and padj are those of the strongest.
    """
    is_lot = (expression.obs["state"] == "lot").to_numpy()
    names = expression.var["gene_name"].to_numpy()
    counts = np.asarray(expression.layers["counts"], dtype=float)
    depth = counts[is_lot].sum() / max(counts[~is_lot].sum(), 1)
    strongest = table.sort_values(["base_mean", "gene_id"], ascending=[False, True]).drop_duplicates("gene_name")
    changes = strongest.set_index("gene_name")[["base_mean", "log2fc", "log2fc_se", "padj"]]
    tested = bool(table["padj"].notna().any())
    rows = []
    for gene, group, expected in panel[["gene_name", "group", "expected"]].itertuples(index=False):
        places = np.flatnonzero(names == gene)
        tpm = np.full(len(is_lot), np.nan)
        if len(places) and "tpm" in expression.layers:
            tpm = np.asarray(expression.layers["tpm"])[:, places].sum(axis=1)
        base_mean, log2fc, se, padj = changes.loc[gene] if len(places) else [np.nan] * 4
        change = 0.0 if base_mean == 0 else log2fc
        reads = int(counts[~is_lot][:, places].sum()), int(counts[is_lot][:, places].sum())
        levels = tpm[is_lot].mean(), tpm[is_lot].min(), tpm[is_lot].max(), tpm[~is_lot].mean()
        met = EXPECTED[expected](Level(*levels, change, padj, tested, measurable(*reads, depth)))
        interval = (log2fc - NORMAL_95 * se, log2fc + NORMAL_95 * se)
        answer = None if met is None else ("no", "yes")[met]
        known = reads if len(places) else (None, None)
        rows.append((gene, group, expected, *levels, *known, log2fc, *interval, padj, answer))
    return Markers.frame([dict(zip(Markers.to_schema().columns, row, strict=True)) for row in rows])


def _decided(value: float, answer: bool) -> bool | None:
    return None if np.isnan(value) else bool(answer)
