"""The smallest value at which something holds, by halving an interval."""

from collections.abc import Callable


def smallest(holds: Callable[[float], bool], low: float, high: float, halvings: int) -> float:
    """The upper end of [low, high] after so many halvings.

    Parameters
    ----------
    holds
        False at `low`, true at `high`, and changing once between.
    """
    for _ in range(halvings):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
