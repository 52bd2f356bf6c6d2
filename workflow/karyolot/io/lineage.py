"""Lots of a line as `trace_lineage` and `trace_family` read them."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import pandas as pd

from karyolot.contracts.copy_number import Bins, Calls, Counts
from karyolot.contracts.kinetics import LineLot
from karyolot.io.files import read_verdict
from karyolot.io.tables import read_table


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
