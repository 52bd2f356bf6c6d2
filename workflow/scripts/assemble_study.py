"""Rule `assemble_study`: all samples of the study, quantified -> one table of expression."""

from karyolot import runtime
from karyolot.contracts.expression import ExpressionSample, Genes, TranscriptGenes
from karyolot.contracts.settings import Section
from karyolot.io.expression import read_given, read_quantified, write_expression
from karyolot.rna.expression import assemble

with runtime.job(snakemake, Section):
    samples = [ExpressionSample.model_validate(facts) for facts in snakemake.params.samples]
    quantified = read_quantified(samples, read_given(snakemake.input.transcripts, TranscriptGenes))
    expression = assemble(quantified, samples, read_given(snakemake.input.genes, Genes))
    write_expression(expression, snakemake.output.expression)
