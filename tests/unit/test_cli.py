"""The command line and the Snakefile end with a message and exit code 2 on wrong inputs, never with a traceback."""

import errno
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from karyolot import __version__
from karyolot.commands import cli, defaults
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Donor, Lot, Sample
from karyolot.inputs import check
from karyolot.inputs.sheets import parse_sheet
from karyolot.inputs.study import parse_config
from karyolot.io.record import write_report
from planted_records import failing

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
    names = {line.split()[0] for line in done.stdout.partition("Commands:")[2].splitlines() if line.strip()}
    assert {"init", "add-lot", "check", "run", "report", "explain", "defaults", "call", "simulate"} <= names


def test_the_version_says_which_code_runs() -> None:
    done = karyolot("--version")
    assert done.returncode == 0
    start, commit = done.stdout.split(", commit ")
    assert start == f"karyolot {__version__} from {ROOT}" and re.match(r"([0-9a-f]{40}|unknown)\b", commit)


def test_help_imports_nothing_heavy() -> None:
    """`karyolot --help` answers at once: what a command needs is imported when it runs."""
    code = "import sys; from karyolot.commands import cli; print(sorted({name.split('.')[0] for name in sys.modules}))"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert not {
        name
        for name in ("pandas", "numpy", "pydantic", "pysam", "jinja2", "yaml", "snakemake")
        if f"'{name}'" in done.stdout
    }


def test_generated_documents_are_up_to_date() -> None:
    made = defaults.documents({name: (ROOT / name).read_text(encoding="utf-8") for name in defaults.SOURCES})
    outdated = [name for name, text in made.items() if (ROOT / name).read_text(encoding="utf-8") != text]
    assert not outdated, f"{' and '.join(outdated)}: run `{defaults.WRITE_COMMAND}`"


def test_the_readme_has_every_generated_part() -> None:
    text = (ROOT / "config/README.md").read_text(encoding="utf-8")
    for model in (Sample, Lot, Donor):
        assert all(f"| `{column}` |" in text for column in model.model_fields)
    assert all(f"| `{key}` |" in text for key in ("counting.bin_bp", "acceptance", "pathways.seed"))
    assert "| `E06` |" in text


def test_defaults_are_the_defaults() -> None:
    text = (ROOT / "config/defaults.yaml").read_text(encoding="utf-8")
    assert parse_config(yaml.safe_load(text)) == (Config(), [])
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


def first_lot(directory: str | Path) -> list[str | Path]:
    """What a new user types for the first lot of a new donor."""
    reads = "reads/{0}_{1}_R1.fastq.gz,reads/{0}_{1}_R2.fastq.gz"
    return [
        *("add-lot", "L9", "--directory", directory, "--donor", "D1", "--passage", "4", "--bank", "MCB"),
        *("--sex", "F", "--age", "34", "--wgs", reads.format("L1-clean-wgs", "L1")),
        *("--donor-wgs", reads.format("D1-wgs", "L1"), "--donor-wgs", reads.format("D1-wgs", "L2")),
    ]


def test_a_new_user_comes_from_nothing_to_a_planned_run(study: Path, tmp_path: Path) -> None:
    """init, add-lot, check, run; in a folder whose name a shell would act on."""
    name = 'my "study" it\'s $(touch owned)'
    done = karyolot("init", name, cwd=tmp_path)
    assert done.returncode == 0 and "config.yaml" in done.stdout and done.stderr == ""
    done = karyolot(*first_lot(name), cwd=tmp_path)
    assert done.returncode == 2 and "reference.fasta" in done.stderr, "the genome was not named yet"
    assert "lot 'L9' was not added: no sheet was changed" in done.stderr

    for part in ("reads", "reference"):
        (tmp_path / name / part).symlink_to(study / part)
    for part in ("config.yaml", "acceptance.yaml"):
        shutil.copy(study / "config" / part, tmp_path / name / "config" / part)
    done = karyolot(*first_lot(name), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("lot L9 added, rows: 1 to ") and "Traceback" not in done.stderr
    done = karyolot(*first_lot(name), cwd=tmp_path)
    assert done.returncode == 2 and "the id is already in line" in done.stderr
    done = karyolot("check", "--directory", name, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "no problems in 1 donors, 1 lots, 2 samples\n")

    done = karyolot("run", name, "--", "--dag", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("digraph"), "nothing but the graph on stdout"
    line = next(line for line in done.stderr.splitlines() if "--snakefile" in line)
    assert shlex.split(line)[shlex.split(line).index("--directory") + 1] == name
    plain = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "".join(sorted(plain.stdout)) == "".join(sorted(done.stdout)), "the command that is printed does the same"
    assert sorted(path.name for path in tmp_path.iterdir()) == [name], "nothing in a name was run"


def test_run_ends_with_2_on_wrong_inputs(study: Path, tmp_path: Path) -> None:
    done = karyolot("run", tmp_path)
    assert done.returncode == 2 and "karyolot init" in done.stderr
    shutil.copytree(study / "config", tmp_path / "config")
    done = karyolot("run", tmp_path, "--", "--cores", "1")
    assert done.returncode == 2, done.stderr
    assert "E02 error: config/config.yaml, line 2, reference.layout" in done.stderr
    assert "Traceback" not in done.stderr and done.stdout == ""


def test_explain_and_report_of_a_finished_lot(tmp_path: Path) -> None:
    record = failing()
    lot, folder = record.lot.lot_id, tmp_path / "results" / failing().lot.lot_id
    write_report(record, folder / "report.json")
    done = karyolot("explain", lot, "--directory", tmp_path)
    assert done.returncode == 0 and done.stdout.startswith(f"{lot}  ✗ FAIL\n"), done.stderr
    done = karyolot("explain", lot, "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["not_passed"][0]["id"] == "C02"
    done = karyolot("report", lot, "--directory", tmp_path)
    assert done.stdout.splitlines()[0] == str(folder / "report.html")
    assert (folder / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    done = karyolot("explain", "HLP-2031-7", cwd=tmp_path)
    assert done.returncode == 2 and f"did you mean {lot}?" in done.stderr


def test_a_terminal_that_knows_only_ascii(tmp_path: Path) -> None:
    write_report(failing(), tmp_path / "results" / failing().lot.lot_id / "report.json")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "workflow"), "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "karyolot", "explain", failing().lot.lot_id]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "? FAIL\n" in done.stdout


SNAKEFILE = """
import sys
from pathlib import Path
sys.path.insert(0, {package!r})
from karyolot.inputs import check

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


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_a_disk_that_refuses_is_one_sentence(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), "results/L1/report.html")

    monkeypatch.setattr(cli, "app", refuse)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith(f"results/L1/report.html: {os.strerror(number)}; ")


def test_a_fault_of_ours_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.EBADF, "Bad file descriptor")

    monkeypatch.setattr(cli, "app", fail)
    with pytest.raises(OSError, match="Bad file"):
        cli.main()
