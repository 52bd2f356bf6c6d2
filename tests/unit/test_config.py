"""Settings are typed and known; a wrong one is told by its dotted key, and all wrong ones at once."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from karyolot.contracts.settings import Config
from karyolot.inputs.study import differences, parse_config, parse_study
from karyolot.io.shipped import RESOURCES, portable, resource


def faults(text: str) -> list[tuple[str, str | None, str]]:
    _, problems = parse_config(yaml.safe_load(text) or {})
    return [(problem.code, problem.column, str(problem)) for problem in problems]


def test_nothing_set_is_the_default() -> None:
    assert parse_config({}) == (Config(), [])
    assert differences(Config()) == []


def test_settings_are_taken_over() -> None:
    config, _ = parse_config(yaml.safe_load("copy_number: {min_log2: 1e-2, lod_sizes_mb: [1, 3]}\nnotice: trial"))
    assert (config.copy_number.min_log2, config.copy_number.lod_sizes_mb, config.notice) == (0.01, (1, 3), "trial")
    assert differences(config) == [
        ("copy_number.min_log2", 0.0356, 0.01),
        ("copy_number.lod_sizes_mb", [1, 2, 5, 10, 20], [1, 3]),
        ("notice", "", "trial"),
    ]


def test_a_section_with_nothing_in_it_is_the_default() -> None:
    assert parse_config(yaml.safe_load("reference:\n  # fasta: x.fa\nreads:\n")) == (Config(), [])


@pytest.mark.parametrize(
    ("text", "code", "key", "words"),
    [
        ("counting: {bin_pb: 5}", "E18", "counting.bin_pb", "unknown setting (did you mean bin_bp?)"),
        ("copy_number: {plants: 200}", "E18", "copy_number.plants", "unknown setting (did you mean spike_ins?)"),
        ("copy_number: {watch_regions: a}", "E18", "copy_number.watch_regions", "(did you mean recurrent_regions?)"),
        ("copynumber: {}", "E18", "copynumber", "unknown setting (did you mean copy_number?)"),
        ("zzz: 1", "E18", "zzz", "unknown setting"),
        ("1: 2", "E18", "1", "unknown setting"),
        ("counting: {bin_bp: 50 kb}", "E17", "counting.bin_bp", "not a whole number"),
        ("counting: {bin_bp: 0.5}", "E17", "counting.bin_bp", "not a whole number"),
        ("counting: {bin_bp: 0}", "E17", "counting.bin_bp", "must be above 0"),
        ("counting: {bin_bp: yes}", "E17", "counting.bin_bp", "true or false is not allowed here"),
        ("counting: {bin_bp: }", "E17", "counting.bin_bp", "the setting has no value"),
        ("counting: {min_mapq: 61}", "E17", "counting.min_mapq", "must be at most 60"),
        ("counting: 5", "E17", "counting", "a section must hold settings"),
        ("counting: [1, 2]", "E17", "counting", "a section must hold settings"),
        ("copy_number: {power: .nan}", "E17", "copy_number.power", "not a number"),
        ("copy_number: {power: 95 %}", "E17", "copy_number.power", "not a number"),
        ("copy_number: {lod_sizes_mb: 5}", "E17", "copy_number.lod_sizes_mb", "not a list"),
        ("copy_number: {lod_sizes_mb: []}", "E17", "copy_number.lod_sizes_mb", "at least 1 item"),
        ("copy_number: {lod_sizes_mb: [-1]}", "E17", "copy_number.lod_sizes_mb.0", "must be above 0"),
        ("copy_number: {donor_outlier: [0.4]}", "E17", "copy_number.donor_outlier.1", "required"),
        (
            "copy_number: {analysis_bin_bp: 70000}",
            "E17",
            "copy_number.analysis_bin_bp",
            "not a multiple of counting.bin_bp",
        ),
        ("alignment: {aligner: BWA}", "E17", "alignment.aligner", "(did you mean bwa?)"),
        ("reference: {fasta: ''}", "E17", "reference.fasta", "the text is empty"),
        ("reference: {fasta: [a.fa]}", "E17", "reference.fasta", "not a text"),
        ("reference: {layout: 'shipped:../x.yaml'}", "E17", "reference.layout", "inside resources/"),
        ("expression: {gc_bias: maybe}", "E17", "expression.gc_bias", "neither true nor false"),
        ("pathways: {min_size: 900}", "E17", "pathways.min_size", "larger than pathways.max_size"),
        ("notice: 2031-01-01", "E17", "notice", "not a text"),
        ("copy_number: {power: 1.0e-9}", "E17", "copy_number.power", "must be at least 0.8"),
        ("copy_number: {spike_ins: 1}", "E17", "copy_number.spike_ins", "must be at least 100"),
        ("copy_number: {claim_mb: 300}", "E17", "copy_number.claim_mb", "must be at most 20"),
        ("copy_number: {min_log2: 10}", "E17", "copy_number.min_log2", "must be at most 0.1"),
        ("copy_number: {family_wise_error: .99}", "E17", "copy_number.family_wise_error", "must be at most 0.1"),
        ("copy_number: {max_arm_lod: .99}", "E17", "copy_number.max_arm_lod", "must be at most 0.5"),
        ("identity: {log10_ratio: 1.0e+9}", "E17", "identity.log10_ratio", "must be at most 10"),
    ],
)
def test_a_wrong_setting_is_told(text: str, code: str, key: str, words: str) -> None:
    ((found_code, found_key, message),) = faults(text)
    assert (found_code, found_key) == (code, key)
    assert words in message


def test_a_setting_in_the_wrong_section_is_sent_home() -> None:
    _, (problem,) = parse_config({"counting": {"decoys": False}})
    assert "reference" in problem.remedy


def test_all_wrong_settings_are_told_and_the_rest_is_kept() -> None:
    raw = {"counting": {"bin_bp": "x", "min_mapq": 30}, "zzz": 1, "copy_number": {"lod_sizes_mb": [1, -1, "a"]}}
    before = repr(raw)
    config, problems = parse_config(raw)
    assert {problem.column for problem in problems} == {
        "counting.bin_bp", "zzz", "copy_number.lod_sizes_mb.1", "copy_number.lod_sizes_mb.2"}  # fmt: skip
    assert (config.counting.bin_bp, config.counting.min_mapq) == (50_000, 30)
    assert repr(raw) == before


def test_paths_start_from_the_working_directory_or_the_project() -> None:
    assert resource("shipped:markers.tsv", Path("/w")) == RESOURCES / "markers.tsv"
    assert resource("data/x", Path("/w")) == Path("/w/data/x")
    assert resource("/data/x", Path("/w")) == Path("/data/x")
    for path in ("shipped:gene_sets/go.gmt", "data/x", "/data/x"):
        assert portable(str(resource(path, Path()))) == path
    assert (RESOURCES / "markers.tsv").is_file()


def test_tables_are_loaded_or_refused(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/donors.tsv").write_text("donor_id\tsex\nD1\tF\n")
    (tmp_path / "config/lots.tsv").write_text("lot_id\tdonor_id\tpassage\nL1\tD1\t3\n")
    (missing,) = parse_study(Config(), tmp_path, "config.yaml")[1]
    assert (missing.file, missing.code) == ("config/samples.tsv", "E02")
    (tmp_path / "config/samples.tsv").write_text("sample_id\tassay\tlot_id\tlane\nS\twgs\tL1\t1\nS\twgs\tL1\t2\n")
    draft, problems = parse_study(Config(), tmp_path, "config.yaml")
    study = draft.study()
    assert not problems
    assert list(study.donors) == ["D1"]
    assert [row.unit for row in study.samples["S"]] == ["S.1", "S.2"]


yaml_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.integers(), inner, max_size=3),
    max_leaves=6,
)
sections = st.sampled_from([*Config.model_fields, "zzz"])
keys = st.sampled_from(
    [
        "bin_bp",
        "fasta",
        "lod_sizes_mb",
        "donor_outlier",
        "gene_sets",
        "own_gene_sets",
        "aligner",
        "decoys",
        "power",
        "x",
    ]
)


@given(st.dictionaries(sections, st.dictionaries(keys, yaml_values, max_size=4) | yaml_values, max_size=4))
def test_any_yaml_gives_a_configuration_or_problems(raw: dict[str, Any]) -> None:
    config, problems = parse_config(raw)
    assert isinstance(config, Config)
    assert all(problem.code in {"E17", "E18"} and problem.column and str(problem) for problem in problems)
