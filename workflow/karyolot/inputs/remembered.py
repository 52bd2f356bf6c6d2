"""What earlier checks of the same files found: a file is read once, and again when it or the code that reads it changes.

Only files without any fault or warning are remembered, so that no problem is reported once and never again.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from karyolot.inputs.formats import bin_counts, bins, fasta, gtf, intervals, sites
from karyolot.inputs.genes import PanelFacts, look_panel
from karyolot.io.files import read_json, write_text
from karyolot.io.shipped import PACKAGE

FACTS: Mapping[Callable[..., Any], type] = {
    bin_counts.look: bin_counts.Facts,
    bins.look: bins.Facts,
    fasta.look: fasta.Facts,
    gtf.look: gtf.Facts,
    intervals.look: intervals.Facts,
    sites.look: sites.Facts,
    look_panel: PanelFacts,
}
"""Readers of whole files that are worth it -> the facts they return."""
PLACE = Path(".snakemake") / "karyolot" / "inputs.json"
"""In the working directory. Without it the next check reads every file."""


class Remembered:
    """Facts by reader, arguments and state of the file. One that is gone, unreadable or of other code remembers nothing."""

    def __init__(self, workdir: Path) -> None:
        self._file = workdir / PLACE
        self._kept: dict[str, Any] = {}
        self._used: dict[str, Any] = {}
        with suppress(Exception):  # whatever it holds, the files themselves are there to be read
            content = read_json(self._file)
            self._kept = content["files"] if content["code"] == _code() else {}

    def look(self, reader: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """`reader(...)`, or what it returned to an earlier check of the file as it is now."""
        key = _key(reader, args, kwargs)
        if key in self._kept:
            with suppress(TypeError, KeyError, ValueError):
                facts = _typed(FACTS[reader], self._kept[key])
                self._used[key] = self._kept[key]
                return facts
        facts = reader(*args, **kwargs)
        if key is not None and not getattr(facts, "notes", ()):
            self._used[key] = _plain(facts)
        return facts

    def save(self) -> None:
        """Write what this check used or found; nothing when it is the same, or when the directory cannot be written."""
        if self._used != self._kept:
            with suppress(OSError):
                write_text(json.dumps({"code": _code(), "files": self._used}), self._file)


@cache
def _code() -> str:
    """Digest of the code that reads files of the user's."""
    digest = hashlib.sha256()
    for folder in ("contracts", "inputs"):
        for path in sorted((PACKAGE / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _key(reader: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
    """None for what is not to be remembered. The time of the last change of the inode is there because a program can set the
    other; a genome's facts are also those of its index, and a panel's those of its genome."""
    if reader not in FACTS:
        return None
    path, *rest = args
    given = [own for file in args if isinstance(file, Path) for own in (file, file.with_name(f"{file.name}.fai"))]
    states = [file.stat() for file in given if file.is_file()]
    numbers = [(state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino) for state in states]
    rest_of = hashlib.sha256(repr([rest, sorted(kwargs.items())]).encode()).hexdigest()
    return json.dumps([reader.__module__, str(path), numbers, rest_of])


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value.hex() if isinstance(value, bytes) else value


def _typed(kind: Any, value: Any) -> Any:
    """`value` as `_plain` made it of one of this type."""
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{name: _typed(hints[name], value[name]) for name in hints})
    if get_origin(kind) is dict:
        return {name: _typed(get_args(kind)[1], part) for name, part in value.items()}
    if get_origin(kind) is tuple:
        return tuple(_typed(get_args(kind)[0], part) for part in value)
    return bytes.fromhex(value) if kind is bytes else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
