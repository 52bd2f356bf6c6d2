"""What the ledger, sealed lots, their verification and their overview cost when a site has a thousand of them.

    python benchmarks/ledger.py [LOTS]

Lots with the record of a simulated human lot, its page, a PDF and 30 tables, 4 MB each, sealed with manifest and ledger
entries; they differ in name, donor and passage. `overview` is the job `render_overview`: overview.html with the strip of arms,
trends and control charts, lots.tsv and lots.xlsx. CPU seconds (user and system) of the commands and their ratio to `sha256sum`
on the same files in the same run; largest memory. Writes `benchmarks/ledger.tsv`.
"""

import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "workflow"))

from meter import metered

import finished_lots
import planted_records
from karyolot.commands.current import rows_of
from karyolot.contracts.criteria import Acceptance
from karyolot.contracts.manifest import MANIFEST, Document, LedgerPlace, Manifest
from karyolot.contracts.provenance import InputFile
from karyolot.contracts.record import Record
from karyolot.contracts.sheets import Study
from karyolot.inputs import check
from karyolot.inputs.formats import yaml
from karyolot.io import ledger
from karyolot.io.files import sha256, sha256_of, write_json
from karyolot.io.history import issued
from karyolot.io.manifest import listed
from karyolot.io.record import write_report
from karyolot.io.shipped import RESOURCES
from karyolot.plan.provenance import code_state

RESULTS = Path(__file__).with_name("ledger.tsv")
TABLES, BYTES = 30, 2_600_000
DONORS = 40
CRITERIA = (RESOURCES / "acceptance.yaml").read_bytes()
OVERVIEW = """
import sys
from pathlib import Path
from karyolot.io.files import write_text
from karyolot.io.history import read_standings
from karyolot.io.workbook import without_formulas, write_workbook
from karyolot.plan.provenance import code_state
from karyolot.report.overview import render_overview, rows_and_tables
reports = sorted(Path("results").glob("*/report.json"))
rows, lots = rows_and_tables(read_standings(Path(), reports))
write_text(render_overview(rows, code_state(), sealed=[row.lot_id for row in rows]), "results/overview.html")
write_text(without_formulas(lots["lots"]), "results/lots.tsv")
write_workbook(lots, "results/lots.xlsx")
"""


class Sheets(NamedTuple):
    """The study by its sheets, and their files."""

    study: Study
    files: tuple[InputFile, ...]


def name_of(number: int) -> str:
    return f"LOT-{number:04}"


def record_of(number: int) -> Record:
    """A finished lot; every seventh has a finding to review."""
    base = finished_lots.record(name_of(number), sha256_of(CRITERIA), *(["C04"] if number % 7 == 0 else []))
    donor, passage = f"D{number % DONORS:03}", 3 + number // DONORS % 12
    facts = {"passage": passage, "bank": "MCB", "collection_date": "2031-02-11"}
    lot = {"donor_id": donor, "facts": base.lot.facts | facts}
    point = {"donor_id": donor, "passage": passage}
    update = {"lot": base.lot.model_copy(update=lot), "point": base.point.model_copy(update=point)}
    return base.model_copy(update=update).sealed()


def finish(folder: Path, record: Record) -> None:
    """The files that a run leaves of a lot."""
    place = folder / "results" / record.lot.lot_id
    place.mkdir(parents=True)
    content = np.random.default_rng(len(list(folder.glob("results/*")))).bytes(BYTES // TABLES)
    for table in range(TABLES):
        (place / f"table{table:02}.tsv").write_bytes(content)
    write_report(record, place / "report.json")
    page = PAGE.replace(FIRST.digest(), record.digest()).replace(FIRST.lot.lot_id, record.lot.lot_id)
    (place / "report.html").write_text(page, encoding="utf-8")
    (place / "report.pdf").write_bytes(finished_lots.pdf((place / "report.json").read_bytes()))


def sheets(folder: Path, lots: int) -> Sheets:
    """Settings and sheets of all lots, as files and as read."""
    config = folder / "config"
    config.mkdir()
    (config / "config.yaml").write_text("reference: {fasta: genome.fa}\n")
    donors, rows = [f"D{number:03}" for number in range(DONORS)], [record_of(number).lot for number in range(lots)]
    tables = {
        "donors": ["donor_id\tsex", *(f"{donor}\tF" for donor in donors)],
        "lots": [
            "lot_id\tdonor_id\tpassage\tbank\tcollection_date",
            *(f"{row.lot_id}\t{row.donor_id}\t{row.facts['passage']}\tMCB\t2031-02-11" for row in rows),
        ],
        "samples": [
            "sample_id\tlot_id\tdonor_id\tassay\tcounts",
            *(f"{donor}-wgs\t\t{donor}\twgs\t{donor}.tsv" for donor in donors),
            *(f"{row.lot_id}-wgs\t{row.lot_id}\t\twgs\t{row.lot_id}.tsv" for row in rows),
        ],
    }
    for name, lines in tables.items():
        (config / f"{name}.tsv").write_text("\n".join(lines) + "\n")
    path = config / "config.yaml"
    paths = [path, *(config / f"{name}.tsv" for name in tables)]
    files = [InputFile(path=f"config/{one.name}", bytes=one.stat().st_size, sha256=sha256(one)) for one in paths]
    return Sheets(check.load(check.read_settings(path), folder, [path], contents=False)[1], tuple(files))


def seal(folder: Path, record: Record, before: LedgerPlace, document: Document, given: Sheets) -> ledger.Event:
    """Write the manifest of a lot; the entry of its seal. As `karyolot seal`, but for one write of the ledger for all lots."""
    place, number = folder / "results" / record.lot.lot_id, record.digest()
    manifest = Manifest(
        lot_id=record.lot.lot_id, revision=1, outcome=record.verdict.outcome, report_id=record.report_id, record_sha256=number,
        sealed_at=ledger.now_utc(), by="A", user="a", host="h", ledger=before, decisions=(before,), criteria=document,
        provenance=record.provenance.model_dump(mode="json"), sheets=given.files, settings={},
        rows=rows_of(given.study, record.lot.lot_id), files=listed(place),
    )  # fmt: skip
    write_json(manifest.model_dump(mode="json"), place / MANIFEST)
    facts = {"lot": record.lot.lot_id, "revision": 1, "manifest_sha256": sha256_of((place / MANIFEST).read_bytes())}
    return "sealed", facts | {"report_id": record.report_id, "record_sha256": number}


def fill(folder: Path, lots: int) -> None:
    """Runs, reports, decisions of two people and seals of all lots."""
    inputs = {f"reads/lane{number}_{mate}.fastq.gz": "5e0d" * 16 for number in range(8) for mate in (1, 2)}
    events: list[ledger.Event] = []
    for number in range(lots):
        record = record_of(number)
        finish(folder, record)
        lot = record.lot.lot_id
        decided = {"lot": lot, "finding": "C04", "outcome": "REVIEW", "decision": "accept", "reason": "seen in the donor",
                   "name": "A. Mayer", "number": "", "state": None, "report_id": record.report_id}  # fmt: skip
        events += [("run_started", {"lots": [lot], "inputs": inputs, "jobs": {"render_report": 1}})]
        events += [*issued(folder, lot, (), "run", ""), ("run_ended", {"outcome": "done"})]
        events += [("disposition", decided), ("disposition", decided)]
    entries, held = ledger.append(folder, *events), sheets(folder, lots)
    given = yaml.read(RESOURCES / "acceptance.yaml", Acceptance).model_dump(include=set(Document.model_fields))
    document = Document(path="shipped:acceptance.yaml", sha256=sha256_of(CRITERIA), **given)
    places = [LedgerPlace(line=entry.number, sha256=entry.sha256) for entry in entries[4::5]]
    ledger.append(folder, *(seal(folder, record_of(number), places[number], document, held) for number in range(lots)))


FIRST = record_of(0)
PAGE = planted_records.html(FIRST, code_state())


def main(lots: str = "1000") -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fill(folder, int(lots))
        command = f"{sys.executable} -m karyolot"
        (folder / "overview.py").write_text(OVERVIEW)
        commands = {
            "sha256sum": "find results -type f -print0 | xargs -0 sha256sum > sums.txt",
            "verify": f"{command} verify > verified.txt",
            "verify one lot": f"{command} verify LOT-0007 > one.txt",
            "ledger": f"{command} ledger > ledger.txt",
            "overview": f"{sys.executable} overview.py",
        }
        rows = [(what, int(lots), *metered(line, folder)[:2]) for what, line in commands.items()]
        print((folder / "verified.txt").read_text().splitlines()[-1])
    table = pd.DataFrame(rows, columns=["what", "lots", "cpu_s", "max_mb"])
    table["ratio_to_sha256sum"] = table["cpu_s"] / table["cpu_s"].iloc[0]
    table.to_csv(RESULTS, sep="\t", index=False, float_format="%.3g")
    print(table.to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
