"""Simulated lots with known truth, for the benchmarks of copy number: GRCh38's chromosome lengths and cytobands, bins of 50 kb.

Counts are Poisson fragments (2 x 150 bases, 90 % usable) of a lot and its donor. Each library has a GC bias of its own; 1p, 9q,
16p, 17q, 19p and 20q have GC-rich ends. The lot has Ornstein-Uhlenbeck waves of 50 kb, 300 kb and 2 Mb (`WAVES`: set by eye
towards two published tumour/normal pairs) and a replication-timing wave of 5 % (ln, per standard deviation of timing).

Replication timing is correlated with GC (0.65); what GC leaves of it deviates over 1, 5 and 20 Mb as far as it does between
two published cell types (`dna.timing.DEVIATIONS`); X and Y replicate late as wholes. The analysis never gets the vector the
wave is made from, but one of TRACKS: another measurement of the same cells (r = 0.97), other cells (r = 0.8), or none.
"""

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from karyolot.contracts.copy_number import Comparison
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.bins import expected_copies
from karyolot.dna.calls import call_changes
from karyolot.dna.limits import known_regions
from karyolot.dna.ratio import compare
from karyolot.dna.segments import Segmented, segment
from planted import ATLAS, Event, correlated_waves, genome

SETTINGS = CopyNumber()
BIN = 50_000
FRAGMENTS_PER_BIN = BIN / 300 * 0.9
"""Of a diploid bin at a depth of 1."""
WAVES = ((50_000, 0.012), (300_000, 0.009), (2_000_000, 0.007))
"""Length and standard deviation of ln."""
RT_WAVE = 0.05
OWN_TIMING = ((300_000, 0.60), (3_000_000, 0.45), (30_000_000, 0.10))
"""Of replication timing beyond what GC predicts: length and standard deviation."""
LATE = {"X": -0.84, "Y": -0.7}
TRACKS = {"matched": 0.97, "r = 0.8": 0.8, "none": None}
"""Correlation of the track given to the analysis with the timing of the lot's cells."""
GC_RICH_ENDS = {"chr1": "start", "chr9": "end", "chr16": "start", "chr17": "end", "chr19": "start", "chr20": "end"}
ACROCENTRIC = {f"chr{n}p" for n in (13, 14, 15, 21, 22)}
Floats = NDArray[np.float64]


class Lot(NamedTuple):
    """Counts of lot and donor, and the donor's sex."""

    lot: pd.DataFrame
    donor: pd.DataFrame
    sex: str


class Analysed(NamedTuple):
    ratios: pd.DataFrame
    segmented: Segmented
    arms: pd.DataFrame
    calls: pd.DataFrame
    comparison: Comparison


@cache
def _grid() -> tuple[pd.DataFrame, Floats]:
    """Bins, and the timing of the lot's cells."""
    bins = genome(BIN)
    gc = bins["gc"].to_numpy().copy()
    timing = 0.65 * (gc - 0.41) / 0.05 + along(np.random.default_rng(12), bins, OWN_TIMING)
    for chrom, end in GC_RICH_ENDS.items():
        own = (bins["chrom"] == chrom).to_numpy()
        last = bins.loc[own, "end"].max()
        distance = bins["end"] if end == "start" else last - bins["start"]
        near = own & (distance <= 5_000_000).to_numpy()
        gc[near] += 0.14 * (1 - distance[near] / 5_000_000 / 2)
    bins = bins.assign(gc=np.clip(gc, 0.3, 0.68))
    return bins, timing + late(bins)


@cache
def grid(track: str = "matched") -> pd.DataFrame:
    """Schema Bins as the analysis gets them; track: one of TRACKS."""
    bins, timing = _grid()
    correlation = TRACKS[track]
    if correlation is None:
        return bins.assign(replication_timing=np.nan)
    parts = OWN_TIMING if correlation < 0.9 else ((300_000, 0.76),)
    other = along(np.random.default_rng(13), bins, parts) / 0.76
    own = timing - late(bins)
    return bins.assign(replication_timing=correlation * own + np.sqrt(1 - correlation**2) * other + late(bins))


def late(bins: pd.DataFrame) -> Floats:
    return bins["region"].map(LATE).fillna(0.0).to_numpy(dtype=float)


def along(generator: np.random.Generator, bins: pd.DataFrame, waves: Sequence[tuple[float, float]]) -> Floats:
    """Waves (length in bases, standard deviation) along each chromosome."""
    parts = [(length / BIN, sd) for length, sd in waves]
    return np.concatenate(
        [correlated_waves(generator, len(part), parts) for _, part in bins.groupby("chrom", sort=False)]
    )


def simulate(
    events: Sequence[Event],
    depths: tuple[float, float],
    seed: int,
    sex: str | None = None,
    base: int = 2,
    wave: float = RT_WAVE,
) -> Lot:
    """A lot with these changes and its donor.

    depths: of lot and donor. base: copies of an autosome in every cell of the lot. wave: of replication timing.
    """
    generator = np.random.default_rng([seed, *(round(100 * depth) for depth in depths)])
    sex = sex or "FM"[seed % 2]
    bins, timing = _grid()
    gc = (bins["gc"].to_numpy() - 0.41) / 0.05
    size = FRAGMENTS_PER_BIN * ((bins["end"] - bins["start"]) * (1 - bins["gap"])).to_numpy() / BIN
    middle = ((bins["start"] + bins["end"]) // 2).to_numpy()
    counts = []
    for who, depth in zip(("lot", "donor"), depths, strict=True):
        copies = expected_copies(bins["region"], sex).astype(float)
        for event in events if who == "lot" else ():
            inside = (bins["chrom"] == event.chrom).to_numpy() & (middle >= event.start) & (middle < event.end)
            copies[inside] += event.copies * event.fraction * 2 / base
        shape = generator.normal(0, 0.03) * gc - abs(generator.normal(0, 0.01)) * gc**2
        if who == "lot":
            shape = shape + wave * timing + along(generator, bins, WAVES)
        mean = depth * size * np.maximum(copies, 0) / 2 * np.exp(shape)
        counts.append(bins[["chrom", "start", "end"]].assign(count=generator.poisson(mean)))
    return Lot(*counts, sex)


def analysed(
    lot: Lot, track: str = "matched", bins: pd.DataFrame | None = None, settings: CopyNumber = SETTINGS
) -> Analysed:
    """From counts to calls, as a run does it but for planting."""
    ratios, facts = compare(grid(track) if bins is None else bins, lot.lot, lot.donor, lot.sex, settings)
    found = segment(ratios, settings)
    arms = known_regions(ratios, found.noise, settings, ATLAS)
    calls = call_changes(ratios, found.segments, arms, found.noise, found.donor_noise, settings, ATLAS, facts)
    return Analysed(ratios, found, arms, calls, facts)


@cache
def arms() -> pd.DataFrame:
    """name, chrom, start, end of the autosomal arms that are sequenced, without the centromeric gap."""
    bins = grid()
    used = bins[(bins["gap"] < 0.25) & (bins["region"] == "autosome") & ~bins["arm"].isin(ACROCENTRIC)]
    found = used.groupby("arm", sort=False).agg(chrom=("chrom", "first"), start=("start", "min"), end=("end", "max"))
    return found.reset_index(names="name")
