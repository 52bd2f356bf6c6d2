"""Snakemake's log as one line per finished step: `--logger karyolot`. Snakemake finds it by the name of this package.

Snakemake's own log file holds everything, as ever.
"""

import re
import sys
import time
from logging import WARNING, LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.common import LogEvent

LEFT_OUT = frozenset(
    {LogEvent.WORKFLOW_STARTED, LogEvent.RUN_INFO, LogEvent.RESOURCES_INFO, LogEvent.RULEGRAPH, LogEvent.GROUP_INFO}
)
ALSO = re.compile("Nothing to be done|Complete log")
"""Messages of Snakemake that are shown to people."""


class LogHandler(LogHandlerBase):
    """Prints steps as they end, and whatever warns or fails as Snakemake words it."""

    def __post_init__(self) -> None:
        # Snakemake imports every plugin, before a Snakefile says which karyolot it comes with.
        from karyolot.commands.progress import Progress

        self.progress = Progress(time.monotonic())
        self.stream = sys.stdout if self.common_settings.stdout else sys.stderr

    def emit(self, record: LogRecord) -> None:
        """Take in one event of the run."""
        event, now = getattr(record, "event", None), time.monotonic()
        if event == LogEvent.JOB_INFO:
            self.progress.named(record.jobid, record.rule_name, record.wildcards or {})
        elif event == LogEvent.JOB_STARTED:
            self.progress.starts.update(dict.fromkeys(record.jobs, now))
        elif event == LogEvent.JOB_FINISHED:
            self.progress.finished(record.job_id)
        elif event == LogEvent.PROGRESS:
            self._print(self.progress.lines(record.done, record.total, now))
        elif record.levelno >= WARNING or (event not in LEFT_OUT if event else ALSO.match(str(record.msg))):
            self._print([self.format(record)])

    def _print(self, lines: list[str]) -> None:
        for line in filter(None, lines):
            self.stream.write(f"{line}\n")
        self.stream.flush()

    writes_to_stream = True
    writes_to_file = False
    has_filter = False
    has_formatter = False
    needs_rulegraph = False
