"""Foreign sequences in the reads of a lot that fit no human sequence: viruses, mycoplasmas, animals, and the control phiX174."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray
from pandera.typing import Series

from karyolot.contracts.copy_number import Facts, Table

Kind = Literal["virus", "mycoplasma", "animal", "control", "other"]
KINDS = ["virus", "mycoplasma", "animal", "control", "other"]
FINDINGS = ["found", "trace", "none"]
"""found: fragments spread over the sequence. trace: fragments that do not, which chance, contamination of the library or a
conserved region can explain."""


class PanelSequence(NamedTuple):
    """A sequence of the panel. group: what is reported together, such as the genotypes of one virus. bases: A, C, G, T."""

    name: str
    group: str
    kind: Kind
    bases: bytes


class Hits(NamedTuple):
    """Alignments of one sample's reads to the panel, as parallel arrays.

    fragment: number of the read's name. sequence: name in the panel. start, end: on it. host: contig where the read or its
    mate lies ('' = nowhere), host_at: the position on it at which the read leaves the host, or where the mate lies. split: one
    read shows both.
    """

    fragment: NDArray[np.int64]
    sequence: NDArray[np.str_]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    reverse: NDArray[np.bool_]
    host: NDArray[np.str_]
    host_at: NDArray[np.int64]
    split: NDArray[np.bool_]


class Searched(NamedTuple):
    """A sample that was searched. autosomal: fragments per autosomal base, duplicates left out; duplicates: their share; both
    null of RNA."""

    role: Literal["lot", "donor"]
    assay: Literal["DNA", "RNA"]
    hits: Hits
    autosomal: float | None
    duplicates: float | None


class ForeignSequences(Table):
    """Every group of the panel in every sample searched.

    sequence: the one with most fragments; '' without any. fragments: read pairs that fit; starts: of them with different
    starts; parts: tenths of the sequence in which fragments begin; breadth: part of its bases covered. copies: per diploid
    genome, with 95 % interval; lod: copies that are found with 95 % power; null of RNA.
    """

    role: Series[str] = pa.Field(isin=["lot", "donor"])
    assay: Series[str] = pa.Field(isin=["DNA", "RNA"])
    group: Series[str]
    kind: Series[str] = pa.Field(isin=KINDS)
    sequence: Series[str]
    fragments: Series[int] = pa.Field(ge=0)
    starts: Series[int] = pa.Field(ge=0)
    parts: Series[int] = pa.Field(ge=0, le=10)
    breadth: Series[float] = pa.Field(ge=0, le=1)
    copies: Series[float] = pa.Field(ge=0, nullable=True)
    copies_low: Series[float] = pa.Field(ge=0, nullable=True)
    copies_high: Series[float] = pa.Field(ge=0, nullable=True)
    lod: Series[float] = pa.Field(gt=0, nullable=True)
    finding: Series[str] = pa.Field(isin=FINDINGS)


class Integrations(Table):
    """Loci of the host where reads of DNA turn into a virus: candidates of an integration. start, end: 0-based half-open, of
    where the reads leave the host. fragments: that show it; split: of them with one read across the junction. Where none is,
    start and end are of the mates on the host, and the junction lies within the length of a fragment of them."""

    role: Series[str] = pa.Field(isin=["lot", "donor"])
    group: Series[str]
    chrom: Series[str]
    start: Series[int] = pa.Field(ge=0)
    end: Series[int] = pa.Field(gt=0)
    fragments: Series[int] = pa.Field(gt=0)
    split: Series[int] = pa.Field(ge=0)


class ForeignFacts(Facts):
    """What was searched. groups: of the panel; missing: groups of the shipped list that the panel lacks. rna: whether RNA was
    searched too. power: of lod."""

    groups: int
    missing: tuple[str, ...]
    rna: bool
    power: float


class ForeignResults(NamedTuple):
    """sequences: schema ForeignSequences; integrations: Integrations."""

    sequences: pd.DataFrame
    integrations: pd.DataFrame
    facts: ForeignFacts
