"""Sealed records of finished lots: `results/LOT/report.json` of a working directory."""

import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import from_json

from karyolot.contracts.decisions import Disposition, Revision
from karyolot.contracts.problems import KaryolotError, did_you_mean, nearest, quoted
from karyolot.contracts.provenance import Made
from karyolot.contracts.record import SCHEMA_VERSION, UNSEALED, Record
from karyolot.contracts.sheets import ID_PATTERN
from karyolot.io.files import PathLike, digest_of, read_bytes, read_json, sha256_of, write_json


def lots_with_records(directory: Path) -> list[str]:
    """Lots of a working directory whose record exists, by name."""
    return sorted(path.parent.name for path in (directory / "results").glob("*/report.json"))


def read_record(directory: Path, lot: str) -> Record:
    """The record of a lot in a working directory. Raises KaryolotError when there is none, and as `read_report` does."""
    path = directory / "results" / lot / "report.json"
    if not re.fullmatch(ID_PATTERN, lot) or not path.is_file():
        there = lots_with_records(directory)
        known = f"finished lots: {', '.join(there)}" if there else "no lot is finished there"
        raise KaryolotError(
            f"{directory / 'results'} holds no record of a lot {quoted(lot)}{did_you_mean(nearest(lot, there))}; {known}"
        )
    return read_report(path)


def read_report(path: PathLike, *, in_its_folder: bool = True, sha256_made: str = "") -> Record:
    """The record in a report.json. in_its_folder: it must lie in the folder of its lot. sha256_made: of the file that a run
    made, '' = not known; the report id of that file need not be computed again.

    Raises KaryolotError when it is not a record of this lot, or when its report id does not fit its content: what a person
    reads must be what was sealed.
    """
    held, lot = read_bytes(path), Path(path).absolute().parent.name
    as_made = sha256_of(held) == sha256_made
    content = from_json(held) if as_made else read_json(path)
    _same_schema(content, path)
    try:
        record = Record.model_validate(
            {**content, "schema_version": SCHEMA_VERSION} if _has_schema(content) else content
        )
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise KaryolotError(
            f"{path}: not a report.json readable by this version ({place}: {fault['msg']}); run again to regenerate it"
        ) from error
    if not as_made and record.report_id != seal(content):
        raise KaryolotError(
            f"{path}: was changed after it was made (its id {quoted(record.report_id)} does not fit its content);"
            " delete it and run again"
        )
    if in_its_folder and record.lot.lot_id != lot:
        raise KaryolotError(f"{path}: is the record of lot {quoted(record.lot.lot_id)}; run again to regenerate it")
    return record


def write_report(
    record: Record,
    path: PathLike,
    made: Made | None = None,
    revision: Revision | None = None,
    disposition: Disposition | None = None,
) -> None:
    """Write a record, which bears its seal as its report id. made: when, by whom and where; revision, disposition: as in
    `Record`. The seal leaves all three out."""
    beside = {"made": made, "revision": revision, "disposition": disposition}
    write_json(record.model_copy(update=beside).model_dump(mode="json", by_alias=True), path)


def readable(given: str, own: str) -> bool:
    """Whether records of the schema `given` are read by a version with the schema `own`: the same major number, and no later
    minor one, whose fields would be unknown."""
    parts = [re.fullmatch(r"(\d+)\.(\d+)", version) for version in (given, own)]
    numbers = [(int(part[1]), int(part[2])) for part in parts if part]
    return len(numbers) == 2 and numbers[0][0] == numbers[1][0] and numbers[0][1] <= numbers[1][1]


def _has_schema(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("schema_version"), str)


def _same_schema(content: Any, path: PathLike) -> None:
    """Raises KaryolotError for a record of another schema, which names the version that reads it."""
    given = content.get("schema_version") if isinstance(content, dict) else None
    if not isinstance(given, str) or readable(given, SCHEMA_VERSION):
        return
    maker = content.get("provenance")
    known = maker if isinstance(maker, dict) else {}
    made = ", ".join(
        f"{word} {quoted(str(known[name]))}"
        for word, name in (("version", "karyolot_version"), ("commit", "commit"))
        if known.get(name)
    )
    raise KaryolotError(
        f"{path}: not readable by this version: the record has schema {quoted(given)}{f' (made by {made})' if made else ''},"
        f" and schema {SCHEMA_VERSION} is required. Re-run the study to update the record, or use the version that made it"
    )


def seal(content: dict[str, Any]) -> str:
    """The report id of a record as it is in its file; as `Record.digest`, whatever fields it has."""
    return digest_of(content, UNSEALED)[:12]
