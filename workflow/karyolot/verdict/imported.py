"""Metrics of the results of other methods: taken from their documents, not measured here."""

from collections.abc import Sequence

from karyolot.contracts.criteria import Metric, Metrics
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.record import ImportedResult


def imported_metrics(results: Sequence[ImportedResult]) -> Metrics:
    """Metrics of a lot's imported results; each is None if the sheet has no result of the kind, or no limit for it.

    imported.karyotype_normal, flow_within_limits, mycoplasma_negative: true if every result of the kind is within its limit.
    imported.viability: the lowest one, in %.
    """
    return {
        MetricName.IMPORTED_KARYOTYPE_NORMAL: _all_met(results, "karyotype or DNA content", "karyotype", "dna_content"),
        MetricName.IMPORTED_FLOW_WITHIN_LIMITS: _all_met(results, "flow cytometry", "flow"),
        MetricName.IMPORTED_MYCOPLASMA_NEGATIVE: _all_met(results, "mycoplasma test", "mycoplasma"),
        MetricName.IMPORTED_VIABILITY: _lowest([result for result in results if result.kind == "viability"]),
    }


def _all_met(results: Sequence[ImportedResult], name: str, *kinds: str) -> Metric:
    found = [result for result in results if result.kind in kinds]
    judged = [result for result in found if result.met is not None]
    if not found:
        return Metric(value=None, reason=f"no {name} among the imported results", about=(name,))
    if not judged:
        return Metric(value=None, reason=f"no limit is given for the {name}")
    value = all(result.met for result in judged)
    shown = judged if value else [result for result in judged if not result.met]
    return Metric(value=value, detail="; ".join(map(_sentence, shown)))


def _lowest(results: Sequence[ImportedResult]) -> Metric:
    if not results:
        return Metric(value=None, reason="no viability among the imported results", about=("viability",))
    lowest = min(results, key=lambda result: float(result.value))
    return Metric(value=float(lowest.value), detail=_sentence(lowest))


def _sentence(result: ImportedResult) -> str:
    """'46,XX[20] by G-banding (document KB-17)'."""
    unit = "" if result.unit is None else result.unit if result.unit == "%" else f" {result.unit}"
    analyte = "" if result.analyte is None else f"{result.analyte} "
    method = "" if result.method is None else f" by {result.method}"
    return f"{analyte}{result.value}{unit}{method} (document {result.document})"
