"""Verification of the limits of detection: events are simulated in the lot's own fragments, and those called are counted."""

from collections.abc import Mapping
from statistics import NormalDist
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.cells import kept_fragments
from karyolot.contracts.copy_number import Lod, Noise
from karyolot.contracts.settings import CopyNumber
from karyolot.dna import halving
from karyolot.dna.limits import distinct_places, stated
from karyolot.dna.noise import degrees_of_freedom, inflation_at, standard_error
from karyolot.dna.ratio import absorbed
from karyolot.dna.segment import best_windows
from karyolot.dna.segments import against_donor, contigs_of, rows_of, runs_of_table, segment_run
from karyolot.dna.thresholds import known_threshold, least_effect, segment_threshold

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Run = tuple[int, int]

SEED = 20_250_917
"""Fixed, so that the same lot always has the same spike-ins; no result depends on its value by more than chance."""
OVERLAP = 0.5
"""Fraction of the spiked bins that a call of the right direction must cover to count as found."""
AROUND = 2
"""Bins searched on either side of a spike-in, in lengths of it: a longer segment dilutes it below half of its |z|."""
SMALLEST_STEP = 1.03
"""A limit that falls short is raised by what its power lacks, and at least by this factor, then tried again."""
AT_ONCE = 100_000
"""Bins of spike-ins that are searched together: their arrays stay in the cache of the processor."""
HALVINGS = 12
"""Steps of the search for the limit of a known region; each halves what is uncertain, so 1/4,096 of the cells remains."""
NO_WEIGHT = 1e-3
"""Weight of bins beyond the end of an arm or in a change of the lot, so that all windows are equally long; others weigh 50
or more."""


class Verified(NamedTuple):
    """Schema Arms and Lod with limits that were tried."""

    arms: pd.DataFrame
    lod: pd.DataFrame


class _Field(NamedTuple):
    """Used bins of a lot: the candidates for spike-ins. runs: index ranges of arms. quiet: not in a change of the lot."""

    table: pd.DataFrame
    contigs: Mapping[str, Run]
    lot: Integers
    donor: Integers
    values: Floats
    runs: list[Run]
    quiet: NDArray[np.bool_]
    noise: Noise
    threshold: float


class _Place(NamedTuple):
    """A region of known ends: its used bins, copies in a diploid cell, |z| it must pass, and the fraction of a change that the
    correction absorbs."""

    inside: Integers
    copies: int
    threshold: float
    lost: float


def verify(
    ratios: pd.DataFrame,
    noise: Noise,
    arms: pd.DataFrame,
    lod: pd.DataFrame,
    settings: CopyNumber,
    sets: float | None = None,
) -> Verified:
    """Try the limits of detection that the noise predicts on the lot itself, and raise those that promise too much.

    Parameters
    ----------
    ratios
        Schema LogRatios of the lot; its fit and its noise stay as they are, one change cannot move them.
    arms, lod
        Schema Arms and Lod with the predicted limits, of diploid cells.
    sets
        Of chromosomes in the lot's cells, which the limits are stated for; None = not measured.
    """
    field = _field(ratios, noise, settings)
    tried = _verified_places(field, arms, settings), _verified_sizes(field, lod, settings)
    return Verified(*stated(*tried, settings, sets))


def _field(ratios: pd.DataFrame, noise: Noise, settings: CopyNumber) -> _Field:
    table = ratios[ratios["mask"].isna()].reset_index(drop=True)
    threshold = segment_threshold(len(table), settings.family_wise_error)
    values, weights = against_donor(table)
    runs, quiet = runs_of_table(table), np.ones(len(table), dtype=bool)
    for low, high in runs if noise.assessable else []:
        for piece in segment_run(values[low:high], weights[low:high], noise, threshold, settings):
            quiet[low + piece.low : low + piece.high] = not piece.changed
    lot, donor = (table[name].to_numpy(dtype=np.int64) for name in ("lot_count", "donor_count"))
    return _Field(table, contigs_of(table), lot, donor, values, runs, quiet, noise, threshold)


def _verified_sizes(field: _Field, lod: pd.DataFrame, settings: CopyNumber) -> pd.DataFrame:
    """The limits by size, raised until spike-ins confirm their power, and the result of fresh spike-ins at each.

    Each change is simulated alone, at a position drawn from the used autosomal bins outside the lot's own changes. A loss in a
    fraction f of the cells thins the lot's fragments there, each kept with the probability 1 - f/2; a gain thins the donor's,
    kept with 1/(1 + f/2): the same ratio, a little noisier than a true gain, since fragments cannot be made up. What is
    found is what differs from the unchanged genome (0) within AROUND lengths of it. A limit that would have to be above
    all cells becomes null.
    """
    generator = np.random.default_rng(SEED)
    rows = []
    for row in lod.to_dict("records"):
        fraction, bins, type_ = row["fraction"], int(row["bins"]), str(row["type"])
        starts = _starts(field, bins) if pd.notna(fraction) else np.array([], dtype=np.int64)
        spiked = found = 0
        while len(starts) and fraction <= 1:
            tried = _found(field, starts, bins, type_, fraction, generator, settings)
            if tried >= settings.power * settings.spike_ins:
                spiked, found = settings.spike_ins, _found(field, starts, bins, type_, fraction, generator, settings)
                break
            fraction *= _step(tried / settings.spike_ins, field.threshold, settings.power)
        rows.append({**row, "fraction": fraction if fraction <= 1 else np.nan, "spike_ins": spiked, "found": found})
    return Lod.frame(rows)


def _verified_places(field: _Field, arms: pd.DataFrame, settings: CopyNumber) -> pd.DataFrame:
    """The limits of known regions, raised to what a change simulated in their own bins takes to be found.

    A region whose ratio is above 0 by chance obscures a loss, and one below 0 a gain. Its mean after thinning has a normal
    distribution whose moments are those of the thinned counts, so the power needs no draws. Regions that are changed, or
    contain a change, keep the predicted limits and have no power.
    """
    tests = len(distinct_places(arms))
    lost = absorbed(field.table)
    rows = []
    for row in arms.to_dict("records"):
        inside = _bins_of(field, row)
        if (
            field.noise.assessable
            and len(inside) >= settings.min_bins
            and field.quiet[inside].all()
            and not row["changed"]
        ):
            freedom = degrees_of_freedom(field.noise, len(inside))
            threshold = float(known_threshold(tests, settings.family_wise_error, freedom))
            place = _Place(inside, int(row["copies"]), threshold, lost(inside))
            for type_ in ("gain", "loss"):
                limit, power = _limit(field, place, type_, row[f"lod_{type_}"], settings)
                row[f"lod_{type_}"], row[f"power_{type_}"] = limit, power
        row["assessable"] = bool(row["assessable"] and max(row["lod_gain"], row["lod_loss"]) <= settings.max_arm_lod)
        rows.append(row)
    return pd.DataFrame(rows)


def _bins_of(field: _Field, place: Mapping[Any, Any]) -> Integers:
    inside = rows_of(field.table, field.contigs, place)
    own = field.table.iloc[inside]
    return inside[((own["region"] != "PAR") & (own["copies"] > 0)).to_numpy()]


def _limit(field: _Field, place: _Place, type_: str, predicted: float, settings: CopyNumber) -> tuple[float, float]:
    """Smallest fraction of cells, not below `predicted`, whose change is found with the configured power, and that power."""

    def power(fraction: float) -> float:
        return _power(field, place, type_, fraction, settings)

    highest = 1 - 1e-6 if type_ == "loss" else 1.0
    if not predicted < highest:
        return predicted, np.nan
    limit = predicted
    if power(predicted) < settings.power:
        if power(highest) < settings.power:
            return np.nan, np.nan
        limit = halving.smallest(lambda fraction: power(fraction) >= settings.power, predicted, highest, HALVINGS)
    return limit, power(limit)


def _power(field: _Field, place: _Place, type_: str, fraction: float, settings: CopyNumber) -> float:
    """Probability that the mean of these bins passes the test after thinning their fragments.

    A count n of which each is kept with probability p has the log2 ratio to before of mean log2 p and variance
    (1 - p) / (n p ln(2)^2), to first order in 1 / (n p). What the correction would absorb of the mean is taken off.
    """
    inside, copies, threshold, lost = place
    lot, donor = field.lot[inside].astype(float), field.donor[inside].astype(float)
    kept = kept_fragments(fraction, type_, copies)
    thinned = lot if type_ == "loss" else donor
    other = donor if type_ == "loss" else lot
    weights = np.log(2) ** 2 / (1 / (thinned * kept + 0.5) + 1 / (other + 0.5))
    sign = -1.0 if type_ == "loss" else 1.0
    mean = np.average(field.values[inside], weights=weights) + sign * abs(np.log2(kept)) * (1 - lost)
    variance = np.sum(weights**2 * (1 - kept) / ((thinned * kept + 0.5) * np.log(2) ** 2)) / weights.sum() ** 2
    least = least_effect(standard_error(field.noise, weights.sum(), len(inside)), threshold, settings)
    return float(NormalDist().cdf(float((sign * mean - least) / np.sqrt(variance))))


def _starts(field: _Field, bins: int) -> Integers:
    """First bins of all windows of `bins` adjacent unchanged autosomal bins within an arm."""
    free = field.quiet & (field.table["region"] == "autosome").to_numpy()
    taken = np.concatenate([[0], np.cumsum(~free)])
    places = [np.arange(low, high - bins + 1) for low, high in field.runs if high - low >= bins]
    starts = np.concatenate(places) if places else np.array([], dtype=np.int64)
    return np.asarray(starts[taken[starts + bins] == taken[starts]])


def _found(
    field: _Field,
    starts: Integers,
    bins: int,
    type_: str,
    fraction: float,
    generator: np.random.Generator,
    settings: CopyNumber,
) -> int:
    """How many of `settings.spike_ins` changes are called."""
    drawn = generator.choice(starts, settings.spike_ins)
    searched = bins * (1 + 2 * AROUND)
    inflation = inflation_at(field.noise, np.arange(searched + 1))
    at_once = max(1, AT_ONCE // searched)
    found = 0
    for part in (drawn[i : i + at_once] for i in range(0, len(drawn), at_once)):
        values, weights, first = _spiked(field, part, bins, type_, fraction, generator)
        sums, moments = (
            np.concatenate([np.zeros((len(part), 1)), np.cumsum(own, axis=1)], axis=1)
            for own in (weights, weights * values)
        )
        score, start, end = best_windows(sums, moments, inflation, settings.min_bins)
        rows = np.arange(len(part))
        mean = (moments[rows, end] - moments[rows, start]) / (sums[rows, end] - sums[rows, start])
        covered = np.minimum(end, first + bins) - np.maximum(start, first)
        called = (score >= field.threshold) & (np.abs(mean) >= settings.min_log2) & ((mean > 0) == (type_ == "gain"))
        found += int((called & (covered >= OVERLAP * bins)).sum())
    return found


def _spiked(
    field: _Field, drawn: Integers, bins: int, type_: str, fraction: float, generator: np.random.Generator
) -> tuple[Floats, Floats, int]:
    """Values and Poisson weights around one-copy changes in `fraction` of the cells, one row each, and their first column.

    Bins of another arm or of a change of the lot have the value 0 and NO_WEIGHT.
    """
    around = AROUND * bins
    at = drawn[:, None] + np.arange(-around, bins + around)
    lows, highs = np.array(field.runs).T
    run = np.searchsorted(highs, drawn, side="right")[:, None]
    within = (at >= lows[run]) & (at < highs[run])
    at = np.clip(at, 0, len(field.values) - 1)
    within &= field.quiet[at]
    values, lot, donor = field.values[at], field.lot[at], field.donor[at]
    inside = np.s_[:, around : around + bins]
    before = _log2(lot[inside], donor[inside])
    thinned = lot if type_ == "loss" else donor
    thinned[inside] = generator.binomial(thinned[inside], kept_fragments(fraction, type_))
    values[inside] += _log2(lot[inside], donor[inside]) - before
    weights = np.log(2) ** 2 / (1 / (lot + 0.5) + 1 / (donor + 0.5))
    return np.where(within, values, 0.0), np.where(within, weights, NO_WEIGHT), around


def _log2(lot: Integers, donor: Integers) -> Floats:
    return np.asarray(np.log2((lot + 0.5) / (donor + 0.5)))


def _step(reached: float, threshold: float, power: float) -> float:
    """Factor on a limit that reached too little power: |z| is proportional to the fraction of cells."""
    normal = NormalDist()
    lacking = normal.inv_cdf(power) - normal.inv_cdf(min(max(reached, 0.01), power))
    return max(SMALLEST_STEP, 1 + lacking / (threshold + normal.inv_cdf(power)))
