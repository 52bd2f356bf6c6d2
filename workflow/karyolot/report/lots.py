"""All lots as tables for a spreadsheet: one row per lot, per criterion and per copy-number event."""

from collections.abc import Iterable

import pandas as pd

from karyolot.contracts.overview import Standing
from karyolot.contracts.record import Record

Row = dict[str, str | float | int | bool | None]
NAMES = ("lots", "criteria", "events")
COLUMNS = ("passage", "parent_lot_id", "bank", "collection_date")
"""Facts of a lot that `lots` holds."""


def lot_tables(held: Iterable[tuple[Record, Standing]]) -> dict[str, pd.DataFrame]:
    """The tables of NAMES. Rows of `lots` as the records come, each with the outcome of every criterion by its id.

    Parameters
    ----------
    held
        Records, each with the state of its lot by the ledger; taken one at a time.

    Returns
    -------
    dict
        Table by name. Fractions are 0..1, positions 0-based half-open; null = not assessed, or not recorded. A lot without a
        verdict on stability keeps its events with interpreted = False: they are not its own to be judged by.
    """
    rows: dict[str, list[Row]] = {name: [] for name in NAMES}
    for record, standing in held:
        rows["lots"].append(_lot(record, standing))
        rows["criteria"] += _criteria(record)
        rows["events"] += _events(record)
    return {
        name: pd.DataFrame(table).convert_dtypes() for name, table in rows.items()
    }  # counts stay whole beside nulls


def _lot(record: Record, standing: Standing) -> Row:
    verdict, claim, made = record.verdict, record.copy_number.claim, record.made
    calls = () if verdict.suppressed else record.copy_number.calls
    missing = [result.id for result in verdict.criteria if result.outcome == "NOT_ASSESSED"]
    return {
        "lot_id": record.lot.lot_id,
        "donor_id": record.lot.donor_id,
        "donor_sex": record.lot.donor_sex,
        **{name: value for name, value in record.lot.facts.items() if name in COLUMNS},
        "verdict": verdict.outcome,
        "decided_by": " ".join(verdict.reasons),
        "headline": verdict.headline,
        "claim_mb": record.copy_number.claim_mb,
        "limit_gain": claim.gain if claim else None,
        "limit_loss": claim.loss if claim else None,
        "events": len(calls) if calls or (claim and not verdict.suppressed) else None,
        "not_assessed": " ".join(missing),
        **{result.id: result.outcome for result in verdict.criteria},
        "criteria": f"{verdict.acceptance_name} {verdict.acceptance_version}",
        "analysed": made.at if made else None,
        "operator": made.operator if made else None,
        "site": made.site if made else None,
        "code": record.provenance.mark or record.provenance.commit,
        "report_id": record.report_id,
        "revision": standing.revision,
        "sealed": standing.sealed,
        "recommendation": standing.recommendation,
    }


def _criteria(record: Record) -> list[Row]:
    names = ("id", "title", "outcome", "value", "unit", "limit", "required", "explanation")
    return [
        {"lot_id": record.lot.lot_id, **{name: getattr(result, name) for name in names}}
        for result in record.verdict.criteria
    ]


def _events(record: Record) -> list[Row]:
    names = ("id", "name", "chrom", "start", "end", "bands", "type", "size_mb", "log2", "fraction", "fraction_low",
             "fraction_high", "origin", "genes", "recurrent")  # fmt: skip
    return [
        {
            "lot_id": record.lot.lot_id,
            "interpreted": not record.verdict.suppressed,
            **{name: getattr(call, name) for name in names},
        }
        for call in record.copy_number.calls
    ]
