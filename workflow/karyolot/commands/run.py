"""`karyolot run`: the plain Snakemake command, and the remedy if it fails. Nothing here changes a result."""

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

from karyolot.contracts.problems import KaryolotError
from karyolot.io import lock, machine
from karyolot.io.ledger import login
from karyolot.io.shipped import PROFILES, PROJECT, SETTINGS, SNAKEFILE
from karyolot.plan.resources import Needs

DONE, PIPELINE_ERROR, INPUT_ERROR = 0, 1, 2
CORES = ("-c", "--cores", "-j", "--jobs", "-e", "--executor", "--profile", "--workflow-profile")
"""Options by which the user sets how much runs at once, or where."""
LOGGING = ("--logger", "-q", "--quiet", "--verbose", "-p", "--printshellcmds", "--debug", "--debug-dag")
LOOKING = """
--dry-run --dryrun --dag --rulegraph --filegraph --d3dag --summary --detailed-summary --list --list-rules
--list-target-rules --lint --unlock --report --reporter --archive --cleanup-metadata --cleanup-shadow --print-compilation
--generate-unit-tests --containerize --conda-create-envs-only --conda-cleanup-envs --conda-list-envs --list-changes
--list-input-changes --list-params-changes --list-untracked --delete-all-output --delete-temp-output --touch --version
--help --export-cwl --list-conda-envs dryrun touch --lt --lc --li --lp --lu --cm
""".split()
"""Options of Snakemake with which it runs no job: a table of verdicts after them would be in the way."""
SHORT = re.compile(r"-[kpqF]*[nlhvSDt]")
"""The same as single letters, alone or after letters that take no value: -n, -pn, -S."""
STATUS = "--slurm-status-command"
TAIL_LINES = 15
LOG_BYTES = 1 << 20
"""Enough of the end of a log to hold the last failure."""


def command(directory: Path, words: Sequence[str] = (), *, terminal: bool = False) -> list[str]:
    """The Snakemake command line that makes all results of a working directory.

    words: passed on as they are; an option given again there wins. terminal: progress bars, if their plugin is installed;
    else each finished step is one line.
    """
    beside = shutil.which("snakemake", path=str(Path(sys.executable).parent))
    line = [
        beside or "snakemake",
        *("--snakefile", str(SNAKEFILE)),
        *("--workflow-profile", str(PROFILES / "local")),
        *("--directory", str(directory)),
    ]
    if not _given(words, CORES):
        line += ["--cores", "all"]
    if not _given(words, LOGGING) and not only_looks(words):
        line += [
            "--logger",
            "rich" if terminal and importlib.util.find_spec("snakemake_logger_plugin_rich") else "karyolot",
        ]
    return [*line, *words]


def stop_unfit(directory: Path, words: Sequence[str]) -> None:
    """Raises KaryolotError when there are no settings to run with, or when the words name another directory."""
    if _given(words, ("-d", "--directory")):
        raise KaryolotError("--directory after --: name the working directory before it, karyolot run DIR -- ...")
    settings = directory / SETTINGS
    if not settings.is_file() and not _given(words, ("--configfile", "--configfiles", *LOOKING)):
        raise KaryolotError(f"{settings} does not exist; make a working directory with karyolot init, or name another")
    if not only_looks(words) and not os.access(directory, os.W_OK):
        raise KaryolotError(
            f"{directory}: cannot be written (read-only, or of another user)",
            "run in a copy, or change its permissions",
        )
    asked = any(Path(word).name == "slurm" for word in words)  # the executor, or the profile that names it
    if asked and not only_looks(words) and not _given(words, (STATUS,)) and not _has_accounting():
        raise KaryolotError(
            "SLURM accounting is not available (sacct failed); Snakemake would wait forever for finished jobs."
            f" Add: {STATUS} squeue"
        )


def _has_accounting() -> bool:
    """Whether sacct answers, which Snakemake uses for the state of its jobs unless configured otherwise."""
    try:
        return subprocess.run(["sacct", "--noheader"], capture_output=True, check=False, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def hold_or_stop(directory: Path, words: Sequence[str], *, main: bool) -> IO[str] | None:
    """Lock the working directory for a run with these words, for as long as the handle lives. Called by the Snakefile.

    main: not one of the processes that a run starts for its jobs. Exit code 2, with the reason, when another run works
    there, or when jobs of one that was killed do. Unlocking is refused then as well; looking is not.
    """
    if not main or (only_looks(words) and "--unlock" not in words):
        return None
    handle = None
    try:
        handle = lock.hold(directory)  # also against a run that starts while SLURM is asked
        if jobs := lock.left_behind(directory):
            raise KaryolotError(
                f"{directory}: SLURM still has jobs of an earlier run in this directory ({' '.join(jobs)}), and two would"
                f" write the same files. Wait until squeue shows them no more, or: scancel {' '.join(jobs)}"
            )
    except KaryolotError as error:
        if handle is not None:
            handle.close()
        sys.stderr.write(f"{error}\n")
        raise SystemExit(INPUT_ERROR) from None
    return handle


def stop_without(tools: Sequence[str], deployment: Collection[object]) -> None:
    """Exit code 2 with the remedy when a tool the study needs is not on PATH and no deployment method brings it."""
    missing = [tool for tool in tools if not deployment and shutil.which(tool) is None]
    if missing:
        rows = (line.split("\t") for line in (PROJECT / "envs" / "tools.tsv").read_text(encoding="utf-8").splitlines())
        versions = {row[0]: row[1] for row in rows}
        wanted = " ".join(f"{tool}={versions[tool]}" for tool in missing)
        sys.stderr.write(
            f"E29 error: {', '.join(missing)} not found on PATH\n"
            "    -> activate the environment that holds the tools, or make it:\n"
            f"       conda create -n karyolot-tools -c conda-forge -c bioconda {wanted}\n"
            "       In a checkout, ./run setup installs them or states how. Or run with --software-deployment-method conda.\n"
        )
        raise SystemExit(INPUT_ERROR)


def stop_unable(aligner: str | None, words: Sequence[str], *, main: bool) -> None:
    """Exit code 2 with the remedy when the processor of this machine cannot run the aligner, and the run would use it here.

    aligner: None when there are no reads to align. main: as in `hold_or_stop`. On a cluster other machines do the work: each
    job looks at its processor before it aligns.
    """
    if aligner != "bwa-mem3" or not main or only_looks(words) or any(Path(word).name == "slurm" for word in words):
        return
    try:
        machine.check_bwa_mem3()
    except KaryolotError as fault:
        sys.stderr.write(f"{fault}\n")
        raise SystemExit(INPUT_ERROR) from None


def share_memory(workflow: Any) -> int | None:
    """Let the jobs of a run on this machine share its free memory, unless the user states how much (--resources mem_mb=N).

    Returns
    -------
    int | None
        MB that are shared; None where each job requests its own from a cluster (it alone has a number of --jobs), and in the
        processes of jobs.
    """
    if not workflow.is_main_process or workflow.resource_settings.nodes is not None:
        return None
    if "mem_mb" not in workflow.global_resources:
        workflow.register_resource("mem_mb", machine.free_mb())
    return int(workflow.global_resources["mem_mb"].value)


def stop_too_large(jobs: Iterable[Any], needs: Needs, memory: int | None) -> None:
    """Exit code 2 when jobs that are about to run need more memory than there is, with what to do about it.

    Snakemake itself would lower what they ask for and start them. memory: MB, as of `share_memory`.
    """
    if memory is None:
        return
    rules = {job.rule.name: needs.memory_of(job.rule.name, job.wildcards_dict) for job in jobs}
    large = {rule: asked for rule, asked in rules.items() if asked > memory}
    if not large:
        return
    for rule, asked in large.items():
        sys.stderr.write(
            f"{rule} needs {asked / 1e3:.1f} GB of memory, and {memory / 1e3:.1f} GB are free; nothing was started\n"
        )
    smaller = [words for rule in large for words in needs.smaller(rule, memory)]
    remedies = [*dict.fromkeys(smaller), "run on a cluster, or on a machine with more memory"]
    sys.stderr.write("".join(f"    -> {words}\n" for words in remedies))
    sys.stderr.write("    To start it all the same, state the memory: -- --resources mem_mb=N\n")
    raise SystemExit(INPUT_ERROR)


def _given(words: Sequence[str], options: Sequence[str]) -> bool:
    """Whether one of the options is among the words, also as --option=value or -c4."""
    return any(word.split("=")[0] in options or (word[:2] in options and not word.startswith("--")) for word in words)


def only_looks(words: Sequence[str]) -> bool:
    """Whether Snakemake, called with these words, would run no job. Long options may be shortened, as it allows."""
    names = [word.split("=")[0] for word in words]
    return any(
        name in LOOKING
        or (name[:2] == "--" and len(name) > 4 and any(option.startswith(name) for option in LOOKING))
        or SHORT.match(name)
        for name in names
    )


def run(line: Sequence[str], environment: Mapping[str, str] = MappingProxyType({})) -> int:
    """Run Snakemake to its end in this terminal; exit code 0 done, 1 pipeline error, 2 input error.

    environment: variables beside those of this process. A request to stop is passed on, so that Snakemake can stop its jobs and
    delete their half-written files.
    """
    # Snakemake looks up the user's name; a container has none for the number that --user gives.
    with subprocess.Popen(line, env={"USER": login(), **os.environ, **environment}) as process:

        def pass_on(number: int, _: object) -> None:
            # A terminal interrupts Snakemake itself as well; a second time would make it leave its jobs behind.
            if number != signal.SIGINT or not os.isatty(0):
                process.send_signal(number)

        held = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            code = process.wait()
        finally:
            for number, handler in held.items():
                signal.signal(number, handler)
    return code if code in (DONE, INPUT_ERROR) else PIPELINE_ERROR


@dataclass(frozen=True, slots=True)
class Failure:
    """What stopped a run. rule, log: None when no rule failed (a locked directory). tail: last lines of that log."""

    rule: str | None
    log: str | None
    tail: tuple[str, ...]
    hint: str


def logs(directory: Path) -> frozenset[Path]:
    """Logs Snakemake has written of its runs in this directory."""
    return frozenset((directory / ".snakemake" / "log").glob("*.snakemake.log"))


def read_end(path: Path) -> str:
    """The last megabyte of a log; '' when it cannot be read."""
    try:
        with path.open("rb") as handle:
            handle.seek(max(0, path.stat().st_size - LOG_BYTES))
            return handle.read().decode("utf-8", errors="replace")
    except OSError:
        return ""


def failure(directory: Path, earlier: Collection[Path] = ()) -> Failure:
    """What stopped the last run, from Snakemake's own log and the log of the first rule that failed.

    earlier: logs that were there before the run.
    """
    written = sorted(logs(directory).difference(earlier))  # their names begin with the time
    run_log = read_end(written[-1]) if written else ""
    found = re.search(r"^Error in rule (\w+)[^\n]*:\n((?:[ \t]+[^\n]*\n)*)", run_log, flags=re.M)
    rule, log, tail = None, None, ""
    if found:
        rule = found[1]
        named = re.search(r"^\s+log: (.+?)(?: \(check log file.*)?$", found[2], flags=re.M)
        if named:
            log = named[1].split(", ")[0]
            tail = read_end(directory / log)
    lines = tuple(line for line in tail.splitlines() if line.strip())[-TAIL_LINES:]
    # The rule's own words first: Snakemake's log also tells of jobs that it stopped itself.
    own = hint("\n".join(lines))
    return Failure(rule, log, lines, own or hint(found[0] if found else "") or hint(run_log) or OTHERWISE)


HINTS = {
    r"on user request|Terminating processes|^KeyboardInterrupt|died with <Signals\.SIGTERM|died with <Signals\.SIGINT": "The"
    " run was stopped."
    " Run again to resume; finished jobs are kept.",
    r"No space left on device|Errno 28\b|Disk quota exceeded|Errno 122\b|error closing output file"
    r"|Failed to write \d+ bytes|File write failed": "The disk is full: free space where results/ and the temporary files"
    " are (df -h . /tmp),"
    " then run again.",
    r"\bOut Of Memory\b|OUT_OF_MEMORY|\boom[-_ ]?kill|MemoryError|Cannot allocate memory|std::bad_alloc|Killed\b"
    r"|exit code 137|exit status 137|died with <Signals\.SIGKILL|exit status -9": "The job was"
    " killed, most likely because memory ran out: start fewer jobs at once by giving the run less of it (--"
    " --resources mem_mb=8000), or run where there is more memory.",
    r"Directory cannot be locked|LockException": "Another run works in this directory. Wait for it; if none is alive (it"
    " was killed), unlock with -- --unlock and run again.",
    r"command not found|CommandNotFound|exit code 127|exit status 127|FileNotFoundError: \[Errno 2\] No such file or"
    r" directory: '[\w.+-]+'": "A program is missing: put it on PATH (envs/tools.tsv lists the tools; in a"
    " checkout, ./run setup installs them), or run with -- --software-deployment-method conda.",
    r"CreateCondaEnvironmentException|Error running conda": "conda could not make the environment: see its message"
    " above, or leave out --software-deployment-method and use the tools on PATH.",
    r"Permission denied|Errno 13\b|Read-only file system": "A file cannot be read or written: check the"
    " owner and permissions of the file named above.",
    r"is not the code that planned this job": "karyolot was changed while it ran: run again.",
    r"Error reading input file|truncated input file|Inflate operation failed|Failure to decode slice": "An alignment is"
    " damaged, or was made with another genome than reference.fasta: fetch it again, or give its genome.",
    r"the sample sheet states": "An input does not have the sha256 stated in the sample sheet: fetch it again.",
}
"""Text in a log -> one sentence of remedy; the first that matches."""
OTHERWISE = "Fix the reported error and run again; finished jobs are kept."


def hint(text: str) -> str:
    """The remedy for the commonest causes, '' when the text names none of them."""
    return next((remedy for pattern, remedy in HINTS.items() if re.search(pattern, text, flags=re.I | re.M)), "")
