"""Rule `prepare_sites`: the user's panel of SNPs -> sites in the order and spelling of the genome."""

from pathlib import Path

import pandas as pd

from karyolot.contracts.alleles import Sites
from karyolot.contracts.settings import Section
from karyolot.inputs.formats import layout, sites
from karyolot.io.tables import write_table
from karyolot.plan.params import job

with job(snakemake, Section):
    autosomes = layout.read(snakemake.input.layout).layout.autosomes
    panel = sites.read(Path(snakemake.input.panel[0]), Path(snakemake.input.fasta), autosomes)
    write_table(pd.DataFrame(panel), snakemake.output.sites, Sites)
