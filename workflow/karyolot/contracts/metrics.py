"""Every metric of a lot, once: its name, who computes it, what kind of value it has, its unit, and when it has none.

Producers, criteria, verdict and report take names from here; a name spelled anywhere else is a failing test.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

Stage = Literal[
    "dna", "alleles", "variants", "mitochondria", "foreign", "lineage", "rna", "panel", "process", "imported"
]
"""The function that computes a metric: copy_number_metrics, allele_metrics, variant_metrics, mitochondrial_metrics,
foreign_metrics, descent_metrics, expression_metrics, panel_metrics, process_metrics, imported_metrics. A stage returns all
of its metrics or is not run."""
Kind = type[float] | type[int] | type[bool] | tuple[str, ...]
"""Type of a metric's value; a tuple lists the words it can be."""

ABSENT: Mapping[Stage, str] = {
    "dna": "no step of this run measures it",
    "alleles": "no panel of SNPs (identity.sites), or no reads of lot and donor to count alleles",
    "variants": "no reads of lot and donor, or neither an annotation (reference.gtf) nor a list of genes (small_variants.genes)",
    "mitochondria": "no genome (reference.fasta), or no reads of lot and donor",
    "lineage": "no parent lot with whole-genome sequencing is recorded",
    "foreign": "no panel of foreign sequences (reference.foreign), or no reads of lot and donor",
    "rna": "no RNA of the lot and of its donor's hepatocytes",
    "panel": "no panel is given (expression.panel), or no RNA of the lot and of its donor's hepatocytes",
    "process": "no step of this run measures it",
    "imported": "no step of this run measures it",
}
"""Why a lot has none of a stage's metrics."""

_SAME: Kind = ("MATCH", "MISMATCH")
_SEX: Kind = ("F", "M")
_NOISE = "too few bins to measure the noise"
_NOT_DONOR = "the lot's SNPs do not match its donor"
_MARKERS = (
    "half of the group's genes or more are not measurable, one is not annotated, or the marker table has no such group"
)
_NO_CHRM = "no mitochondrial contig in the reference, or too few reads on it"
_TPM = "gene lengths are unknown, or a gene of the group is not annotated"
LONGEST_INDEL = 10
"""Bases of the longest indel that a limit of detection is for: of longer ones too few reads of 100 bases are aligned as such."""
SHORTEST_RUN = 4
"""Equal bases in a row in which an indel has no limit of detection: reads slip there, and aligners shift the indel."""
BOUNDED_INDELS = f"1 to {LONGEST_INDEL} bases outside runs of {SHORTEST_RUN} or more equal bases"
_SHALLOW = "less than half of the driver genes are annotated and covered deeply enough in lot and donor"
_PANEL = "no reference panel, fewer lots than limits need, no TPM, or lots that do not differ"


class MetricName(StrEnum):
    """Name of a metric, with what is known of it before it is measured.

    stage: who computes it. kind: type of its value. unit: as acceptance.yaml states it. meaning: one line. null: when the
    value is null; '' = never.
    """

    stage: Stage
    kind: Kind
    unit: str
    meaning: str
    null: str

    def __new__(cls, name: str, stage: Stage, kind: Kind, unit: str, meaning: str, null: str) -> "MetricName":
        member = str.__new__(cls, name)
        member._value_ = name
        member.stage, member.kind, member.unit, member.meaning, member.null = stage, kind, unit, meaning, null
        return member

    @property
    def topic(self) -> str:
        """First word of the name: what the metric is about."""
        return self.partition(".")[0]

    @property
    def is_number(self) -> bool:
        return self.kind in (float, int)

    @property
    def values(self) -> str:
        """What its values are, in words."""
        if isinstance(self.kind, tuple):
            return " or ".join(self.kind)
        return "a number" if self.is_number else "true or false"

    def can_be(self, value: object) -> bool:
        """Whether it can have this value. A metric that counts is compared with any number, but is a whole one."""
        if isinstance(self.kind, tuple):
            return value in self.kind
        return isinstance(value, self.kind | int) and isinstance(value, bool) == (self.kind is bool)

    def compares_with(self, value: object) -> bool:
        """Whether a limit of this value is meaningful for it."""
        return isinstance(value, float) or self.can_be(value) if self.is_number else self.can_be(value)

    # fmt: off
    DNA_USABLE_BINS = ("dna.usable_bins", "dna", float, "fraction",
        "fraction of the analysis bins that are used", "")
    DNA_NOISE = ("dna.noise", "dna", float, "log2",
        "robust standard deviation of the log2 ratio between neighbouring bins", "too few neighbouring bins")
    DNA_RT_SLOPE = ("dna.rt_slope", "dna", float, "log2 per SD, at least",
        "replication-timing bias: the end of its 95% interval nearer to 0", "no replication-timing track")
    DNA_RT_MOVED = ("dna.rt_moved", "dna", float, "cell fraction",
        "largest shift of a region of the claimed size by the replication-timing correction, as a gain",
        "no replication-timing track")
    DNA_NEUTRAL = ("dna.neutral", "dna", float, "fraction of the autosomes",
        "fraction of the used autosomal bins at the commonest copy-number level", "no usable autosomal bin")
    DNA_BLIND_ARMS = ("dna.blind_arms", "dna", int, "arms",
        "chromosome arms, and parts of arms as long as the claimed change, that cannot be assessed", "")
    CN_LOD = ("cn.lod", "dna", float, "cell fraction",
        "limit of detection at the claimed size, the larger of gain and loss", "one of the two limits is null")
    CN_LOD_GAIN = ("cn.lod_gain", "dna", float, "cell fraction",
        "cell fraction at which a gain of the claimed size is called with the configured power",
        f"not even in all cells, or {_NOISE}")
    CN_LOD_LOSS = ("cn.lod_loss", "dna", float, "cell fraction",
        "cell fraction at which a loss of the claimed size is called with the configured power",
        f"not even in all cells, or {_NOISE}")
    CN_LOD_POWER = ("cn.lod_power", "dna", float, "fraction of spike-ins found",
        "detected proportion of the events simulated in the lot's own reads at that limit, the lower of gain and loss",
        "no event of the claimed size could be simulated")
    CN_PUBLISHED_RULE = ("cn.published_rule", "dna", int, "segments",
        "segments beyond the log2 thresholds of He et al. 2025", "")
    CN_ACQUIRED_LONG = ("cn.acquired_long", "dna", int, "calls",
        "acquired or enriched calls of the claimed size or larger", _NOISE)
    CN_ACQUIRED_SHORT = ("cn.acquired_short", "dna", int, "calls",
        "acquired or enriched calls below the claimed size", _NOISE)
    CN_ACQUIRED_RECURRENT = ("cn.acquired_recurrent", "dna", int, "calls",
        "those below the claimed size that hold a listed gene or region", _NOISE)
    CN_HIGH_COPY = ("cn.high_copy", "dna", int, "calls",
        "acquired or enriched calls of four or more copies", _NOISE)
    CN_WHOLE_CHROMOSOME = ("cn.whole_chromosome", "dna", int, "calls",
        "acquired or enriched calls of whole autosomes", _NOISE)
    CN_ARM_CHANGE = ("cn.arm_change", "dna", float, "cell fraction",
        "largest cell fraction of an acquired or enriched change of a whole arm or chromosome, 0 without one", _NOISE)
    CN_ARM_LOD = ("cn.arm_lod", "dna", float, "cell fraction",
        "limit of detection on whole arms, the largest of those that can be assessed", "no arm can be assessed")
    CN_ARTEFACT_PRONE = ("cn.artefact_prone", "dna", int, "calls",
        "acquired or enriched calls in regions where false calls are common", _NOISE)
    CN_CONTRADICTED = ("cn.contradicted", "dna", int, "calls",
        "acquired or enriched calls that the allele fractions contradict",
        f"no allele evidence was available, or {_NOISE}")
    CN_DONOR_CHANGE_LOST = ("cn.donor_change_lost", "dna", int, "calls",
        "changes of the donor that the lot does not have", _NOISE)
    CN_DONOR_ARMS = ("cn.donor_arms", "dna", int, "arms",
        "arms whose copy number in the donor's own reads is not the expected one, in at least a quarter of its cells",
        "the noise of the donor's own reads could not be measured")
    IDENTITY_GERMLINE = ("identity.germline", "dna", float, "fraction",
        "fraction of the donor's germline copy-number differences found in the lot",
        "the donor has none that the lot's depth could confirm")
    IDENTITY_LOT_SEX = ("identity.lot_sex", "dna", bool, "",
        "sex of the lot by depth of X and Y is as declared", "the depths of X and Y are inconclusive")
    IDENTITY_DONOR_SEX = ("identity.donor_sex", "dna", bool, "",
        "sex of the donor's hepatocytes by depth of X and Y is as declared", "the depths of X and Y are inconclusive")

    IDENTITY_SNP_MATCH = ("identity.snp_match", "alleles", _SAME, "",
        "lot against donor by SNPs", "too few reads over SNPs")
    IDENTITY_RNA_MATCH = ("identity.rna_match", "alleles", _SAME, "",
        "RNA of the lot against DNA of the donor by SNPs", "no RNA reads of the lot, or too few over SNPs")
    IDENTITY_DONOR_RNA_MATCH = ("identity.donor_rna_match", "alleles", _SAME, "",
        "RNA of the donor's hepatocytes against DNA of the donor by SNPs",
        "no RNA reads of the donor, or too few over SNPs")
    IDENTITY_CONTAMINATION = ("identity.contamination", "alleles", float, "fraction",
        "proportion of the lot's reads from another person", f"{_NOT_DONOR}, or too few reads")
    BAF_CNLOH = ("baf.cnloh", "alleles", int, "events",
        "regions of allelic imbalance without a copy-number call", f"{_NOT_DONOR}, or too few heterozygous sites")

    IDENTITY_PARENT = ("identity.parent", "lineage", ("MATCHES PARENT", "CONTRADICTS"), "",
        "lot against the lot it was grown from, by clones, private variants and heteroplasmies",
        "no earlier lot of the line, or its markers do not decide")

    VARIANTS_TP53_HOTSPOT = ("variants.tp53_hotspot", "variants", int, "variants",
        "enriched and acquired variants at recurrent codons of TP53", _SHALLOW)
    VARIANTS_DRIVERS = ("variants.drivers", "variants", int, "variants",
        "other enriched and acquired variants that change a protein or a recurrent position of a driver gene", _SHALLOW)
    VARIANTS_BENIGN = ("variants.benign", "variants", int, "variants",
        "enriched and acquired variants that change a gene of benign liver clones", _SHALLOW)
    VARIANTS_LIMIT = ("variants.limit", "variants", float, "cell fraction",
        "cell fraction at which a heterozygous substitution in any assessable driver gene is called with the configured power",
        _SHALLOW)
    VARIANTS_INDEL_LIMIT = ("variants.indel_limit", "variants", float, "cell fraction",
        f"the same for a heterozygous insertion or deletion of {BOUNDED_INDELS}", _SHALLOW)
    VARIANTS_ACQUIRED = ("variants.acquired", "variants", int, "variants",
        "enriched and acquired small variants in the genes of the user's list", "no list of genes was given")

    MITOCHONDRIA_SHIFTS = ("mitochondria.shifts", "mitochondria", int, "alleles and deletions",
        "alleles and large deletions of mitochondrial DNA whose fraction differs between lot and donor", _NO_CHRM)
    MITOCHONDRIA_PATHOGENIC = ("mitochondria.pathogenic", "mitochondria", int, "alleles and deletions",
        "those that rose and may be in 60% of the lot's mitochondrial genomes or more", _NO_CHRM)
    MITOCHONDRIA_COPIES = ("mitochondria.copies", "mitochondria", float, "copies per cell",
        "mitochondrial genomes per cell of the lot", _NO_CHRM)
    MITOCHONDRIA_LOD = ("mitochondria.lod", "mitochondria", float, "fraction of mitochondrial genomes",
        "smallest shift of an allele that is detected at 95% of the positions with the configured power",
        f"{_NO_CHRM}, or not even a shift of all genomes is detected")

    FOREIGN_FOUND = ("foreign.found", "foreign", int, "sequences",
        "foreign sequences (viruses, mycoplasmas, animals) found in DNA or RNA of the lot", "")

    RNA_IDENTITY_DETECTED = ("rna.identity_detected", "rna", float, "TPM, lowest",
        "lowest level of the hepatocyte identity genes in the lot", _TPM)
    RNA_MATURE_DOWN = ("rna.mature_down", "rna", float, "fraction of genes",
        "fraction of the measured mature hepatocyte genes that are lower than in the donor", _MARKERS)
    RNA_PROGENITOR_UP = ("rna.progenitor_up", "rna", float, "fraction of genes",
        "fraction of the measured progenitor genes that are higher than in the donor", _MARKERS)
    RNA_HLA2_MAX_TPM = ("rna.hla2_max_tpm", "rna", float, "TPM, highest",
        "highest level of the HLA class II genes in the lot", _TPM)
    RNA_BLOOD_MAX_TPM = ("rna.blood_max_tpm", "rna", float, "TPM, highest",
        "highest level of the blood and endothelial genes in the lot", _TPM)
    RNA_SECRETED_UP = ("rna.secreted_up", "rna", float, "fraction of genes",
        "fraction of the measured genes of secreted factors and matrix that are higher than in the donor", _MARKERS)
    RNA_PLURIPOTENCY_MAX_TPM = ("rna.pluripotency_max_tpm", "rna", float, "TPM, highest",
        "highest level of the pluripotency genes in the lot", _TPM)
    RNA_YAP_TARGETS_LOG2FC = ("rna.yap_targets_log2fc", "rna", float, "log2",
        "median log2 fold change of the YAP target genes", "a gene of the group has no read or is not annotated")
    RNA_GENES_DETECTED = ("rna.genes_detected", "rna", int, "genes",
        "genes detected in the lot's sample with the fewest", "gene lengths are unknown")
    RNA_MAPPING_PERCENT = ("rna.mapping_percent", "rna", float, "%",
        "lowest percentage of mapped fragments over all samples", "a sample was given as counts")
    RNA_STRANDEDNESS_AS_DECLARED = ("rna.strandedness_as_declared", "rna", bool, "",
        "strandedness of all libraries is as declared", "a sample was given as counts, undeclared or with few fragments")
    RNA_MITOCHONDRIAL_FRACTION = ("rna.mitochondrial_fraction", "rna", float, "fraction",
        "highest fraction of counts in mitochondrial genes over all samples", "the annotation has no such gene")
    RNA_RRNA_FRACTION = ("rna.rrna_fraction", "rna", float, "fraction",
        "highest fraction of counts in ribosomal RNA genes over all samples", "the annotation has no such gene")
    RNA_SEX = ("rna.sex", "rna", _SEX, "",
        "sex of the lot by XIST and genes on Y", "no sample shows one, two differ, or a gene is not annotated")
    RNA_DONOR_SEX = ("rna.donor_sex", "rna", _SEX, "",
        "sex of the donor's hepatocytes by XIST and genes on Y", "no sample shows one, two differ, or a gene is not annotated")
    RNA_SEX_AS_DECLARED = ("rna.sex_as_declared", "rna", bool, "",
        "sex of every RNA sample of the lot that shows one is as declared", "no sample of the lot shows a sex")
    RNA_DONOR_SEX_AS_DECLARED = ("rna.donor_sex_as_declared", "rna", bool, "",
        "sex of every RNA sample of the donor's hepatocytes that shows one is as declared", "no sample of them shows a sex")

    RNA_PANEL_MATURITY = ("rna.panel_maturity", "panel", float, "SD inside the limit",
        "distance of the mature programme to the panel's prediction limit", _PANEL)
    RNA_PANEL_PROGENITOR = ("rna.panel_progenitor", "panel", float, "SD inside the limit",
        "distance of the progenitor programme to the panel's prediction limit", _PANEL)
    RNA_PANEL_POTENCY = ("rna.panel_potency", "panel", float, "SD inside the limit",
        "distance of the secreted factors and matrix to the panel's prediction limit", _PANEL)

    PROCESS_PASSAGE = ("process.passage", "process", float, "passage",
        "passage number in the lot sheet", "")
    PROCESS_PDL = ("process.pdl", "process", float, "doublings",
        "population doublings in the lot sheet", "not in the lot sheet")
    READS_VERIFIED = ("reads.verified", "process", bool, "",
        "all FASTQ files were read completely; pairing and checksums are correct", "no FASTQ files were given")

    IMPORTED_KARYOTYPE_NORMAL = ("imported.karyotype_normal", "imported", bool, "",
        "every karyotype and DNA content on file is within its limit", "none on file, or without a limit")
    IMPORTED_FLOW_WITHIN_LIMITS = ("imported.flow_within_limits", "imported", bool, "",
        "every flow cytometry result on file is within its limit", "none on file, or without a limit")
    IMPORTED_MYCOPLASMA_NEGATIVE = ("imported.mycoplasma_negative", "imported", bool, "",
        "every mycoplasma test on file is negative", "none on file, or without a limit")
    IMPORTED_VIABILITY = ("imported.viability", "imported", float, "%, lowest",
        "lowest viability on file", "none on file")
    # fmt: on


LOD_OF: Mapping[str, MetricName] = {"gain": MetricName.CN_LOD_GAIN, "loss": MetricName.CN_LOD_LOSS}
"""Type of change -> its limit of detection."""
PANEL_MODULES: Mapping[str, MetricName] = {
    "maturity": MetricName.RNA_PANEL_MATURITY,
    "progenitor": MetricName.RNA_PANEL_PROGENITOR,
    "potency": MetricName.RNA_PANEL_POTENCY,
}
"""Module of a reference panel -> its metric. A module that is not here has none, whatever a panel file contains."""


def metrics_of(stage: Stage) -> frozenset[MetricName]:
    return frozenset(name for name in MetricName if name.stage == stage)
