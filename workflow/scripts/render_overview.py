"""Rule `render_overview`: the records of all lots, and the study's expression and pairs -> one page that links them."""

from karyolot.contracts.results import OverviewFiles
from karyolot.contracts.settings import Section
from karyolot.io.files import write_text
from karyolot.io.record import read_report
from karyolot.io.tables import read_pairs, read_study
from karyolot.plan.params import job
from karyolot.plan.provenance import code_state
from karyolot.report.overview import overview_row, render_overview
from karyolot.report.study import study_expression

with job(snakemake, Section):
    rows = [overview_row(read_report(path)) for path in snakemake.input.reports]
    files = OverviewFiles.given(snakemake.input)
    tables = read_study(files)
    study = study_expression(snakemake.params.samples, *tables) if tables else None
    write_text(render_overview(rows, code_state(), study, read_pairs(files)), snakemake.output.html)
