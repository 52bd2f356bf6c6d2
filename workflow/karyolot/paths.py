"""Which files stand for what: everything in the rules that depends on the sample sheets. Pure functions, no files read."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from karyolot.config import resource
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Alignment, Config, Expression, Reference, SmallVariants
from karyolot.contracts.sheets import BATCHES, Sample, Study

NEVER = "(?!)"
"""A pattern nothing matches: the constraint of a rule that no sample of this study needs."""


NOT_WHOLE = "{ echo 'The output is not whole, though no tool said so: run again, and look at the disk.' >&2; exit 1; }"
"""What a rule does when its output holds less than went in: a tool that ends early does not always say so."""
FASTA = "results/reference/genome.fa"
INDEX = "results/reference/index/genome"
PART = "results/reference/index.part/genome"


@dataclass(frozen=True)
class Aligner:
    """How one aligner is called.

    suffixes: of the index files, after the prefix INDEX. The index is built beside, under the prefix PART.
    """

    suffixes: tuple[str, ...]
    index: str
    align: str


ALIGNERS = {
    # -p / fragment mode: interleaved mates from fastp. -K: a fixed batch, else threads change the insert size estimate.
    "bwa": Aligner(
        (".amb", ".ann", ".bwt", ".pac", ".sa"),
        f"bwa index -p {PART} {FASTA}",
        "bwa mem -p -v 2 -K {batch} -t {threads} -R {group} {index} -",
    ),
    "bwa-mem2": Aligner(
        (".0123", ".amb", ".ann", ".bwt.2bit.64", ".pac"),
        f"bwa-mem2 index -p {PART} {FASTA}",
        "bwa-mem2 mem -p -v 2 -K {batch} -t {threads} -R {group} {index} -",
    ),
    "minimap2": Aligner(
        (".mmi",),
        f"minimap2 -x sr -d {PART}.mmi {FASTA}",
        "minimap2 -ax sr -K {batch} -t {threads} -R {group} {index}.mmi -",
    ),
}


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


def index_files(settings: Alignment) -> list[str]:
    return [INDEX + suffix for suffix in ALIGNERS[settings.aligner].suffixes]


def index_command(settings: Alignment) -> str:
    """Bash that builds the index and sees that a read can be aligned with all of it before it takes its name."""
    aligner = ALIGNERS[settings.aligner]
    align = aligner.align.format(batch=settings.batch_bases, threads=1, group=r"'@RG\tID:a'", index=PART)
    return (
        f"mkdir -p {PART[:-7]} && {aligner.index} && (echo '>a ACGTTGCA' | tr ' ' '\\n' | {align} > /dev/null || {NOT_WHOLE})"
        f" && mv {PART}.* {INDEX[:-7]}/ && rmdir {PART[:-7]}"
    )


def align_command(settings: Alignment, study: Study, sample: str, unit: str, threads: int) -> str:
    aligner = ALIGNERS[settings.aligner]
    group = read_group(study, sample, unit)
    return aligner.align.format(batch=settings.batch_bases, threads=threads, group=group, index=INDEX)


def read_group(study: Study, sample: str, unit: str) -> str:
    """Quoted @RG line. The group is the library: duplicates are marked within a library, whatever lanes it came from.

    Ids keep to letters, digits, _ and - (contracts.sheets), so nothing in them can end the quotes.
    """
    library = unit_of(study, sample, unit).library_id or sample
    return rf"'@RG\tID:{library}\tSM:{sample}\tLB:{library}\tPL:ILLUMINA'"


def unit_of(study: Study, sample: str, unit: str) -> Sample:
    return next(row for row in study.samples[sample] if row.unit == unit)


def reads_of(study: Study, sample: str, unit: str) -> list[str]:
    """One or two FASTQ files."""
    row = unit_of(study, sample, unit)
    return [path for path in (row.fastq_1, row.fastq_2) if path is not None]


def checksums_of(study: Study, sample: str, unit: str) -> list[str | None]:
    """The sha256 the sheet states for each file of `reads_of`; None where it states none."""
    row = unit_of(study, sample, unit)
    return [row.sha256_1, row.sha256_2][: len(reads_of(study, sample, unit))]


def units_of(study: Study, sample: str) -> list[str]:
    return [row.unit for row in study.samples[sample]]


def samples_with(study: Study, *entries: str, assay: str | None = None) -> list[str]:
    """Ids of the samples that enter by one of 'fastq_1', 'alignment', 'counts'; of one assay ('wgs', 'rnaseq') or any."""
    rows = {name: rows[0] for name, rows in study.samples.items()}
    return [
        name
        for name, row in rows.items()
        if assay in (None, row.assay) and any(getattr(row, entry) is not None for entry in entries)
    ]


def one_of(names: list[str]) -> str:
    """A wildcard constraint: any of `names`, nothing when there are none."""
    return "|".join(names) if names else NEVER


def dna_sample(study: Study, *, lot: str | None = None, donor: str | None = None) -> str:
    """The one WGS sample of a lot, or of a donor's hepatocytes."""
    for name, rows in study.samples.items():
        if rows[0].assay == "wgs" and ((lot and rows[0].lot_id == lot) or (donor and rows[0].donor_id == donor)):
            return name
    raise KaryolotError(f"no WGS sample of {lot or donor} in the sample sheet; add its row")


def counts_of(study: Study, *, lot: str | None = None, donor: str | None = None) -> str:
    return f"results/samples/{dna_sample(study, lot=lot, donor=donor)}/dna/counts.parquet"


def sex_of(study: Study, lot: str) -> str:
    """Sex of the lot's donor by record."""
    return study.donors[study.lots[lot].donor_id].sex


def rna_samples(study: Study, lot: str) -> list[str]:
    """RNA samples of a lot and of its donor, the donor's first; empty unless both have some."""
    donor = study.lots[lot].donor_id
    of_donor = [name for name, rows in study.samples.items() if rows[0].assay == "rnaseq" and rows[0].donor_id == donor]
    of_lot = [name for name, rows in study.samples.items() if rows[0].assay == "rnaseq" and rows[0].lot_id == lot]
    return of_donor + of_lot if of_donor and of_lot else []


def rna_replicates(study: Study, lot: str) -> tuple[int, int]:
    """Numbers of RNA samples of a lot and of its donor."""
    of_lot = [bool(study.samples[name][0].lot_id) for name in rna_samples(study, lot)]
    return sum(of_lot), len(of_lot) - sum(of_lot)


def lots_with_dna(study: Study) -> list[str]:
    sequenced = {rows[0].lot_id for rows in study.samples.values() if rows[0].assay == "wgs"}
    return [lot for lot in study.lots if lot in sequenced]


def ancestors(study: Study, lot: str) -> list[str]:
    """Lots with DNA that this one was grown from, its parent last. The check has seen that no lot is its own ancestor."""
    found: list[str] = []
    while (parent := study.lots[lot].parent_lot_id) is not None:
        found.insert(0, lot := parent)
    sequenced = lots_with_dna(study)
    return [name for name in found if name in sequenced]


def lots_with_rna(study: Study) -> list[str]:
    return [lot for lot in study.lots if rna_samples(study, lot)]


def study_samples(study: Study) -> list[str]:
    """All RNA samples a lot's comparison uses, each once, in sheet order."""
    wanted = {sample for lot in study.lots for sample in rna_samples(study, lot)}
    return [name for name in study.samples if name in wanted]


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


def trim_arguments(study: Study, sample: str, unit: str, folder: str) -> str:
    """fastp's files for one lane of RNA, trimmed into `folder`. Quoted: the paths are the user's."""
    reads = reads_of(study, sample, unit)
    return " ".join(
        f"--in{mate} {shlex.quote(path)} --out{mate} {folder}/{mate}.fq.gz" for mate, path in enumerate(reads, start=1)
    )


def first_pairs(study: Study, sample: str, pairs: int) -> str:
    """Bash that prints the first trimmed read pairs of an RNA sample, mates in turn: `pairs` in all, as many of each lane.

    Cut inside `<( )`, so that the tool whose pipe is closed is no fault of the job.
    """
    units = units_of(study, sample)
    mates = (1, 2) if study.samples[sample][0].fastq_2 is not None else (1,)
    lanes = " ".join(f"results/samples/{sample}/rna/{unit}.trimmed" for unit in units)
    cut = "do gzip -cd $lane/{}.fq.gz | paste - - - - | head -n " + str(-(-pairs // len(units))) + " || true; done"
    columns = " ".join(f"<(for lane in {lanes}; {cut.format(mate)})" for mate in mates)
    return rf"paste {columns} | tr '\t' '\n'"


def salmon_reads(study: Study, sample: str) -> str:
    """salmon's files of one RNA sample: all its lanes, trimmed."""
    folders = [f"results/samples/{sample}/rna/{unit}.trimmed" for unit in units_of(study, sample)]
    first = " ".join(f"{folder}/1.fq.gz" for folder in folders)
    if study.samples[sample][0].fastq_2 is None:
        return f"--unmatedReads {first}"
    return f"--mates1 {first} --mates2 {first.replace('/1.fq.gz', '/2.fq.gz')}"


def salmon_options(settings: Expression) -> str:
    flags = {"--gcBias": settings.gc_bias, "--seqBias": settings.seq_bias}
    return " ".join(flag for flag, wanted in flags.items() if wanted)


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


def sequenced_samples(study: Study, lot: str) -> list[str]:
    """Every sample a lot's report rests on: its WGS, its donor's WGS, and the RNA of both."""
    donor = study.lots[lot].donor_id
    return [dna_sample(study, donor=donor), dna_sample(study, lot=lot), *rna_samples(study, lot)]


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


def fastq_files(study: Study, lot: str) -> int:
    """Number of FASTQ files a lot's report rests on."""
    rows = [row for sample in sequenced_samples(study, lot) for row in study.samples[sample]]
    return sum(len(reads_of(study, row.sample_id, row.unit)) for row in rows)


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


def sample_facts(study: Study, sample: str) -> dict[str, str]:
    first = study.samples[sample][0]
    return {"sample_id": sample, "assay": first.assay, "role": "lot" if first.lot_id else "donor"}


def lot_facts(study: Study, lot: str) -> dict[str, object]:
    """Contract LotFacts, as plain values."""
    row = study.lots[lot]
    donor = study.donors[row.donor_id]
    facts = row.model_dump(mode="json", exclude={"lot_id", "donor_id"}) | {"donor_age": donor.age}
    return {"lot_id": lot, "donor_id": row.donor_id, "donor_sex": donor.sex, "facts": facts}


def lot_results(study: Study, lot: str) -> list[dict[str, object]]:
    """Contract ImportedResult, as plain values, for every result and deviation of the lot, in sheet order."""
    sex = study.donors[study.lots[lot].donor_id].sex
    rows = [row for row in study.results if row.lot_id == lot]
    return [row.model_dump(mode="json", exclude={"lot_id"}) | {"kept": row.kept(sex)} for row in rows]


def input_files(study: Study, settings: Config, lot: str) -> list[str]:
    """Files a lot's results rest on beside its data: reference, acceptance document, marker and gene sets."""
    reference = settings.reference
    named = [reference.layout, reference.fasta, reference.bins, reference.mappability, reference.replication_timing]
    named += [reference.blacklist, settings.acceptance, settings.copy_number.watch_regions]
    named += [settings.identity.sites] if lot in allele_lots(study, settings) else []
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


def tools_of(study: Study, settings: Config, lot: str) -> list[str]:
    """Command-line tools a lot's results came through."""
    return sorted(_tools([study.samples[sample][0] for sample in sequenced_samples(study, lot)], settings))


def _tools(rows: list[Sample], settings: Config) -> set[str]:
    tools = {"samtools"} if settings.reference.fasta is not None else set()
    for row in rows:
        if row.fastq_1:
            tools |= {"fastp", settings.alignment.aligner if row.assay == "wgs" else "salmon"}
        if row.assay == "wgs" and not row.counts:
            tools.add("samtools")
            if settings.small_variants.genes is not None and settings.small_variants.calls is None:
                tools.add("bcftools")
    if "salmon" in tools and settings.reference.transcripts is None:
        tools.add("gffread")
    return tools


def all_tools(study: Study, settings: Config) -> list[str]:
    """Tools the study needs for what is to be aligned and quantified."""
    tools = _tools([rows[0] for rows in study.samples.values()], settings)
    return sorted(tools | ({"multiqc"} if run_targets(study, settings) else set()))


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


def allele_lots(study: Study, settings: Config) -> list[str]:
    """Lots whose alleles can be counted: a panel of sites, a genome, and reads (not counts) of lot and donor."""
    return lots_with_reads(study, settings) if settings.identity.sites is not None else []


def lots_with_reads(study: Study, settings: Config) -> list[str]:
    """Lots with a genome, and reads (not counts) of lot and donor."""
    if settings.reference.fasta is None:
        return []
    return [
        lot for lot in lots_with_dna(study) if all(study.samples[s][0].counts is None for s in wgs_pair(study, lot))
    ]


def wgs_pair(study: Study, lot: str) -> list[str]:
    """WGS samples of a lot's donor and of the lot."""
    return [dna_sample(study, donor=study.lots[lot].donor_id), dna_sample(study, lot=lot)]


def expressed_samples(study: Study, lot: str) -> list[str]:
    """RNA samples of a lot and its donor that came as reads."""
    return [name for name in rna_samples(study, lot) if study.samples[name][0].fastq_1]


def allele_samples(study: Study, settings: Config, lot: str | None = None) -> list[dict[str, str]]:
    """Samples with allele counts, of a lot and its donor or of the whole sheet: sample_id, assay, its lot or donor, the
    person by the sheet, and which of the two it is."""
    lots = allele_lots(study, settings) if lot is None else [lot]
    wanted = {sample for one in lots for sample in (*wgs_pair(study, one), *expressed_samples(study, one))}
    rows = []
    for name in (name for name in study.samples if name in wanted):
        row = study.samples[name][0]
        person = study.lots[row.lot_id].donor_id if row.lot_id else str(row.donor_id)
        who = {"owner": row.lot_id or person, "person": person, "role": "lot" if row.lot_id else "donor"}
        rows.append({"sample_id": name, "assay": row.assay, **who})
    return rows


def allele_table(sample: dict[str, str]) -> str:
    return f"results/samples/{sample['sample_id']}/alleles.parquet"


def allele_tables(study: Study, settings: Config) -> list[str]:
    """Allele counts of `allele_samples`, in that order."""
    return [allele_table(sample) for sample in allele_samples(study, settings)]


def expressed_of(study: Study, settings: Config, lot: str) -> list[dict[str, str]]:
    """`allele_samples` of a lot that are RNA."""
    return [sample for sample in allele_samples(study, settings, lot) if sample["assay"] == "rnaseq"]


def alleles_of(study: Study, settings: Config, lot: str) -> dict[str, object]:
    """Allele counts of a lot, by name: its own, its donor's, and those of the RNA of both (as `expressed_of` lists it)."""
    samples = allele_samples(study, settings, lot)
    dna = {sample["role"]: allele_table(sample) for sample in samples if sample["assay"] == "wgs"}
    return {**dna, "rna": [allele_table(sample) for sample in expressed_of(study, settings, lot)]}


def is_rna(study: Study, sample: str) -> bool:
    return study.samples[sample][0].assay == "rnaseq"


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


def variant_lots(study: Study, settings: Config) -> list[str]:
    """Lots searched for small variants: a list of genes, a genome, and reads (not counts) of lot and donor."""
    return lots_with_reads(study, settings) if settings.small_variants.genes is not None else []


def variant_files(study: Study, settings: Config, lot: str) -> dict[str, str]:
    """Inputs of a lot's record that tell of its small variants, by name; none where they were not searched."""
    files = {"variants_found": "small_variants.parquet", "variant_facts": "facts.json"}
    known = lot in variant_lots(study, settings)
    return {name: f"results/{lot}/variants/{file}" for name, file in files.items()} if known else {}


def paired(study: Study, lot: str) -> dict[str, list[str]]:
    """`aligned` of a lot and of its donor, in that order."""
    files = [aligned(study, sample) for sample in variant_samples(study, lot)]
    return {name: [file[name] for file in files] for name in ("reads", "index")}


def variant_samples(study: Study, lot: str) -> list[str]:
    """WGS samples of a lot and of its donor."""
    return wgs_pair(study, lot)[::-1]


def own_calls(settings: SmallVariants, lot: str) -> list[str]:
    """The calls of a lot by another caller, when there are any."""
    return given(None if settings.calls is None else settings.calls.replace("{lot}", lot))


def call_command(study: Study, settings: SmallVariants, lot: str) -> str:
    """Shell words that print a VCF of lot and donor: called together, so that the donor is counted at every site of the lot."""
    if own := own_calls(settings, lot):
        return f"cat {shlex.quote(own[0])}"
    genes = shlex.quote(given(settings.genes)[0])
    return (
        f"bcftools mpileup --no-version --fasta-ref {FASTA} --regions-file {genes} --min-MQ 20 --min-BQ 20 --max-depth 2000"
        f" --annotate FORMAT/AD --output-type u {' '.join(paired(study, lot)['reads'])}"
        " | bcftools call --no-version --multiallelic-caller --variants-only --output-type u -"
        " | bcftools filter --no-version --include 'QUAL>=20' --output-type z -"
    )


def calls_reader(settings: SmallVariants, lot: str) -> str:
    """The program that reads called.vcf.gz to its end and fails where it is cut; calls of the user's are read later."""
    return "cat" if own_calls(settings, lot) else "bcftools view"
