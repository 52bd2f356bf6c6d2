"""Names of regions: cytobands, and the recurrent regions and genes."""

import sys
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from karyolot.contracts.contigs import contig_key, is_in
from karyolot.contracts.settings import Region


class Atlas(NamedTuple):
    """Named regions of a genome. Contigs may be spelled with or without 'chr' everywhere.

    cytobands: chrom, start, end, band. recurrent: region, change, genes, context, source (inputs.formats.regions). genes:
    chrom, start, end, gene_name of the annotation; no rows when the run has none. immune_receptors: genes that
    lymphocytes rearrange.
    """

    cytobands: pd.DataFrame
    recurrent: pd.DataFrame
    genes: pd.DataFrame
    immune_receptors: tuple[Region, ...] = ()

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> "Atlas":
        """An atlas whose tables are given as plain columns (name -> array or list)."""
        tables = {"cytobands", "recurrent", "genes"}
        parts: dict[str, Any] = {name: pd.DataFrame(part) if name in tables else part for name, part in columns.items()}
        return cls(**parts)

    def recurrent_places(self) -> list[tuple[str, str, int, int]]:
        """(region, contig key, start, end) of every recurrent region that the cytobands know, in the table's order."""
        keys = self.cytobands["chrom"].map(contig_key)
        places = []
        for region in dict.fromkeys(self.recurrent["region"]):
            inside = [
                key == region or is_in(key + band, region)
                for key, band in zip(keys, self.cytobands["band"], strict=True)
            ]
            own = self.cytobands[inside]
            if len(own):
                places.append((region, keys[own.index[0]], int(own["start"].min()), int(own["end"].max())))
        return places

    def in_immune_receptors(self, chrom: str, start: int, end: int) -> bool:
        """Whether such genes make up at least half of [start, end)."""
        own = [r for r in self.immune_receptors if contig_key(r.chrom) == contig_key(chrom)]
        return 2 * sum(max(0, min(r.end, end) - max(r.start, start)) for r in own) >= end - start

    def genes_in(self, chrom: str, start: int, end: int) -> pd.DataFrame:
        """Rows of `genes` that overlap an interval."""
        return _overlapping(self.genes, chrom, start, end)

    def bands_in(self, chrom: str, start: int = 0, end: int = sys.maxsize) -> pd.DataFrame:
        """Rows of `cytobands` that overlap an interval, or a whole contig."""
        return _overlapping(self.cytobands, chrom, start, end)

    def bands(self, chrom: str, start: int, end: int) -> str:
        """'20q11.21-q11.23', '20q11.21', or '' without cytobands."""
        inside = self.bands_in(chrom, start, end)["band"].tolist()
        if not inside:
            return ""
        name = contig_key(chrom)
        return f"{name}{inside[0]}" if len(inside) == 1 else f"{name}{inside[0]}-{inside[-1]}"

    def recurrent_regions_of(self, chrom: str, start: int, end: int, change: str) -> list[str]:
        """Recurrent regions a change of this type touches. '8' is a chromosome, '1q' an arm, '20q11.21' a band."""
        bands = {contig_key(chrom) + band for band in _overlapping(self.cytobands, chrom, start, end)["band"]}
        names = self.recurrent.loc[self.recurrent["change"] == change, "region"]
        return [name for name in names if name == contig_key(chrom) or any(is_in(band, name) for band in bands)]

    def recurrent_genes(self, chrom: str, start: int, end: int) -> list[str]:
        wanted = {gene for genes in self.recurrent["genes"] for gene in genes.split(",") if gene}
        inside = _overlapping(self.genes, chrom, start, end)
        return sorted(set(inside["gene_name"]) & wanted)

    def gene_of(self, genes: Sequence[str], change: str) -> str:
        """The first of these genes that the list names for this type of change; '' = none."""
        listed = self.recurrent.loc[self.recurrent["change"] == change, "genes"]
        return next((gene for row in listed for gene in row.split(",") if gene in genes), "")


def _overlapping(table: pd.DataFrame, chrom: str, start: int, end: int) -> pd.DataFrame:
    own = [name for name in table["chrom"].unique() if contig_key(name) == contig_key(chrom)]
    return table[table["chrom"].isin(own) & (table["start"] < end) & (table["end"] > start)]
