"""The panel of foreign sequences: a FASTA file whose names are accessions, and the shipped list that states what they are."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from karyolot.contracts.problems import Fault, quoted, some
from karyolot.inputs.formats import fasta
from karyolot.inputs.formats.text import checked_name, named, table
from karyolot.io.shipped import RESOURCES

COLUMNS = ("accession", "organism", "group", "kind", "length", "sha256", "source")
FETCH = "fetch the panel by karyolot references, or name a complete one"
LONGEST = 50_000_000
"""Bases: longer panels are genomes of animals or bacteria by the hundred, for which this search is not made."""


@dataclass(frozen=True, slots=True)
class Facts:
    """names: of the sequences. notes: what is unusual."""

    names: tuple[str, ...]
    notes: tuple[Fault, ...]


@cache
def known() -> dict[str, dict[str, str]]:
    """The shipped list by accession without its version."""
    rows = (row for _, row in table(RESOURCES / "foreign.tsv", COLUMNS))
    return {accession(row["accession"]): row for row in rows}


def accession(name: str) -> str:
    """'NC_001422' of 'NC_001422.1'."""
    return name.partition(".")[0]


def sequences(path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and bases of every sequence. Raises Fault E28 as `fasta.records`, E16 for a name that `checked_name` refuses,
    and E17 for a panel longer than LONGEST."""
    name, parts, total = "", list[bytes](), 0
    for contig, _, bases in fasta.records(path):
        if contig != name and name:
            yield name, b"".join(parts)
            parts = []
        if contig != name:
            checked_name(contig, "a sequence", None)
        name = contig
        parts.append(bases.upper())
        total += len(bases)
        if total > LONGEST:
            raise Fault(
                "E17", f"has more than {LONGEST:,} bases", "name a panel of some small genomes, not a whole database"
            )
    yield name, b"".join(parts)


def look(path: Path) -> Facts:
    """Facts of the whole panel."""
    notes, names = [], []
    for name, bases in sequences(path):
        names.append(name)
        row = known().get(accession(name))
        if row is None:
            notes.append(Fault("W28", f"{quoted(name)} is not in the list of foreign sequences; it is reported by this name",
                               "name sequences by their accessions, or leave it as it is"))  # fmt: skip
        elif name == row["accession"] and row["length"] and len(bases) != int(row["length"]):
            raise Fault("E28", f"{name} has {len(bases):,} bases, and the record {int(row['length']):,}", FETCH)
        elif name == row["accession"] and row["sha256"] and hashlib.sha256(bases).hexdigest() != row["sha256"]:
            raise Fault("E05", f"the bases of {name} are not those of the record (sha256 {row['sha256']})", FETCH)
    if lacking := missing(names):
        notes.append(Fault("W05", f"lacks {some(lacking, 30)}: they will not be assessed", FETCH))
    return Facts(tuple(names), tuple(notes))


def missing(names: list[str] | tuple[str, ...]) -> list[str]:
    """Groups of the shipped list of which a panel holds no sequence."""
    held = {known()[accession(name)]["group"] for name in names if accession(name) in known()}
    return [group for group in dict.fromkeys(row["group"] for row in known().values()) if group not in held]


def read(path: Path | str) -> list[tuple[Any, ...]]:
    """The sequences of a panel, by the fields of `contracts.foreign.PanelSequence`.

    Raises
    ------
    Fault
        As `sequences`, with the file's name.
    """
    with named(path):
        rows = [(name, known().get(accession(name)), bases) for name, bases in sequences(Path(path))]
    return [
        (name, row["group"], row["kind"], bases) if row else (name, name, "other", bases) for name, row, bases in rows
    ]
