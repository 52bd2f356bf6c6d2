"""Genes and recurrent mutations that are searched for small variants, and their loci in the genome of a run."""

from typing import Literal

import pandera.pandas as pa
from pandera.typing import Series

from karyolot.contracts.copy_number import Facts, Table

Role = Literal["driver", "benign", "own"]
"""driver: of tumours. benign: of clones of normal liver, for information. own: of the user's list."""


class DriverLoci(Table):
    """Intervals that are searched, 0-based half-open; those of one gene may overlap.

    hotspot: 'R175' for a codon (two intervals where an intron splits it), 'c.-124' for a base of a promoter; '' = the
    region of a gene.
    """

    chrom: Series[str]
    start: Series[int] = pa.Field(ge=0)
    end: Series[int] = pa.Field(gt=0)
    gene: Series[str]
    role: Series[str] = pa.Field(isin=["driver", "benign", "own"])
    hotspot: Series[str]


class DriverGene(Facts):
    """A gene of the panel. transcript: by which its codons are numbered, '' = none was found; chrom, strand, cds: of its coding
    sequence, intervals 0-based half-open with the stop codon. hotspots: located. missing: what could not be located and why, '' =
    nothing."""

    gene: str
    role: Role
    transcript: str
    hotspots: int
    missing: str
    chrom: str = ""
    strand: str = "+"
    cds: tuple[tuple[int, int], ...] = ()


class DriverPanel(Facts):
    """All genes of the panel, in its order, then those of the user's list."""

    genes: tuple[DriverGene, ...]
