"""Text and JSON files, and checksums.

Writers fill a temporary name beside the target and rename it, so a path either holds a whole file or none.
"""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from karyolot.contracts.criteria import Metrics, check_metrics
from karyolot.contracts.problems import KaryolotError

Model = TypeVar("Model", bound=BaseModel)
PathLike = str | Path


@contextmanager
def replacing(path: PathLike) -> Iterator[Path]:
    """A temporary path in the target's folder; moved onto `path` when the block succeeds, deleted when it fails."""
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".part-{os.getpid()}-{target.name}")
    try:
        yield part
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def open_text(path: PathLike) -> Iterator[IO[str]]:
    """A UTF-8 text file to read, without its byte-order mark, gunzipped when its first bytes say gzip.

    Raises KaryolotError when it is not text, or damaged.
    """
    try:
        with open(path, "rb") as probe:
            zipped = probe.read(2) == b"\x1f\x8b"
        opener: Callable[..., Any] = gzip.open if zipped else open
        with opener(path, "rt", encoding="utf-8-sig", newline=None) as handle:
            yield handle
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise KaryolotError(f"{path}: the gzip file is damaged or cut short ({error}); copy it again") from error
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


def read_bytes(path: PathLike) -> bytes:
    """A whole file as it is. Raises KaryolotError when it cannot be read."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise KaryolotError(f"{path}: cannot be read ({error.strerror or error})") from error


def read_json(path: PathLike) -> Any:
    with open_text(path) as handle:
        try:
            return json.load(handle)
        except json.JSONDecodeError as error:
            raise KaryolotError(f"{path}: not JSON ({error})") from error


def write_json(value: Any, path: PathLike) -> None:
    """JSON with a fixed layout; NaN and infinity are refused, since JSON has no word for them."""
    write_text(json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n", path)


def read_model(path: PathLike, model: type[Model]) -> Model:
    try:
        return model.model_validate(read_json(path))
    except ValidationError as error:
        raise KaryolotError(f"{path}: not a {model.__name__}: {error}") from error


def write_model(value: BaseModel, path: PathLike) -> None:
    write_json(value.model_dump(mode="json", by_alias=True), path)


def read_metrics(path: PathLike) -> Metrics:
    """Metrics that `write_metrics` wrote. Raises KaryolotError for a file of another version, with other metrics."""
    try:
        return check_metrics(TypeAdapter(Metrics).validate_python(read_json(path)))
    except ValueError as error:
        raise KaryolotError(f"{path}: not the metrics of this version ({error}); delete it and run again") from error


def write_metrics(metrics: Metrics, path: PathLike) -> None:
    """Write the metrics of one stage or of several; refuses what `check_metrics` refuses."""
    write_json({name: metric.model_dump() for name, metric in sorted(check_metrics(metrics).items())}, path)


def describe_file(path: PathLike, expected: str | None = None) -> dict[str, Any]:
    """Path, size in bytes and sha256 of an input, for the record. Raises KaryolotError when it is not the one expected."""
    digest = sha256(path)
    if expected is not None and digest != expected:
        raise KaryolotError(
            f"{path}: sha256 is {digest}, the sample sheet says {expected}; the file changed or was copied badly:"
            " fetch it again"
        )
    return {"path": str(path), "bytes": Path(path).stat().st_size, "sha256": digest}


def sha256(path: PathLike) -> str:
    return digest(path, "sha256")


def digest(path: PathLike, algorithm: str) -> str:
    """Checksum of a file in hex. algorithm: a name hashlib knows."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, algorithm).hexdigest()
