"""Small variants a lot shows in listed genes: its donor's, enriched from its donor, or acquired (or too rare in the donor).

Absence in a donor at 30x does not prove acquisition: hepatocytes of one liver differ, and a clone of a few per cent of them is
not detected. The allele fraction from which on it would have been detected is reported with each variant.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import beta, binom, fisher_exact

from karyolot.contracts.criteria import Metric, Metrics
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.small_variants import CalledVariants, VariantFacts, VariantResults
from karyolot.dna.identity import ERROR

FEWEST_READS = 3
"""Reads of the lot that must show a variant: at 30x two reads share an error at one of 100 positions."""
SHOWN = 0.05
"""Probability of the donor's alt reads under errors alone, below which the donor has the variant. In doubt it does not, and the
variant is reviewed manually."""
ENRICHED = 0.05
"""Chance that any of a stable lot's variants is called enriched."""
LEAST_DEPTH = 10
"""Mean depth below which an interval is not searched in full: a heterozygous variant is then missed in one of twenty lots."""
POWER = 0.95
LISTED = 5
"""Variants named in the criterion; the report has all."""


def called_table(columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Schema CalledVariants of its columns, of no rows too."""
    kinds = {name: str if name in {"chrom", "ref", "alt"} else "int64" for name in columns}
    return CalledVariants.validate(pd.DataFrame(columns).astype(kinds))


def classify(called: pd.DataFrame, depths: pd.DataFrame, licence: str) -> VariantResults:
    """called: schema CalledVariants; depths: GeneDepths."""
    shown = called[called["lot_alt"] >= FEWEST_READS].reset_index(drop=True)
    donor = (shown["donor_ref"] + shown["donor_alt"]).to_numpy()
    has = binom.sf(shown["donor_alt"].to_numpy() - 1, donor, ERROR) < SHOWN
    more = [
        fisher_exact([[row.lot_alt, row.lot_ref], [row.donor_alt, row.donor_ref]], alternative="greater")[1]
        for row in shown.itertuples()
    ]
    p = np.array(more, dtype=float)
    origin = np.where(~has, "acquired", np.where(p < ENRICHED / max(len(p), 1), "enriched", "inherited"))
    variants = shown.assign(gene=_genes(shown, depths), origin=origin, p=np.clip(p, 0, 1), donor_lod=donor_limit(donor))
    shallow = depths[depths[["lot_depth", "donor_depth"]].min(axis=1) < LEAST_DEPTH]
    facts = VariantFacts(
        genes=depths["gene"].nunique(),
        lot_depth=round(float(depths["lot_depth"].median()), 1),
        donor_depth=round(float(depths["donor_depth"].median()), 1),
        min_depth=LEAST_DEPTH,
        shallow=tuple(sorted(set(shallow["gene"]))),
        inherited=int((origin == "inherited").sum()),
        licence=licence,
    )
    return VariantResults(variants.astype({"gene": str, "origin": str, "p": float, "donor_lod": float}), facts)


def donor_limit(depth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Fraction of reads from which on a donor of that depth shows a variant with POWER; null where no number of reads would."""
    needed = binom.isf(SHOWN, depth, ERROR) + 1
    possible = (depth > 0) & (needed <= depth)
    share = beta.ppf(POWER, needed, np.where(possible, depth - needed + 1, 1))
    return np.where(possible, share, np.nan)


def _genes(variants: pd.DataFrame, depths: pd.DataFrame) -> list[str]:
    found = []
    for row in variants.itertuples():
        inside = (depths["chrom"] == row.chrom) & (depths["start"] < row.end) & (depths["end"] > row.start)
        found.append(",".join(dict.fromkeys(depths.loc[inside, "gene"])))
    return found


def variant_metrics(results: VariantResults) -> Metrics:
    """variants.acquired: number of enriched and acquired variants."""
    new = results.variants[results.variants["origin"] != "inherited"]
    facts = results.facts
    words = [_words(row) for row in new.head(LISTED).to_dict("records")]
    words += [f"and {len(new) - LISTED} more"] * (len(new) > LISTED)
    searched = f"{facts.genes} genes searched, {facts.inherited} variants inherited from the donor"
    if facts.shallow:
        searched += f"; too shallow in part: {', '.join(facts.shallow)}"
    if len(facts.shallow) == facts.genes and new.empty:
        unseen = f"no listed gene is {facts.min_depth} deep in lot and donor"
        return {MetricName.VARIANTS_ACQUIRED: Metric(value=None, reason=unseen)}
    return {MetricName.VARIANTS_ACQUIRED: Metric(value=len(new), detail="; ".join([*words, searched]))}


def _words(row: dict[object, object]) -> str:
    limit = row["donor_lod"]
    bound = "no reads" if np.isnan(float(str(limit))) else f"limit of detection {float(str(limit)):.0%} of reads"
    return (
        f"{row['origin']} {row['gene']} {row['chrom']}:{int(str(row['start'])) + 1} {row['ref']}>{row['alt']} in"
        f" {row['lot_alt']} of {int(str(row['lot_ref'])) + int(str(row['lot_alt']))} reads, donor {row['donor_alt']} of"
        f" {int(str(row['donor_ref'])) + int(str(row['donor_alt']))} ({bound})"
    )
