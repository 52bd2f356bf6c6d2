"""Counts per gene: matrices with a column per sample, and what featureCounts, STAR, HTSeq and nf-core write.

The first column holds the gene ids; `gene_name` (or `symbol`) and `length` are optional columns beside those of samples.
"""

import csv
import hashlib
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.genes import unversioned
from karyolot.contracts.problems import Fault, nearest, quoted
from karyolot.inputs.formats.text import MISSING, MOST, lines, named, not_a_count, number, same_width
from karyolot.inputs.spreadsheet import damage_fault, damaged_names

GENE_COLUMNS = {
    **dict.fromkeys(("gene_name", "symbol", "gene_symbol", "hgnc_symbol", "external_gene_name"), "name"),
    "length": "length",
}
"""Columns of a matrix that are no samples: name in lower case -> what they hold."""
ID_COLUMNS = frozenset({"", "id", "gene", "gene_id", "geneid", "gene.id", "ensembl_gene_id", "name", "row.names"})
"""Names of the first column, in lower case, by which a header is known."""
NOT_GENES = frozenset(
    "N_unmapped N_multimapping N_noFeature N_ambiguous"
    " no_feature ambiguous too_low_aQual not_aligned alignment_not_unique".split()
)
"""Rows of STAR, and of HTSeq before 0.6, that count reads of no gene; those of later versions begin with __."""
TOTALS = frozenset("total totals sum sums subtotal summe gesamt gesamtsumme somme suma mean average median".split())
"""Last words of rows that spreadsheets add below a matrix, in lower case; no gene is so called."""
OTHER_FORMATS = {
    "#1.": "GCT",
    "%%MatrixMarket": "Matrix Market",
    "!": "a GEO series matrix",
    ">": "FASTA",
    "@": "FASTQ or SAM",
}
"""How files of another kind begin."""
STAR_COLUMNS = {"unstranded": 1, "forward": 2, "reverse": 3}
"""Columns of ReadsPerGene.out.tab (STAR manual, section 8): unstranded; read 1 in sense; read 1 in antisense."""
OTHER_STRAND = 0.2
"""A library stranded as declared has more than this part of its stranded reads in the declared column; else the declaration
is wrong, and its counts would be those of the other strand."""
OTHER_TABLES = (
    ({"name", "effectivelength", "numreads"}, "salmon's quant.sf, of transcripts or genes of one sample"),
    ({"target_id", "est_counts", "tpm"}, "kallisto's abundance.tsv, of transcripts of one sample"),
    ({"expected_count", "fpkm"}, "RSEM's results of one sample"),
    ({"gene id", "coverage", "fpkm", "tpm"}, "StringTie's abundances of one sample"),
    ({"basemean", "log2foldchange"}, "DESeq2's results of a comparison"),
    ({"logfc", "logcpm"}, "edgeR's results of a comparison"),
    ({"logfc", "aveexpr"}, "limma's results of a comparison"),
)
"""Columns in lower case -> what such a table is."""
ESTIMATED = re.compile(r"(salmon|kallisto|rsem)[\w.-]*gene_counts[\w.-]*", re.IGNORECASE)
"""Names that nf-core/rnaseq gives to matrices of estimated counts. By content alone they are indistinguishable from FPKM."""
LENGTH_SCALED = "salmon.merged.gene_counts_length_scaled.tsv"
PER_MILLION, PER_MILLION_ERROR, ROUNDED_ERROR = 1e6, 1e-3, 5e-3
"""TPM and CPM add up to a million; rounded, they lose up to half a per cent, as most of them are below 0.5."""
LOG_MOST, ROUNDED_LOG_MOST = 25, 30
"""log2 of 33 million and of a thousand million: no log2 of a count is larger, and few raw counts are as small."""
MANY_GENES, FEW_GENES = 1000, 10
"""Genes from which a column of small whole numbers is no column of counts; and from which on decimals are a kind of values,
not a slip."""
DECIMALS = 0.1
RAW_COUNTS = "give raw counts per gene: whole numbers, 0 or more"
NOT_TPM = f"give the counts: featureCounts, STAR, HTSeq; of nf-core not gene_tpm.tsv but {LENGTH_SCALED}"
BEFORE_LOG = "give the counts before log2, rlog or vst"
NOT_NORMALISED = (
    "give counts(dds) of DESeq2 without normalized = TRUE, or y$counts of edgeR, not cpm or FPKM; estimated counts of salmon,"
    f" kallisto or RSEM under the name that nf-core gives them, such as {LENGTH_SCALED}"
)
NAN = float("nan")
SHOWN = 4
"""Columns that a message lists."""
_DECIMAL = re.compile(r"[0-9.eE+-]*")


class Record(NamedTuple):
    """A gene. length: bases, NaN where not stated. counts: cells of the wanted samples, in their order."""

    line: int
    gene: str
    name: str
    length: float
    counts: Sequence[str]


@dataclass(frozen=True, slots=True)
class GeneCounts:
    """Counts of the wanted samples.

    genes, names, lengths: in the order of the file; a name is '' where none is stated, a length NaN. counts: genes x samples,
    whole numbers; a column with a fault holds 0 instead. faults: what is wrong with a sample, by sample. note: what is
    unusual (W28), or None.
    """

    genes: list[str]
    names: list[str]
    lengths: NDArray[np.float64]
    samples: tuple[str, ...]
    counts: NDArray[np.int64]
    faults: dict[str, Fault]
    note: Fault | None

    def digests(self) -> dict[str, bytes]:
        """By sample without fault, a digest of its counts, independent of the order of genes.

        Counts are taken over their greatest common divisor, since a multiple of another sample is a copy as well.
        """
        ordered = self.counts[np.argsort(np.array(self.genes), kind="stable")]
        ordered = ordered // np.maximum(np.gcd.reduce(ordered, axis=0), 1)
        return {
            sample: hashlib.blake2b(ordered[:, place].tobytes(), digest_size=16).digest()
            for place, sample in enumerate(self.samples)
            if sample not in self.faults
        }

    def rounded_tpm(self) -> Fault | None:
        """The Fault of whole numbers that add up to a million in every sample. Reads drawn to one equal number do not differ at
        all, and are counts."""
        totals = self.counts.sum(axis=0)
        near = np.abs(totals - PER_MILLION) <= ROUNDED_ERROR * PER_MILLION
        if len(self.genes) > MANY_GENES and len(totals) > 1 and near.all() and len(set(totals)) > 1:
            return Fault("E28", "holds TPM or CPM, rounded: every sample adds up to a million", NOT_TPM)
        return None


@dataclass(frozen=True, slots=True)
class _Columns:
    """Positions in a row. width: cells of a row. samples: by sample id; those that are not there have a fault.
    other: of a stranded library in STAR's table, the column of the other strand."""

    width: int
    name: int | None
    length: int | None
    samples: dict[str, int]
    faults: dict[str, Fault]
    other: int | None = None


def look(path: Path, samples: tuple[tuple[str, str], ...]) -> GeneCounts:
    """Genes and counts of the whole file; faults of single samples are in `faults`.

    Parameters
    ----------
    samples
        (sample_id, strandedness by the sheet, '' when it does not state) of the samples that are to be in the file.

    Raises
    ------
    Fault
        E28 for what is no matrix of counts, E01 for genes or columns that occur twice, E16 for damaged names, E25 for a file of
        one sample that several name, or whose column depends on a strandedness that is not declared.
    """
    columns, rows = _open(path, dict(samples))
    found, faults = list(columns.samples), dict(columns.faults)
    genes: list[str] = []
    names: list[str] = []
    numbers, lengths, values = array("q"), array("d"), array("d")
    for line, gene, name, length, cells in rows:
        genes.append(gene)
        names.append(name)
        numbers.append(line)
        lengths.append(length)
        values.extend(_values(cells, found, line, faults))
    if not genes:
        raise Fault("E28", "holds no counts", "give a matrix: a header with the sample ids, one line per gene")
    table = np.array(values).reshape(len(genes), len(found))
    _check_totals(genes, table, numbers)
    _check_names(genes, names, numbers)
    estimated = ESTIMATED.fullmatch(path.name) is not None
    counts = np.zeros((len(genes), len(samples)), dtype=np.int64)
    rounded = 0.0
    for place, (sample, _) in enumerate(samples):
        if sample in faults:
            continue
        column = table[:, found.index(sample)]
        if fault := _column_fault(sample, column, numbers, estimated):
            faults[sample] = fault
        else:
            counts[:, place] = np.rint(column)
            rounded = max(rounded, float((column != counts[:, place]).mean()))
    note = _rounded(path, rounded) if rounded else None
    return GeneCounts(genes, names, np.array(lengths), tuple(sample for sample, _ in samples), counts, faults, note)


def read(path: str | Path, samples: Mapping[str, str]) -> GeneCounts:
    """Counts of samples (sample_id -> strandedness by the sheet). Raises what `look` raises, the first of its faults, and that of
    `rounded_tpm`, with the name of the file."""
    with named(path):
        found = look(Path(path), tuple(samples.items()))
        for sample in samples:
            if sample in found.faults:
                raise found.faults[sample]
        if fault := found.rounded_tpm():
            raise fault
    return found


def records(path: Path, samples: Mapping[str, str]) -> Iterator[Record]:
    """The genes of a file. Rows of programs that are no gene (`__no_feature`, `N_unmapped`) are left out by their name."""
    return _open(path, samples)[1]


# Rows


def _open(path: Path, samples: Mapping[str, str]) -> tuple[_Columns, Iterator[Record]]:
    """The columns of a file and its genes."""
    source = ((line, row) for line, row in lines(path) if row.strip())
    top = list(islice(source, 1))
    if top and (kind := next((kind for start, kind in OTHER_FORMATS.items() if top[0][1].startswith(start)), None)):
        raise Fault("E28", f"is {kind}, not a table of counts per gene", "save it as tab-separated text", top[0][0])
    data = ((line, row) for line, row in chain(top, source) if not row.startswith("#"))
    top = list(islice(data, 2))
    if not top:
        raise Fault("E28", "holds no counts", "give a matrix: a header with the sample ids, one line per gene")
    line, last = top[-1]
    if 'gene_id "' in last:
        raise Fault("E28", "is GTF, not a table of counts per gene", "name it in reference.gtf", line)
    marks = [mark for mark in "\t,;" if mark in last]  # R writes no tab above a single column, and a comma in decimals
    mark = next((mark for mark in marks if mark in top[0][1]), marks[0] if marks else None)
    first, width = _cells(top[0][1], mark), len(_cells(last, mark))
    if width < 2:
        raise Fault("E28", "is not a table separated by tabs or commas", "save it as tab-separated text", line)
    if _has_header(first, samples):
        width -= not _cells(last, mark)[-1].strip(' "')  # a tab at the end of a row opens no column
        columns = _of_header(first, width, samples, top[0][0])
        return columns, _records(_split(chain(top[1:], data), mark, columns), columns)
    columns = _without_header(first, samples, top[0][0])
    rows = _split(chain(top, data), mark, columns)
    return columns, _records(
        rows if columns.other is None else _one_strand(rows, columns.samples, columns.other), columns
    )


def _cells(row: str, mark: str | None) -> list[str]:
    """The cells of a row; mark None: separated by spaces, as R's write.table does."""
    if mark != "\t" and '"' in row:
        return next(csv.reader([row], delimiter=mark or " ", skipinitialspace=True))
    return row.split(mark)


def _split(data: Iterable[tuple[int, str]], mark: str | None, columns: _Columns) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of the genes."""
    for line, row in data:
        cells = _cells(row, mark)
        same_width(cells, columns.width, line)
        gene = cells[0] = cells[0].strip(' "')
        if not gene:
            raise Fault("E16", "the row has no gene id", "write the id, or delete the row", line)
        if not gene.startswith("__") and gene not in NOT_GENES:
            yield line, cells


def _records(rows: Iterable[tuple[int, list[str]]], columns: _Columns) -> Iterator[Record]:
    places = list(columns.samples.values())
    pick = itemgetter(*places) if len(places) > 1 else None
    for line, cells in rows:
        name = "" if columns.name is None else cells[columns.name].strip(' "')
        length = NAN if columns.length is None else _length(cells[columns.length], line)
        counts = pick(cells) if pick else [cells[place] for place in places]
        yield Record(line, cells[0], "" if name in MISSING else name, length, counts)


def _one_strand(
    rows: Iterable[tuple[int, list[str]]], samples: Mapping[str, int], other: int
) -> Iterator[tuple[int, list[str]]]:
    """STAR's rows, as they are; at their end a fault when most reads fit the strand that is not the declared one."""
    ((sample, own),) = samples.items()
    sums = {own: 0, other: 0}
    for line, cells in rows:
        for place in sums:
            sums[place] += int(cells[place]) if cells[place].isascii() and cells[place].isdigit() else 0
        yield line, cells
    if sums[own] < OTHER_STRAND * (sums[own] + sums[other]):
        message = f"{sums[own]} of {sums[own] + sums[other]} reads fit the strandedness of {sample} in samples.tsv"
        raise Fault("E25", message, "correct strandedness")


def _length(cell: str, line: int) -> float:
    try:
        value = number(cell.strip('"'))
    except ValueError as error:
        raise Fault("E28", f"the length of a gene: {error}", "write its bases, or leave the cell empty", line) from None
    if value is not None and value < 0:
        raise Fault("E28", f"the length {cell} of a gene is negative", "write its bases", line)
    return value or NAN


# Columns


def _has_header(cells: Sequence[str], samples: Mapping[str, str]) -> bool:
    """Whether the first row names columns. HTSeq and STAR write no header, so that the last cell is a count."""
    names = [cell.strip(' "') for cell in cells]
    return (
        names[0].lower() in ID_COLUMNS or not names[-1].isdigit() or any(_base(name) in samples for name in names[1:])
    )


def _without_header(cells: Sequence[str], samples: Mapping[str, str], line: int) -> _Columns:
    """Columns of HTSeq (id, [name,] count) and STAR (id and three counts)."""
    star = cells[0] == "N_unmapped" and len(cells) == 4
    if not star and not (len(cells) == 2 or (len(cells) == 3 and not cells[1].isdigit())):
        message = "has no header: it does not state which column is which sample"
        raise Fault("E28", message, "write the sample ids above the columns", line)
    if len(samples) != 1:
        message = f"holds one sample, without a header, and {len(samples)} samples name it: {', '.join(samples)}"
        raise Fault("E25", message, "name the file of each sample")
    ((sample, strandedness),) = samples.items()
    if not star:
        return _Columns(len(cells), 1 if len(cells) == 3 else None, None, {sample: len(cells) - 1}, {})
    if strandedness not in STAR_COLUMNS:
        message = f"holds STAR's counts for every strandedness, and samples.tsv does not state which {sample} has"
        raise Fault("E25", message, f"fill in strandedness: {', '.join(STAR_COLUMNS)}")
    own = STAR_COLUMNS[strandedness]
    return _Columns(4, None, None, {sample: own}, {}, {2: 3, 3: 2}.get(own))


def _of_header(cells: Sequence[str], width: int, samples: Mapping[str, str], line: int) -> _Columns:
    header = [cell.strip(' "') for cell in cells]
    if header[0] == "Status":
        raise Fault("E28", "is featureCounts' summary", "name the file without .summary", line)
    if len(header) == width - 1:  # as R writes it
        header.insert(0, "gene_id")
    faults: dict[str, Fault] = {}
    places: dict[str, int] = {}
    for sample in samples:
        exact = [place for place, name in enumerate(header) if place and name == sample]
        found = exact or [place for place, name in enumerate(header) if place and _base(name) == sample]
        if len(found) > 1:
            raise Fault("E01", f"the column {quoted(header[found[0]])} occurs twice", "keep one of them", line)
        if found:
            places[sample] = found[0]
        else:
            columns = ", ".join(map(quoted, header[1 : SHOWN + 1])) + " ..." * (len(header) > SHOWN + 1)
            remedy = f"use one name for the sample in the sheet and in the header; the header has {columns}"
            meant = nearest(sample, map(_base, header[1:]))
            faults[sample] = Fault("E28", f"its header does not name {sample}", remedy, meant=meant)
    if not places and (kind := _other_table(header)):
        raise Fault(
            "E28", f"is {kind}", f"give counts per gene: of featureCounts, STAR, HTSeq, or {LENGTH_SCALED}", line
        )
    kinds: dict[str, list[int]] = {"name": [], "length": []}
    for place, name in enumerate(header):
        if place and place not in places.values() and name.lower() in GENE_COLUMNS:
            kinds[GENE_COLUMNS[name.lower()]].append(place)
    for twice in kinds.values():
        if len(twice) > 1:
            both = " and ".join(quoted(header[place]) for place in twice)
            raise Fault("E01", f"the columns {both} are duplicates", "keep one of them", line)
    name_place, length = (found[0] if found else None for found in kinds.values())
    return _Columns(len(header), name_place, length, places, faults)


def _base(name: str) -> str:
    """A sample as a column names it: featureCounts writes the path of its BAM, with what programs add to its name. Sample ids
    hold no dots."""
    name = name.strip(' "')
    if not name.endswith((".bam", ".cram", ".sam")):
        return name
    return re.sub(r"_?Aligned$", "", PurePosixPath(name).name.partition(".")[0])


def _other_table(header: Sequence[str]) -> str | None:
    """What a table is that names no wanted sample; None when it is not known."""
    names = {name.lower() for name in header}
    return next((kind for wanted, kind in OTHER_TABLES if wanted <= names), None)


# Names and values


def _check_names(genes: Sequence[str], names: Sequence[str], numbers: Sequence[int]) -> None:
    """Raise a Fault for genes that occur twice, and for names that a spreadsheet changed."""
    first = 0 if genes[0] == "0" else 1
    if len(genes) >= FEW_GENES and all(gene == str(place) for place, gene in enumerate(genes, first)):
        message = "numbers its rows in the first column, which is to hold the gene ids"
        raise Fault("E28", message, "save it without row numbers (R: row.names = FALSE; pandas: index=False)")
    if damaged := damaged_names(zip(numbers, genes, strict=True)) + damaged_names(zip(numbers, names, strict=True)):
        raise damage_fault(damaged, "take the matrix from before it was opened in a spreadsheet")
    if len(set(genes)) < len(genes):
        gene, count = Counter(genes).most_common(1)[0]
        remedy = "use unique ids (Ensembl ids), or sum the rows of a gene"
        raise Fault("E01", f"the gene id {quoted(gene)} occurs {count} times", remedy, numbers[genes.index(gene)])
    bare = [unversioned(gene) for gene in genes]
    if len(set(bare)) < len(bare):
        gene = Counter(bare).most_common(1)[0][0]
        one, other, *_ = (each for each, key in zip(genes, bare, strict=True) if key == gene)
        message = f"{one} and {other} are versions of one gene"
        raise Fault(
            "E01", message, "count all samples with one annotation, or keep one row", numbers[genes.index(other)]
        )


def _check_totals(genes: Sequence[str], table: NDArray[np.float64], numbers: Sequence[int]) -> None:
    """Raise a Fault for a row that is no gene: by its name, or because it adds up all others in every sample."""
    adds_up = (table.sum(axis=0) > 0) & np.isclose(2 * table, table.sum(axis=0), rtol=1e-6)
    is_total = adds_up.all(axis=1) & (len(genes) >= FEW_GENES) & (table.shape[1] > 0)
    for place, gene in enumerate(genes):
        if is_total[place] or re.split(r"[\s_.]", gene.lower())[-1] in TOTALS:
            message = f"the row {quoted(gene)} is a total of other rows, not a gene"
            raise Fault("E28", message, "delete the row", numbers[place])


def _values(cells: Sequence[str], samples: Sequence[str], line: int, faults: dict[str, Fault]) -> list[float]:
    """Numbers in the cells of a row; where one is none, 0 and a fault of its sample. What they may be: see `_column_fault`."""
    try:
        values = [float(cell) for cell in cells] if _DECIMAL.fullmatch("".join(cells)) else []
    except ValueError:
        values = []
    if values and min(values) >= -MOST and max(values) <= MOST:
        return values
    values = []
    for sample, cell in zip(samples, cells, strict=True):
        text = cell.strip().strip('"')
        try:
            value = float(text if _DECIMAL.fullmatch(text) else "x")
        except ValueError:
            value = MOST + 1
        if not -MOST <= value <= MOST:
            value = 0.0
            faults.setdefault(sample, Fault("E28", str(not_a_count(text)), RAW_COUNTS, line))
        values.append(value)
    return values


def _column_fault(sample: str, column: NDArray[np.float64], numbers: Sequence[int], estimated: bool) -> Fault | None:
    """Why the values of a sample are no counts; None when they are, or when they are estimates of counts."""
    total, low, top, genes = column.sum(), column.min(), column.max(), len(column)
    wrong = np.flatnonzero((column != np.rint(column)) | (column < 0))
    if not column.any():
        return Fault("E28", f"every count of {sample} is 0", "name the matrix that holds its counts")
    if genes > MANY_GENES and top < ROUNDED_LOG_MOST and not np.any(column != np.rint(column)):
        return Fault("E28", f"holds log2 values, rounded: none is above {top:g}", BEFORE_LOG)
    if not wrong.size:
        return None
    if low >= 0 and abs(total - PER_MILLION) <= PER_MILLION_ERROR * PER_MILLION:
        return Fault("E28", "holds TPM or CPM: the values of a sample add up to a million", NOT_TPM)
    many = genes >= FEW_GENES and wrong.size >= DECIMALS * genes
    if many and top < LOG_MOST:
        return Fault("E28", f"holds log2 values: decimals, and none is above {top:.3g}", BEFORE_LOG)
    if estimated and low >= 0:
        return None
    if many:
        message = (
            f"holds no raw counts: {wrong.size / genes:.0%} of the values of {sample} have decimals or are negative"
        )
        return Fault("E28", message, NOT_NORMALISED)
    value = column[wrong[0]]
    reason = (
        f"the count {value:g} is negative" if value < 0 else f"the count {quoted(f'{value:g}')} is not a whole number"
    )
    return Fault("E28", reason, RAW_COUNTS, numbers[wrong[0]])


def _rounded(path: Path, part: float) -> Fault:
    """The note on estimated counts. part: of the genes of a sample whose estimate had decimals."""
    scaled = "length_scaled" in path.name
    remedy = (
        "no action if this is intended" if scaled else f"{LENGTH_SCALED} also corrects for the length of transcripts"
    )
    message = f"holds estimated counts: up to {part:.0%} of the values of a sample have decimals and are rounded"
    return Fault("W28", message, remedy)
