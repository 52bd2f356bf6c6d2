"""The record of one lot (`report.json`): the only thing a report is rendered from.

Numbers here are final: a renderer formats and draws, it computes nothing. null = not assessed.
Positions are 0-based half-open, in bases; ratios are log2; fractions are 0..1.
"""

import hashlib
import json
import math
from typing import Any, Literal

from pydantic import Field

from karyolot.contracts.criteria import Frozen, LotOutcome, Verdict
from karyolot.contracts.panel import Tier

CNLOH = "copy-neutral loss of heterozygosity"
NOT_SEEN = ("ploidy", "balanced rearrangements", CNLOH, "centromeres and other gaps")
"""What read depth cannot see, however deep; printed wherever a PASS is."""
SCHEMA_VERSION = "1.0"
"""Of report.json, major.minor. A field that goes or changes its meaning raises the major number, a new field the minor one.

The fields are in `resources/report.schema.json`, generated from `Record` by `karyolot defaults --write`.
"""


class LotFacts(Frozen):
    """What the sheets say of the lot and its donor, as entered; `facts` by column name, null = not recorded."""

    lot_id: str
    donor_id: str
    donor_sex: Literal["F", "M"]
    facts: dict[str, str | float | int | None]


class Chromosome(Frozen):
    """A contig of the genome plot, in order. offset: bases before it on the joint axis. centromere: None = unknown.

    copies: expected in a normal cell of this donor's sex (0, 1 or 2).
    """

    name: str
    length: int = Field(gt=0)
    offset: int = Field(ge=0)
    centromere: int | None
    copies: int = Field(ge=0, le=2)

    @property
    def one_copy_more(self) -> float | None:
        """log2 ratio of one copy gained in every cell: log2(3/2) of two copies, log2(2/1) of a single one."""
        return math.log2((self.copies + 1) / self.copies) if self.copies else None


class BinTrack(Frozen):
    """Used bins of the plot as parallel lists; positions in bases, log2 rounded to 0.001."""

    bin_bp: int
    chrom: list[str]
    start: list[int]
    log2: list[float]
    lot_log2: list[float]
    donor_log2: list[float]


class SegmentRow(Frozen):
    chrom: str
    start: int
    end: int
    log2: float
    bins: int


class CallRow(Frozen):
    """One called change; fields as in `contracts.copy_number.Calls`.

    expression: what the genes of its arm say, weak evidence: they moved with the change, not at all, or against it; null =
    not asked (no RNA, no annotation, or less than half of an arm changed). expression_log2, expression_z: their shift.
    alleles: what the het sites inside say, null = not asked (no panel of SNPs); alleles_fraction: share of cells by them,
    with 95 % interval.
    """

    chrom: str
    start: int
    end: int
    type: Literal["gain", "loss"]
    size_mb: float
    log2: float
    fraction: float
    fraction_low: float
    fraction_high: float
    z: float
    class_: str = Field(alias="class")
    origin: str
    published_rule: str
    lot_copies: float
    donor_log2: float
    donor_lod: float
    tests: str
    bands: str
    genes: str
    watch: str
    artefact: str
    expression: Literal["agrees", "silent", "disagrees"] | None = None
    expression_log2: float | None = None
    expression_z: float | None = None
    alleles: Literal["agree", "silent", "disagree"] | None = None
    alleles_fraction: float | None = None
    alleles_fraction_low: float | None = None
    alleles_fraction_high: float | None = None
    alleles_sites: int | None = None


class DonorVariantRow(Frozen):
    """A change the donor carries in every cell; shared: the lot carries it too."""

    chrom: str
    start: int
    end: int
    donor_log2: float
    lot_log2: float
    shared: bool


class LodRow(Frozen):
    """Smallest share of cells found at this size of change; null = not assessable.

    gains_planted, losses_planted: changes planted in the lot's own reads at that share; *_found: those called.
    """

    size_mb: float
    gain: float | None
    loss: float | None
    gains_planted: int
    gains_found: int
    losses_planted: int
    losses_found: int


class ArmRow(Frozen):
    """A whole arm or chromosome; fields as in `contracts.copy_number.Arms`. masked: share of its bins by reason."""

    scope: Literal["arm", "chromosome"]
    name: str
    bins: int
    usable: float
    masked: dict[str, float]
    log2: float | None
    z: float | None
    lod_gain: float | None
    lod_loss: float | None
    assessable: bool


class WatchRow(Frozen):
    """A watched region, tested as a whole; lod: of the change it is watched for; null = it cannot be assessed here.

    bins: used ones, 0 where the region is not in the reference of this run.
    """

    region: str
    change: Literal["gain", "loss"]
    genes: str
    context: str
    source: str
    bins: int
    log2: float | None
    lod: float | None
    changed: bool


class CopyNumberRecord(Frozen):
    """Everything on copy number.

    sentences: computed findings, most important first. power: of the limits of detection, 0..1.
    claim_mb: size of change the PASS claim is made for. published_*: cut-offs of the paper's rule and what it calls.
    """

    sentences: tuple[str, ...]
    chromosomes: tuple[Chromosome, ...]
    bins: BinTrack
    segments: tuple[SegmentRow, ...]
    calls: tuple[CallRow, ...]
    donor_variants: tuple[DonorVariantRow, ...]
    arms: tuple[ArmRow, ...]
    watch: tuple[WatchRow, ...]
    lod: tuple[LodRow, ...]
    power: float
    claim_mb: float
    published_gain_log2: float
    published_loss_log2: float
    published_gains: int
    published_losses: int


class AlleleEventRow(Frozen):
    """A stretch whose alleles moved without a call; fields as in `contracts.alleles.AlleleEvents`."""

    chrom: str
    start: int
    end: int
    kind: Literal["copy-neutral", "unclear"]
    sites: int
    shift: float
    fraction: float
    fraction_low: float
    fraction_high: float
    log2: float | None
    log2_se: float | None


class AlleleArmRow(Frozen):
    """The het sites of an arm as a whole; fields as in `contracts.alleles.AlleleArms`."""

    chrom: str
    start: int
    end: int
    arm: str
    sites: int
    shift: float | None
    shift_low: float | None
    shift_high: float | None
    p: float | None
    fraction_high: float | None
    evidence: Literal["even", "moved", "inherited", "few"]


class AlleleTrack(Frozen):
    """Het sites to draw, as parallel lists. start: rounded down to a 10,000th of the genome (300 kb of a human's, a third of a
    pixel): near enough to draw, too coarse to tell which SNPs they are, as a report travels farther than genotypes should.
    lot, donor: share of the alternate allele, per mille, 0..1000."""

    chrom: list[str]
    start: list[int]
    lot: list[int]
    donor: list[int]


class AlleleRecord(Frozen):
    """Identity by SNPs, what is mixed in, and allele shares; fields as in `contracts.alleles`.

    sentences: computed findings. contamination_*: null when the lot is not surely its donor's, or nothing can be said.
    lod: smallest share of cells with a copy-neutral event of size_mb that is found; null = none is.
    threshold: p below which alleles count as moved. arms, track: empty, and threshold null, when allele shares were not
    assessed.
    """

    sentences: tuple[str, ...]
    result: Literal["MATCH", "MISMATCH", "NOT ENOUGH"]
    sites: int
    panel: int
    lot_depth: float
    donor_depth: float
    log10_unrelated: float
    log10_sibling: float
    contamination: float | None
    contamination_low: float | None
    contamination_high: float | None
    contamination_lod: float | None
    het_sites: int
    events: tuple[AlleleEventRow, ...]
    size_mb: float
    lod: float | None
    threshold: float | None
    arms: tuple[AlleleArmRow, ...]
    track: AlleleTrack


class SmallVariantRow(Frozen):
    """A variant the lot shows and its donor does not, or in a smaller share; fields as in `contracts.small_variants`."""

    chrom: str
    start: int
    ref: str
    alt: str
    gene: str
    origin: Literal["enriched", "acquired"]
    lot_ref: int
    lot_alt: int
    donor_ref: int
    donor_alt: int
    donor_lod: float | None


class SmallVariantRecord(Frozen):
    """Small variants in the genes of the user's list. sentences: computed findings."""

    sentences: tuple[str, ...]
    rows: tuple[SmallVariantRow, ...]


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
    """Samples on the first two principal components. shares: of the variance, of the two. panel: samples of the reference
    panel; empty without one."""

    samples: tuple[StudySample, ...]
    shares: tuple[float, float]
    panel: tuple[PanelSample, ...] = ()


class PanelRecord(Frozen):
    """The lot against the frozen reference panel. lots, donors: used, without the lot itself (left_out: it stood there).

    tier: 'too few' lots for limits, 'provisional' or 'full'. genes_*: of the test against the panel, gene by gene; null
    when nothing was tested. map: the lot and its donor among the panel's lots and donors; its axes are theirs and the panel's
    alone.
    """

    version: str
    sha256: str
    lots: int
    donors: int
    left_out: bool
    tier: Tier
    modules: tuple[PanelModuleRow, ...]
    genes_tested: int | None
    genes_higher: int | None
    genes_lower: int | None
    map: SampleMap | None = None


class SetRow(Frozen):
    """Enrichment of one gene set; fields as in `contracts.expression.Enrichment`. informational: shown beside the axes the
    product is described by. nes, padj null: not assessed, and reason says why."""

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


class ExpressionRecord(Frozen):
    """Markers and pathways of the lot. replicates: samples of the lot and of its donor. panel: None when none is given.

    heat: genes x samples; heat_samples names the columns, the donor's first. arms: empty when places are not known.

    significance: genes and sets count as changed when padj is below it. genes_up, genes_down: null without p values.
    """

    sentences: tuple[str, ...]
    lot_replicates: int
    donor_replicates: int
    p_values: bool
    significance: float
    genes_tested: int
    genes_up: int | None
    genes_down: int | None
    markers: tuple[MarkerRow, ...]
    sets: tuple[SetRow, ...]
    heat_samples: tuple[str, ...] = ()
    heat: tuple[HeatRow, ...] = ()
    arms: tuple[ArmShiftRow, ...] = ()
    panel: PanelRecord | None = None


class QcFigure(Frozen):
    """One quality figure, named for people ('Mapped reads'). value null = this entry point does not know it."""

    name: str
    value: float | int | str | None
    unit: str = ""


class SampleQc(Frozen):
    """Quality figures of one sequenced sample, in the order they are printed."""

    sample_id: str
    role: Literal["lot", "donor"]
    assay: Literal["wgs", "rnaseq"]
    figures: tuple[QcFigure, ...]


class ImportedResult(Frozen):
    """What another method found, or a deviation, as entered (`contracts.sheets.LotResult`); nothing of it is measured here.

    kept: the result is as it should be; null = its row asks for nothing.
    """

    kind: Literal["karyotype", "dna_content", "viability", "flow", "mycoplasma", "deviation"]
    value: str
    unit: str | None
    analyte: str | None
    limit: str | None
    method: str | None
    date: str | None
    document: str
    sha256: str | None
    comment: str | None
    kept: bool | None


class InputFile(Frozen):
    path: str
    bytes: int
    sha256: str


class ConfigDifference(Frozen):
    setting: str
    default: Any
    used: Any


class Provenance(Frozen):
    """What made this record. commit None = not a git checkout; dirty = uncommitted changes: the report says DRAFT."""

    karyolot_version: str
    commit: str | None
    dirty: bool | None
    python: str
    tools: dict[str, str]
    libraries: dict[str, str]
    inputs: tuple[InputFile, ...]
    config_differences: tuple[ConfigDifference, ...]
    acceptance_sha256: str
    reference: dict[str, str | None]


class LotPoint(Frozen):
    """What a trend shows of one lot. passage null = not recorded.

    share: largest share of cells with one called change of the lot's own, 0 = none called; lod: the larger of gain's and
    loss's limits of detection at claim_mb. null = no verdict on stability, or not assessable.
    """

    lot_id: str
    donor_id: str
    passage: float | None
    outcome: LotOutcome
    share: float | None
    lod: float | None
    claim_mb: float


class Record(Frozen):
    """report.json. expression None = no RNA was given, alleles None = no panel of SNPs, small_variants None = no list of genes;
    copy_number is always there.

    notice: the site's own sentence for every report, '' = none. not_seen: nouns, what read depth cannot see at all
    ('ploidy'). limits: sentences on what bounds this lot's result.
    imported: results of other methods; deviations: those of that kind. earlier: the lots this one was grown from, its parent
    last, as far back as the sheet knows them: they are older, so no later lot changes this record.
    """

    schema_version: Literal["1.0"]
    notice: str
    lot: LotFacts
    verdict: Verdict
    copy_number: CopyNumberRecord
    expression: ExpressionRecord | None
    alleles: AlleleRecord | None = None
    small_variants: SmallVariantRecord | None = None
    qc: tuple[SampleQc, ...]
    imported: tuple[ImportedResult, ...] = ()
    deviations: tuple[ImportedResult, ...] = ()
    earlier: tuple[LotPoint, ...] = ()
    not_seen: tuple[str, ...]
    limits: tuple[str, ...]
    provenance: Provenance
    report_id: str = Field(description="First 12 hex digits of the sha256 of the rest of the record.")

    def digest(self) -> str:
        """sha256 (hex) of report.json without `report_id`: keys sorted, no spaces, UTF-8. What a signature covers."""
        rest = self.model_dump(mode="json", by_alias=True, exclude={"report_id"})
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()

    def sealed(self) -> "Record":
        """The same record under the report id that fits its content."""
        return self.model_copy(update={"report_id": self.digest()[:12]})


class StudyExpression(SampleMap):
    """Expression across lots, for the overview only: every number here moves when samples are added.

    distances: samples x samples. scores: groups x samples. set_scores: sets x samples, by GSVA; unscored: sets without a
    score.
    """

    distances: tuple[tuple[float, ...], ...]
    groups: tuple[str, ...]
    scores: tuple[tuple[float, ...], ...]
    sets: tuple[str, ...] = ()
    set_scores: tuple[tuple[float, ...], ...] = ()
    unscored: tuple[str, ...] = ()


ArmState = Literal["gain", "part-gain", "loss", "part-loss", "mixed", "none", "blind", "withheld"]
"""part-: below the clonal fraction. blind: not assessable. mixed: gains and losses on one arm. withheld: the lot has no verdict
on stability, as when it is not its donor's; on the overview alone."""


class OverviewArm(Frozen):
    """arm: 'p', 'q', or '' where the layout knows no centromere."""

    chrom: str
    arm: str
    state: ArmState


class OverviewRow(LotPoint):
    """One lot of the overview. first_reason: of the outcome, one sentence."""

    first_reason: str
    report_id: str
    draft: bool
    arms: tuple[OverviewArm, ...]
