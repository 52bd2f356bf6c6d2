"""Panels of single-nucleotide sites with two known alleles: VCF, and BED as NGSCheckMate, VerifyBamID and others write it."""

import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pysam
from numpy.typing import NDArray

from karyolot.contracts.contigs import contig_key, foreign_contigs
from karyolot.contracts.problems import Fault, quoted
from karyolot.inputs.formats.fasta import records as genome_records
from karyolot.inputs.formats.text import MISSING, NO_DATA, lines, named, number, whole_number

BASES = frozenset("ACGT")
WRONG_REFERENCE = 0.05
"""Fraction of sites whose reference allele is not the base of the genome, from which on the panel is of another assembly: some
sites were corrected between patches; by chance 75 % differ."""
SURE = 20
"""Sites that must agree on another strand or another order of the alleles: each fits by chance in one of two or three."""
COMPLEMENT = np.arange(256, dtype=np.uint8)
COMPLEMENT[[65, 67, 71, 84]] = [84, 71, 67, 65]
NAMES = {
    "ref": ("ref", "reference", "ref_allele", "reference_allele"),
    "alt": ("alt", "alternate", "alternative", "alt_allele", "alternate_allele"),
    "frequency": ("frequency", "freq", "af", "alt_frequency", "alt_freq"),
}
"""Names of columns that a header of BED may give, in lower case."""
NO_FREQUENCY = re.compile(r"\d*,\d+|\d*[.,]?\d+ ?%|\w+=[\d.,]+")
"""What people write where a frequency is wanted, besides numbers: 0,25; 25 %; AF=0.25."""
ALLELE = re.compile(r"[ACGTNacgtn]+(?:,[ACGTNacgtn*]+)*|-|\*")
AF = re.compile(r"(?:^|;)AF=([^;]*)")
KINDS = (
    (
        r"[^\t]*:\d+_[ACGT,]+/[ACGT,]+\S*\t[\d.e-]+",
        "is the .mu file of VerifyBamID",
        "name the .bed file of the same folder",
    ),
    (
        r"[\d.eE+-]+(?:\s+[\d.eE+-]+)+",
        "holds numbers alone, as the .UD and .V files of VerifyBamID do",
        "name the .bed file of the same folder",
    ),
    (
        r"@(?:HD|SQ)\t.*|#CHROMOSOME\t.*",
        "is a haplotype map of Picard, whose alleles are the major and the minor one",
        "name the VCF it was made from",
    ),
    (
        r"\S+\t(?!\d+\t)\S+\t[\d.]+\t\d+\t[ACGTacgt0]+\t[ACGTacgt0]+",
        "is a .bim file of PLINK, whose alleles are in no defined order",
        "convert it: plink2 --bfile NAME --fa genome.fa --ref-from-fa force --export vcf",
    ),
    (
        r"\S+\t\d+\t[ACGTacgt]\t[ACGTacgt](?:\t.*)?",
        "gives a position (from 1) and no interval",
        "write BED: awk -v OFS='\\t' '{print $1, $2 - 1, $2, $3, $4}'",
    ),
    (r"rs\d+(?:\s.*)?", "names SNPs without their positions", "look them up: bcftools view -i 'ID=@FILE' dbsnp.vcf.gz"),
    (
        r"[^\t]*,[^\t]*,[^\t]*,.*",
        "is separated by commas",
        "save it as tab-separated text: chrom start end ref alt frequency",
    ),
)
"""First lines of other kinds of panels: what the file is, what to do."""

Bytes = NDArray[np.uint8]


class Site(NamedTuple):
    """One line of a panel: alleles in upper case, of any length; frequency: of alt, 0..1, None when not stated."""

    line: int
    chrom: str
    start: int
    ref: str
    alt: str
    frequency: float | None

    @property
    def is_snp(self) -> bool:
        return self.ref in BASES and self.alt in BASES and self.ref != self.alt


@dataclass(frozen=True, slots=True)
class Facts:
    """A panel as the run will use it.

    sites: that are left. frequencies: sites with one. turned: sites whose alleles were on the opposite
    strand of the genome's. left_out: number of sites by reason.
    """

    sites: int
    frequencies: int
    turned: int
    left_out: dict[str, int] = field(default_factory=dict)


# Lines


@dataclass(frozen=True, slots=True)
class _Columns:
    """Of a BED file: positions of the alleles and of the frequency, and the number of columns. last: position from which on no
    header names the columns."""

    ref: int
    alt: int
    frequency: int | None
    width: int
    last: int


def records(path: Path) -> Iterator[Site]:
    """Every site of a panel, in the order of the file.

    VCF: REF, ALT, and AF of INFO. BED: chrom, start, end, then reference and alternative allele, behind them at most one
    number, the frequency of the alternative allele; or any columns under a header that names ref, alt and frequency.

    Raises
    ------
    Fault
        E28 for another kind of file, and for a line that is not as it must be.
    """
    columns: _Columns | None = None
    first, is_vcf = True, False
    for line, text in lines(path):
        if not text.strip():
            continue
        cells = text.split("\t") if "\t" in text else text.split()
        if text.startswith("#CHROM\t") and "POS" in cells:
            is_vcf = True
        elif first and not is_vcf and _is_header(cells):
            columns = _named_columns(cells, line)
        elif text.startswith(NO_DATA) and not text.startswith("#CHROMOSOME"):
            continue
        else:
            columns = columns if columns or is_vcf else _columns(text, cells, line)
            first = False
            yield _vcf(cells, line) if columns is None else _bed(cells, columns, line)
    if first:
        raise Fault("E28", "holds no site", "fetch it again")


def _is_header(cells: Sequence[str]) -> bool:
    return len(cells) >= 5 and cells[0].lstrip("#").lower() in {"chrom", "chr", "chromosome", "contig"}


def _named_columns(cells: Sequence[str], line: int) -> _Columns:
    found = {}
    for kind, names in NAMES.items():
        places = [place for place, cell in enumerate(cells) if cell.strip().lower() in names]
        if len(places) > 1 or (not places and kind != "frequency"):
            message = f"its header names {len(places) or 'no'} column{'s' * (len(places) > 1)} {kind}"
            raise Fault("E28", message, "name one column ref, one alt and, where known, one frequency", line)
        found[kind] = places[0] if places else None
    unread = [cell for cell in cells if re.search("af$|freq", cell.strip().lower())]
    if found["frequency"] is None and unread:
        message = f"its header names {quoted(unread[0])}, which does not state of which allele the frequency is"
        raise Fault("E28", message, "name it frequency if it is that of alt, else delete the column", line)
    return _Columns(
        ref=found["ref"] or 0, alt=found["alt"] or 0, frequency=found["frequency"], width=len(cells), last=len(cells)
    )


def _columns(text: str, cells: Sequence[str], line: int) -> _Columns:
    """What the columns of a BED file without a header are, by its first line."""
    for pattern, message, remedy in KINDS:
        if re.fullmatch(pattern, text):
            raise Fault("E28", message, remedy, line)
    alleles = [place for place, cell in enumerate(cells) if place > 2 and ALLELE.fullmatch(cell)]
    if len(alleles) < 2 or not (cells[1].isdecimal() and cells[2].isdecimal()):
        message = "is neither VCF with its header nor BED (chrom start end ref alt), separated by tabs"
        raise Fault("E28", message, "correct the line, or name the panel made for this genome", line)
    ref, alt = alleles[:2]
    for place in range(alt + 1, len(cells)):
        if NO_FREQUENCY.fullmatch(cells[place].strip('" ')):
            message = f"column {place + 1} holds {quoted(cells[place])}, and a frequency is a number such as 0.25"
            raise Fault("E28", message, "write it with a decimal point, without sign or name", line)
    numbers = [place for place in range(alt + 1, len(cells)) if _is_number(cells[place])]
    if len(numbers) > 1:
        which = " and ".join(str(place + 1) for place in numbers)
        message = f"columns {which} hold numbers, and no header states which is the frequency"
        raise Fault("E28", message, "give a header (chrom start end ref alt frequency ...), or delete the others", line)
    missing = [place for place in range(alt + 1, len(cells)) if cells[place] in MISSING]
    candidates = numbers or (missing if len(missing) == 1 else [])
    return _Columns(ref, alt, candidates[0] if candidates else None, len(cells), alt + 1)


def _is_number(cell: str) -> bool:
    try:
        return number(cell) is not None
    except ValueError:
        return False


def _vcf(cells: Sequence[str], line: int) -> Site:
    try:
        start = whole_number(cells[1]) - 1
    except (IndexError, ValueError):
        start = -1
    if start < 0 or len(cells) < 5:
        raise Fault("E28", "is not a line of VCF: CHROM, POS (from 1), ID, REF, ALT", "correct it", line)
    found = AF.search(cells[7]) if len(cells) > 7 else None
    alt = cells[4].upper()
    stated = _frequency(found[1], line) if found and "," not in alt else None
    return Site(line, cells[0], start, cells[3].upper(), alt, stated)


def _bed(cells: Sequence[str], columns: _Columns, line: int) -> Site:
    if len(cells) != columns.width:
        message = f"the line has {len(cells)} columns, the first one {columns.width}"
        raise Fault("E28", message, "write all lines alike", line)
    try:
        start, end = whole_number(cells[1]), whole_number(cells[2])
    except ValueError as error:
        raise Fault("E28", f"its position is not a number ({error})", "correct the line", line) from None
    ref, alt = cells[columns.ref].upper(), cells[columns.alt].upper()
    if columns.frequency is None and columns.last < columns.width and any(map(_is_number, cells[columns.last :])):
        message = "a number follows the alleles, and none in the first line"
        raise Fault("E28", message, "give a header (chrom start end ref alt frequency ...), or delete the column", line)
    stated = None if columns.frequency is None else _frequency(cells[columns.frequency], line)
    site = Site(line, cells[0], start, ref, alt, stated)
    if start < 0 or (site.is_snp and end - start != 1):
        message = f"{start}-{end} is an interval of {end - start} bases for a single-nucleotide site"
        raise Fault("E28", message, "write start (from 0) and end = start + 1", line)
    return site


def _frequency(text: str, line: int) -> float | None:
    """A frequency, None where none is stated; 0 and 1 are none of a site that varies."""
    try:
        value = number(text)
    except ValueError as error:
        raise Fault("E28", f"the frequency {error}", "correct it, or name the columns in a header", line) from None
    if value is None:
        return None
    if not 0 <= value <= 1:
        raise Fault("E28", f"{text} is not a frequency from 0 to 1", "name the columns in a header", line)
    return value if 0 < value < 1 else None


# Panels

Panel = dict[str, NDArray[Any]]
"""SNPs as columns: contig (index into the genome's contigs), start (from 0), ref and alt as ASCII, frequency."""


def look(
    path: Path, contigs: Mapping[str, int] | None, autosomes: Sequence[str] | None, fasta: Path | None = None
) -> Facts:
    """A panel, read through as the run reads it.

    Parameters
    ----------
    contigs
        Of the genome, in its order; None when it is not known.
    autosomes
        Of the layout; None when it is not known.
    fasta
        The genome, against which reference alleles are held; None to leave that out.
    """
    return _fitted(path, contigs, autosomes, fasta)[1]


def read(path: Path, fasta: Path, autosomes: Sequence[str]) -> dict[str, Any]:
    """Columns of schema Sites: the SNPs of a panel on the autosomes of an indexed genome, in its order and spelling.

    Raises
    ------
    Fault
        With the name of the file: what `look` raises.
    """
    with pysam.FastaFile(str(fasta)) as genome:
        contigs = dict(zip(genome.references, genome.lengths, strict=True))
    with named(path):
        panel, _ = _fitted(path, contigs, autosomes, fasta)
    names = np.array(list(contigs), dtype=object)
    alleles = {name: panel[name].view("S1").astype("U1").astype(object) for name in ("ref", "alt")}
    interval = {"chrom": names[panel["contig"]], "start": panel["start"], "end": panel["start"] + 1}
    return interval | alleles | {"frequency": panel["frequency"]}


def _fitted(
    path: Path, contigs: Mapping[str, int] | None, autosomes: Sequence[str] | None, fasta: Path | None
) -> tuple[Panel, Facts]:
    """The panel on the autosomes of the genome, each site once, with the alleles of the genome's strand."""
    left_out: Counter[str] = Counter()
    seen: dict[str, int] = {}
    columns: dict[str, array[Any]] = {
        "contig": array("q"),
        "start": array("q"),
        "ref": array("B"),
        "alt": array("B"),
        "frequency": array("d"),
    }
    for site in records(path):
        number = seen.setdefault(site.chrom, len(seen))
        if site.is_snp:
            frequency = np.nan if site.frequency is None else site.frequency
            cells = number, site.start, ord(site.ref), ord(site.alt), frequency
            for column, cell in zip(columns.values(), cells, strict=True):
                column.append(cell)
        else:
            left_out["not two alleles of one base"] += 1
    panel: Panel = {name: np.array(column) for name, column in columns.items()}
    if not len(panel["start"]):
        message = f"holds no SNP with two alleles ({left_out.total()} sites of other kinds)"
        remedy = "give a panel of common SNPs, as VCF or BED (chrom start end ref alt frequency)"
        raise Fault("E28", message, remedy)
    another = "give the panel made for this genome"
    if contigs and (foreign := foreign_contigs(seen, contigs, another)):
        raise foreign
    genome = list(contigs or seen)
    keys = {contig_key(name): place for place, name in enumerate(genome)}
    wanted = keys if autosomes is None else keys.keys() & {contig_key(name) for name in autosomes}
    places = [keys[contig_key(name)] if contig_key(name) in wanted else -1 for name in seen]
    panel["contig"] = np.array(places)[panel["contig"]]
    own = _kept(panel, panel["contig"] >= 0)
    left_out["not on an autosome of the genome"] += len(panel["start"]) - len(own["start"])
    if not len(own["start"]):
        raise Fault("E28", "holds no SNP with two alleles on the autosomes of the genome", another)
    panel, turned = _sorted(own, left_out), 0
    if fasta is not None:
        panel, turned = _on_the_genome(panel, _bases(fasta, genome, panel), left_out)
    stated = int(np.isfinite(panel["frequency"]).sum())
    counted = {reason: count for reason, count in left_out.items() if count}
    return panel, Facts(len(panel["start"]), stated, turned, counted)


def _kept(panel: Panel, keep: NDArray[Any]) -> Panel:
    return {name: column[keep] for name, column in panel.items()}


def _sorted(panel: Panel, left_out: Counter[str]) -> Panel:
    """In the order of the genome; positions that are given twice are left out."""
    panel = _kept(panel, np.lexsort((panel["start"], panel["contig"])))
    same = (np.diff(panel["contig"]) == 0) & (np.diff(panel["start"]) == 0)
    twice = np.append(same, False) | np.append(False, same)
    left_out["a position given twice"] += int(twice.sum())
    if twice.all():
        raise Fault("E28", "gives every position twice", "give each site one line, with its two alleles")
    return _kept(panel, ~twice)


def _on_the_genome(panel: Panel, bases: Bytes, left_out: Counter[str]) -> tuple[Panel, int]:
    """The sites whose reference allele is the base of the genome, and how many of them were turned.

    A panel may give alleles on the strand of genes. Where the first allele fits the genome on one strand or the other, it is
    turned; A/T and C/G sites fit both strands, so that nothing shows which allele a frequency belongs to: they are left out.
    """
    ref, alt = panel["ref"], panel["alt"]
    plain = ref == bases
    if (~plain).mean() <= WRONG_REFERENCE:
        left_out["another base in the genome"] += int((~plain).sum())
        return _kept(panel, plain), 0
    other = COMPLEMENT[ref] == bases
    ambiguous = COMPLEMENT[ref] == alt
    fits = (plain | other) & ~ambiguous
    clear = int((~ambiguous).sum())
    if clear >= SURE and (clear - fits.sum()) / clear <= WRONG_REFERENCE:
        left_out["A/T or C/G, on an unknown strand"] += int(ambiguous.sum())
        left_out["another base in the genome"] += int(clear - fits.sum())
        turned = {name: np.where(other, COMPLEMENT[panel[name]], panel[name]) for name in ("ref", "alt")}
        return _kept(panel | turned, fits), int((other & fits).sum())
    wrong = f"{(~plain).sum()} of {len(plain)} reference alleles are not the base of the genome"
    if (~plain).sum() >= SURE and (alt[~plain] == bases[~plain]).mean() >= 1 - WRONG_REFERENCE:
        remedy = "write the reference allele first; with frequencies, those of the second allele"
        raise Fault("E28", f"{wrong}, but the second alleles are: the alleles are in another order", remedy)
    raise Fault("E14", f"{wrong}; the panel is of another assembly", "give the one made for this genome")


def _bases(fasta: Path, genome: Sequence[str], panel: Panel) -> Bytes:
    """Bases of the genome at the sites, upper case; 0 where there is none. An index is used where there is one; none is made."""
    runs = {genome[contig]: np.flatnonzero(panel["contig"] == contig) for contig in np.unique(panel["contig"])}
    bases, starts = np.zeros(len(panel["start"]), dtype=np.uint8), panel["start"]
    if _indexed(fasta):
        with pysam.FastaFile(str(fasta)) as handle:
            for name, rows in runs.items():
                found = [handle.fetch(name, start, start + 1) or "\0" for start in starts[rows].tolist()]
                bases[rows] = np.frombuffer("".join(found).upper().encode(), np.uint8)
        return bases
    for name, position, sequence in genome_records(fasta):
        if name in runs and sequence:
            rows = runs[name]
            low, high = np.searchsorted(starts[rows], (position, position + len(sequence)))
            held = np.frombuffer(sequence, np.uint8)[starts[rows[low:high]] - position]
            bases[rows[low:high]] = np.where(held >= ord("a"), held - 32, held)
    return bases


def _indexed(fasta: Path) -> bool:
    """Whether there is an index that is not older than the genome, and for a gzipped genome one of its blocks."""
    needed = [Path(f"{fasta}.fai"), *([Path(f"{fasta}.gzi")] if fasta.suffix in {".gz", ".bgz"} else [])]
    try:
        return all(index.stat().st_mtime >= fasta.stat().st_mtime for index in needed)
    except OSError:
        return False
