"""Expression of a lot and its donor -> all results on it, also against a reference panel."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from karyolot.contracts.criteria import Metrics
from karyolot.contracts.expression import Components, ExpressionResults, GeneSets, PanelResults
from karyolot.contracts.panel import Panel
from karyolot.contracts.settings import Pathways
from karyolot.rna.arms import arm_shifts
from karyolot.rna.camera import residuals
from karyolot.rna.components import MIN_SAMPLES, components
from karyolot.rna.design import culture_of
from karyolot.rna.differential import differential
from karyolot.rna.enrichment import enrich
from karyolot.rna.heatmap import sample_levels
from karyolot.rna.markers import tabulate
from karyolot.rna.panel import compare, panel_metrics
from karyolot.rna.summary import sample_quality

if TYPE_CHECKING:
    from anndata import AnnData


def analyse(
    expression: "AnnData",
    design: str,
    panel: pd.DataFrame,
    sets: GeneSets,
    axes: pd.DataFrame,
    settings: Pathways,
    places: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    typical: pd.Series | None = None,
) -> ExpressionResults:
    """Differential expression, markers, enrichment of gene sets, levels by sample, quality, principal components, and shifts of
    chromosome arms.

    Parameters
    ----------
    expression
        Of the lot and its donor, as `contracts.expression.check_expression` has it.
    design
        Setting expression.design.
    panel
        Schema MarkerPanel.
    axes
        Schema SetAxes.
    places
        Genes and Bins, by which a gene lies on an arm; None = positions are not known.
    typical
        As `arm_shifts` takes it.
    """
    table = differential(expression, design)
    is_lot, culture = expression.obs["state"] == "lot", culture_of(expression.obs)
    return ExpressionResults(
        differential=table,
        markers=tabulate(expression, table, panel),
        enrichment=enrich(table, sets, axes, settings, residuals(expression, design)),
        lot_samples=int(is_lot.sum()),
        donor_samples=int((~is_lot).sum()),
        lot_cultures=culture[is_lot].nunique(),
        donor_cultures=culture[~is_lot].nunique(),
        levels=sample_levels(expression, panel, sets, axes),
        arms=None if places is None else arm_shifts(table, *places, typical),
        quality=sample_quality(expression),
        components=components(expression) if expression.n_obs >= MIN_SAMPLES else Components.frame([]),
    )


def against_panel(expression: "AnnData", frozen: Sequence[Panel]) -> tuple[PanelResults, Metrics] | None:
    """How a lot and its donor differ, against the lots of the frozen panel; None without one."""
    if not frozen:
        return None
    from karyolot.rna.newlot import newlot  # it imports what only studies with a panel need

    (panel,) = frozen
    facts, table = compare(expression, panel)
    found = PanelResults(facts, table, newlot(expression, panel), components(expression, panel))
    return found, panel_metrics(facts, table)
