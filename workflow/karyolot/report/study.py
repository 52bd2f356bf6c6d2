"""Expression of all samples of a study -> what the overview draws of it."""

from collections.abc import Mapping, Sequence

import pandas as pd

from karyolot.contracts.overview import StudyExpression
from karyolot.contracts.record_rna import PanelSample, SampleMap, StudySample


def study_expression(
    samples: Sequence[Mapping[str, str]],
    components: pd.DataFrame,
    distances: pd.DataFrame,
    scores: pd.DataFrame,
    sets: pd.DataFrame,
) -> StudyExpression:
    """Samples by donor, the donor's own first, then lots by name. samples: facts as in ExpressionSample; tables: Components,
    SampleDistances, MarkerScores and SetScores of these samples (components: and of the panel's)."""
    ordered = sorted(samples, key=lambda facts: (facts["donor"], facts["lot"], facts["sample_id"]))
    names = [facts["sample_id"] for facts in ordered]
    square = distances.pivot_table(index="sample_id", columns="other_id", values="distance").loc[names, names]
    wide = scores.pivot_table(index="group", columns="sample_id", values="score", sort=False)
    known = sets["score"].notna()
    gsva = sets[known].pivot_table(index="set_name", columns="sample_id", values="score", sort=False)
    return StudyExpression(
        **sample_map(ordered, components).model_dump(),
        distances=_rows(square, names),
        groups=tuple(wide.index),
        scores=_rows(wide, names),
        sets=tuple(gsva.index),
        set_scores=_rows(gsva, names),
        unscored=tuple(sets.loc[~known, "set_name"].drop_duplicates()),
    )


def sample_map(samples: Sequence[Mapping[str, str]], components: pd.DataFrame) -> SampleMap:
    """These samples, and those of the panel, on the first two components (schema Components). samples: sample_id, donor and
    lot of each, in the order of the map."""
    everywhere = components.pivot_table(index=["panel", "sample_id"], columns="component", values="coordinate")
    places = everywhere.loc[""].loc[[facts["sample_id"] for facts in samples]]
    frozen = everywhere.drop("", level="panel").reset_index()
    shares = components.drop_duplicates("component").set_index("component")["variance_explained"]
    return SampleMap(
        samples=tuple(
            StudySample(
                sample_id=facts["sample_id"],
                donor_id=facts["donor"],
                lot_id=facts["lot"],
                first=round(first, 3),
                second=round(second, 3),
            )
            for facts, (first, second) in zip(samples, places[[1, 2]].to_numpy().tolist(), strict=True)
        ),
        variance_explained=(round(float(shares[1]), 4), round(float(shares[2]), 4)),
        panel=tuple(
            PanelSample(is_lot=state == "lot", first=round(first, 3), second=round(second, 3))
            for state, (first, second) in zip(frozen["panel"], frozen[[1, 2]].to_numpy().tolist(), strict=True)
        ),
    )


def _rows(table: pd.DataFrame, samples: Sequence[str]) -> tuple[tuple[float, ...], ...]:
    """Rows of a table, samples in this order, rounded to what a colour can show."""
    return tuple(tuple(row) for row in table.reindex(columns=list(samples)).round(3).to_numpy().tolist())
