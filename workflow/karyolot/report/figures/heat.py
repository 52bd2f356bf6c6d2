"""Heat maps: genes x samples of a lot; distances and scores of a study."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from karyolot.contracts.overview import StudyExpression
from karyolot.contracts.record_rna import ExpressionRecord, HeatRow
from karyolot.report.figures.genome import CHARACTER

HEAT_EDGES = (0.5, 1.0, 2.0, 4.0)
"""|log2| from which a cell of the heat map is one shade darker; the same in all reports."""
CELL = 15.0
HEAT_LEFT, HEAT_TOP = 150.0, 20.0
"""Room for names on the left, more where they are longer, and for those of groups above."""
LONGEST = 36
"""Characters of a name on the left; what is longer is cut there, so that a phone shows squares beside it."""
LETTER = 8.0
"""Mean width of an 11-unit capital or digit: gene names beside a heat map have to fit whole."""
SCORE_EDGES = (0.15, 0.3, 0.45, 0.6)
"""As HEAT_EDGES, of GSVA scores, which lie within -1..1."""
MOST_DRAWN = 100
"""Most samples in a heat map of the study: the matrix of distances grows with their square, and beyond rows are not legible."""


@dataclass(frozen=True)
class Heat:
    """Genes x samples. paths: shade (-4..4, 0 = hardly different) -> its cells.

    genes, groups: x of each name; samples: y of each name. left: where sample names end. bottom: where cells end.
    """

    width: float
    height: float
    left: float
    paths: dict[int, str]
    genes: tuple[tuple[str, float], ...]
    samples: tuple[tuple[str, float], ...]
    groups: tuple[tuple[str, float], ...]
    bottom: float


def shade(value: float, edges: Sequence[float] = HEAT_EDGES) -> int:
    """How many of the edges a value reaches, with its sign."""
    return int(math.copysign(sum(abs(value) >= edge for edge in edges), value))


def heat(record: ExpressionRecord) -> list[Heat]:
    """The marker panel and the pathway genes, one plot each (He 2025, Fig. S2 and 1h)."""
    panel = {marker.group for marker in record.markers}
    parts = [[row for row in record.heat if (row.group in panel) == is_panel] for is_panel in (True, False)]
    return [_heat(part, record.heat_samples) for part in parts if part]


def _heat(rows: Sequence[HeatRow], samples: Sequence[str], edges: Sequence[float] = HEAT_EDGES) -> Heat:
    """rows: drawn as columns, one square per name in `samples`."""
    cells: dict[int, list[str]] = {}
    places: list[float] = []
    groups: list[tuple[str, float]] = []
    x = start = max(HEAT_LEFT, CHARACTER * min(LONGEST, max(map(len, samples))) + 12)
    for group, held in groupby(rows, key=lambda row: row.group):
        left = x
        for row in held:
            places.append(x)
            for number, log2 in enumerate(row.log2):
                path = f"M{x:g} {HEAT_TOP + number * CELL:g}h{CELL - 1:g}v{CELL - 1:g}h-{CELL - 1:g}z"
                cells.setdefault(shade(log2, edges), []).append(path)
            x += CELL
        groups.append((group, left))
        x = max(x + CELL / 2, left + CHARACTER * len(group) + CELL / 2)
    bottom = HEAT_TOP + len(samples) * CELL
    return Heat(
        width=x,
        height=bottom + LETTER * max(len(row.gene_name) for row in rows) + 12,
        left=start - 6,
        paths={key: "".join(cells[key]) for key in sorted(cells)},
        genes=tuple((row.gene_name, place + CELL / 2) for place, row in zip(places, rows, strict=True)),
        samples=tuple((name, HEAT_TOP + (number + 0.5) * CELL) for number, name in enumerate(samples)),
        groups=tuple(groups),
        bottom=bottom,
    )


def study_heat(study: StudyExpression) -> list[Heat] | None:
    """Distances, samples x samples, and marker scores, groups x samples, in the shades of the lots' heat maps; GSVA scores,
    samples x sets, where they are known. None beyond MOST_DRAWN samples."""
    if len(study.samples) > MOST_DRAWN:
        return None
    names = [sample.sample_id for sample in study.samples]
    far = [HeatRow(gene_name=name, group="", log2=row) for name, row in zip(names, study.distances, strict=True)]
    scores = [HeatRow(gene_name=name, group="", log2=row) for name, row in zip(study.groups, study.scores, strict=True)]
    made = [_heat(far, names), _heat(scores, names)]
    if study.sets:
        columns = zip(study.samples, zip(*study.set_scores, strict=True), strict=True)
        by_sample = [HeatRow(gene_name=s.sample_id, group=s.donor_id, log2=values) for s, values in columns]
        made.append(_heat(by_sample, study.sets, SCORE_EDGES))
    return made
