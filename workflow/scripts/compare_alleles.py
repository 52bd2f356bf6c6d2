"""Rule `compare_alleles`: allele counts of lot and donor -> what the alleles say under each call, and beside them."""

from karyolot import runtime
from karyolot.contracts.alleles import AlleleCounts, AlleleEvents
from karyolot.contracts.copy_number import Calls, LogRatios, Noise
from karyolot.contracts.settings import Identity
from karyolot.dna.alleles import compare_alleles
from karyolot.io.files import read_model, write_model
from karyolot.io.tables import read_table, write_table

with runtime.job(snakemake, Identity) as settings:
    lot, donor = (read_table(snakemake.input[name], AlleleCounts) for name in ("lot", "donor"))
    ratios, calls = read_table(snakemake.input.ratios, LogRatios), read_table(snakemake.input.calls, Calls)
    compared = compare_alleles(lot, donor, ratios, read_model(snakemake.input.noise, Noise), calls, settings)
    write_table(compared.events, snakemake.output.events, AlleleEvents)
    write_model(compared.facts, snakemake.output.facts)
