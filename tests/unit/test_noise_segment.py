"""The noise model and the segmentation: planted breaks, white and correlated noise, invariants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karyolot.contracts.copy_number import Noise
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.limits import Error, smallest_fractions
from karyolot.dna.noise import (
    degrees_of_freedom,
    first_noise,
    half_width,
    holds_levels,
    inflation_at,
    measure_noise,
    standard_error,
    too_calm,
)
from karyolot.dna.segment import merge, split, track
from karyolot.dna.segments import segment_track
from karyolot.dna.thresholds import known_threshold, segment_threshold
from planted import correlated_waves

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
ONE_ARM = np.full(4000, "1p", dtype=object)


def pieces(values: np.ndarray, threshold: float, noise: Noise = WHITE) -> list[tuple[int, int]]:
    return split(track(values, np.full(len(values), 100.0), noise), threshold, 3)


def test_white_noise_at_poisson_level_is_not_inflated() -> None:
    values = np.random.default_rng(1).normal(0, 0.1, 4000)
    noise = measure_noise(values, np.full(4000, 0.01), ONE_ARM)
    assert noise.assessable
    assert max(noise.inflation) < 1.5
    assert min(noise.inflation) >= 1.0


def test_waves_inflate_long_blocks_more_than_short_ones() -> None:
    generator = np.random.default_rng(2)
    wave = np.repeat(generator.normal(0, 0.05, 400), 10)
    noise = measure_noise(wave + generator.normal(0, 0.1, 4000), np.full(4000, 0.01), ONE_ARM)
    assert noise.inflation[0] < 1.6
    # Independent stretches of 10 bins: block means of 16 and more vary 1 + 10 * (0.05 / 0.1)**2 = 3.5 times Poisson.
    assert 2.5 < inflation_at(noise, 64) < 5.0


def test_noise_never_falls_below_poisson_nor_with_the_block_size() -> None:
    noise = measure_noise(np.zeros(4000), np.full(4000, 0.01), ONE_ARM)
    assert set(noise.inflation) == {1.0}


def test_too_few_bins_make_the_noise_unknown() -> None:
    noise = measure_noise(np.zeros(50), np.full(50, 0.01), ONE_ARM[:50])
    assert not noise.assessable


@pytest.mark.parametrize("bins", [60, 145, 2_900])
def test_bins_calmer_than_counting_are_noticed_in_one_chromosome_and_chance_is_not(bins: int) -> None:
    generator, variances = np.random.default_rng(7), np.full(bins, 0.01)
    calm = [too_calm(generator.normal(0, 0.1, bins), variances) for _ in range(500)]
    assert not any(calm)
    assert too_calm(generator.normal(0, 0.005, bins), variances)
    assert too_calm(np.repeat([0.0, 0.3], bins // 2), np.full(bins // 2 * 2, 0.01))


@pytest.mark.statistics
@pytest.mark.parametrize("lengths", [(10.0,), (0.25, 1.5, 10.0), (40.0,)])
def test_the_error_of_a_mean_is_that_of_its_waves_up_to_blocks_never_measured(lengths: tuple[float, ...]) -> None:
    """40 arms of 250 bins: blocks of up to 128 bins are measured, and 1,200 bins predicted, by lengths not of the model."""
    ratios = {size: [] for size in (1, 16, 128, 1200)}
    between = []
    for seed in range(20):
        values, arms = lot(seed, lengths)
        noise = measure_noise(values, np.full(len(values), 0.01), arms)
        assert noise.blocks[-1] == 128
        first = first_noise(values, np.full(len(values), 0.01), arms)
        assert not holds_levels(noise, first)
        between.append(float(inflation_at(first, 16)) / truth(16, lengths))
        for size, found in ratios.items():
            found.append(float(inflation_at(noise, size)) / truth(size, lengths))
    # Standard errors within 10 % of the truth where blocks were measured; beyond, at most 30 % above it and not below it,
    # since waves longer than any block cannot be excluded.
    for size in (1, 16, 128):
        assert 0.9 < np.mean(np.sqrt(ratios[size])) < 1.1
    assert 0.95 < np.mean(np.sqrt(ratios[1200])) < 1.3 and np.std(np.sqrt(ratios[1200])) < 0.3
    # Differences of neighbours (here of up to two bins) miss what longer waves add; they must not exceed the truth by more
    # than their own error. The truth of 16 bins of the longest wave is 15 times that of white noise.
    assert 0.25 < np.mean(np.sqrt(between)) < 1.1


def test_the_degrees_of_freedom_are_those_of_the_errors_of_many_lots() -> None:
    """2 over the relative variance of the inflation between 60 lots, within a factor of 2.5 (its own error is 1.4)."""
    sizes = np.array([1, 16, 128, 1200])
    inflations, expected = [], []
    for seed in range(60):
        values, arms = lot(seed, (1.5, 10.0))
        noise = measure_noise(values, np.full(len(values), 0.01), arms)
        inflations.append(inflation_at(noise, sizes))
        expected.append(degrees_of_freedom(noise, sizes))
    measured = 2 * np.mean(inflations, axis=0) ** 2 / np.var(inflations, axis=0, ddof=1)
    ratio = np.median(expected, axis=0) / measured
    assert (ratio[1:] > 0.4).all() and (ratio[1:] < 2.5).all()
    # The error of a single bin is as good as known in either case.
    assert min(expected[0][0], measured[0]) > 1000
    assert (np.diff(measured) < 0).all()


@pytest.mark.parametrize("freedom", [15.0, 40.0, 200.0, np.inf])
@pytest.mark.parametrize("threshold", [3.6, 4.9])
def test_a_limit_holds_in_other_lots_whose_error_is_another_estimate(freedom: float, threshold: float) -> None:
    """Two lots estimate the same error of 1 each with this many degrees of freedom."""
    settings = CopyNumber(min_log2=0.0)
    generator = np.random.default_rng(1)
    first, second = (
        np.ones(4000) if np.isinf(freedom) else np.sqrt(generator.chisquare(freedom, 4000) / freedom) for _ in range(2)
    )
    scale = 1e-3  # so small that the fraction of cells is proportional to the shift
    limits = [smallest_fractions(Error(scale * se, freedom), threshold, 2, settings)[0] for se in first]
    shifts = np.log2(1 + np.array(limits) / 2) / scale
    assert (shifts + generator.normal(size=4000) >= threshold * second).mean() == pytest.approx(0.95, abs=0.012)


def test_an_interval_is_wider_than_that_of_a_known_error() -> None:
    values, arms = lot(1, (10.0,))
    noise = measure_noise(values, np.full(len(values), 0.01), arms)
    widths = half_width(noise, 1.0, np.array([1, 1200])) / standard_error(noise, 1.0, np.array([1, 1200]))
    assert widths[0] == pytest.approx(1.96, abs=0.005) and 1.97 < widths[1] < 2.4


def lot(
    seed: int, lengths: tuple[float, ...], arms: int = 40, bins: int = 250, sd: float = 0.1
) -> tuple[np.ndarray, np.ndarray]:
    """White noise of sd 0.1 and a wave of `sd` of each length, and the arm of each bin."""
    generator = np.random.default_rng(seed)
    waves = [(length, sd) for length in lengths]
    values = np.concatenate([correlated_waves(generator, bins, waves) for _ in range(arms)])
    return values + generator.normal(0, 0.1, arms * bins), np.repeat([f"{i}p" for i in range(arms)], bins).astype(
        object
    )


def truth(size: int, lengths: tuple[float, ...]) -> float:
    """Variance of a mean of `size` bins over that of white noise alone, by the sum over all pairs of bins."""
    apart = np.arange(size)[:, None] - np.arange(size)
    return 1 + sum(float(np.exp(-np.abs(apart) / length).sum()) / size for length in lengths)


@pytest.mark.parametrize("wave", [(10.0, 0.1), (40.0, 0.1), (100.0, 0.05)])
def test_waves_longer_than_the_first_round_can_see_are_not_called(wave: tuple[float, float]) -> None:
    """It takes them for changes; the rounds after it measure them, since the MAD withstands what it left out."""
    settings = CopyNumber(min_log2=0.0)
    for seed in range(4):
        values, arms = lot(seed, (wave[0],), sd=wave[1])
        table = pd.DataFrame({"arm": arms, "region": "autosome"})
        noise, found = segment_track(table, values, np.full(len(values), 100.0), settings)
        assert noise.assessable and not any(piece.changed for piece in found)


def test_levels_are_no_noise() -> None:
    """Every arm in thirds of three levels: means of blocks vary by the levels, differences of neighbours do not."""
    values, arms = lot(1, (4.0,))
    stepped = values + np.tile(np.repeat([-1.0, 0.0, 0.58], [80, 90, 80]), 40)
    variances = np.full(len(values), 0.01)
    first, plain = first_noise(stepped, variances, arms), first_noise(values, variances, arms)
    assert float(inflation_at(first, 16) / inflation_at(plain, 16)) < 2
    assert holds_levels(measure_noise(stepped, variances, arms), first)
    assert not holds_levels(measure_noise(values, variances, arms), first)


def test_planted_breaks_are_found_where_they_are() -> None:
    values = np.random.default_rng(3).normal(0, 0.1, 400)
    values[120:160] += 0.3
    values[300:305] -= 0.8
    found = pieces(values, segment_threshold(4000, 0.05))
    assert found[0][0] == 0 and found[-1][1] == 400
    edges = {edge for low, _ in found for edge in [low]} - {0}
    assert {300, 305} <= edges
    assert any(abs(edge - 120) <= 2 for edge in edges) and any(abs(edge - 160) <= 2 for edge in edges)
    assert len(found) == 5


@pytest.mark.statistics
def test_noise_alone_is_not_split() -> None:
    generator = np.random.default_rng(4)
    arms = [pieces(generator.normal(0, 0.1, 75), segment_threshold(3000, 0.05)) for _ in range(400)]
    # 30,000 bins are ten genomes: at a family-wise error of 2.5 % a quarter of a false split is expected.
    assert sum(len(found) - 1 for found in arms) <= 4


def test_a_wave_that_the_noise_model_knows_is_not_split() -> None:
    generator = np.random.default_rng(5)
    values = np.repeat(generator.normal(0, 0.08, 300), 10) + generator.normal(0, 0.1, 3000)
    noise = measure_noise(values, np.full(3000, 0.01), np.full(3000, "1p", dtype=object))
    assert len(pieces(values, segment_threshold(3000, 0.05))) > 10
    assert len(pieces(values, segment_threshold(3000, 0.05), noise)) <= 3


def test_merge_joins_what_differs_by_chance_only() -> None:
    values = np.random.default_rng(6).normal(0, 0.1, 200)
    values[100:] += 0.5
    arm = track(values, np.full(200, 100.0), WHITE)
    assert merge([(0, 40), (40, 100), (100, 150), (150, 200)], arm, 4.0) == [(0, 100), (100, 200)]


def test_the_ends_of_a_long_change_are_found_without_trying_all_pairs() -> None:
    values = np.random.default_rng(8).normal(0, 0.1, 200_000)
    values[31_111:143_210] += 0.02
    found = pieces(values, segment_threshold(200_000, 0.05))
    assert len(found) == 3
    assert found[1] == pytest.approx((31_111, 143_210), abs=400)


@given(st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_segments_tile_the_arm(bins: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.normal(0, 0.1, bins) + np.where(np.arange(bins) > bins // 2, generator.normal(), 0)
    found = split(track(values, generator.uniform(50, 150, bins), WHITE), 4.0, 3)
    assert [low for low, _ in found] == [0, *(high for _, high in found[:-1])]
    assert found[-1][1] == bins


@given(st.integers(6, 200), st.floats(-3, 3), st.integers(0, 2**32 - 1))
def test_a_shift_of_all_ratios_moves_no_breakpoint(bins: int, shift: float, seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = np.round(generator.normal(0, 0.1, bins) + np.where(np.arange(bins) > bins // 3, 0.7, 0), 3)
    assert pieces(values, 5.0) == pieces(values + shift, 5.0)


def test_more_tests_need_larger_scores() -> None:
    assert segment_threshold(6000, 0.05) > segment_threshold(600, 0.05) > known_threshold(65, 0.05) > 3
    assert segment_threshold(3000, 0.01) > segment_threshold(3000, 0.05)


def test_standard_error_of_poisson_counts() -> None:
    # 100 bins of variance 0.01: the mean has variance 0.0001.
    assert standard_error(WHITE, 100 * 100.0, 100) == pytest.approx(0.01)
