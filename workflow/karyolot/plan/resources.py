"""What a job needs: memory, minutes and disk, as functions of the size of what it works on.

The only source of these figures. `benchmarks/resources.py` measures tools at several sizes and extrapolates to 30x;
`benchmarks/human.py` measures every rule from sorted BAM on a genome of the size of GRCh38. Their tables are beside them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Study

MARGIN = 3
"""Requested minutes are this multiple of the expected: other machines are slower, and shared disks too."""
LEAST_MB = 1_000
"""A job on a cluster holds Snakemake twice (170 MB each) and Python's libraries beside its own data."""
LEAST_MINUTES = 20
GB_PER_PAIR = 1.6e-7
"""Gzipped reads of 2 x 150 bases: 50 GB hold 310 million pairs (benchmarks/resources.py)."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a job works on. data: sequencing files as they lie (gzipped reads, BAM, CRAM or counts), GB. genome: Gb.
    samples: of the study."""

    data: float
    genome: float
    samples: int


@dataclass(frozen=True, slots=True)
class Cost:
    """fixed + data per GB + genome per Gb + samples per sample; the unit is that of what is counted."""

    fixed: float = 0
    data: float = 0
    genome: float = 0
    samples: float = 0

    def at(self, size: Size) -> float:
        return self.fixed + self.data * size.data + self.genome * size.genome + self.samples * size.samples


@dataclass(frozen=True, slots=True)
class Need:
    """Of one rule. mb: peak memory. minutes: of CPU. disk: MB written, temporary files too. alone: fraction of the CPU
    time that runs on one thread, whatever the rule has, as measured with two (`benchmarks/resources.py threads`). after: peak
    memory of what follows in the same job."""

    mb: Cost
    minutes: Cost
    disk: Cost = Cost(fixed=100)
    alone: float = 1.0
    after: Cost = Cost()


TABLE = Need(mb=Cost(900), minutes=Cost(1))
"""A rule that reads tables of bins or genes of one lot: seconds, and Python's libraries in memory."""
STUDY = Need(mb=Cost(1_500, samples=20), minutes=Cost(2, samples=0.1))
OVERVIEW = Need(mb=Cost(1_000, samples=1), minutes=Cost(2, samples=0.1))

ALIGN = {
    "bwa-mem3": Need(Cost(4_800, genome=3_500), Cost(0.2, data=18), Cost(data=2_500), alone=0.1),
    "bwa": Need(Cost(3_500, genome=2_000), Cost(0.2, data=75), Cost(data=2_500), alone=0.05),
    "minimap2": Need(Cost(4_000, genome=5_000), Cost(0.2, data=35), Cost(data=2_500), alone=0.05),
}
"""By aligner, with all that runs beside it in one pipe: fastp 0.4 GB, samtools sort 0.5 GB, CRAM, batches of reads, and the
index. Disk: sorted pieces, and the CRAM."""

NEEDS = {
    "prepare_genome": Need(Cost(200), Cost(genome=1), Cost(genome=1_100)),
    "index_genome": Need(Cost(200, genome=2_500), Cost(genome=30), Cost(genome=1_800)),
    "convert_index": Need(Cost(500, genome=4_000), Cost(0.5, genome=8), Cost(genome=3_500)),
    "index_genome.minimap2": Need(Cost(500, genome=8_000), Cost(genome=2), Cost(genome=3_500)),
    "make_bins": Need(Cost(600, genome=300), Cost(0.2, genome=0.3)),
    "prepare_sites": Need(Cost(700), Cost(0.2)),
    "verify_data": Need(Cost(700), Cost(0.2, data=0.2)),
    **{f"align_reads.{aligner}": need for aligner, need in ALIGN.items()},
    "import_alignment": Need(Cost(1_500), Cost(0.2, data=10), Cost(data=4_000)),
    "mark_duplicates": Need(Cost(1_500), Cost(0.2, data=3.5), Cost(data=1_500), alone=0.5),
    "count_fragments": Need(Cost(900), Cost(0.2, data=0.3)),
    "count_alleles": Need(Cost(1_000), Cost(0.2, data=1.2)),
    "import_alleles": Need(Cost(1_500), Cost(1)),
    "locate_drivers": Need(Cost(1_000), Cost(1)),
    "call_variants": Need(Cost(1_500), Cost(20)),  # of a panel of genes; a list of half the genome would need more
    "classify_variants": Need(Cost(1_500), Cost(3)),
    # 25 microseconds and 32 bytes a read: at 30x, cells with 1,000 mitochondrial genomes give 3.3 million of lot and donor.
    "analyse_mitochondria": Need(Cost(1_200), Cost(10)),
    # Reads that are unmapped or clipped, 2 % of all, are aligned to some megabases; what takes time is to read the CRAMs.
    "search_foreign": Need(Cost(1_500), Cost(1, data=1)),
    "summarise_foreign": Need(Cost(1_500), Cost(2)),
    "analyse_copy_number": Need(Cost(900), Cost(8)),
    "trace_lineage": Need(Cost(1_200), Cost(8)),
    "trace_family": Need(Cost(1_500), Cost(15)),
    "analyse_expression": Need(Cost(1_000), Cost(3)),
    "hash_references": Need(Cost(200), Cost(0.2, genome=0.1)),
    "map_transcripts": Need(Cost(3_000), Cost(3)),
    # With the genome as decoys about 17 GB (COMBINE-lab/salmon issue 476), without 6 (stjudecloud/workflows issue 326).
    "index_transcripts": Need(Cost(6_000), Cost(23), Cost(3_000), alone=0.3),
    "index_transcripts.decoys": Need(Cost(2_000, genome=5_200), Cost(23, genome=30), Cost(3_000, genome=7_000), 0.3),
    # A half each to verify and trim, and to quantify; `need_of` adds the alignment of the first pairs.
    "quantify_transcripts": Need(Cost(6_000), Cost(1, data=19), Cost(100, data=1_500)),
    "quantify_transcripts.decoys": Need(Cost(2_000, genome=5_200), Cost(1, data=19), Cost(100, data=1_500)),
    "compare_samples": STUDY,
    # Half a megabyte a sample at a panel of 80,000 SNPs, four times as much at 300,000 (benchmarks/pairs.py).
    "match_samples": Need(Cost(800, samples=2.5), Cost(2, samples=0.01)),
    # The pairs of 1,000 samples are half a million rows, 270 MB.
    "render_overview": OVERVIEW,
    "tabulate_verdicts": OVERVIEW,
}
"""Rule, or rule.variant -> what it needs; a rule that is not here is one of `TABLE`."""


ALIGNING = ("index_genome", "convert_index", "align_reads")
"""Rules whose memory depends on the aligner."""
QUANTIFYING = "quantify_transcripts"
"""The rule that also aligns, where there is a panel of SNPs."""


def need_of(rule: str, settings: Config) -> Need:
    """What the settings make of a rule: which aligner, and whether salmon's index holds the genome."""
    genome = settings.reference.fasta is not None
    variants = (settings.alignment.aligner, "decoys" if settings.reference.decoys and genome else "")
    need = next((NEEDS[f"{rule}.{one}"] for one in variants if f"{rule}.{one}" in NEEDS), NEEDS.get(rule, TABLE))
    if rule == QUANTIFYING and genome and settings.identity.sites is not None:
        align, pairs = ALIGN[settings.alignment.aligner], Size(settings.identity.rna_pairs * GB_PER_PAIR, 0, 0)
        minutes = replace(need.minutes, fixed=need.minutes.fixed + align.minutes.at(pairs))
        return replace(need, minutes=minutes, after=align.mb)
    return need


def mb(need: Need, size: Size, attempt: int = 1) -> int:
    """Memory to ask for, MB. A job that was killed for it gets twice, then four times as much."""
    return max(LEAST_MB, round(need.mb.at(size)), round(need.after.at(size))) << (attempt - 1)


def minutes(need: Need, size: Size, threads: int, attempt: int = 1) -> int:
    """Time to ask for."""
    expected = need.minutes.at(size) * (need.alone + (1 - need.alone) / threads)
    return max(LEAST_MINUTES, round(MARGIN * expected)) << (attempt - 1)


def disk(need: Need, size: Size) -> int:
    """Disk to ask for, MB."""
    return max(LEAST_MB, round(need.disk.at(size)))


GENOME_RULES = ("align_reads", "count_fragments", "count_alleles")
"""What is done once with the reads of a whole genome."""


def of_genome(pairs: float, genome_bp: float, settings: Config) -> tuple[float, float]:
    """CPU hours of a whole-genome sample from its read pairs to counts, and GB of disk of the job that writes most."""
    size = Size(pairs * GB_PER_PAIR, genome_bp / 1e9, 1)
    needs = [need_of(rule, settings) for rule in GENOME_RULES]
    return sum(need.minutes.at(size) for need in needs) / 60, max(need.disk.at(size) for need in needs) / 1e3


class Needs:
    """`needs(rule)`: the `resources` of a rule, evaluated by Snakemake once sample, unit, threads and attempt are known."""

    def __init__(self, study: Study, settings: Config) -> None:
        self._settings = settings
        self._study = study
        self._genome = _gigabytes([settings.reference.fasta]) if settings.reference.fasta is not None else 0.0
        if str(settings.reference.fasta).endswith("gz"):
            self._genome *= 3.5  # bases per byte of a gzipped genome

    def size(self, wildcards: Mapping[str, str]) -> Size:
        """Of the unit, the sample, or, for a rule of lots or of the study, all samples together."""
        rows = self._study.samples.get(wildcards.get("sample", ""), ())
        unit = wildcards.get("unit")
        files = [path for row in rows if unit in (None, row.unit) for path in row.files.values()]
        return Size(_gigabytes(files), self._genome, len(self._study.samples))

    def __call__(self, rule: str) -> dict[str, Callable[..., int]]:
        need = need_of(rule, self._settings)
        return {
            "mem_mb": lambda wildcards, attempt: mb(need, self.size(wildcards), attempt),
            "runtime": lambda wildcards, threads, attempt: minutes(need, self.size(wildcards), threads, attempt),
            "disk_mb": lambda wildcards: disk(need, self.size(wildcards)),
        }

    def memory_of(self, rule: str, wildcards: Mapping[str, str]) -> int:
        """MB that a job needs."""
        return mb(need_of(rule, self._settings), self.size(wildcards))

    def smaller(self, rule: str, memory: int) -> list[str]:
        """Changes of the settings by which `rule` would fit into `memory` MB."""
        found = []
        need, genome = need_of(rule, self._settings), Size(0, self._genome, 0)
        if rule in ALIGNING or need.after.at(genome) > memory:
            for aligner in ALIGN:
                alignment = self._settings.alignment.model_copy(update={"aligner": aligner})
                other = self._settings.model_copy(update={"alignment": alignment})
                steps = [step for step in ALIGNING if step != "convert_index" or aligner == "bwa-mem3"]
                most = max(mb(need_of(step, other), genome) for step in steps)
                if most <= memory:
                    found.append(f"use another aligner: alignment.aligner: {aligner} needs {most / 1e3:.1f} GB")
        if (
            f"{rule}.decoys" in NEEDS
            and need.mb.at(genome) > memory
            and (least := mb(NEEDS[rule], Size(0, 0, 0))) <= memory
        ):
            found.append(f"leave the genome out of salmon's index: reference.decoys: false needs {least / 1e3:.1f} GB")
        return found


def _gigabytes(paths: Iterable[str | Path]) -> float:
    """Total size; a missing file counts 0, as the check of the inputs reports it."""
    return sum(path.stat().st_size for path in map(Path, paths) if path.is_file()) / 1e9
