"""Mitochondrial DNA of a lot against its donor: copies per cell, heteroplasmy, large deletions, and what they mean."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.special import stdtrit

from karyolot.contracts.cells import DIPLOID
from karyolot.contracts.criteria import Metric, Metrics
from karyolot.contracts.metrics import MetricName
from karyolot.contracts.mitochondria import (
    CopiesPerCell,
    Heteroplasmies,
    MitochondrialDeletions,
    MitochondrialFacts,
    MitochondrialReads,
    MitochondrialResults,
    NuclearReads,
)
from karyolot.contracts.settings import Mitochondria
from karyolot.dna.heteroplasmy import LEAST_DEPTH, Compared, compare, heteroplasmies, smallest_shift
from karyolot.dna.mitochondrial_deletions import deletions, smallest_deletion, typical_depth
from karyolot.dna.mitochondrial_genes import is_rcrs

PATHOGENIC = 0.6
"""Fraction of mutated genomes from which on cells fail to respire: 60 to 90 %, by mutation and tissue (Rossignol 2003, doi
10.1042/BJ20021594)."""
WINDOWS = 16
"""Parts of the contig whose unevenness makes the interval of the copies per cell."""
LISTED = 5
"""Findings named in a criterion; the report has all."""


def nuclear_reads(bins: pd.DataFrame, counts: pd.DataFrame, flagstat: Mapping[str, Mapping[str, int]]) -> NuclearReads:
    """Of a sample. bins, counts: schema Bins and Counts, row by row. flagstat: as samtools writes it."""
    passed = flagstat["QC-passed reads"]
    used = ((bins["region"] == "autosome") & (bins["gap"] < 0.5)).to_numpy()
    called = ((bins["end"] - bins["start"]) * (1 - bins["gap"])).to_numpy()[used].sum()
    counted = counts["count"].to_numpy()[used].sum()
    return NuclearReads(float(counted / max(called, 1.0)), passed["primary duplicates"], passed["primary"])


def analyse(
    lot: MitochondrialReads | None,
    donor: MitochondrialReads | None,
    lot_nuclear: NuclearReads,
    donor_nuclear: NuclearReads,
    settings: Mitochondria,
    sets: float | None,
) -> MitochondrialResults:
    """All on the mitochondrial DNA of a lot.

    Parameters
    ----------
    lot, donor
        None where the reference has no mitochondrial contig.
    sets
        Of chromosomes in the lot's cells; None = not measured, and copies are per diploid genome.
    """
    if lot is None or donor is None:
        return _nothing("the reference has no mitochondrial contig (chrM or MT)")
    for reads, whose in ((lot, "lot"), (donor, "donor")):
        if not len(reads.spans):
            return _nothing(
                f"the {whose} has no usable read on {reads.contig}; reads on it may have been removed", lot.contig
            )
    per_cell = copies(lot, lot_nuclear, sets or DIPLOID), copies(donor, donor_nuclear, DIPLOID)
    if any(found is None or found.value <= 0 for found in per_cell):
        return _nothing("no autosomal fragment was counted in lot or donor", lot.contig)
    share = max(DIPLOID / (found.value * DIPLOID / found.sets + DIPLOID) for found in per_cell if found is not None)
    compared = compare(lot, donor, settings, share)
    if not len(compared.place):
        return _nothing(f"no position of {lot.contig} has {LEAST_DEPTH} fragments in both lot and donor", lot.contig)
    facts = MitochondrialFacts(
        reason="",
        contig=lot.contig,
        length=len(lot.sequence),
        rcrs=is_rcrs(lot.sequence),
        lot_copies=per_cell[0],
        donor_copies=per_cell[1],
        lot_depth=float(np.median(compared.lot_depth)),
        donor_depth=float(np.median(compared.donor_depth)),
        positions=len(compared.place),
        dispersion=compared.dispersion,
        threshold=compared.threshold,
        floor=compared.floor,
        nuclear=share,
        lod=_bound(compared, settings.power),
        deletion_lod=smallest_deletion(typical_depth(lot), settings.power),
        power=settings.power,
        pathogenic=PATHOGENIC,
        lot_left_out=_left_out(lot),
        donor_left_out=_left_out(donor),
    )
    return MitochondrialResults(heteroplasmies(compared, lot, donor, settings), deletions(lot, donor, settings), facts)


def _nothing(reason: str, contig: str = "") -> MitochondrialResults:
    tables = Heteroplasmies.frame([]), MitochondrialDeletions.frame([])
    return MitochondrialResults(*tables, MitochondrialFacts(reason=reason, contig=contig))


def _left_out(reads: MitochondrialReads) -> float:
    """Part of the reads on the contig that were taken for those of nuclear copies."""
    left = reads.elsewhere + reads.unsure + reads.diverged
    return left / max(left + len(reads.spans), 1)


def copies(reads: MitochondrialReads, nuclear: NuclearReads, sets: float) -> CopiesPerCell | None:
    """Mitochondrial genomes per cell: fragments per base over those of one autosomal copy.

    Duplicates count on both sides: at thousands of copies many fragments are equal by chance, and marking them would take
    real ones. The rate of duplicates of nuclear reads is that of the file without the mitochondrial contig.
    """
    outside = nuclear.reads - 2 * reads.fragments
    duplicates = (nuclear.duplicates - 2 * reads.duplicates) / max(outside, 1)
    autosomal = nuclear.autosomal / max(1 - max(duplicates, 0.0), 1e-3)
    if autosomal <= 0:
        return None
    value = sets * reads.fragments / len(reads.sequence) / autosomal
    depth = reads.bases.sum(axis=(1, 2))
    parts = np.array([part.mean() for part in np.array_split(depth, WINDOWS)]) / max(depth.mean(), 1e-9)
    half = float(stdtrit(WINDOWS - 1, 0.975) * parts.std(ddof=1) / np.sqrt(WINDOWS))
    return CopiesPerCell(value=value, low=value * max(1 - half, 0.0), high=value * (1 + half), sets=sets)


def _bound(compared: Compared, power: float) -> float | None:
    """The smallest shift found at 95 % of the positions."""
    lot, donor = (float(np.quantile(depth, 0.05)) for depth in (compared.lot_depth, compared.donor_depth))
    return smallest_shift(compared, lot, donor, power)


def pathogenic_rows(results: MitochondrialResults) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Shifts that the lot may carry in PATHOGENIC genomes or more (upper end of the interval), where the donor has less:
    alleles that alter a gene, or of unknown effect, and deletions."""
    alleles, gone = results.heteroplasmies, results.deletions
    kept = [
        (table["finding"] == "shift") & (table["shift"] > 0) & (table["lot_high"] >= PATHOGENIC)
        for table in (alleles, gone)
    ]
    return alleles[kept[0] & alleles["altering"].map(lambda known: known is not False)], gone[kept[1]]


def mitochondrial_metrics(results: MitochondrialResults) -> Metrics:
    """Metrics of the stage 'mitochondria'."""
    facts = results.facts
    names = (MetricName.MITOCHONDRIA_SHIFTS, MetricName.MITOCHONDRIA_PATHOGENIC, MetricName.MITOCHONDRIA_COPIES,
             MetricName.MITOCHONDRIA_LOD)  # fmt: skip
    if facts.reason:
        return {name: Metric(value=None, reason=facts.reason) for name in names}
    shifted = [table[table["finding"] == "shift"] for table in (results.heteroplasmies, results.deletions)]
    bound = "" if facts.lod is None else f"a shift of {facts.lod:.1%} is detectable at 95% of the positions"
    assert facts.lot_copies is not None and facts.donor_copies is not None  # there is no reason why not
    return {
        MetricName.MITOCHONDRIA_SHIFTS: _counted(shifted, bound),
        MetricName.MITOCHONDRIA_PATHOGENIC: _counted(pathogenic_rows(results), f"from {PATHOGENIC:.0%} of the genomes"),
        MetricName.MITOCHONDRIA_COPIES: Metric(
            value=round(facts.lot_copies.value, 1), detail=f"donor {facts.donor_copies.value:.0f}"
        ),
        MetricName.MITOCHONDRIA_LOD: Metric(
            value=None if facts.lod is None else round(facts.lod, 4),
            reason="not even a shift of all genomes is detectable" if facts.lod is None else "",
        ),
    }


def _counted(tables: tuple[pd.DataFrame, pd.DataFrame] | list[pd.DataFrame], bound: str) -> Metric:
    alleles, gone = (table.to_dict("records") for table in tables)
    names = [name_of(row) for row in alleles] + [deletion_name(row) for row in gone]
    said = names[:LISTED] + [f"and {len(names) - LISTED} more"] * (len(names) > LISTED)
    return Metric(value=len(names), detail="; ".join([*said, bound] if bound else said), about=tuple(names))


def name_of(row: dict[object, object]) -> str:
    """'m.3243A>G (MT-TL1) 12.0%, donor 1.0%'."""
    gene = " ".join(str(row[part]) for part in ("gene", "change") if row[part])
    return f"m.{int(str(row['start'])) + 1}{row['ref']}>{row['alt']}{f' ({gene})' if gene else ''} {_fractions(row)}"


def deletion_name(row: dict[object, object]) -> str:
    """'deletion of 4,977 bases from m.8470 12.0%, donor 1.0%'."""
    return f"deletion of {int(str(row['size'])):,} bases from m.{int(str(row['start'])) + 1} {_fractions(row)}"


def _fractions(row: dict[object, object]) -> str:
    return f"{float(str(row['lot'])):.1%}, donor {float(str(row['donor'])):.1%}"
