"""Insertions and deletions written into the lot's own reads at the driver loci, for the study's aligner; as a program.

    python -m karyolot.io.spiked_indels ALIGNMENT FASTA REGIONS SEQUENCES READS WINDOWS EVENTS SETTINGS

The program writes the sequences around the drawn positions (FASTA), the reads over them (FASTQ, pairs interleaved), the regions
of these sequences to count in (BED), and what was spiked; SETTINGS is the section `small_variants` as JSON. An edited read keeps
its first base on the genome, its length and its qualities: what an insertion pushes out at its end is lost, and what a deletion
draws in is that of the genome.
"""

import sys
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from random import Random
from typing import NamedTuple

import pysam

from karyolot.contracts.metrics import LONGEST_INDEL, SHORTEST_RUN
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import SmallVariants
from karyolot.io.alignment import open_alignment
from karyolot.io.files import PathLike
from karyolot.io.spiked_reads import drawn

EVENTS, TRIES = 96, 20
"""Positions that are drawn, and how often per event one is drawn that may be too near another, or in a run."""
APART, PAD = 150, 700
"""Bases between two positions, and of genome and reads on either side: mates lie within 700 bases."""
CARRIED = 0.5
"""Part of the fragments over a position that carries the indel. What part of these is counted does not depend on it."""
MOST = 250
"""Fragments over a position that are used, where there are more: they are enough."""
SKIPPED = pysam.FUNMAP | pysam.FSECONDARY | pysam.FQCFAIL | pysam.FDUP | pysam.FSUPPLEMENTARY
"""Reads that the pile-up does not count."""
COMPLEMENT = str.maketrans("ACGT", "TGCA")
Bases = Callable[[int, int], str]
"""Genome of one contig, upper-case, from start to end (0-based half-open)."""


class Event(NamedTuple):
    """An insertion of `inserted` before `start` (0-based), or a deletion of `length` bases from there."""

    chrom: str
    start: int
    length: int
    inserted: str

    @property
    def end(self) -> int:
        """Of the deleted bases; `start` of an insertion."""
        return self.start + (0 if self.inserted else self.length)


def draw(
    regions: Sequence[tuple[str, int, int]],
    fetch: Callable[[str, int, int], str],
    lengths: Mapping[str, int],
    seed: int,
) -> list[Event]:
    """Up to EVENTS indels at random positions of the regions, outside runs: half insertions, all lengths equally often.

    fetch: bases of the genome by contig, start and end. lengths: of the contigs.
    """
    rng, ends, total = Random(seed), [], 0  # noqa: S311
    for _, start, end in regions:
        total += end - start
        ends.append(total)
    taken: dict[str, list[int]] = {}
    found: list[Event] = []
    for _ in range(EVENTS * TRIES if total else 0):
        if len(found) == EVENTS:
            break
        place = int(rng.random() * total)
        number = bisect_right(ends, place)
        chrom, at = regions[number][0], regions[number][2] - (ends[number] - place)
        inside = PAD <= at <= lengths[chrom] - PAD
        around = fetch(chrom, at - LONGEST_INDEL, at + LONGEST_INDEL + 1) if inside else ""
        if any(abs(at - other) < APART for other in taken.get(chrom, [])) or not _plain(around):
            continue
        taken.setdefault(chrom, []).append(at)
        length = 1 + len(found) // 2 % LONGEST_INDEL
        inserted = "".join("ACGT"[int(4 * rng.random())] for _ in range(length)) if len(found) % 2 else ""
        found.append(Event(chrom, at, length, inserted))
    return sorted(found)


def _plain(around: str) -> bool:
    """Whether an indel before the middle base changes no run: the anchor differs from it, and it begins none."""
    middle = LONGEST_INDEL
    return (
        len(around) == 2 * middle + 1
        and "N" not in around
        and around[middle - 1] != around[middle]
        and len(set(around[middle : middle + SHORTEST_RUN])) > 1
    )


def index_at(read: pysam.AlignedSegment, position: int) -> int:
    """Index of the first base of a read at or behind a position, as if its clipped ends were aligned without a gap."""
    start, end = read.reference_start, int(read.reference_end or 0)
    if position <= start:
        return read.query_alignment_start - (start - position)
    if position >= end:
        return read.query_alignment_end + position - end
    pairs = read.get_aligned_pairs(matches_only=True)
    return int(next(query for query, reference in pairs if reference >= position))


def edit(read: pysam.AlignedSegment, event: Event, genome: Bases) -> tuple[str, int | None]:
    """Bases of the read, forward on the genome, if its fragment carried the indel; and the index of the base before the indel.

    None: that base is not in the read. The first base on the genome stays, on both strands: as many reads then cover the base
    before the indel as in a genome that has it, those that the sequencer began inside inserted bases among them.
    """
    bases = str(read.query_sequence)
    n, first, last = len(bases), index_at(read, event.start), index_at(read, event.end)
    if first <= 0:
        return bases, None
    made = (bases[:first] + event.inserted + bases[max(last, 0) :])[:n]
    after = max(read.reference_end + n - read.query_alignment_end, event.end)  # type: ignore[operator]
    return made + genome(after, after + n - len(made)), first - 1 if first <= n else None


def windows(events: Sequence[Event], lengths: Mapping[str, int]) -> Iterator[tuple[str, int, int, list[Event]]]:
    """Contig, start and end of the sequence around events, PAD on either side, and the events in it; none overlap."""
    held: list[Event] = []
    for event, following in zip(events, [*events[1:], None], strict=True):
        held.append(event)
        near = following is not None and following.chrom == event.chrom and following.start - event.end < 2 * PAD
        if not near:
            yield event.chrom, max(held[0].start - PAD, 0), min(event.end + PAD, lengths[event.chrom]), held
            held = []


def fragments(
    reads: Sequence[pysam.AlignedSegment], events: Sequence[Event], seed: int
) -> Iterator[tuple[Event, list[pysam.AlignedSegment]]]:
    """Fragments that lie over events, each with the first of them. reads: of one window."""
    by_name: dict[str, list[pysam.AlignedSegment]] = {}
    for read in reads:
        by_name.setdefault(str(read.query_name), []).append(read)
    over: dict[Event, list[list[pysam.AlignedSegment]]] = {event: [] for event in events}
    for parts in by_name.values():
        own = [
            event
            for event in events
            if any(
                read.reference_start - LONGEST_INDEL <= event.end
                and event.start <= (read.reference_end or 0) + LONGEST_INDEL
                for read in parts
            )
        ]
        if own:
            over[own[0]].append(parts)
    for event, found in over.items():
        part = min(1.0, MOST / max(len(found), 1))
        for parts in found:
            if drawn(str(parts[0].query_name), part, seed + 1):
                yield event, parts


def spike(
    alignment: PathLike, fasta: PathLike, regions: PathLike, settings: SmallVariants
) -> tuple[str, str, str, str]:
    """Text of sequences, reads, regions and events; empty where nothing can be drawn."""
    rows = [line.split("\t") for line in Path(regions).read_text().splitlines()]
    spans = [(chrom, int(start), int(end)) for chrom, start, end, *_ in rows]
    sequences, records, counted, spiked = "", [], "", ""
    with pysam.FastaFile(str(fasta)) as genome, open_alignment(alignment, fasta, tags=True) as handle:
        lengths = dict(zip(genome.references, genome.lengths, strict=True))

        def fetch(chrom: str, start: int, end: int) -> str:
            return genome.fetch(chrom, start, end).upper()

        for number, (chrom, start, end, own) in enumerate(windows(draw(spans, fetch, lengths, settings.seed), lengths)):
            sequences += f">w{number}\n{fetch(chrom, start, end)}\n"
            reads = [read for read in handle.fetch(chrom, start, end) if _taken(read, settings.min_mapq)]
            carrying = dict.fromkeys(own, 0)
            for event, parts in fragments(reads, own, settings.seed):
                written, covers = _written(parts, event, partial(fetch, chrom), settings)
                records.append(written)
                carrying[event] += covers
            for event in own:
                at, change = event.start - start, len(event.inserted) or -event.length
                counted += f"w{number}\t{at - 2 * LONGEST_INDEL}\t{at + 2 * LONGEST_INDEL}\n"
                spiked += f"w{number}\t{at}\t{chrom}\t{event.start}\t{change}\t{carrying[event]}\n"
    return sequences, "".join(records), counted, spiked


def _taken(read: pysam.AlignedSegment, min_mapq: int) -> bool:
    usable = 0 < read.query_length <= PAD // 2 and read.query_qualities is not None  # longer ones would reach beyond
    return not read.flag & SKIPPED and read.mapping_quality >= min_mapq and usable


def _written(
    parts: Sequence[pysam.AlignedSegment], event: Event, genome: Bases, settings: SmallVariants
) -> tuple[str, bool]:
    """Records of a fragment as the sequencer gave them, and whether it carries the event and covers the base before it."""
    carries, covers, records = drawn(str(parts[0].query_name), CARRIED, settings.seed), False, ""
    for read in parts:
        bases, anchor = edit(read, event, genome) if carries else (str(read.query_sequence), None)
        qualities = list(read.query_qualities or ())
        covers |= anchor is not None and qualities[anchor] >= settings.min_base_quality
        shown = "".join(chr(quality + 33) for quality in qualities)
        if read.is_reverse:
            bases, shown = bases.translate(COMPLEMENT)[::-1], shown[::-1]
        records += f"@{read.query_name}\n{bases}\n+\n{shown}\n"
    return records, covers


def main() -> None:
    """Spike by the words of the command line; exit code 1 with one sentence when a file is not what it must be."""
    alignment, fasta, regions, *made, settings = sys.argv[1:]
    try:
        for path, text in zip(
            made, spike(alignment, fasta, regions, SmallVariants.model_validate_json(settings)), strict=True
        ):
            Path(path).write_text(text)
    except (KaryolotError, OSError) as fault:
        sys.stderr.write(f"{fault}\n")
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
