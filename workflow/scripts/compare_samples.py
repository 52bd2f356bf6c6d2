"""Rule `compare_samples`: expression of the study -> how far its samples are apart, and their marker scores."""

from karyolot.contracts.expression import MarkerPanel, MarkerScores, SampleDistances
from karyolot.contracts.settings import Section
from karyolot.inputs.formats import markers
from karyolot.io.expression import read_expression
from karyolot.io.tables import write_table
from karyolot.plan.params import job
from karyolot.rna.similarity import marker_scores, sample_distances

with job(snakemake, Section):
    expression, panel = read_expression(snakemake.input.expression), MarkerPanel.of(markers.read(snakemake.input.panel))
    write_table(sample_distances(expression), snakemake.output.distances, SampleDistances)
    write_table(marker_scores(expression, panel), snakemake.output.scores, MarkerScores)
