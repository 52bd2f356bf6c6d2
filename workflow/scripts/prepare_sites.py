"""Rule `prepare_sites`: the user's panel of SNPs -> sites in the order and spelling of the genome."""

from karyolot.contracts.alleles import Sites
from karyolot.contracts.settings import Section
from karyolot.inputs.formats import layout
from karyolot.io.alleles import read_sites
from karyolot.io.tables import write_table
from karyolot.plan.params import job

with job(snakemake, Section):
    facts = layout.read(snakemake.input.layout)
    sites = read_sites(snakemake.input.panel[0], snakemake.input.fasta, facts.layout)
    write_table(sites, snakemake.output.sites, Sites)
