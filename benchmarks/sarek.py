"""What nf-core/sarek with CNVkit spends on a genome beside karyolot, part by part: measured here where a part can be run here.

    python benchmarks/sarek.py CRAM GENOME 'PICARD'

CRAM: reads of any finished run, GENOME: its FASTA, PICARD: how Picard is started ('picard' of Debian's picard-tools; GATK's
MarkDuplicates is Picard's). CPU seconds per million pairs: of all reads over those of a third, so that starts do not count.
Tools that the rules run as well are taken from `one_pass.tsv` and `human.tsv`, counting from `resources.tsv`. Parts that do not
run here have the CPU time that was published, by the size of the file or the number of reads, with its source; parts without
either have no row. The steps are those that are on by default in sarek (nextflow.config at 0078a670). Writes
`benchmarks/sarek.tsv`.
"""

import sys
import tempfile
from pathlib import Path

import pandas as pd
from meter import metered

HERE = Path(__file__).parent
RESULTS = HERE / "sarek.tsv"
PAIRS_M, BAM_GB = 310, 50
"""Of a genome at 30x; the file is as large as its FASTQ files."""
THIRD = 0.34
MEASURED = {
    "MarkDuplicates": "{picard} MarkDuplicates --INPUT {bam} --OUTPUT {place}/md.bam --METRICS_FILE {place}/m",
    "samtools stats": "samtools stats {bam} > {place}/stats",
    "mosdepth": "mosdepth -n --fast-mode --by 500 {place}/depth {bam}",
}
PUBLISHED = {
    "BaseRecalibrator": (4_155.27 / 30 * BAM_GB, "github.com/broadinstitute/gatk/issues/1557: 4,155 s for 30 GB"),
    "ApplyBQSR": (27_718.06 / 100 * BAM_GB, "github.com/broadinstitute/gatk/issues/1460: 27,718 s for 100 GB"),
    "CNVkit coverage": (
        480.113 / 29.533164 * 2 * PAIRS_M,
        "github.com/bcbio/bcbio-nextgen/issues/1560: 480 s for 29.5 M reads",
    ),
}
"""Part -> CPU seconds of a genome at 30x, where from."""


def main(cram: str, genome: str, picard: str) -> None:
    rows = [*shared(), *measured(cram, genome, picard)]
    rows += [("sarek", part, seconds / PAIRS_M, "published", source) for part, (seconds, source) in PUBLISHED.items()]
    table = pd.DataFrame(rows, columns=["pipeline", "part", "cpu_s_per_m_pairs", "kind", "source"])
    table["cpu_hours_30x"] = table["cpu_s_per_m_pairs"] * PAIRS_M / 3_600
    table.to_csv(RESULTS, sep="\t", index=False, float_format="%.3g")
    print(table.to_string(index=False))
    print(table.groupby(["pipeline", "kind"])["cpu_hours_30x"].sum().round(1))


def shared() -> list[tuple[str, str, float, str, str]]:
    """Parts that the rules run as well, and those of karyolot."""
    steps = pd.read_csv(HERE / "one_pass.tsv", sep="\t").set_index(["path", "step"])["cpu_s_per_m"]
    aligners = pd.read_csv(HERE / "human.tsv", sep="\t")
    per_pair = aligners[aligners["kind"] == "aligner"].dropna(subset=["cpu_s_per_m_pairs"])
    per_pair = per_pair.set_index("what")["cpu_s_per_m_pairs"]
    once = {
        ("sarek", "fastp"): steps["before", "fastp"], ("sarek", "bwa"): per_pair["bwa"],
        ("sarek", "samtools sort"): steps["before", "sort"],
        ("karyolot", "verification and fastp"): steps["one pass", "verify and fastp"],
        ("karyolot", "bwa-mem3"): per_pair["bwa-mem3"],
        ("karyolot", "fixmate, sort, markdup to CRAM"): sum(
            steps["one pass", step] for step in ("fixmate", "sort", "markdup to CRAM")
        ),
    }  # fmt: skip
    asked = pd.read_csv(HERE / "resources.tsv", sep="\t")
    asked = asked[asked["kind"] == "human"].set_index("rule")["cpu_minutes"]
    minutes = asked["count_fragments"] + asked["count_alleles"]
    counting = ("karyolot", "fragments and alleles", minutes * 60 / PAIRS_M, "extrapolated", "resources.tsv")
    return [
        *((*names, float(seconds), "measured", "one_pass.tsv, human.tsv") for names, seconds in once.items()), counting
    ]  # fmt: skip


def measured(cram: str, genome: str, picard: str) -> list[tuple[str, str, float, str, str]]:
    with tempfile.TemporaryDirectory() as place:
        pairs_m, seconds = [], {part: [] for part in MEASURED}
        for number, share in enumerate((THIRD, 1.0)):
            bam = f"{place}/{number}.bam"
            metered(f"samtools view -b -T {genome} --subsample {share} -o {bam} {cram} && samtools index {bam}")
            pairs_m.append(int(metered(f"samtools view -c {bam}").printed) / 2e6)
            for part, command in MEASURED.items():
                seconds[part].append(metered(command.format(picard=picard, bam=bam, place=place)).cpu_s)
                print(part, pairs_m[-1], seconds[part][-1], flush=True)
    slopes = {part: (found[1] - found[0]) / (pairs_m[1] - pairs_m[0]) for part, found in seconds.items()}
    # Of the reads with marked duplicates, and again of the recalibrated ones.
    times = {"MarkDuplicates": 1, "samtools stats": 2, "mosdepth": 2}
    return [("sarek", part, times[part] * slope, "measured", "here") for part, slope in slopes.items()]


if __name__ == "__main__":
    main(*sys.argv[1:])
