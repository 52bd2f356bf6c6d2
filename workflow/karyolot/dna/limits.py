"""What this lot's reads could have shown: tests of regions with known ends, and limits of detection."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, stdtrit

from karyolot.contracts.cells import detectable_fraction, in_sets, kept_fragments, tetraploid_limit
from karyolot.contracts.contigs import contig_key
from karyolot.contracts.copy_number import MASKS, Arms, Lod, Noise
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.bins import MIN_USABLE
from karyolot.dna.noise import degrees_of_freedom, standard_error
from karyolot.dna.ratio import absorbed
from karyolot.dna.segments import against_donor
from karyolot.dna.thresholds import KNOWN, known_threshold, least_effect, segment_threshold

NEVER_SEEN = frozenset({"13p", "14p", "15p", "21p", "22p", "Yq"})
"""Arms that short reads do not assess whatever their number: the short arms of the acrocentric chromosomes are satellites and
ribosomal DNA, and two thirds of Yq have no sequence in GRCh37 and GRCh38, a large part of the rest being palindromes."""

NARROW = 3.0
"""Independent windows shorter than half of a change that compete with it (`_of_unknown_ends`). Of 2,000 changes spiked into
each of three simulated lots at 5x, 30x and 50x, 2 to 6 % were called in less than half of their bins; it predicts 3 to 5 %."""
ROUNDS = 8
"""Iterations in which a limit, the noise of a change at the limit, and the power needed there agree to 0.1 %."""
MOST_POWER = 0.995
MOST_LOST = 0.5
"""Fraction of a change absorbed by the correction from which on a region has no limit: it would be most of the genome."""


class Error(NamedTuple):
    """Standard error of a mean, log2, and its degrees of freedom; NaN = not known."""

    se: float
    freedom: float


UNKNOWN = Error(np.nan, np.nan)


def error_of(noise: Noise, weight: float, bins: int) -> Error:
    """Of an inverse-variance mean over `bins` neighbours, by an assessable noise."""
    return Error(float(standard_error(noise, weight, bins)), float(degrees_of_freedom(noise, bins)))


def known_regions(ratios: pd.DataFrame, noise: Noise, settings: CopyNumber, atlas: Atlas) -> pd.DataFrame:
    """Schema Arms: every arm, every chromosome of several arms and every recurrent region, tested, with its limits.

    The pseudo-autosomal part is left out of X (its copies differ); Y is absent from a female donor's table. A recurrent
    region that is a whole arm or chromosome is no further test.
    """
    table = ratios[(ratios["copies"] > 0) & (ratios["region"] != "PAR")]
    used = table[table["mask"].isna()]
    reasons = pd.Categorical(table["mask"], categories=list(MASKS)).codes + 1
    table = table.assign(smooth=pd.Series(against_donor(used)[0], used.index), reason=reasons)
    places = []
    for scope, column in (("arm", "arm"), ("chromosome", "chrom")):
        for name, part in table.groupby(column, sort=False):
            if scope == "arm" or part["arm"].nunique() > 1:
                places.append((scope, str(name), part))
    middle = (table["start"] + table["end"]) // 2
    places_of = {contig_key(str(name)): rows for name, rows in table.groupby("chrom", sort=False).groups.items()}
    for region, chrom, start, end in atlas.recurrent_places():
        part = table.loc[places_of.get(chrom, [])]
        part = part[middle[part.index].between(start, end, "left")]
        if len(part):
            places.append(("recurrent", region, part))
    lost = absorbed(used) if noise.assessable else None
    rows = [
        {
            "scope": scope,
            "name": name,
            **_facts(part),
            "lost": lost(part.index[part["mask"].isna()]) if lost else np.nan,
        }
        for scope, name, part in places
    ]
    tests = len(distinct_places(pd.DataFrame(rows)))
    return Arms.frame(_tested(row, noise, tests, settings) for row in rows)


def distinct_places(arms: pd.DataFrame) -> pd.DataFrame:
    """One row per interval (chrom, start, end): a recurrent region that is a whole arm is no further test."""
    return arms.drop_duplicates(["chrom", "start", "end"])


def _facts(part: pd.DataFrame) -> dict[str, object]:
    """reason: 0 = used, then as in MASKS."""
    reason = part["reason"].to_numpy()
    masked = np.bincount(reason, minlength=len(MASKS) + 1) / len(part)
    used = reason == 0
    weights = 1 / part["variance"].to_numpy()[used]
    return {
        "chrom": part["chrom"].iloc[0],
        "start": int(part["start"].iloc[0]),
        "end": int(part["end"].iloc[-1]),
        "copies": int(part["copies"].iloc[0]),
        "bins": int(used.sum()),
        "usable": float(used.mean()),
        **{f"masked_{name}": float(own) for name, own in zip(MASKS, masked[1:], strict=True)},
        "weight": float(weights.sum()),
        "log2": float(np.average(part["smooth"].to_numpy()[used], weights=weights)) if used.any() else None,
    }


def _tested(row: dict[str, Any], noise: Noise, tests: int, settings: CopyNumber) -> dict[str, Any]:
    weight, lost, bins, copies = row.pop("weight"), row.pop("lost"), row["bins"], row["copies"]
    known = noise.assessable and bins >= settings.min_bins
    error = error_of(noise, weight, bins) if known else UNKNOWN
    threshold = float(known_threshold(tests, settings.family_wise_error, error.freedom))
    gain, loss = smallest_fractions(error, threshold, copies, settings, lost=lost) if known else (np.nan, np.nan)
    assessable = bool(known and row["usable"] >= MIN_USABLE and max(gain, loss) <= settings.max_arm_lod)
    return {
        **row,
        "se": error.se,
        "z": row["log2"] / error.se if known else np.nan,
        "lod_gain": float(gain),
        "lod_loss": float(loss),
        "power_gain": np.nan,
        "power_loss": np.nan,
        "changed": bool(known and abs(row["log2"]) >= least_effect(error.se, threshold, settings)),
        "assessable": assessable,
    }


def limits_of_detection(ratios: pd.DataFrame, noise: Noise, settings: CopyNumber) -> pd.DataFrame:
    """Schema Lod: for each configured size, the claim's among them, the smallest cell fraction that is called, for a
    typical used autosomal bin; all null where the noise could not be measured."""
    used = ratios[ratios["mask"].isna()]
    autosomal = used[used["region"] == "autosome"]
    typical = autosomal["variance"].median()
    share = poisson_share(autosomal["lot_count"].median(), autosomal["donor_count"].median())
    width = float((used["end"] - used["start"]).median())

    def error(bins: int) -> Error:
        return error_of(noise, bins / typical, bins) if noise.assessable else UNKNOWN

    return limits_by_size(error, width, len(used), share, settings)


def poisson_share(lot: float, donor: float) -> float:
    """Part of the Poisson variance of the log2 ratio of these counts that is the lot's."""
    return (donor + 0.5) / (lot + donor + 1)


def spiked_error(se: ArrayLike, fraction: ArrayLike, type_: str, share: float) -> NDArray[np.float64]:
    """Standard error of a region in which a change is spiked: fewer fragments of the lot in a loss, of the donor in a gain.

    share: of the lot in the Poisson variance.
    """
    own = share if type_ == "loss" else 1 - share
    return np.asarray(np.asarray(se) * np.sqrt(1 - own + own / kept_fragments(fraction, type_)))


def limits_by_size(
    error: Callable[[int], Error], width: float, used: int, share: float, settings: CopyNumber
) -> pd.DataFrame:
    """Schema Lod, nothing spiked in yet: the smallest cell fraction called, for each configured size and the claim's.

    Null where the size holds fewer than min_bins bins.

    Parameters
    ----------
    error
        Of the mean of that many neighbouring bins.
    width
        Of a bin, bases.
    used
        Bins among which changes are searched.
    share
        Of the lot in the Poisson variance of a typical bin.
    """
    threshold = segment_threshold(used, settings.family_wise_error)
    rows = []
    for size in sorted({*settings.lod_sizes_mb, settings.claim_mb}):
        bins = round(size * 1e6 / width)
        for type_ in ("gain", "loss"):
            fraction = _of_unknown_ends(error, max(bins, 1), threshold, type_, share, settings)
            value = fraction if bins >= settings.min_bins else np.nan
            rows.append(
                {"size_bp": round(size * 1e6), "type": type_, "bins": bins, "power": settings.power, "fraction": value}
            )
    return pd.DataFrame(rows)


def _of_unknown_ends(
    error: Callable[[int], Error], bins: int, threshold: float, type_: str, share: float, settings: CopyNumber
) -> float:
    """Smallest cell fraction of a change of that many bins that is called in at least half of them with the configured power.

    The search takes the window that differs most. One of half of the bins lies k (1 - rho) standard errors below the whole on
    average, with k the |z| of the whole and rho = se(n) / se(n/2) the correlation of both means, and exceeds it with
    probability 1 - Phi(k sqrt((1 - rho) / 2)); NARROW such windows, fewer where there are few bins, are allowed for by a
    higher power. The error is that of spike-ins at the limit (`spiked_error`).
    """
    whole = error(bins)
    shorter = NARROW * max(1 - 2 * settings.min_bins / bins, 0.0)
    apart = np.sqrt(max(1 - whole.se / error(max(bins // 2, 1)).se, 0.0) / 2)
    power, fraction = settings.power, 0.0
    for _ in range(ROUNDS):
        own = whole._replace(se=float(spiked_error(whole.se, fraction, type_, share)))
        shift = _shift(own, threshold, power, settings)
        power = min(settings.power + shorter * float(ndtr(-shift / own.se * apart)), MOST_POWER)
        gain, loss = detectable_fraction(shift, 2)
        fraction = float(loss if type_ == "loss" else gain)
        if not fraction <= 1:  # above 1 would be a change of more than one copy: such a size cannot be promised
            return np.nan
    return fraction


def smallest_fractions(
    error: Error, threshold: float, copies: int, settings: CopyNumber, sets: float | None = None, lost: float = 0.0
) -> tuple[float, float]:
    """Smallest cell fractions of a gain and of a loss that are called with the configured power; NaN where nothing would be left
    of them.

    error: of the mean log2 ratio. threshold: |z| it must pass. copies: in a diploid cell. sets: of the cells, None = diploid.
    lost: fraction of the shift that the correction takes away (`ratio.absorbed`).
    """
    if lost >= MOST_LOST:
        return np.nan, np.nan
    gain, loss = detectable_fraction(_shift(error, threshold, settings.power, settings) / (1 - lost), copies, sets)
    return float(gain), float(loss)


def _shift(error: Error, threshold: float, power: float, settings: CopyNumber) -> float:
    """log2 shift called with this power: it must pass both |z| and the smallest effect called.

    The standard error s is an estimate, here and where the shift is to be called: a shift of k s passes z times the error s'
    of the other lot, another estimate with the same nu degrees of freedom, when k s - z s' exceeds the deviation of the mean.
    To first order that has the mean (k - z) sigma and the variance sigma^2 (1 + (k^2 + z^2) / (2 nu)), so that
    (k - z)^2 = q^2 (1 + (k^2 + z^2) / (2 nu)), with q the normal quantile of the power; k is z + q for a known error. Above the
    smallest effect called it lies by the quantile of Student's t.
    """
    q = ndtri(power)
    known = 1 - q**2 / (2 * error.freedom)
    k = (threshold + np.sqrt(threshold**2 - known * (threshold**2 * known - q**2))) / known
    return float(max(k * error.se, settings.min_log2 + stdtrit(min(error.freedom, KNOWN), power) * error.se))


def stated(
    arms: pd.DataFrame, lod: pd.DataFrame, settings: CopyNumber, sets: float | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Limits of diploid cells (schema Arms, Lod) as they are stated: of the measured DNA content, or of diploid and, beside
    it, of tetraploid cells. An arm is assessable, and a size has a limit, by the limit stated first.

    sets: of chromosomes in the lot's cells, None = not measured.
    """
    arms, lod = arms.copy(), lod.copy()
    for type_ in ("gain", "loss"):
        arms[f"lod_{type_}"] = in_sets(arms[f"lod_{type_}"], sets)
        arms[f"tetraploid_{type_}"] = _tetraploid(arms[f"lod_{type_}"], sets)
    arms["assessable"] &= arms[["lod_gain", "lod_loss"]].max(axis=1, skipna=False) <= settings.max_arm_lod
    fraction = pd.Series(in_sets(lod["fraction"], sets), lod.index)
    lod["fraction"] = fraction.where(fraction <= 1)
    lod["tetraploid"] = _tetraploid(lod["fraction"], sets)
    lod.loc[lod["fraction"].isna(), ["spike_ins", "found"]] = 0
    return Arms.frame(arms.to_dict("records")), Lod.frame(lod.to_dict("records"))


def _tetraploid(limits: pd.Series, sets: float | None) -> pd.Series:
    known = [None if pd.isna(limit) else tetraploid_limit(float(limit), sets) for limit in limits]
    return pd.Series(known, limits.index, dtype=float)
