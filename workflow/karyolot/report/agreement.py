"""Whether the expression of an arm agrees with its copy number: weak evidence, shown beside, never judged by."""

import numpy as np
import pandas as pd

SURELY = 2.5
"""|z| from which an arm's shift is taken for real. The spread over forty arms is itself known to a fifth only; measured on
simulated arms without a change, 2-3 % lie beyond."""
COVERED = 0.5
"""Fraction of an arm that must have changed for its genes to be evaluated; a smaller change is masked by the rest of the arm."""

Said = tuple[str | None, float | None, float | None]


def with_expression(calls: pd.DataFrame, ratios: pd.DataFrame, shifts: pd.DataFrame | None) -> pd.DataFrame:
    """Calls with the columns expression, expression_log2, expression_z of `record.CallRow`.

    ratios: LogRatios, for where arms lie. shifts: ArmShifts, None = not known. A change of both arms takes the mean of
    their shifts, weighted by 1 / se^2.
    """
    rows = [(None, None, None)] * len(calls) if shifts is None else _rows(calls, ratios, shifts)
    columns = ["expression", "expression_log2", "expression_z"]
    return calls.join(pd.DataFrame(rows, calls.index, columns, dtype=object))


def _rows(calls: pd.DataFrame, ratios: pd.DataFrame, shifts: pd.DataFrame) -> list[Said]:
    spans = ratios.groupby("arm", sort=False).agg(chrom=("chrom", "first"), start=("start", "min"), end=("end", "max"))
    arms = spans.join(shifts.set_index("arm"), how="inner").dropna(subset=["z"])
    rows: list[Said] = []
    for call in calls.to_dict("records"):
        overlap = arms["end"].clip(upper=call["end"]) - arms["start"].clip(lower=call["start"])
        asked = arms[(arms["chrom"] == call["chrom"]) & (overlap >= COVERED * (arms["end"] - arms["start"]))]
        if asked.empty:
            rows.append((None, None, None))
            continue
        weight = 1 / asked["se"] ** 2
        log2 = float((weight * asked["log2"]).sum() / weight.sum())
        z = log2 * float(np.sqrt(weight.sum()))
        along = z if call["type"] == "gain" else -z
        rows.append(("agrees" if along >= SURELY else "disagrees" if along <= -SURELY else "uninformative", log2, z))
    return rows
