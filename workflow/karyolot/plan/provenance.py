"""What made a result: a digest of the code behind a rule, versions of tools and libraries, the git commit."""

import base64
import hashlib
import importlib.metadata
import json
import platform
import re
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from karyolot import __version__
from karyolot.contracts.provenance import Code, ConfigDifference, InputFile, Made, Provenance
from karyolot.contracts.settings import LONGEST_LABEL, SIGNED
from karyolot.io.shipped import IN_WHEEL, PACKAGE, PROJECT, SCRIPTS

IMPORT_NAMES = {"bwa_mem3": "bwa-mem3", "yaml": "PyYAML"}
"""Import name -> distribution name, where the two differ."""
TEMPLATES_BY = "jinja2"
"""A module that imports it fills the templates in the folder beside it."""
OWN_FILES = ("workflow/Snakefile", "workflow/rules", "workflow/scripts", "resources")
"""What decides results beside the package; in a checkout and in a wheel alike, from the project's folder."""

SIGNED_BY = {name: f"KARYOLOT_{name.upper()}" for name in SIGNED}
"""Setting -> environment variable that goes before it."""

TOOL_VERSION_COMMANDS = {
    "bwa": (["bwa"], r"Version: (\S+)"),
    "minimap2": (["minimap2", "--version"], r"(\S+)"),
    "bcftools": (["bcftools", "--version"], r"bcftools (\S+)"),
    "samtools": (["samtools", "--version"], r"samtools (\S+)"),
    "fastp": (["fastp", "--version"], r"fastp (\S+)"),
    "salmon": (["salmon", "--version"], r"salmon (\S+)"),
    "gffread": (["gffread", "--version"], r"(\S+)"),
    "multiqc": (["multiqc", "--version"], r"version (\S+)"),
}


IMPORTS = re.compile(
    r"^[ \t]*from[ \t]+([\w.]+)[ \t]+import[ \t]+(\([^)]*\)|[^\n(]+)|^[ \t]*import[ \t]+([^\n]+)"
    r'|(?<![\w.])find_spec\("([\w.]+)"',
    re.M,
)
"""A statement that imports, or a package of which files are used."""
COMMENT = re.compile(r"#.*")


@cache
def code_digest(script: Path) -> str:
    """sha256 over `script` and every module of ours it imports, directly or not, with the templates beside one that fills them.

    Snakemake sees only the script file change; this digest in `params` makes it see the rest. The list of modules is
    derived from the import statements, so it cannot fall behind the code.
    """
    digest = hashlib.sha256()
    for path in [script, *sorted(_imports_of(script)[0])]:
        digest.update(_content(path))
    return digest.hexdigest()[:16]


def libraries_of(*scripts: Path) -> dict[str, str]:
    """Versions of the libraries that scripts import, directly or through our modules, by distribution name.

    Apart from `code_digest`: in a conda environment of its own a job has other versions than the process that planned it.
    """
    names = sorted(set().union(*(_imports_of(script)[1] for script in scripts)))
    versions = {IMPORT_NAMES.get(name, name): _version(name) for name in names}
    return {name: version for name, version in versions.items() if version != "absent"}


INTERFACE = PACKAGE / "__init__.py"
"""Imports the public interface on first use; no job does, so that no rule depends on it."""


@cache
def _imports_of(path: Path) -> tuple[frozenset[Path], frozenset[str]]:
    ours: set[Path] = set()
    others: set[str] = set()
    waiting = [path]
    while waiting:
        importer = waiting.pop()
        for name in _imported_names(importer):
            if name.split(".")[0] != PACKAGE.name:
                others.add(name.split(".")[0])
                if name.split(".")[0] == TEMPLATES_BY:
                    ours.update(path for path in (importer.parent / "templates").rglob("*") if path.is_file())
            elif (module := _module_file(name)) is not None and module not in ours:
                ours.add(module)
                if module != INTERFACE:
                    waiting.append(module)
    return frozenset(ours), frozenset(others - sys.stdlib_module_names)


@cache  # most modules stand behind many rules
def _imported_names(path: Path) -> frozenset[str]:
    names: set[str] = set()
    # Every second part lies between triple quotes. A syntax tree of all modules would take half a second at every start.
    code = "".join(path.read_text(encoding="utf-8").split('"""')[::2])
    for module, listed, packages, used in IMPORTS.findall(code):
        parts = [
            part.split()[0] for part in COMMENT.sub("", listed or packages).strip("() ").split(",") if part.strip()
        ]
        names.update(parts if packages else [module or used])
        if module.startswith(PACKAGE.name):
            names.update(f"{module}.{part}" for part in parts)
    return frozenset(names)


@cache
def _module_file(name: str) -> Path | None:
    """The file of one of our modules; None when `name` is an object inside a module."""
    path = PACKAGE.parent.joinpath(*name.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@cache
def _content(path: Path) -> bytes:
    return path.name.encode() + b"\0" + path.read_bytes() + b"\0"


@cache
def _version(name: str) -> str:
    try:
        return importlib.metadata.version(IMPORT_NAMES.get(name, name))
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def library_versions() -> dict[str, str]:
    """Versions of the libraries a result can depend on, by distribution name, and of Python."""
    return libraries_of(*sorted(SCRIPTS.glob("*.py")))


def tool_versions(tools: list[str]) -> dict[str, str]:
    """Version each tool on PATH reports of itself; 'not found' when it is not there. bwa-mem3 is a library of Python."""
    versions = {}
    for tool in tools:
        if tool not in TOOL_VERSION_COMMANDS:
            versions[tool] = _version(tool)
            continue
        command, pattern = TOOL_VERSION_COMMANDS[tool]
        try:
            shown = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60, check=False)
        except OSError:
            versions[tool] = "not found"
            continue
        found = re.search(pattern, shown.stdout + shown.stderr)
        versions[tool] = found.group(1) if found else "unknown"
    return versions


def git_state() -> tuple[str | None, bool | None]:
    """(commit, differs from it) of the code that runs; None where it is unknown.

    Only a checkout's own .git is used: git would otherwise search the folders above, and find that
    of another project when the package is installed inside it. A wheel knows the commit it was built from.
    """
    built = PROJECT / "built_from.json"
    if built.is_file():
        state = json.loads(built.read_text(encoding="utf-8"))
        return state["commit"], state["dirty"] or _changed_since_installed()
    try:
        commit = _git("rev-parse", "HEAD")
        return commit, bool(_git("status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.SubprocessError):
        return None, None


def code_state() -> Code:
    """The code that runs now."""
    commit, dirty = git_state()
    return Code(karyolot_version=__version__, commit=commit, dirty=dirty, files_sha256=files_digest())


def rendering() -> str:
    """What pages made by this code differ by from those of other code: sha256 of its files, commit, uncommitted changes."""
    code = code_state()
    return f"{code.files_sha256} {code.commit or 'unknown commit'}{', uncommitted changes' if code.dirty else ''}"


def signed(settings: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Who runs this, and where, as environment variables for the jobs: those that are set, else the settings of these names.

    Not among the `params` of a rule: another operator is no reason to make a lot's record again.
    """
    return {name: environment.get(name, settings[key]) for key, name in SIGNED_BY.items()}


def made_now(environment: Mapping[str, str]) -> Made:
    """When, by whom and where a record is made now. SOURCE_DATE_EPOCH (seconds since 1970) stands for the clock where it is
    set, https://reproducible-builds.org/specs/source-date-epoch; the zone is UTC then."""
    fixed = environment.get("SOURCE_DATE_EPOCH", "")
    now = datetime.fromtimestamp(int(fixed), UTC) if fixed.isdecimal() else datetime.now().astimezone()  # noqa: TID251 - no part of what the id covers
    who = {key: environment.get(name, "").strip()[:LONGEST_LABEL] or None for key, name in SIGNED_BY.items()}
    return Made(at=now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), zone=now.isoformat()[-6:], **who)


@cache
def files_digest() -> str:
    """sha256 over the project's own files: package, workflow and resources, each with its name.

    It names the code where git cannot, and is the same for a checkout and for the wheel built from it.
    """
    digest = hashlib.sha256()
    for root, folders in ((PACKAGE, ["."]), (PROJECT, OWN_FILES)):
        found = (path for folder in folders for path in [root / folder, *(root / folder).rglob("*")] if path.is_file())
        own = {path.relative_to(root): path for path in found}
        for name, path in sorted(own.items()):
            if name.parts[0] != IN_WHEEL.name and not any(part.startswith((".", "__pycache__")) for part in name.parts):
                digest.update(name.as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _git(*words: str) -> str:
    place = ["--git-dir", str(PROJECT / ".git"), "--work-tree", str(PROJECT)]
    return subprocess.run(
        ["git", *place, *words], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()


def _changed_since_installed() -> bool | None:
    """Whether a file of the installed package differs from the checksum that came with it; None without checksums."""
    installed = importlib.metadata.distributions(name=PACKAGE.name, path=[str(PACKAGE.parent)])
    files = [file for found in installed for file in found.files or () if file.parts[0] == PACKAGE.name]
    sums = {Path(str(file.locate())): file.hash.value for file in files if file.hash}
    return any(record_sum(path) != sum_then for path, sum_then in sums.items()) if sums else None


def record_sum(path: Path) -> str | None:
    """sha256 of a file as the RECORD of a wheel writes it; None when the file is gone."""
    if not path.is_file():
        return None
    return base64.urlsafe_b64encode(hashlib.sha256(path.read_bytes()).digest()).rstrip(b"=").decode()


def collect(
    files: list[dict[str, Any]],
    tools: list[str],
    differences: list[tuple[str, Any, Any]],
    acceptance: str,
    reference: dict[str, str | None],
) -> Provenance:
    """The provenance of a lot's results.

    files: path, bytes, sha256 of every input. tools: names to ask for their version. differences: setting, default, used.
    acceptance: path of the acceptance document, one of the files.
    """
    return Provenance(
        **code_state().model_dump(),
        python=platform.python_version(),
        tools=tool_versions(tools),
        libraries=library_versions(),
        inputs=tuple(InputFile(**file) for file in files),
        config_differences=tuple(ConfigDifference(setting=a, default=b, used=c) for a, b, c in differences),
        acceptance_sha256=next(file["sha256"] for file in files if file["path"] == acceptance),
        reference=reference,
    )
