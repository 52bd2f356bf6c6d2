"""The command line and the Snakefile end with a message and exit code 2 on wrong inputs, never with a traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from karyolot import check, defaults
from karyolot.config import load_config
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Donor, Lot, Sample
from karyolot.tables import parse_sheet

ROOT = Path(__file__).parents[2]


def karyolot(*arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "TERM": "dumb"}
    command = [sys.executable, "-m", "karyolot", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


def test_good_inputs_exit_0(study: Path) -> None:
    done = karyolot("check", "--directory", study)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "no problems in 2 donors, 4 lots, 18 samples\n"


def test_wrong_inputs_exit_2(study: Path, tmp_path: Path) -> None:
    shutil.copytree(study / "config", tmp_path / "config")
    lots = tmp_path / "config/lots.tsv"
    lots.write_text(lots.read_text().replace("MCB", "MBC"))
    done = karyolot("check", cwd=tmp_path)
    assert done.returncode == 2
    assert "E17 error: config/lots.tsv, line 2, bank = 'MBC'\n" in done.stderr
    assert "E02 error: config/samples.tsv, line 2, fastq_1 = " in done.stderr
    assert "E02 error: config/config.yaml, line " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "does not exist"),
        ("a: [", "is not YAML"),
        ("- a", "holds no settings"),
        ("reads:\n  x: 1\n  x: 2\n", "line 3"),
    ],
)
def test_a_configuration_that_cannot_be_read(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / "config").mkdir()
        (tmp_path / "config/config.yaml").write_text(text)
    done = karyolot("check", "--directory", tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_simulate_leaves_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    done = karyolot("simulate", tmp_path)
    assert done.returncode == 2
    assert "not an empty folder" in done.stderr


def test_help_names_every_command() -> None:
    done = karyolot("--help")
    assert done.returncode == 0
    assert all(command in done.stdout for command in ("check", "defaults", "simulate"))


def test_generated_documents_are_up_to_date() -> None:
    outdated = defaults.outdated(ROOT, lambda path: path.read_text(encoding="utf-8"))
    assert not outdated, f"{' and '.join(outdated)}: run `{defaults.WRITE_COMMAND}`"


def test_the_readme_has_every_generated_part() -> None:
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    for model in (Sample, Lot, Donor):
        assert all(f"| `{column}` |" in text for column in model.model_fields)
    assert all(f"| `{key}` |" in text for key in ("counting.bin_bp", "acceptance", "pathways.seed"))
    assert "| `E06` |" in text


def test_defaults_are_the_defaults() -> None:
    text = (ROOT / "config/defaults.yaml").read_text(encoding="utf-8")
    assert load_config(yaml.safe_load(text)) == Config()
    assert karyolot("defaults").stdout == text


def test_the_template_lacks_nothing_but_rows() -> None:
    path = ROOT / "config/config.yaml"
    _, draft, problems = check.examine(yaml.safe_load(path.read_bytes()), ROOT, [path])
    assert not draft.rows
    assert {problem.message for problem in problems} == {"the sheet has a header and no row"}


@pytest.mark.parametrize(("name", "model"), defaults.SHEETS.items())
def test_the_templates_example_rows_are_right(name: str, model: type[Sample | Lot | Donor]) -> None:
    remark, *lines = (ROOT / f"config/{name}.tsv").read_text(encoding="utf-8").splitlines()
    text = "\n".join([remark, *(line.removeprefix("# ") for line in lines)])
    entries, problems = parse_sheet(text.encode(), name, model)
    assert entries
    assert problems == []


SNAKEFILE = """
import sys
from pathlib import Path
sys.path.insert(0, {package!r})
from karyolot import check

configfile: "config/config.yaml"

settings, study = check.load_or_stop(config, Path.cwd(), workflow.configfiles, contents=workflow.is_main_process)

rule all:
    output: "done.txt"
    shell: "touch {{output}}"
"""


def test_snakemake_stops_before_any_job_with_exit_2_and_no_traceback(study: Path, tmp_path: Path) -> None:
    shutil.copytree(study / "config", tmp_path / "config")
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(package=str(ROOT / "workflow")))
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert not (tmp_path / "done.txt").exists()
    assert "Traceback" not in done.stderr
    assert "nothing was run" in done.stderr
    assert "E02 error: config/config.yaml, line 2, reference.layout" in done.stderr
