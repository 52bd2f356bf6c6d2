"""Decisions of people on the findings of a lot, and their recommendation; they never change the computed verdict."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Literal

from karyolot.contracts.criteria import Frozen, Verdict

Choice = Literal["accept", "reject", "retest"]
Recommendation = Literal["release", "reject", "retest", "open", "none"]
OPEN_FINDINGS = ("FAIL", "FAIL_IDENTITY", "INDETERMINATE", "REVIEW", "NOT_ASSESSED")
"""Outcomes of a criterion that a person may decide on."""
GRAVE = ("FAIL", "FAIL_IDENTITY", "INDETERMINATE")
"""Outcomes that no decision turns into a recommendation to release."""


class Decision(Frozen):
    """What one person decided on one criterion. finding: its id; outcome: as computed then. name: as given, user: login.

    number: of the deviation or CAPA, '' = none; state: of it. report_id: of the record that was decided on. line, sha256: where
    the ledger holds it.
    """

    finding: str
    outcome: str
    decision: Choice
    reason: str
    name: str
    user: str
    at: str
    number: str
    state: Literal["open", "closed"] | None
    report_id: str
    line: int
    sha256: str


class Disposition(Frozen):
    """decisions: in the order of the ledger. second_person: whether the acceptance document requires one. sentence: what
    follows, and what is missing."""

    recommendation: Recommendation
    sentence: str
    second_person: bool
    decisions: tuple[Decision, ...]


class Change(Frozen):
    """A value of the record that differs from the superseded revision; null = it was not there. value: its name."""

    value: str
    old: str | None
    new: str | None


class Revision(Frozen):
    """Of a lot that was sealed before. number: from 2. supersedes, record_sha256, sealed_at: of the revision before. reason,
    name, user, at: why, by whom and when it was opened."""

    number: int
    supersedes: str
    record_sha256: str
    sealed_at: str
    reason: str
    name: str
    user: str
    at: str
    changes: tuple[Change, ...]


def disposition(verdict: Verdict, report_id: str, decisions: Sequence[Decision]) -> Disposition | None:
    """What the decisions recommend for a lot with this verdict; None if there is no decision.

    Each person's last decision on a finding counts, and only one on this record. A lot with the verdict REVIEW is recommended
    for release when every finding to review is accepted, where the acceptance document requires a second person by two who differ
    in name and login, and no deviation is open, whatever record it was opened on. No decision leads there from FAIL,
    FAIL_IDENTITY or INDETERMINATE.
    """
    if not decisions:
        return None
    valid = [decision for decision in decisions if decision.report_id == report_id]
    chosen: Recommendation
    if any(decision.decision == "reject" for decision in _last(valid)):
        chosen, sentence = "reject", f"Rejection recommended: {_named(valid, 'reject')}."
    elif any(decision.decision == "retest" for decision in _last(valid)):
        chosen, sentence = "retest", f"Retest recommended: {_named(valid, 'retest')}."
    elif verdict.outcome in GRAVE:
        chosen = "none"
        sentence = f"No recommendation to release: the computed verdict is {verdict.outcome.replace('_', ' ')}."
    elif missing := [*_missing(verdict, valid), *_are_open(decisions)]:
        chosen, sentence = "open", f"No recommendation yet: {'; '.join(missing)}."
    else:
        chosen = "release"
        by = "two independent people" if verdict.second_person else "a person"
        sentence = f"Release recommended: every finding to review was accepted by {by}."
    if len(valid) < len(decisions):
        sentence += f" Decisions on another record that do not count: {len(decisions) - len(valid)}."
    second = verdict.second_person
    return Disposition(recommendation=chosen, sentence=sentence, second_person=second, decisions=tuple(decisions))


def independent(decisions: Iterable[Decision]) -> bool:
    """Whether two of them are by people who differ in name and in login."""
    people = [(decision.name, decision.user) for decision in decisions]
    return any(not same_person(a[0], b[0]) and a[1] != b[1] for a in people for b in people)


def same_person(one: str, other: str) -> bool:
    """Whether two names can be spellings of one: case, accents, order, punctuation, titles and initials distinguish nobody.

    'A. Mayer' can be 'Mayer, Anna'; people who share a family name and an initial sign with their full names.
    """
    shorter, longer = sorted((_parts(one), _parts(other)), key=len)
    if "".join(shorter) == "".join(longer):
        return True
    for part in sorted(shorter, key=len, reverse=True):  # whole names before initials
        match = next((held for held in longer if held == part), None) or next(
            (held for held in longer if min(len(held), len(part)) == 1 and held[0] == part[0]), None
        )
        if match is None:
            return False
        longer.remove(match)
    return True


def _parts(name: str) -> list[str]:
    """The words of a name in lower case, without accents; 'ue' is 'u', as in Mueller and Müller."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return [re.sub("([aou])e", r"\1", word) for word in re.findall(r"\w+", plain)]


def _last(decisions: Iterable[Decision]) -> list[Decision]:
    """The last decision of each person on each finding."""
    return list({(decision.finding, _plain(decision.name)): decision for decision in decisions}.values())


def _named(decisions: Iterable[Decision], choice: Choice) -> str:
    return ", ".join(f"{one.finding} by {one.name}" for one in _last(decisions) if one.decision == choice)


def _missing(verdict: Verdict, decisions: Sequence[Decision]) -> Iterable[str]:
    """What a recommendation to release still needs."""
    for result in verdict.criteria:
        if result.outcome == "REVIEW":
            accepted = [one for one in _last(decisions) if one.finding == result.id]
            if not accepted:
                yield f"{result.id} is undecided"
            elif verdict.second_person and not independent(accepted):
                yield f"{result.id} needs a second, independent person"


def _are_open(decisions: Iterable[Decision]) -> Iterable[str]:
    if numbers := open_deviations(decisions):
        yield f"{', '.join(numbers)} {'is' if len(numbers) == 1 else 'are'} open"


def open_deviations(decisions: Iterable[Decision]) -> list[str]:
    """Numbers of deviations whose last state is open, also those of a superseded record: a new record does not close them."""
    states = {one.number: one.state for one in decisions if one.number}
    return [number for number, state in states.items() if state == "open"]


def _plain(name: str) -> str:
    return " ".join(name.casefold().split())
