"""Fragments per bin: from alignments, or from an imported table of counts."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.contigs import MITOCHONDRION, contig_key
from karyolot.contracts.copy_number import Fragments, Library
from karyolot.contracts.problems import KaryolotError
from karyolot.dna.bins import spans_of

MOSTLY = 0.5
"""Fraction of the bins of a table's contigs that may lack a row, and of N in a bin from which on it may."""
LONGEST = 100_000
"""Fragments longer than this count as this long in the quartiles; aligners pair properly up to a few thousand bases."""


def count_fragments(bins: pd.DataFrame, pieces: Iterable[Fragments]) -> tuple[pd.DataFrame, Library]:
    """Count fragments, each in the bin of its midpoint.

    Parameters
    ----------
    bins
        Schema Bins.
    pieces
        Fragments of contigs, in any order.

    Returns
    -------
    tuple of DataFrame and Library
        Schema Counts on `bins`, and facts of the library, such as the insert size in bases.

    Raises
    ------
    KaryolotError
        When none lies on a contig of the bins.
    """
    count = np.zeros(len(bins), dtype=np.int64)
    lengths = np.zeros(LONGEST + 1, dtype=np.int64)
    spans, starts, ends = spans_of(bins), bins["start"].to_numpy(), bins["end"].to_numpy()
    bases = mitochondrial = everywhere = 0
    for piece in pieces:
        everywhere += len(piece.start)
        mitochondrial += len(piece.start) * (contig_key(piece.contig) in MITOCHONDRION)
        if span := spans.get(piece.contig):
            start, end = starts[span], ends[span]
            middle = piece.start + piece.length // 2
            places = np.searchsorted(start, middle, side="right") - 1
            inside = (places >= 0) & (middle < end[np.maximum(places, 0)])
            count[span] += np.bincount(places[inside], minlength=len(start))
            lengths += np.bincount(np.minimum(piece.length, LONGEST), minlength=LONGEST + 1)
            bases += 2 * piece.left_bases
    if not lengths.any():
        raise KaryolotError(f"no fragment lies on a contig of the bins ({', '.join(list(spans)[:4])} ...)")
    running = lengths.cumsum()
    quartiles = [int(np.searchsorted(running, running[-1] * part)) for part in (0.25, 0.5, 0.75)]
    called = float(((bins["end"] - bins["start"]) * (1 - bins["gap"])).sum())
    library = Library(
        fragments=int(running[-1]),
        coverage=float(f"{bases / max(called, 1.0):.4g}"),
        insert_first_quartile=quartiles[0],
        insert_median=quartiles[1],
        insert_third_quartile=quartiles[2],
        mitochondrial=float(f"{mitochondrial / everywhere:.4g}") if mitochondrial else None,
    )
    return bins[["chrom", "start", "end"]].assign(count=count), library


def conform_counts(bins: pd.DataFrame, table: pd.DataFrame, source: str) -> pd.DataFrame:
    """Bring a table of counts (chrom, start, end, count) onto `bins`; finer bins are summed, missing ones are 0.

    Contigs the layout does not know are left out; 'chr8' and '8' are the same. Raises KaryolotError, naming `source`,
    when a row lies across a bin's edge, lies beyond a contig, or occurs twice, when no contig is known, or when most bins of
    its contigs have no row.
    """
    spans = spans_of(bins)
    known = {contig_key(name): number for number, name in enumerate(spans)}
    written, names = pd.factorize(table["chrom"])
    contig = np.array([known.get(contig_key(name), -1) for name in names])[written]
    if not len(table) or contig.max() < 0:
        raise KaryolotError(f"{source}: no contig of the table is in the reference ({', '.join(list(known)[:4])} ...)")
    starts, ends, counts = (table[name].to_numpy() for name in ("start", "end", "count"))
    owned = {name: np.flatnonzero(contig == number) for number, name in enumerate(spans)}
    if twice := [row for name, rows in owned.items() for row in _second(rows, starts[rows])]:
        row = min(twice)
        name = next(name for name, rows in owned.items() if contig[row] == known[contig_key(name)])
        raise KaryolotError(f"{source}: {name}:{starts[row]} occurs twice")
    count = np.zeros(len(bins), dtype=np.int64)
    wanted, written_bins = np.zeros(len(bins), dtype=bool), np.zeros(len(bins), dtype=bool)
    bin_starts, bin_ends = bins["start"].to_numpy(), bins["end"].to_numpy()
    for name, span in spans.items():
        rows = owned[name]
        start, end = starts[rows], ends[rows]
        places = np.searchsorted(bin_starts[span], start, side="right") - 1
        last = int(bin_ends[span][-1])
        # A writer may give the last bin its full width, beyond the end of the contig.
        wrong = (np.minimum(end, last) > bin_ends[span][places]) | (start >= last)
        if wrong.any():
            first = rows[int(np.flatnonzero(wrong)[0])]
            raise KaryolotError(
                f"{source}: {name}:{starts[first]}-{ends[first]} does not fit into one bin of this run;"
                " set counting.bin_bp to the table's bin width (or a multiple of it), and use the same reference"
            )
        count[span] = np.bincount(places, weights=counts[rows], minlength=span.stop - span.start).astype(np.int64)
        if len(rows):
            wanted[span] = bins["gap"].to_numpy()[span] < MOSTLY
            written_bins[span] = np.bincount(places, minlength=span.stop - span.start) > 0
    missing = int((wanted & ~written_bins).sum())
    if missing > MOSTLY * wanted.sum():
        raise KaryolotError(
            f"{source}: {missing:,} of {int(wanted.sum()):,} bins have no row, and an absent row is not a count of 0;"
            " count every bin of every contig, and write those of 0 too"
        )
    return bins[["chrom", "start", "end"]].assign(count=count)


def _second(rows: NDArray[np.int64], start: NDArray[np.int64]) -> list[int]:
    """The first of the rows whose start an earlier one has, if any."""
    order = np.argsort(start, kind="stable")
    again = order[1:][np.diff(start[order]) == 0]
    return [int(rows[again.min()])] if len(again) else []
