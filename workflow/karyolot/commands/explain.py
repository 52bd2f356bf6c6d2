"""What a working directory holds of finished lots: a table of all, and why one of them has its verdict."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from karyolot.contracts.criteria import CriterionResult, Verdict
from karyolot.contracts.record import Record


@dataclass(frozen=True, slots=True)
class Line:
    """A lot in the table after a run. passage None = not recorded. mark: of the code that made its results. not_seen: nouns, of
    the record."""

    lot_id: str
    donor_id: str
    passage: float | None
    outcome: str
    mark: str
    first_reason: str
    report: Path
    not_seen: tuple[str, ...]


def line_of(record: Record, directory: Path) -> Line:
    """What the table shows of a lot."""
    return Line(
        lot_id=record.lot.lot_id,
        donor_id=record.lot.donor_id,
        passage=_passage(record),
        outcome=record.verdict.outcome,
        mark=record.provenance.mark,
        first_reason=record.text.verdict.first_reason,
        report=report_path(record, directory),
        not_seen=record.not_seen,
    )


def table_of(records: Iterable[Record], directory: Path) -> list[Line]:
    """All lots, as the overview orders them: by donor, then passage, then lot."""
    lines = [line_of(record, directory) for record in records]
    return sorted(lines, key=lambda row: (row.donor_id, row.passage is None, row.passage or 0, row.lot_id))


def report_path(record: Record, directory: Path) -> Path:
    return directory / "results" / record.lot.lot_id / "report.html"


def _passage(record: Record) -> float | None:
    passage = record.lot.facts.get("passage")
    return passage if isinstance(passage, (int, float)) else None


def not_passed(verdict: Verdict) -> list[CriterionResult]:
    """Criteria that did not pass, those that decided first, then in the order of the acceptance document."""
    found = [result for result in verdict.criteria if result.outcome != "PASS"]
    return sorted(found, key=lambda result: result.id not in verdict.reasons)


def explanation(record: Record, directory: Path) -> dict[str, Any]:
    """Why a lot has its verdict, as plain values: what `karyolot explain` prints, in the order it prints it.

    value null = not assessed, and `explanation` states why. passage null = not recorded.
    """
    verdict, text = record.verdict, record.text
    caption = text.copy_number.lod
    return {
        "lot_id": record.lot.lot_id,
        "donor_id": record.lot.donor_id,
        "passage": _passage(record),
        "outcome": verdict.outcome,
        "mark": record.provenance.mark,
        "notice": record.notice,
        "headline": verdict.headline,
        "first_reason": text.verdict.first_reason,
        "claim": verdict.claim,
        "claim_arms": verdict.claim_arms,
        "claim_variants": verdict.claim_variants,
        "weakened": [one.model_dump() for one in verdict.weakened],
        "actions": [one.text for one in verdict.actions],
        "not_passed": [
            {"decided": result.id in verdict.reasons}
            | result.model_dump(
                include={"id", "title", "outcome", "value", "unit", "limit", "explanation", "reason", "source"}
            )
            for result in not_passed(verdict)
        ],
        "limit_of_detection": f"{caption.finding} {caption.reading}",
        "not_seen": list(record.not_seen),
        "cannot_detect": text.not_seen,
        "acceptance": text.verdict.criteria,
        "report": str(report_path(record, directory)),
        "report_id": record.report_id,
    }
