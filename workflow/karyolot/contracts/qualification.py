"""The record of a qualification (`qualification.json`): installation, operation and performance of the software at a site."""

from typing import Literal, NamedTuple

from karyolot.contracts.criteria import Frozen
from karyolot.contracts.provenance import Code

Stage = Literal["IQ", "OQ", "PQ"]
Outcome = Literal["PASS", "FAIL", "NOT DONE"]


class Check(Frozen):
    """One check. limit: what is accepted; found: what was found. required: a qualification without it is incomplete. reason: why
    it failed or was not done, '' = passed."""

    id: str
    stage: Stage
    title: str
    limit: str
    found: str
    outcome: Outcome
    required: bool = True
    reason: str = ""


class Mutation(NamedTuple):
    """A substitution to be spiked in: its position (0-based), and the part of the fragments there that show it."""

    chrom: str
    start: int
    alt: str
    part: float


class Requirement(NamedTuple):
    """A check before it is made; fields as in `Check`."""

    id: str
    stage: Stage
    title: str
    limit: str
    required: bool = True

    def done(self, found: str, fault: str = "") -> Check:
        """Passed, or failed for a reason."""
        return self._check(found, "FAIL" if fault else "PASS", fault)

    def not_done(self, reason: str) -> Check:
        return self._check("", "NOT DONE", reason)

    def _check(self, found: str, outcome: Outcome, reason: str) -> Check:
        return Check(
            id=self.id, stage=self.stage, title=self.title, limit=self.limit, found=found, outcome=outcome,
            required=self.required, reason=reason,
        )  # fmt: skip


class Program(Frozen):
    """A tool or library. version: it reports; expected: by the list of tools or the lock, '' = not listed; sha256: of the tool's
    file, or of the files of the library, each with its name; '' = not found."""

    name: str
    kind: Literal["tool", "library"]
    version: str
    expected: str
    sha256: str


class Difference(Frozen):
    """What is not as at the last qualification."""

    what: str
    before: str
    now: str


class Qualification(Frozen):
    """number: from 1, in its working directory. at: UTC. name: of the person, as given; user, host: of the process. lot_id,
    donor_id: whose reads were used. previous: sha256 of the record before, '' = none. outcome: FAIL = a check failed;
    INCOMPLETE = a required one was not done."""

    schema_version: Literal["1.0"] = "1.0"
    number: int
    at: str
    name: str
    user: str
    host: str
    system: str
    code: Code
    lot_id: str
    donor_id: str
    programs: tuple[Program, ...]
    checks: tuple[Check, ...]
    previous: str
    differences: tuple[Difference, ...]
    outcome: Literal["PASS", "FAIL", "INCOMPLETE"]


BYTES = "IQ3"
"""The check that programs have the bytes they had."""


def unchanged(made: Qualification) -> bool:
    """Whether its programs may be compared with: after one that failed by a changed program, that program must not pass."""
    return any(check.id == BYTES and check.outcome == "PASS" for check in made.checks)


def outcome_of(checks: tuple[Check, ...]) -> Literal["PASS", "FAIL", "INCOMPLETE"]:
    """Of all checks together."""
    if any(check.outcome == "FAIL" for check in checks):
        return "FAIL"
    return "INCOMPLETE" if any(check.required and check.outcome == "NOT DONE" for check in checks) else "PASS"


def differences(
    before: Qualification | None, code: Code, programs: tuple[Program, ...], checks: tuple[Check, ...]
) -> tuple[Difference, ...]:
    """What changed since the last qualification: code, programs, and outcomes of checks."""
    if before is None:
        return ()
    old = {
        f"{program.kind} {program.name}": f"{program.version}, sha256 {program.sha256}" for program in before.programs
    }
    new = {f"{program.kind} {program.name}": f"{program.version}, sha256 {program.sha256}" for program in programs}
    old |= {f"{check.id} {check.title}": f"{check.outcome}: {check.found}" for check in before.checks}
    new |= {f"{check.id} {check.title}": f"{check.outcome}: {check.found}" for check in checks}
    for name in ("karyolot_version", "commit", "files_sha256"):
        old[f"code: {name}"], new[f"code: {name}"] = str(getattr(before.code, name)), str(getattr(code, name))
    names = dict.fromkeys([*old, *new])
    return tuple(
        Difference(what=name, before=old.get(name, "absent"), now=new.get(name, "absent"))
        for name in names
        if old.get(name) != new.get(name)
    )
