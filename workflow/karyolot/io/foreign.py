"""Alignments of reads to the panel of foreign sequences, as minimap2 writes them (PAF), with what the host made of each read.

The names of the reads are made by `plan.foreign`: ROLE.ASSAY,NAME,MATE,CONTIG,POSITION,CIGAR; the contig is * where neither
the read nor its mate lies on the host, the CIGAR where the read itself does not.
"""

from collections.abc import Mapping, Sequence
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
    with open_text(path) as handle:
        if not any(line.startswith(END) for line in handle):
            raise KaryolotError(f"{path}: is cut short; delete it and run again")
    found = []
    for sample in samples:
        hits = read_hits(path, panel, f"{sample['role']}.{sample['assay']},")
        own = nuclear[sample["role"]] if sample["assay"] == "DNA" else None
        rates = (own.autosomal, own.duplicates / max(own.reads, 1)) if own else (None, None)
        found.append(Searched(sample["role"], sample["assay"], hits, *rates))
    return found


def read_hits(path: PathLike, panel: Sequence[PanelSequence], tag: str) -> Hits:
    """The best alignment of every read that is long, alike, of no low complexity, and no part of the host. tag: with which
    the names of the sample's reads begin."""
    bases = {sequence.name: sequence.bases for sequence in panel}
    fragments: dict[str, int] = {}
    rows: list[tuple[int, str, int, int, bool, str, int, bool]] = []
    seen: set[str] = set()
    with open_text(path) as handle:
        for line in handle:
            if not line.startswith(tag):
                continue
            read, _, first, last, strand, name, _, start, end, same, length, *_ = line.split("\t")
            if read in seen or int(length) < FEWEST_BASES or int(same) < LEAST_IDENTITY * int(length):
                continue
            fragment, _, host, at, cigar = read.rsplit(",", 4)
            place = _leaves(int(first), int(last), int(at) - 1, cigar)
            if place is None or dust(bases[name][int(start) : int(end)]) > SIMPLE:
                continue
            seen.add(read)
            number = fragments.setdefault(fragment, len(fragments))
            split = cigar != "*"
            rows.append((number, name, int(start), int(end), strand == "-", "" if host == "*" else host, place, split))
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
