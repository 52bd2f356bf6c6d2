"""Reading sequencing data: FASTQ files are verified, alignments are read for what counting needs."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from typing import Any

import dnaio
import numpy as np
import pysam
from dnaio._core import record_names_match
from numpy.typing import NDArray

from karyolot.contracts.problems import KaryolotError
from karyolot.inputs.probe import PHRED33_HIGHEST, PHRED64_LOWEST, QUALITIES
from karyolot.io.files import PathLike, describe_file

COUNTED_FIELDS = ["required_fields=0x1fe", "decode_md=0"]
"""CRAM columns decoded for counting: flag, place, mapping quality, mate, template length. No bases, so no reference."""
NOT_COUNTED = pysam.FUNMAP | pysam.FMUNMAP | pysam.FSECONDARY | pysam.FQCFAIL | pysam.FDUP | pysam.FSUPPLEMENTARY
HEAD = 10_000
"""Reads whose qualities and mate numbers are looked at; a file does not change its dialect half-way."""


def verify_reads(paths: list[PathLike], sha256_expected: list[str | None]) -> dict[str, Any]:
    """Read one FASTQ file or a pair from first to last record; return its facts.

    Facts: reads (pairs or single reads), bases, read_length_min, read_length_max, files: [{path, bytes, sha256}].
    Raises KaryolotError naming file and remedy for a damaged or cut file, an empty one, mates that are not in the same
    order, mates swapped between the files, Phred+64 qualities, and a checksum that differs from the sheet's.
    """
    files = [describe_file(path, expected) for path, expected in zip(paths, sha256_expected, strict=True)]
    reads = bases = longest = 0
    shortest = 1 << 30
    qualities = [255, 0]
    for records in _records(paths):
        reads += 1
        for number, record in enumerate(records, start=1):
            length = len(record)
            bases += length
            if length < shortest:
                shortest = length
            if length > longest:
                longest = length
            if reads > HEAD:
                continue
            if length:
                qualities = [
                    min(qualities[0], ord(min(record.qualities))),
                    max(qualities[1], ord(max(record.qualities))),
                ]
            if mate_number(record.name) not in (None, number):
                raise KaryolotError(
                    f"{paths[number - 1]}: read {record.name!r} says it is mate {mate_number(record.name)}, but the file"
                    f" is given as fastq_{number}; exchange fastq_1 and fastq_2 in the sample sheet"
                )
    if reads == 0:
        raise KaryolotError(f"{paths[0]}: holds no read; remove its row from the sample sheet or fetch the file again")
    if odd := [chr(code) for code in qualities if bases and code not in QUALITIES]:
        raise KaryolotError(
            f"{paths[0]}: a quality is the character {odd[0]!r}, and qualities are ! to ~; fetch the file again"
        )
    if qualities[0] >= PHRED64_LOWEST and qualities[1] > PHRED33_HIGHEST:
        raise KaryolotError(
            f"{paths[0]}: qualities look like the old Phred+64 code ({chr(qualities[0])!r} to {chr(qualities[1])!r});"
            " convert the file to Phred+33"
        )
    return {
        "reads": reads,
        "bases": bases,
        "read_length_min": shortest,
        "read_length_max": longest,
        "files": files,
    }


def _records(paths: list[PathLike]) -> Iterator[tuple[Any, ...]]:
    readers = []
    try:
        readers = [dnaio.open(str(path)) for path in paths]
        for records in zip_longest(*readers):
            short = next((i for i, record in enumerate(records) if record is None), None)
            if short is not None:
                raise KaryolotError(
                    f"{paths[short]}: ends before its mate file {paths[1 - short]}; the two do not belong together or one"
                    " was cut short: fetch both again"
                )
            if len(records) == 2 and not record_names_match(records[0].name, records[1].name):
                raise KaryolotError(
                    f"{paths[0]} and {paths[1]}: mates are not in the same order (read {records[0].name!r} stands beside"
                    f" {records[1].name!r}); pair the files again, unsorted"
                )
            yield records
    except (dnaio.FastqFormatError, dnaio.FileFormatError, dnaio.UnknownFileFormat) as error:
        raise KaryolotError(
            f"{' or '.join(map(str, paths))}: not a whole FASTQ file ({error}); fetch it again"
        ) from error
    except (EOFError, OSError, UnicodeDecodeError) as error:
        raise KaryolotError(
            f"{' or '.join(map(str, paths))}: damaged or cut short ({error}); fetch it again"
        ) from error
    finally:
        for reader in readers:
            reader.close()


def mate_number(name: str) -> int | None:
    """1 or 2 as a read's name says ('.../1', '... 1:N:0:ACGT'); None when it does not say."""
    identifier, _, comment = name.partition(" ")
    if comment[1:2] == ":" and comment[0] in "12":
        return int(comment[0])
    return int(identifier[-1]) if identifier[-2:] in ("/1", "/2") else None


def contigs_of(alignment: PathLike) -> list[tuple[str, int]]:
    with open_alignment(alignment) as handle:
        return list(zip(handle.references, handle.lengths, strict=True))


def fragment_midpoints(alignment: PathLike, contig: str, min_mapq: int) -> NDArray[np.int64]:
    """Midpoints of the fragments on `contig`, 0-based, in the order of their left ends.

    Counted once per pair at its left mate: primary, proper, not duplicate, not failed, mapping quality >= min_mapq.
    """
    midpoints = []
    with open_alignment(alignment) as handle:
        for read in handle.fetch(contig):
            length = read.template_length
            if length > 0 and read.is_proper_pair and not read.flag & NOT_COUNTED and read.mapping_quality >= min_mapq:
                midpoints.append(read.reference_start + length // 2)
    return np.array(midpoints, dtype=np.int64)


def midpoints_by_contig(alignment: PathLike, contigs: Iterable[str], min_mapq: int) -> dict[str, NDArray[np.int64]]:
    """`fragment_midpoints` of each contig.

    Raises
    ------
    KaryolotError
        When not one fragment can be counted, with what the reads lack.
    """
    midpoints = {name: fragment_midpoints(alignment, name, min_mapq) for name in contigs}
    if any(map(len, midpoints.values())):
        return midpoints
    mapped = proper = unique = left = 0
    with open_alignment(alignment) as handle:
        for name in midpoints:
            for read in handle.fetch(name):
                mapped += not read.is_unmapped
                proper += (own := read.is_proper_pair and not read.flag & NOT_COUNTED)
                unique += (own := own and read.mapping_quality >= min_mapq)
                left += own and read.template_length > 0
    raise KaryolotError(
        f"{alignment}: no fragment of {mapped} mapped reads can be counted: {proper} are in a proper pair, primary and no"
        f" duplicates, {unique} of these have mapping quality {min_mapq} or more, and {left} of these are the left mate",
        "give paired reads with both mates (not samtools view -f 64), or see counting.min_mapq",
    )


@contextmanager
def open_alignment(path: PathLike, fasta: PathLike | None = None) -> Iterator[pysam.AlignmentFile]:
    """A BAM or CRAM file to read; its bases only with `fasta`. Raises KaryolotError when it is damaged, then or later."""
    genome, options = (None, COUNTED_FIELDS) if fasta is None else (str(fasta), [])
    try:
        with pysam.AlignmentFile(str(path), reference_filename=genome, format_options=options) as alignment:
            yield alignment
    except (OSError, ValueError) as error:
        message = f"{path}: not a readable BAM or CRAM file, or one without its index ({error})"
        raise KaryolotError(f"{message}; fetch or make it again") from error
