"""The documentation: it builds without a warning, its links lead somewhere, and its commands and files exist."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import karyolot
from karyolot.commands.cli import app
from karyolot.commands.defaults import section_of
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.problems import CODES
from karyolot.contracts.settings import Config
from karyolot.inputs.formats import manifest

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "config" / "README.md"]
FENCE = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", flags=re.M | re.S)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `./run docs` does."""
    pytest.importorskip("mkdocs", reason="mkdocs is in the lock: ./run setup")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_site_builds_without_a_warning_and_loads_nothing_from_elsewhere(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > 20
    for page in pages:
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="?(https?:[^" >]+)', text)
        assert not loaded, f"{page.relative_to(site)} loads {loaded[0]}"


def test_links_between_pages_and_their_anchors_lead_somewhere(site: Path) -> None:
    """Of the written and of the generated pages, and of pictures."""
    texts = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    anchors = {page: set(re.findall(r'\bid="?([^" >]+)', text)) for page, text in texts.items()}
    for page, text in texts.items():
        body = text.partition("<article")[2].partition("</article>")[0]
        for link in re.findall(r'(?:href|src)="?([^" >]+)', body):
            if re.match(r"\w+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = (page.parent / path).resolve() if path else page
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{page.relative_to(site)}: {link}"
            assert not anchor or anchor in anchors[target], f"{page.relative_to(site)}: {link}"


def tree(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], set[str]]]:
    """Commands by their words, with the options of each."""
    for name, one in command.commands.items():
        if hasattr(one, "commands"):
            yield from tree(one, (*path, name))
        else:
            yield (*path, name), {option for each in one.params for option in each.opts} | {"--help"}


COMMANDS = dict(tree(typer.main.get_command(app)))


def spoken(text: str) -> Iterator[str]:
    """Every command line of karyolot in code font."""
    for _, block in FENCE.findall(text):
        yield from (line.strip() for line in block.replace("\\\n", " ").splitlines() if "karyolot " in line)
    for code in re.findall(r"`([^`\n]+)`", FENCE.sub("", text)):
        if re.match(r"(?:\./run )?karyolot [a-zG-T]", code):
            yield code


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_commands_and_options_in_the_documentation_exist(page: Path) -> None:
    for line in spoken(page.read_text(encoding="utf-8")):
        found = re.search(r"(?:^|&& |run )karyolot ((?!sif)[A-Za-z].*)", line)
        if not found:
            continue
        words = shlex.split(found[1].split(" && ")[0], comments=True)
        own = words[: words.index("--")] if "--" in words else words
        named = [path for path in COMMANDS if tuple(own[: len(path)]) == path]
        group = [path for path in COMMANDS if path[: len(own)] == tuple(own)]
        assert named or group or own[0] == "...", f"{page.name}: {line}"
        options = {word.partition("=")[0] for word in own if word.startswith("--")} - {"--version"}
        assert not named or options <= COMMANDS[named[0]], f"{page.name}: {line}: {options - COMMANDS[named[0]]}"


def test_every_command_stands_in_the_documentation_of_commands(site: Path) -> None:
    text = (site / "commands" / "index.html").read_text(encoding="utf-8")
    assert not [" ".join(path) for path in COMMANDS if f"karyolot {' '.join(path)}" not in text]


def test_settings_problems_criteria_and_names_of_python_are_on_their_pages(site: Path) -> None:
    def page(name: str) -> set[str]:
        return set(re.findall(r"<code>([^<]+)</code>", (site / name / "index.html").read_text(encoding="utf-8")))

    sections = {name: section_of(field) for name, field in Config.model_fields.items()}
    keys = {f"{name}.{key}" for name, section in sections.items() if section for key in section.model_fields}
    assert len(keys) > 60 and not keys - page("settings") and not CODES.keys() - page("problems")
    assert {str(name) for name in MetricName} <= page("criteria")
    reference = (site / "python-reference" / "index.html").read_text(encoding="utf-8")
    assert not [name for name in karyolot.__all__ if not name.startswith("__") and f"karyolot.{name}" not in reference]


def test_every_page_is_in_the_navigation_and_every_picture_is_used() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert not [page.name for page in PAGES[:-2] if page.name not in text]
    shown = "".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert not [one.name for one in (ROOT / "docs" / "pictures").iterdir() if f"pictures/{one.name}" not in shown]
    assert yaml.safe_load(text)["strict"] is True


@pytest.mark.parametrize("page", PAGES[:-2], ids=lambda page: page.name)
def test_files_named_in_the_documentation_exist(page: Path) -> None:
    top = {path.name for path in ROOT.iterdir()} - {"config", "results", "demo"}
    quoted = set(re.findall(r"`([\w.*/-]+)`", page.read_text(encoding="utf-8")))
    absent = [
        word for word in quoted if "/" in word and word.split("/")[0] in top and not any(ROOT.glob(word.rstrip("/")))
    ]
    assert not absent, f"{page.name}: there is no {', '.join(absent)}"


def test_messages_of_the_page_on_troubleshooting_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "karyolot").rglob("*.py"))
    joined = re.sub(r'"\s*\n\s*f?"', "", code)
    for message in re.findall(r"^\| `([^`]+)`", page, flags=re.M):
        parts = [part.strip() for part in re.split(r"\.\.\.|\bN\b|\breference\b", message) if part.strip()]
        assert not [part for part in parts if part not in joined], message


def test_files_without_a_known_checksum_are_named_in_the_documentation() -> None:
    page = (ROOT / "docs" / "first-lot.md").read_text(encoding="utf-8")
    text = page.partition("No checksum is known in advance")[2].partition("These are named")[0]
    unpinned = [one for one in manifest.records(ROOT / "resources" / "references.tsv") if not one.checksum]
    assert set(re.findall(r"`(.+?)`", text)) == {one.file for one in unpinned if one.genome == "GRCh38"}
    assert "T2T-CHM13 for no file" in " ".join(text.split()) and len(unpinned) == 2 + 3
