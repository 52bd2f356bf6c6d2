"""The configuration and the sample tables: read, checked in themselves, every fault told in one pass.

What needs a look into the data files is in `karyolot.inputs.check`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from karyolot.contracts.problems import InputProblems, Problem, suggestion
from karyolot.contracts.settings import Config
from karyolot.contracts.sheets import Donor, Lot, LotResult, Row, Sample, Study
from karyolot.inputs.sheets import Entry, parse_sheet
from karyolot.io import probe
from karyolot.io.shipped import SHIPPED, resource

R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Draft:
    """The tables as read: rows with their lines, cells that could not be read marked. See `tables.Entry`."""

    donors: list[Entry[Donor]] = field(default_factory=list)
    lots: list[Entry[Lot]] = field(default_factory=list)
    samples: list[Entry[Sample]] = field(default_factory=list)
    results: list[Entry[LotResult]] = field(default_factory=list)

    @property
    def rows(self) -> list[Entry[Any]]:
        """All rows that say what is compared with what."""
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
            results=tuple(entry.row for entry in self.results),
        )


def load_config(raw: Mapping[str, Any]) -> Config:
    """The typed configuration; raises InputProblems with every setting that is unknown or not allowed."""
    config, problems = parse_config(raw)
    if problems:
        raise InputProblems(problems)
    return config


def load_study(config: Config, workdir: Path) -> Study:
    """The tables; raises InputProblems with every cell that cannot be read. No other file is looked at."""
    draft, problems = parse_study(config, workdir)
    if problems:
        raise InputProblems(problems)
    return draft.study()


def parse_config(raw: Mapping[str, Any], file: str = "config") -> tuple[Config, list[Problem]]:
    """The configuration with the default in place of every faulty setting, and what is wrong with those."""
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
                if probe.is_echo(detail, details):
                    continue
                problems.append(_setting_problem(detail, file))
                _remove(settings, detail["loc"])
    for key, message, remedy in _contradictions(config):
        problems.append(Problem("E17", file, message, remedy, column=key))
    return config, problems


def parse_study(config: Config, workdir: Path) -> tuple[Draft, list[Problem]]:
    """The rows of the tables as far as they can be read, and what is wrong with the rest."""
    draft = Draft()
    problems: list[Problem] = []

    def read(path: str, model: type[R], entries: list[Entry[R]]) -> None:
        try:
            data = probe.read_sheet(resource(path, workdir))
        except probe.Fault as fault:
            problems.append(Problem(fault.code, path, fault.message, fault.remedy))
        else:
            rows, faults = parse_sheet(data, path, model)
            entries += rows
            problems.extend(faults)

    read(config.sheets.donors, Donor, draft.donors)
    read(config.sheets.lots, Lot, draft.lots)
    read(config.sheets.samples, Sample, draft.samples)
    if config.sheets.results is not None:
        read(config.sheets.results, LotResult, draft.results)
    return draft, problems


def differences(config: Config) -> list[tuple[str, Any, Any]]:
    """Every setting that is not the default: (dotted key, default, used), in the order of the settings.

    Not the section `report`: what is made beside the reports must not change them.
    """
    default = dict(leaves(Config().model_dump(mode="json", exclude={"report"})))
    held = leaves(config.model_dump(mode="json", exclude={"report"}))
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
    """A pydantic error in the words of the person who writes the configuration."""
    location = error["loc"]
    key = ".".join(str(part) for part in location)
    context = error.get("ctx", {})
    kind = error["type"]
    value = None if isinstance(error["input"], Mapping) else repr(error["input"]).strip("'")
    if kind == "extra_forbidden":
        owner: type[BaseModel] | None = Config
        for part in location[:-1]:
            owner = owner if isinstance(part, int) else _section(owner or Config, str(part))
        allowed = list((owner or Config).model_fields)
        meant = suggestion(str(location[-1]), allowed)
        remedy = f"use one of {', '.join(allowed)}, or delete the line"
        if not meant and (homes := _homes(str(location[-1]))):
            remedy = f"move it to the section {' or '.join(homes)}"
        return Problem("E18", file, f"unknown setting{meant}", remedy, column=key)
    if kind in {"model_type", "model_attributes_type"}:
        return Problem(
            "E17", file, "a section must hold settings", "indent its settings below it", column=key, value=value
        )
    message, remedy = f"not allowed: {error['msg'][0].lower()}{error['msg'][1:]}", "correct the value"
    if kind == "literal_error":
        allowed = re.findall("'([^']*)'", context["expected"])
        message = f"not an allowed value{suggestion(str(error['input']), allowed)}"
        remedy = f"write one of {', '.join(allowed)}"
    elif kind == "value_error":
        message = str(context["error"])
    elif kind == "missing" and isinstance(location[-1], str):
        return Problem("E18", file, "the setting is missing", "add it", column=key)
    elif kind == "string_pattern_mismatch" and location[-1] == "sha256":
        message, remedy = "not a sha256 checksum", "write its 64 digits 0-9 a-f in lower case, as sha256sum prints them"
    elif error["input"] is None:
        message, remedy = "the setting has no value", "delete the line to use the default, or give a value"
    elif kind in {"int_parsing", "int_type", "int_from_float"}:
        message, remedy = "not a whole number", "write digits only, without units"
    elif kind in {"float_parsing", "float_type", "finite_number"}:
        message, remedy = "not a number", "write digits with a decimal point, without units"
    elif kind in {"bool_parsing", "bool_type"}:
        message, remedy = "neither true nor false", "write true or false"
    elif kind == "string_type":
        message, remedy = "not a text", "write one text; quote it when YAML takes it for something else"
    elif kind == "string_too_short":
        message, remedy = "the text is empty", "delete the line to use the default, or give a value"
    elif kind in {"tuple_type", "list_type"}:
        message, remedy = "not a list", "write a YAML list: [first, second]"
    elif kind in {"greater_than", "greater_than_equal", "less_than", "less_than_equal"}:
        ((sign, limit),) = context.items()
        words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
        message, remedy = f"must be {words[sign]} {limit:g}", "correct the number"
    return Problem("E17", file, message, remedy, column=key, value=value)


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
