"""What the check finds between lots and donors: data that a comparison needs, designs, and settings without a default."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial

from karyolot.contracts.problems import KaryolotError, Problem
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import BATCHES, Sample, cultures
from karyolot.inputs.files import CONFIG
from karyolot.inputs.rows import IDS, entry_of
from karyolot.inputs.sheets import Entry
from karyolot.inputs.study import Draft

Samples = Mapping[str, list[Entry[Sample]]]
"""sample_id -> its rows."""
Owned = Mapping[tuple[str, str, str | None], Samples]
"""(assay, 'lot' or 'donor', its id) -> its samples."""


def comparisons(draft: Draft, config: Config, doubtful: bool) -> Iterator[Problem]:
    """Each lot and its donor have what a comparison needs. doubtful: some rows belong to nobody known."""
    owned = _owned(draft)
    has_dna = any(assay == "wgs" for assay, _, _ in owned)
    yield from _of_study(draft, config.sheets.samples, owned, asked=bool(owned) and not has_dna and not doubtful)
    study: dict[str, dict[str, str]] = {}
    confounded = False
    for row in draft.lots:
        lot, donor = row.row.lot_id, row.row.donor_id
        if row.bad & {"lot_id", "donor_id"}:
            continue
        at_lot = partial(row.problem, column="lot_id")
        if owned and not doubtful:
            yield from _absent(owned, lot, donor, has_dna, at_lot)
        yield from _different(owned.get(("wgs", "lot", lot), {}), owned.get(("wgs", "donor", donor), {}), at_lot)
        rna, donor_rna = owned.get(("rnaseq", "lot", lot), {}), owned.get(("rnaseq", "donor", donor), {})
        if rna and donor_rna and not doubtful:
            compared = [*_rna_facts(donor_rna, donor, ""), *_rna_facts(rna, donor, lot)]
            study |= {facts["sample_id"]: facts for facts in compared}
            found = _confounded(config, draft, compared)
            if found is not None:
                yield at_lot("E13", *found)
            yield from _expression_design(rna, donor_rna, at_lot, reported=_batches(config) if found else ())
            confounded = confounded or found is not None
    if study and not confounded and (found := _confounded(config, draft, list(study.values()), pooled=True)):
        design = config.expression.design
        message = f"over all lots of the study, replicates of each added up: {found[0]}"
        yield Problem("E13", CONFIG, message, found[1], column="expression.design", value=design)


def _owned(draft: Draft) -> Owned:
    """The samples of each lot and donor. A row that contradicts the first of its sample is reported with the rows."""
    leaders: dict[str, Sample] = {}
    of: dict[tuple[str, str, str | None], dict[str, list[Entry[Sample]]]] = defaultdict(lambda: defaultdict(list))
    for entry in draft.samples:
        if not entry.bad & IDS:
            first = leaders.setdefault(entry.row.sample_id.casefold(), entry.row)
            kind = "lot" if first.lot_id else "donor"
            of[first.assay, kind, first.lot_id or first.donor_id][first.sample_id].append(entry)
    return {key: dict(samples) for key, samples in of.items()}


def _of_study(draft: Draft, file: str, owned: Owned, asked: bool) -> Iterator[Problem]:
    """Requirements on the samples of a study together. asked: whether a study without WGS gets a warning."""
    for (assay, kind, owner), samples in owned.items():
        if assay == "wgs" and len(samples) > 1:
            message = f"{kind} {owner} has {len(samples)} WGS samples: {', '.join(samples)}"
            remedy = "keep one; libraries and lanes of the same cells go under one sample_id and are merged"
            yield list(samples.values())[1][0].problem("E25", message, remedy, "sample_id")
    first = {entry_of(entry.row): entry for entry in reversed(draft.samples) if entry.row.assay == "rnaseq"}
    if {"reads", "counts"} <= first.keys():
        reads, counts = first["reads"], first["counts"]
        message = f"RNA comes as reads (line {reads.line}) and as counts (line {counts.line})"
        remedy = "give all RNA of a study in one format: differences between methods resemble biological ones"
        yield max(reads, counts, key=lambda entry: entry.line).problem("E25", message, remedy, "sample_id")
    if asked:
        message = "no sample is WGS: only RNA is assessed, not the genomic stability of the lots"
        remedy = "add WGS samples of lots and donors; or ask for the RNA results by name"
        yield Problem("W05", file, message, remedy)


def _absent(owned: Owned, lot: str, donor: str, has_dna: bool, at_lot: Callable[..., Problem]) -> Iterator[Problem]:
    """Samples that a lot or its donor lacks."""
    wanted = "wgs" if has_dna else "rnaseq"
    if (wanted, "lot", lot) not in owned:
        message = f"the lot has no {'WGS' if has_dna else 'RNA'} sample"
        yield at_lot("E25", message, f"add a row to samples.tsv: assay {wanted}, lot_id {lot}")
    elif has_dna and ("wgs", "donor", donor) not in owned:
        message = f"its donor {donor} has no WGS sample of hepatocytes, so there is nothing to compare the lot with"
        remedy = f"add a row to samples.tsv: assay wgs, donor_id {donor}, lot_id empty"
        yield at_lot("E06", message, remedy)
    if ("rnaseq", "lot", lot) in owned and ("rnaseq", "donor", donor) not in owned:
        message = f"the lot has RNA and its donor {donor} has none: expression is not compared"
        remedy = f"add RNA samples of the donor's hepatocytes (assay rnaseq, donor_id {donor})"
        yield at_lot("W05", message, remedy)


def _facts(samples: Samples, column: str) -> set[str]:
    return {value for rows in samples.values() for entry in rows if (value := getattr(entry.row, column)) is not None}


def _different(lot: Samples, donor: Samples, at_lot: Callable[..., Problem]) -> Iterator[Problem]:
    for column in ("platform", "library_kit"):
        own, other = _facts(lot, column), _facts(donor, column)
        if own and other and own != other:
            message = f"{column} of lot ({', '.join(sorted(own))}) and donor ({', '.join(sorted(other))}) differ"
            remedy = "sequence both by one method; differences between methods can resemble copy-number changes"
            yield at_lot("W04", message, remedy)


def _batches(config: Config) -> tuple[str, ...]:
    """Batches in the design of the expression."""
    return tuple(term for term in re.split(r"\s*[~+]\s*", config.expression.design) if term in BATCHES)


def _rna_facts(samples: Samples, donor: str | None, lot: str | None) -> list[dict[str, str]]:
    """What a design can know of RNA samples. lot '' or None: of hepatocytes."""
    owner = {"donor": donor or "", "lot": lot or "", "state": "lot" if lot else "hepatocyte"}
    return [
        {
            "sample_id": name,
            **owner,
            "library": " + ".join(_libraries(name, rows)),
            **{batch: " + ".join(sorted(_facts({name: rows}, batch))) for batch in BATCHES},
        }
        for name, rows in samples.items()
    ]


def _libraries(sample: str, rows: Sequence[Entry[Sample]]) -> list[str]:
    return sorted({entry.row.library_id or sample for entry in rows})


def _confounded(
    config: Config, draft: Draft, samples: Sequence[Mapping[str, str]], *, pooled: bool = False
) -> tuple[str, str] | None:
    """Message and remedy if the design contains a batch that is confounded in these samples; else None.

    pooled: replicates count as one sample, as in the test over the whole study; else only those of one culture do.
    """
    rna = [entry.row for entry in draft.samples if entry.row.assay == "rnaseq"]
    if not _batches(config) or any(_design(config.expression.design, rna)):
        return None
    # Only now: they take half a second, and without a batch the design cannot be confounded.
    import pandas as pd

    from karyolot.rna.design import by_unit, culture_of, plan_contrast, unit_of

    table = pd.DataFrame(list(samples)).set_index("sample_id")
    try:
        plan_contrast(by_unit(table, unit_of(table) if pooled else culture_of(table)), config.expression.design)
    except KaryolotError as error:
        return error.message, error.remedy
    return None


def _expression_design(
    lot: Samples, donor: Samples, at_lot: Callable[..., Problem], reported: Collection[str]
) -> Iterator[Problem]:
    """reported: batches whose confounding is an error already."""
    for who, samples in (("lot", lot), ("donor", donor)):
        libraries = {name: _libraries(name, rows) for name, rows in samples.items()}
        if len(set(cultures(libraries).values())) > 1:
            continue
        has, remedy = f"one RNA sample ({', '.join(samples)})", "add a second, independent RNA sample"
        if len(samples) > 1:
            has = f"{len(samples)} RNA samples of one culture ({', '.join(samples)} share library_id)"
            remedy += ", or give each its own library_id if their cultures are independent"
        yield at_lot("W12", f"the {who} has {has}: effect sizes only, no p-values", remedy)
    for column in BATCHES:
        own, other = _facts(lot, column), _facts(donor, column)
        if own and other and not own & other and column not in reported:
            message = f"RNA of lot and donor never share a {column}: the difference between them is confounded with it"
            yield at_lot("W13", message, "prepare and sequence lot and donor together")
    own, other = _facts(lot, "strandedness"), _facts(donor, "strandedness")
    if len(own | other) > 1:
        message = f"RNA libraries of one comparison differ in strandedness ({', '.join(sorted(own | other))})"
        yield at_lot("W15", message, "compare libraries of one kind")


def needs(config: Config, draft: Draft) -> Iterator[Problem]:
    """Settings without a default that the data calls for."""
    ways = {(entry.row.assay, entry_of(entry.row)) for entry in draft.samples}
    reference = config.reference
    at = partial(Problem, "E27", CONFIG)
    if reference.fasta is None:
        if ("wgs", "reads") in ways or ("wgs", "alignment") in ways:
            yield at("WGS reads and alignments need the genome", "give the path of its FASTA", column="reference.fasta")
        elif ("wgs", "counts") in ways and reference.bins is None:
            remedy = "give the path of the genome's FASTA, or of a ready bin annotation in reference.bins"
            yield at("counts are corrected for GC, which is not known", remedy, column="reference.fasta")
        if config.identity.sites is not None:
            remedy = "give the path of its FASTA, or leave identity.sites out"
            yield at("alleles are counted on the genome, which is not given", remedy, column="reference.fasta")
        if config.small_variants.genes is not None:
            remedy = "give the path of its FASTA, or leave small_variants.genes out"
            yield at("variants are called on the genome, which is not given", remedy, column="reference.fasta")
    wgs = ("wgs", "reads") in ways or ("wgs", "alignment") in ways
    if wgs and config.small_variants.drivers is not None and reference.gtf is None and ("rnaseq", "reads") not in ways:
        message = "no annotation is given: driver genes cannot be located, and are not searched for mutations"
        remedy = "give the path of the genome's GTF, or set small_variants.drivers to null"
        yield Problem("W05", CONFIG, message, remedy, column="reference.gtf")
    if ("rnaseq", "reads") in ways:
        if reference.gtf is None:
            message = "RNA reads need the gene annotation"
            yield at(message, "give the path of the genome's GTF", column="reference.gtf")
        if reference.transcripts is None and reference.fasta is None:
            remedy = "give the path of a transcript FASTA, or of the genome's FASTA in reference.fasta"
            yield at("RNA reads need transcripts", remedy, column="reference.transcripts")
    yield from _design(config.expression.design, [entry.row for entry in draft.samples if entry.row.assay == "rnaseq"])


def _design(design: str, rna: Sequence[Sample]) -> Iterator[Problem]:
    at = partial(Problem, "E17", CONFIG, column="expression.design", value=design)
    tilde, *terms = re.split(r"\s*[~+]\s*", design.strip())
    if tilde or not terms or terms[-1] != "state" or not {*terms[:-1]} < {"donor", "state", *BATCHES}:
        message = "the design must end with state, the effect that is tested; it may be preceded by donor and any of "
        yield at(message=message + ", ".join(BATCHES), remedy="write ~ donor + state")
        return
    for term in terms:
        silent = sorted({row.sample_id for row in rna if term in BATCHES and getattr(row, term) is None})
        if silent:
            message = f"the design holds {term}, and RNA sample {silent[0]} has none"
            yield at(message=message, remedy=f"fill in {term} of all RNA samples in samples.tsv, or leave the term out")
