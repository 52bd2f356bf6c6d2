"""Clones over passages: do the intervals of growth and prediction hold, and how much smaller a clone do three lots show?

    python benchmarks/kinetics.py [--lineages N] [--part coverage|null]

It writes benchmarks/kinetics.tsv, one row per measured value with its 95 % interval; a run that was interrupted goes on
(`kinetics.jsonl`), as long as the analysis is the same. A lineage is three lots and their donor on
bins of 500 kb of GRCh38, as arrays: Poisson fragments with Ornstein-Uhlenbeck waves of each library; a wave that all lots of the
line have in common against the donor, as cells of one culture have; bins that yield more or fewer reads in all libraries alike;
and 60 germline copy-number variants of 50 kb to 3 Mb, in donor and lots. The analysis, `karyolot.dna.lineage`, is given none.

coverage   a clone of 5 to 60 Mb that grows by 0 to 0.5 per passage and is in 5 to 60 % of the last lot's cells. Whether the 95 %
           interval of the growth holds it, and the interval at the passage ahead the fraction there, also by thirds of size,
           fraction and growth. `independent`: without the covariance of the lots; `given the donor`: with what the donor's own
           track explains of the ratios taken off, and off their covariance.
variance   of the mean error of the three ratios over the variance stated for it: 1 where that is right. `true ends`: over the
           bins within the clone instead of those of the call.
null       false clones per lineage, with no clone in any lot.
limit      limit of detection at 5 Mb of three lots with the same fraction over that of the last lot alone; and the proportion of
           such clones found at the limit. From the ratios alone that would be sqrt((1/3 + 1) / 2) = 0.816 at equal depth, since
           the donor's noise stays; the rest is gained from the donor's own track.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import chi2

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from copy_number import interval

from karyolot.contracts.copy_number import Calls, Comparison
from karyolot.contracts.kinetics import Clone, Growth, Kinetics
from karyolot.dna import lineage
from karyolot.dna.calls import inner
from karyolot.dna.kinetics import Ratios, grow
from planted import ATLAS, SETTINGS, correlated_waves, genome

HERE = Path(__file__).resolve().parent
Floats = NDArray[np.float64]
LOTS = 3
FRAGMENTS = 3_000
"""Of a lot in a diploid bin of 500 kb: a depth of 2."""
OWN, COMMON = ((1, 0.006), (4, 0.006)), ((8, 0.004),)
"""Waves of each library, and of the cells of a line: length in bins and standard deviation of ln."""
YIELD = ((1, 0.03), (4, 0.02))
"""The same of how many reads a bin yields in every library, which the ratio is free of and the donor's own track is not."""
GERMLINE = 60
DONORS = (1.0, 2.0)
"""Depth of the donor over that of a lot."""
COMPARISON = Comparison(
    analysis_bin_bp=500_000, bins=0, usable=1.0, lot_median=None, donor_median=None, covariates=(), not_used={},
    rt_slope=None, rt_low=None, rt_high=None, noise_sd=None, neutral=1.0,
)  # fmt: skip
NO_CALLS = Calls.frame([])


def proportion(found: Sequence[float]) -> dict[str, float]:
    value = float(np.mean(found))
    return {"n": len(found), "value": value, **interval("", len(found), value)}


@cache
def bins() -> pd.DataFrame:
    """Used autosomal bins."""
    table = genome(500_000)
    return table[(table["gap"] < 0.25) & (table["region"] == "autosome")].reset_index(drop=True)


def waves(generator: np.random.Generator, parts: Sequence[tuple[float, float]]) -> Floats:
    return np.concatenate(
        [correlated_waves(generator, len(part), parts) for _, part in bins().groupby("chrom", sort=False)]
    )


def simulate(
    generator: np.random.Generator, inside: NDArray[np.int64], fractions: Sequence[float], donor_depth: float
) -> list[pd.DataFrame]:
    """Schema LogRatios of each lot. inside: bins of one gained copy in those fractions of the cells."""
    table, common = bins(), waves(generator, COMMON)
    everywhere = FRAGMENTS * np.exp(waves(generator, YIELD)) * germline(generator)
    donor = generator.poisson(donor_depth * everywhere * np.exp(waves(generator, OWN)))
    made = []
    for fraction in fractions:
        mean = everywhere * np.exp(waves(generator, OWN) + common)
        mean[inside] *= 1 + fraction / 2
        lot = generator.poisson(mean)
        log2 = np.log2((lot + 0.5) / (donor + 0.5))
        alone = {name: np.log2(count / np.median(count)) for name, count in (("lot_log2", lot), ("donor_log2", donor))}
        made.append(
            table[["chrom", "start", "end", "arm", "region", "gc"]].assign(
                copies=2, lot_count=lot, donor_count=donor, mask=None,
                replication_timing=np.nan, mappability=np.nan, raw=log2, log2=log2 - np.median(log2), **alone,
                variance=(1 / (lot + 0.5) + 1 / (donor + 0.5)) / np.log(2) ** 2,
            )
        )  # fmt: skip
    return made


def germline(generator: np.random.Generator) -> Floats:
    """Copies over 2 of one person, by bin."""
    copies, width = np.full(len(bins()), 2.0), 500_000
    for size in np.exp(generator.uniform(np.log(50_000), np.log(3_000_000), GERMLINE)):
        low = generator.integers(len(copies) - 8) + generator.random()
        edges = np.arange(len(copies) + 1)
        inside = np.clip(np.minimum(edges[1:], low + size / width) - np.maximum(edges[:-1], low), 0, 1)
        copies += generator.choice([-1, 1]) * inside
    return np.maximum(copies, 0.5) / 2


def stretch(generator: np.random.Generator, megabases: float) -> NDArray[np.int64]:
    """Bins of a region of that size within an arm."""
    size, arms = round(2 * megabases), bins()["arm"].to_numpy()
    while True:
        start = int(generator.integers(len(arms) - size))
        if arms[start] == arms[start + size - 1]:
            return np.arange(start, start + size)


def followed(ratios: Sequence[pd.DataFrame], passages: Sequence[float]) -> Kinetics:
    lots = [lineage.LineLot(f"L{n}", passage, None, NO_CALLS, NO_CALLS) for n, passage in enumerate(passages)]
    return lineage.follow(lots, ratios, COMPARISON, SETTINGS, ATLAS)


def at(clones: Sequence[Clone], inside: NDArray[np.int64]) -> Clone | None:
    """The gain that covers half of a region."""
    first, last = bins().iloc[inside[0]], bins().iloc[inside[-1]]
    for clone in clones:
        overlap = min(clone.end, last["end"]) - max(clone.start, first["start"])
        same = clone.chrom == first["chrom"] and clone.type == "gain"
        if same and overlap >= 0.5 * (last["end"] - first["start"]):
            return clone
    return None


def coverage(number: int) -> list[dict[str, object]]:
    made = [one for seed in range(number) if (one := held(f"coverage {seed}", partial(lineage_of, seed))) is not None]
    table = pd.DataFrame(made)
    rows = [{"measure": "found", **proportion([True] * len(made) + [False] * (number - len(made)))}]
    names = [f"{what}{how}" for how in ("", *HOW) for what in ("growth", "prediction")]
    rows += [{"measure": name, **proportion(table[name].dropna().astype(bool).tolist())} for name in names]
    rows += [{"measure": "bounded", **proportion(table["bounded"].tolist())}]
    rows += [{"measure": "fraction", **proportion([held for one in table["fraction"] for held in one])}]
    for group, unit, scale in (("size", "Mb", 1), ("last", "% of cells", 100), ("rate", "per passage", 1)):
        for part, own in table.groupby(pd.qcut(table[group], 3), observed=True):
            where = f"{part.left * scale:.2g} to {part.right * scale:.2g} {unit}"
            for what in ("growth", "prediction"):
                rows.append({"measure": f"{what}, {where}", **proportion(own[what].dropna().astype(bool).tolist())})
    ratios = [name for name in table if name.startswith("z")]
    return [{"part": "coverage", **row} for row in rows] + [
        {"part": "variance", "measure": f"mean error{name[1:]}", **variance(table[name].to_numpy())} for name in ratios
    ]


def variance(scores: Floats) -> dict[str, float]:
    """Mean square of standard scores with its 95 % interval."""
    total, count = float((scores**2).sum()), len(scores)
    low, high = (total / float(chi2.ppf(part, count)) for part in (0.975, 0.025))
    return {"n": count, "value": total / count, "low": low, "high": high}


def lineage_of(seed: int) -> dict[str, object] | None:
    """Which intervals held in one lineage; None = its clone was not found."""
    generator = np.random.default_rng([1, seed])
    passages = np.cumsum(generator.integers(1, 4, LOTS)) + 1.0
    growth, last = generator.uniform(0, 0.5), generator.uniform(0.05, 0.6)
    fractions = expit(logit(last) + growth * (passages - passages[-1]))
    ahead = expit(logit(last) + growth * (passages[-1] - passages[-2]))
    inside = stretch(generator, float(np.exp(generator.uniform(np.log(5), np.log(60)))))
    ratios = simulate(generator, inside, fractions.tolist(), DONORS[seed % 2])
    lines: list[lineage.Joined] = []  # what `follow` joins is not joined again
    with patch.object(
        lineage, "join", side_effect=lambda *given, make=lineage.join: lines.append(make(*given)) or lines[-1]
    ):
        clone = at(followed(ratios, passages.tolist()).clones, inside)
    if clone is None or clone.growth is None:
        return None
    (line,) = lines
    table, own = line.table, clone.growth
    within = (table["chrom"] == clone.chrom) & (table["start"] >= clone.start) & (table["end"] <= clone.end)
    rows = inner(np.flatnonzero(within))
    found: dict[str, object] = {
        "size": len(inside) / 2,
        "last": last,
        "rate": growth,
        "bounded": own.low is not None and own.high is not None,
        "fraction": [bool(one.low <= true <= one.high) for one, true in zip(clone.fractions, fractions, strict=True)],
    } | _held("", own, growth, ahead)
    truth = np.log2(1 + fractions / 2)
    for how, measure in HOW.items():
        means, covariance = measure(line, rows)
        found |= _held(
            how, grow(Ratios(passages, means, np.full(LOTS, 2.0), covariance, 1e9), gain=True), growth, ahead
        )
    for how, measure, bins_of in (
        ("", measured, rows),
        (", given the donor", given_donor, rows),
        (", true ends", measured, inner(inside)),
    ):
        means, covariance = measure(line, bins_of)
        found[f"z{how}"] = float((means - truth).mean() / np.sqrt(covariance.mean()))
    return found


def _held(how: str, own: Growth, growth: float, ahead: float) -> dict[str, object]:
    prediction = None if own.expected is None else _holds(own.expected_low, ahead, own.expected_high)
    return {f"growth{how}": _holds(own.low, growth, own.high), f"prediction{how}": prediction}


def _holds(low: float | None, true: float, high: float | None) -> bool:
    return bool((low is None or low <= true) and (high is None or true <= high))


def measured(line: lineage.Joined, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Mean ratios of the lots, and their covariance."""
    weights = 1 / line.poisson(0, 0)[rows]
    return np.average(line.values[:-1, rows], axis=1, weights=weights), lineage.covariance(line, rows, weights)


def independent(line: lineage.Joined, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The same with the variances of the lots alone."""
    means, covariance = measured(line, rows)
    return means, np.diag(np.diag(covariance))


def given_donor(line: lineage.Joined, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The same less what the donor's own track explains by the measured covariance."""
    weights = 1 / line.poisson(0, 0)[rows]
    means = np.average(line.values[:, rows], axis=1, weights=weights)
    covariance = lineage.covariance(line, rows, weights, donor=True)
    slope = covariance[:-1, -1] / covariance[-1, -1] if line.steady[rows].all() else np.zeros(LOTS)
    return means[:-1] - slope * means[-1], covariance[:-1, :-1] - np.outer(slope, covariance[-1, :-1])


HOW = {", independent": independent, ", given the donor": given_donor}


def null_and_limits(number: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    for depth in DONORS:
        count = number // len(DONORS)
        made = [held(f"null {depth:g} {seed}", partial(unchanged, seed, depth)) for seed in range(count)]
        table = pd.DataFrame(made)
        false = int(table["false"].sum())
        where = {
            "part": "null",
            "donor_depth": depth,
            "measure": "false clones per lineage",
            "n": count,
            "value": false / count,
        }
        rows.append(where | interval("false clones per genome", count, false / count))
        ratio, found = table["ratio"].dropna(), table["found"].dropna().astype(bool).tolist()
        mean, se = float(ratio.mean()), float(ratio.std(ddof=1) / np.sqrt(len(ratio)))
        bounds = {"n": len(ratio), "value": mean, "low": mean - 1.96 * se, "high": mean + 1.96 * se}
        limit = {"part": "limit", "donor_depth": depth}
        rows.append(limit | {"measure": "limit of three lots over the last alone"} | bounds)
        rows.append(limit | {"measure": "found at the limit"} | proportion(found))
    return rows


def unchanged(seed: int, depth: float) -> dict[str, object]:
    """One lineage without a clone: false clones and the ratio of limits; of every second if a clone at the limit is found."""
    generator = np.random.default_rng([2, seed, round(depth)])
    kinetics = followed(simulate(generator, np.array([], dtype=np.int64), [0.0] * LOTS, depth), (3.0, 5.0, 8.0))
    made: dict[str, object] = {"false": len(kinetics.clones), "ratio": None, "found": None}
    if kinetics.limit_gain is None or kinetics.alone_gain is None:
        return made
    made["ratio"] = kinetics.limit_gain / kinetics.alone_gain
    if seed % 2 == 0:
        inside = stretch(generator, SETTINGS.claim_mb)
        again = followed(simulate(generator, inside, [kinetics.limit_gain] * LOTS, depth), (3.0, 5.0, 8.0))
        made["found"] = at(again.clones, inside) is not None
    return made


HELD: dict[str, object] = {}
"""What an interrupted run left in kinetics.jsonl, and under `code` what it measured."""


def code() -> str:
    """sha256 of the modules that calculate, and of this file."""
    modules = [module.__file__ for name, module in sorted(sys.modules.items()) if name.startswith("karyolot.dna.")]
    sources = [Path(path) for path in modules if path] + [Path(__file__)]
    return hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()


def held(name: str, measure: Callable[[], Any]) -> Any:
    """A measurement, or what an interrupted run of the same code has left of it."""
    path = HERE / "kinetics.jsonl"
    if not HELD:
        left = path.read_text().splitlines() if path.is_file() else []
        HELD.update(json.loads(line) for line in left)
        if HELD.get("code") != code():
            HELD.clear()
            HELD["code"] = code()
            path.write_text(json.dumps(["code", HELD["code"]]) + "\n")
    if name not in HELD:
        HELD[name] = measure()
        with path.open("a") as lines:
            lines.write(json.dumps([name, HELD[name]]) + "\n")
    return HELD[name]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lineages", type=int, default=500)
    parser.add_argument("--part", choices=["coverage", "null"], help="Only these rows; the others stay.")
    given = parser.parse_args()
    columns, path = ["part", "donor_depth", "measure", "n", "value", "low", "high"], HERE / "kinetics.tsv"
    parts = {"coverage": coverage, "null": null_and_limits}
    made = [row for name, run in parts.items() if given.part in (None, name) for row in run(given.lineages)]
    table = pd.DataFrame(made, columns=columns).round(4)
    if given.part:
        old = pd.read_csv(path, sep="\t", keep_default_na=False, na_values=[""])  # null is a part
        table = pd.concat([old[~old["part"].isin(table["part"])], table]).sort_values("part", kind="stable")
    table.to_csv(path, sep="\t", index=False)
    (HERE / "kinetics.jsonl").unlink(missing_ok=True)
    print(table.to_string(index=False))
