"""Words on clones over passages: how little of one the lots of a line show together, and how fast each grows."""

import math

from karyolot.contracts.cells import interval
from karyolot.contracts.descent import Descent
from karyolot.contracts.kinetics import Clone, Growth, Kinetics
from karyolot.contracts.text import CloneText, KineticsText
from karyolot.report.words import listed, number, percent, plural, power_of_ten, within_sentence

NAMED, MARKERS = 20, 4


def section(kinetics: Kinetics) -> KineticsText:
    """The folded part of a report."""
    return KineticsText(
        heading=_heading(kinetics),
        limit=_limit(kinetics),
        left_out=" ".join(f"{lot.lot_id} was not used: {lot.reason}." for lot in kinetics.left_out),
        clones=tuple(_clone(clone) for clone in kinetics.clones),
        reading=_READING,
    )


_READING = (
    "All lots are compared at the same breakpoints. Their ratios share the noise of the donor, so growth and limits are computed"
    " with the measured covariance of the lots. Model: constant selection, in which the odds of the"
    " changed cells rise by a constant factor per passage. The prediction holds if culture continues unchanged."
)


def _heading(kinetics: Kinetics) -> str:
    if kinetics.reason:
        return "Clones across passages: not evaluated"
    return f"Clones across passages: {plural(len(kinetics.clones), 'clone')} in {plural(len(kinetics.lots), 'lot')}"


def _limit(kinetics: Kinetics) -> str:
    if kinetics.reason:
        return f"Not evaluated: {kinetics.reason}."
    who = f"{plural(len(kinetics.lots), 'lot')} together ({listed(kinetics.lots, NAMED)})"
    size = f"{number(kinetics.claim_mb)} Mb"
    if kinetics.limit_gain is None or kinetics.limit_loss is None:
        return f"No detection limit could be set for {size} changes in {who}."
    alone = [None if one is None else percent(one) for one in (kinetics.alone_gain, kinetics.alone_loss)]
    limits = "no limit" if None in alone else f"{alone[0]} or {alone[1]}"
    compared = f"{kinetics.lots[-1]} alone: {limits}"
    return (
        f"Detection limit in {who} for a {size} change present at the same cell fraction in each:"
        f" {percent(kinetics.limit_gain)} (gain) or {percent(kinetics.limit_loss)} (loss) of cells; {compared}."
    )


def _clone(clone: Clone) -> CloneText:
    called = [own.lot_id for own in clone.fractions if own.called]
    return CloneText(
        found=f"Called in {listed(called, NAMED)}." if called else "Called only in the joint analysis of all lots.",
        donor=f"Detectable in the donor from {percent(clone.donor_limit)} of cells.",
        growth=_growth(clone.growth),
        expected=expected(clone.growth) if clone.growth else "",
    )


def _growth(growth: Growth | None) -> str:
    """'1.31-fold (1.26 to 1.36)': the factor of the odds per passage."""
    if growth is None:
        return "not determined: the lots cover fewer than two known passages, or more than one copy changed"
    low, high = (None if end is None else _factor(end) for end in (growth.low, growth.high))
    if low is None and high is None:
        return "not determined by these lots"
    if high is None:
        return f"at least {low}-fold"
    if low is None:
        return f"at most {high}-fold"
    return f"{_factor(growth.rate)}-fold (95% CI {low} to {high})"


def _factor(rate: float) -> str:
    return f"{math.exp(rate):.2f}"


def expected(growth: Growth) -> str:
    """'At passage 10: 22% (95% CI 15% to 31%)', or why nothing is expected."""
    if growth.expected is None or growth.expected_low is None or growth.expected_high is None:
        return f"growth was not constant (p {growth.fit:.1g}); no prediction is made"
    ends = interval(growth.expected_low, growth.expected_high)
    return f"at passage {number(growth.passage)}: {percent(growth.expected)} (95% CI {ends})"


def descent(found: Descent) -> str:
    """Is the lot of its parent lot, by what the reads can carry."""
    if found.parent is None:
        return f"Descent from the parent lot: not tested ({found.reason})."
    head = f"Descent from {found.parent}: {DESCENTS[found.result]}"
    if not found.markers:
        return f"{head}; {found.reason}. Genotypes do not distinguish lots of one donor."
    own, needed, against = (power_of_ten(found.log10_ratio, 1), *map(power_of_ten, (found.needed, -found.needed)))
    ratio = f"likelihood ratio {own}, {needed} or {against} needed"
    named = [
        f"{within_sentence(marker.name)} ({percent(marker.parent)} there, {percent(marker.own)} here)"
        for marker in found.markers
        if marker.counted
    ]
    return f"{head} ({ratio}), by {listed(named, MARKERS)}."


DESCENTS = {
    "MATCHES PARENT": "matches",
    "CONTRADICTS": "contradicted",
    "NOT ENOUGH": "not enough evidence",
}
"""Result -> as the report has it."""


def in_short(kinetics: Kinetics | None) -> str:
    """One sentence on the clone expected in most cells at the passage ahead; '' where none is."""
    ahead = [
        (clone, clone.growth)
        for clone in (kinetics.clones if kinetics else ())
        if clone.growth is not None and clone.growth.expected is not None
    ]
    if not ahead:
        return ""
    clone, growth = max(ahead, key=lambda pair: pair[1].expected or 0.0)
    return f"With unchanged growth, {within_sentence(clone.name)} is expected {expected(growth)} of cells."
