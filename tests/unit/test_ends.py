"""Changes that end inside a bin, in lots so deep that this bin alone differs from both sides; and changes of whole chromosomes,
which move the centre they are compared with."""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.copy_number import Noise
from karyolot.dna.calls import _Change, _level_of, _with_whole
from karyolot.dna.limits import Error, distinct_places, known_regions, smallest_fractions
from karyolot.dna.noise import degrees_of_freedom
from karyolot.dna.ratio import absorbed
from karyolot.dna.segment import dissolve, track
from karyolot.dna.thresholds import known_threshold
from planted import ATLAS, SETTINGS, Event, Result, analyse, genome, run, sample

BINS = genome()
WIDTH = 500_000
WHITE = Noise(
    blocks=(1,),
    measured=(1.0,),
    inflation=(1.0,),
    white=1.0,
    lengths=(),
    waves=(),
    bins=1000,
    assessable=True,
    reason="",
)
CHANGES = (
    *(Event(f"chr{n}", 20_170_000 + n * 10_000, 32_290_000 + n * 30_000, (-1) ** n) for n in (2, 4, 5, 6, 8)),
    *(Event(f"chr{n}", 80_040_000 + n * 30_000, 86_450_000 + n * 20_000, (-1) ** (n + 1)) for n in (3, 7, 10)),
)


def counted(events: Sequence[Event], per_bin: float) -> Result:
    """A calm lot: bins at the ends of events hold the changed copies of the part that is changed."""
    donor = sample(BINS, (), "donor", "F", per_bin, 1, waves=0.0005)
    copies = np.full(len(BINS), 2.0)
    for event in events:
        shared = np.minimum(BINS["end"], event.end) - np.maximum(BINS["start"], event.start)
        copies += (
            event.copies * event.fraction * (shared.clip(lower=0) * (BINS["chrom"] == event.chrom)).to_numpy() / WIDTH
        )
    lot = sample(BINS, (), "lot", "F", per_bin, 2, waves=0.0005)
    return analyse(BINS, lot.assign(count=np.random.default_rng(3).poisson(lot["count"] * copies / 2)), donor, "F")


@pytest.mark.parametrize("per_bin", [20_000, 500_000])
def test_a_change_that_ends_inside_a_bin_is_one_call(per_bin: float) -> None:
    calls = counted(CHANGES, per_bin).calls
    assert sorted(calls["chrom"]) == sorted(event.chrom for event in CHANGES)
    for event in CHANGES:
        call = calls.set_index("chrom").loc[event.chrom]
        assert abs(call["start"] - event.start) < WIDTH and abs(call["end"] - event.end) < WIDTH


def test_the_bins_a_change_ends_in_are_not_part_of_its_cell_fraction() -> None:
    """Of the first and the last of 12 bins 60 % is changed; with them a gain in 60 % of the cells would read 56 %."""
    events = [Event(f"chr{n}", 20_200_000, 25_800_000, +1, 0.6) for n in (2, 3, 4, 5, 6, 7, 8, 9, 10, 11)]
    calls = counted(events, 10_000).calls
    assert (calls["bins"] == 12).sum() >= 8
    assert calls["fraction"].mean() == pytest.approx(0.6, abs=0.01)


@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize(("lot", "donor"), [(200, 200), (200, 1000), (1000, 200)])
def test_the_level_of_a_change_is_not_drawn_towards_the_bins_it_is_precise_in(
    lot: int, donor: int, copies: int
) -> None:
    """Half of 200,000 bins of few fragments has a change; a mean by the precision of each bin is off by up to 0.007."""
    generator, bins = np.random.default_rng(1), 100_000
    means = np.repeat([lot, lot * copies / 2], bins)
    table = pd.DataFrame({"lot_count": generator.poisson(means), "donor_count": generator.poisson(donor, 2 * bins)})
    values = np.log2((table["lot_count"] + 0.5) / (table["donor_count"] + 0.5)).to_numpy()
    weights = (1 / (1 / (table["lot_count"] + 0.5) + 1 / (table["donor_count"] + 0.5))).to_numpy()
    values = values - np.average(values[:bins], weights=weights[:bins])
    changed = np.arange(bins, 2 * bins)
    level = _level_of(table.assign(region="autosome"), values, weights, [changed])(changed)
    assert level == pytest.approx(np.log2(copies / 2), abs=0.0015)


def pieces(levels: Sequence[float], cuts: Sequence[int]) -> list[tuple[int, int]]:
    """What is left of segments with these inner ends, of bins of these levels and an error of 0.01 each."""
    arm = track(np.array(levels), np.full(len(levels), 1e4), WHITE)
    return dissolve(list(pairwise([0, *cuts, len(levels)])), arm, 3)


@pytest.mark.parametrize(
    ("levels", "cuts", "expected"),
    [
        ([0.0] * 20 + [-0.4] + [-1.0] * 20, (20, 23), [21]),  # the bin and two of the change
        ([0.0] * 20 + [-0.7] + [-1.0] * 20, (18, 21), [20]),  # the bin and two unchanged ones
        ([0.0] * 20 + [-0.3] + [-1.0] * 20, (19, 22), [21]),  # nearer to unchanged
        ([0.0] * 20 + [-0.5] * 3 + [-1.0] * 20, (20, 23), [20, 23]),  # three bins of a level of their own
        ([0.0] * 20 + [0.5, 0.0, 0.0] + [0.0] * 20, (20, 23), [20, 23]),  # no change beside it
        ([0.0] * 20 + [-1.0] * 20 + [0.0] * 2, (20, 39), [20, 40]),  # two unchanged bins at the end of the arm
        ([0.1] * 2 + [-1.0] * 20, (3,), [3]),  # two bins there of another level
        ([0.0] * 20 + [-1.4] + [-1.0] * 20, (20, 23), [20, 23]),  # not between both levels
    ],
)  # fmt: skip
def test_a_short_segment_is_dissolved_only_where_one_bin_lies_between_two_levels(
    levels: list[float], cuts: Sequence[int], expected: list[int]
) -> None:
    found = pieces(levels, cuts)
    assert [low for low, _ in found[1:]] == expected and found[-1][1] == len(levels)


@cache
def stable() -> Result:
    return run((), "F", 2000, 1, BINS)


def used() -> pd.DataFrame:
    ratios = stable().compared.ratios
    return ratios[ratios["mask"].isna()]


def test_a_change_of_a_chromosome_moves_the_centre_by_what_is_absorbed() -> None:
    """So weak (2 % of the cells) that it is not recognised: its ratio is smaller than its cells make it."""
    lost = absorbed(used())
    for chrom in ("chr1", "chr19", "chr21"):
        before, after = (
            run(events, "F", 500_000, 2, BINS, gc_bias=0.02).arms.set_index("name")["log2"]
            for events in ((), (Event(chrom, 0, 300_000_000, +1, 0.02),))
        )  # fmt: skip
        table = used()
        own = lost(table.index[table["chrom"] == chrom])
        share = (table["chrom"] == chrom).sum() / (table["region"] == "autosome").sum()
        assert 0.9 * share < own < share + 0.05
        assert after[chrom] - before[chrom] == pytest.approx(np.log2(1.01) * (1 - own), rel=0.03)
    assert lost(used().index[used()["chrom"] == "chrX"]) == 0


def test_limits_of_chromosomes_allow_for_what_is_absorbed() -> None:
    ratios, noise = stable().compared.ratios, stable().noise
    arms, lost, table = known_regions(ratios, noise, SETTINGS, ATLAS).set_index("name"), absorbed(used()), used()
    for chrom in ("chr1", "chr21", "chrX"):
        row = arms.loc[chrom]
        own = lost(table.index[(table["chrom"] == chrom) & (table["region"] != "PAR")])
        error = Error(row["se"], float(degrees_of_freedom(noise, row["bins"])))
        threshold = float(
            known_threshold(len(distinct_places(arms.reset_index())), SETTINGS.family_wise_error, error.freedom)
        )
        limits = smallest_fractions(error, threshold, 2, SETTINGS, lost=own)
        assert (row["lod_gain"], row["lod_loss"]) == pytest.approx(limits)
        assert (own > 0.01) == (chrom != "chrX")
    plain, less = (smallest_fractions(Error(0.01, 100.0), 3.6, 2, SETTINGS, lost=lost) for lost in (0.0, 0.09))
    assert np.log2(1 + less[0] / 2) == pytest.approx(np.log2(1 + plain[0] / 2) / 0.91)
    assert np.isnan(smallest_fractions(Error(0.01, 100.0), 3.6, 2, SETTINGS, lost=0.6)).all()


def test_known_regions_ask_for_more_where_few_blocks_showed_the_noise() -> None:
    """With an error estimated with 8 degrees of freedom a stable lot of 80 regions still errs in 2.5 % of the lots."""
    generator = np.random.default_rng(5)
    for freedom in (8.0, 70.0):
        threshold = float(known_threshold(80, 0.05, freedom))
        scores = generator.standard_t(freedom, (20_000, 80))
        assert (np.abs(scores) >= threshold).any(axis=1).mean() == pytest.approx(0.025, abs=0.005)
    assert known_threshold(80, 0.05, 8.0) > known_threshold(80, 0.05, 70.0) > known_threshold(80, 0.05) > 3


@pytest.mark.parametrize(
    ("called", "rest", "expected"),
    [
        (0.3, 0.16, [("segment,arm", 1.0)]),
        (0.3, 0.05, [("segment", 0.45)]),
        (0.3, -0.1, [("segment", 0.45)]),
        (0.12, 0.1, [("segment", 0.45)]),
    ],
)
def test_a_change_of_a_region_is_not_called_in_a_part_of_it(
    called: float, rest: float, expected: list[tuple[str, float]]
) -> None:
    """The segments found 45 of 100 bins; the others do not pass by themselves. Standard errors of all, the part, and the rest:
    0.04, 0.06, 0.054."""
    values = np.repeat([called, rest], [45, 55])

    def change(rows: np.ndarray, *tests: str) -> _Change:
        se, mean = 0.4 / np.sqrt(len(rows)), float(values[rows].mean())
        return _Change(rows, mean, Error(se, 1e9), mean, 2 * se, empty=False, tests=tests)

    whole, part = change(np.arange(100), "arm"), change(np.arange(45), "segment")
    found = _with_whole([part], whole, change, lambda _: 4.0, SETTINGS)
    assert [(",".join(one.tests), len(one.rows) / 100) for one in found] == expected


@pytest.mark.parametrize("fraction", [1.0, 0.9])
def test_a_fraction_near_no_copies_has_an_honest_interval(fraction: float) -> None:
    """Both copies lost, in all cells: no fragment is left, and the half that is added to every count is not one."""
    events = [Event(f"chr{n}", 20_000_000, 26_000_000, -2, fraction) for n in (2, 4, 6, 9, 11, 13)]
    calls = run(events, per_bin=300, seed=2).calls
    assert len(calls) == len(events)
    holds = calls["fraction_low"].le(2 * fraction) & calls["fraction_high"].ge(2 * fraction)
    assert holds.all() and (calls["fraction_high"] - calls["fraction_low"] < 0.1).all()
