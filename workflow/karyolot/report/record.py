"""Results of a lot -> its record (`report.json`), from which alone the report is rendered.

Every sentence is computed here from the results; nothing is judged here, that is the verdict's.
"""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from karyolot.contracts.alleles import AlleleResults
from karyolot.contracts.copy_number import MASKS, Comparison, CopyNumberResults, Noise
from karyolot.contracts.criteria import Verdict
from karyolot.contracts.expression import CHANGED_LOG2, DETECTED_TPM, ExpressionResults, PanelResults
from karyolot.contracts.panel import FALSE_CALLS, FULL_LOTS, MIN_LOTS
from karyolot.contracts.record import (
    CNLOH,
    NOT_SEEN,
    SCHEMA_VERSION,
    ArmRow,
    ArmShiftRow,
    BinTrack,
    CallRow,
    Chromosome,
    CopyNumberRecord,
    DonorVariantRow,
    ExpressionRecord,
    HeatRow,
    ImportedResult,
    LodRow,
    LotFacts,
    MarkerRow,
    PanelModuleRow,
    PanelRecord,
    Provenance,
    Record,
    SampleQc,
    SegmentRow,
    SetRow,
    WatchRow,
)
from karyolot.contracts.settings import CopyNumber
from karyolot.contracts.small_variants import VariantResults
from karyolot.report.agreement import with_expression
from karyolot.report.alleles import allele_record, seen_by_alleles, with_alleles
from karyolot.report.qc import with_rna_quality
from karyolot.report.rows import record_rows
from karyolot.report.small_variants import variant_record
from karyolot.report.study import sample_map
from karyolot.report.trend import point

SIGNIFICANCE = 0.05
"""Benjamini-Hochberg level below which a gene or a set counts as changed in the report's text."""
VISIBLE_WAVE = 0.02
"""log2 per standard deviation of replication timing: about 3 % more cells in S phase; the warning limit of the method."""


def assemble(
    lot: LotFacts, notice: str, verdict: Verdict, dna: CopyNumberResults, rna: ExpressionResults | None,
    qc: Sequence[SampleQc], provenance: Provenance, settings: CopyNumber, alleles: AlleleResults | None = None,
    results: Sequence[ImportedResult] = (), variants: VariantResults | None = None, earlier: Sequence[Record] = (),
) -> Record:  # fmt: skip
    """The record of a lot, sealed under the id that fits its content. alleles: None without a panel of SNPs; variants:
    None without a list of genes; earlier: records of the lots it was grown from, its parent last."""
    return Record(
        schema_version=SCHEMA_VERSION,
        notice=notice,
        lot=lot,
        verdict=verdict,
        copy_number=_copy_number(dna, None if rna is None else rna.arms, settings, alleles),
        expression=None if rna is None else _expression(rna, lot),
        alleles=None if alleles is None else allele_record(alleles),
        small_variants=None if variants is None else variant_record(variants),
        qc=with_rna_quality(qc, None if rna is None else rna.quality),
        imported=tuple(result for result in results if result.kind != "deviation"),
        deviations=tuple(result for result in results if result.kind == "deviation"),
        earlier=tuple(map(point, earlier)),
        not_seen=tuple(thing for thing in NOT_SEEN if thing != CNLOH or not seen_by_alleles(alleles)),
        limits=tuple(_limits(dna)),
        provenance=provenance,
        report_id="",
    ).sealed()


def _copy_number(
    dna: CopyNumberResults, shifts: pd.DataFrame | None, settings: CopyNumber, alleles: AlleleResults | None
) -> CopyNumberRecord:
    used = dna.ratios[dna.ratios["mask"].isna()]
    broken = dna.segments[dna.segments["bins"] >= settings.min_bins]["published_rule"]
    return CopyNumberRecord(
        sentences=tuple(_findings(dna)),
        chromosomes=tuple(_chromosomes(dna.ratios)),
        bins=BinTrack(
            bin_bp=dna.comparison.analysis_bin_bp,
            chrom=used["chrom"].tolist(),
            start=used["start"].tolist(),
            **{name: used[name].round(3).tolist() for name in ("log2", "lot_log2", "donor_log2")},
        ),
        segments=record_rows(dna.segments, SegmentRow),
        calls=record_rows(with_alleles(with_expression(_with_size(dna.calls), dna.ratios, shifts), alleles), CallRow),
        donor_variants=record_rows(dna.variants, DonorVariantRow),
        arms=tuple(_arm_rows(dna.arms)),
        watch=tuple(_watch_rows(dna)),
        lod=tuple(_lod_row(part.set_index("type")) for _, part in dna.lod.groupby("size_bp")),
        power=settings.power,
        claim_mb=settings.claim_mb,
        published_gain_log2=math.log2(settings.published_gain),
        published_loss_log2=math.log2(settings.published_loss),
        published_gains=int((broken == "gain").sum()),
        published_losses=int((broken == "loss").sum()),
    )


def _with_size(calls: pd.DataFrame) -> pd.DataFrame:
    return calls.assign(size_mb=(calls["end"] - calls["start"]) / 1e6)


def _lod_row(limits: pd.DataFrame) -> LodRow:
    """limits: contract Lod of one size, by type."""
    gain, loss = (limits.loc[name].to_dict() for name in ("gain", "loss"))
    return LodRow(
        size_mb=gain["size_bp"] / 1e6,
        gain=_known(gain["fraction"]),
        loss=_known(loss["fraction"]),
        gains_planted=gain["planted"],
        gains_found=gain["found"],
        losses_planted=loss["planted"],
        losses_found=loss["found"],
    )


def _arm_rows(arms: pd.DataFrame) -> Iterator[ArmRow]:
    names = [name for name in ArmRow.model_fields if name != "masked"]
    for row in arms[arms["scope"] != "watch"].to_dict("records"):
        masked = {reason: round(row[f"masked_{reason}"], 4) for reason in MASKS if row[f"masked_{reason}"] > 0}
        known = {name: None if pd.isna(row[name]) else row[name] for name in names}
        yield ArmRow.model_validate({**known, "masked": masked})


def _watch_rows(dna: CopyNumberResults) -> Iterator[WatchRow]:
    """One row per entry of the watch list, with the test of its region."""
    tests = dna.arms[dna.arms["scope"] == "watch"].set_index("name")
    for entry in dna.watch.to_dict("records"):
        facts: dict[str, object] = {"bins": 0, "log2": None, "lod": None, "changed": False}
        if entry["region"] in tests.index:
            row = tests.loc[entry["region"]]
            lod = _known(row[f"lod_{entry['change']}"]) if row["assessable"] else None
            facts = {"bins": row["bins"], "log2": _known(row["log2"]), "lod": lod, "changed": row["changed"]}
        yield WatchRow.model_validate({**entry, **facts})


def _chromosomes(ratios: pd.DataFrame) -> list[Chromosome]:
    chromosomes, offset = [], 0
    for name, part in ratios.groupby("chrom", sort=False):
        length = int(part["end"].max())
        short = part[part["arm"].str.endswith("p") & (part["arm"] != part["chrom"])]
        copies = part.loc[~part["region"].isin(["PAR", "other"]), "copies"]
        chromosomes.append(
            Chromosome(
                name=str(name),
                length=length,
                offset=offset,
                centromere=int(short["end"].max()) if len(short) and len(short) < len(part) else None,
                copies=int(copies.iloc[0]) if len(copies) else 0,
            )
        )
        offset += length
    return chromosomes


def _findings(dna: CopyNumberResults) -> list[str]:
    calls = dna.calls
    own = calls[calls["origin"] != "lost"]
    sentences = []
    if not dna.noise.assessable:
        return [f"No change can be called or excluded: {dna.noise.reason}."]
    if own.empty:
        sentences.append("No change of the lot against its donor was called.")
    else:
        sentences.append(
            f"{_count(len(own), 'change')} of the lot against its donor {'was' if len(own) == 1 else 'were'} called."
        )
    lost = len(calls) - len(own)
    if lost:
        sentences.append(
            f"{_count(lost, 'difference')} {'is' if lost == 1 else 'are'} explained by the donor's own cells, not by the lot's."
        )
    shared, variants = dna.match.shared, dna.match.variants
    if variants:
        sentences.append(
            f"The lot shows {shared} of the {_count(variants, 'copy-number difference')} its donor was born with."
        )
    return sentences


def _limits(dna: CopyNumberResults) -> list[str]:
    sentences = [_bins_sentence(dna.comparison), _noise_sentence(dna.noise)]
    blind = dna.arms[(dna.arms["scope"] == "arm") & ~dna.arms["assessable"]]["name"].tolist()
    if blind:
        sentences.append(f"Not assessable: {', '.join(blind)}.")
    facts = dna.comparison
    if facts.rt_slope is None:
        sentences.append(
            "No replication-timing track was given: waves of a growing lot against resting hepatocytes were not corrected."
        )
    else:
        visible = abs(facts.rt_slope) > VISIBLE_WAVE
        sentences.append(
            f"Replication timing moves the ratio by {facts.rt_slope:.3f} log2 per standard deviation"
            f" ({facts.rt_low:.3f} to {facts.rt_high:.3f}); this was taken out."
            + (" A wave of this height is seen when a growing lot meets resting hepatocytes." if visible else "")
        )
    if facts.neutral is not None and facts.neutral < 0.6:
        sentences.append(
            f"Only {facts.neutral:.0%} of the autosomes lie at the commonest level; which level is normal is uncertain."
        )
    sentences.append(
        "Shares of cells hold if one copy changed in cells that have the expected number of copies; hepatocytes with four or"
        " eight sets of chromosomes show a smaller ratio for the same change."
    )
    return sentences


def _bins_sentence(facts: Comparison) -> str:
    taken = " and ".join(facts.covariates) if facts.covariates else "nothing (too few bins, or no track)"
    missed = "".join(f"; not corrected for {name} ({reason})" for name, reason in facts.not_used.items())
    width = f"{facts.analysis_bin_bp / 1000:g} kb"
    return f"{facts.usable:.0%} of {facts.bins} bins of {width} are used; corrected for {taken}{missed}."


def _noise_sentence(noise: Noise) -> str:
    if not noise.assessable:
        return f"Nothing can be claimed: {noise.reason}."
    return (
        f"Means over {noise.blocks[-1]} bins vary {math.sqrt(noise.inflation[-1]):.2f} times as much as counting alone explains;"
        " every interval and limit here includes that."
    )


def _expression(rna: ExpressionResults, lot: LotFacts) -> ExpressionRecord:
    tested = rna.differential["padj"].notna()
    significant = rna.differential[rna.differential["padj"] < SIGNIFICANCE]
    p_values = bool(tested.any())
    up, down = (int((np.sign(significant["log2fc"]) == sign).sum()) for sign in (1, -1))
    return ExpressionRecord(
        sentences=tuple(_expression_findings(rna, p_values, up, down)),
        lot_replicates=rna.lot_replicates,
        donor_replicates=rna.donor_replicates,
        p_values=p_values,
        significance=SIGNIFICANCE,
        genes_tested=int(tested.sum()),
        genes_up=up if p_values else None,
        genes_down=down if p_values else None,
        markers=record_rows(_with_panel(_with_limits(rna.markers), rna.panel), MarkerRow),
        sets=record_rows(_sets(rna.enrichment), SetRow),
        **_heat(rna.levels),
        arms=() if rna.arms is None else record_rows(rna.arms, ArmShiftRow),
        panel=None if rna.panel is None else _panel(rna.panel, lot),
    )


def _sets(enrichment: pd.DataFrame) -> pd.DataFrame:
    """Enrichment with the values of the record: genes of the leading edge one by one, yes and no as what they mean."""
    return enrichment.assign(
        leading_edge=enrichment["leading_edge"].map(lambda genes: genes.split(",") if genes else []),
        informational=enrichment["informational"] == "yes",
    )


def _panel(panel: PanelResults, lot: LotFacts) -> PanelRecord:
    own = panel.components[(panel.components["panel"] == "") & (panel.components["component"] == 1)]
    samples = [
        {"sample_id": str(row.sample_id), "donor": lot.donor_id, "lot": lot.lot_id if row.state == "lot" else ""}
        for row in own.itertuples()
    ]
    modules = panel.table[panel.table["kind"] == "module"]
    return PanelRecord(
        **panel.facts.model_dump(),
        tier=panel.facts.tier,
        # Of its two sides a module has the one that its expectation asks for.
        modules=record_rows(
            modules.assign(
                limit=modules["prediction_low"].fillna(modules["prediction_high"]),
                tolerance=modules["tolerance_low"].fillna(modules["tolerance_high"]),
            ),
            PanelModuleRow,
        ),
        **_genes_changed(panel.genes),
        map=sample_map(samples, panel.components),
    )


def _genes_changed(genes: pd.DataFrame) -> dict[str, int | None]:
    """genes_* of PanelRecord."""
    tested = int(genes["padj"].notna().sum())
    changed = genes[genes["padj"] < SIGNIFICANCE]["log2fc"]
    counts = {"genes_tested": tested, "genes_higher": int((changed > 0).sum()), "genes_lower": int((changed < 0).sum())}
    return {name: count if tested else None for name, count in counts.items()}


def _with_panel(markers: pd.DataFrame, panel: PanelResults | None) -> pd.DataFrame:
    """Markers with the TPM range in which a lot that changes as the panel's lots do is expected."""
    if panel is None:
        return markers
    genes = panel.table[panel.table["kind"] == "marker"].set_index("name")
    rows = genes.reindex(markers["gene_name"]).set_index(markers.index)
    low, high = (
        np.maximum(2 ** (rows["donor"] + rows[f"prediction_{side}"]) - DETECTED_TPM, 0) for side in ("low", "high")
    )
    return markers.assign(panel_tpm_low=low, panel_tpm_high=high, panel_p=rows["p_holm"])


def _panel_findings(panel: PanelResults) -> list[str]:
    facts = panel.facts
    itself = " This lot itself stands in the panel and was left out." if facts.left_out else ""
    name = f"reference panel {facts.version} ({_count(facts.lots, 'lot')} of {_count(facts.donors, 'donor')})"
    if facts.tier == "too few":
        return [f"The {name} is too small for limits: {MIN_LOTS} lots are needed.{itself}"]
    modules = panel.table[panel.table["kind"] == "module"]
    beyond = modules.loc[modules["margin"] < 0, "name"].tolist()
    unknown = modules.loc[modules["margin"].isna(), "name"].tolist()
    parts = []
    if len(unknown) < len(modules):
        parts.append(f"beyond its limits in {', '.join(beyond)}" if beyond else "within its limits")
    if unknown:
        parts.append(f"not comparable in {', '.join(unknown)}")
    firm = f" Its limits are provisional; {FULL_LOTS} lots make them firm." if facts.tier == "provisional" else ""
    sentences = [f"Against the {name} the lot is {' and '.join(parts)}.{firm}{itself}"]
    markers = panel.table[panel.table["p_holm"] < SIGNIFICANCE]["name"].tolist()
    if markers:
        sentences.append(
            f"Markers that differ from the panel's lots (advisory, adjusted p < {SIGNIFICANCE:g}): {', '.join(markers)}."
        )
    genes = _genes_changed(panel.genes)
    if genes["genes_tested"] is not None:
        sentences.append(
            f"Gene by gene, {genes['genes_higher']} of {genes['genes_tested']} genes change more upwards and"
            f" {genes['genes_lower']} more downwards than in the panel's lots (adjusted p <"
            f" {SIGNIFICANCE:g}; advisory, for in simulations {FALSE_CALLS:.0%} of the genes called so were unchanged)."
        )
    return sentences


def _heat(levels: pd.DataFrame | None) -> dict[str, Any]:
    """heat_samples and heat of ExpressionRecord, rounded to what a colour can show."""
    if levels is None or levels.empty:
        return {}
    rows = [
        HeatRow(gene_name=gene, group=group, log2=tuple(part["log2"].round(3)))
        for (gene, group), part in levels.groupby(["gene_name", "group"], sort=False)
    ]
    return {"heat_samples": tuple(levels["sample_id"].drop_duplicates()), "heat": tuple(rows)}


def _with_limits(markers: pd.DataFrame) -> pd.DataFrame:
    """Markers with the limit each is judged by; null where none applies."""
    return markers.assign(
        limit_tpm=markers["expected"].map({"detected": DETECTED_TPM, "absent": DETECTED_TPM}),
        limit_log2fc=markers["expected"].map({"up": CHANGED_LOG2, "down": -CHANGED_LOG2}),
    )


def _expression_findings(rna: ExpressionResults, p_values: bool, up: int, down: int) -> list[str]:
    judged = rna.markers[rna.markers["met"].notna()]
    met = int((judged["met"] == "yes").sum())
    sentences = [f"{met} of {len(judged)} judged markers behave as expected of a progenitor lot."]
    if p_values:
        sentences.append(
            f"Of {rna.differential['padj'].notna().sum():,} genes tested {up:,} are higher and {down:,} lower in the lot than in"
            f" its donor's hepatocytes (adjusted p < {SIGNIFICANCE:g})."
        )
    else:
        sentences.append(
            "Without replicates in both groups the comparison of lot and donor gives effect sizes only, no p values and no"
            " intervals"
            + (
                "; those against the reference panel rest on the panel's lots."
                if rna.panel is not None and rna.panel.facts.tier != "too few"
                else "."
            )
        )
    sentences.append(
        f"Replicates ({rna.lot_replicates} of the lot, {rna.donor_replicates} of the donor) are of one lot and one donor: they"
        " show the spread of the experiment, not of lots or donors."
    )
    return sentences + (_panel_findings(rna.panel) if rna.panel is not None else [])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
