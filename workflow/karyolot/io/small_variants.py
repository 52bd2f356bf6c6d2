"""Reads at the driver loci, as `bcftools query` prints the pile-up of `bcftools mpileup`, and consequences by `bcftools csq`."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from karyolot.contracts.genes import trimmed
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.small_variants import Consequences, Pileup, SearchedPositions, SeenAlleles, SpikedIndels
from karyolot.io.files import PathLike, open_text

SAMPLES = ("lot", "donor", "rna_lot", "rna_donor")
HEAD = 6
"""Columns of a line before those of the samples: contig, position from 1, ref, alt, whether it is an indel, z of read ends."""
NO_ALLELE = "<*>"
NEAR = 15
"""Bases between a spiked indel and the position at which the pile-up may have it: in a repeat of its own bases."""
PROTEIN = re.compile(r"(\d+)([A-Z*]+)(?:\.\.\d+)?(?:>\d+([A-Z*]+)(?:\.\.\d+)?)?")
"""csq's change of a protein: '175R>175H', '5RCG..9>5S', or '12P' where nothing changes."""
KindOf = Callable[[str, str, int], int]


class Line(NamedTuple):
    """A record of the pile-up. start: 0-based. forward, reverse: reads of each allele, ref first, per sample of SAMPLES."""

    chrom: str
    start: int
    ref: str
    alts: list[str]
    indel: bool
    ends: float
    forward: list[list[int]]
    reverse: list[list[int]]


def pileup_lines(path: PathLike, roles: Sequence[str]) -> Iterator[Line]:
    """Records of a pile-up. roles: of SAMPLES, what each of its files is; files of one role are added up."""
    with open_text(path) as handle:
        for number, text in enumerate(handle, start=1):
            cells = text.rstrip("\n").split("\t")
            if len(cells) != HEAD + 2 * len(roles):
                raise KaryolotError(f"{path}: line {number} has {len(cells)} columns; delete the file and run again")
            alts = cells[3].split(",")
            sums = {name: ([0] * (len(alts) + 1), [0] * (len(alts) + 1)) for name in SAMPLES}
            for place, role in enumerate(roles):
                for side in (0, 1):
                    values = cells[HEAD + 2 * place + side]
                    if values != ".":
                        sums[role][side][:] = map(sum, zip(sums[role][side], map(int, values.split(",")), strict=True))
            ends = float(cells[5]) if cells[5] != "." else float("nan")
            yield Line(
                cells[0],
                int(cells[1]) - 1,
                cells[2].upper(),
                alts,
                cells[4] == "1",
                ends,
                *([sums[name][side] for name in SAMPLES] for side in (0, 1)),
            )


def read_pileup(path: PathLike, roles: Sequence[str], kind_of: KindOf) -> Pileup:
    """What the reads show. kind_of: number of the kind of error, of ref, alt and length of the run of one base."""
    places: list[tuple[str, int, str]] = []
    depths: list[list[int]] = []
    seen: list[tuple[int, Line, str, int]] = []
    for line in pileup_lines(path, roles):
        if not line.indel and line.ref in "ACGT":
            places.append((line.chrom, line.start, line.ref))
            total = [sum(line.forward[i]) + sum(line.reverse[i]) for i in range(len(SAMPLES))]
            depths.append([total[0], sum(line.forward[0]), *total[1:]])
        if not places or (line.indel and places[-1][:2] != (line.chrom, line.start)):
            continue  # an indel whose anchor is N, or lies before the region
        for number, alt in enumerate(line.alts, start=1):
            if alt != NO_ALLELE and any(line.forward[i][number] + line.reverse[i][number] for i in range(len(SAMPLES))):
                seen.append((len(places) - 1, line, alt, number))
    runs = _runs(places)
    names = ["lot_depth", "lot_forward", "donor_depth", "rna_lot_depth", "rna_donor_depth"]
    counted = np.array(depths, dtype=np.int64).reshape(-1, len(names))
    positions = [
        {"chrom": chrom, "start": start, "ref": ref, "run": run} | dict(zip(names, row, strict=True))
        for (chrom, start, ref), run, row in zip(places, runs, counted.tolist(), strict=True)
    ]
    alleles = [_allele(*one, run=runs[min(one[0] + one[1].indel, len(runs) - 1)], kind_of=kind_of) for one in seen]
    return Pileup(SearchedPositions.frame(positions), SeenAlleles.frame(alleles))


def _allele(position: int, line: Line, alt: str, number: int, *, run: int, kind_of: KindOf) -> dict[str, object]:
    start, ref, alt = trimmed(line.start, line.ref, alt)
    row: dict[str, object] = {
        "position": position,
        "start": start,
        "ref": ref,
        "alt": alt,
        "kind": kind_of(ref, alt, run),
    }
    for i, name in enumerate(SAMPLES):
        row[f"{name}_alt"] = line.forward[i][number] + line.reverse[i][number]
        row[f"{name}_depth"] = sum(line.forward[i]) + sum(line.reverse[i])
    return row | {"lot_alt_forward": line.forward[0][number], "lot_forward": sum(line.forward[0]), "ends": line.ends}


def read_spiked(events: PathLike, pileup: PathLike) -> pd.DataFrame:
    """Schema SpikedIndels: what `io.spiked_indels` spiked, and the reads that the pile-up of these reads counts for each."""
    seen: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for line in pileup_lines(pileup, SAMPLES[:1]):
        for number, alt in enumerate(line.alts if line.indel else [], start=1):
            start, ref, alt = trimmed(line.start, line.ref, alt)
            reads = line.forward[0][number] + line.reverse[0][number]
            seen.setdefault((line.chrom, len(alt) - len(ref)), []).append((start, reads))
    rows = []
    with open_text(events) as handle:
        for row in handle:
            window, at, chrom, *numbers = row.split()
            begin, change, carrying = map(int, numbers)
            near = [reads for place, reads in seen.get((window, change), []) if abs(place + 1 - int(at)) <= NEAR]
            facts = {"chrom": chrom, "start": begin, "change": change, "carrying": carrying}
            rows.append(facts | {"counted": min(max(near, default=0), carrying)})
    return SpikedIndels.frame(rows)


def _runs(places: Sequence[tuple[str, int, str]]) -> list[int]:
    """Length of the run of one base at each position, as far as neighbouring positions were counted."""
    runs = [1] * len(places)
    first = 0
    for i in range(1, len(places) + 1):
        same = i < len(places) and (places[i - 1][0], places[i - 1][1] + 1, places[i - 1][2]) == places[i]
        if not same:
            runs[first:i] = [i - first] * (i - first)
            first = i
    return runs


def read_consequences(path: PathLike) -> pd.DataFrame:
    """Schema Consequences of lines of contig, position from 1, ref, alt and BCSQ of one allele each; those without any ('.'),
    and those that refer to another record ('@'), have none."""
    rows = []
    with open_text(path) as handle:
        for line in handle:
            chrom, position, ref, alt, said = line.rstrip("\n").split("\t")
            start, ref, alt = trimmed(int(position) - 1, ref.upper(), alt.upper())
            for one in said.split(",") if said != "." else []:
                if one.startswith("@"):
                    continue
                fields = [*one.lstrip("*").split("|"), *[""] * 7]
                rows.append(
                    {"chrom": chrom, "start": start, "ref": ref, "alt": alt, "gene": fields[1]}
                    | {"consequence": fields[0], "change": _change(fields[0], fields[5])}
                )
    return Consequences.frame(rows)


def _change(consequence: str, said: str) -> str:
    """'R175H' of '175R>175H', 'R196*' of '196R>196*', 'R175fs' of a frameshift; others unchanged; '' of none."""
    found = PROTEIN.fullmatch(said)
    if found is None:
        return ""
    number, old, new = found.groups()
    if "frameshift" in consequence:
        return f"{old[0]}{number}fs"
    return f"{old}{number}{new or '='}"
