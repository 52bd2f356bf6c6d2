"""Output of fastp, samtools and salmon on a sample -> quality figures under plain names."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from karyolot.contracts.copy_number import Library
from karyolot.contracts.expression import DETECTED_TPM, Quantification
from karyolot.contracts.record import QcFigure, SampleQc

Said = dict[str, list[dict[str, Any]]]


def summarise(
    facts: dict[str, str],
    reads: Sequence[dict[str, Any]],
    said: Said,
    library: Library | None,
    quantified: Quantification | None,
) -> SampleQc:
    """Quality figures of one sample. reads: what was found of the FASTQ files, by unit or of all lanes. said: parsed JSON of
    tools ('fastp', 'flagstat'), one per unit.

    What is missing (the sample came as an alignment or as counts) gives figures that are not known.
    """
    figures = _read_figures(reads, said) if reads else []
    figures += _wgs_figures(said, library) if facts["assay"] == "wgs" else _rna_figures(quantified)
    return SampleQc(**facts, figures=tuple(figures))


def _read_figures(reads: Sequence[dict[str, Any]], said: Said) -> list[QcFigure]:
    before = [unit["summary"]["before_filtering"] for unit in said["fastp"]]
    after = [unit["summary"]["after_filtering"] for unit in said["fastp"]]
    bases = sum(part["total_bases"] for part in before)
    return [
        QcFigure(name="Reads in", value=sum(unit["reads"] for unit in reads), unit="pairs or reads"),
        QcFigure(name="Lanes", value=sum(unit.get("lanes", 1) for unit in reads)),
        QcFigure(name="Read length", value=max(unit["read_length_max"] for unit in reads), unit="bases"),
        _share("Bases of quality 30 or more", sum(part["q30_bases"] for part in before), bases),
        _share("Bases left after trimming", sum(part["total_bases"] for part in after), bases),
    ]


def _wgs_figures(said: Said, library: Library | None) -> list[QcFigure]:
    if "flagstat" not in said or library is None:
        unknown = {
            "Mapped reads": "%",
            "Properly paired": "%",
            "Duplicates": "%",
            "Usable fragments": "",
            "Mean coverage": "x",
        }
        return [QcFigure(name=name, value=None, unit=unit) for name, unit in unknown.items()]
    passed = said["flagstat"][0]["QC-passed reads"]
    primary = passed["primary"]
    first, third = library.insert_first_quartile, library.insert_third_quartile
    return [
        _share("Mapped reads", passed["primary mapped"], primary),
        _share("Properly paired", passed["properly paired"], passed["paired in sequencing"]),
        _share("Duplicates", passed["primary duplicates"], primary),
        QcFigure(name="Usable fragments", value=library.fragments),
        QcFigure(name="Mean coverage", value=library.coverage, unit="x"),
        QcFigure(name="Insert size, median", value=library.insert_median, unit="bases"),
        QcFigure(name="Insert size, interquartile range", value=f"{first}-{third}", unit="bases"),
        *([_share("Mitochondrial DNA", library.mitochondrial, 1)] if library.mitochondrial is not None else []),
        *([QcFigure(name="Aligner", value=library.aligner)] if library.aligner is not None else []),
    ]


def _rna_figures(quantified: Quantification | None) -> list[QcFigure]:
    if quantified is None:
        unknown = ("Mapped to transcripts", "Fit the genome better", "Read 1 antisense")
        return [QcFigure(name=name, value=None, unit="%") for name in unknown]
    return [
        _share("Mapped to transcripts", quantified.mapped, quantified.fragments),
        _share("Fit the genome better", quantified.decoy_fragments, quantified.fragments),
        # Of the mapped fragments; salmon's own word for the library type is a guess where reads are few.
        QcFigure(name="Read 1 antisense", value=round(100 * quantified.antisense_fraction, 1), unit="%"),
        QcFigure(name="Mean fragment length", value=round(quantified.fragment_length, 1), unit="bases"),
    ]


def with_rna_quality(samples: Sequence[SampleQc], quality: pd.DataFrame | None) -> tuple[SampleQc, ...]:
    """Samples with the figures of `quality` (RnaQuality; None without RNA), which are known of a lot's table, not of a file."""
    if quality is None:
        return tuple(samples)
    rows = {row.pop("sample_id"): row for row in quality.to_dict("records")}
    return tuple(
        sample.model_copy(update={"figures": sample.figures + _expression_figures(rows[sample.sample_id])})
        if sample.sample_id in rows
        else sample
        for sample in samples
    )


def _expression_figures(row: Mapping[Hashable, Any]) -> tuple[QcFigure, ...]:
    known: dict[Hashable, Any] = {name: None if pd.isna(value) else value for name, value in row.items()}
    genes, shares = (
        known["genes_detected"],
        {"Ribosomal RNA": "rrna_fraction", "Mitochondrial RNA": "mitochondrial_fraction"},
    )
    return (
        QcFigure(name=f"Genes at {DETECTED_TPM:g} TPM or more", value=None if genes is None else int(genes)),
        *(
            _share(name, known[column], 1) if known[column] is not None else QcFigure(name=name, value=None, unit="%")
            for name, column in shares.items()
        ),
    )


def _share(name: str, part: float, whole: float) -> QcFigure:
    return QcFigure(name=name, value=round(100 * part / whole, 2) if whole else None, unit="%")
