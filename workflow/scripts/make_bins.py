"""Rule `make_bins`: genome, layout and tracks -> the grid of bins all counts live on."""

from karyolot.contracts.copy_number import Bins
from karyolot.contracts.results import BinFiles
from karyolot.contracts.settings import Counting
from karyolot.dna.bins import assemble_bins, sources_of
from karyolot.inputs.reference import bin_sources
from karyolot.io.tables import write_table
from karyolot.plan.params import job

with job(snakemake, Counting) as settings:
    sources = sources_of(bin_sources(BinFiles.given(snakemake.input).present(), settings.bin_bp))
    write_table(assemble_bins(sources, settings.bin_bp), snakemake.output.bins, Bins)
