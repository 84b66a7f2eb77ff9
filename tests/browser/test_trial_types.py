"""Every trial type in the folder, in Chromium: accessible, fitting, answered by keyboard alone, from either side."""

import json
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.survey_taking import SMALL_TARGETS, Taker
from tests.browser.trial_screens import Example, Shown, all_types, answer_by_keyboard
from tests.serving import Site

pytestmark = pytest.mark.browser
every_type = pytest.mark.parametrize("example", all_types(), ids=lambda example: example.name)
# Regions are marked by keyboard in tests of their own (test_regions.py).
every_type_but_regions = pytest.mark.parametrize(
    "example",
    [example for example in all_types() if all(control.kind != "region" for control in example.screen.controls)],
    ids=lambda example: example.name,
)
# Of each picture and control, what a screen reader calls it.
NAMELESS = """() => [...document.querySelectorAll("#screen img, #screen input, #screen textarea, #screen button")]
  .filter(one => one.checkVisibility())
  .filter(one => !(one.alt || one.ariaLabel || one.labels?.[0]?.innerText || one.innerText || "").trim())
  .map(one => one.outerHTML)"""
BEYOND = """() => [...document.querySelectorAll("main *")]
  .filter(one => one.checkVisibility() && !one.closest(".hidden"))
  .filter(one => { const box = one.getBoundingClientRect(); return box.right > innerWidth + 1 || box.left < -1; })
  .map(one => one.outerHTML.slice(0, 120))"""


@pytest.fixture(scope="module")
def shown(site: Site, browser: Browser) -> Any:
    """A phone's touch screen and a desk's width in one: the same page, made wide and narrow."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US", reduced_motion="reduce")
    yield Shown(Taker(site, context.new_page(), site.join).begin())  # type: ignore[attr-defined]
    context.close()


def check_that_it_fits(page: Page, name: str) -> None:
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    assert page.evaluate(BEYOND) == [], name
    assert page.evaluate(SMALL_TARGETS) == [], name


def check_accessibility(page: Page, name: str) -> None:
    found = Axe().run(page).response["violations"]
    assert found == [], (name, json.dumps(found)[:2000])


@every_type
def test_it_is_accessible_fits_and_moves_nothing(shown: Shown, example: Example) -> None:
    """At 1280 px, at 640 (1280 at 200 %), and at 320 (1280 at 400 %), with reduced motion asked for."""
    shown.page.set_viewport_size({"width": 1280, "height": 800})
    page = shown.ask(example.screen)
    for width, height in ((1280, 800), (640, 400), (320, 640)):
        page.set_viewport_size({"width": width, "height": height})
        check_that_it_fits(page, f"{width} px")
        if width != 640:
            check_accessibility(page, f"{width} px")
    assert page.evaluate(NAMELESS) == []
    assert page.evaluate("document.getAnimations().length") == 0
    expect(page.get_by_role("heading", level=1)).to_have_text(example.screen.prompt)


@every_type
def test_what_the_answers_call_a_picture_stands_above_it(shown: Shown, example: Example) -> None:
    shown.page.set_viewport_size({"width": 1280, "height": 800})
    page = shown.ask(example.screen)
    captions = [panel.caption for panel in example.screen.panels if panel.caption]
    assert page.locator("#stage figcaption").all_inner_texts() == captions
    tops = page.locator("#stage figure").evaluate_all(
        """all => all.filter(one => one.querySelector("figcaption")).map(one => one.getBoundingClientRect().top)"""
    )
    assert len(set(tops[:2])) <= 1, "the first two to compare stand side by side"
    if captions and example.options.get("kind") != "odd_one_out":
        letters = {label.split(":")[0] for _, label in example.screen.controls[0].values}
        assert {caption.split(":")[0] for caption in captions} - {"X"} <= letters


@every_type_but_regions
def test_it_is_answered_by_keyboard_alone(shown: Shown, example: Example) -> None:
    shown.page.set_viewport_size({"width": 1280, "height": 800})
    page = shown.ask(example.screen)
    answer_by_keyboard(page, example.screen)
    answer = shown.answer()["answer"]
    example.kind.check(example.screen, answer)
    assert set(answer) == {control.name for control in example.screen.controls}
    assert len(shown.sent) == 1
