"""Rule `analyse_mitochondria`: reads of the mitochondrial contig of lot and donor -> copies, heteroplasmies, deletions."""

from karyolot.contracts.copy_number import Bins, Counts
from karyolot.contracts.settings import Mitochondria
from karyolot.dna.mitochondria import analyse, mitochondrial_metrics, nuclear_reads
from karyolot.io.files import read_json, write_metrics
from karyolot.io.mitochondria import read_mitochondria
from karyolot.io.results import write_found
from karyolot.io.tables import read_table
from karyolot.plan.params import job

with job(snakemake, Mitochondria) as settings:
    given, made = snakemake.input, snakemake.output
    counts = [read_table(path, Counts) for path in given.counts]
    flagstats, bins = map(read_json, given.flagstat), read_table(given.bins, Bins)
    nuclear = [nuclear_reads(bins, *pair) for pair in zip(counts, flagstats, strict=True)]
    reads = [read_mitochondria(path, given.fasta, settings) for path in given.reads]
    found = analyse(*reads, *nuclear, settings, snakemake.params.sets)
    write_found(found, dict(made.items()))
    write_metrics(mitochondrial_metrics(found), made.metrics)
