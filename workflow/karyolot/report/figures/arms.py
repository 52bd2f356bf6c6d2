"""Chromosome arms: what is drawn for each."""

from collections.abc import Sequence
from typing import Literal

from karyolot.contracts.overview import ArmState
from karyolot.contracts.record_dna import CallRow, Chromosome, CopyNumberRecord

PART: dict[Literal["gain", "loss"], ArmState] = {"gain": "part-gain", "loss": "part-loss"}


def arm_states(record: CopyNumberRecord) -> dict[tuple[str, str], ArmState]:
    """What is drawn for each arm, by (chromosome, 'p' | 'q' | ''), in the record's order.

    An arm overlapped by a called change takes its type, 'part-' below the clonal fraction; without a call it is 'blind'
    when not assessable.
    """
    contigs = {chromosome.name: chromosome for chromosome in record.chromosomes}
    states: dict[tuple[str, str], ArmState] = {}
    for row in record.arms:
        chrom, arm = (row.name, "") if row.name in contigs else (row.name[:-1], row.name[-1:])
        if row.scope != "arm" or chrom not in contigs:
            continue
        start, end = _extent(contigs[chrom], arm)
        calls = [call for call in record.calls if call.chrom == chrom and call.start < end and call.end > start]
        states[chrom, arm] = _changed(calls) if calls else "none" if row.assessable else "blind"
    return states


def _extent(contig: Chromosome, arm: str) -> tuple[int, int]:
    if contig.centromere is None or not arm:
        return 0, contig.length
    return (0, contig.centromere) if arm == "p" else (contig.centromere, contig.length)


def _changed(calls: Sequence[CallRow]) -> ArmState:
    """The state of an arm with these calls on it, one at least."""
    if len({call.type for call in calls}) > 1:
        return "mixed"
    type_ = calls[0].type
    return PART[type_] if all(call.class_ == "sub-clonal" for call in calls) else type_
