"""What made a result: the code, the tools, the inputs and the settings. A contract of its own, as every rule stands on it."""

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


class Code(Frozen):
    """A state of karyolot's code. commit None = not a git checkout; dirty = uncommitted changes."""

    karyolot_version: str
    commit: str | None
    dirty: bool | None


class Provenance(Code):
    """What made this record; of uncommitted code the report says DRAFT."""

    python: str
    tools: dict[str, str]
    libraries: dict[str, str]
    inputs: tuple[InputFile, ...]
    config_differences: tuple[ConfigDifference, ...]
    acceptance_sha256: str
    reference: dict[str, str | None]
