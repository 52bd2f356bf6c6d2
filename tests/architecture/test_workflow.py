"""The shape of the workflow: rule = script = log, no logic in rules, scripts that only read, call and write."""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from karyolot.contracts.results import FileSet
from karyolot.plan import files, variants

ROOT = Path(__file__).parents[2]
RULE_FILES = sorted((ROOT / "workflow" / "rules").glob("*.smk"))
SCRIPTS = sorted((ROOT / "workflow" / "scripts").glob("*.py"))
WILDCARDS = {"lot", "sample", "unit", "family"}
STAGES = {"dna", "rna", "verdict", "report"}
FOR_PEOPLE = {"commands", "simulate"}
MAX_SNAKEFILE_LINES = 60
MAX_SCRIPT_LINES = 15


@dataclass(frozen=True)
class Rule:
    """One rule as written. directives: name -> its text."""

    name: str
    file: Path
    directives: dict[str, str]

    @property
    def script(self) -> str | None:
        found = re.search(r'"\.\./scripts/(\w+)\.py"', self.directives.get("script", ""))
        return found.group(1) if found else None

    @property
    def runs(self) -> bool:
        return bool({"script", "shell"} & self.directives.keys())


def rules_of(file: Path) -> list[Rule]:
    """The rules of a file in snakefmt's layout: rules at column 0, directives at 4, their values deeper."""
    rules = []
    for block in re.split(r"^(?=(?:rule|checkpoint) \w+:)", file.read_text(encoding="utf-8"), flags=re.M)[1:]:
        name = block.split(":")[0].split()[1]
        body = re.split(r"^(?=[^\s#])", block.split("\n", 1)[1], flags=re.M)[0]
        _, *parts = re.split(r"^ {4}(\w+):", body, flags=re.M)
        rules.append(Rule(name, file, dict(zip(parts[::2], parts[1::2], strict=True))))
    return rules


def results_of(text: str) -> list[str]:
    """Names of results in a directive: as written, and those that stand in `karyolot.plan.files` or `.variants`."""
    text = re.sub(r'\bcaption="[^"]*"', "", text)  # of report(): a file of workflow/report
    templates = re.findall(r'\b(?:files|variants)\.([A-Z][\w.]*(?:\["\w+"\])?(?:\(\))?)', text)
    found = [eval(name, {**vars(variants), **vars(files)}) for name in templates]
    sets = [path for value in found if isinstance(value, dict) for path in value.values()]
    return re.findall(r'"([^"]+/[^"]*)"', text) + sets + [path for path in found if isinstance(path, str)]


def code_of(text: str) -> str:
    """`text` with string literals of three quotes and comments blanked, line by line."""
    text = re.sub(r'"""(?:.|\n)*?"""', lambda found: "\n" * found.group().count("\n"), text)
    return re.sub(r"^\s*#.*$", "", text, flags=re.M)


RULES = [rule for file in [ROOT / "workflow" / "Snakefile", *RULE_FILES] if file.is_file() for rule in rules_of(file)]
each_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
each_running_rule = pytest.mark.parametrize("rule", [r for r in RULES if r.runs], ids=lambda rule: rule.name)
each_rule_file = pytest.mark.parametrize("file", RULE_FILES, ids=lambda file: file.name)
each_script = pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)


def test_there_are_rules_and_scripts() -> None:
    assert RULES
    assert SCRIPTS


def test_the_snakefile_is_a_table_of_contents() -> None:
    lines = len((ROOT / "workflow" / "Snakefile").read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_SNAKEFILE_LINES, f"Snakefile has {lines} lines: move rules to workflow/rules, code to karyolot"


@each_rule_file
def test_a_rule_file_opens_with_its_contract(file: Path) -> None:
    if rules_of(file):
        opening = re.match(r'"""((?:.|\n)*?)"""', file.read_text(encoding="utf-8"))
        missing = [word for word in ("INPUTS", "OUTPUTS", "STEPS") if not opening or word not in opening.group(1)]
        assert not missing, f"{file.name}: the docstring on top must name {', '.join(missing)}"


@pytest.mark.parametrize("file", [ROOT / "workflow" / "Snakefile", *RULE_FILES], ids=lambda file: file.name)
def test_rule_files_hold_no_logic(file: Path) -> None:
    statements = r"^\s*(?:def|if|elif|else|for|while|try|except|with|class|run)\b.*:"
    found = [line.strip() for line in re.findall(f"{statements}.*$", code_of(file.read_text(encoding="utf-8")), re.M)]
    assert not found, f"{file.name}: {found}: what decides belongs into karyolot.plan, where a test can import it"


@pytest.mark.parametrize("file", [ROOT / "workflow" / "Snakefile", *RULE_FILES], ids=lambda file: file.name)
def test_lambdas_are_lookups(file: Path) -> None:
    allowed = ast.Name | ast.Attribute | ast.Subscript | ast.Constant | ast.Call | ast.keyword | ast.Load
    for body in lambda_bodies(code_of(file.read_text(encoding="utf-8"))):
        tree = ast.parse(body, mode="eval").body
        assert all(isinstance(node, allowed) for node in ast.walk(tree)), (
            f"{file.name}: lambda ...: {body}: more than a lookup; make it a function of karyolot.plan"
        )


def lambda_bodies(code: str) -> list[str]:
    """The expression after each `lambda ...:`, up to the comma or bracket that ends it."""
    bodies = []
    for start in re.finditer(r"\blambda\b[^:]*:", code):
        depth, end = 0, start.end()
        while end < len(code) and not (depth == 0 and code[end] in ",)]}"):
            depth += (code[end] in "([{") - (code[end] in ")]}")
            if depth == 0 and code[end] == "\n":
                break
            end += 1
        bodies.append(code[start.end() : end].strip())
    return bodies


def test_lambda_bodies_are_found_whole() -> None:
    code = "a=lambda w: paths.reads(study, w.unit),\nb=lambda w: [x for x in w],\nc=lambda w: (\n  w.a\n)\n"
    assert lambda_bodies(code) == ["paths.reads(study, w.unit)", "[x for x in w]", "(\n  w.a\n)"]


def test_rule_names_are_unique_and_say_verb_object() -> None:
    names = [rule.name for rule in RULES if rule.runs]
    assert sorted(set(names)) == sorted(names)
    single = [name for name in names if "_" not in name]
    assert not single, f"{single}: a rule is called verb_object"


@each_running_rule
def test_every_rule_has_log_and_environment(rule: Rule) -> None:
    missing = [directive for directive in ("log", "conda") if directive not in rule.directives]
    assert not missing, f"rule {rule.name} ({rule.file.name}) has no {' and no '.join(missing)}"


@each_running_rule
def test_the_log_is_named_after_the_rule(rule: Rule) -> None:
    """`logs/<wildcards>/<rule>.log`, or `<rule>.{unit}.log` where one folder holds several."""
    log = rule.directives.get("log", "")
    assert re.search(rf'/{rule.name}(\.\{{\w+\}})?\.log"', log), f"rule {rule.name}: the log is called {log.strip()}"


@each_running_rule
def test_rules_use_the_known_wildcards(rule: Rule) -> None:
    directives = [rule.directives.get(directive, "") for directive in ("output", "log", "benchmark")]
    unknown = {name for text in directives for path in results_of(text) for name in re.findall(r"\{(\w+)", path)}
    unknown -= WILDCARDS
    assert not unknown, f"rule {rule.name}: wildcards {sorted(unknown)}; only {sorted(WILDCARDS)} exist"


@each_running_rule
def test_outputs_and_logs_have_their_place(rule: Rule) -> None:
    outputs = results_of(rule.directives.get("output", ""))
    assert outputs or "commands.index_files" in rule.directives.get("output", "")
    astray = [path for path in outputs if not path.startswith("results/")]
    assert not astray, f"rule {rule.name}: {astray} is not under results/"
    logs = re.findall(r'"([^"]+)"', rule.directives.get("log", ""))
    assert all(path.startswith("logs/") for path in logs), f"rule {rule.name}: logs go to logs/"


def test_a_result_is_spelled_in_one_file() -> None:
    """What two files need by name is a template of `karyolot.plan.files`."""
    places: dict[str, set[str]] = {}
    for file in [ROOT / "Snakefile", *RULE_FILES, *(ROOT / "workflow" / "karyolot").rglob("*.py")]:
        for path in re.findall(r'"(results/[^"\s]+)"', file.read_text(encoding="utf-8")):
            places.setdefault(path.replace("{{", "{").replace("}}", "}"), set()).add(file.name)
    assert len(places) > 60
    twice = {path: sorted(names) for path, names in places.items() if len(names) > 1}
    assert not twice, f"{twice}: make it a template of plan/files.py"


def test_every_template_is_an_output_of_one_rule() -> None:
    held = [value for name, value in vars(files).items() if name.isupper()]
    sets = [type(value).inputs(value) for value in held if isinstance(value, FileSet)]
    templates = {path for group in [*sets, *(x for x in held if isinstance(x, dict))] for path in group.values()}
    templates |= {value for value in held if isinstance(value, str)} - {files.INDEX, files.ALIASES, files.TRIMMED}
    made = [path for rule in RULES for path in results_of(rule.directives.get("output", ""))]
    assert len(templates) > 50 and templates <= set(made), f"{sorted(templates - set(made))}: no rule makes it"


def test_rules_and_scripts_carry_the_same_names() -> None:
    called = {rule.name: rule.script for rule in RULES if "script" in rule.directives}
    assert all(name == script for name, script in called.items()), f"rule -> script differ: {called}"
    orphans = {script.stem for script in SCRIPTS} ^ set(called)
    assert not orphans, f"{sorted(orphans)}: a script without its rule, or a rule without its script"


@each_script
def test_scripts_are_short(script: Path) -> None:
    tree = ast.parse(script.read_text(encoding="utf-8"))
    body = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    lines = {line for node in body[1:] for part in ast.walk(node) for line in lines_of(part)}
    assert len(lines) <= MAX_SCRIPT_LINES, f"{script.name}: {len(lines)} lines of code; the rest belongs into karyolot"


def lines_of(node: ast.AST) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1) if isinstance(node, ast.stmt) else range(0)


@each_script
def test_scripts_have_no_logic(script: Path) -> None:
    logic = ast.If | ast.For | ast.While | ast.Try | ast.FunctionDef | ast.ClassDef | ast.Lambda | ast.Match
    found = [type(node).__name__ for node in ast.walk(ast.parse(script.read_text("utf-8"))) if isinstance(node, logic)]
    assert not found, f"{script.name} holds {found}: make it a tested function of karyolot"


@each_script
def test_a_script_says_its_rule(script: Path) -> None:
    says = ast.get_docstring(ast.parse(script.read_text(encoding="utf-8"))) or ""
    assert says.startswith(f"Rule `{script.stem}`"), f"{script.name}: the docstring begins: Rule `{script.stem}`: ..."


@each_script
def test_a_script_calls_one_stage(script: Path) -> None:
    modules = {
        name
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "karyolot"
        for name in ([str(node.module).split(".")[1]] if "." in str(node.module) else [a.name for a in node.names])
    }
    assert len(modules & STAGES) <= 1, f"{script.name} calls {sorted(modules & STAGES)}: one stage per step"
    assert not modules & FOR_PEOPLE, f"{script.name} imports {sorted(modules & FOR_PEOPLE)}, which are made for people"


def test_snakemake_lint(study: Path) -> None:
    """Snakemake itself has no advice; needs a study, since the rules are made from the sample tables."""
    command = [sys.executable, "-m", "snakemake", "--lint", "--snakefile", str(ROOT / "workflow" / "Snakefile")]
    command += ["--directory", str(study), "--configfile", str(study / "config" / "config.yaml")]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stdout + shown.stderr
