"""`karyolot verify`: the ledger, sealed lots and reports against what was recorded of them; the first difference is named."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import Any

from karyolot.commands.current import since_sealed
from karyolot.contracts.changes import changes
from karyolot.contracts.criteria import Acceptance
from karyolot.contracts.ledger import REPORT_FILES, Entry, LotState, seals, signatures, states
from karyolot.contracts.manifest import CRITERIA, MANIFEST, Manifest
from karyolot.contracts.problems import KaryolotError, did_you_mean, nearest, quoted
from karyolot.contracts.record import UNSEALED
from karyolot.contracts.sheets import SHA256_PATTERN
from karyolot.inputs.formats import yaml
from karyolot.io import ledger, signature
from karyolot.io.files import digest_of, read_bytes, read_json, sha256
from karyolot.io.history import TIMESTAMP, decisions_of, interrupted, recorded, unrecorded
from karyolot.io.manifest import (
    QUALIFICATIONS,
    RESULTS,
    REVISIONS,
    SIGNED,
    differences,
    linked,
    read_manifest,
    signed_report,
    superseded,
)
from karyolot.io.pdf import attached_record, words_of
from karyolot.io.shipped import resource
from karyolot.plan.provenance import rendering

KINDS = (".json", ".html", ".pdf")


@dataclass(frozen=True, slots=True)
class Finding:
    """What was verified. faults: differences, the first one first, none = as recorded. notes: what could not be compared."""

    what: str
    faults: tuple[str, ...]
    notes: tuple[str, ...] = ()


def verify(directory: Path, target: str = "") -> Iterator[Finding]:
    """Verify a study ('' as target), a lot, a report file, or that the ledger has a line of some sha256.

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
    kept = (*torn, *_remarks(held))
    faults = (f"{ledger.NAME}: {held.fault}",) if held.fault else ()
    yield Finding(f"ledger, {len(held.entries)} entries", faults, kept)
    path = Path(target)
    if re.fullmatch(SHA256_PATTERN, target):
        yield _line(directory, target, held.entries)
    elif target and path.suffix in KINDS and path.is_file():
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
        yield from _qualifications(directory, held.entries)


def _remarks(held: ledger.Ledger) -> Iterator[str]:
    """What the ledger states of itself and what its head shows, of lines that are not wrong."""
    for entry in held.entries:
        if entry.kind == "repaired" and "bytes" in entry.facts:
            yield f"line {entry.number}: a half-written line was set aside"
        elif entry.kind == "repaired":
            lines = entry.facts["lines"]
            yield f"line {entry.number}: {ledger.HEAD} was missing; lines removed after line {lines} would not show"
        elif entry.kind == "clock_set_back":
            before = f"{entry.facts['seconds']} s before line {entry.number - 1}, of {entry.facts['last']}"
            yield f"line {entry.number}: the clock was set back: it is dated {entry.at}, {before}"
    if held.entries and held.head is None:
        yield f"{ledger.HEAD} is missing: lines removed at the end would not show"
    elif held.head is not None and not held.fault and held.head < len(held.entries):
        more = len(held.entries) - held.head
        yield f"{ledger.HEAD} records {held.head} lines; {more} more are there, of a killed process or another program"


def _line(directory: Path, digest: str, entries: Sequence[Entry]) -> Finding:
    """A line of the ledger whose sha256 was noted elsewhere: everything before it is as it was then."""
    entry = next((entry for entry in entries if entry.sha256 == digest), None)
    if entry is None:
        fault = f"{directory / ledger.NAME}: no line has this sha256; lines were removed, or the ledger was replaced"
        return Finding(f"line of the ledger, sha256 {digest}", (fault,))
    later = f"{len(entries) - entry.number} lines were added since"
    return Finding(f"line {entry.number} of the ledger, {entry.at}, sha256 {digest}", (), (later,))


def _qualifications(directory: Path, entries: Sequence[Entry]) -> Iterator[Finding]:
    """Every qualification: its record and pages, and folders that the ledger has no entry of."""
    known = {f"{entry.facts['number']:03}": entry for entry in entries if entry.kind == "qualified"}
    for name, entry in known.items():
        folder = directory / QUALIFICATIONS / name
        faults = tuple(_recorded(folder, {"qualification.json": entry.facts["sha256"], **entry.facts.get("files", {})}))
        yield Finding(f"qualification {entry.facts['number']} of {entry.at}: {entry.facts['outcome']}", faults)
    there = (path for path in sorted((directory / QUALIFICATIONS).glob("*")) if path.name not in known)
    for path in there:
        yield Finding(f"qualification {path.name}", (f"{path}: the ledger has no entry of it",))


def _lots(directory: Path, entries: Sequence[Entry], only: str = "") -> Iterator[Finding]:
    """Every revision that was sealed, then reports that are issued and not sealed, then what looks sealed and is not."""
    held, sealed, signed = states(entries), seals(entries), signatures(entries)
    own: dict[str, list[Entry]] = {}
    for entry in entries:
        own.setdefault(str(entry.facts.get("lot", "")), []).append(entry)
    for (lot, revision), entry in sealed.items():
        if only in ("", lot):
            faults, notes = _sealed(directory, entry, entries, held[lot], own[lot])
            if only and not faults:
                faults = tuple(_unlike(signed_report(directory, lot, revision), entry, signed.get((lot, revision), ())))
            if only and not faults and revision == held[lot].revision:
                again, more = _rendered_again(directory / RESULTS / lot, held[lot])
                faults, notes = again, (*notes, *more)
            yield Finding(f"{lot}, revision {revision}, sealed {entry.at}", faults, notes)
    for lot, state in held.items():
        if only in ("", lot) and state.sealed is None and state.issued is not None:
            folder = directory / RESULTS / lot
            faults = tuple(_with_owner(fault, folder, lot) for fault in _recorded(folder, recorded(entries, lot)))
            if late := [one.line for one in decisions_of(entries, lot) if one.line > state.issued.number]:
                said = f"{folder}: the decision of line {late[0]} of the ledger is not on the report; karyolot report {lot}"
                faults = (said, *faults)
            if interrupted(entries, lot):
                faults = (f"{folder}: a run that was making this lot was killed; run again", *faults)
            else:
                added = list(unrecorded(directory, lot, entries))
                others = f" ({len(added)} such files)" if len(added) > 1 else ""
                faults = (*faults, *(f"{folder / name}: the ledger has no entry of it{others}" for name in added[:1]))
            again, notes = _rendered_again(directory / RESULTS / lot, state) if only and not faults else ((), ())
            yield Finding(f"{lot}, not sealed, report of {state.issued.at}", (*faults, *again), notes)
    for path in sorted((directory / RESULTS).glob(f"{only or '*'}/{MANIFEST}")):
        state = held.get(path.parent.name, LotState())
        if state.sealed is None and state.revised is None:
            fault = f"{path}: the ledger has no entry of this seal: it was interrupted (seal again), or the entry was removed"
            yield Finding(f"{path.parent.name}, not sealed", (fault,))
    aside = {(lot, revision) for lot, revision in sealed if revision < held[lot].revision}
    for path in _astray(directory, aside, signed, only):
        yield Finding(str(path.relative_to(directory)), (f"{path}: the ledger has no entry of it",))


def _astray(directory: Path, aside: Collection[Any], signed: Collection[Any], only: str) -> Iterator[Path]:
    """Folders of revisions that were not superseded, and of signed copies that were never signed. aside: those that were."""
    for base, known in ((REVISIONS, aside), (SIGNED, signed)):
        for path in sorted((directory / base).glob(f"{only or '*'}/*")):
            if not path.name.isdecimal() or (path.parent.name, int(path.name)) not in known:
                yield path


def _sealed(
    directory: Path, entry: Entry, entries: Sequence[Entry], state: LotState, own: Sequence[Entry]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Faults and notes of one sealed revision. own: entries of its lot."""
    lot, revision = entry.facts["lot"], entry.facts["revision"]
    folder = superseded(directory, lot, revision)
    if revision == state.revision or not folder.is_dir():  # a crash may have left an earlier one in the results
        folder = directory / RESULTS / lot
    path = folder / MANIFEST
    if link := linked(folder):
        return (f"{link}: is a link; the lot was sealed as a folder of files here",), ()
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
    faults += _unlisted(path, manifest, [one for one in own if one.number < entry.number])
    report = next((file.sha256 for file in manifest.files if file.path == "report.pdf"), "")
    faults += _signed(directory, entry, report, signatures(own).get((lot, revision), ()))
    return (*faults, *document), (*notes, *since_sealed(directory, manifest)) if revision == state.revision else ()


def _unlisted(path: Path, manifest: Manifest, before: Sequence[Entry]) -> Iterator[str]:
    """The first file of a seal that the entries of its report do not list as it was sealed. before: entries before the seal."""
    known = recorded(before, manifest.lot_id)
    kept = (file for file in manifest.files if file.path != CRITERIA and Path(file.path).name != TIMESTAMP)
    for file in kept:
        if known.get(file.path) != file.sha256:
            said = f"records sha256 {known[file.path]}" if file.path in known else "lists no such file"
            yield f"{path}: {file.path} was sealed with sha256 {file.sha256}; the entry of its report {said}"
            return


@cache
def _in_use(path: Path, _changed_ns: int) -> tuple[str, Acceptance | str]:
    """sha256 and content of an acceptance document, or why it cannot be read; read once for all lots."""
    try:
        return sha256(path), yaml.read(path, Acceptance)
    except KaryolotError as error:
        return sha256(path), str(error)


def _signed(directory: Path, sealed: Entry, report: str, own: Sequence[Entry]) -> list[str]:
    """What is wrong with the signed copy of a sealed report. report: its sha256 as sealed; own: its signatures, by the ledger."""
    path = signed_report(directory, sealed.facts["lot"], sealed.facts["revision"])
    if not own:
        return []
    last, known = own[-1], {report}
    for one in own:
        if one.facts["before"] not in known or one.facts.get("record_sha256") != sealed.facts["record_sha256"]:
            return [f"{path}: line {one.number} of the ledger, a signature, is not on the report that was sealed"]
        known.add(one.facts["sha256"])
    if path.is_symlink():
        return [f"{path}: is a link; it was signed as a file here"]
    if not path.is_file():
        return [f"{path}: is missing; signed by {last.facts['name']} with sha256 {last.facts['sha256']}"]
    if (now := sha256(path)) == last.facts["sha256"]:
        return []
    if now == last.facts["before"]:
        return [
            f"{path}: lacks the signature of {last.facts['name']} ({last.facts['role']}), which was interrupted; sign again"
        ]
    return [f"{path}: sha256 is {now}, signed by {last.facts['name']} with {last.facts['sha256']}"]


def _unlike(path: Path, sealed: Entry, own: Sequence[Entry]) -> Iterator[str]:
    """What the signatures in a file state otherwise than the ledger. They can be made again only with the private key, the
    ledger by anybody."""
    if not own:
        return
    held = {one.facts["role"]: one.facts for one in own}
    for made in signature.signatures(read_bytes(path)):
        facts = held.pop(made.role, {})
        if made.fault:
            yield f"{path}: the signature of {made.name} ({made.role}) is not valid: {made.fault}"
        elif sealed.facts["record_sha256"] not in made.reason:
            yield f"{path}: {made.name} ({made.role}) signed another record: {made.reason}"
        elif (made.name, made.certificate) != (facts.get("name"), facts.get("certificate_sha256")):
            known = f"{facts['name']} with {facts.get('certificate_sha256')}" if facts else "nobody"
            found = f"{made.name} with certificate {made.certificate}"
            yield f"{path}: is signed as {made.role} by {found}, the ledger recorded {known}"
    for facts in held.values():
        yield f"{path}: lacks the signature of {facts['name']} ({facts['role']})"


def _with_owner(fault: str, folder: Path, lot: str) -> str:
    """The fault of a report with the lot it is of, where that is another."""
    name = fault.partition(": ")[0]
    if Path(name).parent != folder or Path(name).name not in REPORT_FILES or not Path(name).is_file():
        return fault
    try:
        other = _lot_in(Path(name), _record_in(Path(name)))
    except KaryolotError:
        return fault
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


def _recorded(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    """Files of a folder that are not those whose sha256 the ledger recorded."""
    for name, digest in files.items():
        path = folder / name
        if path.is_symlink():
            yield f"{path}: is a link; it was made as a file with sha256 {digest}"
        elif not path.is_file():
            yield f"{path}: is missing; made with sha256 {digest}"
        elif (now := sha256(path)) != digest:
            yield f"{path}: sha256 is {now}, made with {digest}"


def _rendered_again(folder: Path, state: LotState) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Differences between the pages and what this version renders from the record, when it is the version that made them."""
    if state.issued is None or state.issued.facts["code"] != rendering():
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
    lot = _lot_in(path, record)
    if record is not None and (own := digest_of(record, UNSEALED))[:12] != record.get("report_id"):
        yield f"{path}: its record has sha256 {own}, which is not its report id {record.get('report_id')}"
    for entry in reversed(issued):
        if entry.facts["lot"] == lot:
            original = directory / RESULTS / entry.facts["lot"] / f"report{path.suffix}"
            if original.is_file() and sha256(original) == entry.facts["files"][original.name]:
                yield f"{path}: {_difference(original.name, read_bytes(original), read_bytes(path))}"
            return
    yield f"{path}: the ledger of {directory} has no report of {f'lot {lot}' if lot else 'this page'}"


def _lot_in(path: Path, record: Any) -> str | None:
    """The lot that a report states it is of; None = it states none. record: as `_record_in` reads it."""
    if path.suffix == ".html":
        found = re.search(r"<title>[^<]*?(\S+) [A-Z-]+ - ", read_bytes(path).decode(errors="replace"))
        return found[1] if found else None
    lot = record.get("lot") if isinstance(record, dict) else None
    return lot.get("lot_id") if isinstance(lot, dict) else None


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
        change = next(iter(changes(json.loads(recorded), json.loads(found), ())), None)
        return (
            f"{name}: {change.value} is {change.new}, recorded as {change.old}"
            if change
            else f"{name}: its layout differs"
        )
    if name.endswith(".pdf"):
        for number, (before, after) in enumerate(zip_longest(words_of(recorded), words_of(found)), 1):
            if place := _words(before or (), after or ()):
                return f"{name}, page {number}: {place}"
        return f"{name}: the text is the same; the drawings or the file differ"
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
