"""`./run` on machines that lack something: it says what, and how to get it, before it changes anything.

Each test copies `run` beside a lock and a tool table and gives it a PATH of its own, made of stand-ins.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BORROWED = "awk bash cat dirname find flock grep head mv readlink rm sha256sum sort tail xargs".split()
OK, WRONG_COMMAND, MACHINE_LACKS = 0, 2, 3

FAKE_PYTHON = """#!/bin/sh
case "$*" in
    -V) echo "Python {version}" ;;
    *sys.exit*) exit {code} ;;
    *ctypes*) exit {libraries} ;;
    "-m venv "*)
        for folder; do :; done
        mkdir -p "$folder/bin"
        cp "$0" "$folder/bin/python"
        cp "$0" "$folder/bin/pip"
        echo "# $folder/bin/python" >> "$folder/bin/pip"
        for command in karyolot snakemake; do
            printf '#!/bin/sh\\necho %s "$@"\\n' "$command" > "$folder/bin/$command"
            chmod +x "$folder/bin/$command"
        done
        ;;
    "install "*) echo "pip $*" ;;
    "- "*) exec {python} "$@" ;;
esac
"""
"""Answers as `./run` asks; as pip it only says what it was asked. A program on its standard input is run by a real one."""


class Machine:
    """A checkout with a space in its path, and a PATH folder `bin` the tests fill."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "my project"
        self.bin = folder / "bin"
        self.bin.mkdir()
        (self.project / "envs").mkdir(parents=True)
        for name in ("run", "requirements.lock", "envs/tools.tsv"):
            shutil.copy(ROOT / name, self.project / name)
        for name in [*BORROWED, "chmod", "cp", "mkdir", "sh"]:
            (self.bin / name).symlink_to(str(shutil.which(name)))
        self.provide("python3", FAKE_PYTHON.format(version="3.11.2", code=0, libraries=0, python=sys.executable))

    def provide(self, name: str, script: str) -> None:
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(script, encoding="utf-8")
        (self.bin / name).chmod(0o755)

    def provide_tools(self, **versions: str) -> None:
        shown = {"bcftools": "1.16", "bwa": "0.7.17-r1188", "fastp": "0.23.2", "gffread": "0.12.7"}
        shown |= {"minimap2": "2.24-r1122", "salmon": "1.10.1", "samtools": "1.16.1"} | versions
        for tool, version in shown.items():
            self.provide(tool, f'#!/bin/sh\nprintf "{tool} {version}\\n\\253\\n" >&2\nexit 1\n')

    def run(
        self, *arguments: str, script: Path | None = None, user: int | None = None, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        # There is no apt-get on this PATH: also root gets to read what is to be done.
        variables = {"PATH": str(self.bin), "HOME": str(self.bin.parent), **environment}
        return subprocess.run(
            ["bash", str(script or self.project / "run"), *arguments],
            capture_output=True, text=True, check=False, env=variables, cwd=self.bin.parent, stdin=subprocess.DEVNULL,
            user=user,
        )  # fmt: skip


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_help_needs_nothing(machine: Machine) -> None:
    shown = machine.run()
    assert shown.returncode == OK
    for command in ("setup", "demo", "lint", "test", "karyolot", "snakemake"):
        assert f"\n  {command} " in shown.stdout
    assert not (machine.project / ".venv").exists()


def test_an_unknown_command_is_named(machine: Machine) -> None:
    shown = machine.run("dmeo")
    assert shown.returncode == WRONG_COMMAND
    assert "'dmeo'" in shown.stderr


@pytest.mark.parametrize("python", ["3.9.2", None], ids=["too old", "none at all"])
def test_an_unfit_python_is_refused(machine: Machine, python: str | None) -> None:
    (machine.bin / "python3").unlink()
    if python:
        machine.provide("python3", FAKE_PYTHON.format(version=python, code=1, libraries=0, python=sys.executable))
    shown = machine.run("setup")
    assert shown.returncode == MACHINE_LACKS
    assert "Python 3.11 or newer" in shown.stderr
    assert (python or "not found") in shown.stderr
    assert "python3-venv" in shown.stderr
    assert not (machine.project / ".venv").exists()


def test_missing_and_old_tools_stop_with_the_conda_line(machine: Machine) -> None:
    machine.provide_tools(samtools="1.9", salmon="1.10.3")
    (machine.bin / "gffread").unlink()
    shown = machine.run("setup")
    assert shown.returncode == MACHINE_LACKS
    assert "conda create -n karyolot-tools -c conda-forge -c bioconda gffread=0.12.7 samtools=1.16.1\n" in shown.stderr
    assert "apt-get install -y --no-install-recommends gffread samtools\n" in shown.stderr
    assert not (machine.project / ".venv").exists(), "nothing is downloaded before the tools are there"


def test_missing_libraries_stop_with_the_line_to_type(machine: Machine) -> None:
    machine.provide_tools()
    machine.provide("python3", FAKE_PYTHON.format(version="3.11.2", code=0, libraries=1, python=sys.executable))
    shown = machine.run("setup")
    assert shown.returncode == MACHINE_LACKS
    assert "apt-get install -y --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz" in shown.stderr
    assert not (machine.project / ".venv").exists()


def test_the_second_call_does_nothing_again(machine: Machine) -> None:
    machine.provide_tools()
    first = machine.run("karyolot", "check", "config/my config.yaml")
    assert first.returncode == OK, first.stderr
    assert "installing" in first.stdout
    second = machine.run("karyolot", "check", "config/my config.yaml")
    assert second.stdout == "karyolot check config/my config.yaml\n"


def test_it_works_through_a_symlink(machine: Machine) -> None:
    machine.provide_tools()
    link = machine.bin.parent / "karyolot-run"
    os.symlink(machine.project / "run", link)
    assert machine.run("karyolot", "--version", script=link).stdout.endswith("karyolot --version\n")


@pytest.mark.parametrize("change", ["lock", "tool"])
def test_a_change_of_what_it_rests_on_sets_up_anew(machine: Machine, change: str) -> None:
    machine.provide_tools()
    machine.run("setup")
    if change == "lock":
        with (machine.project / "requirements.lock").open("a", encoding="utf-8") as lock:
            lock.write("# changed\n")
        assert "installing" in machine.run("setup").stdout
    else:
        (machine.bin / "fastp").unlink()
        shown = machine.run("setup")
        assert shown.returncode == MACHINE_LACKS
        assert "fastp=0.23.2" in shown.stderr


def test_the_installer_comes_from_the_lock_as_well(machine: Machine) -> None:
    machine.provide_tools()
    calls = [line for line in machine.run("setup").stdout.splitlines() if line.startswith("pip install ")]
    assert ["--require-hashes" in call for call in calls] == [True, True, False]
    assert "--no-deps --no-build-isolation --editable" in calls[2], "our own code has no hash"
    first, *rest = (machine.project / ".venv" / "uv.lock").read_text().splitlines()
    assert first.startswith("uv==") and rest and all("--hash=sha256:" in line or "# via" in line for line in rest)


ANOTHER = 65534 if os.geteuid() == 0 else None
"""User id of nobody: root may write everywhere."""


@pytest.fixture
def shared() -> Iterator[Machine]:
    """An installation that everybody may read and only its owner may write to; `lock` makes it so."""
    with tempfile.TemporaryDirectory() as folder:  # tmp_path lies in a folder that others cannot enter
        Path(folder).chmod(0o755)
        machine = Machine(Path(folder))
        machine.provide_tools()
        yield machine
        subprocess.run(["chmod", "-R", "u+w", folder], check=True)


def as_another_user(machine: Machine, *arguments: str) -> subprocess.CompletedProcess[str]:
    subprocess.run(["chmod", "-R", "a-w,a+rX", machine.project], check=True)
    return machine.run(*arguments, user=ANOTHER)


def test_a_shared_installation_serves_who_cannot_write_to_it(shared: Machine) -> None:
    assert shared.run("setup").returncode == OK
    shown = as_another_user(shared, "karyolot", "check")
    assert (shown.returncode, shown.stdout) == (OK, "karyolot check\n")

    others = shared.bin.parent / "other tools"
    others.mkdir()
    shutil.move(shared.bin / "fastp", others / "fastp")
    assert shared.run("karyolot", "check", user=ANOTHER).returncode == MACHINE_LACKS
    path = f"{shared.bin}:{others}"
    shown = shared.run("karyolot", "check", user=ANOTHER, PATH=path)
    assert (shown.returncode, shown.stdout) == (OK, "karyolot check\n"), "tools of one's own will do"


@pytest.mark.parametrize("command", ["karyolot", "demo", "test", "setup"])
def test_who_can_write_nothing_reads_one_sentence(shared: Machine, command: str) -> None:
    shown = as_another_user(shared, command)
    assert shown.returncode == MACHINE_LACKS
    assert len(shown.stderr.splitlines()) == 1 and "copy it to a folder of yours" in shown.stderr


def test_setting_up_leaves_the_lock_as_it_was(machine: Machine) -> None:
    machine.provide_tools()
    machine.run("setup")
    assert (machine.project / "requirements.lock").read_bytes() == (ROOT / "requirements.lock").read_bytes()


@pytest.mark.parametrize("browser", ["chromium", "google-chrome", None])
def test_one_browser_is_enough_for_the_tests(machine: Machine, browser: str | None) -> None:
    machine.provide_tools()
    for name in filter(None, ["pytest", browser]):
        machine.provide(name, "#!/bin/sh\n")
    shown = machine.run("test", "tests/unit")
    assert shown.returncode == OK, shown.stderr
    assert ("No Chromium found" in shown.stdout) == (browser is None)


def test_the_demo_simulates_once_runs_and_sums_up(machine: Machine) -> None:
    machine.provide_tools()
    assert machine.run("setup").returncode == OK
    verdict = json.dumps({"lot_id": "LOT-1", "outcome": "FAIL", "headline": "Gain of 20q11 in 40 %."})
    simulator = machine.project / ".venv" / "bin" / "karyolot"
    simulator.write_text(
        f'#!/bin/sh\necho karyolot "$@"\nmkdir -p "$2/results/LOT-1"\n'
        f"echo '{verdict}' > \"$2/results/LOT-1/verdict.json\"\n",
        encoding="utf-8",
    )
    source = machine.project / "workflow" / "karyolot" / "simulate" / "genome.py"
    source.parent.mkdir(parents=True)
    source.write_text("SEED = 7\n", encoding="utf-8")
    (machine.project / "resources").mkdir()

    first = machine.run("demo")
    assert first.returncode == OK, first.stderr
    assert "karyolot simulate " in first.stdout
    profile = machine.project / "workflow" / "profiles" / "local"
    assert (
        f"snakemake --snakefile {machine.project}/workflow/Snakefile --workflow-profile {profile} --directory"
        in first.stdout
    )
    assert "LOT-1        FAIL           Gain of 20q11 in 40 %.\n" in first.stdout
    assert first.stdout.endswith(f"{machine.project}/demo/results/overview.html\n")
    assert sorted(path.name for path in machine.project.glob("demo*")) == ["demo"]

    assert "karyolot simulate " not in machine.run("demo").stdout
    source.write_text("SEED = 8\n", encoding="utf-8")
    assert "karyolot simulate " in machine.run("demo").stdout


def test_the_demo_leaves_a_folder_of_somebody_else_alone(machine: Machine) -> None:
    machine.provide_tools()
    (machine.project / "workflow" / "karyolot" / "simulate").mkdir(parents=True)
    (machine.project / "resources").mkdir()
    mine = machine.project / "demo" / "mine.txt"
    mine.parent.mkdir()
    mine.touch()
    shown = machine.run("demo")
    assert shown.returncode == WRONG_COMMAND
    assert "move it away" in shown.stderr
    assert mine.exists()
