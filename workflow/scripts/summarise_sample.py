"""Rule `summarise_sample`: what the tools said of one sample -> its quality figures."""

from karyolot import runtime
from karyolot.contracts.settings import Section
from karyolot.io import read_json, write_model
from karyolot.report.qc import summarise

with runtime.job(snakemake, Section):
    said = {name: [read_json(path) for path in paths] for name, paths in snakemake.input.items()}
    write_model(summarise(snakemake.params.facts, said), snakemake.output.qc)
