"""Limits of detection forecast before sequencing (`karyolot plan`), against those measured on simulated lots.

    python benchmarks/plan.py [--resume]        (two minutes on one core)

It writes benchmarks/plan.tsv, after each pair of depths; --resume keeps the pairs it already holds. There are 18 pairs, lot and
donor alike and unequal, each with LOTS stable lots of `lots.py`: the typical noise that a plan assumes, with GC bias, without a
replication-timing wave (what a track leaves of one is noise that no plan can know). Sizes and `arm` (largest limit of the
autosomal arms used in all lots) hold the larger of gain and loss:

forecast   from typical noise
like       from the noise of one lot at LIKE, as --like does
measured   by the run on each lot, mean of LOTS
printed    the same after verification by spike-ins
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parent))

import lots as simulated

from karyolot.dna.forecast import COUNTED, Libraries, forecast, libraries_of, shared_in, typical
from karyolot.dna.limits import known_regions, limits_of_detection
from karyolot.dna.ratio import compare
from karyolot.dna.segments import segment
from karyolot.dna.spike_ins import verify
from planted import ATLAS

HERE = Path(__file__).resolve().parent
SETTINGS = simulated.SETTINGS
ALIKE = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 50.0)
UNEQUAL = ((0.5, 0.1), (1.0, 5.0), (5.0, 1.0), (1.0, 30.0), (30.0, 1.0), (30.0, 5.0), (5.0, 30.0), (50.0, 30.0))
LIKE = (5.0, 5.0)
LOTS = 4
SIZES_MB = SETTINGS.lod_sizes_mb
ACROCENTRIC = simulated.ACROCENTRIC
"""The simulated genome has sequence there; no run sees any, so they are left out of both sides."""


def arm_limit(arms: pd.DataFrame) -> float:
    own = arms[(arms["scope"] == "arm") & ~arms["chrom"].isin(["chrX", "chrY"]) & ~arms["name"].isin(ACROCENTRIC)]
    return float(own[["lod_gain", "lod_loss"]].max(axis=None))


def larger(lod: pd.DataFrame) -> dict[float, float]:
    """By size, Mb; NaN when one of the two is null."""
    return {size / 1e6: float(np.max(part["fraction"])) for size, part in lod.groupby("size_bp")}


def measured(depths: tuple[float, float], seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """Limits of one lot by size, before and after verification."""
    lot = simulated.simulate([], depths, seed, wave=0.0)
    ratios = compare(simulated.grid(), lot.lot, lot.donor, lot.sex, SETTINGS).ratios
    noise = segment(ratios, SETTINGS).noise
    arms, lod = known_regions(ratios, noise, SETTINGS, ATLAS), limits_of_detection(ratios, noise, SETTINGS)
    printed = verify(ratios, noise, arms, lod, SETTINGS)
    first, second = (
        {f"{size:g}": value for size, value in larger(found[1]).items()} | {"arm": arm_limit(found[0])}
        for found in ((arms, lod), printed)
    )
    return first, second


def libraries() -> tuple[Libraries, Libraries]:
    """With typical noise, and with that of a lot at LIKE; the bins of both are those of that lot."""
    lot = simulated.simulate([], LIKE, 500, wave=0.0)
    ratios, facts = compare(simulated.grid(), lot.lot, lot.donor, lot.sex, SETTINGS)
    noise = segment(ratios, SETTINGS).noise
    arms = known_regions(ratios, noise, SETTINGS, ATLAS)
    width = facts.analysis_bin_bp
    variance = float(ratios.loc[ratios["mask"].isna() & (ratios["region"] == "autosome"), "variance"].median())
    genome = int(simulated.grid().groupby("chrom")["end"].max().sum())
    own = libraries_of(arms, width, genome, COUNTED, typical)
    own = own._replace(arms={name: bases for name, bases in own.arms.items() if name not in ACROCENTRIC})
    return own, own._replace(shared=shared_in(noise, variance, width))


def rows(held: set[tuple[float, float]]) -> Iterator[list[dict[str, object]]]:
    """Of each pair of depths that is not held."""
    both = libraries()
    for depths in [*((depth, depth) for depth in ALIKE), *UNEQUAL]:
        if depths in held:
            continue
        predicted = []
        for own in both:
            limits = forecast(*(own.density(depth) for depth in depths), own, SETTINGS, simulated.BIN)
            predicted.append({f"{size:g}": limits.of_size(size) for size in SIZES_MB} | {"arm": limits.of_any_arm()})
        lots = [measured(depths, 600 + seed) for seed in range(LOTS)]
        found: list[dict[str, object]] = []
        for size in predicted[0]:
            values, printed = ([both_of[i][size] for both_of in lots] for i in (0, 1))
            found.append({
                "lot_depth": depths[0], "donor_depth": depths[1], "size_mb": size, "bin_bp": limits.analysis_bin_bp,
                "forecast": predicted[0][size], "like": predicted[1][size], "measured": np.mean(values),
                "measured_sd": np.std(values, ddof=1), "printed": np.mean(printed), "printed_sd": np.std(printed, ddof=1),
            })  # fmt: skip
        print(*depths, file=sys.stderr, flush=True)
        yield found


def summary(table: pd.DataFrame) -> None:
    """Ratios of the forecasts to what the lots printed on average, and to what each measured before verification."""
    for name, truth in (("forecast", "printed"), ("like", "printed"), ("forecast", "measured")):
        error = table[name] / table[truth] - 1
        worst = table.loc[error.abs().idxmax()]
        place = f"{worst['lot_depth']:g}/{worst['donor_depth']:g}x, {worst['size_mb']}"
        print(f"{name} over {truth}: {error.mean():+.1%} on average, sd {error.std():.1%}, worst {error[worst.name]:+.1%}"
              f" ({place}); beyond 10 %: {(error.abs() > 0.1).sum()} of {error.notna().sum()}")  # fmt: skip
    spread = table["printed_sd"] / table["printed"]
    print(f"spread of printed limits between lots: median {spread.median():.1%}, largest {spread.max():.1%}")


def main() -> None:
    path = HERE / "plan.tsv"
    held = pd.read_csv(path, sep="\t").to_dict("records") if "--resume" in sys.argv and path.exists() else []
    for found in rows({(float(row["lot_depth"]), float(row["donor_depth"])) for row in held}):
        held += found
        pd.DataFrame(held).to_csv(path, sep="\t", index=False, float_format="%.4g")
    summary(pd.DataFrame(held))


if __name__ == "__main__":
    main()
