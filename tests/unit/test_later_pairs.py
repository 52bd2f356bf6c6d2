"""Pairs of samples in a study that grows: what was compared before is taken, and the table is that of comparing all."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from karyolot.contracts.alleles import AlleleCounts, Contamination, Counted, Identity, Kinship
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Identity as Settings
from karyolot.dna import kinships
from karyolot.dna.sources import match_samples
from karyolot.io.pairs import read_allele_counts, read_earlier, write_pairs
from karyolot.io.tables import write_table
from planted_alleles import counts, panel, person

SITES = panel(400)
DONORS = ("D1", "D2")
LOTS = {"L1": "D1", "L2": "D2", "L3": "D1"}
MADE_BY = {"code": "a", "settings": {}}
HELD = Contamination(fraction=0.05, low=0.03, high=0.07, lod=0.01, sites=300, donor_known=1.0)
KIN = Kinship(result="MATCH", sites=300, log10_unrelated=99, log10_sibling=99)
OWN = Identity(
    kinship=KIN, contamination=HELD, panel=400, lot_depth=20, donor_depth=20, frequencies="panel", rna=()
)  # fmt: skip
CLEAN = OWN.model_copy(update={"contamination": HELD.model_copy(update={"low": 0.0})})


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Allele counts of every sample in two versions, of a third panel for L3; 8 % of D2 in L1."""
    folder = tmp_path_factory.mktemp("alleles")
    rng = np.random.default_rng(5)
    people = {donor: person(SITES, rng) for donor in DONORS}
    for name in (*DONORS, *LOTS):
        own = people[LOTS.get(name, name)]
        mixed = {"foreign": people["D2"], "share": 0.08} if name == "L1" else {}
        for version in range(2):
            table = counts(SITES, own, 20, rng, **mixed)
            if name == "L3":
                table = table.iloc[100:300].reset_index(drop=True).assign(frequency=np.nan)
            write_table(table, folder / f"{name}.{version}.parquet", AlleleCounts)
    return folder


def sheet(names: Sequence[str]) -> list[dict[str, str]]:
    persons = {name: LOTS.get(name, name) for name in names}
    return [
        {"sample_id": f"{name}-wgs", "assay": "wgs", "owner": name, "person": person}
        | {"role": "lot" if name in LOTS else "donor"}
        for name, person in persons.items()
    ]


def compared(
    files: Path, versions: Mapping[str, int], out: Path, made_by: Mapping[str, object] = MADE_BY
) -> pd.DataFrame:
    """The table of a run on these samples in `out`, which may hold that of an earlier one."""
    rows = sheet([*versions])
    counted = read_allele_counts([files / f"{name}.{version}.parquet" for name, version in versions.items()], rows)
    own = {lot: OWN if lot == "L1" else CLEAN for lot in LOTS}
    made = {"pairs": out / "identity.parquet", "tsv": out / "identity.tsv", "compared": out / "identity.json"}
    pairs, likenesses = match_samples(counted, rows, own, Settings(), read_earlier(made, made_by, counted))
    write_pairs(pairs, likenesses, made, made_by, counted)
    return pairs


states = st.tuples(st.permutations([*DONORS, *LOTS]), st.integers(0, 3), st.integers(0, 31)).map(
    lambda drawn: {
        name: drawn[2] >> number & 1 for number, name in enumerate(drawn[0]) if name in DONORS or number >= drawn[1]
    }
)
"""Samples in some order, in one of two versions; some lots are missing."""


@settings(max_examples=8)
@given(before=states, after=states)
def test_a_study_that_changed_has_the_table_of_one_that_is_new(
    files: Path, tmp_path_factory: pytest.TempPathFactory, before: dict[str, int], after: dict[str, int]
) -> None:
    grown, new = tmp_path_factory.mktemp("grown"), tmp_path_factory.mktemp("new")
    compared(files, before, grown)
    pd.testing.assert_frame_equal(compared(files, after, grown), compared(files, after, new))


ALL = dict.fromkeys([*DONORS, *LOTS], 0)


def test_only_the_pairs_of_a_new_lot_are_compared(files: Path, tmp_path: Path) -> None:
    first = compared(files, {name: 0 for name in ALL if name != "L2"}, tmp_path)
    assert first["b_in_a"].notna().sum() + first["a_in_b"].notna().sum() == 1, "D2 is in L1"
    with (
        mock.patch.object(kinships, "log_ratios", wraps=kinships.log_ratios) as together,
        mock.patch.object(kinships, "_alone", wraps=kinships._alone) as alone,
    ):
        compared(files, ALL, tmp_path)
        assert [len(call.args[0]) for call in together.call_args_list] == [4], "three of L2's panel, and L2"
        assert [call.args[2] for call in together.call_args_list] == [1]
        assert len(alone.call_args_list) == 1, "L3, of another panel"
        together.reset_mock()
        compared(files, ALL, tmp_path)
        assert not together.called, "nothing is new"
        for change in (lambda: {"code": "b"}, lambda: damage(tmp_path / "identity.parquet") or MADE_BY):
            together.reset_mock()
            compared(files, ALL, tmp_path, change())
            assert [call.args[2] for call in together.call_args_list] == [4], "another code, or a file that was changed"


def damage(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-200] + bytes([content[-200] ^ 1]) + content[-199:])


def test_a_file_of_allele_counts_that_was_edited_stops_the_job(files: Path, tmp_path: Path) -> None:
    copy = tmp_path / "edited.parquet"
    copy.write_bytes((files / "D1.0.parquet").read_bytes())
    damage(copy)
    with pytest.raises(KaryolotError, match="seal"):
        read_allele_counts([copy], sheet(["D1"]))


def test_samples_of_one_panel_share_its_sites(files: Path) -> None:
    names = ("D1", "D2", "L3")
    held = read_allele_counts([files / f"{name}.0.parquet" for name in names], sheet(names))
    one, two, other = held.values()
    assert one.sites is two.sites and other.sites is not one.sites
    assert one.counts.dtype == np.uint8 and isinstance(one, Counted)
    assert one.table.dtypes.to_dict() == AlleleCounts.validate(one.table).dtypes.to_dict()
