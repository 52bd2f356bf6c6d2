"""Rule `project_study`: expression of the study, and of the reference panel -> its principal components."""

from karyolot.contracts.expression import Components
from karyolot.contracts.settings import Section
from karyolot.io.expression import read_expression
from karyolot.io.panel import read_panel
from karyolot.io.tables import write_table
from karyolot.plan.params import job
from karyolot.rna.components import components

with job(snakemake, Section):
    panel = read_panel(snakemake.input.panel[0]) if snakemake.input.panel else None
    table = components(read_expression(snakemake.input.expression), panel)
    write_table(table, snakemake.output.components, Components)
