"""A study that marks regions with every tool, and hands that mark them in Chromium."""

from playwright.sync_api import Locator

from tests.browser.survey_taking import Taker

# Two pictures, four questions each: a point, a box, an outline, a brush.
STUDY = """
from study import preparation
from tests.study.test_preparation import prepared
def asked(tool, en, de, **options):
    texts = {"prompt": {"en": en, "de": de}, "alt": {"en": "The photo", "de": "Das Foto"}}
    options = {"panels": ["photo"], "name_class": True, "names": {l: {"en": l, "de": g} for l, g in
               zip(factories.LABELS, factories.GERMAN)}, **options}
    return {"name": tool, "trial_type": "mark_region", "options": {"tool": tool, **texts, **options}}
study = prepared(factories.document(
    conditions=[{"name": "gradient", "method": "gradient"}],
    items={"images": ["goose_0.png", "lemon_1.png"]},
    tasks=[asked("point", "Where is it?", "Wo ist es?", least=2, most=3),
           asked("box", "Draw a box around it.", "Zeichnen Sie ein Rechteck darum.", most_area=0.5),
           asked("polygon", "Mark its outline.", "Markieren Sie seinen Umriss."),
           asked("brush", "Paint what made the computer say so.", "Übermalen Sie, was den Computer überzeugte.",
                 brush=0.1)],
    practice={}, catch={}, questionnaire=[], analysis={"primary": "regions_against_maps"}))
factories.compute(study)
preparation.launch(study)
result = "/join/%s/" % factories.recruitment(study).token
"""


class Marker(Taker):
    """Somebody who marks: places are fractions of what is seen of the picture."""

    @property
    def area(self) -> Locator:
        return self.page.locator(".marking")

    def at(self, x: float, y: float) -> tuple[float, float]:
        box = self.area.bounding_box()
        assert box is not None
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))

    def tap(self, x: float, y: float) -> None:
        self.page.touchscreen.tap(*self.at(x, y))

    def drag(self, *places: tuple[float, float]) -> None:
        self.page.mouse.move(*self.at(*places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.at(*place), steps=6)
        self.page.mouse.up()

    def swipe(self, *places: tuple[float, float]) -> None:
        """One finger from place to place, through the browser's own touch events."""
        session = self.page.context.new_cdp_session(self.page)

        def touch(kind: str, place: tuple[float, float] | None) -> None:
            points = [] if place is None else [dict(zip("xy", self.at(*place), strict=True))]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        touch("touchStart", places[0])
        for place in places[1:]:
            touch("touchMove", place)
        touch("touchEnd", None)
        session.detach()

    def press(self, *keys: str) -> None:
        """Keys, each with how often: “ArrowLeft*5”."""
        for key in keys:
            name, _, times = key.partition("*")
            for _ in range(int(times or 1)):
                self.page.keyboard.press(name)

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def next(self) -> None:
        """On to the next screen, by keyboard."""
        before = self.page.locator("#progress-text").inner_text()
        self.page.locator("#next").focus()
        self.page.keyboard.press("Enter")
        self.page.wait_for_function(
            "before => document.body.dataset.at !== 'asking' || "
            "document.getElementById('progress-text').textContent !== before",
            arg=before,
        )
        self.settle()

    def marked(self) -> list[list[list[list[float]]]]:
        """The stored regions of each answered trial."""
        return [row[1]["region"] for row in self.rows()["rows"]]
