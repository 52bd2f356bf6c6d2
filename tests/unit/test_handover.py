"""What one rule hands to the next is what it made: an edited result stops the run with its file and the remedy."""

import json
import os
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py  # type: ignore[import-untyped]
import pandas as pd
import pytest
from pyarrow import parquet

import planted_expression
from karyolot.contracts.criteria import Acceptance, Metrics, Verdict
from karyolot.contracts.expression import TranscriptGenes
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.results import LotFiles, QualityFiles
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.io.expression import read_expression, write_expression
from karyolot.io.files import (
    read_json,
    read_metrics,
    read_model,
    read_sealed,
    read_verdict,
    write_json,
    write_metrics,
    write_model,
    write_sealed,
)
from karyolot.io.quality import read_said
from karyolot.io.record import read_report, write_report
from karyolot.io.shipped import RESOURCES, SCRIPTS
from karyolot.io.tables import read_table, write_table
from karyolot.plan import files, provenance
from karyolot.verdict.decide import decide
from karyolot.verdict.process import process_metrics
from planted_records import failing, passing

Edit = Callable[[dict[str, Any]], None]
CHANGED = "was changed after it was made"
ACCEPTANCE = read_yaml(RESOURCES / "acceptance.yaml", Acceptance)


def edit(path: Path, change: Edit) -> None:
    """What a person does with an editor: the layout stays, the seal stays, one value is another."""
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def decided(folder: Path, lot: str = "L1", passage: int = 8) -> tuple[Path, Path]:
    """verdict.json and metrics.json as rule `decide_lot` writes them, of a lot of which only the passage is known."""
    metrics: Metrics = process_metrics({"passage": passage, "pdl": 11.2}, 4)
    verdict, measured = folder / "verdict.json", folder / "metrics.json"
    write_metrics(metrics, measured)
    write_model(decide(lot, metrics, ACCEPTANCE, 5, 0.95), verdict)
    return verdict, measured


class Named(dict[str, Any]):
    """Files of a rule by name, as Snakemake gives them: also by attribute."""

    def __getattr__(self, name: str) -> Any:
        return self[name]


def run(rule: str, folder: Path, params: dict[str, Any], **given: dict[str, Any]) -> None:
    """Run a rule's script on planted files. Raises SystemExit when the rule fails."""
    log = folder / f"{rule}.log"
    code = provenance.code_digest(SCRIPTS / f"{rule}.py")
    fake = SimpleNamespace(
        log=[str(log)], params=SimpleNamespace(settings={}, code=code, **params),
        **{name: Named(found) for name, found in given.items()},
    )  # fmt: skip
    runpy.run_path(str(SCRIPTS / f"{rule}.py"), {"snakemake": fake})


def failed(rule: str, folder: Path, params: dict[str, Any], **given: dict[str, Any]) -> str:
    """The one sentence that a rule leaves in its log when it stops."""
    with pytest.raises(SystemExit):
        run(rule, folder, params, **given)
    said = (folder / f"{rule}.log").read_text(encoding="utf-8")
    assert said.startswith(f"{rule}: ") and said.count("\n") == 1, said
    return said


# seals


def test_a_sealed_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    content = {"a": 0.1 + 0.2, "b": [1, None, True], "c": {"é": "\u2028"}, "d": -0.0, "e": 1e300}
    write_sealed(content, tmp_path / "a.json")
    assert read_sealed(tmp_path / "a.json") == content


def test_a_new_layout_is_no_new_content(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_sealed({"b": 1.5, "a": [2]}, path)
    path.write_text(json.dumps(read_json(path), sort_keys=True), encoding="utf-8")
    assert read_sealed(path) == {"a": [2], "b": 1.5}


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(a=2),
        lambda content: content.update(a=True),
        lambda content: content.update(a=1.0),
        lambda content: content.update(b=None),
        lambda content: content.pop("b"),
        lambda content: content.update(seal="0" * 64),
        lambda content: content.update(seal=None),
        lambda content: content["c"].reverse(),
    ],
)
def test_any_edit_breaks_the_seal(change: Edit, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_sealed({"a": 1, "b": "x", "c": [1, 2]}, path)
    edit(path, change)
    with pytest.raises(KaryolotError, match=rf"a\.json: {CHANGED}.*delete it and run again"):
        read_sealed(path)


def test_a_key_that_stands_twice_breaks_the_seal(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_sealed({"outcome": "FAIL"}, path)
    path.write_text(path.read_text().replace('"FAIL"', '"FAIL", "outcome": "PASS"'))
    with pytest.raises(KaryolotError, match=CHANGED):
        read_sealed(path)


@pytest.mark.parametrize("content", [{}, [], None, 3, {"outcome": "PASS"}])
def test_a_file_without_a_seal_is_no_result(content: object, tmp_path: Path) -> None:
    write_json(content, tmp_path / "a.json")
    with pytest.raises(KaryolotError, match=r"a\.json: not a result of this version .*delete it and run again"):
        read_sealed(tmp_path / "a.json")


# tables and matrices

TABLE = pd.DataFrame({"transcript_id": ["T1", "T2"], "gene_id": ["G1", "G2"]})


def table(folder: Path) -> Path:
    write_table(TABLE, folder / "table.parquet", TranscriptGenes)
    return folder / "table.parquet"


def matrix(folder: Path) -> Path:
    write_expression(planted_expression.expression(planted_expression.PAIR, genes=20), folder / "table.h5ad")
    return folder / "table.h5ad"


READERS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], Any]]] = {
    "parquet": (table, lambda path: read_table(path, TranscriptGenes)),
    "h5ad": (matrix, read_expression),
}


def test_a_sealed_table_is_read_as_it_was_written_and_has_the_same_bytes_again(tmp_path: Path) -> None:
    path = table(tmp_path)
    assert read_table(path, TranscriptGenes).equals(TABLE)
    before = path.read_bytes()
    assert table(tmp_path).read_bytes() == before


@pytest.mark.parametrize("kind", READERS)
def test_any_changed_byte_breaks_the_seal_of_a_table(kind: str, tmp_path: Path) -> None:
    """Also one in the seal itself, and one that is cut off or added."""
    make, read = READERS[kind]
    path = make(tmp_path)
    whole = path.read_bytes()
    seal = whole.index(b"karyolot-seal:") + 20
    for place in {*range(0, len(whole), max(1, len(whole) // 60)), seal, len(whole) - 1}:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(
            KaryolotError, match=r"table\.\w+: (was changed after it was made|not a result of this version)"
        ):
            read(path)
    for other in (whole[:-1], whole + b"\n"):
        path.write_bytes(other)
        with pytest.raises(KaryolotError, match=rf"{CHANGED}|bears no seal"):
            read(path)


def test_a_table_that_was_opened_edited_and_saved_is_refused(tmp_path: Path) -> None:
    """As a person does with pandas, which drops the seal, and with pyarrow, which may keep it."""
    path = table(tmp_path)
    pd.read_parquet(path).assign(gene_id="G9").to_parquet(path)
    with pytest.raises(KaryolotError, match=r"bears no seal.*delete it and run again"):
        read_table(path, TranscriptGenes)
    held = parquet.read_table(table(tmp_path))
    seal = parquet.read_metadata(path).metadata[b"seal"]
    parquet.write_table(held.slice(0, 1).replace_schema_metadata({b"seal": seal}), path)
    with pytest.raises(KaryolotError, match=CHANGED):
        read_table(path, TranscriptGenes)


def test_an_edited_expression_is_refused(tmp_path: Path) -> None:
    path = matrix(tmp_path)
    with h5py.File(path, "r+") as handle:
        handle["obs"].attrs["note"] = "edited"
    with pytest.raises(KaryolotError, match=rf"{CHANGED}|bears no seal"):
        read_expression(path)


def test_no_sample_is_summarised_from_edited_facts_of_its_reads(tmp_path: Path) -> None:
    facts = tmp_path / "L1.json"
    write_sealed({"reads": 1000, "bases": 1, "read_length_min": 1, "read_length_max": 1, "files": []}, facts)
    edit(facts, lambda content: content.update(reads=9_000_000))
    with pytest.raises(KaryolotError, match=rf"L1\.json: {CHANGED}"):
        read_said(QualityFiles.inputs(QualityFiles(reads=(str(facts),))))


def test_rules_hand_over_no_table_without_a_seal() -> None:
    """The one .tsv is made for people, at the end."""
    shared = {text for text in vars(files).values() if isinstance(text, str) and text.startswith("results/")}
    assert {files.GENES, files.BINS} < shared
    assert [text for text in shared if text.endswith(".tsv")] == [files.LOTS_TSV], "for people"


# verdict and metrics


def test_the_verdict_is_read_with_its_metrics(tmp_path: Path) -> None:
    verdict, metrics = decided(tmp_path)
    assert read_verdict(verdict, metrics, "L1") == read_model(verdict, Verdict)


def test_a_verdict_edited_to_pass_is_refused(tmp_path: Path) -> None:
    verdict, metrics = decided(tmp_path)
    edit(verdict, lambda content: content.update(outcome="PASS"))
    with pytest.raises(KaryolotError, match=rf"verdict\.json: {CHANGED}"):
        read_verdict(verdict, metrics, "L1")


def test_edited_metrics_are_refused_by_every_reader(tmp_path: Path) -> None:
    verdict, metrics = decided(tmp_path)
    edit(metrics, lambda content: content["process.passage"].update(value=1))
    with pytest.raises(KaryolotError, match=rf"metrics\.json: {CHANGED}"):
        read_metrics(metrics)
    with pytest.raises(KaryolotError, match=rf"metrics\.json: {CHANGED}"):
        read_verdict(verdict, metrics, "L1")


def test_the_verdict_of_another_run_or_lot_is_refused(tmp_path: Path) -> None:
    """Each file bears its own good seal, but they do not belong together."""
    verdict, _ = decided(tmp_path / "now", passage=80)
    _, earlier = decided(tmp_path / "earlier", passage=8)
    with pytest.raises(KaryolotError, match=r"verdict\.json: not the verdict on .*hold other values.*run again"):
        read_verdict(verdict, earlier, "L1")
    with pytest.raises(KaryolotError, match=r"it is of lot L2, not L1"):
        read_verdict(*decided(tmp_path / "L2", lot="L2"), "L1")


@pytest.mark.parametrize("edited", ["metrics", "verdict"])
def test_no_record_is_assembled_from_an_edited_result(edited: str, tmp_path: Path) -> None:
    verdict, metrics = decided(tmp_path)
    change: dict[str, Edit] = {
        "verdict": lambda content: content.update(outcome="PASS", headline="The lot meets all criteria."),
        "metrics": lambda content: content["process.pdl"].update(value=1.0),
    }
    edit({"verdict": verdict, "metrics": metrics}[edited], change[edited])
    lot = failing().lot.model_copy(update={"lot_id": "L1"}).model_dump(mode="json")
    said = failed(
        "assemble_report", tmp_path, input=lot_inputs(verdict=str(verdict), metrics=str(metrics)),
        output={"report": str(tmp_path / "report.json")}, params={"lot": lot},
    )  # fmt: skip
    assert f"{edited}.json: {CHANGED}" in said and not (tmp_path / "report.json").exists()


def lot_inputs(**given: str) -> dict[str, Any]:
    """Inputs of `assemble_report` of a lot with DNA alone, all of them absent but those given."""
    own = LotFiles(
        dna=files.DNA.at(lot="absent"), rna=None, alleles=None, variants=None, mitochondria=None, kinetics=None, foreign=None,
        descent=None, recurrent="absent",
        earlier=(), data=(), own=(),
        quality=(), references="absent", **given,
    )  # fmt: skip
    return dict(LotFiles.inputs(own))


# records


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """The record of a lot that failed, edited to PASS."""
    path = tmp_path / "results" / failing().lot.lot_id / "report.json"
    write_report(failing(), path)
    assert read_report(path) == failing()
    edit(path, lambda content: content["verdict"].update(outcome="PASS"))
    return path


@pytest.mark.parametrize(
    ("rule", "output"),
    [
        ("render_report", ("html", "pdf", "figures")), ("render_overview", ("html", "tsv", "xlsx")),
        ("tabulate_verdicts", ("verdicts", "quality")),
    ],
)  # fmt: skip
def test_nothing_is_made_from_an_edited_record(
    rule: str, output: tuple[str, ...], edited: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "results" / passing().lot.lot_id / "report.json"
    write_report(passing(), whole)
    made = {name: str(tmp_path / "made" / name) for name in output}
    given = {"report": str(edited), "reports": [str(whole), str(edited)]}
    said = failed(rule, tmp_path, params={"samples": []}, input=given, output=made)
    assert f"{edited}: {CHANGED}" in said and "delete it and run again" in said
    assert not (tmp_path / "made").exists()


def test_an_edited_record_of_an_earlier_passage_stops_the_later_one(edited: Path, tmp_path: Path) -> None:
    with pytest.raises(KaryolotError, match=CHANGED):
        read_report(os.path.relpath(edited))
    other = tmp_path / "results" / "L9" / "report.json"
    write_report(passing(), other)
    with pytest.raises(KaryolotError, match="is the record of lot 'HLP-2031-04'"):
        read_report(other)
