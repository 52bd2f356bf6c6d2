"""Rule `hash_references`: the files that the settings name -> their sizes and checksums, once for all lots."""

from karyolot.contracts.settings import Section
from karyolot.io.files import describe_file, write_sealed
from karyolot.io.shipped import portable
from karyolot.plan.params import job

with job(snakemake, Section):
    files = [describe_file(path) | {"path": portable(path)} for path in snakemake.input.files]
    write_sealed({"files": files}, snakemake.output.facts)
