"""What the check finds in the rows of the sample sheets: ids, references, relations between lots, data of samples."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any

from karyolot.contracts.problems import Fault, Problem, nearest, quoted
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import ISCN, RESERVED_LOT_IDS, SETS_BY_UNIT, Lot, LotResult, Sample
from karyolot.inputs.sheets import Entry
from karyolot.inputs.study import Draft

IDS = frozenset({"donor_id", "lot_id", "sample_id", "assay"})
"""Columns that say what belongs to whom."""
FEWEST_SETS, MOST_SETS = 1.5, 16
"""Mean sets of chromosomes per cell that a DNA content on file may state."""


def ids(rows: Iterable[tuple[Entry[Any], str | None]], file: str, column: str) -> Iterator[Problem]:
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


def references(draft: Draft, config: Config) -> Iterator[Problem]:
    """Ids that are used and nowhere defined.

    If unresolved ids do not outnumber unreadable or duplicate definitions, these are taken for the cause and the ids are not
    reported again.
    """
    sheets = config.sheets
    uses: list[tuple[str, Entry[Any], str, str]] = [
        *((sheets.lots, entry, "donor_id", "donors.tsv") for entry in draft.lots),
        *((sheets.lots, entry, "parent_lot_id", "lots.tsv") for entry in draft.lots),
        *((sheets.samples, entry, "lot_id", "lots.tsv") for entry in draft.samples),
        *((sheets.samples, entry, "donor_id", "donors.tsv") for entry in draft.samples),
        *((sheets.results, entry, "lot_id", "lots.tsv") for entry in draft.results or ()),
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


def lots(draft: Draft, file: str) -> Iterator[Problem]:
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


def results(draft: Draft, file: str) -> Iterator[Problem]:
    """Results of other methods: each value is of its kind, and each document is one file."""
    documents: dict[str, tuple[int, str]] = {}
    for entry in draft.results or ():
        row, bad = entry.row, entry.bad
        at = partial(Problem, "E17", file, line=entry.line)
        if "date" not in bad:
            yield from _day(row.date, file, entry.line, "date")
        if not bad & {"kind", "value"} and (fault := _value_fault(row)):
            yield at(fault.message, fault.remedy, column="value", value=row.value, meant=fault.meant)
        if not bad & {"kind", "limit"} and row.limit and row.kind in {"karyotype", "mycoplasma", "deviation"}:
            yield at(
                f"a {row.kind} cannot be compared with a number", "empty the cell", column="limit", value=row.limit
            )
        if not bad & {"kind", "unit"} and row.kind == "viability" and row.unit != "%":
            yield at("viability is given in %", "write % as its unit", column="unit", value=row.unit)
        if not bad & {"kind", "unit"} and row.kind == "dna_content" and row.unit not in SETS_BY_UNIT:
            yield at(
                "a DNA content without a known unit",
                f"write one of {', '.join(SETS_BY_UNIT)}: cell fractions depend on it",
                column="unit",
                value=row.unit,
            )
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
    if row.sets is not None and not FEWEST_SETS <= row.sets <= MOST_SETS:
        message = f"a mean DNA content of {row.sets:g} sets of chromosomes"
        return Fault("E17", message, f"liver cells hold {FEWEST_SETS} to {MOST_SETS}: correct the number or its unit")
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


def samples(draft: Draft, file: str) -> Iterator[Problem]:
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
        if not bad & FILE_COLUMNS and not leader.bad & FILE_COLUMNS and entry_of(sample) != entry_of(leader.row):
            message = f"line {leader.line} gives this sample as {entry_of(leader.row)}, this row as {entry_of(sample)}"
            yield at(
                "E25",
                message=message,
                remedy="give all rows of a sample in the same way",
                column="sample_id",
                value=sample.sample_id,
            )
        elif entry_of(sample) == "counts" and leader is not entry:
            message = f"line {leader.line} already gives the counts of this sample"
            remedy = "counts are of a whole sample: keep one row"
            yield at("E25", message=message, remedy=remedy, column="counts", value=sample.counts)
        elif not bad & {"library_id", "lane"}:
            line = units.setdefault((sample.sample_id, sample.unit.casefold()), entry.line)
            if line != entry.line:
                message = f"library and lane {sample.unit} of this sample already stand in line {line}"
                yield at(
                    "E01",
                    message=message,
                    remedy="give each row of a sample its own library_id or lane",
                    column="lane",
                    value=sample.lane,
                )


FILE_COLUMNS = frozenset({"fastq_1", "fastq_2", "alignment", "counts"})


def entry_of(sample: Sample) -> str:
    """How the data comes in: 'reads', 'alignment', 'counts', several of them, or '' for none."""
    ways = {"reads": sample.fastq_1 or sample.fastq_2, "alignment": sample.alignment, "counts": sample.counts}
    return " and ".join(way for way, path in ways.items() if path)


def _data(entry: Entry[Sample], file: str) -> Iterator[Problem]:
    """The data of a row is given in exactly one way, that its assay allows."""
    sample = entry.row
    at = partial(Problem, "E25", file, line=entry.line)
    if entry.bad & FILE_COLUMNS:
        return
    way = entry_of(sample)
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
        yield at(
            message=message,
            remedy="give fastq_1 and fastq_2 (samtools fastq), or counts",
            column="alignment",
            value=sample.alignment,
        )
    if sample.alleles and not sample.counts and way:
        yield at(message="alleles are counted from the reads of this row", remedy="empty the cell", column="alleles")
    elif sample.alleles and sample.assay == "rnaseq":
        yield at(message="allele counts are of whole-genome samples", remedy="empty the cell", column="alleles")
    if sample.alleles_name and not sample.alleles:
        yield at(message="a name without its file of alleles", remedy="empty the cell", column="alleles_name")
    if sample.sha256_2 and not sample.fastq_2:
        yield at(message="a checksum without its file fastq_2", remedy="empty the cell", column="sha256_2")
