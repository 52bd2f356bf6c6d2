"""Gene set enrichment of one contrast: GSEA on the ranked genes (Subramanian 2005, PNAS 102:15545)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from karyolot.contracts.expression import Enrichment, GeneSets
from karyolot.contracts.problems import KaryolotError, quoted
from karyolot.contracts.settings import Pathways
from karyolot.rna.camera import set_p_values

RANDOM_SETS = 10_000
"""Random sets a score is normalised by. With fgsea's 1,000 the NES of one ranking scatters by 0.03 from seed to seed, with
these by 0.01, at 0.1 s a set and 15,000 genes."""


def enrich(
    table: pd.DataFrame, sets: GeneSets, axes: pd.DataFrame, settings: Pathways, rest: pd.DataFrame | None
) -> pd.DataFrame:
    """Contracts.Enrichment of a DifferentialExpression table for the sets of `axes` (SetAxes).

    Scores against random sets of genes, deterministic for a seed. p values by CAMERA, over rest (as of `camera.residuals`):
    random sets take genes for independent, and between livers of different people 28 of 160 sets had an adjusted p < 0.05 by
    them. Without residuals (no replicates) a set has no p. A set with fewer ranked genes than min_size has a row without
    scores. Raises KaryolotError for a set of too many.
    """
    ranking = rank_genes(table)
    measured = measured_genes(sets, ranking["gene_name"], settings)
    used = {name: genes for name, genes in measured.items() if len(genes) >= settings.min_size}
    of_set = axes.set_index("set_name").loc[list(measured)]
    rows = pd.DataFrame(
        {
            "set_name": list(measured),
            "axis": of_set["axis"].to_numpy(),
            "informational": of_set["informational"].to_numpy(),
            "set_size": [len(sets[name]) for name in measured],
            "used": [len(genes) for genes in measured.values()],
            "reason": [
                "" if name in used else f"{len(genes)} of {len(sets[name])} genes measured, {settings.min_size} needed"
                for name, genes in measured.items()
            ],
        }
    )
    scores = _scores(ranking, used, settings).set_index("set_name").reindex(rows["set_name"])
    scores["p"] = np.nan
    if rest is not None and used:
        statistic = ranking.set_index("gene_name")["metric"]
        by_name = rest.reindex(ranking["gene_id"]).set_axis(statistic.index).fillna(0.0)
        scores["p"] = set_p_values(statistic, by_name, used).reindex(scores.index)
    known = scores["p"].notna()
    scores.loc[known, "padj"] = false_discovery_control(scores.loc[known, "p"])
    scores = scores.astype(dict.fromkeys(("es", "nes", "p", "padj"), float)).fillna({"leading_edge": ""})
    table = rows.join(scores, on="set_name").sort_values("set_name", ignore_index=True)
    return table[list(Enrichment.to_schema().columns)]


def _scores(ranking: pd.DataFrame, used: GeneSets, settings: Pathways) -> pd.DataFrame:
    """set_name, es, nes, leading_edge of the sets in `used`, as in Enrichment. ranking: as of `rank_genes`."""
    if not used:
        return pd.DataFrame(columns=["set_name", "es", "nes", "padj", "leading_edge"])
    # Imported only where it is used: it brings matplotlib and takes seconds.
    import gseapy

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
    return pd.DataFrame(
        {
            "set_name": list(used),
            "es": found["ES"].to_numpy(float),
            "nes": found["NES"].to_numpy(float),
            "padj": np.nan,
            "leading_edge": [
                _leading_edge(row["Lead_genes"], row["ES"], tokens, names) for row in found.to_dict("records")
            ],
        }
    )


def rank_genes(table: pd.DataFrame) -> pd.DataFrame:
    """gene_id, gene_name, metric; strongest increase first, ties by gene id, each name once.

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
    return once[["gene_id", "gene_name", column]].rename(columns={column: "metric"})


def measured_genes(sets: GeneSets, genes: pd.Series, settings: Pathways) -> Mapping[str, frozenset[str]]:
    """The genes of each set that are measured, which may be fewer than min_size: a set that is silently dropped reads as a
    pathway that did not move. Raises KaryolotError for more than max_size, which depends on the set and not on the reads."""
    found = frozenset(genes)
    measured = {name: members & found for name, members in sets.items()}
    for name, members in measured.items():
        if len(members) > settings.max_size:
            raise KaryolotError(
                f"gene set {quoted(name)}: {len(members)} of its {len(sets[name])} genes are measured, at most"
                f" {settings.max_size} are scored; take it out of pathways.axes, or raise pathways.max_size"
            )
    return measured


def _leading_edge(joined: str, score: float, tokens: Mapping[str, str], names: Mapping[str, str]) -> str:
    """Gene names, strongest first: from the top of the ranking for a positive score, from its end for a negative."""
    genes = [names[token] for token in str(joined).split(";")]
    return ",".join(sorted(genes, key=lambda gene: int(tokens[gene][1:]), reverse=bool(np.signbit(score))))
