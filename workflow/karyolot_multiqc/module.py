"""The section of karyolot in a MultiQC report. Nothing is judged here; a record that was edited is left out with a warning."""

import logging
from html import escape
from pathlib import Path
from typing import Any

from multiqc.base_module import BaseMultiqcModule, ModuleNoSamplesFound
from multiqc.plots import table

from karyolot.contracts.criteria import Metrics
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.record import Record
from karyolot.io.files import read_metrics
from karyolot.io.record import read_report
from karyolot.report.multiqc import RULES
from karyolot.report.words import OUTCOMES, unseen
from karyolot_multiqc import KEY

log = logging.getLogger("multiqc")
METRICS = {
    MetricName.CN_LOD: ("Limit of detection", "%", 100.0),
    MetricName.DNA_NOISE: ("Noise", " log2", 1.0),
    MetricName.IDENTITY_SNP_MATCH: ("Identity by SNPs", "", None),
    MetricName.IDENTITY_CONTAMINATION: ("Contamination", "%", 100.0),
}
"""Metric -> title, unit, and factor of a number (None: a word)."""


def row_of(record: Record, measured: Metrics) -> dict[str, Any]:
    """One row of the table; what was not measured is absent."""
    symbol, word = OUTCOMES[record.verdict.outcome]
    row: dict[str, Any] = {"verdict": f"{symbol} {word} {record.provenance.mark}".rstrip() + " "}
    for name, (_, _, factor) in METRICS.items():
        value = measured[name].value if name in measured else None
        if value is not None:
            row[name] = value if factor is None else factor * float(value)
    return row


def headers() -> dict[str, dict[str, Any]]:
    """Columns of the table as MultiQC takes them."""
    rules = {name: [{"s_contains": f" {OUTCOMES[outcome][1]} "} for outcome in held] for name, held in RULES.items()}
    about = "of karyolot; the reports hold the reasons"
    found: dict[str, dict[str, Any]] = {
        "verdict": {"title": "Verdict", "description": about, "cond_formatting_rules": rules}
    }
    for name, (title, unit, factor) in METRICS.items():
        found[name] = {"title": title, "description": name.meaning, "suffix": unit, "scale": False}
        if factor is not None:
            found[name] |= {"format": "{:,.3g}", "min": 0}
    return found


class MultiqcModule(BaseMultiqcModule):  # type: ignore[misc]
    """The section of karyolot in a MultiQC report."""

    def __init__(self) -> None:
        info = "decides whether lots of reprogrammed liver cells are genomically stable, with a limit of detection."
        super().__init__(name="karyolot", anchor=KEY, info=info)
        rows: dict[str, dict[str, Any]] = {}
        passed: list[str] = []
        for file in self.find_log_files(KEY, filecontents=False):
            path = Path(file["root"]) / file["fn"]
            try:
                record = read_report(path)
                rows[record.lot.lot_id] = row_of(record, read_metrics(path.parent / "metrics.json"))
            except KaryolotError as error:
                log.warning("karyolot: %s", error)
                continue
            self.add_data_source(file, record.lot.lot_id)
            passed += record.not_seen if record.verdict.outcome == "PASS" else ()
        if not (rows := self.ignore_samples(rows)):
            raise ModuleNoSamplesFound
        log.info("Found %d lots", len(rows))
        pconfig = {"id": "karyolot_lots", "title": "karyolot: lots", "no_violin": True, "col1_header": "Lot"}
        about = escape(unseen(passed)) if passed else ""  # a PASS never stands without what it cannot see
        plot = table.plot(rows, headers(), pconfig)
        self.add_section(name="Lots", anchor="karyolot-lots", description=about, plot=plot)
        self.write_data_file(rows, "multiqc_karyolot")
