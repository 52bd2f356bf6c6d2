"""Rule `tabulate_markers`: expression and fold changes of a lot -> its marker panel."""

from karyolot.contracts.expression import DifferentialExpression, MarkerPanel, Markers
from karyolot.contracts.settings import Section
from karyolot.inputs.formats import markers
from karyolot.io.expression import read_expression
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job
from karyolot.rna.markers import tabulate

with job(snakemake, Section):
    given = snakemake.input
    table, panel = read_table(given.table, DifferentialExpression), MarkerPanel.of(markers.read(given.panel))
    write_table(tabulate(read_expression(given.expression), table, panel), snakemake.output.markers, Markers)
