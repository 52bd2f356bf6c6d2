"""What the check finds in FASTQ, BAM and CRAM files, in allele counts, in the panel of SNPs and in calls of variants."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from karyolot.contracts.aligners import FAMILIES
from karyolot.contracts.contigs import foreign_contigs
from karyolot.contracts.problems import Fault, quoted
from karyolot.inputs.files import Files, Use
from karyolot.inputs.formats import alignment, allele_counts, fastq, sites, variants
from karyolot.inputs.formats.text import regular_file
from karyolot.inputs.genome import contig_fault, layout_of
from karyolot.io.shipped import resource

FEW_SITES = 1_000
"""Of common SNPs 1,000 decide identity at a depth of 1x in 39 of 40 samples, 500 in 27; at 5x 100 do (simulated persons,
frequencies of 10 to 90 %, likelihood ratio 10^4)."""


def reads(files: Files, uses: Sequence[Use], contigs: Mapping[str, int] | None) -> None:
    """Every FASTQ file and alignment by itself, the same reads in two of them, then the mates of each row."""
    rows = [entry.row for entry in files.draft.samples]
    known = {name.casefold() for row in rows for name in (row.sample_id, row.lot_id, row.donor_id) if name}
    heads: dict[tuple[int, str], tuple[Use, fastq.Facts]] = {}
    aligners: dict[tuple[str, str], tuple[Use, str]] = {}
    for use in uses:
        try:
            if use.column == "alignment":
                genome = files.there.get("reference.fasta")
                facts = files.look(alignment.look, use.file, files.config.counting.min_mapq, genome)
                files.report_row(use, _aligned(files, use, facts, contigs, known))
                digest, aligner = facts.digest, facts.aligner
            elif use.column in {"fastq_1", "fastq_2"}:
                head = files.look(fastq.look, use.file)
                files.report_row(use, _raw(files, head))
                heads[use.entry.line, use.column], digest = (use, head), head.digest
                aligner = FAMILIES[files.config.alignment.aligner]
            else:
                continue
        except Fault as fault:
            files.in_row(use, fault)
            continue
        files.repeated(use, ("content", digest), "holds the same reads as")
        row = use.entry.row
        if row.assay == "wgs" and aligner is not None:
            aligners["lot" if row.lot_id else "donor", row.lot_id or str(row.donor_id)] = use, aligner
    _aligned_alike(files, aligners)
    for (line, column), (use, first) in heads.items():
        other = heads.get((line, "fastq_2"))
        if column != "fastq_1" or other is None or line in files.misplaced:
            continue
        if found := fastq.mates_fault(first, other[1]):
            files.in_row((use, other[0])[found[0]], found[1])


def _aligned_alike(files: Files, aligners: Mapping[tuple[str, str], tuple[Use, str]]) -> None:
    """Warn where the reads of a lot and of its donor are placed by different aligners. aligners: by kind and id of the owner."""
    for entry in files.draft.lots:
        lot, donor = aligners.get(("lot", entry.row.lot_id)), aligners.get(("donor", entry.row.donor_id))
        if lot is None or donor is None or lot[1] == donor[1]:
            continue
        own, other = (lot, donor) if lot[0].column == "alignment" else (donor, lot)
        whose = "donor" if own is lot else f"lot {quoted(entry.row.lot_id)}"
        message = f"its reads were aligned by {own[1]}, and those of its {whose} by {other[1]}"
        remedy = "give the FASTQ files of both, or align both with one aligner: they differ in repeats, which resembles a change"
        files.in_row(own[0], Fault("W28", message, remedy))


def _raw(files: Files, head: fastq.Facts) -> Iterator[Fault]:
    if head.longest < (least := files.config.reads.min_length):
        message = f"its reads have at most {head.longest} bases, and reads.min_length is {least}"
        yield Fault("E28", message, "name the right file, or lower reads.min_length")


def _aligned(
    files: Files, use: Use, facts: alignment.Facts, contigs: Mapping[str, int] | None, known: set[str]
) -> Iterator[Fault]:
    """known: names of all samples, lots and donors of the sheet, in lower case."""
    if use.entry.line not in files.misplaced and (fault := _sample_fault(use, facts.samples, known)):
        yield fault
    if contigs is not None and (difference := contig_fault(facts.contigs, contigs)):
        yield Fault("E14", difference, "give the FASTA the reads were aligned to, or the FASTQ files")


def _sample_fault(use: Use, samples: frozenset[str], known: set[str]) -> Fault | None:
    """What the samples (SM) that a header names state against its row."""
    row = use.entry.row
    owner = row.lot_id or row.donor_id
    own = {name.casefold() for name in (row.sample_id, owner) if name}
    foreign = sorted(name for name in samples if name.casefold() not in own)
    if taken := [name for name in foreign if name.casefold() in known]:
        message = f"its read groups name {quoted(taken[0])} (SM), which is another sample of this sheet"
        return Fault("E30", message, "name the file of this sample; if the header is wrong, samtools addreplacerg")
    if len(samples) > 1:
        message = f"holds reads of {len(samples)} samples (SM {', '.join(sorted(samples))})"
        return Fault("W28", message, "split it by read group, unless all are the same cells")
    if foreign:
        known_as = " or ".join(dict.fromkeys(name for name in (row.sample_id, owner) if name))
        message = f"its read groups name the sample {quoted(foreign[0])} (SM), not {known_as}"
        return Fault("W28", message, "make sure that it is the file of this sample")
    return None


def alleles(files: Files, uses: Sequence[Use], contigs: Mapping[str, int] | None) -> None:
    """Allele counts: each table by itself and on the genome, and each lot's against its donor's."""
    found: dict[tuple[str, str], tuple[Use, allele_counts.Facts]] = {}
    for use in uses:
        row = use.entry.row
        if use.column != "alleles" or row.assay != "wgs" or not row.counts:
            continue
        try:
            facts = files.look(allele_counts.look, use.file, row.alleles_name, row.sample_id)
            if contigs and (foreign := foreign_contigs(facts.contigs, contigs, "count the alleles over this genome")):
                raise foreign
        except Fault as fault:
            files.in_row(use, fault)
            continue
        found["lot" if row.lot_id else "donor", row.lot_id or str(row.donor_id)] = use, facts
    donor_of = {entry.row.lot_id: entry.row.donor_id for entry in files.draft.lots}
    for (kind, owner), (use, own) in found.items():
        donor = found.get(("donor", donor_of.get(owner) or "")) if kind == "lot" else None
        if donor is not None:
            _shared_alleles(files, use, own, *donor)


def _shared_alleles(
    files: Files, use: Use, own: allele_counts.Facts, of_donor: Use, donor: allele_counts.Facts
) -> None:
    line = of_donor.entry.line
    if own.digest == donor.digest:
        message = f"holds the same reads per allele as the table of its donor (line {line})"
        files.in_row(
            use, Fault("E03", message, "name the lot's own table, or state in alleles_name which sample it is")
        )
        return
    shared = len(np.intersect1d(own.keys, donor.keys, assume_unique=True))
    if not shared:
        message = f"has no site in common with the alleles of its donor (line {line})"
        files.in_row(use, Fault("E14", message, "count both at the same sites of one assembly"))
    elif shared < FEW_SITES:
        message = f"{shared} sites are shared with its donor, and about {FEW_SITES} are needed to decide identity at 1x"
        files.in_row(use, Fault("W05", message, "count both at 5,000 or more common SNPs"))


def panel(files: Files, contigs: Mapping[str, int] | None, file: Path) -> Iterator[Fault]:
    """What is wrong with the panel of SNPs, by itself and against the genome."""
    layout, _ = layout_of(files)
    fasta = files.there.get("reference.fasta") if contigs else None
    found = files.remembered.look(sites.look, file, contigs, layout.autosomes if layout and contigs else None, fasta)
    if found.turned:
        out = ", ".join(f"{count} {reason}" for reason, count in found.left_out.items())
        message = f"its alleles are on the strand of genes: {found.turned} sites were turned, {found.sites} are used"
        yield Fault("W28", f"{message} (left out: {out})", "check this against its source")
    if found.sites < FEW_SITES:
        message = f"{found.sites} sites are used, and about {FEW_SITES} are needed to decide identity at a depth of 1x"
        yield Fault("W05", message, "give a panel of 5,000 to 20,000 common SNPs")


def calls(files: Files, contigs: Mapping[str, int] | None) -> None:
    """Calls of small variants that the user gives, of each lot that is searched."""
    pattern = files.config.small_variants.calls
    if pattern is None:
        return
    of: dict[str, dict[str | None, str]] = {"lot": {}, "donor": {}}
    for entry in files.draft.samples:
        row = entry.row
        if row.assay == "wgs" and row.counts is None:
            of["lot" if row.lot_id else "donor"].setdefault(row.lot_id or row.donor_id, row.sample_id)
    for row_of_lot in (entry.row for entry in files.draft.lots):
        lot, donor = of["lot"].get(row_of_lot.lot_id), of["donor"].get(row_of_lot.donor_id)
        if lot and donor:
            path = pattern.replace("{lot}", str(row_of_lot.lot_id))
            try:
                file = resource(path, files.workdir)
                regular_file(file)
                found = variants.look(file, lot, donor)
                if contigs and (difference := contig_fault(found.contigs, contigs, spans="variants")):
                    raise Fault("E14", difference, "call the variants on this genome")
            except Fault as fault:
                files.in_config("small_variants.calls", fault, path)
