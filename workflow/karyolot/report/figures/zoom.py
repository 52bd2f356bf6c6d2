"""Data of the zoomable plots: bins as base64 of little-endian Int16, positions as runs of neighbouring windows.

Only numbers: the names a reader sees are in the page itself, escaped like all its text.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from karyolot.contracts.record_dna import CopyNumberRecord
from karyolot.report.figures.genome import REACH, label_rows, own_limit, ratio_limits

MOST_WINDOWS = 150_000
"""Points embedded per track: three tracks of 2.7 bytes a point are 1.2 MB, which keeps a report below 2 MB."""
STEPS = 1_000
"""Int16 steps per log2 unit: values to 0.001, up to +-32.7."""
MARGIN = 0.5
"""A called change is shown with half its size around it."""


@dataclass(frozen=True)
class View:
    """An entry of the plot's select: joint bases and its name."""

    start: int
    end: int
    name: str


@dataclass(frozen=True)
class Zoom:
    """data: what the script reads. group: bins per point at most. names: of the marks in `data` by kind, a line each."""

    data: dict[str, Any]
    group: int
    chromosomes: tuple[View, ...]
    calls: tuple[View, ...]
    names: dict[str, str]

    @property
    def total(self) -> int:
        return max((view.end for view in self.chromosomes), default=1)


def windows(record: CopyNumberRecord, most: int = MOST_WINDOWS) -> tuple[pd.DataFrame, int]:
    """At most `most` rows (chrom = number of the contig, window, ratio, donor, lot), and the bins per window.

    Window w covers bases [w * group * bin_bp, (w + 1) * group * bin_bp) of its contig; a value is the median of its bins.
    """
    track = record.bins
    order = {chromosome.name: number for number, chromosome in enumerate(record.chromosomes)}
    bins = pd.DataFrame(
        {
            "chrom": [order[name] for name in track.chrom],
            "bin": np.asarray(track.start, dtype=np.int64) // track.bin_bp,
            "ratio": np.asarray(track.log2, dtype=float),
            "donor": np.asarray(track.donor_log2, dtype=float),
            "lot": np.asarray(track.lot_log2, dtype=float),
        }
    )
    group = max(1, -(-len(bins) // most))
    while True:
        keyed = bins.assign(window=bins["bin"] // group)
        held = len(keyed[["chrom", "window"]].drop_duplicates())
        if held <= most or held == bins["chrom"].nunique():
            break
        group += 1
    table = keyed.groupby(["chrom", "window"], as_index=False)[["ratio", "donor", "lot"]].median()
    return table, group


def _packed(values: "pd.Series[float]") -> str:
    steps = np.clip(np.rint(values.to_numpy() * STEPS), -32768, 32767)
    return base64.b64encode(steps.astype("<i2").tobytes()).decode()


def _runs(table: pd.DataFrame) -> list[list[int]]:
    """[contig, first window, number of windows] for each run without a gap."""
    chrom, window = table["chrom"].to_numpy(), table["window"].to_numpy()
    breaks = np.flatnonzero((np.diff(chrom) != 0) | (np.diff(window) != 1)) + 1
    starts = np.concatenate([[0], breaks]) if len(table) else np.array([], dtype=int)
    counts = np.diff(np.append(starts, len(table)))
    return [[int(chrom[i]), int(window[i]), int(count)] for i, count in zip(starts, counts, strict=True)]


def _blind(record: CopyNumberRecord, offsets: Mapping[str, int]) -> list[list[int]]:
    """Arms that cannot be assessed, in bases on the joint axis."""
    contigs = {contig.name: contig for contig in record.chromosomes}
    found: list[list[int]] = []
    if not any(row.assessable for row in record.arms):
        return found
    for row in record.arms:
        contig = contigs.get(row.name[:-1])
        if row.scope == "arm" and not row.assessable and contig is not None and contig.centromere is not None:
            start, end = (0, contig.centromere) if row.name.endswith("p") else (contig.centromere, contig.length)
            found.append([offsets[contig.name] + start, offsets[contig.name] + end])
    return found


def _marks(record: CopyNumberRecord, offsets: Mapping[str, int]) -> dict[str, list[tuple[list[int], str]]]:
    """Named regions by kind: their ends on the joint axis, and their name."""
    held = record.landmarks
    found: dict[str, list[tuple[list[int], str]]] = {"band": [], "listed": [], "gene": []}
    for chrom, start, end, kind, name in zip(held.chrom, held.start, held.end, held.kind, held.name, strict=True):
        if chrom in offsets:
            found[kind].append(([offsets[chrom] + start, offsets[chrom] + end], name))
    return found


def zoom(
    record: CopyNumberRecord,
    labels: Sequence[str],
    rules: Sequence[str] = ("", ""),
    banded: bool = True,
    most: int = MOST_WINDOWS,
) -> Zoom:
    """What figures 1 and 2 need to zoom. Positions are bases on the joint axis, ratios log2. labels: of the calls; rules: of the
    published limits; banded: the lot's own limit is drawn."""
    table, group = windows(record, most)
    offsets = {chromosome.name: chromosome.offset for chromosome in record.chromosomes}
    total = max((c.offset + c.length for c in record.chromosomes), default=1)
    chromosomes = tuple(View(c.offset, c.offset + c.length, c.name.removeprefix("chr")) for c in record.chromosomes)
    calls = []
    for call, label in zip(record.calls, labels, strict=True):
        start, end = offsets[call.chrom] + call.start, offsets[call.chrom] + call.end
        around = round(MARGIN * (end - start))
        calls.append(View(max(0, start - around), min(total, end + around), label))
    used, marks = set(table["chrom"]), _marks(record, offsets)
    data = {
        "window": group * record.bins.bin_bp,
        "reach": REACH,
        "band": own_limit(record) if banded else None,
        "rows": max(label_rows(record, labels), 1),
        "blind": _blind(record, offsets),
        "steps": STEPS,
        "runs": _runs(table),
        "tracks": {name: _packed(table[name]) for name in ("ratio", "donor", "lot")},
        "chromosomes": [
            {
                "start": c.offset,
                "end": c.offset + c.length,
                "centromere": None if c.centromere is None else c.offset + c.centromere,
                "copies": c.copies,
                "used": number in used,
            }
            for number, c in enumerate(record.chromosomes)
        ],
        "segments": [
            [offsets[row.chrom] + row.start, offsets[row.chrom] + row.end, round(row.log2, 4)]
            for row in record.segments
        ],
        "calls": [
            {"start": offsets[c.chrom] + c.start, "end": offsets[c.chrom] + c.end, "type": c.type} for c in record.calls
        ],
        "marks": {kind: [place for place, _ in held] for kind, held in marks.items()},
        "limits": [[round(value, 4), name] for name, value in zip(rules, ratio_limits(record), strict=False)],
    }
    names = {kind: "\n".join(name for _, name in held) for kind, held in marks.items()}
    return Zoom(data, group, chromosomes, tuple(calls), names)
