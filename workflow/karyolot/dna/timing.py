"""How large a ratio replication timing alone can leave after correction, growing cells against resting ones, and which tracks
cannot be of replication timing or mappability.

In a growing lot regions that replicate early are read more often than late ones. A wave of b log2 units per standard deviation
of timing moves a region by b times what of its timing the correction left. That is known for autosomes as noise, which their
own spread measures; X and Y are late as wholes, lie outside the fit, and are compared with the noise of autosomes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.copy_number import Comparison
from karyolot.dna.noise import runs_of

TIMING = "replication timing"
"""The artefact named in schema Calls."""
LARGEST_WAVE = 0.072
"""log2 per standard deviation of timing, where no track measures it: a wave of 5 % (0.05 / ln 2), above which criterion Q05b
withholds."""
OTHER_CELLS = 1.3
"""Times the measured slope: a track of other cells finds 0.6 of the wave, and leaves 0.45 to 0.85 of the deviations below to
it (measured with the track of lymphoblastoid cells as truth and that of LNCaP as given; correlation 0.79)."""
LENGTHS_MB, DEVIATIONS = (1.0, 5.0, 20.0), (1.1, 0.8, 0.5)
"""Deviation of autosomal regions of these lengths from their mean after correction for GC, standard deviations: 95 % of them
(1.13, 0.78, 0.46 there; whole arms 0.46 at most)."""
LATE, WHOLE_MB = 0.7, 150.0
"""Deviation of all of X and Y (-0.67, -0.57 there). A region of X or Y shorter than WHOLE_MB deviates from its chromosome as an
autosomal region of that length does from the autosomes."""
INDEPENDENT_BP = 2_000_000
"""Length from which on means of a track are nearly independent. Shorter or fewer arms than those of GRCh38 differ by what the
number of such parts makes; with wider bins, a window deviates as one of as many such parts."""
FEWEST_ARMS = 5
"""Fewer differ by chance as levels do: of two, one in twenty pairs by twice what is usual."""
LEVELS_MB = (5.0, 10.0, 20.0, 50.0)
USUAL = {"replication timing": (0.17, (2.2, 1.35, 0.8, 0.55)), "mappability": (0.21, (3.5, 2.2, 1.2, 0.63))}
"""Of tracks of GRCh38, after GC, standard deviations of the track: root mean square of the means of arms, and the largest mean of
windows of LEVELS_MB (timing of lymphoblastoid and of LNCaP cells, mappability; bins of 50 kb to 1 Mb)."""
UNUSUAL = (2.0, 2.5)
"""Times what is usual, of arms and of windows, from which on a track follows levels of copy number. Without GC, which explains
half of what arms differ in timing by, twice as much. 120 simulated tracks that correlate 0.97 or 0.8 with the timing of the lot's
cells reach 1.8 and 2.0 with bins of 1 Mb, 1.4 and 1.6 with 50 kb."""


def follows_levels(
    name: str, track: NDArray[np.float64], arms: NDArray[np.object_], width: float, given_gc: bool
) -> str:
    """Why a track is not corrected for: its arms or windows deviate as levels of copy number do, not as `name` does; '' = they do
    not.

    A track made of the lot's own ratio, or one that marks regions, takes the changes of all regions it marks with it. Within an
    arm such a track cannot be distinguished from a wave; between arms it can, at any width of bins.

    Parameters
    ----------
    track
        Of the autosomal bins in use, in genome order: residuals of GC in standard deviations of the track.
    arms
        Label of the arm of each bin.
    width
        Of a bin, bases.
    """
    usual, largest = USUAL[name]
    most_arms, most = (times * (1 if given_gc else 2) for times in UNUSUAL)
    runs = [track[low:high] for low, high in runs_of(arms)]
    spread = float(np.sqrt(sum(len(run) * run.mean() ** 2 for run in runs) / len(track)))
    wide = max(width / INDEPENDENT_BP, 1)
    usual = max(usual, float(np.sqrt(len(runs) * wide * INDEPENDENT_BP / width / len(track))))
    if len(runs) >= FEWEST_ARMS and spread > most_arms * usual:
        return f"its arms differ by {spread:.2f} standard deviations, those of {name} by {usual:.2f}"
    for size in LEVELS_MB:
        for run in runs:
            length = min(max(1, round(size * 1e6 / width)), len(run)) * width / 1e6
            bound = float(np.interp(np.log(length / wide), np.log(LEVELS_MB), largest))
            deviation = largest_mean(run, round(length * 1e6 / width))
            if length >= LEVELS_MB[0] and deviation > most * bound:
                return f"means over {length:.3g} Mb of it reach {deviation:.1f} standard deviations, those of {name} {bound:.1f}"
    return ""


def largest_mean(run: NDArray[np.float64], bins: int) -> float:
    """Largest |mean| of so many neighbours; 0 in a shorter run."""
    sums = np.cumsum(np.concatenate([[0.0], run]))
    return float(np.abs(sums[bins:] - sums[:-bins]).max() / bins) if len(run) >= bins else 0.0


class Timing(NamedTuple):
    """Replication timing in the joint fit. slope, se: log2 per standard deviation of the track. track: what the other covariates
    leave of it, of the bins of each arm."""

    slope: float
    se: float
    track: list[NDArray[np.float64]]


def facts_of(timing: Timing | None, bins: int) -> dict[str, float | None]:
    """rt_slope, rt_low, rt_high and rt_moved of `Comparison`. bins: of a change of the claimed size."""
    if timing is None:
        return dict.fromkeys(("rt_slope", "rt_low", "rt_high", "rt_moved"))
    half = 1.96 * timing.se
    most = max((largest_mean(run, max(1, bins)) for run in timing.track), default=0.0)
    return {
        "rt_slope": timing.slope,
        "rt_low": timing.slope - half,
        "rt_high": timing.slope + half,
        "rt_moved": abs(timing.slope) * most,
    }


def timing_allowance(region: str, length: int, comparison: Comparison) -> float:
    """|log2| that timing may have left in a region of `length` bases; `region` as in schema Bins.

    With a track the wave is at most the far end of the interval of its measured slope times OTHER_CELLS, since no track is
    that of these cells.
    """
    wave = LARGEST_WAVE
    if comparison.rt_low is not None and comparison.rt_high is not None:
        wave = OTHER_CELLS * max(abs(comparison.rt_low), abs(comparison.rt_high))
    sex = region in ("X", "Y")
    lengths = (*LENGTHS_MB, WHOLE_MB) if sex else LENGTHS_MB
    deviations = (*(LATE + own for own in DEVIATIONS), LATE) if sex else DEVIATIONS
    return wave * float(np.interp(np.log(length / 1e6), np.log(lengths), deviations))
