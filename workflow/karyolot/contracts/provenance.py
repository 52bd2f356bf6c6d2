"""What made a result: the code, the tools, the inputs and the settings. A module of its own, as every rule depends on it."""

from typing import Any

from karyolot.contracts.criteria import Frozen


class InputFile(Frozen):
    path: str
    bytes: int
    sha256: str


class ConfigDifference(Frozen):
    setting: str
    default: Any
    used: Any


DRAFT, UNKNOWN = "DRAFT", "SOFTWARE STATE UNKNOWN"


class Code(Frozen):
    """A state of karyolot's code. dirty: uncommitted changes. commit, dirty None = could not be determined: no git, no
    checkout, or one that git may not read. files_sha256: digest of the project's own files, which git has no part in."""

    karyolot_version: str
    commit: str | None
    dirty: bool | None
    files_sha256: str

    @property
    def mark(self) -> str:
        """Label of everything this code made; '' when it is one known commit."""
        return mark(self)


class Provenance(Code):
    """What made this record; of code that is not one known commit the report is marked (`mark`)."""

    python: str
    tools: dict[str, str]
    libraries: dict[str, str]
    inputs: tuple[InputFile, ...]
    config_differences: tuple[ConfigDifference, ...]
    acceptance_sha256: str
    reference: dict[str, str | None]


class Made(Frozen):
    """When, by whom and where a record was made. No part of what the report id covers: the same data, code and settings give
    the same id on any day. at: UTC, to the second, '2026-11-28T13:32:05Z'; zone: the offset of the machine's clock from it,
    '+01:00'. operator, site, host: as the settings or the environment state; null = neither does."""

    at: str
    zone: str
    operator: str | None
    site: str | None
    host: str | None

    @property
    def when(self) -> str:
        """'2026-11-28 13:32 UTC', with the offset of the machine's clock where it is another zone's."""
        return f"{self.at[:10]} {self.at[11:16]} UTC{'' if self.zone == '+00:00' else f' (clock at {self.zone})'}"


def mark(*codes: Code) -> str:
    """Label of a page made by these states of the code together: DRAFT, UNKNOWN or ''."""
    if any(code.dirty for code in codes):
        return DRAFT
    return UNKNOWN if any(code.commit is None or code.dirty is None for code in codes) else ""
