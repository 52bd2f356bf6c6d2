"""Words on what is beside the nuclear genome: mitochondrial DNA and foreign sequences."""

from collections.abc import Iterable
from typing import Any

from karyolot.contracts.foreign import ForeignResults
from karyolot.contracts.mitochondria import CopiesPerCell, MitochondrialFacts, MitochondrialResults
from karyolot.contracts.record import Measured
from karyolot.contracts.record_extranuclear import MitochondrialRecord
from karyolot.report.words import capital, listed, number, plural

FIXED = 0.95
"""Fraction from which on an allele is that of all genomes, and below one minus it of none."""
ANOTHER_LINE = 5
"""Alleles of all genomes in one sample and of none in the other, from which on the maternal line is another."""


def mitochondria(results: MitochondrialResults) -> tuple[str, ...]:
    """The leading sentences on mitochondrial DNA."""
    facts = results.facts
    if facts.reason:
        return (f"Mitochondrial DNA was not assessed: {facts.reason}.",)
    alleles, gone = (table[table["finding"] == "shift"] for table in (results.heteroplasmies, results.deletions))
    said = [_copies(facts), _shifts(facts, len(alleles), len(gone))]
    fixed = int(
        ((alleles[["lot", "donor"]].max(axis=1) >= FIXED) & (alleles[["lot", "donor"]].min(axis=1) <= 1 - FIXED)).sum()
    )
    if fixed >= ANOTHER_LINE:
        said.append(
            f"{fixed} positions differ in all genomes: the mitochondrial DNA of lot and donor comes from two maternal lines."
        )
    said.append(_deletions(facts, len(results.deletions)))
    said.append(
        f"Reads excluded as copies in the nuclear genome (mate on another contig, low mapping quality or many mismatches): lot"
        f" {facts.lot_left_out or 0:.1%}, donor {facts.donor_left_out or 0:.1%}."
    )
    return tuple(said)


def _copies(facts: MitochondrialFacts) -> str:
    lot, donor = facts.lot_copies, facts.donor_copies
    assert lot is not None and donor is not None  # assessed
    measured = lot.sets != donor.sets
    per = (
        "per cell by the DNA content on file; donor"
        if measured
        else "per diploid cell, twice as many per tetraploid one; donor"
    )
    return f"Mitochondrial genomes: lot {_interval(lot)} {per} {_interval(donor)}{' per diploid cell' * measured}."


def _interval(copies: CopiesPerCell) -> str:
    return f"{_rounded(copies.value)} (95% CI {_rounded(copies.low)} to {_rounded(copies.high)})"


def _rounded(value: float) -> str:
    return number(float(f"{value:.3g}"))


def _shifts(facts: MitochondrialFacts, alleles: int, gone: int) -> str:
    found = [plural(alleles, "allele")] * bool(alleles) + [plural(gone, "large deletion")] * bool(gone)
    if found:
        said = (
            f"{listed(found)} of {facts.contig} {'differs' if alleles + gone == 1 else 'differ'} between lot and donor"
        )
    else:
        said = f"No allele and no large deletion of {facts.contig} differs between lot and donor"
    depth = f"median depth lot {number(facts.lot_depth)}, donor {number(facts.donor_depth)}"
    if facts.lod is None:
        return f"{said}; not even a shift of all genomes would be detected ({depth})."
    return (
        f"{said}. A shift of {facts.lod:.1%} or more is detected with {facts.power:.0%} power at 95% of the"
        f" {number(facts.positions)} compared positions ({depth}); shifts below {facts.floor:.1%} are not counted, as library"
        f" preparation (1%) and a nuclear copy in every cell ({facts.nuclear:.1%}) can cause them."
    )


def _deletions(facts: MitochondrialFacts, rows: int) -> str:
    bound = (
        ""
        if facts.deletion_lod is None
        else f"; one in at least {facts.deletion_lod:.1%} of the genomes is listed with {facts.power:.0%} power"
    )
    return f"{plural(rows, 'large deletion').capitalize() if rows else 'No large deletion'} in lot or donor{bound}."


NOT_A_TEST = (
    "For information only: it does not replace the tests of Ph. Eur. 2.6.7 (mycoplasmas) and 2.6.41 (viruses), and is no part of"
    " the verdict."
)
MOST_NAMED = 10


def foreign(results: ForeignResults) -> tuple[str, ...]:
    """The leading sentences on foreign sequences."""
    facts, table = results.facts, results.sequences
    own = table[table["kind"] != "control"]
    said = []
    for role in ("lot", "donor"):
        rows = own[(own["role"] == role) & (own["finding"] == "found")].to_dict("records")
        if rows:
            said.append(f"Found in the {role}: {listed([_amount(row) for row in rows], MOST_NAMED)}.")
        else:
            said.append(f"None of {plural(own['group'].nunique(), 'foreign sequence')} was found in the {role}.")
    limits = own[(own["role"] == "lot") & own["lod"].notna()]
    if len(limits):
        worst = max(limits.to_dict("records"), key=lambda row: float(row["lod"]))
        several = len(limits) > 1
        least, most = (
            f"{limits['lod'].min():.1g} to " * several,
            f", by length (highest for {worst['group']})" * several,
        )
        said.append(
            f"Detectable with {facts.power:.0%} power in DNA of the lot: {least}{worst['lod']:.1g} copies per diploid"
            f" genome{most}."
        )
    trace = own[(own["role"] == "lot") & (own["finding"] == "trace")]
    if len(trace):
        names = listed(list(dict.fromkeys(trace["group"])), MOST_NAMED)
        said.append(
            f"Too few fragments, or all at one position, as expected by chance or from a conserved region: {names}."
        )
    if len(results.integrations):
        places = [
            f"{row['group']} {'at' if row['split'] else 'near'} {row['chrom']}:{row['start'] + 1:,} ({row['role']},"
            f" {plural(row['fragments'], 'fragment')}{'' if row['split'] else ', by mates alone'})"
            for row in results.integrations.to_dict("records")
        ]
        said.append(f"Candidate integration sites: {listed(places, MOST_NAMED)}.")
    if facts.missing:
        said.append(f"Not assessed, as the panel lacks them: {listed(list(facts.missing), 30)}.")
    if not facts.rna:
        said.append(
            "RNA was not searched: no RNA reads of this lot, so viruses without a DNA stage (HCV) were not assessed."
        )
    return (*said, NOT_A_TEST)


def _amount(row: dict[Any, Any]) -> str:
    if row["assay"] == "DNA" and row["copies"] == row["copies"]:
        copies, low, high = (number(float(f"{row[name]:.2g}")) for name in ("copies", "copies_low", "copies_high"))
        return f"{row['group']}, {copies} copies per diploid genome (95% CI {low} to {high})"
    return f"{row['group']} in {row['assay']}, {plural(row['fragments'], 'fragment')}"


def _names(rows: Iterable[Any]) -> list[str]:
    return list(dict.fromkeys(row.group for row in rows if row.finding == "found" and row.kind != "control"))


def in_short(record: Measured) -> str:
    """The section in one line."""
    return f"{_mitochondria_in_short(record)}. {capital(_foreign_in_short(record))}"


def _foreign_in_short(record: Measured) -> str:
    if record.foreign is None:
        return "foreign sequences not assessed"
    names = _names(row for row in record.foreign.sequences if row.role == "lot")
    return f"foreign: {listed(names, 4)}" if names else "no foreign sequence"


def _mitochondria_in_short(record: Measured) -> str:
    found = record.mitochondria
    if found is None or found.facts.reason or found.facts.lot_copies is None:
        return "Mitochondrial DNA not assessed"
    findings = [row.finding for row in found.alleles] + [row.finding for row in found.deletions]
    shifted = findings.count("shift")
    diploid = "" if record.copy_number.sets is not None else "diploid "
    per = f"{_rounded(found.facts.lot_copies.value)} mitochondrial genomes per {diploid}cell"
    bound = "" if found.facts.lod is None else f" of {found.facts.lod:.1%} or more"
    return f"{per}; {plural(shifted, 'heteroplasmy shift') if shifted else f'no heteroplasmy shift{bound}'}"


def threshold(found: MitochondrialRecord) -> str:
    """How to read the tables."""
    pathogenic = found.facts.pathogenic
    if pathogenic is None:
        return ""
    genes = (
        ""
        if found.facts.rcrs
        else " Genes are named on the revised Cambridge reference sequence alone, which this contig is not."
    )
    return (
        "Fractions of mitochondrial genomes with 95% interval. Shift: p below"
        f" {number(found.facts.threshold, 2)}, both strands, and larger than {found.facts.floor:.1%}. Artefact: on one strand, or"
        f" not confirmed by depth. Pathogenic range: from {pathogenic:.0%} of the genomes (60 to 90%, Rossignol 2003, doi"
        f" 10.1042/BJ20021594), for alleles that alter a gene, and for deletions.{genes}"
    )
