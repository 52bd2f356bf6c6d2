"""Captions: the finding first, taken from the record, then how to read the figure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import dist
from statistics import fmean, median

from karyolot.contracts.expression import CHANGED_LOG2
from karyolot.contracts.panel import MIN_LOTS
from karyolot.contracts.record import (
    AlleleRecord,
    CallRow,
    CopyNumberRecord,
    ExpressionRecord,
    LodRow,
    LotFacts,
    SampleMap,
    SetRow,
    StudyExpression,
)
from karyolot.report.agreement import SURELY
from karyolot.report.figures import HEAT_EDGES, SCORE_EDGES, GenomePlot, allele_event
from karyolot.report.words import ORIGINS, axis, bins_of, listed, log2, number, percent, plural


@dataclass(frozen=True)
class Caption:
    finding: str
    reading: str


def _called(call: CallRow) -> str:
    return f"{call.type} of {call.bands or call.chrom} in {percent(call.fraction)} of cells"


def ratio(record: CopyNumberRecord, plot: GenomePlot, zoom_group: int = 1) -> Caption:
    """The ratio along the genome. zoom_group: bins per point of the zoomable plot."""
    calls = record.calls
    if calls:
        finding = f"{plural(len(calls), 'change').capitalize()} called against the donor: "
        finding += listed([_called(call) for call in calls], 4) + "."
    elif claim_row(record) is None:
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
            f", in the still figure each point the median of up to {plot.group} neighbouring bins, in the zoomable one "
            + (f"of up to {zoom_group}" if zoom_group > 1 else "every bin a point")
            + f" ({len(record.bins.start):,} bins in all; calls and segments use every bin)"
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
        still = " in the still figure" if plot.group > 1 else ""
        reading += f" Triangles: points off the fixed axis ({plot.above} above, {plot.below} below{still})."
    if plot.empty:
        reading += f" Hatched: no usable bin ({listed(plot.empty)})."
    if plot.unlabelled:
        reading += (
            f" {plural(plot.unlabelled, 'label').capitalize()} left out for want of room; the table has them all."
        )
    return Caption(finding, reading)


def claim_row(record: CopyNumberRecord) -> LodRow | None:
    """The limit of detection at the size the claim is made for; None when gain or loss is not assessable there."""
    row = next((row for row in record.lod if abs(row.size_mb - record.claim_mb) < 1e-9), None)
    return None if row is None or row.gain is None or row.loss is None else row


def _is_paper_rule(record: CopyNumberRecord) -> bool:
    return abs(record.published_gain_log2 - 0.585) < 1e-3 and abs(record.published_loss_log2 + 1) < 1e-3


def tracks(record: CopyNumberRecord, lot: LotFacts) -> Caption:
    """Donor and lot, each alone."""
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


def allele_shares(record: CopyNumberRecord, alleles: AlleleRecord, lot: LotFacts, plot: GenomePlot) -> Caption:
    """Allele shares along the genome. plot: the donor's."""
    events = [
        f"{allele_event(record, event)} of cells" + (" if copy-neutral" if event.kind == "unclear" else "")
        for event in alleles.events
    ]
    finding = f"Allele shares of {plural(alleles.het_sites, 'heterozygous site')}: {plural(len(events), 'event')}"
    finding += f", {listed(events, 4)}." if events else "."
    if alleles.lod is None:
        finding += f" A copy-neutral one of {number(alleles.size_mb)} Mb could not have been seen."
    asked = [call for call in record.calls if call.alleles is not None]
    if asked:
        agree = sum(call.alleles == "agree" for call in asked)
        finding += f" Under {agree} of {plural(len(asked), 'called change')} the alleles moved too."
    points = len(alleles.track.start)
    reading = (
        "Each point a site at which the donor has two alleles: the share of reads with the alternate one, donor"
        f" {lot.donor_id} above, lot {lot.lot_id} below"
    )
    if points < alleles.het_sites:
        reading += f"; {points:,} sites are drawn, evenly along the genome, and all are tested"
    reading += (
        ". Alike, the two lie about 1/2 (slightly below, where reads of the reference map better); where one outweighs the"
        " other in part of the cells, the points part into two bands."
    )
    if record.calls or alleles.events:
        reading += " Shaded: called changes" + (" and events of the alleles." if alleles.events else ".")
    if plot.empty:
        reading += f" Hatched: no such site ({listed(plot.empty)})."
    if plot.unlabelled:
        reading += f" {plural(plot.unlabelled, 'label').capitalize()} left out for want of room."
    return Caption(finding, reading)


def arms(states: Mapping[tuple[str, str], str]) -> Caption:
    """Chromosome arms, by (chromosome, arm)."""
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
    claim = claim_row(record)
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
        f" from this lot's own noise{_confirmed(record)}. A smaller share can be present and unseen.",
    )


def _confirmed(record: CopyNumberRecord) -> str:
    """What planting in the lot's own reads showed, over all sizes."""
    planted = sum(row.gains_planted + row.losses_planted for row in record.lod)
    found = sum(row.gains_found + row.losses_found for row in record.lod)
    if not planted:
        return ""
    return (
        f"; of {planted:,} changes planted in its own reads at these shares, {found:,} were called"
        f" ({percent(found / planted)})"
    )


def markers(record: ExpressionRecord) -> Caption:
    """Marker genes."""
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
        + _intervals(record)
        + " The axis is log2(TPM + 1), the same in all reports.",
    )


def _intervals(record: ExpressionRecord) -> str:
    """What stands beside the fold changes."""
    said = ""
    if any(marker.log2fc_low is not None for marker in record.markers):
        said = (
            f" In brackets: 95% interval of the fold change, from the spread of {plural(record.lot_replicates, 'replicate')} of"
            f" the lot and {record.donor_replicates} of the donor; it says nothing of the spread of lots."
        )
    if any(marker.padj is not None for marker in record.markers):
        said += " Adj. p: adjusted over all genes tested (Benjamini-Hochberg); none where counts are too low to test."
    return said


def _expected(record: ExpressionRecord) -> str:
    if record.panel is None or all(marker.panel_tpm_low is None for marker in record.markers):
        return ""
    return (
        " Grey band: where a lot of this donor is expected with 95 % probability, from the"
        f" {plural(record.panel.lots, 'lot')} of reference panel {record.panel.version}."
    )


def heat(record: ExpressionRecord) -> Caption:
    """Genes x samples."""
    panel = {marker.group for marker in record.markers}
    parts = []
    for group in dict.fromkeys(row.group for row in record.heat if row.group not in panel):
        rows = [row for row in record.heat if row.group == group]
        up = sum(min(row.log2[record.donor_replicates :]) >= CHANGED_LOG2 for row in rows)
        parts.append(f"{up} of {plural(len(rows), 'gene')} of {group}")
    own = [value for row in record.heat for value in row.log2[: record.donor_replicates]]
    even = sum(abs(value) < HEAT_EDGES[0] for value in own)
    finding = (
        f"At least twofold up in every sample of the lot: {listed(parts)}." if parts else "Markers, sample by sample."
    )
    if record.donor_replicates > 1:
        finding += (
            f" The donor's own samples stay within 1.4-fold of their mean in {percent(even / len(own))} of squares."
        )
    return Caption(
        finding,
        "Columns: genes; rows: samples, the donor's hepatocytes first. Colour: log2(normalised count + 1) minus the mean of"
        f" the donor's samples, orange up, blue down, darker from {listed([number(edge) for edge in HEAT_EDGES])} log2 units on,"
        " the same in all reports. Of a pathway the genes that moved most are shown. One lot against one donor: a picture,"
        " not a test.",
    )


def modules(record: ExpressionRecord) -> Caption | None:
    """Modules against the reference panel; None without one."""
    panel = record.panel
    if panel is None:
        return None
    margins = {row.name: row.margin for row in panel.modules if row.margin is not None}
    name = f"reference panel {panel.version}"
    if margins:
        least = min(margins, key=lambda module: margins[module])
        beyond = sum(margin < 0 for margin in margins.values())
        far = f"{number(abs(margins[least]), 2)} SD"
        finding = f"{beyond} of {plural(len(margins), 'module')} beyond the limits of {name}; "
        finding += f"farthest: {least}, by {far}." if beyond else f"nearest to its limit: {least}, {far} inside."
    elif panel.tier == "too few":
        finding = f"No limits: {name} has {plural(panel.lots, 'lot')}, and {MIN_LOTS} are needed."
    else:
        finding = f"No module can be held against {name}."
    return Caption(
        finding,
        "singscore of each module, lot minus its own donor, and the same of the panel's lots. Next lot: one-sided 95%"
        " prediction limit, which the criterion uses; 90% of lots: tolerance bound with 95% confidence, for information.",
    )


def arm_shifts(record: ExpressionRecord) -> str:
    """One sentence on expression along the arms."""
    known = [row for row in record.arms if row.z is not None]
    moved = [f"{row.arm.removeprefix('chr')} {axis(row.log2 or 0)}" for row in known if abs(row.z or 0) >= SURELY]
    if not known:
        return "Too few genes with known places: not assessed."
    spread = median(row.se for row in known if row.se is not None)
    finding = f"{len(moved)} of {plural(len(known), 'arm')} stand out (|z| at least {number(SURELY)})"
    finding += f": {listed(moved, 10)}" if moved else ""
    return (
        f"{finding}; the standard error of an arm is {number(spread, 2)} log2, a third copy in all cells at most +0.58."
        + (
            f" What is usual in {plural(record.panel.lots, 'lot')} of reference panel {record.panel.version} was taken off."
            if record.panel is not None and record.panel.tier != "too few"
            else ""
        )
    )


def study_map(study: StudyExpression) -> Caption:
    """Principal components: does the state or the donor part the samples?"""
    lots = [s.first for s in study.samples if s.lot_id]
    donors = [s.first for s in study.samples if not s.lot_id]
    parted = lots and donors and (max(donors) < min(lots) or max(lots) < min(donors))
    finding = f"The first component holds {percent(study.shares[0])} of the variance"
    finding += " and parts all lots from all hepatocytes." if parted else "; it does not part lots from hepatocytes."
    genes = "The 500 genes that vary most"
    frame = ""
    if study.panel:
        genes += " of the panel's"
        frame = _frame(study)
    return Caption(
        finding,
        f"Circles: lots; diamonds: hepatocytes of donors.{frame} Second component, upwards: {percent(study.shares[1])}."
        f" {genes}, log2(normalised count + 1), both components on one scale.",
    )


def _frame(map_: SampleMap) -> str:
    """What the panel's samples look like, and how many there are."""
    accepted = sum(sample.is_lot for sample in map_.panel)
    donors = plural(len(map_.panel) - accepted, "donor")
    return f" Hollow, thin and grey: {plural(accepted, 'accepted lot')} and {donors} of the reference panel."


def place_in_panel(map_: SampleMap) -> Caption:
    """Principal components of one lot: where it stands among the lots and donors of the panel."""
    own = [(s.first, s.second) for s in map_.samples if s.lot_id]
    groups = [[(s.first, s.second) for s in map_.panel if s.is_lot is of_lots] for of_lots in (True, False)]
    if own and all(groups):
        here, lots, donors = ([fmean(axis) for axis in zip(*points, strict=True)] for points in (own, *groups))
        far = [dist(here, there) for there in (lots, donors)]
        near, to = ("nearer to", "to") if far[0] < far[1] else ("farther from", "from")
        to_lots, to_donors = (number(value, 2) for value in far)
        finding = (
            f"The lot stands {near} the accepted lots ({to_lots}) than {to} their donors' hepatocytes ({to_donors})."
        )
    else:
        finding = "Too few samples to say where the lot stands."
    return Caption(
        finding,
        "In brackets: distance to their middle on these two components, log2 units. Circles: lots; diamonds: hepatocytes."
        f"{_frame(map_)} The first component holds {percent(map_.shares[0])} of the variance, the second"
        f" {percent(map_.shares[1])}. No verdict rests on it.",
    )


def study_distances(study: StudyExpression) -> Caption:
    """Distances: is every sample, within its state, nearest to its own donor? Replicates of a lot say nothing of that."""
    asked, strangers = 0, []
    for sample, row in zip(study.samples, study.distances, strict=True):
        lot = sample.lot_id
        others = [
            (distance, other.donor_id)
            for other, distance in zip(study.samples, row, strict=True)
            if other is not sample and (other.lot_id not in ("", lot) if lot else other.lot_id == "")
        ]
        donors = {donor for _, donor in others}
        if sample.donor_id in donors and len(donors) > 1:
            asked += 1
            if min(others)[1] != sample.donor_id:
                strangers.append(sample.sample_id)
    finding = f"{plural(asked, 'sample')} could be held against two donors; each is nearest to its own."
    if strangers:
        finding = f"Nearer to another donor than to its own: {listed(strangers)}; look for a swapped tube."
    elif not asked:
        finding = "No sample can be held against two donors: none has another lot, or another sample of hepatocytes."
    return Caption(
        finding,
        "Root mean squared difference of log2 levels over all genes; darker from"
        f" {listed([number(edge) for edge in HEAT_EDGES])} on.",
    )


def study_scores(study: StudyExpression) -> Caption:
    """Marker scores: what sets lots apart most."""
    return Caption(
        _most_moved(study, study.groups, study.scores, " log2"),
        "Mean log2 level of a group's genes above random genes of like level (scanpy's score_genes); orange above, blue"
        " below, in the shades of the lots' heat maps.",
    )


def study_sets(study: StudyExpression) -> Caption:
    """GSVA scores: what sets lots apart most."""
    silent = f" Not assessed, too few of the genes vary: {listed(study.unscored)}." if study.unscored else ""
    return Caption(
        _most_moved(study, study.sets, study.set_scores, "") + silent,
        "Rows: gene sets; columns: samples, by donor. GSVA, kernel Gaussian: where a set's genes rank among all genes of a"
        " sample, each against its level in the other samples; comparable only within this study. Orange above, blue below,"
        f" darker from {listed([number(edge) for edge in SCORE_EDGES])} on.",
    )


def _most_moved(study: StudyExpression, names: Sequence[str], scores: Sequence[Sequence[float]], unit: str) -> str:
    """Which row of scores rises and which falls most from hepatocytes to lots."""
    is_lot = [bool(sample.lot_id) for sample in study.samples]
    moved = []
    for name, row in zip(names, scores, strict=True):
        lots = [value for value, own in zip(row, is_lot, strict=True) if own]
        donors = [value for value, own in zip(row, is_lot, strict=True) if not own]
        if lots and donors:
            moved.append((fmean(lots) - fmean(donors), name))
    if not moved:
        return "Lots and hepatocytes cannot be compared."
    (low, falls), (high, rises) = min(moved), max(moved)
    return f"In lots '{rises}' rises most ({axis(high)}{unit} on average) and '{falls}' falls most ({axis(low)})."


def pathways(record: ExpressionRecord) -> Caption:
    """Gene sets."""
    scored = [row for row in record.sets if row.nes is not None]
    if not record.p_values:
        return Caption(
            _extremes(scored)
            + " A hint only: without replicates genes were ranked by fold change, and no set has a p value.",
            "NES: normalised enrichment score, above 0 = up in the lot; all open, for nothing was tested. Weakly expressed"
            " genes change most by chance and rank high all the same.",
        )
    asked, beside = ([row for row in scored if row.informational == other] for other in (False, True))
    changed = sum(row.significant(record.significance) for row in asked)
    finding = f"{changed} of {plural(len(asked), 'gene set')} differ from the donor's hepatocytes"
    finding += f" (adjusted p < {number(record.significance)})"
    ways = _ways(record, asked)
    finding += f"; {ways}." if ways else "."
    if beside:
        finding += f" Informational: {_ways(record, beside) or 'none differs'}."
    return Caption(
        finding,
        "NES: normalised enrichment score, above 0 = up in the lot. Filled: adjusted p below the limit; open: not. A set's p"
        " takes its genes for independent, which they are not, so it is too small: read it as a ranking of sets.",
    )


def _ways(record: ExpressionRecord, rows: Sequence[SetRow]) -> str:
    """Axes with a set that changed, by direction: 'up in the lot: WNT; down: NOTCH'."""
    changed = [(row.axis, row.nes or 0.0) for row in rows if row.significant(record.significance)]
    up, down = ({axis for axis, nes in changed if sign * nes > 0} for sign in (1, -1))
    return "; ".join(
        f"{way}: {listed(sorted(axes), 8)}" for way, axes in (("up in the lot", up), ("down", down)) if axes
    )


def _extremes(rows: Sequence[SetRow]) -> str:
    if not rows:
        return "No gene set could be scored."
    high, low = (pick(rows, key=lambda row: row.nes or 0.0) for pick in (max, min))
    return f"Highest score: {high.axis} (NES {log2(high.nes)}), lowest: {low.axis} ({log2(low.nes)})."
