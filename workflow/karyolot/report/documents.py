"""Everything a person reads of one lot, from its record alone: the page, the same printed, and its figures."""

from collections.abc import Mapping
from typing import NamedTuple

from karyolot.contracts.provenance import Code
from karyolot.contracts.record import Record
from karyolot.report.collector import uncollected
from karyolot.report.drawings import figure_files
from karyolot.report.pdf import print_pdf
from karyolot.report.render import render


class Documents(NamedTuple):
    """html: the page. pdf: PDF/A-3b with the record attached. figures: name -> content, SVG and PNG."""

    html: str
    pdf: bytes
    figures: dict[str, bytes]


def documents(record: Record, attached: bytes, fonts: Mapping[str, bytes], made_by: Code) -> Documents:
    """The documents of a lot; the same record and code give the same bytes.

    Parameters
    ----------
    attached
        The bytes of report.json, which the PDF carries as they are.
    fonts
        Content of the files that `pdf.FONTS` names.
    made_by
        The code that renders.
    """
    with uncollected():
        page = render(record, made_by)
        return Documents(page, print_pdf(record, attached, fonts, made_by), figure_files(page, fonts))
