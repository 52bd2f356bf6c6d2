"""Reading our own sorted, indexed alignments."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pysam
from numpy.typing import NDArray

from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import PathLike

COUNTED_FIELDS = ["required_fields=0x1fe", "decode_md=0"]
"""CRAM columns decoded for counting: flag, position, mapping quality, mate, template length. No bases, so no reference."""
NOT_COUNTED = pysam.FUNMAP | pysam.FMUNMAP | pysam.FSECONDARY | pysam.FQCFAIL | pysam.FDUP | pysam.FSUPPLEMENTARY


def fragment_midpoints(alignment: PathLike, contigs: Sequence[str], min_mapq: int) -> dict[str, NDArray[np.int64]]:
    """Midpoints of the fragments on each contig.

    A fragment is counted once, at its left mate: primary, proper pair, not a duplicate, not failed, mapping quality at or
    above the limit.

    Returns
    -------
    dict
        Positions (0-based) by contig, in the order of the left ends of their fragments.

    Raises
    ------
    KaryolotError
        When no fragment can be counted on any of the contigs, with the numbers that say why.
    """
    with open_alignment(alignment) as handle:
        found = {contig: _midpoints(handle, contig, min_mapq) for contig in contigs}
    if not any(len(midpoints) for midpoints in found.values()):
        raise KaryolotError(f"{alignment}: {_why_none(alignment, contigs, min_mapq)}")
    return found


def _midpoints(handle: pysam.AlignmentFile, contig: str, min_mapq: int) -> NDArray[np.int64]:
    midpoints = []
    for read in handle.fetch(contig):
        length = read.template_length
        if length > 0 and read.is_proper_pair and not read.flag & NOT_COUNTED and read.mapping_quality >= min_mapq:
            midpoints.append(read.reference_start + length // 2)
    return np.array(midpoints, dtype=np.int64)


def _why_none(alignment: PathLike, contigs: Sequence[str], min_mapq: int) -> str:
    seen: Counter[str] = Counter()
    with open_alignment(alignment) as handle:
        for read in (read for contig in contigs for read in handle.fetch(contig)):
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
    genome, options = (None, COUNTED_FIELDS) if fasta is None else (str(fasta), [])
    try:
        with pysam.AlignmentFile(str(path), reference_filename=genome, format_options=options) as alignment:
            yield alignment
    except (OSError, ValueError) as error:
        message = f"{path}: not a readable BAM or CRAM file, or one without its index ({error})"
        raise KaryolotError(f"{message}; fetch or make it again") from error
