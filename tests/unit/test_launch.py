"""`karyolot run`: the command is plain Snakemake, and a failure is told by its own log and one remedy."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from karyolot.commands import run as launch
from karyolot.contracts.problems import KaryolotError
from karyolot.io.shipped import PROJECT
from karyolot.plan.commands import NO_SPACE, NOT_WHOLE

ODD = 'a "study" it\'s $(touch owned)'


def test_the_command_is_plain_snakemake() -> None:
    program, *line = launch.command(Path(ODD), ["--until", "decide_lot"])
    assert Path(program).name == "snakemake"
    assert line == [
        *("--snakefile", f"{PROJECT}/workflow/Snakefile", "--workflow-profile", f"{PROJECT}/workflow/profiles/local"),
        *("--directory", ODD, "--cores", "all", "--logger", "karyolot", "--until", "decide_lot"),
    ]


@pytest.mark.parametrize("words", [["-c4"], ["--cores=2"], ["-j", "8"], ["--executor", "slurm"], ["--profile", "p"]])
def test_cores_are_the_users_when_he_says_so(words: list[str]) -> None:
    assert "all" not in launch.command(Path(), words)


def test_bars_in_a_terminal_and_lines_elsewhere_unless_the_user_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: name == "snakemake_logger_plugin_rich")
    assert launch.command(Path())[-2:] == ["--logger", "karyolot"]
    assert launch.command(Path(), terminal=True)[-2:] == ["--logger", "rich"]
    for words in (["--quiet"], ["--dry-run"], ["--logger", "other"]):
        assert "karyolot" not in launch.command(Path(), words) and "rich" not in launch.command(
            Path(), words, terminal=True
        )
    monkeypatch.setattr(launch.importlib.util, "find_spec", lambda name: None)
    assert launch.command(Path(), terminal=True)[-2:] == ["--logger", "karyolot"]


def test_snakemake_knows_the_user_where_the_machine_has_no_name_for_him(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container the number of `--user` has no entry, and Snakemake fails to look it up."""
    without = {
        name: value for name, value in os.environ.items() if name not in ("LOGNAME", "USER", "LNAME", "USERNAME")
    }
    monkeypatch.setattr(launch.os, "environ", without)
    monkeypatch.setattr(launch, "login", lambda: "12345")
    unnamed = "import getpass, pwd; pwd.getpwuid = {}.__getitem__; raise SystemExit(getpass.getuser() != '12345')"
    assert launch.run([sys.executable, "-c", unnamed]) == launch.DONE
    without["USER"] = "kim"
    assert launch.run([sys.executable, "-c", unnamed.replace("12345", "kim")]) == launch.DONE


def test_words_that_run_no_job() -> None:
    for words in ("-n", "-np", "-pn", "--dry-run", "--dryrun", "--dry", "--dag", "--rulegraph mermaid-js", "--lint",
                  "-S", "--unlock", "--report out.html", "-l", "--lt", "-h", "--executor dryrun"):  # fmt: skip
        assert launch.only_looks(words.split()), words
    for words in ("", "--cores 4", "-p", "-k", "-F", "results/L1/report.html", "--report-after-run", "--retries 2",
                  "--until decide_lot", "--forcerun render_report", "--set-threads align_reads=4"):  # fmt: skip
        assert not launch.only_looks(words.split()), words


@pytest.mark.parametrize("words", [["-d", "x"], ["--directory=x"]])
def test_one_working_directory_only(tmp_path: Path, words: list[str]) -> None:
    with pytest.raises(KaryolotError, match="before it"):
        launch.stop_unfit(tmp_path, words)


def test_a_folder_that_is_no_working_directory(tmp_path: Path) -> None:
    with pytest.raises(KaryolotError, match="karyolot init"):
        launch.stop_unfit(tmp_path, [])
    launch.stop_unfit(tmp_path, ["--configfile", "elsewhere.yaml"])


def test_a_directory_that_cannot_be_written_is_named_before_snakemake_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launch.os, "access", lambda path, mode: False)
    with pytest.raises(KaryolotError, match=r"cannot be written .*; run in a copy"):
        launch.stop_unfit(tmp_path, ["--configfile", "x.yaml"])
    launch.stop_unfit(tmp_path, ["--configfile", "x.yaml", "-n"])


@pytest.mark.parametrize("words", [["--workflow-profile", "some/where/slurm"], ["--executor", "slurm"]])
def test_a_slurm_without_accounts_is_told_before_it_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    sacct = tmp_path / "sacct"
    sacct.write_text("#!/bin/sh\necho 'Slurm accounting storage is disabled' >&2\nexit 1\n")
    sacct.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    words = ["--configfile", "x.yaml", *words]
    with pytest.raises(KaryolotError, match="Add: --slurm-status-command squeue"):
        launch.stop_unfit(tmp_path, words)
    launch.stop_unfit(tmp_path, [*words, "--slurm-status-command=squeue"])
    launch.stop_unfit(tmp_path, [*words, "-n"])
    sacct.write_text("#!/bin/sh\n")
    launch.stop_unfit(tmp_path, words)


@pytest.mark.parametrize(("ends", "code"), [(0, 0), (1, 1), (2, 2), (130, 1), (77, 1)])
def test_exit_codes(ends: int, code: int) -> None:
    assert launch.run([sys.executable, "-c", f"raise SystemExit({ends})"]) == code


def test_a_killed_run_is_a_pipeline_error() -> None:
    assert launch.run([sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == launch.PIPELINE_ERROR


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_being_asked_to_end_reaches_snakemake(tmp_path: Path, number: signal.Signals) -> None:
    """The child sees the signal, cleans up and ends; the parent waits for that."""
    child = (
        "import signal, time, pathlib, sys\n"
        f"def end(*_): pathlib.Path({str(tmp_path / 'cleaned')!r}).touch(); sys.exit(1)\n"
        f"signal.signal({int(number)}, end)\n"
        f"pathlib.Path({str(tmp_path / 'ready')!r}).touch()\n"
        "time.sleep(3600)\n"
    )
    parent = f"from karyolot.commands import run; import sys; sys.exit(run.run([sys.executable, '-c', {child!r}]))"
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "workflow")}
    with subprocess.Popen([sys.executable, "-c", parent], env=environment, stdin=subprocess.DEVNULL) as process:
        while not (tmp_path / "ready").exists():
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait() == launch.PIPELINE_ERROR
    assert (tmp_path / "cleaned").exists()


RUN_LOG = """\
Building DAG of jobs...
[Sun Nov 22 09:18:21 2031]
Error in rule count_fragments:
    message: None
    jobid: 60
    input: results/samples/D2-wgs/dna/aligned.cram, results/reference/bins.parquet
    output: results/samples/D2-wgs/dna/counts.parquet
    log: logs/samples/D2-wgs/count_fragments.log (check log file(s) for error details)
Logfile logs/samples/D2-wgs/count_fragments.log:
RuleException:
CalledProcessError in file "copy_number.smk", line 28:
Command 'set -euo pipefail; python x.py' returned non-zero exit status 1.
"""


def failed(directory: Path, log: str, run_log: str = RUN_LOG, name: str = "2031-11-22T090952.1") -> launch.Failure:
    for path, text in (
        (directory / ".snakemake/log" / f"{name}.snakemake.log", run_log),
        (directory / "logs/samples/D2-wgs/count_fragments.log", log),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return launch.failure(directory)


def test_the_end_of_the_failing_rules_log(tmp_path: Path) -> None:
    found = failed(tmp_path, "\n".join(f"line {number}" for number in range(100)) + "\n\n")
    assert (found.rule, found.log) == ("count_fragments", "logs/samples/D2-wgs/count_fragments.log")
    assert found.tail == tuple(f"line {number}" for number in range(85, 100))
    assert found.hint == launch.OTHERWISE


def test_the_last_run_counts(tmp_path: Path) -> None:
    failed(tmp_path, "", name="2031-11-22T090952.1")
    earlier = launch.logs(tmp_path)
    assert launch.failure(tmp_path, earlier).rule is None, "nothing was written since"
    failed(tmp_path, "", RUN_LOG.replace("count_fragments", "align_reads"), name="2031-11-22T090953.1")
    assert launch.failure(tmp_path, earlier).rule == "align_reads"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("samtools sort: failed to write: No space left on device", "disk is full"),
        ("OSError: [Errno 122] Disk quota exceeded: 'x'", "disk is full"),
        ("/bin/bash: line 1: 2711 Killed   salmon quant", "memory"),
        ("numpy._core._exceptions._ArrayMemoryError: Unable to allocate 30 GiB", "memory"),
        ("terminate called after throwing an instance of 'std::bad_alloc'", "memory"),
        ("/bin/bash: line 1: salmon: command not found", "program is missing"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'samtools'", "program is missing"),
        ("PermissionError: [Errno 13] Permission denied: 'results/x'", "owner"),
        ("reads/a.fq.gz: sha256 is 1, the sample sheet states 2; the file changed", "fetch it again"),
        ("ValueError: something of ours", "finished jobs are kept"),
    ],
)
def test_one_remedy(tmp_path: Path, text: str, words: str) -> None:
    assert words in failed(tmp_path, text).hint


def test_a_job_killed_without_a_word(tmp_path: Path) -> None:
    killed = RUN_LOG.replace("exit status 1.", "exit status 137.")
    assert "memory" in failed(tmp_path, "", killed).hint


def test_the_command_of_a_failed_job_is_no_message_of_it(tmp_path: Path) -> None:
    """Snakemake's log shows the command, with the texts that it would print."""
    shown = RUN_LOG.replace("exit status 1.", f"exit status 1.\n    {NO_SPACE} {NOT_WHOLE}")
    assert failed(tmp_path, "", shown).hint == launch.OTHERWISE
    said = subprocess.run(
        ["bash", "-c", f"test() {{ false; }}; {NO_SPACE}"], capture_output=True, text=True, check=True
    )
    assert "The disk is full" in failed(tmp_path, said.stderr).hint


def test_a_locked_directory(tmp_path: Path) -> None:
    log = "LockException:\nError: Directory cannot be locked. Please make sure that no other Snakemake process\n"
    found = failed(tmp_path, "", log)
    assert found.rule is None and "--unlock" in found.hint


def test_a_run_that_was_stopped(tmp_path: Path) -> None:
    found = failed(tmp_path, "", "Terminating processes on user request, this might take some time.\n")
    assert found.rule is None and "stopped" in found.hint


def test_a_job_that_was_stopped(tmp_path: Path) -> None:
    stopped = RUN_LOG.replace("returned non-zero exit status 1.", "died with <Signals.SIGTERM: 15>.")
    assert "The run was stopped" in failed(tmp_path, "", stopped).hint


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    failed(tmp_path, "")
    (tmp_path / "logs/samples/D2-wgs/count_fragments.log").write_bytes(b"\xff\xfe\x00 gone\n" * 200_000)
    assert len(launch.failure(tmp_path).tail) == launch.TAIL_LINES
