"""Rule `tabulate_verdicts`: the records of all lots -> tables for MultiQC."""

from karyolot.contracts.settings import Section
from karyolot.io.files import write_json
from karyolot.io.record import read_report
from karyolot.plan.params import job
from karyolot.report.multiqc import quality_table, verdict_table

with job(snakemake, Section):
    records = [read_report(path) for path in snakemake.input.reports]
    write_json(verdict_table(records), snakemake.output.verdicts)
    write_json(quality_table(records), snakemake.output.quality)
