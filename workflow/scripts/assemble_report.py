"""Rule `assemble_report`: all results of a lot, and what made them -> its record, from which alone the report is rendered."""

import os
from pathlib import Path

import pandas as pd

from karyolot.contracts.descent import Descent
from karyolot.contracts.foreign import ForeignResults
from karyolot.contracts.kinetics import Kinetics
from karyolot.contracts.mitochondria import MitochondrialResults
from karyolot.contracts.record import ImportedResult, LotFacts
from karyolot.contracts.results import LotFiles
from karyolot.contracts.settings import CopyNumber
from karyolot.contracts.small_variants import VariantResults
from karyolot.inputs.formats import regions
from karyolot.io.expression import read_expression_results
from karyolot.io.files import describe_file, read_described, read_model, read_verdict
from karyolot.io.history import issue
from karyolot.io.quality import read_said
from karyolot.io.record import read_report
from karyolot.io.results import read_alleles, read_copy_number, read_found
from karyolot.plan.params import job
from karyolot.plan.provenance import collect, made_now
from karyolot.report.qc import summarise
from karyolot.report.record import assemble

with job(snakemake, CopyNumber) as settings:
    given, params = LotFiles.given(snakemake.input), snakemake.params
    facts = LotFacts.model_validate(params.lot)
    verdict = read_verdict(given.verdict, given.metrics, facts.lot_id)
    inputs = [*read_described(given.data, given.references, params.used), *map(describe_file, given.own)]
    provenance = collect(inputs, params.tools, params.differences, params.acceptance, params.reference)
    dna = read_copy_number(given.dna, pd.DataFrame(regions.read(given.recurrent)))
    rna, earlier = read_expression_results(given.rna, params.replicates), [read_report(path) for path in given.earlier]
    qc = [summarise(sample["facts"], *read_said(sample["said"])) for sample in params.quality]
    searches = {VariantResults: given.variants, MitochondrialResults: given.mitochondria, ForeignResults: given.foreign}
    searched = [read_found(kind, files) for kind, files in searches.items()]
    results = [ImportedResult.model_validate(row) for row in params.results] if params.results is not None else None
    found = [dna, rna, qc, provenance, settings, read_alleles(given.alleles), results, *searched, earlier, params.sets]
    found += [path and read_model(path, kind) for path, kind in ((given.kinetics, Kinetics), (given.descent, Descent))]
    issue(Path(), assemble(facts, params.notice, verdict, *found), snakemake.output.report, made_now(os.environ))
