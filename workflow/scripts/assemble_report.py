"""Rule `assemble_report`: all results of a lot -> its record, from which alone the report is rendered."""

import os

import pandas as pd

from karyolot.contracts.provenance import Provenance
from karyolot.contracts.record import ImportedResult, LotFacts, SampleQc
from karyolot.contracts.results import LotFiles
from karyolot.contracts.settings import CopyNumber
from karyolot.inputs.formats import regions
from karyolot.io.expression import read_expression_results
from karyolot.io.files import read_model, read_verdict
from karyolot.io.record import read_report, write_report
from karyolot.io.tables import read_alleles, read_copy_number, read_variants
from karyolot.plan.params import job
from karyolot.plan.provenance import made_now
from karyolot.report.record import assemble

with job(snakemake, CopyNumber) as settings:
    given, facts = LotFiles.given(snakemake.input), LotFacts.model_validate(snakemake.params.lot)
    verdict = read_verdict(given.verdict, given.metrics, facts.lot_id)
    provenance = read_model(given.provenance, Provenance)
    dna = read_copy_number(given.dna, pd.DataFrame(regions.read(given.watch)))
    rna = read_expression_results(given.rna, snakemake.params.replicates)
    qc = [read_model(path, SampleQc) for path in given.qc]
    alleles, variants = read_alleles(given.alleles), read_variants(given.variants)
    earlier = [read_report(path) for path in given.earlier]
    rows = snakemake.params.results
    results = None if rows is None else [ImportedResult.model_validate(row) for row in rows]
    found = [dna, rna, qc, provenance, settings, alleles, results, variants, earlier]
    record = assemble(facts, snakemake.params.notice, verdict, *found)
    write_report(record, snakemake.output.report, made_now(os.environ))
