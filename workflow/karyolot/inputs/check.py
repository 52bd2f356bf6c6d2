"""Everything that can be wrong with the inputs and be known before compute, told in one pass.

Reads files, writes none. Codes are listed in `contracts.problems.CODES`.
"""

import re
import sys
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from karyolot.contracts.criteria import Acceptance
from karyolot.contracts.problems import Fault, InputProblems, KaryolotError, Problem, nearest, quoted
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import BATCHES, ISCN, RESERVED_LOT_IDS, Lot, LotResult, Sample, Study, cultures
from karyolot.inputs import expression, genome, sequencing
from karyolot.inputs.files import CONFIG, Files, unsafe_paths
from karyolot.inputs.formats import yaml
from karyolot.inputs.sheets import Entry
from karyolot.inputs.study import Draft, parse_config, parse_study


def read_settings(path: Path) -> dict[str, Any]:
    """config.yaml as it is written; raises KaryolotError when there is none, or when it holds no settings."""
    try:
        raw = yaml.load(path)
    except Fault as fault:
        raise fault.named(str(path)) from fault
    if not isinstance(raw, dict):
        raise KaryolotError(f"{path}: holds no settings; see config/defaults.yaml for what can be set")
    return raw


def load(
    raw: Mapping[str, Any], workdir: Path, configfiles: Sequence[str | Path] = (), *, contents: bool = True
) -> tuple[Config, Study]:
    """The checked configuration and study.

    configfiles: where `raw` was read from, to name lines. contents=False checks the configuration and the tables, and
    looks into no other file: for the jobs of a run that was checked when it was started.
    Prints warnings to stderr; raises InputProblems, warnings included, when there is any error.
    """
    config, draft, problems = examine(raw, workdir, configfiles, contents=contents)
    if any(not problem.warning for problem in problems):
        raise InputProblems(problems)
    if contents:
        sys.stderr.writelines(f"{problem}\n" for problem in problems)
    return config, draft.study()


def load_or_stop(
    raw: Mapping[str, Any], workdir: Path, configfiles: Sequence[str | Path] = (), *, contents: bool = True
) -> tuple[Config, Study]:
    """`load`, or the problems on stderr and exit code 2: Snakemake would add its own traceback to an error."""
    try:
        return load(raw, workdir, configfiles, contents=contents)
    except KaryolotError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(2) from None


def examine(
    raw: Mapping[str, Any], workdir: Path, configfiles: Sequence[str | Path] = (), *, contents: bool = True
) -> tuple[Config, Draft, list[Problem]]:
    """What `load` finds, without raising: problems sorted by file and line."""
    config, of_config = parse_config(raw, CONFIG)
    draft, of_tables = parse_study(config, workdir)
    problems = of_config + of_tables
    if contents:
        for path in configfiles:
            try:
                yaml.load(Path(path))
            except Fault as fault:
                problems.append(Problem(fault.code, str(path), fault.message, fault.remedy, fault.line))
    faulty = {problem.column or "" for problem in of_config}
    faulty |= {f"{(problem.column or '').rpartition('.')[0]}.{problem.meant}" for problem in of_config if problem.meant}
    if any("gene_sets" in key for key in faulty):
        faulty.add("pathways.axes")  # names the sets of files that were not read
    found = check(config, draft, workdir, contents=contents)
    # A setting that could not be read stands at its default now, which is not the user's choice to be blamed for.
    problems += [problem for problem in found if problem.file != CONFIG or problem.column not in faulty]
    problems = [_located(problem, configfiles) for problem in problems]
    return config, draft, sorted(problems, key=lambda p: (p.file, p.line or 0, p.column or "", p.code, p.message))


def _located(problem: Problem, configfiles: Sequence[str | Path]) -> Problem:
    """A problem of the configuration with the file and line its setting stands in."""
    if problem.file != CONFIG or not configfiles:
        return problem
    for path in configfiles:
        if problem.column and (line := yaml.line_of(Path(path), _parts(problem.column))):
            return replace(problem, file=str(path), line=line)
    # The setting is not there: to be added, or left at a default, or given with --config.
    return replace(problem, file=str(configfiles[0]))


def _parts(key: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in key.split(".")]


def check(config: Config, draft: Draft, workdir: Path, *, contents: bool = True) -> list[Problem]:
    """All that is wrong between the rows of the tables, the settings and (with `contents`) the files they name."""
    sheets = config.sheets
    problems = [
        *_ids([(e, e.row.donor_id) for e in draft.donors], sheets.donors, "donor_id"),
        *_ids([(e, e.row.lot_id) for e in draft.lots], sheets.lots, "lot_id"),
        *_references(draft, config),
        *_lots(draft, sheets.lots),
        *_samples(draft, sheets.samples),
        *_results(draft, sheets.results),
    ]
    # Where it is not sure what belongs to whom, nothing is said to be missing.
    doubtful = any(entry.bad & IDS for entry in draft.rows) or any(
        problem.code in {"E11", "E24"} or (problem.code == "E01" and problem.column in IDS) for problem in problems
    )
    problems += _comparisons(draft, config, doubtful)
    problems += _needs(config, draft)
    problems += unsafe_paths(draft, config)
    if contents:
        problems += _in_files(Files(config, draft, workdir))
    return problems


def _in_files(files: Files) -> list[Problem]:
    """All that is wrong with the files that settings and rows name, by themselves and with each other."""
    uses = files.files_of_samples()
    files.same_data(uses)
    files.files_of_settings()
    contigs = genome.reference(files)
    genome.tracks(files, contigs)
    sequencing.panel(files, contigs)
    genes = expression.annotation(files, contigs)
    sequencing.reads(files, uses, contigs)
    sequencing.calls(files)
    for use in uses:
        if use.column == "counts" and not use.is_matrix:
            genome.counts(files, use, contigs)
    sequencing.alleles(files, uses, contigs)
    genome.compare_with_donors(files, uses)
    sources = expression.gene_sources(files, uses, genes)
    expression.markers(files, sources)
    expression.panel(files, sources)
    expression.gene_sets(files, sources)
    acceptance(files)
    return files.found


def acceptance(files: Files) -> None:
    """Check the acceptance document."""
    if "acceptance" not in files.there:
        return
    path, file = files.there["acceptance"]
    document, faults = files.look(yaml.look, file, Acceptance)
    ids = [criterion.id for criterion in document.criteria] if isinstance(document, Acceptance) else []
    twice = [name for name in dict.fromkeys(ids) if ids.count(name) > 1]
    faults = [*faults, *(Fault("E01", f"the criterion {name} stands twice", "give each its own id") for name in twice)]
    for fault in faults:
        files.in_config("acceptance", fault, path)


IDS = frozenset({"donor_id", "lot_id", "sample_id", "assay"})

# Rows


def _ids(rows: Iterable[tuple[Entry[Any], str | None]], file: str, column: str) -> Iterator[Problem]:
    """Ids that stand twice in a table of one row per id."""
    seen: dict[str, tuple[int, str]] = {}
    for entry, name in rows:
        if name is None:
            continue
        line, first = seen.setdefault(name.casefold(), (entry.line, name))
        if line != entry.line:
            differs = "" if first == name else f" as {quoted(first)}, which some file systems cannot tell apart"
            message = f"the id already stands in line {line}{differs}"
            yield Problem("E01", file, message, "delete one row, or rename it", entry.line, column, name)
        if column == "lot_id" and name.casefold() in RESERVED_LOT_IDS:
            message = "results/ has a folder of this name that is not a lot's"
            yield Problem("E17", file, message, "give the lot another id", entry.line, column, name)


def _references(draft: Draft, config: Config) -> Iterator[Problem]:
    """Ids that are used and nowhere defined.

    When no more ids are unknown than definitions are unreadable or double, those are the cause and have been told.
    """
    sheets = config.sheets
    uses: list[tuple[str, Entry[Any], str, str]] = [
        *((sheets.lots, entry, "donor_id", "donors.tsv") for entry in draft.lots),
        *((sheets.lots, entry, "parent_lot_id", "lots.tsv") for entry in draft.lots),
        *((sheets.samples, entry, "lot_id", "lots.tsv") for entry in draft.samples),
        *((sheets.samples, entry, "donor_id", "donors.tsv") for entry in draft.samples),
        *((sheets.results, entry, "lot_id", "lots.tsv") for entry in draft.results),
    ]
    for table, ids in (
        ("donors.tsv", [None if entry.bad & {"donor_id"} else entry.row.donor_id for entry in draft.donors]),
        ("lots.tsv", [None if entry.bad & {"lot_id"} else entry.row.lot_id for entry in draft.lots]),
    ):
        known = set(ids) - {None}
        unknown = [
            (file, entry.line, column, name)
            for file, entry, column, target in uses
            if target == table
            and column not in entry.bad
            and (name := getattr(entry.row, column)) is not None
            and name not in known
        ]
        if not known or len({name for *_, name in unknown}) <= len(ids) - len(known):
            continue
        for file, line, column, name in unknown:
            meant = nearest(name, sorted(filter(None, known)))
            remedy = f"correct it, or add its row to {table}"
            yield Problem("E24", file, f"the id is not in {table}", remedy, line, column, name, meant)


def _lots(draft: Draft, file: str) -> Iterator[Problem]:
    """Relations between lots: parents, passages, doublings."""
    lots = {entry.row.lot_id: entry for entry in reversed(draft.lots) if entry.row.lot_id}
    circles = _circles(lots)
    for entry in draft.lots:
        lot = entry.row
        yield from _day(lot.collection_date, file, entry.line, "collection_date")
        parent = lots.get(lot.parent_lot_id or "")
        if parent is None:
            continue
        at_parent = partial(Problem, file=file, line=entry.line, column="parent_lot_id", value=lot.parent_lot_id)
        if lot.lot_id in circles:
            yield at_parent("E07", message="the lot is its own ancestor", remedy="correct the parents")
            continue
        if lot.donor_id and parent.row.donor_id not in (None, lot.donor_id):
            message = f"the parent lot belongs to donor {parent.row.donor_id}, this lot to {lot.donor_id}"
            yield at_parent("E07", message=message, remedy="correct the donor or the parent")
        for column, words in (("passage", "passage"), ("pdl", "population doublings")):
            own, of_parent = getattr(lot, column), getattr(parent.row, column)
            if own is not None and of_parent is not None and own < of_parent:
                message = (
                    f"{words} below those of the parent lot {parent.row.lot_id} ({of_parent:g}, line {parent.line})"
                )
                yield Problem("E09", file, message, "correct one of the two", entry.line, column, f"{own:g}")


def _day(text: str | None, file: str, line: int, column: str) -> Iterator[Problem]:
    try:
        date.fromisoformat(text or "2000-01-01")
    except ValueError:
        yield Problem("E17", file, "there is no such day", "write year-month-day", line, column, text)


def _results(draft: Draft, file: str) -> Iterator[Problem]:
    """Results of other methods: each value is of its kind, and each document is one file."""
    documents: dict[str, tuple[int, str]] = {}
    for entry in draft.results:
        row, bad = entry.row, entry.bad
        at = partial(Problem, "E17", file, line=entry.line)
        if "date" not in bad:
            yield from _day(row.date, file, entry.line, "date")
        if not bad & {"kind", "value"} and (fault := _value_fault(row)):
            yield at(fault.message, fault.remedy, column="value", value=row.value, meant=fault.meant)
        if not bad & {"kind", "limit"} and row.limit and row.kind in {"karyotype", "mycoplasma", "deviation"}:
            yield at(f"a {row.kind} is not held against a number", "empty the cell", column="limit", value=row.limit)
        if not bad & {"kind", "unit"} and row.kind == "viability" and row.unit != "%":
            yield at("viability is given in %", "write % as its unit", column="unit", value=row.unit)
        if not bad & {"kind", "analyte"} and row.kind == "flow" and row.analyte is None:
            yield at("flow cytometry of what is not said", "name the antigen, such as HLA-DR", column="analyte")
        if bad & {"kind", "document", "sha256"}:
            continue
        if row.sha256 is None:
            if row.kind != "deviation":
                remedy = "write what sha256sum prints for the file of the document"
                yield at("a result without the checksum of its document", remedy, column="sha256")
            continue
        line, first = documents.setdefault(row.document, (entry.line, row.sha256))
        if first != row.sha256:
            message = f"line {line} gives document {quoted(row.document)} another checksum"
            yield at(message, "give each version of a document its own name", column="sha256", value=row.sha256)


def _value_fault(row: LotResult) -> Fault | None:
    """What is wrong when a value is not of its kind."""
    if row.kind == "karyotype":
        plain = re.sub(r"\s", "", row.value)
        return None if ISCN.fullmatch(plain) else Fault("E17", "not a karyotype", "write it in ISCN, such as 46,XX[20]")
    if row.kind == "mycoplasma":
        allowed = ["negative", "positive"]
        wrong = Fault("E17", "not an allowed value", "write negative or positive", meant=nearest(row.value, allowed))
        return None if row.value in allowed else wrong
    if row.kind == "deviation":
        return None
    if not re.fullmatch(r"-?\d+(\.\d+)?", row.value):
        return Fault("E17", "not a number", "write digits, with a decimal point, and the unit in its own column")
    if row.kind == "viability" and not 0 <= float(row.value) <= 100:
        return Fault("E17", "a viability is 0 to 100 %", "correct the number")
    return None


def _circles(lots: Mapping[str, Entry[Lot]]) -> set[str]:
    """Lots that are their own ancestors."""
    cleared: set[str] = set()
    found: set[str] = set()
    for start in lots:
        way: dict[str, int] = {}
        lot: str | None = start
        while lot is not None and lot in lots and lot not in cleared and lot not in way:
            way[lot] = len(way)
            lot = lots[lot].row.parent_lot_id
        if lot is not None and lot in way:
            found |= set(list(way)[way[lot] :])
        cleared.update(way)
    return found


def _samples(draft: Draft, file: str) -> Iterator[Problem]:
    """What one row of samples.tsv says, and whether the rows of a sample agree."""
    first: dict[str, Entry[Sample]] = {}
    units: dict[tuple[str, str], int] = {}
    for entry in draft.samples:
        sample, bad = entry.row, entry.bad
        at = partial(Problem, file=file, line=entry.line)
        if not bad & {"lot_id", "donor_id"} and (sample.lot_id is None) == (sample.donor_id is None):
            message = f"the row names {'neither a lot nor a donor' if sample.lot_id is None else 'a lot and a donor'}"
            remedy = "give lot_id for a lot's cells, donor_id for the donor's own hepatocytes, never both"
            yield at("E11", message=message, remedy=remedy)
        yield from _data(entry, file)
        if "sample_id" in bad:
            continue
        leader = first.setdefault(sample.sample_id.casefold(), entry)
        if leader.row.sample_id != sample.sample_id:
            message = f"differs only in case from {quoted(leader.row.sample_id)} in line {leader.line}"
            yield at("E01", message=message, remedy="rename one", column="sample_id", value=sample.sample_id)
            continue
        for column in ("assay", "lot_id", "donor_id", "strandedness"):
            if column not in bad | leader.bad and getattr(sample, column) != getattr(leader.row, column):
                message = f"line {leader.line} gives this sample {getattr(leader.row, column) or 'an empty cell'} here"
                remedy = (
                    "rows of one sample are its libraries and lanes: make them agree, or give them other sample ids"
                )
                yield at("E25", message=message, remedy=remedy, column=column, value=getattr(sample, column))
        if not bad & FILE_COLUMNS and not leader.bad & FILE_COLUMNS and _entry(sample) != _entry(leader.row):
            message = f"line {leader.line} gives this sample as {_entry(leader.row)}, this row as {_entry(sample)}"
            yield at("E25", message=message, remedy="give all rows of a sample in the same way", column="sample_id",
                     value=sample.sample_id)  # fmt: skip
        elif _entry(sample) == "counts" and leader is not entry:
            message = f"line {leader.line} already gives the counts of this sample"
            remedy = "counts are of a whole sample: keep one row"
            yield at("E25", message=message, remedy=remedy, column="counts", value=sample.counts)
        elif not bad & {"library_id", "lane"}:
            line = units.setdefault((sample.sample_id, sample.unit.casefold()), entry.line)
            if line != entry.line:
                message = f"library and lane {sample.unit} of this sample already stand in line {line}"
                yield at("E01", message=message, remedy="give each row of a sample its own library_id or lane",
                         column="lane", value=sample.lane)  # fmt: skip


FILE_COLUMNS = frozenset({"fastq_1", "fastq_2", "alignment", "counts"})


def _entry(sample: Sample) -> str:
    """How the data comes in: 'reads', 'alignment', 'counts', several of them, or '' for none."""
    ways = {"reads": sample.fastq_1 or sample.fastq_2, "alignment": sample.alignment, "counts": sample.counts}
    return " and ".join(way for way, path in ways.items() if path)


def _data(entry: Entry[Sample], file: str) -> Iterator[Problem]:
    """The data of a row is given in exactly one way, that its assay allows."""
    sample = entry.row
    at = partial(Problem, "E25", file, line=entry.line)
    if entry.bad & FILE_COLUMNS:
        return
    way = _entry(sample)
    if not way:
        remedy = "name its files in fastq_1 and fastq_2, in alignment, or in counts"
        yield at(message="the row names no data", remedy=remedy)
    elif " and " in way:
        yield at(message=f"the row gives its data twice: {way}", remedy="keep one and empty the other cells")
    elif way == "reads" and not sample.fastq_1:
        yield at(message="fastq_2 is given without fastq_1", remedy="name the first mates in fastq_1", column="fastq_1")
    elif way == "reads" and sample.assay == "wgs" and not sample.fastq_2:
        message = "fragments are counted, so whole-genome reads must be pairs"
        yield at(message=message, remedy="name the second mates", column="fastq_2")
    elif way == "alignment" and sample.assay == "rnaseq":
        message = "RNA is quantified from reads or a count matrix, not from alignments"
        yield at(message=message, remedy="give fastq_1 and fastq_2 (samtools fastq), or counts", column="alignment",
                 value=sample.alignment)  # fmt: skip
    if sample.alleles and not sample.counts and way:
        yield at(message="alleles are counted from the reads of this row", remedy="empty the cell", column="alleles")
    elif sample.alleles and sample.assay == "rnaseq":
        yield at(message="allele counts are of whole-genome samples", remedy="empty the cell", column="alleles")
    if sample.alleles_name and not sample.alleles:
        yield at(message="a name without its file of alleles", remedy="empty the cell", column="alleles_name")
    if sample.sha256_2 and not sample.fastq_2:
        yield at(message="a checksum without its file fastq_2", remedy="empty the cell", column="sha256_2")


# Comparisons


def _comparisons(draft: Draft, config: Config, doubtful: bool) -> Iterator[Problem]:
    """Each lot and its donor have what a comparison needs. doubtful: some rows belong to nobody known."""
    lots_file, samples_file = config.sheets.lots, config.sheets.samples
    leaders: dict[str, Sample] = {}
    of: dict[tuple[str, str, str | None], dict[str, list[Entry[Sample]]]] = defaultdict(lambda: defaultdict(list))
    for entry in draft.samples:
        if not entry.bad & IDS:
            # A row that contradicts the first of its sample is told elsewhere.
            first = leaders.setdefault(entry.row.sample_id.casefold(), entry.row)
            kind = "lot" if first.lot_id else "donor"
            of[first.assay, kind, first.lot_id or first.donor_id][first.sample_id].append(entry)
    owned = {key: dict(samples) for key, samples in of.items()}
    for (assay, kind, owner), samples in owned.items():
        if assay == "wgs" and len(samples) > 1:
            line = list(samples.values())[1][0].line
            message = f"{kind} {owner} has {len(samples)} WGS samples: {', '.join(samples)}"
            remedy = "keep one; libraries and lanes of the same cells go under one sample_id and are merged"
            yield Problem("E25", samples_file, message, remedy, line, "sample_id")
    lines = {_entry(entry.row): entry.line for entry in reversed(draft.samples) if entry.row.assay == "rnaseq"}
    if {"reads", "counts"} <= lines.keys():
        line = max(lines["reads"], lines["counts"])
        message = f"RNA comes as reads (line {lines['reads']}) and as counts (line {lines['counts']})"
        remedy = "give all RNA of a study in one way: differences between methods would look like biology"
        yield Problem("E25", samples_file, message, remedy, line, "sample_id")
    has_dna = any(assay == "wgs" for assay, _, _ in owned)
    if owned and not has_dna and not doubtful:
        message = "no sample is WGS: genomic stability of the lots is not assessed, RNA alone is"
        remedy = "add WGS samples of lots and donors; or ask for the RNA results by name"
        yield Problem("W05", samples_file, message, remedy)
    study: dict[str, dict[str, str]] = {}
    confounded = False
    for row in draft.lots:
        lot, donor = row.row.lot_id, row.row.donor_id
        if row.bad & {"lot_id", "donor_id"}:
            continue
        at_lot = partial(Problem, file=lots_file, line=row.line, column="lot_id", value=lot)
        wanted = "wgs" if has_dna else "rnaseq"
        if owned and not doubtful and (wanted, "lot", lot) not in owned:
            message = f"the lot has no {'WGS' if has_dna else 'RNA'} sample"
            yield at_lot("E25", message=message, remedy=f"add a row to samples.tsv: assay {wanted}, lot_id {lot}")
        elif has_dna and not doubtful and ("wgs", "donor", donor) not in owned:
            message = f"its donor {donor} has no WGS sample of hepatocytes, so there is nothing to compare the lot with"
            remedy = f"add a row to samples.tsv: assay wgs, donor_id {donor}, lot_id empty"
            yield at_lot("E06", message=message, remedy=remedy)
        yield from _different(owned.get(("wgs", "lot", lot), {}), owned.get(("wgs", "donor", donor), {}), at_lot)
        rna, donor_rna = owned.get(("rnaseq", "lot", lot), {}), owned.get(("rnaseq", "donor", donor), {})
        if rna and not donor_rna and not doubtful:
            message = f"the lot has RNA and its donor {donor} has none: expression is not compared"
            remedy = f"add RNA samples of the donor's hepatocytes (assay rnaseq, donor_id {donor})"
            yield at_lot("W05", message=message, remedy=remedy)
        elif rna and donor_rna:
            compared = [*_rna_facts(donor_rna, donor, ""), *_rna_facts(rna, donor, lot)]
            study |= {facts["sample_id"]: facts for facts in compared}
            tangled = _tangled(config, draft, compared)
            if tangled is not None:
                yield at_lot("E13", message=tangled[0], remedy=tangled[1])
            yield from _expression_design(rna, donor_rna, at_lot, told=_batches(config) if tangled else ())
            confounded = confounded or tangled is not None
    if study and not confounded and (tangled := _tangled(config, draft, list(study.values()), pooled=True)):
        design = config.expression.design
        message = f"over all lots of the study, replicates of each added up: {tangled[0]}"
        yield Problem("E13", CONFIG, message, tangled[1], column="expression.design", value=design)


Samples = Mapping[str, list[Entry[Sample]]]


def _facts(samples: Samples, column: str) -> set[str]:
    return {value for rows in samples.values() for entry in rows if (value := getattr(entry.row, column)) is not None}


def _different(lot: Samples, donor: Samples, at_lot: Callable[..., Problem]) -> Iterator[Problem]:
    for column in ("platform", "library_kit"):
        own, other = _facts(lot, column), _facts(donor, column)
        if own and other and own != other:
            message = f"{column} of lot ({', '.join(sorted(own))}) and donor ({', '.join(sorted(other))}) differ"
            remedy = "sequence both alike; differences between methods can look like copy-number changes"
            yield at_lot("W04", message=message, remedy=remedy)


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


def _tangled(
    config: Config, draft: Draft, samples: Sequence[Mapping[str, str]], *, pooled: bool = False
) -> tuple[str, str] | None:
    """Message and remedy when the design holds a batch and cannot tell its effects apart in these samples; else None.

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
    lot: Samples, donor: Samples, at_lot: Callable[..., Problem], told: Collection[str]
) -> Iterator[Problem]:
    """told: batches whose confounding has been told as an error."""
    for who, samples in (("lot", lot), ("donor", donor)):
        libraries = {name: _libraries(name, rows) for name, rows in samples.items()}
        if len(set(cultures(libraries).values())) > 1:
            continue
        has, remedy = f"one RNA sample ({', '.join(samples)})", "add a second, independent RNA sample"
        if len(samples) > 1:
            has = f"{len(samples)} RNA samples of one culture ({', '.join(samples)} share library_id)"
            remedy += ", or give each its own library_id if their cultures are independent"
        yield at_lot("W12", message=f"the {who} has {has}: effect sizes only, no p-values", remedy=remedy)
    for column in BATCHES:
        own, other = _facts(lot, column), _facts(donor, column)
        if own and other and not own & other and column not in told:
            message = (
                f"RNA of lot and donor never share a {column}: their difference and its effect cannot be told apart"
            )
            yield at_lot("W13", message=message, remedy="prepare and sequence lot and donor together")
    own, other = _facts(lot, "strandedness"), _facts(donor, "strandedness")
    if len(own | other) > 1:
        message = f"RNA libraries of one comparison differ in strandedness ({', '.join(sorted(own | other))})"
        yield at_lot("W15", message=message, remedy="compare libraries of one kind")


# Settings


def _needs(config: Config, draft: Draft) -> Iterator[Problem]:
    """Settings without a default that the data calls for."""
    ways = {(entry.row.assay, _entry(entry.row)) for entry in draft.samples}
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
        message = "the design must end with state, the effect that is tested; before it may stand donor and any of "
        yield at(message=message + ", ".join(BATCHES), remedy="write ~ donor + state")
        return
    for term in terms:
        silent = sorted({row.sample_id for row in rna if term in BATCHES and getattr(row, term) is None})
        if silent:
            message = f"the design holds {term}, and RNA sample {silent[0]} has none"
            yield at(message=message, remedy=f"fill in {term} of all RNA samples in samples.tsv, or leave the term out")
