"""Words on expression: findings, captions, and the comparison with the reference panel."""

from collections.abc import Mapping, Sequence
from math import dist
from statistics import fmean, median

import pandas as pd

from karyolot.contracts.expression import CHANGED_LOG2, ExpressionResults, PanelResults
from karyolot.contracts.panel import FALSE_CALLS, FULL_LOTS, MIN_LOTS
from karyolot.contracts.record_rna import ExpressionRecord, PanelRecord, SampleMap, SetRow
from karyolot.contracts.text import Caption, ExpressionText, Figure
from karyolot.report.agreement import SURELY
from karyolot.report.figures.heat import HEAT_EDGES
from karyolot.report.text import genes, notes
from karyolot.report.words import axis, listed, log2, number, percent, plural


def findings(rna: ExpressionResults, record: ExpressionRecord) -> tuple[str, ...]:
    """The leading sentences on expression; of the reference panel, where there is one, too."""
    judged = rna.markers[rna.markers["met"].notna()]
    met = int((judged["met"] == "yes").sum())
    said = [f"{met} of {len(judged)} judged markers behave as expected of a progenitor lot."]
    if record.p_values:
        said.append(
            f"Of {record.genes_tested:,} genes tested {record.genes_up:,} are higher and {record.genes_down:,} lower in the lot"
            f" than in its donor's hepatocytes (adjusted p < {record.significance:g})."
        )
    else:
        limits = rna.panel is not None and rna.panel.facts.tier != "too few"
        said.append(
            "Without replicates in both groups the comparison of lot and donor gives effect sizes only, no p values and no"
            f" intervals{'; those against the reference panel rest on its lots' if limits else ''}."
        )
    said.append(
        f"Replicates ({rna.lot_cultures} of the lot, {rna.donor_cultures} of the donor) come from one lot and one donor and"
        " reflect technical variation only."
    )
    if rna.panel is not None and record.panel is not None:
        said += [*_against_panel(rna.panel), *_genes_against_panel(rna.panel, record.panel, record.significance)]
    return tuple(said)


def _against_panel(panel: PanelResults) -> list[str]:
    facts = panel.facts
    itself = " This lot itself is part of the panel and was left out." if facts.left_out else ""
    if facts.not_passed:
        itself += (
            f" It holds lots that did not pass: {listed(facts.not_passed, 10)}; reason: {facts.reason.rstrip('.')}."
        )
    name = f"reference panel {facts.version} ({plural(facts.lots, 'lot')} of {plural(facts.donors, 'donor')})"
    if facts.tier == "too few":
        return [f"The {name} is too small for limits: {MIN_LOTS} lots are needed.{itself}"]
    modules = panel.table[panel.table["kind"] == "module"]
    beyond, unknown = (modules.loc[rows, "name"].tolist() for rows in (modules["margin"] < 0, modules["margin"].isna()))
    parts = []
    if len(unknown) < len(modules):
        parts.append(f"beyond its limits in {', '.join(beyond)}" if beyond else "within its limits")
    if unknown:
        parts.append(f"not comparable in {', '.join(unknown)}")
    provisional = (
        f" Its limits are provisional: a full panel has {FULL_LOTS} lots." if facts.tier == "provisional" else ""
    )
    return [f"Against the {name} the lot is {' and '.join(parts)}.{provisional}{itself}"]


def _genes_against_panel(panel: PanelResults, record: PanelRecord, significance: float) -> list[str]:
    if panel.facts.tier == "too few":
        return []
    said = []
    markers: pd.Series[str] = panel.table.loc[panel.table["p_holm"] < significance, "name"]
    if len(markers):
        said.append(
            f"Markers that differ from the panel's lots (advisory, adjusted p < {significance:g}): {', '.join(markers)}."
        )
    if record.genes_tested is not None:
        said.append(
            f"Gene by gene, {record.genes_higher} of {record.genes_tested} genes change more upwards and"
            f" {record.genes_lower} more downwards than in the panel's lots (adjusted p < {significance:g}; advisory: in"
            f" simulations {FALSE_CALLS:.0%} of such genes were unchanged)."
        )
    return said


def section(record: ExpressionRecord, numbers: Mapping[str, int]) -> ExpressionText:
    """All words on expression but the findings. numbers: of the figures that are drawn."""
    in_panel = record.panel.map if record.panel else None
    own = genes.own_samples(record.map, numbers["components"]) if record.map else None
    return ExpressionText(
        markers=markers(record, numbers["markers"]) if record.markers else None,
        marker_notes=notes.of_markers(record),
        modules=modules(record.panel) if record.panel else None,
        components=components(in_panel, numbers["components"]) if in_panel else own,
        genes=genes.changed_genes(record, numbers["genes"]) if record.genes.mean else None,
        sets=pathways(record, numbers["sets"]) if record.sets else None,
        set_notes=notes.of_sets(record),
        heat=heat(record, numbers["heat"]) if record.heat else None,
        arms=arm_shifts(record) if record.arms else None,
        every_arm=f"Expression along chromosome arms, weak evidence ({plural(len(record.arms), 'row')})",
    )


def markers(record: ExpressionRecord, figure: int) -> Figure:
    """Marker genes."""
    judged = [marker for marker in record.markers if marker.met is not None]
    missed = [marker.gene_name for marker in judged if marker.met == "no"]
    unknown = [m.gene_name for m in record.markers if m.met is None and m.expected != "report"]
    finding = f"{len(judged) - len(missed)} of {plural(len(judged), 'marker')} as expected"
    finding += f"; not as expected: {listed(missed, 10)}." if missed else "."
    if unknown:
        finding += f" Not assessed: {listed(unknown, 10)}."
    return Figure(
        number=figure,
        finding=finding,
        reading=f"Filled circle: mean of the lot ({_samples(record.lot_replicates, record.lot_cultures)}), with a bar from its"
        " lowest to its highest. Open diamond: mean of the donor's hepatocytes"
        f" ({_samples(record.donor_replicates, record.donor_cultures)})."
        " Line between: orange up, blue down. Dashed mark: limit in TPM."
        + _expected(record)
        + _intervals(record)
        + " The axis is log2(TPM + 1), the same in all reports.",
    )


def _samples(samples: int, cultures: int) -> str:
    """'2 replicates'; where samples share a culture, '3 samples of 2 replicates'."""
    replicates = plural(cultures, "replicate")
    return replicates if samples == cultures else f"{plural(samples, 'sample')} of {replicates}"


def _intervals(record: ExpressionRecord) -> str:
    """What is printed beside the fold changes."""
    said = ""
    if any(marker.log2fc_low is not None for marker in record.markers):
        said = (
            f" In brackets: 95% interval of the fold change, from the spread of {plural(record.lot_cultures, 'replicate')} of"
            f" the lot and {record.donor_cultures} of the donor; it does not include the variation between lots."
        )
    if any(marker.padj is not None for marker in record.markers):
        said += " Adj. p: adjusted over all genes tested (Benjamini-Hochberg); none where counts are too low to test."
    return said


def _expected(record: ExpressionRecord) -> str:
    if record.panel is None or all(marker.panel_tpm_low is None for marker in record.markers):
        return ""
    return (
        " Grey band: where a lot of this donor is expected with 95% probability, from the"
        f" {plural(record.panel.lots, 'lot')} of reference panel {record.panel.version}."
    )


def heat(record: ExpressionRecord, figure: int) -> Figure:
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
    return Figure(
        number=figure,
        finding=finding,
        reading="Columns: genes; rows: samples, the donor's hepatocytes first. Colour: log2(normalised count + 1) minus the mean"
        f" of the donor's samples, orange up, blue down, darker at {listed([number(edge) for edge in HEAT_EDGES])} log2"
        " units, the same in all reports. Of a pathway the genes that changed most are shown. One lot against one donor:"
        " descriptive, not a test.",
    )


def modules(panel: PanelRecord) -> Caption:
    """Modules against the reference panel."""
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
        finding = f"No module can be compared with {name}."
    return Caption(
        finding=finding,
        reading="singscore of each module, lot minus its own donor, and the same of the panel's lots. Next lot: one-sided 95%"
        " prediction limit, which the criterion uses; 90% of lots: tolerance bound with 95% confidence, for information.",
    )


def arm_shifts(record: ExpressionRecord) -> Caption:
    """Expression along the arms."""
    known = [row for row in record.arms if row.z is not None]
    moved = [f"{row.arm.removeprefix('chr')} {axis(row.log2 or 0)}" for row in known if abs(row.z or 0) >= SURELY]
    finding = "Too few genes with known positions: not assessed."
    if known:
        spread = median(row.se for row in known if row.se is not None)
        finding = f"{len(moved)} of {plural(len(known), 'arm')} differ (|z| at least {number(SURELY)})"
        finding += f": {listed(moved, 10)}" if moved else ""
        finding += (
            f"; the standard error of an arm is {number(spread, 2)} log2, a third copy in all cells at most +0.58."
        )
        if record.panel is not None and record.panel.tier != "too few":
            lots = plural(record.panel.lots, "lot")
            finding += f" The usual shift in {lots} of reference panel {record.panel.version} was subtracted."
    return Caption(
        finding=finding,
        reading="Median log2 fold change of an arm's genes against the other arms, lot over donor; the error includes the scatter"
        " of genes and of arms. Reprogramming moves neighbouring genes together, dosage is buffered, and a change in few cells"
        " is not detectable: interpret it together with copy number, never instead of it.",
    )


def components(map_: SampleMap, figure: int) -> Figure:
    """Principal components of one lot: its position among the lots and donors of the panel."""
    own = [(s.first, s.second) for s in map_.samples if s.lot_id]
    groups = [[(s.first, s.second) for s in map_.panel if s.is_lot is of_lots] for of_lots in (True, False)]
    finding = "Too few samples to compare the lot with the panel."
    if own and all(groups):
        here, lots, donors = ([fmean(axis) for axis in zip(*points, strict=True)] for points in (own, *groups))
        far = [dist(here, there) for there in (lots, donors)]
        near, to = ("nearer to", "to") if far[0] < far[1] else ("farther from", "from")
        to_lots, to_donors = (number(value, 2) for value in far)
        finding = (
            f"The lot lies {near} the accepted lots ({to_lots}) than {to} their donors' hepatocytes ({to_donors})."
        )
    accepted = sum(sample.is_lot for sample in map_.panel)
    first, second = map(percent, map_.variance_explained)
    return Figure(
        number=figure,
        finding=finding,
        reading="In brackets: distance to their centre on these two components, log2 units. Circles: lots; diamonds:"
        f" hepatocytes. Hollow and grey: {plural(accepted, 'accepted lot')} and"
        f" {plural(len(map_.panel) - accepted, 'donor')} of the reference panel. The first component holds"
        f" {first} of the variance, the second {second}. No verdict rests on it.",
    )


def pathways(record: ExpressionRecord, figure: int) -> Figure:
    """Gene sets."""
    scored = [row for row in record.sets if row.nes is not None]
    if not record.p_values:
        return Figure(
            number=figure,
            finding=f"{_extremes(scored)} An indication only: without replicates genes were ranked by fold change, and no set"
            " has a p value.",
            reading="NES: normalised enrichment score, above 0 = up in the lot; all open, as no test was made. Weakly"
            " expressed genes vary most by chance and may rank high.",
        )
    main, beside = ([row for row in scored if row.informational == other] for other in (False, True))
    changed = sum(row.significant(record.significance) for row in main)
    finding = f"{changed} of {plural(len(main), 'gene set')} differ from the donor's hepatocytes"
    finding += f" (adjusted p < {number(record.significance)})"
    ways = _ways(record, main)
    finding += f"; {ways}." if ways else "."
    if beside:
        finding += f" Informational: {_ways(record, beside) or 'none differs'}."
    return Figure(
        number=figure,
        finding=finding,
        reading="NES: normalised enrichment score, above 0 = up in the lot. Filled: adjusted p below the limit; open: not. p by"
        " CAMERA, which allows for correlated genes; it tests this lot against this donor, not lots against people.",
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
