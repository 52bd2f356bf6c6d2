"""Notes against misreading: they follow the record, and stay away where there is nothing to misread."""

import re
from typing import Any

import pytest

import planted_records
from karyolot.contracts.record_rna import ExpressionRecord, MarkerRow, SetRow
from karyolot.report.text import notes


def marker(gene: str, group: str, expected: str, lot: float | None, donor: float, met: str | None) -> MarkerRow:
    return MarkerRow.model_validate(
        {"gene_name": gene, "group": group, "expected": expected, "lot_tpm": lot, "lot_tpm_low": lot, "lot_tpm_high": lot,
         "donor_tpm": donor, "log2fc": None, "padj": None, "met": met}
    )  # fmt: skip


def with_(**changes: Any) -> ExpressionRecord:
    return planted_records.expression().model_copy(update=changes)


def gene_set(axis: str, nes: float | None, padj: float | None, reason: str = "") -> SetRow:
    return SetRow(
        set_name=axis, axis=axis, informational=False, used=20, set_size=20, nes=nes, padj=padj, leading_edge=(), reason=reason
    )  # fmt: skip


@pytest.mark.parametrize(
    ("lot", "detected", "down", "says"),
    [
        (900.0, "yes", "yes", "it is detected (900 TPM) and lower than in the donor (40,000 TPM)"),
        (0.2, "no", "yes", "it is not detected (0.2 TPM) and lower than in the donor"),
        (39_000.0, "yes", "no", "it is detected (39,000 TPM) and not lower than in the donor"),
        (None, None, None, "it is of unknown level (not available) and not compared with the donor"),
    ],
)
def test_albumin_is_judged_twice(lot: float | None, detected: str | None, down: str | None, says: str) -> None:
    rows = (
        marker("ALB", "mature hepatocyte", "down", lot, 40_000.0, down),
        marker("ALB", "identity", "detected", lot, 40_000.0, detected),
    )
    (note,) = notes.of_markers(with_(markers=rows))
    assert says in note.text


def test_hla_is_judged_by_the_lots_own_level() -> None:
    rows = (
        marker("HLA-DRA", "HLA class II", "absent", 0.4, 300.0, "yes"),
        marker("CIITA", "HLA class II", "absent", 2.5, 40.0, "no"),
    )
    (note,) = notes.of_markers(with_(markers=rows))
    assert "highest level counts: CIITA, 2.5 TPM" in note.text
    assert "here HLA-DRA, 300 TPM" in note.text


@pytest.mark.parametrize(
    ("targets", "says"),
    [
        (gene_set("YAP/TAZ targets", 2.1, 0.001), "this indicates Hippo off."),
        (gene_set("YAP/TAZ targets", -2.1, 0.001), "this indicates Hippo on."),
        (gene_set("YAP/TAZ targets", 0.8, 0.6), "+0.80 (not significant): the direction is open."),
    ],
)
def test_the_direction_of_hippo_is_read_from_its_targets(targets: SetRow, says: str) -> None:
    """The Hippo set itself is up every time."""
    (note,) = notes.of_sets(with_(sets=(gene_set("Hippo", 1.9, 0.01), targets)))
    assert "The Hippo set has NES +1.90 (adjusted p 0.01)" in note.text
    assert says in note.text
    (alone,) = notes.of_sets(with_(sets=(gene_set("Hippo", 1.9, 0.01),)))
    assert "indicates Hippo" not in alone.text


def test_without_p_values_no_direction_is_read() -> None:
    targets = gene_set("YAP/TAZ targets", 2.1, 0.001)
    (note,) = notes.of_sets(with_(p_values=False, sets=(gene_set("Hippo", 1.9, 0.01), targets)))
    assert (
        "The Hippo set has NES +1.90, the targets of YAP and TAZ NES +2.10: without replicates the direction cannot be tested."
        in note.text
    )
    assert not re.search(r"adjusted p|significant", note.text)


def test_wnt_is_said_to_be_driven_by_the_medium() -> None:
    (note,) = notes.of_sets(with_(sets=(gene_set("WNT", 1.5, 0.02), gene_set("WNT", 0.9, 0.4))))
    assert "NES +1.50 (adjusted p 0.02) and +0.90 (not significant)" in note.text
    assert "CHIR99021" in note.text


def test_notes_stand_in_the_report_and_only_with_their_results() -> None:
    html = planted_records.html(planted_records.failing())
    for title in ("Albumin.", "HLA class II.", "Hippo and YAP.", "Medium."):
        assert f"<strong>{title}</strong>" in html
    assert notes.of_markers(with_(markers=())) == notes.of_sets(with_(sets=())) == ()


def test_a_set_that_is_not_assessed_is_shown_so_and_misleads_nobody() -> None:
    unknown = gene_set("Hippo", None, None, "4 of 9 genes measured, 5 needed")
    sets = (unknown, gene_set("WNT", 2.0, 0.001), gene_set("YAP/TAZ targets", None, None, "3 of 9 genes measured"))
    record = planted_records.reworded(planted_records.failing(), expression=with_(sets=sets))
    text = planted_records.html(record)
    assert "not assessed" in text and "4 of 9 genes measured, 5 needed" in text
    assert "1 of 1 gene set differ" in text, "what is not assessed is not counted"
    assert [note.title for note in notes.of_sets(with_(sets=sets))] == ["Medium"]
    assert [note.title for note in notes.of_sets(with_(sets=(gene_set("Hippo", 1.0, 0.2), *sets[1:])))] == [
        "Hippo and YAP",
        "Medium",
    ]
