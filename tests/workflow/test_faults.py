"""What goes wrong on one machine: tools that die, stop early or hang, full and read-only disks, killed runs.

Each fault ends with an exit code, a sentence and no output that looks whole; the next run makes it good. Commands of
single rules are taken from Snakemake as it would run them; whole runs are made on one small sample. KARYOLOT_KILLS is
the number of moments at which a run is killed (default 2; 20 take ten minutes): half of them while reads are aligned, here, and
half while a report is made, in `test_sealed`.
"""

import gzip
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from karyolot.commands.run import hint
from karyolot.inputs.formats.alignment import BAM_END
from karyolot.io.files import write_bytes

Running = subprocess.Popen[str]
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
ROOT = Path(__file__).parents[2]
DNA = "results/samples/L4-shallow-wgs/dna"
RNA = "results/samples/L1-clean-rna1/rna"
COUNTS = f"{DNA}/counts.parquet"
CRAM = f"{DNA}/aligned.cram"
DONOR_DNA, VARIANTS = "results/samples/D1-wgs/dna", "results/L4-shallow/variants"
IMPORTED, MARKED = "results/samples/L6-wgs/dna/L6-wgs.L1.bam", "results/samples/L6-wgs/dna/aligned.cram"
REFERENCE = "results/reference"
NOT_WHOLE = "Output is truncated although no tool reported an error"
# Rules that write much, in the order of the data, and what each of them makes.
OUTPUTS = {
    "prepare_genome": [f"{REFERENCE}/genome.fa", f"{REFERENCE}/genome.fa.fai"],
    "index_genome": [f"{REFERENCE}/index/genome.{suffix}" for suffix in ("amb", "ann", "bwt", "pac", "sa")],
    "align_reads": [
        CRAM,
        f"{CRAM}.crai",
        *(f"{DNA}/{name}.json" for name in ("flagstat", "reads", "L4-shallow-wgs.fastp")),
    ],
    "import_alignment": [IMPORTED],
    "mark_duplicates": [MARKED, f"{MARKED}.crai", "results/samples/L6-wgs/dna/flagstat.json"],
    "index_transcripts": [f"{REFERENCE}/salmon"],
    "quantify_transcripts": [
        *(f"{RNA}/{name}" for name in ("quant.sf", "salmon.json", "reads.json", "L1-clean-rna1.fastp.json")),
        *(f"{RNA}/{name}" for name in ("aligned.bam", "aligned.bam.bai")),
        "results/samples/L1-clean-rna1/alleles.parquet",
    ],
    "call_variants": [
        *(
            f"{VARIANTS}/{name}"
            for name in ("pileup.tsv.gz", "consequences.tsv", "spiked_indels.tsv", "spiked_pileup.tsv.gz")
        )
    ],
}
RANDOM = {"index_transcripts"}
"""Its tool writes times and paths: two runs are not the same bytes."""
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")


@dataclass(frozen=True)
class Place:
    """A working directory where every rule of OUTPUTS has run, and the commands they ran."""

    directory: Path
    commands: dict[str, str]

    def run(self, rule: str, path: str | None = None) -> tuple[int, str]:
        """Exit code of the rule's command, and what it said to its log and the terminal."""
        shell = ["bash", "-euo", "pipefail", "-c", self.commands[rule]]
        environment = os.environ | {"PATH": path or PATH}
        done = subprocess.run(
            shell,
            cwd=self.directory,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        logs = [log.read_text(errors="replace") for log in (self.directory / "logs").rglob(f"{rule}*.log")]
        return done.returncode, done.stderr + "".join(logs)

    def clear(self, rule: str) -> None:
        """Before the rule: Snakemake removes its outputs and makes their folders."""
        for name in OUTPUTS[rule]:
            path = self.directory / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)

    def content(self, rule: str) -> dict[str, bytes]:
        """Every file among the rule's outputs, where its directory was written out of account."""
        found: dict[str, bytes] = {}
        for name in OUTPUTS[rule]:
            path = self.directory / name
            for file in sorted(path.rglob("*")) if path.is_dir() else [path] * path.exists():
                if file.name != ".snakemake_timestamp":
                    found[str(file.relative_to(self.directory))] = plain(file, self.directory)
        return found

    def parts(self) -> list[Path]:
        """What a rule has begun, and files a tool put aside while it ran."""
        return [
            path for path in (self.directory / "results").rglob("*") if re.search(r"\w\.part|\.sort\.|\.dup", path.name)
        ]


def plain(file: Path, study: Path) -> bytes:
    """The bytes of a file; of an alignment its records in one order: those of one place stand in the order in which fastp's
    threads finished."""
    if file.suffix in {".bam", ".cram"}:
        shown = subprocess.run(
            ["samtools", "view", "-T", str(study / REFERENCE / "genome.fa"), str(file)], capture_output=True, check=True
        )
        return b"\n".join(sorted(shown.stdout.splitlines()))
    if file.suffix == ".crai":  # threads choose how blocks of a CRAM are packed, and so where they begin
        return b"" if gzip.decompress(file.read_bytes()) else b"empty"
    return file.read_bytes()


@pytest.fixture(scope="module")
def place(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """From the finished study: its inputs, its reference, and a lot that comes as an alignment."""
    directory = tmp_path_factory.mktemp("faults") / "place"
    for folder in ("reads", "reference"):
        shutil.copytree(finished / folder, directory / folder, copy_function=os.link)
    shutil.copytree(finished / "config", directory / "config")
    shutil.copytree(finished / REFERENCE, directory / REFERENCE)
    for name in (DNA, RNA, DONOR_DNA):
        shutil.copytree(finished / name, directory / name)
    read_group = ["-w", "-m", "overwrite_all", "-r", r"@RG\tID:L6-wgs\tSM:L6-wgs"]
    genome = ["--reference", str(directory / REFERENCE / "genome.fa")]
    own = [
        "samtools",
        "addreplacerg",
        *read_group,
        *genome,
        "-O",
        "bam",
        "-o",
        str(directory / "lot.bam"),
        str(finished / CRAM),
    ]
    subprocess.run(own, check=True, capture_output=True)
    lots, samples = (directory / "config" / f"{name}.tsv" for name in ("lots", "samples"))
    old = next(line for line in lots.read_text().splitlines() if line.startswith("L1-clean\t"))
    lots.write_text(lots.read_text() + old.replace("L1-clean", "L6", 1) + "\n")
    header, *rows = samples.read_text().splitlines()
    cells = {"sample_id": "L6-wgs", "assay": "wgs", "lot_id": "L6", "alignment": "lot.bam"}
    names = [*header.split("\t"), "alignment"]
    rows = [f"{row}\t" for row in rows] + ["\t".join(cells.get(name, "") for name in names)]
    samples.write_text("\n".join(["\t".join(names), *rows]) + "\n")
    own = [COUNTS, f"{RNA}/quant.sf", f"{RNA}/aligned.bam", f"{VARIANTS}/pileup.tsv.gz"]
    targets = [*own, "results/samples/L6-wgs/dna/aligned.cram"]
    shown = snakemake(directory, "--dry-run", "--printshellcmds", "--forceall", *targets)
    assert shown.returncode == 0, shown.stderr[-3000:]
    made = Place(directory, commands_of(shown.stdout + shown.stderr))
    assert made.commands.keys() >= OUTPUTS.keys()
    for rule, outputs in OUTPUTS.items():
        for log in re.findall(r"logs/[\w./-]+\.log", made.commands[rule]):
            (directory / log).parent.mkdir(parents=True, exist_ok=True)
        if rule == "call_variants":  # whose RNA it is does not matter here
            for sample in re.findall(r"results/samples/([\w-]+)/rna/aligned.bam", made.commands[rule]):
                for name in ("aligned.bam", "aligned.bam.bai"):
                    link = directory / "results" / "samples" / sample / "rna" / name
                    link.parent.mkdir(parents=True, exist_ok=True)
                    os.link(directory / RNA / name, link)
        if not all((directory / name).exists() for name in outputs):
            made.clear(rule)
            code, said = made.run(rule)
            assert code == 0, said
    return made


OF_SEVERAL = {
    "import_alignment": "L6-wgs",
    "mark_duplicates": "L6-wgs",
    "quantify_transcripts": "L1-clean-rna1",
    "call_variants": "L4-shallow",
}
"""Rules with jobs for several samples: the one that is tried."""


def commands_of(shown: str) -> dict[str, str]:
    """Shell commands of a dry run by rule; of a rule with several jobs that of the small sample."""
    found: dict[str, str] = {}
    for rule, block in re.findall(r"^rule (\w+):\n(.*?)(?=^\[|\Z)", shown, flags=re.M | re.S):
        command = re.search(r"^\s*Shell command: (.*)", block, flags=re.M)
        own = OF_SEVERAL.get(rule, "")
        others = [name for name in ("L6-wgs", "D1-wgs") if not own]
        if command and command[1] != "None" and own in command[1] and not any(name in command[1] for name in others):
            found[rule] = command[1].replace(
                f"{sys.executable} -P", "python -P"
            )  # so that a test can put another before it
    return found


def snakemake(directory: Path, *words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    with started(directory, *words, path=path) as process:
        out, err = process.communicate()
    return subprocess.CompletedProcess([], process.returncode, out, err)


def started(directory: Path, *words: str, path: str | None = None) -> Running:
    """A run in a process group of its own."""
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "workflow" / "Snakefile"), "--directory", str(directory),
        "--workflow-profile", str(ROOT / "workflow/profiles/local"), "--cores", "2", *words,
    ]  # fmt: skip
    environment = os.environ | {"PATH": path or os.environ["PATH"]}
    process = subprocess.Popen(
        command, env=environment, start_new_session=True, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    STARTED.append(process)
    return process


STARTED: list[Running] = []


@pytest.fixture(autouse=True)
def _nothing_runs_on() -> Iterator[None]:
    """A test that fails leaves no run behind."""
    yield
    while STARTED:
        process = STARTED.pop()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


# Tools that do not do their work


def shim(folder: Path, tool: str, body: str) -> str:
    """A PATH where `tool` is a script; `real` in its body is the tool itself."""
    folder.mkdir(exist_ok=True)
    script = folder / tool
    real = sys.executable if tool == "python" else shutil.which(tool)
    script.write_text(f"#!/bin/bash\nreal={real}\n{body}\n")
    script.chmod(0o755)
    return f"{folder}:{PATH}"


# The word that tells the call among those of the same tool, and how it is truncated: its stdout, or a file it wrote.
STDOUT = 'if [[ " $* " == *"{word}"* ]]; then "$real" "$@" | head -c {size}; exit {code}; fi; exec "$real" "$@"'
FILE = (
    'if [[ " $* " == *" {word} "* ]]; then "$real" "$@"; for file in {file}; do'
    ' truncate -s $(($(stat -c %s "$file") / 2)) "$file"; done; exit {code}; fi; exec "$real" "$@"'
)
EARLY = [  # rule, tool, word, what is cut, by which the rule notices when the tool says nothing
    ("prepare_genome", "samtools", "faidx", FILE, f"{REFERENCE}/genome.fa.fai.part", NOT_WHOLE),
    ("index_genome", "bwa", "index", FILE, f"{REFERENCE}/index.part/genome.sa", NOT_WHOLE),
    ("index_genome", "bwa", "index", FILE, f"{REFERENCE}/index.part/genome.pac", NOT_WHOLE),
    ("align_reads", "fastp", "--stdout", STDOUT, "", "the reads end too early|" + NOT_WHOLE),
    ("align_reads", "python", "karyolot.io.mem3", STDOUT, "", "truncated|Error|error|" + NOT_WHOLE),
    ("align_reads", "samtools", "fixmate", STDOUT, "", "truncated|error|" + NOT_WHOLE),
    ("align_reads", "python", "karyolot.inputs.stream", STDOUT, "", "the reads end too early|" + NOT_WHOLE),
    ("align_reads", "samtools", "sort", STDOUT, "", "truncated|error|" + NOT_WHOLE),
    ("align_reads", "samtools", "markdup", FILE, f"{CRAM}.part", "EOF|Failed"),
    ("align_reads", "samtools", "index", FILE, f"{CRAM}.crai.part", "unexpected end of file"),
    ("align_reads", "samtools", "flagstat", STDOUT, "", NOT_WHOLE),
    ("import_alignment", "samtools", "collate", STDOUT, "", "truncated|error|" + NOT_WHOLE),
    ("import_alignment", "samtools", "addreplacerg", STDOUT, "", "truncated|error|" + NOT_WHOLE),
    ("import_alignment", "samtools", "sort", FILE, f"{IMPORTED}.part", "no EOF|missing EOF|was missing"),
    ("mark_duplicates", "samtools", "merge", STDOUT, "", "truncated|error|" + NOT_WHOLE),
    ("mark_duplicates", "samtools", "markdup", FILE, f"{MARKED}.part", "EOF|Failed"),
    ("mark_duplicates", "samtools", "index", FILE, f"{MARKED}.crai.part", "unexpected end of file"),
    ("mark_duplicates", "samtools", "flagstat", STDOUT, "", NOT_WHOLE),
    ("index_transcripts", "gffread", "-w", STDOUT, "", NOT_WHOLE),
    ("quantify_transcripts", "fastp", "--out1", FILE, f"{RNA}/trimmed/2.fq.gz", "unexpected end of file"),
    ("quantify_transcripts", "salmon", "quant", FILE, f"{RNA}/quant.sf.part/quant.sf", NOT_WHOLE),
    ("call_variants", "bcftools", "mpileup", FILE, f"{VARIANTS}/pileup.tsv.gz.bcf", "rror|truncated|" + NOT_WHOLE),
    ("call_variants", "bcftools", "%ADF", STDOUT, "", NOT_WHOLE),
    ("call_variants", "bcftools", "csq", FILE, f"{VARIANTS}/consequences.tsv.bcf", "rror|truncated|" + NOT_WHOLE),
    ("quantify_transcripts", "python", "karyolot.io.mem3", STDOUT, "", "truncated|Error|error|" + NOT_WHOLE),
    ("quantify_transcripts", "samtools", "sort", FILE, f"{RNA}/aligned.bam.part", "no EOF|missing EOF|was missing"),
    ("quantify_transcripts", "samtools", "index", FILE, f"{RNA}/aligned.bam.bai.part", NOT_WHOLE),
]


@pytest.mark.parametrize(
    ("rule", "tool", "word", "how", "file", "words"),
    EARLY,
    ids=[f"{row[0]}-{row[1]} {row[2]} {Path(row[4]).name}" for row in EARLY],
)
def test_a_tool_ends_after_half_its_output(
    place: Place, tmp_path: Path, rule: str, tool: str, word: str, how: str, file: str, words: str
) -> None:
    before = place.content(rule)
    for tool_says in (7, 0):
        size = {"flagstat": 100}.get(word, 60_000)
        path = shim(tmp_path / "bin", tool, how.format(word=word, size=size, file=file, code=tool_says))
        place.clear(rule)
        code, said = place.run(rule, path)
        assert code != 0
        # 141: the programs before it in the pipe found it closed.
        assert tool_says or code == 141 or re.search(words, said), said[-2000:]
        assert not place.content(rule)
        assert place.parts() == []
    heal(place, rule, before)


def heal(place: Place, rule: str, before: dict[str, bytes]) -> None:
    place.clear(rule)
    code, said = place.run(rule)
    assert code == 0, said
    after = place.content(rule)
    assert after.keys() == before.keys()
    assert rule in RANDOM or after == before


# Alignments whose fault lies behind what the check reads


def damaged(bam: Path, fasta: Path) -> None:
    data = bam.read_bytes()
    bam.write_bytes(data[: len(data) // 2] + bytes(50) + data[len(data) // 2 + 50 :])


def cut(bam: Path, fasta: Path) -> None:
    """In the middle, with the mark of a whole file at its end."""
    data = bam.read_bytes()
    bam.write_bytes(data[: len(data) // 2] + BAM_END)


def of_another_genome(bam: Path, fasta: Path) -> None:
    """A CRAM whose genome has the same contigs with other bases."""
    other = bam.with_name("other.fa")
    other.write_text(fasta.read_text().replace("ACGT", "ACGA"))
    cram = subprocess.run(["samtools", "view", "-C", "-T", str(other), str(bam)], capture_output=True, check=True)
    bam.write_bytes(cram.stdout)


@pytest.mark.parametrize("harm", [damaged, cut, of_another_genome])
def test_an_alignment_that_cannot_be_read_through(place: Place, harm: Callable[[Path, Path], None]) -> None:
    before = place.content("import_alignment")
    bam = place.directory / "lot.bam"
    data = bam.read_bytes()
    try:
        harm(bam, place.directory / REFERENCE / "genome.fa")
        place.clear("import_alignment")
        code, said = place.run("import_alignment")
    finally:
        bam.write_bytes(data)
    assert code != 0
    assert "An alignment is damaged, or was made with another genome" in hint(said), said[-2000:]
    assert place.content("import_alignment") == {} and place.parts() == []
    heal(place, "import_alignment", before)


# Disks


@pytest.fixture(scope="module")
def small_disk(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """`place` on a disk of its own, that a test can fill; logs lie elsewhere."""
    disk = tmp_path_factory.mktemp("disk")
    mounted(["-t", "tmpfs", "-o", "size=400m", "tmpfs", str(disk)])
    try:
        shutil.copytree(place.directory, disk / "place")
        shutil.move(disk / "place/logs", disk.with_name("logs"))
        (disk / "place/logs").symlink_to(disk.with_name("logs"))
        yield Place(disk / "place", place.commands)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)


def mounted(words: list[str]) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")


def fill(place: Place, room: int) -> Path:
    """A file that leaves `room` bytes of the disk."""
    ballast = place.directory / "ballast"
    disk = os.statvfs(place.directory)
    with ballast.open("wb") as handle:
        os.posix_fallocate(handle.fileno(), 0, max(disk.f_bavail * disk.f_frsize - room, 1))
    return ballast


@root_only
@pytest.mark.parametrize("rule", [rule for rule in OUTPUTS if rule != "prepare_genome"])  # which links a plain genome
def test_the_disk_is_full_half_way(small_disk: Place, rule: str) -> None:
    before = small_disk.content(rule)
    size = sum((small_disk.directory / name).stat().st_size for name in before)
    small_disk.clear(rule)
    ballast = fill(small_disk, size // 2)
    try:
        code, said = small_disk.run(rule)
    finally:
        ballast.unlink()
    assert code != 0
    assert "The disk is full" in hint(said) or NOT_WHOLE in said, said[-2000:]
    assert not small_disk.content(rule)
    assert small_disk.parts() == []
    heal(small_disk, rule, before)


@root_only
def test_a_table_finds_the_disk_full(small_disk: Place) -> None:
    target = small_disk.directory / "results/table.json"
    ballast = fill(small_disk, 20_000)
    try:
        with pytest.raises(OSError, match="No space left on device"):
            write_bytes(bytes(10**6), target)
        assert not target.exists() and small_disk.parts() == []
    finally:
        ballast.unlink()


# Whole runs, on one small sample


@pytest.fixture
def begun(finished: Path, tmp_path: Path) -> Path:
    """The study with its reference ready and no sample touched."""
    directory = tmp_path / "begun"
    for name in ("config", "reads", "reference"):
        shutil.copytree(finished / name, directory / name, copy_function=os.link)
    shutil.copytree(finished / REFERENCE, directory / REFERENCE)
    shutil.copytree(finished / ".snakemake/metadata", directory / ".snakemake/metadata")
    return directory


def is_made(directory: Path, finished: Path) -> bool:
    return all(
        (directory / name).read_bytes() == (finished / name).read_bytes() for name in (COUNTS, f"{DNA}/flagstat.json")
    )


def nothing_made(directory: Path) -> bool:
    return not [path for path in (directory / DNA).rglob("*") if path.is_file()]


def wait_for(condition: Callable[[], object], seconds: float = 3_600) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def end(process: Running) -> tuple[int, str]:
    out, err = process.communicate()
    return process.returncode, out + err


MOMENTS = [".snakemake/locks/*", f"{DNA}/*.said", f"{CRAM}.part", f"{DNA}/flagstat.json.part", CRAM]


@pytest.mark.parametrize("seed", range(int(os.environ.get("KARYOLOT_KILLS", "2")) // 2))
def test_a_killed_run_goes_on(begun: Path, finished: Path, seed: int) -> None:
    """kill -9 of the run with all its jobs; the user unlocks the directory and starts it again."""
    moment, later = random.Random(seed).choice(MOMENTS), random.Random(seed).uniform(0, 2)
    process = started(begun, COUNTS)
    wait_for(lambda: any(begun.glob(moment)) or process.poll() is not None)
    time.sleep(later)
    with suppress(ProcessLookupError):  # the run may have come to its end
        os.killpg(process.pid, signal.SIGKILL)
    end(process)
    assert snakemake(begun, "--unlock").returncode == 0
    done = snakemake(begun, COUNTS)
    assert done.returncode == 0, done.stderr[-3000:]
    assert is_made(begun, finished)
    assert Place(begun, {}).parts() == []


def test_a_tool_that_hangs_and_a_run_that_is_stopped(begun: Path, finished: Path, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    call = f'[[ $1 == fixmate ]] && {{ echo $$ > {told}; %s; }}; exec "$real" "$@"'
    hanging = shim(tmp_path / "hanging", "samtools", call % "exec sleep 600")

    process = started(begun, COUNTS, path=hanging)  # a limit of time or memory kills the tool
    wait_for(lambda: told.exists() and told.read_text().strip())
    os.kill(int(told.read_text()), signal.SIGTERM)
    code, said = end(process)
    assert code == 1 and "Error in rule align_reads" in said
    assert nothing_made(begun)

    told.unlink()
    process = started(begun, COUNTS, path=hanging)  # Ctrl-C, which a terminal sends to all processes
    wait_for(lambda: told.exists() and told.read_text().strip())
    os.killpg(process.pid, signal.SIGINT)
    code, said = end(process)
    assert code == 1 and nothing_made(begun)
    assert not Path(f"/proc/{told.read_text().strip()}").exists()

    told.unlink()
    slow = shim(tmp_path / "slow", "samtools", call % "sleep 2")
    process = started(begun, COUNTS, path=slow)  # SIGTERM: what runs is finished, nothing more is begun
    wait_for(lambda: told.exists() and told.read_text().strip())
    os.kill(process.pid, signal.SIGTERM)
    code, said = end(process)
    assert code == 1 and (begun / CRAM).exists() and not (begun / COUNTS).exists()
    assert Place(begun, {}).parts() == []

    done = snakemake(begun, COUNTS)
    assert done.returncode == 0, done.stderr[-3000:]
    assert is_made(begun, finished)


@root_only
def test_results_that_cannot_be_written(begun: Path, finished: Path) -> None:
    samples = begun / "results/samples"
    samples.mkdir()
    mounted(["--bind", str(samples), str(samples)])
    try:
        mounted(["-o", "remount,bind,ro", str(samples)])
        done = snakemake(begun, COUNTS)
    finally:
        subprocess.run(["umount", str(samples)], check=True)
    assert done.returncode == 1
    assert "Read-only file system" in done.stdout + done.stderr
    assert list(samples.iterdir()) == []
    assert snakemake(begun, COUNTS).returncode == 0
    assert is_made(begun, finished)
