"""Rule `segment_log_ratios`: log2 ratios per bin -> segments, and the noise they are judged by."""

from karyolot.contracts.copy_number import LogRatios, Segments
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.segments import segment
from karyolot.io.files import write_model
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, CopyNumber) as settings:
    segmented = segment(read_table(snakemake.input.ratios, LogRatios), settings)
    write_table(segmented.segments, snakemake.output.segments, Segments)
    write_model(segmented.noise, snakemake.output.noise)
    write_model(segmented.donor_noise, snakemake.output.donor_noise)
