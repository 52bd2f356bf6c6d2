"""Rule `analyse_expression`: a lot's samples and its donor's, quantified -> expression, what changed, and the metrics of RNA."""

from karyolot.contracts.expression import MarkerPanel, SetAxes
from karyolot.contracts.settings import Pathways
from karyolot.inputs.formats import gene_sets, markers
from karyolot.inputs.quantified import read_samples
from karyolot.io.expression import write_expression, write_expression_results
from karyolot.io.files import write_metrics
from karyolot.io.shipped import aliases
from karyolot.plan.params import job
from karyolot.rna.analysis import analyse
from karyolot.rna.expression import assemble
from karyolot.rna.summary import expression_metrics

with job(snakemake, Pathways) as settings:
    given, made, facts = snakemake.input, snakemake.output, snakemake.params
    quantified, samples, genes, salmon = read_samples(facts.samples, facts.salmon, given.transcripts, given.genes)
    expression = assemble(quantified, samples, genes, salmon, facts.gtf, aliases())
    sets, axes = gene_sets.read(given.gene_sets, given.axes)
    panel = MarkerPanel.of(markers.read(given.panel))
    found = analyse(expression, facts.design, panel, sets, SetAxes.of(axes), settings)
    write_expression(expression, made.expression)
    write_expression_results(found, dict(made.items()))
    write_metrics(expression_metrics(expression, found.markers, salmon, facts.sex), made.metrics)
