"""Rule `convert_index`: the index that bwa made -> the file that bwa-mem3 reads instead of two of them."""

from karyolot.contracts.settings import Section
from karyolot.io.machine import check_bwa_mem3
from karyolot.io.mem3_index import convert
from karyolot.plan.params import job

with job(snakemake, Section):
    check_bwa_mem3()
    convert(snakemake.input.bwt, snakemake.input.sa, snakemake.output.packed)
