"""Metrics that come from the sheets and the files themselves, not from an analysis."""

from collections.abc import Mapping
from typing import Any

from karyolot.contracts.criteria import Metric, Metrics
from karyolot.contracts.metrics import MetricName


def process_metrics(facts: Mapping[str, Any], verified_files: int) -> Metrics:
    """facts: the lot's row of lots.tsv. verified_files: FASTQ files read completely (a damaged one stops the run)."""
    pdl = facts["pdl"]
    return {
        MetricName.PROCESS_PASSAGE: Metric(
            value=float(facts["passage"]), detail=f"passage {facts['passage']} by record"
        ),
        MetricName.PROCESS_PDL: Metric(value=pdl, detail=f"{pdl} by record")
        if pdl is not None
        else Metric(value=None, reason="no population doublings in the lot sheet"),
        MetricName.READS_VERIFIED: Metric(
            value=True, detail=f"{verified_files} FASTQ files read completely; pairing and checksums are correct"
        )
        if verified_files
        else Metric(value=None, reason="no FASTQ files: the samples came as alignments or counts"),
    }
