"""Take the pictures of docs/pictures from a finished demo: python docs/pictures.py demo

Chromium is that of Playwright or of the system. Pictures have 128 colours, which keeps each below 250 kB.
"""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

HERE = Path(__file__).resolve().parent / "pictures"
WIDTH = 1180
FAILS, PASSES = "L2-gain", "L1-clean"


def save(picture: bytes, name: str) -> None:
    """Write a screenshot in few colours."""
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(128)
    image.save(HERE / f"{name}.png", optimize=True)


def first_page(page: Page) -> bytes:
    """What a reader sees before the sections."""
    box = page.locator("#copy-number").bounding_box()
    assert box is not None, "the report has no section on copy number"
    return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": box["y"] - 8})


def main(demo: Path) -> None:
    """Take all pictures."""
    HERE.mkdir(exist_ok=True)
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport={"width": WIDTH, "height": 900})
        for lot, name in ((FAILS, "front-fail"), (PASSES, "front-pass")):
            page.goto((demo / "results" / lot / "report.html").resolve().as_uri())
            save(first_page(page), name)
        page.goto((demo / "results" / FAILS / "report.html").resolve().as_uri())
        save(page.locator("#figure-1").screenshot(), "genome")
        page.goto((demo / "results" / "overview.html").resolve().as_uri())
        save(page.screenshot(), "overview")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
