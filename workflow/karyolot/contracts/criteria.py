"""Acceptance criteria (data), metrics (facts) and the verdict that follows from the two."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["PASS", "FAIL", "FAIL_IDENTITY", "REVIEW", "INDETERMINATE", "NOT_ASSESSED", "INFO"]
"""INFO: breached, but informational; never moves the lot's verdict."""
LotOutcome = Literal["PASS", "FAIL", "FAIL_IDENTITY", "REVIEW", "INDETERMINATE"]
Op = Literal["<=", "<", ">=", ">", "=="]


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
    was asked for (`Metric.asked`).
    limits: tested in order; the first one breached gives the outcome (put the gravest first).
    """

    id: Annotated[str, Field(pattern=r"^[A-Z]\d{2}[a-z]?$")]
    title: str
    metric: str
    unit: str
    kind: Literal["validity", "stability", "identity", "process"]
    required: bool
    limits: Annotated[tuple[Limit, ...], Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    reason: Annotated[str, Field(min_length=1)]


class Acceptance(Frozen):
    """The acceptance document: a version, and criteria in the order they are printed."""

    name: str
    version: str
    criteria: Annotated[tuple[Criterion, ...], Field(min_length=1)]


class Metric(Frozen):
    """A measured fact. value None = not assessed, and `reason` says why. `detail`: one sentence of evidence.

    asked: of a value of None, the settings asked for it and what they name cannot give it: its criterion is INDETERMINATE,
    required or not, since a lot must not pass by a comparison that was asked for and could not be made.
    """

    value: int | float | bool | str | None
    reason: str = ""
    detail: str = ""
    asked: bool = False


Metrics = dict[str, Metric]


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


class Verdict(Frozen):
    """verdict.json: the lot's outcome, why, and every criterion.

    reasons: ids of the criteria that decided. suppressed: the stability criteria were not allowed to speak.
    claim: the sentence a PASS is bounded by, or why there is none.
    """

    lot_id: str
    outcome: LotOutcome
    reasons: tuple[str, ...]
    suppressed: bool
    headline: str
    claim: str
    acceptance_name: str
    acceptance_version: str
    criteria: tuple[CriterionResult, ...]
