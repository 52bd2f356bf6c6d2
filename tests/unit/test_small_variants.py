"""Planted variants: whose they are, what they count as, in how few cells they are found, and what is no variant."""

import gzip
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import planted_records
from karyolot.contracts.criteria import Acceptance, Metric, Metrics, check_metrics
from karyolot.contracts.front import Row
from karyolot.contracts.genes import trimmed
from karyolot.contracts.metrics import MetricName, metrics_of
from karyolot.contracts.problems import Fault, KaryolotError
from karyolot.contracts.record_dna import SmallVariantRow
from karyolot.contracts.settings import SmallVariants as Settings
from karyolot.contracts.small_variants import CalledVariants, VariantResults
from karyolot.dna.small_variants import called_table, donor_limit, variant_metrics
from karyolot.dna.variant_errors import kind_of, one_end
from karyolot.dna.variant_limits import forecast
from karyolot.inputs.formats import variants
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.io.small_variants import read_consequences, read_pileup
from karyolot.report.small_variants import small_variant_record
from karyolot.report.text.small_variants import findings, with_variants
from karyolot.report.text.tiles import tiles
from karyolot.verdict.decide import decide, judge
from planted_variants import START, Planted, Study, found

RESOURCES = Path(__file__).parents[2] / "resources"
STUDY = Study(bases=1500)
HOT = {"R175": (600, 603)}


def other(at: int, study: Study = STUDY, want: str = "") -> str:
    """A base that is not the one there."""
    return want or "ACGT"[("ACGT".index(study.bases_of()[at]) + 1) % 4]


def only(results: VariantResults) -> dict[str, object]:
    (row,) = results.variants.to_dict("records")
    return row  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("lot", "donor", "origin"),
    [
        (0.5, 0.5, "inherited"),
        (1.0, 1.0, "inherited"),
        (0.5, 0.0, "acquired"),
        (0.12, 0.0, "acquired"),
        (0.5, 0.06, "enriched"),  # a clone of the donor's liver
        (1.0, 0.5, "enriched"),  # the other copy is gone
        (0.0, 0.5, "lost"),
    ],
)
def test_each_variant_has_its_origin(tmp_path: Path, lot: float, donor: float, origin: str) -> None:
    results = found(tmp_path, STUDY, Planted(500, other(500), lot, donor))
    assert only(results)["origin"] == origin
    assert only(results)["finding"] == ("driver" if origin in ("acquired", "enriched") else "")


def test_a_recurrent_codon_of_tp53_is_found_in_fewer_cells_and_named(tmp_path: Path) -> None:
    """11 of 100 reads are too few among thousands of bases, and enough at three."""
    planted = Planted(601, other(601), lot=0.11)
    row = only(found(tmp_path, STUDY, planted, hotspots=HOT))
    assert (row["finding"], row["hotspot"], row["change"], row["origin"]) == ("tp53", "R175", "R175H", "acquired")
    assert row["fraction_low"] < 0.22 < row["fraction_high"]  # type: ignore[operator]
    limits = found(tmp_path, STUDY, hotspots=HOT).limits.set_index("hotspot")["fraction"]
    assert limits["R175"] < limits[""] < 0.3


@pytest.fixture(scope="module")
def hotspot(tmp_path_factory: pytest.TempPathFactory) -> VariantResults:
    return found(tmp_path_factory.mktemp("hotspot"), STUDY, Planted(601, other(601), lot=0.3), hotspots=HOT)


def test_a_silent_change_of_a_recurrent_codon_does_not_count(tmp_path: Path) -> None:
    results = found(tmp_path, STUDY, Planted(601, other(601), lot=0.3), hotspots=HOT, named=False)
    assert only(results)["finding"] == only(results)["hotspot"] == "" and results.facts.silent == 1


def test_a_promoter_base_needs_no_consequence(tmp_path: Path) -> None:
    planted = Planted(601, other(601), lot=0.2)
    row = only(found(tmp_path, STUDY, planted, hotspots={"c.-124": (601, 602)}, named=False, gene="TERT"))
    assert (row["finding"], row["hotspot"], row["change"]) == ("driver", "c.-124", "")


def test_an_indel_in_plain_sequence_is_found_and_the_same_reads_in_a_long_run_are_not(tmp_path: Path) -> None:
    sequence = ("ACGT" * 100)[:398] + "C" + "A" * 12 + ("CGTA" * 300)
    study = Study(sequence=sequence)
    plain, run = Planted(200, "A", lot=0.1, ref="AC"), Planted(398, "C", lot=0.1, ref="CA")
    assert only(found(tmp_path, study, plain))["change"] == "R175fs"
    noisy = Study(sequence=sequence, indels=((398, "CA", "C", 0.12),))
    assert found(tmp_path, noisy).variants["finding"].eq("").all()
    assert found(tmp_path, study, run).variants.empty, "one of ten reads in such a run is an error"


def test_rna_alone_shows_a_mutation_that_the_dna_is_too_shallow_for(tmp_path: Path) -> None:
    study = Study(lot=14, donor=40, rna=60)
    planted = Planted(500, other(500), lot=0.08, rna=0.3)
    row = only(found(tmp_path, study, planted))
    assert row["finding"] == "driver" and row["rna_lot_alt"] > 9 and row["lot_alt"] < 5  # type: ignore[operator]
    assert found(tmp_path, Study(lot=14, donor=40), Planted(500, other(500), lot=0.08)).variants.empty


def test_rna_that_the_dna_contradicts_or_the_donor_shares_is_no_variant(tmp_path: Path) -> None:
    """Edited RNA, and reads over a splice site that end in the intron: of lot and donor alike, or where the donor has none."""
    edited = only(found(tmp_path, Study(lot=60, donor=60, rna=60), Planted(500, other(500), rna=0.4)))
    assert (edited["artefact"], edited["finding"]) == ("not in DNA", "")
    shared = found(tmp_path, Study(lot=14, donor=40, rna=60), Planted(500, other(500), rna=0.4, donor=0.02))
    assert shared.variants["finding"].eq("").all()


@pytest.mark.parametrize(("alt", "depth"), [(3, 30), (5, 90), (9, 90), (30, 200)])
def test_positions_at_one_end_of_the_reads_are_distinguished_from_chance(alt: int, depth: int) -> None:
    """The chance of uniform positions is below a level as often as it says; that of the outer 4 % of the reads is small."""
    rng = np.random.default_rng(6)
    places = rng.random((5_000, depth))
    sd = np.sqrt(alt * (depth - alt) * (depth + 1) / 12)
    ranks = places.argsort(axis=1).argsort(axis=1)[:, :alt].sum(axis=1) + alt
    z = (ranks - alt * (depth + 1) / 2) / sd
    chance = one_end(z, np.full(len(z), alt))
    assert np.mean(chance < 0.01) == pytest.approx(0.01, abs=0.006) and np.mean(chance < 1e-3) < 4e-3
    places[:500, :alt] *= 0.04
    ranks = places[:500].argsort(axis=1).argsort(axis=1)[:, :alt].sum(axis=1) + alt
    assert (one_end((ranks - alt * (depth + 1) / 2) / sd, np.full(500, alt)) < 1e-3).mean() > (
        0.5 if alt == 3 else 0.99
    )
    assert one_end(np.array([np.nan]), np.array([alt])) == 1


def test_reads_of_one_strand_are_no_variant(tmp_path: Path) -> None:
    row = only(found(tmp_path, STUDY, Planted(500, other(500), lot=0.25, forward=1.0)))
    assert (row["artefact"], row["finding"]) == ("one strand", "")


def test_damaged_dna_raises_the_threshold_of_its_kind_and_is_named(tmp_path: Path) -> None:
    damaged = Study(
        bases=1500, errors={"C>A": 3e-4, "C>G": 1e-4, "C>T": 8e-3, "T>A": 1e-4, "T>C": 3e-4, "T>G": 1e-4}, spread=0.004
    )
    results = found(tmp_path, damaged)
    assert not results.variants["finding"].ne("").any() and results.facts.patterns == ("deamination (C>T)",)
    clean = found(tmp_path, STUDY).limits["fraction"].iloc[0]
    assert results.limits["fraction"].iloc[0] > clean + 0.02, "the limit says so"
    at = damaged.bases_of().index("C", 800)
    variants_ = found(tmp_path, damaged, Planted(at, "T", lot=0.22)).variants
    (row,) = variants_[variants_["finding"].ne("")].to_dict("records")
    assert (row["finding"], row["pattern"]) == ("driver", "deamination (C>T)")


def test_a_donor_too_shallow_leaves_the_origin_open_and_the_gene_without_a_limit(tmp_path: Path) -> None:
    study = Study(donor=4)
    results = found(tmp_path, study, Planted(500, other(500), lot=0.5))
    assert (only(results)["origin"], only(results)["finding"]) == ("unknown", "")
    assert results.facts.shallow == ("TP53",) and results.facts.fraction is None
    assert "0 of 1 driver genes are covered deeply enough" in results.facts.unassessed
    assert variant_metrics(results)[MetricName.VARIANTS_LIMIT].value is None
    hot = found(tmp_path, study, Planted(601, other(601), lot=0.5), hotspots=HOT)
    assert only(hot)["finding"] == "tp53", "a recurrent mutation is looked at wherever it is from"


def test_the_limit_counts_chromosomes(tmp_path: Path) -> None:
    limit = [
        found(tmp_path, STUDY, sets=sets, haploid=haploid).limits["fraction"].iloc[0]
        for sets, haploid in ((None, ()), (4.0, ()), (None, ("chr17",)))
    ]
    assert limit[1] == pytest.approx(2 * limit[0], rel=1e-4) and limit[2] == pytest.approx(limit[0] / 2, rel=1e-4)


def test_positions_without_reads_weaken_the_limit(tmp_path: Path) -> None:
    """A tenth of the gene without any read: no mutation there is called, and 95 % power is out of reach."""
    from karyolot.contracts.small_variants import Consequences
    from karyolot.dna.small_variants import search
    from planted_variants import loci, panel, write_pileup

    roles = write_pileup(tmp_path / "p.gz", STUDY)
    pileup = read_pileup(tmp_path / "p.gz", roles, kind_of)
    longer = loci(round(STUDY.bases / 0.9))
    none = search(pileup, longer, panel(), Consequences.frame([]), Settings())
    assert none.limits["fraction"].isna().all() and none.facts.shallow == ("TP53",)


def test_benign_clones_are_counted_apart(tmp_path: Path) -> None:
    results = found(tmp_path, STUDY, Planted(500, other(500), lot=0.4), gene="FOXO1", role="benign")
    assert only(results)["finding"] == "benign"
    metrics = variant_metrics(results)
    assert metrics[MetricName.VARIANTS_BENIGN].value == 1 and metrics[MetricName.VARIANTS_DRIVERS].value is None


@pytest.mark.parametrize(
    ("call", "origin", "neutral", "expected"),
    [
        ("loss", "acquired", True, ("loss", "E1")),
        ("loss", "lost", True, ("copy-neutral LOH", "")),  # the donor's own loss
        ("gain", "acquired", True, ("copy-neutral LOH", "E1")),
        ("gain", "acquired", False, ("", "E1")),
    ],
)
def test_what_became_of_the_other_copy_stands_with_the_mutation(
    hotspot: VariantResults, call: str, origin: str, neutral: bool, expected: tuple[str, str]
) -> None:
    where = {"chrom": ["chr17"], "start": [0], "end": [5000]}
    calls = pd.DataFrame(
        where | {"origin": [origin], "type": [call], "id": ["E1"], "log2": [-0.3 if call == "loss" else 0.3]}
    )
    events = pd.DataFrame(where | {"kind": ["copy-neutral"], "origin": ["alleles"]}).iloc[: int(neutral)]
    record = small_variant_record(hotspot, SimpleNamespace(calls=calls), SimpleNamespace(events=events))  # type: ignore[arg-type]
    (row,) = record.rows
    assert (row.second, row.event) == expected and row.finding == "tp53"
    alone = only(hotspot)["fraction"]
    copies = {"loss": 2**-0.3, "gain": 2**0.3}[call] if row.event else 1.0
    assert row.fraction == pytest.approx(alone * copies), "one copy of those really there"


def test_a_mutation_in_a_copy_neutral_loss_makes_one_finding_with_it(hotspot: VariantResults) -> None:
    where = {"chrom": ["chr17"], "start": [0], "end": [5000]}
    calls = pd.DataFrame(where | {"origin": ["acquired"], "type": ["loss"], "id": ["E1"], "log2": [-0.3]}).iloc[:0]
    events = pd.DataFrame(where | {"kind": ["copy-neutral"], "origin": ["alleles"]})
    held = small_variant_record(hotspot, SimpleNamespace(calls=calls), SimpleNamespace(events=events))  # type: ignore[arg-type]
    criteria = [
        SimpleNamespace(id=name, metric=metric, outcome="REVIEW")
        for name, metric in (("C06", MetricName.BAF_CNLOH), ("C09", MetricName.VARIANTS_TP53_HOTSPOT))
    ]
    usual = {"outcome": "REVIEW", "event": "", "bar": None, "value": "1", "interval": "", "tetraploid": ""}
    rows = [
        Row(criteria=(one.id,), name=name, detail=("detail",), **usual)  # type: ignore[arg-type]
        for one, name in zip(criteria, ("Copy-neutral loss of heterozygosity", "Hotspot mutation of TP53"), strict=True)
    ]
    record = SimpleNamespace(verdict=SimpleNamespace(suppressed=False, criteria=criteria), small_variants=held)
    (row,) = with_variants(rows, record)  # type: ignore[arg-type]
    assert row.name == "Copy-neutral loss of heterozygosity with TP53 p.R175H" and row.criteria == ("C06", "C09")
    assert "Hotspot mutation in " in row.detail[1] and "copy-neutral LOH" in row.detail[1]


def test_a_recurrent_mutation_of_the_donor_is_listed_as_inherited(tmp_path: Path) -> None:
    results = found(tmp_path, STUDY, Planted(601, other(601), lot=0.5, donor=0.5), hotspots=HOT)
    said = findings(results, None)
    assert said[:2] == (
        "No acquired or enriched mutation was called in the driver panel.",
        "Recurrent mutation inherited from the donor: TP53 p.R175H.",
    )
    assert not any(sentence.startswith("Not listed") for sentence in said), "it is listed"
    calls = pd.DataFrame(columns=["chrom", "start", "end", "origin", "type", "id", "log2"])
    (row,) = small_variant_record(results, SimpleNamespace(calls=calls)).rows  # type: ignore[arg-type]
    assert (row.name, row.origin, row.finding) == ("TP53 p.R175H", "inherited", "")
    assert tile_of(row) == ("None acquired", ("Inherited: TP53 p.R175H",))


def tile_of(*rows: SmallVariantRow) -> tuple[str, tuple[str, ...]]:
    """Statement of the tile of small variants, and what it shows above the limit."""
    record = planted_records.failing()
    assert record.small_variants is not None
    held = record.small_variants.model_copy(update={"rows": rows})
    tile = next(
        one for one in tiles(record.model_copy(update={"small_variants": held})) if one.section == "small-variants"
    )
    assert tile.lines[-1].startswith("Limit ")
    return tile.statement, tile.lines[:-1]


def test_the_tile_of_a_lot_without_mutations_shows_its_limit_alone() -> None:
    assert tile_of() == ("No driver mutation", ())


GOOD: Metrics = {
    MetricName(name): Metric(value=value)
    for name, value in {
        "identity.germline": 1.0, "identity.lot_sex": True, "identity.donor_sex": True, "dna.usable_bins": 0.93,
        "dna.blind_arms": 0, "cn.lod": 0.14,
        "cn.published_rule": 0, "cn.acquired_long": 0, "cn.acquired_short": 0, "cn.high_copy": 0, "cn.whole_chromosome": 0,
        "cn.arm_change": 0.0,
        "process.passage": 5,
    }.items()
}  # fmt: skip
"""What the shipped criteria ask of every lot."""


def outcome(results: VariantResults) -> tuple[dict[str, str], str, str]:
    """Of the criteria on small variants and of a lot that passes every other one, and its claim."""
    acceptance = read_yaml(RESOURCES / "acceptance.yaml", Acceptance)
    metrics = variant_metrics(results)
    assert check_metrics(metrics).keys() == metrics_of("variants")
    own = [one for one in acceptance.criteria if one.metric in metrics]
    verdict = decide("L1", GOOD | metrics, acceptance, 5, 0.95)
    return {one.id: judge(one, metrics[one.metric]).outcome for one in own}, verdict.outcome, verdict.claim_variants


def test_findings_ask_for_review_and_a_clean_search_is_bounded(tmp_path: Path) -> None:
    criteria, lot, claim = outcome(found(tmp_path, STUDY, hotspots=HOT))
    assert criteria == {"C09": "PASS", "C09b": "PASS", "C09c": "PASS", "C09d": "PASS", "C09e": "NOT_ASSESSED"}
    assert lot == "PASS" and claim.startswith("No acquired mutation of the driver panel was detected. ")
    assert (
        "Detection limits: substitutions in at least " in claim
        and "indels of 1 to 10 bases outside runs of 4 or more equal bases in at least " in claim
    )
    assert "95% power; 1 of 1 genes assessable" in claim
    criteria, lot, claim = outcome(found(tmp_path, STUDY, Planted(601, other(601), lot=0.3), hotspots=HOT))
    assert criteria["C09"] == "REVIEW" and criteria["C09b"] == "PASS" and lot == "REVIEW"
    assert claim.startswith("Detection limits of heterozygous mutations of the driver panel: substitutions in")
    criteria, lot, _ = outcome(found(tmp_path, STUDY, Planted(500, other(500), lot=0.3), hotspots=HOT))
    assert criteria["C09b"] == "REVIEW" and lot == "REVIEW"


def test_a_weak_limit_is_reviewed_and_none_is_named_in_a_pass(tmp_path: Path) -> None:
    weak = found(tmp_path, Study(lot=17, donor=30))
    criteria, lot, claim = outcome(weak)
    assert criteria["C09d"] == "REVIEW" and lot == "REVIEW"
    assert weak.limits["fraction"].notna().all() and weak.limits["indel_fraction"].isna().all()
    assert "indels are not bounded" in claim
    assert "Insertions and deletions are searched for, but without a stated limit" in " ".join(findings(weak, None))
    shallow = found(tmp_path, Study(lot=5, donor=5))
    criteria, lot, claim = outcome(shallow)
    assert criteria == dict.fromkeys(("C09", "C09b", "C09c", "C09d", "C09e"), "NOT_ASSESSED") and (lot, claim) == (
        "PASS",
        "",
    )
    verdict = decide(
        "L1", GOOD | variant_metrics(shallow), read_yaml(RESOURCES / "acceptance.yaml", Acceptance), 5, 0.95
    )
    assert "Not assessed: " in verdict.headline and "driver mutations" in verdict.headline


def test_the_leading_sentences_say_what_was_found_and_what_could_not_be_searched(tmp_path: Path) -> None:
    said = " ".join(findings(found(tmp_path, STUDY, Planted(601, other(601), lot=0.3), hotspots=HOT), None))
    assert "1 acquired or enriched mutation in the driver panel: TP53 p.R175H (acquired)." in said
    assert "1 of 1 driver gene would be called with 95% power" in said and "were called." in said
    said = " ".join(findings(found(tmp_path, Study(lot=5, donor=5)), None))
    assert "No detection limit for the driver panel: 0 of 1" in said and "Too shallow for a limit" in said


def test_many_mutations_in_few_cells_do_not_raise_the_measured_error(tmp_path: Path) -> None:
    """Ten mutations in 4 to 16 % of cells: the limit of the gene is that of a lot without them, and one at it is called."""
    study, rng = Study(bases=1500, lot=150, donor=150), np.random.default_rng(4)
    clean = found(tmp_path, study).limits["fraction"].iloc[0]
    clones = [
        Planted(int(at), other(int(at), study), lot=float(rng.uniform(0.02, 0.08)))
        for at in rng.choice(1500, 10, False)
    ]
    results = found(tmp_path, study, *clones, Planted(731, other(731, study), lot=1.2 * clean / 2))
    assert results.limits["fraction"].iloc[0] == pytest.approx(clean, rel=0.06)
    assert results.variants["start"].eq(START + 731).any()


def test_indels_have_a_limit_of_their_own_outside_runs_of_one_base(tmp_path: Path) -> None:
    """Reads that slip in runs do not weaken it; the simulated ones lie outside too."""
    limits = found(tmp_path, STUDY, hotspots=HOT).limits.set_index("hotspot")
    assert limits["indel_spiked"].to_dict() == {"": 100, "R175": 0} and limits.loc["", "indel_found"] >= 88
    assert np.isnan(limits.loc["R175", "indel_fraction"]) and limits.loc["", "indel_fraction"] < 0.3
    fewer = found(tmp_path, STUDY, counted=14)  # of the reads of a spiked indel, instead of 21
    assert fewer.limits["indel_fraction"].iloc[0] == pytest.approx(1.5 * limits.loc["", "indel_fraction"], rel=0.03)
    assert (fewer.facts.indel_events, fewer.facts.indel_reads, fewer.facts.indel_counted) == (40, 1200, 0.4667)
    none = found(tmp_path, STUDY, counted=0)
    assert none.limits["indel_fraction"].isna().all() and none.facts.indel_counted is None
    assert "too few for spike-ins of indels" in str(variant_metrics(none)[MetricName.VARIANTS_INDEL_LIMIT].reason)
    runs = "".join(
        base * 8 + "".join(np.random.default_rng(number).choice(list("ACGT"), 42))
        for number, base in enumerate("ACGT" * 7)
    )
    slips = tuple(
        (50 * block - 1, runs[50 * block - 1 : 50 * block + 1], runs[50 * block - 1], 0.06) for block in range(1, 28)
    )
    noisy, clean = (found(tmp_path, Study(sequence=runs, indels=each)).limits.iloc[0] for each in (slips, ()))
    assert noisy["indel_fraction"] == pytest.approx(clean["indel_fraction"], rel=0.02)
    assert noisy["indel_found"] >= 88
    assert found(tmp_path, Study(sequence=runs, indels=slips)).variants["finding"].eq("").all()


@pytest.mark.statistics
def test_the_power_at_the_limit_is_what_is_claimed(tmp_path: Path) -> None:
    """Spike-ins into the lot's own reads at the limit: 95 % of them are called, at every depth and error."""
    rates = []
    for depth in (40, 80, 160):
        for spread in (0.0005, 0.003):
            limits = found(tmp_path, Study(bases=1500, lot=depth, donor=depth, spread=spread), hotspots=HOT).limits
            assert (limits["spiked"] == 100).all()
            rates += (limits["found"] / limits["spiked"]).tolist()
    assert np.mean(rates) == pytest.approx(0.95, abs=0.03) and min(rates) >= 0.85


@pytest.mark.statistics
def test_stable_lots_show_no_mutation(tmp_path: Path) -> None:
    """Twenty lots of one long gene: at most one in twenty is expected to have a false call, four would be one in 60."""
    studies = [Study(bases=1000, lot=60, donor=50, spread=0.003, seed=seed) for seed in range(20)]
    false = 0
    for study in studies:
        variants_ = found(tmp_path, study).variants
        false += bool((variants_["origin"].ne("inherited") & variants_["artefact"].eq("")).any())
    assert false <= 3


def test_the_donor_would_have_shown_what_its_limit_says() -> None:
    depth = np.array([0, 1, 10, 30, 100])
    limit = donor_limit(depth, np.full(5, 5e-4))
    assert np.isnan(limit[:2]).all() and (np.diff(limit[2:]) < 0).all()
    rng = np.random.default_rng(1)
    for n, share in zip(depth[2:], limit[2:], strict=True):
        assert np.mean(rng.binomial(n, share, 4000) >= 2) == pytest.approx(0.95, abs=0.015)


def test_an_allele_is_written_in_its_shortest_form() -> None:
    assert trimmed(100, "CTTTT", "CTTT") == (100, "CT", "C")
    assert trimmed(100, "GAC", "GTC") == (101, "A", "T")
    assert trimmed(100, "A", "AGG") == (100, "A", "AGG")


def test_consequences_are_read_by_allele(tmp_path: Path) -> None:
    path = tmp_path / "csq.tsv"
    path.write_text(
        "chr1\t101\tC\tT\tmissense|TP53|T1|protein_coding|-|175R>175H|101C>T\n"
        "chr1\t105\tCTT\tCT\tframeshift|TP53|T1|protein_coding|-|174EVV..393>174EG..175|x\n"
        "chr1\t109\tC\tA\t*stop_gained&splice_region|TP53|T1|protein_coding|-|196R>196*|x\n"
        "chr1\t111\tC\tG\tsynonymous|TP53|T1|protein_coding|-|12P|x\n"
        "chr1\t115\tC\tG\t.\nchr1\t118\tC\tG\t@101\n"
    )
    table = read_consequences(path)
    assert table[["start", "ref", "alt", "consequence", "change"]].to_numpy().tolist() == [
        [100, "C", "T", "missense", "R175H"], [104, "CT", "C", "frameshift", "E174fs"],
        [108, "C", "A", "stop_gained&splice_region", "R196*"], [110, "C", "G", "synonymous", "P12="],
    ]  # fmt: skip


def test_a_damaged_pile_up_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pileup.tsv"
    path.write_text("chr1\t101\tC\t<*>\t0\t.\t5,0\t4,0\n")
    with pytest.raises(KaryolotError, match="line 1 has 8 columns"):
        read_pileup(path, ["lot", "donor"], kind_of)


VCF = """##fileformat=VCFv4.2
##FILTER=<ID=LowQual,Description="poor">
##FILTER=<ID=germline,Description="of the donor">
##FORMAT=<ID=AD,Number=R,Type=Integer,Description="reads">
##contig=<ID=chr2,length=1000>
#CHROM	POS	ID	REF	ALT	QUAL	FILTER	INFO	FORMAT	D-wgs	L-wgs
chr2	101	.	A	G,T	50	.	.	AD	20,9,1	15,0,14
chr2	201	.	AC	A	50	PASS	.	AD	30,0	.
chr2	301	.	A	<*>	50	PASS	.	AD	30,0	30,0
chr2	351	.	A	G	50	germline	.	AD	15,15	2,28
chr2	361	.	A	G	50	germline;LowQual	.	AD	15,15	15,15
chr2	401	.	A	C	50	LowQual	.	AD	30,0	15,15
"""


def test_calls_of_any_caller_are_read_by_sample_and_allele(tmp_path: Path) -> None:
    path = tmp_path / "called.vcf"
    path.write_text(VCF)
    table = called_table(variants.read(path, "L-wgs", "D-wgs"))
    assert table[["start", "end", "ref", "alt", "lot_ref", "lot_alt", "donor_ref", "donor_alt"]].to_numpy().tolist() == [
        [100, 101, "A", "G", 15, 0, 20, 9], [100, 101, "A", "T", 15, 14, 20, 1], [200, 202, "AC", "A", 0, 0, 30, 0],
        [350, 351, "A", "G", 2, 28, 15, 15],
    ]  # fmt: skip
    assert variants.look(path, "L-wgs", "D-wgs") == variants.Facts({"chr2": 351})
    path.write_text(VCF[: VCF.index("chr2\t101")])
    assert called_table(variants.read(path, "L-wgs", "D-wgs")).empty


@pytest.mark.parametrize(
    ("content", "lot", "words"),
    [
        (VCF.encode(), "L9", "called.vcf: holds no sample L9 .it has D-wgs, L-wgs."),
        (
            VCF.replace("ID=AD", "ID=DP").replace("\tAD\t", "\tDP\t").replace("Number=R", "Number=.").encode(),
            "L-wgs",
            "AD",
        ),
        (b"\x1f\x8b nothing", "L-wgs", "the gzip file is damaged or truncated"),
        (b"hello\n", "L-wgs", "not a readable VCF"),
        (gzip.compress(VCF.encode(), mtime=0), "L-wgs", "compressed by gzip alone"),
        (VCF.replace("\tAD\t20,9,1\t15,0,14", "").encode(), "L-wgs", "chr2:101 has no columns of the samples"),
    ],
)
def test_calls_that_cannot_be_used_are_refused_by_check_and_run(
    tmp_path: Path, content: bytes, lot: str, words: str
) -> None:
    path = tmp_path / "called.vcf"
    path.write_bytes(content)
    with pytest.raises(KaryolotError, match=words):
        variants.read(path, lot, "D-wgs")
    with pytest.raises(Fault):
        variants.look(path, lot, "D-wgs")


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    where=st.integers(0, len(VCF)),
    length=st.integers(0, 30),
    piece=st.text("\t\n,.;:*<>0123-ACGTchrPASS\0\u0664", max_size=6),
)
def test_calls_that_the_check_takes_the_run_reads(tmp_path: Path, where: int, length: int, piece: str) -> None:
    path = tmp_path / "called.vcf"
    path.write_text(VCF[:where] + piece + VCF[where + length :], newline="")
    try:
        variants.look(path, "L-wgs", "D-wgs")
    except Fault:
        with pytest.raises(KaryolotError):
            variants.read(path, "L-wgs", "D-wgs")
    else:
        CalledVariants.of(variants.read(path, "L-wgs", "D-wgs"))


def test_the_forecast_is_what_a_lot_of_that_depth_gets(tmp_path: Path) -> None:
    """The forecast is of the shipped panel: of a shorter gene the limit is lower, by less than a third."""
    for depth in (50, 100):
        expected = forecast(depth, depth, Settings())
        study = Study(bases=1500, lot=depth, donor=depth)
        limits = found(tmp_path, study, hotspots=HOT, counted=26).limits.iloc[0]
        assert expected.gene is not None and expected.hotspot is not None and expected.indel is not None
        assert expected.hotspot < min(expected.gene, expected.indel)
        assert 0.67 * expected.gene < limits["fraction"] < 1.02 * expected.gene
        assert 0.6 * expected.indel < limits["indel_fraction"] < 1.05 * expected.indel
    assert forecast(5, 5, Settings()) == (None, None, None) == forecast(100, 4, Settings())
