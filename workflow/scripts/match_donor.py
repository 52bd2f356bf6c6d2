"""Rule `match_donor`: does the lot look like its donor by sex and by germline copy number?"""

from karyolot.contracts.copy_number import Bins, Counts, DonorVariants, LogRatios
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.match import match_donor
from karyolot.io.files import write_model
from karyolot.io.tables import read_table, write_table
from karyolot.plan.params import job

with job(snakemake, CopyNumber) as settings:
    given = snakemake.input
    counts = [read_table(path, Counts) for path in (given.lot, given.donor)]
    ratios, bins = read_table(given.ratios, LogRatios), read_table(given.bins, Bins)
    matched = match_donor(ratios, *counts, bins, snakemake.params.sex, settings)
    write_table(matched.variants, snakemake.output.variants, DonorVariants)
    write_model(matched.match, snakemake.output.match)
