"""`karyolot decide`: what people decide on the findings of a lot, into the ledger and onto its report."""

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from karyolot.commands.report import render_again
from karyolot.commands.seal import held
from karyolot.contracts.decisions import GRAVE, OPEN_FINDINGS, Disposition, open_deviations
from karyolot.contracts.ledger import LotState, states
from karyolot.contracts.problems import InputProblems, KaryolotError
from karyolot.contracts.record import Record
from karyolot.contracts.sheets import DecisionRow
from karyolot.inputs.sheets import parse_sheet
from karyolot.inputs.values import value_fault
from karyolot.io import ledger
from karyolot.io.files import read_bytes
from karyolot.io.history import decisions_of, disposition_of, stop_foreign
from karyolot.io.record import read_record

REQUIRED = {"criterion": "criterion", "decision": "--decision", "reason": "--reason", "decided_by": "--name"}
"""Columns of a decision that must be filled, and what gives them on the command line."""


def row(**cells: str | None) -> DecisionRow:
    """One decision from the command line. Raises KaryolotError for a value that is missing or not allowed."""
    given = {name: (text or "").strip() or None for name, text in cells.items()}
    if missing := [option for name, option in REQUIRED.items() if given.get(name) is None]:
        raise KaryolotError(f"{', '.join(missing)} missing; a decision states on what, which, why and by whom")
    try:
        return DecisionRow.model_validate(given)
    except ValidationError as error:
        detail = error.errors(include_url=False)[0]
        fault = value_fault(detail)
        raise KaryolotError(f"{detail['loc'][0]}: {fault.message}; {fault.remedy}") from error


def rows_of(sheet: Path) -> list[DecisionRow]:
    """Decisions of a sheet. Raises InputProblems with everything that is wrong with it."""
    entries, problems = parse_sheet(read_bytes(sheet), str(sheet), DecisionRow)
    if problems:
        raise InputProblems(problems)
    return [entry.row for entry in entries]


def decide(directory: Path, rows: Sequence[DecisionRow], sheet: str = "") -> dict[str, Disposition | None]:
    """Enter decisions into the ledger, all or none, and show them on the reports of lots that are not sealed.

    Parameters
    ----------
    sheet
        Where the rows come from, for messages.

    Returns
    -------
    dict
        Lot -> what all decisions on its record recommend now.

    Raises
    ------
    KaryolotError
        When a lot has no record, or a decision concerns a criterion that is met or does not exist.
    """
    with held(directory):
        records = {lot: read_record(directory, lot) for lot in dict.fromkeys(one.lot_id for one in rows)}
        entries = ledger.read(directory)
        deviations = {lot: open_deviations(decisions_of(entries, lot)) for lot in records}
        if faults := [fault for one in rows for fault in _faults(one, records[one.lot_id], deviations[one.lot_id])]:
            raise KaryolotError("\n".join(f"{sheet}: {fault}" if sheet else fault for fault in faults))
        for lot, record in records.items():
            stop_foreign(directory, lot, record.digest(), entries)
        lots = states(entries)
        ledger.append(directory, *(_event(one, records[one.lot_id], lots.get(one.lot_id, LotState())) for one in rows))
    for lot in records:
        if lots.get(lot, LotState()).sealed is None:
            render_again(directory, lot, "decision")
    entries = ledger.read(directory)
    return {lot: disposition_of(entries, record) for lot, record in records.items()}


def _faults(one: DecisionRow, record: Record, deviations: Collection[str]) -> Iterator[str]:
    """What is wrong with a decision on a record. deviations: open ones of the lot, which are closed on any criterion."""
    outcomes = {result.id: result.outcome for result in record.verdict.criteria}
    allowed = [name for name, outcome in outcomes.items() if outcome in OPEN_FINDINGS]
    said = f"lot {one.lot_id}, criterion {one.criterion}"
    if one.criterion not in outcomes:
        yield f"{said}: no such criterion in its report; to be decided: {', '.join(allowed) or 'none'}"
    elif one.criterion not in allowed and not (one.state == "closed" and one.deviation in deviations):
        yield f"{said}: is {outcomes[one.criterion]}, nothing to decide; to be decided: {', '.join(allowed) or 'none'}"
    if bool(one.deviation) != bool(one.state):
        yield f"{said}: a deviation or CAPA needs its number and its state (open or closed); give both, or neither"


def _event(one: DecisionRow, record: Record, state: LotState) -> ledger.Event:
    outcome = next(result.outcome for result in record.verdict.criteria if result.id == one.criterion)
    facts: dict[str, Any] = {
        "lot": one.lot_id,
        "revision": state.revision,
        "finding": one.criterion,
        "outcome": outcome,
        "decision": one.decision,
        "reason": one.reason,
        "name": one.decided_by,
        "number": one.deviation or "",
        "state": one.state,
        "report_id": record.report_id,
        "record_sha256": record.digest(),
    }
    return ("override" if one.decision == "accept" and outcome in GRAVE else "disposition"), facts
