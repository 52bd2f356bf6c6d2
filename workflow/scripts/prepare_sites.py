"""Rule `prepare_sites`: the user's panel of SNPs -> sites in the order and spelling of the genome."""

from pathlib import Path

import pandas as pd

from karyolot.contracts.alleles import Sites
from karyolot.contracts.settings import Section
from karyolot.inputs.formats.sites import read
from karyolot.io.genome import read_layout_bands
from karyolot.io.tables import write_table
from karyolot.plan.params import job

with job(snakemake, Section):
    layout, _ = read_layout_bands(snakemake.input.layout)
    sites = read(Path(snakemake.input.panel[0]), Path(snakemake.input.fasta), layout.autosomes)
    write_table(pd.DataFrame(sites), snakemake.output.sites, Sites)
