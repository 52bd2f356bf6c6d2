"""Indels written into a lot's own reads: each read is that of the mutated genome, and the part that is counted is bounded."""

import shutil
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karyolot.contracts.settings import Config
from karyolot.contracts.small_variants import SpikedIndels
from karyolot.dna.variant_limits import counted
from karyolot.io.small_variants import read_spiked
from karyolot.io.spiked_indels import APART, EVENTS, PAD, Event, draw, edit
from karyolot.plan.commands import spike_command
from karyolot.plan.files import FASTA
from karyolot.plan.variants import DRIVER_REGIONS

LENGTH, READ, SITE = 6_000, 60, 1_500
GENOME = "".join(np.random.default_rng(8).choice(list("ACGT"), LENGTH))


def read_at(
    start: int, bases: str, *, reverse: bool = False, clipped: tuple[int, int] = (0, 0)
) -> pysam.AlignedSegment:
    """A read whose first base would lie at `start` if its clipped ends were aligned."""
    read = pysam.AlignedSegment(pysam.AlignmentHeader.from_references(["chr1"], [LENGTH]))
    left, right = clipped
    read.query_name, read.flag, read.reference_id, read.reference_start = "r", 16 * reverse, 0, start + left
    parts = ((left, "S"), (len(bases) - left - right, "M"), (right, "S"))
    read.cigarstring = "".join(f"{n}{kind}" for n, kind in parts if n)
    read.query_sequence, read.mapping_quality = bases, 60
    read.query_qualities = pysam.qualitystring_to_array("I" * len(bases))
    return read


@given(
    change=st.integers(-10, 10).filter(bool),
    before=st.integers(-5, READ + 5),
    reverse=st.booleans(),
    clipped=st.tuples(st.integers(0, 8), st.integers(0, 8)),
)
def test_an_edited_read_is_the_read_of_the_mutated_genome(
    change: int, before: int, reverse: bool, clipped: tuple[int, int]
) -> None:
    """Of both strands, clipped or not, at every distance from the indel: its first base on the genome stays."""
    event = Event("chr1", SITE, abs(change), "GATTACAGAT"[:change] if change > 0 else "")
    mutated = GENOME[:SITE] + event.inserted + GENOME[event.end :]
    low = SITE - before
    read = read_at(low, GENOME[low : low + READ], reverse=reverse, clipped=clipped)
    bases, anchor = edit(read, event, lambda a, b: GENOME[a:b])
    if low >= SITE:
        assert (bases, anchor) == (GENOME[low : low + READ], None), "the base before the indel is not in the read"
        return
    assert bases == mutated[low : low + READ]
    assert anchor == (SITE - 1 - low if low + READ >= SITE else None)


def test_indels_are_drawn_apart_outside_runs_and_alike_each_time() -> None:
    genome = GENOME[:2_000] + "A" * 500 + GENOME[2_500:]
    regions = [("chr1", 100, 1_900), ("chr1", 1_950, 2_600), ("chr1", 4_000, 5_950)]
    made = [draw(regions, lambda _, a, b: genome[a:b], {"chr1": LENGTH}, seed) for seed in (7, 7, 8)]
    events = made[0]
    assert made[0] == made[1] != made[2] and 12 <= len(events) < EVENTS
    starts = [event.start for event in events]
    assert all(later - earlier >= APART for earlier, later in pairwise(starts))
    assert all(any(a <= at < b for _, a, b in regions) and PAD <= at <= LENGTH - PAD for at in starts)
    assert all(genome[at - 1] != genome[at] and not 2_000 <= at < 2_500 for at in starts)
    kinds = Counter(bool(event.inserted) for event in events)
    assert abs(kinds[True] - kinds[False]) <= 1 and all(len(event.inserted) in (0, event.length) for event in events)


def table(rng: np.random.Generator, events: int, carrying: int, mean: float, varied: float) -> pd.DataFrame:
    part = rng.beta(mean * (1 / varied - 1), (1 - mean) * (1 / varied - 1), events)
    rows = [
        {"chrom": "chr1", "start": n, "change": 1, "carrying": carrying, "counted": int(rng.binomial(carrying, one))}
        for n, one in enumerate(part.tolist())
    ]
    return SpikedIndels.frame(rows)


@pytest.mark.parametrize("mean", [0.45, 0.7, 0.9])
def test_the_part_that_is_counted_lies_above_its_lower_limit_in_95_of_100_lots(mean: float) -> None:
    rng = np.random.default_rng(2)
    parts = [counted(table(rng, 60, 15, mean, 0.08)) for _ in range(150)]
    held = [part for part in parts if part is not None]
    assert len(held) == 150 and np.mean([part.low <= mean for part in held]) == pytest.approx(0.95, abs=0.035)
    assert np.mean([part.mean for part in held]) == pytest.approx(mean, abs=0.01)
    low = [part.classes.mean() / part.low for part in held]
    assert low == pytest.approx([1.0] * 150, abs=0.03)
    spread = np.mean([part.classes.std() for part in held])
    assert spread == pytest.approx(np.sqrt(mean * (1 - mean) * 0.08), rel=0.25)


@pytest.mark.parametrize(("events", "carrying"), [(0, 0), (11, 50), (60, 0), (60, 1)])
def test_too_few_spiked_indels_give_no_part(events: int, carrying: int) -> None:
    rows = [{"chrom": "1", "start": n, "change": 1, "carrying": carrying, "counted": carrying} for n in range(events)]
    assert counted(SpikedIndels.frame(rows)) is None


@pytest.mark.skipif(not (shutil.which("bcftools") and shutil.which("bwa")), reason="bcftools or bwa is not installed")
def test_longer_indels_in_short_reads_are_counted_less_often(tmp_path: Path) -> None:
    """Pairs of 2 x 60 at 40x, edited, aligned by bwa and counted."""
    (tmp_path / FASTA).parent.mkdir(parents=True)
    (tmp_path / FASTA).write_text(f">chr1\n{GENOME}\n")
    pysam.faidx(str(tmp_path / FASTA))
    (tmp_path / DRIVER_REGIONS).write_text(f"chr1\t{PAD}\t{LENGTH - PAD}\tONE\n")
    rng, reads = np.random.default_rng(4), []
    for number in range(40 * LENGTH // (2 * READ)):
        start = int(rng.integers(0, LENGTH - 200))
        for mate, at in enumerate((start, start + 200 - READ)):
            read = read_at(at, GENOME[at : at + READ], reverse=bool(mate))
            read.query_name, read.flag = f"r{number}", (99, 147)[mate]
            reads.append(read)
    with pysam.AlignmentFile(str(tmp_path / "lot.bam"), "wb", header=reads[0].header) as out:
        for read in sorted(reads, key=lambda read: read.reference_start):
            out.write(read)
    pysam.index(str(tmp_path / "lot.bam"))
    config = Config.model_validate({"alignment": {"aligner": "bwa"}})
    command = spike_command(config, "lot.bam", "spiked.tsv", "spiked.gz", sys.executable)
    subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=tmp_path, check=True, capture_output=True)
    spiked = read_spiked(tmp_path / "spiked.tsv.part", tmp_path / "spiked.gz.part")
    size = spiked["change"].abs()
    assert len(spiked) >= 20 and spiked["carrying"].between(5, 40).all()
    short, long = (
        spiked.loc[rows, "counted"].sum() / spiked.loc[rows, "carrying"].sum() for rows in (size <= 3, size >= 8)
    )
    assert 0.4 < long < short < 1 and short > 0.75
    part = counted(spiked)
    assert part is not None and part.low < part.mean
