"""Names for the zoomed plot and the donor's own changes: cytobands, and the genes of what changed."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from karyolot.contracts.copy_number import Landmarks
from karyolot.dna.atlas import Atlas

MOST_GENES = 300
"""Genes named in one change; of a change with more only the listed ones are, for no plot can name the others."""
PLACE = ["chrom", "start", "end"]


def landmarks(atlas: Atlas, contigs: Sequence[str], calls: pd.DataFrame, variants: pd.DataFrame) -> pd.DataFrame:
    """Schema Landmarks: the cytobands of these contigs, and the genes in called changes and in those of the donor."""
    rows = [*_bands(atlas, contigs)]
    for chrom, start, end in _places(pd.concat([calls[PLACE], variants[PLACE]])):
        rows += _genes(atlas, chrom, start, end)
    order = {name: number for number, name in enumerate(contigs)}
    kept = list({tuple(row.values()): row for row in rows if row["name"]}.values())
    kept.sort(key=lambda row: (row["kind"] != "band", order[row["chrom"]], row["start"], row["end"], row["name"]))
    return Landmarks.frame(kept)


def _places(table: pd.DataFrame) -> list[tuple[str, int, int]]:
    return list(zip(*(table[name].tolist() for name in PLACE), strict=True))


def _bands(atlas: Atlas, contigs: Sequence[str]) -> Iterator[dict[str, Any]]:
    for contig in contigs:
        for band in atlas.bands_in(contig).itertuples():
            yield {"chrom": contig, "start": band.start, "end": band.end, "kind": "band", "name": band.band}


def _genes(atlas: Atlas, chrom: str, start: int, end: int) -> Iterator[dict[str, Any]]:
    inside = atlas.genes_in(chrom, start, end)
    listed = set(atlas.recurrent_genes(chrom, start, end))
    for gene in inside.itertuples():
        if len(inside) <= MOST_GENES or gene.gene_name in listed:
            kind = "listed" if gene.gene_name in listed else "gene"
            yield {"chrom": chrom, "start": gene.start, "end": gene.end, "kind": kind, "name": gene.gene_name}


def with_names(variants: pd.DataFrame, atlas: Atlas) -> pd.DataFrame:
    """The donor's own changes (schema DonorVariants) with their bands and genes."""
    places = _places(variants)
    genes = [",".join(filter(None, dict.fromkeys(atlas.genes_in(*place)["gene_name"]))) for place in places]
    return variants.assign(bands=[atlas.bands(*place) for place in places], genes=genes)
