"""The wheel is the whole product: workflow, resources and templates are in it, and nothing that is not of it."""

import json
import shutil
import subprocess
import tarfile
import tomllib
import zipfile
from collections.abc import Callable
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from karyolot import __version__

ROOT = Path(__file__).parents[2]
CARRIED = ("workflow/report", "workflow/rules", "workflow/scripts", "workflow/profiles", "envs", "resources", "config")
Build = Callable[[str, Path, Path], Path]
INFO = f"karyolot-{__version__}.dist-info"


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def files_of(folder: str) -> dict[str, bytes]:
    """Path from the root of the checkout -> content, without what Python compiled."""
    paths = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}


def metadata(wheel: Path) -> Message:
    return message_from_string(contents(wheel)[f"{INFO}/METADATA"].decode())


def test_the_wheel_holds_the_product_byte_for_byte_and_nothing_else(wheel: Path) -> None:
    own = (
        files_of("workflow/karyolot")
        | files_of("workflow/karyolot_multiqc")
        | files_of("workflow/snakemake_logger_plugin_karyolot")
    )
    expected = {name.removeprefix("workflow/"): content for name, content in own.items()}
    for folder in CARRIED:
        assert files_of(folder), f"{folder} is gone: mend pyproject.toml and this list"
        expected |= {f"karyolot/project/{name}": content for name, content in files_of(folder).items()}
    expected["karyolot/project/workflow/Snakefile"] = (ROOT / "workflow" / "Snakefile").read_bytes()
    held = {name: content for name, content in contents(wheel).items() if not name.startswith(f"{INFO}/")}
    held.pop("karyolot/project/built_from.json", None)
    assert held.keys() == expected.keys()
    assert held == expected


def test_the_wheel_says_what_it_is_and_needs(wheel: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    said = metadata(wheel)
    assert (said["Name"], said["Version"], said["License-Expression"]) == ("karyolot", __version__, "BSD-3-Clause")
    assert said["Requires-Python"] == project["requires-python"]
    needed = {Requirement(text).name for text in said.get_all("Requires-Dist", []) if "extra ==" not in text}
    assert needed == {Requirement(text).name for text in project["dependencies"]}
    assert set(said.get_all("Provides-Extra", [])) == project["optional-dependencies"].keys()
    assert "\nkaryolot = karyolot.commands.cli:main\n" in contents(wheel)[f"{INFO}/entry_points.txt"].decode()
    assert wheel.name == f"karyolot-{__version__}-py3-none-any.whl", "one wheel for every machine"


def test_the_wheel_says_the_commit_it_was_built_from(wheel: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("no git checkout: its commit is unknown")
    commit = ["git", "--git-dir", ROOT / ".git", "rev-parse", "HEAD"]
    said = json.loads(contents(wheel)["karyolot/project/built_from.json"])
    assert said["commit"] == subprocess.run(commit, capture_output=True, text=True, check=True).stdout.strip()
    assert isinstance(said["dirty"], bool)


def test_the_source_archive_makes_the_same_wheel(wheel: Path, build: Build, tmp_path: Path) -> None:
    with tarfile.open(build("sdist", ROOT, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path / "source", filter="data")
    (source,) = (tmp_path / "source").iterdir()
    again = build("wheel", source, tmp_path / "wheel")
    assert contents(again) == contents(wheel)
    assert not {"demo", "results", ".venv", ".git"} & {path.name for path in source.iterdir()}


def test_a_tree_without_git_makes_a_wheel_that_claims_no_commit(build: Build, tmp_path: Path) -> None:
    """Also inside somebody else's checkout, whose commit would say nothing of our code."""
    outer, source = tmp_path / "outer", tmp_path / "outer" / "karyolot"
    ignored = shutil.ignore_patterns("__pycache__")
    for folder in ("workflow", "envs", "resources", "config"):
        shutil.copytree(ROOT / folder, source / folder, ignore=ignored)
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    git = ["git", "-C", outer, "-c", "user.name=n", "-c", "user.email=n@example.org"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        subprocess.run([*git, *words], check=True)
    assert "karyolot/project/built_from.json" not in contents(build("wheel", source, tmp_path / "dist"))
