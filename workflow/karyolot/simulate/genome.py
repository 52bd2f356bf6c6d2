"""A miniature human genome: real contigs, arms, bands and gene order at 1:scale, invented bases.

Positions are 0-based half-open. The contigs lie end to end in one array; a position in that array is called 'global'.
Everything that varies along the genome (GC, replication timing, copies) is held per window of WINDOW bases.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.settings import Layout, Region

WINDOW = 100
"""Bases per window; contig lengths are whole windows."""

UNSEQUENCED = frozenset({"acen", "stalk", "gvar"})
"""Giemsa stains of centromeres, satellite stalks and heterochromatin: N here, as most of it is in GRCh38."""

REPEATS = (
    (300, 0.15, 0.06),
    (1000, 0.20, 0.05),
    (3000, 0.10, 0.02),  # old: short reads are still placed with confidence
    *[(300, 0.02, 0.002)] * 4,
    *[(5000, 0.004, 0.002)] * 4,  # young elements and segmental duplications: they are not
)
"""Families of interspersed repeats: length, divergence of the copies, fraction of the genome they cover."""

LONG = {"TP53": 960}
"""Gene -> least bases of its mature transcript, so that its recurrent codons (to 282) lie in it."""
GENE_SPACING = 50
"""Least bases between neighbouring genes."""

Bases = NDArray[np.uint8]
N = ord("N")
BASES = np.frombuffer(b"ACTG", np.uint8)
"""In the order of bits 1 and 2 of the ASCII letter, so that (letter >> 1) & 3 is the index of a base."""
COMPLEMENT = np.arange(256, dtype=np.uint8)
COMPLEMENT[np.frombuffer(b"ACGT", np.uint8)] = np.frombuffer(b"TGCA", np.uint8)


def stream(seed: int, purpose: str) -> np.random.Generator:
    """A random stream of its own for every purpose, so that one more sample leaves all others as they were."""
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(purpose.encode())]))


@dataclass(frozen=True)
class Genome:
    """One assembly.

    offsets: global start of each contig, and the total length last. bases: upper-case ASCII. bands: cytobands, columns
    chrom start end band stain. genes: columns gene_name gene_id chrom strand and the global positions start,
    intron_start, intron_end, end (an empty intron = one exon), sorted by start. gc, timing: per window, mean fraction of
    G and C; replication timing in standard deviations, high = early.
    """

    layout: Layout
    scale: int
    offsets: NDArray[np.int64]
    bases: Bases
    bands: pd.DataFrame
    genes: pd.DataFrame
    gc: NDArray[np.float64]
    timing: NDArray[np.float64]

    @property
    def names(self) -> tuple[str, ...]:
        return contigs(self.layout)

    def contig(self, chrom: str) -> slice:
        """Where a contig lies, global."""
        i = self.names.index(chrom)
        return slice(int(self.offsets[i]), int(self.offsets[i + 1]))

    @property
    def megabase(self) -> float:
        """Windows per real megabase."""
        return 1e6 / self.scale / WINDOW

    def whole(self, chrom: str) -> Region:
        contig = self.contig(chrom)
        return Region(chrom=chrom, start=0, end=contig.stop - contig.start)

    def windows(self, region: Region) -> slice:
        """The windows a region of this genome covers, at least one."""
        start = self.contig(region.chrom).start
        return slice((start + region.start) // WINDOW, -(-(start + region.end) // WINDOW))


def contigs(layout: Layout) -> tuple[str, ...]:
    return (*layout.autosomes, *(c for c in (layout.x, layout.y) if c))


def shrink(layout: Layout, bands: pd.DataFrame, scale: int) -> tuple[Layout, pd.DataFrame]:
    """Layout and cytobands at 1:scale; the last band of a contig is drawn out to a whole window."""
    bands = bands.assign(start=bands["start"] // scale, end=bands["end"] // scale)
    last = ~bands["chrom"].duplicated(keep="last")
    bands.loc[last, "end"] = -(-bands.loc[last, "end"] // WINDOW) * WINDOW

    def small(regions: Iterable[Region]) -> tuple[Region, ...]:
        return tuple(Region(chrom=r.chrom, start=r.start // scale, end=r.end // scale) for r in regions)

    layout = layout.model_copy(
        update={
            "name": f"miniature {layout.name}, 1:{scale}",
            "x_par": small(layout.x_par),
            "y_par": small(layout.y_par),
            "cytobands": "cytobands.tsv",
            "source": f"Simulated; names, proportions and bands of {layout.name}.",
        }
    )
    return layout, bands


def wave(rng: np.random.Generator, windows: int, length: float) -> NDArray[np.float64]:
    """A smooth random track of unit variance that forgets itself over about `length` windows."""
    length = max(length, 1.0)
    knots = rng.standard_normal(int(windows / length) + 2)
    track = np.interp(np.arange(windows) / length, np.arange(len(knots)), knots)
    return np.asarray((track - track.mean()) / track.std())


def make_genome(
    layout: Layout, bands: pd.DataFrame, genes: pd.DataFrame, scale: int, transcript: tuple[int, int], seed: int
) -> Genome:
    """Shrink a real layout to 1:scale and fill it with bases.

    layout, bands: of the real assembly. genes: gene_name gene_id chrom start strand, real positions. transcript:
    shortest and longest mature transcript, bases. Raises ValueError when the genes do not fit.
    """
    layout, bands = shrink(layout, bands, scale)
    names = contigs(layout)
    lengths = bands.groupby("chrom")["end"].max().reindex(list(names)).to_numpy(np.int64)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    total = int(offsets[-1])
    offset = dict(zip(names, offsets.tolist(), strict=False))

    gaps = bands.loc[bands["stain"].isin(UNSEQUENCED), ["chrom", "start", "end"]]
    masked = [*gaps.itertuples(index=False, name=None), *((r.chrom, r.start, r.end) for r in layout.y_par)]
    gap = np.zeros(total, bool)
    for chrom, start, end in masked:
        gap[offset[chrom] + start : offset[chrom] + end] = True

    megabase = 1e6 / scale / WINDOW
    rng = stream(seed, "isochores")
    isochore = np.sqrt(0.6) * wave(rng, total // WINDOW, 3 * megabase) + np.sqrt(0.4) * wave(
        rng, total // WINDOW, 0.3 * megabase
    )
    gc = np.clip(0.42 + 0.04 * isochore, 0.35, 0.60)
    timing = 0.6 * isochore + 0.8 * wave(stream(seed, "replication timing"), total // WINDOW, 2 * megabase)

    bases = _draw_bases(gc, stream(seed, "bases"))
    placed = _place_genes(genes, offset, gap, offsets, scale, transcript, stream(seed, "genes"))
    closed = gap.copy()
    for start, end in zip(placed["start"], placed["end"], strict=True):
        closed[start - GENE_SPACING : end + GENE_SPACING] = True
    closed[offsets[:-1]] = True  # no repeat runs from one contig into the next
    _throw_repeats(bases, closed, stream(seed, "repeats"))
    bases[gap] = N
    return Genome(layout, scale, offsets, bases, bands, placed, gc, timing)


def _draw_bases(gc: NDArray[np.float64], rng: np.random.Generator) -> Bases:
    """Independent bases of the given fraction of G and C per window."""
    bases = np.empty((len(gc), WINDOW), np.uint8)
    for part in range(0, len(gc), 20_000):
        share = gc[part : part + 20_000, None].astype(np.float32)
        draw = rng.random((len(share), WINDOW), np.float32)
        # thresholds cut 0..1 into C, G (together `share`), A, T
        index = (draw >= share / 2).astype(np.uint8) + (draw >= share) + (draw >= (1 + share) / 2)
        bases[part : part + 20_000] = np.frombuffer(b"CGAT", np.uint8)[index]
    return bases.ravel()


def _place_genes(
    genes: pd.DataFrame,
    offset: dict[str, int],
    gap: NDArray[np.bool_],
    offsets: NDArray[np.int64],
    scale: int,
    transcript: tuple[int, int],
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Genes at their scaled positions, pushed apart (transcripts do not shrink) and out of gaps, order kept."""
    edges = np.flatnonzero(np.diff(np.concatenate([[True], gap, [True]])))
    edges = np.union1d(edges, offsets)  # a free stretch ends where a contig ends
    stretches = [(a, b) for a, b in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True) if not gap[a]]
    starts, ends = np.array(stretches).T
    home = np.searchsorted(offsets, starts, side="right")

    target = (genes["chrom"].map(offset) + genes["start"] // scale).to_numpy(np.int64)
    order = np.argsort(target, kind="stable")
    genes, target = genes.iloc[order], target[order]
    distance = np.maximum(np.maximum(starts - target[:, None], target[:, None] - ends), 0).astype(float)
    distance[np.searchsorted(offsets, target, side="right")[:, None] != home] = np.inf
    stretch = distance.argmin(axis=1)

    mature = rng.integers(*transcript, len(genes))
    mature = np.maximum(mature, genes["gene_name"].map(LONG).fillna(0).to_numpy(np.int64))
    intron = np.where(rng.random(len(genes)) < 0.4, rng.integers(100, 300, len(genes)), 0)
    room = mature + intron + 2 * GENE_SPACING
    start = np.empty(len(genes), np.int64)
    for k in np.unique(stretch):
        here = stretch == k
        before = np.cumsum(room[here]) - room[here]
        if room[here].sum() > ends[k] - starts[k]:
            raise ValueError(f"{here.sum()} genes do not fit into {ends[k] - starts[k]} bases")
        slack = np.maximum.accumulate(np.maximum(target[here], starts[k]) - before)
        start[here] = np.minimum(slack, ends[k] - room[here].sum()) + before + GENE_SPACING
    first_exon = mature // 2
    placed = genes[["gene_name", "gene_id", "chrom", "strand"]].reset_index(drop=True)
    placed["start"], placed["intron_start"] = start, start + first_exon
    placed["intron_end"], placed["end"] = start + first_exon + intron, start + mature + intron
    return placed


def _throw_repeats(bases: Bases, closed: NDArray[np.bool_], rng: np.random.Generator) -> None:
    """Lay diverged copies of each family over `bases`, in place, wherever nothing is closed."""
    barrier = np.concatenate([[0], np.cumsum(closed)])
    for length, divergence, share in REPEATS:
        family = BASES[rng.integers(0, 4, length)]
        start = rng.integers(0, len(bases) - length, int(len(bases) * share / length))
        start = start[barrier[start + length] == barrier[start]]
        copies = np.where(rng.random(len(start))[:, None] < 0.5, family, COMPLEMENT[family[::-1]])
        mutated = rng.random(copies.shape, np.float32) < divergence
        copies[mutated] = another(copies[mutated], rng)
        bases[start[:, None] + np.arange(length)] = copies


def another(bases: Bases, rng: np.random.Generator) -> Bases:
    """For each base one of the three others."""
    changed: Bases = BASES[(((bases >> 1) & 3) + rng.integers(1, 4, bases.shape, np.uint8)) & 3]
    return changed
