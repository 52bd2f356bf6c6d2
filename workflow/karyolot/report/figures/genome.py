"""Plots along the genome: log2 ratio, donor and lot alone, allele fractions.

Axes are fixed, so that two reports can be laid side by side. Points are drawn as one path, which keeps the page small.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from karyolot.contracts.record_dna import AlleleRecord, BinTrack, CallRow, Chromosome, CopyNumberRecord
from karyolot.report.words import axis

WIDTH = 1232.0
LEFT, RIGHT = 52.0, 34.0
"""Margins of the genome plots: log2 on the left, copies on the right."""
PANEL = 210.0
TRACK = 112.0
REACH = (-1.3, 1.15)
"""Genome plots show this range of log2 for every lot: below one copy to beyond four; the rest are triangles."""
COPIES = (1, 2, 3, 4)
"""Copies marked on the right axis."""
MAX_POINTS = 6000
"""Points drawn per track: five per pixel column on a 1,200-pixel screen, about 70 kB."""
SHARE_MARGIN = 0.05
"""Room above 1 and below 0 on the axis of allele fractions, so that points there are not clipped."""
HEAD = 22.0
"""Room above a plot for the names of its axes, and for one row of labels."""
LABEL_ROW = 17.0
LABEL_ROWS = 3
CHARACTER = 6.4
"""Mean width of a 12-unit label's character: only decides whether two labels would touch."""


AXIS_NAME = 110.0
"""Width of the name of the left axis, 'log2 lot / donor', above the plot."""
BOLD = 7.7
"""Mean width of a character of a bold label in DejaVu, and of a digit: among the widest a reader may see."""


@dataclass(frozen=True)
class ChromosomeMark:
    """One contig's stripe. single: a normal cell has one copy. empty: it has no point."""

    label: str
    left: float
    width: float
    centre: float
    row: int
    shaded: bool
    single: bool
    empty: bool
    centromere: float | None
    expected: float | None


@dataclass(frozen=True)
class CallMark:
    """A called change. label_x: centre of its label, half_width of the box around it; row: None where no room is left."""

    type: str
    left: float
    width: float
    label: str
    label_x: float
    half_width: float
    row: int | None

    @property
    def middle(self) -> float:
        return round(self.left + self.width / 2, 1)


@dataclass(frozen=True)
class Bar:
    """A horizontal stroke; off: 'up', 'down' or '' when its value is on the axis."""

    x1: float
    x2: float
    y: float
    off: str = ""


@dataclass(frozen=True)
class Line:
    y: float
    label: str
    note: str = ""


@dataclass(frozen=True)
class GenomePlot:
    """A plot along the genome. group: bins per drawn point at most; above, below: drawn points off the axis. zero: y of no
    change. copies: ticks of the right axis. band: y of the lot's own limit, of a gain and of a loss; blind: arms that cannot be
    assessed."""

    top: float
    height: float
    chromosomes: tuple[ChromosomeMark, ...]
    points: str
    ticks: tuple[Line, ...]
    triangles: str = ""
    group: int = 1
    above: int = 0
    below: int = 0
    zero: float = 0.0
    width: float = WIDTH
    left: float = LEFT
    right: float = WIDTH - RIGHT
    segments: tuple[Bar, ...] = ()
    calls: tuple[CallMark, ...] = ()
    limits: tuple[Line, ...] = ()
    guides: tuple[Bar, ...] = ()
    copies: tuple[Line, ...] = ()
    band: tuple[float, float] | None = None
    blind: tuple[Bar, ...] = ()

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def empty(self) -> tuple[str, ...]:
        """Labels of the chromosomes without a point."""
        return tuple(mark.label for mark in self.chromosomes if mark.empty)

    @property
    def room_for_axis(self) -> bool:
        """Whether no label of a call overlaps the name of the left axis."""
        return all(call.row != 0 or call.label_x - call.half_width > self.left + AXIS_NAME for call in self.calls)

    @property
    def unlabelled(self) -> int:
        return sum(call.row is None for call in self.calls)


def thin(
    track: BinTrack, values: Sequence[float], most: int = MAX_POINTS
) -> tuple[list[tuple[str, float, float]], int]:
    """At most `most` points (chrom, position in bases, value), and the bins per point.

    Bins that share a window of k * bin_bp become one point, their median, at their mean midpoint. More points than
    `most` only where there are more contigs. For drawing only.
    """
    bins = pd.DataFrame({"chrom": track.chrom, "start": track.start, "value": values})
    group = max(1, -(-len(values) // most))
    while True:
        windows = bins.groupby(["chrom", bins["start"] // (group * track.bin_bp)], sort=False)
        if windows.ngroups <= most or windows.ngroups == bins["chrom"].nunique():
            break
        group += 1 + group // 8
    table = windows.agg(position=("start", "mean"), value=("value", "median"))
    chroms = [str(chrom) for chrom, _ in table.index]
    points = list(zip(chroms, (table["position"] + track.bin_bp / 2).tolist(), table["value"].tolist(), strict=True))
    return points, group


class _Scale:
    """Bases and values to drawing units; reach: the values at the lower and upper end of the plot."""

    def __init__(
        self,
        chromosomes: Sequence[Chromosome],
        top: float,
        height: float,
        reach: tuple[float, float] = REACH,
    ) -> None:
        self.offsets = {chromosome.name: chromosome.offset for chromosome in chromosomes}
        self.total = max((c.offset + c.length for c in chromosomes), default=1)
        self.top, self.height, self.reach = top, height, reach

    def x(self, chrom: str, position: float) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (self.offsets[chrom] + position) / self.total, 1)

    def y(self, value: float) -> float:
        low, high = self.reach
        return round(self.top + self.height * (high - value) / (high - low), 1)


def _chromosomes(record: CopyNumberRecord, scale: _Scale, points: Sequence[str]) -> tuple[ChromosomeMark, ...]:
    """points: the chromosome of each point that is drawn."""
    used, reached = set(points), 0.0
    marks: list[ChromosomeMark] = []
    for index, chromosome in enumerate(record.chromosomes):
        left, end = scale.x(chromosome.name, 0), scale.x(chromosome.name, chromosome.length)
        label = chromosome.name.removeprefix("chr")
        centre, half = round((left + end) / 2, 1), BOLD * len(label) / 2 + 1
        row = int(centre - half < reached)  # where it would touch the name before it
        reached = reached if row else centre + half
        marks.append(
            ChromosomeMark(
                label=label,
                left=left,
                width=round(end - left, 1),
                centre=centre,
                row=row,
                shaded=index % 2 == 1,
                single=chromosome.copies == 1,
                empty=chromosome.name not in used,
                centromere=None if chromosome.centromere is None else scale.x(chromosome.name, chromosome.centromere),
                expected=math.log2(chromosome.copies / 2) if chromosome.copies else None,
            )
        )
    return tuple(marks)


def _depth_plot(
    track: BinTrack, values: Sequence[float], scale: _Scale, chromosomes: tuple[ChromosomeMark, ...], **marks: Any
) -> GenomePlot:
    """A plot of log2 values per bin: points, and a triangle for each that is off the axis. marks: further fields."""
    thinned, group = thin(track, values)
    points, triangles, above, below = [], [], 0, 0
    for chrom, position, value in thinned:
        x = f"{scale.x(chrom, position):g}"
        if value > REACH[1]:
            above += 1
            triangles.append(f"M{x} {scale.y(REACH[1]) + 1:g}l4 7h-8z")
        elif value < REACH[0]:
            below += 1
            triangles.append(f"M{x} {scale.y(REACH[0]) - 1:g}l4-7h-8z")
        else:
            points.append(f"M{x} {scale.y(value):g}h0")
    return GenomePlot(
        top=scale.top,
        height=scale.height,
        chromosomes=chromosomes,
        points="".join(points),
        triangles="".join(triangles),
        group=group,
        above=above,
        below=below,
        zero=scale.y(0),
        **marks,
    )


@dataclass(frozen=True)
class _Found:
    """What is marked along the genome: a called change, or an event of the alleles."""

    type: str
    chrom: str
    start: int
    end: int
    label: str


def _called(calls: Sequence[CallRow], labels: Sequence[str]) -> list[_Found]:
    short = len(calls) > 6
    return [
        _Found(call.type, call.chrom, call.start, call.end, f"E{index}" if short else label)
        for index, (call, label) in enumerate(zip(calls, labels, strict=True), 1)
    ]


def _marks(found: Sequence[_Found], scale: _Scale) -> tuple[tuple[CallMark, ...], int]:
    """Bands and labels; each label takes the lowest of LABEL_ROWS rows where it touches no other, or none."""
    rows: list[list[tuple[float, float]]] = [[] for _ in range(LABEL_ROWS)]
    marks = []
    for one in found:
        left, end = scale.x(one.chrom, one.start), scale.x(one.chrom, one.end)
        label = one.label
        half = BOLD * len(label) / 2 + 6
        x = min(max((left + end) / 2, LEFT + half), WIDTH - half)
        taken = None
        for row, spans in enumerate(rows):
            if all(x + half <= low or x - half >= high for low, high in spans):
                spans.append((x - half, x + half))
                taken = row
                break
        marks.append(
            CallMark(one.type, left, max(round(end - left, 1), 2.0), label, round(x, 1), round(half, 1), taken)
        )
    return tuple(marks), sum(bool(spans) for spans in rows)


def _copies(scale: _Scale) -> tuple[Line, ...]:
    """The right axis: copies where a normal cell has two."""
    return tuple(Line(scale.y(math.log2(copies / 2)), str(copies)) for copies in COPIES)


def ratio_limits(record: CopyNumberRecord) -> list[float]:
    """The published rule's limits, gain and loss, that lie on the axis."""
    limits = (record.published_gain_log2, record.published_loss_log2)
    return [value for value in limits if REACH[0] < value < REACH[1]]


def own_limit(record: CopyNumberRecord) -> tuple[float, float] | None:
    """log2 of the smallest gain and loss of the claimed size that is found: one copy in that fraction of diploid cells."""
    claim = record.claim
    if claim is None or claim.gain is None or claim.loss is None:
        return None
    return math.log2(1 + claim.gain / 2), math.log2(1 - min(claim.loss, 1.0) / 2)


def _blind(record: CopyNumberRecord, scale: _Scale) -> tuple[Bar, ...]:
    """Arms that cannot be assessed, of contigs that have a point."""
    contigs = {chromosome.name: chromosome for chromosome in record.chromosomes}
    used, found = set(record.bins.chrom), []
    if not any(row.assessable for row in record.arms):
        return ()
    for row in record.arms:
        contig = contigs.get(row.name[:-1])
        if (
            row.scope != "arm"
            or row.assessable
            or contig is None
            or contig.centromere is None
            or contig.name not in used
        ):
            continue
        start, end = (0, contig.centromere) if row.name.endswith("p") else (contig.centromere, contig.length)
        found.append(Bar(scale.x(contig.name, start), scale.x(contig.name, end), scale.top))
    return tuple(found)


def label_rows(record: CopyNumberRecord, labels: Sequence[str]) -> int:
    """Rows that the labels of the calls take."""
    return _marks(_called(record.calls, labels), _Scale(record.chromosomes, 0, PANEL))[1]


def ratio_plot(record: CopyNumberRecord, labels: Sequence[str], rules: Sequence[str] = ("", "")) -> GenomePlot:
    """Figure 1 (He 2025, Fig. 1d): lot over donor along the genome. labels: of the calls; rules: of the published limits."""
    found = _called(record.calls, labels)
    rows = label_rows(record, labels)
    scale = _Scale(record.chromosomes, HEAD + LABEL_ROW * max(rows - 1, 0), PANEL)
    chromosomes = _chromosomes(record, scale, record.bins.chrom)
    segments = []
    for row in record.segments:
        off = "up" if row.log2 > REACH[1] else "down" if row.log2 < REACH[0] else ""
        x1, x2 = scale.x(row.chrom, row.start), scale.x(row.chrom, row.end)
        segments.append(Bar(x1, max(x2, x1 + 1.5), scale.y(min(max(row.log2, REACH[0]), REACH[1])), off))
    guides = [
        Bar(mark.left, round(mark.left + mark.width, 1), scale.y(chromosome.one_copy_more))
        for chromosome, mark in zip(record.chromosomes, chromosomes, strict=True)
        if chromosome.copies == 1 and chromosome.one_copy_more is not None and not mark.empty
    ]
    band = own_limit(record)
    return _depth_plot(
        record.bins,
        record.bins.log2,
        scale,
        chromosomes,
        ticks=tuple(Line(scale.y(tick), axis(tick)) for tick in (-1, -0.5, 0, 0.5, 1)),
        segments=tuple(segments),
        calls=_marks(found, scale)[0],
        limits=tuple(
            Line(scale.y(value), name, axis(value)) for name, value in zip(rules, ratio_limits(record), strict=False)
        ),
        guides=tuple(guides),
        copies=_copies(scale),
        band=None if band is None else (scale.y(min(band[0], REACH[1])), scale.y(max(band[1], REACH[0]))),
        blind=_blind(record, scale),
    )


def track_plot(record: CopyNumberRecord, values: Sequence[float]) -> GenomePlot:
    """One sample alone: half of the figure of tracks."""
    scale = _Scale(record.chromosomes, HEAD, TRACK)
    chromosomes = _chromosomes(record, scale, record.bins.chrom)
    expected = [
        Bar(mark.left, round(mark.left + mark.width, 1), scale.y(mark.expected))
        for mark in chromosomes
        if mark.expected is not None and not mark.empty
    ]
    return _depth_plot(
        record.bins,
        values,
        scale,
        chromosomes,
        ticks=tuple(Line(scale.y(tick), axis(tick)) for tick in (-1, 0, 1)),
        copies=_copies(scale),
        guides=tuple(expected),
    )


def allele_plots(
    record: CopyNumberRecord, alleles: AlleleRecord, labels: Sequence[str], events: Sequence[str]
) -> tuple[GenomePlot, GenomePlot]:
    """Allele fractions of the donor and of the lot, in the layout of the copy-number figures; labels above the donor's.

    labels: of the calls; events: labels of the events.
    """
    found = _called(record.calls, labels)
    found += [
        _Found(event.kind, event.chrom, event.start, event.end, label)
        for event, label in zip(alleles.events, events, strict=True)
    ]
    rows = _marks(found, _Scale(record.chromosomes, 0, TRACK))[1]
    track = alleles.track
    guides = ((0.0, "0"), (0.5, "1/2"), (1.0, "1"))
    plots = []
    for values, top, labelled in ((track.donor, 8 + LABEL_ROW * rows, True), (track.lot, 8.0, False)):
        scale = _Scale(record.chromosomes, top, TRACK, (-SHARE_MARGIN, 1 + SHARE_MARGIN))
        chromosomes = _chromosomes(record, scale, track.chrom)
        points = zip(track.chrom, track.start, values, strict=True)
        marks = _marks(found, scale)[0]
        plots.append(
            GenomePlot(
                top=scale.top,
                height=scale.height,
                chromosomes=chromosomes,
                points="".join(f"M{scale.x(c, start):g} {scale.y(share / 1000):g}h0" for c, start, share in points),
                ticks=tuple(Line(scale.y(value), tick) for value, tick in guides),
                calls=marks if labelled else tuple(replace(mark, row=None) for mark in marks),
                copies=tuple(Line(scale.y(value), tick) for value, tick in guides),
                guides=(Bar(LEFT, WIDTH - RIGHT, scale.y(0.5)),),
            )
        )
    return plots[0], plots[1]
