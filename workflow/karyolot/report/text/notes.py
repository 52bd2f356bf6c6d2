"""Notes against misreading expression results, one each, with this lot's own numbers."""

from karyolot.contracts.record_rna import ExpressionRecord, MarkerRow, SetRow
from karyolot.contracts.text import Note
from karyolot.report.words import MISSING, listed, log2, number


def of_markers(record: ExpressionRecord) -> tuple[Note, ...]:
    """Notes on albumin and HLA class II, where the panel has them."""
    return tuple(note for note in (_albumin(record), _hla(record)) if note is not None)


def of_sets(record: ExpressionRecord) -> tuple[Note, ...]:
    """Notes on Hippo's direction and on WNT driven by the medium, where such sets are scored."""
    return tuple(note for note in (_hippo(record), _medium(record)) if note is not None)


def _albumin(record: ExpressionRecord) -> Note | None:
    rows = {row.expected: row for row in record.markers if row.gene_name == "ALB"}
    if not rows:
        return None
    row = next(iter(rows.values()))
    there = {"yes": "detected", "no": "not detected", None: "of unknown level"}[_met(rows, "detected")]
    lower = {"yes": "lower than in the donor", "no": "not lower than in the donor", None: "not compared with the donor"}
    return Note(
        title="Albumin",
        text="Albumin is judged twice: it must be present, and lower than in the donor. In this lot it is"
        f" {there} ({_tpm(row.lot_tpm)}) and {lower[_met(rows, 'down')]} ({_tpm(row.donor_tpm)}). A lot"
        " without it has lost its hepatic identity; one that makes as much as its donor was not reprogrammed.",
    )


def _met(rows: dict[str, MarkerRow], expected: str) -> str | None:
    return rows[expected].met if expected in rows else None


def _hla(record: ExpressionRecord) -> Note | None:
    rows = [r for r in record.markers if "HLA" in r.group and r.expected == "absent" and r.lot_tpm_high is not None]
    if not rows:
        return None
    lot = max(rows, key=lambda row: row.lot_tpm_high or 0.0)
    donor = max(rows, key=lambda row: row.donor_tpm or 0.0)
    return Note(
        title="HLA class II",
        text=f"The lot's own highest level counts: {lot.gene_name}, {_tpm(lot.lot_tpm_high)}. A liver preparation holds"
        f" immune and endothelial cells (here {donor.gene_name}, {_tpm(donor.donor_tpm)}), so a decrease against the"
        " donor shows that these are gone, not that the lot's cells express none.",
    )


def _hippo(record: ExpressionRecord) -> Note | None:
    hippo, targets = _of_axis(record, "Hippo"), _of_axis(record, "YAP/TAZ targets")
    if not hippo:
        return None
    found = f"The Hippo set has {_scores(record, hippo)}"
    if targets:
        found += f", the targets of YAP and TAZ {_scores(record, targets)}"
        strongest = max(targets, key=lambda row: abs(row.nes or 0.0))
        if not record.p_values:
            found += ": without replicates the direction cannot be tested"
        elif not strongest.significant(record.significance):
            found += ": the direction is open"
        else:
            found += f": this indicates Hippo {'off' if (strongest.nes or 0.0) > 0 else 'on'}"
    return Note(
        title="Hippo and YAP",
        text=f"{found}. An enriched Hippo set does not mean an active Hippo pathway, since the set holds its members and not its"
        " effect; targets of YAP and TAZ (CCN1, CCN2, ANKRD1, AMOTL2) rise when Hippo is off.",
    )


def _medium(record: ExpressionRecord) -> Note | None:
    wnt = _of_axis(record, "WNT")
    if not wnt:
        return None
    return Note(
        title="Medium",
        text=f"The WNT sets have {_scores(record, wnt)}. The published culture medium holds CHIR99021, which inhibits GSK3 and so"
        " drives WNT, and the lipids S1P and LPA, which can drive YAP. These scores show whether the process runs as it"
        " should; they are not evidence of safety, and an increase is not evidence of a change in the cells.",
    )


def _tpm(value: float | None) -> str:
    return MISSING if value is None else f"{number(value)} TPM"


def _of_axis(record: ExpressionRecord, axis: str) -> list[SetRow]:
    """Sets of an axis that are assessed."""
    return [row for row in record.sets if row.axis == axis and row.nes is not None]


def _scores(record: ExpressionRecord, rows: list[SetRow]) -> str:
    """'NES +1.94 (adjusted p 0.002) and +0.80 (not significant)'; the scores alone where there are no p values."""
    if not record.p_values:
        return f"NES {listed([log2(row.nes) for row in rows])}"
    parts = [
        f"{log2(row.nes)}"
        f" ({f'adjusted p {number(row.padj, 2)}' if row.significant(record.significance) else 'not significant'})"
        for row in rows
    ]
    return f"NES {listed(parts)}"
