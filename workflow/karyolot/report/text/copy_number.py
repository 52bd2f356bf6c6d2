"""Words on copy number: findings, limits of the method, captions, and each called change."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from karyolot.contracts.cells import cells, detectable, detectable_both, interval, minus, share
from karyolot.contracts.copy_number import LEAST_NEUTRAL, Comparison, CopyNumberResults, Noise
from karyolot.contracts.record import LotFacts
from karyolot.contracts.record_dna import CallRow, CopyNumberRecord
from karyolot.contracts.text import CallText, Caption, CopyNumberText, Figure
from karyolot.report.figures.arms import arm_states
from karyolot.report.figures.genome import GenomePlot, ratio_plot
from karyolot.report.figures.zoom import windows
from karyolot.report.words import axis, bins_of, capital, listed, log2, number, percent, plural, within_sentence

VISIBLE_WAVE = 0.02
"""log2 per standard deviation of replication timing: about 3 % more cells in S phase; the warning limit of the method."""
NAME = 36
"""Longest name of a change beside its mark in a drawing."""
ORIGINS = {
    "acquired": "present in the lot, absent in the donor",
    "enriched": "present in the donor in fewer cells",
    "lost": "present in the donor, not in the lot",
}
LADDER = (
    "The changes lie at multiples of a quarter of the ratio, as clonal changes of tetraploid cells do. This is an indication"
    " only; the DNA content decides."
)
EXPRESSION = {
    "agrees": "supports it",
    "uninformative": "neither supports nor contradicts it",
    "disagrees": "contradicts it",
}
ALLELES = {
    "agree": "support it",
    "uninformative": "neither support nor contradict it",
    "disagree": "contradict it",
}


def findings(dna: CopyNumberResults) -> tuple[str, ...]:
    """The leading sentences on copy number."""
    if not dna.noise.assessable:
        return (f"No change can be called or excluded: {dna.noise.reason}.",)
    own, lost = (int((dna.calls["origin"] == "lost").eq(gone).sum()) for gone in (False, True))
    said = ["No change of the lot against its donor was called."]
    if own:
        said = [f"{_count(own, 'change')} of the lot against its donor {'was' if own == 1 else 'were'} called."]
    if lost:
        said.append(
            f"{_count(lost, 'difference')} {'lies' if lost == 1 else 'lie'} in the donor's cells, not in the lot's."
        )
    if dna.match.variants:
        germline = _count(dna.match.variants, "germline copy-number variant")
        said.append(
            f"Of {germline} of the donor, {dna.match.shared or 'none'} {'is' if dna.match.shared < 2 else 'are'} in the lot."
        )
    return tuple(said)


def limits(dna: CopyNumberResults, record: CopyNumberRecord, contents: Sequence[str]) -> tuple[str, ...]:
    """What bounds the copy-number result of this lot. contents: documents of its DNA content."""
    own = dna.arms[dna.arms["scope"] == "arm"]
    blind = [name.removeprefix("chr") for name in own.loc[~own["assessable"], "name"]]
    said = [_bins(dna.comparison), _noise(dna.noise)]
    said += [f"Not assessable: {', '.join(blind) if len(blind) < len(own) else 'all arms'}."] * bool(blind)
    said.append(_replication_timing(dna.comparison))
    neutral = dna.comparison.neutral
    if neutral is not None and neutral < LEAST_NEUTRAL:
        said.append(
            f"Only {neutral:.0%} of the autosomes are at the most frequent copy-number level; the baseline is uncertain."
        )
    said += [_ploidy(record.sets, contents)]
    said += [LADDER] * record.ladder
    said += [f"No karyotype is given: {record.karyotype_withheld}."] * bool(record.karyotype_withheld)
    return tuple(said)


def _ploidy(sets: float | None, contents: Sequence[str]) -> str:
    if sets is None:
        return (
            "Ploidy was not measured. Cell fractions and limits are those of a one-copy change in diploid cells; in tetraploid"
            " cells the same ratio means twice the fraction."
        )
    return (
        f"Cell fractions and limits are those of a one-copy change at a mean DNA content of {number(sets)}n"
        f" ({listed([f'document {name}' for name in contents])})."
    )


def _bins(facts: Comparison) -> str:
    taken = " and ".join(facts.covariates) if facts.covariates else "nothing (too few bins, or no track)"
    missed = "".join(f"; not corrected for {name} ({reason})" for name, reason in facts.not_used.items())
    width = f"{facts.analysis_bin_bp / 1000:g} kb"
    return f"{facts.usable:.0%} of {facts.bins:,} bins of {width} are used; corrected for {taken}{missed}."


def _noise(noise: Noise) -> str:
    if not noise.assessable:
        return f"No limit of detection can be set: {noise.reason}."
    return (
        f"Noise over {noise.blocks[-1]} bins is {math.sqrt(noise.inflation[-1]):.2f} times that of counting alone; intervals"
        " and limits allow for it."
    )


def _replication_timing(facts: Comparison) -> str:
    if facts.rt_slope is None:
        return (
            f"{capital(facts.no_track)}: differences between dividing cells and resting hepatocytes were not corrected."
        )
    slope = minus(f"{facts.rt_slope:.3f} log2 per SD, 95% CI {facts.rt_low:.3f} to {facts.rt_high:.3f}")
    if abs(facts.rt_slope) <= VISIBLE_WAVE:
        return f"Replication timing was corrected ({slope})."
    return (
        f"A replication-timing wave ({slope}) was corrected; it is expected when dividing cells are compared with resting"
        " hepatocytes."
    )


def section(record: CopyNumberRecord, lot: LotFacts, numbers: Mapping[str, int]) -> CopyNumberText:
    """All words on copy number but the findings. numbers: of the figures that are drawn."""
    calls = tuple(call(row, record.sets) for row in record.calls)
    return CopyNumberText(
        karyotype=record.karyotype or f"No karyotype: {record.karyotype_withheld}.",
        ratio=ratio(record, lot, [row.label for row in calls], numbers["ratio"]),
        tracks=tracks(record, lot, numbers["tracks"]),
        arms=arms(record, numbers["arms"]),
        lod=limits_of_detection(record),
        calls=calls,
        found_by=found_by(record),
        inherited=f"Inherited: the donor's own changes ({len(record.donor_variants)})",
        recurrent=f"Recurrent regions, each tested as a unit ({plural(len(record.recurrent), 'row')},"
        f" {sum(row.changed for row in record.recurrent)} changed)",
        every_arm=f"Every arm and chromosome, with its limit of detection ({len(record.arms)} rows)",
    )


def call(row: CallRow, sets: float | None) -> CallText:
    """One called change. sets: of chromosomes, as in `CopyNumberRecord`."""
    donor = f"log2 {log2(row.donor_log2)}"
    if row.origin == "acquired":
        donor += f"; detectable there from {detectable(row.donor_lod, None)}"
    origin = ORIGINS.get(row.origin, row.origin)
    return CallText(
        label=f"{row.id} {row.name.split(' with ')[0][:NAME]}: {share(row.fraction)}",
        change=row.name,
        cells=f"in {cells(row.fraction, sets)}",
        origin=f"{origin[:1].upper()}{origin[1:]} ({donor}).",
        caution=f"Artefact-prone region: {row.artefact}." if row.artefact else "",
        expression=_by_expression(row),
        alleles=_by_alleles(row, sets),
    )


def _by_expression(row: CallRow) -> str:
    if row.expression is None:
        return ""
    values = f"{log2(row.expression_log2)}, z {number(row.expression_z, 2)}; weak evidence"
    return f"Expression {EXPRESSION[row.expression]} ({values})."


def _by_alleles(row: CallRow, sets: float | None) -> str:
    if row.alleles is None:
        return ""
    found = ""
    if None not in (row.alleles_fraction, row.alleles_fraction_low, row.alleles_fraction_high):
        ends = interval(row.alleles_fraction_low or 0.0, row.alleles_fraction_high or 0.0)
        found = f"{cells(row.alleles_fraction or 0.0, sets)}, 95% CI {ends}, "
    return f"Allele fractions {ALLELES[row.alleles]}: {found}{plural(row.alleles_sites or 0, 'heterozygous site')}."


def found_by(record: CopyNumberRecord) -> str:
    """The tests that found each call; '' without one."""
    tests = (f"{row.id} {row.tests.replace(',', ', ')} (z {number(row.z)})" for row in record.calls)
    return f"Found by: {'; '.join(tests)}." if record.calls else ""


def ratio(record: CopyNumberRecord, lot: LotFacts, labels: Sequence[str], figure: int) -> Figure:
    """The ratio along the genome. labels: of the calls."""
    plot = ratio_plot(record, labels)
    reading = "".join([*_ratio_points(record, plot), *_ratio_marks(record, plot)])
    name = f"Copy number of {lot.lot_id} against its donor"
    return Figure(number=figure, names=(name,), finding=_ratio_finding(record), reading=reading)


def _ratio_finding(record: CopyNumberRecord) -> str:
    calls = [f"{within_sentence(row.name)} in {cells(row.fraction, record.sets)}" for row in record.calls]
    if calls:
        finding = f"{plural(len(calls), 'change').capitalize()} called against the donor: {listed(calls, 4)}."
    elif record.claim is None:
        finding = f"No change called; changes of {number(record.claim_mb)} Mb are not detectable in these data."
    else:
        finding = "No change called against the donor's own hepatocytes."
    gains = plural(record.published_gains, "gain")
    return f"{finding} The published rule calls {gains} and {plural(record.published_losses, 'loss', 'losses')}."


def _ratio_points(record: CopyNumberRecord, plot: GenomePlot) -> Iterator[str]:
    yield f"Grey: log2 of lot over donor fragments in bins of {bins_of(record.bins.bin_bp)}"
    if plot.group > 1:
        zoomed = windows(record)[1]
        yield (
            f", in the still figure each point the median of up to {plot.group} neighbouring bins, in the zoomable one "
            + (f"of up to {zoomed}" if zoomed > 1 else "every bin a point")
            + f" ({len(record.bins.start):,} bins in all; calls and segments use every bin)"
        )


def _ratio_marks(record: CopyNumberRecord, plot: GenomePlot) -> Iterator[str]:
    gain, loss = record.published_gain_log2, record.published_loss_log2
    yield ". Yellow: segment medians. Solid line: no change. Red dashed: "
    if abs(gain - 0.585) < 1e-3 and abs(loss + 1) < 1e-3:
        yield f"the published limits, log2(3/2) = {axis(gain)} and log2(1/2) = {axis(loss)},"
        yield " which only a change in nearly all cells can reach."
    else:
        yield f"the configured limits, {axis(gain)} and {axis(loss)}."
    if plot.guides:
        names = listed([chromosome.label for chromosome in plot.chromosomes if chromosome.single])
        yield f" Dotted on {names}: one copy more where a normal cell has one, log2(2/1) = +1."
    if record.calls:
        yield " Coloured columns: called changes."
    if plot.above or plot.below:
        still = " in the still figure" if plot.group > 1 else ""
        yield f" Triangles: points off the fixed axis ({plot.above} above, {plot.below} below{still})."
    hatched = [f"no usable bin ({listed(plot.empty)})"] if plot.empty else []
    hatched += ["arms that cannot be assessed"] if plot.blind else []
    if hatched:
        yield f" Hatched: {listed(hatched)}."
    if plot.unlabelled:
        yield f" {plural(plot.unlabelled, 'label').capitalize()} omitted for lack of space; the table lists all."


def tracks(record: CopyNumberRecord, lot: LotFacts, figure: int) -> Figure:
    """Donor and lot, each alone."""
    origins = Counter(row.origin for row in record.calls)
    finding = "No change was called; both tracks are shown for inspection."
    if record.calls:
        parts = [f"{origins[name]} {name} ({meaning})" for name, meaning in ORIGINS.items() if origins[name]]
        finding = f"Changes by origin: {', '.join(parts)}."
    if record.donor_variants:
        shared = sum(variant.shared for variant in record.donor_variants)
        own = plural(len(record.donor_variants), "germline variant")
        finding += f" Of {own} of the donor, {shared or 'none'} {'is' if shared < 2 else 'are'} in the lot."
    return Figure(
        number=figure,
        names=(f"Donor {lot.donor_id} alone", f"Lot {lot.lot_id} alone"),
        finding=finding,
        reading=f"Each sample alone against its GC model, donor {lot.donor_id} above, lot {lot.lot_id} below; the right axis"
        " counts copies. A loss in the donor appears as a gain of the ratio, so a change is attributed to the lot"
        " only if the lot's own track shows it. Solid lines: the copies a normal cell of this donor's sex has.",
    )


def arms(record: CopyNumberRecord, figure: int) -> Figure:
    """Chromosome arms."""
    states = arm_states(record)
    names = {key: "".join(key).removeprefix("chr") for key in states}
    changed = [names[key] for key, state in states.items() if state not in ("none", "blind")]
    blind = [names[key] for key, state in states.items() if state == "blind"]
    finding = f"{len(changed)} of {len(states) - len(blind)} assessable arms carry a called change"
    finding += f": {listed(changed, 8)}." if changed else "."
    if blind:
        finding += f" Not assessable: {listed(blind, 12)}; no statement is made about these arms."
    return Figure(number=figure, finding=finding, reading="An arm is marked when a called change overlaps it.")


def limits_of_detection(record: CopyNumberRecord) -> Caption:
    """Limits of detection by size."""
    mb, claim = number(record.claim_mb), record.claim
    finding = f"A change of {mb} Mb cannot be assessed in this lot."
    if claim is not None and claim.gain is not None and claim.loss is not None:
        both = detectable_both(claim.gain, claim.loss, record.sets)
        finding = f"A change of {mb} Mb is detectable in at least {both}."
    return Caption(
        finding=finding,
        reading=f"Smallest cell fraction whose one-copy change is called with {percent(record.power)} power, from this lot's"
        f" own noise{_confirmed(record)}. A change in fewer cells may go undetected.",
    )


def _confirmed(record: CopyNumberRecord) -> str:
    """How many of the changes spiked into the lot's own reads were called, over all sizes."""
    spiked = sum(row.gains_spiked_in + row.losses_spiked_in for row in record.lod)
    found = sum(row.gains_found + row.losses_found for row in record.lod)
    if not spiked:
        return ""
    called = f"{found:,} were called ({percent(found / spiked)})"
    return f"; of {spiked:,} simulated changes spiked into its own reads at these fractions, {called}"


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
