"""Rule `tabulate_lots`: the records of all lots -> one table, and a workbook with their criteria and events."""

from karyolot.contracts.settings import Section
from karyolot.io.files import write_text
from karyolot.io.record import read_report
from karyolot.io.workbook import write_workbook
from karyolot.plan.params import job
from karyolot.report.lots import lot_tables

with job(snakemake, Section):
    tables = lot_tables(map(read_report, snakemake.input.reports))
    write_text(tables["lots"].to_csv(sep="\t", index=False), snakemake.output.tsv)
    write_workbook(tables, snakemake.output.xlsx)
