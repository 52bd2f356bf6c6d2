"""Captions: the finding first, taken from the record, then how to read the figure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from karyolot.contracts.record import CallRow, CopyNumberRecord, ExpressionRecord, LodRow, LotFacts
from karyolot.report.figures import GenomePlot
from karyolot.report.words import ORIGINS, axis, bins_of, listed, number, percent, plural


@dataclass(frozen=True)
class Caption:
    finding: str
    reading: str


def _called(call: CallRow) -> str:
    return f"{call.type} of {call.bands or call.chrom} in {percent(call.fraction)} of cells"


def ratio(record: CopyNumberRecord, plot: GenomePlot) -> Caption:
    """Figure 1: the ratio along the genome."""
    calls = record.calls
    if calls:
        finding = f"{plural(len(calls), 'change').capitalize()} called against the donor: "
        finding += listed([_called(call) for call in calls], 4) + "."
    elif _claim_row(record) is None:
        finding = f"No change called, but in these data none of {number(record.claim_mb)} Mb could have been."
    else:
        finding = "No change called against the donor's own hepatocytes."
    finding += (
        f" The published rule calls {plural(record.published_gains, 'gain')}"
        f" and {plural(record.published_losses, 'loss', 'losses')}."
    )
    width = bins_of(record.bins.bin_bp)
    reading = f"Grey: log2 of lot over donor fragments in bins of {width}"
    if plot.group > 1:
        reading += (
            f", each point drawn the median of up to {plot.group} neighbouring bins"
            f" ({len(record.bins.start):,} bins in all; calls and segments use every bin)"
        )
    reading += (
        ". Yellow: segment medians. Solid line: no change. Red dashed: the published limits,"
        f" log2(3/2) = {axis(record.published_gain_log2)} and log2(1/2) = {axis(record.published_loss_log2)},"
        " which only a change in nearly all cells can reach."
        if _is_paper_rule(record)
        else ". Yellow: segment medians. Solid line: no change. Red dashed: the configured limits,"
        f" {axis(record.published_gain_log2)} and {axis(record.published_loss_log2)}."
    )
    if plot.guides:
        names = listed([chromosome.label for chromosome in plot.chromosomes if chromosome.single])
        reading += f" Dotted on {names}: one copy more where a normal cell has one, log2(2/1) = +1."
    if calls:
        reading += " Shaded: called changes."
    if plot.above or plot.below:
        reading += f" Triangles: points off the fixed axis ({plot.above} above, {plot.below} below)."
    if plot.empty:
        reading += f" Hatched: no usable bin ({listed(plot.empty)})."
    if plot.unlabelled:
        reading += (
            f" {plural(plot.unlabelled, 'label').capitalize()} left out for want of room; the table has them all."
        )
    return Caption(finding, reading)


def _claim_row(record: CopyNumberRecord) -> LodRow | None:
    """The limit of detection at the size the claim is made for; None when gain or loss is not assessable there."""
    row = next((row for row in record.lod if abs(row.size_mb - record.claim_mb) < 1e-9), None)
    return None if row is None or row.gain is None or row.loss is None else row


def _is_paper_rule(record: CopyNumberRecord) -> bool:
    return abs(record.published_gain_log2 - 0.585) < 1e-3 and abs(record.published_loss_log2 + 1) < 1e-3


def tracks(record: CopyNumberRecord, lot: LotFacts) -> Caption:
    """Figure 2: donor and lot, each alone."""
    origins = Counter(call.origin for call in record.calls)
    if record.calls:
        parts = [f"{origins[name]} {name} ({meaning})" for name, meaning in ORIGINS.items() if origins[name]]
        finding = f"Changes by origin: {', '.join(parts)}."
    else:
        finding = "With no change called, both tracks are shown as evidence."
    if record.donor_variants:
        shared = sum(variant.shared for variant in record.donor_variants)
        finding += f" The lot shares {shared} of {plural(len(record.donor_variants), 'change')} of the donor's own."
    return Caption(
        finding,
        f"Each sample alone against its GC model, donor {lot.donor_id} above, lot {lot.lot_id} below; the right axis"
        " counts copies. A loss in the donor reads as a gain of the ratio, so a change counts as the lot's only where"
        " the lot's own track moves. Solid lines: the copies a normal cell of this donor's sex has.",
    )


def arms(states: Mapping[tuple[str, str], str]) -> Caption:
    """Figure 3: chromosome arms, by (chromosome, arm)."""
    names = {key: "".join(key).removeprefix("chr") for key in states}
    changed = [names[key] for key, state in states.items() if state not in ("none", "blind")]
    blind = [names[key] for key, state in states.items() if state == "blind"]
    assessable = len(states) - len(blind)
    finding = f"{len(changed)} of {plural(assessable, 'assessable arm')} carry a called change"
    finding += f": {listed(changed, 8)}." if changed else "."
    if blind:
        finding += f" Not assessable: {listed(blind, 12)}; nothing is known of them."
    return Caption(finding, "An arm is marked when a called change overlaps it.")


def limits_of_detection(record: CopyNumberRecord) -> Caption:
    """Limits of detection by size."""
    claim = _claim_row(record)
    mb = number(record.claim_mb)
    if claim is None:
        finding = f"A change of {mb} Mb cannot be assessed in this lot."
    else:
        finding = (
            f"A change of {mb} Mb is found from {percent(claim.gain)} of cells on for a gain"
            f" and {percent(claim.loss)} for a loss."
        )
    return Caption(
        finding,
        f"Smallest share of cells whose one-copy change is called with {percent(record.power)} power,"
        " from this lot's own noise. A smaller share can be present and unseen.",
    )


def markers(record: ExpressionRecord) -> Caption:
    """Figure 4: marker genes."""
    judged = [marker for marker in record.markers if marker.met is not None]
    missed = [marker.gene_name for marker in judged if marker.met == "no"]
    silent = [m.gene_name for m in record.markers if m.met is None and m.expected != "report"]
    finding = f"{len(judged) - len(missed)} of {plural(len(judged), 'marker')} as expected"
    finding += f"; not as expected: {listed(missed, 10)}." if missed else "."
    if silent:
        finding += f" Not assessed: {listed(silent, 10)}."
    return Caption(
        finding,
        f"Filled circle: mean of the lot ({plural(record.lot_replicates, 'replicate')}), with a bar from its lowest to"
        f" its highest. Open diamond: mean of the donor's hepatocytes ({plural(record.donor_replicates, 'replicate')})."
        " Line between: orange up, blue down. Dashed mark: limit in TPM."
        + _expected(record)
        + " The axis is log2(TPM + 1), the same in all reports.",
    )


def _expected(record: ExpressionRecord) -> str:
    if record.panel is None or all(marker.panel_tpm_low is None for marker in record.markers):
        return ""
    return (
        " Grey band: where a lot of this donor is expected with 95 % probability, from the"
        f" {plural(record.panel.lots, 'lot')} of reference panel {record.panel.version}."
    )


def pathways(record: ExpressionRecord) -> Caption:
    """Figure 5: gene sets."""
    up = [row.axis for row in record.sets if row.padj < record.significance and row.nes > 0]
    down = [row.axis for row in record.sets if row.padj < record.significance and row.nes < 0]
    finding = f"{len(up) + len(down)} of {plural(len(record.sets), 'gene set')} differ from the donor's hepatocytes"
    finding += f" (adjusted p < {number(record.significance)})"
    parts = [f"{way}: {listed(sorted(set(axes)), 8)}" for way, axes in (("up in the lot", up), ("down", down)) if axes]
    finding += f"; {'; '.join(parts)}." if parts else "."
    return Caption(
        finding,
        "NES: normalised enrichment score, above 0 = up in the lot. Filled: adjusted p below the limit; open: not.",
    )
