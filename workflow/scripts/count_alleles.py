"""Rule `count_alleles`: aligned reads -> fragments per allele at the sites of the panel."""

from karyolot.contracts.alleles import AlleleCounts, Sites
from karyolot.contracts.settings import Identity
from karyolot.io.alleles import count_alleles
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, Identity) as settings:
    sites = read_table(snakemake.input.sites, Sites)
    given = snakemake.input
    counts = count_alleles(given.reads, given.fasta, sites, settings)
    write_table(counts, snakemake.output.alleles, AlleleCounts)
