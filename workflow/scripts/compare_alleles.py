"""Rule `compare_alleles`: allele counts of a lot and its own donor -> identity, contamination, imbalance, evidence for calls."""

from karyolot.contracts.alleles import AlleleCounts, AlleleResults
from karyolot.contracts.copy_number import Noise
from karyolot.contracts.settings import CopyNumber, Identity
from karyolot.dna.allele_summary import allele_metrics
from karyolot.dna.alleles import compare_alleles
from karyolot.dna.contamination import identify
from karyolot.dna.persons import whose
from karyolot.dna.summary import call_metrics
from karyolot.io.files import read_metrics, read_model, write_metrics
from karyolot.io.results import read_called, read_counted, write_alleles
from karyolot.io.tables import read_table
from karyolot.plan.params import job

with job(snakemake, Identity) as settings:
    given, made, params = snakemake.input, snakemake.output, snakemake.params
    lot, donor, *rna = (read_table(path, AlleleCounts) for path in (given.lot, given.donor, *given.rna))
    identity = identify(lot, donor, settings, rna, params.samples)
    (ratios, calls, segments), noise = read_called(given), read_model(given.noise, Noise)
    compared = compare_alleles(lot, donor, ratios, noise, calls, settings, params.sets)
    persons = whose(identity, params.counted, read_counted, settings.log10_ratio)
    found = AlleleResults(identity, compared.events, compared.facts, compared.arms, compared.track, persons)
    write_alleles(found, dict(made.items()))
    of_calls = call_metrics(calls, segments, noise, CopyNumber.model_validate(params.copy_number), params.sets, found)
    metrics = read_metrics(given.metrics) | of_calls
    write_metrics(metrics | allele_metrics(identity, compared.events, compared.facts, params.sets), made.metrics)
