"""Lots of a line as `trace_lineage` and `trace_family` read them, and further evidence of descent."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import pandas as pd

from karyolot.contracts.copy_number import Bins, Calls, Counts
from karyolot.contracts.kinetics import LineLot
from karyolot.contracts.mitochondria import MitochondrialResults
from karyolot.contracts.results import DescentFiles
from karyolot.contracts.small_variants import VariantResults
from karyolot.io.files import read_verdict
from karyolot.io.results import read_found
from karyolot.io.tables import read_table

Variants = tuple[VariantResults | None, VariantResults | None]
Mitochondria = tuple[MitochondrialResults | None, MitochondrialResults | None]


def read_line(given: Any, line: Sequence[Mapping[str, Any]]) -> tuple[pd.DataFrame, list[LineLot], pd.DataFrame]:
    """Bins; lots with counts, calls and whether each has a verdict on stability; counts of their donor.

    Parameters
    ----------
    given
        Inputs of the rule: bins, donor, and of `plan.files.lineage_inputs` counts and calls of every lot, verdicts and
        metrics of the first ones.
    line
        `plan.samples.line_of` or `family_of`, in the same order. A lot without a verdict among the inputs is the one in question.
    """
    lots = []
    files = zip_longest(line, given.counts, given.calls, given.verdicts, given.metrics)
    for facts, counts, calls, verdict, metrics in files:
        usable = verdict is None or not read_verdict(verdict, metrics, facts["lot_id"]).suppressed
        lots.append(LineLot(**facts, counts=read_table(counts, Counts), calls=read_table(calls, Calls), usable=usable))
    return read_table(given.bins, Bins), lots, read_table(given.donor, Counts)


def read_evidence(files: DescentFiles | None) -> tuple[Variants, Mitochondria]:
    """Small variants and mitochondrial DNA, each of the parent lot and of the lot; None where they were not searched."""
    if files is None:
        return (None, None), (None, None)
    return (
        (read_found(VariantResults, files.parent_variants), read_found(VariantResults, files.own_variants)),
        (
            read_found(MitochondrialResults, files.parent_mitochondria),
            read_found(MitochondrialResults, files.own_mitochondria),
        ),
    )
