"""What the comparison of every pair of samples of a study costs, new and with one more lot, at a panel of 80,000 SNPs.

    python benchmarks/pairs.py DIRECTORY [SAMPLES ...]

Of the samples a quarter are donors, the others lots of theirs, at one read a site. Measured is rule `match_samples`, from
its files to its files: of a study that was never compared, with one more lot, and with one more that holds 5 % of the reads of
another donor, whose source is searched. The peer is `sha256sum` on the tables of allele counts, which only reads them. Writes
`benchmarks/pairs.tsv` from what is held in DIRECTORY: the same command goes on where it was interrupted.
"""

import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from meter import metered
from numpy.typing import NDArray
from pyarrow import parquet

from karyolot.contracts.alleles import COUNTS, AlleleCounts, Contamination, Identity, Kinship
from karyolot.contracts.settings import Identity as Settings
from karyolot.dna.sources import match_samples
from karyolot.io.files import SEAL, UNSEALED, seal
from karyolot.io.pairs import read_allele_counts, read_earlier, write_pairs
from karyolot.io.tables import write_table

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from planted_alleles import counts, panel, person

RESULTS = Path(__file__).with_name("pairs.tsv")
SITES, DEPTH, NUMBERS, PER_DONOR = 80_000, 1.0, (250, 500, 1000), 4
MADE_BY = {"code": "this"}
KIN = Kinship(result="MATCH", sites=SITES, log10_unrelated=999, log10_sibling=999)
CLEAN = Contamination(fraction=0.0, low=0.0, high=0.002, lod=0.005, sites=SITES, donor_known=0.5)
HELD = CLEAN.model_copy(update={"fraction": 0.05, "low": 0.045, "high": 0.055})


def main(directory: str, *numbers: str) -> None:
    place = Path(directory).resolve()
    place.mkdir(parents=True, exist_ok=True)
    held = place / "held.json"
    rows: dict[str, list[object]] = json.loads(held.read_text()) if held.is_file() else {}
    for number in map(int, numbers or NUMBERS):
        write_samples(place, number + 2)
        job = f"{sys.executable} {Path(__file__).resolve()} job {place} {number}"
        steps = {
            "sha256sum of the tables": f"ls -v *.parquet | head -{number} | xargs cat | sha256sum",
            "all pairs": f"{job} 0",
            "one more lot": f"{job} 1",
            "one more lot, with foreign reads": f"{job} 2",
        }
        for what, command in steps.items():
            if (name := f"{number} {what}") not in rows:
                seconds, peak_mb, _ = metered(command, place)
                rows[name] = [number, what, seconds, peak_mb]
                held.write_text(json.dumps(rows))
                print(*rows[name], flush=True)
    table = pd.DataFrame([*rows.values()], columns=["samples", "what", "cpu_s", "max_mb"])
    table = table.sort_values("samples", kind="stable")
    for what, own in table.groupby("what"):
        work = own["samples"] * (own["samples"] - 1) / 2 if what == "all pairs" else own["samples"]
        if len(own) > 1:
            table.loc[own.index, "exponent"] = np.polyfit(np.log(work), np.log(own["cpu_s"]), 1)[0]
    table.to_csv(RESULTS, sep="\t", index=False, float_format="%.4g")
    print(table.to_string(index=False))


def write_samples(place: Path, number: int) -> None:
    """Allele counts of the first samples; the last two of a study are lots of donor 0, the last with reads of donor 1."""
    sites = panel(SITES)
    template = place / "template.tmp.parquet"
    write_table(counts(sites, person(sites, rng_of(0)), DEPTH, rng_of(0)), template, AlleleCounts)
    schema = parquet.read_schema(template).remove_metadata()
    columns = parquet.read_table(template).replace_schema_metadata().drop_columns(COUNTS)
    template.unlink()
    people: dict[int, NDArray[np.int64]] = {}
    for sample in range(number):
        donor, mixed = (sample // PER_DONOR, {}) if sample < number - 2 else (0, {})
        if sample == number - 1:
            mixed = {"foreign": person(sites, rng_of(1)), "share": 0.05}
        path = place / name_of(sample, number)
        if path.is_file():
            continue
        if donor not in people:
            people = {donor: person(sites, rng_of(donor))}
        own = counts(sites, people[donor], DEPTH, rng_of(10_000 + sample), **mixed)  # type: ignore[arg-type]
        table = pa.table([*columns.columns, *(own[name].to_numpy() for name in COUNTS)], schema=schema)
        with parquet.ParquetWriter(place / "part", schema, compression="zstd") as writer:
            writer.write_table(table)
            writer.add_key_value_metadata({SEAL: UNSEALED})
        seal(place / "part")
        (place / "part").rename(path)


def rng_of(number: int) -> np.random.Generator:
    return np.random.default_rng([7, number])


def name_of(sample: int, number: int) -> str:
    """The file of a sample in a study of so many; what is added last depends on how many there are."""
    return f"{sample}.parquet" if sample < number - 2 else f"more-{number}-{sample}.parquet"


def job(directory: str, number: str, more: str) -> None:
    """What rule `match_samples` does, in the folder of results of the study of `number` samples."""
    place, total = Path(directory), int(number) + 2
    rows, paths = [], []
    for sample in range(int(number) + int(more)):
        donor = sample // PER_DONOR if sample < total - 2 else 0
        role = "donor" if sample % PER_DONOR == 0 and sample < total - 2 else "lot"
        owner = f"D{donor}" if role == "donor" else f"L{sample}"
        rows.append({"sample_id": f"S{sample}", "assay": "wgs", "owner": owner, "person": f"D{donor}", "role": role})
        paths.append(place / name_of(sample, total))
    facts = {
        "kinship": KIN,
        "panel": SITES,
        "lot_depth": DEPTH,
        "donor_depth": DEPTH,
        "frequencies": "panel",
        "rna": (),
    }
    own = {row["owner"]: Identity(contamination=CLEAN, **facts) for row in rows if row["role"] == "lot"}
    if more == "2":
        own[f"L{total - 1}"] = Identity(contamination=HELD, **facts)
    made = {name: place / number / file for name, file in FILES.items()}
    counted = read_allele_counts(paths, rows)
    pairs, likenesses = match_samples(counted, rows, own, Settings(), read_earlier(made, MADE_BY, counted))
    assert pairs["expected"].equals(pairs["result"] == "MATCH")
    assert (pairs["b_in_a"].fillna(pairs["a_in_b"]).between(0.03, 0.07).sum() == 1) == (more == "2")
    write_pairs(pairs, likenesses, made, MADE_BY, counted)


FILES = {"pairs": "identity.parquet", "tsv": "identity.tsv", "compared": "identity.json"}

if __name__ == "__main__":
    job(*sys.argv[2:]) if sys.argv[1] == "job" else main(*sys.argv[1:])
