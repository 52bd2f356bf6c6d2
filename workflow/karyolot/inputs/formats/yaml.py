"""YAML documents: settings, layouts, acceptance criteria. Parsed strictly, so that no value is misread."""

import re
from collections.abc import Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from karyolot.contracts.problems import Fault, quoted
from karyolot.inputs.formats.text import regular_file

M = TypeVar("M", bound=BaseModel)
MOST_BYTES = 4 << 20
MOST_ENTRIES = 100_000
"""Entries of a document after its aliases are followed: a few lines of aliases to aliases can stand for billions."""
AMBIGUOUS = re.compile(
    r"(?i:y|n|yes|no|on|off)|[-+]?0[0-7_]+|[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?|[-+]?\d+_[\d_]*", re.ASCII
)
"""Plain scalars that YAML 1.1 and 1.2 read differently: truth values, octal numbers, numbers to the base 60."""


class StrictLoader(yaml.SafeLoader):
    """Refuses what the standard loader takes without a word: a key that occurs twice, and scalars read in two ways."""


def _mapping(loader: StrictLoader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    seen: set[str] = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
            continue
        if key.value in seen:
            message = f"the key {quoted(str(key.value))} occurs twice in one section"
            raise Fault("E18", message, "keep one of them", key.start_mark.line + 1)
        seen.add(str(key.value))
    loader.flatten_mapping(node)
    return loader.construct_mapping(node, deep=True)


def _scalar(loader: StrictLoader, node: yaml.ScalarNode) -> Any:
    if node.style is None and AMBIGUOUS.fullmatch(node.value):
        message = f"{node.value} can be read in two ways"
        remedy = "write true or false, a plain decimal number, or a text in quotes"
        raise Fault("E18", message, remedy, node.start_mark.line + 1)
    return yaml.SafeLoader.yaml_constructors[node.tag](loader, node)


StrictLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
for _tag in ("bool", "int", "float"):
    StrictLoader.add_constructor(f"tag:yaml.org,2002:{_tag}", _scalar)


def load(path: Path) -> Any:
    """The content of a YAML document.

    Raises
    ------
    Fault
        E02 when there is no file; E18 when it is not YAML, is larger than any settings, holds a key twice, or a scalar
        that the versions of YAML read differently.
    """
    if regular_file(path).st_size > MOST_BYTES:
        raise Fault(
            "E18", f"is larger than {MOST_BYTES >> 20} MB, so it is not a document of settings", "correct the path"
        )
    try:
        loader = StrictLoader(path.read_bytes().decode("utf-8-sig"))
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            if _entries(node, {}) > MOST_ENTRIES:
                raise Fault(
                    "E18", f"its aliases stand for more than {MOST_ENTRIES} entries", "write it without aliases"
                )
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        remedy = "indent with spaces, and quote texts that hold ': ' or '#'"
        raise Fault("E18", f"is not YAML ({error.problem})", remedy, line) from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Fault("E18", f"is not YAML ({str(error).splitlines()[0]})", "write it as UTF-8 text in YAML") from error


def _entries(node: yaml.Node, known: dict[int, int]) -> int:
    """Entries a node stands for. known: of nodes already counted, by identity; 0 while a node is being counted."""
    if known.get(id(node)) == 0:
        line = node.start_mark.line + 1
        raise Fault("E18", "is recursive: an alias stands for what holds it", "write it without aliases", line)
    if id(node) in known:
        return known[id(node)]
    if isinstance(node, yaml.ScalarNode):
        return 1
    known[id(node)] = 0
    inner: Iterable[yaml.Node] = (
        (part for pair in node.value for part in pair) if isinstance(node, yaml.MappingNode) else node.value
    )
    known[id(node)] = 1 + sum(_entries(part, known) for part in inner)
    return known[id(node)]


def line_of(path: Path, place: Sequence[str | int]) -> int | None:
    """The line of an entry in a document, given its keys and list positions; None when it is not there."""
    line = None
    try:
        node = yaml.compose(path.read_bytes(), yaml.SafeLoader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return None
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = [(name, value) for name, value in node.value if str(name.value) == str(part)]
            if not found:
                return None
            line, node = found[-1][0].start_mark.line + 1, found[-1][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
    return line


def look(path: Path, model: type[M]) -> tuple[M | None, list[Fault]]:
    """A document of a model, or everything that is wrong with it."""
    try:
        content = load(path)
    except Fault as fault:
        return None, [fault]
    try:
        return model.model_validate(content), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_fault(path, content, detail) for detail in details if not is_echo(detail, details)]


def read(path: Path | str, model: type[M]) -> M:
    """A document of a model; raises the first Fault of `look`, with the name of the file."""
    document, faults = look(Path(path), model)
    if document is None:
        raise faults[0].named(str(path))
    return document


def is_echo(error: ErrorDetails, errors: Sequence[ErrorDetails]) -> bool:
    """Whether a list is only called too short because faulty items, reported themselves, were removed."""
    place = error["loc"]
    return error["type"] == "too_short" and any(
        len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in errors
    )


def _fault(path: Path, content: Any, error: ErrorDetails) -> Fault:
    """An entry of a document that is not allowed: named by its keys and, in a list, by its id."""
    place = error["loc"]
    names: list[str] = []
    inner = content
    for part in place:
        try:
            inner = inner[part]
        except (KeyError, IndexError, TypeError):
            inner = None
        names.append(str(inner["id"] if isinstance(part, int) and isinstance(inner, dict) and "id" in inner else part))
    message, remedy = {
        "missing": ("is missing", "add it"),
        "extra_forbidden": ("is not a known entry", "delete or correct it"),
        "string_too_short": ("is empty", "fill it in"),
        "model_type": ("holds no keys with values", "write lines of KEY: VALUE, as in the shipped document"),
    }.get(error["type"], (f"is not allowed ({error['msg'][:1].lower()}{error['msg'][1:]})", "correct it"))
    meant = None
    if "remedy" in (context := error.get("ctx", {})):  # a rule of the model itself, such as an unknown metric
        message, remedy, meant = error["msg"], context["remedy"], context["meant"]
    line = line_of(path, place) or line_of(path, place[:-1])
    return Fault("E18", f"{'.'.join(names) or 'the document'} {message}", remedy, line, meant)
