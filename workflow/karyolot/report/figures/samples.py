"""Samples on their first two principal components."""

from dataclasses import dataclass

from karyolot.contracts.record_rna import SampleMap

PLOT = 380.0
"""Side of the plot of principal components."""
LABEL_STEP = 13.0
MOST_NAMED = 24
"""Samples named in it; more names would lie on each other."""


@dataclass(frozen=True)
class Dot:
    """A sample among the components. label: '' when there are too many to name; label_y: where it does not touch others."""

    x: float
    y: float
    is_lot: bool
    label: str
    label_y: float
    of_panel: bool = False


def dots(study: SampleMap) -> list[Dot]:
    """Samples on the first two components, both on one scale, so that distances on paper are those of the data.

    Those of the panel come first, so that they are drawn behind.
    """
    values = [value for sample in study.samples for value in (sample.first, sample.second)]
    values += [value for sample in study.panel for value in (sample.first, sample.second)]
    reach = 1.1 * max(map(abs, values), default=0.0) or 1.0
    named = len(study.samples) <= MOST_NAMED

    def place(value: float) -> float:
        return round(PLOT / 2 * (1 + value / reach), 1)

    labels = {True: -LABEL_STEP, False: -LABEL_STEP}  # right half, left half: the lowest label so far
    made: list[Dot] = []
    for sample in sorted(study.samples, key=lambda sample: -sample.second):
        x, y = place(sample.first), place(-sample.second)
        labels[x > PLOT / 2] = max(labels[x > PLOT / 2] + LABEL_STEP, y)
        made.append(Dot(x, y, bool(sample.lot_id), sample.sample_id if named else "", labels[x > PLOT / 2]))
    behind = [(place(sample.first), place(-sample.second), sample.is_lot) for sample in study.panel]
    return [Dot(x, y, is_lot, "", y, of_panel=True) for x, y, is_lot in behind] + made
