"""The grid of bins, tracks on it, and counts brought onto it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from karyolot.contracts.copy_number import Bins, BinSources, Counts, Fragments
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Layout, Region
from karyolot.dna.atlas import Atlas
from karyolot.dna.bins import assemble_bins, expected_copies, make_bins, mean_over_bins, merge_intervals, pieces_of
from karyolot.dna.counts import conform_counts, count_fragments
from karyolot.inputs.formats import fasta, gtf

LAYOUT = Layout(
    name="toy", autosomes=("chr1", "chr2"), x="chrX", y="chrY", source="test",
    x_par=(Region(chrom="chrX", start=0, end=200),), y_par=(Region(chrom="chrY", start=0, end=200),),
)  # fmt: skip
BANDS = pd.DataFrame(
    [("chr1", 0, 400, "p11"), ("chr1", 400, 1000, "q11.2"), ("chr1", 1000, 1050, "q12"), ("chrX", 0, 700, "p1")],
    columns=["chrom", "start", "end", "band"],
)
CONTIGS = [("1", 1050), ("2", 500), ("X", 700), ("Y", 400), ("KI270728.1", 900)]


def toy() -> pd.DataFrame:
    return make_bins(CONTIGS, LAYOUT, BANDS, 100)


def test_grid_knows_arms_regions_and_leaves_other_contigs_out() -> None:
    bins = toy()
    Bins.validate(bins)
    assert bins["chrom"].unique().tolist() == ["1", "2", "X", "Y"]
    assert bins.groupby("chrom", sort=False)["end"].max().tolist() == [1050, 500, 700, 400]
    assert bins.loc[bins["chrom"] == "1", "arm"].tolist() == ["1p"] * 4 + ["1q"] * 7
    assert set(bins.loc[bins["chrom"] == "X", "arm"]) == {"X"}
    assert bins.loc[bins["chrom"] == "X", "region"].tolist() == ["PAR"] * 2 + ["X"] * 5
    assert bins.loc[bins["chrom"] == "Y", "region"].tolist() == ["other"] * 2 + ["Y"] * 2


def test_expected_copies_by_sex() -> None:
    region = pd.Series(["autosome", "PAR", "X", "Y", "other"])
    assert expected_copies(region, "F").tolist() == [2, 2, 2, 0, 0]
    assert expected_copies(region, "M").tolist() == [2, 2, 1, 1, 0]


def test_a_layout_of_another_assembly_is_refused() -> None:
    with pytest.raises(KaryolotError, match="no contig of the layout 'toy'"):
        make_bins([("scaffold_1", 100)], LAYOUT, BANDS, 100)


def test_composition_of_a_fasta(tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    path.write_text(">1\nGGCCAATTnn\nACGTNNNNNN\n>2\nGGGGG\n")
    contigs, composition = fasta.read(path, 10)
    assert contigs == [("1", 20), ("2", 5)]
    assert composition["1"].tolist() == [[4, 2], [8, 4]] and composition["2"].tolist() == [[5], [5]]
    bins = assemble_bins(BinSources(LAYOUT, BANDS.iloc[:0], contigs, composition), 10)
    assert bins["gc"].tolist() == [0.5, 0.5, 1.0] and bins["gap"].round(6).tolist() == [0.2, 0.6, 0.0]


def test_blacklist_adds_to_the_gap_once() -> None:
    black = pd.DataFrame([("chr2", 50, 150), ("chr2", 100, 200)], columns=["chrom", "start", "end"])
    assert merge_intervals(black).values.tolist() == [["chr2", 50, 200]]
    bins = assemble_bins(BinSources(LAYOUT, BANDS, CONTIGS, blacklist=black), 100)
    assert bins.loc[bins["chrom"] == "2", "gap"].tolist() == [0.5, 1.0, 0.0, 0.0, 0.0]


def test_an_interval_without_a_value_leaves_its_own_bases_out_and_no_others() -> None:
    track = pd.DataFrame(
        [("chr1", 0, 100, np.nan), ("chr1", 100, 200, 0.5), ("chr1", 200, 250, np.nan), ("chr1", 250, 300, 0.8)],
        columns=["chrom", "start", "end", "value"],
    )
    found = mean_over_bins(toy(), pieces_of(track))
    assert np.isnan(found[0]) and found[1] == pytest.approx(0.5) and found[2] == pytest.approx(0.8)
    assert mean_over_bins(toy(), pieces_of(track), uncovered=0.0)[:3] == pytest.approx([0.0, 0.5, 0.4])


def test_a_ready_bin_with_unknown_gc_is_no_gap_and_one_that_is_not_listed_is() -> None:
    ready = pd.DataFrame({"chrom": "chr1", "start": [0, 100, 200], "end": [100, 200, 300], "gc": [0.4, np.nan, -1.0]})
    bins = assemble_bins(BinSources(LAYOUT, BANDS, CONTIGS, annotation=ready), 100)
    first = bins[bins["chrom"] == "1"]
    assert first["gap"].tolist()[:4] == [0.0, 0.0, 0.0, 1.0] and first["gc"].isna().tolist()[:4] == [
        False,
        True,
        True,
        True,
    ]


@given(st.lists(st.tuples(st.integers(1, 60), st.floats(-5, 5)), min_size=1, max_size=30), st.integers(3, 50))
def test_track_means_keep_the_total(steps: list[tuple[int, float]], width: int) -> None:
    ends = np.cumsum([length for length, _ in steps])
    track = pd.DataFrame(
        {"chrom": "chr1", "start": ends - [s[0] for s in steps], "end": ends, "value": [s[1] for s in steps]}
    )
    start = np.arange(0, ends[-1], width)
    bins = pd.DataFrame({"chrom": "1", "start": start, "end": np.minimum(start + width, ends[-1])})
    means = mean_over_bins(bins, pieces_of(track))
    total = (means * (bins["end"] - bins["start"])).sum()
    assert total == pytest.approx(sum(length * value for length, value in steps), abs=1e-6)


def test_bins_without_a_track_value_are_unknown_not_zero() -> None:
    track = pd.DataFrame({"chrom": ["chr2"], "start": [100], "end": [150], "value": [3.0]})
    bins = toy()
    means = mean_over_bins(bins, pieces_of(track))[(bins["chrom"] == "2").to_numpy()]
    assert np.isnan(means[[0, 2, 3, 4]]).all() and means[1] == 3.0


def test_fragments_are_counted_in_the_bin_of_their_midpoint_whatever_piece_they_come_in() -> None:
    """Also those that begin before or end behind it; what lies on other contigs is not counted, nor what is beyond the end."""
    places = {"1": [0, 99, 100, 1049, 1049, 1050], "X": [450], "MT": [3], "KI270728.1": [800]}
    whole = [Fragments(name, np.array(middle) - 50, np.full(len(middle), 100), 40) for name, middle in places.items()]
    pieces = [piece for one in whole for piece in (split(one, slice(0, 2)), split(one, slice(2, None)))]
    for some in (whole, pieces, pieces[::-1]):
        counts, library = count_fragments(toy(), some)
        Counts.validate(counts)
        assert counts["count"].sum() == 6
        assert counts.loc[counts["chrom"] == "1", "count"].tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
        assert library.fragments == 7 and library.mitochondrial == pytest.approx(1 / 9, rel=1e-3)


def split(piece: Fragments, rows: slice) -> Fragments:
    left = piece.left_bases * len(piece.start[rows]) // len(piece.start)
    return Fragments(piece.contig, piece.start[rows], piece.length[rows], left)


def test_library_facts_are_those_of_the_planted_fragments() -> None:
    """101 fragments of 300 to 400 bases with mates of 100 on a contig of 1,000 called bases: quartiles 325, 350, 375."""
    bins = make_bins([("1", 1000)], LAYOUT, BANDS, 100)
    bins.loc[:4, "gap"] = 0.4
    _, library = count_fragments(bins, [Fragments("1", np.zeros(101, dtype=np.int64), np.arange(300, 401), 10_100)])
    assert (library.insert_first_quartile, library.insert_median, library.insert_third_quartile) == (325, 350, 375)
    assert library.coverage == pytest.approx(2 * 10_100 / 800, rel=1e-3) and library.mitochondrial is None


def test_fragments_on_unknown_contigs_alone_are_refused() -> None:
    with pytest.raises(KaryolotError, match="no fragment lies on a contig of the bins"):
        count_fragments(toy(), [Fragments("chrUn", np.array([5]), np.array([300]), 100)])


def test_finer_counts_are_summed_and_missing_ones_are_zero() -> None:
    start = np.arange(0, 500, 50)
    table = pd.DataFrame({"chrom": "chr2", "start": start, "end": start + 50, "count": np.arange(10)})
    counts = conform_counts(toy(), table, "t.tsv")
    assert counts.loc[counts["chrom"] == "2", "count"].tolist() == [1, 5, 9, 13, 17]
    assert counts["count"].sum() == 45


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("2", 50, 150, 1)], "does not fit into one bin"),
        ([("2", 500, 600, 1)], "does not fit into one bin"),
        ([("2", 0, 100, 1), ("chr2", 0, 100, 1)], "occurs twice"),
        ([("chr9", 0, 100, 1)], "no contig of the table"),
        ([("2", 0, 100, 7), ("2", 300, 400, 7)], "3 of 5 bins have no row, and an absent row is not a count of 0"),
    ],
)
def test_counts_of_another_grid_are_refused(rows: list[tuple[str, int, int, int]], message: str) -> None:
    with pytest.raises(KaryolotError, match=message):
        conform_counts(toy(), pd.DataFrame(rows, columns=["chrom", "start", "end", "count"]), "t.tsv")


def test_genes_and_recurrent_regions_of_a_place(tmp_path: Path) -> None:
    path = tmp_path / "g.gtf"
    path.write_text(
        'chr1\tx\texon\t101\t200\t.\t+\t.\tgene_id "E1"; gene_name "MYC";\n'
        'chr1\tx\texon\t301\t400\t.\t+\t.\tgene_id "E1"; gene_name "MYC";\n'
    )
    genes = gtf.read(path, transcripts=False).spans
    assert genes == {"chrom": ["chr1"], "start": [100], "end": [400], "gene_name": ["MYC"]}
    rows = [("1q", "gain", "MYC", "c", "s"), ("1q11", "loss", "", "c", "s"), ("1", "gain", "", "c", "s")]
    recurrent = pd.DataFrame(rows, columns=["region", "change", "genes", "context", "source"])
    atlas = Atlas.of({"cytobands": BANDS, "recurrent": recurrent, "genes": genes})

    assert atlas.bands("1", 390, 1050) == "1p11-q12" and atlas.bands("2", 0, 10) == ""
    assert atlas.recurrent_regions_of("1", 500, 600, "gain") == ["1q", "1"]
    assert atlas.recurrent_regions_of("1", 500, 600, "loss") == ["1q11"]
    assert atlas.recurrent_regions_of("1", 1010, 1040, "loss") == []
    assert atlas.recurrent_genes("chr1", 399, 1000) == ["MYC"] and atlas.recurrent_genes("chr1", 400, 1000) == []
