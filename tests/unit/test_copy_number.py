"""Planted lots through the whole chain from counts to calls."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.cells import detectable_fraction, fraction_interval, fraction_of_cells
from karyolot.contracts.copy_number import Arms, Bins, Calls, DonorVariants, Lod, LogRatios, Segments
from karyolot.contracts.criteria import Acceptance, Metrics, check_metrics
from karyolot.contracts.metrics import metrics_of
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.record import NOT_SEEN
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.calls import _Change, _level, call_changes
from karyolot.dna.limits import Error, known_regions
from karyolot.dna.match import match_donor, sex_of
from karyolot.dna.ratio import Compared, compare, natural_spline
from karyolot.dna.segments import published_rule, segment
from karyolot.dna.summary import copy_number_metrics
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.verdict.decide import decide
from planted import ATLAS, LAYOUT, RESOURCES, Event, Result, analyse, genome, run, sample

SETTINGS = CopyNumber()
TRISOMY_8 = Event("chr8", 0, 200_000_000, +1)
GAIN_20Q = Event("chr20", 30_400_000, 39_000_000, +1, 0.4)


@cache
def bins() -> pd.DataFrame:
    return genome()


@cache
def planted(*events: Event, sex: str = "F", per_bin: float = 5000, seed: int = 1, **noise: float) -> Result:
    return run(events, sex, per_bin, seed, bins(), **noise)


def names(result: Result) -> list[tuple[str, str, str]]:
    return list(result.calls[["chrom", "type", "origin"]].itertuples(index=False, name=None))


def test_every_table_keeps_its_contract() -> None:
    result = planted(TRISOMY_8, GAIN_20Q, gc_bias=0.05, rt=0.03)
    Bins.validate(bins())
    LogRatios.validate(result.compared.ratios)
    Segments.validate(result.segmented.segments)
    Arms.validate(result.arms)
    Lod.validate(result.lod)
    Calls.validate(result.calls)
    Calls.validate(planted().calls)


@pytest.mark.parametrize(
    ("called", "rest", "expected"),
    [
        (0.4, 0.28, [("segment,arm", 1.0)]),
        (0.4, 0.10, [("segment", 0.4), ("arm", 0.6)]),
        (0.4, 0.01, [("segment", 0.4)]),
        (0.95, 0.01, [("segment,arm", 0.95)]),
        (0.8, 0.10, [("segment", 0.8)]),
    ],
)
def test_the_test_of_an_arm_adds_to_what_the_segments_found_on_it(
    called: float, rest: float, expected: list[tuple[str, float]]
) -> None:
    """called: part of the arm in which the segments found a gain at log2 0.30; rest: level of the others."""
    null = planted()
    ratios = null.compared.ratios.copy()
    arm = np.flatnonzero((ratios["arm"] == "chr10q") & ratios["mask"].isna())
    first = arm[: round(called * len(arm))]
    ratios.loc[arm, "log2"] += np.where(np.isin(arm, first), 0.30, rest) - ratios.loc[arm, "log2"].mean()
    place = {"chrom": "chr10", "start": ratios["start"][first[0]], "end": ratios["end"][first[-1]], "arm": "chr10q"}
    own = pd.DataFrame([{**place, "region": "autosome", "bins": len(first), "mean": 0.30, "z": 50.0}])
    arms = known_regions(ratios, null.noise, SETTINGS, ATLAS)
    noises = null.noise, null.segmented.donor_noise
    calls = call_changes(ratios, own, arms, *noises, SETTINGS, ATLAS, null.compared.facts)
    assert [(row.tests, round(row.bins / len(arm), 2)) for row in calls.itertuples()] == expected


def test_trisomy_and_mosaic_gain_are_called_with_their_fraction() -> None:
    calls = planted(TRISOMY_8, GAIN_20Q, gc_bias=0.05, rt=0.03).calls.set_index("chrom")
    assert list(calls.index) == ["chr8", "chr20"]
    assert calls.loc["chr8", "fraction"] == pytest.approx(1.0, abs=0.03)
    assert calls.loc["chr8", "class"] == "clonal" and calls.loc["chr8", "arm"] == "chr8"
    assert calls.loc["chr20", "fraction_low"] < 0.4 < calls.loc["chr20", "fraction_high"]
    assert calls.loc["chr20", "class"] == "sub-clonal"
    assert calls.loc["chr20", "bands"] == "20q11.21-q11.23"
    assert calls.loc["chr20", "genes"] == "BCL2L1" and calls.loc["chr20", "recurrent"] == "20q11.21"
    assert abs(calls.loc["chr20", "start"] - 30_400_000) <= 1_000_000
    assert abs(calls.loc["chr20", "end"] - 39_000_000) <= 1_000_000


def test_published_rule_is_blind_to_the_mosaic() -> None:
    segments = planted(TRISOMY_8, GAIN_20Q, gc_bias=0.05, rt=0.03).segmented.segments
    assert set(segments.loc[segments["chrom"] == "chr20", "published_rule"]) == {"none"}


def test_published_rule_limits() -> None:
    assert published_rule(np.log2(1.5) + 1e-6, SETTINGS) == "gain"
    assert published_rule(np.log2(1.5), SETTINGS) == "none"
    assert published_rule(np.log2(0.5) - 1e-6, SETTINGS) == "loss"
    assert published_rule(-1.0, SETTINGS) == "none"


@pytest.mark.parametrize("sex", ["F", "M"])
def test_a_stable_lot_with_growth_wave_and_gc_bias_shows_nothing(sex: str) -> None:
    result = planted(sex=sex, seed=2, gc_bias=0.05, rt=0.05)
    assert names(result) == []
    assert result.compared.facts.rt_slope == pytest.approx(0.05 / np.log(2), rel=0.15)
    # One standard deviation of the simulated timing track is about 1, so the slope reads directly.
    low, high = result.compared.facts.rt_low, result.compared.facts.rt_high
    assert low is not None and high is not None and low < result.compared.facts.rt_slope < high


def test_a_germline_change_of_the_donor_cancels() -> None:
    germline = Event("chr5", 80_000_000, 84_000_000, -1, 1.0, "both")
    assert names(planted(germline, seed=3)) == []


def test_a_loss_of_the_donor_alone_is_not_a_gain_of_the_lot() -> None:
    assert names(planted(Event("chr3", 50_000_000, 60_000_000, -1, 1.0, "donor"), seed=4)) == [("chr3", "gain", "lost")]
    assert names(planted(Event("chr3", 50_000_000, 60_000_000, +1, 1.0, "lot"), seed=4)) == [
        ("chr3", "gain", "acquired")
    ]


def test_a_change_the_donor_carries_weakly_is_enriched() -> None:
    weak = Event("chr7", 20_000_000, 50_000_000, +1, 0.5, "donor")
    assert names(planted(weak, Event("chr7", 20_000_000, 50_000_000, +1, 1.0), seed=5)) == [
        ("chr7", "gain", "enriched")
    ]


def test_sex_chromosomes_of_a_male() -> None:
    gain_x = planted(Event("chrX", 2_800_000, 156_000_000, +1, 0.5), sex="M", seed=6).calls
    assert gain_x["chrom"].tolist() == ["chrX"]
    # One of one copy in half of the cells: ratio 1.5, half of the cells, not all.
    assert gain_x["fraction"].iloc[0] == pytest.approx(0.5, abs=0.03)
    lost_y = planted(Event("chrY", 2_800_000, 57_000_000, -1, 0.6), sex="M", seed=7).calls
    assert lost_y[["chrom", "type"]].to_numpy().tolist() == [["chrY", "loss"]]
    assert lost_y["fraction"].iloc[0] == pytest.approx(0.6, abs=0.05)


def test_y_is_absent_in_a_female_and_par_is_diploid_in_a_male() -> None:
    female = planted(seed=2, gc_bias=0.05, rt=0.05).compared.ratios
    assert set(female.loc[female["region"] == "Y", "mask"]) <= {"absent", "gap", "mappability"}
    male = planted(sex="M", seed=2, gc_bias=0.05, rt=0.05).compared.ratios
    assert set(male.loc[male["region"] == "PAR", "copies"]) == {2}
    assert set(male.loc[male["region"] == "X", "copies"]) == {1}
    lot = male[male["mask"].isna()]
    assert lot.loc[lot["region"] == "X", "lot_log2"].median() == pytest.approx(-1, abs=0.05)
    assert lot.loc[lot["region"] == "PAR", "lot_log2"].median() == pytest.approx(0, abs=0.1)


def test_the_shallower_sample_bounds_the_limit_of_detection() -> None:
    deep = planted(seed=8).lod
    thin_donor = run((), "F", 5000, 8, bins(), donor_per_bin=500).lod
    merged = deep.merge(thin_donor, on=["size_bp", "type"], suffixes=("", "_thin"))
    assert (merged["fraction_thin"].fillna(9) > 1.4 * merged["fraction"].fillna(1)).all()


def test_bins_widen_until_the_shallower_sample_fills_them() -> None:
    assert planted(seed=8).compared.facts.analysis_bin_bp == 500_000
    thin = run((), "F", 75, 8, bins())
    assert thin.compared.facts.analysis_bin_bp == 2_500_000
    assert thin.compared.facts.lot_median is not None and thin.compared.facts.lot_median >= 200


@pytest.mark.statistics
def test_arm_limits_hold_the_share_of_cells_that_is_called() -> None:
    arm = planted(seed=8).arms.set_index("name").loc["chr20q"]
    found = [
        planted(Event("chr20", 28_000_000, 65_000_000, +1, 1.5 * arm["lod_gain"]), seed=seed).calls
        for seed in range(20, 26)
    ]
    missed = [
        planted(Event("chr20", 28_000_000, 65_000_000, +1, 0.3 * arm["lod_gain"]), seed=seed).calls
        for seed in range(20, 26)
    ]
    assert all((calls["chrom"] == "chr20").any() for calls in found)
    assert sum((calls["chrom"] == "chr20").any() for calls in missed) <= 1


def test_scaling_either_library_changes_no_ratio_beyond_rounding() -> None:
    donor, lot = (sample(bins(), (GAIN_20Q,), who, "F", 5000, seed) for who, seed in (("donor", 31), ("lot", 32)))
    plain = analyse(bins(), lot, donor, "F")
    scaled = analyse(bins(), lot.assign(count=lot["count"] * 3), donor, "F")
    both = plain.compared.ratios["log2"].notna() & scaled.compared.ratios["log2"].notna()
    assert np.abs(plain.compared.ratios["log2"] - scaled.compared.ratios["log2"])[both].quantile(0.99) < 0.02
    assert plain.calls["chrom"].tolist() == scaled.calls["chrom"].tolist() == ["chr20"]


def test_swapping_lot_and_donor_mirrors_the_signs() -> None:
    donor, lot = (sample(bins(), (TRISOMY_8,), who, "F", 5000, seed) for who, seed in (("donor", 33), ("lot", 34)))
    there, back = analyse(bins(), lot, donor, "F"), analyse(bins(), donor, lot, "F")
    assert there.calls["type"].tolist() == ["gain"] and back.calls["type"].tolist() == ["loss"]
    both = there.compared.ratios["log2"].notna() & back.compared.ratios["log2"].notna()
    total = (there.compared.ratios["log2"] + back.compared.ratios["log2"])[both]
    assert np.abs(total).quantile(0.99) < 0.02


def test_a_handful_of_bins_is_not_assessed_and_does_not_crash() -> None:
    few = bins()[(bins()["chrom"] == "chr21")].reset_index(drop=True).head(40).assign(gap=0.0)
    result = analyse(few, *(sample(few, (), who, "F", 500, seed) for who, seed in (("lot", 1), ("donor", 2))), "F")
    assert not result.noise.assessable
    assert result.lod["fraction"].isna().all() and not result.arms["assessable"].any() and result.calls.empty


def test_counts_on_other_bins_are_refused() -> None:
    counts = sample(bins(), (), "lot", "F", 100, 1)
    with pytest.raises(KaryolotError, match="donor are not on the bins"):
        compare(bins(), counts, counts.assign(end=counts["end"] + 1), "F", SETTINGS)
    with pytest.raises(KaryolotError, match="no autosomal bin"):
        compare(bins(), counts.assign(count=0), counts.assign(count=0), "F", SETTINGS)


def test_donor_variants_tell_the_donor_from_another() -> None:
    own = (
        Event("chr2", 50_000_000, 54_000_000, -1, 1.0, "both"),
        Event("chr9", 80_000_000, 85_000_000, +1, 1.0, "both"),
    )
    mine = planted(*own, seed=9)
    donor, lot = (sample(bins(), own, who, "F", 5000, seed) for who, seed in (("donor", 19), ("lot", 18)))
    matched = match_donor(mine.compared.ratios, lot, donor, bins(), "F", SETTINGS)
    DonorVariants.validate(matched.variants)
    assert (matched.match.variants, matched.match.shared) == (2, 2)
    stranger = sample(bins(), (), "lot", "M", 5000, 20)
    ratios = compare(bins(), stranger, donor, "F", SETTINGS).ratios
    swapped = match_donor(ratios, stranger, donor, bins(), "F", SETTINGS).match
    assert (swapped.variants, swapped.shared) == (2, 0)
    assert (swapped.donor_sex, swapped.lot_sex) == ("F", "M")


@pytest.mark.parametrize(
    ("x", "y", "sex"),
    [
        (1.0, 0.0, "F"),
        (0.5, 0.5, "M"),
        (0.5, 0.25, "M"),
        (1.0, 0.5, None),
        (0.5, 0.0, None),
        (None, 0.5, None),
        (0.7, 0.15, None),
    ],
)
def test_sex_by_depth(x: float | None, y: float | None, sex: str | None) -> None:
    assert sex_of(x, y) == sex


@pytest.mark.parametrize(
    ("sex", "chrom", "lost"),
    [
        ("M", "chrY", 0.5),
        ("M", "chrY", 0.9),
        ("M", "chrY", 1.0),
        ("F", "chrX", 0.5),
        ("F", "chrX", 1.0),
    ],
)
def test_a_sex_chromosome_lost_in_culture_fails_by_copy_number_and_is_no_swapped_tube(
    sex: str, chrom: str, lost: float
) -> None:
    event = Event(chrom, 2_800_000, 155_600_000 if chrom == "chrX" else 56_800_000, -1, lost)
    result = run((event,), sex, 5000, 31)
    donor, lot = (sample(bins(), (event,), who, sex, 5000, seed) for who, seed in (("donor", 63), ("lot", 62)))
    match = match_donor(result.compared.ratios, lot, donor, bins(), sex, SETTINGS).match
    tables = result.calls, result.segmented.segments, result.arms, result.lod
    found = copy_number_metrics(*tables, result.compared.facts, result.noise, match, SETTINGS, LAYOUT)
    assert found["identity.lot_sex"].value is True and found["identity.donor_sex"].value is True
    assert found["cn.acquired_long"].value == 1
    if sex == "M":
        assert f"Y at {1 - lost:.0%} of the donor's" in found["identity.lot_sex"].detail
    other = match.model_copy(update={"declared_sex": "MF"[sex == "M"]})
    wrong = copy_number_metrics(*tables, result.compared.facts, result.noise, other, SETTINGS, LAYOUT)
    assert not wrong["identity.lot_sex"].value and wrong["identity.donor_sex"].value is False


def test_fraction_of_cells_by_copies() -> None:
    assert fraction_of_cells(np.log2([1.5, 1.15, 0.5, 0.9]), 2) == pytest.approx([1.0, 0.3, 1.0, 0.2])
    assert fraction_of_cells(np.log2([1.3, 0.4]), 1) == pytest.approx([0.3, 0.6])
    gain, loss = detectable_fraction(np.log2(1.15), 2)
    assert gain == pytest.approx(0.3) and loss == pytest.approx(2 * (1 - 1 / 1.15))
    low, high = fraction_interval(-0.1, 0.2, 2)
    assert low == 0 and high == pytest.approx(2 * (2**0.2 - 1))


def test_natural_spline_is_linear_outside_its_knots() -> None:
    x = np.linspace(0, 1, 101)
    basis = natural_spline(x, np.array([0.2, 0.4, 0.6, 0.8]))
    assert basis.shape == (101, 3)
    for end in (basis[:20], basis[81:]):
        assert np.abs(np.diff(end, n=2, axis=0)).max() < 1e-9


def test_recurrent_regions_have_their_own_test_and_limit() -> None:
    """A gain of 20q11.21 alone: the test of the known region sees it at a share the search would miss."""
    tests = planted(seed=8).arms.set_index("name")
    recurrent = tests[tests["scope"] == "recurrent"]
    assert {"1q", "20q11.21", "8", "Xp11.4"} <= set(recurrent.index)
    # As a whole arm, the recurrent region is no further test, and has the arm's numbers.
    assert recurrent.loc["1q", "z"] == tests.loc["chr1q", "z"]
    assert recurrent.loc["8", "bins"] == tests.loc["chr8", "bins"]
    region = recurrent.loc["20q11.21"]
    assert region["assessable"] and 0 < region["lod_loss"] < region["lod_gain"] < 0.5
    band = Event("chr20", int(region["start"]), int(region["end"]), +1, 1.3 * region["lod_gain"])
    changed = [planted(band, seed=seed) for seed in (8, 9)]
    assert all(result.arms.set_index("name").loc["20q11.21", "changed"] for result in changed)
    assert all("20q11.21" in ",".join(result.calls["recurrent"]) for result in changed)
    assert any("recurrent" in ",".join(result.calls["tests"]) for result in changed)


def test_why_bins_are_masked_is_told_for_each_arm() -> None:
    result = planted(seed=8)
    arms = result.arms[result.arms["scope"] == "arm"]
    shares = arms.filter(like="masked_").sum(axis=1)
    assert np.allclose(shares + arms["usable"], 1)
    gaps = result.compared.ratios.groupby("arm")["mask"].apply(lambda mask: (mask == "gap").mean())
    assert arms.set_index("name").loc["chr9q", "masked_gap"] == pytest.approx(gaps["chr9q"]) and gaps["chr9q"] > 0


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        (Event("chr14", 105_500_000, 107_000_000, -1, 1.0), "immune receptor genes"),
        (Event("chr17", 76_000_000, 83_000_000, +1, 1.0), "GC-rich end"),
        (Event("chr17", 60_000_000, 70_000_000, +1, 1.0), ""),
    ],
)
def test_calls_where_false_ones_are_common_are_marked(event: Event, kind: str) -> None:
    # Most of the genome is GC-rich here, so that the call is not at the edge of what can be corrected.
    rich = bins().assign(gc=bins()["gc"] + 0.25)
    calls = run((event,), "F", 5000, 9, rich).calls
    assert calls["artefact"].tolist() == [kind]


def test_a_marked_call_is_looked_at_by_a_person() -> None:
    result = planted(Event("chr14", 105_500_000, 107_000_000, -1, 1.0), seed=9)
    found = _metrics(result)
    assert found["cn.artefact_prone"].value == 1 and found["cn.acquired_short"].value == 0
    small = result.calls.assign(artefact="GC-rich end", log2=0.05, end=result.calls["start"] + 9_000_000)
    assert _metrics(replace(result, calls=small))["cn.artefact_prone"].value == 1
    assert _metrics(replace(result, calls=small.assign(log2=-0.3)))["cn.acquired_long"].value == 1


def test_what_the_donor_could_have_hidden_is_told() -> None:
    deep = planted(TRISOMY_8, GAIN_20Q, gc_bias=0.05, rt=0.03).calls.set_index("chrom")
    thin = run((TRISOMY_8, GAIN_20Q), "F", 5000, 1, bins(), donor_per_bin=500).calls.set_index("chrom")
    assert 0 < deep.loc["chr20", "donor_lod"] < thin.loc["chr20", "donor_lod"] <= 1


def test_a_tetraploid_lot_looks_stable_and_the_verdict_says_ploidy_was_not_assessed() -> None:
    """Four sets instead of two change no ratio: the calls are empty, so the criteria must say what was not seen."""
    bins_ = bins()
    donor = sample(bins_, (), "donor", "F", 5000, 51)
    doubled = sample(bins_, (), "lot", "F", 10_000, 52)
    result = analyse(bins_, doubled, donor, "F")
    assert result.calls.empty
    acceptance = read_yaml(RESOURCES / "acceptance.yaml", Acceptance)
    outcomes = {c.id: c.outcome for c in decide("L1", _metrics(result), acceptance, 5, 0.95).criteria}
    assert outcomes["C07"] == "NOT_ASSESSED" and outcomes["C02"] == "PASS"
    assert "ploidy" in NOT_SEEN and "balanced rearrangements" in NOT_SEEN
    assert "changes that differ from cell to cell" in NOT_SEEN, "a trisomy and a monosomy in as many cells cancel"
    assert "a swap between lots of the same donor" in NOT_SEEN, "SNPs, sex and germline are the donor's"


@pytest.mark.statistics
def test_timing_slope_interval_knows_that_neighbours_hang_together() -> None:
    """Slopes of stable lots with long waves: 95 % intervals hold the planted slope as often as they should."""
    coarse, held = genome(1_000_000), 0
    for seed in range(30):
        donor = sample(coarse, (), "donor", "F", 5000, 2 * seed, waves=0.03)
        lot = sample(coarse, (), "lot", "F", 5000, 2 * seed + 1, waves=0.03, rt=0.03)
        ratios, facts = compare(coarse, lot, donor, "F", SETTINGS)
        used = (ratios["mask"].isna() & (ratios["region"] == "autosome")).to_numpy()
        slope = 0.03 / np.log(2) * coarse["replication_timing"][used].std(ddof=0)
        assert facts.rt_low is not None and facts.rt_high is not None
        held += facts.rt_low <= slope <= facts.rt_high
    # Of 30 at 95 %: fewer than 25 in 1 of 100.
    assert held >= 25


def test_a_genome_changed_in_half_is_not_judged_by_its_level() -> None:
    many = [Event(f"chr{name}", 0, 250_000_000, +1, 0.4) for name in (1, 2, 3, 4, 5, 6, 7)]
    found = _metrics(planted(*many, seed=10))
    assert found["dna.neutral"].value < 0.6 and found["cn.acquired_long"].value >= 6


def _metrics(result: Result) -> Metrics:
    donor, lot = (sample(bins(), (), who, "F", 500, seed) for who, seed in (("donor", 3), ("lot", 2)))
    match = match_donor(result.compared.ratios, lot, donor, bins(), "F", SETTINGS).match
    tables = result.calls, result.segmented.segments, result.arms, result.lod
    found = copy_number_metrics(*tables, result.compared.facts, result.noise, match, SETTINGS, LAYOUT)
    assert check_metrics(found).keys() == metrics_of("dna")
    return found


def test_metrics_of_a_planted_lot() -> None:
    result = planted(TRISOMY_8, GAIN_20Q, gc_bias=0.05, rt=0.03)
    donor, lot = (
        sample(bins(), (TRISOMY_8, GAIN_20Q), who, "F", 5000, seed) for who, seed in (("donor", 3), ("lot", 2))
    )
    match = match_donor(result.compared.ratios, lot, donor, bins(), "F", SETTINGS).match
    found = copy_number_metrics(
        result.calls,
        result.segmented.segments,
        result.arms,
        result.lod,
        result.compared.facts,
        result.noise,
        match,
        SETTINGS,
        LAYOUT,
    )
    assert found["cn.acquired_long"].value == 2 and found["cn.whole_chromosome"].value == 1
    assert found["cn.high_copy"].value == 0 and found["cn.donor_change_lost"].value == 0
    assert found["identity.lot_sex"].value is True
    assert found["identity.germline"].value is None and "no germline" in found["identity.germline"].reason
    # The lower end of the interval, just below the planted slope.
    assert 0.7 * 0.03 / np.log(2) < found["dna.rt_slope"].value < 0.03 / np.log(2)
    assert isinstance(found["cn.lod"].value, float) and 0.05 < found["cn.lod"].value < 0.2


def test_bins_are_not_narrower_than_the_floor() -> None:
    fine = genome(20_000)
    chr21 = fine[fine["chrom"] == "chr21"].reset_index(drop=True)
    donor, lot = (sample(chr21, (), who, "F", 2000, seed) for who, seed in (("donor", 41), ("lot", 42)))
    assert compare(chr21, lot, donor, "F", SETTINGS).facts.analysis_bin_bp == 100_000
    assert compare(chr21, lot, donor, "F", CopyNumber(min_bin_bp=20_000)).facts.analysis_bin_bp == 20_000


GIVEN = ("gc", "replication_timing")


def _compared(changed: pd.DataFrame, sex: str = "F") -> Compared:
    donor = sample(bins(), (), "donor", sex, 5000, 71, waves=0.01)
    lot = sample(bins(), (), "lot", sex, 5000, 72, waves=0.01, gc_bias=0.05, rt=0.05)
    return compare(changed, lot, donor, sex, SETTINGS)


@pytest.mark.parametrize(
    ("column", "value"), [("gc", np.nan), ("gc", -1.0), ("gc", 1.5), ("replication_timing", np.nan)]
)
def test_a_bin_without_a_covariate_is_masked_by_name_and_all_others_are_corrected(column: str, value: float) -> None:
    whole = _compared(bins())
    usable = np.flatnonzero((whole.ratios["mask"].isna() & (whole.ratios["region"] == "autosome")).to_numpy())
    without = bins().copy()
    without.loc[usable[[100, 2000]], column] = value
    found = _compared(without)
    assert found.facts.covariates == whole.facts.covariates == ("GC", "replication timing")
    assert found.facts.not_used == {}
    assert (found.ratios["mask"] == "covariate").sum() == 2
    assert set(found.ratios.loc[usable[[100, 2000]], "mask"]) == {"covariate"}
    same = found.ratios["mask"].isna()
    assert (same | (found.ratios["mask"] == "covariate") | whole.ratios["mask"].notna()).mean() > 0.999
    assert np.abs(found.ratios["log2"] - whole.ratios["log2"])[same].max() < 0.005


@pytest.mark.parametrize("column", GIVEN)
def test_a_covariate_that_most_bins_lack_is_refused(column: str) -> None:
    half = bins().copy()
    half.loc[half.index % 2 == 0, column] = np.nan
    name = {"gc": "GC", "replication_timing": "replication timing"}[column]
    with pytest.raises(KaryolotError, match=rf"{name} has no value in (49|50|51)% of the usable autosomal bins"):
        _compared(half)


def test_a_track_that_ends_before_y_leaves_y_uncorrected_and_says_so() -> None:
    short = bins().copy()
    short.loc[short["region"] == "Y", "replication_timing"] = np.nan
    short.loc[short["chrom"] == "chr4", "replication_timing"] = np.nan
    facts, ratios = (found := _compared(short, "M")).facts, found.ratios
    assert facts.not_used == {"replication timing on Y": "no value there"}
    assert ratios.loc[ratios["region"] == "Y", "mask"].isna().mean() > 0.5
    # An autosome is masked: its bins would carry the wave of timing into the calls.
    chr4 = ratios[ratios["chrom"] == "chr4"]
    assert set(chr4["mask"]) == {"covariate", "gap"} and chr4["log2"].isna().all()
    arms = known_regions(ratios, segment(ratios, SETTINGS).noise, SETTINGS, ATLAS).set_index("name")
    assert not arms.loc["chr4q", "assessable"] and arms.loc["chr4q", "masked_covariate"] > 0.9


def test_a_covariate_that_is_given_and_not_used_is_named_with_the_reason() -> None:
    flat = _compared(bins().assign(replication_timing=0.5, mappability=1.0)).facts
    assert flat.covariates == ("GC",)
    assert flat.not_used == dict.fromkeys(["replication timing", "mappability"], "the same value in all bins")
    without = _compared(bins().assign(replication_timing=np.nan)).facts
    assert without.covariates == ("GC",) and without.not_used == {}
    few = bins()[bins()["chrom"] == "chr21"].reset_index(drop=True).head(30).assign(gap=0.0)
    counts = [sample(few, (), who, "F", 5000, seed) for who, seed in (("lot", 1), ("donor", 2))]
    facts = compare(few, *counts, "F", SETTINGS).facts
    assert facts.covariates == () and set(facts.not_used) == {"GC", "replication timing"}
    assert all("autosomal bins" in reason for reason in facts.not_used.values())


def test_the_tail_beside_an_amplicon_has_the_level_of_its_bins() -> None:
    """A few bins of the amplicon in a long weak gain: neither five copies nor 500 % of the cells."""

    def change(mean: float, level: float) -> _Change:
        return _Change(np.arange(40), mean, Error(0.02, np.inf), level, 0.04, empty=False, tests=("segment",))

    for clean in (0.0, 2.0):
        values = np.r_[np.full(37, 0.31), np.full(3, 5.0 if clean == 0 else 0.31)]
        level = _level(change(float(values.mean()), float(values[1:-1].mean())), float(np.median(values)))
        assert level == pytest.approx(0.31), "by the median where the bins are of two levels"
    assert _level(change(0.33, 0.34), 0.30) == 0.34, "else by the mean of the inner bins, which is the better estimate"
    assert _level(change(0.6, 0.6), -0.05) == 0.0, "half of its bins did not move"
