"""The survey in Chromium: by keyboard, by touch, for everybody; what it fetches, and what it says to whom."""

import json
import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Response, expect

from tests.browser.survey_taking import SMALL_TARGETS, Taker, sane
from tests.serving import Site

pytestmark = pytest.mark.browser


def test_the_whole_study_is_taken_by_keyboard_and_every_answer_is_stored_once(taker: Taker) -> None:
    page = taker.page
    page.goto(taker.site.url + taker.join)
    for _ in range(3):  # English, Deutsch, I agree
        page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="I agree")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Continue")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/trials/")
    taker.token = page.url.split("/")[4]
    taker.finish()
    expect(page.locator("#completion-code")).not_to_be_empty()
    rows = taker.rows()
    assert rows["state"] == "completed"
    sane(rows, rows["trials"])
    assert rows["browser"] == {"family": "Chrome", "width": 1280, "height": 800, "device_pixel_ratio": 1}
    assert all(row[3]["times_shown"] == 1 for row in rows["rows"])
    assert taker.unsent() == []
    assert taker.complaints == []


def test_the_whole_study_is_taken_by_touch_on_a_phone(site: Site, browser: Browser) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, locale="de-DE"
    )
    page = context.new_page()
    page.goto(site.url + site.join)  # type: ignore[attr-defined]
    page.get_by_role("button", name="Ich stimme zu").tap()
    page.get_by_role("link", name="Weiter").tap()
    taker = Taker(site, page, "")
    taker.token = page.url.split("/")[4]
    kinds = set()
    while (state := taker.settle()) != "done":
        assert page.evaluate(SMALL_TARGETS) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        if state == "between":
            page.locator("#continue").tap()
        elif state == "feedback":
            page.locator("#next").tap()
        else:
            kinds.add(taker.kind)
            page.locator("input, label.option, textarea").last.tap()
            if taker.kind in ("text", "number"):
                page.locator("textarea, input[type=text]").fill("42")
            page.locator("#next").tap()
        page.wait_for_timeout(60)
    assert kinds == {"choice", "scale", "slider", "number", "text"}
    rows = taker.rows()
    sane(rows, rows["trials"])
    context.close()


INVITATIONS = """
from study import invitations
result = [invitations.make(Study.objects.earliest("pk"), origin) for origin in invitations.ORIGINS]
"""


def test_the_banner_of_what_never_counts_is_accessible(site: Site, browser: Browser) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    for invitation in site.python(INVITATIONS):
        page.goto(site.url + invitation)
        expect(page.get_by_role("complementary")).to_contain_text("these answers are marked as")
        assert Axe().run(page).response["violations"] == []
    context.close()


@pytest.mark.parametrize(("width", "ratio", "scheme"), [(1280, 1, "light"), (640, 2, "light"), (320, 1, "dark")])
def test_every_page_is_accessible_and_fits(site: Site, browser: Browser, width: int, ratio: int, scheme: Any) -> None:
    """No axe violation, nothing beyond the edge, also 1280 px wide at 200 % and at 400 %, and in forced dark mode."""
    context = browser.new_context(
        viewport={"width": width, "height": 640},
        device_scale_factor=ratio,
        color_scheme=scheme,
        reduced_motion="reduce",
        locale="en-US",
    )
    taker = Taker(site, context.new_page(), site.join)  # type: ignore[attr-defined]
    page = taker.page
    looked_at = []

    def look(name: str) -> None:
        found = Axe().run(page).response["violations"]
        assert found == [], (name, json.dumps(found)[:2000])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        assert page.evaluate("document.getAnimations().filter(one => one.effect.getTiming().duration > 0).length") == 0
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(243, 243, 243)"
        looked_at.append(name)

    for path in ("/withdraw/", "/take/nowhere/"):
        page.goto(site.url + path)
        look(path)
    page.goto(site.url + taker.join)
    look("consent")
    page.get_by_role("button", name="I agree").click()
    look("instructions")
    taker.token = page.url.split("/")[4]
    page.get_by_role("link", name="Continue").click()
    while (state := taker.settle()) != "done":
        name = f"{state} {taker.kind}" if state == "screen" else state
        if name not in looked_at:
            if state == "screen" and not page.get_by_text("You can leave this empty.").count():
                page.keyboard.press("Enter")  # unanswered: the problem is said beside the control
                page.wait_for_timeout(50)
            look(name)
        if state == "screen":
            page.evaluate("document.getElementById('prompt').focus()")
            taker.answer()
        else:
            page.keyboard.press("Enter")
            page.wait_for_timeout(50)
    look("thanks")
    page.get_by_role("link", name="Withdraw my answers").click()
    look("withdraw")
    page.get_by_role("button", name="Withdraw and delete").click()
    look("withdrawn")
    assert {
        "between",
        "feedback",
        *(f"screen {kind}" for kind in ("choice", "scale", "slider", "number", "text")),
    } <= set(looked_at)
    context.close()


def test_an_unanswered_screen_says_so_and_goes_to_what_is_missing(taker: Taker) -> None:
    taker.begin().to_screen()
    taker.page.keyboard.press("Enter")
    expect(taker.page.get_by_text("Please answer this before going on.")).to_be_visible()
    expect(taker.page.get_by_role("radio").first).to_be_focused()
    taker.page.keyboard.press("2")
    expect(taker.page.get_by_text("Please answer this before going on.")).not_to_be_visible()
    expect(taker.page.get_by_role("radio").nth(1)).to_be_checked()
    assert taker.rows()["rows"] == []


def test_a_screen_reader_hears_the_question_the_picture_and_the_ends_of_the_scale(taker: Taker) -> None:
    page = taker.begin().to_screen().page
    expect(page.get_by_role("heading", name="What does this picture show?")).to_be_focused()
    expect(page.get_by_role("img", name="The picture to judge")).to_be_visible()
    expect(page.get_by_role("group", name="What does this picture show?").first).to_be_visible()
    expect(page.locator("#announcement")).to_have_text(re.compile(r"1 of \d+"))
    taker.answer()
    taker.to_screen()
    expect(page.get_by_role("radio", name="1 , none at all")).to_be_visible()
    expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()


def test_times_are_counted_from_the_onset_to_the_answer(taker: Taker) -> None:
    taker.begin().to_screen()
    taker.page.wait_for_timeout(900)
    taker.page.keyboard.press("1")
    taker.page.wait_for_timeout(400)
    taker.page.keyboard.press("Enter")
    taker.settle()
    (row,) = taker.rows()["rows"]
    assert 1300 <= row[2] < 6000
    assert 900 <= row[3]["first_ms"] <= row[2] - 400


def test_a_double_click_answers_one_screen(taker: Taker) -> None:
    taker.begin()
    while (state := taker.settle()) != "done":
        if state == "screen":
            taker.choose()
        taker.page.locator("#continue" if state == "between" else "#next").dblclick()
        taker.page.wait_for_timeout(60)
    rows = taker.rows()
    sane(rows, rows["trials"])


def test_a_held_enter_key_goes_on_once(taker: Taker) -> None:
    taker.begin().to_screen()
    taker.page.keyboard.press("1")
    for _ in range(15):
        taker.page.keyboard.down("Enter")  # the first press, then repeats
    taker.page.keyboard.up("Enter")
    taker.page.wait_for_timeout(300)
    sane(taker.rows(), 1)


def test_pictures_are_fetched_ahead_but_not_many(taker: Taker) -> None:
    fetched: set[str] = set()
    taker.page.on("request", lambda request: fetched.add(request.url) if "/media/" in request.url else None)
    taker.begin().to_screen()
    taker.page.wait_for_timeout(300)
    assert 1 <= len(fetched) <= 4


def test_the_trials_page_takes_few_requests(taker: Taker) -> None:
    taker.begin()
    requests: list[str] = []
    taker.page.on("request", lambda request: requests.append(request.url))
    taker.page.reload()
    taker.to_screen()
    requests = [address for address in requests if "/media/" not in address]
    assert len(requests) <= 10, requests


def test_the_browser_is_told_no_key_on_a_whole_participation(taker: Taker) -> None:
    bodies: list[str] = []

    def note(response: Response) -> None:
        if response.ok and "/media/" not in response.url and "/static/" not in response.url:
            bodies.append(response.url + json.dumps(response.headers) + response.text())

    taker.page.on("response", note)
    taker.begin().finish()
    hidden = taker.site.python("result = list(Stimulus.objects.values_list('name', flat=True))")
    hidden += ["answer_key", '"correct"', '"key"', "identify_class", '"catch"', "shuffled"]
    everything = "\n".join([*bodies, taker.page.evaluate("JSON.stringify(localStorage)")])
    assert len(bodies) > 10
    assert not [secret for secret in hidden if secret in everything]


def screens_of_every_kind() -> list[dict[str, Any]]:
    plain = {"low": None, "high": None, "step": None, "low_label": "", "high_label": "", "panel": None}
    plain |= {"several": False, "required": True, "maximum_length": 2000, "values": []}
    values = [["a", "Goose"], ["b", "Lemon"], ["c", "Kettle"]]
    controls = [
        {"kind": "choice", "name": "one", "label": "Which one?", "values": values},
        {"kind": "choice", "name": "some", "label": "Which of them?", "values": values, "several": True},
        {"kind": "scale", "name": "scale", "label": "How much?", "values": [[str(n), str(n)] for n in range(1, 6)]},
        {"kind": "slider", "name": "slider", "label": "How far?", "low": 0, "high": 10, "step": 1},
        {"kind": "text", "name": "text", "label": "In words?", "maximum_length": 20},
        {"kind": "order", "name": "order", "label": "In which order?", "values": values},
        {"kind": "number", "name": "number", "label": "How many?", "low": 0, "high": 9},
    ]
    panels = [{"kind": "text", "content": "Look at this.", "alt": ""}]
    screen = {
        "prompt": "A screen",
        "panels": panels,
        "controls": [plain | one for one in controls],
        "layout": "stacked",
    }
    return [{"position": 0, "attempt": 1, "phase": "main", "screen": screen}]


def test_every_kind_of_control_is_answered_by_keyboard_on_one_screen(taker: Taker) -> None:
    """The page knows the vocabulary, not the trial types: a screen that no trial type makes is shown as well."""
    sent: list[dict[str, Any]] = []
    standing = {"state": "started", "stored": [], "refused": [], "due": 0}

    def page_with_them(route: Any) -> None:
        response = route.fetch()
        before, start, rest = response.text().partition('<script id="setup" type="application/json">')
        setup, end, after = rest.partition("</script>")
        changed = {**json.loads(setup), "first": {**standing, "screens": screens_of_every_kind()}}
        route.fulfill(response=response, body=before + start + json.dumps(changed) + end + after)

    def reply(route: Any) -> None:
        sent.extend(route.request.post_data_json["responses"])
        route.fulfill(json={**standing, "screens": []})

    taker.page.route("**/trials/", page_with_them)
    taker.page.route("**/responses/", reply)
    taker.begin().to_screen()
    page = taker.page
    assert Axe().run(page).response["violations"] == []
    press = page.keyboard.press
    press("2")  # the first unanswered control takes the key
    page.get_by_role("checkbox", name="Goose").focus()
    press("1")
    press("3")
    page.get_by_role("radio", name="4").focus()
    press("4")
    press("Tab")
    press("Home")
    press("Tab")
    page.keyboard.type("It is 5 geese.")
    press("Tab")
    for digit in "312":
        press(digit)
    page.get_by_role("textbox", name="How many?").focus()
    page.keyboard.type("12")
    press("Enter")
    expect(page.get_by_text("Please give a number from 0 to 9.")).to_be_visible()
    press("Backspace")
    with page.expect_response("**/responses/"):
        press("Enter")
    assert sent[0]["answer"] == {
        "one": "b",
        "some": ["a", "c"],
        "scale": "4",
        "slider": 0,
        "text": "It is 5 geese.",
        "order": ["c", "a", "b"],
        "number": 1,
    }


def test_the_early_press_of_a_key_is_counted_and_answers_nothing(taker: Taker) -> None:
    before = taker.answer_first(4)
    taker.page.keyboard.press("1")
    # Enter, and digits at once: they come before the next screen's onset.
    taker.page.evaluate(
        """() => { for (const key of ["Enter", "1", "2"])
        document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })); }"""
    )
    taker.to_screen()
    assert taker.position == before + 1
    expect(taker.page.get_by_role("radio", checked=True)).to_have_count(0)
    taker.answer()
    taker.to_screen()
    assert taker.rows()["rows"][before + 1][3]["early_keys"] == 2


def test_the_second_click_of_a_double_click_meets_nothing_of_the_next_screen(taker: Taker) -> None:
    """Wherever the pointer is: no option of the next screen is chosen, no link of the foot followed."""
    before = taker.answer_first(4)
    taker.choose()
    box = taker.page.locator("#next").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    taker.page.mouse.click(x, y, click_count=1)
    taker.to_screen()
    option = taker.page.locator("label.option").first
    taker.page.evaluate(
        """([option, footer]) => { for (const one of [option, footer])
        one.dispatchEvent(new MouseEvent("click", { detail: 2, bubbles: true, cancelable: true })); }""",
        [option.element_handle(), taker.page.locator("footer a").element_handle()],
    )
    taker.page.wait_for_timeout(300)
    assert taker.position == before + 1
    expect(taker.page.get_by_role("radio", checked=True)).to_have_count(0)
    option.click()
    expect(taker.page.get_by_role("radio", checked=True)).to_have_count(1)
