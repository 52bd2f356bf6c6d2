"""Gene set enrichment of one contrast: GSEA on the ranked genes (Subramanian 2005, PNAS 102:15545)."""

from collections.abc import Mapping

import gseapy
import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from karyolot.contracts.expression import GeneSets
from karyolot.contracts.problems import KaryolotError, quoted
from karyolot.contracts.settings import Pathways

RANDOM_SETS = 10_000
"""Random sets a score is normalised by. With fgsea's 1,000 the NES of one ranking scatters by 0.03 from seed to seed, with
these by 0.01, at 0.1 s a set and 15,000 genes."""


def enrich(table: pd.DataFrame, sets: GeneSets, axes: pd.DataFrame, settings: Pathways) -> pd.DataFrame:
    """Contracts.Enrichment of a DifferentialExpression table for the sets of `axes` (SetAxes).

    p values by fgsea's multilevel method (Korotkevich 2021, bioRxiv 060012), which is deterministic for a seed. Raises
    KaryolotError for a set that too few or too many of the ranked genes belong to.
    """
    ranking = rank_genes(table)
    used = usable_sets(sets, ranking["gene_name"], settings)
    # GSEApy changes the case of names it knows only some of, and joins them by ';': numbers stand in for the names.
    tokens = {name: f"G{place}" for place, name in enumerate(ranking["gene_name"])}
    names = {token: name for name, token in tokens.items()}
    result = gseapy.prerank(
        rnk=pd.DataFrame({"gene": list(names), "metric": ranking["metric"].to_numpy()}),
        gene_sets={name: [tokens[gene] for gene in sorted(genes)] for name, genes in used.items()},
        method="multilevel",
        min_size=1,  # sizes are checked above, where a set cannot vanish unseen
        max_size=len(ranking),
        ascending=None,  # already ranked, ties in a fixed order
        threads=1,
        permutation_num=RANDOM_SETS,
        seed=settings.seed,
        outdir=None,
        no_plot=True,
    ).res2d.set_index("Term")
    found = result.loc[list(used)]
    p = found["NOM p-val"].to_numpy(float)
    enrichment = pd.DataFrame(
        {
            "set_name": list(used),
            "axis": axes.set_index("set_name").loc[list(used), "axis"].to_numpy(),
            "set_size": [len(sets[name]) for name in used],
            "used": [len(genes) for genes in used.values()],
            "es": found["ES"].to_numpy(float),
            "nes": found["NES"].to_numpy(float),
            "p": p,
            "padj": false_discovery_control(p),
            "leading_edge": [
                _leading_edge(row["Lead_genes"], row["ES"], tokens, names) for row in found.to_dict("records")
            ],
        }
    )
    return enrichment.sort_values("set_name", ignore_index=True)


def rank_genes(table: pd.DataFrame) -> pd.DataFrame:
    """gene_name, metric; strongest increase first, ties by gene id, each name once.

    metric: the Wald statistic; the log2 fold change where nothing was tested. The fold change of a weakly expressed
    gene is mostly noise and ranks high all the same, so such an enrichment is a hint. Of genes sharing a name the one
    with the highest mean stands for it.
    """
    column = "stat" if table["stat"].notna().any() else "log2fc"
    falling = [False, True]
    known = table.dropna(subset=[column]).sort_values(["base_mean", "gene_id"], ascending=falling)
    once = known.drop_duplicates("gene_name").sort_values([column, "gene_id"], ascending=falling, ignore_index=True)
    if len(once) < 2:
        raise KaryolotError("fewer than two genes have a fold change; check the species and the depth of the samples")
    return once[["gene_name", column]].rename(columns={column: "metric"})


def usable_sets(sets: GeneSets, genes: pd.Series, settings: Pathways) -> Mapping[str, frozenset[str]]:
    """The genes of each set that are measured. Raises KaryolotError if one leaves min_size..max_size: a set that is
    silently dropped reads as a pathway that did not move."""
    measured = frozenset(genes)
    used = {name: members & measured for name, members in sets.items()}
    for name, members in used.items():
        if not settings.min_size <= len(members) <= settings.max_size:
            raise KaryolotError(
                f"gene set {quoted(name)}: {len(members)} of its {len(sets[name])} genes are measured, allowed are"
                f" {settings.min_size} to {settings.max_size}; take it out of pathways.axes, or change"
                " pathways.min_size or pathways.max_size"
            )
    return used


def _leading_edge(joined: str, score: float, tokens: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Gene names, strongest first: from the top of the ranking for a positive score, from its end for a negative."""
    genes = [names[token] for token in str(joined).split(";")]
    return ",".join(sorted(genes, key=lambda gene: int(tokens[gene][1:]), reverse=bool(np.signbit(score))))
