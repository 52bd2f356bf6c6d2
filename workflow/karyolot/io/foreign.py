"""Alignments of reads to the panel of foreign sequences, as minimap2 writes them (PAF), with what the host made of each read.

The names of the reads are made by `plan.foreign`: ROLE.ASSAY,NAME,MATE,CONTIG,POSITION,CIGAR; the contig is * where neither
the read nor its mate lies on the host, the CIGAR where the read itself does not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from karyolot.contracts.foreign import Hits, PanelSequence, Searched
from karyolot.contracts.mitochondria import NuclearReads
from karyolot.contracts.problems import KaryolotError
from karyolot.io.cigar import part_of
from karyolot.io.files import PathLike, open_text

FEWEST_BASES, LEAST_IDENTITY = 35, 0.9
"""Of an alignment: 35 bases fit a panel of 10 Mb by chance once in 10^14; genotypes of one virus differ in 8 to 12 %."""
MOST_SHARED = 10
"""Bases of a read that may fit host and panel alike where it is split between them."""
SIMPLE = 2.0
"""DUST score (Morgulis 2006, doi 10.1089/cmb.2006.13.1028) above which a region is of low complexity."""


END = "# end"
"""Last line of a whole file."""


def read_searched(
    path: PathLike,
    panel: Sequence[PanelSequence],
    samples: Sequence[Mapping[str, Any]],
    nuclear: Mapping[str, NuclearReads],
) -> list[Searched]:
    """What each sample shows. samples: role and assay of each. nuclear: by role. Raises KaryolotError for a cut file."""
    complete = False

    def alignments(handle: Iterable[str]) -> Iterator[str]:
        nonlocal complete
        for line in handle:
            complete = line.startswith(END)
            if not complete:
                yield line

    hits: list[Hits] = []
    with open_text(path) as handle, suppress(ValueError):  # the last line of a cut file
        hits = read_hits(alignments(handle), panel, [f"{sample['role']}.{sample['assay']}" for sample in samples])
    if not complete:
        raise KaryolotError(f"{path}: is truncated; delete it and run again")
    found = []
    for sample, own_hits in zip(samples, hits, strict=True):
        own = nuclear[sample["role"]] if sample["assay"] == "DNA" else None
        rates = (own.autosomal, own.duplicates / max(own.reads, 1)) if own else (None, None)
        found.append(Searched(sample["role"], sample["assay"], own_hits, *rates))
    return found


def read_hits(lines: Iterable[str], panel: Sequence[PanelSequence], tags: Sequence[str]) -> list[Hits]:
    """Of each sample the best alignment of every read that is long, alike, of no low complexity, and no part of the host.

    tags: what the names of each sample's reads begin with, up to the first comma; lines of other samples are passed over.
    """
    bases = {sequence.name: sequence.bases for sequence in panel}
    fragments: dict[str, dict[str, int]] = {tag: {} for tag in tags}
    rows: dict[str, list[tuple[int, str, int, int, bool, str, int, bool]]] = {tag: [] for tag in tags}
    seen: set[str] = set()
    for line in lines:
        read, _, first, last, strand, name, _, start, end, same, length, *_ = line.split("\t")
        tag = read.partition(",")[0]
        if tag not in rows or read in seen or int(length) < FEWEST_BASES or int(same) < LEAST_IDENTITY * int(length):
            continue
        fragment, _, host, at, cigar = read.rsplit(",", 4)
        place = _leaves(int(first), int(last), int(at) - 1, cigar)
        if place is None or dust(bases[name][int(start) : int(end)]) > SIMPLE:
            continue
        seen.add(read)
        number = fragments[tag].setdefault(fragment, len(fragments[tag]))
        known = "" if host == "*" else host
        rows[tag].append((number, name, int(start), int(end), strand == "-", known, place, cigar != "*"))
    return [_hits(own) for own in rows.values()]


def _hits(rows: Sequence[tuple[int, str, int, int, bool, str, int, bool]]) -> Hits:
    columns = list(zip(*rows, strict=True)) or [()] * 8
    kinds = (np.int64, np.str_, np.int64, np.int64, np.bool_, np.str_, np.int64, np.bool_)
    return Hits(*(np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)))


def _leaves(first: int, last: int, at: int, cigar: str) -> int | None:
    """Where a read leaves the host, or where its mate lies; None when the host explains the bases that fit the panel.

    first, last: of the read's bases that fit the panel. at: where the read or its mate starts on the host.
    """
    if cigar == "*":
        return max(at, 0)
    begin, stop, _, end = part_of(cigar, at)
    if min(last, stop) - max(first, begin) > MOST_SHARED:
        return None
    return end if first >= begin else at


def dust(bases: bytes) -> float:
    """How often triplets come again: about 0.5 in random bases, 10 and more in repeats of one or two."""
    counts: dict[bytes, int] = {}
    for at in range(len(bases) - 2):
        counts[bases[at : at + 3]] = counts.get(bases[at : at + 3], 0) + 1
    return sum(n * (n - 1) / 2 for n in counts.values()) / max(len(bases) - 3, 1)
