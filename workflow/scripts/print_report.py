"""Rule `print_report`: the record of a lot -> one PDF for the archive, with the record in it."""

from karyolot import runtime
from karyolot.contracts.record import Record
from karyolot.contracts.settings import Section
from karyolot.io.files import read_bytes, read_model, write_bytes
from karyolot.report.pdf import print_pdf

with runtime.job(snakemake, Section):
    record = read_model(snakemake.input.report, Record)
    write_bytes(print_pdf(record, read_bytes(snakemake.input.report)), snakemake.output.pdf)
