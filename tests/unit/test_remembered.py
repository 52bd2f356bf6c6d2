"""A file that was found good is not read again while it is the same file; any change of it, or of the code, makes it read."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from karyolot.inputs import remembered
from karyolot.inputs.formats import bin_counts, fasta, gtf, intervals, sites
from karyolot.inputs.remembered import PLACE, Remembered
from planted_inputs import Inputs

Reader = Callable[..., Any]


class Read:
    """Counts how often each reader reads a file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: list[str] = []
        facts = dict(remembered.FACTS)
        for module in (bin_counts, fasta, gtf, intervals, sites):
            look = module.look
            monkeypatch.setattr(module, "look", counted := self.counting(look))
            facts[counted] = facts.pop(look)
        monkeypatch.setattr(remembered, "FACTS", facts)

    def counting(self, look: Reader) -> Reader:
        def counted(path: Path, *args: Any, **kwargs: Any) -> Any:
            self.files.append(path.name)
            return look(path, *args, **kwargs)

        counted.__module__ = look.__module__
        return counted

    def by(self, inputs: Inputs) -> set[str]:
        """The files that a check reads, which finds no error."""
        self.files.clear()
        assert not [problem for problem in inputs.examine() if problem.code.startswith("E")]
        return set(self.files)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Read:
    return Read(monkeypatch)


@pytest.fixture
def inputs(tmp_path: Path) -> Inputs:
    return Inputs(tmp_path)


def test_a_second_check_reads_no_file_that_was_found_good(inputs: Inputs, read: Read) -> None:
    first = read.by(inputs)
    assert {"D2.tsv", "L2.wig.gz", "genome.fa", "genes.gtf", "mappability.bedgraph"} <= first
    assert read.by(inputs) == set()


def test_a_file_that_changed_is_read_again_even_with_its_size_and_time(inputs: Inputs, read: Read) -> None:
    read.by(inputs)
    path = inputs.folder / "dna" / "D2.tsv"
    text, before = path.read_text(), path.stat()
    lines = text.splitlines(keepends=True)
    lines[1], lines[2] = (
        "\t".join([*own.split("\t")[:-1], other.split("\t")[-1]]) for own, other in ((lines[1], lines[2]), (lines[2], lines[1]))
    )  # fmt: skip
    path.write_text("".join(lines))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size and path.stat().st_mtime_ns == before.st_mtime_ns
    assert read.by(inputs) == {"D2.tsv"}


def test_a_panel_is_read_again_when_the_genome_behind_it_changes(inputs: Inputs, read: Read) -> None:
    genome = inputs.folder / "reference" / "genome.fa"
    rows = [f"chr1\t{place}\t{place + 1}\tA\tC" for place in range(0, 5_000, 5)]  # of ACGTN again and again
    inputs.put("reference/sites.bed", "\n".join(rows))
    inputs.config["identity"] = {"sites": "reference/sites.bed"}
    assert "sites.bed" in read.by(inputs)
    assert read.by(inputs) == set()
    os.utime(genome, ns=(1, 1))
    assert {"sites.bed", "genome.fa"} <= read.by(inputs)


def test_what_is_wrong_is_reported_by_every_check(inputs: Inputs, read: Read) -> None:
    path = inputs.folder / "dna" / "D2.tsv"
    before = [str(problem) for problem in inputs.examine()]
    path.write_text(path.read_text().replace("\n", "\n-", 2))
    said = [str(problem) for problem in inputs.examine()]
    assert said != before and [str(problem) for problem in inputs.examine()] == said


def test_other_code_reads_every_file_again(inputs: Inputs, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    first = read.by(inputs)
    monkeypatch.setattr(remembered, "_code", lambda: "other")
    assert read.by(inputs) == first


@pytest.mark.parametrize("content", ["", "{", "[]", '{"code": 1}'])
def test_a_memory_that_is_damaged_only_costs_time(content: str, inputs: Inputs, read: Read) -> None:
    first = read.by(inputs)
    (inputs.folder / PLACE).write_text(content)
    assert read.by(inputs) == first
    kept = json.loads((inputs.folder / PLACE).read_text())
    (inputs.folder / PLACE).write_text(json.dumps(kept | {"files": {key: {"width": "x"} for key in kept["files"]}}))
    assert read.by(inputs) == first


def test_nothing_is_kept_of_files_that_are_no_longer_used(inputs: Inputs, read: Read) -> None:
    read.by(inputs)
    memory = Remembered(inputs.folder)
    memory.look(fasta.look, inputs.folder / "reference" / "genome.fa")
    memory.save()
    assert len(json.loads((inputs.folder / PLACE).read_text())["files"]) == 1


def test_a_directory_that_cannot_be_written_is_checked_all_the_same(
    inputs: Inputs, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(text: str, path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(remembered, "write_text", refuse)
    assert read.by(inputs) == read.by(inputs) != set()
