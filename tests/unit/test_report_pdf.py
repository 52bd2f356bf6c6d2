"""The printed report: complete, signed for by its ids on every page, the same bytes from the same record."""

import gc
import hashlib
import logging
import os
import re
import subprocess
import sys
from functools import cache
from io import BytesIO
from pathlib import Path

import pytest
from pypdf import PdfReader

import planted_records
from karyolot.contracts.manifest import ROLES
from karyolot.contracts.provenance import Made
from karyolot.contracts.record import Record
from karyolot.report import pdf, words

CASES = ["fail", "pass", "indeterminate"]
FONTS = {
    "font:DejaVuSans.ttf": "3fdf69cabf06049ea70a00b5919340e2ce1e6d02b0cc3c4b44fb6801bd1e0d22",
    "font:DejaVuSans-Bold.ttf": "b184b89e3c1075f22f6b71575b6fc20d4972b3cfd3b23322ca6fd596dcaef167",
    "font:DejaVuSansMono.ttf": "602ec86b8948cfcd956482fe64f94c36c867770149ef2f791d4613f443bcecb3",
}
HALF, FOOT, HEAD = 421, 48, 795
"""Points from the lower edge of A4: its middle, and the lines of the margins."""


def written(record: Record) -> bytes:
    """report.json as a run writes it."""
    return record.model_dump_json(by_alias=True, indent=1).encode()


# WeasyPrint leaves its colour profile open until it is collected.
pytestmark = pytest.mark.filterwarnings("ignore:.*sRGB2014[.]icc:pytest.PytestUnraisableExceptionWarning")
complaints: list[logging.LogRecord] = []


@cache
def printed(case: str) -> bytes:
    record = planted_records.hostile() if case == "hostile" else planted_records.ALL[case]()
    listener = logging.Handler()
    listener.emit = complaints.append  # type: ignore[method-assign]
    logging.getLogger("weasyprint").addHandler(listener)
    made = pdf.print_pdf(record, written(record), fonts(), planted_records.CODE)
    logging.getLogger("weasyprint").removeHandler(listener)
    gc.collect()
    return made


def fonts() -> dict[str, bytes]:
    return {name: path.read_bytes() for name, path in pdf.FONTS.items()}


@cache
def reader(case: str) -> PdfReader:
    return PdfReader(BytesIO(printed(case)))


@cache
def pages(case: str) -> list[str]:
    return [re.sub(r"\s+", " ", page.extract_text()) for page in reader(case).pages]


def lines(case: str, page: int) -> list[float]:
    """Heights of the text on a page without its margins, points from the lower edge."""
    found: list[float] = []

    def note(text: str, matrix: list[float], text_matrix: list[float], *_: object) -> None:
        # Both matrices as in PDF: the text's place in the drawing, and the drawing's on the page.
        height = text_matrix[4] * matrix[1] + text_matrix[5] * matrix[3] + matrix[5]
        if text.strip() and FOOT < height < HEAD:
            found.append(height)

    reader(case).pages[page].extract_text(visitor_text=note)
    return found


@pytest.mark.parametrize("case", CASES)
def test_the_report_has_an_empty_signature_field_for_each_role_where_its_name_stands(case: str) -> None:
    held = [
        (annotation, page)
        for page in reader(case).pages
        for annotation in (one.get_object() for one in page.get("/Annots", ()))
        if annotation.get("/FT") == "/Sig"
    ]
    assert [one["/T"] for one, _ in held] == list(ROLES)
    assert all("/V" not in one and one["/F"] == 4 and "/N" in one["/AP"] for one, _ in held)
    boxes = [[float(value) for value in one["/Rect"]] for one, _ in held]
    width = float(held[0][1].mediabox.width)
    assert all(width / 2 < left < right < width and top - bottom > 10 for left, bottom, right, top in boxes)
    assert boxes[0][1] >= boxes[1][3] - 0.1 and boxes[1][1] >= boxes[2][3] - 0.1


@pytest.mark.parametrize("case", CASES)
def test_every_page_names_lot_report_and_its_place(case: str) -> None:
    record, all_pages = planted_records.ALL[case](), pages(case)
    for number, text in enumerate(all_pages, 1):
        assert record.lot.lot_id in text
        assert record.report_id in text
        assert f"Page {number} of {len(all_pages)}" in text


@pytest.mark.parametrize("case", CASES)
def test_verdict_and_criteria_are_those_of_the_record(case: str) -> None:
    record, text = planted_records.ALL[case](), " ".join(pages(case))
    assert f"{record.lot.lot_id} {words.OUTCOMES[record.verdict.outcome][1]}" in pages(case)[0]
    said = re.sub(r"\W", "", " ".join(pages(case)))
    assert re.sub(r"\W", "", record.text.front.headline) in re.sub(r"\W", "", pages(case)[0])
    assert re.sub(r"\W", "", record.verdict.headline) in said and record.digest() in pages(case)[0].replace(" ", "")
    for result in record.verdict.criteria:
        assert f" {result.id} " in text
        assert re.sub(r"\W", "", result.explanation) in re.sub(r"\W", "", text)


@pytest.mark.parametrize("case", [*CASES, "hostile"])
def test_the_record_is_attached_as_it_is(case: str) -> None:
    record = planted_records.hostile() if case == "hostile" else planted_records.ALL[case]()
    assert dict(reader(case).attachments) == {"report.json": [written(record)]}
    assert Record.model_validate_json(reader(case).attachments["report.json"][0]) == record


def test_it_calls_itself_pdf_a_3b_and_holds_its_fonts() -> None:
    root = reader("fail").trailer["/Root"]
    metadata = root["/Metadata"].get_data().decode()
    assert 'pdfaid:part="3"' in metadata
    assert 'pdfaid:conformance="B"' in metadata
    assert root["/OutputIntents"]
    assert {file.get_object()["/AFRelationship"] for file in root["/AF"]} == {"/Source"}
    names = set()
    for page in reader("fail").pages:
        for font in page["/Resources"]["/Font"].values():
            (inner,) = font.get_object()["/DescendantFonts"]
            descriptor = inner.get_object()["/FontDescriptor"]
            assert {"/FontFile2", "/FontFile3"} & descriptor.keys()
            names.add(font.get_object()["/BaseFont"])
    assert all("+Report-" in name for name in names), f"letters of other fonts: {names}"


def test_the_fonts_are_the_ones_the_pages_were_made_for() -> None:
    assert {name: hashlib.sha256(font).hexdigest() for name, font in fonts().items()} == FONTS


def test_the_same_record_gives_the_same_bytes_in_any_process() -> None:
    code = "import sys, test_report_pdf; sys.stdout.buffer.write(test_report_pdf.printed('indeterminate'))"
    folders = [
        str(Path(__file__).parent),
        str(Path(planted_records.__file__).parent),
        str(Path(words.__file__).parents[2]),
    ]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": os.pathsep.join(folders)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
    assert done.stdout == printed("indeterminate")


@pytest.mark.parametrize("case", CASES)
def test_the_first_page_decides_and_the_report_has_five_pages_before_its_annex(case: str) -> None:
    first, *others = pages(case)
    for word in (
        "Next action",
        "Missing: no result on file",
        "Not assessed from these data",
        "Figure 1.",
        "Sign-off",
        "Record sha256",
    ):
        assert word in first
    annex = next(number for number, text in enumerate(others, 1) if "Annex" in text)
    assert annex <= 5
    for page in range(1, annex - 1):
        assert min(lines(case, page)) < HALF, f"page {page + 1} ends above its middle"


def test_drawings_have_their_colours() -> None:
    drawn = b"".join(page.get_contents().get_data() for page in reader("fail").pages)
    style = (Path(words.__file__).parent / "templates" / "style.css").read_text()
    for name in ("gain", "loss", "lot", "donor", "limit", "median", "bin"):
        (colour,) = re.findall(rf"--{name}: #(\w{{6}});", style.split("}", 1)[0])
        red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (0, 2, 4))
        found = re.findall(rb"([\d.]+) ([\d.]+) ([\d.]+) (?:rg|RG|scn|SCN)\b", drawn)
        assert any(
            max(abs(float(a) - b) for a, b in zip(used, (red, green, blue), strict=True)) < 0.002 for used in found
        ), name


def test_hostile_text_stays_text() -> None:
    assert "<script>document.title='owned'</script>" in " ".join(pages("hostile"))
    assert b"/JavaScript" not in printed("hostile")
    assert not reader("hostile").trailer["/Root"].keys() & {"/OpenAction", "/AA"}
    for page in reader("hostile").pages:
        for note in page.get("/Annots", []):
            field = note.get_object().get("/FT") == "/Sig"
            assert note.get_object()["/Subtype"] == ("/Widget" if field else "/Link")
            assert "/URI" not in note.get_object().get("/A", {})


@pytest.mark.parametrize("url", ["file:///etc/passwd", "https://example.org/a.png", "font:../matplotlibrc", "data:,x"])
def test_nothing_but_the_fonts_is_fetched(url: str) -> None:
    with pytest.raises(ValueError, match="loads nothing"):
        pdf._OnlyFonts(fonts()).fetch(url)


@pytest.mark.parametrize("case", [*CASES, "hostile"])
def test_nothing_is_complained_of_and_the_file_is_small(case: str) -> None:
    assert len(printed(case)) < 1_000_000
    assert not complaints


def test_the_printed_report_carries_the_date_of_its_record() -> None:
    record = planted_records.passing()
    made = Made(at="2026-03-01T08:05:09Z", zone="+00:00", operator=None, site=None, host=None)
    fonts = {name: path.read_bytes() for name, path in pdf.FONTS.items()}
    printed = pdf.print_pdf(record.model_copy(update={"made": made}), b"{}", fonts, planted_records.CODE)
    facts = PdfReader(BytesIO(printed)).metadata
    assert facts is not None and facts.creation_date_raw is not None
    assert facts.creation_date_raw.startswith("D:20260301080509")
