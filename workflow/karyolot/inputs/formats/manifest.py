"""Manifests of reference files: where each one comes from, the setting that names it, and the checksum it must have."""

import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from karyolot.contracts.problems import Fault, quoted
from karyolot.inputs.formats.text import table, whole_number

COLUMNS = ("genome", "file", "setting", "address", "checksum", "bytes", "source")
SETTINGS = (
    "reference.fasta",
    "reference.gtf",
    "reference.mappability",
    "reference.blacklist",
    "reference.replication_timing",
    "reference.foreign",
    "identity.sites",
)
"""In the order in which they are fetched and checked: the contigs of the genome are compared with all others."""
NAME = re.compile(r"[A-Za-z0-9][\w.+-]*")
CHECKSUM = re.compile(r"sha256:[0-9a-f]{64}|md5:[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Source:
    """A row. checksum: 'sha256:HEX', 'md5:HEX' or '', of what the address holds. bytes: of it, None where not known.
    source: what it is and who made it. prepared: sha256 of the file as it lies in the folder; '' before it does."""

    genome: str
    file: str
    setting: str
    address: str
    checksum: str
    bytes: int | None
    source: str
    prepared: str = ""


def records(path: Path) -> Iterator[Source]:
    """Every row of a manifest.

    Raises
    ------
    Fault
        E16 for other columns; E17 for a cell that is not allowed, and for a file or a setting that a genome has twice.
    """
    seen: set[tuple[str, str]] = set()
    for line, row in table(path, COLUMNS, ("prepared",)):
        rules = (
            ("file", NAME.fullmatch(row["file"]), "letters, digits and . _ + -, without a folder"),
            ("setting", row["setting"] in SETTINGS, f"one of {', '.join(SETTINGS)}"),
            ("address", row["address"].startswith(("https://", "http://")), "an address that begins with https://"),
            ("checksum", not row["checksum"] or CHECKSUM.fullmatch(row["checksum"]), "sha256:HEX, md5:HEX or empty"),
            ("bytes", not row["bytes"] or row["bytes"].isdecimal(), "a whole number or empty"),
        )
        for column, holds, allowed in rules:
            if not holds:
                raise Fault("E17", f"column {column}: {quoted(row[column])} is not allowed", f"write {allowed}", line)
        for column in ("file", "setting"):
            if (row["genome"], row[column]) in seen:
                message = f"{row['genome']} has {quoted(row[column])} twice"
                raise Fault("E17", message, "keep one of the rows", line)
            seen.add((row["genome"], row[column]))
        size = whole_number(row["bytes"]) if row["bytes"] else None
        texts = (row[name] for name in ("genome", "file", "setting", "address", "checksum"))
        genome, file, setting, address, checksum = texts
        yield Source(genome, file, setting, address, checksum, size, row["source"], row.get("prepared", ""))


def written(sources: list[Source]) -> str:
    """The text of a manifest, with the column `prepared`."""
    lines = [(*COLUMNS, "prepared"), *(astuple(source) for source in sources)]
    return "".join("\t".join("" if cell is None else str(cell) for cell in line) + "\n" for line in lines)
