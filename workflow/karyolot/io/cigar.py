"""CIGAR strings of SAM."""

from collections.abc import Sequence

import pysam

OPERATIONS = "MIDNSHP=X"
ON_BOTH = {pysam.CMATCH, pysam.CEQUAL, pysam.CDIFF}
ON_REFERENCE = {pysam.CDEL, pysam.CREF_SKIP}
CLIPPED = {pysam.CSOFT_CLIP, pysam.CHARD_CLIP}


def operations_of(cigar: str) -> list[tuple[int, int]]:
    """Operations as pysam gives them: code and length."""
    found, number = [], ""
    for letter in cigar:
        if letter.isdigit():
            number += letter
        else:
            found.append((OPERATIONS.index(letter), int(number)))
            number = ""
    return found


def part(operations: Sequence[tuple[int, int]], start: int) -> tuple[int, int, int, int]:
    """First and last base of the read (end exclusive), and of the reference, in an alignment that starts there."""
    before = operations[0][1] if operations and operations[0][0] in CLIPPED else 0
    read = sum(length for operation, length in operations if operation in ON_BOTH or operation == pysam.CINS)
    reference = sum(length for operation, length in operations if operation in ON_BOTH or operation in ON_REFERENCE)
    return before, before + read, start, start + reference


def part_of(cigar: str, start: int) -> tuple[int, int, int, int]:
    """`part` of a CIGAR string."""
    return part(operations_of(cigar), start)
