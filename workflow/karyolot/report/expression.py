"""Results on the expression of a lot -> their part of its record: numbers alone."""

from typing import Any

import numpy as np
import pandas as pd

from karyolot.contracts.expression import CHANGED_LOG2, DETECTED_TPM, ExpressionResults, PanelResults
from karyolot.contracts.record import LotFacts
from karyolot.contracts.record_rna import (
    ArmShiftRow,
    ExpressionRecord,
    GeneRow,
    GeneTrack,
    HeatRow,
    MarkerRow,
    PanelModuleRow,
    PanelRecord,
    SampleMap,
    SetRow,
)
from karyolot.report.rows import record_rows
from karyolot.report.study import sample_map

SIGNIFICANCE = 0.05
"""Benjamini-Hochberg level below which a gene or a set counts as changed in the report's text."""
MOST_GENES = 10
"""Genes listed on either side."""
LEAST_MEAN = 10.0
"""Mean normalised count from which on a gene is listed where nothing was tested: fewer counts change most by chance."""


def expression_record(rna: ExpressionResults, lot: LotFacts) -> ExpressionRecord:
    """The record's part on expression."""
    tested = rna.differential["padj"].notna()
    significant = rna.differential[rna.differential["padj"] < SIGNIFICANCE]
    p_values = bool(tested.any())
    up, down = (int((np.sign(significant["log2fc"]) == sign).sum()) for sign in (1, -1))
    return ExpressionRecord(
        lot_replicates=rna.lot_samples,
        donor_replicates=rna.donor_samples,
        lot_cultures=rna.lot_cultures,
        donor_cultures=rna.donor_cultures,
        p_values=p_values,
        significance=SIGNIFICANCE,
        genes_tested=int(tested.sum()),
        genes_up=up if p_values else None,
        genes_down=down if p_values else None,
        top_up=_top(rna.differential, p_values, up=True),
        top_down=_top(rna.differential, p_values, up=False),
        genes=_gene_track(rna.differential, p_values),
        map=_map(rna.components, lot),
        markers=record_rows(_with_panel(_with_limits(rna.markers), rna.panel), MarkerRow),
        sets=record_rows(_sets(rna.enrichment), SetRow),
        **_heat(rna.levels),
        arms=() if rna.arms is None else record_rows(rna.arms, ArmShiftRow),
        panel=None if rna.panel is None else _panel(rna.panel, lot),
    )


def _shown(genes: pd.DataFrame, p_values: bool) -> pd.DataFrame:
    """Genes whose fold change is known, with `change`: shrunken where there are p values."""
    shown = genes.assign(change=genes["log2fc_shrunk"] if p_values else genes["log2fc"])
    return shown[shown["change"].notna() & (shown["base_mean"] > 0)]


def _top(genes: pd.DataFrame, p_values: bool, *, up: bool) -> tuple[GeneRow, ...]:
    """Genes that changed most: of those that are significant; without p values of those with LEAST_MEAN counts."""
    shown = _shown(genes, p_values)
    own = shown[(shown["padj"] < SIGNIFICANCE) if p_values else (shown["base_mean"] >= LEAST_MEAN)]
    own = own[own["change"] > 0] if up else own[own["change"] < 0]
    ranked = own.iloc[np.lexsort((own["gene_id"], -own["change"].abs()))][:MOST_GENES]
    named = ranked.assign(gene_name=ranked["gene_name"].where(ranked["gene_name"] != "", ranked["gene_id"]))
    named = named.assign(mean=ranked["base_mean"].round(1), log2fc=ranked["change"].round(3))
    return record_rows(named, GeneRow)


def _gene_track(genes: pd.DataFrame, p_values: bool) -> GeneTrack:
    shown, steps = _shown(genes, p_values), GeneTrack()
    points = pd.DataFrame(
        {
            "mean": (np.log10(shown["base_mean"] + 1) * steps.mean_steps).round().astype(int),
            "change": (shown["change"] * steps.change_steps).round().astype(int),
            "state": np.where(shown["padj"] < SIGNIFICANCE, np.sign(shown["change"]), 0).astype(int),
        }
    )
    once = points.drop_duplicates().sort_values(["state", "mean", "change"])
    return GeneTrack(**{str(name): tuple(once[name].tolist()) for name in points})


def _map(components: pd.DataFrame | None, lot: LotFacts) -> SampleMap | None:
    """The lot's own samples and its donor's."""
    if components is None or components.empty or components["component"].max() < 2:
        return None
    return sample_map(_samples(components, lot), components)


def _samples(components: pd.DataFrame, lot: LotFacts) -> list[dict[str, str]]:
    """Samples of lot and donor among those of the components."""
    own = components[(components["panel"] == "") & (components["component"] == 1)]
    return [
        {"sample_id": str(row.sample_id), "donor": lot.donor_id, "lot": lot.lot_id if row.state == "lot" else ""}
        for row in own.itertuples()
    ]


def _sets(enrichment: pd.DataFrame) -> pd.DataFrame:
    """Enrichment with the values of the record: genes of the leading edge one by one, yes and no as what they mean."""
    return enrichment.assign(
        leading_edge=enrichment["leading_edge"].map(lambda genes: genes.split(",") if genes else []),
        informational=enrichment["informational"] == "yes",
    )


def _panel(panel: PanelResults, lot: LotFacts) -> PanelRecord:
    modules = panel.table[panel.table["kind"] == "module"]
    return PanelRecord(
        **panel.facts.model_dump(),
        tier=panel.facts.tier,
        # Of its two sides a module has the one that its expectation asks for.
        modules=record_rows(
            modules.assign(
                limit=modules["prediction_low"].fillna(modules["prediction_high"]),
                tolerance=modules["tolerance_low"].fillna(modules["tolerance_high"]),
            ),
            PanelModuleRow,
        ),
        **_genes_changed(panel.genes),
        map=sample_map(_samples(panel.components, lot), panel.components),
    )


def _genes_changed(genes: pd.DataFrame) -> dict[str, int | None]:
    """genes_* of PanelRecord."""
    tested = int(genes["padj"].notna().sum())
    changed = genes[genes["padj"] < SIGNIFICANCE]["log2fc"]
    counts = {"genes_tested": tested, "genes_higher": int((changed > 0).sum()), "genes_lower": int((changed < 0).sum())}
    return {name: count if tested else None for name, count in counts.items()}


def _with_panel(markers: pd.DataFrame, panel: PanelResults | None) -> pd.DataFrame:
    """Markers with the TPM range in which a lot that changes as the panel's lots do is expected."""
    if panel is None:
        return markers
    genes = panel.table[panel.table["kind"] == "marker"].set_index("name")
    rows = genes.reindex(markers["gene_name"]).set_index(markers.index)
    low, high = (
        np.maximum(2 ** (rows["donor"] + rows[f"prediction_{side}"]) - DETECTED_TPM, 0) for side in ("low", "high")
    )
    return markers.assign(panel_tpm_low=low, panel_tpm_high=high, panel_p=rows["p_holm"])


def _heat(levels: pd.DataFrame | None) -> dict[str, Any]:
    """heat_samples and heat of ExpressionRecord, rounded to what a colour can show."""
    if levels is None or levels.empty:
        return {}
    rows = [
        HeatRow(gene_name=gene, group=group, log2=tuple(part["log2"].round(3)))
        for (gene, group), part in levels.groupby(["gene_name", "group"], sort=False)
    ]
    return {"heat_samples": tuple(levels["sample_id"].drop_duplicates()), "heat": tuple(rows)}


def _with_limits(markers: pd.DataFrame) -> pd.DataFrame:
    """Markers with the limit each is judged by; null where none applies."""
    return markers.assign(
        limit_tpm=markers["expected"].map({"detected": DETECTED_TPM, "absent": DETECTED_TPM}),
        limit_log2fc=markers["expected"].map({"up": CHANGED_LOG2, "down": -CHANGED_LOG2}),
    )
