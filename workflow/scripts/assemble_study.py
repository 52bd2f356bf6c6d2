"""Rule `assemble_study`: all samples of the study, quantified -> one table of expression."""

from karyolot.contracts.settings import Section
from karyolot.inputs.quantified import read_samples
from karyolot.io.expression import write_expression
from karyolot.io.shipped import aliases
from karyolot.plan.params import job
from karyolot.rna.expression import assemble

with job(snakemake, Section):
    given, facts = snakemake.input, snakemake.params
    read = read_samples(facts.samples, facts.salmon, given.transcripts, given.genes)
    write_expression(assemble(*read, facts.gtf, aliases()), snakemake.output.expression)
