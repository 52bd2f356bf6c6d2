"""The first page of a report and the head of each section: what decides, in words and in numbers to be drawn.

'' and () = no text. Fractions of cells are 0..1; null = not known.
"""

from karyolot.contracts.criteria import Frozen, Outcome

UNRECORDED = "not recorded"


class Fact(Frozen):
    """A fact above the verdict, 5 words at most; `UNRECORDED` when the sheets do not have it."""

    name: str
    value: str


class Bar(Frozen):
    """A fraction of cells on a line from 0 to 1. limit: up to here a change may be missed (hatched); null = everywhere.

    low, middle, high: a measured fraction with its 95 % interval; null on the bar of a limit.
    """

    limit: float | None
    low: float | None = None
    middle: float | None = None
    high: float | None = None


class Row(Frozen):
    """A line of the table of findings. outcome: null = a limit of detection, not a finding.

    event: of the event table ('E1'). detail: a line each. value: fraction of cells, or what was measured; interval: 95 % CI;
    tetraploid: the fraction if every cell had four sets of chromosomes.
    """

    outcome: Outcome | None
    criteria: tuple[str, ...]
    event: str
    name: str
    detail: tuple[str, ...]
    bar: Bar | None
    value: str
    interval: str
    tetraploid: str


class Cell(Frozen):
    """A cell of a board. note: in small print behind the text."""

    text: str
    note: str = ""
    outcome: Outcome | None = None


class Board(Frozen):
    """The table shown instead of findings: of identity, or of the data that are too few."""

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


class Tile(Frozen):
    """One of five kinds of evidence. section: its anchor. statement: 3 words; lines: at most three."""

    section: str
    title: str
    outcome: Outcome
    statement: str
    lines: tuple[str, ...]


class Head(Frozen):
    """A section folded to one line. outcome: the gravest of its criteria. state: '2 fail, 1 review'. count: of
    criteria. met: heading of those that are met."""

    outcome: Outcome
    state: str
    finding: str
    count: str
    met: str


class Front(Frozen):
    """Page 1.

    headline: the verdict in at most two lines; brief: the finding in a few words; coverage: of the lot's genome. count:
    criteria by outcome and their document. more: findings that are not listed. claim: what bounds the verdict. note: what
    hatched means and what cannot be detected. weakened: limits that are weaker than the shipped ones. actions: what to do
    next, in order. missing: tests without a result on file. not_assessed: what these data could not assess. figure,
    karyotype: caption of the genome plot, and its ISCN-like line. band: words of the band that the lot's own limit draws;
    rules: of the published limits of gain and loss. uninterpreted: why the plot must not be read, '' = it may. passages: what
    changed against the parent lot. sections: by anchor. evidence: events that a criterion rests on, by its id.
    """

    facts: tuple[Fact, ...]
    headline: str
    brief: str
    coverage: str
    count: str
    rows: tuple[Row, ...]
    more: str
    board: Board | None
    claim: str
    note: str
    weakened: str
    actions: tuple[str, ...]
    missing: str
    not_assessed: str
    tiles: tuple[Tile, ...]
    figure: str
    karyotype: str
    band: str
    rules: tuple[str, str]
    uninterpreted: str
    passages: str
    sections: dict[str, Head]
    evidence: dict[str, tuple[str, ...]]
