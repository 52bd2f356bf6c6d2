"""Rule `compare_alleles`: allele counts of a lot and its own donor -> identity, contamination, allelic imbalance."""

from karyolot.contracts.alleles import AlleleArms, AlleleCounts, AlleleEvents, AlleleTrack
from karyolot.contracts.copy_number import Calls, LogRatios, Noise
from karyolot.contracts.settings import Identity
from karyolot.dna.allele_summary import allele_metrics
from karyolot.dna.alleles import compare_alleles
from karyolot.dna.contamination import identify
from karyolot.dna.persons import whose
from karyolot.io.files import read_model, write_metrics, write_model
from karyolot.io.results import read_counted
from karyolot.io.tables import read_table, write_tables
from karyolot.plan.params import job

with job(snakemake, Identity) as settings:
    given, made = snakemake.input, snakemake.output
    lot, donor, *rna = (read_table(path, AlleleCounts) for path in (given.lot, given.donor, *given.rna))
    identity = identify(lot, donor, settings, rna, snakemake.params.samples)
    ratios, calls = read_table(given.ratios, LogRatios), read_table(given.calls, Calls)
    noise, sets = read_model(given.noise, Noise), snakemake.params.sets
    compared = compare_alleles(lot, donor, ratios, noise, calls, settings, sets)
    write_model(identity, made.identity)
    write_tables(compared, {"events": AlleleEvents, "arms": AlleleArms, "track": AlleleTrack}, dict(made.items()))
    write_model(compared.facts, made.facts)
    write_model(whose(identity, snakemake.params.counted, read_counted, settings.log10_ratio), made.persons)
    write_metrics(allele_metrics(identity, compared.events, compared.facts, sets), made.metrics)
