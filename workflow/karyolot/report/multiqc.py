"""Records of all lots -> tables MultiQC shows beside the quality of a run (custom content). Nothing is judged here."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any
from urllib.parse import quote

from karyolot.contracts.record import Record
from karyolot.report.words import OUTCOMES, unseen

RULES = {"pass": ("PASS",), "warn": ("REVIEW", "INDETERMINATE"), "fail": ("FAIL", "FAIL_IDENTITY")}
"""MultiQC's colours by outcome; the word has the same meaning."""


def verdict_table(records: Sequence[Record]) -> dict[str, Any]:
    """Content of `verdicts_mqc.json`: a row per lot. MultiQC prints cells as HTML, so texts are escaped here."""
    rules = {name: [{"s_contains": f" {OUTCOMES[outcome][1]} "} for outcome in held] for name, held in RULES.items()}
    notes = ["From the records alone; the reports hold the reasons."]
    if passed := [noun for record in records if record.verdict.outcome == "PASS" for noun in record.not_seen]:
        notes.append(unseen(passed))
    return {
        "id": "karyolot_verdicts",
        "section_name": "Genomic stability",
        "description": escape(" ".join(notes)),
        "plot_type": "table",
        "pconfig": {
            "id": "karyolot_verdicts_table",
            "title": "Genomic stability: verdicts",
            "no_violin": True,
            "sort_rows": False,
            "col1_header": "Lot",
        },
        "headers": {
            "donor": {"title": "Donor"},
            "passage": {"title": "Passage", "format": "{:,.0f}", "scale": False},
            "verdict": {"title": "Verdict", "cond_formatting_rules": rules},
            "reason": {"title": "First reason"},
            "report": {"title": "Report"},
        },
        "data": {record.lot.lot_id: _row(record) for record in records},
    }


def _row(record: Record) -> dict[str, Any]:
    symbol, word = OUTCOMES[record.verdict.outcome]
    mark = f" {record.provenance.mark}".rstrip()
    passage = record.lot.facts.get("passage")
    return {
        "donor": escape(record.lot.donor_id),
        "passage": passage if isinstance(passage, (int, float)) else "not recorded",
        "verdict": f"{symbol} {word} {mark}",  # the space ends the word: FAIL is not FAIL-IDENTITY
        "reason": escape(record.text.verdict.first_reason),
        "report": f'<a href="{quote(record.lot.lot_id, safe="")}/report.html">{escape(record.report_id)}</a>',
    }


def quality_table(records: Iterable[Record]) -> dict[str, Any]:
    """Content of `quality_mqc.json`: the quality figures of every sample, as the reports print them; unknown ones absent."""
    samples = {sample.sample_id: sample for record in records for sample in record.qc}
    units = {figure.name: figure.unit for sample in samples.values() for figure in sample.figures}
    return {
        "id": "karyolot_quality",
        "plot_type": "generalstats",
        "headers": {
            name: {"title": name, "description": name, "suffix": f" {unit}".rstrip(), "format": "{:,.4g}"}
            for name, unit in units.items()
        },
        "data": {
            escape(name): {figure.name: figure.value for figure in sample.figures if figure.value is not None}
            for name, sample in sorted(samples.items())
        },
    }
