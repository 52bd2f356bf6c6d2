"""Words of the five tiles of page 1, and of the sections folded to one line."""

from collections.abc import Sequence

from karyolot.contracts.criteria import CriterionResult, Outcome
from karyolot.contracts.front import UNRECORDED, Head, Tile
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.record import Measured, SampleQc
from karyolot.report.groups import IMPORTED, OPEN, SECTIONS, by_section, gravest, withheld
from karyolot.report.text import events, extranuclear, passages
from karyolot.report.words import (
    OUTCOMES,
    between,
    bins_of,
    capital,
    listed,
    number,
    outcome_counts,
    percent,
    plural,
    quantity,
    within_sentence,
)

COVERAGE, READS, USABLE, INSERT, DUPLICATES = (
    "Mean coverage",
    "Reads in",
    "Usable fragments",
    "Insert size, median",
    "Duplicates",
)
"""Quality figures of page 1, by the names that the record gives them."""
PROGENITOR = (MetricName.RNA_IDENTITY_DETECTED, MetricName.RNA_MATURE_DOWN, MetricName.RNA_PROGENITOR_UP)
"""Metrics that together define cells as what the process makes of hepatocytes."""
ABSENT_GROUPS = ("HLA", "Pluripotency", "pluripotency", "Blood", "blood")
"""Beginnings of groups of markers whose genes must be absent."""

SHORT_NAME = 20
"""Characters of a variant's name that a tile has room for; of a longer one it names the gene."""

Results = dict[str, CriterionResult]


def figure(qc: Sequence[SampleQc], role: str, name: str, assay: str = "wgs") -> str:
    """A quality figure of the lot's or the donor's sample, with its unit; 'not recorded' where the record has none."""
    values = [
        figure
        for sample in qc
        if sample.role == role and sample.assay == assay
        for figure in sample.figures
        if figure.name == name and figure.value is not None
    ]
    if not values:
        return UNRECORDED
    found = values[0]
    if found.unit == "%" and isinstance(found.value, (int, float)):
        return percent(found.value / 100)
    if found.unit == "x" and isinstance(found.value, (int, float)):
        return times(found.value)
    rounded = float(f"{found.value:.3g}") if isinstance(found.value, float) else found.value
    return quantity(rounded, "" if name == READS else found.unit)


def times(coverage: float | None) -> str:
    """A coverage, '2.66x'."""
    return UNRECORDED if coverage is None else f"{number(float(f'{coverage:.3g}'))}x"


TILED = ("identity", "copy-number", "cell-type", "small-variants", "quality")
"""Sections with a tile, in their order."""
COMPARED = ("copy-number", "cell-type", "small-variants", "extranuclear")
"""Sections that compare the lot with its donor, so that nothing can be read from them when it is another person's."""


def tiles(record: Measured) -> tuple[Tile, ...]:
    """Identity, copy number, cell type, small variants, data quality."""
    groups = by_section(record.verdict.criteria)
    results: Results = {result.metric: result for result in record.verdict.criteria}
    made = (_identity, _copy_number, _cell_type, _small_variants, _quality)
    return tuple(_tile(record, name, groups[name], say(record, results)) for name, say in zip(TILED, made, strict=True))


def _tile(record: Measured, name: str, results: list[CriterionResult], said: tuple[str, list[str]]) -> Tile:
    statement, lines = said
    return Tile(
        section=name,
        title=SECTIONS[name],
        outcome=_outcome(record, name, results) if name != "quality" or not _too_few_reads(record) else "INDETERMINATE",
        statement=statement,
        lines=tuple(lines[:3]),
    )


def _too_few_reads(record: Measured) -> bool:
    """Whether the limit of detection leaves the lot without a verdict: then its coverage is too low."""
    reasons = record.verdict.reasons if record.verdict.outcome == "INDETERMINATE" else ()
    return any(r.metric == MetricName.CN_LOD and r.id in reasons for r in record.verdict.criteria)


def _outcome(record: Measured, name: str, results: list[CriterionResult]) -> Outcome:
    """The gravest of the section's criteria; of what the lot's identity withholds: not assessed."""
    if withheld(record.verdict) and name in COMPARED:
        return "NOT_ASSESSED"
    required = [r for r in results if r.required and r.outcome == "NOT_ASSESSED"]
    worst = gravest(result.outcome for result in results)
    return "INDETERMINATE" if required and worst in ("PASS", "REVIEW", "NOT_ASSESSED") else worst


def _identity(record: Measured, results: Results) -> tuple[str, list[str]]:
    donor, alleles = record.lot.donor_id, record.alleles
    lines = []
    if alleles is None:
        statement = f"Not {donor}" if withheld(record.verdict) else "SNPs not compared"
    else:
        statement = {"MATCH": f"Matches donor {donor}", "MISMATCH": f"Not donor {donor}"}.get(
            alleles.result, "Too few reads"
        )
        rna = results.get(MetricName.IDENTITY_RNA_MATCH)
        agrees = (
            {"MATCH": "; RNA agrees", "MISMATCH": "; RNA differs"}.get(str(rna.value), "") if rna is not None else ""
        )
        lines.append(f"{number(alleles.sites)} SNPs{agrees}")
    lines.append(_sex(record, results))
    if alleles is not None:
        lines.append(_contamination(record))
    return statement, lines


def _sex(record: Measured, results: Results) -> str:
    declared = "female" if record.lot.donor_sex == "F" else "male"
    result = results.get(MetricName.IDENTITY_LOT_SEX)
    value = None if result is None else result.value
    other = "male" if declared == "female" else "female"
    said = (
        "Sex not determined" if value is None else f"Sex {declared}" if value else f"Sex {other}, declared {declared}"
    )
    variants = record.copy_number.donor_variants if value in (None, True) else ()
    shared = sum(variant.shared for variant in variants)
    return f"{said}; {shared} of {plural(len(variants), 'germline CNV')}" if variants else said


def _contamination(record: Measured) -> str:
    alleles = record.alleles
    if alleles is None or alleles.contamination is None:
        return "Contamination: not assessed"
    low, high = alleles.contamination_low or 0.0, alleles.contamination_high or 1.0
    return f"Contamination {percent(alleles.contamination)} ({between(low, high)})"


def _copy_number(record: Measured, results: Results) -> tuple[str, list[str]]:
    copies = record.copy_number
    own = [call for call in copies.calls if call.origin != "lost"]
    if withheld(record.verdict):
        return "Not interpreted", [f"{plural(len(copies.calls), 'difference')} between two people"]
    lines = []
    if copies.claim is None and not own:
        statement = "No detection limit"
        lines.append(f"{plural(len(copies.bins.start), 'usable bin')} of {bins_of(copies.bins.bin_bp)}")
    else:
        statement = f"{plural(len(own), 'acquired change')}" if own else "No acquired change"
        counts = outcome_counts(row.outcome for row in events.rows(record) if row.outcome)
        judged = ", ".join(f"{n} {OUTCOMES[outcome][1].lower()}" for outcome, n in counts)
        lines.append(f"{judged or 'No call'}; {len(copies.donor_variants)} inherited")
        neutral = results.get(MetricName.DNA_NEUTRAL)
        if neutral is not None and isinstance(neutral.value, float):
            lines.append(f"{percent(neutral.value)} of autosomes unchanged")
    lines.append(passages.in_short(record))
    return statement, lines


def _cell_type(record: Measured, results: Results) -> tuple[str, list[str]]:
    rna = record.expression
    if rna is None:
        return "Not assessed", ["No RNA of this lot"]
    judged = [marker for marker in rna.markers if marker.met is not None]
    met = sum(marker.met == "yes" for marker in judged)
    lines = [f"{met} of {len(judged)} markers as expected"]
    if withheld(record.verdict):
        return "Not interpreted", [*lines, "against another person's cells"]
    outcomes = [results[name].outcome for name in PROGENITOR if name in results]
    progenitor = len(outcomes) == len(PROGENITOR) and all(outcome == "PASS" for outcome in outcomes)
    levels = {marker.gene_name: marker.lot_tpm for marker in rna.markers if marker.lot_tpm is not None}
    shown = [f"{gene} {number(float(f'{levels[gene]:.3g}'))}" for gene in ("ALB", "HNF4A") if gene in levels]
    lines += [f"{', '.join(shown)} TPM"] if shown else []
    unwanted = [m for m in rna.markers if m.expected == "absent" and m.lot_tpm_high is not None]
    if unwanted:
        top = max(unwanted, key=lambda marker: marker.lot_tpm_high or 0.0)
        level = f"{top.gene_name} {number(top.lot_tpm_high, 2)} TPM"
        lines.append(f"Highest unwanted: {level}" if top.lot_tpm_high else "Unwanted markers: 0 TPM")
    if progenitor:
        return "Hepatocyte progenitor", lines
    if any(outcome in OPEN for outcome in outcomes):
        return "Type not confirmed", lines
    return "Markers as expected" if met == len(judged) else f"{met} of {len(judged)} markers", lines


def _small_variants(record: Measured, _: Results) -> tuple[str, list[str]]:
    held = record.small_variants
    if held is None:
        return "Not assessed", ["No annotation, or no reads", "of lot and donor"]
    reviewed = [row for row in held.rows if row.finding in ("tp53", "driver", "own")]
    if withheld(record.verdict):
        return "Not interpreted", [f"{plural(len(held.rows), 'difference')} between two people"]
    named = [row.name if len(row.name) <= SHORT_NAME else row.gene for row in reviewed]
    facts = held.facts
    if facts.fraction is None:
        limit = f"No limit: {facts.assessable} of {plural(facts.drivers, 'gene')} assessable"
    else:
        limit = f"Limit {percent(facts.fraction)} of cells, {facts.assessable} of {plural(facts.drivers, 'gene')}"
    if named:
        return f"{plural(len(named), 'variant')} to review", [listed(named, 2), limit]
    born = [row.name for row in held.rows if row.origin == "inherited"]
    none = "None acquired" if born else "No driver mutation"
    inherited = [f"Inherited: {listed(born, 2)}"] if born else []
    return ("Not assessed" if facts.fraction is None else none), [*inherited, limit]


def _quality(record: Measured, results: Results) -> tuple[str, list[str]]:
    def of(name: str, role: str = "lot") -> str:
        return figure(record.qc, role, name)

    coverage, usable = of(COVERAGE), of(USABLE)
    pairs = f"{usable} usable fragments" if usable != UNRECORDED else f"{of(READS)} read pairs"
    donor = of(COVERAGE, "donor")
    bins = results.get(MetricName.DNA_USABLE_BINS)
    lines = [pairs, f"{of(DUPLICATES)} duplicates; insert {of(INSERT).replace(' bases', ' bp')}"]
    used = [f"donor {donor}"] if donor != UNRECORDED else []
    if bins is not None and isinstance(bins.value, float):
        used.append(f"{percent(bins.value)} of bins used")
    lines += [capital("; ".join(used))] if used else []
    return f"Coverage {coverage}", lines


def heads(record: Measured) -> dict[str, Head]:
    """Each section in one line, by its anchor."""
    findings = dict(zip(TILED, tiles(record), strict=True))
    others = {"process": _process, "extranuclear": extranuclear.in_short}
    made = {}
    for name, results in by_section(record.verdict.criteria).items():
        tile = findings.get(name)
        said = [others[name](record)] if tile is None else [tile.statement, *tile.lines]
        unread = withheld(record.verdict) and name in COMPARED
        made[name] = Head(
            outcome=_outcome(record, name, results),
            state="not interpreted" if unread else _state(results),
            finding=f"{'. '.join(map(capital, said))}.",
            count=_count(results),
            met=_met(name, results),
        )
    return made


def _process(record: Measured) -> str:
    missing = [result.title for result in record.verdict.criteria if result.metric in IMPORTED and result.value is None]
    facts = record.lot.facts
    passage = facts.get("passage")
    said = [f"Passage {number(passage)}" if passage is not None else "Passage not recorded"]
    names = [within_sentence(title.split(" on file")[0]) for title in missing]
    said += [f"Not on file: {listed(names, 9)}"] if missing else []
    said += [capital(plural(len(record.deviations), "deviation"))] if record.deviations else []
    return ". ".join(said)


def _state(results: list[CriterionResult]) -> str:
    counts = outcome_counts(
        result.outcome for result in results if result.outcome not in ("PASS", "INFO", "NOT_ASSESSED")
    )
    if counts:
        return ", ".join(f"{n} {OUTCOMES[outcome][1].lower()}" for outcome, n in counts)
    return "met" if any(result.outcome in ("PASS", "INFO") for result in results) else "not assessed"


def _met(name: str, results: list[CriterionResult]) -> str:
    met, informs = ([result.id for result in results if result.outcome == outcome] for outcome in ("PASS", "INFO"))
    parts = [f"{plural(len(met), 'criterion', 'criteria')} met: {', '.join(met)}"] if met else []
    parts += [f"for information: {', '.join(informs)}"] if informs else []
    return f"{SECTIONS[name]}, {'; '.join(parts)}" if parts else ""


def _count(results: list[CriterionResult]) -> str:
    met = sum(result.outcome == "PASS" for result in results)
    blind = sum(result.outcome == "NOT_ASSESSED" for result in results)
    parts = [f"{met} met"] * bool(met) + [f"{blind} not assessed"] * bool(blind)
    counted = plural(len(results), "criterion", "criteria")
    return f"{counted}: {', '.join(parts)}" if parts else counted
