"""The record of one lot, RNA: markers, gene sets, heat map, reference panel. Numbers alone; their wording is in
`contracts.text`.

null = not assessed. Ratios are log2; fractions are 0..1.
"""

from typing import Literal

from karyolot.contracts.criteria import Frozen
from karyolot.contracts.panel import Tier


class MarkerRow(Frozen):
    """One gene of the panel; fields as in `contracts.expression.Markers`.

    limit_tpm: the TPM an 'absent' gene must stay below, or a 'detected' one reach. limit_log2fc: the log2 fold change
    a 'down' or 'up' gene must reach. null = no such limit.
    panel_tpm_low, panel_tpm_high: where the lot's TPM is expected if it changes against its donor as the panel's lots do
    (two-sided 95 % prediction interval); panel_p: adjusted over the markers (Holm), advisory. null without such a panel.
    """

    gene_name: str
    group: str
    expected: str
    lot_tpm: float | None
    lot_tpm_low: float | None
    lot_tpm_high: float | None
    donor_tpm: float | None
    log2fc: float | None
    padj: float | None
    met: Literal["yes", "no"] | None
    limit_tpm: float | None = None
    limit_log2fc: float | None = None
    log2fc_low: float | None = None
    log2fc_high: float | None = None
    panel_tpm_low: float | None = None
    panel_tpm_high: float | None = None
    panel_p: float | None = None


class PanelModuleRow(Frozen):
    """A module of the panel; fields as in `contracts.expression.PanelComparison`. limit: of prediction; null = none."""

    name: str
    expected: Literal["up", "down"]
    lot: float | None
    donor: float | None
    difference: float | None
    panel_mean: float | None
    panel_sd: float | None
    limit: float | None
    tolerance: float | None
    margin: float | None


class StudySample(Frozen):
    """A sample by its first and second principal component, log2 units. lot_id '' for a donor's hepatocytes."""

    sample_id: str
    donor_id: str
    lot_id: str
    first: float
    second: float


class PanelSample(Frozen):
    """A sample of the reference panel among the components; fields as in StudySample."""

    is_lot: bool
    first: float
    second: float


class SampleMap(Frozen):
    """Samples on the first two principal components. variance_explained: by the two. panel: samples of the reference
    panel; empty without one."""

    samples: tuple[StudySample, ...]
    variance_explained: tuple[float, float]
    panel: tuple[PanelSample, ...] = ()


class PanelRecord(Frozen):
    """The lot against the frozen reference panel. lots, donors: used, without the lot itself (left_out: it was in the panel);
    not_passed, reason: as in `contracts.panel.PanelFacts`.

    tier: 'too few' lots for limits, 'provisional' or 'full'. genes_*: of the test against the panel, gene by gene; null
    when nothing was tested. map: the lot and its donor among the panel's lots and donors; its axes are theirs and the panel's
    alone.
    """

    version: str
    sha256: str
    lots: int
    donors: int
    left_out: bool
    not_passed: tuple[str, ...]
    reason: str
    tier: Tier
    modules: tuple[PanelModuleRow, ...]
    genes_tested: int | None
    genes_higher: int | None
    genes_lower: int | None
    map: SampleMap | None = None


class SetRow(Frozen):
    """Enrichment of one gene set; fields as in `contracts.expression.Enrichment`. informational: shown beside the axes the
    product is described by. nes, padj null: not assessed, and reason states why."""

    set_name: str
    axis: str
    informational: bool
    used: int
    set_size: int
    nes: float | None
    padj: float | None
    leading_edge: tuple[str, ...]
    reason: str = ""

    def significant(self, level: float) -> bool:
        """Whether the set changed, at this adjusted p; a set that is not assessed has not."""
        return self.padj is not None and self.padj < level


class HeatRow(Frozen):
    """A gene of the heat map; log2 in the order of the samples, as in `contracts.expression.SampleLevels`."""

    gene_name: str
    group: str
    log2: tuple[float, ...]


class ArmShiftRow(Frozen):
    """Expression along a chromosome arm; fields as in `contracts.expression.ArmShifts`."""

    arm: str
    genes: int
    log2: float | None
    se: float | None
    z: float | None


class GeneRow(Frozen):
    """A gene among those that changed most. mean: of normalised counts; log2fc: shrunken where p values are known; padj: null
    without them."""

    gene_name: str
    mean: float
    log2fc: float
    padj: float | None


class GeneTrack(Frozen):
    """All genes with a count, to be drawn, as parallel lists. mean: of normalised counts plus one, log10, in mean_steps; change:
    log2 fold change in change_steps; state: 1 higher, -1 lower, 0 not changed or not tested. Genes at the same point are listed
    once."""

    mean: tuple[int, ...] = ()
    change: tuple[int, ...] = ()
    state: tuple[int, ...] = ()
    mean_steps: int = 50
    change_steps: int = 10


class ExpressionRecord(Frozen):
    """Markers and pathways of the lot. replicates: samples of the lot and of its donor; cultures: independent ones
    among them, by which the spread is judged. panel: None when none is given.

    heat: genes x samples; heat_samples names the columns, the donor's first. arms: empty if positions are unknown.

    significance: genes and sets count as changed when padj is below it. genes_up, genes_down: null without p values.
    top_up, top_down: genes that changed most. map: the samples by their principal components; null below three samples.
    """

    lot_replicates: int
    donor_replicates: int
    lot_cultures: int
    donor_cultures: int
    p_values: bool
    significance: float
    genes_tested: int
    genes_up: int | None
    genes_down: int | None
    top_up: tuple[GeneRow, ...] = ()
    top_down: tuple[GeneRow, ...] = ()
    genes: GeneTrack = GeneTrack()
    map: SampleMap | None = None
    markers: tuple[MarkerRow, ...]
    sets: tuple[SetRow, ...]
    heat_samples: tuple[str, ...] = ()
    heat: tuple[HeatRow, ...] = ()
    arms: tuple[ArmShiftRow, ...] = ()
    panel: PanelRecord | None = None
