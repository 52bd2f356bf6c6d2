"""What a job needs: measured for each tool at several sizes, compared with what is asked for, and extrapolated to 30x.

    python benchmarks/resources.py scale chr20.fa.gz     tools on pieces of a real sequence -> rows `scaling`
    python benchmarks/resources.py demo DIRECTORY        `benchmark:` files of a finished run -> rows `demo`
    python benchmarks/resources.py threads DIRECTORY     its reads with one thread and with two, on idle cores -> rows `threads`
    python benchmarks/resources.py human                 what is asked for at 30x             -> rows `human`

Each writes its rows of `benchmarks/resources.tsv` anew. CPU seconds and memory are those of the operating system
(`wait4`), and hardly depend on what else a machine does; nothing of this is a measurement of a 30x sample.
"""

import gzip
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from meter import metered

from karyolot.contracts.settings import Config
from karyolot.inputs.study import parse_config
from karyolot.plan import resources

RESULTS = Path(__file__).with_name("resources.tsv")
ROOT = Path(__file__).parents[1]
READ, FRAGMENT, ERROR = 150, 380, 0.003
SIZES = {4: (20_000,), 16: (20_000,), 60: (20_000, 60_000)}
"""Mb of sequence -> read pairs."""
WITH_GENOME = {"reference": {"fasta": "genome.fa", "gtf": "genes.gtf"}}
"""Settings of a study that aligns and gives salmon the genome as decoys."""
HUMAN_GB, DATA_30X_GB = 3.1, 50.0
"""310 million pairs of 2 x 150 bases gzipped: 0.15 GB per million pairs here, with qualities in four bins."""


def main(what: str, *arguments: str) -> None:
    rows = {"scale": scale, "demo": demo, "threads": threads, "human": human}[what](*arguments)
    kind = {"scale": "scaling"}.get(what, what)
    new = pd.DataFrame(rows).assign(kind=kind)
    if RESULTS.is_file():
        old = pd.read_csv(RESULTS, sep="\t")
        new = pd.concat([old[old["kind"] != kind], new])
    columns = ["kind", *(name for name in new.columns if name != "kind")]
    new[columns].to_csv(RESULTS, sep="\t", index=False, float_format="%.4g")
    print(new[new["kind"] == kind][columns].to_string(index=False))


# ---- scaling ---------------------------------------------------------------------------------------------------------


def scale(fasta: str) -> list[dict[str, object]]:
    """bwa, fastp, samtools and the counting of fragments, each alone, on the first Mb of a sequence."""
    with gzip.open(fasta, "rt") as lines:
        text = "".join(line.strip() for line in lines if not line.startswith(">")).upper().replace("N", "")
    rows = []
    for megabases, numbers in SIZES.items():
        with tempfile.TemporaryDirectory() as folder:
            place, sequence = Path(folder), text[: megabases * 1_000_000]
            (place / "genome.fa").write_text(">chr20\n" + re.sub(r"(.{60})", r"\1\n", sequence) + "\n")
            rows.append(measured("bwa index", place, megabases, 0))
            for pairs in numbers:
                write_reads(sequence, pairs, place)
                rows += [measured(tool, place, megabases, pairs) for tool in TOOLS if tool != "bwa index"]
    return rows


def write_reads(sequence: str, pairs: int, place: Path) -> None:
    """1.fq.gz and 2.fq.gz: pairs of 2 x 150 with substitutions and qualities in four bins."""
    rng = np.random.default_rng(7)
    code = np.frombuffer(sequence.encode(), np.uint8)
    complement = np.zeros(256, np.uint8)
    complement[list(b"ACGT")] = list(b"TGCA")
    starts = rng.integers(0, len(code) - FRAGMENT, pairs)
    forward = code[starts[:, None] + np.arange(READ)]
    backward = complement[code[(starts + FRAGMENT - 1)[:, None] - np.arange(READ)]]
    for mate, reads in ((1, forward), (2, backward)):
        wrong = rng.random(reads.shape) < ERROR
        reads = np.where(wrong, rng.choice(list(b"ACGT"), reads.shape), reads).astype(np.uint8)
        qualities = rng.choice(list(b"F:,#"), reads.shape, p=[0.93, 0.05, 0.015, 0.005]).astype(np.uint8)
        with gzip.open(place / f"{mate}.fq.gz", "wb", compresslevel=6) as out:
            for number, (read, quality) in enumerate(zip(reads, qualities, strict=True)):
                out.write(b"@r%d:1101:%d:%d\n%b\n+\n%b\n" % (number, number % 999, number, read, quality))


OURS = "exec python -c 'from karyolot.{} import {}; {}'"
SORT = r"samtools sort -l 1 --no-PG -m 512M -T sort -o sorted.bam fixed.bam"
TOOLS = {
    "bwa index": ("bwa index -p index genome.fa", "index.*"),
    "verify reads": (OURS.format("inputs.formats.fastq", "read", 'read(["1.fq.gz", "2.fq.gz"], [None, None])'), ""),
    "fastp": ("fastp -i 1.fq.gz -I 2.fq.gz --stdout --thread 2 -j f.json -h /dev/null > both.fq", "both.fq"),
    "bwa mem": (r"bwa mem -p -v 2 -K 10000000 -t 1 -R '@RG\tID:a\tSM:a' index both.fq > a.sam", "a.sam"),
    "samtools fixmate": ("samtools fixmate -u -m --no-PG a.sam fixed.bam", "fixed.bam"),
    "samtools sort -u": (SORT.replace("-l 1", "-u"), "sorted.bam"),
    "samtools sort -l 1": (SORT, "sorted.bam"),
    "samtools markdup": ("samtools markdup -O cram --reference genome.fa sorted.bam a.cram", "a.cram"),
    "samtools index": ("samtools index a.cram", "a.cram.crai"),
    "count fragments": (
        OURS.format("io.fragments", "fragments", 'list(fragments("a.cram", "genome.fa", 20))'),
        "",
    ),
}
"""Tool -> its command in the rules, alone and on files, and what it writes."""


def measured(tool: str, place: Path, megabases: int, pairs: int) -> dict[str, object]:
    command, written = TOOLS[tool]
    seconds, peak_mb, _ = metered(command, place)
    found = {
        "rule": tool, "genome_gb": megabases / 1e3, "pairs_m": pairs / 1e6, "cpu_minutes": seconds / 60,
        "data_gb": sum(path.stat().st_size for path in place.glob("[12].fq.gz")) / 1e9, "max_mb": peak_mb,
        "disk_mb": sum(path.stat().st_size for path in place.glob(written)) / 1e6 if written else 0,
    }  # fmt: skip
    print(found, flush=True)
    return found


# ---- the demo --------------------------------------------------------------------------------------------------------


def demo(directory: str) -> list[dict[str, object]]:
    """Per rule: the most that any of its jobs took, what was asked for that job, jobs and their CPU time. Ends with an error if
    less was asked for."""
    place = Path(directory)
    os.chdir(place)
    from karyolot.inputs.check import load

    settings, study = load(yaml.safe_load((Path("config") / "config.yaml").read_text()), Path())
    needs = resources.Needs(study, settings)
    rows: list[dict[str, object]] = []
    for file in sorted(Path("benchmarks").rglob("*.tsv")):
        rule = file.name.split(".")[0]
        parts = file.parent.parts
        wildcards = {"sample": parts[2]} if parts[1:2] == ("samples",) else {}
        used = pd.read_csv(file, sep="\t", na_values="-").iloc[0]
        need, size = resources.need_of(rule, settings), needs.size(wildcards)
        rows.append(
            {
                "rule": rule, "genome_gb": size.genome, "data_gb": size.data, "cpu_minutes": used["cpu_time"] / 60,
                "wall_minutes": used["s"] / 60, "max_mb": used["max_rss"], "asked_mb": resources.mb(need, size),
                "asked_minutes": resources.minutes(need, size, threads=1),
            }
        )  # fmt: skip
    jobs = pd.DataFrame(rows).groupby("rule")
    table = jobs.max().assign(jobs=jobs.size(), all_cpu_minutes=jobs["cpu_minutes"].sum()).reset_index()
    short = table[(table["max_mb"] > table["asked_mb"]) | (table["wall_minutes"] > table["asked_minutes"])]
    if len(short):
        raise SystemExit(f"more was taken than is asked for:\n{short.to_string(index=False)}")
    return table.to_dict("records")


# ---- threads ---------------------------------------------------------------------------------------------------------


WITH_THREADS = {
    "align_reads": "python -m karyolot.io.mem3 results/reference/index/genome {threads} 10000000 '@RG\\tID:a\\tSM:a'"
    " < {place}/both.fq > {place}/a.bam",
    "mark_duplicates": "samtools markdup -O cram,nthreads={threads} --reference results/reference/genome.fa"
    " {place}/a.bam {place}/a.cram",
    "index_transcripts": "rm -rf {place}/salmon && salmon index --threads {threads} --transcripts {place}/targets.fa"
    " --decoys {place}/decoys.txt --index {place}/salmon",
}
"""Rule with threads -> what of it uses them, in a run's directory."""
PREPARED = (
    "fastp --in1 {dna_1} --in2 {dna_2} --stdout --thread 2 --json {place}/f.json --html /dev/null > {place}/both.fq",
    "bwa mem -p -v 2 -t 2 results/reference/index/genome {place}/both.fq > {place}/a.sam",
    "samtools fixmate -u -m {place}/a.sam - | samtools sort -u -T {place}/sort -o {place}/a.bam",
    "gffread -w {place}/targets.fa -g results/reference/genome.fa reference/genes.gtf",
    "cat results/reference/genome.fa >> {place}/targets.fa",
    "cut -f 1 results/reference/genome.fa.fai > {place}/decoys.txt",
)
TRIES = 3


def threads(directory: str) -> list[dict[str, object]]:
    """Wall and CPU time with one thread and with two, the least of three, and the share of the CPU time that runs on one
    of the two: what `alone` of `karyolot.resources` must not fall short of."""
    run = Path(directory)
    rows: list[dict[str, object]] = []
    sheet = pd.read_csv(run / "config" / "samples.tsv", sep="\t", dtype=str)
    pairs = sheet[sheet["fastq_1"].notna()].groupby("assay").first()
    settings = parse_config(WITH_GENOME)[0]
    with tempfile.TemporaryDirectory() as folder:
        names = {"place": folder}
        for short, assay in (("dna", "wgs"), ("rna", "rnaseq")):
            names |= {f"{short}_{mate}": str(pairs.loc[assay, f"fastq_{mate}"]) for mate in (1, 2)}
        for command in PREPARED:
            metered(command.format(**names), run)
        for rule, command in WITH_THREADS.items():
            walls, cpu = {}, {}
            for number in (1, 2):
                tries = [timed(command.format(threads=number, **names), run) for _ in range(TRIES)]
                walls[number], cpu[number] = min(tries)
            alone = max(0.0, 2 * walls[2] / cpu[2] - 1)  # wall = cpu (alone + (1 - alone) / 2)
            rows += [
                {"rule": rule, "threads": number, "wall_minutes": walls[number] / 60, "cpu_minutes": cpu[number] / 60}
                for number in walls
            ]
            rows[-1]["alone"] = alone
            if alone > (taken := resources.need_of(rule, settings).alone) + 0.05:
                print(f"{rule}: {alone:.2f} of its time runs on one thread, not {taken}")
    return rows


def timed(command: str, place: Path) -> tuple[float, float]:
    start = time.monotonic()
    used = metered(command, place)
    return time.monotonic() - start, used.cpu_s


# ---- 30x -------------------------------------------------------------------------------------------------------------


def human(*_: str) -> list[dict[str, object]]:
    """What `karyolot.resources` expects for one lot at 30x, its donor there already."""
    settings = parse_config(WITH_GENOME)[0]
    return [row(rule, settings) for rule in RULES]


RULES = (
    "prepare_genome", "index_genome", "make_bins", "index_transcripts", "convert_index", "align_reads",
    "count_fragments", "count_alleles", "analyse_copy_number", "quantify_transcripts",
)  # fmt: skip
RNA_GB = 5.0


def row(rule: str, settings: Config) -> dict[str, object]:
    size = resources.Size(RNA_GB if rule == resources.QUANTIFYING else DATA_30X_GB, HUMAN_GB, samples=12)
    need = resources.need_of(rule, settings)
    cpu = need.minutes.at(size)
    return {
        "rule": rule, "genome_gb": HUMAN_GB, "data_gb": size.data, "cpu_minutes": cpu,
        "asked_mb": resources.mb(need, size), "asked_minutes": resources.minutes(need, size, threads=1),
        "disk_mb": resources.disk(need, size),
    }  # fmt: skip


if __name__ == "__main__":
    main(*sys.argv[1:])
