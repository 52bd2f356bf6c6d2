"""Gene by gene, does this lot differ from its donor otherwise than accepted lots do? `~ donor + state + newlot`."""

import numpy as np
import pandas as pd
from anndata import AnnData

from karyolot.contracts.panel import MIN_LOTS, Panel
from karyolot.rna.differential import ALPHA
from karyolot.rna.expression import size_factors
from karyolot.rna.panel import check_annotation, used_lots


def newlot(expression: AnnData, panel: Panel) -> pd.DataFrame:
    """DifferentialExpression of the coefficient `newlot`, over the genes of the panel, sorted by gene_id.

    It is 1 for the new lot only, so log2fc is (lot over its donor) minus the same of the panel's lots, and the new lot
    is not informative on the dispersion: that is the spread of accepted lots about their common change, p is against it.
    Replicates are added up first: one sample is one lot or one donor. A donor who is in the panel enters once, by the
    lot's own hepatocyte samples. A hint, never a verdict: simulated with 5 to 10 accepted lots, 5 % of unchanged genes have
    p < 0.05, yet FALSE_CALLS of the genes called at padj < 0.05 are unchanged, however many lots (benchmarks/newlot.py). With
    fewer than MIN_LOTS other lots nothing is tested, and those columns are null.
    """
    check_annotation(expression, panel)
    counts, samples = _join(expression, panel)
    found = (counts > 0).any(axis=0)
    levels = counts.to_numpy(float)
    base_mean = (levels / size_factors(levels)[:, None]).mean(axis=0)
    table = pd.DataFrame({"gene_id": panel.gene_ids, "gene_name": panel.gene_names, "base_mean": base_mean})
    table[["log2fc", "log2fc_shrunk", "log2fc_se", "stat", "p", "padj"]] = np.nan
    if (samples["state"] == "lot").sum() <= MIN_LOTS:
        return table
    # Imported only where it is used: it takes seconds.
    from karyolot.rna.deseq import adjust, fit

    # Cook's distance judges samples that two others share all effects with: here only lots of a donor who has three.
    fitted = fit(counts.loc[:, found], design(samples), "newlot", outliers=False)
    table.loc[found.to_numpy(), fitted.columns] = fitted.to_numpy()
    table["padj"] = adjust(table["p"].to_numpy(), table["base_mean"].to_numpy(), ALPHA)
    return table


def design(samples: pd.DataFrame) -> pd.DataFrame:
    """Samples x effects: intercept, a column per donor but the first, lot (any), newlot. samples: as `_join` gives them."""
    effects = pd.get_dummies(samples["donor"], prefix="donor", drop_first=True, dtype=float)
    effects.insert(0, "intercept", 1.0)
    return effects.assign(lot=(samples["state"] == "lot").astype(float), newlot=samples["new"].astype(float))


def _join(expression: AnnData, panel: Panel) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts (samples x genes) and samples: donor, state (hepatocyte or lot), new (true of the new lot only)."""
    own = pd.DataFrame(
        np.asarray(expression[:, list(panel.gene_ids)].layers["counts"], dtype=np.int64), columns=list(panel.gene_ids)
    )
    states = expression.obs["state"].to_numpy()
    donor, lot = str(expression.obs["donor"].iloc[0]), str(expression.obs["lot"].max())
    lots = used_lots(panel, lot)
    paired = {row.donor_id for row in lots} - {donor}
    rows = [
        (f"donor {row.donor_id}", row.donor_id, "hepatocyte", False, row.counts)
        for row in panel.donors
        if row.donor_id in paired
    ]
    rows += [(f"lot {row.lot_id}", row.donor_id, "lot", False, row.counts) for row in lots]
    rows.append((f"donor {donor}", donor, "hepatocyte", False, tuple(own[states == "hepatocyte"].sum())))
    rows.append((f"lot {lot}", donor, "lot", True, tuple(own[states == "lot"].sum())))
    ids = pd.Index([name for name, *_ in rows], name="sample_id")
    counts = pd.DataFrame([values for *_, values in rows], ids, list(panel.gene_ids), dtype=np.int64)
    return counts, pd.DataFrame([row[1:4] for row in rows], ids, ["donor", "state", "new"])
