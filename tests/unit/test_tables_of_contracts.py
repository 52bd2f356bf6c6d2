"""Tables made from rows have the columns and types of their contract, and take no others."""

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.alleles import AlleleArms, AlleleEvents, AlleleTrack, Pairs
from karyolot.contracts.copy_number import Arms, Calls, DonorVariants, Lod, Segments, Table
from karyolot.contracts.expression import PanelComparison

CONTRACTS = [Calls, Segments, DonorVariants, Arms, Lod, Pairs, AlleleEvents, AlleleArms, AlleleTrack, PanelComparison]


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.__name__)
def test_a_table_without_rows_keeps_its_contract(contract: type[Table]) -> None:
    contract.validate(contract.frame([]))


def test_columns_are_ordered_and_typed_by_the_contract() -> None:
    rows = [{"type": "gain", "size_bp": 5, "bins": 2, "power": 0.95, "spike_ins": 0, "found": 0}]
    table = Lod.frame(rows)
    Lod.validate(table)
    assert list(table) == ["size_bp", "type", "bins", "power", "fraction", "tetraploid", "spike_ins", "found"]
    assert table["fraction"].dtype == np.float64 and table["fraction"].isna().all(), "not named, so null"


def test_a_name_that_is_no_column_is_refused() -> None:
    with pytest.raises(ValueError, match="Lod has no column fractoin"):
        Lod.frame([{"fractoin": 0.2}])


def test_what_may_not_be_null_must_be_named() -> None:
    with pytest.raises(pd.errors.IntCastingNaNError):
        Lod.frame([{"type": "gain", "size_bp": 5}])
