"""Planted lots at the level of counts: GRCh38's chromosomes and bands, realistic noise, known truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.signal import lfilter

from karyolot.contracts.copy_number import Noise
from karyolot.contracts.settings import CopyNumber
from karyolot.dna import bins as grid
from karyolot.dna.atlas import Atlas
from karyolot.dna.calls import call_changes
from karyolot.dna.limits import known_regions, limits_of_detection, stated
from karyolot.dna.ratio import Compared, compare
from karyolot.dna.segments import Segmented, segment
from karyolot.inputs.formats import layout
from karyolot.inputs.reference import places

SETTINGS = CopyNumber()
RESOURCES = Path(__file__).parents[1] / "resources"
LAYOUT = layout.read(RESOURCES / "genomes" / "GRCh38.yaml").layout
ATLAS = Atlas.of(
    places(RESOURCES / "genomes" / "GRCh38.yaml", RESOURCES / "recurrent_regions.tsv", [])
    | {"genes": {"chrom": ["chr20"], "start": [31_664_457], "end": [31_723_963], "gene_name": ["BCL2L1"]}}
)
BANDS = ATLAS.cytobands


@dataclass(frozen=True)
class Event:
    """A change of `copies` (+1, -1, ...) in a fraction of the cells of 'lot', 'donor' or 'both'."""

    chrom: str
    start: int
    end: int
    copies: int
    fraction: float = 1.0
    who: str = "lot"


def genome(bin_bp: int = 500_000) -> pd.DataFrame:
    """Bins over GRCh38 with GC waves, and replication timing correlated with GC as in real cells (r about 0.65)."""
    contigs = [(str(name), int(part["end"].max())) for name, part in BANDS.groupby("chrom", sort=False)]
    bins = grid.make_bins(contigs, LAYOUT, BANDS, bin_bp)
    generator = np.random.default_rng(11)
    gc = np.concatenate(
        [correlated_waves(generator, len(part), [(16, 1.0), (2, 0.6)]) for _, part in bins.groupby("chrom", sort=False)]
    )
    own = np.concatenate(
        [correlated_waves(generator, len(part), [(6, 1.0)]) for _, part in bins.groupby("chrom", sort=False)]
    )
    acen = (
        BANDS[BANDS["gieStain"] == "acen"] if "gieStain" in BANDS else BANDS[BANDS["band"].str.match(r"[pq]11(\.1)?$")]
    )
    gap = grid.mean_over_bins(bins, grid.pieces_of(grid.merge_intervals(acen).assign(value=1.0)), uncovered=0.0)
    gc = gc / gc.std()
    return bins.assign(
        gc=np.clip(0.41 + 0.05 * gc, 0.3, 0.65), replication_timing=0.65 * gc + 0.76 * own / own.std(), gap=gap
    )


def correlated_waves(
    generator: np.random.Generator, n: int, parts: Sequence[tuple[float, float]]
) -> NDArray[np.float64]:
    """Sum of Ornstein-Uhlenbeck waves: (length in bins, standard deviation)."""
    total = np.zeros(n)
    for length, sd in parts:
        step = np.exp(-1 / length)
        shocks = np.sqrt(1 - step**2) * generator.normal(size=n)
        shocks[0] = generator.normal()
        total += sd * lfilter([1.0], [1.0, -step], shocks)
    return total


def sample(
    bins: pd.DataFrame, events: Sequence[Event], who: str, sex: str, per_bin: float, seed: int,
    waves: float = 0.01, gc_bias: float = 0.0, rt: float = 0.0,
) -> pd.DataFrame:  # fmt: skip
    """Counts of one sample. per_bin: mean fragments per diploid bin; waves: sd (log) of noise shared by neighbours."""
    generator = np.random.default_rng(seed)
    copies = grid.expected_copies(bins["region"], sex).astype(float)
    middle = (bins["start"] + bins["end"]) // 2
    for event in events:
        if event.who in (who, "both"):
            inside = (bins["chrom"] == event.chrom) & (middle >= event.start) & (middle < event.end)
            copies[inside] += event.copies * event.fraction
    gc = (bins["gc"] - 0.41).to_numpy() / 0.05
    shape = -gc_bias * gc**2 + gc_bias * gc + rt * bins["replication_timing"].to_numpy()
    noise = np.concatenate(
        [correlated_waves(generator, len(p), [(1, 0.7), (4, 0.7)]) for _, p in bins.groupby("chrom", sort=False)]
    )
    share = (
        (1 - bins["gap"].to_numpy()) * (bins["end"] - bins["start"]).to_numpy() / (bins["end"] - bins["start"]).max()
    )
    mean = per_bin * np.maximum(copies, 0) / 2 * share * np.exp(shape + waves * noise)
    return bins[["chrom", "start", "end"]].assign(count=generator.poisson(mean))


@dataclass(frozen=True)
class Result:
    compared: Compared
    segmented: Segmented
    arms: pd.DataFrame
    lod: pd.DataFrame
    calls: pd.DataFrame

    @property
    def noise(self) -> Noise:
        return self.segmented.noise


def analyse(
    bins: pd.DataFrame,
    lot: pd.DataFrame,
    donor: pd.DataFrame,
    sex: str,
    settings: CopyNumber = SETTINGS,
    sets: float | None = None,
) -> Result:
    """The whole chain from counts to calls, as the rules run it. sets: of chromosomes in the lot's cells, if measured."""
    compared = compare(bins, lot, donor, sex, settings)
    segmented = segment(compared.ratios, settings)
    predicted = limits_of_detection(compared.ratios, segmented.noise, settings).assign(spike_ins=0, found=0)
    arms, lod = stated(known_regions(compared.ratios, segmented.noise, settings, ATLAS), predicted, settings, sets)
    noises = segmented.noise, segmented.donor_noise
    calls = call_changes(compared.ratios, segmented.segments, arms, *noises, settings, ATLAS, compared.facts, sets)
    return Result(compared, segmented, arms, lod, calls)


def run(
    events: Sequence[Event] = (), sex: str = "F", per_bin: float = 5000, seed: int = 1,
    bins: pd.DataFrame | None = None, donor_per_bin: float | None = None, **noise: float,
) -> Result:  # fmt: skip
    """A planted lot against its planted donor."""
    bins = genome() if bins is None else bins
    donor = sample(bins, events, "donor", sex, donor_per_bin or per_bin, seed * 2 + 1, waves=noise.get("waves", 0.01))
    lot = sample(bins, events, "lot", sex, per_bin, seed * 2, **noise)
    return analyse(bins, lot, donor, sex)
