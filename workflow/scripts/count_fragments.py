"""Rule `count_fragments`: aligned reads -> fragments per bin, and facts of the library."""

from karyolot.contracts.copy_number import Bins, Counts
from karyolot.contracts.settings import Counting
from karyolot.dna.counts import count_fragments
from karyolot.io.files import write_model
from karyolot.io.fragments import aligner_of, fragments
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, Counting) as settings:
    bins = read_table(snakemake.input.bins, Bins)
    counts, library = count_fragments(bins, fragments(snakemake.input.cram, snakemake.input.fasta, settings.min_mapq))
    write_table(counts, snakemake.output.counts, Counts)
    write_model(library.model_copy(update={"aligner": aligner_of(snakemake.input.cram)}), snakemake.output.library)
