"""Words on control charts."""

from collections.abc import Sequence

from karyolot.contracts.text import Caption
from karyolot.report.control import ACTION, ALERT, FEWEST, Chart, Group
from karyolot.report.words import listed, number, plural, quantity

NAMED = 4
READING = (
    "Individuals above, moving ranges below; standard deviation (SD) from the mean moving range (d2 = 1.128)."
    f" Dashed: alert limits, {ALERT:g} SD from the mean; solid: action limits, {ACTION:g} SD. Fewer than {FEWEST} lots set no"
    " limits. Lots of one bank are in the order of their collection dates; passages are joined from parent lot to child lot only."
    " No verdict rests on these charts."
)


def heading(group: Group) -> str:
    """Of the charts of the same lots."""
    names = {
        "control": "Control lot (system suitability)",
        "lots": f"Lots, bank {group.name}",
        "line": f"Line to {group.name}",
    }
    undated = f"; {plural(group.undated, 'lot')} without a collection date not charted" if group.undated else ""
    return f"{names[group.kind]}{undated}"


def overview(groups: Sequence[Group], undrawn: int, sealed: bool) -> Caption:
    """What all charts of a study show. undrawn: lines without charts, too many to draw. sealed: no other lots are charted."""
    charts = [chart for group in groups for chart in group.charts]
    unset = sum(bool(chart.unset) for chart in charts)
    signals = [signal for chart in charts for signal in chart.signals]
    beyond = list(dict.fromkeys(signal.lot_id for signal in signals if signal.level == "action"))
    parts = [f"{plural(len(charts), 'control chart')}: {plural(len(signals), 'signal')}"]
    if beyond:
        parts.append(f"beyond an action limit: {listed(beyond, NAMED)}")
    if unset:
        parts.append("no limits set yet" if unset == len(charts) else f"limits not set in {unset}")
    if undrawn:
        parts.append(f"not charted: {undrawn} shorter lines of passages")
    basis = " Sealed lots only." if sealed else " No lot is sealed: finished lots."
    return Caption(finding="; ".join(parts) + ".", reading=READING + basis)


def limits(chart: Chart) -> str:
    """'mean 0.02; alert 0.01 to 0.03; action 0 to 0.04', or why there are none."""
    mean = f"mean {quantity(chart.centre, chart.unit)}"
    if chart.sd is None:
        return f"{mean}; {chart.unset}"
    ends = [
        f"{name} {number(chart.centre - far * chart.sd)} to {number(chart.centre + far * chart.sd)}"
        for name, far in (("alert", ALERT), ("action", ACTION))
    ]
    return "; ".join([mean, *ends])


def signals(chart: Chart) -> str:
    """'action: A; alert: B and C', '' = none."""
    parts = []
    for level in ("action", "alert"):
        lots = [signal.lot_id for signal in chart.signals if signal.level == level]
        if lots:
            parts.append(f"{level}: {listed(lots, NAMED)}")
    return "; ".join(parts)


def values(chart: Chart) -> tuple[str, ...]:
    """Each value beside its mark."""
    return tuple(
        f"{lot}{'' if passage is None else f', passage {number(passage)}'}: {quantity(value, chart.unit)}"
        for lot, passage, value in zip(chart.lots, chart.passages, chart.values, strict=True)
    )
