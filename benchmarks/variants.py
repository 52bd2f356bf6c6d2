"""Are the limits of detection of driver mutations true, how often does a stable lot show one, and what do other callers find?

Parts, each in rows of variants.tsv (`rate` with its 95 % interval, Wilson):

power         Counts: lots with a mutation at the printed limit of their gene, by depth of lot and donor, overdispersion and
              library (usual, damaged); rate: called. The claim is 95 %.
null          Counts: lots without any mutation, 43,000 coding and 180 recurrent bases; rate: lots with any call.
sensitivity   Reads: 12 substitutions in 12,000 bases, alignments as simulated, errors 0.1 %; rate: called, by cell fraction.
              karyolot, bcftools (mpileup, call -m) and freebayes (--pooled-continuous) on the same files; false: other calls.

    .venv/bin/python benchmarks/variants.py [--cells N]     adds the next N cells to variants.tsv (all: six minutes)

bcftools and freebayes must be on PATH; freebayes is left out where it is not. Delete variants.tsv to begin anew.
"""

import argparse
import itertools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pysam

from karyolot.contracts.drivers import DriverGene, DriverLoci, DriverPanel
from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.contracts.small_variants import Consequences, Pileup, SearchedPositions, SeenAlleles
from karyolot.dna.loci import merged
from karyolot.dna.small_variants import candidates, search
from karyolot.dna.variant_errors import KINDS, kind_of, kinds_at
from karyolot.io.drivers import write_regions
from karyolot.io.small_variants import read_pileup
from karyolot.plan.commands import pileup_command
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
    "n",
    "found",
    "rate",
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
        (folder / FASTA).parent.mkdir(parents=True)
        (folder / FASTA).write_text(f">chr1\n{genome}\n")
        pysam.faidx(str(folder / FASTA))
        _write_reads(folder / "lot.bam", genome, depth, dict(zip(sites.tolist(), alts, strict=True)), fraction / 2, rng)
        _write_reads(folder / "donor.bam", genome, depth, {}, 0.0, rng)
        places = DriverLoci.frame(
            [{"chrom": "chr1", "start": READ, "end": SPAN, "gene": "ONE", "role": "driver", "hotspot": ""}]
        )
        write_regions(merged(places), folder / DRIVER_REGIONS)
        (folder / DRIVER_MODELS).write_text("##gff-version 3\n")
        _bash(folder, pileup_command(Settings(), ["lot.bam", "donor.bam"], "pileup", "csq"))
        own = candidates(read_pileup(folder / "pileup.part", ["lot", "donor"], kind_of), places, Settings())
        calls = {"karyolot": set(zip(own["start"], own["alt"], strict=True))}
        region = f"{DRIVER_REGIONS}"
        counted = f"bcftools mpileup -f {FASTA} -R {region} -q 20 -Q 20 -d 8000 lot.bam"
        call = f"{counted} | bcftools call -mv | bcftools view -i 'QUAL>=20'"
        calls["bcftools"] = _variants(_bash(folder, call))
        if shutil.which("freebayes"):
            peer = f"freebayes -f {FASTA} -t {region} --pooled-continuous -F 0.01 -C 3 -m 20 -q 20 lot.bam"
            calls["freebayes"] = _variants(_bash(folder, f"{peer} | bcftools view -i 'QUAL>=20'"))
    truth = set(zip(sites.tolist(), alts, strict=True))
    for caller, found in calls.items():
        yield {
            "caller": caller,
            "fraction": fraction,
            "n": len(truth),
            "found": len(found & truth),
            "false": len(found - truth),
        }


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


def measured(number: int, cell: dict[str, Any]) -> list[dict[str, Any]]:
    rng, made = np.random.default_rng([9, number]), {"power": power, "null": null, "sensitivity": sensitivity}
    own = {key: value for key, value in cell.items() if key != "part"}
    if cell["part"] == "sensitivity":
        rows = list(sensitivity(rng, cell["lot"], cell["fraction"]))
    else:
        rows = list(made[cell["part"]](rng, **own))
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
    table = pd.read_csv(TABLE, sep="\t") if TABLE.exists() else pd.DataFrame(columns=["cell", *COLUMNS])
    left = [(number, cell) for number, cell in enumerate(cells()) if number not in set(table["cell"])]
    for number, cell in left[:most]:
        rows = [{"cell": number, **row} for row in measured(number, cell)]
        table = pd.DataFrame([*table.to_dict("records"), *rows])
        table.reindex(columns=["cell", *COLUMNS]).sort_values("cell", kind="stable").to_csv(
            TABLE, sep="\t", index=False
        )
    print(f"{len(left[most:])} cells left")


if __name__ == "__main__":
    main()
