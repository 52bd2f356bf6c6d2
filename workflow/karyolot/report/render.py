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

from karyolot.contracts.cells import interval, share
from karyolot.contracts.criteria import CriterionResult
from karyolot.contracts.metrics import PANEL_MODULES
from karyolot.contracts.provenance import Code, mark
from karyolot.contracts.record import Record, SampleQc
from karyolot.contracts.record_rna import ExpressionRecord, PanelModuleRow
from karyolot.report import groups, words
from karyolot.report.figures import expression as rows
from karyolot.report.figures import genes, genome, trend
from karyolot.report.figures.arms import arm_states
from karyolot.report.figures.heat import LONGEST, heat
from karyolot.report.figures.samples import PLOT, dots
from karyolot.report.figures.zoom import zoom

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
        "limit": words.limit,
        "log2": words.log2,
        "percent": words.percent,
        "share": share,
        "size": words.size,
        "axis": words.axis,
        "place": _locus,
        "listed": words.listed,
        "groupby_chrom": _by_chromosome,
    }
    made.globals |= {
        "OUTCOMES": words.OUTCOMES,
        "SECTIONS": groups.SECTIONS,
        "OPEN": groups.OPEN,
        "EXPECTATIONS": words.EXPECTATIONS,
        "ARM_ALLELES": words.ARM_ALLELES,
        "quantity": words.quantity,
        "interval": interval,
        "plural": words.plural,  # of the overview: a lot's own counts are in its record
        "genes_short": words.genes_short,
        "masked": words.masked,
        "setting": words.setting,
        "KINDS": words.KINDS,
        "longest": LONGEST,
    }
    return made


def _locus(interval: words.Interval) -> Markup:
    """Coordinates that break into lines after a sign, never within a number."""
    return Markup("<wbr>").join(re.split("(?<=[:-])", _printed(words.place(interval))))


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
    """A CSS string: everything but letters, digits and plain spaces as an escape, so that it cannot end the string. The space
    after an escape is a part of it."""
    plain = (c if c.isascii() and (c.isalnum() or c == " ") else f"\\{ord(c):06x} " for c in _printed(text))
    return f'"{"".join(plain)}"'


def render(record: Record, made_by: Code, paper: bool = False) -> str:
    """The lot's report as HTML: opens offline, without scripts; the same record and code give the same bytes.

    made_by: the code that renders, printed beside what made the record. paper: sections are open, and what a screen folds
    follows in an annex.
    """
    text, verdict, expression = record.text, record.verdict, record.expression
    marked = mark(record.provenance, made_by)
    title = f"{marked} {text.title}".strip()
    context = {
        "record": record,
        "text": text,
        "lot": record.lot,
        "paper": paper,
        "sha256": record.digest(),
        "made_by": made_by,
        "lot_facts": [(words.fact_label(name), value) for name, value in record.lot.facts.items() if value is not None],
        "verdict": verdict,
        "mark": marked,
        "title": title,
        "groups": groups.by_section(verdict.criteria),
        "copy_number": record.copy_number,
        "expression": expression,
        "qc": [(key, name, qc_table([s for s in record.qc if s.assay == key])) for key, name in ASSAYS.items()],
        "provenance": record.provenance,
        **_dna_drawings(record),
        **_rna_drawings(record),
        "modules": panel_modules(expression, verdict.criteria) if expression else [],
    }
    return page(
        "report.html.j2",
        context,
        head=title,
        foot=f"Genomic stability report {record.report_id}",
        styles=(f"{UPLOT}/uPlot.min.css", "style.css"),
        scripts=(f"{UPLOT}/uPlot.iife.min.js", "zoom.js"),
    )


def _dna_drawings(record: Record) -> dict[str, Any]:
    copies, alleles, said = record.copy_number, record.alleles, record.text.alleles
    labels = [call.label for call in record.text.copy_number.calls]
    front = record.text.front
    line = [*record.earlier, record.point] if record.earlier else []
    shares = None
    if alleles is not None and said is not None and said.fractions is not None:
        shares = genome.allele_plots(copies, alleles, labels, said.events)
    return {
        "ratio": genome.ratio_plot(copies, labels, front.rules),
        "donor_track": genome.track_plot(copies, copies.bins.donor_log2),
        "lot_track": genome.track_plot(copies, copies.bins.lot_log2),
        "zoom": zoom(copies, labels, front.rules, banded=bool(front.band)),
        "shares": shares,
        "arms": arm_states(copies),
        "line": line,
        "line_panel": next(iter(trend.panels(line)), None),  # they are of one donor
        "line_ticks": trend.ticks(line),
        "trend": trend,
    }


def _rna_drawings(record: Record) -> dict[str, Any]:
    expression = record.expression
    component_map = ((expression.panel.map if expression.panel else None) or expression.map) if expression else None
    return {
        "component_map": component_map,
        "ma": genes.ma_plot(expression) if expression else None,
        "genes": genes,
        "markers": rows.dumbbells(expression) if expression else {},
        "lollipops": rows.lollipops(expression) if expression else [],
        "heat": heat(expression) if expression else [],
        "dots": dots(component_map) if component_map else [],
        "plot_side": PLOT,
        "tpm_ticks": rows.tpm_ticks(),
        "nes_ticks": rows.nes_ticks(),
    }


def panel_modules(
    expression: ExpressionRecord, results: tuple[CriterionResult, ...]
) -> list[tuple[PanelModuleRow, str | None]]:
    """Modules of the panel, each with the outcome of the criterion on it; None when none does."""
    outcomes = {result.metric: result.outcome for result in results}
    rows = expression.panel.modules if expression.panel else ()
    return [(row, outcomes.get(PANEL_MODULES.get(row.name, ""))) for row in rows]


ASSAYS = {"wgs": "Whole-genome sequencing", "rnaseq": "RNA sequencing"}


def qc_table(samples: list[SampleQc]) -> tuple[list[SampleQc], list[tuple[str, list[str]]]]:
    """Samples as columns, figures as rows: (name, one printed value per sample), in order of first appearance."""
    names = list(dict.fromkeys(figure.name for sample in samples for figure in sample.figures))
    held = [{figure.name: words.quantity(figure.value, figure.unit) for figure in sample.figures} for sample in samples]
    return samples, [(name, [values.get(name, words.MISSING) for values in held]) for name in names]
