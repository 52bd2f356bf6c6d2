"""The verdict on a lot: a pure function of its metrics and the acceptance criteria."""

from collections.abc import Callable

from karyolot.contracts.criteria import (
    Acceptance,
    Criterion,
    CriterionResult,
    Limit,
    LotOutcome,
    Metric,
    Metrics,
    Outcome,
    Verdict,
)
from karyolot.contracts.metrics import ABSENT, LOD_OF, MetricName
from karyolot.contracts.minimum import uncovered

WORDS = {"<=": "at most", "<": "below", ">=": "at least", ">": "above", "==": ""}


def decide(lot_id: str, metrics: Metrics, acceptance: Acceptance, claim_mb: float, power: float) -> Verdict:
    """The verdict by the order of gravity: wrong identity; validity broken; FAIL; undecidable; REVIEW; PASS.

    1. An identity mismatch makes the lot FAIL_IDENTITY; a broken or unmeasured required validity criterion makes it
       INDETERMINATE. In both cases the stability criteria are suppressed: shown, but not allowed to speak.
    2. Else any FAIL fails the lot. 3. Else a required criterion that is INDETERMINATE or NOT_ASSESSED makes it
    INDETERMINATE. 4. Else any REVIEW makes it REVIEW. 5. Else PASS, bounded by the claim. A document that does not cover the
    minimum (contracts.minimum) lets no lot come out as PASS or REVIEW: it is INDETERMINATE, not judged.
    Criteria that are not required and not assessed, and informational ones, never move the verdict.
    """
    results = [judge(criterion, _measured(criterion.metric, metrics)) for criterion in acceptance.criteria]
    outcome, reasons = _outcome(results)
    gaps = uncovered(acceptance) if outcome in ("PASS", "REVIEW") else []
    if gaps:
        outcome, reasons = "INDETERMINATE", []
    suppressed = outcome == "FAIL_IDENTITY" or any(_breaks_validity(result) for result in results)
    return Verdict(
        lot_id=lot_id,
        outcome=outcome,
        reasons=tuple(result.id for result in reasons),
        suppressed=suppressed,
        headline=_not_judged(gaps, acceptance) if gaps else _headline(outcome, reasons, acceptance),
        claim=_claim(suppressed, metrics, claim_mb, power),
        acceptance_name=acceptance.name,
        acceptance_version=acceptance.version,
        criteria=tuple(results),
    )


def _measured(name: MetricName, metrics: Metrics) -> Metric:
    return metrics.get(name) or Metric(value=None, reason=ABSENT[name.stage])


def judge(criterion: Criterion, metric: Metric) -> CriterionResult:
    """Hold one metric against one criterion; a missing, non-finite or wrongly typed value is NOT_ASSESSED, never PASS.

    One that the settings asked for and that could not be had is INDETERMINATE.
    """
    outcome: Outcome = "PASS"
    explanation = metric.detail or "the limit is kept"
    limit = criterion.limits[-1]
    if metric.value is None or not _comparable(metric.value, criterion):
        outcome = "INDETERMINATE" if metric.asked else "NOT_ASSESSED"
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
        limit=_words(limit),
        value=metric.value,
        outcome=outcome,
        explanation=explanation,
        source=criterion.source,
        reason=criterion.reason,
    )


def _comparable(value: object, criterion: Criterion) -> bool:
    """Whether the value can be held against every limit: of the limits' type, and finite."""
    if value is None:
        return False
    wanted = {type(limit.value) for limit in criterion.limits}
    if isinstance(value, bool | str):
        return wanted == {type(value)}
    return wanted <= {float, int} and abs(float(value)) < float("inf")  # type: ignore[arg-type]


def _breaks_validity(result: CriterionResult) -> bool:
    broken = result.outcome in ("FAIL", "INDETERMINATE", "FAIL_IDENTITY")
    return result.kind == "validity" and (broken or (result.required and result.outcome == "NOT_ASSESSED"))


def _outcome(results: list[CriterionResult]) -> tuple[LotOutcome, list[CriterionResult]]:
    steps: list[tuple[LotOutcome, Callable[[CriterionResult], bool]]] = [
        ("FAIL_IDENTITY", lambda r: r.outcome == "FAIL_IDENTITY"),
        ("INDETERMINATE", _breaks_validity),
        ("FAIL", lambda r: r.outcome == "FAIL"),
        ("INDETERMINATE", lambda r: r.outcome == "INDETERMINATE" or (r.required and r.outcome == "NOT_ASSESSED")),
        ("REVIEW", lambda r: r.outcome == "REVIEW"),
    ]
    for outcome, speaks in steps:
        reasons = [result for result in results if speaks(result)]
        if reasons:
            return outcome, reasons
    return "PASS", []


def _words(limit: Limit) -> str:
    if isinstance(limit.value, bool):
        return "yes" if limit.value else "no"
    value = limit.value if isinstance(limit.value, str) else f"{limit.value:g}"
    return f"{WORDS[limit.op]} {value}".strip()


def _headline(outcome: LotOutcome, reasons: list[CriterionResult], acceptance: Acceptance) -> str:
    criteria = f"criteria {acceptance.name} {acceptance.version}"
    why = ", ".join(f"{_within(result.title)} ({result.id})" for result in reasons)
    return {
        "PASS": f"The lot meets the {criteria}.",
        "REVIEW": f"The lot meets no failing criterion, but a person must decide on: {why}.",
        "FAIL": f"The lot does not meet the {criteria}: {why}.",
        "FAIL_IDENTITY": f"The lot does not look like its donor. Not met: {why}.",
        "INDETERMINATE": f"These data cannot decide: {why}.",
    }[outcome]


def _not_judged(gaps: list[str], acceptance: Acceptance) -> str:
    named = f"{acceptance.name} {acceptance.version}"
    return f"Not judged: the criteria {named} do not cover {', '.join(gaps)}, without which no lot can pass."


def _within(title: str) -> str:
    """A title as it stands within a sentence; RNA stays RNA."""
    return title if title[:2].isupper() else title[0].lower() + title[1:]


def _claim(suppressed: bool, metrics: Metrics, claim_mb: float, power: float) -> str:
    """The sentence that bounds the verdict by this lot's own limit of detection."""
    gain, loss = (_measured(LOD_OF[name], metrics).value for name in ("gain", "loss"))
    if not isinstance(gain, float) or not isinstance(loss, float):
        return f"No limit of detection at {claim_mb:g} Mb could be established, so nothing is claimed."
    bound = f"of {claim_mb:g} Mb or more in at least {gain:.0%} (gain) or {loss:.0%} (loss) of cells"
    if suppressed:
        return f"Changes {bound} could have been seen with {power:.0%} power, but the verdict on stability is withheld."
    if _measured(MetricName.CN_ACQUIRED_LONG, metrics).value == 0:
        return f"No acquired change {bound} was found; one would have been called with {power:.0%} power."
    return f"Changes {bound} are called with {power:.0%} power; see the calls."
