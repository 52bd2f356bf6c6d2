"""Rule `analyse_copy_number`: fragments per bin of a lot and its donor -> ratios, segments, limits, calls, match, metrics."""

from karyolot.contracts.copy_number import Bins, Counts
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.analysis import analyse
from karyolot.dna.atlas import Atlas
from karyolot.dna.exports import documents
from karyolot.dna.summary import copy_number_metrics
from karyolot.inputs.formats import layout
from karyolot.inputs.reference import places
from karyolot.io.files import write_metrics, write_texts
from karyolot.io.results import write_copy_number
from karyolot.io.tables import read_table
from karyolot.plan.params import job

with job(snakemake, CopyNumber) as settings:
    given, made = snakemake.input, snakemake.output
    bins, counts = read_table(given.bins, Bins), [read_table(path, Counts) for path in (given.lot, given.donor)]
    atlas = Atlas.of(places(given.layout, given.recurrent, given.gtf))
    genome, sets = layout.read(given.layout).layout, snakemake.params.sets
    found = analyse(bins, *counts, snakemake.params.sex, settings, atlas, genome, sets)
    write_copy_number(found, dict(made.items()))
    write_texts(documents(found.ratios, found.segments, found.calls, snakemake.wildcards.lot, sets), made)
    called = [found.calls, found.segments, found.arms, found.lod, found.comparison, found.noise, found.match]
    write_metrics(copy_number_metrics(*called, settings, genome, sets=sets), made.metrics)
