"""Rule `test_panel`: expression of a lot and its donor -> genes that differ otherwise than in the frozen panel's lots."""

from karyolot.contracts.expression import DifferentialExpression
from karyolot.contracts.settings import Section
from karyolot.io.expression import read_expression
from karyolot.io.panel import read_panel
from karyolot.io.tables import write_table
from karyolot.plan.params import job
from karyolot.rna.newlot import newlot

with job(snakemake, Section):
    table = newlot(read_expression(snakemake.input.expression), read_panel(snakemake.input.panel[0]))
    write_table(table, snakemake.output.table, DifferentialExpression)
