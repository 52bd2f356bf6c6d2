"""What a run prints of itself where there is no terminal."""

import io
import logging
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snakemake_interface_logger_plugins.common import LogEvent

from karyolot.commands.progress import Progress, duration
from snakemake_logger_plugin_karyolot import LogHandler


def test_every_finished_step_is_one_line_with_its_time_and_what_is_left() -> None:
    progress = Progress(began=100)
    for job, rule in enumerate(("align_reads", "count_fragments", "decide_lot")):
        progress.named(job, rule, {"lot": "L1"})
        progress.starts[job] = 100 + 10 * job
        progress.finished(job)
        (line,) = progress.lines(job + 1, 200, 130 + 10 * job)
        assert line == f"{job + 1:3} of 200  {rule} L1: 30 s", "too early for a forecast"
    progress.finished(7)
    assert progress.lines(100, 200, 700) == ["100 of 200  job 7: time unknown; about 10 min left"]
    progress.finished(8)
    assert progress.lines(200, 200, 800) == ["200 of 200  job 8: time unknown"], "nothing is left"


def test_no_time_left_is_given_while_one_step_took_most_of_the_time() -> None:
    progress = Progress(began=0)
    said = []
    for job, (start, end) in enumerate(((0, 4_000), (4_000, 4_010), (4_010, 7_900), (7_900, 8_100))):
        progress.starts[job] = start
        progress.finished(job)
        said += progress.lines(job + 1, 8, end)
    assert ["left" in line for line in said] == [False, False, False, True]
    assert said[-1].endswith("about 2.2 h left")


def test_steps_that_end_together_are_counted_one_by_one() -> None:
    progress = Progress(began=0)
    for job in (4, 5):
        progress.starts[job] = 1.0
        progress.finished(job)
    assert [line.split(":")[0] for line in progress.lines(6, 10, 5)] == [" 5 of 10  job 4", " 6 of 10  job 5"]
    assert progress.lines(6, 10, 5) == []


@given(st.floats(0, 1e6))
def test_a_duration_never_has_three_digits_before_its_unit_changes(seconds: float) -> None:
    number, unit = duration(seconds).split()
    assert unit in ("s", "min", "h") and (float(number) < 100 or unit == "h")


def record(level: int = logging.INFO, msg: str = "", **facts: object) -> logging.LogRecord:
    return logging.makeLogRecord({"levelno": level, "msg": msg, **facts})


def test_the_log_of_snakemake_becomes_those_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr("sys.stderr", shown)
    handler = LogHandler(SimpleNamespace(stdout=False), None)  # type: ignore[arg-type]
    handler.emit(
        record(event=LogEvent.JOB_INFO, jobid=3, rule_name="align_reads", wildcards={"sample": "S", "unit": "S.L1"})
    )
    handler.emit(record(event=LogEvent.JOB_STARTED, jobs=[3]))
    handler.emit(record(event=LogEvent.JOB_FINISHED, job_id=3))
    handler.emit(record(event=LogEvent.PROGRESS, done=1, total=2))
    handler.emit(record(msg="Select jobs to execute..."))
    handler.emit(record(msg="Nothing to be done (all requested files are present and up to date)."))
    handler.emit(record(logging.ERROR, "a job failed"))
    lines = shown.getvalue().splitlines()
    assert lines[0].startswith("1 of 2  align_reads S S.L1: 0 s; about")
    assert [line.split()[0] for line in lines[1:]] == ["Nothing", "a"]
