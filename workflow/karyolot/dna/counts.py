"""Fragments per bin: from alignments, or from a table somebody else counted."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from karyolot.contracts.contigs import contig_key
from karyolot.contracts.copy_number import Fragments, Library
from karyolot.contracts.problems import KaryolotError

MITOCHONDRION = {"M", "MT"}
LONGEST = 100_000
"""Fragments longer than this count as this long in the quartiles; aligners pair properly up to a few thousand bases."""


def count_fragments(bins: pd.DataFrame, pieces: Iterable[Fragments]) -> tuple[pd.DataFrame, Library]:
    """Contract Counts on `bins` (contract Bins), and what the fragments say of the library; each at its midpoint.

    Raises
    ------
    KaryolotError
        When none lies on a contig of the bins.
    """
    count = np.zeros(len(bins), dtype=np.int64)
    lengths = np.zeros(LONGEST + 1, dtype=np.int64)
    parts = {str(contig): part for contig, part in bins.groupby("chrom", sort=False)}
    edges = {contig: (part["start"].to_numpy(), part["end"].to_numpy()) for contig, part in parts.items()}
    bases = mitochondrial = everywhere = 0
    for piece in pieces:
        everywhere += len(piece.start)
        mitochondrial += len(piece.start) * (contig_key(piece.contig) in MITOCHONDRION)
        if piece.contig in parts:
            start, end = edges[piece.contig]
            middle = piece.start + piece.length // 2
            places = np.searchsorted(start, middle, side="right") - 1
            inside = (places >= 0) & (middle < end[np.maximum(places, 0)])
            first = int(parts[piece.contig].index[0])
            count[first : first + len(start)] += np.bincount(places[inside], minlength=len(start))
            lengths += np.bincount(np.minimum(piece.length, LONGEST), minlength=LONGEST + 1)
            bases += 2 * piece.left_bases
    if not lengths.any():
        raise KaryolotError(f"no fragment lies on a contig of the bins ({', '.join(list(parts)[:4])} ...)")
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
    when a row lies across a bin's edge, lies beyond a contig, or stands twice, or when no contig is known.
    """
    contigs = {contig_key(name): name for name in bins["chrom"].unique()}
    known = table.assign(chrom=table["chrom"].map(contig_key).map(contigs))
    known = known[known["chrom"].notna()]
    if known.empty:
        raise KaryolotError(
            f"{source}: no contig of the table is in the reference ({', '.join(list(contigs)[:4])} ...)"
        )
    if known.duplicated(["chrom", "start"]).any():
        row = known[known.duplicated(["chrom", "start"])].iloc[0]
        raise KaryolotError(f"{source}: {row['chrom']}:{row['start']} stands twice")
    count = np.zeros(len(bins), dtype=np.int64)
    for contig, part in bins.groupby("chrom", sort=False):
        own = known[known["chrom"] == contig]
        start, end = own["start"].to_numpy(), own["end"].to_numpy()
        places = np.searchsorted(part["start"].to_numpy(), start, side="right") - 1
        last = int(part["end"].iloc[-1])
        # A writer may give the last bin its full width, beyond the end of the contig.
        wrong = (np.minimum(end, last) > part["end"].to_numpy()[places]) | (start >= last)
        if wrong.any():
            first = own.iloc[int(np.flatnonzero(wrong)[0])]
            raise KaryolotError(
                f"{source}: {first['chrom']}:{first['start']}-{first['end']} does not fit into one bin of this run;"
                " set counting.bin_bp to the table's bin width (or a multiple of it), and use the same reference"
            )
        count[part.index] = np.bincount(places, weights=own["count"].to_numpy(), minlength=len(part)).astype(np.int64)
    return bins[["chrom", "start", "end"]].assign(count=count)
