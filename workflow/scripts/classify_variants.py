"""Rule `classify_variants`: reads at the driver loci -> variants of the lot by origin, limits of detection, metrics."""

from karyolot.contracts.drivers import DriverLoci, DriverPanel
from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.dna.loci import haploid
from karyolot.dna.small_variants import search, variant_metrics
from karyolot.dna.variant_errors import kind_of
from karyolot.inputs.formats import layout, variants
from karyolot.io.files import read_model, write_metrics
from karyolot.io.results import write_found
from karyolot.io.small_variants import read_consequences, read_pileup, read_spiked
from karyolot.io.tables import read_table
from karyolot.plan.params import job

with job(snakemake, Settings) as settings:
    given, params = snakemake.input, snakemake.params
    loci = read_table(given.loci, DriverLoci)
    called = [given.consequences, given.pileup, params.roles, kind_of]
    consequences, pileup = read_consequences(called[0]), read_pileup(*called[1:])
    single = haploid(layout.read(given.layout).layout, params.sex, loci)
    others = variants.read_all(given.own, *params.samples)
    panel = read_model(given.panel, DriverPanel)
    spiked = read_spiked(given.spiked, given.recounted)
    found = search(pileup, loci, panel, consequences, settings, single, params.sets, others, spiked)
    write_found(found, snakemake.output)
    write_metrics(variant_metrics(found), snakemake.output.metrics)
