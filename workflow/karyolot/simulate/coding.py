"""Coding sequences of the driver genes of the miniature: reading frames in its invented bases, with the real hotspot residues."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from karyolot.simulate.genome import COMPLEMENT, WINDOW, Bases, Genome, N

UNTRANSLATED = 30
"""Bases of a mature transcript before and behind its coding sequence."""
STOPS = (b"TAA", b"TAG", b"TGA")
CODON = dict(
    zip(
        "ARNDCQEGHILKMFPSTWYV",
        "GCC CGC AAC GAC TGC CAG GAG GGC CAC ATC CTC AAG ATG TTC CCC TCC ACC TGG TAC GTC".split(),
        strict=True,
    )
)
"""Residue -> its codon here. CGC and CAC differ in one base: R175H of TP53 is one substitution, as in people."""


@dataclass(frozen=True)
class Coding:
    """positions: of the coding bases and the stop codon, global, in the direction of translation. hotspots: rows of the table of
    recurrent mutations that lie in the miniature."""

    positions: NDArray[np.int64]
    forward: bool
    hotspots: tuple[Mapping[str, str], ...]

    def codon(self, number: int) -> NDArray[np.int64]:
        return self.positions[3 * number - 3 : 3 * number]


@dataclass(frozen=True)
class Mutation:
    """A substitution of one residue in the second copy of a gene, in a fraction of the cells: TP53 R175H."""

    gene: str
    change: str
    fraction: float = 1.0


def write_coding(genome: Genome, genes: Iterable[str], hotspots: Sequence[Mapping[str, str]]) -> dict[str, Coding]:
    """Give those of `genes` that the genome has a reading frame, in place; by gene. hotspots: of all genes."""
    wanted, found = set(genes), {}
    for row in genome.genes.to_dict("records"):
        if row["gene_name"] in wanted:
            own = [spot for spot in hotspots if spot["gene"] == row["gene_name"]]
            found[str(row["gene_name"])] = _frame(genome, row, own)
    return found


def _frame(genome: Genome, row: Mapping[Any, Any], hotspots: Sequence[Mapping[str, str]]) -> Coding:
    forward = row["strand"] == "+"
    mature = np.r_[row["start"] : row["intron_start"], row["intron_end"] : row["end"]]
    mature = mature if forward else mature[::-1]
    codons = (len(mature) - 2 * UNTRANSLATED) // 3
    positions = mature[UNTRANSLATED : UNTRANSLATED + 3 * codons]
    sense = genome.bases[positions] if forward else COMPLEMENT[genome.bases[positions]]
    frame = sense.reshape(-1, 3)
    frame[[codon.tobytes() in STOPS for codon in frame], 0] = ord("C")
    frame[0], frame[-1] = list(b"ATG"), list(b"TAA")
    fitting = []
    for spot in hotspots:
        kind, number = spot["position"][:2], int(spot["position"].lstrip("pc.-"))
        if kind == "p." and number < codons:
            frame[number - 1] = list(CODON[spot["reference"]].encode())
            fitting.append(spot)
        elif kind == "c.":
            place = positions[0] - number if forward else positions[0] + number
            if genome.bases[place] != N:
                base = ord(spot["reference"])
                genome.bases[place] = base if forward else COMPLEMENT[base]
                fitting.append(spot)
    sense = frame.reshape(-1)
    genome.bases[positions] = sense if forward else COMPLEMENT[sense]
    return Coding(positions, forward, tuple(fitting))


def substituted(genome: Genome, coding: Coding, change: str) -> tuple[int, int]:
    """Global position and new base of a change such as 'R175H'. Raises ValueError when it is not one base of a codon."""
    codon = coding.codon(int(change[1:-1]))
    here = genome.bases[codon] if coding.forward else COMPLEMENT[genome.bases[codon]]
    there = np.frombuffer(CODON[change[-1]].encode(), np.uint8)
    differs = np.flatnonzero(here != there)
    if len(differs) != 1:
        raise ValueError(f"{change} is not a substitution of one base here")
    base = there[differs[0]]
    return int(codon[differs[0]]), int(base if coding.forward else COMPLEMENT[base])


def with_mutations(
    genome: Genome, pair: Bases, coding: Mapping[str, Coding], mutations: Iterable[Mutation]
) -> tuple[Bases, float]:
    """Two genomes, and a third that is the second with the mutations; and the fraction of the second's copies that have them.

    `pair` itself and 0 without any. All mutations of a lot are of one clone.
    """
    mutations = tuple(mutations)
    if not mutations:
        return pair, 0.0
    third = pair[1].copy()
    for mutation in mutations:
        place, base = substituted(genome, coding[mutation.gene], mutation.change)
        third[place] = base
    return np.concatenate([pair, third[None]]), mutations[0].fraction


def windows_of(genome: Genome, coding: Iterable[Coding], beside: int) -> NDArray[np.bool_]:
    """Windows within `beside` bases of the coding sequences."""
    near = np.zeros(len(genome.gc), bool)
    for one in coding:
        near[(one.positions.min() - beside) // WINDOW : (one.positions.max() + beside) // WINDOW + 1] = True
    return near
