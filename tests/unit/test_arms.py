"""Expression along arms: a planted aneuploidy is seen, reprogramming of whole arms is not taken for one."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.expression import ArmShifts
from karyolot.rna.arms import MIN_GENES, arm_shifts

ARMS = [f"chr{number}{arm}" for number in range(1, 21) for arm in "pq"]
LENGTH = 1_000_000
"""Bases of an arm; the centromere of every contig is at this base."""
BINS = pd.DataFrame(
    [
        (arm[:-1], start, start + LENGTH // 2, arm, "autosome")
        for arm in ARMS
        for start in (LENGTH * (arm[-1] == "q"), LENGTH * (arm[-1] == "q") + LENGTH // 2)
    ],
    columns=["chrom", "start", "end", "arm", "region"],
)


def study(
    moved: Mapping[str, float] | None = None, per_arm: int = 100, between: float = 0.0, seed: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(DifferentialExpression, Genes): genes scatter by 1.5 log2 units, arms by `between`, and some arms `moved`."""
    rng = np.random.default_rng(seed)
    arm = np.repeat(ARMS, per_arm)
    place = np.tile(np.linspace(1000, LENGTH - 2000, per_arm).astype(int), len(ARMS))
    start = place + LENGTH * np.char.endswith(arm.astype(str), "q")
    shift = pd.Series(between * rng.standard_normal(len(ARMS)), ARMS)
    for name, log2 in (moved or {}).items():
        shift[name] += log2
    ids = [f"G{number:05d}" for number in range(len(arm))]
    change = 0.4 + shift[arm].to_numpy() + 1.5 * rng.standard_normal(len(arm))
    columns = ["log2fc_se", "stat", "p", "padj"]
    table = pd.DataFrame({"gene_id": ids, "gene_name": ids, "base_mean": 100.0, "log2fc": change})
    genes = pd.DataFrame({"gene_id": ids, "chrom": [name[:-1] for name in arm], "start": start, "end": start + 1000})
    return table.reindex(columns=[*table, *columns]), genes


def found(*args: object, **named: object) -> pd.DataFrame:
    return ArmShifts.validate(arm_shifts(*args, **named)).set_index("arm")  # type: ignore[arg-type]


def test_a_trisomy_in_all_cells_is_seen_and_one_in_few_is_not() -> None:
    result = found(*study({"chr8q": np.log2(3 / 2), "chr5p": np.log2(1 + 0.1 / 2), "chr3q": -1.0}, per_arm=400), BINS)
    assert list(result.index) == ARMS
    assert result.loc["chr8q", "log2"] == pytest.approx(0.585, abs=3 * result.loc["chr8q", "se"])
    assert result.loc["chr8q", "z"] > 3
    assert result.loc["chr3q", "z"] < -5
    assert abs(result.loc["chr5p", "z"]) < 3
    assert (result["genes"] == 400).all()


@pytest.mark.statistics
@pytest.mark.parametrize("between", [0.0, 0.3])
def test_z_is_standard_normal_whatever_arms_do(between: float) -> None:
    """Reprogramming moves neighbours together; the spread over arms says by how much, and z allows for it. Measured on 40
    arms, that spread is itself uncertain by a tenth or two, so z has the tails of a t distribution."""
    results = pd.concat([found(*study(between=between, seed=seed), BINS) for seed in range(40)])
    z = results["z"]
    assert z.std() == pytest.approx(1, abs=0.1)
    assert 0.03 < (np.abs(z) > 2).mean() < 0.09
    assert (np.abs(z) > 2.5).mean() < 0.035
    assert results["se"].mean() == pytest.approx(np.hypot(1.5 * np.sqrt(np.pi / 2 / 100), between), rel=0.1)


def test_what_is_typical_of_such_lots_is_taken_off() -> None:
    """The same arms move in every lot; only the one that moves here alone is left."""
    usual, _ = study(between=0.4)
    table, genes = study({"chr8q": 0.5}, between=0.4)
    plain = found(table, genes, BINS)
    against = found(table, genes, BINS, usual.set_index("gene_id")["log2fc"] + 0.01 * np.arange(len(usual)) % 0.03)
    assert abs(plain.loc["chr8q", "z"]) < 3
    assert against.loc["chr8q", "z"] > 10


def test_rows_weak_genes_and_genes_elsewhere_do_not_matter() -> None:
    table, genes = study()
    expected = found(table, genes, BINS)
    weak = table.iloc[:500].assign(gene_id=lambda t: "W" + t["gene_id"], base_mean=9.0, log2fc=9.0)
    lost = table.iloc[:500].assign(gene_id=lambda t: "L" + t["gene_id"], log2fc=9.0)
    more = pd.concat([table, weak, lost]).sample(frac=1, random_state=0)
    placed = pd.concat([genes, genes.iloc[:500].assign(gene_id=weak["gene_id"])])
    elsewhere = pd.concat([placed, genes.iloc[:500].assign(gene_id=lost["gene_id"], chrom="chrUn")])
    pd.testing.assert_frame_equal(found(more, elsewhere, BINS), expected)


def test_few_genes_or_arms_are_unknown() -> None:
    table, genes = study(per_arm=MIN_GENES - 1)
    assert found(table, genes, BINS)[["log2", "se", "z"]].isna().all(axis=None)
    table, genes = study()
    nine = BINS[BINS["arm"].isin(ARMS[:9])]
    assert found(table, genes, nine)["z"].isna().all()
    one_short = genes[(genes["chrom"] != "chr2") | (genes["start"] > LENGTH)]
    result = found(table, one_short, BINS)
    assert result.loc["chr2p", "genes"] == 0
    assert result["z"].isna().sum() == 1
    nothing = found(table.iloc[:0], genes, BINS)
    assert nothing["genes"].sum() == 0
