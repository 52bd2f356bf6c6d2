"""What the files of a study tell before any job: that they are there, are what they should be, and fit together."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from karyolot.contracts.problems import Fault, Problem, quoted
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Sample
from karyolot.inputs.formats import text
from karyolot.inputs.sheets import Entry
from karyolot.inputs.study import Draft
from karyolot.io.shipped import resource

P = ParamSpec("P")
T = TypeVar("T")

CONFIG = "config"
"""Stands for the configuration in `Problem.file` until its file is known."""
WRITTEN = ("results", "logs", "benchmarks", ".snakemake")
"""Folders of the working directory that belong to the workflow."""


def config_files(config: Config) -> dict[str, str]:
    """Dotted key -> path of every file the configuration names, the sample tables excepted."""
    files = {
        f"reference.{key}": getattr(config.reference, key)
        for key in ("layout", "fasta", "bins", "mappability", "replication_timing", "blacklist", "gtf", "transcripts")
    }
    files |= {
        "copy_number.watch_regions": config.copy_number.watch_regions,
        "identity.sites": config.identity.sites,
        "small_variants.genes": config.small_variants.genes,
        "expression.markers": config.expression.markers,
        "expression.panel": config.expression.panel,
    }
    files |= {f"pathways.gene_sets.{number}": path for number, path in enumerate(config.pathways.gene_sets)}
    files |= {
        f"pathways.own_gene_sets.{number}.path": own.path for number, own in enumerate(config.pathways.own_gene_sets)
    }
    files |= {"pathways.axes": config.pathways.axes, "acceptance": config.acceptance}
    return {key: path for key, path in files.items() if path is not None}


PLAIN = re.compile(r"[\w./+=,@:%~-]*")


def unsafe_paths(draft: Draft, config: Config) -> Iterator[Problem]:
    """Paths that could mean something else to a shell, to Snakemake or to a tool, or that lie in our own folders."""
    for entry in draft.samples:
        for column, path in entry.row.files.items():
            if fault := path_fault(path):
                yield Problem("E26", config.sheets.samples, *fault, entry.line, column, path)
    for key, path in {**config_files(config), **{f"sheets.{k}": v for k, v in config.sheets}}.items():
        if fault := path_fault(path):
            yield Problem("E26", CONFIG, *fault, column=key, value=path)


def path_fault(path: str) -> tuple[str, str] | None:
    """Message and remedy when a path cannot be handed to tools safely; None when it can.

    Absolute paths, '..' and links are allowed: data often lies elsewhere.
    """
    if not PLAIN.fullmatch(path):
        strange = sorted(set(re.sub(PLAIN, "", path)))
        message = f"the path holds {' '.join(quoted(character) for character in strange)}, which tools may misread"
        return message, "rename the file or folder, or link to it; letters, digits and . _ - + = , @ : % are safe"
    if path.endswith("/"):
        return "the path ends with /, as a folder's does", "name the file"
    if path.startswith(("-", "~")):
        return f"the path starts with {path[0]}, which tools may misread", "write it in full, or put ./ before it"
    if "://" in path:
        return "the path is an address, and only files are read", "fetch the file first"
    if (folder := os.path.normpath(path).split("/")[0]) in WRITTEN:
        return f"{folder}/ is written by the workflow", "keep inputs in another folder"
    return None


@dataclass(frozen=True, slots=True)
class Use:
    """A file as a row of samples.tsv uses it."""

    entry: Entry[Sample]
    column: str
    path: str
    file: Path
    identity: tuple[int, int]
    size: int

    @property
    def is_matrix(self) -> bool:
        """A count matrix holds many samples, so many rows may name it."""
        return self.column == "counts" and self.entry.row.assay == "rnaseq"


class Files:
    """Looks into every file once, however many rows name it, and keeps what it saw for the comparisons."""

    def __init__(self, config: Config, draft: Draft, workdir: Path) -> None:
        self.config, self.draft, self.workdir = config, draft, workdir
        self.sheet = config.sheets.samples
        self.seen: dict[Any, Any] = {}
        self.found: list[Problem] = []
        self.there: dict[str, tuple[str, Path]] = {}
        """Dotted key -> (path as it is written, file), of the settings that name a file that can be read."""
        self.misplaced: set[int] = set()
        """Lines of samples.tsv with a file that belongs elsewhere: its reads cannot be expected to fit."""
        self.has_dna = any(entry.row.assay == "wgs" for entry in draft.samples)
        self.has_rna = any(entry.row.assay == "rnaseq" for entry in draft.samples)

    def look(self, reader: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`reader(...)`, remembered; a Fault is remembered too and raised again."""
        key = (reader, args, tuple(kwargs.items()))
        if key not in self.seen:
            try:
                self.seen[key] = reader(*args, **kwargs)
            except Fault as fault:
                self.seen[key] = fault
        if isinstance(self.seen[key], Fault):
            raise self.seen[key]
        result: T = self.seen[key]
        return result

    def in_row(self, use: Use, fault: Fault) -> None:
        where = (use.entry.line, use.column, use.path)
        self.found.append(Problem(fault.code, self.sheet, fault.located, fault.remedy, *where, fault.meant))

    def in_config(self, key: str, fault: Fault, path: str) -> None:
        self.found.append(Problem(fault.code, CONFIG, fault.located, fault.remedy, None, key, path, fault.meant))

    # samples

    def files_of_samples(self) -> list[Use]:
        uses = []
        for entry in self.draft.samples:
            for column, path in entry.row.files.items():
                if path_fault(path):
                    continue
                file = self.workdir / path
                try:
                    facts = text.regular_file(file)
                except Fault as fault:
                    self.in_row(Use(entry, column, path, file, (0, 0), 0), fault)
                else:
                    uses.append(Use(entry, column, path, file, (facts.st_dev, facts.st_ino), facts.st_size))
        return uses

    def same_data(self, uses: Sequence[Use]) -> None:
        """E03 for the second use of a file, of a checksum, or of a table's content under any compression; E04 when both are
        mates of one row. What reads and alignments hold is compared by their first reads, which their formats read."""
        by_identity: dict[tuple[int, int], Use] = {}
        by_checksum: dict[str, Use] = {}
        tables: dict[bytes, list[Use]] = defaultdict(list)
        for use in uses:
            if use.is_matrix or use.column == "alleles":
                continue
            row = use.entry.row
            checksum = row.sha256_2 if use.column == "fastq_2" else row.sha256_1
            earlier = by_identity.setdefault(use.identity, use)
            words = "is the same file as"
            if earlier is use and checksum is not None:
                earlier, words = by_checksum.setdefault(checksum, use), "has the same checksum as"
            if earlier is not use:
                self.repeated(use, earlier, words)
            elif use.column == "counts":
                with suppress(Fault):  # of a file that cannot be read, which its own reader reports
                    tables[text.head_digest(use.file)].append(use)
        for alike in tables.values():
            for use in alike[1:]:
                with suppress(Fault):
                    if text.same_content(alike[0].file, use.file):
                        self.repeated(use, alike[0], "holds the same counts as")

    def repeated(self, use: Use, earlier: Use, words: str) -> None:
        message = f"the file {words} {earlier.column} in line {earlier.entry.line}"
        mates = use.entry is earlier.entry
        self.misplaced.add(use.entry.line)
        remedy = "name the file of the second mates" if mates else "name the sample's own file, or delete the row"
        self.in_row(use, Fault("E04" if mates else "E03", message, remedy))

    # reference

    def files_of_settings(self) -> None:
        """Find the files that the settings name; a problem for each that cannot be read."""
        for key, path in config_files(self.config).items():
            if path_fault(path):
                continue
            file = resource(path, self.workdir)
            try:
                text.regular_file(file)
            except Fault as fault:
                self.in_config(key, fault, path)
            else:
                self.there[key] = path, file

    def examine(self, key: str, reader: Callable[[Path], T]) -> T | None:
        """`reader` of the file of a setting; None when there is none, or when a Fault became a problem of the setting."""
        if key not in self.there:
            return None
        path, file = self.there[key]
        try:
            return reader(file)
        except Fault as fault:
            self.in_config(key, fault, path)
            return None
