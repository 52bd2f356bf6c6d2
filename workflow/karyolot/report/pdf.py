"""The record of a lot to one PDF for the archive: the printed report with the record attached (PDF/A-3b)."""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdfium2
from weasyprint import HTML, Attachment
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import URLFetcher, URLFetcherResponse

from karyolot.contracts.provenance import Code
from karyolot.contracts.record import Record
from karyolot.report.collector import uncollected
from karyolot.report.fields import add_fields
from karyolot.report.render import render, template_source

MATPLOTLIB = find_spec("matplotlib")
assert MATPLOTLIB is not None and MATPLOTLIB.origin is not None  # it is among the dependencies
FONTS = {
    f"font:{name}.ttf": Path(MATPLOTLIB.origin).parent / "mpl-data" / "fonts" / "ttf" / f"{name}.ttf"
    for name in ("DejaVuSans", "DejaVuSans-Bold", "DejaVuSansMono")
}
"""Address in pdf.css -> file: DejaVu as matplotlib ships it (free licence beside it), which is found and not imported, since that
takes half a second. Letters of the machine would change the pages."""
NO_DATE = datetime(1980, 1, 1, tzinfo=UTC)
"""Stands for the dates an attachment must have: the same record gives the same bytes, whenever it is printed."""
logging.getLogger("weasyprint").setLevel(logging.ERROR)  # its warnings list what style.css says to browsers only
PIXEL = 0.75
"""Points of a CSS pixel: the unit of a PDF is the point, 1/72 inch, and a pixel is 1/96."""
DRAWN = re.compile(r"(?:fill|stroke|opacity|text-anchor|font-size|font-weight)[\w-]*:")
"""Declarations that mean something inside a drawing."""


class _OnlyFonts(URLFetcher):  # type: ignore[misc]
    """Serves the report's fonts to a page and no other resource."""

    def __init__(self, fonts: Mapping[str, bytes]) -> None:
        super().__init__(fail_on_errors=True)
        self.fonts = fonts

    def fetch(self, url: str, headers: Any = None) -> URLFetcherResponse:  # noqa: ARG002 - as the class it stands for
        if url not in self.fonts:
            raise ValueError("a report loads nothing")
        return URLFetcherResponse(url, self.fonts[url], {"Content-Type": "font/ttf"})


def print_pdf(record: Record, attached: bytes, fonts: Mapping[str, bytes], made_by: Code) -> bytes:
    """The lot's report as PDF/A-3b. attached: the bytes of report.json, which the PDF carries as they are.
    fonts: content of the files FONTS names. made_by: the code that renders.

    The same record and code give the same bytes. Letters DejaVu lacks are taken from the fonts of the machine.
    """
    about = f"The record {record.report_id} this report was made from"
    return print_page(render(record, made_by, paper=True), "report.json", about, attached, fonts)


def print_page(html: str, name: str, about: str, attached: bytes, fonts: Mapping[str, bytes]) -> bytes:
    """A page as PDF/A-3b. name, about, attached: of the file it carries."""
    fetcher = _OnlyFonts(fonts)
    source = Attachment(
        string=attached,
        name=name,
        description=about,
        created=NO_DATE,
        modified=NO_DATE,
        relationship="Source",
        url_fetcher=fetcher,
    )
    page = HTML(string=_for_paper(html), url_fetcher=fetcher)
    with uncollected():
        made = page.write_pdf(
            font_config=FontConfiguration(), attachments=[source], pdf_variant="pdf/a-3b", finisher=add_fields
        )
    assert isinstance(made, bytes)
    return made


def _for_paper(html: str) -> str:
    """The page without scripts, each drawing with the rules it is drawn by: WeasyPrint styles an SVG by itself alone."""
    html = re.sub(r"<script\b.*?</script>", "", html, flags=re.S)
    html = html.replace("</head>", f"<style>{template_source('pdf.css')}</style></head>", 1)
    return styled(html)


def styled(html: str) -> str:
    """The same page or drawing, each of its SVG elements with the rules of style.css that it is drawn by."""
    return re.sub(r'<svg\b[^>]*? class="([^"]+)"[^>]*>', lambda found: found[0] + _style(found[1]), html)


def picture(svg: str, fonts: Mapping[str, bytes]) -> bytes:
    """A drawing (an SVG document with width and height in CSS pixels) as PNG at twice its size, in the fonts of the report."""
    width, height = (float(re.findall(rf' {side}="([\d.]+)"', svg)[0]) for side in ("width", "height"))
    page = f"<style>{template_source('pdf.css')}@page {{ size: {width}px {height}px; margin: 0 }} body {{ margin: 0 }}</style>"
    drawing = svg.partition("?>\n")[2]
    made = HTML(string=f"<!doctype html>{page}<body>{drawing}</body>", url_fetcher=_OnlyFonts(fonts)).write_pdf(
        font_config=FontConfiguration()
    )
    content = BytesIO()
    with pypdfium2.PdfDocument(made) as document:
        document[0].render(scale=2 / PIXEL).to_pil().save(content, "PNG")
    return content.getvalue()


@cache
def _style(classes: str) -> str:
    """A style element with the rules of style.css that colour a drawing of these classes, their variables filled in."""
    style = re.sub(r"/\*.*?\*/", "", template_source("style.css"), flags=re.S)
    values = dict(re.findall(r"--([\w-]+): ([^;]+);", style.split("}", 1)[0]))
    outside_media = re.sub(r"@[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", style)
    own = re.compile(rf"(?:svg|\.(?:{'|'.join(map(re.escape, classes.split()))}))\b")
    rules = [rule.strip() for rule in re.findall(r"[^{}]+\{[^{}]*\}", outside_media) if DRAWN.search(rule)]
    kept = "\n".join(rule for rule in rules if own.search(rule.split("{")[0]))
    kept += "\nsvg text { font-family: Report Sans, DejaVu Sans, Arial, sans-serif; }"
    return f"<style>{re.sub(r'var[(]--([a-z-]+)[)]', lambda found: values[found[1]], kept)}</style>"
