"""The ledger of a study: what was run, issued, decided, sealed and revised, by whom and when, as a chain of entries.

An entry names the sha256 of the line before it, so a line that is edited, removed or moved no longer fits its neighbours.
Anybody can recompute a chain: manifests of sealed lots and signatures hold sha256 of earlier lines and records.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

Kind = Literal[
    "run_started",
    "inputs_changed",
    "run_ended",
    "report_issued",
    "disposition",
    "override",
    "sealed",
    "revised",
    "superseded",
    "signed",
    "qualified",
    "repaired",
    "clock_set_back",
]
"""override: a finding accepted although its computed outcome is worse than REVIEW. revised: revision n+1 was opened;
superseded: revision n+1 was sealed. repaired: half a line, left by a crash, was set aside, or the head was missing.
clock_set_back: what follows is dated before what precedes."""
KINDS: tuple[Kind, ...] = get_args(Kind)
NEEDED: Mapping[Kind, frozenset[str]] = {
    "run_started": frozenset({"lots", "inputs"}),
    "run_ended": frozenset({"outcome"}),
    "report_issued": frozenset({"lot", "revision", "record_sha256", "code", "files"}),
    "sealed": frozenset({"lot", "revision", "report_id", "record_sha256", "manifest_sha256"}),
    "revised": frozenset({"lot", "revision", "report_id", "record_sha256", "sealed_at", "reason", "name"}),
    "signed": frozenset({"lot", "revision", "role", "name", "before", "sha256"}),
    "qualified": frozenset({"number", "outcome", "sha256"}),
    "repaired": frozenset({"file"}),
    "clock_set_back": frozenset({"last", "seconds"}),
}
"""Facts without which a line is no entry of its kind."""
REPORT_FILES = ("report.json", "report.html", "report.pdf")
"""What is issued of a lot; its figures are in the pages."""
FIRST = "0" * 64
"""Stands for the sha256 of a line before the first."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line. number: from 1. at: UTC, '2026-11-28T13:32:05Z'. user: login on host. sha256: of the line without its end."""

    number: int
    at: str
    user: str
    host: str
    kind: Kind
    facts: Mapping[str, Any]
    previous: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LotState:
    """State of a lot. revision: from 1. sealed: entry that sealed this revision; revised: entry that opened it; None = no
    such entry. issued: entry of the report that is valid now."""

    revision: int = 1
    sealed: Entry | None = None
    revised: Entry | None = None
    issued: Entry | None = None


def unlisted(entry: Entry) -> tuple[str, ...]:
    """Files of a report that the entry of its issue lacks; none for other entries."""
    files = entry.facts.get("files")
    listed = files if isinstance(files, Mapping) else {}
    return tuple(name for name in REPORT_FILES if entry.kind == "report_issued" and name not in listed)


def states(entries: Iterable[Entry]) -> dict[str, LotState]:
    """The state of every lot the entries name."""
    found: dict[str, LotState] = {}
    for entry in entries:
        lot = str(entry.facts.get("lot", ""))
        held = found.get(lot, LotState())
        if entry.kind == "report_issued":
            found[lot] = LotState(held.revision, held.sealed, held.revised, entry)
        elif entry.kind == "sealed":
            found[lot] = LotState(held.revision, entry, held.revised, held.issued)
        elif entry.kind == "revised":
            found[lot] = LotState(int(entry.facts["revision"]), None, entry, None)
    return found


def sealed_lots(entries: Iterable[Entry]) -> dict[str, LotState]:
    """Lots whose last revision is sealed."""
    return {lot: state for lot, state in states(entries).items() if state.sealed is not None}


def seals(entries: Iterable[Entry]) -> dict[tuple[str, int], Entry]:
    """(lot, revision) -> the entry that sealed it, of all revisions."""
    return {(entry.facts["lot"], int(entry.facts["revision"])): entry for entry in entries if entry.kind == "sealed"}


def signatures(entries: Iterable[Entry]) -> dict[tuple[str, int], list[Entry]]:
    """(lot, revision) -> signatures on its report, in their order."""
    found: dict[tuple[str, int], list[Entry]] = {}
    for entry in entries:
        if entry.kind == "signed":
            found.setdefault((entry.facts["lot"], int(entry.facts["revision"])), []).append(entry)
    return found
