"""Is the limit of detection true? Changes are planted in the lot's own fragments, and it is counted which are called."""

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.copy_number import Lod, Noise
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.segments import Piece, against_donor, runs_of_table, segment_run
from karyolot.dna.thresholds import segment_threshold

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Run = tuple[int, int]

SEED = 20_250_917
"""Fixed, so that the same lot always shows the same plants; no result depends on its value by more than chance."""
OVERLAP = 0.5
"""Share of the planted bins that calls of the right direction must cover to count as found."""
SMALLEST_STEP = 1.03
"""A limit that falls short is raised by what its power lacks, and at least by this factor, then tried again."""


class _Field(NamedTuple):
    """Used autosomal bins of a lot: where plants grow. runs: index ranges of arms. quiet: not in a change of the lot."""

    lot: Integers
    donor: Integers
    values: Floats
    runs: list[Run]
    quiet: NDArray[np.bool_]
    noise: Noise
    threshold: float


def verify_limits(ratios: pd.DataFrame, lod: pd.DataFrame, noise: Noise, settings: CopyNumber) -> pd.DataFrame:
    """Contract Lod: the limits raised until planting confirms their power, and the result of fresh plants at each.

    ratios: contract LogRatios of the lot; its fit and its noise stay as they are, one change cannot move them. lod:
    the limits as the noise predicts them. Each change is planted alone, at a place drawn from the used autosomal bins
    outside the lot's own changes. A loss in a share f of the cells thins the lot's fragments there, each kept with the
    probability 1 - f/2; a gain thins the donor's, kept with 1/(1 + f/2): the same ratio, a little noisier than a true
    gain, since fragments cannot be made up. The arm is then segmented and tested as it always is. A limit that would
    have to be above all cells becomes null.
    """
    field = _field(ratios, noise, settings)
    generator = np.random.default_rng(SEED)
    rows = []
    for row in lod.to_dict("records"):
        fraction, bins, type_ = row["fraction"], int(row["bins"]), str(row["type"])
        starts = _starts(field, bins) if pd.notna(fraction) else np.array([], dtype=np.int64)
        planted = found = 0
        while len(starts) and fraction <= 1:
            tried = _found(field, starts, bins, type_, fraction, generator, settings)
            if tried >= settings.power * settings.plants:
                planted, found = settings.plants, _found(field, starts, bins, type_, fraction, generator, settings)
                break
            fraction *= _step(tried / settings.plants, field.threshold, settings.power)
        rows.append({**row, "fraction": fraction if fraction <= 1 else np.nan, "planted": planted, "found": found})
    return Lod.frame(rows)


def _field(ratios: pd.DataFrame, noise: Noise, settings: CopyNumber) -> _Field:
    used = ratios["mask"].isna()
    table = ratios[used & (ratios["region"] == "autosome")].reset_index(drop=True)
    threshold = segment_threshold(int(used.sum()), settings.family_wise_error)
    values, weights = against_donor(table)
    runs, quiet = runs_of_table(table), np.ones(len(table), dtype=bool)
    for low, high in runs if noise.assessable else []:
        for piece in segment_run(values[low:high], weights[low:high], noise, threshold, settings):
            quiet[low + piece.low : low + piece.high] = not piece.changed
    lot, donor = (table[name].to_numpy(dtype=np.int64) for name in ("lot_count", "donor_count"))
    return _Field(lot, donor, values, runs, quiet, noise, threshold)


def _starts(field: _Field, bins: int) -> Integers:
    """First bins of all stretches of `bins` quiet neighbours within an arm."""
    changed = np.concatenate([[0], np.cumsum(~field.quiet)])
    places = [np.arange(low, high - bins + 1) for low, high in field.runs if high - low >= bins]
    starts = np.concatenate(places) if places else np.array([], dtype=np.int64)
    return np.asarray(starts[changed[starts + bins] == changed[starts]])


def _found(
    field: _Field, starts: Integers, bins: int, type_: str, fraction: float, generator: np.random.Generator,
    settings: CopyNumber,
) -> int:  # fmt: skip
    """How many of `settings.plants` changes are called."""
    ends = np.array([high for _, high in field.runs])
    found = 0
    for start in generator.choice(starts, settings.plants):
        low, high = field.runs[int(np.searchsorted(ends, start, side="right"))]
        inside = slice(int(start) - low, int(start) - low + bins)
        values, weights = _planted(field, slice(low, high), inside, type_, fraction, generator)
        pieces = segment_run(values, weights, field.noise, field.threshold, settings)
        found += _covers(pieces, inside, type_)
    return found


def _planted(
    field: _Field, arm: slice, inside: slice, type_: str, fraction: float, generator: np.random.Generator
) -> tuple[Floats, Floats]:
    """Values and Poisson weights of an arm with a one-copy change in `fraction` of the cells."""
    lot, donor = field.lot[arm].copy(), field.donor[arm].copy()
    before = _log2(lot, donor)
    if type_ == "loss":
        lot[inside] = generator.binomial(lot[inside], 1 - fraction / 2)
    else:
        donor[inside] = generator.binomial(donor[inside], 1 / (1 + fraction / 2))
    weights = np.log(2) ** 2 / (1 / (lot + 0.5) + 1 / (donor + 0.5))
    return field.values[arm] + _log2(lot, donor) - before, weights


def _log2(lot: Integers, donor: Integers) -> Floats:
    return np.asarray(np.log2((lot + 0.5) / (donor + 0.5)))


def _covers(pieces: list[Piece], inside: slice, type_: str) -> bool:
    covered = sum(
        max(0, min(piece.high, inside.stop) - max(piece.low, inside.start))
        for piece in pieces
        if piece.changed and (piece.mean > 0) == (type_ == "gain")
    )
    return bool(covered >= OVERLAP * (inside.stop - inside.start))


def _step(reached: float, threshold: float, power: float) -> float:
    """Factor on a limit that reached too little power: |z| is proportional to the share of cells."""
    normal = NormalDist()
    lacking = normal.inv_cdf(power) - normal.inv_cdf(min(max(reached, 0.01), power))
    return max(SMALLEST_STEP, 1 + lacking / (threshold + normal.inv_cdf(power)))
