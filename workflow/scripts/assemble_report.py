"""Rule `assemble_report`: all results of a lot -> its record, from which alone the report is rendered."""

from karyolot.contracts.criteria import Verdict
from karyolot.contracts.provenance import Provenance
from karyolot.contracts.record import ImportedResult, LotFacts, Record, SampleQc
from karyolot.contracts.settings import CopyNumber
from karyolot.io.expression import read_expression_results
from karyolot.io.files import read_model, write_model
from karyolot.io.tables import read_alleles, read_copy_number, read_variants
from karyolot.plan.params import job
from karyolot.report.record import assemble

with job(snakemake, CopyNumber) as settings:
    given, facts = snakemake.input, LotFacts.model_validate(snakemake.params.lot)
    verdict, provenance = read_model(given.verdict, Verdict), read_model(given.provenance, Provenance)
    dna = read_copy_number(dict(given.items()))
    rna = read_expression_results(dict(given.items()), snakemake.params.replicates)
    qc = [read_model(path, SampleQc) for path in given.qc]
    alleles, variants = read_alleles(dict(given.items())), read_variants(dict(given.items()))
    earlier = [read_model(path, Record) for path in given.earlier]
    results = [ImportedResult.model_validate(row) for row in snakemake.params.results]
    found = [dna, rna, qc, provenance, settings, alleles, results, variants, earlier]
    write_model(assemble(facts, snakemake.params.notice, verdict, *found), snakemake.output.report)
