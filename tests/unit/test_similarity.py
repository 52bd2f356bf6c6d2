"""Samples of a study side by side: distances, marker scores, and what the overview says of them."""

from html import unescape

import numpy as np
import pandas as pd
import pytest

import planted_records
from karyolot.contracts.expression import MarkerScores, SampleDistances
from karyolot.contracts.overview import StudyExpression
from karyolot.contracts.record_rna import StudySample
from karyolot.report import study_text
from karyolot.report.figures.heat import MOST_DRAWN, study_heat
from karyolot.report.figures.samples import LABEL_STEP, PLOT, dots
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
SETS = pd.DataFrame(
    [("proliferation", "S0", 0.5), ("proliferation", "S1", -0.4), ("proliferation", "S2", 0.3), ("proliferation", "S3", -0.6),
     ("bile acids", "S0", -0.2), ("bile acids", "S1", 0.1), ("bile acids", "S2", -0.1), ("bile acids", "S3", 0.7)],
    columns=["set_name", "sample_id", "score"],
).assign(axis="any")  # fmt: skip
FACTS = [
    {"sample_id": f"S{place}", "donor": donor, "lot": "L1" if state == "lot" else "", "state": state}
    for place, (donor, state) in enumerate(SAMPLES)
]


def study(samples: list[tuple[str, str]] | None = None, sets: pd.DataFrame = SETS) -> StudyExpression:
    data = expression(samples or SAMPLES, CHANGES, genes=600)
    tables = components(data), sample_distances(data), marker_scores(data, PANEL), sets
    return study_expression(FACTS, *tables)


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
    assert "separates all lots from all hepatocytes" in study_text.study_map(found).finding
    assert study_text.study_distances(found).finding.startswith("No sample can be compared with two donors")
    html = planted_records.overview([], found)
    says = study_text.study_scores(found).finding
    assert "'progenitor' rises most (+" in says
    assert "'mature' falls most (−" in says
    sets = study_text.study_sets(found)
    assert sets.finding == "In lots 'proliferation' rises most (+0.9 on average) and 'bile acids' falls most (−0.55)."
    assert "kernel Gaussian" in sets.reading and "comparable only within this study" in sets.reading
    assert sets.finding in unescape(html)
    for number in (1, 2, 3, 4):
        assert f'id="figure-{number}"' in html
    assert html.count('class="lot"') == html.count('class="donor"') == 2 + 1, "and the key's own"
    assert 'id="figure-1"' not in planted_records.overview([])


def test_scores_of_sets_are_drawn_at_their_samples() -> None:
    found = study()
    assert found.sets == ("proliferation", "bile acids")
    assert found.set_scores == ((-0.4, -0.6, 0.5, 0.3), (0.1, 0.7, -0.2, -0.1))
    drawn = study_heat(found)
    assert drawn is not None
    plot = drawn[2]
    assert [name for name, _ in plot.samples] == list(found.sets)
    assert [name for name, _ in plot.genes] == [sample.sample_id for sample in found.samples]
    assert {key: path.count("z") for key, path in plot.paths.items()} == {-4: 1, -2: 1, -1: 1, 0: 2, 2: 1, 3: 1, 4: 1}
    silent = pd.DataFrame(
        {"set_name": "bile salts", "axis": "any", "sample_id": ["S0", "S1", "S2", "S3"], "score": np.nan}
    )
    asked = study(sets=pd.concat([SETS, silent]))
    assert (asked.sets, asked.set_scores, asked.unscored) == (found.sets, found.set_scores, ("bile salts",))
    assert "Not assessed, too few of the genes vary: bile salts." in study_text.study_sets(asked).finding
    assert "Scores of gene sets: not available." in planted_records.overview([], study(sets=silent))
    assert "Scores of gene sets: not available." not in planted_records.overview([], asked)
    assert len(study_heat(found.model_copy(update={"sets": (), "set_scores": ()})) or []) == 2


def test_more_samples_than_an_eye_can_follow_are_told_not_drawn() -> None:
    found, times = study(), 166
    many = found.model_copy(
        update={
            "samples": tuple(
                sample.model_copy(update={"sample_id": f"{sample.sample_id}-{n}"})
                for n in range(times)
                for sample in found.samples
            ),
            "distances": tuple(tuple(row) * times for _ in range(times) for row in found.distances),
            "scores": tuple(tuple(row) * times for row in found.scores),
            "set_scores": tuple(tuple(row) * times for row in found.set_scores),
        }
    )
    assert len(many.samples) == 664
    html = planted_records.overview([], many)
    assert len(html) < 400_000
    assert 'class="heat"' not in html
    for table in ("distances", "marker_scores", "scores"):
        assert f"The numbers are in results/study/{table}.parquet." in html
    assert study_text.study_scores(many).finding in unescape(html)
    at_most = {"samples": many.samples[:MOST_DRAWN], "distances": tuple(r[:100] for r in many.distances[:100])}
    at_most |= {name: tuple(row[:100] for row in getattr(many, name)) for name in ("scores", "set_scores")}
    assert planted_records.overview([], many.model_copy(update=at_most)).count('class="heat"') == 3


def test_a_swapped_tube_is_named() -> None:
    """Lots of donors A, A and B; the second lot of A lies with B."""
    kinds = [("A", "L1"), ("A", "L2"), ("A", "L2"), ("B", "L3"), ("B", "L4"), ("A", ""), ("B", "")]
    places = np.array([0.0, 5.0, 5.1, 5.5, 5.6, 20.0, 25.0])
    samples = tuple(
        StudySample(sample_id=f"S{number}", donor_id=donor, lot_id=lot, first=place, second=0)
        for number, ((donor, lot), place) in enumerate(zip(kinds, places, strict=True))
    )
    distances = tuple(map(tuple, np.abs(np.subtract.outer(places, places)).tolist()))
    swapped = study().model_copy(update={"samples": samples, "distances": distances})
    assert study_text.study_distances(swapped).finding.startswith("Nearer to another donor than to its own: S1 and S2;")
    assert study_text.study_map(swapped).finding.endswith("separates all lots from all hepatocytes.")
    right = swapped.model_copy(
        update={"samples": tuple(s.model_copy(update={"donor_id": "B" if s.lot_id else s.donor_id}) for s in samples)}
    )
    assert study_text.study_distances(right).finding.startswith("No sample can")
    moved = np.array([0.0, 0.1, 0.2, 5.5, 5.6, 20.0, 25.0])
    distances = tuple(map(tuple, np.abs(np.subtract.outer(moved, moved)).tolist()))
    sound = swapped.model_copy(update={"distances": distances})
    assert (
        study_text.study_distances(sound).finding
        == "5 samples could be compared with two donors; each is nearest to its own."
    )


def test_both_components_are_drawn_on_one_scale() -> None:
    found = study()
    drawn = dots(found)
    of = {sample.sample_id: sample for sample in found.samples}
    scale = [(dot.x - PLOT / 2) / of[dot.label].first for dot in drawn]
    other = [-(dot.y - PLOT / 2) / of[dot.label].second for dot in drawn]
    assert np.allclose(scale, scale[0], rtol=0.05)
    assert np.mean(other) == pytest.approx(scale[0], rel=0.1)
    assert all(0 <= place <= PLOT for dot in drawn for place in (dot.x, dot.y))
    assert {dot.label for dot in drawn} == {"S0", "S1", "S2", "S3"}
    alike = tuple(sample.model_copy(update={"first": 1.0, "second": 0.5}) for sample in found.samples)
    heights = [dot.label_y for dot in dots(found.model_copy(update={"samples": alike}))]
    assert (np.diff(heights) >= LABEL_STEP).all(), "names do not lie on each other"
