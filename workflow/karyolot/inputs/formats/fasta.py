"""FASTA: contigs and their lengths, and the composition of their bins. Plain, gzipped or bgzipped, with or without index."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from karyolot.contracts.problems import Fault, quoted
from karyolot.inputs.formats.text import lines, named, opened, whole_number

BLOCK = 1 << 22
LONG = 100_000_000
"""Bytes from which on an index is missed: shorter files are read in a second."""
LONGEST_HEADER = 1 << 16
LETTERS = b"ACGTUNRYSWKMBDHVXacgtunryswkmbdhvx"
"""Bases, the IUPAC code for several of them, and X, which masks them."""
CALLED = b"ACGTUacgtu"
_NOT_CALLED = bytes(set(LETTERS) - set(CALLED))
BYTE = 255
_IS_GC = bytes(code in b"GCgcSs" for code in range(256))
_IS_CALLED = bytes(code in b"ACGTacgt" for code in range(256))
"""Tables from a base to 1 or 0."""


def check_head(path: Path) -> None:
    """Raise the Fault of the part of a file that ends with its first called base: of another kind of file, or of N only."""
    for _, _, bases in records(path):
        if bases.translate(None, _NOT_CALLED):
            return


def records(path: Path) -> Iterator[tuple[str, int, bytes]]:
    """(contig, position, bases from there on) of a whole file, in pieces of a few megabytes.

    A contig opens with an empty piece. Lines may have any width.

    Raises
    ------
    Fault
        E28 for a file that is not FASTA, a contig without a name or bases or that occurs twice, a letter that stands for no
        base, and a file without any called base.
    """
    seen: set[str] = set()
    name, position, known = "", 0, False
    with opened(path) as handle:
        if handle.peek(1)[:1] != b">":  # type: ignore[attr-defined]
            raise Fault("E28", "is not FASTA: it does not start with >", "name a FASTA file")
        for header, piece in _pieces(handle):
            if header is not None:
                if seen and not position:
                    raise _empty(name)
                name, position = (header.split() or [b""])[0].decode(errors="replace"), 0
                if not name:
                    raise Fault("E28", "a contig has no name", "write its name behind the >")
                if name in seen:
                    raise Fault("E28", f"the contig {quoted(name)} occurs twice", "delete one of them")
                seen.add(name)
                yield name, 0, b""
            bases = piece.translate(None, b"\r\n")
            if not bases:
                continue
            if strange := bases.translate(None, LETTERS)[:1].decode("latin-1"):
                message = f"the contig {quoted(name)} holds {quoted(strange)}, which is not a base"
                remedy = "name the FASTA file of a genome, or fetch it again"
                if strange.upper() in "EFIJLOPQZ*":
                    message, remedy = f"{message}: it is a protein", "name the FASTA file of nucleotides"
                raise Fault("E28", message, remedy)
            known = known or bool(bases.translate(None, _NOT_CALLED))
            yield name, position, bases
            position += len(bases)
    if not position:
        raise _empty(name)
    if not known:
        raise Fault("E28", "holds no base: every letter is N", "fetch the file again")


def _empty(name: str) -> Fault:
    return Fault("E28", f"the contig {quoted(name)} has no bases", "fetch the file again")


def _pieces(handle: IO[bytes]) -> Iterator[tuple[bytes | None, bytes]]:
    """(header without its >, or None within a record; sequence with its line ends), in bounded memory at any line width."""
    rest = b"\n"
    while block := handle.read(BLOCK):
        pieces = (rest + block).split(b"\n>")
        rest = b""
        for place, piece in enumerate(pieces):
            header, sequence, last = None, piece, place == len(pieces) - 1
            if place:
                header, end, sequence = piece.partition(b"\n")
                if last and not end:  # a header may lie across two blocks
                    rest = b"\n>" + piece
                    break
            if last and (sequence.endswith(b"\n") or not sequence):  # and so may the line end before the next header
                rest, sequence = b"\n", sequence[:-1]
            yield header, sequence
        if len(rest) > LONGEST_HEADER:
            raise Fault("E28", "holds a header of more than 64 kB", "name a FASTA file")
    if rest.startswith(b"\n>"):
        yield rest[2:], b""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check compares: the length of every contig, in the order of the file. notes: warnings, of a long file that had
    to be read completely, and of one that may be cut."""

    contigs: dict[str, int]
    notes: tuple[Fault, ...] = ()


def look(path: Path) -> Facts:
    """Facts from the index beside the file (.fai) when it is not older and fits it, else from the whole file.

    Raises
    ------
    Fault
        As `records`; E14 for an index of another file.
    """
    check_head(path)
    index = Path(f"{path}.fai")
    try:
        if index.stat().st_mtime >= path.stat().st_mtime:
            return Facts(_indexed(path, index))
    except (OSError, ValueError):
        pass  # there is no index, or what is there is none
    contigs: dict[str, int] = {}
    for name, position, bases in records(path):
        contigs[name] = position + len(bases)
    return Facts(contigs, (*_cut(path), *([_no_index(path)] if path.stat().st_size >= LONG else [])))


def _cut(path: Path) -> Iterator[Fault]:
    """A warning on a file whose last line has no end: what was cut off the last contig would not be missed."""
    with opened(path) as handle:
        if isinstance(handle, gzip.GzipFile):
            return  # it has a checksum
        handle.seek(-1, 2)
        if handle.read(1) not in b"\r\n":
            message = "the last line has no line break: the file may be cut short"
            yield Fault("W28", message, "compare its size with that at its source; if it is complete, add a line break")


def _no_index(path: Path) -> Fault:
    with path.open("rb") as handle:
        start = handle.read(14)
    if start[:2] == b"\x1f\x8b" and start[12:] != b"BC":
        message = "is compressed with gzip and cannot be indexed: it is read completely at every start"
        return Fault("W28", message, "decompress it once (gunzip), index it with samtools faidx, and name the new file")
    message = f"has no index {path.name}.fai that is as new as the file: it is read completely at every start"
    return Fault("W28", message, "make the index once: samtools faidx FILE")


def _indexed(path: Path, index: Path) -> dict[str, int]:
    """Contigs of an index, after it was compared with the file; raises ValueError when it is damaged."""
    rows = []
    try:
        for _, line in lines(index):
            name, *cells = line.split("\t")
            length, offset, bases, width = map(whole_number, cells)
            rows.append((name, length, offset, bases, width))
    except Fault as fault:
        raise ValueError(str(fault)) from fault
    if not rows or any(bases < 1 or width <= bases for *_, bases, width in rows):
        raise ValueError("not an index")
    if not _fits(path, rows):
        message = f"the index {index.name} lists other contigs than the file"
        raise Fault(
            "E14", message, f"delete {index.name}: it belongs to another FASTA or to an earlier version of this one"
        )
    return {name: length for name, length, *_ in rows}


def _fits(path: Path, rows: list[tuple[str, int, int, int, int]]) -> bool:
    """Whether every contig of an index follows its header in the file, and the last one ends it.

    Of a compressed file, for which the index gives no offsets, the first header alone is compared.
    """
    with opened(path) as handle:
        if _name_in(handle.readline(LONGEST_HEADER)) != rows[0][0]:
            return False
        if isinstance(handle, gzip.GzipFile):
            return True
        end = 0
        for name, length, offset, bases, width in rows:
            if not 0 < offset - end < LONGEST_HEADER:
                return False
            handle.seek(end)
            if _name_in(handle.read(offset - end)) != name:
                return False
            end = offset + length // bases * width + length % bases
            end -= 0 if length % bases else width - bases  # without the line end that follows
        handle.seek(end - 1)
        last = handle.read(LONGEST_HEADER)
        return bool(last[:1].strip()) and not last[1:].strip()


def _name_in(header: bytes) -> str | None:
    """The name in a header line, given with the line end before it; None when it is none."""
    text = header.lstrip(b"\r\n")
    words = text[1:].split(maxsplit=1)
    if text[:1] != b">" or not text.endswith(b"\n") or b"\n" in text[:-1] or not words:
        return None
    return words[0].decode(errors="replace")


def read(path: Path | str, bin_bp: int) -> tuple[list[tuple[str, int]], dict[str, NDArray[np.int64]]]:
    """Contigs (name, bases) of a whole file, and for each the G/C and the called bases (A, C, G, T) of its bins: (2, bins).

    Raises
    ------
    Fault
        As `records`, with the file's name.
    """
    contigs: list[tuple[str, int]] = []
    found: dict[str, NDArray[np.int64]] = {}
    with named(path):
        for name, position, bases in records(Path(path)):
            if not position and not bases:
                contigs.append((name, 0))
                found[name] = np.zeros((2, 0), dtype=np.int64)
                continue
            contigs[-1] = name, position + len(bases)
            first, counts = position // bin_bp, _composition(bases, position, bin_bp)
            counts[:, : found[name].shape[1] - first] += found[name][:, first:]
            found[name] = np.concatenate([found[name][:, :first], counts], axis=1)
    return contigs, found


def _composition(bases: bytes, position: int, bin_bp: int) -> NDArray[np.int64]:
    """G/C and called bases in each bin that the bases lie in, shape (2, bins). position: of the first base.

    Sums are taken over at most BYTE bases, which fit into a byte, and then over these: numpy adds bytes fastest.
    """
    first, end = position // bin_bp, position + len(bases)
    edges = np.maximum(np.arange(first, -(-end // bin_bp), dtype=np.int64) * bin_bp - position, 0)
    steps = -(-np.diff(edges, append=len(bases)) // BYTE)
    inner = np.repeat(edges, steps) + BYTE * (np.arange(steps.sum()) - np.repeat(steps.cumsum() - steps, steps))
    starts = steps.cumsum() - steps
    ones = (np.frombuffer(bases.translate(table), np.uint8) for table in (_IS_GC, _IS_CALLED))
    counts = (np.add.reduceat(one, inner, dtype=np.uint8) for one in ones)
    return np.stack([np.add.reduceat(count, starts, dtype=np.int64) for count in counts])
