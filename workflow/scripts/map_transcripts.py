"""Rule `map_transcripts`: annotation -> the gene of each transcript; name and length of each gene."""

from karyolot.contracts.expression import Genes, TranscriptGenes
from karyolot.contracts.settings import Section
from karyolot.inputs.formats import gtf
from karyolot.io.tables import write_table
from karyolot.plan.params import job

with job(snakemake, Section):
    annotation = gtf.read(snakemake.input.gtf[0])
    write_table(TranscriptGenes.of(annotation.transcripts), snakemake.output.transcripts, TranscriptGenes)
    write_table(Genes.of(annotation.genes), snakemake.output.genes, Genes)
