"""Text and JSON files, and checksums.

Writers fill a temporary name beside the target and rename it, so a path either holds a whole file or none.

A file that our code writes for another rule is sealed: it carries the digest of its content, and its reader refuses a file
that was edited in between. JSON has it under a key, parquet in its metadata, h5ad behind its content. Anybody can compute a
digest, so a seal detects edits and damage, not a deliberate forgery. What a tool writes (FASTQ, CRAM, VCF, salmon's tables)
has none.
"""

import gzip
import hashlib
import json
import os
import re
import shutil
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from karyolot.contracts.criteria import Metrics, Verdict, check_metrics
from karyolot.contracts.problems import KaryolotError

Model = TypeVar("Model", bound=BaseModel)
PathLike = str | Path
SEAL = "seal"
"""Key of the digest in a sealed file; no schema has a field of this name."""
NO_SEAL = "not a result of this version (it bears no seal); delete it and run again"
WRONG_SEAL = "was changed after it was made (its seal does not fit its content); delete it and run again"
UNSEALED = "karyolot-seal:" + "0" * 64
"""Text in a binary file until `seal` replaces the zeros by the digest."""
_PART = re.compile(r"\.part-\d+-")
_BINARY_SEAL = re.compile(rb"karyolot-seal:([0-9a-f]{64})")


@contextmanager
def naming(path: PathLike) -> Iterator[None]:
    """The path in an OSError that names no file: of a write to an open one, as on a full disk."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


@contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """A temporary path in the target's folder; moved onto `path` when the block succeeds, deleted when it fails."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".part-{os.getpid()}-{target.name}")
    try:
        yield part
        os.replace(part, target)
    except OSError as error:
        if error.filename in (None, str(part)):
            error.filename = str(target)
        raise
    finally:
        part.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove what killed processes left of files and folders they were writing (`replacing`, `write_folder`). For a caller who
    knows that nobody writes there now."""
    for path in [path for path in folder.rglob(".part-*") if _PART.match(path.name)]:
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@contextmanager
def open_text(path: PathLike) -> Iterator[IO[str]]:
    """A UTF-8 text file to read, without its byte-order mark, gunzipped when its first bytes are those of gzip.

    Raises KaryolotError when it is not text, or damaged.
    """
    try:
        with open(path, "rb") as probe:
            zipped = probe.read(2) == b"\x1f\x8b"
        opener: Callable[..., Any] = gzip.open if zipped else open
        with opener(path, "rt", encoding="utf-8-sig", newline=None) as handle:
            yield handle
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise KaryolotError(f"{path}: the gzip file is damaged or truncated ({error}); copy it again") from error
    except UnicodeDecodeError as error:
        raise KaryolotError(
            f"{path}: not UTF-8 text ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error
    except OSError as error:
        raise KaryolotError(f"{path}: cannot be read ({error.strerror or error})") from error


def write_text(text: str, path: PathLike) -> None:
    with replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def write_texts(texts: Mapping[str, str], files: Mapping[str, PathLike]) -> None:
    """Write each text to the file of its name."""
    for name, text in texts.items():
        write_text(text, files[name])


def write_bytes(content: bytes, path: PathLike) -> None:
    with replacing(path) as part:
        part.write_bytes(content)


def write_folder(contents: Mapping[str, bytes], folder: PathLike) -> None:
    """Files by name (also a path) in a folder that holds nothing else; an earlier one of this name is replaced as a whole."""
    target = Path(folder)
    part = target.with_name(f".part-{os.getpid()}-{target.name}")
    try:
        part.mkdir(parents=True)
        for name, content in contents.items():
            (part / name).parent.mkdir(parents=True, exist_ok=True)
            (part / name).write_bytes(content)
        shutil.rmtree(target, ignore_errors=True)
        os.replace(part, target)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def read_bytes(path: PathLike) -> bytes:
    """A whole file as it is. Raises KaryolotError when it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise KaryolotError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_each(paths: Mapping[str, PathLike]) -> dict[str, bytes]:
    """Name -> the whole file (`read_bytes`)."""
    return {name: read_bytes(path) for name, path in paths.items()}


def read_json(path: PathLike) -> Any:
    with open_text(path) as handle:
        try:
            return json.load(handle)
        except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, endless digits or brackets
            raise KaryolotError(f"{path}: not JSON ({error})") from error


def write_json(value: Any, path: PathLike) -> None:
    """JSON with a fixed layout; NaN and infinity are refused, since JSON has no word for them."""
    write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", path)


def digest_of(content: Mapping[str, Any], without: Collection[str] = (SEAL,)) -> str:
    """sha256 (hex) of a JSON object without the keys `without`: keys sorted, no spaces, UTF-8."""
    rest = {key: value for key, value in content.items() if key not in without}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def write_sealed(content: Mapping[str, Any], path: PathLike) -> None:
    """JSON of plain values under the digest of its content."""
    write_json({**content, SEAL: digest_of(content)}, path)


def read_sealed(path: PathLike) -> dict[str, Any]:
    """What `write_sealed` wrote, without the seal. Raises KaryolotError when the content is another now."""
    content = read_json(path)
    if not isinstance(content, dict) or SEAL not in content:
        raise KaryolotError(f"{path}: {NO_SEAL}")
    if content.pop(SEAL) != digest_of(content):
        raise KaryolotError(f"{path}: {WRONG_SEAL}")
    return content


def seal(path: PathLike) -> None:
    """Write the digest of a binary file into it, replacing UNSEALED."""
    content = Path(path).read_bytes()
    end = content.rindex(UNSEALED.encode()) + len(UNSEALED)
    Path(path).write_bytes(content[: end - 64] + hashlib.sha256(content).hexdigest().encode() + content[end:])


def sealed_bytes(path: PathLike) -> bytes:
    """The content of a file that `seal` wrote into. Raises KaryolotError when it has no seal, or another content now."""
    content = read_bytes(path)
    seals = list(_BINARY_SEAL.finditer(content))
    if not seals:
        raise KaryolotError(f"{path}: {NO_SEAL}")
    for found in seals:
        before = content[: found.start(1)] + UNSEALED[-64:].encode() + content[found.end(1) :]
        if hashlib.sha256(before).hexdigest().encode() == found[1]:
            return content
    raise KaryolotError(f"{path}: {WRONG_SEAL}")


def read_model(path: PathLike, model: type[Model]) -> Model:
    """What `write_model` wrote. Raises KaryolotError when it was edited since, or is of another version."""
    try:
        return model.model_validate(read_sealed(path))
    except ValidationError as error:
        raise KaryolotError(f"{path}: not a {model.__name__}: {error}") from error


def write_model(value: BaseModel, path: PathLike) -> None:
    """Write a result for another rule, sealed."""
    write_sealed(value.model_dump(mode="json", by_alias=True), path)


def read_metrics(path: PathLike) -> Metrics:
    """Metrics that `write_metrics` wrote. Raises KaryolotError when they were edited since, or are of another version."""
    content = read_sealed(path)
    try:
        return check_metrics(TypeAdapter(Metrics).validate_python(content))
    except ValueError as error:
        raise KaryolotError(f"{path}: not the metrics of this version ({error}); delete it and run again") from error


def write_metrics(metrics: Metrics, path: PathLike) -> None:
    """Write the metrics of one stage or of several, sealed; refuses what `check_metrics` refuses."""
    write_sealed({name: metric.model_dump() for name, metric in sorted(check_metrics(metrics).items())}, path)


def read_verdict(path: PathLike, metrics: PathLike, lot: str) -> Verdict:
    """The verdict of a lot, which must rest on its metrics. metrics: the file of all metrics the lot was decided by.

    Raises KaryolotError when either file was edited, or was made for another lot or by another run than its neighbour.
    """
    verdict, measured = (
        read_model(path, Verdict),
        {str(name): found.value for name, found in read_metrics(metrics).items()},
    )
    other = [result.id for result in verdict.criteria if result.value != measured.get(result.metric)]
    if other or verdict.lot_id != lot:
        what = (
            f"criteria {', '.join(other)} hold other values" if other else f"it is of lot {verdict.lot_id}, not {lot}"
        )
        raise KaryolotError(f"{path}: not the verdict on {metrics} ({what}); delete both and run again")
    return verdict


def describe_file(path: PathLike, expected: str | None = None) -> dict[str, Any]:
    """Path, size in bytes and sha256 of an input, for the record. Raises KaryolotError when it is not the one expected."""
    return described(path, Path(path).stat().st_size, sha256(path), expected)


def described(path: PathLike, size: int, digest: str, expected: str | None) -> dict[str, Any]:
    """`describe_file` of a file that was read already. digest: its sha256."""
    if expected is not None and digest != expected:
        raise KaryolotError(
            f"{path}: sha256 is {digest}, the sample sheet states {expected}; the file was changed or its copy is damaged:"
            " fetch it again"
        )
    return {"path": str(path), "bytes": size, "sha256": digest}


def read_described(data: Iterable[PathLike], references: PathLike, used: Collection[str]) -> list[dict[str, Any]]:
    """Files as `describe_file` puts them, from sealed lists: all of `data`, and of `references` those of the paths `used`.
    Raises KaryolotError when one of these is not listed."""
    files = {file["path"]: file for path in data for file in read_sealed(path)["files"]}
    known = {file["path"]: file for file in read_sealed(references)["files"]}
    if missing := [path for path in used if path not in known]:
        raise KaryolotError(f"{references}: does not list {missing[0]}; delete it and run again")
    return list((files | {path: known[path] for path in used}).values())


def sha256_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def sha256(path: PathLike) -> str:
    return digest(path, "sha256")


def digest(path: PathLike, algorithm: str) -> str:
    """Checksum of a file in hex. algorithm: a name hashlib knows."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, algorithm).hexdigest()
