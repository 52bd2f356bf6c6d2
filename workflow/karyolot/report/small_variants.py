"""Small variants in listed genes, for the record."""

from karyolot.contracts.record import SmallVariantRecord, SmallVariantRow
from karyolot.contracts.small_variants import VariantResults
from karyolot.report.rows import record_rows


def variant_record(results: VariantResults) -> SmallVariantRecord:
    """The record's part on small variants: those a person should look at."""
    variants, facts = results.variants, results.facts
    new = variants[variants["origin"] != "inherited"]
    number = {origin: int((new["origin"] == origin).sum()) for origin in ("enriched", "acquired")}
    said = [
        f"In {facts.genes} listed genes {facts.inherited} small variants are the donor's, {number['enriched']} enriched from it.",
        f"Not seen in the donor: {number['acquired']}, acquired or below what the donor's reads could show.",
        f"Median depth: lot {facts.lot_depth:g}, donor {facts.donor_depth:g}; at 30 those in under a fifth of reads are missed.",
    ]
    if facts.thin:
        said.append(f"Below a depth of {facts.min_depth} in part, so not searched in full: {', '.join(facts.thin)}.")
    if facts.licence:
        said.append(f"The list of genes: {facts.licence}.")
    return SmallVariantRecord(sentences=tuple(said), rows=record_rows(new, SmallVariantRow))
