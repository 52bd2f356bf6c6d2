"""Rule `verify_data`: an alignment or a table of counts -> its checksum and size, or a clear refusal."""

from karyolot.contracts.settings import Section
from karyolot.io.files import describe_file, write_sealed
from karyolot.plan.params import job

with job(snakemake, Section):
    write_sealed({"files": [describe_file(snakemake.input.data, snakemake.params.sha256)]}, snakemake.output.facts)
