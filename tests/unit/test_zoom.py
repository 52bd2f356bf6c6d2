"""What the zoomable plots are given: every bin, at its place, and nothing that is not a number."""

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import planted_records
from karyolot.contracts.record_dna import BinTrack, CopyNumberRecord
from karyolot.report.figures import zoom as figure
from karyolot.report.text import copy_number as said

ROOT = Path(__file__).parents[2]
VENDORED = [
    ROOT / "workflow" / "karyolot" / "report" / "templates" / "vendor" / "uplot-1.6.32",
    ROOT / "tests" / "browser" / "vendor" / "axe-core-4.10.3",
]


def zoom(record: CopyNumberRecord, most: int = figure.MOST_WINDOWS) -> figure.Zoom:
    labels = [said.call(row, record.sets).label for row in record.calls]
    return figure.zoom(record, labels, ("gain", "loss"), most=most)


def read_back(data: dict[str, Any], track: str) -> dict[tuple[int, int], float]:
    """(contig, window) -> log2, as the script reads it."""
    values = np.frombuffer(base64.b64decode(data["tracks"][track]), dtype="<i2") / data["steps"]
    places = [(chrom, first + k) for chrom, first, count in data["runs"] for k in range(count)]
    return dict(zip(places, values.tolist(), strict=True))


@pytest.mark.parametrize("make", planted_records.ALL.values(), ids=planted_records.ALL)
def test_every_bin_is_embedded_at_its_place(make: Callable[[], Any]) -> None:
    record = make().copy_number
    track = record.bins
    numbers = {contig.name: number for number, contig in enumerate(record.chromosomes)}
    keys = [(numbers[c], s // track.bin_bp) for c, s in zip(track.chrom, track.start, strict=True)]
    made = zoom(record)
    assert made.group == 1
    for name, values in (("ratio", track.log2), ("donor", track.donor_log2), ("lot", track.lot_log2)):
        found = read_back(made.data, name)
        assert list(found) == sorted(keys)
        assert max(abs(found[key] - value) for key, value in zip(keys, values, strict=True)) <= 0.00051


@given(st.lists(st.integers(0, 400), min_size=1, max_size=120, unique=True), st.integers(1, 60))
def test_too_many_bins_become_medians_of_windows(places: list[int], most: int) -> None:
    base = planted_records.passing().copy_number
    values = [(-1) ** place * place / 500 for place in places]
    track = BinTrack(
        bin_bp=1000,
        chrom=["chr2"] * len(places),
        start=[place * 1000 for place in places],
        log2=values,
        lot_log2=values,
        donor_log2=values,
    )
    made = zoom(base.model_copy(update={"bins": track}), most)
    found = read_back(made.data, "ratio")
    assert len(found) <= most or made.group == 1
    assert made.data["window"] == 1000 * made.group
    for (chrom, window), value in found.items():
        assert chrom == 1
        held = [v for place, v in zip(places, values, strict=True) if place // made.group == window]
        assert value == pytest.approx(median(held), abs=0.00051)


def test_values_beyond_int16_are_held_at_its_ends() -> None:
    base = planted_records.passing().copy_number
    far = base.model_copy(update={"bins": base.bins.model_copy(update={"log2": [99.0] * len(base.bins.start)})})
    assert set(read_back(zoom(far).data, "ratio").values()) == {32.767}


def test_marks_stand_on_the_joint_axis() -> None:
    record = planted_records.failing().copy_number
    made = zoom(record)
    offsets = {contig.name: contig.offset for contig in record.chromosomes}
    first = record.calls[0]
    assert made.data["calls"][0] == {"start": offsets["chr8"], "end": offsets["chr8"] + first.end, "type": "gain"}
    view = made.calls[1]
    call = record.calls[1]
    assert view.start < offsets["chr20"] + call.start < offsets["chr20"] + call.end < view.end
    assert view.name == "E2 Gain of 20q11.21: 40%"
    assert [row[2] for row in made.data["segments"]] == [row.log2 for row in record.segments]
    assert [c["copies"] for c in made.data["chromosomes"]][-2:] == [1, 1]
    assert made.data["limits"] == [[0.585, "gain"], [-1.0, "loss"]]


def test_bands_and_genes_stand_on_the_joint_axis_and_their_names_in_the_page() -> None:
    record = planted_records.failing().copy_number
    made = zoom(record)
    offset = next(contig.offset for contig in record.chromosomes if contig.name == "chr20")
    assert made.data["marks"]["listed"] == [[offset + 31_664_457, offset + 31_723_963]]
    assert {kind: len(held) for kind, held in made.data["marks"].items()} == {"band": 5, "listed": 1, "gene": 3}
    assert made.names == {"band": "p11.1\nq11.1\np13\nq11.21\nq11.22", "listed": "BCL2L1", "gene": "ID1\nTPX2\nDNMT3B"}
    html = planted_records.html(planted_records.failing())
    assert 'data-gene="ID1\nTPX2\nDNMT3B"' in html
    assert "DGKB" in html and "7p21.2" in html, "the donor's own change has its band and gene"


def test_a_page_without_bins_keeps_its_still_figures_only() -> None:
    base = planted_records.thin()
    empty = BinTrack(bin_bp=1000, chrom=[], start=[], log2=[], lot_log2=[], donor_log2=[])
    bare: CopyNumberRecord = base.copy_number.model_copy(update={"bins": empty, "segments": ()})
    html = planted_records.html(planted_records.reworded(base, copy_number=bare))
    assert "<script" not in html
    assert 'class="genome ratio' in html


def test_no_text_of_a_person_is_in_the_data() -> None:
    text = json.dumps(zoom(planted_records.hostile().copy_number).data)
    assert "owned" not in text


@pytest.mark.parametrize("folder", VENDORED, ids=lambda folder: folder.name)
def test_vendored_files_are_those_of_their_sums_and_have_their_licence(folder: Path) -> None:
    listed = dict(reversed(line.split("  ")) for line in (folder / "SHA256SUMS").read_text().splitlines())
    held = {path.name for path in folder.iterdir()} - {"SHA256SUMS"}
    assert held == set(listed)
    assert "LICENSE" in held
    for name, expected in listed.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == expected, name
