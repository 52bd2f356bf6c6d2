"""A lot on its own: limits keep their error rate, a panel stays what it was, and a bad lot is found by it."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData, concat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.stats import norm, ttest_ind

import planted_records
from karyolot.commands.freeze import freeze_panel
from karyolot.contracts.criteria import Acceptance, LotOutcome, check_metrics
from karyolot.contracts.expression import (
    Components,
    DifferentialExpression,
    ExpressionResults,
    MarkerPanel,
    Markers,
    PanelComparison,
    PanelResults,
)
from karyolot.contracts.metrics import metrics_of
from karyolot.contracts.panel import FULL_LOTS, MIN_LOTS, Judged, Panel, tier
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.record import LotFacts, Record
from karyolot.contracts.settings import Config, Expression
from karyolot.contracts.sheets import Donor, Lot, Sample, Study
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.io.expression import read_expression, write_expression
from karyolot.io.files import write_json, write_model
from karyolot.io.panel import read_panel, write_panel
from karyolot.io.record import write_report
from karyolot.io.tables import write_table
from karyolot.plan import files
from karyolot.report import study_text
from karyolot.report.expression import expression_record
from karyolot.report.figures.expression import dumbbells
from karyolot.report.figures.samples import PLOT, dots
from karyolot.report.render import environment, panel_modules
from karyolot.report.study import study_expression
from karyolot.report.text import expression as said
from karyolot.rna.components import components
from karyolot.rna.differential import differential
from karyolot.rna.markers import tabulate
from karyolot.rna.newlot import newlot
from karyolot.rna.panel import (
    annotation_digest,
    compare,
    freeze,
    holm,
    panel_metrics,
    prediction_factor,
    tolerance_factor,
    typical_changes,
)
from karyolot.rna.similarity import sample_distances
from karyolot.rna.singscore import singscore
from karyolot.verdict.decide import decide
from planted_expression import with_facts

ROOT = Path(__file__).parents[2]
LIVER = {"CYP3A4": 4000, "UGT1A9": 1500, "FAH": 2000, "ALB": 30_000}
PROGENITOR = {"KRT19": 20, "EPCAM": 15, "CCL2": 60, "SOX9": 30, "TGFB1": 80}
REPAIR = {"HGF": 30, "MMP1": 10, "MMP3": 8}
OTHERS = 300
MARKERS = MarkerPanel.validate(
    pd.DataFrame(
        [
            *[(gene, "mature hepatocyte", "down", "atlas of the liver") for gene in LIVER],
            *[(gene, "progenitor", "up", "atlas of ducts") for gene in PROGENITOR],
            *[(gene, "secreted and matrix", "up", "secretome") for gene in REPAIR],
            ("ALB", "identity", "detected", "atlas of the liver"),
            ("NANOG", "pluripotency", "report", "atlas of embryos"),
        ],
        columns=["gene_name", "group", "expected", "source"],
    ).assign(reason="test")
)
"""NANOG is not annotated below."""
MODULES = ("maturity", "progenitor", "potency")


def planted(
    lot: str,
    donor: str,
    off: Mapping[str, float] | None = None,
    shift: Mapping[str, float] | None = None,
    replicates: tuple[int, int] = (1, 1),
    lot_sd: float = 0.3,
    donor_sd: float = 0.5,
) -> AnnData:
    """A lot and its donor. Liver genes fall by 4, progenitor and repair genes rise by 4 log2 units.

    off: gene -> log2 units by which this lot misses that. shift: module group, same for its genes: LIVER.. by name of
    the first gene. lot_sd: of log2 differences between lots per gene; donor_sd between donors.
    """
    names = [*LIVER, *PROGENITOR, *REPAIR, *(f"other{number}" for number in range(OTHERS))]
    base = np.array([*LIVER.values(), *PROGENITOR.values(), *REPAIR.values(),
                     *np.random.default_rng(5).lognormal(4, 1.5, OTHERS)])  # fmt: skip
    base[-20:] = 0.02  # never detected: not in the universe
    change = np.r_[np.full(len(LIVER), -4.0), np.full(len(PROGENITOR) + len(REPAIR), 4.0), np.zeros(OTHERS)]
    change += [(off or {}).get(name, 0.0) for name in names]
    person = donor_sd * np.random.default_rng([1, *donor.encode()]).standard_normal(len(names))
    own = lot_sd * np.random.default_rng([2, *lot.encode()]).standard_normal(len(names))
    noise = np.random.default_rng([3, *lot.encode()])
    states = ["hepatocyte"] * replicates[0] + ["lot"] * replicates[1]
    tpm = np.array([base * 2 ** (person + (state == "lot") * (change + own)) for state in states])
    tpm = np.array([row * noise.gamma(200, 1 / 200, len(names)) for row in tpm])
    samples = [f"{donor}-{n}" for n in range(replicates[0])] + [f"{lot}-{n}" for n in range(replicates[1])]
    data = AnnData(
        obs=pd.DataFrame(
            {"donor": donor, "lot": ["" if state == "hepatocyte" else lot for state in states], "state": states},
            index=pd.Index(samples, name="sample_id"),
        ),
        var=pd.DataFrame(
            {"gene_name": names}, index=pd.Index([f"G{n:03d}" for n in range(len(names))], name="gene_id")
        ),
        layers={"counts": np.rint(10 * tpm).astype(np.int64), "tpm": tpm, "length": np.full(tpm.shape, 1000.0)},
    )
    return with_facts(data)


def accepted(lots: int) -> dict[str, AnnData]:
    return {f"L{n:02d}": planted(f"L{n:02d}", f"D{n:02d}") for n in range(lots)}


def frozen(
    lots: Mapping[str, AnnData],
    markers: pd.DataFrame,
    version: str,
    made_with: Mapping[str, str],
    outcomes: Mapping[str, LotOutcome] | None = None,
    reason: str = "",
) -> Panel:
    """The panel of lots that passed, but those of `outcomes`."""
    verdicts = {name: Judged((outcomes or {}).get(name, "PASS"), "3fe2a1c09b7d") for name in lots}
    return freeze(lots, markers, version, made_with, verdicts, reason)


@cache
def panel_of(lots: int) -> Panel:
    return frozen(accepted(lots), MARKERS, "1.0", {"karyolot": "test"})


def judged(expression: AnnData, panel: Panel) -> tuple[Any, pd.DataFrame]:
    facts, table = compare(expression, panel)
    return check_metrics(panel_metrics(facts, table)), PanelComparison.validate(table)


# Statistics


TABLE = {  # lots: K(95/90), false alarms of the tolerance bound, power of the prediction limit at 2, 3, 4 SD
    3: (6.16, 0.016, (0.32, 0.52, 0.71)),
    5: (3.41, 0.018, (0.45, 0.73, 0.91)),
    6: (3.01, 0.019, (0.48, 0.77, 0.93)),
    10: (2.35, 0.026, (0.55, 0.84, 0.97)),
    20: (1.93, 0.038, (0.59, 0.88, 0.98)),
    30: (1.78, 0.046, (0.61, 0.89, 0.99)),
}


@pytest.mark.parametrize(("lots", "bound", "alarms", "power"), [(k, *row) for k, row in TABLE.items()])
def test_limits_keep_their_error_rates(lots: int, bound: float, alarms: float, power: Sequence[float]) -> None:
    """200,000 panels and one new lot each, of one normal population: 5 % +- 0.5 beyond the prediction limit."""
    rng = np.random.default_rng(lots)
    draws = rng.standard_normal((200_000, lots + 1))
    mean, sd = draws[:, 1:].mean(axis=1), draws[:, 1:].std(axis=1, ddof=1)
    limit = mean - prediction_factor(lots) * sd
    assert (draws[:, 0] < limit).mean() == pytest.approx(0.05, abs=0.005)
    for off, found in zip((2, 3, 4), power, strict=True):
        assert (draws[:, 0] - off < limit).mean() == pytest.approx(found, abs=0.011)
    assert tolerance_factor(lots) == pytest.approx(bound, abs=0.0051)
    tolerance = mean - tolerance_factor(lots) * sd
    assert (draws[:, 0] < tolerance).mean() == pytest.approx(alarms, abs=0.0015)
    content = norm.sf(tolerance)
    assert (content >= 0.90).mean() == pytest.approx(0.95, abs=0.005), "95 % confidence that 90 % are kept"


def test_the_naive_limit_would_not_keep_it() -> None:
    draws = np.random.default_rng(1).standard_normal((200_000, 6))
    naive = draws[:, 1:].mean(axis=1) - 1.645 * draws[:, 1:].std(axis=1, ddof=1)
    assert (draws[:, 0] < naive).mean() == pytest.approx(0.104, abs=0.003)


@given(st.integers(2, 60))
def test_limits_tighten_with_lots(lots: int) -> None:
    assert prediction_factor(lots + 1) < prediction_factor(lots)
    assert tolerance_factor(lots + 1) < tolerance_factor(lots)
    assert prediction_factor(lots) > norm.ppf(0.95)
    assert tolerance_factor(lots) > norm.ppf(0.90)


def test_holm_by_hand() -> None:
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])).tolist() == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.5, np.nan, 0.9]))[[0, 2]].tolist() == [1.0, 1.0]
    assert np.isnan(holm(np.array([0.5, np.nan]))[1])
    assert holm(np.array([])).tolist() == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.randoms())
def test_holm_keeps_order_and_never_lowers(p: list[float], random: Any) -> None:
    values = np.array(p)
    adjusted = holm(values)
    assert (adjusted >= values).all() and (adjusted <= 1).all()
    assert adjusted.min() == pytest.approx(min(1, values.min() * len(values)))
    order = np.array(random.sample(range(len(p)), len(p)))
    assert holm(values[order]).tolist() == adjusted[order].tolist()


def test_tiers() -> None:
    names = {lots: tier(lots) for lots in (1, MIN_LOTS - 1, MIN_LOTS, FULL_LOTS - 1, FULL_LOTS)}
    assert list(names.values()) == ["too few", "too few", "provisional", "provisional", "full"]


# Freezing


def test_a_panel_holds_what_a_later_lot_is_compared_with() -> None:
    panel = panel_of(6)
    assert [lot.lot_id for lot in panel.lots] == [f"L{n:02d}" for n in range(6)]
    assert len(panel.gene_ids) == len(LIVER) + len(PROGENITOR) + len(REPAIR) + OTHERS - 20
    assert panel.annotation_genes == len(panel.gene_ids) + 20
    assert {module.name: module.gene_names for module in panel.modules} == {
        "maturity": tuple(LIVER), "progenitor": tuple(PROGENITOR), "potency": tuple(REPAIR)
    }  # fmt: skip
    assert [module.source for module in panel.modules] == ["atlas of the liver", "atlas of ducts", "secretome"]
    assert set(panel.lots[0].markers) == {*LIVER, *PROGENITOR, *REPAIR}
    data = accepted(6)["L03"]
    tpm = pd.DataFrame(data.layers["tpm"], columns=data.var_names)[list(panel.gene_ids)]
    lot, donor = (singscore(tpm.loc[row].to_numpy(), panel.gene_ids, panel.modules[0].gene_ids) for row in (1, 0))
    assert panel.lots[3].modules["maturity"].difference == pytest.approx(lot - donor, abs=1e-12)
    assert panel.lots[3].markers["ALB"].difference == pytest.approx(
        np.log2((tpm.loc[1, "G003"] + 1) / (tpm.loc[0, "G003"] + 1)), abs=1e-12
    )
    assert Panel.model_validate_json(panel.model_dump_json()).digest() == panel.sha256


def test_replicates_are_averaged_first_and_never_counted() -> None:
    data = planted("L1", "D1", replicates=(2, 3))
    panel = frozen({"L1": data}, MARKERS, "1", {})
    scores = [
        singscore(row, panel.gene_ids, panel.modules[1].gene_ids) for row in data[:, list(panel.gene_ids)].layers["tpm"]
    ]
    assert panel.lots[0].modules["progenitor"].donor == pytest.approx(np.mean(scores[:2]), abs=1e-12)
    assert panel.lots[0].modules["progenitor"].lot == pytest.approx(np.mean(scores[2:]), abs=1e-12)
    assert (panel.donors[0].replicates, panel.lots[0].replicates) == (2, 3)
    assert panel.lots[0].counts[0] == data.layers["counts"][2:, 0].sum()
    facts, _ = compare(planted("L2", "D2"), panel)
    assert facts.lots == 1


def test_order_of_lots_samples_and_genes_does_not_matter() -> None:
    lots = accepted(3)
    turned = {name: lots[name][::-1, ::-1].copy() for name in reversed(lots)}
    assert frozen(turned, MARKERS, "1.0", {"karyolot": "test"}) == frozen(lots, MARKERS, "1.0", {"karyolot": "test"})


def test_of_genes_of_one_name_the_strongest_stands_in_the_module() -> None:
    lots = accepted(2)
    for data in lots.values():
        data.var["gene_name"] = data.var["gene_name"].replace("other299", "HGF")
    assert dict(zip(panel_of(2).modules[2].gene_names, panel_of(2).modules[2].gene_ids, strict=True))["HGF"] == "G009"
    assert frozen(lots, MARKERS, "1", {}).modules[2].gene_ids[0] == "G009"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[data.obs["state"] == "lot"].copy(), "no RNA of its donor's hepatocytes"),
        (lambda data: data[data.obs["state"] != "lot"].copy(), "holds no sample of it"),
        (lambda data: data[:, 1:].copy(), "another annotation than L00"),
        (
            lambda data: AnnData(obs=data.obs, var=data.var.replace("FAH", "FAH2"), layers=data.layers),
            "another annotation",
        ),
        (lambda data: AnnData(obs=data.obs, var=data.var, layers={"counts": data.layers["counts"]}), "gene lengths"),
    ],
)
def test_what_cannot_be_frozen(damage: Any, words: str) -> None:
    lots = accepted(3)
    lots["L02"] = damage(lots["L02"])
    with pytest.raises(KaryolotError, match=words):
        frozen(lots, MARKERS, "1", {})


def test_a_module_is_whole_or_refused() -> None:
    lots = accepted(2)
    for data in lots.values():
        data.var["gene_name"] = data.var["gene_name"].replace("SOX9", "SOX9P1")
    with pytest.raises(KaryolotError, match="module progenitor needs SOX9"):
        frozen(lots, MARKERS, "1", {})
    with pytest.raises(KaryolotError, match="no gene 'up' in the group 'progenitor'"):
        frozen(accepted(2), MARKERS[MARKERS["group"] != "progenitor"], "1", {})
    with pytest.raises(KaryolotError, match="one lot or more"):
        frozen({}, MARKERS, "1", {})


# A lot against the panel


def test_a_lot_like_the_others_is_inside() -> None:
    metrics, table = judged(planted("N1", "D99"), panel_of(12))
    assert [metrics[f"rna.panel_{name}"].value > 0 for name in MODULES] == [True, True, True]
    assert table["kind"].tolist() == ["module"] * 3 + ["marker"] * 12
    assert "12 lots of 12 donors (panel 1.0)" in metrics["rna.panel_maturity"].detail
    assert "provisional" not in metrics["rna.panel_maturity"].detail
    assert (table["p_holm"].dropna() > 0.05).all()


@pytest.mark.parametrize(
    ("genes", "off", "broken"),
    [(LIVER, 4.0, "maturity"), (PROGENITOR, -4.0, "progenitor"), (REPAIR, -4.0, "potency")],
)
def test_a_lot_that_was_not_reprogrammed_is_beyond(genes: Mapping[str, float], off: float, broken: str) -> None:
    metrics, table = judged(planted("N1", "D99", dict.fromkeys(genes, off)), panel_of(12))
    assert [name for name in MODULES if metrics[f"rna.panel_{name}"].value < 0] == [broken]
    assert "this one is not" in metrics[f"rna.panel_{broken}"].detail
    found = table[table["p_holm"] < 0.05]["name"]
    assert set(found) == set(genes)


def test_more_of_the_good_is_not_bad() -> None:
    metrics, _ = judged(planted("N1", "D99", dict.fromkeys(PROGENITOR, 3.0) | dict.fromkeys(LIVER, -3.0)), panel_of(12))
    assert metrics["rna.panel_progenitor"].value > 0 and metrics["rna.panel_maturity"].value > 0


def test_limits_are_those_of_the_formula() -> None:
    panel = panel_of(7)
    _, table = judged(planted("N1", "D99"), panel)
    row = table.set_index("name").loc["maturity"]
    values = np.array([lot.modules["maturity"].difference for lot in panel.lots])
    mean, sd = values.mean(), values.std(ddof=1)
    assert row["prediction_high"] == pytest.approx(mean + 1.943180 * sd * np.sqrt(8 / 7), rel=1e-6)
    assert row["tolerance_high"] == pytest.approx(mean + 2.755 * sd, rel=1e-3)  # ISO 16269-6, n = 7
    assert pd.isna(row["prediction_low"]) and pd.isna(row["tolerance_low"])
    assert row["margin"] == pytest.approx((row["prediction_high"] - row["difference"]) / sd)
    low = table.set_index("name").loc["progenitor"]
    assert pd.isna(low["prediction_high"]) and low["prediction_low"] < low["panel_mean"]
    marker = table.set_index("name").loc["FAH"]
    known = np.array([lot.markers["FAH"].difference for lot in panel.lots])
    assert marker["p"] == pytest.approx(ttest_ind([marker["difference"]], known).pvalue), "t of one against seven"


@pytest.mark.parametrize(
    ("lots", "word"), [(1, None), (4, None), (5, "provisional, 5 lots"), (9, "provisional, 9 lots")]
)
def test_small_panels_give_no_limits_or_provisional_ones(lots: int, word: str | None) -> None:
    metrics, table = judged(planted("N1", "D99"), panel_of(lots))
    metric = metrics["rna.panel_progenitor"]
    if word is None:
        assert metric.value is None
        assert metric.reason == f"panel 1.0 has {lots} lot{'s' * (lots > 1)}, and limits need 5"
        assert table[["prediction_low", "prediction_high", "margin", "p"]].isna().all(axis=None)
        assert table["difference"].notna().all()
    else:
        assert metric.detail.startswith(word)


def test_a_lot_of_the_panel_is_left_out_and_it_is_said() -> None:
    own = accepted(6)["L02"]
    facts, table = compare(own, panel_of(6))
    assert (facts.lots, facts.donors, facts.left_out) == (5, 5, True)
    without = frozen({name: data for name, data in accepted(6).items() if name != "L02"}, MARKERS, "1.0", {})
    assert without.gene_ids == panel_of(6).gene_ids
    pd.testing.assert_frame_equal(table, compare(own, without)[1])
    facts, table = compare(accepted(5)["L02"], panel_of(5))
    assert (
        panel_metrics(facts, table)["rna.panel_potency"].reason
        == "panel 1.0 has 4 lots without this one, and limits need 5"
    )


def test_another_annotation_is_refused() -> None:
    data = planted("N1", "D99")
    data.var["gene_name"] = data.var["gene_name"].replace("other7", "other7b")
    for step in (lambda: compare(data, panel_of(6)), lambda: newlot(data, panel_of(6))):
        with pytest.raises(KaryolotError, match="frozen with another annotation"):
            step()


def test_without_lengths_it_is_unknown() -> None:
    data = planted("N1", "D99")
    del data.layers["tpm"], data.layers["length"]
    metrics, table = judged(data, panel_of(6))
    assert metrics["rna.panel_maturity"].asked and "lengths of some genes" in metrics["rna.panel_maturity"].reason
    assert table["panel_mean"].notna().all()


def test_a_gene_without_a_length_leaves_only_itself_unknown() -> None:
    """Of a marker its own level; of a gene of the panel's universe all scores, which rank its genes together."""
    panel, data = panel_of(6), accepted(1)["L00"].copy()
    outside = [name for name in data.var_names if name not in panel.gene_ids]
    for gene, known in ((outside[0], True), (panel.gene_ids[0], False)):
        data.layers["tpm"][:, data.var_names.get_loc(gene)] = np.nan
        _, table = compare(data, panel)
        assert table.loc[table["kind"] == "module", "difference"].notna().all() == known


def test_lots_that_do_not_differ_give_no_limit() -> None:
    lots = {f"L{n}": planted("L", "D", lot_sd=0) for n in range(6)}
    for name, data in lots.items():
        data.obs["lot"] = data.obs["lot"].replace("L", name)
        data.obs["donor"] = name
    metrics, _ = judged(planted("N1", "D99"), frozen(lots, MARKERS, "1", {}))
    assert metrics["rna.panel_maturity"].reason == "the lots of panel 1 do not differ, so there is no limit"


def test_without_a_panel_it_is_said() -> None:
    verdict = decide("N1", {}, read_yaml(ROOT / "resources" / "acceptance.yaml", Acceptance), 5, 0.95)
    said = [result.explanation for result in verdict.criteria if result.metric in metrics_of("panel")]
    assert said and all(words.startswith("no panel is given (expression.panel)") for words in said)


@given(st.integers(0, 10_000))
def test_only_the_order_of_genes_within_a_sample_counts(seed: int) -> None:
    """Depth or a monotone change of scale moves no module."""
    data = planted("N1", "D99")
    scaled = data.copy()
    scaled.layers["tpm"] = data.layers["tpm"] ** np.random.default_rng(seed).uniform(0.5, 2) * 3
    first, second = (compare(each, panel_of(6))[1].iloc[:3] for each in (data, scaled))
    pd.testing.assert_frame_equal(first, second)


# Gene by gene


@pytest.mark.filterwarnings("ignore")  # few genes: PyDESeq2 remarks on its trend
def test_genes_that_differ_from_the_panel_are_found() -> None:
    changed = {f"other{n}": 3.0 if n % 2 else -3.0 for n in range(20)}
    base = np.random.default_rng(5).lognormal(4, 1.5, OTHERS)
    panel = panel_of(8)
    table = DifferentialExpression.validate(newlot(planted("N1", "D99", changed), panel)).set_index("gene_name")
    found = table[table["padj"] < 0.05]
    strong = [gene for gene in changed if base[int(gene[5:])] > 5]
    assert len(set(strong) & set(found.index)) >= 0.9 * len(strong)
    assert len(set(found.index) - set(changed)) <= 2
    assert all(np.sign(found.loc[gene, "log2fc"]) == np.sign(changed[gene]) for gene in set(found.index) & set(changed))
    null = newlot(planted("N2", "D98"), panel)
    assert (null["padj"] < 0.05).sum() <= 3


@pytest.mark.filterwarnings("ignore")  # few genes: PyDESeq2 remarks on its trend
def test_the_coefficient_is_the_lots_own_change_minus_the_panels() -> None:
    panel, data = panel_of(6), planted("N1", "D99", {"other1": 2.0})
    table = newlot(data, panel).set_index("gene_name")
    counts = data[:, list(panel.gene_ids)].layers["counts"].astype(float)
    own = np.log2(counts[1] / counts[0])
    donors = {donor.donor_id: np.array(donor.counts) for donor in panel.donors}
    others = np.mean([np.log2(np.array(lot.counts) / donors[lot.donor_id]) for lot in panel.lots], axis=0)
    difference = pd.Series(own - others, list(panel.gene_names))
    strong = table.index[table["base_mean"] > 300]
    # equal depth, so size factors hardly matter; the model weighs donors, the plain mean does not
    assert (table.loc[strong, "log2fc"] - difference[strong]).abs().median() < 0.1


def test_what_is_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each donor and lot is one sample; the new lot's donor enters by its own hepatocytes; the lot itself is not twice."""
    seen: list[tuple[pd.DataFrame, pd.DataFrame]] = []

    def spy(counts: pd.DataFrame, design: pd.DataFrame, effect: str, outliers: bool) -> pd.DataFrame:
        assert (effect, outliers) == ("newlot", False)
        assert np.linalg.matrix_rank(design) == design.shape[1] < len(design)
        seen.append((counts, design))
        return pd.DataFrame(0.5, counts.columns, ["base_mean", "log2fc", "log2fc_shrunk", "log2fc_se", "stat", "p"])

    monkeypatch.setattr("karyolot.rna.deseq.fit", spy)
    data = planted("L02", "D02", replicates=(2, 2))
    newlot(data, panel_of(8))
    counts, design = seen[0]
    assert len(design) == 16 and design.index.is_unique
    assert design.columns.tolist() == ["intercept", *(f"donor_D{n:02d}" for n in range(1, 8)), "lot", "newlot"]
    assert design.index[design["newlot"] == 1].tolist() == ["lot L02"]
    assert design.index[design["lot"] == 1].tolist() == [*(f"lot L{n:02d}" for n in (0, 1, 3, 4, 5, 6, 7)), "lot L02"]
    assert counts.loc["donor D02"].tolist() == data[:2, counts.columns].layers["counts"].sum(axis=0).tolist()
    newlot(planted("N1", "D02"), panel_of(8))
    assert seen[1][1].index.is_unique and len(seen[1][1]) == 17, "the donor of another lot enters once"
    small = newlot(data, panel_of(5))
    assert len(seen) == 2 and small["log2fc"].isna().all(), "four other lots: nothing is tested"


# The usual change, and the panel among the components


def test_the_usual_change_is_the_mean_of_other_lots_over_their_own_donors() -> None:
    changes = typical_changes(panel_of(8), "N1")
    assert changes is not None and changes.index.tolist() == list(panel_of(8).gene_ids)
    names = dict(zip(panel_of(8).gene_ids, panel_of(8).gene_names, strict=True))
    of = changes.rename(index=names)
    assert of[list(LIVER)].mean() == pytest.approx(-4, abs=0.3)
    assert of["HGF"] == pytest.approx(4, abs=0.5)
    assert of[of.index.str.startswith("other")].median() == pytest.approx(0, abs=0.1)
    counts = {row.lot_id: np.array(row.counts) for row in panel_of(8).lots}
    donors = {row.donor_id: np.array(row.counts) for row in panel_of(8).donors}
    plain = np.mean([np.log2((counts[f"L{n:02d}"] + 0.5) / (donors[f"D{n:02d}"] + 0.5)) for n in range(8)], axis=0)
    offset = changes - plain
    assert (offset - offset.median()).abs().max() < 0.3, "but for depth, and what that does to the pseudo-count"
    assert (offset - offset.median()).abs().median() < 0.01
    without = typical_changes(panel_of(8), "L03")
    assert without is not None and not np.allclose(without, changes), "a lot is not usual by itself"
    assert typical_changes(panel_of(5), "L03") is None, "four other lots"


def test_lots_of_one_donor_are_each_over_that_donor() -> None:
    lots = accepted(4) | {"M1": planted("M1", "D00"), "M2": planted("M2", "D01")}
    panel = frozen(lots, MARKERS, "1.0", {})
    changes = typical_changes(panel, "N1")
    counts = {row.lot_id: np.array(row.counts) for row in panel.lots}
    donors = {row.donor_id: np.array(row.counts) for row in panel.donors}
    plain = np.mean([np.log2((counts[row.lot_id] + 0.5) / (donors[row.donor_id] + 0.5)) for row in panel.lots], axis=0)
    assert changes is not None and np.corrcoef(changes, plain)[0, 1] > 0.9999


def test_the_panel_stands_among_the_components_and_is_drawn_apart() -> None:
    lots = [accepted(4)["L00"], planted("N1", "D99"), planted("N2", "D98")]
    study = concat(lots, merge="same")
    table = Components.validate(components(study, panel_of(4)))
    first = table[table["component"] == 1].set_index("sample_id")
    assert first["panel"].value_counts().to_dict() == {"": 6, "lot": 3, "hepatocyte": 3}, "L00 and D00 stand once"
    assert (table.groupby("component")["coordinate"].sum().abs() < 1e-6).all()
    of_lots = first.index.str.startswith("lot ") | first.index.isin(["L00-0", "N1-0", "N2-0"])
    assert max(first.loc[of_lots, "coordinate"]) < min(first.loc[~of_lots, "coordinate"]) or min(
        first.loc[of_lots, "coordinate"]
    ) > max(first.loc[~of_lots, "coordinate"])
    assert (components(study)["panel"] == "").all()
    facts = [{"sample_id": str(name), "donor": row["donor"], "lot": row["lot"]} for name, row in study.obs.iterrows()]
    scores = pd.DataFrame({"group": "progenitor", "sample_id": study.obs_names, "score": 0.0})
    found = study_expression(
        facts, table, sample_distances(study), scores, scores.rename(columns={"group": "set_name"})
    )
    assert [len(found.samples), sum(s.is_lot for s in found.panel), len(found.panel)] == [6, 3, 6]
    drawn = dots(found)
    assert [dot.of_panel for dot in drawn] == [True] * 6 + [False] * 6, "drawn behind"
    assert all(0 <= place <= PLOT for dot in drawn for place in (dot.x, dot.y))
    assert "3 accepted lots and 3 donors of the reference panel" in study_text.study_map(found).reading
    html = planted_records.overview([], found)
    assert html.count('class="lot frozen"') == 3 + 1 and "lot of the reference panel" in html, "and the key's own"
    assert 'frozen"' not in planted_records.overview([], found.model_copy(update={"panel": ()}))
    with pytest.raises(KaryolotError, match="another annotation"):
        components(study[:, 1:], panel_of(4))


# The same bytes, whatever else is in the study


def finished_run(folder: Path, lots: Mapping[str, AnnData]) -> Path:
    """Results of lots that passed."""
    for name, data in lots.items():
        write_expression(data, folder / "results" / name / "rna" / "expression.h5ad")
        write_verdict(folder, name, planted_records.passing())
    return folder


def write_verdict(folder: Path, lot: str, record: Record) -> None:
    """The sealed record of a lot with the verdict of another."""
    own = record.model_copy(update={"lot": record.lot.model_copy(update={"lot_id": lot})})
    write_report(own.sealed(), folder / "results" / lot / "report.json")


@pytest.mark.filterwarnings("ignore")  # few genes: PyDESeq2 remarks on its trend
def test_adding_a_lot_changes_no_byte_of_an_earlier_one(tmp_path: Path) -> None:
    """Of the panel, and of the comparison, gates and gene-level test of a lot, as files."""

    def numbers(run: Path, out: Path) -> dict[str, bytes]:
        panel = freeze_panel(
            [f"L{n:02d}" for n in range(6)], "1.0", out / "panel.json", run, str(tmp_path / "markers.tsv")
        )
        data = read_expression(run / "results" / "N1" / "rna" / "expression.h5ad")
        facts, table = compare(data, read_panel(out / "panel.json"))
        write_table(table, out / "panel.parquet", PanelComparison)
        write_model(facts, out / "facts.json")
        write_json({k: m.model_dump() for k, m in panel_metrics(facts, table).items()}, out / "metrics.json")
        write_table(newlot(data, panel), out / "genes.parquet", DifferentialExpression)
        return {path.name: path.read_bytes() for path in sorted(out.iterdir())}

    write_table(MARKERS, tmp_path / "markers.tsv", MarkerPanel)
    run = finished_run(tmp_path / "run", accepted(6) | {"N1": planted("N1", "D99")})
    before = numbers(run, tmp_path / "before")
    finished_run(run, {"N2": planted("N2", "D99", {"ALB": 9.0}), "N3": planted("N3", "D00")})
    after = numbers(run, tmp_path / "after")
    assert len(before) == 5
    assert before == after


def study(lots: int) -> Study:
    rows = [(f"D{n}", f"L{n}") for n in range(lots)]
    samples = [(Sample(sample_id=f"{d}r", donor_id=d, assay="rnaseq", counts="m.tsv"),
                Sample(sample_id=f"{lot}r", lot_id=lot, assay="rnaseq", counts="m.tsv")) for d, lot in rows]  # fmt: skip
    return Study(
        donors={d: Donor(donor_id=d, sex="F") for d, _ in rows},
        lots={lot: Lot(lot_id=lot, donor_id=d, passage=1) for d, lot in rows},
        samples={row.sample_id: (row,) for pair in samples for row in pair},
    )


def test_the_files_of_a_comparison_are_of_the_lot_alone() -> None:
    settings = Expression(panel="panel.json")
    for lots in (1, 3):
        found = files.panel_inputs(study(lots), settings, "L0")
        assert found == {"panel_table": "results/L0/rna/panel.parquet", "panel_facts": "results/L0/rna/panel.json"}
    assert files.panel_inputs(study(1), Expression(), "L0") == {"panel_table": [], "panel_facts": []}
    config = Config(expression=settings)
    assert "panel.json" in files.used_references(study(1), config, "L0"), "its checksum stands in the provenance"


# Files and command line


def test_a_panel_survives_its_file(tmp_path: Path) -> None:
    write_panel(panel_of(2), tmp_path / "panel.json")
    assert read_panel(tmp_path / "panel.json") == panel_of(2)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda text: text[:-200], "not JSON"),
        (lambda text: text.replace('"version": "1.0"', '"version": "2.0"'), "sha256 does not fit"),
        (
            lambda text: text.replace('"schema_version": "1.2"', '"schema_version": "9"'),
            "schema_version: Input should be '1.2'",
        ),
        (lambda text: text.replace('"D01"', '"D00"'), "a donor occurs twice"),
        (lambda text: '{"a": 1}', "not a reference panel"),
        (lambda text: text.replace('"G001"', '"G000"', 1), "gene ids repeat"),
    ],
)
def test_a_damaged_panel_is_refused(tmp_path: Path, damage: Any, words: str) -> None:
    path = tmp_path / "panel.json"
    write_panel(panel_of(2), path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(KaryolotError, match=words) as told:
        read_panel(path)
    assert "\n" not in str(told.value)


def karyolot(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "TERM": "dumb"}
    command = [sys.executable, "-m", "karyolot", *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_command_freezes_and_never_overwrites(tmp_path: Path) -> None:
    run, out = finished_run(tmp_path, accepted(3)), tmp_path / "panel-1.0.json"
    write_table(MARKERS, tmp_path / "markers.tsv", MarkerPanel)
    common = ("panel", "freeze", "--directory", run, "--markers", "markers.tsv", "--out", out)
    done = karyolot(*common, "--lots", "L00,L01", "--version", "1.0")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "panel 1.0: lots 2, donors 2, genes 292; no limits yet (5 and 10 lots needed);"
        f" sha256 {read_panel(out).sha256}\n"
    )
    done = karyolot(*common, "--lots", "L00,L01,L02", "--version", "1.0")
    assert done.returncode == 2
    assert "holds panel 1.0, and a frozen panel never changes; give another --out and another --version" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_frozen_panel_is_never_overwritten(tmp_path: Path) -> None:
    run, out = finished_run(tmp_path, accepted(2)), tmp_path / "panel.json"
    first = freeze_panel(["L00", "L01"], "1.0", out, run, "shipped:markers.tsv")
    bytes_ = out.read_bytes()
    assert freeze_panel(["L01", "L00"], "1.0", out, run, "shipped:markers.tsv") == first, "the very same panel"
    with pytest.raises(KaryolotError, match=r"never changes; give another --out$"):
        freeze_panel(["L00", "L01"], "1.1", out, run, "shipped:markers.tsv")
    assert out.read_bytes() == bytes_
    out.write_text("mine")
    with pytest.raises(KaryolotError, match="not JSON"):
        freeze_panel(["L00", "L01"], "1.0", out, run, "shipped:markers.tsv")
    assert out.read_text() == "mine"


@pytest.mark.parametrize(
    ("lots", "version", "words"),
    [
        (["L00", "L01", "L00"], "1", "L00 is named twice"),
        (["L00", ""], "1", "name lots separated by commas"),
        (["L00", "L77"], "1", "lot 'L77' has no "),
        (["../x"], "1", "lot '../x' has no "),
        (["L00"], "1 0", "--version '1 0': use letters"),
    ],
)
def test_wrong_arguments(tmp_path: Path, lots: list[str], version: str, words: str) -> None:
    run = finished_run(tmp_path, accepted(2))
    with pytest.raises(KaryolotError, match=words):
        freeze_panel(lots, version, tmp_path / "panel.json", run, "shipped:markers.tsv")
    assert not (tmp_path / "panel.json").exists()


def test_the_shipped_markers_make_the_modules() -> None:
    """Modules named in the code have their groups in the shipped table, each gene with its source."""
    from karyolot.io.tables import read_table
    from karyolot.rna.panel import MODULES as GROUPS

    table = read_table(ROOT / "resources" / "markers.tsv", MarkerPanel)
    sizes = {name: ((table["group"] == g) & (table["expected"] == e)).sum() for name, (g, e) in GROUPS.items()}
    assert sizes == {"maturity": 4, "progenitor": 5, "potency": 3}


def test_a_panel_of_lots_that_did_not_pass_needs_a_reason(tmp_path: Path) -> None:
    """FAIL-IDENTITY, FAIL, REVIEW and INDETERMINATE alike; the reason is sealed in the panel, which needs none without them."""
    run = finished_run(tmp_path, accepted(3))
    write_verdict(run, "L01", planted_records.failing())
    write_verdict(run, "L02", planted_records.swapped())

    def freeze_with(reason: str, lots: list[str], version: str = "1.0") -> Panel:
        return freeze_panel(lots, version, tmp_path / f"{version}.json", run, "shipped:markers.tsv", reason)

    with pytest.raises(KaryolotError, match=r"L01 \(FAIL\), L02 \(FAIL_IDENTITY\).*--reason"):
        freeze_with("", ["L00", "L01", "L02"])
    with pytest.raises(KaryolotError, match="did not"):
        freeze_with("  ", ["L01"])
    with pytest.raises(KaryolotError, match="one line of at most 300"):
        freeze_with("two\nlines", ["L01"])
    assert list(tmp_path.glob("*.json")) == []
    panel = freeze_with("Trisomy 8 was found by no other method.", ["L00", "L01"])
    assert panel.reason == "Trisomy 8 was found by no other method."
    assert [lot.outcome for lot in panel.lots] == ["PASS", "FAIL"] and all(lot.report_id for lot in panel.lots)
    assert freeze_with("not needed", ["L00"], "2").reason == ""


def test_the_verdict_of_an_edited_record_makes_no_panel(tmp_path: Path) -> None:
    run = finished_run(tmp_path, accepted(2))
    write_verdict(run, "L01", planted_records.failing())
    path = run / "results" / "L01" / "report.json"
    path.write_text(path.read_text().replace('"outcome": "FAIL"', '"outcome": "PASS"'))
    with pytest.raises(KaryolotError, match="was changed after it was made"):
        freeze_panel(["L00", "L01"], "1.0", tmp_path / "panel.json", run, "shipped:markers.tsv")
    path.unlink()
    with pytest.raises(KaryolotError, match="no record of a lot 'L01'"):
        freeze_panel(["L00", "L01"], "1.0", tmp_path / "panel.json", run, "shipped:markers.tsv")


def test_a_report_prints_why_lots_that_did_not_pass_are_in_its_panel() -> None:
    lots = accepted(7)
    panel = frozen(lots, MARKERS, "1.0", {}, {"L02": "REVIEW", "L03": "FAIL"}, "First batch, before the criteria.")
    found = results(planted("N1", "D99"), panel)
    text = " ".join(said.findings(found, expression_record(found, LOT)))
    assert (
        "It holds lots that did not pass: L02 (REVIEW) and L03 (FAIL); reason: First batch, before the criteria."
        in text
    )
    record = expression_record(found, LOT).panel
    assert record is not None and record.not_passed == ("L02 (REVIEW)", "L03 (FAIL)")
    itself = results(lots["L02"], frozen(lots, MARKERS, "1.0", {}, {"L02": "REVIEW"}, "why"))
    assert "did not pass" not in " ".join(said.findings(itself, expression_record(itself, LOT))), "it left itself out"
    broken = panel.model_dump(mode="json") | {"reason": ""}
    with pytest.raises(ValidationError, match="lots did not pass, and no reason is given"):
        Panel.model_validate(broken)


# What the reader is told

LOT = LotFacts(lot_id="N1", donor_id="D99", donor_sex="F", facts={})


def results(data: AnnData, panel: Panel) -> ExpressionResults:
    facts, table = compare(data, panel)
    genes = newlot(data, panel)
    de = differential(data, "~ state")
    enrichment = pd.DataFrame(
        columns=["set_name", "axis", "informational", "set_size", "used", "nes", "padj", "leading_edge", "reason"],
        dtype=object,
    )
    markers = Markers.validate(tabulate(data, de, MARKERS))
    return ExpressionResults(
        de, markers, enrichment, 1, 1, 1, 1, panel=PanelResults(facts, table, genes, components(data, panel))
    )


def test_the_record_says_against_what() -> None:
    found = results(planted("N1", "D99", dict.fromkeys(LIVER, 4.0)), panel_of(7))
    record = expression_record(found, LOT)
    assert record.panel is not None and record.panel.map is not None
    place = record.panel.map
    assert sorted((s.donor_id, s.lot_id) for s in place.samples) == [("D99", ""), ("D99", "N1")]
    assert [sum(s.is_lot for s in place.panel), len(place.panel)] == [7, 14]
    assert said.components(place, 1).finding.startswith("The lot lies nearer to the accepted lots")
    assert (record.panel.lots, record.panel.tier, record.panel.sha256) == (7, "provisional", panel_of(7).sha256)
    assert [row.name for row in record.panel.modules if row.margin is not None and row.margin < 0] == ["maturity"]
    text = " ".join(said.findings(found, record))
    assert "Against the reference panel 1.0 (7 lots of 7 donors) the lot is beyond its limits in maturity." in text
    assert "Its limits are provisional: a full panel has 10 lots." in text
    assert "no p values and no intervals; those against the reference panel rest on its lots." in text
    alb = next(row for row in record.markers if row.gene_name == "ALB")
    assert alb.panel_tpm_low is not None and alb.panel_tpm_high is not None and alb.lot_tpm is not None
    assert alb.panel_tpm_low < 30_000 / 16 < alb.panel_tpm_high < alb.lot_tpm
    assert alb.donor_tpm is not None
    changes = np.array([lot.markers["ALB"].difference for lot in panel_of(7).lots])
    width = 2.446912 * changes.std(ddof=1) * np.sqrt(8 / 7)  # t(0.975, 6)
    assert alb.panel_tpm_low == pytest.approx((alb.donor_tpm + 1) * 2 ** (changes.mean() - width) - 1)
    assert alb.log2fc_low is None, "one against one: no interval"
    mark = next(mark for marks in dumbbells(record).values() for mark in marks if mark.row is alb)
    assert mark.expected_low is not None and mark.expected_high is not None and mark.lot is not None
    assert mark.expected_low < mark.expected_high < mark.lot
    assert "7 lots of reference panel 1.0" in said.markers(record, 1).reading
    assert "advisory: in simulations 15% of such genes were unchanged" in text


def test_the_modules_are_shown_with_their_limits_and_outcome() -> None:
    """The finding is the record's; the outcome is the criterion's."""
    data, panel = planted("N1", "D99", dict.fromkeys(LIVER, 4.0)), panel_of(7)
    record = expression_record(results(data, panel), LOT)
    assert record.panel is not None
    acceptance = read_yaml(ROOT / "resources" / "acceptance.yaml", Acceptance)
    criteria = decide("N1", panel_metrics(*compare(data, panel)), acceptance, 5, 0.95).criteria
    rows = panel_modules(record, criteria)
    assert [(row.name, outcome) for row, outcome in rows] == [
        ("maturity", "REVIEW"), ("progenitor", "PASS"), ("potency", "PASS"),
    ]  # fmt: skip
    assert panel_modules(record, ()) == [(row, None) for row, _ in rows], "criteria that ask for no module"
    caption = said.modules(record.panel)
    assert caption.finding.startswith("1 of 3 modules beyond the limits of reference panel 1.0;")
    assert "; farthest: maturity, by " in caption.finding
    small = expression_record(results(data, panel_of(3)), LOT).panel
    assert small is not None
    assert said.modules(small).finding == "No limits: reference panel 1.0 has 3 lots, and 5 are needed."
    assert said.section(record.model_copy(update={"panel": None}), defaultdict(int)).modules is None
    macros = environment().get_template("expression.html.j2").module
    page = macros.panel_modules(record.panel, rows, caption)  # type: ignore[attr-defined]
    assert "7, provisional" in page and "≤" in page and "badge review" in page


def test_the_record_of_a_small_panel_and_of_none() -> None:
    data = accepted(3)["L01"]
    found = results(data, panel_of(3))
    record = expression_record(found, LOT)
    assert said.findings(found, record)[-1] == (
        "The reference panel 1.0 (2 lots of 2 donors) is too small for limits: 5 lots are needed."
        " This lot itself is part of the panel and was left out."
    )
    assert "reference panel" not in said.markers(record, 1).reading
    assert "no p values and no intervals." in " ".join(said.findings(found, record)), "nor against so small a panel"
    bare = expression_record(found._replace(panel=None), LOT)
    text = " ".join(said.findings(found._replace(panel=None), bare))
    assert "no p values and no intervals." in text
    assert bare.panel is None and "panel" not in text


@pytest.mark.filterwarnings("ignore")  # few genes: PyDESeq2 remarks on its trend
def test_replicates_give_an_interval_of_their_own() -> None:
    data = planted("N1", "D99", replicates=(2, 2))
    de = differential(data, "~ state")
    row = tabulate(data, de, MARKERS).set_index(["gene_name", "group"]).loc["FAH", "mature hepatocyte"]
    se = de.set_index("gene_name").loc["FAH", "log2fc_se"]
    assert row["log2fc_high"] - row["log2fc"] == pytest.approx(1.96 * se)
    assert row["log2fc_low"] < row["log2fc"] < row["log2fc_high"]


def test_the_digest_is_of_ids_and_names() -> None:
    data = planted("N1", "D99")
    assert annotation_digest(data) == annotation_digest(data[::-1, ::-1])
    assert annotation_digest(data) != annotation_digest(data[:, 1:])
    assert json.loads(panel_of(2).model_dump_json())["annotation_sha256"] == annotation_digest(data)


@pytest.mark.parametrize(
    ("lots", "outcome"), [(MIN_LOTS - 1, "INDETERMINATE"), (MIN_LOTS, "PASS"), (None, "NOT_ASSESSED")]
)
def test_a_panel_that_is_asked_for_and_too_small_lets_no_lot_pass(lots: int | None, outcome: str) -> None:
    metrics = {} if lots is None else panel_metrics(*compare(planted("N1", "D99"), panel_of(lots)))
    acceptance = read_yaml(ROOT / "resources" / "acceptance.yaml", Acceptance)
    of_panel = acceptance.model_copy(
        update={"criteria": tuple(c for c in acceptance.criteria if c.id.startswith("R08"))}
    )
    verdict = decide("N1", metrics, of_panel, 5, 0.95)
    assert {result.outcome for result in verdict.criteria} == {outcome}
    assert ("R08a" in verdict.reasons) == (lots == MIN_LOTS - 1), "the panel's criteria decide, and nothing else does"
    assert not verdict.suppressed, "what DNA shows stands"
