"""Rule `analyse_expression`: a lot's samples and its donor's, quantified -> expression, what changed, also against the frozen
panel's lots, and the metrics of RNA."""

from karyolot.contracts.expression import MarkerPanel, SetAxes
from karyolot.contracts.settings import Pathways
from karyolot.inputs.formats import gene_sets, markers
from karyolot.inputs.quantified import read_samples
from karyolot.io.expression import read_places, write_expression, write_expression_results, write_panel_results
from karyolot.io.files import write_metrics
from karyolot.io.panel import read_panels
from karyolot.io.shipped import aliases
from karyolot.plan.params import job
from karyolot.rna.analysis import against_panel, analyse
from karyolot.rna.expression import assemble
from karyolot.rna.panel import typical_changes
from karyolot.rna.summary import expression_metrics

with job(snakemake, Pathways) as settings:
    given, made, facts = snakemake.input, snakemake.output, snakemake.params
    quantified, samples, genes, salmon = read_samples(facts.samples, facts.salmon, given.transcripts, given.genes)
    expression = assemble(quantified, samples, genes, salmon, facts.gtf, aliases())
    sets, axes = gene_sets.read(given.gene_sets, given.axes)
    panel, frozen = MarkerPanel.of(markers.read(given.panel)), read_panels(given.frozen)
    typical = typical_changes(*frozen, snakemake.wildcards.lot) if frozen else None
    places = read_places(genes, given.bins)
    found = analyse(expression, facts.design, panel, sets, SetAxes.of(axes), settings, places, typical)
    write_expression(expression, made.expression)
    write_expression_results(found, dict(made.items()))
    write_metrics(expression_metrics(expression, found.markers, salmon, facts.sex), made.metrics)
    write_panel_results(against_panel(expression, frozen), made)
