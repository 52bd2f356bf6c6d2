"""Rule `verify_data`: an alignment or a table of counts -> its checksum and size, or a clear refusal."""

from karyolot import runtime
from karyolot.contracts.settings import Section
from karyolot.io.files import describe_file, write_json

with runtime.job(snakemake, Section):
    write_json({"files": [describe_file(snakemake.input.data, snakemake.params.sha256)]}, snakemake.output.facts)
