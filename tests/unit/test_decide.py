"""The verdict as a pure function: order of gravity, unknowns, suppression, monotony."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from karyolot.contracts.criteria import Acceptance, Criterion, Limit, Metric, Metrics
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.minimum import MINIMUM, Bad, Must, uncovered
from karyolot.contracts.settings import Identity
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.verdict.decide import decide, judge
from karyolot.verdict.imported import imported_metrics
from karyolot.verdict.process import process_metrics
from planted_records import imported

ACCEPTANCE = read_yaml(Path(__file__).parents[2] / "resources" / "acceptance.yaml", Acceptance)
GRAVITY = ["PASS", "REVIEW", "INDETERMINATE", "FAIL", "FAIL_IDENTITY"]

GOOD: Metrics = {
    name: Metric(value=value)
    for name, value in {
        "reads.verified": True, "identity.germline": 1.0, "identity.lot_sex": True, "identity.donor_sex": True,
        "dna.usable_bins": 0.93, "dna.blind_arms": 0, "dna.rt_slope": 0.03, "cn.lod": 0.14, "cn.lod_gain": 0.14,
        "cn.lod_loss": 0.13,
        "cn.published_rule": 0, "cn.acquired_long": 0, "cn.acquired_short": 0, "cn.high_copy": 0,
        "cn.whole_chromosome": 0, "cn.arm_change": 0.0, "cn.arm_lod": 0.06,
        "cn.donor_change_lost": 0, "rna.identity_detected": 40.0, "rna.mature_down": 1.0,
        "rna.progenitor_up": 1.0, "rna.hla2_max_tpm": 0.2, "rna.blood_max_tpm": 0.1, "rna.secreted_up": 1.0,
        "rna.pluripotency_max_tpm": 0.0,
        "process.passage": 8, "process.pdl": 11.2,
    }.items()
}  # fmt: skip


def outcome(**changes: float | bool | str | None) -> str:
    metrics = GOOD | {name.replace("__", "."): Metric(value=value) for name, value in changes.items()}
    return decide("L1", metrics, ACCEPTANCE, 5, 0.95).outcome


def test_a_good_lot_passes_bounded_by_its_limit_of_detection() -> None:
    verdict = decide("L1", GOOD, ACCEPTANCE, 5, 0.95)
    assert verdict.outcome == "PASS" and not verdict.reasons and not verdict.suppressed
    assert (
        "A change in at least 14% (gain) or 13% (loss) of diploid cells (tetraploid: 28% or 26%)" in verdict.claim
        and "95%" in verdict.claim
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cn__acquired_long": 1}, "FAIL"),
        ({"cn__published_rule": 2}, "FAIL"),
        ({"cn__high_copy": 1}, "FAIL"),
        ({"cn__acquired_short": 1}, "REVIEW"),
        ({"rna__mature_down": 0.5}, "REVIEW"),
        ({"rna__mature_down": 3 / 4, "rna__progenitor_up": 4 / 5}, "PASS"),
        ({"rna__secreted_up": 0}, "PASS"),
        ({"cn__lod": 0.3}, "INDETERMINATE"),
        ({"cn__arm_change": 0.049}, "PASS"),
        ({"cn__arm_change": 0.05}, "REVIEW"),
        ({"cn__arm_change": 0.1}, "FAIL"),
        ({"cn__lod": None}, "INDETERMINATE"),
        ({"cn__lod": 0.3, "cn__acquired_long": 1}, "FAIL"),
        ({"identity__lot_sex": False}, "INDETERMINATE"),
        ({"identity__lot_sex": False, "cn__acquired_long": 3}, "INDETERMINATE"),
        ({"identity__germline": 0.0, "identity__lot_sex": False}, "FAIL_IDENTITY"),
        ({"identity__germline": 0.5}, "INDETERMINATE"),
        ({"identity__germline": None}, "INDETERMINATE"),
        ({"identity__germline": None, "identity__snp_match": "MATCH"}, "PASS"),
        ({"dna__blind_arms": 1}, "INDETERMINATE"),
        ({"dna__blind_arms": None}, "INDETERMINATE"),
        ({"dna__blind_arms": 2, "cn__acquired_long": 1}, "FAIL"),
        ({"dna__blind_arms": 2, "cn__acquired_short": 1}, "INDETERMINATE"),
        ({"identity__lot_sex": None}, "INDETERMINATE"),
        ({"cn__acquired_long": None}, "INDETERMINATE"),
        ({"cn__acquired_long": float("nan")}, "INDETERMINATE"),
        ({"cn__acquired_long": "0"}, "INDETERMINATE"),
        ({"dna__usable_bins": 0.4}, "INDETERMINATE"),
        ({"process__passage": 14}, "REVIEW"),
        ({"process__pdl": None}, "PASS"),
    ],
)
def test_order_of_gravity(changes: dict[str, float | bool | str | None], expected: str) -> None:
    assert outcome(**changes) == expected


COVERED = {"Q05a", "Q05d", "Q04a", "Q04b", "Q02b", "Q06", "C02", "C05", "Q05e"}


def document(*criteria: Criterion) -> Acceptance:
    return ACCEPTANCE.model_copy(update={"criteria": criteria})


def test_the_shipped_document_covers_the_minimum_and_no_less_would() -> None:
    assert uncovered(ACCEPTANCE) == []
    least = document(*(c for c in ACCEPTANCE.criteria if c.id in COVERED))
    matched = GOOD | {MetricName.IDENTITY_SNP_MATCH: Metric(value="MATCH")}
    assert uncovered(least) == [] and decide("L1", matched, least, 5, 0.95).outcome == "PASS"
    for left_out in COVERED:
        weaker = document(*(c for c in least.criteria if c.id != left_out))
        verdict = decide("L1", matched, weaker, 5, 0.95)
        assert len(uncovered(weaker)) == 1
        assert verdict.outcome == "INDETERMINATE" and verdict.headline.startswith("Not evaluated"), left_out
        assert uncovered(weaker)[0] in verdict.headline


def limits_of(draw: st.DrawFn, criterion: Criterion) -> Criterion:
    """The criterion with other limits that its metric can have, and other weight."""
    kind = criterion.metric.kind
    words = st.sampled_from(kind) if isinstance(kind, tuple) else st.booleans()
    numbers = (
        st.integers(-2, 12)
        if kind is int
        else st.floats(-1, 2, allow_nan=False) | st.sampled_from([0.0, 0.3, 0.36, 0.5, 1.0])
    )
    limit = st.builds(
        Limit,
        op=st.sampled_from(["<=", "<", ">=", ">", "=="]) if criterion.metric.is_number else st.just("=="),
        value=numbers if criterion.metric.is_number else words,
        on_breach=st.sampled_from(["FAIL", "FAIL_IDENTITY", "REVIEW", "INDETERMINATE", "INFO"]),
    )
    changes = {
        "limits": tuple(draw(st.lists(limit, min_size=1, max_size=3))),
        "required": draw(st.booleans()),
        "kind": draw(st.sampled_from(["validity", "stability", "identity", "process"])),
    }
    return criterion.model_copy(
        update={name: changes[name] for name in draw(st.sets(st.sampled_from(sorted(changes))))}
    )


@st.composite
def documents(draw: st.DrawFn) -> Acceptance:
    """The shipped document with criteria of the minimum left out, weakened, doubled, and in another order."""
    of_minimum = [c for c in ACCEPTANCE.criteria if c.id in COVERED | {"Q02"}]
    others = [c for c in ACCEPTANCE.criteria if c not in of_minimum and draw(st.booleans())]
    kept = [limits_of(draw, c) if draw(st.booleans()) else c for c in of_minimum if draw(st.integers(0, 5))]
    doubled = [limits_of(draw, c) for c in of_minimum if not draw(st.integers(0, 7))]
    return document(*draw(st.permutations([*kept, *doubled]))) if not others else document(*kept, *doubled, *others)


def bad_values(bad: Bad) -> st.SearchStrategy[float | bool | str]:
    if not isinstance(bad, tuple):
        return st.just(bad)
    low, high = bad
    return st.integers(low, high) | st.integers(low, low + 9) if isinstance(low, int) else st.floats(low, high)


@settings(max_examples=600, deadline=None)
@given(acceptance=documents(), must=st.sampled_from(MINIMUM), data=st.data())
def test_no_document_that_omits_or_weakens_the_minimum_lets_a_bad_lot_pass(
    acceptance: Acceptance, must: Must, data: st.DataObject
) -> None:
    """Whatever is left out, turned round, doubled, allowed or merely informational; for every value that is bad."""
    name = data.draw(st.sampled_from(sorted(must.bad)))
    lot = {
        **GOOD,
        MetricName.IDENTITY_SNP_MATCH: Metric(value="MATCH"),
        name: Metric(value=data.draw(bad_values(must.bad[name]))),
    }
    if name is MetricName.IDENTITY_GERMLINE:
        lot[MetricName.IDENTITY_SNP_MATCH] = Metric(value=None)
    assert decide("L1", lot, acceptance, 5, 0.95).outcome != "PASS"
    if must.required:
        unmeasured = {key: metric for key, metric in lot.items() if key != name}
        assert decide("L1", unmeasured, acceptance, 5, 0.95).outcome != "PASS"


@settings(max_examples=300, deadline=None)
@given(acceptance=documents())
def test_a_document_is_judged_by_exactly_when_it_covers_the_minimum(acceptance: Acceptance) -> None:
    verdict = decide("L1", GOOD | {MetricName.IDENTITY_SNP_MATCH: Metric(value="MATCH")}, acceptance, 5, 0.95)
    if uncovered(acceptance):
        assert verdict.outcome not in ("PASS", "REVIEW")
    else:
        assert not verdict.headline.startswith("Not evaluated")


@pytest.mark.parametrize(
    "outcome_of", [("cn.acquired_long", 1, "FAIL"), ("identity.snp_match", "MISMATCH", "FAIL_IDENTITY")]
)
def test_a_document_that_covers_too_little_still_fails_a_lot(outcome_of: tuple[str, int | str, str]) -> None:
    name, value, expected = outcome_of
    one = document(*(c for c in ACCEPTANCE.criteria if c.metric == name))
    assert decide("L1", GOOD | {MetricName(name): Metric(value=value)}, one, 5, 0.95).outcome == expected


def test_a_broken_identity_suppresses_the_stability_verdict() -> None:
    verdict = decide("L1", GOOD | {"identity.germline": Metric(value=0.0)}, ACCEPTANCE, 5, 0.95)
    assert verdict.suppressed and verdict.reasons == ("Q02",)
    assert "withheld" in verdict.claim and "No acquired" not in verdict.claim


UNTESTED: Metrics = {**GOOD, MetricName.IDENTITY_GERMLINE: Metric(value=None)}


def test_a_lot_whose_identity_nothing_tested_does_not_pass() -> None:
    verdict = decide("L1", UNTESTED, ACCEPTANCE, 5, 0.95)
    assert (verdict.outcome, verdict.reasons, verdict.suppressed) == ("INDETERMINATE", ("Q02", "Q02b"), False)
    assert "by SNPs (Q02b)" in verdict.headline
    changed = decide("L1", UNTESTED | {MetricName.CN_ACQUIRED_LONG: Metric(value=1)}, ACCEPTANCE, 5, 0.95)
    assert changed.outcome == "FAIL", "what was found stands"
    for name, value in (("identity.snp_match", "MATCH"), ("identity.germline", 1.0)):
        assert decide("L1", UNTESTED | {MetricName(name): Metric(value=value)}, ACCEPTANCE, 5, 0.95).outcome == "PASS"


def test_a_site_that_tests_identity_elsewhere_says_so_beside_the_verdict() -> None:
    how = "STR profile, SOP-12"
    verdict = decide("L1", UNTESTED, ACCEPTANCE, 5, 0.95, tested_elsewhere=how)
    assert verdict.outcome == "PASS" and f"Identity is tested elsewhere, not here: {how}." in verdict.headline
    both = decide("L1", GOOD, ACCEPTANCE, 5, 0.95, tested_elsewhere=how)
    assert both.outcome == "PASS" and f"tested elsewhere as well: {how}." in both.headline
    assert how not in decide("L1", GOOD, ACCEPTANCE, 5, 0.95).headline
    stranger = GOOD | {MetricName.IDENTITY_SNP_MATCH: Metric(value="MISMATCH")}
    assert decide("L1", stranger, ACCEPTANCE, 5, 0.95, tested_elsewhere=how).outcome == "FAIL_IDENTITY"


def test_a_test_of_identity_elsewhere_names_its_document() -> None:
    assert Identity(tested_elsewhere=" ").tested_elsewhere == "", "a space is no test"
    assert Identity(tested_elsewhere="STR profile, SOP-12 ").tested_elsewhere == "STR profile, SOP-12"
    for text in ("STR鑑定書 第12号", "Протокол 7/2026", "STR-Profil, Prüfbericht QK/17", "短串联重复，文件３"):
        assert Identity(tested_elsewhere=text).tested_elsewhere == text, "in any script"
    for text in ("no", "-", "?", "not tested", "TBD", "12"):
        with pytest.raises(ValidationError, match="number of its document"):
            Identity(tested_elsewhere=text)


@pytest.mark.parametrize("elsewhere", ["", "STR profile, SOP-12"])
def test_snps_that_were_asked_for_and_cannot_be_had_leave_the_lot_undecided(elsewhere: str) -> None:
    few = GOOD | {MetricName.IDENTITY_SNP_MATCH: Metric(value=None, reason="3 sites", asked=True)}
    for lot in (GOOD, few):
        verdict = decide("L1", lot, ACCEPTANCE, 5, 0.95, snps_asked=True, tested_elsewhere=elsewhere)
        assert (verdict.outcome, verdict.reasons) == ("INDETERMINATE", ("Q02b",))
    met = GOOD | {MetricName.IDENTITY_SNP_MATCH: Metric(value="MATCH")}
    assert decide("L1", met, ACCEPTANCE, 5, 0.95, snps_asked=True).outcome == "PASS"


def test_the_headline_of_a_pass_names_what_was_not_assessed() -> None:
    headline = decide("L1", GOOD, ACCEPTANCE, 5, 0.95).headline
    assert headline.endswith(
        "Not assessed: karyotype, mycoplasma, viability, alleles, contamination, driver mutations."
    )
    given = {"imported.karyotype_normal": True, "imported.viability": 95.0, "baf.cnloh": 0, "variants.drivers": 0}
    given["identity.contamination"] = 0.001
    some = GOOD | {MetricName(name): Metric(value=value) for name, value in given.items()}
    assert decide("L1", some, ACCEPTANCE, 5, 0.95).headline.endswith("Not assessed: mycoplasma.")
    every = some | {MetricName.IMPORTED_MYCOPLASMA_NEGATIVE: Metric(value=True)}
    assert "Not assessed" not in decide("L1", every, ACCEPTANCE, 5, 0.95).headline
    silent = document(*(c for c in ACCEPTANCE.criteria if c.id != "P05"))
    assert decide("L1", some, silent, 5, 0.95).headline.endswith("Not assessed: mycoplasma."), (
        "no criterion asks for it"
    )


def test_the_claim_names_the_arms_it_does_not_cover() -> None:
    lot = GOOD | {MetricName.DNA_BLIND_ARMS: Metric(value=2, detail="8p, 8q")}
    assert (
        "was detected, except on 8p, 8q, which could not be assessed." in decide("L1", lot, ACCEPTANCE, 5, 0.95).claim
    )
    other = lot | {MetricName.IDENTITY_SNP_MATCH: Metric(value="MISMATCH")}
    withheld = decide("L1", other, ACCEPTANCE, 5, 0.95).claim
    assert "except on 8p, 8q" in withheld and "withheld" in withheld
    assert "except" not in decide("L1", GOOD, ACCEPTANCE, 5, 0.95).claim


def test_a_title_within_a_sentence_keeps_its_capitals() -> None:
    found = GOOD | {"identity.germline": Metric(value=0.0), "identity.rna_match": Metric(value="MISMATCH")}
    headline = decide("L1", found, ACCEPTANCE, 5, 0.95).headline
    assert "Not met: donor's germline" in headline and "RNA of the lot" in headline


def test_no_limit_no_claim() -> None:
    verdict = decide("L1", GOOD | {"cn.lod_gain": Metric(value=None)}, ACCEPTANCE, 5, 0.95)
    assert verdict.claim.startswith("No limit of detection")


def test_without_any_metric_nothing_passes() -> None:
    verdict = decide("L1", {}, ACCEPTANCE, 5, 0.95)
    assert verdict.outcome == "INDETERMINATE"
    assert {result.outcome for result in verdict.criteria} == {"NOT_ASSESSED"}


def test_every_criterion_is_shown_in_order_with_its_words() -> None:
    verdict = decide("L1", GOOD, ACCEPTANCE, 5, 0.95)
    assert [result.id for result in verdict.criteria] == [criterion.id for criterion in ACCEPTANCE.criteria]
    by_id = {result.id: result for result in verdict.criteria}
    assert (
        by_id["Q06"].limit == "at most 0.2" and by_id["Q04a"].limit == "yes" and by_id["C06"].outcome == "NOT_ASSESSED"
    )


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), st.none() | st.floats(0, 20) | st.booleans(), max_size=6))
def test_losing_a_metric_never_makes_a_failing_lot_pass(changes: dict[str, float | bool | None]) -> None:
    metrics = GOOD | {name: Metric(value=value) for name, value in changes.items()}
    verdict = decide("L1", metrics, ACCEPTANCE, 5, 0.95)
    if verdict.outcome == "PASS":
        assert all(r.outcome in ("PASS", "INFO") or not r.required for r in verdict.criteria)
        assert not any(r.outcome in ("FAIL", "FAIL_IDENTITY", "REVIEW", "INDETERMINATE") for r in verdict.criteria)


@given(st.integers(0, 5), st.integers(0, 5))
def test_more_findings_never_make_the_verdict_milder(few: int, more: int) -> None:
    low, high = sorted((few, more))
    assert GRAVITY.index(outcome(cn__acquired_long=low)) <= GRAVITY.index(outcome(cn__acquired_long=high))


@pytest.mark.parametrize("name", ["rna__sex_as_declared", "rna__donor_sex_as_declared"])
def test_rna_of_another_sex_keeps_a_lot_from_passing_but_never_hides_what_dna_shows(name: str) -> None:
    assert outcome(**{name: True}) == outcome(**{name: None}) == "PASS"
    assert outcome(**{name: False}) == "INDETERMINATE"
    assert outcome(**{name: False, "rna__mature_down": 0}) == "INDETERMINATE", "its expression is not reviewed either"
    metrics = GOOD | {name.replace("__", "."): Metric(value=False), "cn.acquired_long": Metric(value=1)}
    verdict = decide("L1", metrics, ACCEPTANCE, 5, 0.95)
    assert (verdict.outcome, verdict.reasons, verdict.suppressed) == ("FAIL", ("C02",), False)


def test_no_rna_alone_fails_a_lot() -> None:
    """So what was measured on RNA of the other sex cannot fail it."""
    of_rna = [c for c in ACCEPTANCE.criteria if c.metric.startswith("rna.")]
    assert of_rna and not any(limit.on_breach in ("FAIL", "FAIL_IDENTITY") for c in of_rna for limit in c.limits)


def test_an_informational_breach_is_shown_but_never_counts() -> None:
    criterion = next(c for c in ACCEPTANCE.criteria if c.id == "R06")
    assert judge(criterion, Metric(value=0)).outcome == "INFO"
    assert judge(criterion, Metric(value=None, asked=True)).outcome == "NOT_ASSESSED"


@pytest.mark.parametrize(
    "name", ["rna.mature_down", "rna.identity_detected", "rna.panel_maturity", "identity.snp_match"]
)
def test_what_was_asked_for_and_could_not_be_had_leaves_a_lot_undecided(name: str) -> None:
    unknown = GOOD | {name: Metric(value=None, reason="no TPM", asked=True)}
    verdict = decide("L1", unknown, ACCEPTANCE, 5, 0.95)
    assert verdict.outcome == "INDETERMINATE" and len(verdict.reasons) == 1


def test_a_panel_that_is_set_and_a_lot_without_rna_cannot_be_decided() -> None:
    bare = {name: metric for name, metric in GOOD.items() if not name.startswith("rna.")}
    assert decide("L1", bare, ACCEPTANCE, 5, 0.95).outcome == "PASS"
    verdict = decide("L1", bare, ACCEPTANCE, 5, 0.95, panel_asked=True)
    assert (verdict.outcome, verdict.reasons) == ("INDETERMINATE", ("R08a", "R08b", "R08c"))
    assert "expression.panel" in next(r for r in verdict.criteria if r.id == "R08a").explanation


def test_an_undecided_lot_names_what_is_for_review_all_the_same() -> None:
    changed = {"cn.lod": Metric(value=0.3), "cn.acquired_short": Metric(value=2), "process.passage": Metric(value=14)}
    verdict = decide("L1", GOOD | changed, ACCEPTANCE, 5, 0.95)
    assert verdict.outcome == "INDETERMINATE" and verdict.reasons == ("Q06",)
    review = "For manual review in any case: acquired change below the claimed size (C04), passage within"
    assert review in verdict.headline
    withheld = decide("L1", GOOD | changed | {"identity.lot_sex": Metric(value=False)}, ACCEPTANCE, 5, 0.95)
    assert withheld.suppressed and "(C04)" not in withheld.headline and "(P01)" in withheld.headline
    gaps = ACCEPTANCE.model_copy(update={"criteria": tuple(c for c in ACCEPTANCE.criteria if c.id != "C02")})
    unjudged = decide("L1", GOOD | {"process.passage": Metric(value=14)}, gaps, 5, 0.95)
    assert unjudged.headline.startswith("Not evaluated") and "(P01)" in unjudged.headline
    assert "For review" not in decide("L1", GOOD | {"cn.lod": Metric(value=0.3)}, ACCEPTANCE, 5, 0.95).headline


def test_a_criterion_without_source_or_limit_is_refused() -> None:
    good = ACCEPTANCE.criteria[0].model_dump()
    for broken in ({"source": ""}, {"reason": ""}, {"limits": ()}, {"id": "first"}, {"kind": "vibes"}, {"extra": 1}):
        with pytest.raises(ValidationError):
            Criterion.model_validate(good | broken)


def test_the_first_limit_broken_decides() -> None:
    criterion = ACCEPTANCE.criteria[0].model_copy(
        update={
            "limits": (
                Limit(op=">", value=0.3, on_breach="FAIL_IDENTITY"),
                Limit(op=">=", value=0.8, on_breach="INDETERMINATE"),
            )
        }
    )
    assert [judge(criterion, Metric(value=v)).outcome for v in (0.1, 0.5, 0.9)] == [
        "FAIL_IDENTITY",
        "INDETERMINATE",
        "PASS",
    ]


def test_process_metrics_do_not_invent() -> None:
    found = process_metrics({"passage": 8, "pdl": None}, 0)
    assert found["process.passage"].value == 8
    assert found["process.pdl"].value is None and found["reads.verified"].value is None


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        ("rna.mature_down", "no RNA"),
        ("identity.snp_match", "identity.sites"),
        ("baf.cnloh", "identity.sites"),
        ("variants.acquired", "small_variants.genes"),
        ("identity.germline", "no step of this run"),
    ],
)
def test_what_was_not_measured_says_what_would_be_needed(metric: str, words: str) -> None:
    by_metric = {result.metric: result for result in decide("L1", {}, ACCEPTANCE, 5, 0.95).criteria}
    assert by_metric[metric].outcome == "NOT_ASSESSED" and words in by_metric[metric].explanation


def test_whole_arms_have_a_claim_of_their_own() -> None:
    metrics = GOOD | {
        MetricName.CN_ARM_LOD: Metric(value=0.082, detail="from 3.1% (2q) to 8.2% (21q) of diploid cells")
    }
    said = decide("L1", metrics, ACCEPTANCE, 5, 0.95).claim_arms
    assert said.startswith(
        "No acquired change of a whole chromosome or arm was detected. A change in at least 8.2% of diploid or 16%"
    )
    assert said.endswith("with 95% probability; by arm from 3.1% (2q) to 8.2% (21q) of diploid cells.")
    changed = metrics | {MetricName.CN_ARM_CHANGE: Metric(value=0.3)}
    assert "was detected" not in decide("L1", changed, ACCEPTANCE, 5, 0.95).claim_arms
    unknown = metrics | {MetricName.CN_ARM_LOD: Metric(value=None, reason="no arm can be assessed")}
    assert decide("L1", unknown, ACCEPTANCE, 5, 0.95).claim_arms == ""
    withheld = metrics | {MetricName.DNA_USABLE_BINS: Metric(value=0.3)}
    assert decide("L1", withheld, ACCEPTANCE, 5, 0.95).claim_arms == ""


def test_the_next_actions_name_what_to_confirm_once_each_and_the_deciding_ones_first() -> None:
    calls = Metric(value=2, about=("Trisomy 8", "Gain of 20q11.21 with BCL2L1"))
    lot = GOOD | {
        MetricName.CN_ACQUIRED_LONG: calls,
        MetricName.CN_WHOLE_CHROMOSOME: Metric(value=1, about=("Trisomy 8",)),
        MetricName.CN_LOD: Metric(value=0.3, about=("2.4 times the reads of lot and donor",)),
        MetricName.PROCESS_PASSAGE: Metric(value=12.0),
    }
    actions = decide("L1", lot, ACCEPTANCE, 5, 0.95).actions
    assert [action.criteria for action in actions] == [("C02", "C05"), ("Q06",), ("P01",)]
    assert actions[0].text.startswith("Confirm trisomy 8 and gain of 20q11.21 with BCL2L1 by FISH or digital PCR")
    assert actions[1].text == "Sequence 2.4 times the reads of lot and donor."
    assert len({action.text for action in actions}) == len(actions)

    blind = Metric(value=8, about=("Xp", "Yq", "1p", "2p", "3p", "4p", "5p", "6p"))
    (found,) = decide("L1", GOOD | {MetricName.DNA_BLIND_ARMS: blind}, ACCEPTANCE, 5, 0.95).actions
    assert "data on Xp, Yq, 1p, 2p, 3p, 4p and 2 more: sequence" in found.text
    mutated = {MetricName.VARIANTS_TP53_HOTSPOT: Metric(value=1, about=("TP53 p.R175H",))}
    (found,) = decide("L1", GOOD | mutated, ACCEPTANCE, 5, 0.95).actions
    assert found.text.startswith("Confirm TP53 p.R175H "), "the name of a gene keeps its letters"
    nothing = {MetricName.CN_ACQUIRED_LONG: Metric(value=None, reason="too few bins")}
    assert decide("L1", GOOD | nothing, ACCEPTANCE, 5, 0.95).actions == (), "there is no change to confirm"

    swapped = lot | {MetricName.IDENTITY_SNP_MATCH: Metric(value="MISMATCH")}
    (first, *rest) = decide("L1", swapped, ACCEPTANCE, 5, 0.95).actions
    assert first.text.startswith("Do not use the lot under this identity")
    assert not any("Confirm" in action.text or "Sequence 2.4" in action.text for action in rest), (
        "another person's changes"
    )


def test_the_next_actions_of_a_pass_are_the_missing_tests_and_the_sign_off() -> None:
    first, last = decide("L1", GOOD | imported_metrics([]), ACCEPTANCE, 5, 0.95).actions
    assert first.text.endswith(": karyotype or DNA content, flow cytometry, mycoplasma test and viability.")
    assert (last.text, last.criteria) == ("Have the report reviewed, and sign the release decision.", ())
    on_file = GOOD | imported_metrics([imported("viability", "96", met=True), imported("flow", "0.4", met=None)])
    verdict = decide("L1", on_file, ACCEPTANCE, 5, 0.95)
    assert (verdict.outcome, verdict.actions[1]) == ("PASS", last)
    assert verdict.actions[0].text.endswith("results: karyotype or DNA content and mycoplasma test."), (
        "flow has no limit"
    )
    on_file |= {name: metric.model_copy(update={"about": ()}) for name, metric in on_file.items()}
    assert decide("L1", on_file, ACCEPTANCE, 5, 0.95).actions == (last,)


def test_every_criterion_that_can_stop_a_lot_has_an_action() -> None:
    without = [
        criterion.id
        for criterion in ACCEPTANCE.criteria
        if not criterion.action and any(limit.on_breach != "INFO" for limit in criterion.limits)
    ]
    assert without == []
    assert "{about}" in next(c.action for c in ACCEPTANCE.criteria if c.id == "C02")
    bare = Acceptance(
        name="own", version="1", criteria=tuple(c.model_copy(update={"action": ""}) for c in ACCEPTANCE.criteria)
    )
    assert decide("L1", {}, bare, 5, 0.95).actions == (), "an action is the site's to state"
    assert decide("L1", GOOD, bare, 5, 0.95).actions == ()
