"""The registry of metrics: stages return what it says, criteria are compared with it, and what is not judged is a decision."""

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from karyolot.contracts.criteria import Acceptance, Criterion, Metric, Metrics, check_metrics
from karyolot.contracts.metrics import ABSENT, LOD_OF, PANEL_MODULES, MetricName, metrics_of
from karyolot.contracts.problems import KaryolotError
from karyolot.io.files import read_metrics, write_metrics, write_sealed
from karyolot.report.groups import TOPICS
from karyolot.rna.panel import MODULES
from karyolot.verdict.imported import imported_metrics
from karyolot.verdict.process import process_metrics

ACCEPTANCE = Path(__file__).parents[2] / "resources" / "acceptance.yaml"
BY_ITS_SAMPLE = "shown with the quality figures of each sample; no limit has a source"
NOT_JUDGED = {
    "dna.noise": "the limit of detection (cn.lod) holds what follows from it",
    "dna.rt_moved": "the claim states it where it exceeds cn.lod; no track proves that it is of timing",
    "cn.lod_gain": "cn.lod is the larger of the two; this one is part of the claim",
    "cn.lod_loss": "cn.lod is the larger of the two; this one is part of the claim",
    "cn.arm_lod": "the claim on whole arms states it; no norm asks for a limit on every arm",
    "cn.acquired_recurrent": "every one is counted in cn.acquired_short (C04)",
    "variants.indel_limit": "the claim states it beside that of substitutions (C09d); no norm asks for a limit",
    "mitochondria.copies": "shown beside the donor's; hepatocytes and dividing cells differ, and no limit has a source",
    "mitochondria.lod": "stated with the shifts (M01); no norm asks for a limit",
    "rna.yap_targets_log2fc": "context for the Hippo gene sets; He 2025 states no limit",
    "rna.genes_detected": BY_ITS_SAMPLE,
    "rna.mapping_percent": BY_ITS_SAMPLE,
    "rna.mitochondrial_fraction": BY_ITS_SAMPLE,
    "rna.rrna_fraction": BY_ITS_SAMPLE,
    "rna.sex": "judged as rna.sex_as_declared (Q04c)",
    "rna.donor_sex": "judged as rna.donor_sex_as_declared (Q04d)",
}
"""Metrics that no shipped criterion uses, each with the reason."""
PROCESS = process_metrics({"passage": 8, "pdl": 11.2}, 4)


def documents() -> list[dict[str, object]]:
    return list(yaml.safe_load(ACCEPTANCE.read_text(encoding="utf-8"))["criteria"])


def test_a_metric_that_no_criterion_uses_is_a_decision() -> None:
    used = {criterion["metric"] for criterion in documents()}
    assert set(MetricName) - used == NOT_JUDGED.keys()


def test_every_metric_has_a_meaning_a_section_of_the_report_and_a_stage_that_can_be_absent() -> None:
    assert all(name.meaning for name in MetricName)
    assert {name.topic for name in MetricName} == TOPICS.keys()
    assert {name.stage for name in MetricName} == ABSENT.keys()
    assert [name.name for name in MetricName] == [name.replace(".", "_").upper() for name in MetricName]


def test_families_of_metrics_are_closed() -> None:
    assert PANEL_MODULES.keys() == MODULES.keys() and set(PANEL_MODULES.values()) == metrics_of("panel")
    assert set(LOD_OF.values()) < metrics_of("dna")


@pytest.mark.parametrize(
    ("stage", "found"),
    [
        ("process", PROCESS),
        ("process", process_metrics({"passage": 8, "pdl": None}, 0)),
        ("imported", imported_metrics([])),
    ],
)
def test_a_stage_returns_all_of_its_metrics(stage: str, found: Metrics) -> None:
    """The others are held to it where they are tested: copy number, alleles, small variants, markers."""
    assert check_metrics(found).keys() == metrics_of(stage)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"process.passage": None}, "process.passage is None, and must be a number"),
        ({"process.passage": True}, "process.passage is True, and must be a number"),
        ({"reads.verified": 1}, "reads.verified is 1, and must be true or false or null"),
        ({"process.pdl": "11"}, "process.pdl is '11', and must be a number or null"),
    ],
)
def test_a_value_of_another_type_is_not_written(changed: dict[str, object], words: str, tmp_path: Path) -> None:
    wrong = PROCESS | {MetricName(name): Metric(value=value) for name, value in changed.items()}
    with pytest.raises(ValueError, match=words):
        write_metrics(wrong, tmp_path / "metrics.json")
    assert not list(tmp_path.iterdir())


def test_a_metric_that_a_stage_leaves_out_is_not_written(tmp_path: Path) -> None:
    short = {name: metric for name, metric in PROCESS.items() if name != MetricName.PROCESS_PDL}
    with pytest.raises(ValueError, match=r"stage process does not return process\.pdl"):
        write_metrics(short, tmp_path / "metrics.json")


def test_written_metrics_are_read_back(tmp_path: Path) -> None:
    write_metrics(PROCESS, tmp_path / "metrics.json")
    assert read_metrics(tmp_path / "metrics.json") == PROCESS


def test_metrics_of_another_version_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    write_sealed({name: metric.model_dump() for name, metric in PROCESS.items()} | {"process.mood": {"value": 1}}, path)
    with pytest.raises(KaryolotError, match=r"(?s)metrics\.json: not the metrics of this version.*run again"):
        read_metrics(path)


def test_a_count_is_whole_and_a_flag_no_number() -> None:
    assert MetricName.CN_HIGH_COPY.can_be(3) and not MetricName.CN_HIGH_COPY.can_be(3.0)
    assert MetricName.CN_HIGH_COPY.compares_with(2.5) and not MetricName.CN_HIGH_COPY.compares_with(True)
    assert MetricName.CN_LOD.can_be(1) and not MetricName.CN_LOD.can_be(True)
    assert MetricName.IDENTITY_LOT_SEX.can_be(False) and not MetricName.IDENTITY_LOT_SEX.can_be(0)
    assert MetricName.RNA_SEX.can_be("F") and not MetricName.RNA_SEX.can_be("female")


def faults(**changes: object) -> list[tuple[object, str, str, str | None]]:
    """(entry, message with the word meant, remedy) of what is wrong with the criterion Q06 when so changed."""
    good = next(criterion for criterion in documents() if criterion["id"] == "Q06")
    with pytest.raises(ValidationError) as caught:
        Criterion.model_validate(good | changes)
    found = [(e["loc"][0], e["msg"], {"remedy": "", "meant": None} | e.get("ctx", {})) for e in caught.value.errors()]
    return [(entry, message, said["remedy"], said["meant"]) for entry, message, said in found]


def test_an_unknown_metric_is_refused_with_the_nearest_name() -> None:
    ((entry, message, remedy, meant),) = faults(metric="cn.lod_pwer")
    assert (entry, message, meant) == ("metric", "is 'cn.lod_pwer', which is not a metric", "cn.lod_power")
    assert "cn.lod_power" in remedy and "rna." not in remedy, "names of the same topic"
    ((_, _, remedy, meant),) = faults(metric="weather")
    assert meant is None and all(name in remedy for name in MetricName)


def test_a_unit_that_is_not_the_metrics_is_refused() -> None:
    ((entry, message, remedy, _),) = faults(unit="%")
    assert (entry, message) == ("unit", "is '%', and the unit of cn.lod is 'cell fraction'")
    assert remedy == "write 'cell fraction', and the limits in this unit"


@pytest.mark.parametrize(
    ("metric", "op", "value", "message"),
    [
        ("cn.lod", "<=", "0.2", "has the value '0.2' in limit 1, and cn.lod is a number"),
        ("cn.lod", "<=", True, "has the value True in limit 1, and cn.lod is a number"),
        ("identity.lot_sex", "==", "no", "has the value 'no' in limit 1, and identity.lot_sex is true or false"),
        ("identity.lot_sex", "==", 1, "has the value 1 in limit 1, and identity.lot_sex is true or false"),
        ("identity.lot_sex", ">=", True, "has the operator >= in limit 1, and identity.lot_sex is true or false"),
        ("identity.snp_match", "==", "match", "has the value 'match' in limit 1, and identity.snp_match is MATCH or"),
        (
            "identity.snp_match",
            "==",
            True,
            "has the value True in limit 1, and identity.snp_match is MATCH or MISMATCH",
        ),
    ],
)
def test_a_limit_that_nothing_can_be_compared_with_is_refused(
    metric: str, op: str, value: object, message: str
) -> None:
    limit = {"op": op, "value": value, "on_breach": "REVIEW"}
    ((entry, shown, _, _),) = faults(metric=metric, unit=MetricName(metric).unit, limits=[limit])
    assert entry == "limits" and shown.startswith(message)


@pytest.mark.parametrize("word", ["no", "false", 0, "0"])
def test_required_is_true_or_false_and_no_word_for_it(word: object) -> None:
    """A quoted "no" of YAML would have been read as false, and a quoted "nope" as an error: neither is a decision."""
    ((entry, message, _, _),) = faults(required=word)
    assert entry == "required" and "valid boolean" in message


@given(st.sampled_from(sorted(MetricName)), st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text())
def test_what_a_metric_can_be_a_limit_can_be(name: MetricName, value: object) -> None:
    assert name.compares_with(value) or not name.can_be(value)


def test_the_shipped_document_holds() -> None:
    assert Acceptance.model_validate(yaml.safe_load(ACCEPTANCE.read_text(encoding="utf-8"))).criteria
