"""What a run takes of the files that name genes to search: the driver panel, the annotation, and the user's own list."""

from collections.abc import Collection
from typing import Any

from karyolot.contracts.genes import Model
from karyolot.inputs.formats import drivers, gtf, intervals

Sources = tuple[list[dict[str, str]], list[dict[str, str]], list[Model], list[tuple[str, int, int, str]]]


def driver_sources(files: Any, contigs: Collection[str]) -> Sources:
    """Rows of the panel and of its recurrent mutations, coding transcripts of all genes that are searched, and intervals of the
    user's list.

    Parameters
    ----------
    files
        Has the lists `gtf` (one or none), `panel` (genes and recurrent mutations, or nothing) and `own` (a BED or nothing).
    contigs
        Of the genome; transcripts on others are left out.
    """
    genes, hotspots = drivers.read(*files.panel) if files.panel else ([], [])
    own = [row for path in files.own for row in intervals.named_regions(path)]
    wanted = {row["gene"] for row in genes} | {name for *_, name in own if name}
    models = [model for path in files.gtf for model in gtf.models(path, wanted) if model.chrom in contigs]
    return genes, hotspots, models, own
