"""Growth of clones over passages, and what the lots of a line show together. Truth is simulated; the rates over 500 lineages
are in `benchmarks/kinetics.py`."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

import planted
import planted_records
from karyolot.contracts.copy_number import Calls
from karyolot.contracts.kinetics import Growth, Kinetics, LineLot
from karyolot.contracts.sheets import Lot, Sample, Study
from karyolot.dna.kinetics import FASTEST, Ratios, grow
from karyolot.dna.lineage import join, places, trace
from karyolot.plan import samples
from karyolot.report.overview import overview_row
from karyolot.report.text import kinetics as words

PASSAGES = np.array([3.0, 5.0, 8.0])


def ratios(
    fractions: list[float], sd: float = 0.01, gain: bool = True, common: float = 0.4, copies: float = 2
) -> Ratios:
    """Ratios without error, that are said to have this error; `common` of its variance is the donor's."""
    log2 = np.log2(1 + (1 if gain else -1) * np.array(fractions) / copies)
    covariance = sd**2 * ((1 - common) * np.eye(len(fractions)) + common)
    return Ratios(PASSAGES[: len(fractions)], log2, np.full(len(fractions), copies), covariance, 1e9)


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.5, 0.5), st.floats(0.05, 0.9), st.booleans(), st.sampled_from([1.0, 2.0, 4.0]))
def test_growth_and_prediction_are_those_of_the_model(rate: float, last: float, gain: bool, copies: float) -> None:
    fractions = expit(logit(last) + rate * (PASSAGES - PASSAGES[-1]))
    found = grow(ratios(fractions.tolist(), 0.002, gain, copies=copies), gain)
    assert found is not None
    assert found.passage == 11, "as far ahead as the last two passages are apart"
    assert found.rate == pytest.approx(rate, abs=0.02)
    assert found.expected == pytest.approx(float(expit(logit(last) + 3 * rate)), abs=0.02)
    assert found.low is not None and found.high is not None and found.low < rate < found.high
    assert found.expected_low is not None and found.expected_high is not None
    assert found.expected_low <= found.expected <= found.expected_high


def test_growth_that_the_lots_do_not_bound_has_no_end() -> None:
    """Nothing at passages 3 and 5 and a clone at 8: it may have grown as fast as one likes."""
    found = grow(ratios([0.0, 0.0, 0.3]), gain=True)
    assert found is not None and found.high is None and found.low is not None and 0 < found.low < FASTEST


def test_growth_needs_two_passages() -> None:
    assert grow(ratios([0.1]), gain=True) is None
    same = ratios([0.1, 0.1])._replace(passages=np.array([4.0, 4.0]))
    assert grow(same, gain=True) is None


def test_growth_that_was_not_constant_predicts_nothing() -> None:
    found = grow(ratios([0.1, 0.4, 0.1]), gain=True)
    assert found is not None and found.expected is None and found.fit is not None and found.fit < 0.01
    assert "no prediction" in words.expected(found)


def test_noise_of_the_donor_moves_all_lots_alike_and_is_no_growth() -> None:
    """The same variances with more of them in common: less is left for differences, so growth is known better."""
    widths = []
    for common in (0.0, 0.8):
        found = grow(ratios([0.2, 0.2, 0.2], 0.02, common=common), gain=True)
        assert found is not None and found.low is not None and found.high is not None
        widths.append(found.high - found.low)
    assert widths[1] < 0.6 * widths[0]


def line(fractions: list[float], seed: int = 0, **lot: object) -> list[LineLot]:
    """Lots of one donor with trisomy 8 in these fractions of the cells, one every three passages."""
    bins = planted.genome()
    made = []
    for k, fraction in enumerate(fractions):
        events = [planted.Event("chr8", 0, 146_000_000, 1, fraction)]
        counts = planted.sample(bins, events, "lot", "F", 5000, 100 * seed + k)
        calls = planted.analyse(bins, counts, donor(), "F").calls
        made.append(LineLot(f"L{k}", 3.0 * k + 3, None, counts, calls, **lot))  # type: ignore[arg-type]
    return made


def donor() -> pd.DataFrame:
    return planted.sample(planted.genome(), [], "donor", "F", 5000, 99)


@pytest.fixture(scope="module")
def grown() -> tuple[list[LineLot], Kinetics]:
    lots = line([0.05, 0.1, 0.2])
    return lots, followed(lots)


def followed(lots: list[LineLot]) -> Kinetics:
    return trace(planted.genome(), lots, donor(), "F", planted.SETTINGS, planted.ATLAS)


def test_a_growing_trisomy_is_followed_from_counts(grown: tuple[list[LineLot], Kinetics]) -> None:
    _, found = grown
    assert found.lots == ("L0", "L1", "L2") and found.reason == "" and found.left_out == ()
    assert sum(found.weights) == pytest.approx(1, abs=1e-3)
    (clone,) = found.clones
    assert (clone.name, clone.found, clone.type) == ("Trisomy 8", "lots", "gain")
    for own, true in zip(clone.fractions, (0.05, 0.1, 0.2), strict=True):
        assert own.low <= true <= own.high
    growth = clone.growth
    assert growth is not None and growth.low is not None and growth.high is not None
    assert growth.low <= (logit(0.2) - logit(0.05)) / 6 <= growth.high
    assert growth.passage == 12 and growth.expected_low is not None and growth.expected_high is not None
    assert growth.expected_low <= expit(2 * logit(0.2) - logit(0.1)) <= growth.expected_high


def test_changes_of_the_pseudo_autosomal_region_or_of_less_than_a_bin_do_not_stop_the_lot() -> None:
    """A loss of Y shows in the region that X and Y share; an own call of a lot can be shorter than the bins of all lots."""
    bins = planted.genome()
    bins = bins[bins["chrom"].isin(["chr9", "chr10", "chr11", "chr12", "chrX"])].reset_index(drop=True)
    normal = planted.sample(bins, [], "donor", "F", 5000, 900)
    lots = []
    for k, fraction in enumerate((0.3, 0.8)):
        counts = planted.sample(bins, [planted.Event("chrX", 0, 2_700_000, -1, fraction)], "lot", "F", 5000, k)
        calls = planted.analyse(bins, counts, normal, "F").calls
        short = calls.assign(chrom="chr9", start=10_100_000, end=10_400_000)
        lots.append(LineLot(f"L{k}", 3.0 * k + 3, None, counts, pd.concat([calls, short])))
    (clone,) = trace(bins, lots, normal, "F", planted.SETTINGS, planted.ATLAS).clones
    assert (clone.chrom, clone.start, clone.type) == ("chrX", 0, "loss")
    assert [own.low <= true <= own.high for own, true in zip(clone.fractions, (0.3, 0.8), strict=True)] == [True, True]


@pytest.mark.parametrize("seed", [0, 3])
def test_a_clone_that_grows_has_the_ends_that_the_last_lots_show(seed: int) -> None:
    """Among three lots weighted alike, noise of the first two moved an end of these by two bins."""
    bins = planted.genome()
    bins = bins[bins["chrom"].isin(["chr9", "chr10", "chr11", "chr12", "chr19"])].reset_index(drop=True)
    lots = []
    for k, fraction in enumerate((0.02, 0.06, 0.22)):
        clone = planted.Event("chr10", 51_500_000, 70_000_000, 1, fraction)
        counts = planted.sample(bins, [clone], "lot", "F", 1500, 100 * seed + k)
        lots.append(LineLot(f"L{k}", 3.0 * k + 3, None, counts, Calls.frame([])))
    normal = planted.sample(bins, [], "donor", "F", 1500, 900 + seed)
    (clone,) = trace(bins, lots, normal, "F", planted.SETTINGS, planted.ATLAS).clones
    assert (clone.start, clone.end, clone.found) == (51_500_000, 70_000_000, "line")


def test_three_lots_show_smaller_clones_than_one(grown: tuple[list[LineLot], Kinetics]) -> None:
    _, found = grown
    assert found.limit_gain is not None and found.alone_gain is not None
    assert found.limit_gain < 0.8 * found.alone_gain


def test_a_lot_does_not_see_those_after_it(grown: tuple[list[LineLot], Kinetics]) -> None:
    """What is found in two lots is the same with and without the third."""
    lots, _ = grown
    assert followed(lots[:2]) == followed(line([0.05, 0.1]))


def test_a_lot_without_a_verdict_is_left_out_and_named(grown: tuple[list[LineLot], Kinetics]) -> None:
    lots, _ = grown
    found = followed([lots[0]._replace(usable=False), *lots[1:]])
    assert found.lots == ("L1", "L2")
    assert [(one.lot_id, one.reason) for one in found.left_out] == [("L0", "no verdict on stability")]
    alone = followed([lots[0]._replace(usable=False), lots[1]])
    assert alone.reason and not alone.clones and alone.limit_gain is None


def test_a_shallow_earlier_lot_does_not_coarsen_the_others(grown: tuple[list[LineLot], Kinetics]) -> None:
    lots, _ = grown
    shallow = lots[0].counts.assign(count=lots[0].counts["count"] // 500)
    found = followed([lots[0]._replace(counts=shallow), *lots[1:]])
    assert found.lots == ("L1", "L2") and "coverage too low" in found.left_out[0].reason


def test_passages_that_are_not_recorded_leave_growth_open(grown: tuple[list[LineLot], Kinetics]) -> None:
    lots, _ = grown
    found = followed([lot._replace(passage=None) for lot in lots[1:]])
    assert [clone.growth for clone in found.clones] == [None]


def test_the_noise_of_two_lots_is_correlated_through_their_donor(grown: tuple[list[LineLot], Kinetics]) -> None:
    """Half of the variance of each ratio is the donor's."""
    lots, _ = grown
    tables = [planted.compare(planted.genome(), lot.counts, donor(), "F", planted.SETTINGS).ratios for lot in lots]
    joined = join(tables, planted.SETTINGS)
    values = joined.values[:, (joined.table["chrom"] != "chr8").to_numpy()]
    correlation = np.corrcoef(values)
    assert np.allclose(correlation[np.triu_indices(3, 1)], 0.5, atol=0.1)


def test_calls_of_several_lots_are_one_clone_at_the_surest_ends() -> None:
    row = {"chrom": "chr1", "type": "gain", "origin": "acquired"}
    weak, sure = {**row, "start": 0, "end": 10, "z": 5.0}, {**row, "start": 2, "end": 12, "z": -9.0}
    other = {**row, "start": 2, "end": 12, "z": 7.0, "type": "loss"}
    lost = {**row, "start": 50, "end": 60, "z": 9.0, "origin": "lost"}
    doubtful = {**row, "chrom": "chr2", "start": 0, "end": 9, "z": 6.0, "artefact": "GC-rich end"}
    found = places([pd.DataFrame([weak, doubtful])], [pd.DataFrame([sure, lost]), pd.DataFrame([other])])
    assert [(place.call["start"], place.call["type"], place.lots) for place in found] == [
        (2, "gain", (True, False)),
        (2, "loss", (False, True)),
    ]


def test_timing_explains_away_a_call_of_all_lots_on_sex_chromosomes_only() -> None:
    """The noise of a line holds what timing leaves of autosomes; the limit of detection rests on that noise."""
    row = {"type": "gain", "origin": "acquired", "start": 0, "end": 9, "z": 6.0}
    calls = pd.DataFrame(
        [{**row, "chrom": chrom, "artefact": "replication timing"} for chrom in ("chr1", "chrX", "chrY")]
    )
    assert [place.call["chrom"] for place in places([calls], [])] == ["chr1"]


def test_the_report_states_limits_growth_and_what_to_expect() -> None:
    html = planted_records.html(planted_records.passing())
    part = html[html.index("Clones across passages") :]
    assert "Detection limit in 2 lots together (HLP-2031-02 and HLP-2031-04) for a 5 Mb change" in part
    assert "9.0% (gain) or 8.5% (loss) of cells; HLP-2031-04 alone: 12% or 11%." in part
    assert "HLP-2031-01 was not used: no verdict on stability." in part
    assert "1.31-fold (95% CI 1.22 to 1.40)" in part and "at least 0.74-fold" in part
    assert "at passage 7: 22% (95% CI 15% to 31%)" in part
    assert "Called only in the joint analysis of all lots." in part
    front = planted_records.passing().text.front.passages
    assert front.endswith(
        "With unchanged growth, gain of 1q is expected at passage 7: 22% (95% CI 15% to 31%) of cells."
    )


def test_words_of_a_growth_without_bounds() -> None:
    free = Growth(rate=0.1, low=None, high=None, fit=None, passage=7, expected=0.1, expected_low=0.0, expected_high=1.0)
    assert words._growth(free) == "not determined by these lots"
    assert words._growth(None).startswith("not determined")
    assert words._growth(free.model_copy(update={"high": 0.5})) == "at most 1.65-fold"


def test_lots_with_a_sister_are_a_family_and_a_line_is_none() -> None:
    """A parent that was never sequenced makes sisters too."""
    parents = {"A": None, "B": "A", "C": "A", "D": "B", "X": None, "Y": "X", "Q": None, "R": "Q", "S": "Q"}
    lots = {
        name: Lot(lot_id=name, donor_id="P", passage=9 - n, parent_lot_id=own)
        for n, (name, own) in enumerate(parents.items())
    }
    rows = {f"{name}w": (Sample(sample_id=f"{name}w", assay="wgs", lot_id=name),) for name in parents if name != "Q"}
    study = Study(donors={}, lots=lots, samples=rows)
    assert samples.families(study) == {"A": ["D", "C", "B", "A"], "Q": ["S", "R"]}
    assert [one["lot_id"] for one in samples.line_of(study, "D")] == ["A", "B", "D"]


def test_the_overview_shows_clones_of_sister_lots() -> None:
    rows = [overview_row(planted_records.passing())]
    html = planted_records.overview(rows, families=[planted_records.kinetics()])
    part = html[html.index('id="clones"') :]
    assert "across sister lots in 1 family" in html and "Clones across passages: 2 clones in 2 lots" in part
