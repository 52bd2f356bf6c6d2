"""Rule `match_samples`: allele counts of all samples -> every pair: one person or not, and who is mixed into whom. Pairs
that the last run compared are taken from it."""

from karyolot.contracts import settings as configured
from karyolot.contracts.alleles import Identity
from karyolot.dna.sources import match_samples
from karyolot.io.files import read_model
from karyolot.io.pairs import read_allele_counts, read_earlier, write_pairs
from karyolot.plan.params import job

with job(snakemake, configured.Identity) as settings:
    given, made, params = snakemake.input, snakemake.output, snakemake.params
    counted = read_allele_counts(given.alleles, params.samples)
    own = {lot: read_model(path, Identity) for lot, path in zip(params.lots, given.own, strict=True)}
    made_by = {"code": params.code, "libraries": params.libraries, "settings": params.settings}
    pairs, likenesses = match_samples(counted, params.samples, own, settings, read_earlier(made, made_by, counted))
    write_pairs(pairs, likenesses, made, made_by, counted)
