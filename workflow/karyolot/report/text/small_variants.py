"""Words on small variants: what was found, in how few cells it would have been found, and what could not be searched."""

from collections.abc import Iterator, Sequence

from karyolot.contracts.cells import cells, percent
from karyolot.contracts.criteria import CriterionResult, Outcome
from karyolot.contracts.front import Bar, Row
from karyolot.contracts.metrics import BOUNDED_INDELS, LONGEST_INDEL, MetricName
from karyolot.contracts.record import Measured
from karyolot.contracts.record_dna import SmallVariantRow
from karyolot.contracts.small_variants import FINDINGS, VariantFacts, VariantResults, short_name
from karyolot.report.groups import GRAVITY
from karyolot.report.words import between, listed, log2, number, plural

NAMED = 6
"""Genes and variants named in one sentence."""


def findings(results: VariantResults, sets: float | None) -> tuple[str, ...]:
    """The leading sentences on small variants."""
    return (*_found(results), *_limit(results.facts, sets), *_searched(results.facts))


def _found(results: VariantResults) -> Iterator[str]:
    variants, facts = results.variants, results.facts
    for kinds, where in ((("tp53", "driver"), "the driver panel"), (("benign",), "genes of benign liver clones")):
        rows = variants[variants["finding"].isin(kinds)].to_dict("records")
        if rows:
            names = listed([f"{short_name(row)} ({row['origin']})" for row in rows], NAMED)
            yield f"{plural(len(rows), 'acquired or enriched mutation')} in {where}: {names}."
        elif kinds[0] == "tp53" and facts.drivers:
            yield "No acquired or enriched mutation was called in the driver panel."
    born = variants[variants["hotspot"].ne("") & variants["origin"].eq("inherited")].to_dict("records")
    if born:
        yield f"Recurrent mutation inherited from the donor: {listed([short_name(row) for row in born], NAMED)}."
    own = int((variants["finding"] == "own").sum())
    if facts.listed:
        licence = f" ({facts.licence})" if facts.licence else ""
        yield f"{plural(own, 'acquired or enriched variant')} in {plural(facts.listed, 'gene')} of the site's list{licence}."
    others = facts.inherited - len(born)
    left = [plural(others, "inherited variant")] * bool(others)
    left += [f"{plural(facts.silent, 'new variant')} without effect on a protein"] * bool(facts.silent)
    if left:
        yield f"Not listed: {listed(left)}."


def _limit(facts: VariantFacts, sets: float | None) -> Iterator[str]:
    if facts.fraction is None:
        yield f"No detection limit for the driver panel: {facts.unassessed}."
        return
    of = f"{facts.assessable} of {plural(facts.drivers, 'driver gene')}"
    yield (
        f"A heterozygous substitution in {of} would be called with {percent(facts.power)} power if it were present in at least"
        f" {cells(facts.fraction, sets)}."
    )
    yield (
        f"Verification: {number(facts.found)} of {number(facts.spiked)} substitutions simulated in the lot's own reads, at the"
        " limit of their gene or codon, were called."
    )
    if facts.indel_fraction is None:
        of = f"{facts.indel_genes} of {plural(facts.drivers, 'driver gene')}"
        reason = f"{of} have one" if facts.indel_counted is not None else facts.too_few_spiked
        yield f"Insertions and deletions are searched for, but without a stated limit: {reason}."
        return
    yield (
        f"Insertions and deletions of {BOUNDED_INDELS}: limit {cells(facts.indel_fraction, sets)}, in"
        f" {facts.indel_genes} of {plural(facts.drivers, 'driver gene')}; {number(facts.indel_found)} of"
        f" {number(facts.indel_spiked)} simulated at the limit were called. Others are searched for without a stated limit."
    )
    if facts.indel_counted is not None and facts.indel_counted_low is not None:
        yield (
            f"{number(facts.indel_events)} indels were spiked into the lot's own reads, which were aligned again:"
            f" {percent(facts.indel_counted)} of {number(facts.indel_reads)} fragments with one were counted for it; the limit"
            f" assumes {percent(facts.indel_counted_low)} (lower 95% confidence limit)."
        )


def _searched(facts: VariantFacts) -> Iterator[str]:
    depth = f"Mean depth of the searched positions: lot {facts.lot_depth:g}x, donor {facts.donor_depth:g}x"
    yield f"{depth}; RNA reads of the lot were {'searched as well' if facts.rna else 'not available'}."
    if facts.missing:
        reasons = [f"{one.gene} ({one.reason})" for one in facts.missing]
        yield f"Not located in full in the annotation: {listed(reasons, NAMED)}."
    if facts.shallow:
        yield f"Too shallow for a limit in lot or donor: {listed(facts.shallow, NAMED)}."
    if facts.patterns:
        yield f"The reads show a pattern of DNA damage: {listed(facts.patterns)}; rare variants of this kind are marked."


def with_variants(found: Sequence[Row], record: Measured) -> list[Row]:
    """Findings of page 1 with mutations by name: one in a called loss or a copy-neutral LOH makes one finding with it.

    found: rows of calls and of criteria. The row of a criterion whose mutations are all named is left out.
    """
    rows, held = list(found), record.small_variants
    if held is None or record.verdict.suppressed:
        return rows
    results = {result.metric: result for result in record.verdict.criteria}
    neutral = results.get(MetricName.BAF_CNLOH)
    named: set[str] = set()
    for variant in held.rows:
        result = results.get(FINDINGS[variant.finding]) if variant.finding else None
        if result is None or result.outcome not in ("FAIL", "REVIEW"):
            continue
        named.add(result.id)
        place = next((i for i, row in enumerate(rows) if _of_other_copy(row, variant, neutral)), None)
        if variant.second and place is not None:
            rows[place] = _two_hits(rows[place], variant, result)
        else:
            rows.append(_own_row(variant, result, record))
    return [row for row in rows if row.event or not set(row.criteria) <= named or row.bar is not None]


def _of_other_copy(row: Row, variant: SmallVariantRow, neutral: CriterionResult | None) -> bool:
    """Whether a finding is the event that takes the other copy of a mutated gene. neutral: criterion on copy-neutral LOH."""
    if variant.event:
        return row.event == variant.event
    return variant.second == "copy-neutral LOH" and neutral is not None and neutral.id in row.criteria


def _two_hits(row: Row, variant: SmallVariantRow, result: CriterionResult) -> Row:
    outcomes: list[Outcome] = [row.outcome or result.outcome, result.outcome]
    return row.model_copy(
        update={
            "outcome": min(outcomes, key=GRAVITY.index),
            "criteria": tuple(dict.fromkeys((*row.criteria, result.id))),
            "name": f"{row.name} with {variant.name}",
            "detail": (*row.detail, *_row_detail(variant)),
        }
    )


def _own_row(variant: SmallVariantRow, result: CriterionResult, record: Measured) -> Row:
    limits = [] if record.small_variants is None else record.small_variants.limits
    wanted = (variant.gene, variant.hotspot)
    found = next((row for row in limits if (row.gene, row.hotspot) == wanted), None)
    change, limit = abs(len(variant.ref) - len(variant.alt)), None
    if found is not None and change <= LONGEST_INDEL:
        limit = found.indel_fraction if change else found.fraction
    bar, value, interval, doubled = Bar(limit=limit), "RNA only", "", ""
    if variant.fraction is not None:
        low, high = variant.fraction_low or 0.0, variant.fraction_high or 1.0
        bar = Bar(limit=limit, low=low, middle=variant.fraction, high=high)
        doubled = "" if record.copy_number.sets is not None else percent(min(2 * variant.fraction, 1.0))
        value, interval = percent(variant.fraction), between(low, high)
    return Row(
        outcome=result.outcome,
        criteria=(result.id,),
        event="",
        name=f"{variant.name}, {variant.origin if variant.origin != 'unknown' else 'origin not determined'}",
        detail=_row_detail(variant),
        bar=bar,
        value=value,
        interval=interval,
        tetraploid=doubled,
    )


def _row_detail(row: SmallVariantRow) -> tuple[str, ...]:
    """Lines below a finding of page 1: the reads that show it and what became of the other copy, then a caution."""
    rna = f", {row.rna_lot_alt} of {row.rna_lot_depth} RNA reads" if row.rna_lot_depth else ""
    depth, donor = row.lot_ref + row.lot_alt, row.donor_ref + row.donor_alt
    what = "Hotspot mutation" if row.hotspot else "Mutation"
    parts = [f"{what} in {row.lot_alt} of {depth} reads{rna}; donor {row.donor_alt} of {donor}"]
    if row.second:
        parts.append("other copy lost" if row.second == "loss" else "copy-neutral LOH")
        parts += [f"expression {log2(row.expression_log2)} log2"] if row.expression_log2 is not None else []
    return ("; ".join(parts), f"Possible artefact: {row.pattern}") if row.pattern else ("; ".join(parts),)
