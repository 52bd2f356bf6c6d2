"""Rule `compare_samples`: all RNA of the study, quantified -> all lots against all donors, and how alike its samples are."""

from karyolot.contracts.expression import DifferentialExpression, MarkerPanel, SetAxes
from karyolot.contracts.settings import Pathways
from karyolot.inputs.formats import gene_sets, markers
from karyolot.inputs.quantified import read_samples
from karyolot.io.expression import write_expression
from karyolot.io.panel import read_panels
from karyolot.io.results import write_study
from karyolot.io.shipped import aliases
from karyolot.io.tables import write_table
from karyolot.plan.params import job
from karyolot.rna.differential import differential, pool_replicates
from karyolot.rna.expression import assemble
from karyolot.rna.study import compare

with job(snakemake, Pathways) as settings:
    given, made, facts = snakemake.input, snakemake.output, snakemake.params
    read = read_samples(facts.samples, facts.salmon, given.transcripts, given.genes)
    expression = assemble(*read, facts.gtf, aliases())
    write_table(differential(pool_replicates(expression), facts.design), made.differential, DifferentialExpression)
    sets, axes = gene_sets.read(given.gene_sets, given.axes)
    panel, frozen = MarkerPanel.of(markers.read(given.markers)), read_panels(given.panel)
    write_study(compare(expression, panel, frozen, sets, SetAxes.of(axes), settings), dict(made.items()))
    write_expression(expression, made.expression)
