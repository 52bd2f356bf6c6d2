"""Gene annotation in GTF: transcripts, genes and their exons, for the check and for the run."""

import re
from array import array
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.genes import Model
from karyolot.contracts.problems import Fault, quoted
from karyolot.inputs.formats.text import check_text, checked_name, lines, named, whole_number

CODING = frozenset({"CDS", "stop_codon"})
FEATURES = frozenset({"gene", "transcript", "exon"}) | CODING
"""Lines that are used; all others (UTR, start codons) lie within them."""
CANONICAL = {"MANE_Select": 2, "MANE Select": 2, "Ensembl_canonical": 1}
"""Tag of a transcript -> its rank among those of a gene."""
INCOMPLETE = ("cds_start_NF", "mRNA_start_NF")
"""Tags of transcripts whose start is not annotated: their codons are not counted from the start codon."""


_ATTRIBUTE = re.compile(r'\s*([^\s;"]+) +(?:"((?:[^"\\]|\\.)*)"|[^\s;"]*)\s*(?:;|$)')
"""One attribute: a key, and a value in quotes, in which a quote may be escaped, or without."""


class Record(NamedTuple):
    """A line of GTF that describes a gene, a transcript, an exon or a part of a coding sequence.

    start, end: 0-based half-open. name, transcript: '' where the line does not state; a gene named in an earlier line has
    that name. attributes: the last column, unchanged.
    """

    line: int
    contig: str
    feature: str
    start: int
    end: int
    gene: str
    name: str
    transcript: str
    strand: str
    attributes: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check compares. names: by gene id, of the genes with a transcript; a gene without a name goes by its id.
    ends: the last annotated base by contig. coding: names of the genes with a coding sequence, sorted."""

    names: dict[str, str]
    ends: dict[str, int]
    coding: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Annotation:
    """What the run takes, each a table as columns. transcripts: schema TranscriptGenes. genes: schema Genes. spans: chrom,
    start, end (0-based half-open), gene_name of every named gene on every contig it is on."""

    transcripts: dict[str, list[str]]
    genes: dict[str, list[str] | NDArray[np.int64]]
    spans: dict[str, list[str] | list[int]]


def records(path: Path, *, transcripts: bool = True) -> Iterator[Record]:
    """The lines that describe genes, transcripts, exons and coding sequences.

    Parameters
    ----------
    path
        GTF, gzipped or not.
    transcripts
        Whether exons with transcript_id must be there, as RNA needs them; the names of called genes do not.

    Raises
    ------
    Fault
        E28 for a file that is not GTF, a transcript of two genes, and exons that are missing; E16 for a gene's name that
        `check_text` refuses.
    """
    names: dict[str, str] = {}
    gene_of: dict[str, str] = {}
    number = 0
    for number, line in lines(path):
        cells = line.split("\t", 8)
        if len(cells) < 9:
            if line.startswith("#") or not line.strip():
                continue
            raise _not_gtf(cells, number)
        contig, _, feature, first, last, _, strand, _, attributes = cells
        if feature not in FEATURES or contig.startswith("#"):
            if feature.isdigit():
                raise _not_gtf(cells, number)
            continue
        try:
            start, end = whole_number(first), whole_number(last)
        except ValueError as error:
            raise Fault(
                "E28", f"is not GTF: start and end must be whole numbers ({error})", "correct it", number
            ) from None
        if not 1 <= start <= end:
            message = f"{first}-{last} is not an interval: start is 1 or more and not beyond end"
            raise Fault("E28", message, "correct the line", number)
        gene = _value(attributes, "gene_id")
        if not gene:
            raise _without_gene(attributes, number)
        name = names.get(gene, "")
        if not name:
            name = _value(attributes, "gene_name")
            check_text(name, number)
            if feature not in CODING:  # which alone are no annotation
                names[gene] = name
        transcript = _value(attributes, "transcript_id")
        if transcript and feature == "exon" and gene_of.setdefault(transcript, gene) != gene:
            message = f"transcript {quoted(transcript)} belongs to two genes, {gene_of[transcript]} and {gene}"
            raise Fault("E28", message, "use the GTF of Ensembl or GENCODE", number)
        yield Record(number, contig, feature, start - 1, end, gene, name, transcript, strand, attributes)
    _complete(names, gene_of, transcripts)


def _complete(names: dict[str, str], gene_of: dict[str, str], transcripts: bool) -> None:
    """Raise Fault when the lines together are no annotation. gene_of: by transcript, of its exons."""
    if not names:
        raise Fault("E28", "holds no annotation: no line is a gene, a transcript or an exon", "fetch it again")
    if transcripts and not gene_of:
        message = "holds genes without transcripts: no line is an exon with transcript_id and gene_id"
        raise Fault("E28", message, "name the complete GTF of Ensembl or GENCODE; lengths of genes are those of exons")
    if len(gene_of) > 1 and all(transcript == gene for transcript, gene in gene_of.items()):
        message = "lists every transcript as a gene (gene_id is transcript_id), as UCSC's Table Browser does"
        raise Fault("E28", message, "name the GTF of Ensembl or GENCODE, or UCSC's from its folder genes/")


def _value(attributes: str, key: str) -> str:
    """The value of an attribute, as in `gene_id "ENSG1"; gene_name "ALB";`; '' when it is not there.

    A search by hand: a pattern takes four times as long, for millions of lines. It is correct if the key occurs once and no
    quote is escaped, which the text of a note may do.
    """
    start = attributes.find(f'{key} "')
    if start < 0 and key not in attributes:
        return ""
    if start < 0 or "\\" in attributes or attributes[start - 1 : start].strip("; \t") or attributes.count(key) > 1:
        found = (match[2] or "" for match in _ATTRIBUTE.finditer(attributes) if match[1] == key)
        return next(found, "").replace('\\"', '"')
    start += len(key) + 2
    end = attributes.find('"', start)
    return attributes[start:end] if end >= 0 else ""


def _not_gtf(cells: list[str], line: int) -> Fault:
    """What a line that has other columns is."""
    kind, remedy = "a line has nine columns, separated by tabs", "name a GTF file"
    if cells[0].startswith(">"):
        kind, remedy = "it is FASTA", "name the GTF of the same release"
    elif len(cells) >= 3 and cells[1].isdigit() and cells[2].isdigit():
        kind, remedy = "it is BED", "convert it: bedToGenePred FILE stdout | genePredToGtf file stdin genes.gtf"
    return Fault("E28", f"is not GTF: {kind}", remedy, line)


def _without_gene(attributes: str, line: int) -> Fault:
    if "gene_id=" in attributes or ("gene_id" not in attributes and "=" in attributes):
        return Fault("E28", "is not GTF but GFF3", "convert it: gffread -T genes.gff3 -o genes.gtf", line)
    return Fault("E28", 'is not GTF: a line has no gene_id "..." in its last column', "name a GTF file", line)


def look(path: Path, *, transcripts: bool = True) -> Facts:
    """Names and contigs of the whole annotation. See `records`."""
    names: dict[str, str] = {}
    ends: dict[str, int] = {}
    coding: set[str] = set()
    for _, contig, feature, _, end, gene, name, transcript, _, _ in records(path, transcripts=transcripts):
        if end > ends.get(contig, 0):
            ends[contig] = end
        if feature == "exon" and transcript:
            names[gene] = name or gene
        elif feature == "CDS":
            coding.add(name or gene)
    return Facts(names, ends, tuple(sorted(coding)))


def models(path: str | Path, genes: Collection[str]) -> list[Model]:
    """The coding transcripts of genes, by their names, in the order of the annotation; a Fault has the name of the file.

    A transcript without CDS lines codes for nothing. The stop codon, which GTF keeps apart, is part of `Model.cds`.
    """
    wanted = frozenset(genes)
    parts: dict[tuple[str, str, str, str], dict[str, list[tuple[int, int]]]] = {}
    tags: dict[tuple[str, str, str, str], str] = {}
    with named(path):
        for record in records(Path(path), transcripts=False):
            if record.name in wanted and record.transcript and record.feature not in ("gene", "transcript"):
                transcript = checked_name(record.transcript, "a transcript", record.line)
                key = transcript, record.name, record.contig, record.strand
                own = parts.setdefault(key, {"exon": [], "CDS": [], "stop_codon": []})
                own[record.feature].append((record.start, record.end))
                tags.setdefault(key, record.attributes)
    return [
        Model(
            *key,
            exons=tuple(sorted(own["exon"])),
            cds=_joined(own["CDS"] + own["stop_codon"]),
            complete=not any(tag in tags[key] for tag in INCOMPLETE),
            rank=max((rank for tag, rank in CANONICAL.items() if tag in tags[key]), default=0),
        )
        for key, own in parts.items()
        if own["CDS"]
    ]


def _joined(pieces: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Intervals in order, those that touch or overlap as one."""
    whole: list[tuple[int, int]] = []
    for start, end in sorted(pieces):
        if whole and start <= whole[-1][1]:
            whole[-1] = whole[-1][0], max(end, whole[-1][1])
        else:
            whole.append((start, end))
    return tuple(whole)


def read(path: str | Path, *, transcripts: bool = True) -> Annotation:
    """Transcripts, genes and spans of the whole annotation. See `records`; a Fault carries the name of the file."""
    names: dict[str, str] = {}
    gene_of: dict[str, str] = {}
    places: dict[tuple[str, str], int] = {}
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    place, starts, ends = array("q"), array("q"), array("q")
    with named(path):
        found = records(Path(path), transcripts=transcripts)
        for _, contig, feature, start, end, gene, name, transcript, _, _ in found:
            if name:
                low, high = spans.get((contig, name), (start, end))
                spans[contig, name] = min(low, start), max(high, end)
            if feature == "exon" and transcript:
                gene_of[transcript], names[gene] = gene, name or gene
                place.append(places.setdefault((gene, contig), len(places)))
                starts.append(start)
                ends.append(end)
    return Annotation(
        {"transcript_id": sorted(gene_of), "gene_id": [gene_of[name] for name in sorted(gene_of)]},
        _genes(names, list(places), *(np.array(column, dtype=np.int64) for column in (place, starts, ends))),
        {
            "chrom": [contig for contig, _ in spans],
            "start": [start for start, _ in spans.values()],
            "end": [end for _, end in spans.values()],
            "gene_name": [name for _, name in spans],
        },
    )


def _genes(
    names: dict[str, str],
    places: list[tuple[str, str]],
    place: NDArray[np.int64],
    starts: NDArray[np.int64],
    ends: NDArray[np.int64],
) -> dict[str, list[str] | NDArray[np.int64]]:
    """Schema Genes as columns.

    Parameters
    ----------
    places
        (gene, contig); a gene of the pseudo-autosomal regions may be on X and Y: it is one gene, as long as the longer.
    place, starts, ends
        Exons: index into `places`, 0-based half-open interval.
    """
    ids = sorted(names)
    of_gene: dict[str, list[int]] = {gene: [] for gene in ids}
    for number, (gene, _) in enumerate(places):
        of_gene[gene].append(number)
    covered = _covered(len(places), place, starts, ends)
    low = np.full(len(places), np.iinfo(np.int64).max)
    high = np.zeros(len(places), dtype=np.int64)
    np.minimum.at(low, place, starts)
    np.maximum.at(high, place, ends)
    shown = [min(of_gene[gene], key=lambda number: places[number][1]) for gene in ids]
    return {
        "gene_id": ids,
        "gene_name": [names[gene] for gene in ids],
        "length": np.array([covered[of_gene[gene]].max() for gene in ids], dtype=np.int64),
        "chrom": [places[number][1] for number in shown],
        "start": low[shown],
        "end": high[shown],
    }


def _covered(
    number: int, place: NDArray[np.int64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Bases in the union of the intervals of each (gene, contig)."""
    order = np.lexsort((starts, place))
    place, starts, ends = place[order], starts[order], ends[order]
    # Places lie apart on one line, so that the furthest end so far never reaches into the next place.
    apart = place * (int(ends.max(initial=0)) + 1)
    reached = np.concatenate([[0], np.maximum.accumulate(apart + ends)[:-1]])
    new = np.maximum(apart + ends - np.maximum(apart + starts, reached), 0)
    return np.bincount(place, new, number).astype(np.int64)
