"""The public interface of Python: finished lots as records, tables and AnnData, counts to calls, and the genome plot.

Import it as `karyolot`: `karyolot.read_record(...)`.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.record import Record
from karyolot.io.record import lots_with_records
from karyolot.io.record import read_record as _read_record

if TYPE_CHECKING:
    import pandas as pd
    from anndata import AnnData

PathLike = str | os.PathLike[str]


def lots(directory: PathLike) -> list[str]:
    """Name the finished lots of a study.

    Parameters
    ----------
    directory
        Working directory of the study: the folder that holds ``config`` and ``results``.

    Returns
    -------
    list of str
        Lots that have a record, sorted by name; empty for a folder without results.
    """
    return lots_with_records(Path(directory))


def read_record(directory: PathLike, lot: str) -> Record:
    """Read the sealed record of a lot, from which its report is rendered.

    Parameters
    ----------
    directory
        Working directory of the study.
    lot
        Name of a finished lot.

    Returns
    -------
    Record
        Verdict, criteria, metrics, copy number, expression, text and provenance; a pydantic model whose fields and units are
        documented in ``resources/report.schema.json``. None where a value is not known or was not measured.

    Raises
    ------
    KaryolotError
        When there is no such record, it has another schema, or it was edited after it was made.
    """
    return _read_record(Path(directory), lot)


def read_tables(directory: PathLike, lot: str) -> "dict[str, pd.DataFrame]":
    """Read the result tables of a lot.

    Parameters
    ----------
    directory
        Working directory of the study.
    lot
        Name of a finished lot.

    Returns
    -------
    dict of str to pandas.DataFrame
        ``log_ratios`` (one row per bin of the analysis), ``segments``, ``calls``, ``arms`` (one row per arm and kind of change),
        ``lod`` (per size) and ``donor_variants``; of a lot with RNA also ``differential`` (one row per gene), ``markers``,
        ``enrichment`` (per gene set), ``levels`` and ``quality`` (per sample). Tables without a finding have no rows.
        Positions are bases, 0-based and half-open; ratios and fold changes are log2; fractions of cells and p values are 0
        to 1; null means not known or not applicable. The page File formats lists every column.

    Raises
    ------
    KaryolotError
        When the lot has no record, or a table was edited after it was written.
    """
    from karyolot.io.expression import EXPRESSION
    from karyolot.io.results import COPY_NUMBER
    from karyolot.io.tables import read_table
    from karyolot.plan.files import DNA, RNA

    record = read_record(directory, lot)
    renamed = {"ratios": "log_ratios", "variants": "donor_variants"}
    dna_files, rna_files = DNA.at(lot=lot).named(), RNA.at(lot=lot).named()
    wanted = {renamed.get(name, name): (dna_files[name], contract) for name, contract in COPY_NUMBER.items()}
    if record.expression is not None:
        wanted |= {name: (rna_files[name], contract) for name, contract in EXPRESSION.items()}
    return {name: read_table(Path(directory) / file, contract) for name, (file, contract) in wanted.items()}


def read_expression(directory: PathLike, lot: str) -> "AnnData":
    """Read the expression of a lot and of its donor.

    Parameters
    ----------
    directory
        Working directory of the study.
    lot
        Name of a finished lot with RNA.

    Returns
    -------
    anndata.AnnData
        Samples by genes: ``layers["counts"]`` (fragments; of salmon scaled by length as tximport does), and ``layers["tpm"]``
        (transcripts per million, of salmon) and ``layers["length"]`` (effective length, bases) where gene lengths are known;
        samples in ``obs``, genes in ``var``.

    Raises
    ------
    KaryolotError
        When the lot has no record or no RNA, or the file was edited after it was written.
    """
    from karyolot.io.expression import read_expression as read
    from karyolot.plan.files import EXPRESSION

    if read_record(directory, lot).expression is None:
        raise KaryolotError(f"lot {lot} has no RNA, so it has no expression")
    return read(Path(directory) / EXPRESSION.format(lot=lot))


def call(
    lot: PathLike,
    donor: PathLike,
    out: PathLike,
    *,
    sex: str,
    genome: str = "GRCh38",
    gc: PathLike | None = None,
    fasta: PathLike | None = None,
    mappability: PathLike | None = None,
    replication_timing: PathLike | None = None,
) -> dict[str, Any]:
    """Call copy-number changes of a lot against its donor from two tables of counts, without Snakemake.

    Parameters
    ----------
    lot, donor
        Fragments per bin on the same bins: a table with a header, bedGraph, WIG, GATK or QDNAseq.
    out
        Folder for segments, calls, arms and limits of detection (TSV, SEG, VCF, BED, bedGraph) and ``summary.json``.
    sex
        'F' or 'M', of the donor by record.
    genome
        Assembly: 'GRCh38', 'GRCh37' or 'T2T-CHM13'.
    gc, fasta
        GC of the bins (bedGraph or WIG, 0 to 1), or the genome it is computed from. Without either GC is not corrected.
    mappability, replication_timing
        bedGraph or WIG; mappability 0 to 1, timing high = early. Without timing its bias is not corrected.

    Returns
    -------
    dict
        Content of ``summary.json``: ``inputs`` with sha256, ``warnings``, ``metrics`` (name to value, and the reason
        where it is None), ``noise``, ``comparison``, ``match``, ``computational_karyotype``, ``not_seen`` and ``not_assessed``.

    Raises
    ------
    KaryolotError
        With everything that is wrong with the inputs, in the wording of ``karyolot check``.

    Notes
    -----
    Formulas and sources: the page Methods. There is no verdict: identity by SNPs and expression are not examined.
    """
    from karyolot.commands.call import call as compare

    def given(path: PathLike | None) -> Path | None:
        return None if path is None else Path(path)

    return compare(
        Path(lot),
        Path(donor),
        Path(out),
        genome=genome,
        sex=sex,
        gc=given(gc),
        fasta=given(fasta),
        mappability=given(mappability),
        rt=given(replication_timing),
    )


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing. A notebook shows it.

    Attributes
    ----------
    svg
        A complete SVG document, with its styles.
    """

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: PathLike) -> Path:
        """Write the drawing as SVG or PNG.

        Parameters
        ----------
        path
            File that ends in ``.svg`` or ``.png``; a PNG has two pixels per unit of the drawing.

        Returns
        -------
        pathlib.Path
            The file.

        Raises
        ------
        KaryolotError
            For another ending.
        """
        from karyolot.io.files import read_each, write_bytes
        from karyolot.report.pdf import FONTS, picture

        target = Path(path)
        if target.suffix == ".svg":
            write_bytes(self.svg.encode(), target)
        elif target.suffix == ".png":
            write_bytes(picture(self.svg, read_each(FONTS)), target)
        else:
            raise KaryolotError(f"{target}: a picture is written as .svg or .png")
        return target


def plot_genome(record: Record) -> Picture:
    """Draw figure 1 of a report: the ratio along the genome, calls, and the limit of detection.

    Parameters
    ----------
    record
        As `read_record` returns it.

    Returns
    -------
    Picture
        The drawing, 1,232 units wide, as the report shows it.
    """
    from karyolot.report.drawings import genome_drawing

    return Picture(genome_drawing(record))
