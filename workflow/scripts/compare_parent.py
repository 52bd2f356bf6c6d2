"""Rule `compare_parent`: clones, private variants and heteroplasmies of a lot and its parent lot -> is it of this line."""

from karyolot.contracts.kinetics import Kinetics
from karyolot.contracts.mitochondria import MitochondrialResults
from karyolot.contracts.results import DescentFiles
from karyolot.contracts.settings import Section
from karyolot.contracts.small_variants import VariantResults
from karyolot.dna.descent import compare_parent, descent_metrics
from karyolot.io.files import read_model, write_metrics, write_model
from karyolot.io.tables import read_found
from karyolot.plan.params import job

with job(snakemake, Section):
    given = DescentFiles.given(snakemake.input)
    variants = [read_found(VariantResults, files) for files in (given.parent_variants, given.own_variants)]
    mitochondria = [read_found(MitochondrialResults, of) for of in (given.parent_mitochondria, given.own_mitochondria)]
    kinetics = read_model(given.kinetics, Kinetics)
    descent = compare_parent(kinetics, snakemake.params.parent, variants, mitochondria)
    write_model(descent, snakemake.output.descent)
    write_metrics(descent_metrics(descent), snakemake.output.metrics)
