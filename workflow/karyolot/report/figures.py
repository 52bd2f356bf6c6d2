"""Geometry of the figures: record in, positions in drawing units out; the templates write them as SVG.

Axes are fixed, so that two reports can be laid side by side. Points are drawn as one path, which keeps the page small.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import pandas as pd

from karyolot.contracts.record import (
    AlleleEventRow,
    AlleleRecord,
    ArmState,
    BinTrack,
    CallRow,
    Chromosome,
    CopyNumberRecord,
    ExpressionRecord,
    HeatRow,
    MarkerRow,
    SampleMap,
    StudyExpression,
)
from karyolot.report.words import axis, percent

WIDTH = 1120.0
LEFT, RIGHT = 52.0, 132.0
"""Margins of the genome plots: tick labels left, direct labels of the lines right."""
PANEL = 270.0
TRACK = 130.0
LIMIT = 1.5
"""Genome plots show log2 -1.5 .. 1.5 for every lot: one copy less to beyond four copies; the rest are triangles."""
MAX_POINTS = 6000
"""Points drawn per track: five per pixel column on a 1,200-pixel screen, about 70 kB."""
SHARE_MARGIN = 0.05
"""Room above 1 and below 0 on the axis of allele shares, so that points there are whole."""
LABEL_ROW = 17.0
LABEL_ROWS = 3
CHARACTER = 6.4
"""Mean width of a 12-unit label's character: only decides whether two labels would touch."""
TPM_DECADES = (0, 1, 10, 100, 1_000, 10_000)
TPM_TOP = 16.0
"""log2(TPM + 1) of the marker axis' right end: 65,535 TPM, above albumin in hepatocytes."""
NES_TOP = 3.5
"""Right end of the NES axis; GSEA scores rarely pass 3."""
INSET = 2.0
"""Per cent of a row figure's width kept free at both ends, so that a symbol at an end is whole."""


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
    type: str
    left: float
    width: float
    label: str
    label_x: float
    row: int | None


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
    change."""

    top: float
    height: float
    bottom: float
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
    empty: tuple[str, ...] = field(default=())

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
        reach: tuple[float, float] = (-LIMIT, LIMIT),
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
    used = set(points)
    marks: list[ChromosomeMark] = []
    for index, chromosome in enumerate(record.chromosomes):
        left, end = scale.x(chromosome.name, 0), scale.x(chromosome.name, chromosome.length)
        label = chromosome.name.removeprefix("chr")
        crowded = end - left < CHARACTER * len(label) + 5
        marks.append(
            ChromosomeMark(
                label=label,
                left=left,
                width=round(end - left, 1),
                centre=round((left + end) / 2, 1),
                row=1 if crowded and marks and marks[-1].row == 0 else 0,
                shaded=index % 2 == 1,
                single=chromosome.copies == 1,
                empty=chromosome.name not in used,
                centromere=None if chromosome.centromere is None else scale.x(chromosome.name, chromosome.centromere),
                expected=math.log2(chromosome.copies / 2) if chromosome.copies else None,
            )
        )
    return tuple(marks)


def _points(track: BinTrack, values: Sequence[float], scale: _Scale) -> tuple[str, str, int, int, int]:
    """Paths of the points and of the off-scale triangles, how many are above and below, and bins per point."""
    thinned, group = thin(track, values)
    points, triangles, above, below = [], [], 0, 0
    for chrom, position, value in thinned:
        x = f"{scale.x(chrom, position):g}"
        if value > LIMIT:
            above += 1
            triangles.append(f"M{x} {scale.y(LIMIT) + 1:g}l4 7h-8z")
        elif value < -LIMIT:
            below += 1
            triangles.append(f"M{x} {scale.y(-LIMIT) - 1:g}l4-7h-8z")
        else:
            points.append(f"M{x} {scale.y(value):g}h0")
    return "".join(points), "".join(triangles), above, below, group


@dataclass(frozen=True)
class _Found:
    """What is marked along the genome: a called change, or an event of the alleles."""

    type: str
    chrom: str
    start: int
    end: int
    label: str


def _called(calls: Sequence[CallRow]) -> list[_Found]:
    short = len(calls) > 6
    return [
        _Found(call.type, call.chrom, call.start, call.end, f"E{index}" if short else f"E{index} {called(call)}")
        for index, call in enumerate(calls, 1)
    ]


def _marks(found: Sequence[_Found], scale: _Scale) -> tuple[tuple[CallMark, ...], int]:
    """Bands and labels; each label takes the lowest of LABEL_ROWS rows where it touches no other, or none."""
    rows: list[list[tuple[float, float]]] = [[] for _ in range(LABEL_ROWS)]
    marks = []
    for one in found:
        left, end = scale.x(one.chrom, one.start), scale.x(one.chrom, one.end)
        label = one.label
        half = CHARACTER * len(label) / 2 + 4
        x = min(max((left + end) / 2, LEFT + half), WIDTH - half)
        taken = None
        for row, spans in enumerate(rows):
            if all(x + half <= low or x - half >= high for low, high in spans):
                spans.append((x - half, x + half))
                taken = row
                break
        marks.append(CallMark(one.type, left, max(round(end - left, 1), 2.0), label, round(x, 1), taken))
    return tuple(marks), sum(bool(spans) for spans in rows)


def called(call: CallRow) -> str:
    """A call beside its mark."""
    return f"{call.type} {(call.bands or call.chrom)[:24]}, {percent(call.fraction)} of cells"


def ratio_limits(record: CopyNumberRecord) -> list[tuple[str, float]]:
    """The published rule's limits that lie on the axis: name, log2."""
    limits = (("gain limit", record.published_gain_log2), ("loss limit", record.published_loss_log2))
    return [(name, value) for name, value in limits if abs(value) < LIMIT]


def ratio_plot(record: CopyNumberRecord) -> GenomePlot:
    """Figure 1 (He 2025, Fig. 1d): lot over donor along the genome."""
    found = _called(record.calls)
    rows = _marks(found, _Scale(record.chromosomes, 0, PANEL))[1]
    scale = _Scale(record.chromosomes, 8 + LABEL_ROW * rows, PANEL)
    points, triangles, above, below, group = _points(record.bins, record.bins.log2, scale)
    chromosomes = _chromosomes(record, scale, record.bins.chrom)
    segments = []
    for row in record.segments:
        off = "up" if row.log2 > LIMIT else "down" if row.log2 < -LIMIT else ""
        x1, x2 = scale.x(row.chrom, row.start), scale.x(row.chrom, row.end)
        segments.append(Bar(x1, max(x2, x1 + 1.5), scale.y(min(max(row.log2, -LIMIT), LIMIT)), off))
    guides = [
        Bar(mark.left, round(mark.left + mark.width, 1), scale.y(chromosome.one_copy_more))
        for chromosome, mark in zip(record.chromosomes, chromosomes, strict=True)
        if chromosome.copies == 1 and chromosome.one_copy_more is not None and not mark.empty
    ]
    return GenomePlot(
        top=scale.top,
        height=scale.height,
        bottom=scale.top + scale.height,
        chromosomes=chromosomes,
        points=points,
        triangles=triangles,
        group=group,
        above=above,
        below=below,
        ticks=tuple(Line(scale.y(tick), axis(tick)) for tick in (-1, -0.5, 0, 0.5, 1)),
        zero=scale.y(0),
        segments=tuple(segments),
        calls=_marks(found, scale)[0],
        limits=tuple(Line(scale.y(value), name, axis(value)) for name, value in ratio_limits(record)),
        guides=tuple(guides),
        empty=tuple(mark.label for mark in chromosomes if mark.empty),
    )


def track_plot(record: CopyNumberRecord, values: Sequence[float]) -> GenomePlot:
    """One sample alone (half of figure 2); the right labels count copies."""
    scale = _Scale(record.chromosomes, 8, TRACK)
    points, triangles, above, below, group = _points(record.bins, values, scale)
    chromosomes = _chromosomes(record, scale, record.bins.chrom)
    expected = [
        Bar(mark.left, round(mark.left + mark.width, 1), scale.y(mark.expected))
        for mark in chromosomes
        if mark.expected is not None and not mark.empty
    ]
    return GenomePlot(
        top=scale.top,
        height=scale.height,
        bottom=scale.top + scale.height,
        chromosomes=chromosomes,
        points=points,
        triangles=triangles,
        group=group,
        above=above,
        below=below,
        ticks=tuple(Line(scale.y(tick), axis(tick)) for tick in (-1, 0, 1)),
        zero=scale.y(0),
        limits=tuple(
            Line(scale.y(math.log2(copies / 2)), f"{copies} {'copy' if copies == 1 else 'copies'}")
            for copies in (1, 2, 3, 4)
        ),
        guides=tuple(expected),
        empty=tuple(mark.label for mark in chromosomes if mark.empty),
    )


def allele_plots(record: CopyNumberRecord, alleles: AlleleRecord) -> tuple[GenomePlot, GenomePlot]:
    """Allele shares of the donor and of the lot, in the layout of the copy-number figures; labels above the donor's."""
    found = _called(record.calls)
    found += [
        _Found(event.kind, event.chrom, event.start, event.end, f"{allele_event(record, event)} of cells")
        for event in alleles.events
    ]
    rows = _marks(found, _Scale(record.chromosomes, 0, TRACK))[1]
    track = alleles.track
    guides = ((0.0, "0", "reference only"), (0.5, "1/2", "both alike"), (1.0, "1", "alternate only"))
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
                bottom=scale.top + scale.height,
                chromosomes=chromosomes,
                points="".join(f"M{scale.x(c, start):g} {scale.y(share / 1000):g}h0" for c, start, share in points),
                ticks=tuple(Line(scale.y(value), tick) for value, tick, _ in guides),
                calls=marks if labelled else tuple(replace(mark, row=None) for mark in marks),
                limits=tuple(Line(scale.y(value), label) for value, _, label in guides),
                guides=(Bar(LEFT, WIDTH - RIGHT, scale.y(0.5)),),
                empty=tuple(mark.label for mark in chromosomes if mark.empty),
            )
        )
    return plots[0], plots[1]


def allele_event(record: CopyNumberRecord, event: AlleleEventRow) -> str:
    """'copy-neutral 4q in 40%': kind, chromosome with the arm when it lies on one, share of cells."""
    contig = next(chromosome for chromosome in record.chromosomes if chromosome.name == event.chrom)
    arm = ""
    if contig.centromere is not None:
        arm = "p" if event.end <= contig.centromere else "q" if event.start >= contig.centromere else ""
    return f"{event.kind} {event.chrom.removeprefix('chr')}{arm} in {percent(event.fraction)}"


def arm_states(record: CopyNumberRecord) -> dict[tuple[str, str], ArmState]:
    """What is drawn for each arm, by (chromosome, 'p' | 'q' | ''), in the record's order.

    An arm overlapped by a called change takes its type, 'part-' below the clonal fraction; without a call it is 'blind'
    when not assessable.
    """
    contigs = {chromosome.name: chromosome for chromosome in record.chromosomes}
    states: dict[tuple[str, str], ArmState] = {}
    for row in record.arms:
        chrom, arm = (row.name, "") if row.name in contigs else (row.name[:-1], row.name[-1:])
        if row.scope != "arm" or chrom not in contigs:
            continue
        contig = contigs[chrom]
        start, end = 0, contig.length
        if contig.centromere is not None and arm:
            start, end = (0, contig.centromere) if arm == "p" else (contig.centromere, contig.length)
        calls = [call for call in record.calls if call.chrom == chrom and call.start < end and call.end > start]
        types = {call.type for call in calls}
        state: ArmState = "none" if row.assessable else "blind"
        if len(types) == 2:
            state = "mixed"
        elif types == {"gain"}:
            state = "part-gain" if all(call.class_ == "sub-clonal" for call in calls) else "gain"
        elif types == {"loss"}:
            state = "part-loss" if all(call.class_ == "sub-clonal" for call in calls) else "loss"
        states[chrom, arm] = state
    return states


HEAT_EDGES = (0.5, 1.0, 2.0, 4.0)
"""|log2| from which a cell of the heat map is one shade darker; the same in all reports."""
CELL = 15.0
HEAT_LEFT, HEAT_TOP = 150.0, 20.0
"""Room for names on the left, more where they are longer, and for those of groups above."""
LONGEST = 36
"""Characters of a name on the left; what is longer is cut there, so that a phone shows squares beside it."""
LETTER = 8.0
"""Mean width of an 11-unit capital or digit: gene names beside a heat map have to fit whole."""
SCORE_EDGES = (0.15, 0.3, 0.45, 0.6)
"""As HEAT_EDGES, of GSVA scores, which lie within -1..1."""
MOST_DRAWN = 100
"""Samples a heat map of the study is drawn of: the matrix of distances grows with their square, and beyond no eye tells rows."""


@dataclass(frozen=True)
class Heat:
    """Genes x samples. paths: shade (-4..4, 0 = hardly different) -> its cells.

    genes, groups: x of each name; samples: y of each name. left: where sample names end. bottom: where cells end.
    """

    width: float
    height: float
    left: float
    paths: dict[int, str]
    genes: tuple[tuple[str, float], ...]
    samples: tuple[tuple[str, float], ...]
    groups: tuple[tuple[str, float], ...]
    bottom: float


def shade(value: float, edges: Sequence[float] = HEAT_EDGES) -> int:
    """How many of the edges a value reaches, with its sign."""
    return int(math.copysign(sum(abs(value) >= edge for edge in edges), value))


def heat(record: ExpressionRecord) -> list[Heat]:
    """The marker panel and the pathway genes, one plot each (He 2025, Fig. S2 and 1h)."""
    panel = {marker.group for marker in record.markers}
    parts = [[row for row in record.heat if (row.group in panel) == is_panel] for is_panel in (True, False)]
    return [_heat(part, record.heat_samples) for part in parts if part]


def _heat(rows: Sequence[HeatRow], samples: Sequence[str], edges: Sequence[float] = HEAT_EDGES) -> Heat:
    """rows: drawn as columns, one square per name in `samples`."""
    cells: dict[int, list[str]] = {}
    places: list[float] = []
    groups: list[tuple[str, float]] = []
    x = start = max(HEAT_LEFT, CHARACTER * min(LONGEST, max(map(len, samples))) + 12)
    for group, held in groupby(rows, key=lambda row: row.group):
        left = x
        for row in held:
            places.append(x)
            for number, log2 in enumerate(row.log2):
                path = f"M{x:g} {HEAT_TOP + number * CELL:g}h{CELL - 1:g}v{CELL - 1:g}h-{CELL - 1:g}z"
                cells.setdefault(shade(log2, edges), []).append(path)
            x += CELL
        groups.append((group, left))
        x = max(x + CELL / 2, left + CHARACTER * len(group) + CELL / 2)
    bottom = HEAT_TOP + len(samples) * CELL
    return Heat(
        width=x,
        height=bottom + LETTER * max(len(row.gene_name) for row in rows) + 12,
        left=start - 6,
        paths={key: "".join(cells[key]) for key in sorted(cells)},
        genes=tuple((row.gene_name, place + CELL / 2) for place, row in zip(places, rows, strict=True)),
        samples=tuple((name, HEAT_TOP + (number + 0.5) * CELL) for number, name in enumerate(samples)),
        groups=tuple(groups),
        bottom=bottom,
    )


PLOT = 380.0
"""Side of the plot of principal components."""
LABEL_STEP = 13.0
MOST_NAMED = 24
"""Samples named in it; more names would lie on each other."""


@dataclass(frozen=True)
class Dot:
    """A sample among the components. label: '' when there are too many to name; label_y: where it does not touch others."""

    x: float
    y: float
    is_lot: bool
    label: str
    label_y: float
    of_panel: bool = False


def dots(study: SampleMap) -> list[Dot]:
    """Samples on the first two components, both on one scale, so that distances on paper are those of the data.

    Those of the panel come first, so that they are drawn behind.
    """
    values = [value for sample in study.samples for value in (sample.first, sample.second)]
    values += [value for sample in study.panel for value in (sample.first, sample.second)]
    reach = 1.1 * max(map(abs, values), default=0.0) or 1.0
    named = len(study.samples) <= MOST_NAMED

    def place(value: float) -> float:
        return round(PLOT / 2 * (1 + value / reach), 1)

    labels = {True: -LABEL_STEP, False: -LABEL_STEP}  # right half, left half: the lowest label so far
    made: list[Dot] = []
    for sample in sorted(study.samples, key=lambda sample: -sample.second):
        x, y = place(sample.first), place(-sample.second)
        labels[x > PLOT / 2] = max(labels[x > PLOT / 2] + LABEL_STEP, y)
        made.append(Dot(x, y, bool(sample.lot_id), sample.sample_id if named else "", labels[x > PLOT / 2]))
    behind = [(place(sample.first), place(-sample.second), sample.is_lot) for sample in study.panel]
    return [Dot(x, y, is_lot, "", y, of_panel=True) for x, y, is_lot in behind] + made


def study_heat(study: StudyExpression) -> list[Heat] | None:
    """Distances, samples x samples, and marker scores, groups x samples, in the shades of the lots' heat maps; GSVA scores,
    samples x sets, where they are known. None beyond MOST_DRAWN samples."""
    if len(study.samples) > MOST_DRAWN:
        return None
    names = [sample.sample_id for sample in study.samples]
    far = [HeatRow(gene_name=name, group="", log2=row) for name, row in zip(names, study.distances, strict=True)]
    scores = [HeatRow(gene_name=name, group="", log2=row) for name, row in zip(study.groups, study.scores, strict=True)]
    made = [_heat(far, names), _heat(scores, names)]
    if study.sets:
        columns = zip(study.samples, zip(*study.set_scores, strict=True), strict=True)
        by_sample = [HeatRow(gene_name=s.sample_id, group=s.donor_id, log2=values) for s, values in columns]
        made.append(_heat(by_sample, study.sets, SCORE_EDGES))
    return made


def _across(share: float) -> float:
    """0..1 of a row figure's axis to per cent of its width."""
    return round(INSET + (100 - 2 * INSET) * min(max(share, 0.0), 1.0), 2)


def _tpm(value: float) -> float:
    return _across(math.log2(value + 1) / TPM_TOP)


@dataclass(frozen=True)
class Dumbbell:
    """One marker's row, x in per cent; None = not measured. expected_low, expected_high: by the reference panel."""

    row: MarkerRow
    lot: float | None
    donor: float | None
    low: float | None
    high: float | None
    limit: float | None
    way: str
    expected_low: float | None = None
    expected_high: float | None = None


@dataclass(frozen=True)
class Lollipop:
    """One gene set's row, x in per cent. clamped: the score lies beyond the axis."""

    x: float
    zero: float
    way: str
    significant: bool
    clamped: bool


def tpm_ticks() -> list[tuple[float, str]]:
    """Short, so that they do not touch on paper."""
    return [(_tpm(value), f"{value // 1000}k" if value >= 1000 else str(value)) for value in TPM_DECADES]


def nes_ticks() -> list[tuple[float, str]]:
    return [(_nes(value), axis(value)) for value in range(-3, 4)]


def _nes(value: float) -> float:
    return _across((value + NES_TOP) / (2 * NES_TOP))


def dumbbells(record: ExpressionRecord) -> dict[str, list[Dumbbell]]:
    """Markers by group, in panel order."""
    groups: dict[str, list[Dumbbell]] = {}
    for row in record.markers:
        levels = (row.lot_tpm, row.donor_tpm, row.lot_tpm_low, row.lot_tpm_high, row.limit_tpm)
        lot, donor, low, high, limit, *expected = (
            None if value is None else _tpm(value) for value in (*levels, row.panel_tpm_low, row.panel_tpm_high)
        )
        way = "" if row.log2fc is None else "gain" if row.log2fc > 0 else "loss" if row.log2fc < 0 else ""
        groups.setdefault(row.group, []).append(Dumbbell(row, lot, donor, low, high, limit, way, *expected))
    return groups


def lollipops(record: ExpressionRecord) -> list[Lollipop | None]:
    """Gene sets in the record's order; None for one that is not assessed."""
    return [
        None
        if row.nes is None
        else Lollipop(
            _nes(row.nes),
            _nes(0),
            "gain" if row.nes > 0 else "loss",
            record.p_values and row.significant(record.significance),
            abs(row.nes) > NES_TOP,
        )
        for row in record.sets
    ]
