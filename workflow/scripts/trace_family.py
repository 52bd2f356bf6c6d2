"""Rule `trace_family`: fragments per bin of all lots grown from one, and of their donor -> clones in lots with sisters."""

from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.lineage import trace
from karyolot.inputs.reference import places
from karyolot.io.files import write_model
from karyolot.io.lineage import read_line
from karyolot.plan.params import job

with job(snakemake, CopyNumber) as settings:
    given, params = snakemake.input, snakemake.params
    atlas = Atlas.of(places(given.layout, given.recurrent, given.gtf))
    write_model(trace(*read_line(given, params.line), params.sex, settings, atlas), snakemake.output.kinetics)
