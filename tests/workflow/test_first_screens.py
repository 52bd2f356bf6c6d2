"""The first screen of reports that the whole workflow made, in a browser, offline."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from first_screen import unanswered
from karyolot.io.record import read_report

DEMO = {"L1-clean": "PASS", "L2-gain": "FAIL", "L3-swapped": "FAIL_IDENTITY", "L4-shallow": "INDETERMINATE"}


@pytest.mark.browser
def test_the_first_screen_of_each_demo_report_answers_ten_questions(
    browser: Browser, request: pytest.FixtureRequest
) -> None:
    """Of the four lots of the example: in its smallest size, or of the finished study that KARYOLOT_STUDY names."""
    study = os.environ.get("KARYOLOT_STUDY")
    results = Path(study or request.getfixturevalue("finished")).resolve() / "results"
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.context.set_offline(True)
    for lot, outcome in DEMO.items():
        record = read_report(results / lot / "report.json")
        assert record.verdict.outcome == outcome
        page.goto((results / lot / "report.html").as_uri())
        page.wait_for_selector("html[data-ready]", state="attached")
        assert unanswered(page, record) == {}, lot
    page.context.close()
