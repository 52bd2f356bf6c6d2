"""Results of a lot -> its record (`report.json`), from which alone the report is rendered.

Numbers are put together here and words are added by `report.text`; nothing is judged here, that is the verdict's.
"""

import math
from collections.abc import Iterator, Sequence

import pandas as pd

from karyolot.contracts.alleles import AlleleResults
from karyolot.contracts.cells import on_ladder
from karyolot.contracts.copy_number import MASKS, CopyNumberResults
from karyolot.contracts.criteria import Verdict
from karyolot.contracts.descent import Descent
from karyolot.contracts.expression import ExpressionResults
from karyolot.contracts.foreign import ForeignResults
from karyolot.contracts.kinetics import Kinetics
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.mitochondria import MitochondrialResults
from karyolot.contracts.provenance import Provenance
from karyolot.contracts.record import (
    CNLOH,
    EDITED,
    NOT_SEEN,
    SCHEMA_VERSION,
    ImportedResult,
    LotFacts,
    LotPoint,
    Measured,
    Record,
    SampleQc,
)
from karyolot.contracts.record_dna import (
    ArmRow,
    BinTrack,
    CallRow,
    Chromosome,
    CopyNumberRecord,
    DonorVariantRow,
    Landmarks,
    LodRow,
    RecurrentRow,
    SegmentRow,
)
from karyolot.contracts.record_extranuclear import (
    DeletionRow,
    ForeignRecord,
    ForeignRow,
    HeteroplasmyRow,
    IntegrationRow,
    MitochondrialRecord,
)
from karyolot.contracts.settings import CopyNumber
from karyolot.contracts.small_variants import VariantResults
from karyolot.contracts.text import Findings
from karyolot.report.agreement import with_expression
from karyolot.report.alleles import allele_record, seen_by_alleles, with_alleles
from karyolot.report.expression import expression_record
from karyolot.report.lineage import Passage, lineage
from karyolot.report.qc import with_rna_quality
from karyolot.report.rows import record_rows
from karyolot.report.small_variants import small_variant_record
from karyolot.report.text import alleles as on_alleles
from karyolot.report.text import copy_number as on_copy_number
from karyolot.report.text import expression as on_expression
from karyolot.report.text import extranuclear as on_extranuclear
from karyolot.report.text import passages, report
from karyolot.report.text import small_variants as on_variants
from karyolot.report.text.tiles import COVERAGE, USABLE

ABOUT_KARYOTYPE = (MetricName.DNA_NEUTRAL, MetricName.DNA_USABLE_BINS, MetricName.DNA_BLIND_ARMS)
"""Metrics without which an unchanged karyotype would be no finding."""
UNDECIDED = ("FAIL", "INDETERMINATE")


def assemble(
    lot: LotFacts,
    notice: str,
    verdict: Verdict,
    dna: CopyNumberResults,
    rna: ExpressionResults | None,
    qc: Sequence[SampleQc],
    provenance: Provenance,
    settings: CopyNumber,
    alleles: AlleleResults | None = None,
    results: Sequence[ImportedResult] | None = None,
    variants: VariantResults | None = None,
    mitochondria: MitochondrialResults | None = None,
    foreign: ForeignResults | None = None,
    earlier: Sequence[Record] = (),
    sets: float | None = None,
    kinetics: Kinetics | None = None,
    descent: Descent | None = None,
) -> Record:
    """The record of a lot, sealed under the id that fits its content. alleles: None without a panel of SNPs; variants: None
    without a list of genes; mitochondria: None without reads of lot and donor; foreign: None without a panel; results: None
    without a sheet of them; earlier: records of the lots it was grown from, its parent last; sets: of chromosomes in its cells
    by the DNA content on file, None = not measured; kinetics: of its clones, None = no earlier lot."""
    copy_number = _copy_number(dna, None if rna is None else rna.arms, settings, alleles, verdict, sets)
    expression = None if rna is None else expression_record(rna, lot)
    measured = Measured(
        schema_version=SCHEMA_VERSION,
        notice=notice,
        lot=lot,
        verdict=verdict,
        copy_number=copy_number,
        expression=expression,
        alleles=None if alleles is None else allele_record(alleles),
        small_variants=None if variants is None else small_variant_record(variants, dna, alleles, rna),
        mitochondria=None if mitochondria is None else mitochondrial_record(mitochondria),
        foreign=None if foreign is None else foreign_record(foreign),
        qc=with_rna_quality(qc, None if rna is None else rna.quality),
        imported=tuple(result for result in results or () if result.kind != "deviation"),
        deviations=None if results is None else tuple(result for result in results if result.kind == "deviation"),
        point=point(lot, verdict, copy_number, qc),
        earlier=tuple(record.point for record in earlier),
        lineage=lineage([*map(_passage, earlier), Passage(lot.lot_id, None if verdict.suppressed else copy_number)]),
        kinetics=None if verdict.suppressed else kinetics,
        descent=None if verdict.suppressed else descent,
        not_seen=tuple(_not_seen(alleles, qc)),
        provenance=provenance,
    )
    findings = Findings(
        copy_number=on_copy_number.findings(dna),
        alleles=() if alleles is None else on_alleles.findings(alleles, sets),
        small_variants=() if variants is None else on_variants.findings(variants, sets),
        mitochondria=() if mitochondria is None else on_extranuclear.mitochondria(mitochondria),
        foreign=() if foreign is None else on_extranuclear.foreign(foreign),
        expression=() if rna is None or expression is None else on_expression.findings(rna, expression),
        limits=on_copy_number.limits(
            dna, copy_number, [result.document for result in results or () if result.kind == "dna_content"]
        ),
    )
    return worded(measured, findings).model_copy(update={"persons": None if alleles is None else alleles.persons})


def _not_seen(alleles: AlleleResults | None, qc: Sequence[SampleQc]) -> Iterator[str]:
    yield from (noun for noun in NOT_SEEN if noun != CNLOH or not seen_by_alleles(alleles))
    # Usable fragments are not known of a genome that came as counts per bin.
    if any(figure.name == USABLE and figure.value is None for sample in qc for figure in sample.figures):
        yield EDITED


def _passage(record: Record) -> Passage:
    return Passage(record.lot.lot_id, None if record.verdict.suppressed else record.copy_number)


def worded(measured: Measured, findings: Findings) -> Record:
    """A record with its words, sealed. findings: the leading sentences, which rest on the results themselves."""
    parts = {name: getattr(measured, name) for name in Measured.model_fields}
    return Record(**parts, text=report.speak(measured, findings), report_id="").sealed()


def point(lot: LotFacts, verdict: Verdict, copies: CopyNumberRecord, qc: Sequence[SampleQc]) -> LotPoint:
    """What a trend shows of a lot."""
    own = {f.name: f.value for s in qc if (s.role, s.assay) == ("lot", "wgs") for f in s.figures}
    depth, fragments = own.get(COVERAGE), own.get(USABLE)
    given, claim = lot.facts.get("passage"), copies.claim
    passage = given if isinstance(given, (int, float)) else None
    lod = None if claim is None or claim.gain is None or claim.loss is None else max(claim.gain, claim.loss)
    # 'lost': the donor deviates there, not the lot.
    largest = [min(call.fraction, 1.0) for call in copies.calls if call.origin != "lost"]
    fraction = None if verdict.suppressed or (lod is None and not largest) else max(largest, default=0.0)
    return LotPoint(
        lot_id=lot.lot_id,
        donor_id=lot.donor_id,
        parent=None if lot.facts.get("parent_lot_id") is None else str(lot.facts["parent_lot_id"]),
        passage=passage,
        outcome=verdict.outcome,
        fraction=fraction,
        lod=None if verdict.suppressed else lod,
        claim_mb=copies.claim_mb,
        depth=depth if isinstance(depth, float) else None,
        fragments=fragments if isinstance(fragments, int) else None,
        mark=passages.mark(lot.lot_id, passage, verdict.outcome, fraction),
    )


def _copy_number(
    dna: CopyNumberResults,
    shifts: pd.DataFrame | None,
    settings: CopyNumber,
    alleles: AlleleResults | None,
    verdict: Verdict,
    sets: float | None,
) -> CopyNumberRecord:
    used = dna.ratios[dna.ratios["mask"].isna()]
    broken = dna.segments[dna.segments["bins"] >= settings.min_bins]["published_rule"]
    withheld = dna.karyotype.withheld or withheld_by(verdict)
    own = dna.calls[dna.calls["origin"] != "lost"]
    intervals = list(zip(own["fraction_low"], own["fraction_high"], strict=True))
    return CopyNumberRecord(
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
        landmarks=Landmarks(**{str(name): tuple(values) for name, values in dna.landmarks.to_dict("list").items()}),
        arms=tuple(_arm_rows(dna.arms)),
        recurrent=tuple(_recurrent_rows(dna)),
        lod=tuple(_lod_row(part.set_index("type")) for _, part in dna.lod.groupby("size_bp")),
        sets=sets,
        ladder=sets is None and on_ladder(intervals),
        karyotype=None if withheld else dna.karyotype.text,
        karyotype_withheld=withheld,
        power=settings.power,
        claim_mb=settings.claim_mb,
        published_gain_log2=math.log2(settings.published_gain),
        published_loss_log2=math.log2(settings.published_loss),
        published_gains=int((broken == "gain").sum()),
        published_losses=int((broken == "loss").sum()),
    )


def withheld_by(verdict: Verdict) -> str:
    """Why no karyotype is given with this verdict, '' = one is: identity, or data that cannot carry a stability verdict."""
    if verdict.outcome == "FAIL_IDENTITY":
        return "the lot does not match its donor"
    broken = [result for result in verdict.criteria if result.metric in ABOUT_KARYOTYPE and result.outcome in UNDECIDED]
    return f"not met: {broken[0].title} ({broken[0].id})" if broken else ""


def _with_size(calls: pd.DataFrame) -> pd.DataFrame:
    return calls.assign(size_mb=(calls["end"] - calls["start"]) / 1e6)


def _lod_row(limits: pd.DataFrame) -> LodRow:
    """limits: schema Lod of one size, by type."""
    gain, loss = (limits.loc[name].to_dict() for name in ("gain", "loss"))
    return LodRow(
        size_mb=gain["size_bp"] / 1e6,
        gain=_known(gain["fraction"]),
        loss=_known(loss["fraction"]),
        tetraploid_gain=_known(gain["tetraploid"]),
        tetraploid_loss=_known(loss["tetraploid"]),
        gains_spiked_in=gain["spike_ins"],
        gains_found=gain["found"],
        losses_spiked_in=loss["spike_ins"],
        losses_found=loss["found"],
    )


def _arm_rows(arms: pd.DataFrame) -> Iterator[ArmRow]:
    names = [name for name in ArmRow.model_fields if name != "masked"]
    for row in arms[arms["scope"] != "recurrent"].to_dict("records"):
        masked = {reason: round(row[f"masked_{reason}"], 4) for reason in MASKS if row[f"masked_{reason}"] > 0}
        known = {name: None if pd.isna(row[name]) else row[name] for name in names}
        yield ArmRow.model_validate({**known, "masked": masked})


def _recurrent_rows(dna: CopyNumberResults) -> Iterator[RecurrentRow]:
    """One row per entry of the recurrent list, with the test of its region."""
    tests = dna.arms[dna.arms["scope"] == "recurrent"].set_index("name")
    for entry in dna.recurrent.to_dict("records"):
        facts: dict[str, object] = {"bins": 0, "log2": None, "lod": None, "tetraploid_lod": None, "changed": False}
        if entry["region"] in tests.index:
            row = tests.loc[entry["region"]]
            names = {"lod": f"lod_{entry['change']}", "tetraploid_lod": f"tetraploid_{entry['change']}"}
            limits = {name: _known(row[column]) if row["assessable"] else None for name, column in names.items()}
            facts = {"bins": row["bins"], "log2": _known(row["log2"]), "changed": row["changed"], **limits}
        yield RecurrentRow.model_validate({**entry, **facts})


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


def mitochondrial_record(results: MitochondrialResults) -> MitochondrialRecord:
    """The record's part on mitochondrial DNA."""
    return MitochondrialRecord(
        facts=results.facts,
        alleles=record_rows(results.heteroplasmies, HeteroplasmyRow),
        deletions=record_rows(results.deletions, DeletionRow),
    )


def foreign_record(results: ForeignResults) -> ForeignRecord:
    """The record's part on foreign sequences."""
    return ForeignRecord(
        facts=results.facts,
        sequences=record_rows(results.sequences, ForeignRow),
        integrations=record_rows(results.integrations, IntegrationRow),
    )


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)
