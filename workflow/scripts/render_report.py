"""Rule `render_report`: the record of a lot -> one HTML file."""

from karyolot.contracts.settings import Section
from karyolot.io.files import write_text
from karyolot.io.record import read_report
from karyolot.plan.params import job
from karyolot.plan.provenance import code_state
from karyolot.report.render import render

with job(snakemake, Section):
    write_text(render(read_report(snakemake.input.report), code_state()), snakemake.output.html)
