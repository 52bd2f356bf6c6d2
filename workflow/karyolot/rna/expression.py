"""Quantified samples -> one table of expression (`expression.h5ad`), and its normalisation."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot import __version__
from karyolot.contracts.expression import OBS, VAR, ExpressionSample, Quantification, Quantified
from karyolot.contracts.genes import MOST_WITHOUT_LENGTH, matched, renamed
from karyolot.contracts.panel import gene_digest
from karyolot.contracts.problems import KaryolotError

if TYPE_CHECKING:
    from anndata import AnnData  # takes seconds to import, and most steps only handle what they are given

Floats = NDArray[np.float64]


def assemble(
    quantified: Quantified,
    samples: Sequence[ExpressionSample],
    annotation: pd.DataFrame,
    salmon: Mapping[str, Quantification],
    gtf: str,
    aliases: Mapping[str, str],
) -> "AnnData":
    """The expression of `samples`: see `contracts.expression.check_expression`. Samples and genes sorted by id.

    annotation: Genes, empty when there is none; it takes precedence over gene columns of a count matrix. Ids with and without
    version fit each other (`contracts.genes.matched`). gtf: its name, '' when there is none. salmon: sample_id -> salmon's
    facts (none for samples that came as counts). aliases: former symbol -> today's. Counts are rounded to whole numbers
    (PyDESeq2 takes no others). TPM of a count matrix are counts over the exons' length, over the genes whose length is known;
    the others have none. Raises KaryolotError when no gene is annotated, or genes without a length hold more than
    MOST_WITHOUT_LENGTH of a sample's counts.
    """
    from anndata import AnnData

    ordered = sorted(samples, key=lambda sample: sample.sample_id)
    names = [sample.sample_id for sample in ordered]
    counts = quantified.counts.sort_index()[names]
    known = matched(counts.index, annotation["gene_id"])
    genes = annotation.set_index("gene_id").reindex([known.get(gene) for gene in counts.index]).set_axis(counts.index)
    if len(annotation) and genes["gene_name"].isna().all():
        raise KaryolotError(
            f"no gene of the counts ({counts.index[0]}, ...) is in the annotation ({annotation['gene_id'].iloc[0]},"
            " ...); count with the GTF named in reference.gtf"
        )
    stated = quantified.genes.reindex(counts.index)
    name = genes["gene_name"].fillna(stated["gene_name"]).fillna(pd.Series(counts.index, counts.index)).astype(str)
    length = genes["length"].astype(float).fillna(stated["length"].astype(float))
    whole = np.rint(counts.to_numpy(float)).T.astype(np.int64)
    layers: dict[str, NDArray[np.generic]] = {"counts": whole}
    if quantified.tpm is not None and quantified.length is not None:
        layers["tpm"] = quantified.tpm.loc[counts.index, names].to_numpy(float).T
        layers["length"] = quantified.length.loc[counts.index, names].to_numpy(float).T
    elif length.notna().any():
        _check_lengths(pd.DataFrame(whole, names, counts.index), length)
        layers["tpm"] = _per_million(whole / length.to_numpy())
        layers["length"] = np.broadcast_to(length, whole.shape).copy()
    obs = pd.DataFrame([sample.model_dump() for sample in ordered], index=pd.Index(names, name="sample_id"))
    obs["replicate"] = obs.groupby(["donor", "lot"]).cumcount() + 1
    obs["library_type"] = [salmon[name].library_type if name in salmon else "" for name in names]
    var = genes.assign(
        gene_name=renamed(name.tolist(), aliases),
        chrom=genes["chrom"].fillna("").astype(str),
        length=length,
        **{place: genes[place].astype("Int64") for place in ("start", "end")},
    )
    return AnnData(obs=obs[list(OBS)], var=var[list(VAR)], uns=_provenance(annotation, salmon, gtf), layers=layers)


def _check_lengths(counts: pd.DataFrame, length: pd.Series) -> None:
    """counts: samples x genes."""
    part = counts.loc[:, length.isna().to_numpy()].sum(axis=1) / counts.sum(axis=1).clip(lower=1)
    if part.max() > MOST_WITHOUT_LENGTH:
        raise KaryolotError(
            f"{length.isna().sum()} of {len(length)} genes have no length, and {part.max():.0%} of the counts of"
            f" {part.idxmax()}: TPM of the others would be too high",
            "give the GTF that was counted with, or lengths of all genes",
        )


def _provenance(
    annotation: pd.DataFrame, salmon: Mapping[str, Quantification], gtf: str
) -> dict[str, dict[str, object]]:
    """`uns` of the expression. Samples quantified by two versions or indices of salmon are of 'one + other'."""
    known = annotation[["gene_id", "gene_name"]].itertuples(index=False, name=None)
    by_salmon = "length-scaled TPM of salmon's transcripts added up by gene (tximport), rounded"
    return {
        "annotation": {"gtf": gtf, "sha256": gene_digest(known) if len(annotation) else "", "genes": len(annotation)},
        "quantification": {
            "method": "salmon" if salmon else "counts",
            "version": " + ".join(sorted({facts.salmon_version for facts in salmon.values()})),
            "index_sha256": " + ".join(sorted({facts.index_sha256 for facts in salmon.values()})),
        },
        "made": {"counts": by_salmon if salmon else "as the count matrix gives them, rounded", "karyolot": __version__},
    }


def _per_million(rate: Floats) -> Floats:
    total = np.nansum(rate, axis=1, keepdims=True)
    return np.asarray(np.divide(1e6 * rate, total, out=np.zeros_like(rate), where=total > 0))


def size_factors(counts: Floats) -> Floats:
    """Sequencing depth of each sample by the median of ratios (Anders & Huber 2010, Genome Biology 11:R106).

    counts: samples x genes. The median is over genes with a count in every sample, of log counts minus their mean.
    Raises KaryolotError when no gene has a count in every sample.
    """
    seen = (counts > 0).all(axis=0)
    if not seen.any():
        raise KaryolotError(
            "no gene has a read in every sample, so the samples cannot be put on one scale; leave out the one that is"
            f" nearly empty (genes seen, in the order of the samples: {', '.join(map(str, (counts > 0).sum(axis=1)))})"
        )
    logs = np.log(counts[:, seen])
    return np.asarray(np.exp(np.median(logs - logs.mean(axis=0), axis=1)))


def normalised(expression: "AnnData") -> Floats:
    """Counts over size factors, samples x genes."""
    counts = np.asarray(expression.layers["counts"], dtype=float)
    return counts / size_factors(counts)[:, None]


def log_by_name(expression: "AnnData") -> pd.DataFrame:
    """log2(normalised counts + 1), gene names x samples, sorted by name.

    Of several genes of one name the one with the highest mean stands for it (then the lowest gene id): gene sets know
    names only.
    """
    table = pd.DataFrame(np.log2(normalised(expression) + 1).T, expression.var["gene_name"], expression.obs_names)
    order = np.lexsort((expression.var_names, -table.mean(axis=1).to_numpy()))
    table = table.iloc[order]
    return table[~table.index.duplicated()].sort_index()
