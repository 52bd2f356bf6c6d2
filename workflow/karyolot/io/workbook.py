"""Tables for people who open results in a spreadsheet: one workbook (XLSX), and text that holds no formula."""

from collections.abc import Mapping
from datetime import datetime
from io import BytesIO

import pandas as pd
import xlsxwriter

from karyolot.io.files import PathLike, write_bytes

AS_TEXT = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
"""A cell holds what the table holds: a name from a sheet never becomes a formula or a link."""
NO_DATE = datetime(1980, 1, 1)  # noqa: DTZ001 - the same tables give the same bytes
WIDEST = 60
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet evaluates when it opens a text file."""


def write_workbook(tables: Mapping[str, pd.DataFrame], path: PathLike) -> None:
    """Write one sheet per table: header in bold and frozen, filters on, missing values as empty cells."""
    content = BytesIO()
    with xlsxwriter.Workbook(content, AS_TEXT) as book:
        book.set_properties({"created": NO_DATE})
        bold = book.add_format({"bold": True})
        for name, table in tables.items():
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 1)
            sheet.write_row(0, 0, table.columns, bold)
            values = table.astype(object).where(table.notna(), None)
            for number, row in enumerate(values.itertuples(index=False), start=1):
                sheet.write_row(number, 0, row)
            if len(table.columns):
                sheet.autofilter(0, 0, len(table), len(table.columns) - 1)
            for column, label in enumerate(table.columns):
                longest = max([len(str(label)) + 3, *(len(str(value)) for value in table[label])])
                sheet.set_column(column, column, min(longest, WIDEST))
    write_bytes(content.getvalue(), path)


def without_formulas(table: pd.DataFrame) -> str:
    """A table as tab-separated text; a text that a spreadsheet would evaluate has an apostrophe before it, which is not shown."""

    def safe(value: object) -> object:
        return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value

    return table.astype(object).map(safe).to_csv(sep="\t", index=False)
