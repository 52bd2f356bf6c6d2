"""What the overview shows: one row per lot from its record, and the expression of all samples together."""

from typing import Literal

from karyolot.contracts.criteria import Frozen
from karyolot.contracts.decisions import Recommendation
from karyolot.contracts.record import LotPoint
from karyolot.contracts.record_rna import SampleMap


class StudyExpression(SampleMap):
    """Expression across lots, for the overview only: every number here moves when samples are added.

    distances: samples x samples. scores: groups x samples. set_scores: sets x samples, by GSVA; unscored: sets without a
    score.
    """

    distances: tuple[tuple[float, ...], ...]
    groups: tuple[str, ...]
    scores: tuple[tuple[float, ...], ...]
    sets: tuple[str, ...] = ()
    set_scores: tuple[tuple[float, ...], ...] = ()
    unscored: tuple[str, ...] = ()


ArmState = Literal["gain", "part-gain", "loss", "part-loss", "mixed", "none", "blind", "withheld"]
"""part-: below the clonal fraction. blind: not assessable. mixed: gains and losses on one arm. withheld: the lot has no verdict
on stability, as when it is not its donor's; on the overview alone."""


class OverviewArm(Frozen):
    """arm: 'p', 'q', or '' where the layout knows no centromere."""

    chrom: str
    arm: str
    state: ArmState


class Measure(Frozen):
    """A metric of a lot, for a control chart. title: of its criterion."""

    metric: str
    title: str
    unit: str
    value: float


class OverviewClone(Frozen):
    """A clone followed through the line of a lot, in the wording of its report."""

    name: str
    growth: str
    expected: str


class Standing(Frozen):
    """What the ledger knows of a lot now. sealed: when, UTC, null = not sealed. recommendation, sentence: of the decisions on its
    record, null = no decision."""

    revision: int = 1
    sealed: str | None = None
    recommendation: Recommendation | None = None
    sentence: str | None = None


FIRST = Standing()
"""Of a lot that the ledger knows nothing of."""


class OverviewRow(LotPoint):
    """One lot of the overview. first_reason: of the outcome, one sentence; finding: in a few words. bank, sampled, coverage: as
    the report prints them. on_file: results of other laboratories, by kind. mark_of_code: of what made its results. measures:
    of the criteria with a number, without those on stability for a lot that has no verdict on it. clones: over the lots it was
    grown from. standing: by the ledger."""

    first_reason: str
    finding: str
    bank: str
    sampled: str
    coverage: str
    on_file: tuple[str, ...]
    report_id: str
    mark_of_code: str
    arms: tuple[OverviewArm, ...]
    measures: tuple[Measure, ...] = ()
    clones: tuple[OverviewClone, ...] = ()
    standing: Standing = FIRST
