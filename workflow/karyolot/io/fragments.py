"""Fragments of our own CRAMs, as arrays: `io.htslib` reads the records, without a line of Python for each."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pysam

from karyolot.contracts.aligners import family_of
from karyolot.contracts.copy_number import Fragments
from karyolot.contracts.problems import KaryolotError
from karyolot.io.alignment import COUNTED_FIELDS, NOT_COUNTED, open_alignment, unreadable
from karyolot.io.files import PathLike
from karyolot.io.htslib import WHOLE_FILE, left_mates


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
        names = list(handle.references)
    number = names.index(contig) if contig else WHOLE_FILE
    found = False
    try:
        for mates in left_mates(cram, fasta, COUNTED_FIELDS, (pysam.FPROPER_PAIR, NOT_COUNTED), min_mapq, number):
            edges = [0, *(np.flatnonzero(np.diff(mates["contig"])) + 1).tolist(), len(mates)]  # the reads are sorted
            for low, high in pairwise(edges) if len(mates) else ():
                own = mates[low:high]
                found = True
                yield Fragments(names[own["contig"][0]], own["start"], own["length"], int(own["bases"].sum()))
    except OSError as error:
        raise KaryolotError(unreadable(cram, str(error))) from error
    if not found:
        raise KaryolotError(f"{cram}: {_why_none(cram, fasta, min_mapq)}")


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
