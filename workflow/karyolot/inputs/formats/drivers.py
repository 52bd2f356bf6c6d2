"""The panel of driver genes, and the table of recurrent mutations in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from karyolot.contracts.problems import Fault, nearest, quoted
from karyolot.inputs.formats.text import checked_name, named, table

GENE_COLUMNS = ("gene", "scope", "role", "transcript", "reason", "source")
HOTSPOT_COLUMNS = ("gene", "position", "reference", "changes", "source")
SCOPE = re.compile(r"coding|hotspots|codons ([1-9]\d*)-([1-9]\d*)")
ROLES = ("driver", "benign")
POSITION = re.compile(r"p\.[1-9]\d*|c\.-[1-9]\d*")
RESIDUES = frozenset("ACDEFGHIKLMNPQRSTVWY*")
BASES = frozenset("ACGT")
DOI = re.compile(r"\b10\.\d{4,9}/\S")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check compares: the genes, each once, in the order of the table."""

    genes: tuple[str, ...]


def gene_records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row by column) of every gene.

    Raises
    ------
    Fault
        E16 for other columns; E17 for a scope or role that is not written as it must be; E18 for a source without a DOI; E01 for
        a gene that occurs twice.
    """
    seen: set[str] = set()
    for line, row in table(path, GENE_COLUMNS):
        found = SCOPE.fullmatch(row["scope"])
        if found is None or (found[1] and int(found[1]) > int(found[2])):
            message = f"scope is {quoted(row['scope'])}"
            raise Fault("E17", message, "write coding, hotspots, or codons and two numbers: codons 5-80", line)
        if row["role"] not in ROLES:
            message, meant = f"role is {quoted(row['role'])}", nearest(row["role"], ROLES)
            raise Fault("E17", message, "write driver or benign", line, meant)
        yield from _sourced(line, row)
        if row["gene"] in seen:
            raise Fault("E01", f"the gene {row['gene']} occurs twice", "keep one row", line)
        seen.add(row["gene"])


def hotspot_records(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, row by column) of every recurrent mutation; raises Fault as `gene_records`."""
    for line, row in table(path, HOTSPOT_COLUMNS):
        if not POSITION.fullmatch(row["position"]):
            remedy = "write a codon (p.175), or bases upstream of the start codon (c.-124)"
            raise Fault("E17", f"position is {quoted(row['position'])}", remedy, line)
        letters, kind = (RESIDUES, "residue") if row["position"].startswith("p.") else (BASES, "base")
        if row["reference"] not in letters:
            raise Fault("E17", f"reference is {quoted(row['reference'])}", f"write the letter of one {kind}", line)
        changes = row["changes"].split(",") if row["changes"] else []
        if not letters - {row["reference"]} >= set(changes):
            remedy = f"write the letters of other {kind}s than {row['reference']}, with commas between"
            raise Fault("E17", f"changes is {quoted(row['changes'])}", remedy, line)
        yield from _sourced(line, row)


def _sourced(line: int, row: dict[str, str]) -> Iterator[tuple[int, dict[str, str]]]:
    if not row["gene"]:
        raise Fault("E16", "the row has no gene", "write its symbol", line)
    checked_name(row["gene"], "the gene", line)
    if not DOI.search(row["source"]):
        message = f"source is {quoted(row['source'])}" if row["source"] else f"the row of {row['gene']} has no source"
        raise Fault(
            "E18", message, "state where it is published, with the DOI: Merkle 2017 (doi 10.1038/nature22312)", line
        )
    yield line, row


def look(path: Path) -> Facts:
    """Facts of the whole panel."""
    genes = tuple(row["gene"] for _, row in gene_records(path))
    if not genes:
        raise Fault("E16", "holds no gene", "write a row for each gene")
    return Facts(genes)


def look_hotspots(path: Path) -> Facts:
    """Facts of the whole table of recurrent mutations."""
    return Facts(tuple(dict.fromkeys(row["gene"] for _, row in hotspot_records(path))))


def read(genes: Path | str, hotspots: Path | str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Rows of both tables; a Fault has the name of the file."""
    with named(genes):
        panel = [row for _, row in gene_records(Path(genes))]
    with named(hotspots):
        recurrent = [row for _, row in hotspot_records(Path(hotspots))]
    return panel, recurrent
