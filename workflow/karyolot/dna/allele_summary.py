"""Identity by SNPs, contamination and allelic imbalance -> metrics. A metric that could not be determined is null, with the
reason."""

import pandas as pd

from karyolot.contracts.alleles import AlleleFacts, Identity, Kinship
from karyolot.contracts.cells import cells, detectable, interval, minus
from karyolot.contracts.criteria import Metric, Metrics
from karyolot.contracts.metrics import MetricName

WIDEST = 0.02
"""The limit of contamination. A 95 % interval wider than this that begins below it is inconclusive."""
OPEN = 0.1
"""Upper end of an inconclusive interval from which on the lot is INDETERMINATE: a tenth of another person is not excluded. With
5,000 SNPs at 1x it ends at 2 to 5 % in clean lots, with 1,000 SNPs at 4 to 13 %, and at 12 % or above with a tenth of another."""


def allele_metrics(identity: Identity, events: pd.DataFrame, facts: AlleleFacts, sets: float | None = None) -> Metrics:
    """identity.snp_match, rna_match, donor_rna_match, contamination, baf.cnloh. events: schema AlleleEvents.
    sets: sets of chromosomes in the lot's cells, None = not measured.

    For cells that are not, or may not be, the donor's, contamination and allelic imbalance are not assessed.
    """
    return {
        MetricName.IDENTITY_SNP_MATCH: _match(identity),
        MetricName.IDENTITY_RNA_MATCH: _rna(identity, "lot"),
        MetricName.IDENTITY_DONOR_RNA_MATCH: _rna(identity, "donor"),
        MetricName.IDENTITY_CONTAMINATION: _contamination(identity),
        MetricName.BAF_CNLOH: _events(identity, events, facts, sets),
    }


def _match(identity: Identity) -> Metric:
    """Alleles are counted only if a panel or allele counts were given: too few of them leave the lot INDETERMINATE."""
    kin = identity.kinship
    ratios = _ratios(kin)
    if identity.frequencies == "pair":
        ratios += "; allele frequencies are not stated for all sites: their spectrum was fitted to these two samples"
    if kin.result == "NOT ENOUGH":
        return Metric(value=None, reason=f"not enough reads to decide: {ratios}", detail=ratios, asked=True)
    if identity.shared is not None:
        scatter = f"their allele fractions differ by {identity.shared:.2f} times what counting alone makes"
        return Metric(value=None, reason=f"lot and donor hold the same reads: {scatter}", detail=ratios, asked=True)
    return Metric(value=kin.result, detail=ratios)


def _ratios(kin: Kinship) -> str:
    unrelated, sibling = (minus(f"{value:.1f}") for value in (kin.log10_unrelated, kin.log10_sibling))
    return (
        f"log10 likelihood ratio of the same person to an unrelated one {unrelated}, to a full sibling {sibling},"
        f" {kin.sites:,} sites"
    )


def _rna(identity: Identity, role: str) -> Metric:
    """One sample of another person makes a MISMATCH; a MATCH needs all of them."""
    own = [sample for sample in identity.rna if sample.role == role]
    if not own:
        return Metric(value=None, reason=f"no RNA reads of the {role}")
    detail = "; ".join(f"{sample.sample_id} {sample.result} ({_ratios(sample)})" for sample in own)
    found = {sample.result for sample in own}
    if "MISMATCH" not in found and found != {"MATCH"}:
        return Metric(value=None, reason=f"not enough reads over SNPs to decide: {detail}", detail=detail)
    return Metric(value="MISMATCH" if "MISMATCH" in found else "MATCH", detail=detail)


def _contamination(identity: Identity) -> Metric:
    found = identity.contamination
    if reason := _not_the_donor(identity):
        return Metric(value=None, reason=reason)
    if found.fraction is None or found.low is None or found.high is None:
        return Metric(value=None, reason=f"{found.sites} usable sites are not informative", asked=True)
    interval = f"{found.low:.1%} to {found.high:.1%}"
    if found.low <= WIDEST < found.high - found.low:
        return Metric(value=None, reason=f"too few reads: 95% CI {interval}", asked=found.high > OPEN)
    lod = "" if found.lod is None else f"; limit of detection {found.lod:.1%} (95% power)"
    return Metric(value=found.fraction, detail=f"95% CI {interval}, {found.sites} sites{lod}")


def _events(identity: Identity, events: pd.DataFrame, facts: AlleleFacts, sets: float | None) -> Metric:
    if reason := _not_the_donor(identity) or facts.reason:
        return Metric(value=None, reason=reason)
    own = events[events["origin"] == "alleles"]
    if facts.lod is None and own.empty:
        return Metric(
            value=None,
            reason=f"copy-neutral events of {facts.size_mb:g} Mb are not detectable in any fraction of cells",
        )
    words = [
        f"{row['kind']} {row['chrom']}:{row['start'] + 1}-{row['end']} ({(row['end'] - row['start']) / 1e6:.3g} Mb) in"
        f" {cells(row['fraction'], sets)} (95% CI {interval(row['fraction_low'], row['fraction_high'])}) if copy-neutral"
        for row in own.to_dict("records")
    ]
    bound = (
        f"one of {facts.size_mb:g} Mb is not detectable in any fraction of cells"
        if facts.lod is None
        else f"limit of detection for {facts.size_mb:g} Mb: {detectable(facts.lod, sets)} ({facts.power:.0%} power)"
    )
    about = tuple(f"{row['kind']} event on {row['chrom']}" for row in own.to_dict("records"))
    return Metric(value=len(own), detail="; ".join([*words, bound]), about=about)


def _not_the_donor(identity: Identity) -> str:
    result = identity.kinship.result
    return "" if result == "MATCH" else f"identity by SNPs: {result}"
