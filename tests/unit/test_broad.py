"""Broadly rearranged lots: most of the genome changed, so that levels must not be taken for noise.

The simulator's GC and timing are other vectors than those corrected with, as in a real lot.
"""

from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.cells import fraction_of_cells
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.thresholds import least_effect, segment_threshold
from planted import Event, Result, analyse, correlated_waves, genome, sample

BIN = 200_000
PER_BIN = BIN / 300 * 0.9
"""Fragments of a diploid bin at a depth of 1x."""
SETTINGS = CopyNumber(analysis_bin_bp=BIN)
WAVES = ((1, 0.7), (4, 0.7))
WAVE_SD = 0.01


@cache
def given() -> pd.DataFrame:
    """The bins as the workflow is given them."""
    return genome(BIN)


@cache
def true() -> pd.DataFrame:
    """The bins as they are: GC off by one point, timing of a cell type that correlates by 0.8 with the track."""
    bins, generator = given(), np.random.default_rng(5)
    waves = [
        np.concatenate([correlated_waves(generator, len(part), [(length, 1.0)]) for _, part in bins.groupby("chrom")])
        for length in (2, 10)
    ]
    timing = 0.8 * bins["replication_timing"] + 0.6 * waves[1]
    return bins.assign(gc=np.clip(bins["gc"] + 0.01 * waves[0], 0.2, 0.8), replication_timing=timing)


@cache
def lot(events: tuple[Event, ...], seed: int, sex: str = "F") -> Result:
    donor = sample(true(), events, "donor", sex, PER_BIN, 2 * seed + 1, waves=WAVE_SD, gc_bias=0.02)
    grown = sample(true(), events, "lot", sex, PER_BIN, 2 * seed, waves=WAVE_SD, gc_bias=0.05, rt=0.02)
    return analyse(given(), grown, donor, sex, SETTINGS)


@cache
def arms() -> pd.DataFrame:
    bins = given()
    used = bins[(bins["region"] == "autosome") & (bins["gap"] < 0.25)]
    found = used.groupby("arm", sort=False).agg(chrom=("chrom", "first"), start=("start", "min"), end=("end", "max"))
    return found[found["end"] - found["start"] > 15_000_000]


def pieces(copies: Sequence[Sequence[int]], fraction: float) -> tuple[Event, ...]:
    """Each arm in as many equal pieces as `copies` names changes for."""
    events = []
    for arm, changes in zip(arms().itertuples(), copies, strict=True):
        edges = np.linspace(arm.start, arm.end, len(changes) + 1).astype(int)
        events += [
            Event(str(arm.chrom), int(low), int(high), change, fraction)
            for low, high, change in zip(edges[:-1], edges[1:], changes, strict=True)
            if change
        ]
    return tuple(events)


def altered(share: float, fraction: float) -> tuple[Event, ...]:
    """Changes of 30 to 100 % of an arm, on arms drawn by chance, until they cover that fraction of all arms."""
    generator, table = np.random.default_rng(round(100 * share)), arms()
    lengths = table["end"] - table["start"]
    events: list[Event] = []
    for name in generator.permutation(table.index):
        if sum(event.end - event.start for event in events) >= share * lengths.sum():
            break
        length = int(lengths[name] * generator.uniform(max(0.3, 1.6 * share - 0.3), 1))
        start = int(table.loc[name, "start"] + generator.uniform() * (lengths[name] - length))
        change = int(generator.choice([-1, 1]))
        events.append(Event(str(table.loc[name, "chrom"]), start, start + length, change, fraction))
    return tuple(events)


def found(result: Result, events: Sequence[Event]) -> int:
    """Events that calls of their direction cover by half."""
    calls, number = result.calls, 0
    for event in events:
        same = calls[(calls["chrom"] == event.chrom) & (calls["type"] == ("gain" if event.copies > 0 else "loss"))]
        covered = np.minimum(same["end"], event.end) - np.maximum(same["start"], event.start)
        number += bool(covered.clip(lower=0).sum() >= 0.5 * (event.end - event.start))
    return number


def oracle(result: Result, events: Sequence[Event]) -> float:
    """Events found on average by a test of their true ends with the true error."""
    used = int(result.compared.ratios["mask"].isna().sum())
    threshold, expected = segment_threshold(used, SETTINGS.family_wise_error), 0.0
    for event in events:
        n = max(round((event.end - event.start) / BIN), 1)
        apart = np.abs(np.arange(n)[:, None] - np.arange(n))
        waves = sum((WAVE_SD * sd) ** 2 * float(np.exp(-apart / length).sum()) / n for length, sd in WAVES)
        se = np.sqrt(2 * (1 / PER_BIN + waves) / n) / np.log(2)
        shift = abs(np.log2(1 + event.copies * event.fraction / 2))
        expected += NormalDist().cdf(float(shift - least_effect(se, threshold, SETTINGS)) / se)
    return expected


def changed_share(events: Sequence[Event]) -> float:
    return sum(event.end - event.start for event in events) / float((arms()["end"] - arms()["start"]).sum())


def check(events: tuple[Event, ...], seed: int) -> None:
    """Sensitivity within 5 points of the oracle, the neutral share within 4 of the truth, fraction of cells as planted."""
    result = lot(events, seed)
    assert result.noise.assessable
    assert found(result, events) >= oracle(result, events) - 0.05 * len(events)
    assert result.compared.facts.neutral == pytest.approx(1 - changed_share(events), abs=0.04)
    segments = result.segmented.segments
    changed = segments[(segments["z"].abs() > 8) & (segments["region"] == "autosome") & (segments["bins"] > 50)]
    assert fraction_of_cells(changed["mean"], 2).mean() == pytest.approx(
        np.mean([abs(event.copies) * event.fraction for event in events]), abs=0.05
    )


@pytest.mark.parametrize("fraction", [1.0, 0.3])
@pytest.mark.parametrize("share", [0.1, 0.2, 0.36, 0.48, 0.6])
def test_changes_are_found_however_much_of_the_genome_is_altered(share: float, fraction: float) -> None:
    check(altered(share, fraction), 1)


@pytest.mark.parametrize("fraction", [1.0, 0.3])
@pytest.mark.parametrize("every", [1, 2])
def test_arms_in_thirds_are_no_noise(every: int, fraction: float) -> None:
    """First third lost, last third gained, on all arms or on every second one."""
    check(pieces([(-1, 0, 1) if i % every == 0 else (0,) for i in range(len(arms()))], fraction), 2)


@pytest.mark.parametrize("fraction", [1.0, 0.3])
@pytest.mark.parametrize("step_mb", [2, 5, 10])
def test_levels_that_alternate_within_an_arm_are_no_noise(step_mb: int, fraction: float) -> None:
    """Loss, normal, gain in turn on every arm: two thirds of the genome changed, in steps of 10 to 50 bins."""
    lengths = arms()["end"] - arms()["start"]
    copies = [[(-1, 0, 1)[i % 3] for i in range(int(length // (step_mb * 1_000_000)))] for length in lengths]
    events = pieces(copies, fraction)
    result = lot(events, 4)
    if (step_mb, fraction) == (2, 0.3):  # ten bins a step: not found, and nothing is claimed
        assert not result.noise.assessable and result.compared.facts.neutral < 0.6
        return
    assert result.noise.assessable and found(result, events) >= 0.95 * len(events)
    assert result.compared.facts.neutral == pytest.approx(1 - changed_share(events), abs=0.04)


def test_a_genome_without_a_common_level_says_so_and_still_shows_its_segments() -> None:
    """Three pieces of one to four copies on every arm: a quarter of the genome at any level."""
    copies = np.random.default_rng(3).choice([-1, 0, 1, 2], (len(arms()), 3)).tolist()
    result = lot(pieces(copies, 1.0), 3)
    assert result.noise.assessable and result.compared.facts.neutral is not None
    assert 0.2 < result.compared.facts.neutral < 0.36
    ends = result.segmented.segments.groupby("arm").size()
    steps = sum(int(np.count_nonzero(np.diff(three))) for three in copies)
    # Every step between two pieces is an end of a segment; hardly any other is.
    assert ends[ends.index.isin(arms().index)].sum() - len(arms()) == pytest.approx(steps, abs=0.1 * steps)


@pytest.mark.statistics
def test_stable_lots_stay_without_a_call() -> None:
    results = [lot((), seed, sex) for seed in range(10, 16) for sex in ("F", "M")]
    calls = pd.concat([result.calls for result in results])
    assert len(calls[~calls["chrom"].isin(["chrX", "chrY"])]) == 0
    assert all(result.compared.facts.neutral > 0.99 for result in results)
