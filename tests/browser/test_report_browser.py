"""The reports in a real browser, offline: what a reviewer sees, without scripts, on a phone, on paper, by keyboard."""

import base64
import csv
import hashlib
import html
import io
import json
import math
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

import planted_records
from first_screen import unanswered
from karyolot.contracts.record import Record
from karyolot.report import words
from karyolot.report.figures.genome import REACH
from karyolot.report.overview import overview_row
from planted_pairs import planted

AXE = Path(__file__).parent / "vendor" / "axe-core-4.10.3" / "axe.min.js"
WIDTHS = (360, 768, 1280)
SWAPPED = planted({"D1-wgs": "D1", "L3-wgs": "D1", "D2-wgs": "D2"}, truth={"L3-wgs": "D2"})
ALL_OF_ONE = planted(
    {f"L{n:02d}-with-a-long-name": f"D{n}" for n in range(40)},
    truth=dict.fromkeys((f"L{n:02d}-with-a-long-name" for n in range(40)), "D0"),
)
PAGES = ("fail", "pass", "indeterminate", "identity", "hostile", "overview")

pytestmark = pytest.mark.browser

Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted lots' pages, laid out as in results/."""
    folder = tmp_path_factory.mktemp("results")
    records = {**planted_records.ALL, "hostile": planted_records.hostile}
    for name, make in records.items():
        (folder / f"{name}.html").write_text(planted_records.html(make()), encoding="utf-8")
    for make in planted_records.ALL.values():
        target = folder / make().lot.lot_id / "report.html"
        target.parent.mkdir()
        target.write_text(planted_records.html(make()), encoding="utf-8")
    rows = [overview_row(make()) for make in planted_records.ALL.values()]
    overview = planted_records.overview(rows, planted_records.study(), pairs=SWAPPED)
    (folder / "overview.html").write_text(overview, encoding="utf-8")
    many = [
        rows[n % 4].model_copy(update={"lot_id": f"L{n:03d}", "donor_id": f"D{n // 10:02d}", "passage": float(n % 10)})
        for n in range(300)
    ]
    (folder / "many.html").write_text(planted_records.overview(many, pairs=ALL_OF_ONE), encoding="utf-8")
    return folder


@pytest.fixture
def visit(browser: Browser, site: Path) -> Open:
    """Opens a page offline; the test fails if it asks for anything or writes to the console."""

    @contextmanager
    def visiting(name: str, width: int = 1280, **options: object) -> Iterator[Page]:
        context = browser.new_context(offline=True, viewport={"width": width, "height": 900}, **options)  # type: ignore[arg-type]
        page = context.new_page()
        complaints: list[str] = []
        requests: list[str] = []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(dialog.message))
        page.on("request", lambda request: requests.append(request.url))
        address = (site / f"{name}.html").as_uri()
        try:
            page.goto(address)
            if options.get("java_script_enabled", True):
                page.wait_for_selector("html[data-ready]", state="attached")
            yield page
            assert complaints == []
            assert [url for url in requests if not url.startswith(site.as_uri())] == []
        finally:
            context.close()

    return visiting


@pytest.mark.parametrize("width", WIDTHS)
def test_no_page_scrolls_sideways_or_complains(visit: Open, width: int) -> None:
    for name in PAGES:
        with visit(name, width) as page:
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            if width == 360:
                continue
            small = page.evaluate(
                "[...document.querySelectorAll('td, th, p, li, dd')].filter(e => e.innerText.trim() &&"
                " parseFloat(getComputedStyle(e).fontSize) < 12).length"
            )
            assert small == 0, name


def test_a_fold_change_and_its_interval_stay_on_two_lines_on_a_phone(visit: Open) -> None:
    with visit("fail", 390) as page:
        cells = page.locator("td[data-label='log2 fold change']")
        expect(cells.filter(has_text="−9.02")).to_contain_text("(−9.62 to −8.42)")
        assert max(cell.bounding_box()["height"] for cell in cells.all()) < 50  # type: ignore[index]


def opened(page: Page) -> None:
    """Opens every section and folded table."""
    page.evaluate("document.querySelectorAll('details').forEach(part => { part.open = true; })")


def faults(page: Page, record: Record) -> set[str]:
    """What is wrong with a lot's page, in one word each."""
    found = set()
    heading = page.get_by_role("heading", name=f"Verdict: {words.OUTCOMES[record.verdict.outcome][1]}", exact=True)
    if not heading.is_visible():
        found.add("verdict")
    opened(page)
    rows = {row.get_attribute("id"): row for row in page.locator("table.criteria tbody tr").all()}
    if set(rows) != {f"criterion-{result.id}" for result in record.verdict.criteria}:
        found.add("criteria")
    for result in record.verdict.criteria:
        row = rows.get(f"criterion-{result.id}")
        cells = (
            [re.sub(r"\s+", " ", text).strip() for text in row.locator("th, td").all_inner_texts()] if row else [""] * 6
        )
        value = "not assessed" if result.value is None else words.measured(result.value, result.unit)
        limit = words.limit(result.limit, result.unit)
        if (cells[0], cells[2], cells[3]) != (words.OUTCOMES[result.outcome][1], value, limit):
            found.add("criteria")
        if not (result.title in cells[1] and result.explanation in cells[1]):
            found.add("criteria")
    if (
        page.title() == "owned"
        or page.locator("img, iframe, link, object").count()
        or page.locator("script").count() != 2
    ):
        found.add("elements")
    if not page.locator("html[data-ready]").count():
        found.add("drawing")
    else:
        ink = hues(page, "#figure-1 .uplot")
        if points_in(view(page)) != len(record.copy_number.bins.start) or min(ink["grey"], ink["yellow"]) < 700:
            found.add("bins")
    if page.evaluate("document.documentElement.scrollWidth") > page.viewport_size["width"]:  # type: ignore[index]
        found.add("width")
    if page.evaluate(CONTRAST):
        found.add("contrast")
    return found


@pytest.mark.parametrize("case", planted_records.ALL)
def test_the_page_shows_what_the_record_says(visit: Open, case: str) -> None:
    record = planted_records.ALL[case]()
    with visit(case) as page:
        assert faults(page, record) == set()
        heading = page.get_by_role("heading", name="Verdict: ")
        assert heading.bounding_box()["y"] < 900, "the verdict is on the first screen"  # type: ignore[index]
        expect(page.get_by_role("heading", level=1)).to_contain_text(record.lot.lot_id)
        for reason in record.verdict.reasons[:1] if record.verdict.outcome in ("FAIL", "REVIEW") else ():
            page.get_by_role("link", name=reason, exact=True).first.click()
            assert page.url.endswith(f"#criterion-{reason}")


@pytest.mark.parametrize("case", planted_records.ALL)
def test_the_first_screen_answers_ten_questions(visit: Open, case: str) -> None:
    with visit(case) as page:
        assert unanswered(page, planted_records.ALL[case]()) == {}


@pytest.mark.parametrize("case", planted_records.ALL)
def test_the_first_screen_decides(visit: Open, case: str) -> None:
    """Verdict, evidence and the genome plot, down to its names of chromosomes, without scrolling at 1280 x 900; all of a PASS in
    six screens."""
    with visit(case) as page:
        box = page.locator("#figure-1 .uplot").bounding_box()
        assert box and box["y"] + box["height"] <= 900 + 100 * bool(page.locator(".draft").count())
        if case == "pass":
            screens = page.evaluate("document.documentElement.scrollHeight") / 900
            assert screens <= 6, "the report of a PASS is read in six screens"


def resealed(text: str) -> str:
    """The page under a policy that allows the style and script it holds: what broken code of ours would write."""
    for directive, pattern in (("style", "<style>(.*?)</style>"), ("script", "<script>(.*?)</script>")):
        held = re.findall(pattern, text, re.S)[-1]
        digest = base64.b64encode(hashlib.sha256(held.encode()).digest()).decode()
        text, changed = re.subn(
            f"{directive}-src &#39;sha256-.*?&#39;", f"{directive}-src &#39;sha256-{digest}&#39;", text
        )
        assert changed == 1
    return text


def without_bins(text: str) -> str:
    data = re.search('id="zoom-data">(.*?)</script>', text)
    assert data
    empty = json.loads(data[1]) | {"runs": [], "tracks": dict.fromkeys(("ratio", "donor", "lot"), "")}
    return text.replace(data[1], json.dumps(empty))


BROKEN: dict[str, tuple[str, Callable[[str], str]]] = {
    "external image": (
        "request",
        lambda text: text.replace("default-src &#39;none&#39;", "default-src &#39;none&#39;; img-src *").replace(
            "</main>", '<img src="https://example.invalid/a.png" alt=""></main>'
        ),
    ),
    "script error": ("console", lambda text: resealed(text.replace("const figures =", "nothing(); const figures ="))),
    "script changed by hand": ("console", lambda text: text.replace("const figures =", "/* */ const figures =")),
    "wrong verdict": ("verdict", lambda text: text.replace("Verdict: </span>FAIL<", "Verdict: </span>PASS<")),
    "one edited result": (
        "criteria",
        lambda text: text.replace('class="value">93%', 'class="value">98%'),
    ),
    "one criterion left out": ("criteria", lambda text: re.sub('<tr id="criterion-C04".*?</tr>', "", text, flags=re.S)),
    "empty bins": ("bins", without_bins),
    "low contrast": ("contrast", lambda text: resealed(text.replace("--quiet: #4a5764", "--quiet: #b4bec8"))),
    "too wide": (
        "width",
        lambda text: resealed(text.replace("h1, h2, h3 {", "main { width: 2000px } h1, h2, h3 {", 1)),
    ),
    "sample name not escaped": (
        "elements",
        lambda text: text.replace("HLP-2031-07_wgs", html.unescape(planted_records.HOSTILE), 1),
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_page_is_caught(browser: Browser, site: Path, name: str) -> None:
    """The tests themselves: each fault a page could have is seen, and named."""
    kind, breaking = BROKEN[name]
    others = {"request": {"console", "elements"}, "console": {"drawing", "bins", "elements"}, "elements": {"console"}}
    whole = (site / "fail.html").read_text(encoding="utf-8")
    broken = breaking(whole)
    assert broken != whole
    (site / "broken.html").write_text(broken, encoding="utf-8")
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page, found = context.new_page(), set()
    page.on("console", lambda message: found.add("console"))
    page.on("pageerror", lambda error: found.add("console"))
    page.on("request", lambda request: found.add("request") if not request.url.startswith("file:") else None)
    page.goto((site / "broken.html").as_uri())
    page.wait_for_timeout(150)
    found |= faults(page, planted_records.failing())
    context.close()
    assert kind in found
    assert found <= {kind} | others.get(kind, set()), "one fault, and what follows from it"


@pytest.mark.parametrize("width", WIDTHS)
def test_everything_stands_without_scripts(visit: Open, width: int) -> None:
    with visit("fail", width, java_script_enabled=False) as page:
        expect(page.get_by_role("heading", name="Verdict: FAIL")).to_be_visible()
        expect(page.locator(".zoom").first).not_to_be_visible()
        expect(page.locator(".zoom-controls")).not_to_be_visible()
        opened(page)
        for number in range(1, 8):
            expect(page.locator(f"#figure-{number}")).to_be_visible()
        expect(page.get_by_role("img", name="Copy number of HLP-2031-07 against its donor")).to_be_visible()
        for name in ("C02", "C04", "R02"):
            expect(page.locator(f"#criterion-{name}")).to_be_visible()


def test_hostile_text_does_nothing(visit: Open) -> None:
    with visit("hostile") as page:
        assert page.title() != "owned"
        assert page.locator("script").count() == 2
        assert page.locator("img, iframe, link").count() == 0
        page.locator(".zoom-controls select").select_option(index=2)
        assert page.locator("script").count() == 2
        expect(page.get_by_role("heading", level=1)).to_contain_text("<script>document.title='owned'</script>")


def test_the_policy_stops_what_does_not_belong_here(browser: Browser, site: Path) -> None:
    """The guard itself: an image, a script or a style smuggled into the page is refused."""
    smuggled = "<img src='https://example.invalid/a.png'><script>document.title = 'owned'</script>"
    smuggled += "<style>h2 { display: none }</style>"
    (site / "smuggled.html").write_text(
        planted_records.html(planted_records.passing()).replace("</main>", smuggled + "</main>")
    )
    context = browser.new_context(offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto((site / "smuggled.html").as_uri())
    assert page.title() != "owned"
    expect(page.get_by_role("heading", name="Verdict: PASS")).to_be_visible()
    for kind in ("image", "script", "style"):
        assert any("Content Security Policy" in text and kind in text for text in complaints), (kind, complaints)
    context.close()


CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
    .map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
  const backs = element => {
    for (let e = element; e; e = e.parentElement) {
      const back = rgb(getComputedStyle(e).backgroundColor);
      if (back[3] === 255) return back;
    }
    return rgb('Canvas');
  };
  const poor = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!own || !element.checkVisibility() || element.closest('.unseen, .skip, title, desc')) continue;
    const style = getComputedStyle(element);
    const ink = rgb(element instanceof SVGElement ? style.fill : style.color);
    const [high, low] = [light(ink), light(backs(element))].sort((a, b) => b - a);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    const ratio = (high + .05) / (low + .05);
    if (ratio < (large ? 3 : 4.5)) poor.push(element.tagName + ' ' + element.textContent.slice(0, 40));
  }
  return poor;
}"""


def test_a_view_in_the_address_is_shown_and_the_pointer_reads_values(visit: Open) -> None:
    record = planted_records.failing().copy_number
    eighth = next(contig for contig in record.chromosomes if contig.name == "chr8")
    with visit("fail") as page:
        page.evaluate(f"location.hash = '#at={eighth.offset}-{eighth.offset + eighth.length}'")
        expect(page.locator("[data-view]")).to_contain_text("In view: chromosome 8, 0 to 145.1 Mb (p11.1 to q11.1).")
        box = page.locator("#figure-1 .u-over").bounding_box()
        assert box
        page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 60)
        expect(page.locator("[data-value]")).to_contain_text(
            re.compile(r"Pointer: chromosome 8 q11\.1, 10\d(\.\d)? Mb, log2 \+0\.\d+, [23]\.\d copies")
        )


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_the_plot_is_saved(visit: Open, kind: str, tmp_path: Path) -> None:
    with visit("fail", accept_downloads=True) as page:
        with page.expect_download() as waiting:
            page.get_by_role("button", name=f"Save {kind.upper()}").click()
        waiting.value.save_as(tmp_path / "figure")
        assert waiting.value.suggested_filename == f"HLP-2031-07.{kind}"
        content = (tmp_path / "figure").read_bytes()
        if kind == "png":
            assert Image.open(io.BytesIO(content)).width > 1000
        else:
            assert content.startswith(b"<svg") and b"published rule for a gain (He 2025)" in content
            assert b"rgb(245, 189, 0)" in content, "the colours are written into it"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_keeps_wcag_aa_contrast(visit: Open, scheme: str) -> None:
    for name in ("fail", "indeterminate", "identity", "overview"):
        with visit(name, color_scheme=scheme) as page:
            ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (ground == "rgb(255, 255, 255)") == (scheme == "light")
            assert page.evaluate(CONTRAST) == [], name


def hues(page: Page, selector: str) -> dict[str, int]:
    """Pixels of a drawing by plain names of colour."""
    image = Image.open(io.BytesIO(page.locator(selector).screenshot())).convert("HSV")
    found = {"yellow": 0, "red": 0, "purple": 0, "teal": 0, "grey": 0}
    for count, (hue, saturation, brightness) in image.getcolors(1 << 24) or []:
        degrees = hue * 360 / 255
        if saturation < 40 and brightness < 200:
            found["grey"] += count
        elif saturation > 120:
            name = {(40, 60): "yellow", (165, 185): "teal", (255, 285): "purple"}
            for (low, high), colour in name.items():
                found[colour] += count * (low <= degrees <= high)
            found["red"] += count * (degrees <= 8 or degrees >= 350)
    return found


def test_the_plots_hold_ink_of_every_kind(visit: Open) -> None:
    with visit("fail", java_script_enabled=False) as page:
        opened(page)
        still = hues(page, "svg.genome.ratio")
        assert still["grey"] > 5000
        assert still["yellow"] > 800
        assert still["red"] > 500
        assert hues(page, "svg.genome.donor")["teal"] > 2000
        assert hues(page, "svg.genome.lot")["purple"] > 2000
        assert hues(page, "svg.genome.donor-shares")["teal"] > 2000
        assert hues(page, "svg.genome.lot-shares")["purple"] > 2000
    with visit("fail") as page:
        zoomable = hues(page, "#figure-1 .uplot")
        assert all(zoomable[ink] > still[ink] / 2 for ink in ("grey", "yellow", "red"))
        assert hues(page, "#figure-3 [data-track=donor]")["teal"] > 2000
        assert hues(page, "#figure-3 [data-track=lot]")["purple"] > 2000


def view(page: Page) -> str:
    return page.locator("[data-view]").inner_text()


def points_in(text: str) -> int:
    found = re.search(r"([\d,]+) points", text)
    assert found
    return int(found[1].replace(",", ""))


def test_the_plot_zooms_by_keyboard(visit: Open) -> None:
    bins = len(planted_records.failing().copy_number.bins.start)
    with visit("fail") as page:
        plot = page.get_by_role("group", name=re.compile("^Figure 1, zoomable"))
        plot.focus()
        assert view(page) == f"In view: whole genome. {bins:,} points; E1 Trisomy 8: 97%; E2 Gain of 20q11.21: 40%."
        page.keyboard.press("+")
        near = view(page)
        assert bins / 3 < points_in(near) < bins * 2 / 3
        page.keyboard.press("ArrowRight")
        right = view(page)
        assert right != near
        page.keyboard.press("ArrowLeft")
        assert view(page) == near
        page.keyboard.press("-")
        assert points_in(view(page)) == bins
        for _ in range(30):
            page.keyboard.press("+")
        assert 5 <= points_in(view(page)) <= 25, "the closest view still holds bins"
        assert page.locator("[aria-live=polite]").count() == 1, "a change is announced once"
        assert re.search(r"#at=\d+-\d+$", page.url), "the view is in the address"
        page.keyboard.press("0")
        assert points_in(view(page)) == bins
        expect(page.locator(".zoom-controls select")).to_have_value(re.compile(r"^0 \d+$"))
        assert "#" not in page.url


def test_the_plot_zooms_by_select_button_and_mouse(visit: Open) -> None:
    record = planted_records.failing().copy_number
    with visit("fail") as page:
        one = page.locator("#figure-1")
        one.get_by_role("combobox", name="Show").select_option("8")
        assert view(page).startswith("In view: chromosome 8, 0 to 145.1 Mb (p11.1 to q11.1). 284 points; E1 Trisomy 8")
        one.get_by_role("button", name="Zoom in").click()
        assert view(page).startswith("In view: chromosome 8, 36.3 to 108.9 Mb (p11.1 to q11.1).")
        expect(one.locator("select")).to_have_value("")
        one.get_by_role("button", name="Whole genome").click()
        one.locator(".u-over").scroll_into_view_if_needed()
        box = one.locator(".u-over").bounding_box()
        assert box
        total = record.chromosomes[-1].offset + record.chromosomes[-1].length
        last = record.chromosomes[-1]
        page.mouse.move(box["x"] + box["width"] * 0.001, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 100e6 / total, box["y"] + 120, steps=3)
        page.mouse.up()
        shown = re.match(r"In view: chromosome 1, ([\d.]+) to ([\d.]+) Mb", view(page))
        assert shown
        assert float(shown[1]) == pytest.approx(0.001 * total / 1e6, abs=4)
        assert float(shown[2]) == pytest.approx(100, abs=4)
        page.mouse.dblclick(box["x"] + 50, box["y"] + 100)
        assert "whole genome" in view(page)
        assert last.name == "chrY"


WRITTEN = """() => {
  window.written = [];
  const write = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (text, ...place) {
    window.written.push(text);
    return write.call(this, text, ...place);
  };
}"""
"""From now on the page keeps what is written into its plots."""


def test_a_zoomed_plot_names_bands_and_genes_and_the_whole_genome_does_not(visit: Open) -> None:
    names = {"q11.21", "BCL2L1", "ID1", "TPX2", "DNMT3B"}
    with visit("fail") as page:
        page.evaluate(WRITTEN)
        page.locator(".zoom-controls select").select_option("E2 Gain of 20q11.21: 40%")
        assert "(p13 to q11.22)" in view(page)
        page.wait_for_function("() => window.written.includes('BCL2L1')")
        assert names <= set(page.evaluate("window.written"))
        page.evaluate("() => { window.written = []; }")
        page.locator(".zoom-controls").get_by_role("button", name="Whole genome").click()
        page.wait_for_function("() => window.written.includes('22')")
        assert not names & set(page.evaluate("window.written"))


def test_zoomed_in_a_planted_gain_stands_at_its_height(visit: Open) -> None:
    record = planted_records.failing().copy_number
    (segment,) = (row for row in record.segments if row.chrom == "chr20" and row.log2 > 0.2)
    for scheme in ("light", "dark"):
        with visit("fail", color_scheme=scheme) as page:
            page.locator(".zoom-controls select").select_option(index=3)
            page.wait_for_timeout(50)
            over = page.locator("#figure-1 .u-over").bounding_box()
            assert over
            image = Image.open(io.BytesIO(page.screenshot(clip=over, full_page=True))).convert("HSV")  # type: ignore[arg-type]
            middle = over["width"] / 2
            rows = [
                y
                for y in range(image.height)
                for hue, saturation, brightness in [image.getpixel((int(middle), y))]  # type: ignore[misc]
                if 38 <= hue * 360 / 255 <= 62 and saturation > 180 and brightness > 200
            ]
            expected = over["height"] * (REACH[1] - segment.log2) / (REACH[1] - REACH[0])
            assert rows
            assert sum(rows) / len(rows) == pytest.approx(expected, abs=1.6)
            assert segment.log2 == pytest.approx(math.log2(1.2), abs=0.03)


def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2, levels A and AA."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found = page.evaluate(
        "tags => axe.run(document, {runOnly: tags, resultTypes: ['violations'], preload: false})", tags
    )
    assert len(found["passes"]) > 10, "axe ran"
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_against_wcag_2_2_aa(visit: Open, scheme: str) -> None:
    for name in ("fail", "indeterminate", "identity", "overview"):
        with visit(name, color_scheme=scheme) as page:
            opened(page)
            assert violations(page) == [], name


def test_paper_shows_what_is_folded_and_hides_what_only_works_on_a_screen(visit: Open) -> None:
    with visit("fail", color_scheme="dark") as page:
        folded = page.get_by_role("columnheader", name="Gain found from")
        expect(folded).not_to_be_visible()
        assert page.locator("svg.genome.ratio").bounding_box()["width"] < 10  # type: ignore[index]
        page.emulate_media(media="print")
        expect(page.get_by_role("navigation")).not_to_be_visible()
        expect(page.locator(".zoom").first).not_to_be_visible()
        for kind in ("ratio", "lot-shares"):
            assert page.locator(f"svg.genome.{kind}").bounding_box()["width"] > 600  # type: ignore[index]
        page.set_viewport_size({"width": 688, "height": 900})  # A4 within its margins
        assert page.evaluate("document.documentElement.scrollWidth") <= 688
        assert page.locator(".markers svg.ruler").bounding_box()["width"] > 130  # type: ignore[index]
        expect(folded).to_be_visible()
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(22, 32, 43)"
        pdf = page.pdf(prefer_css_page_size=True)
        assert 5 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 17


def test_the_report_works_by_keyboard(visit: Open) -> None:
    with visit("fail") as page:
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="To the verdict")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="All lots", exact=True)).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        assert page.url.endswith("#copy-number")
        page.get_by_text("Every arm and chromosome").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("columnheader", name="Gain found from")).to_be_visible()
    with visit("fail", 360, java_script_enabled=False) as page:
        plot = page.get_by_role("region", name="Figure 1, scrolls sideways")
        plot.focus()
        page.keyboard.press("ArrowRight")
        for _ in range(40):  # the page's own policy forbids waiting on a function: that would need eval
            if plot.evaluate("element => element.scrollLeft") > 0:
                break
            page.wait_for_timeout(50)
        assert plot.evaluate("element => element.scrollLeft") > 0


def test_a_section_opens_without_scripts_by_its_link(visit: Open) -> None:
    with visit("pass", java_script_enabled=False) as page:
        expect(page.locator("#passages")).not_to_be_visible()
        page.get_by_role("link", name="Passages", exact=True).click()
        expect(page.locator("#passages")).to_be_in_viewport()


def test_the_overview_lists_pairs_that_are_not_as_the_sheets_say(visit: Open) -> None:
    with visit("overview", java_script_enabled=False) as page:
        section = page.locator("#identity")
        expect(section.get_by_role("listitem")).to_have_text(
            ["L3-wgs of D1 matches D2-wgs (D2), and does not match D1-wgs (D1)."]
        )
    with visit("many") as page:
        expect(page.locator("#identity").get_by_role("listitem")).to_have_count(20)


def test_the_overview_leads_to_each_report(visit: Open) -> None:
    with visit("overview") as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("4 lots, 2 donors")
        for make in planted_records.ALL.values():
            record = make()
            row = page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=record.lot.lot_id))
            expect(row).to_contain_text(words.OUTCOMES[record.verdict.outcome][1])
            row.get_by_role("link", name=record.lot.lot_id).click()
            expect(page.get_by_role("heading", level=1)).to_contain_text(record.lot.lot_id)
            page.go_back()


def lots(page: Page) -> list[str]:
    """Lots that the table shows, from top to bottom."""
    return [link.inner_text() for link in page.locator("#lots tbody th a").all() if link.is_visible()]


def test_the_overview_is_searched_and_filtered_and_its_address_says_how(visit: Open) -> None:
    with visit("overview") as page:
        status = page.get_by_role("status")
        expect(status).to_have_text("4 lots shown")
        assert lots(page) == ["HLP-2031-09", "HLP-2031-07", "HLP-2031-05", "HLP-2031-04"], "the gravest first"
        page.get_by_label("Donor", exact=True).select_option("D-014")
        assert lots(page) == ["HLP-2031-09", "HLP-2031-07"]
        expect(page.get_by_role("img", name=re.compile("^Donor D-009"))).not_to_be_visible()
        page.get_by_label("Verdict", exact=True).select_option("FAIL")
        expect(status).to_have_text("1 lot shown")
        assert page.url.endswith("#verdict=FAIL&donor=D-014")
        page.get_by_label("Donor", exact=True).select_option("")
        page.get_by_label("Verdict", exact=True).select_option("")
        page.get_by_label("Changed arm").select_option("20q")
        assert lots(page) == ["HLP-2031-07"]
        page.get_by_label("Changed arm").select_option("")
        page.get_by_label("Search").fill("trisomy")
        assert lots(page) == ["HLP-2031-07"]
        page.get_by_label("Search").fill("")
        page.get_by_label("Sampled since").fill("2031-02-12")
        expect(status).to_have_text("0 lots shown")
        page.evaluate("location.hash = '#verdict=PASS&sort=-lot'")
        expect(status).to_have_text("1 lot shown")
        page.evaluate("location.hash = '#sort=passage'")
        expect(status).to_have_text("4 lots shown")
        assert lots(page) == ["HLP-2031-09", "HLP-2031-04", "HLP-2031-05", "HLP-2031-07"]
    with visit("overview", java_script_enabled=False) as page:
        expect(page.get_by_label("Donor", exact=True)).not_to_be_visible()
        expect(page.get_by_role("rowheader", name="HLP-2031-04")).to_be_visible()


def test_the_overview_sorts_and_saves_what_is_shown(visit: Open, tmp_path: Path) -> None:
    with visit("overview", accept_downloads=True) as page:
        page.get_by_role("button", name="Lot", exact=True).click()
        assert lots(page)[0] == "HLP-2031-04"
        page.get_by_role("button", name="Lot", exact=True).click()
        assert lots(page)[0] == "HLP-2031-09"
        expect(page.get_by_role("columnheader", name="Lot", exact=True)).to_have_attribute("aria-sort", "descending")
        page.get_by_label("Donor", exact=True).select_option("D-009")
        with page.expect_download() as waiting:
            page.get_by_role("button", name="CSV").click()
        waiting.value.save_as(tmp_path / "lots.csv")
        with (tmp_path / "lots.csv").open(encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table))
        assert [row["Lot"] for row in rows] == ["HLP-2031-05", "HLP-2031-04"]
        assert rows[1]["Finding, cells"] == "no acquired change" and rows[1]["Limit"] == "12%"


def test_three_hundred_lots_open_with_their_table_on_the_first_screen(visit: Open) -> None:
    """How soon: benchmarks/report.py."""
    with visit("many") as page:
        expect(page.get_by_role("status")).to_have_text("300 lots shown")
        box = page.locator("#lots").bounding_box()
        assert box and box["y"] < 200
        assert sum(row.bounding_box()["y"] < 900 for row in page.locator("#lots tbody tr").all()[:40]) >= 20  # type: ignore[index]
        assert page.locator("svg.trend").count() == 30
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        page.mouse.wheel(0, 3000)
        expect(page.get_by_role("columnheader", name="Verdict")).to_be_in_viewport()
