"""What a site's settings and criteria ask less for than the shipped ones: allowed within their ranges, and printed on page 1."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal

from karyolot.contracts.criteria import Acceptance, Criterion, CriterionDifference, Limit, Weakened
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.settings import Config

Direction = Literal["lower", "higher", "other"]
WEAKER: dict[str, Direction] = {
    "counting.bin_bp": "higher",
    "counting.min_mapq": "other",
    "copy_number.analysis_bin_bp": "other",
    "copy_number.min_bin_bp": "higher",
    "copy_number.min_bin_count": "higher",
    "copy_number.max_gap": "lower",
    "copy_number.min_mappability": "higher",
    "copy_number.donor_outlier": "other",
    "copy_number.family_wise_error": "lower",
    "copy_number.power": "lower",
    "copy_number.min_log2": "higher",
    "copy_number.min_bins": "higher",
    "copy_number.claim_mb": "higher",
    "copy_number.high_copy_mb": "higher",
    "copy_number.spike_ins": "lower",
    "copy_number.max_arm_lod": "higher",
    "copy_number.published_gain": "higher",
    "copy_number.published_loss": "lower",
    "identity.min_mapq": "other",
    "identity.min_base_quality": "other",
    "identity.log10_ratio": "lower",
    "identity.min_depth": "other",
    "identity.event_mb": "higher",
    "identity.family_wise_error": "lower",
    "identity.power": "lower",
    "mitochondria.min_mapq": "other",
    "mitochondria.min_base_quality": "other",
    "mitochondria.family_wise_error": "lower",
    "mitochondria.power": "lower",
    "small_variants.min_mapq": "other",
    "small_variants.min_base_quality": "other",
    "small_variants.family_wise_error": "lower",
    "small_variants.power": "lower",
}
"""Setting -> in which direction it finds less, masks more or claims with less confidence; 'other' = any other value may."""
GRAVITY = {"FAIL_IDENTITY": 4, "FAIL": 3, "INDETERMINATE": 2, "REVIEW": 1}
"""Outcome of a criterion -> how much it holds a lot back; 0 for the others."""
FAR = 1e12
NEAR = 1e-9
"""Relative distance at which a limit is tried from both sides."""


def weakened_settings(settings: Config) -> list[Weakened]:
    """Settings that differ from the shipped default in the direction of WEAKER."""
    found = []
    for name, direction in WEAKER.items():
        section, _, field = name.partition(".")
        own, shipped = (getattr(getattr(config, section), field) for config in (settings, Config()))
        if own != shipped and (direction == "other" or (own > shipped) == (direction == "higher")):
            found.append(Weakened(name=name, own=json.dumps(own), shipped=json.dumps(shipped)))
    return found


def weakened_criteria(own: Acceptance, shipped: Acceptance) -> list[Weakened]:
    """Metrics for which some value, or a missing one, has a less grave outcome than by the shipped document."""
    found = []
    for metric in dict.fromkeys(criterion.metric for criterion in shipped.criteria):
        ours, theirs = (
            [criterion for criterion in document.criteria if criterion.metric == metric] for document in (own, shipped)
        )
        values = [*_probes(metric, [*ours, *theirs]), None]
        if any(_gravity(ours, value) < _gravity(theirs, value) for value in values):
            first = theirs[0]
            found.append(Weakened(name=f"{first.id} {first.title}", own=_said(ours), shipped=_said(theirs)))
    return found


def document_differences(own: Acceptance, shipped: Acceptance) -> Iterator[CriterionDifference]:
    """Every entry in which the document differs from the shipped one, in the order of the latter; then criteria of its own, and
    the order of those that both have."""
    heads = [document.model_dump(mode="json", exclude={"criteria"}) for document in (own, shipped)]
    rows = [{criterion.id: _entries(criterion) for criterion in document.criteria} for document in (own, shipped)]
    pairs: list[tuple[str, dict[str, Any] | None, dict[str, Any] | None]] = [
        ("", heads[0], heads[1]),
        *((name, rows[0].get(name), rows[1].get(name)) for name in dict.fromkeys((*rows[1], *rows[0]))),
    ]
    for name, ours, theirs in pairs:
        if ours is None or theirs is None:
            held, given = ours or theirs or {}, [None if one is None else one["limits"] for one in (ours, theirs)]
            yield CriterionDifference(
                criterion=name, entry=f"criterion: {held['title']}", own=given[0], shipped=given[1]
            )
            continue
        for entry in (entry for entry in theirs if ours[entry] != theirs[entry]):
            values = [one[entry] if isinstance(one[entry], str) else json.dumps(one[entry]) for one in (ours, theirs)]
            yield CriterionDifference(criterion=name, entry=entry, own=values[0], shipped=values[1])
    orders = [", ".join(name for name in held if name in other) for held, other in (rows, rows[::-1])]
    if orders[0] != orders[1]:
        yield CriterionDifference(criterion="", entry="order of criteria", own=orders[0], shipped=orders[1])


def _entries(criterion: Criterion) -> dict[str, Any]:
    """One criterion in words, with its limits."""
    said = ", ".join(f"{words_of(limit)}, else {limit.on_breach}" for limit in criterion.limits)
    return criterion.model_dump(mode="json", exclude={"id"}) | {"limits": said}


def _probes(metric: MetricName, criteria: Sequence[Criterion]) -> Iterator[Any]:
    """Values on either side of every limit, and on it."""
    limits = [limit.value for criterion in criteria for limit in criterion.limits]
    if isinstance(metric.kind, tuple):
        yield from metric.kind
    elif not metric.is_number:
        yield from (True, False)
    else:
        yield from (-FAR, FAR)
        for value in map(float, limits):
            step = max(abs(value), 1.0) * NEAR
            yield from (value - step, value, value + step)


def _gravity(criteria: Sequence[Criterion], value: Any) -> int:
    """The gravest outcome of a value; None = not measured."""
    outcomes = [0]
    for criterion in criteria:
        if value is None:
            outcomes.append(GRAVITY["INDETERMINATE"] if criterion.required else 0)
        elif (broken := criterion.broken(value)) is not None:
            outcomes.append(GRAVITY.get(broken.on_breach, 0))
    return max(outcomes)


def _said(criteria: Sequence[Criterion]) -> str:
    """'at most 0.35, else INDETERMINATE'; 'left out' without a criterion."""
    parts = [
        ", ".join(f"{words_of(limit)}, else {limit.on_breach}" for limit in one.limits)
        + ("" if one.required else " (not required)")
        for one in criteria
    ]
    return "; ".join(parts) or "left out"


OPERATOR_WORDS = {"<=": "at most", "<": "below", ">=": "at least", ">": "above", "==": ""}


def words_of(limit: Limit) -> str:
    """'at most 0.2', 'yes'."""
    if isinstance(limit.value, bool):
        return "yes" if limit.value else "no"
    short = limit.value if isinstance(limit.value, str) else f"{limit.value:g}"
    value = short if isinstance(limit.value, str) or float(short) == limit.value else repr(limit.value)
    return f"{OPERATOR_WORDS[limit.op]} {value}".strip()
