"""When, by whom and where a record was made: on the page, and outside what the report id covers."""

import os
import re
from pathlib import Path

import pytest

import planted_records
from karyolot.contracts.provenance import Made
from karyolot.contracts.settings import SIGNED, Config
from karyolot.inputs.study import differences
from karyolot.io.record import read_report, write_report
from karyolot.plan.provenance import SIGNED_BY, made_now, signed

RECORD = planted_records.passing()
MADE = Made(at="2026-03-01T08:05:09Z", zone="+01:00", operator="N. N.", site="Bench <4>", host=None)


def written(directory: Path, made: Made | None) -> Path:
    path = directory / RECORD.lot.lot_id / "report.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_report(RECORD, path, made)
    return path


def test_the_same_results_bear_the_same_id_whoever_made_them_and_when(tmp_path: Path) -> None:
    first, second = read_report(written(tmp_path / "a", MADE)), read_report(written(tmp_path / "b", None))
    assert first.made == MADE and second.made is None
    assert first.report_id == second.report_id == first.digest()[:12]


def test_the_page_says_who_made_the_record_and_when() -> None:
    html = planted_records.html(RECORD.model_copy(update={"made": MADE}))
    assert "2026-03-01 08:05 UTC (clock at +01:00)" in html
    assert "N. N." in html and "Bench &lt;4&gt;" in html and "<4>" not in html
    assert re.search(r"<dt>Operator, site</dt><dd>not recorded</dd>", planted_records.html(unsigned())), (
        "nobody is invented"
    )


def unsigned() -> "planted_records.Record":
    made = MADE.model_copy(update={"operator": None, "site": None})
    return RECORD.model_copy(update={"made": made})


def test_the_clock_is_the_only_source_of_the_date_unless_one_is_set() -> None:
    fixed = made_now({"SOURCE_DATE_EPOCH": "1772352309"})
    assert fixed == Made(at="2026-03-01T08:05:09Z", zone="+00:00", operator=None, site=None, host=None)
    assert fixed.when == "2026-03-01 08:05 UTC"
    now = made_now({"SOURCE_DATE_EPOCH": "yesterday"})
    assert re.fullmatch(r"20[2-9]\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", now.at) and re.fullmatch(r"[+-]\d\d:\d\d", now.zone)


def test_the_environment_goes_before_the_settings_and_reaches_the_jobs() -> None:
    settings = {"operator": "from settings", "site": "S", "host": ""}
    passed = signed(settings, {"KARYOLOT_OPERATOR": "from environment"})
    assert passed == {"KARYOLOT_OPERATOR": "from environment", "KARYOLOT_SITE": "S", "KARYOLOT_HOST": ""}
    made = made_now(passed | {"KARYOLOT_SITE": "x" * 1000})
    assert (made.operator, made.host) == ("from environment", None) and len(made.site or "") == 100


@pytest.mark.parametrize("name", SIGNED)
def test_another_operator_makes_no_result_again(name: str) -> None:
    changed = Config.model_validate({name: "somebody else"})
    assert differences(changed) == differences(Config()) == []
    assert SIGNED_BY[name] not in os.environ
