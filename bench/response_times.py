"""How wrong the stored response times are: Chromium takes the survey with real key presses at known delays.

The truth is independent of the survey's own code: the browser's compositor says when the picture was painted (Element
Timing), this process says when it sent the key, on one clock. What is between sending a key and the event is in the
error as well, so the page's own error is smaller.
"""

import os
import pathlib
import random
import statistics
import sys
import tempfile
import time

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "study.settings")
FOLDER = tempfile.TemporaryDirectory(prefix="gander-bench-")
os.environ["GANDER_VAR"] = FOLDER.name

import django  # noqa: E402  reads the folder

django.setup()

from playwright.sync_api import Page, sync_playwright  # noqa: E402

from tests.browser.conftest import ARGUMENTS  # noqa: E402  needs Django to be set up
from tests.browser.survey_taking import Taker  # noqa: E402
from tests.serving import Site  # noqa: E402

SESSIONS = 10
DELAYS_MS = (250.0, 1500.0)  # after the painting, drawn evenly from between
FRAME_MS = 1000 / 60
CHROMIUM = pathlib.Path("/usr/bin/chromium")
# One question a picture: a picture that is already there is not painted again.
MAKE_STUDY = """
from study import invitations
tasks = [{**task, "options": dict(task["options"])} for task in factories.DOCUMENT["tasks"][:1]]
study = factories.running_study(tasks=tasks, catch={"count": 0}, practice={"count": 0}, questionnaire=[])
result = invitations.make(study, "simulated")
"""
# Notes when each picture was painted: performance.now() of its latest frame.
WATCH = """
window.painted = -1;
const Original = window.Image;
window.Image = function () {
  const image = new Original();
  image.setAttribute("elementtiming", "picture");
  return image;
};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.painted = Math.max(window.painted, entry.renderTime);
}).observe({ type: "element", buffered: true });
"""
# Whether the screen with this number is no longer asked.
LEFT = """(number) => document.body?.dataset.at !== "asking" ||
  !document.getElementById("progress-text").textContent.startsWith(number)"""


def page_clock(page: Page) -> float:
    """What to add to the page's performance.now() to have this process's clock, in ms: from the quickest of 40 asks."""
    asked: list[tuple[float, float]] = []
    for _ in range(40):
        before = time.perf_counter()
        shown = float(page.evaluate("performance.now()"))
        after = time.perf_counter()
        asked.append((after - before, (before + after) / 2 * 1000 - shown))
    return min(asked)[1]


def errors(taker: Taker, rng: random.Random) -> list[float]:
    """Stored minus true response time of each screen with a picture, in ms."""
    page = taker.page
    true: dict[int, float] = {}
    while taker.settle() != "done":
        taker.to_screen()
        position = taker.position
        taker.choose(str(rng.randint(1, 4)))
        page.wait_for_function("() => window.painted > 0")
        painted = page.evaluate("window.painted") + page_clock(page)
        delay = rng.uniform(*DELAYS_MS)
        while time.perf_counter() * 1000 < painted + delay:
            time.sleep(0.0005)
        page.evaluate("window.painted = -1")
        true[position] = time.perf_counter() * 1000 - painted
        page.keyboard.press("Enter")
        page.wait_for_function(LEFT, arg=f"{position + 1} ")
    stored = {row[0]: row[2] for row in taker.rows()["rows"]}
    return [stored[position] - ms for position, ms in true.items()]


def main() -> int:
    if not CHROMIUM.exists():
        sys.stdout.write("Chromium is not installed (apt-get install chromium); response times were not measured.\n")
        return 0
    rng = random.Random(1)
    found: list[float] = []
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        site = Site(pathlib.Path(name) / "site").start()
        try:
            join = site.python(MAKE_STUDY)
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
            for _ in range(SESSIONS):
                context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en")
                context.add_init_script(WATCH)
                found += errors(Taker(site, context.new_page(), join).begin(), rng)
                context.close()
            browser.close()
        finally:
            site.close()
    middle, size = statistics.median(found), statistics.median(abs(one) for one in found)
    at95 = statistics.quantiles((abs(one) for one in found), n=20)[-1]
    sys.stdout.write(
        f"{len(found)} key presses in Chromium: stored minus true response time, median {middle:+.1f} ms; "
        f"size of the error, median {size:.1f} ms, 95 % below {at95:.1f} ms; one frame is {FRAME_MS:.1f} ms\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
