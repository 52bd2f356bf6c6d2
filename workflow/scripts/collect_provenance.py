"""Rule `collect_provenance`: what went into a lot's results, and what made them."""

from karyolot.contracts.settings import Section
from karyolot.io.files import describe_file, read_sealed, sha256, write_model
from karyolot.io.shipped import portable
from karyolot.plan.params import job
from karyolot.plan.provenance import collect

with job(snakemake, Section):
    files = [file for path in snakemake.input.data for file in read_sealed(path)["files"]]
    files += [describe_file(path) | {"path": portable(path)} for path in snakemake.input.files]
    given = snakemake.params
    provenance = collect(files, given.tools, given.differences, sha256(given.acceptance), given.reference)
    write_model(provenance, snakemake.output.provenance)
