"""The log2 ratios of a line of lots, all against one donor -> clones in all of them together.

The lots share a donor, and their cells a way of growing, so that much of their noise is common. Its covariance is measured, not
assumed: the variance of a mean of n bins is measured (`dna.noise`) of each lot, and of the difference of every two, in which the
donor cancels; half of what the two have more than their difference is their covariance. The donor's own track, which deviates
where its noise moves all lots the other way, is one more observation of the kind: the sum of a lot's ratio and the donor's track
is the lot alone. The lots and the donor's track are then combined into the one track in which a clone of equal frequency in all
lots has the highest signal. That track is segmented and tested as a lot is, so that breakpoints are shared and the error is
measured again on the track itself. Once found, a clone is called once more in the track in which a clone of its own course has
the highest signal: one that grows has its ends where the last lots show them, while among all lots alike the ends of a rare one
were at times 10 Mb off, and its fractions too low.
"""

from collections.abc import Sequence
from functools import partial
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.cells import DIPLOID, fraction_interval, fraction_of_cells
from karyolot.contracts.contigs import contig_key
from karyolot.contracts.copy_number import Comparison, Noise
from karyolot.contracts.kinetics import Clone, CloneFraction, Growth, Kinetics, LeftOut, LineLot
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.calls import call_changes, inner
from karyolot.dna.kinetics import Ratios, grow
from karyolot.dna.limits import known_regions, limits_of_detection
from karyolot.dna.noise import degrees_of_freedom, inflation_at, measure_noise, smooth_outliers
from karyolot.dna.ratio import compare
from karyolot.dna.segments import arm_labels, segment, segment_track
from karyolot.dna.timing import TIMING

Floats = NDArray[np.float64]

SAME = 0.5
"""Overlap, of the shorter of two calls of one type, from which on they count as one change."""
COARSEST = 5
"""An earlier lot so shallow that its bins are more than this many times wider than the last lot's is left out: all lots are
compared on the widest bins of them."""
ALONE = "fewer than two lots can be compared"
LEAST_VARIANCE = 0.01
"""Smallest eigenvalue of a covariance over the largest: measured covariances need not be positive definite."""


class Joined(NamedTuple):
    """Used bins of a line, the same in all lots.

    used: which rows of a lot's LogRatios they are; labels: of their arms. values: shape (lots + 1, bins), smoothed log2 ratios of
    the lots, and of the donor alone, less the copies expected; 0 where the donor differs from these, as a germline variant of
    the donor is in the lots too. steady: where it does not. lots, donor: fragments, shapes (lots, bins) and (bins,). noises: of
    each row of values (k, k), of the differences of two lots, and of the sums of a lot and the donor.
    """

    table: pd.DataFrame
    used: NDArray[np.bool_]
    values: Floats
    steady: NDArray[np.bool_]
    lots: Floats
    donor: Floats
    noises: dict[tuple[int, int], Noise]

    def poisson(self, i: int, k: int) -> Floats:
        """Poisson variance, log2 units, of what noises[i, k] is of."""
        last = len(self.lots)
        if i == last:
            inverse = 1 / self.donor
        elif k == last:
            inverse = 1 / self.lots[i]
        else:
            inverse = 1 / self.lots[i] + 1 / (self.donor if i == k else self.lots[k])
        return np.asarray(inverse / np.log(2) ** 2)


def trace(
    bins: pd.DataFrame,
    lots: Sequence[LineLot],
    donor: pd.DataFrame,
    sex: str,
    settings: CopyNumber,
    atlas: Atlas,
) -> Kinetics:
    """Follow the clones of a line of lots.

    Parameters
    ----------
    bins, donor
        Schema Bins and Counts.
    lots
        The oldest first, at least one; the last is the one in question.
    sex
        Of the donor by record, 'F' or 'M'.
    """
    left_out = [LeftOut(lot_id=lot.lot_id, reason="no verdict on stability") for lot in lots if not lot.usable]
    lots = [lot for lot in lots if lot.usable]
    if len(lots) < 2:
        return _nothing(lots, left_out, settings, ALONE)
    compared = [compare(bins, lot.counts, donor, sex, settings) for lot in lots]
    widths = [found.facts.analysis_bin_bp for found in compared]
    kept = [width <= COARSEST * widths[-1] for width in widths]
    coarse = [
        LeftOut(lot_id=lot.lot_id, reason=f"coverage too low: bins of {width} bp, {widths[-1]} bp in the last lot")
        for lot, width, own in zip(lots, widths, kept, strict=True)
        if not own
    ]  # fmt: skip
    widest = max(width for width, own in zip(widths, kept, strict=True) if own)
    same = settings.model_copy(update={"analysis_bin_bp": widest})
    used = [
        (lot, found if width == widest else compare(bins, lot.counts, donor, sex, same))
        for lot, found, width, own in zip(lots, compared, widths, kept, strict=True)
        if own
    ]
    return follow([lot for lot, _ in used], [found.ratios for _, found in used], used[-1][1].facts, settings, atlas,
                  [*left_out, *coarse])  # fmt: skip


def follow(
    lots: Sequence[LineLot],
    ratios: Sequence[pd.DataFrame],
    comparison: Comparison,
    settings: CopyNumber,
    atlas: Atlas,
    left_out: Sequence[LeftOut] = (),
) -> Kinetics:
    """`trace` from ratios: schema LogRatios of each lot, all on the same bins. comparison: of the last lot."""
    if len(lots) < 2:
        return _nothing(lots, left_out, settings, ALONE)
    line = join(ratios, settings)
    if reason := next((noise.reason for noise in line.noises.values() if not noise.assessable), ""):
        return _nothing(lots, left_out, settings, reason)
    weights = best_weights(line, settings, np.ones(len(lots)))
    evaluated = partial(_evaluated, ratios, line, comparison, settings, atlas)
    together, noise, calls = evaluated(weights)
    own = [_within(lot.calls, line) for lot in lots]
    again = [
        _alike_of(place, evaluated(best)[2])
        for place in places([calls], own)
        if (best := _weights_of(place, lots, line, settings)) is not None
    ]
    limits = _claim(limits_of_detection(together, noise, settings), settings)
    alone = _claim(limits_of_detection(ratios[-1], line.noises[len(lots) - 1, len(lots) - 1], settings), settings)
    return Kinetics(
        lots=tuple(lot.lot_id for lot in lots),
        passages=tuple(lot.passage for lot in lots),
        left_out=tuple(left_out),
        claim_mb=settings.claim_mb,
        weights=tuple(round(float(weight), 4) for weight in weights[:-1]),
        donor_weight=round(float(weights[-1]), 4),
        limit_gain=limits["gain"],
        limit_loss=limits["loss"],
        alone_gain=alone["gain"],
        alone_loss=alone["loss"],
        clones=tuple(_clone(place, lots, line) for place in places([calls, *again], own)),
        reason="",
    )


def _evaluated(
    ratios: Sequence[pd.DataFrame],
    line: Joined,
    comparison: Comparison,
    settings: CopyNumber,
    atlas: Atlas,
    weights: Floats,
) -> tuple[pd.DataFrame, Noise, pd.DataFrame]:
    """All lots together by these weights (schema LogRatios), the noise of that track, and its calls (schema Calls)."""
    together = combined(ratios, line, weights)
    segments, noise, donor_noise = segment(together, settings)
    arms = known_regions(together, noise, settings, atlas)
    return together, noise, call_changes(together, segments, arms, noise, donor_noise, settings, atlas, comparison)


def _nothing(lots: Sequence[LineLot], left_out: Sequence[LeftOut], settings: CopyNumber, reason: str) -> Kinetics:
    """Nothing was evaluated, for a reason."""
    return Kinetics(
        lots=tuple(lot.lot_id for lot in lots),
        passages=tuple(lot.passage for lot in lots),
        left_out=tuple(left_out),
        claim_mb=settings.claim_mb,
        weights=(),
        donor_weight=0.0,
        limit_gain=None,
        limit_loss=None,
        alone_gain=None,
        alone_loss=None,
        clones=(),
        reason=reason,
    )


def join(ratios: Sequence[pd.DataFrame], settings: CopyNumber) -> Joined:
    """The used bins of all lots, and their noises on those that are unchanged in every lot and in the donor."""
    used = np.logical_and.reduce([table["mask"].isna().to_numpy() for table in ratios])
    tables = [table[used].reset_index(drop=True) for table in ratios]
    table, labels = tables[0], arm_labels(tables[0])
    own = [other["log2"].to_numpy() for other in tables]
    alone = table["donor_log2"].to_numpy() - np.log2(np.maximum(table["copies"].to_numpy(), 1) / 2)
    lots, donor = (
        np.array([other[name].to_numpy(dtype=float) + 0.5 for other in tables]) for name in ("lot_count", "donor_count")
    )
    line = Joined(table, used, np.array([]), np.ones(len(table), dtype=bool), lots, donor[0], {})
    last, steady = len(tables), line.steady
    quiet = (table["region"] == "autosome").to_numpy().copy()
    values = []
    for k, track in enumerate([*own, alone]):
        variance = line.poisson(k, k)
        values.append(smooth_outliers(track, variance, labels))
        spread = float(np.median(variance)) if k < last else 0.0
        for piece in segment_track(table, values[k], 1 / variance, settings, spread)[1]:
            quiet[piece.low : piece.high] &= not piece.changed
            steady[piece.low : piece.high] &= not (piece.changed and k == last)
    values[last] = np.where(steady, values[last], 0.0)
    for i, k in [(k, k) for k in range(last + 1)] + list(combinations(range(last + 1), 2)):
        variance = line.poisson(i, k)
        track = values[i] if i == k else smooth_outliers(own[i] + (alone if k == last else -own[k]), variance, labels)
        line.noises[i, k] = measure_noise(track[quiet], variance[quiet], labels[quiet])
    return line._replace(values=np.array(values))


def covariance(line: Joined, rows: NDArray[np.int64], weights: Floats, *, donor: bool = False) -> Floats:
    """Covariance of the weighted means of these bins in all lots, log2 units squared. donor: with the donor's track, last."""
    last, share = len(line.lots), weights / weights.sum()
    members = range(last + donor)

    def variance(i: int, k: int) -> float:
        return float(inflation_at(line.noises[i, k], len(rows)) * (share**2 * line.poisson(i, k)[rows]).sum())

    own = [variance(k, k) for k in members]
    found = np.diag(own)
    for i, k in combinations(members, 2):
        both = (own[i] + own[k] - variance(i, k)) / 2
        found[i, k] = found[k, i] = -both if k == last else both
    values, vectors = np.linalg.eigh(found)
    return np.asarray((vectors * np.maximum(values, LEAST_VARIANCE * values[-1])) @ vectors.T)


def best_weights(line: Joined, settings: CopyNumber, levels: Floats) -> Floats:
    """Weights by which a clone is measured best, at the size of the claim: generalised least squares.

    levels: its log2 ratio in each lot, up to a factor. Weights of the lots sum to 1; the last is of the donor's track, in which
    the clone is not. None is negative: a lot is not subtracted from the others.
    """
    autosome = np.flatnonzero((line.table["region"] == "autosome").to_numpy())
    width = float((line.table["end"] - line.table["start"]).median())
    bins = min(max(round(settings.claim_mb * 1e6 / width), settings.min_bins), len(autosome))
    order = autosome[np.argsort(line.poisson(0, 0)[autosome], kind="stable")]
    found = covariance(line, order[(len(order) - bins) // 2 :][:bins], np.ones(bins), donor=True)
    clone = np.append(levels, 0.0)
    kept = np.ones(len(found), dtype=bool)
    while True:
        weights = np.zeros(len(found))
        weights[kept] = np.linalg.solve(found[np.ix_(kept, kept)], clone[kept])
        if (weights >= 0).all():
            return np.asarray(weights / weights[:-1].sum())
        kept &= weights > 0


def combined(ratios: Sequence[pd.DataFrame], line: Joined, weights: Floats) -> pd.DataFrame:
    """Schema LogRatios of all lots together: the weighted sum of their ratios and the donor's track, with its Poisson variance.

    lot_count is the number of fragments of one lot that would count as exactly. A bin that is masked in one lot is masked.
    """
    table = ratios[-1].copy()
    for own in ratios[:-1]:
        table["mask"] = table["mask"].where(table["mask"].notna(), own["mask"])
    for name in ("raw", "log2", "lot_log2"):
        table[name] = sum(weight * own[name] for weight, own in zip(weights[:-1], ratios, strict=True))
    inverse = (weights[:-1, None] ** 2 / line.lots).sum(axis=0)
    donor = weights[-1] * line.steady
    table.loc[line.used, "log2"] += donor * line.values[-1]
    table.loc[line.used, "lot_count"] = np.round(1 / inverse).astype("int64")
    table["variance"] = np.nan
    table.loc[line.used, "variance"] = (inverse + (1 - donor) ** 2 / line.donor) / np.log(2) ** 2
    return table


def _claim(limits: pd.DataFrame, settings: CopyNumber) -> dict[str, float | None]:
    own = limits[limits["size_bp"] == round(settings.claim_mb * 1e6)].set_index("type")["fraction"]
    return {str(type_): None if pd.isna(value) else float(value) for type_, value in own.items()}


class Place(NamedTuple):
    """A changed region. call: the row of schema Calls whose ends it has. lots: whether each lot called it by itself."""

    call: dict[Any, Any]
    lots: tuple[bool, ...]


def places(together: Sequence[pd.DataFrame], own: Sequence[pd.DataFrame]) -> list[Place]:
    """Changes called in all lots together or in any of them, each once, at the ends of the call with the largest |z|, in the
    order of the genome. What is the donor's own change is not a clone of the line, nor is a call of all lots alone that is often
    wrong where it is. together: calls of all lots, by one choice of weights or several; own: of each lot. Schema Calls."""
    found: list[tuple[list[dict[Any, Any]], set[int]]] = []
    tracks = [*((0, calls) for calls in together), *enumerate(own, 1)]
    rows = [(number, row) for number, calls in tracks for row in calls.to_dict("records")]
    for number, row in rows:
        if row["origin"] == "lost" or (number == 0 and _doubtful(row)):
            continue
        known = next((entry for entry in found if any(_alike(row, other) for other in entry[0])), None)
        if known is None:
            known = ([], set())
            found.append(known)
        known[0].append(row)
        known[1].add(number)
    made = [
        Place(max(calls, key=lambda row: abs(row["z"])), tuple(number in who for number in range(1, len(own) + 1)))
        for calls, who in found
    ]
    order = list(dict.fromkeys(name for _, calls in tracks for name in calls["chrom"]))
    return sorted(made, key=lambda place: (order.index(place.call["chrom"]), place.call["start"]))


def _within(calls: pd.DataFrame, line: Joined) -> pd.DataFrame:
    """The calls of one lot in which the line has a bin: its bins can be wider than the lot's own, or masked in another lot."""
    return calls[np.array([_rows(Place(row, ()), line).size > 0 for row in calls.to_dict("records")], dtype=bool)]


def _weights_of(place: Place, lots: Sequence[LineLot], line: Joined, settings: CopyNumber) -> Floats | None:
    """Weights by which a clone as frequent in each lot as this one is measured best; None where no lot shows it."""
    measured = _measured(line, _rows(place, line), lots, int(place.call["copies"]))
    levels = np.maximum(measured.log2 * (1 if place.call["type"] == "gain" else -1), 0.0)
    return best_weights(line, settings, levels) if levels.any() else None


def _alike_of(place: Place, calls: pd.DataFrame) -> pd.DataFrame:
    """The calls that are the change of that region."""
    return calls[np.array([_alike(row, place.call) for row in calls.to_dict("records")], dtype=bool)]


def _doubtful(row: dict[Any, Any]) -> bool:
    """Whether such a call is often wrong. Timing is, on autosomes, a part of the noise that the call exceeds; the noise does not
    measure it on X and Y."""
    timing = row.get("artefact") == TIMING and contig_key(row["chrom"]) not in ("X", "Y")
    return bool(row.get("artefact")) and not timing


def _alike(one: dict[Any, Any], other: dict[Any, Any]) -> bool:
    overlap = min(one["end"], other["end"]) - max(one["start"], other["start"])
    shorter = min(one["end"] - one["start"], other["end"] - other["start"])
    return bool(one["chrom"] == other["chrom"] and one["type"] == other["type"] and overlap >= SAME * shorter)


def _clone(place: Place, lots: Sequence[LineLot], line: Joined) -> Clone:
    """A clone with each lot's own fraction, from its inner bins as `dna.calls` takes them, and its growth."""
    call = place.call
    measured = _measured(line, _rows(place, line), lots, int(call["copies"]))
    rows_of = zip(lots, place.lots, measured.log2, measured.halves, strict=True)
    fractions = tuple(_fraction(lot, called, float(log2), float(half), call) for lot, called, log2, half in rows_of)
    return Clone(
        name=call["name"],
        chrom=call["chrom"],
        start=int(call["start"]),
        end=int(call["end"]),
        type=call["type"],
        found="lots" if any(place.lots) else "line",
        recurrent=bool(call["recurrent"]) or call["extent"] != "part",
        fractions=fractions,
        donor_limit=float(call["donor_lod"]),
        growth=None if any(own.low > 1 for own in fractions) else _growth(measured, lots, call["type"] == "gain"),
    )


def _rows(place: Place, line: Joined) -> NDArray[np.int64]:
    """The inner bins of a changed region; those of the pseudo-autosomal region, whose copies differ, in a change of it alone."""
    call, table = place.call, line.table
    inside = (table["chrom"] == call["chrom"]) & (table["start"] >= call["start"]) & (table["end"] <= call["end"])
    outside = inside & (table["region"] != "PAR")
    return inner(np.flatnonzero(outside if outside.any() else inside))


def _measured(line: Joined, rows: NDArray[np.int64], lots: Sequence[LineLot], copies: int) -> Ratios:
    """Mean log2 ratios of a region in all lots.

    Bins are weighted by the Poisson precision of the lots on average, the same in each. The donor's track there is left out:
    how much of a ratio it explains is known so poorly that its use made intervals shorter and estimates no better
    (`benchmarks/kinetics.py`, `given the donor`).
    """
    weights = 1 / np.mean([line.poisson(k, k)[rows] for k in range(len(lots))], axis=0)
    means = np.average(line.values[:-1, rows], axis=1, weights=weights)
    freedom = min(float(degrees_of_freedom(line.noises[k, k], len(rows))) for k in range(len(lots)))
    passages = np.array([np.nan if lot.passage is None else lot.passage for lot in lots], dtype=float)
    per_cell = np.array([copies * (lot.sets or DIPLOID) / DIPLOID for lot in lots])
    return Ratios(passages, means, per_cell, covariance(line, rows, weights), freedom)


def _fraction(lot: LineLot, called: bool, log2: float, half: float, call: dict[Any, Any]) -> CloneFraction:
    """A lot's own fraction; what moved against the change's direction is none of it."""
    side = np.maximum if call["type"] == "gain" else np.minimum
    level, low, high = (float(side(value, 0.0)) for value in (log2, log2 - half, log2 + half))
    least, most = fraction_interval(min(low, high), max(low, high), call["copies"], lot.sets)
    return CloneFraction(
        lot_id=lot.lot_id,
        passage=lot.passage,
        fraction=float(fraction_of_cells(level, call["copies"], lot.sets)),
        low=float(least),
        high=float(most),
        called=called,
    )


def _growth(measured: Ratios, lots: Sequence[LineLot], gain: bool) -> Growth | None:
    """Growth over the lots of known passage."""
    known = np.array([lot.passage is not None for lot in lots])
    return grow(measured.of(known), gain)
