"""Rule `assess_limits`: log2 ratios and their noise -> tests of known regions, and limits of detection, verified."""

from karyolot.contracts.copy_number import Arms, Lod, LogRatios, Noise
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.limits import known_regions, limits_of_detection
from karyolot.dna.plants import verify
from karyolot.inputs.reference import places
from karyolot.io.files import read_model
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, CopyNumber) as settings:
    given, made = snakemake.input, snakemake.output
    ratios, noise = read_table(given.ratios, LogRatios), read_model(given.noise, Noise)
    atlas = Atlas.of(places(given.layout, given.watch, []))
    predicted = known_regions(ratios, noise, settings, atlas), limits_of_detection(ratios, noise, settings)
    arms, lod = verify(ratios, noise, *predicted, settings)
    write_table(arms, made.arms, Arms)
    write_table(lod, made.lod, Lod)
