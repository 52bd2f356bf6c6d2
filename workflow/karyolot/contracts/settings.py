"""The configuration: one section per stage, every setting with its default, unit and reason.

Settings that the claim rests on have ranges, outside which the claim would mean little: a power of 1 in a billion, a claim for
changes longer than any chromosome. This module is the source; `config/defaults.yaml` and `config/config.schema.json` are
generated from it by `karyolot defaults --write`, and a test fails when they differ.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

Fraction = Annotated[float, Field(gt=0, lt=1)]
ErrorRate = Annotated[float, Field(gt=0, le=0.1)]
"""A family-wise error above one in ten would make false calls usual."""
Power = Annotated[float, Field(ge=0.8, le=0.999)]
"""Below 80 %, more than one change in five at the limit of detection would be missed."""
PositiveInt = Annotated[int, Field(gt=0)]
File = Annotated[str, Field(min_length=1)]
LONGEST_LABEL = 100
Label = Annotated[str, Field(max_length=LONGEST_LABEL)]


class Section(BaseModel):
    """Unknown keys are refused: a typo must never read as 'use the default'."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _true_is_not_one(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML reads yes, no, on and off as true and false, and pydantic would then read those as 1 and 0."""
        if isinstance(value, bool) and cls.model_fields[str(info.field_name)].annotation is not bool:
            raise ValueError("true or false is not allowed here; text like yes, no, on and off needs quotes in YAML")
        return value


class Sheets(Section):
    """Where the sample tables are.

    Paths everywhere in this file are relative to the working directory; `shipped:NAME` is a file of the project's
    own `resources/` folder.
    """

    samples: File = Field("config/samples.tsv", description="One row per sequencing library and lane.")
    lots: File = Field("config/lots.tsv", description="One row per lot.")
    donors: File = Field("config/donors.tsv", description="One row per donor.")
    results: File = Field(
        "config/lot_results.tsv",
        description="Results of other methods (karyotype, viability, ...) and deviations, one per row. Read when it exists.",
    )


class Reference(Section):
    """The genome and its annotation."""

    layout: File = Field(
        "shipped:genomes/GRCh38.yaml",
        description="Autosomes, X, Y, pseudo-autosomal regions and cytobands of the assembly.",
    )
    fasta: File | None = Field(None, description="Genome FASTA (may be bgzipped). Needed to align reads and for GC.")
    bins: File | None = Field(
        None,
        description="Ready bin annotation instead of tracks, as `karyolot references` writes it; TSV: chrom start end gc"
        " [gap] [mappability] [replication_timing].",
    )
    mappability: File | None = Field(
        None, description="bedGraph or WIG, 0..1. Not given: the report states that mappability was not used."
    )
    replication_timing: File | None = Field(
        None,
        description="bedGraph or WIG, high = early replicating. Not given: replication-timing bias is not"
        " corrected, and the report states this.",
    )
    blacklist: File | None = Field(None, description="BED of regions never counted as usable.")
    gtf: File | None = Field(
        None, description="Gene annotation. Needed for RNA from reads, and for gene names in calls."
    )
    transcripts: File | None = Field(
        None, description="Transcript FASTA. Not given: extracted from fasta and gtf by gffread."
    )
    foreign: File | None = Field(
        None,
        description="FASTA of viruses, mycoplasmas and animals that are searched for in reads that do not fit the genome; not"
        " given: not searched.",
    )
    decoys: bool = Field(True, description="Index the genome as decoys for salmon when fasta is given.")


class Reads(Section):
    """Trimming by fastp."""

    min_length: PositiveInt = Field(30, description="Reads shorter than this after trimming are dropped, bases.")


class Alignment(Section):
    """Reads to CRAM. One aligner for the whole study: with two, their differences would appear in the log2 ratio."""

    aligner: Literal["bwa-mem3", "bwa", "minimap2"] = Field(
        "bwa-mem3",
        description="bwa-mem3 makes the records of bwa, but for the choice among equally good positions; alignment takes a"
        " quarter of the CPU time. It needs AVX2 (x86 processors since 2013) and 16 GB of memory for a human genome. bwa: for"
        " machines that lack either, with the same index.",
    )
    optical_distance: Annotated[int, Field(ge=0)] = Field(
        0,
        description="samtools markdup -d: 100 for HiSeq, 2500 for patterned flow cells; 0 = optical duplicates are"
        " not distinguished.",
    )


class Counting(Section):
    """Fragments per bin."""

    bin_bp: Annotated[int, Field(gt=0, le=10_000_000)] = Field(
        50_000, description="Width of the bins counted, bases; the finest analysis possible."
    )
    min_mapq: Annotated[int, Field(ge=0, le=60)] = Field(20, description="Lowest mapping quality counted.")


class CopyNumber(Section):
    """Lot against donor."""

    analysis_bin_bp: PositiveInt | None = Field(
        None, description="Bin width of the analysis; not given: the smallest multiple of bin_bp holding min_bin_count."
    )
    min_bin_bp: PositiveInt = Field(
        50_000, description="Narrowest automatic bin: below, germline copy-number variants and repeats become calls."
    )
    min_bin_count: PositiveInt = Field(
        200, description="Median donor fragments an automatic bin must hold: below, log2 of counts is biased and noisy."
    )
    max_gap: Fraction = Field(0.25, description="Bins with a larger fraction of N or blacklisted bases are masked.")
    min_mappability: Fraction = Field(0.75, description="Bins below are masked (when a track is given).")
    donor_outlier: tuple[Annotated[float, Field(ge=0, lt=0.5)], Annotated[float, Field(gt=2)]] = Field(
        (0.25, 2.5),
        description="Bins whose donor count is outside this multiple of what the donor's sex predicts are masked:"
        " homozygous deletions and satellite pile-ups are removed; one-copy germline changes (0.5, 1.5) and CN 4 (2.0) remain.",
    )
    family_wise_error: ErrorRate = Field(0.05, description="Probability of any false call in a stable lot.")
    power: Power = Field(0.95, description="Probability of calling a change at the reported limit of detection.")
    min_log2: Annotated[float, Field(ge=0, le=0.1)] = Field(
        0.0356, description="Smallest |log2| called: log2(1 + 0.05/2), a one-copy gain in 5 % of cells."
    )
    min_bins: Annotated[int, Field(ge=2, le=10)] = Field(3, description="Fewest used bins of a called segment.")
    clonal_fraction: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        0.8, description="A change in at least this fraction of cells is called clonal."
    )
    lod_sizes_mb: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Field(min_length=1)] = Field(
        (1, 2, 5, 10, 20), description="Sizes for which the limit of detection is reported, Mb."
    )
    claim_mb: Annotated[float, Field(gt=0, le=20)] = Field(
        5,
        description="Smallest change that a PASS excludes, Mb: the CIRM/Coriell criterion, about the resolution of G-banding.",
    )
    high_copy_mb: Annotated[float, Field(gt=0, le=10)] = Field(
        1, description="Smallest size at which four or more copies are judged: CN > 3 segments (Yamamoto 2022)."
    )
    spike_ins: Annotated[int, Field(ge=100)] = Field(
        200,
        description="Changes spiked in at each limit of detection to verify it: 200 distinguish 95 % from 90 % (binomial, 3 sd).",
    )
    max_arm_lod: Annotated[float, Field(gt=0, le=0.5)] = Field(
        0.5, description="An arm whose limit of detection is worse is 'not assessable'."
    )
    published_gain: Annotated[float, Field(gt=1, le=1.5)] = Field(
        1.5,
        description="Published rule: gain if the segment's median ratio exceeds this (He 2025, Fig. 1d: log2(3/2)).",
    )
    published_loss: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        0.5, description="Published rule: loss if below this (He 2025, Fig. 1d: log2(1/2))."
    )
    recurrent_regions: File = Field(
        "shipped:recurrent_regions.tsv", description="Recurrent regions and genes that are tested and reported by name."
    )


class Identity(Section):
    """SNPs: identity of the lot, cross-individual contamination, allelic imbalance. None of it runs without `sites`."""

    sites: File | None = Field(
        None,
        description="Panel of common SNPs, VCF or BED (chrom start end ref alt [frequency]); not given: assessed from allele"
        " counts alone.",
    )
    tested_elsewhere: Annotated[str, Field(max_length=300)] = Field(
        "",
        description="How, and in which document, the identity of all lots is tested by another method; printed next to the"
        " verdict. Not given: a lot whose identity neither SNPs nor germline copy number could test is INDETERMINATE.",
    )
    min_mapq: Annotated[int, Field(ge=0, le=60)] = Field(20, description="Lowest mapping quality of a read counted.")
    min_base_quality: Annotated[int, Field(ge=0, le=60)] = Field(
        20,
        description="Lowest base quality counted: Phred 20 is one error in 100, the error rate of the genotype model.",
    )

    @field_validator("tested_elsewhere")
    @classmethod
    def _names_a_document(cls, text: str) -> str:
        """'no', '-' or a space would turn lots whose identity nothing tested into PASS."""
        if text.strip() and not (re.search(r"\d", text) and re.search(r"[^\W\d_]{2}", text)):
            raise ValueError("state the method and the number of its document: 'STR profile, SOP-12'; '' = not tested")
        return text.strip()

    rna_pairs: PositiveInt = Field(
        2_000_000,
        description="Read pairs of an RNA sample that are aligned to the genome for its SNPs, the first of each lane; 2 million"
        " take about 20 CPU minutes.",
    )
    log10_ratio: Annotated[float, Field(ge=2, le=10)] = Field(
        4,
        description="log10 likelihood ratio required for a decision: at most one error in 10,000 comparisons"
        " (Markov's inequality).",
    )
    min_depth: PositiveInt = Field(
        10, description="Fragments a het site of the donor must have in lot and donor to be used for allele fractions."
    )
    event_mb: Annotated[float, Field(gt=0)] = Field(
        10, description="Smallest event searched for by allele fractions alone, Mb; needs dozens of heterozygous sites."
    )
    family_wise_error: ErrorRate = Field(0.05, description="Probability of any false allelic event in a stable lot.")
    power: Power = Field(0.95, description="Probability of finding an event at the reported limit of detection.")


class SmallVariants(Section):
    """Small variants of the lot in driver genes, and in genes of the user's list, compared with its donor."""

    drivers: File | None = Field(
        "shipped:driver_genes.tsv",
        description="Driver genes that are searched in every lot with reads of lot and donor and a reference.gtf; null = none.",
    )
    hotspots: File = Field("shipped:hotspots.tsv", description="Recurrent mutations of the driver genes, by codon.")
    genes: File | None = Field(
        None,
        description="BED of further genes or exons to search (chrom start end gene). Lists such as the Cancer Gene Census are"
        " licensed, so none is shipped.",
    )
    licence: Annotated[str, Field(max_length=200)] = Field(
        "", description="A note on that list's release and licence, for the record."
    )
    calls: File | None = Field(
        None,
        description="VCF of another caller, '{lot}' in its path standing for the lot: samples named as in samples.tsv, with"
        " FORMAT/AD of lot and donor. Its calls at the searched loci are added.",
    )
    min_mapq: Annotated[int, Field(ge=0, le=60)] = Field(20, description="Lowest mapping quality of a read counted.")
    min_base_quality: Annotated[int, Field(ge=0, le=60)] = Field(20, description="Lowest base quality counted.")
    family_wise_error: ErrorRate = Field(0.05, description="Probability of any false driver mutation in a stable lot.")
    power: Power = Field(0.95, description="Probability of calling a mutation at the reported limit.")
    seed: Annotated[int, Field(ge=0)] = Field(7, description="Seed of the simulated mutations that verify the limits.")

    @property
    def lists(self) -> tuple[str | None, ...]:
        """Paths of the lists of genes that are searched; None where there is none."""
        return (self.genes, self.drivers, None if self.drivers is None else self.hotspots)


class Mitochondria(Section):
    """Mitochondrial DNA of the lot against its donor: copies, heteroplasmy, large deletions. Runs where reads do."""

    min_mapq: Annotated[int, Field(ge=0, le=60)] = Field(
        20, description="Lowest mapping quality of a read counted; copies in the nuclear genome map with less."
    )
    min_base_quality: Annotated[int, Field(ge=0, le=60)] = Field(
        30, description="Lowest base quality counted: Phred 30 is one error in 1,000."
    )
    family_wise_error: ErrorRate = Field(0.05, description="Probability of any false shift in a stable lot.")
    power: Power = Field(0.95, description="Probability of finding a shift or a deletion at its limit of detection.")


class Expression(Section):
    """Reads to counts, lot against donor."""

    markers: File = Field("shipped:markers.tsv", description="Marker genes and the expected state of each.")
    panel: File | None = Field(
        None,
        description="Reference panel of accepted lots, frozen by `karyolot panel freeze`. Not given: a lot is compared with"
        " its own donor alone.",
    )
    design: str = Field(
        "~ donor + state",
        description="Study design: state, and before it donor and any of platform, library_kit, seq_run."
        " A term with one value in all samples is left out, as is donor for a lot and its own donor.",
    )
    gc_bias: bool = Field(True, description="salmon --gcBias.")
    seq_bias: bool = Field(
        False,
        description="salmon --seqBias. Its model is drawn at random without a seed: two runs differ by up to 6 % in TPM.",
    )


class OwnGeneSets(Section):
    """A GMT file the user brings (Reactome, WikiPathways, MSigDB, KEGG, ...).

    sha256: pins the release; another file under the name is refused. licence: a note for the record, such as 'CC0' or
    'KEGG, academic licence of the institute'; whose it is to keep the user knows.
    """

    path: File
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    licence: Annotated[str, Field(min_length=1, max_length=200)]


class Pathways(Section):
    """Gene set enrichment."""

    gene_sets: tuple[File, ...] = Field(
        ("shipped:gene_sets/go.gmt", "shipped:gene_sets/yap_taz.gmt"),
        description="Shipped GMT files; version, licence and sha256 in resources/gene_sets/sources.tsv.",
    )
    own_gene_sets: tuple[OwnGeneSets, ...] = Field(
        (),
        description="Your GMT files, each {path: ..., sha256: ..., licence: ...}; see resources/gene_sets/README.md.",
    )
    axes: File = Field("shipped:gene_sets/axes.tsv", description="Assignment of gene sets to axes (WNT, NOTCH, ...).")
    min_size: PositiveInt = Field(
        5, description="Smallest set scored; GSEApy's 15 silently drops HGF receptor signalling."
    )
    max_size: PositiveInt = Field(500, description="Largest set scored.")
    seed: Annotated[int, Field(ge=0)] = Field(7, description="Seed of the permutations.")

    @field_validator("gene_sets")
    @classmethod
    def _own_files_are_pinned(cls, paths: tuple[str, ...]) -> tuple[str, ...]:
        if own := [path for path in paths if not path.startswith("shipped:")]:
            raise ValueError(
                f"{own[0]} is not a shipped file: name it in own_gene_sets, with its sha256 and a note on its licence"
            )
        return paths

    @property
    def gmt_files(self) -> tuple[str, ...]:
        """Paths of all GMT files, the shipped ones first."""
        return (*self.gene_sets, *(own.path for own in self.own_gene_sets))


class Report(Section):
    """Output for readers in addition to the reports; no verdict depends on it."""

    multiqc: bool = Field(
        False,
        description="Also write results/multiqc.html with the quality of all samples; `./run multiqc` installs MultiQC.",
    )


SIGNED = ("operator", "site", "host")
"""Settings that name who made a record, and where."""

RENAMED = {"plants": "spike_ins", "watch_regions": "recurrent_regions"}
"""Earlier name of a setting -> its name: what an unknown setting was meant to be."""


class Config(Section):
    """All settings of a run."""

    sheets: Sheets = Sheets()
    reference: Reference = Reference()
    reads: Reads = Reads()
    alignment: Alignment = Alignment()
    counting: Counting = Counting()
    copy_number: CopyNumber = CopyNumber()
    identity: Identity = Identity()
    small_variants: SmallVariants = SmallVariants()
    mitochondria: Mitochondria = Mitochondria()
    expression: Expression = Expression()
    pathways: Pathways = Pathways()
    report: Report = Report()
    acceptance: File = Field("shipped:acceptance.yaml", description="Acceptance criteria, a reviewed document.")
    notice: Annotated[str, Field(max_length=300)] = Field(
        "", description="A sentence printed on top of every report, for example 'validation run'."
    )
    operator: Label = Field(
        "",
        description="Who runs the study; printed on reports made from now on. The environment variable KARYOLOT_OPERATOR"
        " overrides it.",
    )
    site: Label = Field("", description="Laboratory or organisation, likewise; KARYOLOT_SITE overrides it.")
    host: Label = Field("", description="Name for the machine or cluster, likewise; KARYOLOT_HOST overrides it.")


LARGEST_EXCEPTION = 10_000_000
"""Bases of pseudo-autosomal regions, or of immune receptor genes, of one assembly: those of GRCh38 have 3.1 and 4.6 million."""


class Region(Section):
    """An interval of the genome, 0-based half-open."""

    chrom: str
    start: Annotated[int, Field(ge=0)]
    end: PositiveInt


class Layout(Section):
    """Facts of one assembly (`resources/genomes/<name>.yaml`).

    Contigs may be written with or without 'chr' here and in the FASTA; the FASTA's spelling is used in all results.
    cytobands: UCSC cytoBand file next to the layout; None = no arms, every contig is one arm.
    y_par: the copies of the pseudo-autosomal regions on Y, never analysed. immune_receptors: genes that lymphocytes
    rearrange, so that a few of them in one sample read as a loss.
    """

    name: str
    autosomes: Annotated[tuple[str, ...], Field(min_length=1)]
    x: str | None = None
    y: str | None = None
    x_par: tuple[Region, ...] = ()
    y_par: tuple[Region, ...] = ()
    immune_receptors: tuple[Region, ...] = ()
    cytobands: str | None = None
    source: str

    @field_validator("x_par", "y_par", "immune_receptors")
    @classmethod
    def _small(cls, regions: tuple[Region, ...]) -> tuple[Region, ...]:
        """Changes within these regions fail no lot."""
        total = sum(region.end - region.start for region in regions)
        if total > LARGEST_EXCEPTION:
            raise ValueError(f"{total:,} bases in all, and human ones have fewer than {LARGEST_EXCEPTION:,}")
        return regions
