"""The drawings: every mark stands where its number says."""

import math
import re
from itertools import combinations, pairwise
from pathlib import Path
from statistics import median

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.ft2font import FT2Font

import planted_records
from karyolot.contracts.record_dna import BinTrack, CallRow, CopyNumberRecord
from karyolot.contracts.record_rna import HeatRow
from karyolot.report.figures import expression, genome, heat
from karyolot.report.figures.arms import arm_states
from karyolot.report.text import copy_number as said


def labels(record: CopyNumberRecord) -> list[str]:
    return [said.call(row, record.sets).label for row in record.calls]


def ratio_plot(record: CopyNumberRecord) -> genome.GenomePlot:
    return genome.ratio_plot(record, labels(record), ("gain", "loss"))


def points(plot: genome.GenomePlot) -> list[tuple[float, float]]:
    """Drawn points as (x, log2), read back from the path."""
    found = re.findall(r"M([\d.]+) ([\d.]+)h0", plot.points)
    return [(float(x), value(plot, float(y))) for x, y in found]


def value(plot: genome.GenomePlot, y: float) -> float:
    low, high = genome.REACH
    return high - (y - plot.top) / plot.height * (high - low)


def stripe(plot: genome.GenomePlot, label: str) -> tuple[float, float]:
    (mark,) = (c for c in plot.chromosomes if c.label == label)
    return mark.left, mark.left + mark.width


def test_planted_changes_are_drawn_at_their_place_and_height() -> None:
    record = planted_records.failing().copy_number
    plot = ratio_plot(record)
    drawn = points(plot)
    across = (plot.right - plot.left) / sum(contig.length for contig in record.chromosomes)
    for index, label, height in ((0, "8", math.log2(1 + 0.97 / 2)), (1, "20", math.log2(1.2))):
        call, row = plot.calls[index], record.calls[index]
        low, high = stripe(plot, label)
        assert low - 0.2 <= call.left
        assert call.left + call.width <= high + 0.2
        inside = [y for x, y in drawn if call.left < x < call.left + across * (row.end - row.start)]
        assert median(inside) == pytest.approx(height, abs=0.03)
    low, high = stripe(plot, "1")
    assert median(y for x, y in drawn if low < x < high) == pytest.approx(0, abs=0.01)
    for call, row in zip(plot.calls, record.calls, strict=True):
        offset = next(contig.offset for contig in record.chromosomes if contig.name == row.chrom)
        assert call.left == pytest.approx(plot.left + across * (offset + row.start), abs=0.1)
        width = max(across * (row.end - row.start), 2.0)
        assert call.width == pytest.approx(width, abs=0.2)
    assert len(drawn) + plot.above + plot.below == len(record.bins.start)
    assert (plot.above, plot.below) == (1, 2)
    assert plot.triangles.count("z") == 3


def test_segment_medians_and_limits_are_drawn_at_their_values() -> None:
    record = planted_records.failing().copy_number
    plot = ratio_plot(record)
    for bar, row in zip(plot.segments, record.segments, strict=True):
        assert value(plot, bar.y) == pytest.approx(row.log2, abs=0.006)
        assert not bar.off
    assert [value(plot, line.y) for line in plot.limits] == pytest.approx([math.log2(1.5), -1], abs=0.006)
    assert value(plot, plot.zero) == pytest.approx(0, abs=0.006)
    high = record.model_copy(update={"segments": (record.segments[0].model_copy(update={"log2": 2.5}),)})
    (bar,) = ratio_plot(high).segments
    assert bar.off == "up"
    assert value(plot, bar.y) == pytest.approx(genome.REACH[1], abs=0.006)


def test_the_band_is_the_lots_own_limit_at_the_claimed_size() -> None:
    record = planted_records.failing().copy_number
    plot = ratio_plot(record)
    assert record.claim is not None and record.claim.gain is not None and record.claim.loss is not None
    assert plot.band is not None
    drawn = [value(plot, y) for y in plot.band]
    assert drawn == pytest.approx(
        [math.log2(1 + record.claim.gain / 2), math.log2(1 - record.claim.loss / 2)], abs=0.006
    )
    assert ratio_plot(planted_records.thin().copy_number).band is None
    blind = {round(bar.x1) for bar in plot.blind}
    assert round(stripe(plot, "13")[0]) in blind and round(stripe(plot, "12")[0]) not in blind


def test_the_axis_is_the_same_for_every_lot() -> None:
    plots = [ratio_plot(make().copy_number) for make in planted_records.ALL.values()]
    assert len({plot.height for plot in plots}) == 1
    assert len({tuple(tick.label for tick in plot.ticks) for plot in plots}) == 1


def test_guide_lines_know_the_sex_of_the_donor() -> None:
    male = ratio_plot(planted_records.failing().copy_number)
    assert [mark.label for mark in male.chromosomes if mark.single] == ["X", "Y"]
    assert [value(male, guide.y) for guide in male.guides] == pytest.approx([1, 1], abs=0.006)
    assert (male.guides[0].x1, male.guides[0].x2) == pytest.approx(stripe(male, "X"))
    female = ratio_plot(planted_records.passing().copy_number)
    assert female.guides == ()
    assert female.empty == ("Y",)


def test_the_tracks_alone_show_one_copy_of_x_in_a_man() -> None:
    record = planted_records.failing().copy_number
    for values in (record.bins.donor_log2, record.bins.lot_log2):
        plot = genome.track_plot(record, values)
        low, high = stripe(plot, "X")
        assert median(y for x, y in points(plot) if low < x < high) == pytest.approx(-1, abs=0.03)
        expected = {value(plot, guide.y) for guide in plot.guides if guide.x1 >= low}
        assert all(height == pytest.approx(-1, abs=0.01) for height in expected)
    copies = {line.label: value(plot, line.y) for line in plot.copies}
    assert copies["1"] == pytest.approx(-1, abs=0.01)
    assert copies["3"] == pytest.approx(math.log2(1.5), abs=0.01)


def test_arms_take_the_state_of_the_calls_on_them() -> None:
    record = planted_records.failing().copy_number
    states = arm_states(record)
    assert {key for key, state in states.items() if state == "gain"} == {("chr8", "p"), ("chr8", "q")}
    assert [key for key, state in states.items() if state == "part-gain"] == [("chr20", "q")]
    assert states["chr13", "p"] == "blind"
    assert states["chr1", "p"] == "none"
    loss = record.calls[0].model_copy(update={"type": "loss", "start": 60_000_000})
    states = arm_states(record.model_copy(update={"calls": (*record.calls, loss)}))
    assert (states["chr8", "p"], states["chr8", "q"]) == ("gain", "mixed")


def test_allele_shares_part_where_alleles_moved_and_stand_below_the_copy_numbers() -> None:
    record = planted_records.failing()
    assert record.alleles is not None
    assert record.text.alleles is not None
    plots = genome.allele_plots(
        record.copy_number, record.alleles, labels(record.copy_number), record.text.alleles.events
    )
    ratio = ratio_plot(record.copy_number)
    track, (event,) = record.alleles.track, record.alleles.events
    for plot, values in zip(plots, (track.donor, track.lot), strict=True):
        zero, half, one = (line.y for line in plot.copies)
        assert [tick.label for tick in plot.ticks] == ["0", "1/2", "1"] and [tick.y for tick in plot.ticks] == [
            zero,
            half,
            one,
        ]
        assert plot.top < one < half < zero < plot.bottom and half == pytest.approx((zero + one) / 2, abs=0.1)
        (guide,) = plot.guides
        assert (guide.x1, guide.x2, guide.y) == (plot.left, plot.right, half)
        found = [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", plot.points)]
        assert [(zero - y) / (zero - one) for _, y in found] == pytest.approx(
            [share / 1000 for share in values], abs=0.001
        )
        assert [mark.left for mark in plot.chromosomes] == [mark.left for mark in ratio.chromosomes]
        assert plot.empty == ("X", "Y")
        assert [call.type for call in plot.calls] == ["gain", "gain", "copy-neutral"]
        assert [call.left for call in plot.calls[:2]] == [call.left for call in ratio.calls]
        low, high = stripe(plot, "4")
        band = plot.calls[2]
        assert low < band.left and band.left + band.width == pytest.approx(high, abs=0.2)
    donor, lot = plots
    assert [call.label for call in donor.calls if call.row is not None][-1] == "copy-neutral 4q in 40% of diploid cells"
    assert all(call.row is None for call in lot.calls), "labels stand once"
    inside = [
        (a, b)
        for chrom, start, a, b in zip(track.chrom, track.start, track.donor, track.lot, strict=True)
        if chrom == event.chrom and event.start <= start < event.end
    ]
    far = [sum(abs(pair[n] - 490) > 120 for pair in inside) / len(inside) for n in (0, 1)]
    assert far[0] < 0.35 < 0.7 < far[1]


@st.composite
def tracks(draw: st.DrawFn) -> BinTrack:
    starts = sorted(draw(st.sets(st.integers(0, 400), min_size=1, max_size=120)))
    split = draw(st.integers(0, len(starts)))
    values = draw(st.lists(st.floats(-3, 3), min_size=len(starts), max_size=len(starts)))
    chrom = ["chr1"] * split + ["chr2"] * (len(starts) - split)
    return BinTrack(
        bin_bp=100, chrom=chrom, start=[s * 100 for s in starts], log2=values, lot_log2=values, donor_log2=values
    )


@given(tracks(), st.integers(2, 60))
def test_thinned_points_are_few_and_stay_within_what_they_stand_for(track: BinTrack, most: int) -> None:
    thinned, group = genome.thin(track, track.log2, most)
    assert len(thinned) <= most
    if len(track.start) <= most:
        assert group == 1
        assert [(c, p - 50, v) for c, p, v in thinned] == list(zip(track.chrom, track.start, track.log2, strict=True))
    for chrom, position, height in thinned:
        near = [
            v
            for c, s, v in zip(track.chrom, track.start, track.log2, strict=True)
            if c == chrom and abs(s - position) <= group * track.bin_bp
        ]
        assert min(near) <= height <= max(near)
    for (chrom, position, _), (following, beyond, _) in pairwise(thinned):
        assert chrom != following or position < beyond


@given(st.lists(st.tuples(st.integers(0, 21), st.floats(0, 0.9)), min_size=1, max_size=30))
def test_labels_of_calls_never_touch(places: list[tuple[int, float]]) -> None:
    base = planted_records.failing().copy_number
    calls: list[CallRow] = []
    for index, share in places:
        contig = base.chromosomes[index]
        start = int(contig.length * share)
        update = {"chrom": contig.name, "start": start, "end": start + contig.length // 10}
        calls.append(base.calls[0].model_copy(update=update))
    plot = ratio_plot(base.model_copy(update={"calls": tuple(calls)}))
    assert len(plot.calls) == len(calls)
    for one, other in combinations((call for call in plot.calls if call.row is not None), 2):
        if one.row == other.row:
            apart = abs(one.label_x - other.label_x)
            assert apart >= genome.CHARACTER * (len(one.label) + len(other.label)) / 2
    for call in plot.calls:
        if call.row is not None:
            assert plot.top - 6 - 17 * call.row > 8


def test_marker_symbols_stand_at_their_tpm() -> None:
    record = planted_records.failing().expression
    assert record is not None
    marks = {mark.row.gene_name: mark for rows in expression.dumbbells(record).values() for mark in rows}
    ruler = {label: x for x, label in expression.tpm_ticks()}
    alb = marks["ALB"]
    assert alb.way == "loss"
    assert alb.lot is not None
    assert alb.donor is not None
    assert ruler["100"] < alb.lot < ruler["1k"] < ruler["10k"] < alb.donor <= 100 - expression.INSET
    assert marks["HLA-DRA"].limit == ruler["1"]
    assert marks["GPC3"].lot is None
    assert sum(len(rows) for rows in expression.dumbbells(record).values()) == len(record.markers)


def test_gene_sets_are_filled_by_significance_and_clamped_at_the_axis() -> None:
    record = planted_records.failing().expression
    assert record is not None
    far = record.sets[0].model_copy(update={"nes": 5.0})
    marks = expression.lollipops(record.model_copy(update={"sets": (*record.sets, far)}))
    assert [mark.significant for mark in marks] == [True, True, False, True, True, True, True]
    assert [mark.way for mark in marks][5] == "loss"
    assert all((mark.x > mark.zero) == (mark.way == "gain") for mark in marks)
    assert marks[-1].clamped
    assert marks[-1].x == 100 - expression.INSET
    assert not marks[0].clamped


def test_a_genome_without_centromeres_and_chr_is_drawn() -> None:
    base = planted_records.passing().copy_number
    chromosomes = (base.chromosomes[0].model_copy(update={"name": "contig_1", "centromere": None}),)
    track = BinTrack(bin_bp=1000, chrom=["contig_1"], start=[0], log2=[0.0], lot_log2=[0.0], donor_log2=[0.0])
    arm = base.arms[0].model_copy(update={"name": "contig_1"})
    update = {"chromosomes": chromosomes, "bins": track, "segments": (), "arms": (arm,)}
    record: CopyNumberRecord = base.model_copy(update=update)
    assert len(points(ratio_plot(record))) == 1
    assert arm_states(record) == {("contig_1", ""): "none"}


def test_names_beside_a_heat_map_fit_whole() -> None:
    """Measured in the font of the PDF, among the widest a browser may take."""
    font = FT2Font(str(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"))
    font.set_size(11, 72)

    def width(text: str) -> float:
        font.set_text(text)
        return font.get_width_height()[0] / 64

    rows = tuple(
        HeatRow(gene_name=name, group="ECM disassembly", log2=(0.0, 1.0))
        for name in ("ADAMTS12", "SH3PXD2B", "HLA-DMA", "MMP1")
    )
    long = "L3-swapped-rna-second-preparation"
    record = planted_records.expression().model_copy(update={"heat": rows, "heat_samples": ("D1", long)})
    (plot,) = heat.heat(record)
    assert plot.bottom + 5 + max(width(row.gene_name) for row in rows) <= plot.height
    assert width(long) <= plot.left


def test_the_heat_map_has_every_gene_in_every_sample_in_fixed_shades() -> None:
    record = planted_records.expression()
    markers, pathways = heat.heat(record)
    for plot, panel in ((markers, True), (pathways, False)):
        rows = [row for row in record.heat if (row.group in {m.group for m in record.markers}) == panel]
        assert [name for name, _ in plot.genes] == [row.gene_name for row in rows]
        assert [name for name, _ in plot.samples] == list(record.heat_samples)
        assert sum(path.count("z") for path in plot.paths.values()) == len(rows) * len(record.heat_samples)
        places = [x for _, x in plot.genes]
        assert (np.diff(places) >= heat.CELL).all()
        ends = [x + genome.CHARACTER * len(name) for name, x in plot.groups]
        assert all(end <= x for end, (_, x) in zip(ends, plot.groups[1:], strict=False)), "names of groups do not touch"
        assert plot.width >= max(ends)
    assert [heat.shade(value) for value in (-9, -4, -0.5, -0.49, 0, 0.49, 0.5, 1, 2, 3.9, 4)] == [
        -4, -4, -1, 0, 0, 0, 1, 2, 3, 3, 4,
    ]  # fmt: skip
    assert heat.heat(record.model_copy(update={"heat": ()})) == []
