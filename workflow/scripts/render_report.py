"""Rule `render_report`: the record of a lot -> one HTML file, one PDF for the archive with the record in it, its figures."""

from karyolot.contracts.settings import Section
from karyolot.io.files import read_bytes, write_bytes, write_folder, write_text
from karyolot.io.record import read_report
from karyolot.plan.params import job
from karyolot.plan.provenance import code_state
from karyolot.report.drawings import figure_files
from karyolot.report.pdf import FONTS, print_pdf
from karyolot.report.render import render

with job(snakemake, Section):
    record, code = read_report(snakemake.input.report), code_state()
    fonts = {name: read_bytes(path) for name, path in FONTS.items()}
    page = render(record, code)
    write_folder(figure_files(page, fonts), snakemake.output.figures)
    write_bytes(print_pdf(record, read_bytes(snakemake.input.report), fonts, code), snakemake.output.pdf)
    write_text(page, snakemake.output.html)
