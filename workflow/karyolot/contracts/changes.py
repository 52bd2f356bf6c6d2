"""What differs between two records of a lot, value by value. Both are plain JSON, so an older schema can be compared too."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from karyolot.contracts.decisions import Change
from karyolot.contracts.record import UNSEALED

KEYS = ("id", "lot_id", "sample_id", "name", "path", "setting", "gene_name", "set_name", "label")
"""Fields by which rows of a list are matched, the first that all rows have with different values."""
WITHOUT = (*UNSEALED, "text", "point", "earlier")
"""Parts that only repeat or word what the others hold."""
LONGEST = 200
"""Characters of a value that is printed."""


def changes(old: Mapping[str, Any], new: Mapping[str, Any], without: Collection[str] = WITHOUT) -> tuple[Change, ...]:
    """Every value that differs, by the path of its name; lists of plain numbers as one value each. without: parts left out."""
    before, now = ({key: value for key, value in record.items() if key not in without} for record in (old, new))
    return tuple(_changes(before, now, ()))


def _changes(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[Change]:
    if old == new and type(old) is type(new):
        return
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys((*old, *new)):
            yield from _changes(old.get(key), new.get(key), (*path, str(key)))
        return
    if isinstance(old, list) and isinstance(new, list):
        if numbers := _numbers(old, new):
            yield Change(value=" / ".join(path), old=numbers[0], new=numbers[1])
            return
        if (key := _key(old, new)) is not None:
            before, now = ({str(row[key]): row for row in held} for held in (old, new))
            yield from _changes(before, now, path)
            return
    yield Change(value=" / ".join(path), old=_text(old), new=_text(new))


def _key(old: Sequence[Any], new: Sequence[Any]) -> str | None:
    """The field that identifies the rows of both lists; None when no field does."""
    rows = [*old, *new]
    if not rows or not all(isinstance(row, Mapping) for row in rows):
        return None
    for key in KEYS:
        if all(key in row and row[key] is not None for row in rows) and all(
            len({str(row[key]) for row in held}) == len(held) for held in (old, new)
        ):
            return key
    return None


def _numbers(old: Sequence[Any], new: Sequence[Any]) -> tuple[str, str] | None:
    """Two long lists of plain values in words."""
    if any(isinstance(value, (Mapping, list)) for value in (*old, *new)) or max(len(old), len(new)) <= len(KEYS):
        return None
    differ = sum(a != b for a, b in zip(old, new, strict=False)) + abs(len(old) - len(new))
    return f"{len(old)} values", f"{len(new)} values, {differ} of them different"


def _text(value: Any) -> str | None:
    if value is None:
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
