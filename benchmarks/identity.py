"""Planted people at the level of allele counts: wrong identities, error of the contamination, events of the alleles.

    python benchmarks/identity.py [--quick] [--only PART ...] [--hcc1954 DIR] [--titan DIR]

writes benchmarks/identity.tsv, one row per case; a part that is not run keeps its rows. About an hour on one
core; --quick: a tenth of the tries. Sites have alt at 10 to 90 %, Phred-30 errors; siblings share blocks of about
50 Mb. Identity: 10,000 sites. RNA: every site expressed, median depth 8, one in ten of one allele alone. Contamination:
donor as deep as the lot; `bound` is the Cramer-Rao bound on the standard deviation, from every site of the panel with
the error known. Events: reads that favour the reference (0.08 of the log odds), site bias (0.12) in both samples alike,
overdispersion 0.005; two sites in five are het in a donor. Cost: reads of 2 x 100 bases over 20 Mb of random sequence,
sites as dense as so many over the genome, against `samtools view -c`.

--hcc1954: folder with the FASTQ pairs G15512 (tumour line) and HCC1954 (normal line of the same donor) and
cost16011_nonN.fa, from Illumina/manta; needs bwa and samtools. --titan: extdata folder of TitanCNA (Debian
r-bioc-titancna): depth and allele counts of a tumour's chromosome 2. The latter names sites het in the normal, without its
counts: a donor of 24 + 16 reads stands in, the mean share of the tumour's own reads.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import planted
from karyolot.contracts.copy_number import BinSources
from karyolot.contracts.settings import Identity
from karyolot.dna.alleles import compare_alleles
from karyolot.dna.bins import assemble_bins, mean_over_bins
from karyolot.dna.contamination import Reads, usable
from karyolot.dna.counts import conform_counts
from karyolot.dna.identity import genotypes, hardy_weinberg, kinship, posterior
from karyolot.inputs.formats import bin_counts, intervals, layout
from karyolot.io.alleles import count_alleles
from planted_alleles import SEQUENCING_ERROR, children, counts, expressed, mosaic, panel, person

HERE = Path(__file__).resolve().parent
SETTINGS = Identity()
GENOME = 3.1e9
Case = dict[str, object]


def identities(number: int) -> Iterator[Case]:
    """Of `number` pairs each: decided, and decided wrongly."""
    sites = panel(10_000)
    frequency = sites["frequency"].to_numpy()
    for depth in (0.1, 0.5, 1.0, 5.0, 30.0):
        rng = np.random.default_rng(round(depth * 10))
        answers: dict[str, list[str]] = {"same person": [], "full sibling": [], "unrelated": []}
        for _ in range(number):
            one, other = children(sites, rng)
            first = genotypes(counts(sites, one, depth, rng))
            for name, who in zip(answers, (one, other, person(sites, rng)), strict=True):
                second = genotypes(counts(sites, who, depth, rng))
                answers[name].append(kinship(first, second, frequency, SETTINGS.log10_ratio).result)
        for name, found in answers.items():
            wrong = {"same person": "MISMATCH"}.get(name, "MATCH")
            for value, said in (("wrong", found.count(wrong)), ("not enough", found.count("NOT ENOUGH"))):
                yield {"case": f"{name}: {value}", "depth": depth, "tries": number, "value": said / number}


def transcripts(number: int) -> Iterator[Case]:
    """RNA against DNA at 30x, by the number of expressed sites: decided, and decided wrongly."""
    for size in (30, 100, 300, 1000):
        sites = panel(size)
        frequency = sites["frequency"].to_numpy()
        rng = np.random.default_rng(size)
        answers: dict[str, list[str]] = {"same person": [], "full sibling": [], "unrelated": []}
        for _ in range(number):
            one, other = children(sites, rng)
            rna = genotypes(expressed(sites, one, rng), rna=True)
            for name, who in zip(answers, (one, other, person(sites, rng)), strict=True):
                dna = genotypes(counts(sites, who, 30, rng))
                answers[name].append(kinship(rna, dna, frequency, SETTINGS.log10_ratio).result)
        for name, found in answers.items():
            wrong = {"same person": "MISMATCH"}.get(name, "MATCH")
            for value, said in (("wrong", found.count(wrong)), ("not enough", found.count("NOT ENOUGH"))):
                case = f"RNA over {size} sites, {name}: {value}"
                yield {"case": case, "depth": 30.0, "tries": number, "value": said / number}


def mixtures(number: int) -> Iterator[Case]:
    """Error of the share, in points; how often the interval holds the truth."""
    for size, depths in ((10_000, (0.5, 1.0, 5.0, 30.0)), (40_000, (5.0,))):
        sites = panel(size)
        frequency = sites["frequency"].to_numpy()
        for depth in depths:
            for share in (0.0, 0.005, 0.01, 0.02, 0.05, 0.1):
                rng = np.random.default_rng([size, round(depth * 10), round(share * 1000)])
                fits, informations = [], []
                for _ in range(number):
                    me, guest = person(sites, rng), person(sites, rng)
                    lot = counts(sites, me, depth, rng, foreign=guest, share=share)
                    donor = counts(sites, me, depth, rng)
                    fits.append(usable(lot, donor, frequency)[1].fit())
                    informations.append(information(lot, donor, frequency, share))
                errors = 100 * (np.array([fit.share for fit in fits]) - share)
                values = {
                    "mean error, points": errors.mean(), "standard deviation, points": errors.std(),
                    "mean |error|, points": np.abs(errors).mean(), "largest error, points": np.abs(errors).max(),
                    "interval holds": np.mean([fit.low <= share <= fit.high for fit in fits]),
                }  # fmt: skip
                if share:  # at 0 the share can only err upwards, and the bound does not apply
                    values["bound, points"] = 100 / np.sqrt(np.mean(informations))
                for name, value in values.items():
                    case = f"contamination {share:.1%}, {size} sites: {name}"
                    yield {"case": case, "depth": depth, "tries": number, "value": value}


def information(lot: pd.DataFrame, donor: pd.DataFrame, frequency: NDArray[np.float64], share: float) -> float:
    """Observed Fisher information on the share: minus the curvature of the log likelihood of all sites at the truth."""
    host = posterior(genotypes(donor).likelihood, frequency)
    ref, alt = (lot[f"{name}_count"].to_numpy() for name in ("ref", "alt"))
    reads = Reads(ref, alt, host, hardy_weinberg(frequency), SEQUENCING_ERROR / 3)
    step = max(share, 0.01) / 10
    low, middle, high = reads.log_likelihoods(np.array([share - step, share, share + step]).clip(1e-9))
    return float((2 * middle - low - high) / step**2)


def events(number: int) -> Iterator[Case]:
    """False events per genome, and copy-neutral events found, by panel, size, depth and cell fraction."""
    flat = planted.run((), per_bin=3000)
    plans = [(80_000, size, 30.0) for size in (5, 10, 20)] + [(10_000, 10, 30.0), (300_000, 10, 30.0)]
    plans += [(80_000, 10, depth) for depth in (0.1, 0.5, 1.0, 5.0, 10.0)]
    for size, length, depth in plans:
        sites = panel(size)
        rng = np.random.default_rng([size, length, round(10 * depth)])
        noise = {"reference_bias": 0.08, "site_bias": rng.normal(0, 0.12, len(sites)), "overdispersion": 0.005}
        lods = []
        for fraction in (0.0, 0.1, 0.2, 0.3, 0.5, 1.0):
            tries = 1 if depth < 10 else number * (4 if fraction == 0 else 1)
            hits = false = 0
            for n in range(tries):
                me = person(sites, rng)
                start = 55.0 + n % 60
                copies = mosaic(sites, [("chr4", start, start + length, "copy-neutral", fraction)])
                lot = counts(sites, me, depth, rng, copies=copies, **noise)  # type: ignore[arg-type]
                donor = counts(sites, me, depth, rng, **noise)  # type: ignore[arg-type]
                found = compare_alleles(lot, donor, flat.compared.ratios, flat.noise, flat.calls, SETTINGS)
                lods.append(found.facts.lod)
                own = (found.events["chrom"] == "chr4") & (found.events["start"] < (start + length) * 1e6)
                own &= (found.events["end"] > start * 1e6) & (fraction > 0)
                hits += bool(own.any())
                false += int((~own).sum())
            case = f"{size} sites, copy-neutral {length} Mb in {fraction:.0%}"
            if fraction:
                yield {"case": f"{case}: found", "depth": depth, "tries": tries, "value": hits / tries}
            yield {"case": f"{case}: false events a genome", "depth": depth, "tries": tries, "value": false / tries}
        printed = np.median([np.nan if lod is None else lod for lod in lods])
        case = f"{size} sites: printed limit at {SETTINGS.event_mb:g} Mb (none: not assessed)"
        yield {"case": case, "depth": depth, "tries": len(lods), "value": printed}


def cost(_: int) -> Iterator[Case]:
    """CPU seconds of a pile-up over those of counting the reads."""
    with tempfile.TemporaryDirectory() as folder:
        for depth in (1.0, 5.0):
            bam, fasta = random_reads(Path(folder), depth)
            streamed = seconds_of_child(["samtools", "view", "-c", str(bam)])
            for number in (20_000, 80_000, 300_000):
                places = np.sort(np.random.default_rng(number).choice(LENGTH, round(number * LENGTH / GENOME), False))
                table = pd.DataFrame({"chrom": "chr1", "start": places, "end": places + 1, "ref": "A", "alt": "G"})
                start = time.process_time()
                count_alleles(bam, fasta, table.assign(frequency=0.5), SETTINGS)
                ratio = (time.process_time() - start) / streamed
                case = f"pile-up of {number} sites a genome: CPU seconds over `samtools view -c`"
                yield {"case": case, "depth": depth, "tries": 1, "value": ratio}


LENGTH = 20_000_000


def random_reads(folder: Path, depth: float) -> tuple[Path, Path]:
    """A sorted, indexed BAM of proper pairs of 2 x 100 bases, fragments of 300, and its genome."""
    rng = np.random.default_rng(1)
    bases = rng.choice(np.frombuffer(b"ACGT", np.uint8), LENGTH).tobytes().decode()
    fasta, bam = folder / "genome.fa", folder / f"{depth:g}.bam"
    fasta.write_text(f">chr1\n{bases}\n")
    pysam.faidx(str(fasta))
    starts = rng.integers(0, LENGTH - 300, round(depth * LENGTH / 200))
    quality = ["".join(chr(33 + q) for q in rng.choice([11, 25, 37], 100, p=[0.02, 0.04, 0.94])) for _ in range(999)]
    with subprocess.Popen(["samtools", "sort", "-o", str(bam)], stdin=subprocess.PIPE, text=True) as sort:
        assert sort.stdin is not None
        sort.stdin.write(f"@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:{LENGTH}\n")
        for n, start in enumerate(starts.tolist()):
            for flag, at, mate, size in ((99, start, start + 200, 300), (147, start + 200, start, -300)):
                sort.stdin.write(
                    f"r{n}\t{flag}\tchr1\t{at + 1}\t60\t100M\t=\t{mate + 1}\t{size}\t{bases[at : at + 100]}\t"
                    f"{quality[(n + flag) % 999]}\n"
                )
    pysam.index(str(bam))
    return bam, fasta


def seconds_of_child(command: list[str]) -> float:
    def spent() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    start = spent()
    subprocess.run(command, check=True, capture_output=True)
    return spent() - start


def hcc1954(folder: Path) -> Iterator[Case]:
    """Tumour and normal line of one donor over 3.2 kb, every base of it a site: where do they differ, is there any SNP."""
    deep = 8
    with tempfile.TemporaryDirectory() as made:
        fasta = Path(made) / "genome.fa"
        fasta.write_bytes((folder / "cost16011_nonN.fa").read_bytes())
        pysam.faidx(str(fasta))
        subprocess.run(["bwa", "index", str(fasta)], check=True, capture_output=True)
        with pysam.FastaFile(str(fasta)) as genome:
            places = [
                (name, n, base) for name in genome.references for n, base in enumerate(genome.fetch(name).upper())
            ]
        sites = pd.DataFrame(places, columns=["chrom", "start", "ref"])
        sites["alt"] = np.where(sites["ref"] == "A", "C", "A")  # any other base is counted as `other`
        shares, used = [], np.ones(len(sites), bool)
        for name in ("G15512", "HCC1954"):
            bam = Path(made) / f"{name}.bam"
            reads = [str(folder / f"{name}_R{mate}.fq.gz") for mate in (1, 2)]
            aligned = subprocess.run(["bwa", "mem", str(fasta), *reads], check=True, capture_output=True)
            subprocess.run(["samtools", "sort", "-o", str(bam)], input=aligned.stdout, check=True, capture_output=True)
            pysam.index(str(bam))
            table = count_alleles(bam, fasta, sites, SETTINGS)
            depth = table[["ref_count", "alt_count", "other_count"]].sum(axis=1).to_numpy()
            used &= depth >= deep
            shares.append(table["ref_count"].to_numpy() / np.maximum(depth, 1))
    tumour, normal = (share[used] for share in shares)
    values = {
        f"bases at least {deep} deep in both": used.sum(), "reference base in one, another in the other":
        ((tumour < 0.2) & (normal > 0.8) | (tumour > 0.8) & (normal < 0.2)).sum(),
        "SNPs (a quarter of the reads of the normal, or more)": (normal <= 0.75).sum(),
    }  # fmt: skip
    for name, value in values.items():
        case = f"HCC1954, tumour and normal line of one donor, 3.2 kb: {name}"
        yield {"case": case, "depth": None, "tries": 1, "value": value}


def titan(folder: Path) -> Iterator[Case]:
    """Chromosome 2 of a tumour: depth calls, what the alleles say under each, and where they moved without a call."""
    facts = layout.read(planted.RESOURCES / "genomes" / "GRCh37.yaml")
    bands = pd.DataFrame(facts.bands)
    lot, donor = (pd.DataFrame(bin_counts.read(folder / f"test_{name}_chr2.wig")) for name in ("tum", "norm"))
    name = str(lot["chrom"].iloc[0])
    length = int(bands.loc[bands["chrom"].str.removeprefix("chr") == name.removeprefix("chr"), "end"].max())
    bins = assemble_bins(BinSources(facts.layout, bands, [(name, length)], None), 1000)
    for column, file, kind in (("gc", "gc", intervals.GC), ("mappability", "map", intervals.MAPPABILITY)):
        bins[column] = mean_over_bins(bins, pd.DataFrame(intervals.read(folder / f"{file}_chr2.wig", kind)))
    tables = [conform_counts(bins, table, "wig") for table in (lot, donor)]
    found = planted.analyse(bins, *tables, "F")
    given = pd.read_csv(folder / "test_alleleCounts_chr2.txt", sep="\t").sort_values("position")
    place = {"chrom": name, "start": given["position"] - 1, "end": given["position"], "ref": "A", "alt": "G"}
    sites = pd.DataFrame(place | {"frequency": np.nan}).reset_index(drop=True)
    seen = sites.assign(ref_count=given["refCount"].to_numpy(), alt_count=given["NrefCount"].to_numpy(), other_count=0)
    balanced = sites.assign(ref_count=24, alt_count=16, other_count=0)
    compared = compare_alleles(seen, balanced, found.compared.ratios, found.noise, found.calls, SETTINGS)
    for event in compared.events.to_dict("records"):
        what = (
            f"{event['kind']} by depth, alleles {event['evidence']}"
            if event["evidence"]
            else f"{event['kind']}, no call"
        )
        where = f"{event['start'] / 1e6:.1f}-{event['end'] / 1e6:.1f} Mb, log2 {event['log2']:.2f}"
        case = f"TitanCNA chr2 {where}: {what}: shift of the allele share"
        yield {"case": case, "depth": None, "tries": 1, "value": event["shift"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = {
        "identity": (identities, 1000), "rna": (transcripts, 1000), "contamination": (mixtures, 40), "events": (events, 40),
        "cost": (cost, 1),
    }  # fmt: skip
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=list(parts), nargs="*", default=list(parts))
    parser.add_argument("--hcc1954", type=Path)
    parser.add_argument("--titan", type=Path)
    given = parser.parse_args()
    for name, (part, number) in parts.items():
        if name in given.only:
            write(name, part(max(number // 10, 2) if given.quick else number), list(parts))
    for name, real in (("hcc1954", hcc1954), ("titan", titan)):
        if (folder := getattr(given, name)) is not None:
            write(name, real(folder), list(parts))


def write(part: str, cases: Iterable[Case], order: list[str]) -> None:
    """Put the rows of a part into identity.tsv, and show them."""
    table = pd.DataFrame([{"part": part, **case} for case in cases])
    shown = table.to_string(index=False)
    file = HERE / "identity.tsv"
    if file.exists():
        before = pd.read_csv(file, sep="\t")
        table = pd.concat([before[before["part"] != part], table])
    places = {name: n for n, name in enumerate([*order, "hcc1954", "titan"])}
    table = table.sort_values("part", key=lambda column: column.map(places), kind="stable")
    table.to_csv(file, sep="\t", index=False, float_format="%.4g", lineterminator="\n")
    sys.stdout.write(shown + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
