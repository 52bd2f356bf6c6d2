"""Log2 ratios per bin -> segments with error, interval and the published rule."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.copy_number import Noise, Segments
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.noise import (
    LEVELS,
    SHORTER_FIRST,
    believable,
    first_noise,
    half_width,
    holds_levels,
    inflation_at,
    measure_noise,
    runs_of,
    smooth_outliers,
    standard_error,
    too_calm,
)
from karyolot.dna.segment import dissolve, merge, partition, split, track
from karyolot.dna.thresholds import least_effect, segment_threshold

Floats = NDArray[np.float64]

COUNTED = 20
MOST_ROUNDS = 4
"""Rounds of noise and segments; nearly all lots need two or three."""


class Segmented(NamedTuple):
    """Segments (schema Segments), and the noise of the ratio and of the donor's own track."""

    segments: pd.DataFrame
    noise: Noise
    donor_noise: Noise


def segment(ratios: pd.DataFrame, settings: CopyNumber) -> Segmented:
    """Segment the ratios of a lot, arm by arm and region by region.

    The noise is measured on the residuals of a first segmentation, outside what it found changed, and used for the
    second. Regions of an arm (X and PAR) are never joined: their copies differ.

    Parameters
    ----------
    ratios
        Schema LogRatios; masked bins are passed over.

    Returns
    -------
    Segmented
        Schema Segments, and the noise of the ratio and of the donor's own coverage, log2.
    """
    table = ratios[ratios["mask"].isna()].reset_index(drop=True)
    values, weights = against_donor(table)
    noise, pieces = segment_track(table, values, weights, settings, float(np.median(table["variance"])))
    donor_track, donor_weights = donor_alone(table)
    donor_noise, _ = segment_track(table, donor_track, donor_weights, settings)
    rows = []
    sums = np.concatenate([[0.0], np.cumsum(weights)])
    lows, highs = (np.array([piece[i] for piece in pieces], dtype=np.int64) for i in (0, 1))
    halves = half_width(noise, sums[highs] - sums[lows], highs - lows)
    for (low, high, mean, se, _), half in zip(pieces, halves.tolist(), strict=True):
        first, part = table.iloc[low], slice(low, high)
        median = float(table["log2"].iloc[part].median())
        donor = float(np.median(donor_track[part]))
        expected = np.log2(max(first["copies"], 1) / 2)
        rows.append(
            {
                "chrom": first["chrom"],
                "start": int(first["start"]),
                "end": int(table["end"].iloc[high - 1]),
                "arm": first["arm"],
                "region": first["region"],
                "copies": int(first["copies"]),
                "bins": high - low,
                "log2": median,
                "mean": mean,
                "se": se,
                "z": mean / se,
                "overdispersion": float(inflation_at(noise, high - low)),
                "log2_low": mean - half,
                "log2_high": mean + half,
                "lot_log2": float(np.median(table["lot_log2"].to_numpy()[part])),
                "donor_log2": donor,
                "donor_z": (donor - expected)
                / float(standard_error(donor_noise, donor_weights[part].sum(), high - low))
                if donor_noise.assessable
                else np.nan,
                "published_rule": published_rule(median, settings),
            }
        )
    return Segmented(Segments.frame(rows), believable(noise, _copied(table)), donor_noise)


def _copied(table: pd.DataFrame) -> list[str]:
    """Chromosomes on which the ratio scatters less than counting allows. Below COUNTED fragments the variance of a log2 count is
    no longer 1 / count: a chromosome that the lot lost is all zeros."""
    ratio, variance, lot, donor = (table[name].to_numpy() for name in ("log2", "variance", "lot_count", "donor_count"))
    return [
        name
        for name, (low, high) in contigs_of(table).items()
        if min(np.median(lot[low:high]), np.median(donor[low:high])) >= COUNTED
        and too_calm(ratio[low:high], variance[low:high])
    ]


def donor_alone(table: pd.DataFrame) -> tuple[Floats, Floats]:
    """The donor's own track, smoothed, and its Poisson weights (1 / variance, log2 units), one entry per row of `table`."""
    return _alone(table, "donor")


def lot_alone(table: pd.DataFrame) -> tuple[Floats, Floats]:
    """The same of the lot."""
    return _alone(table, "lot")


def _alone(table: pd.DataFrame, who: str) -> tuple[Floats, Floats]:
    variances = 1 / ((table[f"{who}_count"].to_numpy(dtype=float) + 0.5) * np.log(2) ** 2)
    return _track(table, table[f"{who}_log2"].to_numpy(), variances)


def against_donor(table: pd.DataFrame) -> tuple[Floats, Floats]:
    """The log2 ratio, smoothed, and its Poisson weights, one entry per row of `table` (used bins only)."""
    return _track(table, table["log2"].to_numpy(), table["variance"].to_numpy())


def _track(table: pd.DataFrame, values: Floats, variances: Floats) -> tuple[Floats, Floats]:
    return smooth_outliers(values, variances, arm_labels(table)), 1 / variances


def runs_of_table(table: pd.DataFrame) -> list[tuple[int, int]]:
    """Row ranges of `table` within which segments lie: one arm, one region."""
    return runs_of(arm_labels(table))


def contigs_of(table: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Row ranges of `table`, in genome order, by contig."""
    names = table["chrom"].to_numpy(dtype=object)
    return {str(names[low]): (low, high) for low, high in runs_of(names)}


def rows_of(table: pd.DataFrame, contigs: Mapping[str, tuple[int, int]], place: Mapping[Any, Any]) -> NDArray[np.int64]:
    """Rows of the bins inside an interval (chrom, start, end). contigs: of `contigs_of`."""
    first, last = contigs.get(place["chrom"], (0, 0))
    starts, ends = (table[name].to_numpy()[first:last] for name in ("start", "end"))
    return np.arange(np.searchsorted(starts, place["start"]), np.searchsorted(ends, place["end"], "right")) + first


def arm_labels(table: pd.DataFrame) -> NDArray[np.object_]:
    """Label of each bin, the same in one arm and region."""
    arms, regions = (table[name].to_numpy(dtype=object) for name in ("arm", "region"))
    starts = np.flatnonzero(np.append(True, (arms[1:] != arms[:-1]) | (regions[1:] != regions[:-1]))[: len(table)])
    names = np.array([f"{arms[start]}:{regions[start]}" for start in starts], dtype=object)
    return np.repeat(names, np.diff(np.append(starts, len(table))))


def segment_track(
    table: pd.DataFrame, values: Floats, weights: Floats, settings: CopyNumber, variance: float = 0.0
) -> tuple[Noise, list["Piece"]]:
    """Noise and segments (ranges of rows of `table`) of one track over the used bins of `table`, in genome order.

    Where the noise is that of several copy-number levels (`noise.holds_levels`, with its `variance`), all is done again with
    the first noise of shorter blocks; if none leaves the levels out, the noise is not assessable.
    """
    autosome = (table["region"] == "autosome").to_numpy()
    own = values[autosome], 1 / weights[autosome], arm_labels(table)[autosome]
    for longest in SHORTER_FIRST:
        first = first_noise(*own, longest)
        noise, pieces = _rounds(table, values, weights, first, settings)
        if not holds_levels(noise, first, variance):
            return noise, pieces
    return noise.model_copy(update={"assessable": False, "reason": LEVELS}), pieces


def _rounds(
    table: pd.DataFrame, values: Floats, weights: Floats, noise: Noise, settings: CopyNumber
) -> tuple[Noise, list["Piece"]]:
    """Noise and segments, from a first noise.

    The first round takes that of differences of neighbouring blocks, which does not depend on the levels; each further one
    measures it about the centre (0) on all bins the round before found unchanged, so that waves as long as an arm count as
    noise too. It ends when the same bins are unchanged twice, or after MOST_ROUNDS.
    """
    arms = arm_labels(table)
    autosome = (table["region"] == "autosome").to_numpy()
    threshold = segment_threshold(len(table), settings.family_wise_error)
    before = None
    for turn in range(MOST_ROUNDS):
        pieces = []
        quiet = autosome.copy()
        for start, end in runs_of(arms):
            part = slice(start, end)
            for piece in segment_run(values[part], weights[part], noise, threshold, settings):
                pieces.append(piece._replace(low=start + piece.low, high=start + piece.high))
                quiet[pieces[-1].low : pieces[-1].high] &= not piece.changed
        if turn == MOST_ROUNDS - 1 or (before is not None and np.array_equal(quiet, before)):
            break
        noise, before = measure_noise(values[quiet], 1 / weights[quiet], arms[quiet]), quiet
    return noise, pieces


class Piece(NamedTuple):
    """Bins [low, high) of a run, their mean log2 ratio and its error; changed: it passes |z|, |mean| and min_bins."""

    low: int
    high: int
    mean: float
    se: float
    changed: bool


def segment_run(values: Floats, weights: Floats, noise: Noise, threshold: float, settings: CopyNumber) -> list[Piece]:
    """Segments of one run of neighbouring bins (an arm), each tested against 'unchanged' (0)."""
    arm = track(values, weights, noise)
    found = merge(split(arm, threshold, settings.min_bins), arm, threshold)
    pieces = []
    for low, high in dissolve(partition(found, arm, threshold, settings.min_bins), arm, settings.min_bins):
        mean, se = arm.inside(low, high)
        changed = abs(mean) >= least_effect(se, threshold, settings) and high - low >= settings.min_bins
        pieces.append(Piece(low, high, mean, se, bool(changed)))
    return pieces


def published_rule(median: float, settings: CopyNumber) -> str:
    """He 2025 (Cell Discovery, Fig. 1d): gain if the median log2 ratio > log2(3/2), loss if < log2(1/2).

    Both are what a change of one copy in every cell is expected to show, so half of such changes, and every mosaic,
    stay below it; it is printed beside the statistical call and never carries a PASS.
    """
    if median > np.log2(settings.published_gain):
        return "gain"
    return "loss" if median < np.log2(settings.published_loss) else "none"
