"""Kinship of two samples: likelihoods of allele counts, summed over genotypes, so that shallow data are used too."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaln

from karyolot.contracts.alleles import Kinship, Relation
from karyolot.contracts.problems import KaryolotError

Floats = NDArray[np.float64]

ERROR = 0.01
"""Chance that a read shows the other allele: Phred 20, the lowest base quality counted, is one in 100. A small
contamination by another person is absorbed here and by OUTLIERS."""
OUTLIERS = 0.01
"""Fraction of uninformative sites (paralogues, wrong genotypes and others). Limits the evidence of one site against 'the same'
to a factor of 100."""
DROPPED = (0.02, 0.2, 0.5)
"""Fraction of sites at which one of two samples of one person may have lost one allele: loss of heterozygosity, or RNA of
one allele. The most likely is taken. It does not explain opposite homozygotes, which identify siblings."""
ONE_SIDED = 0.1
"""Overdispersion (rho of a beta-binomial) of alleles in RNA. A gene with allele-specific expression has allele
fractions with a standard deviation of 0.16 about one half, twice that of most genes; reads of paralogues and edited bases are
correlated, too."""
SIBLINGS = (0.25, 0.5, 0.25)
"""Fraction of the genome at which full siblings have 0, 1 and 2 alleles by descent in common."""


SPECTRUM = np.array([5e-4, 0.01, 0.03, 0.07, 0.15, 0.25, 0.35, 0.5, 0.65, 0.75, 0.85, 0.93, 0.97, 0.99, 1 - 5e-4])
"""Allele frequencies of sites for which none is stated; their weights are fitted. The outermost ones are sites with almost no
variation, at which unrelated persons agree and agreement is no evidence."""
ROUNDS = 60
"""Rounds of expectation and maximisation for those weights, starting from equal ones."""
MOST_UNKNOWN = 40_000
"""Sites without a frequency that are used, evenly spaced: they suffice, and each costs as much as 15 others."""
SITE = ["chrom", "start", "ref", "alt"]


class Genotypes(NamedTuple):
    """Likelihoods of 0, 1, 2 copies of alt, shape (sites, 3), largest 1 in each row, and the depth of every site."""

    likelihood: Floats
    depth: NDArray[np.int64]

    def at(self, rows: NDArray[np.int64] | slice) -> "Genotypes":
        return Genotypes(self.likelihood[rows], self.depth[rows])


def genotypes(counts: pd.DataFrame, *, rna: bool = False) -> Genotypes:
    """Of one sample (schema AlleleCounts). A site without reads has likelihood 1 for all genotypes and no influence."""
    ref, alt = counts["ref_count"].to_numpy(), counts["alt_count"].to_numpy()
    return Genotypes(likelihoods(ref, alt, rna=rna), ref + alt)


def likelihoods(ref: NDArray[np.int64], alt: NDArray[np.int64], *, rna: bool) -> Floats:
    """Of 0, 1, 2 copies of alt, given the reads of both alleles; the genotypes are the last axis, and the largest is 1.

    Reads of DNA are binomial, those of RNA beta-binomial (ONE_SIDED).
    """
    share = np.array([ERROR, 0.5, 1 - ERROR])
    if rna:
        size = 1 / ONE_SIDED - 1
        towards_alt, towards_ref = share * size, (1 - share) * size
        log = betaln(alt[..., None] + towards_alt, ref[..., None] + towards_ref) - betaln(towards_alt, towards_ref)
    else:
        log = ref[..., None] * np.log(1 - share) + alt[..., None] * np.log(share)
    return np.asarray(np.exp(log - log.max(axis=-1, keepdims=True)))


def together(a: Genotypes, b: Genotypes) -> Genotypes:
    """Two samples of one person as one."""
    likelihood = a.likelihood * b.likelihood
    return Genotypes(likelihood / likelihood.max(axis=1, keepdims=True), a.depth + b.depth)


def hardy_weinberg(frequency: Floats) -> Floats:
    """Proportions of people with 0, 1, 2 copies of alt, shape (sites, 3)."""
    return np.stack([(1 - frequency) ** 2, 2 * frequency * (1 - frequency), frequency**2], axis=1)


def prior(likelihood: Floats, frequency: Floats) -> Floats:
    """Prior probabilities of 0, 1, 2 copies of alt, shape (sites, 3).

    Where no frequency is stated (nan), they are the genotype proportions in this sample, whose likelihoods are given.
    """
    known = hardy_weinberg(frequency)
    if (missing := np.isnan(frequency)).any():
        known[missing] = fitted_shares(_some(likelihood[missing]))
    return known


def posterior(likelihood: Floats, frequency: Floats) -> Floats:
    """Posterior probabilities of 0, 1, 2 copies of alt in a person of the population; likelihood and result: (sites, 3)."""
    weighed = prior(likelihood, frequency) * likelihood
    return np.asarray(weighed / weighed.sum(axis=1, keepdims=True))


def of_another(likelihood: Floats, frequency: Floats) -> Floats:
    """Probabilities of genotypes of another person of the population, given those of this one: shape (sites, 3, 3), the second
    axis this person's copies of alt.

    With a known frequency the two are independent. Without one they are not: a homozygote makes it likely that the allele is
    common. The spectrum of frequencies is fitted to this person's likelihoods.
    """
    found = np.repeat(hardy_weinberg(frequency)[:, None, :], 3, axis=1)
    if (missing := np.isnan(frequency)).any():
        genotype = hardy_weinberg(SPECTRUM)
        share = fitted_shares(_some(likelihood[missing]) @ genotype.T)
        joint = (share[:, None, None] * genotype[:, :, None] * genotype[:, None, :]).sum(axis=0)
        found[missing] = joint / joint.sum(axis=1, keepdims=True)
    return found


def fitted_shares(likelihood: Floats) -> Floats:
    """Maximum likelihood proportions of classes. likelihood: of each site in each class, shape (sites, classes)."""
    share = np.full(likelihood.shape[1], 1 / likelihood.shape[1])
    for _ in range(ROUNDS):
        weighed = likelihood * share
        share = (weighed / weighed.sum(axis=1, keepdims=True)).mean(axis=0)
    return share


def _some(sites: Floats) -> Floats:
    """At most MOST_UNKNOWN of the rows, evenly spaced."""
    return sites[_spread(len(sites))]


def _spread(number: int) -> NDArray[np.int64]:
    return np.linspace(0, number - 1, min(number, MOST_UNKNOWN)).astype(np.int64)


def frequencies(a: pd.DataFrame, b: pd.DataFrame) -> tuple[Floats, Literal["panel", "pair"]]:
    """Frequency of alt per site (nan: not stated), and its source: the panel or, without one, these two samples.

    Frequencies that are not stated are summed over, see `kinship`. Only these two samples are used, so that a lot's result does
    not depend on which other samples are analysed.
    """
    stated = a["frequency"].fillna(b["frequency"]).to_numpy(float)
    return stated, "pair" if np.isnan(stated).any() else "panel"


def kinship(a: Genotypes, b: Genotypes, frequency: Floats, log10_ratio: float) -> Kinship:
    """Same person, full sibling, or unrelated: likelihoods of both samples' counts, assuming independent sites.

    frequency: of alt per site, nan where it is not known; there the likelihood is summed over SPECTRUM, with weights fitted
    separately under each of the three hypotheses, so that none is favoured.

    Per site the likelihood is summed over genotypes with 0, 1 or 2 alleles identical by descent (ITO matrices of Li and Sacks
    1954). The result is 'MATCH' if the same person is 10^log10_ratio times as likely as each alternative, 'MISMATCH' if one
    alternative is that much more likely, and otherwise 'NOT ENOUGH'. By Markov's inequality at most one in 10^log10_ratio
    decisions is wrong if sites are independent.
    """
    both = (a.depth > 0) & (b.depth > 0)
    one, two, p = a.likelihood[both], b.likelihood[both], frequency[both]
    known = ~np.isnan(p)
    total = _log_likelihoods(_terms(one[known], two[known], p[known][:, None]))
    unknown = np.flatnonzero(~known)[_spread(int((~known).sum()))]
    if len(unknown):
        total = total + _log_likelihoods(_terms(one[unknown], two[unknown], SPECTRUM[None, :]))
    log_apart, log_sibling, log_same = total[0], total[1], total[2:].max()
    unrelated, sibling = (float((log_same - other) / np.log(10)) for other in (log_apart, log_sibling))
    return Kinship(
        result=relation(unrelated, sibling, log10_ratio),
        sites=int(known.sum()) + len(unknown),
        log10_unrelated=round(unrelated, 2),
        log10_sibling=round(sibling, 2),
    )


def _terms(one: Floats, two: Floats, p: Floats) -> Floats:
    """Likelihoods of two samples at each site under each hypothesis: unrelated, siblings, the same person at each of DROPPED;
    shape (hypotheses, sites, frequencies). one, two: of genotypes (sites, 3); p: (sites or 1, frequencies)."""
    q = 1 - p
    prior = np.stack([q**2, 2 * p * q, p**2])
    first, second = one.T[:, :, None], two.T[:, :, None]
    apart = (prior * first).sum(axis=0) * (prior * second).sum(axis=0)
    shared = (prior * first * second).sum(axis=0)
    # One allele in common: sum over it, each sample's other allele drawn from the population.
    with_ref = [q * like[0] + p * like[1] for like in (first, second)]
    with_alt = [q * like[1] + p * like[2] for like in (first, second)]
    half = q * with_ref[0] * with_ref[1] + p * with_alt[0] * with_alt[1]
    ends = [(like[0] + like[2]) / 2 for like in (first, second)]
    lost = shared + prior[1] * ((first[1] * ends[1] + ends[0] * second[1]) / 2 - first[1] * second[1])
    sibling = SIBLINGS[0] * apart + SIBLINGS[1] * half + SIBLINGS[2] * shared
    same = [(1 - OUTLIERS) * ((1 - d) * shared + d * lost) + OUTLIERS * apart for d in DROPPED]
    return np.stack([apart, sibling, *same])


def _log_likelihoods(terms: Floats) -> Floats:
    """Of all sites under each hypothesis, averaged over frequencies with the weights fitted under it."""
    if terms.shape[2] == 1:
        return np.asarray(np.log(terms[:, :, 0]).sum(axis=1))
    return np.array([np.log(sites @ fitted_shares(sites)).sum() for sites in terms])


def relation(unrelated: float, sibling: float, log10_ratio: float) -> Relation:
    """The decision by two log10 likelihood ratios of 'the same' over each alternative."""
    weakest = min(unrelated, sibling)
    if weakest >= log10_ratio:
        return "MATCH"
    return "MISMATCH" if weakest <= -log10_ratio else "NOT ENOUGH"


Rows = NDArray[np.int64] | slice


def shared_rows(a: pd.DataFrame, b: pd.DataFrame) -> tuple[Rows, Rows]:
    """Rows of two tables (schema AlleleCounts) that are of one site, in the order of the first; all when they are of one
    panel."""
    if a[SITE].equals(b[SITE]):
        return slice(None), slice(None)
    places = pd.MultiIndex.from_frame(b[SITE]).get_indexer(pd.MultiIndex.from_frame(a[SITE]))
    return np.flatnonzero(places >= 0), places[places >= 0]


def shared_sites(tables: dict[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """The tables (schema AlleleCounts, by sample) at the sites that all of them have.

    Raises
    ------
    KaryolotError
        When there is no such site.
    """
    (name, first), *others = tables.items()
    kept = [first]
    for other, table in others:
        rows, own = shared_rows(kept[0], table)
        kept = [*(part.iloc[rows].reset_index(drop=True) for part in kept), table.iloc[own].reset_index(drop=True)]
        if kept[0].empty and not first.empty:
            raise KaryolotError(f"{name} and {other}: allele counts have no site in common; count both at one panel")
    return kept
