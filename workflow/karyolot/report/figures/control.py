"""A control chart as marks: individuals above, moving ranges below."""

from dataclasses import dataclass

from karyolot.report.control import ACTION, ALERT, Chart

WIDTH, HEIGHT = 300.0, 132.0
LEFT, RIGHT = 6.0, 294.0
TOP, MIDDLE, LOW, BOTTOM = 8.0, 84.0, 96.0, 126.0
"""Individuals lie between TOP and MIDDLE, moving ranges between LOW and BOTTOM."""
MOST_DRAWN = 60
"""The last values of a chart; limits rest on all of them."""


@dataclass(frozen=True)
class Plot:
    """levels: (y, class) of mean and limits. dots: (x, y, class, label). line, ranges: paths. range_limit: its y."""

    levels: tuple[tuple[float, str], ...]
    dots: tuple[tuple[float, float, str, str], ...]
    line: str
    ranges: str
    range_limit: float | None


def plot(chart: Chart, said: tuple[str, ...]) -> Plot:
    """said: of each value, as printed."""
    values, lots, said = chart.values[-MOST_DRAWN:], chart.lots[-MOST_DRAWN:], said[-MOST_DRAWN:]
    ranges = chart.ranges[-(len(values) - 1) :]
    limits = {} if chart.sd is None else {name: far * chart.sd for name, far in (("alert", ALERT), ("action", ACTION))}
    levels = [(chart.centre, "mean")]
    levels += [(chart.centre + sign * far, name) for name, far in limits.items() for sign in (1, -1)]
    shown = [*values, *(value for value, _ in levels)]
    least, most = min(shown), max(shown)
    step = (RIGHT - LEFT) / max(len(values) - 1, 1)

    def y(value: float) -> float:
        return round(MIDDLE - (MIDDLE - TOP) * (value - least) / ((most - least) or 1.0), 1)

    top = max([*ranges, chart.range_limit or 0.0]) or 1.0
    x = [round(LEFT + step * n, 1) for n in range(len(values))]
    marked = {signal.lot_id: signal.level for signal in chart.signals}
    low = [round(BOTTOM - (BOTTOM - LOW) * value / top, 1) for value in ranges]
    return Plot(
        levels=tuple((y(value), name) for value, name in levels),
        dots=tuple(
            (at, y(value), marked.get(lot, "within"), text)
            for at, value, lot, text in zip(x, values, lots, said, strict=True)
        ),
        line=_path(x, [y(value) for value in values]),
        ranges=_path(x[1:], low),
        range_limit=None if chart.range_limit is None else round(BOTTOM - (BOTTOM - LOW) * chart.range_limit / top, 1),
    )


def _path(x: list[float], y: list[float]) -> str:
    return "".join(f"{'L' if n else 'M'}{a:g} {b:g}" for n, (a, b) in enumerate(zip(x, y, strict=True)))
