"""Rule `render_overview`: the records of all lots, and the study's expression -> one page that links them."""

from karyolot import runtime
from karyolot.contracts.record import Record
from karyolot.contracts.settings import Section
from karyolot.io.files import read_model, write_text
from karyolot.io.tables import read_study
from karyolot.report.overview import overview_row, render_overview
from karyolot.report.study import study_expression

with runtime.job(snakemake, Section):
    rows = [overview_row(read_model(path, Record)) for path in snakemake.input.reports]
    tables = read_study(dict(snakemake.input.items()))
    study = study_expression(snakemake.params.samples, *tables) if tables else None
    write_text(render_overview(rows, study), snakemake.output.html)
