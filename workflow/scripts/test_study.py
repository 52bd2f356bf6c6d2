"""Rule `test_study`: expression -> all lots against all donors, gene by gene."""

from karyolot import runtime
from karyolot.contracts.expression import DifferentialExpression
from karyolot.contracts.settings import Expression
from karyolot.io.expression import read_expression
from karyolot.io.tables import write_table
from karyolot.rna.differential import differential

with runtime.job(snakemake, Expression) as settings:
    table = differential(read_expression(snakemake.input.expression), settings.design)
    write_table(table, snakemake.output.table, DifferentialExpression)
