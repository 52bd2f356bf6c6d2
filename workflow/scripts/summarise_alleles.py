"""Rule `summarise_alleles`: identity, contamination and events of the alleles -> the metrics of a lot."""

from karyolot import runtime
from karyolot.contracts.alleles import AlleleEvents, AlleleFacts, Identity
from karyolot.contracts.settings import Section
from karyolot.dna.allele_summary import allele_metrics
from karyolot.io.files import read_model, write_metrics
from karyolot.io.tables import read_table

with runtime.job(snakemake, Section):
    identity, facts = read_model(snakemake.input.identity, Identity), read_model(snakemake.input.facts, AlleleFacts)
    events = read_table(snakemake.input.events, AlleleEvents)
    write_metrics(allele_metrics(identity, events, facts), snakemake.output.metrics)
