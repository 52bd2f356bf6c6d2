"""Large deletions of mitochondrial DNA: reads across a junction, and the depth inside.

A genome without the deletion gives reads across its two ends, one with it across the junction, at the same rate. So its
fraction is that of the reads across the junction among both. A junction longer than LARGEST of the circle is as well one of a
duplicated part, and is not a deletion here; nor is that of the contig's end and start.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

from karyolot.contracts.mitochondria import Clip, Integers, MitochondrialDeletions, MitochondrialReads
from karyolot.contracts.settings import Mitochondria
from karyolot.dna.heteroplasmy import LEAST_SHIFT, fisher, newcombe, wilson

SMALLEST, LARGEST = 100, 0.75
"""Bases, and part of the circle: slips of a polymerase are shorter; what is longer keeps no origin of replication."""
ANCHOR = 12
"""Bases a read must show on either side of a junction, or of an end, beyond the repeat."""
NEAR = 15
"""Junctions whose ends lie this near are one: aligners put the same one a few bases apart."""
ALIGNED = 30
"""Bases of the longer side that an aligner needs to align the read at all (bwa: least score 30)."""
FEWEST_READS = 3
"""Fragments across a junction, in lot or donor: single ones are of ligation and PCR."""
REPORTED = 0.005
"""Fraction of the genomes in lot or donor from which on a deletion is listed."""
SEED = 16
"""Clipped bases next to the alignment that must occur at exactly one position of the contig."""
MOST_WRONG = 0.1
"""Of the clipped bases, that differ from those behind the junction."""
WINDOW = 500
"""Bases whose depth is one value: neighbouring bases are of the same fragments."""
COMMON = (8469, 4977)
"""First deleted base of the common deletion (Schon 1989, doi 10.1126/science.2711184), and its size."""
TOO_WIDE = 0.5
"""Width of the interval by depth from which on depth is not informative."""

Floats = NDArray[np.float64]


class Junction(NamedTuple):
    """start: first base deleted; behind: first base after the deletion; repeat: bases that occur at both ends."""

    start: int
    behind: int
    repeat: int


class Across(NamedTuple):
    """Fragments across the junction, and those across the ends of a genome without it, the mean of both ends."""

    joined: int
    whole: float

    @property
    def depth(self) -> float:
        return self.joined + self.whole


def size_of(junction: Junction, length: int) -> int:
    return (junction.behind - junction.start) % length


def junctions(lot: MitochondrialReads, donor: MitochondrialReads) -> list[Junction]:
    """Junctions of deletions in reads of lot and donor together, the commonest first; those that lie near are one."""
    length = len(lot.sequence)
    seen = Counter(Junction(*row) for reads in (lot, donor) for row in reads.junctions[:, :3].tolist())
    seen.update(_by_clips([*lot.clips, *donor.clips], lot.sequence))
    found: list[Junction] = []
    for one, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0])):
        large = SMALLEST <= size_of(one, length) <= LARGEST * length
        if large and not any(abs(one.start - other.start) + abs(one.behind - other.behind) <= NEAR for other in found):
            found.append(one)
    return found


def _by_clips(clips: Sequence[Clip], sequence: str) -> Iterator[Junction]:
    """Junctions of reads too short to be split: clipped at one position, by bases that occur at exactly one other."""
    places: dict[tuple[bool, int], list[bytes]] = {}
    for clip in clips:
        places.setdefault((clip.after, clip.at), []).append(clip.bases)
    for (after, at), held in places.items():
        longest = max(held, key=len).decode()
        seed = longest[:SEED] if after else longest[-SEED:]
        other = sequence.find(seed)
        if len(held) < FEWEST_READS or len(seed) < SEED or other < 0 or sequence.find(seed, other + 1) >= 0:
            continue
        yield _leftmost(sequence, at, other) if after else _leftmost(sequence, other + SEED, at)


def _leftmost(sequence: str, start: int, behind: int) -> Junction:
    """The junction with the bases that fit both of its ends counted as the repeat."""
    before = after = 0
    while before < start and sequence[start - before - 1] == sequence[behind - before - 1]:
        before += 1
    while max(start, behind) + after < len(sequence) and sequence[start + after] == sequence[behind + after]:
        after += 1
    return Junction(start - before, behind - before, before + after)


def across(reads: MitochondrialReads, junction: Junction) -> Across:
    """Fragments of a sample across a junction, by split reads and by clipped ones that go on behind it."""
    split = reads.junctions
    near = np.abs(split[:, 0] - junction.start) + np.abs(split[:, 1] - junction.behind) <= NEAR
    joined = set(split[near, 3].tolist())
    joined |= {clip.fragment for clip in reads.clips if _fits(clip, junction, reads.sequence)}
    whole = [_spanning(reads.spans, place, junction.repeat, joined) for place in (junction.start, junction.behind)]
    return Across(len(joined), sum(whole) / 2)


def _fits(clip: Clip, junction: Junction, sequence: str) -> bool:
    """Whether the bases beyond an alignment are those on the other side of the junction."""
    home, other = (junction.start, junction.behind) if clip.after else (junction.behind, junction.start)
    # Beyond the end an alignment runs on through the repeat, and by chance for some bases more.
    beyond = clip.at - home
    low, high = (0, junction.repeat + 5) if clip.after else (-5, junction.repeat)
    if not low <= beyond <= high:
        return False
    at, bases = other + beyond, clip.bases.decode()
    begin = at if clip.after else at - len(bases)
    around = sequence + sequence
    there = around[begin % len(sequence) :][: len(bases)]
    return sum(a != b for a, b in zip(bases, there, strict=True)) <= MOST_WRONG * len(bases)


def _spanning(spans: Integers, place: int, repeat: int, joined: set[int]) -> int:
    """Fragments with a read over a position and the repeat after it that would be found if it were split there."""
    before, behind = place - spans[:, 0], spans[:, 1] - place - repeat
    over = (np.minimum(before, behind) >= ANCHOR) & (np.maximum(before, behind) >= ALIGNED)
    return len(set(spans[over, 2].tolist()) - joined)


def deletions(lot: MitochondrialReads, donor: MitochondrialReads, settings: Mitochondria) -> pd.DataFrame:
    """Schema MitochondrialDeletions, the most frequent in the lot first."""
    rows: list[dict[str, Any]] = []
    for junction in junctions(lot, donor):
        own, other = across(lot, junction), across(donor, junction)
        enough = [a.joined >= FEWEST_READS and a.joined >= REPORTED * a.depth for a in (own, other)]
        if any(enough):
            rows.append(_row(junction, own, other, lot, donor))
    threshold = settings.family_wise_error / max(len(rows), 1)
    for row in rows:
        differs = row["p"] < threshold and abs(row["shift"]) >= LEAST_SHIFT
        apart = row["depth"] is not None and (row["depth_low"] > row["lot_high"] or row["depth_high"] < row["lot_low"])
        row["finding"] = "artefact" if apart else "shift" if differs else "same"
    rows.sort(key=lambda row: float(row["lot"]), reverse=True)
    return MitochondrialDeletions.validate(MitochondrialDeletions.frame(rows))


def _row(
    junction: Junction, own: Across, other: Across, lot: MitochondrialReads, donor: MitochondrialReads
) -> dict[str, Any]:
    size = size_of(junction, len(lot.sequence))
    counts = [np.array([value]) for value in (own.joined, own.depth, other.joined, other.depth)]
    fractions = [float(n[0] / max(depth[0], 1e-9)) for n, depth in (counts[:2], counts[2:])]
    (low, high), (donor_low, donor_high), shift = wilson(*counts[:2]), wilson(*counts[2:]), newcombe(*counts)
    whole = [np.rint(count).astype(np.int64) for count in counts]
    depth, depth_low, depth_high = by_depth(lot, donor, junction.start, size, fractions[1])
    return {
        "chrom": lot.contig, "start": junction.start % len(lot.sequence), "size": size, "repeat": junction.repeat,
        "common": abs(junction.start - COMMON[0]) <= NEAR and abs(size - COMMON[1]) <= NEAR,
        "lot_reads": own.joined, "lot": fractions[0], "lot_low": low[0], "lot_high": high[0],
        "donor_reads": other.joined, "donor": fractions[1], "donor_low": donor_low[0], "donor_high": donor_high[0],
        "shift": fractions[0] - fractions[1], "shift_low": shift[0][0], "shift_high": shift[1][0],
        "p": float(fisher(*whole)[0]), "depth": depth, "depth_low": depth_low, "depth_high": depth_high,
    }  # fmt: skip


def by_depth(
    lot: MitochondrialReads, donor: MitochondrialReads, start: int, size: int, in_donor: float
) -> tuple[float | None, float | None, float | None]:
    """Fraction of the lot's genomes without these bases by its depth over the donor's, inside against outside, with 99 %
    interval; null where windows are too few or too uneven. in_donor: fraction of the donor's."""
    length = len(lot.sequence)
    own, other = (reads.bases.sum(axis=(1, 2)) for reads in (lot, donor))
    turned = [
        np.roll(depth, -start)[: length // WINDOW * WINDOW].reshape(-1, WINDOW).sum(axis=1) for depth in (own, other)
    ]
    first = np.arange(len(turned[0])) * WINDOW
    deep = np.minimum(*turned) > 0
    inside = deep & (first + WINDOW <= size)
    outside = deep & (first >= size)
    if min(np.count_nonzero(inside), np.count_nonzero(outside)) < 3:
        return None, None, None
    ratio = np.log(np.maximum(turned[0], 1) / np.maximum(turned[1], 1))
    change = float(ratio[inside].mean() - ratio[outside].mean())
    parts = [ratio[part].var(ddof=1) / np.count_nonzero(part) for part in (inside, outside)]
    wide = float(stdtrit(np.count_nonzero(deep) - 2, 0.995) * np.sqrt(sum(parts)))
    middle, low, high = (1 - (1 - in_donor) * float(np.exp(value)) for value in (change, change + wide, change - wide))
    return (middle, low, high) if high - low < TOO_WIDE else (None, None, None)


def smallest_deletion(depth: float, power: float) -> float | None:
    """Smallest fraction of a deletion that is listed with `power`. depth: fragments across a position with its anchors."""
    n = int(depth)
    needed = max(FEWEST_READS, int(np.ceil(REPORTED * n)))
    return float(betaincinv(needed, n - needed + 1, power)) if n >= needed else None


def typical_depth(reads: MitochondrialReads) -> float:
    """Fragments across a position with its anchors, at 95 % of the positions."""
    length = len(reads.sequence)
    edges = np.zeros(length + 1, dtype=np.int64)
    start, end = reads.spans[:, 0] + ANCHOR, reads.spans[:, 1] - ANCHOR
    kept = end >= start
    np.add.at(edges, start[kept], 1)
    np.add.at(edges, np.minimum(end[kept] + 1, length), -1)
    return float(np.quantile(np.cumsum(edges[:-1]), 0.05))
