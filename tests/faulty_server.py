"""A web server of this machine that drops connections, forgets ranges, sends wrong bytes, or sends none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Serves `files` by name at any folder, and `body` for any other name.

    drop: bytes after which each connection is cut. ranges: whether it knows them. etag: what it calls the state of a file;
    '' = it says nothing. answers: status codes of the first requests, instead of the file. stalls: requests that get a
    header and then nothing. chunked: whether a file comes in chunks, the last of which ends it. sized: whether lengths are
    stated. asked: the Range of each request.
    """

    def __init__(self, body: bytes = b"") -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.drop, self.ranges, self.answers = body, 1 << 40, True, list[int]()
        self.files: dict[str, bytes] = {}
        self.etag, self.stalls, self.sized, self.chunked = "", 0, True, False
        self.asked: list[str] = []
        self.done = threading.Event()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.root}/release-1/genome.fa.gz"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_HEAD(self) -> None:
        self.answer(b"")

    def do_GET(self) -> None:
        self.server.asked.append(self.headers["Range"] or "")
        self.answer(self.server.files.get(self.path.rsplit("/", 1)[-1], self.server.body))

    def answer(self, body: bytes) -> None:
        if self.server.answers:
            self.send_error(self.server.answers.pop(0))
            return
        whole = self.server.files.get(self.path.rsplit("/", 1)[-1], self.server.body)
        wanted, start = self.headers["Range"] or "", 0
        same = self.headers["If-Range"] in (None, self.server.etag)
        if wanted and self.server.ranges and same:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(whole):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(whole) - 1}/{len(whole)}")
        else:
            self.send_response(200)
        if self.server.etag:
            self.send_header("ETag", self.server.etag)
        if self.server.sized:
            self.send_header("Content-Length", str(len(whole) - start))
        if self.server.chunked:
            self.send_header("Transfer-Encoding", "chunked")
            parts = [body[at : at + 1000] for at in range(start, len(body), 1000)]
            body, start = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""]), 0
        self.end_headers()
        if self.server.stalls and body:
            self.server.stalls -= 1
            self.server.done.wait(30)
            return
        self.wfile.write(body[start : start + self.server.drop])

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def serving(body: bytes = b"") -> Iterator[Server]:
    """A running server."""
    with Server(body) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield running
        finally:
            running.done.set()
            running.shutdown()
            thread.join()
