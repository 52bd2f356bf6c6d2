"""Rows of the marker table and of the table of gene sets: x in per cent of the width."""

import math
from dataclasses import dataclass

from karyolot.contracts.record_rna import ExpressionRecord, MarkerRow
from karyolot.report.words import axis

TPM_DECADES = (0, 1, 10, 100, 1_000, 10_000)
TPM_TOP = 16.0
"""log2(TPM + 1) of the marker axis' right end: 65,535 TPM, above albumin in hepatocytes."""
NES_TOP = 3.5
"""Right end of the NES axis; GSEA scores rarely pass 3."""
INSET = 2.0
"""Per cent of a row figure's width kept free at both ends, so that a symbol at an end is not clipped."""


def _across(share: float) -> float:
    """0..1 of a row figure's axis to per cent of its width."""
    return round(INSET + (100 - 2 * INSET) * min(max(share, 0.0), 1.0), 2)


def _tpm(value: float) -> float:
    return _across(math.log2(value + 1) / TPM_TOP)


@dataclass(frozen=True)
class Dumbbell:
    """One marker's row, x in per cent; None = not measured. expected_low, expected_high: by the reference panel."""

    row: MarkerRow
    lot: float | None
    donor: float | None
    low: float | None
    high: float | None
    limit: float | None
    way: str
    expected_low: float | None = None
    expected_high: float | None = None


@dataclass(frozen=True)
class Lollipop:
    """One gene set's row, x in per cent. clamped: the score lies beyond the axis."""

    x: float
    zero: float
    way: str
    significant: bool
    clamped: bool


def tpm_ticks() -> list[tuple[float, str]]:
    """Short, so that they do not touch on paper."""
    return [(_tpm(value), f"{value // 1000}k" if value >= 1000 else str(value)) for value in TPM_DECADES]


def nes_ticks() -> list[tuple[float, str]]:
    return [(_nes(value), axis(value)) for value in range(-3, 4)]


def _nes(value: float) -> float:
    return _across((value + NES_TOP) / (2 * NES_TOP))


def dumbbells(record: ExpressionRecord) -> dict[str, list[Dumbbell]]:
    """Markers by group, in panel order."""
    groups: dict[str, list[Dumbbell]] = {}
    for row in record.markers:
        levels = (row.lot_tpm, row.donor_tpm, row.lot_tpm_low, row.lot_tpm_high, row.limit_tpm)
        lot, donor, low, high, limit, *expected = (
            None if value is None else _tpm(value) for value in (*levels, row.panel_tpm_low, row.panel_tpm_high)
        )
        way = "" if row.log2fc is None else "gain" if row.log2fc > 0 else "loss" if row.log2fc < 0 else ""
        groups.setdefault(row.group, []).append(Dumbbell(row, lot, donor, low, high, limit, way, *expected))
    return groups


def lollipops(record: ExpressionRecord) -> list[Lollipop | None]:
    """Gene sets in the record's order; None for one that is not assessed."""
    return [
        None
        if row.nes is None
        else Lollipop(
            _nes(row.nes),
            _nes(0),
            "gain" if row.nes > 0 else "loss",
            record.p_values and row.significant(record.significance),
            abs(row.nes) > NES_TOP,
        )
        for row in record.sets
    ]
