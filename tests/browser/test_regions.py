"""Marking regions in Chromium: each tool by mouse, by touch and by keyboard alone; what was marked is stored."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, expect

from tests.browser.region_marking import STUDY, Marker
from tests.serving import Site

pytestmark = pytest.mark.browser
TOOLS = ("point", "box", "polygon", "brush")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("site"))
    try:
        site.join = site.python(STUDY)  # type: ignore[attr-defined]
        yield site.start()
    finally:
        site.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    yield context
    context.close()


@pytest.fixture
def marker(site: Site, context: BrowserContext) -> Marker:
    marker = Marker(site, context.new_page(), site.join)  # type: ignore[attr-defined]
    marker.begin().to_screen()
    return marker


def close(found: Any, expected: Any, *, by: float = 0.006) -> None:
    """Nested lists of the same shape, numbers within two pixels of the picture."""
    assert json.dumps(shape(found)) == json.dumps(shape(expected))
    assert flat(found) == pytest.approx(flat(expected), abs=by)


def shape(value: Any) -> Any:
    return [shape(one) for one in value] if isinstance(value, list) else 0


def flat(value: Any) -> list[float]:
    return [x for one in value for x in flat(one)] if isinstance(value, list) else [value]


POINTS = [[[0.3, 0.4]], [[0.7, 0.6]]]
BOX = [[[0.2, 0.2], [0.6, 0.7]]]
OUTLINE = [[[0.2, 0.2], [0.7, 0.3], [0.6, 0.8]]]
STROKES = [[[0.2, 0.2], [0.8, 0.3], [0.3, 0.7]], [[0.5, 0.9]]]


def test_every_tool_marks_by_mouse(marker: Marker) -> None:
    for ((x, y),) in POINTS:
        marker.click(x, y)
    marker.next()
    marker.drag(*BOX[0])
    marker.next()
    for x, y in [*OUTLINE[0], OUTLINE[0][0]]:
        marker.click(x, y)
    marker.next()
    for stroke in STROKES:
        marker.drag(*stroke)
    marker.next()
    marker.click(0.1, 0.1)
    marker.click(0.2, 0.9)
    marker.next()
    marker.click(0.6, 0.7)  # a box by two clicks, without dragging
    marker.click(0.2, 0.2)
    marker.next()
    close(marker.marked(), [POINTS, BOX, OUTLINE, STROKES, [[[0.1, 0.1]], [[0.2, 0.9]]], [[[0.6, 0.7], [0.2, 0.2]]]])
    assert marker.complaints == []
    assert all(row[3]["first_ms"] <= row[2] for row in marker.rows()["rows"])


def test_every_tool_marks_by_touch_on_a_phone(site: Site, browser: Browser) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, device_scale_factor=3, locale="en-US"
    )
    marker = Marker(site, context.new_page(), site.join)  # type: ignore[attr-defined]
    marker.begin().to_screen()
    for tool in TOOLS:
        marker.area.scroll_into_view_if_needed()
        if tool == "point":
            for ((x, y),) in POINTS:
                marker.tap(x, y)
        elif tool == "box":
            marker.swipe(*BOX[0])
        elif tool == "polygon":
            for x, y in [*OUTLINE[0], OUTLINE[0][0]]:
                marker.tap(x, y)
        else:
            for stroke in STROKES:
                marker.swipe(*stroke)
        for button in marker.page.locator(".tools button:visible").all():
            box = button.bounding_box()
            assert box
            assert min(box["width"], box["height"]) >= 44
        assert marker.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        marker.next()
    close(marker.marked(), [POINTS, BOX, OUTLINE, STROKES])
    context.close()


def test_every_tool_marks_by_keyboard_alone(marker: Marker) -> None:
    """Tab from the question to the picture; the cross-hair begins in its middle and moves by fiftieths."""
    heard = marker.page.locator("fieldset.mark [role=status]")

    def to_next() -> None:
        while marker.page.evaluate("document.activeElement.id") != "next":
            marker.press("Tab")
        marker.press("Enter")
        marker.page.wait_for_timeout(50)
        marker.settle()
        marker.press("Tab")
        expect(marker.area).to_be_focused()

    marker.press("Tab")
    expect(marker.area).to_be_focused()
    marker.press("ArrowLeft*10", "ArrowUp*5")
    expect(heard).to_have_text("30 % from the left, 40 % from the top")
    marker.press("Enter", "Shift+ArrowRight*4", "Shift+ArrowDown*2", "Space")
    expect(heard).to_have_text("Set: 70 % from the left, 60 % from the top. Marked: 2 of at most 3")
    to_next()
    marker.press("Shift+ArrowLeft*3", "Shift+ArrowUp*3", "Enter", "Shift+ArrowRight*4", "Shift+ArrowDown*5", "Enter")
    to_next()
    marker.press("Shift+ArrowLeft*3", "Shift+ArrowUp*3", "Enter", "Shift+ArrowRight*5", "Shift+ArrowDown", "Enter")
    marker.press("Shift+ArrowLeft", "Shift+ArrowDown*5", "Enter", "Enter")  # twice at one place closes the outline
    expect(heard).to_have_text("Outline of 3 corners closed. Marked: 1")
    to_next()
    marker.press("Enter")
    expect(heard).to_contain_text("The brush is down")
    marker.press("Shift+ArrowRight*2", "ArrowDown*5", "Enter")
    expect(heard).to_have_text("Painted. Strokes: 1")
    to_next()
    close(marker.marked(), [POINTS, BOX, OUTLINE, [[[0.5, 0.5], [0.7, 0.5], [0.7, 0.6]]]], by=1e-4)


def test_undo_and_clear_take_back_step_by_step(marker: Marker) -> None:
    tally = marker.page.locator(".tally")
    for x in (0.2, 0.4, 0.6):
        marker.click(x, 0.5)
    marker.click(0.8, 0.5)
    expect(tally).to_have_text("At most 3 can be marked. Take one back first.")
    marker.button("Undo").click()
    expect(tally).to_have_text("Marked: 2 of at most 3")
    marker.button("Clear").click()
    expect(tally).to_have_text("Marked: 0 of at most 3")
    marker.button("Undo").click()  # also of the clearing
    expect(tally).to_have_text("Marked: 2 of at most 3")
    marker.area.focus()
    marker.press("Backspace")
    expect(tally).to_have_text("Marked: 1 of at most 3")
    marker.click(0.9, 0.9)
    marker.next()
    close(marker.marked(), [[[[0.2, 0.5]], [[0.9, 0.9]]]])


@pytest.mark.parametrize("direction", ["ltr", "rtl"])
def test_what_is_marked_enlarged_is_stored_where_it_is_in_the_picture(marker: Marker, direction: str) -> None:
    marker.page.evaluate("direction => { document.documentElement.dir = direction; }", direction)
    marker.button("Zoom in").click()  # twice as large about the middle: the view shows 0.25 to 0.75
    marker.click(0.2, 0.6)
    corner = marker.page.locator(".sheet").bounding_box()
    assert corner
    assert (corner["x"], corner["y"]) == pytest.approx(marker.at(-0.5, -0.5), abs=1)  # what is seen is what is meant
    marker.button("Move the picture").click()
    marker.drag((0.2, 0.2), (0.7, 0.7))  # now 0 to 0.5
    marker.button("Move the picture").click()
    marker.click(0.2, 0.6)
    marker.area.focus()
    marker.press("-", "+", "+", "ArrowRight*50", "ArrowDown*50", "Enter")  # the view follows the cross-hair
    box, seen = marker.area.bounding_box(), marker.page.locator(".cross").first.bounding_box()
    assert box
    assert seen
    assert box["x"] <= seen["x"] + seen["width"] / 2 <= box["x"] + box["width"]
    marker.next()
    first, second, third = marker.marked()[0]
    close([first, second], [[[0.35, 0.55]], [[0.1, 0.3]]])
    assert third[0][0] == pytest.approx(0.1 + 50 * 0.02 / 4, abs=0.006)


def test_the_wheel_scrolls_the_page_unless_the_picture_is_enlarged(marker: Marker) -> None:
    marker.page.set_viewport_size({"width": 1280, "height": 400})
    marker.page.mouse.move(*marker.at(0.5, 0.3))
    marker.page.mouse.wheel(0, 60)
    marker.page.wait_for_function("() => scrollY > 0")
    marker.page.evaluate("scrollTo(0, 0)")
    marker.page.mouse.move(*marker.at(0.5, 0.3))
    marker.page.keyboard.down("Control")
    marker.page.mouse.wheel(0, -300)
    marker.page.keyboard.up("Control")
    expect(marker.button("Move the picture")).to_be_visible()
    marker.page.mouse.wheel(0, 30)
    marker.page.wait_for_timeout(200)
    assert marker.page.evaluate("scrollY") == 0


def test_two_fingers_enlarge_and_mark_nothing(site: Site, browser: Browser) -> None:
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True, locale="en-US"
    )
    marker = Marker(site, context.new_page(), site.join)  # type: ignore[attr-defined]
    marker.begin().to_screen()
    marker.tap(0.2, 0.2)
    marker.tap(0.3, 0.3)
    marker.next()
    marker.area.scroll_into_view_if_needed()
    session = context.new_cdp_session(marker.page)
    for spread in (0.1, 0.2, 0.3):
        places = [marker.at(0.5 - spread, 0.5), marker.at(0.5 + spread, 0.5)]
        touches = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        session.send(
            "Input.dispatchTouchEvent", {"type": "touchStart" if spread == 0.1 else "touchMove", "touchPoints": touches}
        )
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(marker.button("Move the picture")).to_be_visible()
    expect(marker.page.locator(".tally")).to_have_text("Marked: 0")
    assert marker.page.evaluate("document.querySelector('.sheet').style.width") == "300%"
    context.close()


def test_what_is_not_finished_or_does_not_fit_is_said_and_not_sent(marker: Marker) -> None:
    problem = marker.page.locator(".problem")
    marker.page.keyboard.press("Enter")
    expect(problem).to_have_text("Please answer this before going on.")
    expect(marker.area).to_be_focused()
    marker.click(0.5, 0.5)
    expect(problem).to_have_text("")
    marker.page.locator("#next").click()
    expect(problem).to_have_text("Please mark at least 2.")
    marker.click(0.6, 0.6)
    marker.next()
    marker.click(0.1, 0.1)
    marker.page.locator("#next").click()
    expect(problem).to_contain_text("The box has one corner")
    marker.click(0.95, 0.9)
    marker.page.locator("#next").click()
    expect(problem).to_contain_text("Please mark at most 50 % of the picture; now it is")
    marker.drag((0.1, 0.1), (0.5, 0.5))  # takes the other one's place
    marker.next()
    for x, y in ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8)):
        marker.click(x, y)
    marker.page.locator("#next").click()
    expect(problem).to_contain_text("The outline is not closed yet")
    marker.click(0.5, 0.1)
    expect(marker.page.locator(".tally")).to_have_text("The sides of an outline may not cross each other.")
    marker.button("Close the outline").click()
    expect(marker.area).to_be_focused()
    marker.next()
    close(marker.marked()[1:], [[[[0.1, 0.1], [0.5, 0.5]]], [[[0.2, 0.2], [0.8, 0.2], [0.8, 0.8]]]])


def test_a_refresh_keeps_nothing_half(marker: Marker) -> None:
    marker.click(0.3, 0.3)
    marker.page.reload()
    marker.to_screen()
    expect(marker.page.locator(".tally")).to_have_text("Marked: 0 of at most 3")
    assert marker.rows()["rows"] == []
    assert marker.unsent() == []
    marker.click(0.1, 0.1)
    marker.click(0.2, 0.2)
    marker.next()
    marker.click(0.1, 0.1)  # half a box
    marker.page.reload()
    marker.to_screen()
    assert marker.position == 1
    close(marker.marked(), [[[[0.1, 0.1]], [[0.2, 0.2]]]])


def test_the_second_half_of_a_double_click_marks_nothing_on_the_next_screen(marker: Marker) -> None:
    marker.page.evaluate(
        """() => { const area = document.querySelector(".marking"); const at = area.getBoundingClientRect();
        const where = { bubbles: true, cancelable: true, clientX: at.x + 20, clientY: at.y + 20, pointerId: 1 };
        area.setPointerCapture = () => {};
        area.dispatchEvent(new PointerEvent("pointerdown", where));
        area.dispatchEvent(new MouseEvent("mousedown", { ...where, detail: 2 }));
        area.dispatchEvent(new PointerEvent("pointerup", where)); }"""
    )
    expect(marker.page.locator(".tally")).to_have_text("Marked: 0 of at most 3")


def test_a_module_that_fails_to_load_is_fetched_again(site: Site, context: BrowserContext) -> None:
    failures = iter(range(2))
    page = context.new_page()

    def flaky(route: Any) -> None:
        if next(failures, None) is None:
            route.continue_()
        else:
            route.abort()

    page.route("**/regions.*.js", flaky)
    marker = Marker(site, page, site.join)  # type: ignore[attr-defined]
    marker.begin().to_screen()
    expect(marker.area).to_be_visible()


@pytest.mark.parametrize(("width", "direction"), [(1280, "ltr"), (320, "rtl")])
def test_every_tool_is_accessible_and_fits(site: Site, browser: Browser, width: int, direction: str) -> None:
    """No axe violation, nothing beyond the edge, also in a right-to-left page, whose picture is not mirrored."""
    context = browser.new_context(viewport={"width": width, "height": 640}, locale="en-US", reduced_motion="reduce")
    marker = Marker(site, context.new_page(), site.join)  # type: ignore[attr-defined]
    marker.begin().to_screen()
    page = marker.page
    for tool in TOOLS:
        page.evaluate("direction => { document.documentElement.dir = direction; }", direction)
        marker.area.scroll_into_view_if_needed()
        marker.drag((0.2, 0.2), (0.6, 0.7))
        if tool == "point":
            marker.click(0.2, 0.3)
        if tool == "polygon":
            for x, y in ((0.2, 0.2), (0.6, 0.2), (0.6, 0.7)):
                marker.click(x, y)
        marker.button("Zoom in").click()
        found = Axe().run(page).response["violations"]
        assert found == [], (tool, json.dumps(found)[:2000])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), tool
        assert page.evaluate("document.getAnimations().length") == 0
        expect(page.get_by_role("application", name="The photo: the area to mark on")).to_be_visible()
        if tool == "polygon":
            marker.button("Undo").click()
            marker.button("Close the outline").click()
        marker.next()
    points, box, _, _ = marker.marked()
    close([points[0], box[0]], [[[0.6, 0.7]], [[0.2, 0.2], [0.6, 0.7]]], by=0.01)
    context.close()
