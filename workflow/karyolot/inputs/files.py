"""Checks of a study's files before any job: they exist, are of the right kind, and match each other."""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from karyolot.contracts.problems import Fault, Problem, quoted
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Sample
from karyolot.inputs.formats import text
from karyolot.inputs.remembered import Remembered
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
        for key in (
            "layout",
            "fasta",
            "bins",
            "mappability",
            "replication_timing",
            "blacklist",
            "gtf",
            "transcripts",
            "foreign",
        )
    }
    files |= {
        "copy_number.recurrent_regions": config.copy_number.recurrent_regions,
        "identity.sites": config.identity.sites,
        "small_variants.drivers": config.small_variants.drivers,
        "small_variants.hotspots": config.small_variants.hotspots,
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
    """Message and remedy when a path cannot be passed to tools safely; None when it can.

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
        self.remembered = Remembered(workdir)
        self.found: list[Problem] = []
        self.named = config_files(config)
        self.there: dict[str, Path] = {}
        """Dotted key -> file, of the settings that name a file that can be read."""
        self.misplaced: set[int] = set()
        """Lines of samples.tsv with a file that belongs elsewhere: its reads cannot be expected to fit."""
        self.first: dict[Any, Use] = {}
        """The first use of each content, by what distinguishes it from others."""
        self.has_dna = any(entry.row.assay == "wgs" for entry in draft.samples)
        self.has_rna = any(entry.row.assay == "rnaseq" for entry in draft.samples)

    def look(self, reader: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`reader(...)`, read once in this check, and not again by a later one when it found nothing wrong; a Fault is raised
        again at each call."""
        key = (reader, args, tuple(kwargs.items()))
        if key not in self.seen:
            try:
                self.seen[key] = self.remembered.look(reader, *args, **kwargs)
            except Fault as fault:
                self.seen[key] = fault
        if isinstance(self.seen[key], Fault):
            raise self.seen[key]
        result: T = self.seen[key]
        return result

    def in_row(self, use: Use, fault: Fault) -> None:
        where = (use.entry.line, use.column, use.path)
        self.found.append(Problem(fault.code, self.sheet, fault.located, fault.remedy, *where, fault.meant, fault.line))

    def report_row(self, use: Use, faults: Iterable[Fault]) -> None:
        """Every fault of a file as a row uses it, yielded or raised."""
        try:
            for fault in faults:
                self.in_row(use, fault)
        except Fault as fault:
            self.in_row(use, fault)

    def in_config(self, key: str, fault: Fault, path: str | None = None) -> None:
        """path: as it is written, where it is not the setting itself."""
        where = (None, key, path or self.named.get(key))
        self.found.append(Problem(fault.code, CONFIG, fault.located, fault.remedy, *where, fault.meant, fault.line))

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
        """Report the second use of a file or of a checksum. What files hold is compared as their formats read it."""
        for use in uses:
            if use.is_matrix or use.column == "alleles":
                continue
            checksum = use.entry.row.sha256_2 if use.column == "fastq_2" else use.entry.row.sha256_1
            if not self.repeated(use, ("file", use.identity), "is the same file as") and checksum is not None:
                self.repeated(use, ("sha256", checksum), "has the same checksum as")

    def repeated(self, use: Use, content: tuple[str, Any], words: str) -> bool:
        """Whether a row above uses the same content: E03, or E04 when both are mates of one row.

        content: 'file', 'sha256' or 'content', and what is compared. Rows that are misplaced by their file are not reported
        again for its content.
        """
        earlier = self.first.setdefault(content, use)
        if earlier is use or (content[0] == "content" and use.entry.line in self.misplaced):
            return False
        mates = use.entry is earlier.entry
        self.misplaced.add(use.entry.line)
        message = f"the file {words} {earlier.column} in line {earlier.entry.line}"
        remedy = "name the file of the second mates" if mates else "name the sample's own file, or delete the row"
        self.in_row(use, Fault("E04" if mates else "E03", message, remedy))
        return True

    # reference

    def files_of_settings(self) -> None:
        """Find the files that the settings name; a problem for each that cannot be read."""
        for key, path in self.named.items():
            if path_fault(path):
                continue
            file = resource(path, self.workdir)
            try:
                text.regular_file(file)
            except Fault as fault:
                self.in_config(key, fault)
            else:
                self.there[key] = file

    def examine(self, key: str, reader: Callable[[Path], T]) -> T | None:
        """`reader` of the file of a setting; None when there is none, or when a Fault became a problem of the setting."""
        if key not in self.there:
            return None
        try:
            return reader(self.there[key])
        except Fault as fault:
            self.in_config(key, fault)
            return None

    def report(self, key: str, faults: Callable[[Path], Iterable[Fault]]) -> None:
        """Every fault of the file of a setting, yielded or raised; nothing when there is no such file."""

        def each(file: Path) -> None:
            for fault in faults(file):
                self.in_config(key, fault)

        self.examine(key, each)
