"""Rule `assemble_study`: all samples of the study, quantified -> one table of expression."""

from karyolot.contracts.settings import Section
from karyolot.io.expression import read_samples, write_expression
from karyolot.plan.params import job
from karyolot.rna.expression import assemble

with job(snakemake, Section):
    given, facts = snakemake.input, snakemake.params
    read = read_samples(facts.samples, facts.salmon, given.transcripts, given.genes)
    write_expression(assemble(*read, facts.gtf), snakemake.output.expression)
