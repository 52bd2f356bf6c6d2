"""Reading and writing expression: salmon's results, `expression.h5ad`, and the results of a lot."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pandera.pandas as pa

from karyolot.contracts.copy_number import Bins
from karyolot.contracts.criteria import Metrics
from karyolot.contracts.expression import (
    ArmShifts,
    Components,
    DifferentialExpression,
    Enrichment,
    ExpressionResults,
    ExpressionSample,
    Markers,
    PanelComparison,
    PanelResults,
    Quantification,
    Quantified,
    RnaQuality,
    SampleLevels,
    check_expression,
)
from karyolot.contracts.panel import PanelFacts
from karyolot.contracts.problems import KaryolotError, quoted
from karyolot.contracts.results import ExpressionFiles, PanelFiles
from karyolot.io.files import (
    UNSEALED,
    PathLike,
    read_json,
    read_model,
    replacing,
    seal,
    sealed_bytes,
    write_metrics,
    write_model,
)
from karyolot.io.tables import read_table, write_table, write_tables

if TYPE_CHECKING:
    from anndata import AnnData

# anndata and pytximport are imported where they are used: they take seconds, and most jobs use neither.


def read_given(paths: Sequence[PathLike], contract: type[pa.DataFrameModel]) -> pd.DataFrame:
    """The table of an input that may not be given: empty, with its columns, when there is no path."""
    if not paths:
        return pd.DataFrame(columns=list(contract.to_schema().columns))
    return read_table(paths[0], contract)


def read_places(genes: pd.DataFrame, bins: Sequence[PathLike]) -> tuple[pd.DataFrame, pd.DataFrame] | None:
    """Genes with their positions and Bins, by which genes lie on chromosome arms; None where bins has no path."""
    return (genes, read_table(bins[0], Bins)) if bins else None


def read_salmon(samples: Sequence[ExpressionSample], transcripts: pd.DataFrame) -> Quantified:
    """Expression of samples that this pipeline quantified by salmon, added up by gene (tximport).

    Parameters
    ----------
    transcripts
        TranscriptGenes.

    Raises
    ------
    KaryolotError
        When the files do not fit each other or the annotation, or a sample has no read.
    """
    from pytximport import tximport

    paths = [sample.path for sample in samples]
    first = pd.read_csv(paths[0], sep="\t", usecols=["Name"], dtype=str)["Name"]
    for path in paths[1:]:
        # tximport joins the files by position.
        if not first.equals(pd.read_csv(path, sep="\t", usecols=["Name"], dtype=str)["Name"]):
            raise KaryolotError(f"{path} and {paths[0]} hold different transcripts; delete both, and run again")
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
    tables = [
        pd.DataFrame(values.T, imported.var_names.rename("gene_id"), names).sort_index()
        for values in (imported.X, imported.obsm["abundance"], imported.obsm["length"])
    ]
    empty = [name for name in names if not tables[1][name].sum() > 0]
    if empty:
        raise KaryolotError(f"sample {empty[0]}: no read fits an annotated transcript; check its species and files")
    unstated = pd.DataFrame({"gene_name": None, "length": np.nan}, index=tables[0].index)
    return Quantified(tables[0], tables[1], tables[2], unstated)


def match_transcripts(names: pd.Series, transcripts: pd.DataFrame) -> pd.DataFrame:
    """The rows of TranscriptGenes for quantified transcripts, under the names they were quantified by.

    Ensembl writes ENST00000456328.2 in its FASTA and ENST00000456328 in its GTF: where no name matches exactly,
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


def read_expression(path: PathLike) -> "AnnData":
    """`expression.h5ad`. Raises KaryolotError when it was edited since it was written, or is no expression."""
    import anndata

    sealed_bytes(path)
    try:
        expression = anndata.read_h5ad(path)
    except (OSError, ValueError, KeyError) as error:
        raise KaryolotError(f"{path}: not a readable h5ad file ({error})") from error
    for frame in (expression.obs, expression.var):
        for column in frame.select_dtypes("category"):
            frame[column] = frame[column].astype(str)
    return check_expression(expression)


def write_expression(expression: "AnnData", path: PathLike) -> None:
    """Check, write and seal `expression.h5ad`; the same content gives the same bytes."""
    with replacing(path) as part:
        check_expression(expression).copy().write_h5ad(part, compression="gzip")
        with part.open("ab") as handle:
            handle.write(UNSEALED.encode())  # HDF5 states in its header where its content ends
        seal(part)


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
            antisense_fraction=antisense / max(1, sense + antisense),
            fragment_length=said["frag_length_mean"],
            salmon_version=said["salmon_version"],
            index_sha256=said["index_seq_hash"],
        )
    except (KeyError, TypeError) as error:
        message = f"{path}: not what salmon 1.10 writes ({error!r} is missing); delete it and run again"
        raise KaryolotError(message) from error


def read_expression_results(files: ExpressionFiles | None, replicates: Mapping[str, int]) -> ExpressionResults | None:
    """All expression results of a lot; None without RNA.

    replicates: numbers of samples and cultures, by field.
    """
    if files is None:
        return None
    tables = {name: read_table(getattr(files, name), contract) for name, contract in EXPRESSION.items()}
    return ExpressionResults(
        **tables,
        lot_samples=replicates["lot_samples"],
        donor_samples=replicates["donor_samples"],
        lot_cultures=replicates["lot_cultures"],
        donor_cultures=replicates["donor_cultures"],
        arms=None if files.arms is None else read_table(files.arms, ArmShifts),
        panel=None if files.panel is None else read_panel_results(files.panel),
    )


EXPRESSION: dict[str, type[pa.DataFrameModel]] = {
    "differential": DifferentialExpression, "markers": Markers, "enrichment": Enrichment, "levels": SampleLevels,
    "quality": RnaQuality, "components": Components,
}  # fmt: skip
"""Table of ExpressionResults that every lot with RNA has -> its contract."""


def write_expression_results(found: ExpressionResults, files: Mapping[str, PathLike]) -> None:
    """The tables of EXPRESSION, and ArmShifts where they are known. files: as `write_tables` takes them."""
    write_tables(found, EXPRESSION | ({"arms": ArmShifts} if found.arms is not None else {}), files)


def write_panel_results(compared: tuple[PanelResults, Metrics] | None, files: Mapping[str, PathLike]) -> None:
    """All results of a lot and the panel, where there is one. files: by name, among others of the same rule."""
    if compared is None:
        return
    found, metrics = compared
    write_metrics(metrics, files["panel_metrics"])
    write_model(found.facts, files["panel_facts"])
    write_table(found.table, files["panel_table"], PanelComparison)
    write_table(found.genes, files["panel_genes"], DifferentialExpression)
    write_table(found.components, files["panel_components"], Components)


def read_panel_results(files: PanelFiles) -> PanelResults:
    """All results of a lot and the panel."""
    return PanelResults(
        read_model(files.comparison.facts, PanelFacts),
        read_table(files.comparison.table, PanelComparison),
        read_table(files.genes, DifferentialExpression),
        read_table(files.components, Components),
    )
