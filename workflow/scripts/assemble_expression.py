"""Rule `assemble_expression`: a lot's samples and its donor's, quantified -> one table of expression."""

from karyolot.contracts.expression import ExpressionSample, Genes, TranscriptGenes
from karyolot.contracts.settings import Section
from karyolot.inputs.quantified import read_quantified
from karyolot.io.expression import read_given, read_quantification, write_expression
from karyolot.io.shipped import aliases
from karyolot.plan.params import job
from karyolot.rna.expression import assemble

with job(snakemake, Section):
    samples = [ExpressionSample.model_validate(facts) for facts in snakemake.params.samples]
    quantified = read_quantified(samples, read_given(snakemake.input.transcripts, TranscriptGenes))
    salmon = {name: read_quantification(path) for name, path in snakemake.params.salmon.items()}
    genes = read_given(snakemake.input.genes, Genes)
    expression = assemble(quantified, samples, genes, salmon, snakemake.params.gtf, aliases())
    write_expression(expression, snakemake.output.expression)
