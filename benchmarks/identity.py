"""Planted people at the level of allele counts: wrong identities, error of the contamination, events of the alleles.

    python benchmarks/identity.py [--quick]        (about half an hour on one core; --quick: a tenth of the tries)

writes benchmarks/identity.tsv: one row per case. Sites have alt at 10 to 90 %, Phred-30 errors; siblings share blocks of
about 50 Mb. Identity and contamination: 10,000 sites. Events: 10 Mb copy-neutral, reads that favour the reference (0.08 of the
log odds), site bias (0.12) in both samples alike, overdispersion 0.005; panels of 10,000, 80,000 and 300,000 sites, of which
two in five are het in a donor. `value` is the rate or number the case is about.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import planted
from karyolot.contracts.settings import Identity
from karyolot.dna.alleles import compare_alleles
from karyolot.dna.contamination import contamination
from karyolot.dna.identity import genotypes, kinship, match_all
from planted_alleles import children, counts, mosaic, panel, person

HERE = Path(__file__).resolve().parent
SETTINGS = Identity()
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


def mixtures(number: int) -> Iterator[Case]:
    """Error of the share, in points; how often the interval holds the truth."""
    sites = panel(10_000)
    frequency = sites["frequency"].to_numpy()
    for depth in (0.5, 1.0, 5.0, 30.0):
        for share in (0.0, 0.005, 0.01, 0.02, 0.05, 0.1):
            rng = np.random.default_rng([round(depth * 10), round(share * 1000)])
            found = []
            for _ in range(number):
                me, guest = person(sites, rng), person(sites, rng)
                lot = counts(sites, me, depth, rng, foreign=guest, share=share)
                found.append(contamination(lot, counts(sites, me, depth, rng), frequency))
            known = [one for one in found if one.share is not None]
            errors = [100 * abs(float(one.share or 0) - share) for one in known]
            held = [float(one.low or 0) <= share <= float(one.high or 0) for one in known]
            case = f"contamination {share:.1%}"
            yield {"case": f"{case}: median error, points", "depth": depth, "tries": number, "value": np.median(errors)}
            yield {"case": f"{case}: largest error, points", "depth": depth, "tries": number, "value": max(errors)}
            yield {"case": f"{case}: interval holds", "depth": depth, "tries": number, "value": np.mean(held)}


def events(number: int) -> Iterator[Case]:
    """False events per genome, and copy-neutral events of 10 Mb found, by panel and share of cells; lot and donor at 30x."""
    flat = planted.run((), per_bin=3000)
    for size in (10_000, 80_000, 300_000):
        sites = panel(size)
        rng = np.random.default_rng(size)
        noise = {"reference_bias": 0.08, "site_bias": rng.normal(0, 0.12, len(sites)), "overdispersion": 0.005}
        lods = []
        for fraction in (0.0, 0.1, 0.2, 0.3, 0.5, 1.0):
            hits = false = 0
            for n in range(number * (2 if fraction == 0 else 1)):
                me = person(sites, rng)
                start = 55.0 + n % 60
                copies = mosaic(sites, [("chr4", start, start + 10, "copy-neutral", fraction)])
                lot = counts(sites, me, 30, rng, copies=copies, **noise)  # type: ignore[arg-type]
                donor = counts(sites, me, 30, rng, **noise)  # type: ignore[arg-type]
                found = compare_alleles(lot, donor, flat.compared.ratios, flat.noise, flat.calls, SETTINGS)
                lods.append(found.facts.lod)
                own = (found.events["chrom"] == "chr4") & (found.events["start"] < (start + 10) * 1e6)
                own &= (found.events["end"] > start * 1e6) & (fraction > 0)
                hits += bool(own.any())
                false += int((~own).sum())
            tries = number * (2 if fraction == 0 else 1)
            case = f"{size} sites, copy-neutral 10 Mb in {fraction:.0%}"
            if fraction:
                yield {"case": f"{case}: found", "depth": 30.0, "tries": tries, "value": hits / tries}
            yield {"case": f"{case}: false events a genome", "depth": 30.0, "tries": tries, "value": false / tries}
        printed = np.median([np.nan if lod is None else lod for lod in lods])
        yield {"case": f"{size} sites: printed limit", "depth": 30.0, "tries": len(lods), "value": printed}


def cost() -> Iterator[Case]:
    sites = panel(20_000)
    rng = np.random.default_rng(1)
    tables = {f"S{i}": counts(sites, person(sites, rng), 1.0, rng) for i in range(20)}
    persons = {name: name for name in tables}
    start = time.process_time()
    match_all(tables, persons, persons, SETTINGS.log10_ratio)
    seconds = round(time.process_time() - start, 1)
    yield {"case": "20 samples x 20,000 sites, all pairs: CPU seconds", "depth": 1.0, "tries": 1, "value": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parts = {"identity": (identities, 1000), "contamination": (mixtures, 40), "events": (events, 40)}
    parser.add_argument("--only", choices=[*parts, "cost"], nargs="*", default=[*parts, "cost"])
    given = parser.parse_args()
    rows: list[Case] = []
    for name, (part, number) in parts.items():
        if name in given.only:
            rows += part(max(number // 10, 2) if given.quick else number)
    rows += cost() if "cost" in given.only else []
    table = pd.DataFrame(rows)
    table.to_csv(HERE / "identity.tsv", sep="\t", index=False, float_format="%.4g", lineterminator="\n")
    sys.stdout.write(table.to_string(index=False) + "\n")


if __name__ == "__main__":
    main()
