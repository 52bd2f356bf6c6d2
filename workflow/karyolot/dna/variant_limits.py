"""In how few cells a mutation of each gene would have been called: from the depth really there and the errors really measured."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.special import bdtrc, betaincinv, expit, gammaln, logit, stdtrit, xlogy

from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.contracts.small_variants import VariantLimits
from karyolot.dna import halving
from karyolot.dna.variant_errors import SUBSTITUTIONS, Floats, Integers, Rates, beta_of, kinds_at, needed, split, tail

FEWEST_READS = 3
"""Of the lot that must show a variant: two show the same error in one of 100 positions at 30x."""
LEAST_DONOR = 10
"""Donor reads below which a position is not searched: a heterozygous variant of the donor would be missed there, and be taken for
an acquired one, more often than once in 100."""
UNEVEN = 1e-3
"""Chance of an uneven split between the strands, or of positions at one end of the reads, below which a variant is taken for an
artefact."""
SPIKES = 100
"""Substitutions simulated per gene and per recurrent mutation, and indels per gene."""
LEAST_EVENTS, LEAST_CARRYING = 12, 100
"""Spiked indels that reads carry, and reads that carry them, below which the part of them that is counted is not measured."""
LEAST_VARIED, MOST_VARIED = 1e-3, 0.5
"""Bounds of its overdispersion among indels."""
CLASSES = 8
"""Parts of equal probability that stand for its distribution."""
TYPICAL_ERROR, TYPICAL_INDEL_ERROR, TYPICAL_SPREAD = 3e-4, 1e-5, 0.002
TYPICAL_COUNTED, TYPICAL_VARIED = 0.84, 0.08
CODING_BASES, RECURRENT_BASES = 43_000, 150
"""For a forecast: errors per read and kind of change, their overdispersion; part of the reads of 150 bases with an indel that is
counted (lower confidence limit) and its variation among indels (benchmarks/variants.tsv); the size of the shipped panel."""
ALL: Floats = np.array([1.0])
"""Every read of a mutated copy shows a substitution."""
POINT, INDEL = slice(0, 3), slice(3, 4)
"""Columns of `kinds_at`."""
STEPS = 20
"""Halvings of the fraction: to one in a million."""


class Counted(NamedTuple):
    """Part of the reads with an indel that the pile-up counts for it (others are clipped, or aligned as another allele).

    mean: over the indels; low: its lower 95 % confidence limit. classes: CLASSES values of equal probability, of a beta
    distribution of mean `low` and of the variation among indels.
    """

    mean: float
    low: float
    classes: Floats


def counted(spiked: pd.DataFrame) -> Counted | None:
    """The part as measured on the lot's own reads; None where too few could be spiked.

    The variance of the mean is that of a ratio of sums over indels (Cochran 1977, Sampling Techniques, 6.3), and the variation
    among them that of beta-binomial counts, by moments.

    spiked: schema SpikedIndels.
    """
    n, k = (spiked.loc[spiked["carrying"] > 0, name].to_numpy(float) for name in ("carrying", "counted"))
    events, reads = len(n), n.sum()
    if events < LEAST_EVENTS or reads < LEAST_CARRYING or not k.sum():
        return None
    mean = k.sum() / reads
    error = np.sqrt(events / (events - 1) * ((k - mean * n) ** 2).sum()) / reads
    inner = min(mean, 1 - 1 / (reads + 1))  # on the scale of log odds, as the distribution is skewed near 1
    low = float(expit(logit(inner) + stdtrit(events - 1, 0.05) * error / (inner * (1 - inner))))
    excess = ((k - mean * n) ** 2 / n).sum() / max(mean * (1 - mean), 1e-9) - (events - 1)
    varied = float(np.clip(excess / max((n - 1).sum(), 1), LEAST_VARIED, MOST_VARIED))
    return Counted(float(mean), low, _classes(low, varied))


def _classes(mean: float, varied: float) -> Floats:
    """CLASSES values of equal probability of a beta distribution."""
    size = 1 / varied - 1
    return np.asarray(betaincinv(mean * size, (1 - mean) * size, (np.arange(CLASSES) + 0.5) / CLASSES).clip(1e-6))


class Members(NamedTuple):
    """Positions of a gene or of a recurrent mutation. rows: of SearchedPositions. bases: all, those without reads too."""

    rows: Integers
    bases: int


def thresholds(positions: pd.DataFrame, kinds: Integers, rates: Rates, alpha: Floats) -> Integers:
    """Fewest reads of each kind of change at each position that are called, of the shape of `kinds`; depth + 1 where none is.

    kinds: of `kinds_at`; -1 = none. alpha: of the test of an allele at each position. The donor's reads count as if none of them
    showed the allele.
    """
    depth, donor = (positions[f"{name}_depth"].to_numpy()[:, None] for name in ("lot", "donor"))
    a, b = beta_of(rates.mean[kinds], rates.spread[kinds], np.zeros_like(donor), donor)
    fewest = needed(depth, a, b, alpha[:, None], FEWEST_READS)
    return np.where((donor >= LEAST_DONOR) & (kinds >= 0), fewest, depth + 1)


def smallest(
    fewest: Integers, depth: Integers, copies: Floats, bases: int, wanted: float, shown: Floats = ALL
) -> float | None:
    """Smallest cell fraction in which a mutation, in one copy of each, is called with the wanted power at a random one of `bases`
    positions; None where not even all cells are enough.

    fewest, depth, copies: of those positions that have reads, copies of which one is mutated; at the others nothing is called.
    shown: parts of the reads of the mutated copy that show it, equally likely.
    """
    # Positions of equal depth and threshold are counted, not repeated.
    alike, number = np.unique(np.column_stack([depth, copies, fewest]), axis=0, return_counts=True)
    of, whole = alike[:, 1, None, None], alike.astype(np.int64)
    reads, least = whole[:, 0, None, None], whole[:, 2:, None]

    def power(cells: float) -> float:
        share = np.minimum(cells / of, 1.0) * shown
        return float((bdtrc(least - 1, reads, share).mean(axis=(1, 2)) * number).sum() / max(bases, 1))

    if power(1.0) < wanted:
        return None
    return halving.smallest(lambda cells: power(cells) >= wanted, 0.0, 1.0, STEPS)


class Forecast(NamedTuple):
    """Cell fractions of heterozygous mutations in diploid cells that are called with the configured power; None = none. gene,
    hotspot: substitutions at a base of a driver gene, and at a recurrent one. indel: of BOUNDED_INDELS in a gene."""

    gene: float | None
    hotspot: float | None
    indel: float | None


def forecast(lot: float, donor: float, settings: Settings) -> Forecast:
    """Expected limits at these mean depths, which vary as Poisson counts do."""
    depth = np.arange(int(lot + 10 * np.sqrt(lot) + 10))
    weight = np.exp(xlogy(depth, lot) - lot - gammaln(depth + 1))
    spread, reads = np.array(TYPICAL_SPREAD), np.array(int(donor))

    def limit(bases: int, error: float, shown: Floats) -> float | None:
        alpha = np.full(len(depth), settings.family_wise_error / 2 / (4 * bases))
        fewest = needed(depth, *beta_of(np.array(error), spread, np.zeros_like(reads), reads), alpha, FEWEST_READS)

        def called(fraction: float) -> float:
            share = fraction / 2 * shown
            return float((weight * bdtrc(fewest - 1, depth, share[:, None]).mean(axis=0)).sum())

        if donor < LEAST_DONOR or called(1.0) < settings.power:
            return None
        return halving.smallest(lambda fraction: called(fraction) >= settings.power, 0.0, 1.0, STEPS)

    return Forecast(
        limit(CODING_BASES, TYPICAL_ERROR, ALL),
        limit(RECURRENT_BASES, TYPICAL_ERROR, ALL),
        limit(CODING_BASES, TYPICAL_INDEL_ERROR, _classes(TYPICAL_COUNTED, TYPICAL_VARIED)),
    )


def limits(
    positions: pd.DataFrame,
    alleles: pd.DataFrame,
    members: Mapping[tuple[str, str, str], Members],
    rates: Rates,
    alpha: Floats,
    copies: Floats,
    wanted: float,
    seed: int,
    shown: Floats | None,
) -> pd.DataFrame:
    """Schema VariantLimits.

    Parameters
    ----------
    members
        By gene, role and hotspot.
    alpha, copies
        Of each position: of the test of an allele; chromosome copies in a normal cell.
    wanted
        Power, 0..1.
    shown
        Parts of the reads with an indel that are counted for it, equally likely; None = not measured, so indels have no limit.
    """
    kinds, seen = kinds_at(positions), alleles.sort_values(["lot_alt", "donor_alt"], ascending=False, kind="stable")
    seen = seen.drop_duplicates(["position", "kind"]).set_index(["position", "kind"])
    seen = seen[["lot_alt", "lot_alt_forward", "donor_alt"]]
    fewest, depth = thresholds(positions, kinds, rates, alpha), positions["lot_depth"].to_numpy()
    rng = np.random.default_rng(seed)

    def limit(own: Integers, bases: int, changes: slice, shown: Floats) -> tuple[float | None, int, int]:
        """Cell fraction, spikes and calls at the positions `own` of `bases`."""
        fraction = smallest(fewest[own, changes], depth[own], copies[own], bases, wanted, shown)
        if fraction is None:
            return None, 0, 0
        share = fraction / copies
        return fraction, SPIKES, spike(positions, kinds[:, changes], seen, own, rates, alpha, share, shown, rng)

    rows = []
    for (gene, role, hotspot), (own, bases) in members.items():
        row = {"gene": gene, "role": role, "hotspot": hotspot, "positions": bases}
        row |= dict(zip(("fraction", "spiked", "found"), limit(own, bases, POINT, ALL), strict=True))
        anchors = own[kinds[own, INDEL.start] == len(SUBSTITUTIONS)]  # in no run
        indel: tuple[float | None, int, int] = None, 0, 0
        if shown is not None and not hotspot:
            indel = limit(anchors, bases - len(own) + len(anchors), INDEL, shown)
        row |= dict(zip(("indel_fraction", "indel_spiked", "indel_found"), indel, strict=True))
        row |= {f"{name}_depth": positions[f"{name}_depth"].to_numpy()[own].sum() / bases for name in ("lot", "donor")}
        rows.append(row)
    return VariantLimits.frame(rows)


def spike(
    positions: pd.DataFrame,
    kinds: Integers,
    seen: pd.DataFrame,
    own: Integers,
    rates: Rates,
    alpha: Floats,
    fraction: Floats,
    shown: Floats,
    rng: np.random.Generator,
) -> int:
    """How many of SPIKES mutations, put into the lot's own reads at random positions of `own`, are called.

    Reads with the reference base turn to the allele at the rate of the fraction; what the lot and the donor show of the allele
    already stays. The test is that of a real variant: tail, strands and donor depth.

    kinds: of the changes at each position, one of which is drawn. seen: reads of the lot, of them on the forward strand, and of
    the donor, by position and kind. fraction: of the reads at each position that carry it. shown: parts of these that show it, of
    which one is drawn for each.
    """
    place = rng.choice(own, SPIKES)
    which = rng.integers(0, kinds.shape[1], SPIKES)
    depth, forward, donor = (positions[name].to_numpy()[place] for name in ("lot_depth", "lot_forward", "donor_depth"))
    kind = kinds[place, which]
    at = pd.MultiIndex.from_arrays([place, kind])
    own_alt, own_forward, donor_alt = seen.reindex(at).fillna(0).to_numpy(dtype=np.int64).T
    left = np.maximum(np.stack([forward, depth - forward]) - np.stack([own_forward, own_alt - own_forward]), 0)
    part = shown[rng.integers(0, len(shown), SPIKES)] if len(shown) > 1 else shown[0]
    added = rng.binomial(left, np.minimum(fraction[place], 1.0) * part)
    alt, alt_forward = own_alt + added.sum(axis=0), own_forward + added[0]
    a, b = beta_of(rates.mean[kind], rates.spread[kind], donor_alt, donor)
    called = (tail(alt, depth, a, b) <= alpha[place]) & (alt >= FEWEST_READS) & (donor >= LEAST_DONOR)
    called &= split(alt_forward, alt, forward, depth) >= UNEVEN
    return int(called.sum())
