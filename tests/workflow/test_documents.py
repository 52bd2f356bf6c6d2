"""Every command of the documentation is typed as it stands, or is named here with the reason; the notebook is run."""

import gzip
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet

import karyolot
from documented import FENCE, PAGES, commands
from faulty_server import serving
from karyolot import __version__
from karyolot.commands import cli
from karyolot.inputs.formats import manifest
from karyolot.io import ledger
from karyolot.io.files import sha256
from karyolot.io.record import read_record
from planted import Event, genome, sample

pytestmark = pytest.mark.workflow
Call = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[2]
TYPED_ELSEWHERE = {
    "./run setup": "tests/workflow/test_clone.py",
    "./run docs": "tests/workflow/test_clone.py",
    "./run karyolot": "tests/workflow/test_clone.py",
    "./run multiqc": "tests/workflow/test_clone.py",
    ".venv/": "tests/workflow/test_clone.py",
    "apt-get download r-bioc-noiseq": "tests/workflow/test_clone.py",
    "karyolot qualify": "tests/workflow/test_clone.py",
    "snakemake --snakefile workflow/Snakefile": "tests/workflow/test_clone.py",
    "karyolot run my-study -- --workflow-profile workflow/profiles/slurm": "tests/workflow/test_slurm.py",
    "sinfo -s": "tests/workflow/test_slurm.py",
}
"""Beginning of a command -> the test that types it."""
NOT_TYPED = {
    "./run demo": "four minutes of two cores: a step of each release; tests/architecture/test_run.py with stand-ins, and all that"
    " it calls on the tiny study",
    "./run test": "this is a part of it",
    "apt-get install": "changes the machine: its packages are compared below with those of `./run`, which CI installs on a bare"
    " machine",
    "python3 -m venv": "tests/workflow/test_installed.py makes an environment and installs the wheel in it",
    "pip install karyolot-": "fetches its libraries once more; tests/workflow/test_installed.py installs the same wheel",
    "pip install --require-hashes -r requirements.lock": "seven minutes; tests/workflow/test_clone.py installs the same lock with"
    " its hashes by uv",
    "docker ": "needs a builder of images and a registry: packaging/README.md states what was built and run",
    "apptainer ": "neither Debian nor PyPI has Apptainer: packaging/README.md marks it as not tried",
    "rocrate-validator ": "fetches a document from the web: benchmarks/crate.py runs it with the copy that a package has",
    "gatk ": "neither Debian nor PyPI has GATK: the form of its output is read in tests/unit/test_small_variants.py",
}
"""Beginning of a command -> why no test types it as it stands, and what is tested instead."""


def here(page: str) -> list[str]:
    """Those that are typed."""
    return [line for line in commands(page) if not line.startswith((*TYPED_ELSEWHERE, *NOT_TYPED))]


def typed(line: str, folder: Path, password: str = "") -> str:
    """What a command prints, with `karyolot` on PATH; it must succeed."""
    programs = folder / "programs"
    programs.mkdir(exist_ok=True)
    (programs / "karyolot").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m karyolot "$@"\n', encoding="utf-8")
    (programs / "karyolot").chmod(0o755)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, cwd=folder, env=os.environ | {"PATH": path},
        input=password, start_new_session=True,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def test_what_is_not_typed_stands_in_the_documentation_and_names_tests_that_exist() -> None:
    written = [line for page in PAGES for line in commands(page)]
    assert not [
        words for words in (*TYPED_ELSEWHERE, *NOT_TYPED) if not any(line.startswith(words) for line in written)
    ]
    named = {word for reason in NOT_TYPED.values() for word in re.findall(r"[\w/]+/[\w/]+\.\w+", reason)}
    assert not [word for word in named if not (ROOT / word).exists()]
    assert not [file for file in TYPED_ELSEWHERE.values() if not (ROOT / file).exists()]


def test_packages_of_debian_are_those_that_run_installs() -> None:
    (line,) = [line for page in PAGES for line in commands(page) if line.startswith("apt-get install")]
    run = (ROOT / "run").read_text(encoding="utf-8")
    libraries = re.findall(r"packages=\((lib[^)]+)\)", run)[0].split()
    rows = [row.split("\t") for row in (ROOT / "envs" / "tools.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    assert set(line.split()[2:]) == {row[0] for row in rows if row[2] == "always"} | {*libraries, "python3-venv"}


def test_the_readme_types_what_the_first_pages_type() -> None:
    first = {*here("docs/start.md"), *here("docs/first-lot.md"), "karyolot --version"}
    for line in here("README.md"):
        assert line in first or set(line.split(" && ")) <= first, line


def test_start(copy: Path, tmp_path: Path) -> None:
    """The run of the example was made by the shared fixture, of the same files; here it finds that nothing is left to do."""
    simulate, check, run, explain, *_ = here("docs/start.md")
    assert simulate == "karyolot simulate example --size tiny"
    copy.rename(tmp_path / "example")
    assert typed("karyolot --version", tmp_path).startswith(f"karyolot {__version__} from ")
    assert "in 2 donors, 4 lots" in typed(check, tmp_path)
    printed = typed(run, tmp_path)
    table = (ROOT / "docs" / "start.md").read_text(encoding="utf-8")
    for lot, outcome in re.findall(r"^\| `([\w-]+)` \|.*\| ([A-Z-]+) \|$", table, flags=re.M):
        assert read_record(tmp_path / "example", lot).verdict.outcome.replace("_", "-") == outcome
        assert lot in printed and outcome in printed
    assert "Trisomy 8" in typed(explain, tmp_path) or "trisomy 8" in typed(explain, tmp_path)


def test_the_rehearsal(study: Path, tmp_path: Path) -> None:
    """The run is planned, not made: `finished` has the same reads under another name."""
    simulate, init, copy_genome, add_lot, run, explain = here("docs/start.md")[4:]
    assert simulate == here("docs/start.md")[0]
    (tmp_path / "example").symlink_to(study)
    for line in (init, copy_genome, add_lot):
        typed(line, tmp_path)
    planned = typed(f"{run} -- -n", tmp_path)
    assert "align_reads" in planned and "render_report" in planned
    assert explain == "karyolot explain HLP-07 --directory rehearsal"


def test_first_lot(study: Path, copy: Path, tmp_path: Path) -> None:
    """From a server of this machine, with a genome of 3 Mb and the first reads of two samples. The run is planned, not made:
    the fixture `finished` is what it makes, and has the lot that is explained."""
    of = study / "reference"
    reads = tmp_path / "my-study" / "reads"
    reads.mkdir(parents=True)
    for name, library in (("HLP-07", "L1-clean-wgs"), ("D014", "D1-wgs")):
        for mate in (1, 2):
            (source,) = sorted((study / "reads").glob(f"{library}_*R{mate}.fastq.gz"))[:1]
            few(source, reads / f"{name}_R{mate}.fastq.gz")
    site = tmp_path / "site"
    shutil.copytree(of, site / "genomes")
    (site / "genomes" / "genome.yaml").rename(site / "genomes" / "GRCh38.yaml")
    files = {"genome.fa.gz": "reference.fasta", "genes.gtf": "reference.gtf", "snps.vcf": "identity.sites"}
    with serving() as server:
        rows = []
        for name, setting in files.items():
            source = of / name.removesuffix(".gz")
            server.files[name] = gzip.compress(source.read_bytes(), 1) if name.endswith(".gz") else source.read_bytes()
            rows.append(manifest.Source("GRCh38", name, setting, f"{server.root}/{name}", "", None, "made here"))
        (site / "list.tsv").write_text(manifest.written(rows), encoding="utf-8")
        init, references, add_lot, check, run, explain, *_ = here("docs/first-lot.md")
        for line in (init, f"{references} --manifest site/list.tsv", add_lot):
            typed(line, tmp_path)
    assert "in 1 donors, 1 lots" in typed(check, tmp_path)
    planned = typed(f"{run} -- -n --config alignment='{{aligner: minimap2}}'", tmp_path)
    assert "align_reads" in planned and "render_report" in planned
    assert explain == "karyolot explain HLP-07 --directory my-study"
    explained = typed(f"karyolot explain L1-clean --directory {shlex.quote(str(copy))}", tmp_path)
    assert "L1-clean" in explained and "PASS" in explained
    without_server = here("docs/faq.md")
    assert without_server == [references.removesuffix(" --study my-study"), references]
    for line in without_server:
        assert "refs/references.tsv" in typed(line, tmp_path)


NAMES = {
    "HLP-07": "L2-gain",
    "my-study:HLP-07": "my-study:L1-clean",
    "A,B,C,D,E": "L1-clean",
    "LOT": "lot.bedgraph",
    "DONOR": "donor.bedgraph",
    "GC.wig": "gc.bedgraph",
    "report.pdf": "results/L2-gain/report.pdf",
    "FILE": "fetched.bed",
}
"""Word of the documentation -> what it is in the finished study of the tests."""
REPORT = "karyolot run my-study -- --report report.html"
IN_THE_STUDY = ("docs/qa.md", "karyolot panel freeze")
"""Pages, and commands, that are typed in the working directory of the study."""


def other_commands() -> list[tuple[str, str]]:
    """Page and command: all that the tests above do not type. A revision comes last: it opens the lot that others read."""
    lines = dict.fromkeys((page, line) for page in PAGES[1:] for line in here(page))
    above = {*here("docs/start.md"), *here("docs/first-lot.md")[:6], *here("docs/faq.md"), *here("README.md"), REPORT}
    return sorted([(page, line) for page, line in lines if line not in above], key=lambda one: "--revise" in one[1])


def said(words: list[str], folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """As `typed`, in this process."""
    monkeypatch.setattr(sys, "argv", words)
    with chdir(folder), pytest.raises(SystemExit) as ended:
        cli.main()
    printed = "".join(capsys.readouterr())
    assert not ended.value.code, f"{shlex.join(words)}\n{printed}"
    return printed


@pytest.mark.filterwarnings("ignore:.*sRGB2014[.]icc:pytest.PytestUnraisableExceptionWarning")  # WeasyPrint's own
def test_every_other_command(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the order of the pages, on the finished study: what one makes, the next reads. Of the new revision only the first
    jobs are run; tests/workflow/test_sealed.py plans the others."""
    monkeypatch.setattr("getpass.getpass", lambda *_: "correct horse")
    study = copy.rename(tmp_path / "my-study")
    bins = genome(1_000_000)
    for name, events, seed in (("lot", (Event("chr8", 0, 200_000_000, +1),), 1), ("donor", (), 2)):
        sample(bins, events, name, "F", 5000, seed).to_csv(tmp_path / f"{name}.bedgraph", sep="\t", index=False)
    bins[["chrom", "start", "end", "gc"]].to_csv(tmp_path / "gc.bedgraph", sep="\t", index=False, header=False)
    for site, lot in (("site-a", "L1-clean"), ("site-b", "L2-gain")):
        (study / site).mkdir()
        shutil.copy(study / "results" / lot / "report.json", study / site)
    names, printed = dict(NAMES), dict[str, str]()
    with serving(b"chr1\t0\t100\n") as server:
        names["URL"] = server.url
        (tmp_path / "expected").write_bytes(server.body)
        names["HEX"] = sha256(tmp_path / "expected")
        for page, line in other_commands():
            folder = study if line.startswith(IN_THE_STUDY) or page in IN_THE_STUDY else tmp_path
            if not line.startswith("karyolot ") or line.startswith("karyolot run "):
                least = " -- --until verify_data" if "--revise" in line else ""
                typed(line.replace("HLP-07", NAMES["HLP-07"]) + least, folder, "correct horse\n" * 2)
                continue
            if line.startswith("karyolot verify "):
                names["LOT"] = NAMES["HLP-07"]
            words = [names.get(word, word.replace("HLP-07", NAMES["HLP-07"])) for word in shlex.split(line)]
            printed[line] = said(words, folder, monkeypatch, capsys)
            if line == "karyolot ledger":
                names["SHA256"] = re.findall(r"last sha256 (\w{64})", printed[line])[-1]
    assert "47,XX,+8" in printed["karyolot call LOT DONOR --sex F --gc GC.wig --out results"]
    assert "line " in printed["karyolot verify SHA256"] and "no differences found" in printed["karyolot verify"]
    assert (tmp_path / "fetched.bed").read_bytes() == b"chr1\t0\t100\n" and (tmp_path / "bins.tsv.gz").exists()
    assert json.loads(printed["karyolot plan --claim 5 --fraction 0.1 --like my-study:HLP-07 --json"])["depths"]
    assert {"disposition", "sealed", "signed", "revised"} <= {entry.kind for entry in ledger.read(study)}
    assert (study / "crates" / "L2-gain" / "ro-crate-metadata.json").exists() and (study / "rows.json").exists()


def test_the_code_of_the_page_on_python(finished: Path, tmp_path: Path) -> None:
    (tmp_path / "example").symlink_to(finished)
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    with chdir(tmp_path):
        names: dict[str, object] = {}
        for kind, block in FENCE.findall(page):
            assert kind == "python"
            exec(compile(block, "docs/python.md", "exec"), names)
    assert (tmp_path / "genome.png").stat().st_size > 10_000


def module_of_documentation(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_on_file_formats_has_every_table_of_a_run_with_its_columns(finished: Path) -> None:
    """The study has no frozen panel, and none of foreign sequences."""
    schemas = module_of_documentation("generate").files_of()
    columns = {file.strip("`"): list(schema.to_schema().columns) for schema, files in schemas.items() for file in files}
    lots = "|".join(karyolot.lots(finished))
    met = set()
    for path in finished.glob("results/**/*.parquet"):
        name = re.sub(rf"^results/(?:{lots})/", "results/LOT/", path.relative_to(finished).as_posix())
        name = re.sub(r"^results/samples/[^/]+/", "results/samples/SAMPLE/", name)
        assert parquet.read_schema(path).names == columns[name], name
        met.add(name)
    panel = ("panel", "panel_genes", "pca")
    absent = {f"results/LOT/rna/{name}.parquet" for name in panel}
    absent |= {f"results/LOT/foreign/{name}.parquet" for name in ("sequences", "integrations")}
    assert columns.keys() - met == absent


def few(source: Path, target: Path) -> None:
    import dnaio

    with dnaio.open(source) as reads, dnaio.open(target, mode="w") as out:
        for number, read in enumerate(reads):
            if number == 20_000:
                return
            out.write(read)


def test_the_notebook_runs_and_is_that_of_its_script(finished: Path, tmp_path: Path) -> None:
    script = ROOT / "docs" / "notebooks" / "lot.py"
    command = [sys.executable, str(script)]
    environment = os.environ | {"KARYOLOT_STUDY": str(finished)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "FAIL" in done.stdout and "AnnData object" in done.stdout
    albumin = dict(re.findall(r"^D2-rna(\d) +hepatocyte +([\d.]+)$", done.stdout, flags=re.M))
    assert len(albumin) == 2 and min(map(float, albumin.values())) > 100, "TPM of the donor's hepatocytes"
    made = module_of_documentation("notebook")
    assert script.with_suffix(".ipynb").read_text(encoding="utf-8") == made.notebook(
        script.read_text(encoding="utf-8")
    ), "run: python docs/notebook.py"


def test_a_report_of_snakemake_holds_reports_figures_and_tables(copy: Path, tmp_path: Path) -> None:
    copy.rename(tmp_path / "my-study")
    typed(REPORT, tmp_path)
    text = (tmp_path / "my-study" / "report.html").read_text(encoding="utf-8")
    shown = ("Reports", "Figures", "figure-1", "Tables", "limits of detection", "small variants", "markers")
    for word in (*shown, "karyolot assessed identity"):
        assert word in text, word
