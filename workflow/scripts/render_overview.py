"""Rule `render_overview`: the records of all lots, the study's expression and pairs -> one page, one table and one workbook."""

from pathlib import Path

from karyolot.contracts.kinetics import Kinetics
from karyolot.contracts.results import OverviewFiles
from karyolot.contracts.settings import Section
from karyolot.io.files import read_model, write_text
from karyolot.io.history import standings
from karyolot.io.record import read_report
from karyolot.io.results import read_pairs, read_study
from karyolot.io.workbook import without_formulas, write_workbook
from karyolot.plan.params import job
from karyolot.plan.provenance import code_state
from karyolot.report.lots import lot_tables
from karyolot.report.overview import overview_row, render_overview
from karyolot.report.study import study_expression

with job(snakemake, Section):
    records = [read_report(path) for path in snakemake.input.reports]
    held = standings(Path(), records)
    rows, lots = [overview_row(one, held[one.lot.lot_id]) for one in records], lot_tables(records, held)
    files = OverviewFiles.given(snakemake.input)
    tables = read_study(files)
    study = study_expression(snakemake.params.samples, *tables) if tables else None
    families = [read_model(path, Kinetics) for path in files.lineages]
    found = [study, read_pairs(files), families, snakemake.params.sealed]
    write_text(render_overview(rows, code_state(), *found), snakemake.output.html)
    write_text(without_formulas(lots["lots"]), snakemake.output.tsv)
    write_workbook(lots, snakemake.output.xlsx)
