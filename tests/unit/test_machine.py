"""The memory of this machine bounds what a local run starts at once; a job that does not fit is not started."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from karyolot.commands.run import share_memory, stop_too_large
from karyolot.contracts.sheets import Study
from karyolot.inputs.study import parse_config
from karyolot.io import machine
from karyolot.plan.resources import Needs

MEMINFO = "MemTotal:       32000000 kB\nMemFree:         1000000 kB\nMemAvailable:   20000000 kB\n"


def group(folder: Path, names: tuple[str, str], limit: str, used: int, droppable: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{used}\n")
    (folder / "memory.stat").write_text(f"anon 5\ninactive_file {droppable}\n")


@pytest.fixture
def places(tmp_path: Path) -> tuple[Path, Path, Path]:
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "cgroup").write_text("0::/user/job\n")
    return tmp_path / "meminfo", tmp_path / "fs", tmp_path / "cgroup"


def test_without_a_limit_it_is_what_the_machine_has_available(places: tuple[Path, Path, Path]) -> None:
    assert machine.free_mb(*places) == 20_480
    group(places[1] / "user" / "job", machine.V2, "max", 7, 0)
    assert machine.free_mb(*places) == 20_480


def test_the_tightest_group_above_the_process_bounds_it(places: tuple[Path, Path, Path]) -> None:
    """Pages of files in the group's use are given back when memory is needed."""
    group(places[1] / "user" / "job", machine.V2, "8000000000", 3_000_000_000, 1_000_000_000)
    assert machine.free_mb(*places) == 6_000
    group(places[1] / "user", machine.V2, "5000000000", 1_000_000_000, 0)
    assert machine.free_mb(*places) == 4_000
    group(places[1], machine.V2, "2000000000", 0, 0)
    assert machine.free_mb(*places) == 2_000, "in a container the limit stands at the root"


def test_groups_of_the_first_kind_are_read_too(places: tuple[Path, Path, Path]) -> None:
    places[2].write_text("3:cpu,cpuacct:/a\n2:memory:/b\n")
    group(places[1] / "memory" / "b", machine.V1, "3000000000", 1_000_000_000, 0)
    assert machine.free_mb(*places) == 2_000


def test_where_the_system_does_not_say_it_is_what_is_installed(tmp_path: Path) -> None:
    assert machine.free_mb(*(tmp_path / name for name in ("a", "b", "c"))) > 500
    assert 0 < machine.free_mb() <= machine.free_mb(*(tmp_path / name for name in ("a", "b", "c")))


def workflow(*, main: bool = True, nodes: int | None = None, **given: int) -> Any:
    resources: dict[str, Any] = {name: SimpleNamespace(value=value) for name, value in given.items()}
    return SimpleNamespace(
        is_main_process=main,
        resource_settings=SimpleNamespace(nodes=nodes),
        global_resources=resources,
        register_resource=lambda name, value: resources.update({name: SimpleNamespace(value=value)}),
    )


def test_only_a_run_on_this_machine_shares_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "free_mb", lambda: 9_000)
    local = workflow()
    assert share_memory(local) == 9_000 and local.global_resources["mem_mb"].value == 9_000
    assert share_memory(workflow(mem_mb=4_000)) == 4_000, "the user's word goes before"
    cluster, job = workflow(nodes=100), workflow(main=False)
    assert share_memory(cluster) is None and share_memory(job) is None
    assert not cluster.global_resources and not job.global_resources


HUMAN = {"reference": {"fasta": "genome.fa", "gtf": "genes.gtf"}}


def jobs(*rules: str) -> list[Any]:
    return [SimpleNamespace(rule=SimpleNamespace(name=rule), wildcards_dict={"sample": "S"}) for rule in rules]


def needs(folder: Path, **settings: Any) -> Needs:
    with (folder / "genome.fa").open("wb") as handle:
        handle.truncate(3_100_000_000)  # no byte of it is on the disk
    return Needs(Study(donors={}, lots={}, samples={}), parse_config(HUMAN | settings)[0])


def test_a_job_that_does_not_fit_is_named_before_any_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    minimap2 = needs(tmp_path, alignment={"aligner": "minimap2"})
    with pytest.raises(SystemExit) as stopped:
        stop_too_large(jobs("make_bins", "index_genome", "decide_lot"), minimap2, 16_000)
    said = capsys.readouterr().err
    assert stopped.value.code == 2
    assert "index_genome needs 25.3 GB of memory, and 16.0 GB are free" in said and "make_bins" not in said
    assert "alignment.aligner: bwa needs 9.7 GB" in said and "bwa-mem3 needs" in said, (
        "what does not fit is not advised"
    )
    with pytest.raises(SystemExit):
        stop_too_large(jobs("quantify_transcripts"), minimap2, 16_000)
    assert "reference.decoys: false needs 6.0 GB" in capsys.readouterr().err


def test_what_fits_or_asks_a_cluster_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    minimap2 = needs(tmp_path, alignment={"aligner": "minimap2"})
    stop_too_large(jobs("index_genome"), minimap2, 64_000)
    stop_too_large(jobs("index_genome"), minimap2, None)
