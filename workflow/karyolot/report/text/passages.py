"""Words on lots over passages: each lot beside its sign, and what the trend of a line shows."""

from collections.abc import Sequence

from karyolot.contracts.record import LotPoint
from karyolot.contracts.text import Caption, EarlierText, Figure
from karyolot.report.words import OUTCOMES, number, percent, plural


def mark(lot_id: str, passage: float | None, outcome: str, share: float | None) -> str:
    """A lot beside its sign. share: as in `record.LotPoint`."""
    known = "cell fraction not known" if share is None else f"largest change in {percent(share)} of cells"
    return f"{lot_id}, passage {number(passage)}: {OUTCOMES[outcome][1]}, {known}"


def earlier(rows: Sequence[LotPoint], figure: int) -> EarlierText:
    """The lots a lot was grown from, and itself last. They are of one donor. figure: its number on the page."""
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
    )


def panel_name(donor_id: str, finding: str) -> str:
    """The panel of one donor, for readers who do not see it."""
    return f"Donor {donor_id}, largest cell fraction with a called change by passage: {finding}"


def panel_finding(rows: Sequence[LotPoint]) -> str:
    """What the panel of one donor shows. rows: in the order of their passages."""
    known = [row for row in rows if row.share is not None]
    changed = [row for row in known if row.share]
    if not changed:
        return f"No change called in {plural(len(known), 'assessed lot')}." if known else "No lot could be assessed."
    return f"{len(changed)} of {plural(len(known), 'assessed lot')} changed, the first at passage {number(changed[0].passage)}."


def trend(rows: Sequence[LotPoint]) -> Caption:
    """The trend of all these lots."""
    known = [row for row in rows if row.share is not None]
    changed = [row for row in known if row.share]
    finding = f"{plural(len(changed), 'lot').capitalize()} of {len(known)} assessed {'carries' if len(changed) == 1 else 'carry'}"
    finding += " a called change"
    if changed:
        top = max(changed, key=lambda row: row.share or 0)
        passage = "" if top.passage is None else f", passage {number(top.passage)}"
        finding += (
            f"; the largest, in {percent(top.share)} of cells, is in {top.lot_id} (donor {top.donor_id}{passage})"
        )
    left = sum(row.passage is None for row in rows)
    size = _claimed_size(rows)
    claimed = "of the size each lot's claim is made for" if size is None else f"of {number(size)} Mb"
    reading = ("One panel per donor. " if len({row.donor_id for row in rows}) > 1 else "") + (
        "Height of a sign: largest cell fraction with one called change, 0 = none called; the sign is the"
        f" verdict. Grey bar: below its top a change {claimed} could be present and unseen. The line joins the highest lot of"
        " each passage. Below the axis: lots without a verdict on stability."
    )
    if left:
        reading += f" Without a passage, not drawn: {plural(left, 'lot')}."
    return Caption(finding=finding + ".", reading=reading)


def _claimed_size(rows: Sequence[LotPoint]) -> float | None:
    """Size of change, Mb, that the limits of detection are for; None where it is not the same in all lots."""
    sizes = {row.claim_mb for row in rows}
    return sizes.pop() if len(sizes) == 1 else None
