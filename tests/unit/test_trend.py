"""Trends over passages and recurrent arms: every sign stands where its lot says."""

import re

import pytest

import planted_records
from karyolot.contracts.overview import OverviewRow
from karyolot.contracts.sheets import Lot, Sample, Study
from karyolot.plan import samples
from karyolot.report.figures import trend
from karyolot.report.overview import overview_row, recurrent
from karyolot.report.text import passages

ROWS = [overview_row(make()) for make in planted_records.ALL.values()]
FAIL, PASS, THIN, SWAPPED = ROWS


def share(y: float) -> float:
    return (trend.BOTTOM - y) / (trend.BOTTOM - trend.TOP)


def lot(number: int, passage: float | None, share: float | None, donor: str = "D") -> OverviewRow:
    mark = passages.mark(f"L{number}", passage, "FAIL", share)
    update = {"lot_id": f"L{number}", "donor_id": donor, "passage": passage, "fraction": share, "mark": mark}
    return FAIL.model_copy(update=update)


def test_a_row_knows_its_largest_share_and_limit_of_detection() -> None:
    assert (FAIL.fraction, FAIL.lod, FAIL.claim_mb) == (0.97, 0.12, 5.0)
    assert (PASS.fraction, PASS.lod) == (0.0, 0.12)
    assert (THIN.fraction, THIN.lod) == (None, None), "thin data know nothing"
    assert SWAPPED.fraction is None, "compared with another person, the lot's share means nothing"


def test_a_change_of_the_donor_is_not_the_lots() -> None:
    record = planted_records.failing()
    calls = tuple(call.model_copy(update={"origin": "lost"}) for call in record.copy_number.calls)
    copies = record.copy_number.model_copy(update={"calls": calls})
    assert overview_row(planted_records.reworded(record, copy_number=copies)).fraction == 0


def test_signs_stand_at_their_share_and_passage() -> None:
    rows = [lot(1, 2, 0.0), lot(2, 4, 0.5), lot(3, 8, 1.3), lot(4, 6, None), lot(5, None, 0.9)]
    (panel,) = trend.panels(rows)
    assert [mark.text.split(",")[0] for mark in panel.marks] == ["L1", "L2", "L4", "L3"]
    places = {mark.text[:2]: mark for mark in panel.marks}
    assert share(places["L1"].y) == 0
    assert share(places["L2"].y) == pytest.approx(0.5, abs=0.001)
    assert share(places["L3"].y) == 1, "beyond one copy in all cells: at the top"
    assert places["L4"].y == trend.UNKNOWN > trend.BOTTOM
    assert places["L4"].lod is None
    lod = places["L1"].lod
    assert lod is not None
    assert share(lod) == pytest.approx(0.12, abs=0.001)
    x = [places[name].x for name in ("L1", "L2", "L3")]
    assert (x[1] - x[0]) * 2 == pytest.approx(x[2] - x[1], abs=0.2)
    held = trend.by_donor(rows)["D"]
    assert passages.panel_finding(held) == "2 of 3 assessed lots carry a called change, first at passage 4."


def test_lines_join_a_lot_to_its_parent_and_never_two_banks() -> None:
    """Two banks of one donor: each has a line of its own, whatever the order of passages."""
    rows = [lot(1, 1, 0.0), lot(2, 3, 0.2), lot(3, 2, 0.5), lot(4, 4, 0.7), lot(5, 5, None)]
    parents = {2: 1, 4: 3, 5: 4}
    rows = [
        row.model_copy(update={"parent": f"L{parents[n]}" if n in parents else None}) for n, row in enumerate(rows, 1)
    ]
    (panel,) = trend.panels(rows)
    places = {mark.text.split(",")[0]: (mark.x, mark.y) for mark in panel.marks}
    drawn = re.findall(r"M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)", panel.line)
    assert [tuple(map(float, line)) for line in drawn] == [
        (*places["L1"], *places["L2"]),
        (*places["L3"], *places["L4"]),
    ]


@pytest.mark.parametrize("last", [1, 3, 7, 12, 40, 300])
def test_passages_have_few_round_ticks(last: int) -> None:
    ticks = trend.ticks([lot(1, last, 0.0)])
    assert 2 <= len(ticks) <= trend.MOST_TICKS + 1
    assert trend.LEFT <= ticks[0][0] < ticks[-1][0] <= trend.RIGHT


def test_the_caption_counts_what_is_drawn_and_what_is_not() -> None:
    made = passages.trend([*ROWS, lot(9, None, 0.2)])
    assert made.finding == (
        "2 of 3 assessed lots carry a called change; the largest, in 97% of cells, is in HLP-2031-07"
        " (donor D-014, passage 8)."
    )
    assert "not drawn: 1 lot." in made.reading
    assert "a change of 5 Mb could be present" in made.reading


def test_recurrent_arms_are_counted_by_lot_and_donor() -> None:
    rows = [FAIL, FAIL.model_copy(update={"lot_id": "B", "donor_id": "E"}), PASS, THIN]
    made = recurrent(rows)
    assert [(arm.name, arm.gains, arm.losses, arm.donors) for arm in made] == [
        ("8p", 2, 0, 2),
        ("8q", 2, 0, 2),
        ("20q", 2, 0, 2),
    ]
    assert made[0].lots == ("HLP-2031-07", "B")
    assert recurrent(ROWS) == []


def test_a_lot_without_a_verdict_counts_for_no_arm_and_its_arms_are_withheld() -> None:
    """Another donor's cells differ from this one's wherever one of the two was born with a change."""
    failing = planted_records.failing()
    verdict = failing.verdict.model_copy(update={"outcome": "FAIL_IDENTITY", "suppressed": True})
    row = overview_row(planted_records.reworded(failing, verdict=verdict))
    states = {arm.chrom + arm.arm: arm.state for arm in row.arms}
    assert states["chr8q"] == states["chr1p"] == "withheld"
    assert states["chr13p"] == "blind"
    again = row.model_copy(update={"lot_id": "B"})
    assert recurrent([FAIL, row, again]) == []
    html = planted_records.overview([row, again])
    assert html.count('<span class="unseen">not interpreted</span>') == 2
    assert 'class="gain"' not in html, "no arm is coloured"
    assert 'class="gain"' in planted_records.overview([FAIL, PASS])


def test_the_overview_has_one_panel_per_donor_and_the_numbers_as_text() -> None:
    html = planted_records.overview(ROWS)
    assert html.count('<svg class="trend"') == 2
    assert '<td class="n">12%</td>' in html
    assert "HLP-2031-09, passage 3: FAIL-IDENTITY, cell fraction not known" in html


def test_the_report_of_a_lot_shows_the_lots_it_was_grown_from_and_no_other() -> None:
    """Two earlier passages, then this lot: a finding at passage 3 that is gone at passage 5."""
    record = planted_records.passing()
    html = planted_records.html(record)
    section = html[html.index('id="passages"') : html.index('id="identity"')]
    assert (
        section.split('class="trend"')[1].split("</svg>")[0].count("<circle") == 3 and "1 of 2 assessed lots" in section
    )
    section = section.split('class="fold"')[0]
    rows = [re.sub(r"<[^>]+>", " ", row).split() for row in re.findall(r"<tr>(<th scope=\"row\">.*?)</tr>", section)]
    assert " ".join(rows.pop(0)) == "Gain of 1q gone none not detectable there 21% 17% to 25% none detectable from 4.0%"
    assert "Against HLP-2031-02 (passage 3): gain of 1q (21% to none) gone." in html
    assert "Since passage 3: 1 gone" in html
    assert [row[0] for row in rows] == ["HLP-2031-01", "HLP-2031-02", "HLP-2031-04"]
    assert (
        "not available"
        in planted_records.html(planted_records.reworded(record, earlier=()))
        .split('id="passages"')[1]
        .split("</details>")[0]
    )
    assert record.point.model_dump().items() <= overview_row(record).model_dump().items()


def test_a_line_is_followed_back_to_its_first_lot() -> None:
    """One without sequencing is passed over; those that came after do not stand in it."""
    parents = {"A": None, "B": "A", "C": "B", "D": "C", "E": "A"}
    lots = {
        name: Lot(lot_id=name, donor_id="P", passage=n, parent_lot_id=own)
        for n, (name, own) in enumerate(parents.items(), 1)
    }
    rows = {f"{name}w": (Sample(sample_id=f"{name}w", assay="wgs", lot_id=name),) for name in "ABDE"}
    study = Study(donors={}, lots=lots, samples=rows)
    assert {name: samples.ancestors(study, name) for name in parents} == {
        "A": [], "B": ["A"], "C": ["A", "B"], "D": ["A", "B"], "E": ["A"],
    }  # fmt: skip
