"""Rule `summarise_copy_number`: everything found on copy number -> the metrics the criteria are compared with."""

from karyolot.contracts.copy_number import Arms, Calls, Comparison, Lod, Match, Noise, Segments
from karyolot.contracts.results import AlleleFiles
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.summary import copy_number_metrics
from karyolot.inputs.formats import layout
from karyolot.io.files import read_model, write_metrics
from karyolot.io.results import read_alleles
from karyolot.io.tables import read_table
from karyolot.plan.params import job

with job(snakemake, CopyNumber) as settings:
    given = snakemake.input
    found = [read_table(given.calls, Calls), read_table(given.segments, Segments), read_table(given.arms, Arms)]
    limits = read_table(given.lod, Lod)
    facts = [read_model(given.comparison, Comparison), read_model(given.noise, Noise), read_model(given.match, Match)]
    alleles = read_alleles(AlleleFiles.given_among(given, "alleles_"))
    genome, sets = layout.read(given.layout).layout, snakemake.params.sets
    metrics = copy_number_metrics(*found, limits, *facts, settings, genome, alleles, sets)
    write_metrics(metrics, snakemake.output.metrics)
