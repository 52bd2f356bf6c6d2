"""A reference file from a public server, whole or not at all: taken up where it broke off, kept only with its checksum.

Nothing of a run comes here: only the command `karyolot fetch` does.
"""

import fcntl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
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


def fetch(
    url: str,
    target: Path,
    algorithm: str,
    checksum: str,
    *,
    timeout: float = 60,
    wait: Callable[[int], object] = lambda failures: time.sleep(2**failures),
) -> bool:
    """Download `url` to `target`; False when it is there already. algorithm: 'sha256' or 'md5', of `checksum` in hex.

    What was received lies in `target`.part until it is whole. wait: before another attempt, given the failures so far.
    Raises KaryolotError when the address cannot be had, or what it holds is not what the checksum was taken of.
    """
    if not url.startswith(("https://", "http://")):
        raise KaryolotError(f"{url}: only addresses that begin with https:// or http:// can be fetched")
    if target.exists():
        if (found := digest(target, algorithm)) != checksum:
            raise KaryolotError(f"{target} exists, and its {algorithm} is {found}, not {checksum}; move it away")
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    with part.open("ab") as out:
        try:
            fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise KaryolotError(f"{part}: another process fetches this file; wait for it") from None
        begun = out.tell() > 0
        _receive(url, out, timeout, wait)
        if begun and digest(part, algorithm) != checksum:
            _empty(out)  # what was begun earlier may be of another release: once more, from its beginning
            _receive(url, out, timeout, wait)
    if (found := digest(part, algorithm)) != checksum:
        part.unlink()
        raise KaryolotError(
            f"{url}: {algorithm} is {found}, not {checksum}; the file was discarded. Either the address holds another release,"
            " or the checksum is another file's"
        )
    part.replace(target)
    return True


def _receive(url: str, out: IO[bytes], timeout: float, wait: Callable[[int], object]) -> None:
    """Append to `out` what it lacks of the address, over as many connections as it takes."""
    failures = 0
    while True:
        before = out.tell()
        try:
            if _receive_some(url, out, timeout):
                return
            reason = "the connection was closed early"
        except urllib.error.HTTPError as error:
            if error.code in FINAL:
                raise KaryolotError(f"{url}: the server answers {error.code} {error.reason}") from None
            reason = f"the server answers {error.code} {error.reason}"
        except (OSError, HTTPException) as error:
            reason = str(error) or type(error).__name__
        failures = 1 if out.tell() > before else failures + 1
        if failures == ATTEMPTS:
            raise KaryolotError(
                f"{url}: {reason}, {ATTEMPTS} times in a row; {out.tell()} bytes are kept; run the same command again to resume"
            )
        wait(failures)


def _receive_some(url: str, out: IO[bytes], timeout: float) -> bool:
    """One connection; whether the file is whole by what the server says of its length."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": "identity"})  # noqa: S310 (fetch allows http only)
    if out.tell():
        request.add_header("Range", f"bytes={out.tell()}-")
    try:
        answer: HTTPResponse
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            if answer.status != 206:  # a server that knows no ranges begins anew
                _empty(out)
            start = out.tell()
            if answer.status == 206 and not (answer.headers["Content-Range"] or "").startswith(f"bytes {start}-"):
                raise HTTPException("the server sends another part than requested")
            length = answer.headers["Content-Length"]
            while block := answer.read1(BLOCK):
                out.write(block)
                out.flush()
            return length is None or out.tell() - start == int(length)
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 416:
                raise
        return True  # nothing beyond what is here: the checksum decides


def _empty(out: IO[bytes]) -> None:
    out.seek(0)
    out.truncate()
