"""Rule `test_contrast`: expression -> a lot against its own donor, gene by gene."""

from karyolot.contracts.expression import DifferentialExpression
from karyolot.contracts.settings import Expression
from karyolot.io.expression import read_expression
from karyolot.io.tables import write_table
from karyolot.plan.params import job
from karyolot.rna.differential import differential

with job(snakemake, Expression) as settings:
    table = differential(read_expression(snakemake.input.expression), settings.design)
    write_table(table, snakemake.output.table, DifferentialExpression)
