"""What people did with a lot, from the ledger: written next to its record, outside of what the report id covers."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from karyolot.contracts.changes import changes
from karyolot.contracts.decisions import Decision, Disposition, Revision, disposition
from karyolot.contracts.ledger import REPORT_FILES, Entry, LotState, states
from karyolot.contracts.manifest import CRITERIA, MANIFEST
from karyolot.contracts.overview import Standing
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.provenance import Made
from karyolot.contracts.record import UNSEALED, Record
from karyolot.io import ledger
from karyolot.io.files import PathLike, digest_of, open_text, read_json, sha256
from karyolot.io.manifest import RESULTS, move_aside, read_manifest, superseded
from karyolot.io.record import read_report, write_report

FIGURES = "figures"
TIMESTAMP = ".snakemake_timestamp"
"""An empty file by which Snakemake knows when it made a folder."""
NOT_TABLES = (*REPORT_FILES, MANIFEST, CRITERIA)


def issue(directory: Path, record: Record, path: PathLike, made: Made | None) -> None:
    """Write a record with when and by whom it was made, what it supersedes, and the decisions on its findings."""
    entries = ledger.read(directory)
    revision, held = revision_of(directory, entries, record), disposition_of(entries, record)
    write_report(record, path, made, revision=revision, disposition=held)


def issued(
    directory: Path, lot: str, entries: Sequence[Entry], reason: str, code: str, *, tables: bool = True
) -> list[ledger.Event]:
    """The event of a lot's report as it lies there now; none when the ledger has it, or when record and pages do not belong
    together (yet). reason: why it was made; code: what rendered it; tables: whether the other files were made
    with the report, else only the figures were."""
    folder = directory / RESULTS / lot
    paths = {name: folder / name for name in REPORT_FILES}
    if not all(path.is_file() for path in paths.values()):
        return []
    content = read_json(paths["report.json"])
    record_sha256 = digest_of(content, UNSEALED)
    with open_text(paths["report.html"]) as page:
        if record_sha256 not in page.read():
            return []
    files = {name: sha256(path) for name, path in paths.items()}
    state, beside = states(entries).get(lot, LotState()), _beside(folder, "" if tables else f"{FIGURES}/")
    known = recorded(entries, lot)
    if files | beside == (known if tables else {name: known.get(name) for name in (*files, *beside)}):
        return []
    facts = {
        "lot": lot,
        "revision": state.revision,
        "verdict": content["verdict"]["outcome"],
        "report_id": content["report_id"],
        "record_sha256": record_sha256,
        "reason": reason,
        "code": code,
        "files": files,
        ("results" if tables else FIGURES): beside,
        "inputs": {file["path"]: file["sha256"] for file in content["provenance"]["inputs"]},
    }
    return [("report_issued", facts)]


def _beside(folder: Path, start: str = "") -> dict[str, str]:
    """sha256 of the files of a lot whose path begins so, but its report."""
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    kept = {name: path for name, path in files.items() if name.startswith(start) and name not in NOT_TABLES}
    return {name: sha256(path) for name, path in kept.items() if path.name != TIMESTAMP}


def altered(directory: Path, lot: str, entries: Sequence[Entry]) -> str:
    """The first file of a lot that is not one that a run made or that was rendered, and what to do; '' = none. Where a run was
    killed its files are not known: '' too. The record itself is one that a run made (`stop_foreign`)."""
    if interrupted(entries, lot):
        return ""
    for name, digest in recorded(entries, lot).items():
        path = directory / RESULTS / lot / name
        if path.is_file() and not path.is_symlink() and sha256(path) == digest:
            continue
        page = name in REPORT_FILES or name.startswith(f"{FIGURES}/")
        remedy = f"karyolot report {lot} renders it again" if page else "delete it and run again"
        what = "was changed after it was made" if path.is_file() else "is missing"
        return f"{path}: {what} (the ledger recorded sha256 {digest}); {remedy}"
    if name := next(unrecorded(directory, lot, entries), ""):
        return f"{directory / RESULTS / lot / name}: the ledger has no entry of it; remove it, or run again"
    return ""


def unrecorded(directory: Path, lot: str, entries: Iterable[Entry]) -> Iterator[str]:
    """Files in the results of a lot that the entries of its report do not list; none while no report was issued."""
    known, folder = recorded(entries, lot), directory / RESULTS / lot
    for path in sorted(folder.rglob("*")) if known else ():
        name = path.relative_to(folder).as_posix()
        if (path.is_symlink() or not path.is_dir()) and name not in (*known, *NOT_TABLES) and path.name != TIMESTAMP:
            yield name


def recorded(entries: Iterable[Entry], lot: str) -> dict[str, str]:
    """sha256 of the files of a lot as the ledger has them: those that a run made, and pages that were rendered since."""
    known: dict[str, str] = {}
    for entry in entries:
        if entry.facts.get("lot") != lot:
            continue
        if entry.kind == "revised":
            known = {}
        elif entry.kind == "report_issued":
            old = {name: digest for name, digest in known.items() if not name.startswith(f"{FIGURES}/")}
            known = {**entry.facts.get("results", old), **entry.facts.get(FIGURES, {}), **entry.facts["files"]}
    return known


def stop_foreign(directory: Path, lot: str, record_sha256: str, entries: Sequence[Entry]) -> None:
    """Raises KaryolotError when a record is none that a run made, by the ledger; anybody can compute a report id."""
    state = states(entries).get(lot, LotState())
    if state.issued is None or interrupted(entries, lot) or record_sha256 in _records(entries, lot):
        return
    raise KaryolotError(
        f"{directory / RESULTS / lot / REPORT_FILES[0]}: was changed after it was made (line {state.issued.number} of the ledger"
        f" has another record); delete it and run again"
    )


def _records(entries: Iterable[Entry], lot: str) -> set[str]:
    """sha256 of the record that was issued last, and of those that runs made since without a report."""
    found: set[str] = set()
    for entry in entries:
        if entry.kind == "report_issued" and entry.facts["lot"] == lot:
            found = {entry.facts["record_sha256"]}
        elif entry.kind == "run_ended" and lot in entry.facts.get("records", {}):
            found.add(entry.facts["records"][lot])
    return found


def interrupted(entries: Sequence[Entry], lot: str) -> bool:
    """Whether a run that made this lot was killed: the ledger lacks its end."""
    last = next((entry for entry in reversed(entries) if entry.kind in ("run_started", "run_ended")), None)
    return last is not None and last.kind == "run_started" and lot in last.facts["lots"]


def disposition_of(entries: Iterable[Entry], record: Record) -> Disposition | None:
    """What people decided on a record, as the ledger knows it now."""
    return disposition(record.verdict, record.report_id, decisions_of(entries, record.lot.lot_id))


def read_standings(directory: Path, reports: Iterable[PathLike]) -> Iterator[tuple[Record, Standing]]:
    """Every record, read when it is taken, with the state of its lot by the ledger now, also after it was sealed."""
    entries = ledger.read(directory)
    held = states(entries)
    said: dict[str, list[Entry]] = {}
    for entry in entries:
        said.setdefault(str(entry.facts.get("lot", "")), []).append(entry)
    for path in reports:
        state = held.get(Path(path).absolute().parent.name, LotState())
        record = read_report(path, sha256_made=state.issued.facts["files"][REPORT_FILES[0]] if state.issued else "")
        found = disposition_of(said.get(record.lot.lot_id, ()), record)
        standing = Standing(
            revision=state.revision,
            sealed=state.sealed.at if state.sealed else None,
            recommendation=found.recommendation if found else None,
            sentence=found.sentence if found else None,
        )
        yield record, standing


def decisions_of(entries: Iterable[Entry], lot: str) -> list[Decision]:
    """Decisions on a lot in the order they were made. Raises KaryolotError for an entry that `decide` did not write."""
    return [
        _decision(entry)
        for entry in entries
        if entry.kind in ("disposition", "override") and entry.facts.get("lot") == lot
    ]


def _decision(entry: Entry) -> Decision:
    given = {name: entry.facts[name] for name in Decision.model_fields if name in entry.facts}
    by = {"user": entry.user, "at": entry.at, "line": entry.number, "sha256": entry.sha256}
    try:
        return Decision.model_validate(given | by)
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        raise KaryolotError(
            f"{ledger.NAME}, line {entry.number}: not a decision ({fault['loc'][0]}: {fault['msg']}); restore the file from a"
            " backup"
        ) from error


def revision_of(directory: Path, entries: Iterable[Entry], record: Record) -> Revision | None:
    """What a record supersedes, with every value that changed; None for a first revision."""
    opened = states(entries).get(record.lot.lot_id)
    if opened is None or opened.revised is None:
        return None
    facts, entry = opened.revised.facts, opened.revised
    path = superseded(directory, record.lot.lot_id, opened.revision - 1) / REPORT_FILES[0]
    old = sealed_record(path, facts["record_sha256"])
    return Revision(
        number=opened.revision,
        supersedes=facts["report_id"],
        record_sha256=facts["record_sha256"],
        sealed_at=facts["sealed_at"],
        reason=facts["reason"],
        name=facts["name"],
        user=entry.user,
        at=entry.at,
        changes=changes(old, record.model_dump(mode="json", by_alias=True)),
    )


def sealed_record(path: Path, record_sha256: str) -> Any:
    """The record of a sealed lot, unchecked. Raises KaryolotError when it is not the one that was sealed."""
    held = read_json(path) if path.is_file() else None
    now = f"its record has sha256 {digest_of(held, UNSEALED)}" if isinstance(held, dict) else "holds no record"
    if not now.endswith(record_sha256):
        raise KaryolotError(f"{path}: {now}, and {record_sha256} was sealed; restore the file from a backup")
    return held


def finish_revisions(directory: Path, entries: Iterable[Entry]) -> None:
    """Move superseded revisions to the history if a crash left them in `results`."""
    for lot, state in states(entries).items():
        folder = directory / RESULTS / lot
        revising = state.revised is not None and state.sealed is None and (folder / MANIFEST).is_file()
        if revising and (held := read_manifest(folder).revision) < state.revision:
            move_aside(folder, superseded(directory, lot, held))
