"""Reading and writing expression: gene annotation, salmon's results, count matrices, gene sets, `expression.h5ad`."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pandera.pandas as pa

from karyolot.contracts.expression import (
    ArmShifts,
    Components,
    DifferentialExpression,
    Enrichment,
    ExpressionResults,
    ExpressionSample,
    GeneSets,
    Markers,
    PanelComparison,
    PanelResults,
    Quantification,
    Quantified,
    RnaQuality,
    SampleLevels,
    SetAxes,
    check_expression,
)
from karyolot.contracts.panel import PanelFacts
from karyolot.contracts.problems import KaryolotError, quoted
from karyolot.inputs.formats.text import MOST
from karyolot.inputs.probe import GENE_COLUMNS, repeated
from karyolot.io.files import PathLike, open_text, read_json, read_model, replacing
from karyolot.io.tables import read_table

if TYPE_CHECKING:
    from anndata import AnnData

# anndata and pytximport are imported where they are used: they take seconds, and most jobs use neither.

MANGLED = re.compile(r"\d{1,2}-(Mar|Sep|Dec|Apr|Oct|Nov)(-\d+)?|\d\.\d+E\+\d+")
"""What a spreadsheet makes of the gene names MARCH1, SEPT2, DEC1 and of ids like 1810E10."""
FEW = 5
"""Names shown in a message."""


def read_given(paths: Sequence[PathLike], contract: type[pa.DataFrameModel]) -> pd.DataFrame:
    """The table of an input that may not be given: empty, with its columns, when there is no path."""
    if not paths:
        return pd.DataFrame(columns=list(contract.to_schema().columns))
    return read_table(paths[0], contract)


def read_quantified(samples: Sequence[ExpressionSample], transcripts: pd.DataFrame) -> Quantified:
    """Expression of all samples, from salmon by tximport or from count matrices.

    transcripts: TranscriptGenes; not used for matrices. Raises KaryolotError when the two are mixed, or the files do
    not fit each other or the annotation.
    """
    kinds = {sample.kind for sample in samples}
    if len(kinds) > 1:
        of = {kind: [sample.sample_id for sample in samples if sample.kind == kind] for kind in sorted(kinds)}
        listed = " and ".join(f"{kind} ({', '.join(names)})" for kind, names in of.items())
        raise KaryolotError(f"samples to be compared come from {listed}; quantify all of them in the same way")
    return _read_salmon(samples, transcripts) if kinds == {"salmon"} else _read_matrices(samples)


def _read_salmon(samples: Sequence[ExpressionSample], transcripts: pd.DataFrame) -> Quantified:
    from pytximport import tximport

    paths = [sample.path for sample in samples]
    first = pd.read_csv(paths[0], sep="\t", usecols=["Name"], dtype=str)["Name"]
    for path in paths[1:]:
        # tximport joins the files by position.
        if not first.equals(pd.read_csv(path, sep="\t", usecols=["Name"], dtype=str)["Name"]):
            raise KaryolotError(f"{path} and {paths[0]} hold other transcripts; delete both, they are made again")
    imported = tximport(
        paths,
        data_type="salmon",
        transcript_gene_map=match_transcripts(first, transcripts),
        # Counts that carry no difference in transcript length: PyDESeq2 knows no offsets (Soneson 2015).
        counts_from_abundance="length_scaled_tpm",
        ignore_transcript_version=False,
        ignore_after_bar=False,
        output_type="anndata",
    )
    names = [sample.sample_id for sample in samples]
    tables = [pd.DataFrame(values.T, imported.var_names.rename("gene_id"), names).sort_index() for values in (
        imported.X, imported.obsm["abundance"], imported.obsm["length"])]  # fmt: skip
    empty = [name for name in names if not tables[1][name].sum() > 0]
    if empty:
        raise KaryolotError(f"sample {empty[0]}: no read fits an annotated transcript; check its species and files")
    return Quantified(tables[0], tables[1], tables[2], _unstated(tables[0].index))


def match_transcripts(names: pd.Series, transcripts: pd.DataFrame) -> pd.DataFrame:
    """The rows of TranscriptGenes for quantified transcripts, under the names they were quantified by.

    Ensembl writes ENST00000456328.2 in its FASTA and ENST00000456328 in its GTF: where no name is found as it stands,
    all are compared without what follows the last dot. Raises KaryolotError when none is found even so.
    """
    genes = transcripts.set_index("transcript_id")["gene_id"]
    found = names.map(genes)
    if found.isna().all():
        bare = genes.groupby(genes.index.str.replace(r"\.\d+$", "", regex=True)).first()
        found = names.str.replace(r"\.\d+$", "", regex=True).map(bare)
    if found.isna().all():
        raise KaryolotError(
            f"no transcript of the FASTA ({quoted(names.iloc[0])}, ...) is in the GTF ({quoted(genes.index[0])}, ...);"
            " give transcripts and GTF of the same release"
        )
    return pd.DataFrame({"transcript_id": names, "gene_id": found}).dropna().reset_index(drop=True)


def _read_matrices(samples: Sequence[ExpressionSample]) -> Quantified:
    parts: list[pd.DataFrame] = []
    genes = pd.DataFrame()
    for path in dict.fromkeys(sample.path for sample in samples):
        counts, stated = read_counts(path, [sample.sample_id for sample in samples if sample.path == path])
        if parts and not counts.index.equals(parts[0].index):
            other = sorted(set(counts.index) ^ set(parts[0].index))
            raise KaryolotError(
                f"{path}: holds other genes than {samples[0].path} ({len(other)} differ, {', '.join(other[:FEW])},"
                " ...); count all samples with the same annotation"
            )
        parts.append(counts)
        genes = stated if genes.empty else genes.combine_first(stated)
    table = pd.concat(parts, axis=1)[[sample.sample_id for sample in samples]]
    return Quantified(table, None, None, genes)


def read_counts(path: PathLike, names: Sequence[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(counts: genes x the named samples, sorted by gene; gene_name and length where the file has such columns).

    A table with a header, tabs or commas, gene ids in the first column; lines starting with # are passed over, and the
    header may lack the name of the first column (as R writes it). Raises KaryolotError when a sample is not in the
    header, a gene stands twice, or a count is not a whole number from 0 on.
    """
    with open_text(path) as handle:
        lines = [line.rstrip("\r\n") for line in handle if line.strip() and not line.startswith("#")]
    if len(lines) < 2:
        raise KaryolotError(f"{path}: holds no counts; a header and one line per gene are needed")
    mark = "\t" if "\t" in lines[1] else ","
    header, *rows = [[cell.strip().strip('"') for cell in line.split(mark)] for line in lines]
    if len(header) == len(rows[0]) - 1:
        header.insert(0, "gene_id")
    ragged = next((row for row in rows if len(row) != len(header)), None)
    if ragged is not None:
        message = f"the row of {quoted(ragged[0])} has {len(ragged)} cells, the header {len(header)}"
        raise KaryolotError(f"{path}: {message}; save the table again")
    if absent := [name for name in names if header[1:].count(name) != 1]:
        shown = ", ".join(map(quoted, header[1 : 1 + FEW]))
        raise KaryolotError(
            f"{path}: the header does not name sample {absent[0]} once (it has {shown}, ...); name the column by the"
            " sample_id"
        )
    if twice := repeated(header):
        raise KaryolotError(f"{path}: the columns {twice} say the same of a gene; keep one of them")
    # The ids by their place: another column may have their name.
    ids = pd.Index([row[0] for row in rows], name="gene_id", dtype=str)
    table = pd.DataFrame([row[1:] for row in rows], index=ids, columns=header[1:], dtype=str).sort_index()
    if again := table.index[table.index.duplicated()].unique().tolist():
        times = (table.index == again[0]).sum()
        raise KaryolotError(f"{path}: gene {quoted(again[0])} stands {times} times; keep one row")
    if mangled := [gene for gene in table.index if MANGLED.fullmatch(gene)]:
        message = f"{quoted(mangled[0])} was a gene name before a spreadsheet changed it"
        raise KaryolotError(f"{path}: {message}; export the table again, with Ensembl ids")
    counts = table[list(names)].apply(pd.to_numeric, errors="coerce")
    wrong = np.argwhere(~(counts.ge(0) & counts.eq(counts.round()) & counts.le(MOST)).to_numpy())
    if len(wrong):
        gene, name = counts.index[wrong[0][0]], counts.columns[wrong[0][1]]
        message = f"gene {quoted(gene)} has {quoted(str(table.loc[gene, name]))} in {name}, not a whole number from 0 to {MOST:g}"
        raise KaryolotError(f"{path}: {message}; give raw counts, not TPM or normalised values")
    if empty := [name for name in names if not counts[name].any()]:
        raise KaryolotError(f"{path}: every count of sample {empty[0]} is 0; name the matrix that holds its counts")
    genes = _unstated(counts.index)
    for column in table.columns.difference(list(names)):
        match GENE_COLUMNS.get(column.lower()):
            case "gene_name":
                genes["gene_name"] = table[column].where(table[column] != "")
            case "length":
                genes["length"] = pd.to_numeric(table[column], errors="coerce")
    return counts.astype(np.int64), genes


def _unstated(ids: pd.Index) -> pd.DataFrame:
    return pd.DataFrame({"gene_name": None, "length": np.nan}, index=ids)


def read_expression(path: PathLike) -> "AnnData":
    import anndata

    try:
        expression = anndata.read_h5ad(path)
    except (OSError, ValueError, KeyError) as error:
        raise KaryolotError(f"{path}: not a readable h5ad file ({error})") from error
    for frame in (expression.obs, expression.var):
        for column in frame.select_dtypes("category"):
            frame[column] = frame[column].astype(str)
    return check_expression(expression)


def write_expression(expression: "AnnData", path: PathLike) -> None:
    """Check and write `expression.h5ad`; the same content gives the same bytes."""
    with replacing(path) as part:
        check_expression(expression).copy().write_h5ad(part, compression="gzip")


def read_quantification(path: PathLike) -> Quantification:
    """salmon.json of rule `quantify_transcripts`: salmon's meta_info.json and lib_format_counts.json in one."""
    said = read_json(path)
    try:
        sense, antisense = (sum(said[f"{pair}S{strand}"] for pair in ("I", "O", "M", "")) for strand in "FR")
        return Quantification(
            fragments=said["num_processed"],
            mapped=said["num_mapped"],
            percent_mapped=said["percent_mapped"],
            decoy_fragments=said["num_decoy_fragments"],
            library_type=said["expected_format"],
            antisense_share=antisense / max(1, sense + antisense),
            fragment_length=said["frag_length_mean"],
            salmon_version=said["salmon_version"],
            index_sha256=said["index_seq_hash"],
        )
    except (KeyError, TypeError) as error:
        message = f"{path}: not what salmon 1.10 writes ({error!r} is missing); delete it and run again"
        raise KaryolotError(message) from error


def read_expression_results(files: dict[str, Any], replicates: Sequence[int]) -> ExpressionResults | None:
    """All expression results of a lot from the files named as `files.report_files` names them; None without RNA.

    replicates: RNA samples of the lot, of its donor.
    """
    if "markers" not in files:
        return None
    return ExpressionResults(
        read_table(files["differential"], DifferentialExpression),
        read_table(files["markers"], Markers),
        read_table(files["enrichment"], Enrichment),
        lot_replicates=replicates[0],
        donor_replicates=replicates[1],
        levels=read_table(files["levels"], SampleLevels),
        arms=read_table(files["arm_shifts"], ArmShifts) if "arm_shifts" in files else None,
        panel=read_panel_results(files),
        quality=read_table(files["rna_quality"], RnaQuality),
    )


def read_comparison(files: dict[str, Any]) -> tuple[PanelFacts, pd.DataFrame] | tuple[None, None]:
    """(facts, PanelComparison) of a lot from the files named as `files.panel_files` names them; (None, None) without."""
    if "panel" not in files:
        return None, None
    return read_model(files["panel_facts"], PanelFacts), read_table(files["panel"], PanelComparison)


def read_panel_results(files: dict[str, Any]) -> PanelResults | None:
    """All panel results of a lot, as `read_comparison`; None without a panel."""
    facts, table = read_comparison(files)
    if facts is None or table is None:
        return None
    genes = read_table(files["panel_genes"], DifferentialExpression)
    return PanelResults(facts, table, genes, read_table(files["panel_components"], Components))


def read_gene_sets(paths: Sequence[PathLike], axes: PathLike) -> tuple[GeneSets, pd.DataFrame]:
    """(the sets that `axes` names, from the GMT files; the axes).

    Raises KaryolotError when a set is in none of the files, or in two.
    """
    table = read_table(axes, SetAxes)
    sets: dict[str, frozenset[str]] = {}
    for path in paths:
        with open_text(path) as handle:
            for line in handle:
                name, *genes = line.rstrip("\r\n").split("\t")
                if name in sets and name in set(table["set_name"]):
                    raise KaryolotError(f"{path}: the gene set {quoted(name)} stands twice; delete one of them")
                sets[name] = frozenset(gene for gene in genes[1:] if gene)
    if absent := [name for name in table["set_name"] if name not in sets]:
        files = ", ".join(map(str, paths))
        message = f"the gene set {quoted(absent[0])} is in none of {files}; correct its name or add its GMT"
        raise KaryolotError(f"{axes}: {message}")
    return {name: sets[name] for name in table["set_name"]}, table
