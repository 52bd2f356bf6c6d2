"""Rule `render_report`: the record of a lot -> one HTML file, one PDF for the archive with the record in it, its figures."""

from karyolot.contracts.settings import Section
from karyolot.io.files import read_bytes, read_each, write_bytes, write_folder, write_text
from karyolot.io.record import read_report
from karyolot.plan.params import job
from karyolot.plan.provenance import code_state
from karyolot.report.documents import documents
from karyolot.report.pdf import FONTS

with job(snakemake, Section):
    record, attached = read_report(snakemake.input.report), read_bytes(snakemake.input.report)
    made = documents(record, attached, read_each(FONTS), code_state())
    write_text(made.html, snakemake.output.html)
    write_bytes(made.pdf, snakemake.output.pdf)
    write_folder(made.figures, snakemake.output.figures)
