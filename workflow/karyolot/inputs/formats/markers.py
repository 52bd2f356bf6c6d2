"""The table of marker genes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from karyolot.contracts.problems import Fault, nearest, quoted
from karyolot.inputs.formats.text import named, table
from karyolot.inputs.spreadsheet import damage_fault, damaged_names
from karyolot.io.shipped import aliases

COLUMNS = ("gene_name", "group", "expected", "source", "reason")
EXPECTED = ("down", "up", "detected", "absent", "report")


@dataclass(frozen=True, slots=True)
class Facts:
    """rows: (line, row) of the genes, under today's symbols, without those whose name is damaged. former: symbols in the table
    that were renamed since. faults: all that is wrong with rows."""

    rows: list[tuple[int, dict[str, str]]]
    former: list[str]
    faults: list[Fault]


def records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row) of every gene, as it is written. Raises Fault when the table has other columns."""
    yield from table(path, COLUMNS)


def look(path: Path) -> Facts:
    """The whole table, with all faults of its rows."""
    written = list(records(path))
    rows: list[tuple[int, dict[str, str]]] = []
    former, faults = [], []
    seen: set[tuple[str, str]] = set()
    damaged = damaged_names((line, row["gene_name"]) for line, row in written)
    if damaged:
        faults.append(damage_fault(damaged, "write the symbols again, in a text editor"))
    for line, row in written:
        name = aliases().get(row["gene_name"], row["gene_name"])
        if name != row["gene_name"]:
            former.append(row["gene_name"])
        row = row | {"gene_name": name}
        if not name:
            faults.append(Fault("E16", "the row has no gene name", "write its symbol", line))
        if row["expected"] not in EXPECTED:
            message, meant = f"expected is {quoted(row['expected'])}", nearest(row["expected"], EXPECTED)
            faults.append(Fault("E17", message, f"write {', '.join(EXPECTED)}", line, meant))
        if (name, row["group"]) in seen:
            message = f"{name} occurs twice in the group {quoted(row['group'])}"
            faults.append(Fault("E01", message, "keep one row", line))
        seen.add((name, row["group"]))
        if name not in {each for _, each, _ in damaged}:
            rows.append((line, row))
    if not written:
        faults.append(Fault("E16", "holds no gene", "write a row for each marker gene"))
    return Facts(rows, former, faults)


def read(path: str | Path) -> dict[str, list[str]]:
    """The columns of schema MarkerPanel; raises what `look` raises, or the first of its faults."""
    with named(path):
        facts = look(Path(path))
        for fault in facts.faults:
            raise fault
    return {column: [row[column] for _, row in facts.rows] for column in COLUMNS}
