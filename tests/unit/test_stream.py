"""Reads of a genome pass once: verified, hashed and handed to a tool; and nothing is complete when they are not."""

import gzip
import hashlib
import json
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from karyolot.contracts.settings import Reads
from karyolot.inputs import stream
from karyolot.io.files import read_sealed
from karyolot.plan import commands

FASTP = "fastp --stdin --interleaved_in --stdout --thread 1 --dont_eval_duplication --length_required 30 --html /dev/null".split()
SHOW = ["python", "-c", "import shutil, sys; shutil.copyfileobj(sys.stdin, sys.stdout)"]
"""A tool that prints what it reads, whatever else it is told."""


def lane(folder: Path, number: int, instrument: str = "M01", **given: Any) -> dict[str, Any]:
    """A lane of 1,500 pairs, of which some read through into the adapter."""
    rng = random.Random(number)
    adapters = ("AGATCGGAAGAGCACACGTCTGAACTCCAGTCA", "AGATCGGAAGAGCGTCGTGTAGGGAAAGAGTGT")
    mates: tuple[list[str], list[str]] = ([], [])
    for read in range(1500):
        insert = "".join(rng.choices("ACGT", k=rng.randint(25, 200)))
        turned = insert[::-1].translate(str.maketrans("ACGT", "TGCA"))
        for mate, (piece, adapter) in enumerate(zip((insert, turned), adapters, strict=True)):
            bases = (piece + adapter + "G" * 100)[:75]
            qualities = "".join(rng.choices("F:,#", [93, 5, 1.5, 0.5], k=75))
            mates[mate].append(f"@{instrument}:{number}:{read} {mate + 1}:N:0:ACGT\n{bases}\n+\n{qualities}\n")
    paths = [str(folder / f"{number}_{mate}.fq.gz") for mate in (1, 2)]
    for path, records in zip(paths, mates, strict=True):
        Path(path).write_bytes(gzip.compress("".join(records).encode(), mtime=0))
    return {"paths": paths, "sha256": [None, None], "group": "lib"} | given


def run(folder: Path, lanes: Sequence[dict[str, Any]], tool: Sequence[str] = SHOW) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "karyolot.inputs.stream", str(folder / "facts.json"), json.dumps(lanes), *tool]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_reads_of_all_lanes_are_printed_with_their_group(tmp_path: Path) -> None:
    lanes = [lane(tmp_path, 1, group="one"), lane(tmp_path, 2, group="two")]
    done = run(tmp_path, lanes)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 4 * 2 * 3000
    assert lines[0] == lines[4] == "@M01:1:0\tRG:Z:one" and lines[-4] == "@M01:2:1499\tRG:Z:two"
    assert run(tmp_path, [lanes[0] | {"group": ""}]).stdout.startswith("@M01:1:0\n")
    for mate in (0, 1):
        files = [gzip.decompress(Path(entry["paths"][mate]).read_bytes()).decode() for entry in lanes]
        own = "".join(files).splitlines()
        assert [line for at in range(4 * mate, len(lines), 8) for line in lines[at + 1 : at + 4]] == [
            line for number, line in enumerate(own) if number % 4
        ]


def test_facts_are_those_of_the_files(tmp_path: Path) -> None:
    lanes = [lane(tmp_path, 1), lane(tmp_path, 2)]
    digest = hashlib.sha256(Path(lanes[0]["paths"][0]).read_bytes()).hexdigest()
    lanes[0]["sha256"][0] = digest
    assert run(tmp_path, lanes).returncode == 0
    facts = read_sealed(tmp_path / "facts.json")
    assert (facts["lanes"], facts["reads"], facts["bases"]) == (2, 3000, 2 * 75 * 3000)
    assert facts["files"][0]["sha256"] == digest and [file["path"] for file in facts["files"]] == [
        path for entry in lanes for path in entry["paths"]
    ]
    assert all(file["bytes"] == Path(file["path"]).stat().st_size for file in facts["files"])


def test_without_a_tool_files_are_verified_alone(tmp_path: Path) -> None:
    """Also of single reads, which fastp reads from their file."""
    given = lane(tmp_path, 1)
    single = given | {"paths": given["paths"][:1], "sha256": [None]}
    assert run(tmp_path, [single], []).stdout == ""
    facts = read_sealed(tmp_path / "facts.json")
    assert (facts["reads"], facts["bases"], len(facts["files"])) == (1500, 75 * 1500, 1)
    done = run(tmp_path / "none", [single | {"sha256": ["0" * 64]}], [])
    assert done.returncode == 1 and "the sample sheet states 0000" in done.stderr and not (tmp_path / "none").exists()


@pytest.mark.parametrize("instrument", ["M01", "A00123", "NS500"])
def test_fastp_trims_what_it_would_trim_of_the_files(tmp_path: Path, instrument: str) -> None:
    """Also runs of G, which it looks for in reads of some instruments only, and does not know of where it reads a pipe."""
    given = lane(tmp_path, 3, instrument)
    piped = run(tmp_path, [given], [*FASTP, "--json", str(tmp_path / "piped.json")])
    assert piped.returncode == 0, piped.stderr
    files = [*FASTP[:1], *FASTP[3:], "--in1", given["paths"][0], "--in2", given["paths"][1]]
    alone = subprocess.run([*files, "--json", str(tmp_path / "alone.json")], capture_output=True, text=True, check=True)
    without = [
        [line.split()[0] if line[:1] == "@" else line for line in done.stdout.splitlines()] for done in (piped, alone)
    ]
    assert without[0] == without[1] and len(without[0]) > 4 * 2000
    kept = [json.loads((tmp_path / f"{name}.json").read_text())["summary"] for name in ("piped", "alone")]
    assert (
        kept[0]["before_filtering"] == kept[1]["before_filtering"]
        and kept[0]["after_filtering"] == kept[1]["after_filtering"]
    )
    assert stream.trims_g([given]) == (instrument != "M01")


def harmed(given: dict[str, Any], harm: str) -> None:
    first, second = map(Path, given["paths"])
    data = second.read_bytes()
    text = gzip.decompress(data)
    if harm == "cut":
        second.write_bytes(data[: len(data) // 2])
    elif harm == "one pair short":
        second.write_bytes(gzip.compress(text[: text.rindex(b"@")]))
    elif harm == "record cut":
        second.write_bytes(gzip.compress(text[:-7]))
    elif harm == "swapped at the end":
        pieces = text.split(b"@M01")
        second.write_bytes(gzip.compress(b"@M01".join([*pieces[:-2], pieces[-1], pieces[-2]])))
    elif harm == "another file":
        given["sha256"][1] = "0" * 64
    elif harm == "empty":
        first.write_bytes(gzip.compress(b""))


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        ("cut", r"2_2\.fq\.gz: (damaged or truncated|is not a complete FASTQ file).*fetch it again"),
        ("one pair short", r"2_2\.fq\.gz: ends before its mate file .*2_1\.fq\.gz.*fetch both again"),
        ("record cut", r"2_2\.fq\.gz: (is truncated|is not a complete FASTQ file)"),
        ("swapped at the end", r"2_1\.fq\.gz and .*2_2\.fq\.gz: mates are not in the same order \(read 'M01:2:1498"),
        ("another file", r"2_2\.fq\.gz: sha256 is .*, the sample sheet states 0{64}"),
        ("empty", r"2_1\.fq\.gz: holds no read"),
    ],
)
def test_a_fault_in_the_last_lane_stops_the_tool_and_is_named(tmp_path: Path, harm: str, words: str) -> None:
    lanes = [lane(tmp_path, 1), lane(tmp_path, 2)]
    harmed(lanes[1], harm)
    (tmp_path / "tool.py").write_text(
        "import pathlib, shutil, sys\nshutil.copyfileobj(sys.stdin, sys.stdout)\n"
        f"pathlib.Path({str(tmp_path / 'complete')!r}).touch()\n"
    )
    done = run(tmp_path, lanes, [sys.executable, str(tmp_path / "tool.py")])
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.search(words, done.stderr), done.stderr
    assert not (tmp_path / "facts.json").exists() and not (tmp_path / "complete").exists()


@pytest.mark.parametrize(("tool", "code"), [(["false"], 1), (["bash", "-c", "head -c 100 > /dev/null; exit 7"], 7)])
def test_a_tool_that_fails_leaves_no_facts(tmp_path: Path, tool: list[str], code: int) -> None:
    done = run(tmp_path, [lane(tmp_path, 1)], tool)
    assert done.returncode == code and not (tmp_path / "facts.json").exists() and "Traceback" not in done.stderr


def test_a_tool_that_stops_reading_and_is_content_leaves_no_facts(tmp_path: Path) -> None:
    done = run(tmp_path, [lane(tmp_path, 1)], ["bash", "-c", "head -c 100 > /dev/null"])
    assert done.returncode == 1 and not (tmp_path / "facts.json").exists()


@pytest.mark.parametrize("mates", [1, 2])
@pytest.mark.parametrize("lanes", [1, 2])
def test_reads_of_rna_are_verified_where_they_are_trimmed(
    lanes: int, mates: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reads of one lane bear no group, since `first_pairs` joins the lines of a read by tabs; of several, the first of each are
    aligned. Single reads fastp takes from their file, since it does not look for their adapter in a pipe."""
    monkeypatch.chdir(tmp_path)
    rows = []
    for number in range(1, 1 + lanes):
        paths = [*lane(tmp_path, number)["paths"][:mates], None]
        known = dict.fromkeys(("sha256_1", "sha256_2"))
        rows.append(SimpleNamespace(unit=f"S.{number}", library_id="LIB", fastq_1=paths[0], fastq_2=paths[1], **known))
    study: Any = SimpleNamespace(samples={"S": rows})
    folder = tmp_path / "results/samples/S/rna/trimmed"
    folder.mkdir(parents=True)
    output = SimpleNamespace(facts=str(tmp_path / "f.json"), fastp=str(tmp_path / "fastp.json"))
    command = commands.trim_rna_command(Reads(), study, "S", output, sys.executable)
    subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    facts = read_sealed(f"{output.facts}.part")
    assert (facts["lanes"], facts["reads"], len(facts["files"])) == (lanes, 1500 * lanes, lanes * mates)
    said = json.loads(Path(f"{output.fastp}.part").read_text())
    assert said["summary"]["before_filtering"]["total_reads"] == 1500 * mates * lanes
    assert sorted(file.name for file in folder.iterdir()) == [f"{mate}.fq.gz" for mate in range(1, mates + 1)]
    lines = [gzip.decompress((folder / f"{n}.fq.gz").read_bytes()).decode().splitlines() for n in range(1, mates + 1)]
    assert all(len(own) > 4 * 1000 * lanes and any("\t" in line for line in own) == (lanes > 1) for own in lines)
    shown = subprocess.run(
        ["bash", "-c", commands.first_pairs(study, "S", 100)], capture_output=True, check=True, text=True
    ).stdout.splitlines()
    names = [line.partition(" ")[0] for line in shown[::4]]
    assert len(shown) == 4 * 100 * mates and names[: 2 * (mates - 1)] == names[:1] * 2 * (mates - 1)
    assert [sum(name.startswith(f"@M01:{number}:") for name in names) for number in range(1, 1 + lanes)] == (
        [100 // lanes * mates] * lanes
    )
    assert all(read == "+" for read in shown[2::4]) and not any("\t" in line for line in shown)
