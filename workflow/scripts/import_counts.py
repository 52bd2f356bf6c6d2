"""Rule `import_counts`: a table of counts made elsewhere -> fragments per bin of this run's grid."""

import pandas as pd

from karyolot.contracts.copy_number import Bins, Counts
from karyolot.contracts.settings import Section
from karyolot.dna.counts import conform_counts
from karyolot.inputs.formats import bin_counts
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, Section):
    bins = read_table(snakemake.input.bins, Bins)
    counts = conform_counts(bins, pd.DataFrame(bin_counts.read(snakemake.input.table)), snakemake.input.table)
    write_table(counts, snakemake.output.counts, Counts)
