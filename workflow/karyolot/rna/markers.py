"""The marker panel of a lot: levels, fold changes against its own donor, and whether each is as expected."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from karyolot.contracts.expression import CHANGED_LOG2, DETECTED_TPM, Markers

if TYPE_CHECKING:
    from anndata import AnnData

NORMAL_95 = 1.96
"""Standard errors to either side of a 95 % interval; DESeq2's Wald test takes the normal distribution too."""


class Level(NamedTuple):
    """TPM of a gene: mean, lowest and highest replicate of the lot, mean of the donor; and its log2 fold change.

    NaN = not known. A gene without a read in lot and donor has no fold change in the table; it moved neither way: 0.
    """

    lot: float
    low: float
    high: float
    donor: float
    log2fc: float


EXPECTED: Mapping[str, Callable[[Level], bool | None]] = {
    "down": lambda level: _decided(level.log2fc, level.log2fc <= -CHANGED_LOG2),
    "up": lambda level: _decided(level.log2fc, level.log2fc >= CHANGED_LOG2),
    # The lot's own level in every replicate; what the donor's cells show is not asked: a liver preparation holds immune
    # cells, so a fall of HLA class II against it would prove nothing, and albumin falls in a good lot.
    "detected": lambda level: _decided(level.low, level.low >= DETECTED_TPM),
    "absent": lambda level: _decided(level.high, level.high < DETECTED_TPM),
    "report": lambda _: None,
}
"""What is expected of a gene -> whether it is met; None = not known, or only reported."""


def tabulate(expression: "AnnData", table: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    """Contracts.Markers of a lot, in the order of the panel (MarkerPanel); table: its DifferentialExpression.

    Several genes of one name (alternative haplotypes): their TPM are added, log2fc and padj are those of the strongest.
    """
    is_lot = (expression.obs["state"] == "lot").to_numpy()
    names = expression.var["gene_name"].to_numpy()
    strongest = table.sort_values(["base_mean", "gene_id"], ascending=[False, True]).drop_duplicates("gene_name")
    changes = strongest.set_index("gene_name")[["base_mean", "log2fc", "log2fc_se", "padj"]]
    rows = []
    for gene, group, expected in panel[["gene_name", "group", "expected"]].itertuples(index=False):
        places = np.flatnonzero(names == gene)
        tpm = np.full(len(is_lot), np.nan)
        if len(places) and "tpm" in expression.layers:
            tpm = np.asarray(expression.layers["tpm"])[:, places].sum(axis=1)
        base_mean, log2fc, se, padj = changes.loc[gene] if len(places) else [np.nan] * 4
        change = 0.0 if base_mean == 0 else log2fc
        level = Level(tpm[is_lot].mean(), tpm[is_lot].min(), tpm[is_lot].max(), tpm[~is_lot].mean(), change)
        met = EXPECTED[expected](level)
        interval = (log2fc - NORMAL_95 * se, log2fc + NORMAL_95 * se)
        answer = None if met is None else ("no", "yes")[met]
        rows.append((gene, group, expected, *level[:4], log2fc, *interval, padj, answer))
    return pd.DataFrame(rows, columns=list(Markers.to_schema().columns)).astype({"met": object})


def _decided(value: float, answer: bool) -> bool | None:
    return None if np.isnan(value) else bool(answer)
