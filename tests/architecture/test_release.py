"""What a release must agree on: one version everywhere, and descriptions that name what is there."""

import csv
import json
import re
import tomllib
from importlib import import_module
from pathlib import Path

import jinja2
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from rattler import MatchSpec

from karyolot import __version__
from karyolot.commands.defaults import CONDA_NAMES, VERSIONED

ROOT = Path(__file__).parents[2]


def tool_table() -> dict[str, dict[str, str]]:
    with (ROOT / "envs" / "tools.tsv").open(encoding="utf-8", newline="") as table:
        return {row["tool"]: row for row in csv.DictReader(table, delimiter="\t")}


def test_the_version_is_the_same_everywhere() -> None:
    """`karyolot defaults --write` copies it from the package."""
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    metadata = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    assert {citation["version"], metadata["version"]} == {__version__}
    for name, pattern in VERSIONED.items():
        assert set(re.findall(pattern, (ROOT / name).read_text(encoding="utf-8"))) == {__version__}, name
    wheels = re.findall(r"karyolot-([\w.]+)-py3-none-any\.whl", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert wheels and set(wheels) == {__version__}


def test_the_changelog_has_a_dated_section_of_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(__version__)} - \d{{4}}-\d\d-\d\d$", text, flags=re.M)
    assert "### Numeric changes" in text and text.count("## Unreleased\n") == 1


def test_citation_and_metadata_name_the_same_authors_licence_and_keywords() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    metadata = json.loads((ROOT / "codemeta.json").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert metadata["license"].endswith(citation["license"]) and project["license"] == citation["license"]
    assert metadata["keywords"] == citation["keywords"] == project["keywords"]
    authors = [one["name"] for one in citation["authors"]]
    assert [one["name"] for one in metadata["author"]] == [one["name"] for one in project["authors"]] == authors


def test_templates_of_issues_and_pull_requests_ask_whether_a_number_changes() -> None:
    pull = (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")
    assert "Numeric changes" in pull
    for path in (ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"):
        fields = {field.get("id") for field in yaml.safe_load(path.read_text(encoding="utf-8"))["body"]}
        assert "number" in fields, path.name


def test_the_recipe_needs_what_the_package_needs() -> None:
    text = (ROOT / "packaging" / "bioconda" / "meta.yaml").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    run = re.findall(r"^    - (\S+)(?: (\S+))?$", text.partition("  run:\n")[2].partition("\ntest:")[0], flags=re.M)
    needed = {CONDA_NAMES.get(one.name, one.name): one.specifier for one in map(Requirement, project["dependencies"])}
    tools = {tool: SpecifierSet(f">={row['version']}") for tool, row in tool_table().items() if row["when"] == "always"}
    listed = {name: SpecifierSet(limits) for name, limits in run if name not in ("python", "pango")}
    assert listed == needed | tools
    assert "karyolot = karyolot.commands.cli:main" in text and "license_file: LICENSE" in text


def test_the_recipe_renders_and_its_requirements_parse() -> None:
    """As conda-build fills it in: no name is left undefined, and every section is one that it knows."""
    text = (ROOT / "packaging" / "bioconda" / "meta.yaml").read_text(encoding="utf-8")
    recipe = jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(text)
    pins = {
        "PYTHON": "python",
        "pin_subpackage": lambda name, max_pin: f"{name} >={__version__},<{max_pin.count('x') + 1}",
    }
    rendered = yaml.safe_load(recipe.render(pins))
    assert rendered.keys() == {"package", "source", "build", "requirements", "test", "about"}
    assert (
        rendered["package"] == {"name": "karyolot", "version": __version__} and __version__ in rendered["source"]["url"]
    )
    assert rendered["build"]["noarch"] == "python" and (ROOT / rendered["about"]["license_file"]).is_file()
    wanted = [*rendered["requirements"]["host"], *rendered["requirements"]["run"], *rendered["build"]["run_exports"]]
    for text in wanted:
        name, _, limits = text.partition(" ")
        found = MatchSpec(text, strict=True)
        assert found.name is not None and found.name.normalized == name and bool(found.version) == bool(limits), text
    for module in rendered["test"]["imports"]:
        import_module(module)


def test_the_image_has_the_tools_at_their_versions_and_no_root() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    pinned = dict(re.findall(r"(\w+)=([\d.]+)\*", text))
    wanted = {tool: row["version"] for tool, row in tool_table().items() if tool != "multiqc"}
    assert pinned == wanted
    assert re.findall(r"^USER (\S+)$", text, flags=re.M) == ["karyolot"] and "--verify-hashes" in text
    assert re.search(r"^ENV .*HOME=/tmp$", text, flags=re.M), "a home that any --user can write to"
    labels = re.findall(r"org\.opencontainers\.image\.(\w+)=", text)
    assert {"title", "description", "licenses", "version", "revision"} <= set(labels)
    run = (ROOT / "run").read_text(encoding="utf-8")
    assert set(re.findall(r"lib[\w.-]+-?0", text)) >= set(re.findall(r"packages=\((lib[^)]*)\)", run)[0].split())
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert ignored[0] == "*" and all(line.startswith("!") for line in ignored[1:])


def test_ci_tries_the_supported_pythons_and_debians() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))["jobs"]
    images = set(jobs["test"]["strategy"]["matrix"]["image"])
    assert images == {"debian:12", "python:3.12-bookworm", "debian:13"}, "Python 3.11, 3.12 and 3.13"
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    named = [text.rpartition(" ")[2] for text in classifiers if text.startswith("Programming Language")]
    assert named == ["3.11", "3.12", "3.13"]
    steps = " ".join(step.get("run", "") for job in jobs.values() for step in job["steps"])
    assert "pip-audit --strict" in steps, "without it a package that cannot be looked up passes"
    assert "cyclonedx" in steps and "./run docs" in steps
