"""Planted pairs of samples: what `match_samples` would find, the persons being known."""

from collections.abc import Collection, Mapping
from itertools import combinations

import pandas as pd

from karyolot.contracts.alleles import Pairs


def planted(
    sheet: Mapping[str, str], truth: Mapping[str, str] | None = None, untold: Collection[str] = (),
    held: Mapping[tuple[str, str], float] | None = None,
) -> pd.DataFrame:  # fmt: skip
    """Schema Pairs of all samples in `sheet` (sample -> person by the sheet; a name that begins with its person's is the
    donor's own).

    truth: whose a sample is, where the sheet is wrong. untold: samples with too few reads. held: (sample, source) -> share.
    """
    persons, shares = dict(sheet) | dict(truth or {}), held or {}
    rows = []
    for a, b in combinations(sheet, 2):
        same = persons[a] == persons[b]
        result = "NOT ENOUGH" if {a, b} & set(untold) else "MATCH" if same else "MISMATCH"
        names = {
            f"{key}_{which}": value
            for which, name in (("a", a), ("b", b))
            for key, value in (("sample", name), ("owner", _owner(name, sheet[name])), ("person", sheet[name]))
        }
        facts = {"expected": sheet[a] == sheet[b], "sites": 5000, "log10_unrelated": 9.0, "log10_sibling": 9.0}
        rows.append({**names, **facts, "result": result, "b_in_a": shares.get((a, b)), "a_in_b": shares.get((b, a))})
    return Pairs.validate(pd.DataFrame(rows).astype({"b_in_a": float, "a_in_b": float}))


def _owner(sample: str, person: str) -> str:
    return person if sample.startswith(person) else sample.split("-")[0]
