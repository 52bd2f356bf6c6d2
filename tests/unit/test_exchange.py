"""Sealed lots for others: a research object, rows of a registry that tell nobody who the donor is, and a second site."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import finished_lots
import planted_records
from karyolot.commands.cli import app
from karyolot.commands.export import export_crate, export_registry
from karyolot.commands.seal import seal
from karyolot.contracts.manifest import Manifest
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.record import Record
from karyolot.io.files import sha256_of
from karyolot.io.manifest import read_manifest
from karyolot.io.record import write_report
from karyolot.report.registry import registry, salted
from karyolot.report.two_sites import LEAST, agreement, compare

SALT = b"0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """L1 sealed; read only."""
    folder = finished_lots.study(tmp_path_factory.mktemp("study") / "study", lots=("L1", "L2"))
    seal(folder, "L1", "A. Mayer")
    return folder


def crate(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_crate_holds_every_sealed_file_and_describes_it(study: Path, tmp_path: Path) -> None:
    contents = crate(export_crate(study, "L1", tmp_path / "L1", "For QA only."))
    graph = {entity["@id"]: entity for entity in json.loads(contents["ro-crate-metadata.json"])["@graph"]}
    root, run = graph["./"], graph["#run"]
    parts = {part["@id"] for part in root["hasPart"]}
    assert parts | {"ro-crate-metadata.json"} == set(contents)
    for name in parts - {"README.md", "workflow/Snakefile"}:
        assert graph[name]["sha256"] == sha256_of(contents[name]) and graph[name]["contentSize"] == str(
            len(contents[name])
        )
    assert {file.path for file in read_manifest(study / "results" / "L1").files} | {"seal.json"} == {
        part["@id"] for part in run["result"]
    }
    inputs = [graph[one["@id"]]["identifier"] for one in run["object"]]
    assert inputs == [f"sha256:{file.sha256}" for file in finished_lots.record("L1", "").provenance.inputs]
    assert (
        "ComputationalWorkflow" in graph[root["mainEntity"]["@id"]]["@type"] and run["instrument"] == root["mainEntity"]
    )
    local = re.findall(r'"@id": "((?!https?:)[^"]+)"', contents["ro-crate-metadata.json"].decode())
    assert set(local) == {name for name in graph if not name.startswith("http")}
    assert crate(export_crate(study, "L1", tmp_path / "L1", "For QA only.")) == contents


def test_only_a_sealed_lot_is_exported(study: Path, tmp_path: Path) -> None:
    with pytest.raises(KaryolotError, match="L2 is not sealed; karyolot seal L2, then export"):
        export_crate(study, "L2", tmp_path / "x", "")
    (tmp_path / "salt").write_bytes(SALT)
    with pytest.raises(KaryolotError, match="L2: not sealed; only sealed lots are exported"):
        export_registry(study, ["L2"], tmp_path / "x.json", tmp_path / "salt")
    (tmp_path / "salt").write_bytes(b"short")
    with pytest.raises(KaryolotError, match="5 bytes, and a salt has 16 or more"):
        export_registry(study, [], tmp_path / "x.json", tmp_path / "salt")


def test_an_export_replaces_nothing_but_an_earlier_export(study: Path, tmp_path: Path) -> None:
    (tmp_path / "salt").write_bytes(SALT)
    sealed = {path: path.read_bytes() for path in (study / "results").rglob("*") if path.is_file()}
    with pytest.raises(KaryolotError, match="results/L1: exists and is no exported crate"):
        export_crate(study, "L1", study / "results" / "L1", "")
    with pytest.raises(KaryolotError, match=r"report\.json: exists and holds no rows for a registry"):
        export_registry(study, [], study / "results" / "L1" / "report.json", tmp_path / "salt")
    assert {path: path.read_bytes() for path in (study / "results").rglob("*") if path.is_file()} == sealed
    for _ in range(2):
        export_crate(study, "L1", tmp_path / "crate", "")
        export_registry(study, [], tmp_path / "rows.json", tmp_path / "salt")


def test_the_command_exports_both(study: Path, tmp_path: Path) -> None:
    (tmp_path / "salt").write_bytes(SALT)
    words = ["export", "--directory", str(study), "--out"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "crates")])
    assert done.output == f"{tmp_path}/crates/L1\n"
    done = CliRunner().invoke(app, [*words, str(tmp_path / "r.json"), "--registry", "--salt", str(tmp_path / "salt")])
    assert done.output == f"{tmp_path}/r.json: 1 lots\n"
    assert CliRunner().invoke(app, [*words, "x", "--registry"]).exception is not None


def rows(record: Record, study: Path) -> str:
    manifest: Manifest = read_manifest(study / "results" / "L1")
    return json.dumps(registry([(manifest, record)], SALT))


def test_a_registry_row_holds_no_name_text_date_file_or_genotype(study: Path) -> None:
    """Every string of a record that has text in it, but for the words of the schema, stays at the site."""
    record = planted_records.hostile()
    said = rows(record, study)
    for secret in (record.lot.lot_id, record.lot.donor_id, record.point.parent, "script", "TOL"):
        assert not secret or f'"{secret}"' not in said
    held = json.loads(said)["lots"][0]
    assert set(held) == {
        "lot", "donor", "parent", "revision", "year", "karyolot_version", "acceptance", "passage", "population_doublings", "bank",
        "verdict", "weakened", "recommendation", "claim_mb", "limit_gain", "limit_loss", "criteria", "events",
    }  # fmt: skip
    assert not any(isinstance(one["value"], str) for one in held["criteria"])
    assert re.fullmatch(r"\d{4}", held["year"]) and "sha256" not in said and "donor_sex" not in said
    assert held["acceptance"] == "of the site"
    inherited = {"chrom", "start_mb", "end_mb", "type", "fraction", "fraction_low", "fraction_high"}
    assert all(set(event) == inherited for event in held["events"] or ())


def test_only_acquired_changes_leave_the_site_rounded_to_megabases(study: Path) -> None:
    record = planted_records.failing()
    calls = record.copy_number.calls
    copies = record.copy_number.model_copy(
        update={"calls": (calls[0].model_copy(update={"origin": "lost"}), *calls[1:])}
    )
    held = json.loads(rows(record.model_copy(update={"copy_number": copies}), study))["lots"][0]
    assert len(held["events"]) == len([call for call in calls[1:] if call.origin == "acquired"])
    assert all(isinstance(event[place], int) for event in held["events"] for place in ("start_mb", "end_mb"))
    swapped = json.loads(rows(planted_records.swapped(), study))["lots"][0]
    assert swapped["verdict"] == "FAIL_IDENTITY" and swapped["events"] is None


def test_ids_need_the_salt_and_stay_the_same_under_it() -> None:
    assert salted("lot", "L1", SALT) == salted("lot", "L1", SALT) != salted("lot", "L1", SALT[::-1])
    assert salted("lot", "D1", SALT) != salted("donor", "D1", SALT) and salted("lot", None, SALT) is None


def test_limits_of_agreement_are_those_of_bland_and_altman() -> None:
    """Against the definition on simulated pairs: 95 % of differences lie inside, and the intervals hold the true limits."""
    generator, inside, held = np.random.default_rng(5), [], []
    for _ in range(400):
        truth = generator.normal(0, 1, 40)
        pairs = [(one, one + generator.normal(0.1, 0.05)) for one in truth]
        limits = agreement("arms", "log2", pairs)
        assert limits.bias is not None and limits.low is not None and limits.high is not None and limits.low_interval
        inside.append(np.mean([limits.low <= b - a <= limits.high for a, b in pairs]))
        held.append(limits.low_interval[0] <= 0.1 - 1.96 * 0.05 <= limits.low_interval[1])
    assert np.mean(inside) == pytest.approx(0.95, abs=0.01)
    assert np.mean(held) == pytest.approx(0.95, abs=0.035)


def test_few_pairs_set_no_limits() -> None:
    few = agreement("arms", "log2", [(0.0, 0.1)] * (LEAST - 1))
    assert (few.pairs, few.bias, few.low) == (LEAST - 1, None, None)
    assert agreement("arms", "log2", [(0.0, 0.1)] * LEAST).bias == pytest.approx(0.1)


def test_two_sites_are_compared_by_outcome_value_and_change() -> None:
    a = planted_records.failing()
    same = compare(a, a)
    assert not any(one.differs for one in (*same.outcomes, *same.values, *same.events))
    assert same.limits[0].pairs >= LEAST and same.limits[0].bias == 0
    first, *rest = a.copy_number.calls
    shifted = first.model_copy(update={"fraction": first.fraction - 0.1, "start": first.start + 1_000_000})
    copies = a.copy_number.model_copy(update={"calls": (shifted, *rest[1:])})
    b = a.model_copy(update={"copy_number": copies, "verdict": a.verdict.model_copy(update={"outcome": "REVIEW"})})
    found = compare(a, b)
    assert [one.name for one in found.outcomes if one.differs] == ["verdict"]
    assert (found.events[0].a, found.events[0].b) == (first.fraction, shifted.fraction)
    assert [one.name for one in found.events if one.differs] == [rest[0].name]
    assert [one.differs for one in compare(b, a).events].count(True) == 1


def test_the_command_compares_files_wherever_they_lie(tmp_path: Path) -> None:
    for name, make in (("a", planted_records.failing), ("b", planted_records.passing)):
        write_report(make(), tmp_path / f"{name}.json")
    done = CliRunner().invoke(app, ["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")])
    assert done.exit_code == 0
    assert "B minus A" in done.output and "changes: " in done.output and "limits of agreement not set" in done.output
    machine = CliRunner().invoke(app, ["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--json"])
    assert json.loads(machine.output)["outcomes"][0] == {"name": "verdict", "a": "FAIL", "b": "PASS", "differs": True}
