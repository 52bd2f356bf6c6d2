"""What a working directory holds of finished lots, read from their records (`report.json`) alone."""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from karyolot.contracts.criteria import CriterionResult, Verdict
from karyolot.contracts.problems import KaryolotError, quoted
from karyolot.contracts.record import SCHEMA_VERSION, Record
from karyolot.contracts.sheets import ID_PATTERN
from karyolot.inputs.sheets import suggestion
from karyolot.io.files import read_bytes, read_json, write_bytes, write_text
from karyolot.plan.provenance import code_state


@dataclass(frozen=True, slots=True)
class Line:
    """A lot in the table after a run. passage None = not recorded. not_seen: nouns, of the record."""

    lot_id: str
    donor_id: str
    passage: float | None
    outcome: str
    draft: bool
    first_reason: str
    report: Path
    not_seen: tuple[str, ...]


def lots_with_records(directory: Path) -> list[str]:
    """Lots of a working directory whose record exists, by name."""
    return sorted(path.parent.name for path in (directory / "results").glob("*/report.json"))


def read_record(directory: Path, lot: str) -> Record:
    """The record of a lot.

    Raises KaryolotError when there is none, when it is not a record of this lot, or when its report id does not fit its
    content: what a person reads must be what was sealed.
    """
    path = directory / "results" / lot / "report.json"
    if not re.fullmatch(ID_PATTERN, lot) or not path.is_file():
        there = lots_with_records(directory)
        known = f"finished lots: {', '.join(there)}" if there else "no lot is finished there"
        raise KaryolotError(
            f"{directory / 'results'} holds no record of a lot {quoted(lot)}{suggestion(lot, there)}; {known}"
        )
    content = read_json(path)
    _same_schema(content, path)
    try:
        record = Record.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise KaryolotError(
            f"{path}: not a record this version reads ({place}: {fault['msg']}); run again to make it anew"
        ) from error
    if record.report_id != seal(content):
        raise KaryolotError(
            f"{path}: was changed after it was made (its id {quoted(record.report_id)} does not fit its content);"
            " delete it and run again"
        )
    if record.lot.lot_id != lot:
        raise KaryolotError(f"{path}: is the record of lot {quoted(record.lot.lot_id)}; run again to make it anew")
    return record


def _same_schema(content: Any, path: Path) -> None:
    """Raises KaryolotError for a record of another schema, which names the version that reads it."""
    given = content.get("schema_version") if isinstance(content, dict) else None
    if given == SCHEMA_VERSION or not isinstance(given, str):
        return
    maker = content.get("provenance")
    known = maker if isinstance(maker, dict) else {}
    made = ", ".join(
        f"{word} {quoted(str(known[name]))}"
        for word, name in (("version", "karyolot_version"), ("commit", "commit"))
        if known.get(name)
    )
    raise KaryolotError(
        f"{path}: not readable by this version: the record has schema {quoted(given)}{f' (made by {made})' if made else ''},"
        f" and schema {SCHEMA_VERSION} is required. Re-run the study to update the record, or use the version that made it"
    )


def seal(content: dict[str, Any]) -> str:
    """The report id that fits a record as it stands in its file; as `Record.digest`, whatever fields it has."""
    rest = {key: value for key, value in content.items() if key != "report_id"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]


def line_of(record: Record, directory: Path) -> Line:
    """What the table shows of a lot."""
    return Line(
        lot_id=record.lot.lot_id,
        donor_id=record.lot.donor_id,
        passage=_passage(record),
        outcome=record.verdict.outcome,
        draft=bool(record.provenance.dirty),
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

    value null = not assessed, and `explanation` says why. passage null = not recorded.
    """
    verdict, text = record.verdict, record.text
    caption = text.copy_number.lod
    return {
        "lot_id": record.lot.lot_id,
        "donor_id": record.lot.donor_id,
        "passage": _passage(record),
        "outcome": verdict.outcome,
        "draft": bool(record.provenance.dirty),
        "notice": record.notice,
        "headline": verdict.headline,
        "first_reason": text.verdict.first_reason,
        "claim": verdict.claim,
        "not_passed": [
            {"decided": result.id in verdict.reasons}
            | result.model_dump(include={"id", "title", "outcome", "value", "unit", "limit", "explanation", "reason", "source"})
            for result in not_passed(verdict)
        ],
        "limit_of_detection": f"{caption.finding} {caption.reading}",
        "not_seen": list(record.not_seen),
        "cannot_detect": text.not_seen,
        "acceptance": text.verdict.criteria,
        "report": str(report_path(record, directory)),
        "report_id": record.report_id,
    }  # fmt: skip


def render_again(directory: Path, lot: str) -> list[Path]:
    """Regenerate the files a person reads from the lot's record; the same record and code give the same bytes."""
    from karyolot.report.pdf import FONTS, print_pdf  # these bring pandas, the templates and the typesetter along
    from karyolot.report.render import render

    record = read_record(directory, lot)
    folder = directory / "results" / lot
    made_by = code_state()
    write_text(render(record, made_by), folder / "report.html")
    fonts = {name: read_bytes(path) for name, path in FONTS.items()}
    write_bytes(print_pdf(record, read_bytes(folder / "report.json"), fonts, made_by), folder / "report.pdf")
    return [folder / "report.html", folder / "report.pdf"]
