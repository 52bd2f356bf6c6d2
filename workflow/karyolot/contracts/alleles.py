"""Alleles at known sites: who the cells are from, what is mixed in, and what happened to single copies.

Coordinates are 0-based half-open; null means 'not assessed here'.
"""

from collections.abc import Mapping, Set
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray
from pandera.typing import Series

from karyolot.contracts.copy_number import Facts, Intervals, Table
from karyolot.contracts.persons import Persons

BASES = ["A", "C", "G", "T"]
SITE_KEY = ["chrom", "start", "alt"]
"""Columns by which the sites of two tables are the same."""
COUNTS = ["ref_count", "alt_count", "other_count"]
"""Columns of AlleleCounts that hold fragments."""
Relation = Literal["MATCH", "MISMATCH", "NOT ENOUGH"]


class Sites(Intervals):
    """A panel of single-nucleotide sites with two known alleles, in the reference's order and spelling.

    ref: the base of the reference. frequency: of alt in the population, 0..1; null where the panel states none.
    """

    ref: Series[str] = pa.Field(isin=BASES)
    alt: Series[str] = pa.Field(isin=BASES)
    frequency: Series[float] = pa.Field(gt=0, lt=1, nullable=True)


class AlleleCounts(Sites):
    """Fragments of one sample that show each allele; other: any third base. A fragment counts once."""

    ref_count: Series[int] = pa.Field(ge=0)
    alt_count: Series[int] = pa.Field(ge=0)
    other_count: Series[int] = pa.Field(ge=0)


class Counted(NamedTuple):
    """Allele counts of one of many samples, without what all samples of a panel have in common.

    sites: schema Sites, one object of all samples of a panel; counts: COUNTS, shape (3, sites); rna: reads of RNA; digest: of
    what they were read from.
    """

    sites: pd.DataFrame
    counts: NDArray[np.unsignedinteger[Any]]
    rna: bool = False
    digest: str = ""

    @property
    def table(self) -> pd.DataFrame:
        """Schema AlleleCounts."""
        return self.sites.assign(**dict(zip(COUNTS, self.counts.astype(np.int64), strict=True)))


class Pairs(Table):
    """Every pair of samples of the sheet: are they one person?

    owner_*: the lot or donor of each; person_*: its donor by the sheet; expected: one person by the sheet. sites:
    covered in both. log10_*: likelihood of 'the same person' over 'unrelated' and over 'full sibling', log10.
    b_in_a: fraction of the first sample's reads that are of the second's person, 0..1; a_in_b: the other way round. null =
    not estimated: done only for the DNA of a lot that is its donor's and is contaminated, and given for the one sample that
    explains it best.
    """

    sample_a: Series[str]
    owner_a: Series[str]
    person_a: Series[str]
    sample_b: Series[str]
    owner_b: Series[str]
    person_b: Series[str]
    expected: Series[bool]
    sites: Series[int] = pa.Field(ge=0)
    log10_unrelated: Series[float]
    log10_sibling: Series[float]
    result: Series[str] = pa.Field(isin=["MATCH", "MISMATCH", "NOT ENOUGH"])
    b_in_a: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    a_in_b: Series[float] = pa.Field(ge=0, le=1, nullable=True)


Likenesses = Mapping[str, Mapping[str, float]]
"""Of each contaminated lot: other sample -> log likelihood of the lot's reads with that sample's person mixed in."""


class Earlier(NamedTuple):
    """What was found of pairs of samples before. unchanged: samples whose allele counts are those it was found in."""

    pairs: pd.DataFrame
    unchanged: Set[str]
    likenesses: Likenesses


class Compared(Facts):
    """identity.json of a study: what its table of pairs was made from, so that a later run compares other samples only.

    made_by: digest of code, libraries and settings; pairs: sha256 of the table; counts: sample -> digest of its allele counts;
    likenesses: as Likenesses.
    """

    made_by: str
    pairs: str
    counts: dict[str, str]
    likenesses: dict[str, dict[str, float]]


class AlleleEvents(Intervals):
    """Regions in which the lot's heterozygous sites are tested together: under each depth call, and regions of allelic imbalance.

    origin: 'call' (a depth call, its interval) or 'alleles' (allelic imbalance without a depth call).
    kind: of a call 'gain' or 'loss'; of an event of the alleles 'copy-neutral' (depth fits neither a gain nor a loss of
    that size), or 'unclear' (depth is inconclusive). sites: heterozygous in the donor and deep enough in both.
    shift: |BAF - centre| of the lot, 0..0.5, with its 95 % interval; null without sites. p: chance of such a spread
    without a shift. fraction: cell fraction for `kind` (copy-neutral for 'unclear'), with its interval; null as shift.
    evidence: of a call, 'agree', 'uninformative' or 'disagree'; '' for other events.
    log2: mean log2 ratio inside, with its standard error; null where no bin is used.
    """

    origin: Series[str] = pa.Field(isin=["call", "alleles"])
    kind: Series[str] = pa.Field(isin=["gain", "loss", "copy-neutral", "unclear"])
    sites: Series[int] = pa.Field(ge=0)
    shift: Series[float] = pa.Field(ge=0, nullable=True)
    shift_low: Series[float] = pa.Field(ge=0, nullable=True)
    shift_high: Series[float] = pa.Field(ge=0, nullable=True)
    p: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    fraction: Series[float] = pa.Field(ge=0, nullable=True)
    fraction_low: Series[float] = pa.Field(ge=0, nullable=True)
    fraction_high: Series[float] = pa.Field(ge=0, nullable=True)
    evidence: Series[str] = pa.Field(isin=["agree", "uninformative", "disagree", ""])
    log2: Series[float] = pa.Field(nullable=True)
    log2_se: Series[float] = pa.Field(nullable=True)


class AlleleArms(Intervals):
    """Every arm with all of its heterozygous sites; an event on part of it contributes in proportion.

    sites, shift, p: as in AlleleEvents; null with evidence 'few'. fraction_high: largest cell fraction in which a
    copy-neutral event of the whole arm fits (upper end of the 95 % interval).
    evidence: 'balanced' (p is not below the threshold of the search), 'imbalanced', 'inherited' (the donor's alleles are as
    imbalanced), 'few' (fewer sites than are tested).
    """

    arm: Series[str]
    sites: Series[int] = pa.Field(ge=0)
    shift: Series[float] = pa.Field(ge=0, nullable=True)
    shift_low: Series[float] = pa.Field(ge=0, nullable=True)
    shift_high: Series[float] = pa.Field(ge=0, nullable=True)
    p: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    fraction_high: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    evidence: Series[str] = pa.Field(isin=["balanced", "imbalanced", "inherited", "few"])


class AlleleTrack(Table):
    """Sites for drawing, in genome order; all tests use more. start: 0-based. lot, donor: fraction of alt, as counted."""

    chrom: Series[str]
    start: Series[int] = pa.Field(ge=0)
    lot: Series[float] = pa.Field(ge=0, le=1)
    donor: Series[float] = pa.Field(ge=0, le=1)


class Kinship(Facts):
    """One pair of samples: `sites` covered in both; log10 likelihood of 'the same' over the two others."""

    result: Relation
    sites: int
    log10_unrelated: float
    log10_sibling: float


class RnaKinship(Kinship):
    """RNA of the lot, or of its donor's hepatocytes, against the DNA of the donor."""

    sample_id: str
    role: Literal["lot", "donor"]


class Contamination(Facts):
    """Fraction of a sample's reads that are of another person, with its 95 % interval; None = not determinable from these sites.

    lod: smallest fraction distinguishable from none with 95 % power at 5 % false positives; None = none up to a half.
    donor_known: mean fraction of sites whose genotype in the donor is all but certain; the rest is averaged over.
    """

    fraction: float | None
    low: float | None
    high: float | None
    lod: float | None
    sites: int
    donor_known: float


class Identity(Facts):
    """identity.json: a lot against its own donor by SNPs.

    frequencies: where the population frequencies came from, 'panel' or 'pair' (of sites without one the spectrum was fitted
    to these two samples). panel: sites compared. lot_depth, donor_depth: mean fragments per site. rna: every RNA sample that
    came as reads, against the DNA of the donor, and of the lot too where that is the donor's. shared: scatter of the difference
    of allele fractions over that of counting where both hold the same reads; null = they do not.
    """

    kinship: Kinship
    contamination: Contamination
    panel: int
    lot_depth: float
    donor_depth: float
    frequencies: Literal["panel", "pair"]
    rna: tuple[RnaKinship, ...]
    shared: float | None = None


class AlleleFacts(Facts):
    """What the B-allele frequencies of a lot rest on.

    sites: of the donor het and at least `min_depth` deep in both. centre: mean fraction of alt there; below 0.5 where reads
    with the reference base map better. site_bias: standard deviation of what single sites deviate in both samples alike.
    overdispersion: rho of the beta-binomial. windows: tested for events; threshold: p below which one counts.
    lod: smallest cell fraction in which a copy-neutral event of `size_mb` is found with `power`; None = none.
    reason: why nothing was tested, '' = it was.
    """

    sites: int
    min_depth: int
    centre: float | None
    site_bias: float | None
    overdispersion: float | None
    windows: int
    threshold: float | None
    size_mb: float
    power: float
    lod: float | None
    reason: str


class AlleleResults(NamedTuple):
    """All results on alleles of a lot, as its report needs them. events: schema AlleleEvents; arms: AlleleArms; track:
    AlleleTrack."""

    identity: Identity
    events: pd.DataFrame
    facts: AlleleFacts
    arms: pd.DataFrame
    track: pd.DataFrame
    persons: Persons = Persons()

    @property
    def unasked(self) -> str:
        """Why no depth call has a second line of evidence here; '' = every one has it."""
        result = self.identity.kinship.result
        return self.facts.reason if result == "MATCH" else f"identity by SNPs: {result}"

    @property
    def under_calls(self) -> pd.DataFrame:
        """Rows of `events` that are about depth calls; `kind` is the call's type."""
        return self.events[(self.events["origin"] == "call") & (not self.unasked)]
