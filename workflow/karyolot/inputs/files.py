"""What the files of a study tell before any job: that they are there, are what they should be, and fit together."""

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from karyolot.contracts.criteria import Acceptance
from karyolot.contracts.panel import MIN_LOTS, Panel, gene_digest
from karyolot.contracts.problems import KaryolotError, Problem, quoted, suggestion
from karyolot.contracts.settings import Config, Layout
from karyolot.contracts.sheets import Sample
from karyolot.inputs.sheets import Entry
from karyolot.inputs.study import Draft
from karyolot.io import probe
from karyolot.io.files import sha256
from karyolot.io.panel import read_panel
from karyolot.io.probe import BinCounts, Fault, GeneCounts, Genes, ReadsHead
from karyolot.io.shipped import resource

P = ParamSpec("P")
T = TypeVar("T")

CONFIG = "config"
"""Stands for the configuration in `Problem.file` until its file is known."""
MARKER_COLUMNS = ("gene_name", "group", "expected", "source", "reason")
EXPECTED = ("down", "up", "detected", "absent", "report")
WRITTEN = ("results", "logs", "benchmarks", ".snakemake")
"""Folders of the working directory that belong to the workflow."""
READ_LENGTH_TOLERANCE = 0.1
"""Read lengths differing by more than a tenth map differently near repeats, which prints into the ratio."""
DEPTH_RATIO = 0.5
"""A donor below half of its lot's depth sets the limit of detection alone."""
INFINITE = float("inf")


def config_files(config: Config) -> dict[str, str]:
    """Dotted key -> path of every file the configuration names, the sample tables excepted."""
    files = {f"reference.{key}": getattr(config.reference, key) for key in (
        "layout", "fasta", "bins", "mappability", "replication_timing", "blacklist", "gtf", "transcripts")}  # fmt: skip
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
    for key, path in {**config_files(config), **{f"sheets.{k}": v for k, v in config.sheets if v is not None}}.items():
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
        self.misplaced: set[int] = set()
        """Lines of samples.tsv with a file that belongs elsewhere: its reads cannot be expected to fit."""
        self.gene_sources: dict[str, GeneCounts | None] = {}
        """Files the genes of this study's RNA come from, by what they are called: a matrix, or None for the annotation."""
        self.has_dna = any(entry.row.assay == "wgs" for entry in draft.samples)
        self.has_rna = any(entry.row.assay == "rnaseq" for entry in draft.samples)

    def problems(self) -> list[Problem]:
        uses = self.files_of_samples()
        self.same_data(uses)
        contigs = self.genome()
        genes = self.annotation(contigs)
        self.reads([use for use in uses if use.column in {"fastq_1", "fastq_2"}])
        for use in uses:
            if use.column == "alignment":
                self.alignment(use, contigs)
            elif use.column == "counts" and not use.is_matrix:
                self.bin_counts(use, contigs)
        self.compare_with_donors(uses)
        symbols = self.gene_symbols(uses, genes)
        self.markers(symbols)
        self.panel(genes)
        self.gene_sets(symbols)
        self.acceptance()
        return self.found

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

    def in_row(self, use: Use, code: str, message: str, remedy: str, *, warning: bool = False) -> None:
        problem = Problem(code, self.sheet, message, remedy, use.entry.line, use.column, use.path, warning)
        self.found.append(problem)

    def in_config(self, key: str, fault: Fault, path: str, *, warning: bool = False) -> None:
        self.found.append(Problem(fault.code, CONFIG, _placed(fault), fault.remedy, None, key, path, warning))

    # samples

    def files_of_samples(self) -> list[Use]:
        uses = []
        for entry in self.draft.samples:
            for column, path in entry.row.files.items():
                if path_fault(path):
                    continue
                file = self.workdir / path
                try:
                    facts = probe.regular_file(file)
                except Fault as fault:
                    problem = Problem(fault.code, self.sheet, fault.message, fault.remedy, entry.line, column, path)
                    self.found.append(problem)
                else:
                    uses.append(Use(entry, column, path, file, (facts.st_dev, facts.st_ino), facts.st_size))
        return uses

    def same_data(self, uses: Sequence[Use]) -> None:
        """E03 for the second use of a file, of a checksum, or of equal bytes; E04 when both are mates of one row."""
        by_identity: dict[tuple[int, int], Use] = {}
        by_checksum: dict[str, Use] = {}
        by_size: dict[int, list[Use]] = defaultdict(list)
        for use in uses:
            if use.is_matrix:
                continue
            row = use.entry.row
            checksum = row.sha256_2 if use.column == "fastq_2" else row.sha256_1
            earlier = by_identity.setdefault(use.identity, use)
            words = "is the same file as"
            if earlier is use and checksum is not None:
                earlier, words = by_checksum.setdefault(checksum, use), "has the same checksum as"
            if earlier is use:
                by_size[use.size].append(use)
            else:
                self.repeated(use, earlier, words)
        for group in by_size.values():
            heads: dict[bytes, list[Use]] = defaultdict(list)
            for use in group if len(group) > 1 else ():
                heads[probe.head_digest(use.file)].append(use)
            for alike in heads.values():
                for use in alike[1:]:
                    if probe.same_content(alike[0].file, use.file):
                        self.repeated(use, alike[0], "holds the same bytes as")

    def repeated(self, use: Use, earlier: Use, words: str) -> None:
        message = f"the file {words} {earlier.column} in line {earlier.entry.line}"
        mates = use.entry is earlier.entry
        self.misplaced.add(use.entry.line)
        remedy = "name the file of the second mates" if mates else "name the sample's own file, or delete the row"
        self.in_row(use, "E04" if mates else "E03", message, remedy)

    def reads(self, uses: Sequence[Use]) -> None:
        """Every FASTQ file by itself, then the mates of each row."""
        heads = {
            (use.entry.line, use.column): (use, head) for use in uses if (head := self.reads_head(use)) is not None
        }
        for (line, column), (use, first) in heads.items():
            if column == "fastq_1" and (line, "fastq_2") in heads and line not in self.misplaced:
                self.mates(use, first, *heads[line, "fastq_2"])

    def mates(self, use: Use, first: ReadsHead, other_use: Use, second: ReadsHead) -> None:
        if first.mates == {2} or second.mates == {1}:
            swapped = first.mates != {1} and second.mates != {2}
            message = "the names of its reads say that they are the other mates"
            remedy = "exchange fastq_1 and fastq_2" if swapped else "name the file of the other mates"
            self.in_row(use if first.mates == {2} else other_use, "E04", message, remedy)
            return
        for number, (one, other) in enumerate(zip(first.names, second.names, strict=False), 1):
            if one != other:
                message = f"read {number} is {quoted(other)}, and in fastq_1 {quoted(one)}"
                remedy = "name the mates of fastq_1, both files in the sequencer's order"
                self.in_row(other_use, "E04", message, remedy)
                return

    def reads_head(self, use: Use) -> ReadsHead | None:
        try:
            head = self.look(probe.reads_head, use.file)
        except Fault as fault:
            self.in_row(use, fault.code, _placed(fault), fault.remedy)
            return None
        if head.longest < self.config.reads.min_length:
            message = (
                f"its reads have at most {head.longest} bases, and reads.min_length is {self.config.reads.min_length}"
            )
            self.in_row(use, "E28", message, "name the right file, or lower reads.min_length")
        return head

    def alignment(self, use: Use, contigs: dict[str, int] | None) -> None:
        try:
            head = self.look(probe.alignment_head, use.file)
        except Fault as fault:
            self.in_row(use, fault.code, _placed(fault), fault.remedy)
            return
        if head.paired is False:
            self.in_row(use, "E28", "its reads are not paired, and fragments are counted", "sequence pairs")
        if len(head.samples) > 1:
            message = f"holds reads of {len(head.samples)} samples (SM {', '.join(sorted(head.samples))})"
            self.in_row(use, "E28", message, "split it by read group, unless all are the same cells", warning=True)
        if contigs is not None and (difference := _contig_fault(head.contigs, contigs)):
            self.in_row(use, "E14", difference, "give the FASTA the reads were aligned to, or the FASTQ files")

    def bin_counts(self, use: Use, contigs: dict[str, int] | None) -> None:
        try:
            counts = self.look(probe.bin_counts, use.file)
        except Fault as fault:
            self.in_row(use, fault.code, _placed(fault), fault.remedy)
            return
        width = self.config.counting.bin_bp
        if width % counts.width:
            message = f"its bins have {counts.width} bases, which do not fill bins of counting.bin_bp ({width}) evenly"
            self.in_row(use, "E14", message, f"set counting.bin_bp to {counts.width} or a multiple of it")
        if contigs is None:
            return
        lengths = {_key(name): length for name, length in contigs.items()}
        known = {name: bins for name, bins in counts.contigs.items() if _key(name) in lengths}
        if not known:
            message = f"none of its contigs ({_some(counts.contigs)}) is in the reference ({_some(contigs)})"
            self.in_row(use, "E14", message, "count over this reference")
        for name, bins in known.items():
            # A counter may give the last bin of a contig its full width.
            if bins.end >= lengths[_key(name)] + counts.width:
                message = f"{name} has bins to {bins.end}, and {lengths[_key(name)]} bases in the reference"
                self.in_row(use, "E14", message, "give the reference the counts were made over")
                return
        layout, _ = self.layout()
        missing = [name for name in layout.autosomes if _key(name) not in map(_key, known)] if layout and known else []
        if missing:
            message = f"has no counts for {_some(missing, 24)}: they will not be assessed"
            self.in_row(use, "W05", message, "count over all chromosomes", warning=True)

    def compare_with_donors(self, uses: Sequence[Use]) -> None:
        """Read lengths, bins and depth of each lot against its donor."""
        donor_of = {entry.row.lot_id: entry.row.donor_id for entry in self.draft.lots}
        lots: dict[tuple[str, str], list[Use]] = defaultdict(list)
        donors: dict[tuple[str, str], list[Use]] = defaultdict(list)
        for use in uses:
            row = use.entry.row
            if row.lot_id and not use.is_matrix:
                lots[row.assay, row.lot_id].append(use)
            elif row.donor_id and not use.is_matrix:
                donors[row.assay, row.donor_id].append(use)
        for (assay, lot), own in lots.items():
            others = donors[assay, donor_of.get(lot) or ""]
            own_length, other_length = self.read_length(own), self.read_length(others)
            if own_length and other_length and abs(own_length / other_length - 1) > READ_LENGTH_TOLERANCE:
                message = f"reads have {own_length} bases, those of the donor {other_length}"
                self.in_row(own[0], "E15", message, "trim the longer ones, or sequence both alike", warning=True)
            if own[0].column == "counts" and others and others[0].column == "counts":
                self.compare_counts(own[0], others[0])

    def read_length(self, uses: Sequence[Use]) -> int | None:
        heads = [self.seen.get((probe.reads_head, (use.file,), ())) for use in uses]
        return max((head.longest for head in heads if isinstance(head, ReadsHead)), default=None)

    def compare_counts(self, use: Use, of_donor: Use) -> None:
        lot, donor = (self.seen.get((probe.bin_counts, (each.file,), ())) for each in (use, of_donor))
        if not isinstance(lot, BinCounts) or not isinstance(donor, BinCounts):
            return
        own, other = ({_key(name): bins.bins for name, bins in each.contigs.items()} for each in (lot, donor))
        line = of_donor.entry.line
        remedy = "count lot and donor with the same program over the same bins"
        if lot.width != donor.width:
            message = f"its bins have {lot.width} bases, those of its donor (line {line}) {donor.width}"
            self.in_row(use, "E14", message, remedy)
        elif differing := [name for name in {**own, **other} if own.get(name) != other.get(name)]:
            name = differing[0]
            message = (
                f"contig {name} has {own.get(name, 0)} bins here and {other.get(name, 0)} in its donor (line {line})"
            )
            self.in_row(use, "E14", message, remedy)
        elif donor.total < DEPTH_RATIO * lot.total:
            message = (
                f"its donor has {donor.total} fragments, the lot {lot.total}: the donor limits what can be detected"
            )
            self.in_row(use, "E22", message, "sequence the donor at least as deep as the lot", warning=True)

    # reference

    def layout(self) -> tuple[Layout | None, dict[str, int]]:
        """The layout and, by contig without 'chr', the end of its last cytoband; None when it cannot be read."""
        try:
            return self.look(probe.read_layout, resource(self.config.reference.layout, self.workdir))
        except Fault:
            return None, {}

    def genome(self) -> dict[str, int] | None:
        """Check what describes the genome; return its contigs and their lengths when they are known."""
        reference = self.config.reference
        files: dict[str, Path] = {}
        for key, path in config_files(self.config).items():
            if path_fault(path):
                continue
            file = resource(path, self.workdir)
            try:
                probe.regular_file(file)
            except Fault as fault:
                self.in_config(key, fault, path)
            else:
                files[key] = file
        contigs: dict[str, int] | None = None
        if "reference.layout" in files:
            with self.told("reference.layout", reference.layout):
                self.look(probe.read_layout, files["reference.layout"])
        if "reference.bins" in files:
            with self.told("reference.bins", reference.bins):
                contigs = self.look(probe.annotated_contigs, files["reference.bins"])
        if "reference.fasta" in files:
            with self.told("reference.fasta", reference.fasta):
                contigs = self.look(probe.contig_lengths, files["reference.fasta"])
                if self.has_dna and (message := _layout_fault(*self.layout(), contigs)):
                    remedy = (
                        "choose the layout of this assembly in reference.layout, or give the FASTA of that assembly"
                    )
                    raise Fault("E14", message, remedy)
        if "reference.transcripts" in files:
            with self.told("reference.transcripts", reference.transcripts):
                self.look(probe.is_fasta, files["reference.transcripts"])
        tracks = {
            "mappability": (4, 0.0, 1.0),
            "replication_timing": (4, -INFINITE, INFINITE),
            "blacklist": (3, 0.0, 0.0),
        }
        for name, limits in tracks.items():
            if f"reference.{name}" in files:
                with self.told(f"reference.{name}", getattr(reference, name)):
                    track = self.look(probe.track_contigs, files[f"reference.{name}"], *limits)
                    if contigs and not set(map(_key, track)) & set(map(_key, contigs)):
                        message = f"none of its contigs ({_some(track)}) is in the reference ({_some(contigs)})"
                        raise Fault("E14", message, "give the track of this assembly")
        if "identity.sites" in files:
            with self.told("identity.sites", self.config.identity.sites):
                panel = self.look(probe.panel_contigs, files["identity.sites"])
                if contigs and not set(map(_key, panel)) & set(map(_key, contigs)):
                    message = f"none of its contigs ({_some(panel)}) is in the reference ({_some(contigs)})"
                    raise Fault("E14", message, "give the panel made for this genome")
        if "small_variants.genes" in files:
            with self.told("small_variants.genes", self.config.small_variants.genes):
                places = self.look(probe.track_contigs, files["small_variants.genes"], 3, 0.0, 0.0)
                if contigs and (unknown := sorted(set(places) - set(contigs))):
                    message = f"its contig {quoted(unknown[0])} is not in the reference ({_some(contigs)})"
                    raise Fault("E14", message, "give the list for this assembly, in its spelling")
        if "copy_number.watch_regions" in files:
            with self.told("copy_number.watch_regions", self.config.copy_number.watch_regions):
                self.watch_regions(files["copy_number.watch_regions"])
        return contigs

    def watch_regions(self, file: Path) -> None:
        columns = ("region", "change", "genes", "context", "source")
        for line, row in self.look(probe.read_columns, file, columns, only=True):
            if row["change"] not in {"gain", "loss"}:
                raise Fault("E17", f"change is {quoted(row['change'])}", "write gain or loss", line)
            if not row["source"]:
                raise Fault("E18", f"the region {row['region']} has no source", "say where it is published", line)

    @contextmanager
    def told(self, key: str, path: str | None) -> Iterator[None]:
        """A Fault inside becomes a problem of this setting."""
        try:
            yield
        except Fault as fault:
            self.in_config(key, fault, path or "")

    def readable(self, path: str) -> Path | None:
        """The file of a setting, None when it is missing: `genome` has told that."""
        file = resource(path, self.workdir)
        return file if file.is_file() and file.stat().st_size else None

    def annotation(self, contigs: dict[str, int] | None) -> Genes | None:
        """Gene names of the GTF, read through only when a study with RNA needs them."""
        gtf = self.config.reference.gtf
        genes = None
        if gtf is not None and (file := self.readable(gtf)):
            with self.told("reference.gtf", gtf):
                genes = self.look(probe.read_genes, file, self.has_rna)
                if contigs and (message := _contig_fault(genes.ends, contigs, spans=True)):
                    raise Fault("E14", message, "give the GTF and the FASTA of one assembly, from one source")
        return genes

    # genes

    def gene_symbols(self, uses: Sequence[Use], genes: Genes | None) -> dict[str, frozenset[str]]:
        """Gene names the RNA of this study can have, by the file they come from."""
        symbols: dict[str, frozenset[str]] = {}
        matrices: dict[Path, list[Use]] = defaultdict(list)
        for use in uses:
            if use.is_matrix:
                matrices[use.file].append(use)
        if genes is not None and any(use.entry.row.assay == "rnaseq" and not use.is_matrix for use in uses):
            symbols[f"the annotation ({self.config.reference.gtf})"] = frozenset(genes.names.values())
            self.gene_sources[f"the annotation ({self.config.reference.gtf})"] = None
        first: tuple[str, frozenset[str]] | None = None
        for file, users in matrices.items():
            wanted = frozenset(use.entry.row.sample_id for use in users if use.entry.row.sample_id)
            try:
                matrix = self.look(probe.gene_counts, file, wanted)
            except Fault as fault:
                self.in_row(users[0], fault.code, _placed(fault), fault.remedy)
                continue
            faults = dict(matrix.faults)
            for use in users:
                sample = use.entry.row.sample_id
                if sample and sample not in matrix.samples:
                    message = f"its header does not name {sample}{suggestion(sample, matrix.samples)}"
                    self.in_row(use, "E28", message, "name the sample in both places alike")
                elif sample in faults:
                    self.in_row(use, faults[sample].code, _placed(faults[sample]), faults[sample].remedy)
            first = first or (users[0].path, frozenset(matrix.genes))
            if different := first[1] ^ frozenset(matrix.genes):
                message = f"it has other genes than {first[0]} ({len(different)} differ, {_some(sorted(different))})"
                self.in_row(users[0], "E14", message, "count all samples with the same annotation")
            named = matrix.names
            if not named and genes is not None:
                versionless = {identifier.partition(".")[0]: name for identifier, name in genes.names.items()}
                named = tuple(versionless.get(gene.partition(".")[0], gene) for gene in matrix.genes)
            symbols[f"the matrix ({users[0].path})"] = frozenset(named or matrix.genes)
            self.gene_sources[f"the matrix ({users[0].path})"] = matrix
        return symbols

    def markers(self, symbols: Mapping[str, frozenset[str]]) -> None:
        path = self.config.expression.markers
        if not (file := self.readable(path)):
            return
        with self.told("expression.markers", path):
            rows = self.look(probe.read_columns, file, MARKER_COLUMNS, only=True)
            seen: set[tuple[str, str]] = set()
            for line, row in rows:
                if reason := probe.mangled([row["gene_name"]]):
                    wrong = Fault("E16", reason, "write the symbol again, in a text editor", line)
                    self.in_config("expression.markers", wrong, path)
                if row["expected"] not in EXPECTED:
                    message = f"expected is {quoted(row['expected'])}{suggestion(row['expected'], EXPECTED)}"
                    self.in_config(
                        "expression.markers", Fault("E17", message, f"write {', '.join(EXPECTED)}", line), path
                    )
                if (row["gene_name"], row["group"]) in seen:
                    message = f"{row['gene_name']} stands twice in the group {quoted(row['group'])}"
                    self.in_config("expression.markers", Fault("E01", message, "keep one row", line), path)
                seen.add((row["gene_name"], row["group"]))
            wanted = list(dict.fromkeys(row["gene_name"] for _, row in rows if not probe.mangled([row["gene_name"]])))
            for source, names in symbols.items():
                missing = [name for name in wanted if name not in names]
                if missing and len(missing) == len(wanted):
                    remedy = "give an annotation or matrix with gene names (symbols) of the same species"
                    self.in_config("expression.markers", Fault("E19", f"no marker gene is in {source}", remedy), path)
                elif missing:
                    message = f"{len(missing)} of {len(wanted)} marker genes are not in {source}: {', '.join(missing)}"
                    wrong = Fault("E19", message, "they will read as not assessed; compare their spelling")
                    self.in_config("expression.markers", wrong, path, warning=True)

    def panel(self, genes: Genes | None) -> None:
        """The reference panel is whole, and of the annotation of this study: the same genes under the same names."""
        path = self.config.expression.panel
        if path is None or path_fault(path) or not (file := self.readable(path)):
            return
        try:
            panel = read_panel(file)
        except KaryolotError as error:
            message = str(error).removeprefix(f"{file}: ")
            self.in_config(
                "expression.panel", Fault("E28", message, "name a file made by `karyolot panel freeze`"), path
            )
            return
        for source, matrix in self.gene_sources.items():
            ids = {gene for gene, _ in _as_run(matrix, genes.names if genes else {})}
            missing = [gene for gene in panel.gene_ids if gene not in ids]
            if missing or not self.is_annotation_of(panel, matrix, genes):
                message = f"the genes of {source} are others, or have other names ({len(ids)} there)"
                if missing:
                    message = (
                        f"{len(missing)} of its {len(panel.gene_ids)} genes are not in {source} ({_some(missing)})"
                    )
                remedy = f"use the annotation panel {panel.version} was frozen with, or freeze a new panel"
                self.in_config("expression.panel", Fault("E14", f"another annotation: {message}", remedy), path)
        if len(panel.lots) < MIN_LOTS:
            message = f"lots in panel {panel.version}: {len(panel.lots)}, and limits need {MIN_LOTS}"
            wrong = Fault(
                "W05", message, "lots will be INDETERMINATE; freeze more accepted lots, or set no expression.panel"
            )
            self.in_config("expression.panel", wrong, path, warning=True)

    def is_annotation_of(self, panel: Panel, matrix: GeneCounts | None, genes: Genes | None) -> bool:
        """Whether RNA of this study will have the genes of the panel's lots, under the same names; True where it cannot be
        known before the run. matrix: None when genes come from the annotation."""
        wanted = panel.gtf_sha256 if matrix is None else panel.annotation_sha256
        if not wanted or gene_digest(_as_run(matrix, genes.names if genes else {})) == wanted:
            return True
        if genes is None or self.config.reference.gtf is None:
            return False
        # `genes` was read from gene lines where there are some; the run counts exons. A real GTF takes half a minute so,
        # and pandas is needed: only to be sure before the user is told.
        from karyolot.io.expression import read_annotation

        _, table = read_annotation(resource(self.config.reference.gtf, self.workdir))
        exact = dict(zip(table["gene_id"], table["gene_name"], strict=True))
        return gene_digest(_as_run(matrix, exact)) == wanted

    def gene_sets(self, symbols: Mapping[str, frozenset[str]]) -> None:
        pathways = self.config.pathways
        sets: dict[str, frozenset[str]] = {}
        whole = True
        pins = {
            f"pathways.own_gene_sets.{number}.path": own.sha256 for number, own in enumerate(pathways.own_gene_sets)
        }
        gmts = {key: path for key, path in config_files(self.config).items() if "gene_sets." in key}
        for key, path in gmts.items():
            if not (file := self.readable(path)):
                whole = False
                continue
            try:
                if key in pins and (digest := self.look(sha256, file)) != pins[key]:
                    remedy = "fetch the release that was pinned, or state this sha256 if the change is meant"
                    raise Fault("E05", f"its sha256 is {digest}, stated is {pins[key]}", remedy)
                found = self.look(probe.read_gene_sets, file)
            except Fault as fault:
                self.in_config(key, fault, path)
                whole = False
                continue
            if repeated := sorted(sets.keys() & found.keys()):
                wrong = Fault("E01", f"the gene set {quoted(repeated[0])} is in another file too", "delete one of them")
                self.in_config(key, wrong, path)
            sets |= found
        if not (file := self.readable(pathways.axes)):
            return
        with self.told("pathways.axes", pathways.axes):
            scored: list[str] = []
            for line, row in self.look(probe.read_columns, file, ("set_name", "axis", "informational"), only=True):
                if row["informational"] not in {"yes", "no"}:
                    wrong = Fault("E17", f"informational is {quoted(row['informational'])}", "write yes or no", line)
                    self.in_config("pathways.axes", wrong, pathways.axes)
                if row["set_name"] in scored:
                    twice = Fault("E01", f"the set {quoted(row['set_name'])} stands twice", "keep one row", line)
                    self.in_config("pathways.axes", twice, pathways.axes)
                elif row["set_name"] in sets:
                    scored.append(row["set_name"])
                elif whole:
                    message = f"no GMT file of the section pathways has the set {quoted(row['set_name'])}"
                    wrong = Fault("E24", message + suggestion(row["set_name"], list(sets)), "correct the name", line)
                    self.in_config("pathways.axes", wrong, pathways.axes)
            for source, names in symbols.items():
                if scored and not any(sets[name] & names for name in scored):
                    message = f"no gene of any scored gene set is in {source}"
                    raise Fault("E19", message, "give gene sets with gene names (symbols) of the same species")
                small = [name for name in scored if len(sets[name] & names) < pathways.min_size]
                large = [name for name in scored if len(sets[name] & names) > pathways.max_size]
                sizes = (("fewer", pathways.min_size, small, "lower pathways.min_size, or compare the spelling of genes"),
                         ("more", pathways.max_size, large, "raise pathways.max_size"))  # fmt: skip
                for word, size, found_so, remedy in sizes:
                    if found_so:
                        message = f"gene sets with {word} than {size} genes in {source}: {_some(found_so, 20)}"
                        wrong = Fault("E19", message, f"take them out of pathways.axes, or {remedy}")
                        self.in_config("pathways.axes", wrong, pathways.axes)

    def acceptance(self) -> None:
        path = self.config.acceptance
        if not (file := self.readable(path)):
            return
        acceptance, faults = self.look(probe.read_document, file, Acceptance)
        criteria = acceptance.criteria if isinstance(acceptance, Acceptance) else ()
        ids = [criterion.id for criterion in criteria]
        faults = [
            *faults,
            *(Fault("E01", f"the criterion {name} stands twice", "give each its own id")
              for name in dict.fromkeys(ids) if ids.count(name) > 1),
        ]  # fmt: skip
        for fault in faults:
            self.in_config("acceptance", fault, path)


def _as_run(matrix: GeneCounts | None, annotated: Mapping[str, str]) -> list[tuple[str, str]]:
    """(id, name) of all genes as the run will have them. annotated: names by id; they come before those of the matrix."""
    if matrix is None:
        return list(annotated.items())
    stated = zip(matrix.genes, matrix.names or matrix.genes, strict=True)
    return [(gene, annotated.get(gene, name)) for gene, name in stated]


def _placed(fault: Fault) -> str:
    return fault.message if fault.line is None else f"line {fault.line} of the file: {fault.message}"


def _key(contig: str) -> str:
    """'chr8' and '8' are the same contig."""
    return contig.removeprefix("chr")


def _some(names: Iterable[str], count: int = 4) -> str:
    names = list(names)
    return ", ".join(names[:count]) + (" ..." if len(names) > count else "")


def _contig_fault(given: Mapping[str, int], reference: Mapping[str, int], *, spans: bool = False) -> str | None:
    """Why the contigs of a file cannot be those of the reference; None when they can.

    The file may leave out contigs, and must spell the others as the reference does. spans: `given` holds the last
    base seen on each contig instead of its length.
    """
    unknown = [name for name in given if name not in reference]
    keys = {_key(name): name for name in reference}
    styled = [name for name in unknown if _key(name) in keys]
    if styled:
        return f"contigs are spelt otherwise than in the reference: {styled[0]} here, {keys[_key(styled[0])]} there"
    if unknown and (not spans or len(unknown) == len(given)):
        return f"{len(unknown)} of its {len(given)} contigs are not in the reference ({_some(unknown)})"
    for name, length in given.items():
        there = reference.get(name, length)
        if (length > there) if spans else (length != there):
            has = f"annotation up to base {length}" if spans else f"{length} bases"
            return f"another assembly: {name} has {has} here and {there} bases in the reference"
    return None


def _layout_fault(layout: Layout | None, bands: Mapping[str, int], contigs: Mapping[str, int]) -> str | None:
    """Why a genome is not the one its layout describes; None when it is."""
    if layout is None:
        return None
    lengths = {_key(name): length for name, length in contigs.items()}
    wanted = [*layout.autosomes, *(name for name in (layout.x, layout.y) if name is not None)]
    if missing := [name for name in wanted if _key(name) not in lengths]:
        return (
            f"{len(missing)} of {len(wanted)} contigs of the layout {layout.name} are not in it: {_some(missing, 24)}"
        )
    for name in wanted:
        length, end = lengths[_key(name)], bands.get(_key(name))
        if end is not None and end != length:
            return f"{name} has {length} bases, and {end} in the cytobands of the layout {layout.name}"
    for region in (*layout.x_par, *layout.y_par):
        if region.end > lengths.get(_key(region.chrom), region.end):
            return f"a pseudo-autosomal region of the layout {layout.name} ends beyond {region.chrom}"
    return None
