"""Take the pictures of docs/pictures from a finished study: python docs/pictures.py demo

The study must hold a lot of each outcome of the demo; the lots that come first by name are drawn. Pictures show the reports as
they are in the study: a reader who runs `./run demo` sees the same. Chromium is that of Playwright or of the system. 256 colours
keep each picture below 150 kB; they are chosen to cover all colours, also those of few pixels, so that orange stays orange.
"""

import argparse
import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from karyolot.io.record import read_report

HERE = Path(__file__).resolve().parent / "pictures"
SCREEN = {"width": 1280, "height": 900}
OUTCOMES = {"pass": "PASS", "fail": "FAIL", "identity": "FAIL_IDENTITY", "indeterminate": "INDETERMINATE"}
"""Picture -> outcome of the lot it shows."""


def save(picture: bytes, name: str) -> None:
    """Write a screenshot in few colours, none of which is further than 20 of 255 from its own."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    image = image.quantize(256, method=Image.Quantize.MAXCOVERAGE, kmeans=1)
    image.save(HERE / f"{name}.png", optimize=True)


def lots(results: Path) -> dict[str, Path]:
    """The report of the first lot of each outcome. Raises SystemExit where the study has none of one."""
    found: dict[str, Path] = {}
    for path in sorted(results.glob("*/report.json")):
        found.setdefault(read_report(path).verdict.outcome, path.with_suffix(".html"))
    missing = sorted(set(OUTCOMES.values()) - set(found))
    if missing:
        raise SystemExit(
            f"{results}: no finished lot with the outcome {', '.join(missing)}; ./run demo makes one of each"
        )
    return {name: found[outcome] for name, outcome in OUTCOMES.items()}


def visit(page: Page, path: Path) -> None:
    page.goto(path.resolve().as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")


def main(study: Path) -> None:
    """Take all pictures. study: working directory of a finished study."""
    pages = {**lots(study / "results"), "overview": study / "results" / "overview.html"}
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page(viewport=SCREEN)
        for name, path in pages.items():
            visit(page, path)
            save(page.screenshot(), name)
        visit(page, pages["fail"])
        save(page.locator("#figure-1").screenshot(), "genome")
        browser.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Take the pictures of the documentation from a finished study.")
    parser.add_argument("study", type=Path, help="working directory of the study, usually demo")
    main(parser.parse_args().study)
