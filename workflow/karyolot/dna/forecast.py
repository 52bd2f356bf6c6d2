"""Limits of detection before sequencing: from depth to the smallest cell fraction that would be called, and back.

The formulas are those of a run (`limits`, `noise`, `ratio.analysis_factor`, `alleles`). Only what a run measures is assumed:
usable bins, counted read pairs, and the noise that does not shrink with depth because neighbouring bins share it.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri, pdtrc

from karyolot.contracts.cells import detectable_fraction, kept_fragments, of_diploid
from karyolot.contracts.contigs import contig_key
from karyolot.contracts.copy_number import Comparison, Noise
from karyolot.contracts.criteria import Metrics
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.settings import CopyNumber, Identity
from karyolot.dna.alleles import BLOCK, LEAST_BLOCKS, SURE, sites_needed
from karyolot.dna.bins import MIN_USABLE
from karyolot.dna.limits import (
    Error,
    distinct_places,
    limits_by_size,
    poisson_share,
    smallest_fractions,
    spiked_error,
)
from karyolot.dna.noise import MAD_VARIANCE, MIN_BINS, MIN_BLOCKS, freedom, inflation_at
from karyolot.dna.ratio import analysis_factor
from karyolot.dna.thresholds import known_threshold, least_effect

Floats = NDArray[np.float64]
Shared = Callable[[ArrayLike], Floats]
"""Variance (log2 squared) of the mean ratio over a length in bases that neighbouring bins share: no depth removes it."""

PAIR_BP = 300
"""Bases of a read pair, 2 x 150."""
COUNTED = 0.9
"""Fraction of sequenced pairs that is counted: primary, properly paired, unique, not duplicate. As in
benchmarks/lots.py; libraries of many cycles or little DNA lose more."""
USABLE = 0.92
"""Fraction of the bins of an arm that is used: 50 kb bins of GRCh38 that hold sequence and whose mappability is at least 0.75
(0.72 to 0.99 by arm)."""
UNREADABLE_ARMS = ("13p", "14p", "15p", "21p", "22p")
"""Short arms of acrocentric chromosomes: not assembled, or repeats."""
WAVES = ((50_000, 0.012), (300_000, 0.009), (2_000_000, 0.007))
NOISY_WAVES = ((50_000, 0.018), (300_000, 0.016), (2_000_000, 0.014))
"""Length in bases and standard deviation of the natural logarithm of the ratio: Ornstein-Uhlenbeck waves of the height seen
in two published tumour/normal pairs, a quiet and a noisy one (sd of bins of 50 kb 0.019 and 0.031 after GC correction). No
replicate cultures were at hand to measure them on."""
LEAST_DEPTH, MOST_DEPTH = 0.01, 200.0
"""Range searched for a depth. Beyond, hardly a whole genome is sequenced."""
MOST_TIMES = 1_000.0
STEP = 1.25
"""Ratio of the depths tried before bisection, in descending order."""
LIMITS_TRIED = 64
"""Steps of the distribution of the largest limit of an arm."""
TYPES = ("gain", "loss")
HETS = 1 / 3
"""Fraction of a panel of common SNPs at which a donor is heterozygous."""
COMMON_SNPS = 8_000_000
"""Autosomal variants with a frequency above 5 % (1000 Genomes Project 2015, doi 10.1038/nature15393)."""
CLAIMED = 0.20
"""Cell fraction that `times_deeper` aims at: the limit of criterion Q06 in the shipped acceptance document."""
ALONE = 1.25
"""One sample alone is named when its reads need to grow at most this many times as much as those of both would."""


class Libraries(NamedTuple):
    """What is assumed of the samples and the genome.

    counted: fragments counted per sequenced read pair. shared: noise that depth does not remove. arms: used bases by
    autosomal arm, without those that are not assessable. used: used bases of the genome. tests: regions of known ends that
    are tested. longest: bases of the longest chromosome. genome: bases of the genome.
    """

    counted: float
    shared: Shared
    arms: Mapping[str, float]
    used: float
    tests: int
    longest: int
    genome: int

    def density(self, depth: float) -> float:
        """Counted fragments per base of a diploid region at this mean coverage."""
        return depth * self.counted / PAIR_BP

    def pairs(self, depth: float) -> float:
        """Read pairs to sequence for this mean coverage."""
        return depth * self.genome / PAIR_BP


class Forecast(NamedTuple):
    """What an analysis of these depths would use, and its limits of detection.

    bins: used ones. fragments: per bin, of lot and donor. sizes: schema Lod, without spike-ins. arms: smallest cell
    fraction of a gain and a loss of each autosomal arm, NaN where the arm would not be assessable. any_arm: of a gain, of a loss
    and of either of whichever arm, mean over lots (`_of_largest_arm`).
    """

    analysis_bin_bp: int
    bins: int
    fragments: tuple[float, float]
    sizes: pd.DataFrame
    arms: Mapping[str, tuple[float, float]]
    any_arm: tuple[float, float, float]

    def at(self, size_mb: float) -> tuple[float, float]:
        """Smallest cell fraction of a gain and a loss of this size; NaN = not even in all cells."""
        own = self.sizes[self.sizes["size_bp"] == round(size_mb * 1e6)].set_index("type")["fraction"]
        return float(own["gain"]), float(own["loss"])

    def of_size(self, size_mb: float) -> float:
        """The larger of the two."""
        return _larger(self.at(size_mb))

    def of_any_arm(self) -> float:
        """Cell fraction from which on a gain or loss of whichever autosomal arm is called; NaN = of some arm it is not."""
        return self.any_arm[2]


def _larger(both: Sequence[float]) -> float:
    return float(np.max(both))  # NaN when one is, unlike max()


def shared_by(waves: Sequence[tuple[float, float]]) -> Shared:
    """Of Ornstein-Uhlenbeck waves (length in bases, standard deviation of ln): 2 sd^2 / x (1 - (1 - exp(-x)) / x) each, x
    the length averaged over, in lengths of the wave."""

    def variance(length: ArrayLike) -> Floats:
        bases = np.asarray(length, dtype=float)
        parts = [(bases / wave, sd) for wave, sd in waves]
        return np.asarray(sum(2 * (sd / np.log(2)) ** 2 / x * (1 + np.expm1(-x) / x) for x, sd in parts))

    return variance


typical = shared_by(WAVES)


def shared_in(noise: Noise, variance: float, width: float) -> Shared:
    """Of a finished lot. A shallow lot cannot show small waves: where its inflation is within its own error of 1, the
    typical variance counts as far as that error allows.

    Parameters
    ----------
    noise
        As measured, assessable.
    variance
        Poisson variance of the log2 ratio of a typical bin.
    width
        Of a bin, bases.
    """

    def of(length: ArrayLike) -> Floats:
        bins = np.maximum(np.rint(np.asarray(length, dtype=float) / width), 1).astype(np.int64)
        inflation = inflation_at(noise, bins)
        error = inflation * np.sqrt(MAD_VARIANCE * bins / noise.bins)
        own, highest = ((value - 1) * variance / bins for value in (inflation, inflation + SURE * error))
        return np.where(inflation - 1 > error, own, np.clip(typical(length), own, highest))

    return of


def typical_ratios(grid: pd.DataFrame) -> pd.DataFrame:
    """The columns of schema LogRatios that `limits.known_regions` reads, of a female genome without a change.

    grid: schema Bins. USABLE of the bins of each arm are used, at even steps, and none of UNREADABLE_ARMS.
    """
    table = grid[grid["region"].isin(["autosome", "X", "PAR"])].reset_index(drop=True)
    masked = np.diff(np.floor(np.arange(len(table) + 1) * (1 - USABLE))) > 0
    masked |= table["arm"].map(contig_key).isin(UNREADABLE_ARMS).to_numpy()
    mask = pd.Series("mappability", table.index, dtype=object).where(masked, None)
    return table.assign(copies=2, mask=mask, log2=0.0, variance=1.0)


def libraries_of(arms: pd.DataFrame, bin_bp: int, genome: int, counted: float, shared: Shared) -> Libraries:
    """arms: schema Arms, of an analysis on bins of `bin_bp`. genome: bases."""
    own = arms[arms["scope"] == "arm"]
    autosomal = own[(own["copies"] == 2) & ~own["chrom"].map(contig_key).isin(["X", "Y"])]
    autosomal = autosomal[autosomal["usable"] >= MIN_USABLE]
    return Libraries(
        counted=counted,
        shared=shared,
        arms={str(name): float(bins) for name, bins in zip(autosomal["name"], autosomal["bins"] * bin_bp, strict=True)},
        used=float(own["bins"].sum() * bin_bp),
        tests=len(distinct_places(arms)),
        longest=int(arms["end"].max()),
        genome=genome,
    )


def forecast(lot: float, donor: float, libraries: Libraries, settings: CopyNumber, bin_bp: int) -> Forecast:
    """Limits of detection at a density of lot and donor.

    Parameters
    ----------
    lot, donor
        Counted fragments per base of a diploid region (`Libraries.density`).
    bin_bp
        Of the counted bins, from which the analysis makes its own by `ratio.analysis_factor`.
    """
    factor = analysis_factor(min(lot, donor) * bin_bp, bin_bp, -(-libraries.longest // bin_bp), settings)
    width = factor * bin_bp
    fragments = lot * width, donor * width
    variance = poisson_variance(*fragments)

    used = round(libraries.used / width)
    # Blocks of noise are powers of two, of which MIN_BLOCKS fit into the arms; about half of them are lost at their ends.
    largest = 2 ** max(int(np.log2(max(used / (2 * MIN_BLOCKS), 1))), 0)

    def error(bins: int) -> Error:
        return Error(
            float(np.sqrt(variance / bins + libraries.shared(bins * width))),
            float(freedom(used, largest, bins)),
        )

    arms, tested = {}, []
    for name, bases in libraries.arms.items():
        bins = round(bases / width)
        own = error(max(bins, 1))
        threshold = float(known_threshold(libraries.tests, settings.family_wise_error, own.freedom))
        lost = bases / libraries.used
        both = smallest_fractions(own, threshold, 2, settings, lost=lost)
        assessable = bins >= settings.min_bins and _larger(both) <= settings.max_arm_lod
        arms[name] = both if assessable else (np.nan, np.nan)
        tested.append((own.se, threshold, lost, max(bins, 1), *arms[name]))
    share = poisson_share(*fragments)
    sizes = limits_by_size(error, width, used, share, settings)
    any_arm = _of_largest_arm(np.array(tested).T, fragments, settings) if tested else (np.nan, np.nan, np.nan)
    return Forecast(width, used, fragments, sizes, arms, any_arm)


def _of_largest_arm(arms: Floats, fragments: tuple[float, float], settings: CopyNumber) -> tuple[float, float, float]:
    """Largest limit of a gain, of a loss and of either that a lot prints for any arm, as the mean over lots.

    A run raises the limit of an arm whose ratio lies against the change by chance (`spike_ins`), and of some forty arms one lies
    far off. A limit f is enough when the mean after thinning, normal with the moments of `spike_ins._power`, passes the threshold
    with the configured power: when the arm's own deviation, normal with the standard error, is not beyond what f leaves. The
    product of these probabilities over the arms is the distribution of the largest limit.

    Parameters
    ----------
    arms
        A column per arm: standard error, |z|, fraction absorbed by the correction, bins, predicted limit of a gain and of a loss.
    """
    se, threshold, lost, bins, *predicted = arms
    q = ndtri(settings.power)

    def within(fraction: Floats, type_: int) -> Floats:
        """Probability that the arm's deviation against the change is small enough."""
        name = TYPES[type_]
        kept = kept_fragments(fraction, name)
        least = least_effect(spiked_error(se, fraction, name, poisson_share(*fragments)), threshold, settings)
        thinning = np.sqrt((1 - kept) / (bins * fragments[1 - type_] * kept)) / np.log(2)
        return np.asarray(ndtr((-np.log2(kept) * (1 - lost) - least - q * thinning) / se))

    def of(types: Sequence[int]) -> float:
        low = float(np.max([predicted[type_] for type_ in types]))
        fractions = np.geomspace(low, 1.0, LIMITS_TRIED)
        chance = 1 - sum(1 - within(fractions[:, None], type_) for type_ in types)
        larger = 1 - np.prod(np.maximum(chance, 0.0), axis=1)
        return float(low + np.trapezoid(larger, fractions)) if larger[-1] < 0.5 else np.nan

    return of([0]), of([1]), of([0, 1])


def poisson_variance(lot: float, donor: float) -> float:
    """Poisson variance of the log2 ratio of a bin with these counts, as `ratio.compare` has it."""
    return float((1 / (lot + 0.5) + 1 / (donor + 0.5)) / np.log(2) ** 2)


def smallest(limit: Callable[[float], float], target: float, low: float, high: float) -> float | None:
    """Smallest x between low and high from which on limit(x) <= target; None when it is not met at `high`.

    Found by descending steps and bisection, to 0.1 %. limit falls with x, but for a few percent where the analysis takes
    narrower bins and so makes more tests. NaN = no limit.
    """
    good, step = high, high
    while limit(step) <= target:
        good = step
        if step <= low:
            return low
        step = max(step / STEP, low)
    if good == high and not limit(high) <= target:
        return None
    bad = step
    while good / bad > 1.001:
        middle = float(np.sqrt(good * bad))
        good, bad = (middle, bad) if limit(middle) <= target else (good, middle)
    return good


def rounded_up(value: float) -> float:
    """To two significant digits, never down: what is planned must suffice."""
    unit = 10.0 ** (np.floor(np.log10(value)) - 1)
    return float(f"{np.ceil(value / unit - 1e-9) * unit:.2g}")


class Unreachable(NamedTuple):
    """Why no depth gives the requested limit: one clause."""

    reason: str


def depth_needed(
    limit: Callable[[Forecast], float],
    fraction: float,
    donor: float | None,
    libraries: Libraries,
    settings: CopyNumber,
    bin_bp: int,
) -> float | Unreachable:
    """Mean coverage of the lot, rounded up, at which `limit` is at most `fraction`.

    limit: of a forecast, as `Forecast.of_any_arm`. donor: mean coverage of the donor; None = as the lot.
    """

    def at(depth: float, of_donor: float | None, own: CopyNumber = settings) -> float:
        lot, other = (libraries.density(value) for value in (depth, depth if of_donor is None else of_donor))
        return limit(forecast(lot, other, libraries, own, bin_bp))

    found = smallest(lambda depth: at(depth, donor), fraction, LEAST_DEPTH, MOST_DEPTH)
    if found is not None:
        depth = rounded_up(found)
        # Rounding up may pass the depth at which narrower bins make more tests.
        return depth if at(depth, donor) <= fraction else rounded_up(depth * 1.1)
    alike = smallest(lambda depth: at(depth, None), fraction, LEAST_DEPTH, MOST_DEPTH)
    if donor is not None and alike is not None:
        return Unreachable(
            f"a donor at {donor:g}x is too shallow; with lot and donor alike, {rounded_up(alike):g}x is enough"
        )
    best = at(MOST_DEPTH, None)
    if np.isnan(best):
        return Unreachable(f"even at {MOST_DEPTH:g}x a change of that size is not detectable, as it holds too few bins")
    reached = f"at {MOST_DEPTH:g}x the limit of detection is still {best:.1%}"
    if at(MOST_DEPTH, None, settings.model_copy(update={"min_log2": 0.0})) <= fraction:
        least = float(detectable_fraction(settings.min_log2, 2)[0])
        return Unreachable(
            f"{reached}: no smaller effect than a gain in {least:.1%} of cells is called (copy_number.min_log2), and"
            f" {settings.power:.0%} power needs more"
        )
    return Unreachable(f"{reached}, because noise shared by neighbouring bins does not fall with depth")


def panel_needed(
    fraction: float, size_mb: float, depths: tuple[float, float], libraries: Libraries, power: float, settings: Identity
) -> int | Unreachable:
    """SNPs of a panel at which the alleles under a gain of that size and cell fraction agree with it.

    depths: mean coverage of lot and donor. A gain moves the alleles less than a loss, so its SNPs suffice for both.
    """
    covered = [depth * libraries.counted for depth in depths]
    deep = float(np.prod([pdtrc(settings.min_depth - 1, depth) for depth in covered]))
    if deep < 0.01:
        return Unreachable(f"almost no SNP has {settings.min_depth} fragments in both samples (identity.min_depth)")
    sites = sites_needed(fraction, "gain", covered[0], power)
    genome = sum(libraries.arms.values())
    snps = max(sites * genome / (size_mb * 1e6), BLOCK * LEAST_BLOCKS) / (HETS * deep)
    if snps > COMMON_SNPS:
        return Unreachable(f"it would take {sites:,} heterozygous SNPs in {size_mb:g} Mb, more than there are")
    return int(rounded_up(snps))


class Deeper(NamedTuple):
    """factor: by which the reads of `who` ('lot and donor', 'lot', 'donor') must grow, rounded up."""

    factor: float
    who: str


def times_deeper(
    comparison: Comparison, noise: Noise, settings: CopyNumber, limit: float | None, fraction: float = CLAIMED
) -> Deeper | None:
    """How many times the reads of a finished lot, its donor, or both would lower its limit at the claimed size to `fraction`.

    Parameters
    ----------
    limit
        As printed for that lot; None = none was found. What verification by spike-ins added to it is kept as a factor.

    Returns
    -------
    None when no number of reads does, or the noise could not be measured for another reason than too few bins; with too few
    bins typical noise is assumed.
    """
    lot_median, donor_median, width = comparison.lot_median, comparison.donor_median, comparison.analysis_bin_bp
    if not lot_median or not donor_median or (not noise.assessable and noise.bins >= MIN_BINS):
        return None
    shared = shared_in(noise, poisson_variance(lot_median, donor_median), width) if noise.assessable else typical
    length = comparison.bins * width
    libraries = Libraries(1.0, shared, {}, comparison.usable * length, 1, length, length)
    bin_bp = min(settings.min_bin_bp, width)

    def at(lot: float, donor: float) -> float:
        densities = lot * lot_median / width, donor * donor_median / width
        return forecast(*densities, libraries, settings, bin_bp).of_size(settings.claim_mb)

    now = at(1.0, 1.0)
    raised = 1.0 if limit is None or np.isnan(now) else limit / now
    needed = {
        "lot and donor": smallest(lambda times: at(times, times) * raised, fraction, 1.0, MOST_TIMES),
        "lot": smallest(lambda times: at(times, 1.0) * raised, fraction, 1.0, MOST_TIMES),
        "donor": smallest(lambda times: at(1.0, times) * raised, fraction, 1.0, MOST_TIMES),
    }
    # Sequencing one sample again is worth it only where the other is deep enough already.
    cost = {who: times / (1 if who == "lot and donor" else ALONE) for who, times in needed.items() if times is not None}
    if not cost:
        return None
    who = min(cost, key=lambda name: cost[name])
    return Deeper(rounded_up(needed[who] or 1.0), who)


def more_reads(
    limits: Metrics, comparison: Comparison, noise: Noise, settings: CopyNumber, sets: float | None = None
) -> Metrics:
    """The metrics of the limits, with what reads are needed where cn.lod is null or above CLAIMED. sets: of chromosomes in the
    cells that the limits are stated for, None = diploid."""
    found = limits[MetricName.CN_LOD]
    limit = found.value if isinstance(found.value, float) else None
    if limit is not None and limit <= CLAIMED:
        return limits
    diploid = None if limit is None else float(of_diploid(limit, sets))
    deeper = times_deeper(comparison, noise, settings, diploid, float(of_diploid(CLAIMED, sets)))
    if deeper is None:
        if not noise.assessable and noise.bins < MIN_BINS:
            why = f"{found.reason}; these reads are too few to forecast how many are needed"
            return limits | {
                MetricName.CN_LOD: found.model_copy(update={"about": ("lot and donor deeper",), "reason": why})
            }
        about = (f"a second library of lot and donor: more reads alone do not lower the limit to {CLAIMED:.0%}",)
        return limits | {MetricName.CN_LOD: found.model_copy(update={"about": about})}
    words = f"; about {deeper.factor:g} times the reads of {deeper.who} are needed for a limit of {CLAIMED:.0%}"
    place = "reason" if limit is None else "detail"
    about = (f"{deeper.factor:g} times the reads of {deeper.who}",)
    return limits | {MetricName.CN_LOD: found.model_copy(update={place: getattr(found, place) + words, "about": about})}
