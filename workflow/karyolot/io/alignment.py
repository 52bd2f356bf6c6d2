"""Reading our own sorted, indexed alignments."""

from collections.abc import Iterator
from contextlib import contextmanager

import pysam

from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import PathLike

COUNTED_FIELDS = ["required_fields=0x1fe", "decode_md=0"]
"""CRAM columns decoded for counting: flag, position, mapping quality, mate, template length."""
WITH_BASES = ["required_fields=0x63f", "decode_md=0"]
"""And for alleles: name, flag, position, mapping quality, CIGAR, bases and their qualities."""
WITH_TAGS = ["required_fields=0xfff", "decode_md=0"]
"""And for mitochondria: where the mate and other parts of the read lie."""
NOT_COUNTED = pysam.FUNMAP | pysam.FMUNMAP | pysam.FSECONDARY | pysam.FQCFAIL | pysam.FDUP | pysam.FSUPPLEMENTARY


@contextmanager
def open_alignment(
    path: PathLike, fasta: PathLike | None = None, *, tags: bool = False
) -> Iterator[pysam.AlignmentFile]:
    """A BAM or CRAM file to read; its bases only with `fasta`, its tags on request. Raises KaryolotError when it is
    damaged, then or later."""
    bases = WITH_TAGS if tags else WITH_BASES
    genome, options = (None, COUNTED_FIELDS) if fasta is None else (str(fasta), bases)
    try:
        with pysam.AlignmentFile(str(path), reference_filename=genome, format_options=options) as alignment:
            yield alignment
    except (OSError, ValueError) as error:
        raise KaryolotError(unreadable(path, str(error))) from error


def unreadable(path: PathLike, reason: str) -> str:
    """The message on a damaged alignment."""
    return f"{path}: not a readable BAM or CRAM file, or one without its index ({reason}); fetch or make it again"
