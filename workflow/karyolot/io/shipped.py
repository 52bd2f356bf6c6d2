"""Where the project's own files are: Snakefile, rules, scripts, profiles, environments, resources, templates of sheets."""

import sys
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
IN_WHEEL = PACKAGE / "project"
"""A wheel carries here, in the same order of folders, what in a checkout lies around the package (pyproject.toml)."""
PROJECT = IN_WHEEL if IN_WHEEL.is_dir() else PACKAGE.parents[1]
SNAKEFILE = PROJECT / "workflow" / "Snakefile"
SCRIPTS = PROJECT / "workflow" / "scripts"
PROFILES = PROJECT / "workflow" / "profiles"
RESOURCES = PROJECT / "resources"
SHIPPED = "shipped:"
SETTINGS = Path("config", "config.yaml")
"""Settings of a study, below its working directory."""


def resource(path: str, workdir: Path) -> Path:
    """Where a path of the configuration or of a sheet is: `shipped:NAME` in the project's resources, else in `workdir`.

    Absolute paths stay as they are.
    """
    if path.startswith(SHIPPED):
        return RESOURCES / path.removeprefix(SHIPPED)
    return workdir / path


def portable(path: str) -> str:
    """The way back from `resource`: a file of the project's resources as `shipped:NAME`, all else as it is. A record must not
    change with the folder the project lies in."""
    given = Path(path)
    return SHIPPED + given.relative_to(RESOURCES).as_posix() if given.is_relative_to(RESOURCES) else path


def stop_beside(folder: str) -> None:
    """Exit code 2 when Snakemake reads the Snakefile of another installation than the one Python imports.

    folder: that of the Snakefile it reads.
    """
    if Path(folder).resolve() != SNAKEFILE.parent:
        sys.stderr.write(
            f"the workflow is read from {folder}, but Python imports karyolot from {PACKAGE}, whose workflow is {SNAKEFILE}:"
            " start that Snakefile, or make Python import the other package (is PYTHONPATH set?)\n"
        )
        raise SystemExit(2)


@cache
def aliases() -> dict[str, str]:
    """Former symbol -> today's, of the genes in the shipped marker table (previous symbols of HGNC)."""
    rows = [line.split("\t") for line in (RESOURCES / "aliases.tsv").read_text(encoding="utf-8").splitlines()]
    return {former: symbol for former, symbol, _ in rows[1:]}
