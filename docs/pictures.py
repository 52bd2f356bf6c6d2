"""Take the pictures of docs/pictures from reports of this version: python docs/pictures.py

The records are those of the tests (tests/planted_records.py): simulated lots whose truth is known. Chromium is that of Playwright
or of the system. Pictures have 128 colours, which keeps each below 250 kB.
"""

import io
import shutil
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

import planted_records
from karyolot.report.overview import overview_row

HERE = Path(__file__).resolve().parent / "pictures"
WIDTH = 1180


def save(picture: bytes, name: str) -> None:
    """Write a screenshot in few colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(128)
    image.save(HERE / f"{name}.png", optimize=True)


def first_page(page: Page) -> bytes:
    """What a reader sees before the sections."""
    box = page.locator("#copy-number").bounding_box()
    assert box is not None, "the report has no section on copy number"
    return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": box["y"] - 8})


def main(folder: Path) -> None:
    """Take all pictures. folder: for the pages."""
    HERE.mkdir(exist_ok=True)
    rows = [overview_row(make()) for make in planted_records.ALL.values()]
    pages = {
        "fail": planted_records.html(planted_records.failing()),
        "pass": planted_records.html(planted_records.passing()),
        "overview": planted_records.overview(rows, planted_records.study()),
    }
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        for name, html in pages.items():
            (folder / f"{name}.html").write_text(html, encoding="utf-8")
            page.goto((folder / f"{name}.html").as_uri())
            save(page.screenshot() if name == "overview" else first_page(page), name)
            if name == "fail":
                save(page.locator("#figure-1").screenshot(), "genome")
        browser.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        main(Path(name))
