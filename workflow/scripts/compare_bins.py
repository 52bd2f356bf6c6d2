"""Rule `compare_bins`: fragments per bin of lot and donor -> corrected, centred log2 ratios."""

from karyolot.contracts.copy_number import Bins, Counts, LogRatios
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.ratio import compare
from karyolot.io.files import write_model
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, CopyNumber) as settings:
    bins = read_table(snakemake.input.bins, Bins)
    lot, donor = (read_table(path, Counts) for path in (snakemake.input.lot, snakemake.input.donor))
    compared = compare(bins, lot, donor, snakemake.params.sex, settings)
    write_table(compared.ratios, snakemake.output.ratios, LogRatios)
    write_model(compared.facts, snakemake.output.comparison)
