"""Rule `print_report`: the record of a lot -> one PDF for the archive, with the record in it."""

from karyolot.contracts.settings import Section
from karyolot.io.files import read_bytes, write_bytes
from karyolot.io.record import read_report
from karyolot.plan.params import job
from karyolot.plan.provenance import code_state
from karyolot.report.pdf import FONTS, print_pdf

with job(snakemake, Section):
    record = read_report(snakemake.input.report)
    fonts = {name: read_bytes(path) for name, path in FONTS.items()}
    made = print_pdf(record, read_bytes(snakemake.input.report), fonts, code_state())
    write_bytes(made, snakemake.output.pdf)
