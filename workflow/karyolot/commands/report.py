"""`karyolot report`: the files a person reads, made from the record of a finished lot alone."""

from pathlib import Path

from karyolot.io.files import read_bytes, write_bytes, write_folder, write_text
from karyolot.io.record import read_record
from karyolot.plan.provenance import code_state


def render_again(directory: Path, lot: str) -> list[Path]:
    """Regenerate the files a person reads from the lot's record; the same record and code give the same bytes."""
    from karyolot.report.drawings import figure_files  # these bring pandas, the templates and the typesetter along
    from karyolot.report.pdf import FONTS, print_pdf
    from karyolot.report.render import render

    record = read_record(directory, lot)
    folder = directory / "results" / lot
    made_by = code_state()
    page = render(record, made_by)
    write_text(page, folder / "report.html")
    fonts = {name: read_bytes(path) for name, path in FONTS.items()}
    write_folder(figure_files(page, fonts), folder / "figures")
    write_bytes(print_pdf(record, read_bytes(folder / "report.json"), fonts, made_by), folder / "report.pdf")
    return [folder / "report.html", folder / "report.pdf", folder / "figures"]
