"""The dashboard in Chromium: accessible on every page, by keyboard, on a phone, under its own policy, and alive."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.serving import Site

pytestmark = pytest.mark.browser
LOAD = """all => Promise.all(all.map(one => {
  one.loading = "eager";
  return one.decode().then(() => true, () => one.src);
}))"""
PASSWORD = "goose on a lake"

# What a researcher finds after some days of work: all kinds of states, errors, people and bots.
WORLD = """
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from attribution.models import *
from study import preparation

ada = User.objects.create_user("ada", password="goose on a lake")
study = factories.running_study()
study.admit(ada, "owner", by=ada)
ready = factories.ready_study(slug="second")
ready.admit(ada, "owner", by=ada)
for number in range(7):
    someone = factories.participant(study, **({"source": study, "origin": "simulated"} if number % 2 else {}))
    Participant.objects.filter(pk=someone.pk).update(state="completed" if number < 5 else "started")
network, images = Network.objects.get(), list(Image.objects.all())
images[0].boxes = [{"object": "goose", "left": 4.5, "top": 5, "right": 40, "bottom": 60}]
images[0].save()
for image, answer in zip(images[:3], (0, 0, 2)):
    (row,) = Measurement.predictions(network, [image])
    row.table = [{"rank": rank, "index": (answer + rank - 1) % 6, "label": network.label((answer + rank - 1) % 6),
                  "probability": 0.7 / rank, "logit": 1.0} for rank in range(1, 6)]
    row.state = "done"
    row.save()
maps = SaliencyMap.order([SaliencyMap(plugin="gradient", network=network, image=image, target={"index": 0})
                          for image in images[:4]])
for row, state in zip(maps, ("done", "failed", "running", "pending")):
    SaliencyMap.objects.filter(pk=row.pk).update(state=state, progress=0.4, error="The worker ran out of memory.")
picture = Picture(plugin="overlay", saliency_map=maps[0], image=images[0], network=network, state="done")
picture.file.save("any.png", ContentFile(factories.png(1, 224)), save=False)
picture.width = picture.height = 224
picture.fill().save()
visualization = Visualization.objects.first()
Visualization.objects.update(curves={"logit": [[1.0, 2.0], [3.0, 5.0]], "probability": [[0.1, 0.2], [0.8, 0.9]]})
upload = NetworkUpload.objects.create(plugin="scenes", name="refused", file_name="weights.pth", content_key="u",
                                      state="failed", error="weights.pth holds code, which is never run.")
from django.conf import settings
from study import reports
report = reports.write(study, settings.VAR_DIR / "report")
result = {"study": [study.slug, study.version], "image": images[0].pk, "done": maps[0].pk, "running": maps[2].pk,
          "failed": maps[1].pk, "visualization": visualization.pk, "upload": upload.pk, "report": report.pk}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), workers=1)
    site.world = site.python(WORLD)
    yield site.start()
    site.close()


def log_in(site: Site, browser: Browser, *, width: int = 1280, scheme: str = "light") -> Page:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    page.goto(f"{site.url}/dashboard/log-in/")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{site.url}/dashboard/")
    return page


def addresses(site: Site) -> list[str]:
    world, (slug, version) = site.world, site.world["study"]
    study = f"studies/{slug}/{version}/"
    return [
        "",
        "password/",
        "networks/",
        "networks/add/",
        "networks/tested/",
        f"networks/uploads/{world['upload']}/",
        "images/",
        "images/add/",
        f"images/{world['image']}/",
        "pictures/",
        "pictures/?kind=visualizations",
        "pictures/?state=failed",
        "pictures/order/",
        "pictures/order/methods/occlusion/",
        "pictures/order/visualizations/class_model/",
        f"pictures/methods/{world['done']}/",
        f"pictures/methods/{world['failed']}/",
        f"pictures/methods/{world['running']}/",
        f"pictures/visualizations/{world['visualization']}/",
        "studies/",
        "studies/new/",
        study,
        *(f"{study}{name}/" for name in ("launch", "document", "audit", "members")),
        "studies/second/1/launch/",
        "studies/none/1/",
    ]


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light"), (320, "dark")])
def test_every_page_is_accessible_fits_and_keeps_to_its_policy(site, browser, width, scheme):
    page = log_in(site, browser, width=width, scheme=scheme)
    complaints, problems = [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: None if request.url.startswith(site.url) else complaints.append(request.url))
    for address in addresses(site):
        response = page.goto(f"{site.url}/dashboard/{address}")
        assert response
        assert response.status == (404 if "none" in address else 200), address
        for one in page.locator("details").all():
            one.evaluate("one => one.open = true")
        for violation in Axe().run(page).response["violations"]:
            nodes = [node["html"][:150] for node in violation["nodes"][:3]]
            problems.append((address, violation["id"], nodes))
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            problems.append((address, "wider than the screen"))
        images = page.locator("img").evaluate_all(LOAD)
        problems += [(address, image) for image in images if image is not True]
    page.close()
    assert problems == []
    assert [words for words in complaints if "404" not in words] == []


def test_what_a_refused_form_says_is_accessible_too(site, browser):
    page = log_in(site, browser)
    page.goto(f"{site.url}/dashboard/pictures/order/methods/gradient/")
    page.get_by_label("Image", exact=False).first.fill("penguin*")
    page.get_by_role("combobox", name="Of what", exact=True).select_option("named")
    page.get_by_label("Classes").fill("gooose")
    page.get_by_role("button", name="Order").click()
    field = page.locator("#id_images")
    expect(field).to_have_attribute("aria-invalid", "true")
    assert "id_images_error" in (field.get_attribute("aria-describedby") or "")
    assert Axe().run(page).response["violations"] == []
    page.close()


@pytest.mark.parametrize("width", [1280, 320])
def test_what_is_said_when_something_is_refused_is_accessible_too(site, browser, width):
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()

    def check(heading: str) -> None:
        expect(page.get_by_role("heading", level=1)).to_have_text(heading)
        assert Axe().run(page).response["violations"] == [], heading
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), heading

    def log_in_wrongly(name: str) -> None:
        page.goto(f"{site.url}/dashboard/log-in/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill("not this one")
        page.get_by_role("button", name="Log in").click()

    page.goto(f"{site.url}/nowhere/")
    check("There is nothing here")
    for _ in range(8):
        log_in_wrongly(f"nobody {width}")
    check("This account is locked for now")
    page.goto(f"{site.url}/dashboard/log-in/")
    context.clear_cookies()
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    check("The form was not accepted")
    context.close()


def test_the_keyboard_alone_reaches_everything(site, browser):
    page = browser.new_page()
    page.goto(f"{site.url}/dashboard/")
    page.keyboard.type("ada")  # the first field of the log-in has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.url}/dashboard/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    assert page.evaluate("document.activeElement.getBoundingClientRect().top") >= 0, "it shows when it has the focus"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "page"
    slug, version = site.world["study"]
    page.goto(f"{site.url}/dashboard/studies/{slug}/{version}/")
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent.trim().split(/\\s+/).slice(0, 3).join(' ')"))
        ring = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert ring != "none" or page.evaluate("document.activeElement === document.body")
    assert {"Pause", "Make a report", "Responses as CSV", "Take it as", "Add a source", "Members"} <= reached
    page.close()


def test_a_page_follows_the_workers_without_being_loaded_again(site, browser):
    page = log_in(site, browser)
    running = site.world["running"]
    site.python(f"""
        from attribution.models import SaliencyMap
        SaliencyMap.objects.filter(pk={running}).update(state="running")  # making a study ready computes all rows
        result = None
    """)
    page.goto(f"{site.url}/dashboard/pictures/methods/{running}/")
    expect(page.get_by_text("A worker is at it.")).to_be_visible()
    page.evaluate("window.isTheSame = true")
    site.python(f"""
        from attribution.models import SaliencyMap
        SaliencyMap.objects.filter(pk={running}).update(state="failed", error="Words from the worker.")
        result = None
    """)
    expect(page.get_by_text("Words from the worker.")).to_be_visible(timeout=15_000)
    assert page.evaluate("window.isTheSame")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.resource_type == "xhr" else None)
    page.wait_for_timeout(4_500)
    assert asked == [], "what is over is not asked for again"
    site.python(f"""
        from attribution.models import SaliencyMap
        SaliencyMap.objects.filter(pk={running}).update(state="running", error="")
        result = None
    """)
    page.close()


def test_whoever_works_with_the_keyboard_keeps_the_focus_while_the_page_follows(site, browser):
    page = log_in(site, browser)
    slug, version = site.world["study"]
    page.goto(f"{site.url}/dashboard/studies/{slug}/{version}/")
    page.get_by_role("button", name="Pause").focus()
    people = page.get_by_role("region", name="People by arm").locator("tfoot .number").first
    before = people.inner_text()
    site.python(f"""
        factories.participant(Study.objects.get(slug="{slug}"))
        result = None
    """)
    expect(people).to_have_text(str(int(before) + 1), timeout=15_000)
    assert page.evaluate("document.activeElement.id") == "pause"
    page.close()


def test_the_report_shows_itself_under_its_own_policy(site, browser):
    page = log_in(site, browser)
    complaints = []
    page.on("console", lambda message: complaints.append(message.text))
    slug, version = site.world["study"]
    page.goto(f"{site.url}/dashboard/studies/{slug}/{version}/")
    page.get_by_role("region", name="List of reports").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    assert page.evaluate("getComputedStyle(document.body).maxWidth") != "none", "its style is let in"
    assert complaints == []
    page.close()


def test_a_study_is_launched_and_its_link_opens(site, browser):
    page = log_in(site, browser)
    site.python("""
        from django.contrib.auth.models import User
        ada = User.objects.get()
        factories.ready_study(slug="third").admit(ada, "owner", by=ada)
        result = None
    """)
    page.goto(f"{site.url}/dashboard/studies/third/1/")
    page.get_by_role("link", name="Launch").click()
    promised = page.get_by_text(re.compile(r"^[0-9a-f]{64}$")).text_content()
    page.get_by_role("button", name="Freeze and launch").click()
    expect(page.get_by_text("Launched: the link is open.")).to_be_visible()
    expect(page.get_by_text(promised or "")).to_be_visible()
    link = page.get_by_label("Link of link").input_value()
    visitor = browser.new_page()
    response = visitor.goto(link)
    assert response
    assert response.status == 200
    expect(visitor.get_by_text("You can stop at any time.")).to_be_visible()
    visitor.close()
    page.close()
