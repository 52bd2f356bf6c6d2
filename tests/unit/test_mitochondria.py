"""Planted heteroplasmies and deletions of mitochondrial DNA, their limits, and reads that are not of mitochondria."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from numpy.typing import NDArray

from karyolot.contracts.criteria import check_metrics
from karyolot.contracts.metrics import MetricName, metrics_of
from karyolot.contracts.mitochondria import MitochondrialReads, MitochondrialResults, NuclearReads
from karyolot.contracts.record_extranuclear import MitochondrialRecord
from karyolot.contracts.results import MitochondrialFiles
from karyolot.contracts.settings import Mitochondria
from karyolot.dna.heteroplasmy import comparable, compare, heteroplasmies, smallest_shift
from karyolot.dna.mitochondria import analyse, copies, mitochondrial_metrics
from karyolot.dna.mitochondrial_deletions import deletions
from karyolot.dna.mitochondrial_genes import RCRS_LENGTH, effect, is_rcrs
from karyolot.io.mitochondria import read_mitochondria
from karyolot.io.results import read_found, write_found
from karyolot.report.record import mitochondrial_record
from karyolot.report.text.extranuclear import mitochondria as sentences
from karyolot.report.text.extranuclear import threshold

SETTINGS = Mitochondria()
LENGTH, ERROR = 6_000, 0.001
SEQUENCE = "".join(np.random.default_rng(8).choice(list("ACGT"), LENGTH))
MANY = NuclearReads(autosomal=0.1, duplicates=0, reads=10_000_000)
"""Nuclear reads so few beside the mitochondrial ones that no nuclear copy matters."""
EMPTY: NDArray[np.int64] = np.zeros((0, 4), dtype=np.int64)


def reads(
    rng: np.random.Generator,
    depth: int,
    planted: Mapping[int, float] | None = None,
    strands: float = 0.5,
    error: float = ERROR,
) -> MitochondrialReads:
    """A sample by its counts. planted: position -> fraction of the base after the reference's. strands: of the planted bases,
    the part on the forward strand."""
    codes = np.array(["ACGT".index(base) for base in SEQUENCE])
    chance = np.full((LENGTH, 4), error / 3)
    chance[np.arange(LENGTH), codes] = 1 - error
    counts = rng.multinomial(depth, chance)
    forward = rng.binomial(counts, 0.5)
    for at, fraction in (planted or {}).items():
        own, other = codes[at], (codes[at] + 1) % 4
        moved = rng.binomial(depth, fraction)
        counts[at] = 0
        counts[at, [own, other]] = depth - moved, moved
        forward[at] = rng.binomial(counts[at], 0.5)
        forward[at, other] = rng.binomial(moved, strands)
    bases = np.stack([forward, counts - forward], axis=2)
    starts = np.arange(0, LENGTH - 100, 2)
    spans = np.stack([starts, starts + 100, starts], axis=1)
    return MitochondrialReads("chrM", SEQUENCE, bases, spans, EMPTY, (), depth * LENGTH // 300, 0, 0, 0, 0)


def found(lot: MitochondrialReads, donor: MitochondrialReads, nuclear: float = 0.0) -> pd.DataFrame:
    return heteroplasmies(compare(lot, donor, SETTINGS, nuclear), lot, donor, SETTINGS).set_index("start")


def places(number: int) -> list[int]:
    """Positions that are compared, apart from each other."""
    return np.flatnonzero(comparable(SEQUENCE))[:: LENGTH // (2 * number)][:number].tolist()


def test_planted_heteroplasmy_lies_in_its_interval() -> None:
    """280 intervals of 95 %: fewer than 252 hold the truth in 1 of 10,000 runs."""
    rng, held, number = np.random.default_rng(1), 0, 20
    for fraction in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5):
        planted = dict.fromkeys(places(2 * number)[::2], fraction)
        before = dict.fromkeys(places(2 * number)[1::2], fraction / 2)
        table = found(reads(rng, 4000, planted), reads(rng, 4000, before))
        shift, donor = table.reindex(planted), table.reindex(before)
        if fraction >= 0.05:
            assert (shift["finding"] == "shift").all()
        held += int(((shift["shift_low"] <= fraction) & (fraction <= shift["shift_high"])).sum())
        held += int(((donor["donor_low"] <= fraction / 2) & (fraction / 2 <= donor["donor_high"])).sum())
        held += int(shift["lot"].isna().sum() + donor["donor"].isna().sum())  # below 2 %, not listed
    assert held >= 252


@pytest.mark.parametrize(("depth", "donor_depth"), [(60, 60), (400, 150), (5000, 2000)])
def test_the_printed_shift_is_found_with_the_stated_power(depth: int, donor_depth: int) -> None:
    """Of 400 at 95 %, 363 to 396 but for 1 in 1,000 runs on either side."""
    rng = np.random.default_rng(depth)
    compared = compare(reads(rng, depth), reads(rng, donor_depth), SETTINGS, 0.0)
    limit = smallest_shift(compared, depth, donor_depth, SETTINGS.power)
    assert limit is not None
    hits = 0
    for _ in range(4):
        planted = dict.fromkeys(places(100), limit)
        table = found(reads(rng, depth, planted), reads(rng, donor_depth)).reindex(planted)
        hits += int((table["finding"] == "shift").sum())
    assert 363 <= hits <= 399


def test_stable_lots_show_no_shift_even_where_libraries_differ_in_their_errors() -> None:
    """At 5 % per lot, more than 4 of 20 in 1 of 400 runs."""
    rng = np.random.default_rng(3)
    pairs = [(reads(rng, 3000, error=0.001 + 0.002 * (n % 2)), reads(rng, 2000)) for n in range(20)]
    assert sum((found(*pair)["finding"] == "shift").any() for pair in pairs) <= 4


def test_an_allele_of_one_strand_is_an_artefact() -> None:
    rng = np.random.default_rng(4)
    (at,) = places(1)
    table = found(reads(rng, 1000, {at: 0.2}, strands=1.0), reads(rng, 1000))
    assert table.loc[at, "finding"] == "artefact"
    assert found(reads(rng, 1000, {at: 0.2}), reads(rng, 1000)).loc[at, "finding"] == "shift"


def test_what_a_nuclear_copy_in_every_cell_could_make_is_no_shift() -> None:
    rng = np.random.default_rng(5)
    (at,) = places(1)
    pair = reads(rng, 5000, {at: 0.08}), reads(rng, 5000)
    assert found(*pair, nuclear=0.05).loc[at, "finding"] == "shift"
    assert found(*pair, nuclear=0.2).loc[at, "finding"] == "same"
    few = NuclearReads(autosomal=pair[0].fragments / LENGTH / 4, duplicates=0, reads=10**9)  # 8 copies per cell
    assert analyse(*pair, few, few, SETTINGS, None).facts.nuclear == pytest.approx(0.2, rel=0.01)


def test_alleles_in_all_genomes_of_both_are_not_listed() -> None:
    rng = np.random.default_rng(6)
    at, other = places(2)
    table = found(reads(rng, 500, {at: 1.0, other: 1.0}), reads(rng, 500, {at: 1.0, other: 0.5}))
    assert at not in table.index and table.loc[other, "finding"] == "shift"


def test_copies_per_cell_leave_out_pcr_duplicates_and_keep_equal_fragments() -> None:
    lot = reads(np.random.default_rng(7), 3000)  # 10 fragments per base
    plain = copies(lot, NuclearReads(0.05, 0, 10_000_000), 2.0)
    assert plain is not None and plain.value == pytest.approx(400) and plain.low <= 400 <= plain.high
    # A fifth of all reads of the cells are PCR copies; on the contig, a third of the fragments are equal by chance beside them.
    copied = lot._replace(duplicates=lot.fragments // 2)
    outside = 10_000_000 - 2 * lot.fragments
    marked = copies(copied, NuclearReads(0.04, 2 * copied.duplicates + outside // 5, 10_000_000), 4.0)
    half = lot.bases.copy()
    half[: LENGTH // 2] //= 2  # an uneven contig widens the interval
    uneven = copies(lot._replace(bases=half), NuclearReads(0.05, 0, 10_000_000), 2.0)
    assert uneven is not None and uneven.low < 350 and uneven.high > 450
    assert marked is not None and marked.value == pytest.approx(800, rel=1e-3) and marked.sets == 4.0


def test_without_mitochondrial_reads_nothing_is_assessed() -> None:
    some = reads(np.random.default_rng(9), 100)
    none = some._replace(spans=some.spans[:0], bases=some.bases * 0, fragments=0)
    for lot, donor, reason in (
        (None, None, "the reference has no mitochondrial contig"),
        (some, none, "the donor has no usable read on chrM"),
        (none, some, "the lot has no usable read on chrM"),
    ):
        results = analyse(lot, donor, MANY, MANY, SETTINGS, None)
        metrics = check_metrics(mitochondrial_metrics(results))
        assert metrics.keys() == metrics_of("mitochondria")
        assert all(metric.value is None and reason in metric.reason for metric in metrics.values())
        (said,) = sentences(results)
        assert reason in said and threshold(mitochondrial_record(results)) == ""


def results_of(planted: Mapping[int, float]) -> MitochondrialResults:
    rng = np.random.default_rng(10)
    return analyse(reads(rng, 1000, planted), reads(rng, 1000), MANY, MANY, SETTINGS, None)


def test_only_a_rise_to_most_genomes_is_in_the_pathogenic_range() -> None:
    at, other = places(2)
    metrics = mitochondrial_metrics(results_of({at: 0.7, other: 0.4}))
    shifts, pathogenic = metrics[MetricName.MITOCHONDRIA_SHIFTS], metrics[MetricName.MITOCHONDRIA_PATHOGENIC]
    assert (shifts.value, pathogenic.value) == (2, 1)
    assert f"m.{at + 1}{SEQUENCE[at]}>" in pathogenic.detail and len(pathogenic.about) == 1
    rng = np.random.default_rng(11)
    fallen = analyse(reads(rng, 1000), reads(rng, 1000, {at: 0.9}), MANY, MANY, SETTINGS, None)
    assert mitochondrial_metrics(fallen)[MetricName.MITOCHONDRIA_PATHOGENIC].value == 0


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    results = results_of({places(1)[0]: 0.3})
    names = {name: str(tmp_path / f"{name}.parquet") for name in ("heteroplasmies", "deletions")}
    files = MitochondrialFiles(**names, facts=str(tmp_path / "facts.json"))
    write_found(results, files.named() | {"heteroplasmies_tsv": str(tmp_path / "a.tsv")})
    again = read_found(MitochondrialResults, files)
    assert again is not None and again.facts == results.facts
    pd.testing.assert_frame_equal(again.heteroplasmies, results.heteroplasmies)
    record = mitochondrial_record(again)
    assert MitochondrialRecord.model_validate_json(record.model_dump_json()) == record and len(record.alleles) == 1


def test_another_maternal_line_is_named() -> None:
    said = " ".join(sentences(results_of(dict.fromkeys(places(6), 1.0))))
    assert "6 positions differ in all genomes" in said
    assert "positions differ" not in " ".join(sentences(results_of({})))


def test_changes_are_named_on_the_cambridge_sequence() -> None:
    """m.11778G>A (MT-ND4 R340H), m.14484T>C (MT-ND6 M64V, on the other strand) and m.3243A>G (MT-TL1) are in every textbook."""
    bases = list("A" * RCRS_LENGTH)
    bases[3106] = "N"
    bases[11776:11779] = "CGC"
    bases[14481:14484] = "CAT"
    rcrs = "".join(bases)
    assert is_rcrs(rcrs) and not is_rcrs(rcrs[:-1])
    assert effect(rcrs, 11777, "A") == ("MT-ND4", "p.R340H", True)
    assert effect(rcrs, 14483, "C") == ("MT-ND6", "p.M64V", True)
    assert effect(rcrs, 3242, "G") == ("MT-TL1", "", True)
    assert effect(rcrs, 16_100, "G") == ("", "", False)


# Aligned reads

NUCLEAR = "".join(np.random.default_rng(12).choice(list("ACGT"), 20_000))
GONE = (2000, 3500)
COMPLEMENT = str.maketrans("ACGT", "TGCA")


def fragments(
    sequence: str, number: int, circular: bool, rng: np.random.Generator, name: str
) -> list[tuple[str, str, str]]:
    """Pairs of 100 bases without errors: name, first and second mate."""
    length = np.clip(rng.normal(300, 40, number).astype(int), 120, 600)
    start = rng.integers(0, len(sequence) - (0 if circular else 700), number)
    around = sequence + sequence
    made = []
    for at, size, flip in zip(start.tolist(), length.tolist(), (rng.random(number) < 0.5).tolist(), strict=True):
        whole = around[at : at + size]
        whole = whole.translate(COMPLEMENT)[::-1] if flip else whole
        made.append((f"{name}{len(made)}", whole[:100], whole[-100:].translate(COMPLEMENT)[::-1]))
    return made


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A nuclear contig that holds a copy of 1,000 mitochondrial bases with 1 % differences, and the circle."""
    fasta = tmp_path_factory.mktemp("mitochondria") / "genome.fa"
    copy = list(SEQUENCE[4000:5000])
    for at in range(50, 1000, 100):
        copy[at] = copy[at].translate(COMPLEMENT)
    nuclear = NUCLEAR[:10_000] + "".join(copy) + NUCLEAR[10_000:]
    fasta.write_text(f">chr1\n{nuclear}\n>chrM\n{SEQUENCE}\n")
    pysam.faidx(str(fasta))
    subprocess.run(["bwa", "index", str(fasta)], check=True, capture_output=True)
    return fasta


def aligned(genome: Path, name: str, pairs: list[tuple[str, str, str]]) -> MitochondrialReads:
    fastq = genome.with_name(f"{name}.fq")
    quality = "I" * 100
    fastq.write_text("".join(f"@{n}\n{read}\n+\n{quality}\n" for n, *mates in pairs for read in mates))
    sam, cram = fastq.with_suffix(".sam"), fastq.with_suffix(".cram")
    with sam.open("w") as handle:
        subprocess.run(["bwa", "mem", "-p", "-v", "1", str(genome), str(fastq)], stdout=handle, check=True, stderr=-3)
    pysam.sort("-O", "cram", "--reference", str(genome), "-o", str(cram), str(sam))
    pysam.index(str(cram))
    found = read_mitochondria(cram, genome, SETTINGS)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def samples(genome: Path) -> tuple[MitochondrialReads, MitochondrialReads]:
    """A lot with a deletion in 30 % of its genomes and an allele at the last base in 20 %, and a donor without."""
    rng = np.random.default_rng(13)
    short = SEQUENCE[: GONE[0]] + SEQUENCE[GONE[1] :]
    other = SEQUENCE[:-1] + SEQUENCE[-1].translate(COMPLEMENT)
    nuclear = NUCLEAR[:10_000] + SEQUENCE[4000:5000].translate(COMPLEMENT) + NUCLEAR[10_000:]
    lot = [
        *fragments(SEQUENCE, 3000, True, rng, "whole"),
        *fragments(other, 1200, True, rng, "allele"),
        *fragments(short, round(1800 * len(short) / LENGTH), True, rng, "short"),
        *fragments(nuclear, 700, False, rng, "nuclear"),
    ]
    donor = fragments(SEQUENCE, 6000, True, rng, "whole") + fragments(nuclear, 700, False, rng, "nuclear")
    return aligned(genome, "lot", lot), aligned(genome, "donor", donor)


def test_a_planted_deletion_is_found_by_reads_and_by_depth(
    samples: tuple[MitochondrialReads, MitochondrialReads],
) -> None:
    (row,) = deletions(*samples, SETTINGS).to_dict("records")
    assert abs(row["start"] - GONE[0]) <= 3 and row["size"] == GONE[1] - GONE[0] and row["finding"] == "shift"
    assert row["lot_low"] < 0.3 < row["lot_high"] and row["lot_high"] - row["lot_low"] < 0.2
    assert row["donor_reads"] == 0 and not row["common"]
    assert row["depth_low"] < 0.3 < row["depth_high"]


def test_the_ends_of_the_circle_are_as_deep_as_the_rest(samples: tuple[MitochondrialReads, MitochondrialReads]) -> None:
    depth = samples[1].bases.sum(axis=(1, 2))
    ends, middle = np.concatenate([depth[:20], depth[-20:]]), np.median(depth)
    assert ends.min() > 0.7 * middle and ends.mean() == pytest.approx(middle, rel=0.15)
    table = found(*samples)
    row = table.loc[LENGTH - 1]
    assert row["finding"] == "shift" and row["lot_low"] < 0.2 < row["lot_high"]
    assert (table["finding"] != "shift").sum() == 0 and len(table) == 1


def test_reads_of_a_nuclear_copy_are_not_counted(genome: Path) -> None:
    """One that the reference has, and one that it lacks: its reads lie on the mitochondrial contig, at its ends without the
    mate, and differ in one of twelve bases."""
    rng = np.random.default_rng(14)
    known = pysam.FastaFile(str(genome)).fetch("chr1")[9000:12_000]
    copy = list(SEQUENCE[1000:2500])
    for at in [first + step for first in range(0, len(copy), 36) for step in (0, 4, 8)]:
        copy[at] = copy[at].translate(COMPLEMENT)
    lacked = NUCLEAR[:1000] + "".join(copy) + NUCLEAR[1000:2000]
    pairs = fragments(known, 1000, False, rng, "known") + fragments(lacked, 1000, False, rng, "lacked")
    only = aligned(genome, "copy", pairs)
    assert only.diverged > 500 and only.elsewhere > 50
    assert only.bases.sum() < 0.02 * 100 * (only.diverged + only.elsewhere)


def test_a_contig_that_the_reads_lack_is_none(genome: Path, tmp_path: Path) -> None:
    fasta = tmp_path / "nuclear.fa"
    fasta.write_text(f">chr1\n{NUCLEAR}\n")
    pysam.faidx(str(fasta))
    bam = tmp_path / "reads.bam"
    with pysam.AlignmentFile(str(bam), "wb", reference_names=["chr1"], reference_lengths=[len(NUCLEAR)]):
        pass
    pysam.index(str(bam))
    assert read_mitochondria(bam, fasta, SETTINGS) is None
