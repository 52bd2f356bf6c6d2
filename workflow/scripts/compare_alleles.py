"""Rule `compare_alleles`: allele counts of a lot and its own donor -> identity, contamination, imbalance, evidence for calls."""

from karyolot.contracts.alleles import AlleleCounts, AlleleResults
from karyolot.contracts.copy_number import Comparison, Match, Noise
from karyolot.contracts.settings import CopyNumber, Identity
from karyolot.dna.allele_summary import allele_metrics
from karyolot.dna.alleles import compare_alleles
from karyolot.dna.contamination import identify
from karyolot.dna.persons import whose
from karyolot.dna.summary import copy_number_metrics
from karyolot.inputs.formats import layout
from karyolot.io.files import read_model, write_metrics
from karyolot.io.results import read_called, read_counted, write_alleles
from karyolot.io.tables import read_table
from karyolot.plan.params import job

with job(snakemake, Identity) as settings:
    given, made, params = snakemake.input, snakemake.output, snakemake.params
    lot, donor, *rna = (read_table(path, AlleleCounts) for path in (given.lot, given.donor, *given.rna))
    identity = identify(lot, donor, settings, rna, params.samples)
    ratios, *called = read_called(given)
    comparison, noise = read_model(given.comparison, Comparison), read_model(given.noise, Noise)
    compared = compare_alleles(lot, donor, ratios, noise, called[0], settings, params.sets)
    persons = whose(identity, params.counted, read_counted, settings.log10_ratio)
    found = AlleleResults(identity, compared.events, compared.facts, compared.arms, compared.track, persons)
    write_alleles(found, dict(made.items()))
    genome, own = layout.read(given.layout).layout, CopyNumber.model_validate(params.copy_number)
    called += [comparison, noise, read_model(given.match, Match), own, genome]
    metrics = copy_number_metrics(*called, found, params.sets)
    write_metrics(metrics | allele_metrics(identity, compared.events, compared.facts, params.sets), made.metrics)
