"""Mitochondrial DNA of a lot against its donor. Coordinates are 0-based half-open on a circular contig.

Heteroplasmy is the fraction of mitochondrial genomes in a sample that carry an allele or a deletion, 0..1.
"""

from typing import NamedTuple

import pandas as pd
import pandera.pandas as pa
from numpy import int64
from numpy.typing import NDArray
from pandera.typing import Series

from karyolot.contracts.copy_number import Facts, Intervals, Table

Integers = NDArray[int64]
FINDINGS = ["shift", "same", "artefact"]
"""Of a row: lot and donor differ; they do not, as far as these reads show; strands or read depth contradict it."""


class Clip(NamedTuple):
    """Bases beyond the end of an alignment. at: where on the contig the aligned part ends (after) or starts (before)."""

    after: bool
    at: int
    bases: bytes
    fragment: int


class MitochondrialReads(NamedTuple):
    """What one pass over the mitochondrial contig found in a sample.

    sequence: of the contig. bases: fragments that show A, C, G, T on the forward and reverse strand, shape (length, 4, 2).
    spans: aligned parts of reads, columns start, end and fragment. junctions: reads of two aligned parts, columns end of
    the first, start of the second, bases that fit both, fragment. clips: reads with bases beyond their alignment.
    fragments: both mates on the contig, duplicates included; duplicates: of these. elsewhere, unsure, diverged: reads left
    out as those of nuclear copies: the mate on another contig, low mapping quality, many mismatches.
    """

    contig: str
    sequence: str
    bases: Integers
    spans: Integers
    junctions: Integers
    clips: tuple[Clip, ...]
    fragments: int
    duplicates: int
    elsewhere: int
    unsure: int
    diverged: int


class NuclearReads(NamedTuple):
    """The nuclear reads of a sample. autosomal: counted fragments per autosomal base, duplicates left out; duplicates,
    reads: marked and all primary reads of the whole file."""

    autosomal: float
    duplicates: int
    reads: int


class Heteroplasmies(Intervals):
    """Alleles found in part of the mitochondrial genomes of lot or donor, and every allele whose fraction differs.

    ref: base of the reference. gene, change: by the rCRS ('MT-ND4', 'p.R340H'); '' where the contig is another sequence.
    altering: in an RNA gene, or it changes a protein; null = not known. lot, donor: fraction with 95 % interval, and depth.
    shift: lot minus donor, with 95 % interval. p: two-sided, of a difference this large if there were none. lod: smallest
    shift at this position that would have been found from a donor without the allele; null = none.
    """

    ref: Series[str]
    alt: Series[str]
    gene: Series[str]
    change: Series[str]
    altering: Series[object] = pa.Field(nullable=True)
    lot: Series[float] = pa.Field(ge=0, le=1)
    lot_low: Series[float] = pa.Field(ge=0, le=1)
    lot_high: Series[float] = pa.Field(ge=0, le=1)
    lot_depth: Series[int] = pa.Field(ge=0)
    donor: Series[float] = pa.Field(ge=0, le=1)
    donor_low: Series[float] = pa.Field(ge=0, le=1)
    donor_high: Series[float] = pa.Field(ge=0, le=1)
    donor_depth: Series[int] = pa.Field(ge=0)
    shift: Series[float] = pa.Field(ge=-1, le=1)
    shift_low: Series[float] = pa.Field(ge=-1, le=1)
    shift_high: Series[float] = pa.Field(ge=-1, le=1)
    p: Series[float] = pa.Field(ge=0, le=1)
    lod: Series[float] = pa.Field(gt=0, le=1, nullable=True)
    finding: Series[str] = pa.Field(isin=FINDINGS)


class MitochondrialDeletions(Table):
    """Large deletions by reads across their junction, with the depth inside.

    start: first deleted base; the deletion runs over the end of the contig to its start where start + size is beyond it.
    repeat: bases that occur at both ends. common: the deletion of 4,977 bases at m.8470-13447. reads: fragments across
    the junction. lot, donor, shift, p: as in Heteroplasmies. depth: fraction by depth inside against outside, lot over donor,
    with 99 % interval; null where lot and donor are too shallow.
    """

    chrom: Series[str]
    start: Series[int] = pa.Field(ge=0)
    size: Series[int] = pa.Field(gt=0)
    repeat: Series[int] = pa.Field(ge=0)
    common: Series[bool]
    lot_reads: Series[int] = pa.Field(ge=0)
    lot: Series[float] = pa.Field(ge=0, le=1)
    lot_low: Series[float] = pa.Field(ge=0, le=1)
    lot_high: Series[float] = pa.Field(ge=0, le=1)
    donor_reads: Series[int] = pa.Field(ge=0)
    donor: Series[float] = pa.Field(ge=0, le=1)
    donor_low: Series[float] = pa.Field(ge=0, le=1)
    donor_high: Series[float] = pa.Field(ge=0, le=1)
    shift: Series[float] = pa.Field(ge=-1, le=1)
    shift_low: Series[float] = pa.Field(ge=-1, le=1)
    shift_high: Series[float] = pa.Field(ge=-1, le=1)
    p: Series[float] = pa.Field(ge=0, le=1)
    depth: Series[float] = pa.Field(le=1, nullable=True)
    depth_low: Series[float] = pa.Field(le=1, nullable=True)
    depth_high: Series[float] = pa.Field(le=1, nullable=True)
    finding: Series[str] = pa.Field(isin=FINDINGS)


class CopiesPerCell(Facts):
    """Mitochondrial genomes per cell with `sets` sets of chromosomes, with 95 % interval from the unevenness along the
    contig; systematic error of depth (GC, mappability) comes on top."""

    value: float
    low: float
    high: float
    sets: float


class MitochondrialFacts(Facts):
    """What the results on mitochondrial DNA rest on; all but reason and contig null when it could not be assessed.

    reason: why not, '' = it was. contig: its name, '' = none in the reference. rcrs: it has the length of the revised
    Cambridge reference sequence, whose genes then hold. lot_depth, donor_depth: medians. positions: compared, of length.
    dispersion: variance between samples over that of counting, at alleles of errors. threshold: p below which an allele
    counts as shifted. floor: smallest shift that counts; nuclear: the part of it that a nuclear copy in every cell could
    make. lod: smallest shift found with `power` at 95 % of the positions; deletion_lod: smallest fraction of a deletion that
    is found; null = none. *_left_out: reads not counted, as those of nuclear copies, of all on the contig.
    """

    reason: str
    contig: str
    length: int | None = None
    rcrs: bool | None = None
    lot_copies: CopiesPerCell | None = None
    donor_copies: CopiesPerCell | None = None
    lot_depth: float | None = None
    donor_depth: float | None = None
    positions: int | None = None
    dispersion: float | None = None
    threshold: float | None = None
    floor: float | None = None
    nuclear: float | None = None
    lod: float | None = None
    deletion_lod: float | None = None
    power: float | None = None
    pathogenic: float | None = None
    lot_left_out: float | None = None
    donor_left_out: float | None = None


class MitochondrialResults(NamedTuple):
    """heteroplasmies: schema Heteroplasmies; deletions: MitochondrialDeletions."""

    heteroplasmies: pd.DataFrame
    deletions: pd.DataFrame
    facts: MitochondrialFacts
