"""Trends of each donor's lots over passages: points in, marks out."""

from collections.abc import Sequence
from dataclasses import dataclass

from karyolot.contracts.record import LotPoint
from karyolot.report.words import OUTCOMES

WIDTH, HEIGHT = 236.0, 168.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 224.0, 12.0, 112.0
UNKNOWN = 128.0
"""Height of the row of lots whose cell fraction is not known, below the axis."""
MOST_TICKS = 6


@dataclass(frozen=True)
class Mark:
    """One lot. lod: top of the range where a change would not have been seen, None = not known."""

    x: float
    y: float
    lod: float | None
    outcome: str
    sign: str
    text: str


@dataclass(frozen=True)
class Panel:
    """One donor. line: joins each lot to the lot it was grown from."""

    donor_id: str
    marks: tuple[Mark, ...]
    line: str


def ticks(rows: Sequence[LotPoint]) -> list[tuple[float, str]]:
    """Passages below every panel: (x, label), the same in all."""
    last = _last(rows)
    step = next(step for size in (1, 10, 100, 1000) for step in (size, 2 * size, 5 * size) if last / step <= MOST_TICKS)
    return [(_x(value, last), str(value)) for value in range(0, int(last) + 1, step)]


def levels() -> list[tuple[float, str]]:
    """Cell fractions beside every panel: (y, label)."""
    return [(_y(share), f"{share:.0%}") for share in (0.0, 0.5, 1.0)]


def panels(rows: Sequence[LotPoint]) -> list[Panel]:
    """One panel per donor with a lot of known passage; the largest cell fraction with one called change, 0..1 and fixed."""
    last = _last(rows)
    made = []
    for donor, held in by_donor(rows).items():
        places = {
            row.lot_id: (_x(row.passage or 0, last), _y(row.fraction)) for row in held if row.fraction is not None
        }
        joined = [
            (places[row.parent], places[row.lot_id]) for row in held if row.parent in places and row.lot_id in places
        ]
        line = "".join(f"M{x1:g} {y1:g}L{x2:g} {y2:g}" for (x1, y1), (x2, y2) in joined)
        made.append(Panel(donor, tuple(_mark(row, last) for row in held), line))
    return made


def by_donor(rows: Sequence[LotPoint]) -> dict[str, list[LotPoint]]:
    """Lots of known passage by donor, in the order of their passages."""
    known = sorted((row for row in rows if row.passage is not None), key=lambda row: row.passage or 0)
    return {donor: [row for row in known if row.donor_id == donor] for donor in sorted({r.donor_id for r in known})}


def _last(rows: Sequence[LotPoint]) -> float:
    return max([row.passage or 0 for row in rows] + [1])


def _x(passage: float, last: float) -> float:
    return round(LEFT + 8 + (RIGHT - LEFT - 16) * passage / last, 1)


def _y(share: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * min(max(share, 0.0), 1.0), 1)


def _mark(row: LotPoint, last: float) -> Mark:
    return Mark(
        x=_x(row.passage or 0, last),
        y=UNKNOWN if row.fraction is None else _y(row.fraction),
        lod=None if row.lod is None or row.fraction is None else _y(row.lod),
        outcome=row.outcome,
        sign=OUTCOMES[row.outcome][0],
        text=row.mark,
    )
