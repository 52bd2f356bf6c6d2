"""Small variants of a lot in listed genes, against its donor. Coordinates are 0-based half-open."""

from typing import Literal, NamedTuple

import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series

from karyolot.contracts.copy_number import Facts, Intervals

Origin = Literal["inherited", "enriched", "acquired"]


class CalledVariants(Intervals):
    """Variants called in lot or donor: alleles as VCF writes them, reads that show each; the donor counted at every one."""

    ref: Series[str]
    alt: Series[str]
    lot_ref: Series[int] = pa.Field(ge=0)
    lot_alt: Series[int] = pa.Field(ge=0)
    donor_ref: Series[int] = pa.Field(ge=0)
    donor_alt: Series[int] = pa.Field(ge=0)


class SmallVariants(CalledVariants):
    """Those the lot shows. gene: by the user's list, several joined by ','.

    origin: 'inherited' (the donor has it, in no smaller share), 'enriched' (the donor has it in a smaller share),
    'acquired' (the donor does not show it: acquired, or below what the donor's reads could have shown).
    p: chance of a difference of shares this large if the two were equal, one-sided. donor_lod: fraction of reads from which on
    the donor would have shown it with 95 % power; null without reads there.
    """

    gene: Series[str]
    origin: Series[str] = pa.Field(isin=["inherited", "enriched", "acquired"])
    p: Series[float] = pa.Field(ge=0, le=1)
    donor_lod: Series[float] = pa.Field(gt=0, le=1, nullable=True)


class GeneDepths(Intervals):
    """Mean depth of lot and donor in each interval of the user's list."""

    gene: Series[str]
    lot_depth: Series[float] = pa.Field(ge=0)
    donor_depth: Series[float] = pa.Field(ge=0)


class VariantFacts(Facts):
    """genes: searched. lot_depth, donor_depth: medians over their intervals. shallow: genes with an interval below `min_depth` in
    either, not searched in full. inherited: variants the lot has from its donor. licence: of the list, as the user states."""

    genes: int
    lot_depth: float
    donor_depth: float
    min_depth: int
    shallow: tuple[str, ...]
    inherited: int
    licence: str


class VariantResults(NamedTuple):
    """variants: schema SmallVariants."""

    variants: pd.DataFrame
    facts: VariantFacts
