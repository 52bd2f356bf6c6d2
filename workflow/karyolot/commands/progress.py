"""What a run prints of itself where there is no terminal to draw bars in: one line per finished step."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EARLY = 0.05
"""Fraction of the steps before which no time left is given: the first steps are little evidence of the rest."""
LONE = 0.5
"""Fraction of the time that one step took from which no time left is given: the index of a genome is no measure of the rest."""


@dataclass(slots=True)
class Progress:
    """The steps of a run as they begin and end. Times are seconds of any one clock; began: when the run began."""

    began: float
    names: dict[int, str] = field(default_factory=dict)
    starts: dict[int, float] = field(default_factory=dict)
    ended: list[int] = field(default_factory=list)
    longest: float = 0

    def named(self, job: int, rule: str, wildcards: Mapping[str, str]) -> None:
        """A job is about to begin."""
        self.names[job] = " ".join([rule, *map(str, wildcards.values())])

    def finished(self, job: int) -> None:
        """A job has ended well; its line follows with the next count of finished steps."""
        self.ended.append(job)

    def lines(self, done: int, total: int, now: float) -> list[str]:
        """One line for each job that ended since the last call, once `done` of `total` steps are.

        The time left takes the steps still to come for as long as those done, so it is a rough figure: a run begins with its
        long steps.
        """
        passed = now - self.began
        self.longest = max(self.longest, *(now - self.starts.get(job, now) for job in self.ended), 0)
        left = passed * (total - done) / done if done >= EARLY * total and self.longest < LONE * passed else None
        width = len(str(total))
        made = []
        for number, job in enumerate(self.ended, start=done - len(self.ended) + 1):
            took = duration(now - self.starts[job]) if job in self.starts else "time unknown"
            rest = f"; about {duration(left)} left" if left and job == self.ended[-1] else ""
            made.append(f"{number:{width}} of {total}  {self.names.get(job, f'job {job}')}: {took}{rest}")
        self.ended.clear()
        return made


def duration(seconds: float) -> str:
    """'9 s', '4 min', '2.5 h'."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 99.5 * 60 else f"{seconds / 3600:.1f} h"
