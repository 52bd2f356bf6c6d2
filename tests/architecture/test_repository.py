"""The files around the code: one set of commands everywhere, nothing of a machine in a commit, profiles that hold."""

import functools
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.cli import get_argument_parser, parse_args

ROOT = Path(__file__).parents[2]
PROFILES = sorted((ROOT / "workflow" / "profiles").glob("*/config.yaml"))
MAX_FILE_BYTES = 1_000_000
HOMES = re.compile("(?:/" + "|/".join(("root", "home", "work", "Users", "opt", "mnt", "scratch")) + r")/[\w.-]+")
REGISTRIES = re.compile(r"pypi\.|pythonhosted|anaconda\.(?:org|com)|npmjs|deb\.debian\.org|/simple\b|artifactory|nexus")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@functools.cache
def committed() -> tuple[Path, ...]:
    """Files git has or would take."""
    listing = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("no git checkout: only what git holds can be looked through")
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    paths = [ROOT / name for name in done.stdout.split("\0") if name]
    return tuple(path for path in paths if path.is_file() and not path.is_symlink())


def text_of(path: Path) -> str:
    return path.read_bytes().decode("utf-8", errors="replace")


def test_no_file_is_large() -> None:
    large = {
        str(path.relative_to(ROOT)): size for path in committed() if (size := path.stat().st_size) > MAX_FILE_BYTES
    }
    assert not large, f"{large}: data is simulated or stays outside"


@pytest.mark.parametrize("pattern", [HOMES, REGISTRIES], ids=["places of one machine", "hosts of package registries"])
def test_nothing_of_a_machine_is_committed(pattern: re.Pattern[str]) -> None:
    found = {
        f"{path.relative_to(ROOT)}:{number}": match.group()
        for path in committed()
        if path != Path(__file__)
        for number, line in enumerate(text_of(path).splitlines(), 1)
        if (match := pattern.search(line)) and not line.startswith("#!")
    }
    assert not found, f"write a relative path, or nothing: {found}"


def test_this_machines_pip_settings_are_not_committed() -> None:
    shown = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    secrets = {word for word in re.findall(r"(?:\w+://|/)[^\s'\",]+", shown.stdout) if len(word) > len("/opt/x")}
    leaks = {str(path.relative_to(ROOT)) for path in committed() if any(secret in text_of(path) for secret in secrets)}
    assert not leaks, f"settings of this machine's pip stand in {sorted(leaks)}"


def subcommands() -> set[str]:
    usage = subprocess.run([ROOT / "run"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  ([\w-]+) ", usage, flags=re.M))


DOCUMENTS = ["README.md", "CONTRIBUTING.md", "config/README.md"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_name_commands_that_exist(name: str) -> None:
    named = set(re.findall(r"\./run ([\w-]+\w)", (ROOT / name).read_text(encoding="utf-8")))
    assert named <= subcommands(), f"{name}: ./run has no {sorted(named - subcommands())}"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_name_files_that_exist(name: str) -> None:
    """What stands in code font and looks like a path of the project is one; * stands for any name."""
    text = (ROOT / name).read_text(encoding="utf-8")
    top = {path.name for path in ROOT.iterdir()} - {"config", "results", "demo"}
    quoted = {word for word in re.findall(r"`([\w.*/<>-]+)`", text) if word.split("/")[0] in top and "<" not in word}
    absent = sorted(word for word in quoted if not any(ROOT.glob(word.rstrip("/"))))
    assert quoted, f"{name} names no file of the project"
    assert not absent, f"{name}: there is no {', '.join(absent)}"


def test_the_readme_shows_the_two_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "./run demo" in text
    assert "./run test" in text


def test_ci_and_hooks_call_what_a_developer_calls() -> None:
    assert re.search(r"^exec .*/run\" test$", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), flags=re.M)
    steps = [
        step.get("run", "")
        for workflow in WORKFLOWS
        for job in yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
        for step in job["steps"]
    ]
    assert "bash .ci/run" in steps
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    entries = {hook["entry"] for repository in hooks for hook in repository["hooks"]}
    assert entries == {"./run lint", "./run test"}, "a hook of its own would need its own version, and drift"


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.parent.name)
def test_profiles_hold_only_options_of_snakemake(profile: Path) -> None:
    settings = yaml.safe_load(profile.read_text(encoding="utf-8"))
    options = {option.lstrip("-") for action in get_argument_parser()._actions for option in action.option_strings}
    assert settings.keys() <= options, f"{profile}: Snakemake has no option {sorted(settings.keys() - options)}"
    assert not {"keep-incomplete", "kt"} & settings.keys(), "it makes half-written files pass for finished ones"
    assert settings["scheduler"] == "greedy"


def test_the_local_profile_is_read() -> None:
    _, args = parse_args(["--workflow-profile", str(ROOT / "workflow" / "profiles" / "local"), "--cores", "1"])
    assert args.scheduler == "greedy"
    assert args.rerun_incomplete
    assert args.show_failed_logs
    assert args.latency_wait == 5
    assert args.default_resources is not None


def test_the_slurm_profile_is_read() -> None:
    _, args = parse_args(["--workflow-profile", str(ROOT / "workflow" / "profiles" / "slurm")])
    assert (args.executor, args.retries, args.rerun_incomplete) == ("slurm", 2, True)
    assert args.default_resources is not None


def test_jobs_are_tried_again_by_a_profile_only() -> None:
    """Beside a rule, `retries` would be applied inside a SLURM job as well, with the memory that was too little."""
    rules = [ROOT / "workflow" / "Snakefile", *(ROOT / "workflow" / "rules").glob("*.smk")]
    assert not [path.name for path in rules if re.search(r"^\s+retries:", path.read_text(encoding="utf-8"), flags=re.M)]


def test_the_groups_are_of_rules_that_exist() -> None:
    """What is neither in a group nor local nor large would wait in the queue for longer than it runs."""
    settings = yaml.safe_load((ROOT / "workflow" / "profiles" / "slurm" / "config.yaml").read_text(encoding="utf-8"))
    text = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    rules = set(re.findall(r"^rule (\w+):", text, flags=re.M)) - {"copy_number"}
    grouped = dict(entry.split("=") for entry in settings["groups"])
    local = set(re.search(r"^localrules:\n((?:    \w+,\n)+)", text, flags=re.M)[1].replace(",", "").split())
    assert grouped.keys() | local <= rules and not grouped.keys() & local
    assert rules - grouped.keys() - local == {
        "index_genome", "convert_index", "align_reads", "import_alignment", "mark_duplicates", "index_transcripts",
        "quantify_transcripts", "call_variants", "search_foreign", "summarise_run",
    }  # fmt: skip
    assert {entry.split("=")[0] for entry in settings["group-components"]} <= set(grouped.values())


def test_scripts_of_the_shell_are_sound() -> None:
    scripts = [ROOT / "run", ROOT / ".ci" / "run"]
    for script in scripts:
        subprocess.run(["bash", "-n", script], check=True)
    if shutil.which("shellcheck"):  # not on every machine, and not worth a dependency
        subprocess.run(["shellcheck", *scripts], check=True)
