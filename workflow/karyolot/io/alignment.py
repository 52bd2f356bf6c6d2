"""Reading our own sorted, indexed alignments."""

import io
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import numpy as np
import pyarrow as pa
import pysam
from pyarrow import csv

from karyolot.contracts.copy_number import Fragments
from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import PathLike

COUNTED_FIELDS = ["required_fields=0x1fe", "decode_md=0"]
"""CRAM columns decoded for counting: flag, position, mapping quality, mate, template length. No bases, so no reference."""
WITH_BASES = ["required_fields=0x63f", "decode_md=0"]
"""And for alleles: name, flag, position, mapping quality, CIGAR, bases and their qualities."""
NOT_COUNTED = pysam.FUNMAP | pysam.FMUNMAP | pysam.FSECONDARY | pysam.FQCFAIL | pysam.FDUP | pysam.FSUPPLEMENTARY
_VIEW = "import sys, pysam; pysam.view(*sys.argv[1:], catch_stdout=False)"
_NAMES = pa.dictionary(pa.int32(), pa.string())
_COLUMNS = {"f2": _NAMES, "f3": pa.int64(), "f5": _NAMES, "f8": pa.int64()}
"""Columns of SAM by pyarrow's names for them: RNAME, POS, CIGAR, TLEN."""


def fragments(alignment: PathLike, min_mapq: int) -> Iterator[Fragments]:
    """Fragments of one of our own CRAMs, in its order and in pieces, so that memory does not grow with depth.

    A fragment is taken once, at its left mate: primary, proper pair, not a duplicate, not failed, mapping quality at or
    above the limit. samtools decodes and filters; its text, without names and bases, is parsed by columns.

    Raises
    ------
    KaryolotError
        When the file is damaged, or no fragment can be counted on any contig, with the numbers that say why.
    """
    options = [word for option in COUNTED_FIELDS for word in ("--input-fmt-option", option)]
    filters = ["-f", str(pysam.FPROPER_PAIR), "-F", str(NOT_COUNTED), "-q", str(min_mapq), "-e", "tlen > 0"]
    any_found = False
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(
            [sys.executable, "-c", _VIEW, *options, *filters, str(alignment)], stdout=subprocess.PIPE, stderr=said
        ) as view,
    ):
        try:
            for batch in _batches(view.stdout):
                any_found = True
                yield from _by_contig(batch)
        except pa.ArrowInvalid:
            if view.wait() == 0:
                raise
        if view.wait() != 0:
            said.seek(0)
            reason = said.read().decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
            raise KaryolotError(_unreadable(alignment, reason[0]))
    if not any_found:
        raise KaryolotError(f"{alignment}: {_why_none(alignment, min_mapq)}")


def _batches(text: IO[bytes] | None) -> Iterator[pa.RecordBatch]:
    """Columns of SAM without header; none of an empty text, which pyarrow refuses."""
    assert isinstance(text, io.BufferedReader)
    if text.peek(1):
        yield from csv.open_csv(
            text,
            read_options=csv.ReadOptions(autogenerate_column_names=True, block_size=1 << 24, use_threads=False),
            parse_options=csv.ParseOptions(delimiter="\t", quote_char=False),
            convert_options=csv.ConvertOptions(include_columns=list(_COLUMNS), column_types=_COLUMNS),
        )


def _by_contig(batch: pa.RecordBatch) -> Iterator[Fragments]:
    contig, place, cigar, length = (batch.column(name) for name in _COLUMNS)
    contigs, start, lengths = contig.indices.to_numpy(), place.to_numpy() - 1, length.to_numpy()
    bases = np.array([_bases_on_reference(text) for text in cigar.dictionary.to_pylist()])[cigar.indices.to_numpy()]
    for number, name in enumerate(contig.dictionary.to_pylist()):
        own = contigs == number
        yield Fragments(name, start[own], lengths[own], int(bases[own].sum()))


def _bases_on_reference(cigar: str) -> int:
    return sum(int(count) for count in re.findall(r"(\d+)[M=X]", cigar))


def _why_none(alignment: PathLike, min_mapq: int) -> str:
    seen: Counter[str] = Counter()
    with open_alignment(alignment) as handle:
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


@contextmanager
def open_alignment(path: PathLike, fasta: PathLike | None = None) -> Iterator[pysam.AlignmentFile]:
    """A BAM or CRAM file to read; its bases only with `fasta`. Raises KaryolotError when it is damaged, then or later."""
    genome, options = (None, COUNTED_FIELDS) if fasta is None else (str(fasta), WITH_BASES)
    try:
        with pysam.AlignmentFile(str(path), reference_filename=genome, format_options=options) as alignment:
            yield alignment
    except (OSError, ValueError) as error:
        raise KaryolotError(_unreadable(path, str(error))) from error


def _unreadable(path: PathLike, reason: str) -> str:
    return f"{path}: not a readable BAM or CRAM file, or one without its index ({reason}); fetch or make it again"
