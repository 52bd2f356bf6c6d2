"""Expression of a study -> components, distances, marker and gene-set scores of its samples."""

from collections.abc import Sequence

import pandas as pd
from anndata import AnnData

from karyolot.contracts.expression import GeneSets, StudyResults
from karyolot.contracts.panel import Panel
from karyolot.contracts.settings import Pathways
from karyolot.rna.components import MIN_SAMPLES, components
from karyolot.rna.scores import gsva
from karyolot.rna.similarity import marker_scores, sample_distances


def compare(
    expression: AnnData,
    markers: pd.DataFrame,
    frozen: Sequence[Panel],
    sets: GeneSets,
    axes: pd.DataFrame,
    settings: Pathways,
) -> StudyResults | None:
    """How alike the samples of a study are, for showing; None with fewer than three samples.

    Parameters
    ----------
    markers
        Schema MarkerPanel.
    frozen
        The reference panel, or none.
    axes
        Schema SetAxes.
    """
    if expression.n_obs < MIN_SAMPLES:
        return None
    return StudyResults(
        components(expression, *frozen),
        sample_distances(expression),
        marker_scores(expression, markers),
        gsva(expression, sets, axes, settings),
    )
