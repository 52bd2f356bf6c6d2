"""`karyolot verify`: the ledger, sealed lots and reports against what was recorded of them; the first difference is named."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from karyolot.contracts.changes import changes
from karyolot.contracts.criteria import Acceptance
from karyolot.contracts.ledger import Entry, LotState, seals, signatures, states
from karyolot.contracts.manifest import MANIFEST, Manifest
from karyolot.contracts.problems import KaryolotError, did_you_mean, nearest, quoted
from karyolot.contracts.record import UNSEALED
from karyolot.inputs.formats import yaml
from karyolot.io import ledger
from karyolot.io.files import digest_of, read_bytes, read_json, sha256
from karyolot.io.history import REPORT_FILES
from karyolot.io.manifest import RESULTS, differences, read_manifest, signed_report, superseded
from karyolot.io.pdf import attached_record, words_of
from karyolot.io.shipped import resource
from karyolot.plan.provenance import code_state

KINDS = (".json", ".html", ".pdf")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was verified. faults: differences, the first one first, none = as recorded. notes: what could not be compared."""

    what: str
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


def verify(directory: Path, target: str = "") -> Iterator[Finding]:
    """Verify a study ('' as target), a lot, or a report file.

    The ledger comes first. Raises KaryolotError when the target is neither a lot nor a report.
    """
    held = ledger.inspect(directory)
    if not held.entries and not held.fault:
        raise KaryolotError(
            f"{directory / ledger.NAME} does not exist: no run of this version was started in {directory}"
        )
    torn = (
        (f"the last line is half written ({len(held.torn)} bytes); the next entry sets it aside",) if held.torn else ()
    )
    repaired = [entry.number for entry in held.entries if entry.kind == "repaired"]
    kept = (*torn, *(f"line {number}: a half-written line was set aside" for number in repaired))
    faults = (f"{ledger.NAME}: {held.fault}",) if held.fault else ()
    yield Finding(f"ledger, {len(held.entries)} entries", faults, kept)
    path = Path(target)
    if target and path.suffix in KINDS and path.is_file():
        yield _file(directory, path, held.entries)
    elif target:
        known = states(held.entries)
        if target not in known:
            raise KaryolotError(
                f"{quoted(target)} is neither a report (.json, .html, .pdf) nor a lot in the ledger of {directory}"
                f"{did_you_mean(nearest(target, known))}"
            )
        yield from _lots(directory, held.entries, target)
    else:
        yield from _lots(directory, held.entries)


def _lots(directory: Path, entries: Sequence[Entry], only: str = "") -> Iterator[Finding]:
    """Every revision that was sealed, then reports that are issued and not sealed, then what looks sealed and is not."""
    held, sealed, signed = states(entries), seals(entries), signatures(entries)
    for (lot, revision), entry in sealed.items():
        if only in ("", lot):
            faults, notes = _sealed(directory, entry, entries, held[lot], signed.get((lot, revision), ()))
            if only and not faults and revision == held[lot].revision:
                again, more = _rendered_again(directory / RESULTS / lot, held[lot])
                faults, notes = (*faults, *again), (*notes, *more)
            yield Finding(f"{lot}, revision {revision}, sealed {entry.at}", faults, notes)
    for lot, state in held.items():
        if only in ("", lot) and state.sealed is None and state.issued is not None:
            faults = tuple(_issued(directory / RESULTS / lot, state.issued))
            again, notes = _rendered_again(directory / RESULTS / lot, state) if only and not faults else ((), ())
            yield Finding(f"{lot}, not sealed, report of {state.issued.at}", (*faults, *again), notes)
    for path in sorted((directory / RESULTS).glob(f"{only or '*'}/{MANIFEST}")):
        state = held.get(path.parent.name, LotState())
        if state.sealed is None and state.revised is None:
            fault = f"{path}: the ledger has no entry of this seal: it was interrupted (seal again), or the entry was removed"
            yield Finding(f"{path.parent.name}, not sealed", (fault,))


def _sealed(
    directory: Path, entry: Entry, entries: Sequence[Entry], state: LotState, signed: Sequence[Entry]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Faults and notes of one sealed revision."""
    lot, revision = entry.facts["lot"], entry.facts["revision"]
    folder = superseded(directory, lot, revision)
    if not folder.is_dir():
        folder = directory / RESULTS / lot
    path = folder / MANIFEST
    if folder.is_symlink():
        return (f"{folder}: is a link; the lot was sealed as a folder here",), ()
    if not path.is_file():
        return (
            f"{path}: is missing; line {entry.number} of the ledger recorded sha256 {entry.facts['manifest_sha256']}",
        ), ()
    if (now := sha256(path)) != entry.facts["manifest_sha256"]:
        recorded = entry.facts["manifest_sha256"]
        return (f"{path}: sha256 is {now}, line {entry.number} of the ledger recorded {recorded}",), ()
    manifest = read_manifest(folder)
    faults = [_with_owner(fault, folder, lot) for fault in differences(folder, manifest)]
    faults += [
        f"{ledger.NAME}: line {place.line} is not the one that {path} names ({place.sha256})"
        for place in (manifest.ledger, *manifest.decisions)
        if len(entries) < place.line or entries[place.line - 1].sha256 != place.sha256
    ]
    document, notes = _document(directory, manifest)
    faults += _signed(directory, lot, revision, signed)
    return (*faults, *document), notes if revision == state.revision else ()


@cache
def _in_use(path: Path, _changed_ns: int) -> tuple[str, Acceptance | str]:
    """sha256 and content of an acceptance document, or why it cannot be read; read once for all lots."""
    try:
        return sha256(path), yaml.read(path, Acceptance)
    except KaryolotError as error:
        return sha256(path), str(error)


def _signed(directory: Path, lot: str, revision: int, own: Sequence[Entry]) -> list[str]:
    """What is wrong with the signed copy of a sealed report. own: its signatures, by the ledger."""
    path = signed_report(directory, lot, revision)
    if not own:
        return [f"{path}: the ledger has no signature of it"] if path.is_file() else []
    last = own[-1]
    if not path.is_file():
        return [f"{path}: is missing; signed by {last.facts['name']} with sha256 {last.facts['sha256']}"]
    if (now := sha256(path)) == last.facts["sha256"]:
        return []
    if now == last.facts["before"]:
        return [
            f"{path}: lacks the signature of {last.facts['name']} ({last.facts['role']}), which was interrupted; sign again"
        ]
    return [f"{path}: sha256 is {now}, signed by {last.facts['name']} with {last.facts['sha256']}"]


def _with_owner(fault: str, folder: Path, lot: str) -> str:
    """The fault of a report with the lot it is of, where that is another."""
    name = fault.partition(": ")[0]
    if Path(name).parent != folder or Path(name).name not in REPORT_FILES:
        return fault
    try:
        owner = _record_in(Path(name))
    except KaryolotError:
        return fault
    other = owner.get("lot", {}).get("lot_id") if owner else None
    return f"{fault}; it is the report of lot {other}, not of {lot}" if other not in (None, lot) else fault


def _document(directory: Path, manifest: Manifest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whether the acceptance document in use is the sealed one: a fault when it differs under the same version."""
    sealed, path = manifest.criteria, resource(manifest.criteria.path, directory)
    name = f"{sealed.name} {sealed.version}"
    if not path.is_file():
        return (), (f"{sealed.path} is gone; the criteria of the seal ({name}) are in its folder",)
    now, used = _in_use(path, path.stat().st_mtime_ns)
    if now == sealed.sha256:
        return (), ()
    if isinstance(used, str):
        return (f"{sealed.path}: changed after the seal, and cannot be read: {used}",), ()
    if (used.name, used.version) != (sealed.name, sealed.version):
        return (), (f"criteria in use are {used.name} {used.version}; this lot was decided by {name}",)
    fault = f"{sealed.path}: changed after the seal, still version {name}: sha256 is {now}, sealed with {sealed.sha256}"
    return (fault,), ()


def _issued(folder: Path, entry: Entry) -> Iterator[str]:
    """Files of a report that are not those that were issued."""
    for name, recorded in entry.facts["files"].items():
        path = folder / name
        if not path.is_file():
            yield f"{path}: is missing; issued with sha256 {recorded}"
        elif (now := sha256(path)) != recorded:
            yield _with_owner(f"{path}: sha256 is {now}, issued with {recorded}", folder, entry.facts["lot"])


def _rendered_again(folder: Path, state: LotState) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Differences between the pages and what this version renders from the record, when it is the version that made them."""
    if state.issued is None or state.issued.facts["code"] != code_state().files_sha256:
        return (), ("pages were compared by sha256 only: another version of karyolot rendered them",)
    from karyolot.commands.report import rendered

    made = rendered(folder)
    pages = {"report.html": made.html.encode(), "report.pdf": made.pdf}
    found = (_difference(name, content, read_bytes(folder / name)) for name, content in pages.items())
    return tuple(f"{folder}/{fault}" for fault in found if fault), ()


def _file(directory: Path, path: Path, entries: Sequence[Entry]) -> Finding:
    """A report, wherever it lies, against the reports that were issued or signed."""
    digest, what = sha256(path), f"{path.name}, sha256 {sha256(path)}"
    issued = [entry for entry in entries if entry.kind == "report_issued"]
    signed = {entry.facts["sha256"]: entry for entry in entries if entry.kind == "signed"}
    signatures = []
    while digest in signed:
        signatures.append(
            f"signed by {signed[digest].facts['name']} ({signed[digest].facts['role']}), {signed[digest].at}"
        )
        digest = signed[digest].facts["before"]
    for entry in reversed(issued):
        if digest in entry.facts["files"].values():
            held = states(entries)[entry.facts["lot"]]
            valid = held.issued is not None and held.issued.number == entry.number
            later = () if valid else ("a later report of this lot was issued",)
            note = f"report of lot {entry.facts['lot']}, revision {entry.facts['revision']}, issued {entry.at}"
            return Finding(what, (), (note, *signatures, *later))
    return Finding(what, tuple(_foreign(directory, path, issued)))


def _foreign(directory: Path, path: Path, issued: Sequence[Entry]) -> Iterator[str]:
    """Why a file is none of the issued reports, and where it first differs from the one it claims to be."""
    yield f"{path}: sha256 {sha256(path)} is of no report that was issued here"
    record = _record_in(path)
    text = "" if record is not None else read_bytes(path).decode(errors="replace")
    if record is not None and (own := digest_of(record, UNSEALED))[:12] != record.get("report_id"):
        yield f"{path}: its record has sha256 {own}, which is not its report id {record.get('report_id')}"
    lot = record["lot"]["lot_id"] if record is not None else None
    for entry in reversed(issued):
        if entry.facts["lot"] == lot or (record is None and entry.facts["record_sha256"] in text):
            original = directory / RESULTS / entry.facts["lot"] / f"report{path.suffix}"
            if original.is_file() and sha256(original) == entry.facts["files"][original.name]:
                yield f"{path}: {_difference(original.name, read_bytes(original), read_bytes(path))}"
            return
    yield f"{path}: the ledger of {directory} has no report of {f'lot {lot}' if lot else 'this record'}"


def _record_in(path: Path) -> Any:
    """The record that a report holds, unchecked; None for HTML, which holds none."""
    if path.suffix == ".html":
        return None
    if path.suffix == ".json":
        return read_json(path)
    try:
        return json.loads(attached_record(path))
    except ValueError as error:
        raise KaryolotError(f"{path}: the attached record is not JSON ({error})") from error


def _difference(name: str, recorded: bytes, found: bytes) -> str:
    """The first difference of a file from the recorded one; '' when it does not."""
    if recorded == found:
        return ""
    if name.endswith(".json"):
        change = next(iter(changes(json.loads(recorded), json.loads(found))), None)
        return (
            f"{name}: {change.value} is {change.new}, recorded as {change.old}"
            if change
            else f"{name}: its layout differs"
        )
    if name.endswith(".pdf"):
        for number, (before, after) in enumerate(zip_longest(words_of(recorded), words_of(found)), 1):
            if place := _words(before or (), after or ()):
                return f"{name}, page {number}: {place}"
        return f"{name}: the words are the same, the drawing or the file is not"
    for number, lines in enumerate(zip_longest(recorded.split(b"\n"), found.split(b"\n"), fillvalue=b""), 1):
        if lines[0] != lines[1]:
            before, after = (line.decode(errors="replace").split() for line in lines)
            return f"{name}, line {number}: {_words(before, after) or 'white space differs'}"
    return f"{name}: differs"


def _words(recorded: Sequence[str], found: Sequence[str]) -> str:
    """The first words that differ, with some of those after them."""
    for place, (before, after) in enumerate(zip_longest(recorded, found, fillvalue="")):
        if before != after:
            texts = (" ".join(words[max(0, place - 2) : place + 6])[:160] for words in (found, recorded))
            return "reads {!r}, recorded as {!r}".format(*texts)
    return ""
