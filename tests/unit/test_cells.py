"""What a ratio means in cells of any ploidy: one arithmetic, from the planted lot to every statement about it."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karyolot.contracts import cells
from karyolot.contracts.copy_number import Match
from karyolot.contracts.criteria import Acceptance, Metric
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.exports import documents
from karyolot.dna.karyotype import against, against_donor, karyotype
from karyolot.dna.match import donor_arms
from karyolot.dna.names import Extent, Type, common_name, copies_in_affected
from karyolot.dna.summary import copy_number_metrics
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.verdict.decide import decide
from planted import LAYOUT, RESOURCES, Event, Result, analyse, genome, sample

ACCEPTANCE = read_yaml(RESOURCES / "acceptance.yaml", Acceptance)
MATCH = Match(
    declared_sex="F", lot_sex="F", donor_sex="F", lot_x=1.0, lot_y=0.0, donor_x=1.0, donor_y=0.0, variants=0, shared=0
)


@given(
    f=st.floats(0.01, 1), share=st.floats(0, 1), copies=st.sampled_from([1, 2]), sign=st.sampled_from([1, -1]),
    among=st.floats(0, 1),
)  # fmt: skip
def test_the_mean_dna_content_gives_the_fraction_whichever_cells_carry_the_change(
    f: float, share: float, copies: int, sign: int, among: float
) -> None:
    """A mixture of 2n and 4n cells, `among` of the affected ones 4n, counted chromosome by chromosome."""
    four = share
    sets = 2 * (1 - four) + 4 * four
    affected_four, affected_two = f * among, f * (1 - among)
    if affected_four > four or affected_two > 1 - four:
        return
    changed = copies * sets / 2 + sign * (affected_four + affected_two)
    ratio = changed / (copies * sets / 2)
    found = float(cells.fraction_of_cells(np.log2(ratio), copies, sets)) if ratio > 0 else copies * sets / 2
    assert found == pytest.approx(f, rel=1e-6) or ratio <= 0


@given(st.floats(0.001, 0.5), st.sampled_from([1, 2]), st.sampled_from([None, 2.0, 2.7, 4.0, 8.0]))
def test_a_limit_is_the_fraction_that_moves_the_ratio_so_far(shift: float, copies: int, sets: float | None) -> None:
    gain, loss = cells.detectable_fraction(shift, copies, sets)
    assert cells.fraction_of_cells(shift, copies, sets) == pytest.approx(gain)
    assert cells.fraction_of_cells(-shift, copies, sets) == pytest.approx(loss)
    assert cells.of_diploid(cells.in_sets(0.3, sets), sets) == pytest.approx(0.3)


def test_alleles_of_tetraploid_cells_follow_the_same_rule() -> None:
    for f in np.linspace(0.05, 1, 20):
        assert (2 + f) / (4 + f) == pytest.approx((1 + f / 2) / (2 + f / 2)), "one copy gained"
        assert 2 / (4 - f) == pytest.approx(1 / (2 - f / 2)), "one copy lost"


@pytest.mark.parametrize(
    ("fraction", "sets", "words"),
    [
        (0.14, None, "14% of diploid or 28% of tetraploid cells"),
        (0.5, None, "50% of diploid or all tetraploid cells"),
        (0.04, None, "4.0% of diploid or 8.0% of tetraploid cells"),
        (0.8, None, "80% of diploid cells (tetraploid: more than one copy)"),
        (1.02, None, "all diploid cells (tetraploid: more than one copy)"),
        (0.5, 4.0, "50% of cells"),
        (1.02, 4.0, "all cells"),
        (2.0, 2.0, "all cells"),
    ],
)
def test_a_fraction_is_worded_for_the_cells_it_holds_for(fraction: float, sets: float | None, words: str) -> None:
    assert cells.cells(fraction, sets) == words


def test_limits_are_worded_for_both_ploidies() -> None:
    assert cells.detectable(0.14, None) == "14% of diploid or 28% of tetraploid cells"
    assert cells.detectable(0.6, None) == "60% of diploid cells (not detectable in tetraploid cells)"
    assert (
        cells.detectable_both(0.14, 0.13, None) == "14% (gain) or 13% (loss) of diploid cells (tetraploid: 28% or 26%)"
    )
    assert cells.detectable_both(0.7, 0.6, None).endswith("of diploid cells (tetraploid: not detectable)")
    assert cells.detectable_both(0.28, 0.26, 4.0) == "28% (gain) or 26% (loss) of cells"
    assert cells.interval(0.93, 1.06) == "93% to 100%" and cells.interval(1.1, 1.3) == "100%"


EVENT = (Event("chr8", 0, 200_000_000, +1, 0.5),)
"""One chromosome 8 more in every cell of a tetraploid lot is 5 copies of 4: the ratio of +8 in half of diploid cells."""


@cache
def lot(sets: float | None = None, events: tuple[Event, ...] = EVENT) -> Result:
    bins = genome()
    tables = sample(bins, events, "lot", "F", 5000, 2), sample(bins, events, "donor", "F", 5000, 3)
    return analyse(bins, *tables, "F", sets=sets)


def line(of: Result, sets: float | None = None) -> str | None:
    facts = of.compared.facts, of.noise, MATCH
    reasons = [*against(of.arms, of.lod, *facts, LAYOUT, CopyNumber(), sets)]
    return karyotype(of.calls, reasons, facts[2].declared_sex, LAYOUT, sets).text


def measured(of: Result, sets: float | None = None) -> dict[MetricName, object]:
    tables = of.calls, of.segmented.segments, of.arms, of.lod, of.compared.facts, of.noise, MATCH
    return dict(copy_number_metrics(*tables, CopyNumber(), LAYOUT, sets=sets))


def test_a_trisomy_that_lot_and_donor_have_alike_withholds_the_line() -> None:
    shared = lot(None, (Event("chr8", 0, 200_000_000, +1, 0.5, "both"),))
    assert shared.calls.empty and line(shared) == "46,XX (by depth; ploidy not measured)", "it cancels in the ratio"
    found = donor_arms(shared.segmented.segments)
    assert found == {"8p": pytest.approx(2.5, abs=0.05), "8q": pytest.approx(2.5, abs=0.05)}
    assert next(iter(against_donor(found))).startswith("the donor's own reads show 2.5 copies of 8p, 2.5 copies of 8q")
    assert measured(shared)[MetricName.CN_DONOR_ARMS].value == 2  # type: ignore[attr-defined]
    assert not donor_arms(lot().segmented.segments), "8 is gained in the lot alone"


def test_a_trisomy_of_all_tetraploid_cells_is_stated_for_both_ploidies_until_the_content_is_known() -> None:
    (call,) = lot().calls.to_dict("records")
    assert call["fraction"] == pytest.approx(0.5, abs=0.02) and call["tetraploid"] == pytest.approx(1.0, abs=0.04)
    assert call["class"] == "sub-clonal" and call["name"] == "Trisomy 8" and call["id"] == "E1"
    assert line(lot()) == "mos 47,XX,+8[50%]/46,XX (by depth; ploidy not measured)"

    (known,) = lot(4.0).calls.to_dict("records")
    assert known["fraction"] == pytest.approx(1.0, abs=0.04) and pd.isna(known["tetraploid"])
    assert known["class"] == "clonal" and known["name"] == "Gain of chromosome 8", "five of four is no trisomy"
    assert line(lot(4.0), 4.0) == "93,XXXX,+8 (by depth; DNA content 4n)"
    assert line(lot(2.9), 2.9) is None, "cells of different ploidy have no single number of chromosomes"


def test_limits_scale_with_the_dna_content_everywhere() -> None:
    two, four = lot(), lot(4.0)
    assert (four.lod["fraction"] / two.lod["fraction"]).dropna().to_numpy() == pytest.approx(2)
    assert four.lod["tetraploid"].isna().all() and two.lod["tetraploid"].dropna().to_numpy() == pytest.approx(
        2 * two.lod.loc[two.lod["tetraploid"].notna(), "fraction"].to_numpy()
    )
    for type_ in ("gain", "loss"):
        assert (four.arms[f"lod_{type_}"] / two.arms[f"lod_{type_}"]).dropna().to_numpy() == pytest.approx(2)
    assert four.calls["limit"][0] == pytest.approx(2 * two.calls["limit"][0])
    assert two.calls["limit"][0] == two.arms.set_index("name")["lod_gain"]["chr8"], "its own printed limit"
    diploid, tetraploid = (measured(of, sets)[MetricName.CN_LOD] for of, sets in ((two, None), (four, 4.0)))
    assert tetraploid.value == pytest.approx(2 * diploid.value, abs=1e-3)  # type: ignore[attr-defined]
    assert "of diploid or" in diploid.detail and "diploid" not in tetraploid.detail  # type: ignore[attr-defined]


def test_a_lot_too_shallow_for_any_arm_has_no_limit_on_arms() -> None:
    bins = genome()
    tables = sample(bins, (), "lot", "F", 2, 2), sample(bins, (), "donor", "F", 2, 3)
    shallow = analyse(bins, *tables, "F")
    metric = measured(shallow)[MetricName.CN_ARM_LOD]
    assert metric == Metric(value=None, reason="no arm can be assessed")
    deep = measured(lot(None, ()))[MetricName.CN_ARM_LOD]
    limits = lot(None, ()).arms
    own = limits[(limits["scope"] == "arm") & limits["assessable"]]
    assert deep.value == pytest.approx(own[["lod_gain", "lod_loss"]].max(axis=None), abs=1e-4)  # type: ignore[attr-defined]
    assert "5% is not detectable on" in deep.detail  # type: ignore[attr-defined]


def test_the_claim_of_a_tetraploid_lot_holds_for_its_cells() -> None:
    quiet = lot(4.0, ())
    gain = quiet.lod[(quiet.lod["size_bp"] == 5_000_000) & (quiet.lod["type"] == "gain")]["fraction"].iloc[0]
    claim = decide("L1", measured(quiet, 4.0), ACCEPTANCE, 5, 0.95, sets=4.0).claim  # type: ignore[arg-type]
    assert f"in at least {gain:.0%} (gain)" in claim and "of cells would" in claim and "diploid" not in claim


def test_exports_name_the_cells_their_fractions_hold_for() -> None:
    tables = lot().compared.ratios, lot().segmented.segments, lot().calls
    made = documents(*tables, "L1")
    row = made["vcf"].splitlines()[-1].split("\t")
    values = dict(zip(row[8].split(":"), row[9].split(":"), strict=True))
    assert float(values["CNF4"]) == pytest.approx(2 * float(values["CNF"]), abs=2e-3) and row[2] == "E1"
    assert "NAME=Trisomy_8" in row[7] and "of diploid cells, the DNA content was not measured" in made["vcf"]
    known = documents(*tables[:2], lot(4.0).calls, "L1", 4.0)
    assert "cells with a DNA content of 4n" in known["vcf"] and ":.:" in known["vcf"].splitlines()[-1]
    for text, column in ((made["seg"], "tetraploid.fraction"), (known["seg"], "cell.fraction")):
        table = pd.read_csv(pd.io.common.StringIO(text), sep="\t")
        assert table.loc[table["chrom"] == "chr8", column].iloc[0] == pytest.approx(1.0, abs=0.04)


@pytest.mark.statistics
def test_clonal_levels_of_tetraploid_cells_are_a_hint_and_chance_is_none() -> None:
    assert cells.on_ladder([(0.492, 0.503)]) and cells.on_ladder([(0.49, 0.51), (0.98, 1.01)])
    assert not cells.on_ladder([]) and not cells.on_ladder([(0.98, 1.02)]), "clonal in diploid cells"
    assert not cells.on_ladder([(0.30, 0.32), (0.49, 0.51)]), "one change lies between the steps"
    assert not cells.on_ladder([(0.40, 0.60)]), "too wide to tell"
    generator = np.random.default_rng(1)
    hits = [cells.on_ladder([(f - 0.01, f + 0.01) for f in generator.uniform(0.05, 1, 2)]) for _ in range(2000)]
    assert np.mean(hits) < 0.02


NAMES: list[tuple[Type, Extent, str, str, str, int, float, str]] = [
    ("gain", "chromosome", "8", "8", "8p23.3-q24.3", 2, 0.6, "Trisomy 8"),
    ("loss", "chromosome", "8", "8", "8p23.3-q24.3", 2, 0.6, "Monosomy 8"),
    ("gain", "chromosome", "12", "12", "", 2, 2.0, "Tetrasomy 12"),
    ("loss", "chromosome", "13", "13", "", 2, 2.0, "Nullisomy 13"),
    ("gain", "chromosome", "12", "12", "", 2, 1.5, "Gain of chromosome 12"),
    ("gain", "chromosome", "12", "12", "", 2, 1.06, "Trisomy 12"),
    ("loss", "chromosome", "X", "X", "", 2, 0.3, "Monosomy X"),
    ("gain", "chromosome", "X", "X", "", 2, 0.3, "Trisomy X"),
    ("gain", "chromosome", "X", "X", "", 1, 1.0, "Gain of chromosome X"),
    ("loss", "chromosome", "Y", "Y", "", 1, 0.4, "Loss of chromosome Y"),
    ("loss", "arm", "5", "5q", "5q11.1-q35.3", 2, 1.0, "Loss of 5q"),
    ("gain", "arm", "X", "Xq", "Xq11-q28", 1, 1.0, "Gain of Xq"),
    ("gain", "part", "20", "20q", "20q11.21", 2, 0.4, "Gain of 20q11.21"),
    ("loss", "part", "9", "9p", "9p21.3", 2, 1.0, "Loss of 9p21.3"),
    ("gain", "part", "3", "3", "", 2, 0.4, "Gain of 3:1.5-6.25 Mb"),
]


@pytest.mark.parametrize(("type_", "extent", "contig", "arm", "bands", "copies", "fraction", "name"), NAMES)
def test_a_change_has_its_common_name(
    type_: Type, extent: Extent, contig: str, arm: str, bands: str, copies: int, fraction: float, name: str
) -> None:
    now = copies_in_affected(type_, copies, fraction, fraction - 0.02)
    place = 1_500_000, 6_250_000
    assert common_name(type_, extent, contig, arm, bands, place, copies=copies, now=now, diploid=True) == name
    if extent == "part":
        given_gene = common_name(
            type_, extent, contig, arm, bands, place, copies=copies, now=now, diploid=True, gene="BCL2L1"
        )
        assert given_gene == f"{name} with BCL2L1"
    polyploid = common_name(type_, extent, contig, arm, bands, place, copies=copies, now=now, diploid=False)
    assert "somy" not in polyploid, "three copies of four are no trisomy"


@pytest.mark.parametrize(
    ("event", "extent", "name"),
    [
        (Event("chr8", 0, 200_000_000, +1), "chromosome", "Trisomy 8"),
        (Event("chr13", 0, 200_000_000, -1, 0.5), "chromosome", "Monosomy 13"),
        (Event("chrX", 0, 200_000_000, -1, 0.5), "chromosome", "Monosomy X"),
        (Event("chr5", 49_000_000, 200_000_000, -1), "arm", "Loss of 5q"),
        (Event("chr8", 60_000_000, 100_000_000, +1), "part", "Gain of 8q12.1-q22.2"),
    ],
)
def test_planted_changes_are_named_by_what_of_the_chromosome_changed(event: Event, extent: str, name: str) -> None:
    (call,) = lot(None, (event,)).calls.to_dict("records")
    assert call["extent"] == extent and call["name"] == name
    line_ = line(lot(None, (event,)))
    assert line_ is not None and (line_.startswith(("47,", "45,", "mos 47,", "mos 45,")) == (extent == "chromosome"))
    whole = measured(lot(None, (event,)))[MetricName.CN_WHOLE_CHROMOSOME].value  # type: ignore[attr-defined]
    assert whole == (extent == "chromosome" and event.chrom != "chrX")
