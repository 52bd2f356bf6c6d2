"""What jobs ask for grows with their data, with the genome, and with every attempt; and every rule asks."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from karyolot.contracts.sheets import Sample, Study
from karyolot.inputs.study import parse_config
from karyolot.io.shipped import PROJECT
from karyolot.plan import resources
from karyolot.plan.resources import Needs, Size

HUMAN = Size(data=50, genome=3.1, samples=12)
RULES = {
    name: text
    for file in sorted((PROJECT / "workflow" / "rules").glob("*.smk"))
    for name, text in re.findall(r"^rule (\w+):\n((?:    .*\n|\n)+)", file.read_text(), flags=re.M)
    if "shell:" in text or "script:" in text
}
SETTINGS = parse_config({"reference": {"fasta": "genome.fa", "gtf": "genes.gtf"}})[0]


def test_every_rule_asks_by_its_own_name_and_says_what_it_took() -> None:
    assert len(RULES) > 25
    for name, text in RULES.items():
        assert re.search(rf'^    resources:\n        \*\*needs\("{name}"\),$', text, flags=re.M), name
        log, benchmark = (
            re.search(rf'^    {key}:\n        "([^"]+)",?$', text, flags=re.M) for key in ("log", "benchmark")
        )
        assert log and benchmark, name
        assert benchmark[1] == log[1].replace("logs/", "benchmarks/").replace(".log", ".tsv")


def test_needs_are_of_rules_that_exist() -> None:
    assert {name.split(".")[0] for name in resources.NEEDS} <= RULES.keys()


@given(st.sampled_from(sorted(RULES)), st.floats(0, 500), st.floats(0, 30), st.integers(1, 64), st.integers(1, 3))
def test_more_data_never_needs_less(rule: str, data: float, genome: float, threads: int, attempt: int) -> None:
    need = resources.need_of(rule, SETTINGS)
    small, large = Size(data, genome, 5), Size(data * 2, genome * 2, 10)
    for ask in (
        lambda size: resources.mb(need, size, attempt),
        lambda size: resources.minutes(need, size, threads, attempt),
        lambda size: resources.disk(need, size),
    ):
        assert 0 < ask(small) <= ask(large)
    assert resources.mb(need, small, attempt) == 2 ** (attempt - 1) * resources.mb(need, small)
    assert resources.minutes(need, small, threads, attempt) == 2 ** (attempt - 1) * resources.minutes(
        need, small, threads
    )
    assert resources.minutes(need, large, threads) <= resources.minutes(need, large, 1)


@pytest.mark.parametrize(
    ("settings", "rule", "low", "high"),
    [
        ({}, "align_reads", 13_000, 15_800),  # a machine of 16 GB suffices
        ({}, "convert_index", 11_000, 13_500),
        ({"alignment": {"aligner": "bwa"}}, "align_reads", 8_000, 12_000),
        ({}, "index_genome", 7_000, 9_000),
        ({}, "index_transcripts", 17_000, 19_000),
        ({}, "quantify_transcripts", 17_000, 19_000),
        ({"reference": {"fasta": "genome.fa", "gtf": "genes.gtf", "decoys": False}}, "index_transcripts", 6_000, 6_000),
        ({}, "analyse_copy_number", 1_000, 1_000),
    ],
)
def test_memory_of_a_human_sample(settings: dict[str, object], rule: str, low: int, high: int) -> None:
    config = parse_config({"reference": {"fasta": "genome.fa", "gtf": "genes.gtf"}} | settings)[0]
    assert low <= resources.mb(resources.need_of(rule, config), HUMAN) <= high


def test_a_job_is_measured_by_its_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sizes = {"genome.fa": 31_000_000, "a1": 4_000_000, "a2": 6_000_000, "b1": 100_000_000}
    for name, size in sizes.items():
        with (tmp_path / name).open("wb") as handle:
            handle.truncate(size)
    rows = tuple(
        Sample(sample_id="S", assay="wgs", donor_id="D", lane=lane, fastq_1=f"{letter}1", fastq_2=f"{letter}2")
        for lane, letter in (("L1", "a"), ("L2", "b"))
    )
    needs = Needs(Study(donors={}, lots={}, samples={"S": rows}), SETTINGS)
    assert needs.size({"sample": "S", "unit": "S.L1"}).data == pytest.approx(0.01)
    assert needs.size({"sample": "S"}).data == pytest.approx(0.11), "b2 is not there: the check tells of it"
    assert needs.size({"lot": "x"}) == Size(0, 0.031, 1)
    ask = needs("align_reads")
    wildcards = {"sample": "S", "unit": "S.L2"}
    assert ask["mem_mb"](wildcards, attempt=2) == 2 * round(4_800 + 3_500 * 0.031)
    assert ask["runtime"](wildcards, threads=1, attempt=1) == max(20, round(3 * (0.2 + 18 * 0.1)))
    assert ask["disk_mb"](wildcards) == 1_000


def test_a_job_of_several_steps_asks_for_the_largest() -> None:
    """RNA is aligned in the job that quantifies it, where there is a panel of SNPs."""
    reference = {"fasta": "genome.fa", "gtf": "genes.gtf", "decoys": False}
    few, aligned = (
        resources.need_of("quantify_transcripts", parse_config({"reference": reference} | more)[0])
        for more in ({}, {"identity": {"sites": "snps.vcf"}})
    )
    assert resources.mb(few, HUMAN) == 6_000
    assert resources.mb(aligned, HUMAN) == resources.mb(resources.need_of("align_reads", SETTINGS), HUMAN) > 6_000
