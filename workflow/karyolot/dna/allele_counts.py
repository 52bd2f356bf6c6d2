"""Imported reads per allele, brought onto the sites and the contigs of this run."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from karyolot.contracts.alleles import BASES, COUNTS
from karyolot.contracts.contigs import contig_key
from karyolot.contracts.problems import KaryolotError


def conform_alleles(
    columns: Mapping[str, Sequence[Any]], bins: pd.DataFrame, panels: Sequence[pd.DataFrame], source: str
) -> pd.DataFrame:
    """Allele counts of one sample as `count_alleles` would have made them.

    Parameters
    ----------
    columns
        chrom, start (from 0), ref, alt, ref_count, alt_count, other_count, in any order and spelling of contigs.
    bins
        Schema Bins: the contigs, their order and which are autosomes.
    panels
        Schema Sites, at most one. With it the result has its sites, frequencies and alleles (also where the table has the
        two alleles the other way round), and 0 reads where the table has no row.
    source
        Name of the table.

    Returns
    -------
    DataFrame
        Schema AlleleCounts. Without a panel: every site of the table on an autosome, no frequency (null). Positions that
        the table gives twice are left out.

    Raises
    ------
    KaryolotError
        When no site is left.
    """
    autosomes = bins.loc[bins["region"] == "autosome", "chrom"].unique()
    names = {contig_key(name): name for name in autosomes}
    table = pd.DataFrame(columns)
    table["chrom"] = table["chrom"].map(contig_key).map(names)
    table = table[table["chrom"].notna()].drop_duplicates(["chrom", "start"], keep=False)
    if panels:
        placed = _on_panel(table, panels[0])
    else:
        order = table["chrom"].map({name: place for place, name in enumerate(autosomes)})
        placed = table.assign(order=order).sort_values(["order", "start"]).drop(columns="order")
        placed = placed[placed["ref"].isin(BASES) & placed["alt"].isin(BASES)].reset_index(drop=True)
        placed.insert(2, "end", placed["start"] + 1)
        placed.insert(5, "frequency", np.nan)
    if not placed[COUNTS].to_numpy().sum():
        where = "at a site of the panel (identity.sites)" if panels else "on an autosome of the reference"
        raise KaryolotError(f"{source}: holds no read {where}; count the alleles over this genome")
    return placed.astype(
        dict.fromkeys(["start", "end", *COUNTS], "int64") | dict.fromkeys(["chrom", "ref", "alt"], str)
    )


def _on_panel(table: pd.DataFrame, panel: pd.DataFrame) -> pd.DataFrame:
    own = panel.merge(table, on=["chrom", "start"], how="left", suffixes=("", "_given"))
    as_given = (own["ref"] == own["ref_given"]) & (own["alt"] == own["alt_given"])
    turned = (own["ref"] == own["alt_given"]) & (own["alt"] == own["ref_given"])
    ref, alt, other = (own[name].fillna(0).to_numpy() for name in COUNTS)
    counts = {
        "ref_count": np.where(as_given, ref, np.where(turned, alt, 0)),
        "alt_count": np.where(as_given, alt, np.where(turned, ref, 0)),
        "other_count": np.where(as_given | turned, other, 0),
    }
    return panel.assign(**counts)
