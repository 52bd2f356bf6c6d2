"""Limits of detection, compared with changes spiked into the lot's own reads and in fresh lots."""

from functools import cache, partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.copy_number import Arms, Lod
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.limits import known_regions, limits_of_detection
from karyolot.dna.noise import standard_error
from karyolot.dna.segments import segment_run
from karyolot.dna.spike_ins import Verified, _Field, _field, _found, _Place, _power, _spiked, _starts, verify
from planted import ATLAS, Event, Result, genome, run

SETTINGS = CopyNumber(spike_ins=100, lod_sizes_mb=(5, 20))
TRISOMY_8 = Event("chr8", 0, 200_000_000, +1)


@cache
def lot(per_bin: float = 2000, seed: int = 3) -> Result:
    return run((TRISOMY_8,), "F", per_bin, seed, genome())


def tried(result: Result, factor: float = 1.0, fraction: float | None = None) -> Verified:
    lod = limits_of_detection(result.compared.ratios, result.noise, SETTINGS)
    lod["fraction"] = lod["fraction"] * factor if fraction is None else fraction
    return verify(result.compared.ratios, result.noise, result.arms, lod, SETTINGS)


@cache
def verified(per_bin: float = 2000, seed: int = 3) -> pd.DataFrame:
    return tried(lot(per_bin, seed)).lod


@cache
def field() -> _Field:
    return _field(lot().compared.ratios, lot().noise, SETTINGS)


def test_spiked_in_changes_are_found_as_often_as_the_limit_says() -> None:
    Lod.validate(verified())
    assert verified()["fraction"].notna().all() and (verified()["spike_ins"] == 100).all()
    # 100 spike-ins of true power .95: 88 to 100 in all but one of a thousand.
    assert verified()["found"].between(88, 100).all()
    pd.testing.assert_frame_equal(verified(), tried(lot()).lod)


def test_predicted_limits_allow_for_windows_shorter_than_the_change() -> None:
    """Means of 20 bins of correlated noise: some windows within the change differ more than all of it."""
    ratios, noise = lot().compared.ratios, lot().noise
    many = SETTINGS.model_copy(update={"spike_ins": 1_000, "lod_sizes_mb": (10, 20)})
    rows = limits_of_detection(ratios, noise, many).set_index(["size_bp", "type"])
    generator = np.random.default_rng(2)
    for size, type_ in ((10_000_000, "gain"), (20_000_000, "loss")):
        bins, limit = int(rows.loc[(size, type_), "bins"]), float(rows.loc[(size, type_), "fraction"])
        found = _found(field(), _starts(field(), bins), bins, type_, limit, generator, many)
        assert 0.93 < found / 1_000 < 0.99


def test_a_limit_that_promises_too_much_is_raised() -> None:
    honest = verified()["fraction"]
    lod = limits_of_detection(lot().compared.ratios, lot().noise, SETTINGS)
    lowered = tried(lot(), 0.5).lod
    assert (lowered["fraction"] > lod["fraction"] / 2 * 1.4).all()
    assert np.allclose(lowered["fraction"], honest, rtol=0.15)


def test_a_limit_above_all_cells_is_none() -> None:
    impossible = tried(run((), "F", 60, 5, genome()), fraction=0.999).lod
    gain = impossible[(impossible["size_bp"] == 5_000_000) & (impossible["type"] == "gain")]
    assert gain["fraction"].isna().all() and (gain[["spike_ins", "found"]] == 0).all(axis=None)


def test_spike_ins_keep_clear_of_the_lots_own_changes() -> None:
    table, starts = field().table, _starts(field(), 10)
    assert "chr8" not in set(table["chrom"][starts]) and len(set(table["chrom"][starts])) == 21
    assert (table["arm"].to_numpy()[starts] == table["arm"].to_numpy()[starts + 9]).all()


@pytest.mark.parametrize(("type_", "copies"), [("gain", +1), ("loss", -1)])
def test_a_spiked_in_change_has_the_ratio_of_a_true_one(type_: str, copies: int) -> None:
    drawn, bins = np.array([100, 150, 400]), 100
    values, weights, first = _spiked(field(), drawn, bins, type_, 0.5, np.random.default_rng(1))
    around = first
    for row, start in enumerate(drawn):
        arm = next(run for run in field().runs if run[0] <= start < run[1])
        at = np.arange(start - around, start + bins + around)
        within = (at >= arm[0]) & (at < arm[1])
        assert (weights[row, ~within] < 0.01).all() and (values[row, ~within] == 0).all()
        moved = values[row] - field().values[at.clip(0)]
        inside = (at >= start) & (at < start + bins)
        assert moved[inside & within].mean() == pytest.approx(np.log2(1 + copies * 0.5 / 2), abs=0.01)
        assert moved[within & ~inside] == pytest.approx(0)
        plain = np.log(2) ** 2 / (1 / (field().lot[at.clip(0)] + 0.5) + 1 / (field().donor[at.clip(0)] + 0.5))
        assert (weights[row] < plain)[inside & within].all()


class Again:
    """The same draws of fragments for a spike-in that is looked at twice."""

    def __init__(self, start: int, seed: int) -> None:
        self.start, self.generator = start, np.random.default_rng(seed)

    def choice(self, *_: object) -> np.ndarray:
        return np.array([self.start])

    def binomial(self, *given: object) -> np.ndarray:
        return self.generator.binomial(*given)


@pytest.mark.parametrize(("bins", "fraction"), [(4, 0.22), (10, 0.14), (40, 0.075)])
@pytest.mark.parametrize("type_", ["gain", "loss"])
def test_what_is_found_is_what_the_full_segmentation_finds(bins: int, fraction: float, type_: str) -> None:
    """Near the limit, where it could differ: the windows are searched together, the arms one by one in all steps."""
    starts, one = _starts(field(), bins), SETTINGS.model_copy(update={"spike_ins": 1})
    same = both = 0
    for seed, start in enumerate(np.random.default_rng(2).choice(starts, 60)):
        quick = _found(field(), starts, bins, type_, fraction, Again(start, seed), one)  # type: ignore[arg-type]
        draw = Again(start, seed)
        values, weights, first = _spiked(field(), np.array([start]), bins, type_, fraction, draw)  # type: ignore[arg-type]
        low, high = next(run for run in field().runs if run[0] <= start < run[1])
        arm = field().values[low:high].copy()
        errors = 1 / (field().lot[low:high] + 0.5) + 1 / (field().donor[low:high] + 0.5)
        own, spiked = slice(start - low, start - low + bins), slice(first, first + bins)
        arm_weights = np.log(2) ** 2 / errors
        arm[own], arm_weights[own] = values[0, spiked], weights[0, spiked]
        found = segment_run(arm, arm_weights, field().noise, field().threshold, SETTINGS)
        covered = sum(
            max(0, min(piece.high, own.stop) - max(piece.low, own.start))
            for piece in found
            if piece.changed and (piece.mean > 0) == (type_ == "gain")
        )
        same += quick == (covered >= 0.5 * bins)
        both += quick
    assert same >= 57 and 15 < both < 60


def test_limits_of_arms_hold_for_changes_of_their_own_reads() -> None:
    """A region whose ratio lies above 0 by chance hides losses: its limit says so, and no limit is lowered."""
    before, after = lot().arms, tried(lot()).arms
    Arms.validate(after)
    known = after["power_gain"].notna()
    assert not known[after["name"].isin(["chr8", "chr8p", "chr8q"])].any() and known.sum() > 50
    for type_, sign in (("gain", 1), ("loss", -1)):
        assert (after.loc[known, f"power_{type_}"] >= SETTINGS.power).all()
        ratio = after[f"lod_{type_}"] / before[f"lod_{type_}"]
        assert (ratio[after[f"lod_{type_}"].notna()] >= 1).all()
        # Raised where the region's own ratio stands against the change by more than the power asked for allows.
        raised = known & (ratio > 1.001)
        assert (sign * before.loc[raised, "z"] < -1).all()
        assert (sign * before.loc[known & ~raised, "z"] > -2.5).all()


def test_a_region_that_hides_a_change_has_a_higher_limit() -> None:
    """chr5q shifted up by three standard errors, too little to be called."""
    settings, ratios = SETTINGS.model_copy(update={"min_log2": 0.0}), lot().compared.ratios.copy()
    lod = limits_of_detection(ratios, lot().noise, settings)
    arm = known_regions(ratios, lot().noise, settings, ATLAS).set_index("name").loc["chr5q"]
    found = []
    for shift in (-arm["log2"], 3 * arm["se"] - arm["log2"]):
        ratios["log2"] = lot().compared.ratios["log2"] + shift * (ratios["arm"] == "chr5q")
        arms = known_regions(ratios, lot().noise, settings, ATLAS)
        found.append(verify(ratios, lot().noise, arms, lod, settings).arms.set_index("name").loc["chr5q"])
    plain, moved = found
    # The search stops within 1/4,096 of the cells above the limit: here a third of a standard error.
    assert moved["lod_loss"] > 1.1 * plain["lod_loss"] and 0.95 <= moved["power_loss"] < 0.99
    assert moved["lod_gain"] == pytest.approx(plain["lod_gain"]) and moved["power_gain"] > 0.99


@pytest.mark.statistics
def test_power_of_a_region_is_that_of_thinned_fragments() -> None:
    """The moments against 4,000 draws of the fragments themselves."""
    inside = np.flatnonzero(field().table["arm"] == "chr21q")
    generator, threshold = np.random.default_rng(4), 4.0
    place = _Place(inside, 2, threshold, 0.0)
    for type_ in ("gain", "loss"):
        power = {f: _power(field(), place, type_, f, SETTINGS) for f in np.arange(0.03, 0.12, 0.001)}
        fraction, expected = min(power.items(), key=lambda item: abs(item[1] - 0.7))
        kept = 1 - fraction / 2 if type_ == "loss" else 1 / (1 + fraction / 2)
        lot_, donor = field().lot[inside], field().donor[inside]
        before = np.log2((lot_ + 0.5) / (donor + 0.5))
        found = 0
        for _ in range(4000):
            a = generator.binomial(lot_, kept) if type_ == "loss" else lot_
            b = generator.binomial(donor, kept) if type_ == "gain" else donor
            weights = np.log(2) ** 2 / (1 / (a + 0.5) + 1 / (b + 0.5))
            mean = np.average(field().values[inside] + np.log2((a + 0.5) / (b + 0.5)) - before, weights=weights)
            least = max(threshold * standard_error(field().noise, weights.sum(), len(inside)), SETTINGS.min_log2)
            found += (mean if type_ == "gain" else -mean) >= least
        assert 0.1 < expected < 0.98 and found / 4000 == pytest.approx(expected, abs=0.03)


@pytest.mark.statistics
def test_the_limit_holds_in_fresh_lots() -> None:
    """Power in new lots with their own noise, at the limit that other lots of the same depth print on average."""
    printed = [limits_of_detection(r.compared.ratios, r.noise, SETTINGS) for r in map(partial(lot, 2000), range(3, 7))]
    limit = pd.concat(printed).groupby(["size_bp", "type"])["fraction"].mean()[(20_000_000, "gain")]
    arms = [("chr1", 30), ("chr2", 20), ("chr3", 20), ("chr4", 80), ("chr5", 90), ("chr6", 90), ("chr7", 80)]
    events = [Event(chrom, start * 10**6, (start + 20) * 10**6, +1, limit) for chrom, start in arms]
    found = 0
    for seed in range(50, 58):
        calls = run(events, "F", 2000, seed, genome()).calls
        for event in events:
            same = calls[(calls["chrom"] == event.chrom) & (calls["type"] == "gain")]
            covered = np.minimum(same["end"], event.end) - np.maximum(same["start"], event.start)
            found += bool(covered.clip(lower=0).sum() >= 0.5 * (event.end - event.start))
    # Of 56 with power .93, since the noise of each lot differs by some 15 %; fewer than 47 in 1 of 200.
    assert found >= 47


def test_more_depth_never_worsens_a_limit() -> None:
    """The same lot with k times the fragments in every bin: Poisson errors shrink, waves stay."""
    result = lot()
    last = None
    for times in (1, 2, 4, 16):
        ratios = result.compared.ratios.assign(variance=result.compared.ratios["variance"] / times)
        waves = tuple(wave * times for wave in result.noise.waves)
        white = 1 + max(result.noise.white - 1, 0.0) * times
        noise = result.noise.model_copy(update={"white": white, "waves": waves})
        lod = limits_of_detection(ratios, noise, SETTINGS)["fraction"]
        assert last is None or (lod <= last * (1 + 1e-9)).all()
        last = lod


def test_deeper_lots_see_smaller_changes() -> None:
    fractions = [
        limits_of_detection(r.compared.ratios, r.noise, SETTINGS).set_index(["size_bp", "type"])["fraction"]
        for r in (run((), "F", per_bin, 6, genome()) for per_bin in (60, 250, 1000, 4000))
    ]
    for shallow, deep in pairwise(fractions):
        assert (deep <= shallow.fillna(np.inf)).all()
