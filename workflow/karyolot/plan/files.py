"""Names of the files that rules read and write. Pure functions; nothing is opened."""

from pathlib import Path

from karyolot.contracts.settings import Config, Expression, Reference, SmallVariants
from karyolot.contracts.sheets import BATCHES, Study
from karyolot.io.shipped import resource
from karyolot.plan.samples import (
    allele_lots,
    allele_samples,
    ancestors,
    dna_sample,
    expressed_of,
    is_rna,
    lots_with_dna,
    lots_with_rna,
    rna_samples,
    sequenced_samples,
    study_samples,
    unit_of,
    units_of,
    variant_lots,
    variant_samples,
    wgs_pair,
)

FASTA = "results/reference/genome.fa"


INDEX = "results/reference/index/genome"


def shipped(path: str) -> str:
    """A path of the config as a rule's input: `shipped:NAME` in the project, all else relative to the working directory."""
    return str(resource(path, Path()))


def given(path: str | None) -> list[str]:
    """A file the config may leave out, as the input of a rule that is then never needed."""
    return [shipped(path)] if path is not None else []


def named_sources(reference: Reference) -> dict[str, str]:
    """The files the grid of bins is made from, by what each is."""
    sources = {"layout": shipped(reference.layout)}
    if reference.bins is not None:
        return sources | {"bins": reference.bins}
    sources["fasta"] = FASTA
    for name in ("mappability", "replication_timing", "blacklist"):
        if (path := getattr(reference, name)) is not None:
            sources[name] = shipped(path)
    return sources


def counts_of(study: Study, *, lot: str | None = None, donor: str | None = None) -> str:
    return f"results/samples/{dna_sample(study, lot=lot, donor=donor)}/dna/counts.parquet"


def expression_file(study: Study, sample: str) -> str:
    """What holds the expression of an RNA sample: its salmon result, or the count matrix it came in."""
    return study.samples[sample][0].counts or f"results/samples/{sample}/rna/quant.sf"


def expression_sample(study: Study, sample: str) -> dict[str, object]:
    """Facts of an RNA sample for the expression table (ExpressionSample); a sample of two runs is of 'one + other'."""
    rows = study.samples[sample]
    row = rows[0]
    lot = row.lot_id or ""
    donor = study.lots[lot].donor_id if lot else str(row.donor_id)
    return {
        "sample_id": sample,
        "donor": donor,
        "lot": lot,
        "state": "lot" if lot else "hepatocyte",
        "path": expression_file(study, sample),
        "kind": "counts" if row.counts else "salmon",
        "sex": study.donors[donor].sex,
        "passage": study.lots[lot].passage if lot else 0,
        "strandedness": row.strandedness or "",
        **{column: " + ".join(sorted({getattr(row, column) or "" for row in rows} - {""})) for column in BATCHES},
    }


def transcripts_of(reference: Reference) -> str:
    """The transcript FASTA: the user's, or the one extracted from genome and annotation."""
    return shipped(reference.transcripts) if reference.transcripts is not None else "results/reference/transcripts.fa"


def decoys_of(reference: Reference) -> list[str]:
    """The genome, when salmon is to catch reads that fit it better than any transcript."""
    return [FASTA] if reference.decoys and reference.fasta is not None else []


def gene_tables(reference: Reference) -> list[str]:
    """Genes of the annotation (contract Genes), when there is one."""
    return ["results/reference/genes.tsv"] if reference.gtf is not None else []


def expression_inputs(study: Study, reference: Reference, samples: list[str]) -> dict[str, list[str]]:
    """What an expression table is made from: quantified samples, and the annotation where it is needed or given.

    Count matrices only once `verify_data` has found them to be what the sheet says.
    """
    files = list(dict.fromkeys(expression_file(study, sample) for sample in samples))
    facts = [path for name in samples if study.samples[name][0].counts for path in verified_units(study, name)]
    from_reads = any(study.samples[sample][0].counts is None for sample in samples)
    transcripts = ["results/reference/tx2gene.tsv"] if from_reads else []
    salmon = list(quantified_samples(study, samples).values())
    genes = gene_tables(reference)
    return {"samples": files, "transcripts": transcripts, "genes": genes, "facts": facts, "salmon": salmon}


def expression_samples(study: Study, samples: list[str]) -> list[dict[str, object]]:
    return [expression_sample(study, sample) for sample in samples]


def quantified_samples(study: Study, samples: list[str]) -> dict[str, str]:
    """sample_id -> salmon's facts, for those of the RNA samples that came as reads."""
    names = [name for name in samples if study.samples[name][0].counts is None]
    return {name: f"results/samples/{name}/rna/salmon.json" for name in names}


def annotation_name(reference: Reference) -> str:
    """Name of the GTF's file, without the folders of this machine; '' when there is none."""
    return Path(reference.gtf).name if reference.gtf is not None else ""


def lot_targets(study: Study) -> list[str]:
    """Reports of the lots with WGS, and the page that links them; of a lot with RNA alone, its expression results."""
    judged = lots_with_dna(study)
    files = [f"results/{lot}/{name}" for lot in judged for name in ("report.html", "report.pdf", "dna/calls.vcf")]
    files += ["results/overview.html"] * bool(judged)
    only_rna = [lot for lot in lots_with_rna(study) if lot not in judged]
    return files + [f"results/{lot}/rna/{name}" for lot in only_rna for name in ("metrics.json", "enrichment.parquet")]


def reports(study: Study) -> list[str]:
    return [f"results/{lot}/report.json" for lot in lots_with_dna(study)]


def study_targets(study: Study) -> list[str]:
    """Results across lots: gene by gene when any lot has RNA, scores and components from three samples on (with two,
    ranks among samples are a coin)."""
    number = len(study_samples(study))
    names = (["de"] if number else []) + (["scores", "pca", "distances", "marker_scores"] if number >= 3 else [])
    return [f"results/study/{name}.parquet" for name in names]


def run_targets(study: Study, settings: Config) -> list[str]:
    """The page on the quality of all samples, when it is wanted and any lot is judged."""
    return ["results/multiqc.html"] * (settings.report.multiqc and bool(lots_with_dna(study)))


def said_by_fastp(study: Study) -> list[str]:
    """fastp's JSON of every unit any report rests on."""
    samples = {sample for lot in lots_with_dna(study) for sample in sequenced_samples(study, lot)}
    return [path for sample in sorted(samples) for path in quality_files(study, sample).get("fastp", [])]


def overview_files(study: Study, settings: Config) -> dict[str, object]:
    """Inputs of the page of all lots, by name: their records, expression across lots from three samples on, and who matches
    whom when there are any to match."""
    files: dict[str, object] = {"reports": reports(study)}
    if len(study_samples(study)) >= 3:
        tables = {"components": "pca", "distances": "distances", "scores": "marker_scores", "sets": "scores"}
        files |= {name: f"results/study/{file}.parquet" for name, file in tables.items()}
    if allele_lots(study, settings):
        files["pairs"] = "results/study/identity.parquet"
    return files


def metrics_of(study: Study, settings: Config, lot: str) -> list[str]:
    """Metric files of a lot: copy number always, the others when they were asked for and its data allow them."""
    asked = {
        "dna": True, "rna": bool(rna_samples(study, lot)), "alleles": lot in allele_lots(study, settings),
        "variants": lot in variant_lots(study, settings),
    }  # fmt: skip
    parts = [part for part, wanted in asked.items() if wanted]
    return [f"results/{lot}/{part}/metrics.json" for part in parts]


def verified_data(study: Study, lot: str) -> list[str]:
    """What `verify_reads` and `verify_data` found, for every unit a lot's report rests on."""
    return [path for sample in sequenced_samples(study, lot) for path in verified_units(study, sample)]


def verified_units(study: Study, sample: str) -> list[str]:
    return [f"results/samples/{sample}/reads/{unit}.json" for unit in units_of(study, sample)]


def ready_file(study: Study, sample: str, unit: str) -> str:
    """The alignment or count table a unit came as."""
    row = unit_of(study, sample, unit)
    path = row.alignment or row.counts
    assert path is not None  # the rule is constrained to samples that came so
    return path


def quality_files(study: Study, sample: str) -> dict[str, list[str]]:
    """JSON files that tell the quality of a sample, by kind; which there are depends on how the sample came."""
    first = study.samples[sample][0]
    part = "dna" if first.assay == "wgs" else "rna"
    base, units = f"results/samples/{sample}", units_of(study, sample)
    files: dict[str, list[str]] = {}
    if first.fastq_1:
        files["reads"] = verified_units(study, sample)
        files["fastp"] = [f"{base}/{part}/{unit}.fastp.json" for unit in units]
    if part == "dna" and not first.counts:
        files["flagstat"] = [f"{base}/dna/flagstat.json"]
    if part == "rna" and not first.counts:
        files["salmon"] = [f"{base}/rna/salmon.json"]
    return files


def input_files(study: Study, settings: Config, lot: str) -> list[str]:
    """Files a lot's results rest on beside its data: reference, acceptance document, marker and gene sets."""
    reference = settings.reference
    named = [reference.layout, reference.fasta, reference.bins, reference.mappability, reference.replication_timing]
    named += [reference.blacklist, settings.acceptance, settings.copy_number.watch_regions]
    if lot in allele_lots(study, settings):
        tables = [study.samples[sample][0].alleles for sample in wgs_pair(study, lot)]
        named += [settings.identity.sites, *tables]
    if lot in variant_lots(study, settings):
        named += [settings.small_variants.genes, *own_calls(settings.small_variants, lot)]
    if rna_samples(study, lot):
        named += [
            reference.transcripts,
            settings.expression.markers,
            settings.expression.panel,
            *settings.pathways.gmt_files,
            settings.pathways.axes,
        ]
    return list(dict.fromkeys(shipped(path) for path in [*named, reference.gtf] if path is not None))


def panel_files(study: Study, settings: Expression, lot: str) -> dict[str, str]:
    """The comparison of a lot with the reference panel, by name; empty without panel or RNA."""
    if settings.panel is None or not rna_samples(study, lot):
        return {}
    return {"panel": f"results/{lot}/rna/panel.parquet", "panel_facts": f"results/{lot}/rna/panel.json"}


def report_files(study: Study, settings: Config, lot: str) -> dict[str, object]:
    """All inputs of a lot's record, by name."""
    dna = {
        "ratios": "log_ratios.parquet", "segments": "segments.parquet", "calls": "calls.parquet", "arms": "arms.parquet",
        "lod": "lod.parquet", "variants": "donor_variants.parquet", "comparison": "comparison.json",
        "noise": "noise.json", "match": "match.json",
    }  # fmt: skip
    files: dict[str, object] = {name: f"results/{lot}/dna/{file}" for name, file in dna.items()}
    files |= {name: f"results/{lot}/{name}.json" for name in ("verdict", "provenance")}
    files["watch"] = shipped(settings.copy_number.watch_regions)
    files["earlier"] = [f"results/{name}/report.json" for name in ancestors(study, lot)]
    files["qc"] = [f"results/samples/{sample}/qc.json" for sample in sequenced_samples(study, lot)]
    if rna_samples(study, lot):
        rna = {"differential": "de", "markers": "markers", "enrichment": "enrichment", "levels": "levels",
               "rna_quality": "quality"}  # fmt: skip
        if settings.reference.gtf is not None:
            rna["arm_shifts"] = "arms"
        files |= {name: f"results/{lot}/rna/{file}.parquet" for name, file in rna.items()}
    if panel := panel_files(study, settings.expression, lot):
        tables = {"panel_genes": "panel_genes", "panel_components": "pca"}
        files |= panel | {name: f"results/{lot}/rna/{file}.parquet" for name, file in tables.items()}
    return files


def allele_table(sample: dict[str, str]) -> str:
    return f"results/samples/{sample['sample_id']}/alleles.parquet"


def allele_tables(study: Study, settings: Config) -> list[str]:
    """Allele counts of `allele_samples`, in that order."""
    return [allele_table(sample) for sample in allele_samples(study, settings)]


def panel_sites(settings: Config) -> list[str]:
    """The panel of SNPs in the order and spelling of the genome, when there is one."""
    return ["results/reference/sites.parquet"] if settings.identity.sites is not None else []


def alleles_of(study: Study, settings: Config, lot: str) -> dict[str, object]:
    """Allele counts of a lot, by name: its own, its donor's, and those of the RNA of both (as `expressed_of` lists it)."""
    samples = allele_samples(study, settings, lot)
    dna = {sample["role"]: allele_table(sample) for sample in samples if sample["assay"] == "wgs"}
    return {**dna, "rna": [allele_table(sample) for sample in expressed_of(study, settings, lot)]}


def aligned(study: Study, sample: str) -> dict[str, str]:
    """Sorted reads of a sample on the genome, and their index."""
    kind, suffix = ("rna/aligned.bam", "bai") if is_rna(study, sample) else ("dna/aligned.cram", "crai")
    file = f"results/samples/{sample}/{kind}"
    return {"reads": file, "index": f"{file}.{suffix}"}


def allele_files(study: Study, settings: Config, lot: str) -> dict[str, str]:
    """Inputs of a lot's record that tell of its alleles, by name; none without a panel of sites."""
    files = {"identity": "identity.json", "events": "events.parquet", "allele_facts": "facts.json"}
    files |= {"allele_arms": "arms.parquet", "allele_track": "track.parquet"}
    known = lot in allele_lots(study, settings)
    return {name: f"results/{lot}/alleles/{file}" for name, file in files.items()} if known else {}


def variant_files(study: Study, settings: Config, lot: str) -> dict[str, str]:
    """Inputs of a lot's record that tell of its small variants, by name; none where they were not searched."""
    files = {"variants_found": "small_variants.parquet", "variant_facts": "facts.json"}
    known = lot in variant_lots(study, settings)
    return {name: f"results/{lot}/variants/{file}" for name, file in files.items()} if known else {}


def paired(study: Study, lot: str) -> dict[str, list[str]]:
    """`aligned` of a lot and of its donor, in that order."""
    files = [aligned(study, sample) for sample in variant_samples(study, lot)]
    return {name: [file[name] for file in files] for name in ("reads", "index")}


def own_calls(settings: SmallVariants, lot: str) -> list[str]:
    """The calls of a lot by another caller, when there are any."""
    return given(None if settings.calls is None else settings.calls.replace("{lot}", lot))
