"""Names of the files that rules read and write. Pure functions; nothing is opened."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from karyolot.contracts.results import (
    AlleleFiles,
    BinFiles,
    ComparisonFiles,
    CopyNumberFiles,
    DescentFiles,
    ExpressionFiles,
    ForeignFiles,
    Inputs,
    LotFiles,
    MitochondrialFiles,
    OverviewFiles,
    PanelFiles,
    QualityFiles,
    StudyFiles,
    VariantFiles,
)
from karyolot.contracts.settings import Config, Expression, Reference, SmallVariants
from karyolot.contracts.sheets import Study
from karyolot.io.shipped import portable, resource
from karyolot.plan.samples import (
    allele_lots,
    allele_samples,
    ancestors,
    dna_sample,
    expressed_of,
    families,
    has_alleles,
    is_rna,
    lots_with_dna,
    lots_with_reads,
    lots_with_rna,
    rna_samples,
    sample_facts,
    sequenced_samples,
    study_samples,
    unit_of,
    variant_lots,
    variant_samples,
    verified_with,
    wgs_pair,
)

# Names that several rules, or rules and functions, use; {lot} and {sample} are Snakemake's wildcards.

FASTA = "results/reference/genome.fa"
FASTA_INDEX = f"{FASTA}.fai"
INDEX = "results/reference/index/genome"
PACKED_INDEX = f"{INDEX}.bwt.2bit.64"
BINS = "results/reference/bins.parquet"
SITES = "results/reference/sites.parquet"
TRANSCRIPTS = "results/reference/salmon"
TRANSCRIPT_GENES = "results/reference/tx2gene.parquet"
GENES = "results/reference/genes.parquet"
REFERENCE_FACTS = "results/reference/files.json"

UNIT_FACTS = "results/samples/{sample}/reads/{unit}.json"
READ_FACTS = {kind: f"results/samples/{{sample}}/{kind}/reads.json" for kind in ("dna", "rna")}
FASTP = {kind: f"results/samples/{{sample}}/{kind}/{{sample}}.fastp.json" for kind in ("dna", "rna")}
ALIGNED = {"dna": "results/samples/{sample}/dna/aligned.cram", "rna": "results/samples/{sample}/rna/aligned.bam"}
ALIGNED_INDEX = {"dna": f"{ALIGNED['dna']}.crai", "rna": f"{ALIGNED['rna']}.bai"}
COUNTS = "results/samples/{sample}/dna/counts.parquet"
LIBRARY = "results/samples/{sample}/dna/library.json"
FLAGSTAT = "results/samples/{sample}/dna/flagstat.json"
TRIMMED = "results/samples/{sample}/rna/trimmed"
QUANTIFIED = "results/samples/{sample}/rna/quant.sf"
SALMON = "results/samples/{sample}/rna/salmon.json"
ALLELES = "results/samples/{sample}/alleles.parquet"

DNA = CopyNumberFiles(
    ratios="results/{lot}/dna/log_ratios.parquet",
    segments="results/{lot}/dna/segments.parquet",
    calls="results/{lot}/dna/calls.parquet",
    arms="results/{lot}/dna/arms.parquet",
    lod="results/{lot}/dna/lod.parquet",
    variants="results/{lot}/dna/donor_variants.parquet",
    landmarks="results/{lot}/dna/landmarks.parquet",
    comparison="results/{lot}/dna/comparison.json",
    noise="results/{lot}/dna/noise.json",
    match="results/{lot}/dna/match.json",
    karyotype="results/{lot}/dna/karyotype.json",
)
CALLS_VCF = "results/{lot}/dna/calls.vcf"
LOT_ALLELES = AlleleFiles(
    identity="results/{lot}/alleles/identity.json",
    events="results/{lot}/alleles/events.parquet",
    facts="results/{lot}/alleles/facts.json",
    arms="results/{lot}/alleles/arms.parquet",
    track="results/{lot}/alleles/track.parquet",
    persons="results/{lot}/alleles/persons.json",
)
VARIANTS = VariantFiles(
    variants="results/{lot}/variants/small_variants.parquet", limits="results/{lot}/variants/limits.parquet",
    facts="results/{lot}/variants/facts.json",
)  # fmt: skip
MITOCHONDRIA = MitochondrialFiles(
    heteroplasmies="results/{lot}/mitochondria/heteroplasmies.parquet",
    deletions="results/{lot}/mitochondria/deletions.parquet",
    facts="results/{lot}/mitochondria/facts.json",
)
FOREIGN = ForeignFiles(
    sequences="results/{lot}/foreign/sequences.parquet",
    integrations="results/{lot}/foreign/integrations.parquet",
    facts="results/{lot}/foreign/facts.json",
)
EXPRESSION = "results/{lot}/rna/expression.h5ad"
PANEL = PanelFiles(
    comparison=ComparisonFiles(table="results/{lot}/rna/panel.parquet", facts="results/{lot}/rna/panel.json"),
    genes="results/{lot}/rna/panel_genes.parquet",
    components="results/{lot}/rna/pca.parquet",
)
RNA = ExpressionFiles(
    differential="results/{lot}/rna/de.parquet",
    markers="results/{lot}/rna/markers.parquet",
    enrichment="results/{lot}/rna/enrichment.parquet",
    levels="results/{lot}/rna/levels.parquet",
    quality="results/{lot}/rna/quality.parquet",
    components="results/{lot}/rna/components.parquet",
    arms="results/{lot}/rna/arms.parquet",
    panel=PANEL,
)
METRICS = {
    **{
        stage: f"results/{{lot}}/{stage}/metrics.json"
        for stage in ("dna", "rna", "alleles", "variants", "mitochondria", "foreign", "lineage")
    },
    "panel": "results/{lot}/rna/panel_metrics.json",
}
DESCENT = "results/{lot}/lineage/parent.json"
KINETICS, FAMILY = "results/{lot}/lineage/kinetics.json", "results/study/lineage/{family}.json"
LOT_METRICS = "results/{lot}/metrics.json"
VERDICT = "results/{lot}/verdict.json"
REPORT = "results/{lot}/report.json"
HTML = "results/{lot}/report.html"
PDF = "results/{lot}/report.pdf"
FIGURES = "results/{lot}/figures"

STUDY_EXPRESSION = "results/study/expression.h5ad"
STUDY_DIFFERENTIAL = "results/study/de.parquet"
STUDY = StudyFiles(
    components="results/study/pca.parquet",
    distances="results/study/distances.parquet",
    scores="results/study/marker_scores.parquet",
    sets="results/study/scores.parquet",
)
PAIRS = "results/study/identity.parquet"
OVERVIEW, LOTS_TSV, LOTS_XLSX = "results/overview.html", "results/lots.tsv", "results/lots.xlsx"
MULTIQC = "results/multiqc.html"


ALIASES = "shipped:aliases.tsv"
"""Former symbols of marker genes."""


def shipped(path: str) -> str:
    """A path of the config as a rule's input: `shipped:NAME` in the project, all else relative to the working directory."""
    return str(resource(path, Path()))


def given(path: str | None) -> list[str]:
    """A file the config may leave out, as the input of a rule that is then never needed."""
    return [shipped(path)] if path is not None else []


def bin_inputs(reference: Reference) -> Inputs:
    """Inputs of the grid of bins (BinFiles); ready bins leave no use for genome and tracks."""
    layout = shipped(reference.layout)
    if reference.bins is not None:
        return BinFiles.inputs(BinFiles(layout=layout, bins=reference.bins))
    tracks = {name: getattr(reference, name) for name in ("mappability", "replication_timing", "blacklist")}
    given = {name: shipped(path) for name, path in tracks.items() if path is not None}
    return BinFiles.inputs(BinFiles(layout=layout, fasta=FASTA, **given))


def counts_of(study: Study, *, lot: str | None = None, donor: str | None = None) -> str:
    return COUNTS.format(sample=dna_sample(study, lot=lot, donor=donor))


def lot_targets(study: Study) -> list[str]:
    """Reports of the lots with WGS, and the page that links them; of a lot with RNA alone, its expression results."""
    judged = lots_with_dna(study)
    files = [name.format(lot=lot) for lot in judged for name in (HTML, PDF, CALLS_VCF)]
    files += [OVERVIEW, LOTS_TSV] * bool(judged)
    only_rna = [lot for lot in lots_with_rna(study) if lot not in judged]
    return files + [name.format(lot=lot) for lot in only_rna for name in (METRICS["rna"], RNA.enrichment)]


def reports(study: Study) -> list[str]:
    return [REPORT.format(lot=lot) for lot in lots_with_dna(study)]


def study_targets(study: Study) -> list[str]:
    """Results across lots, of a study with RNA of several: gene by gene, scores and components from three samples on (with
    two, rank-based scores are arbitrary). Those of a single lot are its own."""
    tables = study_files(study)
    across = [tables.sets, tables.components, tables.distances, tables.scores] if tables else []
    return [STUDY_DIFFERENTIAL] * (len(lots_with_rna(study)) > 1) + across


def study_files(study: Study) -> StudyFiles | None:
    """Tables that compare samples across lots; None with fewer than three RNA samples or two lots."""
    return STUDY if len(study_samples(study)) >= 3 and len(lots_with_rna(study)) > 1 else None


def run_targets(study: Study, settings: Config) -> list[str]:
    """The page on the quality of all samples, when it is wanted and any lot is judged."""
    return [MULTIQC] * (settings.report.multiqc and bool(lots_with_dna(study)))


def said_by_fastp(study: Study) -> list[str]:
    """fastp's JSON of every unit any report rests on."""
    samples = {sample for lot in lots_with_dna(study) for sample in sequenced_samples(study, lot)}
    return [path for sample in sorted(samples) for path in quality_files(study, sample).fastp]


def overview_inputs(study: Study, settings: Config) -> Inputs:
    """Inputs of the page of all lots (OverviewFiles)."""
    pairs = PAIRS if allele_lots(study, settings) else None
    lineages = tuple(FAMILY.format(family=first) for first in families(study))
    return OverviewFiles.inputs(
        OverviewFiles(reports=tuple(reports(study)), study=study_files(study), pairs=pairs, lineages=lineages)
    )


def metrics_of(study: Study, settings: Config, lot: str) -> list[str]:
    """Metric files of a lot: copy number always, the others if requested and possible with its data. A later file replaces values
    of an earlier one: that of the alleles holds the metrics of copy number again, with the alleles' evidence for each call."""
    asked = {
        "dna": True,
        "rna": bool(rna_samples(study, lot)),
        "panel": panel_files(study, settings.expression, lot) is not None,
        "alleles": has_alleles(study, settings, lot),
        "variants": lot in variant_lots(study, settings),
        "mitochondria": lot in lots_with_reads(study, settings),
        "lineage": bool(ancestors(study, lot)),
        "foreign": foreign_files(study, settings, lot) is not None,
    }
    parts = [part for part, wanted in asked.items() if wanted]
    return [METRICS[part].format(lot=lot) for part in parts]


def verified_data(study: Study, lot: str) -> list[str]:
    """What was found of the inputs of every sample a lot's report rests on: their checksums, and of reads their number."""
    return [path for sample in sequenced_samples(study, lot) for path in verified_units(study, sample)]


def verified_units(study: Study, sample: str) -> list[str]:
    """What was found of the files of a sample: of each unit, or of all lanes of reads, which are read in one job. A count
    matrix is verified once, as that of the first sample it holds."""
    if study.samples[sample][0].fastq_1:
        return [READ_FACTS[_kind(study, sample)].format(sample=sample)]
    rows = [verified_with(study, row) for row in study.samples[sample]]
    return list(dict.fromkeys(UNIT_FACTS.format(sample=row.sample_id, unit=row.unit) for row in rows))


def trimmed_reads(sample: str, mate: int) -> str:
    """Trimmed reads of an RNA sample, all its lanes."""
    return f"{TRIMMED.format(sample=sample)}/{mate}.fq.gz"


def _kind(study: Study, sample: str) -> str:
    return "rna" if is_rna(study, sample) else "dna"


def ready_file(study: Study, sample: str, unit: str) -> str:
    """The alignment or count table a unit came as."""
    row = unit_of(study, sample, unit)
    path = row.alignment or row.counts
    assert path is not None  # the rule is constrained to samples that came so
    return path


def quality_files(study: Study, sample: str) -> QualityFiles:
    first, assay = study.samples[sample][0], _kind(study, sample)
    aligned = assay == "dna" and not first.counts
    return QualityFiles(
        reads=tuple(verified_units(study, sample) if first.fastq_1 else ()),
        fastp=(FASTP[assay].format(sample=sample),) if first.fastq_1 else (),
        flagstat=(FLAGSTAT.format(sample=sample),) if aligned else (),
        library=(LIBRARY.format(sample=sample),) if aligned else (),
        salmon=(SALMON.format(sample=sample),) if assay == "rna" and not first.counts else (),
    )


def quality_of(study: Study, lot: str) -> list[dict[str, Any]]:
    """Of every sample of a lot: its facts (`sample_facts`), and the files on its quality by the tool that wrote them."""
    names = sequenced_samples(study, lot)
    return [
        {"facts": sample_facts(study, name), "said": QualityFiles.inputs(quality_files(study, name))} for name in names
    ]


def reference_files(settings: Config) -> list[str]:
    """Files that the settings name, and those that come with this version: what the results of any lot may rest on."""
    reference, identity, expression = settings.reference, settings.identity, settings.expression
    named = [
        *reference.model_dump(exclude={"decoys"}).values(),
        settings.acceptance,
        settings.copy_number.recurrent_regions,
    ]
    named += [*settings.small_variants.lists, identity.sites, expression.markers, expression.panel]
    named += [*settings.pathways.gmt_files, settings.pathways.axes, ALIASES]
    return list(dict.fromkeys(shipped(path) for path in named if path is not None))


def used_references(study: Study, settings: Config, lot: str) -> list[str]:
    """Those of `reference_files` that a lot's results rest on, as its record names them."""
    reference = settings.reference
    named = [reference.layout, reference.fasta, reference.bins, reference.mappability, reference.replication_timing]
    named += [reference.blacklist, reference.gtf, settings.acceptance, settings.copy_number.recurrent_regions]
    if has_alleles(study, settings, lot):
        named.append(settings.identity.sites)
    if lot in variant_lots(study, settings):
        named += settings.small_variants.lists
    if foreign_files(study, settings, lot) is not None:
        named.append(reference.foreign)
    if rna_samples(study, lot):
        named += [reference.transcripts, settings.expression.markers, settings.expression.panel]
        named += [*settings.pathways.gmt_files, settings.pathways.axes, ALIASES]
    return list(dict.fromkeys(portable(shipped(path)) for path in named if path is not None))


def own_files(study: Study, settings: Config, lot: str) -> list[str]:
    """Files of one lot that no rule verifies: tables of allele counts, calls of small variants."""
    tables = (
        [study.samples[sample][0].alleles for sample in wgs_pair(study, lot)]
        if has_alleles(study, settings, lot)
        else []
    )
    calls = own_calls(settings.small_variants, lot) if lot in variant_lots(study, settings) else []
    return list(dict.fromkeys([path for path in tables if path is not None] + calls))


def panel_files(study: Study, settings: Expression, lot: str) -> PanelFiles | None:
    """A lot's RNA and the reference panel; None without panel or RNA."""
    return PANEL.at(lot=lot) if settings.panel is not None and rna_samples(study, lot) else None


def expression_files(study: Study, settings: Config, lot: str) -> ExpressionFiles | None:
    """Expression of a lot; None without RNA of the lot and of its donor."""
    if not rna_samples(study, lot):
        return None
    files = RNA.at(lot=lot)
    arms = files.arms if settings.reference.gtf is not None else None
    return replace(files, arms=arms, panel=panel_files(study, settings.expression, lot))


def allele_files(study: Study, settings: Config, lot: str) -> AlleleFiles | None:
    """Identity and alleles of a lot; None without a panel of sites."""
    return LOT_ALLELES.at(lot=lot) if has_alleles(study, settings, lot) else None


def variant_files(study: Study, settings: Config, lot: str) -> VariantFiles | None:
    """Small variants of a lot; None where they were not searched."""
    return VARIANTS.at(lot=lot) if lot in variant_lots(study, settings) else None


def mitochondrial_files(study: Study, settings: Config, lot: str) -> MitochondrialFiles | None:
    """Mitochondrial DNA of a lot; None without reads of lot and donor."""
    return MITOCHONDRIA.at(lot=lot) if lot in lots_with_reads(study, settings) else None


def foreign_files(study: Study, settings: Config, lot: str) -> ForeignFiles | None:
    """Foreign sequences in a lot; None without a panel of them, or without reads of lot and donor."""
    searched = settings.reference.foreign is not None and lot in lots_with_reads(study, settings)
    return FOREIGN.at(lot=lot) if searched else None


def mitochondria_inputs(study: Study, lot: str) -> dict[str, list[str]]:
    """Reads of a lot and of its donor with the records of how deep their nuclear genomes are, in that order."""
    pair = wgs_pair(study, lot)[::-1]
    said = {name: [file.format(sample=s) for s in pair] for name, file in (("counts", COUNTS), ("flagstat", FLAGSTAT))}
    return paired(study, lot) | said


def lot_files(study: Study, settings: Config, lot: str) -> LotFiles:
    """All that a lot's record is made from."""
    return LotFiles(
        dna=DNA.at(lot=lot),
        rna=expression_files(study, settings, lot),
        alleles=allele_files(study, settings, lot),
        variants=variant_files(study, settings, lot),
        mitochondria=mitochondrial_files(study, settings, lot),
        foreign=foreign_files(study, settings, lot),
        metrics=LOT_METRICS.format(lot=lot),
        verdict=VERDICT.format(lot=lot),
        recurrent=shipped(settings.copy_number.recurrent_regions),
        references=REFERENCE_FACTS,
        data=tuple(verified_data(study, lot)),
        own=tuple(own_files(study, settings, lot)),
        quality=tuple(path for row in quality_of(study, lot) for paths in row["said"].values() for path in paths),
        earlier=tuple(REPORT.format(lot=name) for name in ancestors(study, lot)),
        kinetics=KINETICS.format(lot=lot) if ancestors(study, lot) else None,
        descent=DESCENT.format(lot=lot) if ancestors(study, lot) else None,
    )


def lineage_inputs(study: Study, lot: str) -> dict[str, list[str]]:
    """What the clones of a lot are followed in: counts and calls of the lots it was grown from and, last, its own; and the
    verdicts on the earlier ones, with their metrics."""
    earlier = ancestors(study, lot)
    return _line_inputs(study, [*earlier, lot], earlier)


def descent_inputs(study: Study, settings: Config, lot: str) -> Inputs:
    """Evidence beside clones that a lot was grown from its nearest sequenced declared parent lot (DescentFiles)."""
    parent = ancestors(study, lot)[-1]
    return DescentFiles.inputs(
        DescentFiles(
            parent_variants=variant_files(study, settings, parent),
            own_variants=variant_files(study, settings, lot),
            parent_mitochondria=mitochondrial_files(study, settings, parent),
            own_mitochondria=mitochondrial_files(study, settings, lot),
        ),
        "descent_",
    )


def family_inputs(study: Study, first: str) -> dict[str, list[str]]:
    """As `lineage_inputs`, of all lots grown from one."""
    lots = families(study)[first]
    return _line_inputs(study, lots, lots)


def _line_inputs(study: Study, lots: Sequence[str], judged: Sequence[str]) -> dict[str, list[str]]:
    return {
        "counts": [counts_of(study, lot=name) for name in lots],
        "calls": [DNA.calls.format(lot=name) for name in lots],
        "verdicts": [VERDICT.format(lot=name) for name in judged],
        "metrics": [LOT_METRICS.format(lot=name) for name in judged],
    }


def lot_inputs(study: Study, settings: Config, lot: str) -> Inputs:
    return LotFiles.inputs(lot_files(study, settings, lot))


def panel_inputs(study: Study, settings: Expression, lot: str) -> Inputs:
    """The comparison with the reference panel among the inputs of a rule that takes others too."""
    panel = panel_files(study, settings, lot)
    return ComparisonFiles.inputs(panel.comparison if panel else None, "panel_")


def allele_table(sample: dict[str, str]) -> str:
    return ALLELES.format(sample=sample["sample_id"])


def allele_tables(study: Study, settings: Config) -> list[str]:
    """Allele counts of `allele_samples`, in that order."""
    return [allele_table(sample) for sample in allele_samples(study, settings)]


def panel_sites(settings: Config) -> list[str]:
    """The panel of SNPs in the order and spelling of the genome, when there is one."""
    return [SITES] if settings.identity.sites is not None else []


def alleles_of(study: Study, settings: Config, lot: str) -> dict[str, object]:
    """Allele counts of a lot, by name: its own, its donor's, and those of the RNA of both (as `expressed_of` lists it)."""
    samples = allele_samples(study, settings, lot)
    dna = {sample["role"]: allele_table(sample) for sample in samples if sample["assay"] == "wgs"}
    return {**dna, "rna": [allele_table(sample) for sample in expressed_of(study, settings, lot)]}


def counted_of(study: Study, settings: Config, lot: str) -> dict[str, dict[str, str]]:
    """Allele counts of a lot's samples by sample, and those of the DNA of the other donors by donor."""
    donor = study.lots[lot].donor_id if has_alleles(study, settings, lot) else None
    if donor is None:
        return {"own": {}, "donors": {}}
    own = [sample for sample in allele_samples(study, settings, lot) if sample["role"] == "lot"]
    others = [s for s in allele_samples(study, settings) if s["role"] == "donor" and s["assay"] == "wgs"]
    return {
        "own": {sample["sample_id"]: allele_table(sample) for sample in own},
        "donors": {sample["person"]: allele_table(sample) for sample in others if sample["person"] != donor},
    }


def aligned(study: Study, sample: str) -> dict[str, str]:
    """Sorted reads of a sample on the genome, and their index."""
    kind = _kind(study, sample)
    return {name: files[kind].format(sample=sample) for name, files in (("reads", ALIGNED), ("index", ALIGNED_INDEX))}


def paired(study: Study, lot: str) -> dict[str, list[str]]:
    """`aligned` of a lot and of its donor, in that order."""
    files = [aligned(study, sample) for sample in variant_samples(study, lot)]
    return {name: [file[name] for file in files] for name in ("reads", "index")}


def own_calls(settings: SmallVariants, lot: str) -> list[str]:
    """The calls of a lot by another caller, when there are any."""
    return given(None if settings.calls is None else settings.calls.replace("{lot}", lot))
