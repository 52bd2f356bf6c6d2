"""Small variants as the record holds them: with what became of the other copy of the gene, and of its expression."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from karyolot.contracts.alleles import AlleleResults
from karyolot.contracts.copy_number import CopyNumberResults
from karyolot.contracts.expression import ExpressionResults
from karyolot.contracts.record_dna import SmallVariantRecord, SmallVariantRow, VariantLimitRow
from karyolot.contracts.small_variants import VariantResults, short_name
from karyolot.report.rows import record_rows


def small_variant_record(
    results: VariantResults,
    dna: CopyNumberResults,
    alleles: AlleleResults | None = None,
    rna: ExpressionResults | None = None,
) -> SmallVariantRecord:
    """What a person should see of small variants: findings, what would be one but for an artefact or a shallow donor, recurrent
    mutations of the donor."""
    variants = results.variants
    altering = variants["hotspot"].ne("") | variants["change"].ne("") | variants["role"].eq("own")
    shown = variants[
        variants["finding"].ne("") | variants["hotspot"].ne("") | (variants["origin"].ne("inherited") & altering)
    ]
    rows = [{"name": short_name(row), **row, **_beside(row, dna, alleles, rna)} for row in shown.to_dict("records")]
    return SmallVariantRecord(
        rows=record_rows(pd.DataFrame(rows), SmallVariantRow) if rows else (),
        limits=record_rows(results.limits, VariantLimitRow),
        facts=results.facts,
    )


def _beside(
    row: Mapping[Any, Any], dna: CopyNumberResults, alleles: AlleleResults | None, rna: ExpressionResults | None
) -> dict[str, object]:
    """event, second and expression_log2 of a variant; its fraction of cells, if one copy has it, at the copy number measured."""
    calls = _over(dna.calls[dna.calls["origin"] != "lost"], row)
    losses = calls[calls["type"] == "loss"]
    second, event = ("loss", str(losses["id"].iloc[0])) if len(losses) else ("", "")
    if not event and len(calls):
        event = str(calls["id"].iloc[0])
    if not second and alleles is not None:
        neutral = alleles.events[(alleles.events["kind"] == "copy-neutral") & (alleles.events["origin"] == "alleles")]
        second = "copy-neutral LOH" if len(_over(neutral, row)) else ""
    copies = float(np.exp2(calls.loc[calls["id"] == event, "log2"].iloc[0])) if event else 1.0
    cells = {
        name: min(row[name] * copies, 1.0)
        for name in ("fraction", "fraction_low", "fraction_high")
        if row[name] is not None
    }
    return {"event": event, "second": second, "expression_log2": _expression(str(row["gene"]), rna), **cells}


def _over(table: pd.DataFrame, row: Mapping[Any, Any]) -> pd.DataFrame:
    """Rows of a table of intervals that hold a variant."""
    inside = (table["chrom"] == row["chrom"]) & (table["start"] < row["end"]) & (table["end"] > row["start"])
    return pd.DataFrame(table[inside])


def _expression(gene: str, rna: ExpressionResults | None) -> float | None:
    if rna is None:
        return None
    found = rna.differential.loc[rna.differential["gene_name"].isin(gene.split(",")), "log2fc"].dropna()
    return round(float(found.iloc[0]), 3) if len(found) else None
