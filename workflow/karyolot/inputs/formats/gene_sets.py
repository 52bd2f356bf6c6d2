"""Gene sets: GMT files, and the table of axes that states which sets are scored."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from karyolot.contracts.problems import Fault, quoted
from karyolot.inputs.formats.text import lines, named, table
from karyolot.inputs.spreadsheet import damage_fault, damaged_names
from karyolot.io.shipped import aliases

AXES_COLUMNS = ("set_name", "axis", "informational")
_WEIGHT = re.compile(r"[^,]+,-?[0-9.eE+-]+")
"""A gene of Enrichr: ALB,1.0."""


@dataclass(frozen=True, slots=True)
class Facts:
    """sets: genes by name of the set, under today's symbols. former: symbols in the file that were renamed since."""

    sets: dict[str, frozenset[str]]
    former: list[str]


@dataclass(frozen=True, slots=True)
class Axes:
    """rows: (line, row) of the sets that are scored. faults: all that is wrong with single rows."""

    rows: list[tuple[int, dict[str, str]]]
    faults: list[Fault]


def records(path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """(line, name, genes) of each set of a GMT file, without spaces around the names.

    Raises
    ------
    Fault
        E28 for a line that is not of GMT, and for genes with weights.
    """
    for line, text in lines(path):
        if not text.strip():
            continue
        name, *rest = (cell.strip() for cell in text.split("\t"))
        genes = [gene for gene in rest[1:] if gene]
        if not name or not genes:
            message = "is not GMT: a line needs a name, a description and genes, separated by tabs"
            raise Fault("E28", message, "name a GMT file", line)
        if weighted := next(filter(_WEIGHT.fullmatch, genes), None):
            message = f"holds genes with weights ({quoted(weighted)}), as Enrichr writes them"
            raise Fault("E28", message, "delete the weights: sed 's/,[0-9.]*//g'", line)
        yield line, name, genes


def look(path: Path) -> Facts:
    """The whole file. Raises Fault: see `records`; E01 for a set that occurs twice, E16 for damaged names."""
    sets: dict[str, frozenset[str]] = {}
    damaged: dict[str, tuple[int, str, str]] = {}
    former: dict[str, None] = {}
    for line, name, genes in records(path):
        if name in sets:
            raise Fault("E01", f"the gene set {quoted(name)} occurs twice", "delete one of them", line)
        damaged |= {found[1]: found for found in damaged_names([(line, gene) for gene in genes])}
        former |= dict.fromkeys(gene for gene in genes if gene in aliases())
        sets[name] = frozenset(aliases().get(gene, gene) for gene in genes)
    if damaged:
        remedy = "take the GMT from before it was opened in a spreadsheet"
        raise damage_fault(list(damaged.values()), remedy)
    if not sets:
        raise Fault("E28", "holds no gene set", "name a GMT file")
    return Facts(sets, list(former))


def look_axes(path: Path) -> Axes:
    """The whole table of axes, with all faults of its rows."""
    rows, faults = list(table(path, AXES_COLUMNS)), []
    seen: set[str] = set()
    for line, row in rows:
        if row["informational"] not in {"yes", "no"}:
            message = f"informational is {quoted(row['informational'])}"
            faults.append(Fault("E17", message, "write yes or no", line))
        if row["set_name"] in seen:
            message = f"the set {quoted(row['set_name'])} occurs twice"
            faults.append(Fault("E01", message, "keep one row", line))
        seen.add(row["set_name"])
    return Axes(rows, faults)


def read(paths: Sequence[str | Path], axes: str | Path) -> tuple[Mapping[str, frozenset[str]], dict[str, list[str]]]:
    """The sets that the axes name, from GMT files, and the columns of schema SetAxes.

    Raises
    ------
    Fault
        What `look` and `look_axes` find; E01 for a set that is in two files, E24 for one that is in none.
    """
    sets: dict[str, frozenset[str]] = {}
    for path in paths:
        with named(path):
            found = look(Path(path)).sets
            if twice := sorted(sets.keys() & found.keys()):
                raise Fault("E01", f"the gene set {quoted(twice[0])} is in another file too", "delete one of them")
        sets |= found
    with named(axes):
        facts = look_axes(Path(axes))
        for fault in facts.faults:
            raise fault
        for line, row in facts.rows:
            if row["set_name"] not in sets:
                message = f"the gene set {quoted(row['set_name'])} is in none of {', '.join(map(str, paths))}"
                raise Fault("E24", message, "correct its name, or add its GMT", line)
    columns = {column: [row[column] for _, row in facts.rows] for column in AXES_COLUMNS}
    return {name: sets[name] for name in columns["set_name"]}, columns
