"""Names of the files that the search for small variants reads and writes. Pure functions; nothing is opened."""

from karyolot.contracts.results import Inputs
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Study
from karyolot.plan.files import aligned, given, shipped
from karyolot.plan.samples import searched_samples

DRIVER_LOCI = "results/reference/drivers.parquet"
DRIVER_PANEL = "results/reference/drivers.json"
DRIVER_REGIONS = "results/reference/drivers.bed"
DRIVER_MODELS = "results/reference/drivers.gff3"


def searched(study: Study, settings: Config, lot: str) -> dict[str, list[str]]:
    """`aligned` of all samples whose reads are searched for small variants (`searched_samples`), in that order."""
    files = [aligned(study, sample) for sample in searched_samples(study, settings, lot)]
    return {name: [file[name] for file in files] for name in ("reads", "index")}


def driver_inputs(settings: Config) -> Inputs:
    """What the driver loci are derived from; no panel without an annotation."""
    own = settings.small_variants
    panel = [own.drivers, own.hotspots] if own.drivers is not None and settings.reference.gtf is not None else []
    return {"gtf": given(settings.reference.gtf), "panel": [shipped(path) for path in panel], "own": given(own.genes)}
