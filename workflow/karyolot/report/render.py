"""The record of a lot to one self-contained HTML page."""

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import groupby
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from karyolot.contracts.criteria import CriterionResult
from karyolot.contracts.metrics import PANEL_MODULES
from karyolot.contracts.record import ExpressionRecord, LotPoint, PanelModuleRow, Record, SampleQc
from karyolot.report import captions, figures, traps, trend, words
from karyolot.report.zoom import zoom

_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
"""Control characters, and marks that turn the direction of text: they could make a page read other than it is."""


def _printed(value: Any) -> Any:
    """Every value a template prints passes here, before escaping: null reads 'not available', hidden marks show."""
    if value is None:
        return words.MISSING
    if isinstance(value, str) and not isinstance(value, Markup):
        return _UNPRINTABLE.sub("\ufffd", value)
    return value


@cache
def environment() -> Environment:
    """The templates: always escaping, and an unknown name is an error, not a blank."""
    made = Environment(
        loader=PackageLoader("karyolot.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printed,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "number": words.number,
        "measured": words.measured,
        "log2": words.log2,
        "percent": words.percent,
        "size": words.size,
        "axis": words.axis,
        "place": words.place,
        "listed": words.listed,
        "groupby_chrom": _by_chromosome,
    }
    made.globals |= {
        "OUTCOMES": words.OUTCOMES,
        "evidence": words.evidence,
        "EXPECTATIONS": words.EXPECTATIONS,
        "AGREEMENT": words.AGREEMENT,
        "ARM_ALLELES": words.ARM_ALLELES,
        "ORIGINS": words.ORIGINS,
        "quantity": words.quantity,
        "unit_of": words.unit_of,
        "plural": words.plural,
        "genes_short": words.genes_short,
        "masked": words.masked,
        "setting": words.setting,
        "KINDS": words.KINDS,
        "longest": figures.LONGEST,
    }
    return made


def _by_chromosome(keys: Iterable[tuple[str, str]]) -> list[tuple[str, list[tuple[str, str]]]]:
    return [(chrom, list(held)) for chrom, held in groupby(keys, key=lambda key: key[0])]


UPLOT = "vendor/uplot-1.6.32"


def page(
    template: str,
    context: Mapping[str, Any],
    *,
    head: str = "",
    foot: str = "",
    styles: Iterable[str] = ("style.css",),
    scripts: Iterable[str] = (),
) -> str:
    """One HTML page that may load nothing: style and script are inline, named by hash in its Content-Security-Policy.

    head, foot: text in the margin of every printed page. styles, scripts: files among the templates.
    """
    script = "\n".join(map(template_source, scripts))
    style = "\n".join(map(template_source, styles)) + (
        "@page {"
        f" @top-left {{ content: {_css_text(head)}; }}"
        f" @top-right {{ content: {_css_text(foot)}; }}"
        ' @bottom-right { content: "Page " counter(page) " of " counter(pages); }'
        " }"
    )
    policy = f"default-src 'none'; style-src {_hash(style)}; "
    policy += f"script-src {_hash(script)}; " if script else ""
    policy += "base-uri 'none'; form-action 'none'"
    trusted = {"style": Markup(style), "script": Markup(script)}  # noqa: S704 - our own files, and margins escaped by _css_text
    return environment().get_template(template).render(**context, **trusted, policy=policy)


def _hash(text: str) -> str:
    """A source of a Content-Security-Policy: this text and no other."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def template_source(name: str) -> str:
    """Text of a file beside the templates."""
    loader = environment().loader
    assert loader is not None
    return loader.get_source(environment(), name)[0]


def _css_text(text: str) -> str:
    """A CSS string: everything but letters, digits and plain spaces as an escape, so that it cannot end the string."""
    plain = (c if c.isascii() and (c.isalnum() or c == " ") else f"\\{ord(c):06x}" for c in _printed(text))
    return f'"{"".join(plain)}"'


def render(record: Record) -> str:
    """The lot's report as HTML: opens offline, without scripts; the same record gives the same bytes."""
    copy_number, expression, verdict = record.copy_number, record.expression, record.verdict
    alleles = record.alleles if record.alleles and record.alleles.track.start else None
    shares = figures.allele_plots(copy_number, alleles) if alleles else None
    said = captions.allele_shares(copy_number, alleles, record.lot, shares[0]) if alleles and shares else None
    ratio = figures.ratio_plot(copy_number)
    zoomed = zoom(copy_number)
    states = figures.arm_states(copy_number)
    place = expression.panel.map if expression and expression.panel else None
    line = [*record.earlier, trend.point(record)] if record.earlier else []
    draft = bool(record.provenance.dirty)
    title = f"{'DRAFT ' if draft else ''}{record.lot.lot_id} {words.OUTCOMES[verdict.outcome][1]}"
    context = {
        "record": record,
        "lot": record.lot,
        "facts": [(words.fact_label(name), value) for name, value in record.lot.facts.items() if value is not None],
        "unrecorded": [words.fact_label(name).lower() for name, value in record.lot.facts.items() if value is None],
        "verdict": verdict,
        "draft": draft,
        "title": title,
        "criteria": sorted_criteria(verdict.criteria),
        "deciding": [result for result in verdict.criteria if result.id in verdict.reasons],
        "counts": words.outcome_counts(result.outcome for result in verdict.criteria),
        "copy_number": copy_number,
        "ratio": ratio,
        "zoom": zoomed,
        "donor_track": figures.track_plot(copy_number, copy_number.bins.donor_log2),
        "lot_track": figures.track_plot(copy_number, copy_number.bins.lot_log2),
        "shares": shares,
        "arms": states,
        "line": _line(line) if line else None,
        "numbers": figure_numbers(expression, shares is not None, bool(line), place is not None),
        "expression": expression,
        "captions": {
            "ratio": captions.ratio(copy_number, ratio, zoomed.group),
            "tracks": captions.tracks(copy_number, record.lot),
            "arms": captions.arms(states),
            "shares": said,
            "line": trend.caption(line) if line else None,
            "lod": captions.limits_of_detection(copy_number),
            "markers": captions.markers(expression) if expression else None,
            "pathways": captions.pathways(expression) if expression and expression.sets else None,
            "heat": captions.heat(expression) if expression and expression.heat else None,
            "place": captions.place_in_panel(place) if place else None,
            "modules": captions.modules(expression) if expression else None,
            "arm_shifts": captions.arm_shifts(expression) if expression and expression.arms else "",
        },
        "traps": {
            "markers": traps.of_markers(expression) if expression else [],
            "sets": traps.of_sets(expression) if expression else [],
        },
        "heat": figures.heat(expression) if expression else [],
        "markers": figures.dumbbells(expression) if expression else {},
        "dots": figures.dots(place) if place else [],
        "plot_side": figures.PLOT,
        "modules": panel_modules(expression, verdict.criteria) if expression else [],
        "tpm_ticks": figures.tpm_ticks(),
        "lollipops": figures.lollipops(expression) if expression else [],
        "nes_ticks": figures.nes_ticks(),
        "qc": [(name, qc_table([s for s in record.qc if s.assay == key])) for key, name in ASSAYS.items()],
        "not_imported": [
            words.KINDS[kind].lower()
            for kind in words.ALWAYS_ASKED
            if kind not in {result.kind for result in record.imported}
        ],
        "provenance": record.provenance,
    }
    return page(
        "report.html.j2",
        context,
        head=title,
        foot=f"Genomic stability report {record.report_id}",
        styles=(f"{UPLOT}/uPlot.min.css", "style.css"),
        scripts=(f"{UPLOT}/uPlot.iife.min.js", "zoom.js"),
    )


def _line(rows: list[LotPoint]) -> dict[str, Any]:
    """The lots a lot was grown from, and itself last, as they are drawn and listed. They are of one donor."""
    claimed = trend.claim(rows)
    return {
        "panel": next(iter(trend.panels(rows)), None),
        "rows": rows,
        "ticks": trend.ticks(rows),
        "trend": trend,
        "sizes": "Claimed size" if claimed is None else f"{words.number(claimed)} Mb",
    }


def figure_numbers(expression: ExpressionRecord | None, shares: bool, line: bool, place: bool) -> dict[str, int]:
    """Numbers of the figures that are drawn, in the order of the page. shares, line, place: whether allele shares are,
    earlier lots, and the lot's place in the panel."""
    drawn = ["ratio", "tracks", "arms", *(["shares"] if shares else []), *(["line"] if line else [])]
    if expression:
        held = {"markers": expression.markers, "place": place, "pathways": expression.sets, "heat": expression.heat}
        drawn += [name for name, there in held.items() if there]
    return {name: number for number, name in enumerate(drawn, 1)}


def panel_modules(
    expression: ExpressionRecord, results: tuple[CriterionResult, ...]
) -> list[tuple[PanelModuleRow, str | None]]:
    """Modules of the panel, each with the outcome of the criterion that asks for it; None when none does."""
    outcomes = {result.metric: result.outcome for result in results}
    rows = expression.panel.modules if expression.panel else ()
    return [(row, outcomes.get(PANEL_MODULES.get(row.name, ""))) for row in rows]


ASSAYS = {"wgs": "Whole-genome sequencing", "rnaseq": "RNA sequencing"}


def sorted_criteria(results: tuple[CriterionResult, ...]) -> list[CriterionResult]:
    """Gravest outcome first; within one outcome the order of the acceptance document."""
    order = list(words.OUTCOMES)
    return sorted(results, key=lambda result: order.index(result.outcome))


def qc_table(samples: list[SampleQc]) -> tuple[list[SampleQc], list[tuple[str, list[str]]]]:
    """Samples as columns, figures as rows: (name, one printed value per sample), in order of first appearance."""
    names = list(dict.fromkeys(figure.name for sample in samples for figure in sample.figures))
    held = [{figure.name: words.quantity(figure.value, figure.unit) for figure in sample.figures} for sample in samples]
    return samples, [(name, [values.get(name, words.MISSING) for values in held]) for name in names]
