"""``python -m tests.browser.screenshots FOLDER``: every page and every trial type of the survey, wide and narrow.

Starts a site of its own in a temporary folder, writes one PNG a screen and width, and stops it. Pictures are to be
looked at: what tests measure fits, but is not yet what one would publish.
"""

import os
import sys
import tempfile
from pathlib import Path

import django
from playwright.sync_api import Browser, sync_playwright

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()  # before anything that imports a model

from tests.browser.conftest import ARGUMENTS, installed  # noqa: E402
from tests.browser.survey_taking import STUDY, Taker  # noqa: E402
from tests.browser.trial_screens import Shown, all_types  # noqa: E402
from tests.serving import Site  # noqa: E402

WIDTHS = {1280: 900, 360: 740}  # px -> px of height


def pages(site: Site, browser: Browser, width: int, folder: Path, join: str) -> None:
    """The way through a study, and each page beside it."""
    context = browser.new_context(viewport={"width": width, "height": WIDTHS[width]}, locale="en-US")
    taker = Taker(site, context.new_page(), join)
    seen: set[str] = set()

    def keep(name: str) -> None:
        if name not in seen:
            taker.page.screenshot(path=folder / f"page-{len(seen):02}-{name}-{width}.png", full_page=True)
            seen.add(name)

    for path, name in (("/take/nowhere/", "lost"), ("/withdraw/", "withdraw_by_code"), (join, "consent")):
        taker.page.goto(site.url + path)
        keep(name)
    taker.page.get_by_role("button", name="I agree").click()
    keep("instructions")
    taker.page.get_by_role("link", name="Continue").click()
    while (state := taker.settle()) != "done":
        keep(f"{state}_{taker.kind}" if state == "screen" else state)
        if state == "screen":
            if not taker.page.get_by_text("You can leave this empty.").count():
                taker.page.keyboard.press("Enter")
                keep(f"unanswered_{taker.kind}")
            taker.page.evaluate("document.getElementById('prompt').focus()")
            taker.answer()
        else:
            taker.page.keyboard.press("Enter")
            taker.page.wait_for_timeout(50)
    keep("thanks")
    taker.page.get_by_role("link", name="Withdraw my answers").click()
    keep("withdraw")
    context.close()


def types(site: Site, browser: Browser, width: int, folder: Path, join: str) -> None:
    """A screen of every trial type."""
    context = browser.new_context(viewport={"width": width, "height": WIDTHS[width]}, locale="en-US")
    shown = Shown(Taker(site, context.new_page(), join).begin())
    for example in all_types():
        shown.ask(example.screen).screenshot(path=folder / f"type-{example.name}-{width}.png", full_page=True)
    context.close()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as own, sync_playwright() as playwright:
        site = Site(Path(own))
        join = site.python(STUDY)
        site.start()
        browser = playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS)
        try:
            for width in WIDTHS:
                pages(site, browser, width, folder, join)
                types(site, browser, width, folder, join)
        finally:
            browser.close()
            site.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
