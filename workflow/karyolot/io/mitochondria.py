"""Reads of the mitochondrial contig of one of our own alignments, in one pass.

Nuclear copies of mitochondrial DNA (NUMTs) are kept out by three signs: the mate lies on another contig, the mapping quality
is low because the reference holds the copy, or the read differs from the contig in more bases than one person does.
"""

from array import array
from collections.abc import Iterator, Sequence

import numpy as np
import pysam
from numpy.typing import NDArray

from karyolot.contracts.contigs import MITOCHONDRION, contig_key
from karyolot.contracts.mitochondria import Clip, Integers, MitochondrialReads
from karyolot.contracts.settings import Mitochondria
from karyolot.io.alignment import open_alignment
from karyolot.io.cigar import CLIPPED, ON_BOTH, ON_REFERENCE, part, part_of
from karyolot.io.files import PathLike

MOST_MISMATCHES = 0.05
"""Of the bases of a read: persons differ from the rCRS at 0.2 % of the positions; copies of a few million years at more."""
SHORTEST_CLIP, LONGEST_CLIP = 12, 40
"""Bases: twelve match a given position of the contig by chance once in 4^12."""
AT_END = 10
"""Bases from the end of the contig within which a clipped read goes on at its other end."""
MOST_BEYOND = 0.2
"""Of the bases that go on over the end, that differ from the contig there, but one may: an allele of the last base is among
the clipped ones always. Adapters differ in three of four."""
WRAPPED = 2_000
"""Bases from either end of the contig within which mates may overlap across it."""
BATCH = 4096
_CODES = np.full(256, 4, dtype=np.int64)
_CODES[np.frombuffer(b"ACGT", np.uint8)] = range(4)


def read_mitochondria(alignment: PathLike, fasta: PathLike, settings: Mitochondria) -> MitochondrialReads | None:
    """Reads of the mitochondrial contig of an indexed, coordinate-sorted BAM or CRAM; None when it has no such contig.

    Counted: not duplicate, not failed, mate on the contig, mapping quality and base quality at or above the limits, at most
    MOST_MISMATCHES. A fragment counts once; where its mates disagree, not at all. The contig is circular: a read that is
    clipped at its end goes on at its start, and the other way round, so the first and last bases have the depth of the others.
    """
    with pysam.FastaFile(str(fasta)) as genome, open_alignment(alignment, fasta, tags=True) as handle:
        contig = next((name for name in handle.references if contig_key(name) in MITOCHONDRION), None)
        if contig is None or contig not in genome.references:
            return None
        passed = _Pass(contig, genome.fetch(contig).upper(), settings)
        for read in handle.fetch(contig):
            passed.take(read)
        return passed.found()


class _Pass:
    """The state of one pass."""

    def __init__(self, contig: str, sequence: str, settings: Mitochondria) -> None:
        self.contig, self.sequence, self.settings = contig, sequence, settings
        self.codes = _CODES[np.frombuffer(sequence.encode(), np.uint8)]
        self.bases = np.zeros(len(sequence) * 8, dtype=np.int64)
        self.added: list[Integers] = []
        self.removed: list[Integers] = []
        self.held: dict[str, tuple[Integers, Integers, int]] = {}
        self.spans = array("q")
        self.junctions: list[tuple[int, int, int, int]] = []
        self.clips: list[Clip] = []
        self.fragments = self.duplicates = self.elsewhere = self.unsure = self.diverged = 0

    def take(self, read: pysam.AlignedSegment) -> None:
        if read.is_secondary or read.is_qcfail or read.is_unmapped:
            return
        if read.mate_is_unmapped or read.next_reference_id != read.reference_id or self._elsewhere(read):
            self.elsewhere += 1
            return
        if read.mapping_quality < self.settings.min_mapq:
            self.unsure += 1
            return
        first = read.is_read1 and not read.is_supplementary
        self.fragments += first
        self.duplicates += first and read.is_duplicate
        if read.is_duplicate:
            return
        if read.is_supplementary and any(self._over_end(read)):
            return  # its primary part was followed over the end
        places, codes = self._shown(read)
        if np.count_nonzero(codes != self.codes[places]) > MOST_MISMATCHES * max(len(places), 1):
            self.diverged += 1
            return
        self._count(read, places, codes)
        fragment = hash(read.query_name)
        self.spans.extend((read.reference_start, read.reference_end or 0, fragment))
        if not read.is_supplementary:
            joined = list(_junction(read, self.settings.min_mapq, fragment))
            self.junctions += joined
            if not joined:
                self.clips += _clips(read, fragment)

    def _elsewhere(self, read: pysam.AlignedSegment) -> bool:
        """Whether another part of the read lies on another contig."""
        return any(part.split(",")[0] != self.contig for part in _others(read))

    def _count(self, read: pysam.AlignedSegment, places: Integers, codes: Integers) -> None:
        """Add a read's bases; where its mate shows the same position, once, and not at all where they disagree."""
        name, strand = str(read.query_name), int(read.is_reverse)
        if not read.is_supplementary and name in self.held:
            before, seen, other = self.held.pop(name)
            at = np.minimum(np.searchsorted(before, places), max(len(before) - 1, 0))
            both = before[at] == places if len(before) else np.zeros(len(places), dtype=bool)
            differ = both & (seen[at] != codes) if len(before) else both
            self.removed.append(places[differ] * 8 + seen[at[differ]] * 2 + other)
            places, codes = places[~both], codes[~both]
        elif not read.is_supplementary and self._may_overlap(read):
            self.held[name] = places, codes, strand
        self.added.append(places * 8 + codes * 2 + strand)
        if len(self.added) >= BATCH:
            self._flush()

    def _may_overlap(self, read: pysam.AlignedSegment) -> bool:
        """Whether the mate comes later and may show a position of this read."""
        start, mate = read.reference_start, read.next_reference_start
        return start <= mate < (read.reference_end or 0) or (start < WRAPPED and mate > len(self.sequence) - WRAPPED)

    def _over_end(self, read: pysam.AlignedSegment) -> tuple[bool, bool]:
        """Whether bases clipped from the start and from the end of an alignment lie beyond the contig."""
        (first, _), *_, (last, _) = [*(read.cigartuples or [(-1, 0)])] * 2
        before = first in CLIPPED and read.reference_start <= AT_END
        return before, last in CLIPPED and (read.reference_end or 0) >= len(self.sequence) - AT_END

    def _shown(self, read: pysam.AlignedSegment) -> tuple[Integers, Integers]:
        """Positions of a read's bases of sufficient quality, sorted, and the code of each (A, C, G, T = 0..3)."""
        codes = _CODES[np.frombuffer(str(read.query_sequence).encode(), np.uint8)]
        quality: NDArray[np.uint8] = np.frombuffer(read.query_qualities or b"", np.uint8)
        operations = read.cigartuples or []
        before, after = self._over_end(read)
        at, place = [], []
        query, reference = 0, read.reference_start
        for number, (operation, length) in enumerate(operations):
            beyond = operation == pysam.CSOFT_CLIP and (before if number == 0 else after)
            if operation in ON_BOTH or beyond:
                index = np.arange(query, query + length)
                there = index - query + reference - (length if beyond and number == 0 else 0)
                there %= len(self.codes)
                if not beyond or np.count_nonzero(codes[index] != self.codes[there]) <= max(MOST_BEYOND * length, 1):
                    at.append(index)
                    place.append(there)
            query += length * (operation in ON_BOTH or operation in (pysam.CINS, pysam.CSOFT_CLIP))
            reference += length * (operation in ON_BOTH or operation in ON_REFERENCE)
        if not at or len(quality) != len(codes):
            return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
        index, places = np.concatenate(at), np.concatenate(place)
        good = (quality[index] >= self.settings.min_base_quality) & (codes[index] < 4)
        order = np.argsort(places[good], kind="stable")
        return places[good][order], codes[index[good]][order]

    def _flush(self) -> None:
        for sign, indices in ((1, self.added), (-1, self.removed)):
            if indices:
                self.bases += sign * np.bincount(np.concatenate(indices), minlength=len(self.bases))
            indices.clear()

    def found(self) -> MitochondrialReads:
        self._flush()
        return MitochondrialReads(
            contig=self.contig,
            sequence=self.sequence,
            bases=self.bases.reshape(-1, 4, 2),
            spans=np.frombuffer(self.spans, dtype=np.int64).reshape(-1, 3),
            junctions=_table(self.junctions, 4),
            clips=tuple(self.clips),
            fragments=self.fragments,
            duplicates=self.duplicates,
            elsewhere=self.elsewhere,
            unsure=self.unsure,
            diverged=self.diverged,
        )


def _table(rows: Sequence[tuple[int, ...]], columns: int) -> Integers:
    return np.array(rows, dtype=np.int64).reshape(-1, columns)


def _junction(read: pysam.AlignedSegment, min_mapq: int, fragment: int) -> Iterator[tuple[int, int, int, int]]:
    """A read that the aligner split into two parts of the contig on one strand."""
    parts = _others(read)
    if len(parts) != 1:
        return
    _, start, strand, cigar, quality, *_ = parts[0].split(",")
    if (strand == "-") != read.is_reverse or int(quality) < min_mapq:
        return
    own = part(read.cigartuples or [], read.reference_start)
    other = part_of(cigar, int(start) - 1)
    (_, query_end, _, end), (query_start, _, begin, _) = sorted((own, other))
    repeat = max(query_end - query_start, 0)
    yield end - repeat, begin, repeat, fragment


def _others(read: pysam.AlignedSegment) -> list[str]:
    """The other parts of a read: 'contig,start,strand,CIGAR,quality,mismatches' each."""
    return str(read.get_tag("SA")).rstrip(";").split(";") if read.has_tag("SA") else []


def _clips(read: pysam.AlignedSegment, fragment: int) -> Iterator[Clip]:
    operations, sequence = read.cigartuples or [], str(read.query_sequence)
    for after, (operation, length) in ((False, operations[0]), (True, operations[-1])):
        if operation == pysam.CSOFT_CLIP and length >= SHORTEST_CLIP:
            bases = sequence[-length:][:LONGEST_CLIP] if after else sequence[:length][-LONGEST_CLIP:]
            yield Clip(after, (read.reference_end or 0) if after else read.reference_start, bases.encode(), fragment)
