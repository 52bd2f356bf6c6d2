"""Layouts of assemblies: a YAML document, and the table of cytobands that lies beside it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from karyolot.contracts.contigs import contig_key
from karyolot.contracts.problems import Fault, quoted
from karyolot.contracts.settings import Layout
from karyolot.inputs.formats import intervals, yaml
from karyolot.inputs.formats.text import named, regular_file


@dataclass(frozen=True, slots=True)
class Facts:
    """A layout with its cytobands.

    bands: columns chrom, start, end, band; empty when the layout names no cytobands. ends: the end of the last band of
    each contig, by its name without 'chr'.
    """

    layout: Layout
    bands: dict[str, Any]
    ends: dict[str, int]


def look(path: Path) -> Facts:
    """The whole document and its cytobands.

    Raises
    ------
    Fault
        E18 for a document that is not a layout; E02 or E28 for its cytobands.
    """
    layout, faults = yaml.look(path, Layout)
    if layout is None:
        raise faults[0]
    if layout.cytobands is None:
        return Facts(layout, {"chrom": [], "start": [], "end": [], "band": []}, {})
    file = path.parent / layout.cytobands
    try:
        regular_file(file)
        columns = intervals.read(file, intervals.BANDS)
    except Fault as fault:
        message = f"its cytobands {quoted(layout.cytobands)}: {fault.located}"
        raise Fault(fault.code, message, fault.remedy) from fault
    columns["band"] = columns.pop("label")
    ends: dict[str, int] = {}
    for name, end in zip(columns["chrom"], columns["end"].tolist(), strict=True):
        key = contig_key(name)
        ends[key] = max(ends.get(key, 0), end)
    return Facts(layout, columns, ends)


def read(path: Path | str) -> Facts:
    """`look`, whose Fault has the file's name: a layout is small, and the run takes all of it."""
    with named(path):
        return look(Path(path))
