"""A first look into files somebody else made: enough to tell, before any job, that they are what they should be.

Of reads and alignments only the beginning is read; the run reads the rest and checks it then. Nothing heavy is
imported here, since every start of the workflow passes through this module.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from math import gcd
from pathlib import Path
from typing import IO, TypeVar

from pydantic import BaseModel

from karyolot.contracts.problems import Fault, quoted
from karyolot.contracts.settings import Layout
from karyolot.inputs.formats.text import NO_DATA, not_a_count, opened, regular_file, whole_number
from karyolot.inputs.formats.text import lines as lines_of
from karyolot.inputs.formats.text import table as read_columns
from karyolot.inputs.formats.yaml import look as read_document
from karyolot.inputs.spreadsheet import damage

M = TypeVar("M", bound=BaseModel)

HEAD_LINES = 10_000
SHEET_BYTES = 64 << 20
"""A sample table beyond 64 MB is some other file."""
WIG = ("fixedStep", "variableStep")
"""First words of the lines that stand before the values of a WIG file. Both have "Step", which is sooner asked of millions
of lines than each is split."""


def wig_words(line: str) -> list[str]:
    """The words of such a line; none of any other."""
    words = line.split()
    return words if words[:1] and words[0] in WIG else []


def fixed_step(words: Sequence[str]) -> tuple[str, int, int, int]:
    """(contig, start from 0, step, span) that such words give; their start counts from 1. Raises KeyError for what is
    missing and ValueError for what is no whole number."""
    given = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    chrom, start, step = given["chrom"], whole_number(given["start"]) - 1, whole_number(given["step"])
    return chrom, start, step, whole_number(given.get("span", given["step"]))


def data_lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of a tab- or space-separated file, without empty lines, comments and track lines."""
    for number, line in lines_of(path):
        if line.strip() and not line.startswith(NO_DATA):
            words = wig_words(line) if "Step" in line else []
            yield number, words or (line.split("\t") if "\t" in line else line.split())


# References


def read_layout(path: Path) -> tuple[Layout, dict[str, int]]:
    """A layout and, by contig without 'chr', the end of its last cytoband (none when it names no cytobands)."""
    layout, faults = read_document(path, Layout)
    if layout is None:
        raise faults[0]
    ends: dict[str, int] = {}
    if layout.cytobands is not None:
        bands = path.parent / layout.cytobands
        number = 0
        try:
            regular_file(bands)
            for line, fields in data_lines(bands):
                number, contig = line, fields[0].removeprefix("chr")
                ends[contig] = max(ends.get(contig, 0), whole_number(fields[2]))
        except Fault as fault:
            raise Fault(
                fault.code, f"its cytobands {quoted(layout.cytobands)}: {fault.message}", fault.remedy
            ) from fault
        except (IndexError, ValueError) as error:
            message = f"its cytobands {quoted(layout.cytobands)} line {number}, are no table of chrom, start, end, band"
            raise Fault("E28", message, "take UCSC's cytoBand file") from error
    return layout, ends


def is_fasta(path: Path) -> None:
    """Raises Fault when the file does not start as FASTA does."""
    with opened(path) as handle:
        if handle.read(1) != b">":
            raise Fault("E28", "is not FASTA: it does not start with >", "name a FASTA file")


def annotated_contigs(path: Path) -> dict[str, int]:
    """Contigs of a ready bin annotation, and where the last bin of each ends."""
    ends: dict[str, int] = {}
    for number, row in read_columns(path, ("chrom", "start", "end", "gc")):
        try:
            start, end = whole_number(row["start"]), whole_number(row["end"])
        except ValueError:
            start = end = 0
        if not 0 <= start < end:
            raise Fault(
                "E28", "start and end are not an interval from 0 on, end after start", "correct the row", number
            )
        ends[row["chrom"]] = max(ends.get(row["chrom"], 0), end)
    return ends


def contig_lengths(path: Path) -> dict[str, int]:
    """Contigs of a FASTA and their bases: from its .fai when that is not older, else by reading it through."""
    index = Path(f"{path}.fai")
    try:
        if index.stat().st_mtime >= path.stat().st_mtime:
            rows = [line.split("\t") for _, line in lines_of(index)]
            return {row[0]: whole_number(row[1]) for row in rows}
    except (OSError, IndexError, ValueError, Fault):
        pass  # without a usable index the file itself is read
    contigs: dict[str, int] = {}
    with opened(path) as handle:
        for name, length in _fasta_records(handle):
            if name in contigs:
                raise Fault("E28", f"the contig {quoted(name)} stands twice", "delete one of them")
            contigs[name] = length
    if "" in contigs:
        raise Fault("E28", "a contig has no name", "write its name behind the >")
    if empty := [name for name, length in contigs.items() if not length]:
        raise Fault("E28", f"the contig {quoted(empty[0])} has no bases", "fetch the file again")
    return contigs


def _fasta_records(handle: IO[bytes]) -> Iterator[tuple[str, int]]:
    """(name, bases) of each record, at any line width, in bounded memory."""
    if handle.read(1) != b">":
        raise Fault("E28", "is not FASTA: it does not start with >", "name a FASTA file")
    name, length, rest, in_header = "", 0, b"", True
    while chunk := handle.read(1 << 22):
        # A header may lie across two chunks, and so may the line end before it.
        pieces = (rest + chunk).split(b"\n>")
        rest = b""
        for number, piece in enumerate(pieces):
            if number:
                yield name, length
                in_header = True
            if in_header:
                header, line_end, sequence = piece.partition(b"\n")
                if not line_end and number == len(pieces) - 1:
                    rest = piece
                    break
                name, length, in_header = (header.split() or [b""])[0].decode(errors="replace"), 0, False
            else:
                sequence = piece
            if number == len(pieces) - 1 and sequence.endswith(b"\n"):
                sequence, rest = sequence[:-1], b"\n"
            length += len(sequence) - sequence.count(b"\n") - sequence.count(b"\r")
    if in_header:
        name, length = (rest.split() or [b""])[0].decode(errors="replace"), 0
    yield name, length


@dataclass(frozen=True, slots=True)
class Genes:
    """Of a GTF: gene names by gene id, and the contigs of its first lines with the last base seen there."""

    names: dict[str, str]
    ends: dict[str, int]


def read_genes(path: Path, whole: bool = True) -> Genes:
    """Gene ids and names of a GTF, or of its first lines; a gene without gene_name goes by its id."""
    names: dict[str, str] = {}
    ends: dict[str, int] = {}
    identifier, named = re.compile(rb'\bgene_id "([^"]+)"'), re.compile(rb'\bgene_name "([^"]+)"')
    with opened(path) as handle:
        seen = 0
        has_genes = False
        for number, line in enumerate(handle, 1):
            if line.startswith(b"#"):
                continue
            seen += 1
            if seen <= HEAD_LINES:
                fields = line.rstrip(b"\r\n").split(b"\t")
                try:
                    start, end = whole_number(fields[3].decode("ascii")), whole_number(fields[4].decode("ascii"))
                except (IndexError, ValueError):
                    fields = []
                if len(fields) != 9:
                    raise Fault(
                        "E28", "is not GTF: a line has nine columns, separated by tabs", "name a GTF file", number
                    )
                if not 1 <= start <= end:
                    message = f"{start}-{end} is not an interval from 1 on, start first"
                    raise Fault("E28", message, "correct the line", number)
                if b"gene_id" not in fields[8]:
                    remedy = "name a GTF file; gffread -T converts GFF3"
                    raise Fault("E28", "is not GTF: a line has no gene_id", remedy, number)
                contig = fields[0].decode(errors="replace")
                ends[contig] = max(ends.get(contig, 0), end)
                has_genes = has_genes or fields[2] == b"gene"
            elif not whole:
                break
            # Where genes have lines of their own, the others repeat them.
            elif has_genes and b"\tgene\t" not in line:
                continue
            if found := identifier.search(line):
                name = named.search(line) or found
                names[found[1].decode(errors="replace")] = name[1].decode(errors="replace")
    if not names:
        raise Fault("E28", "holds no annotation", "fetch it again")
    return Genes(names, ends)


def read_gene_sets(path: Path) -> dict[str, frozenset[str]]:
    """Sets of a GMT file: name, description, genes, separated by tabs."""
    sets: dict[str, frozenset[str]] = {}
    for number, line in lines_of(path):
        if not line.strip():
            continue
        fields = line.split("\t")
        if len(fields) < 3:
            message = "is not GMT: a line needs a name, a description and genes, separated by tabs"
            raise Fault("E28", message, "name a GMT file", number)
        if fields[0] in sets:
            raise Fault("E01", f"the gene set {quoted(fields[0])} stands twice", "delete one of them", number)
        genes = [gene for gene in fields[2:] if gene]
        entrez = sum(gene.isdecimal() for gene in genes) > len(genes) / 2
        if reason := damaged_gene(genes, entrez):
            raise Fault("E16", reason, "take the GMT from before it was opened in a spreadsheet", number)
        sets[fields[0]] = frozenset(genes)
    if not sets:
        raise Fault("E28", "holds no gene set", "name a GMT file")
    return sets


def track_contigs(path: Path, columns: int, low: float = -float("inf"), high: float = float("inf")) -> set[str]:
    """Contigs named in the first lines of a BED (3 columns) or bedGraph (4), whose values must be within low..high."""
    contigs: set[str] = set()
    for count, (number, fields) in enumerate(data_lines(path)):
        if count == HEAD_LINES:
            break
        try:
            start, end = whole_number(fields[1]), whole_number(fields[2])
            value = float(fields[3]) if columns > 3 else low
        except (IndexError, ValueError):
            if not count and len(fields) >= columns and not fields[1].isdigit():
                continue  # a header
            kind = "bedGraph (chrom start end value)" if columns > 3 else "BED (chrom start end)"
            raise Fault("E28", f"is not {kind}", "convert it; bigWig needs bigWigToBedGraph", number) from None
        if start < 0 or end <= start:
            raise Fault("E28", f"{start}-{end} is not an interval from 0 on, end after start", "correct it", number)
        if columns > 3 and not low <= value <= high:
            raise Fault("E28", f"the value {value:g} is not between {low:g} and {high:g}", "correct the track", number)
        contigs.add(fields[0])
    if not contigs:
        raise Fault("E28", "holds no interval", "fetch it again")
    return contigs


# Counts made elsewhere


@dataclass(slots=True)
class ContigBins:
    """Bins of one contig in a table of counts: how many, and where the last ends."""

    bins: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class BinCounts:
    """A table of fragments per bin. width: of most bins, bases; every bin starts at a multiple of it."""

    contigs: dict[str, ContigBins]
    width: int
    total: int


def bin_counts(path: Path) -> BinCounts:
    """Read a table of fragments per bin through: TSV or bedGraph `chrom start end count`, or fixed-step WIG."""
    contigs: dict[str, ContigBins] = {}
    widths: Counter[int] = Counter()
    starts: dict[str, int] = {}
    total = grid = 0
    number, end, chrom = 0, 0, ""
    for number, chrom, start, end, text in _count_rows(path):
        if reason := not_a_count(text):
            raise Fault("E28", reason, "give raw counts of fragments, not normalised values", number)
        if end <= start or start < 0:
            raise Fault(
                "E28", f"{start}-{end} is not an interval from 0 on, end after start", "correct the table", number
            )
        bins = contigs.get(chrom)
        if bins is None:
            bins = contigs[chrom] = ContigBins()
        elif start < bins.end:
            message = f"the bin {chrom}:{start}-{end} overlaps the one before it, or the bins are not sorted"
            raise Fault("E28", message, "sort the table by contig and start, one line per bin", number)
        bins.bins += 1
        bins.end = end
        widths[end - start] += 1
        starts[chrom] = start
        grid = gcd(grid, start)
        total += int(float(text))
    if not contigs:
        raise Fault("E28", "holds no counts", "give a table: chrom start end count")
    width, _ = widths.most_common(1)[0]
    last = Counter(contigs[chrom].end - starts[chrom] for chrom in contigs)
    if odd := [size for size, count in widths.items() if size != width and count > last.get(size, 0)]:
        message = f"bins have different widths ({width} and {odd[0]} bases); only the last of a contig may be shorter"
        raise Fault("E28", message, "count again in bins of one width, and keep bins of equal count apart")
    if grid % width:
        raise Fault(
            "E28", f"bins of {width} bases do not all start at a multiple of {width}", "count in bins from 0 on"
        )
    if not total:
        raise Fault("E28", "every count is 0", "count again")
    return BinCounts(contigs, width, total)


def _count_rows(path: Path) -> Iterator[tuple[int, str, int, int, str]]:
    """(line, chrom, start, end, count as text), 0-based half-open."""
    chrom, position, step, span = "", 0, 0, 0
    first = True
    for number, fields in data_lines(path):
        if fields[0] in WIG:
            if not first and not step:
                raise Fault("E28", "a WIG line stands in a table of another kind", "correct the file", number)
            try:
                chrom, position, step, span = fixed_step(fields)
            except (KeyError, ValueError):
                message = "needs a line 'fixedStep chrom=... start=... step=...' before its values"
                raise Fault("E28", message, "convert it to fixed-step WIG or bedGraph", number) from None
            if span != step:
                raise Fault("E28", f"step {step} and span {span} differ", "count in bins side by side", number)
        elif step:
            if len(fields) != 1:
                raise Fault("E28", "a line of a WIG file holds one value", "correct the file", number)
            yield number, chrom, position, position + span, fields[0]
            position += step
        else:
            try:
                yield number, fields[0], whole_number(fields[1]), whole_number(fields[2]), fields[3]
            except (IndexError, ValueError):
                if not first or len(fields) < 4 or fields[1].lstrip("-").isdigit():
                    message = "is not a table of counts: a line holds chrom, start, end and count, separated by tabs"
                    raise Fault("E28", message, "correct the line", number) from None
        first = False


@dataclass(frozen=True, slots=True)
class GeneCounts:
    """A matrix of gene counts: samples named in its header, gene ids, gene names when a column gives them."""

    samples: tuple[str, ...]
    genes: tuple[str, ...]
    names: tuple[str, ...]
    faults: tuple[tuple[str, Fault], ...]
    """(sample, its first count that is none)."""


GENE_COLUMNS = {"gene_name": "gene_name", "symbol": "gene_name", "length": "length"}
"""Columns of a matrix of counts that are no samples: name in lower case -> what they hold."""


def repeated(header: Sequence[str]) -> str | None:
    """The columns of a matrix's header that name or measure the genes twice, as one would say them; None when none do."""
    for kind in dict.fromkeys(GENE_COLUMNS.values()):
        if len(found := [name for name in header[1:] if GENE_COLUMNS.get(name.lower()) == kind]) > 1:
            return " and ".join(map(quoted, found))
    return None


def gene_counts(path: Path, samples: frozenset[str]) -> GeneCounts:
    """Read a matrix through: gene ids first, a column of whole numbers per sample, `gene_name` or `symbol` optional.

    Separated by tabs or commas; the header may lack the name of the first column, as R writes it.
    """
    lines = ((number, line) for number, line in lines_of(path) if line.strip() and not line.startswith("#"))
    top = list(islice(lines, 2))
    if len(top) < 2:
        raise Fault("E28", "holds no counts", "give a matrix: a header with the sample ids, one line per gene")
    mark = "\t" if "\t" in top[1][1] else ","
    line, header = top[0][0], _cells(top[0][1], mark)
    width = len(_cells(top[1][1], mark))
    if width < 2:
        raise Fault("E28", "is not a table separated by tabs or commas", "save it as tab-separated text", top[1][0])
    if len(header) == width - 1:
        header.insert(0, "gene_id")
    for name, count in Counter(header).items():
        if count > 1 and name in samples:
            raise Fault("E01", f"the column {quoted(name)} stands twice", "keep one of them", line)
    if twice := repeated(header):
        raise Fault("E01", f"the columns {twice} say the same of a gene", "keep one of them", line)
    places = [(name, place) for place, name in enumerate(header) if place and name in samples]
    kinds = [GENE_COLUMNS.get(name.lower()) for name in header[1:]]
    name_place = kinds.index("gene_name") + 1 if "gene_name" in kinds else 0
    genes: list[str] = []
    names: list[str] = []
    numbers: list[int] = []
    faults: dict[str, Fault] = {}
    empty = dict(places)
    for number, row in chain(top[1:], lines):
        cells = _cells(row, mark)
        if len(cells) != len(header):
            message = f"the row has {len(cells)} cells and the header {len(header)}"
            raise Fault("E28", message, "save the table again", number)
        genes.append(cells[0])
        names.append(cells[name_place] or cells[0])
        numbers.append(number)
        for sample, place in places:
            text = cells[place]
            if text == "0":
                continue
            if sample not in faults and (reason := not_a_count(text)):
                faults[sample] = Fault("E28", reason, "give raw counts per gene: whole numbers, 0 or more", number)
            if sample in empty and (sample in faults or float(text)):  # 0.0 is none either
                del empty[sample]
    for sample in empty:
        faults[sample] = Fault("E28", f"every count of {sample} is 0", "name the matrix that holds its counts")
    # Where most ids are numbers they are Entrez ids, and a number is no damage.
    entrez = sum(name.isdecimal() for name in names) > len(names) / 2
    for number, gene, name in zip(numbers, genes, names, strict=True):
        if reason := damaged_gene((gene, name), entrez):
            raise Fault("E16", reason, "take the matrix from before it was opened in a spreadsheet", number)
    gene, count = Counter(genes).most_common(1)[0]
    if count > 1:
        remedy = "use unique ids (Ensembl ids), or sum the rows of a gene"
        raise Fault("E01", f"the gene id {quoted(gene)} stands {count} times", remedy, numbers[genes.index(gene)])
    return GeneCounts(tuple(header[1:]), tuple(genes), tuple(names) if name_place else (), tuple(faults.items()))


def damaged_gene(names: Iterable[str], entrez: bool = False) -> str | None:
    for name in names:
        if kind := damage(name, numbers_are_ids=entrez):
            return f"the gene name {quoted(name)} is {kind} that a spreadsheet made of a name like MARCH1 or SEPT2"
    return None


def _cells(line: str, mark: str) -> list[str]:
    return [cell.strip().strip('"') for cell in line.split(mark)]
