"""What the check finds in annotation, gene counts, marker and gene set tables, and whether they fit each other."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from karyolot.contracts.genes import MOST_WITHOUT_LENGTH, matched, renamed
from karyolot.contracts.panel import MIN_LOTS, gene_digest
from karyolot.contracts.problems import Fault, KaryolotError, nearest, quoted, some
from karyolot.inputs.files import Files, Use
from karyolot.inputs.formats import gene_counts, gtf
from karyolot.inputs.formats import gene_sets as sets_format
from karyolot.inputs.formats import markers as markers_format
from karyolot.inputs.genome import contig_fault
from karyolot.io.files import sha256
from karyolot.io.panel import read_panel
from karyolot.io.shipped import aliases

TPM_CRITERIA = "criteria on TPM (R01, R04, R05, R07) and sex by RNA (Q04c, Q04d)"


@dataclass(frozen=True, slots=True)
class Source:
    """Where the genes of this study's RNA come from: the annotation, or a matrix.

    named: (id, name) of all its genes as the run will have them, under today's symbols. digest: `gene_digest` of what the run
    compares with a panel. former: symbols that were renamed since. without_length: names of genes that will have no TPM; unread:
    names of genes with at most one read in every sample.
    """

    label: str
    named: list[tuple[str, str]]
    digest: str
    former: list[str]
    is_matrix: bool
    without_length: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for _, name in self.named)


def annotation(files: Files, contigs: dict[str, int] | None) -> gtf.Facts | None:
    """Gene names and contigs of the GTF; transcripts are needed only where RNA is."""
    genes = files.examine("reference.gtf", lambda file: files.look(gtf.look, file, transcripts=files.has_rna))
    if genes and contigs and (message := contig_fault(genes.ends, contigs, spans="annotation")):
        fault = Fault("E14", message, "give the GTF and the FASTA of one assembly, from one source")
        files.in_config("reference.gtf", fault)
    return genes


# Counts per gene


def gene_sources(files: Files, uses: Sequence[Use], genes: gtf.Facts | None) -> list[Source]:
    """Check the matrices, and return where the genes of this study's RNA come from."""
    sources: list[Source] = []
    matrices: dict[Path, list[Use]] = defaultdict(list)
    for use in uses:
        if use.is_matrix and use.entry.row.sample_id:
            matrices[use.file].append(use)
    if genes is not None and any(use.entry.row.assay == "rnaseq" and not use.is_matrix for use in uses):
        names = list(genes.names.values())
        named = list(zip(genes.names, renamed(names, aliases()), strict=True))
        label = f"the annotation ({files.config.reference.gtf})"
        sources.append(Source(label, named, gene_digest(genes.names.items()), _former(names, named), False))
    first: tuple[Use, frozenset[str]] | None = None
    seen: dict[bytes, Use] = {}
    for file, users in matrices.items():
        wanted = {str(use.entry.row.sample_id): use.entry.row.strandedness or "" for use in users}
        try:
            matrix = files.look(gene_counts.look, file, tuple(wanted.items()))
        except Fault as fault:
            files.in_row(users[0], fault)
            continue
        _matrix_faults(files, users, matrix, seen)
        first = first or (users[0], frozenset(matrix.genes))
        known = matched(matrix.genes, genes.names if genes else ())
        without: frozenset[str] = frozenset()
        names = [
            genes.names[known[gene]] if genes and gene in known else name or gene
            for gene, name in zip(matrix.genes, matrix.names, strict=True)
        ]
        named = list(zip(matrix.genes, renamed(names, aliases()), strict=True))
        if different := first[1] ^ frozenset(matrix.genes):
            message = f"it has other genes than {first[0].path} ({len(different)} differ, {some(sorted(different))})"
            files.in_row(users[0], Fault("E14", message, "count all samples with the same annotation"))
        elif (
            genes is not None or files.config.reference.gtf is None
        ):  # a GTF that could not be read is a problem of its own
            without = _lengths(files, users[0], matrix, known, named, annotated=genes is not None)
        label = f"the matrix ({users[0].path})"
        # Of values that are no counts nothing is known.
        unread = frozenset() if matrix.faults or matrix.rounded_tpm() else _unread(matrix, [name for _, name in named])
        sources.append(Source(label, named, gene_digest(named), _former(names, named), True, without, unread))
    return sources


def _unread(matrix: gene_counts.GeneCounts, names: Sequence[str]) -> frozenset[str]:
    """Genes of which no sample has more than one read; of several genes of one name, all of them."""
    seen: list[bool] = np.any(matrix.counts > 1, axis=1).tolist()
    read = {name for name, found in zip(names, seen, strict=True) if found}
    return frozenset(name for name in names if name not in read)


def _former(names: Sequence[str], named: Sequence[tuple[str, str]]) -> list[str]:
    return [former for former, (_, name) in zip(names, named, strict=True) if former != name]


def _matrix_faults(files: Files, users: Sequence[Use], matrix: gene_counts.GeneCounts, seen: dict[bytes, Use]) -> None:
    """What is wrong with the samples of a matrix. seen: samples by the digest of their counts, of all matrices so far."""
    if matrix.note:
        files.in_row(users[0], matrix.note)
    if fault := matrix.rounded_tpm():
        files.in_row(users[0], fault)
    reported: set[str] = set()
    digests = matrix.digests()
    for use in users:
        sample = str(use.entry.row.sample_id)
        if fault := matrix.faults.get(sample):
            # What is wrong with the whole file is one problem, not one of each sample.
            if fault.line or fault.meant or fault.message not in reported:
                files.in_row(use, fault)
            reported.add(fault.message)
            continue
        earlier = seen.setdefault(digests[sample], use)
        if earlier.entry.row.sample_id != sample:
            message = f"its counts are those of {earlier.entry.row.sample_id} (line {earlier.entry.line}), gene by gene"
            files.in_row(use, Fault("E03", message, "name the sample's own counts, or delete the row"))


def _lengths(
    files: Files,
    use: Use,
    matrix: gene_counts.GeneCounts,
    known: Mapping[str, str],
    named: Sequence[tuple[str, str]],
    *,
    annotated: bool,
) -> frozenset[str]:
    """Names of the genes without a length, which have no TPM. known: the annotated gene of each gene."""
    if annotated and not known:
        message = f"no gene of it ({some(matrix.genes)}) is in reference.gtf"
        files.in_row(use, Fault("E14", message, "count with the GTF named in reference.gtf, or name that GTF"))
        return frozenset()
    lacking = np.array([gene not in known for gene in matrix.genes]) & np.isnan(matrix.lengths)
    if lacking.all():
        message = f"gene lengths are not known, so there are no TPM: {TPM_CRITERIA} will not be assessed"
        files.in_row(use, Fault("W05", message, "give reference.gtf, or a column length in the matrix"))
    elif lacking.any():
        part = (matrix.counts[lacking].sum(axis=0) / np.maximum(matrix.counts.sum(axis=0), 1)).max(initial=0.0)
        has = "are not in reference.gtf and have no length" if annotated else "have no length"
        message = f"{lacking.sum()} of {len(lacking)} genes {has} ({some(np.array(matrix.genes)[lacking])}), with up to"
        message += f" {part:.2%} of the counts of a sample"
        if part > MOST_WITHOUT_LENGTH:
            remedy = "TPM of the others would be too high: give the GTF that was counted with, or lengths of all genes"
            files.in_row(use, Fault("E14", message, remedy))
        else:
            remedy = "they have no TPM; give the GTF that was counted with, or lengths of all genes, to have them all"
            files.in_row(use, Fault("W28", message, remedy))
    return frozenset(name for (_, name), missing in zip(named, lacking, strict=True) if missing)


# Markers and panel


def markers(files: Files, sources: Sequence[Source], file: Path) -> Iterator[Fault]:
    """What is wrong with the marker table, by itself and against where expression comes from."""
    facts = files.look(markers_format.look, file)
    yield from facts.faults
    yield from _renamed("it", facts.former)
    wanted = list(dict.fromkeys(row["gene_name"] for _, row in facts.rows))
    for source in sources:
        yield from _renamed(source.label, source.former)
        missing = [name for name in wanted if name not in source.names]
        if missing and len(missing) == len(wanted):
            remedy = "give an annotation or matrix with gene names (symbols) of the same species"
            yield Fault("E19", f"no marker gene is in {source.label}", remedy)
        elif missing:
            message = f"{len(missing)} of {len(wanted)} marker genes are not in {source.label}: {', '.join(missing)}"
            yield Fault("W19", message, "they will not be assessed; check their spelling")
        short = [name for name in wanted if name in source.without_length]
        if short and len(source.without_length) < len(source.named):
            message = f"{len(short)} of {len(wanted)} marker genes have no length in {source.label}: {some(short, 20)}"
            yield Fault("W19", message, f"they have no TPM: {TPM_CRITERIA} that need them will not be assessed")
    yield from _lost(facts, [source for source in sources if source.is_matrix])


def _lost(facts: markers_format.Facts, matrices: Sequence[Source]) -> Iterator[Fault]:
    """The note that markers which are to rise or fall have no reads in any matrix: what is not counted cannot fall."""
    change = dict.fromkeys(row["gene_name"] for _, row in facts.rows if row["expected"] in ("up", "down"))
    unread = frozenset.intersection(*(source.unread for source in matrices)) if matrices else frozenset()
    if lost := [name for name in change if name in unread]:
        labels = " and ".join(source.label for source in matrices)
        message = f"{len(lost)} of {len(change)} marker genes that are to rise or fall have at most one read in every sample of"
        remedy = "they are not measurable; counting may have lost them (exons shared with other genes): count with salmon, or"
        yield Fault("W19", f"{message} {labels}: {some(lost, 20)}", f"{remedy} featureCounts -O --fraction")


def _renamed(label: str, former: Sequence[str]) -> Iterator[Fault]:
    """The note that symbols were renamed since, if any were."""
    if former:
        listed = ", ".join(f"{name} (now {aliases()[name]})" for name in dict.fromkeys(former))
        yield Fault("W28", f"former symbols in {label} are read as today's: {listed}", "no action if this is intended")


def panel(sources: Sequence[Source], file: Path) -> Iterator[Fault]:
    """The reference panel is complete, and of the annotation of this study: the same genes under the same names."""
    try:
        panel = read_panel(file)
    except KaryolotError as error:
        message = str(error).removeprefix(f"{file}: ")
        raise Fault("E28", message, "name a file made by `karyolot panel freeze`") from error
    for source in sources:
        ids = {gene for gene, _ in source.named}
        missing = [gene for gene in panel.gene_ids if gene not in ids]
        # '': not known before the run, which genes salmon leaves out.
        wanted = panel.annotation_sha256 if source.is_matrix else panel.gtf_sha256
        message = ""
        if missing:
            message = f"{len(missing)} of its {len(panel.gene_ids)} genes are not in {source.label} ({some(missing)})"
        elif wanted and source.digest != wanted:
            message = f"the genes of {source.label} are others, or have other names ({len(ids)} there)"
        if message:
            remedy = f"use the annotation panel {panel.version} was frozen with, or freeze a new panel"
            yield Fault("E14", f"another annotation: {message}", remedy)
    if len(panel.lots) < MIN_LOTS:
        message = f"lots in panel {panel.version}: {len(panel.lots)}, and limits need {MIN_LOTS}"
        remedy = "lots will be INDETERMINATE; freeze more accepted lots, or set no expression.panel"
        yield Fault("W05", message, remedy)


# Gene sets


def gene_sets(files: Files, sources: Sequence[Source]) -> None:
    """Check the GMT files and the table of axes."""
    pathways = files.config.pathways
    pins = {f"pathways.own_gene_sets.{number}.path": own.sha256 for number, own in enumerate(pathways.own_gene_sets)}
    sets: dict[str, frozenset[str]] = {}
    keys = [key for key in files.named if "gene_sets." in key]
    readable = [key for key in keys if files.examine(key, partial(_collect, files, key, pins.get(key), sets))]
    files.report("pathways.axes", partial(_axes, files, sources, sets, len(readable) == len(keys)))


def _collect(files: Files, key: str, pin: str | None, sets: dict[str, frozenset[str]], file: Path) -> bool:
    """Add the sets of a GMT file to those of the files before it. pin: its sha256 as stated."""
    if pin is not None and (digest := files.look(sha256, file)) != pin:
        remedy = "fetch the release that was pinned, or state this sha256 if the change is meant"
        raise Fault("E05", f"its sha256 is {digest}, but {pin} is stated", remedy)
    found = files.look(sets_format.look, file)
    if repeated := sorted(sets.keys() & found.sets.keys()):
        wrong = Fault("E01", f"the gene set {quoted(repeated[0])} is in another file too", "delete one of them")
        files.in_config(key, wrong)
    for note in _renamed("it", found.former):
        files.in_config(key, note)
    sets |= found.sets
    return True


def _axes(
    files: Files, sources: Sequence[Source], sets: Mapping[str, frozenset[str]], complete: bool, file: Path
) -> Iterator[Fault]:
    """What is wrong with the table of axes. complete: all GMT files could be read, so that a set in none is an error."""
    pathways = files.config.pathways
    axes = files.look(sets_format.look_axes, file)
    yield from axes.faults
    names = {row["set_name"]: line for line, row in reversed(axes.rows)}
    for name, line in names.items():
        if complete and name not in sets:
            message = f"no GMT file of the section pathways has the set {quoted(name)}"
            yield Fault("E24", message, "correct the name", line, nearest(name, list(sets)))
    scored = [name for name in reversed(names) if name in sets]
    for source in sources:
        used = {name: len(sets[name] & source.names) for name in scored}
        if scored and not any(used.values()):
            message = f"no gene of any scored gene set is in {source.label}"
            raise Fault("E19", message, "give gene sets with gene names (symbols) of the same species")
        small = [name for name in scored if used[name] < pathways.min_size]
        large = [name for name in scored if used[name] > pathways.max_size]
        for word, size, found_so, remedy in (
            ("fewer", pathways.min_size, small, "lower pathways.min_size, or check the spelling of genes"),
            ("more", pathways.max_size, large, "raise pathways.max_size"),
        ):
            if found_so:
                message = f"gene sets with {word} than {size} genes in {source.label}: {some(found_so, 20)}"
                yield Fault("E19", message, f"take them out of pathways.axes, or {remedy}")
