"""What alleles do to a protein that `bcftools csq` was not given: several substitutions of one codon, and another caller's calls.

csq takes each substitution of the pile-up alone. Two in one codon are most often one mutation, whose residue neither of them
makes: GTG to AAG is V600K, and G>A alone V600M. The pile-up does not phase reads, so substitutions of one codon count as one
mutation when lot and donor show them alike.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from karyolot.contracts.drivers import DriverGene
from karyolot.dna.loci import CODONS, COMPLEMENT, SPLICE, coding_positions

ALIKE = 0.7
"""Reads with the rarer substitution over those with the other, from which on two of one codon count as one mutation: of one
fragment they differ only by filters of base quality."""
RANKS = ("start_lost", "stop_gained", "stop_lost", "missense", "synonymous")
"""Consequences of substitutions, the gravest first."""
ALLELE = ("chrom", "start", "ref", "alt")
UNKNOWN = "coding_sequence"
"""Of an allele in a codon that no read covers as a whole."""
Bases = Callable[[str, int], str]
"""Contig and position (0-based) -> reference base where reads were counted, else N."""


class Effect(NamedTuple):
    """consequence: in the words of csq, '' = neither coding nor splice site. change: of the protein, 'R175H'; '' = none."""

    consequence: str
    change: str


NO_EFFECT = Effect("", "")


class Coding(NamedTuple):
    """A coding sequence. places: positions (0-based) in the direction of translation; number: of each position among them."""

    gene: DriverGene
    places: list[int]
    number: dict[int, int]

    @classmethod
    def of(cls, gene: DriverGene) -> "Coding":
        places = coding_positions(gene).tolist()
        return cls(gene, places, {place: number for number, place in enumerate(places)})


def codings(genes: Sequence[DriverGene]) -> dict[str, Coding]:
    """Coding sequences by gene, of those that were located."""
    return {gene.gene: Coding.of(gene) for gene in genes if gene.cds}


def base_at(positions: pd.DataFrame) -> Bases:
    """positions: schema SearchedPositions, sorted within each contig."""
    held = {chrom: (part["start"].to_numpy(), part["ref"].to_numpy()) for chrom, part in positions.groupby("chrom")}

    def at(chrom: str, place: int) -> str:
        starts, refs = held.get(chrom, (np.array([]), np.array([])))
        row = int(np.searchsorted(starts, place))
        return str(refs[row]) if row < len(starts) and starts[row] == place else "N"

    return at


def effect(coding: Coding, bases: Bases, start: int, ref: str, alt: str) -> Effect:
    """Of an allele in its shortest form on the contig of a gene, by its coding sequence alone."""
    if len(ref) == len(alt):
        new = {start + i: alt[i] for i in range(len(ref)) if ref[i] != alt[i]}
        found, before, behind = _of_codons(coding, bases, new), [*new], [*new]
    else:
        same = int(ref[0] == alt[0])
        span = range(start + same, start + len(ref))
        found = _of_indel(coding, span, len(alt) - same)
        before, behind = ([*span], [*span]) if span else ([start], [start + 1])
    sites = _splice_sites(coding.gene, before, behind)
    return found._replace(consequence="&".join(filter(None, [found.consequence, *sites])))


def _of_codons(coding: Coding, bases: Bases, places: Mapping[int, str]) -> Effect:
    codons = sorted({coding.number[place] // 3 for place in places if place in coding.number})
    if not codons:
        return NO_EFFECT
    kinds, before, after = [], "", ""
    for codon in range(codons[0], codons[-1] + 1):
        old = _reference(coding, bases, codon)
        new = [places.get(place, base) for place, base in zip(_places(coding, codon), old, strict=True)]
        was, becomes = _residue(coding, old), _residue(coding, new)
        if not was or not becomes:
            return Effect(UNKNOWN, "")
        before, after = before + was, after + becomes
        kinds.append(_kind(codon, was, becomes))
    after = after[: after.find("*") + 1] or after  # nothing behind a stop is read
    return Effect(min(kinds, key=RANKS.index), f"{before}{codons[0] + 1}{'=' if before == after else after}")


def _places(coding: Coding, codon: int) -> list[int]:
    return coding.places[3 * codon : 3 * codon + 3]


def _reference(coding: Coding, bases: Bases, codon: int) -> list[str]:
    """Bases of a codon on the forward strand, N where no read covers it."""
    return [bases(coding.gene.chrom, place) for place in _places(coding, codon)]


def _residue(coding: Coding, codon: Sequence[str]) -> str:
    """Amino acid of three bases of the forward strand, '' where one is not known."""
    read = "".join(codon)
    return CODONS.get(read if coding.gene.strand == "+" else read.translate(COMPLEMENT), "")


def _kind(codon: int, before: str, after: str) -> str:
    if before == after:
        return "synonymous"
    if codon == 0:
        return "start_lost"
    return "stop_gained" if after == "*" else "stop_lost" if before == "*" else "missense"


def _of_indel(coding: Coding, span: range, added: int) -> Effect:
    """Of `added` bases that replace those of a span."""
    gone = [coding.number[place] for place in span if place in coding.number]
    edges = [coding.number[place] for place in (span.start - 1, span.stop) if place in coding.number]
    inside = len(edges) == 2 and abs(edges[0] - edges[1]) == len(gone) + 1
    if not gone and not inside:
        return NO_EFFECT
    if (added - len(gone)) % 3:
        return Effect("frameshift", "")
    return Effect("inframe_altering" if gone and added else "inframe_insertion" if added else "inframe_deletion", "")


def _splice_sites(gene: DriverGene, before: Sequence[int], behind: Sequence[int]) -> list[str]:
    """Sites of an intron that hold one of the positions: `before` of those that lie before an exon, `behind` of the others."""
    sites: dict[str, None] = {}
    for (_, end), (start, _) in zip(gene.cds, gene.cds[1:], strict=False):
        for first, places, donor in ((end, behind, gene.strand == "+"), (start - SPLICE, before, gene.strand == "-")):
            if any(first <= place < first + SPLICE for place in places):
                sites["splice_donor" if donor else "splice_acceptor"] = None
    return list(sites)


def in_one_codon(variants: pd.DataFrame, genes: Mapping[str, Coding], bases: Bases) -> pd.DataFrame:
    """Variants with substitutions of one codon as one, which has the reads of the rarest of them.

    variants: with chrom, start, end, ref, alt, lot_alt, origin, shows, artefact. Those that no codon joins stay as they are.
    """
    alone = (
        variants["shows"]
        & variants["artefact"].eq("")
        & variants["ref"].str.len().eq(1)
        & variants["alt"].str.len().eq(1)
    )
    held: dict[tuple[str, int, str], list[int]] = {}
    for number in np.flatnonzero(alone).tolist():
        row = variants.iloc[number]
        for name, coding in genes.items():
            if coding.gene.chrom == row["chrom"] and row["start"] in coding.number:
                held.setdefault((name, coding.number[row["start"]] // 3, str(row["origin"])), []).append(number)
                break
    rows: list[dict[str, Any]] = []
    gone: set[int] = set()
    for numbers in held.values():
        own = variants.iloc[numbers]
        alike = own["lot_alt"].min() >= ALIKE * own["lot_alt"].max() and own["lot_alt"].min() > 0
        near = own["end"].max() - own["start"].min() <= 3  # no intron splits the codon between them
        if len(own) > 1 and own["start"].is_unique and alike and near:
            rows.append(_joined(own, bases))
            gone |= set(numbers)
    if not rows:
        return variants
    kept = variants.iloc[np.array([number for number in range(len(variants)) if number not in gone], dtype=np.int64)]
    joined = pd.DataFrame(rows, columns=variants.columns).astype(variants.dtypes)
    # Another caller may have joined them too.
    return pd.concat([joined, kept], ignore_index=True).drop_duplicates(list(ALLELE))


def _joined(own: pd.DataFrame, bases: Bases) -> dict[str, Any]:
    """One row of several substitutions, from the first of their positions to the last."""
    row = {str(name): value for name, value in own.sort_values("lot_alt", kind="stable").to_dict("records")[0].items()}
    places = range(int(own["start"].min()), int(own["end"].max()))
    ref = [bases(str(row["chrom"]), place) for place in places]
    new = dict(zip(own["start"], own["alt"], strict=True))
    alt = [new.get(place, base) for place, base in zip(places, ref, strict=True)]
    return row | {
        "start": places[0],
        "end": places[-1] + 1,
        "ref": "".join(ref),
        "alt": "".join(alt),
        "p": own["p"].max(),
    }
