"""Log2 ratio <-> copies <-> cell fraction of a one-copy change, in diploid and polyploid cells, and how fractions are worded.

Read depth sees the ratio alone. With P copies in a diploid cell and s sets of chromosomes per cell on average (2 = diploid),
one copy more or fewer in a fraction f of the cells gives the ratio 1 +- 2 f / (P s), whichever of the cells carry it. Every
statement on cells uses these functions: `sets` None = the DNA content was not measured, and the fraction is that of diploid
cells; of tetraploid ones it is twice as large. Alleles follow the same rule: 2 + f of 4 + f is 1 + f/2 of 2 + f/2.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

DIPLOID, TETRAPLOID = 2.0, 4.0
"""Sets of chromosomes."""
ALL = 0.995
"""From this fraction on a statement reads 'all cells'; above 1 more than one copy changed, or the estimate is above the truth."""
LADDER_ERROR = 0.01
"""Cell fraction by which the centre of the genome may shift all levels alike, beyond the interval of each."""
LADDER_CHANCE = 0.1
"""Chance that intervals as wide as a lot's hold steps of the ladder by accident, above which no hint is given."""


def fraction_of_cells(log2: ArrayLike, copies: ArrayLike, sets: float | None = None) -> Floats:
    """Fraction of cells in which one copy was gained or lost: |2**log2 - 1| * copies * sets / 2.

    copies: of the donor in a diploid cell. Above 1: more than one copy changed. Holds for a donor with these copies in every
    cell, of whatever ploidy: a balanced mixture of 2n, 4n and 8n cells cancels.
    """
    shift = np.abs(np.exp2(np.asarray(log2, dtype=float)) - 1)
    return np.asarray(shift * np.asarray(copies, dtype=float) * (sets or DIPLOID) / DIPLOID)


def fraction_interval(
    low: ArrayLike, high: ArrayLike, copies: ArrayLike, sets: float | None = None
) -> tuple[Floats, Floats]:
    """The interval [low, high] of a log2 ratio as cell fractions; the lower end is 0 when the interval holds 0."""
    a, b = fraction_of_cells(low, copies, sets), fraction_of_cells(high, copies, sets)
    holds_zero = (np.asarray(low) <= 0) & (np.asarray(high) >= 0)
    return np.where(holds_zero, 0.0, np.minimum(a, b)), np.maximum(a, b)


def detectable_fraction(log2_shift: ArrayLike, copies: int, sets: float | None = None) -> tuple[Floats, Floats]:
    """Smallest cell fraction whose gain, loss moves the log2 ratio by `log2_shift` (> 0)."""
    shift = np.asarray(log2_shift, dtype=float)
    return fraction_of_cells(shift, copies, sets), fraction_of_cells(-shift, copies, sets)


def kept_fragments(fraction: ArrayLike, type_: str, copies: int = 2) -> Floats:
    """Part of the fragments that stay when a change of one copy in this fraction of cells is made by thinning.

    A loss thins the lot's fragments, a gain the donor's, as a fragment that was not sequenced cannot be made up. type_: 'loss'
    or 'gain'. copies: of the donor.
    """
    moved = np.asarray(fraction, dtype=float) / copies
    return np.asarray(1 - moved if type_ == "loss" else 1 / (1 + moved))


def in_sets(diploid: ArrayLike, sets: float | None) -> Floats:
    """The fraction of cells with `sets` sets of chromosomes that gives the same ratio as this fraction of diploid cells."""
    return np.asarray(np.asarray(diploid, dtype=float) * (sets or DIPLOID) / DIPLOID)


def of_diploid(fraction: ArrayLike, sets: float | None) -> Floats:
    """The inverse of `in_sets`."""
    return np.asarray(np.asarray(fraction, dtype=float) * DIPLOID / (sets or DIPLOID))


def tetraploid(fraction: float | None, sets: float | None) -> float | None:
    """The reading of a fraction in tetraploid cells; None where the DNA content was measured, as the fraction holds for it."""
    return None if fraction is None or sets is not None else float(in_sets(fraction, TETRAPLOID))


def tetraploid_limit(limit: float | None, sets: float | None) -> float | None:
    """As `tetraploid`, for a limit of detection; None also where a change of one copy is not detectable in all cells."""
    other = tetraploid(limit, sets)
    return None if other is None or other > 1 else other


def on_ladder(intervals: Sequence[tuple[float, float]]) -> bool:
    """Whether changes lie at the levels of clonal changes in tetraploid cells, where one copy moves the ratio by 1/4.

    All intervals (diploid cell fractions) hold a multiple of 1/2, at least one an odd one, which in diploid cells would be a
    change in half of the cells, and intervals of such widths would rarely do so by chance. A hint, not a measurement.
    """
    wide = [(low - LADDER_ERROR, high + LADDER_ERROR) for low, high in intervals]
    steps = [(max(int(np.ceil(2 * low)), 1), int(np.floor(2 * high))) for low, high in wide]
    fits = all(first <= last for first, last in steps)
    odd = any(first <= last and (first % 2 or last > first) for first, last in steps)
    chance = np.prod([min(1.0, 2 * (high - low)) for low, high in wide])
    return bool(fits and odd and chance <= LADDER_CHANCE)


def minus(number: str) -> str:
    """A formatted number with the typographic minus sign."""
    return number.replace("-", "−")


def percent(fraction: float) -> str:
    """A fraction in per cent; one decimal below 10 %."""
    return f"{fraction:.0%}" if fraction >= 0.095 else minus(f"{fraction:.1%}")


def share(fraction: float) -> str:
    """'60%', or 'all' from ALL on."""
    return "all" if fraction >= ALL else percent(fraction)


def interval(low: float, high: float) -> str:
    """'57% to 63%'; no end above all cells."""
    if low >= 1:
        return "100%"
    return f"{percent(min(low, 1.0))} to {percent(min(high, 1.0))}"


def cells(fraction: float, sets: float | None) -> str:
    """In how many cells a change was found: '12% of diploid or 24% of tetraploid cells', '12% of cells' of a known content."""
    if sets is not None:
        return _of(share(fraction), "cells")
    other = float(in_sets(fraction, TETRAPLOID))
    if other > 2 - ALL:  # what rounds to all of them is no more than one copy
        return f"{_of(share(fraction), 'diploid cells')} (tetraploid: more than one copy)"
    return f"{percent(fraction)} of diploid or {_of(share(other), 'tetraploid cells')}"


def cells_briefly(fraction: float, sets: float | None) -> str:
    """'60% of diploid cells', for a label beside a mark."""
    return _of(share(fraction), "diploid cells" if sets is None else "cells")


def detectable(fraction: float, sets: float | None) -> str:
    """From how many cells on a change is detectable: '14% of diploid or 28% of tetraploid cells'."""
    if sets is None and tetraploid_limit(fraction, sets) is None:
        return f"{_of(share(fraction), 'diploid cells')} (not detectable in tetraploid cells)"
    return cells(fraction, sets)


def detectable_both(gain: float, loss: float, sets: float | None) -> str:
    """'14% (gain) or 13% (loss) of diploid cells (tetraploid: 28% or 26%)': limits of detection of both."""
    both = f"{share(gain)} (gain) or {share(loss)} (loss) of"
    if sets is not None:
        return f"{both} cells"
    words = ["not detectable" if x is None else share(x) for x in (tetraploid_limit(f, None) for f in (gain, loss))]
    return f"{both} diploid cells (tetraploid: {' or '.join(dict.fromkeys(words))})"


def _of(part: str, noun: str) -> str:
    return f"all {noun}" if part == "all" else f"{part} of {noun}"


CONDITION = " This holds if"
"""The beginning of the condition of a claim."""


def rests_on_track(moved: float | None, lod: float, claim_mb: float, sets: float | None) -> str:
    """The condition of a claim where the replication-timing correction moved more than the limit of detection `lod`: a track
    made from the lot's own reads would hide as much. moved: cell fraction, None = no track; '' = no condition."""
    if moved is None or moved <= lod:
        return ""
    return (
        f"{CONDITION} the replication-timing track was not made from reads of this lot or its donor: its correction moved"
        f" regions of {claim_mb:g} Mb by as much as a gain in {cells(moved, sets)} would."
    )
