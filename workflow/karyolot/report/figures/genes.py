"""Fold change of every gene against its level: an MA plot with fixed axes, so that two reports can be laid side by side."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from karyolot.contracts.record_rna import ExpressionRecord, GeneRow
from karyolot.report.figures.genome import BOLD
from karyolot.report.words import axis

WIDTH, HEIGHT = 620.0, 340.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 606.0, 22.0, 300.0
MEANS = (0.0, 5.5)
"""log10(mean normalised count + 1) at the ends of the axis."""
CHANGES = (-10.0, 10.0)
"""log2 fold change at the ends of the axis; triangles beyond it."""
NAMED = 5
"""Genes named on either side of zero."""
LINE = 14.0
"""Height of a name: names that would touch are moved apart."""


@dataclass(frozen=True)
class Name:
    """A gene by name: its point, and where the name begins or ends."""

    text: str
    x: float
    y: float
    label_x: float
    label_y: float
    end: bool


@dataclass(frozen=True)
class MaPlot:
    """paths: points by what they show ('even', 'gain', 'loss'); triangles: the same, beyond the axis."""

    paths: dict[str, str]
    triangles: dict[str, str]
    names: tuple[Name, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    zero: float


STATES = {0: "even", 1: "gain", -1: "loss"}


def _x(mean: float) -> float:
    low, high = MEANS
    return round(LEFT + (RIGHT - LEFT) * (min(max(mean, low), high) - low) / (high - low), 1)


def _y(change: float) -> float:
    low, high = CHANGES
    return round(BOTTOM - (BOTTOM - TOP) * (min(max(change, low), high) - low) / (high - low), 1)


def ma_plot(record: ExpressionRecord) -> MaPlot | None:
    """All genes; None where the record has none."""
    track = record.genes
    if not track.mean:
        return None
    paths: dict[str, list[str]] = {name: [] for name in STATES.values()}
    triangles: dict[str, list[str]] = {name: [] for name in STATES.values()}
    for mean, change, state in zip(track.mean, track.change, track.state, strict=True):
        x, y = _x(mean / track.mean_steps), _y(change / track.change_steps)
        if CHANGES[0] <= change / track.change_steps <= CHANGES[1]:
            paths[STATES[state]].append(f"M{x:g} {y:g}h0")
        else:
            triangles[STATES[state]].append(f"M{x:g} {y:g}l4 {7 if change > 0 else -7}h-8z")
    return MaPlot(
        paths={name: "".join(held) for name, held in paths.items() if held},
        triangles={name: "".join(held) for name, held in triangles.items() if held},
        names=(*_named(record.top_up, up=True), *_named(record.top_down, up=False)),
        x_ticks=tuple((_x(math.log10(count + 1)), f"{count:,}") for count in (0, 10, 100, 1_000, 10_000, 100_000)),
        y_ticks=tuple((_y(value), axis(value)) for value in (-10, -5, 0, 5, 10)),
        zero=_y(0),
    )


def _named(rows: Sequence[GeneRow], *, up: bool) -> list[Name]:
    """The first genes, names stacked away from zero so that none touches another."""
    made: list[Name] = []
    for row in sorted(rows[:NAMED], key=lambda row: row.log2fc, reverse=not up):
        x, y = _x(math.log10(row.mean + 1)), _y(row.log2fc)
        end = x + 8 + BOLD * len(row.gene_name) > RIGHT
        label = y + 4
        if made:
            label = min(made[-1].label_y - LINE, label) if up else max(made[-1].label_y + LINE, label)
        made.append(Name(row.gene_name, x, y, x - 8 if end else x + 8, round(label, 1), end))
    top, bottom = TOP + 11, BOTTOM - 4
    over = max([top - name.label_y for name in made] + [name.label_y - bottom for name in made] + [0.0])
    moved = over if up else -over
    return [Name(n.text, n.x, n.y, n.label_x, round(n.label_y + moved, 1), n.end) for n in made]
