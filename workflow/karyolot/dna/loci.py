"""Where the driver genes and their recurrent mutations lie: by gene, transcript and codon, checked against the bases there."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.contigs import contig_key
from karyolot.contracts.drivers import DriverGene, DriverLoci, DriverPanel, Role
from karyolot.contracts.genes import Model, unversioned
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Layout

BasesAt = Callable[[str, int, int], str]
"""Contig, start, end (0-based half-open) -> upper-case bases of the genome's forward strand."""
COMPLEMENT = str.maketrans("ACGT", "TGCA")
_ORDER = "TCAG"
_CODE = "FFLLSSSSYY**CC*WLLLLPPPPHHQQRRRRIIIMTTTTNNKKSSRRVVVVAAAADDEEGGGG"
CODONS = {
    a + b + c: _CODE[16 * i + 4 * j + k]
    for i, a in enumerate(_ORDER)
    for j, b in enumerate(_ORDER)
    for k, c in enumerate(_ORDER)
}
"""The standard genetic code."""
SPLICE = 2
"""Bases of an intron beside a coding exon that are searched: the splice site."""
BY_POSITION = "searched, but no complete coding transcript has this name: its variants are named by position"
"""Of a gene of the user's list that the annotation names otherwise."""
MOST_WRONG = 0.5
"""Part of the recurrent mutations whose reference is not that of the genome, from which on genome, annotation and panel cannot
belong together."""


class Located(NamedTuple):
    """loci: schema DriverLoci. models: the transcript of each gene that was found."""

    loci: pd.DataFrame
    models: tuple[Model, ...]
    panel: DriverPanel


def coding_positions(model: Model | DriverGene) -> NDArray[np.int64]:
    """Positions of the bases of a coding sequence, 0-based, in the direction of translation."""
    positions = np.concatenate([np.arange(start, end) for start, end in model.cds])
    return positions if model.strand == "+" else positions[::-1]


def spliced(model: Model, bases: BasesAt) -> str:
    """The coding sequence in the direction of translation."""
    forward = "".join(bases(model.chrom, start, end) for start, end in model.cds)
    return forward if model.strand == "+" else forward.translate(COMPLEMENT)[::-1]


def choose(models: Sequence[Model], transcript: str) -> Model | None:
    """The transcript that numbers the codons of a gene: the named one (in any version), else the highest rank, else the longest.

    None without a transcript whose coding sequence has a start and whole codons.
    """
    whole = [m for m in models if m.complete and sum(end - start for start, end in m.cds) % 3 == 0]
    named = [m for m in whole if transcript and _bare(m.transcript) == _bare(transcript)]
    return max(named or whole, key=lambda m: (m.rank, sum(end - start for start, end in m.cds)), default=None)


def _bare(transcript: str) -> str:
    return transcript.partition(".")[0] if transcript.startswith("ENST") else unversioned(transcript)


def locate(
    genes: Sequence[Mapping[str, str]],
    hotspots: Sequence[Mapping[str, str]],
    models: Sequence[Model],
    own: Sequence[tuple[str, int, int, str]],
    bases: BasesAt,
) -> Located:
    """Loci of the panel and of the user's list in this genome.

    Parameters
    ----------
    genes, hotspots
        Rows of the two tables (`inputs.formats.drivers`).
    models
        Coding transcripts of the genes.
    own
        (contig, start, end, gene) of the user's list, gene '' where it has no name.

    Raises
    ------
    KaryolotError
        More than half of the recurrent mutations have another residue or base than the panel states.
    """
    parts = [_part(gene, hotspots, models, bases) for gene in genes]
    _stop_when_wrong(parts)
    rows = [row for part in parts for row in part.rows]
    rows += [
        _row(chrom, start, end, name or f"{chrom}:{start + 1}-{end}", "own", "") for chrom, start, end, name in own
    ]
    names = dict.fromkeys(str(row["gene"]) for row in rows if row["role"] == "own")
    found = [part.gene for part in parts]
    chosen = [part.model for part in parts if part.model is not None]
    chosen += _of_list(names, models, chosen)
    of_name = {model.gene: model for model in chosen}
    unnamed = {name for *_, name in own if name and models} - of_name.keys()
    found += [_gene(name, "own", of_name.get(name), 0, BY_POSITION if name in unnamed else "") for name in names]
    loci = DriverLoci.frame(rows).sort_values(["chrom", "start", "end", "hotspot", "gene"]).reset_index(drop=True)
    return Located(loci, tuple(chosen), DriverPanel(genes=tuple(found)))


class _Part(NamedTuple):
    """What one gene of the panel adds. wrong: recurrent mutations whose reference is not the genome's. checked: of those that
    lie in the transcript."""

    gene: DriverGene
    model: Model | None
    rows: list[dict[str, object]]
    wrong: list[str]
    checked: int


def _part(
    gene: Mapping[str, str], hotspots: Sequence[Mapping[str, str]], models: Sequence[Model], bases: BasesAt
) -> _Part:
    name, role = gene["gene"], _role(gene)
    model = choose([m for m in models if m.gene == name], gene["transcript"])
    if model is None:
        missing = "no complete coding transcript of this name in the annotation"
        return _Part(_gene(name, role, None, 0, missing), None, [], [], 0)
    sequence, positions = spliced(model, bases), coding_positions(model)
    rows, wrong, absent, located = [], [], [], 0
    for row in (row for row in hotspots if row["gene"] == name):
        read, places = _read(row, model, sequence, positions, bases)
        if not read:
            absent.append(f"{row['position']} is not in {model.transcript}")
        elif read != row["reference"]:
            wrong.append(f"{name} {row['position']} is {read} in {model.transcript} instead of {row['reference']}")
        else:
            located += 1
            label = row["reference"] + row["position"][2:] if row["position"][0] == "p" else row["position"]
            rows += [_row(model.chrom, *place, name, role, label) for place in places]
    rows += [_row(model.chrom, *place, name, role, "") for place in _region(gene, model, positions)]
    missing = "; ".join(_other(gene["transcript"], model.transcript) + absent + wrong) or (
        "" if rows else "no recurrent mutation of it is listed"
    )
    return _Part(_gene(name, role, model, located, missing), model, rows, wrong, located + len(wrong))


def _gene(name: str, role: Role, model: Model | None, hotspots: int, missing: str) -> DriverGene:
    known = {} if model is None else {"chrom": model.chrom, "strand": model.strand, "cds": model.cds}
    transcript = "" if model is None else model.transcript
    return DriverGene(gene=name, role=role, transcript=transcript, hotspots=hotspots, missing=missing, **known)


def _other(named: str, used: str) -> list[str]:
    """A note where the annotation lacks the transcript that the panel names, and numbers its own alike: ENST, NM."""
    kinds = {re.match(r"[A-Za-z_]*", one)[0] for one in (named, used)}  # type: ignore[index]
    lacking = named and _bare(named) != _bare(used) and len(kinds) == 1
    return [f"{named} is not complete in the annotation, {used} is searched"] if lacking else []


def _stop_when_wrong(parts: Sequence[_Part]) -> None:
    wrong, checked = [fault for part in parts for fault in part.wrong], sum(part.checked for part in parts)
    if wrong and len(wrong) > MOST_WRONG * checked:
        raise KaryolotError(
            f"genome, annotation and driver panel do not belong together: {wrong[0]}, and {len(wrong)} of {checked} recurrent"
            " mutations have another reference; give the GTF and the FASTA of one assembly, and small_variants.hotspots numbered"
            " by transcripts of that annotation"
        )


def _of_list(names: Mapping[str, None], models: Sequence[Model], chosen: Sequence[Model]) -> list[Model]:
    """Transcripts of the genes of the user's list that the panel does not hold, for the consequences of their variants."""
    others = [name for name in names if name not in {model.gene for model in chosen}]
    return [model for name in others if (model := choose([m for m in models if m.gene == name], "")) is not None]


def _row(chrom: str, start: int, end: int, gene: str, role: str, hotspot: str) -> dict[str, object]:
    return {"chrom": chrom, "start": start, "end": end, "gene": gene, "role": role, "hotspot": hotspot}


def _role(gene: Mapping[str, str]) -> Role:
    return "driver" if gene["role"] == "driver" else "benign"


def _read(
    row: Mapping[str, str], model: Model, sequence: str, positions: NDArray[np.int64], bases: BasesAt
) -> tuple[str, list[tuple[int, int]]]:
    """The residue or base of the genome at a recurrent mutation, '' where the transcript does not reach; and its intervals."""
    number = int(row["position"].lstrip("pc.-"))
    if row["position"].startswith("c."):
        place = int(positions[0]) + (-number if model.strand == "+" else number)
        forward = bases(model.chrom, place, place + 1) if place >= 0 else ""
        return forward if model.strand == "+" else forward.translate(COMPLEMENT), [(place, place + 1)]
    own = positions[3 * number - 3 : 3 * number].tolist()
    return CODONS.get(sequence[3 * number - 3 : 3 * number], ""), list(_intervals(sorted(own)))


def _region(gene: Mapping[str, str], model: Model, positions: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Intervals of a gene that are searched beside its recurrent mutations."""
    if gene["scope"].startswith("codons"):
        first, last = map(int, gene["scope"].removeprefix("codons ").split("-"))
        yield from _intervals(sorted(positions[3 * first - 3 : 3 * last].tolist()))
    elif gene["scope"] == "coding":
        last_piece = len(model.cds) - 1
        for number, (start, end) in enumerate(model.cds):
            yield start - SPLICE * (number > 0), end + SPLICE * (number < last_piece)


def _intervals(places: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Sorted positions as intervals."""
    first = 0
    for i in range(1, len(places) + 1):
        if i == len(places) or places[i] != places[i - 1] + 1:
            yield places[first], places[i - 1] + 1
            first = i


def merged(loci: pd.DataFrame) -> pd.DataFrame:
    """chrom, start, end, gene of the union of all loci: where reads are counted. loci: schema DriverLoci."""
    found: list[tuple[str, int, int, str]] = []
    ordered = loci.sort_values(["chrom", "start"])
    for chrom, start, end, gene in zip(
        *(ordered[name].tolist() for name in ("chrom", "start", "end", "gene")), strict=True
    ):
        if found and found[-1][0] == chrom and start <= found[-1][2]:
            genes = dict.fromkeys([*found[-1][3].split(","), gene])
            found[-1] = chrom, found[-1][1], max(found[-1][2], end), ",".join(genes)
        else:
            found.append((chrom, start, end, gene))
    return pd.DataFrame(found, columns=["chrom", "start", "end", "gene"])


def haploid(layout: Layout, sex: str, loci: pd.DataFrame) -> frozenset[str]:
    """Contigs of the loci that a normal cell of this sex has one copy of. loci: schema DriverLoci."""
    single = {contig_key(name) for name in (layout.x, layout.y) if name is not None and sex == "M"}
    return frozenset(name for name in loci["chrom"].unique() if contig_key(name) in single)
