"""Words on single alleles and small variants: identity, contamination, events, and the figure of allele fractions."""

from collections.abc import Mapping, Sequence

from karyolot.contracts.alleles import AlleleResults, Contamination, Identity
from karyolot.contracts.cells import cells_briefly, detectable
from karyolot.contracts.record import LotFacts
from karyolot.contracts.record_dna import AlleleEventRow, AlleleRecord, CopyNumberRecord
from karyolot.contracts.text import AlleleText, Figure
from karyolot.report.figures.genome import GenomePlot, allele_plots
from karyolot.report.words import listed, number, plural, power_of_ten

MOST_SURE = 100
"""Power of ten beyond which a likelihood ratio is not stated."""
IDENTITY = {
    "MATCH": "SNP genotypes confirm the declared donor.",
    "MISMATCH": "SNP genotypes exclude the declared donor.",
    "NOT ENOUGH": "Too few reads to compare the SNP genotypes of lot and donor.",
}
RNA = {
    "MATCH": "matches the donor",
    "MISMATCH": "does not match the donor",
    "NOT ENOUGH": "covers too few sites to compare",
}


def findings(alleles: AlleleResults, sets: float | None) -> tuple[str, ...]:
    """Identity; of cells of the declared donor alone contamination and allelic imbalance, too. sets: of chromosomes in the
    lot's cells, None = not measured."""
    identity, facts = alleles.identity, alleles.facts
    said = _identity(identity)
    if identity.kinship.result != "MATCH":
        return tuple(said)
    said.append(_contamination(identity.contamination))
    if facts.reason:
        return (*said, f"Allele fractions were not assessed: {facts.reason}.")
    if facts.lod is None:
        return (
            *said,
            f"With {facts.sites:,} heterozygous sites, copy-neutral events of {facts.size_mb:g} Mb are not detectable.",
        )
    events = int((alleles.events["origin"] == "alleles").sum())
    regions = f"{events} {'region' if events == 1 else 'regions'}" if events else "No region"
    found = f"{regions} of allelic imbalance without a copy-number call {'was' if events < 2 else 'were'} found"
    limit = f"a {facts.size_mb:g} Mb copy-neutral loss of heterozygosity is detectable in at least {detectable(facts.lod, sets)}"
    return (*said, f"{found} ({facts.sites:,} heterozygous sites); {limit}.")


def _identity(identity: Identity) -> list[str]:
    kin = identity.kinship
    compared = f"{_times(kin.log10_unrelated)} than 'unrelated' and {_times(kin.log10_sibling)} than 'a full sibling'"
    said = [f"{IDENTITY[kin.result]} At {kin.sites:,} sites covered in both, 'the same person' is {compared}."]
    if identity.frequencies == "pair":
        said.append("Allele frequencies are not stated for all sites; their spectrum was fitted to these two samples.")
    if identity.rna:
        each = (
            f"{sample.sample_id} {RNA[sample.result]} ({sample.sites:,} sites, {_times(sample.log10_unrelated)} than 'unrelated')"
            for sample in identity.rna
        )
        said.append(f"SNP genotypes of RNA: {'; '.join(each)}.")
    return said


def _contamination(mixed: Contamination) -> str:
    if mixed.fraction is None or mixed.low is None or mixed.high is None:
        return "Contamination by another person cannot be determined from these reads."
    lod = "" if mixed.lod is None else f"; detection limit {mixed.lod:.1%}"
    source = " Pooled platelet lysate in the medium is a possible source." if mixed.low > 0 else ""
    interval = f"95% CI {mixed.low:.1%} to {mixed.high:.1%}"
    return f"Contamination by another person: {mixed.fraction:.1%} ({interval}){lod}.{source}"


def _times(log10: float) -> str:
    """In words, up to MOST_SURE: neighbouring sites are not independent, so a larger number would overstate the evidence."""
    size = ("" if abs(log10) <= MOST_SURE else "more than ") + power_of_ten(min(abs(log10), MOST_SURE))
    return f"{size} times {'more' if log10 >= 0 else 'less'} likely"


def section(
    record: CopyNumberRecord, alleles: AlleleRecord, lot: LotFacts, labels: Sequence[str], numbers: Mapping[str, int]
) -> AlleleText:
    """All words on alleles but the findings. labels: of the calls. numbers: of the figures that are drawn."""
    events = tuple(event(record, row) for row in alleles.events)
    moved = sum(row.evidence == "imbalanced" for row in alleles.arms)
    return AlleleText(
        events=events,
        fractions=fractions(record, alleles, lot, labels, events, numbers["allele_fractions"])
        if "allele_fractions" in numbers
        else None,
        every_arm=f"The alleles of every arm ({len(alleles.arms)} rows, {moved} imbalanced)",
        imbalance=f"Imbalanced: p below {number(alleles.threshold, 2)}, the threshold of the search over all windows. Cells at"
        " most: upper end of the 95% interval, for an event of the whole arm; an event on part of it contributes in proportion.",
    )


def event(record: CopyNumberRecord, row: AlleleEventRow) -> str:
    """'copy-neutral 4q in 40% of diploid cells': kind, chromosome with the arm when it lies on one, cell fraction."""
    contig = next(chromosome for chromosome in record.chromosomes if chromosome.name == row.chrom)
    arm = ""
    if contig.centromere is not None:
        arm = "p" if row.end <= contig.centromere else "q" if row.start >= contig.centromere else ""
    return f"{row.kind} {row.chrom.removeprefix('chr')}{arm} in {cells_briefly(row.fraction, record.sets)}"


def fractions(
    record: CopyNumberRecord,
    alleles: AlleleRecord,
    lot: LotFacts,
    labels: Sequence[str],
    events: Sequence[str],
    figure: int,
) -> Figure:
    """Allele fractions along the genome. labels, events: of the calls and of the events."""
    plot, _ = allele_plots(record, alleles, labels, events)
    return Figure(
        number=figure,
        names=(f"Allele fractions of donor {lot.donor_id}", f"Allele fractions of lot {lot.lot_id}"),
        finding=_fractions_finding(record, alleles, events),
        reading=_fractions_reading(record, alleles, lot, plot),
    )


def _fractions_finding(record: CopyNumberRecord, alleles: AlleleRecord, events: Sequence[str]) -> str:
    shown = [
        label + " if copy-neutral" * (row.kind == "unclear") for label, row in zip(events, alleles.events, strict=True)
    ]
    finding = f"Allele fractions of {plural(alleles.het_sites, 'heterozygous site')}: {plural(len(shown), 'event')}"
    finding += f", {listed(shown, 4)}." if shown else "."
    if alleles.lod is None:
        finding += f" Copy-neutral events of {number(alleles.size_mb)} Mb are not detectable."
    compared = [call for call in record.calls if call.alleles is not None]
    if compared:
        agree = sum(call.alleles == "agree" for call in compared)
        finding += f" Allele fractions support {agree} of {plural(len(compared), 'called change')}."
    return finding


def _fractions_reading(record: CopyNumberRecord, alleles: AlleleRecord, lot: LotFacts, plot: GenomePlot) -> str:
    points = len(alleles.track.start)
    reading = (
        "Each point a heterozygous site of the donor: the fraction of reads with the alternate allele, donor"
        f" {lot.donor_id} above, lot {lot.lot_id} below"
    )
    if points < alleles.het_sites:
        reading += f"; {points:,} sites are drawn, evenly along the genome, and all are tested"
    reading += (
        ". Balanced alleles lie near 1/2 (slightly below, where reads of the reference map better); with allelic imbalance in"
        " part of the cells the points separate into two bands."
    )
    if record.calls or alleles.events:
        reading += " Shaded: called changes" + (" and regions of allelic imbalance." if alleles.events else ".")
    if plot.empty:
        reading += f" Hatched: no such site ({listed(plot.empty)})."
    if plot.unlabelled:
        reading += f" {plural(plot.unlabelled, 'label').capitalize()} omitted for lack of space."
    return reading
