"""Clones over the passages of a line of lots: how little of one is detectable in all lots together, and how fast it grows.

Fractions are of the cells, 0..1, and refer to the ploidy of each lot as `contracts.cells` has it. null = not known.
"""

from typing import Literal, NamedTuple

import pandas as pd

from karyolot.contracts.criteria import Frozen


class LineLot(NamedTuple):
    """A lot of a line. sets: of chromosomes in its cells, None = not measured. counts: schema Counts; calls: schema Calls,
    its own. usable: the lot has a verdict on stability; the last lot of a line is read whatever its own will be."""

    lot_id: str
    passage: float | None
    sets: float | None
    counts: pd.DataFrame
    calls: pd.DataFrame
    usable: bool = True


class CloneFraction(Frozen):
    """One lot's own estimate of a clone, with its 95 % interval. called: the change is among the lot's own calls."""

    lot_id: str
    passage: float | None
    fraction: float
    low: float
    high: float
    called: bool


class Growth(Frozen):
    """Constant growth of a clone, fitted to all lots of the line.

    rate: natural logarithm of the factor by which the odds of the changed cells rise per passage, with its 95 % interval; low,
    high null = the lots do not bound it on that side. fit: probability of a deviation from constant growth at least as large as
    the one seen; null = two lots, which any growth fits. passage, expected: one interval between passages ahead of the last lot,
    and the fraction expected there with its 95 % interval; expected null = growth was not constant.
    """

    rate: float
    low: float | None
    high: float | None
    fit: float | None
    passage: float
    expected: float | None
    expected_low: float | None
    expected_high: float | None


class Clone(Frozen):
    """A copy-number change followed through a line, at the same breakpoints in every lot. Positions are 0-based half-open.

    found: 'lots' = called in at least one lot by itself, 'line' = called only in all lots together. recurrent: a whole
    chromosome or arm, or in a recurrent region, which lots acquire independently more often than others. fractions: by lot,
    the oldest first. donor_limit: cell fraction from which on the donor's own reads would have shown it. growth null: fewer
    than two passages, or more than one copy changed.
    """

    name: str
    chrom: str
    start: int
    end: int
    type: Literal["gain", "loss"]
    found: Literal["lots", "line"]
    recurrent: bool
    fractions: tuple[CloneFraction, ...]
    donor_limit: float
    growth: Growth | None


class LeftOut(Frozen):
    """An earlier lot that was not used, and why."""

    lot_id: str
    reason: str


class Kinetics(Frozen):
    """A line of lots together. lots, passages: those used, the oldest first. weights: of each in the joint ratio, summing to 1;
    donor_weight: of the donor's own track, whose noise is in all of them.

    limit_*: smallest cell fraction of a change of claim_mb that is called when it is equally frequent in all lots; alone_*: by
    the last lot alone, from the same bins. null = none is. reason: why nothing was evaluated, '' = it was.
    """

    lots: tuple[str, ...]
    passages: tuple[float | None, ...]
    left_out: tuple[LeftOut, ...]
    weights: tuple[float, ...]
    donor_weight: float
    claim_mb: float
    limit_gain: float | None
    limit_loss: float | None
    alone_gain: float | None
    alone_loss: float | None
    clones: tuple[Clone, ...]
    reason: str
