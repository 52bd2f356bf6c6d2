"""The table on page 1 instead of findings: whose sample it is, or how many reads are needed."""

import re
from collections.abc import Sequence

from karyolot.contracts.criteria import CriterionResult, Outcome
from karyolot.contracts.front import UNRECORDED, Board, Cell
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.record import LotPoint, Measured, SampleQc
from karyolot.contracts.record_dna import CopyNumberRecord
from karyolot.report.text import tiles
from karyolot.report.text.alleles import MOST_SURE
from karyolot.report.words import bins_of, capital, limit, measured, number, percent, power_of_ten

NEEDED = re.compile(r"about ([\d.,]+) times the reads of ([\w ]+?) are needed for a limit of (\d+%)")
"""Wording of `dna.forecast.more_reads` for a lot whose limit is too weak."""


def board(record: Measured) -> Board | None:
    """The table shown instead of findings when identity fails, or when the data are too few."""
    if record.verdict.outcome == "FAIL_IDENTITY":
        return _persons(record)
    lod = next((r for r in record.verdict.criteria if r.metric == MetricName.CN_LOD), None)
    short = lod is not None and lod.id in record.verdict.reasons and lod.outcome in ("INDETERMINATE", "NOT_ASSESSED")
    return _too_few(record, lod) if lod is not None and short and record.verdict.outcome == "INDETERMINATE" else None


SAME: dict[str, tuple[str, Outcome]] = {
    "MATCH": ("same person", "PASS"),
    "MISMATCH": ("different person", "FAIL"),
    "NOT ENOUGH": ("too few reads", "NOT_ASSESSED"),
}


def _persons(record: Measured) -> Board:
    """Evidence for and against the declared donor: a line per kind of evidence."""
    lot, alleles = record.lot, record.alleles
    results = {result.metric: result for result in record.verdict.criteria}
    lines: list[tuple[Cell, ...]] = []
    if alleles is not None:
        text, outcome = SAME[alleles.result]
        note = f"{number(alleles.sites)} SNPs, LR {_ratio(alleles.log10_unrelated)}"
        lines.append((Cell(text="Lot DNA"), Cell(text=text, note=note, outcome=outcome)))
    for metric, what in (
        (MetricName.IDENTITY_RNA_MATCH, "Lot RNA"),
        (MetricName.IDENTITY_DONOR_RNA_MATCH, "Donor RNA"),
        (MetricName.IDENTITY_GERMLINE, f"Germline CNVs of {lot.donor_id}"),
        (MetricName.IDENTITY_LOT_SEX, "Sex of the lot"),
        (MetricName.IDENTITY_DONOR_SEX, "Sex of the donor's sample"),
        (MetricName.RNA_SEX_AS_DECLARED, "Sex of the lot's RNA"),
    ):
        result = results.get(metric)
        if result is not None and result.value is not None:
            lines.append((Cell(text=what), _evidence(result, record.copy_number)))
    return Board(head=("Evidence", f"Against declared donor {lot.donor_id}"), rows=tuple(lines))


def _ratio(log10: float) -> str:
    """A likelihood ratio, no further from 1 than neighbouring sites, which are not independent, can support."""
    if abs(log10) > MOST_SURE:
        return f"above {power_of_ten(MOST_SURE)}" if log10 > 0 else f"below {power_of_ten(-MOST_SURE)}"
    return power_of_ten(log10)


def _evidence(result: CriterionResult, copies: CopyNumberRecord) -> Cell:
    if isinstance(result.value, str) and result.value in SAME:
        text = SAME[result.value][0]
    elif isinstance(result.value, bool):
        text = "as declared" if result.value else "not as declared"
    elif result.metric == MetricName.IDENTITY_GERMLINE:
        text = f"{sum(one.shared for one in copies.donor_variants)} of {len(copies.donor_variants)} found"
    else:
        text = measured(result.value, result.unit)
    return Cell(text=text, note=result.id, outcome="PASS" if result.outcome == "PASS" else "FAIL")


def _too_few(record: Measured, lod: CriterionResult) -> Board:
    """This lot, its donor and what a verdict needs."""
    copies = record.copy_number
    claim = copies.claim
    worst = None if claim is None or claim.gain is None or claim.loss is None else max(claim.gain, claim.loss)
    own = (
        Cell(text=f"{number(len(copies.bins.start))} of {bins_of(copies.bins.bin_bp)}"),
        Cell(text="none" if worst is None else f"{percent(worst)} of cells", outcome="INDETERMINATE"),
    )
    lines = [
        (Cell(text="This lot"), *_depth(record.qc, "lot"), *own),
        (Cell(text=f"Donor {record.lot.donor_id}"), *_depth(record.qc, "donor"), Cell(text="–"), Cell(text="–")),
    ]
    if (other := _comparable(record)) is not None:
        depth = Cell(text=tiles.times(other.depth)), Cell(text=number(other.fragments))
        lines.append(
            (Cell(text=f"Lot {other.lot_id}"), *depth, Cell(text="–"), Cell(text=f"{percent(other.lod)} of cells"))
        )
    forecast = NEEDED.search(lod.explanation)
    goal = f"{forecast[3]} of cells" if forecast else limit(lod.limit, lod.unit)
    reads = Cell(text=capital(needed(record, lod)) or UNRECORDED)
    lines.append((Cell(text="Needed"), Cell(text="–"), reads, Cell(text="–"), Cell(text=goal)))
    size = number(copies.claim_mb)
    head = ("", "Coverage", "Usable fragments", "Usable bins", f"Detection limit, {size} Mb")
    return Board(head=head, rows=tuple(lines))


def _comparable(record: Measured) -> LotPoint | None:
    """The nearest lot this one was grown from whose depth and limit of detection are known."""
    return next((lot for lot in reversed(record.earlier) if lot.depth and lot.fragments and lot.lod is not None), None)


def needed(record: Measured, lod: CriterionResult) -> str:
    """The reads a verdict needs: by the lot's own noise, or as many as a comparable lot has; '' = not known."""
    forecast = NEEDED.search(lod.explanation)
    if forecast:
        return f"about {forecast[1]} times the reads of {forecast[2]}"
    other, own = _comparable(record), record.point.depth
    if other is None or not own or not other.depth or other.depth <= own:
        return ""
    return f"about {number(other.depth / own, 2)} times the reads (as in {other.lot_id})"


def _depth(qc: Sequence[SampleQc], role: str) -> tuple[Cell, Cell]:
    return Cell(text=tiles.figure(qc, role, tiles.COVERAGE)), Cell(text=tiles.figure(qc, role, tiles.USABLE))
