"""Planted people at the level of allele counts: genotypes, siblings, foreign reads, changed alleles; the truth is known."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

LENGTHS = {
    f"chr{n}": mb
    for n, mb in enumerate(
        (249, 242, 198, 190, 182, 171, 159, 145, 138, 134, 135, 133, 114, 107, 102, 90, 83, 80, 59, 64, 47, 51), start=1
    )
}
"""Autosomes of GRCh38, Mb."""
SEQUENCING_ERROR = 0.003

Ints = NDArray[np.int64]


def panel(number: int, seed: int = 1) -> pd.DataFrame:
    """Schema Sites: `number` common SNPs spread over the autosomes, alt at 10 to 90 %."""
    rng = np.random.default_rng(seed)
    chroms = rng.choice(list(LENGTHS), number, p=np.array(list(LENGTHS.values())) / sum(LENGTHS.values()))
    start = (rng.random(number) * [LENGTHS[c] * 1e6 for c in chroms]).astype("int64")
    sites = pd.DataFrame({"chrom": chroms, "start": start, "end": start + 1, "ref": "A", "alt": "G"})
    order = sites["chrom"].map({name: i for i, name in enumerate(LENGTHS)})
    sites = sites.assign(order=order).sort_values(["order", "start"]).drop_duplicates(["chrom", "start"])
    return sites.drop(columns="order").reset_index(drop=True).assign(frequency=rng.uniform(0.1, 0.9, len(sites)))


def person(sites: pd.DataFrame, rng: np.random.Generator) -> Ints:
    """Two haplotypes, shape (2, sites), 1 = alt."""
    return (rng.random((2, len(sites))) < sites["frequency"].to_numpy()).astype(np.int64)


def children(sites: pd.DataFrame, rng: np.random.Generator, number: int = 2, block: float = 50e6) -> list[Ints]:
    """Full siblings: of each parent a haplotype that changes about every `block` bases."""
    parents = person(sites, rng), person(sites, rng)

    def passed(parent: Ints) -> Ints:
        step = np.diff(sites["start"].to_numpy(), prepend=0)
        new = (sites["chrom"] != sites["chrom"].shift()).to_numpy()
        change = np.where(new, 0.5, 0.5 * (1 - np.exp(-2 * np.abs(step) / block)))
        which = np.cumsum(rng.random(len(sites)) < change) % 2
        return np.where(which, parent[1], parent[0])

    return [np.stack([passed(parent) for parent in parents]) for _ in range(number)]


def counts(
    sites: pd.DataFrame, alleles: Ints, depth: float, rng: np.random.Generator, *,
    foreign: Ints | None = None, share: float = 0.0, copies: NDArray[np.float64] | None = None,
    reference_bias: float = 0.0, site_bias: NDArray[np.float64] | None = None, overdispersion: float = 0.0,
) -> pd.DataFrame:  # fmt: skip
    """Schema AlleleCounts of a person's cells.

    foreign, share: another person and the fraction of reads from there. copies: mean copies of the two haplotypes, shape
    (2, sites), 1 = normal. reference_bias: log odds lost by alt reads; site_bias: on top, per site. overdispersion: rho.
    """
    copies = np.ones(alleles.shape) if copies is None else copies
    total = copies.sum(axis=0)
    alt = (alleles * copies).sum(axis=0) / np.maximum(total, 1e-9)
    if foreign is not None:
        alt = (1 - share) * alt + share * foreign.mean(axis=0)
    lean = np.exp(-reference_bias + (0.0 if site_bias is None else site_bias))
    alt = alt * lean / (alt * lean + 1 - alt)
    n = rng.poisson(depth * total / 2)
    if overdispersion:
        m = 1 / overdispersion - 1
        inner = (alt > 0) & (alt < 1)
        alt = np.where(inner, rng.beta(np.maximum(alt, 1e-6) * m, np.maximum(1 - alt, 1e-6) * m), alt)
    wrong = SEQUENCING_ERROR / 3
    other = rng.binomial(n, 2 * wrong)
    shown = rng.binomial(n - other, alt * (1 - wrong) + (1 - alt) * wrong)
    return sites.assign(ref_count=n - other - shown, alt_count=shown, other_count=other)


def expressed(
    sites: pd.DataFrame, alleles: Ints, rng: np.random.Generator, *, depth: float = 8, one_sided: float = 0.1
) -> pd.DataFrame:
    """Schema AlleleCounts of RNA: depths log-normal about `depth`, the two alleles of a gene unequal (0.16 SD of the
    share), a fraction of sites from one allele alone, 2 % of the reads of every twentieth site from a gene that looks alike."""
    n = rng.poisson(depth * rng.lognormal(0, 1.5, len(sites)))
    weight = rng.beta(4.5, 4.5, len(sites))
    weight = np.where(rng.random(len(sites)) < one_sided, rng.integers(0, 2, len(sites)), weight)
    alt = alleles[0] * weight + alleles[1] * (1 - weight)
    alt = np.where(rng.random(len(sites)) < 0.05, 0.98 * alt + 0.02 * rng.integers(0, 2, len(sites)), alt)
    wrong = SEQUENCING_ERROR / 3
    other = rng.binomial(n, 2 * wrong)
    shown = rng.binomial(n - other, alt * (1 - wrong) + (1 - alt) * wrong)
    return sites.assign(ref_count=n - other - shown, alt_count=shown, other_count=other)


def mosaic(sites: pd.DataFrame, events: Sequence[tuple[str, float, float, str, float]]) -> NDArray[np.float64]:
    """Copies of the haplotypes: events (chrom, start Mb, end Mb, 'gain' | 'loss' | 'copy-neutral', cell fraction)."""
    copies = np.ones((2, len(sites)))
    for chrom, start, end, kind, f in events:
        inside = ((sites["chrom"] == chrom) & sites["start"].between(start * 1e6, end * 1e6 - 1)).to_numpy()
        first, second = {"gain": (1 + f, 1), "loss": (1 - f, 1), "copy-neutral": (1 + f, 1 - f)}[kind]
        copies[0, inside], copies[1, inside] = first, second
    return copies
