"""The marker panel and its metrics: each expectation, each trap, and unknown stays unknown."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.stats import binom

from karyolot.contracts.copy_number import Library
from karyolot.contracts.criteria import Acceptance, Metric, Metrics, check_metrics
from karyolot.contracts.expression import MarkerPanel, Markers, Quantification, RnaQuality
from karyolot.contracts.metrics import metrics_of
from karyolot.contracts.record import EDITED, QcFigure, SampleQc
from karyolot.inputs.formats.yaml import read as read_yaml
from karyolot.report.qc import summarise, with_rna_quality
from karyolot.report.record import _not_seen
from karyolot.rna.differential import differential
from karyolot.rna.markers import tabulate
from karyolot.rna.sex import _judged
from karyolot.rna.summary import expression_metrics, sample_quality
from karyolot.verdict.decide import decide
from planted_expression import PAIR, table

ONE_PAIR = [PAIR[0], PAIR[2]]
BULK = 1_000_000
"""Reads of each of fifty genes that never change, so that all samples have the same depth."""
GOOD: Mapping[str, tuple[int, int]] = {
    "CYP3A4": (4000, 60), "UGT1A9": (900, 90), "FAH": (900, 200), "ALB": (40_000, 2000),
    "KRT19": (20, 900), "EPCAM": (10, 400), "CCL2": (50, 500), "SOX9": (20, 400), "TGFB1": (80, 500),
    "HNF4A": (500, 300), "HGF": (20, 300),
    "MMP1": (10, 400), "MMP3": (0, 0), "HLA-DRA": (300, 0), "CIITA": (40, 0), "PTPRC": (60, 0),
    "POU5F1": (0, 0), "CCN1": (100, 800), "XIST": (300, 300), "RPS4Y1": (0, 0), "DDX3Y": (0, 0),
}  # fmt: skip
"""Gene -> counts in hepatocytes and in a good lot."""
PANEL = pd.DataFrame(
    [
        *[(gene, "mature hepatocyte", "down") for gene in ("CYP3A4", "UGT1A9", "FAH", "ALB")],
        *[(gene, "progenitor", "up") for gene in ("KRT19", "EPCAM", "CCL2", "SOX9", "TGFB1")],
        *[(gene, "identity", "detected") for gene in ("ALB", "HNF4A")],
        *[(gene, "secreted and matrix", "up") for gene in ("HGF", "MMP1", "MMP3")],
        *[(gene, "HLA class II", "absent") for gene in ("HLA-DRA", "CIITA")],
        ("PTPRC", "blood", "absent"),
        ("POU5F1", "pluripotency", "report"),
        ("CCN1", "YAP targets", "report"),
    ],
    columns=["gene_name", "group", "expected"],
).assign(source="test", reason="test")


def lot(
    changed: Mapping[str, tuple[int, int]] | None = None,
    without: Sequence[str] = (),
    samples: Sequence[tuple[str, str]] = ONE_PAIR,
) -> AnnData:
    """Expression of a good lot and its donor, `changed` for some genes, `without` others in the annotation; a read is
    a TPM."""
    genes = {name: pair for name, pair in {**GOOD, **(changed or {})}.items() if name not in without}
    counts = [[BULK] * 50 + [pair[state == "lot"] for pair in genes.values()] for _, state in samples]
    data = table(np.array(counts), samples, [f"bulk{number}" for number in range(50)] + list(genes))
    data.layers["tpm"] = data.layers["counts"].astype(float)
    return data


def judged(data: AnnData) -> pd.DataFrame:
    return Markers.validate(tabulate(data, differential(data, "~ state"), MarkerPanel.validate(PANEL)))


def measured(data: AnnData, quality: Mapping[str, Quantification] | None = None) -> Metrics:
    found = expression_metrics(data, judged(data), quality or {}, "F")
    assert check_metrics(found).keys() == metrics_of("rna")
    return found


def test_a_good_lot_meets_what_is_expected() -> None:
    found = measured(lot())
    assert found["rna.mature_down"].value == 1
    assert found["rna.progenitor_up"].value == 1
    assert found["rna.identity_detected"] == Metric(
        value=300,
        detail="lowest of ALB, HNF4A: HNF4A 300 TPM in the lot; donor's hepatocytes, not judged: HNF4A 500 TPM",
    )
    assert found["rna.hla2_max_tpm"].value == 0
    assert found["rna.blood_max_tpm"].value == 0
    assert found["rna.pluripotency_max_tpm"].value == 0
    assert found["rna.secreted_up"].value == pytest.approx(2 / 3), "MMP3 without a read is not up"
    assert "MMP3 without a read" in found["rna.secreted_up"].detail
    assert found["rna.yap_targets_log2fc"].value == pytest.approx(3, abs=0.05)
    assert found["rna.genes_detected"].value == 50 + sum(pair[1] > 0 for pair in GOOD.values())
    not_given = {
        "rna.mapping_percent",
        "rna.mitochondrial_fraction",
        "rna.rrna_fraction",
        "rna.strandedness_as_declared",
    }
    assert {name for name, metric in found.items() if metric.reason} == not_given


@pytest.mark.filterwarnings("ignore")  # replicates without scatter, which PyDESeq2 remarks on
def test_the_table_holds_levels_of_both() -> None:
    data = lot(samples=PAIR)
    data.layers["tpm"][3] *= 2
    row = judged(data).set_index(["gene_name", "group"]).loc["ALB", "identity"]
    assert row[["lot_tpm", "lot_tpm_low", "lot_tpm_high", "donor_tpm"]].tolist() == [3000, 2000, 4000, 40_000]
    assert row["log2fc"] == pytest.approx(np.log2(2000 / 40_000), abs=0.01)


def test_albumin_must_be_there_and_lower() -> None:
    still_mature, gone = lot({"ALB": (40_000, 38_000)}), lot({"ALB": (40_000, 0)})
    assert measured(still_mature)["rna.mature_down"].value == 3 / 4
    assert measured(still_mature)["rna.identity_detected"].value == 300
    assert measured(gone)["rna.mature_down"].value == 1
    assert measured(gone)["rna.identity_detected"].value == 0


def test_a_gene_without_a_length_is_unknown_alone() -> None:
    data = lot()
    for gene in ("CIITA", "XIST"):
        data.layers["tpm"][:, list(data.var["gene_name"]).index(gene)] = np.nan
    found, whole = measured(data), measured(lot())
    assert judged(data).set_index("gene_name").loc["CIITA", "met"] is None
    assert found["rna.hla2_max_tpm"] == Metric(
        value=None, reason="not in the annotation, or of unknown length: CIITA", asked=True
    )
    assert found["rna.sex"] == Metric(value=None, reason="of unknown length: XIST")
    for name in ("rna.mature_down", "rna.progenitor_up", "rna.identity_detected", "rna.blood_max_tpm"):
        assert found[name] == whole[name]


def test_hla_is_judged_by_the_lot_and_not_by_its_fall() -> None:
    fell = lot({"HLA-DRA": (3000, 5)})
    row = judged(fell).set_index("gene_name").loc["HLA-DRA"]
    assert row["log2fc"] < -8
    assert row["met"] == "no"
    assert measured(fell)["rna.hla2_max_tpm"].value == 5
    assert "donor's hepatocytes, not judged: HLA-DRA 3000 TPM" in measured(fell)["rna.hla2_max_tpm"].detail
    never = lot({"HLA-DRA": (0, 0)})
    assert judged(never).set_index("gene_name").loc["HLA-DRA", "met"] == "yes"


@pytest.mark.filterwarnings("ignore")  # replicates without scatter, which PyDESeq2 remarks on
def test_every_replicate_counts() -> None:
    data = lot(samples=PAIR)
    place = list(data.var["gene_name"]).index("PTPRC")
    data.layers["tpm"][3, place] = 1.0
    assert measured(data)["rna.blood_max_tpm"].value == 1
    assert judged(data).set_index("gene_name").loc["PTPRC", "met"] == "no", "1 TPM is detected"
    data.layers["tpm"][2, list(data.var["gene_name"]).index("HNF4A")] = 0.99
    assert measured(data)["rna.identity_detected"].value == 0.99
    assert judged(data).set_index("gene_name").loc["HNF4A", "met"] == "no", "300 TPM in the other replicate"


@pytest.mark.parametrize(
    ("gene", "metric"),
    [
        ("FAH", "rna.mature_down"),
        ("SOX9", "rna.progenitor_up"),
        ("HNF4A", "rna.identity_detected"),
        ("CIITA", "rna.hla2_max_tpm"),
        ("PTPRC", "rna.blood_max_tpm"),
        ("HGF", "rna.secreted_up"),
        ("XIST", "rna.sex"),
        ("XIST", "rna.sex_as_declared"),
        ("CCN1", "rna.yap_targets_log2fc"),
    ],
)
def test_a_gene_that_is_not_annotated_is_unknown_and_not_absent(gene: str, metric: str) -> None:
    found = measured(lot(without=[gene]))
    assert found[metric].value is None
    assert gene in found[metric].reason
    row = judged(lot(without=[gene])).set_index("gene_name")
    assert gene not in row.index or row.loc[[gene], "met"].isna().all()


def test_without_lengths_levels_are_unknown_and_changes_are_not() -> None:
    data = lot()
    del data.layers["tpm"]
    del data.layers["length"]
    found = measured(data)
    assert found["rna.mature_down"].value == 1
    for name in ("rna.identity_detected", "rna.hla2_max_tpm", "rna.blood_max_tpm", "rna.sex", "rna.genes_detected"):
        assert found[name].value is None
        assert "gene lengths are not known" in found[name].reason


def test_genes_of_one_name_are_added() -> None:
    """HLA-DRA on an alternative haplotype: reads go to either gene, and both are HLA-DRA."""
    data = lot({"twin": (0, 3), "HLA-DRA": (300, 2)})
    data.var["gene_name"] = data.var["gene_name"].replace("twin", "HLA-DRA")
    assert measured(data)["rna.hla2_max_tpm"].value == 5


@pytest.mark.parametrize(
    ("xist", "y", "sex"),
    [
        ((300, 300), (0, 0), "F"),
        ((0, 0), (200, 200), "M"),
        ((300, 0), (0, 0), None),
        ((300, 300), (200, 200), None),
        ((300, 10), (0, 0), None),  # ten reads
        ((300, 11), (0, 0), "F"),
        ((300, 100), (0, 5), "F"),  # stray reads of Y
        ((300, 100), (0, 6), None),
    ],
)
def test_sex_of_the_lot(xist: tuple[int, int], y: tuple[int, int], sex: str | None) -> None:
    found = measured(lot({"XIST": xist, "RPS4Y1": y, "DDX3Y": y}))
    assert found["rna.sex"].value == sex
    assert (sex is None) == ("neither a woman's nor a man's" in found["rna.sex"].reason)


def test_a_swapped_lot_differs_from_its_donor_in_sex() -> None:
    found = measured(lot({"XIST": (300, 0), "RPS4Y1": (0, 300), "DDX3Y": (0, 200)}))
    assert (found["rna.donor_sex"].value, found["rna.sex"].value) == ("F", "M")
    assert (found["rna.donor_sex_as_declared"].value, found["rna.sex_as_declared"].value) == (True, False)
    assert found["rna.sex_as_declared"].detail == (
        "lot expresses M, declared F; M: S1: XIST 0, DDX3Y 200, RPS4Y1 300 TPM, 0 reads against 500"
    )


def of_tpm(*samples: tuple[str, float, float]) -> AnnData:
    """Samples of (state, TPM of XIST, TPM of each Y gene); a TPM of XIST is 19 reads, as of a gene of 19 kb."""
    data = lot(samples=[("D1", state) for state, *_ in samples])
    names = list(data.var["gene_name"])
    for row, (_, x, y) in enumerate(samples):
        for gene, tpm, reads in (("XIST", x, 19 * x), ("RPS4Y1", y, y), ("DDX3Y", y, y)):
            data.layers["tpm"][row, names.index(gene)] = tpm
            data.layers["counts"][row, names.index(gene)] = round(reads)
    return data


@pytest.mark.filterwarnings("ignore")  # replicates without scatter, which PyDESeq2 remarks on
@pytest.mark.parametrize(
    ("samples", "lot_declared", "donor_declared"),
    [
        # Two people in one lot: the pooled levels show neither sex.
        ([("hepatocyte", 77, 0), ("lot", 77, 0), ("lot", 0.03, 524)], False, True),
        ([("hepatocyte", 77, 0), ("hepatocyte", 0, 300), ("hepatocyte", 0, 200), ("lot", 70, 0)], True, False),
        # A woman's liver with little XIST, and a lot in which it faded.
        ([("hepatocyte", 0.6, 0.02), ("lot", 0.2, 0)], None, True),
        # Levels at the limit of detection: 1 TPM decided before, and one sample a hair below it hid the other.
        ([("hepatocyte", 0.97, 0.3), ("hepatocyte", 4, 0), ("lot", 60, 0)], True, True),
        # A man whose lot lost Y, with stray reads of XIST, is no woman.
        ([("hepatocyte", 0.03, 60), ("lot", 0.05, 0)], None, False),
        # Half of a sample is a man's.
        ([("hepatocyte", 77, 0), ("lot", 0.5, 27)], None, True),
    ],
)  # fmt: skip
def test_sex_is_judged_per_sample(
    samples: list[tuple[str, float, float]], lot_declared: bool | None, donor_declared: bool | None
) -> None:
    found = measured(of_tpm(*samples))
    assert found["rna.sex_as_declared"].value is lot_declared
    assert found["rna.donor_sex_as_declared"].value is donor_declared


@pytest.mark.filterwarnings("ignore")  # replicates without scatter, which PyDESeq2 remarks on
def test_samples_of_two_people_have_no_sex_and_are_named() -> None:
    found = measured(of_tpm(("hepatocyte", 77, 0), ("lot", 77, 0), ("lot", 0.03, 524)))
    assert found["rna.sex"].value is None and found["rna.sex"].reason.startswith("samples of two people: F: S1")
    assert "F and M, declared F" in found["rna.sex_as_declared"].detail


def test_equal_reads_of_both_are_told_to_show_a_sex_in_one_sample_of_a_thousand() -> None:
    """The stated error, exactly: binomial with equal chances, over all numbers of reads."""
    for total in (5, 10, 11, 12, 30, 200):
        told = [y for y in range(total + 1) if _judged("S", {"XIST": 9, "DDX3Y": 9, "RPS4Y1": 9},
                {"XIST": total - y, "DDX3Y": y, "RPS4Y1": 0}).sex]  # fmt: skip
        assert binom.pmf(told, total, 0.5).sum() <= 1e-3
        assert (total >= 11) == bool(told)


# Not measured is not an answer


def test_a_gene_that_the_donor_does_not_show_cannot_fall() -> None:
    """UGT1A9 with a read or two: the counting lost it (exons shared with all UGT1A), so that it is neither up nor down."""
    for pair in ((0, 0), (1, 0), (2, 0), (23, 3), (0, 1)):
        data = lot({"UGT1A9": pair})
        assert judged(data).set_index("gene_name").loc["UGT1A9", "met"] is None, pair
        found = measured(data)["rna.mature_down"]
        assert found.value == 1 and found.detail.startswith("3 of 3 genes"), pair
        assert f"not measurable: UGT1A9 ({pair[0]} reads in the donor, {pair[1]} in the lot" in found.detail
    assert judged(lot({"UGT1A9": (24, 3)})).set_index("gene_name").loc["UGT1A9", "met"] == "yes"
    assert judged(lot({"UGT1A9": (3, 90)})).set_index("gene_name").loc["UGT1A9", "met"] == "no", "it rose"


def test_the_limit_scales_with_the_genes_that_can_be_told(root: Path) -> None:
    acceptance = read_yaml(root / "resources" / "acceptance.yaml", Acceptance)

    def outcome(**genes: tuple[int, int]) -> str:
        verdict = decide("L1", measured(lot(genes)), acceptance, 5, 0.95)
        return next(result.outcome for result in verdict.criteria if result.id == "R02")

    kept, lost = (900, 850), (1, 0)
    assert outcome(UGT1A9=lost) == "PASS"
    assert outcome(UGT1A9=lost, FAH=kept) == "REVIEW", "2 of 3"
    assert outcome(FAH=kept) == "PASS", "3 of 4"
    assert outcome(UGT1A9=lost, FAH=lost) == "INDETERMINATE", "two genes are no answer"
    assert outcome(UGT1A9=lost, FAH=lost, CYP3A4=lost) == "INDETERMINATE"


def test_a_lot_sequenced_too_shallowly_shows_no_fall() -> None:
    data = lot({"FAH": (900, 1)})
    data.layers["counts"][1] //= 200
    assert judged(data).set_index("gene_name").loc["FAH", "met"] is None


def test_a_gene_that_neither_shows_did_not_rise() -> None:
    """Else a lot without the progenitor programme would be judged by the genes it has."""
    data = lot({"KRT19": (0, 0), "EPCAM": (0, 0)})
    assert measured(data)["rna.progenitor_up"].value == 3 / 5


@pytest.mark.parametrize(
    ("log2fc", "padj", "expected", "met"),
    [
        (1.24, 0.50, "up", "no"),
        (1.24, 0.04, "up", "yes"),
        (1.24, np.nan, "up", None),
        (0.9, 1e-9, "up", "no"),
        (0.9, np.nan, "up", "no"),
        (-1.2, 0.5, "down", "no"),
        (-1.2, 0.01, "down", "yes"),
        (-1.2, np.nan, "down", None),
        (1.2, np.nan, "down", "no"),
    ],
)
def test_where_p_is_known_a_change_must_be_significant(
    log2fc: float, padj: float, expected: str, met: str | None
) -> None:
    data = lot({"MMP3": (900, 900)})
    table = differential(data, "~ state").assign(padj=1.0)
    table.loc[table["gene_name"] == "MMP3", ["log2fc", "padj"]] = log2fc, padj
    panel = pd.DataFrame([("MMP3", "group", expected, "", "")], columns=list(PANEL.columns))
    assert tabulate(data, table, panel)["met"].tolist() == [met]


def test_a_swapped_lot_cannot_be_judged_and_a_faded_pattern_can(root: Path) -> None:
    """Q04c, Q04d: the other sex is compared with the lot; what proves nothing (XIST faded, no Y) is not assessed."""
    acceptance = read_yaml(root / "resources" / "acceptance.yaml", Acceptance)
    changed: list[tuple[Mapping[str, tuple[int, int]], list[str]]] = [
        ({"XIST": (300, 0), "RPS4Y1": (0, 300), "DDX3Y": (0, 200)}, ["INDETERMINATE", "PASS"]),
        ({"XIST": (0, 300), "RPS4Y1": (200, 0), "DDX3Y": (200, 0)}, ["PASS", "INDETERMINATE"]),
        ({"XIST": (300, 0)}, ["NOT_ASSESSED", "PASS"]),
        ({}, ["PASS", "PASS"]),
    ]
    for genes, outcomes in changed:
        verdict = decide("L1", measured(lot(genes)), acceptance, 5, 0.95)
        of = {result.id: result.outcome for result in verdict.criteria}
        assert [of["Q04c"], of["Q04d"]] == outcomes


def test_mapping_is_that_of_the_worst_sample() -> None:
    facts = {
        name: Quantification(
            fragments=1000, mapped=mapped, percent_mapped=mapped / 10, decoy_fragments=0, library_type="ISR",
            antisense_fraction=0.99, fragment_length=200, salmon_version="1.10.1", index_sha256="3f",
        )
        for name, mapped in (("S0", 900), ("S1", 555))
    }  # fmt: skip
    assert measured(lot(), facts)["rna.mapping_percent"] == Metric(
        value=55.5,
        detail="55.5 % of 1000 fragments fit a transcript in S1, the lowest; read 1 is antisense in 99 % of these",
    )
    unknown = measured(lot(), {"S0": facts["S0"]})["rna.mapping_percent"]
    assert (unknown.value, unknown.reason) == (None, "was given as counts: S1")


def test_quality_of_each_rna_sample_is_in_the_record() -> None:
    """Of every sample, beside what its tools said of it; what is not known is None."""
    data = lot({"MT-CO1": (0, 10 * BULK), "MT-RNR2": (BULK, 5 * BULK)})
    quality = RnaQuality.validate(sample_quality(data))
    metrics_ = measured(data)
    assert quality["genes_detected"].iloc[1] == metrics_["rna.genes_detected"].value
    assert quality["rrna_fraction"].max() == pytest.approx(metrics_["rna.rrna_fraction"].value, abs=1e-4)
    mapped = QcFigure(name="Mapped to transcripts", value=93.0, unit="%")
    samples = [SampleQc(sample_id=name, role="lot", assay="rnaseq", figures=(mapped,)) for name in ("S0", "S1")]
    samples.append(SampleQc(sample_id="W", role="lot", assay="wgs", figures=()))
    donor, own, dna = with_rna_quality(samples, quality)
    assert {figure.name: figure.value for figure in own.figures} == {
        "Mapped to transcripts": 93.0, "Genes at 1 TPM or more": metrics_["rna.genes_detected"].value,
        "Ribosomal RNA": round(500 / 65, 2), "Mitochondrial RNA": round(1000 / 65, 2),
    }  # fmt: skip
    assert donor.figures[-1].value == 0.0 and dna == samples[-1]
    bare = lot()
    del bare.layers["tpm"], bare.layers["length"]
    unknown = with_rna_quality(samples, sample_quality(bare))[0]
    assert [figure.value for figure in unknown.figures] == [93.0, None, None, None]
    assert with_rna_quality(samples, None) == tuple(samples)


def library(antisense: float, mapped: int = 1000) -> Quantification:
    return Quantification(
        fragments=1000, mapped=mapped, percent_mapped=mapped / 10, decoy_fragments=0, library_type="ISR",
        antisense_fraction=antisense, fragment_length=200, salmon_version="1.10.1", index_sha256="3f",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("declared", "shares", "value", "words"),
    [
        (["reverse", "reverse"], [0.99, 0.8], True, "S0 is reverse (read 1 antisense in 99 %), declared reverse; S1"),
        (["forward", "forward"], [0.2, 0.01], True, "S0 is forward (read 1 antisense in 20 %)"),
        (["unstranded", "unstranded"], [0.5, 0.79], True, "S1 is unstranded"),
        (["reverse", "reverse"], [0.99, 0.79], False, "S1 is unstranded (read 1 antisense in 79 %), declared reverse"),
        (["reverse", "reverse"], [0.01, 0.99], False, "S0 is forward"),
        (["reverse", ""], [0.99, 0.99], None, "not declared for S1 (samples.tsv)"),
        (["", "reverse"], [0.99, 0.01], False, "S1 is forward"),
        (["reverse", "reverse"], [0.99, None], None, "S1 was given as counts"),
    ],
)
def test_strandedness_is_held_against_the_sheet(
    declared: list[str], shares: list[float | None], value: bool | None, words: str, root: Path
) -> None:
    data = lot()
    data.obs["strandedness"] = declared
    quality = {f"S{n}": library(share) for n, share in enumerate(shares) if share is not None}
    found = measured(data, quality)
    metric = found["rna.strandedness_as_declared"]
    assert metric.value is value
    assert words in metric.reason + metric.detail
    acceptance = read_yaml(root / "resources" / "acceptance.yaml", Acceptance)
    outcome = {result.id: result.outcome for result in decide("L1", found, acceptance, 5, 0.95).criteria}["Q07"]
    assert outcome == {True: "PASS", False: "REVIEW", None: "NOT_ASSESSED"}[value]


def test_strandedness_of_few_fragments_is_unknown() -> None:
    data = lot()
    data.obs["strandedness"] = "reverse"
    found = measured(data, {"S0": library(0.99), "S1": library(0.0, mapped=99)})["rna.strandedness_as_declared"]
    assert (found.value, found.reason) == (None, "strandedness: S1 has 99 mapped fragments, and 100 are needed")


def test_shares_of_mitochondrial_and_ribosomal_rna() -> None:
    found = measured(lot({"MT-CO1": (0, 10 * BULK), "MT-RNR2": (BULK, 5 * BULK), "MTOR": (BULK, BULK)}))
    lot_total = 66 * BULK
    assert found["rna.mitochondrial_fraction"].value == pytest.approx(10 * BULK / lot_total, abs=0.001)
    assert found["rna.rrna_fraction"].value == pytest.approx(5 * BULK / lot_total, abs=0.001)
    assert "the most" in found["rna.rrna_fraction"].detail
    plain = measured(lot())
    assert plain["rna.mitochondrial_fraction"].value is None and "names no" in plain["rna.rrna_fraction"].reason


def test_coverage_and_insert_size_of_a_genome_are_printed_and_unknown_of_counts() -> None:
    facts = {"sample_id": "a", "role": "lot", "assay": "wgs"}
    counts = {"primary": 200, "primary mapped": 190, "properly paired": 180, "paired in sequencing": 200}
    library = Library(
        fragments=80, coverage=31.25, insert_first_quartile=310, insert_median=350, insert_third_quartile=402,
        mitochondrial=0.002,
    )  # fmt: skip
    said = {"flagstat": [{"QC-passed reads": counts | {"primary duplicates": 30}}]}
    aligned, counted = summarise(facts, [], said, library, None), summarise(facts, [], {}, None, None)
    found = {figure.name: figure.value for figure in aligned.figures}
    assert found == {
        "Mapped reads": 95.0, "Properly paired": 90.0, "Duplicates": 15.0, "Mean coverage": 31.25, "Usable fragments": 80,
        "Insert size, median": 350, "Insert size, interquartile range": "310-402", "Mitochondrial DNA": 0.2,
    }  # fmt: skip
    assert {figure.value for figure in counted.figures} == {None}
    # Fragments that were removed at random from a chromosome leave no trace in a table of counts.
    assert EDITED not in _not_seen(None, [aligned, aligned]) and EDITED in _not_seen(None, [aligned, counted])
