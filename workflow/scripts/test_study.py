"""Rule `test_study`: expression, replicates added up -> all lots against all donors, whatever their verdicts, gene by gene."""

from karyolot.contracts.expression import DifferentialExpression
from karyolot.contracts.settings import Expression
from karyolot.io.expression import read_expression
from karyolot.io.tables import write_table
from karyolot.plan.params import job
from karyolot.rna.differential import differential, pool_replicates

with job(snakemake, Expression) as settings:
    pooled = pool_replicates(read_expression(snakemake.input.expression))
    table = differential(pooled, settings.design)
    write_table(table, snakemake.output.table, DifferentialExpression)
