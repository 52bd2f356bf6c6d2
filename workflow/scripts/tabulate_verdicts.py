"""Rule `tabulate_verdicts`: the records of all lots -> tables for MultiQC."""

from karyolot.contracts.record import Record
from karyolot.contracts.settings import Section
from karyolot.io.files import read_model, write_json
from karyolot.plan.params import job
from karyolot.report.multiqc import quality_table, verdict_table

with job(snakemake, Section):
    records = [read_model(path, Record) for path in snakemake.input.reports]
    write_json(verdict_table(records), snakemake.output.verdicts)
    write_json(quality_table(records), snakemake.output.quality)
