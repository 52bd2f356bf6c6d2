"""A first look into files somebody else made: enough to tell, before any job, that they are what they should be.

Of reads and alignments only the beginning is read; the run reads the rest and checks it then. Nothing heavy is
imported here, since every start of the workflow passes through this module.
"""

import gzip
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pysam

from karyolot.contracts.problems import Fault, quoted
from karyolot.inputs.formats.text import lines as lines_of
from karyolot.inputs.formats.text import opened, whole_number

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
