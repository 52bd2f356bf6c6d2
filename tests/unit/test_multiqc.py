"""What MultiQC is given comes from the records, cannot break out of its cells, and tells FAIL from FAIL-IDENTITY."""

import shutil
import subprocess
from pathlib import Path

import pytest

from karyolot.contracts.settings import Config
from karyolot.io.files import write_json
from karyolot.report.multiqc import RULES, quality_table, verdict_table
from planted_records import ALL, failing, hostile, passing

RECORDS = [make() for make in ALL.values()]


def test_a_row_per_lot() -> None:
    data = verdict_table(RECORDS)["data"]
    assert list(data) == [record.lot.lot_id for record in RECORDS]
    row = data[failing().lot.lot_id]
    assert row["verdict"].split() == ["✗", "FAIL"] and row["passage"] == 8
    assert row["reason"].startswith("C02 1 acquired change") and 'href="HLP-2031-07/report.html"' in row["report"]


def test_each_verdict_has_one_colour() -> None:
    table = verdict_table(RECORDS)
    rules = table["headers"]["verdict"]["cond_formatting_rules"]
    for record in RECORDS:
        cell = table["data"][record.lot.lot_id]["verdict"]
        named = [rule["s_contains"] for held in rules.values() for rule in held if rule["s_contains"] in cell]
        assert len(named) == 1
        (colour,) = [name for name, held in RULES.items() if record.verdict.outcome in held]
        assert {"s_contains": named[0]} in rules[colour]


def test_a_pass_never_stands_without_what_it_cannot_see() -> None:
    assert "ploidy, balanced rearrangements" in verdict_table([passing()])["description"]
    assert "ploidy" not in verdict_table([failing()])["description"]


def test_text_of_people_stays_text() -> None:
    table = verdict_table([hostile()])
    (row,) = table["data"].values()
    assert "<script>" not in row["reason"] + row["donor"] + row["report"]
    assert not any("<" in name for name in quality_table([hostile()])["data"])


def test_unknown_quality_is_absent() -> None:
    for record in RECORDS:
        table = quality_table([record])
        for sample in record.qc:
            held = {figure.name: figure.value for figure in sample.figures if figure.value is not None}
            assert table["data"][sample.sample_id] == held


def test_it_is_made_only_when_wanted() -> None:
    assert Config().report.multiqc is False


@pytest.mark.skipif(not shutil.which("multiqc"), reason="MultiQC is not installed: ./run multiqc")
def test_multiqc_reads_it(tmp_path: Path) -> None:
    write_json(verdict_table(RECORDS), tmp_path / "verdicts_mqc.json")
    write_json(quality_table(RECORDS), tmp_path / "quality_mqc.json")
    command = ["multiqc", "--no-version-check", "--no-ai", "--no-megaqc-upload", "--no-data-dir", "--strict", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "multiqc_report.html").read_text(encoding="utf-8")
    assert "karyolot_verdicts" in page and "C02 1 acquired change" in page and "balanced rearrangements" in page
