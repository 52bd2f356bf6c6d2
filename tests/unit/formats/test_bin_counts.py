"""Fragments per bin: what other programs write is read or refused by name, and the check and the run read the same."""

import gzip
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karyolot.contracts.problems import Fault
from karyolot.inputs import genome
from karyolot.inputs.formats import bin_counts, blocks, text
from outcomes import outcome

BINS = [["chr1", 0, 100, 5], ["chr1", 100, 200, 6]]


def put(folder: Path, content: str | bytes) -> Path:
    path = folder / "counts"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(path: Path) -> list[list[object]]:
    table = bin_counts.read(path)
    return [list(row) for row in zip(*(np.asarray(column).tolist() for column in table.values()), strict=True)]


READ = {
    "table with a header": "chrom\tstart\tend\tcount\nchr1\t0\t100\t5\nchr1\t100\t200\t6\n",
    "bedtools coverage -counts": "chr1\t0\t100\t5\nchr1\t100\t200\t6\n",
    "bedGraph": "track type=bedGraph\nchr1 0 100 5\nchr1 100 200 6.0\n",
    "R's exponents": "chr1\t0\t100\t5e0\nchr1\t100\t200\t6e+00\n",
    "Windows line ends": "chr1\t0\t100\t5\r\nchr1\t100\t200\t6\r\n",
    "byte-order mark": "\ufeffchr1\t0\t100\t5\nchr1\t100\t200\t6\n",
    "fixed-step WIG": "fixedStep chrom=chr1 start=1 step=100 span=100\n5\n6\n",
    "fixed-step WIG without span": "fixedStep chrom=chr1 start=1 step=100\n5\n6\n\n",
    "variable-step WIG": "variableStep chrom=chr1 span=100\n1 5\n101 6\n",
    "count among named columns": "chrom\tstart\tend\tgc\tcount\nchr1\t0\t100\t0.4\t5\nchr1\t100\t200\t0.5\t6\n",
    "length before the count": "chr\tstart\tend\tlength\tcount\nchr1\t0\t100\t100\t5\nchr1\t100\t200\t100\t6\n",
    "column of a sample": "#chrom\tstart\tend\tL1-wgs\nchr1\t0\t100\t5\nchr1\t100\t200\t6\n",
    "deepTools": "#'chr'\t'start'\t'end'\t'lot.bam'\nchr1\t0\t100\t5.0\nchr1\t100\t200\t6.0\n",
    "R with names of rows": '"chrom" "start" "end" "count"\n"1" "chr1" 0 100 5\n"2" "chr1" 100 200 6\n',
    "GATK CollectReadCounts": "@HD\tVN:1.6\n@SQ\tSN:chr1\tLN:200\n@RG\tID:GATKCopyNumber\tSM:lot\n"
    "CONTIG\tSTART\tEND\tCOUNT\nchr1\t1\t100\t5\nchr1\t101\t200\t6\n",
    "GATK without its header": "CONTIG\tSTART\tEND\tCOUNT\nchr1\t1\t100\t5\nchr1\t101\t200\t6\n",
    "QDNAseq igv": "#type=COPY_NUMBER\n#track coords=1\nchromosome\tstart\tend\tfeature\tlot\n"
    "chr1\t1\t100\tchr1:1-100\t5\nchr1\t101\t200\tchr1:101-200\t6\n",
    "QDNAseq tsv": "feature\tchromosome\tstart\tend\tlot\nchr1:1-100\tchr1\t1\t100\t5\nchr1:101-200\tchr1\t101\t200\t6\n",
    "QDNAseq bed": 'track name="lot" description="copynumber"\nchr1\t0\t100\tchr1:1-100\t5\t+\n'
    "chr1\t100\t200\tchr1:101-200\t6\t+\n",
    "featureCounts": "# Program:featureCounts v2.0.6; Command: x\nGeneid\tChr\tStart\tEnd\tStrand\tLength\tlot.bam\n"
    "a\tchr1\t1\t100\t+\t100\t5\nb\tchr1\t101\t200\t+\t100\t6\n",
    "R's GRanges": "seqnames\tstart\tend\twidth\tstrand\tcount\nchr1\t1\t100\t100\t*\t5\nchr1\t101\t200\t100\t*\t6\n",
    "HMMcopy's table": "space\tstart\tend\twidth\treads\tgc\tmap\tcopy\n1\t1\t100\t100\t5\t.4\t1\t0\n".replace("\n1", "\nchr1")
    + "chr1\t101\t200\t100\t6\t.4\t1\t0\n",
    "comments between rows": "chr1\t0\t100\t5\n# chr1\n\nchr1\t100\t200\t6\n",
}  # fmt: skip


@pytest.mark.parametrize("text", READ.values(), ids=READ)
@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_what_programs_write_is_read(tmp_path: Path, text: str, zipped: bool) -> None:
    path = put(tmp_path, gzip.compress(text.encode()) if zipped else text)
    assert rows(path) == BINS
    facts = bin_counts.look(path)
    assert (facts.width, facts.total, facts.notes) == (100, 11, ())
    assert {name: (contig.bins, contig.end) for name, contig in facts.contigs.items()} == {"chr1": (2, 200)}


HEAD = "chrom\tstart\tend\t"
REFUSED = {
    "fifth column without a header": ("chr1\t0\t100\t1\t5\nchr1\t100\t200\t2\t6\n", "has 5 columns and no header"),
    "mean depth of mosdepth": ("chr1\t0\t100\t0.00\nchr1\t100\t200\t29.87\n", r"line 2: .*'29.87' is not a whole number: a mean"),
    "CNVkit": ("chromosome\tstart\tend\tgene\tdepth\tlog2\nchr1\t0\t100\t-\t1.0\t0\n", "as CNVkit writes them, and no counts"),
    "header of another value": (f"{HEAD}gc\nchr1\t0\t100\t1\n", "no column of counts: its header names gc"),
    "two columns of counts": (f"{HEAD}count\treads\nchr1\t0\t100\t1\t2\n", "which column is the count: count, reads"),
    "two samples": (f"{HEAD}L1\tL2\nchr1\t0\t100\t1\t2\n", "which column is the count: l1, l2"),
    "starts from 1": ("chr1\t1\t100\t5\nchr1\t101\t200\t5\n", "starts count from 1 .*subtract 1"),
    "GATK moved by hand": ("CONTIG\tSTART\tEND\tCOUNT\nchr1\t0\t100\t5\n", "starts at 0, and .* count from 1"),
    "header alone": (f"{HEAD}count\n", "holds no counts"),
    "nothing": ("# no row\n", "holds no counts"),
    "Arabic digits": ("chr1\t0\t100\t5\nchr1\t100\t200\t٣\n", "line 2: .*is not a number"),
    "thousands": ("chr1\t0\t1,000\t5\n", r"is not a table of counts: .* \('1,000' is not a whole number"),
    "commas": ("chrom,start,end,count\nchr1,0,100,5\n", "is separated by commas; convert it: tr ',' "),
    "semicolons": ("chr1;0;100;5\n", "is separated by semicolons"),
    "a short bin within a contig": ("a\t0\t9\t5\nb\t0\t9\t5\na\t9\t12\t5\nb\t9\t18\t5\na\t18\t27\t5\n", "different widths"),
    "WIG without values": ("fixedStep chrom=1 start=1 step=5\n", "holds no bin"),
    "infinite": ("chr1\t0\t100\tinf\n", "'inf' is not a number"),
    "one contig spelled in two ways": ("chr1\t0\t100\t5\n1\t0\t100\t5\n", "line 2: names one contig in two ways: chr1 and 1"),
    "underscores": ("chr1\t0\t100\t4_0\n", "'4_0' is not a number"),
    "below zero": ("chr1\t0\t100\t-5\n", "the count -5 is negative"),
    "missing": ("chr1\t0\t100\tNA\n", "'NA' is not a number"),
    "no count": ("chr1\t0\t100\n", "is not a table of counts"),
    "another number of cells": ("chr1\t0\t100\t5\nchr1\t100\t200\t5\t6\n", "line 2: the row has 5 cells and the others 4"),
    "header that names no place": ("a\tb\tc\td\nchr1\t0\t100\t5\n", "line 1: is not a table of counts"),
    "empty interval": ("chr1\t100\t100\t3\n", "100-100 is not an interval"),
    "beyond any genome": ("chr1\t0\t100\t5\nchr1\t100\t2000000000000\t5\n", "line 2: is not a table of counts"),
    "overlap": ("chr1\t0\t100\t5\nchr1\t50\t150\t5\n", "line 2: chr1:50-150 overlaps the interval before it"),
    "unsorted": ("chr1\t100\t200\t5\nchr1\t0\t100\t5\n", "not sorted"),
    "a bin twice": ("chr1\t0\t100\t5\nchr1\t0\t100\t5\n", "occurs twice"),
    "widths": ("chr1\t0\t100\t5\nchr1\t100\t300\t5\nchr1\t300\t400\t5\n", "different widths .100 and 200"),
    "grid": ("chr1\t7\t107\t5\nchr1\t107\t207\t5\n", "do not all start at a multiple of 100"),
    "zeros": ("chr1\t0\t100\t0\nchr1\t100\t200\t0.0\n", "every count is 0"),
    "two values a line": ("fixedStep chrom=chr1 start=1 step=100\n5\n6 7\n", "line 3: a line of a fixedStep WIG holds one value"),
    "empty line in WIG": ("fixedStep chrom=chr1 start=1 step=100\n5\n\n7\n", "line 3: '' is not a number"),
    "step and span": ("fixedStep chrom=chr1 start=1 step=100 span=50\n5\n", "step 100 and span 50 differ"),
    "WIG without start": ("fixedStep chrom=chr1 step=100\n5\n", "needs a line 'fixedStep"),
    "WIG in a table": ("chr1\t0\t100\t5\nfixedStep chrom=chr1 start=1\n", "a WIG line in a table"),
    "bigWig": (b"\x26\xfc\x8f\x88" + bytes(60), "is a bigWig file; convert it: bigWigToBedGraph"),
    "BAM": (gzip.compress(b"BAM\x01" + bytes(60)), "is a BAM file; count .* in a study, give it in the column alignment"),
    "spreadsheet": (b"PK\x03\x04" + bytes(60), "is a spreadsheet or a zip archive"),
    "VCF": ("##fileformat=VCFv4.2\n#CHROM\tPOS\n", "is VCF"),
    "FASTQ": ("@r1\nACGT\n+\nIIII\n", "is FASTQ or SAM"),
    "SEG": ("ID\tchrom\tloc.start\tloc.end\tnum.mark\tseg.mean\n", "is a SEG file"),
    "cut gzip": (gzip.compress(b"chr1\t0\t100\t5\n" * 5000)[:-20], "damaged or truncated"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_table_of_counts_is_refused_by_name(tmp_path: Path, content: str | bytes, words: str) -> None:
    path = put(tmp_path, content)
    with pytest.raises(Fault, match=words) as seen:
        bin_counts.read(path)
    assert str(path) in str(seen.value) and seen.value.remedy
    with pytest.raises(Fault, match=words.replace("line 2: ", "").replace("line 3: ", "").replace("line 1: ", "")):
        bin_counts.look(path)


def table(counts: np.ndarray, width: int = 50_000) -> str:
    return "".join(f"chr1\t{n * width}\t{(n + 1) * width}\t{value}\n" for n, value in enumerate(counts.tolist()))


def read_bases(depth: float, seed: int) -> np.ndarray:
    """Sums of bases per bin as samtools bedcov gives them, of reads of 150 bases, some of them clipped."""
    rng = np.random.default_rng(seed)
    length = 2000 * 50_000
    start = np.sort(rng.integers(0, length - 150, int(depth * length / 150)))
    end = start + np.where(rng.random(len(start)) < 0.1, rng.integers(30, 150, len(start)), 150)
    covered = np.zeros(2001, dtype=np.int64)
    first, last = start // 50_000, (end - 1) // 50_000
    np.add.at(covered, first, np.minimum(end, (first + 1) * 50_000) - start)
    np.add.at(covered, last, np.where(last > first, end - last * 50_000, 0))
    return covered[:2000]


RNG = np.random.default_rng(3)
NOT_COUNTS = {
    "numbers of bins": (np.arange(1, 1001), "vary less"),
    "lengths": (np.append(np.full(999, 50_000), 12_345), "vary less"),
    "rounded depths": (np.rint(30 + RNG.normal(0, 0.5, 1000)).astype(int), "vary less"),
    "sums of equal reads": (150 * RNG.poisson(400, 1000), "100% of the numbers are multiples of 150"),
    "bases of shallow reads": (read_bases(0.05, 1), "multiples of 150: they are sums of bases"),
    "bases of clipped reads": (
        read_bases(0.2, 2),
        r"vary \d+ times as much as counts do: they are sums of bases .*, not counts",
    ),
    "bases that may be deep counts": (
        read_bases(0.45, 3),
        "and no header states which; if they are fragments, add a h",
    ),
    "mates": (
        2 * RNG.poisson(400, 1000),
        "100% of the numbers are even: both mates of each pair were counted; count each pair",
    ),
    "few mates": (2 * RNG.poisson(3, 1000), "are even: both mates"),
    "scaled to 10 million": (7 * RNG.poisson(300, 1000), "multiples of 7: they are scaled"),
    "scaled and rounded": (
        np.rint(1.37 * RNG.poisson(300, 3000)).astype(int),
        "chr1: some numbers occur far more often",
    ),
    "a trisomy scaled to two copies": (RNG.poisson(450, 2900) * 2 // 3, "counts were multiplied and rounded"),
    "the same in 40 % of the cells, 30x": (
        np.rint(RNG.poisson(5400, 2900) / 1.2).astype(int),
        "multiplied and rounded",
    ),
    "mates, of which some lie in two bins": (
        2 * RNG.poisson(60, 2900) + RNG.poisson(0.7, 2900),
        "or both mates of most pairs counted",
    ),
    "a monosomy scaled to two copies": (RNG.poisson(RNG.normal(75, 9, 700)) * 2, "are even"),
}


@pytest.mark.parametrize(("counts", "words"), NOT_COUNTS.values(), ids=NOT_COUNTS)
def test_numbers_that_nobody_counted_are_refused(tmp_path: Path, counts: np.ndarray, words: str) -> None:
    with pytest.raises(Fault, match=words):
        bin_counts.look(put(tmp_path, table(counts)))


@pytest.mark.parametrize("depth", [0.02, 0.1, 0.3, 0.45])
def test_sums_of_bases_are_refused_at_any_depth(tmp_path: Path, depth: float) -> None:
    for seed in range(3):
        with pytest.raises(Fault, match="sums of bases"):
            bin_counts.look(put(tmp_path, table(read_bases(depth, seed))))


def test_deep_counts_in_wide_bins_are_read_once_a_header_says_what_they_are(tmp_path: Path) -> None:
    """30-fold depth in bins of 500 kb, which differ by 4 % from the next."""
    counts = RNG.poisson(50_000 * np.exp(0.04 * RNG.normal(size=2000)))
    text = table(counts, 500_000)
    with pytest.raises(Fault, match="add a header: chrom start end count"):
        bin_counts.look(put(tmp_path, text))
    assert bin_counts.look(put(tmp_path, f"{HEAD}count\n{text}")).total == counts.sum()
    wig = "fixedStep chrom=chr1 start=1 step=500000 span=500000\n" + "\n".join(map(str, counts))
    assert bin_counts.look(put(tmp_path, wig)).total == counts.sum()


@pytest.mark.parametrize("mean", [0.1, 1, 5, 20, 75, 150, 300, 5_000, 1e6])
@pytest.mark.parametrize("waves", [0.0, 0.05])
def test_counts_of_any_depth_are_read(tmp_path: Path, mean: float, waves: float) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        counts = rng.poisson(mean * np.exp(waves * rng.normal(size=3000)))
        assert not bin_counts.look(put(tmp_path, table(counts, 5_000_000))).notes


def test_more_counts_than_bases_are_a_warning(tmp_path: Path) -> None:
    counts = np.random.default_rng(1).poisson(30_000, 500)
    (note,) = bin_counts.look(put(tmp_path, table(counts))).notes
    assert note.code == "W28" and "0.6 counts per base, as 180-fold depth" in note.message


def test_equal_counts_are_known_in_any_format_and_spelling(tmp_path: Path) -> None:
    texts = (
        "1\t0\t100\t5\n1\t100\t150\t6\nX\t0\t100\t7\n",
        "fixedStep chrom=chrX start=1 step=100\n7\nfixedStep chrom=chr1 start=1 step=100\n5\n6\n",
    )
    one, other = (genome.content_of(bin_counts.look(put(tmp_path, text))) for text in texts)
    assert one == other
    third = genome.content_of(bin_counts.look(put(tmp_path, texts[0].replace("7", "8"))))
    assert third != one


ODD = [  # found by coverage-guided fuzzing
    b"chhr1ge000\t150chhr1\t10001\t200\r15\nchr1\t2500\t3000\t11",
    b"fixedStep chrom=1 sta00\t2000c\t1\t15\nchr1\t2500\t3000\t11",
    b"fixedStep chrom=1 start=1 step=500 span=500\n9\n10\nfixedStep chrom=X \n",
]
SEEDS = [*sorted(text.encode() for text in READ.values()), *ODD]


@st.composite
def nearly_right(draw: st.DrawFn) -> bytes:
    """A table as a program writes it, with a few bytes changed, put in or taken out."""
    content = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(content)))
        content[place : place + draw(st.integers(0, 2))] = draw(st.sampled_from(BITS))
    return bytes(content)


BITS = [
    b"",
    b"\n",
    b"\t",
    b" ",
    b"0",
    b"1",
    b"-",
    b".",
    b"e",
    b"_",
    b"#",
    b"\r",
    b"NA",
    b"chr",
    b",",
    b"\xff",
    b"\0",
    b'"',
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(content=nearly_right(), zipped=st.booleans())
def test_what_the_check_accepts_the_run_reads(tmp_path: Path, content: bytes, zipped: bool) -> None:
    path = put(tmp_path, gzip.compress(content, 1) if zipped else content)
    facts, fault = outcome(bin_counts.look, path)
    table, other = outcome(bin_counts.read, path)
    assert fault == other
    if facts is None or table is None:
        return
    assert table["count"].sum() == facts.total and len(table["chrom"]) == sum(c.bins for c in facts.contigs.values())
    assert (table["start"] >= 0).all() and (table["end"] > table["start"]).all()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(content=nearly_right(), copies=st.integers(1, 3))
def test_a_table_read_by_columns_gives_what_its_lines_give(tmp_path: Path, content: bytes, copies: int) -> None:
    """Also its faults; blocks of 64 bytes end within the tables."""
    path = put(tmp_path, content * copies)
    with mock.patch.object(text, "BLOCK", 64), mock.patch.object(blocks, "SHORT", 1 << 20):
        wanted, fault = outcome(bin_counts.read, path)
    with mock.patch.object(text, "BLOCK", 64), mock.patch.object(blocks, "SHORT", 0):
        found, other = outcome(bin_counts.read, path)
    assert fault == other
    if wanted is not None and found is not None:
        for name, column in wanted.items():
            np.testing.assert_array_equal(found[name], column)
