"""What the tables of expression are made from: files, and facts of RNA samples. Pure functions; nothing is opened."""

from pathlib import Path

from karyolot.contracts.settings import Config, Reference
from karyolot.contracts.sheets import BATCHES, Study
from karyolot.plan.commands import aligner_files
from karyolot.plan.files import (
    ALIASES,
    BINS,
    FASTA,
    GENES,
    QUANTIFIED,
    SALMON,
    SITES,
    TRANSCRIPT_GENES,
    given,
    shipped,
    verified_units,
)
from karyolot.plan.samples import rna_wanted


def expression_file(study: Study, sample: str) -> str:
    """What holds the expression of an RNA sample: its salmon result, or the count matrix it came in."""
    return study.samples[sample][0].counts or QUANTIFIED.format(sample=sample)


def snp_inputs(study: Study, settings: Config) -> dict[str, list[str] | str]:
    """What RNA is aligned to and counted at, in a study whose RNA is wanted so."""
    if not rna_wanted(study, settings):
        return {}
    return {"aligner": aligner_files(settings.alignment), "fasta": FASTA, "sites": SITES}


def expression_sample(study: Study, sample: str) -> dict[str, object]:
    """Facts of an RNA sample for the expression table (ExpressionSample); a sample of two runs is of 'one + other'."""
    rows = study.samples[sample]
    row = rows[0]
    lot = row.lot_id or ""
    donor = study.lots[lot].donor_id if lot else str(row.donor_id)
    return {
        "sample_id": sample,
        "donor": donor,
        "lot": lot,
        "state": "lot" if lot else "hepatocyte",
        "path": expression_file(study, sample),
        "kind": "counts" if row.counts else "salmon",
        "sex": study.donors[donor].sex,
        "passage": study.lots[lot].passage if lot else 0,
        "library": " + ".join(sorted({row.library_id or sample for row in rows})),
        "strandedness": row.strandedness or "",
        **{column: " + ".join(sorted({getattr(row, column) or "" for row in rows} - {""})) for column in BATCHES},
    }


def transcripts_of(reference: Reference) -> list[str]:
    """What the transcripts are made from that reads are quantified by: the user's FASTA, or genome and annotation."""
    return [shipped(reference.transcripts)] if reference.transcripts is not None else [FASTA, *given(reference.gtf)]


def decoys_of(reference: Reference) -> list[str]:
    """The genome, when salmon is to catch reads that fit it better than any transcript."""
    return [FASTA] if reference.decoys and reference.fasta is not None else []


def gene_tables(reference: Reference) -> list[str]:
    """Genes of the annotation (schema Genes), when there is one."""
    return [GENES] if reference.gtf is not None else []


def places(reference: Reference) -> list[str]:
    """Bins, by which genes lie on chromosome arms, where an annotation gives the positions of genes and bins can be made."""
    return [BINS] if reference.gtf is not None and (reference.bins or reference.fasta) is not None else []


def expression_inputs(study: Study, reference: Reference, samples: list[str]) -> dict[str, list[str]]:
    """What an expression table is made from: quantified samples, former symbols, and the annotation where it is needed or given.

    Count matrices only once `verify_data` has found them to match the sheet.
    """
    files = list(dict.fromkeys(expression_file(study, sample) for sample in samples))
    facts = [path for name in samples if study.samples[name][0].counts for path in verified_units(study, name)]
    from_reads = any(study.samples[sample][0].counts is None for sample in samples)
    transcripts = [TRANSCRIPT_GENES] if from_reads else []
    salmon = list(quantified_samples(study, samples).values())
    known = {"genes": gene_tables(reference), "aliases": [shipped(ALIASES)]}
    return {"samples": files, "transcripts": transcripts, "facts": facts, "salmon": salmon, **known}


def expression_samples(study: Study, samples: list[str]) -> list[dict[str, object]]:
    return [expression_sample(study, sample) for sample in samples]


def quantified_samples(study: Study, samples: list[str]) -> dict[str, str]:
    """sample_id -> salmon's facts, for those of the RNA samples that came as reads."""
    names = [name for name in samples if study.samples[name][0].counts is None]
    return {name: SALMON.format(sample=name) for name in names}


def annotation_name(reference: Reference) -> str:
    """Name of the GTF's file, without the folders of this machine; '' when there is none."""
    return Path(reference.gtf).name if reference.gtf is not None else ""
