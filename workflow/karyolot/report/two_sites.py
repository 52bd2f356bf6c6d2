"""Records of one reference lot from two sites: verdicts, criteria and changes side by side, and limits of agreement.

Bland and Altman (1986), Lancet 327:307: bias is the mean of the differences, limits are bias -/+ 1.96 standard deviations; the
standard error of a limit is sqrt(3 / n) standard deviations, its interval from Student's t with n - 1 degrees of freedom.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy import stats

from karyolot.contracts.record import Record
from karyolot.contracts.record_dna import CallRow

LEAST = 8
"""Pairs from which limits are set."""
NORMAL = 1.96
OVERLAP = 0.5
"""Fraction of the longer of two changes that both must cover to be one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Agreement of paired values, B minus A. low, high: limits of agreement; *_interval: their 95 % confidence intervals.
    None = fewer than LEAST pairs."""

    what: str
    unit: str
    pairs: int
    bias: float | None
    sd: float | None
    low: float | None
    high: float | None
    low_interval: tuple[float, float] | None
    high_interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Value:
    """One value at both sites; None = not there. differs: whether an outcome is another."""

    name: str
    a: str | float | bool | None
    b: str | float | bool | None
    differs: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """outcomes: verdict and criteria; values: numbers of criteria; events: fractions of cells of called changes, matched by
    position; limits: of arms and of changes."""

    a: str
    b: str
    outcomes: tuple[Value, ...]
    values: tuple[Value, ...]
    events: tuple[Value, ...]
    limits: tuple[Limits, ...]


def compare(a: Record, b: Record) -> Comparison:
    """Two records of one lot. Values of criteria that are not numbers are compared by outcome alone."""
    judged = [{one.id: one for one in record.verdict.criteria} for record in (a, b)]
    ids = list(dict.fromkeys((*judged[0], *judged[1])))
    pairs = [(name, judged[0].get(name), judged[1].get(name)) for name in ids]
    outcomes = [Value("verdict", a.verdict.outcome, b.verdict.outcome, a.verdict.outcome != b.verdict.outcome)]
    for name, one, two in pairs:
        said = (one.outcome if one else None), (two.outcome if two else None)
        outcomes.append(Value(name, *said, said[0] != said[1]))
    values = [
        Value(f"{name} {one.metric}", one.value, two.value, one.value != two.value)
        for name, one, two in pairs
        if one and two and _is_number(one.value) and _is_number(two.value)
    ]
    arms = _paired(
        *({row.name: row.log2 for row in record.copy_number.arms if row.scope == "arm"} for record in (a, b))
    )
    events = _events(a.copy_number.calls, b.copy_number.calls)
    shared = [(one.a, one.b) for one in events if isinstance(one.a, float) and isinstance(one.b, float)]
    limits = (agreement("arms", "log2", arms), agreement("changes", "fraction of cells", shared))
    return Comparison(_named(a), _named(b), tuple(outcomes), tuple(values), tuple(events), limits)


def agreement(what: str, unit: str, pairs: list[tuple[float, float]]) -> Limits:
    """Bias and limits of agreement of paired values (A, B)."""
    if len(pairs) < LEAST:
        return Limits(what, unit, len(pairs), *[None] * 6)
    differences = np.diff(np.array(pairs), axis=1)[:, 0]
    count, bias, sd = len(pairs), float(differences.mean()), float(differences.std(ddof=1))
    half = float(stats.t.ppf(0.975, count - 1)) * sd * sqrt(3 / count)
    low, high = bias - NORMAL * sd, bias + NORMAL * sd
    return Limits(what, unit, count, bias, sd, low, high, (low - half, low + half), (high - half, high + half))


def _events(a: tuple[CallRow, ...], b: tuple[CallRow, ...]) -> list[Value]:
    """Changes of both, matched one to one by type and position, then those of one site alone."""
    left, found = list(b), []
    for one in a:
        match = next((two for two in left if _same(one, two)), None)
        if match is not None:
            left.remove(match)
        found.append(Value(one.name, one.fraction, match.fraction if match else None, match is None))
    return found + [Value(two.name, None, two.fraction, True) for two in left]


def _same(one: CallRow, two: CallRow) -> bool:
    overlap = min(one.end, two.end) - max(one.start, two.start)
    longer = max(one.end - one.start, two.end - two.start)
    return (one.chrom, one.type) == (two.chrom, two.type) and overlap >= OVERLAP * longer


def _paired(a: dict[str, float | None], b: dict[str, float | None]) -> list[tuple[float, float]]:
    """Values both sites have, by name."""
    return [(one, two) for name, one in a.items() if one is not None and (two := b.get(name)) is not None]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _named(record: Record) -> str:
    site = record.made.site if record.made and record.made.site else "site not recorded"
    return f"{record.lot.lot_id}, {site}, report {record.report_id}"
