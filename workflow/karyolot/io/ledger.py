"""The ledger of a study on disk: `ledger.jsonl` in its working directory, one JSON object a line, only ever appended to.

`ledger.head` holds number and sha256 of the last line that is safely on disk: lines that are missing at the end show by it.
What a crash left of a line is set aside in `ledger.torn`.
"""

import errno
import fcntl
import hashlib
import json
import os
import platform
import pwd
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from karyolot.contracts.ledger import FIRST, KINDS, NEEDED, Entry, Kind, unlisted
from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import naming, replacing

NAME, HEAD, TORN = "ledger.jsonl", "ledger.head", "ledger.torn"
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP}
"""A file system without locks: single writes at the end of the file are all there is then."""
NO_ENTRY = (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)
"""What reading a line raises that is not an entry: other JSON, other types, numbers without end, endless brackets."""
Event = tuple[Kind, Mapping[str, Any]]
TIME = "%Y-%m-%dT%H:%M:%SZ"
SKEW_S = 300
"""Seconds that an entry may be dated before the one it follows: clocks of the machines of a site differ."""


@dataclass(frozen=True, slots=True)
class Ledger:
    """entries: up to the first fault. torn: bytes a crash left after the last complete line. fault: what is wrong with the chain,
    and where; '' = nothing. head: entries that `ledger.head` counts; None = there is none."""

    entries: tuple[Entry, ...]
    torn: bytes
    fault: str
    head: int | None = None


def inspect(directory: Path) -> Ledger:
    """The ledger with the first fault of its chain; an absent ledger has no entries."""
    try:
        content = (directory / NAME).read_bytes()
    except FileNotFoundError:
        content = b""
    except OSError as error:
        raise KaryolotError(f"{directory / NAME}: cannot be read ({error.strerror or error})") from error
    head = _head(directory)
    return replace(_parse(content, head), head=head[0] if head else None)


def read(directory: Path) -> tuple[Entry, ...]:
    """The entries. Raises KaryolotError when the chain is broken."""
    return _whole(inspect(directory), directory)


def append(directory: Path, *events: Event) -> tuple[Entry, ...]:
    """Add entries in one write, on disk when this returns; processes that append at the same time wait for each other.

    Raises KaryolotError when the chain is broken, and OSError when they cannot be written; nothing is added then.
    """
    with _locked(directory / NAME) as handle, naming(directory / NAME):
        content = handle.read()
        head = _head(directory)
        held = _parse(content, head)
        last = _whole(held, directory)[-1:]
        number, previous = (last[0].number, last[0].sha256) if last else (0, FIRST)
        added, lines = [], []
        signed = {"at": now_utc(), "user": login(), "host": platform.node()}
        events = (*_irregular(last, held.torn, head, signed["at"]), *events)
        if held.torn:
            _set_aside(held.torn, directory)
            os.ftruncate(handle.fileno(), len(content) - len(held.torn))
        elif content and not content.endswith(b"\n"):  # a complete line that only lacks its line end
            lines.append(b"\n")
        for kind, facts in events:
            number += 1
            line = _line({"n": number, **signed, "kind": kind, "facts": facts, "previous": previous})
            previous = hashlib.sha256(line).hexdigest()
            lines.append(line + b"\n")
            added.append(_entry(line, previous))
        with _all_or_none(handle.fileno()):
            _write(handle.fileno(), b"".join(lines))
            with replacing(directory / HEAD) as part:
                part.write_text(f"{number} {previous}\n", encoding="ascii")
    return tuple(added)


def _irregular(last: tuple[Entry, ...], torn: bytes, head: tuple[int, str] | None, at: str) -> Iterator[Event]:
    """What precedes new entries where the ledger was not left as the last writer leaves it. at: the time of the new entries."""
    if torn:
        yield "repaired", {"bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest(), "file": TORN}
    if last and head is None:
        yield "repaired", {"file": HEAD, "lines": last[0].number}
    if last and (late := (_time(last[0].at) - _time(at)).total_seconds()) > SKEW_S:
        yield "clock_set_back", {"last": last[0].at, "seconds": round(late)}


def now_utc() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).strftime(TIME)


def _time(text: str) -> datetime:
    return datetime.strptime(text, TIME).replace(tzinfo=UTC)


def login() -> str:
    """The account this process runs under, whatever the environment states."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container without an entry for this number
        return str(os.getuid())


def _line(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _entry(line: bytes, sha256: str) -> Entry:
    """Raises one of NO_ENTRY when the line is not an entry."""
    held = json.loads(line)
    if held["kind"] not in KINDS or not held["facts"].keys() >= NEEDED.get(held["kind"], frozenset()):
        raise ValueError("not an entry")
    at, user, host, previous = (str(held[key]) for key in ("at", "user", "host", "previous"))
    _time(at)
    return Entry(int(held["n"]), at, user, host, held["kind"], held["facts"], previous, sha256)


def _parse(content: bytes, head: tuple[int, str] | None) -> Ledger:
    """Entries, what a crash left, and the first fault."""
    entries: list[Entry] = []
    *lines, rest = content.split(b"\n")
    previous = FIRST
    for number, line in enumerate([*lines, rest] if rest else lines, 1):
        sha256 = hashlib.sha256(line).hexdigest()
        last = number > len(lines)
        safe = head is not None and number <= head[0]
        try:
            entry = _entry(line, sha256)
        except NO_ENTRY:
            if last and not safe:
                return Ledger(tuple(entries), rest, _missing(entries, head))
            return Ledger(tuple(entries), b"", f"line {number} was edited: it is not an entry of a ledger")
        if fault := _misfit(entry, number, previous):
            return Ledger(tuple(entries), b"", fault)
        entries.append(entry)
        previous = sha256
    return Ledger(tuple(entries), b"", _missing(entries, head))


def _misfit(entry: Entry, number: int, previous: str) -> str:
    """Why an entry cannot be line `number` after a line of that sha256; '' if it can."""
    if entry.number > number:
        return f"line {number} was removed or moved: it holds entry {entry.number}"
    if entry.number < number:
        return f"line {number} was added or moved: it holds entry {entry.number}"
    if missing := unlisted(entry):
        return f"line {number} was edited: the entry of a report of {entry.facts['lot']} lists no {', '.join(missing)}"
    if entry.previous == previous:
        return ""
    if number == 1:
        return "line 1 was edited: it names a line before it"
    return (
        f"line {number - 1} was edited, or line {number} was replaced: sha256 of line {number - 1} is {previous},"
        f" and line {number} recorded {entry.previous}"
    )


def _missing(entries: list[Entry], head: tuple[int, str] | None) -> str:
    """What the head shows: lines that are gone at the end, or an edited last line."""
    if head is None or (len(entries) >= head[0] and (not head[0] or entries[head[0] - 1].sha256 == head[1])):
        return ""
    if len(entries) < head[0]:
        return f"line {len(entries) + 1} was removed: {HEAD} records {head[0]} lines, and {len(entries)} are there"
    return f"line {head[0]} was edited: its sha256 is {entries[head[0] - 1].sha256}, and {HEAD} recorded {head[1]}"


def _whole(ledger: Ledger, directory: Path) -> tuple[Entry, ...]:
    if ledger.fault:
        raise KaryolotError(
            f"{directory / NAME}: {ledger.fault}; restore the file from a backup. karyolot verify lists what it affects"
        )
    return ledger.entries


def _head(directory: Path) -> tuple[int, str] | None:
    try:
        number, sha256 = (directory / HEAD).read_text(encoding="ascii").split()
        return (int(number), sha256) if int(number) >= 0 else None
    except (OSError, ValueError):
        return None


def _set_aside(torn: bytes, directory: Path) -> None:
    with (directory / TORN).open("ab") as handle:
        handle.write(torn + b"\n")
        handle.flush()
        os.fsync(handle.fileno())


@contextmanager
def _all_or_none(file: int) -> Iterator[None]:
    """Cut the file to its present length when writing fails, as on a full disk: some lines can be in it by then."""
    before = os.fstat(file).st_size
    try:
        yield
    except OSError:
        os.ftruncate(file, before)
        raise


def _write(file: int, content: bytes) -> None:
    """Write at the end of a file, unbuffered: a buffer would be written once more when the file is closed."""
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)


@contextmanager
def _locked(path: Path) -> Iterator[IO[bytes]]:
    """The file, to read from its start and to append to, under a lock that ends with the block or the process."""
    with path.open("a+b") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise
        handle.seek(0)
        yield handle
