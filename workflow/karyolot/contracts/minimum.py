"""What an acceptance document must cover before any lot can pass by it: an empty document would pass every lot."""

import math
from collections.abc import Iterator
from typing import Literal, NamedTuple

from karyolot.contracts.criteria import Acceptance, Criterion
from karyolot.contracts.metrics import MetricName

Bad = tuple[float, float] | bool | str
"""Values with which no lot may pass: from the first number to the second, both included, or one value."""


class Must(NamedTuple):
    """A topic of the minimum: metrics with their bad values. The first must be judged, and the others well where they are.

    required: a lot without the metric must not pass either. least: the mildest outcome of a bad value.
    """

    topic: str
    bad: dict[MetricName, Bad]
    required: bool = True
    least: Literal["INDETERMINATE", "REVIEW"] = "INDETERMINATE"


MOST = 10_000
"""Calls, or arms: more than any lot has."""
WORST_LOD = 0.35
"""Cell fraction. The shipped limit is 0.20, what a karyotype of 20 cells excludes; beyond 0.35 a PASS would exclude less than one
of ten cells (26 % excluded with 95 % confidence) does by far."""
MINIMUM = (
    Must("usable data", {MetricName.DNA_USABLE_BINS: (0.0, 0.5)}),
    Must("sex of the lot", {MetricName.IDENTITY_LOT_SEX: False}),
    Must("sex of the donor's hepatocytes", {MetricName.IDENTITY_DONOR_SEX: False}),
    Must(
        "identity by SNPs, and by germline copy number where it is judged",
        {MetricName.IDENTITY_SNP_MATCH: "MISMATCH", MetricName.IDENTITY_GERMLINE: (0.0, 0.3)},
        required=False,
    ),
    Must("chromosome arms that cannot be assessed", {MetricName.DNA_BLIND_ARMS: (1, MOST)}),
    Must("limit of detection at the claimed size", {MetricName.CN_LOD: (WORST_LOD + 0.01, 1.0)}),
    Must("acquired change of the claimed size or larger", {MetricName.CN_ACQUIRED_LONG: (1, MOST)}),
    Must("whole-chromosome change", {MetricName.CN_WHOLE_CHROMOSOME: (1, MOST)}),
    # What lot and donor have alike cancels in all of the above.
    Must("arms of the donor with other copies than expected", {MetricName.CN_DONOR_ARMS: (1, MOST)}, False, "REVIEW"),
)
STOPS = ("FAIL", "FAIL_IDENTITY", "INDETERMINATE")


def uncovered(acceptance: Acceptance) -> list[str]:
    """Topics of the minimum that the document does not cover: no criterion, an optional one, or one that lets bad values
    pass. Empty for the shipped document."""
    return [must.topic for must in MINIMUM if not _covered(acceptance, must)]


def _covered(acceptance: Acceptance, must: Must) -> bool:
    """Whether the first metric of the topic is judged, and each that is judged is judged well: a criterion that is content
    with a mismatch would state that identity was tested."""
    asked = {criterion.metric for criterion in acceptance.criteria} & must.bad.keys()
    well = {criterion.metric for criterion in acceptance.criteria if _covers(criterion, must)}
    return next(iter(must.bad)) in well and asked <= well


def _covers(criterion: Criterion, must: Must) -> bool:
    if criterion.metric not in must.bad or (must.required and not criterion.required):
        return False
    broken = [criterion.broken(value) for value in _values(criterion, must.bad[criterion.metric])]
    stops = STOPS if must.least == "INDETERMINATE" else ("REVIEW", *STOPS)
    return all(limit is not None and limit.on_breach in stops for limit in broken)


def _values(criterion: Criterion, bad: Bad) -> Iterator[float | bool | str]:
    """Bad values among which there is one that the criterion lets pass, if there is any at all.

    What a criterion makes of a number changes at its limits only: the ends of the range, the limits inside it, and a number
    to either side of each.
    """
    if not isinstance(bad, tuple):
        yield bad
        return
    yield from bad
    for limit in criterion.limits:
        value = float(limit.value)
        whole = (math.floor(value), math.ceil(value), math.floor(value) + 1, math.ceil(value) - 1)
        near = whole if criterion.metric.kind is int else (value, *(math.nextafter(value, to) for to in bad))
        yield from (one for one in near if bad[0] <= one <= bad[1])
