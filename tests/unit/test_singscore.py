"""singscore against its formula in plain Python, and what must not move it."""

from collections.abc import Collection, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karyolot.contracts.problems import KaryolotError
from karyolot.rna.singscore import singscore

GENES = [f"G{gene}" for gene in range(12)]
LEVELS = st.lists(st.integers(0, 6).map(float), min_size=len(GENES), max_size=len(GENES))  # many ties
SET = st.sets(st.sampled_from(GENES), min_size=1, max_size=len(GENES) - 1)


def by_definition(levels: Sequence[float], genes: Sequence[str], up: Collection[str], down: Collection[str]) -> float:
    """Foroutan 2018: a mean rank between its least and greatest possible value, each found by placing the set there."""
    rank = {gene: 1 + sum(other < level for other in levels) for gene, level in zip(genes, levels, strict=True)}
    total = 0.0
    for names, position in ((up, rank), (down, {gene: len(genes) - r + 1 for gene, r in rank.items()})):
        if names:
            size = len(names)
            lowest = sum(range(1, size + 1)) / size
            highest = sum(range(len(genes) - size + 1, len(genes) + 1)) / size
            total += (sum(position[gene] for gene in names) / size - lowest) / (highest - lowest) - 0.5
    return total


@given(LEVELS, SET, SET)
def test_equals_the_definition(levels: list[float], up: set[str], down: set[str]) -> None:
    for below in (set(), down):
        mine = singscore(np.array(levels), GENES, up, below)
        assert abs(mine - by_definition(levels, GENES, up, below)) < 1e-12


@given(LEVELS, SET, st.permutations(range(len(GENES))))
def test_order_scale_and_foreign_genes_do_not_matter(levels: list[float], up: set[str], order: list[int]) -> None:
    plain = singscore(np.array(levels), GENES, up)
    shuffled = singscore(np.log2(np.array(levels) + 1)[order], [GENES[place] for place in order], up | {"elsewhere"})
    assert shuffled == pytest.approx(plain, abs=1e-12)


def test_worked_example_and_bounds() -> None:
    levels = np.arange(12.0)
    assert singscore(levels, GENES, {"G10", "G11"}) == pytest.approx(0.5)
    assert singscore(levels, GENES, {"G0", "G1"}) == pytest.approx(-0.5)
    assert singscore(levels, GENES, {"G10", "G11"}, {"G0"}) == pytest.approx(1)
    assert singscore(levels, GENES, {"G3", "G8"}) == pytest.approx((6.5 - 1.5) / 10 - 0.5)  # ranks 4 and 9


@pytest.mark.parametrize(
    ("levels", "genes", "up", "down", "says"),
    [
        ([1.0, 2.0, 3.0], ["A", "B", "A"], {"B"}, (), "names repeat"),
        ([1.0, np.nan, 3.0], ["A", "B", "C"], {"B"}, (), "no level"),
        ([1.0, 2.0, 3.0], ["A", "B", "C"], {"D"}, (), "0 of the 3 genes"),
        ([1.0, 2.0, 3.0], ["A", "B", "C"], {"A", "B", "C"}, (), "3 of the 3 genes"),
        ([1.0, 2.0, 3.0], ["A", "B", "C"], {"A"}, ("D", "E"), "0 of the 3 genes .* a set of 2"),
    ],
)
def test_what_has_no_score_is_refused(
    levels: list[float], genes: list[str], up: set[str], down: tuple[str, ...], says: str
) -> None:
    with pytest.raises(KaryolotError, match=says):
        singscore(np.array(levels), genes, up, down)
