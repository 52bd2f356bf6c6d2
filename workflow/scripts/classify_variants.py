"""Rule `classify_variants`: called small variants of lot and donor -> inherited, enriched, acquired; the metric of a lot."""

from pathlib import Path

from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.contracts.small_variants import GeneDepths, SmallVariants
from karyolot.dna.small_variants import called_table, classify, variant_metrics
from karyolot.inputs.formats.variants import read
from karyolot.io.files import write_metrics, write_model
from karyolot.io.small_variants import read_depths
from karyolot.io.tables import write_table
from karyolot.plan.params import job

with job(snakemake, Settings) as settings:
    called = called_table(read(Path(snakemake.input.called), *snakemake.params.samples))
    depths = GeneDepths.validate(read_depths(snakemake.input.depths))
    results = classify(called, depths, settings.licence)
    write_table(results.variants, snakemake.output.variants, SmallVariants)
    write_table(results.variants, snakemake.output.tsv, SmallVariants)
    write_model(results.facts, snakemake.output.facts)
    write_metrics(variant_metrics(results), snakemake.output.metrics)
