"""Expression as it comes in: salmon's results of this pipeline, or the user's count matrices. Imported by jobs, not by the
check: pandas takes half a second."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from karyolot.contracts.expression import ExpressionSample, Genes, Quantification, Quantified, TranscriptGenes
from karyolot.contracts.problems import KaryolotError
from karyolot.inputs.formats import gene_counts
from karyolot.io.expression import read_given, read_quantification, read_salmon
from karyolot.io.files import PathLike

SHOWN = 5
"""Names in a message."""


def read_samples(
    facts: Sequence[Mapping[str, Any]],
    salmon: Mapping[str, PathLike],
    transcripts: Sequence[PathLike],
    genes: Sequence[PathLike],
) -> tuple[Quantified, list[ExpressionSample], pd.DataFrame, dict[str, Quantification]]:
    """What `rna.expression.assemble` makes an expression of, in its order.

    Parameters
    ----------
    facts
        Of the samples, as `plan.expression.expression_samples` gives them.
    salmon
        sample_id -> salmon.json.
    transcripts, genes
        The one file, or none where it is not given.

    Returns
    -------
    tuple
        Quantified samples, their facts, Genes, and salmon's facts by sample.
    """
    samples = [ExpressionSample.model_validate(row) for row in facts]
    quantified = read_quantified(samples, read_given(transcripts, TranscriptGenes))
    said = {name: read_quantification(path) for name, path in salmon.items()}
    return quantified, samples, read_given(genes, Genes), said


def read_quantified(samples: Sequence[ExpressionSample], transcripts: pd.DataFrame) -> Quantified:
    """Expression of all samples, from salmon by tximport or from count matrices.

    Parameters
    ----------
    transcripts
        TranscriptGenes; not used for matrices.

    Raises
    ------
    KaryolotError
        When the two are mixed, or the files do not fit each other or the annotation.
    """
    kinds = {sample.kind for sample in samples}
    if len(kinds) > 1:
        of = {kind: [sample.sample_id for sample in samples if sample.kind == kind] for kind in sorted(kinds)}
        listed = " and ".join(f"{kind} ({', '.join(names)})" for kind, names in of.items())
        raise KaryolotError(f"samples to be compared come from {listed}", "quantify all of them in the same way")
    return read_salmon(samples, transcripts) if kinds == {"salmon"} else _read_matrices(samples)


def _read_matrices(samples: Sequence[ExpressionSample]) -> Quantified:
    counts: list[pd.DataFrame] = []
    genes: list[pd.DataFrame] = []
    for path in dict.fromkeys(sample.path for sample in samples):
        of = {sample.sample_id: sample.strandedness for sample in samples if sample.path == path}
        found = gene_counts.read(path, of)
        ids = pd.Index(found.genes, name="gene_id", dtype=str)
        counts.append(pd.DataFrame(found.counts, ids, list(found.samples)).sort_index())
        stated = {"gene_name": [name or None for name in found.names], "length": found.lengths}
        genes.append(pd.DataFrame(stated, ids).sort_index())
        if not counts[-1].index.equals(counts[0].index):
            other = sorted(set(counts[-1].index) ^ set(counts[0].index))
            differ = f"{len(other)} differ, {', '.join(other[:SHOWN])}" + ", ..." * (len(other) > SHOWN)
            message = f"{path}: holds other genes than {samples[0].path} ({differ})"
            raise KaryolotError(message, "count all samples with the same annotation")
    first, *others = genes
    for other_genes in others:
        first = first.combine_first(other_genes)
    return Quantified(pd.concat(counts, axis=1)[[sample.sample_id for sample in samples]], None, None, first)
