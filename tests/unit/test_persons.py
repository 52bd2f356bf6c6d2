"""Whose sample a swapped lot is: planted people in, donors of the sample sheet out."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

import planted_records
from karyolot.contracts.alleles import AlleleCounts
from karyolot.contracts.alleles import Identity as Compared
from karyolot.contracts.persons import Persons
from karyolot.contracts.record import UNSEALED
from karyolot.contracts.settings import Identity
from karyolot.dna.contamination import identify
from karyolot.dna.persons import whose
from karyolot.io.record import read_report, write_report
from karyolot.io.results import read_counted
from karyolot.io.tables import write_table
from planted_alleles import counts, expressed, panel, person

SITES = panel(4_000)
RATIO = Identity().log10_ratio
RNG = np.random.default_rng(5)
PEOPLE = {name: person(SITES, RNG) for name in ("D1", "D2", "D3")}
BOTH = ("L3-wgs", "L3-rna")
DNA = {name: counts(SITES, who, 2, RNG) for name, who in PEOPLE.items()}


def compared(dna: str, rna: str, donors: Mapping[str, pd.DataFrame | None], depth: float = 2) -> Persons:
    """A lot that is said to be of D1, with the DNA and the RNA of these persons."""
    own = {"L3-wgs": counts(SITES, PEOPLE[dna], depth, RNG), "L3-rna": expressed(SITES, PEOPLE[rna], RNG)}
    sample = {"sample_id": "L3-rna", "role": "lot"}
    identity: Compared = identify(own["L3-wgs"], DNA["D1"], Identity(), [own["L3-rna"]], [sample])
    return whose(identity, {"own": own, "donors": donors}, dict, RATIO)


def test_a_lot_of_its_donor_is_compared_with_nobody_else() -> None:
    def never(places: Mapping[str, object]) -> dict[str, pd.DataFrame | None]:
        assert not places
        return {}

    own = counts(SITES, PEOPLE["D1"], 2, RNG)
    identity = identify(own, DNA["D1"], Identity(), [], [])
    found = whose(identity, {"own": {"L1-wgs": own}, "donors": DNA}, never, RATIO)
    assert (found, found.sentence) == (Persons(), "")


def test_a_swapped_lot_names_the_donor_it_matches() -> None:
    found = compared("D2", "D2", {"D2": DNA["D2"], "D3": DNA["D3"]})
    assert found == Persons(strangers=BOTH, dna=("D2",), rna=("D2",), compared=("D2", "D3"))
    assert found.sentence == "Its DNA and RNA match donor D2."


def test_dna_and_rna_of_two_people_are_named_apart() -> None:
    found = compared("D2", "D3", {"D2": DNA["D2"], "D3": DNA["D3"]})
    assert found.sentence == "Its DNA matches donor D2. Its RNA matches donor D3."
    only_rna = compared("D1", "D3", {"D2": DNA["D2"], "D3": DNA["D3"]})
    assert (only_rna.strangers, only_rna.sentence) == (("L3-rna",), "Its RNA matches donor D3.")


def test_a_stranger_matches_nobody_and_a_donor_without_counts_stays_open() -> None:
    found = compared("D3", "D3", {"D2": DNA["D2"], "D4": None})
    assert found.sentence == (
        "It matches none of the other donors on the sample sheet (D2). Not comparable when this report was made: D4."
    )
    alone = compared("D3", "D3", {})
    assert alone.sentence == "The sample sheet has no other donor to compare it with."


def test_a_file_of_another_donor_that_cannot_be_read_stops_no_lot(tmp_path: Path) -> None:
    write_table(DNA["D2"], tmp_path / "D2.parquet", AlleleCounts)
    (tmp_path / "D3.parquet").write_bytes(b"not a table")
    found = read_counted({name: tmp_path / f"{name}.parquet" for name in ("D2", "D3", "D4")})
    assert found["D2"] is not None and (found["D3"], found["D4"]) == (None, None)


def test_the_report_says_it_and_the_report_id_does_not_cover_it(tmp_path: Path) -> None:
    assert "persons" in UNSEALED
    record = planted_records.swapped()
    found = Persons(strangers=BOTH, dna=("D2",), rna=("D2",), compared=("D2",))
    path = tmp_path / record.lot.lot_id / "report.json"
    path.parent.mkdir()
    write_report(record.model_copy(update={"persons": found}), path)
    read = read_report(path)
    assert (read.persons, read.report_id) == (found, record.report_id)
    assert "Its DNA and RNA match donor D2." in planted_records.html(read)
