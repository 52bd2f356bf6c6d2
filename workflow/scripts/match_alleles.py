"""Rule `match_alleles`: allele counts of a lot and of its own donor -> are they one person, is another one mixed in."""

from karyolot import runtime
from karyolot.contracts.alleles import AlleleCounts
from karyolot.contracts.settings import Identity
from karyolot.dna.contamination import identify
from karyolot.io.files import write_model
from karyolot.io.tables import read_table

with runtime.job(snakemake, Identity) as settings:
    lot, donor = (read_table(snakemake.input[name], AlleleCounts) for name in ("lot", "donor"))
    write_model(identify(lot, donor, settings), snakemake.output.identity)
