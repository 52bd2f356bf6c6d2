"""Rule `tabulate_levels`: expression of a lot -> markers and pathway genes, sample by sample."""

from karyolot.contracts.expression import MarkerPanel, SampleLevels
from karyolot.contracts.settings import Section
from karyolot.io.expression import read_expression, read_gene_sets
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job
from karyolot.rna.heatmap import sample_levels

with job(snakemake, Section):
    sets, axes = read_gene_sets(snakemake.input.gene_sets, snakemake.input.axes)
    panel = read_table(snakemake.input.panel, MarkerPanel)
    levels = sample_levels(read_expression(snakemake.input.expression), panel, sets, axes)
    write_table(levels, snakemake.output.levels, SampleLevels)
