"""The sex that an RNA sample shows: reads of XIST against reads of genes on Y, each sample judged alone."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import betaincinv

from karyolot.contracts.criteria import Metric
from karyolot.contracts.expression import DETECTED_TPM

if TYPE_CHECKING:
    from anndata import AnnData

X_GENE, Y_GENES = "XIST", ("DDX3Y", "RPS4Y1")
"""XIST is expressed from an inactive X only; the two Y genes in all tissues of a man."""
RATIO = 10.0
"""Reads of one over reads of the other from which on a sample shows a sex. XIST is 19 kb long, so women's livers with 0.6 TPM
of it hold 20 times as many of its reads as stray ones of Y; equal parts of a man and a woman stay below 6."""
LEVEL = 0.999
"""Of the two-sided Clopper-Pearson interval of the ratio, which must leave out 1: of samples with equal levels of both, one in
1,000 or fewer shows a sex. It takes 11 reads."""
XIST_TPM = 0.3
"""Below, XIST is at the level of stray reads: men's livers show up to 0.1 TPM, women's 0.6 or more."""


class SampleSex(NamedTuple):
    """sex: 'F', 'M', or None where the sample does not show one. facts: levels and reads, for a sentence."""

    sample_id: str
    sex: str | None
    facts: str


def sexes(expression: "AnnData", state: str) -> list[SampleSex] | str:
    """Each sample of a state ('lot' or 'hepatocyte'), or why none can be judged: genes not annotated, or without TPM.

    XIST fades in culture and cells lose Y, so a gene that is missing proves nothing: a sample shows a sex by what it
    expresses. 'F': XIST_TPM of XIST or more, and RATIO times the reads of the Y genes; 'M': DETECTED_TPM of each Y gene or
    more, and RATIO times the reads of XIST; both surely more reads of the one than of the other (LEVEL).
    """
    names = expression.var["gene_name"].to_numpy()
    if absent := [gene for gene in (X_GENE, *Y_GENES) if gene not in names]:
        return f"not in the annotation: {', '.join(absent)}"
    rows = (expression.obs["state"] == state).to_numpy()
    tpm, reads = (
        {gene: np.asarray(expression.layers[layer], float)[np.ix_(rows, names == gene)].sum(axis=1) for gene in genes}
        for layer, genes in (("tpm", (X_GENE, *Y_GENES)), ("counts", (X_GENE, *Y_GENES)))
    )
    if unknown := [gene for gene, values in tpm.items() if np.isnan(values).any()]:
        return f"of unknown length: {', '.join(unknown)}"
    samples = expression.obs_names[rows]
    return [
        _judged(str(sample), {g: float(tpm[g][n]) for g in tpm}, {g: int(reads[g][n]) for g in reads})
        for n, sample in enumerate(samples)
    ]


def _judged(sample: str, tpm: dict[str, float], reads: dict[str, int]) -> SampleSex:
    x, y = reads[X_GENE], sum(reads[gene] for gene in Y_GENES)
    levels = ", ".join(f"{gene} {_number(tpm[gene])}" for gene in (X_GENE, *Y_GENES))
    facts = f"{sample}: {levels} TPM, {x} reads against {y}"
    low, high = _share_of_y(x, y)
    if tpm[X_GENE] >= XIST_TPM and x >= RATIO * y and high < 0.5:
        return SampleSex(sample, "F", facts)
    if min(tpm[gene] for gene in Y_GENES) >= DETECTED_TPM and y >= RATIO * x and low > 0.5:
        return SampleSex(sample, "M", facts)
    return SampleSex(sample, None, facts)


def _share_of_y(x: int, y: int) -> tuple[float, float]:
    """Clopper-Pearson interval of the fraction of Y among the reads of both; 0 to 1 without a read."""
    tail = (1 - LEVEL) / 2
    low = float(betaincinv(y, x + 1, tail)) if y else 0.0
    return low, float(betaincinv(y + 1, x, 1 - tail)) if x else 1.0


def sex_metrics(who: str, found: list[SampleSex] | str, declared: str) -> tuple[Metric, Metric]:
    """The sex of a lot or donor, and whether it is as declared.

    One sample that shows the other sex than declared is enough for a no, whatever the others show: it is another person's.
    None: no sample shows a sex, or (of the first) samples of both sexes.
    """
    if isinstance(found, str):
        return Metric(value=None, reason=found), Metric(value=None, reason=found)
    decided = [one for one in found if one.sex is not None]
    silent = [one for one in found if one.sex is None]
    open_ = f"shows neither a woman's nor a man's pattern: {'; '.join(one.facts for one in silent)}" if silent else ""
    if not decided:
        return Metric(value=None, reason=open_), Metric(value=None, reason=open_)
    beside = f"; {open_}" if silent else ""
    facts = "; ".join(f"{one.sex}: {one.facts}" for one in decided) + beside
    kinds = sorted({str(one.sex) for one in decided})
    sex = (
        Metric(value=kinds[0], detail=facts)
        if len(kinds) == 1
        else Metric(value=None, reason=f"samples of two people: {facts}")
    )
    other = [one for one in decided if one.sex != declared]
    detail = f"{who} expresses {' and '.join(kinds)}, declared {declared}; {facts}"
    return sex, Metric(value=not other, detail=detail)


def _number(value: float) -> str:
    """Three digits for small values, whole numbers for large ones."""
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}"
