"""Rule `verify_reads`: FASTQ files of one lane -> their checksums, sizes and read numbers, or a clear refusal."""

from karyolot.contracts.settings import Section
from karyolot.inputs.formats.fastq import read
from karyolot.io.files import write_sealed
from karyolot.plan.params import job

with job(snakemake, Section):
    write_sealed(read(list(snakemake.input.reads), snakemake.params.sha256), snakemake.output.facts)
