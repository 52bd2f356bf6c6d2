"""Rule `assess_limits`: log2 ratios and their noise -> tests of whole arms, and limits of detection."""

from karyolot import runtime
from karyolot.contracts.copy_number import Arms, Lod, LogRatios, Noise
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.limits import limits_of_detection, whole_arms
from karyolot.io.files import read_model
from karyolot.io.tables import read_table, write_table

with runtime.job(snakemake, CopyNumber) as settings:
    ratios = read_table(snakemake.input.ratios, LogRatios)
    noise = read_model(snakemake.input.noise, Noise)
    write_table(whole_arms(ratios, noise, settings), snakemake.output.arms, Arms)
    write_table(limits_of_detection(ratios, noise, settings), snakemake.output.lod, Lod)
