"""`karyolot fetch` against a server of this machine that drops connections, forgets ranges and sends wrong bytes."""

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from karyolot.contracts.problems import KaryolotError
from karyolot.io import download

BODY = bytes(range(256)) * 4_000
SHA256 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves `body` at any address. drop: bytes after which each connection is cut. ranges: whether it knows them.
    answers: status codes of the first requests, instead of the file."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.drop, self.ranges, self.answers = BODY, len(BODY), True, list[int]()
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/release-1/genome.fa.gz"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        wanted = self.headers["Range"] or ""
        self.server.asked.append(wanted)
        if self.server.answers:
            self.send_error(self.server.answers.pop(0))
            return
        body, start = self.server.body, 0
        if wanted and self.server.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(body):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        self.wfile.write(body[start : start + self.server.drop])

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


Fetch = Callable[..., bool]


@pytest.fixture
def fetch(server: Server, tmp_path: Path) -> Fetch:
    def call(algorithm: str = "sha256", checksum: str = SHA256) -> bool:
        return download.fetch(
            server.url, tmp_path / "new" / "genome.fa.gz", algorithm, checksum, timeout=5, wait=lambda _: None
        )

    return call


def kept(tmp_path: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}


@pytest.mark.parametrize(("algorithm", "checksum"), [("sha256", SHA256), ("md5", MD5)])
def test_a_file_is_fetched_once(fetch: Fetch, server: Server, tmp_path: Path, algorithm: str, checksum: str) -> None:
    assert fetch(algorithm, checksum)
    assert kept(tmp_path) == {"genome.fa.gz": BODY}
    assert not fetch(algorithm, checksum) and len(server.asked) == 1


def test_a_dropped_connection_is_taken_up_where_it_broke(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    server.drop = len(BODY) // 10 + 1
    assert fetch()
    assert kept(tmp_path) == {"genome.fa.gz": BODY}
    assert len(server.asked) == 10 and server.asked[1] == f"bytes={server.drop}-"


def test_a_server_without_ranges_begins_anew(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    server.ranges, server.drop = False, len(BODY) // 2
    with pytest.raises(KaryolotError, match="the connection was closed early, 5 times in a row; 512000 bytes are kept"):
        fetch()
    server.drop = len(BODY)
    assert fetch() and kept(tmp_path) == {"genome.fa.gz": BODY}


def test_another_process_goes_on_where_one_was_killed(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    part = tmp_path / "new" / "genome.fa.gz.part"
    part.parent.mkdir()
    part.write_bytes(BODY[:1000])
    assert fetch() and server.asked == ["bytes=1000-"]
    part.write_bytes(BODY)
    (tmp_path / "new" / "genome.fa.gz").unlink()
    assert fetch() and kept(tmp_path) == {"genome.fa.gz": BODY}, "it was killed between the last byte and the rename"


def test_a_beginning_of_another_release_is_thrown_away(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    part = tmp_path / "new" / "genome.fa.gz.part"
    part.parent.mkdir()
    for old in (b"old" * 1000, BODY + b"longer"):
        part.write_bytes(old)
        assert fetch() and kept(tmp_path) == {"genome.fa.gz": BODY}
        (tmp_path / "new" / "genome.fa.gz").unlink()


@pytest.mark.parametrize("body", [BODY[:-1] + b"?", BODY[:-1], b"<html>log in</html>", b""])
def test_wrong_bytes_are_never_kept(fetch: Fetch, server: Server, tmp_path: Path, body: bytes) -> None:
    server.body = body
    with pytest.raises(
        KaryolotError, match=f"sha256 is {hashlib.sha256(body).hexdigest()}, not {SHA256}; the file was"
    ):
        fetch()
    assert kept(tmp_path) == {}


def test_a_server_that_is_busy_is_asked_again_and_one_that_says_no_is_not(fetch: Fetch, server: Server) -> None:
    server.answers = [503, 429, 500]
    assert fetch() and len(server.asked) == 4


def test_an_address_that_is_not_there(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    server.answers = [404] * 9
    with pytest.raises(KaryolotError, match="the server answers 404"):
        fetch()
    assert len(server.asked) == 1
    server.server_close()
    with pytest.raises(KaryolotError, match="5 times in a row; 0 bytes are kept"):
        download.fetch("http://127.0.0.1:9/x", tmp_path / "x", "sha256", SHA256, timeout=1, wait=lambda _: None)


def test_what_is_there_is_never_written_over(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    mine = tmp_path / "new" / "genome.fa.gz"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    with pytest.raises(KaryolotError, match="move it away"):
        fetch()
    assert mine.read_bytes() == b"mine" and not server.asked


def test_two_at_once_do_not_write_one_file(fetch: Fetch, tmp_path: Path) -> None:
    part = tmp_path / "new" / "genome.fa.gz.part"
    part.parent.mkdir()
    with part.open("ab") as held:
        download.fcntl.flock(held, download.fcntl.LOCK_EX)
        with pytest.raises(KaryolotError, match="another process fetches this file"):
            fetch()
    assert fetch()


@pytest.mark.parametrize("url", ["ftp://x/genome.fa", "file:///etc/passwd", "genome.fa"])
def test_only_addresses_of_the_web(url: str, tmp_path: Path) -> None:
    with pytest.raises(KaryolotError, match="https://"):
        download.fetch(url, tmp_path / "x", "sha256", SHA256)


def test_the_command(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "karyolot", "fetch", server.url, "genome.fa.gz"]

    def run(*words: str) -> tuple[int, str]:
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False, cwd=tmp_path)
        return done.returncode, done.stdout + done.stderr

    assert run("--md5", MD5) == (0, f"genome.fa.gz fetched, sha256 {SHA256}\n")
    assert run("--sha256", SHA256) == (0, f"genome.fa.gz was there, sha256 {SHA256}\n")
    for words in ((), ("--sha256", SHA256, "--md5", MD5)):
        code, said = run(*words)
        assert code == 2 and "one of --sha256 and --md5" in said
