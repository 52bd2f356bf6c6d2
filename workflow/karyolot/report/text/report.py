"""Words on the lot as a whole, and all words of its record put together."""

from collections.abc import Iterator, Sequence

from karyolot.contracts.criteria import Verdict
from karyolot.contracts.provenance import DRAFT, UNKNOWN
from karyolot.contracts.record import ImportedResult, LotFacts, Measured
from karyolot.contracts.text import Findings, Note, Text, VerdictText
from karyolot.report.text import alleles, copy_number, expression, extranuclear, front, passages
from karyolot.report.words import KINDS, ON_FILE, OUTCOMES, fact_label, listed

ALL_NAMED = 20
ABSENT = {
    "calls": "None. The limit of detection below bounds what could have been missed.",
    "alleles": "Identity by SNPs: not available. It needs a panel of common SNPs (identity.sites), a genome, and reads, not"
    " counts, of lot and donor.",
    "small_variants": "Small variants: not available. The search needs reads of lot and donor, a genome, and an annotation"
    " (reference.gtf) or a list of genes (small_variants.genes).",
    "mitochondria": "Mitochondrial DNA: not available. It needs a genome, and reads, not counts, of lot and donor.",
    "foreign": "Foreign sequences (viruses, mycoplasmas, animals): not assessed. They were not searched: no panel was given"
    " (reference.foreign), or no reads of lot and donor.",
    "earlier": "Earlier passages: not available. No parent lot with whole-genome sequencing is recorded (parent_lot_id in the lot"
    " sheet); overview.html shows all lots of the donor.",
    "expression": "RNA: not available. No RNA sequencing was given for this lot; criteria on RNA are not assessed.",
    "markers": "Markers: not available.",
    "panel": "Modules against accepted lots: not available. They, and the lot's position among those lots, need a reference panel"
    " (expression.panel).",
    "sets": "Gene sets: not available.",
    "heat": "Heat map, sample by sample: not available. It needs genes of the marker panel or of the gene sets among those"
    " measured.",
    "arms": "Expression along chromosome arms: not available. It needs an annotation with the positions of genes"
    " (reference.gtf).",
    "wgs": "Not available: no such data were given for this lot.",
    "rnaseq": "Not available: no such data were given for this lot.",
    "deviations": "None recorded in the sheet of results.",
    "no_results": "Not known: no sheet of results was given (sheets.results).",
    "settings": "None.",
}
"""Section or part of the report -> the sentence shown if its data are missing."""


DRAFTS = {
    "": "",
    DRAFT: "Results made by code with uncommitted changes: not a record to decide on.",
    UNKNOWN: "Results made by code whose commit or changes could not be determined: not a record to decide on.",
}
"""Mark of the code that made the results -> why they are not to be decided on."""


def speak(record: Measured, findings: Findings) -> Text:
    """All words of a record, from what it holds. findings: the leading sentences, which rest on the results themselves."""
    numbers = {name: number for number, name in enumerate(_drawn(record), 1)}
    copies = copy_number.section(record.copy_number, record.lot, numbers)
    labels = [call.label for call in copies.calls]
    return Text(
        title=title(record.lot, record.verdict),
        front=front.front(record),
        draft=DRAFTS[record.provenance.mark],
        unrecorded=unrecorded(record.lot),
        verdict=verdict(record.verdict, snps=record.alleles is not None),
        findings=findings,
        copy_number=copies,
        alleles=alleles.section(record.copy_number, record.alleles, record.lot, labels, numbers)
        if record.alleles
        else None,
        earlier=passages.earlier(record, numbers["earlier"]) if record.earlier else None,
        expression=expression.section(record.expression, numbers) if record.expression else None,
        mitochondria=extranuclear.threshold(record.mitochondria) if record.mitochondria else "",
        absent=absent(record),
        not_seen=not_seen(record.not_seen),
        sign_off=sign_off(record.verdict),
    )


def _drawn(record: Measured) -> Iterator[str]:
    """The figures of the page, in its order."""
    yield from ("ratio", "arms", "tracks")
    if record.earlier:
        yield "earlier"
    if record.alleles and record.alleles.track.start:
        yield "allele_fractions"
    if rna := record.expression:
        map_ = rna.map or (rna.panel and rna.panel.map)
        held = {"markers": rna.markers, "components": map_, "sets": rna.sets, "heat": rna.heat, "genes": rna.genes.mean}
        yield from (name for name, there in held.items() if there)


def title(lot: LotFacts, verdict: Verdict) -> str:
    """Lot and verdict, on top of every page."""
    return f"{lot.lot_id} {OUTCOMES[verdict.outcome][1]}"


def unrecorded(lot: LotFacts) -> str:
    """Facts the sample sheet leaves out."""
    missing = [fact_label(name).lower() for name, value in lot.facts.items() if value is None]
    return f"Not recorded: {listed(missing, ALL_NAMED)}." if missing else ""


def verdict(result: Verdict, snps: bool) -> VerdictText:
    """The verdict beside its own headline and claim. snps: whether the SNPs of lot and donor were compared."""
    withheld = Note(
        title="No stability verdict",
        text="Stability criteria are listed for information only; they cannot be interpreted.",
    )
    return VerdictText(
        criteria=f"{result.acceptance_name} v{result.acceptance_version}",
        first_reason=_first_reason(result),
        withheld=withheld if result.suppressed else None,
        elsewhere="All pairs of samples are compared under Identity in overview.html."
        if snps and result.outcome == "FAIL_IDENTITY"
        else "",
    )


def _first_reason(result: Verdict) -> str:
    """The first criterion that decided, or the headline if there is none (PASS)."""
    first = next((criterion for criterion in result.criteria if criterion.id in result.reasons[:1]), None)
    return result.headline if first is None else f"{first.id} {first.explanation}"


def not_seen(nouns: Sequence[str]) -> str:
    """What read depth cannot detect, however deep."""
    return f"This method cannot detect: {listed(nouns, ALL_NAMED)}." if nouns else ""


def sign_off(result: Verdict) -> str:
    """What a signature is given for."""
    return (
        f"The software's verdict applies {result.acceptance_name} v{result.acceptance_version}; the release decision is the"
        " reviewer's."
    )


def absent(record: Measured) -> dict[str, str]:
    """What is not available and why, by section or part."""
    held = {sample.assay for sample in record.qc}
    there: dict[str, object] = {
        "calls": record.copy_number.calls,
        "alleles": record.alleles,
        "small_variants": record.small_variants,
        "mitochondria": record.mitochondria,
        "foreign": record.foreign,
        "earlier": record.earlier,
        "expression": record.expression,
        "wgs": "wgs" in held,
        "rnaseq": "rnaseq" in held,
        "deviations": record.deviations != (),
        "no_results": record.deviations is not None,
        "settings": record.provenance.config_differences,
    }
    if rna := record.expression:
        there |= {"markers": rna.markers, "panel": rna.panel, "sets": rna.sets, "heat": rna.heat, "arms": rna.arms}
    said = {name: ABSENT[name] for name, found in there.items() if not found}
    if missing := _not_imported(record.imported):
        said["imported"] = f"Not available: {listed(missing)}."
    return said


def _not_imported(results: Sequence[ImportedResult]) -> list[str]:
    held = {result.kind for result in results}
    return [KINDS[kind].lower() for kind in ON_FILE if kind not in held]
