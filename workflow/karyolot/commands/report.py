"""`karyolot report`: the files a person reads, made from the record of a finished lot alone."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from karyolot.contracts.ledger import LotState, states
from karyolot.contracts.problems import KaryolotError
from karyolot.io import ledger
from karyolot.io.files import read_bytes, read_each, write_bytes, write_folder, write_text
from karyolot.io.history import issue, issued, stop_foreign
from karyolot.io.manifest import RESULTS
from karyolot.io.record import read_record, read_report
from karyolot.plan.provenance import code_state, rendering

if TYPE_CHECKING:
    from karyolot.report.documents import Documents


def render_again(directory: Path, lot: str, reason: str = "rendered again") -> list[Path]:
    """Regenerate the files a person reads from the lot's record, with the decisions on it; the same record, decisions and code
    give the same bytes. reason: for the ledger. Raises KaryolotError for a sealed lot."""
    record, folder, entries = read_record(directory, lot), directory / RESULTS / lot, ledger.read(directory)
    if (sealed := states(entries).get(lot, LotState()).sealed) is not None:
        raise KaryolotError(
            f"{lot} was sealed {sealed.at}: its report stays as it is; karyolot run --revise makes a new one"
        )
    stop_foreign(directory, lot, record.digest(), entries)
    path = folder / "report.json"
    made_at = path.stat().st_mtime_ns
    issue(directory, record, path, record.made)
    os.utime(path, ns=(made_at, made_at))  # its id is the same: lots grown from this one need not be made again
    made = rendered(folder)
    write_text(made.html, folder / "report.html")
    write_bytes(made.pdf, folder / "report.pdf")
    write_folder(made.figures, folder / "figures")
    ledger.append(directory, *issued(directory, lot, ledger.read(directory), reason, rendering(), tables=False))
    return [folder / "report.html", folder / "report.pdf", folder / "figures"]


def rendered(folder: Path) -> "Documents":
    """HTML, PDF and figures from the record in the folder of a lot; nothing is written."""
    from karyolot.report.documents import documents  # brings pandas, the templates and the typesetter along
    from karyolot.report.pdf import FONTS

    path = folder / "report.json"
    return documents(read_report(path), read_bytes(path), read_each(FONTS), code_state())


def stale(folder: Path) -> str:
    """The page of a lot that is not what this version renders from its record; '' = none."""
    made = rendered(folder)
    pages = {"report.html": made.html.encode(), "report.pdf": made.pdf}
    return next((name for name, content in pages.items() if read_bytes(folder / name) != content), "")
