"""Replication timing on chromosomes outside the fit, and fractions of cells relative to the donor's own copies.

The simulator's timing is not the track corrected with: X and Y are late as wholes, and the track is of other cells.
"""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from karyolot.contracts.cells import CONDITION, rests_on_track
from karyolot.contracts.copy_number import Calls, Comparison
from karyolot.contracts.criteria import Acceptance, Metric, Metrics
from karyolot.contracts.metrics import MetricName
from karyolot.dna.match import match_donor
from karyolot.dna.ratio import compare
from karyolot.dna.summary import copy_number_metrics
from karyolot.dna.timing import LARGEST_WAVE, LATE, TIMING, follows_levels, timing_allowance
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.verdict.decide import decide
from planted import LAYOUT, RESOURCES, SETTINGS, Event, Result, analyse, correlated_waves, genome, sample

WAVE = 0.05
"""ln units per standard deviation of timing: the wave of 5 % that the stated bound is made for."""
DEPTH = 20_000.0
"""Fragments of a diploid bin; deep enough for X to be called."""


@cache
def true() -> pd.DataFrame:
    """Bins with the timing of the lot's cells: X and Y 0.8 standard deviations later than the autosomes."""
    bins = genome()
    late = bins["region"].isin(["X", "Y"])
    return bins.assign(replication_timing=bins["replication_timing"] - 0.8 * late)


@cache
def given(track: str) -> pd.DataFrame:
    """What is corrected with: no track, or one of other cells, a third as late on X and without Y."""
    bins, generator = true(), np.random.default_rng(3)
    if track == "none":
        return bins.assign(replication_timing=np.nan)
    own = np.concatenate(
        [correlated_waves(generator, len(part), [(6, 1.0)]) for _, part in bins.groupby("chrom", sort=False)]
    )
    timing = 0.8 * bins["replication_timing"] + 0.6 * own + 0.4 * bins["region"].isin(["X", "Y"])
    return bins.assign(replication_timing=timing.mask(bins["region"] == "Y"))


def lot(events: tuple[Event, ...], track: str, seed: int, sex: str = "F", rt: float = WAVE) -> Result:
    donor = sample(true(), events, "donor", sex, DEPTH, 2 * seed + 1, waves=0.01)
    grown = sample(true(), events, "lot", sex, DEPTH, 2 * seed, waves=0.01, rt=rt)
    return analyse(given(track), grown, donor, sex)


def counted(result: Result, sex: str) -> dict[str, object]:
    donor, grown = (sample(true(), (), who, sex, 500, seed) for who, seed in (("donor", 3), ("lot", 2)))
    match = match_donor(result.compared.ratios, grown, donor, given("none"), sex, SETTINGS).match
    tables = result.calls, result.segmented.segments, result.arms, result.lod
    found = copy_number_metrics(*tables, result.compared.facts, result.noise, match, SETTINGS, LAYOUT)
    return {name: found[name].value for name in ("cn.acquired_long", "cn.acquired_short", "cn.artefact_prone")}


@pytest.mark.parametrize("track", ["none", "other cells"])
def test_a_late_x_or_y_of_a_growing_lot_goes_to_a_person_and_fails_no_lot(track: str) -> None:
    marked = 0
    for seed, sex in ((1, "F"), (2, "M"), (3, "F"), (4, "M")):
        result = lot((), track, seed, sex)
        Calls.validate(result.calls)
        assert set(result.calls["chrom"]) <= {"chrX", "chrY"} and set(result.calls["artefact"]) <= {TIMING}
        found = counted(result, sex)
        assert found["cn.acquired_long"] == found["cn.acquired_short"] == 0
        assert found["cn.artefact_prone"] == len(result.calls)
        marked += len(result.calls)
    assert marked >= 2


@pytest.mark.parametrize("track", ["none", "other cells"])
def test_a_change_beyond_what_timing_can_do_fails_a_lot(track: str) -> None:
    events = (Event("chrX", 2_800_000, 155_600_000, -1, 0.25), Event("chr5", 60_000_000, 170_000_000, +1, 0.15))
    result = lot(events, track, 5)
    assert result.calls["chrom"].tolist() == ["chr5", "chrX"] and set(result.calls["artefact"]) == {""}
    assert counted(result, "F")["cn.acquired_long"] == 2


def facts(low: float | None, high: float | None) -> Comparison:
    unknown = dict.fromkeys(["lot_median", "donor_median", "noise_sd", "neutral"])
    slope = None if low is None or high is None else (low + high) / 2
    return Comparison(
        analysis_bin_bp=1, bins=1, usable=1.0, covariates=(), not_used={}, rt_slope=slope, rt_low=low, rt_high=high,
        **unknown,
    )  # fmt: skip


def test_the_allowance_follows_the_measured_wave_and_shrinks_with_length() -> None:
    assert timing_allowance("X", 150_000_000, facts(None, None)) == pytest.approx(LARGEST_WAVE * LATE)
    assert timing_allowance("Y", 20_000_000, facts(-0.004, 0.004)) < 0.007
    assert timing_allowance("X", 1, facts(-0.06, -0.02)) > timing_allowance("X", 1, facts(-0.04, -0.02))
    lengths = [timing_allowance("autosome", mb * 1_000_000, facts(None, None)) for mb in (1, 2, 5, 10, 20, 100)]
    assert lengths == sorted(lengths, reverse=True) and lengths[-1] == lengths[-2] == pytest.approx(0.036)


OWN_TIMING = ((300_000, 0.60), (3_000_000, 0.45), (30_000_000, 0.10))
"""Of replication timing beyond what GC predicts, length and standard deviation, as in `benchmarks/lots.py`: it deviates over 1 to
20 Mb as two published tracks do."""


def timing_of(bins: pd.DataFrame, bin_bp: int, generator: np.random.Generator) -> NDArray[np.float64]:
    parts = [(max(length / bin_bp, 0.3), sd * min(1.0, (2 * length / bin_bp) ** 0.5)) for length, sd in OWN_TIMING]
    return np.concatenate(
        [correlated_waves(generator, len(part), parts) for _, part in bins.groupby("chrom", sort=False)]
    )


@cache
def wide(bin_bp: int) -> pd.DataFrame:
    bins = genome(bin_bp)
    own = 0.65 * (bins["gc"] - 0.41) / 0.05 + timing_of(bins, bin_bp, np.random.default_rng(21))
    return bins.assign(replication_timing=own)


def honest(bin_bp: int, correlation: float, seed: int) -> pd.DataFrame:
    """Bins with a track that correlates so with the timing of the lot's cells, which the lot's wave is made from."""
    bins = wide(bin_bp)
    other = timing_of(bins, bin_bp, np.random.default_rng(seed)) / 0.76
    return bins.assign(
        replication_timing=correlation * bins["replication_timing"] + (1 - correlation**2) ** 0.5 * other
    )


FOUR = tuple(
    Event(chrom, start, 200_000_000, copies, 0.1)
    for chrom, start, copies in (("chr8", 0, 1), ("chr13", 0, -1), ("chr5", 50_000_000, -1), ("chr17", 25_000_000, 1))
)


def smoothed(bins: pd.DataFrame, lot: pd.DataFrame, donor: pd.DataFrame) -> pd.Series:
    ratio = np.log2((lot["count"] + 0.5) / (donor["count"] + 0.5)).groupby(bins["chrom"], sort=False)
    return ratio.transform(lambda own: own.rolling(9, 1, center=True).median())


@pytest.mark.parametrize("bin_bp", [500_000, 1_000_000, 5_000_000])
@pytest.mark.parametrize("wave", [0.0, 0.03])
def test_a_track_made_of_the_lots_own_ratio_is_not_used_at_any_width_of_bins(bin_bp: int, wave: float) -> None:
    """Alone, its arms' levels, or added to an honest track; each took four changed arms with it."""
    per_bin, bins = bin_bp / 200, wide(bin_bp)  # 5x
    lot = sample(bins, FOUR, "lot", "F", per_bin, 2, waves=0.01, rt=wave)
    donor = sample(bins, FOUR, "donor", "F", per_bin, 3, waves=0.01)
    own = smoothed(bins, lot, donor)
    levels = own.groupby(bins["arm"]).transform("median")
    for track in (own, levels, levels / levels.std() + honest(bin_bp, 0.8, 1)["replication_timing"]):
        result = analyse(bins.assign(replication_timing=track), lot, donor, "F")
        assert {event.chrom for event in FOUR} <= set(result.calls["chrom"])
        facts = result.compared.facts
        assert "standard deviations" in facts.not_used["replication timing"] and facts.rt_slope is None
        assert facts.covariates == ("GC",)


@pytest.mark.parametrize("bin_bp", [200_000, 500_000, 1_000_000])
@pytest.mark.parametrize("correlation", [0.97, 0.8])
def test_an_honest_track_is_used_at_any_width_of_bins(bin_bp: int, correlation: float) -> None:
    per_bin = bin_bp / 200
    lot = sample(wide(bin_bp), FOUR, "lot", "F", per_bin, 4, waves=0.01, rt=0.03)
    donor = sample(wide(bin_bp), FOUR, "donor", "F", per_bin, 5, waves=0.01)
    for seed in (1, 2, 3):
        found = compare(honest(bin_bp, correlation, seed), lot, donor, "F", SETTINGS).facts
        assert found.not_used == {} and found.rt_slope is not None
        assert 0.015 < found.rt_slope < 0.05, "per standard deviation of the track at this width"
        assert found.rt_moved is not None and 0.01 < found.rt_moved < 0.15


def test_an_honest_track_is_used_with_wide_bins_and_short_arms() -> None:
    """Means of few or wide bins, or of short arms, lie farther apart than those of GRCh38's arms at 1 Mb."""
    for seed in range(10):
        for width in (2_000_000, 5_000_000, 10_000_000):
            found = honest(width, 0.8, seed)
            found = found[found["region"] == "autosome"]
            gc, track = found["gc"].to_numpy(), found["replication_timing"].to_numpy()
            beyond_gc = (track - np.polyval(np.polyfit(gc, track, 3), gc)) / track.std()
            assert follows_levels(TIMING, beyond_gc, found["arm"].to_numpy(), width, True) == ""
        generator = np.random.default_rng(seed)
        for lengths in ((3, 3), (3, 4, 2, 3), (23, 30), (40, 35, 28, 22, 20, 18, 15, 12, 10)):
            arms = np.repeat([f"a{n}" for n in range(len(lengths))], [20 * mb for mb in lengths]).astype(object)
            waves = [(max(length / 50_000, 0.3), sd) for length, sd in OWN_TIMING]
            track = np.concatenate([correlated_waves(generator, 20 * mb, waves) for mb in lengths])
            assert follows_levels(TIMING, (track - track.mean()) / track.std(), arms, 50_000, True) == ""


def test_a_claim_that_rests_on_the_track_states_it() -> None:
    assert rests_on_track(None, 0.05, 5, None) == rests_on_track(0.04, 0.05, 5, None) == ""
    said = rests_on_track(0.12, 0.05, 5, None)
    assert said.startswith(CONDITION) and "regions of 5 Mb by as much as a gain in 12%" in said
    known = {
        MetricName.CN_LOD_GAIN: 0.05, MetricName.CN_LOD_LOSS: 0.04, MetricName.DNA_RT_MOVED: 0.12,
        MetricName.DNA_USABLE_BINS: 0.9, MetricName.IDENTITY_LOT_SEX: True, MetricName.IDENTITY_DONOR_SEX: True,
    }  # fmt: skip
    found: Metrics = {name: Metric(value=value) for name, value in known.items()}
    acceptance = read_yaml(RESOURCES / "acceptance.yaml", Acceptance)
    assert decide("L1", found | {MetricName.CN_ACQUIRED_LONG: Metric(value=0)}, acceptance, 5, 0.95).claim.endswith(
        said
    )


def test_few_or_short_arms_are_not_judged_by_chance() -> None:
    """Bins of white noise, as few as a chromosome has, and as many as all have."""
    generator = np.random.default_rng(6)
    for bins, arms in ((30, 1), (300, 10), (60_000, 40)):
        labels = np.repeat([f"a{n}" for n in range(arms)], bins // arms).astype(object)
        for width in (50_000, 1_000_000):
            assert follows_levels("replication timing", generator.normal(size=bins), labels, width, True) == ""


@pytest.mark.parametrize(
    ("events", "sex", "chrom", "fraction"),
    [
        # 47,XXY recorded as M; X lost in 30 % of the lot's cells.
        ((Event("chrX", 2_800_000, 155_600_000, +1, 1.0, "both"),
          Event("chrX", 2_800_000, 155_600_000, -1, 0.3)), "M", "chrX", 0.3),
        # A deletion of the donor, and a fifth of the lot's cells are another person's.
        ((Event("chr3", 50_000_000, 70_000_000, -1, 1.0, "both"),
          Event("chr3", 50_000_000, 70_000_000, +1, 0.2)), "F", "chr3", 0.2),
        # A duplication of the donor, lost in half of the lot's cells.
        ((Event("chr3", 50_000_000, 70_000_000, +1, 1.0, "both"),
          Event("chr3", 50_000_000, 70_000_000, -1, 0.5)), "F", "chr3", 0.5),
        # A mosaic donor has no whole number of copies: expected ones are taken.
        ((Event("chr3", 50_000_000, 70_000_000, +1, 0.4, "both"),
          Event("chr3", 50_000_000, 70_000_000, +1, 0.6)), "F", "chr3", 2 * (3.0 / 2.4 - 1)),
    ],
)  # fmt: skip
def test_fractions_are_relative_to_the_copies_of_the_donor(
    events: tuple[Event, ...], sex: str, chrom: str, fraction: float
) -> None:
    call = lot(events, "none", 6, sex, rt=0.0).calls.set_index("chrom").loc[chrom]
    assert call["fraction"] == pytest.approx(fraction, abs=0.03)
    assert call["fraction_low"] - 0.01 < fraction < call["fraction_high"] + 0.01
