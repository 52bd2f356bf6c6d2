"""Rule `compare_samples`: expression of the study -> components, distances, marker and gene-set scores of its samples."""

from karyolot.contracts.expression import Components, MarkerPanel, MarkerScores, SampleDistances, SetAxes, SetScores
from karyolot.contracts.settings import Pathways
from karyolot.inputs.formats import gene_sets, markers
from karyolot.io.expression import read_expression
from karyolot.io.panel import read_panels
from karyolot.io.tables import write_table
from karyolot.plan.params import job
from karyolot.rna.components import components
from karyolot.rna.scores import gsva
from karyolot.rna.similarity import marker_scores, sample_distances

with job(snakemake, Pathways) as settings:
    given, made = snakemake.input, snakemake.output
    expression = read_expression(given.expression)
    sets, axes = gene_sets.read(given.gene_sets, given.axes)
    markers_of = MarkerPanel.of(markers.read(given.markers))
    write_table(components(expression, *read_panels(given.panel)), made.components, Components)
    write_table(sample_distances(expression), made.distances, SampleDistances)
    write_table(marker_scores(expression, markers_of), made.scores, MarkerScores)
    write_table(gsva(expression, sets, SetAxes.of(axes), settings), made.sets, SetScores)
