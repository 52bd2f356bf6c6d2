"""Rule `render_report`: the record of a lot -> one HTML file."""

from karyolot.contracts.record import Record
from karyolot.contracts.settings import Section
from karyolot.io.files import read_model, write_text
from karyolot.plan.params import job
from karyolot.plan.provenance import code_state
from karyolot.report.render import render

with job(snakemake, Section):
    write_text(render(read_model(snakemake.input.report, Record), code_state()), snakemake.output.html)
