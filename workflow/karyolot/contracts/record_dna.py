"""The record of one lot, DNA: copy number, alleles, small variants. Numbers alone; their wording is in `contracts.text`.

null = not assessed. Positions are 0-based half-open, in bases; ratios are log2; fractions are 0..1.
"""

import math
from typing import Literal

from pydantic import Field

from karyolot.contracts.criteria import Frozen
from karyolot.contracts.small_variants import Finding, Origin, VariantFacts


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
    """One called change; fields as in `contracts.copy_number.Calls`: id, common name, extent, cell fraction and limit of
    detection at its own size, each with the reading in tetraploid cells (null where the DNA content was measured).

    expression: expression of the genes of its arm, weak evidence: they moved with the change, not at all, or against it; null =
    not evaluated (no RNA, no annotation, or less than half of an arm changed). expression_log2, expression_z: their shift.
    alleles: evidence of heterozygous sites, null = not evaluated (no panel of SNPs); alleles_fraction: cell fraction by them,
    with 95 % interval.
    """

    id: str
    name: str
    chrom: str
    start: int
    end: int
    type: Literal["gain", "loss"]
    extent: Literal["chromosome", "arm", "part"]
    size_mb: float
    log2: float
    copies: int
    fraction: float
    fraction_low: float
    fraction_high: float
    tetraploid: float | None
    tetraploid_low: float | None
    tetraploid_high: float | None
    limit: float
    tetraploid_limit: float | None
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
    recurrent: str
    artefact: str
    expression: Literal["agrees", "uninformative", "disagrees"] | None = None
    expression_log2: float | None = None
    expression_z: float | None = None
    alleles: Literal["agree", "uninformative", "disagree"] | None = None
    alleles_fraction: float | None = None
    alleles_fraction_low: float | None = None
    alleles_fraction_high: float | None = None
    alleles_sites: int | None = None


class DonorVariantRow(Frozen):
    """A change the donor carries in every cell; shared: the lot carries it too. bands, genes: '' = not known, or none."""

    chrom: str
    start: int
    end: int
    donor_log2: float
    lot_log2: float
    shared: bool
    bands: str = ""
    genes: str = ""


class Landmarks(Frozen):
    """Names in the zoomed plot, as parallel lists; fields as in `contracts.copy_number.Landmarks`."""

    chrom: tuple[str, ...] = ()
    start: tuple[int, ...] = ()
    end: tuple[int, ...] = ()
    kind: tuple[Literal["band", "gene", "listed"], ...] = ()
    name: tuple[str, ...] = ()


class LodRow(Frozen):
    """Smallest cell fraction found at this size of change; null = not assessable.

    tetraploid_*: of tetraploid cells; null where the DNA content was measured, or not even a change in all of them is found.
    gains_spiked_in, losses_spiked_in: changes spiked into the lot's own reads at that fraction; *_found: those called.
    """

    size_mb: float
    gain: float | None
    loss: float | None
    tetraploid_gain: float | None
    tetraploid_loss: float | None
    gains_spiked_in: int
    gains_found: int
    losses_spiked_in: int
    losses_found: int


class ArmRow(Frozen):
    """A whole arm or chromosome; fields as in `contracts.copy_number.Arms`. masked: fraction of its bins by reason."""

    scope: Literal["arm", "chromosome"]
    name: str
    bins: int
    usable: float
    masked: dict[str, float]
    log2: float | None
    z: float | None
    lod_gain: float | None
    lod_loss: float | None
    tetraploid_gain: float | None
    tetraploid_loss: float | None
    assessable: bool


class RecurrentRow(Frozen):
    """A recurrent region, tested as a whole; lod: of the change listed for it; null = it cannot be assessed here.

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
    tetraploid_lod: float | None
    changed: bool


class CopyNumberRecord(Frozen):
    """Everything on copy number.

    sets: of chromosomes per cell, as the imported DNA content states, which all fractions of cells hold for; null = not
    measured, and fractions are of diploid cells, with their reading in tetraploid ones beside them. ladder: the changes lie
    at levels of clonal changes in tetraploid cells. karyotype: ISCN-like, by depth; null where the data cannot support one,
    for the reason in karyotype_withheld ('' where there is one). power: of the limits of detection, 0..1. claim_mb: size of
    change the PASS claim is made for. published_*: cut-offs of the paper's rule and what it calls.
    """

    chromosomes: tuple[Chromosome, ...]
    bins: BinTrack
    segments: tuple[SegmentRow, ...]
    calls: tuple[CallRow, ...]
    donor_variants: tuple[DonorVariantRow, ...]
    landmarks: Landmarks = Landmarks()
    arms: tuple[ArmRow, ...]
    recurrent: tuple[RecurrentRow, ...]
    lod: tuple[LodRow, ...]
    sets: float | None
    ladder: bool
    karyotype: str | None
    karyotype_withheld: str
    power: float
    claim_mb: float
    published_gain_log2: float
    published_loss_log2: float
    published_gains: int
    published_losses: int

    @property
    def claim(self) -> LodRow | None:
        """The limits of detection at claim_mb; None when gain or loss is not assessable there."""
        row = next((row for row in self.lod if abs(row.size_mb - self.claim_mb) < 1e-9), None)
        return None if row is None or row.gain is None or row.loss is None else row


class AlleleEventRow(Frozen):
    """A region of allelic imbalance without a call; fields as in `contracts.alleles.AlleleEvents`."""

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
    evidence: Literal["balanced", "imbalanced", "inherited", "few"]


class AlleleTrack(Frozen):
    """Het sites to draw, as parallel lists. start: rounded down to a 10,000th of the genome (300 kb of a human's, a third of a
    pixel): near enough to draw, too coarse to identify SNPs, as a report travels farther than genotypes should.
    lot, donor: fraction of the alternate allele, per mille, 0..1000."""

    chrom: list[str]
    start: list[int]
    lot: list[int]
    donor: list[int]


class AlleleRecord(Frozen):
    """Identity by SNPs, contamination, and allele fractions; fields as in `contracts.alleles`.

    contamination_*: null when the lot is not surely its donor's, or not determinable.
    lod: smallest cell fraction of a copy-neutral event of size_mb that is found; null = none is.
    threshold: p below which alleles count as imbalanced. arms, track: empty, and threshold null, if allele fractions were not
    assessed.
    """

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
    """A variant the lot shows and its donor does not, or in a smaller fraction, or that the lot lost; fields as in
    `contracts.small_variants.SmallVariants`.

    name: 'TP53 p.R175H'. event: call of the lot that takes copies of the gene ('E1'), '' = none; second: what became of the
    other copy: 'loss', 'copy-neutral LOH' or '' (not known to be changed). expression_log2: of the gene, lot against donor;
    null = not measured.
    """

    name: str
    chrom: str
    start: int
    ref: str
    alt: str
    gene: str
    role: Literal["driver", "benign", "own"]
    hotspot: str
    consequence: str
    finding: Finding
    origin: Origin
    artefact: str
    pattern: str
    lot_ref: int
    lot_alt: int
    donor_ref: int
    donor_alt: int
    rna_lot_alt: int
    rna_lot_depth: int
    rna_donor_alt: int
    rna_donor_depth: int
    donor_lod: float | None
    fraction: float | None
    fraction_low: float | None
    fraction_high: float | None
    caller: Literal["karyolot", "given"]
    event: str
    second: Literal["loss", "copy-neutral LOH", ""]
    expression_log2: float | None


class VariantLimitRow(Frozen):
    """Smallest cell fraction of a mutation that is called; fields as in `contracts.small_variants.VariantLimits`."""

    gene: str
    role: Literal["driver", "benign", "own"]
    hotspot: str
    positions: int
    lot_depth: float
    donor_depth: float
    fraction: float | None
    spiked: int
    found: int
    indel_fraction: float | None = None
    indel_spiked: int = 0
    indel_found: int = 0


class SmallVariantRecord(Frozen):
    """Small variants in driver genes and in genes of the user's list. rows: new, lost and artefacts that would change a protein.
    facts: `contracts.small_variants.VariantFacts`."""

    rows: tuple[SmallVariantRow, ...]
    limits: tuple[VariantLimitRow, ...]
    facts: VariantFacts
