"""What an acceptance document must cover before any lot can pass by it: a document that asks nothing would pass every lot."""

from typing import NamedTuple

from karyolot.contracts.criteria import Acceptance, Criterion
from karyolot.contracts.metrics import MetricName


class Must(NamedTuple):
    """A topic of the minimum. bad: metric -> a value with which no lot may pass; one of the metrics is enough.

    required: a lot without the metric must not pass either.
    """

    topic: str
    bad: dict[MetricName, float | bool | str]
    required: bool = True


WORST_LOD = 0.35
"""Cell fraction. The shipped limit is 0.20, what a karyotype of 20 cells excludes; beyond 0.35 a PASS would say less than one
of ten cells (26 % excluded with 95 % confidence) does by far."""
MINIMUM = (
    Must("usable data", {MetricName.DNA_USABLE_BINS: 0.5}),
    Must("sex of the lot", {MetricName.IDENTITY_LOT_SEX: False}),
    Must("sex of the donor's hepatocytes", {MetricName.IDENTITY_DONOR_SEX: False}),
    Must(
        "identity by SNPs or germline copy number",
        {MetricName.IDENTITY_SNP_MATCH: "MISMATCH", MetricName.IDENTITY_GERMLINE: 0.0},
        required=False,
    ),
    Must("chromosome arms that cannot be assessed", {MetricName.DNA_BLIND_ARMS: 1}),
    Must("limit of detection at the claimed size", {MetricName.CN_LOD: WORST_LOD + 0.01}),
    Must("acquired change of the claimed size or larger", {MetricName.CN_ACQUIRED_LONG: 1}),
    Must("whole-chromosome change", {MetricName.CN_WHOLE_CHROMOSOME: 1}),
)
STOPS = ("FAIL", "FAIL_IDENTITY", "INDETERMINATE")


def uncovered(acceptance: Acceptance) -> list[str]:
    """Topics of the minimum that the document does not cover: no criterion, an optional one, or one that lets bad values
    pass. Empty for the shipped document."""
    return [must.topic for must in MINIMUM if not any(_covers(criterion, must) for criterion in acceptance.criteria)]


def _covers(criterion: Criterion, must: Must) -> bool:
    if criterion.metric not in must.bad or (must.required and not criterion.required):
        return False
    limit = criterion.broken(must.bad[criterion.metric])
    return limit is not None and limit.on_breach in STOPS
