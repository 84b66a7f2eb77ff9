"""Times of a screen and two pictures in one place, in Chromium: from the onset, by pointer and keyboard."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page, expect

from study import trials
from tests.browser.survey_taking import Taker
from tests.browser.trial_screens import Shown
from tests.serving import Site

pytestmark = pytest.mark.browser
PICTURES = tuple(trials.Panel("picture", f"/media/pictures/{name}.png", name) for name in ("photo", "map"))
RATING = trials.scale_control("rating", "How much sense?", 5, "none", "much")
SCREEN = trials.Screen("How much sense?", PICTURES, (RATING,))
# How much of each of the two pictures is seen: 0 to 1.
SEEN = """() => [...document.querySelectorAll("#stage figure")].map(one => {
  const style = getComputedStyle(one);
  return style.visibility === "hidden" ? 0 : Number(style.opacity);
})"""


@pytest.fixture
def shown(site: Site, browser: Browser) -> Iterator[Shown]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    yield Shown(Taker(site, context.new_page(), site.join).begin())  # type: ignore[attr-defined]
    context.close()


def test_before_the_shortest_time_no_answer_goes_out_and_the_page_says_why(shown: Shown) -> None:
    page = shown.ask(replace(SCREEN, minimum_ms=1500))
    expect(page.locator("#next")).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_text("Take a moment to look. You can answer shortly.")).to_be_visible()
    page.keyboard.press("4")
    page.keyboard.press("Enter")
    page.locator("#next").click(force=True)
    page.wait_for_timeout(200)
    assert shown.sent == []
    expect(page.locator("#next")).not_to_have_attribute("aria-disabled", "true")
    expect(page.get_by_text("Press a number key to choose")).to_be_visible()
    page.keyboard.press("Enter")
    answer = shown.answer()
    assert answer["answer"] == {"rating": "4"}
    assert answer["response_ms"] >= 1500


def test_pictures_go_after_their_time_and_the_answer_can_still_be_given(shown: Shown) -> None:
    page = shown.ask(replace(SCREEN, picture_ms=600))
    assert page.evaluate(SEEN) == [1, 1]
    page.wait_for_function(f"() => ({SEEN})().every(one => one === 0)")
    size = page.locator("#stage").bounding_box()
    page.keyboard.press("2")
    page.keyboard.press("Enter")
    assert shown.answer()["answer"] == {"rating": "2"}
    assert size
    assert size["height"] > 300, "nothing moves when they go"


def test_when_the_time_is_over_the_trial_ends_without_an_answer_and_the_next_one_says_so(shown: Shown) -> None:
    second = replace(SCREEN, prompt="And this one?", controls=(replace(RATING, label="And this one?"),))
    page = shown.ask(replace(SCREEN, deadline_ms=1500), second)
    expect(page.get_by_role("timer")).to_have_text("Seconds left: 2")
    page.keyboard.press("3")
    answer = shown.answer()
    assert (answer["is_timed_out"], answer["answer"]) == (True, {})
    assert 1500 <= answer["response_ms"] < 2500
    expect(page.get_by_role("heading", name="And this one?")).to_be_visible()
    expect(page.get_by_text("The time for the last screen was over.")).to_be_visible()
    expect(page.get_by_role("timer")).to_be_hidden()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    answer = shown.answer(2)
    assert answer["answer"] == {"rating": "1"}
    assert "is_timed_out" not in answer


def test_an_answer_in_time_stops_the_clock(shown: Shown) -> None:
    page = shown.ask(replace(SCREEN, deadline_ms=1200), replace(SCREEN, prompt="And this one?"))
    page.keyboard.press("5")
    page.keyboard.press("Enter")
    assert shown.answer()["answer"] == {"rating": "5"}
    page.wait_for_timeout(1500)
    assert len(shown.sent) == 1


def test_a_slider_mixes_the_two_pictures_by_keyboard_too(shown: Shown) -> None:
    page = shown.ask(replace(SCREEN, layout="slider"))
    mix = page.get_by_role("slider", name="Which of the two pictures shows through")
    assert page.evaluate(SEEN) == [1, 0.5]
    boxes = [figure.bounding_box() for figure in page.locator("#stage figure").all()]
    assert boxes[0] == boxes[1], "in one place"
    page.set_viewport_size({"width": 320, "height": 640})
    stage, picture = (page.locator(one).bounding_box() for one in ("#stage", "#stage figure >> nth=1"))
    assert stage
    assert picture
    assert picture["x"] - stage["x"] == stage["x"] + stage["width"] - picture["x"] - picture["width"], "in the middle"
    mix.press("End")
    assert page.evaluate(SEEN) == [1, 1]
    mix.press("Home")
    assert page.evaluate(SEEN) == [1, 0]
    expect(mix).to_have_attribute("aria-valuetext", "0 % of the second picture")
    page.locator("#prompt").focus()
    page.keyboard.press("3")
    page.keyboard.press("Enter")
    assert shown.answer()["answer"] == {"rating": "3"}


def turns(page: Page) -> list[float]:
    return [page.evaluate(SEEN)[0] for _ in range(25) if page.wait_for_timeout(100) is None]


def test_blinking_pictures_take_turns_until_they_are_stopped(shown: Shown) -> None:
    page = shown.ask(replace(SCREEN, layout="blink"))
    assert set(turns(page)) == {0, 1}
    page.get_by_role("button", name="Take turns").click()
    assert len(set(turns(page))) == 1
    before = page.evaluate(SEEN)
    page.get_by_role("button", name="Show the other picture").press("Enter")
    assert page.evaluate(SEEN) == before[::-1]
    assert shown.sent == []


def test_nothing_blinks_by_itself_where_less_motion_is_asked_for(site: Site, browser: Browser) -> None:
    context = browser.new_context(reduced_motion="reduce", locale="en-US")
    shown = Shown(Taker(site, context.new_page(), site.join).begin())  # type: ignore[attr-defined]
    page = shown.ask(replace(SCREEN, layout="blink"))
    assert set(turns(page)) == {1}
    page.get_by_role("button", name="Show the other picture").click()
    assert page.evaluate(SEEN) == [0, 1]
    context.close()
