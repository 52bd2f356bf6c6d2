"""The list of recurrent regions: chromosomes, arms and bands that are tested as a whole, and genes named in calls."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from karyolot.contracts.problems import Fault, nearest, quoted
from karyolot.inputs.formats.text import named, table

COLUMNS = ("region", "change", "genes", "context", "source")
CHANGES = ("gain", "loss")
REGION = re.compile(r"(?!chr)[A-Za-z0-9]+?([pq]([0-9]+(\.[0-9]+)?)?)?")


def records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row by column) of every region.

    Raises
    ------
    Fault
        E16 for other columns; E17 for a region or change that is not written as it must be; E18 for a missing source.
    """
    for line, row in table(path, COLUMNS):
        if not REGION.fullmatch(row["region"]):
            remedy = "write a chromosome, arm or band without chr: 8, 1q, 20q11.21"
            raise Fault("E17", f"region is {quoted(row['region'])}", remedy, line)
        if row["change"] not in CHANGES:
            message, meant = f"change is {quoted(row['change'])}", nearest(row["change"], CHANGES)
            raise Fault("E17", message, "write gain or loss", line, meant)
        if not row["source"]:
            raise Fault("E18", f"the region {row['region']} has no source", "state where it is published", line)
        yield line, row


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check compares: the regions, in the order of the list."""

    regions: tuple[str, ...]


def look(path: Path) -> Facts:
    """Facts of the whole list."""
    return Facts(tuple(dict.fromkeys(row["region"] for _, row in records(path))))


def read(path: Path | str) -> dict[str, list[str]]:
    """Columns region, change ('gain' or 'loss'), genes (comma separated), context and source of the whole list.

    Raises
    ------
    Fault
        As `records`, with the file's name.
    """
    with named(path):
        rows = [row for _, row in records(Path(path))]
    return {name: [row[name] for row in rows] for name in COLUMNS}
