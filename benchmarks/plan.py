"""Limits of detection forecast before sequencing (`karyolot plan`), against those measured on simulated lots.

    python benchmarks/plan.py [--resume]        (two minutes on one core)

It writes benchmarks/plan.tsv, after each pair of depths; --resume keeps its limits and makes the forecasts again. There are 18
pairs, lot and donor alike and unequal, each with LOTS stable lots of `lots.py`: the typical noise that a plan assumes, with GC
bias, without a replication-timing wave (what a track leaves of one is noise that no plan can know). Sizes and `arm` (largest
limit of the autosomal arms used in all lots) hold the larger of gain and loss:

forecast   from typical noise
like       from the noise of one lot at LIKE, as --like does: mean over LIKE_LOTS such lots, standard deviation, and how many are
           more than 10 % off what is printed
measured   by the run on each lot, mean of LOTS
printed    the same after verification by spike-ins
"""

import sys
from collections.abc import Hashable, Iterator
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
LIKE_LOTS = 6
LOTS = 4
SIZES_MB = SETTINGS.lod_sizes_mb
ACROCENTRIC = simulated.ACROCENTRIC
"""The simulated genome has sequence there; no run sees any, so they are left out of both sides."""
COLUMNS = ["lot_depth", "donor_depth", "size_mb", "bin_bp", "forecast", "like", "like_sd", "like_beyond",
           "measured", "measured_sd", "printed", "printed_sd"]  # fmt: skip
Row = dict[Hashable, object]


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


def libraries(seed: int) -> tuple[Libraries, Libraries]:
    """With typical noise, and with that of a lot at LIKE; the bins of both are those of that lot."""
    lot = simulated.simulate([], LIKE, seed, wave=0.0)
    ratios, facts = compare(simulated.grid(), lot.lot, lot.donor, lot.sex, SETTINGS)
    noise = segment(ratios, SETTINGS).noise
    arms = known_regions(ratios, noise, SETTINGS, ATLAS)
    width = facts.analysis_bin_bp
    variance = float(ratios.loc[ratios["mask"].isna() & (ratios["region"] == "autosome"), "variance"].median())
    genome = int(simulated.grid().groupby("chrom")["end"].max().sum())
    own = libraries_of(arms, width, genome, COUNTED, typical)
    own = own._replace(arms={name: bases for name, bases in own.arms.items() if name not in ACROCENTRIC})
    return own, own._replace(shared=shared_in(noise, variance, width))


def predicted(depths: tuple[float, float], own: Libraries) -> tuple[dict[str, float], int]:
    """Limits by size, and the bin of the analysis."""
    limits = forecast(*(own.density(depth) for depth in depths), own, SETTINGS, simulated.BIN)
    sizes = {f"{size:g}": limits.of_size(size) for size in SIZES_MB}
    return sizes | {"arm": limits.of_any_arm()}, limits.analysis_bin_bp


def rows(held: dict[tuple[float, float], list[Row]]) -> Iterator[tuple[tuple[float, float], list[Row]]]:
    """Of each pair of depths."""
    both = [libraries(500 + seed) for seed in range(LIKE_LOTS)]
    for depths in [*((depth, depth) for depth in ALIKE), *UNEQUAL]:
        first, bin_bp = predicted(depths, both[0][0])
        like = pd.DataFrame([predicted(depths, of_lot)[0] for _, of_lot in both])
        found = held.get(depths) or limits_at(depths)
        for row in found:
            size = str(row["size_mb"])
            row |= {"bin_bp": bin_bp, "forecast": first[size], "like": like[size].mean(), "like_sd": like[size].std()}
            row["like_beyond"] = int(((like[size] / row["printed"] - 1).abs() > 0.1).sum())
        print(*depths, file=sys.stderr, flush=True)
        yield depths, found


def limits_at(depths: tuple[float, float]) -> list[Row]:
    """Measured and printed by LOTS lots, by size."""
    lots = [measured(depths, 600 + seed) for seed in range(LOTS)]
    found: list[Row] = []
    for size in lots[0][0]:
        values, printed = ([both_of[i][size] for both_of in lots] for i in (0, 1))
        found.append({
            "lot_depth": depths[0], "donor_depth": depths[1], "size_mb": size, "measured": np.mean(values),
            "measured_sd": np.std(values, ddof=1), "printed": np.mean(printed), "printed_sd": np.std(printed, ddof=1),
        })  # fmt: skip
    return found


def summary(table: pd.DataFrame) -> None:
    """Ratios of the forecasts to what the lots printed on average, and to what each measured before verification."""
    for name, truth in (("forecast", "printed"), ("like", "printed"), ("forecast", "measured")):
        error = table[name] / table[truth] - 1
        worst = table.loc[error.abs().idxmax()]
        place = f"{worst['lot_depth']:g}/{worst['donor_depth']:g}x, {worst['size_mb']}"
        print(f"{name} over {truth}: {error.mean():+.1%} on average, sd {error.std():.1%}, worst {error[worst.name]:+.1%}"
              f" ({place}); beyond 10 %: {(error.abs() > 0.1).sum()} of {error.notna().sum()}")  # fmt: skip
    single = LIKE_LOTS * table["like"].notna().sum()
    print(f"planned from one lot: {table['like_beyond'].sum()} of {single} forecasts beyond 10 %")
    between = table["like_sd"] / table["like"]
    print(f"spread of forecasts between lots planned from: median {between.median():.1%}, largest {between.max():.1%}")
    spread = table["printed_sd"] / table["printed"]
    print(f"spread of printed limits between lots: median {spread.median():.1%}, largest {spread.max():.1%}")


def main() -> None:
    path = HERE / "plan.tsv"
    held: dict[tuple[float, float], list[Row]] = {}
    if "--resume" in sys.argv and path.exists():
        for row in pd.read_csv(path, sep="\t", dtype={"size_mb": str}).to_dict("records"):
            held.setdefault((float(row["lot_depth"]), float(row["donor_depth"])), []).append(row)
    for depths, found in rows(held.copy()):
        held[depths] = found
        table = pd.DataFrame([row for own in held.values() for row in own], columns=COLUMNS)
        table.to_csv(path, sep="\t", index=False, float_format="%.4g")
    summary(table)


if __name__ == "__main__":
    main()
