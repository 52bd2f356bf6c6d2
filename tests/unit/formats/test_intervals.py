"""BED, bedGraph and WIG: missing values stay where they are, limits belong to the kind, and check and run read the same."""

import gzip
import math
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karyolot.contracts.problems import Fault
from karyolot.inputs.formats import blocks, drivers, foreign_panel, intervals, markers, text
from karyolot.inputs.formats.intervals import BANDS, GC, MAPPABILITY, REGIONS, TIMING
from karyolot.inputs.formats.rows import Kind
from outcomes import outcome

NAN = float("nan")


def put(folder: Path, content: str | bytes) -> Path:
    path = folder / "track"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows(path: Path, kind: Kind) -> list[list[object]]:
    table = intervals.read(path, kind)
    return [list(row) for row in zip(*(np.asarray(column).tolist() for column in table.values()), strict=True)]


WIG = "fixedStep chrom=chr1 start=1 step=100\n"
READ: dict[str, tuple[Kind, str, list[list[object]]]] = {
    "WIG with missing values": (TIMING, f"{WIG}0.5\nNA\nNaN\n0.4\n", [
        ["chr1", 0, 100, 0.5], ["chr1", 100, 200, NAN], ["chr1", 200, 300, NAN], ["chr1", 300, 400, 0.4]]),
    "WIG with an empty line for a value": (GC, f"{WIG}0.5\n\n0.4\n\n{WIG.replace('chr1', 'chr2')}0.3\n\n", [
        ["chr1", 0, 100, 0.5], ["chr1", 100, 200, NAN], ["chr1", 200, 300, 0.4], ["chr2", 0, 100, 0.3]]),
    "WIG with gaps between spans": (TIMING, "fixedStep chrom=1 start=11 step=50 span=20\n1\n-2e-1\n", [
        ["1", 10, 30, 1.0], ["1", 60, 80, -0.2]]),
    "variable steps of one base": (TIMING, "variableStep chrom=1\n5 1.5\n9 2\n", [["1", 4, 5, 1.5], ["1", 8, 9, 2.0]]),
    "bedGraph that opens with a missing value": (MAPPABILITY, "chr1 0 100 NaN\nchr1 100 200 0.5\n", [
        ["chr1", 0, 100, NAN], ["chr1", 100, 200, 0.5]]),
    "bedGraph with an empty cell": (GC, "chr1\t0\t100\t\nchr1\t100\t200\t0.5\n", [
        ["chr1", 0, 100, NAN], ["chr1", 100, 200, 0.5]]),
    "HMMcopy's -1": (GC, f"{WIG}-1\n0.4\n", [["chr1", 0, 100, NAN], ["chr1", 100, 200, 0.4]]),
    "a table of bins": (GC, "chrom\tstart\tend\tmappability\tgc\nchr1\t0\t100\t1\t0.4\n", [["chr1", 0, 100, 0.4]]),
    "contigs in turns": (TIMING, "a 0 5 1\nb 0 5 2\na 5 9 3\n", [["a", 0, 5, 1.0], ["b", 0, 5, 2.0], ["a", 5, 9, 3.0]]),
    "regions that overlap, unsorted": (REGIONS, "chr1\t50\t90\tx\t5\nchr1\t10\t60\n", [
        ["chr1", 50, 90], ["chr1", 10, 60]]),
    "regions with a header": (REGIONS, "chrom\tstart\tend\tname\nchr1\t10\t60\tx\n", [["chr1", 10, 60]]),
    "cytobands": (BANDS, "#chrom\tchromStart\tchromEnd\tname\tgieStain\nchr1\t0\t5\tp1\tgneg\nchrUn\t0\t9\t\tgneg\n", [
        ["chr1", 0, 5, "p1"], ["chrUn", 0, 9, ""]]),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "text", "wanted"), READ.values(), ids=READ)
def test_intervals_in_all_their_forms(tmp_path: Path, kind: Kind, text: str, wanted: list[list[object]]) -> None:
    path = put(tmp_path, text)
    assert str(rows(path, kind)) == str(wanted)
    facts = intervals.look(path, kind)
    missing = sum(row[-1] != row[-1] for row in wanted)
    assert (facts.intervals, facts.missing, len(facts.notes)) == (len(wanted), missing, bool(missing))
    assert set(facts.contigs) == {row[0] for row in wanted}


REFUSED = {
    "a scale of 0 to 100": (MAPPABILITY, "chr1 0 100 7\nchr1 100 200 98\n", "line 1: the value 7 .*scale seems to be 0 to 100"),
    "just above 1": (MAPPABILITY, "chr1 0 100 1.0000001\n", "the value 1.0000001 is not between 0 and 1; correct the track"),
    "GC in percent": (GC, f"{WIG}41.5\n", "line 2: the value 41.5 is not between 0 and 1: the scale"),
    "mappability of -1": (MAPPABILITY, "chr1 0 100 -1\n", "-1 may stand for no value; write NA"),
    "GC below zero": (GC, "chr1 0 100 -0.5\n", "the value -0.5 is not between 0 and 1"),
    "a word": (TIMING, "chr1 0 100 high\n", "is not bedGraph .*: 'high' is not a number"),
    "infinity": (TIMING, "chr1 0 100 inf\n", "is not a finite number"),
    "digits of Python": (TIMING, "chr1 0 100 1_0\n", "'1_0' is not a number"),
    "all missing": (TIMING, "chr1 0 100 NA\n", "holds no value"),
    "a fault far down": (TIMING, "".join(f"1 {n} {n + 1} 1\n" for n in range(20_000)) + "1 9 x 1\n", "line 20001: is not"),
    "five columns": (GC, "chr1\t0\t100\t0.4\t0.6\n", "has 5 columns and no header that states which of them is the value"),
    "another track": (TIMING, "chrom\tstart\tend\tgc\n1\t0\t9\t0.4\n", "no column of numbers: its header names gc"),
    "three columns": (TIMING, "chr1\t0\t100\n", "is not bedGraph"),
    "overlap": (TIMING, "chr1 0 100 1\nchr1 50 60 1\n", "line 2: chr1:50-60 overlaps"),
    "WIG spans that overlap": (TIMING, "fixedStep chrom=1 start=1 step=5 span=9\n1\n", "span 9 is longer than step 5"),
    "WIG from 0": (TIMING, "fixedStep chrom=1 start=0 step=5\n1\n", "start, step and span of a WIG file are 1 or more"),
    "WIG as regions": (REGIONS, f"{WIG}1\n", "is WIG, and not BED"),
    "nothing": (REGIONS, "# none\n", "holds no interval"),
    "bigBed": (REGIONS, b"\xeb\xf2\x89\x87" + bytes(60), "is a bigBed file; convert it: bigBedToBed"),
    "bigWig": (TIMING, b"\x26\xfc\x8f\x88" + bytes(60), "is a bigWig file; convert it: bigWigToBedGraph"),
    "GTF": (REGIONS, 'chr1\tx\tgene\t1\t90\t.\t+\t.\tgene_id "A";\n', "is not BED"),
    "bands without names": (BANDS, "chr1\t0\t5\n", "is not a table of chrom, start, end, band"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_of_its_kind_is_refused(tmp_path: Path, kind: Kind, content: str | bytes, words: str) -> None:
    path = put(tmp_path, content)
    with pytest.raises(Fault, match=words):
        intervals.read(path, kind)
    with pytest.raises(Fault) as seen:
        intervals.look(path, kind)
    assert seen.value.remedy


SEEDS = sorted({(text, kind) for kind, text, _ in READ.values()}, key=lambda seed: seed[0])
BITS = [b"", b"\n", b"\t", b" ", b"0", b"1", b"-", b".", b"e", b"_", b"#", b"\r", b"NA", b"chr", b",", b"\xff", b"\0"]


@st.composite
def nearly_right(draw: st.DrawFn) -> tuple[bytes, Kind]:
    """A track with a few bytes changed, put in or taken out."""
    text, kind = draw(st.sampled_from(SEEDS))
    content = bytearray(text.encode())
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(content)))
        content[place : place + draw(st.integers(0, 2))] = draw(st.sampled_from(BITS))
    return bytes(content), kind


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(given_file=nearly_right(), zipped=st.booleans())
def test_what_the_check_accepts_the_run_reads(tmp_path: Path, given_file: tuple[bytes, Kind], zipped: bool) -> None:
    content, kind = given_file
    path = put(tmp_path, gzip.compress(content, 1) if zipped else content)
    facts, fault = outcome(intervals.look, path, kind)
    table, other = outcome(intervals.read, path, kind)
    assert fault == other
    if facts is None or table is None:
        return
    assert {len(column) for column in table.values()} == {facts.intervals}
    assert set(table["chrom"]) == set(facts.contigs)
    if "value" in table:
        known = table["value"][~np.isnan(table["value"])]
        assert len(known) == facts.intervals - facts.missing > 0
        assert (known >= kind.low).all() and (known <= kind.high).all() and math.isfinite(known.sum())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(given_file=nearly_right(), tabs=st.booleans(), copies=st.integers(1, 3))
def test_a_file_read_by_columns_gives_what_its_lines_give(
    tmp_path: Path, given_file: tuple[bytes, Kind], tabs: bool, copies: int
) -> None:
    """Also its faults; with tabs instead of blanks most blocks are plain, and blocks of 64 bytes end within the files."""
    content, kind = given_file
    path = put(tmp_path, (content.replace(b" ", b"\t") if tabs else content) * copies)
    with mock.patch.object(text, "BLOCK", 64), mock.patch.object(blocks, "SHORT", 1 << 20):
        wanted, fault = outcome(intervals.read, path, kind)
    with mock.patch.object(text, "BLOCK", 64), mock.patch.object(blocks, "SHORT", 0):
        found, other = outcome(intervals.read, path, kind)
    assert fault == other
    if wanted is not None and found is not None:
        assert wanted.keys() == found.keys()
        for name, column in wanted.items():
            np.testing.assert_array_equal(found[name], column)


def test_a_long_plain_track_is_read_by_columns_and_only_its_odd_blocks_by_line(tmp_path: Path) -> None:
    rows = [f"chr{1 + n // 60_000}\t{n * 10}\t{n * 10 + 7}\t{n % 97 / 100}\n" for n in range(120_000)]
    rows[70_000] = "# a comment\n"
    path = put(tmp_path, "track type=bedGraph\n" + "".join(rows))
    with mock.patch.object(blocks, "_by_line", wraps=blocks._by_line) as by_line:
        table = intervals.read(path, MAPPABILITY)
    assert by_line.call_count == 1 and len(table["chrom"]) == 119_999
    assert table["value"][5] == 0.05 and table["start"][-1] == 1_199_990 and table["chrom"][-1] == "chr2"
    parts = list(intervals.by_contig(path, MAPPABILITY))
    np.testing.assert_array_equal(np.concatenate([value for *_, value in parts]), table["value"])


HOSTILE = (
    "TP53,BCOR",
    "<script>alert(1)</script>",
    "=HYPERLINK(0)",
    "-TP53",
    "TP53;ID=x",
    "TP53\x1b[2J",
    "TP\u202e53",
    'TP53"',
    "T" * 61,
)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_that_a_table_or_page_could_obey_is_refused_with_its_line(name: str, tmp_path: Path) -> None:
    """In the list of regions, in the driver panel and in the panel of foreign sequences; in other tables what no cell may be."""
    bed, genes, panel = tmp_path / "genes.bed", tmp_path / "genes.tsv", tmp_path / "panel.fa"
    bed.write_text(f"chr1\t1\t9\tTERT promoter\nchr1\t10\t90\t{name}\n")
    genes.write_text("\t".join(drivers.GENE_COLUMNS) + f"\n{name}\tcoding\tdriver\t\treason\tsource\n")
    panel.write_text(f">{name}\nACGT\n")
    readers: list[tuple[Callable[[Path], object], Path]] = [(intervals.named_regions, bed), (drivers.look, genes)]
    readers += [(foreign_panel.look, panel)] if " " not in name else []
    for read, path in readers:
        with pytest.raises(Fault) as fault:
            read(path)
        assert fault.value.code == "E16" and fault.value.message.isprintable()
        assert fault.value.line == (None if path == panel else 2)


def test_names_of_genes_and_regions_as_panels_write_them_are_read(tmp_path: Path) -> None:
    names = ["HLA-DRB1", "TERT promoter", "NM_000546.6_cds_3", "chr17:7668-7680", "ref|TP53"]
    bed = tmp_path / "genes.bed"
    bed.write_text("".join(f"chr1\t{at}\t{at + 5}\t{name}\n" for at, name in enumerate(names)) + "chr1\t50\t60\n")
    assert [row[3] for row in intervals.named_regions(bed)] == [*names, ""]


def test_a_cell_of_any_table_that_a_spreadsheet_evaluates_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "markers.tsv"
    header = "\t".join(markers.COLUMNS)
    path.write_text(f"{header}\nALB\t=1+1\tup\tsource\treason\n")
    with pytest.raises(Fault, match="begins as a formula"):
        markers.look(path)
    path.write_text(f"{header}\nALB\tgroup\tup\t-0.5 fold\t-\n")
    assert len(markers.look(path).rows) == 1
