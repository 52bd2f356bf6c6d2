"""Rule `score_study`: expression of the study -> a score of every gene set in every sample."""

from karyolot.contracts.expression import SetAxes, SetScores
from karyolot.contracts.settings import Pathways
from karyolot.inputs.formats import gene_sets
from karyolot.io.expression import read_expression
from karyolot.io.tables import write_table
from karyolot.plan.params import job
from karyolot.rna.scores import gsva

with job(snakemake, Pathways) as settings:
    sets, axes = gene_sets.read(snakemake.input.gene_sets, snakemake.input.axes)
    scores = gsva(read_expression(snakemake.input.expression), sets, SetAxes.of(axes), settings)
    write_table(scores, snakemake.output.scores, SetScores)
