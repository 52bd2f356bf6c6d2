"""Are the limits of detection of driver mutations true, how often does a stable lot show one, and what do other callers find?

Parts, each in rows of variants.tsv (`rate` with its 95 % interval, Wilson):

power         Counts: lots with a mutation at the printed limit of their gene, by depth of lot and donor, overdispersion and
              library (usual, damaged); rate: called. The claim is 95 %.
null          Counts: lots without any mutation, 43,000 coding and 180 recurrent bases; rate: lots with any call.
sensitivity   Reads: 12 substitutions in 12,000 bases, alignments as simulated, errors 0.1 %; rate: called, by cell fraction.
              karyolot, bcftools (mpileup, call -m) and freebayes (--pooled-continuous) on the same files; false: other calls.
clones        Counts: `number` other mutations of the panel in 2 to 15 % of cells; rate: a mutation at the limit of a lot
              without them is called; moved: printed limit over that limit.
indels        Reads: 32 indels of 1, 3, 10 and 30 bases in 51,000 bases, in plain sequence and in runs of 5 and 8 bases; pairs
              aligned by bwa, slips in runs; rate: called within 15 bases with the right length; false: other calls.
indel power   The same with indels of 1 to 10 bases in plain sequence, at the printed limit of each lot, errors as measured in the
              lot without them. The claim is 95 %. measured: as below.
recovery      The same in half of the reads, by length of the reads; rate: reads that the pile-up counts for the indel over half
              of the depth at the base before it in a lot without indels. measured: that part by spike-ins into that lot's
              reads. The intervals take reads as independent and are too narrow, as indels differ.

    .venv/bin/python benchmarks/variants.py [--cells N]     adds the next N cells to variants.tsv (all: 15 minutes)

bcftools, bwa and samtools must be on PATH; freebayes is left out where it is not. Delete variants.tsv to begin anew.
"""

import argparse
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pysam

from karyolot.contracts.drivers import DriverGene, DriverLoci, DriverPanel
from karyolot.contracts.genes import trimmed
from karyolot.contracts.settings import Alignment, Config
from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.contracts.small_variants import Consequences, Pileup, SearchedPositions, SeenAlleles
from karyolot.dna.loci import merged
from karyolot.dna.small_variants import candidates, search
from karyolot.dna.variant_errors import KINDS, kind_of, kinds_at
from karyolot.io.drivers import write_regions
from karyolot.io.small_variants import read_pileup, read_spiked
from karyolot.plan.commands import pileup_command, spike_command
from karyolot.plan.files import FASTA
from karyolot.plan.variants import DRIVER_MODELS, DRIVER_REGIONS

TABLE = Path(__file__).with_suffix(".tsv")
COLUMNS = [
    "part",
    "lot",
    "donor",
    "library",
    "spread",
    "caller",
    "fraction",
    "number",
    "moved",
    "read",
    "kind",
    "n",
    "found",
    "rate",
    "measured",
    "low",
    "high",
    "false",
]
USUAL = {"C>A": 3e-4, "C>G": 1e-4, "C>T": 4e-4, "T>A": 1e-4, "T>C": 3e-4, "T>G": 1e-4}
LIBRARIES = {"usual": USUAL, "damaged": USUAL | {"C>T": 4e-3, "C>A": 2e-3}}
SETTINGS = (("usual", 5e-4), ("usual", 3e-3), ("damaged", 3e-3))
DEPTHS = (30, 50, 100, 200)
FRACTIONS = (0.02, 0.1, 0.2, 0.5)
LOTS, GENE = 120, 2000
NULL_LOTS, NULL_AT_ONCE, CODING, RECURRENT = 500, 50, 43_000, 180
READ, SPAN, SPACED, ERROR = 100, 12_000, 1_000, 1e-3
MANY, CLONES, CLONE_LOTS = 60, (0.02, 0.15), 40
INDEL_FRACTIONS = (0.05, 0.1, 0.2, 0.5)
LENGTHS, BOUNDED, INDEL_LOTS, RECOVERY_LOTS, INDELS_APART, NEAR = (1, 3, 10, 30), tuple(range(1, 11)), 2, 4, 1600, 15
KINDS_OF_INDELS = {
    "insertion": (True, False),
    "deletion": (False, False),
    "insertion in a run": (True, True),
    "deletion in a run": (False, True),
}
RUN = re.compile(r"([ACGT])\1{3,}")


def counts(
    rng: np.random.Generator, bases: int, depths: tuple[int, int], library: str, spread: float, planted: Any = ()
) -> Pileup:
    """Reads of lot and donor. planted: (position, fraction of reads of the lot), a substitution each."""
    table: dict[str, Any] = {
        "chrom": "chr1",
        "start": np.arange(bases) + 1000,
        "ref": rng.choice(list("ACGT"), bases),
        "run": 1,
    }
    lot, donor = (rng.poisson(mean, bases) for mean in depths)
    forward = rng.binomial(lot, 0.5)
    table |= {"lot_depth": lot, "lot_forward": forward, "donor_depth": donor, "rna_lot_depth": 0, "rna_donor_depth": 0}
    positions = pd.DataFrame(table)
    kinds, rows = kinds_at(positions)[:, :3], []
    rates = np.array([LIBRARIES[library].get(kind, 0.0) for kind in KINDS])
    for place in range(3):
        rate = rates[kinds[:, place]]
        site = rng.beta(rate * (1 / spread - 1), (1 - rate) * (1 / spread - 1))
        alt, other = rng.binomial(lot, site), rng.binomial(donor, site)
        if place == 0:
            for position, fraction in planted:
                alt[position] = min(alt[position] + rng.binomial(lot[position], fraction), lot[position])
        seen = np.flatnonzero((alt > 0) | (other > 0))
        ahead = rng.hypergeometric(forward[seen], lot[seen] - forward[seen], alt[seen])
        alts = [[base for base in "ACGT" if base != ref][place] for ref in positions["ref"].to_numpy()[seen]]
        own = {"position": seen, "start": positions["start"].to_numpy()[seen], "ref": positions["ref"].to_numpy()[seen]}
        own |= {
            "alt": alts,
            "kind": kinds[seen, place],
            "lot_alt": alt[seen],
            "lot_alt_forward": ahead,
            "lot_depth": lot[seen],
        }
        own |= {"lot_forward": forward[seen], "donor_alt": other[seen], "donor_depth": donor[seen]}
        names = ("rna_lot_alt", "rna_lot_depth", "rna_donor_alt", "rna_donor_depth")
        rows.append(pd.DataFrame(own | dict.fromkeys(names, 0) | {"ends": np.nan}))
    alleles = pd.concat(rows, ignore_index=True)
    SearchedPositions.validate(positions)
    return Pileup(positions, SeenAlleles.validate(alleles))


def loci(bases: int, recurrent: int = 0) -> pd.DataFrame:
    rows = [("", 0, bases)] + [(f"R{number}", 3 * number, 3 * number + 3) for number in range(recurrent // 3)]
    gene = {"chrom": "chr1", "gene": "ONE", "role": "driver"}
    return DriverLoci.frame(gene | {"start": 1000 + a, "end": 1000 + b, "hotspot": name} for name, a, b in rows)


PANEL = DriverPanel(genes=(DriverGene(gene="ONE", role="driver", transcript="T", hotspots=0, missing=""),))


def power(rng: np.random.Generator, lot: int, donor: int, library: str, spread: float) -> Iterator[dict[str, Any]]:
    places, none = loci(GENE), Consequences.frame([])
    pileup = counts(rng, GENE, (lot, donor), library, spread)
    limit = search(pileup, places, PANEL, none, Settings()).limits["fraction"].iloc[0]
    called = 0
    for place in rng.integers(0, GENE, LOTS).tolist():  # one each: lots with many would have other error rates
        pileup = counts(rng, GENE, (lot, donor), library, spread, [(place, limit / 2)])
        called += bool(candidates(pileup, places, Settings())["start"].eq(place + 1000).any())
    yield {"caller": "karyolot", "fraction": round(limit, 4), "n": LOTS, "found": called}


def clones(rng: np.random.Generator, lot: int, donor: int, number: int) -> Iterator[dict[str, Any]]:
    """A gene of CODING bases with `number` mutations in CLONES of the cells, and one more at the limit without any of them."""
    places, none = loci(CODING), Consequences.frame([])
    limits, called = [], 0
    clean = search(counts(rng, CODING, (lot, donor), *SETTINGS[0]), places, PANEL, none, Settings()).limits
    limit = float(clean["fraction"].iloc[0])
    for _ in range(CLONE_LOTS):
        at = rng.choice(CODING, number + 1, replace=False).tolist()
        planted = [(at[0], limit / 2), *((one, float(rng.uniform(*CLONES)) / 2) for one in at[1:])]
        pileup = counts(rng, CODING, (lot, donor), *SETTINGS[0], planted)
        found = search(pileup, places, PANEL, none, Settings())
        called += bool(found.variants["start"].eq(at[0] + 1000).any())
        limits.append(float(found.limits["fraction"].iloc[0]))
    yield {
        "caller": "karyolot",
        "fraction": round(limit, 4),
        "n": CLONE_LOTS,
        "found": called,
        "moved": round(np.mean(limits) / limit, 4),
    }


def null(rng: np.random.Generator, lot: int, donor: int, library: str, spread: float) -> Iterator[dict[str, Any]]:
    places = loci(CODING, RECURRENT)
    lots = (counts(rng, CODING, (lot, donor), library, spread) for _ in range(NULL_AT_ONCE))
    yield {
        "caller": "karyolot",
        "n": NULL_AT_ONCE,
        "found": sum(len(candidates(one, places, Settings())) > 0 for one in lots),
    }


def sensitivity(rng: np.random.Generator, depth: int, fraction: float) -> Iterator[dict[str, Any]]:
    genome = "".join(rng.choice(list("ACGT"), SPAN + 2 * READ))
    sites = np.arange(READ + SPACED // 2, SPAN, SPACED)
    alts = ["ACGT"[("ACGT".index(genome[site]) + int(rng.integers(1, 4))) % 4] for site in sites]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        places = DriverLoci.frame(
            [{"chrom": "chr1", "start": READ, "end": SPAN, "gene": "ONE", "role": "driver", "hotspot": ""}]
        )
        _write_genome(folder, genome, places)
        _write_reads(folder / "lot.bam", genome, depth, dict(zip(sites.tolist(), alts, strict=True)), fraction / 2, rng)
        _write_reads(folder / "donor.bam", genome, depth, {}, 0.0, rng)
        own = candidates(_counted(folder), places, Settings())
        calls = {"karyolot": set(zip(own["start"], own["alt"], strict=True))}
        calls |= {peer: _variants(vcf) for peer, vcf in _peers(folder)}
    truth = set(zip(sites.tolist(), alts, strict=True))
    for caller, found in calls.items():
        yield {
            "caller": caller,
            "fraction": fraction,
            "n": len(truth),
            "found": len(found & truth),
            "false": len(found - truth),
        }


def indels(
    rng: np.random.Generator, depth: int, fraction: float, read: int, lengths: Sequence[int]
) -> list[dict[str, Any]]:
    """Insertions and deletions by length, in plain sequence and in runs of one base. Without a fraction: at the printed limit."""
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    at_limit, limits, parts = not fraction, [], []
    for _ in range(INDEL_LOTS):
        genome, mutated, truth = _planted_indels(rng, lengths, (False,) if at_limit else (False, True))
        with tempfile.TemporaryDirectory() as name:
            folder, places = Path(name), _around(genome)
            _write_genome(folder, genome, places)
            _bash(folder, f"bwa index {FASTA} 2> /dev/null")
            _align_pairs(folder, "donor", (genome, mutated), depth, 0.0, read, rng)
            clean = None
            if at_limit:  # so many mutations raise the measured error: it is that of the lot without them
                _align_pairs(folder, "lot", (genome, mutated), depth, 0.0, read, rng)
                spiked, clean = _spiked(folder), _counted(folder)
                found = search(clean, places, PANEL, Consequences.frame([]), Settings(), spiked=spiked)
                fraction = float(found.limits["indel_fraction"].iloc[0])
                parts.append(found.facts.indel_counted)
            limits.append(fraction)
            _align_pairs(folder, "lot", (genome, mutated), depth, fraction / 2, read, rng)
            own = candidates(_counted(folder), places, Settings(), clean)[["start", "ref", "alt"]].to_numpy().tolist()
            calls = {"karyolot": [(start, len(alt) - len(ref)) for start, ref, alt in own]}
            calls |= {} if at_limit else {peer: _lengths(vcf) for peer, vcf in _peers(folder)}
        for caller, called in calls.items():
            moved = [(start, change) for start, change in called if change]
            near = {
                at for at, (change, _) in truth.items() if any(c == change and abs(s - at) <= NEAR for s, c in moved)
            }
            for kind in KINDS_OF_INDELS if not at_limit else list(KINDS_OF_INDELS)[:2]:
                of = {at for at, (change, run) in truth.items() if (change > 0, run) == KINDS_OF_INDELS[kind]}
                row = rows.setdefault((caller, kind), {"caller": caller, "kind": kind, "n": 0, "found": 0, "false": 0})
                row["n"], row["found"] = row["n"] + len(of), row["found"] + len(near & of)
            rows[caller, kind]["false"] += sum(all(abs(start - at) > 2 * NEAR for at in truth) for start, _ in moved)
    measured = {"measured": round(float(np.mean(parts)), 4)} if parts else {}
    return [{"fraction": round(float(np.mean(limits)), 4), **measured, **row} for row in rows.values()]


def recovery(rng: np.random.Generator, depth: int, read: int) -> Iterator[dict[str, Any]]:
    """Reads that the pile-up counts for indels that half of them have, and the part that the spike-ins measure."""
    total = {kind: [0, 0] for kind, (_, run) in KINDS_OF_INDELS.items() if not run}
    by_spikes = {kind: [0, 0] for kind in total}
    for _ in range(RECOVERY_LOTS):
        genome, mutated, truth = _planted_indels(rng, BOUNDED, (False,))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            _write_genome(folder, genome, _around(genome))
            _bash(folder, f"bwa index {FASTA} 2> /dev/null")
            for sample in ("donor", "lot"):
                _align_pairs(folder, sample, (genome, mutated), depth, 0.0, read, rng)
            spiked = _spiked(folder)
            for kind, held in by_spikes.items():
                rows = spiked[spiked["change"].gt(0) == KINDS_OF_INDELS[kind][0]]
                held[0], held[1] = held[0] + int(rows["counted"].sum()), held[1] + int(rows["carrying"].sum())
            depths = _counted(folder).positions.set_index("start")["lot_depth"]
            _align_pairs(folder, "lot", (genome, mutated), depth, 0.5, read, rng)
            alleles = _counted(folder).alleles
        lengths = alleles["alt"].str.len() - alleles["ref"].str.len()
        for at, (change, run) in truth.items():
            own = alleles[(alleles["start"].sub(at).abs() <= NEAR) & (lengths == change)]
            kind = next(kind for kind, one in KINDS_OF_INDELS.items() if one == (change > 0, run))
            total[kind][0] += int(own["lot_alt"].max()) if len(own) else 0
            total[kind][1] += int(depths[at]) // 2
    for kind, (found, n) in total.items():
        row = {"caller": "karyolot", "kind": kind, "n": n, "found": min(found, n)}
        yield row | {"measured": round(by_spikes[kind][0] / by_spikes[kind][1], 4)}


def _around(genome: str) -> pd.DataFrame:
    """One gene over all of it but the ends."""
    inside = {"chrom": "chr1", "start": READ, "end": len(genome) - READ}
    return DriverLoci.frame([inside | {"gene": "ONE", "role": "driver", "hotspot": ""}])


def _spiked(folder: Path) -> pd.DataFrame:
    """Indels spiked into the reads of the lot."""
    config = Config(alignment=Alignment(aligner="bwa"))
    _bash(folder, spike_command(config, "lot.bam", "spiked", "recounted", sys.executable))
    return read_spiked(folder / "spiked.part", folder / "recounted.part")


def _write_genome(folder: Path, genome: str, places: pd.DataFrame) -> None:
    (folder / FASTA).parent.mkdir(parents=True)
    (folder / FASTA).write_text(f">chr1\n{genome}\n")
    pysam.faidx(str(folder / FASTA))
    write_regions(merged(places), folder / DRIVER_REGIONS)
    (folder / DRIVER_MODELS).write_text("##gff-version 3\n")


def _planted_indels(
    rng: np.random.Generator, lengths: Sequence[int], where: Sequence[bool] = (False, True)
) -> tuple[str, str, dict[int, tuple[int, bool]]]:
    """A genome, the same with an indel every INDELS_APART bases, and change of length and whether in a run, by position.

    where: whether in a run. Runs of one base without a mutation lie between them: of 5 bases every 100, of 8 every 400.
    """
    genome, mutated, truth, middle = "", "", {}, INDELS_APART // 2
    for number, (length, sign, run) in enumerate(itertools.product(lengths, (1, -1), where)):
        bases = rng.choice(list("ACGT"), INDELS_APART)
        for at in range(20, INDELS_APART - 20, 100):
            if abs(at - middle) > 40:
                bases[at : at + (8 if at % 400 == 20 else 5)] = bases[at]
        if run:
            bases[middle : middle + (5, 8)[number // 4 % 2]] = bases[middle]
            for beside in (middle - 1, middle + (5, 8)[number // 4 % 2]):
                bases[beside] = "CGTA"["ACGT".index(bases[middle])]
        block = "".join(bases)
        inserted = block[middle] * length if run and length < 5 else "".join(rng.choice(list("ACGT"), length))
        truth[len(genome) + middle - 1] = (sign * length, run)
        genome += block
        mutated += block[:middle] + (inserted + block[middle:] if sign > 0 else block[middle + length :])
    return genome, mutated, truth


def _align_pairs(
    folder: Path, name: str, genomes: tuple[str, str], depth: int, share: float, read: int, rng: np.random.Generator
) -> None:
    """Pairs of both genomes, with errors of bases and, in runs, of their lengths; aligned by bwa."""
    with (folder / "reads.fq").open("w") as out:
        for number in range(depth * len(genomes[0]) // (2 * read)):
            source = genomes[rng.random() < share]
            size = int(np.clip(rng.normal(3.5 * read, read / 2), 2 * read, 6 * read))
            at = int(rng.integers(0, len(source) - size))
            whole = source[at : at + size]
            for mate, part in enumerate((whole[: read + 5], _reverse(whole)[: read + 5])):
                part = RUN.sub(lambda match: _slipped(match[0], rng), part)[:read]
                wrong = np.flatnonzero(rng.random(len(part)) < ERROR).tolist()
                bases = list(part)
                for place in wrong:
                    bases[place] = "ACGT"[int(rng.integers(0, 4))]
                out.write(f"@{number}/{mate + 1}\n{''.join(bases)}\n+\n{'I' * len(bases)}\n")
    sort = f"samtools sort -o {name}.bam - 2> /dev/null && samtools index {name}.bam"
    _bash(folder, f"bwa mem -p -R '@RG\\tID:a\\tSM:{name}' {FASTA} reads.fq 2> /dev/null | {sort}")


def _reverse(bases: str) -> str:
    return bases[::-1].translate(str.maketrans("ACGT", "TGCA"))


def _slipped(run: str, rng: np.random.Generator) -> str:
    """A run of one base, at times one longer or shorter: once in 2,000 at 5 bases, three times as often with each further one."""
    if rng.random() >= 5e-4 * 3 ** (len(run) - 5):
        return run
    return run[1:] if rng.random() < 0.6 else run + run[0]


def _counted(folder: Path) -> Pileup:
    _bash(folder, pileup_command(Settings(), ["lot.bam", "donor.bam"], "pileup", "csq"))
    return read_pileup(folder / "pileup.part", ["lot", "donor"], kind_of)


def _peers(folder: Path) -> Iterator[tuple[str, str]]:
    """VCF of other callers, on the lot alone."""
    counted = f"bcftools mpileup -f {FASTA} -R {DRIVER_REGIONS} -q 20 -Q 20 -d 8000 -L 8000 lot.bam"
    yield "bcftools", _bash(folder, f"{counted} | bcftools call -mv | bcftools view -i 'QUAL>=20'")
    if shutil.which("freebayes"):
        peer = f"freebayes -f {FASTA} -t {DRIVER_REGIONS} --pooled-continuous -F 0.01 -C 3 -m 20 -q 20 lot.bam"
        vcf = _bash(folder, peer)
        yield (
            "freebayes",
            "\n".join(line for line in vcf.splitlines() if line.startswith("#") or float(line.split("\t")[5]) >= 20),
        )
        yield "freebayes, any quality", vcf


def _lengths(vcf: str) -> list[tuple[int, int]]:
    """Position and change of length of each allele, its position where the alleles begin to differ."""
    found = []
    for line in vcf.splitlines():
        if not line.startswith("#"):
            _, position, _, ref, alts, *_ = line.split("\t")
            for alt in alts.split(","):
                start, own, other = trimmed(int(position) - 1, ref, alt)
                found.append((start, len(other) - len(own)))
    return found


def _bash(folder: Path, command: str) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{command}\n{done.stderr}")
    return done.stdout


def _variants(vcf: str) -> set[tuple[int, str]]:
    rows = [line.split("\t") for line in vcf.splitlines() if not line.startswith("#")]
    return {
        (int(row[1]) - 1 + i, alt[i])
        for row in rows
        for alt in row[4].split(",")
        for i in range(len(row[3]))
        if alt[i : i + 1] not in ("", row[3][i])
    }


def _write_reads(
    path: Path, genome: str, depth: int, mutated: dict[int, str], share: float, rng: np.random.Generator
) -> None:
    header = {
        "HD": {"VN": "1.6", "SO": "coordinate"},
        "SQ": [{"SN": "chr1", "LN": len(genome)}],
        "RG": [{"ID": "a", "SM": path.stem}],
    }
    bases = np.frombuffer(genome.encode(), np.uint8)
    starts = np.sort(rng.integers(0, len(genome) - READ, depth * len(genome) // READ))
    quality = pysam.qualitystring_to_array("I" * READ)
    with pysam.AlignmentFile(str(path), "wb", header=header) as out:
        for number, start in enumerate(starts.tolist()):
            own = bases[start : start + READ].copy()
            for site in range(start + (SPACED // 2 + READ - start) % SPACED, start + READ, SPACED):
                if site in mutated and rng.random() < share:
                    own[site - start] = ord(mutated[site])
            for place in np.flatnonzero(rng.random(READ) < ERROR).tolist():
                own[place] = ord("ACGT"[int(rng.integers(0, 4))])
            read = pysam.AlignedSegment(out.header)
            read.query_name, read.flag, read.reference_id, read.reference_start = (
                str(number),
                16 * (number % 2),
                0,
                start,
            )
            read.mapping_quality, read.cigarstring, read.query_sequence = 60, f"{READ}M", own.tobytes().decode()
            read.query_qualities = quality
            read.set_tag("RG", "a")
            out.write(read)
    pysam.index(str(path))


def cells() -> Iterator[dict[str, Any]]:
    for batch in range(NULL_LOTS // NULL_AT_ONCE):
        depth = DEPTHS[batch % 4]
        library, spread = SETTINGS[batch % 3]
        yield {"part": "null", "lot": depth, "donor": (30, depth)[batch % 2], "library": library, "spread": spread}
    for lot, donor, (library, spread) in itertools.product(DEPTHS, (30, 100), SETTINGS):
        yield {"part": "power", "lot": lot, "donor": donor, "library": library, "spread": spread}
    for depth, fraction in itertools.product(DEPTHS, FRACTIONS):
        yield {"part": "sensitivity", "lot": depth, "donor": depth, "fraction": fraction}
    for depth in DEPTHS:
        yield {"part": "clones", "lot": depth, "donor": depth, "number": MANY}
    for depth, fraction in itertools.product(DEPTHS[1:], INDEL_FRACTIONS):
        yield {"part": "indels", "lot": depth, "donor": depth, "fraction": fraction, "read": READ}
    for depth, read in itertools.product(DEPTHS[1:], (50, READ, 150)):
        yield {"part": "indel power", "lot": depth, "donor": depth, "read": read}
    for read in (50, 75, 100, 150):
        yield {"part": "recovery", "lot": 100, "donor": 100, "read": read}


def measured(number: int, cell: dict[str, Any]) -> list[dict[str, Any]]:
    rng, made = np.random.default_rng([9, number]), {"power": power, "null": null, "clones": clones}
    part, own = cell["part"], {key: value for key, value in cell.items() if key != "part"}
    if part == "sensitivity":
        rows = list(sensitivity(rng, cell["lot"], cell["fraction"]))
    elif part == "indels":
        rows = indels(rng, cell["lot"], cell["fraction"], cell["read"], LENGTHS)
    elif part == "indel power":
        rows = indels(rng, cell["lot"], 0.0, cell["read"], BOUNDED)
    elif part == "recovery":
        rows = list(recovery(rng, cell["lot"], cell["read"]))
    else:
        rows = list(made[part](rng, **own))
    return [{**cell, **row, **_interval(row["found"], row["n"])} for row in rows]


def _interval(found: int, n: int) -> dict[str, float]:
    """Rate, and its 95 % interval (Wilson 1927)."""
    rate, z = found / n, 1.96
    middle, half = rate + z**2 / 2 / n, z * np.sqrt(rate * (1 - rate) / n + z**2 / 4 / n**2)
    bounds = ((middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n))
    return {"rate": round(rate, 4), "low": round(max(bounds[0], 0), 4), "high": round(min(bounds[1], 1), 4)}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--cells", type=int, default=10**6)
    most = arguments.parse_args().cells
    table = (
        pd.read_csv(TABLE, sep="\t", keep_default_na=False, na_values=[""])
        if TABLE.exists()
        else pd.DataFrame(columns=["cell", *COLUMNS])
    )
    left = [(number, cell) for number, cell in enumerate(cells()) if number not in set(table["cell"])]
    for number, cell in left[:most]:
        rows = [{"cell": number, **row} for row in measured(number, cell)]
        table = pd.DataFrame([*table.to_dict("records"), *rows])
        table = table.reindex(columns=["cell", *COLUMNS]).sort_values("cell", kind="stable")
        table.convert_dtypes().to_csv(TABLE, sep="\t", index=False)
    print(f"{len(left[most:])} cells left")


if __name__ == "__main__":
    main()
