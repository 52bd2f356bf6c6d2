"""Cross-individual contamination of a sample: maximum likelihood over allele counts, given the donor's own reads."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import betaln, chdtri

from karyolot.contracts import settings as configured
from karyolot.contracts.alleles import COUNTS, Contamination, Identity, RnaKinship
from karyolot.dna.identity import (
    frequencies,
    genotypes,
    kinship,
    of_another,
    posterior,
    shared_sites,
    together,
)
from karyolot.dna.noise import CALM, SURELY_CALM

Floats = NDArray[np.float64]

SHARES = np.concatenate([[0.0], np.geomspace(5e-4, 0.5, 70)])
"""Fractions tried first; neighbours are 10 % apart."""
FINE = 41
"""Fractions tried next, evenly spaced over the interval found and a step to either side."""
ERRORS = np.geomspace(0.4, 2.5, 9)
"""Error rates tried, as multiples of that estimated from third bases: sequencing errors differ between bases, and an error rate
that is too low would appear as contamination (0.05 points of it as 0.4)."""
LEAST_ERROR = 1e-4
"""Lower bound of the probability of one given wrong base: its estimate from 'other' bases is uncertain in shallow data."""
FEWEST_SAME = 20
"""Sites with reads in both samples that are not identical by chance."""
MAPPING = 0.002
"""Fraction of sites that no mixture explains (paralogues); without it a few of them would appear as contamination."""
CHI = float(chdtri(1, 0.05)) / 2
"""Drop of the log likelihood at the ends of a 95 % interval."""
FOUND = (1.645 + 1.645) ** 2 / 2
"""Expected log likelihood ratio over 'none' at which 95 % of samples exceed the 95th percentile of clean ones: both one-sided,
since a fraction is not negative (normal approximation of the root of twice the ratio)."""
CERTAIN = 0.99
LOD_SHARES = (0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5)
"""Fractions simulated to find the limit of detection."""
MOST_SITES = 40_000
"""Sites used, evenly spread over the panel: at 5 fragments a site the information bound of 10 % is then 0.2 points; more
would only cost time and memory."""


class Mixture(NamedTuple):
    """Fraction of the guest with its 95 % interval, and error rate, at the maximum of the log likelihood; that maximum, and its
    rise over 'no guest'."""

    share: float
    low: float
    high: float
    error: float
    log: float
    rise: float


def contamination(lot: pd.DataFrame, donor: pd.DataFrame, frequency: Floats) -> Contamination:
    """Contamination of `lot`, modelled as a mixture of its donor and one unknown person of the population.

    lot, donor: schema AlleleCounts; frequency: of alt per site. The donor's genotypes are weighted by their posterior
    probabilities, those of an unrelated person are averaged over the population. Sites where the donor is heterozygous with
    certainty are left out: there, and only there, mosaic copy-number changes shift the allele fraction.
    """
    rows, reads = usable(lot, donor, frequency)
    if not len(rows):
        return Contamination(fraction=None, low=None, high=None, lod=None, sites=0, donor_known=0.0)
    found = reads.fit()
    lod = limit_of_detection(reads._replace(error=found.error))
    known = float((reads.host.max(axis=1) >= CERTAIN).mean())
    bounded = found.high < SHARES[-1]  # else anything up to a half fits
    return Contamination(
        fraction=round(found.share, 5) if bounded else None,
        low=round(found.low, 5) if bounded else None,
        high=round(found.high, 5) if bounded else None,
        lod=lod,
        sites=len(rows),
        donor_known=round(known, 4),
    )


def usable(lot: pd.DataFrame, donor: pd.DataFrame, frequency: Floats) -> tuple[NDArray[np.int64], "Reads"]:
    """Rows of `lot` to be used, and what is fitted there."""
    of_donor = genotypes(donor).likelihood
    known = posterior(of_donor, frequency)
    covered = (lot["ref_count"] + lot["alt_count"]).to_numpy() > 0
    rows = np.flatnonzero(covered & (known[:, 1] < CERTAIN))
    if len(rows) > MOST_SITES:
        rows = rows[np.linspace(0, len(rows) - 1, MOST_SITES).astype(np.int64)]
    table = lot.iloc[rows]
    ref, alt = table["ref_count"].to_numpy(), table["alt_count"].to_numpy()
    stranger = of_another(of_donor, frequency)[rows]
    return rows, Reads(ref, alt, known[rows], stranger, wrong_base(lot))


def wrong_base(counts: pd.DataFrame) -> float:
    """Probability that a read shows one given wrong base: half of the fraction of third bases, of which there are two."""
    total = counts[COUNTS].to_numpy().sum()
    return max(float(counts["other_count"].sum() / 2 / max(total, 1)), LEAST_ERROR)


class Reads(NamedTuple):
    """What is fitted: counts per site, and the probabilities of 0, 1, 2 copies of alt in the host (sites, 3), and in the guest
    given the host's (sites, 3, 3)."""

    ref: NDArray[np.int64]
    alt: NDArray[np.int64]
    host: Floats
    guest: Floats
    error: float

    def log_likelihoods(self, shares: Floats) -> Floats:
        """Log likelihood of each fraction of the guest, summed over the genotypes of both."""
        weight = (self.host[:, :, None] * self.guest).reshape(-1, 9)
        anything, mixtures = self.mixtures(shares)
        return np.array([explained(np.einsum("ij,ij->i", weight, site), top, anything) for site, top in mixtures])

    def mixtures(self, shares: Floats) -> tuple[Floats, Iterator[tuple[Floats, Floats]]]:
        """Log likelihood of each site when no mixture explains it, every fraction of alt equally likely; and of each fraction of
        the guest its likelihood for each genotype of host and guest, (sites, 9), over their maximum, with its logarithm.

        All in logs: at a site of some thousand reads each likelihood is below the smallest number there is.
        """
        # Sites show few different counts: the costly part is done once for each.
        patterns, inverse = np.unique(np.stack([self.ref, self.alt], axis=1), axis=0, return_inverse=True)
        ref, alt = (column[:, None, None] for column in patterns.T)
        inverse = inverse.reshape(-1)
        dose = np.arange(3) / 2

        def mixed(share: float) -> tuple[Floats, Floats]:
            fraction = (1 - share) * dose[:, None] + share * dose[None, :]
            fraction = fraction * (1 - self.error) + (1 - fraction) * self.error
            likelihood = (alt * np.log(fraction) + ref * np.log1p(-fraction)).reshape(-1, 9)
            top = likelihood.max(axis=1, keepdims=True)
            return np.exp(likelihood - top)[inverse], top[inverse, 0]

        return np.log(MAPPING) + betaln(ref + 1, alt + 1)[inverse, 0, 0], map(mixed, shares.tolist())

    def profile(self, shares: Floats, errors: Floats) -> tuple[Floats, Floats]:
        """Log likelihood of each fraction at its best error rate (multiples of `error`), and that rate."""
        logs = np.array([self._replace(error=self.error * e).log_likelihoods(shares) for e in errors])
        return logs.max(axis=0), self.error * errors[logs.argmax(axis=0)]

    def fit(self, errors: Floats = ERRORS) -> Mixture:
        """Maximum likelihood of the guest's fraction, error rate profiled: over SHARES, then finer within the interval."""
        log, _ = self.profile(SHARES, errors)
        inside = np.flatnonzero(log >= log.max() - CHI)
        first, last = max(inside[0] - 1, 0), min(inside[-1] + 1, len(SHARES) - 1)
        shares = np.linspace(SHARES[first], SHARES[last], FINE)
        fine, error = self.profile(shares, errors)
        best = int(fine.argmax())
        held = shares[fine >= fine[best] - CHI]
        rise = float(fine[best] - log[0])
        share, low, high = float(shares[best]), float(held[0]), float(held[-1])
        return Mixture(share, low, high, float(error[best]), float(fine[best]), rise)


def explained(site: Floats, top: Floats, anything: Floats) -> float:
    """Log likelihood of all sites: each by the mixture (`site` times e^`top`), or by none (`anything`)."""
    with np.errstate(divide="ignore"):  # no genotype that can be explains the site: `anything` does
        return float(np.logaddexp(np.log1p(-MAPPING) + np.log(site) + top, anything).sum())


def limit_of_detection(reads: Reads) -> float | None:
    """Smallest of LOD_SHARES that would be found with 95 % power in a sample of these depths; None = none of them.

    Reads are simulated: the donor's genotypes are drawn from their posterior, those of an unrelated person from the population.
    The seed is fixed, so that the same data give the same limit.
    """
    rng = np.random.default_rng(1)
    own = _drawn(reads.host, rng)
    strange = _drawn(reads.guest[np.arange(len(own)), own], rng)
    depth = reads.ref + reads.alt
    for share in LOD_SHARES:
        fraction = (1 - share) * own / 2 + share * strange / 2
        alt = rng.binomial(depth, fraction * (1 - reads.error) + (1 - fraction) * reads.error)
        (none, mixed), _ = reads._replace(ref=depth - alt, alt=alt).profile(np.array([0.0, share]), ERRORS)
        if mixed - none >= FOUND:
            return share
    return None


def _drawn(probability: Floats, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.asarray((rng.random(len(probability))[:, None] > probability.cumsum(axis=1)[:, :2]).sum(axis=1))


def identify(
    lot: pd.DataFrame,
    donor: pd.DataFrame,
    settings: configured.Identity,
    rna: list[pd.DataFrame] | None = None,
    samples: list[dict[str, str]] | None = None,
) -> Identity:
    """Compare a lot with its own donor by SNPs, independent of all other samples.

    Parameters
    ----------
    lot, donor
        Schema AlleleCounts, at the same sites.
    rna
        RNA samples of both, as lot. RNA is compared with all DNA that is the donor's.
    samples
        sample_id and role ('lot' or 'donor') of each of `rna`.

    Returns
    -------
    Identity
        Relation with its log10 likelihood ratios, and contamination as a fraction of reads, with interval and limit of
        detection.
    """
    names = [sample["sample_id"] for sample in samples or []]
    lot, donor, *others = shared_sites({"lot": lot, "donor": donor, **dict(zip(names, rna or [], strict=True))})
    tables = dict(zip(names, others, strict=True))
    frequency, source = frequencies(lot, donor)
    one, two = genotypes(lot), genotypes(donor)
    kin = kinship(one, two, frequency, settings.log10_ratio)
    known = together(one, two) if kin.result == "MATCH" else two
    expressed = {
        name: kinship(genotypes(table, rna=True), known, frequencies(table, donor)[0], settings.log10_ratio)
        for name, table in tables.items()
    }
    return Identity(
        kinship=kin,
        contamination=contamination(lot, donor, frequency),
        panel=len(lot),
        lot_depth=round(float(one.depth.mean()), 2),
        donor_depth=round(float(two.depth.mean()), 2),
        frequencies=source,
        shared=shared_reads(lot, donor, posterior(known.likelihood, frequency)[:, 1])
        if kin.result == "MATCH"
        else None,
        rna=tuple(
            RnaKinship(
                **expressed[sample["sample_id"]].model_dump(), **{key: sample[key] for key in ("sample_id", "role")}
            )
            for sample in samples or []
        ),
    )


def shared_reads(lot: pd.DataFrame, donor: pd.DataFrame, het: Floats) -> float | None:
    """Scatter of the difference of allele fractions over that of counting where it is surely smaller; None = it is not.

    Two independent samples of a person differ at heterozygous sites by the chance of counting at least; reads that are in both do
    not differ. het: probability that the person is heterozygous at each site, by the reads of both. Sites are chosen by these
    reads together, and so is the variance expected: given their sum, those of one sample are hypergeometric. Sites chosen by the
    donor's reads would scatter less where these are few.
    """
    depths = [table[["ref_count", "alt_count"]].to_numpy().sum(axis=1) for table in (lot, donor)]
    covered = (depths[0] > 0) & (depths[1] > 0)
    if covered.sum() >= FEWEST_SAME and (lot[COUNTS].to_numpy() == donor[COUNTS].to_numpy())[covered].all():
        return 0.0
    sites = (het >= CERTAIN) & covered
    if not sites.any():
        return None
    of_lot, of_donor = (table["alt_count"].to_numpy()[sites] for table in (lot, donor))
    in_lot, in_donor = (depth[sites] for depth in depths)
    both = in_lot + in_donor
    pooled = (of_lot + of_donor) / both
    expected = pooled * (1 - pooled) * (1 / in_lot + 1 / in_donor) * both / (both - 1)
    scatter = float(((of_lot / in_lot - of_donor / in_donor) ** 2 / expected).mean())
    return scatter if scatter < min(CALM, 1 - SURELY_CALM * np.sqrt(2 / sites.sum())) else None
