"""What the check finds in the rows of the sample sheets: ids, references, relations between lots, data of samples."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any

from karyolot.contracts.problems import Fault, Problem, nearest, quoted
from karyolot.contracts.sheets import ISCN, RESERVED_LOT_IDS, SETS_BY_UNIT, Lot, LotResult, Sample
from karyolot.inputs.sheets import Entry
from karyolot.inputs.study import Draft

IDS = frozenset({"donor_id", "lot_id", "sample_id", "assay"})
"""Columns that state what belongs to whom."""
FEWEST_SETS, MOST_SETS = 1.5, 16
"""Mean sets of chromosomes per cell that a DNA content on file may state."""
FILE_COLUMNS = frozenset({"fastq_1", "fastq_2", "alignment", "counts"})


def problems(draft: Draft) -> Iterator[Problem]:
    """All errors of rows, alone or in combination."""
    yield from _ids(draft.donors, "donor_id")
    yield from _ids(draft.lots, "lot_id")
    yield from _references(draft)
    yield from _lots(draft)
    yield from _samples(draft)
    yield from _results(draft)


def _ids(entries: Iterable[Entry[Any]], column: str) -> Iterator[Problem]:
    """Ids that occur twice in a table of one row per id."""
    seen: dict[str, tuple[int, str]] = {}
    for entry in entries:
        name = getattr(entry.row, column)
        if name is None:
            continue
        line, first = seen.setdefault(name.casefold(), (entry.line, name))
        if line != entry.line:
            differs = "" if first == name else f" as {quoted(first)}, which some file systems do not distinguish"
            message = f"the id is already in line {line}{differs}"
            yield entry.problem("E01", message, "delete one row, or rename it", column)
        if column == "lot_id" and name.casefold() in RESERVED_LOT_IDS:
            message = "results/ has a folder of this name that is not a lot's"
            yield entry.problem("E17", message, "give the lot another id", column)


def _references(draft: Draft) -> Iterator[Problem]:
    """Ids that are used and nowhere defined.

    If unresolved ids do not outnumber unreadable or duplicate definitions, these are taken for the cause and the ids are not
    reported again.
    """
    samples, lots = draft.samples, draft.lots
    tables: tuple[tuple[str, str, Sequence[Entry[Any]], dict[str, Sequence[Entry[Any]]]], ...] = (
        ("donors.tsv", "donor_id", draft.donors, {"donor_id": [*lots, *samples]}),
        ("lots.tsv", "lot_id", lots, {"parent_lot_id": lots, "lot_id": [*samples, *(draft.results or ())]}),
    )
    for table, key, defined, uses in tables:
        ids = [None if key in entry.bad else getattr(entry.row, key) for entry in defined]
        known = {name for name in ids if name is not None}
        unknown = [
            (entry, column, name)
            for column, entries in uses.items()
            for entry in entries
            if column not in entry.bad and (name := getattr(entry.row, column)) is not None and name not in known
        ]
        if not known or len({name for *_, name in unknown}) <= len(ids) - len(known):
            continue
        for entry, column, name in unknown:
            remedy = f"correct it, or add its row to {table}"
            yield entry.problem("E24", f"the id is not in {table}", remedy, column, nearest(name, sorted(known)))


def _lots(draft: Draft) -> Iterator[Problem]:
    """Relations between lots: parents, passages, doublings."""
    lots = {entry.row.lot_id: entry for entry in reversed(draft.lots) if entry.row.lot_id}
    circles = _circles(lots)
    for entry in draft.lots:
        lot = entry.row
        yield from _day(entry, "collection_date")
        parent = lots.get(lot.parent_lot_id or "")
        if parent is None:
            continue
        if lot.lot_id in circles:
            yield entry.problem("E07", "the lot is its own ancestor", "correct the parents", "parent_lot_id")
            continue
        if lot.donor_id and parent.row.donor_id not in (None, lot.donor_id):
            message = f"the parent lot belongs to donor {parent.row.donor_id}, this lot to {lot.donor_id}"
            yield entry.problem("E07", message, "correct the donor or the parent", "parent_lot_id")
        for column, words in (("passage", "passage"), ("pdl", "population doublings")):
            own, of_parent = getattr(lot, column), getattr(parent.row, column)
            if own is not None and of_parent is not None and own < of_parent:
                where = f"the parent lot {parent.row.lot_id} ({of_parent:g}, line {parent.line})"
                yield entry.problem("E09", f"{words} below those of {where}", "correct one of the two", column)


def _day(entry: Entry[Any], column: str) -> Iterator[Problem]:
    try:
        date.fromisoformat(getattr(entry.row, column) or "2000-01-01")
    except ValueError:
        yield entry.problem("E17", "there is no such day", "write year-month-day", column)


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


# Results of other methods


def _results(draft: Draft) -> Iterator[Problem]:
    """Each value is of its kind, and each document is one file."""
    documents: dict[str, tuple[int, str]] = {}
    for entry in draft.results or ():
        row = entry.row
        yield from _day(entry, "date")
        if not entry.bad & {"kind", "value"} and (fault := _value_fault(row)):
            yield entry.problem("E17", fault.message, fault.remedy, "value", fault.meant)
        if not entry.bad & {"kind", "limit"} and row.limit and row.kind in {"karyotype", "mycoplasma", "deviation"}:
            yield entry.problem("E17", f"a {row.kind} cannot be compared with a number", "empty the cell", "limit")
        if not entry.bad & {"kind", "unit"} and row.kind == "viability" and row.unit != "%":
            yield entry.problem("E17", "viability is given in %", "write % as its unit", "unit")
        if not entry.bad & {"kind", "unit"} and row.kind == "dna_content" and row.unit not in SETS_BY_UNIT:
            remedy = f"write one of {', '.join(SETS_BY_UNIT)}: cell fractions depend on it"
            yield entry.problem("E17", "a DNA content without a known unit", remedy, "unit")
        if not entry.bad & {"kind", "analyte"} and row.kind == "flow" and row.analyte is None:
            yield entry.problem(
                "E17", "no antigen given for this flow cytometry result", "name the antigen, such as HLA-DR", "analyte"
            )
        if entry.bad & {"kind", "document", "sha256"}:
            continue
        if row.sha256 is None:
            if row.kind != "deviation":
                remedy = "write what sha256sum prints for the file of the document"
                yield entry.problem("E17", "a result without the checksum of its document", remedy, "sha256")
            continue
        line, first = documents.setdefault(row.document, (entry.line, row.sha256))
        if first != row.sha256:
            message = f"line {line} gives document {quoted(row.document)} another checksum"
            yield entry.problem("E17", message, "give each version of a document its own name", "sha256")


def _value_fault(row: LotResult) -> Fault | None:
    """What is wrong when a value is not of its kind."""
    if row.kind == "deviation":
        return None
    if row.kind == "karyotype":
        plain = re.sub(r"\s", "", row.value)
        return None if ISCN.fullmatch(plain) else Fault("E17", "not a karyotype", "write it in ISCN, such as 46,XX[20]")
    if row.kind == "mycoplasma":
        allowed = ["negative", "positive"]
        wrong = Fault("E17", "not an allowed value", "write negative or positive", meant=nearest(row.value, allowed))
        return None if row.value in allowed else wrong
    if not re.fullmatch(r"-?\d+(\.\d+)?", row.value):
        return Fault("E17", "not a number", "write digits, with a decimal point, and the unit in its own column")
    if row.kind == "viability" and not 0 <= float(row.value) <= 100:
        return Fault("E17", "a viability is 0 to 100 %", "correct the number")
    if row.sets is not None and not FEWEST_SETS <= row.sets <= MOST_SETS:
        message = f"a mean DNA content of {row.sets:g} sets of chromosomes"
        return Fault("E17", message, f"liver cells hold {FEWEST_SETS} to {MOST_SETS}: correct the number or its unit")
    return None


# Samples


def entry_of(sample: Sample) -> str:
    """How the data comes in: 'reads', 'alignment', 'counts', several of them, or '' for none."""
    ways = {"reads": sample.fastq_1 or sample.fastq_2, "alignment": sample.alignment, "counts": sample.counts}
    return " and ".join(way for way, path in ways.items() if path)


def _samples(draft: Draft) -> Iterator[Problem]:
    """One row of samples.tsv, and whether the rows of a sample agree."""
    first: dict[str, Entry[Sample]] = {}
    units: dict[tuple[str, str], int] = {}
    for entry in draft.samples:
        sample, bad = entry.row, entry.bad
        if not bad & {"lot_id", "donor_id"} and (sample.lot_id is None) == (sample.donor_id is None):
            message = f"the row names {'neither a lot nor a donor' if sample.lot_id is None else 'a lot and a donor'}"
            remedy = "give lot_id for a lot's cells, donor_id for the donor's own hepatocytes, never both"
            yield entry.problem("E11", message, remedy)
        if not bad & FILE_COLUMNS:
            yield from _data(entry)
        if "sample_id" in bad:
            continue
        leader = first.setdefault(sample.sample_id.casefold(), entry)
        if leader.row.sample_id != sample.sample_id:
            message = f"differs only in case from {quoted(leader.row.sample_id)} in line {leader.line}"
            yield entry.problem("E01", message, "rename one", "sample_id")
            continue
        other, doubtful = leader.row, bad | leader.bad
        for column in ("assay", "lot_id", "donor_id", "strandedness"):
            if column not in doubtful and getattr(sample, column) != getattr(other, column):
                message = f"line {leader.line} gives this sample {getattr(other, column) or 'an empty cell'} here"
                remedy = "rows of one sample are its libraries and lanes: make them agree, or rename one sample"
                yield entry.problem("E25", message, remedy, column)
        way = entry_of(sample)
        if not doubtful & FILE_COLUMNS and way != entry_of(other):
            message = f"line {leader.line} gives this sample as {entry_of(other)}, this row as {way}"
            yield entry.problem("E25", message, "give all rows of a sample in the same way", "sample_id")
        elif way == "counts" and leader is not entry:
            message = f"line {leader.line} already gives the counts of this sample"
            yield entry.problem("E25", message, "counts are of a whole sample: keep one row", "counts")
        elif not bad & {"library_id", "lane"}:
            line = units.setdefault((sample.sample_id, sample.unit.casefold()), entry.line)
            if line != entry.line:
                message = f"library and lane {sample.unit} of this sample are already in line {line}"
                yield entry.problem("E01", message, "give each row of a sample its own library_id or lane", "lane")


def _data(entry: Entry[Sample]) -> Iterator[Problem]:
    """The data of a row is given in exactly one way, that its assay allows."""
    sample, way, empty = entry.row, entry_of(entry.row), "empty the cell"
    at = partial(entry.problem, "E25")
    if not way:
        yield at("the row has no data file", "name its files in fastq_1 and fastq_2, in alignment, or in counts")
    elif " and " in way:
        yield at(f"the row gives its data twice: {way}", "keep one and empty the other cells")
    elif way == "reads" and not sample.fastq_1:
        yield at("fastq_2 is given without fastq_1", "name the first mates in fastq_1", "fastq_1")
    elif way == "reads" and sample.assay == "wgs" and not sample.fastq_2:
        yield at("fragments are counted, so whole-genome reads must be pairs", "name the second mates", "fastq_2")
    elif way == "alignment" and sample.assay == "rnaseq":
        message = "RNA is quantified from reads or a count matrix, not from alignments"
        yield at(message, "give fastq_1 and fastq_2 (samtools fastq), or counts", "alignment")
    if sample.alleles and not sample.counts and way:
        yield at("alleles are counted from the reads of this row", empty, "alleles")
    elif sample.alleles and sample.assay == "rnaseq":
        yield at("allele counts are for whole-genome samples only", empty, "alleles")
    if sample.alleles_name and not sample.alleles:
        yield at("alleles_name is given without a file of alleles", empty, "alleles_name")
    if sample.sha256_2 and not sample.fastq_2:
        yield at("a checksum is given without its file fastq_2", empty, "sha256_2")
