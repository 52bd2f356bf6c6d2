"""Rule `project_study`: expression of the study -> its principal components."""

from karyolot import runtime
from karyolot.contracts.expression import Components
from karyolot.contracts.settings import Section
from karyolot.io.expression import read_expression
from karyolot.io.tables import write_table
from karyolot.rna.components import components

with runtime.job(snakemake, Section):
    write_table(components(read_expression(snakemake.input.expression)), snakemake.output.components, Components)
