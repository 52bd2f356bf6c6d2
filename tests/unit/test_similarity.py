"""Samples of a study side by side: distances, marker scores, and what the overview says of them."""

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.expression import MarkerScores, SampleDistances
from karyolot.contracts.record import StudyExpression
from karyolot.report import captions, figures
from karyolot.report.overview import render_overview
from karyolot.report.study import study_expression
from karyolot.rna.components import components
from karyolot.rna.expression import log_by_name
from karyolot.rna.similarity import marker_scores, sample_distances
from planted_expression import PAIR, expression

SAMPLES = [PAIR[2], PAIR[0], PAIR[2], PAIR[0]]
PANEL = pd.DataFrame(
    {
        "gene_name": ["G000", "G001", "G010", "G011", "absent"],
        "group": ["progenitor", "progenitor", "mature", "mature", "elsewhere"],
    }
)
CHANGES = {0: 4.0, 1: 4.0, 10: -4.0, 11: -4.0} | dict.fromkeys(range(40, 80), 2.0)
FACTS = [
    {"sample_id": f"S{place}", "donor": donor, "lot": "L1" if state == "lot" else "", "state": state}
    for place, (donor, state) in enumerate(SAMPLES)
]


def study(samples: list[tuple[str, str]] | None = None) -> StudyExpression:
    data = expression(samples or SAMPLES, CHANGES, genes=600)
    return study_expression(FACTS, components(data), sample_distances(data), marker_scores(data, PANEL))


def test_distances_are_those_of_the_levels() -> None:
    data = expression(SAMPLES, CHANGES)
    table = SampleDistances.validate(sample_distances(data))
    square = table.pivot_table(index="sample_id", columns="other_id", values="distance")
    levels = log_by_name(data)
    assert (np.diag(square) == 0).all()
    assert np.allclose(square, square.T)
    assert square.loc["S0", "S1"] == pytest.approx(np.sqrt(((levels["S0"] - levels["S1"]) ** 2).mean()))
    assert square.loc["S0", "S2"] < square.loc["S0", ["S1", "S3"]].min()


def test_marker_scores_follow_the_planted_groups_and_repeat() -> None:
    data = expression(SAMPLES, CHANGES, genes=600)
    table = MarkerScores.validate(marker_scores(data, PANEL))
    assert table["group"].unique().tolist() == ["progenitor", "mature"], "in panel order, those that are annotated"
    wide = table.pivot_table(index="group", columns="sample_id", values="score")
    rise = wide[["S0", "S2"]].mean(axis=1) - wide[["S1", "S3"]].mean(axis=1)
    assert rise["progenitor"] == pytest.approx(4, abs=0.7)
    assert rise["mature"] == pytest.approx(-4, abs=0.7)
    pd.testing.assert_frame_equal(table, marker_scores(data, PANEL))


def test_the_overview_orders_samples_and_says_what_the_tables_say() -> None:
    found = study()
    assert [sample.sample_id for sample in found.samples] == ["S1", "S3", "S0", "S2"], "the donor's own first"
    assert found.distances[0][0] == 0
    assert found.distances[0][1] < found.distances[0][2]
    assert "parts all lots from all hepatocytes" in captions.study_map(found).finding
    assert captions.study_distances(found).finding == "Every sample with a replicate is nearest to it."
    says = captions.study_scores(found).finding
    assert "'progenitor' rises most (+" in says
    assert "'mature' falls most (−" in says
    html = render_overview([], found)
    for number in (1, 2, 3):
        assert f'id="figure-{number}"' in html
    assert html.count('class="lot"') == html.count('class="donor"') == 2
    assert 'id="figure-1"' not in render_overview([])


def test_a_swapped_tube_is_named() -> None:
    swapped = study([PAIR[0], PAIR[0], PAIR[2], PAIR[2]])  # S0 is a lot by the sheet and a hepatocyte by its genes
    assert "S3" in captions.study_distances(swapped).finding
    assert "S0" in captions.study_distances(swapped).finding
    assert "does not part" in captions.study_map(swapped).finding
    alone = swapped.model_copy(
        update={"samples": tuple(s.model_copy(update={"donor_id": s.sample_id}) for s in swapped.samples)}
    )
    assert captions.study_distances(alone).finding == "No sample has a replicate."


def test_both_components_are_drawn_on_one_scale() -> None:
    found = study()
    dots = figures.dots(found)
    scale = [(dot.x - figures.PLOT / 2) / sample.first for dot, sample in zip(dots, found.samples, strict=True)]
    other = [-(dot.y - figures.PLOT / 2) / sample.second for dot, sample in zip(dots, found.samples, strict=True)]
    assert np.allclose(scale, scale[0], rtol=0.05)
    assert np.mean(other) == pytest.approx(scale[0], rel=0.1)
    assert all(0 <= place <= figures.PLOT for dot in dots for place in (dot.x, dot.y))
    assert {dot.label for dot in dots} == {"S0", "S1", "S2", "S3"}
