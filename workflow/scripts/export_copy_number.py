"""Rule `export_copy_number`: copy-number results -> tables for people, and SEG, VCF, BED and bedGraph."""

from karyolot.contracts.copy_number import Arms, Calls, Lod, LogRatios, Segments
from karyolot.contracts.settings import Section
from karyolot.dna.exports import documents
from karyolot.io.files import write_texts
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, Section):
    given, made, lot = snakemake.input, snakemake.output, snakemake.wildcards.lot
    ratios, segments = read_table(given.ratios, LogRatios), read_table(given.segments, Segments)
    calls = read_table(given.calls, Calls)
    write_table(ratios, made.ratios, LogRatios)
    write_table(segments, made.segments, Segments)
    write_table(calls, made.calls, Calls)
    write_table(read_table(given.arms, Arms), made.arms, Arms)
    write_table(read_table(given.lod, Lod), made.lod, Lod)
    write_texts(documents(ratios, segments, calls, lot), made)
