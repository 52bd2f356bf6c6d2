"""Size, load and zoom of the reports in a real browser, beside plotly. Redoes benchmarks/report.tsv.

    .venv/bin/python benchmarks/report.py                       (about three minutes; needs Chromium)

Plotly's rows need plotly on the path; without it they are left out. It gets the ratio alone, as WebGL points in one
self-contained page; the report holds everything of a lot and three tracks. A page is opened offline in headless
Chromium, each REPEATS times in a context of its own, medians are given: load_s to the second frame after all is drawn,
zoom_s from the command to zoom to the second frame after it, render_s and pdf_s for making page and PDF, start of the
process not counted.
"""

import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "workflow"), str(ROOT / "tests")]

import planted_records  # noqa: E402
from karyolot.contracts.overview import OverviewRow  # noqa: E402
from karyolot.contracts.record import Record  # noqa: E402
from karyolot.contracts.record_dna import BinTrack  # noqa: E402
from karyolot.report.overview import overview_row  # noqa: E402
from karyolot.report.pdf import FONTS, print_pdf  # noqa: E402

try:
    import plotly.graph_objects as plotly  # type: ignore[import-not-found]
except ImportError:
    plotly = None

BINS = {3_000: 1_000_000, 30_000: 100_000, 300_000: 10_000}
"""Bins of a genome -> their width in bases."""
LOTS = 300
REPEATS = 3
FRAMES = "await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));"
ZOOM = {
    "karyolot": "document.querySelector('[data-step=in]').click();",
    "plotly": "const p = document.querySelector('.plotly-graph-div'); await Plotly.relayout(p, {'xaxis.range': [4e8, 6e8]});",
}


def lot(bin_bp: int) -> Record:
    """The planted failing lot, in bins of this width and with the noise of bins so small."""
    base = planted_records.failing()
    coarse = base.copy_number.bins
    parts, noise = max(1, coarse.bin_bp // bin_bp), random.Random(1)
    every = max(1, bin_bp // coarse.bin_bp)

    def finer(values: list[float]) -> list[float]:
        return [round(v + noise.gauss(0, 0.02 * math.sqrt(parts)), 3) for v in values[::every] for _ in range(parts)]

    bins = BinTrack(
        bin_bp=bin_bp,
        chrom=[chrom for chrom in coarse.chrom[::every] for _ in range(parts)],
        start=[start // bin_bp * bin_bp + n * bin_bp for start in coarse.start[::every] for n in range(parts)],
        log2=finer(coarse.log2),
        lot_log2=finer(coarse.lot_log2),
        donor_log2=finer(coarse.donor_log2),
    )
    return planted_records.reworded(base, copy_number=base.copy_number.model_copy(update={"bins": bins}))


def overview() -> str:
    rows = [overview_row(make()) for make in planted_records.ALL.values()]

    def numbered(n: int) -> OverviewRow:
        return rows[n % 4].model_copy(
            update={"lot_id": f"L{n:03d}", "donor_id": f"D{n // 10:02d}", "passage": n % 10.0}
        )

    return planted_records.overview([numbered(n) for n in range(LOTS)])


def paper(record: Record) -> str:
    """Seconds to make the PDF, pages and attachment."""
    begun = time.perf_counter()
    fonts = {name: path.read_bytes() for name, path in FONTS.items()}
    print_pdf(record, record.model_dump_json().encode(), fonts, planted_records.CODE)
    return f"{time.perf_counter() - begun:.2f}"


def by_plotly(record: Record) -> str:
    track = record.copy_number.bins
    offsets = {contig.name: contig.offset for contig in record.copy_number.chromosomes}
    x = [offsets[chrom] + start for chrom, start in zip(track.chrom, track.start, strict=True)]
    figure = plotly.Figure(plotly.Scattergl(x=x, y=track.log2, mode="markers", marker={"size": 3}))
    return str(figure.to_html(include_plotlyjs=True))


def measured(browser: Browser, page_file: Path, tool: str, zooms: bool) -> tuple[str, str]:
    loads, jumps = [], []
    for _ in range(REPEATS):
        context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
        page = context.new_page()
        begun = time.perf_counter()
        page.goto(page_file.as_uri())
        ready = ".scatterlayer, .gl-canvas" if tool == "plotly" else "html[data-ready]"
        page.wait_for_selector(ready, state="attached")
        page.evaluate(f"async () => {{ {FRAMES} }}")
        loads.append(time.perf_counter() - begun)
        if zooms:
            script = f"async () => {{ const from = performance.now(); {ZOOM[tool]} {FRAMES} return performance.now() - from; }}"
            jumps.append(page.evaluate(script) / 1000)
        context.close()
    return f"{statistics.median(loads):.2f}", f"{statistics.median(jumps):.2f}" if jumps else ""


def main() -> None:
    cases: list[tuple[str, str, int, Record | None, Callable[[], str]]] = []
    planted_records.html(planted_records.passing())  # templates are compiled once per process
    for bin_bp in BINS.values():
        record = lot(bin_bp)
        count = len(record.copy_number.bins.start)
        cases.append(("lot", "karyolot", count, record, lambda record=record: planted_records.html(record)))
        if plotly:
            cases.append(("lot", "plotly", count, None, lambda record=record: by_plotly(record)))
    cases.append(("overview", "karyolot", LOTS, None, overview))
    lines = ["page\ttool\tbins_or_lots\tsize_mb\trender_s\tpdf_s\tload_s\tzoom_s"]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        for name, tool, count, record, make in cases:
            begun = time.perf_counter()
            text = make()
            rendered = time.perf_counter() - begun
            target = Path(folder) / f"{name}-{tool}-{count}.html"
            target.write_text(text, encoding="utf-8")
            load, zoom = measured(browser, target, tool, name == "lot")
            printed = paper(record) if record else ""
            size = f"{len(text.encode()) / 1e6:.2f}"
            lines.append(f"{name}\t{tool}\t{count}\t{size}\t{rendered:.2f}\t{printed}\t{load}\t{zoom}")
            print(lines[-1], flush=True)
        browser.close()
    (ROOT / "benchmarks" / "report.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
