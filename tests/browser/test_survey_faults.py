"""Whatever happens to the page, its network, its clock or its server: one answer a trial, never two, never none."""

import json
import resource
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Playwright, expect

from tests.browser.conftest import ARGUMENTS, installed
from tests.browser.survey_taking import Taker, sane
from tests.serving import Site

pytestmark = pytest.mark.browser
WITHOUT_STORAGE = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('refused'); } });"


def test_a_refresh_asks_the_same_again_and_says_that_it_was_shown_twice(taker: Taker) -> None:
    before = taker.answer_first(4)
    taker.page.keyboard.press("1")
    taker.page.reload()
    taker.to_screen()
    assert taker.position == before
    taker.answer("2")
    taker.to_screen()
    rows = taker.rows()
    sane(rows, before + 1)
    assert rows["rows"][before][3]["times_shown"] == 2
    assert rows["rows"][before - 1][3]["times_shown"] == 1


def test_back_and_forward_lose_and_double_nothing(taker: Taker) -> None:
    before = taker.answer_first(3)
    taker.page.go_back()
    expect(taker.page.get_by_role("heading", name="What you will do")).to_be_visible()
    taker.page.go_forward()
    taker.to_screen()
    assert taker.position == before
    taker.page.go_back()
    taker.page.get_by_role("link", name="Continue").click()
    taker.to_screen()
    assert taker.position == before
    taker.finish()
    taker.page.go_back()  # from the last page: the participation stays finished
    taker.page.wait_for_timeout(300)
    rows = taker.rows()
    sane(rows, rows["trials"])


def test_two_tabs_answer_each_trial_once(taker: Taker, context: BrowserContext) -> None:
    taker.answer_first(3)
    other = Taker(taker.site, context.new_page(), "")
    other.page.goto(taker.page.url)
    other.token = taker.token
    other.to_screen()
    assert other.position == taker.position
    # The second tab answers two screens; the first still shows an old one and answers it as well.
    other.answer("1")
    other.answer("2")
    other.to_screen()
    other.send()
    taker.page.keyboard.press("3")
    taker.page.keyboard.press("Enter")
    taker.send()
    taker.page.bring_to_front()
    taker.to_screen()
    assert taker.position == other.position
    taker.finish()
    rows = taker.rows()
    sane(rows, rows["trials"])
    other.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    other.page.wait_for_url("**/thanks/")


def test_a_minute_without_network_loses_nothing_and_spoils_no_time(taker: Taker, context: BrowserContext) -> None:
    """A minute of the page's own clock: its timers, frames and time stamps."""
    taker.page.clock.install()
    before = taker.answer_first(4)
    context.set_offline(True)
    for _ in range(2):  # what is fetched ahead can still be answered
        taker.answer()
    taker.to_screen()
    expect(taker.page.locator("#status")).to_contain_text("No connection")
    assert len(taker.unsent()) == 2
    taker.page.clock.run_for(60_000)
    assert len(taker.rows(unsent=2)["rows"]) == before
    context.set_offline(False)
    taker.page.clock.run_for(10_000)
    expect(taker.page.locator("#status")).to_contain_text("The connection is back")
    assert taker.unsent() == []
    taker.finish()
    rows = taker.rows()
    assert [row[0] for row in rows["rows"]] == list(range(rows["trials"]))
    assert rows["rows"][before + 2][2] >= 70_000  # it was on the page all the while, and that is what is stored
    assert all(row[2] < 70_000 for row in rows["rows"] if row[0] != before + 2)


def test_offline_at_the_edge_of_what_is_fetched_waits_and_goes_on(taker: Taker, context: BrowserContext) -> None:
    taker.answer_first(4)
    context.set_offline(True)
    for _ in range(4):
        taker.choose()
        taker.page.keyboard.press("Enter")
        taker.page.wait_for_timeout(400)
    expect(taker.page.locator("#screen")).to_be_hidden()
    expect(taker.page.locator("#status")).not_to_be_empty()
    context.set_offline(False)
    taker.to_screen()
    assert len(taker.rows()["rows"]) == taker.position == 8
    taker.finish()
    rows = taker.rows()
    sane(rows, rows["trials"])


def test_answers_kept_on_the_device_are_sent_when_the_page_is_opened_again(
    taker: Taker, context: BrowserContext
) -> None:
    before = taker.answer_first(4)
    context.set_offline(True)
    taker.answer()
    taker.to_screen()
    address = taker.page.url
    taker.page.close()
    context.set_offline(False)
    later = Taker(taker.site, context.new_page(), "")
    later.token = taker.token
    later.page.goto(address)
    later.to_screen()
    assert later.position == before + 1
    assert len(later.rows()["rows"]) == before + 1


def test_a_restarted_server_is_waited_for(taker: Taker) -> None:
    taker.answer_first(3)
    taker.site.kill()
    try:
        taker.answer()
        taker.page.wait_for_timeout(1500)
    finally:
        taker.site.start()
    taker.finish()
    rows = taker.rows()
    sane(rows, rows["trials"])


def test_a_picture_that_fails_is_fetched_again_and_no_trial_is_shown_without_it(taker: Taker) -> None:
    failures = iter(range(2))

    def flaky(route: Any) -> None:
        if next(failures, None) is None:
            route.continue_()
        else:
            route.abort()

    taker.page.route("**/media/**", flaky)
    taker.begin().to_screen()
    assert taker.page.locator("#stage img").evaluate("image => image.complete && image.naturalWidth > 0")


def test_without_javascript_the_pages_say_what_is_missing(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site.url + site.join)  # type: ignore[attr-defined]
    expect(page.get_by_text("This study needs JavaScript")).to_be_visible()
    page.get_by_role("button", name="I agree").click()
    page.get_by_role("link", name="Continue").click()
    expect(page.get_by_text("This study needs JavaScript")).to_be_visible()
    context.close()


def test_without_local_storage_the_study_still_works(taker: Taker, context: BrowserContext) -> None:
    context.add_init_script(WITHOUT_STORAGE)
    taker.begin().finish()
    rows = taker.rows()
    sane(rows, rows["trials"])


def test_a_refused_answer_is_said_and_asked_again(taker: Taker) -> None:
    before = taker.answer_first(4)
    refuse = iter([True])

    def reply(route: Any) -> None:
        if next(refuse, False):
            data = route.request.post_data_json
            data["responses"][0]["answer"] = {"nonsense": "1"}
            route.continue_(post_data=json.dumps(data))
        else:
            route.continue_()

    taker.page.route("**/responses/", reply)
    taker.choose()
    taker.page.keyboard.press("Enter")
    taker.send()
    expect(taker.page.locator("#progress-text")).to_contain_text(f"{before + 1} ")
    taker.to_screen()
    expect(taker.page.locator("#status")).to_have_text("This answer could not be taken. Please give it again.")
    assert taker.position == before
    taker.page.unroute("**/responses/")
    taker.answer()
    taker.to_screen()
    expect(taker.page.locator("#status")).to_be_empty()
    taker.finish()
    rows = taker.rows()
    sane(rows, rows["trials"])


def test_a_wall_clock_that_jumps_by_days_spoils_no_time(taker: Taker, context: BrowserContext) -> None:
    """Times come from the monotonic clock; the other one is set by people, networks and summer time."""
    context.add_init_script(
        """let jump = 0; const real = Date.now; Date.now = () => real() + (jump = jump === 864e5 ? -864e5 : 864e5);
        const RealDate = Date; window.Date = class extends RealDate {
          constructor(...given) { super(...(given.length ? given : [RealDate.now()])); }
        };"""
    )
    taker.answer_first(5)
    sane(taker.rows(), 5)


def test_requests_that_arrive_twice_and_out_of_order_store_each_answer_once(taker: Taker) -> None:
    earlier: list[str] = []

    def twice_and_an_old_one_after(route: Any) -> None:
        first = route.fetch()
        route.fetch()
        if earlier:
            route.fetch(post_data=earlier[len(earlier) // 2])
        earlier.append(route.request.post_data)
        route.fulfill(response=first)

    taker.page.route("**/responses/", twice_and_an_old_one_after)
    taker.begin().finish()
    assert len(earlier) > 10
    rows = taker.rows()
    sane(rows, rows["trials"])


def test_two_devices_with_the_same_recruiters_id_share_one_participation(
    site: Site, browser: Browser, context: BrowserContext
) -> None:
    join = site.python("""
    study = Study.objects.get(slug="sense-of-geese")
    source = factories.recruitment(study, name="panel", identity_parameter="PANEL_ID")
    result = "/join/%s/?PANEL_ID=somebody" % source.token
    """)
    desk = Taker(site, context.new_page(), join)
    desk.answer_first(3)
    other = browser.new_context(viewport={"width": 390, "height": 800}, locale="en-US")
    phone = Taker(site, other.new_page(), "")
    phone.page.goto(site.url + join)  # no second consent: on to where the first device is
    phone.page.wait_for_url("**/trials/")
    phone.token = desk.token
    assert phone.page.url.split("/")[4] == desk.token
    phone.to_screen()
    assert phone.position == desk.position
    phone.answer("1")
    phone.answer("2")
    phone.to_screen()
    phone.send()
    desk.answer("3")  # of a screen that the phone has answered
    desk.to_screen()
    desk.page.wait_for_function(
        f"() => parseInt(document.getElementById('progress-text').textContent) > {phone.position}"
    )
    desk.answer("1")
    phone.finish()
    desk.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    desk.page.wait_for_url("**/thanks/")
    codes = [one.page.locator("#completion-code").inner_text() for one in (desk, phone)]
    assert codes[0] == codes[1] != ""
    rows = desk.rows()
    sane(rows, rows["trials"])
    other.close()


def test_refused_cookies_are_said_in_words_that_help(site: Site, playwright: Playwright, tmp_path: Path) -> None:
    """As when somebody blocks all cookies in Chromium's settings, which blocks local storage too."""
    refused = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(refused))
    context = playwright.chromium.launch_persistent_context(
        tmp_path, executable_path=installed(), args=ARGUMENTS, locale="en-US"
    )
    page = context.new_page()
    page.goto(site.url + site.join)  # type: ignore[attr-defined]
    page.get_by_role("button", name="I agree").click()
    expect(page.get_by_role("heading", name="Your browser keeps no cookies")).to_be_visible()
    expect(page.get_by_text("Please allow cookies for this site")).to_be_visible()
    # Who comes with the link of a participation that was begun elsewhere, reads it on the trials page.
    token = site.python('result = factories.participant(Study.objects.get(slug="sense-of-geese")).token')
    page.goto(f"{site.url}/take/{token}/trials/")
    expect(page.locator("#status")).to_contain_text("Your browser keeps no cookies")
    expect(page.locator("#screen")).to_be_hidden()
    context.close()


@pytest.mark.parametrize("is_kept", [True, False])
def test_a_security_cookie_that_is_gone_costs_no_answer(taker: Taker, context: BrowserContext, is_kept: bool) -> None:
    """The page is loaded anew and sends what it kept; where the device keeps nothing, it says what is wrong instead."""
    if not is_kept:
        context.add_init_script(WITHOUT_STORAGE)
    before = taker.answer_first(4)
    assert any(len(taker.rows()["rows"]) == before for _ in range(20))
    context.clear_cookies(name="csrftoken")
    taker.answer()
    if is_kept:
        taker.to_screen()
        expect(taker.page.locator("#progress-text")).to_contain_text(f"{before + 2} ")
        sane(taker.rows(), before + 1)
    else:
        expect(taker.page.locator("#status")).to_contain_text("Your browser keeps no cookies")
        assert len(taker.rows()["rows"]) == before


def test_the_back_button_at_every_page_loses_and_doubles_nothing(taker: Taker) -> None:
    page = taker.page
    page.goto(taker.site.url + "/withdraw/")
    page.goto(taker.site.url + taker.join)

    def back_and_forward(there: str) -> None:
        expect(page.get_by_role("heading", name=there).first).to_be_visible()
        page.go_back()
        page.go_forward()
        expect(page.get_by_role("heading", name=there).first).to_be_visible()

    back_and_forward("What do you see?")
    page.get_by_role("button", name="I agree").click()
    back_and_forward("What you will do")
    page.go_back()  # the consent page, which says that there is something to go on with
    page.get_by_role("link", name="Go on where I was").click()
    page.get_by_role("link", name="Continue").click()
    taker.token = page.url.split("/")[4]
    for state in ("between", "screen", "feedback", "screen", "screen"):
        while taker.settle() != state:
            taker.answer() if taker.settle() == "screen" else page.keyboard.press("Enter")
            page.wait_for_timeout(50)
        page.go_back()
        page.go_forward()
    taker.finish()
    rows = taker.rows()
    sane(rows, rows["trials"])
    back_and_forward("Thank you")
    page.get_by_role("link", name="Withdraw my answers").click()
    back_and_forward("Withdraw from the study?")
    page.get_by_role("button", name="Withdraw and delete").click()
    back_and_forward("Your answers are deleted")
    page.go_back()
    expect(page.get_by_role("heading", name="Your answers are deleted")).to_be_visible()
    assert len(taker.site.python("result = list(Participant.objects.filter(state='withdrawn').values_list('pk'))")) == 1


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="Only Linux limits the files of a running process.")
def test_a_full_disk_is_waited_for_and_every_answer_is_stored_once(taker: Taker) -> None:
    """No process of the server can write anything for a while, and is not restarted when it can."""

    def limit(size: int) -> None:
        for pid in taker.site.processes():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    before = taker.answer_first(4)
    limit(0)
    try:
        taker.answer()
        taker.answer()
        expect(taker.page.locator("#status")).to_contain_text("Your answers are kept on this device")
        assert len(taker.rows(unsent=2)["rows"]) == before
    finally:
        limit(resource.RLIM_INFINITY)
    expect(taker.page.locator("#status")).to_contain_text("All answers are saved")
    taker.finish()
    rows = taker.rows()
    sane(rows, rows["trials"])
    assert taker.unsent() == []
