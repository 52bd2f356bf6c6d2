"""Rows of a results table -> rows of the record."""

from typing import TypeVar

import pandas as pd
from pydantic import BaseModel

Row = TypeVar("Row", bound=BaseModel)


def record_rows(table: pd.DataFrame, row: type[Row]) -> tuple[Row, ...]:
    """One record row per table row: the columns the row knows, null as None."""
    names = [field.alias or name for name, field in row.model_fields.items()]
    part = table[[name for name in names if name in table]]
    values = part.astype(object).where(part.notna(), None).to_dict("records")
    return tuple(row.model_validate(value) for value in values)
