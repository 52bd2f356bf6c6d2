"""Rule `trace_lineage`: fragments per bin of a lot, of the lots it was grown from and of their donor -> clones over passages."""

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
