"""Parts of an alignment file that are decoded as units, from its index (CRAI, BAI)."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pysam
from numpy.typing import NDArray

from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import PathLike

Parts = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Start and end of the parts of one contig, 0-based half-open, sorted by start."""
NO_PARTS: Parts = (np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))
WINDOW = 1 << 14
"""Bases of a window of BAI's linear index (SAM specification, 5.1.3)."""


def parts_of(handle: pysam.AlignmentFile, path: PathLike) -> dict[int, Parts]:
    """By the number of the contig: the slices of a CRAM, or of a BAM the windows that begin in one block.

    Raises
    ------
    KaryolotError
        When the index, which lies beside the file, is damaged or missing.
    """
    index = Path(f"{path}.crai" if handle.is_cram else f"{path}.bai")
    try:
        content = index.read_bytes()
        return _of_crai(gzip.decompress(content)) if handle.is_cram else _of_bai(content)
    except (OSError, EOFError, ValueError, struct.error, IndexError) as error:
        raise KaryolotError(f"{index}: not a readable index of an alignment ({error}); make it again") from error


def _of_crai(content: bytes) -> dict[int, Parts]:
    rows = np.array([line.split()[:3] for line in content.splitlines()], dtype=np.int64).reshape(-1, 3)
    rows = rows[rows[:, 2] > 0]
    found = {}
    for contig in np.unique(rows[:, 0]).tolist():
        own = rows[rows[:, 0] == contig]
        own = own[np.argsort(own[:, 1], kind="stable")]
        found[contig] = own[:, 1] - 1, own[:, 1] - 1 + own[:, 2]
    return found


def _of_bai(content: bytes) -> dict[int, Parts]:
    magic, contigs = struct.unpack_from("<4si", content, 0)
    if magic != b"BAI\1":
        raise ValueError("its first bytes are not those of BAI")
    at, found = 8, {}
    for contig in range(contigs):
        (bins,) = struct.unpack_from("<i", content, at)
        at += 4
        for _ in range(bins):
            chunks = struct.unpack_from("<Ii", content, at)[1]
            at += 8 + 16 * chunks
        (windows,) = struct.unpack_from("<i", content, at)
        block = np.frombuffer(content, "<u8", windows, at + 4).astype(np.int64) >> 16
        at += 4 + 8 * windows
        start = np.flatnonzero(np.diff(block, prepend=-1)) * WINDOW
        found[contig] = start, np.append(start[1:], windows * WINDOW) if windows else start
    return found
