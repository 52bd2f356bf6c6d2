"""What a reader makes of a file, so that two readers can be compared."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from karyolot.contracts.problems import Fault

P = ParamSpec("P")
T = TypeVar("T")


def outcome(reader: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> tuple[T | None, tuple[object, ...]]:
    """(what is read, ()), or (None, code, message and line of the Fault)."""
    try:
        return reader(*args, **kwargs), ()
    except Fault as fault:
        return None, (fault.code, fault.message, fault.remedy, fault.line)
