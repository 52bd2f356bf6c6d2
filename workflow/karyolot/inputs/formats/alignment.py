"""BAM and CRAM files: their header, their first reads and their end. The run passes the file itself to samtools."""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pysam

from karyolot.contracts.aligners import family_of
from karyolot.contracts.problems import Fault

DIGESTED = 50
"""Reads compared to find two files with the same content."""
FEW, MANY = 20, 1_000
"""Reads from which on it is no chance that all are first mates (one in a million), or that none is a proper pair: repeats at
the end of a chromosome leave some."""
MOST = 10_000
"""Reads examined, in search of a second mate and a fragment to count; most files show both at once."""
NOT_COUNTED = {
    "no proper pair (flag 0x2 is not set)": (pysam.FPROPER_PAIR, 0),
    "duplicates (0x400)": (0, pysam.FDUP),
    "failed quality checks (0x200)": (0, pysam.FQCFAIL),
}
"""Why a read is not counted -> the flag that it lacks, the flag that it has; as `io.alignment.fragment_midpoints` counts."""
BAM_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
CRAM_ENDS = {
    2: bytes.fromhex("0b000000ffffffffffe0454f460000000001000001000606010001000100"),
    3: bytes.fromhex("0f000000ffffffff0fe0454f4600000000010005bdd94f0001000606010001000100ee63014b"),
}
"""The empty block that closes a complete file (SAM/BAM specification 4.1.2, CRAM specification section 9)."""
NO_BASES = ["required_fields=0x1ff", "decode_md=0"]
"""Columns of CRAM that need no reference: all but bases and qualities."""
SECONDARY = pysam.FSECONDARY | pysam.FSUPPLEMENTARY


@dataclass(frozen=True, slots=True)
class Facts:
    """What the header and the first reads state.

    contigs: name -> bases. samples: SM of the read groups. aligner: as `family_of`. digest: of names, flags and positions of the
    first reads, the same for BAM and CRAM.
    """

    contigs: dict[str, int]
    samples: frozenset[str]
    aligner: str | None
    digest: str


def records(path: Path, fasta: Path | None = None) -> Iterator[pysam.AlignedSegment]:
    """The first MOST primary reads, without bases where the file is CRAM.

    Parameters
    ----------
    fasta
        The indexed genome of a CRAM in which one slice holds reads of several contigs, as where reads are not sorted: these
        slices cannot be decoded without it.

    Raises
    ------
    Fault
        E28 when the file is neither BAM nor CRAM, does not end as a complete file does, or cannot be read.
    """
    is_cram = _is_cram(path)
    with _opened(path, is_cram, fasta) as alignment:
        reads = (read for read in islice(alignment.fetch(until_eof=True), 2 * MOST) if not read.flag & SECONDARY)
        yield from islice(reads, MOST)


def look(path: Path, min_mapq: int = 0, fasta: Path | None = None) -> Facts:
    """Header and first reads of a file.

    Parameters
    ----------
    min_mapq
        Mapping quality from which on a read is counted.
    fasta
        The genome, which is used if the file is CRAM, cannot be read without, and the genome has its index beside it: nothing
        is written beside a file of the user's.

    Raises
    ------
    Fault
        E28 also for a file without contigs, and for reads that are not aligned or not pairs: none could be counted. E02 for
        a file without reads.
    """
    try:
        return _looked(path, min_mapq, None)
    except Fault as fault:
        indexed = fasta is not None and fasta.with_name(f"{fasta.name}.fai").is_file()
        if not indexed or fault.__cause__ is None or not _is_cram(path):
            raise
    return _looked(path, min_mapq, fasta)


def _looked(path: Path, min_mapq: int, fasta: Path | None) -> Facts:
    is_cram = _is_cram(path)
    with _opened(path, is_cram) as alignment:
        contigs = dict(zip(alignment.references, alignment.lengths, strict=True))
        header = _header(alignment)
    samples = re.findall(r"^@RG\t(?:.*\t)?SM:([^\t\n]+)", header, flags=re.MULTILINE)
    if not contigs:
        message = "has a header without contigs: the reads are not aligned"
        raise Fault("E28", message, "align them, or give the FASTQ files (samtools fastq)")
    digest = hashlib.blake2b(digest_size=16)
    number, flags = 0, 0
    mapped = counted = usable = False
    reasons: Counter[str] = Counter()
    for number, read in enumerate(records(path, fasta), 1):
        if number <= DIGESTED:
            digest.update(f"{read.query_name} {read.flag} {read.reference_id} {read.reference_start}\n".encode())
        flags, mapped = flags | read.flag, mapped or not read.is_unmapped
        own = [why for why, (lacks, has) in NOT_COUNTED.items() if lacks & ~read.flag or has & read.flag]
        poor = read.mapping_quality < min_mapq
        reasons.update(own + [f"mapped with a quality below {min_mapq}"] * poor)
        usable, counted = usable or not own, counted or not (own or poor)
        if number >= DIGESTED and mapped and counted and flags & pysam.FREAD2:
            break
    if not number:
        raise Fault("E02", "holds no read", "fetch it again, or delete its row")
    _check_pairs(number, flags, mapped)
    if (number >= MANY and not usable) or (FEW <= number < MOST and not counted):  # repeats at the beginning map poorly
        listed = ", ".join(f"{count} are {why}" for why, count in reasons.items())
        message = f"none of its first {number} reads is of a fragment that can be counted: {listed}"
        raise Fault("E28", message, "give a file with both mates of each pair, or the FASTQ files")
    return Facts(contigs, frozenset(samples), family_of(header), digest.hexdigest())


def _check_pairs(number: int, flags: int, mapped: bool) -> None:
    """Raise Fault when no fragment could be counted. flags: of all reads together."""
    give = "give a file with both mates of each pair, or the FASTQ files"
    if not flags & pysam.FPAIRED:
        raise Fault("E28", "its reads are not paired, and fragments are counted", "sequence pairs")
    if number >= FEW and not mapped:
        raise Fault("E28", f"none of its first {number} reads is aligned", "align them, or give the FASTQ files")
    for flag, mate, other in ((pysam.FREAD2, "first", "second"), (pysam.FREAD1, "second", "first")):
        if number >= FEW and not flags & flag:
            message = f"its first {number} reads are all {mate} mates: without the {other} ones no fragment is counted"
            raise Fault("E28", message, give)


def _is_cram(path: Path) -> bool:
    """Whether a file is CRAM and not BAM, by its first and last bytes."""
    with open(path, "rb") as handle:
        magic = handle.read(5)
        handle.seek(max(0, handle.seek(0, os.SEEK_END) - 64))
        end = handle.read()
    is_cram = magic.startswith(b"CRAM")
    if magic[:4] in {b"@HD\t", b"@SQ\t"}:
        raise Fault("E28", "is SAM, in which a truncated file cannot be recognised", "convert it: samtools view -b")
    if not is_cram and not magic.startswith(b"\x1f\x8b"):
        raise Fault("E28", "is neither BAM nor CRAM", "convert it: samtools view -b")
    if not end.endswith(CRAM_ENDS[2 if magic == b"CRAM\x02" else 3] if is_cram else BAM_END):
        message = "is truncated: the marker at the end of a complete file is missing"
        raise Fault("E28", message, "fetch or make it again")
    return is_cram


@contextmanager
def _opened(path: Path, is_cram: bool, fasta: Path | None = None) -> Iterator[pysam.AlignmentFile]:
    """The file to read; htslib looks for no other reference, least of all in the network, and prints nothing."""
    verbosity, place = pysam.set_verbosity(0), os.environ.get("REF_PATH")
    os.environ["REF_PATH"] = "none"
    try:
        options = NO_BASES if is_cram else []
        genome = None if fasta is None else str(fasta)
        opened = pysam.AlignmentFile(str(path), check_sq=False, reference_filename=genome, format_options=options)
        with opened as alignment:
            yield alignment
    except (OSError, ValueError, NotImplementedError) as error:
        reason = error.__context__ or error  # what broke the reading comes before what broke the closing
        raise Fault("E28", f"is not a readable BAM or CRAM file ({reason})", "fetch or make it again") from error
    finally:
        pysam.set_verbosity(verbosity)
        os.environ.pop("REF_PATH")
        os.environ.update({} if place is None else {"REF_PATH": place})


def _header(alignment: pysam.AlignmentFile) -> str:
    """The text of the header. samtools takes any bytes in it, such as a Latin-1 comment; they are read as Latin-1 here."""
    try:
        return str(alignment.header)
    except UnicodeDecodeError as error:
        return bytes(error.object).decode("latin-1")
