"""What a genome costs from FASTQ to CRAM: the aligner and everything beside it, each step alone, against bwa in the same run.

    python benchmarks/one_pass.py chr20.fa.gz [PAIRS]

Simulated pairs of 2 x 150 of a real sequence; one thread; CPU seconds (user and system) per million pairs, start-up of
programs included, and their ratio to bwa. `before` is the path of several jobs that the one pipe replaced: files verified
first, fastp from the files, a sorted file per lane, merged. Writes `benchmarks/one_pass.tsv`.
"""

import gzip
import json
import re
import shlex
import sys
import tempfile
from pathlib import Path

import pandas as pd
from meter import metered
from resources import write_reads

RESULTS = Path(__file__).with_name("one_pass.tsv")
MEGABASES = 16
GROUP = r"'@RG\tID:a\tSM:a'"
LANES = shlex.quote(json.dumps([{"paths": ["1.fq.gz", "2.fq.gz"], "sha256": [None, None], "group": "a"}]))
PYTHON = shlex.quote(sys.executable)
FASTP = "fastp --stdout --thread 1 --length_required 30 --json f.json --html /dev/null"
CRAM = "samtools markdup --barcode-tag RG --no-PG -O cram,nthreads=1 --reference genome.fa"
CONVERT = 'from karyolot.io.mem3_index import convert; convert("index.bwt", "index.sa", "index.bwt.2bit.64")'
VERIFY = 'from karyolot.inputs.formats.fastq import read; read(["1.fq.gz", "2.fq.gz"], [None, None])'
PREPARED = ("bwa index -p index genome.fa && samtools faidx genome.fa", f"{PYTHON} -c '{CONVERT}'")
STEPS = {  # in an order in which each finds the files of those before it
    "before": {
        "verify reads": f"{PYTHON} -c '{VERIFY}'",
        "fastp": f"{FASTP} --in1 1.fq.gz --in2 2.fq.gz > both.fq",
        "bwa": f"bwa mem -p -v 1 -K 10000000 -t 1 -R {GROUP} index both.fq > bwa.sam",
        "fixmate": "cat bwa.sam | samtools fixmate -u -m --no-PG - - > fixed",
        "sort": "samtools sort -l 1 --no-PG -m 512M -T sort -o sorted.bam fixed",
        "merge": "samtools merge -u -c -p --no-PG -o - sorted.bam > merged",
        "markdup to CRAM": f"{CRAM} merged a.cram && samtools view -c sorted.bam",
    },
    "one pass": {
        "verify and fastp": f"{PYTHON} -m karyolot.inputs.stream facts.json {LANES}"
        f" {FASTP} --stdin --interleaved_in --dont_eval_duplication > both.fq",
        "bwa-mem3": f"{PYTHON} -m karyolot.io.mem3 index 1 10000000 {GROUP} < both.fq > mem3.bam",
        "fixmate": "cat mem3.bam | samtools fixmate -u -m --no-PG - - > fixed",
        "sort": "samtools sort -u --no-PG -m 512M -T sort fixed > sorted",
        "markdup to CRAM": f"{CRAM} sorted a.cram",
    },
}
ALIGNERS = ("bwa", "bwa-mem3")


def main(fasta: str, pairs: str = "200000") -> None:
    with gzip.open(fasta, "rt") as lines:
        text = "".join(line.strip() for line in lines if not line.startswith(">")).upper().replace("N", "")
    sequence, number = text[: MEGABASES * 1_000_000], int(pairs)
    rows: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "genome.fa").write_text(">chr20\n" + re.sub(r"(.{60})", r"\1\n", sequence) + "\n")
        write_reads(sequence, number, place)
        for command in PREPARED:
            metered(command, place)
        for path, steps in STEPS.items():
            for step, command in steps.items():
                seconds, peak_mb, _ = metered(command, place)
                rows.append({"path": path, "step": step, "cpu_s_per_m": seconds / number * 1e6, "max_mb": peak_mb})
    table = pd.DataFrame(rows)
    beside = table[~table["step"].isin(ALIGNERS)].groupby("path", sort=False)["cpu_s_per_m"].sum()
    sums = pd.DataFrame({"path": beside.index, "step": "all beside the aligner", "cpu_s_per_m": beside.to_numpy()})
    table = pd.concat([table, sums])
    of_bwa = float(table.loc[table["step"] == "bwa", "cpu_s_per_m"].iloc[0])
    table["ratio_to_bwa"] = table["cpu_s_per_m"] / of_bwa
    table.to_csv(RESULTS, sep="\t", index=False, float_format="%.3g")
    print(table.to_string(index=False))


if __name__ == "__main__":
    main(*sys.argv[1:])
