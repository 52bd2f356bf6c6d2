"""All lots on one page: lots x chromosome arms."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pandas as pd

from karyolot.contracts.criteria import Verdict
from karyolot.contracts.front import UNRECORDED
from karyolot.contracts.kinetics import Kinetics
from karyolot.contracts.overview import (
    FIRST,
    Measure,
    OverviewArm,
    OverviewClone,
    OverviewRow,
    Standing,
    StudyExpression,
)
from karyolot.contracts.provenance import Code
from karyolot.contracts.record import Record
from karyolot.contracts.text import Caption
from karyolot.report import control, control_text, groups, study_text, words
from karyolot.report.collector import uncollected
from karyolot.report.figures import control as control_figure
from karyolot.report.figures import strip, trend
from karyolot.report.figures.arms import arm_states
from karyolot.report.figures.heat import MOST_DRAWN, Heat, study_heat
from karyolot.report.figures.samples import PLOT, dots
from karyolot.report.lots import lot_tables
from karyolot.report.render import page
from karyolot.report.text import kinetics, passages

MOST_PANELS = 8
"""Trends of donors shown open; more are folded."""
NAMED = 4
"""Lots named beside a recurrent arm; the rest are counted."""
STUDY_HEATS = (
    (study_text.study_distances, "distances"),
    (study_text.study_scores, "marker_scores"),
    (study_text.study_sets, "scores"),
)
"""Captions of the heat maps of a study, and the table of results/study/ each is drawn from."""


def overview_row(record: Record, standing: Standing = FIRST) -> OverviewRow:
    """What the overview shows of one lot. standing: by the ledger."""
    return OverviewRow(
        **record.point.model_dump(),
        first_reason=record.text.verdict.first_reason,
        finding=record.text.front.brief,
        bank=str(record.lot.facts.get("bank") or UNRECORDED),
        sampled=str(record.lot.facts.get("collection_date") or UNRECORDED),
        coverage=record.text.front.coverage.replace(UNRECORDED, "–"),
        on_file=tuple(dict.fromkeys(result.kind for result in record.imported)),
        report_id=record.report_id,
        mark_of_code=record.provenance.mark,
        arms=tuple(
            OverviewArm(
                chrom=chrom, arm=arm, state="withheld" if record.verdict.suppressed and state != "blind" else state
            )
            for (chrom, arm), state in arm_states(record.copy_number).items()
        ),
        measures=tuple(_measures(record.verdict)),
        clones=tuple(_clones(record)),
        standing=standing,
    )


def rows_and_tables(held: Iterable[tuple[Record, Standing]]) -> tuple[list[OverviewRow], dict[str, pd.DataFrame]]:
    """Rows of the overview, and the tables of `lot_tables`. Records are taken one at a time: a site has a thousand of them."""
    rows: list[OverviewRow] = []

    def each() -> Iterator[tuple[Record, Standing]]:
        for record, standing in held:
            rows.append(overview_row(record, standing))
            yield record, standing

    with uncollected():  # a quarter of the time
        tables = lot_tables(each())
    return rows, tables


def _measures(verdict: Verdict) -> Iterator[Measure]:
    for result in verdict.criteria:
        numeric = isinstance(result.value, int | float) and not isinstance(result.value, bool)
        if numeric and not (verdict.suppressed and result.kind == "stability"):
            yield Measure(metric=result.metric, title=result.title, unit=result.unit, value=float(result.value or 0))


def _clones(record: Record) -> Iterator[OverviewClone]:
    said = record.text.earlier and record.text.earlier.kinetics
    for clone, words_of in zip(record.kinetics.clones, said.clones, strict=True) if record.kinetics and said else ():
        yield OverviewClone(name=clone.name, growth=words_of.growth, expected=words_of.expected)


@dataclass(frozen=True)
class Recurrent:
    """A chromosome arm changed in more than one lot."""

    name: str
    gains: int
    losses: int
    donors: int
    lots: tuple[str, ...]

    @property
    def more(self) -> int:
        return max(0, len(self.lots) - NAMED)


def recurrent(rows: Sequence[OverviewRow]) -> list[Recurrent]:
    """Arms changed in more than one lot, the most frequent first, then in genome order. 'mixed' counts as gain and loss; lots
    without a verdict on stability do not count."""
    found: dict[str, list[tuple[OverviewRow, str]]] = {}
    for row in rows:
        for arm in row.arms:
            states = found.setdefault((arm.chrom + arm.arm).removeprefix("chr"), [])
            if arm.state not in ("none", "blind", "withheld"):
                states.append((row, arm.state))
    made = [
        Recurrent(
            name,
            sum(state in ("gain", "part-gain", "mixed") for _, state in states),
            sum(state in ("loss", "part-loss", "mixed") for _, state in states),
            len({row.donor_id for row, _ in states}),
            tuple(row.lot_id for row, _ in states),
        )
        for name, states in found.items()
        if len(states) > 1
    ]
    return sorted(made, key=lambda arm: -len(arm.lots))


def _columns(rows: Sequence[OverviewRow]) -> dict[str, list[str]]:
    """Arms by chromosome, in the order they first appear."""
    columns: dict[str, list[str]] = {}
    for row in rows:
        for arm in row.arms:
            held = columns.setdefault(arm.chrom, [])
            if arm.arm not in held:
                held.append(arm.arm)
    return columns


def _panels(rows: Sequence[OverviewRow]) -> list[tuple[trend.Panel, str]]:
    """The trend of each donor with what it shows."""
    findings = {donor: passages.panel_finding(held) for donor, held in trend.by_donor(rows).items()}
    return [(panel, findings[panel.donor_id]) for panel in trend.panels(rows)]


def _over_time(rows: Sequence[OverviewRow], families: Sequence[Kinetics], sealed: Set[str]) -> dict[str, Any]:
    """Control charts, of sealed lots alone once there are some; lots whose clones were followed and that no other lot was grown
    from; clones over families of lots."""
    charts, undrawn = control.groups([row for row in rows if row.lot_id in sealed] if sealed else rows)
    parents = {row.parent for row in rows}
    return {
        "charts": charts,
        "charts_caption": control_text.overview(charts, undrawn, bool(sealed)),
        "control": control_text,
        "chart": control_figure,
        "families": [(family, kinetics.section(family)) for family in families],
        "tips": [row for row in rows if row.clones and row.lot_id not in parents],
    }


def _heats(study: StudyExpression) -> list[tuple[Heat | None, Caption, str]]:
    """Heat maps of the study, None where there are too many samples to draw, each with its caption and its table."""
    known = STUDY_HEATS if study.sets else STUDY_HEATS[:2]
    drawn: Sequence[Heat | None] = study_heat(study) or [None] * len(known)
    return [(plot, make(study), table) for plot, (make, table) in zip(drawn, known, strict=True)]


def render_overview(
    rows: Iterable[OverviewRow],
    made_by: Code,
    study: StudyExpression | None = None,
    pairs: pd.DataFrame | None = None,
    families: Sequence[Kinetics] = (),
    sealed: Sequence[str] = (),
) -> str:
    """The overview as one HTML page beside the lots' folders. Lots by gravity of their verdict, then id.

    made_by: the code that renders. study: expression across lots, None = too few of them have RNA. pairs: schema Pairs, None = no
    sample's alleles were counted; a lot that is not its donor's is then named after the donor it matches. families: clones over
    lots with sisters. sealed: lots that are. The strip of arms has all arms of any lot, in the order they first appear; a lot
    without an arm shows it as not assessed.
    """
    ordered = sorted(rows, key=lambda row: (groups.GRAVITY.index(row.outcome), row.lot_id))
    by_donor = sorted(ordered, key=lambda row: (row.donor_id, row.passage is None, row.passage or 0, row.lot_id))
    columns = _columns(by_donor)
    place = strip.layout(columns)
    states = {row.lot_id: {(arm.chrom, arm.arm): arm.state for arm in row.arms} for row in ordered}
    matched = study_text.matches(pairs)
    panels = _panels(ordered)
    context = {
        "lots": ordered,
        "donors": sorted({row.donor_id for row in ordered}),
        "banks": sorted({row.bank for row in ordered}),
        "arms": [(chrom + arm).removeprefix("chr") for chrom, held in columns.items() for arm in held],
        "place": place,
        "strips": {lot: strip.strip(held, place) for lot, held in states.items()},
        "changed": {lot: strip.changed(held) for lot, held in states.items()},
        "found": {row.lot_id: matched.get(row.lot_id, "") or row.finding for row in ordered},
        "links": {row.lot_id: f"{quote(row.lot_id, safe='')}/report.html" for row in ordered},
        "order": {row.lot_id: number for number, row in enumerate(ordered)},
        "counts": words.outcome_counts(row.outcome for row in ordered),
        "made_by": made_by,
        "recurrent": recurrent(by_donor),
        "named": NAMED,
        "panels": panels,
        "shown_at_once": len(panels) <= MOST_PANELS,
        "panel_name": passages.panel_name,
        "trend": trend,
        "ticks": trend.ticks(ordered),
        "trend_caption": passages.trend(ordered),
        **_over_time(by_donor, families, set(sealed)),
        "title": "Genomic stability, all lots",
        "identity": None if pairs is None else study_text.pair_findings(pairs),
        "expression": study,
        "dots": dots(study) if study else [],
        "plot_side": PLOT,
        "map_caption": study_text.study_map(study) if study else None,
        "heat": _heats(study) if study else [],
        "most_drawn": MOST_DRAWN,
    }
    return page(
        "overview.html.j2", context, head="Genomic stability, all lots", scripts=("filter.js",) if ordered else ()
    )
