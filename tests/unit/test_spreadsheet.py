"""Names that a spreadsheet changed, in the spellings of its languages; and names of genes, which it left alone."""

import pytest

from karyolot.inputs.spreadsheet import damage, damaged_names
from karyolot.io.shipped import PACKAGE

DATES = (
    """
1-Mar|Mar-01|01-Mar-24|1-MAR|Sep-02|2024-03-01|2024-03-01 00:00:00|3/1/24|1.3.2001|01. Mrz|1. März|01-mars|1er mars|1er-avr.
1er janvier 2024|1 de marzo|1 de marzo de 2024|1º de março|1 mar|1-dic|2-ago|1-set|1º marzo|1 gennaio|1-mrt|1 maart|1. mars
1. marts|1. maj|1st March|2nd Sept|3月1日|1 мар|1-сен|1 sty|1 września|1. března|1. září|1 márc.|szept. 2|2 eylül|1 Mart
1. maaliskuuta|2. syys|1-noi|2 septembrie|1. ožu|2. rujna|1 de març|1 d'abril|2 Agu
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
GENES = """
MARCHF1 SEPTIN2 DELEC1 MARC1 MARCH1 SEPT2 DEC1 NOV CCN3 7SK 5S_rRNA 5S-rRNA 7SL U6 H2-Q1 HLA-A NKX2-1 1700001A01Rik TP53
ENSG00000141510.17 LOC100 A1BG-AS1 14-3-3 C1orf112 RP11-34P13.7 AC1.2 hsa-mir-1 MT-ND1 3-HAD
""".split()


@pytest.mark.parametrize("name", DATES)
def test_dates_of_any_language_are_damage(name: str) -> None:
    assert damage(name) == "a date"


@pytest.mark.parametrize("name", GENES)
def test_names_of_genes_are_none(name: str) -> None:
    assert damage(name) is None


def test_no_symbol_of_the_simulated_annotation_is_damage() -> None:
    lines = (PACKAGE / "simulate" / "genes.tsv").read_text(encoding="utf-8").splitlines()
    names = [(0, cell) for line in lines if not line.startswith("#") for cell in line.split("\t")[:2]]
    assert len(names) > 1000 and not damaged_names(names)
