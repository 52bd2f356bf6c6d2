"""Qualification of an installation on a finished lot: each check can pass and can fail."""

import hashlib
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pypdf
import pytest
import yaml

import planted
import planted_records
from karyolot.commands import installed
from karyolot.commands.installed import byte_check, code_check, repacked, tools_of, version_check
from karyolot.commands.qualify import _searched, _Site, qualify
from karyolot.commands.verify import verify
from karyolot.contracts.alleles import AlleleCounts
from karyolot.contracts.copy_number import Bins, Counts
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.qualification import Check, Program, Qualification, outcome_of, unchanged
from karyolot.contracts.small_variants import Consequences
from karyolot.dna.analysis import analyse
from karyolot.dna.qualification import Drivers, Pair, _hotspot, driver_check
from karyolot.dna.small_variants import search
from karyolot.dna.variant_errors import kind_of
from karyolot.inputs import check
from karyolot.io import ledger
from karyolot.io.files import read_model, write_json, write_model
from karyolot.io.results import write_copy_number
from karyolot.io.small_variants import read_pileup
from karyolot.io.tables import write_table
from karyolot.plan import files
from karyolot.report.qualification import render_qualification
from planted_variants import Settings, Study, loci, panel, write_pileup

SITES = 1500
pytestmark = pytest.mark.filterwarnings("ignore:.*sRGB2014[.]icc:pytest.PytestUnraisableExceptionWarning")


def alleles(genotype: np.ndarray, frequency: np.ndarray, seed: int, depth: int = 20) -> pd.DataFrame:
    """Schema AlleleCounts of a person; genotype: copies of alt at each site."""
    generator = np.random.default_rng(seed)
    total = generator.poisson(depth, SITES)
    alt = generator.binomial(total, np.clip(genotype / 2, 0.005, 0.995))
    start = 1_000_000 + 50_000 * np.arange(SITES)
    return pd.DataFrame(
        {
            "chrom": "chr1", "start": start, "end": start + 1, "ref": "A", "alt": "C", "frequency": frequency,
            "ref_count": total - alt, "alt_count": alt, "other_count": 0,
        }
    )  # fmt: skip


def person(seed: int, frequency: np.ndarray) -> np.ndarray:
    return np.random.default_rng(seed).binomial(2, frequency)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one lot that came as counts, with its results."""
    folder = tmp_path_factory.mktemp("site")
    bins = planted.genome(500_000)
    (folder / "config").mkdir()
    tables = {
        "D1-wgs": planted.sample(bins, [], "donor", "F", 10_000, 1),
        "L1-wgs": planted.sample(bins, [], "lot", "F", 10_000, 2),
    }
    settings = planted.SETTINGS.model_copy(update={"spike_ins": 100, "lod_sizes_mb": (5,)})
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.tsv", sep="\t", index=False)
        (folder / files.COUNTS.format(sample=name)).parent.mkdir(parents=True)
        write_table(table, folder / files.COUNTS.format(sample=name), Counts)
    bins[["chrom", "start", "end", "gc", "replication_timing", "gap"]].to_csv(
        folder / "bins.tsv", sep="\t", index=False
    )
    (folder / files.BINS).parent.mkdir(parents=True)
    write_table(bins, folder / files.BINS, Bins)
    frequency = np.random.default_rng(5).uniform(0.2, 0.8, SITES)
    own = person(6, frequency)
    for seed, name in enumerate(tables):
        write_table(alleles(own, frequency, seed), folder / files.ALLELES.format(sample=name), AlleleCounts)
    found = analyse(bins, tables["L1-wgs"], tables["D1-wgs"], "F", settings, planted.ATLAS, planted.LAYOUT)
    named = {name: str(folder / path) for name, path in files.DNA.at(lot="L1").named().items()}
    (folder / "results/L1/dna").mkdir(parents=True)
    write_copy_number(found, named)
    record = planted_records.passing()
    lot = record.lot.model_copy(update={"lot_id": "L1", "donor_id": "D1"})
    record = planted_records.reworded(record, lot=lot)
    write_json(record.model_dump(mode="json", by_alias=True), folder / "results/L1/report.json")
    config = {
        "reference": {"layout": "shipped:genomes/GRCh38.yaml", "bins": "bins.tsv"},
        "counting": {"bin_bp": 500_000},
        "copy_number": {"spike_ins": 100, "lod_sizes_mb": [5]},
    }
    (folder / "config/config.yaml").write_text(yaml.safe_dump(config))
    (folder / "config/donors.tsv").write_text("donor_id\tsex\nD1\tF\n")
    (folder / "config/lots.tsv").write_text("lot_id\tdonor_id\tpassage\nL1\tD1\t5\n")
    rows = [
        "sample_id\tassay\tlot_id\tdonor_id\tcounts",
        "D1-wgs\twgs\t\tD1\tD1-wgs.tsv",
        "L1-wgs\twgs\tL1\t\tL1-wgs.tsv",
    ]
    (folder / "config/samples.tsv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def qualified(finished: Path) -> tuple[Qualification, Path]:
    return qualify(finished, name="A. Person")


def outcomes(made: Qualification) -> dict[str, str]:
    return {check.id: check.outcome for check in made.checks}


def test_a_sound_site_passes_operation_and_performance(qualified: tuple[Qualification, Path]) -> None:
    made, _ = qualified
    found = outcomes(made)
    named = {check.id: f"{check.found} {check.reason}" for check in made.checks}
    for name in ("IQ4", "OQ1", "OQ2", "OQ3", "OQ4", "OQ5", "OQ6", "OQ7", "PQ1", "PQ2"):
        assert found[name] == "PASS", (name, named[name])
    assert (found["OQ8"], found["PQ3"]) == ("NOT DONE", "NOT DONE")
    assert "Trisomy 8" in named["OQ2"] and "5%" in named["OQ6"].replace("5.0%", "5%")
    assert made.number == 1 and made.differences == () and made.previous == ""


@pytest.mark.parametrize(
    ("region", "limit", "said"),
    [
        ("20q11.21", np.nan, r"no gain of 20q11.21 is detectable in these reads \(2 usable bins there\); deeper"),
        ("17q", 0.2, "20q11.21 is not among the recurrent regions of this study"),
    ],
)
def test_a_region_that_cannot_be_tested_is_named_with_the_reason(region: str, limit: float, said: str) -> None:
    arms = pd.DataFrame({"scope": ["recurrent"], "name": [region], "lod_gain": [limit], "bins": [2]})
    none = pd.DataFrame()
    made = _hotspot(Pair(none, none, none, arms, none, "F", planted.SETTINGS, planted.ATLAS))
    assert made.outcome == "NOT DONE" and re.search(said, made.reason)


def test_page_and_pdf_carry_the_record_and_the_ledger_its_checksum(
    finished: Path, qualified: tuple[Qualification, Path]
) -> None:
    made, folder = qualified
    page = (folder / "qualification.html").read_text()
    assert "Operational qualification (OQ)" in page and "Trisomy 8 in 20% of cells" in page
    entry = ledger.read(finished)[-1]
    assert entry.kind == "qualified" and entry.facts["sha256"] in page
    pdf = pypdf.PdfReader(folder / "qualification.pdf")
    assert pdf.attachments["qualification.json"][0] == (folder / "qualification.json").read_bytes()
    assert set(pdf.get_fields() or {}) >= {"prepared", "reviewed", "qa"}
    assert all(f"Qualification 1: {made.outcome}" in one.extract_text() for one in pdf.pages)
    assert made.name == "A. Person"


def test_a_second_qualification_shows_what_changed(
    finished: Path, qualified: tuple[Qualification, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts of the lot other than those its results were made from; a qualification that was killed has left a folder."""
    monkeypatch.setattr("karyolot.dna.qualification.copy_number_checks", lambda pair: [])
    site = tmp_path / "site"
    shutil.copytree(finished, site)
    shutil.copytree(site / "qualification/001", site / "qualification/002")
    lot = pd.read_parquet(site / files.COUNTS.format(sample="L1-wgs"))
    changed = lot.assign(count=lot["count"] + (np.arange(len(lot)) == 700) * 50)
    write_table(changed, site / files.COUNTS.format(sample="L1-wgs"), Counts)
    made, folder = qualify(site)
    assert made.number == 2 and folder.name == "002" and made.outcome == "FAIL"
    assert not [fault for finding in verify(site) for fault in finding.faults]
    assert outcomes(made)["PQ1"] == "FAIL"
    assert any(one.what.startswith("PQ1") and one.before.startswith("PASS") for one in made.differences)
    assert "Changes since the last qualification" in render_qualification(made, "0" * 64)


@pytest.mark.parametrize("forged", [True, False])
def test_an_edited_record_of_the_last_qualification_is_refused(
    finished: Path, qualified: tuple[Qualification, Path], tmp_path: Path, forged: bool
) -> None:
    """forged: with a digest that fits, which anybody can compute."""
    site = tmp_path / "site"
    shutil.copytree(finished, site)
    record = site / "qualification/001/qualification.json"
    if forged:
        write_model(read_model(record, Qualification).model_copy(update={"programs": ()}), record)
    else:
        record.write_text(record.read_text().replace("NOT DONE", "PASS"))
    with pytest.raises(
        KaryolotError, match=r"001/qualification.json: sha256 is \w{64}, line \d+ of the ledger recorded"
    ):
        qualify(site)


def test_a_study_without_a_finished_lot_is_told_to_run_first(finished: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    shutil.copytree(finished, site)
    shutil.rmtree(site / "results/L1")
    with pytest.raises(KaryolotError, match="run the study first"):
        qualify(site)


def test_recurrent_codons_of_tp53_are_called_at_their_limits(tmp_path: Path) -> None:
    """And not where the limits are stated far too low."""
    study, hotspots = Study(bases=1500), {f"R{n}": (100 * n, 100 * n + 3) for n in range(2, 12)}
    columns = write_pileup(tmp_path / "pileup.tsv.gz", study)
    pileup = read_pileup(tmp_path / "pileup.tsv.gz", columns, kind_of)
    asked = loci(study.bases, hotspots), panel(), Consequences.frame([])
    held = search(pileup, *asked, Settings()).limits
    drivers = Drivers(pileup, *asked, held, Settings(), (), None)
    found = driver_check(drivers)
    assert (found.outcome, found.found) == ("PASS", found.found) and "of 10 recurrent codons" in found.found
    low = driver_check(drivers._replace(limits=held.assign(fraction=0.01)))
    assert low.outcome == "FAIL"
    assert driver_check(None).outcome == "NOT DONE" and not driver_check(None).required


def program(version: str, sha256: str) -> Program:
    return Program(name="samtools", kind="tool", version=version, expected="1.16.1", sha256=sha256)


def test_a_byte_changed_tool_fails_and_an_upgrade_is_a_change_of_version() -> None:
    before = [program("1.16.1", "a")]
    assert byte_check([program("1.16.1", "a")], (), before).outcome == "PASS"
    changed = byte_check([program("1.16.1", "b")], (), before)
    assert changed.outcome == "FAIL" and "samtools 1.16.1: sha256 b, was a" in changed.found
    assert byte_check([program("1.17", "b")], (), before).outcome == "PASS"
    assert byte_check([program("1.16.1", "a")], ("numpy: numpy/core.py",), ()).outcome == "FAIL"
    assert version_check([program("1.17", "b")]).outcome == "FAIL"
    for version, outcome in (("1.16.1", "PASS"), ("1.16.1-r1188", "PASS"), ("1.16.10", "FAIL"), ("1.16.1.2", "FAIL")):
        assert version_check([program(version, "b")]).outcome == outcome


def test_a_changed_program_fails_until_it_is_restored_or_accepted(qualified: tuple[Qualification, Path]) -> None:
    good, bad = (Program(name="bwa", kind="tool", version="1", expected="1", sha256=one * 64) for one in "ab")
    failed = qualified[0].model_copy(update={"checks": (byte_check([bad], [], [good]),)})
    assert not unchanged(failed) and failed.checks[0].outcome == "FAIL"
    made = byte_check([bad], [], [good], "security update")
    assert (
        unchanged(failed.model_copy(update={"checks": (made,)})) and "accepted (security update): bwa 1" in made.found
    )
    assert byte_check([bad], ["numpy: x.so"], [good], "security update").outcome == "FAIL"


def test_code_with_changes_fails_and_unknown_code_is_not_done() -> None:
    assert code_check(False, "a" * 40).outcome == "PASS"
    assert code_check(True, "a" * 40).outcome == "FAIL"
    assert code_check(None, None).outcome == "NOT DONE"


def test_tools_are_hashed_as_they_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "samtools"
    tool.write_text("#!/bin/sh\necho samtools 1.16.1\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (first,) = tools_of(["samtools"])
    tool.write_text(tool.read_text() + "# other bytes\n")
    (second,) = tools_of(["samtools"])
    assert first.version == second.version == first.expected == "1.16.1"
    assert byte_check([second], (), [first]).outcome == "FAIL"


@pytest.mark.parametrize("manager", ["conda", "dpkg"])
def test_a_tool_with_other_bytes_than_its_package_is_found_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: str
) -> None:
    """No earlier qualification is needed."""
    tool = tmp_path / "bin" / "samtools"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho samtools 1.16.1\n")
    tool.chmod(0o755)
    content = tool.read_bytes()
    monkeypatch.setenv("PATH", str(tool.parent))
    monkeypatch.setattr(installed, "DPKG", tmp_path)
    if manager == "conda":
        (tmp_path / "conda-meta").mkdir()
        paths = [{"_path": "bin/samtools", "sha256_in_prefix": hashlib.sha256(content).hexdigest()}]
        (tmp_path / "conda-meta/samtools.json").write_text(json.dumps({"paths_data": {"paths": paths}}))
    else:
        (tmp_path / "samtools.md5sums").write_text(f"{hashlib.md5(content).hexdigest()}  {str(tool)[1:]}\n")
    assert repacked(["samtools"]) == ()
    tool.write_text("#!/bin/sh\necho samtools 1.16.1 # other\n")
    assert repacked(["samtools"]) == ("samtools: its file is not the one its package installed",)


def test_the_outcome_of_all_checks() -> None:
    def check(outcome: str, required: bool = True) -> Check:
        return Check(id="X", stage="IQ", title="", limit="", found="", outcome=outcome, required=required)  # type: ignore[arg-type]

    assert outcome_of((check("PASS"), check("NOT DONE", required=False))) == "PASS"
    assert outcome_of((check("PASS"), check("NOT DONE"))) == "INCOMPLETE"
    assert outcome_of((check("NOT DONE"), check("FAIL"))) == "FAIL"


@pytest.mark.parametrize(("gone", "searched"), [("L1-rna", True), ("D1-wgs", False), ("L1-wgs", False)])
def test_mutations_are_searched_in_reads_while_those_of_dna_are_there(
    finished: Path, monkeypatch: pytest.MonkeyPatch, gone: str, searched: bool
) -> None:
    """A run keeps no alignments of RNA."""
    asked = {"L1-wgs": "lot", "D1-wgs": "donor", "L1-rna": "rna_lot"}
    monkeypatch.setattr("karyolot.plan.samples.searched_samples", lambda *given: asked)
    monkeypatch.setattr("karyolot.commands.qualify._reads", lambda site, sample: None if sample == gone else Path("x"))
    path = finished / "config" / "config.yaml"
    settings, study = check.load(check.read_settings(path), finished, [path], contents=False)
    assert (_searched(_Site(finished, settings, study, "L1", "D1")) is not None) is searched
