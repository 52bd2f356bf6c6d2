"""Planted variants: whose they are, what the donor could have shown, and that they are never more than looked at."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from karyolot.contracts.criteria import Acceptance, Metric, Metrics, check_metrics
from karyolot.contracts.metrics import MetricName, metrics_of
from karyolot.contracts.problems import Fault, KaryolotError
from karyolot.contracts.small_variants import CalledVariants, GeneDepths, SmallVariants, VariantResults
from karyolot.dna.small_variants import called_table, classify, donor_limit, variant_metrics
from karyolot.inputs.formats import variants
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.io.small_variants import read_depths
from karyolot.report.record import small_variant_record
from karyolot.report.text.alleles import small_variants
from karyolot.verdict.decide import decide, judge

RESOURCES = Path(__file__).parents[2] / "resources"
DEPTHS = GeneDepths.validate(pd.DataFrame({
    "chrom": ["chr1", "chr1", "chr2"], "start": [0, 500, 0], "end": [400, 900, 1000], "gene": ["ONE", "ONE", "TWO"],
    "lot_depth": [30.0, 28, 31], "donor_depth": [29.0, 30, 30],
}))  # fmt: skip


def found(*counts: tuple[int, int, int, int], depths: pd.DataFrame = DEPTHS) -> VariantResults:
    """Variants of gene TWO with (lot_ref, lot_alt, donor_ref, donor_alt)."""
    names = ["lot_ref", "lot_alt", "donor_ref", "donor_alt"]
    rows = pd.DataFrame(counts, columns=names, dtype="int64")
    start = np.arange(len(rows)) + 100
    place = pd.DataFrame({"chrom": "chr2", "start": start, "end": start + 1, "ref": "A", "alt": "G"})
    called = pd.concat([place, rows], axis=1)
    results = classify(CalledVariants.validate(called), depths, "made here")
    SmallVariants.validate(results.variants)
    return results


@pytest.mark.parametrize(
    ("counts", "origin"),
    [
        ((15, 15, 14, 16), "inherited"),
        ((0, 30, 0, 28), "inherited"),
        ((15, 15, 30, 0), "acquired"),
        ((15, 15, 29, 1), "acquired"),  # one read is what errors show
        ((15, 15, 27, 3), "enriched"),
        ((27, 3, 27, 3), "inherited"),
        ((27, 3, 30, 0), "acquired"),
        ((0, 30, 15, 15), "enriched"),  # the other copy is gone: a loss of heterozygosity
        ((15, 15, 0, 0), "acquired"),
    ],
)
def test_each_variant_has_its_origin(counts: tuple[int, int, int, int], origin: str) -> None:
    assert found(counts).variants["origin"].tolist() == [origin]


def test_a_variant_of_the_donor_alone_is_none_of_the_lot() -> None:
    assert found((30, 0, 15, 15), (28, 2, 15, 15)).variants.empty


def test_enrichment_is_judged_over_all_variants_of_the_lot() -> None:
    """Twenty shares of 0.7 beside 0.4 and 180 equal ones: p of 0.02 is no finding among 200."""
    one = (9, 21, 18, 12)
    assert found(one).variants["origin"].tolist() == ["enriched"]
    assert set(found(one, *[(15, 15, 15, 15)] * 199).variants["origin"]) == {"inherited"}


def test_the_donor_would_have_shown_what_its_limit_says() -> None:
    depth = np.array([0, 1, 10, 30, 100])
    limit = donor_limit(depth)
    assert np.isnan(limit[:1]).all() and (np.diff(limit[2:]) < 0).all()
    rng = np.random.default_rng(1)
    for n, share in zip(depth[2:], limit[2:], strict=True):
        alt = rng.binomial(n, share, 4000)
        has = [classify_one(n, int(a)) != "acquired" for a in np.unique(alt)]
        seen = dict(zip(np.unique(alt).tolist(), has, strict=True))
        assert np.mean([seen[a] for a in alt.tolist()]) == pytest.approx(0.95, abs=0.015)


def classify_one(depth: int, alt: int) -> str:
    return str(found((15, 15, int(depth) - alt, alt)).variants["origin"].iloc[0])


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


def outcomes(metrics: Metrics) -> tuple[str, str]:
    """Of the criterion, and of a lot that passes every other one."""
    acceptance = read_yaml(RESOURCES / "acceptance.yaml", Acceptance)
    (own,) = (one for one in acceptance.criteria if one.metric == "variants.acquired")
    assert check_metrics(metrics).keys() == metrics_of("variants")
    verdict = decide("L1", GOOD | metrics, acceptance, 5, 0.95)
    return judge(own, metrics["variants.acquired"]).outcome, verdict.outcome


def test_a_finding_is_looked_at_and_nothing_worse() -> None:
    assert outcomes(variant_metrics(found((15, 15, 15, 15)))) == ("PASS", "PASS")
    many = variant_metrics(found(*[(0, 30, 30, 0)] * 9))
    assert many["variants.acquired"].value == 9 and "and 4 more" in many["variants.acquired"].detail
    assert outcomes(many) == ("REVIEW", "REVIEW")


def test_thin_genes_are_named_and_all_thin_is_no_result() -> None:
    part = DEPTHS.assign(donor_depth=[29.0, 4, 30])
    metric = variant_metrics(found((15, 15, 15, 15), depths=part))["variants.acquired"]
    assert metric.value == 0 and "too shallow in part: ONE" in metric.detail
    nothing = DEPTHS.assign(lot_depth=1.0)
    metric = variant_metrics(found((15, 15, 15, 15), depths=nothing))["variants.acquired"]
    assert metric.value is None and "10 deep" in metric.reason
    assert variant_metrics(found((1, 5, 9, 0), depths=nothing))["variants.acquired"].value == 1


def test_the_record_holds_what_a_person_should_see() -> None:
    results = found((15, 15, 15, 15), (15, 15, 30, 0), (15, 15, 0, 0))
    record = small_variant_record(results)
    assert [(row.origin, row.gene) for row in record.rows] == [("acquired", "TWO")] * 2
    assert (
        record.rows[0].donor_lod == pytest.approx(donor_limit(np.array([30]))[0]) and record.rows[1].donor_lod is None
    )
    assert "The list of genes: made here." in small_variants(results)


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
        (b"\x1f\x8b nothing", "L-wgs", "not a readable VCF"),
        (b"hello\n", "L-wgs", "not a readable VCF"),
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


def test_depths_are_means_over_the_places_of_the_list(tmp_path: Path) -> None:
    path = tmp_path / "depths.tsv"
    path.write_text("chr1\t0\t100\tONE\t3000\t1500\nchr2\t100\t300\t2000\t0\n")
    table = GeneDepths.validate(read_depths(path))
    assert table["gene"].tolist() == ["ONE", "chr2:101-300"]
    assert table[["lot_depth", "donor_depth"]].to_numpy().tolist() == [[30, 15], [10, 0]]
    path.write_text("")
    with pytest.raises(KaryolotError, match="no region of this genome"):
        read_depths(path)
