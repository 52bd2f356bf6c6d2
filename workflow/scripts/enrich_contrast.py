"""Rule `enrich_contrast`: genes ranked by their change in a lot -> enrichment of the configured gene sets."""

from karyolot.contracts.expression import DifferentialExpression, Enrichment, SetAxes
from karyolot.contracts.settings import Pathways
from karyolot.inputs.formats import gene_sets
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job
from karyolot.rna.enrichment import enrich

with job(snakemake, Pathways) as settings:
    sets, axes = gene_sets.read(snakemake.input.gene_sets, snakemake.input.axes)
    table = read_table(snakemake.input.table, DifferentialExpression)
    enrichment = enrich(table, sets, SetAxes.of(axes), settings)
    write_table(enrichment, snakemake.output.enrichment, Enrichment)
