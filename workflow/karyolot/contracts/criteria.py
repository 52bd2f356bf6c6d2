"""Acceptance criteria (data), metrics (facts) and the verdict that follows from the two."""

import operator
from collections.abc import Callable
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from karyolot.contracts.metrics import MetricName, metrics_of
from karyolot.contracts.problems import nearest, quoted

Outcome = Literal["PASS", "FAIL", "FAIL_IDENTITY", "REVIEW", "INDETERMINATE", "NOT_ASSESSED", "INFO"]
"""INFO: breached, but informational; never moves the lot's verdict."""
LotOutcome = Literal["PASS", "FAIL", "FAIL_IDENTITY", "REVIEW", "INDETERMINATE"]
Op = Literal["<=", "<", ">=", ">", "=="]


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "==": operator.eq,
}


class Frozen(BaseModel):
    # What is written holds every field, so the schema of what is written asks for every field.
    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)


class Limit(Frozen):
    """Kept when `metric op value` holds; else the criterion takes `on_breach`."""

    model_config = ConfigDict(allow_inf_nan=False)

    op: Op
    value: int | float | bool | str
    on_breach: Literal["FAIL", "FAIL_IDENTITY", "REVIEW", "INDETERMINATE", "INFO"]


class Criterion(Frozen):
    """One row of acceptance.yaml.

    kind 'validity': a breach means the data cannot carry a stability verdict, which is then suppressed.
    required: a missing metric makes the lot INDETERMINATE; else NOT_ASSESSED is shown and does not count, unless the metric
    was requested (`Metric.asked`).
    limits: tested in order; the first one breached gives the outcome (put the gravest first).
    action: what the reader does when the criterion is not met or could not be assessed although it must be; '{about}' in it
    stands for what the metric is about (`Metric.about`). '' = nothing.
    Refused are a metric that does not exist, a unit that is not the metric's, and a limit that its values cannot be
    compared with: such a criterion could never be assessed.
    """

    id: Annotated[str, Field(pattern=r"^[A-Z]\d{2}[a-z]?$")]
    title: str
    metric: MetricName
    unit: str
    kind: Literal["validity", "stability", "identity", "process"]
    required: StrictBool
    limits: Annotated[tuple[Limit, ...], Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]
    action: Annotated[str, Field(max_length=300)] = ""

    @field_validator("metric", mode="before")
    @classmethod
    def _exists(cls, name: object) -> object:
        if not isinstance(name, str) or name in set(MetricName):
            return name
        known = [one for one in MetricName if one.topic == name.partition(".")[0]] or list(MetricName)
        message, remedy = f"is {quoted(name)}, which is not a metric", f"use one of {', '.join(known)}"
        raise _refusal(message, remedy, nearest(name, map(str, MetricName)))

    @field_validator("unit")
    @classmethod
    def _is_of_the_metric(cls, unit: str, info: ValidationInfo) -> str:
        metric: MetricName | None = info.data.get("metric")
        if metric is None or unit == metric.unit:
            return unit
        message = f"is {quoted(unit)}, and the unit of {metric} is {quoted(metric.unit)}"
        raise _refusal(message, f"write {quoted(metric.unit)}, and the limits in this unit")

    @field_validator("limits")
    @classmethod
    def _are_comparable(cls, limits: tuple[Limit, ...], info: ValidationInfo) -> tuple[Limit, ...]:
        metric: MetricName | None = info.data.get("metric")
        if metric is None:
            return limits
        for number, limit in enumerate(limits, start=1):
            if not metric.compares_with(limit.value):
                message = f"has the value {limit.value!r} in limit {number}, and {metric} is {metric.values}"
                raise _refusal(message, f"write {metric.values}, without quotes")
            if limit.op != "==" and not metric.is_number:
                message = f"has the operator {limit.op} in limit {number}, and {metric} is {metric.values}"
                raise _refusal(message, "write ==")
        return limits

    def broken(self, value: float | bool | str) -> Limit | None:
        """The first limit that the value breaks; None when it keeps all of them. The value is of the limits' type."""
        return next((limit for limit in self.limits if not OPERATORS[limit.op](value, limit.value)), None)


def _refusal(message: str, remedy: str, meant: str | None = None) -> PydanticCustomError:
    """An error whose message follows the name of the entry; its context holds `remedy` and the word that may be meant."""
    return PydanticCustomError("criterion", "{message}", {"message": message, "remedy": remedy, "meant": meant})


class Acceptance(Frozen):
    """The acceptance document: a version, and criteria in the order they are printed.

    on_pass: what the reader does with a lot that passes, in order; '{about}' stands for the tests of other laboratories
    without a result on file, and an entry that holds it is left out when none is missing.
    number, approver, effective: of document control, '' = not stated; effective: first day it may be used.
    second_person: a lot to review is recommended for release only when two independent people accept each of its findings.
    """

    name: str
    version: str
    on_pass: tuple[Annotated[str, Field(max_length=300)], ...] = ()
    number: Annotated[str, Field(max_length=100)] = ""
    approver: Annotated[str, Field(max_length=100)] = ""
    effective: Annotated[str, Field(pattern=r"^(\d{4}-\d{2}-\d{2})?$")] = ""
    second_person: StrictBool = False
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]

    @field_validator("effective", mode="before")
    @classmethod
    def _is_text(cls, day: object) -> object:
        return day.isoformat() if isinstance(day, date) else day  # YAML reads 2026-01-31 as a date


class Metric(Frozen):
    """A measured fact. value None = not assessed, and `reason` states why. `detail`: one sentence of evidence.

    asked: of a value of None, the settings request it and their inputs cannot provide it: its criterion is INDETERMINATE,
    required or not, since a lot must not pass by a comparison that was requested and could not be made. about: what the reader's
    next action is about, such as the names of the calls that are counted.
    """

    value: int | float | bool | str | None
    reason: str = ""
    detail: str = ""
    asked: bool = False
    about: tuple[str, ...] = ()


Metrics = dict[MetricName, Metric]


def check_metrics(metrics: Metrics) -> Metrics:
    """`metrics` as they are. Raises ValueError, for it is a fault of ours, when they are not as registered: a stage
    returned some of its metrics and not the others, a value is of another type, or null where it never may be."""
    for stage in {name.stage for name in metrics}:
        if left_out := metrics_of(stage) - metrics.keys():
            raise ValueError(f"stage {stage} does not return {', '.join(sorted(left_out))}")
    for name, metric in metrics.items():
        if (metric.value is None and not name.null) or (metric.value is not None and not name.can_be(metric.value)):
            raise ValueError(f"{name} is {metric.value!r}, and must be {name.values}{' or null' if name.null else ''}")
    return metrics


class CriterionResult(Frozen):
    """A criterion with what was measured and what follows. `explanation` is computed, one sentence."""

    id: str
    title: str
    metric: str
    unit: str
    kind: str
    required: bool
    limit: str
    value: int | float | bool | str | None
    outcome: Outcome
    explanation: str
    source: str
    reason: str


class Weakened(Frozen):
    """A setting or a criterion that is weaker than the shipped one. name: 'copy_number.power', or id and title of the
    criterion; own, shipped: its values in words; entries: of a list, all that `own` counts."""

    name: str
    own: str
    shipped: str
    entries: tuple[str, ...] = ()


class CriterionDifference(Frozen):
    """An entry of the acceptance document that is not the shipped one. criterion: its id, '' = of the document itself; entry:
    'limits'; own, shipped: in words, null = the criterion is not there."""

    criterion: str
    entry: str
    own: str | None
    shipped: str | None


class Action(Frozen):
    """What the reader does next. criteria: ids of those that ask for it."""

    text: str
    criteria: tuple[str, ...]


class Verdict(Frozen):
    """verdict.json: the lot's outcome, why, and every criterion.

    reasons: ids of the criteria that decided. suppressed: the stability criteria are shown for information only.
    claim: the sentence a PASS is bounded by, or why there is none. claim_arms: the same for whole arms and chromosomes,
    claim_variants: for mutations of driver genes; '' = none.
    weakened: settings and criteria that ask for less than the shipped ones. actions: what the reader does next, in order, none
    twice. acceptance_*: document control, '' = not stated. differences: of the document from the shipped one, null = not
    compared.
    """

    lot_id: str
    outcome: LotOutcome
    reasons: tuple[str, ...]
    suppressed: bool
    headline: str
    claim: str
    claim_arms: str
    claim_variants: str
    weakened: tuple[Weakened, ...]
    actions: tuple[Action, ...]
    acceptance_name: str
    acceptance_version: str
    acceptance_number: str = ""
    acceptance_approver: str = ""
    acceptance_effective: str = ""
    second_person: bool = False
    differences: tuple[CriterionDifference, ...] | None = None
    criteria: tuple[CriterionResult, ...]
