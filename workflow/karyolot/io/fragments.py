"""Fragments of our own CRAMs, as arrays.

samtools decodes and filters, and writes BAM without names, bases and compression. Fragments of such records are located by
comparing arrays, so that no line of Python runs for each.
"""

import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import IO, NamedTuple

import numpy as np
import pysam
from numpy.typing import NDArray

from karyolot.contracts.aligners import family_of
from karyolot.contracts.copy_number import Fragments
from karyolot.contracts.problems import KaryolotError
from karyolot.io.alignment import COUNTED_FIELDS, NOT_COUNTED, open_alignment, unreadable
from karyolot.io.files import PathLike

VIEW = "import sys, pysam; pysam.view(*sys.argv[1:], catch_stdout=False)"
CHUNK = 1 << 22
"""Bytes of records parsed at a time."""
Words = NDArray[np.uint16]
Integers = NDArray[np.int64]
NAME = int.from_bytes(b"?\0", "little")
"""The name of every record, as htslib writes it when names are not decoded."""
CONTIG, START, NAME_SIZE, OPERATIONS, BASES, LENGTH, NAMED, CIGAR = 2, 4, 6, 8, 10, 16, 18, 19
"""Fields of a record of BAM, in words of two bytes (SAM specification, 4.2)."""
ON_REFERENCE = np.isin(np.arange(16), (pysam.CMATCH, pysam.CEQUAL, pysam.CDIFF))
"""Of an operation of CIGAR, by its number: whether its bases lie on the reference."""


class Records(NamedTuple):
    """Whole records of BAM. words: all of them; at: where each starts, in words."""

    words: Words
    at: Integers

    def integers(self, field: int) -> Integers:
        """A field of four bytes of every record."""
        low, high = (self.words[self.at + field + word].astype(np.uint32) for word in (0, 1))
        return (low | high << 16).view(np.int32).astype(np.int64)


def aligner_of(cram: PathLike) -> str | None:
    """The family of the aligner that made it, by its header (`contracts.aligners`); None = it names none."""
    with open_alignment(cram) as handle:
        return family_of(str(handle.header))


def fragments(cram: PathLike, fasta: PathLike, min_mapq: int, contig: str = "") -> Iterator[Fragments]:
    """Fragments of one of our own CRAMs, in its order and in pieces, so that memory does not grow with depth. contig: only those
    on it, by the index. fasta: its genome, which a slice with reads of several contigs needs though no bases are decoded.

    A fragment is taken once, at its left mate: primary, proper pair, not a duplicate, not failed, mapping quality at or
    above the limit.

    Raises
    ------
    KaryolotError
        When the file is damaged, or no fragment can be counted on any contig, with the numbers that state why.
    """
    with open_alignment(cram) as handle:
        if not handle.is_cram:
            raise KaryolotError(f"{cram}: not a CRAM file; fragments are counted in those of the workflow alone")
    fields = [word for option in COUNTED_FIELDS for word in ("--input-fmt-option", option)]
    filters = ["-f", str(pysam.FPROPER_PAIR), "-F", str(NOT_COUNTED), "-q", str(min_mapq)]
    words = ["-u", "-T", str(fasta), *fields, *filters, str(cram), *filter(None, [contig])]
    command = [sys.executable, "-c", VIEW, *words]
    found = False
    with tempfile.TemporaryFile() as said, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said) as view:
        assert view.stdout is not None
        for names, records in _records(view.stdout):
            for piece in _left_mates(names, records):
                found = True
                yield piece
        if view.wait() != 0:
            said.seek(0)
            reason = said.read().decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise KaryolotError(unreadable(cram, reason[0]))
    if not found:
        raise KaryolotError(f"{cram}: {_why_none(cram, fasta, min_mapq)}")


def _records(stream: IO[bytes]) -> Iterator[tuple[list[str], Records]]:
    """Names of the contigs and records of an uncompressed BAM, a chunk at a time; what is truncated at the end is left out."""
    names: list[str] | None = None
    held, chunk = b"", b""
    while block := stream.read(CHUNK):
        parts, held = _stored(held + block)
        chunk = b"".join((chunk, *parts))
        if names is None:
            header = _header(chunk)
            if header is None:
                continue
            names, size = header
            chunk = chunk[size:]
        records, size = _found(chunk)
        chunk = chunk[size:]
        if len(records.at):
            yield names, records


def _stored(blocks: bytes) -> tuple[list[memoryview], bytes]:
    """Contents of whole blocks of BGZF without compression, each one stored block of deflate, and what follows them."""
    parts, at, view = [], 0, memoryview(blocks)
    while at + 18 <= len(blocks):
        size = int.from_bytes(blocks[at + 16 : at + 18], "little") + 1
        if at + size > len(blocks):
            break
        parts.append(view[at + 23 : at + size - 8])
        at += size
    return parts, blocks[at:]


def _header(content: bytes) -> tuple[list[str], int] | None:
    """Names of the contigs and the size of the header; None if it is incomplete."""
    try:
        at = 8 + struct.unpack_from("<i", content, 4)[0]
        (number,) = struct.unpack_from("<i", content, at)
        at, names = at + 4, []
        for _ in range(number):
            (size,) = struct.unpack_from("<i", content, at)
            names.append(content[at + 4 : at + 3 + size].decode())
            at += 8 + size
    except struct.error:
        return None
    return (names, at) if at <= len(content) else None


def _found(content: bytes) -> tuple[Records, int]:
    """The whole records of a chunk, and their size in bytes.

    Around a possible read name there must be a valid record; and each record must end where the next begins.
    """
    words = np.frombuffer(content, np.uint16, len(content) // 2)
    at = np.flatnonzero(words[NAMED:] == NAME)
    operations = words[at + OPERATIONS].astype(np.int64)
    size = words[at].astype(np.int64)
    plain = (size == 34 + 4 * operations) & (words[at + 1] == 0) & (words[at + NAME_SIZE] & 255 == 2)
    plain &= (words[at + BASES] == 0) & (words[at + BASES + 1] == 0)
    at, end = at[plain], (at + 2 + size // 2)[plain]
    whole = end <= len(words)
    at, end = at[whole], end[whole]
    starts = np.append(0, end)
    if np.any(at != starts[:-1]) or _whole(content, 2 * int(starts[-1])):
        at, starts = _walked(content)
    return Records(words, at), 2 * int(starts[-1])


def _whole(content: bytes, at: int) -> int:
    """The size of the record at this offset, 0 if it is incomplete."""
    size = 4 + struct.unpack_from("<i", content, at)[0] if at + 4 <= len(content) else len(content) + 1
    return size if at + size <= len(content) else 0


def _walked(content: bytes) -> tuple[Integers, Integers]:
    """Where the whole records of a chunk start, and the same with the end of the last, in words: one after the other."""
    starts = [0]
    while size := _whole(content, 2 * starts[-1]):
        starts.append(starts[-1] + size // 2)
    return np.array(starts[:-1], dtype=np.int64), np.array(starts, dtype=np.int64)


def _left_mates(names: list[str], records: Records) -> Iterator[Fragments]:
    length = records.integers(LENGTH)
    left = Records(records.words, records.at[length > 0])
    length = length[length > 0]
    contig, start, bases = left.integers(CONTIG), left.integers(START), _bases_on_reference(left)
    edges = [0, *(np.flatnonzero(np.diff(contig)) + 1).tolist(), len(contig)]  # the reads are sorted
    for low, high in pairwise(edges) if len(contig) else ():
        own = slice(low, high)
        yield Fragments(names[int(contig[low])], start[own], length[own], int(bases[own].sum()))


def _bases_on_reference(records: Records) -> Integers:
    number = records.words[records.at + OPERATIONS]
    bases = np.zeros(len(records.at), dtype=np.int64)
    for place in range(int(number.max(initial=0))):
        rows = np.flatnonzero(number > place)
        operation = Records(records.words, records.at[rows]).integers(CIGAR + 2 * place)
        bases[rows] += np.where(ON_REFERENCE[operation & 15], operation >> 4, 0)
    return bases


def _why_none(alignment: PathLike, fasta: PathLike, min_mapq: int) -> str:
    seen: Counter[str] = Counter()
    with open_alignment(alignment, fasta) as handle:
        for read in handle:
            seen["mapped"] += not read.is_unmapped
            seen["proper"] += read.is_proper_pair
            seen["duplicates"] += read.is_duplicate
            seen["failed"] += read.is_qcfail
            seen["poor"] += read.mapping_quality < min_mapq
    return (
        f"no fragment of {seen['mapped']} mapped reads could be counted: {seen['proper']} are a proper pair (flag 0x2),"
        f" {seen['duplicates']} are duplicates (0x400), {seen['failed']} failed quality checks (0x200), {seen['poor']} have a"
        f" mapping quality below {min_mapq}; give reads with both mates of each pair"
    )
