"""Expression of a lot -> the metrics that the criteria R01-R07 are compared with, and the facts shown beside them."""

from collections.abc import Hashable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from karyolot.contracts.criteria import Metric, Metrics
from karyolot.contracts.expression import CHANGED_LOG2, DETECTED_TPM, Quantification, RnaQuality
from karyolot.contracts.metrics import MetricName
from karyolot.rna.differential import ALPHA
from karyolot.rna.expression import Floats
from karyolot.rna.sex import sex_metrics, sexes

if TYPE_CHECKING:
    from anndata import AnnData

MITOCHONDRIAL = r"^MT-(?!RNR)"
"""HGNC symbols of genes on the mitochondrial genome, without its ribosomal RNA."""
RIBOSOMAL_RNA = r"^(?:MT-RNR[12]|RNA(?:5S|5-8S|18S|28S|45S)\w*|RN(?:5|18|28|45)S\w*)$"
"""HGNC symbols of ribosomal RNA genes. An annotation that leaves them out hides what the library holds of them."""
NO_LENGTHS = "gene lengths are not known, so there are no TPM; give reference.gtf, or a column length in the matrix"
STRANDED = 0.8
"""Fraction of one strand from which on a library is stranded: `stranded_threshold` of nf-core/rnaseq, over what RSeQC's
infer_experiment or salmon count. nf-core leaves 0.55 to 0.8 open; here it is unstranded: no stranded library either way."""
MIN_FRAGMENTS = 100
"""Fewest mapped fragments to determine strandedness: in an unstranded library the fraction then scatters by 0.05 (binomial),
six standard errors from STRANDED."""


def expression_metrics(
    expression: "AnnData", markers: pd.DataFrame, quality: Mapping[str, Quantification], declared_sex: str
) -> Metrics:
    """Metrics of a lot by name.

    A gene that is not annotated makes its metric None. RNA was given, so a group of markers that cannot be judged leaves its
    criterion undecided (`Metric.asked`).

    Parameters
    ----------
    expression
        Of the lot and its donor.
    markers
        Schema Markers of the lot.
    quality
        sample_id -> salmon's facts (none for samples that came as counts).
    declared_sex
        Of the donor by record, 'F' or 'M'.
    """
    samples = sample_quality(expression).set_index("sample_id")
    (lot_sex, lot_declared), (donor_sex, donor_declared) = (
        sex_metrics(who, sexes(expression, state) if "tpm" in expression.layers else NO_LENGTHS, declared_sex)
        for who, state in (("lot", "lot"), ("donor", "hepatocyte"))
    )
    return {
        # The albumin trap: ALB counts twice, detected here and lower than in the donor below; a lot needs both.
        MetricName.RNA_IDENTITY_DETECTED: _extreme(markers, "identity", "detected", "lot_tpm_low", "lowest"),
        MetricName.RNA_MATURE_DOWN: _count(markers, "mature hepatocyte", "down"),
        MetricName.RNA_PROGENITOR_UP: _count(markers, "progenitor", "up"),
        # The HLA trap: the lot's own level counts. Its fall against the donor's immune cells is shown, not judged.
        MetricName.RNA_HLA2_MAX_TPM: _extreme(markers, "HLA class II", "absent", "lot_tpm_high", "highest"),
        MetricName.RNA_BLOOD_MAX_TPM: _extreme(markers, "blood", "absent", "lot_tpm_high", "highest"),
        MetricName.RNA_SECRETED_UP: _count(markers, "secreted and matrix", "up"),
        MetricName.RNA_PLURIPOTENCY_MAX_TPM: _extreme(markers, "pluripotency", "report", "lot_tpm_high", "highest"),
        # The direction trap: a Hippo set that moves does not say which way; its targets fall when Hippo is on.
        MetricName.RNA_YAP_TARGETS_LOG2FC: _targets(markers),
        MetricName.RNA_GENES_DETECTED: _genes_detected(expression, samples["genes_detected"]),
        MetricName.RNA_MAPPING_PERCENT: _mapping(expression, quality),
        MetricName.RNA_STRANDEDNESS_AS_DECLARED: _strandedness(expression, quality),
        MetricName.RNA_MITOCHONDRIAL_FRACTION: _highest(
            expression, samples["mitochondrial_fraction"], MITOCHONDRIAL, "mitochondrial"
        ),
        MetricName.RNA_RRNA_FRACTION: _highest(expression, samples["rrna_fraction"], RIBOSOMAL_RNA, "ribosomal RNA"),
        MetricName.RNA_SEX: lot_sex,
        MetricName.RNA_DONOR_SEX: donor_sex,
        MetricName.RNA_SEX_AS_DECLARED: lot_declared,
        MetricName.RNA_DONOR_SEX_AS_DECLARED: donor_declared,
    }


def _group(markers: pd.DataFrame, group: str, expected: str, column: str) -> pd.DataFrame | Metric:
    """Markers of a group, or the metric that states why it is not assessed."""
    part = markers[(markers["group"] == group) & (markers["expected"] == expected)]
    if part.empty:
        return _asked(f"the marker table has no gene '{expected}' in the group '{group}'")
    unknown = part.loc[part[column].isna(), "gene_name"].tolist()
    if unknown and column == "lot_reads":
        return _asked(f"not in the annotation: {', '.join(unknown)}")
    if unknown and column != "log2fc" and markers[column].isna().all():
        return _asked(NO_LENGTHS)
    if unknown:
        why = "without a read" if column == "log2fc" else "of unknown length"
        return _asked(f"not in the annotation, or {why}: {', '.join(unknown)}")
    return part


def _asked(reason: str) -> Metric:
    return Metric(value=None, reason=reason, asked=True)


def _extreme(markers: pd.DataFrame, group: str, expected: str, column: str, which: str) -> Metric:
    """Lowest or highest TPM over the genes of a group and the lot's replicates."""
    part = _group(markers, group, expected, column)
    if isinstance(part, Metric):
        return part
    row = part.sort_values(column, ascending=which == "lowest", kind="stable").iloc[0]
    donor = part.sort_values("donor_tpm", ascending=False, kind="stable").iloc[0] if which == "highest" else row
    return Metric(
        value=float(row[column]),
        detail=f"{which} of {', '.join(part['gene_name'])}: {_level(row, column)} in the lot;"
        f" donor's hepatocytes, not judged: {_level(donor, 'donor_tpm')}",
    )


def _count(markers: pd.DataFrame, group: str, expected: str) -> Metric:
    """The part of a group's genes that moved as expected: at least CHANGED_LOG2 against the donor, significant where tested.

    Genes that are not measurable are no answer: they are not counted, and half of a group or fewer is none of it.
    """
    part = _group(markers, group, expected, "lot_reads")
    if isinstance(part, Metric):
        return part
    judged = part[part["met"].notna()]
    open_ = "; ".join(map(_why_open, part[part["met"].isna()].to_dict("records")))
    if 2 * len(judged) <= len(part):
        return _asked(
            f"{len(judged)} of {len(part)} genes are measurable, more than half are needed; not measurable: {open_}"
        )
    met = int((judged["met"] == "yes").sum())
    moved = ", ".join(map(_change, judged.to_dict("records")))
    side = "at least" if expected == "up" else "at most"
    limit = CHANGED_LOG2 if expected == "up" else -CHANGED_LOG2
    said = f"{met} of {len(judged)} genes with log2 fold change {side} {limit:+g}: {moved}"
    return Metric(value=met / len(judged), detail=f"{said}; not measurable: {open_}" if open_ else said)


def _change(row: Mapping[Hashable, Any]) -> str:
    """'MMP3 +1.2 (adjusted p 0.5)'."""
    if row["lot_reads"] + row["donor_reads"] == 0:
        return f"{row['gene_name']} without a read"
    p = f" (adjusted p {_number(row['padj'])})" if row["met"] == "no" and row["padj"] >= ALPHA else ""
    return f"{row['gene_name']} {row['log2fc']:+.1f}{p}"


def _why_open(row: Mapping[Hashable, Any]) -> str:
    reads = f"{row['donor_reads']:.0f} reads in the donor, {row['lot_reads']:.0f} in the lot"
    return f"{row['gene_name']} ({reads}{'' if np.isnan(row['log2fc']) else ', too few or too uneven to test'})"


def _targets(markers: pd.DataFrame) -> Metric:
    part = _group(markers, "YAP targets", "report", "log2fc")
    if isinstance(part, Metric):
        return part
    change = float(part["log2fc"].median())
    means = "they rise, as when Hippo signalling is off" if change > 0 else "they do not rise"
    genes = ", ".join(part["gene_name"])
    return Metric(value=change, detail=f"median log2 fold change of {genes}: {change:+.1f}; {means}")


def sample_quality(expression: "AnnData") -> pd.DataFrame:
    """Contracts.RnaQuality, samples in the order of `expression`."""
    known = "tpm" in expression.layers
    return RnaQuality.validate(
        pd.DataFrame(
            {
                "sample_id": expression.obs_names.to_numpy(str),
                "genes_detected": (_tpm(expression) >= DETECTED_TPM).sum(axis=1).astype(float) if known else np.nan,
                "rrna_fraction": _share(expression, RIBOSOMAL_RNA),
                "mitochondrial_fraction": _share(expression, MITOCHONDRIAL),
            }
        )
    )


def _named(expression: "AnnData", pattern: str) -> NDArray[np.bool_]:
    return np.asarray(expression.var["gene_name"].str.contains(pattern, regex=True), dtype=bool)


def _share(expression: "AnnData", pattern: str) -> Floats | float:
    """Fraction of each sample's counts in the genes whose name matches; NaN when the annotation has none."""
    chosen = _named(expression, pattern)
    counts = np.asarray(expression.layers["counts"], dtype=float)
    return counts[:, chosen].sum(axis=1) / np.maximum(counts.sum(axis=1), 1) if chosen.any() else np.nan


def _genes_detected(expression: "AnnData", found: pd.Series) -> Metric:
    """Fewest genes detected in a sample of the lot. found: by sample."""
    if found.isna().any():
        return Metric(value=None, reason=NO_LENGTHS)
    found = found[(expression.obs["state"] == "lot").to_numpy()]
    sample = str(found.idxmin())
    detail = f"{found[sample]:.0f} genes at {DETECTED_TPM:g} TPM or more in {sample}, the fewest"
    return Metric(value=int(found[sample]), detail=detail)


def _highest(expression: "AnnData", shares: pd.Series, pattern: str, kind: str) -> Metric:
    """Highest share over all samples. shares: of the counts in the genes whose name matches, by sample."""
    if shares.isna().any():
        return Metric(value=None, reason=f"the annotation names no {kind} gene")
    sample, number = str(shares.idxmax()), _named(expression, pattern).sum()
    detail = f"{shares[sample]:.1%} of the counts of {sample}, the most, in {number} {kind} genes"
    return Metric(value=round(float(shares[sample]), 4), detail=detail)


def _mapping(expression: "AnnData", quality: Mapping[str, Quantification]) -> Metric:
    """Lowest fraction of fragments salmon assigned, over all samples."""
    if missing := sorted(set(expression.obs_names) - set(quality)):
        return Metric(value=None, reason=f"was given as counts: {', '.join(missing)}")
    sample = min(sorted(quality), key=lambda name: quality[name].percent_mapped)
    facts = quality[sample]
    return Metric(
        value=facts.percent_mapped,
        detail=f"{facts.percent_mapped:.1f} % of {facts.fragments} fragments fit a transcript in {sample}, the lowest;"
        f" read 1 is antisense in {100 * facts.antisense_fraction:.0f} % of these",
    )


def _strandedness(expression: "AnnData", quality: Mapping[str, Quantification]) -> Metric:
    """Whether the reads of every sample have the strandedness its sheet declares; one that has not is enough for a no.

    None when none differs and one is unknown: it came as counts, with too few fragments, or its row does not state.
    """
    declared = expression.obs["strandedness"]
    unknown, found = [], {}
    for sample in expression.obs_names:
        if sample not in quality:
            unknown.append(f"{sample} was given as counts")
        elif not declared[sample]:
            unknown.append(f"not declared for {sample} (samples.tsv)")
        elif quality[sample].mapped < MIN_FRAGMENTS:
            unknown.append(f"{sample} has {quality[sample].mapped} mapped fragments, and {MIN_FRAGMENTS} are needed")
        else:
            found[sample] = _of_share(quality[sample].antisense_fraction)
    other = [sample for sample, kind in found.items() if kind != declared[sample]]
    if unknown and not other:
        return Metric(value=None, reason="strandedness: " + "; ".join(unknown))
    facts = [
        f"{sample} is {found[sample]} (read 1 antisense in {100 * quality[sample].antisense_fraction:.0f} %),"
        f" declared {declared[sample]}"
        for sample in other or found
    ]
    return Metric(value=not other, detail="; ".join(facts))


def _of_share(antisense: float) -> str:
    """What the sheet calls a library whose first reads are antisense in this fraction of fragments."""
    return "reverse" if antisense >= STRANDED else "forward" if 1 - antisense >= STRANDED else "unstranded"


def _level(row: pd.Series, column: str) -> str:
    return f"{row['gene_name']} {_number(row[column])} TPM"


def _tpm(expression: "AnnData") -> Floats:
    return np.asarray(expression.layers["tpm"], dtype=float)


def _number(value: float) -> str:
    """Three digits for small values, whole numbers for large ones."""
    return f"{value:.0f}" if value >= 100 else f"{value:.2g}"
