"""Taking the survey in Chromium: a participant's hands, and what the database says afterwards."""

from typing import Any

from playwright.sync_api import Page

from tests.serving import Site

# Every kind of control that a trial type of the study asks with.
QUESTIONS = """
scale = {"kind": "scale", "points": 11, "prompt": {"en": "How sure were you?", "de": "Wie sicher?"},
         "low_label": {"en": "unsure", "de": "unsicher"}, "high_label": {"en": "sure", "de": "sicher"}}
extra = [
    {"name": "line", "trial_type": "rate", "options": {
        "scale": "analogue", "panels": [], "prompt": {"en": "How tired are you?", "de": "Wie müde?"},
        "alt": {"en": "none", "de": "keines"},
        "low_label": {"en": "awake", "de": "wach"}, "high_label": {"en": "tired", "de": "müde"}}},
    {"name": "sure", "trial_type": "question", "options": scale},
    {"name": "age", "trial_type": "question", "options": {
        "kind": "number", "low": 18, "high": 120, "prompt": {"en": "How old are you?", "de": "Wie alt sind Sie?"}}},
    {"name": "several", "trial_type": "question", "options": {
        "kind": "several", "prompt": {"en": "What did you see?", "de": "Was sahen Sie?"},
        "choices": [["beaks", {"en": "Beaks", "de": "Schnäbel"}], ["wings", {"en": "Wings", "de": "Flügel"}]]}},
]
"""
STUDY = (
    QUESTIONS
    + """
study = factories.running_study(questionnaire=[*extra, *factories.DOCUMENT["questionnaire"]])
result = "/join/%s/" % factories.recruitment(study).token
"""
)
ROWS = """
someone = Participant.objects.get(token="%s")
rows = Response.objects.filter(trial__participant=someone).select_related("trial").order_by("trial__position")
result = {"state": someone.state, "browser": someone.browser, "trials": someone.trials.count(),
          "rows": [[r.trial.position, r.answer, r.response_ms, r.quality] for r in rows]}
"""


STATE = """() => location.pathname.endsWith("/thanks/")
  ? document.readyState === "complete" && "done"
  : { pausing: "between", asking: "screen", told: "feedback" }[document.body?.dataset.at] ?? false"""
# The answers that a page keeps until the server has them; none is found where the browser refuses storage.
UNSENT = """(() => {
  try { return Object.keys(localStorage).filter(name => name.includes(".answer.")); } catch { return []; }
})()"""
# What a finger would miss: controls of less than 44 px.
SMALL_TARGETS = """() => [...document.querySelectorAll("button, .button, label.option, input[type], textarea")]
  .filter(one => one.checkVisibility() && !one.closest("label.option > *"))
  .map(one => [one.getBoundingClientRect(), one])
  .filter(([box]) => box.height < 44 || box.width < 44)
  .map(([box, one]) => `${one.outerHTML} ${box.width} x ${box.height}`)"""


class Taker:
    """Somebody at a page of the survey."""

    def __init__(self, site: Site, page: Page, join: str) -> None:
        self.site, self.page, self.join = site, page, join
        self.complaints: list[str] = []
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def begin(self) -> "Taker":
        """Agree, and go to the first trial."""
        self.page.goto(self.site.url + self.join)
        self.page.get_by_role("button", name="I agree").click()
        self.page.get_by_role("link", name="Continue").click()
        self.token = self.page.url.split("/")[4]
        self.settle()
        return self

    def settle(self) -> str:
        """Wait until something is asked or offered, and say what: screen, feedback, between or done."""
        return str(self.page.wait_for_function(STATE).json_value())

    def to_screen(self) -> "Taker":
        """On, over pauses and feedback, to the next question."""
        while self.settle() in ("between", "feedback"):
            self.page.keyboard.press("Enter")
        return self

    @property
    def position(self) -> int:
        return int(self.page.locator("#progress-text").inner_text().split()[0]) - 1

    @property
    def kind(self) -> str:
        return str(self.page.locator("#controls fieldset").first.get_attribute("class")).split()[0]

    def choose(self, digit: str = "1") -> None:
        """Answer what is asked, by keyboard."""
        kind = self.kind
        if kind == "slider":
            self.page.keyboard.press("Tab")
            self.page.keyboard.press("ArrowRight")
        elif kind in ("text", "number"):
            self.page.keyboard.press("Tab")
            self.page.keyboard.type("42")
        else:
            self.page.keyboard.press(digit)

    def answer(self, digit: str = "1") -> None:
        self.to_screen()
        self.choose(digit)
        if self.page.locator("textarea").count():
            self.page.keyboard.press("Tab")  # Enter makes a new line in a long text
        self.page.keyboard.press("Enter")
        self.page.wait_for_function(
            "() => document.activeElement?.id !== 'next' || document.getElementById('screen').hidden"
        )

    def answer_first(self, count: int) -> int:
        """Begin and answer so many screens, until all that is stored; the position of the question asked next."""
        self.begin()
        for _ in range(count):
            self.answer()
        self.to_screen()
        self.send()
        return self.position

    def finish(self) -> "Taker":
        for _ in range(100):
            if self.settle() == "done":
                return self
            if self.settle() == "screen":
                self.answer()
            else:
                self.page.keyboard.press("Enter")
        raise AssertionError("The study does not end.")

    def send(self, *, all_but: int = 0) -> None:
        """Wait until the page has sent all its answers but so many: it turns to the next screen before."""
        self.page.wait_for_function(f"() => {UNSENT}.length === {all_but}")

    def rows(self, *, unsent: int = 0) -> dict[str, Any]:
        """What is stored, once all the answers but so many are sent."""
        self.send(all_but=unsent)
        rows: dict[str, Any] = self.site.python(ROWS % self.token)
        return rows

    def unsent(self) -> list[str]:
        return list(self.page.evaluate(UNSENT))


def sane(rows: dict[str, Any], answered: int) -> None:
    """Exactly one response for each of the first trials, with times that somebody could have taken."""
    assert [row[0] for row in rows["rows"]] == list(range(answered))
    for _position, _answer, response_ms, quality in rows["rows"]:
        assert 0 < response_ms < 60_000
        assert 0 < quality["frame_ms"] < 10_000
        assert quality["load_ms"] >= 0
        assert quality["viewport"][0] > 0
