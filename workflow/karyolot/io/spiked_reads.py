"""Alignments with known changes, made of a site's own reads: another person's mixed in, mutations written into them.

Whether a fragment takes part is drawn from its name, so that both mates share the draw and the same reads give the same file.
"""

import heapq
import zlib
from collections.abc import Iterable, Iterator, Sequence

import pysam

from karyolot.contracts.qualification import Mutation
from karyolot.io.alignment import open_alignment
from karyolot.io.files import PathLike


def drawn(name: str, part: float, seed: int) -> bool:
    """Whether the fragment of a name is among a part of all."""
    return zlib.crc32(f"{seed} {name}".encode()) < part * 2**32


def mix(
    lot: PathLike,
    guest: PathLike,
    fasta: PathLike,
    contigs: Sequence[str],
    parts: tuple[float, float],
    out: PathLike,
    seed: int,
) -> None:
    """Write an indexed BAM of parts of the fragments of two alignments on some contigs. parts: of the lot, and of the guest."""
    with open_alignment(lot, fasta) as own, open_alignment(guest, fasta) as other:
        order = {own.get_tid(contig): contig for contig in contigs}
        with pysam.AlignmentFile(str(out), "wb", header=own.header) as made:
            for tid in sorted(order):
                streams = (
                    _kept(handle.fetch(order[tid]), part, seed, tid, mark)
                    for handle, part, mark in ((own, parts[0], ""), (other, parts[1], "g"))
                )
                for read in heapq.merge(*streams, key=lambda read: read.reference_start):
                    made.write(read)
    pysam.index(str(out))


def _kept(
    reads: Iterable[pysam.AlignedSegment], part: float, seed: int, tid: int, mark: str
) -> Iterator[pysam.AlignedSegment]:
    """Reads of a part of the fragments, with the number of their contig in another header. mark: before their names."""
    for read in reads:
        name = str(read.query_name)
        if drawn(name, part, seed):
            read.reference_id = tid
            read.next_reference_id = tid if read.next_reference_id >= 0 else -1
            read.query_name = f"{mark}{name}"
            yield read


def mutate(
    alignment: PathLike,
    fasta: PathLike,
    regions: Sequence[tuple[str, int, int]],
    mutations: Sequence[Mutation],
    out: PathLike,
    seed: int,
) -> None:
    """Write an indexed BAM of the reads over some regions, with mutations in the drawn fragments.

    regions: sorted as the alignment is; a read over two of them is written once.
    """
    with (
        open_alignment(alignment, fasta, tags=True) as handle,
        pysam.AlignmentFile(str(out), "wb", header=handle.header) as made,
    ):
        written: set[tuple[str, int, int]] = set()
        for chrom, start, end in regions:
            own = [(number, one) for number, one in enumerate(mutations) if one.chrom == chrom]
            for read in handle.fetch(chrom, start, end):
                key = (str(read.query_name), read.flag, read.reference_start)
                if key not in written:
                    written.add(key)
                    _edit(read, [one for number, one in own if drawn(key[0], one.part, seed + number)])
                    made.write(read)
    pysam.index(str(out))


def _edit(read: pysam.AlignedSegment, mutations: Sequence[Mutation]) -> None:
    """Write mutations into the bases of a read, where it is aligned to their positions."""
    over = [one for one in mutations if read.reference_start <= one.start < (read.reference_end or 0)]
    if not over or read.query_sequence is None:
        return
    places = {reference: query for query, reference in read.get_aligned_pairs(matches_only=True)}
    bases, qualities = list(read.query_sequence), read.query_qualities
    for one in over:
        if one.start in places:
            bases[places[one.start]] = one.alt
    read.query_sequence = "".join(bases)
    read.query_qualities = qualities  # pysam drops them with the old bases
