"""A genome FASTA in blocks of gzip (BGZF), which tools read at any position, and its index."""

import gzip
import zlib
from pathlib import Path

import pysam

from karyolot.contracts.problems import Fault
from karyolot.io.files import PathLike, replacing

BLOCK = 1 << 22


def is_bgzip(path: PathLike) -> bool:
    """Whether a file is BGZF: gzip whose first block has the extra field BC (SAM specification, section 4.1)."""
    with open(path, "rb") as handle:
        start = handle.read(14)
    return start[:2] == b"\x1f\x8b" and start[12:] == b"BC"


def bgzip(source: PathLike, target: PathLike) -> None:
    """Write `source`, plain or gzipped, to `target` as BGZF. Raises a Fault (E28) when the gzip stream is damaged."""
    try:
        with open(source, "rb") as handle, replacing(target) as part, pysam.BGZFile(str(part), "wb", None) as out:
            zipped = handle.peek(2)[:2] == b"\x1f\x8b"
            text = gzip.GzipFile(fileobj=handle) if zipped else handle
            while block := text.read(BLOCK):
                out.write(block)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Fault("E28", f"the gzip stream is damaged or truncated ({error})", "fetch the file again") from error


def index(path: PathLike) -> tuple[Path, Path]:
    """Make the indices .fai and .gzi of a FASTA in BGZF, and return their paths."""
    pysam.faidx(str(path))
    return Path(f"{path}.fai"), Path(f"{path}.gzi")
