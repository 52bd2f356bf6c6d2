"""How large a ratio replication timing alone can leave after correction: growing cells against resting ones.

In a growing lot regions that replicate early are read more often than late ones. A wave of b log2 units per standard deviation
of timing moves a region by b times what of its timing the correction left. That is known for autosomes as noise, which their
own spread measures; X and Y are late as wholes, lie outside the fit, and are compared with the noise of autosomes.
"""

import numpy as np

from karyolot.contracts.copy_number import Comparison

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
