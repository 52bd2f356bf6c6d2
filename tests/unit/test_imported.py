"""Results of other methods: read with care, compared with their limits, shown as imported."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import planted_records
from karyolot.contracts.criteria import Acceptance
from karyolot.contracts.problems import Problem
from karyolot.contracts.record import ImportedResult
from karyolot.contracts.sheets import LotResult
from karyolot.inputs import check
from karyolot.plan import samples
from karyolot.verdict.decide import judge
from karyolot.verdict.imported import imported_metrics

SHA = "3f" * 32
COLUMNS = list(LotResult.model_fields)
GOOD = {"lot_id": "L1", "document": "KAR-1", "sha256": SHA}
CRITERIA = {
    criterion.id: criterion
    for criterion in Acceptance.model_validate(
        yaml.safe_load((Path(__file__).parents[2] / "resources" / "acceptance.yaml").read_bytes())
    ).criteria
}


def row(kind: str, value: str, **cells: str) -> dict[str, str]:
    return GOOD | {"kind": kind, "value": value} | cells


def examined(folder: Path, *rows: dict[str, str], named: bool = True) -> tuple[Any, list[Problem]]:
    """The study with these rows in its sheet of results, and what is wrong with that sheet. named: in the settings."""
    (folder / "config").mkdir(exist_ok=True)
    sheets = {
        "donors": "donor_id\tsex\nD1\tF\nD2\tM",
        "lots": "lot_id\tdonor_id\tpassage\nL1\tD1\t4\nL2\tD2\t4",
        "samples": "sample_id\tassay\tlot_id\tdonor_id\tcounts\nd\twgs\t\tD1\td.tsv\nl\twgs\tL1\t\tl.tsv",
        "lot_results": "\n".join("\t".join(r.get(c, "") for c in COLUMNS) for r in [{c: c for c in COLUMNS}, *rows]),
    }
    for name, text in sheets.items():
        (folder / "config" / f"{name}.tsv").write_text(text + "\n", encoding="utf-8")
    sheets_named = {"sheets": {"results": "config/lot_results.tsv"}} if named else {}
    raw = sheets_named | {"reference": {"bins": "bins.tsv"}}
    _, draft, problems = check.examine(raw, folder, contents=False)
    return draft.study(), [problem for problem in problems if problem.file == "config/lot_results.tsv"]


def test_the_sheet_of_results_is_read_when_it_is_there(tmp_path: Path) -> None:
    study, problems = examined(tmp_path, row("karyotype", "46,XX[20]"), named=False)
    assert [result.value for result in study.results] == ["46,XX[20]"] and not problems
    study, problems = examined(tmp_path, named=False)
    assert study.results == () and not problems, "a template with its header alone is no problem"
    (tmp_path / "config/other.tsv").write_text((tmp_path / "config/lot_results.tsv").read_text())
    other = {"sheets": {"results": "config/other.tsv"}, "reference": {"bins": "bins.tsv"}}
    (unread,) = [
        problem for problem in check.examine(other, tmp_path, contents=False)[2] if "not read" in problem.message
    ]
    assert (
        unread.code == "W28" and unread.column == "sheets.results" and "config/lot_results.tsv exists" in unread.message
    )
    (tmp_path / "config/lot_results.tsv").unlink()
    _, draft, problems = check.examine({"reference": {"bins": "bins.tsv"}}, tmp_path, contents=False)
    assert draft.results is None and not [problem for problem in problems if "results" in problem.file]


@pytest.mark.parametrize(
    ("kind", "value", "limit", "sex", "kept"),
    [
        ("karyotype", "46,XX[20]", None, "F", True),
        ("karyotype", "46, XX [20]", None, "F", True),
        ("karyotype", "46,XY", None, "M", True),
        ("karyotype", "46,XY[20]", None, "F", False),
        ("karyotype", "47,XX,+8[20]", None, "F", False),
        ("karyotype", "46,XX,add(20)(q13)[2]/46,XX[18]", None, "F", False),
        ("karyotype", "92,XXXX[3]/46,XX[17]", None, "F", False),
        ("mycoplasma", "negative", None, "F", True),
        ("mycoplasma", "positive", None, "F", False),
        ("viability", "90", ">= 90", "F", True),
        ("viability", "89.9", ">=90", "F", False),
        ("flow", "5", "< 5", "F", False),
        ("flow", "5", "<=5", "F", True),
        ("dna_content", "1.02", "> 1.0", "F", True),
        ("dna_content", "-1", "> -2.5", "F", True),
        ("viability", "12", None, "F", None),
        ("deviation", "spilt", None, "F", None),
    ],
)
def test_a_result_is_held_against_what_it_should_be(kind: Any, value: str, limit: Any, sex: Any, kept: Any) -> None:
    result = LotResult(lot_id="L1", kind=kind, value=value, limit=limit, document="D")
    assert result.met(sex) is kept


def test_good_rows_are_silent_and_go_to_their_lot_alone(tmp_path: Path) -> None:
    rows = [
        row("karyotype", "46,XX[20]", method="G-banding", date="2031-03-02"),
        row("viability", "93.5", unit="%", limit=">= 90", document="BR-1"),
        row("flow", "0.4", unit="%", analyte="HLA-DR", document="F-1"),
        row("deviation", "Incubator off for 3 h", document="DEV-1", sha256=""),
        row("mycoplasma", "negative", lot_id="L2", document="M-1"),
    ]
    study, problems = examined(tmp_path, *rows)
    assert problems == []
    results = [ImportedResult.model_validate(result) for result in samples.lot_results(study, "L1")]
    assert [(result.kind, result.met) for result in results] == [
        ("karyotype", True), ("viability", True), ("flow", None), ("deviation", None),
    ]  # fmt: skip
    alone, _ = examined(tmp_path, *rows[:4])
    assert samples.lot_results(alone, "L1") == samples.lot_results(study, "L1")


@pytest.mark.parametrize(
    ("bad", "code", "column", "message"),
    [
        (row("karyotype", "46,XX", lot_id="L9"), "E24", "lot_id", "L9|lots.tsv|no such"),
        (row("karyotype", "normal"), "E17", "value", "not a karyotype"),
        (row("caryotype", "46,XX"), "E17", "kind", "did you mean karyotype"),
        (row("mycoplasma", "negativ"), "E17", "value", "did you mean negative"),
        (row("viability", "93,5", unit="%"), "E17", "value", "not a number"),
        (row("viability", "935", unit="%"), "E17", "value", "0 to 100"),
        (row("viability", "93.5"), "E17", "unit", "in %"),
        (row("viability", "93.5", unit="%", limit="at least 90"), "E17", "limit", "not a limit"),
        (row("karyotype", "46,XX", limit=">= 1"), "E17", "limit", "cannot be compared with a number"),
        (row("dna_content", "2.0"), "E17", "unit", "without a known unit"),
        (row("dna_content", "2.0", unit="pg"), "E17", "unit", "DNA index, n, % 4n"),
        (row("dna_content", "40", unit="n"), "E17", "value", "40 sets of chromosomes"),
        (row("flow", "0.4", unit="%"), "E17", "analyte", "no antigen given"),
        (row("karyotype", "46,XX", sha256="3F" * 32), "E17", "sha256", "not a sha256"),
        (row("karyotype", "46,XX", sha256=""), "E17", "sha256", "without the checksum"),
        (row("karyotype", "46,XX", document=""), "E17", "document", "empty"),
        (row("karyotype", "46,XX", date="2031-02-30"), "E17", "date", "no such day"),
        (row("karyotype", "46,XX", date="3/2/2031"), "E17", "date", "year-month-day"),
        (row("karyotype", "46,XX", method="x@example.org"), "E23", "method", "e-mail"),
    ],
)
def test_a_wrong_row_is_told_by_line_and_column(
    tmp_path: Path, bad: dict[str, str], code: str, column: str, message: str
) -> None:
    good = row("deviation", "none of note", document="DEV-1", sha256="")
    _, problems = examined(tmp_path, good, bad)
    assert [(problem.code, problem.column, problem.line) for problem in problems] == [(code, column, 3)]
    assert re.search(message, str(problems[0]))


@pytest.mark.parametrize(
    ("value", "unit", "sets"),
    [("1.0", "DNA index", 2.0), ("2.1", "DNA index", 4.2), ("4", "n", 4.0), ("35", "% 4n", 2.7)],
)
def test_a_dna_content_says_how_many_sets_of_chromosomes_a_lots_cells_hold(
    tmp_path: Path, value: str, unit: str, sets: float
) -> None:
    study, problems = examined(tmp_path, row("dna_content", value, unit=unit), row("karyotype", "46,XX[20]"))
    assert problems == []
    assert samples.sets_of(study, "L1") == pytest.approx(sets) and samples.sets_of(study, "L2") is None
    higher, _ = examined(tmp_path, row("dna_content", value, unit=unit), row("dna_content", "8", unit="n"))
    assert samples.sets_of(higher, "L1") == 8.0, "limits are never stated for too few sets"


def test_one_document_has_one_checksum(tmp_path: Path) -> None:
    _, problems = examined(tmp_path, row("karyotype", "46,XX"), row("mycoplasma", "negative", sha256="a0" * 32))
    assert [(problem.column, problem.line) for problem in problems] == [("sha256", 3)]


def test_what_is_not_on_file_stays_unknown() -> None:
    metrics = imported_metrics([])
    assert all(metric.value is None and metric.reason for metric in metrics.values())
    unjudged = imported_metrics([planted_records.imported("flow", "0.4", analyte="HLA-DR")])
    assert unjudged["imported.flow_within_limits"].value is None
    assert "no limit" in unjudged["imported.flow_within_limits"].reason


def test_one_bad_result_outweighs_the_good_ones() -> None:
    good, bad = (planted_records.imported("karyotype", value, met=kept, document=f"K-{kept}") for value, kept in
                 (("46,XX[20]", True), ("47,XX,+8[20]", False)))  # fmt: skip
    metrics = imported_metrics([good, bad])
    assert metrics["imported.karyotype_normal"].value is False
    assert metrics["imported.karyotype_normal"].detail == "47,XX,+8[20] (document K-False)"
    low, high = (planted_records.imported("viability", value, unit="%") for value in ("88", "93.5"))
    assert imported_metrics([high, low])["imported.viability"].value == 88
    assert imported_metrics([high, low])["imported.viability"].detail == "88% (document BR-2031-07, page 12)"


@pytest.mark.parametrize(
    ("criterion", "good", "bad"),
    [
        ("C07", ("karyotype", "46,XX[20]", True), ("karyotype", "47,XX,+8[20]", False)),
        ("P03", ("viability", "90", None), ("viability", "89.9", None)),
        ("P04", ("flow", "0.4", True), ("flow", "4", False)),
        ("P05", ("mycoplasma", "negative", True), ("mycoplasma", "positive", False)),
    ],
)
def test_criteria_read_the_sheet_of_results(
    criterion: str, good: tuple[str, str, bool], bad: tuple[str, str, bool]
) -> None:
    asked = CRITERIA[criterion]
    outcomes = []
    for given in ([], [good], [good, bad]):
        results = [planted_records.imported(kind, value, met=kept) for kind, value, kept in given]
        outcomes.append(judge(asked, imported_metrics(results)[asked.metric]).outcome)
    assert outcomes == ["NOT_ASSESSED", "PASS", "REVIEW"]


def shown(html: str, section: str) -> str:
    (part,) = re.findall(rf'<h3 id="{section}">.*?(?=<h[23]\b|</section>|</details>)', html, re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", part))


def test_the_report_shows_what_was_imported_and_what_is_missing() -> None:
    html = planted_records.html(planted_records.failing())
    text = shown(html, "imported")
    for result in planted_records.IMPORTED:
        assert result.value in text
        assert result.document in text
        assert str(result.sha256) in text
    assert re.search(r"47,XY,\+8\S* normal, of the donor.s sex no G-banding", text), "it is not as it should be"
    assert "93.5 %" in text
    assert "Not available: mycoplasma." in text
    assert "Incubator at 35.9 C for 3 h on day 6." in shown(html, "deviations")
    bare = planted_records.html(planted_records.passing())
    assert "Not available: karyotype, mycoplasma, viability and flow cytometry." in shown(bare, "imported")
    assert "no sheet of results was given" in shown(bare, "deviations"), (
        "nobody looked, so nothing is said of deviations"
    )
    read = planted_records.reworded(planted_records.passing(), deviations=())
    assert "None recorded in the sheet of results." in shown(planted_records.html(read), "deviations")
