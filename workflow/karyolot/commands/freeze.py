"""Accepted lots of a finished run -> a frozen reference panel (`karyolot panel freeze`)."""

import re
from collections.abc import Sequence
from importlib.metadata import version as version_of
from pathlib import Path

from karyolot import __version__
from karyolot.contracts.expression import MarkerPanel
from karyolot.contracts.panel import VERSION_PATTERN, Judged, Panel
from karyolot.contracts.problems import KaryolotError, quoted
from karyolot.inputs.formats import markers
from karyolot.io.expression import read_expression
from karyolot.io.panel import read_panel, write_panel
from karyolot.io.record import read_record
from karyolot.io.shipped import resource
from karyolot.rna.panel import freeze

LONGEST_REASON = 300
"""Characters, as of the other sentences that a site has printed in its reports."""


def freeze_panel(lots: Sequence[str], version: str, out: Path, directory: Path, table: str, reason: str = "") -> Panel:
    """Write the panel of `lots`, whose results are in `directory`/results, to `out`, and return it. table: of markers; reason:
    why lots that did not pass are among them. Verdicts are those of the sealed records.

    A frozen version never changes: an `out` that exists is left alone, and refused unless it holds the very same panel.
    Raises KaryolotError for a lot named twice or without RNA results or record, and whatever `rna.panel.freeze` refuses.
    """
    if not re.fullmatch(VERSION_PATTERN, version):
        raise KaryolotError(f"--version {quoted(version)}: use letters, digits, '.', '_' and '-', like 1.0")
    names = [name.strip() for name in lots]
    if not all(names):
        raise KaryolotError("--lots: name lots separated by commas, like LOT-1,LOT-2")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise KaryolotError(f"--lots: {', '.join(twice)} is named twice; a lot counts once")
    files = {name: directory / "results" / name / "rna" / "expression.h5ad" for name in names}
    if absent := [name for name, file in files.items() if Path(name).name != name or not file.is_file()]:
        raise KaryolotError(
            f"lot {quoted(absent[0])} has no {files[absent[0]]}; run the workflow on it, with RNA of the lot and of its"
            " donor's hepatocytes"
        )
    if reason and (len(reason) > LONGEST_REASON or not reason.isprintable()):
        raise KaryolotError(f"--reason: write one line of at most {LONGEST_REASON} printable characters")
    records = {name: read_record(directory, name) for name in names}
    verdicts = {name: Judged(record.verdict.outcome, record.report_id) for name, record in records.items()}
    genes = MarkerPanel.of(markers.read(resource(table, directory)))
    versions = {"karyolot": __version__, "numpy": version_of("numpy"), "scipy": version_of("scipy")}
    data = {name: read_expression(file) for name, file in files.items()}
    panel = freeze(data, genes, version, versions, verdicts, reason)
    if out.exists():
        there = read_panel(out)
        if there.sha256 != panel.sha256:
            raise KaryolotError(
                f"{out}: holds panel {there.version}, and a frozen panel never changes; give another --out"
                + " and another --version" * (there.version == version)
            )
        return there
    write_panel(panel, out)
    return panel
