"""Rule `match_samples`: allele counts of all samples -> every pair: one person or not, and who is mixed into whom."""

from karyolot import runtime
from karyolot.contracts.alleles import AlleleCounts, Pairs
from karyolot.contracts.settings import Identity
from karyolot.dna.contamination import match_samples
from karyolot.io.tables import read_table, write_table

with runtime.job(snakemake, Identity) as settings:
    tables = [read_table(path, AlleleCounts) for path in snakemake.input.alleles]
    pairs = match_samples(tables, snakemake.params.samples, settings)
    write_table(pairs, snakemake.output.pairs, Pairs)
    write_table(pairs, snakemake.output.tsv, Pairs)
