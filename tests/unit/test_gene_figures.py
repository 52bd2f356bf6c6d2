"""Fold changes of all genes: points at their place, names apart, the genes that changed most listed."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import planted_records
from karyolot.contracts.expression import DifferentialExpression
from karyolot.contracts.record_rna import GeneRow
from karyolot.report.expression import LEAST_MEAN, SIGNIFICANCE, _gene_track, _top
from karyolot.report.figures import genes
from karyolot.report.text.genes import changed_genes, own_samples
from karyolot.rna.components import principal

RECORD = planted_records.expression()


def table(**columns: list[object]) -> pd.DataFrame:
    count = len(next(iter(columns.values())))
    names = [f"G{n}" for n in range(count)]
    known = {"gene_id": names, "gene_name": names, "base_mean": [100.0] * count, "log2fc": [0.0] * count}
    known |= {"log2fc_shrunk": [0.0] * count, "log2fc_se": [0.1] * count, "stat": [0.0] * count, "p": [1.0] * count}
    return DifferentialExpression.validate(pd.DataFrame(known | {"padj": [1.0] * count} | columns))


def test_points_stand_at_their_mean_and_change_and_what_is_beyond_is_a_triangle() -> None:
    plot = genes.ma_plot(RECORD)
    assert plot is not None and set(plot.paths) == {"gain", "even"} and set(plot.triangles) == {"loss"}
    x, y = plot.paths["even"].removeprefix("M").removesuffix("h0").split()
    assert float(y) == plot.zero
    counted = {label: place for place, label in plot.x_ticks}
    assert counted["10"] < float(x) < counted["100"], "a mean of 20 counts"
    assert plot.triangles["loss"].split(maxsplit=1)[1] == f"{genes.BOTTOM:g}l4 -7h-8z"
    assert [name.text for name in plot.names] == [
        "UP5",
        "UP4",
        "UP3",
        "UP2",
        "UP1",
        "DOWN5",
        "DOWN4",
        "DOWN3",
        "DOWN2",
        "DOWN1",
    ]


@given(st.lists(st.tuples(st.floats(0.1, 1e6), st.floats(0.1, 14)), min_size=1, max_size=10))
def test_names_never_touch_and_stay_in_the_plot(found: list[tuple[float, float]]) -> None:
    rows = [
        GeneRow(gene_name=f"GENE{n}", mean=mean, log2fc=change, padj=None) for n, (mean, change) in enumerate(found)
    ]
    rows.sort(key=lambda row: -row.log2fc)
    for up, held in ((True, rows), (False, [r.model_copy(update={"log2fc": -r.log2fc}) for r in rows])):
        names = genes._named(held, up=up)
        heights = sorted(name.label_y for name in names)
        assert all(low + genes.LINE <= high + 0.11 for low, high in pairwise(heights))
        assert heights[0] > genes.TOP and heights[-1] < genes.BOTTOM
        assert all(not name.end or name.x > 300 for name in names)


def test_the_genes_listed_are_those_that_changed_most_for_sure() -> None:
    change = [3.0, -4.0, 9.0, 2.0]
    found = table(log2fc=change, log2fc_shrunk=[2.5, -3.5, 1.0, 2.0], padj=[0.001, 0.001, 0.2, SIGNIFICANCE])
    up, down = (_top(found, True, up=side) for side in (True, False))
    assert [(row.gene_name, row.log2fc) for row in (*up, *down)] == [("G0", 2.5), ("G1", -3.5)]
    untested = table(
        log2fc=change, log2fc_shrunk=[np.nan] * 4, padj=[np.nan] * 4, base_mean=[50.0, 50.0, LEAST_MEAN - 1, 50.0]
    )
    assert [row.gene_name for row in _top(untested, False, up=True)] == ["G0", "G3"], "nine counts are chance"


def test_genes_that_fall_together_are_drawn_once_and_none_is_lost() -> None:
    found = table(log2fc=[1.0, 1.01, -2.0], log2fc_shrunk=[1.0, 1.01, -2.0], padj=[1.0, 1.0, 0.01])
    track = _gene_track(found, True)
    assert list(zip(track.mean, track.change, track.state, strict=True)) == [(100, -20, -1), (100, 10, 0)]


def test_without_replicates_nothing_was_tested_and_the_caption_says_so() -> None:
    bare = RECORD.model_copy(update={"p_values": False, "genes_up": None, "genes_down": None})
    assert changed_genes(bare, 9).finding.startswith(
        "Nothing was tested: replicates are missing. Largest changes up: UP1"
    )
    assert changed_genes(RECORD, 9).finding.startswith(
        "Largest changes up: UP1 (+7.90), UP2 (+7.80) and UP3 (+7.70); down: DOWN1"
    )


def test_components_hold_the_planted_difference_and_name_their_part_of_the_variance() -> None:
    rng = np.random.default_rng(3)
    levels = rng.normal(0, 0.1, (6, 200))
    levels[3:, :50] += 4
    places, shares = principal(levels)
    assert shares[0] > 0.9 and shares.sum() == pytest.approx(1)
    assert abs(places[:3, 0].mean() - places[3:, 0].mean()) == pytest.approx(4 * np.sqrt(50), rel=0.02)
    assert principal(np.ones((3, 5)))[1].tolist() == [0, 0, 0], "nothing varies"
    said = own_samples(planted_records.OWN_SAMPLES, 6)
    assert said.finding.startswith("Samples of the lot lie apart from its donor's hepatocytes: 41 log2 units")
    page = planted_records.html(planted_records.passing())
    assert "component 1 (79% of the variance)" in page and "HLP-2031-04_r2</text>" in page
