"""Genes x samples of a lot: which genes, in which order, against what."""

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.expression import SampleLevels
from karyolot.rna.expression import log_by_name
from karyolot.rna.heatmap import MOST, sample_levels
from planted_expression import PAIR, expression

PANEL = pd.DataFrame(
    {
        "gene_name": ["G005", "G003", "absent", "G005"],
        "group": ["mature", "progenitor", "progenitor", "identity"],
        "expected": "up",
    }
)
SETS = {
    "ecm": frozenset(f"G{gene:03d}" for gene in range(20, 50)),
    "hgf": frozenset(f"G{gene:03d}" for gene in (60, 61, 62, 290)) | {"not measured"},
    "wnt": frozenset(["G100", "G101"]),
}
AXES = pd.DataFrame({"set_name": list(SETS), "axis": ["ECM disassembly", "HGF receptor", "WNT"], "informational": "no"})
LOT_FIRST = [PAIR[2], PAIR[0], PAIR[2], PAIR[0]]


def test_markers_then_the_genes_that_moved_most() -> None:
    data = expression(LOT_FIRST, {gene: 3.0 - 0.4 * (gene - 20) for gene in range(20, 36)})
    data.layers["counts"][:, 290] = 0
    levels = SampleLevels.validate(sample_levels(data, PANEL, SETS, AXES))
    genes = levels.drop_duplicates(["gene_name", "group"])
    assert genes[["gene_name", "group"]].to_numpy().tolist()[:2] == [["G005", "mature"], ["G003", "progenitor"]]
    ecm = genes.loc[genes["group"] == "ECM disassembly", "gene_name"].tolist()
    assert len(ecm) == MOST
    assert {"G020", "G021", "G022", "G034", "G035"} <= set(ecm), "far up and far down"
    assert not {"G027", "G028"} & set(ecm)
    moved = levels[levels["sample_id"].isin(["S0", "S2"])].groupby("gene_name")["log2"].mean()
    assert (np.diff(moved[ecm]) <= 0).all(), "strongest rise first"
    assert set(genes.loc[genes["group"] == "HGF receptor", "gene_name"]) == {"G060", "G061", "G062"}, "one is silent"
    assert "WNT" not in set(genes["group"])


def test_levels_are_against_the_donor_of_the_lot() -> None:
    data = expression(LOT_FIRST, {5: 2.0})
    levels = sample_levels(data, PANEL, SETS, AXES)
    assert levels["sample_id"].tolist()[:4] == ["S1", "S3", "S0", "S2"], "the donor's samples first"
    row = levels[(levels["gene_name"] == "G005")].set_index("sample_id")["log2"]
    logs = log_by_name(data).loc["G005"]
    assert row[["S1", "S3"]].sum() == pytest.approx(0, abs=1e-12)
    assert row["S0"] == pytest.approx(logs["S0"] - logs[["S1", "S3"]].mean())
    assert row[["S0", "S2"]].mean() == pytest.approx(2, abs=0.5)
