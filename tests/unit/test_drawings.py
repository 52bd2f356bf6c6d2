"""The figures of a report as files: what the page shows, complete without it."""

import re
from pathlib import Path
from struct import unpack
from xml.etree import ElementTree as ET

import pytest

import planted_records
from karyolot.io.files import write_folder
from karyolot.report.drawings import drawings, figure_files, genome_drawing
from karyolot.report.pdf import FONTS

PAGE = planted_records.html(planted_records.failing())
SVG = "{http://www.w3.org/2000/svg}"


def fonts() -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in FONTS.items()}


@pytest.mark.parametrize("make", planted_records.ALL.values(), ids=planted_records.ALL)
def test_every_drawing_is_a_document_of_its_own(make: object) -> None:
    record = make()  # type: ignore[operator]
    html = planted_records.html(record)
    found = drawings(html)
    assert found["figure-1"] == genome_drawing(record), "the genome, and the same drawn alone"
    for name, svg in found.items():
        root = ET.fromstring(svg)
        assert root.tag == f"{SVG}svg" and float(root.attrib["width"]) > 0 and float(root.attrib["height"]) > 0, name
        assert "var(--" not in svg and "<script" not in svg, "colours are filled in"
        (style,) = [element.text or "" for element in root.iter(f"{SVG}style")][:1]
        assert "fill" in style
        drawn = re.search(r"<(?:path|circle|rect|use|text)\b.*", svg.partition("</style>")[2], flags=re.S)
        assert drawn is not None


def test_the_drawings_are_those_of_the_page_in_its_order() -> None:
    found = drawings(PAGE)
    numbers = [int(re.findall(r"\d+", name)[0]) for name in found]
    assert numbers == sorted(numbers)
    for svg in found.values():
        end = svg.rstrip()[-400:]
        assert end in PAGE, "nothing is drawn anew"


def test_a_figure_of_several_drawings_numbers_them_with_letters() -> None:
    def drawing(text: str) -> str:
        return f'<svg class="genome" viewBox="0 0 40 20" role="img"><svg x="1"><path d="M0 0"/></svg><text>{text}</text></svg>'

    icon = '<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d="M0 0"/></svg>'
    page = f'{icon}<figure id="figure-3"><p>{icon}</p>{drawing("a")}{drawing("b")}</figure>'
    page += f'<figure id="figure-4">{drawing("c")}</figure>'
    found = drawings(page)
    assert list(found) == ["figure-3a", "figure-3b", "figure-4"]
    assert [re.findall(r"<text>(.)</text>", svg) for svg in found.values()] == [["a"], ["b"], ["c"]]
    assert all('width="40" height="20"' in svg for svg in found.values())


def test_pictures_have_twice_the_size_of_the_drawing_and_the_same_bytes_every_time() -> None:
    first, second = figure_files(PAGE, fonts()), figure_files(PAGE, fonts())
    assert first == second and {name.rpartition(".")[2] for name in first} == {"svg", "png"}
    for name, svg in drawings(PAGE).items():
        content = first[f"{name}.png"]
        assert content[:8] == b"\x89PNG\r\n\x1a\n"
        width, height = unpack(">II", content[16:24])
        root = ET.fromstring(svg)
        assert (
            abs(width - 2 * float(root.attrib["width"])) <= 2 and abs(height - 2 * float(root.attrib["height"])) <= 2
        ), name
        assert len(content) > 3000, "it is not blank"


def test_a_folder_holds_what_was_written_last_and_nothing_else(tmp_path: Path) -> None:
    write_folder({"a": b"1", "b": b"2"}, tmp_path / "figures")
    write_folder({"b": b"3"}, tmp_path / "figures")
    assert {path.name: path.read_bytes() for path in (tmp_path / "figures").iterdir()} == {"b": b"3"}
    with pytest.raises(FileExistsError):
        write_folder({"c": b"4", "c/below a file": b"5"}, tmp_path / "figures")
    assert [path.name for path in tmp_path.rglob("*")] == ["figures", "b"], "a failure leaves the earlier folder"
