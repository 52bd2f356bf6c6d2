"""Rule `map_transcripts`: annotation -> the gene of each transcript; name and length of each gene."""

from karyolot.contracts.expression import Genes, TranscriptGenes
from karyolot.contracts.settings import Section
from karyolot.io.expression import read_annotation
from karyolot.io.tables import write_table
from karyolot.plan.params import job

with job(snakemake, Section):
    transcripts, genes = read_annotation(snakemake.input.gtf[0])
    write_table(transcripts, snakemake.output.transcripts, TranscriptGenes)
    write_table(genes, snakemake.output.genes, Genes)
