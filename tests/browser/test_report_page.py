"""The report in Chromium: accessible, nothing beyond the edge, readable in light, dark, on a phone and on paper."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import sync_playwright

from study import reports
from tests.browser.conftest import ARGUMENTS, installed
from tests.study.answered_study import CONDITIONS, PHOTO, answered_study

pytestmark = [pytest.mark.browser, pytest.mark.django_db]
LONG = (
    (
        "class_model",
        "A label that is long because it says what was shown, how, and with which network",
        "treatment",
        0.5,
    ),
    *CONDITIONS[1:],
)


@pytest.mark.parametrize(
    ("conditions", "participants", "origin"),
    [((*CONDITIONS, PHOTO), 12, "simulated"), (LONG, 3, "person"), (CONDITIONS, 0, "person")],
)
def test_the_report_is_accessible_and_fits_every_width(tmp_path, conditions, participants, origin):
    rules = [{"rule": "catch_ratio", "parameters": {"at_least": 1.0}}]
    study = answered_study(
        conditions=conditions, participants=participants, origin=origin, exclusions=rules, catch_skill=0.8
    )
    reports.write(study, tmp_path)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed(), args=ARGUMENTS)
        for width, scheme in ((1280, "light"), (1280, "dark"), (1000, "light"), (360, "light"), (320, "dark")):
            page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
            complaints = []
            page.on("console", lambda message, said=complaints: said.append(message.text))
            page.on(
                "request",
                lambda request, said=complaints: said.append(request.url) if "index.html" not in request.url else None,
            )
            page.goto((tmp_path / "index.html").as_uri())
            page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
            assert Axe().run(page).response["violations"] == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
            texts = page.locator("svg.figure text").evaluate_all(
                "all => all.map(one => [one.getBoundingClientRect().right, one.textContent])"
            )
            assert all(right <= width for right, _ in texts), max(texts)
            cut = page.locator(".table").evaluate_all(
                "all => all.filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.ariaLabel)"
            )
            assert width < 1000 or cut == []
            assert complaints == []
            page.close()
        page = browser.new_page()
        page.goto((tmp_path / "index.html").as_uri())
        assert page.pdf(format="A4", prefer_css_page_size=True).startswith(b"%PDF")
        browser.close()
