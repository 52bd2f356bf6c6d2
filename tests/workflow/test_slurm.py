"""The slurm profile on a real SLURM of this one machine: the results of a local run, and every way a job can end.

What goes wrong is brought about by a `bwa` that stands before the real one and misbehaves as the test says, once.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mini_slurm
from documented import commands
from mini_slurm import Cluster

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "workflow" / "profiles" / "slurm"
INDEX = "results/reference/index/genome"
PART = "results/reference/index.part/genome"
SUFFIXES = (".amb", ".ann", ".bwt", ".pac", ".sa")
PATIENCE_S = 3_600
"""For a whole run on a busy machine."""
START_S = 3_600
IMPATIENT = """
from snakemake.cli import main
from snakemake_executor_plugin_slurm import Executor
Executor.next_seconds_between_status_checks = property(lambda self: 1, lambda self, seconds: None)
main()
"""
"""Snakemake that asks SLURM every second: the executor waits ten seconds longer each time it has asked in vain."""
SAID = "said.log"

pytestmark = [
    pytest.mark.slurm,
    pytest.mark.skipif(
        bool(mini_slurm.missing()),
        reason=f"no SLURM here, lacking {mini_slurm.missing()}: ./run slurm-test installs it",
    ),
]


@pytest.fixture
def slurm() -> Iterator[Cluster]:
    with tempfile.TemporaryDirectory(prefix="slurm.") as folder, mini_slurm.cluster(Path(folder)) as running:
        yield running


Process = subprocess.Popen[bytes]
Submit = Callable[..., Process]


@pytest.fixture
def submit(slurm: Cluster, tmp_path: Path) -> Iterator[Submit]:
    """Start Snakemake with the slurm profile; what it says goes to a file `SAID`. What still runs at the end is killed."""
    started = []

    def start(directory: Path, *words: str) -> Process:
        command = [
            sys.executable, "-c", IMPATIENT, "--snakefile", str(ROOT / "workflow" / "Snakefile"), "--directory", str(directory),
            "--workflow-profile", str(PROFILE), "--latency-wait", "5",
            "--slurm-status-command", "squeue", "--slurm-init-seconds-before-status-checks", "1", *words,
        ]  # fmt: skip
        path = f"{tmp_path / 'bin'}{os.pathsep}{slurm.environment['PATH']}"
        with (directory / SAID).open("w", encoding="utf-8") as said:
            process = subprocess.Popen(
                command, stdout=said, stderr=said, cwd=directory, env=slurm.environment | {"PATH": path}
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


def end(process: Process, directory: Path) -> tuple[int, str]:
    """Exit code and what was said, once it is over."""
    try:
        code = process.wait(PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"not over after {PATIENCE_S} s:\n{(directory / SAID).read_text()[-3000:]}") from None
    return code, (directory / SAID).read_text()


@pytest.fixture(scope="module")
def with_genome(study: Path, tmp_path_factory: pytest.TempPathFactory, call: Callable[..., object]) -> Path:
    """The study with its genome prepared: the aligner's index is the next job."""
    directory = tmp_path_factory.mktemp("genome") / "study"
    shutil.copytree(study, directory)
    call(directory, "results/reference/genome.fa")
    return directory


@pytest.fixture
def directory(with_genome: Path, tmp_path: Path) -> Path:
    place = tmp_path / "study"
    shutil.copytree(with_genome, place)
    return place


class Bwa:
    """A `bwa` on PATH that counts its starts to index, and at the first of them writes a part of it and misbehaves."""

    def __init__(self, folder: Path) -> None:
        self.starts, self._fake = folder / "starts", folder / "bin" / "bwa"
        self._fake.parent.mkdir()

    def misbehave(self, *scripts: str) -> None:
        """What to do instead of the work, at the first start, the second and so on."""
        self.starts.unlink(missing_ok=True)
        cases = "".join(f"{number}) echo part > {PART}.bwt; {script};;\n" for number, script in enumerate(scripts, 1))
        self._fake.write_text(
            f'#!/bin/bash\n[[ $1 == index ]] || exec {shutil.which("bwa")} "$@"\n'
            f'echo "$SLURM_JOB_ID $SLURMD_NODENAME" >> {self.starts}\n'
            f'case $(wc -l < {self.starts}) in\n{cases}esac\nexec {shutil.which("bwa")} "$@"\n'
        )
        self._fake.chmod(0o755)

    def started(self, times: int = 1) -> list[str]:
        """Job and node of each start, once there are as many."""
        over = time.monotonic() + START_S
        while not self.starts.exists() or len(self.starts.read_text().splitlines()) < times:
            assert time.monotonic() < over, f"bwa was not started {times} times in {START_S} s"
            time.sleep(0.1)
        return self.starts.read_text().splitlines()


@pytest.fixture
def bwa(tmp_path: Path) -> Bwa:
    return Bwa(tmp_path)


@pytest.fixture(scope="module")
def index(with_genome: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The index as bwa makes it by hand."""
    prefix = tmp_path_factory.mktemp("index") / "genome"
    fasta = with_genome / "results" / "reference" / "genome.fa"
    subprocess.run(["bwa", "index", "-p", str(prefix), str(fasta)], check=True, capture_output=True)
    return {f"{prefix.name}{suffix}": Path(f"{prefix}{suffix}").read_bytes() for suffix in SUFFIXES}


def made(directory: Path) -> dict[str, bytes]:
    """What there is of the index, under its own name."""
    return {path.name: path.read_bytes() for path in (directory / "results" / "reference" / "index").glob("*")}


def gone(slurm: Cluster) -> None:
    """Waits until SLURM has cleared away what ended: before that, another run in its directory is refused."""
    over = time.monotonic() + PATIENCE_S
    while slurm.jobs("RUNNING,PENDING,COMPLETING"):
        assert time.monotonic() < over, slurm.jobs()
        time.sleep(0.2)


def test_memory_and_time_that_ran_out_are_asked_for_again(
    slurm: Cluster, submit: Submit, directory: Path, bwa: Bwa, index: dict[str, bytes]
) -> None:
    bwa.misbehave(f"{sys.executable} -c 'import time; held = bytearray(1_500_000_000); time.sleep(300)'", "sleep 300")
    process = submit(directory, f"{INDEX}.bwt")
    _, second = bwa.started(2)
    # No limit of SLURM is shorter than a minute: its end is moved here instead.
    slurm.ask("scontrol", "update", f"JobId={second.split()[0]}", "EndTime=now+2")
    code, said = end(process, directory)
    assert code == 0, said[-3000:]
    ends = {(job["state"], job["memory"]) for job in slurm.jobs()}
    assert ends == {("FAILED", "1000M"), ("TIMEOUT", "2000M"), ("COMPLETED", "4000M")}
    # The last lines of a failed job's own log may be among what is said, and say this again.
    lines = [line for line in said.splitlines() if "resources:" in line]
    asked = [dict(re.findall(r"(mem_mb|runtime)=(\d+)", line)) for line in lines]
    minutes = {job["mem_mb"]: int(job["runtime"]) for job in asked}
    assert minutes == {f"{times}000": times * minutes["1000"] for times in (1, 2, 4)}
    assert made(directory) == index


def test_what_was_cancelled_is_gone_and_is_made_anew(
    slurm: Cluster, submit: Submit, directory: Path, bwa: Bwa, index: dict[str, bytes]
) -> None:
    bwa.misbehave("sleep 300", "sleep 300")
    process = submit(directory, f"{INDEX}.bwt")
    bwa.started(1)
    process.send_signal(signal.SIGINT)
    code, said = end(process, directory)
    assert code != 0 and not slurm.jobs("RUNNING,PENDING"), "Ctrl-C cancels what was sent"
    assert not made(directory)

    gone(slurm)
    process = submit(directory, f"{INDEX}.bwt", "--retries", "0")
    _, second = bwa.started(2)
    slurm.ask("scancel", second.split()[0])
    code, said = end(process, directory)
    assert code == 1 and "SLURM status is: 'CANCELLED'" in said and "Error in rule index_genome" in said
    assert not made(directory)

    gone(slurm)
    code, said = end(submit(directory, f"{INDEX}.bwt"), directory)
    assert code == 0, said[-3000:]
    assert made(directory) == index


def test_a_node_that_dies_gives_its_job_to_another(
    slurm: Cluster, submit: Submit, directory: Path, bwa: Bwa, index: dict[str, bytes]
) -> None:
    bwa.misbehave("sleep 300")
    process = submit(directory, f"{INDEX}.bwt")
    job, node = bwa.started(1)[0].split()
    slurm.kill_node(node)
    try:
        code, said = end(process, directory)
    finally:
        slurm.start_node(node)
    assert code == 0, said[-3000:]
    (again, other) = bwa.started(2)[1].split()
    assert again == job and other != node, "SLURM itself starts the job again: to Snakemake nothing happened"
    assert made(directory) == index


def test_a_run_that_was_killed_is_taken_up_without_two_writers(
    slurm: Cluster, submit: Submit, directory: Path, bwa: Bwa, index: dict[str, bytes]
) -> None:
    hold = directory / "hold"
    hold.touch()
    bwa.misbehave(f"while [ -e {hold} ]; do sleep 0.2; done")
    first = submit(directory, f"{INDEX}.bwt")
    job = bwa.started(1)[0].split()[0]
    for words in ([f"{INDEX}.bwt"], ["--unlock"]):
        code, said = end(submit(directory, *words), directory)
        assert code == 2 and f"another run works in this directory (process {first.pid} on " in said
    assert first.poll() is None

    first.kill()
    first.wait()
    for words in ([f"{INDEX}.bwt"], ["--unlock"]):
        code, said = end(submit(directory, *words), directory)
        assert code == 2 and f"SLURM still has jobs of an earlier run in this directory ({job})" in said
        assert f"scancel {job}" in said and "Traceback" not in said

    hold.unlink()
    gone(slurm)
    code, said = end(submit(directory, f"{INDEX}.bwt"), directory)
    assert code == 0, said[-3000:]
    assert made(directory) == index and len(bwa.started()) == 1, "what the killed run had sent was used"


def test_a_lot_is_byte_for_byte_that_of_a_local_run_in_another_directory_locale_and_time_zone(
    copy: Path, finished: Path, slurm: Cluster, submit: Submit, tmp_path: Path
) -> None:
    """The lot with the most findings and its donor from reads to reports, with one sample of RNA. Threads choose how a CRAM is
    packed, so its records are compared."""
    results, theirs, told = copy / "results", finished / "results", tmp_path / "told"
    elsewhere = {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "C"}
    assert not elsewhere.items() & os.environ.items()
    slurm.environment.update(elsewhere)
    (tmp_path / "bin").mkdir()
    fastp = tmp_path / "bin" / "fastp"
    # Its report holds the name that it was called by.
    fastp.write_text(f'#!/bin/bash\necho "$TZ $LC_ALL" >> {told}\nexec -a fastp {shutil.which("fastp")} "$@"\n')
    fastp.chmod(0o755)
    lot = results / "L2-gain"
    anew = [path for path in lot.iterdir() if path.name != "rna"]
    anew += [results / "samples" / name for name in ("D2-wgs", "L2-gain-wgs", "L2-gain-rna1")]
    before = [file.relative_to(results) for path in anew for file in (path, *path.rglob("*")) if file.is_file()]
    for path in anew:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    (results / "reference" / "bins.parquet").unlink()
    targets = [f"results/{lot.name}/{name}" for name in ("report.html", "report.pdf", "dna/calls.vcf")]
    code, said = end(submit(copy, *targets), copy)
    assert code == 0, said[-5000:]
    jobs = slurm.jobs()
    assert {job["state"] for job in jobs} == {"COMPLETED"} and {job["node"] for job in jobs} == {"n1", "n2"}
    steps = int(re.findall(r"of (\d+) steps \(100%\)", said)[-1])
    assert len(jobs) < steps / 2, "small rules travel in groups"
    assert set(told.read_text().splitlines()) == {"Asia/Kathmandu C"}, "what the jobs ran under"

    made = [path for path in before if (results / path).is_file()]
    packed = [path for path in made if ".cram" in path.suffixes]
    assert set(before) == set(made) and len(packed) == 4
    differ = [path for path in made if (results / path).read_bytes() != (theirs / path).read_bytes()]
    assert not [str(path) for path in differ if path not in packed]
    for path in packed:
        if path.suffix == ".cram":
            assert records(results / path, finished) == records(theirs / path, finished)


def test_the_commands_of_the_page_on_clusters(slurm: Cluster, copy: Path, tmp_path: Path) -> None:
    """Nothing is left to do in the study; that this cluster keeps no accounts is reported with the remedy, which is typed."""
    (tmp_path / "workflow").symlink_to(ROOT / "workflow")
    copy.rename(tmp_path / "my-study")
    path = f"{Path(sys.executable).parent}{os.pathsep}{slurm.environment['PATH']}"

    def typed(line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line], capture_output=True, text=True, check=False, cwd=tmp_path,
            env=slurm.environment | {"PATH": path},
        )  # fmt: skip

    partitions, run = (
        next(line for line in commands("docs/cluster.md") if line.startswith(words))
        for words in ("sinfo", "karyolot run")
    )
    assert typed(partitions).stdout.startswith("PARTITION")
    refused = typed(run)
    assert refused.returncode == 2 and "Add: --slurm-status-command squeue" in refused.stderr
    done = typed(f"{run} --slurm-status-command squeue")
    assert done.returncode == 0 and "Nothing to be done" in done.stdout + done.stderr, done.stderr


def records(cram: Path, study: Path) -> bytes:
    words = ["samtools", "view", "--reference", str(study / "results" / "reference" / "genome.fa"), str(cram)]
    return subprocess.run(words, check=True, capture_output=True).stdout
