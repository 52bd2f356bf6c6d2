"""Are two samples of one person? Likelihoods of allele counts with the genotypes summed over, so that thin data count."""

from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaln

from karyolot.contracts.alleles import Kinship, Pairs, Relation
from karyolot.contracts.problems import KaryolotError

Floats = NDArray[np.float64]

ERROR = 0.01
"""Chance that a read shows the other allele: Phred 20, the lowest base quality counted, is one in 100. What little is
mixed in from another human is taken up here and by OUTLIERS."""
OUTLIERS = 0.01
"""Share of sites that say nothing of the person: paralogues, wrong genotypes, whatever else. Bounds what one site can
say against 'the same' to a factor of 100."""
DROPPED = (0.02, 0.2, 0.5)
"""Share of sites at which one of two samples of one person may have lost one allele: loss of heterozygosity, or RNA of
one allele. The likeliest is taken; opposite homozygotes, which tell siblings, are not explained by it."""
ONE_SIDED = 0.1
"""Overdispersion (rho of a beta-binomial) of alleles in RNA. A gene of which one copy makes more gives shares that lie
0.16 about a half (standard deviation), twice what most genes show; reads of paralogues and edited bases repeat, too."""
SIBLINGS = (0.25, 0.5, 0.25)
"""Share of the genome at which full siblings have 0, 1 and 2 alleles by descent in common."""


class Genotypes(NamedTuple):
    """Likelihoods of 0, 1, 2 copies of alt, shape (sites, 3), largest 1 in each row, and the depth of every site."""

    likelihood: Floats
    depth: NDArray[np.int64]


def genotypes(counts: pd.DataFrame, *, rna: bool = False) -> Genotypes:
    """Of one sample (contract AlleleCounts). A site without reads has likelihood 1 for all, and so no say.

    Reads of DNA are binomial, those of RNA beta-binomial (ONE_SIDED).
    """
    ref, alt = counts["ref_count"].to_numpy(), counts["alt_count"].to_numpy()
    share = np.array([ERROR, 0.5, 1 - ERROR])
    if rna:
        size = 1 / ONE_SIDED - 1
        towards_alt, towards_ref = share * size, (1 - share) * size
        log = betaln(alt[:, None] + towards_alt, ref[:, None] + towards_ref) - betaln(towards_alt, towards_ref)
    else:
        log = ref[:, None] * np.log(1 - share) + alt[:, None] * np.log(share)
    return Genotypes(np.exp(log - log.max(axis=1, keepdims=True)), ref + alt)


def together(a: Genotypes, b: Genotypes) -> Genotypes:
    """Two samples of one person as one."""
    likelihood = a.likelihood * b.likelihood
    return Genotypes(likelihood / likelihood.max(axis=1, keepdims=True), a.depth + b.depth)


def hardy_weinberg(frequency: Floats) -> Floats:
    """Shares of people with 0, 1, 2 copies of alt, shape (sites, 3)."""
    return np.stack([(1 - frequency) ** 2, 2 * frequency * (1 - frequency), frequency**2], axis=1)


def posterior(likelihood: Floats, frequency: Floats) -> Floats:
    """Probabilities of 0, 1, 2 copies of alt in a person of the population, shape (sites, 3), given likelihoods so shaped."""
    weighed = hardy_weinberg(frequency) * likelihood
    return np.asarray(weighed / weighed.sum(axis=1, keepdims=True))


def frequencies(a: pd.DataFrame, b: pd.DataFrame) -> tuple[Floats, Literal["panel", "pair"]]:
    """Frequency of alt per site, and where it is from: the panel, or for want of it one mean over all sites of the pair.

    The mean holds where sites are alike, as in panels of common SNPs; it uses these two samples alone, so that a lot's
    own result does not change with the company it is in.
    """
    stated = a["frequency"].to_numpy(float)
    missing = np.isnan(stated)
    if not missing.any():
        return stated, "panel"
    depth = [(t["ref_count"] + t["alt_count"]).to_numpy() for t in (a, b)]
    shares = [t["alt_count"].to_numpy()[d > 0] / d[d > 0] for t, d in zip((a, b), depth, strict=True)]
    seen = np.concatenate(shares)
    mean = float(np.clip(seen.mean(), 0.05, 0.95)) if len(seen) else 0.5
    return np.where(missing, mean, stated), "pair"


def kinship(a: Genotypes, b: Genotypes, frequency: Floats, log10_ratio: float) -> Kinship:
    """Same person, full sibling, or unrelated: likelihoods of both samples' counts, sites taken as independent.

    Per site, with 0, 1 or 2 alleles in common by descent (ITO matrices of Li and Sacks 1954), genotypes summed over.
    'MATCH' when the same person is 10^log10_ratio times likelier than either other, 'MISMATCH' when one of them is that
    much likelier, else 'NOT ENOUGH': by Markov's inequality at most one in 10^log10_ratio answers is wrong, if sites are
    independent.
    """
    both = (a.depth > 0) & (b.depth > 0)
    one, two, p = a.likelihood[both], b.likelihood[both], frequency[both]
    prior = hardy_weinberg(p)
    apart = (prior * one).sum(axis=1) * (prior * two).sum(axis=1)
    shared = (prior * one * two).sum(axis=1)
    # One allele in common: sum over it, each sample's other allele drawn from the population.
    q = 1 - p
    with_ref = [(q * like[:, 0] + p * like[:, 1]) for like in (one, two)]
    with_alt = [(q * like[:, 1] + p * like[:, 2]) for like in (one, two)]
    half = q * with_ref[0] * with_ref[1] + p * with_alt[0] * with_alt[1]
    ends = [(like[:, 0] + like[:, 2]) / 2 for like in (one, two)]
    lost = shared + prior[:, 1] * ((one[:, 1] * ends[1] + ends[0] * two[:, 1]) / 2 - one[:, 1] * two[:, 1])
    log_apart = np.log(apart).sum()
    log_sibling = np.log(SIBLINGS[0] * apart + SIBLINGS[1] * half + SIBLINGS[2] * shared).sum()
    log_same = max(
        np.log((1 - OUTLIERS) * ((1 - d) * shared + d * lost) + OUTLIERS * apart).sum() for d in DROPPED
    )  # fmt: skip
    unrelated, sibling = (float((log_same - other) / np.log(10)) for other in (log_apart, log_sibling))
    return Kinship(
        result=relation(unrelated, sibling, log10_ratio),
        sites=int(both.sum()),
        log10_unrelated=round(unrelated, 2),
        log10_sibling=round(sibling, 2),
    )


def relation(unrelated: float, sibling: float, log10_ratio: float) -> Relation:
    """What two log10 likelihood ratios, of 'the same' over each other, say."""
    weakest = min(unrelated, sibling)
    if weakest >= log10_ratio:
        return "MATCH"
    return "MISMATCH" if weakest <= -log10_ratio else "NOT ENOUGH"


def check_sites(tables: dict[str, pd.DataFrame]) -> None:
    """Raises KaryolotError when the samples (contract AlleleCounts, by name) were not counted at the same sites."""
    (first, reference), *others = tables.items()
    for name, table in others:
        if not table[["chrom", "start", "alt"]].equals(reference[["chrom", "start", "alt"]]):
            raise KaryolotError(f"{first} and {name}: allele counts are of other sites; count both at one panel")


def match_all(
    tables: dict[str, pd.DataFrame], held: dict[str, Genotypes], owners: dict[str, str], persons: dict[str, str],
    log10_ratio: float,
) -> pd.DataFrame:  # fmt: skip
    """Contract Pairs, no share estimated: every pair of `tables` (contract AlleleCounts by sample), `held` their genotypes.

    owners: the lot or donor a sample belongs to; persons: the donor by the sheet.
    """
    check_sites(tables)
    rows = []
    for a, b in combinations(tables, 2):
        found = kinship(held[a], held[b], frequencies(tables[a], tables[b])[0], log10_ratio)
        facts = found.model_dump()
        rows.append(
            {"sample_a": a, "owner_a": owners[a], "person_a": persons[a],
             "sample_b": b, "owner_b": owners[b], "person_b": persons[b],
             "expected": persons[a] == persons[b], **facts}
        )  # fmt: skip
    return Pairs.frame(rows)
