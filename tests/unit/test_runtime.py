"""The code digest sees every module behind a rule; a job tells faults plainly and keeps bugs' tracebacks in its log."""

import ast
import base64
import hashlib
import json
import os
import runpy
import subprocess
import sys
import textwrap
from pathlib import Path
from types import SimpleNamespace

import pytest

from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.provenance import UNKNOWN, mark
from karyolot.contracts.settings import Counting, Identity
from karyolot.io.files import read_described, write_sealed
from karyolot.io.shipped import SNAKEFILE, resource, stop_beside
from karyolot.plan import params as runtime
from karyolot.plan import provenance


def scripts() -> list[Path]:
    return sorted(runtime.SCRIPTS.glob("*.py"))


def test_the_digest_follows_imports_of_imports() -> None:
    ours, others = provenance._imports_of(runtime.SCRIPTS / "analyse_copy_number.py")
    names = {path.relative_to(provenance.PACKAGE).as_posix() for path in ours}
    # calls -> segments -> segment -> noise; and the contract every one of them stands on.
    assert {"dna/calls.py", "dna/segments.py", "dna/segment.py", "dna/noise.py", "contracts/copy_number.py"} <= names
    assert not any(name.startswith("rna/") for name in names)
    assert {"numpy", "pandas", "pandera"} <= others


def forget() -> None:
    """What the digests keep, for files that never change in one process."""
    for kept in ("code_digest", "_imports_of", "_imported_names", "_module_file", "_content"):
        getattr(provenance, kept).cache_clear()


def of_tree(path: Path) -> set[str]:
    """Names that a file imports, by its syntax tree."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "find_spec":
            names.update(str(name.value) for name in node.args if isinstance(name, ast.Constant))
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names if node.module.startswith("karyolot"))
    return names


def test_the_imports_of_every_module_are_those_of_its_syntax_tree() -> None:
    files = [*scripts(), *sorted(provenance.PACKAGE.rglob("*.py"))]
    assert len(files) > 200
    assert not [path for path in files if provenance._imported_names(path) != of_tree(path)]


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("import a.b as c, d  # e, f", {"a.b", "d"}),
        ("def f():\n    from a import (  # (why)\n        b as c,\n        d,\n    )", {"a"}),
        ("from karyolot.dna import a, b as c", {"karyolot.dna", "karyolot.dna.a", "karyolot.dna.b"}),
        ('"""\nimport a\n"""\nimport b', {"b"}),
        ('x = find_spec("a")\ny = util.find_spec("b")', {"a"}),
        ("important = 1\nfrom_ = 2\n# import a", set()),
    ],
)
def test_the_imports_of_one_file(tmp_path: Path, code: str, names: set[str]) -> None:
    (tmp_path / "a.py").write_text(code)
    assert provenance._imported_names(tmp_path / "a.py") == names == of_tree(tmp_path / "a.py")


def test_the_digest_changes_with_any_module_behind_the_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "karyolot"
    (package / "dna").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "dna" / "__init__.py").write_text("")
    (package / "dna" / "a.py").write_text("from karyolot.dna.b import f\n")
    (package / "dna" / "b.py").write_text("def f(): return 1\n")
    (package / "dna" / "c.py").write_text("def g(): return 1\n")
    script = tmp_path / "rule.py"
    script.write_text("from karyolot.dna import a\n")
    monkeypatch.setattr(provenance, "PACKAGE", package)

    def digest() -> str:
        forget()
        return provenance.code_digest(script)

    before = digest()
    (package / "dna" / "c.py").write_text("def g(): return 2\n")
    assert digest() == before
    (package / "dna" / "b.py").write_text("def f(): return 2\n")
    after = digest()
    assert after != before
    (package / "dna" / "templates" / "vendor").mkdir(parents=True)
    (package / "dna" / "templates" / "vendor" / "plot.js").write_text("")
    assert digest() == after, "no module here fills templates"
    (package / "dna" / "b.py").write_text("import jinja2\ndef f(): return 2\n")
    filled = digest()
    (package / "dna" / "templates" / "vendor" / "plot.js").write_text("changed")
    assert digest() != filled
    forget()


def test_every_rule_script_has_a_digest_of_its_own() -> None:
    digests = {script.name: provenance.code_digest(script) for script in scripts()}
    assert len(set(digests.values())) == len(digests) > 10


def run_job(tmp_path: Path, body: str, code: str | None = None) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run a script's body as Snakemake does: in a process of its own, with a `snakemake` object."""
    digest = code or provenance.code_digest(runtime.SCRIPTS / "count_fragments.py")
    program = f"""
    from types import SimpleNamespace
    from karyolot.plan import params as runtime
    from karyolot.contracts.problems import KaryolotError
    from karyolot.contracts.settings import Counting, Expression
    snakemake = SimpleNamespace(rule="renamed", log=["count_fragments.log"],
        params=SimpleNamespace(settings={{"bin_bp": 1000}}, code="{digest}"))
    with runtime.job(snakemake, Counting) as settings:
    """
    program = textwrap.dedent(program) + textwrap.indent(textwrap.dedent(body), "    ")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False,
        env=os.environ | {"PYTHONPATH": str(provenance.PACKAGE.parent)},
    )  # fmt: skip
    return done, (tmp_path / "count_fragments.log").read_text()


def test_a_job_gets_typed_settings_and_a_log(tmp_path: Path) -> None:
    done, log = run_job(tmp_path, "print(settings.bin_bp)\nimport os\nos.system('echo from a child')")
    assert done.returncode == 0 and done.stdout == ""
    assert "1000" in log and "from a child" in log


def test_a_fault_is_one_message_and_a_bug_a_traceback(tmp_path: Path) -> None:
    done, log = run_job(tmp_path, "raise KaryolotError('a.fq.gz: cut short; fetch it again')")
    assert done.returncode == 1
    assert log == "count_fragments: a.fq.gz: cut short; fetch it again\n" and "Traceback" not in done.stderr
    done, log = run_job(tmp_path, "raise OSError(28, 'No space left on device', 'results/x')")
    assert done.returncode == 1
    assert log == "count_fragments: [Errno 28] No space left on device: 'results/x'; fix this and run again\n"
    done, log = run_job(tmp_path, "open('no such file')")
    assert done.returncode == 1 and "Traceback" in log
    done, log = run_job(tmp_path, "1 / 0")
    assert done.returncode == 1 and "ZeroDivisionError" in log


def test_foreign_code_is_refused(tmp_path: Path) -> None:
    done, log = run_job(tmp_path, "print('must not run')", code="0" * 16)
    assert done.returncode == 1 and "not the code that planned this job" in log and "must not run" not in log


def test_params_of_a_stage_are_plain_values() -> None:
    params = runtime.step("count_fragments", Counting())
    assert params["settings"] == {"bin_bp": 50_000, "min_mapq": 20} and len(params["code"]) == 16
    assert params["libraries"].keys() >= {"numpy", "pysam", "pydantic"} and "scanpy" not in params["libraries"]


def test_another_version_of_a_library_is_a_reason_to_run_again_but_other_code_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A job in a conda environment has other versions than the process that planned it, and runs the same code."""
    before = runtime.step("count_fragments")
    monkeypatch.setattr(provenance, "_version", lambda name: "0.0")
    after = runtime.step("count_fragments")
    assert before["libraries"] != after["libraries"] and before["code"] == after["code"]


def test_a_setting_that_a_rule_does_not_read_is_no_reason_to_run_it_again() -> None:
    first, second = (Identity(tested_elsewhere=elsewhere) for elsewhere in ("", "STR profile, SOP-12"))
    same = [runtime.step("count_alleles", settings, without="tested_elsewhere") for settings in (first, second)]
    assert same[0] == same[1]
    assert Identity.model_validate(same[1]["settings"]) == first


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    return subprocess.run(
        ["git", "-C", folder, *who, *words], capture_output=True, text=True, check=True
    ).stdout.strip()


def commit(folder: Path) -> str:
    """Make `folder` a checkout of what it holds; returns its commit."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all")
    return git(folder, "rev-parse", "HEAD")


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as a wheel leaves it in `folder`, with its checksums; returns its one module."""
    project = folder / "karyolot" / "project"
    project.mkdir(parents=True)
    module = folder / "karyolot" / "module.py"
    module.write_text("f = 1\n")
    info = folder / "karyolot-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.4\nName: karyolot\nVersion: 0.1.0\n")
    digest = base64.urlsafe_b64encode(hashlib.sha256(b"f = 1\n").digest()).decode().rstrip("=")
    (info / "RECORD").write_text(f"karyolot/module.py,sha256={digest},6\nkaryolot-0.1.0.dist-info/RECORD,,\n")
    monkeypatch.setattr(provenance, "PACKAGE", folder / "karyolot")
    monkeypatch.setattr(provenance, "PROJECT", project)
    return module


def test_a_checkout_says_its_commit_and_whether_it_was_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "module.py").write_text("f = 1\n")
    made = commit(tmp_path)
    monkeypatch.setattr(provenance, "PROJECT", tmp_path)
    assert provenance.git_state() == (made, False)
    (tmp_path / "module.py").write_text("f = 2\n")
    assert provenance.git_state() == (made, True)


def test_an_installed_package_never_says_the_commit_of_the_folder_it_lies_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(tmp_path / "venv" / "site-packages", monkeypatch)
    commit(tmp_path)
    assert provenance.git_state() == (None, None)


def test_a_wheel_says_the_commit_it_was_built_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = install(tmp_path, monkeypatch)
    built = provenance.PROJECT / "built_from.json"
    built.write_text(json.dumps({"commit": "3fe2a1c", "dirty": False}))
    assert provenance.git_state() == ("3fe2a1c", False)
    built.write_text(json.dumps({"commit": "3fe2a1c", "dirty": True}))
    assert provenance.git_state() == ("3fe2a1c", True), "built with uncommitted changes"
    built.write_text(json.dumps({"commit": "3fe2a1c", "dirty": False}))
    module.write_text("f = 2\n")
    assert provenance.git_state() == ("3fe2a1c", True), "changed after it was installed"
    module.unlink()
    assert provenance.git_state()[0] == "3fe2a1c"
    (tmp_path / "karyolot-0.1.0.dist-info" / "RECORD").unlink()
    assert provenance.git_state() == ("3fe2a1c", None), "nothing to compare with"


def test_code_without_git_is_of_unknown_state_and_named_by_its_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    state = provenance.code_state()
    assert (state.commit, state.dirty, state.mark) == (None, None, UNKNOWN)
    assert len(state.files_sha256) == 64
    assert state.model_copy(update={"commit": "3fe2a1c", "dirty": False}).mark == ""
    assert state.model_copy(update={"dirty": True}).mark == "DRAFT"
    known = state.model_copy(update={"commit": "3fe2a1c", "dirty": False})
    assert mark(known, state) == UNKNOWN and mark(known, known) == ""
    assert mark(state, known.model_copy(update={"dirty": True})) == "DRAFT"


def test_pages_state_the_commit_so_another_one_of_the_same_files_renders_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = []
    for state in (("3fe2a1c", False), ("9d0e7b1", False), ("9d0e7b1", True), (None, None)):
        monkeypatch.setattr(provenance, "git_state", lambda state=state: state)
        said.append(provenance.rendering())
    assert len(set(said)) == 4 and all(one.startswith(provenance.files_digest()) for one in said)


def test_the_digest_of_own_files_is_that_of_the_wheel_and_sees_every_edit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def digest(package: Path, project: Path) -> str:
        monkeypatch.setattr(provenance, "PACKAGE", package)
        monkeypatch.setattr(provenance, "PROJECT", project)
        return provenance.files_digest.__wrapped__()

    checkout, wheel = tmp_path / "checkout", tmp_path / "site-packages" / "karyolot"
    package = checkout / "workflow" / "karyolot"
    names = {package: ["cli.py", "report/a.j2"], checkout: ["workflow/Snakefile", "workflow/rules/a.smk",
             "workflow/scripts/a.py", "resources/acceptance.yaml"]}  # fmt: skip
    for root, place in ((package, wheel), (checkout, wheel / "project")):
        for name, folder in ((name, folder) for name in names[root] for folder in (root, place)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
    made = digest(package, checkout)
    assert digest(wheel, wheel / "project") == made
    (package / "__pycache__").mkdir()
    for name in ("workflow/karyolot/__pycache__/cli.pyc", "workflow/rules/.a.smk.swp", "README.md"):
        (checkout / name).write_text("x")
        assert digest(package, checkout) == made, name
    for root, own in names.items():
        for name in own:
            (root / name).write_text("edited")
            assert digest(package, checkout) != made, name
            (root / name).write_text(name)
    (package / "more.py").write_text("")
    assert digest(package, checkout) != made, "a file that is new"


def test_the_workflow_of_another_installation_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stop_beside(str(SNAKEFILE.parent))
    with pytest.raises(SystemExit) as stopped:
        stop_beside(str(tmp_path))
    shown = capsys.readouterr().err
    assert stopped.value.code == 2 and str(tmp_path) in shown and str(SNAKEFILE) in shown


def test_unknown_tools_are_reported_not_invented(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert provenance.tool_versions(["bwa", "salmon"]) == {"bwa": "not found", "salmon": "not found"}


def test_job_needs_a_known_rule(tmp_path: Path) -> None:
    fake = SimpleNamespace(log=[str(tmp_path / "no_such_rule.log")], params=SimpleNamespace(settings={}, code=""))
    with pytest.raises(SystemExit), runtime.job(fake, Counting):
        raise KaryolotError("never reached")


def test_the_record_names_shipped_files_apart_from_the_folder_they_lie_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the id of a report would change with the place of the checkout."""
    monkeypatch.chdir(tmp_path)
    Path("genome.fa").write_text(">1\nACGT\n")
    shipped = [str(resource(f"shipped:{name}", Path())) for name in ("markers.tsv", "gene_sets/go.gmt")]
    code = provenance.code_digest(runtime.SCRIPTS / "hash_references.py")
    fake = SimpleNamespace(
        log=["hash_references.log"],
        input=SimpleNamespace(files=["genome.fa", *shipped]),
        output=SimpleNamespace(facts="files.json"),
        params=SimpleNamespace(settings={}, code=code),
    )
    runpy.run_path(str(runtime.SCRIPTS / "hash_references.py"), {"snakemake": fake})
    write_sealed({"files": [{"path": "reads.fq", "bytes": 1, "sha256": "00"}]}, "reads.json")
    used = ["genome.fa", "shipped:markers.tsv"]
    listed = read_described(["reads.json", "reads.json"], "files.json", used)
    made = provenance.collect(listed, [], [], "genome.fa", {})
    assert [file.path for file in made.inputs] == ["reads.fq", *used], "of the settings' files those that the lot used"
    assert made.acceptance_sha256 == hashlib.sha256(Path("genome.fa").read_bytes()).hexdigest()
    assert str(provenance.PROJECT) not in Path("files.json").read_text()
    with pytest.raises(KaryolotError, match=r"files\.json: does not list other\.fa; delete it and run again"):
        read_described([], "files.json", ["other.fa"])
