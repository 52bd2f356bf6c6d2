"""`karyolot fetch` against a server that drops connections, forgets ranges, stalls, and sends wrong bytes."""

import hashlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from faulty_server import Server, serving
from karyolot.contracts.problems import KaryolotError
from karyolot.io import download

BODY = bytes(range(256)) * 4_000
SHA256 = hashlib.sha256(BODY).hexdigest()
MD5 = hashlib.md5(BODY).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(BODY) as running:
        yield running


QUICK = download.Terms(timeout=5, wait=lambda _: None)
Fetch = Callable[..., bool]


@pytest.fixture
def fetch(server: Server, tmp_path: Path) -> Fetch:
    def call(algorithm: str = "sha256", checksum: str = SHA256) -> bool:
        target = tmp_path / "new" / "genome.fa.gz"
        return download.fetch(server.url, target, download.Checksum(algorithm, checksum) if checksum else None, QUICK)

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
        download.fetch("http://127.0.0.1:9/x", tmp_path / "x", None, QUICK)
    assert download.size("http://127.0.0.1:9/x") is None


def test_what_is_there_is_never_written_over(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    mine = tmp_path / "new" / "genome.fa.gz"
    mine.parent.mkdir()
    mine.write_bytes(b"mine")
    with pytest.raises(KaryolotError, match="move it away"):
        fetch()
    assert mine.read_bytes() == b"mine" and not server.asked


def test_a_file_without_a_known_checksum_is_resumed_while_the_server_confirms_it(
    fetch: Fetch, server: Server, tmp_path: Path
) -> None:
    server.etag, server.drop = '"one"', len(BODY) // 3 + 1
    assert fetch(checksum="")
    assert kept(tmp_path) == {"genome.fa.gz": BODY} and server.asked == ["", "bytes=341334-", "bytes=682668-"]


@pytest.mark.parametrize(("before", "after"), [('"one"', '"two"'), ("", ""), ('W/"one"', 'W/"one"')])
def test_without_a_checksum_an_unconfirmed_beginning_is_discarded(
    fetch: Fetch, server: Server, tmp_path: Path, before: str, after: str
) -> None:
    """The first process dies; meanwhile the file at the address may have changed."""
    server.etag, server.drop, server.body = before, 1000, b"another release" * 1000

    def killed(_: int) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        download.fetch(server.url, tmp_path / "new" / "genome.fa.gz", None, download.Terms(timeout=5, wait=killed))
    assert (tmp_path / "new" / "genome.fa.gz.part").stat().st_size == 1000
    server.etag, server.drop, server.body = after, len(BODY), BODY
    assert fetch(checksum="")
    assert kept(tmp_path) == {"genome.fa.gz": BODY}


def test_without_a_checksum_the_server_must_state_the_length(fetch: Fetch, server: Server) -> None:
    server.sized = False
    with pytest.raises(KaryolotError, match="does not state the length, and no checksum is known"):
        fetch(checksum="")
    assert fetch()


def test_chunks_need_no_length_and_a_missing_end_is_seen(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    server.sized, server.chunked, server.drop = False, True, len(BODY) - 5000
    with pytest.raises(KaryolotError, match="5 times in a row"):
        fetch(checksum="")
    server.drop = 1 << 40
    assert fetch(checksum="") and kept(tmp_path) == {"genome.fa.gz": BODY}


def test_a_server_that_stalls_is_asked_again(server: Server, tmp_path: Path) -> None:
    server.stalls = 1
    terms = download.Terms(timeout=0.3, wait=lambda _: None)
    assert download.fetch(server.url, tmp_path / "x", download.Checksum("sha256", SHA256), terms)
    assert server.asked == ["", ""]


def test_a_full_disk_ends_the_download_at_once(fetch: Fetch, server: Server, tmp_path: Path) -> None:
    part = tmp_path / "new" / "genome.fa.gz.part"
    part.parent.mkdir()
    part.symlink_to("/dev/full")
    with pytest.raises(KaryolotError, match=r"genome\.fa\.gz\.part: No space left on device; free space and run"):
        fetch()
    assert len(server.asked) == 1


def test_the_size_is_what_the_server_states(server: Server) -> None:
    assert download.size(server.url) == len(BODY)
    server.sized = False
    assert download.size(server.url) is None


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
        download.fetch(url, tmp_path / "x", None)


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
