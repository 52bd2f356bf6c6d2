"""Where the project's own files are: resources, rules, scripts and templates that come with the package."""

from functools import cache
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[3]
RESOURCES = PROJECT / "resources"
SHIPPED = "shipped:"


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


@cache
def aliases() -> dict[str, str]:
    """Former symbol -> today's, of the genes in the shipped marker table (previous symbols of HGNC)."""
    rows = [line.split("\t") for line in (RESOURCES / "aliases.tsv").read_text(encoding="utf-8").splitlines()]
    return {former: symbol for former, symbol, _ in rows[1:]}
