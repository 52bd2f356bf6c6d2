"""Names in the zoomed plot: bands of every contig, genes of what changed, and no more than a plot can show."""

import pandas as pd

from karyolot.contracts.copy_number import Landmarks
from karyolot.dna.atlas import Atlas
from karyolot.dna.landmarks import MOST_GENES, landmarks, with_names

MANY = {
    "chrom": ["8"] * 400 + ["20", "20", "7"],
    "start": [n * 300_000 for n in range(400)] + [31_664_457, 31_700_000, 14_200_000],
    "end": [n * 300_000 + 9_000 for n in range(400)] + [31_723_963, 31_701_000, 14_260_000],
    "gene_name": [f"G{n}" for n in range(399)] + ["MYC", "BCL2L1", "", "DGKB"],
}
ATLAS = Atlas.of(
    {
        "cytobands": {
            "chrom": ["chr8", "chr8", "chr20", "chrUn"],
            "start": [0, 45_200_000, 31_000_000, 0],
            "end": [45_200_000, 145_138_636, 33_500_000, 9],
            "band": ["p11", "q11", "q11.21", "x"],
        },
        "recurrent": {"region": ["8", "20q11.21"], "change": ["gain", "gain"], "genes": ["MYC", "BCL2L1"]},
        "genes": MANY,
    }
)
CALLS = pd.DataFrame({"chrom": ["chr8", "chr20"], "start": [0, 31_000_000], "end": [145_138_636, 33_500_000]})
VARIANTS = pd.DataFrame({"chrom": ["chr7", "chr7"], "start": [14_200_000, 90], "end": [14_290_000, 95]})


def test_bands_of_all_contigs_and_genes_of_what_changed_are_named_in_the_spelling_of_the_run() -> None:
    found = landmarks(ATLAS, ["chr7", "chr8", "chr20"], CALLS, pd.concat([VARIANTS, VARIANTS]))
    Landmarks.validate(found)
    assert found.loc[found["kind"] == "band", ["chrom", "name"]].to_numpy().tolist() == [
        ["chr8", "p11"],
        ["chr8", "q11"],
        ["chr20", "q11.21"],
    ]
    genes = found[found["kind"] != "band"]
    assert genes[["chrom", "kind", "name"]].to_numpy().tolist() == [
        ["chr7", "gene", "DGKB"],
        ["chr8", "listed", "MYC"],
        ["chr20", "listed", "BCL2L1"],
    ], f"a change with more than {MOST_GENES} genes names the listed ones; one without a name is none"


def test_the_donors_own_changes_have_bands_and_genes() -> None:
    places = {"chrom": ["chr7", "chr20"], "start": [14_200_000, 31_660_000], "end": [14_290_000, 31_724_000]}
    named = with_names(VARIANTS.assign(**places), ATLAS)
    assert named[["bands", "genes"]].to_numpy().tolist() == [["", "DGKB"], ["20q11.21", "BCL2L1"]]


def test_a_genome_without_bands_and_annotation_has_no_names() -> None:
    empty = {name: {key: [] for key in table} for name, table in (("cytobands", ATLAS.cytobands), ("genes", MANY))}
    bare = Atlas.of({"recurrent": ATLAS.recurrent.to_dict("list"), **empty})
    assert landmarks(bare, ["chr8"], CALLS, VARIANTS).empty
    assert with_names(VARIANTS, bare)[["bands", "genes"]].to_numpy().tolist() == [["", ""], ["", ""]]
