"""Tables of the DNA side. Coordinates are 0-based half-open; ratios are log2; null means 'not assessed here'."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray
from pandera.typing import Series
from pydantic import BaseModel, ConfigDict

from karyolot.contracts.settings import Layout

MASKS = ("gap", "mappability", "gc", "donor_outlier", "low_count", "covariate")
"""Why a bin is not used, the first that holds: too many N or blacklisted bases; reads do not map uniquely; GC beyond
what the correction can be fitted on; the donor's count is far from its copies; no fragment in either sample; a covariate
that was given (GC, replication timing, mappability) has no value there."""


class Table(pa.DataFrameModel):
    """Base of every table: exactly these columns and types, without coercion."""

    class Config:
        strict = True
        ordered = True
        coerce = False

    @classmethod
    def frame(cls, rows: Iterable[Mapping[Any, object]]) -> pd.DataFrame:
        """Rows as a table with the columns and types of this schema, also without any row.

        What a row does not name is null. Raises ValueError for a name that is no column. Values are not checked; that is
        done when the table is written.
        """
        columns = cls.to_schema().columns
        rows = list(rows)
        if unknown := {name for row in rows for name in row} - columns.keys():
            raise ValueError(f"{cls.__name__} has no column {', '.join(sorted(map(str, unknown)))}")
        kinds = {name: str(column.dtype) for name, column in columns.items() if str(column.dtype) != "str"}
        return pd.DataFrame(rows, columns=list(columns)).astype(kinds)

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> pd.DataFrame:
        """The table of columns as a reader of the user's files gives them, checked."""
        return cls.validate(pd.DataFrame(dict(columns)))


class Intervals(Table):
    """Rows on the genome, sorted by the reference's contig order and start, not overlapping within a table."""

    chrom: Series[str]
    start: Series[int] = pa.Field(ge=0)
    end: Series[int] = pa.Field(gt=0)

    @pa.dataframe_check(error="end must be greater than start")
    @classmethod
    def _end_after_start(cls, frame):  # type: ignore[no-untyped-def]
        return frame["end"] > frame["start"]


TrackPiece = tuple[str, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]
"""Contig, and starts, ends and values of intervals on it, sorted, NaN = missing: a part of a track."""


class BinSources(NamedTuple):
    """All a grid of bins is made from; None = not given.

    contigs: name and length in bases, in order. composition: per contig the numbers of G/C and of called bases in each
    bin, shape (2, bins of the contig). annotation: ready bins (chrom, start, end, gc, ...) instead of a sequence.
    cytobands: chrom, start, end, band. blacklist: chrom, start, end. Tracks are read once.
    """

    layout: Layout
    cytobands: pd.DataFrame
    contigs: list[tuple[str, int]]
    composition: dict[str, NDArray[np.int64]] | None = None
    annotation: pd.DataFrame | None = None
    mappability: Iterable[TrackPiece] | None = None
    replication_timing: Iterable[TrackPiece] | None = None
    blacklist: pd.DataFrame | None = None


class Bins(Intervals):
    """The fixed grid all counts live on.

    arm: contig plus p/q ('chr8q'); the contig alone where the layout has no centromere.
    region: 'autosome', 'X', 'Y', 'PAR' (pseudo-autosomal part of X) or 'other' (never analysed).
    gc: fraction of G and C among called bases; null in a bin without any.
    gap: fraction of N bases plus blacklisted bases, 0..1.
    mappability: 0..1; replication_timing: any scale, high = early. Null where no track was given.
    """

    arm: Series[str]
    region: Series[str] = pa.Field(isin=["autosome", "X", "Y", "PAR", "other"])
    gc: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    gap: Series[float] = pa.Field(ge=0, le=1)
    mappability: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    replication_timing: Series[float] = pa.Field(nullable=True)


class Fragments(NamedTuple):
    """Counted fragments of one contig, some or all. start (0-based), length: of each, from end to end, in any order;
    left_bases: aligned bases of all their left mates."""

    contig: str
    start: NDArray[np.int64]
    length: NDArray[np.int64]
    left_bases: int


class Counts(Intervals):
    """Fragments per bin: primary, proper, non-duplicate, MAPQ at or above the limit, counted once at the midpoint."""

    count: Series[int] = pa.Field(ge=0)


class LogRatios(Intervals):
    """Lot against donor, per analysis bin.

    copies: copies expected in a normal cell of this donor's sex (0, 1 or 2).
    gc: fraction of G and C. replication_timing, mappability: as given. Each is null where not known.
    mask: why the bin is not used, one of MASKS ('gap', 'mappability', 'gc', 'donor_outlier', 'low_count', 'covariate') or
    'absent' (Y of a woman); null = used.
    log2: corrected, centred log2(lot/donor); raw: before correction. Null where masked.
    lot_log2, donor_log2: each sample alone against the GC model, 0 = the copies of an autosome. Null where masked.
    variance: Poisson variance of log2, in log2 units squared. Null where masked.
    """

    arm: Series[str]
    region: Series[str]
    copies: Series[int] = pa.Field(ge=0, le=2)
    gc: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    replication_timing: Series[float] = pa.Field(nullable=True)
    mappability: Series[float] = pa.Field(nullable=True)
    lot_count: Series[int] = pa.Field(ge=0)
    donor_count: Series[int] = pa.Field(ge=0)
    mask: Series[str] = pa.Field(nullable=True)
    raw: Series[float] = pa.Field(nullable=True)
    log2: Series[float] = pa.Field(nullable=True)
    lot_log2: Series[float] = pa.Field(nullable=True)
    donor_log2: Series[float] = pa.Field(nullable=True)
    variance: Series[float] = pa.Field(gt=0, nullable=True)


class Segments(Intervals):
    """Segments of constant log2 ratio; they tile the used bins of each arm.

    bins: used bins inside. log2: median; mean: inverse-variance mean; se: empirical standard error of the mean
    (never below Poisson). z = mean / se. overdispersion: variance of the mean over what counting alone explains.
    log2_low, log2_high: 95 % interval of the mean.
    published_rule: the median by the fixed log2 thresholds of He et al. 2025: 'gain', 'loss' or 'none'.
    """

    arm: Series[str]
    region: Series[str]
    copies: Series[int]
    bins: Series[int] = pa.Field(ge=1)
    log2: Series[float]
    mean: Series[float]
    se: Series[float] = pa.Field(gt=0)
    z: Series[float]
    overdispersion: Series[float] = pa.Field(ge=1)
    log2_low: Series[float]
    log2_high: Series[float]
    lot_log2: Series[float]
    donor_log2: Series[float]
    donor_z: Series[float] = pa.Field(nullable=True)
    published_rule: Series[str] = pa.Field(isin=["gain", "loss", "none"])


class Calls(Intervals):
    """Changes of the lot against its donor that pass the family-wise test.

    id: 'E1', 'E2' ... in genome order. name: the common name, such as 'Trisomy 8' (dna.names). extent: what changed, the whole
    'chromosome', the whole 'arm', or a 'part'. log2: median. copies: of the donor, in a diploid cell, that fractions are
    relative to. fraction (with 95 % interval): of cells in which one copy changed, of the measured DNA content or else
    diploid, 0..1 (may exceed 1: then more than one copy changed). tetraploid*: the same in tetraploid cells; null where the
    DNA content was measured. limit: smallest such fraction at which a change of this size is called with the configured
    power; tetraploid_limit: null also where it is not detectable. arm: the contig when both arms changed. class: 'clonal',
    'sub-clonal' or 'high-copy'.
    origin: 'acquired' (lot moved, donor normal here), 'lost' (the donor's own change is gone or the donor deviates,
    not the lot), 'enriched' (the donor carries the same change more weakly). donor_lod: cell fraction from which on
    the donor's own track would have shown the change; an 'acquired' one may have been in fewer. tests: which of segment,
    arm, chromosome, recurrent found it, comma separated. lot_copies: bulk copies in the lot. genes, recurrent: comma separated,
    '' = none. artefact: why such a call is often wrong ('GC-rich end', 'immune receptor genes', 'replication timing'), '' = no
    known reason. fraction is relative to the donor's copies where these are a whole number other than the expected one.
    """

    id: Series[str] = pa.Field(str_matches=r"^E\d+$")
    name: Series[str]
    type: Series[str] = pa.Field(isin=["gain", "loss"])
    extent: Series[str] = pa.Field(isin=["chromosome", "arm", "part"])
    log2: Series[float]
    copies: Series[int] = pa.Field(ge=1)
    fraction: Series[float] = pa.Field(ge=0)
    fraction_low: Series[float] = pa.Field(ge=0)
    fraction_high: Series[float] = pa.Field(ge=0)
    tetraploid: Series[float] = pa.Field(ge=0, nullable=True)
    tetraploid_low: Series[float] = pa.Field(ge=0, nullable=True)
    tetraploid_high: Series[float] = pa.Field(ge=0, nullable=True)
    limit: Series[float] = pa.Field(gt=0)
    tetraploid_limit: Series[float] = pa.Field(gt=0, le=1, nullable=True)
    z: Series[float]
    class_: Series[str] = pa.Field(alias="class", isin=["clonal", "sub-clonal", "high-copy"])
    origin: Series[str] = pa.Field(isin=["acquired", "enriched", "lost"])
    published_rule: Series[str] = pa.Field(isin=["gain", "loss", "none"])
    arm: Series[str]
    bins: Series[int] = pa.Field(ge=1)
    lot_copies: Series[float] = pa.Field(ge=0)
    donor_log2: Series[float]
    donor_lod: Series[float] = pa.Field(ge=0)
    tests: Series[str]
    bands: Series[str]
    genes: Series[str]
    recurrent: Series[str]
    artefact: Series[str]


class DonorVariants(Intervals):
    """Copy-number differences the donor carries in every cell (germline), and whether the lot carries them too.

    donor_log2, lot_log2: mean of each absolute track in the segment. shared: the lot agrees with the donor. bands: '7p21.2',
    '' = not known; genes: all of the annotation, comma separated, '' = none.
    """

    arm: Series[str]
    bins: Series[int] = pa.Field(ge=1)
    donor_log2: Series[float]
    lot_log2: Series[float]
    shared: Series[bool]
    bands: Series[str]
    genes: Series[str]


class Landmarks(Intervals):
    """Names for the zoomed plot: every cytoband, and the genes in called changes and in the donor's own; they overlap.

    kind: 'band' ('q11.21'), 'gene', or 'listed' for a gene of the list of recurrent changes.
    """

    kind: Series[str] = pa.Field(isin=["band", "gene", "listed"])
    name: Series[str]


class Arms(Intervals):
    """Whole arms, whole chromosomes and recurrent regions: regions with known ends, each always tested.

    scope: 'arm', 'chromosome' or 'recurrent' (in any order). usable: fraction of the bins that are used, 0..1;
    masked_*: fraction of the bins masked for this reason. log2, se, z: null when no bin is usable.
    lod_gain, lod_loss: smallest fraction of cells found with the configured power, of the measured DNA content or else
    diploid; null where not assessable. tetraploid_gain, tetraploid_loss: the same in tetraploid cells; null where the DNA
    content was measured or no fraction of them is found.
    power_gain, power_loss: probability that a change of this fraction, simulated in the region's own fragments, is found;
    null where none was simulated (dna.spike_ins), as in a region that is changed or holds a change.
    changed: by the test the region as a whole differs from the donor.
    """

    scope: Series[str] = pa.Field(isin=["arm", "chromosome", "recurrent"])
    name: Series[str]
    copies: Series[int]
    bins: Series[int] = pa.Field(ge=0)
    usable: Series[float] = pa.Field(ge=0, le=1)
    masked_gap: Series[float] = pa.Field(ge=0, le=1)
    masked_mappability: Series[float] = pa.Field(ge=0, le=1)
    masked_gc: Series[float] = pa.Field(ge=0, le=1)
    masked_donor_outlier: Series[float] = pa.Field(ge=0, le=1)
    masked_low_count: Series[float] = pa.Field(ge=0, le=1)
    masked_covariate: Series[float] = pa.Field(ge=0, le=1)
    log2: Series[float] = pa.Field(nullable=True)
    se: Series[float] = pa.Field(nullable=True)
    z: Series[float] = pa.Field(nullable=True)
    lod_gain: Series[float] = pa.Field(nullable=True)
    lod_loss: Series[float] = pa.Field(nullable=True)
    tetraploid_gain: Series[float] = pa.Field(gt=0, le=1, nullable=True)
    tetraploid_loss: Series[float] = pa.Field(gt=0, le=1, nullable=True)
    power_gain: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    power_loss: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    changed: Series[bool]
    assessable: Series[bool]


class Lod(Table):
    """Limit of detection by size of the change, on an autosome.

    fraction: smallest cell fraction whose gain/loss of that size is called with `power`, of the measured DNA content or else
    diploid; null = not assessable. tetraploid: the same in tetraploid cells; null where the DNA content was measured or no
    fraction of them is called. spike_ins: changes of that size and fraction simulated in the lot's own fragments; found: how many
    of them were called.
    """

    size_bp: Series[int] = pa.Field(gt=0)
    type: Series[str] = pa.Field(isin=["gain", "loss"])
    bins: Series[int] = pa.Field(ge=0)
    power: Series[float] = pa.Field(gt=0, lt=1)
    fraction: Series[float] = pa.Field(gt=0, nullable=True)
    tetraploid: Series[float] = pa.Field(gt=0, le=1, nullable=True)
    spike_ins: Series[int] = pa.Field(ge=0)
    found: Series[int] = pa.Field(ge=0)


class Facts(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Library(Facts):
    """The counted fragments of a sample on the contigs of the bins.

    coverage: mean number of counted reads over a called base, mates that overlap counted twice, both mates taken to be as
    long as the left one. insert_*: quartiles of the fragment length, bases. mitochondrial: fraction of all counted fragments
    that lie on the mitochondrial genome (M, MT); null when none does, since the reference may lack it. aligner: its family, by
    the header (contracts.aligners); null = not named.
    """

    fragments: int
    coverage: float
    insert_first_quartile: int
    insert_median: int
    insert_third_quartile: int
    mitochondrial: float | None
    aligner: str | None = None


class Noise(Facts):
    """How much larger than Poisson the variance of the mean over n neighbouring bins is, as a function of n.

    blocks: numbers of bins it was measured at; measured: squared MAD of the block means over Poisson there. white, waves:
    the fitted variance of white noise and of waves with correlation lengths of `lengths` bins, over the Poisson variance of
    a bin (dna.noise.inflation_at gives the sum for any n); inflation: the fit at `blocks`, at least 1. assessable False: too
    few bins, or several copy-number levels among them (`reason`), so nothing can be claimed.
    """

    blocks: tuple[int, ...]
    measured: tuple[float, ...]
    inflation: tuple[float, ...]
    white: float
    lengths: tuple[float, ...]
    waves: tuple[float, ...]
    bins: int
    assessable: bool
    reason: str


class Comparison(Facts):
    """How the log2 ratios of a lot came about, and how good they are. log2 units; None = not measurable.

    covariates: what was corrected for; not_used: why a covariate that was given was not, by its name. rt_slope: log2 per
    standard deviation of replication timing, with its 95 % interval: a growing lot against resting hepatocytes. rt_moved: by how
    much its correction moved unchanged bins of the claimed size, beyond GC and mappability, at most. noise_sd:
    robust standard deviation of differences between neighbouring bins, over sqrt 2. neutral: fraction of the used autosome at
    the centre, None where levels could not be separated. usable: fraction of bins used. lot_median, donor_median: fragments per
    used autosomal bin. hidden: parts of arms in which a change of the claimed size would lie in masked bins.
    """

    analysis_bin_bp: int
    bins: int
    usable: float
    lot_median: float | None
    donor_median: float | None
    covariates: tuple[str, ...]
    not_used: dict[str, str]
    rt_slope: float | None
    rt_low: float | None
    rt_high: float | None
    rt_moved: float | None = None
    noise_sd: float | None
    neutral: float | None
    hidden: tuple[str, ...] = ()

    @property
    def no_track(self) -> str:
        """Why replication timing was not corrected for, where it was not."""
        reason = self.not_used.get("replication timing")
        return (
            f"the replication-timing track is not used ({reason})"
            if reason
            else "no replication-timing track was given"
        )


class Match(Facts):
    """Does the lot look like its donor by sex and by germline copy number? None = cannot be determined from these reads.

    lot_x, lot_y, donor_x, donor_y: median depth of X and Y over that of the autosomes.
    variants: germline differences of the donor that this lot is deep enough to show; shared: how many it shows.
    """

    declared_sex: str
    lot_sex: str | None
    donor_sex: str | None
    lot_x: float | None
    lot_y: float | None
    donor_x: float | None
    donor_y: float | None
    variants: int
    shared: int


LEAST_NEUTRAL = 0.6
"""Fraction of the autosomes at the most frequent level, below which that level need not be the diploid one."""


class Karyotype(Facts):
    """The ISCN-like line of a lot by depth. text None = the data cannot support one, for the reasons in `withheld`."""

    text: str | None
    withheld: str


class CopyNumberResults(NamedTuple):
    """All copy-number results of a lot, as its report needs them. recurrent: the list of recurrent regions."""

    ratios: pd.DataFrame
    segments: pd.DataFrame
    calls: pd.DataFrame
    arms: pd.DataFrame
    lod: pd.DataFrame
    variants: pd.DataFrame
    landmarks: pd.DataFrame
    recurrent: pd.DataFrame
    comparison: Comparison
    noise: Noise
    match: Match
    karyotype: Karyotype
