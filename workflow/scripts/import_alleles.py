"""Rule `import_alleles`: imported reads per allele -> the same table that `count_alleles` makes."""

from pathlib import Path

from karyolot.contracts.alleles import AlleleCounts, Sites
from karyolot.contracts.copy_number import Bins
from karyolot.contracts.settings import Section
from karyolot.dna.allele_counts import conform_alleles
from karyolot.inputs.formats.allele_counts import read
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, Section):
    given, names = snakemake.input, snakemake.params.names
    panels = [read_table(path, Sites) for path in given.sites]
    alleles = conform_alleles(read(Path(given.table), *names), read_table(given.bins, Bins), panels, given.table)
    write_table(alleles, snakemake.output.alleles, AlleleCounts)
