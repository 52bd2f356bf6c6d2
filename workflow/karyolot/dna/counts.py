"""Fragments per bin: from midpoints of alignments, or from a table somebody else counted."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.problems import KaryolotError
from karyolot.dna.bins import contig_key


def count_midpoints(bins: pd.DataFrame, midpoints: dict[str, NDArray[np.int64]]) -> pd.DataFrame:
    """Contract Counts on `bins` (contract Bins); midpoints: 0-based positions per contig, in any order."""
    count = np.zeros(len(bins), dtype=np.int64)
    for contig, part in bins.groupby("chrom", sort=False):
        places = np.searchsorted(part["start"].to_numpy(), midpoints[str(contig)], side="right") - 1
        inside = midpoints[str(contig)] < part["end"].to_numpy()[np.maximum(places, 0)]
        count[part.index] = np.bincount(places[(places >= 0) & inside], minlength=len(part))
    return bins[["chrom", "start", "end"]].assign(count=count)


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
