"""Rule `enrich_contrast`: genes ranked by their change in a lot -> enrichment of the configured gene sets."""

from karyolot.contracts.expression import DifferentialExpression, Enrichment
from karyolot.contracts.settings import Pathways
from karyolot.io.expression import read_gene_sets
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job
from karyolot.rna.enrichment import enrich

with job(snakemake, Pathways) as settings:
    sets, axes = read_gene_sets(snakemake.input.gene_sets, snakemake.input.axes)
    enrichment = enrich(read_table(snakemake.input.table, DifferentialExpression), sets, axes, settings)
    write_table(enrichment, snakemake.output.enrichment, Enrichment)
