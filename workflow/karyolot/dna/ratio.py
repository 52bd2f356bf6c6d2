"""Counts of a lot and its donor -> corrected, centred log2 ratios per analysis bin."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from karyolot.contracts.copy_number import Comparison, LogRatios
from karyolot.contracts.normal import MAD_TO_SD
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.bins import expected_copies, hidden_parts
from karyolot.dna.noise import SHORTER_FIRST, first_noise, holds_levels, measure_noise, runs_of
from karyolot.dna.segment import split, track
from karyolot.dna.thresholds import least_effect, segment_threshold
from karyolot.dna.timing import Timing, facts_of, follows_levels

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LADDER = (1, 2, 5)
"""Analysis bins are 1, 2, 5, 10, 20, 50, ... times the counted bin: round sizes a reader can compare across lots."""
GC_QUANTILES = (0.002, 0.02, 0.1, 0.35, 0.65, 0.9, 0.98, 0.998)
"""Knots of the GC spline: dense at both ends, where PCR bends most and where a stiff curve calls GC-rich subtelomeres
(11 of 11 false calls of one 30x null genome). Bins outside the outer knots are masked: there the curve has no support."""
FEW_QUANTILES = (0.0, 0.35, 0.65, 1.0)
FEWEST_PER_KNOT = 20
"""With fewer autosomal bins than this per knot the curve has only FEW_QUANTILES."""
BINS_PER_TERM = 10
"""Fewest bins per fitted coefficient; with fewer nothing is corrected, and the report states this."""
COVARIATES = {"gc": "GC", "replication_timing": "replication timing", "mappability": "mappability"}
"""Columns of the bins that are corrected for, and their names in a report."""
MOST_MISSING = 0.2
"""Largest fraction of the autosomal bins otherwise in use that may lack a value of a covariate that was given. Public tracks
of GRCh38 lack 0.2 %; one of another assembly, or of a few chromosomes, lacks more than this."""
HUBER = 1.345
"""Huber's constant: 95 % efficiency when the noise is Gaussian."""
MOST_FITTED = 200_000
"""Bins that determine the regression; its coefficients are then known to 1 % of the noise of a bin."""
SAME_LEVEL = 0.03
"""log2 half-width of one copy-number level when the centre is looked for; half a one-copy gain in 8 % of cells."""
RIVAL = 0.8
"""A level held by this fraction of the bins of the commonest one competes with it for the centre."""


class Compared(NamedTuple):
    """The ratios (schema LogRatios) and how they came about."""

    ratios: pd.DataFrame
    facts: Comparison


def compare(bins: pd.DataFrame, lot: pd.DataFrame, donor: pd.DataFrame, sex: str, settings: CopyNumber) -> Compared:
    """Compare a lot with its donor.

    The ratio log2((L + 0.5) / (D + 0.5)) is corrected for GC, replication timing and mappability by one joint robust
    regression on the autosomes, inverse-variance weighted; then changed segments are set aside, and the regression and
    the centre are taken again from the rest (a large event bends the GC curve and drags the centre).

    Parameters
    ----------
    bins
        Schema Bins.
    lot, donor
        Schema Counts: fragments of the same bins, row by row.
    sex
        'F' or 'M', of the donor by record.

    Returns
    -------
    Compared
        Schema LogRatios, and what was corrected.

    Raises
    ------
    KaryolotError
        When the tables are not on the same bins or no bin can be used.
    """
    table, factor, knots = _analysis_bins(bins, lot, donor, sex, settings)
    used = table["mask"].isna().to_numpy()
    autosome = used & (table["region"] == "autosome").to_numpy()
    if not autosome.any():
        raise KaryolotError("no autosomal bin holds enough reads to be used; the samples are too shallow or mismatched")
    lot_count = table["lot_count"].to_numpy(dtype=float) + 0.5
    donor_count = table["donor_count"].to_numpy(dtype=float) + 0.5
    variance = (1 / lot_count + 1 / donor_count) / np.log(2) ** 2
    raw = np.log2(lot_count / donor_count)
    raw -= np.median(raw[autosome])
    design, names, refused = _design(table, used, autosome, knots)
    corrected, neutral, share = _corrected(table, raw, variance, design, autosome, settings)
    table["raw"] = np.where(used, raw, np.nan)
    table["log2"] = np.where(used, corrected, np.nan)
    table["lot_log2"] = np.where(used, _alone(table, lot_count, design, autosome), np.nan)
    table["donor_log2"] = np.where(used, _alone(table, donor_count, design, autosome), np.nan)
    table["variance"] = np.where(used, variance, np.nan)
    timing = _slope(design, names, raw, variance, neutral, table["arm"].to_numpy(dtype=object))
    width = int(factor * (bins["end"] - bins["start"]).max())
    facts = Comparison(
        analysis_bin_bp=width,
        bins=len(table),
        usable=float(used.mean()),
        lot_median=float(table["lot_count"][autosome].median()),
        donor_median=float(table["donor_count"][autosome].median()),
        covariates=tuple(dict.fromkeys(name.split(":")[0] for name in names)),
        not_used=_not_used(table, autosome, names, refused),
        **facts_of(timing, round(settings.claim_mb * 1e6 / width)),
        noise_sd=_lag_noise(corrected[autosome], table["arm"].to_numpy()[autosome]),
        neutral=share,
        hidden=hidden_parts(table, settings.claim_mb * 1e6, settings.min_bins),
    )
    return Compared(table[list(LogRatios.to_schema().columns)].reset_index(drop=True), facts)


def _analysis_bins(
    bins: pd.DataFrame, lot: pd.DataFrame, donor: pd.DataFrame, sex: str, settings: CopyNumber
) -> tuple[pd.DataFrame, int, Floats]:
    """(bins of the analysis with counts, covariates, copies and mask; counted bins in each; knots of the GC spline)."""
    for name, counts in (("lot", lot), ("donor", donor)):
        if not counts[["chrom", "start", "end"]].equals(bins[["chrom", "start", "end"]]):
            raise KaryolotError(f"the counts of the {name} are not on the bins of this run; count both again")
    base_mask = _base_mask(bins, settings)
    factor = _factor(bins, lot, donor, base_mask, settings)
    table = _aggregate(bins, lot, donor, base_mask, factor)
    table["copies"] = expected_copies(table["region"], sex)
    table["mask"] = _mask(table, settings)
    knots = _gc_knots(table)
    if len(knots):
        table.loc[table["mask"].isna() & ~table["gc"].between(knots[0], knots[-1]), "mask"] = "gc"
    return table, factor, knots


def _corrected(
    table: pd.DataFrame, raw: Floats, variance: Floats, design: Floats, autosome: Mask, settings: CopyNumber
) -> tuple[Floats, Mask, float | None]:
    """(log2 ratios without what `design` explains, centred on the neutral bins; those bins; their fraction of the autosomes).

    Fitted on all autosomes, then again on the neutral bins when they suffice for the terms. Where bins of several levels were
    taken for neutral, levels are looked for again with the noise of shorter blocks; the fraction is None if that fails too.
    """
    arms = table["arm"].to_numpy()
    for longest in SHORTER_FIRST:
        values = raw - _fit(design, raw, variance, autosome)
        neutral = _neutral(table, values, variance, autosome, settings, longest)
        if neutral.sum() >= design.shape[1] * BINS_PER_TERM or design.shape[1] == 1:
            values = raw - _fit(design, raw, variance, neutral)
            neutral = _neutral(table, values, variance, autosome, settings, longest)
        values = values - np.average(values[neutral], weights=1 / variance[neutral])
        first = first_noise(values[autosome], variance[autosome], arms[autosome], longest)
        noise = measure_noise(values[neutral], variance[neutral], arms[neutral])
        if not holds_levels(noise, first, float(np.median(variance[autosome]))):
            return values, neutral, float(neutral.sum() / autosome.sum())
    return values, neutral, None


def _base_mask(bins: pd.DataFrame, settings: CopyNumber) -> NDArray[np.object_]:
    mask = np.full(len(bins), None, dtype=object)
    mask[(bins["mappability"] < settings.min_mappability).to_numpy()] = "mappability"
    mask[(bins["gap"] > settings.max_gap).to_numpy()] = "gap"
    return mask


def _factor(
    bins: pd.DataFrame, lot: pd.DataFrame, donor: pd.DataFrame, mask: NDArray[np.object_], settings: CopyNumber
) -> int:
    """How many counted bins make one analysis bin, from the shallower of the two samples."""
    width = int((bins["end"] - bins["start"]).max())
    good = (bins["region"] == "autosome").to_numpy() & (mask == None)  # noqa: E711 (elementwise)
    if not good.any():
        return 1
    typical = min(float(lot["count"][good].mean()), float(donor["count"][good].mean()))
    return analysis_factor(typical, width, int(bins.groupby("chrom", sort=False).size().max()), settings)


def analysis_factor(typical: float, width: int, longest: int, settings: CopyNumber) -> int:
    """How many counted bins make one analysis bin.

    Parameters
    ----------
    typical
        Mean fragments per usable autosomal counted bin, of the shallower sample.
    width
        Of a counted bin, bases.
    longest
        Counted bins of the longest chromosome.

    Raises
    ------
    KaryolotError
        `copy_number.analysis_bin_bp` is set and is not a multiple of `width`.
    """
    if settings.analysis_bin_bp is not None:
        if settings.analysis_bin_bp % width:
            raise KaryolotError(
                f"copy_number.analysis_bin_bp ({settings.analysis_bin_bp}) must be a multiple of counting.bin_bp ({width})"
            )
        return settings.analysis_bin_bp // width
    ladder = (step * 10**power for power in range(9) for step in LADDER)
    needed = max(settings.min_bin_count / max(typical, 1e-9), settings.min_bin_bp / width)
    most = max(1, longest)
    return min(next((step for step in ladder if step >= needed), most), most)


def _aggregate(
    bins: pd.DataFrame, lot: pd.DataFrame, donor: pd.DataFrame, mask: NDArray[np.object_], factor: int
) -> pd.DataFrame:
    """Sum `factor` neighbouring bins of the same arm and region; masked ones add neither counts nor covariates.

    A covariate known for less than half of the bases in use is missing.
    """
    good = (mask == None).astype(float)  # noqa: E711 (elementwise)
    width = (bins["end"] - bins["start"]).to_numpy(dtype=float)
    frame = bins[["chrom", "start", "end", "arm", "region"]].copy()
    frame["good"] = good * width
    frame["width"] = width
    frame["lot_count"] = lot["count"].to_numpy() * good
    frame["donor_count"] = donor["count"].to_numpy() * good
    for name in COVARIATES:
        values = bins[name].where(bins[name].between(0, 1)) if name == "gc" else bins[name]
        known = values.notna().to_numpy() * frame["good"]
        frame[name] = values.fillna(0.0) * known
        frame[f"{name}_known"] = known
    frame["reason"] = mask
    block = bins.groupby("chrom", sort=False).cumcount() // factor
    group = bins.groupby(["chrom", block, "arm", "region"], sort=False, dropna=False).ngroup().to_numpy()
    grouped = frame.groupby(group, sort=False)
    table = grouped[["chrom", "start", "arm", "region"]].first()
    table.insert(2, "end", grouped["end"].last())
    sums = grouped[["good", "width", "lot_count", "donor_count"]].sum()
    table["lot_count"] = sums["lot_count"].astype("int64")
    table["donor_count"] = sums["donor_count"].astype("int64")
    table["share"] = sums["good"] / sums["width"]
    table["good"] = sums["good"]
    for name in COVARIATES:
        both = grouped[[name, f"{name}_known"]].sum()
        known = both[f"{name}_known"]
        table[name] = both[name] / known.where((known > 0) & (known >= table["good"] / 2))
    table["reason"] = grouped["reason"].first()
    return table.reset_index(drop=True)


def _mask(table: pd.DataFrame, settings: CopyNumber) -> pd.Series:
    """Why a bin is not used; donor outliers are judged against the copies its sex predicts."""
    mask = table["reason"].where(table["share"] < 0.5).astype(object)
    mask = mask.where(mask.notna(), None)
    mask[(table["copies"] == 0) & mask.isna()] = "absent"
    free = mask.isna() & (table["region"] == "autosome")
    if free.any():
        depth = table["donor_count"] / table["good"].where(table["good"] > 0)
        relative = depth / depth[free].median() * 2 / table["copies"].where(table["copies"] > 0)
        low, high = settings.donor_outlier
        mask[mask.isna() & ~relative.between(low, high)] = "donor_outlier"
        # Both samples empty: a ratio of 0/0 would read as 'no change'.
        mask[mask.isna() & (table["donor_count"] == 0)] = "low_count"
    return _mask_missing(table, mask)


def _mask_missing(table: pd.DataFrame, mask: pd.Series) -> pd.Series:
    """`mask`, and "covariate" where a bin lacks a covariate that was given.

    A sex chromosome without any value of a track is not masked: tracks often end at the autosomes and X, and the
    loss of a Y must still be seen. It is not corrected for that track (`_not_used`). Raises KaryolotError when more than
    MOST_MISSING of the autosomal bins lack a covariate.
    """
    unmasked = mask.isna()
    autosome = unmasked & (table["region"] == "autosome")
    for column, name in COVARIATES.items():
        missing = table[column].isna()
        if missing.all():
            continue
        share = float(missing[autosome].mean()) if autosome.any() else 0.0
        if share > MOST_MISSING:
            raise KaryolotError(
                f"{name} has no value in {share:.0%} of the usable autosomal bins; at most {MOST_MISSING:.0%} may lack it."
                " Give a track that covers the genome of this assembly, or none"
            )
        exempt = [] if column == "gc" else _regions_without(table, column)
        mask = mask.mask(unmasked & missing & ~table["region"].isin(exempt), "covariate")
    return mask


def _regions_without(table: pd.DataFrame, column: str) -> list[str]:
    """X, PAR or Y, where the covariate of this column has no value at all."""
    known = table.groupby("region")[column].count()
    return [str(region) for region in known.index[known == 0] if region != "autosome"]


def _not_used(table: pd.DataFrame, autosome: Mask, names: list[str], refused: dict[str, str]) -> dict[str, str]:
    """Why covariates that were given are not corrected for, or not on a sex chromosome, by name. refused: those of `_design`."""
    used = {name.split(":")[0] for name in names}
    reasons = {}
    for column, name in COVARIATES.items():
        values = table[column].to_numpy(dtype=float)[autosome]
        if table[column].isna().all():
            continue
        if name not in used:
            same = not np.nanstd(values) > 0
            few = "the same value in all bins" if same else f"only {autosome.sum()} autosomal bins"
            reasons[name] = refused.get(name, few)
        for region in _regions_without(table, column) if name in used else []:
            if (table.loc[table["mask"].isna(), "region"] == region).any():
                reasons[f"{name} on {region}"] = "no value there"
    return reasons


def _design(table: pd.DataFrame, used: Mask, autosome: Mask, knots: Floats) -> tuple[Floats, list[str], dict[str, str]]:
    """Columns of the regression over all bins: intercept, GC spline, replication timing, mappability; names of all but the first;
    why tracks are left out that follow levels of copy number."""
    columns: list[Floats] = [np.ones(len(table))]
    names: list[str] = []
    refused = {}
    if len(knots):
        basis = natural_spline(table["gc"].to_numpy(dtype=float), knots)
        columns += list(basis.T)
        names += [f"GC:{i}" for i in range(basis.shape[1])]
    gc = np.column_stack(columns)[autosome]
    width = float((table["end"] - table["start"]).max())
    for name, label in list(COVARIATES.items())[1:]:
        values = table[name].to_numpy(dtype=float)
        if np.isfinite(values[autosome]).all() and np.ptp(values[autosome]) > 0:
            centre, scale = np.nanmean(values[autosome]), np.nanstd(values[autosome])
            scaled = (values - centre) / scale
            own = scaled[autosome]
            own = own - gc @ np.linalg.lstsq(gc.T @ gc, gc.T @ own, rcond=None)[0]
            if reason := follows_levels(label, own, table["arm"].to_numpy()[autosome], width, len(knots) > 0):
                refused[label] = reason
                continue
            columns.append(np.nan_to_num(scaled))
            names.append(label)
    if autosome.sum() < BINS_PER_TERM * len(columns):
        return np.ones((len(table), 1)), [], refused
    design = np.column_stack(columns)
    return np.where(used[:, None], np.nan_to_num(design), 0.0), names, refused


def _gc_knots(table: pd.DataFrame) -> Floats:
    """Knots of the GC spline from the autosomal bins still in use; none when GC is not known or does not vary."""
    gc = table.loc[table["mask"].isna() & (table["region"] == "autosome"), "gc"].to_numpy(dtype=float)
    if not len(gc) or not np.isfinite(gc).all() or np.ptp(gc) == 0:  # not finite: no GC was given
        return np.array([])
    few = len(gc) < FEWEST_PER_KNOT * len(GC_QUANTILES)
    return np.unique(np.quantile(gc, FEW_QUANTILES if few else GC_QUANTILES))


def natural_spline(x: Floats, knots: Floats) -> Floats:
    """Natural cubic spline basis without intercept (Hastie, Tibshirani, Friedman 2009, eq. 5.4-5.5), linear outside.

    x: (n,), knots: (k,) rising, the first and last are the boundary. Returns (n, k - 1), columns scaled to the range
    of the knots; k < 3 gives the line alone.
    """
    span = knots[-1] - knots[0] if len(knots) > 1 else 1.0
    t, k = (x - knots[0]) / span, (knots - knots[0]) / span

    if len(knots) < 3:
        return np.asarray(t[:, None])
    cubes = [np.maximum(t - knot, 0) ** 3 for knot in k]
    bumps = [(cube - cubes[-1]) / (k[-1] - knot) for cube, knot in zip(cubes[:-1], k[:-1], strict=True)]
    return np.column_stack([t, *(bump - bumps[-1] for bump in bumps[:-1])])


def _fit(design: Floats, y: Floats, variance: Floats, rows: Mask) -> Floats:
    """Fitted values of all bins: Huber regression by iteratively reweighted least squares on `rows`, of which at most MOST_FITTED
    are taken, at even steps."""
    fitted = np.flatnonzero(rows)
    fitted = fitted[:: (len(fitted) - 1) // MOST_FITTED + 1]
    a, b = design[fitted], y[fitted]
    columns = np.ascontiguousarray(a.T)  # several times as fast to weight as rows
    base = 1 / (variance[fitted] + _extra_variance(b, variance[fitted]))
    weights = base.copy()
    coefficients: Floats = np.zeros(a.shape[1])
    update = coefficients
    for _ in range(50):
        weighted = columns * weights
        update = np.asarray(np.linalg.lstsq(weighted @ a, weighted @ b, rcond=None)[0])
        scaled = (b - a @ update) * np.sqrt(base)
        scale = max(float(np.median(np.abs(scaled))) * MAD_TO_SD, 1e-9)
        weights = base * np.minimum(1.0, HUBER / np.maximum(np.abs(scaled) / scale, 1e-9))
        if np.allclose(update, coefficients, rtol=0, atol=1e-7):
            break
        coefficients = update
    return np.asarray(design @ update)


def _extra_variance(values: Floats, variance: Floats) -> float:
    """Variance beyond Poisson, so that deep bins do not outweigh all others."""
    spread = float(np.median(np.abs(values - np.median(values)))) * MAD_TO_SD
    return max(spread**2 - float(np.median(variance)), 0.0)


def _neutral(
    table: pd.DataFrame, values: Floats, variance: Floats, autosome: Mask, settings: CopyNumber, longest: int | None
) -> Mask:
    """Bins of segments that do not differ from the commonest level of the autosomes, which is taken as unchanged.

    Of levels about equally common (RIVAL) it is the one nearest to the median bin: gains and losses balance there.
    """
    arms = table["arm"].to_numpy()
    weights = 1 / variance
    noise = first_noise(values[autosome], variance[autosome], arms[autosome], longest)
    threshold = segment_threshold(int(autosome.sum()), settings.family_wise_error)
    level, se = np.full(len(table), np.nan), np.zeros(len(table))
    rows = np.flatnonzero(autosome)
    for first, last in runs_of(arms[autosome]):
        arm = rows[first:last]
        run = track(values[arm], weights[arm], noise)
        for low, high in split(run, threshold, settings.min_bins):
            part = arm[low:high]
            level[part], se[part] = run.inside(low, high)
    levels, at, counts = np.unique(level[autosome], return_index=True, return_counts=True)
    near = np.abs(levels[:, None] - levels) <= np.maximum(SAME_LEVEL, se[autosome][at])[:, None]
    common = counts @ near
    rivals = np.flatnonzero(common >= RIVAL * common.max())
    centre = levels[rivals[np.abs(levels[rivals] - np.median(level[autosome])).argmin()]]
    differs = np.abs(level - centre) > least_effect(se, threshold, settings)
    return np.asarray(autosome & ~differs)


def absorbed(used: pd.DataFrame) -> Callable[[ArrayLike], float]:
    """What a change of a region loses to the correction while it is not recognised as one.

    The centre moves by the region's fraction of the autosomes, and the GC curve bends where its GC is unusual: of a change of the
    whole of chromosome 1, 9 % are taken for bias. A track of timing or mappability that marks a region would take away all of
    its change. The mean of the fitted values over the region per unit of its change is s' M s / w, with M the inverse of X'WX,
    s the sum of w_i x_i over the region and w its weight.

    Parameters
    ----------
    used
        The used bins of schema LogRatios.

    Returns
    -------
    Fraction lost, by the index labels of the region's bins; 0 outside the autosomes, which are not part of the fit.
    """
    autosome = (used["region"] == "autosome").to_numpy()
    variance, values = used["variance"].to_numpy(), used["log2"].to_numpy()
    design = _design(used, np.ones(len(used), dtype=bool), autosome, _gc_knots(used))[0] * autosome[:, None]
    weights = autosome / (variance + _extra_variance(values[autosome], variance[autosome]))
    inverse = np.linalg.pinv((design.T * weights) @ design)
    moments = design * weights[:, None]  # its first column: the weights

    def of(rows: ArrayLike) -> float:
        total = moments[used.index.get_indexer(pd.Index(np.asarray(rows)))].sum(axis=0)
        return float(total @ inverse @ total / total[0]) if total[0] > 0 else 0.0

    return of


def _alone(table: pd.DataFrame, counts: Floats, design: Floats, autosome: Mask) -> Floats:
    """One sample against the covariates only: log2 of its depth, 0 = the autosomes' commonest depth."""
    depth = np.log2(counts / np.maximum(table["good"].to_numpy(dtype=float), 1.0))
    depth -= np.median(depth[autosome])
    variance = 1 / counts / np.log(2) ** 2
    corrected = depth - _fit(design, depth, variance, autosome)
    return np.asarray(corrected - np.median(corrected[autosome]))


def _slope(
    design: Floats, names: list[str], raw: Floats, variance: Floats, rows: Mask, arms: NDArray[np.object_]
) -> Timing | None:
    """Replication timing in the joint fit on `rows`; None without a track.

    The standard error allows for any correlation of residuals within an arm (cluster-robust sandwich over arms: Liang & Zeger
    1986, Biometrika 73:13, with the factor G / (G - 1)): waves make neighbouring bins one observation, not many.
    """
    if "replication timing" not in names:
        return None
    column = 1 + names.index("replication timing")
    weights = 1 / (variance[rows] + _extra_variance(raw[rows], variance[rows]))
    a, b = design[rows], raw[rows]
    inverse = np.linalg.pinv((a.T * weights) @ a)
    coefficients = inverse @ ((a.T * weights) @ b)
    scores = a * (weights * (b - a @ coefficients))[:, None]
    runs = runs_of(arms[rows])
    clusters = np.array([scores[low:high].sum(axis=0) for low, high in runs])
    if len(clusters) < 2:
        return None
    covariance = inverse @ (clusters.T @ clusters) @ inverse * len(clusters) / (len(clusters) - 1)
    others = np.delete(a, column, axis=1)
    track = a[:, column] - others @ np.linalg.lstsq(others.T @ others, others.T @ a[:, column], rcond=None)[0]
    slope, se = float(coefficients[column]), float(np.sqrt(covariance[column, column]))
    return Timing(slope, se, [track[low:high] for low, high in runs])


def _lag_noise(values: Floats, arms: NDArray[np.object_]) -> float | None:
    """Robust standard deviation of differences between neighbours of an arm, over sqrt 2: blind to levels and waves."""
    steps = np.diff(values)[arms[1:] == arms[:-1]]
    if len(steps) < 2:
        return None
    return float(np.median(np.abs(steps - np.median(steps))) * MAD_TO_SD / np.sqrt(2))
