"""Rule `test_study`: all RNA of the study, quantified -> all lots against all donors, whatever their verdicts, gene by gene."""

from karyolot.contracts.expression import DifferentialExpression
from karyolot.contracts.settings import Expression
from karyolot.inputs.quantified import read_samples
from karyolot.io.expression import write_expression
from karyolot.io.shipped import aliases
from karyolot.io.tables import write_table
from karyolot.plan.params import job
from karyolot.rna.differential import differential, pool_replicates
from karyolot.rna.expression import assemble

with job(snakemake, Expression) as settings:
    given, facts = snakemake.input, snakemake.params
    read = read_samples(facts.samples, facts.salmon, given.transcripts, given.genes)
    expression = assemble(*read, facts.gtf, aliases())
    table = differential(pool_replicates(expression), settings.design)
    write_expression(expression, snakemake.output.expression)
    write_table(table, snakemake.output.table, DifferentialExpression)
