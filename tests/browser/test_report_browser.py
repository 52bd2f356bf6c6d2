"""The reports in a real browser, offline: what a reviewer sees, without scripts, on a phone, on paper, by keyboard."""

import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

import planted_records
from karyolot.report import words
from karyolot.report.overview import overview_row, render_overview
from karyolot.report.render import render, sorted_criteria

CHROMIUM = Path("/usr/bin/chromium")
WIDTHS = (360, 768, 1280)
PAGES = ("fail", "pass", "indeterminate", "identity", "hostile", "overview")

pytestmark = pytest.mark.browser

Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        reason = f"{CHROMIUM} is missing: the reports were not opened in a browser (apt-get install chromium)"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The planted lots' pages, laid out as in results/."""
    folder = tmp_path_factory.mktemp("results")
    records = {**planted_records.ALL, "hostile": planted_records.hostile}
    for name, make in records.items():
        (folder / f"{name}.html").write_text(render(make()), encoding="utf-8")
    for make in planted_records.ALL.values():
        target = folder / make().lot.lot_id / "report.html"
        target.parent.mkdir()
        target.write_text(render(make()), encoding="utf-8")
    rows = [overview_row(make()) for make in planted_records.ALL.values()]
    (folder / "overview.html").write_text(render_overview(rows), encoding="utf-8")
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
        page.goto(address)
        yield page
        assert complaints == []
        assert [url for url in requests if not url.startswith(site.as_uri())] == []
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


@pytest.mark.parametrize("case", planted_records.ALL)
def test_the_verdict_and_each_criterion_are_visible_and_those_of_the_record(visit: Open, case: str) -> None:
    record = planted_records.ALL[case]()
    with visit(case) as page:
        heading = page.get_by_role("heading", name=f"Verdict: {words.OUTCOMES[record.verdict.outcome][1]}", exact=True)
        expect(heading).to_be_visible()
        assert heading.bounding_box()["y"] < 900, "the verdict is on the first screen"
        expect(page.get_by_role("heading", level=1)).to_contain_text(record.lot.lot_id)
        rows = page.locator("table.criteria tbody tr")
        assert rows.count() == len(record.verdict.criteria)
        for row, result in zip(rows.all(), sorted_criteria(record.verdict.criteria), strict=True):
            text = re.sub(r"\s+", " ", row.inner_text())
            measured = "not assessed" if result.value is None else words.number(result.value, 4)
            for part in (result.id, result.title, result.explanation, measured, result.limit, result.source):
                assert part in text
            assert words.OUTCOMES[result.outcome][1] in text
            expect(row).to_be_visible()
        for reason in record.verdict.reasons:
            page.get_by_role("link", name=re.compile(f"^{reason} ")).first.click()
            assert page.url.endswith(f"#criterion-{reason}")


@pytest.mark.parametrize("width", WIDTHS)
def test_everything_stands_without_scripts(visit: Open, width: int) -> None:
    with visit("fail", width, java_script_enabled=False) as page:
        expect(page.get_by_role("heading", name="Verdict: FAIL")).to_be_visible()
        for number in range(1, 6):
            expect(page.locator(f"#figure-{number}")).to_be_visible()
        expect(page.get_by_role("img", name="Copy number of HLP-2031-07 against its donor")).to_be_visible()
        for name in ("C02", "C04", "Q02"):
            expect(page.locator(f"#criterion-{name}")).to_be_visible()


def test_hostile_text_does_nothing(visit: Open) -> None:
    with visit("hostile") as page:
        assert page.title() != "owned"
        assert page.locator("script, img, iframe, link").count() == 0
        expect(page.get_by_role("heading", level=1)).to_contain_text("<script>document.title='owned'</script>")


def test_the_policy_stops_what_does_not_belong_here(browser: Browser, site: Path) -> None:
    """The guard itself: an image, a script or a style smuggled into the page is refused."""
    smuggled = "<img src='https://example.invalid/a.png'><script>document.title = 'owned'</script>"
    smuggled += "<style>h2 { display: none }</style>"
    (site / "smuggled.html").write_text(render(planted_records.passing()).replace("</main>", smuggled + "</main>"))
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
    with visit("fail") as page:
        ratio = hues(page, "svg.genome.ratio")
        assert ratio["grey"] > 5000
        assert ratio["yellow"] > 800
        assert ratio["red"] > 500
        assert hues(page, "svg.genome.donor")["teal"] > 2000
        assert hues(page, "svg.genome.lot")["purple"] > 2000


def test_paper_shows_what_is_folded_and_hides_what_only_works_on_a_screen(visit: Open) -> None:
    with visit("fail", color_scheme="dark") as page:
        folded = page.get_by_role("columnheader", name="Gain found from")
        expect(folded).not_to_be_visible()
        page.emulate_media(media="print")
        expect(page.get_by_role("navigation")).not_to_be_visible()
        expect(folded).to_be_visible()
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(24, 32, 42)"
        pdf = page.pdf(prefer_css_page_size=True)
        assert 5 <= len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 12


def test_the_report_works_by_keyboard(visit: Open) -> None:
    with visit("fail") as page:
        page.keyboard.press("Tab")
        skip = page.get_by_role("link", name="To the verdict")
        expect(skip).to_be_focused()
        expect(skip).to_be_in_viewport()
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Criteria", exact=True)).to_be_focused()
        page.keyboard.press("Enter")
        assert page.url.endswith("#criteria")
        page.get_by_text("Every arm and chromosome").focus()
        page.keyboard.press("Enter")
        expect(page.get_by_role("columnheader", name="Gain found from")).to_be_visible()
    with visit("fail", 360) as page:
        plot = page.get_by_role("region", name="Figure 1, scrolls sideways")
        plot.focus()
        page.keyboard.press("ArrowRight")
        for _ in range(40):  # the page's own policy forbids waiting on a function: that would need eval
            if plot.evaluate("element => element.scrollLeft") > 0:
                break
            page.wait_for_timeout(50)
        assert plot.evaluate("element => element.scrollLeft") > 0


def test_the_overview_leads_to_each_report(visit: Open) -> None:
    with visit("overview") as page:
        expect(page.get_by_role("heading", level=1)).to_have_text("4 lots, 2 donors")
        for make in planted_records.ALL.values():
            record = make()
            row = page.get_by_role("row").filter(has_text=record.lot.lot_id)
            expect(row).to_contain_text(words.OUTCOMES[record.verdict.outcome][1])
            row.get_by_role("link").click()
            expect(page.get_by_role("heading", level=1)).to_contain_text(record.lot.lot_id)
            page.go_back()
