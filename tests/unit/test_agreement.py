"""What the genes of a changed arm say, beside the call: agreeing, silent, against it, or not asked."""

import pandas as pd
import pytest

from karyolot.report.agreement import SURELY, with_expression

MB = 1_000_000
RATIOS = pd.DataFrame(
    [("chr8", 0, 45 * MB, "chr8p"), ("chr8", 45 * MB, 145 * MB, "chr8q"), ("chr20", 30 * MB, 64 * MB, "chr20q"),
     ("chr21", 0, 46 * MB, "chr21")],
    columns=["chrom", "start", "end", "arm"],
)  # fmt: skip
SHIFTS = pd.DataFrame(
    [("chr8p", 80, 0.4, 0.2, 2.0), ("chr8q", 300, 0.5, 0.1, 5.0), ("chr20q", 200, -0.3, 0.1, -3.0),
     ("chr21", 4, None, None, None)],
    columns=["arm", "genes", "log2", "se", "z"],
)  # fmt: skip


def said(chrom: str, start: int, end: int, kind: str, shifts: pd.DataFrame | None = SHIFTS) -> list[object]:
    calls = pd.DataFrame([(chrom, start * MB, end * MB, kind)], columns=["chrom", "start", "end", "type"], index=[7])
    return with_expression(calls, RATIOS, shifts)[["expression", "expression_log2", "expression_z"]].loc[7].tolist()


@pytest.mark.parametrize(
    ("place", "kind", "expected"),
    [
        (("chr8", 45, 145), "gain", "agrees"),
        (("chr8", 45, 145), "loss", "disagrees"),
        (("chr8", 0, 45), "gain", "uninformative"),
        (("chr20", 30, 64), "loss", "agrees"),
        (("chr20", 30, 64), "gain", "disagrees"),
        (("chr20", 30, 46), "gain", None),  # less than half of the arm
        (("chr20", 30, 47), "gain", "disagrees"),
        (("chr21", 0, 46), "gain", None),  # too few genes
        (("chrX", 0, 46), "gain", None),
    ],
)
def test_each_call_is_held_against_its_arm(place: tuple[str, int, int], kind: str, expected: str | None) -> None:
    assert said(*place, kind)[0] == expected
    assert (said(*place, kind)[2] is None) == (expected is None)


def test_a_whole_chromosome_takes_both_arms() -> None:
    word, log2, z = said("chr8", 0, 145, "gain")
    assert word == "agrees"
    assert log2 == pytest.approx((0.4 / 0.04 + 0.5 / 0.01) / 125)
    assert z == pytest.approx(log2 * 125**0.5)


def test_without_rna_nobody_is_asked() -> None:
    assert said("chr8", 0, 145, "gain", None) == [None, None, None]
    assert said("chr8", 0, 145, "gain", SHIFTS.iloc[:0]) == [None, None, None]
    assert SURELY > 2
    none = with_expression(pd.DataFrame(columns=["chrom", "start", "end", "type"]), RATIOS, SHIFTS)
    assert none.empty
    assert "expression" in none
