"""The grid of bins and what is known of each: arm, GC, gaps, mappability, replication timing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.copy_number import BinSources
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Layout, Region

Floats = NDArray[np.float64]


def contig_key(name: str) -> str:
    """'chr8' and '8' are the same contig."""
    return name.removeprefix("chr")


def sources_of(columns: Mapping[str, Any]) -> BinSources:
    """Sources whose tables are given as plain columns (name -> array or list), as the readers of input formats return them."""
    tables = {"cytobands", "annotation", "mappability", "replication_timing", "blacklist"}
    parts: dict[str, Any] = {name: pd.DataFrame(part) if name in tables else part for name, part in columns.items()}
    return BinSources(**parts)


def assemble_bins(sources: BinSources, bin_bp: int) -> pd.DataFrame:
    """Contract Bins: the grid of `bin_bp` bases over the layout's contigs, with all that `sources` knows of each bin.

    Raises KaryolotError when no contig of the layout is in the reference, or ready bins are not on that grid.
    """
    bins = make_bins(sources.contigs, sources.layout, sources.cytobands, bin_bp)
    if sources.annotation is not None:
        return _annotated(bins, sources.annotation, bin_bp)
    if sources.composition is not None:
        composition = np.concatenate([sources.composition[name] for name in bins["chrom"].unique()], axis=1)
        bins = _add_composition(bins, *composition.astype(float))
    if sources.blacklist is not None:
        covered = mean_over_bins(bins, merge_intervals(sources.blacklist).assign(value=1.0), uncovered=0.0)
        bins["gap"] = np.minimum(1.0, bins["gap"] + covered)
    for name, track in (("mappability", sources.mappability), ("replication_timing", sources.replication_timing)):
        if track is not None:
            bins[name] = mean_over_bins(bins, track)
    return bins


def make_bins(contigs: Sequence[tuple[str, int]], layout: Layout, cytobands: pd.DataFrame, bin_bp: int) -> pd.DataFrame:
    """The empty grid (contract Bins): gc and tracks null, gap 0. The last bin of a contig may be short."""
    kinds = {contig_key(name): "autosome" for name in layout.autosomes}
    kinds |= {contig_key(name): region for name, region in ((layout.x, "X"), (layout.y, "Y")) if name is not None}
    wanted = [(name, length) for name, length in contigs if contig_key(name) in kinds]
    if not wanted:
        raise KaryolotError(
            f"no contig of the layout '{layout.name}' is in the reference (it has {', '.join(n for n, _ in contigs[:3])}"
            " ...); choose the layout of this assembly in config: reference.layout"
        )
    tables = []
    for name, length in wanted:
        start = np.arange(0, length, bin_bp, dtype=np.int64)
        end = np.minimum(start + bin_bp, length)
        middle = (start + end) // 2
        region = np.full(len(start), kinds[contig_key(name)], dtype=object)
        region[_inside(middle, name, layout.x_par)] = "PAR"
        region[_inside(middle, name, layout.y_par)] = "other"
        centromere = centromere_of(cytobands, name)
        arm = np.full(len(start), name, dtype=object)
        if centromere is not None:
            arm = np.where(middle < centromere, f"{name}p", f"{name}q").astype(object)
        tables.append(pd.DataFrame({"chrom": name, "start": start, "end": end, "arm": arm, "region": region}))
    bins = pd.concat(tables, ignore_index=True)
    bins["gc"] = np.nan
    bins["gap"] = 0.0
    bins["mappability"] = np.nan
    bins["replication_timing"] = np.nan
    return bins


def centromere_of(cytobands: pd.DataFrame, contig: str) -> int | None:
    """End of the short arm, bases; None when the bands do not tell both arms of `contig`."""
    bands = cytobands[cytobands["chrom"].map(contig_key) == contig_key(contig)]
    short = bands[bands["band"].str.startswith("p")]
    if short.empty or len(short) == len(bands):
        return None
    return int(short["end"].max())


def _add_composition(bins: pd.DataFrame, gc_bases: Floats, called_bases: Floats) -> pd.DataFrame:
    width = (bins["end"] - bins["start"]).to_numpy(dtype=float)
    gc = np.divide(gc_bases, called_bases, out=np.full(len(bins), np.nan), where=called_bases > 0)
    return bins.assign(gc=gc, gap=1 - called_bases / width)


def _annotated(bins: pd.DataFrame, annotation: pd.DataFrame, bin_bp: int) -> pd.DataFrame:
    known = annotation.set_index([annotation["chrom"].map(contig_key), "start"])
    wanted = pd.MultiIndex.from_arrays([bins["chrom"].map(contig_key), bins["start"]])
    strange = known.index[known.index.get_level_values(0).isin(wanted.get_level_values(0))].difference(wanted)
    if len(strange) or known.index.has_duplicates:
        place = strange[0] if len(strange) else known.index[known.index.duplicated()][0]
        raise KaryolotError(
            f"reference.bins: the bin at {place[0]}:{place[1]} is not on the grid of {bin_bp} bases or stands twice; set"
            " counting.bin_bp to the width of the bins in the file"
        )
    for name in ("gc", "mappability", "replication_timing"):
        if name in known:
            bins[name] = known[name].reindex(wanted).to_numpy(dtype=float)
    bins["gc"] = bins["gc"].where(bins["gc"].between(0, 1))
    bins["gap"] = np.where(wanted.isin(known.index), 0.0, 1.0)
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


def mean_over_bins(bins: pd.DataFrame, track: pd.DataFrame, uncovered: float | None = None) -> Floats:
    """Mean of a bedGraph-like track (chrom, start, end, value; not overlapping) in each bin, weighted by bases.

    Bases without a value (in no row, or in a row whose value is NaN) count as `uncovered`, or are left out when it is None;
    a bin with no value is then NaN.
    """
    track = track[track["value"].notna()]
    result = np.full(len(bins), np.nan if uncovered is None else uncovered)
    keys = track["chrom"].map(contig_key).to_numpy()
    for contig in bins["chrom"].unique():
        rows = np.flatnonzero(bins["chrom"].to_numpy() == contig)
        part = track[keys == contig_key(contig)].sort_values("start")
        if part.empty:
            continue
        edges = part[["start", "end"]].to_numpy(dtype=float).ravel()
        width = (part["end"] - part["start"]).to_numpy(dtype=float)
        start = bins["start"].to_numpy(dtype=float)[rows]
        end = bins["end"].to_numpy(dtype=float)[rows]
        mass = _integral(edges, width * part["value"].to_numpy(dtype=float), start, end)
        cover = _integral(edges, width, start, end)
        if uncovered is None:
            result[rows] = np.divide(mass, cover, out=np.full(len(rows), np.nan), where=cover > 0)
        else:
            result[rows] = (mass + uncovered * (end - start - cover)) / (end - start)
    return result


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
