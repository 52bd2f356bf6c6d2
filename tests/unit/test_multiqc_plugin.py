"""The table that the plugin hands to MultiQC; MultiQC itself takes a gigabyte, so a stand-in receives it."""

import importlib
import shutil
import sys
import tomllib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from karyolot.contracts.criteria import Metric
from karyolot.contracts.metrics import MetricName
from karyolot.io.files import write_metrics
from karyolot.io.record import write_report
from planted_records import failing, passing, thin

ROOT = Path(__file__).parents[2]
DEFAULTS: dict[Any, Any] = {float: 0.0, int: 0, bool: True}
DNA = {
    name: Metric(value=None, reason="unknown")
    if name.null
    else Metric(value=name.kind[0] if isinstance(name.kind, tuple) else DEFAULTS[name.kind])
    for name in MetricName
    if name.stage == "dna"
} | {MetricName.CN_LOD: Metric(value=0.14)}
RECORDS = {record.lot.lot_id: record for record in (failing(), passing(), thin())}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Folders of three lots, the last of which was edited."""
    for lot, record in RECORDS.items():
        write_report(record, tmp_path / lot / "report.json")
        write_metrics(DNA, tmp_path / lot / "metrics.json")
    edited = tmp_path / thin().lot.lot_id / "report.json"
    edited.write_text(edited.read_text(encoding="utf-8").replace("INDETERMINATE", "PASS"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def module(results: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The plugin with a stand-in for MultiQC."""
    given: dict[str, Any] = {}

    class Base:
        def __init__(self, **facts: str) -> None:
            given.update(facts)

        def find_log_files(self, key: str, filecontents: bool) -> Iterator[dict[str, str]]:
            pattern = stand_in["multiqc"].config.sp[key]["fn"]
            yield from ({"root": str(path.parent), "fn": path.name} for path in sorted(results.rglob(pattern)))

        def add_section(self, **facts: Any) -> None:
            given.update(facts)

        def ignore_samples(self, rows: Any) -> Any:
            return rows

        def add_data_source(self, *_: object) -> None: ...

        def write_data_file(self, *_: object) -> None: ...

    class NoSamples(Exception): ...

    stand_in: dict[str, Any] = {name: ModuleType(name) for name in ("multiqc", "multiqc.base_module", "multiqc.plots")}
    stand_in["multiqc"].config = SimpleNamespace(sp={})
    stand_in["multiqc.base_module"].BaseMultiqcModule = Base
    stand_in["multiqc.base_module"].ModuleNoSamplesFound = NoSamples
    stand_in["multiqc.plots"].table = SimpleNamespace(plot=lambda *facts: facts)
    for name, one in stand_in.items():
        monkeypatch.setitem(sys.modules, name, one)
    monkeypatch.delitem(sys.modules, "karyolot_multiqc.module", raising=False)
    importlib.import_module("karyolot_multiqc").add_pattern()
    loaded = importlib.import_module("karyolot_multiqc.module")
    loaded.given = given  # type: ignore[attr-defined]
    yield loaded
    sys.modules.pop("karyolot_multiqc.module")


def test_a_row_per_sealed_record(module: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    module.MultiqcModule()
    rows, columns, _ = module.given["plot"]
    assert set(rows) == {failing().lot.lot_id, passing().lot.lot_id}
    assert "was changed after it was made" in caplog.text, "the edited record"
    row = rows[failing().lot.lot_id]
    assert row["verdict"].split()[1] == "FAIL" and row[MetricName.CN_LOD] == pytest.approx(14.0)
    assert MetricName.DNA_NOISE not in row, "what was not measured is no number"
    assert set(row) <= set(columns) and columns[MetricName.CN_LOD]["suffix"] == "%"


def test_each_verdict_has_one_colour(module: ModuleType) -> None:
    rules = module.headers()["verdict"]["cond_formatting_rules"]
    for record in RECORDS.values():
        cell = module.row_of(record, {})["verdict"]
        named = [rule["s_contains"] for held in rules.values() for rule in held if rule["s_contains"] in cell]
        assert len(named) == 1


def test_a_folder_without_records_has_no_section(module: ModuleType, results: Path) -> None:
    for path in results.iterdir():
        shutil.rmtree(path)
    with pytest.raises(module.ModuleNoSamplesFound):
        module.MultiqcModule()


def test_the_entry_points_name_what_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    points = project["project"]["entry-points"]
    for group in ("multiqc.modules.v1", "multiqc.hooks.v1"):
        for target in points[group].values():
            name, _, attribute = target.partition(":")
            spec = find_spec(name)
            assert spec is not None and spec.origin is not None
            assert f" {attribute}(" in Path(spec.origin).read_text(encoding="utf-8")
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert "workflow/karyolot_multiqc" in packages
