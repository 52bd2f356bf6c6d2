"""A lot's chromosome arms in one small drawing: a cell per arm, coloured where it changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from karyolot.contracts.overview import ArmState

CELL, GAP, HEIGHT = 5.0, 2.0, 16.0
"""Width of an arm's cell, room between chromosomes, and height, in pixels."""


@dataclass(frozen=True)
class Strip:
    """paths: shapes by what they show ('none', 'gain', 'loss', 'mixed', 'blind', 'withheld')."""

    paths: Mapping[str, str]


@dataclass(frozen=True)
class StripLayout:
    """Where each arm's cell lies; chromosomes: name and centre of each."""

    cells: Mapping[tuple[str, str], float]
    chromosomes: tuple[tuple[str, float], ...]
    width: float


def layout(columns: Mapping[str, Sequence[str]]) -> StripLayout:
    """columns: arms by chromosome, in genome order."""
    cells, named, x = {}, [], 0.0
    for chrom, arms in columns.items():
        named.append((chrom.removeprefix("chr"), x + CELL * len(arms) / 2))
        for arm in arms:
            cells[chrom, arm] = x
            x += CELL
        x += GAP
    return StripLayout(cells, tuple(named), max(x - GAP, 1.0))


def strip(states: Mapping[tuple[str, str], ArmState], place: StripLayout) -> Strip:
    """The drawing of one lot; an arm it does not have is 'blind'."""
    paths: dict[str, list[str]] = {}
    for key, x in place.cells.items():
        state = states.get(key, "blind").removeprefix("part-")
        flat = state in ("blind", "withheld")
        top, height = (HEIGHT / 2 - 0.5, 1.0) if flat else (0.0, HEIGHT)
        paths.setdefault(state, []).append(f"M{x:g} {top:g}h{CELL - 1:g}v{height:g}h-{CELL - 1:g}z")
    return Strip({state: "".join(parts) for state, parts in paths.items()})


def changed(states: Mapping[tuple[str, str], ArmState]) -> tuple[str, ...]:
    """Arms with a called change, with its sign: '+8p', '-18q'."""
    signs = {"gain": "+", "loss": "−", "mixed": "±"}
    return tuple(
        signs[kind] + (chrom + arm).removeprefix("chr")
        for (chrom, arm), state in states.items()
        if (kind := state.removeprefix("part-")) in signs
    )
