"""Rule `summarise_sample`: what the tools said of one sample -> its quality figures."""

from karyolot.contracts.copy_number import Library
from karyolot.contracts.results import QualityFiles
from karyolot.contracts.settings import Section
from karyolot.io.expression import read_quantification
from karyolot.io.files import read_json, read_model, write_model
from karyolot.plan.params import job
from karyolot.report.qc import summarise

with job(snakemake, Section):
    given = QualityFiles.given(snakemake.input)
    said = {name: [read_json(path) for path in paths] for name, paths in given.by_tool().items()}
    quantified = read_quantification(given.salmon[0]) if given.salmon else None
    library = read_model(given.library[0], Library) if given.library else None
    write_model(summarise(snakemake.params.facts, said, library, quantified), snakemake.output.qc)
