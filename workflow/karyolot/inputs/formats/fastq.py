"""FASTQ files of short reads. The check looks at the first reads, the run reads every one; the rules are the same functions."""

import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, Any, BinaryIO, NamedTuple, cast

from karyolot.contracts.problems import Fault, quoted
from karyolot.inputs.formats.foreign import refuse_binary
from karyolot.inputs.formats.text import BLOCK, named, opened
from karyolot.io.files import PathLike, described

HEAD_BYTES = 65_536
HEAD_READS = 50
"""Reads the check looks at: more than any mix-up of files needs, few enough for thousands of files."""
RUN_READS = 10_000
"""Reads of each file in which the run looks at letters, qualities and mate numbers; a file does not change its dialect."""
BASES = "ACGTNacgtnURYSWKMBDHVuryswkmbdhv"
"""Letters of the IUPAC code."""
QUALITIES = range(33, 127)
"""Characters a quality can be: '!' to '~'."""
PHRED64, PHRED33_HIGHEST = range(59, 106), 89
"""';' (Solexa's -5) to 'i' (41) were written in the codes with offset 64. With offset 33 no sequencer of short reads goes
above 'Y' (56, Element AVITI), and what consensus callers write reaches '~'. So ';' to 'Y' is Phred+33 without low qualities,
and Phred+64 shows by its highest ones, which every run has."""
TRAILER = 16
"""More zero bytes than this cannot end a gzip file: checksum and length are 8, and the bytes before them are not all 0."""
FOREIGN = {
    b">": ("is FASTA, without qualities", "name the FASTQ file of the sequencer"),
    b";": ("is FASTA, without qualities", "name the FASTQ file of the sequencer"),
    b"BAM\1": ("is BAM", "name it in the column alignment, or convert it: samtools fastq"),
    b"CRAM": ("is CRAM", "name it in the column alignment, or convert it: samtools fastq"),
    b"NCBI.sra": ("is an SRA archive", "convert it: fasterq-dump --split-files"),
}
"""First bytes of other formats for which another remedy holds than in a table: what the file is, what to do."""


class Record(NamedTuple):
    """One read; `line`: of its name, from 1."""

    line: int
    name: str
    bases: str
    qualities: str


@dataclass(frozen=True, slots=True)
class Facts:
    """The first reads of a file.

    names: without mate number and comment. mates: as in the names (1, 2). longest: bases. digest: of names and bases,
    the same for the same reads under any compression.
    """

    names: tuple[str, ...]
    mates: frozenset[int]
    longest: int
    digest: str


# Rules


def identity(name: str) -> tuple[str, int | None]:
    """What both mates of a pair are called, and which of them a read's name marks.

    A comment may follow a space or a tab. 'x/1', 'x 1:N:0:ACGT', 'x/1<TAB>RX:Z:ACGT' are first mates; 'x' is neither.
    """
    identifier, _, comment = name.replace("\t", " ").partition(" ")
    if identifier[-2:] in {"/1", "/2"}:
        return identifier[:-2], int(identifier[-1])
    return identifier, int(comment[0]) if comment[:2] in {"1:", "2:"} else None


def check_bases(name: str, bases: str, line: int | None = None) -> None:
    """Raise Fault for a letter that is no base."""
    if not (strange := bases.strip(BASES)):
        return
    mark = next(letter for letter in strange if letter not in BASES)
    message = f"read {quoted(name)} holds {quoted(mark)}, which is not a base"
    convert = "write N for it: sed '2~4s/\\./N/g'" if mark == "." else "fetch it again, or name the FASTQ file"
    raise Fault("E28", message, convert, line)


def check_qualities(lowest: int, highest: int) -> None:
    """Raise Fault when qualities from `lowest` to `highest` (codes of their characters) are not Phred+33."""
    if odd := [code for code in (lowest, highest) if code not in QUALITIES]:
        message = f"a quality is the character {quoted(chr(odd[0]))}, and qualities are ! to ~"
        raise Fault("E28", message, "fetch it again, or convert it to Phred+33")
    if lowest in PHRED64 and PHRED33_HIGHEST < highest <= PHRED64[-1]:
        message = f"qualities look like the old Phred+64 code ({chr(lowest)} to {chr(highest)})"
        raise Fault("E28", message, "convert the file to Phred+33: seqtk seq -Q64 -V")


def check_interleaved(names: Sequence[str], mates: Sequence[int | None]) -> None:
    """Raise Fault when first and second mates take turns. names, mates: of the first reads, as `identity` gives them."""
    pairs = list(zip(names[::2], names[1::2], strict=False))
    numbers = set(zip(mates[::2], mates[1::2], strict=False))
    in_turn = bool(pairs) and all(one == other for one, other in pairs) and numbers <= {(1, 2), (None, None)}
    if in_turn and (len(pairs) == 1 or len(set(names)) > 1):  # else all reads have one name, which says nothing
        remedy = "split it: seqtk seq -1 FILE | gzip > R1.fastq.gz; seqtk seq -2 FILE | gzip > R2.fastq.gz"
        raise Fault("E28", "is interleaved: it holds both mates of each pair", remedy)


def mates_fault(first: Facts, second: Facts) -> tuple[int, Fault] | None:
    """What shows that two files are not the mates of a pair: which of them (0 or 1) and why; None when nothing does."""
    if first.mates == {2} or second.mates == {1}:
        swapped = first.mates != {1} and second.mates != {2}
        message = "the names of its reads mark them as the other mates"
        remedy = "exchange fastq_1 and fastq_2" if swapped else "name the file of the other mates"
        return int(first.mates != {2}), Fault("E04", message, remedy)
    for number, (one, other) in enumerate(zip(first.names, second.names, strict=False), 1):
        if one != other:
            message = f"read {number} is {quoted(other)}, and in fastq_1 {quoted(one)}"
            remedy = "name the mates of fastq_1, both files in the sequencer's order"
            if one[:-1] == other[:-1] and one[-2:-1] in {".", "_"} and (one[-1], other[-1]) == ("1", "2"):
                remedy = (
                    f"aligners match mates by name: write /1 and /2 instead of {one[-2:]} and {other[-2:]}, or neither"
                )
            return 1, Fault("E04", message, remedy)
    return None


def without_empty_lines(end: bytes, newlines: int) -> int:
    """How many of the line ends at the end of a file belong to its last read; text editors add others.

    end: the last bytes without them. A read of no bases ends with an empty line of its own.
    """
    return min(newlines, 2 if end.rpartition(b"\n")[0].endswith(b"\n") else 1)


def check_end(path: Path, *, whole: bool) -> None:
    """Raise Fault when zero bytes follow the gzip data, as tapes and block copies leave them: fastp stops there.

    whole: read the file through if its end is not conclusive.
    """
    with open(path, "rb") as handle:
        size = handle.seek(0, io.SEEK_END)
        handle.seek(max(0, size - 4096))
        end = handle.read()
    zeros = len(end) - len(end.rstrip(b"\0"))
    if 0 < zeros <= TRAILER:
        zeros = _after_the_last_member(path) if whole or size <= HEAD_BYTES else 0
    if zeros:
        message = "zero bytes follow the gzip data, on which fastp stops"
        raise Fault("E28", message, "write it again: gzip -dc FILE 2> /dev/null | gzip > NEW.fastq.gz")


def _after_the_last_member(path: Path) -> int:
    """Bytes that follow the last member of a gzip file; 0 for a damaged one, which its reader reports."""
    member, after = zlib.decompressobj(31), 0
    try:
        with open(path, "rb") as handle:
            while data := handle.read(BLOCK):
                while data:
                    if member.eof and data[0] == 0:
                        after += len(data)
                        break
                    member = zlib.decompressobj(31) if member.eof else member
                    member.decompress(data)
                    data = member.unused_data
    except zlib.error:
        return 0
    return after


# The first reads


def records(path: Path) -> Iterator[Record]:
    """The first HEAD_READS reads, as far as they lie in the first HEAD_BYTES of text.

    Raises
    ------
    Fault
        E02 for a file without reads, E28 for one that is not FASTQ, is truncated, or breaks a rule of one read.
    """
    with opened(path, binary=True) as handle:
        data = handle.read(HEAD_BYTES)
        zipped = isinstance(handle, gzip.GzipFile)
    for start, (message, remedy) in FOREIGN.items():
        if data.startswith(start):
            raise Fault("E28", message, remedy)
    refuse_binary(data)
    if zipped and not path.name.endswith(".gz"):
        raise Fault("E28", "is gzip-compressed but lacks the .gz extension that the tools rely on", "rename it")
    if not data.strip():
        raise Fault("E02", "holds no read", "fetch it again, or delete its row")
    if data[:1] != b"@":
        raise Fault("E28", "is not FASTQ: it does not start with @", "name a FASTQ file")
    if b"\r" in data:
        raise Fault("E28", "has Windows line ends", "convert it: sed 's/\\r$//'")
    lines, cut = data.split(b"\n"), len(data) == HEAD_BYTES
    if not cut:
        end = data.rstrip(b"\n")
        lines = lines[: end.count(b"\n") + max(1, without_empty_lines(end, len(data) - len(end)))]
    for first in range(0, min(len(lines) - 3 - cut, 4 * HEAD_READS), 4):
        yield _record(first + 1, *lines[first : first + 4])
    if not cut and len(lines) % 4:
        raise Fault("E28", "is truncated: its last read is not complete", "fetch it again", len(lines))


def _record(line: int, name: bytes, bases: bytes, plus: bytes, qualities: bytes) -> Record:
    if not name.startswith(b"@") or plus not in (b"+", b"+" + name[1:]):
        message = "is not FASTQ: a read has four lines, the first with @, the third with +"
        raise Fault("E28", message, "name a FASTQ file", line)
    read = Record(line, *(text.decode("latin-1") for text in (name[1:], bases, qualities)))
    if not read.name.isascii():
        raise Fault("E28", "the name of a read holds a byte that is not ASCII", "fetch it again", line)
    if len(bases) != len(qualities):
        message = f"is damaged: read {quoted(read.name)} has {len(bases)} bases and {len(qualities)} qualities"
        raise Fault("E28", message, "fetch it again", line)
    check_bases(read.name, read.bases, line)
    if qualities:
        check_qualities(*_range(read.qualities, (QUALITIES[0], QUALITIES[0])))
    return read


def _range(qualities: str, seen: tuple[int, int]) -> tuple[int, int]:
    """Lowest and highest code of the characters, and of those seen before."""
    if not qualities:
        return seen
    return min(seen[0], ord(min(qualities))), max(seen[1], ord(max(qualities)))


def look(path: Path, *, whole: bool = False) -> Facts:
    """The first reads of a file.

    whole: the file is about to be read through, so its end may be, too.
    """
    names: list[str] = []
    mates: list[int | None] = []
    longest, codes, digest = 0, (QUALITIES[-1], QUALITIES[0]), hashlib.blake2b(digest_size=16)
    for read in records(path):
        name, mate = identity(read.name)
        names.append(name)
        mates.append(mate)
        longest, codes = max(longest, len(read.bases)), _range(read.qualities, codes)
        digest.update(f"{name}\n{read.bases}\n".encode())
    if not names:
        raise Fault("E28", "its first read is longer than 64 kb; short paired reads are needed", "name such a file")
    if codes[0] <= codes[1]:
        check_qualities(*codes)
    check_interleaved(names, mates)
    if path.name.endswith(".gz"):
        check_end(path, whole=whole)
    return Facts(tuple(names), frozenset(mate for mate in mates if mate), longest, digest.hexdigest())


# All reads


def read(
    paths: Sequence[PathLike], sha256_expected: Sequence[str | None], out: IO[bytes] | None = None, group: str = ""
) -> dict[str, Any]:
    """Read one file or a pair from the first to the last read, each file once.

    Parameters
    ----------
    paths
        One file, or first and second mates.
    sha256_expected
        What the sheet states for each; None where it states nothing.
    out
        Where verified reads are printed as FASTQ, mates after each other; their comments are replaced by RG:Z:group, if any.

    Returns
    -------
    dict
        reads (pairs or single reads), bases, read_length_min, read_length_max, files: [{path, bytes, sha256}].

    Raises
    ------
    Fault
        With the name of the file: what `look` refuses, and any read later on that is cut, damaged or without its mate.
    KaryolotError
        When a checksum differs.
    """
    heads = []
    for path in paths:
        with named(path):
            heads.append(look(Path(path), whole=True))
    if len(heads) == 2 and (found := mates_fault(heads[0], heads[1])):
        raise found[1].named(str(paths[found[0]]))
    tees = [_Hashed(path) for path in paths]
    records = _all_records(paths, tees)
    if out is not None:
        records = _printed(records, out, group)
    reads, bases, shortest, longest = _dialect(islice(records, RUN_READS), paths)
    for pair in records:
        reads += 1
        for record in pair:
            length = len(record)
            bases += length
            if length < shortest:
                shortest = length
            if length > longest:
                longest = length
    expected = zip(paths, tees, sha256_expected, strict=True)
    files = [described(path, tee.size, tee.hexdigest(), stated) for path, tee, stated in expected]
    return {"reads": reads, "bases": bases, "read_length_min": shortest, "read_length_max": longest, "files": files}


def _printed(records: Iterator[tuple[Any, ...]], out: IO[bytes], group: str) -> Iterator[tuple[Any, ...]]:
    """The same records, each passed on once it was verified."""
    held: list[bytes] = []
    for pair in records:
        yield pair
        for record in pair:
            record.name = f"{record.id}\tRG:Z:{group}" if group else record.id
            held.append(record.fastq_bytes())
        if len(held) > 4096:
            out.write(b"".join(held))
            held.clear()
    out.write(b"".join(held))


def _dialect(pairs: Iterator[tuple[Any, ...]], paths: Sequence[PathLike]) -> tuple[int, int, int, int]:
    """Hold the first reads of the run against the rules of single reads: their number, bases, shortest and longest."""
    codes = [(QUALITIES[-1], QUALITIES[0])] * len(paths)
    lengths: list[int] = []
    for pair in pairs:
        for index, record in enumerate(pair):
            with named(paths[index]):
                lengths.append(len(record))
                check_bases(record.name, record.sequence)
                codes[index] = _range(record.qualities, codes[index])
                _, mate = identity(record.name)
                if mate not in (None, index + 1):
                    message = (
                        f"read {quoted(record.name)} is named as mate {mate}, in a file given as fastq_{index + 1}"
                    )
                    raise Fault("E04", message, "exchange fastq_1 and fastq_2 in the sample sheet")
    for path, (lowest, highest) in zip(paths, codes, strict=True):
        with named(path):
            if lowest <= highest:
                check_qualities(lowest, highest)
    return len(lengths) // len(paths), sum(lengths), min(lengths), max(lengths)


def _all_records(paths: Sequence[PathLike], files: "Sequence[_Hashed]") -> Iterator[tuple[Any, ...]]:
    """Records of dnaio, of one file or two at a time; both mates have one name, and no file ends before the other."""
    from dnaio import FastqFormatError, FastqReader  # a fifth of a second, which only this function needs
    from xopen import xopen

    handles: list[BinaryIO] = []
    try:
        handles = [xopen(io.BufferedReader(file, BLOCK), "rb", threads=0) for file in files]
        readers = [iter(FastqReader(cast(BinaryIO, _WithoutEmptyLines(handle)))) for handle in handles]
        if len(readers) == 1:
            yield from zip(readers[0], strict=True)
        for one, other in zip_longest(*readers) if len(readers) == 2 else ():
            if one is None or other is None:
                short = 0 if one is None else 1
                message = f"ends before its mate file {paths[1 - short]}"
                remedy = "the two do not belong together or one was truncated: fetch both again"
                raise Fault("E04", message, remedy, file=str(paths[short]))
            if one.id != other.id and identity(one.name)[0] != identity(other.name)[0]:
                message = (
                    f"mates are not in the same order (read {quoted(one.name)} is paired with {quoted(other.name)})"
                )
                raise Fault("E04", message, "pair the files again, unsorted", file=f"{paths[0]} and {paths[1]}")
            yield one, other
        for file in files:
            file.drain()
    except FastqFormatError as error:
        raise Fault("E28", f"is not a complete FASTQ file ({error})", "fetch it again", file=_names(paths)) from error
    except (EOFError, OSError, UnicodeDecodeError, zlib.error) as error:
        raise Fault("E28", f"damaged or truncated ({error})", "fetch it again", file=_names(paths)) from error
    finally:
        for handle in handles:
            handle.close()


def _names(paths: Sequence[PathLike]) -> str:
    return " or ".join(map(str, paths))


class _Hashed(io.RawIOBase):
    """The bytes of a file, and the sha256 and number of those that were read."""

    def __init__(self, path: PathLike) -> None:
        self.file, self.size, self.digest = io.FileIO(path), 0, hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        read = self.file.readinto(buffer) or 0
        self.digest.update(memoryview(buffer).cast("B")[:read])
        self.size += read
        return read

    def drain(self) -> None:
        """Read what a decompressor left behind the last byte it needed."""
        while self.read(BLOCK):
            pass

    def hexdigest(self) -> str:
        return self.digest.hexdigest()

    def close(self) -> None:
        self.file.close()
        super().close()


class _WithoutEmptyLines(io.RawIOBase):
    """The bytes of a file without empty lines at its end. Line ends at the end of a block wait for what follows them."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.held, self.end, self.over = file, 0, b"", False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        while not self.over:
            if self.held >= len(view):
                raise OSError("thousands of empty lines")
            view[: self.held] = b"\n" * self.held
            read = self.file.readinto(view[self.held :])  # type: ignore[attr-defined]
            size = self.held + (read or 0)
            if not read:
                self.over = True
                return without_empty_lines(self.end, self.held)
            if view[size - 1] != 10:
                self.held, self.end = 0, bytes(view[max(0, size - 4096) : size])
                return int(size)
            kept = bytes(view[:size]).rstrip(b"\n")
            self.held = size - len(kept)
            if kept:
                self.end = kept[-4096:]
                return len(kept)
        return 0
