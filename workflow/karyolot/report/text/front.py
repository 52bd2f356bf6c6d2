"""Words on page 1: the verdict in one sentence, what it rests on, what bounds it, what to do next and what is missing."""

import re
from collections.abc import Iterator, Sequence

from karyolot.contracts.cells import CONDITION, tetraploid_limit
from karyolot.contracts.criteria import CriterionResult
from karyolot.contracts.front import UNRECORDED, Bar, Fact, Front, Row
from karyolot.contracts.metrics import ABSENT, MetricName
from karyolot.contracts.record import LotFacts, Measured
from karyolot.contracts.record_dna import ArmRow, CopyNumberRecord
from karyolot.contracts.small_variants import NO_LIST
from karyolot.report import calls
from karyolot.report.groups import IMPORTED, OPEN, PANEL
from karyolot.report.text import boards, events, passages, small_variants, tiles
from karyolot.report.words import (
    KINDS,
    ON_FILE,
    OUTCOMES,
    axis,
    between,
    bins_of,
    capital,
    limit,
    listed,
    measured,
    number,
    outcome_counts,
    percent,
    plural,
    within_sentence,
)

MOST_ROWS = 4
"""Findings listed on page 1; the rest are counted."""
HOTSPOTS = ("20q11.21", "17p")
"""Recurrent regions whose limit is on page 1 of a PASS: the commonest gain of cultured stem cells, and TP53."""
NOUNS: dict[str, str] = {
    **dict.fromkeys(
        (
            MetricName.VARIANTS_TP53_HOTSPOT,
            MetricName.VARIANTS_DRIVERS,
            MetricName.VARIANTS_BENIGN,
            MetricName.VARIANTS_LIMIT,
        ),
        "driver mutations",
    ),
    MetricName.VARIANTS_ACQUIRED: "variants in the site's gene list",
    MetricName.BAF_CNLOH: "copy-neutral LOH",
    MetricName.MITOCHONDRIA_SHIFTS: "mitochondrial DNA",
    MetricName.MITOCHONDRIA_PATHOGENIC: "mitochondrial DNA",
    MetricName.CN_CONTRADICTED: "allele support of calls",
    MetricName.IDENTITY_CONTAMINATION: "contamination",
    MetricName.IDENTITY_GERMLINE: "germline CNVs of the donor",
    MetricName.IDENTITY_SNP_MATCH: "SNP identity of the DNA",
    MetricName.IDENTITY_RNA_MATCH: "SNP identity of the RNA",
    MetricName.IDENTITY_DONOR_RNA_MATCH: "SNP identity of the donor's RNA",
    MetricName.IDENTITY_PARENT: "descent from the parent lot",
    MetricName.DNA_RT_SLOPE: "replication-timing bias",
    MetricName.CN_LOD: "detection limit",
    MetricName.CN_LOD_POWER: "detection limit",
    MetricName.CN_ARM_LOD: "detection limit",
    **dict.fromkeys(
        (
            MetricName.CN_ACQUIRED_LONG,
            MetricName.CN_ACQUIRED_SHORT,
            MetricName.CN_HIGH_COPY,
            MetricName.CN_WHOLE_CHROMOSOME,
            MetricName.CN_ARM_CHANGE,
            MetricName.CN_ARTEFACT_PRONE,
            MetricName.CN_DONOR_CHANGE_LOST,
        ),
        "acquired changes",
    ),
}
"""Metric -> what was not assessed, where the title of its criterion would be too long."""
WHOLE = {
    ABSENT["variants"]: ("driver mutations", "no annotation or no reads"),
    ABSENT["alleles"]: ("SNP identity, contamination and copy-neutral LOH", "no SNP panel"),
    ABSENT["rna"]: ("expression", "no RNA"),
    ABSENT["mitochondria"]: ("mitochondrial DNA", "no reads"),
    ABSENT["lineage"]: ("descent", "no parent lot"),
    ABSENT["foreign"]: ("foreign sequences", "no panel"),
    NO_LIST: ("variants in the site's gene list", "no list"),
}
"""Why a whole stage could not be assessed -> the stage and the reason, in few words."""
DEPTH = re.compile(r"no allele evidence \((\d+) of the (\d+) heterozygous SNPs needed reach (\d+)x in both samples\)")
"""Wording of `dna.alleles` for samples too shallow for allele fractions."""
SHORT = 32
"""Characters of a reason that still fits in brackets."""
OWN_WORDS = {"FAIL_IDENTITY": "fail (identity)"}


def front(record: Measured) -> Front:
    """All of page 1, and the heads of the sections."""
    found = _rows(record)
    return Front(
        facts=tuple(_facts(record.lot)),
        headline=_headline(record, found),
        brief=_brief(record, found),
        coverage=tiles.figure(record.qc, "lot", tiles.COVERAGE),
        count=_count(record),
        rows=(*found[:MOST_ROWS], *_limits(record)),
        more=_more(found),
        board=boards.board(record),
        claim=_claim(record),
        note=_note(record),
        weakened="" if record.verdict.outcome == "FAIL_IDENTITY" else _weakened(record),
        actions=tuple(_actions(record)),
        missing=capital(listed(_missing(record), 9)) if _missing(record) else "",
        not_assessed=_not_assessed(record),
        tiles=tiles.tiles(record),
        figure=_figure(record),
        karyotype=record.copy_number.karyotype or "",
        band=_band(record),
        rules=_rules(record.copy_number),
        uninterpreted=_uninterpreted(record),
        passages=passages.changed(record),
        sections=tiles.heads(record),
        evidence=calls.criteria(record),
    )


def _facts(lot: LotFacts) -> Iterator[Fact]:
    """The line above the verdict."""
    known = lot.facts
    sex = "female" if lot.donor_sex == "F" else "male"
    age = known.get("donor_age")
    yield Fact(name="Donor", value=f"{lot.donor_id}, {sex}" + (f", {number(age)} y" if age is not None else ""))
    pdl = known.get("pdl")
    doublings = f" ({number(pdl)} doublings)" if pdl is not None else ""
    passage = known.get("passage")
    yield Fact(name="Passage", value=UNRECORDED if passage is None else f"{number(passage)}{doublings}")
    bank, parent = known.get("bank"), known.get("parent_lot_id")
    yield Fact(name="Bank", value=f"{bank or UNRECORDED}" + (f", from {parent}" if parent else ""))
    yield Fact(name="Sampled", value=str(known.get("collection_date") or UNRECORDED))


def _rows(record: Measured) -> list[Row]:
    """Findings: calls that a criterion failed or wants reviewed, then criteria without a call; of a lot without a verdict, the
    criteria that leave it open."""
    if record.verdict.outcome == "FAIL_IDENTITY":
        return []
    held = calls.criteria(record)
    called = [] if record.verdict.suppressed else events.rows(record)
    others = [
        _criterion_row(result)
        for result in record.verdict.criteria
        if result.id not in held and (result.outcome in OPEN or result.id in record.verdict.reasons)
    ]
    found = small_variants.with_variants([*called, *others], record)
    return [row for outcome in OUTCOMES for row in found if row.outcome == outcome]


def _criterion_row(result: CriterionResult) -> Row:
    return Row(
        outcome=result.outcome,
        criteria=(result.id,),
        event="",
        name=result.title,
        detail=(capital(result.explanation),),
        bar=None,
        value="not assessed" if result.value is None else measured(result.value, result.unit),
        interval=f"limit {limit(result.limit, result.unit)}",
        tetraploid="",
    )


def _headline(record: Measured, found: Sequence[Row]) -> str:
    """The verdict in one or two short sentences."""
    outcome = record.verdict.outcome
    if outcome == "FAIL_IDENTITY":
        return _other_person(record)
    if outcome == "INDETERMINATE":
        return _undecided(record)
    failed = [_named(row) for row in found if row.outcome == "FAIL"]
    failed[1:] = map(within_sentence, failed[1:])
    review = [row.name for row in found if row.outcome == "REVIEW"]
    if outcome == "FAIL" and failed:
        said = f"{listed(failed, 2)}."
        return said + (f" {_needs_review(review)}" if review else "")
    if outcome in ("FAIL", "REVIEW"):
        return _needs_review(review) if review else record.verdict.headline
    none = "No acquired change detected."
    on_file = _missing(record)
    return f"{none} Not on file: {listed(on_file, 9)}." if on_file else none


def _brief(record: Measured, found: Sequence[Row]) -> str:
    """The finding in a few words, for the table of all lots."""
    if record.verdict.outcome == "FAIL_IDENTITY":
        return f"not donor {record.lot.donor_id}"
    if record.verdict.outcome == "INDETERMINATE":
        return within_sentence(_undecided(record).split(":")[0].rstrip("."))
    named = [f"{row.name.split(' with ')[0]} {row.value}" if row.event else within_sentence(row.name) for row in found]
    return (
        "; ".join(named[:2]) + (f" and {len(named) - 2} more" if len(named) > 2 else "")
        if named
        else "no acquired change"
    )


def _needs_review(names: Sequence[str]) -> str:
    return (
        f"{listed([*names[:1], *map(within_sentence, names[1:])], 2)} {'needs' if len(names) == 1 else 'need'} review."
    )


def _named(row: Row) -> str:
    """'Trisomy 8 in 60% of cells'."""
    return f"{row.name} in {row.value} of cells" if row.event else row.name


def _other_person(record: Measured) -> str:
    donor = record.lot.donor_id
    wrong = {result.metric for result in record.verdict.criteria if result.id in record.verdict.reasons}
    what = "The RNA of this lot" if wrong == {MetricName.IDENTITY_RNA_MATCH} else "This sample"
    return f"{what} does not come from its declared donor {donor}."


def _undecided(record: Measured) -> str:
    """The first cause, with its number."""
    results = {result.metric: result for result in record.verdict.criteria if result.id in record.verdict.reasons}
    lod = results.get(MetricName.CN_LOD)
    if lod is not None and lod.value is None:
        needed = boards.needed(record, lod)
        used = plural(len(record.copy_number.bins.start), "usable bin")
        return f"Too few reads to set a detection limit: {f'{needed} are needed' if needed else used}."
    if lod is not None and lod.outcome == "INDETERMINATE":
        allowed, needed = limit(lod.limit, lod.unit), boards.needed(record, lod)
        more = f"; {needed} are needed" if needed else ""
        return f"The detection limit is too weak: {measured(lod.value, lod.unit)}, allowed {allowed}{more}."
    if not results:
        return record.verdict.headline
    first = next(iter(results.values()))
    value = (
        "not assessed"
        if first.value is None
        else f"{measured(first.value, first.unit)}, limit {limit(first.limit, first.unit)}"
    )
    left = len(results) - 1
    return f"{first.title}: {value}" + (f"; {plural(left, 'more criterion', 'more criteria')} open." if left else ".")


def _count(record: Measured) -> str:
    """Criteria by outcome, and their document."""
    verdict = record.verdict
    counts = outcome_counts(result.outcome for result in verdict.criteria)
    said = ", ".join(f"{n} {OWN_WORDS.get(outcome, OUTCOMES[outcome][1].lower())}" for outcome, n in counts)
    criteria = plural(len(verdict.criteria), "criterion", "criteria")
    named = f"{criteria} of “{verdict.acceptance_name}” {verdict.acceptance_version}"
    withheld = "No statement on stability is made. " if verdict.suppressed else ""
    return f"{withheld}{named}: {said}"


def _more(found: Sequence[Row]) -> str:
    """What is not listed on page 1."""
    left = found[MOST_ROWS:]
    if not left:
        return ""
    counts = outcome_counts(row.outcome for row in left if row.outcome)
    return f"And {plural(len(left), 'more finding')}: {', '.join(f'{n} {OUTCOMES[o][1]}' for o, n in counts)}"


def _limits(record: Measured) -> list[Row]:
    """The lot's own limits of detection; of a lot that passed those of whole chromosomes and hotspots, too."""
    copies = record.copy_number
    if record.verdict.suppressed or (copies.claim is None and not any(arm.assessable for arm in copies.arms)):
        return []
    made = []
    if record.verdict.outcome in ("PASS", "REVIEW"):
        made += _range("Whole chromosomes", [arm for arm in copies.arms if arm.scope == "chromosome"])
    made += _range("Whole arms", [arm for arm in copies.arms if arm.scope == "arm"])
    made.append(_claimed(copies))
    if record.verdict.outcome == "PASS":
        made += [row for region in HOTSPOTS for row in _hotspot(copies, region)]
    return made + _drivers(record)


def _drivers(record: Measured) -> list[Row]:
    """The limits of the driver panel for substitutions and short indels, where it has one; the bar shows the worse."""
    facts = None if record.small_variants is None else record.small_variants.facts
    if facts is None or facts.fraction is None:
        return []
    sets, both = record.copy_number.sets, (facts.fraction, facts.indel_fraction)
    genes = dict.fromkeys(
        map(str, (facts.assessable, facts.indel_genes) if facts.indel_fraction else (facts.assessable,))
    )
    name = f"Driver SNV / indel, {' / '.join(genes)} of {plural(facts.drivers, 'gene')}"
    value = " / ".join("none" if fraction is None else percent(fraction) for fraction in both)
    doubled = [_tetraploid(None if fraction is None else tetraploid_limit(fraction, sets), sets) for fraction in both]
    worst = None if facts.indel_fraction is None else max(facts.fraction, facts.indel_fraction)
    return [_limit_row(name, "", value, " / ".join(filter(None, doubled)), Bar(limit=worst))]


def _limit_row(name: str, detail: str, value: str, doubled: str, bar: Bar) -> Row:
    return Row(
        outcome=None, criteria=(), event="", name=name, detail=(f"({detail})",) if detail else (), bar=bar, value=value,
        interval="", tetraploid=doubled,
    )  # fmt: skip


def _range(name: str, arms: Sequence[ArmRow]) -> list[Row]:
    """From the best to the worst of these; the bar shows the worst."""
    known = [arm for arm in arms if arm.assessable and arm.lod_gain is not None and arm.lod_loss is not None]
    if not known:
        return []
    found = [value for arm in known for value in (arm.lod_gain, arm.lod_loss) if value is not None]
    doubled = [value for arm in known for value in (arm.tetraploid_gain, arm.tetraploid_loss)]
    of_four = [value for value in doubled if value is not None]
    worst = "" if None not in doubled or not of_four else ", some not"
    tetraploid = between(min(of_four), max(of_four)) + worst if of_four else ""
    return [_limit_row(name, "by size", between(min(found), max(found)), tetraploid, Bar(limit=max(found)))]


def _claimed(copies: CopyNumberRecord) -> Row:
    name = f"{number(copies.claim_mb)} Mb or larger, gain / loss"
    claim = copies.claim
    if claim is None or claim.gain is None or claim.loss is None:
        return _limit_row(name, "", "not assessable", "", Bar(limit=None))
    both = (claim.gain, claim.loss)
    doubled = [_tetraploid(value, copies.sets) for value in (claim.tetraploid_gain, claim.tetraploid_loss)]
    doubled = doubled if any(doubled) else []
    return _limit_row(name, "", " / ".join(map(percent, both)), " / ".join(doubled), Bar(limit=max(both)))


def _tetraploid(limit: float | None, sets: float | None) -> str:
    """A limit in tetraploid cells; '' where the DNA content was measured."""
    if sets is not None:
        return ""
    return "none" if limit is None else percent(limit)


def _hotspot(copies: CopyNumberRecord, region: str) -> list[Row]:
    row = next((row for row in copies.recurrent if row.region == region), None)
    if row is None:
        return []
    name = f"{region} {row.change}" + (f" ({row.genes.replace(',', ', ')})" if row.genes else "")
    bins = f"{plural(row.bins, 'bin')}" if row.lod is None else ""
    if row.lod is None:
        return [_limit_row(name, bins, "not assessable", "", Bar(limit=None))]
    return [_limit_row(name, bins, percent(row.lod), _tetraploid(row.tetraploid_lod, copies.sets), Bar(limit=row.lod))]


def _claim(record: Measured) -> str:
    """What bounds the verdict. Where it fails the limits show it; of a PASS they are in the table above, and the sections
    state each in words."""
    verdict = record.verdict
    if verdict.outcome in ("FAIL", "FAIL_IDENTITY"):
        return ""
    if verdict.outcome == "PASS" and _limits(record):
        power = percent(record.copy_number.power)
        return (
            f"A change in at least the stated fraction of cells would have been detected with {power} probability; one in fewer"
            f" cells may be undetected.{''.join(verdict.claim.partition(CONDITION)[1:])}"
        )
    return " ".join(filter(None, (verdict.claim_arms, verdict.claim, verdict.claim_variants)))


def _weakened(record: Measured) -> str:
    """Every setting and criterion that is weaker than the shipped one, in the unit of the criterion."""
    units = {result.id: result.unit for result in record.verdict.criteria}
    held = []
    for one in record.verdict.weakened:
        id_, _, title = one.name.partition(" ")
        own, shipped = (limit(words.partition(", else ")[0], units.get(id_, "")) for words in (one.own, one.shipped))
        same = own == shipped  # another outcome, not another limit
        own, shipped = (one.own, one.shipped) if same else (own, shipped.removesuffix(" of cells"))
        held.append(f"{f'{title} ({id_})' if title else id_} {own} (shipped: {shipped})")
    return f"Weakened: {'; '.join(held)}." if held else ""


def _note(record: Measured) -> str:
    """What hatched means, and what cannot be detected at all."""
    said = []
    if record.verdict.outcome == "FAIL_IDENTITY":
        said.append(
            "LR: likelihood ratio, same person against unrelated. SNPs do not distinguish two lots of one donor."
        )
    elif _limits(record):
        said.append(
            f"Hatched: below the detection limit ({percent(record.copy_number.power)} probability); in Figure 1: not assessable."
        )
    if not said or record.verdict.outcome == "FAIL_IDENTITY":
        said.append("Hatched in Figure 1: not assessable.")
    open_ = [result for result in record.verdict.criteria if result.id in record.verdict.reasons]
    if record.verdict.outcome == "INDETERMINATE" and open_:
        said.append(f"Open: {listed([f'{within_sentence(result.title)} ({result.id})' for result in open_], 3)}.")
    if record.not_seen:
        seen = [thing.replace("loss of heterozygosity", "LOH") for thing in record.not_seen]
        said.append(f"Not detectable by read depth: {listed(seen, 9)}.")
    return " ".join(said)


def _actions(record: Measured) -> Iterator[str]:
    """What to do next; more reads with how many."""
    lod = next((r for r in record.verdict.criteria if r.metric == MetricName.CN_LOD), None)
    needed = boards.needed(record, lod) if lod is not None and lod.value is None else ""
    for action in record.verdict.actions:
        more = f" Needed: {needed}." if needed and lod is not None and lod.id in action.criteria else ""
        yield f"{action.text}{more}"


def _missing(record: Measured) -> list[str]:
    """Tests of other laboratories without a result on file."""
    held = {result.kind for result in record.imported}
    names = {"karyotype": "karyotype or DNA content"}
    return [
        names.get(kind, KINDS[kind].lower())
        for kind in ON_FILE
        if kind not in held and not (kind == "karyotype" and "dna_content" in held)
    ]


def _not_assessed(record: Measured) -> str:
    """What these data could not assess, each once with a short reason."""
    said: dict[str, str] = {}
    for result in record.verdict.criteria:
        if result.outcome != "NOT_ASSESSED" or result.metric in IMPORTED:
            continue
        if result.metric in PANEL:
            said["comparison with accepted lots"] = "no panel"
            continue
        own = NOUNS.get(result.metric, within_sentence(result.title)), result.explanation
        noun, reason = WHOLE.get(result.explanation, own)
        reason = DEPTH.sub(r"\1 of \2 SNPs reach \3x", reason)
        said[noun] = reason if len(reason) <= SHORT else ""
    reasons: dict[str, list[str]] = {}
    for noun, reason in said.items():
        reasons.setdefault(reason, []).append(noun)
    parts = [f"{listed(nouns, 9)} ({reason})" if reason else listed(nouns, 9) for reason, nouns in reasons.items()]
    return ". ".join(map(capital, parts)) + "." if parts else ""


def _figure(record: Measured) -> str:
    """What the genome plot shows, before its karyotype, or why it has none."""
    declared = "declared donor" if record.verdict.outcome == "FAIL_IDENTITY" else "donor"
    against = (
        f"Copy number against {declared} {record.lot.donor_id}, bins of {bins_of(record.copy_number.bins.bin_bp)}."
    )
    withheld = record.copy_number.karyotype_withheld
    return f"{against} No karyotype: {withheld}." if withheld and not _uninterpreted(record) else against


def _uninterpreted(record: Measured) -> str:
    """Why the genome plot must not be read as a result of this lot; '' = it may."""
    if record.verdict.outcome == "FAIL_IDENTITY":
        return "Not interpreted: differences between two people"
    if record.copy_number.claim is None:
        return "No detection limit: a flat line here excludes nothing"
    return "Not interpreted: no verdict on stability" if record.verdict.suppressed else ""


def _rules(copies: CopyNumberRecord) -> tuple[str, str]:
    """Names of the two dashed lines: the published rule, or that of the study's settings."""
    gain, loss = copies.published_gain_log2, copies.published_loss_log2
    published = abs(gain - 0.585) < 1e-3 and abs(loss + 1) < 1e-3
    named, source = ("published rule", " (He 2025)") if published else ("configured rule", "")
    return f"{named} for a gain{source}: {axis(gain)}", f"{named} for a loss{source}: {axis(loss)}"


def _band(record: Measured) -> str:
    """Words of the band that the lot's own limit draws; '' without one."""
    claim = record.copy_number.claim
    if claim is None or claim.gain is None or claim.loss is None or record.verdict.suppressed:
        return ""
    size = number(record.copy_number.claim_mb)
    return f"below this lot's detection limit for {size} Mb (gain {percent(claim.gain)}, loss {percent(claim.loss)} of cells)"
