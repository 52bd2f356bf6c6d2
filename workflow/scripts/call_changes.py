"""Rule `call_changes`: segments and tests of known places -> what changed in the lot, in how many cells, whose change."""

from karyolot.contracts.copy_number import Arms, Calls, Comparison, LogRatios, Noise, Segments
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.calls import call_changes
from karyolot.inputs.reference import places
from karyolot.io.files import read_model
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, CopyNumber) as settings:
    given = snakemake.input
    tables = [read_table(given.ratios, LogRatios), read_table(given.segments, Segments), read_table(given.arms, Arms)]
    noises = [read_model(given.noise, Noise), read_model(given.donor_noise, Noise)]
    comparison = read_model(given.comparison, Comparison)
    atlas = Atlas.of(places(given.layout, given.watch, given.gtf))
    write_table(call_changes(*tables, *noises, settings, atlas, comparison), snakemake.output.calls, Calls)
