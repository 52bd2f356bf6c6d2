"""What the check finds in annotation, gene counts, marker and gene set tables, and whether they fit each other."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from karyolot.contracts.panel import MIN_LOTS, gene_digest
from karyolot.contracts.problems import Fault, KaryolotError, nearest, quoted
from karyolot.inputs import probe
from karyolot.inputs.files import Files, Use, config_files
from karyolot.inputs.formats import gtf, text
from karyolot.inputs.genome import contig_fault, some
from karyolot.inputs.probe import GeneCounts
from karyolot.io.files import sha256
from karyolot.io.panel import read_panel

MARKER_COLUMNS = ("gene_name", "group", "expected", "source", "reason")
EXPECTED = ("down", "up", "detected", "absent", "report")


def annotation(files: Files, contigs: dict[str, int] | None) -> gtf.Facts | None:
    """Gene names and contigs of the GTF; transcripts are needed only where RNA is."""
    genes = files.examine("reference.gtf", lambda file: files.look(gtf.look, file, transcripts=files.has_rna))
    if genes and contigs and (message := contig_fault(genes.ends, contigs, spans=True)):
        fault = Fault("E14", message, "give the GTF and the FASTA of one assembly, from one source")
        files.in_config("reference.gtf", fault, files.there["reference.gtf"][0])
    return genes


def gene_symbols(files: Files, uses: Sequence[Use], genes: gtf.Facts | None) -> dict[str, frozenset[str]]:
    """Gene names the RNA of this study can have, by the file they come from."""
    symbols: dict[str, frozenset[str]] = {}
    matrices: dict[Path, list[Use]] = defaultdict(list)
    for use in uses:
        if use.is_matrix:
            matrices[use.file].append(use)
    if genes is not None and any(use.entry.row.assay == "rnaseq" and not use.is_matrix for use in uses):
        symbols[f"the annotation ({files.config.reference.gtf})"] = frozenset(genes.names.values())
        files.gene_sources[f"the annotation ({files.config.reference.gtf})"] = None
    first: tuple[str, frozenset[str]] | None = None
    for file, users in matrices.items():
        wanted = frozenset(use.entry.row.sample_id for use in users if use.entry.row.sample_id)
        try:
            matrix = files.look(probe.gene_counts, file, wanted)
        except Fault as fault:
            files.in_row(users[0], fault)
            continue
        faults = dict(matrix.faults)
        for use in users:
            sample = use.entry.row.sample_id
            if sample and sample not in matrix.samples:
                message = f"its header does not name {sample}"
                meant = nearest(sample, matrix.samples)
                files.in_row(use, Fault("E28", message, "name the sample in both places alike", meant=meant))
            elif sample in faults:
                files.in_row(use, faults[sample])
        first = first or (users[0].path, frozenset(matrix.genes))
        if different := first[1] ^ frozenset(matrix.genes):
            message = f"it has other genes than {first[0]} ({len(different)} differ, {some(sorted(different))})"
            files.in_row(users[0], Fault("E14", message, "count all samples with the same annotation"))
        named = matrix.names
        if not named and genes is not None:
            versionless = {identifier.partition(".")[0]: name for identifier, name in genes.names.items()}
            named = tuple(versionless.get(gene.partition(".")[0], gene) for gene in matrix.genes)
        symbols[f"the matrix ({users[0].path})"] = frozenset(named or matrix.genes)
        files.gene_sources[f"the matrix ({users[0].path})"] = matrix
    return symbols


def markers(files: Files, symbols: Mapping[str, frozenset[str]]) -> None:
    """Check the marker table, and that its genes are where expression comes from."""
    files.examine("expression.markers", lambda file: _markers(files, symbols, file))


def _markers(files: Files, symbols: Mapping[str, frozenset[str]], file: Path) -> None:
    path = files.config.expression.markers
    rows = files.look(text.table, file, MARKER_COLUMNS, only=True)
    seen: set[tuple[str, str]] = set()
    for line, row in rows:
        if reason := probe.damaged_gene([row["gene_name"]]):
            wrong = Fault("E16", reason, "write the symbol again, in a text editor", line)
            files.in_config("expression.markers", wrong, path)
        if row["expected"] not in EXPECTED:
            message, meant = f"expected is {quoted(row['expected'])}", nearest(row["expected"], EXPECTED)
            wrong = Fault("E17", message, f"write {', '.join(EXPECTED)}", line, meant)
            files.in_config("expression.markers", wrong, path)
        if (row["gene_name"], row["group"]) in seen:
            message = f"{row['gene_name']} stands twice in the group {quoted(row['group'])}"
            files.in_config("expression.markers", Fault("E01", message, "keep one row", line), path)
        seen.add((row["gene_name"], row["group"]))
    wanted = list(dict.fromkeys(row["gene_name"] for _, row in rows if not probe.damaged_gene([row["gene_name"]])))
    for source, names in symbols.items():
        missing = [name for name in wanted if name not in names]
        if missing and len(missing) == len(wanted):
            remedy = "give an annotation or matrix with gene names (symbols) of the same species"
            files.in_config("expression.markers", Fault("E19", f"no marker gene is in {source}", remedy), path)
        elif missing:
            message = f"{len(missing)} of {len(wanted)} marker genes are not in {source}: {', '.join(missing)}"
            wrong = Fault("W19", message, "they will be not assessed; compare their spelling")
            files.in_config("expression.markers", wrong, path)


def panel(files: Files, genes: gtf.Facts | None) -> None:
    """The reference panel is whole, and of the annotation of this study: the same genes under the same names."""
    path = files.config.expression.panel
    if path is None or "expression.panel" not in files.there:
        return
    _, file = files.there["expression.panel"]
    try:
        panel = read_panel(file)
    except KaryolotError as error:
        message = str(error).removeprefix(f"{file}: ")
        files.in_config("expression.panel", Fault("E28", message, "name a file made by `karyolot panel freeze`"), path)
        return
    for source, matrix in files.gene_sources.items():
        named = _as_run(matrix, genes.names if genes else {})
        ids = {gene for gene, _ in named}
        missing = [gene for gene in panel.gene_ids if gene not in ids]
        # '': not known before the run, which genes salmon leaves out.
        wanted = panel.gtf_sha256 if matrix is None else panel.annotation_sha256
        if missing or (wanted and gene_digest(named) != wanted):
            message = f"the genes of {source} are others, or have other names ({len(ids)} there)"
            if missing:
                message = f"{len(missing)} of its {len(panel.gene_ids)} genes are not in {source} ({some(missing)})"
            remedy = f"use the annotation panel {panel.version} was frozen with, or freeze a new panel"
            files.in_config("expression.panel", Fault("E14", f"another annotation: {message}", remedy), path)
    if len(panel.lots) < MIN_LOTS:
        message = f"lots in panel {panel.version}: {len(panel.lots)}, and limits need {MIN_LOTS}"
        wrong = Fault(
            "W05", message, "lots will be INDETERMINATE; freeze more accepted lots, or set no expression.panel"
        )
        files.in_config("expression.panel", wrong, path)


def gene_sets(files: Files, symbols: Mapping[str, frozenset[str]]) -> None:
    pathways = files.config.pathways
    sets: dict[str, frozenset[str]] = {}
    whole = True
    pins = {f"pathways.own_gene_sets.{number}.path": own.sha256 for number, own in enumerate(pathways.own_gene_sets)}
    gmts = {key: path for key, path in config_files(files.config).items() if "gene_sets." in key}
    for key, path in gmts.items():
        if key not in files.there:
            whole = False
            continue
        _, file = files.there[key]
        try:
            if key in pins and (digest := files.look(sha256, file)) != pins[key]:
                remedy = "fetch the release that was pinned, or state this sha256 if the change is meant"
                raise Fault("E05", f"its sha256 is {digest}, stated is {pins[key]}", remedy)
            found = files.look(probe.read_gene_sets, file)
        except Fault as fault:
            files.in_config(key, fault, path)
            whole = False
            continue
        if repeated := sorted(sets.keys() & found.keys()):
            wrong = Fault("E01", f"the gene set {quoted(repeated[0])} is in another file too", "delete one of them")
            files.in_config(key, wrong, path)
        sets |= found
    files.examine("pathways.axes", lambda file: _axes(files, symbols, sets, whole, file))


def _axes(
    files: Files, symbols: Mapping[str, frozenset[str]], sets: Mapping[str, frozenset[str]], whole: bool, file: Path
) -> None:
    """Check the table of axes. whole: all GMT files could be read, so that a set that is in none is an error."""
    pathways = files.config.pathways
    scored: list[str] = []
    for line, row in files.look(text.table, file, ("set_name", "axis", "informational"), only=True):
        if row["informational"] not in {"yes", "no"}:
            wrong = Fault("E17", f"informational is {quoted(row['informational'])}", "write yes or no", line)
            files.in_config("pathways.axes", wrong, pathways.axes)
        if row["set_name"] in scored:
            twice = Fault("E01", f"the set {quoted(row['set_name'])} stands twice", "keep one row", line)
            files.in_config("pathways.axes", twice, pathways.axes)
        elif row["set_name"] in sets:
            scored.append(row["set_name"])
        elif whole:
            message = f"no GMT file of the section pathways has the set {quoted(row['set_name'])}"
            wrong = Fault("E24", message, "correct the name", line, nearest(row["set_name"], list(sets)))
            files.in_config("pathways.axes", wrong, pathways.axes)
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
                message = f"gene sets with {word} than {size} genes in {source}: {some(found_so, 20)}"
                wrong = Fault("E19", message, f"take them out of pathways.axes, or {remedy}")
                files.in_config("pathways.axes", wrong, pathways.axes)


def _as_run(matrix: GeneCounts | None, annotated: Mapping[str, str]) -> list[tuple[str, str]]:
    """(id, name) of all genes as the run will have them. annotated: names by id; they come before those of the matrix."""
    if matrix is None:
        return list(annotated.items())
    stated = zip(matrix.genes, matrix.names or matrix.genes, strict=True)
    return [(gene, annotated.get(gene, name)) for gene, name in stated]
