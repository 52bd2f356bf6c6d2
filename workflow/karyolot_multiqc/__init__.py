"""MultiQC plugin: verdict, limit of detection, noise and identity of every lot in a laboratory's own MultiQC report.

MultiQC finds it by the entry points of the package (pyproject.toml): where both are installed, `multiqc my-study/results`
shows the table. This module is light: MultiQC imports it at every start.
"""

KEY = "karyolot"


def add_pattern() -> None:
    """MultiQC calls this before it searches: records of lots are called report.json."""
    from multiqc import config

    config.sp[KEY] = {"fn": "report.json"}
