"""Called changes along a lineage of four passages: new, grown, shrunk, gone, and what cannot be compared."""

import re

import pytest

import planted_records
from karyolot.contracts.record import Record
from karyolot.contracts.record_dna import CopyNumberRecord
from karyolot.report.lineage import Passage, lineage
from karyolot.report.pdf import styled

GAIN_1Q = planted_records.GAIN_20Q | {
    "chrom": "chr1", "start": 125.0, "end": 248.0, "name": "Gain of 1q", "extent": "arm", "bands": "1q21-q44",
}  # fmt: skip


def copies(**fractions: float) -> CopyNumberRecord:
    """A lot with these changes in these fractions of its cells."""
    known = {"gain_1q": GAIN_1Q, "trisomy_8": planted_records.TRISOMY_8, "gain_20q": planted_records.GAIN_20Q}
    return planted_records.copy_number([known[name] | {"fraction": f} for name, f in fractions.items()], sex="F")


LINE = [
    Passage("P2", copies()),
    Passage("P4", copies(gain_1q=0.2, trisomy_8=0.3)),
    Passage("P6", copies(gain_1q=0.5, gain_20q=0.4)),
    Passage("P8", copies(gain_1q=0.8, gain_20q=0.2)),
]


def states(line: list[Passage]) -> dict[str, str]:
    return {event.name: event.state for event in lineage(line)}


def test_every_change_is_followed_from_its_first_lot_to_the_last() -> None:
    assert lineage(LINE[:1]) == (), "a lot without ancestors has no lineage"
    assert states(LINE[:2]) == {"Gain of 1q": "new", "Trisomy 8": "new"}
    assert states(LINE[:3]) == {"Gain of 1q": "grown", "Trisomy 8": "gone", "Gain of 20q11.21 with BCL2L1": "new"}
    assert states(LINE) == {"Gain of 1q": "grown", "Trisomy 8": "absent", "Gain of 20q11.21 with BCL2L1": "shrunk"}
    (event,) = (event for event in lineage(LINE) if event.name == "Gain of 1q")
    assert [lot.fraction for lot in event.lots] == [None, 0.2, 0.5, 0.8]
    assert [(lot.low, lot.high) for lot in event.lots[1:3]] == [(0.17, 0.23), (0.47, 0.53)]


def test_fractions_whose_intervals_touch_are_unchanged() -> None:
    assert states([LINE[1], Passage("P6", copies(gain_1q=0.25, trisomy_8=0.3))]) == {
        "Gain of 1q": "unchanged",
        "Trisomy 8": "unchanged",
    }


@pytest.mark.parametrize("place", [0, 1])
def test_a_lot_that_could_not_show_a_change_is_no_witness(place: int) -> None:
    blind = [Passage("P4", copies(gain_1q=0.5)), Passage("P6", copies(gain_1q=0.5))]
    blind[place] = Passage("P5", None)
    assert states(blind) == {"Gain of 1q": "unknown"}


def followed(line: list[Passage]) -> Record:
    base = planted_records.passing()
    points = tuple(
        base.point.model_copy(
            update={
                "lot_id": lot.lot_id,
                "passage": 2.0 * n,
                "fraction": 0.5,
                "parent": line[n - 2].lot_id if n > 1 else None,
            }
        )
        for n, lot in enumerate(line, 1)
    )
    last = line[-1].copies
    assert last is not None
    changed = {"copy_number": last, "earlier": points[:-1], "point": points[-1], "lineage": lineage(line)}
    return planted_records.reworded(base, **changed)


def test_page_1_says_what_changed_against_the_parent_lot_and_nothing_older() -> None:
    record = followed(LINE)
    assert record.text.front.passages.startswith(
        "Against P6 (passage 6): gain of 1q (50% to 80%) grown; gain of 20q11.21 with BCL2L1 (40% to 20%) shrunk."
    )
    assert "trisomy 8" not in record.text.front.passages
    page = planted_records.html(record)
    rows = re.findall(r'<tr><th scope="row">([^<]*)</th><td>([^<]*)</td>', page.split('class="lineage stack"')[1])
    assert rows[:3] == [
        ("Gain of 1q", "grown"),
        ("Trisomy 8", "in neither"),
        ("Gain of 20q11.21 with BCL2L1", "shrunk"),
    ]


def test_the_signs_of_a_trend_have_their_colours_in_print_and_in_files() -> None:
    drawing = styled('<svg class="trend" viewBox="0 0 1 1"></svg>')
    for outcome in ("pass", "fail", "fail-identity", "review", "indeterminate"):
        assert re.search(rf"\.trend \.mark\.{outcome} circle[^{{]*\{{ stroke: #", drawing), outcome
    assert ".trend .mark circle { fill: #ffffff" in drawing
