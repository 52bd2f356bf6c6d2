"""Gene sets: planted ones are found, none vanishes, order and spelling do not matter; GSVA against R and its formula.

fgsea is not packaged for Debian, so enrichment is compared with its definition: scores by the formula, normalised scores
by brute force over random sets; p values against sets of genes that hang together and of which nothing changed.
"""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from numpy.typing import NDArray
from scipy.stats import false_discovery_control, norm

import planted_expression
from karyolot.contracts.expression import Components, Enrichment, SetScores
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.record_rna import SetRow
from karyolot.contracts.settings import Pathways
from karyolot.report.expression import _sets
from karyolot.report.rows import record_rows
from karyolot.rna.camera import residuals, set_p_values
from karyolot.rna.components import components
from karyolot.rna.enrichment import enrich, rank_genes
from karyolot.rna.expression import log_by_name
from karyolot.rna.scores import gsva
from planted_expression import PAIR, expression

SETTINGS = Pathways()
SETS = {
    "up": frozenset(f"G{gene:03d}" for gene in range(12)),
    "down": frozenset(f"G{gene:03d}" for gene in range(20, 40)) | {"not measured"},
    "nothing": frozenset(f"G{gene:03d}" for gene in range(100, 300, 10)),
}
AXES = pd.DataFrame({"set_name": list(SETS), "axis": ["A", "B", "C"], "informational": "no"})
CHANGES = dict.fromkeys(range(12), 1.0) | dict.fromkeys(range(20, 40), -1.0)


def contrast(seed: int = 1, genes: int = 600, column: str = "stat") -> pd.DataFrame:
    """A contrast whose sets 'up' and 'down' move by two standard deviations."""
    rng = np.random.default_rng(seed)
    stat = rng.standard_normal(genes)
    for gene, change in CHANGES.items():
        stat[gene] += 2 * change
    ids = [f"G{gene:03d}" for gene in range(genes)]
    table = pd.DataFrame({"gene_id": ids, "gene_name": ids, "base_mean": 100.0})
    return table.reindex(
        columns=["gene_id", "gene_name", "base_mean", "log2fc", "log2fc_se", "stat", "p", "padj"]
    ).assign(**{column: stat})


def independent(genes: int = 600, df: int = 40, seed: int = 3) -> pd.DataFrame:
    """Residuals of genes that are not correlated."""
    rest = np.random.default_rng(seed).standard_normal((genes, df))
    scaled = rest / np.sqrt((rest**2).mean(axis=1, keepdims=True))
    return pd.DataFrame(scaled, [f"G{gene:03d}" for gene in range(genes)])


REST = independent()


def running_score(ranking: pd.DataFrame, genes: frozenset[str]) -> float:
    """The enrichment score as Subramanian 2005 defines it, weight 1."""
    inside = ranking["gene_name"].isin(genes).to_numpy()
    weight = np.abs(ranking["metric"].to_numpy()) * inside
    walk = np.cumsum(weight / weight.sum() - ~inside / (~inside).sum())
    return float(walk[np.abs(walk).argmax()])


def test_planted_sets_are_found_on_their_side() -> None:
    result = Enrichment.validate(enrich(contrast(), SETS, AXES, SETTINGS, REST)).set_index("set_name")
    assert result.loc["up", "nes"] > 1.5
    assert result.loc["down", "nes"] < -1.5
    assert (result.loc[["up", "down"], "padj"] < 1e-3).all()
    assert result.loc["nothing", "padj"] > 0.05
    assert result.loc["down", ["set_size", "used", "axis"]].tolist() == [21, 20, "B"]
    assert list(result.index) == ["down", "nothing", "up"]


@pytest.mark.parametrize("digits", [9, 1])
def test_scores_are_the_published_formula(digits: int) -> None:
    """Also with ties, which are ranked by gene id."""
    table = contrast().assign(stat=lambda frame: frame["stat"].round(digits))
    result = enrich(table, SETS, AXES, SETTINGS, REST).set_index("set_name")
    for name, genes in SETS.items():
        assert result.loc[name, "es"] == pytest.approx(running_score(rank_genes(table), genes), abs=1e-9)


@functools.cache
def null_scores(size: int, draws: int = 20_000) -> NDArray[np.float64]:
    """Scores of random sets of `size` genes on the ranking of `contrast()`: the null hypothesis, as brute force."""
    metric = np.abs(rank_genes(contrast())["metric"].to_numpy())
    rng = np.random.default_rng(5)
    places = np.sort(rng.permuted(np.tile(np.arange(len(metric)), (draws, 1)), axis=1)[:, :size], axis=1)
    hits = np.cumsum(metric[places], axis=1) / metric[places].sum(axis=1, keepdims=True)
    missed = (places - np.arange(size)) / (len(metric) - size)
    peak, valley = (hits - missed).max(axis=1), (np.c_[np.zeros(draws), hits[:, :-1]] - missed).min(axis=1)
    return np.where(peak > -valley, peak, valley)


def test_normalised_scores_are_those_of_brute_force() -> None:
    """Two random drafts differ by their sampling alone: 0.05 in the score. The sets whose genes moved are significant."""
    rng = np.random.default_rng(11)
    genes = contrast()["gene_name"].to_numpy()
    sets = SETS | {f"random {n}": frozenset(rng.choice(genes, 15, replace=False)) for n in range(20)}
    axes = pd.DataFrame({"set_name": list(sets), "axis": "A", "informational": "no"})
    result = enrich(contrast(), sets, axes, SETTINGS, REST).set_index("set_name")
    for name, row in result.iterrows():
        same = null_scores(int(row["used"])) * np.sign(row["es"])
        assert row["nes"] == pytest.approx(row["es"] / same[same > 0].mean(), abs=0.05), name
    assert set(result.index[result["padj"] < 0.05]) == {"up", "down"}


def correlated(factor: float, seed: int, replicates: int = 3, genes: int = 600, size: int = 60) -> AnnData:
    """Replicates of which nothing differs between states, and 10 sets of genes that rise and fall together."""
    rng = np.random.default_rng(seed)
    log2 = np.tile(rng.normal(8, 1, genes), (2 * replicates, 1))
    for number in range(10):
        log2[:, size * number : size * (number + 1)] += factor * rng.standard_normal((2 * replicates, 1))
    counts = rng.poisson(2 ** (log2 + 0.3 * rng.standard_normal(log2.shape)))
    return planted_expression.table(counts, [("D1", s) for s in ("hepatocyte", "lot") for _ in range(replicates)])


def test_a_set_whose_genes_rise_and_fall_together_is_not_significant_for_it() -> None:
    """Random sets of genes as the null give most of such sets an adjusted p below 0.05, though nothing was changed."""
    sets = {f"module {n}": frozenset(f"G{gene:03d}" for gene in range(60 * n, 60 * (n + 1))) for n in range(10)}
    found, naive = 0, 0
    for seed in range(12):
        data = correlated(0.15, seed)
        levels = np.log2(np.asarray(data.layers["counts"], dtype=float) + 1)
        low, high = levels[:3], levels[3:]
        spread = np.sqrt((low.var(axis=0, ddof=1) + high.var(axis=0, ddof=1)) / 3)
        statistic = pd.Series((high.mean(axis=0) - low.mean(axis=0)) / spread, data.var_names)
        rest = residuals(data, "~ state")
        assert rest is not None and rest.shape == (600, 4)
        found += int((false_discovery_control(set_p_values(statistic, rest, sets)) < 0.05).sum())
        alone = pd.DataFrame(np.sqrt(600) * np.eye(600), statistic.index)
        naive += int((false_discovery_control(set_p_values(statistic, alone, sets)) < 0.05).sum())
    assert found <= 2 and naive >= 25


def test_without_replicates_a_set_has_no_p() -> None:
    assert residuals(expression([PAIR[0], PAIR[2]]), "~ state") is None
    result = enrich(contrast(column="log2fc"), SETS, AXES, SETTINGS, None).set_index("set_name")
    assert result[["p", "padj"]].isna().all().all() and result["nes"].notna().all()


def test_residuals_know_cultures_and_the_design() -> None:
    """What differs between lot and donor is not in them, nor what differs between samples of one culture."""
    data = expression(PAIR, dict.fromkeys(range(30), 3.0))
    rest = residuals(data, "~ state")
    assert rest is not None and rest.shape == (300, 2) and np.allclose((rest**2).mean(axis=1), 1)
    data.obs["library"] = ["a", "b", "c", "c"]
    assert residuals(data, "~ state") is None, "one culture of the lot"


def test_the_leading_edge_starts_with_the_strongest() -> None:
    table = contrast()
    result = enrich(table, SETS, AXES, SETTINGS, REST).set_index("set_name")
    stat = table.set_index("gene_name")["stat"]
    for name, sign in (("up", 1), ("down", -1)):
        genes = result.loc[name, "leading_edge"].split(",")
        assert set(genes) <= SETS[name]
        assert len(genes) > 5
        assert (np.diff(sign * stat[genes]) <= 0).all(), "strongest first, from either end of the ranking"
        assert (sign * stat[genes]).iloc[0] == (sign * stat[sorted(SETS[name] & set(stat.index))]).max()


def test_mirrored_statistics_mirror_the_scores() -> None:
    table = contrast()
    one, other = (enrich(table.assign(stat=sign * table["stat"]), SETS, AXES, SETTINGS, REST) for sign in (1, -1))
    assert np.allclose(one["es"], -other["es"], atol=1e-12)
    assert np.allclose(one["nes"], -other["nes"], atol=0.05), "up to the sampling of the null"


def test_ties_and_row_order_do_not_matter() -> None:
    table = contrast().assign(stat=lambda frame: frame["stat"].round(1))
    assert table["stat"].duplicated().mean() > 0.5
    shuffled = table.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(
        enrich(table, SETS, AXES, SETTINGS, REST), enrich(shuffled, SETS, AXES, SETTINGS, REST)
    )


def test_spelling_of_names_does_not_matter() -> None:
    """GSEApy alone would turn C1orf112 into C1ORF112 and cut names at ';'."""
    odd = {"G000": "C1orf112", "G001": "a;b", "G025": "hla-x"}
    table = contrast()
    renamed = table.assign(gene_name=table["gene_name"].replace(odd))
    sets = {name: frozenset(odd.get(gene, gene) for gene in genes) for name, genes in SETS.items()}
    plain, spelled = (enrich(t, s, AXES, SETTINGS, REST) for t, s in ((table, SETS), (renamed, sets)))
    pd.testing.assert_frame_equal(plain.drop(columns="leading_edge"), spelled.drop(columns="leading_edge"))
    assert spelled["leading_edge"][2] == ",".join(odd.get(gene, gene) for gene in plain["leading_edge"][2].split(","))


SMALL = frozenset(["G000", "G001", "G002", "G003", "absent"])


def test_a_set_with_too_few_measured_genes_keeps_its_row() -> None:
    """A thin sample does not stop the report, and the set does not vanish from it. The others stay as they are."""
    axes = pd.concat([AXES, pd.DataFrame([{"set_name": "small", "axis": "D", "informational": "yes"}])])
    result = Enrichment.validate(enrich(contrast(), {**SETS, "small": SMALL}, axes, SETTINGS, REST)).set_index(
        "set_name"
    )
    row = result.loc["small"]
    assert row[["es", "nes", "p", "padj"]].isna().all()
    assert row[["axis", "informational", "set_size", "used", "leading_edge"]].tolist() == ["D", "yes", 5, 4, ""]
    assert row["reason"] == "4 of 5 genes measured, 5 needed"
    alone = enrich(contrast(), SETS, AXES, SETTINGS, REST).set_index("set_name")
    pd.testing.assert_frame_equal(result.drop("small"), alone)
    assert (alone["reason"] == "").all()
    only = Enrichment.validate(enrich(contrast(), {"small": SMALL}, axes, SETTINGS, REST))
    assert only["nes"].isna().tolist() == [True] and only["leading_edge"].tolist() == [""]


def test_the_record_tells_described_axes_from_those_shown_beside() -> None:
    axes = pd.concat([AXES.assign(informational=["no", "yes", "no"]),
                      pd.DataFrame([{"set_name": "small", "axis": "D", "informational": "yes"}])])  # fmt: skip
    rows = {
        row.set_name: row
        for row in record_rows(_sets(enrich(contrast(), {**SETS, "small": SMALL}, axes, SETTINGS, REST)), SetRow)
    }
    assert {name: row.informational for name, row in rows.items()} == {
        "up": False, "down": True, "nothing": False, "small": True,
    }  # fmt: skip
    small = rows["small"]
    assert (small.nes, small.padj, small.leading_edge, small.used) == (None, None, (), 4)
    assert small.reason == "4 of 5 genes measured, 5 needed" and not small.significant(1.0)
    assert rows["up"].significant(0.05) and rows["up"].leading_edge[0] in SETS["up"]


def test_a_set_of_too_many_genes_is_refused() -> None:
    sets = {"large": frozenset(f"G{gene:03d}" for gene in range(501))}
    axes = pd.DataFrame({"set_name": list(sets), "axis": "A", "informational": "no"})
    with pytest.raises(KaryolotError, match="'large': 501 of its 501 genes"):
        enrich(contrast(), sets, axes, SETTINGS, REST)


def test_untested_contrasts_are_ranked_by_fold_change() -> None:
    result = enrich(contrast(column="log2fc"), SETS, AXES, SETTINGS, REST).set_index("set_name")
    assert result.loc["up", "nes"] > 1.5


def test_of_genes_with_one_name_the_strongest_stands_for_it() -> None:
    table = contrast(genes=40)
    twin = table.iloc[[0]].assign(gene_id="H000", base_mean=200.0, stat=-99.0)
    ranking = rank_genes(pd.concat([table, twin], ignore_index=True))
    assert ranking["gene_name"].is_unique
    assert ranking.iloc[-1].tolist() == ["H000", "G000", -99.0]


# GSVA


def table_of_kernel() -> NDArray[np.float64]:
    """R's GSVA looks the normal distribution up in steps of 1/1000, so genes may tie that otherwise would not."""
    return norm.cdf(np.arange(10_001) / 1000)


def reference_gsva(levels: pd.DataFrame, genes: frozenset[str]) -> NDArray[np.float64]:
    """GSVA as published (Haenzelmann 2013, equations 1-5) and as R computes it: of tied genes the first row leads."""
    x = levels.to_numpy()
    width = x.std(axis=1, ddof=1) / 4
    z = (x[:, :, None] - x[:, None, :]) / width[:, None, None]
    steps = np.minimum((np.abs(z) * 1000).astype(int), 10_000)
    tail = table_of_kernel()[steps]
    density = np.where(z < 0, 1 - tail, tail).mean(axis=2)
    density = -np.log((1 - density) / density)
    number = len(x)
    inside = levels.index.isin(genes)
    scores = []
    for sample in range(x.shape[1]):
        order = np.argsort(-density[:, sample], kind="stable")
        weight = np.abs(np.arange(number, 0, -1) - number / 2)
        hit = inside[order]
        walk = np.cumsum(hit * weight) / (hit * weight).sum() - np.cumsum(~hit) / (~hit).sum()
        scores.append(max(walk.max(), 0) + min(walk.min(), 0))
    return np.array(scores)


def scored(samples: Sequence[tuple[str, str]], seed: int = 3, genes: int = 300) -> pd.DataFrame:
    data = expression(samples, CHANGES, genes=genes, seed=seed)
    data.layers["counts"][:, 250:] = 0  # silent genes, which do not vary
    data.layers["counts"][0, 240:250] = 7  # seen in one sample only: they tie exactly
    return data


@pytest.mark.parametrize(("replicates", "tolerance"), [(2, 1e-9), (3, 1e-9), (6, 1e-9)])
def test_gsva_is_the_published_score(replicates: int, tolerance: float) -> None:
    data = scored([PAIR[0]] * replicates + [PAIR[2]] * replicates)
    result = SetScores.validate(gsva(data, SETS, AXES, SETTINGS))
    levels = log_by_name(data)
    levels = levels[np.ptp(levels, axis=1) > 0]
    for name, genes in SETS.items():
        mine = result.loc[result["set_name"] == name, "score"].to_numpy()
        assert np.abs(mine - reference_gsva(levels, genes)).max() < tolerance


REFERENCE = Path(__file__).parents[1] / "reference"


@pytest.mark.parametrize(("samples", "tolerance"), [(3, 1e-3), (4, 1e-5), (6, 1e-9), (12, 1e-9)])
def test_gsva_is_that_of_r(samples: int, tolerance: float) -> None:
    """R 4.2, GSVA 1.46 (tests/reference/gsva.R). Below six samples genes tie more often, and R breaks some of these ties
    by rounding in its C code; 1e-3 is far below what a score means."""
    counts = pd.read_csv(REFERENCE / "gsva.counts.tsv", sep="\t", index_col=0).iloc[:, :samples]
    lines = [line.split("\t") for line in (REFERENCE / "gsva.gmt").read_text().splitlines()]
    sets = {name: frozenset(genes) for name, _, *genes in lines}
    axes = pd.DataFrame({"set_name": list(sets), "axis": "A", "informational": "no"})
    data = planted_expression.table(counts.to_numpy().T, [PAIR[0]] * samples, names=list(counts.index))
    data.obs_names = counts.columns
    expected = pd.read_csv(REFERENCE / "gsva.scores.tsv", sep="\t").query("samples == @samples")
    found = gsva(data, sets, axes, SETTINGS).set_index(["set_name", "sample_id"])["score"]
    assert len(found) == len(expected) == 4 * samples
    assert np.abs(found - expected.set_index(["set_name", "sample_id"])["score"].reindex(found.index)).max() < tolerance


def test_gsva_does_not_depend_on_rows_or_silent_genes() -> None:
    data = scored([PAIR[0]] * 2 + [PAIR[2]] * 2)
    shuffled = data[:, np.random.default_rng(0).permutation(300)].copy()
    audible = data[:, :250].copy()
    expected = gsva(data, SETS, AXES, SETTINGS)
    pd.testing.assert_frame_equal(gsva(shuffled, SETS, AXES, SETTINGS), expected)
    assert len(expected) == 12
    sets = {name: SETS[name] for name in ("up", "down")}
    pd.testing.assert_frame_equal(
        gsva(audible, sets, AXES, SETTINGS), expected[expected["set_name"].isin(sets)].reset_index(drop=True)
    )


def test_gsva_separates_the_states() -> None:
    result = gsva(scored([PAIR[0]] * 3 + [PAIR[2]] * 3), SETS, AXES, SETTINGS)
    wide = result.pivot_table(index="set_name", columns="sample_id", values="score")
    assert wide.loc["up", ["S3", "S4", "S5"]].min() > wide.loc["up", ["S0", "S1", "S2"]].max()
    assert wide.loc["down", ["S3", "S4", "S5"]].max() < wide.loc["down", ["S0", "S1", "S2"]].min()


def test_gsva_of_a_set_with_too_few_varying_genes_is_unknown() -> None:
    data = scored([PAIR[0]] * 3 + [PAIR[2]] * 3)
    axes = pd.concat([AXES, pd.DataFrame([{"set_name": "small", "axis": "D", "informational": "yes"}])])
    result = SetScores.validate(gsva(data, {**SETS, "small": SMALL}, axes, SETTINGS))
    assert result.loc[result["set_name"] == "small", "score"].isna().tolist() == [True] * 6
    assert result["score"].notna().sum() == 18
    assert SetScores.validate(gsva(data, {"small": SMALL}, axes, SETTINGS))["score"].isna().all()


def test_two_samples_are_refused() -> None:
    data = expression([PAIR[0], PAIR[2]])
    with pytest.raises(KaryolotError, match="GSVA needs 3 samples"):
        gsva(data, SETS, AXES, SETTINGS)
    with pytest.raises(KaryolotError, match="components need 3 samples"):
        components(data)


# Principal components


@pytest.mark.parametrize("change", [3.0, -3.0])
def test_components_are_those_of_the_centred_levels(change: float) -> None:
    data = expression([PAIR[0]] * 3 + [PAIR[2]] * 3, dict.fromkeys(range(60), change))
    result = Components.validate(components(data))
    levels = log_by_name(data).to_numpy().T
    _, values, axes = np.linalg.svd(levels - levels.mean(axis=0), full_matrices=False)
    first = result[result["component"] == 1]
    assert np.allclose(np.abs(first["coordinate"]), np.abs((levels - levels.mean(axis=0)) @ axes[0]), atol=1e-6)
    assert first["variance_explained"].iloc[0] == pytest.approx(values[0] ** 2 / (values**2).sum(), rel=1e-6)
    coordinate = np.sign(change) * first.set_index("sample_id")["coordinate"]
    assert coordinate[["S3", "S4", "S5"]].min() > 0 > coordinate[["S0", "S1", "S2"]].max(), "what is up points up"
