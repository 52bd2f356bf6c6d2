"""Words on lots over passages: each lot beside its sign, and what the trend of a line shows."""

from collections.abc import Sequence

from karyolot.contracts.record import LineageEvent, LotPoint, Measured
from karyolot.contracts.text import Caption, EarlierText, Figure
from karyolot.report.text import kinetics
from karyolot.report.words import OUTCOMES, listed, number, percent, plural, within_sentence


def mark(lot_id: str, passage: float | None, outcome: str, fraction: float | None) -> str:
    """A lot beside its sign. fraction: as in `record.LotPoint`."""
    known = "cell fraction not known" if fraction is None else f"largest change in {percent(fraction)} of cells"
    return f"{lot_id}, passage {number(passage)}: {OUTCOMES[outcome][1]}, {known}"


def earlier(record: Measured, figure: int) -> EarlierText:
    """The lots a lot was grown from, and itself last. They are of one donor. figure: its number on the page."""
    rows = [*record.earlier, record.point]
    said, drawn = trend(rows), [row for row in rows if row.passage is not None]
    size = _claimed_size(rows)
    return EarlierText(
        figure=Figure(
            number=figure,
            names=(panel_name(drawn[0].donor_id, panel_finding(drawn)),) if drawn else (),
            finding=said.finding,
            reading=said.reading,
        ),
        detectable=f"{'Claimed size' if size is None else f'{number(size)} Mb'} detectable from",
        kinetics=kinetics.section(record.kinetics) if record.kinetics else None,
        descent=kinetics.descent(record.descent) if record.descent else "",
    )


def panel_name(donor_id: str, finding: str) -> str:
    """The panel of one donor, for readers who do not see it."""
    return f"Donor {donor_id}, largest cell fraction with a called change by passage: {finding}"


def panel_finding(rows: Sequence[LotPoint]) -> str:
    """What the panel of one donor shows. rows: in the order of their passages."""
    known = [row for row in rows if row.fraction is not None]
    changed = [row for row in known if row.fraction]
    if not changed:
        return f"No change called in {plural(len(known), 'assessed lot')}." if known else "No lot could be assessed."
    carries = f"{'carries' if len(changed) == 1 else 'carry'} a called change"
    return f"{len(changed)} of {plural(len(known), 'assessed lot')} {carries}, first at passage {number(changed[0].passage)}."


def trend(rows: Sequence[LotPoint]) -> Caption:
    """The trend of all these lots."""
    known = [row for row in rows if row.fraction is not None]
    changed = [row for row in known if row.fraction]
    who = f"{len(changed) or 'None'} of {plural(len(known), 'assessed lot')}"
    finding = (
        f"{who} {'carry' if len(changed) > 1 else 'carries'} a called change" if known else "No lot could be assessed"
    )
    if changed:
        top = max(changed, key=lambda row: row.fraction or 0)
        passage = "" if top.passage is None else f", passage {number(top.passage)}"
        finding += (
            f"; the largest, in {percent(top.fraction)} of cells, is in {top.lot_id} (donor {top.donor_id}{passage})"
        )
    left = sum(row.passage is None for row in rows)
    size = _claimed_size(rows)
    claimed = "of the size each lot's claim is made for" if size is None else f"of {number(size)} Mb"
    reading = ("One panel per donor. " if len({row.donor_id for row in rows}) > 1 else "") + (
        "Height of a sign: largest cell fraction with one called change, 0 = none called; the sign is the"
        f" verdict. Grey bar: below its top a change {claimed} could be present and undetected. Lines join a lot to its parent."
        " Below the axis: lots without a verdict on stability."
    )
    if left:
        reading += f" Without a passage, not drawn: {plural(left, 'lot')}."
    return Caption(finding=finding + ".", reading=reading)


def changed(record: Measured) -> str:
    """One sentence on what changed against the parent lot; '' for a lot without one, or without a verdict on stability."""
    if not record.earlier or record.point.fraction is None:
        return ""
    parent = record.earlier[-1]
    against = f"Against {parent.lot_id}" + (
        f" (passage {number(parent.passage)})" if parent.passage is not None else ""
    )
    if parent.fraction is None:
        return f"{against}: not compared; it has no verdict on stability."
    parts = [
        f"{listed([_change(event) for event in held], 2)} {state}"
        for state, held in _by_state(record)
        if state != "unchanged"
    ]
    found = f"{against}: {'; '.join(parts) if parts else 'no change'}."
    return " ".join(filter(None, [found, kinetics.in_short(record.kinetics)]))


def _change(event: LineageEvent) -> str:
    """'trisomy 8 (21% to 60%)'."""
    here, parent = event.lots[-1], event.lots[-2]
    shown = [percent(lot.fraction) if lot.fraction is not None else "none" for lot in (parent, here)]
    return f"{within_sentence(event.name)} ({' to '.join(shown)})"


def _by_state(record: Measured) -> list[tuple[str, list[LineageEvent]]]:
    order = ("new", "grown", "shrunk", "gone", "unknown", "unchanged")
    shown = [event for event in record.lineage if any(lot.fraction is not None for lot in event.lots[-2:])]
    found = [(state, [event for event in shown if event.state == state]) for state in order]
    return [(state if state != "unknown" else "not comparable", held) for state, held in found if held]


def in_short(record: Measured) -> str:
    """What changed against the parent lot, in six words."""
    if not record.earlier:
        return "Earlier passage: none on file"
    parent = record.earlier[-1].passage
    since = "Since the parent lot" if parent is None else f"Since passage {number(parent)}"
    if record.point.fraction is None or record.earlier[-1].fraction is None:
        return f"{since}: not compared"
    counts = [f"{len(held)} {state}" for state, held in _by_state(record)]
    return f"{since}: {', '.join(counts) if counts else 'no change'}"


def _claimed_size(rows: Sequence[LotPoint]) -> float | None:
    """Size of change, Mb, that the limits of detection are for; None where it is not the same in all lots."""
    sizes = {row.claim_mb for row in rows}
    return sizes.pop() if len(sizes) == 1 else None
