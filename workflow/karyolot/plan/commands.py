"""Command lines of the tools that rules run. Pure functions."""

import json
import shlex
import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from karyolot.contracts.settings import Alignment, Config, Expression, Reads, Reference, SmallVariants
from karyolot.contracts.sheets import Sample, Study
from karyolot.io.shipped import IN_WHEEL, PACKAGE
from karyolot.plan.files import (
    ALIGNED,
    ALIGNED_INDEX,
    FASTA,
    INDEX,
    PACKED_INDEX,
    SITES,
    TRIMMED,
    given,
    run_targets,
    shipped,
    trimmed_reads,
)
from karyolot.plan.samples import (
    checksums_of,
    reads_of,
    rna_wanted,
    samples_with,
    sequenced_samples,
    unit_of,
    units_of,
    variants_wanted,
)
from karyolot.plan.variants import DRIVER_MODELS, DRIVER_REGIONS

NOT_WHOLE = "{ echo 'Output is truncated although no tool reported an error. Check free disk space and run again.' >&2; exit 1; }"
"""What a rule does when its output holds less than went in: a tool that ends early does not always report it."""

NO_SPACE = "test $(df -Pk results | awk 'NR == 2 {print $4}') -ge 1024 || echo 'No space left on' device >&2"
"""What a rule does when samtools fails that writes a CRAM: on a full disk it can crash before it names the cause. A log that
shows the command does not hold the message, so that no other failure is taken for this one."""
PART = "results/reference/index.part/genome"


@dataclass(frozen=True)
class Aligner:
    """How one aligner is called.

    suffixes: of the index files, after the prefix INDEX. index: builds them, of a FASTA under a prefix. align: aligns pairs
    whose mates follow each other, as fastp prints them. batch: bases aligned together; fixed, as the insert size is estimated
    from each batch and must not depend on the number of threads. tagged: option that copies the read group from the comment
    of each read. header: option that adds an @RG line to the header, where there is one.
    """

    suffixes: tuple[str, ...]
    index: str
    align: str
    batch: int
    tagged: str = ""
    header: str = ""


BWA = Aligner(
    (".amb", ".ann", ".bwt", ".pac", ".sa"),
    "bwa index -p {prefix} {fasta}",
    "bwa mem -p -v 2 -K {batch} -t {threads} {groups} {index} -",
    10_000_000,
    tagged="-C",
    header="-H ",
)
MEM3 = "bwa-mem3"
ALIGNERS = {
    "bwa": BWA,
    MEM3: replace(BWA, align="{python} karyolot.io.mem3 {index} {threads} {batch} {groups}", tagged="", header=""),
    "minimap2": Aligner(
        (".mmi",),
        "minimap2 -x sr -d {prefix}.mmi {fasta}",
        "minimap2 -ax sr -K {batch} -t {threads} {groups} {index}.mmi -",
        100_000_000,
        tagged="-y",
    ),
}


def index_files(settings: Alignment) -> list[str]:
    """What `index_command` makes."""
    return [INDEX + suffix for suffix in ALIGNERS[settings.aligner].suffixes]


def aligner_files(settings: Alignment) -> list[str]:
    """All files of the index that the aligner reads, or that are there for single reads."""
    return index_files(settings) + [PACKED_INDEX] * (settings.aligner == MEM3)


def index_command(settings: Alignment) -> str:
    """Bash that builds the index and sees that a read can be aligned with all of it before it takes its name."""
    aligner = BWA if settings.aligner == MEM3 else ALIGNERS[settings.aligner]
    align = aligner.align.format(batch=aligner.batch, threads=1, groups="", index=PART)
    build = aligner.index.format(prefix=PART, fasta=FASTA)
    return (
        f"mkdir -p {PART[:-7]} && {build} && (echo '>a ACGTTGCA' | tr ' ' '\\n' | {align} > /dev/null || {NOT_WHOLE})"
        f" && mv {PART}.* {INDEX[:-7]}/ && rmdir {PART[:-7]}"
    )


def align_command(settings: Alignment, study: Study, sample: str, threads: int, python: str) -> str:
    """Bash that aligns the reads of a WGS sample, all lanes together; each read bears its group (`karyolot.inputs.stream`)."""
    groups = list(dict.fromkeys(read_group(study, sample, unit) for unit in units_of(study, sample)))
    aligner = ALIGNERS[settings.aligner]
    if settings.aligner == "minimap2":  # it takes no lines of the header
        return f"{{ printf '%b\\n' {' '.join(groups)}; {_aligned(aligner, aligner.tagged, threads, python)}; }}"
    words = [aligner.tagged, *(aligner.header + group for group in groups)]
    return _aligned(aligner, " ".join(filter(None, words)), threads, python)


def remove_genome_path(cram: str) -> str:
    """Bash that removes the path of the genome (UR) from the header of a CRAM, in place, while its name ends in `.part`.

    samtools writes the absolute path, which names folders of this machine and is wrong in a study that was moved. Whoever reads
    bases gives the genome.
    """
    part, header = f"{cram}.part", f"{cram}.part.header"
    return (
        f"samtools view -H --no-PG {part} | sed '/^@SQ/s|\\tUR:[^\\t]*||' > {header}"
        f" && samtools reheader --no-PG -i {header} {part} && rm {header}"
    )


def snps_command(settings: Config, study: Study, sample: str, output: Any, threads: int, python: str) -> str:
    """Bash of `quantify_transcripts` that aligns the first read pairs of an RNA sample to the genome and counts their alleles
    at the panel of SNPs, for a study whose RNA is wanted so. output: alleles, bam and index. bwa-mem3 takes pairs only, so bwa
    aligns single reads."""
    if not rna_wanted(study, settings):
        return "true"
    single = study.samples[sample][0].fastq_2 is None
    named = settings.alignment.aligner
    aligner = BWA if named == MEM3 and single else ALIGNERS[named]
    group = read_group(study, sample, units_of(study, sample)[0])
    align = _aligned(aligner, group if aligner is ALIGNERS[MEM3] else f"-R {group}", threads, python)
    reads, bam, index = first_pairs(study, sample, settings.identity.rna_pairs), output.bam, output.index
    count = f"{module_runner(python)} karyolot.io.alleles {bam} {FASTA} {SITES} {output.alleles}"
    return (
        f"{reads} | {align} | samtools sort --no-PG -m 512M -T {bam}.sort -o {bam}.part -"
        f" && samtools quickcheck {bam}.part"
        f" && (test $(samtools view -c -F 2304 {bam}.part) -eq $(($({reads} | wc -l) / 4)) || {NOT_WHOLE})"
        f" && samtools index -o {index}.part {bam}.part"
        f" && (samtools view -c -X {bam}.part {index}.part '*' > /dev/null || {NOT_WHOLE})"
        f" && mv {bam}.part {bam} && mv {index}.part {index}"
        f" && {count} {shlex.quote(settings.identity.model_dump_json())}"
    )


def _aligned(aligner: Aligner, groups: str, threads: int, python: str) -> str:
    return aligner.align.format(
        batch=aligner.batch, threads=threads, groups=groups, index=INDEX, python=module_runner(python)
    )


def trim_command(settings: Reads, study: Study, sample: str, facts: str, fastp: str, python: str) -> str:
    """Bash that verifies the reads of a WGS sample while it trims them, and prints them. facts, fastp: what it
    writes, with .part behind the name."""
    lanes = [_lane(study, sample, unit) for unit in units_of(study, sample)]
    trim = f"fastp --stdin --interleaved_in --stdout {_trimming(settings, fastp)}"
    return f"{_stream(lanes, facts, python)} {trim}"


def trim_rna_command(settings: Reads, study: Study, sample: str, output: Any, python: str) -> str:
    """Bash that verifies the reads of an RNA sample while it trims them into the folder TRIMMED; output: facts and fastp, written
    with .part behind the name. Reads of several lanes bear the name of theirs.

    Single reads are read twice: fastp looks for their adapter in a file, and cannot in a pipe.
    """
    units, folder = units_of(study, sample), TRIMMED.format(sample=sample)
    lanes = [_lane(study, sample, unit) | {"group": unit if len(units) > 1 else ""} for unit in units]
    outs = " ".join(f"--out{mate} {trimmed_reads(sample, mate)}" for mate in range(1, 1 + len(lanes[0]["paths"])))
    trim = f"{outs} --compression 1 {_trimming(settings, output.fastp)}"
    stream = _stream(lanes, output.facts, python)
    if len(lanes[0]["paths"]) == 2:
        return f"{stream} fastp --stdin --interleaved_in {trim}"
    if len(lanes) == 1:
        return f"{stream} && fastp --in1 {shlex.quote(lanes[0]['paths'][0])} {trim}"
    tag = r"""awk 'NR % 4 == 1 {{ sub(/\t.*/, ""); $0 = $0 "\tRG:Z:{}" }} 1'"""
    each = " && ".join(f"gzip -cdf {shlex.quote(one['paths'][0])} | {tag.format(one['group'])}" for one in lanes)
    return f"{stream} && ({each}) > {folder}/lanes.fq && fastp --in1 {folder}/lanes.fq {trim} && rm {folder}/lanes.fq"


def _lane(study: Study, sample: str, unit: str) -> dict[str, Any]:
    """As `karyolot.inputs.stream` takes it."""
    return {
        "paths": reads_of(study, sample, unit),
        "sha256": checksums_of(study, sample, unit),
        "group": unit_of(study, sample, unit).library_id or sample,
    }


def _stream(lanes: list[dict[str, Any]], facts: str, python: str) -> str:
    return f"{module_runner(python)} karyolot.inputs.stream {facts}.part {shlex.quote(json.dumps(lanes))}"


def _trimming(settings: Reads, fastp: str) -> str:
    """Options of fastp. One thread: with two, pairs leave it in another order each time, and aligners draw by the number of a
    pair. Its count of duplicates is left out, which takes 1 GB of memory: samtools counts those of genomes."""
    return f"--thread 1 --dont_eval_duplication --length_required {settings.min_length} --json {fastp}.part --html /dev/null"


def own_programs(settings: Alignment) -> list[str]:
    """Modules of this package that the command lines of `align_reads` run."""
    return ["karyolot.inputs.stream", *["karyolot.io.mem3"] * (settings.aligner == MEM3)]


def own_programs_of_rna(study: Study, settings: Config) -> list[str]:
    """Modules of this package that the command lines of `quantify_transcripts` run."""
    if not rna_wanted(study, settings):
        return ["karyolot.inputs.stream"]
    return [*own_programs(settings.alignment), "karyolot.io.alleles"]


def python_of_jobs(deployment: Collection[object]) -> str:
    """Python in shell commands: this one, or with conda or a container that of the job's environment. Snakemake has quoted it."""
    return "python" if deployment else sys.executable


def module_runner(python: str) -> str:
    """Start of a command that runs a module of this package as a program; the module and its arguments follow.

    The package of a checkout is imported before any installed one. That of a wheel comes last: where the job has an
    environment of its own, the libraries beside the wheel are not for its Python.
    """
    place = "append(" if IN_WHEEL.is_dir() else "insert(0, "
    code = (
        f"import sys, runpy; sys.path.{place}sys.argv.pop(1)); runpy.run_module(sys.argv.pop(1), run_name='__main__')"
    )
    return f"{python} -P -c {shlex.quote(code)} {shlex.quote(str(PACKAGE.parent))}"


def aligned_by(study: Study, settings: Config) -> str | None:
    """The aligner, when the study has reads to align."""
    return (
        settings.alignment.aligner
        if rna_wanted(study, settings) or samples_with(study, "fastq_1", assay="wgs")
        else None
    )


def read_group(study: Study, sample: str, unit: str) -> str:
    """Quoted @RG line. The group is the library: duplicates are marked within a library, whatever lanes it came from.

    Ids keep to letters, digits, _ and - (contracts.sheets), so nothing in them can end the quotes.
    """
    library = unit_of(study, sample, unit).library_id or sample
    return rf"'@RG\tID:{library}\tSM:{sample}\tLB:{library}\tPL:ILLUMINA'"


def first_pairs(study: Study, sample: str, pairs: int) -> str:
    """Bash that prints the first trimmed read pairs of an RNA sample, mates in turn: `pairs` in all, as many of each lane.

    Cut inside `<( )`, so that the tool whose pipe is closed is no fault of the job.
    """
    lanes, mates = len(units_of(study, sample)), (1, 2) if study.samples[sample][0].fastq_2 is not None else (1,)
    most = -(-pairs // lanes)
    # Reads of several lanes bear the name of theirs behind a tab (`trim_rna_command`).
    of_lane = "awk -F'\\t' -v OFS='\\t' '$2 != lane {{ lane = $2; n = 0 }} n++ < {} {{ print $1, $3, $4, $5 }}'"
    cut = f"head -n {most}" if lanes == 1 else of_lane.format(most)
    columns = " ".join(f"<(gzip -cd {trimmed_reads(sample, mate)} | paste - - - - | {cut} || true)" for mate in mates)
    return rf"paste {columns} | tr '\t' '\n'"


def salmon_reads(study: Study, sample: str) -> str:
    """salmon's files of one RNA sample: all its lanes, trimmed."""
    if study.samples[sample][0].fastq_2 is None:
        return f"--unmatedReads {trimmed_reads(sample, 1)}"
    return f"--mates1 {trimmed_reads(sample, 1)} --mates2 {trimmed_reads(sample, 2)}"


SPENT = "{bam}.part {bam}.sort.* {index}.part {trimmed}".format(
    bam=ALIGNED["rna"], index=ALIGNED_INDEX["rna"], trimmed=TRIMMED
)
"""What `quantify_transcripts` removes at its end: pieces of the alignment, and the trimmed reads."""


def transcripts_command(reference: Reference) -> str:
    """Bash that prints the transcripts that reads are quantified by: the user's, or those of genome and annotation."""
    if reference.transcripts is not None:
        return f"gzip -cdf {shlex.quote(shipped(reference.transcripts))} | sed '$a\\'"  # the last line, too, has an end
    return f"gzip -cdf {' '.join(map(shlex.quote, given(reference.gtf)))} | gffread -w /dev/stdout -g {FASTA} -"


def salmon_options(settings: Expression, unmapped: bool) -> str:
    """unmapped: salmon writes the names of the reads that it could not map."""
    flags = {"--gcBias": settings.gc_bias, "--seqBias": settings.seq_bias, "--writeUnmappedNames": unmapped}
    return " ".join(flag for flag, wanted in flags.items() if wanted)


def tools_of(study: Study, settings: Config, lot: str) -> list[str]:
    """Command-line tools a lot's results came through."""
    return sorted(_tools([study.samples[sample][0] for sample in sequenced_samples(study, lot)], settings))


def _tools(rows: list[Sample], settings: Config) -> set[str]:
    tools = {"samtools"} if settings.reference.fasta is not None else set()
    for row in rows:
        if row.fastq_1:
            tools |= {"fastp", settings.alignment.aligner if row.assay == "wgs" else "salmon"}
            tools |= {"bwa"} if MEM3 in tools else set()  # it builds the index
        if row.assay == "wgs" and not row.counts:
            tools.add("samtools")
            if variants_wanted(settings):
                tools |= {"bcftools", _of_pipes(settings.alignment)}
            if settings.reference.foreign is not None:
                tools.add("minimap2")
    if "salmon" in tools and settings.reference.transcripts is None:
        tools.add("gffread")
    return tools


def all_tools(study: Study, settings: Config) -> list[str]:
    """Programs that must be on PATH for what is to be aligned and quantified."""
    tools = _tools([rows[0] for rows in study.samples.values()], settings)
    return sorted(tools - {MEM3} | ({"multiqc"} if run_targets(study, settings) else set()))


def spike_command(settings: Config, reads: str, spiked: str, pileup: str, python: str) -> str:
    """Bash that spikes indels into reads of the lot (`spiked`), aligns these to the sequence around, and counts them (`pileup`).

    The study's aligner and the count of `pileup_command` are used. The sequence around the drawn positions stands for the genome,
    whose index would take minutes and gigabytes to load. Both files keep `.part` behind their names.
    """
    folder, own = f"{spiked}.spikes", settings.small_variants
    prefix, bam = f"{folder}/index", f"{folder}/aligned.bam"
    sequences, sequenced, regions = (f"{folder}/{name}" for name in ("around.fa", "reads.fq", "regions.bed"))
    aligner = ALIGNERS[_of_pipes(settings.alignment)]
    align = aligner.align.format(batch=aligner.batch, threads=1, groups="", index=prefix)
    again = (
        f"{aligner.index.format(prefix=prefix, fasta=sequences)} && {align} < {sequenced}"
        f" | samtools sort --no-PG -m 512M -T {bam}.sort -o {bam} -"
        f" && (test $(samtools view -c -F 2304 {bam}) -eq $(($(wc -l < {sequenced}) / 4)) || {NOT_WHOLE})"
        f" && samtools index {bam} && {_count(own, sequences, regions, [bam], pileup)}"
    )
    return (
        f"mkdir -p {folder} && {module_runner(python)} karyolot.io.spiked_indels {reads} {FASTA} {DRIVER_REGIONS}"
        f" {sequences} {sequenced} {regions} {spiked}.part {shlex.quote(own.model_dump_json())}"
        f" && (if test -s {sequenced}; then {again}; else gzip -1 < /dev/null > {pileup}.part; fi)"
    )


def _of_pipes(settings: Alignment) -> str:
    """The aligner as a program: bwa aligns as bwa-mem3 does."""
    return "bwa" if settings.aligner == MEM3 else settings.aligner


def _count(own: SmallVariants, fasta: str, regions: str, reads: Sequence[str], pileup: str) -> str:
    """Bash that writes what reads show in regions, gzipped; a BCF beside it has the alleles."""
    seen = "'%CHROM\\t%POS\\t%REF\\t%ALT\\t%INDEL\\t%RPBZ[\\t%ADF\\t%ADR]\\n'"
    counted = f"{pileup}.bcf"
    return (
        f"bcftools mpileup --no-version --fasta-ref {fasta} --regions-file {regions} --ignore-RG --count-orphans"
        f" --skip-any-set UNMAP,SECONDARY,QCFAIL,DUP,SUPPLEMENTARY --min-MQ {own.min_mapq} --min-BQ {own.min_base_quality}"
        " --max-depth 8000 --max-idepth 8000 --min-ireads 2 --gap-frac 0.01 --per-sample-mF"
        f" --annotate FORMAT/AD,FORMAT/ADF,FORMAT/ADR --output-type b --output {counted} {' '.join(reads)}"
        f" && bcftools query --format {seen} {counted} | gzip -1 > {pileup}.part"
        f" && (test $(gzip -cd {pileup}.part | wc -l) -eq $(bcftools view --no-header {counted} | wc -l) || {NOT_WHOLE})"
    )


def pileup_command(own: SmallVariants, reads: Sequence[str], pileup: str, consequences: str) -> str:
    """Bash that writes what reads show at the driver loci (`pileup`, gzipped), and the consequences of the alleles they show.

    One pile-up of all files: the donor is counted at every position of the lot, mates that overlap once, and reads are realigned
    at indels. csq gets what two reads of any file show. Both files keep `.part` behind their names; they are empty where no
    locus was found, and the second where no gene has a coding transcript.
    """
    counted, named = f"{pileup}.bcf", f"{consequences}.bcf"
    count = _count(own, FASTA, DRIVER_REGIONS, reads, pileup)
    name = (
        f"bcftools view --include 'AD[*:1-]>=2' --output-type u {counted}"
        " | bcftools norm --no-version --multiallelics -any --output-type u -"
        " | bcftools view --no-version --drop-genotypes --exclude 'ALT~\"[<*]\"' --output-type u -"
        f" | bcftools csq --no-version --local-csq --force --fasta-ref {FASTA} --gff-annot {DRIVER_MODELS} --output-type b"
        f" --output {named} - && bcftools query --format '%CHROM\\t%POS\\t%REF\\t%ALT\\t%BCSQ\\n' {named} > {consequences}.part"
        f" && (test $(wc -l < {consequences}.part) -eq $(bcftools view --no-header {named} | wc -l) || {NOT_WHOLE})"
    )
    return (
        f"(if test -s {DRIVER_REGIONS}; then {count}; else gzip -1 < /dev/null > {pileup}.part; fi)"
        f" && (if test -s {DRIVER_REGIONS} && grep -q mRNA {DRIVER_MODELS}; then {name}; else : > {consequences}.part; fi)"
    )
