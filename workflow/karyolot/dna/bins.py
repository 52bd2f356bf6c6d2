"""The grid of bins and what is known of each: arm, GC, gaps, mappability, replication timing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.contigs import contig_key
from karyolot.contracts.copy_number import BinSources, TrackPiece
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Layout, Region

Floats = NDArray[np.float64]

MIN_USABLE = 0.2
"""An arm, or a part of one, with a smaller fraction of its bins in use is not assessable: the usable part is not representative
of it."""
LEAST_HIDDEN, AT_CENTROMERE = 5_000_000, 35_000_000
"""Bases. Shorter parts, and those up to the second length at a centromere, are masked in every lot: in GRCh38 with its gaps and
mappability in windows of 50 kb, the longest at a centromere are 26 Mb of 9q and 24 Mb of 1q, and the longest elsewhere 3 Mb."""


def sources_of(columns: Mapping[str, Any]) -> BinSources:
    """Sources whose tables are given as plain columns (name -> array or list), as the readers of input formats return them."""
    tables = {"cytobands", "annotation", "blacklist"}
    parts: dict[str, Any] = {name: pd.DataFrame(part) if name in tables else part for name, part in columns.items()}
    return BinSources(**parts)


def assemble_bins(sources: BinSources, bin_bp: int) -> pd.DataFrame:
    """Build the grid of a genome, with all that `sources` knows of each bin.

    Parameters
    ----------
    sources
        Layout, cytobands, contigs, and composition, tracks or ready bins.
    bin_bp
        Width, bases.

    Returns
    -------
    DataFrame
        Schema Bins: one row per bin of the layout's contigs, in their order; positions 0-based and half-open.

    Raises
    ------
    KaryolotError
        When no contig of the layout is in the reference, or ready bins are not on that grid.
    """
    bins = make_bins(sources.contigs, sources.layout, sources.cytobands, bin_bp)
    if sources.annotation is not None:
        return _annotated(bins, sources.annotation, bin_bp)
    if sources.composition is not None:
        _add_composition(bins, sources.composition)
    if sources.blacklist is not None:
        covered = mean_over_bins(bins, pieces_of(merge_intervals(sources.blacklist).assign(value=1.0)), uncovered=0.0)
        bins["gap"] = np.minimum(1.0, bins["gap"] + covered)
    for name, track in (("mappability", sources.mappability), ("replication_timing", sources.replication_timing)):
        if track is not None:
            bins[name] = mean_over_bins(bins, track)
    return bins


def make_bins(contigs: Sequence[tuple[str, int]], layout: Layout, cytobands: pd.DataFrame, bin_bp: int) -> pd.DataFrame:
    """The empty grid (schema Bins): gc and tracks null, gap 0. The last bin of a contig may be short."""
    kinds = {contig_key(name): "autosome" for name in layout.autosomes}
    kinds |= {contig_key(name): region for name, region in ((layout.x, "X"), (layout.y, "Y")) if name is not None}
    wanted = [(name, length) for name, length in contigs if contig_key(name) in kinds]
    if not wanted:
        raise KaryolotError(
            f"no contig of the layout '{layout.name}' is in the reference (it has {', '.join(n for n, _ in contigs[:3])}"
            " ...); choose the layout of this assembly in config: reference.layout"
        )
    edges = np.cumsum([0, *(-(-length // bin_bp) for _, length in wanted)]).tolist()
    texts: dict[str, NDArray[Any]] = {name: np.empty(edges[-1], dtype=object) for name in ("chrom", "arm", "region")}
    starts, ends = np.empty(edges[-1], dtype=np.int64), np.empty(edges[-1], dtype=np.int64)
    for (name, length), (low, high) in zip(wanted, pairwise(edges), strict=True):
        own = slice(low, high)
        starts[own] = np.arange(0, length, bin_bp)
        ends[own] = np.minimum(starts[own] + bin_bp, length)
        middle = (starts[own] + ends[own]) // 2
        region = texts["region"][own]  # a view: its rows are those of the column
        region[:] = kinds[contig_key(name)]
        region[_inside(middle, name, layout.x_par)] = "PAR"
        region[_inside(middle, name, layout.y_par)] = "other"
        centromere = centromere_of(cytobands, name)
        texts["chrom"][own] = texts["arm"][own] = name
        if centromere is not None:
            short = low + int((middle < centromere).sum())
            texts["arm"][low:short], texts["arm"][short:high] = f"{name}p", f"{name}q"
    columns = {"chrom": texts["chrom"], "start": starts, "end": ends, "arm": texts["arm"], "region": texts["region"]}
    bins = pd.DataFrame(columns, copy=False)  # millions of rows are not copied
    for name, value in (("gc", np.nan), ("gap", 0.0), ("mappability", np.nan), ("replication_timing", np.nan)):
        bins[name] = value
    return bins


def spans_of(bins: pd.DataFrame) -> dict[str, slice]:
    """Rows of each contig of a table that is sorted by contig."""
    chrom = bins["chrom"].to_numpy()
    edges = [0, *(np.flatnonzero(chrom[1:] != chrom[:-1]) + 1).tolist(), len(chrom)]
    return {str(chrom[low]): slice(low, high) for low, high in pairwise(edges) if high > low}


def centromere_of(cytobands: pd.DataFrame, contig: str) -> int | None:
    """End of the short arm, bases; None when the bands do not define both arms of `contig`."""
    bands = cytobands[cytobands["chrom"].map(contig_key) == contig_key(contig)]
    short = bands[bands["band"].str.startswith("p")]
    if short.empty or len(short) == len(bands):
        return None
    return int(short["end"].max())


def _add_composition(bins: pd.DataFrame, composition: Mapping[str, NDArray[np.int64]]) -> None:
    """Fill the columns gc and gap of the bins. composition: of each contig, as in BinSources."""
    gc, gap = np.full(len(bins), np.nan), np.empty(len(bins))
    start, end = bins["start"].to_numpy(), bins["end"].to_numpy()
    for name, rows in spans_of(bins).items():
        gc_bases, called = composition[name]
        np.divide(gc_bases, called, out=gc[rows], where=called > 0)
        gap[rows] = 1 - called / (end[rows] - start[rows])
    bins["gc"], bins["gap"] = gc, gap


def _annotated(bins: pd.DataFrame, annotation: pd.DataFrame, bin_bp: int) -> pd.DataFrame:
    known = annotation.set_index([annotation["chrom"].map(contig_key), "start"])
    wanted = pd.MultiIndex.from_arrays([bins["chrom"].map(contig_key), bins["start"]])
    strange = known.index[known.index.get_level_values(0).isin(wanted.get_level_values(0))].difference(wanted)
    if len(strange) or known.index.has_duplicates:
        place = strange[0] if len(strange) else known.index[known.index.duplicated()][0]
        raise KaryolotError(
            f"reference.bins: the bin at {place[0]}:{place[1]} is not on the grid of {bin_bp} bases or occurs twice; set"
            " counting.bin_bp to the width of the bins in the file"
        )
    for name in ("gc", "mappability", "replication_timing"):
        if name in known:
            bins[name] = known[name].reindex(wanted).to_numpy(dtype=float)
    bins["gc"] = bins["gc"].where(bins["gc"].between(0, 1))
    inside = known["gap"].reindex(wanted).fillna(1.0).to_numpy() if "gap" in known else 0.0
    bins["gap"] = np.where(wanted.isin(known.index), inside, 1.0)
    return bins


def merge_intervals(intervals: pd.DataFrame) -> pd.DataFrame:
    """Union of intervals (chrom, start, end), sorted by chrom and start."""
    rows: list[tuple[str, int, int]] = []
    for chrom, start, end in intervals.sort_values(["chrom", "start"])[["chrom", "start", "end"]].itertuples(
        index=False
    ):
        if rows and rows[-1][0] == chrom and start <= rows[-1][2]:
            rows[-1] = (chrom, rows[-1][1], max(end, rows[-1][2]))
        else:
            rows.append((chrom, int(start), int(end)))
    return pd.DataFrame(rows, columns=["chrom", "start", "end"])


def pieces_of(track: pd.DataFrame) -> Iterator[TrackPiece]:
    """A table of chrom, start, end, value, in any order, as the readers of tracks give theirs."""
    for chrom, part in track.sort_values("start").groupby("chrom", sort=False):
        yield str(chrom), part["start"].to_numpy(), part["end"].to_numpy(), part["value"].to_numpy()


def mean_over_bins(bins: pd.DataFrame, track: Iterable[TrackPiece], uncovered: float | None = None) -> Floats:
    """Mean of a bedGraph-like track (not overlapping) in each bin, weighted by bases. Pieces of the track are not kept.

    Bases without a value (in no row, or in a row whose value is NaN) count as `uncovered`, or are left out when it is None;
    a bin with no value is then NaN.
    """
    mass, cover = np.zeros(len(bins)), np.zeros(len(bins))
    spans = {contig_key(chrom): rows for chrom, rows in spans_of(bins).items()}
    starts, ends = bins["start"].to_numpy(), bins["end"].to_numpy()
    lowest, highest = np.inf, -np.inf
    for chrom, start, end, value in track:
        known = ~np.isnan(value)
        rows = spans.get(contig_key(chrom))
        if rows is None or not known.any():
            continue
        steps = np.column_stack([start[known], end[known]]).ravel().astype(float)
        low = rows.start + int(np.searchsorted(ends[rows], steps[0], side="right"))
        own = slice(low, rows.start + int(np.searchsorted(starts[rows], steps[-1])))
        reach = starts[own].astype(float), ends[own].astype(float)
        width = steps[1::2] - steps[::2]
        lowest, highest = min(lowest, value[known].min()), max(highest, value[known].max())
        mass[own] += _integral(steps, width * value[known], *reach)
        cover[own] += _integral(steps, width, *reach)
    if uncovered is None:
        mean = np.divide(mass, cover, out=np.full(len(bins), np.nan), where=cover > 0)
        return np.asarray(np.clip(mean, lowest, highest))  # sums of fractions are not exact
    whole = (bins["end"] - bins["start"]).to_numpy(float)
    return np.asarray((mass + uncovered * (whole - cover)) / whole)


def _integral(edges: Floats, masses: Floats, start: Floats, end: Floats) -> Floats:
    """Integral from start to end of a step function with `masses` between consecutive pairs of `edges`."""
    running = np.concatenate([[0.0], np.cumsum(masses)])
    at_edges = np.column_stack([running[:-1], running[1:]]).ravel()
    return np.asarray(np.interp(end, edges, at_edges) - np.interp(start, edges, at_edges))


def _inside(positions: NDArray[np.int64], contig: str, regions: Iterable[Region]) -> NDArray[np.bool_]:
    inside = np.zeros(len(positions), dtype=bool)
    for region in regions:
        if contig_key(region.chrom) == contig_key(contig):
            inside |= (positions >= region.start) & (positions < region.end)
    return inside


def expected_copies(region: pd.Series, sex: str) -> NDArray[np.int64]:
    """Copies of each bin in a normal cell: autosome and PAR 2; X 2 in F, 1 in M; Y 0 in F, 1 in M; 'other' 0."""
    table = {"autosome": 2, "PAR": 2, "X": 2 if sex == "F" else 1, "Y": 0 if sex == "F" else 1, "other": 0}
    return np.asarray(region.map(table), dtype=np.int64)


def hidden_parts(table: pd.DataFrame, size: float, min_bins: int) -> tuple[str, ...]:
    """Parts of arms in which a change of `size` bases (at least LEAST_HIDDEN) would lie in masked bins: '8q 70-140 Mb'.

    They consist of windows of that size with fewer than MIN_USABLE of their bases in used bins, or with fewer than min_bins of
    these, of which no change is called. Left out are parts at the centromere of AT_CENTROMERE or less, and Y. table: chrom,
    start, end, arm, region and mask of all bins, in genome order.
    """
    found = []
    size = max(size, LEAST_HIDDEN)
    own = table[table["region"] != "Y"]
    for _, part in own.groupby("chrom", sort=False):
        for arm, bins in part.groupby("arm", sort=False):
            starts, ends = bins["start"].to_numpy(), bins["end"].to_numpy()
            used = bins["mask"].isna().to_numpy()
            for low, high in _hidden(starts, ends, used, size, min_bins):
                # The centromere is where the other arm begins.
                inner = (starts[0] > part["start"].min(), ends[-1] < part["end"].max())
                near = (inner[0] and low - starts[0] < size) or (inner[1] and ends[-1] - high < size)
                if high - low >= size and not (near and high - low <= AT_CENTROMERE):
                    found.append(f"{contig_key(str(arm))} {low / 1e6:.3g}-{high / 1e6:.3g} Mb")
    return tuple(found)


def _hidden(
    starts: Floats, ends: Floats, used: NDArray[np.bool_], size: float, min_bins: int
) -> Iterator[tuple[int, int]]:
    """Start and end of the masked bins at the ends of each union of neighbouring windows that show too little of `size`."""
    seen, bins_before = (np.concatenate([[0], np.cumsum(np.where(used, of, 0))]) for of in (ends - starts, 1))
    last = np.searchsorted(ends, starts + size)  # the bin that a window from each bin ends in
    first = np.flatnonzero(last < len(ends))
    behind = last[first] + 1
    few = bins_before[behind] - bins_before[first] < np.minimum(min_bins, behind - first)
    first = first[few | (seen[behind] - seen[first] < MIN_USABLE * size)]
    steps = np.bincount(first, minlength=len(ends) + 1) - np.bincount(last[first] + 1, minlength=len(ends) + 1)
    covered = np.flatnonzero((np.cumsum(steps)[:-1] > 0) & ~used)
    within = np.cumsum(np.cumsum(steps)[:-1] == 0)
    for group in np.unique(within[covered]):
        bins = covered[within[covered] == group]
        yield int(starts[bins[0]]), int(ends[bins[-1]])
