"""Small variants of a lot in listed genes, against its donor. Coordinates are 0-based half-open."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from karyolot.contracts.copy_number import Facts, Intervals, Table
from karyolot.contracts.metrics import MetricName

Origin = Literal["inherited", "enriched", "acquired", "lost", "unknown"]
Finding = Literal["tp53", "driver", "benign", "own", ""]
"""What a new variant counts as: a recurrent mutation of TP53; another mutation of a driver gene; a mutation of a gene of benign
clones; a variant in the user's list; '' = not counted."""


FINDINGS: Mapping[str, MetricName] = {
    "tp53": MetricName.VARIANTS_TP53_HOTSPOT,
    "driver": MetricName.VARIANTS_DRIVERS,
    "benign": MetricName.VARIANTS_BENIGN,
    "own": MetricName.VARIANTS_ACQUIRED,
}
"""Finding -> the metric that counts it."""
NO_LIST = "no list of genes (small_variants.genes)"
"""Why the variants of the user's list are not assessed."""


class SearchedPositions(Table):
    """Positions that were searched. run: length of the run of one base that holds it. depth: fragments of each sample that pass
    the filters, RNA of several samples together."""

    chrom: Series[str]
    start: Series[int] = pa.Field(ge=0)
    ref: Series[str]
    run: Series[int] = pa.Field(gt=0)
    lot_depth: Series[int] = pa.Field(ge=0)
    lot_forward: Series[int] = pa.Field(ge=0)
    donor_depth: Series[int] = pa.Field(ge=0)
    rna_lot_depth: Series[int] = pa.Field(ge=0)
    rna_donor_depth: Series[int] = pa.Field(ge=0)


class SeenAlleles(Table):
    """Alternative alleles that any read shows. position: row of SearchedPositions; kind: of its errors
    (`dna.variant_errors.KINDS`).

    alt, depth: reads with this allele and all reads, of each sample. lot_alt_forward, lot_forward: those on the forward strand.
    ends: z of the position within the read of reads with it, against the others; null = not known.
    """

    position: Series[int] = pa.Field(ge=0)
    start: Series[int] = pa.Field(ge=0)
    ref: Series[str]
    alt: Series[str]
    kind: Series[int] = pa.Field(ge=0)
    lot_alt: Series[int] = pa.Field(ge=0)
    lot_alt_forward: Series[int] = pa.Field(ge=0)
    lot_depth: Series[int] = pa.Field(ge=0)
    lot_forward: Series[int] = pa.Field(ge=0)
    donor_alt: Series[int] = pa.Field(ge=0)
    donor_depth: Series[int] = pa.Field(ge=0)
    rna_lot_alt: Series[int] = pa.Field(ge=0)
    rna_lot_depth: Series[int] = pa.Field(ge=0)
    rna_donor_alt: Series[int] = pa.Field(ge=0)
    rna_donor_depth: Series[int] = pa.Field(ge=0)
    ends: Series[float] = pa.Field(nullable=True)


class Pileup(NamedTuple):
    """What the reads show at the driver loci: schemas SearchedPositions and SeenAlleles."""

    positions: pd.DataFrame
    alleles: pd.DataFrame


class SpikedIndels(Table):
    """Indels of BOUNDED_INDELS (`contracts.metrics`) that were spiked into the lot's own reads and aligned again.

    start: of the first deleted base, or of the base before which bases are inserted. change: bases inserted, or less than 0,
    deleted. carrying: spiked fragments that cover the base before it; counted: those of them that the pile-up counts for it.
    """

    chrom: Series[str]
    start: Series[int] = pa.Field(ge=0)
    change: Series[int]
    carrying: Series[int] = pa.Field(ge=0)
    counted: Series[int] = pa.Field(ge=0)


class Consequences(Table):
    """Consequence of alleles by `bcftools csq`: 'missense', and the change of the protein, 'R175H' ('' = none)."""

    chrom: Series[str]
    start: Series[int] = pa.Field(ge=0)
    ref: Series[str]
    alt: Series[str]
    gene: Series[str]
    consequence: Series[str]
    change: Series[str]


class CalledVariants(Intervals):
    """Variants of another caller: alleles as VCF writes them, reads that show each; the donor counted at every one."""

    ref: Series[str]
    alt: Series[str]
    lot_ref: Series[int] = pa.Field(ge=0)
    lot_alt: Series[int] = pa.Field(ge=0)
    donor_ref: Series[int] = pa.Field(ge=0)
    donor_alt: Series[int] = pa.Field(ge=0)


class SmallVariants(CalledVariants):
    """Variants that the lot shows, and those of the donor that it lost.

    gene, role, hotspot: of the loci that hold it, several genes joined by ','; hotspot: 'R175', 'c.-124' or ''.
    consequence, change: as Consequences. finding: what it counts as. artefact: why it does not count, pattern: of which kind of
    damage it may be; '' = neither.
    origin: 'inherited' (the donor has it, in no smaller fraction), 'enriched' (the donor has it in a smaller fraction),
    'acquired' (the donor does not show it: acquired, or below the donor's detection limit), 'lost' (the donor has it, the lot
    does not), 'unknown' (the donor is too shallow there). donor_lod: fraction of reads from which on the donor would have shown
    it with 95 % power; null without reads there.
    p: chance of reads like the lot's, DNA and RNA together, by errors alone. enriched_p: chance of a difference of fractions this
    large if lot and donor were equal, one-sided. fraction: of cells if one copy has it, with its 95 % interval; null without
    DNA reads. rna_*: reads of RNA. caller: 'karyolot', or 'given' for calls of the user's.
    """

    gene: Series[str]
    role: Series[str] = pa.Field(isin=["driver", "benign", "own"])
    hotspot: Series[str]
    consequence: Series[str]
    change: Series[str]
    finding: Series[str] = pa.Field(isin=["tp53", "driver", "benign", "own", ""])
    origin: Series[str] = pa.Field(isin=["inherited", "enriched", "acquired", "lost", "unknown"])
    artefact: Series[str]
    pattern: Series[str]
    p: Series[float] = pa.Field(ge=0, le=1)
    enriched_p: Series[float] = pa.Field(ge=0, le=1)
    donor_lod: Series[float] = pa.Field(gt=0, le=1, nullable=True)
    fraction: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    fraction_low: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    fraction_high: Series[float] = pa.Field(ge=0, le=1, nullable=True)
    rna_lot_alt: Series[int] = pa.Field(ge=0)
    rna_lot_depth: Series[int] = pa.Field(ge=0)
    rna_donor_alt: Series[int] = pa.Field(ge=0)
    rna_donor_depth: Series[int] = pa.Field(ge=0)
    caller: Series[str] = pa.Field(isin=["karyolot", "given"])


class VariantLimits(Table):
    """Smallest cell fraction in which a heterozygous substitution, and an indel of BOUNDED_INDELS (`contracts.metrics`), is
    called with the configured power.

    One row per gene (hotspot '', its coding region), and one per recurrent mutation. positions: bases. lot_depth, donor_depth:
    means. fraction: null = not even in all cells, or the donor is too shallow. spiked: substitutions simulated in the lot's own
    reads at that fraction; found: the number called. indel_*: as above, for indels; null for recurrent mutations, which
    are substitutions.
    """

    gene: Series[str]
    role: Series[str] = pa.Field(isin=["driver", "benign", "own"])
    hotspot: Series[str]
    positions: Series[int] = pa.Field(ge=0)
    lot_depth: Series[float] = pa.Field(ge=0)
    donor_depth: Series[float] = pa.Field(ge=0)
    fraction: Series[float] = pa.Field(gt=0, le=1, nullable=True)
    spiked: Series[int] = pa.Field(ge=0)
    found: Series[int] = pa.Field(ge=0)
    indel_fraction: Series[float] = pa.Field(gt=0, le=1, nullable=True)
    indel_spiked: Series[int] = pa.Field(ge=0)
    indel_found: Series[int] = pa.Field(ge=0)


class Missing(Facts):
    """A gene of the panel that could not be searched, in full or in part, and why."""

    gene: str
    reason: str


class VariantFacts(Facts):
    """drivers: genes of the panel with this role; assessable: those with a limit, of which fraction is the largest. fraction:
    null = less than half of them are assessable, for the reason in `unassessed` ('' = assessed). spiked, found: over the
    assessable driver genes. indel_*: of indels of BOUNDED_INDELS; indel_genes: assessable genes that have a limit for
    them; indel_fraction: null = less than half, or too few indels could be spiked. indel_events, indel_reads, indel_counted:
    indels spiked into the lot's reads, fragments that carry them, and fraction of these that is counted; indel_counted_low: its
    lower 95 % confidence limit, which the limits assume.

    lot_depth, donor_depth: medians over the searched positions. missing: of the annotation. shallow: genes without a limit.
    errors: per million reads, by kind; patterns: kinds of damage that the lot's reads show. listed: genes of the user's list;
    licence: of that list, as the user states. rna: whether RNA reads of the lot were searched. inherited, silent: variants of
    the donor, and new ones that change no protein.
    """

    drivers: int
    assessable: int
    fraction: float | None
    unassessed: str
    power: float
    spiked: int
    found: int
    lot_depth: float
    donor_depth: float
    missing: tuple[Missing, ...]
    shallow: tuple[str, ...]
    errors: dict[str, float]
    patterns: tuple[str, ...]
    listed: int
    licence: str
    rna: bool
    inherited: int
    silent: int
    indel_genes: int = 0
    indel_fraction: float | None = None
    indel_spiked: int = 0
    indel_found: int = 0
    indel_events: int = 0
    indel_reads: int = 0
    indel_counted: float | None = None
    indel_counted_low: float | None = None

    @property
    def too_few_spiked(self) -> str:
        """Why indels have no limit where `indel_counted` is null."""
        return f"{self.indel_reads} fragments over {self.indel_events} positions are too few for spike-ins of indels"


class VariantResults(NamedTuple):
    """variants: schema SmallVariants. limits: VariantLimits."""

    variants: pd.DataFrame
    limits: pd.DataFrame
    facts: VariantFacts


def short_name(row: Mapping[Any, Any]) -> str:
    """'TP53 p.R175H', 'TERT c.-124', or gene and consequence, or the position in the genome."""
    if row["change"]:
        return f"{row['gene']} p.{row['change']}"
    if str(row["hotspot"]).startswith("c."):
        return f"{row['gene']} {row['hotspot']}{row['ref']}>{row['alt']}"
    place = f"{row['chrom']}:{int(row['start']) + 1} {row['ref']}>{row['alt']}"
    return f"{row['gene']} {place}" + (
        f" ({str(row['consequence']).replace('_', ' ').replace('&', ', ')})" if row["consequence"] else ""
    )
