"""Rule `locate_drivers`: driver genes and recurrent mutations -> their loci in the genome of the run."""

from karyolot.contracts.drivers import DriverLoci
from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.dna.loci import locate, merged
from karyolot.inputs.genes import driver_sources
from karyolot.io.drivers import genome_bases, write_models, write_regions
from karyolot.io.files import write_model
from karyolot.io.tables import write_table
from karyolot.plan.params import job

with job(snakemake, Settings), genome_bases(snakemake.input.fasta) as (contigs, bases):
    found = locate(*driver_sources(snakemake.input, contigs), bases)
    write_table(found.loci, snakemake.output.loci, DriverLoci)
    write_model(found.panel, snakemake.output.panel)
    write_regions(merged(found.loci), snakemake.output.regions)
    write_models(found.models, snakemake.output.models)
