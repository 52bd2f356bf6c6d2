"""Called changes as numbers: which criteria count them, and how small a clone of each would be missed."""

from collections.abc import Iterator

from karyolot.contracts.metrics import MetricName
from karyolot.contracts.record import Measured
from karyolot.contracts.record_dna import CallRow, CopyNumberRecord

GC_RICH, GC_RICH_LOG2 = "GC-rich end", 0.07
"""A call there counts as artefact-prone below this ratio, as `dna.summary` has it."""


def limit_at(row: CallRow, record: CopyNumberRecord) -> float | None:
    """Smallest fraction of cells found in another lot of a change like this: of the whole chromosome, or of the next smaller
    tabulated size; None = not even in all cells."""
    if row.extent == "chromosome":
        own = next((arm for arm in record.arms if arm.scope == "chromosome" and arm.name == row.chrom), None)
        if own is not None and own.assessable:
            return own.lod_gain if row.type == "gain" else own.lod_loss
    sizes = [lod for lod in record.lod if lod.size_mb <= row.size_mb * (1 + 1e-9)]
    best = max(sizes, key=lambda lod: lod.size_mb, default=None)
    if best is None:
        return None
    return best.gain if row.type == "gain" else best.loss


def criteria(record: Measured) -> dict[str, tuple[str, ...]]:
    """Events that a criterion counts, by its id; of criteria that count none nothing."""
    copies = record.copy_number
    found = {}
    for result in record.verdict.criteria:
        events = tuple(call.id for call in copies.calls if result.metric in _metrics_of(call, copies))
        if events and result.outcome != "NOT_ASSESSED":
            found[result.id] = events
    return found


def _metrics_of(row: CallRow, record: CopyNumberRecord) -> Iterator[str]:
    """The metrics that count a call, as `dna.summary` counts it."""
    if row.origin == "lost":
        yield MetricName.CN_DONOR_CHANGE_LOST
        return
    if row.alleles == "disagree" and row.class_ != "high-copy":
        yield MetricName.CN_CONTRADICTED
        return
    if row.artefact and (row.artefact != GC_RICH or abs(row.log2) < GC_RICH_LOG2):
        yield MetricName.CN_ARTEFACT_PRONE
        return
    yield MetricName.CN_ACQUIRED_LONG if row.size_mb >= record.claim_mb else MetricName.CN_ACQUIRED_SHORT
    if row.class_ == "high-copy":
        yield MetricName.CN_HIGH_COPY
    if row.extent == "chromosome" and not row.chrom.endswith(("X", "Y")):
        yield MetricName.CN_WHOLE_CHROMOSOME
    if row.extent != "part":
        yield MetricName.CN_ARM_CHANGE
    if row.published_rule != "none":
        yield MetricName.CN_PUBLISHED_RULE
