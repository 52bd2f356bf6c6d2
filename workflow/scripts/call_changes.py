"""Rule `call_changes`: segments and whole-arm tests -> what changed in the lot, in how many cells, whose change."""

from karyolot import runtime
from karyolot.contracts.copy_number import Arms, Calls, LogRatios, Noise, Segments
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.calls import call_changes
from karyolot.io.files import read_model
from karyolot.io.genome import read_genes, read_layout_bands, read_watch
from karyolot.io.tables import read_table, write_table

with runtime.job(snakemake, CopyNumber) as settings:
    given = snakemake.input
    tables = [read_table(given.ratios, LogRatios), read_table(given.segments, Segments), read_table(given.arms, Arms)]
    _, cytobands = read_layout_bands(given.layout)
    atlas = Atlas(cytobands, read_watch(given.watch), read_genes(given.gtf))
    calls = call_changes(*tables, read_model(given.noise, Noise), settings, atlas)
    write_table(calls, snakemake.output.calls, Calls)
