"""A study in a language that is written from the right: the page turns round, stays accessible and within the edge."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.survey_taking import QUESTIONS, Taker
from tests.serving import Site

pytestmark = pytest.mark.browser
HEBREW = (
    QUESTIONS
    + """
import itertools
number = itertools.count(1)

def in_hebrew(value):
    if isinstance(value, dict) and "en" in value:
        return {"he": "<p>מה רואים בתמונה הזאת?</p>" if "<p>" in value["en"] else f"מה רואים כאן {next(number)}"}
    if isinstance(value, dict):
        return {name: in_hebrew(one) for name, one in value.items()}
    return [in_hebrew(one) for one in value] if isinstance(value, list) else value

asked = [*extra, *factories.DOCUMENT["questionnaire"]]
document = in_hebrew({**factories.DOCUMENT, "questionnaire": asked})
study = factories.running_study(**{**document, "slug": "from-the-right", "languages": ["he"]})
result = "/join/%s/" % factories.recruitment(study).token
"""
)
LEFT = "one => one.getBoundingClientRect().left"


def check(page: Page, name: str) -> None:
    found = Axe().run(page).response["violations"]
    assert found == [], (name, json.dumps(found)[:2000])
    for width in (320, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)


def test_a_study_written_from_the_right_is_mirrored_and_taken_to_its_end(site: Site, context: BrowserContext) -> None:
    taker = Taker(site, context.new_page(), site.python(HEBREW))
    page, looked_at = taker.page, set()
    page.goto(site.url + taker.join)
    check(page, "consent")
    taker.begin()
    while (state := taker.settle()) != "done":
        name = f"{state} {taker.kind}" if state == "screen" else state
        if name not in looked_at:
            assert page.evaluate("[document.documentElement.dir, document.documentElement.lang]") == ["rtl", "he"]
            check(page, name)
            looked_at.add(name)
            if name in ("screen scale", "screen slider"):  # from low, at the right, to high, at the left
                low, high = (page.locator(f"#controls .{end}").first.evaluate(LEFT) for end in ("low", "high"))
                assert low > high
            if state == "screen":
                box = page.locator("#prompt").bounding_box()
                assert box
                assert page.locator("#next").evaluate(LEFT) > box["x"] + box["width"] / 2
        if state == "screen":
            page.evaluate("document.getElementById('prompt').focus()")
            taker.answer()
        else:
            page.keyboard.press("Enter")
            page.wait_for_timeout(50)
    expect(page.locator("#completion-code")).not_to_be_empty()
    check(page, "thanks")
    rows = taker.rows()
    assert [row[0] for row in rows["rows"]] == list(range(rows["trials"]))
    assert {"between", "screen choice", "screen scale", "screen slider", "screen number", "screen text"} <= looked_at
