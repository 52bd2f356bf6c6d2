"""Rule `decide_lot`: metrics and acceptance criteria -> the verdict."""

from karyolot.contracts.criteria import Acceptance, Weakened
from karyolot.contracts.record import ImportedResult
from karyolot.contracts.settings import CopyNumber
from karyolot.contracts.weakened import weakened_criteria
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.io.files import read_metrics, write_metrics, write_model
from karyolot.plan.params import job
from karyolot.verdict.decide import decide
from karyolot.verdict.imported import imported_metrics
from karyolot.verdict.process import process_metrics

with job(snakemake, CopyNumber) as settings:
    metrics = process_metrics(snakemake.params.facts, snakemake.params.verified)
    metrics |= imported_metrics([ImportedResult.model_validate(row) for row in snakemake.params.results or ()])
    metrics |= {name: metric for path in snakemake.input.metrics for name, metric in read_metrics(path).items()}
    acceptance = read_yaml(snakemake.input.acceptance, Acceptance)
    given = snakemake.params
    weakened = [Weakened(**one) for one in given.weakened]
    shipped = read_yaml(snakemake.input.usual, Acceptance)
    weakened += weakened_criteria(acceptance, shipped)
    asked = given.snps_asked, given.tested_elsewhere, given.panel_asked, given.sets, weakened, shipped
    verdict = decide(snakemake.wildcards.lot, metrics, acceptance, settings.claim_mb, settings.power, *asked)
    write_metrics(metrics, snakemake.output.metrics)
    write_model(verdict, snakemake.output.verdict)
