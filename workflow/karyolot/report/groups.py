"""Criteria by the section of the report that shows what they rest on."""

from collections.abc import Iterable, Mapping

from karyolot.contracts.criteria import CriterionResult, Outcome, Verdict
from karyolot.contracts.metrics import MetricName

SECTIONS = {
    "copy-number": "Copy number",
    "identity": "Identity",
    "cell-type": "Cell type (RNA)",
    "small-variants": "Small variants",
    "extranuclear": "Mitochondria and foreign sequences",
    "quality": "Data quality",
    "process": "Process and tests on file",
}
"""Anchor -> title, in the order of the page. Each holds the criteria of `section_of`."""
TOPICS = {
    "cn": "copy-number",
    "baf": "copy-number",
    "identity": "identity",
    "rna": "cell-type",
    "variants": "small-variants",
    "mitochondria": "extranuclear",
    "foreign": "extranuclear",
    "dna": "quality",
    "reads": "quality",
    "process": "process",
    "imported": "process",
}
OWN: Mapping[str, str] = {
    MetricName.DNA_USABLE_BINS: "copy-number",
    MetricName.DNA_NEUTRAL: "copy-number",
    MetricName.DNA_BLIND_ARMS: "copy-number",
    MetricName.IMPORTED_KARYOTYPE_NORMAL: "copy-number",
    MetricName.RNA_SEX_AS_DECLARED: "identity",
    MetricName.RNA_DONOR_SEX_AS_DECLARED: "identity",
    MetricName.RNA_STRANDEDNESS_AS_DECLARED: "quality",
}
"""Metrics shown in another section than others of their topic."""
IMPORTED = frozenset(name for name in MetricName if name.stage == "imported")
PANEL = frozenset(name for name in MetricName if name.stage == "panel")
GRAVITY: tuple[Outcome, ...] = ("FAIL_IDENTITY", "FAIL", "INDETERMINATE", "REVIEW", "NOT_ASSESSED", "INFO", "PASS")
"""Outcomes, the gravest first."""
OPEN = ("FAIL_IDENTITY", "FAIL", "INDETERMINATE", "REVIEW")
"""Outcomes that a reader must see without a click."""


def section_of(metric: str) -> str:
    """The section of a criterion on this metric; of an unknown one: data quality."""
    return OWN.get(metric) or TOPICS.get(metric.partition(".")[0], "quality")


def by_section(results: Iterable[CriterionResult]) -> dict[str, list[CriterionResult]]:
    """Criteria of every section, gravest first; within one outcome in the order of the acceptance document."""
    held: dict[str, list[CriterionResult]] = {name: [] for name in SECTIONS}
    for result in sorted(results, key=lambda result: GRAVITY.index(result.outcome)):
        held[section_of(result.metric)].append(result)
    return held


def gravest(outcomes: Iterable[Outcome]) -> Outcome:
    """The gravest of these; of none NOT_ASSESSED. What was not assessed does not hide what passed."""
    held = set(outcomes)
    serious = [outcome for outcome in OPEN if outcome in held]
    if serious:
        return serious[0]
    return "PASS" if held & {"PASS", "INFO"} else "NOT_ASSESSED"


def withheld(verdict: Verdict) -> bool:
    """Whether the cells are not the declared donor's, so that nothing may be read from a comparison with it."""
    return verdict.outcome == "FAIL_IDENTITY"
