"""Rule `classify_variants`: called small variants of lot and donor -> inherited, enriched, acquired; the metric of a lot."""

from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.contracts.small_variants import CalledVariants, GeneDepths, SmallVariants
from karyolot.dna.small_variants import classify, variant_metrics
from karyolot.io.files import write_metrics, write_model
from karyolot.io.small_variants import read_called, read_depths
from karyolot.io.tables import write_table
from karyolot.plan.params import job

with job(snakemake, Settings) as settings:
    called = CalledVariants.validate(read_called(snakemake.input.called, *snakemake.params.samples))
    depths = GeneDepths.validate(read_depths(snakemake.input.depths))
    results = classify(called, depths, settings.licence)
    write_table(results.variants, snakemake.output.variants, SmallVariants)
    write_table(results.variants, snakemake.output.tsv, SmallVariants)
    write_model(results.facts, snakemake.output.facts)
    write_metrics(variant_metrics(results), snakemake.output.metrics)
