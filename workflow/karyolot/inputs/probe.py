"""A first look into files somebody else made: enough to tell, before any job, that they are what they should be.

Of reads and alignments only the beginning is read; the run reads the rest and checks it then. Nothing heavy is
imported here, since every start of the workflow passes through this module.
"""

import gzip
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import gcd
from pathlib import Path
from typing import IO, TypeVar

import pysam
from pydantic import BaseModel

from karyolot.contracts.problems import Fault, quoted
from karyolot.contracts.settings import Layout
from karyolot.inputs.formats.text import NO_DATA, not_a_count, opened, regular_file, whole_number
from karyolot.inputs.formats.text import lines as lines_of
from karyolot.inputs.formats.text import table as read_columns
from karyolot.inputs.formats.yaml import look as read_document

M = TypeVar("M", bound=BaseModel)

HEAD_BYTES = 65_536
HEAD_READS = 50
"""Reads looked at per FASTQ file: more than any mix-up of files needs, few enough for thousands of files."""
HEAD_LINES = 10_000
SHEET_BYTES = 64 << 20
"""A sample table beyond 64 MB is some other file."""
QUALITIES = range(33, 127)
"""Characters a quality can be: '!' to '~'."""
PHRED64_LOWEST, PHRED33_HIGHEST = 59, 78
"""';' is the lowest character of the old codes; no short-read platform writes above 'N' (Q45) in Phred+33."""
BAM_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
CRAM_ENDS = {
    2: bytes.fromhex("0b000000ffffffffffe0454f460000000001000001000606010001000100"),
    3: bytes.fromhex("0f000000ffffffff0fe0454f4600000000010005bdd94f0001000606010001000100ee63014b"),
}
"""The empty block that closes a whole file (SAM/BAM specification 4.1.2, CRAM specification section 9)."""


def same_content(first: Path, second: Path) -> bool:
    """Whether two files of equal size hold the same bytes; stops at the first difference."""
    with open(first, "rb") as one, open(second, "rb") as other:
        while chunk := one.read(1 << 20):
            if chunk != other.read(len(chunk)):
                return False
    return True


def head_digest(path: Path) -> bytes:
    """Digest of the first 64 kB: files that differ here are different."""
    with open(path, "rb") as handle:
        return hashlib.sha256(handle.read(HEAD_BYTES)).digest()


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


# Reads


@dataclass(frozen=True, slots=True)
class ReadsHead:
    """The first reads of a FASTQ file. mates: what the names say (1, 2), without those that say nothing."""

    names: tuple[str, ...]
    mates: frozenset[int]
    longest: int


def reads_head(path: Path) -> ReadsHead:
    """The first HEAD_READS reads; raises Fault when the file is not FASTQ with Phred+33 qualities."""
    with opened(path) as handle:
        data = handle.read(HEAD_BYTES)
        zipped = isinstance(handle, gzip.GzipFile)
    if zipped and not path.name.endswith(".gz"):
        raise Fault("E28", "is gzipped and its name does not end in .gz, by which the tools know", "rename it")
    if not data.strip():
        raise Fault("E02", "holds no read", "fetch it again, or delete its row")
    whole = len(data) < HEAD_BYTES
    lines = data.split(b"\n")
    if data[:1] in (b">", b";"):
        raise Fault("E28", "is FASTA, without qualities", "name the FASTQ file the sequencer gave")
    if data[:1] != b"@":
        raise Fault("E28", "is not FASTQ: it does not start with @", "name a FASTQ file")
    if lines[0].endswith(b"\r"):
        raise Fault("E28", "has Windows line ends", "convert it: sed 's/\\r$//'")
    names: list[str] = []
    mates: set[int] = set()
    longest = 0
    codes: set[int] = set()
    if whole and not lines[-1]:
        lines.pop()
    if whole and any(lines[len(lines) - len(lines) % 4 :]):
        raise Fault("E28", "is cut short: its last read is not complete", "fetch it again", len(lines))
    for first in range(0, min(len(lines) - 3 - (not whole), 4 * HEAD_READS), 4):
        name, bases, plus, qualities = lines[first : first + 4]
        if not name.startswith(b"@") or not plus.startswith(b"+"):
            raise Fault("E28", "is not FASTQ: a read has four lines, the first with @, the third with +",
                        "name a FASTQ file", first + 1)  # fmt: skip
        if len(bases) != len(qualities) or not (bases.isalpha() or not bases):
            message = f"is damaged: read {quoted(name[1:].decode(errors='replace'))} has {len(bases)} bases and "
            raise Fault("E28", message + f"{len(qualities)} qualities", "fetch it again", first + 1)
        identifier, _, comment = name[1:].decode(errors="replace").partition(" ")
        if identifier[-2:] in {"/1", "/2"}:
            mates.add(int(identifier[-1]))
            identifier = identifier[:-2]
        elif comment[:2] in {"1:", "2:"}:
            mates.add(int(comment[0]))
        names.append(identifier)
        longest = max(longest, len(bases))
        codes.update(qualities)
    if strange := sorted(codes - set(QUALITIES)):
        message = f"a quality is the character {quoted(chr(strange[0]))}, and qualities are ! to ~"
        raise Fault("E28", message, "fetch it again, or convert it to Phred+33")
    if not names:
        raise Fault("E28", "its first read is longer than 64 kb; short paired reads are needed", "name such a file")
    if codes and min(codes) >= PHRED64_LOWEST and max(codes) > PHRED33_HIGHEST:
        message = f"qualities look like the old Phred+64 code ({chr(min(codes))} to {chr(max(codes))})"
        raise Fault("E28", message, "convert it to Phred+33, for example with seqtk seq -Q64 -V")
    return ReadsHead(tuple(names), frozenset(mates), longest)


# Alignments


@dataclass(frozen=True, slots=True)
class AlignmentHead:
    """Header of a BAM or CRAM file. samples: SM of its read groups. paired: of its first reads; None for CRAM."""

    contigs: dict[str, int]
    samples: frozenset[str]
    paired: bool | None


def alignment_head(path: Path) -> AlignmentHead:
    """Raises Fault when the file is neither BAM nor CRAM, or does not end as a whole file does."""
    with open(path, "rb") as handle:
        magic = handle.read(5)
        handle.seek(max(0, handle.seek(0, os.SEEK_END) - 64))
        end = handle.read()
    is_cram = magic.startswith(b"CRAM")
    if not is_cram and not magic.startswith(b"\x1f\x8b"):
        raise Fault("E28", "is neither BAM nor CRAM", "convert it: samtools view -b")
    closed = end.endswith(CRAM_ENDS[2 if magic == b"CRAM\x02" else 3] if is_cram else BAM_END)
    if not closed:
        raise Fault("E28", "is cut short: the mark at the end of a whole file is missing", "fetch or make it again")
    verbosity = pysam.set_verbosity(0)
    try:
        with pysam.AlignmentFile(str(path), check_sq=False) as alignment:
            contigs = dict(zip(alignment.references, alignment.lengths, strict=True))
            samples = re.findall(r"^@RG\t(?:.*\t)?SM:([^\t\n]+)", str(alignment.header), flags=re.MULTILINE)
            # CRAM is not decoded: htslib would look for its reference, in the network even.
            first = [] if is_cram else list(alignment.head(HEAD_READS))
    except (OSError, ValueError, NotImplementedError) as error:
        raise Fault("E28", f"is not a readable BAM or CRAM file ({error})", "fetch or make it again") from error
    finally:
        pysam.set_verbosity(verbosity)
    if not contigs:
        raise Fault(
            "E28", "has a header without contigs: the reads are not aligned", "align them, or give the FASTQ files"
        )
    if not is_cram and not first:
        raise Fault("E02", "holds no read", "fetch it again, or delete its row")
    paired = None if is_cram else any(read.is_paired for read in first)
    return AlignmentHead(contigs, frozenset(samples), paired)


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


def panel_contigs(path: Path) -> set[str]:
    """Contigs named in the first lines of a panel of SNPs: VCF, or BED with the two alleles."""
    contigs: set[str] = set()
    is_vcf = False
    for count, (number, line) in enumerate(lines_of(path)):
        if count == HEAD_LINES:
            break
        is_vcf = is_vcf or line.startswith("#CHROM")
        fields = line.split("\t")
        if not line.strip() or line.startswith("#"):
            continue
        if not is_vcf and not contigs and len(fields) > 4 and not fields[1].isdigit():
            continue  # a header
        try:
            start, end = whole_number(fields[1]), whole_number(fields[1]) + 1 if is_vcf else whole_number(fields[2])
        except (IndexError, ValueError):
            start = end = 0
        if len(fields) < 5 or start < (1 if is_vcf else 0) or end <= start:
            message = "is neither VCF with its header nor BED (chrom start end ref alt), separated by tabs"
            raise Fault("E28", message, "correct the line, or name the panel made for this genome", number)
        contigs.add(fields[0])
    if not contigs:
        raise Fault("E28", "holds no site", "fetch it again")
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
