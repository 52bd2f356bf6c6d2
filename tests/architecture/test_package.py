"""What import contracts and lint cannot see: who touches files, and that every module is watched by a contract."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "workflow" / "karyolot"
MODULES = sorted(PACKAGE.rglob("*.py"))

MAY_OPEN_FILES = {
    "io": "the one place that opens files",
    "simulate": "makes its own inputs",
    "check": "looks into the user's files before any job",
    "cli": "writes what a person asks for",
    "intake": "makes the sheets of a new study, and adds rows to them",
    "launch": "reads the logs of a run that failed",
    "results": "finds the records of a working directory",
    "call": "the command of that name: reads two tables, writes the results",
    "freeze": "the command of that name: reads results of lots, writes the panel",
    "runtime": "opens the log of a job",
    "provenance": "reads our own source for the code digest",
}
TOUCHES_FILES = set(
    """
    open read_text write_text read_bytes write_bytes unlink mkdir touch glob iterdir
    to_csv to_parquet to_excel to_json to_pickle read_h5ad write_h5ad read_table write_table
    AlignmentFile VariantFile FastxFile FastaFile TabixFile
    """.split()
)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.relative_to(PACKAGE).with_suffix("").as_posix())
def test_only_io_opens_files(module: Path) -> None:
    top = module.relative_to(PACKAGE).parts[0].removesuffix(".py").split("_")[0]
    if top in MAY_OPEN_FILES:
        return
    calls = [node.func for node in ast.walk(ast.parse(module.read_text("utf-8"))) if isinstance(node, ast.Call)]
    names = {getattr(func, "id", getattr(func, "attr", "")) for func in calls}
    found = sorted(names & TOUCHES_FILES)
    assert not found, f"{module.name} calls {found}: take the content as an argument and let karyolot.io read it"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.relative_to(PACKAGE).with_suffix("").as_posix())
def test_every_module_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))), f"{module.name} has no docstring on top"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.relative_to(PACKAGE).with_suffix("").as_posix())
def test_no_warning_is_silenced_for_the_whole_process(module: Path) -> None:
    """A filter holds for one call: `warnings.filterwarnings` only inside `with warnings.catch_warnings()`."""
    text = module.read_text(encoding="utf-8")
    assert not re.search(r"^\S*warnings\.(simple|)filter", text, flags=re.M), f"{module.name}: filter at import"
    assert ("filterwarnings(" not in text) or ("catch_warnings(" in text), f"{module.name}: filter without an end"
