"""All lots on one page: lots x chromosome arms."""

from collections.abc import Iterable, Sequence
from urllib.parse import quote

import pandas as pd

from karyolot.contracts.record import OverviewArm, OverviewRow, Record, StudyExpression
from karyolot.report import captions, figures, trend, words
from karyolot.report.pairs import pair_findings
from karyolot.report.render import page

STUDY_HEATS = (
    (captions.study_distances, "distances"), (captions.study_scores, "marker_scores"), (captions.study_sets, "scores"),
)  # fmt: skip
"""Captions of the heat maps of a study, and the table of results/study/ each is drawn from."""


def overview_row(record: Record) -> OverviewRow:
    """What the overview shows of one lot."""
    verdict = record.verdict
    return OverviewRow(
        **trend.point(record).model_dump(),
        first_reason=verdict.first_reason,
        report_id=record.report_id,
        draft=bool(record.provenance.dirty),
        arms=tuple(
            OverviewArm(chrom=chrom, arm=arm, state="withheld" if verdict.suppressed and state != "blind" else state)
            for (chrom, arm), state in figures.arm_states(record.copy_number).items()
        ),
    )


def _heats(study: StudyExpression) -> list[tuple[figures.Heat | None, captions.Caption, str]]:
    """Heat maps of the study, None where there are too many samples to draw, each with its caption and its table."""
    known = STUDY_HEATS if study.sets else STUDY_HEATS[:2]
    drawn: Sequence[figures.Heat | None] = figures.study_heat(study) or [None] * len(known)
    return [(plot, make(study), table) for plot, (make, table) in zip(drawn, known, strict=True)]


def render_overview(
    rows: Iterable[OverviewRow], study: StudyExpression | None = None, pairs: pd.DataFrame | None = None
) -> str:
    """The overview as one HTML page beside the lots' folders. Donors in order of id, their lots by passage, then id.

    study: expression across lots, None = too few RNA samples. pairs: contract Pairs, None = no sample's alleles were
    counted. Columns are all arms of any lot, in the order they first appear; a lot without an arm shows it as not assessed.
    """
    ordered = sorted(rows, key=lambda row: (row.donor_id, row.passage is None, row.passage or 0, row.lot_id))
    columns: dict[str, list[str]] = {}
    for row in ordered:
        for arm in row.arms:
            held = columns.setdefault(arm.chrom, [])
            if arm.arm not in held:
                held.append(arm.arm)
    donors: dict[str, list[OverviewRow]] = {}
    for row in ordered:
        donors.setdefault(row.donor_id, []).append(row)
    context = {
        "lots": ordered,
        "donors": donors,
        "columns": columns,
        "states": {row.lot_id: {(arm.chrom, arm.arm): arm.state for arm in row.arms} for row in ordered},
        "links": {row.lot_id: f"{quote(row.lot_id, safe='')}/report.html" for row in ordered},
        "counts": words.outcome_counts(row.outcome for row in ordered),
        "withheld": any(arm.state == "withheld" for row in ordered for arm in row.arms),
        "recurrent": trend.recurrent(ordered),
        "panels": trend.panels(ordered),
        "trend": trend,
        "ticks": trend.ticks(ordered),
        "trend_caption": trend.caption(ordered),
        "title": "Genomic stability, all lots",
        "identity": None if pairs is None else pair_findings(pairs),
        "expression": study,
        "dots": figures.dots(study) if study else [],
        "plot_side": figures.PLOT,
        "map_caption": captions.study_map(study) if study else None,
        "heat": _heats(study) if study else [],
        "most_drawn": figures.MOST_DRAWN,
    }
    return page(
        "overview.html.j2", context, head="Genomic stability, all lots", scripts=("filter.js",) if ordered else ()
    )
