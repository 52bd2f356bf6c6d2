"""A genome of the size of GRCh38: reads with known changes, and what the workflow takes to find them, rule by rule.

    python benchmarks/human.py make DIRECTORY [DEPTH]    genome, panel, track and sorted BAM of a lot and its donor
    python benchmarks/human.py run DIRECTORY             the workflow on one core -> rows `rule` and `truth`
    python benchmarks/human.py doors DIRECTORY           counting beside samtools, mosdepth and inflation -> rows `door`; makes
                                                         the CRAM that it needs where `run` did not
    python benchmarks/human.py fastq DIRECTORY [CONTIG ...]   the workflow from FASTQ -> rows `FASTQ rule` and `FASTQ truth`
    python benchmarks/human.py aligners DIRECTORY        bwa-mem3 beside bwa on the index of `fastq` -> rows `aligner`

All but `make` write their rows of `benchmarks/human.tsv` anew. The genome is synthetic and seeded: contigs and gaps of GRCh38,
isochores, interspersed repeats, segmental duplications; reads carry SNPs, errors, duplicates, GC bias (another in the
donor) and a wave. Contigs are made one at a time, so that memory stays below 3 GB; DEPTH 0.1 takes 20 GB of disk, and
`fastq` 20 GB more, 16 GB of memory and two hours.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pysam
import yaml
from meter import metered
from numpy.typing import NDArray
from pyarrow import csv

from karyolot.contracts.settings import Config
from karyolot.inputs.check import load
from karyolot.plan import resources
from karyolot.plan.commands import ALIGNERS
from karyolot.plan.files import INDEX

RESULTS = Path(__file__).with_name("human.tsv")
ROOT = Path(__file__).parents[1]
READ, WIDTH, WINDOW = 150, 80, 10_000
MITOCHONDRION = ("chrM", 16_569)
DONOR, LOT = "H1", "H1-lot"
CHANGES = {
    "trisomy 8 in 40 %": ("chr8", 0, 10**9, 0.4),
    "10 Mb loss in 100 %": ("chr5", 100_000_000, 110_000_000, -1.0),
    "5 Mb gain in 30 %": ("chr20", 31_000_000, 36_000_000, 0.3),
}
"""Planted in the lot: contig, start, end, copies gained by the mean cell."""
SITES = 80_000
Codes = NDArray[np.uint8]
Integers = NDArray[np.int64]
RECORD = np.dtype(
    [
        ("size", "<i4"), ("contig", "<i4"), ("start", "<i4"), ("name_size", "u1"), ("mapq", "u1"), ("bin", "<u2"),
        ("operations", "<u2"), ("flag", "<u2"), ("bases", "<i4"), ("mate_contig", "<i4"), ("mate_start", "<i4"),
        ("length", "<i4"), ("name", "S13"), ("cigar", "<u4"), ("sequence", "u1", READ // 2), ("quality", "u1", READ),
    ]
)  # fmt: skip
"""A record of BAM with a name of 12 letters, one CIGAR operation, and no tag: all are of one size."""
NIBBLE = np.zeros(256, np.uint8)
NIBBLE[list(b"ACGT")] = [1, 2, 4, 8]
QUALITIES = bytes([37] * 238 + [25] * 13 + [11] * 4 + [2])
"""Table from any byte to a quality, in four bins."""
COMPLEMENT = np.arange(256, dtype=np.uint8)
COMPLEMENT[list(b"ACGT")] = list(b"TGCA")


def main(what: str, directory: str, *arguments: str) -> None:
    parts = {"make": make, "run": run, "doors": doors, "fastq": fastq, "aligners": aligners}
    rows = parts[what](Path(directory).resolve(), *arguments)
    if not rows:
        return
    new = pd.DataFrame(rows)
    if RESULTS.is_file():
        old = pd.read_csv(RESULTS, sep="\t")
        new = pd.concat([old[~old["kind"].isin(new["kind"])], new])
    new = new[["kind", *(name for name in new.columns if name != "kind")]]
    new.sort_values("kind", kind="stable").to_csv(RESULTS, sep="\t", index=False, float_format="%.4g")
    print(new.to_string(index=False))


# ---- the genome ------------------------------------------------------------------------------------------------------


def make(place: Path, depth: str = "0.1") -> list[dict[str, Any]]:
    """All inputs of a study of one lot, in DIRECTORY."""
    place.mkdir(parents=True, exist_ok=True)
    bands = pd.read_csv(ROOT / "resources/genomes/GRCh38.cytobands.tsv", sep="\t", header=None)
    bands.columns = ["contig", "start", "end", "band", "stain"]
    contigs = [*bands.groupby("contig", sort=False)["end"].max().items(), MITOCHONDRION]
    header = "@HD\tVN:1.6\tSO:coordinate\n" + "".join(f"@SQ\tSN:{name}\tLN:{length}\n" for name, length in contigs)
    outs = {sample: pysam.BGZFile(str(place / f"{sample}.bam"), "wb") for sample in (DONOR, LOT)}
    for sample, out in outs.items():
        out.write(_binary_header(f"{header}@RG\tID:a\tSM:{sample}\n", contigs))
    with (place / "genome.fa").open("wb") as fasta, (place / "sites.bed").open("w") as sites:
        for number, (name, length) in enumerate(contigs):
            rng = np.random.default_rng([8, number])
            own = bands[(bands["contig"] == name) & bands["stain"].isin(["acen", "gvar", "stalk"])]
            code = sequence(int(length), own, rng)
            write_fasta(fasta, str(name), code)
            snps = panel(str(name), code, rng)
            for start, ref, alt, frequency, _ in zip(*snps, strict=True):
                sites.write(f"{name}\t{start}\t{start + 1}\t{chr(ref)}\t{chr(alt)}\t{frequency:.3f}\n")
            for sample, out in outs.items():
                # Both have the donor's SNPs and the genome's GC, each its own reads and bias.
                reads = np.random.default_rng([9, number, sample == LOT])
                for block in records(str(name), number, code, snps, float(depth), sample == LOT, reads):
                    out.write(block.tobytes())
            print(name, length, flush=True)
    for out in outs.values():
        out.close()
    subprocess.run(["samtools", "faidx", str(place / "genome.fa")], check=True)
    write_track(place / "mappability.bedgraph", dict(contigs))
    write_study(place, "alignment", "{}.bam")
    return []


def _binary_header(text: str, contigs: list[tuple[Any, int]]) -> bytes:
    parts = [b"BAM\1", len(text).to_bytes(4, "little"), text.encode(), len(contigs).to_bytes(4, "little")]
    for name, length in contigs:
        parts += [(len(name) + 1).to_bytes(4, "little"), name.encode() + b"\0", int(length).to_bytes(4, "little")]
    return b"".join(parts)


def sequence(length: int, gaps: pd.DataFrame, rng: np.random.Generator) -> Codes:
    """ASCII of a contig. gaps: bands, of which the inner half of each is not known, as are the ends of the contig."""
    block = 100_000
    blocks = -(-length // block)
    gc, wanted = np.empty(blocks), 0.41
    for number, step in enumerate(rng.normal(0, 0.015, blocks)):
        wanted = gc[number] = np.clip(0.41 + 0.95 * (wanted - 0.41) + step, 0.3, 0.62)
    pieces = [rng.bytes(block).translate(_bases(round(256 * share))) for share in gc]
    code = np.frombuffer(bytearray(b"".join(pieces)), np.uint8)[:length]
    for family, size in enumerate(np.random.default_rng(3).choice([300, 300, 300, 2_000], 40).tolist()):
        unit = np.frombuffer(np.random.default_rng([4, family]).bytes(size).translate(_bases(110)), np.uint8)
        copies = rng.integers(0, max(length - size, 1), int(length * 0.1 / 40 / size))
        for start, diverged in zip(copies.tolist(), rng.random(len(copies)).tolist(), strict=True):
            kept = rng.random(size) > 0.2 * diverged
            code[start : start + size][kept] = unit[kept]
    for _ in range(int(length * 0.03 / 50_000)):
        source, target = rng.integers(0, length - 50_000, 2).tolist()
        code[target : target + 50_000] = code[source : source + 50_000]
    if length > WINDOW * 10:
        code[:WINDOW] = code[-WINDOW:] = ord("N")
    for start, end in gaps[["start", "end"]].itertuples(index=False):
        code[(3 * start + end) // 4 : (start + 3 * end) // 4] = ord("N")
    return code


def _bases(gc_of_256: int) -> bytes:
    """Table from any byte to a base: so many of 256 are G or C."""
    half, rest = gc_of_256 // 2, 256 - gc_of_256
    return b"G" * half + b"C" * (gc_of_256 - half) + b"A" * (rest // 2) + b"T" * (rest - rest // 2)


def write_fasta(out: Any, name: str, code: Codes) -> None:
    out.write(f">{name}\n".encode())
    whole = len(code) // WIDTH * WIDTH
    lines = np.full((whole // WIDTH, WIDTH + 1), ord("\n"), np.uint8)
    lines[:, :WIDTH] = code[:whole].reshape(-1, WIDTH)
    out.write(lines.tobytes())
    if whole < len(code):
        out.write(code[whole:].tobytes() + b"\n")


def panel(name: str, code: Codes, rng: np.random.Generator) -> tuple[Any, ...]:
    """Common SNPs of an autosome, evenly spread: start, reference and other base, its frequency, and the donor's copies of
    it on either chromosome, shape (sites, 2)."""
    if not name[3:].isdigit():
        return tuple(np.zeros((0, 2) if part == 4 else 0, np.int64) for part in range(5))
    start = np.linspace(WINDOW, len(code) - WINDOW, int(SITES * len(code) / 2.875e9)).astype(np.int64)
    start = start[code[start] != ord("N")]
    ref = code[start]
    frequency = rng.uniform(0.1, 0.9, len(start))
    return start, ref, COMPLEMENT[ref], frequency, rng.random((len(start), 2)) < frequency[:, None]


def write_track(path: Path, contigs: dict[Any, int]) -> None:
    """Mappability in steps of 100 to 500 bases, ten million lines, as multi-read tracks have."""
    with path.open("wb") as out:
        for number, (name, length) in enumerate(contigs.items()):
            rng = np.random.default_rng([5, number])
            edges = np.unique(np.append(np.cumsum(rng.integers(100, 500, length // 300)), 0))
            edges = edges[edges < length]
            value = np.where(rng.random(len(edges) - 1) < 0.1, rng.random(len(edges) - 1), 1.0).round(3)
            columns = {"chrom": np.full(len(value), name), "start": edges[:-1], "end": edges[1:], "value": value}
            options = csv.WriteOptions(include_header=False, delimiter="\t", quoting_style="none")
            csv.write_csv(pa.table(columns), out, options)


def write_study(place: Path, columns: str, files: str, layout: str = "shipped:genomes/GRCh38.yaml") -> None:
    """Settings and sheets of what lies in `place`. columns: of samples.tsv that name the files of a sample; files: what they
    hold, with {} for the name of the sample."""
    (place / "config").mkdir(parents=True, exist_ok=True)
    reference = {
        name: str(place / file) for name, file in (("fasta", "genome.fa"), ("mappability", "mappability.bedgraph"))
    }
    settings = {"reference": {"layout": layout, **reference}}
    settings |= {"identity": {"sites": str(place / "sites.bed")}, "notice": "Simulated reads, not for release."}
    (place / "config/config.yaml").write_text(yaml.safe_dump(settings))
    (place / "config/donors.tsv").write_text("donor_id\tsex\nD\tM\n")
    (place / "config/lots.tsv").write_text("lot_id\tdonor_id\tpassage\nHUMAN\tD\t4\n")
    rows = [
        f"{sample}\twgs\t{lot}\t{donor}\t{sample}\tL1\t{files.format(*2 * [place / sample])}"
        for sample, lot, donor in ((DONOR, "", "D"), (LOT, "HUMAN", ""))
    ]
    head = f"sample_id assay lot_id donor_id library_id lane {columns}".replace(" ", "\t")
    (place / "config/samples.tsv").write_text("\n".join([head, *rows]) + "\n")


# ---- the reads -------------------------------------------------------------------------------------------------------


def records(
    name: str, number: int, code: Codes, snps: tuple[Any, ...], depth: float, lot: bool, rng: np.random.Generator
) -> Iterator[NDArray[Any]]:
    """Records of BAM of one contig, sorted, a stretch at a time; pairs that would hold an N are left out."""
    windows = len(code) // WINDOW
    gc = np.isin(code[: windows * WINDOW].reshape(windows, WINDOW)[:, ::10], list(b"GC")).mean(axis=1)
    knots = windows // 300 + 2
    wave = np.interp(np.arange(windows), np.linspace(0, windows, knots), rng.normal(0, 0.04 * lot, knots))
    bias = np.exp(-(((gc - 0.42) / (0.16 if lot else 0.22)) ** 2) / 2) * np.exp(wave)
    copies, gained = copies_of(name, windows, lot)
    number_of = rng.poisson(depth * WINDOW / (2 * READ) * copies / 2 * bias)
    start = np.repeat(np.arange(windows) * WINDOW, number_of) + rng.integers(0, WINDOW, number_of.sum())
    length = np.clip(rng.normal(380, 60, len(start)), READ, 800).astype(np.int64)
    inside = start + length < len(code)
    twice = np.append(np.flatnonzero(inside), rng.choice(np.flatnonzero(inside), int(0.04 * inside.sum())))
    order = twice[np.argsort(start[twice], kind="stable")]
    start, length = start[order], length[order]
    share = (copies / 2 + np.maximum(gained, 0) / 2)[start // WINDOW] / copies[start // WINDOW]
    second = rng.random(len(start)) >= np.where(gained[start // WINDOW] < 0, 1.0, share)
    held = np.zeros(0, RECORD)
    for low in range(0, len(start), 200_000):
        part = slice(low, low + 200_000)
        made = pairs(number, code, snps, start[part], length[part], second[part], low, rng)
        held = np.concatenate([held, made])
        held = held[np.argsort(held["start"], kind="stable")]
        safe = int(np.searchsorted(held["start"], start[part][-1]))
        yield held[:safe]
        held = held[safe:]
    yield held


def copies_of(name: str, windows: int, lot: bool) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Copies in the mean cell of a man, by window, and how many of them were gained."""
    gained = np.zeros(windows)
    for contig, start, end, change in CHANGES.values() if lot else ():
        if contig == name:
            gained[start // WINDOW : end // WINDOW] = change
    normal = {"chrX": 1.0, "chrY": 1.0, "chrM": 600.0}.get(name, 2.0)
    return normal + gained, gained


def pairs(
    contig: int, code: Codes, snps: tuple[Any, ...], start: Integers, length: Integers, second: NDArray[np.bool_], first: int,
    rng: np.random.Generator,
) -> NDArray[Any]:  # fmt: skip
    """Both mates of fragments. second: of the chromosome whose copies of SNPs stand in the second column."""
    made = np.zeros((2, len(start)), RECORD)
    places, _, alts, _, carried = snps
    forward = rng.random(len(start)) < 0.5
    names = [b"%02d%010d" % (contig, pair) for pair in range(first, first + len(start))]
    for mate in range(2):
        at = start if mate == 0 else start + length - READ
        bases = code[at[:, None] + np.arange(READ)]
        low, high = np.searchsorted(places, at), np.searchsorted(places, at + READ)
        for row in np.flatnonzero(high > low).tolist():
            for site in range(low[row], high[row]):
                if carried[site, int(second[row])]:
                    bases[row, places[site] - at[row]] = alts[site]
        unknown = (bases == ord("N")).any(axis=1)
        wrong = rng.integers(0, bases.size, int(0.004 * bases.size))  # a quarter draws the right base
        bases.reshape(-1)[wrong] = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, len(wrong))]
        nibbles = NIBBLE[bases]
        own = made[mate]
        own["start"], own["mate_start"] = at, start + length - READ if mate == 0 else start
        own["length"] = length if mate == 0 else -length
        # Read 1 is the left one of half of the pairs: 99 and 147, else 163 and 83.
        own["flag"] = np.where(forward, 99, 163) if mate == 0 else np.where(forward, 147, 83)
        own["sequence"] = nibbles[:, 0::2] << 4 | nibbles[:, 1::2]
        own["quality"] = np.frombuffer(rng.bytes(bases.size).translate(QUALITIES), np.uint8).reshape(bases.shape)
        own["name"] = names
        own["size"] = np.where(unknown, 0, RECORD.itemsize - 4)
    for field, value in (("contig", contig), ("mate_contig", contig), ("name_size", 13), ("mapq", 60)):
        made[field] = value
    made["operations"], made["bases"], made["cigar"] = 1, READ, READ << 4
    return made[:, (made["size"] > 0).all(axis=0)].reshape(-1)


# ---- the workflow ----------------------------------------------------------------------------------------------------


def fastq(place: Path, *contigs: str) -> list[dict[str, Any]]:
    """As `run`, from FASTQ files of the same reads, in a folder of their own. contigs: of a genome of these alone."""
    study = place / "fastq"
    if not (study / "config").is_dir():
        write_fastq(place, study, contigs)
    rows = run(study, "FASTQ ")
    return [row | {"genome_gb": (study / "genome.fa").stat().st_size / 1e9} for row in rows]


def write_fastq(place: Path, study: Path, contigs: tuple[str, ...]) -> None:
    """The study of `fastq`: genome, layout, track, panel and reads of these contigs; without any, of all."""
    study.mkdir(exist_ok=True)
    lengths = pd.read_csv(place / "genome.fa.fai", sep="\t", header=None, index_col=0)[1]
    lengths = lengths[list(contigs or lengths.index)]
    names = " ".join(lengths.index)
    subprocess.run(f"samtools faidx {place}/genome.fa {names} > {study}/genome.fa", shell=True, check=True)
    subprocess.run(["samtools", "faidx", str(study / "genome.fa")], check=True)
    write_track(study / "mappability.bedgraph", lengths.to_dict())
    sites = (place / "sites.bed").read_text().splitlines(True)
    (study / "sites.bed").write_text("".join(line for line in sites if line.split("\t")[0] in lengths.index))
    layout = yaml.safe_load((ROOT / "resources/genomes/GRCh38.yaml").read_text())
    layout["autosomes"] = [name for name in layout["autosomes"] if name in lengths.index]
    for name in ("x", "y"):
        if layout[name] not in lengths.index:
            layout |= {name: None, f"{name}_par": []}
    layout["immune_receptors"] = [one for one in layout["immune_receptors"] if one["chrom"] in lengths.index]
    bands = (ROOT / "resources/genomes" / layout["cytobands"]).read_text().splitlines(True)
    (study / layout["cytobands"]).write_text("".join(line for line in bands if line.split("\t")[0] in lengths.index))
    (study / "layout.yaml").write_text(yaml.safe_dump(layout))
    for sample in (DONOR, LOT):
        subprocess.run(["samtools", "index", str(place / f"{sample}.bam")], check=True)
        one, two = (study / f"{sample}_{mate}.fastq.gz" for mate in (1, 2))
        reads = f"samtools view -u {place}/{sample}.bam {names} | samtools collate -u -O - {study}/{sample}"
        subprocess.run(f"{reads} | samtools fastq -n -1 {one} -2 {two} -", shell=True, check=True)
    columns, files = "fastq_1 fastq_2", "{}_1.fastq.gz\t{}_2.fastq.gz"
    write_study(study, columns, files, str(study / "layout.yaml"))


def run(place: Path, route: str = "") -> list[dict[str, Any]]:
    """CPU, memory and disk of the costliest job of each rule beside what it asked for, and the verdict beside the truth."""
    command = [sys.executable, "-m", "karyolot", "run", str(place), "--", "--cores", "1"]
    with subprocess.Popen(command, env=environment()) as process:
        used = watched(process, place)
    held = place / "used.json"  # of jobs that an earlier, stopped run of the directory did
    used = (json.loads(held.read_text()) if held.is_file() else {}) | used
    held.write_text(json.dumps(used))
    if process.returncode:
        raise SystemExit("the run failed; its message is above")
    return [row | {"kind": f"{route}{row['kind']}"} for row in rules(place, used) + truth(place)]


def environment() -> dict[str, str]:
    """This checkout, and the programs beside its Python."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "PATH": path}


STEP = 0.2
"""Seconds between looks at the processes of a run; what a process takes after the last look is not seen."""
TICKS = os.sysconf("SC_CLK_TCK")


def watched(process: subprocess.Popen[bytes], place: Path) -> dict[str, dict[str, float]]:
    """CPU seconds, peak MB and MB written of every job, by its log, which standard error of one of its processes or of a
    parent of that leads to.

    Snakemake's own `benchmark:` looks every 30 seconds in the end, and misses most of a job of 15.
    """
    last: dict[tuple[str, str], tuple[float, float]] = {}
    peak: dict[str, float] = {}
    while process.poll() is None:
        now: dict[str, float] = {}
        seen = {folder.name: found for folder in Path("/proc").glob("[0-9]*") if (found := looked(folder)) is not None}
        for number, (_, _, begun, taken, held, most) in seen.items():
            log = log_of(number, seen, f"{place}/logs/")
            if log is not None:
                last[log, f"{number} {begun}"] = taken
                now[log] = now.get(log, 0.0) + held
                peak[log] = max(peak.get(log, 0.0), most)
        for log, held in now.items():
            peak[log] = max(peak[log], held)
        time.sleep(STEP)
    found = {log: {"cpu_s": 0.0, "max_mb": most, "written_mb": 0.0} for log, most in peak.items()}
    for (log, _), (seconds, written_mb) in last.items():
        found[log]["cpu_s"] += seconds
        found[log]["written_mb"] += written_mb
    return found


Looked = tuple[str, str, str, tuple[float, float], float, float]
"""A process: where its standard error leads, its parent, its start; CPU seconds and MB written; MB held, and the most held."""


def looked(folder: Path) -> Looked | None:
    """A process of /proc; None when it ended meanwhile."""
    try:
        error = str((folder / "fd" / "2").readlink())
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
        written = dict(line.split(": ") for line in (folder / "io").read_text().splitlines())["write_bytes"]
    except (OSError, KeyError, ValueError):
        return None
    taken = (int(fields[11]) + int(fields[12])) / TICKS, int(written) / 1e6
    held, most = (float(status.get(name, "0 kB").split()[0]) / 1e3 for name in ("VmRSS", "VmHWM"))
    return error, fields[1], fields[19], taken, held, most


def log_of(number: str, seen: dict[str, Looked], logs: str) -> str | None:
    """The log of the job that a process belongs to; None for one of no job."""
    while number in seen:
        error, parent = seen[number][:2]
        if error.startswith(logs) and error.endswith(".log"):
            return error
        number = parent
    return None


def rules(place: Path, used: dict[str, dict[str, float]]) -> list[dict[str, Any]]:
    os.chdir(place)
    settings, study = load(yaml.safe_load(Path("config/config.yaml").read_text()), Path())
    needs = resources.Needs(study, settings)
    rows = []
    for log, taken in used.items():
        parts = Path(log).relative_to(place).parts
        rule, _, unit = Path(log).stem.partition(".")
        wildcards = {"sample": parts[2]} | ({"unit": unit} if unit else {}) if parts[1] == "samples" else {}
        need, size = resources.need_of(rule, settings), needs.size(wildcards)
        asked = {
            "asked_mb": resources.mb(need, size), "expected_s": 60 * need.minutes.at(size),
            "asked_s": 60 * resources.minutes(need, size, 1), "asked_disk_mb": resources.disk(need, size),
        }  # fmt: skip
        rows.append({"kind": "rule", "what": rule, **taken, **asked})
    table = pd.DataFrame(rows)
    most = table.groupby("what", as_index=False).max(numeric_only=True)
    most["jobs"] = table.groupby("what").size().to_numpy()
    most["asked_over_max"] = most["asked_mb"] / (most["max_mb"] + ON_A_NODE)
    return most.assign(kind="rule").sort_values("cpu_s", ascending=False).to_dict("records")


ON_A_NODE = 340
"""MB that Snakemake itself takes on a node beside each job, twice 170 (`resources.LEAST_MB`)."""


def truth(place: Path) -> list[dict[str, Any]]:
    calls = pd.read_parquet(place / "results/HUMAN/dna/calls.parquet")
    rows, explained = [], np.zeros(len(calls), bool)
    for what, (contig, start, end, change) in CHANGES.items():
        own = ((calls["chrom"] == contig) & (calls["start"] < end) & (calls["end"] > start)).to_numpy()
        explained |= own
        row = {"kind": "truth", "what": what, "planted": abs(change)}
        for call in calls[own].to_dict("records")[:1]:
            row |= {
                "called": f"{contig}:{call['start']}-{call['end']} {call['type']}", "fraction": call["fraction"],
                "low": call["fraction_low"], "high": call["fraction_high"],
            }  # fmt: skip
        rows.append(row)
    verdict = yaml.safe_load((place / "results/HUMAN/verdict.json").read_text())["outcome"]
    lod = pd.read_parquet(place / "results/HUMAN/dna/lod.parquet")
    at_5 = lod[(lod["size_bp"] == 5_000_000) & (lod["type"] == "gain")]["fraction"].tolist()
    rows += [{"kind": "truth", "what": "limit of detection, 5 Mb gain", "fraction": fraction} for fraction in at_5]
    false = str(int((~explained).sum()))
    rows += [
        {"kind": "truth", "what": what, "called": said} for what, said in (("other calls", false), ("verdict", verdict))
    ]
    return rows


# ---- the doors -------------------------------------------------------------------------------------------------------

FILTER = "-q 20 -f 2 -F 3852"
COLUMNS = "-T {place}/genome.fa --input-fmt-option required_fields=0x1fe --input-fmt-option decode_md=0"
OURS = "exec {python} {script}"
DOORS = {
    "inflate the BAM (bgzip, libdeflate)": "bgzip -dc {bam} > /dev/null",
    "samtools view -c, BAM": f"samtools view -c {FILTER} {{bam}} > /dev/null",
    "samtools view -c, CRAM, the columns that are counted": f"samtools view -c {COLUMNS} {FILTER} {{cram}} > /dev/null",
    "count_fragments, CRAM": f"{OURS} fragments {{place}} {{cram}}",
    "count_alleles, CRAM, 2,000 sites": f"{OURS} alleles {{place}} {{cram}} 40",
    "count_alleles, CRAM, 80,000 sites": f"{OURS} alleles {{place}} {{cram}} 1",
}
ONCE = {
    "samtools view -u, CRAM, bases too": "samtools view -u -T {place}/genome.fa {cram} > /dev/null",
    "mosdepth -n -x, CRAM": "mosdepth -n -x -f {place}/genome.fa {cram} {cram}",
}
"""One line of the shell each, those of ONCE on all reads alone."""
SHARES = (0.5, 1.0)


def doors(place: Path) -> list[dict[str, Any]]:
    """CPU seconds and peak memory of each on a half and all of the lot's reads; ours without its start (start_s)."""
    whole = place / f"results/samples/{LOT}/dna/aligned.cram"
    if not whole.is_file():
        needed = [str(whole.relative_to(place)), *(f"results/reference/{name}.parquet" for name in ("bins", "sites"))]
        command = [sys.executable, "-m", "karyolot", "run", str(place), "--", "--cores", "1", *needed]
        subprocess.run(command, env=environment(), check=True)
    names = {"python": sys.executable, "script": str(Path(__file__).resolve()), "place": str(place)}
    rows: list[dict[str, Any]] = []
    for share in SHARES:
        bam, cram = place / f"part{share}.bam", whole if share == 1 else place / f"part{share}.cram"
        for kind, path in (("-b", bam), ("-C", cram)):
            command = f"samtools view {kind} -T {place}/genome.fa --subsample {share} -o {path} {whole}"
            if not path.is_file():
                subprocess.run(f"{command} && samtools index {path}", shell=True, check=True)
        reads = int(subprocess.run(["samtools", "view", "-c", str(bam)], capture_output=True, check=True).stdout)
        for what, command in (DOORS | ONCE if share == 1 else DOORS).items():
            line = command.format(cram=cram, bam=bam, **names)
            seconds, peak_mb, printed = metered(line)
            own = re.search(r"cpu ([\d.]+)", printed)
            cpu_s = float(own[1]) if own else seconds
            rows.append({"kind": "door", "what": what, "reads": reads, "cpu_s": cpu_s, "max_mb": peak_mb})
            rows[-1] |= {"start_s": seconds - cpu_s} if own else {}
            print(rows[-1], flush=True)
    table = pd.DataFrame(rows)
    for _, own in (group for group in table.groupby("what") if len(group[1]) > 1):
        slope = np.polyfit(np.log(own["reads"]), np.log(own["cpu_s"].clip(lower=0.01)), 1)[0]
        table.loc[own.index, "exponent"] = slope
    return table.to_dict("records")


def door(what: str, place: str, cram: str, step: str = "1") -> None:
    """A rule's function on one file; prints its CPU seconds without imports, those of its children included."""
    from karyolot.dna.counts import count_fragments
    from karyolot.io.alleles import count_alleles
    from karyolot.io.fragments import fragments

    if what == "fragments":
        bins = pd.read_parquet(f"{place}/results/reference/bins.parquet")
        before = sum(os.times()[:4])
        count_fragments(bins, fragments(cram, f"{place}/genome.fa", 20))
    else:
        sites = pd.read_parquet(f"{place}/results/reference/sites.parquet").iloc[:: int(step)].reset_index(drop=True)
        before = sum(os.times()[:4])
        count_alleles(cram, f"{place}/genome.fa", sites, Config().identity)
    print("cpu", sum(os.times()[:4]) - before)


# ---- the aligners ----------------------------------------------------------------------------------------------------

PAIRS = (20_000, 100_000)
"""Pairs that are aligned: the difference is free of start-up and of the reading of the index."""


def aligners(place: Path) -> list[dict[str, Any]]:
    """CPU seconds of both aligners, and how many of their records differ in the eleven columns of SAM: unlike, of those
    placed uniquely (mapping quality above 0), and of all."""
    rows: list[dict[str, Any]] = []
    for number in PAIRS:
        reads, texts = place / f"pairs{number}.fq", []
        with reads.open("w") as out:
            mates = (pysam.FastxFile(str(place / "fastq" / f"{LOT}_{mate}.fastq.gz")) for mate in (1, 2))
            for pair in islice(zip(*mates, strict=True), number):
                out.writelines(f"{mate}\n" for mate in pair)
        for name in ("bwa", "bwa-mem3"):
            group = r"-R '@RG\tID:a\tSM:a'"[3 * (name != "bwa") :]  # bwa-mem3's module takes it without an option
            aligner, made = ALIGNERS[name], place / f"{name}.{number}.bam"
            words = {"index": place / "fastq" / INDEX, "groups": group, "threads": 1, "batch": aligner.batch}
            line = aligner.align.format(python=f"{sys.executable} -m", **words)
            seconds, peak_mb, _ = metered(f"{line} < {reads} 2> {made}.log | samtools view -b -o {made} -")
            rows.append({"kind": "aligner", "what": name, "reads": 2 * number, "cpu_s": seconds, "max_mb": peak_mb})
            texts.append(subprocess.Popen(["samtools", "view", str(made)], stdout=subprocess.PIPE, text=True).stdout)
        differing = [
            lines[0] is None or lines[1] is None or lines[0].split("\t")[4] != "0"
            for lines in zip_longest(*texts)
            if None in lines or lines[0].split("\t")[:11] != lines[1].split("\t")[:11]
        ]
        rows[-1] |= {"unlike": len(differing), "unlike_unique": sum(differing)}
        print(*rows[-2:], sep="\n", flush=True)
    for first, second in zip(rows[:2], rows[2:], strict=True):
        second["cpu_s_per_m_pairs"] = (second["cpu_s"] - first["cpu_s"]) / (PAIRS[1] - PAIRS[0]) * 1e6
    return rows


if __name__ == "__main__":
    door(*sys.argv[1:]) if sys.argv[1] in ("fragments", "alleles") else main(*sys.argv[1:])
