"""The configuration and the sample tables: read, checked in themselves, every fault reported in one pass.

What needs a look into the data files is in `karyolot.inputs.check`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from karyolot.contracts.problems import Fault, Problem, nearest
from karyolot.contracts.settings import RENAMED, SIGNED, Config
from karyolot.contracts.sheets import Donor, Lot, LotResult, Row, Sample, Study
from karyolot.inputs.formats.yaml import is_echo
from karyolot.inputs.sheets import Entry, parse_sheet, read_bytes
from karyolot.inputs.values import value_fault
from karyolot.io.shipped import SHIPPED, resource

R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Draft:
    """The tables as read: rows with their lines, cells that could not be read marked. results: None = no such sheet."""

    donors: list[Entry[Donor]] = field(default_factory=list)
    lots: list[Entry[Lot]] = field(default_factory=list)
    samples: list[Entry[Sample]] = field(default_factory=list)
    results: list[Entry[LotResult]] | None = None

    @property
    def rows(self) -> list[Entry[Any]]:
        """All rows that state what is compared with what."""
        return [*self.donors, *self.lots, *self.samples]

    def study(self) -> Study:
        """The tables as data; to be called when no problem was found."""
        samples: dict[str, tuple[Sample, ...]] = {}
        for entry in self.samples:
            samples[entry.row.sample_id] = (*samples.get(entry.row.sample_id, ()), entry.row)
        return Study(
            donors={entry.row.donor_id: entry.row for entry in self.donors},
            lots={entry.row.lot_id: entry.row for entry in self.lots},
            samples=samples,
            results=None if self.results is None else tuple(entry.row for entry in self.results),
        )


def parse_config(raw: Mapping[str, Any], file: str = "config") -> tuple[Config, list[Problem]]:
    """The configuration with the default instead of every faulty setting, and what is wrong with those."""
    settings: dict[str, Any] = _copied(raw)
    # A section whose settings are all commented out reads as null in YAML.
    for key, value in settings.items():
        if value is None and _section(Config, key) is not None:
            settings[key] = {}
    problems: list[Problem] = []
    while True:
        try:
            config = Config.model_validate(settings)
            break
        except ValidationError as error:
            details = error.errors(include_url=False)
            for detail in details:
                if is_echo(detail, details):
                    continue
                problems.append(_setting_problem(detail, file))
                _remove(settings, detail["loc"])
    for key, message, remedy in _contradictions(config):
        problems.append(Problem("E17", file, message, remedy, column=key))
    return config, problems


def parse_study(config: Config, workdir: Path, file: str) -> tuple[Draft, list[Problem]]:
    """The rows of the tables as far as they can be read, and what is wrong with the rest. file: of the settings."""
    results = "results" in config.sheets.model_fields_set or resource(config.sheets.results, workdir).exists()
    draft = Draft(results=[] if results else None)
    problems: list[Problem] = []

    def read(path: str, model: type[R], entries: list[Entry[R]], *, may_be_empty: bool = False) -> None:
        try:
            data = read_bytes(resource(path, workdir))
        except Fault as fault:
            problems.append(Problem(fault.code, path, fault.message, fault.remedy, meant=fault.meant))
        else:
            rows, faults = parse_sheet(data, path, model, may_be_empty=may_be_empty)
            entries += rows
            problems.extend(faults)

    read(config.sheets.donors, Donor, draft.donors)
    read(config.sheets.lots, Lot, draft.lots)
    read(config.sheets.samples, Sample, draft.samples)
    if draft.results is not None:
        read(config.sheets.results, LotResult, draft.results, may_be_empty=True)
    usual = Config().sheets.results
    if config.sheets.results != usual and resource(usual, workdir).exists():
        message = f"{usual} exists and is not read: its results would not count"
        problems.append(Problem("W28", file, message, "delete it, or leave this setting out", column="sheets.results"))
    return draft, problems


def differences(config: Config) -> list[tuple[str, Any, Any]]:
    """Every setting that is not the default: (dotted key, default, used), in the order of the settings.

    Not the section `report`: what is made beside the reports must not change them. Not who runs it, and where: a report
    states it itself, and is not made again for another operator.
    """
    without = {"report", *SIGNED}
    default = dict(leaves(Config().model_dump(mode="json", exclude=without)))
    held = leaves(config.model_dump(mode="json", exclude=without))
    return [(key, default[key], used) for key, used in held if used != default[key]]


def leaves(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(dotted key, value) of every setting."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _section(model: type[BaseModel], key: str) -> type[BaseModel] | None:
    annotation: Any = model.model_fields[key].annotation if key in model.model_fields else None
    if get_origin(annotation) is tuple:
        annotation = get_args(annotation)[0]
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _copied(value: Any) -> Any:
    """Plain dicts and lists with text keys, free to be changed."""
    if isinstance(value, Mapping):
        return {str(key): _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def _remove(settings: dict[str, Any], location: Sequence[int | str]) -> None:
    """Take out the faulty setting; a list with a faulty item goes as a whole."""
    inner = settings
    for key in location[:-1]:
        if not isinstance(inner.get(str(key)), dict):
            break
        inner = inner[str(key)]
    else:
        key = location[-1]
    inner.pop(str(key), None)


def _setting_problem(error: ErrorDetails, file: str) -> Problem:
    """A pydantic error in terms of the person who writes the configuration."""
    location = error["loc"]
    key = ".".join(str(part) for part in location)
    kind = error["type"]
    value = None if isinstance(error["input"], Mapping) else repr(error["input"]).strip("'")
    if kind == "extra_forbidden":
        return _unknown_setting(location, file)
    if kind == "missing" and isinstance(location[-1], str):
        return Problem("E18", file, "the setting is missing", "add it", column=key)
    if kind in {"model_type", "model_attributes_type"}:
        message, remedy = "a section must hold settings", "indent its settings below it"
        return Problem("E17", file, message, remedy, column=key, value=value)
    fault = value_fault(error)
    return Problem("E17", file, fault.message, fault.remedy, column=key, value=value, meant=fault.meant)


def _unknown_setting(location: Sequence[int | str], file: str) -> Problem:
    """A key that no section has: with the nearest key, or the section that has it."""
    owner: type[BaseModel] | None = Config
    for part in location[:-1]:
        owner = owner if isinstance(part, int) else _section(owner or Config, str(part))
    allowed = list((owner or Config).model_fields)
    meant = nearest(RENAMED.get(str(location[-1]), str(location[-1])), allowed)
    remedy = f"use one of {', '.join(allowed)}, or delete the line"
    if not meant and (homes := _homes(str(location[-1]))):
        remedy = f"move it to the section {' or '.join(homes)}"
    return Problem("E18", file, "unknown setting", remedy, column=".".join(map(str, location)), meant=meant)


def _homes(key: str) -> list[str]:
    """Sections that do have a setting of this name."""
    sections = {name: _section(Config, name) for name in Config.model_fields}
    return [name for name, section in sections.items() if section is not None and key in section.model_fields]


def _contradictions(config: Config) -> Iterator[tuple[str, str, str]]:
    """Settings that are allowed one by one and do not go together: key, message, remedy."""
    width, analysis = config.counting.bin_bp, config.copy_number.analysis_bin_bp
    if analysis is not None and analysis % width:
        message = f"{analysis} is not a multiple of counting.bin_bp ({width})"
        yield "copy_number.analysis_bin_bp", message, f"use a multiple of {width}"
    if config.pathways.min_size > config.pathways.max_size:
        yield "pathways.min_size", "larger than pathways.max_size", "lower it"
    for key, value in leaves(config.model_dump()):
        for path in value if isinstance(value, tuple) else (value,):
            name = path.removeprefix(SHIPPED) if isinstance(path, str) and path.startswith(SHIPPED) else ""
            if name.startswith("/") or ".." in name.split("/"):
                yield key, "a shipped file is named by its path inside resources/", "leave out .. and the leading /"
