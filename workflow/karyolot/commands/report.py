"""`karyolot report`: the files a person reads, made from the record of a finished lot alone."""

from pathlib import Path

from karyolot.io.files import read_bytes, write_bytes, write_folder, write_text
from karyolot.io.record import read_record
from karyolot.plan.provenance import code_state


def render_again(directory: Path, lot: str) -> list[Path]:
    """Regenerate the files a person reads from the lot's record; the same record and code give the same bytes."""
    from karyolot.report.documents import documents  # brings pandas, the templates and the typesetter along
    from karyolot.report.pdf import FONTS

    record = read_record(directory, lot)
    folder = directory / "results" / lot
    fonts = {name: read_bytes(path) for name, path in FONTS.items()}
    made = documents(record, read_bytes(folder / "report.json"), fonts, code_state())
    write_text(made.html, folder / "report.html")
    write_bytes(made.pdf, folder / "report.pdf")
    write_folder(made.figures, folder / "figures")
    return [folder / "report.html", folder / "report.pdf", folder / "figures"]
