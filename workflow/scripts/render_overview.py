"""Rule `render_overview`: the records of all lots, the study's expression and pairs -> one page, one table and one workbook."""

from pathlib import Path

from karyolot.contracts.kinetics import Kinetics
from karyolot.contracts.results import OverviewFiles
from karyolot.contracts.settings import Section
from karyolot.io.files import read_model, write_text
from karyolot.io.history import read_standings
from karyolot.io.results import read_pairs, read_study
from karyolot.io.workbook import without_formulas, write_workbook
from karyolot.plan.params import job
from karyolot.plan.provenance import code_state
from karyolot.report.overview import render_overview, rows_and_tables
from karyolot.report.study import study_expression

with job(snakemake, Section):
    rows, lots = rows_and_tables(read_standings(Path(), snakemake.input.reports))
    files = OverviewFiles.given(snakemake.input)
    tables = read_study(files)
    study = study_expression(snakemake.params.samples, *tables) if tables else None
    families = [read_model(path, Kinetics) for path in files.lineages]
    found = [study, read_pairs(files), families, snakemake.params.sealed]
    write_text(render_overview(rows, code_state(), *found), snakemake.output.html)
    write_text(without_formulas(lots["lots"]), snakemake.output.tsv)
    write_workbook(lots, snakemake.output.xlsx)
