"""Control charts: limits from moving ranges, and which lots are joined."""

import numpy as np
import pytest

import planted_records
from karyolot.contracts.front import UNRECORDED
from karyolot.contracts.overview import Measure, OverviewRow
from karyolot.report import control_text as words
from karyolot.report.control import FEWEST, MOST_LINES, Chart, groups
from karyolot.report.figures import control as figure
from karyolot.report.overview import overview_row

FIRST = overview_row(planted_records.failing())


def chart(values: list[float]) -> Chart:
    lots = tuple(f"L{n}" for n in range(len(values)))
    return Chart("Noise", "log2", lots, tuple(values), (None,) * len(values))


def row(name: str, value: float, bank: str = "MCB", **facts: object) -> OverviewRow:
    measure = Measure(metric="dna.noise", title="Noise", unit="log2", value=value)
    made = {"lot_id": name, "bank": bank, "parent": None, "measures": (measure,), "sampled": "2031-01-01", **facts}
    return FIRST.model_copy(update=made)


def test_limits_are_those_of_shewhart() -> None:
    """Moving ranges 2, 2, 2 ...: SD = 2 / 1.128."""
    found = chart([10, 12] * 4)
    assert found.sd == pytest.approx(2 / 1.128)
    assert found.centre == 11
    assert found.range_limit == pytest.approx(3.267 * 2)
    assert found.unset == "" and found.signals == ()


def test_a_lot_beyond_two_and_three_sd_signals() -> None:
    usual = [10.0, 11, 10, 11, 10, 11, 10, 11, 10, 11] * 3
    spread = chart(usual).sd
    assert spread is not None
    found = chart([*usual, 10.5 + 3.2 * spread, 10.5, 10.5 - 9 * spread])
    assert found.sd is not None
    away = [abs(value - found.centre) / found.sd for value in found.values]
    expected = [(f"L{n}", "action" if far > 3 else "alert") for n, far in enumerate(away) if far > 2]
    assert [(one.lot_id, one.level) for one in found.signals] == expected
    assert {level for _, level in expected} == {"action", "alert"}


def test_fewer_than_eight_lots_set_no_limits() -> None:
    few = chart(list(range(FEWEST - 1)))
    assert few.sd is None and few.signals == () and few.unset == "n < 8: limits not set"
    assert "n < 8: limits not set" in words.limits(few)
    assert chart([*range(FEWEST)]).sd is not None


def test_a_slow_drift_does_not_widen_the_limits() -> None:
    """The spread of all values would hide it; the moving range does not."""
    generator = np.random.default_rng(1)
    drift = chart((np.linspace(0, 20, 40) + generator.normal(0, 0.5, 40)).tolist())
    assert drift.sd is not None and drift.sd < 0.3 * float(np.std(drift.values))
    assert len(drift.signals) > 10


def test_false_signals_are_as_rare_as_the_normal_distribution_has_it() -> None:
    """0.27 % beyond three SD, 4.6 % beyond two, of values in control."""
    generator = np.random.default_rng(2)
    found = [chart(generator.normal(0, 1, 200).tolist()).signals for _ in range(40)]
    action = sum(one.level == "action" for signals in found for one in signals) / 8000
    either = sum(map(len, found)) / 8000
    assert 0.0005 < action < 0.006
    assert 0.03 < either < 0.06


def test_lots_of_different_banks_and_undated_ones_are_not_joined() -> None:
    rows = [
        row("A", 1, sampled="2031-03-01"),
        row("B", 2, "PCB"),
        row("C", 3, sampled="2031-02-01"),
        row("D", 4, "PCB"),
    ]
    rows.append(row("E", 9, sampled=UNRECORDED))
    found = {group.name: group for group in groups(rows)[0]}
    assert found["MCB"].charts[0].lots == ("C", "A") and found["MCB"].undated == 1
    assert found["PCB"].charts[0].lots == ("B", "D")
    assert "1 lot without a collection date not charted" in words.heading(found["MCB"])


def test_a_line_joins_parent_and_child_alone() -> None:
    """Two children of one parent are two lines; another bank of the same donor is in none."""
    rows = [row("A", 1), row("B", 2, parent="A"), row("C", 3, parent="A"), row("D", 4, parent="B"), row("X", 5)]
    lines = {group.name: group.charts[0].lots for group in groups(rows)[0] if group.kind == "line"}
    assert lines == {"C": ("A", "C"), "D": ("A", "B", "D")}


def test_the_control_lot_has_charts_of_its_own() -> None:
    rows = [row(f"K{n}", n % 3, "CONTROL", sampled=f"2031-01-{n + 1:02}") for n in range(9)] + [
        row("A", 50),
        row("B", 51),
    ]
    first = groups(rows)[0][0]
    assert first.kind == "control" and first.charts[0].sd is not None
    assert words.heading(first) == "Control lot (system suitability)"
    assert "A" not in first.charts[0].lots


def test_a_lot_without_a_verdict_has_no_value_of_a_stability_criterion() -> None:
    swapped = overview_row(planted_records.swapped())
    stability = {one.metric for one in planted_records.swapped().verdict.criteria if one.kind == "stability"}
    assert not {one.metric for one in swapped.measures} & stability


def test_marks_stand_at_their_values_and_only_the_last_are_drawn() -> None:
    made = chart([float(n % 5) for n in range(200)])
    drawn = figure.plot(made, words.values(made))
    assert len(drawn.dots) == figure.MOST_DRAWN
    heights = [y for _, y, _, _ in drawn.dots]
    assert all(figure.TOP <= y <= figure.MIDDLE for y in heights)
    assert heights[0] > heights[4], "a larger value stands higher"


def test_the_overview_shows_charts_with_signals() -> None:
    rows = [row(f"L{n}", 1.0 + 0.1 * (n % 2), sampled=f"2031-01-{n + 1:02}") for n in range(20)]
    rows.append(row("L99", 9.0, sampled="2031-02-01"))
    html = planted_records.overview(rows)
    part = html[html.index("Control charts") :]
    assert "beyond an action limit: L99" in part and "action: L99" in part
    assert '<svg class="control"' in part


def test_the_overview_follows_clones_of_the_last_lot_of_a_line() -> None:
    last = overview_row(planted_records.passing())
    first = row("HLP-2031-02", 1.0, clones=last.clones)
    html = planted_records.overview([first, last.model_copy(update={"parent": "HLP-2031-02"})])
    part = html[html.index('id="clones"') :].split("</table>")[0]
    assert part.count('<th scope="row">') == 2 and "at passage 7: 22%" in part and "in 1 line." in html


def test_once_a_lot_is_sealed_only_sealed_lots_are_charted() -> None:
    rows = [row(f"L{n}", float(n % 3), sampled=f"2031-01-{n + 1:02}") for n in range(12)]
    html = planted_records.overview(rows, sealed=[f"L{n}" for n in range(9)])
    part = html[html.index('id="control"') :]
    assert '<td class="n">9</td>' in part and "Sealed lots only." in part
    assert "No lot is sealed: finished lots." in planted_records.overview(rows)


def test_of_many_lines_the_longest_have_charts() -> None:
    rows = [
        row(f"{n:02}-{k}", n + 2 * k, parent=f"{n:02}-{k - 1}" if k else None)
        for n in range(40)
        for k in range(2 + (n == 7))
    ]
    drawn, undrawn = groups(rows)
    lines = [group.name for group in drawn if group.kind == "line"]
    assert len(lines) == MOST_LINES and "07-2" in lines and undrawn == 10
    assert "not charted: 10 shorter lines" in planted_records.overview(rows)
