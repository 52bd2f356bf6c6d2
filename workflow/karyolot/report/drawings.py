"""The figures of a report as files of their own: the drawings of its page, each with the rules it is drawn by."""

import re
from collections.abc import Mapping
from typing import Any

from karyolot.contracts.record import Record
from karyolot.report.figures.genome import ratio_plot
from karyolot.report.pdf import picture, styled
from karyolot.report.render import environment

FIGURE = re.compile(r'<figure\b[^>]*? id="(figure-[\w-]+)"[^>]*>(.*?)</figure>', flags=re.S)
TAG = re.compile(r"<svg\b[^>]*>|</svg>")
XMLNS = 'xmlns="http://www.w3.org/2000/svg"'


def drawings(html: str) -> dict[str, str]:
    """Every drawing of a rendered report, as a complete SVG document.

    Parameters
    ----------
    html
        The page, as `render` gives it.

    Returns
    -------
    dict
        Name -> SVG, in the order of the page: 'figure-1', and where a figure has several drawings 'figure-2a', 'figure-2b'.
        A figure that is a table with marks in its rows has none.
    """
    found = {}
    for name, content in FIGURE.findall(html):
        drawn = [svg for svg in _outermost(content) if 'role="img"' in svg.partition(">")[0] and "viewBox" in svg]
        for number, svg in enumerate(drawn):
            letter = chr(ord("a") + number) if len(drawn) > 1 else ""
            found[name + letter] = _document(svg)
    return found


def genome_drawing(record: Record) -> str:
    """Figure 1 alone, the same document that `drawings` finds on the page."""
    labels = [call.label for call in record.text.copy_number.calls]
    plot = ratio_plot(record.copy_number, labels, record.text.front.rules)
    macros: Any = environment().get_template("genome.svg.j2").module
    return _document(str(macros.ratio_drawing(plot, record.text)))


def figure_files(html: str, fonts: Mapping[str, bytes]) -> dict[str, bytes]:
    """File name -> content of every drawing of a page, as SVG and as PNG. fonts: content of the files `pdf.FONTS` names."""
    drawn = drawings(html)
    vectors = {f"{name}.svg": svg.encode() for name, svg in drawn.items()}
    return vectors | {f"{name}.png": picture(svg, fonts) for name, svg in drawn.items()}


def _outermost(content: str) -> list[str]:
    """The SVG elements of a piece of a page that lie in no other."""
    found, depth, start = [], 0, 0
    for tag in TAG.finditer(content):
        if tag[0] == "</svg>":
            depth -= 1
            if depth == 0:
                found.append(content[start : tag.end()])
        elif not tag[0].endswith("/>"):
            start = tag.start() if depth == 0 else start
            depth += 1
    return found


def _document(svg: str) -> str:
    width, height = re.findall(r'viewBox="[-\d.]+ [-\d.]+ ([\d.]+) ([\d.]+)"', svg)[0]
    head = svg.partition(">")[0]
    sized = head if re.search(r' width="', head) else f'{head} width="{width}" height="{height}"'
    ground = '<rect x="-100%" y="-100%" width="300%" height="300%" fill="#ffffff"/>'
    whole = svg.replace(head, f"{sized} {XMLNS}", 1)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{styled(whole).replace("</style>", f"</style>{ground}", 1)}\n'
