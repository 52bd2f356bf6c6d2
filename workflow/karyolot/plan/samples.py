"""Facts of samples and lots that rules ask for. Pure functions of the sample sheets."""

from typing import Any

from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Sample, Study, cultures

NEVER = "(?!)"
"""A pattern nothing matches: the constraint of a rule that no sample of this study needs."""


def unit_of(study: Study, sample: str, unit: str) -> Sample:
    return next(row for row in study.samples[sample] if row.unit == unit)


def reads_of(study: Study, sample: str, unit: str) -> list[str]:
    """One or two FASTQ files."""
    row = unit_of(study, sample, unit)
    return [path for path in (row.fastq_1, row.fastq_2) if path is not None]


def lanes_of(study: Study, sample: str) -> list[str]:
    """FASTQ files of all lanes of a sample."""
    return [path for unit in units_of(study, sample) for path in reads_of(study, sample, unit)]


def checksums_of(study: Study, sample: str, unit: str) -> list[str | None]:
    """The sha256 the sheet states for each file of `reads_of`; None where it states none."""
    row = unit_of(study, sample, unit)
    return [row.sha256_1, row.sha256_2][: len(reads_of(study, sample, unit))]


def verified_with(study: Study, row: Sample) -> Sample:
    """The first row with the same count matrix and the same stated checksum; a row with other data is its own."""
    if row.counts is None or row.assay == "wgs":
        return row
    rows = (other for rows in study.samples.values() for other in rows)
    return next(other for other in rows if (other.counts, other.sha256_1) == (row.counts, row.sha256_1))


def units_of(study: Study, sample: str) -> list[str]:
    return [row.unit for row in study.samples[sample]]


def samples_with(study: Study, *entries: str, assay: str | None = None) -> list[str]:
    """Ids of the samples that enter by one of 'fastq_1', 'alignment', 'counts', or have 'alleles' beside them; of one assay
    ('wgs', 'rnaseq') or any."""
    rows = {name: rows[0] for name, rows in study.samples.items()}
    return [
        name
        for name, row in rows.items()
        if assay in (None, row.assay) and any(getattr(row, entry) is not None for entry in entries)
    ]


def one_of(names: list[str]) -> str:
    """A wildcard constraint: any of `names`, nothing when there are none."""
    return "|".join(names) if names else NEVER


def dna_sample(study: Study, *, lot: str | None = None, donor: str | None = None) -> str:
    """The one WGS sample of a lot, or of a donor's hepatocytes."""
    for name, rows in study.samples.items():
        if rows[0].assay == "wgs" and ((lot and rows[0].lot_id == lot) or (donor and rows[0].donor_id == donor)):
            return name
    raise KaryolotError(f"no WGS sample of {lot or donor} in the sample sheet; add its row")


def sex_of(study: Study, lot: str) -> str:
    """Sex of the lot's donor by record."""
    return study.donors[study.lots[lot].donor_id].sex


def rna_samples(study: Study, lot: str) -> list[str]:
    """RNA samples of a lot and of its donor, the donor's first; empty unless both have some."""
    donor = study.lots[lot].donor_id
    of_donor = [name for name, rows in study.samples.items() if rows[0].assay == "rnaseq" and rows[0].donor_id == donor]
    of_lot = [name for name, rows in study.samples.items() if rows[0].assay == "rnaseq" and rows[0].lot_id == lot]
    return of_donor + of_lot if of_donor and of_lot else []


def rna_replicates(study: Study, lot: str) -> dict[str, int]:
    """Numbers of RNA samples of a lot and of its donor, and of the independent cultures they are of, as `ExpressionResults`
    names them."""
    numbers: dict[str, int] = {}
    for owner, is_lot in (("lot", True), ("donor", False)):
        own = [name for name in rna_samples(study, lot) if bool(study.samples[name][0].lot_id) is is_lot]
        libraries = {name: {row.library_id or name for row in study.samples[name]} for name in own}
        numbers |= {f"{owner}_samples": len(own), f"{owner}_cultures": len(set(cultures(libraries).values()))}
    return numbers


def lots_with_dna(study: Study) -> list[str]:
    sequenced = {rows[0].lot_id for rows in study.samples.values() if rows[0].assay == "wgs"}
    return [lot for lot in study.lots if lot in sequenced]


def ancestors(study: Study, lot: str) -> list[str]:
    """Lots with DNA that this one was grown from, its parent last. The check has seen that no lot is its own ancestor."""
    found: list[str] = []
    while (parent := study.lots[lot].parent_lot_id) is not None:
        found.insert(0, lot := parent)
    sequenced = lots_with_dna(study)
    return [name for name in found if name in sequenced]


def line_of(study: Study, lot: str) -> list[dict[str, Any]]:
    """Lots of `ancestors` and the lot itself, last: lot_id, passage, and sets of chromosomes (`sets_of`)."""
    return [_of_line(study, name) for name in (*ancestors(study, lot), lot)]


def parent_of(study: Study, lot: str) -> str:
    """The nearest of `ancestors`."""
    return ancestors(study, lot)[-1]


def family_of(study: Study, first: str) -> list[dict[str, Any]]:
    """All lots of a family, as `line_of` describes them."""
    return [_of_line(study, name) for name in families(study)[first]]


def _of_line(study: Study, lot: str) -> dict[str, Any]:
    return {"lot_id": lot, "passage": study.lots[lot].passage, "sets": sets_of(study, lot)}


def families(study: Study) -> dict[str, list[str]]:
    """Lots with DNA that were grown from one lot, by that lot, in the order of their passages; only where some of them are
    sisters, so that no lot has all the others among its ancestors."""
    found: dict[str, list[str]] = {}
    for lot in lots_with_dna(study):
        first = lot
        while (parent := study.lots[first].parent_lot_id) is not None:
            first = parent
        found.setdefault(first, []).append(lot)
    forked = {
        first: lots for first, lots in found.items() if max(len(ancestors(study, lot)) for lot in lots) < len(lots) - 1
    }
    return {first: sorted(lots, key=lambda lot: study.lots[lot].passage or 0) for first, lots in forked.items()}


def lots_with_rna(study: Study) -> list[str]:
    return [lot for lot in study.lots if rna_samples(study, lot)]


def study_samples(study: Study) -> list[str]:
    """All RNA samples a lot's comparison uses, each once, in sheet order."""
    wanted = {sample for lot in study.lots for sample in rna_samples(study, lot)}
    return [name for name in study.samples if name in wanted]


def sequenced_samples(study: Study, lot: str) -> list[str]:
    """Every sample a lot's report rests on: its WGS, its donor's WGS, and the RNA of both."""
    donor = study.lots[lot].donor_id
    return [dna_sample(study, donor=donor), dna_sample(study, lot=lot), *rna_samples(study, lot)]


def fastq_files(study: Study, lot: str) -> int:
    """Number of FASTQ files a lot's report rests on."""
    rows = [row for sample in sequenced_samples(study, lot) for row in study.samples[sample]]
    return sum(len(reads_of(study, row.sample_id, row.unit)) for row in rows)


def sample_facts(study: Study, sample: str) -> dict[str, str]:
    first = study.samples[sample][0]
    return {"sample_id": sample, "assay": first.assay, "role": "lot" if first.lot_id else "donor"}


def lot_facts(study: Study, lot: str) -> dict[str, object]:
    """Schema LotFacts, as plain values."""
    row = study.lots[lot]
    donor = study.donors[row.donor_id]
    facts = row.model_dump(mode="json", exclude={"lot_id", "donor_id"}) | {"donor_age": donor.age}
    return {"lot_id": lot, "donor_id": row.donor_id, "donor_sex": donor.sex, "facts": facts}


def lot_results(study: Study, lot: str) -> list[dict[str, object]] | None:
    """Schema ImportedResult, as plain values, for every result and deviation of the lot, in sheet order; None without a
    sheet of results."""
    if study.results is None:
        return None
    sex = study.donors[study.lots[lot].donor_id].sex
    rows = [row for row in study.results if row.lot_id == lot]
    return [row.model_dump(mode="json", exclude={"lot_id"}) | {"met": row.met(sex)} for row in rows]


def sets_of(study: Study, lot: str) -> float | None:
    """Mean sets of chromosomes of a lot's cells by its DNA content on file, the highest of several; None = not measured."""
    return max((row.sets for row in study.results or () if row.lot_id == lot and row.sets is not None), default=None)


def allele_lots(study: Study, settings: Config) -> list[str]:
    """Lots whose alleles are known: allele counts of lot and donor, or of each the reads with a panel of sites and a genome."""
    return [lot for lot in lots_with_dna(study) if has_alleles(study, settings, lot)]


def has_alleles(study: Study, settings: Config, lot: str) -> bool:
    """Whether a lot is one of `allele_lots`, without a look at the others."""
    if lot not in lots_with_dna(study):
        return False
    panel = settings.identity.sites is not None and settings.reference.fasta is not None
    rows = [study.samples[sample][0] for sample in wgs_pair(study, lot)]
    return all(row.alleles is not None or (panel and row.counts is None) for row in rows)


def snps_asked(study: Study, settings: Config, lot: str) -> bool:
    """Whether the settings ask for SNPs of a lot: by a panel of sites, or by allele counts of the lot or its donor."""
    return settings.identity.sites is not None or any(study.samples[s][0].alleles for s in wgs_pair(study, lot))


def allele_names(study: Study, sample: str) -> list[str | None]:
    """By what a sample may go in its file of allele counts: alleles_name, and its sample_id."""
    return [study.samples[sample][0].alleles_name, sample]


def lots_with_reads(study: Study, settings: Config) -> list[str]:
    """Lots with a genome, and reads (not counts) of lot and donor."""
    if settings.reference.fasta is None:
        return []
    return [
        lot for lot in lots_with_dna(study) if all(study.samples[s][0].counts is None for s in wgs_pair(study, lot))
    ]


def wgs_pair(study: Study, lot: str) -> list[str]:
    """WGS samples of a lot's donor and of the lot."""
    return [dna_sample(study, donor=study.lots[lot].donor_id), dna_sample(study, lot=lot)]


def expressed_samples(study: Study, lot: str) -> list[str]:
    """RNA samples of a lot and its donor that came as reads."""
    return [name for name in rna_samples(study, lot) if study.samples[name][0].fastq_1]


def allele_samples(study: Study, settings: Config, lot: str | None = None) -> list[dict[str, str]]:
    """Samples with allele counts, of a lot and its donor or of the whole sheet: sample_id, assay, its lot or donor, the
    person by the sheet, and which of the two it is."""
    lots = allele_lots(study, settings) if lot is None else [lot]
    wanted = {sample for one in lots for sample in wgs_pair(study, one)}
    if settings.identity.sites is not None and settings.reference.fasta is not None:  # RNA is counted at its sites
        wanted |= {sample for one in lots for sample in expressed_samples(study, one)}
    rows = []
    for name in (name for name in study.samples if name in wanted):
        row = study.samples[name][0]
        person = study.lots[row.lot_id].donor_id if row.lot_id else str(row.donor_id)
        who = {"owner": row.lot_id or person, "person": person, "role": "lot" if row.lot_id else "donor"}
        rows.append({"sample_id": name, "assay": row.assay, **who})
    return rows


def expressed_of(study: Study, settings: Config, lot: str) -> list[dict[str, str]]:
    """`allele_samples` of a lot that are RNA."""
    return [sample for sample in allele_samples(study, settings, lot) if sample["assay"] == "rnaseq"]


def rna_wanted(study: Study, settings: Config) -> bool:
    """Whether RNA is aligned to the genome, for its SNPs."""
    return any(sample["assay"] == "rnaseq" for sample in allele_samples(study, settings))


def is_rna(study: Study, sample: str) -> bool:
    return study.samples[sample][0].assay == "rnaseq"


def variants_wanted(settings: Config) -> bool:
    """Whether small variants are searched: a list of genes of the user's, or the driver panel with an annotation to locate it."""
    own = settings.small_variants
    located = own.drivers is not None and settings.reference.gtf is not None
    return settings.reference.fasta is not None and (own.genes is not None or located)


def variant_lots(study: Study, settings: Config) -> list[str]:
    """Lots searched for small variants: reads (not counts) of lot and donor, a genome, and genes to search."""
    return lots_with_reads(study, settings) if variants_wanted(settings) else []


def variant_samples(study: Study, lot: str) -> list[str]:
    """WGS samples of a lot and of its donor."""
    return wgs_pair(study, lot)[::-1]


def searched_samples(study: Study, settings: Config, lot: str) -> dict[str, str]:
    """sample_id -> what its reads are in the pile-up of a lot (`io.small_variants.SAMPLES`): DNA of lot and donor, and their RNA
    where it was aligned for its SNPs."""
    roles = dict(zip(variant_samples(study, lot), ("lot", "donor"), strict=True))
    if lot in allele_lots(study, settings):
        roles |= {sample["sample_id"]: f"rna_{sample['role']}" for sample in expressed_of(study, settings, lot)}
    return roles
