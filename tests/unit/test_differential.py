"""Lot against hepatocytes: planted changes are found, designs that cannot answer are refused before any fit."""

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.expression import DifferentialExpression
from karyolot.contracts.problems import KaryolotError
from karyolot.rna.design import by_unit, culture_of, plan_contrast, unit_of
from karyolot.rna.differential import PSEUDO_COUNT, differential, pool_replicates
from planted_expression import PAIR, expression, table

THREE_DONORS = [(donor, state) for donor in ("D1", "D2", "D3") for state in ("hepatocyte", "lot") for _ in range(2)]
CHANGED = {gene: (2.0 if gene % 2 else -2.0) for gene in range(40)}


def samples(*rows: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["donor", "state"])


def test_a_paired_study_recovers_the_planted_genes_and_not_the_donors() -> None:
    data = expression(THREE_DONORS, CHANGED, donor_sd=1.0, depth=np.linspace(0.5, 2, 12))
    result = DifferentialExpression.validate(differential(data, "~ donor + state"))
    called = result.index[result["padj"] < 0.05]
    true = set(called) & set(CHANGED)
    assert len(true) >= 38, "power at 4-fold changes and 10 % scatter"
    assert len(called) - len(true) <= 5, "false discovery rate of 5 % in 40"
    found = result.loc[sorted(true), "log2fc"]
    planted = pd.Series(CHANGED)[found.index]
    assert np.abs(found - planted).median() < 0.15
    assert (np.sign(found) == np.sign(planted)).all(), "positive is higher in the lot"


def test_donors_blur_the_planted_genes_without_donor_in_the_design() -> None:
    """The planted donor effect is strong enough that the test above shows something."""
    data = expression(THREE_DONORS, CHANGED, donor_sd=1.0)
    paired, unpaired = (differential(data, design)["p"] for design in ("~ donor + state", "~ state"))
    assert (paired[:40] < 1e-4).sum() > (unpaired[:40] < 1e-4).sum() + 5


def test_order_of_samples_and_genes_does_not_matter() -> None:
    data = expression(PAIR, CHANGED, genes=80)
    shuffled = data[[3, 0, 2, 1], np.random.default_rng(0).permutation(80)].copy()
    pd.testing.assert_frame_equal(differential(data, "~ state"), differential(shuffled, "~ state"))


def test_the_same_sample_twice_has_no_change() -> None:
    counts = np.random.default_rng(2).poisson(200, 60)
    result = differential(table(np.stack([counts] * 4), PAIR), "~ donor + state")
    assert result["log2fc"].abs().max() < 1e-6
    assert result["p"].min() > 0.999


def test_fold_changes_are_those_of_normalised_means() -> None:
    """For strongly expressed genes the estimate is close to the ratio of means; depth only changes their weights."""
    data = expression(PAIR, CHANGED, genes=200, depth=[1, 3, 0.5, 2])
    result = differential(data, "~ state")
    counts = data.layers["counts"]
    logs = np.log(counts[:, counts.all(axis=0)])
    depth = np.exp(np.median(logs - logs.mean(axis=0), axis=1))
    means = [(counts[rows] / depth[rows, None]).mean(axis=0) for rows in (slice(0, 2), slice(2, 4))]
    strong = result["base_mean"] > 100
    assert np.abs(result["log2fc"] - np.log2(means[1] / means[0]))[strong].max() < 0.1


def test_without_replicates_there_are_effect_sizes_and_no_p_values() -> None:
    counts = np.array([[100, 50, 10, 0, 0], [100, 200, 10, 0, 8]])
    result = DifferentialExpression.validate(differential(table(counts, [PAIR[0], PAIR[2]]), "~ donor + state"))
    assert result[["log2fc_shrunk", "log2fc_se", "stat", "p", "padj"]].isna().all(axis=None)
    expected = np.log2((counts[1] + PSEUDO_COUNT) / (counts[0] + PSEUDO_COUNT))
    assert np.allclose(result["log2fc"][[0, 1, 2, 4]], expected[[0, 1, 2, 4]]), "depths are equal here"
    assert np.isnan(result["log2fc"][3]), "a gene without a read has no fold change"


def test_effect_sizes_are_taken_within_donors() -> None:
    """Two donors, two lots of one: the donor without a lot must not enter."""
    counts = np.array([[100, 10], [100, 40], [100, 4000]])
    data = table(counts, [("D1", "hepatocyte"), ("D1", "lot"), ("D2", "hepatocyte")])
    result = differential(data, "~ donor + state")
    level = counts[:, 1] / np.exp([np.median(row) for row in np.log(counts) - np.log(counts).mean(axis=0)])
    assert result["log2fc"][1] == pytest.approx(np.log2((level[1] + 0.5) / (level[0] + 0.5)))


def test_a_batch_in_the_design_takes_its_effect_away() -> None:
    """Two kits, each of half the samples of every donor and state: a fourfold effect on every other gene."""
    data = expression(THREE_DONORS, CHANGED, donor_sd=0.5)
    data.obs["library_kit"] = ["A", "B"] * 6
    data.layers["counts"][1::2, ::2] *= 4
    contrast = plan_contrast(data.obs, "~ library_kit + donor + state")
    assert (contrast.terms, contrast.residual_df) == (("library_kit", "donor", "state"), 7)
    without, within = (differential(data, design) for design in ("~ donor + state", "~ library_kit + donor + state"))
    called = within["padj"] < 0.05
    assert called[:40].sum() >= 38 and called[40:].sum() <= 5
    assert without["log2fc_se"][:40:2].median() > 2 * within["log2fc_se"][:40:2].median()


def test_a_batch_the_sheet_does_not_tell_is_refused() -> None:
    rows = samples(*THREE_DONORS).assign(seq_run=["R1"] * 11 + [""])
    with pytest.raises(KaryolotError, match="sample 11 has no seq_run"):
        plan_contrast(rows, "~ seq_run + donor + state")


@pytest.mark.parametrize(
    ("batch", "says"),
    [
        (["A", "A", "B", "B"] * 3, "seq_run and state are confounded"),
        (["A"] * 4 + ["B"] * 8, "donor and seq_run are confounded"),
        (["A", "A"] + ["B"] * 6 + ["A"] * 2 + ["B"] * 2, None),
    ],
)
def test_a_confounded_batch_is_named_with_what_it_cannot_be_told_from(batch: list[str], says: str | None) -> None:
    rows = samples(*THREE_DONORS).assign(seq_run=batch)
    if says is None:
        assert plan_contrast(rows, "~ donor + seq_run + state").residual_df == 7
        return
    with pytest.raises(KaryolotError, match=says):
        plan_contrast(rows, "~ donor + seq_run + state")


def test_terms_that_do_not_vary_are_left_out() -> None:
    assert plan_contrast(samples(*PAIR), "~ donor + state").terms == ("state",)
    contrast = plan_contrast(samples(*THREE_DONORS), "~ donor + state")
    assert (contrast.terms, contrast.residual_df, contrast.untestable) == (("donor", "state"), 8, "")


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ([PAIR[0], PAIR[2]], "one sample of the lot and of the hepatocytes"),
        ([PAIR[0], PAIR[1], PAIR[2]], "one sample of the lot:"),
        ([("D1", "hepatocyte"), ("D1", "lot"), ("D2", "hepatocyte"), ("D3", "lot")], "4 samples for 4 effects"),
    ],
)
def test_a_contrast_without_p_values_says_why(rows: list[tuple[str, str]], says: str) -> None:
    assert says in plan_contrast(samples(*rows), "~ donor + state").untestable


@pytest.mark.parametrize(
    ("rows", "design", "says"),
    [
        (
            [("D1", "hepatocyte"), ("D1", "hepatocyte"), ("D2", "lot"), ("D2", "lot")],
            "~ donor + state",
            "donor and state are confounded",
        ),
        (PAIR, "~ donor", "must hold 'state'"),
        (PAIR, "~ batch + state", "must hold 'state' and other columns of donor, state"),
        (PAIR[:2], "~ state", "one of them has no sample"),
    ],
)
def test_designs_that_cannot_answer_are_refused(rows: list[tuple[str, str]], design: str, says: str) -> None:
    with pytest.raises(KaryolotError, match=says):
        plan_contrast(samples(*rows), design)


def test_samples_without_a_common_gene_are_refused() -> None:
    with pytest.raises(KaryolotError, match="no gene has a read in every sample"):
        differential(table(np.array([[5, 0], [0, 5]]), [PAIR[0], PAIR[2]]), "~ state")


def test_replicates_of_a_lot_never_count_as_lots() -> None:
    """Six samples a lot tell as much of other lots as one that was sequenced as deep: the same table, bit by bit."""
    data = expression(THREE_DONORS, CHANGED, genes=80, donor_sd=0.5)
    data.obs["lot"] = [f"L{donor}" if state == "lot" else "" for donor, state in THREE_DONORS]
    pooled = pool_replicates(data[np.random.default_rng(0).permutation(12)])
    counts = data.layers["counts"]
    assert (pooled["lot LD2"].layers["counts"] == counts[6:8].sum(axis=0)).all()
    assert (plan := plan_contrast(pooled.obs, "~ donor + state")).residual_df == 2 and (plan.lot, plan.hepatocyte) == (
        3,
        3,
    )
    split = data[[0, 2, 4, 6, 8, 10]].copy()
    split.layers["counts"] = np.array([counts[place : place + 2].sum(axis=0) for place in range(0, 12, 2)])
    one, other = (differential(each, "~ donor + state") for each in (pooled, pool_replicates(split)))
    pd.testing.assert_frame_equal(one, other)
    alone = differential(pool_replicates(data[:4]), "~ donor + state")
    assert alone["p"].isna().all() and alone["log2fc"].notna().any(), "one lot and one donor, however often sequenced"


def test_a_unit_sequenced_in_two_runs_is_of_both() -> None:
    data = expression(PAIR, genes=10)
    data.obs["seq_run"] = ["R1", "R1 + R2", "R2", "R2"]
    assert by_unit(data.obs, unit_of(data.obs))["seq_run"].to_dict() == {"hepatocytes of D1": "R1 + R2", "lot L1": "R2"}


def test_samples_of_one_culture_are_one_replicate() -> None:
    """A library that was sequenced three times gives no p values, and the same fold changes as its reads together."""
    data = expression([PAIR[0]] * 3 + [PAIR[2]] * 3, {3: 2.0}, genes=60)
    data.obs["library"] = ["A", "A", "A + B", "C", "C", "C"]
    assert culture_of(data.obs).tolist() == ["S0"] * 3 + ["S3"] * 3
    table = differential(data, "~ state")
    assert table["p"].isna().all() and table["log2fc"].notna().all()
    together = pool_replicates(data)
    assert np.allclose(table["log2fc"], differential(together, "~ state")["log2fc"])


def test_p_values_come_from_independent_cultures() -> None:
    data = expression([PAIR[0]] * 3 + [PAIR[2]] * 2, {3: 2.0}, genes=60)
    alone = differential(data, "~ state")
    data.obs["library"] = ["S0", "S1", "S2", "S3", "S4"]
    assert differential(data, "~ state").equals(alone), "each sample is a culture of its own"
    data.obs["library"] = ["S0", "S1", "S1", "S3", "S4"]
    added = data[["S0", "S1", "S3", "S4"]].copy()
    added.layers["counts"][1] += data.layers["counts"][2]
    assert differential(data, "~ state").equals(differential(added, "~ state"))
    assert differential(data, "~ state")["p"].notna().any()


def test_one_library_id_of_two_lots_is_two_cultures() -> None:
    data = expression(PAIR, genes=5)
    data.obs["library"] = "lib1"
    assert culture_of(data.obs).tolist() == ["S0", "S0", "S2", "S2"]
