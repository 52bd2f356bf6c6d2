"""Rule `count_fragments`: aligned reads -> fragments per bin."""

from karyolot.contracts.copy_number import Bins, Counts
from karyolot.contracts.settings import Counting
from karyolot.dna.counts import count_midpoints
from karyolot.io.alignment import fragment_midpoints
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, Counting) as settings:
    bins = read_table(snakemake.input.bins, Bins)
    contigs = bins["chrom"].unique()
    midpoints = fragment_midpoints(snakemake.input.cram, contigs, settings.min_mapq)
    write_table(count_midpoints(bins, midpoints), snakemake.output.counts, Counts)
