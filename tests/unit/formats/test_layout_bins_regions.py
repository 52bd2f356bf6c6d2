"""Layouts with their cytobands, ready bins and recurrent regions: the check and the run read the same."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from karyolot.contracts.problems import Fault
from karyolot.inputs.formats import bins, layout, regions
from karyolot.io.shipped import RESOURCES
from outcomes import outcome

LAYOUT = "name: toy\nautosomes: [chr1]\nx: chrX\nsource: test\ncytobands: bands.txt\n"
BANDS = "chr1\t0\t40\tp1\tgneg\nchr1\t40\t90\tq1\tgneg\nchrX\t0\t70\tq1\tgneg\n"
BINS = "chrom\tstart\tend\tgc\tmappability\nchr1\t0\t100\t0.4\t1\nchr1\t100\t150\tNA\t\nchr2\t0\t90\t-1\t0.5\n"
REGIONS = "# a list\nregion\tchange\tgenes\tcontext\tsource\n20q11.21\tgain\tBCL2L1,ID1\tc\ts\n8\tloss\t\tc\ts\n"
REGIONS += "1q\tgain\t\tc\ts\n"


def put(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_layout_comes_with_its_bands(tmp_path: Path) -> None:
    put(tmp_path, "bands.txt", BANDS)
    facts = layout.read(put(tmp_path, "layout.yaml", LAYOUT))
    assert facts.layout.autosomes == ("chr1",) and facts.ends == {"1": 90, "X": 70}
    assert facts.bands["band"] == ["p1", "q1", "q1"] and facts.bands["end"].tolist() == [40, 90, 70]
    bare = layout.read(put(tmp_path, "layout.yaml", LAYOUT.replace("cytobands: bands.txt\n", "")))
    assert bare.ends == {} and not bare.bands["chrom"]


@pytest.mark.parametrize(
    ("document", "bands", "words"),
    [
        (LAYOUT, "chr1\t0\tx\tp1\n", "its cytobands 'bands.txt': line 1 of the file: is not a table of chrom, start"),
        (LAYOUT, "chr1\t0\t40\tp1\nchr1\t30\t90\tq1\n", "line 2 of the file: chr1:30-90 overlaps"),
        (LAYOUT, "", "its cytobands 'bands.txt': is empty"),
        (LAYOUT + "name: again\n", BANDS, "the key 'name' occurs twice"),
        (LAYOUT.replace("source: test\n", ""), BANDS, "source is missing"),
    ],
)
def test_a_layout_that_is_none_is_refused(tmp_path: Path, document: str, bands: str, words: str) -> None:
    put(tmp_path, "bands.txt", bands)
    path = put(tmp_path, "layout.yaml", document)
    for reader in (layout.look, layout.read):
        with pytest.raises(Fault, match=words):
            reader(path)


def test_ready_bins_keep_what_is_missing(tmp_path: Path) -> None:
    quoted = BINS.replace("chrom", '"chrom"').replace("chr1\t", '"chr1"\t')
    for text in (BINS, f"#{BINS}", "# made by hand\n" + BINS, quoted):
        path = put(tmp_path, "bins.tsv", text)
        table = bins.read(path)
        assert list(table) == ["chrom", "start", "end", "gc", "mappability"]
        np.testing.assert_array_equal(table["gc"], [0.4, np.nan, np.nan])
        np.testing.assert_array_equal(table["mappability"], [1.0, np.nan, 0.5])
        assert bins.look(path) == bins.Facts({"chr1": 150, "chr2": 90}, 100)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chrom\tstart\tend\n", "has no column gc"),
        ("chrom\tstart\tend\tgc\n", "holds no bin"),
        ("chrom\tstart\tend\tgc\tgc\nchr1\t0\t9\t0\t0\n", "names a column twice"),
        ("chrom\tstart\tend\tgc\trepeats\nchr1\t0\t9\t0\t0\n", "a column 'repeats', which such tables do not have"),
        ("chrom\tstart\tend\tgc\nchr1\t0\t9\n", "line 2: the row has 3 cells and the header 4"),
        ("chrom\tstart\tend\tgc\nchr1\t0\t9\t40\n", "line 2: the value 40 is not between 0 and 1"),
        ("chrom\tstart\tend\tgc\nchr1\t0\t9\t40\n", "the scale seems to be 0 to 100; divide by 100$"),
        ("chrom\tstart\tend\tgc\nchr1\t0\t9\t0,4\n", "line 2: is not a table of bins: '0,4' is not a number"),
        ("chrom,start,end,gc\nchr1,0,9,0.4\n", "line 1: is separated by commas"),
        ("chrom\tstart\tend\tgc\nchr1\t0\t9\thigh\n", "line 2: .*'high' is not a number"),
        ("chrom\tstart\tend\tgc\nchr1\t0\tnine\t0\n", "line 2: .*'nine' is not a whole number"),
        ("chrom\tstart\tend\tgc\nchr1\t0\t9\t0\nchr1\t0\t9\t0\n", "line 3: chr1:0-9 occurs twice"),
        ("chrom\tstart\tend\tgc\nchr1\t1\t10\t0\nchr1\t11\t20\t0\n", "starts count from 1"),
        ("chrom\tstart\tend\tgc\nchr1\t0\t10\t0\nchr1\t10\t40\t0\nchr1\t40\t50\t0\n", "different widths"),
    ],
)
def test_bins_that_are_none_are_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(Fault, match=words):
        bins.read(put(tmp_path, "bins.tsv", text))


def test_recurrent_regions_are_read_as_they_are_written(tmp_path: Path) -> None:
    path = put(tmp_path, "recurrent.tsv", REGIONS)
    assert regions.read(path)["genes"] == ["BCL2L1,ID1", "", ""]
    assert regions.look(path).regions == ("20q11.21", "8", "1q")
    assert len(regions.look(RESOURCES / "recurrent_regions.tsv").regions) > 10


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("8\tloss", "chr8\tloss", "line 4: region is 'chr8'; write a chromosome, arm or band without chr"),
        ("8\tloss", "8q1.\tloss", "region is '8q1.'"),
        ("8\tloss", "8\tlos", "change is 'los' .did you mean loss"),
        ("8\tloss\t\tc\ts", "8\tloss\t\tc\t", "the region 8 has no source"),
        ("context\tsource", "source\tcontext", "has the columns region, change, genes, source, context"),
        ("8\tloss\t\tc\ts", "8\tloss", "the row has 2 cells and the header 5"),
    ],
)
def test_a_list_of_regions_that_is_none_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    with pytest.raises(Fault, match=words):
        regions.read(put(tmp_path, "recurrent.tsv", REGIONS.replace(old, new)))


BITS = [b"", b"\n", b"\t", b"0", b"1", b"-", b".", b"#", b"\r", b"NA", b"chr", b"\xff", b"\0", b": ", b"gc"]
FORMATS = {"layout.yaml": (LAYOUT, layout), "bins.tsv": (BINS, bins), "recurrent.tsv": (REGIONS, regions)}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(name=st.sampled_from(sorted(FORMATS)), data=st.data())
def test_what_the_check_accepts_the_run_reads(tmp_path: Path, name: str, data: st.DataObject) -> None:
    text, form = FORMATS[name]
    content = bytearray(text.encode())
    for _ in range(data.draw(st.integers(0, 3))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 2))] = data.draw(st.sampled_from(BITS))
    put(tmp_path, "bands.txt", BANDS)
    path = put(tmp_path, name, bytes(content))
    facts, fault = outcome(form.look, path)
    table, other = outcome(form.read, path)
    assert fault == other and (facts is None) == (table is None)


def test_bins_without_any_gc_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "bins.tsv", "chrom\tstart\tend\tgc\nchr1\t0\t100\tNA\nchr1\t100\t200\t-1\n")
    for read in (bins.look, bins.read):
        with pytest.raises(Fault, match="no bin has a value of gc"):
            read(path)
