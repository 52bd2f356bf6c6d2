"""Rule `summarise_expression`: markers and quality of a lot's RNA -> the metrics the criteria are held against."""

from karyolot.contracts.expression import Markers, RnaQuality
from karyolot.contracts.results import ComparisonFiles
from karyolot.contracts.settings import Section
from karyolot.io.expression import read_comparison, read_expression, read_quantification
from karyolot.io.files import write_metrics
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job
from karyolot.rna.panel import panel_metrics
from karyolot.rna.summary import expression_metrics, sample_quality

with job(snakemake, Section):
    quality = {name: read_quantification(path) for name, path in snakemake.params.quality.items()}
    expression, markers = read_expression(snakemake.input.expression), read_table(snakemake.input.markers, Markers)
    found = expression_metrics(expression, markers, quality, snakemake.params.sex)
    found |= panel_metrics(*read_comparison(ComparisonFiles.given_among(snakemake.input, "panel_")))
    write_metrics(found, snakemake.output.metrics)
    write_table(sample_quality(expression), snakemake.output.quality, RnaQuality)
