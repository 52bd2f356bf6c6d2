"""bwa-mem3 as a program in a pipe: pairs of reads on standard input, records on standard output.

    python -m karyolot.io.mem3 INDEX THREADS BATCH GROUP... < interleaved.fastq > unsorted.bam

The library aligns a batch of pairs per call and leaves threads to its caller. Batches are aligned side by side and written in
the order of the input, and each is aligned as if it were alone, so the output does not depend on the number of threads.
Records are those of `bwa mem -K BATCH` on the same index, with two exceptions: the tags MQ and HN are added, and a read that
fits several positions equally well (mapping quality 0) may be placed at another of them after the first batch. bwa draws by
the number of the pair in the input; this library by its number in the batch.
"""

import os
import struct
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from typing import BinaryIO, NamedTuple

import dnaio
from bwa_mem3 import BwaIndex, MemOpts, ReadPair, align_batch, shm

from karyolot.contracts.problems import KaryolotError
from karyolot.io.machine import check_bwa_mem3

BLOCK = 65_280
"""Bytes of a block of BGZF, as htslib writes them."""
END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
"""The empty block that closes a complete file: without it samtools reports a file that was cut short."""
ID = "bwa-mem3"


class Batch(NamedTuple):
    """Pairs that are aligned together, and their read group by their names: RG:Z:ID, or ''."""

    group: str
    pairs: list[ReadPair]


def align(index: str, groups: Sequence[str], threads: int, batch: int, reads: BinaryIO, out: BinaryIO) -> None:
    r"""Align pairs and write BAM, not compressed.

    Parameters
    ----------
    index
        Prefix of the index files.
    groups
        @RG lines, with tabs as \t. A read is of the group that its comment names (RG:Z:ID), without one of the first.
    threads
        Batches that are aligned at once; with one more that is read.
    batch
        Bases after which a batch is complete.
    reads
        FASTQ, both mates of each pair in turn.

    Raises
    ------
    KaryolotError
        When this machine cannot run bwa-mem3, an index file is missing, another index would be used, or the reads end within
        a pair.
    """
    check_bwa_mem3()
    if shm.is_staged(index):
        message = (
            f"an index of the name {os.path.basename(index)} is in shared memory and would be used instead of {index}"
        )
        raise KaryolotError(message, "remove it (bwa-mem3 shm -d), or wait for the program that put it there")
    lines = [group.replace("\\t", "\t") for group in groups]
    ids = [line.split("ID:")[1].split("\t")[0] for line in lines]
    tags = {f"RG:Z:{name}": b"RGZ" + name.encode() + b"\0" for name in ids}
    tags[""] = tags[f"RG:Z:{ids[0]}"]
    options = MemOpts()
    options.set_pe(True)
    try:
        loaded = BwaIndex(index)
    except RuntimeError as error:
        raise KaryolotError(str(error), f"delete {index}.* and run again") from error

    def aligned(batch: Batch) -> bytes:
        tag = tags[batch.group]
        return blocks(b"".join([tagged(record.bytes, tag) for record in align_batch(loaded, options, batch.pairs)[0]]))

    out.write(blocks(header(loaded.contigs(), lines)))
    try:
        with dnaio.open(reads, interleaved=True, fileformat="fastq") as pairs:
            for done in in_order(aligned, batches(pairs, batch), threads):
                out.write(done)
    except dnaio.FileFormatError as error:
        raise KaryolotError(
            f"the reads end too early or are damaged ({error})", "see what is reported above"
        ) from error
    out.write(END)
    out.flush()


def tagged(record: bytes, tag: bytes) -> bytes:
    """A record of BAM with a tag more. The library could add the read group itself, but holds one for all its calls."""
    return struct.pack("<i", len(record) - 4 + len(tag)) + record[4:] + tag


def in_order(function: Callable[[Batch], bytes], given: Iterable[Batch], threads: int) -> Iterator[bytes]:
    """`function` of each batch, `threads` at once, in the order given; one more waits, so that no thread does."""
    waiting: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for batch in given:
            waiting.append(pool.submit(function, batch))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def batches(pairs: Iterable[tuple[dnaio.SequenceRecord, dnaio.SequenceRecord]], size: int) -> Iterator[Batch]:
    """Pairs of one read group, at least `size` bases together, as `bwa mem -K` takes them; the last ones have what is left."""
    batch: list[ReadPair] = []
    bases, group = 0, ""
    for first, second in pairs:
        own = first.comment if first.comment and first.comment.startswith("RG:Z:") else ""
        if batch and own != group:
            yield Batch(group, batch)
            batch, bases = [], 0
        group = own
        name = plain_name(first.id).encode()
        batch.append(
            ReadPair(
                name, first.sequence.encode(), name, second.sequence.encode(),
                (first.qualities or "").encode(), (second.qualities or "").encode(),
            )
        )  # fmt: skip
        bases += len(first) + len(second)
        if bases >= size:
            yield Batch(group, batch)
            batch, bases = [], 0
    if batch:
        yield Batch(group, batch)


def plain_name(name: str) -> str:
    """A read's name without the number of its mate, as bwa writes it."""
    return name[:-2] if len(name) > 2 and name[-2] == "/" and name[-1].isdigit() else name


def header(contigs: list[tuple[str, int]], groups: Sequence[str]) -> bytes:
    """Header of a BAM file: contigs (name, bases), read groups, and what aligned."""
    lines = [f"@SQ\tSN:{name}\tLN:{length}" for name, length in contigs]
    program = f"@PG\tID:{ID}\tPN:{ID}\tVN:{version(ID)}"
    text = "\n".join(["@HD\tVN:1.6\tSO:unsorted\tGO:query", *lines, *groups, program, ""]).encode()
    names = [(name.encode() + b"\0", length) for name, length in contigs]
    entries = [struct.pack("<i", len(name)) + name + struct.pack("<i", length) for name, length in names]
    return b"BAM\1" + struct.pack("<i", len(text)) + text + struct.pack("<i", len(contigs)) + b"".join(entries)


def blocks(data: bytes) -> bytes:
    """Blocks of BGZF that hold the data as it is: with their checksums, without the cost of compression."""
    made: list[bytes] = []
    for begin in range(0, len(data), BLOCK):
        part = data[begin : begin + BLOCK]
        size = len(part)
        made += (
            b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\6\0BC\2\0", struct.pack("<H", size + 30),
            b"\1", struct.pack("<HH", size, size ^ 0xFFFF), part, struct.pack("<II", zlib.crc32(part), size),
        )  # fmt: skip
    return b"".join(made)


def main() -> None:
    """Align by the words of the command line; exit code 1 with one sentence when it cannot be done."""
    index, threads, batch, *groups = sys.argv[1:]
    try:
        align(index, groups, int(threads), int(batch), sys.stdin.buffer, sys.stdout.buffer)
    except KaryolotError as fault:
        sys.stderr.write(f"bwa-mem3: {fault}\n")
        raise SystemExit(1) from None
    except BrokenPipeError:  # the program that reads this ended, and said why
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
