"""Limits of detection, held against changes planted in the lot's own reads and in fresh lots."""

from functools import cache, partial
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.copy_number import Lod
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.limits import limits_of_detection
from karyolot.dna.plants import _field, _planted, _starts, verify_limits
from planted import Event, Result, genome, run

SETTINGS = CopyNumber(plants=100, lod_sizes_mb=(5, 20))
TRISOMY_8 = Event("chr8", 0, 200_000_000, +1)


@cache
def lot(per_bin: float = 2000, seed: int = 3) -> Result:
    return run((TRISOMY_8,), "F", per_bin, seed, genome())


@cache
def verified(per_bin: float = 2000, seed: int = 3) -> pd.DataFrame:
    result = lot(per_bin, seed)
    lod = limits_of_detection(result.compared.ratios, result.noise, SETTINGS)
    return verify_limits(result.compared.ratios, lod, result.noise, SETTINGS)


def test_planted_changes_are_found_as_often_as_the_limit_says() -> None:
    Lod.validate(verified())
    assert verified()["fraction"].notna().all() and (verified()["planted"] == 100).all()
    # 100 plants of true power .95: 88 to 100 in all but one of a thousand.
    assert verified()["found"].between(88, 100).all()
    pd.testing.assert_frame_equal(
        verified(),
        verify_limits(
            lot().compared.ratios,
            limits_of_detection(lot().compared.ratios, lot().noise, SETTINGS),
            lot().noise,
            SETTINGS,
        ),
    )


def test_a_limit_that_promises_too_much_is_raised() -> None:
    result = lot()
    lod = limits_of_detection(result.compared.ratios, result.noise, SETTINGS)
    honest = verified()["fraction"]
    lowered = verify_limits(result.compared.ratios, lod.assign(fraction=lod["fraction"] / 2), result.noise, SETTINGS)
    assert (lowered["fraction"] > lod["fraction"] / 2 * 1.4).all()
    assert np.allclose(lowered["fraction"], honest, rtol=0.15)


def test_a_limit_above_all_cells_is_none() -> None:
    thin = run((), "F", 60, 5, genome())
    lod = limits_of_detection(thin.compared.ratios, thin.noise, SETTINGS)
    impossible = verify_limits(thin.compared.ratios, lod.assign(fraction=0.999), thin.noise, SETTINGS)
    gain = impossible[(impossible["size_bp"] == 5_000_000) & (impossible["type"] == "gain")]
    assert gain["fraction"].isna().all() and (gain[["planted", "found"]] == 0).all(axis=None)


def test_plants_keep_clear_of_the_lots_own_changes() -> None:
    field = _field(lot().compared.ratios, lot().noise, SETTINGS)
    table = lot().compared.ratios
    table = table[table["mask"].isna() & (table["region"] == "autosome")].reset_index(drop=True)
    starts = _starts(field, 10)
    assert "chr8" not in set(table["chrom"][starts]) and len(set(table["chrom"][starts])) == 21
    assert (table["arm"].to_numpy()[starts] == table["arm"].to_numpy()[starts + 9]).all()


@pytest.mark.parametrize(("type_", "copies"), [("gain", +1), ("loss", -1)])
def test_a_planted_change_has_the_ratio_of_a_true_one(type_: str, copies: int) -> None:
    field = _field(lot().compared.ratios, lot().noise, SETTINGS)
    arm, inside = slice(*field.runs[0]), slice(20, 120)
    generator = np.random.default_rng(1)
    values, weights = _planted(field, arm, inside, type_, 0.5, generator)
    moved = values - field.values[arm]
    assert moved[inside].mean() == pytest.approx(np.log2(1 + copies * 0.5 / 2), abs=0.01)
    assert np.delete(moved, np.arange(20, 120)) == pytest.approx(0)
    plain = np.log(2) ** 2 / (1 / (field.lot[arm] + 0.5) + 1 / (field.donor[arm] + 0.5))
    assert (weights[inside] < plain[inside]).all()


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
