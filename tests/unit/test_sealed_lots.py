"""Sealed lots: every change of a file, of the ledger, of the criteria or of a report is found and named."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import finished_lots
from karyolot.commands.cli import app
from karyolot.commands.report import render_again
from karyolot.commands.seal import revise, seal
from karyolot.commands.verify import verify
from karyolot.contracts.changes import changes
from karyolot.contracts.ledger import sealed_lots, states
from karyolot.contracts.manifest import MANIFEST
from karyolot.contracts.problems import KaryolotError
from karyolot.io import ledger
from karyolot.io.files import read_json, sha256
from karyolot.io.history import issue
from karyolot.io.manifest import read_manifest, superseded
from karyolot.io.record import read_record


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """L1 and L2 sealed, L3 not; read only."""
    folder = finished_lots.study(tmp_path_factory.mktemp("study") / "study")
    for lot in ("L1", "L2"):
        seal(folder, lot, "A. Mayer")
    return folder


@pytest.fixture
def study(whole: Path, tmp_path: Path) -> Path:
    """A copy to be damaged."""
    folder = tmp_path / "study"
    shutil.copytree(whole, folder)
    for path in (folder / "results").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


def faults(folder: Path, target: str = "") -> list[str]:
    return [fault.replace(f"{folder}/", "") for finding in verify(folder, target) for fault in finding.faults]


def notes(folder: Path) -> list[str]:
    return [note for finding in verify(folder) for note in finding.notes]


def state(folder: Path) -> dict[str, tuple[int, str]]:
    return {str(path): (path.stat().st_mtime_ns, sha256(path)) for path in folder.rglob("*") if path.is_file()}


def test_a_sealed_study_is_as_recorded(whole: Path) -> None:
    assert faults(whole) == []
    assert list(sealed_lots(ledger.read(whole))) == ["L1", "L2"]
    found = CliRunner().invoke(app, ["verify", "--directory", str(whole)])
    assert found.exit_code == 0 and "no differences found" in found.output


def test_the_manifest_says_what_a_lot_was_made_from(whole: Path) -> None:
    held = read_manifest(whole / "results" / "L1")
    record = read_record(whole, "L1")
    assert (held.lot_id, held.revision, held.report_id) == ("L1", 1, record.report_id)
    assert held.record_sha256 == record.digest() and held.by == "A. Mayer"
    assert {file.path for file in held.files} == {
        "acceptance.yaml",
        "dna/calls.tsv",
        "report.html",
        "report.json",
        "report.pdf",
    }
    assert held.provenance == record.provenance.model_dump(mode="json")
    assert [row["lot_id"] for row in held.rows["lots"]] == ["L1"]
    assert [row["sample_id"] for row in held.rows["samples"]] == ["L1-wgs", "D1-wgs"]
    assert {file.path for file in held.sheets} == {
        "config/config.yaml",
        *(f"config/{x}.tsv" for x in ("samples", "lots", "donors")),
    }


def test_sealed_files_are_read_only_and_sealing_again_changes_nothing(study: Path) -> None:
    before, entries = state(study / "results" / "L1"), len(ledger.read(study))
    manifest, new = seal(study, "L1")
    assert not new and manifest.revision == 1
    assert state(study / "results" / "L1") == before and len(ledger.read(study)) == entries
    assert not any(path.stat().st_mode & 0o222 for path in (study / "results" / "L1").rglob("*"))


def test_a_second_lot_leaves_the_files_of_the_first_untouched(study: Path) -> None:
    before = state(study / "results" / "L1")
    with (study / "config" / "lots.tsv").open("a") as sheet:
        sheet.write("L4\tD1\t5\n")
    with (study / "config" / "samples.tsv").open("a") as sheet:
        sheet.write("L4-wgs\tL4\t\twgs\tL4.tsv\n")
    seal(study, "L3")
    assert state(study / "results" / "L1") == before
    assert faults(study) == []


def test_a_flipped_bit_in_any_sealed_file_is_named(study: Path) -> None:
    for path in sorted((study / "results" / "L1").rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
            assert faults(study)[0].startswith(f"results/L1/{path.relative_to(study / 'results' / 'L1')}: sha256 is ")
            path.write_bytes(content)
    assert faults(study) == []


def test_a_missing_an_added_and_a_linked_file_are_named(study: Path) -> None:
    folder = study / "results" / "L1"
    (folder / "dna" / "calls.tsv").unlink()
    (folder / "notes.txt").write_text("x")
    assert [fault.partition(";")[0] for fault in faults(study)] == [
        "results/L1/dna/calls.tsv: is missing", "results/L1/notes.txt: was added after the seal",
    ]  # fmt: skip
    (folder / "notes.txt").unlink()
    (folder / "dna" / "calls.tsv").symlink_to(study / "config" / "lots.tsv")
    assert faults(study)[0].startswith("results/L1/dna/calls.tsv: is a link")


def test_a_link_in_place_of_a_sealed_folder_is_named(study: Path, tmp_path: Path) -> None:
    folder = study / "results" / "L1"
    folder.rename(tmp_path / "elsewhere")
    folder.symlink_to(tmp_path / "elsewhere")
    assert faults(study)[0].startswith("results/L1: is a link")


@pytest.mark.parametrize("name", ["report.json", "report.pdf"])
def test_the_report_of_another_lot_is_named(study: Path, name: str) -> None:
    shutil.copy(study / "results" / "L2" / name, study / "results" / "L1" / name)
    assert re.fullmatch(
        rf"results/L1/{name}: sha256 is \w{{64}}, sealed with \w{{64}}; it is the report of lot L2, not of L1",
        faults(study)[0],
    )


def test_a_removed_line_of_the_ledger_is_named_and_the_seals_it_held(study: Path) -> None:
    path = study / ledger.NAME
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    first, second = faults(study)
    assert (
        first
        == f"ledger.jsonl: line {len(lines)} was removed: ledger.head records {len(lines)} lines, and {len(lines) - 1} are there"
    )
    assert second.startswith("results/L2/seal.json: the ledger has no entry of this seal")


def test_a_chain_computed_anew_is_found_by_the_manifests(study: Path) -> None:
    """Who may write may compute every digest of the ledger; what was sealed before holds another one."""
    events = [(entry.kind, dict(entry.facts)) for entry in ledger.read(study)]
    events[0][1]["verdict"] = "FAIL"
    for name in (ledger.NAME, ledger.HEAD):
        (study / name).unlink()
    ledger.append(study, *events)
    assert not ledger.inspect(study).fault
    assert faults(study)[0].startswith("ledger.jsonl: line 3 is not the one that results/L1/seal.json names")


def test_an_edited_manifest_is_named(study: Path) -> None:
    path = study / "results" / "L1" / MANIFEST
    path.write_text(path.read_text().replace("A. Mayer", "B. Mayer"))
    assert faults(study)[0].startswith("results/L1/seal.json: sha256 is ")


def test_criteria_edited_after_sealing_are_named_unless_their_version_was_raised(study: Path) -> None:
    path = study / "config" / "acceptance.yaml"
    text = path.read_text().replace('op: "<="', 'op: "<"', 1)
    assert text != path.read_text()
    path.write_text(text)
    assert faults(study)[0].startswith(
        "config/acceptance.yaml: changed after the seal, still version HepLPC genomic stability"
    )
    path.write_text(re.sub(r"^version: .*$", 'version: "99"', text, flags=re.M))
    findings = list(verify(study))
    assert not any(finding.faults for finding in findings)
    assert any(
        "criteria in use are HepLPC genomic stability 99" in note for finding in findings for note in finding.notes
    )


def test_a_report_is_known_wherever_it_lies(study: Path, tmp_path: Path) -> None:
    copy = tmp_path / "mailed.pdf"
    shutil.copy(study / "results" / "L1" / "report.pdf", copy)
    (*_, finding) = verify(study, str(copy))
    assert not finding.faults and finding.notes[0].startswith("report of lot L1, revision 1, issued ")
    assert sha256(copy) in finding.what


def test_a_page_with_other_words_is_named_with_them(study: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    text = (study / "results" / "L1" / "report.html").read_text()
    page.write_text(text.replace("Genomic stability report</small>", "Genomic stability certificate</small>"))
    found = " ".join(faults(study, str(page)))
    assert "is of no report that was issued here" in found
    assert "certificate</small>" in found and "recorded as" in found


def test_a_pdf_printed_again_with_other_words_is_named_with_them(tmp_path: Path) -> None:
    folder = finished_lots.study(tmp_path / "study", lots=("L1",), in_ledger=False)
    results = folder / "results" / "L1"
    attached = (results / "report.json").read_bytes()
    (results / "report.pdf").write_bytes(finished_lots.pdf(attached, "The lot is not stable"))
    finished_lots.enter(folder, "L1")
    seal(folder, "L1")
    other = tmp_path / "other.pdf"
    other.write_bytes(finished_lots.pdf(attached, "The lot is stable"))
    assert "page 1: reads 'lot is stable', recorded as 'lot is not stable'" in " ".join(faults(folder, str(other)))


def test_a_record_with_another_value_is_named_with_it(study: Path, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    record = read_json(study / "results" / "L1" / "report.json")
    record["verdict"]["outcome"] = "FAIL"
    path.write_text(json.dumps(record))
    found = " ".join(faults(study, str(path)))
    assert "which is not its report id" in found and "verdict / outcome is FAIL, recorded as PASS" in found


def test_a_page_of_another_record_is_compared_with_the_lot_it_names(study: Path, tmp_path: Path) -> None:
    """The words of a record are a part of it; a page made from other words states another digest."""
    content = read_json(study / "results" / "L1" / "report.json")
    front = content["text"]["front"]
    front["headline"] = "The lot was released."
    other = read_record(study, "L1")
    text = other.text.model_copy(update={"front": other.text.front.model_copy(update={"headline": front["headline"]})})
    other = other.model_copy(update={"text": text}).sealed()
    (tmp_path / "report.json").write_text(json.dumps(content | {"report_id": other.report_id}))
    found = " ".join(faults(study, str(tmp_path / "report.json")))
    assert "text / front / headline is The lot was released., recorded as " in found
    finished_lots.finish(tmp_path, other)
    shutil.copy(tmp_path / "results" / "L1" / "report.html", tmp_path)
    found = " ".join(faults(study, str(tmp_path / "report.html")))
    assert "is of no report that was issued here" in found and "report.html: report.html, line " in found
    (tmp_path / "report.html").write_text("<title>L9 PASS - genomic stability report</title>")
    assert "has no report of lot L9" in " ".join(faults(study, str(tmp_path / "report.html")))


def test_what_is_no_lot_and_no_report_is_an_input_error(whole: Path) -> None:
    with pytest.raises(KaryolotError, match=r"neither a report .*did you mean L1"):
        list(verify(whole, "L11"))
    with pytest.raises(KaryolotError, match="does not exist: no run of this version"):
        list(verify(whole / "config"))


def test_a_lot_whose_parts_do_not_belong_together_is_not_sealed(tmp_path: Path) -> None:
    folder = finished_lots.study(tmp_path / "study")
    results = folder / "results" / "L1"
    shutil.copy(folder / "results" / "L2" / "report.html", results / "report.html")
    with pytest.raises(KaryolotError, match="was made from another record"):
        seal(folder, "L1")
    (results / "report.pdf").unlink()
    with pytest.raises(KaryolotError, match=r"report\.pdf does not exist"):
        seal(folder, "L1")
    path = folder / "config" / "acceptance.yaml"
    path.write_text(path.read_text() + "\n# another\n")
    with pytest.raises(KaryolotError, match="was changed since L2 was decided"):
        seal(folder, "L2")
    assert not sealed_lots(ledger.read(folder))


def test_criteria_that_are_not_effective_yet_seal_nothing(tmp_path: Path) -> None:
    folder = finished_lots.study(tmp_path / "study", lots=("L1",))
    path = folder / "config" / "acceptance.yaml"
    path.write_text("effective: 2999-01-01\n" + path.read_text())
    finished_lots.finish(folder, finished_lots.record("L1", sha256(path)))
    with pytest.raises(KaryolotError, match="effective from 2999-01-01; no lot can be sealed by it before"):
        seal(folder, "L1")


@pytest.mark.parametrize(
    ("file", "text", "other", "said"),
    [
        (
            "lots.tsv",
            "L3\tD1\t4",
            "L3\tD1\t9",
            r"config/lots.tsv, .*: facts / passage is 9, and L3 was made with 4; run",
        ),
        ("donors.tsv", "D1\tF", "D1\tM", "donor_sex is M, and L3 was made with F; run again, then seal"),
        (
            "samples.tsv",
            "\tL3.tsv",
            "\tL3b.tsv",
            r"samples.tsv or settings: L3.tsv is nothing, and L3 was made with 5e5e",
        ),
        (
            "config.yaml",
            "acceptance:",
            "copy_number: {power: 0.9}\nacceptance:",
            "copy_number.power is 0.9, and L3 was made",
        ),
        (
            "config.yaml",
            "genome.fa",
            "other.fa",
            "settings: reference.fasta is other.fa, and L3 was made with genome.fa",
        ),
        ("lots.tsv", "L3\tD1\t4\n", "", "config/lots.tsv: has no row of lot L3; put it back, then seal"),
    ],
)
def test_a_lot_is_sealed_with_the_sheets_and_settings_it_was_made_from(
    study: Path, file: str, text: str, other: str, said: str
) -> None:
    path = study / "config" / file
    assert text in path.read_text()
    path.write_text(path.read_text().replace(text, other))
    if file == "lots.tsv" and not other:
        samples = study / "config" / "samples.tsv"
        rows = samples.read_text().splitlines(keepends=True)
        samples.write_text("".join(row for row in rows if not row.startswith("L3")))
    count = len(ledger.read(study))
    with pytest.raises(KaryolotError, match=said):
        seal(study, "L3")
    assert len(ledger.read(study)) == count and not (study / "results" / "L3" / MANIFEST).exists()


def test_a_result_added_after_the_run_and_another_checksum_are_not_sealed(study: Path) -> None:
    results = study / "config" / "lot_results.tsv"
    results.write_text(f"lot_id\tkind\tvalue\tdocument\tsha256\nL3\tmycoplasma\tnegative\tQC-7\t{'ab' * 32}\n")
    with pytest.raises(
        KaryolotError, match=r"config/lot_results.tsv: results is .*QC-7.*, and L3 was made with nothing"
    ):
        seal(study, "L3")
    results.unlink()
    samples = study / "config" / "samples.tsv"
    rows = [f"{row}\t{'ab' * 32 if row.startswith('L3') else ''}" for row in samples.read_text().splitlines()[1:]]
    samples.write_text("\n".join(["sample_id\tlot_id\tdonor_id\tassay\tcounts\tsha256_1", *rows]) + "\n")
    with pytest.raises(KaryolotError, match=r"L3.tsv is (ab){32}, and L3 was made with (5e){32}"):
        seal(study, "L3")


def test_a_changed_row_of_a_sealed_lot_is_stated_and_no_other(study: Path) -> None:
    path = study / "config" / "lots.tsv"
    path.write_text(path.read_text().replace("L1\tD1\t4", "L1\tD1\t7") + "L4\tD1\t5\n")
    with (study / "config" / "samples.tsv").open("a") as samples:
        samples.write("L4-wgs\tL4\t\twgs\tL4.tsv\n")
    assert notes(study) == ["sheets: lots / L1 / passage is 7; the lot was sealed with 4"]
    path.write_text("not a sheet")
    (first, second) = notes(study)
    assert first == second and first.startswith("sheets were not compared with those of the seal: ")


def test_a_sealed_report_is_not_rendered_again(study: Path) -> None:
    with pytest.raises(KaryolotError, match=r"was sealed .*: its report stays as it is"):
        render_again(study, "L1")


def test_a_revision_stands_beside_the_sealed_one_and_says_what_changed(study: Path) -> None:
    old = read_record(study, "L1")
    assert revise(study, "L1", "passage was entered wrongly", "B. Kim") == 2
    assert not (study / "results" / "L1").exists() and (superseded(study, "L1", 1) / MANIFEST).is_file()
    assert faults(study) == []
    sheet = study / "config" / "lots.tsv"
    sheet.write_text(sheet.read_text().replace("L1\tD1\t4", "L1\tD1\t9"))
    facts = old.lot.facts | {"passage": 9}
    new = old.model_copy(update={"lot": old.lot.model_copy(update={"facts": facts})}).sealed()
    finished_lots.finish(study, new)
    issue(study, new, study / "results" / "L1" / "report.json", None)
    finished_lots.enter(study, "L1")
    held = read_record(study, "L1").revision
    assert held is not None and (held.number, held.supersedes, held.name) == (2, old.report_id, "B. Kim")
    assert held.reason == "passage was entered wrongly" and held.record_sha256 == old.digest()
    assert [(one.value, one.old, one.new) for one in held.changes] == [
        ("lot / facts / passage", str(old.lot.facts["passage"]), "9")
    ]
    page = finished_lots.planted_records.html(read_record(study, "L1"))
    assert "Supersedes report" in page and "lot / facts / passage" in page and "passage was entered wrongly" in page
    seal(study, "L1")
    assert [entry.kind for entry in ledger.read(study)][-3:] == ["report_issued", "sealed", "superseded"]
    assert states(ledger.read(study))["L1"].revision == 2
    assert faults(study) == []
    (superseded(study, "L1", 1) / "dna" / "calls.tsv").chmod(0o644)
    (superseded(study, "L1", 1) / "dna" / "calls.tsv").write_text("x")
    assert faults(study)[0].startswith("revisions/L1/1/dna/calls.tsv: sha256 is ")


def test_only_a_sealed_lot_is_revised_and_only_with_a_reason(study: Path) -> None:
    with pytest.raises(KaryolotError, match="L3 is not sealed"):
        revise(study, "L3", "because")
    with pytest.raises(KaryolotError, match="needs --reason"):
        revise(study, "L1", " ")
    assert faults(study) == []


def planted_revision(study: Path) -> None:
    (study / "revisions" / "L1" / "1").mkdir(parents=True)


def file_of_revisions(study: Path) -> None:
    (study / "revisions").write_text("x")


def edited_record(study: Path) -> None:
    path = study / "results" / "L1" / "report.json"
    path.write_text(path.read_text().replace("PASS", "FAIL"))


def record_gone(study: Path) -> None:
    (study / "results" / "L1" / "report.json").unlink()


@pytest.mark.parametrize(
    ("before", "said"),
    [
        (planted_revision, r"revisions/L1/1: is there already, and the ledger has no entry of it"),
        (file_of_revisions, r"revisions/L1: cannot be made \(Not a directory\)"),
        (edited_record, r"L1/report.json: its record has sha256 \w{64}, and \w{64} was sealed; restore the file"),
        (record_gone, r"L1/report.json: holds no record, and \w{64} was sealed; restore the file"),
    ],
)
def test_a_revision_that_cannot_be_completed_is_not_opened(
    study: Path, before: Callable[[Path], None], said: str
) -> None:
    before(study)
    with pytest.raises(KaryolotError, match=said):
        revise(study, "L1", "another reference")
    assert states(ledger.read(study))["L1"].sealed is not None and (study / "results" / "L1" / MANIFEST).is_file()


def test_a_revision_that_was_interrupted_is_completed(study: Path) -> None:
    """Killed between the ledger and the move: the next command moves the sealed revision to its place."""
    entry = states(ledger.read(study))["L1"].sealed
    assert entry is not None
    kept = {key: entry.facts[key] for key in ("report_id", "record_sha256", "manifest_sha256")}
    facts = {"lot": "L1", "revision": 2, "reason": "x", "name": "y", "sealed_at": entry.at, **kept}
    ledger.append(study, ("revised", facts))
    assert faults(study) == []
    with pytest.raises(KaryolotError, match="holds no record of a lot 'L1'"):
        seal(study, "L1")
    assert read_manifest(superseded(study, "L1", 1)).revision == 1


def test_values_that_changed_are_named_one_by_one() -> None:
    old = {
        "a": 1,
        "rows": [{"id": "C01", "x": 1}, {"id": "C02", "x": 2}],
        "bins": list(range(20)),
        "text": "x",
        "gone": "y",
    }
    new = {"a": 1.5, "rows": [{"id": "C02", "x": 3}, {"id": "C03", "x": 2}], "bins": [0, *range(2, 21)], "text": "z"}
    assert [(one.value, one.old, one.new) for one in changes(old, new)] == [
        ("a", "1", "1.5"),
        ("rows / C01", '{"id": "C01", "x": 1}', None),
        ("rows / C02 / x", "2", "3"),
        ("rows / C03", None, '{"id": "C03", "x": 2}'),
        ("bins", "20 values", "20 values, 19 of them different"),
        ("gone", "y", None),
    ]  # fmt: skip
