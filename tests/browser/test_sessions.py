"""A whole session in Chromium by keyboard alone: quiz, practice, training, rests, repeats, to the code; a kiosk."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.survey_taking import Taker
from tests.serving import Site
from tests.study import whole_session

pytestmark = pytest.mark.browser
STUDIES = """
from tests.study import whole_session
study = whole_session.running_study()
kiosk = factories.recruitment(study, name="kiosk", source="kiosk", idle_seconds=4)
result = ["/join/%s/?PROLIFIC_PID=p1" % study.recruitment_set.get(name="panel").token, "/join/%s/" % kiosk.token]
"""
KEYS = """
from study.survey import session
keys = {position: key for (position, _), (_, key, _) in session.keys_of("%s").items()}
result = [[position, key.get("expected", [key.get("correct")])[0]] for position, key in keys.items()]
"""
TRIALS = """
trials = Trial.objects.filter(participant__token="%s").select_related("response").order_by("position", "attempt")
result = [[one.phase, one.attempt, one.position, one.response.columns.get("correct"), one.response.response_ms,
           one.repeat_of_id is not None] for one in trials]
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    try:
        site.panel, site.kiosk = site.python(STUDIES)  # type: ignore[attr-defined]
        yield site.start()
    finally:
        site.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-US")
    yield context
    context.close()


def accessible(page: Page, what: str) -> None:
    found = Axe().run(page).response["violations"]
    assert found == [], (what, json.dumps(found)[:2000])


def send(page: Page, digit: str) -> None:
    """Answer by a number key, and wait until something else is on the page."""
    before = page.locator("#progress-text").inner_text()
    page.keyboard.press(digit)
    page.keyboard.press("Enter")
    page.wait_for_function(
        "before => document.body?.dataset.at !== 'asking'"
        " || document.getElementById('progress-text').textContent !== before",
        arg=before,
    )


def give(taker: Taker, right_answers: dict[int, str], *, is_right: bool) -> None:
    """Answer the question that is asked, rightly or not, by its number key."""
    page, right = taker.page, right_answers[taker.position]
    offered = page.eval_on_selector_all("#controls input[type=radio]", "inputs => inputs.map(one => one.value)")
    numbers = [number for number, value in enumerate(offered, start=1) if (value == right) is is_right]
    send(page, str(numbers[0]))


def heading(taker: Taker) -> str:
    assert taker.settle() == "between"
    return taker.page.locator("#between-heading").inner_text()


def go_on(taker: Taker) -> None:
    taker.page.keyboard.press("Enter")
    taker.page.wait_for_function("() => document.body.dataset.at !== 'pausing'")


def test_a_whole_session_by_keyboard_through_gates_training_rests_and_repeats_to_the_code(
    site: Site, context: BrowserContext
) -> None:
    taker = Taker(site, context.new_page(), site.panel).begin()  # type: ignore[attr-defined]
    page, right = taker.page, dict(site.python(KEYS % taker.token))
    assert heading(taker) == "First a few questions"
    go_on(taker)
    taker.settle()
    give(taker, right, is_right=True)
    # The quiz: failed once, the instructions read again, then passed.
    assert heading(taker) == "A few questions about the instructions"
    go_on(taker)
    for is_right in (True, False):
        taker.settle()
        give(taker, right, is_right=is_right)
    assert heading(taker) == "Please try once more"
    accessible(page, "the quiz again")
    page.get_by_role("link", name="Read the instructions again").press("Enter")
    expect(page.get_by_role("heading", name="What you will do")).to_be_visible()
    page.keyboard.press("Enter")  # the focus is on Continue
    assert heading(taker) in ("Please try once more", "A few questions about the instructions")
    go_on(taker)
    for _ in range(2):
        taker.settle()
        give(taker, right, is_right=True)
    # Practice: repeated until it is right, with what would have been.
    assert heading(taker) == "Practice"
    go_on(taker)
    taker.settle()
    give(taker, right, is_right=False)
    assert taker.settle() == "feedback"
    assert "Not quite" in page.locator("#feedback").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.body.dataset.at !== 'told'")
    assert heading(taker) == "Please practise once more"
    go_on(taker)
    taker.settle()
    give(taker, right, is_right=True)
    assert taker.settle() == "feedback"
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.body.dataset.at !== 'told'")
    # Training: pictures and what the network says; then none of both.
    assert heading(taker) == "Examples to learn from"
    go_on(taker)
    for _ in range(2):
        taker.settle()
        assert page.locator("#stage img").count() in (1, 2)  # the arm without maps sees the photo alone
        expect(page.locator("#stage .text")).to_contain_text("The network says: ")
        accessible(page, "an example")
        send(page, "1")
    headings: Counter[str] = Counter()
    while (state := taker.settle()) != "done":
        if state == "between":
            headings[heading(taker)] += 1
            go_on(taker)
        else:
            assert page.locator("#stage img").count() <= 1
            taker.answer()
    assert headings == {"Now it begins": 1, "Time for a pause": 2, "Almost done": 1}
    assert page.locator("#completion-code").inner_text() == "CWHOLE"
    assert page.locator("a.primary").get_attribute("href") == "https://app.prolific.com/submissions/complete?cc=CWHOLE"
    assert not taker.complaints
    rows: list[list[Any]] = site.python(TRIALS % taker.token)
    assert len(rows) == whole_session.TRIALS + 2 + 1  # one more attempt at the quiz, and at practice
    assert [row[:2] for row in rows if row[0] in ("quiz", "practice")] == [
        ["quiz", 1],
        ["quiz", 2],
        ["quiz", 1],
        ["quiz", 2],
        ["practice", 1],
        ["practice", 2],
    ]
    assert [row[0] for row in rows if row[5]] == ["repeat"]
    assert all(0 < row[4] < 60_000 for row in rows)


def test_a_shared_device_begins_anew_after_a_silence(site: Site, context: BrowserContext) -> None:
    taker = Taker(site, context.new_page(), site.kiosk).begin()  # type: ignore[attr-defined]
    page, begun = taker.page, taker.page.url
    expect(page.locator("#idle")).to_be_visible(timeout=30_000)  # asked first whether somebody is there
    page.wait_for_url(f"**{taker.join}", timeout=60_000)
    expect(page.get_by_role("button", name="I agree")).to_be_visible()
    expect(page.get_by_text("You have already begun")).to_have_count(0)
    page.goto(begun)  # as by the back button
    page.wait_for_url(f"**{taker.join}")
