"""A reference file from a public server, complete or not at all: resumed where it broke off, kept only with its checksum.

No run calls this module: only `karyolot fetch` and `karyolot references` do.
"""

import errno
import fcntl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO

from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import digest

BLOCK = 1 << 20
ATTEMPTS = 5
"""Failures in a row, without a byte received between them, that end a download."""
FINAL = {400, 401, 403, 404, 405, 410}
"""Answers of a server that will not change by asking again."""
FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass(frozen=True, slots=True)
class Checksum:
    """Of a file. algorithm: 'sha256' or 'md5'. value: in hex."""

    algorithm: str
    value: str


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a server may take.

    timeout: seconds without a byte. wait: called before another attempt, with the number of failures so far. progress:
    called after each block, with the bytes received and the bytes expected (None: the server does not state).
    """

    timeout: float = 60
    wait: Callable[[int], object] = lambda failures: time.sleep(2**failures)
    progress: Callable[[int, int | None], object] = lambda *_: None


def fetch(url: str, target: Path, checksum: Checksum | None, terms: Terms | None = None) -> bool:
    """Download a file.

    What was received lies in `target`.part until it is complete.

    Parameters
    ----------
    checksum
        None: unknown. The server must then state the length or send chunks, and a download is resumed only while the server
        confirms by ETag or Last-Modified that the file is the same.

    Returns
    -------
    bool
        False when the file was there.

    Raises
    ------
    KaryolotError
        When the address cannot be reached, the disk is full, or the content does not have the checksum.
    """
    terms = terms or Terms()
    if not url.startswith(("https://", "http://")):
        raise KaryolotError(f"{url}: only addresses that begin with https:// or http:// can be fetched")
    if target.exists():
        if checksum and (found := digest(target, checksum.algorithm)) != checksum.value:
            raise KaryolotError(
                f"{target} exists, and its {checksum.algorithm} is {found}, not {checksum.value}; move it away"
            )
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    part, tag = target.with_name(target.name + ".part"), target.with_name(target.name + ".part.tag")
    with part.open("ab") as out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KaryolotError(f"{part}: another process fetches this file; wait for it") from None
        if checksum is None and not tag.exists():
            _empty(out)
        begun = out.tell() > 0
        transfer = _Transfer(url, out, tag, terms, pinned=checksum is not None)
        transfer.run()
        if begun and checksum and digest(part, checksum.algorithm) != checksum.value:
            _empty(out)  # what was begun earlier may be of another release: once more, from its beginning
            transfer.run()
    tag.unlink(missing_ok=True)
    if checksum and (found := digest(part, checksum.algorithm)) != checksum.value:
        part.unlink()
        raise KaryolotError(
            f"{url}: {checksum.algorithm} is {found}, not {checksum.value}; the file was discarded. Either the address holds"
            " another release, or the checksum is another file's"
        )
    part.replace(target)
    return True


def size(url: str, timeout: float = 20) -> int | None:
    """Bytes of the file at an address, as the server states them; None when it does not, or cannot be reached."""
    request = urllib.request.Request(url, method="HEAD", headers={"Accept-Encoding": "identity"})  # noqa: S310 (http only)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            return int(answer.headers["Content-Length"])
    except (OSError, HTTPException, TypeError, ValueError):
        return None


@dataclass(frozen=True, slots=True)
class _Transfer:
    """One file on its way. out: what was received. tag: file with what the server calls this state of the file."""

    url: str
    out: IO[bytes]
    tag: Path
    terms: Terms
    pinned: bool

    def run(self) -> None:
        """Append to `out` what it lacks of the address, over as many connections as it takes."""
        failures = 0
        while True:
            before = self.out.tell()
            try:
                if self.receive():
                    return
                reason = "the connection was closed early"
            except urllib.error.HTTPError as error:
                if error.code in FINAL:
                    raise KaryolotError(f"{self.url}: the server answers {error.code} {error.reason}") from None
                reason = f"the server answers {error.code} {error.reason}"
            except (OSError, HTTPException) as error:
                if isinstance(error, OSError) and error.errno in FULL:
                    message = f"{self.tag.with_suffix('')}: {error.strerror}; free space and run the same command again"
                    raise KaryolotError(message) from None
                reason = str(error) or type(error).__name__
            failures = 1 if self.out.tell() > before else failures + 1
            if failures == ATTEMPTS:
                raise KaryolotError(
                    f"{self.url}: {reason}, {ATTEMPTS} times in a row; {self.out.tell()} bytes are kept; run the same command"
                    " again to resume"
                )
            self.terms.wait(failures)

    def receive(self) -> bool:
        """One connection; whether the file is complete by the length the server states."""
        try:
            answer: HTTPResponse
            with urllib.request.urlopen(self.request(), timeout=self.terms.timeout) as answer:  # noqa: S310
                if answer.status != 206:  # a server that knows no ranges, or has another file now, starts over
                    _empty(self.out)
                    self.keep_tag(answer)
                start = self.out.tell()
                if answer.status == 206 and not (answer.headers["Content-Range"] or "").startswith(f"bytes {start}-"):
                    raise HTTPException("the server sends another part than requested")
                length = answer.headers["Content-Length"]
                if length is None and not self.pinned and not answer.chunked:  # the end of chunks is marked
                    message = "the server does not state the length, and no checksum is known"
                    raise KaryolotError(
                        f"{self.url}: {message}; a truncated file could not be recognised: state a checksum"
                    )
                expected = None if length is None else start + int(length)
                while block := answer.read1(BLOCK):
                    self.out.write(block)
                    self.out.flush()
                    self.terms.progress(self.out.tell(), expected)
                return expected is None or self.out.tell() == expected
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 416:
                    raise
            return True  # nothing beyond what is here: the checksum, or the tag, decides

    def request(self) -> urllib.request.Request:
        """For what is lacking, on condition that the file is the one that was begun."""
        request = urllib.request.Request(self.url, headers={"Accept-Encoding": "identity"})  # noqa: S310 (http only)
        tag = self.tag.read_text(encoding="utf-8") if self.tag.exists() else ""
        if self.out.tell() and (self.pinned or tag):
            request.add_header("Range", f"bytes={self.out.tell()}-")
            if tag:
                request.add_header("If-Range", tag)
        return request

    def keep_tag(self, answer: HTTPResponse) -> None:
        """Store the strong validator of RFC 9110, section 13.1.5, that a later request can name."""
        entity = answer.headers["ETag"] or ""
        name = entity if entity and not entity.startswith("W/") else answer.headers["Last-Modified"] or ""
        if name:
            self.tag.write_text(name, encoding="utf-8")
        else:
            self.tag.unlink(missing_ok=True)


def _empty(out: IO[bytes]) -> None:
    if out.tell():
        out.seek(0)
        out.truncate()
