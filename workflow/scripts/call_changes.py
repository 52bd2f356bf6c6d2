"""Rule `call_changes`: segments and tests of known places -> what changed in the lot, in how many cells, whose change."""

from karyolot.contracts.copy_number import Arms, Calls, LogRatios, Noise, Segments
from karyolot.contracts.expression import GeneSpans
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.calls import call_changes
from karyolot.inputs.formats import gtf
from karyolot.io.files import read_model
from karyolot.io.genome import read_places
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, CopyNumber) as settings:
    given = snakemake.input
    tables = [read_table(given.ratios, LogRatios), read_table(given.segments, Segments), read_table(given.arms, Arms)]
    noises = [read_model(given.noise, Noise), read_model(given.donor_noise, Noise)]
    genes = GeneSpans.of(*(gtf.read(path, transcripts=False).spans for path in given.gtf))
    atlas = Atlas(*read_places(given.layout, given.watch))._replace(genes=genes)
    write_table(call_changes(*tables, *noises, settings, atlas), snakemake.output.calls, Calls)
