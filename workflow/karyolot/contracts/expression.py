"""Tables of the RNA side, and what `expression.h5ad` must hold."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from karyolot.contracts.copy_number import Facts, Table
from karyolot.contracts.panel import PanelFacts
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.sheets import BATCHES

if TYPE_CHECKING:
    from anndata import AnnData  # takes seconds to import, and most readers of this module need only its tables

GeneSets = Mapping[str, frozenset[str]]
"""Set name -> gene names."""


class ExpressionSample(Facts):
    """An RNA sample. lot is '' for donor hepatocytes. path: salmon's quant.sf, or the count matrix that holds it.

    sex: of the donor by record. passage: 0 for hepatocytes. library: its libraries, 'one + other'; samples that share one are
    of one culture, and '' shares none. strandedness ('unstranded', 'forward', 'reverse'), platform,
    library_kit, seq_run: '' where the sheet does not state it.
    """

    sample_id: str
    donor: str
    lot: str
    state: Literal["hepatocyte", "lot"]
    path: str
    kind: Literal["salmon", "counts"]
    sex: Literal["F", "M"]
    passage: int
    library: str = ""
    strandedness: str = ""
    platform: str = ""
    library_kit: str = ""
    seq_run: str = ""


class TranscriptGenes(Table):
    """tx2gene.parquet: the gene of each transcript, sorted by transcript_id."""

    transcript_id: Series[str] = pa.Field(unique=True)
    gene_id: Series[str]


class Genes(Table):
    """genes.parquet: the genes of the annotation, sorted by gene_id.

    gene_name: the symbol, or the id of a gene without one; names may repeat. length: bases of all its exons together.
    chrom, start, end: where its exons lie, 0-based half-open; of a gene on X and Y, the interval on X.
    """

    gene_id: Series[str] = pa.Field(unique=True)
    gene_name: Series[str]
    length: Series[int] = pa.Field(gt=0)
    chrom: Series[str]
    start: Series[int] = pa.Field(ge=0)
    end: Series[int] = pa.Field(gt=0)


class Quantified(NamedTuple):
    """Expression as it came in, before it is joined with samples and annotation: tables of genes x samples.

    counts: reads or fragments, not yet rounded. tpm, length (effective, bases): None when a count matrix came in.
    genes: gene_name and length of the genes where the file itself states them, else null; index as in counts.
    """

    counts: pd.DataFrame
    tpm: pd.DataFrame | None
    length: pd.DataFrame | None
    genes: pd.DataFrame


class Quantification(Facts):
    """Facts that salmon reports of a sample.

    decoy_fragments: fit the genome better than any transcript. library_type: the one salmon quantified for ('ISR',
    ...); with few fragments it does not look and takes 'IU'. antisense_fraction: of the mapped fragments, those whose
    read 1 is antisense: 1 in a reverse-stranded (dUTP) library, half in an unstranded one. fragment_length: mean, bases;
    salmon's prior for single ends. index_sha256: of the indexed transcripts' sequences.
    """

    fragments: int
    mapped: int
    percent_mapped: float
    decoy_fragments: int
    library_type: str
    antisense_fraction: float
    fragment_length: float
    salmon_version: str
    index_sha256: str


class MarkerPanel(Table):
    """resources/markers.tsv. A gene may be in two groups. reason: why it is reported."""

    gene_name: Series[str]
    group: Series[str]
    expected: Series[str] = pa.Field(isin=["down", "up", "detected", "absent", "report"])
    source: Series[str]
    reason: Series[str]


class SetAxes(Table):
    """resources/gene_sets/axes.tsv: the sets that are scored, in the order they are shown.

    informational 'no': an axis the product is described by; 'yes': shown beside.
    """

    set_name: Series[str] = pa.Field(unique=True)
    axis: Series[str]
    informational: Series[str] = pa.Field(isin=["yes", "no"])


class DifferentialExpression(Table):
    """One gene a row, sorted by gene_id. Positive log2fc = higher in the lot than in donor hepatocytes.

    base_mean: mean of size-factor-normalised counts, outliers among 7 replicates or more replaced. log2fc: maximum
    likelihood estimate, log2 units; null for a gene without a count. log2fc_shrunk: the same drawn towards zero as far as
    the gene's counts leave room (apeglm): for ranking and showing genes, never for a limit. log2fc_se (of log2fc), stat
    (Wald), p, padj (Benjamini-Hochberg): null, like log2fc_shrunk, when the design has no replicates (effect sizes only:
    log2fc is then a difference of log2 means), or when DESeq2 sets them aside (an outlier; padj also where counts are low).
    """

    gene_id: Series[str] = pa.Field(unique=True)
    gene_name: Series[str]
    base_mean: Series[float] = pa.Field(ge=0)
    log2fc: Series[float] = pa.Field(nullable=True)
    log2fc_shrunk: Series[float] = pa.Field(nullable=True)
    log2fc_se: Series[float] = pa.Field(nullable=True)
    stat: Series[float] = pa.Field(nullable=True)
    p: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    padj: Series[float] = pa.Field(ge=0, le=1, nullable=True)


DETECTED_TPM = 1.0
"""A gene at or above counts as expressed, below as absent: an engineering default, as in acceptance.yaml (R01, R04,
R05); one transcript per million is about one in three cells (a cell holds some 300,000)."""
CHANGED_LOG2 = 1.0
"""A gene counts as up or down from twofold on: an engineering default, as in acceptance.yaml (R02, R03, R06)."""


class Markers(Table):
    """The marker panel of one lot against its donor, in panel order.

    group: a group of resources/markers.tsv. expected: 'down', 'up', 'detected', 'absent' or 'report'.
    lot_tpm, donor_tpm: mean over replicates, transcripts per million; lot_tpm_low/high: lowest and highest replicate
    of the lot. TPM are null when gene lengths are not known; everything is null when the gene is not in the annotation.
    donor_reads, lot_reads: of the gene, all samples together. log2fc_low, log2fc_high: 95 % interval from the spread of the
    replicates of this lot and donor, null without replicates; it does not describe the variation between lots.
    met: 'yes' or 'no'; null = cannot be determined from these reads, not assessed, or only reported.
    """

    gene_name: Series[str]
    group: Series[str]
    expected: Series[str] = pa.Field(isin=["down", "up", "detected", "absent", "report"])
    lot_tpm: Series[float] = pa.Field(ge=0, nullable=True)
    lot_tpm_low: Series[float] = pa.Field(ge=0, nullable=True)
    lot_tpm_high: Series[float] = pa.Field(ge=0, nullable=True)
    donor_tpm: Series[float] = pa.Field(ge=0, nullable=True)
    donor_reads: Series[float] = pa.Field(ge=0, nullable=True)
    lot_reads: Series[float] = pa.Field(ge=0, nullable=True)
    log2fc: Series[float] = pa.Field(nullable=True)
    log2fc_low: Series[float] = pa.Field(nullable=True)
    log2fc_high: Series[float] = pa.Field(nullable=True)
    padj: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    met: Series[str] = pa.Field(isin=["yes", "no"], nullable=True)


class Enrichment(Table):
    """Gene set enrichment of one contrast (GSEA on the ranked genes), one configured set a row, sorted by set_name.

    axis: 'WNT', 'NOTCH', 'Hippo', ...; informational: as in SetAxes. set_size: genes of the set; used: those in the ranking.
    es, nes: (normalised) enrichment score, positive = up in the lot. p: that the set's genes moved otherwise than others, by
    CAMERA, which allows for their correlation; null without replicates. padj: Benjamini-Hochberg over the sets that have a p.
    leading_edge: gene names, comma separated, strongest first. reason: why a set is not assessed, when too few of its genes
    are measured in this lot; scores and p are then null and leading_edge is ''. '' where it is assessed.
    """

    set_name: Series[str] = pa.Field(unique=True)
    axis: Series[str]
    informational: Series[str] = pa.Field(isin=["yes", "no"])
    set_size: Series[int] = pa.Field(ge=1)
    used: Series[int] = pa.Field(ge=0)
    es: Series[float] = pa.Field(ge=-1, le=1, nullable=True)
    nes: Series[float] = pa.Field(nullable=True)
    p: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    padj: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    leading_edge: Series[str]
    reason: Series[str]


class SampleLevels(Table):
    """Genes of interest in every sample of a lot and its donor, in the order they are drawn, the donor's samples first.

    group: of the marker panel, or a pathway axis. log2: log2(normalised counts + 1) minus its mean in the donor's samples.
    """

    gene_name: Series[str]
    group: Series[str]
    sample_id: Series[str]
    log2: Series[float]


class RnaQuality(Table):
    """Quality of the RNA samples of a lot and its donor that shows only once genes are counted, one sample a row.

    genes_detected: genes at DETECTED_TPM or more; null when gene lengths are not known. rrna_fraction, mitochondrial_fraction:
    of the counts, 0..1; null when the annotation names no such gene.
    """

    sample_id: Series[str] = pa.Field(unique=True)
    genes_detected: Series[float] = pa.Field(ge=0, nullable=True)
    rrna_fraction: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    mitochondrial_fraction: Series[float] = pa.Field(ge=0, le=1, nullable=True)


class SampleDistances(Table):
    """Every two samples of a study, both ways. distance: root mean squared difference of log2 levels."""

    sample_id: Series[str]
    other_id: Series[str]
    distance: Series[float] = pa.Field(ge=0)


class MarkerScores(Table):
    """Marker groups of a study in every sample. score: log2 level of the group's genes above random genes of like level."""

    group: Series[str]
    sample_id: Series[str]
    score: Series[float]


class ArmShifts(Table):
    """Expression of each chromosome arm, lot over donor, one arm a row in the order of the genome.

    arm: as in bins ('chr8q'). genes: used ones. log2: median log2 fold change of its genes against the other arms; se:
    standard error, from genes and from the spread over arms; z = log2 / se. Null where too few genes or arms are known.
    """

    arm: Series[str] = pa.Field(unique=True)
    genes: Series[int] = pa.Field(ge=0)
    log2: Series[float] = pa.Field(nullable=True)
    se: Series[float] = pa.Field(gt=0, nullable=True)
    z: Series[float] = pa.Field(nullable=True)


class SetScores(Table):
    """GSVA scores of a study, one row per set and sample. Relative to the cohort: never used in a verdict.

    score: null in every sample when too few genes of the set vary between samples.
    """

    set_name: Series[str]
    axis: Series[str]
    sample_id: Series[str]
    score: Series[float] = pa.Field(nullable=True)


class Components(Table):
    """Principal components of a study, one row per component and sample.

    component: from 1, by falling variance. variance_explained: by the component, 0..1. coordinate: in log2 units. state: what
    the sample is; panel: that of a sample of the reference panel, '' for one of the study.
    """

    component: Series[int] = pa.Field(ge=1)
    variance_explained: Series[float] = pa.Field(ge=0, le=1)
    sample_id: Series[str]
    coordinate: Series[float]
    state: Series[str] = pa.Field(isin=["lot", "hepatocyte"])
    panel: Series[str] = pa.Field(isin=["", "lot", "hepatocyte"])


OBS = ("donor", "lot", "state", "sex", "passage", "library", "replicate", "strandedness", "library_type", *BATCHES)
VAR = ("gene_name", "chrom", "start", "end", "length")
UNS: Mapping[str, frozenset[str]] = {
    "annotation": frozenset({"gtf", "sha256", "genes"}),
    "quantification": frozenset({"method", "version", "index_sha256"}),
    "made": frozenset({"counts", "karyolot"}),
}


def check_expression(expression: "AnnData") -> "AnnData":
    """Return `expression` if it matches the schema, else raise KaryolotError naming the mismatch.

    Samples x genes. layers['counts']: whole numbers >= 0 (from transcripts: length-scaled TPM, rounded).
    layers['tpm'], layers['length']: transcripts per million, and effective length in bases; both absent when no gene length
    is known, and NaN in every sample for a gene whose length is not known. No NaN elsewhere.
    obs: lot is '' for donor hepatocytes; state is 'hepatocyte' (donor) or 'lot'; sex: of the donor by record; passage: 0 for
    hepatocytes; library: see ExpressionSample; replicate: from 1 within a lot, or a donor's hepatocytes, by sample id;
    strandedness: as the sheet declares; library_type: as salmon found it, '' for counts; batches; '' where the sheet does not
    state it.
    var: index gene_id (unique); chrom, start, end: as in Genes, '' and null without annotation; length: bases of all exons
    together, null where not known.
    uns: annotation: name of the GTF, sha256 (`gene_digest`) and number of its genes; '' and 0 without one. quantification:
    method 'salmon' or 'counts', version and index of salmon ('' for counts). made: how counts were made, karyolot's version.
    Nothing in it changes between two runs of the same inputs: no times, no paths.
    """
    faults = [] if "counts" in expression.layers else ["layer 'counts' is missing"]
    if ("tpm" in expression.layers) != ("length" in expression.layers):
        faults.append("one of the layers 'tpm' and 'length' is missing")
    for layer in sorted(expression.layers):
        values = np.asarray(expression.layers[layer], dtype=float)
        if layer != "counts":
            values = values[:, ~np.isnan(values).all(axis=0) | expression.var["length"].notna().to_numpy()]
        if not np.isfinite(values).all() or (values < 0).any():
            faults.append(f"layer '{layer}' holds a negative, NaN or infinite value")
        elif layer == "counts" and (values != np.rint(values)).any():
            faults.append("layer 'counts' holds numbers that are not integers")
    faults += [f"obs column '{name}' is missing" for name in OBS if name not in expression.obs]
    faults += [f"var column '{name}' is missing" for name in VAR if name not in expression.var]
    faults += [
        f"uns '{name}' does not hold {', '.join(sorted(keys))}"
        for name, keys in UNS.items()
        if set(expression.uns.get(name, {})) != keys
    ]
    if not expression.var_names.is_unique:
        faults.append("gene ids repeat")
    if not expression.obs_names.is_unique:
        faults.append("sample ids repeat")
    if faults:
        raise KaryolotError("expression.h5ad does not match its schema: " + "; ".join(faults))
    return expression


class PanelComparison(Table):
    """A lot against the panel, one row per module (first) and marker gene.

    lot, donor, difference: singscores of a module, log2(TPM + 1) of a marker; null where gene lengths are not known.
    panel_mean, panel_sd: of the differences of the panel's lots, the lot itself left out; null with fewer than two.
    prediction_low, prediction_high: where the difference of the next accepted lot lies with 95 % probability: a module
    has the one limit that a bad lot breaks, a marker both. tolerance_low, tolerance_high: of a module, the bound that
    90 % of all accepted lots keep, with 95 % confidence. All four are null with fewer than MIN_LOTS lots.
    margin: of a module, SD of the panel by which the difference is inside its prediction limit; negative = beyond.
    p: of a marker, two-sided, that an accepted lot differs as much; p_holm: adjusted over the markers (Holm).
    """

    kind: Series[str] = pa.Field(isin=["module", "marker"])
    name: Series[str]
    expected: Series[str] = pa.Field(isin=["up", "down"], nullable=True)
    lot: Series[float] = pa.Field(nullable=True)
    donor: Series[float] = pa.Field(nullable=True)
    difference: Series[float] = pa.Field(nullable=True)
    panel_mean: Series[float] = pa.Field(nullable=True)
    panel_sd: Series[float] = pa.Field(ge=0, nullable=True)
    prediction_low: Series[float] = pa.Field(nullable=True)
    prediction_high: Series[float] = pa.Field(nullable=True)
    tolerance_low: Series[float] = pa.Field(nullable=True)
    tolerance_high: Series[float] = pa.Field(nullable=True)
    margin: Series[float] = pa.Field(nullable=True)
    p: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    p_holm: Series[float] = pa.Field(ge=0, le=1, nullable=True)


class PanelResults(NamedTuple):
    """All panel results of a report. table: PanelComparison. genes: DifferentialExpression of the lot's change
    against the panel's, log2fc positive = the lot rises more (or falls less) than the panel's lots do. components: Components
    of lot, donor and panel."""

    facts: PanelFacts
    table: pd.DataFrame
    genes: pd.DataFrame
    components: pd.DataFrame


class ExpressionResults(NamedTuple):
    """All expression results of a lot, as its report needs them. samples, cultures: of RNA of the lot and of its
    donor; samples that share a library are of one culture.

    levels: SampleLevels. arms: ArmShifts; None if no annotation gives the positions of genes. panel: None when none is given.
    quality: RnaQuality. components: Components of these samples alone, no row for fewer than three.
    """

    differential: pd.DataFrame
    markers: pd.DataFrame
    enrichment: pd.DataFrame
    lot_samples: int
    donor_samples: int
    lot_cultures: int
    donor_cultures: int
    levels: pd.DataFrame | None = None
    arms: pd.DataFrame | None = None
    panel: PanelResults | None = None
    quality: pd.DataFrame | None = None
    components: pd.DataFrame | None = None


class StudyResults(NamedTuple):
    """Expression across lots: schemas Components, SampleDistances, MarkerScores and SetScores."""

    components: pd.DataFrame
    distances: pd.DataFrame
    scores: pd.DataFrame
    sets: pd.DataFrame
