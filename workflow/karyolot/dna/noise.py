"""Standard error of the mean log2 ratio of adjacent bins: measured on this lot, never below Poisson."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.special import stdtrit

from karyolot.contracts.copy_number import Noise
from karyolot.contracts.normal import MAD_TO_SD

Floats = NDArray[np.float64]
Labels = NDArray[np.object_]

MIN_BINS = 100
"""Fewer bins cannot show the noise of even short blocks: the relative error of a variance from m values is sqrt(2/m)."""
MAD_VARIANCE = 5.4
"""Relative variance of a squared MAD from m independent normal values, times m (2 for the usual estimator of a variance)."""
OUTLIER, PULLED = 4.0, 2.0
"""As in DNAcopy's smooth.CNA."""
MIN_BLOCKS = 20
"""Non-overlapping blocks a size must have to be measured: with the MAD, sqrt(5.4/20) is 52 % error of the variance."""
LENGTHS = (0.5, 2.0, 8.0, 32.0, 128.0)
"""Correlation lengths of the waves of the model, bins: each four times the one before, so that any length lies near one."""
PRIOR_BLOCKS = 0.5
"""Weight, in blocks, of the prior that the longest wave is as high as the largest measured inflation: it keeps waves beyond
the largest block possible, and one block measured outweighs it."""
STEPS_PER_DIFFERENCE = 64
"""`first_noise` takes differences of blocks up to this fraction of an average arm: with an arm in ten levels, a third of the
differences (10 steps x 2 blocks x 1/64) then spans a step, which the MAD withstands. With 16, levels of 3 to 40 Mb in 20 % of
the cells over 40 % of the genome were noise in one of two lots. Longer waves are measured in the rounds that follow."""
SHORTER_FIRST = (None, 4, 1)
"""Largest blocks of `first_noise` that are tried, bins, in order, until no levels are left in the noise: where levels alternate
every few bins, differences of larger blocks span their ends. None = by STEPS_PER_DIFFERENCE."""
LEVELS = (
    "bins thought unchanged differ between regions far more than noise does: they lie at several copy-number levels, so the"
    " noise cannot be measured"
)
LEVELS_NOT_NOISE = 4.0
"""Ratio of the variance of block means to what differences of neighbouring blocks predict from which on levels were taken
for noise. In 30 simulated null genomes at 1x, 5x and 30x, half of them with waves of 25 Mb, it reached 1.3; with every arm
alternating between three levels every 10 Mb in 30 % of the cells it is 10."""
CALM, SURELY_CALM = 0.8, 5.0
"""Variance of neighbouring bins over Poisson below which two samples share reads, and standard errors it must be below 1."""
MOST_SPREAD = {1: 0.12, 16: 0.08}
"""By bins of a block: standard deviation of its log2 ratio beyond counting from which on levels were taken for noise. In two
published tumour/normal pairs it is 0.027 and 0.045 for bins of 50 kb and 0.024 for 1 Mb in the noisier one; a replication-timing
wave of 5 % without a track adds 0.07 and 0.042: 0.085 and 0.048 together. Gains and losses in 20 % of the cells, a third of the
genome each, make 0.12."""
SIGNIFICANT = 6
"""Decimals kept of the fitted coefficients, so that a noise is the same on every machine."""


def measure_noise(residuals: Floats, variances: Floats, arms: Labels) -> Noise:
    """Variance of the mean of n neighbouring bins over its Poisson variance, as a function of n.

    Bins share waves, so the inflation grows with n, and an error of independent bins would be too small. The squared MAD
    of the means of all (overlapping) blocks of 1, 2, 4, ... bins within an arm is fitted by white noise plus waves of
    LENGTHS (Ornstein-Uhlenbeck) by non-negative least squares, each size weighted by the number of its non-overlapping
    blocks. The MAD keeps out a change that segmentation missed; the model, unlike a running maximum, is not biased upwards
    and tends to a constant beyond the largest block.

    Parameters
    ----------
    residuals
        log2 ratio minus its level, in genome order, of autosomal bins thought unchanged.
    variances
        Poisson variance of each.
    arms
        Label of the arm of each bin; no block crosses arms.
    """
    return _fit(residuals, variances, arms, len(residuals), _block_means, _of_mean)


def first_noise(values: Floats, variances: Floats, arms: Labels, longest: int | None = None) -> Noise:
    """The same from differences of adjacent blocks (Allan variance), for values whose levels are not known yet.

    A level contributes only to the differences that span one of its ends. The model is the same, restricted to waves no
    longer than the largest block, since differences are little evidence of longer ones. longest: bins of that block, one of
    SHORTER_FIRST.
    """
    if longest is None:
        longest = len(values) // (STEPS_PER_DIFFERENCE * max(len(runs_of(arms)), 1))
    return _fit(values, variances, arms, max(longest, 1), _differences, _of_difference)


def believable(noise: Noise, copied: Sequence[str] = ()) -> Noise:
    """`noise` as it is, or not assessable where bins or the means of their blocks scatter less than counting allows.

    Two independent samples cannot: their counts scatter by Poisson at least. Reads present in both samples do not
    scatter in the difference, so a part p of common reads takes p off the variance; CALM is a fifth of them. copied:
    chromosomes on which they do (`too_calm`). A covariate made of the lot's own ratio, such as a smoothed one given as
    replication timing, takes the waves and all changes with it out of long blocks, whose inflation then falls with their size.
    """
    if not noise.assessable or not noise.measured:
        return noise
    scatter = noise.measured[0]
    reason = "lot and donor hold the same reads"
    if scatter < CALM and scatter < 1 - SURELY_CALM * np.sqrt(MAD_VARIANCE / noise.bins):
        reason += f": the noise of their ratio is {scatter:.2f} times that of counting alone"
    elif copied:
        reason += f" on {', '.join(copied)}: the noise of their ratio there is below that of counting alone"
    elif calm := _calm_blocks(noise):
        scattered = f"means of {calm[0]} bins scatter {calm[1]:.2f} times as much as counting alone"
        reason = f"a track follows the lot's own ratio: {scattered}"
    else:
        return noise
    return noise.model_copy(update={"assessable": False, "reason": reason})


def _calm_blocks(noise: Noise) -> tuple[int, float] | None:
    """Bins of a block, and the inflation of its mean, that is below Poisson and surely below that of shorter blocks."""
    sizes, measured = np.array(noise.blocks), np.array(noise.measured)
    highest = np.maximum(np.maximum.accumulate(measured), 1.0)
    error = np.sqrt(MAD_VARIANCE * sizes / noise.bins) / 2  # of the root, as in `too_calm`
    surely = np.flatnonzero((measured < CALM) & (np.sqrt(measured / highest) < 1 - SURELY_CALM * error))
    return (int(sizes[surely[0]]), float(measured[surely[0]])) if len(surely) else None


def too_calm(values: Floats, variances: Floats) -> bool:
    """Whether the differences of neighbours in these bins, in order, scatter surely less than counting allows.

    As `believable` on the few bins of one chromosome; the error of a squared MAD is that of its root there, since a variance from
    few values is skewed. Differences share bins: their MAD has 1.5 times the variance of that of as many independent values.
    """
    scores = np.diff(values) / np.sqrt(variances[1:] + variances[:-1])
    if not len(scores):
        return False
    root = float(np.median(np.abs(scores))) * MAD_TO_SD
    return bool(root**2 < CALM and root < 1 - SURELY_CALM * np.sqrt(1.5 * MAD_VARIANCE / len(scores)) / 2)


def holds_levels(noise: Noise, first: Noise, variance: float = 0.0) -> bool:
    """Whether `noise`, of block means, is that of several copy-number levels.

    It is when it exceeds `first`, of differences of neighbours, by LEVELS_NOT_NOISE, or when blocks spread by more than
    MOST_SPREAD. variance: typical Poisson variance of a bin; 0 = spread is not judged (one sample alone, whose bins also
    differ by how well they are sequenced).
    """
    if not (noise.assessable and first.assessable):
        return False
    spread = {n: (high - 1) * variance / n for n, high in zip(noise.blocks, noise.measured, strict=True)}
    if any(spread.get(n, 0.0) > most**2 for n, most in MOST_SPREAD.items()):
        return True
    sizes = np.array([size for size in first.blocks if size <= noise.blocks[-1]])
    return bool((inflation_at(noise, sizes) > LEVELS_NOT_NOISE * inflation_at(first, sizes)).any())


def _fit(
    values: Floats,
    variances: Floats,
    arms: Labels,
    longest: int,
    scores: Callable[..., Floats],
    shape: Callable[..., Floats],
) -> Noise:
    """scores: of all blocks of one size in an arm; shape: their variance by the model, per unit of each wave."""
    if len(values) < MIN_BINS:
        reason = f"only {len(values)} usable bins, too few to estimate noise"
        return Noise(
            blocks=(),
            measured=(),
            inflation=(),
            white=1.0,
            lengths=(),
            waves=(),
            bins=len(values),
            assessable=False,
            reason=reason,
        )
    weights = 1 / variances
    mass, moment = (np.concatenate([[0.0], np.cumsum(part)]) for part in (weights, weights * values))
    arm_sums = [(mass[low : high + 1], moment[low : high + 1]) for low, high in runs_of(arms)]
    sizes, counts, measured = [], [], []
    size = 1
    while size <= longest and (count := sum((len(sums) - 1) // size for sums, _ in arm_sums)) >= MIN_BLOCKS:
        found = np.concatenate([scores(*sums, size) for sums in arm_sums])
        sizes.append(size)
        counts.append(count)
        measured.append((float(np.median(np.abs(found))) * MAD_TO_SD) ** 2)
        size *= 2
    return fit_inflation(np.array(sizes), np.array(counts), np.array(measured), len(values), longest, shape)


def fit_inflation(
    sizes: NDArray[np.int64],
    counts: NDArray[np.int64],
    measured: Floats,
    bins: int,
    longest: int,
    shape: Callable[..., Floats] | None = None,
) -> Noise:
    """The model of `measure_noise` fitted to inflations.

    Parameters
    ----------
    sizes, counts, measured
        Bins of a block, rising; non-overlapping blocks of that size; inflation of their mean.
    bins, longest
        Bins measured; the longest wave of the model, bins.
    shape
        Inflation per unit of each wave, of the mean of a block unless given.
    """
    lengths = tuple(length for length in LENGTHS if length <= longest)
    rows = _rows(sizes, counts, measured, lengths, shape or _of_mean)
    targets = np.append(measured * rows[:-1, 0], rows[-1, -1] * max(measured[-1], 1.0))
    white, *waves = np.round(nnls(rows, targets)[0], SIGNIFICANT)
    noise = Noise(
        blocks=tuple(sizes.tolist()),
        measured=tuple(measured.tolist()),
        inflation=(),
        white=float(white),
        lengths=lengths,
        waves=tuple(float(wave) for wave in waves),
        bins=bins,
        assessable=True,
        reason="",
    )
    return noise.model_copy(update={"inflation": tuple(inflation_at(noise, sizes).tolist())})


def _rows(
    sizes: NDArray[np.int64],
    counts: Floats | NDArray[np.int64],
    heights: Floats,
    lengths: Sequence[float],
    shape: Callable[..., Floats],
) -> Floats:
    """Rows of the least squares, over their standard errors: one per size, first column the white noise, and the prior's.

    heights: inflations that set the errors. Calmer than Poisson is impossible, so no size may weigh as if it were.
    """
    expected = np.column_stack([np.ones(len(sizes)), shape(sizes, lengths)])
    precision = np.sqrt(counts / MAD_VARIANCE) / np.maximum(heights, 1.0)
    prior = np.zeros(expected.shape[1])
    prior[-1] = np.sqrt(PRIOR_BLOCKS / MAD_VARIANCE) / max(heights[-1], 1.0)
    return np.vstack([expected * precision[:, None], prior])


def degrees_of_freedom(noise: Noise, bins: NDArray[np.int64] | int) -> Floats:
    """Degrees of freedom of the squared standard error of the mean of `bins` neighbours; infinite where no noise was measured,
    since Poisson's is known."""
    if not noise.blocks:
        return np.full(np.shape(bins), np.inf)
    return freedom(noise.bins, noise.blocks[-1], bins)


def freedom(measured: int, largest: int, bins: NDArray[np.int64] | int) -> Floats:
    """The same from the number of bins measured and the bins of the largest block: the number of blocks of `bins` bins, and
    beyond the largest block of the geometric mean of both. At least that of one size with MIN_BLOCKS.

    2 over the relative variance of the inflation was, between 24 simulated lots each, 51 to 60, 19 to 25 and 12 to 16 for 100,
    240 and 480 bins of 500 kb (56, 32, 22 by this rule), and 51 and 69 for 2,048 bins of 100 and 50 kb (30, 43). The variance
    of the fitted coefficients is less certain: whether the longest wave is 0 or nearly 0 decides between 400 and 7.
    """
    n = np.asarray(bins, dtype=float)
    return np.asarray(np.maximum(measured / np.sqrt(n * np.minimum(n, largest)), 2 * MIN_BLOCKS / MAD_VARIANCE))


def _block_means(mass: Floats, moment: Floats, size: int) -> Floats:
    """Means of all blocks of `size` bins over their Poisson errors, from running sums."""
    return np.asarray((moment[size:] - moment[:-size]) / np.sqrt(mass[size:] - mass[:-size]))


def _differences(mass: Floats, moment: Floats, size: int) -> Floats:
    """Differences of all adjacent blocks of `size` bins over their Poisson errors, from running sums."""
    weight = mass[size:] - mass[:-size]
    mean = (moment[size:] - moment[:-size]) / weight
    return np.asarray((mean[size:] - mean[:-size]) / np.sqrt(1 / weight[size:] + 1 / weight[:-size]))


def _of_mean(bins: NDArray[np.int64] | int, lengths: Sequence[float]) -> Floats:
    """n times the variance of the mean of n bins of an Ornstein-Uhlenbeck wave of variance 1, one column per length.

    With rho = exp(-1 / length): (1 + rho) / (1 - rho) - 2 rho (1 - rho^n) / (n (1 - rho)^2); 1 for a single bin.
    """
    n = np.maximum(np.asarray(bins, dtype=float), 1.0)[..., None]
    rho = np.exp(-1 / np.array(lengths))
    return np.asarray((1 + rho) / (1 - rho) - 2 * rho * (1 - rho**n) / (n * (1 - rho) ** 2))


def _of_difference(bins: NDArray[np.int64] | int, lengths: Sequence[float]) -> Floats:
    """The same of the difference of the means of two adjacent blocks, over 2: less n times their covariance."""
    n = np.maximum(np.asarray(bins, dtype=float), 1.0)[..., None]
    rho = np.exp(-1 / np.array(lengths))
    return np.asarray(_of_mean(bins, lengths) - rho * (1 - rho**n) ** 2 / (n * (1 - rho) ** 2))


def smooth_outliers(values: Floats, variances: Floats, arms: NDArray[np.object_]) -> Floats:
    """Pull single wild bins towards their neighbours, as DNAcopy's smooth.CNA does (Olshen 2004).

    A bin further than OUTLIER robust standard deviations from the median of itself and its two neighbours on either side
    (of its arm) is moved to PULLED of them. A change of three bins is its own majority there, and stays.
    """
    middle = np.empty_like(values)
    for low, high in runs_of(arms):
        padded = np.pad(values[low:high], 2, mode="reflect" if high - low > 2 else "edge")
        middle[low:high] = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    scores = (values - middle) / np.sqrt(variances)
    spread = max(float(np.median(np.abs(scores))) * MAD_TO_SD, 1.0)
    pulled = middle + np.sign(scores) * PULLED * spread * np.sqrt(variances)
    return np.where(np.abs(scores) > OUTLIER * spread, pulled, values)


def inflation_at(noise: Noise, bins: NDArray[np.int64] | int) -> Floats:
    """Variance inflation of the mean of `bins` neighbours by the fitted model, never below Poisson (1)."""
    waves = _of_mean(bins, noise.lengths) @ np.array(noise.waves) if noise.lengths else np.zeros(np.shape(bins))
    return np.asarray(np.maximum(noise.white + waves, 1.0))


def standard_error(noise: Noise, weight: Floats | float, bins: NDArray[np.int64] | int) -> Floats:
    """Standard error of an inverse-variance mean with total weight `weight` over `bins` bins, log2 units."""
    return np.asarray(np.sqrt(inflation_at(noise, bins) / np.asarray(weight, dtype=float)))


def half_width(noise: Noise, weight: Floats | float, bins: NDArray[np.int64] | int) -> Floats:
    """Half-width of the 95 % interval of such a mean: Student's t, as its standard error is an estimate."""
    return np.asarray(
        stdtrit(np.minimum(degrees_of_freedom(noise, bins), 1e9), 0.975) * standard_error(noise, weight, bins)
    )


def runs_of(labels: NDArray[np.object_]) -> list[tuple[int, int]]:
    """Half-open index ranges of equal neighbours, in order; they tile `labels`."""
    ends = [*(np.flatnonzero(labels[1:] != labels[:-1]) + 1).tolist(), len(labels)]
    return [(low, high) for low, high in zip([0, *ends], ends, strict=False) if high > low]
