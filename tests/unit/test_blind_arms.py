"""A trisomy where nothing can be seen never passes: arms that are not assessable are named, counted and decide."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.criteria import Acceptance, Metric, Verdict
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.settings import Layout
from karyolot.dna.bins import hidden_parts
from karyolot.dna.match import match_donor
from karyolot.dna.summary import NEVER_SEEN, blind_arms, copy_number_metrics
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.verdict.decide import decide
from planted import LAYOUT, RESOURCES, SETTINGS, Event, analyse, genome, sample

ACCEPTANCE = read_yaml(RESOURCES / "acceptance.yaml", Acceptance)
TRISOMY_8 = Event("chr8", 0, 200_000_000, +1)
REST = {MetricName.PROCESS_PASSAGE: Metric(value=4), MetricName.IDENTITY_SNP_MATCH: Metric(value="MATCH")}
"""What the required criteria ask for beside copy number."""
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
Change = Callable[[Tables], Tables]


def blind(change: Change, *events: Event, sex: str = "F", layout: Layout = LAYOUT) -> tuple[Metric, Verdict]:
    """dna.blind_arms and the verdict of a lot; change: of bins, counts of the lot and counts of the donor."""
    bins = genome(1_000_000)
    counts = (sample(bins, events, who, sex, 5000, seed) for who, seed in (("lot", 2), ("donor", 3)))
    bins, lot, donor = (table.reset_index(drop=True) for table in change((bins, *counts)))
    result = analyse(bins, lot, donor, sex)
    match = match_donor(result.compared.ratios, lot, donor, bins, sex, SETTINGS).match
    lod = result.lod.assign(spike_ins=200, found=195)
    tables = result.calls, result.segmented.segments, result.arms, lod
    found = copy_number_metrics(*tables, result.compared.facts, result.noise, match, SETTINGS, layout)
    return found[MetricName.DNA_BLIND_ARMS], decide("L1", found | REST, ACCEPTANCE, 5, 0.95)


def as_given(tables: Tables) -> Tables:
    return tables


def no_counts_of_the_donor(tables: Tables) -> Tables:
    bins, lot, donor = tables
    return bins, lot, donor.assign(count=donor["count"].mask(bins["chrom"] == "chr8", 0))


def blacklisted(tables: Tables) -> Tables:
    bins, lot, donor = tables
    return bins.assign(gap=bins["gap"].mask(bins["chrom"] == "chr8", 1.0)), lot, donor


def not_mappable(tables: Tables) -> Tables:
    bins, lot, donor = tables
    return bins.assign(mappability=(bins["chrom"] != "chr8").astype(float)), lot, donor


def one_arm_blacklisted(tables: Tables) -> Tables:
    bins, lot, donor = tables
    return bins.assign(gap=bins["gap"].mask(bins["arm"] == "chr8p", 1.0)), lot, donor


def without(chrom: str) -> Change:
    def change(tables: Tables) -> Tables:
        here = tables[0]["chrom"] == chrom
        bins, lot, donor = (table[~here] for table in tables)
        return bins, lot, donor

    return change


@pytest.mark.parametrize("sex", ["F", "M"])
def test_a_stable_lot_of_either_sex_has_no_blind_arm_and_passes(sex: str) -> None:
    metric, verdict = blind(as_given, sex=sex)
    assert (metric.value, metric.detail) == (0, "")
    assert verdict.outcome == "PASS" and "except" not in verdict.claim


@pytest.mark.parametrize("change", [no_counts_of_the_donor, blacklisted, not_mappable, without("chr8")])
def test_a_trisomy_that_nothing_can_show_never_passes(change: Change) -> None:
    metric, verdict = blind(change, TRISOMY_8)
    assert (metric.value, metric.detail) == (2, "8p, 8q")
    assert (verdict.outcome, verdict.reasons) == ("INDETERMINATE", ("Q05d",))
    assert "was detected, except on 8p, 8q, which could not be assessed" in verdict.claim


def test_one_blind_arm_is_enough_and_what_is_seen_elsewhere_still_fails_the_lot() -> None:
    metric, verdict = blind(one_arm_blacklisted)
    assert (metric.detail, verdict.outcome, verdict.reasons) == ("8p", "INDETERMINATE", ("Q05d",))
    metric, verdict = blind(one_arm_blacklisted, Event("chr12", 0, 200_000_000, +1))
    assert (metric.detail, verdict.outcome, verdict.suppressed) == ("8p", "FAIL", False)
    assert verdict.claim.endswith("except on 8p, which could not be assessed.")


@pytest.mark.parametrize(
    ("chrom", "sex", "detail"), [("chrX", "F", "Xp, Xq"), ("chrY", "M", "Yp"), ("chrY", "F", ""), ("chr21", "F", "21q")]
)
def test_a_contig_that_the_tables_lack_is_blind_unless_it_is_the_y_of_a_woman(
    chrom: str, sex: str, detail: str
) -> None:
    assert blind(without(chrom), sex=sex)[0].detail == detail


def test_a_lot_without_any_assessable_arm_says_so_in_two_words() -> None:
    arms = pd.DataFrame(
        {"scope": "arm", "name": ["chr1p", "chr1q"], "chrom": "chr1", "assessable": False, "usable": 0.9}
    )
    small = LAYOUT.model_copy(update={"autosomes": ("chr1",), "x": None})
    metric = blind_arms(arms, small, "F")
    assert (metric.value, metric.detail) == (2, "all arms")


def test_only_arms_that_short_reads_never_show_are_left_out() -> None:
    bands = {"13p", "14p", "15p", "21p", "22p", "Yq"}
    assert bands == NEVER_SEEN
    metric, _ = blind(without("chr8"), layout=LAYOUT.model_copy(update={"cytobands": None}))
    assert metric.detail == "8", "a layout without bands knows no arms"


def test_a_masked_part_of_an_arm_is_named_in_the_claim() -> None:
    def masked(tables: Tables) -> Tables:
        bins, lot, donor = tables
        inside = (bins["chrom"] == "chr8") & bins["start"].between(70_000_000, 139_000_000)
        return bins.assign(gap=bins["gap"].mask(inside, 1.0)), lot, donor

    metric, verdict = blind(masked, Event("chr8", 75_000_000, 135_000_000, 1))
    assert (metric.value, metric.detail, verdict.outcome) == (1, "8q 70-140 Mb", "INDETERMINATE")
    assert "except on 8q 70-140 Mb, which could not be assessed" in verdict.claim


@pytest.mark.parametrize(
    ("chrom", "start", "end", "size", "parts"),
    [
        ("chr8", 70, 76, 5, ("8q 70-76 Mb",)),
        ("chr8", 70, 74, 5, ()),  # a change of 5 Mb sticks out
        ("chr8", 70, 80, 20, ()),
        ("chr8", 0, 9, 5, ("8p 0-9 Mb",)),
        ("chr1", 126, 150, 5, ()),  # at the centromere, as in every lot
        ("chr1", 126, 170, 5, ("1q 123-170 Mb",)),  # two bins between it and the centromere
        ("chrX", 80, 90, 5, ("Xq 80-90 Mb",)),
        ("chrY", 12, 57, 5, ()),
    ],
)
def test_parts_that_hide_a_change_of_the_claimed_size(
    chrom: str, start: int, end: int, size: float, parts: tuple[str, ...]
) -> None:
    bins = genome(1_000_000)
    inside = (bins["chrom"] == chrom) & bins["start"].between(start * 1e6, end * 1e6 - 1)
    at_centromere = bins["gap"] > 0.5
    assert hidden_parts(bins.assign(mask=np.where(inside | at_centromere, "gap", None)), size * 1e6, 3) == parts


def test_a_part_with_too_few_bins_for_a_call_in_any_of_its_windows_is_hidden() -> None:
    """A third of the bases is in use, spread evenly: of 5 Mb at most two bins of 1 Mb, and a call needs three."""
    bins = genome(1_000_000)
    thinned = (bins["chrom"] == "chr8") & (bins.index % 3 != 0)
    table = bins.assign(mask=np.where(thinned | (bins["gap"] > 0.5), "gap", None))
    assert [part.split()[0] for part in hidden_parts(table, 5e6, 3)] == ["8p", "8q"]
    assert hidden_parts(table, 5e6, 1) == hidden_parts(table, 12e6, 3) == ()
