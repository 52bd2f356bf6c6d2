"""Rule `trace_lineage`: a lot, the lots it was grown from, their donor -> clones over passages; is the lot of this line."""

from karyolot.contracts.results import DescentFiles
from karyolot.contracts.settings import CopyNumber
from karyolot.dna.atlas import Atlas
from karyolot.dna.descent import compare_parent, descent_metrics
from karyolot.dna.lineage import trace
from karyolot.inputs.reference import places
from karyolot.io.files import write_metrics, write_model
from karyolot.io.lineage import read_evidence, read_line
from karyolot.plan.params import job

with job(snakemake, CopyNumber) as settings:
    given, made, params = snakemake.input, snakemake.output, snakemake.params
    atlas = Atlas.of(places(given.layout, given.recurrent, given.gtf))
    kinetics = trace(*read_line(given, params.line), params.sex, settings, atlas)
    evidence = read_evidence(DescentFiles.given_among(given, "descent_"))
    descent = compare_parent(kinetics, params.parent, *evidence)
    write_model(kinetics, made.kinetics)
    write_model(descent, made.descent)
    write_metrics(descent_metrics(descent), made.metrics)
