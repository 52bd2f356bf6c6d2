"""Command lines of the tools that rules run. Pure functions."""

import shlex
from dataclasses import dataclass

from karyolot.contracts.settings import Alignment, Config, Expression, SmallVariants
from karyolot.contracts.sheets import Sample, Study
from karyolot.plan.files import FASTA, INDEX, TRIMMED, given, own_calls, paired, run_targets
from karyolot.plan.samples import reads_of, sequenced_samples, unit_of, units_of

NOT_WHOLE = "{ echo 'Output is truncated although no tool reported an error. Check free disk space and run again.' >&2; exit 1; }"
"""What a rule does when its output holds less than went in: a tool that ends early does not always say so."""


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
    lanes = " ".join(TRIMMED.format(sample=sample, unit=unit) for unit in units)
    cut = "do gzip -cd $lane/{}.fq.gz | paste - - - - | head -n " + str(-(-pairs // len(units))) + " || true; done"
    columns = " ".join(f"<(for lane in {lanes}; {cut.format(mate)})" for mate in mates)
    return rf"paste {columns} | tr '\t' '\n'"


def salmon_reads(study: Study, sample: str) -> str:
    """salmon's files of one RNA sample: all its lanes, trimmed."""
    folders = [TRIMMED.format(sample=sample, unit=unit) for unit in units_of(study, sample)]
    first = " ".join(f"{folder}/1.fq.gz" for folder in folders)
    if study.samples[sample][0].fastq_2 is None:
        return f"--unmatedReads {first}"
    return f"--mates1 {first} --mates2 {first.replace('/1.fq.gz', '/2.fq.gz')}"


def salmon_options(settings: Expression) -> str:
    flags = {"--gcBias": settings.gc_bias, "--seqBias": settings.seq_bias}
    return " ".join(flag for flag, wanted in flags.items() if wanted)


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
