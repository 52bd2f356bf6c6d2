"""Read depths of the genes searched for small variants."""

import pandas as pd

from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import PathLike, open_text


def read_depths(path: PathLike) -> pd.DataFrame:
    """Schema GeneDepths from `samtools bedcov`: the columns of the user's BED, then the sums of depth of lot and donor."""
    rows = []
    with open_text(path) as handle:
        for fields in (line.rstrip("\n").split("\t") for line in handle):
            start, end = int(fields[1]), int(fields[2])
            gene = fields[3] if len(fields) > 5 else f"{fields[0]}:{start + 1}-{end}"
            rows.append((fields[0], start, end, gene, *(int(total) / (end - start) for total in fields[-2:])))
    if not rows:
        raise KaryolotError(f"{path}: the gene list contains no region of this genome")
    return pd.DataFrame(rows, columns=["chrom", "start", "end", "gene", "lot_depth", "donor_depth"])
