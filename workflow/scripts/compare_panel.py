"""Rule `compare_panel`: expression of a lot and its donor -> how both differ, against the frozen panel's lots."""

from karyolot.contracts.expression import PanelResults
from karyolot.contracts.settings import Section
from karyolot.io.expression import read_expression, write_panel_results
from karyolot.io.files import write_metrics
from karyolot.io.panel import read_panel
from karyolot.plan.params import job
from karyolot.rna.components import components
from karyolot.rna.newlot import newlot
from karyolot.rna.panel import compare, panel_metrics

with job(snakemake, Section):
    expression, panel = read_expression(snakemake.input.expression), read_panel(snakemake.input.panel[0])
    facts, table = compare(expression, panel)
    found = PanelResults(facts, table, newlot(expression, panel), components(expression, panel))
    write_panel_results(found, snakemake.output)
    write_metrics(panel_metrics(facts, table), snakemake.output.metrics)
