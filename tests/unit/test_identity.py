"""Planted people: the same, siblings, strangers, mixtures. Wrong answers are counted, thin data must say so."""

from collections.abc import Collection
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.alleles import COUNTS, AlleleFacts, Counted, Pairs, Relation
from karyolot.contracts.criteria import check_metrics
from karyolot.contracts.metrics import metrics_of
from karyolot.contracts.problems import KaryolotError
from karyolot.contracts.settings import Identity
from karyolot.dna import kinships
from karyolot.dna.allele_summary import allele_metrics
from karyolot.dna.contamination import contamination, identify, shared_reads
from karyolot.dna.identity import frequencies, genotypes, kinship, posterior, relation, shared_sites, together
from karyolot.dna.kinships import match_all
from karyolot.dna.sources import holds_foreign_reads, match_samples
from planted_alleles import children, counts, expressed, mosaic, panel, person

SITES = panel(10_000)
QUARTER = SITES.iloc[::4].reset_index(drop=True)
FREQUENCY = SITES["frequency"].to_numpy()
RATIO = Identity().log10_ratio
FACTS = AlleleFacts(
    sites=0, min_depth=10, centre=None, site_bias=None, overdispersion=None, windows=0, threshold=None, size_mb=10, power=0.95,
    lod=None, reason="not asked here",
)  # fmt: skip


def counted(tables: dict[str, pd.DataFrame], rna: Collection[str] = ()) -> dict[str, Counted]:
    """Of tables (schema AlleleCounts) by sample; rna: those of RNA."""
    return {
        name: Counted(table.drop(columns=COUNTS), table[COUNTS].to_numpy(np.uint16).T, name in rna)
        for name, table in tables.items()
    }


def results(depth_a: float, depth_b: float, number: int, seed: int) -> dict[str, list[str]]:
    """Answers on `number` pairs each of one person, full siblings and strangers."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[str]] = {"same": [], "sibling": [], "unrelated": []}
    for _ in range(number):
        one, other = children(SITES, rng)
        first = genotypes(counts(SITES, one, depth_a, rng))
        for name, who in (("same", one), ("sibling", other), ("unrelated", person(SITES, rng))):
            second = genotypes(counts(SITES, who, depth_b, rng))
            found[name].append(kinship(first, second, FREQUENCY, RATIO).result)
    return found


def test_at_half_a_read_per_site_every_pair_is_told() -> None:
    found = results(0.5, 0.5, 40, 1)
    assert set(found["same"]) == {"MATCH"}
    assert set(found["unrelated"]) == {"MISMATCH"}
    assert "MATCH" not in found["sibling"]


def test_siblings_are_told_apart_at_one_read_per_site() -> None:
    assert set(results(1, 1, 20, 2)["sibling"]) == {"MISMATCH"}


def test_depth_of_either_side_may_differ() -> None:
    found = results(30, 0.3, 10, 3)
    assert (set(found["same"]), set(found["unrelated"])) == ({"MATCH"}, {"MISMATCH"})


def test_too_few_reads_are_no_answer_and_never_a_wrong_one() -> None:
    found = results(0.05, 0.05, 20, 4)
    assert set(found["same"]) <= {"MATCH", "NOT ENOUGH"} and "NOT ENOUGH" in found["same"]
    assert "MATCH" not in found["sibling"] + found["unrelated"]
    nothing = genotypes(SITES.assign(ref_count=0, alt_count=0, other_count=0))
    alone = kinship(nothing, nothing, FREQUENCY, RATIO)
    assert (alone.result, alone.sites, alone.log10_unrelated, alone.log10_sibling) == ("NOT ENOUGH", 0, 0, 0)


def test_lost_alleles_and_foreign_reads_do_not_make_another_person() -> None:
    """A third of the genome without one allele, and a fifth of another human, at a depth that shows both."""
    rng = np.random.default_rng(5)
    me, guest = person(SITES, rng), person(SITES, rng)
    donor = genotypes(counts(SITES, me, 30, rng))
    lost = mosaic(SITES, [(f"chr{n}", 0, 300, "loss", 1.0) for n in range(1, 6)])
    for lot in (counts(SITES, me, 30, rng, copies=lost), counts(SITES, me, 30, rng, foreign=guest, share=0.2)):
        assert kinship(donor, genotypes(lot), FREQUENCY, RATIO).result == "MATCH"


def test_a_panel_without_frequencies_still_tells() -> None:
    rng = np.random.default_rng(6)
    bare = SITES.assign(frequency=np.nan)
    me, other = person(SITES, rng), person(SITES, rng)
    lot, donor, stranger = (counts(bare, who, 2, rng) for who in (me, me, other))
    assert frequencies(lot, donor)[1] == "pair"
    for who, answer in ((donor, "MATCH"), (stranger, "MISMATCH")):
        assert kinship(genotypes(lot), genotypes(who), frequencies(lot, who)[0], RATIO).result == answer


def test_the_order_of_the_two_does_not_matter() -> None:
    rng = np.random.default_rng(7)
    me = person(SITES, rng)
    a, b = (genotypes(counts(SITES, me, depth, rng)) for depth in (1, 3))
    assert kinship(a, b, FREQUENCY, RATIO) == kinship(b, a, FREQUENCY, RATIO)


def test_both_alternatives_must_be_excluded_for_a_match() -> None:
    assert relation(9, 3.9, 4) == "NOT ENOUGH"
    assert relation(9, 4, 4) == "MATCH"
    assert relation(2, -4, 4) == "MISMATCH"


def test_every_pair_is_compared() -> None:
    rng = np.random.default_rng(8)
    people = [person(SITES, rng) for _ in range(3)]
    tables = {f"S{i}": counts(SITES, people[i % 3], 1, rng) for i in range(7)}
    persons = {name: f"D{i % 3}" for i, name in enumerate(tables)}
    pairs = match_all(counted(tables), persons, persons, RATIO)
    assert len(pairs) == 21
    assert (pairs["expected"] == (pairs["result"] == "MATCH")).all()


def test_all_pairs_at_once_are_what_each_pair_is_alone() -> None:
    """Two panels, one of them with rare alleles, one sample of a third that states none; thin, deep and empty samples, RNA."""
    rng = np.random.default_rng(12)
    panels = {"A": SITES.iloc[:1500], "B": SITES.iloc[700:2000].assign(frequency=rng.choice([1e-7, 1e-3, 0.4], 1300))}
    panels["C"] = SITES.iloc[:600].assign(frequency=np.nan)
    people = [person(SITES, rng) for _ in range(2)]
    tables = {}
    for number, (name, depth) in enumerate([*[(one, d) for one in "AB" for d in (0.05, 1, 30, 0, 8)], ("C", 5)]):
        rows = panels[name].reset_index(drop=True)
        alleles = people[number % 2][:, panels[name].index]
        tables[f"{name}{number}"] = counts(rows, alleles, depth, rng)
    held, persons = counted(tables, rna=[*tables][3::4]), dict.fromkeys(tables, "D")
    with mock.patch.multiple(kinships, SAMPLES=2, SITES=100):
        found = match_all(held, persons, persons, RATIO)
    with mock.patch.object(kinships, "panels", return_value=[]):
        alone = match_all(held, persons, persons, RATIO)
    assert len(found) == 55 and len(set(found["result"])) == 3
    exact = ["log10_unrelated", "log10_sibling"]
    pd.testing.assert_frame_equal(found.drop(columns=exact), alone.drop(columns=exact))
    # Rounded to 0.01: sums in another order may round to the neighbour.
    np.testing.assert_allclose(found[exact], alone[exact], rtol=0, atol=0.0101)
    assert (found[exact] == alone[exact]).to_numpy().mean() > 0.98


def test_only_sites_in_common_are_compared() -> None:
    rng = np.random.default_rng(9)
    me = person(SITES, rng)
    one, two = counts(SITES, me, 3, rng), counts(SITES, me, 3, rng)
    first, second = one.iloc[:8000].reset_index(drop=True), two.iloc[3000:].reset_index(drop=True)
    a, b = shared_sites({"A": first, "B": second})
    pd.testing.assert_frame_equal(a, one.iloc[3000:8000].reset_index(drop=True))
    pd.testing.assert_frame_equal(b, two.iloc[3000:8000].reset_index(drop=True))
    pairs = match_all(counted({"A": first, "B": second}), *[{"A": "D", "B": "D"}] * 2, RATIO)
    expected = kinship(genotypes(a), genotypes(b), a["frequency"].to_numpy(), RATIO)
    assert pairs["log10_sibling"].tolist() == [expected.log10_sibling]
    with pytest.raises(KaryolotError, match="A and B: allele counts have no site in common"):
        shared_sites({"A": first.iloc[:100], "B": second})


RARE = SITES.assign(frequency=np.where(np.arange(len(SITES)) % 10 < 8, 5e-4, SITES["frequency"]))
"""Sites as a catalogue of all variants has them: at four of five everybody is alike."""


@pytest.mark.parametrize("sites", [SITES, QUARTER, RARE], ids=["common", "few", "mostly rare"])
@pytest.mark.parametrize("depth", [1, 4, 30])
def test_without_frequencies_strangers_and_siblings_are_not_taken_for_the_person(
    sites: pd.DataFrame, depth: float
) -> None:
    """Sites at which all people are alike must not speak for 'the same person'."""
    rng = np.random.default_rng(31)
    found: dict[str, set[str]] = {"same": set(), "sibling": set(), "unrelated": set()}
    for _ in range(4):
        one, other = children(sites, rng)
        first = counts(sites.assign(frequency=np.nan), one, depth, rng)
        for name, who in (("same", one), ("sibling", other), ("unrelated", person(sites, rng))):
            second = counts(sites.assign(frequency=np.nan), who, depth, rng)
            kin = kinship(genotypes(first), genotypes(second), frequencies(first, second)[0], RATIO)
            found[name].add(kin.result)
    assert "MATCH" not in found["sibling"] | found["unrelated"]
    assert "MISMATCH" not in found["same"]
    if depth > 1:
        assert found == {"same": {"MATCH"}, "sibling": {"MISMATCH"}, "unrelated": {"MISMATCH"}}


@pytest.mark.parametrize("share", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("sites", [SITES, RARE], ids=["common", "mostly rare"])
def test_contamination_is_measured_without_frequencies(sites: pd.DataFrame, share: float) -> None:
    rng = np.random.default_rng(32)
    bare = sites.assign(frequency=np.nan)
    me, guest = person(sites, rng), person(sites, rng)
    lot, donor = counts(bare, me, 20, rng, foreign=guest, share=share), counts(bare, me, 20, rng)
    found = contamination(lot, donor, frequencies(lot, donor)[0])
    assert found.fraction == pytest.approx(share, abs=0.003 + 0.15 * share)


EXPRESSED = SITES.iloc[::33].reset_index(drop=True)
"""As many as a genome-wide panel has in expressed exons: 303."""


@pytest.mark.statistics
def test_rna_is_matched_to_dna_through_unequal_and_silent_alleles() -> None:
    rng = np.random.default_rng(21)
    frequency = EXPRESSED["frequency"].to_numpy()
    found: dict[str, list[str]] = {"same": [], "sibling": [], "unrelated": []}
    for _ in range(60):
        one, other = children(EXPRESSED, rng)
        rna = genotypes(expressed(EXPRESSED, one, rng), rna=True)
        for name, who in (("same", one), ("sibling", other), ("unrelated", person(EXPRESSED, rng))):
            dna = genotypes(counts(EXPRESSED, who, 30, rng))
            found[name].append(kinship(rna, dna, frequency, RATIO).result)
    assert set(found["same"]) == {"MATCH"}
    assert set(found["unrelated"]) == {"MISMATCH"}
    assert "MATCH" not in found["sibling"] and found["sibling"].count("MISMATCH") >= 50


def test_alleles_of_rna_are_trusted_less_than_their_number() -> None:
    """80 of 100 fragments: a het site, in DNA without a doubt, in RNA with some; 99 of 100 is a homozygote."""
    counted = SITES.iloc[:2].assign(ref_count=[80, 99], alt_count=[20, 1], other_count=0)
    assert genotypes(counted, rna=True).likelihood.argmax(axis=1).tolist() == [1, 0]
    assert genotypes(counted, rna=True).likelihood[0, 0] > 0.01 and genotypes(counted).likelihood[0, 0] < 1e-6


def test_a_swapped_tube_of_rna_is_found_and_the_others_are_not_blamed() -> None:
    rng = np.random.default_rng(22)
    me, other = person(EXPRESSED, rng), person(EXPRESSED, rng)
    lot, donor = counts(EXPRESSED, me, 30, rng), counts(EXPRESSED, me, 30, rng)
    samples = [
        {"sample_id": name, "role": role} for name, role in (("own", "lot"), ("swapped", "lot"), ("liver", "donor"))
    ]
    silent = EXPRESSED.assign(ref_count=0, alt_count=0, other_count=0)

    def metrics(*rna: pd.DataFrame) -> dict[str, object]:
        identity = identify(lot, donor, Identity(), list(rna), samples)
        assert [sample.sample_id for sample in identity.rna] == ["own", "swapped", "liver"]
        found = allele_metrics(identity, pd.DataFrame({"origin": []}), FACTS)
        assert check_metrics(found).keys() == metrics_of("alleles")
        assert all(metric.reason for metric in found.values() if metric.value is None)
        return {name: found[f"identity.{name}"].value for name in ("snp_match", "rna_match", "donor_rna_match")}

    mine, again, theirs = (expressed(EXPRESSED, who, rng) for who in (me, me, other))
    fine = {"snp_match": "MATCH", "rna_match": "MATCH", "donor_rna_match": "MATCH"}
    assert metrics(mine, again, mine) == fine
    assert metrics(mine, theirs, mine) == fine | {"rna_match": "MISMATCH"}
    assert metrics(mine, again, theirs) == fine | {"donor_rna_match": "MISMATCH"}
    assert metrics(mine, silent, silent) == fine | {"rna_match": None, "donor_rna_match": None}
    assert metrics(theirs, silent, mine) == fine | {"rna_match": "MISMATCH"}


def test_rna_is_held_against_all_dna_that_is_the_donors() -> None:
    """A donor sequenced thin: with the lot's DNA, which is the donor's, RNA is told all the same; a swapped lot's is not used."""
    rng = np.random.default_rng(23)
    me, other = person(SITES, rng), person(SITES, rng)
    donor = counts(SITES, me, 0.3, rng)
    few = [expressed(EXPRESSED, who[:, ::33], rng) for who in (me, other)]
    blank = SITES.assign(ref_count=0, alt_count=0, other_count=0)
    mine, theirs = (
        pd.concat([blank.drop(index=blank.index[::33]), part.set_index(blank.index[::33])]).sort_index() for part in few
    )
    samples = [{"sample_id": "mine", "role": "lot"}, {"sample_id": "theirs", "role": "lot"}]
    own = identify(counts(SITES, me, 30, rng), donor, Identity(), [mine, theirs], samples)
    assert [sample.result for sample in own.rna] == ["MATCH", "MISMATCH"]
    swapped = identify(counts(SITES, other, 30, rng), donor, Identity(), [mine, theirs], samples)
    assert swapped.kinship.result == "MISMATCH"
    assert swapped.rna[1].log10_unrelated < 0 < swapped.rna[0].log10_unrelated


@pytest.mark.parametrize("share", [0.0, 0.005, 0.01, 0.02, 0.05, 0.1])
def test_contamination_is_measured(share: float) -> None:
    """10,000 sites at 5 fragments: within half a point up to 5 %, within its own interval (twice, beside chance) above."""
    rng = np.random.default_rng(round(share * 1000))
    me, guest = person(SITES, rng), person(SITES, rng)
    lot, donor = counts(SITES, me, 5, rng, foreign=guest, share=share), counts(SITES, me, 5, rng)
    found = contamination(lot, donor, FREQUENCY)
    assert found.fraction is not None and found.low is not None and found.high is not None and found.lod is not None
    assert abs(found.fraction - share) <= max(0.005, 2 * (found.high - found.low) / 2)
    assert abs(found.fraction - share) <= 0.012
    assert found.low <= found.fraction <= found.high
    assert found.lod <= 0.02
    if share >= 2 * found.lod:
        assert found.low > 0


def test_contamination_is_not_made_of_errors_or_mosaics() -> None:
    """Errors towards alt twice as common as third bases say, and a trisomy in half of the cells."""
    rng = np.random.default_rng(11)
    me = person(SITES, rng)
    lot = counts(SITES, me, 20, rng, copies=mosaic(SITES, [(f"chr{n}", 0, 300, "gain", 0.5) for n in (1, 2, 3)]))
    flipped = [rng.binomial(lot[name], 0.0007) for name in ("ref_count", "alt_count")]
    lot["ref_count"] += flipped[1] - flipped[0]
    lot["alt_count"] += flipped[0] - flipped[1]
    found = contamination(lot, counts(SITES, me, 20, rng), FREQUENCY)
    assert found.fraction is not None and found.fraction < 0.003


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("depth", [30, 3_000, 300_000])
def test_very_deep_sites_of_another_person_are_no_division_by_zero(depth: int) -> None:
    """Below exp(-745) a likelihood is 0, its logarithm infinite, and the difference of two of them not a number."""
    rng = np.random.default_rng(8)
    sites = SITES.iloc[:400].reset_index(drop=True)
    me, stranger = person(sites, rng), person(sites, rng)
    donor = counts(sites, me, 30, rng)
    for mine in (me, stranger):
        lot = counts(sites, mine, 30, rng)
        grown = lot.assign(**{name: lot[name] * depth // 30 for name in ("ref_count", "alt_count", "other_count")})
        found = contamination(grown, donor, FREQUENCY[:400])
        assert found.fraction is None or 0 <= found.fraction <= 0.5


@pytest.mark.parametrize("depth", [2, 12, 30])
@pytest.mark.parametrize("part", [1.0, 0.5])
def test_allele_counts_of_the_donors_own_reads_are_noticed_and_other_samples_of_it_are_not(
    depth: int, part: float
) -> None:
    rng = np.random.default_rng(8)
    me = person(SITES, rng)
    donor = counts(SITES, me, depth, rng)
    copied = donor.assign(
        **{name: rng.binomial(donor[name], part) for name in ("ref_count", "alt_count", "other_count")}
    )
    assert identify(counts(SITES, me, depth, rng), donor, Identity()).shared is None
    if depth == 2 and part < 1:
        return  # no site is known to be heterozygous; the scatter of read depth shows shared reads there
    found = identify(copied, donor, Identity()).shared
    assert found is not None and found < 0.5


@pytest.mark.parametrize("depths", [(8, 8), (60, 8), (8, 60), (300, 10)])
def test_an_honest_lot_holds_no_reads_of_a_shallow_donor(depths: tuple[float, float]) -> None:
    """Sites taken for heterozygous by few reads are those where these scatter little; half of a sample's reads are noticed."""
    rng = np.random.default_rng(17)
    sites = panel(20_000)
    me = person(sites, rng)
    lot, donor = (counts(sites, me, depth, rng) for depth in depths)
    frequency, known = sites["frequency"].to_numpy(), together(genotypes(lot), genotypes(donor))
    assert shared_reads(lot, donor, posterior(known.likelihood, frequency)[:, 1]) is None
    drawn = lot.assign(**{name: rng.binomial(lot[name], 0.5) for name in ("ref_count", "alt_count", "other_count")})
    known = together(genotypes(drawn), genotypes(lot))
    assert shared_reads(drawn, lot, posterior(known.likelihood, frequency)[:, 1]) is not None


def test_no_reads_have_no_contamination() -> None:
    empty = SITES.assign(ref_count=0, alt_count=0, other_count=0)
    found = identify(empty, empty, Identity())
    assert found.kinship.result == "NOT ENOUGH"
    assert (found.contamination.fraction, found.contamination.sites) == (None, 0)


def test_the_sheet_tells_who_is_mixed_in_and_whom_a_swapped_tube_belongs_to() -> None:
    rng = np.random.default_rng(12)
    sites = QUARTER
    one, two = person(sites, rng), person(sites, rng)
    tables = [
        counts(sites, one, 10, rng),
        counts(sites, two, 10, rng),
        counts(sites, one, 10, rng, foreign=two, share=0.05),
        counts(sites, two, 10, rng),
    ]
    pairs = compared(dict(zip(("D1", "D2", "mixed/D1", "swapped/D1"), tables, strict=True)))
    assert pairs.loc[("D1", "mixed"), "result"] == "MATCH"
    assert pairs.loc[("D1", "swapped"), "result"] == "MISMATCH"
    assert pairs.loc[("D2", "swapped"), "result"] == "MATCH"
    assert not pairs.loc[("D2", "swapped"), "expected"]
    assert shares(pairs) == {("D2", "mixed", "a_in_b"): pytest.approx(0.05, abs=0.01)}


def compared(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Schema Pairs by both names. tables: of donors by their name, of lots by 'LOT/DONOR'."""
    samples = []
    for name in tables:
        owner, _, donor = name.partition("/")
        role = {"person": donor, "role": "lot"} if donor else {"person": owner, "role": "donor"}
        samples.append({"sample_id": owner, "assay": "wgs", "owner": owner, **role})
    own = {
        name.split("/")[0]: identify(table, tables[name.split("/")[1]], Identity())
        for name, table in tables.items()
        if "/" in name
    }
    held = {name.split("/")[0]: one for name, one in counted(tables).items()}
    pairs, _ = match_samples(held, samples, own, Identity())
    return Pairs.validate(pairs).set_index(["sample_a", "sample_b"])


def shares(pairs: pd.DataFrame) -> dict[tuple[str, str, str], float]:
    """What is not null of the two shares: first sample, second, column."""
    return {
        (*pair, name): row[name] for pair, row in pairs.iterrows() for name in ("a_in_b", "b_in_a") if row[name] >= 0
    }


@pytest.mark.parametrize("share", [0.0, 0.05])
def test_a_swapped_tube_with_the_donors_own_cells_is_not_taken_for_the_guest(share: float) -> None:
    """L3 is D1's by the sheet and D2's in truth; what L2, of D2, holds is of somebody no sheet knows, or nothing."""
    rng = np.random.default_rng(13)
    one, two, nobody = (person(QUARTER, rng) for _ in range(3))
    pairs = compared(
        {
            "D1": counts(QUARTER, one, 5, rng),
            "D2": counts(QUARTER, two, 5, rng),
            "L2/D2": counts(QUARTER, two, 5, rng, foreign=nobody, share=share),
            "L3/D1": counts(QUARTER, two, 5, rng),
        }
    )
    assert pairs.loc[("L2", "L3"), "result"] == "MATCH"
    assert shares(pairs) == {}


def test_two_lots_with_reads_of_each_others_person_keep_both_shares() -> None:
    """Donors too thin to explain the foreign reads as well as the lots do."""
    rng = np.random.default_rng(14)
    one, two = person(SITES, rng), person(SITES, rng)
    pairs = compared(
        {
            "D1": counts(SITES, one, 2, rng),
            "D2": counts(SITES, two, 2, rng),
            "L1/D1": counts(SITES, one, 30, rng, foreign=two, share=0.03),
            "L2/D2": counts(SITES, two, 30, rng, foreign=one, share=0.08),
        }
    )
    assert shares(pairs) == {
        ("L1", "L2", "a_in_b"): pytest.approx(0.08, abs=0.01), ("L1", "L2", "b_in_a"): pytest.approx(0.03, abs=0.01),
    }  # fmt: skip


def test_a_source_is_only_searched_where_foreign_reads_were_found() -> None:
    rng = np.random.default_rng(15)
    me = person(QUARTER, rng)
    clean = identify(counts(QUARTER, me, 5, rng), counts(QUARTER, me, 5, rng), Identity())
    assert clean.contamination.low == 0 and not holds_foreign_reads(clean)

    def lot(result: Relation, low: float | None) -> bool:
        found = {"low": low, "fraction": None if low is None else low + 0.01}
        return holds_foreign_reads(
            clean.model_copy(
                update={
                    "kinship": clean.kinship.model_copy(update={"result": result}),
                    "contamination": clean.contamination.model_copy(update=found),
                }
            )
        )

    assert lot("MATCH", 0.01) and lot("MATCH", None)
    assert not lot("MISMATCH", 0.01) and not lot("NOT ENOUGH", 0.01)
