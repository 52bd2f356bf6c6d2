"""Rule `match_samples`: allele counts of all samples -> every pair: one person or not, and who is mixed into whom."""

from karyolot.contracts import settings as configured
from karyolot.contracts.alleles import AlleleCounts, Identity, Pairs
from karyolot.dna.contamination import match_samples
from karyolot.io.files import read_model
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, configured.Identity) as settings:
    tables = [read_table(path, AlleleCounts) for path in snakemake.input.alleles]
    own = {
        lot: read_model(path, Identity) for lot, path in zip(snakemake.params.lots, snakemake.input.own, strict=True)
    }
    pairs = match_samples(tables, snakemake.params.samples, own, settings)
    write_table(pairs, snakemake.output.pairs, Pairs)
    write_table(pairs, snakemake.output.tsv, Pairs)
