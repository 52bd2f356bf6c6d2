"""Rule `compare_panel`: expression of a lot and its donor -> how both differ, against the frozen panel's lots."""

from karyolot.contracts.expression import PanelComparison
from karyolot.contracts.settings import Section
from karyolot.io.expression import read_expression
from karyolot.io.files import write_model
from karyolot.io.panel import read_panel
from karyolot.io.tables import write_table
from karyolot.plan.params import job
from karyolot.rna.panel import compare

with job(snakemake, Section):
    facts, table = compare(read_expression(snakemake.input.expression), read_panel(snakemake.input.panel[0]))
    write_table(table, snakemake.output.table, PanelComparison)
    write_model(facts, snakemake.output.facts)
