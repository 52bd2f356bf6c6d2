"""Empty signature fields on the printed report, one for each role: `karyolot sign` fills them, and so does any PDF reader."""

from collections.abc import Iterator
from typing import Any

import pydyf

from karyolot.contracts.manifest import ROLES

PIXEL = 0.75
"""Points of a CSS pixel."""
PRINTED = 4
"""Flag of an annotation that is printed, which PDF/A requires."""
ONLY_APPENDED = 2
"""Flag of a document that its signatures hold only while nothing before its end is changed (ISO 32000-1, table 219)."""


def add_fields(document: Any, pdf: Any) -> None:
    """A finisher of WeasyPrint: put a signature field of a role onto the cell with its name in `data-field`.

    document: as laid out, positions in CSS pixels from the top left. pdf: about to be written, points from the bottom left.
    """
    made = []
    for number, page in enumerate(document.pages):
        for box in _cells(page._page_box):
            role, left, top = box.element.get("data-field"), box.border_box_x(), box.border_box_y()
            right, bottom = left + box.border_width(), top + box.border_height()
            corners = [left * PIXEL, (page.height - bottom) * PIXEL, right * PIXEL, (page.height - top) * PIXEL]
            made.append(_field(pdf, pdf.page_references[number], role, corners))
            _annotate(pdf, pdf.page_references[number], made[-1])
    fields = pydyf.Array([field.reference for field in made])
    pdf.catalog["AcroForm"] = pydyf.Dictionary(
        {"Fields": fields, "SigFlags": ONLY_APPENDED} if made else {"Fields": fields}
    )


def _cells(box: Any) -> Iterator[Any]:
    """Boxes of elements that name a role."""
    element = getattr(box, "element", None)
    if element is not None and element.get("data-field") in ROLES:
        yield box
        return
    for child in getattr(box, "children", ()):
        yield from _cells(child)


def _field(pdf: Any, page: bytes, role: str, corners: list[float]) -> Any:
    """The field of a role and its position on a page, with nothing drawn yet."""
    size = [0, 0, corners[2] - corners[0], corners[3] - corners[1]]
    drawn = pydyf.Stream([], {"Type": "/XObject", "Subtype": "/Form", "BBox": pydyf.Array(size)})
    pdf.add_object(drawn)
    field = pydyf.Dictionary(
        {
            "Type": "/Annot",
            "Subtype": "/Widget",
            "FT": "/Sig",
            "T": pydyf.String(role),
            "F": PRINTED,
            "P": page,
            "Rect": pydyf.Array(corners),
            "AP": pydyf.Dictionary({"N": drawn.reference}),
        }
    )
    pdf.add_object(field)
    return field


def _annotate(pdf: Any, page: bytes, field: Any) -> None:
    """Enter a field among the annotations of its page."""
    held = next(thing for thing in pdf.objects if getattr(thing, "reference", None) == page)
    held.setdefault("Annots", pydyf.Array()).append(field.reference)
