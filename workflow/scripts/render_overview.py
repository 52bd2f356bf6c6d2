"""Rule `render_overview`: the records of all lots -> one page that links them."""

from karyolot import runtime
from karyolot.contracts.record import Record
from karyolot.contracts.settings import Section
from karyolot.io.files import read_model, write_text
from karyolot.report.overview import overview_row, render_overview

with runtime.job(snakemake, Section):
    rows = [overview_row(read_model(path, Record)) for path in snakemake.input.reports]
    write_text(render_overview(rows), snakemake.output.html)
