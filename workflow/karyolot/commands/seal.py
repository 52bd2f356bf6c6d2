"""`karyolot seal` and the revision of a sealed lot: its manifest beside its results, its files read-only, both in the ledger."""

import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from karyolot.commands.audit import KEEP, stop_astray
from karyolot.commands.current import rows_of, stop_outdated
from karyolot.commands.report import stale
from karyolot.contracts.criteria import Acceptance
from karyolot.contracts.ledger import REPORT_FILES, Entry, LotState, sealed_lots, states
from karyolot.contracts.manifest import CRITERIA, MANIFEST, Document, LedgerPlace, Manifest
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.provenance import Code, InputFile
from karyolot.contracts.record import Record
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import printed
from karyolot.inputs import check
from karyolot.inputs.formats import yaml
from karyolot.inputs.values import stated
from karyolot.io import ledger, lock
from karyolot.io.files import read_bytes, sha256, sweep, write_bytes, write_json
from karyolot.io.history import altered, decisions_of, finish_revisions, issued, sealed_record, stop_foreign
from karyolot.io.manifest import RESULTS, flush, listed, move_aside, protect, room_aside, sealed_manifest, superseded
from karyolot.io.record import read_record
from karyolot.io.shipped import SETTINGS, portable, resource
from karyolot.plan.provenance import rendering


def seal(directory: Path, lot: str, name: str = "", config: Path | None = None) -> tuple[Manifest, bool]:
    """Seal the results of a lot: write the manifest, enter it into the ledger, make the files read-only.

    Parameters
    ----------
    name
        Of the person who seals; '' = the login.
    config
        Settings of the study; None = config/config.yaml.

    Returns
    -------
    tuple
        The manifest, and whether it is new: a lot that is sealed already is only made read-only again.

    Raises
    ------
    KaryolotError
        When the lot has no finished report, its parts do not belong together, settings, sheets or criteria were changed since,
        these are not effective yet, or files of a sealed lot were changed.
    """
    path = config or directory / SETTINGS
    with held(directory):
        entries = ledger.read(directory)
        finish_revisions(directory, entries)
        state, folder = states(entries).get(lot, LotState()), directory / RESULTS / lot
        if state.sealed is not None:
            return _again(folder, state.sealed), False
        record = read_record(directory, lot)
        sweep(folder)
        settings, study = check.load(check.read_settings(path), directory, [path], contents=False)
        document = _criteria(directory, settings, record)
        stop_outdated(settings, study, record)
        stop_astray(directory, [lot], entries)
        entries = _entered(directory, record, entries)
        write_bytes(read_bytes(resource(settings.acceptance, directory)), folder / CRITERIA)
        manifest = Manifest(
            lot_id=lot,
            revision=state.revision,
            outcome=record.verdict.outcome,
            report_id=record.report_id,
            record_sha256=record.digest(),
            sealed_at=ledger.now_utc(),
            by=stated("--name", name) or ledger.login(),
            user=ledger.login(),
            host=platform.node(),
            ledger=LedgerPlace(line=entries[-1].number, sha256=entries[-1].sha256),
            decisions=_decided(record),
            criteria=document,
            provenance=record.provenance.model_dump(mode="json"),
            sheets=_sheets(directory, settings, path),
            rows=rows_of(study, lot),
            settings=settings.model_dump(mode="json"),
            files=listed(folder),
        )
        write_json(manifest.model_dump(mode="json"), folder / MANIFEST)
        flush(folder)  # the ledger must not outlive what it says of the files
        ledger.append(directory, *_sealed(manifest, sha256(folder / MANIFEST)))
        protect(folder)
        return manifest, True


def _again(folder: Path, sealed: Entry) -> Manifest:
    """The manifest of a lot that is sealed; raises KaryolotError when its files were changed since."""
    manifest = sealed_manifest(folder, sealed.facts["manifest_sha256"])
    protect(folder)
    return manifest


def mark_of(manifest: Manifest) -> str:
    """DRAFT, or that the state of the software is unknown, where its code was no one commit; '' where it was."""
    return Code(**{name: manifest.provenance[name] for name in Code.model_fields}).mark


def revise(directory: Path, lot: str, reason: str, name: str = "") -> int:
    """Open the next revision of a sealed lot, and keep the sealed one beside it; returns the number of the new one."""
    if not stated("--reason", reason, printed, 500):
        raise KaryolotError(f"--revise {lot} needs --reason: why is a sealed lot made again?")
    person = stated("--name", name) or ledger.login()
    with held(directory):
        state = states(ledger.read(directory)).get(lot, LotState())
        if state.sealed is None:
            raise KaryolotError(
                f"{lot} is not sealed (revision {state.revision}): karyolot run makes it again without --revise"
            )
        facts, folder = state.sealed.facts, directory / RESULTS / lot
        target = superseded(directory, lot, state.revision)
        sealed_record(folder / REPORT_FILES[0], facts["record_sha256"])  # the next report states what changed
        room_aside(folder, target)
        given = {
            "lot": lot,
            "revision": state.revision + 1,
            "reason": reason.strip(),
            "name": person,
        }
        kept = {key: facts[key] for key in ("report_id", "record_sha256", "manifest_sha256")}
        ledger.append(directory, ("revised", given | kept | {"sealed_at": state.sealed.at}))
        move_aside(folder, target)
        return state.revision + 1


def revise_all(directory: Path, lots: Sequence[str], reason: str, name: str, *, looking: bool) -> None:
    """`revise` each of the lots, or none when one of them is not sealed. Raises KaryolotError for a run that only looks."""
    if looking:
        raise KaryolotError("--revise makes a revision, but the options after -- run no job; leave out one of the two")
    if astray := [lot for lot in lots if lot not in sealed_lots(ledger.read(directory))]:
        raise KaryolotError(f"{', '.join(astray)}: not sealed; karyolot run regenerates it without --revise")
    for lot in dict.fromkeys(lots):
        revise(directory, lot, reason, name)


def keep(directory: Path) -> dict[str, str]:
    """The environment of a run that takes sealed lots as they are."""
    lots = sealed_lots(ledger.read(directory))
    return {KEEP: ",".join(lots)} if lots else {}


def held(directory: Path) -> Any:
    """The lock of the working directory, as a context: no run may write meanwhile."""
    if not (directory / RESULTS).is_dir():
        raise KaryolotError(f"{directory}: no results/ there; name the working directory with --directory")
    handle = lock.hold(directory)
    if handle is None:
        raise KaryolotError(
            f"{directory}: cannot be locked (read-only, or a disk without locks); run this command where the study is run"
        )
    return handle


def _criteria(directory: Path, settings: Config, record: Record) -> Document:
    """The acceptance document, which must be the one that the lot was decided by, and be effective."""
    path = resource(settings.acceptance, directory)
    now = sha256(path)
    if now != record.provenance.acceptance_sha256:
        raise KaryolotError(
            f"{portable(str(path))}: was changed since {record.lot.lot_id} was decided (sha256 {now}, then"
            f" {record.provenance.acceptance_sha256}); run again, then seal"
        )
    document = yaml.read(path, Acceptance)
    if document.effective > ledger.now_utc()[:10]:
        raise KaryolotError(
            f"{settings.acceptance}: effective from {document.effective}; no lot can be sealed by it before"
        )
    return Document(
        path=settings.acceptance,
        sha256=now,
        **document.model_dump(include={"name", "version", "number", "approver", "effective"}),
    )


def _entered(directory: Path, record: Record, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """The entries with that of the report, which is entered when the ledger does not have it yet."""
    reported = _reported(directory, record, entries)
    return (*entries, *ledger.append(directory, *reported)) if reported else entries


def _reported(directory: Path, record: Record, entries: tuple[Entry, ...]) -> list[ledger.Event]:
    """The event of the report, when the ledger does not have it yet. Raises KaryolotError when its files are of two records, or
    were changed since a run made them."""
    lot, folder = record.lot.lot_id, directory / RESULTS / record.lot.lot_id
    if folder.is_symlink():
        raise KaryolotError(f"{folder}: is a link, and what it points to can change; move the folder itself there")
    for name in REPORT_FILES:
        if not (folder / name).is_file():
            raise KaryolotError(f"{folder / name} does not exist; finish the run, or karyolot report {lot}")
    if record.digest() not in (folder / "report.html").read_text(encoding="utf-8"):
        raise KaryolotError(f"{folder / 'report.html'}: was made from another record; karyolot report {lot}, then seal")
    stop_foreign(directory, lot, record.digest(), entries)
    if fault := altered(directory, lot, entries):
        raise KaryolotError(fault)
    known = {decision.line for decision in record.disposition.decisions} if record.disposition else set()
    if missing := [one.finding for one in decisions_of(entries, lot) if one.line not in known]:
        raise KaryolotError(
            f"the report of {lot} lacks decisions ({', '.join(missing)}); karyolot report {lot}, then seal"
        )
    state = states(entries).get(lot, LotState())
    if state.issued is not None and all(
        sha256(folder / name) == state.issued.facts["files"][name] for name in REPORT_FILES
    ):
        return issued(directory, lot, entries, "found when sealed", state.issued.facts["code"])
    made = issued(directory, lot, entries, "found when sealed", rendering())
    if made and (page := stale(folder)):
        raise KaryolotError(
            f"{folder / page}: is not what this version renders from the record; karyolot report {lot}, then seal"
        )
    return made


def _decided(record: Record) -> tuple[LedgerPlace, ...]:
    """Where the ledger holds the decisions on a report."""
    held = record.disposition.decisions if record.disposition else ()
    return tuple(LedgerPlace(line=one.line, sha256=one.sha256) for one in held)


def _sheets(directory: Path, settings: Config, config: Path) -> tuple[InputFile, ...]:
    """Configuration and sheets as they are now."""
    paths = {str(config.relative_to(directory) if config.is_relative_to(directory) else config): config}
    paths |= {name: resource(name, directory) for name in settings.sheets.model_dump().values()}
    there = {name: path for name, path in paths.items() if path.is_file()}
    return tuple(InputFile(path=name, bytes=path.stat().st_size, sha256=sha256(path)) for name, path in there.items())


def _sealed(manifest: Manifest, manifest_sha256: str) -> list[ledger.Event]:
    """The events of a seal: the lot's, and of the revision that it supersedes."""
    facts = {
        "lot": manifest.lot_id,
        "revision": manifest.revision,
        "verdict": manifest.outcome,
        "report_id": manifest.report_id,
        "record_sha256": manifest.record_sha256,
        "manifest_sha256": manifest_sha256,
        "files": len(manifest.files),
        "name": manifest.by,
    }
    events: list[ledger.Event] = [("sealed", facts)]
    if manifest.revision > 1:
        by = {"lot": manifest.lot_id, "revision": manifest.revision - 1, "by": manifest.revision}
        events.append(("superseded", by))
    return events
