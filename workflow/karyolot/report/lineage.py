"""Called changes followed from passage to passage, through the lots a lot was grown from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from karyolot.contracts.record import LineageEvent, LineageFraction
from karyolot.contracts.record_dna import CallRow, CopyNumberRecord
from karyolot.report.calls import limit_at

SAME = 0.5
"""Overlap, of the shorter of two calls of one type, from which on they count as one change."""
State = Literal["new", "grown", "shrunk", "unchanged", "gone", "absent", "unknown"]


@dataclass(frozen=True)
class Passage:
    """A lot of the line. copies: None = it has no verdict on stability, so what it shows is not read."""

    lot_id: str
    copies: CopyNumberRecord | None


@dataclass
class _Event:
    """One change: the call that named it last, and the call of each lot by its position in the line."""

    last: CallRow
    calls: dict[int, CallRow] = field(default_factory=dict)


def lineage(line: Sequence[Passage]) -> tuple[LineageEvent, ...]:
    """What was called in any lot of the line, the oldest lot first; of a lot without ancestors nothing."""
    if len(line) < 2:
        return ()
    found: list[_Event] = []
    for place, passage in enumerate(line):
        for call in passage.copies.calls if passage.copies else ():
            if call.origin == "lost":
                continue
            known = next((event for event in found if _alike(event.last, call) and place not in event.calls), None)
            if known is None:
                known = _Event(call)
                found.append(known)
            known.last = call
            known.calls[place] = call
    return tuple(_followed(event, line) for event in found)


def _alike(one: CallRow, other: CallRow) -> bool:
    overlap = min(one.end, other.end) - max(one.start, other.start)
    shorter = min(one.end - one.start, other.end - other.start)
    return one.chrom == other.chrom and one.type == other.type and overlap >= SAME * shorter


def _followed(event: _Event, line: Sequence[Passage]) -> LineageEvent:
    return LineageEvent(
        name=event.last.name,
        lots=tuple(_fraction(passage, event.calls.get(place), event.last) for place, passage in enumerate(line)),
        state=_state(event, line),
    )


def _fraction(passage: Passage, call: CallRow | None, event: CallRow) -> LineageFraction:
    return LineageFraction(
        lot_id=passage.lot_id,
        fraction=call.fraction if call else None,
        low=call.fraction_low if call else None,
        high=call.fraction_high if call else None,
        limit=None if passage.copies is None else limit_at(event, passage.copies),
    )


def _state(event: _Event, line: Sequence[Passage]) -> State:
    """Against the parent lot. Apart are fractions whose intervals do not touch; absent is what would have been found."""
    here, parent = event.calls.get(len(line) - 1), event.calls.get(len(line) - 2)
    if here is not None and parent is not None:
        if here.fraction_low > parent.fraction_high:
            return "grown"
        return "shrunk" if here.fraction_high < parent.fraction_low else "unchanged"
    if here is not None:
        return "new" if _would_show(line[-2], here) else "unknown"
    if parent is None:
        return "absent" if all(_would_show(passage, event.last) for passage in line[-2:]) else "unknown"
    return "gone" if _would_show(line[-1], parent) else "unknown"


def _would_show(passage: Passage, call: CallRow) -> bool:
    limit = None if passage.copies is None else limit_at(call, passage.copies)
    return limit is not None and limit <= call.fraction
