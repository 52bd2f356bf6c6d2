"""Control charts of individuals and moving ranges (I-MR): is a process as it was, over lots and along a line of passages?

Standard deviation from the mean moving range of two (Shewhart's d2 = 1.128, D4 = 3.267; ISO 7870-2), which a slow shift of the
process does not inflate as it does the spread of all values.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

import numpy as np

from karyolot.contracts.front import UNRECORDED
from karyolot.contracts.overview import Measure, OverviewRow

D2, D4 = 1.128, 3.267
"""Mean of the range of two normal values over their standard deviation; upper limit of a moving range over the mean one."""
FEWEST = 8
"""Lots below which limits would be little more than chance: the standard deviation is then uncertain by a third or more."""
MOST_LINES = 30
"""Lines with charts: beyond, a page of a thousand lots would be mostly these."""
ALERT, ACTION = 2.0, 3.0
"""Standard deviations from the mean."""
CONTROL = "CONTROL"
"""Bank of a physical control lot, which is sequenced beside each batch."""


class Signal(NamedTuple):
    """A lot beyond a limit."""

    lot_id: str
    level: Literal["action", "alert"]


@dataclass(frozen=True)
class Chart:
    """One metric. lots, values: in order. passages: of a line, null = not recorded."""

    title: str
    unit: str
    lots: tuple[str, ...]
    values: tuple[float, ...]
    passages: tuple[float | None, ...]

    @cached_property
    def centre(self) -> float:
        return float(np.mean(self.values))

    @cached_property
    def ranges(self) -> tuple[float, ...]:
        """Moving ranges: each value from the one before."""
        return tuple(abs(after - before) for before, after in pairwise(self.values))

    @cached_property
    def sd(self) -> float | None:
        """Standard deviation of the process; None = limits are not set."""
        if len(self.values) < FEWEST:
            return None
        found = float(np.mean(self.ranges)) / D2
        return found if found > 0 else None

    @cached_property
    def range_limit(self) -> float | None:
        """Upper limit of a moving range."""
        return None if self.sd is None else D4 * float(np.mean(self.ranges))

    @cached_property
    def unset(self) -> str:
        """Why limits are not set; '' = they are."""
        if len(self.values) < FEWEST:
            return f"n < {FEWEST}: limits not set"
        return "no variation: limits not set" if self.sd is None else ""

    @cached_property
    def signals(self) -> tuple[Signal, ...]:
        """Lots beyond the alert or the action limit."""
        if self.sd is None:
            return ()
        away = [abs(value - self.centre) / self.sd for value in self.values]
        return tuple(
            Signal(lot, "action" if far > ACTION else "alert")
            for lot, far in zip(self.lots, away, strict=True)
            if far > ALERT
        )


class Group(NamedTuple):
    """Charts of the same lots. kind: lots of one bank in the order of sampling, a line of passages, or the control lot. name: the
    bank, or the last lot of the line. undated: lots of the bank without a date, which have no position in the order."""

    kind: Literal["lots", "line", "control"]
    name: str
    charts: tuple[Chart, ...]
    undated: int = 0


def groups(rows: Sequence[OverviewRow]) -> tuple[list[Group], int]:
    """Charts of a study: of the control lot, of the lots of each bank, of each line of at least two lots; and the number of lines
    beyond MOST_LINES, the shortest, which have none.

    Lots are joined within one bank (stage of the process), passages from parent to child alone. A lot without a verdict on
    stability has no value of a stability criterion.
    """
    lines = [group for group in _of_lines(rows) if group.charts]
    longest = sorted(lines, key=lambda group: -len(group.charts[0].lots))[:MOST_LINES]
    banks = [group for group in _of_banks(rows) if group.charts or group.undated]
    return [*banks, *(group for group in lines if group in longest)], len(lines) - len(longest)


def _of_banks(rows: Sequence[OverviewRow]) -> Iterator[Group]:
    by_bank = sorted(rows, key=lambda row: (row.bank != CONTROL, row.bank, row.sampled, row.lot_id))
    for bank, members in groupby(by_bank, key=lambda row: row.bank):
        held = list(members)
        dated = [row for row in held if row.sampled != UNRECORDED]
        kind: Literal["lots", "control"] = "control" if bank == CONTROL else "lots"
        yield Group(kind, bank, _charts(dated), len(held) - len(dated))


def _of_lines(rows: Sequence[OverviewRow]) -> Iterator[Group]:
    """From each lot that no other was grown from back to the first."""
    known = {row.lot_id: row for row in rows}
    parents = {row.parent for row in rows}
    for row in sorted(rows, key=lambda one: one.lot_id):
        if row.lot_id in parents:
            continue
        line = [row]
        while (parent := known.get(line[0].parent or "")) is not None and parent not in line:
            line.insert(0, parent)
        if len(line) > 1:
            yield Group("line", row.lot_id, _charts(line))


def _charts(rows: Sequence[OverviewRow]) -> tuple[Chart, ...]:
    """Of every metric that at least two of the lots have, in the order of the criteria; of one that never varies none."""
    found: dict[str, list[tuple[OverviewRow, Measure]]] = {}
    for row in rows:
        for measure in row.measures:
            found.setdefault(measure.metric, []).append((row, measure))
    made = []
    for held in found.values():
        values = tuple(measure.value for _, measure in held)
        if len(values) > 1 and len(set(values)) > 1:
            last = held[-1][1]
            lots, passages = tuple(row.lot_id for row, _ in held), tuple(row.passage for row, _ in held)
            made.append(Chart(last.title, last.unit, lots, values, passages))
    return tuple(made)
