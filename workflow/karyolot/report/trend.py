"""Trends of each donor's lots over passages, and arms changed in more than one lot: overview rows in, marks out."""

from collections.abc import Sequence
from dataclasses import dataclass

from karyolot.contracts.record import LotPoint, OverviewRow, Record
from karyolot.report.captions import Caption, claim_row
from karyolot.report.words import OUTCOMES, number, percent, plural

WIDTH, HEIGHT = 236.0, 168.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 224.0, 12.0, 112.0
UNKNOWN = 128.0
"""Height of the row of lots of which no share is known, below the axis."""
MOST_TICKS = 6
NAMED = 4
"""Lots named beside a recurrent arm; the rest are counted."""


@dataclass(frozen=True)
class Mark:
    """One lot. lod: top of the stretch where a change would not have been seen, None = not known."""

    x: float
    y: float
    lod: float | None
    outcome: str
    sign: str
    text: str


@dataclass(frozen=True)
class Panel:
    """One donor. line: joins the highest lot of each passage."""

    donor_id: str
    marks: tuple[Mark, ...]
    line: str
    finding: str


@dataclass(frozen=True)
class Recurrent:
    """A chromosome arm changed in more than one lot."""

    name: str
    gains: int
    losses: int
    donors: int
    lots: tuple[str, ...]

    @property
    def more(self) -> int:
        return max(0, len(self.lots) - NAMED)


def point(record: Record) -> LotPoint:
    """What a trend shows of the lot of this record."""
    passage, suppressed = record.lot.facts.get("passage"), record.verdict.suppressed
    claim = claim_row(record.copy_number)
    lod = None if claim is None or claim.gain is None or claim.loss is None else max(claim.gain, claim.loss)
    # 'lost': the donor deviates there, not the lot.
    own = [call.fraction for call in record.copy_number.calls if call.origin != "lost"]
    return LotPoint(
        lot_id=record.lot.lot_id,
        donor_id=record.lot.donor_id,
        passage=passage if isinstance(passage, (int, float)) else None,
        outcome=record.verdict.outcome,
        share=None if suppressed or (lod is None and not own) else max(own, default=0.0),
        lod=None if suppressed else lod,
        claim_mb=record.copy_number.claim_mb,
    )


def claim(rows: Sequence[LotPoint]) -> float | None:
    """Size of change, Mb, that the limits of detection are for; None where it is not the same in all lots."""
    sizes = {row.claim_mb for row in rows}
    return sizes.pop() if len(sizes) == 1 else None


def ticks(rows: Sequence[LotPoint]) -> list[tuple[float, str]]:
    """Passages below every panel: (x, label), the same in all."""
    last = _last(rows)
    step = next(step for size in (1, 10, 100, 1000) for step in (size, 2 * size, 5 * size) if last / step <= MOST_TICKS)
    return [(_x(value, last), str(value)) for value in range(0, int(last) + 1, step)]


def levels() -> list[tuple[float, str]]:
    return [(_y(share), f"{share:.0%}") for share in (0.0, 0.5, 1.0)]


def panels(rows: Sequence[LotPoint]) -> list[Panel]:
    """One panel per donor with a lot of known passage; the largest share of cells with one called change, 0..1 and fixed."""
    last = _last(rows)
    made = []
    for donor in sorted({row.donor_id for row in rows}):
        held = sorted((r for r in rows if r.donor_id == donor and r.passage is not None), key=lambda r: r.passage or 0)
        if not held:
            continue
        highest: dict[float, float] = {}
        for row in held:
            if row.share is not None:
                x = _x(row.passage or 0, last)
                highest[x] = min(highest.get(x, BOTTOM), _y(row.share))
        made.append(
            Panel(
                donor,
                tuple(_mark(row, last) for row in held),
                "".join(f"{'L' if n else 'M'}{x:g} {y:g}" for n, (x, y) in enumerate(highest.items())),
                _finding(held),
            )
        )
    return made


def _last(rows: Sequence[LotPoint]) -> float:
    return max([row.passage or 0 for row in rows] + [1])


def _x(passage: float, last: float) -> float:
    return round(LEFT + 8 + (RIGHT - LEFT - 16) * passage / last, 1)


def _y(share: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * min(max(share, 0.0), 1.0), 1)


def _mark(row: LotPoint, last: float) -> Mark:
    sign, word = OUTCOMES[row.outcome]
    known = "share not known" if row.share is None else f"largest change in {percent(row.share)} of cells"
    return Mark(
        x=_x(row.passage or 0, last),
        y=UNKNOWN if row.share is None else _y(row.share),
        lod=None if row.lod is None or row.share is None else _y(row.lod),
        outcome=row.outcome,
        sign=sign,
        text=f"{row.lot_id}, passage {number(row.passage)}: {word}, {known}",
    )


def _finding(rows: Sequence[LotPoint]) -> str:
    """What the panel of one donor shows."""
    known = [row for row in rows if row.share is not None]
    changed = [row for row in known if row.share]
    if not changed:
        return f"No change called in {plural(len(known), 'assessed lot')}." if known else "No lot could be assessed."
    return f"{len(changed)} of {plural(len(known), 'assessed lot')} changed, the first at passage {number(changed[0].passage)}."


def caption(rows: Sequence[LotPoint]) -> Caption:
    """The trend figure."""
    known = [row for row in rows if row.share is not None]
    changed = [row for row in known if row.share]
    finding = f"{plural(len(changed), 'lot').capitalize()} of {len(known)} assessed {'carries' if len(changed) == 1 else 'carry'}"
    finding += " a called change"
    if changed:
        top = max(changed, key=lambda row: row.share or 0)
        passage = "" if top.passage is None else f", passage {number(top.passage)}"
        finding += (
            f"; the largest share, {percent(top.share)} of cells, is in {top.lot_id} (donor {top.donor_id}{passage})"
        )
    left = sum(row.passage is None for row in rows)
    claimed = claim(rows)
    size = "of the size each lot's claim is made for" if claimed is None else f"of {number(claimed)} Mb"
    reading = ("One panel per donor. " if len({row.donor_id for row in rows}) > 1 else "") + (
        "Height of a sign: largest share of cells with one called change, 0 = none called; the sign is the"
        f" verdict. Grey bar: below its top a change {size} could be present and unseen. The line joins the highest lot of each"
        " passage. Below the axis: lots without a verdict on stability."
    )
    if left:
        reading += f" Without a passage, not drawn: {plural(left, 'lot')}."
    return Caption(finding + ".", reading)


def recurrent(rows: Sequence[OverviewRow]) -> list[Recurrent]:
    """Arms changed in more than one lot, the most frequent first, then in genome order. 'mixed' counts as gain and loss; lots
    without a verdict on stability do not count."""
    found: dict[str, list[tuple[OverviewRow, str]]] = {}
    for row in rows:
        for arm in row.arms:
            states = found.setdefault((arm.chrom + arm.arm).removeprefix("chr"), [])
            if arm.state not in ("none", "blind", "withheld"):
                states.append((row, arm.state))
    made = [
        Recurrent(
            name,
            sum(state in ("gain", "part-gain", "mixed") for _, state in states),
            sum(state in ("loss", "part-loss", "mixed") for _, state in states),
            len({row.donor_id for row, _ in states}),
            tuple(row.lot_id for row, _ in states),
        )
        for name, states in found.items()
        if len(states) > 1
    ]
    return sorted(made, key=lambda arm: -len(arm.lots))
