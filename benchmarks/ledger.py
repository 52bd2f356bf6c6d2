"""What the ledger, sealed lots and their verification cost when a site has a thousand of them.

    python benchmarks/ledger.py [LOTS]

Lots of 33 files and 3.3 MB each, as those of the miniature study, sealed with manifest and ledger entries. CPU seconds (user and
system) of the commands and their ratio to `sha256sum` on the same files in the same run; largest memory. Writes
`benchmarks/ledger.tsv`.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from resources import metered

from karyolot.contracts.manifest import MANIFEST, Document, LedgerPlace, Manifest
from karyolot.io import ledger
from karyolot.io.files import sha256_of, write_json
from karyolot.io.manifest import listed

RESULTS = Path(__file__).with_name("ledger.tsv")
FILES, BYTES = 33, 3_300_000
INPUTS = {f"reads/lane{number}_{mate}.fastq.gz": "5e0d" * 16 for number in range(8) for mate in (1, 2)}


def name_of(number: int) -> str:
    return f"LOT-{number:04}"


def content_of(number: int) -> bytes:
    """Of each file of a lot."""
    return np.random.default_rng(number).bytes(BYTES // FILES)


def events_of(number: int) -> list[ledger.Event]:
    """What the ledger holds of a lot before it is sealed: a run, its report, decisions of two people."""
    lot, digest = name_of(number), sha256_of(content_of(number))
    issued = {"lot": lot, "revision": 1, "verdict": "REVIEW", "report_id": digest[:12], "record_sha256": digest,
              "reason": "run", "code": digest, "inputs": INPUTS,
              "files": dict.fromkeys(("report.json", "report.html", "report.pdf"), digest)}  # fmt: skip
    decided = {"lot": lot, "finding": "C04", "decision": "accept", "reason": "seen in the donor", "name": "A. Mayer"}
    started = {"lots": [lot], "inputs": INPUTS, "jobs": {"render_report": 1}}
    ended: ledger.Event = ("run_ended", {"outcome": "done"})
    return [
        ("run_started", started),
        ("report_issued", issued),
        ended,
        ("disposition", decided),
        ("disposition", decided),
    ]


def sealed(folder: Path, number: int, before: LedgerPlace) -> ledger.Event:
    """Write a lot with its manifest; the entry of its seal."""
    place, digest = folder / "results" / name_of(number), sha256_of(content_of(number))
    place.mkdir(parents=True)
    content = content_of(number)
    for file in range(FILES):
        (place / f"file{file:02}.tsv").write_bytes(content)
    document = Document(
        path="shipped:acceptance.yaml", name="a", version="1", number="", approver="", effective="", sha256=digest
    )
    manifest = Manifest(
        lot_id=name_of(number), revision=1, outcome="REVIEW", report_id=digest[:12], record_sha256=digest, sealed_at="", by="A",
        user="a", host="h", ledger=before, decisions=(before,), criteria=document, provenance={"inputs": INPUTS}, sheets=(),
        rows={}, settings={}, files=listed(place),
    )  # fmt: skip
    write_json(manifest.model_dump(mode="json"), place / MANIFEST)
    facts = {"lot": name_of(number), "revision": 1, "manifest_sha256": sha256_of((place / MANIFEST).read_bytes())}
    return "sealed", facts | {"report_id": digest[:12], "record_sha256": digest}


def main(lots: str = "1000") -> None:
    with tempfile.TemporaryDirectory() as name:
        folder, numbers = Path(name), range(int(lots))
        entries = ledger.append(folder, *(event for number in numbers for event in events_of(number)))
        last = [LedgerPlace(line=entry.number, sha256=entry.sha256) for entry in entries[4::5]]
        ledger.append(folder, *(sealed(folder, number, last[number]) for number in numbers))
        command = f"{sys.executable} -m karyolot"
        commands = {
            "sha256sum": "find results -type f -print0 | xargs -0 sha256sum > sums.txt",
            "verify": f"{command} verify > verified.txt",
            "verify one lot": f"{command} verify LOT-0007 > one.txt",
            "ledger": f"{command} ledger > ledger.txt",
        }
        rows = [(what, int(lots), *metered(line, folder)) for what, line in commands.items()]
        print((folder / "verified.txt").read_text().splitlines()[-1])
    table = pd.DataFrame(rows, columns=["what", "lots", "cpu_s", "max_mb"])
    table["ratio_to_sha256sum"] = table["cpu_s"] / table["cpu_s"].iloc[0]
    table.to_csv(RESULTS, sep="\t", index=False, float_format="%.3g")
    print(table.to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
