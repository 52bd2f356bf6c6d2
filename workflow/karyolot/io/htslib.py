"""Records of a CRAM by htslib's own functions, called in a compiled loop: an object of Python for each takes four times as long.

pysam brings the library. Its functions and the layout of a record are htslib's public interface (htslib/sam.h, since 1.10); the
layout is verified with a record of known fields before the first is read.
"""

import ctypes
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from importlib.metadata import version
from typing import Any

import numba
import numpy as np
import pysam
from numpy.typing import NDArray
from pysam import libchtslib  # type: ignore[attr-defined]

from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import PathLike

PIECE = 1 << 16
"""Records passed on at a time."""
RECORD = np.dtype(
    [
        ("start", "i8"), ("contig", "i4"), ("bin", "u2"), ("mapq", "u1"), ("padding", "u1"), ("flag", "u2"), ("name_size", "u2"),
        ("operations", "u4"), ("bases", "i4"), ("mate_contig", "i4"), ("mate_start", "i8"), ("length", "i8"), ("id", "u8"),
        ("data", "u8"),
    ]
)  # fmt: skip
"""`bam1_t` up to the address of its name, which its CIGAR follows."""
LEFT_MATE = np.dtype([("contig", "i4"), ("start", "i8"), ("length", "i8"), ("bases", "i8")])
"""What is kept of a record; bases: on the reference."""
OPERATIONS = 64
"""Operations of CIGAR copied at a time."""
WHOLE_FILE = -3
"""Instead of a contig: `HTS_IDX_START`."""
ON_REFERENCE = sum(1 << operation for operation in (pysam.CMATCH, pysam.CEQUAL, pysam.CDIFF))
"""Operations of CIGAR whose bases lie on the reference, as bits."""
KEPT = {"M_TRIM_THRESHOLD": (-1, 1 << 28), "M_MMAP_THRESHOLD": (-3, 1 << 28)}
"""glibc: freed memory stays with the process, or the kernel would clear it again for every slice of a CRAM, for longer than
it takes to decode one."""
Address, Text, Int, Long = ctypes.c_size_t, ctypes.c_char_p, ctypes.c_int, ctypes.c_int64
Records = NDArray[np.void]
compiled: Any = numba.njit(cache=True)
_C, _HTSLIB = ctypes.CDLL(None), ctypes.CDLL(libchtslib.__file__)


def _function(name: str, result: Any, *arguments: Any, library: ctypes.CDLL = _HTSLIB) -> Any:
    found = getattr(library, name)
    found.restype, found.argtypes = result, arguments
    return found


_open = _function("hts_open", Address, Text, Text)
_close = _function("hts_close", Int, Address)
_has_end = _function("hts_check_EOF", Int, Address)
_set_genome = _function("hts_set_fai_filename", Int, Address, Text)
_add_option = _function("hts_opt_add", Int, ctypes.POINTER(Address), Text)
_apply_options = _function("hts_opt_apply", Int, Address, Address)
_free_options = _function("hts_opt_free", None, Address)
_read_header = _function("sam_hdr_read", Address, Address)
_free_header = _function("sam_hdr_destroy", None, Address)
_load_index = _function("sam_index_load", Address, Address, Text)
_free_index = _function("hts_idx_destroy", None, Address)
_query = _function("sam_itr_queryi", Address, Address, Int, Long, Long)
_free_query = _function("hts_itr_destroy", None, Address)
_new_record = _function("bam_init1", Address)
_free_record = _function("bam_destroy1", None, Address)
_next = _function("hts_itr_next", Int, Address, Address, Address, Address)
_set_record = _function(
    "bam_set1", Int, Address, Address, Text, ctypes.c_uint16, ctypes.c_int32, Long, ctypes.c_uint8, Address, Address,
    ctypes.c_int32, Long, Long, Address, Text, Text, Address,
)  # fmt: skip
_copy = _function("memcpy", Address, Address, Address, Address, library=_C)


def left_mates(
    cram: PathLike, fasta: PathLike, options: list[str], flags: tuple[int, int], min_mapq: int, contig: int = WHOLE_FILE
) -> Iterator[Records]:
    """Left mates of the fragments of a CRAM, in its order.

    Parameters
    ----------
    cram, fasta
        The file, with its index beside it, and its genome.
    options
        As `samtools view --input-fmt-option` takes them.
    flags
        All of the first must be set, none of the second.
    min_mapq
        The least mapping quality.
    contig
        Number of the only one that is read, by the index.

    Yields
    ------
    ndarray of LEFT_MATE
        Records with a template length above 0.

    Raises
    ------
    OSError
        When the file is damaged, or a part of it cannot be decoded.
    """
    _prepare()
    path = str(cram).encode()
    with ExitStack() as held:

        def made(what: str, handle: int, free: Any) -> int:
            if not handle:
                raise OSError(f"its {what} cannot be read")
            held.callback(free, handle)
            return handle

        file = made("beginning", _open(path, b"r"), _close)
        if not _has_end(file):  # htslib takes a file that is cut between two of its parts for one that ends there
            raise OSError("its end is missing")
        given = Address(0)
        added = [_add_option(ctypes.byref(given), option.encode()) for option in options]
        if any(added) or _apply_options(file, given) or _set_genome(file, str(fasta).encode()):
            raise OSError(f"its genome {fasta} cannot be read")
        _free_options(given)
        made("header", _read_header(file), _free_header)
        index = made("index", _load_index(file, path), _free_index)
        query = made("index", _query(index, contig, 0, np.iinfo(np.int64).max), _free_query)
        address = made("first record", _new_record(), _free_record)
        record, cigar, state = _view(address), np.empty(OPERATIONS, np.uint32), 0
        while state >= 0:
            kept = np.empty(PIECE, LEFT_MATE)
            number, state = _fill(
                _next, _copy, query, address, file, record, *flags, min_mapq, kept, cigar, cigar.ctypes.data
            )
            yield kept[:number]
        if state < -1:
            raise OSError("a part of it cannot be decoded")


def _view(address: int) -> Records:
    """The record at an address, an array of one."""
    return np.frombuffer(memoryview((ctypes.c_char * RECORD.itemsize).from_address(address)), RECORD)


@cache
def _prepare() -> None:
    """Memory as `KEPT` sets it; and the layout of a record. Raises KaryolotError when it is another."""
    if (choose := getattr(_C, "mallopt", None)) is not None:
        for number, size in KEPT.values():
            choose(number, size)
    address = _new_record()
    known = {"flag": 99, "contig": 7, "start": 1 << 33, "mapq": 60, "operations": 2}
    known |= {"mate_contig": 9, "mate_start": 1 << 34, "length": -350, "bases": 0}
    cigar = np.array([1600, 33], np.uint32)
    parts = [address, 1, b"a", *list(known.values())[:5], cigar.ctypes.data, *list(known.values())[5:]]
    _set_record(*parts, None, None, 0)
    (record,) = _view(address)
    stored = np.ctypeslib.as_array((ctypes.c_uint32 * 2).from_address(int(record["data"]) + int(record["name_size"])))
    same = all(record[name] == value for name, value in known.items()) and np.array_equal(stored, cigar)
    _free_record(address)
    if not same:
        raise KaryolotError(
            f"htslib of pysam {version('pysam')} has another layout of records; install the pysam of requirements.lock"
        )


@compiled
def _fill(
    next_one: Any, copy: Any, query: int, address: int, file: int, record: Records, wanted: int, refused: int, min_mapq: int,
    kept: Records, cigar: NDArray[np.uint32], copied: int,
) -> tuple[int, int]:  # fmt: skip # pragma: no cover
    """Left mates into `kept` until it is full or the file ends: their number, and the last answer of htslib (-1 = the end).
    next_one, copy: functions of htslib and C, which are arguments so that the compiled loop can be kept. cigar, copied: room for
    operations of CIGAR, and its address."""
    number = state = 0
    while number < len(kept):
        state = next_one(0, query, address, file)
        if state < 0:
            break
        one = record[0]
        if one.flag & wanted != wanted or one.flag & refused or one.mapq < min_mapq or one.length <= 0:
            continue
        bases = 0
        for place in range(one.operations):
            if place % len(cigar) == 0:
                size = min(one.operations - place, len(cigar))
                copy(copied, one.data + np.uint64(one.name_size + 4 * place), 4 * size)
            operation = cigar[place % len(cigar)]
            if ON_REFERENCE >> (operation & 15) & 1:
                bases += operation >> 4
        mate = kept[number]
        mate.contig, mate.start, mate.length, mate.bases = one.contig, one.start, one.length, bases
        number += 1
    return number, state
