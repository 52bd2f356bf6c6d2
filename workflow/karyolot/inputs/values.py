"""What pydantic finds wrong with a cell or a setting, in terms of the person who wrote it."""

import re
from collections.abc import Callable

from pydantic_core import ErrorDetails

from karyolot.contracts.problems import Fault, KaryolotError, nearest
from karyolot.contracts.sheets import LIMIT_PATTERN, SHA256_PATTERN, printed_name

BOUNDS = {"greater_than": "above", "greater_than_equal": "at least", "less_than": "below", "less_than_equal": "at most"}
PATTERNS = {
    SHA256_PATTERN: ("not a sha256 checksum", "write its 64 digits 0-9 a-f in lower case, as sha256sum prints them"),
    LIMIT_PATTERN: ("not a limit", "write <=, <, >= or > and a number, such as >= 90"),
}
KINDS = {
    "int": ("not a whole number", "write digits only, without units"),
    "float": ("not a number", "write digits with a decimal point, without units"),
    "finite": ("not a number", "write digits with a decimal point, without units"),
    "bool": ("neither true nor false", "write true or false"),
    "string_type": ("not a text", "write one text; quote it when YAML takes it for something else"),
    "string_too_short": ("the text is empty", "delete the line to use the default, or give a value"),
    "tuple_type": ("not a list", "write a YAML list: [first, second]"),
    "list_type": ("not a list", "write a YAML list: [first, second]"),
}
"""How pydantic's kind of an error starts -> message and remedy."""


def value_fault(error: ErrorDetails) -> Fault:
    """Why a value is not allowed, with the nearest allowed word where there is a choice of words."""
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    if kind == "literal_error":
        allowed = re.findall("'([^']*)'", context["expected"])
        remedy = f"write one of {', '.join(allowed)}"
        return Fault("E17", "not an allowed value", remedy, meant=nearest(str(value), allowed))
    if kind == "value_error":
        return Fault("E17", str(context["error"]), "correct the value")
    if value is None:
        return Fault("E17", "the setting has no value", "delete the line to use the default, or give a value")
    if kind in BOUNDS:
        ((_, limit),) = context.items()
        return Fault("E17", f"must be {BOUNDS[kind]} {limit:g}", "correct the number")
    if kind == "string_pattern_mismatch" and context["pattern"] in PATTERNS:
        return Fault("E17", *PATTERNS[context["pattern"]])
    if kind == "string_too_long":
        return Fault("E17", f"longer than {context['max_length']} characters", "shorten it")
    if kind.startswith("float") and isinstance(value, str) and "," in value:
        return Fault("E17", "not a number", "write a decimal point instead of the comma")
    for start, words in KINDS.items():
        if kind.startswith(start):
            return Fault("E17", *words)
    return Fault("E17", f"not allowed: {error['msg'][0].lower()}{error['msg'][1:]}", "correct the value")


def stated(option: str, text: str, check: Callable[[str], str] = printed_name, most: int = 100) -> str:
    """A text from the command line without spaces around it. Raises KaryolotError when `check` refuses it, or it has more than
    `most` characters."""
    if len(text.strip()) > most:
        raise KaryolotError(f"{option}: has {len(text.strip())} characters; at most {most} are printed, shorten it")
    try:
        return check(text.strip())
    except ValueError as error:
        raise KaryolotError(f"{option}: {error}; type it again") from error
