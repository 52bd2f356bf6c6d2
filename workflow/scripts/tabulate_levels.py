"""Rule `tabulate_levels`: expression of a lot -> markers and pathway genes, sample by sample."""

from karyolot.contracts.expression import MarkerPanel, SampleLevels, SetAxes
from karyolot.contracts.settings import Section
from karyolot.inputs.formats import gene_sets, markers
from karyolot.io.expression import read_expression
from karyolot.io.tables import write_table
from karyolot.plan.params import job
from karyolot.rna.heatmap import sample_levels

with job(snakemake, Section):
    sets, axes = gene_sets.read(snakemake.input.gene_sets, snakemake.input.axes)
    panel = MarkerPanel.of(markers.read(snakemake.input.panel))
    levels = sample_levels(read_expression(snakemake.input.expression), panel, sets, SetAxes.of(axes))
    write_table(levels, snakemake.output.levels, SampleLevels)
