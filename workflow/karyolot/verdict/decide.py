"""The verdict on a lot: a pure function of its metrics and the acceptance criteria."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from karyolot.contracts.cells import cells, detectable, detectable_both, rests_on_track
from karyolot.contracts.criteria import (
    Acceptance,
    Action,
    Criterion,
    CriterionResult,
    LotOutcome,
    Metric,
    Metrics,
    Outcome,
    Verdict,
    Weakened,
)
from karyolot.contracts.metrics import ABSENT, BOUNDED_INDELS, LOD_OF, PANEL_MODULES, MetricName
from karyolot.contracts.minimum import uncovered
from karyolot.contracts.weakened import document_differences, words_of

NOT_ALLELES = (
    "SNPs are configured (identity.sites, or allele counts), but alleles cannot be counted in both lot and donor: provide a"
    " genome and reads, or allele counts, of both"
)
NOT_PANEL = (
    "a reference panel is configured (expression.panel), but RNA of the lot or of its donor's hepatocytes is missing: provide"
    " both, or remove the panel from the settings"
)
IMPORTED = tuple(name for name in MetricName if name.stage == "imported")
MOST_NAMED = 6
"""Names in one action."""
SAME_PERSON = (MetricName.IDENTITY_SNP_MATCH, MetricName.IDENTITY_GERMLINE)
"""Metrics that distinguish the donor from another person of the same sex."""
NAMED = {
    "karyotype": MetricName.IMPORTED_KARYOTYPE_NORMAL,
    "mycoplasma": MetricName.IMPORTED_MYCOPLASMA_NEGATIVE,
    "viability": MetricName.IMPORTED_VIABILITY,
    "alleles": MetricName.BAF_CNLOH,
    "contamination": MetricName.IDENTITY_CONTAMINATION,
    "driver mutations": MetricName.VARIANTS_DRIVERS,
}
"""What a PASS names when it was not assessed -> its metric."""


def decide(
    lot_id: str,
    metrics: Metrics,
    acceptance: Acceptance,
    claim_mb: float,
    power: float,
    snps_asked: bool = False,
    tested_elsewhere: str = "",
    panel_asked: bool = False,
    sets: float | None = None,
    weakened: Sequence[Weakened] = (),
    shipped: Acceptance | None = None,
) -> Verdict:
    """The verdict in order of gravity: wrong identity; invalid data; FAIL; undetermined; REVIEW; PASS.

    1. An identity mismatch makes the lot FAIL_IDENTITY; a validity criterion that is not met, or is required and was not
       measured, makes it INDETERMINATE. In both cases the stability criteria are suppressed: shown for information only.
    2. Otherwise any FAIL fails the lot. 3. Otherwise a required criterion that is INDETERMINATE or NOT_ASSESSED makes it
    INDETERMINATE. 4. Otherwise any REVIEW makes it REVIEW. 5. Otherwise PASS, bounded by the claim. Under a document that does
    not cover the minimum (contracts.minimum) a lot that would be PASS or REVIEW is INDETERMINATE, "not evaluated". At step 3 a
    lot whose identity no criterion on SAME_PERSON could assess is INDETERMINATE too, unless it was tested elsewhere.
    Criteria that are not required and not assessed, and informational ones, do not affect the verdict.

    Parameters
    ----------
    claim_mb, power
        Of the settings: size of change, Mb, and probability that the claim is made for.
    snps_asked, panel_asked
        Whether SNPs (a panel of them, or allele counts) and a reference panel were given: a lot without such metrics is then
        INDETERMINATE.
    tested_elsewhere
        How, and by which document, the site tests the identity of its lots; '' = it does not.
    sets
        Sets of chromosomes in the lot's cells by the DNA content on file; None = not measured.
    weakened
        Settings and criteria that are weaker than the shipped ones (contracts.weakened).
    shipped
        The acceptance document of this version, to list differences from; None = they are not listed.
    """
    metrics = _with_asked(metrics, snps_asked, panel_asked)
    results = [judge(criterion, _measured(criterion.metric, metrics)) for criterion in acceptance.criteria]
    outcome, reasons, gaps = _decided(results, acceptance, tested_elsewhere)
    suppressed = outcome == "FAIL_IDENTITY" or any(_breaks_validity(result) for result in results)
    said = _headline(outcome, reasons, acceptance, weakened), _beside(outcome, results, tested_elsewhere, suppressed)
    if gaps:
        said = _not_judged(gaps, acceptance), _to_review(results, suppressed)
    return Verdict(
        lot_id=lot_id,
        outcome=outcome,
        reasons=tuple(result.id for result in reasons),
        suppressed=suppressed,
        headline="".join(said),
        claim=_claim(suppressed, metrics, claim_mb, power, sets),
        claim_arms="" if suppressed else _claim_arms(metrics, power, sets),
        claim_variants="" if suppressed else _claim_variants(metrics, sets),
        weakened=tuple(weakened),
        actions=tuple(_actions(outcome, results, metrics, acceptance)),
        **_document(acceptance, shipped),
        criteria=tuple(results),
    )


def _decided(
    results: list[CriterionResult], acceptance: Acceptance, tested_elsewhere: str
) -> tuple[LotOutcome, list[CriterionResult], list[str]]:
    """The outcome, the criteria that decided, and what the document would have to cover for a PASS or REVIEW."""
    outcome, reasons = _outcome(results, known=bool(tested_elsewhere) or _identified(results))
    gaps = uncovered(acceptance) if outcome in ("PASS", "REVIEW") else []
    return ("INDETERMINATE", [], gaps) if gaps else (outcome, reasons, gaps)


def _document(acceptance: Acceptance, shipped: Acceptance | None) -> dict[str, Any]:
    """Facts of the acceptance document of a verdict."""
    return {
        "acceptance_name": acceptance.name,
        "acceptance_version": acceptance.version,
        "acceptance_number": acceptance.number,
        "acceptance_approver": acceptance.approver,
        "acceptance_effective": acceptance.effective,
        "second_person": acceptance.second_person,
        "differences": None if shipped is None else tuple(document_differences(acceptance, shipped)),
    }


def _with_asked(metrics: Metrics, snps_asked: bool, panel_asked: bool) -> Metrics:
    """The metrics, with those that the settings request and no input provides, marked as requested."""
    asked = [(snps_asked, [MetricName.IDENTITY_SNP_MATCH], NOT_ALLELES)]
    asked.append((panel_asked, list(PANEL_MODULES.values()), NOT_PANEL))
    for given, names, reason in asked:
        if given and not metrics.keys() & set(names):
            metrics = metrics | dict.fromkeys(names, Metric(value=None, reason=reason, asked=True))
    return metrics


def _measured(name: MetricName, metrics: Metrics) -> Metric:
    return metrics.get(name) or Metric(value=None, reason=ABSENT[name.stage])


def judge(criterion: Criterion, metric: Metric) -> CriterionResult:
    """Compare one metric with one criterion; a missing, non-finite or wrongly typed value is NOT_ASSESSED, never PASS.

    A metric requested by the settings that could not be measured is INDETERMINATE, unless the criterion is informational.
    """
    outcome: Outcome = "PASS"
    explanation = metric.detail or "within limit"
    limit = criterion.limits[-1]
    if metric.value is None or not _comparable(metric.value, criterion):
        informs = all(limit.on_breach == "INFO" for limit in criterion.limits)
        outcome = "INDETERMINATE" if metric.asked and not informs else "NOT_ASSESSED"
        explanation = metric.reason or "not measured"
    else:
        broken = criterion.broken(metric.value)
        if broken is not None:
            outcome, limit = broken.on_breach, broken
    return CriterionResult(
        id=criterion.id,
        title=criterion.title,
        metric=criterion.metric.value,
        unit=criterion.unit,
        kind=criterion.kind,
        required=criterion.required,
        limit=words_of(limit),
        value=metric.value,
        outcome=outcome,
        explanation=explanation,
        source=criterion.source,
        reason=criterion.reason,
    )


def _comparable(value: object, criterion: Criterion) -> bool:
    """Whether the value can be compared with every limit: of the limits' type, and finite."""
    if value is None:
        return False
    wanted = {type(limit.value) for limit in criterion.limits}
    if isinstance(value, bool | str):
        return wanted == {type(value)}
    return wanted <= {float, int} and abs(float(value)) < float("inf")  # type: ignore[arg-type]


def _breaks_validity(result: CriterionResult) -> bool:
    broken = result.outcome in ("FAIL", "INDETERMINATE", "FAIL_IDENTITY")
    return result.kind == "validity" and (broken or (result.required and result.outcome == "NOT_ASSESSED"))


def _identified(results: list[CriterionResult]) -> bool:
    """Whether a criterion compared the person of the lot with its donor."""
    return any(result.metric in SAME_PERSON and result.outcome != "NOT_ASSESSED" for result in results)


def _undecided(result: CriterionResult, known: bool) -> bool:
    open_ = result.required or (not known and result.metric in SAME_PERSON)
    return result.outcome == "INDETERMINATE" or (open_ and result.outcome == "NOT_ASSESSED")


def _outcome(results: list[CriterionResult], known: bool) -> tuple[LotOutcome, list[CriterionResult]]:
    """known: the identity of the lot was tested, here or elsewhere."""
    steps: list[tuple[LotOutcome, Callable[[CriterionResult], bool]]] = [
        ("FAIL_IDENTITY", lambda r: r.outcome == "FAIL_IDENTITY"),
        ("INDETERMINATE", _breaks_validity),
        ("FAIL", lambda r: r.outcome == "FAIL"),
        ("INDETERMINATE", lambda r: _undecided(r, known)),
        ("REVIEW", lambda r: r.outcome == "REVIEW"),
    ]
    for outcome, applies in steps:
        reasons = [result for result in results if applies(result)]
        if reasons:
            return outcome, reasons
    return "PASS", []


def _headline(
    outcome: LotOutcome, reasons: list[CriterionResult], acceptance: Acceptance, weakened: Sequence[Weakened]
) -> str:
    criteria = f"acceptance criteria “{acceptance.name}” {acceptance.version}"
    if weakened and outcome in ("PASS", "REVIEW"):
        criteria += f", weakened in {', '.join(one.name.split(' ')[0] for one in weakened)}"
    why = _named(reasons)
    return {
        "PASS": f"The lot meets the {criteria}.",
        "REVIEW": f"No criterion fails the lot, but manual review is required: {why}.",
        "FAIL": f"The lot does not meet the {criteria}: {why}.",
        "FAIL_IDENTITY": f"This sample does not come from its declared donor. Not met: {why}.",
        "INDETERMINATE": f"No verdict is possible. Open: {why}.",
    }[outcome]


def _named(results: list[CriterionResult]) -> str:
    return ", ".join(f"{_within(result.title)} ({result.id})" for result in results)


def _to_review(results: list[CriterionResult], suppressed: bool) -> str:
    """Findings for manual review of a lot without a verdict; without those of suppressed criteria."""
    found = [r for r in results if r.outcome == "REVIEW" and not (suppressed and r.kind == "stability")]
    return f" For manual review in any case: {_named(found)}." if found else ""


def _beside(outcome: LotOutcome, results: list[CriterionResult], tested_elsewhere: str, suppressed: bool) -> str:
    """The sentences after the headline: who tested identity if it was not tested here, what a PASS does not cover, and the
    findings for review of a lot that is INDETERMINATE."""
    assessed = {result.metric for result in results if result.outcome != "NOT_ASSESSED"}
    missing = [noun for noun, metric in NAMED.items() if metric not in assessed]
    said = ""
    if tested_elsewhere and outcome in ("PASS", "REVIEW"):
        here = " as well" if _identified(results) else ", not here"
        said += f" Identity is tested elsewhere{here}: {tested_elsewhere.rstrip('.')}."
    if missing and outcome == "PASS":
        said += f" Not assessed: {', '.join(missing)}."
    if outcome == "INDETERMINATE":
        said += _to_review(results, suppressed)
    return said


def _not_judged(gaps: list[str], acceptance: Acceptance) -> str:
    named = f"“{acceptance.name}” {acceptance.version}"
    return (
        f"Not evaluated: the acceptance criteria {named} do not cover {', '.join(gaps)}, without which no lot can pass."
    )


def _within(title: str) -> str:
    """A title or name within a sentence; RNA stays RNA."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]


def _claim(suppressed: bool, metrics: Metrics, claim_mb: float, power: float, sets: float | None) -> str:
    """The sentence that bounds the verdict by this lot's own limit of detection."""
    gain, loss = (_measured(LOD_OF[name], metrics).value for name in ("gain", "loss"))
    if not isinstance(gain, float) or not isinstance(loss, float):
        return f"No limit of detection could be set for changes of {claim_mb:g} Mb, so no statement is made about stability."
    size, cells = f"of {claim_mb:g} Mb or larger", f"in at least {detectable_both(gain, loss, sets)}"
    moved = _measured(MetricName.DNA_RT_MOVED, metrics).value
    rests = rests_on_track(moved if isinstance(moved, float) else None, max(gain, loss), claim_mb, sets)
    arms = _measured(MetricName.DNA_BLIND_ARMS, metrics)
    blind = f", except on {arms.detail}, which could not be assessed" if arms.value else ""
    if suppressed:
        return (
            f"A change {size} {cells} could have been detected with {power:.0%} probability{blind}, but the verdict on stability"
            " is withheld."
        )
    if _measured(MetricName.CN_ACQUIRED_LONG, metrics).value == 0:
        detected = f"A change {cells} would have been detected with {power:.0%} probability."
        return f"No acquired change {size} was detected{blind}. {detected}{rests}"
    return f"Limit of detection: changes {size} {cells}, with {power:.0%} probability{blind}.{rests}"


def _claim_arms(metrics: Metrics, power: float, sets: float | None) -> str:
    """The sentence that bounds the verdict for whole arms and chromosomes; '' without a limit of detection on any."""
    limit, found = (_measured(name, metrics) for name in (MetricName.CN_ARM_LOD, MetricName.CN_ARM_CHANGE))
    if not isinstance(limit.value, float):
        return ""
    bound = f"with {power:.0%} probability; by arm {limit.detail}"
    if found.value == 0:
        return (
            "No acquired change of a whole chromosome or arm was detected. A change in at least"
            f" {detectable(limit.value, sets)} would have been detected {bound}."
        )
    return f"Changes of a whole chromosome or arm in at least {detectable(limit.value, sets)} are detected {bound}."


def _claim_variants(metrics: Metrics, sets: float | None) -> str:
    """The sentence that bounds the verdict for mutations of driver genes; '' where the panel could not be assessed."""
    limit = _measured(MetricName.VARIANTS_LIMIT, metrics)
    found = [_measured(name, metrics).value for name in (MetricName.VARIANTS_TP53_HOTSPOT, MetricName.VARIANTS_DRIVERS)]
    if not isinstance(limit.value, float):
        return ""
    indel = _measured(MetricName.VARIANTS_INDEL_LIMIT, metrics)
    of_indels = (
        f"indels of {BOUNDED_INDELS} in at least {cells(indel.value, sets)}"
        if isinstance(indel.value, float)
        else "indels are not bounded"
    )
    bound = f"substitutions in at least {cells(limit.value, sets)}, {of_indels} ({limit.detail})"
    if found == [0, 0]:
        return f"No acquired mutation of the driver panel was detected. Detection limits: {bound}."
    return f"Detection limits of heterozygous mutations of the driver panel: {bound}."


def _actions(
    outcome: LotOutcome, results: list[CriterionResult], metrics: Metrics, acceptance: Acceptance
) -> list[Action]:
    """What the reader does next, those of the criteria that decided first; criteria with one action in one entry.

    The action of a criterion is listed if the criterion is not met, or was not assessed and leaves the lot without a verdict.
    Without identity or valid data the actions of the stability criteria are left out, as is an action about something that has
    no name. Of a lot that passes they are those of the document.
    """
    if outcome == "PASS":
        missing = [name for metric in IMPORTED if metric in metrics for name in metrics[metric].about]
        return list(_named_actions((action, missing, ()) for action in acceptance.on_pass))
    rank: dict[Outcome, int] = {"FAIL_IDENTITY": 0, "INDETERMINATE": 1, "NOT_ASSESSED": 1, "FAIL": 2, "REVIEW": 3}
    if outcome == "FAIL":
        rank |= {"FAIL": 0}
    by_id = {criterion.id: criterion for criterion in acceptance.criteria}
    withheld = outcome == "FAIL_IDENTITY" or any(_breaks_validity(result) for result in results)
    asking = [
        result
        for result in sorted(results, key=lambda result: rank.get(result.outcome, 9))
        if by_id[result.id].action
        and result.outcome in rank
        and (result.outcome != "NOT_ASSESSED" or result.required)
        and not (withheld and result.kind == "stability")
    ]
    found: dict[str, tuple[list[str], list[str]]] = {}
    for result in asking:
        about, ids = found.setdefault(by_id[result.id].action, ([], []))
        about += [name for name in _measured(by_id[result.id].metric, metrics).about if name not in about]
        ids.append(result.id)
    return list(_named_actions((action, *held) for action, held in found.items()))


def _named_actions(actions: Iterable[tuple[str, Sequence[str], Sequence[str]]]) -> Iterator[Action]:
    """actions: each with what it is about and the criteria that call for it."""
    for action, about, ids in actions:
        if about or "{about}" not in action:
            yield Action(text=action.replace("{about}", _listed(about)), criteria=tuple(ids))


def _listed(names: Sequence[str]) -> str:
    """'trisomy 8 and gain of 20q11.21'; what is beyond MOST_NAMED is counted. Xp and TP53 p.R175H stay as they are."""
    words = [_within(name) if " " in name else name for name in names[:MOST_NAMED]]
    words += [f"{len(names) - MOST_NAMED} more"] * (len(names) > MOST_NAMED)
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
