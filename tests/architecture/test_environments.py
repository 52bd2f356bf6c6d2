"""One set of versions: tool table, conda environments, lock and `./run` agree. Nothing is downloaded."""

import csv
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from rattler import MatchSpec

from karyolot import __version__
from karyolot.commands.defaults import CONDA_NAMES
from karyolot.plan import provenance

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = sorted((ROOT / "envs").glob("*.yaml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
SCRIPT_ENVIRONMENT = "karyolot.yaml"

each_environment = pytest.mark.parametrize("file", ENVIRONMENTS, ids=lambda file: file.name)


def tool_table() -> dict[str, dict[str, str]]:
    with (ROOT / "envs" / "tools.tsv").open(encoding="utf-8", newline="") as table:
        return {row["tool"]: row for row in csv.DictReader(table, delimiter="\t")}


def environment(file: Path) -> dict[str, Any]:
    loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def pins(file: Path) -> dict[str, str]:
    """Package -> version. What conda's channels lack is listed under pip, at the end; pip itself is no package of ours."""
    listed = [spec for spec in environment(file)["dependencies"] if isinstance(spec, str)]
    found = dict(spec.split("=", 1) for spec in listed) | dict(spec.split("==") for spec in of_pip(file))
    return {name: version for name, version in found.items() if name != "pip"}


def of_pip(file: Path) -> list[str]:
    return [spec for entry in environment(file)["dependencies"] if isinstance(entry, dict) for spec in entry["pip"]]


def locked_versions(python: str) -> dict[str, str]:
    """Name -> version of requirements.lock on Linux with this Python."""
    here = {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux"}
    found = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)(?: ; (.+?))? \\$", LOCK, flags=re.M)
    return {
        canonicalize_name(name): version
        for name, version, marker in found
        if not marker or Marker(marker).evaluate(here)
    }


@each_environment
def test_an_environment_is_channels_and_exact_pins(file: Path) -> None:
    content = environment(file)
    assert list(content) == ["channels", "dependencies"], "no name, no prefix: Snakemake chooses the place"
    assert content["channels"] == ["conda-forge", "bioconda", "nodefaults"]
    listed = [spec for spec in content["dependencies"] if isinstance(spec, str)]
    for spec in listed:
        assert re.fullmatch(r"[a-z0-9-]+=[0-9][0-9a-z.]*", spec), f"{file.name}: {spec!r} is not name=version"
        parsed = MatchSpec(spec, strict=True)
        assert parsed.name is not None
        assert parsed.version is not None
    assert listed[1:] == sorted(listed[1:]), f"{file.name}: keep the list sorted"
    assert ("pip" in dict(spec.split("=", 1) for spec in listed)) == bool(of_pip(file))
    assert all(re.fullmatch(r"[a-z0-9-]+==[0-9][0-9a-z.]*", spec) for spec in of_pip(file))


@each_environment
def test_tools_have_the_versions_of_the_table(file: Path) -> None:
    table = {tool: row["version"] for tool, row in tool_table().items()}
    packages = {"python": "3.11"} | locked_versions("3.11")
    if file.name != SCRIPT_ENVIRONMENT:
        assert pins(file).items() <= (packages | table).items(), f"{file.name} and envs/tools.tsv or the lock disagree"


@pytest.mark.parametrize(
    ("name", "modules"),
    [("alignment", ["io.mem3", "io.spiked_indels"]), ("expression", ["io.mem3", "io.alleles", "inputs.stream"])],
)
def test_programs_have_the_libraries_they_import(name: str, modules: list[str]) -> None:
    """Modules that shell rules run have the environment of those rules."""
    paths = [ROOT.joinpath("workflow", "karyolot", *module.split(".")).with_suffix(".py") for module in modules]
    brought = {"pydantic_core", "xopen"}  # by pydantic and dnaio
    assert provenance.libraries_of(*paths).keys() - brought <= pins(ROOT / "envs" / f"{name}.yaml").keys()


def test_every_tool_is_in_an_environment() -> None:
    pinned = {tool for file in ENVIRONMENTS for tool in pins(file)}
    assert not tool_table().keys() - pinned


def test_rules_name_environments_that_exist_and_all_are_used() -> None:
    named = {
        name
        for file in (ROOT / "workflow" / "rules").glob("*.smk")
        for name in re.findall(r'conda:\s+"\.\./\.\./envs/([^"]+)"', file.read_text(encoding="utf-8"))
    }
    assert named == {file.name for file in ENVIRONMENTS}


def test_script_environment_is_the_lock() -> None:
    locked = locked_versions("3.11")
    wanted = {"python": "3.11"}
    for requirement in map(Requirement, PROJECT["dependencies"]):
        wanted[CONDA_NAMES.get(requirement.name, requirement.name)] = locked[canonicalize_name(requirement.name)]
    assert pins(ROOT / "envs" / SCRIPT_ENVIRONMENT) == wanted


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_lock_meets_pyproject(python: str) -> None:
    locked = locked_versions(python)
    required = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    for requirement in map(Requirement, required):
        version = locked.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is not in requirements.lock: regenerate it (CONTRIBUTING.md)"
        assert Version(version) in requirement.specifier, f"{requirement}, but requirements.lock has {version}"


def test_lock_is_hashed_and_names_no_registry() -> None:
    assert "://" not in LOCK
    assert "--index" not in LOCK
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.M)[1:]
    assert len(blocks) > 100
    assert not [block.split()[0] for block in blocks if "--hash=sha256:" not in block]


def test_the_readme_names_the_tools_and_the_wheel_as_they_are() -> None:
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    needed = {tool: f"{tool} {row['version']}" for tool, row in tool_table().items() if row["when"] == "always"}
    assert not [text for text in needed.values() if text not in readme]
    start = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    assert (
        f"apt-get install {' '.join(needed)} " in start and f"{', '.join([*needed][:-1])} and {[*needed][-1]}." in start
    )
    assert f"pip install karyolot-{__version__}-py3-none-any.whl" in readme


def test_provenance_asks_every_tool_of_the_table() -> None:
    assert provenance.TOOL_VERSION_COMMANDS.keys() == tool_table().keys()


def test_tools_on_path_are_new_enough() -> None:
    """The question in the table is understood by the tool, and `./run setup` did its work."""
    needed = {tool: row for tool, row in tool_table().items() if row["when"] == "always"}
    assert needed.keys() >= {"bwa", "samtools", "fastp", "salmon", "minimap2", "gffread"}
    for tool, row in needed.items():
        assert shutil.which(tool), f"{tool} is not on PATH: ./run setup"
        argument = [row["version_argument"]] if row["version_argument"] else []
        shown = subprocess.run(
            [tool, *argument], capture_output=True, text=True, errors="replace", check=False, timeout=60
        )
        found = re.search(r"\d+(\.\d+)+", shown.stdout + shown.stderr)
        assert found, f"{tool}: no version in {shown}"
        assert Version(found.group()) >= Version(row["version"])
