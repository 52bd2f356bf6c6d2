"""What import contracts and lint cannot see: who touches files, and that every module is watched by a contract."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from karyolot.contracts.metrics import MetricName
from karyolot.inputs.formats.yaml import StrictLoader

PACKAGE = Path(__file__).parents[2] / "workflow" / "karyolot"
MODULES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = sorted((PACKAGE.parent / "scripts").glob("*.py"))

MAY_OPEN_FILES = {
    "io": "the one place that opens files",
    "simulate": "makes its own inputs",
    "inputs": "the one place that opens foreign files",
    "api": "reads finished lots for its callers",
    "commands": "make and find the files of a working directory",
    "plan/params": "opens the log of a job",
    "plan/provenance": "reads our own source for the code digest",
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
    name = module.relative_to(PACKAGE).with_suffix("").as_posix()
    if any(name == place or name.startswith(f"{place}/") for place in MAY_OPEN_FILES):
        return
    calls = [node.func for node in ast.walk(ast.parse(module.read_text("utf-8"))) if isinstance(node, ast.Call)]
    names = {getattr(func, "id", getattr(func, "attr", "")) for func in calls}
    found = sorted(names & TOUCHES_FILES)
    assert not found, f"{module.name} calls {found}: take the content as an argument and let karyolot.io read it"


def test_contigs_are_compared_by_one_function() -> None:
    """Labels of a page are spelled as they please."""
    found = [module for module in MODULES if 'removeprefix("chr")' in module.read_text("utf-8")]
    assert [module.stem for module in found if "report" not in module.parts] == ["contigs"]


UNSAFE = {"eval", "exec", "system", "popen", "extractall", "unsafe_load", "full_load", "load_all", "getoutput"}
"""Calls that obey what a file says, or hand a text to a shell."""


@pytest.mark.parametrize(
    "module", [*MODULES, *SCRIPTS], ids=lambda module: module.relative_to(PACKAGE.parent).as_posix()
)
def test_no_input_is_obeyed(module: Path) -> None:
    """Documents are read as data: no pickle, no YAML with objects, no shell, no archive unpacked where it says."""
    tree = ast.parse(module.read_text("utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        for name in (
            [a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "") or ""]
        )
    }
    assert not imported & {"pickle", "marshal", "shelve", "dill", "joblib", "tarfile", "zipfile"}
    imported_whole = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        name = getattr(call.func, "id", getattr(call.func, "attr", ""))
        assert name not in UNSAFE, f"{module.name}, line {call.lineno}: {name}"
        assert not any(word.arg == "shell" for word in call.keywords), f"{module.name}, line {call.lineno}: shell="
        if ast.unparse(call.func) in {"yaml.load", "yaml.compose"} and "yaml" in imported_whole:
            loader = ast.unparse(call.args[1])
            assert loader in {"yaml.SafeLoader", "StrictLoader"}, f"{module.name}, line {call.lineno}: {loader}"


def test_our_yaml_loader_is_a_safe_one() -> None:
    assert issubclass(StrictLoader, yaml.SafeLoader)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.relative_to(PACKAGE).with_suffix("").as_posix())
def test_every_module_says_what_it_is(module: Path) -> None:
    assert ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))), f"{module.name} has no docstring on top"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.relative_to(PACKAGE).with_suffix("").as_posix())
def test_no_warning_is_silenced_for_the_whole_process(module: Path) -> None:
    """A filter holds for one call: `warnings.filterwarnings` only inside `with warnings.catch_warnings()`."""
    text = module.read_text(encoding="utf-8")
    assert not re.search(r"^\S*warnings\.(simple|)filter", text, flags=re.M), f"{module.name}: filter at import"
    assert ("filterwarnings(" not in text) or ("catch_warnings(" in text), f"{module.name}: filter without an end"


NAMES = "|".join(sorted(map(re.escape, MetricName), key=len, reverse=True))
SPELT = re.compile(rf"(?<![\w.])(?:{NAMES})(?!\w)")
"""A metric by name."""
BEGUN = re.compile(rf"(?:{'|'.join(sorted({name.topic for name in MetricName}))})\.(?:\w+_)?")
"""The start of a metric's name, which the rest is put to, or that a name is asked for."""


@pytest.mark.parametrize(
    "module",
    [*(module for module in MODULES if module.stem != "metrics"), *SCRIPTS],
    ids=lambda module: module.relative_to(PACKAGE.parent).as_posix(),
)
def test_no_metric_is_spelled_outside_the_registry(module: Path) -> None:
    """Names are `MetricName`s; what is made of parts or asked by its start is a family of contracts/metrics.py."""
    tree = ast.parse(module.read_text("utf-8"))
    said = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings may name them
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in said:
            loose = SPELT.search(node.value) or BEGUN.fullmatch(node.value)
            assert not loose, f"{module.name}, line {node.lineno}: {node.value!r}; take it from contracts/metrics.py"


def test_no_metric_is_spelled_in_templates_and_rules() -> None:
    files = [*PACKAGE.rglob("*.j2"), *(PACKAGE.parent / "rules").glob("*.smk")]
    loose = {file.name: found.group() for file in files if (found := SPELT.search(file.read_text("utf-8")))}
    assert files and not loose


LIGHT = ("analyse_copy_number", "compare_alleles", "decide_lot", "assemble_report", "hash_references")
SLOW = {"anndata", "gseapy", "matplotlib", "pydeseq2", "scanpy", "scipy.stats"}
"""Half a second to several to import, and a job of LIGHT may need none of them."""


@pytest.mark.parametrize("script", LIGHT)
def test_what_a_short_job_imports_is_light(script: str) -> None:
    """Libraries that take seconds are imported by the functions that use them: each rule of each lot starts Python anew."""
    tree = ast.parse((PACKAGE.parent / "scripts" / f"{script}.py").read_text(encoding="utf-8"))
    imports = "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))
    code = f"{imports}\nimport sys\nprint(sorted({SLOW!r} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=PACKAGE.parent, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
